//! Keys of what there is, page by page in their own order, for whoever must know what is not there.

use siyu_engine::ports::rows::StockKey;
use siyu_engine::ports::store::{KeyTable, StoreError, StoredKey};
use siyu_model::event::Identity;

use crate::database::{Args, Database};
use crate::decode::all;

/// Keys of a table after one of them. One of another table is before all.
pub(crate) async fn read<D: Database>(
    database: &D,
    table: KeyTable,
    after: Option<StoredKey>,
    rows: usize,
) -> Result<Vec<StoredKey>, StoreError> {
    let args = Args::default();
    match table {
        KeyTable::Events => {
            let after = match after {
                Some(StoredKey::Event(hash)) => hash.0.to_vec(),
                _ => Vec::new(),
            };
            let found = database.rows(D::SQL.keys_events, args.bytes(after).limit(rows)).await?;
            all("events", &found, |row| Ok(StoredKey::Event(row.hash()?)))
        }
        KeyTable::Identities => {
            let args = match &after {
                Some(StoredKey::Identity(name)) => args.text(&name.namespace).text(&name.value),
                _ => args.text("").text(""),
            };
            let found = database.rows(D::SQL.keys_identities, args.limit(rows)).await?;
            all("identities", &found, |row| {
                Ok(StoredKey::Identity(Identity { namespace: row.string()?, value: row.string()? }))
            })
        }
        KeyTable::Counters => {
            let args = match &after {
                Some(StoredKey::Counter(StockKey { plugin, key })) => args.text(plugin).text(key.as_str()),
                _ => args.text("").text(""),
            };
            let found = database.rows(D::SQL.keys_counters, args.limit(rows)).await?;
            all("counters", &found, |row| Ok(StoredKey::Counter(row.stock_key()?)))
        }
    }
}
