//! Events in batches of NDJSON: page views that are recorded, each durable before its line is answered.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use tokio::task::JoinSet;

use super::client::Connection;
use super::host::{Host, Program};
use crate::report::{Goal, Report};

/// Events of a batch.
const LINES: u64 = 2_000;
/// Connections that hand batches in at once.
const CONNECTIONS: u64 = 4;
/// Batches of each of them in one repetition.
const BATCHES: u64 = 25;
/// How often a batch is handed in again at most.
const AGAIN_MAX: u64 = 60;
/// Customers who look at pages.
const CUSTOMERS: u64 = 20_000;
/// Durable events a second.
const GOAL: f64 = 50_000.0;

pub(super) async fn measure(program: &Program<'_>, repeat: usize, report: &mut Report) -> anyhow::Result<()> {
    let host = Arc::new(program.serve()?);
    let (mut rates, mut again) = (Vec::new(), Vec::new());
    // All customers come once before.
    hand_in(&host, 0, CUSTOMERS / LINES / CONNECTIONS + 1).await?;
    for round in 1..=repeat as u64 {
        let begun = Instant::now();
        again.push(hand_in(&host, round, BATCHES).await? as f64);
        rates.push((CONNECTIONS * BATCHES * LINES) as f64 / begun.elapsed().as_secs_f64());
    }
    report.goal(
        format!("events in batches of {LINES} lines, {CONNECTIONS} connections"),
        "/s",
        rates,
        Goal::AtLeast(GOAL),
    );
    if again.iter().any(|times| *times > 0.0) {
        report.figure("batches that were too much at once and handed in again a second later", "", again);
    }
    Ok(())
}

/// Gives how often a batch was handed in again.
async fn hand_in(host: &Arc<Host>, round: u64, batches: u64) -> anyhow::Result<u64> {
    let mut tasks = JoinSet::new();
    for connection in 0..CONNECTIONS {
        let host = host.clone();
        // Written before the clock would count it against the host, one at a time.
        tasks.spawn(async move {
            let way = (Host::events(), "application/x-ndjson");
            let mut way = Connection::open(&host.address, &host.token, (&way.0, way.1)).await?;
            let mut again = 0;
            for batch in 0..batches {
                let first = ((round * CONNECTIONS + connection) * 1_000 + batch) * LINES;
                again += take_in(&mut way, &lines(first)).await?;
            }
            anyhow::Ok(again)
        });
    }
    let mut again = 0;
    while let Some(done) = tasks.join_next().await {
        again += done??;
    }
    Ok(again)
}

/// Hands a batch in until every line is recorded, as the API says: the whole of it again when some of it was too much at once.
async fn take_in(way: &mut Connection, batch: &str) -> anyhow::Result<u64> {
    let mut again = 0;
    loop {
        let answer = way.ask(batch).await?;
        let said = String::from_utf8_lossy(&answer.body);
        if answer.status == 429 && answer.has_retry_after && again < AGAIN_MAX {
            tokio::time::sleep(Duration::from_secs(1)).await;
            again += 1;
            continue;
        }
        ensure!(answer.status == 200, "a batch was answered {}: {said:.400}", answer.status);
        // Lines of the times before are known by their ids.
        let recorded = said.matches("\"is_duplicate\":false").count()
            + if again == 0 { 0 } else { said.matches("\"is_duplicate\":true").count() };
        ensure!(recorded as u64 == LINES, "{recorded} of {LINES} events are recorded: {said:.400}");
        return Ok(again);
    }
}

fn lines(first: u64) -> String {
    let mut text = String::new();
    for number in first..first + LINES {
        let customer = number % CUSTOMERS;
        // Text takes whatever is written to it.
        let _ = writeln!(
            text,
            r#"{{"id":"v{number}","type":"page.viewed","subject":"shop:{customer}","data":{{"sku":"cup"}}}}"#
        );
    }
    text
}
