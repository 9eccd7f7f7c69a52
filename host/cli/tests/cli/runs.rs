//! `runs cancel|retry|pause|resume`: what people do to runs.

use siyu_model::run::RunPhase;

use crate::stage::Stage;

/// A tenant with a run that waits and one that ended.
fn stage() -> (Stage, String, String) {
    let stage = Stage::new();
    stage.visits("events.ndjson", 11);
    assert_eq!(stage.siyu("run stamps --events events.ndjson --seed s").status, 0);
    let runs = stage.runs("siyu-data");
    let find = |phase| runs.iter().find(|run| run.phase == phase).expect("such a run").id.to_string();
    let (waits, ended) = (find(RunPhase::Live), find(RunPhase::Completed));
    (stage, waits, ended)
}

fn phase(stage: &Stage, run: &str) -> RunPhase {
    stage.runs("siyu-data").iter().find(|found| found.id.to_string() == run).expect("the run").phase
}

#[test]
fn a_run_is_paused_resumed_and_cancelled() {
    let (stage, run, _) = stage();
    for (words, told, expected) in [
        ("pause", "RUN is paused\n", RunPhase::Paused),
        ("resume", "RUN is resumed\n", RunPhase::Live),
        ("cancel --reason closed", "RUN is cancelled\n", RunPhase::Cancelled),
    ] {
        let said = stage.siyu(&format!("runs {words} {run}"));
        assert_eq!((said.status, &*said.out), (0, told), "{}", said.err);
        assert_eq!(phase(&stage, &run), expected);
    }
    let detail =
        stage.inspect("siyu-data", async |inspect| inspect.run(run.parse().unwrap()).await.unwrap().unwrap());
    let reason = detail.journal.iter().filter_map(|row| row.entry.detail.as_deref());
    assert!(reason.into_iter().any(|detail| detail.contains("closed")));
    assert!(detail.run.changed_at < "2026-11-22T00:00:00Z".parse().unwrap(), "virtual time stood still");
}

#[test]
fn what_cannot_be_done_is_told_and_the_rest_is_done() {
    let (stage, waits, ended) = stage();
    let said = stage.siyu(&format!("runs pause {ended} {waits}"));
    insta::assert_snapshot!(said.all());
    assert_eq!(phase(&stage, &waits), RunPhase::Paused);
    let json = stage.siyu(&format!("runs retry {ended} --json"));
    assert_eq!(json.status, 1);
    assert_eq!(json.json()["runs"][0]["done"], false);
    let unknown = stage.siyu("runs cancel run_00000000000000000000000000");
    assert_eq!(unknown.status, 1);
    assert!(unknown.err.contains("there is no run"), "{}", unknown.err);
}

#[test]
fn wrong_ids_and_tenants_are_refused_before_anything_is_made() {
    let stage = Stage::new();
    let wrong = stage.siyu("runs cancel 42");
    assert_eq!(wrong.status, 2);
    assert!(wrong.err.contains("is not a run id: expected `run_`"), "{}", wrong.err);
    let nobody = stage.siyu("runs cancel run_00000000000000000000000000 --data nowhere");
    insta::assert_snapshot!(nobody.all());
    assert!(!stage.path("nowhere").exists());
    assert_eq!(stage.siyu("runs cancel").status, 2);
}
