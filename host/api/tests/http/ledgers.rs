//! Accounts and transfers over HTTP: in a list, page by page, and in what a customer is handed out.

use serde_json::{Value, json};
use siyu_engine::ports::rows::{AccountKey, LedgerRow, WriteSet};
use siyu_model::access::{Role, Scope};
use siyu_model::clock::UtcMs;
use siyu_model::id::{CustomerId, PostingId};
use siyu_model::stock::ledger::{Account, Transfer};

use super::stage::Stage;

/// What the plugin `points` issued to two customers, and one of them gave to the other.
fn points(customers: [CustomerId; 2]) -> WriteSet {
    let account = |customer, name: &str| Account { customer, name: name.parse().unwrap() };
    let issued = account(None, "issued");
    let [ann, joe] = customers.map(|customer| account(Some(customer), "points"));
    let plugin: siyu_model::name::PluginName = "points".parse().unwrap();
    let at = UtcMs::from_millis(1_795_000_000_000);
    let transfers = [(&issued, &ann, 30, "o1"), (&issued, &joe, 12, "o2"), (&ann, &joe, 5, "gift")];
    let ledger = transfers.iter().zip(0u8..).map(|((from, to, units, reference), number)| LedgerRow {
        posting: PostingId::derive(at, &[&[number]]),
        place: 0,
        plugin: plugin.clone(),
        transfer: Transfer { from: (*from).clone(), to: (*to).clone(), units: *units },
        at,
        reference: Some((*reference).to_owned()),
    });
    let ledger = ledger.collect();
    let accounts = [(issued, -42), (ann, 25), (joe, 17)];
    let accounts =
        accounts.map(|(account, units)| (AccountKey { plugin: plugin.clone(), account }, units)).to_vec();
    WriteSet { accounts, ledger, ..WriteSet::default() }
}

/// A host with the customers `shop:ann` and `shop:joe`, their points, and a token that reads all of it.
fn stage() -> (Stage, String, [CustomerId; 2]) {
    let stage = Stage::new();
    let token = stage.token(Role::Agency, "shop");
    let customers = fill(&stage, &token);
    (stage, token, customers)
}

/// Gives a host these customers and their points.
pub(super) fn fill(stage: &Stage, token: &str) -> [CustomerId; 2] {
    let customers = ["ann", "joe"].map(|name| {
        let event = json!({ "id": name, "type": "visit.made", "subject": format!("shop:{name}"), "data": { "name": name } });
        assert_eq!(stage.post(token, "/v1/tenants/shop/events", &event.to_string()).status, 200);
        let story = stage.get(token, &format!("/v1/tenants/shop/customers/shop:{name}")).json();
        story["customer"]["id"].as_str().unwrap().parse().unwrap()
    });
    stage.keep(points(customers));
    customers
}

fn read(stage: &Stage, token: &str, path: &str) -> Value {
    let answer = stage.get(token, &format!("/v1/tenants/shop/ledgers{path}"));
    assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    answer.json()
}

