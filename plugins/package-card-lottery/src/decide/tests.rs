//! What a draw wins when prizes, budgets and shares run out, and when a better one is due.

use serde_json::Value;
use siyu_plugin::fake::Host;
use siyu_plugin::prelude::*;

use crate::testing::*;
use crate::{Campaign, GrantChance};

#[test]
fn a_weight_of_nothing_is_drawn_never_and_given_as_fallback() {
    let mut host = host(simple(json!({ "prizes": gold(1, 3) })));
    let ids: Vec<String> = (0..5).map(|card| draw(&mut host, &format!("c{card}")).done().prize.id).collect();
    assert_eq!(ids, ["gold", "gold", "gold", "base", "base"]);
}

#[test]
fn a_stock_of_nothing_from_the_start_gives_the_fallback() {
    let mut host = host(simple(json!({ "prizes": gold(1, 0) })));
    let drawn = draw(&mut host, "A").done();
    assert_eq!((drawn.prize.id.as_str(), drawn.reason.as_str()), ("base", "stock"));
    assert!(host.events_of("prize.exhausted").is_empty());
    verified(&mut host);
}

#[test]
fn a_single_prize_is_always_won() {
    let only = json!([{ "id": "base", "name": "5元券", "weight": 1, "stock": "unlimited", "fallback": true, "value_fen": 500 }]);
    let mut host = host(simple(json!({ "prizes": only })));
    for card in 0..5 {
        let drawn = draw(&mut host, &format!("c{card}")).done();
        assert_eq!((drawn.prize.id.as_str(), drawn.reason.as_str()), ("base", "drawn"));
    }
    verified(&mut host);
}

#[test]
fn a_prize_has_a_share_a_customer() {
    let mut prizes = gold(1, 9);
    prizes[0]["per_customer"] = json!(1);
    let mut host = host(simple(json!({ "prizes": prizes })));
    assert_eq!(draw(&mut host, "A").done().prize.id, "gold");
    let second = draw(&mut host, "B").done();
    assert_eq!((second.prize.id.as_str(), second.reason.as_str()), ("base", "cap"));
    host.act_for("shop:2");
    assert_eq!(draw(&mut host, "C").done().prize.id, "gold");
    verified(&mut host);
}

#[test]
fn the_budget_is_never_passed_and_the_fallback_is_not_paid_from_it() {
    let mut host = host(simple(json!({ "prizes": gold(1, 9), "budget_fen": 25_000 })));
    let reasons: Vec<String> =
        (0..4).map(|card| draw(&mut host, &format!("c{card}")).done().reason).collect();
    assert_eq!(reasons, ["drawn", "drawn", "budget", "budget"]);
    assert_eq!(host.counter(&format!("budget/{NAME}")), 20_000);
    assert_eq!(stock_of(&host, "gold"), (7, 2));
    verified(&mut host);
}

fn probabilistic(changes: Value) -> Value {
    let mut rules = simple(json!({
        "mode": "probabilistic",
        "prizes": [{ "id": "gold", "name": "牛排", "weight": 1, "stock": 1, "value_fen": 10000 }],
    }));
    merge(&mut rules, changes);
    rules
}

#[test]
fn without_a_fallback_an_exhausted_prize_is_no_prize() {
    let mut host = host(probabilistic(json!({})));
    assert!(draw(&mut host, "A").done().prize.won);
    let none = draw(&mut host, "B").done();
    assert_eq!(
        (none.prize.id.as_str(), none.prize.name.as_str(), none.prize.won),
        ("none", "谢谢参与", false)
    );
    assert_eq!((none.reason.as_str(), none.prize.value_fen), ("stock", 0));
    let events = host.events_of("draw.completed");
    assert_eq!((&events[1]["outcome"], &events[1]["prize"]), (&json!("none"), &json!("none")));
    assert_eq!(draw(&mut host, "B").done().prize, none.prize);
    assert_eq!(verified(&mut host).wins, 1);
}

#[test]
fn nothing_may_be_drawn_by_its_own_weight() {
    let mut host = host(probabilistic(json!({ "no_prize": { "weight": 1_000_000, "name": "再接再厉" } })));
    let none = draw(&mut host, "A").done();
    assert_eq!((none.prize.name.as_str(), none.reason.as_str()), ("再接再厉", "drawn"));
    verified(&mut host);
}

