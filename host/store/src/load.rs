//! Rows by key: everything that one load wants, in one view of the database.
//!
//! Only what is wanted is asked for, so that what is not wanted costs nothing.

use std::collections::BTreeMap;

use siyu_engine::ports::rows::RecordKey;
use siyu_engine::ports::store::{CustomerImage, Loaded, StoreError, Wants};
use siyu_model::customer::Customer;
use siyu_model::event::Identity;
use siyu_model::id::CustomerId;
use siyu_model::json;

use crate::database::{Args, Batch, Cells, Database, Rows};
use crate::decode::{Fields, all};
use crate::encode;
use crate::queries::Queries;

/// What can be wanted.
const PARTS: usize = 15;
/// The part that is several statements.
const CUSTOMERS: usize = 2;

/// The statements of a part.
fn statements(sql: &Queries, part: usize) -> Vec<&'static str> {
    let one = match part {
        0 => sql.load_dedupes,
        1 => sql.load_identities,
        CUSTOMERS => return statements_of_customers(sql).to_vec(),
        3 => sql.load_runs,
        4 => sql.load_waits_matching,
        5 => sql.load_entries,
        6 => sql.load_records,
        7 => sql.load_pools,
        8 => sql.load_reservations,
        9 => sql.load_counters,
        10 => sql.load_codes,
        11 => sql.load_messages,
        12 => sql.load_planned,
        13 => sql.load_accounts,
        _ => sql.load_scans,
    };
    vec![one]
}

fn statements_of_customers(sql: &Queries) -> [&'static str; 8] {
    [
        sql.load_customers,
        sql.load_customers_identities,
        sql.load_customers_tags,
        sql.load_customers_facts,
        sql.load_customers_records,
        sql.load_customers_waits,
        sql.load_customers_entries,
        sql.load_customers_segments,
    ]
}

/// Loads what is wanted.
pub(crate) async fn load<D: Database>(database: &D, wants: Wants) -> Result<Loaded, StoreError> {
    let mut parts = Vec::new();
    let mut questions = Vec::new();
    for (part, keys) in keys::<D::Batch>(&wants)?.into_iter().enumerate() {
        if keys.count > 0 {
            parts.push(part);
            // Statements of one part take the same keys.
            let texts = statements(D::SQL, part);
            questions.extend(texts.into_iter().map(|text| (text, Args::default().rows(keys.clone()))));
        }
    }
    if parts.is_empty() {
        return Ok(Loaded::default());
    }
    collect(&parts, database.view(questions).await?)
}

/// The keys of each part.
fn keys<B: Batch>(wants: &Wants) -> Result<[Rows; PARTS], StoreError> {
    let pair = |(first, second): (&str, &str), row: &mut B| {
        row.text(first).text(second);
    };
    let identities = wants.identities.iter().map(|name| (&*name.namespace, &*name.value));
    let pools = wants.pools.iter().map(|key| (&*key.plugin, key.key.as_str()));
    let counters = wants.counters.iter().map(|key| (&*key.plugin, key.key.as_str()));
    let planned = wants.planned.iter().map(|(plugin, key)| (plugin.as_str(), key.as_str()));
    let records = B::of("record_key", &wants.records, |key, row| {
        encode::record_key(key, row);
    });
    Ok([
        B::keys(wants.dedupes.iter().map(|hash| &hash.0[..])).finish()?,
        B::of("text_pair", identities, pair).finish()?,
        B::keys(wants.customers.iter().map(|id| &id.as_bytes()[..])).finish()?,
        B::keys(wants.runs.iter().map(|id| &id.as_bytes()[..])).finish()?,
        B::keys(wants.matching.iter().map(|hash| &hash.0[..])).finish()?,
        B::keys(wants.entries.iter().map(|hash| &hash.0[..])).finish()?,
        records.finish()?,
        B::of("text_pair", pools, pair).finish()?,
        B::keys(wants.reservations.iter().map(|id| &id.as_bytes()[..])).finish()?,
        B::of("text_pair", counters, pair).finish()?,
        B::keys(wants.codes.iter().map(|hash| &hash.0[..])).finish()?,
        B::keys(wants.messages.iter().map(|id| &id.as_bytes()[..])).finish()?,
        B::of("text_pair", planned, pair).finish()?,
        encode::account_keys::<B>(&wants.accounts).finish()?,
        B::keys(wants.scans.iter().map(|id| &id.as_bytes()[..])).finish()?,
    ])
}

/// Sorts the answers into their lists.
fn collect<R: Cells>(parts: &[usize], answers: Vec<Vec<R>>) -> Result<Loaded, StoreError> {
    let mut answers = answers.into_iter();
    let mut next = || answers.next().unwrap_or_default();
    let mut loaded = Loaded::default();
    for part in parts {
        if *part == CUSTOMERS {
            let tables = std::array::from_fn(|_| next());
            loaded.customers = customers(&tables)?;
        } else {
            put(&mut loaded, *part, &next())?;
        }
    }
    Ok(loaded)
}

/// Reads the rows of a part that is one statement.
fn put<R: Cells>(loaded: &mut Loaded, part: usize, rows: &[R]) -> Result<(), StoreError> {
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
        13 => loaded.accounts = all("accounts", rows, Fields::account)?,
        _ => loaded.scans = all("scans", rows, Fields::scan)?,
    }
    Ok(())
}

fn identity<R: Cells>(row: &mut Fields<'_, R>) -> Result<Identity, StoreError> {
    Ok(Identity { namespace: row.string()?, value: row.string()? })
}

fn record<R: Cells>(row: &mut Fields<'_, R>) -> Result<(RecordKey, String), StoreError> {
    let key = RecordKey { customer: row.owner()?, plugin: row.parse()?, key: row.parse()? };
    Ok((key, row.string()?))
}

/// Customers from the results of their eight statements.
fn customers<R: Cells>(tables: &[Vec<R>; 8]) -> Result<Vec<CustomerImage>, StoreError> {
    let [rows, identities, tags, facts, records, waits, entries, segments] = tables;
    let mut images: BTreeMap<CustomerId, CustomerImage> = BTreeMap::new();
    for row in rows {
        let mut row = Fields::of("customers", row);
        let id = CustomerId::from_bytes(row.bytes()?);
        let mut customer = Customer::new(id, row.at()?);
        customer.attributes = json::parse_within(&row.text()?, usize::MAX)
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
fn each<R: Cells>(
    images: &mut BTreeMap<CustomerId, CustomerImage>,
    rows: &[R],
    mut put: impl FnMut(&mut CustomerImage, &mut Fields<'_, R>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    for row in rows {
        let id = CustomerId::from_bytes(Fields::of("customers", row).bytes()?);
        if let Some(image) = images.get_mut(&id) {
            put(image, &mut Fields::of("customers", row))?;
        }
    }
    Ok(())
}
