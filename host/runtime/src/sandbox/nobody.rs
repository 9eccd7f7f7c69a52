//! Nobody: the host of a call that is pure, such as the check of a resource. It gives no answer but an error.

use std::any::Any;
use std::sync::LazyLock;

use siyu_engine::ports::plugins::{CallContext, CallHost};
use siyu_model::clock::UtcMs;
use siyu_model::limits;
use siyu_model::plugin::CallLimits;

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
}
