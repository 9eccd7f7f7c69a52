//! Every list that goes on: its tokens stand in a query as they are, whatever its rows are called.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use siyu_engine::ports::rows::{AccountKey, StockKey, WriteSet};
use siyu_model::access::Role;
use siyu_model::stock::counter::Counter;
use siyu_model::stock::ledger::Account;
use siyu_model::stock::pool::Pool;

use super::messages;
use super::stage::Stage;

/// Names that cannot stand in a query as they are.
const NAMES: [&str; 3] = ["a b&c=d#e", "积分 100%+", "~/?page_token=~"];

/// Pools, counters and accounts with these names.
fn stock() -> WriteSet {
    let mut writes = WriteSet::default();
    for name in NAMES {
        let key = StockKey { plugin: "points".into(), key: name.parse().unwrap() };
        writes.pools.push((key.clone(), Pool::restore(3, 3, 0, 0).unwrap()));
        writes.counters.push((key, Counter::restore(1, 3).unwrap()));
        let account = Account { customer: None, name: name.parse().unwrap() };
        writes.accounts.push((AccountKey { plugin: "points".parse().unwrap(), account }, 0));
    }
    writes
}

/// The paths of the document that have tokens of pages.
fn paged(document: &Value) -> BTreeSet<String> {
    let paths = document["paths"].as_object().unwrap().iter();
    let has_token = |path: &Value| {
        let parameters = path["get"]["parameters"].as_array();
        parameters.is_some_and(|all| all.iter().any(|parameter| parameter["name"] == "page_token"))
    };
    paths.filter(|(_, path)| has_token(path)).map(|(name, _)| name.clone()).collect()
}

#[test]
fn a_token_of_any_list_stands_in_a_query_as_it_is() {
    let stage = Stage::new();
    let token = stage.token(Role::Agency, "shop");
    messages::uncertain(&stage, &token);
    super::ledgers::fill(&stage, &token);
    stage.keep(stock());
    let runs = stage.get(&token, "/v1/tenants/shop/runs?playbook=shop").json();
    let run = runs["runs"][0]["id"].as_str().unwrap();
    let journal = format!("/v1/tenants/shop/runs/{run}/journal?");
    let lists = [
        ("/v1/audit", "/v1/audit?", "changes"),
        ("/v1/tenants/{tenant}/runs", "/v1/tenants/shop/runs?", "runs"),
        ("/v1/tenants/{tenant}/runs/{run}/journal", journal.as_str(), "journal"),
        ("/v1/tenants/{tenant}/messages", "/v1/tenants/shop/messages?", "messages"),
        ("/v1/tenants/{tenant}/customers/{customer}", "/v1/tenants/shop/customers/shop:ann?", "moments"),
        ("/v1/tenants/{tenant}/playbooks", "/v1/tenants/shop/playbooks?", "versions"),
        ("/v1/tenants/{tenant}/pools", "/v1/tenants/shop/pools?plugin=points&", "pools"),
        ("/v1/tenants/{tenant}/counters", "/v1/tenants/shop/counters?plugin=points&", "counters"),
        (
            "/v1/tenants/{tenant}/ledgers/{plugin}/accounts",
            "/v1/tenants/shop/ledgers/points/accounts?",
            "accounts",
        ),
        (
            "/v1/tenants/{tenant}/ledgers/{plugin}/entries",
            "/v1/tenants/shop/ledgers/points/entries?",
            "entries",
        ),
    ];
    let known: BTreeSet<String> = lists.iter().map(|(path, ..)| (*path).to_owned()).collect();
    assert_eq!(known, paged(&stage.get(&token, "/openapi.json").json()), "every list is here");
    for (_, path, rows) in lists {
        let whole = stage.get(&token, &format!("{path}page_size=500")).json();
        assert_eq!(whole["next_page_token"], "", "{path}");
        let (mut seen, mut next) = (Vec::new(), String::new());
        loop {
            let page = stage.get(&token, &format!("{path}page_size=1&page_token={next}")).json();
            seen.extend(page[rows].as_array().unwrap().clone());
            next = page["next_page_token"].as_str().unwrap().to_owned();
            if next.is_empty() {
                break;
            }
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "_~.-".contains(c);
            assert!(next.chars().all(is_plain), "{path}: {next}");
        }
        assert!(seen.len() > 1, "{path}: {whole}");
        assert_eq!(json!(seen), whole[rows], "{path}");
    }
}
