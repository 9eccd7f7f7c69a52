//! Who may enter, and who may not.

use std::io::{Read, Write};
use std::net::TcpStream;

use siyu_engine::ports::access::Access;
use siyu_engine::ports::store::StoreError;
use siyu_model::access::Role;

use super::stage::{Stage, note};

const RUNS: &str = "/v1/tenants/shop/runs";

#[test]
fn without_a_valid_token_nothing_is_answered_but_that_the_host_lives() {
    let stage = Stage::new();
    let token = stage.token(Role::Viewer, "shop");
    let bearer = |text: &str| format!("Bearer {text}");
    let mut changed = token.clone();
    changed.replace_range(10..11, if &token[10..11] == "A" { "B" } else { "A" });
    for (header, status, code) in [
        (None, 401, "TOKEN_MISSING"),
        (Some(bearer("")), 401, "TOKEN"),
        (Some(bearer("siyu_short")), 401, "TOKEN"),
        (Some(bearer(&changed)), 401, "TOKEN"),
        (Some(format!("Basic {token}")), 401, "TOKEN"),
        (Some(token.clone()), 401, "TOKEN"),
    ] {
        let headers: Vec<(&str, &str)> =
            header.iter().map(|value| ("authorization", value.as_str())).collect();
        let answer = stage.ask("GET", RUNS, &headers, "");
        assert_eq!(answer.fault(), (status, code.to_owned()), "{header:?}");
        assert_eq!(answer.headers["www-authenticate"], "Bearer realm=\"siyu\"");
        assert_eq!(answer.headers["content-type"], "application/problem+json");
    }
    assert_eq!(stage.get(&token, RUNS).status, 200);
    assert_eq!(stage.ask("GET", "/healthz", &[], "").text, "ok\n");
    let twice = bearer(&token);
    let twice = [("authorization", twice.as_str()), ("authorization", twice.as_str())];
    assert_eq!(stage.ask("GET", RUNS, &twice, "").status, 401);
}

