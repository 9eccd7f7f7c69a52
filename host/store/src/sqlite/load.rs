//! Rows by key: everything that one load wants in one trip and one view of the database.
//!
//! The text of a load is put together from the statements of what is wanted, so that what is not wanted costs nothing;
//! a few dozen combinations exist in practice and each stays prepared.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use siyu_engine::ports::rows::RecordKey;
use siyu_engine::ports::store::{CustomerImage, Loaded, StoreError, Wants};
use siyu_model::customer::Customer;
use siyu_model::event::Identity;
use siyu_model::id::CustomerId;
use siyu_model::json;
use sqlx::AssertSqlSafe;
use sqlx::sqlite::SqliteRow;

use super::connect::{Args, Readers, Results};
use super::decode::{Fields, all};
use super::jsonb::Batch;
use super::{encode, statements as sql};

/// What can be wanted: the statements of each, in the order of [`Wants`].
const PARTS: [&[&str]; 14] = [
    &[sql::LOAD_DEDUPES],
    &[sql::LOAD_IDENTITIES],
    &[
        sql::LOAD_CUSTOMERS,
        sql::LOAD_CUSTOMERS_IDENTITIES,
        sql::LOAD_CUSTOMERS_TAGS,
        sql::LOAD_CUSTOMERS_FACTS,
        sql::LOAD_CUSTOMERS_RECORDS,
        sql::LOAD_CUSTOMERS_WAITS,
        sql::LOAD_CUSTOMERS_ENTRIES,
        sql::LOAD_CUSTOMERS_SEGMENTS,
    ],
    &[sql::LOAD_RUNS],
    &[sql::LOAD_WAITS_MATCHING],
    &[sql::LOAD_ENTRIES],
    &[sql::LOAD_RECORDS],
    &[sql::LOAD_POOLS],
    &[sql::LOAD_RESERVATIONS],
    &[sql::LOAD_COUNTERS],
    &[sql::LOAD_CODES],
    &[sql::LOAD_MESSAGES],
    &[sql::LOAD_PLANNED],
    &[sql::LOAD_SCANS],
];

/// The texts of loads by what they want, a bit a part.
#[derive(Default)]
pub(super) struct Texts(Mutex<HashMap<u16, Arc<str>>>);

impl Texts {
    fn of(&self, parts: u16) -> Arc<str> {
        let mut texts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let text = texts.entry(parts).or_insert_with(|| {
            let wanted = PARTS.iter().enumerate().filter(|(part, _)| parts & 1 << part != 0);
            let statements: Vec<&str> =
                wanted.flat_map(|(_, statements)| statements.iter().copied()).collect();
            format!("BEGIN;\n{}COMMIT;\n", statements.concat()).into()
        });
        text.clone()
    }
}

/// Loads what is wanted.
pub(super) async fn load(readers: &Readers, texts: &Texts, wants: Wants) -> Result<Loaded, StoreError> {
    let batches = batches(&wants);
    let mut parts = 0;
    let mut args = Args::default();
    for (part, batch) in batches.into_iter().enumerate() {
        if batch.is_empty() {
            continue;
        }
        parts |= 1 << part;
        let bytes = batch.finish()?;
        // Statements of one part take the same keys.
        for _ in PARTS[part] {
            args = args.bytes(bytes.clone());
        }
    }
    if parts == 0 {
        return Ok(Loaded::default());
    }
    let results = readers.run(AssertSqlSafe(texts.of(parts)), args).await?;
    collect(parts, results)
}

/// The keys of each part.
fn batches(wants: &Wants) -> [Batch; PARTS.len()] {
    let pair = |(first, second): (&str, &str), row: &mut super::jsonb::Row<'_>| {
        row.text(first).text(second);
    };
    [
        Batch::keys(wants.dedupes.iter().map(|hash| &hash.0[..])),
        Batch::of(wants.identities.iter().map(|name| (&*name.namespace, &*name.value)), pair),
        Batch::keys(wants.customers.iter().map(|id| &id.as_bytes()[..])),
        Batch::keys(wants.runs.iter().map(|id| &id.as_bytes()[..])),
        Batch::keys(wants.matching.iter().map(|hash| &hash.0[..])),
        Batch::keys(wants.entries.iter().map(|hash| &hash.0[..])),
        Batch::of(&wants.records, |key, row| {
            encode::record_key(key, row);
        }),
        Batch::of(wants.pools.iter().map(|key| (&*key.plugin, key.key.as_str())), pair),
        Batch::keys(wants.reservations.iter().map(|id| &id.as_bytes()[..])),
        Batch::of(wants.counters.iter().map(|key| (&*key.plugin, key.key.as_str())), pair),
        Batch::keys(wants.codes.iter().map(|hash| &hash.0[..])),
        Batch::keys(wants.messages.iter().map(|id| &id.as_bytes()[..])),
        Batch::of(wants.planned.iter().map(|(plugin, key)| (plugin.as_str(), key.as_str())), pair),
        Batch::keys(wants.scans.iter().map(|id| &id.as_bytes()[..])),
    ]
}

