//! Steps named after a capability: each asks for everything that there is of it, and answers what it got.

use crate::siyu::plugin::{
    codes, context, counters, customers, events, expressions, ledger, log, messages, pools, random, records,
    resources,
};

/// What a capability answers; none when the step is not named after one.
pub(crate) fn ask(step: &str, input: &str) -> Option<String> {
    let whose = (!input.is_empty()).then_some(input);
    let got = of_the_call(step).or_else(|| of_books(step, whose)).or_else(|| of_people(step, whose))?;
    Some(serde_json::to_string(&got).unwrap_or_default())
}

/// Everything that is asked, and what came back.
macro_rules! asked {
    ($($asked:expr),* $(,)?) => { vec![$(format!("{:?}", $asked)),*] };
}

fn of_the_call(step: &str) -> Option<Vec<String>> {
    Some(match step {
        "log" => {
            for level in [log::Level::Debug, log::Level::Info, log::Level::Warn, log::Level::Error] {
                log::write(level, "a line\nwith a break");
            }
            Vec::new()
        }
        "context" => asked![
            context::current(),
            context::local(1_793_491_200_000.0, "Asia/Shanghai"),
            context::local(0.0, "Nowhere/City"),
            context::start_of_day(1_793_491_200_000.0, "Asia/Shanghai", 1),
            context::start_of_day(0.0, "Nowhere/City", 1),
        ],
        "random" => asked![random::bytes(4), random::bytes(0), random::bytes(4)],
        _ => return None,
    })
}

fn of_books(step: &str, whose: Option<&str>) -> Option<Vec<String>> {
    Some(match step {
        "records" => asked![
            records::get(whose, "../other/key"),
            records::put(whose, "key", r#"{"a":1}"#),
            records::insert(whose, "key", "{}"),
            records::delete(whose, "key"),
            records::scan(whose, "pre", Some("after"), 1_000),
            records::scan(whose, "pre", None, 0),
            records::scan(whose, "pre", None, 1_001),
        ],
        "pools" => asked![
            pools::define("pool", 100.0),
            pools::define("pool", 0.5),
            pools::get("pool"),
            pools::reserve(&reserve(2.0, 1_793_491_200_000.0)),
            pools::reserve(&reserve(-1.0, 0.0)),
            pools::reserve(&reserve(1.0, f64::NAN)),
            pools::commit("res_1"),
            pools::release("res_1"),
            pools::find("res_1"),
            pools::take("pool", 1.0),
            pools::take("pool", 9_007_199_254_740_992.0),
            pools::restock("pool", 1.0),
        ],
        "counters" => asked![
            counters::take("key", 1.0, 10.0),
            counters::take("key", f64::INFINITY, 10.0),
            counters::give_back("key", 1.0),
            counters::used("key"),
        ],
        "ledger" => asked![
            ledger::post(&transfers(1, 10.0), Some("order-1")),
            ledger::post(&transfers(17, 1.0), None),
            ledger::post(&transfers(1, 0.0), None),
            ledger::post(&transfers(1, 0.5), None),
            ledger::post(&[], None),
            ledger::balance(&account(whose)),
            ledger::balance(&account(None)),
        ],
        "codes" => asked![
            codes::mint("space", 12, "reference"),
            codes::adopt("space", "ABCD", "reference"),
            codes::find("space", "typed"),
        ],
        _ => return None,
    })
}

fn of_people(step: &str, whose: Option<&str>) -> Option<Vec<String>> {
    Some(match step {
        "customers" => asked![
            customers::get(whose),
            customers::set_attributes(whose, r#"{"city":"上海"}"#),
            customers::tags(whose),
            customers::put_tag(whose, &mark(50)),
            customers::put_tag(whose, &mark(101)),
            customers::remove_tag(whose, "vip", "left"),
        ],
        "events" => asked![
            events::emit("a.b", whose, "{}"),
            events::emit_at("key", 1_793_491_200_000.0, "a.b", whose, "{}"),
            events::emit_at("key", -1.0, "a.b", whose, "{}"),
            events::cancel("key"),
            events::count("a.b", whose, 0.0),
        ],
        "messages" => asked![messages::enqueue("welcome", "wecom", whose, "{}")],
        "resources" => asked![resources::get("pool", "autumn"), resources::names("pool")],
        "expressions" => asked![expressions::evaluate("customer.id == 1", whose, "{}")],
        _ => return None,
    })
}

fn account(whose: Option<&str>) -> ledger::Account {
    ledger::Account { customer: whose.map(str::to_owned), name: "points".to_owned() }
}

/// So many from the tenant to a customer.
fn transfers(number: usize, units: f64) -> Vec<ledger::Transfer> {
    let transfer = || ledger::Transfer { from: account(None), to: account(Some("cus_2")), units };
    std::iter::repeat_with(transfer).take(number).collect()
}

fn reserve(units: f64, expires_at: f64) -> pools::ReserveRequest {
    pools::ReserveRequest {
        pool: "pool".to_owned(),
        units,
        expires_at,
        quotas: vec![pools::Quota { key: "per-customer".to_owned(), units, limit: 5.0 }],
        reference: Some("order-1".to_owned()),
    }
}

fn mark(confidence: u8) -> customers::TagMark {
    customers::TagMark {
        tag: "vip".to_owned(),
        source: "rule:1".to_owned(),
        effective_at: 0.0,
        expires_at: Some(1_793_491_200_000.0),
        confidence,
        evidence: None,
    }
}
