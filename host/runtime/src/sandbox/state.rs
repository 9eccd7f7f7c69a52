//! The state of one call: the host it works on, what it has used, and why the host ended it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use siyu_engine::ports::plugins::CallHost;
use siyu_model::limits;
use siyu_model::plugin::{CallLimits, CallUsage};
use wasmtime::StoreContextMut;

use super::bounds::Bounds;
use super::log::CallLog;
use super::nobody::Nobody;
use super::watch::Watch;
use crate::wasi::Wasi;

/// The store of a call, as host functions see it.
pub(crate) type Ctx<'a> = StoreContextMut<'a, Call>;

/// What a call has.
pub(crate) struct Call {
    host: Box<dyn CallHost>,
    limits: CallLimits,
    watch: Watch,
    host_calls: u32,
    random_left: usize,
    /// What it holds of memory and tables.
    pub(crate) bounds: Bounds,
    /// What it logged.
    pub(crate) log: CallLog,
    /// What a guest compiled from a standard library sees of a system.
    pub(crate) wasi: Wasi,
    ended: Option<End>,
    has_begun: bool,
}

/// Why the host ended a call. The guest sees a trap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// A host call cost more fuel than was left.
    Fuel,
    /// Its time ran out.
    Deadline,
    /// A limit of what a call may ask of the host; in words.
    HostCalls(String),
    /// The store could not be read; in words.
    Storage(String),
    /// The host panicked; where, and its message.
    HostPanic(String),
    /// The guest asked to exit; in words.
    Exit(String),
    /// The guest did what it cannot do, where the contract has no place for an error; in words.
    Misuse(String),
}

/// What wasmtime carries through the guest's frames when the host ends a call; the reason is in [`Call`].
#[derive(Debug, thiserror::Error)]
#[error("the host ended the call")]
pub(crate) struct Ended;

impl Call {
    /// A call that begins now, with nobody to ask yet.
    pub(crate) fn new(limits: &CallLimits) -> Self {
        Self {
            host: Box::new(Nobody),
            limits: *limits,
            watch: Watch::start(Duration::from_millis(limits.cpu_ms)),
            host_calls: 0,
            random_left: limits::call::RANDOM_BYTES_MAX,
            bounds: Bounds::new(limits),
            log: CallLog::new(limits),
            wasi: Wasi::default(),
            ended: None,
            has_begun: false,
        }
    }

    /// Gives the call another host, and its former one back.
    pub(crate) fn swap_host(&mut self, host: Box<dyn CallHost>) -> Box<dyn CallHost> {
        std::mem::replace(&mut self.host, host)
    }

    /// What the call may use.
    pub(crate) fn limits(&self) -> &CallLimits {
        &self.limits
    }

    /// How long it may take.
    pub(crate) fn watch(&self) -> Watch {
        self.watch
    }

    /// Says that there is an instance and the function is called now.
    ///
    /// Starting an instance writes memory without coming back to look at the clock, so it is looked at here.
    pub(crate) fn begin(&mut self) -> wasmtime::Result<()> {
        self.has_begun = true;
        self.look_at_clock()
    }

    fn look_at_clock(&mut self) -> wasmtime::Result<()> {
        if self.watch.is_over() {
            return Err(self.end(End::Deadline));
        }
        Ok(())
    }

    /// Whether there was an instance.
    pub(crate) fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// Why the host ended it.
    pub(crate) fn ended(&self) -> Option<&End> {
        self.ended.as_ref()
    }

    /// Ends the call; the first reason stays.
    pub(crate) fn end(&mut self, why: End) -> wasmtime::Error {
        self.ended.get_or_insert(why);
        wasmtime::Error::new(Ended)
    }

    /// What it used, given the fuel that is left.
    pub(crate) fn usage(&self, fuel_left: u64) -> CallUsage {
        CallUsage {
            fuel: self.limits.fuel.saturating_sub(fuel_left),
            wall_us: u64::try_from(self.watch.elapsed().as_micros()).unwrap_or(u64::MAX),
            memory_bytes: self.bounds.memory_bytes(),
            host_calls: self.host_calls,
            output_bytes: 0,
            log_lines_dropped: self.log.dropped(),
        }
    }

    /// Counts a host call.
    fn count(&mut self) -> wasmtime::Result<()> {
        if self.host_calls >= self.limits.host_calls_max {
            let limit = self.limits.host_calls_max;
            return Err(self.end(End::HostCalls(format!(
                "the plugin made more than the {limit} host calls that a call may make"
            ))));
        }
        self.host_calls += 1;
        self.look_at_clock()
    }

    /// Asks the host. A panic of the host ends this call and nothing else.
    pub(crate) fn with_host<T>(
        &mut self,
        what: &str,
        ask: impl FnOnce(&mut dyn CallHost) -> T,
    ) -> wasmtime::Result<T> {
        let host = self.host.as_mut();
        // Whatever the host was about to do is dropped with the call's effects.
        match catch_unwind(AssertUnwindSafe(|| ask(host))) {
            Ok(answer) => Ok(answer),
            Err(panic) => Err(self.end(End::HostPanic(format!("{what}: {}", words_of(&*panic))))),
        }
    }

    /// Random bytes for the guest, within the limit of a call.
    pub(crate) fn random(&mut self, what: &str, count: usize) -> wasmtime::Result<Vec<u8>> {
        let Some(left) = self.random_left.checked_sub(count) else {
            let limit = limits::call::RANDOM_BYTES_MAX;
            return Err(self.end(End::HostCalls(format!(
                "the plugin asked for more than the {limit} random bytes that a call may have"
            ))));
        };
        self.random_left = left;
        let bytes = self.with_host(what, |host| host.random(count))?;
        if bytes.len() != count {
            let found = bytes.len();
            return Err(self.end(End::HostPanic(format!(
                "{what}: the host gave {found} random bytes, {count} were asked for"
            ))));
        }
        Ok(bytes)
    }
}

/// Counts a host call and charges its price and the bytes of its arguments.
pub(crate) fn enter(store: &mut Ctx<'_>, bytes: usize) -> wasmtime::Result<()> {
    store.data_mut().count()?;
    charge_fuel(store, limits::call::FUEL_PER_HOST_CALL.saturating_add(price_of(bytes)))
}

/// Charges the bytes of an answer.
pub(crate) fn charge(store: &mut Ctx<'_>, bytes: usize) -> wasmtime::Result<()> {
    if bytes == 0 {
        return Ok(());
    }
    charge_fuel(store, price_of(bytes))
}

fn price_of(bytes: usize) -> u64 {
    limits::call::FUEL_PER_HOST_CALL_BYTE.saturating_mul(u64::try_from(bytes).unwrap_or(u64::MAX))
}

fn charge_fuel(store: &mut Ctx<'_>, price: u64) -> wasmtime::Result<()> {
    match store.get_fuel()?.checked_sub(price) {
        Some(left) => store.set_fuel(left),
        None => {
            store.set_fuel(0)?;
            Err(store.data_mut().end(End::Fuel))
        }
    }
}

/// What a panic said.
pub(crate) fn words_of(panic: &(dyn std::any::Any + Send)) -> String {
    if let Some(text) = panic.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = panic.downcast_ref::<String>() {
        text.clone()
    } else {
        "a panic without words".to_owned()
    }
}
