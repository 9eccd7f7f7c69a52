//! What people read: runs, customers, versions, stock and reports.

use serde_json::{Value, json};
use siyu_model::access::Role;

use super::stage::Stage;

/// A host in which something happened, and a token that reads it.
/// A shop that as many visited, each as a customer of their own.
fn visited(count: usize) -> (Stage, String) {
    let (stage, token, _) = visited_by(count);
    (stage, token)
}

/// The same, with the customers in the order in which they came.
fn visited_by(count: usize) -> (Stage, String, Vec<String>) {
    let stage = Stage::new();
    let token = stage.token(Role::Agency, "shop");
    let customers = (0..count).map(|number| {
        let event = json!({
            "id": number.to_string(), "type": "visit.made", "subject": format!("shop:{number}"), "data": { "name": "ann" },
        });
        let answer = stage.post(&token, "/v1/tenants/shop/events", &event.to_string());
        assert_eq!(answer.status, 200);
        answer.json()["customer"].as_str().unwrap().to_owned()
    });
    let customers = customers.collect();
    (stage, token, customers)
}

#[test]
fn a_list_is_read_page_by_page_to_its_end() {
    let (stage, token, mut customers) = visited_by(7);
    customers.reverse();
    let runs = "/v1/tenants/shop/runs?workflow=greet&page_size=3";
    let (mut seen, mut page) = (Vec::new(), stage.get(&token, runs).json());
    let first_token = page["next_page_token"].as_str().unwrap().to_owned();
    loop {
        seen.extend(
            page["runs"].as_array().unwrap().iter().map(|run| run["customer"].as_str().unwrap().to_owned()),
        );
        match page["next_page_token"].as_str().unwrap() {
            "" => break,
            next => page = stage.get(&token, &format!("{runs}&page_token={next}")).json(),
        }
    }
    assert_eq!(seen, customers, "newest first");
    for path in [
        format!("/v1/tenants/shop/runs?workflow=late&page_size=3&page_token={first_token}"),
        format!("/v1/tenants/shop/runs?page_size=3&page_token={first_token}"),
        "/v1/tenants/shop/runs?page_token=nonsense".to_owned(),
        format!("{runs}&page_token={}~nonsense", first_token.split('~').next().unwrap()),
    ] {
        assert_eq!(stage.get(&token, &path).fault(), (400, "PAGE_TOKEN".to_owned()), "{path}");
    }
}

#[test]
fn runs_are_found_by_what_they_are() {
    let (stage, token) = visited(2);
    let count = |query: &str| {
        let answer = stage.get(&token, &format!("/v1/tenants/shop/runs?{query}"));
        assert_eq!(answer.status, 200, "{query}: {}", answer.text);
        answer.json()["runs"].as_array().unwrap().len()
    };
    for (query, expected) in [
        ("", 2),
        ("phase=live", 2),
        ("phase=failed", 0),
        ("playbook=shop", 2),
        ("customer=shop:1", 1),
        ("customer=shop:nobody", 0),
        ("from=2020-01-01", 2),
        ("until=2020-01-01", 0),
    ] {
        assert_eq!(count(query), expected, "{query}");
    }
    for (query, status) in [
        ("phase=dead", 400),
        ("tiem=1", 400),
        ("page_size=0", 400),
        ("page_size=100000", 400),
        ("page_size=many", 400),
        ("from=yesterday", 400),
        ("customer=nobody", 400),
        ("playbook=none", 404),
    ] {
        let answer = stage.get(&token, &format!("/v1/tenants/shop/runs?{query}"));
        assert_eq!(answer.status, status, "{query}: {}", answer.text);
    }
}