/// Sorts the results into their lists. The first result is that of `BEGIN`.
fn collect(parts: u16, results: Results) -> Result<Loaded, StoreError> {
    let mut results = results.into_iter().skip(1);
    let mut next = || results.next().unwrap_or_default();
    let mut loaded = Loaded::default();
    for part in (0..PARTS.len()).filter(|part| parts & 1 << part != 0) {
        if part == 2 {
            let tables = std::array::from_fn(|_| next());
            loaded.customers = customers(&tables)?;
        } else {
            put(&mut loaded, part, &next())?;
        }
    }
    Ok(loaded)
}

/// Reads the rows of a part that is one statement.
fn put(loaded: &mut Loaded, part: usize, rows: &[SqliteRow]) -> Result<(), StoreError> {
    match part {
        0 => loaded.dedupes = all("events", rows, |row| Ok((row.hash()?, row.seq()?)))?,
        1 => {
            loaded.identities =
                all("identities", rows, |row| Ok((identity(row)?, CustomerId::from_bytes(row.bytes()?))))?
        }
        3 => loaded.runs = all("runs", rows, Fields::loaded_run)?,
        4 => loaded.matching = all("waits", rows, Fields::wait)?,
        5 => loaded.entries = all("entries", rows, Fields::entry)?,
        6 => loaded.records = all("records", rows, record)?,
        7 => loaded.pools = all("pools", rows, |row| Ok((row.stock_key()?, row.pool()?)))?,
        8 => loaded.reservations = all("reservations", rows, Fields::reservation)?,
        9 => loaded.counters = all("counters", rows, |row| Ok((row.stock_key()?, row.counter()?)))?,
        10 => loaded.codes = all("codes", rows, Fields::code)?,
        11 => loaded.messages = all("messages", rows, Fields::message)?,
        12 => {
            loaded.planned = all("planned", rows, |row| Ok(((row.parse()?, row.parse()?), row.planned()?)))?
        }
        _ => loaded.scans = all("scans", rows, Fields::scan)?,
    }
    Ok(())
}

fn identity(row: &mut Fields<'_>) -> Result<Identity, StoreError> {
    Ok(Identity { namespace: row.text()?.to_owned(), value: row.text()?.to_owned() })
}

fn record(row: &mut Fields<'_>) -> Result<(RecordKey, String), StoreError> {
    let customer = match row.blob()? {
        [] => None,
        bytes => Some(CustomerId::from_bytes(bytes.try_into().map_err(|_| {
            StoreError::Broken(format!("records.customer: {} bytes, expected 16", bytes.len()))
        })?)),
    };
    let key = RecordKey { customer, plugin: row.parse()?, key: row.parse()? };
    Ok((key, row.text()?.to_owned()))
}

/// Customers from the results of their eight statements.
pub(super) fn customers(tables: &[Vec<SqliteRow>; 8]) -> Result<Vec<CustomerImage>, StoreError> {
    let [rows, identities, tags, facts, records, waits, entries, segments] = tables;
    let mut images: BTreeMap<CustomerId, CustomerImage> = BTreeMap::new();
    for row in rows {
        let mut row = Fields::of("customers", row);
        let id = CustomerId::from_bytes(row.bytes()?);
        let mut customer = Customer::new(id, row.at()?);
        customer.attributes = json::parse_within(row.text()?, usize::MAX)
            .map_err(|fault| StoreError::Broken(format!("attributes of customer {id}: {fault}")))?;
        images.insert(
            id,
            CustomerImage {
                customer,
                records: Vec::new(),
                waits: Vec::new(),
                entries: Vec::new(),
                segments: Vec::new(),
            },
        );
    }
    each(&mut images, identities, |image, row| {
        row.bytes::<16>()?;
        image.customer.identities.push(identity(row)?);
        Ok(())
    })?;
    each(&mut images, tags, |image, row| {
        row.bytes::<16>()?;
        image.customer.tags.insert(row.parse()?, row.tag_mark()?);
        Ok(())
    })?;
    each(&mut images, facts, |image, row| {
        row.bytes::<16>()?;
        image.customer.facts.insert(row.parse()?, row.fact()?);
        Ok(())
    })?;
    each(&mut images, records, |image, row| {
        let (key, body) = record(row)?;
        image.records.push((key.plugin, key.key, body));
        Ok(())
    })?;
    each(&mut images, waits, |image, row| {
        image.waits.push(row.wait()?);
        Ok(())
    })?;
    each(&mut images, entries, |image, row| {
        image.entries.push(row.entry()?);
        Ok(())
    })?;
    each(&mut images, segments, |image, row| {
        image.segments.push(row.segment()?);
        Ok(())
    })?;
    Ok(images.into_values().collect())
}

/// Hands each row to the customer that its first cell names. Rows of nobody are of customers that are not there.
fn each(
    images: &mut BTreeMap<CustomerId, CustomerImage>,
    rows: &[SqliteRow],
    mut put: impl FnMut(&mut CustomerImage, &mut Fields<'_>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    for row in rows {
        let id = CustomerId::from_bytes(Fields::of("customers", row).bytes()?);
        if let Some(image) = images.get_mut(&id) {
            put(image, &mut Fields::of("customers", row))?;
        }
    }
    Ok(())
}
