//! What reports cost: `cargo run --release -p siyu-insight --example report_cost [EVENTS]` writes a tenant with that many
//! events (500,000 by default, of them 70,000 orders of 23,500 customers) and prints time and memory of each report.

#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "it is run to be read")]

#[path = "../tests/suite/support.rs"]
#[allow(dead_code, reason = "some of it is for tests")]
mod support;

use std::time::Instant;

use siyu_engine::ports::inspect::{Inspect, Span};
use siyu_insight::{Frame, report};
use siyu_model::clock::UtcMs;
use siyu_store::SqliteInspect;
use support::{SHANGHAI, Tenant, playbook};

const CUSTOMERS: u64 = 23_500;

/// The kinds of events and their shares of a thousand: orders are 140.
const KINDS: [(&str, u64, &str); 8] = [
    (
        "order.paid",
        140,
        r#"{"order_no":"o-1234567","amount_fen":12900,"items":[{"sku":"striploin-200","count":2}]}"#,
    ),
    ("shipment.shipped", 140, r#"{"order_no":"o-1234567","cold_chain":true,"card":"pk-1234567"}"#),
    ("shipment.arrived", 140, r#"{"order_no":"o-1234567","place":"丰巢柜 12 号"}"#),
    ("friend.added", 20, r#"{"channel":{"kind":"package_card"},"card":"pk-1234567","staff":"xiaoniu-01"}"#),
    ("coupon.issued", 120, r#"{"batch":"c10","coupon":"c-1234567","code":"7K9QW2XZ4MPTY","value_fen":1000}"#),
    ("coupon.expired", 80, r#"{"batch":"c10","coupon":"c-1234567","value_fen":1000,"reason":"unused"}"#),
    (
        "flash.reserved",
        60,
        r#"{"session":"friday-sale","occurrence":"2025-01-03","sku":"striploin-200","qty":1}"#,
    ),
    ("tag.added", 300, r#"{"tag":"lifecycle.active","source":"rule:active"}"#),
];

fn tenant(events: u64) -> Tenant {
    let mut tenant = Tenant::default();
    tenant.publish(&playbook("club", SHANGHAI, vec![]));
    let kinds: Vec<_> =
        KINDS.iter().flat_map(|(kind, share, data)| (0..*share).map(move |_| (*kind, *data))).collect();
    let step_ms = 546 * 86_400_000 / events.max(1) as i64;
    for number in 0..events {
        // Two primes spread kinds and customers without a pattern between them.
        let (kind, data) = kinds[(number * 7_919 % kinds.len() as u64) as usize];
        let who = number * 104_729 % CUSTOMERS;
        let at = UtcMs::from_millis(1_735_660_800_000 + number as i64 * step_ms);
        tenant.event_at(Some(who), kind, at, data);
    }
    tenant
}

/// A line of the kernel's account of this process, MiB.
fn memory_mib(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or_default() / 1_024
}

async fn read(path: &std::path::Path, which: &str) {
    let before = memory_mib("VmRSS");
    let started = Instant::now();
    let inspect = SqliteInspect::open(path).await.unwrap();
    let frame = Frame::of(&inspect, None).await.unwrap();
    let told = match which {
        "funnel" => {
            let found = report::funnel(&inspect, &frame, Span::default()).await.unwrap();
            format!("{} friends", found.total.added)
        }
        "repurchase" => {
            let found = report::repurchase(&inspect, &frame).await.unwrap();
            format!("{} customers, {} orders", found.customers, found.orders)
        }
        "coupons" => {
            let found = report::coupons(&inspect, &frame, Span::default()).await.unwrap();
            format!("{} issued", found.total.issued)
        }
        "stock" => format!("{} pools", report::stock(&inspect, &frame).await.unwrap().checked),
        "runs" => format!("{} workflows", report::runs(&inspect, &frame).await.unwrap().workflows.len()),
        _ => format!("{} types of events", inspect.tallies().await.unwrap().events.len()),
    };
    let took = started.elapsed().as_millis();
    let peak = memory_mib("VmHWM").saturating_sub(before);
    println!("{which:<12}{took:>6} ms  {peak:>4} MiB above {before} MiB  {told}");
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // Each report runs in a process of its own, so that its memory is its own.
    if let [path, which] = arguments.as_slice() {
        return read(std::path::Path::new(path), which).await;
    }
    let events = arguments.first().and_then(|text| text.parse().ok()).unwrap_or(500_000);
    let folder = tempfile::tempdir().unwrap();
    let path = tenant(events).write(folder.path(), "t").await;
    println!("{events} events, {} MiB", std::fs::metadata(&path).unwrap().len() >> 20);
    for which in ["funnel", "repurchase", "coupons", "stock", "runs", "tallies"] {
        let program = std::env::current_exe().unwrap();
        std::process::Command::new(program).arg(&path).arg(which).status().unwrap();
    }
}
