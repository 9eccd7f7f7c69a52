//! Events in batches of NDJSON: page views that are recorded, each durable before its line is answered.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Instant;

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
/// Customers who look at pages.
const CUSTOMERS: u64 = 20_000;
/// Durable events a second.
const GOAL: f64 = 50_000.0;

pub(super) async fn measure(program: &Program<'_>, repeat: usize, report: &mut Report) -> anyhow::Result<()> {
    let host = Arc::new(program.serve()?);
    let mut rates = Vec::new();
    // All customers come once before.
    hand_in(&host, 0, CUSTOMERS / LINES / CONNECTIONS + 1).await?;
    for round in 1..=repeat as u64 {
        let begun = Instant::now();
        hand_in(&host, round, BATCHES).await?;
        rates.push((CONNECTIONS * BATCHES * LINES) as f64 / begun.elapsed().as_secs_f64());
    }
    report.goal(
        format!("events in batches of {LINES} lines, {CONNECTIONS} connections"),
        "/s",
        rates,
        Goal::AtLeast(GOAL),
    );
    Ok(())
}

async fn hand_in(host: &Arc<Host>, round: u64, batches: u64) -> anyhow::Result<()> {
    let mut tasks = JoinSet::new();
    for connection in 0..CONNECTIONS {
        let host = host.clone();
        // Written before the clock would count it against the host, one at a time.
        tasks.spawn(async move {
            let way = (Host::events(), "application/x-ndjson");
            let mut way = Connection::open(&host.address, &host.token, (&way.0, way.1)).await?;
            for batch in 0..batches {
                let first = ((round * CONNECTIONS + connection) * 1_000 + batch) * LINES;
                let answer = way.ask(&lines(first)).await?;
                let said = String::from_utf8_lossy(&answer.body);
                ensure!(answer.status == 200, "a batch was answered {}: {said:.400}", answer.status);
                let recorded = said.matches("\"is_duplicate\":false").count();
                ensure!(recorded as u64 == LINES, "{recorded} of {LINES} events are recorded: {said:.400}");
            }
            anyhow::Ok(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(())
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
