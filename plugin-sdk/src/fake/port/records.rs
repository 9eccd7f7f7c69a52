//! `records` and `resources`.

use siyu_model::id::CustomerId;
use siyu_model::name::{Key, OfferName};
use siyu_model::plugin::Capability;
use siyu_model::{json, limits};

use super::{Asked, State, ask, key};
use crate::error::Error;

fn place(state: &mut State, customer: Option<&str>, text: &str) -> Asked<(Option<CustomerId>, Key)> {
    let customer = customer.map(|customer| state.whom(Some(customer))).transpose()?;
    Ok((customer, key(text)?))
}

pub(crate) fn record(customer: Option<&str>, text: &str) -> Asked<Option<String>> {
    ask(Capability::Records, |state| {
        let place = place(state, customer, text)?;
        Ok(state.tables.records.get(&place).cloned())
    })
}

fn write(state: &mut State, place: &(Option<CustomerId>, Key), body: &str) -> Asked<()> {
    json::parse_within(body, limits::call::RECORD_BYTES_MAX)
        .map_err(|fault| Error::invalid(format!("record `{}`: {fault}", place.1)))?;
    state.tables.records.set(place, Some(body.to_owned()));
    Ok(())
}

pub(crate) fn put_record(customer: Option<&str>, text: &str, body: &str) -> Asked<()> {
    ask(Capability::Records, |state| {
        let place = place(state, customer, text)?;
        write(state, &place, body)
    })
}

pub(crate) fn insert_record(customer: Option<&str>, text: &str, body: &str) -> Asked<bool> {
    ask(Capability::Records, |state| {
        let place = place(state, customer, text)?;
        if state.tables.records.get(&place).is_some() {
            return Ok(false);
        }
        write(state, &place, body).map(|()| true)
    })
}

pub(crate) fn delete_record(customer: Option<&str>, text: &str) -> Asked<bool> {
    ask(Capability::Records, |state| {
        let place = place(state, customer, text)?;
        Ok(state.tables.records.set(&place, None))
    })
}

pub(crate) fn scan_records(
    customer: Option<&str>,
    prefix: &str,
    after: Option<&str>,
    limit: u32,
) -> Asked<Vec<(String, String)>> {
    ask(Capability::Records, |state| {
        let most = limits::call::SCAN_ROWS_MAX;
        if !(1..=most).contains(&limit) {
            return Err(Error::invalid(format!("a scan of {limit} records, expected 1 to {most}")));
        }
        let owner = customer.map(|customer| state.whom(Some(customer))).transpose()?;
        let rows = state.tables.records.rows().iter();
        let found = rows
            .filter(|((whose, key), _)| *whose == owner && key.as_str().starts_with(prefix))
            .filter(|((_, key), _)| after.is_none_or(|after| key.as_str() > after))
            .take(limit as usize);
        Ok(found.map(|((_, key), body)| (key.to_string(), body.clone())).collect())
    })
}

pub(crate) fn resource(kind: &str, name: &str) -> Asked<Option<String>> {
    ask(Capability::Resources, |state| {
        let Ok(kind) = OfferName::new(kind) else {
            return Ok(None);
        };
        Ok(state.tables.resources.get(&(kind, name.to_owned())).map(|row| row.body.clone()))
    })
}

pub(crate) fn resource_names(kind: &str) -> Asked<Vec<String>> {
    ask(Capability::Resources, |state| {
        let names = state.tables.resources.rows().keys().filter(|(of, _)| of.as_str() == kind);
        Ok(names.map(|(_, name)| name.clone()).collect())
    })
}
