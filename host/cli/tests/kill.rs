//! The real program is killed with SIGKILL at random moments of a run of thousands of customers, again and again, and ends
//! where a run ends that nobody disturbed: nothing acknowledged is missing, nothing is doubled.
//!
//! `SIYU_KILLS` says how often (50 when absent), `SIYU_KILL_SEED` when.

mod support;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use support::ledger;

/// Of the 23,570 customers of the order history, about so many.
const CUSTOMERS: usize = 2_400;
/// No life of the program lasts longer.
const LIFE_MAX: Duration = Duration::from_secs(120);

/// How long it lives on at most after the acknowledgement that decides of its death: a few batches.
const LONGER_MAX_US: u64 = 60_000;

/// Where everything lies.
struct Stage {
    feed: PathBuf,
    data: PathBuf,
    acks: PathBuf,
}

impl Stage {
    fn new(folder: &Path, name: &str, feed: &Path) -> Self {
        let data = folder.join(name);
        Self { feed: feed.to_owned(), acks: folder.join(format!("{name}.acks")), data }
    }

    fn siyu(&self) -> Command {
        let mut siyu = support::siyu(&self.data);
        siyu.stdout(Stdio::piped()).stderr(Stdio::piped());
        siyu
    }

    fn run(&self) -> Command {
        let mut run = self.siyu();
        run.args(["run", "--virtual", "--seed", "kill", "--events"]).arg(&self.feed);
        run.arg("--acks").arg(&self.acks).arg(support::playbook("steak-club"));
        run
    }

    /// Bytes of acknowledgements on disk.
    fn acknowledged_bytes(&self) -> u64 {
        self.acks.metadata().map_or(0, |found| found.len())
    }

    /// The ids that were acknowledged, in whole lines.
    fn acknowledged(&self) -> BTreeSet<String> {
        let text = std::fs::read_to_string(&self.acks).unwrap_or_default();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(str::to_owned).collect()
    }
}

/// Lets the program run until it has acknowledged some more and a little longer, so that it dies in the middle of anything.
/// Gives whether it ended by itself before.
fn live(stage: &Stage, until_bytes: u64, longer: Duration) -> bool {
    let mut child = stage.run().spawn().expect("siyu starts");
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("it can be waited for") {
            assert!(status.success(), "{}", said(child));
            return true;
        }
        if stage.acknowledged_bytes() >= until_bytes || began.elapsed() > LIFE_MAX {
            std::thread::sleep(longer);
            child.kill().expect("SIGKILL");
            child.wait().expect("it is dead");
            assert!(began.elapsed() <= LIFE_MAX, "it neither goes on nor ends");
            return false;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn said(child: Child) -> String {
    let output = child.wait_with_output().expect("its output");
    format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn killed_at_random_moments_it_ends_where_an_undisturbed_run_ends() {
    let kills: u64 = support::number("SIYU_KILLS", 50);
    let seed = support::number("SIYU_KILL_SEED", 20_261_122);
    let folder = tempfile::tempdir().expect("a folder");
    let feed = folder.path().join("events.ndjson");
    siyu_cdnow::write(&feed, Some(CUSTOMERS)).expect("events");

    let undisturbed = Stage::new(folder.path(), "undisturbed", &feed);
    assert!(live(&undisturbed, u64::MAX, Duration::ZERO), "nobody kills it");
    let bytes = undisturbed.acknowledged_bytes();

    let killed = Stage::new(folder.path(), "killed", &feed);
    let mut chance = fastrand::Rng::with_seed(seed);
    for died in 0..kills {
        let left = (bytes / 10 * 9).saturating_sub(killed.acknowledged_bytes());
        // On the average an equal part of what is left of nine tenths, so that the last kill comes near the end and none
        // after it.
        let more = chance.u64(1..=(2 * left / (kills - died + 1)).max(1));
        let longer = Duration::from_micros(chance.u64(0..LONGER_MAX_US));
        let has_ended = live(&killed, killed.acknowledged_bytes() + more, longer);
        assert!(!has_ended, "it ended after {died} kills: seed {seed}");
    }
    assert!(live(&killed, u64::MAX, Duration::ZERO), "the last life ends by itself");
    println!("{kills} kills, {} events acknowledged, seed {seed}", killed.acknowledged().len());

    ledger::holds_all(&killed.data, &killed.acknowledged());
    ledger::balances(&killed.data);
    ledger::same(&undisturbed.data, &killed.data);
    ledger::same_messages(&undisturbed.data, &killed.data);
    let verified = killed.siyu().args(["draws", "verify"]).spawn().expect("siyu starts");
    let output = verified.wait_with_output().expect("its output");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