#[test]
fn renormalised_draws_choose_among_what_is_left() {
    let prizes = json!([
        { "id": "gold", "name": "a", "weight": 1, "stock": 1, "value_fen": 100 },
        { "id": "silver", "name": "b", "weight": 1, "stock": 2, "value_fen": 50 },
        { "id": "base", "name": "c", "weight": 0, "stock": "unlimited", "fallback": true, "value_fen": 5 },
    ]);
    let mut host = host(simple(json!({ "prizes": prizes, "on_exhausted": "renormalise" })));
    let drawn: Vec<_> = (0..5).map(|card| draw(&mut host, &format!("c{card}")).done()).collect();
    let first: std::collections::BTreeSet<_> =
        drawn[..3].iter().map(|drawn| drawn.prize.id.as_str()).collect();
    assert_eq!(first.into_iter().collect::<Vec<_>>(), ["gold", "silver"]);
    assert!(drawn[..3].iter().all(|drawn| drawn.reason == "drawn"));
    assert!(drawn[3..].iter().all(|drawn| drawn.prize.id == "base" && drawn.reason == "stock"));
    verified(&mut host);
}

#[test]
fn an_exhausted_lottery_closes_where_the_rules_say_so() {
    let limits = json!({ "on_exhausted": "close", "limits": { "per_day_total": 5 } });
    let mut host = host(simple(limits));
    draw(&mut host, "A").done();
    draw(&mut host, "B").refused("LOTTERY_CLOSED");
    draw(&mut host, "C").refused("LOTTERY_CLOSED");
    assert_eq!(host.events_of("lottery.closed"), [json!({ "campaign": NAME, "reason": "exhausted" })]);
    assert_eq!(host.events_of("lottery.seed_revealed").len(), 1);
    assert_eq!(host.counter(&format!("day/{NAME}/2026-11-26")), 1);
    host.advance(Duration::days(90));
    assert_eq!(host.events_of("lottery.closed").len(), 1);
    assert!(verified(&mut host).seed_checked);
}

#[test]
fn a_guaranteed_lottery_closes_when_even_the_fallback_is_gone() {
    let mut prizes = gold(1, 0);
    prizes[1]["stock"] = json!(1);
    let mut host = host(simple(json!({ "prizes": prizes, "expected_entries": 1 })));
    assert_eq!(draw(&mut host, "A").done().prize.id, "base");
    draw(&mut host, "B").refused("LOTTERY_CLOSED");
    assert_eq!(verified(&mut host).draws, 1);
}

fn pity(award: &[&str], gold_stock: u64) -> Value {
    simple(json!({
        "entry": { "by": "chance" }, "limits": { "per_grant": 50 },
        "pity": { "after_non_top": 3, "award": award },
        "prizes": [
            { "id": "gold", "name": "a", "weight": 0, "stock": gold_stock, "value_fen": 1000 },
            { "id": "silver", "name": "b", "weight": 0, "stock": 100, "value_fen": 50 },
            { "id": "base", "name": "c", "weight": 1, "stock": "unlimited", "fallback": true, "value_fen": 5 },
        ],
    }))
}

fn with_chances(rules: Value) -> Host {
    let mut host = host(rules);
    host.call::<GrantChance>(json!({ "campaign": NAME, "count": 50, "reason": "order" })).done();
    host
}

#[test]
fn after_so_many_misses_a_better_prize_is_due() {
    let mut host = with_chances(pity(&["silver"], 1));
    let drawn: Vec<_> = (0..8).map(|_| draw_again(&mut host).done()).collect();
    let found: Vec<_> = drawn.iter().map(|drawn| (drawn.prize.id.as_str(), drawn.reason.as_str())).collect();
    let (miss, due) = (("base", "drawn"), ("silver", "pity"));
    assert_eq!(found, [miss, miss, miss, due, miss, miss, miss, due]);
    verified(&mut host);
}

#[test]
fn a_pity_draw_that_cannot_be_given_stays_due() {
    let mut host = with_chances(pity(&["gold"], 1));
    let ids: Vec<String> = (0..12).map(|_| draw_again(&mut host).done().prize.id).collect();
    assert_eq!(ids.iter().filter(|id| *id == "gold").count(), 1);
    assert_eq!(ids[3], "gold");
    let mut more = pity(&["gold"], 2);
    more["title"] = json!("小牛凯西 2026 Q4");
    host.publish::<Campaign>(NAME, more);
    let next = draw_again(&mut host).done();
    assert_eq!((next.prize.id.as_str(), next.config_version), ("gold", 2));
    verified(&mut host);
}
