//! `records`: the plugin's own documents. Never looks into a key or a body: whose they are is the host's business.

use siyu_engine::ports::plugins::{HostError, RecordScan};
use siyu_model::limits::call::SCAN_ROWS_MAX;
use siyu_model::plugin::Capability;
use wasmtime::component::Linker;

use super::{Offer, Weight};
use crate::contract::Entry;
use crate::sandbox::state::Call;

type Key = (Option<String>, String);
type Document = (Option<String>, String, String);
type Scan = (Option<String>, String, Option<String>, u32);

pub(super) fn link(linker: &mut Linker<Call>) -> wasmtime::Result<()> {
    let mut records = Offer::new(linker, Capability::Records)?;
    records.ask("get", |host, (customer, key): Key| host.record(customer.as_deref(), &key))?;
    records.ask("put", |host, (customer, key, body): Document| {
        host.put_record(customer.as_deref(), &key, &body)
    })?;
    records.ask("insert", |host, (customer, key, body): Document| {
        host.insert_record(customer.as_deref(), &key, &body)
    })?;
    records.ask("delete", |host, (customer, key): Key| host.delete_record(customer.as_deref(), &key))?;
    records.ask("scan", |host, (customer, prefix, after, limit): Scan| {
        if !(1..=SCAN_ROWS_MAX).contains(&limit) {
            return Err(HostError::Invalid(format!("`limit` is {limit}: expected 1 to {SCAN_ROWS_MAX}")));
        }
        let scan = RecordScan { prefix: &prefix, after: after.as_deref(), limit };
        let found = host.scan_records(customer.as_deref(), scan)?;
        Ok(found.into_iter().map(|(key, body)| Entry { key, body }).collect::<Vec<_>>())
    })
}

impl Weight for Entry {
    fn weight(&self) -> usize {
        self.key.len() + self.body.len()
    }
}
