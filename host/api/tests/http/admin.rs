//! Tokens, tenants and notes over HTTP, by those who may.

use serde_json::{Value, json};
use siyu_model::access::{Role, Scope};

use super::stage::{Answer, Stage};

fn make(stage: &Stage, token: &str, wish: &Value) -> Answer {
    stage.post(token, "/v1/tokens", &wish.to_string())
}

fn delete(stage: &Stage, token: &str, id: &str) -> Answer {
    stage.ask("DELETE", &format!("/v1/tokens/{id}"), &[("authorization", &format!("Bearer {token}"))], "")
}

fn ids(stage: &Stage, token: &str) -> Vec<String> {
    let tokens = stage.get(token, "/v1/tokens").json();
    tokens["tokens"]
        .as_array()
        .unwrap()
        .iter()
        .map(|token| token["id"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_token_is_made_shown_once_and_revoked() {
    let stage = Stage::new();
    let agency = stage.token(Role::Agency, "shop,third");
    let made = make(
        &stage,
        &agency,
        &json!({ "name": "shop system", "role": "integrator", "tenants": "shop", "days": 7 }),
    );
    assert_eq!(made.status, 201, "{}", made.text);
    let made = made.json();
    let (text, id) = (made["token"].as_str().unwrap(), made["id"].as_str().unwrap());
    assert_eq!((&made["state"], &made["tenants"]), (&json!("valid"), &json!("shop")));
    assert_eq!(stage.get(text, "/v1/tenants/shop/runs").status, 200);
    assert!(ids(&stage, &agency).contains(&id.to_owned()));
    let listed = stage.get(&agency, "/v1/tokens").text;
    assert!(!listed.contains(text) && !listed.contains("\"token\":"), "its text is shown once");
    assert_eq!(delete(&stage, &agency, id).status, 204);
    assert_eq!(delete(&stage, &agency, id).fault(), (404, "NO_TOKEN".to_owned()));
    let begun = std::time::Instant::now();
    while stage.get(text, "/v1/tenants/shop/runs").status == 200 {
        assert!(begun.elapsed().as_secs() < 60, "a revoked token still opens");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let notes = stage.get(&agency, "/v1/audit").json();
    let noted: Vec<&str> =
        notes["changes"].as_array().unwrap().iter().map(|note| note["action"].as_str().unwrap()).collect();
    assert_eq!(noted, ["tokens.revoke", "tokens.create"], "{notes}");
}

#[test]
fn nobody_makes_sees_or_revokes_a_token_that_gives_more_than_theirs() {
    let stage = Stage::new();
    let agency = stage.token(Role::Agency, "shop");
    let narrow = stage.token_only(Role::Agency, Scope::TokensAdmin, "shop");
    for (token, wish) in [
        (&agency, json!({ "name": "a", "role": "agency", "tenants": "shop,other" })),
        (&agency, json!({ "name": "a", "role": "viewer", "tenants": "*" })),
        (&agency, json!({ "name": "a", "role": "host-admin", "tenants": "*" })),
        (&agency, json!({ "name": "a", "role": "host-admin" })),
        (&narrow, json!({ "name": "a", "role": "viewer" })),
        (&narrow, json!({ "name": "a", "role": "viewer", "scopes": ["runs:read"] })),
        (&narrow, json!({ "name": "a", "role": "agency" })),
    ] {
        assert_eq!(make(&stage, token, &wish).fault(), (403, "GRANT".to_owned()), "{wish}");
    }
    let (admin, admin_id) = stage.token_for(Role::HostAdmin, "*", 90);
    let (_, other_id) = stage.token_for(Role::Viewer, "other", 90);
    assert!(ids(&stage, &admin).contains(&admin_id.to_string()));
    for id in [admin_id, other_id] {
        assert!(!ids(&stage, &agency).contains(&id.to_string()), "out of reach");
        assert_eq!(delete(&stage, &agency, &id.to_string()).fault(), (404, "NO_TOKEN".to_owned()));
    }
    let same = make(&stage, &narrow, &json!({ "name": "a", "role": "agency", "scopes": ["tokens:admin"] }));
    assert_eq!(same.status, 201, "{}", same.text);
}

#[test]
fn a_wish_for_a_token_that_cannot_be_is_refused_in_words() {
    let stage = Stage::new();
    let admin = stage.token(Role::HostAdmin, "*");
    for (wish, told) in [
        (json!({ "name": "", "role": "viewer" }), "the name has 0 bytes"),
        (json!({ "name": "a\nb", "role": "viewer" }), "without control characters"),
        (json!({ "name": "a", "role": "root" }), "`root` is no role"),
        (json!({ "name": "a", "role": "viewer", "days": 0 }), "0 days: expected 1 to"),
        (json!({ "name": "a", "role": "viewer", "scopes": ["runs:write"] }), "has no scope runs:write"),
        (json!({ "name": "a", "role": "viewer", "scopes": ["all"] }), "`all` is no scope"),
        (json!({ "name": "a", "role": "viewer", "scopes": [] }), "`scopes` is empty: expected at least one"),
        (json!({ "name": "a", "role": "viewer", "tenants": "UPPER" }), "UPPER"),
        (json!({ "name": "a", "role": "host-admin", "tenants": "shop" }), "a host-admin is for all tenants"),
    ] {
        let answer = make(&stage, &admin, &wish);
        assert_eq!(answer.fault(), (400, "TOKEN_WISH".to_owned()), "{wish}");
        assert!(answer.text.contains(told), "{}", answer.text);
    }
    assert_eq!(make(&stage, &admin, &json!({ "name": "a" })).fault(), (400, "BODY".to_owned()));
    let wish = json!({ "name": "a", "role": "viewer", "reach": "*" });
    assert_eq!(make(&stage, &admin, &wish).fault(), (400, "BODY".to_owned()));
    assert_eq!(delete(&stage, &admin, "tok_x").fault(), (404, "NO_TOKEN".to_owned()));
}

#[test]
fn a_tenant_is_made_by_those_who_reach_it_and_takes_a_playbook_then() {
    let stage = Stage::new();
    let agency = stage.token(Role::Agency, "shop,third");
    let create =
        |token: &str, name: &str| stage.post(token, "/v1/tenants", &json!({ "tenant": name }).to_string());
    assert_eq!(stage.get(&agency, "/v1/tenants/third/runs").status, 404);
    let made = create(&agency, "third");
    assert_eq!((made.status, &made.json()["is_new"]), (201, &json!(true)), "{}", made.text);
    let again = create(&agency, "third");
    assert_eq!((again.status, &again.json()["is_new"]), (200, &json!(false)));
    assert_eq!(stage.get(&agency, "/v1/tenants").json()["tenants"], json!(["shop", "third"]));
    let head = "playbook: p\ntitle: P\nzone: UTC\n";
    let body = json!({ "files": { "playbook.yaml": head } }).to_string();
    let published = stage.post(&agency, "/v1/tenants/third/playbooks", &body);
    assert_eq!(published.status, 200, "{}", published.text);
    for (name, status, code) in
        [("other", 403, "REACH"), ("fourth", 403, "REACH"), ("No Name", 400, "TENANT")]
    {
        assert_eq!(create(&agency, name).fault(), (status, code.to_owned()), "{name}");
    }
    assert_eq!(stage.post(&agency, "/v1/tenants", "{}").fault(), (400, "BODY".to_owned()));
    assert_eq!(create(&stage.token(Role::HostAdmin, "*"), "fourth").status, 201);
}

#[test]
fn notes_are_read_page_after_page_by_those_who_reach_their_tenants() {
    let stage = Stage::new();
    let admin = stage.token(Role::HostAdmin, "*");
    for name in ["third", "fourth"] {
        stage.post(&admin, "/v1/tenants", &json!({ "tenant": name }).to_string());
    }
    let read = |token: &str| {
        let (mut places, mut next) = (Vec::new(), String::new());
        loop {
            let page = stage.get(token, &format!("/v1/audit?page_size=2&page_token={next}")).json();
            let rows = page["changes"].as_array().unwrap();
            assert!(rows.len() <= 2, "{page}");
            places.extend(rows.iter().map(|note| note["tenant"].as_str().unwrap_or("none").to_owned()));
            next = page["next_page_token"].as_str().unwrap().to_owned();
            if next.is_empty() {
                return places;
            }
        }
    };
    assert_eq!(read(&stage.token(Role::Agency, "third")), ["third", "third"], "asked, and done");
    assert!(read(&admin).iter().filter(|tenant| *tenant == "fourth").count() == 2);
    assert!(read(&admin).contains(&"none".to_owned()), "tokens that reach several tenants or all");
    for (query, code) in [("page_size=0", "QUERY"), ("page_token=x", "PAGE_TOKEN"), ("since=1", "QUERY")] {
        assert_eq!(stage.get(&admin, &format!("/v1/audit?{query}")).fault(), (400, code.to_owned()));
    }
}

#[test]
fn who_may_not_administer_does_not() {
    let stage = Stage::new();
    let operator = stage.token(Role::Operator, "shop");
    let wish = json!({ "name": "a", "role": "viewer" }).to_string();
    for (method, path, body) in [
        ("GET", "/v1/tokens", ""),
        ("POST", "/v1/tokens", wish.as_str()),
        ("DELETE", "/v1/tokens/tok_01k9zzzzzzzzzzzzzzzzzzzzzz", ""),
        ("GET", "/v1/audit", ""),
        ("POST", "/v1/tenants", r#"{"tenant":"shop"}"#),
    ] {
        let answer = stage.ask(method, path, &[("authorization", &format!("Bearer {operator}"))], body);
        assert_eq!(answer.fault(), (403, "SCOPE".to_owned()), "{method} {path}");
    }
}