#[test]
fn ledgers_are_read_with_their_sum_and_lists_page_by_page() {
    let (stage, token, [ann, joe]) = stage();
    let ledger = json!({ "ledgers": [{ "plugin": "points", "accounts": 3, "sum": 0 }] });
    assert_eq!(read(&stage, &token, ""), ledger);
    let line = |customer: Option<CustomerId>, account: &str, balance: i64| json!({ "customer": customer, "account": account, "balance": balance });
    let (mut seen, mut next) = (Vec::new(), String::new());
    loop {
        let page = read(&stage, &token, &format!("/points/accounts?page_size=1&page_token={next}"));
        seen.extend(page["accounts"].as_array().unwrap().clone());
        next = page["next_page_token"].as_str().unwrap().to_owned();
        if next.is_empty() {
            break;
        }
    }
    seen[1..].sort_by_key(|line| std::cmp::Reverse(line["balance"].as_i64()));
    assert_eq!(
        seen,
        [line(None, "issued", -42), line(Some(ann), "points", 25), line(Some(joe), "points", 17)]
    );
    let of_joe = read(&stage, &token, "/points/accounts?customer=shop:joe");
    assert_eq!(of_joe["accounts"], json!([line(Some(joe), "points", 17)]));
    assert_eq!(
        read(&stage, &token, "/points/accounts?account=issued")["accounts"],
        json!([line(None, "issued", -42)])
    );

    let units = |path: &str| -> Vec<u64> {
        let page = read(&stage, &token, &format!("/points/entries{path}"));
        page["entries"].as_array().unwrap().iter().map(|entry| entry["units"].as_u64().unwrap()).collect()
    };
    assert_eq!(units(""), [5, 12, 30], "newest first");
    assert_eq!(units("?customer=shop:ann"), [5, 30]);
    assert_eq!(units("?customer=shop:joe&account=points"), [5, 12]);
    assert_eq!(units("?account=issued"), [12, 30]);
    assert_eq!(units("?customer=shop:nobody"), [] as [u64; 0]);
    let first = read(&stage, &token, "/points/entries?page_size=2");
    let gift = &first["entries"][0];
    assert_eq!(gift["from"], json!({ "customer": ann, "account": "points" }));
    assert_eq!((&gift["to"]["customer"], &gift["reference"]), (&json!(joe), &json!("gift")));
    let token_of = first["next_page_token"].as_str().unwrap();
    assert_eq!(units(&format!("?page_size=2&page_token={token_of}")), [30]);
    let other = format!("/v1/tenants/shop/ledgers/other/entries?page_size=2&page_token={token_of}");
    assert_eq!(stage.get(&token, &other).fault(), (400, "PAGE_TOKEN".to_owned()));
    assert_eq!(read(&stage, &token, "/other/accounts")["accounts"], json!([]), "another plugin's");
}

#[test]
fn who_may_not_read_stock_reads_no_ledger() {
    let (stage, _, _) = stage();
    let narrow = stage.token_only(Role::Operator, Scope::RunsRead, "shop");
    let foreign = stage.token(Role::Agency, "other");
    let token = stage.token_only(Role::Operator, Scope::StockRead, "shop");
    for path in ["", "/points/accounts", "/points/entries"] {
        let path = format!("/v1/tenants/shop/ledgers{path}");
        assert_eq!(stage.get(&narrow, &path).fault(), (403, "SCOPE".to_owned()), "{path}");
        assert_eq!(stage.get(&foreign, &path).fault(), (404, "NO_TENANT".to_owned()), "{path}");
        assert_eq!(stage.get(&token, &path).status, 200, "{path}");
    }
    for path in [
        "/points/accounts?playbook=shop",
        "/points/entries?acount=x",
        "/Points/accounts",
        "/points/accounts?page_size=0",
    ] {
        let path = format!("/v1/tenants/shop/ledgers{path}");
        assert_eq!(stage.get(&token, &path).fault(), (400, "QUERY".to_owned()), "{path}");
    }
}

#[test]
fn a_customer_is_handed_out_their_accounts_and_their_side_of_each_transfer() {
    let (stage, token, [_, joe]) = stage();
    let text = stage.get(&token, "/v1/tenants/shop/customers/shop:ann/export").text;
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |kind: &str| lines.iter().filter(|line| line["kind"] == kind).cloned().collect::<Vec<_>>();
    let account = json!({ "kind": "account", "plugin": "points", "account": "points", "balance": 25 });
    assert_eq!(of("account"), [account]);
    let told: Vec<_> = of("transfer")
        .iter()
        .map(|line| (line["units"].as_i64().unwrap(), line["reference"].clone()))
        .collect();
    assert_eq!(told, [(-5, json!("gift")), (30, json!("o1"))]);
    assert!(!text.contains(&joe.to_string()), "nothing of others");
    let end = lines.last().unwrap();
    assert_eq!((&end["kind"], end["lines"].as_u64()), (&json!("end"), Some(lines.len() as u64 - 1)));
}
