//! A customer asks to be forgotten.

use serde_json::json;
use siyu_engine::ports::access::Outcome;
use siyu_model::access::{Role, Scope};

use super::stage::{Answer, Stage};

const ANN: &str = "/v1/tenants/shop/customers/shop:ann";

fn erase(stage: &Stage, token: &str, path: &str) -> Answer {
    stage.ask("DELETE", path, &[("authorization", &format!("Bearer {token}"))], "")
}

#[test]
fn an_erased_customer_is_gone_and_the_note_of_it_names_nobody() {
    let stage = Stage::new();
    let token = stage.token(Role::Agency, "shop");
    for who in ["ann", "joe"] {
        let event = json!({ "id": who, "type": "visit.made", "subject": format!("shop:{who}"), "data": { "name": who } });
        assert_eq!(stage.post(&token, "/v1/tenants/shop/events", &event.to_string()).status, 200);
    }
    let id = stage.get(&token, ANN).json()["customer"]["id"].as_str().unwrap().to_owned();
    let answer = erase(&stage, &token, ANN);
    assert_eq!((answer.status, answer.json()), (202, json!({ "customer": id })));
    let gone_by = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while stage.get(&token, ANN).status != 404 {
        assert!(std::time::Instant::now() < gone_by, "not erased in time");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_eq!(erase(&stage, &token, ANN).fault(), (404, "NO_CUSTOMER".to_owned()));
    let runs = stage.get(&token, "/v1/tenants/shop/runs");
    assert!(!runs.text.contains(&id), "{}", runs.text);
    assert_eq!(runs.json()["runs"].as_array().unwrap().len(), 2, "what is counted stays");
    assert_eq!(stage.get(&token, "/v1/tenants/shop/customers/shop:joe").status, 200);
    let notes = stage.notes();
    let noted = notes.iter().filter(|note| note.0 == "customers.erase").map(|note| note.1);
    assert_eq!(noted.collect::<Vec<_>>(), [Outcome::Asked, Outcome::Done]);
}

#[test]
fn only_who_may_erase_erases_and_whom_nobody_knows_is_not_made() {
    let stage = Stage::new();
    let event = json!({ "id": "1", "type": "visit.made", "subject": "shop:ann", "data": { "name": "ann" } });
    let agency = stage.token(Role::Agency, "shop");
    assert_eq!(stage.post(&agency, "/v1/tenants/shop/events", &event.to_string()).status, 200);
    let foreign = stage.token(Role::Agency, "other");
    assert_eq!(erase(&stage, &foreign, ANN).fault(), (404, "NO_TENANT".to_owned()));
    let narrow = stage.token_only(Role::Agency, Scope::CustomersRead, "shop");
    for token in [narrow, stage.token(Role::Operator, "shop"), stage.token(Role::Viewer, "shop")] {
        assert_eq!(erase(&stage, &token, ANN).fault(), (403, "SCOPE".to_owned()));
    }
    for who in ["shop:nobody", "nonsense", "cus_01k9zzzzzzzzzzzzzzzzzzzzzz"] {
        let answer = erase(&stage, &agency, &format!("/v1/tenants/shop/customers/{who}"));
        assert_eq!(answer.fault(), (404, "NO_CUSTOMER".to_owned()), "{who}");
    }
    assert_eq!(stage.get(&agency, ANN).status, 200);
}
