//! Repeating a call gives the same answer for the same fuel, whatever else the machine does.

use siyu_runtime::{Allocation, Runtime, RuntimeConfig};

use crate::support::double::Recorder;
use crate::support::{MISBEHAVING, RUNTIME, call_with, config, done, guests, roomy, small};

/// The answer of a step, and what it cost.
fn once(runtime: &Runtime, step: &str, input: &str) -> (String, u64, usize) {
    let digest = runtime.load(guests::misbehaving()).unwrap().digest;
    let report = call_with(runtime, &digest, (step, input), &small(), Recorder::kind());
    let usage = report.usage;
    let outcome = format!("{:?} {:?}", report.outcome, report.log);
    (outcome, usage.fuel, usage.memory_bytes)
}

const STEPS: [(&str, &str); 8] = [
    ("probe", ""),
    ("json", JSON),
    ("context", ""),
    ("random", ""),
    ("panic", "x"),
    ("endless-loop", ""),
    ("memory-full", ""),
    ("log-flood", "300"),
];

const JSON: &str =
    r#"{"customer":"cus_1","campaign":"autumn","amount_fen":12800,"tags":["vip","new"],"note":"两份牛排"}"#;

#[test]
fn the_same_call_gives_the_same_answer_for_the_same_fuel() {
    for (step, input) in STEPS {
        let first = once(&RUNTIME, step, input);
        for _ in 0..20 {
            assert_eq!(once(&RUNTIME, step, input), first, "{step}");
        }
    }
}

#[test]
fn where_an_instance_gets_its_memory_makes_no_difference() {
    let on_demand =
        Runtime::new(RuntimeConfig { allocation: Allocation::OnDemand { calls_max: 2 }, ..config() })
            .unwrap();
    assert!(!on_demand.is_pooling() && RUNTIME.is_pooling());
    for (step, input) in STEPS {
        assert_eq!(once(&on_demand, step, input), once(&RUNTIME, step, input), "{step}");
    }
}

#[test]
fn nothing_of_a_call_is_left_for_the_next() {
    let limits = roomy();
    let fresh = done(call_with(&RUNTIME, &MISBEHAVING, ("probe", ""), &limits, Recorder::kind()));
    // Fills every byte that it can get, then traps.
    let bomb = call_with(&RUNTIME, &MISBEHAVING, ("memory-bomb", ""), &limits, Recorder::kind());
    assert!(bomb.outcome.is_err());
    let after = done(call_with(&RUNTIME, &MISBEHAVING, ("probe", ""), &limits, Recorder::kind()));
    assert_eq!(fresh, after);
}
