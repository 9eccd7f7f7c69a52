//! Playbooks over HTTP: checked, published over the version that is named, compared, and taken back.

use serde_json::{Map, Value, json};
use siyu_engine::ports::access::Outcome;
use siyu_model::access::Role;

use super::stage::{Answer, FILES, Stage};

const PLAYBOOKS: &str = "/v1/tenants/shop/playbooks";

/// The files of the stage's playbook, with some of them replaced or, without a text, left away.
fn files(changed: &[(&str, Option<&str>)]) -> Value {
    let mut files: Map<String, Value> =
        FILES.iter().map(|(path, text)| ((*path).to_owned(), json!(text))).collect();
    for (path, text) in changed {
        match text {
            Some(text) => drop(files.insert((*path).to_owned(), json!(text))),
            None => drop(files.remove(*path)),
        }
    }
    Value::Object(files)
}

fn other_greeting() -> Value {
    let greet = FILES.iter().find(|(path, _)| *path == "workflows/greet.yaml").unwrap().1;
    files(&[("workflows/greet.yaml", Some(&greet.replace("hello:", "welcome:")))])
}

fn publish(stage: &Stage, token: &str, if_match: Option<&str>, body: &Value) -> Answer {
    let bearer = format!("Bearer {token}");
    let mut headers = vec![("authorization", bearer.as_str())];
    headers.extend(if_match.map(|version| ("if-match", version)));
    stage.ask("POST", PLAYBOOKS, &headers, &body.to_string())
}

/// The version in force, with its quotes.
fn in_force(stage: &Stage, token: &str) -> String {
    stage.get(token, &format!("{PLAYBOOKS}/shop")).headers["etag"].clone()
}

#[test]
fn what_is_checked_is_told_by_file_line_and_column() {
    let stage = Stage::new();
    let token = stage.token(Role::Operator, "shop");
    let path = format!("{PLAYBOOKS}/validate");
    let validate = |body: &Value| stage.post(&token, &path, &body.to_string());
    let good = validate(&json!({ "files": files(&[]) })).json();
    let version = in_force(&stage, &token);
    assert_eq!(good["valid"], true, "{good}");
    assert_eq!(good["in_force"].as_str(), Some(version.trim_matches('"')));
    assert_eq!((&good["version"], &good["changes"]), (&good["in_force"], &json!([])));
    let late = "workflow: late\non: { event: visit.lste }\nsteps:\n  - wait: 1s\n";
    let bad = validate(&json!({ "files": files(&[("workflows/late.yaml", Some(late))]) }));
    assert_eq!(bad.status, 200, "what is asked is what is to be said of it");
    let bad = bad.json();
    assert_eq!(bad["valid"], false);
    let found = &bad["diagnostics"][0];
    assert_eq!((&found["file"], &found["line"]), (&json!("workflows/late.yaml"), &json!(2)), "{bad}");
    assert!(found["code"].is_string() && found["column"].is_u64() && found["help"].is_string(), "{found}");
    let changed = validate(&json!({ "files": other_greeting() })).json();
    assert_eq!(changed["changes"], json!([{ "change": "changed", "what": "workflow", "name": "greet" }]));
}

#[test]
fn a_version_is_published_over_the_one_that_is_named_and_no_other() {
    let stage = Stage::new();
    let token = stage.token(Role::Operator, "shop");
    let first = in_force(&stage, &token);
    let body = json!({ "files": other_greeting() });
    assert_eq!(publish(&stage, &token, None, &body).fault(), (428, "IF_MATCH".to_owned()));
    let stale = format!("\"{}\"", "0".repeat(64));
    assert_eq!(publish(&stage, &token, Some(&stale), &body).fault(), (412, "VERSION".to_owned()));
    assert_eq!(publish(&stage, &token, Some("latest"), &body).fault(), (400, "IF_MATCH".to_owned()));
    assert_eq!(in_force(&stage, &token), first, "nothing happened so far");
    let done = publish(&stage, &token, Some(&first), &body);
    assert_eq!(done.status, 200, "{}", done.text);
    let second = done.headers["etag"].clone();
    assert_eq!(in_force(&stage, &token), second);
    assert_eq!(done.json()["is_unchanged"], false);
    for if_match in [Some(first.as_str()), Some(second.as_str()), Some("*"), None] {
        let again = publish(&stage, &token, if_match, &body).json();
        assert_eq!((&again["is_unchanged"], &again["changes"]), (&json!(true), &json!([])), "{again}");
        assert_eq!(again["version"], done.json()["version"], "the same content is the same version");
    }
    let of = |outcome| {
        let notes = stage.notes();
        notes.iter().filter(|note| note.0 == "playbooks.publish" && note.1 == outcome).count()
    };
    // What was refused before it was tried is not noted; the wrong version is found out by the tenant.
    assert_eq!((of(Outcome::Asked), of(Outcome::Done), of(Outcome::Refused)), (6, 5, 1));
    let event = r#"{"id":"1","type":"visit.made","subject":"shop:1","data":{"name":"ann"}}"#;
    let answer = stage.post(&stage.token(Role::Integrator, "shop"), "/v1/tenants/shop/events", event).json();
    let run = answer["started"][0].as_str().unwrap();
    assert_eq!(answer["responses"][run], json!({ "welcome": "ann" }), "new runs use the new version");
}

