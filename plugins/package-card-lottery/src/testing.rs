//! A lottery for tests: the specification's example, customers, and the log as an outside program gets it.

use serde_json::Value;
use siyu_plugin::fake::{Host, Outcome};
use siyu_plugin::prelude::json;

use crate::verify::{Report, verify_chain};
use crate::{Campaign, Draw, Drawn, Export, Plugin};

pub(crate) const NAME: &str = "niukaixi-2026q4";

/// The rules of the specification's example, drawn by card.
pub(crate) fn rules() -> Value {
    json!({
        "title": "小牛凯西 2026 Q4",
        "window": {
            "start": "2026-11-25T00:00:00+08:00",
            "end": "2027-01-01T00:00:00+08:00",
            "grace_late_event": "10m",
        },
        "entry": { "by": "card" },
        "mode": "guaranteed",
        "prizes": [
            { "id": "p66", "name": "66元首单券", "weight": 5, "stock": 200, "per_customer": 1, "value_fen": 6600,
              "grant": { "coupon": "c66" } },
            { "id": "p30", "name": "30元首单券", "weight": 45, "stock": 2000, "value_fen": 3000, "grant": { "coupon": "c30" } },
            { "id": "p10", "name": "10元首单券", "weight": 250, "stock": 20000, "value_fen": 1000, "grant": { "coupon": "c10" } },
            { "id": "p5", "name": "5元首单券", "weight": 700, "stock": "unlimited", "fallback": true, "value_fen": 500,
              "grant": { "coupon": "c5" } },
        ],
        "disclosure": {
            "organiser": "小牛凯西(上海)食品有限公司",
            "contact": "400-000-0000",
            "rules_url": "https://example.com/rules",
            "participation": "扫描包裹卡并添加好友",
            "delivery": "中奖后系统自动发放",
            "forfeiture": "逾期未领取视为放弃",
        },
    })
}

/// One rare thing and a fallback: `gold` is drawn whenever it can be, unless `changes` says otherwise.
pub(crate) fn simple(changes: Value) -> Value {
    let mut rules = rules();
    rules["claim_within"] = json!("7d");
    rules["prizes"] = json!([
        { "id": "gold", "name": "牛排", "weight": 1, "stock": 1, "value_fen": 10000 },
        { "id": "base", "name": "5元券", "weight": 0, "stock": "unlimited", "fallback": true, "value_fen": 500,
          "grant": { "coupon": "c5" } },
    ]);
    merge(&mut rules, changes);
    rules
}

/// Lays an object over another, member by member; lists are replaced.
pub(crate) fn merge(base: &mut Value, changes: Value) {
    match (base, changes) {
        (Value::Object(base), Value::Object(changes)) => {
            for (name, value) in changes {
                merge(base.entry(name).or_insert(Value::Null), value);
            }
        }
        (base, changes) => *base = changes,
    }
}

/// A host in the middle of the window, every call tried twice, with the campaign in force.
pub(crate) fn host(rules: Value) -> Host {
    let mut host = Host::of::<Plugin>().at("2026-11-26T12:00:00+08:00").repeating();
    host.publish::<Campaign>(NAME, rules);
    host.act_for("shop:1");
    host
}

/// The current customer draws with an entry.
pub(crate) fn draw(host: &mut Host, entry: &str) -> Outcome<Drawn> {
    host.call::<Draw>(json!({ "campaign": NAME, "entry": entry }))
}

/// The current customer draws without one.
pub(crate) fn draw_again(host: &mut Host) -> Outcome<Drawn> {
    host.call::<Draw>(json!({ "campaign": NAME }))
}

/// All lines of the log, as `export` hands them out.
pub(crate) fn export(host: &mut Host) -> Vec<String> {
    let (mut lines, mut after) = (Vec::new(), Some(0));
    while let Some(line) = after {
        let page = host.call::<Export>(json!({ "campaign": NAME, "after": line })).done();
        lines.extend(page.lines);
        after = page.next;
    }
    lines
}

/// The log, checked by the outside verifier.
#[track_caller]
pub(crate) fn verified(host: &mut Host) -> Report {
    verify_chain(&export(host)).unwrap_or_else(|broken| panic!("{broken}"))
}

/// Members of the state that the campaign keeps.
pub(crate) fn state(host: &Host) -> Value {
    host.document(None, &format!("state/{NAME}")).unwrap_or_default()
}

/// The secrets that the campaign keeps, and its version.
pub(crate) fn seal(host: &Host) -> Value {
    host.document(None, &format!("seal/{NAME}")).unwrap_or_default()
}

/// A host whose seed is known: 00, 01, … 1f.
pub(crate) fn host_with_known_seed(rules: Value) -> Host {
    let mut host = host(rules);
    let mut seal = seal(&host);
    let seed: String = (0..32).map(|byte| format!("{byte:02x}")).collect();
    seal["seed"] = json!(seed);
    host.during(|| siyu_plugin::records::of_tenant().put(&format!("seal/{NAME}"), &seal)).unwrap();
    host
}

/// A prize of goods, and a fallback that is never drawn by itself.
pub(crate) fn gold(weight: u32, stock: u64) -> Value {
    json!([
        { "id": "gold", "name": "牛排", "weight": weight, "stock": stock, "value_fen": 10000 },
        { "id": "base", "name": "5元券", "weight": 0, "stock": "unlimited", "fallback": true, "value_fen": 500,
          "grant": { "coupon": "c5" } },
    ])
}

/// Units of a prize that are left, and that are gone.
pub(crate) fn stock_of(host: &Host, prize: &str) -> (u64, u64) {
    let pool = host.pool(&format!("stock/{NAME}/{prize}")).unwrap();
    (pool.available, pool.sold)
}
