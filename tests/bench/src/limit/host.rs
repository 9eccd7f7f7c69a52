//! The least that a call of the benchmark's plugin needs of a host: its own documents in a map. Everything else is
//! refused.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{anyhow, bail};
use siyu_engine::ports::plugins::{
    Asked, CallContext, CallHost, EmitRequest, FoundCode, HostError, MessageRequest, PluginCall, Plugins,
    RecordScan, ReserveRequest, Reserved, TagRequest,
};
use siyu_model::clock::UtcMs;
use siyu_model::customer::TagMark;
use siyu_model::id::{CustomerId, RunId};
use siyu_model::name::Tag;
use siyu_model::plugin::Answer;
use siyu_model::stock::pool::Pool;
use siyu_model::stock::reservation::Reservation;

/// A customer's documents.
pub(crate) type Documents = BTreeMap<String, Arc<str>>;

/// A host that has documents of one customer.
pub(crate) struct BareHost {
    context: CallContext,
    /// The documents of the customer whose turn it is.
    pub(crate) documents: Documents,
    /// The documents that were written since this was emptied.
    pub(crate) written: Vec<(String, Arc<str>)>,
}

impl BareHost {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let now: UtcMs = "2026-11-21T09:00:00+08:00".parse()?;
        let context = CallContext {
            id: "run/0/bar".to_owned(),
            tenant: "bench".to_owned(),
            plugin: "bench@1.0.0".to_owned(),
            step: "visit".to_owned(),
            run: Some(RunId::derive(now, &[b"run"])),
            customer: Some(CustomerId::derive(now, &[b"customer"]).to_string()),
            event: Some(r#"{"id":"order-1","type":"order.paid","data":{"amount_fen":12900}}"#.into()),
            attempt: 1,
            now,
            zone: "Asia/Shanghai".to_owned(),
        };
        Ok(Self { context, documents: Documents::new(), written: Vec::new() })
    }

    /// Calls a plugin; gives this host back, and the plugin's output.
    pub(crate) fn call(
        self: Box<Self>,
        plugins: &dyn Plugins,
        call: PluginCall<'_>,
    ) -> anyhow::Result<(Box<Self>, String)> {
        let report = plugins.call(call, self);
        let host =
            report.host.into_any().downcast::<Self>().map_err(|_| anyhow!("another host came back"))?;
        match report.outcome {
            Ok(Answer::Done(output)) => Ok((host, output)),
            Ok(Answer::Refused(refusal)) => bail!("refused: {}", refusal.message),
            Err(fault) => bail!("{fault}"),
        }
    }
}

fn refused<T>() -> Asked<T> {
    Err(HostError::Conflict("the bare host has documents only".to_owned()))
}

impl CallHost for BareHost {
    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }
    fn context(&self) -> &CallContext {
        &self.context
    }
    fn random(&mut self, count: usize) -> Vec<u8> {
        vec![7; count]
    }
    fn record(&mut self, _: Option<&str>, key: &str) -> Asked<Option<Arc<str>>> {
        Ok(self.documents.get(key).cloned())
    }
    fn put_record(&mut self, _: Option<&str>, key: &str, body: &str) -> Asked<()> {
        let body: Arc<str> = body.into();
        self.documents.insert(key.to_owned(), body.clone());
        self.written.push((key.to_owned(), body));
        Ok(())
    }
    fn insert_record(&mut self, _: Option<&str>, _: &str, _: &str) -> Asked<bool> {
        refused()
    }
    fn delete_record(&mut self, _: Option<&str>, _: &str) -> Asked<bool> {
        refused()
    }
    fn scan_records(&mut self, _: Option<&str>, _: RecordScan<'_>) -> Asked<Vec<(String, Arc<str>)>> {
        refused()
    }
    fn define_pool(&mut self, _: &str, _: u64) -> Asked<()> {
        refused()
    }
    fn pool(&mut self, _: &str) -> Asked<Option<Pool>> {
        refused()
    }
    fn reserve(&mut self, _: ReserveRequest) -> Asked<Reserved> {
        refused()
    }
    fn commit_reservation(&mut self, _: &str) -> Asked<bool> {
        refused()
    }
    fn release_reservation(&mut self, _: &str) -> Asked<bool> {
        refused()
    }
    fn reservation(&mut self, _: &str) -> Asked<Option<Reservation>> {
        refused()
    }
    fn take_from_pool(&mut self, _: &str, _: u64) -> Asked<bool> {
        refused()
    }
    fn restock_pool(&mut self, _: &str, _: u64) -> Asked<()> {
        refused()
    }
    fn take_counter(&mut self, _: &str, _: u64, _: u64) -> Asked<(bool, u64)> {
        refused()
    }
    fn give_back_counter(&mut self, _: &str, _: u64) -> Asked<()> {
        refused()
    }
    fn counter(&mut self, _: &str) -> Asked<u64> {
        refused()
    }
    fn mint_code(&mut self, _: &str, _: u8, _: &str) -> Asked<String> {
        refused()
    }
    fn adopt_code(&mut self, _: &str, _: &str, _: &str) -> Asked<bool> {
        refused()
    }
    fn find_code(&mut self, _: &str, _: &str) -> Asked<FoundCode> {
        refused()
    }
    fn customer(&mut self, _: Option<&str>) -> Asked<Option<String>> {
        refused()
    }
    fn set_attributes(&mut self, _: Option<&str>, _: &str) -> Asked<()> {
        refused()
    }
    fn tags(&mut self, _: Option<&str>) -> Asked<Vec<(Tag, TagMark)>> {
        refused()
    }
    fn put_tag(&mut self, _: Option<&str>, _: TagRequest) -> Asked<bool> {
        refused()
    }
    fn remove_tag(&mut self, _: Option<&str>, _: &str, _: &str) -> Asked<bool> {
        refused()
    }
    fn emit(&mut self, _: EmitRequest<'_>) -> Asked<()> {
        refused()
    }
    fn emit_at(&mut self, _: &str, _: UtcMs, _: EmitRequest<'_>) -> Asked<()> {
        refused()
    }
    fn cancel_planned(&mut self, _: &str) -> Asked<bool> {
        refused()
    }
    fn count_events(&mut self, _: &str, _: Option<&str>, _: UtcMs) -> Asked<u64> {
        refused()
    }
    fn enqueue_message(&mut self, _: MessageRequest<'_>) -> Asked<Result<String, String>> {
        refused()
    }
    fn resource(&mut self, _: &str, _: &str) -> Asked<Option<Arc<str>>> {
        refused()
    }
    fn resource_names(&mut self, _: &str) -> Asked<Vec<String>> {
        refused()
    }
    fn evaluate(&mut self, _: &str, _: Option<&str>, _: &str) -> Asked<(String, Option<UtcMs>)> {
        refused()
    }
}
