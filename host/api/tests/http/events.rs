//! Events in: one, many, in envelopes, again, too large, and waited for.

use serde_json::json;
use siyu_model::access::Role;
use siyu_model::quota::{QuotaTable, Quotas};

use super::stage::Stage;

const EVENTS: &str = "/v1/tenants/shop/events";

fn visit(id: &str, name: &str) -> String {
    json!({ "id": id, "type": "visit.made", "subject": format!("shop:{name}"), "data": { "name": name } })
        .to_string()
}

fn ask(stage: &Stage, token: &str, headers: &[(&str, &str)], body: &str) -> super::stage::Answer {
    let bearer = format!("Bearer {token}");
    let mut all = vec![("authorization", bearer.as_str())];
    all.extend(headers);
    stage.ask("POST", EVENTS, &all, body)
}

#[test]
fn an_event_is_answered_with_what_its_runs_answered() {
    let stage = Stage::new();
    let token = stage.token(Role::Integrator, "shop");
    let first = stage.post(&token, EVENTS, &visit("1", "ann"));
    assert_eq!(first.status, 200, "{}", first.text);
    let first = first.json();
    let run = first["started"][0].as_str().unwrap();
    assert_eq!(first["responses"][run], json!({ "hello": "ann" }));
    let again = stage.post(&token, EVENTS, &visit("1", "ann")).json();
    assert_eq!((&again["is_duplicate"], &again["seq"]), (&json!(true), &first["seq"]));
    for what in ["customer", "started", "responses"] {
        assert_eq!(again[what], first[what], "whoever lost the answer gets it");
    }
}

#[test]
fn an_envelope_and_a_key_are_read() {
    let stage = Stage::new();
    let token = stage.token(Role::Integrator, "shop");
    let envelope = json!({
        "specversion": "1.0", "id": "e1", "source": "/shop", "type": "visit.made", "subject": "shop:eve",
        "datacontenttype": "application/json", "data": { "name": "eve" },
    });
    let kind = ("content-type", "application/cloudevents+json; charset=utf-8");
    assert_eq!(ask(&stage, &token, &[kind], &envelope.to_string()).status, 200);
    let plain = r#"{"type":"visit.made","subject":"shop:kay","data":{"name":"kay"}}"#;
    let key = ("idempotency-key", "\"k-1\"");
    let first = ask(&stage, &token, &[key], plain);
    assert_eq!((first.status, first.headers.get("idempotency-replayed")), (200, None));
    let again = ask(&stage, &token, &[key], plain);
    assert_eq!(again.json()["seq"], first.json()["seq"]);
    assert_eq!(again.headers["idempotency-replayed"], "true");
    let other = ask(&stage, &token, &[key], &plain.replace("\"kay\"}", "\"joe\"}"));
    assert_eq!(other.fault(), (422, "IDEMPOTENCY_KEY".to_owned()), "another content under the same key");
    for (key, status) in [("", 400), (&"k".repeat(257), 400), ("other", 400)] {
        let answer = ask(&stage, &token, &[("idempotency-key", key)], &visit("9", "ann"));
        assert_eq!(answer.status, status, "{key}");
    }
}

#[test]
fn a_batch_answers_line_by_line_in_its_order() {
    let stage = Stage::new();
    let token = stage.token(Role::Integrator, "shop");
    let kind = ("content-type", "application/x-ndjson");
    let many: Vec<String> =
        (0..500).map(|number| visit(&number.to_string(), &format!("n{}", number % 50))).collect();
    let answer = ask(&stage, &token, &[kind], &many.join("\n"));
    assert_eq!((answer.status, answer.headers["content-type"].as_str()), (200, "application/x-ndjson"));
    let lines: Vec<serde_json::Value> =
        answer.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 500);
    for (at, line) in lines.iter().enumerate() {
        assert_eq!((&line["line"], &line["seq"]), (&json!(at + 1), &json!(at + 1)), "{line}");
    }
    let mixed = format!("{}\n\nno event\n{}\n", many[0], visit("new", "zoe"));
    let answer = ask(&stage, &token, &[kind], &mixed);
    assert_eq!(answer.status, 207, "{}", answer.text);
    let found: Vec<(u64, u64)> = answer
        .text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|line| (line["line"].as_u64().unwrap(), line["status"].as_u64().unwrap()))
        .collect();
    assert_eq!(found, [(1, 200), (3, 400), (4, 200)]);
    let keyed = ask(&stage, &token, &[kind, ("idempotency-key", "k")], &many[0]);
    assert_eq!(keyed.fault(), (400, "IDEMPOTENCY_KEY".to_owned()));
    let too_many = "\n{}".repeat(10_001);
    assert_eq!(ask(&stage, &token, &[kind], &too_many).fault(), (413, "BATCH".to_owned()));
}

