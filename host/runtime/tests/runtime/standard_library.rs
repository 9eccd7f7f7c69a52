//! A plugin compiled from a standard library finds a system with nothing in it, the same one each time.

use std::sync::LazyLock;

use insta::assert_snapshot;
use siyu_engine::ports::plugins::CallReport;
use siyu_model::digest::PluginDigest;
use siyu_model::plugin::{HostFault, LogLevel};

use crate::support::double::Recorder;
use crate::support::{RUNTIME, call_with, contained, done, guests, is, roomy, unnumbered};

static STD: LazyLock<PluginDigest> = LazyLock::new(|| RUNTIME.load(guests::std_guest()).unwrap().digest);

fn call(step: &str, input: &str) -> CallReport {
    call_with(&RUNTIME, &STD, (step, input), &roomy(), Recorder::kind())
}

/// The output, which must be the same each time for the same fuel.
fn always(step: &str) -> String {
    let first = call(step, "");
    let fuel = first.usage.fuel;
    let output = done(first);
    for _ in 0..5 {
        let again = call(step, "");
        assert_eq!(again.usage.fuel, fuel);
        assert_eq!(done(again), output);
    }
    output
}

fn fault(step: &str, input: &str) -> String {
    contained(&RUNTIME, &STD, "nop", call(step, input)).to_string()
}

#[test]
fn it_imports_no_capability() {
    assert_eq!(RUNTIME.imports(&STD).unwrap().iter().count(), 0);
}

#[test]
fn what_it_prints_goes_to_the_log() {
    let report = call("print", "you");
    let lines: Vec<_> = report.log.iter().map(|line| (line.level, line.message.as_str())).collect();
    assert_eq!(
        lines,
        [
            (LogLevel::Info, "hello you"),
            (LogLevel::Warn, "careful with you"),
            (LogLevel::Info, "no end of line")
        ]
    );
    assert_eq!(done(report), "true");
}

#[test]
fn its_clocks_show_the_call_and_not_the_machine() {
    assert_snapshot!(always("clocks"), @r#"{"wall_ms":1795222800000,"readings":99}"#);
}

#[test]
fn it_sleeps_for_an_hour_in_no_time() {
    assert_snapshot!(always("sleep"), @r#"{"slept_an_hour":true,"wall_ms":1795226400000}"#);
}

#[test]
fn its_hash_maps_have_one_order() {
    always("random");
}

#[test]
fn it_has_no_arguments_no_variables_and_no_input() {
    assert_snapshot!(always("surroundings"), @r#"{"arguments":0,"variables":0,"directory":true,"input":"Ok(0)"}"#);
}

#[test]
fn it_has_no_files() {
    assert_snapshot!(always("files"), @r#"["Err(NotFound)", "Err(NotFound)", "Err(NotFound)", "Err(NotFound)"]"#);
}

#[test]
fn it_has_no_network() {
    assert_snapshot!(always("network"), @r#"["Err(PermissionDenied)", "Err(PermissionDenied)", "Err(PermissionDenied)", "Err(PermissionDenied)"]"#);
}

#[test]
fn an_exit_is_no_answer() {
    assert_snapshot!(fault("exit", ""), @"TRAP: the plugin exited with status 1 instead of answering");
}

#[test]
fn a_panic_says_its_message_and_its_place() {
    assert_snapshot!(unnumbered(&fault("panic", "牛排")), @"GUEST_PANIC: the plugin panicked at tests/std-guest/src/lib.rs:<line>:<column>: no stock of 牛排");
}

#[test]
fn a_flood_of_output_ends_at_the_limit_of_host_calls() {
    let report = call("print-flood", "");
    assert_eq!(report.log.len(), 200);
    assert!(report.usage.log_lines_dropped > 1_000);
    let fault = report.outcome.unwrap_err();
    assert!(is(&fault, HostFault::HostCallLimit), "{fault}");
}
