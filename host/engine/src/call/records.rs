//! `records`: a plugin's own documents.

use std::sync::Arc;

use siyu_model::{json, limits};

use super::host::{CallScope, key};
use crate::ports::plugins::{Asked, HostError, RecordScan};
use crate::ports::rows::RecordKey;
use crate::ports::store::RecordRange;

impl CallScope {
    fn record_key(&mut self, customer: Option<&str>, text: &str) -> Asked<RecordKey> {
        let customer = customer.map(|customer| self.whom(Some(customer))).transpose()?;
        Ok(RecordKey { plugin: self.plugin.clone(), customer, key: key(text)? })
    }

    pub(super) fn get_record(&mut self, customer: Option<&str>, text: &str) -> Asked<Option<Arc<str>>> {
        let key = self.record_key(customer, text)?;
        let found = self.memory.record(&key);
        self.got(found)
    }

    pub(super) fn write_record(&mut self, customer: Option<&str>, text: &str, body: &str) -> Asked<()> {
        let key = self.record_key(customer, text)?;
        json::check_document(body, limits::call::RECORD_BYTES_MAX)
            .map_err(|fault| HostError::Invalid(format!("record `{text}`: {fault}")))?;
        let written = self.memory.set_record(&key, Some(body.into()));
        self.got(written)
    }

    pub(super) fn remove_record(&mut self, customer: Option<&str>, text: &str) -> Asked<bool> {
        let key = self.record_key(customer, text)?;
        let found = self.memory.record(&key);
        if self.got(found)?.is_none() {
            return Ok(false);
        }
        let removed = self.memory.set_record(&key, None);
        self.got(removed).map(|()| true)
    }

    pub(super) fn list_records(
        &mut self,
        customer: Option<&str>,
        scan: RecordScan<'_>,
    ) -> Asked<Vec<(String, Arc<str>)>> {
        let limit = scan.limit;
        if limit == 0 || limit > limits::call::SCAN_ROWS_MAX {
            let most = limits::call::SCAN_ROWS_MAX;
            return Err(HostError::Invalid(format!("a scan of {limit} records, expected 1 to {most}")));
        }
        let range = RecordRange {
            plugin: self.plugin.clone(),
            customer: customer.map(|customer| self.whom(Some(customer))).transpose()?,
            prefix: scan.prefix.to_owned(),
            after: scan.after.map(str::to_owned),
            limit: limit as usize,
        };
        let found = self.memory.scan_records(range);
        self.got(found)
    }
}
