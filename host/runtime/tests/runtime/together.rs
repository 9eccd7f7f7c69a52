//! Many calls at once: they wait for their turn, and one that misbehaves disturbs nobody.

use std::sync::atomic::{AtomicU32, Ordering};

use siyu_model::plugin::CallLimits;
use siyu_runtime::{Allocation, PoolSize, Runtime, RuntimeConfig};

use crate::support::double::Recorder;
use crate::support::{call_with, config, guests, roomy, small};

fn pool_of(calls_max: u32) -> Runtime {
    Runtime::new(RuntimeConfig {
        allocation: Allocation::Pooling(PoolSize { calls_max, ..PoolSize::default() }),
        ..config()
    })
    .unwrap()
}

#[test]
fn a_full_pool_lets_calls_wait_and_fails_none() {
    let runtime = pool_of(2);
    assert!(runtime.is_pooling());
    let digest = runtime.load(guests::misbehaving()).unwrap().digest;
    let answered = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for worker in 0..8 {
            let (runtime, answered) = (&runtime, &answered);
            scope.spawn(move || {
                for turn in 0..100 {
                    let bad = (worker + turn) % 3 == 0;
                    let step = if bad { "panic" } else { "probe" };
                    let report = call_with(runtime, &digest, (step, ""), &small(), Recorder::kind());
                    assert_eq!(report.outcome.is_err(), bad, "{:?}", report.outcome);
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(answered.into_inner(), 800);
}

#[test]
fn a_call_that_was_cut_off_gives_its_place_in_the_pool_back() {
    let runtime = pool_of(1);
    let digest = runtime.load(guests::misbehaving()).unwrap().digest;
    let limits = CallLimits { fuel: u64::MAX, cpu_ms: 1, ..roomy() };
    for _ in 0..20 {
        let cut = call_with(&runtime, &digest, ("endless-loop", ""), &limits, Recorder::kind());
        assert!(cut.outcome.is_err());
        let next = call_with(&runtime, &digest, ("nop", ""), &small(), Recorder::kind());
        assert!(next.outcome.is_ok(), "{:?}", next.outcome);
    }
}

#[test]
fn a_pool_that_cannot_be_had_is_done_without() {
    // A million memories of four gigabytes each do not fit into 47 bits of address space.
    let runtime = pool_of(1_000_000);
    assert!(!runtime.is_pooling());
    let digest = runtime.load(guests::misbehaving()).unwrap().digest;
    let report = call_with(&runtime, &digest, ("nop", ""), &small(), Recorder::kind());
    assert!(report.outcome.is_ok());
}
