//! Steps that do what a sandbox must stop.

use crate::exports::siyu::plugin::steps::{Answer, Fault};
use crate::siyu::plugin::{context, counters, events, log, random, records};

pub(crate) fn run(step: &str, input: &str) -> Result<Answer, Fault> {
    let output = match step {
        "endless-loop" => endless_loop(),
        "endless-host-calls" => endless_host_calls(),
        "memory-bomb" => memory_bomb(),
        "memory-full" => memory_full(),
        "deep-recursion" => deep_recursion(input.parse().unwrap_or(0)).to_string(),
        "deep-data" => deep_data(input.parse().unwrap_or(0)).to_string(),
        "huge-output" => format!("\"{}\"", "x".repeat(input.parse().unwrap_or(0))),
        "huge-argument" => huge_argument(input.parse().unwrap_or(0)),
        "host-call-flood" => host_call_flood(input.parse().unwrap_or(0)),
        "log-flood" => log_flood(input.parse().unwrap_or(0)),
        "log-line" => {
            log::write(log::Level::Warn, input);
            "null".to_owned()
        }
        "random-flood" => random_flood(),
        "fill-loop" => fill_loop(),
        "panic" => panic!("no stock of {input}"),
        "panic-after-log-flood" => {
            log_flood(1_000);
            panic!("at the end");
        }
        "trap" => std::process::abort(),
        "not-json" => "{\"a\": ".to_owned(),
        "two-documents" => "{} {}".to_owned(),
        "deep-output" => format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)),
        "nul-output" => "\"a\\u0000b\"".to_owned(),
        "fork-bomb" => fork_bomb(),
        "bad-instant" => context::local(f64::NAN, "UTC").map_or(0, |local| local.year).to_string(),
        "print" => {
            println!("nobody hears this");
            "null".to_owned()
        }
        _ => panic!("no step {step}"),
    };
    Ok(Answer::Done(output))
}

fn endless_loop() -> ! {
    let mut turns = 0u64;
    loop {
        turns = std::hint::black_box(turns.wrapping_add(1));
    }
}

fn endless_host_calls() -> ! {
    loop {
        let _ = records::get(None, "key");
    }
}

/// Takes a megabyte at a time, and panics like everybody when there is no more.
fn memory_bomb() -> String {
    let mut taken: Vec<Vec<u8>> = Vec::new();
    loop {
        taken.push(vec![1; 1 << 20]);
        std::hint::black_box(&taken);
    }
}

/// Takes what it can get and goes on without more.
fn memory_full() -> String {
    let mut taken: Vec<Vec<u8>> = Vec::new();
    loop {
        let mut more = Vec::new();
        if more.try_reserve_exact(1 << 20).is_err() {
            break;
        }
        taken.push(more);
    }
    taken.len().to_string()
}

/// Needs no memory of the guest's own stack, so it is the sandbox's stack that ends.
fn deep_recursion(depth: u64) -> u64 {
    if depth == 0 {
        return 0;
    }
    deep_recursion(depth - 1).rotate_left(3) ^ depth
}

/// Keeps data on the guest's own stack, which lies in its memory and ends before the sandbox's.
fn deep_data(depth: u64) -> u64 {
    let kept = std::hint::black_box([depth; 16]);
    if depth == 0 {
        return 0;
    }
    deep_data(depth - 1) ^ kept[3]
}

fn huge_argument(bytes: usize) -> String {
    match records::put(None, "key", &"x".repeat(bytes)) {
        Ok(()) => "\"kept\"".to_owned(),
        Err(refused) => format!("{:?}", refused.message),
    }
}

fn host_call_flood(calls: u32) -> String {
    for _ in 0..calls {
        let _ = counters::used("key");
    }
    calls.to_string()
}

fn log_flood(lines: u32) -> String {
    for line in 0..lines {
        log::write(log::Level::Info, &format!("line {line}"));
    }
    lines.to_string()
}

fn random_flood() -> String {
    let mut bytes = 0;
    loop {
        bytes += random::bytes(16 << 10).len();
        log::write(log::Level::Info, &format!("{bytes} bytes"));
    }
}

/// One instruction that writes megabytes, again and again.
fn fill_loop() -> String {
    let mut memory = vec![0u8; 32 << 20];
    for turn in 0..u32::MAX {
        memory.fill(std::hint::black_box(turn as u8));
        std::hint::black_box(&memory);
    }
    "null".to_owned()
}

/// Events that would each start this step again.
fn fork_bomb() -> String {
    let mut emitted = 0u32;
    while events::emit("bomb.went_off", None, "{}").is_ok() {
        emitted += 1;
    }
    emitted.to_string()
}
