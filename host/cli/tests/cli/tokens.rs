//! Tokens and notes of changes, with the real program: made, used over HTTP, listed, revoked.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use siyu_test_postgres::Scratch;

use super::stage::Stage;

/// No request takes longer on any machine.
const LONG: Duration = Duration::from_secs(90);

/// A host, killed when the test is over.
struct Serving {
    process: Child,
    address: String,
}

impl Serving {
    fn start(stage: &Stage, words: &str, url: Option<&str>) -> Self {
        let mut serve = stage.command(&format!("serve --listen 127.0.0.1:0 {words}"));
        if let Some(url) = url {
            serve.env("SIYU_DATABASE_URL", url);
        }
        let mut process = serve.stdout(Stdio::piped()).spawn().expect("siyu runs");
        let mut line = String::new();
        let out = process.stdout.take().expect("its output");
        BufReader::new(out).read_line(&mut line).expect("where it serves");
        let address = line.trim_end().rsplit(' ').next().unwrap_or_default().to_owned();
        assert!(address.starts_with("http://127.0.0.1:"), "{line}");
        Self { process, address }
    }

    fn ask(&self, method: &str, path: &str, token: Option<&str>, body: &str) -> (u16, Value) {
        let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(LONG));
        let agent: ureq::Agent = config.build().into();
        let mut request =
            ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.address));
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.header("content-type", "application/json").body(body.to_owned());
        let mut answer = agent.run(request.expect("a request")).expect("an answer");
        let text = answer.body_mut().read_to_string().expect("text");
        (answer.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// Waits until a token is answered so.
    fn until(&self, path: &str, token: &str, status: u16) {
        let begun = Instant::now();
        loop {
            let found = self.ask("GET", path, Some(token), "");
            if found.0 == status {
                return;
            }
            assert!(begun.elapsed() < LONG, "{path} is never answered with {status}: {found:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // One that ended already cannot be killed.
        let _gone = self.process.kill();
        let _gone = self.process.wait();
    }
}

const RUNS: &str = "/v1/tenants/default/runs";
const EVENTS: &str = "/v1/tenants/default/events";
const VISIT: &str =
    r#"{"id":"1","type":"visit.made","source":"shop","subject":"shop:1","data":{"shop":"a"}}"#;

/// A token opens what it is for, others nothing; it is listed, revoked, and every change is noted.
fn check(stage: &Stage, url: Option<&str>) {
    let siyu = |words: &str| {
        let said = match url {
            Some(url) => stage.siyu_with(("SIYU_DATABASE_URL", url), words),
            None => stage.siyu(words),
        };
        assert_eq!(said.status, 0, "{words}: {}{}", said.out, said.err);
        said
    };
    siyu("publish stamps");
    let token = |words: &str| siyu(&format!("tokens create {words} --json")).json();
    let early = token("early --role operator");
    let host = Serving::start(stage, "", url);
    assert_eq!(host.ask("GET", "/healthz", None, "").0, 200);
    assert_eq!(host.ask("GET", RUNS, None, "").0, 401);
    let early_text = early["token"].as_str().expect("a token");
    // A member of a fleet takes its tenants a moment after it serves.
    host.until(RUNS, early_text, 200);
    // One that is made while the host serves opens it too.
    let shop = token("shop --role integrator --days 7");
    let shop_text = shop["token"].as_str().expect("a token");
    host.until(RUNS, shop_text, 200);
    let begun = Instant::now();
    let started = loop {
        let (status, answer) = host.ask("POST", EVENTS, Some(shop_text), VISIT);
        if status == 200 && answer["started"][0].is_string() {
            break answer;
        }
        assert!(begun.elapsed() < LONG && status != 403, "{status} {answer}");
        std::thread::sleep(Duration::from_millis(20));
    };
    let cancel = format!("{RUNS}/{}/cancel", started["started"][0].as_str().expect("a run"));
    assert_eq!(host.ask("POST", &cancel, Some(shop_text), "").0, 403);
    assert_eq!(host.ask("POST", &cancel, Some(early_text), r#"{"reason":"test"}"#).0, 200);
    assert_eq!(host.ask("GET", "/v1/tenants/other/runs", Some(early_text), "").0, 404);
    assert_eq!(host.ask("GET", "/v1/host", Some(early_text), "").0, 403);
    siyu(&format!("tokens revoke {}", shop["id"].as_str().expect("an id")));
    host.until(RUNS, shop_text, 401);
    host.until(RUNS, early_text, 200);
    let listed = siyu("tokens list --all --json");
    assert!(!listed.raw.contains(early_text) && !listed.raw.contains(shop_text));
    let states: Vec<String> = listed.json()["tokens"]
        .as_array()
        .expect("tokens")
        .iter()
        .map(|token| {
            format!("{} {} {} {}", token["name"], token["role"], token["tenants"], token["state"])
                .replace('"', "")
        })
        .collect();
    assert_eq!(states, ["early operator default valid", "shop integrator default revoked"]);
    let changes = siyu("audit list --json").json();
    let mut actions: Vec<String> = changes["changes"]
        .as_array()
        .expect("changes")
        .iter()
        .map(|change| format!("{} {}", change["action"], change["outcome"]).replace('"', ""))
        .collect();
    actions.reverse();
    let expected = [
        "tokens.create done",
        "tokens.create done",
        "runs.cancel asked",
        "runs.cancel done",
        "tokens.revoke done",
    ];
    assert_eq!(actions, expected);
    assert_eq!(siyu("audit verify --json").json()["changes"], 5);
}

#[test]
fn a_token_opens_a_host_of_files_until_it_is_revoked() {
    check(&Stage::new(), None);
}

#[test]
fn a_token_opens_a_host_of_a_database_until_it_is_revoked() {
    let scratch = Scratch::make().expect("a server");
    check(&Stage::new(), Some(&scratch.url()));
}

#[test]
fn what_would_be_no_token_or_too_much_is_refused_before_it_is_made() {
    let stage = Stage::new();
    for (words, status, part) in [
        ("tokens create x --role root", 2, "is no role: expected one of host-admin"),
        ("tokens create x --role viewer --scope runs:write", 2, "the role viewer has no scope runs:write"),
        ("tokens create x --role host-admin --tenants shop", 2, "a host-admin is for all tenants"),
        ("tokens create x --role viewer --tenants No", 2, "is not a tenant"),
        ("tokens create x --role viewer --days 0", 2, "0 is not in 1..=3650"),
        ("tokens revoke tok_01k9zzzzzzzzzzzzzzzzzzzzzz", 1, "there is no token tok_01k9"),
        ("tokens revoke nonsense", 2, "is not a token id"),
    ] {
        let said = stage.siyu(words);
        assert_eq!(said.status, status, "{words}: {}{}", said.out, said.err);
        assert!(said.err.contains(part), "{words}: {}", said.err);
    }
    let made = stage.siyu("tokens create us --role host-admin");
    let first = made.raw.lines().next().expect("a line");
    assert!(first.starts_with("siyu_") && first.len() == 54, "{}", made.raw);
    assert!(made.raw.contains("host-admin on all tenants") && made.raw.contains("It is not shown again"));
    assert_eq!(stage.siyu("tokens list").raw.matches("tok_").count(), 1);
}

#[test]
fn an_edited_note_is_noticed() {
    let stage = Stage::new();
    for name in ["one", "two", "three"] {
        assert_eq!(stage.siyu(&format!("tokens create {name} --role viewer")).status, 0);
    }
    assert_eq!(stage.siyu("audit verify").status, 0);
    let path = stage.path("siyu-data/host.db");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        use sqlx::{Connection, SqliteConnection};
        let url = format!("sqlite://{}", path.display());
        let mut connection = SqliteConnection::connect(&url).await.expect("the file");
        let edit = "UPDATE audit SET actor = 'somebody else' WHERE place = 2";
        sqlx::raw_sql(edit).execute(&mut connection).await.expect("an edit");
        connection.close().await.expect("closed");
    });
    let found = stage.siyu("audit verify");
    assert_eq!(found.status, 1, "{}", found.out);
    assert!(found.err.contains("note 2 is not what followed note 1"), "{}", found.err);
}
