//! The Postgres server of a host's tenants: whether it may hold them, and how long it takes.

use std::time::{Duration, Instant};

use siyu_engine::ports::store::StoreError;
use siyu_store::postgres::PgHealth;

use super::{Finding, SYNC_SLOW};
use crate::home::Home;
use crate::tenants::Tenants;

const CHECK: &str = "database";
/// Questions and commits that are timed.
const TIMED: usize = 16;
/// An executor asks several questions a batch: a server further away is felt.
const TRIP_SLOW: Duration = Duration::from_millis(5);

/// What there is to say of the server; nothing when tenants are files.
pub(super) async fn look(home: &Home) -> Vec<Finding> {
    let Tenants::Database(stores) = home.kept() else {
        return Vec::new();
    };
    let mut health = match stores.health().await {
        Ok(health) => health,
        Err(why) => {
            let help = "start the server, or name another with --database";
            return vec![Finding::fault(CHECK, why.to_string(), help)];
        }
    };
    let mut findings = vec![settings(&health, stores.place())];
    findings.push(match timed(&mut health).await {
        Ok((trip, commit)) => times(trip, commit),
        Err(why) => Finding::fault("database time", why.to_string(), "look at the server's log"),
    });
    findings
}

fn settings(health: &PgHealth, place: &str) -> Finding {
    let PgHealth { version, fsync, synchronous_commit, full_page_writes, connections_max, .. } = health;
    let detail = format!(
        "{place}: Postgres {version}, fsync {fsync}, synchronous_commit {synchronous_commit}, \
         full_page_writes {full_page_writes}, {connections_max} connections"
    );
    if fsync == "off" || synchronous_commit == "off" {
        return Finding::fault(
            CHECK,
            detail,
            "set fsync and synchronous_commit to on: a power cut would lose what was acknowledged",
        );
    }
    if full_page_writes == "off" {
        let help = "set full_page_writes to on, unless the disk writes 8 KiB whole or not at all";
        return Finding::warn(CHECK, detail, help);
    }
    Finding::ok(CHECK, detail)
}

/// The medians of a question and of a durable commit.
async fn timed(health: &mut PgHealth) -> Result<(Duration, Duration), StoreError> {
    let (mut trips, mut commits) = (Vec::with_capacity(TIMED), Vec::with_capacity(TIMED));
    // The first of each prepares its statement.
    health.round_trip().await?;
    health.commit().await?;
    for _ in 0..TIMED {
        let began = Instant::now();
        health.round_trip().await?;
        trips.push(began.elapsed());
        let began = Instant::now();
        health.commit().await?;
        commits.push(began.elapsed());
    }
    trips.sort_unstable();
    commits.sort_unstable();
    Ok((trips[TIMED / 2], commits[TIMED / 2]))
}

fn times(trip: Duration, commit: Duration) -> Finding {
    const CHECK: &str = "database time";
    let ms = |time: Duration| time.as_secs_f64() * 1_000.0;
    let detail = format!("{:.2} ms a question, {:.2} ms a durable commit", ms(trip), ms(commit));
    if trip > TRIP_SLOW {
        return Finding::warn(CHECK, detail, "put the host near its database: it asks several times a batch");
    }
    if commit > SYNC_SLOW + trip {
        let help = "each commit waits for the server's disk: a local SSD takes well below 5 ms";
        return Finding::warn(CHECK, detail, help);
    }
    Finding::ok(CHECK, detail)
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn a_server_that_is_far_or_slow_is_told() {
        let ms = Duration::from_millis;
        for (trip, commit, verdict) in
            [(ms(1), ms(3), Verdict::Ok), (ms(6), ms(7), Verdict::Warn), (ms(1), ms(40), Verdict::Warn)]
        {
            assert_eq!(times(trip, commit).verdict, verdict, "{trip:?} {commit:?}");
        }
    }
}
