//! Attempts at a flash sale 秒杀: a request starts a run, whose step holds a unit and whose `respond` is the answer, after the commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::ensure;
use tokio::task::JoinSet;

use super::client::{Answer, Connection};
use super::host::{Host, Program};
use crate::report::{Goal, Report, percentile};

/// Connections that ask at once, each for the next attempt when the one before is answered.
const CONNECTIONS: usize = 96;
/// Attempts of one repetition.
const ATTEMPTS: u64 = 40_000;
/// Attempts of one client alone, one after another.
const ALONE: u64 = 2_000;
/// Durable attempts a second.
const GOAL: f64 = 10_000.0;
/// What the slowest hundredth may take, milliseconds.
const SLOW_MS: f64 = 25.0;
/// What a client alone waits, milliseconds.
const ALONE_MS: f64 = 1.0;

/// The attempt of a customer who has none yet.
pub(super) fn attempt(number: u64) -> String {
    format!(
        r#"{{"id":"a{number}","type":"flash.requested","subject":"shop:{number}","data":{{"order_no":"o{number}"}}}}"#
    )
}

/// That a unit is held, and the commit done.
fn check(answer: &Answer, number: u64) -> anyhow::Result<()> {
    let held = format!("\"held\":\"o{number}\"");
    let said = String::from_utf8_lossy(&answer.body);
    ensure!(
        answer.status == 200 && said.contains(&held),
        "attempt {number} was answered {}: {said}",
        answer.status
    );
    Ok(())
}

/// Gives attempts a second at best.
pub(super) async fn measure(
    program: &Program<'_>,
    repeat: usize,
    report: &mut Report,
) -> anyhow::Result<f64> {
    let (mut rates, mut halves, mut slows, mut alone, mut alone_slows) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let host = Arc::new(program.serve()?);
    // The first ones compile and load.
    ask(&host, 0..2_000).await?;
    for round in 1..=repeat as u64 {
        let first = round * 1_000_000;
        let begun = Instant::now();
        let spent = ask(&host, first..first + ATTEMPTS).await?;
        rates.push(ATTEMPTS as f64 / begun.elapsed().as_secs_f64());
        halves.push(percentile(&spent, 50));
        slows.push(percentile(&spent, 99));
        let spent = ask_alone(&host, first + ATTEMPTS..first + ATTEMPTS + ALONE).await?;
        alone.push(percentile(&spent, 50));
        alone_slows.push(percentile(&spent, 99));
    }
    let most = rates.iter().copied().fold(0.0, f64::max);
    report.goal(format!("attempts at a sale, {CONNECTIONS} connections"), "/s", rates, Goal::AtLeast(GOAL));
    report.figure("from the request to the durable answer, median", "ms", halves);
    report.goal("the same, 99th percentile", "ms", slows, Goal::AtMost(SLOW_MS));
    report.goal("one client alone, median", "ms", alone, Goal::AtMost(ALONE_MS));
    report.figure("one client alone, 99th percentile", "ms", alone_slows);
    Ok(most)
}

/// Milliseconds of each attempt, from many connections at once.
async fn ask(host: &Arc<Host>, numbers: std::ops::Range<u64>) -> anyhow::Result<Vec<f64>> {
    let (next, end) = (Arc::new(AtomicU64::new(numbers.start)), numbers.end);
    let mut tasks = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (host, next) = (host.clone(), next.clone());
        tasks.spawn(async move {
            let mut connection = connect(&host).await?;
            let mut spent = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= end {
                    return anyhow::Ok(spent);
                }
                let answer = connection.ask(&attempt(number)).await?;
                check(&answer, number)?;
                spent.push(answer.spent_ms);
            }
        });
    }
    let mut all = Vec::new();
    while let Some(spent) = tasks.join_next().await {
        all.append(&mut spent??);
    }
    Ok(all)
}

async fn ask_alone(host: &Host, numbers: std::ops::Range<u64>) -> anyhow::Result<Vec<f64>> {
    let mut connection = connect(host).await?;
    let mut spent = Vec::new();
    for number in numbers {
        let answer = connection.ask(&attempt(number)).await?;
        check(&answer, number)?;
        spent.push(answer.spent_ms);
    }
    Ok(spent)
}

pub(super) async fn connect(host: &Host) -> anyhow::Result<Connection> {
    Connection::open(&host.address, &host.token, (&Host::events(), "application/json")).await
}
