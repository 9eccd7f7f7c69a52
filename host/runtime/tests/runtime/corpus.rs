//! The corpus of bad behaviour: each step is contained, named in a clear sentence, and the next call works.

use insta::assert_snapshot;
use siyu_engine::ports::plugins::HostError;
use siyu_model::plugin::{CallLimits, HostFault, LogLevel};

use crate::support::double::{Mood, Recorder};
use crate::support::{
    MISBEHAVING, RUNTIME, call, call_with, contained, done, fault, is, roomy, small, unnumbered,
};

#[test]
fn an_endless_loop_ends_when_its_fuel_does() {
    assert_snapshot!(
        fault("endless-loop", "", &small()),
        @"FUEL_EXHAUSTED: the call used all of its 50000000 fuel: it loops without end, or has more to do than a call may"
    );
}

#[test]
fn an_endless_loop_with_fuel_for_years_ends_when_the_wall_clock_does() {
    let limits = CallLimits { fuel: u64::MAX, cpu_ms: 30, ..roomy() };
    assert_snapshot!(
        fault("endless-loop", "", &limits),
        @"DEADLINE: the call took longer than the 30 ms of processor time that it may take"
    );
    let report = call("endless-loop", "", &limits);
    assert!(
        report.usage.fuel > 0 && report.usage.fuel < u64::MAX,
        "the fuel that was used is known although the call was cut off"
    );
}

#[test]
fn a_host_call_looks_at_the_wall_clock_too() {
    let limits = CallLimits { fuel: u64::MAX, cpu_ms: 30, host_calls_max: u32::MAX, ..roomy() };
    assert_snapshot!(
        fault("endless-host-calls", "", &limits),
        @"DEADLINE: the call took longer than the 30 ms of processor time that it may take"
    );
}

#[test]
fn a_memory_bomb_is_named_as_one_although_the_guest_panics() {
    let found = fault("memory-bomb", "", &roomy());
    let wanted: usize = found
        .strip_prefix("MEMORY_LIMIT: the plugin wanted ")
        .and_then(|rest| rest.strip_suffix(" bytes of memory in all, it may have 67108864"))
        .and_then(|wanted| wanted.parse().ok())
        .unwrap_or_else(|| panic!("{found}"));
    assert!(wanted > 64 << 20, "{wanted}");
    let used = call("memory-bomb", "", &roomy()).usage.memory_bytes;
    assert!((60 << 20..=64 << 20).contains(&used), "{used}");
}

#[test]
fn a_guest_that_lives_with_a_refusal_may_go_on() {
    let taken = done(call("memory-full", "", &roomy()));
    assert!((50..64).contains(&taken.parse::<u32>().unwrap()), "{taken}");
}

#[test]
fn deep_recursion_ends_with_the_stack() {
    assert_snapshot!(fault("deep-recursion", "10000000", &roomy()), @"STACK_OVERFLOW: the plugin's calls nest deeper than its stack of 524288 bytes: it recurses without end, or too far");
    assert_snapshot!(fault("deep-data", "10000000", &roomy()), @"TRAP: the plugin trapped: out of bounds memory access; a stack that is too small for its data looks like this as well");
}

#[test]
fn an_output_beyond_its_limit_is_refused_whatever_its_size() {
    let limits = CallLimits { output_bytes_max: 1_000, ..roomy() };
    assert_snapshot!(fault("huge-output", "999", &limits), @"OUTPUT_TOO_LARGE: the answer has 1001 bytes, it may have 1000");
    assert_snapshot!(fault("huge-output", "8000000", &limits), @"OUTPUT_TOO_LARGE: the answer has more than the 1000 bytes that it may have");
    assert_eq!(done(call("huge-output", "998", &limits)).len(), 1_000);
}

#[test]
fn an_input_beyond_its_limit_never_reaches_the_guest() {
    let limits = CallLimits { input_bytes_max: 3, ..roomy() };
    assert_snapshot!(fault("nop", "1234", &limits), @"INPUT_TOO_LARGE: the input has 4 bytes, it may have 3");
    let report = call("nop", "1234", &limits);
    assert_eq!((report.usage.fuel, report.usage.host_calls), (0, 0));
}

#[test]
fn an_argument_beyond_everything_ends_the_call_and_a_large_one_is_the_hosts_to_refuse() {
    let recorder = Recorder::new(Mood::Refusing(HostError::Invalid("too large".to_owned())));
    let report = call_with(&RUNTIME, &MISBEHAVING, ("huge-argument", "300000"), &roomy(), recorder);
    assert_eq!(done(report), "\"too large\"");
    assert_snapshot!(fault("huge-argument", "20000000", &roomy()), @"HOST_CALL_LIMIT: the plugin passed more to the host in one call than the 524288 bytes that it may");
}

#[test]
fn a_flood_of_host_calls_ends_at_their_limit() {
    assert_snapshot!(fault("host-call-flood", "10001", &roomy()), @"HOST_CALL_LIMIT: the plugin made more than the 10000 host calls that a call may make");
    let report = call("host-call-flood", "10000", &roomy());
    assert_eq!(report.usage.host_calls, 10_000);
    assert!(report.usage.fuel > 10_000 * 2_000, "each costs its price");
    assert_eq!(done(report), "10000");
}

