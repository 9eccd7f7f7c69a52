//! `cargo xtask reliability`: does to the program and to the engine whatever can befall them, and says how often and with what
//! outcome, as rows of a table.
//!
//! It proves nothing itself: each row is a test that anyone can run, and the table says with which counts it was run.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context, ensure};
use clap::Args;
use siyu_test_postgres::VARIABLE;

use crate::commands::cargo;
use crate::{plugins, test};

/// Options of `reliability`.
#[derive(Args)]
pub(crate) struct Options {
    /// As often as a release wants it, not as often as every change can afford: hours
    #[arg(long)]
    full: bool,
    /// Only promises that contain this
    filter: Option<String>,
}

/// A promise and the test of it.
struct Suite {
    promise: &'static str,
    test: &'static str,
    /// The whole name of one test; all of the file when absent.
    name: Option<&'static str>,
    counts: &'static [Count],
}

/// How often something happens: the variable that says it, its unit, for every change, and for a release.
type Count = (&'static str, &'static str, u64, u64);

/// A test of the real program.
const fn faults(promise: &'static str, name: &'static str, counts: &'static [Count]) -> Suite {
    Suite { promise, test: "faults", name: Some(name), counts }
}

const SUITES: [Suite; 16] = [
    faults(
        "killed at random moments, the program ends where an undisturbed run ends (SQLite)",
        "kill::killed_at_random_moments_it_ends_where_an_undisturbed_run_ends",
        &[("SIYU_KILLS", "kills", 200, 1_000)],
    ),
    faults(
        "the same in Postgres",
        "kill::killed_at_random_moments_it_ends_where_an_undisturbed_run_ends_in_a_database_too",
        &[("SIYU_KILLS_POSTGRES", "kills", 50, 500)],
    ),
    faults(
        "what was acknowledged before the power went is there when it comes back",
        "power_cut::what_was_acknowledged_before_the_power_went_is_there_when_it_comes_back",
        &[("SIYU_CUTS", "cuts", 100, 1_000)],
    ),
    faults(
        "control: without waiting for the disk acknowledged events are lost, so the test above can see a loss",
        "power_cut::without_waiting_for_the_disk_acknowledged_events_are_lost_with_the_power",
        &[],
    ),
    faults(
        "a full disk stops the program with an error, loses nothing, and it goes on when there is room",
        "failing_disk::a_full_disk_stops_the_program_and_loses_nothing_and_it_goes_on_when_there_is_room",
        &[],
    ),
    faults(
        "when commits cannot be synced (EIO) the program ends, and what it acknowledged is there, after a power cut too",
        "failing_disk::when_the_log_cannot_be_synced_the_program_ends_and_what_it_acknowledged_is_there",
        &[("SIYU_EIO_ROUNDS", "rounds", 4, 100)],
    ),
    faults(
        "when messages cannot be synced (EIO) none counts as sent that a power cut takes",
        "failing_disk::when_messages_cannot_be_synced_none_counts_as_sent_that_is_not",
        &[("SIYU_EIO_ROUNDS", "rounds", 4, 100)],
    ),
    faults(
        "after a sync that failed nothing is built on what only the kernel remembers (a thin disk, and a power cut)",
        "failing_disk::what_a_sync_that_failed_left_in_memory_only_is_not_built_on",
        &[("SIYU_EIO_ROUNDS", "rounds", 4, 20)],
    ),
    faults(
        "a Postgres server that restarts, crashes or is killed costs nothing that was acknowledged",
        "database::a_server_that_restarts_or_crashes_in_the_middle_costs_nothing_that_was_acknowledged",
        &[("SIYU_RESTARTS", "restarts", 6, 60)],
    ),
    faults(
        "Postgres sessions that are ended in the middle cost nothing that was acknowledged",
        "database::sessions_that_are_ended_in_the_middle_cost_nothing_that_was_acknowledged",
        &[("SIYU_TERMINATIONS", "times", 12, 200)],
    ),
    faults(
        "a synchronous Postgres standby that takes over has everything that was acknowledged",
        "database::a_standby_that_takes_over_has_everything_that_was_acknowledged",
        &[("SIYU_FAILOVERS", "failovers", 1, 5)],
    ),
    faults(
        "killed while it makes a file, the program makes it whole the next time",
        "migration::killed_while_it_makes_a_file_it_makes_it_whole_the_next_time",
        &[("SIYU_MIGRATION_KILLS", "kills half-way", 20, 200)],
    ),
    faults(
        "the same of a schema in Postgres",
        "migration::killed_while_it_makes_a_schema_it_makes_it_whole_the_next_time",
        &[("SIYU_MIGRATION_KILLS_POSTGRES", "kills half-way", 6, 60)],
    ),
    Suite {
        promise: "whatever fails in simulated worlds, nothing is lost, doubled or stuck",
        test: "seeds",
        name: Some("whatever_fails_nothing_is_lost_doubled_or_stuck"),
        counts: &[("SIYU_SEEDS", "worlds", 2_000, 20_000)],
    },
    Suite {
        promise: "however simulated hosts of one database come, go and lose each other, every wish is done once",
        test: "seeds",
        name: Some("however_hosts_come_go_and_lose_each_other_every_wish_is_done_once"),
        counts: &[("SIYU_FLEET_SEEDS", "fleets", 500, 5_000)],
    },
    Suite {
        promise: "the engine leaves what a small interpreter leaves that shares no code with it",
        test: "differential",
        name: None,
        counts: &[("SIYU_REFERENCE_SEEDS", "playbooks", 400, 4_000)],
    },
];