#[test]
fn what_is_no_event_is_refused_with_what_was_expected() {
    let stage = Stage::new();
    let token = stage.token(Role::Integrator, "shop");
    let deep =
        format!("{{\"id\":\"1\",\"type\":\"a\",\"data\":{}{}}}", "{\"a\":".repeat(100), "}".repeat(100));
    let large = format!("{{\"id\":\"1\",\"type\":\"a\",\"data\":{{\"a\":\"{}\"}}}}", "x".repeat(300_000));
    for (body, status, code) in [
        ("", 400, "EVENT"),
        ("[]", 400, "EVENT"),
        (r#"{"id":"1"}"#, 400, "EVENT"),
        (deep.as_str(), 400, "EVENT"),
        (large.as_str(), 413, "BODY"),
        (
            r#"{"id":"1","type":"visit.made","subject":"cus_01k9zzzzzzzzzzzzzzzzzzzzzz"}"#,
            422,
            "EVENT_REFUSED",
        ),
    ] {
        let shown: String = body.chars().take(40).collect();
        assert_eq!(stage.post(&token, EVENTS, body).fault(), (status, code.to_owned()), "{shown}");
    }
    let zipped = ask(&stage, &token, &[("content-encoding", "gzip")], "x");
    assert_eq!(zipped.fault(), (415, "ENCODING".to_owned()));
    let batch = ask(&stage, &token, &[("content-type", "application/cloudevents-batch+json")], "[]");
    assert_eq!(batch.fault(), (415, "BODY".to_owned()));
    assert_eq!(stage.get(&token, EVENTS).fault(), (405, "NO_METHOD".to_owned()));
    assert_eq!(stage.get(&token, "/v1/nowhere").fault(), (404, "NO_ROUTE".to_owned()));
}

#[test]
fn whoever_waits_gets_a_late_answer_or_is_told_that_it_is_not_there_yet() {
    let stage = Stage::new();
    let token = stage.token(Role::Integrator, "shop");
    let late = |id: &str| {
        json!({ "id": id, "type": "visit.late", "subject": format!("shop:{id}"), "data": { "name": "x" } })
            .to_string()
    };
    let waited = ask(&stage, &token, &[("prefer", "wait=30")], &late("1"));
    assert_eq!(waited.status, 200, "{}", waited.text);
    let waited = waited.json();
    let run = waited["started"][0].as_str().unwrap();
    assert_eq!(waited["responses"][run], json!({ "late": true }));
    let at_once = ask(&stage, &token, &[("prefer", "wait=0")], &late("2"));
    assert_eq!(at_once.status, 202, "{}", at_once.text);
    assert_eq!(ask(&stage, &token, &[], &late("3")).status, 200);
    let prompt = ask(&stage, &token, &[("prefer", "wait=30")], &visit("4", "ann"));
    assert_eq!(prompt.status, 200);
    for wish in ["wait=31", "wait=-1", "wait=soon"] {
        assert_eq!(ask(&stage, &token, &[("prefer", wish)], &late("5")).fault(), (400, "PREFER".to_owned()));
    }
}

#[test]
fn who_waits_for_a_run_is_told_when_the_host_stops() {
    let stage = Stage::new();
    let token = stage.token(Role::Integrator, "shop");
    let client = stage.client();
    let bearer = format!("Bearer {token}");
    let waiting = std::thread::spawn(move || {
        let event = r#"{"id":"1","type":"visit.never","subject":"shop:1"}"#;
        client.ask("POST", EVENTS, &[("authorization", &bearer), ("prefer", "wait=30")], event)
    });
    let begun = std::time::Instant::now();
    while stage.get(&token, "/v1/tenants/shop/runs").json()["runs"] == json!([]) {
        assert!(begun.elapsed().as_secs() < 60, "nothing started");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    drop(stage);
    let answer = waiting.join().unwrap();
    assert_eq!((answer.status, &answer.json()["responses"]), (202, &json!({})), "{}", answer.text);
    assert!(answer.json()["started"][0].is_string());
}

#[test]
fn a_tenant_that_hands_in_too_much_is_told_when_to_come_again_and_others_are_not() {
    let all = Quotas { events_per_second: Some(1), ..Quotas::default() };
    let stage = Stage::with_quotas(QuotaTable { all, ..QuotaTable::default() });
    let token = stage.token(Role::Integrator, "shop,other");
    let bearer = format!("Bearer {token}");
    let batch = |tenant: &str, from: usize| {
        let lines = (from..from + 50).map(|number| visit(&number.to_string(), "ann"));
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/x-ndjson")];
        stage.ask(
            "POST",
            &format!("/v1/tenants/{tenant}/events"),
            &headers,
            &lines.collect::<Vec<_>>().join("\n"),
        )
    };
    let first = batch("shop", 0);
    assert_eq!(first.status, 200, "a batch is taken in whole: {}", first.text);
    assert_eq!(first.headers["ratelimit-policy"], "\"events\";q=2;w=2");
    assert_eq!(first.headers["ratelimit"], "\"events\";r=0");
    let refused = batch("shop", 100);
    assert_eq!(refused.fault(), (429, "QUOTA".to_owned()));
    let after: u64 = refused.headers["retry-after"].parse().unwrap();
    assert!((30..=49).contains(&after), "{after} s for 48 that are owed and one more");
    assert_eq!(stage.post(&token, EVENTS, &visit("200", "ann")).fault(), (429, "QUOTA".to_owned()));
    assert_eq!(batch("other", 0).status, 200);
    let runs = stage.get(&token, "/v1/tenants/shop/runs?page_size=500").json();
    assert_eq!(runs["runs"].as_array().unwrap().len(), 50, "nothing of what was refused happened");
}