#[test]
fn a_token_that_expired_or_was_revoked_opens_nothing() {
    let stage = Stage::new();
    let (expired, _) = stage.token_for(Role::Viewer, "shop", -1);
    assert_eq!(stage.get(&expired, RUNS).fault(), (401, "TOKEN_EXPIRED".to_owned()));
    let (token, id) = stage.token_for(Role::Viewer, "shop", 1);
    assert_eq!(stage.get(&token, RUNS).status, 200);
    assert!(stage.wait_for(stage.access.revoke(id, note("tokens.revoke"))).unwrap());
    let begun = std::time::Instant::now();
    while stage.get(&token, RUNS).status == 200 {
        assert!(begun.elapsed().as_secs() < 60, "a revoked token still opens");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_eq!(stage.get(&token, RUNS).fault(), (401, "TOKEN_REVOKED".to_owned()));
}

#[test]
fn a_tenant_that_is_out_of_reach_is_one_that_is_not_there() {
    let stage = Stage::new();
    let token = stage.token(Role::Agency, "shop,gone");
    let absent = stage.get(&token, "/v1/tenants/gone/runs");
    assert_eq!(absent.fault(), (404, "NO_TENANT".to_owned()));
    for (method, path) in [
        ("GET", "/v1/tenants/other/runs"),
        ("GET", "/v1/tenants/Other/runs"),
        ("GET", "/v1/tenants/..%2Fshop/runs"),
        ("GET", "/v1/tenants/other/customers/shop:1"),
        ("GET", "/v1/tenants/other/playbooks"),
        ("GET", "/v1/tenants/other/pools?plugin=coupon"),
        ("GET", "/v1/tenants/other/reports/runs"),
        ("POST", "/v1/tenants/other/events"),
        ("POST", "/v1/tenants/other/playbooks/shop/workflows/byhand/start"),
        ("POST", "/v1/tenants/other/runs/run_01k9zzzzzzzzzzzzzzzzzzzzzz/cancel"),
    ] {
        let bearer = format!("Bearer {token}");
        let answer = stage.ask(method, path, &[("authorization", &bearer)], "{}");
        assert_eq!((answer.status, answer.text.as_str()), (404, absent.text.as_str()), "{method} {path}");
    }
    let tenants = stage.get(&token, "/v1/tenants").json();
    assert_eq!(tenants["tenants"], serde_json::json!(["shop"]));
}

#[test]
fn a_role_does_what_it_is_for_and_nothing_else() {
    let stage = Stage::new();
    let event = r#"{"id":"1","type":"visit.made","subject":"shop:1","data":{"name":"a"}}"#;
    let run = "run_01k9zzzzzzzzzzzzzzzzzzzzzz";
    for (role, allowed) in [
        (Role::Viewer, [false, true, true, false, false]),
        (Role::Integrator, [true, true, false, false, false]),
        (Role::Operator, [true, true, true, true, false]),
        (Role::Agency, [true, true, true, true, false]),
    ] {
        let token = stage.token(role, "shop");
        let answers = [
            stage.post(&token, "/v1/tenants/shop/events", event),
            stage.get(&token, RUNS),
            stage.get(&token, "/v1/tenants/shop/reports/runs"),
            stage.post(&token, &format!("{RUNS}/{run}/cancel"), ""),
            stage.get(&token, "/v1/host"),
        ];
        let found = answers.map(|answer| answer.status != 403);
        assert_eq!(found, allowed, "{role}");
    }
    let refused = stage.post(&stage.token(Role::Viewer, "shop"), "/v1/tenants/shop/events", event);
    assert_eq!(refused.fault(), (403, "SCOPE".to_owned()));
    assert!(
        refused.text.contains("this needs the scope events:write; the token has runs:read"),
        "{}",
        refused.text
    );
    assert_eq!(stage.get(&stage.token(Role::HostAdmin, "*"), "/v1/host").status, 200);
}

#[test]
fn what_cannot_be_noted_is_not_done_and_tokens_are_known_for_a_while() {
    let stage = Stage::new();
    let token = stage.token(Role::Operator, "shop");
    let event = r#"{"id":"1","type":"visit.made","subject":"shop:1","data":{"name":"a"}}"#;
    let started = stage.post(&token, "/v1/tenants/shop/events", event).json();
    let run = started["started"][0].as_str().unwrap().to_owned();
    stage.access.fail(Some(StoreError::Database("no disk".to_owned())));
    let refused = stage.post(&token, &format!("{RUNS}/{run}/cancel"), "");
    assert_eq!(refused.fault(), (503, "UNAVAILABLE".to_owned()));
    assert!(!refused.text.contains("no disk"), "{}", refused.text);
    stage.access.fail(None);
    assert_eq!(stage.until_phase(&token, &run, "live")["phase"], "live");
}

#[test]
fn a_token_says_when_it_was_used() {
    let stage = Stage::new();
    let (token, id) = stage.token_for(Role::Viewer, "shop", 1);
    assert_eq!(stage.get(&token, RUNS).status, 200);
    let access = stage.access.clone();
    // What is still to be noted is noted when the host ends.
    drop(stage);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let tokens = runtime.block_on(access.tokens()).unwrap();
    assert!(tokens.iter().any(|row| row.id == id && row.used_at.is_some()), "{tokens:?}");
}

#[test]
fn an_open_door_answers_this_machine_only() {
    let stage = Stage::with(true);
    assert_eq!(stage.ask("GET", RUNS, &[], "").status, 200);
    for (name, value, status) in [
        ("origin", "http://localhost:3000", 200),
        ("origin", "https://evil.example", 403),
        ("origin", "null", 403),
        ("host", "evil.example", 403),
        ("host", "localhost", 200),
    ] {
        assert_eq!(stage.ask("GET", RUNS, &[(name, value)], "").status, status, "{name}: {value}");
    }
}

/// Sends bytes and reads what comes until the host closes.
fn raw(stage: &Stage, request: &str) -> String {
    let mut stream = TcpStream::connect(stage.socket()).unwrap();
    // A host that refuses may close before all was sent.
    drop(stream.write_all(request.as_bytes()));
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer));
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn heads_and_urls_have_limits() {
    let stage = Stage::new();
    let line = |answer: String| answer.lines().next().unwrap_or_default().to_owned();
    let get = |path: &str, fields: &str| {
        line(raw(
            &stage,
            &format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{fields}\r\n"),
        ))
    };
    assert_eq!(get("/healthz", ""), "HTTP/1.1 200 OK");
    assert_eq!(get(&format!("/healthz?{}", "a".repeat(9_000)), ""), "HTTP/1.1 414 URI Too Long");
    let many: String = (0..80).map(|number| format!("x-{number}: 1\r\n")).collect();
    assert_eq!(get("/healthz", &many), "HTTP/1.1 431 Request Header Fields Too Large");
    let long = format!("x-long: {}\r\n", "a".repeat(20_000));
    assert_eq!(get("/healthz", &long), "HTTP/1.1 431 Request Header Fields Too Large");
}

#[test]
fn whoever_is_refused_before_their_body_was_read_is_told_that_the_connection_ends() {
    let stage = Stage::new();
    let token = stage.token(Role::Integrator, "shop");
    let asked = |path: &str, token: &str, body: &str| {
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut stream = TcpStream::connect(stage.socket()).unwrap();
        stream.set_read_timeout(Some(std::time::Duration::from_secs(90))).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
        (head[9..12].to_owned(), head.contains("connection: close"))
    };
    let event = r#"{"id":"1","type":"visit.made","subject":"shop:1","data":{"name":"a"}}"#;
    for (path, token, body, status, is_closed) in [
        ("/v1/tenants/shop/events", token.as_str(), event, "200", false),
        ("/v1/tenants/shop/events", token.as_str(), "{}", "400", false),
        ("/v1/tenants/shop/events", "siyu_none", event, "401", true),
        ("/v1/tenants/other/events", token.as_str(), event, "404", true),
        ("/v1/tenants/other/events", token.as_str(), "", "404", false),
        ("/v1/nowhere", token.as_str(), event, "404", true),
        ("/healthz", token.as_str(), event, "405", true),
    ] {
        assert_eq!(asked(path, token, body), (status.to_owned(), is_closed), "{path} {body}");
    }
}

#[test]
fn every_answer_has_the_id_of_its_request() {
    let stage = Stage::new();
    let id = |path: &str, headers: &[(&str, &str)]| {
        stage.ask("GET", path, headers, "").headers["x-request-id"].clone()
    };
    assert_eq!(id("/healthz", &[("x-request-id", "trace-1")]), "trace-1");
    assert_eq!(id("/nowhere", &[("x-request-id", "trace-2")]), "trace-2");
    assert_ne!(id(RUNS, &[]), id(RUNS, &[]), "each has its own");
    assert_ne!(id(RUNS, &[("x-request-id", "not for a log")]), "not for a log");
}
