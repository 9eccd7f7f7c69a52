//! What the tests of the runtime share: guests, a host that records, and one runtime.

pub(crate) mod double;
pub(crate) mod guests;
pub(crate) mod wat;

use std::path::PathBuf;
use std::sync::LazyLock;

use siyu_engine::ports::plugins::{CallReport, Entry, PluginCall, Plugins};
use siyu_model::digest::PluginDigest;
use siyu_model::plugin::{Answer, CallLimits, Capability, CapabilitySet, Fault, HostFault};
use siyu_runtime::{
    Allocation, CacheKey, CompileChild, CompileLimits, Compiler, PoolSize, Runtime, RuntimeConfig,
};

use double::Recorder;

/// A runtime that all tests of this process share: they must not disturb each other.
pub(crate) static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new(config()).unwrap());

/// Compiles in this process, keeps nothing, has a small pool.
pub(crate) fn config() -> RuntimeConfig {
    RuntimeConfig {
        cache_dir: None,
        key: CacheKey::new([7; 32]),
        compiler: Compiler::InProcess,
        allocation: Allocation::Pooling(PoolSize { calls_max: 16, ..PoolSize::default() }),
    }
}

/// The compiler as a host uses it.
pub(crate) fn child(limits: CompileLimits) -> Compiler {
    Compiler::Child(CompileChild {
        program: PathBuf::from(env!("CARGO_BIN_EXE_siyu-compile")),
        args: Vec::new(),
        limits,
    })
}

pub(crate) fn all_capabilities() -> CapabilitySet {
    Capability::ALL.into_iter().collect()
}

/// The usual limits, with time for what a debugger or a profiler adds.
pub(crate) fn roomy() -> CallLimits {
    CallLimits { cpu_ms: 60_000, ..CallLimits::default() }
}

/// A budget that is used up in milliseconds.
pub(crate) fn small() -> CallLimits {
    CallLimits { fuel: 50_000_000, ..roomy() }
}

/// The guest of this crate, loaded.
pub(crate) static MISBEHAVING: LazyLock<PluginDigest> =
    LazyLock::new(|| RUNTIME.load(guests::misbehaving()).unwrap().digest);

/// Calls a step with a host of one's own.
pub(crate) fn call_with(
    runtime: &Runtime,
    digest: &PluginDigest,
    (step, input): (&str, &str),
    limits: &CallLimits,
    host: Recorder,
) -> CallReport {
    let call = PluginCall { digest, granted: all_capabilities(), limits, entry: Entry::Step { step, input } };
    runtime.call(call, Box::new(host))
}

/// Calls a step of the misbehaving guest.
pub(crate) fn call(step: &str, input: &str, limits: &CallLimits) -> CallReport {
    call_with(&RUNTIME, &MISBEHAVING, (step, input), limits, Recorder::kind())
}

/// The output of a call that must succeed.
pub(crate) fn done(report: CallReport) -> String {
    match report.outcome {
        Ok(Answer::Done(output)) => output,
        other => panic!("expected an output, found {other:?}"),
    }
}

/// The fault of a call that must fail; the host must have come back and the next call must work.
pub(crate) fn contained(runtime: &Runtime, digest: &PluginDigest, nop: &str, report: CallReport) -> Fault {
    let fault = report.outcome.expect_err("expected a fault");
    let host = report.host.into_any().downcast::<Recorder>();
    assert!(host.is_ok(), "the host did not come back");
    let next = call_with(runtime, digest, (nop, ""), &small(), Recorder::kind());
    assert!(next.outcome.is_ok(), "the next call failed: {:?}", next.outcome);
    fault
}

/// `CODE: message` of a step of the misbehaving guest that must be contained.
pub(crate) fn fault(step: &str, input: &str, limits: &CallLimits) -> String {
    let report = call(step, input, limits);
    contained(&RUNTIME, &MISBEHAVING, "nop", report).to_string()
}

/// A fault of the host with this code.
pub(crate) fn is(fault: &Fault, host: HostFault) -> bool {
    fault.is_host(host)
}

/// A text in which the line and column after `.rs` are words: a test does not change when a guest gets a line more.
pub(crate) fn unnumbered(text: &str) -> String {
    let Some((before, after)) = text.split_once(".rs:") else {
        return text.to_owned();
    };
    let words = after.trim_start_matches(|c: char| c.is_ascii_digit() || c == ':');
    let numbers = &after[..after.len() - words.len()];
    assert_eq!(numbers.matches(':').count(), 2, "a line and a column: {text}");
    format!("{before}.rs:<line>:<column>:{words}")
}
