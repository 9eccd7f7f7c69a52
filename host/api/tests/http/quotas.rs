//! What a tenant may use of a host, where it has quotas; another one is not touched by them.

use std::collections::BTreeMap;

use serde_json::json;
use siyu_model::access::Role;
use siyu_model::quota::{QuotaTable, Quotas};

use super::stage::Stage;

fn visit(id: usize) -> String {
    json!({ "id": id.to_string(), "type": "visit.made", "subject": "shop:ann", "data": { "name": "ann" } })
        .to_string()
}

fn of_shop(quotas: Quotas) -> QuotaTable {
    QuotaTable { tenants: BTreeMap::from([("shop".parse().unwrap(), quotas)]), ..QuotaTable::default() }
}

#[test]
fn a_tenant_that_keeps_too_much_takes_nothing_more_in_and_can_still_be_read() {
    let stage = Stage::with_quotas(of_shop(Quotas { storage_mib: Some(1), ..Quotas::default() }));
    let token = stage.token(Role::Operator, "shop,other");
    let events = |tenant: &str| format!("/v1/tenants/{tenant}/events");
    assert_eq!(stage.post(&token, &events("shop"), &visit(0)).status, 200);
    let padding = "x".repeat(60 << 10);
    for id in 1..40 {
        let event = json!({ "id": id.to_string(), "type": "visit.made", "subject": "shop:ann",
            "data": { "name": "ann", "padding": padding } });
        // What was measured is good for a while.
        let taken = stage.post(&token, &events("shop"), &event.to_string()).status;
        assert!(taken == 200 || taken == 507, "{taken}");
    }
    let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
    let refused = loop {
        let answer = stage.post(&token, &events("shop"), &visit(99));
        if answer.status == 507 {
            break answer;
        }
        assert!(std::time::Instant::now() < until, "{}", answer.text);
        std::thread::sleep(std::time::Duration::from_millis(200));
    };
    assert_eq!(refused.fault(), (507, "STORAGE".to_owned()));
    assert!(refused.json()["detail"].as_str().unwrap().contains("its quota is 1 MiB"), "{}", refused.text);
    assert!(refused.headers.contains_key("retry-after"));
    assert_eq!(stage.get(&token, "/v1/tenants/shop/runs").status, 200);
    assert_eq!(stage.post(&token, &events("other"), &visit(0)).status, 200);
}

#[test]
fn a_tenant_has_so_many_streams_open_and_another_one_its_own() {
    let stage = Stage::with_quotas(of_shop(Quotas { streams: Some(1), ..Quotas::default() }));
    let token = stage.token(Role::Operator, "shop,other");
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str())];
    let first = stage.open("/v1/tenants/shop/stream", &headers);
    let second = stage.get(&token, "/v1/tenants/shop/stream");
    assert_eq!(second.fault(), (429, "STREAMS".to_owned()));
    assert!(second.json()["detail"].as_str().unwrap().contains("its quota"), "{}", second.text);
    drop(stage.open("/v1/tenants/other/stream", &headers));
    drop(first);
}

#[test]
fn webhooks_count_as_events_once_they_are_verified() {
    let stage = Stage::with_quotas(of_shop(Quotas { events_per_second: Some(1), ..Quotas::default() }));
    let send = |tenant: &str, signed: &str, ids: &str| {
        stage.ask("POST", &format!("/v1/hooks/{tenant}/all"), &[("signed", signed)], ids)
    };
    // Whoever cannot sign, and whoever asks whether the URL is right, uses nothing up.
    for _ in 0..20 {
        assert_eq!(send("shop", "wrong", "forged").status, 401);
        assert_eq!(send("shop", "hush", "").status, 202);
    }
    // What is too much is owed, so that a request of any size passes once there is anything.
    assert_eq!(send("shop", "hush", "a b c d e f g h i j k l m n o p q r s t").status, 202);
    let refused = send("shop", "hush", "u");
    assert_eq!(refused.fault(), (429, "QUOTA".to_owned()));
    let wait: u64 = refused.headers["retry-after"].parse().unwrap();
    assert!((1..=20).contains(&wait), "{wait}");
    // Over the API it is the same quota, and another tenant has its own.
    let token = stage.token(Role::Operator, "shop,other");
    assert_eq!(stage.post(&token, "/v1/tenants/shop/events", &visit(1)).fault(), (429, "QUOTA".to_owned()));
    assert_eq!(send("other", "hush", "u").status, 202);
}