/// What became of a promise.
struct Outcome {
    holds: bool,
    /// What the test said of it, a line each.
    said: Vec<String>,
    /// All that was printed.
    text: String,
    seconds: f64,
}

/// Does it all and prints the table; an error when a promise does not hold.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    plugins::build(false)?;
    let server = test::postgres()?;
    let filter = options.filter.as_deref().unwrap_or_default();
    let mut rows = Vec::new();
    let mut broken = Vec::new();
    for suite in SUITES.iter().filter(|suite| suite.promise.contains(filter)) {
        let mut command = suite.command(options.full);
        if let Some(server) = &server {
            command.env(VARIABLE, server.url());
        }
        let outcome = Outcome::of(&mut command)?;
        rows.push(suite.row(options.full, &outcome));
        say(rows.last().map_or("", String::as_str));
        if !outcome.holds {
            say(&outcome.text);
            broken.push(suite.promise);
        }
    }
    ensure!(!rows.is_empty(), "no promise contains `{filter}`");
    say(&format!("\n| promise | how often | seconds | outcome |\n|---|---|---|---|\n{}", rows.join("\n")));
    ensure!(broken.is_empty(), "does not hold: {}", broken.join("; "));
    Ok(())
}

#[expect(clippy::print_stdout, reason = "a developer watches")]
fn say(line: &str) {
    println!("{line}");
}

impl Suite {
    fn command(&self, is_full: bool) -> Command {
        let mut command = cargo();
        // All of the workspace: with a package alone, what it is built on has other features and is compiled anew.
        command.args(["test", "--quiet", "--workspace", "--test", self.test, "--"]);
        command.args(["--show-output", "--test-threads=1"]);
        command.args(self.name.iter().flat_map(|name| ["--exact", name]));
        for (variable, _, usual, full) in self.counts {
            command.env(variable, if is_full { full } else { usual }.to_string());
        }
        command
    }

    fn row(&self, is_full: bool, outcome: &Outcome) -> String {
        let counts = self.counts.iter().map(|(_, unit, usual, full)| {
            let count = if is_full { full } else { usual };
            format!("{count} {unit}")
        });
        let counts: Vec<String> = counts.chain(outcome.said.iter().cloned()).collect();
        let is_skipped = outcome.said.iter().any(|line| line.starts_with("skipped"));
        let verdict = match (outcome.holds, is_skipped) {
            (true, false) => "holds",
            (true, true) => "skipped",
            (false, _) => "**broken**",
        };
        format!("| {} | {} | {:.0} | {verdict} |", self.promise, counts.join("; "), outcome.seconds)
    }
}

impl Outcome {
    fn of(command: &mut Command) -> anyhow::Result<Self> {
        let began = Instant::now();
        let output = command.output().context("cargo cannot be started")?;
        let seconds = began.elapsed().as_secs_f64();
        let out = String::from_utf8_lossy(&output.stdout);
        let text = format!("{out}{}", String::from_utf8_lossy(&output.stderr));
        // A filter that fits no test any more proves nothing.
        let holds = output.status.success() && !out.contains(" 0 passed");
        Ok(Self { holds, said: said(&out), text, seconds })
    }
}

/// The lines that tests printed that succeeded.
fn said(out: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut is_inside = false;
    for line in out.lines() {
        match line {
            _ if line.starts_with("---- ") && line.ends_with(" stdout ----") => is_inside = true,
            "" => is_inside = false,
            _ if is_inside => lines.push(line.to_owned()),
            _ => {}
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tests_said_is_taken_from_their_output() {
        let out = "\nrunning 1 test\n.\nsuccesses:\n\n---- kill::it_ends stdout ----\n200 kills, seed 7\n\n\nsuccesses:\n    \
                   kill::it_ends\n\ntest result: ok. 1 passed; 0 failed\n";
        assert_eq!(said(out), ["200 kills, seed 7"]);
    }

    #[test]
    fn every_count_of_a_release_is_at_least_that_of_a_change() {
        for (variable, _, usual, full) in SUITES.iter().flat_map(|suite| suite.counts) {
            assert!(full >= usual && *usual > 0, "{variable}");
        }
    }
}
