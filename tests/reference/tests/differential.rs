//! Random playbooks and streams of events: the engine, on every store, leaves what the reference says.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use serde_json::{Map, Value, json};
use siyu_model::clock::UtcMs;
use siyu_model::id::CustomerId;
use siyu_model::journal::{JournalEntry, JournalKind};
use siyu_model::run::{Run, RunEnd, RunStatus};
use siyu_reference::{Fault, Happening, Outcome, interpret};
use siyu_simulator::{Action, BEGIN, Backing, Durable, REST_MS, Scenario, World, play_in};

/// The stores on which the engine must say the same.
const STORES: [Backing; 3] = [Backing::Memory, Backing::Sqlite, Backing::Postgres];

/// Playbooks with their streams, when `SIYU_REFERENCE_SEEDS` does not say how many; a database takes every tenth.
const SEEDS: u64 = 400;

/// What happens in a scenario, and how far time goes on after it.
fn happenings(scenario: &Scenario) -> (Vec<Happening>, i64) {
    let mut at = BEGIN.parse::<UtcMs>().unwrap().as_millis();
    let mut happenings = Vec::new();
    for action in &scenario.actions {
        match action {
            Action::Pass(ms) => at += ms,
            Action::Events(_, causes) => happenings.extend(causes.iter().map(|cause| Happening {
                id: cause.id.to_string(),
                kind: cause.event_type.to_owned(),
                customer: cause.customer.map(|customer| format!("shop:{customer}")),
                at,
                data: members(json!({"n": cause.n, "items": cause.items})),
            })),
            other => panic!("{other:?} is not plain"),
        }
    }
    (happenings, at + REST_MS)
}

fn members(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap()
}

fn expected(scenario: &Scenario) -> Result<Outcome, Fault> {
    let files = scenario.versions[0].files.iter().filter(|(path, _)| path.starts_with("workflows/"));
    let files: Vec<&str> = files.map(|(_, text)| text.as_str()).collect();
    let (happenings, until) = happenings(scenario);
    interpret(&files, ("shelf", 12), &happenings, until)
}

fn found(scenario: &Scenario) -> Outcome {
    let publications = vec![scenario.versions[0].publication().unwrap()];
    let mut world = World::new(scenario, publications).unwrap();
    if let Err(failure) = play_in(&mut world, scenario) {
        panic!("seed {}: {failure}", scenario.seed);
    }
    let durable = world.durable().lock();
    let mut outcome = Outcome {
        runs: durable.runs.values().map(|run| run_text(&durable, run)).collect(),
        balances: balances(&durable),
        messages: durable
            .messages
            .values()
            .map(|message| {
                format!(
                    "{} {} {}",
                    name(&durable, Some(message.customer)),
                    message.body,
                    message.status.as_str()
                )
            })
            .collect(),
    };
    outcome.runs.sort();
    outcome.balances.sort();
    outcome.messages.sort();
    outcome
}

fn name(durable: &Durable, customer: Option<CustomerId>) -> String {
    let found = durable.identities.iter().find(|(_, id)| Some(**id) == customer);
    found.map_or_else(|| "-".to_owned(), |(identity, _)| identity.to_string())
}

fn run_text(durable: &Durable, run: &Run) -> String {
    let end = match &run.status {
        RunStatus::Ended { end: RunEnd::Completed { outcome }, .. } => format!("completed {outcome}"),
        RunStatus::Ended { end: RunEnd::Failed { fault }, .. } => format!("failed {}", fault.code),
        other => other.phase().as_str().to_owned(),
    };
    let lines: Vec<String> = durable.journal.get(&run.id).into_iter().flatten().map(line).collect();
    let (workflow, customer) = (run.target.name(), name(durable, run.customer));
    format!("{workflow} {customer} {} {end}\n  {}", run.started_at.as_millis(), lines.join("\n  "))
}

