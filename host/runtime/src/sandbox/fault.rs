//! Faults of the sandbox: from what wasmtime reports and what the host recorded to one code and one sentence.
//!
//! What the host recorded comes first: a guest that is refused memory panics, and only the host knows why.

use siyu_model::limits::call::STACK_BYTES_MAX;
use siyu_model::plugin::{CallLimits, Fault, HostFault};
use wasmtime::{Trap, WasmBacktrace};

use super::bounds::Refusal;
use super::state::{Call, End};

/// What wasmtime says when more is passed in one call than [`wasmtime::Store::set_hostcall_fuel`] allows. It has no
/// type of its own; a test holds the words.
const TOO_MUCH_AT_ONCE: &str = "fuel allocated for hostcalls has been exhausted";

/// Why a call failed.
pub(super) fn of_failure(call: &Call, failure: &wasmtime::Error) -> Fault {
    if let Some(end) = call.ended() {
        return of_end(call, end);
    }
    let trap = failure.downcast_ref::<Trap>();
    match trap {
        Some(Trap::OutOfFuel) => return of_fuel(call),
        Some(Trap::StackOverflow) => return of_stack(),
        _ => {}
    }
    if failure.chain().any(|cause| cause.to_string().contains(TOO_MUCH_AT_ONCE)) {
        return of_too_much_at_once(call, failure);
    }
    if let Some(refusal) = call.bounds.refused() {
        return of_refusal(call, refusal);
    }
    if let (Some(Trap::UnreachableCodeReached), Some(words)) = (trap, call.log.last_words()) {
        return HostFault::GuestPanic.fault(format!("the plugin {}", as_verb(words)));
    }
    match trap {
        Some(trap) => of_trap(*trap, failure),
        None if call.has_begun() => {
            HostFault::Trap.fault(format!("the plugin broke the contract: {}", words_of(failure)))
        }
        None => HostFault::NotLoadable
            .fault(format!("no instance of the component could be made: {}", words_of(failure))),
    }
}

/// Its time ran out.
pub(super) fn of_deadline(limits: &CallLimits) -> Fault {
    HostFault::Deadline.fault(format!(
        "the call took longer than the {} ms of processor time that it may take",
        limits.cpu_ms
    ))
}

/// The host panicked.
pub(super) fn of_host_panic(words: &str) -> Fault {
    HostFault::HostPanic.fault(format!("the host panicked: {words}"))
}

fn of_end(call: &Call, end: &End) -> Fault {
    match end {
        End::Fuel => of_fuel(call),
        End::Deadline => of_deadline(call.limits()),
        End::HostCalls(words) => HostFault::HostCallLimit.fault(words),
        End::Storage(words) => HostFault::Storage.fault(words),
        End::HostPanic(words) => of_host_panic(words),
        End::Exit(words) => match call.log.last_words() {
            Some(last) => HostFault::GuestPanic.fault(format!("{words}, after it {}", as_verb(last))),
            None => HostFault::Trap.fault(words),
        },
        End::Misuse(words) => HostFault::Trap.fault(words),
    }
}

fn of_fuel(call: &Call) -> Fault {
    HostFault::FuelExhausted.fault(format!(
        "the call used all of its {} fuel: it loops without end, or has more to do than a call may",
        call.limits().fuel
    ))
}

fn of_stack() -> Fault {
    HostFault::StackOverflow.fault(format!(
        "the plugin's calls nest deeper than its stack of {STACK_BYTES_MAX} bytes: it recurses without end, or too far"
    ))
}

fn of_too_much_at_once(call: &Call, failure: &wasmtime::Error) -> Fault {
    // An answer is read when no frame of the guest is left; an argument is read while it waits in one.
    if failure.downcast_ref::<WasmBacktrace>().is_some() {
        let limit = super::at_once_bytes_max(call.limits());
        HostFault::HostCallLimit.fault(format!(
            "the plugin passed more to the host in one call than the {limit} bytes that it may"
        ))
    } else {
        let limit = call.limits().output_bytes_max;
        HostFault::OutputTooLarge
            .fault(format!("the answer has more than the {limit} bytes that it may have"))
    }
}

fn of_refusal(call: &Call, refusal: Refusal) -> Fault {
    let (fault, words) = match refusal {
        Refusal::Memory { wanted, limit } => (
            HostFault::MemoryLimit,
            format!("the plugin wanted {wanted} bytes of memory in all, it may have {limit}"),
        ),
        Refusal::Table { wanted, limit } => (
            HostFault::TableLimit,
            format!("the plugin wanted {wanted} table elements in all, it may have {limit}"),
        ),
    };
    fault.fault(match call.log.last_words() {
        Some(last) => format!("{words}; then it {}", as_verb(last)),
        None => words,
    })
}

fn of_trap(trap: Trap, failure: &wasmtime::Error) -> Fault {
    let text = trap.to_string();
    let text = text.strip_prefix("wasm trap: ").unwrap_or(&text);
    let place = place_of(failure);
    let hint = match trap {
        Trap::UnreachableCodeReached => {
            "; a panic looks like this when the SDK's panic hook is not installed"
        }
        Trap::MemoryOutOfBounds => "; a stack that is too small for its data looks like this as well",
        _ => "",
    };
    HostFault::Trap.fault(format!("the plugin trapped: {text}{place}{hint}"))
}

/// The innermost function that has a name.
fn place_of(failure: &wasmtime::Error) -> String {
    failure
        .downcast_ref::<WasmBacktrace>()
        .and_then(|trace| trace.frames().iter().find_map(|frame| frame.func_name()))
        .map(|name| format!(" in `{}`", super::log::message(name)))
        .unwrap_or_default()
}

fn words_of(failure: &wasmtime::Error) -> String {
    super::log::message(&failure.root_cause().to_string())
}

/// `panicked at …` is a verb; what an interpreter wrote last is not.
fn as_verb(last_words: &str) -> String {
    if last_words.starts_with("panicked at ") { last_words.to_owned() } else { format!("said: {last_words}") }
}