#[test]
fn of_two_who_publish_over_the_same_version_one_is_told() {
    let stage = Stage::new();
    let token = stage.token(Role::Operator, "shop");
    let first = in_force(&stage, &token);
    let bodies = ["Uno", "Dos", "Tres", "Cuatro"].map(|title| {
        let head = FILES[0].1.replace("title: Shop", &format!("title: {title}"));
        json!({ "files": files(&[("playbook.yaml", Some(&head))]) })
    });
    let done: Vec<u16> = std::thread::scope(|scope| {
        let publishing = bodies.map(|body| {
            let (stage, token, first) = (&stage, &token, &first);
            scope.spawn(move || {
                loop {
                    let status = publish(stage, token, Some(first), &body).status;
                    // More than the host checks at once are told to come again.
                    if status != 429 {
                        return status;
                    }
                }
            })
        });
        publishing.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(done.iter().filter(|status| **status == 200).count(), 1, "{done:?}");
    assert_eq!(done.iter().filter(|status| **status == 412).count(), 3, "{done:?}");
}

#[test]
fn a_new_playbook_needs_no_version_and_an_overlay_shows_what_it_changes() {
    let stage = Stage::new();
    let token = stage.token(Role::Agency, "other");
    let path = "/v1/tenants/other/playbooks";
    let base = json!({
        "playbook.yaml": "playbook: club\ntitle: Club\nzone: UTC\nvars: { brand: House }\nevents:\n  club.visited: {}\n",
        "workflows/greet.yaml":
            "workflow: greet\non: { event: club.visited }\nsteps:\n  - respond: { by: \"${{ vars.brand }}\" }\n",
    });
    let overlay = json!({ "overlay.yaml": "overlay: ann\nbase: club\nvars: { brand: Ann }\n" });
    let body = json!({ "files": base, "overlay": overlay });
    let bearer = format!("Bearer {token}");
    let any = [("authorization", bearer.as_str()), ("if-match", "*")];
    let refused = stage.ask("POST", path, &any, &body.to_string());
    assert_eq!(refused.fault(), (412, "VERSION".to_owned()), "there is none in force");
    let done = stage.post(&token, path, &body.to_string());
    assert_eq!(done.status, 200, "{}", done.text);
    let done = done.json();
    let change = &done["overlay_changes"][0];
    assert_eq!((&change["before"], &change["after"]), (&json!("House"), &json!("Ann")), "{done}");
    let kept = stage.get(&token, "/v1/tenants/other/playbooks/club").json();
    assert!(kept["files"][".overlay/overlay.yaml"].is_string(), "{kept}");
    let event = r#"{"id":"1","type":"club.visited","subject":"shop:1"}"#;
    let answer = stage.post(&token, "/v1/tenants/other/events", event).json();
    let run = answer["started"][0].as_str().unwrap();
    let story = stage.get(&token, &format!("/v1/tenants/other/runs/{run}")).text;
    assert_eq!(answer["responses"][run], json!({ "by": "Ann" }), "{story}");
}

#[test]
fn versions_are_compared_and_an_earlier_one_comes_back() {
    let stage = Stage::new();
    let token = stage.token(Role::Operator, "shop");
    let first = in_force(&stage, &token);
    let second =
        publish(&stage, &token, Some(&first), &json!({ "files": other_greeting() })).headers["etag"].clone();
    let (first, second) = (first.trim_matches('"'), second.trim_matches('"'));
    let diff = stage.get(&token, &format!("{PLAYBOOKS}/shop/diff?from={first}&to={second}")).json();
    assert_eq!(diff["changes"], json!([{ "change": "changed", "what": "workflow", "name": "greet" }]));
    let file = &diff["files"][0];
    assert_eq!((&file["path"], &file["change"]), (&json!("workflows/greet.yaml"), &json!("changed")));
    let lines: Vec<&str> =
        file["diff"].as_str().unwrap().lines().filter(|line| line.starts_with('+')).collect();
    assert_eq!(lines, ["+  - respond: { welcome: \"${{ event.name }}\" }"]);
    let of_active = stage.get(&token, &format!("{PLAYBOOKS}/shop/diff?from={first}")).json();
    assert_eq!(of_active, diff, "without `to` the version in force is meant");
    let back = |if_match: Option<&str>, version: &str| {
        let bearer = format!("Bearer {token}");
        let mut headers = vec![("authorization", bearer.as_str())];
        headers.extend(if_match.map(|version| ("if-match", version)));
        let body = json!({ "version": version }).to_string();
        stage.ask("POST", &format!("{PLAYBOOKS}/shop/rollback"), &headers, &body)
    };
    let stale = format!("\"{first}\"");
    assert_eq!(back(Some(&stale), first).fault(), (412, "VERSION".to_owned()));
    assert_eq!(back(None, &"0".repeat(64)).fault(), (404, "NO_VERSION".to_owned()));
    assert_eq!(back(None, "yesterday").fault(), (400, "BODY".to_owned()));
    let done = back(None, first).json();
    assert_eq!((done["version"].as_str(), &done["is_unchanged"]), (Some(first), &json!(false)), "{done}");
    assert_eq!(in_force(&stage, &token).trim_matches('"'), first);
    assert_eq!(back(None, first).json()["is_unchanged"], true);
    let files = stage.get(&token, &format!("{PLAYBOOKS}/shop")).json();
    assert_eq!(files["files"], self::files(&[]), "with its files as they were");
}

#[test]
fn what_is_no_playbook_is_refused_in_words() {
    let stage = Stage::new();
    let token = stage.token(Role::Operator, "shop");
    let before = in_force(&stage, &token);
    for name in ["../playbook.yaml", "/etc/passwd", "a\u{7f}.yaml", "workflows\\a.yaml", ".overlay/vars.yaml"]
    {
        let body = json!({ "files": files(&[(name, Some("x: 1\n"))]) });
        assert_eq!(
            publish(&stage, &token, Some(&before), &body).fault(),
            (400, "FILES".to_owned()),
            "{name:?}"
        );
    }
    let head = r#"{"files":{"playbook.yaml":"a","playbook.yaml":"b"}}"#;
    let twice = stage.post(&token, PLAYBOOKS, head);
    assert!(twice.text.contains("`playbook.yaml` is there twice"), "{}", twice.text);
    for body in [r#"{"filez":{}}"#, r#"{"files":[]}"#, r#"{"files":{"playbook.yaml":1}}"#, "{}", "no"] {
        assert_eq!(stage.post(&token, PLAYBOOKS, body).fault(), (400, "BODY".to_owned()), "{body}");
    }
    let wrong =
        publish(&stage, &token, Some(&before), &json!({ "files": files(&[("playbook.yaml", None)]) }));
    assert_eq!(wrong.fault(), (422, "PLAYBOOK".to_owned()));
    assert!(wrong.json()["diagnostics"][0]["code"].is_string(), "{}", wrong.text);
    let large = json!({ "files": { "playbook.yaml": "a".repeat(13 << 20) } }).to_string();
    let bearer = format!("Bearer {token}");
    let answer = stage.ask("POST", PLAYBOOKS, &[("authorization", &bearer)], &large);
    assert_eq!(answer.fault(), (413, "BODY".to_owned()));
    assert_eq!(in_force(&stage, &token), before);
}

#[test]
fn who_may_not_publish_does_not() {
    let stage = Stage::new();
    let body = json!({ "files": files(&[]) }).to_string();
    let back = json!({ "version": "0".repeat(64) }).to_string();
    for (method, path, body, needs) in [
        ("POST", "playbooks/validate", body.as_str(), "playbooks:publish"),
        ("POST", "playbooks", body.as_str(), "playbooks:publish"),
        ("POST", "playbooks/shop/rollback", back.as_str(), "playbooks:publish"),
    ] {
        for (role, reach, status) in [(Role::Viewer, "shop", 403), (Role::Agency, "other", 404)] {
            let bearer = format!("Bearer {}", stage.token(role, reach));
            let answer =
                stage.ask(method, &format!("/v1/tenants/shop/{path}"), &[("authorization", &bearer)], body);
            assert_eq!(answer.status, status, "{path} {role}: {}", answer.text);
            assert!(status == 404 || answer.text.contains(needs), "{}", answer.text);
        }
    }
    for path in ["playbooks/shop", "playbooks/shop/diff?from=0"] {
        let foreign = stage.token(Role::Agency, "other");
        assert_eq!(
            stage.get(&foreign, &format!("/v1/tenants/shop/{path}")).fault(),
            (404, "NO_TENANT".to_owned())
        );
    }
}