#[test]
fn a_run_is_told_with_its_journal_and_a_tag_saves_reading_it_again() {
    let (stage, token) = visited(1);
    let id = stage.get(&token, "/v1/tenants/shop/runs").json()["runs"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/tenants/shop/runs/{id}");
    let shown = stage.get(&token, &path);
    let run = shown.json();
    assert_eq!((&run["phase"], &run["workflow"]), (&json!("live"), &json!("greet")));
    let journal = stage.get(&token, &format!("{path}/journal")).json();
    assert_eq!(journal["journal"], run["journal"]);
    let (mut lines, mut next) = (Vec::new(), String::new());
    loop {
        let page = stage.get(&token, &format!("{path}/journal?page_size=1&page_token={next}")).json();
        assert_eq!(page["journal"].as_array().unwrap().len(), 1, "{page}");
        lines.push(page["journal"][0].clone());
        next = page["next_page_token"].as_str().unwrap().to_owned();
        if next.is_empty() {
            break;
        }
    }
    assert_eq!(json!(lines), run["journal"], "page after page");
    assert_eq!(
        stage.get(&token, &format!("{path}/journal?page_token=1~1")).fault(),
        (400, "PAGE_TOKEN".to_owned())
    );
    let (bearer, tag) = (format!("Bearer {token}"), shown.headers["etag"].clone());
    let again =
        |tag: &str| stage.ask("GET", &path, &[("authorization", &bearer), ("if-none-match", tag)], "");
    assert_eq!((again(&tag).status, again(&tag).text.as_str()), (304, ""));
    assert_eq!(again("\"other\"").status, 200);
    assert_eq!(again(&format!("\"other\", {tag}")).status, 304);
    stage.post(&token, &format!("{path}/pause"), "");
    assert_eq!(again(&tag).status, 200, "it changed");
    for other in ["run_01k9zzzzzzzzzzzzzzzzzzzzzz", "nonsense", "cus_01k9zzzzzzzzzzzzzzzzzzzzzz"] {
        let absent = stage.get(&token, &format!("/v1/tenants/shop/runs/{other}"));
        assert_eq!(absent.fault(), (404, "NO_RUN".to_owned()), "{other}");
    }
}

#[test]
fn a_customer_is_told_with_their_timeline() {
    let (stage, token) = visited(1);
    let path = "/v1/tenants/shop/customers/shop:0";
    let story = stage.get(&token, path).json();
    assert_eq!(story["customer"]["identities"], json!(["shop:0"]));
    let kinds: Vec<&Value> =
        story["moments"].as_array().unwrap().iter().map(|moment| &moment["kind"]).collect();
    assert!(kinds.contains(&&json!("event")) && kinds.contains(&&json!("run")), "{story}");
    let id = story["customer"]["id"].as_str().unwrap();
    assert_eq!(stage.get(&token, &format!("/v1/tenants/shop/customers/{id}")).json(), story);
    assert_eq!(
        stage.get(&token, "/v1/tenants/shop/customers/shop:9").fault(),
        (404, "NO_CUSTOMER".to_owned())
    );
}

#[test]
fn versions_definitions_stock_and_reports_are_read() {
    let (stage, token) = visited(1);
    let versions = stage.get(&token, "/v1/tenants/shop/playbooks").json();
    let version = &versions["versions"][0];
    assert_eq!((&version["playbook"], &version["is_active"]), (&json!("shop"), &json!(true)));
    let path = format!("/v1/tenants/shop/playbooks/shop/versions/{}", version["version"].as_str().unwrap());
    let files = stage.get(&token, &path).json();
    assert!(
        files["files"]["workflows/greet.yaml"].as_str().unwrap().starts_with("workflow: greet"),
        "{files}"
    );
    let absent = format!("/v1/tenants/shop/playbooks/shop/versions/{}", "0".repeat(64));
    assert_eq!(stage.get(&token, &absent).fault(), (404, "NO_VERSION".to_owned()));
    for (path, expected) in [
        ("plugins", json!({ "plugins": [] })),
        ("plugins/coupon/resources", json!({ "resources": [] })),
        ("pools?plugin=coupon", json!({ "pools": [], "next_page_token": "" })),
        ("counters?plugin=coupon", json!({ "counters": [], "next_page_token": "" })),
        ("ledgers", json!({ "ledgers": [] })),
        ("ledgers/points/accounts", json!({ "accounts": [], "next_page_token": "" })),
        ("ledgers/points/entries?customer=shop:9", json!({ "entries": [], "next_page_token": "" })),
    ] {
        assert_eq!(stage.get(&token, &format!("/v1/tenants/shop/{path}")).json(), expected, "{path}");
    }
    assert_eq!(stage.get(&token, "/v1/tenants/shop/pools").fault(), (400, "QUERY".to_owned()));
    for report in ["funnel", "repurchase", "coupons", "stock", "prizes", "runs"] {
        let answer = stage.get(&token, &format!("/v1/tenants/shop/reports/{report}"));
        assert_eq!(answer.status, 200, "{report}: {}", answer.text);
    }
    assert_eq!(stage.get(&token, "/v1/tenants/shop/reports/other").fault(), (404, "NO_REPORT".to_owned()));
    let whole = stage.get(&token, "/v1/tenants/shop/reports/runs?from=2026-01-01");
    assert_eq!(whole.fault(), (400, "QUERY".to_owned()));
}

#[test]
fn the_host_describes_its_requests_and_counts_them() {
    let (stage, token) = visited(1);
    let described = stage.ask("GET", "/openapi.json", &[], "").json();
    assert_eq!(described["openapi"], "3.1.0");
    let operation = &described["paths"]["/v1/tenants/{tenant}/runs/{run}/cancel"]["post"];
    assert_eq!(operation["security"], json!([{ "token": ["runs:write"] }]));
    let page = stage.ask("GET", "/docs", &[], "");
    assert!(
        page.text.contains("POST /v1/tenants/{tenant}/events") && !page.text.contains("<script"),
        "{}",
        page.text
    );
    assert!(page.headers["content-security-policy"].starts_with("default-src 'none'"));
    assert_eq!(stage.ask("GET", "/readyz", &[], "").text, "ready\n");
    assert_eq!(stage.get(&token, "/metrics").status, 403);
    let numbers = stage.get(&stage.token(Role::HostAdmin, "*"), "/metrics").text;
    let line =
        "siyu_http_requests_total{method=\"POST\",route=\"/v1/tenants/{tenant}/events\",status=\"2xx\"} 1";
    assert!(numbers.lines().any(|found| found == line) && numbers.contains("siyu_tenants 2\n"), "{numbers}");
    // What the tenant did is counted once it is durable, and the other one did nothing.
    let of = |name: &str, labels: &str| {
        let found = numbers.lines().find_map(|found| found.strip_prefix(&format!("{name}{{{labels}}} ")));
        found
            .and_then(|value| value.parse::<f64>().ok())
            .unwrap_or_else(|| panic!("{name} {labels}\n{numbers}"))
    };
    let tenants = numbers.lines().filter_map(|line| line.strip_prefix("siyu_tenant_events_total{tenant=\""));
    let mut events: Vec<(&str, &str)> = tenants.filter_map(|rest| rest.split_once("\"} ")).collect();
    events.sort_by_key(|(_, count)| *count == "0");
    let [(busy, _), (idle, "0")] = events[..] else { panic!("{events:?}") };
    let (busy, idle) = (format!("tenant=\"{busy}\""), format!("tenant=\"{idle}\""));
    for name in ["events", "runs_started"] {
        let name = format!("siyu_tenant_{name}_total");
        assert_eq!((of(&name, &busy), of(&name, &idle)), (1.0, 0.0), "{name}");
    }
    assert!(of("siyu_tenant_commits_total", &busy) > of("siyu_tenant_commits_total", &idle));
    assert!(of("siyu_tenant_commit_seconds_total", &busy) > 0.0);
    assert_eq!(of("siyu_tenant_journal_lines_total", &format!("{busy},kind=\"responded\"")), 1.0);
    assert_eq!(of("siyu_tenant_inbox", &busy), 0.0);
}
