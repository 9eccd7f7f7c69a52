//! Three times as many attempts as the host can take, for a while: what it takes goes on, the rest is refused and told when to
//! come again, and afterwards it answers as before.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use tokio::task::JoinSet;

use super::attempts::{attempt, connect};
use super::host::{Host, Program};
use crate::report::{Goal, Report, percentile};

/// Requests that may be under way at once.
const CONNECTIONS: usize = 4_096;
/// How many times what the host can take is asked for.
const TIMES: f64 = 3.0;
/// How long.
const LASTS: Duration = Duration::from_secs(5);
/// When the host answers as before, at the latest, seconds.
const RECOVERED_S: f64 = 10.0;
/// What "as before" means: a client alone waits no longer, milliseconds.
const CALM_MS: f64 = 5.0;
/// So many answers in a row.
const CALM: usize = 20;

/// What became of the attempts.
#[derive(Default)]
struct Seen {
    taken_ms: Vec<f64>,
    refused: u64,
}

pub(super) async fn measure(
    program: &Program<'_>,
    (repeat, most): (usize, f64),
    report: &mut Report,
) -> anyhow::Result<()> {
    let host = Arc::new(program.serve()?);
    let (mut taken, mut refused, mut slows, mut recovered) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..repeat as u64 {
        let begun = Instant::now();
        let seen = flood(&host, round * 10_000_000, most * TIMES).await?;
        let seconds = begun.elapsed().as_secs_f64();
        taken.push(seen.taken_ms.len() as f64 / seconds);
        refused.push(seen.refused as f64 / seconds);
        slows.push(percentile(&seen.taken_ms, 99));
        recovered.push(calm(&host, round * 10_000_000 + 9_000_000).await?);
    }
    report.figure(format!("attempts taken, of {:.0}/s asked for", most * TIMES), "/s", taken);
    report.figure("attempts refused with Retry-After", "/s", refused);
    report.figure("answers of those taken, 99th percentile", "ms", slows);
    report.goal("until it answers as before", "s", recovered, Goal::AtMost(RECOVERED_S));
    Ok(())
}

/// Attempts at a steady rate, whether the ones before are answered or not, as far as there are connections.
async fn flood(host: &Arc<Host>, first: u64, rate: f64) -> anyhow::Result<Seen> {
    let next = Arc::new(AtomicU64::new(0));
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (host, next) = (host.clone(), next.clone());
        tasks.spawn(async move {
            let mut connection = connect(&host).await?;
            let mut seen = Seen::default();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let at = Duration::from_secs_f64(number as f64 / rate);
                if at >= LASTS {
                    return anyhow::Ok(seen);
                }
                tokio::time::sleep_until((begun + at).into()).await;
                if begun.elapsed() >= LASTS {
                    return Ok(seen);
                }
                let answer = connection.ask(&attempt(first + number)).await?;
                match answer.status {
                    200 => seen.taken_ms.push(answer.spent_ms),
                    429 | 503 => {
                        ensure!(answer.has_retry_after, "a refusal does not say when to come again");
                        seen.refused += 1;
                    }
                    other => bail!("{other}: {}", String::from_utf8_lossy(&answer.body)),
                }
            }
        });
    }
    let mut all = Seen::default();
    while let Some(seen) = tasks.join_next().await {
        let mut seen = seen??;
        all.taken_ms.append(&mut seen.taken_ms);
        all.refused += seen.refused;
    }
    Ok(all)
}

/// Seconds until a client alone is answered as before, several times in a row.
async fn calm(host: &Host, first: u64) -> anyhow::Result<f64> {
    let begun = Instant::now();
    let mut connection = connect(host).await?;
    let (mut number, mut in_a_row) = (first, 0);
    while in_a_row < CALM {
        let answer = connection.ask(&attempt(number)).await?;
        number += 1;
        in_a_row = if answer.status == 200 && answer.spent_ms <= CALM_MS { in_a_row + 1 } else { 0 };
        ensure!(begun.elapsed() < Duration::from_secs(60), "it does not answer as before within a minute");
    }
    Ok(begun.elapsed().as_secs_f64())
}