/// A line of a journal without what only the host can know.
fn line(entry: &JournalEntry) -> String {
    let detail: Value =
        entry.detail.as_deref().map(|text| serde_json::from_str(text).unwrap()).unwrap_or_default();
    let text = match entry.kind {
        JournalKind::Done | JournalKind::Compensated => {
            let mut output = members(detail["output"].clone());
            for hidden in ["reservation", "results", "used"] {
                output.remove(hidden);
            }
            Value::Object(output).to_string()
        }
        JournalKind::Refused | JournalKind::Failed => detail["code"].as_str().unwrap().to_owned(),
        JournalKind::Retry => detail["attempt"].to_string(),
        JournalKind::Chose => detail["branch"].to_string(),
        JournalKind::Ended => detail.as_str().unwrap().to_owned(),
        _ => String::new(),
    };
    let step = entry.step.as_ref().map(|step| step.as_str()).filter(|step| !step.starts_with('_'));
    let (at, kind) = (entry.at.as_millis(), entry.kind.as_str());
    format!("{at} {} {} {kind} {text}", entry.fiber, step.unwrap_or("-"))
}

fn balances(durable: &Durable) -> Vec<String> {
    let mut balances = Vec::new();
    for (key, counter) in
        durable.counters.iter().filter(|(key, counter)| &*key.plugin == "box" && counter.used() != 0)
    {
        let key = match key.key.as_str().strip_prefix("held/") {
            Some(customer) => {
                let name = name(durable, customer.parse().ok());
                format!("held/{}", name.trim_start_matches('-'))
            }
            None => key.key.to_string(),
        };
        balances.push(format!("{key} {}", counter.used()));
    }
    for (key, pool) in &durable.pools {
        let (available, reserved, sold) = (pool.available(), pool.reserved(), pool.sold());
        balances.push(format!("{}: {available} available, {reserved} reserved, {sold} sold", key.key));
    }
    for (key, units) in &durable.accounts {
        let whose = name(durable, key.account.customer);
        balances.push(format!("account {whose} {} {units}", key.account.name));
    }
    balances
}

/// The first text that one has and the other has not.
fn difference(seed: u64, what: &str, found: &[String], expected: &[String]) {
    if found == expected {
        return;
    }
    let alone = |these: &[String], those: &[String]| {
        these.iter().find(|text| !those.contains(text)).cloned().unwrap_or_else(|| "nothing more".to_owned())
    };
    panic!(
        "seed {seed}, {what}: the engine has\n{}\nand the reference\n{}",
        alone(found, expected),
        alone(expected, found)
    );
}

#[test]
fn the_engine_does_on_every_store_what_the_reference_does() {
    let (mut compared, mut open, mut posted) = (0, 0, 0);
    let seeds =
        std::env::var("SIYU_REFERENCE_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(SEEDS);
    for seed in 0..seeds {
        for backing in STORES {
            if backing != Backing::Memory && seed % 10 != 0 {
                continue;
            }
            let scenario = Scenario::plain(seed, backing);
            let expected = match expected(&scenario) {
                Ok(expected) => expected,
                Err(Fault::Open(_)) => {
                    open += 1;
                    continue;
                }
                Err(Fault::Unknown(what)) => panic!("seed {seed}: {what}"),
            };
            let found = found(&scenario);
            difference(seed, "messages", &found.messages, &expected.messages);
            difference(seed, "runs", &found.runs, &expected.runs);
            difference(seed, "balances", &found.balances, &expected.balances);
            posted += usize::from(found.balances.iter().any(|text| text.starts_with("account shop:")));
            compared += 1;
        }
    }
    // What the language leaves open cannot be compared; it must be the exception.
    println!("{compared} compared, {posted} of them with accounts of customers, {open} left open");
    assert!(compared > 2 * open, "{compared} compared, {open} left open");
    assert!(3 * posted > compared, "{posted} of {compared} have accounts of customers");
}