#[test]
fn host_calls_cost_fuel() {
    let limits = CallLimits { fuel: 1_000_000, ..roomy() };
    assert_snapshot!(fault("host-call-flood", "10000", &limits), @"FUEL_EXHAUSTED: the call used all of its 1000000 fuel: it loops without end, or has more to do than a call may");
    let used = call("host-call-flood", "10000", &limits).usage;
    assert_eq!(used.fuel, 1_000_000);
    assert!((400..500).contains(&used.host_calls), "{}", used.host_calls);
}

#[test]
fn a_flood_of_log_lines_is_dropped_and_counted() {
    let report = call("log-flood", "5000", &roomy());
    assert_eq!(report.log.len(), 200);
    assert_eq!(report.usage.log_lines_dropped, 4_800);
    assert_eq!(report.log[199].message, "line 199");
    assert_eq!(done(report), "5000");
}

#[test]
fn a_line_of_a_hundred_thousand_bytes_is_cut() {
    let report = call("log-line", &"x\u{1b}".repeat(50_000), &roomy());
    assert_eq!(report.log.len(), 1);
    assert_eq!(report.log[0].level, LogLevel::Warn);
    assert!(report.log[0].message.len() <= 4_096);
    assert!(!report.log[0].message.contains('\u{1b}'));
}

#[test]
fn randomness_has_a_limit() {
    assert_snapshot!(fault("random-flood", "", &roomy()), @"HOST_CALL_LIMIT: the plugin asked for more than the 65536 random bytes that a call may have");
    let report = call("random-flood", "", &roomy());
    assert_eq!(report.log.last().unwrap().message, "65536 bytes");
}

#[test]
fn filling_memory_costs_its_bytes() {
    assert_snapshot!(fault("fill-loop", "", &small()), @"FUEL_EXHAUSTED: the call used all of its 50000000 fuel: it loops without end, or has more to do than a call may");
}

#[test]
fn a_panic_says_its_message_and_its_place() {
    assert_snapshot!(unnumbered(&fault("panic", "牛排", &small())), @"GUEST_PANIC: the plugin panicked at tests/misbehaving/src/bad.rs:<line>:<column>: no stock of 牛排");
    assert_snapshot!(unnumbered(&fault("panic-after-log-flood", "", &small())), @"GUEST_PANIC: the plugin panicked at tests/misbehaving/src/bad.rs:<line>:<column>: at the end");
}

#[test]
fn a_trap_without_words_is_a_trap() {
    assert_snapshot!(fault("trap", "", &small()), @"TRAP: the plugin trapped: wasm `unreachable` instruction executed; a panic looks like this when the SDK's panic hook is not installed");
}

#[test]
fn an_output_that_is_no_acceptable_json_is_named() {
    assert_snapshot!(fault("not-json", "", &small()), @"BAD_OUTPUT: the output is not acceptable: not JSON: EOF while parsing a value at line 1 column 6");
    assert_snapshot!(fault("two-documents", "", &small()), @"BAD_OUTPUT: the output is not acceptable: not JSON: trailing characters at line 1 column 4");
    assert_snapshot!(fault("deep-output", "", &small()), @"BAD_OUTPUT: the output is not acceptable: JSON nested deeper than 64 levels at byte 64");
    assert_snapshot!(fault("nul-output", "", &small()), @r#"BAD_OUTPUT: the output is not acceptable: a NUL character (\u0000) at byte 2: text must not hold one"#);
}

#[test]
fn a_fork_bomb_ends_at_the_limit_of_host_calls() {
    let recorder = Recorder::kind();
    let asks = recorder.asks();
    let report = call_with(&RUNTIME, &MISBEHAVING, ("fork-bomb", ""), &roomy(), recorder);
    let fault = contained(&RUNTIME, &MISBEHAVING, "nop", report);
    assert!(is(&fault, HostFault::HostCallLimit), "{fault}");
    assert_eq!(asks.lock().unwrap().len(), 10_000);
}

#[test]
fn a_host_that_refuses_ends_the_fork_bomb_itself() {
    let recorder = Recorder::new(Mood::Refusing(HostError::Limit("100 events a step".to_owned())));
    let report = call_with(&RUNTIME, &MISBEHAVING, ("fork-bomb", ""), &small(), recorder);
    assert_eq!(done(report), "0");
}

#[test]
fn a_host_that_panics_ends_the_call_and_nothing_else() {
    let report = call_with(&RUNTIME, &MISBEHAVING, ("records", ""), &small(), Recorder::new(Mood::Panicking));
    let fault = contained(&RUNTIME, &MISBEHAVING, "nop", report);
    assert_snapshot!(fault, @"HOST_PANIC: the host panicked: records.get: cannot do records.get None ../other/key");
}

#[test]
fn a_store_that_cannot_be_read_ends_the_call_and_may_pass() {
    let recorder = Recorder::new(Mood::Refusing(HostError::Storage("disk I/O error".to_owned())));
    let report = call_with(&RUNTIME, &MISBEHAVING, ("records", ""), &small(), recorder);
    let fault = contained(&RUNTIME, &MISBEHAVING, "nop", report);
    assert!(fault.is_transient() && is(&fault, HostFault::Storage));
    assert_snapshot!(fault, @"STORAGE: disk I/O error");
}

#[test]
fn an_argument_that_cannot_be_is_named() {
    assert_snapshot!(fault("bad-instant", "", &small()), @"TRAP: context.local: `at` is NaN: expected whole milliseconds since 1970 in UTC, at most 253402128000000 (the year 9999)");
}

#[test]
fn printing_without_a_system_says_nothing_and_harms_nothing() {
    let report = call("print", "", &small());
    assert!(report.log.is_empty());
    assert_eq!(done(report), "null");
}
