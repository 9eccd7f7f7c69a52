//! What a plugin call costs the host: prints the median and the spread of processor time a call.
//!
//! Run it with `cargo run --release --package siyu-runtime --example call_cost`, on a machine that does nothing else.

#![expect(clippy::print_stdout, reason = "it prints its figures")]
#![expect(clippy::unwrap_used, reason = "the double of the tests does")]

#[path = "../tests/runtime/support/double.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod double;
#[path = "../tests/runtime/support/guests.rs"]
mod guests;

use std::hint::black_box;
use std::time::{Duration, Instant};

use double::Recorder;
use rustix::time::{ClockId, clock_gettime};
use siyu_engine::ports::plugins::{Entry, PluginCall, Plugins};
use siyu_model::digest::PluginDigest;
use siyu_model::plugin::{CallLimits, Capability};
use siyu_runtime::{Allocation, CacheKey, Compiler, Runtime, RuntimeConfig};

/// Rounds of one measurement.
const ROUNDS: usize = 15;
/// Calls of one round and thread.
const CALLS: u32 = 2_000;

fn main() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let runtime = runtime(dir.path());
    println!("pooling: {}", runtime.is_pooling());
    let rust = runtime.load(guests::misbehaving()).expect("it loads").digest;
    let sdk = runtime.load(guests::stamp_card()).expect("it loads").digest;
    let std = runtime.load(guests::std_guest()).expect("it loads").digest;
    let input = input();
    println!("input {} B\n", input.len());
    println!("{:<44} {:>8} {:>18} {:>12}", "processor time a call, µs", "median", "min .. max", "calls/s");
    for threads in [1, 2] {
        for (name, digest, step, input) in [
            ("rust, nop", &rust, "nop", ""),
            ("rust, JSON and two host calls", &rust, "json", input.as_str()),
            ("rust SDK, stamp card, 7 host calls", &sdk, "stamp", r#"{"card":"autumn"}"#),
            ("rust with std on WASI, one line printed", &std, "print", "x"),
        ] {
            let call = || {
                let report = one_call(&runtime, digest, step, input);
                assert!(report.outcome.is_ok(), "{:?}", report.outcome);
                black_box(report);
            };
            measure(&format!("{name}, {threads} thread(s)"), threads, CALLS, &call);
        }
    }
    let host_only = || {
        black_box(Box::new(Recorder::kind()));
    };
    measure("of which making the host of the example", 1, CALLS, &host_only);
    let report = one_call(&runtime, &rust, "json", &input);
    println!("\nJSON call: {:?}", report.usage);
    load(dir.path(), &rust);
}

fn one_call(
    runtime: &Runtime,
    digest: &PluginDigest,
    step: &str,
    input: &str,
) -> siyu_engine::ports::plugins::CallReport {
    let limits = CallLimits::default();
    let call = PluginCall {
        digest,
        granted: Capability::ALL.into_iter().collect(),
        limits: &limits,
        entry: Entry::Step { step, input },
    };
    let mut host = Recorder::kind();
    host.definition = r#"{"stamps":6,"stamp_lasts":"30d"}"#.into();
    runtime.call(call, Box::new(host))
}

fn runtime(cache_dir: &std::path::Path) -> Runtime {
    Runtime::new(RuntimeConfig {
        cache_dir: Some(cache_dir.to_owned()),
        key: CacheKey::new([7; 32]),
        compiler: Compiler::InProcess,
        allocation: Allocation::default(),
    })
    .expect("a runtime")
}

/// Half a kilobyte, like an event of an order.
fn input() -> String {
    let note = "两份牛排，一份意面，少盐；靠窗的位子。".repeat(5);
    format!(
        r#"{{"customer":"cus_01k9x2v7m3","campaign":"autumn-2026","amount_fen":12800,"tags":["vip","new","meat"],"note":"{note}","unused":{{"channel":"package_card","scene":"scan"}}}}"#
    )
}

fn measure(name: &str, threads: usize, calls: u32, call: &(impl Fn() + Sync)) {
    let mut costs: Vec<f64> = Vec::new();
    let mut rates: Vec<f64> = Vec::new();
    for _ in 0..=ROUNDS {
        let (cpu, wall) = (cpu_time(), Instant::now());
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| (0..calls).for_each(|_| call()));
            }
        });
        let all = f64::from(calls) * threads as f64;
        costs.push((cpu_time() - cpu).as_secs_f64() * 1e6 / all);
        rates.push(all / wall.elapsed().as_secs_f64());
    }
    // The first round warms up.
    let (costs, rates) = (&mut costs[1..], &mut rates[1..]);
    costs.sort_by(f64::total_cmp);
    rates.sort_by(f64::total_cmp);
    let spread = format!("{:.1} .. {:.1}", costs[0], costs[ROUNDS - 1]);
    let (cost, rate) = (costs[ROUNDS / 2], rates[ROUNDS / 2]);
    println!("{name:<44} {cost:>8.1} {spread:>18} {rate:>12.0}");
}

fn load(cache_dir: &std::path::Path, digest: &PluginDigest) {
    let mut costs: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let fresh = runtime(cache_dir);
            let begun = cpu_time();
            assert!(fresh.load_cached(digest).expect("a cache").is_some());
            (cpu_time() - begun).as_secs_f64() * 1e6
        })
        .collect();
    costs.sort_by(f64::total_cmp);
    println!(
        "load from the cache: {:.0} µs ({:.0} .. {:.0})",
        costs[ROUNDS / 2],
        costs[0],
        costs[ROUNDS - 1]
    );
}

fn cpu_time() -> Duration {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(now.tv_nsec).unwrap_or(0))
}
