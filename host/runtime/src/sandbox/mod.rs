//! The sandbox: one call of a component in an instance of its own, within limits, on the calling thread.
//!
//! It never lets a panic, a trap or an endless loop past this module, never keeps an instance for a second call, and
//! always gives the host back.

pub(crate) mod answer;
pub(crate) mod bounds;
mod fault;
pub(crate) mod gate;
pub(crate) mod log;
pub(crate) mod nobody;
pub(crate) mod state;
mod watch;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use siyu_engine::ports::plugins::CallHost;
use siyu_model::limits;
use siyu_model::plugin::{CallLimits, CallUsage, Fault, HostFault, LogLine};
use wasmtime::component::{ComponentExportIndex, ComponentNamedList, InstancePre, Lift, Lower};
use wasmtime::{Engine, Store};

use gate::Gate;
use state::Call;
use watch::Watch;

/// Bytes that a plugin may pass in one host call at least, however small the limit of its output is: the largest
/// document of the contract with its key fits.
const HOST_CALL_BYTES_MIN: usize = 256 << 10;

/// Bytes that may cross from a plugin to the host at once: wasmtime stops what is larger before the host sees it, and the
/// exact limits come after it.
fn at_once_bytes_max(limits: &CallLimits) -> usize {
    limits.output_bytes_max.saturating_mul(2).max(HOST_CALL_BYTES_MIN)
}

/// Where calls happen.
pub(crate) struct Sandbox {
    engine: Engine,
    gate: Gate,
}

/// What to call: an export of a component that is linked.
pub(crate) struct Target<'a> {
    /// The component with its imports resolved.
    pub(crate) component: &'a InstancePre<Call>,
    /// How much of the pool an instance takes.
    pub(crate) units: u32,
    /// Fuel after which it looks at the clock.
    pub(crate) fuel_per_look: u64,
    /// The function.
    pub(crate) export: &'a ComponentExportIndex,
    /// What the call may use.
    pub(crate) limits: &'a CallLimits,
}

/// How a call went.
pub(crate) struct Ran<R> {
    pub(crate) result: Result<R, Fault>,
    pub(crate) usage: CallUsage,
    pub(crate) log: Vec<LogLine>,
    pub(crate) host: Box<dyn CallHost>,
}

impl Sandbox {
    /// A sandbox on an engine whose pool has so many units.
    pub(crate) fn new(engine: Engine, units: u32) -> Self {
        Self { engine, gate: Gate::new(units) }
    }

    /// The engine.
    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Units of the pool.
    pub(crate) fn units(&self) -> u32 {
        self.gate.units()
    }

    /// Calls a function in a fresh instance and waits until it is over. Waits first when the pool is in use.
    pub(crate) fn run<P, R>(&self, target: &Target<'_>, arguments: P, host: Box<dyn CallHost>) -> Ran<R>
    where
        P: ComponentNamedList + Lower + Send,
        R: ComponentNamedList + Lift + Send + 'static,
    {
        let _pass = self.gate.enter(target.units);
        let mut store = match self.store(target) {
            Ok(store) => store,
            Err(fault) => return Ran::never_began(fault, host),
        };
        let _nobody = store.data_mut().swap_host(host);
        let watch = store.data().watch();
        // A panic of the runtime itself ends here; the store is only asked for what it holds afterwards.
        let ran = catch_unwind(AssertUnwindSafe(|| poll_within(watch, drive(&mut store, target, arguments))));
        let call = store.data_mut();
        call.wasi.flush(&mut call.log);
        let result = match ran {
            Ok(Some(Ok(answer))) => Ok(answer),
            Ok(Some(Err(failure))) => Err(fault::of_failure(store.data(), &failure)),
            Ok(None) => Err(fault::of_deadline(target.limits)),
            Err(panic) => Err(fault::of_host_panic(&state::words_of(&*panic))),
        };
        finish(store, result)
    }

    fn store(&self, target: &Target<'_>) -> Result<Store<Call>, Fault> {
        let limits = target.limits;
        let made = catch_unwind(AssertUnwindSafe(|| -> wasmtime::Result<Store<Call>> {
            let mut store = Store::new(&self.engine, Call::new(limits));
            store.limiter(|call| &mut call.bounds);
            store.set_fuel(limits.fuel)?;
            store.fuel_async_yield_interval(Some(target.fuel_per_look))?;
            store.set_hostcall_fuel(at_once_bytes_max(limits));
            store.set_max_component_handles(limits::call::HANDLES_MAX);
            Ok(store)
        }));
        match made {
            Ok(Ok(store)) => Ok(store),
            Ok(Err(failure)) => Err(fault::of_host_panic(&format!("{failure:#}"))),
            Err(panic) => Err(fault::of_host_panic(&state::words_of(&*panic))),
        }
    }
}

impl<R> Ran<R> {
    /// A call that ended before it began.
    pub(crate) fn never_began(fault: Fault, host: Box<dyn CallHost>) -> Self {
        Self { result: Err(fault), usage: CallUsage::default(), log: Vec::new(), host }
    }

    /// The same call with its answer read.
    pub(crate) fn read<T>(self, read: impl FnOnce(R) -> Result<T, Fault>) -> Ran<T> {
        Ran { result: self.result.and_then(read), usage: self.usage, log: self.log, host: self.host }
    }
}

async fn drive<P, R>(store: &mut Store<Call>, target: &Target<'_>, arguments: P) -> wasmtime::Result<R>
where
    P: ComponentNamedList + Lower + Send,
    R: ComponentNamedList + Lift + Send + 'static,
{
    let instance = target.component.instantiate_async(&mut *store).await?;
    store.data_mut().begin()?;
    let function = instance.get_typed_func::<P, R>(&mut *store, target.export)?;
    function.call_async(&mut *store, arguments).await
}

/// Runs a future on this thread until it is done or its time ran out; then it is dropped where it stands.
///
/// The guest comes back here every [`limits::call::FUEL_PER_LOOK`] units of fuel. There is nothing to wait for in
/// between: no host function of this crate waits for anything but the host's own answer.
fn poll_within<F: Future>(watch: Watch, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Some(output);
        }
        if watch.is_over() {
            return None;
        }
    }
}

fn finish<R>(mut store: Store<Call>, result: Result<R, Fault>) -> Ran<R> {
    let fuel_left = store.get_fuel().unwrap_or(0);
    let call = store.data_mut();
    let host = call.swap_host(Box::new(nobody::Nobody));
    let usage = call.usage(fuel_left);
    let log = call.log.take_lines();
    // Cleaning up is the runtime's work: it may fail, and the answer stands.
    let cleaned = catch_unwind(AssertUnwindSafe(|| drop(store)));
    if let Err(panic) = cleaned {
        tracing::error!(words = state::words_of(&*panic), "cleaning up after a call panicked");
    }
    if let Err(fault) = &result
        && fault.is_host(HostFault::HostPanic)
    {
        tracing::error!(fault = %fault, "the host panicked during a call");
    }
    Ran { result, usage, log, host }
}
