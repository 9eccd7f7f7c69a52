//! All that is kept of a customer, for the customer.

use serde_json::{Value, json};
use siyu_engine::ports::access::Outcome;
use siyu_model::access::{Role, Scope};

use super::stage::Stage;

fn export(stage: &Stage, token: &str, who: &str) -> Vec<Value> {
    let answer = stage.get(token, &format!("/v1/tenants/shop/customers/{who}/export"));
    assert_eq!((answer.status, answer.headers["content-type"].as_str()), (200, "application/x-ndjson"));
    answer.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn everything_that_happened_to_a_customer_is_handed_out_and_nothing_of_others() {
    const VISITS: usize = 130;
    let stage = Stage::new();
    let token = stage.token(Role::Operator, "shop");
    let line = |number: usize, who: &str| {
        json!({ "id": format!("{who}{number}"), "type": "visit.made", "subject": format!("shop:{who}"),
            "data": { "name": who } })
        .to_string()
    };
    let lines = (0..VISITS).flat_map(|number| [line(number, "ann"), line(number, "joe")]);
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/x-ndjson")];
    let body = lines.collect::<Vec<_>>().join("\n");
    assert_eq!(stage.ask("POST", "/v1/tenants/shop/events", &headers, &body).status, 200);
    let lines = export(&stage, &token, "shop:ann");
    let of = |kind: &str| lines.iter().filter(|line| line["kind"] == kind).collect::<Vec<_>>();
    assert_eq!(lines[0]["identities"], json!(["shop:ann"]), "{}", lines[0]);
    assert_eq!(of("fact")[0]["count"], VISITS, "{:?}", of("fact"));
    let mut ids: Vec<&str> = of("event").iter().map(|event| event["id"].as_str().unwrap()).collect();
    ids.sort();
    let mut expected: Vec<String> = (0..VISITS).map(|number| format!("ann{number}")).collect();
    expected.sort();
    assert_eq!(ids, expected);
    assert!(of("event").iter().all(|event| event["data"] == json!({ "name": "ann" })));
    assert_eq!(of("run").len(), VISITS);
    let responded = of("journal").into_iter().filter(|line| line["what"] == "responded");
    assert!(responded.clone().all(|line| line["detail"] == json!({ "hello": "ann" })));
    assert_eq!(responded.count(), VISITS);
    let end = lines.last().unwrap();
    assert_eq!((&end["kind"], end["lines"].as_u64()), (&json!("end"), Some(lines.len() as u64 - 1)));
    assert!(lines.iter().all(|line| !line.to_string().contains("joe")), "nothing of others");
    let notes = stage.notes();
    let noted = notes.iter().filter(|note| note.0 == "customers.export").map(|note| note.1);
    assert_eq!(noted.collect::<Vec<_>>(), [Outcome::Asked, Outcome::Done]);
}

#[test]
fn who_may_not_read_customers_exports_none() {
    let stage = Stage::new();
    let path = "/v1/tenants/shop/customers/shop:nobody/export";
    let foreign = stage.token(Role::Agency, "other");
    assert_eq!(stage.get(&foreign, path).fault(), (404, "NO_TENANT".to_owned()));
    let narrow = stage.token_only(Role::Operator, Scope::RunsRead, "shop");
    assert_eq!(stage.get(&narrow, path).fault(), (403, "SCOPE".to_owned()));
    let token = stage.token(Role::Operator, "shop");
    for who in ["shop:nobody", "nonsense", "cus_01k9zzzzzzzzzzzzzzzzzzzzzz"] {
        let answer = stage.get(&token, &format!("/v1/tenants/shop/customers/{who}/export"));
        assert_eq!(answer.fault(), (404, "NO_CUSTOMER".to_owned()), "{who}");
    }
}
