//! Nobody: the host of a call that is pure, such as the check of a resource. It gives no answer but an error.

use std::any::Any;
use std::sync::{Arc, LazyLock};

use siyu_engine::ports::plugins::{
    Asked, CallContext, CallHost, EmitRequest, FoundCode, HostError, MessageRequest, RecordScan,
    ReserveRequest, Reserved, TagRequest,
};
use siyu_model::clock::UtcMs;
use siyu_model::customer::TagMark;
use siyu_model::limits;
use siyu_model::name::Tag;
use siyu_model::plugin::CallLimits;
use siyu_model::stock::pool::Pool;
use siyu_model::stock::reservation::Reservation;

/// What a pure call may use.
pub(crate) fn limits() -> CallLimits {
    CallLimits { cpu_ms: limits::call::PURE_CPU_MS, ..CallLimits::default() }
}

/// A host that has nothing. Time stands at 1970 and randomness is zero, so a pure call depends on its arguments alone.
pub(crate) struct Nobody;

static CONTEXT: LazyLock<CallContext> = LazyLock::new(|| CallContext {
    id: String::new(),
    tenant: String::new(),
    plugin: String::new(),
    step: String::new(),
    run: None,
    customer: None,
    event: None,
    attempt: 1,
    now: UtcMs::EPOCH,
    zone: "UTC".to_owned(),
});

fn nothing<T>() -> Asked<T> {
    Err(HostError::Invalid("this call is pure: it checks or describes, and no capability answers".to_owned()))
}

impl CallHost for Nobody {
    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }

    fn context(&self) -> &CallContext {
        &CONTEXT
    }

    fn random(&mut self, count: usize) -> Vec<u8> {
        vec![0; count]
    }

    fn record(&mut self, _: Option<&str>, _: &str) -> Asked<Option<Arc<str>>> {
        nothing()
    }

    fn put_record(&mut self, _: Option<&str>, _: &str, _: &str) -> Asked<()> {
        nothing()
    }

    fn insert_record(&mut self, _: Option<&str>, _: &str, _: &str) -> Asked<bool> {
        nothing()
    }

    fn delete_record(&mut self, _: Option<&str>, _: &str) -> Asked<bool> {
        nothing()
    }

    fn scan_records(&mut self, _: Option<&str>, _: RecordScan<'_>) -> Asked<Vec<(String, Arc<str>)>> {
        nothing()
    }

    fn define_pool(&mut self, _: &str, _: u64) -> Asked<()> {
        nothing()
    }

    fn pool(&mut self, _: &str) -> Asked<Option<Pool>> {
        nothing()
    }

    fn reserve(&mut self, _: ReserveRequest) -> Asked<Reserved> {
        nothing()
    }

    fn commit_reservation(&mut self, _: &str) -> Asked<bool> {
        nothing()
    }

    fn release_reservation(&mut self, _: &str) -> Asked<bool> {
        nothing()
    }

    fn reservation(&mut self, _: &str) -> Asked<Option<Reservation>> {
        nothing()
    }

    fn take_from_pool(&mut self, _: &str, _: u64) -> Asked<bool> {
        nothing()
    }

    fn restock_pool(&mut self, _: &str, _: u64) -> Asked<()> {
        nothing()
    }

    fn take_counter(&mut self, _: &str, _: u64, _: u64) -> Asked<(bool, u64)> {
        nothing()
    }

    fn give_back_counter(&mut self, _: &str, _: u64) -> Asked<()> {
        nothing()
    }

    fn counter(&mut self, _: &str) -> Asked<u64> {
        nothing()
    }

    fn mint_code(&mut self, _: &str, _: u8, _: &str) -> Asked<String> {
        nothing()
    }

    fn adopt_code(&mut self, _: &str, _: &str, _: &str) -> Asked<bool> {
        nothing()
    }

    fn find_code(&mut self, _: &str, _: &str) -> Asked<FoundCode> {
        nothing()
    }

    fn customer(&mut self, _: Option<&str>) -> Asked<Option<String>> {
        nothing()
    }

    fn set_attributes(&mut self, _: Option<&str>, _: &str) -> Asked<()> {
        nothing()
    }

    fn tags(&mut self, _: Option<&str>) -> Asked<Vec<(Tag, TagMark)>> {
        nothing()
    }

    fn put_tag(&mut self, _: Option<&str>, _: TagRequest) -> Asked<bool> {
        nothing()
    }

    fn remove_tag(&mut self, _: Option<&str>, _: &str, _: &str) -> Asked<bool> {
        nothing()
    }

    fn emit(&mut self, _: EmitRequest<'_>) -> Asked<()> {
        nothing()
    }

    fn emit_at(&mut self, _: &str, _: UtcMs, _: EmitRequest<'_>) -> Asked<()> {
        nothing()
    }

    fn cancel_planned(&mut self, _: &str) -> Asked<bool> {
        nothing()
    }

    fn count_events(&mut self, _: &str, _: Option<&str>, _: UtcMs) -> Asked<u64> {
        nothing()
    }

    fn enqueue_message(&mut self, _: MessageRequest<'_>) -> Asked<Result<String, String>> {
        nothing()
    }

    fn resource(&mut self, _: &str, _: &str) -> Asked<Option<Arc<str>>> {
        nothing()
    }

    fn resource_names(&mut self, _: &str) -> Asked<Vec<String>> {
        nothing()
    }

    fn evaluate(&mut self, _: &str, _: Option<&str>, _: &str) -> Asked<(String, Option<UtcMs>)> {
        nothing()
    }
}
