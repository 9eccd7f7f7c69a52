//! Runs as a table.

use std::collections::BTreeMap;

use siyu_insight::report::RunsReport;
use siyu_model::run::RunPhase;

use crate::commands::reading::{numbers, title};
use crate::output::{Paint, Screen, grouped, on_one_line};

/// Ends of one workflow that are told; the rest is counted.
const ENDS_SHOWN: usize = 6;

pub(super) fn show(screen: &Screen, found: &RunsReport) -> anyhow::Result<()> {
    screen.say(screen.paint(Paint::Bold, title("Runs", &found.as_of)))?;
    if found.workflows.is_empty() {
        return screen.say("no runs");
    }
    let phases: Vec<RunPhase> =
        RunPhase::ALL.into_iter().filter(|phase| found.total.contains_key(phase)).collect();
    let mut columns = vec!["WORKFLOW".to_owned(), "RUNS".to_owned()];
    columns.extend(phases.iter().map(|phase| phase.as_str().to_uppercase()));
    columns.push("ENDS".to_owned());
    let names: Vec<&str> = columns.iter().map(String::as_str).collect();
    let mut table = screen.table(&names);
    numbers(&mut table, 1..columns.len() - 1);
    let row = |name: String, runs: u64, counts: &BTreeMap<RunPhase, u64>, ends: String| {
        let mut row = vec![name, grouped(runs)];
        row.extend(
            phases.iter().map(|phase| counts.get(phase).map(|count| grouped(*count)).unwrap_or_default()),
        );
        row.push(ends);
        row
    };
    for line in &found.workflows {
        let name = on_one_line(&format!("{}/{}", line.playbook, line.workflow));
        table.add_row(row(name, line.runs, &line.phases, ends(&line.outcomes, &line.failures)));
    }
    let total = found.total.values().sum();
    table.add_row(row("total".to_owned(), total, &found.total, String::new()));
    screen.say_table(&table)
}

/// The most frequent ends first.
fn ends(outcomes: &BTreeMap<String, u64>, failures: &BTreeMap<String, u64>) -> String {
    let mut ends: Vec<(&String, u64)> =
        outcomes.iter().chain(failures).map(|(end, runs)| (end, *runs)).collect();
    ends.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(other.0)));
    let told =
        ends.iter().take(ENDS_SHOWN).map(|(end, runs)| format!("{} {}", on_one_line(end), grouped(*runs)));
    let mut told: Vec<String> = told.collect();
    if ends.len() > ENDS_SHOWN {
        told.push(format!("and {} others", ends.len() - ENDS_SHOWN));
    }
    told.join(", ")
}
