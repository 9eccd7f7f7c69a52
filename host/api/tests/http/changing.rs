//! What people change: runs and manual starts, each with its notes.

use serde_json::json;
use siyu_engine::ports::access::Outcome;
use siyu_model::access::Role;

use super::stage::Stage;

fn started(stage: &Stage, token: &str, kind: &str) -> String {
    let data = if kind == "visit.bad" { json!({ "n": 0 }) } else { json!({ "name": "ann" }) };
    let event = json!({ "id": kind, "type": kind, "subject": "shop:1", "data": data });
    let answer = stage.post(token, "/v1/tenants/shop/events", &event.to_string());
    answer.json()["started"][0].as_str().unwrap_or_else(|| panic!("{}", answer.text)).to_owned()
}

#[test]
fn a_run_is_paused_resumed_and_cancelled_and_every_change_is_noted() {
    let stage = Stage::new();
    let token = stage.token(Role::Operator, "shop");
    let run = started(&stage, &token, "visit.made");
    let path = format!("/v1/tenants/shop/runs/{run}");
    let act = |verb: &str, body: &str| stage.post(&token, &format!("{path}/{verb}"), body);
    assert_eq!(act("pause", "").json(), json!({ "run": run }));
    stage.until_phase(&token, &run, "paused");
    assert_eq!(act("pause", "").fault(), (422, "REFUSED".to_owned()));
    assert_eq!(act("resume", "").status, 200);
    assert_eq!(act("cancel", r#"{"reason":"wrong card"}"#).status, 200);
    let ended = stage.until_phase(&token, &run, "cancelled");
    assert_eq!(ended["end"], "wrong card");
    assert_eq!(act("cancel", r#"{"raeson":"x"}"#).fault(), (400, "BODY".to_owned()));
    let notes = stage.notes();
    let of = |action: &str| {
        let found = notes.iter().filter(|(noted, _, tenant)| noted == action && tenant.is_some());
        found.map(|(_, outcome, _)| *outcome).collect::<Vec<_>>()
    };
    use Outcome::{Asked, Done, Refused};
    assert_eq!(of("runs.pause"), [Asked, Done, Asked, Refused]);
    assert_eq!(of("runs.resume"), [Asked, Done]);
    assert_eq!(of("runs.cancel"), [Asked, Done]);
}

#[test]
fn a_retry_under_a_key_is_done_once() {
    let stage = Stage::new();
    let token = stage.token(Role::Operator, "shop");
    let run = started(&stage, &token, "visit.bad");
    stage.until_phase(&token, &run, "failed");
    let path = format!("/v1/tenants/shop/runs/{run}/retry");
    let bearer = format!("Bearer {token}");
    let retry = |key: &str| {
        let answer = stage.ask("POST", &path, &[("authorization", &bearer), ("idempotency-key", key)], "");
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()["run"].as_str().unwrap().to_owned()
    };
    let (one, again, other) = (retry("a"), retry("a"), retry("b"));
    assert!(one == again && one != other && one != run, "{one} {again} {other}");
}

#[test]
fn a_manual_workflow_is_started_once_a_key_and_answers_whoever_waits() {
    let stage = Stage::new();
    let token = stage.token(Role::Integrator, "shop");
    let bearer = format!("Bearer {token}");
    let start = |path: &str, headers: &[(&str, &str)], body: &str| {
        let mut all = vec![("authorization", bearer.as_str())];
        all.extend(headers);
        stage.ask("POST", &format!("/v1/tenants/shop/playbooks/{path}/start"), &all, body)
    };
    let path = "shop/workflows/byhand";
    let body = r#"{"customer":"shop:1","data":{"why":"test"}}"#;
    let key = ("idempotency-key", "start-1");
    let one = start(path, &[key, ("prefer", "wait=30")], body);
    assert_eq!((one.status, &one.json()["response"]), (200, &json!({ "by": "hand" })), "{}", one.text);
    let again = start(path, &[key], body);
    assert_eq!(again.json()["run"], one.json()["run"]);
    let other = start(path, &[], body);
    assert!(other.status == 422 || other.json()["run"] != one.json()["run"], "{}", other.text);
    for (path, body, status, code) in [
        ("shop/workflows/greet", body, 422, "REFUSED"),
        ("shop/workflows/none", body, 422, "REFUSED"),
        ("shop/workflows/NO%20NAME", body, 404, "NO_WORKFLOW"),
        ("shop/workflows/byhand", r#"{"custmer":"x"}"#, 400, "BODY"),
        ("shop/workflows/byhand", r#"{"customer":"nobody"}"#, 400, "BODY"),
    ] {
        assert_eq!(start(path, &[], body).fault(), (status, code.to_owned()), "{path} {body}");
    }
}

#[test]
fn a_run_that_is_over_is_replayed_from_a_step_and_under_a_key_once() {
    let stage = Stage::new();
    let token = stage.token(Role::Operator, "shop");
    let run = started(&stage, &token, "visit.made");
    let path = format!("/v1/tenants/shop/runs/{run}");
    let bearer = format!("Bearer {token}");
    let replay = |key: &str, from: &str| {
        let headers = [("authorization", bearer.as_str()), ("idempotency-key", key)];
        stage.ask("POST", &format!("{path}/replay"), &headers, &json!({ "from": from }).to_string())
    };
    let step = stage.get(&token, &path).json()["steps"][1]["id"].as_str().unwrap().to_owned();
    assert_eq!(replay("a", &step).fault(), (422, "REFUSED".to_owned()), "it is not over");
    assert_eq!(stage.post(&token, &format!("{path}/cancel"), "").status, 200);
    stage.until_phase(&token, &run, "cancelled");
    let began = |key: &str| {
        let answer = replay(key, &step);
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()["run"].as_str().unwrap().to_owned()
    };
    let (one, again, other) = (began("a"), began("a"), began("b"));
    assert!(one == again && one != other && one != run);
    assert_eq!(stage.get(&token, &format!("/v1/tenants/shop/runs/{one}")).json()["phase"], "live");
    assert_eq!(replay("c", "nowhere").fault(), (422, "REFUSED".to_owned()));
    assert_eq!(stage.post(&token, &format!("{path}/replay"), "{}").fault(), (400, "BODY".to_owned()));
}
