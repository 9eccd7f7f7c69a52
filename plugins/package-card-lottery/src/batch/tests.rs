//! Draws among many: frozen lists, the order of the seed, and the same winners again.

use siyu_plugin::fake::{Host, Outcome};
use siyu_plugin::prelude::*;

use super::*;
use crate::testing::{NAME, export, host, simple, verified};

fn rules(changes: serde_json::Value) -> serde_json::Value {
    let mut rules = simple(json!({
        "prizes": [
            { "id": "gold", "name": "a", "weight": 0, "stock": 2, "per_customer": 1, "value_fen": 1000 },
            { "id": "silver", "name": "b", "weight": 0, "stock": 100, "value_fen": 50 },
            { "id": "base", "name": "c", "weight": 1, "stock": "unlimited", "fallback": true, "value_fen": 5,
              "grant": { "coupon": "c5" } },
        ],
    }));
    crate::testing::merge(&mut rules, changes);
    rules
}

fn customers(host: &mut Host, count: usize) -> Vec<String> {
    (0..count).map(|number| host.customer(&format!("shop:{number}"))).collect()
}

fn draw(
    host: &mut Host,
    snapshot: &str,
    winners: serde_json::Value,
    entrants: &[String],
) -> Outcome<BatchDrawn> {
    host.call::<DrawBatch>(
        json!({ "campaign": NAME, "snapshot": snapshot, "winners": winners, "entrants": entrants }),
    )
}

fn winners(drawn: &BatchDrawn) -> Vec<(String, String)> {
    drawn.winners.iter().map(|winner| (winner.customer.clone(), winner.prize.id.clone())).collect()
}

#[test]
fn a_batch_has_as_many_winners_as_it_should_and_each_wins_once() {
    let mut host = host(rules(json!({})));
    let entrants = customers(&mut host, 30);
    let drawn = draw(&mut host, "live-1", json!({ "silver": 5, "gold": 1 }), &entrants).done();
    let prizes: Vec<_> = drawn.winners.iter().map(|winner| winner.prize.id.as_str()).collect();
    assert_eq!(prizes, ["gold", "silver", "silver", "silver", "silver", "silver"]);
    let people: std::collections::BTreeSet<_> = drawn.winners.iter().map(|winner| &winner.customer).collect();
    assert_eq!((people.len(), drawn.entrants, drawn.unassigned), (6, 30, 0));
    let events = host.events_of("draw.completed");
    assert_eq!(
        (events.len(), &events[0]["reason"], &events[0]["snapshot"]),
        (6, &json!("batch"), &json!("live-1"))
    );
    let event = host.events().into_iter().find(|event| event.event_type == "draw.completed").unwrap();
    assert_eq!(event.customer.as_ref(), Some(&drawn.winners[0].customer));
    assert_eq!(verified(&mut host).draws, 6);
}

#[test]
fn running_it_again_gives_the_same_winners_and_late_entrants_nothing() {
    let mut host = host(rules(json!({})));
    let entrants = customers(&mut host, 10);
    let first = draw(&mut host, "live-1", json!({ "silver": 3 }), &entrants).done();
    let late = customers(&mut host, 20);
    let again = draw(&mut host, "live-1", json!({ "silver": 3 }), &late).done();
    assert_eq!((winners(&again), again.entrants, again.replayed), (winners(&first), 10, true));
    draw(&mut host, "live-1", json!({ "silver": 4 }), &late).refused("IDEMPOTENCY_MISMATCH");
    assert_eq!(draw(&mut host, "live-2", json!({ "silver": 3 }), &late).done().entrants, 20);
    assert_eq!(verified(&mut host).draws, 6);
}

#[test]
fn the_order_of_the_list_and_doubles_change_nothing() {
    let drawn = |reversed: bool| {
        let mut host = host(rules(json!({})));
        let mut entrants = customers(&mut host, 20);
        if reversed {
            entrants.reverse();
            entrants.extend(entrants.clone());
        }
        draw(&mut host, "live-1", json!({ "silver": 5 }), &entrants).done()
    };
    assert_eq!(drawn(false), drawn(true));
}

#[test]
fn who_entered_is_drawn_and_nobody_enters_afterwards() {
    let mut host = host(rules(json!({ "eligibility": { "exclude_tags": ["staff"] } })));
    for number in 0..12 {
        let customer = host.act_for(&format!("shop:{number}"));
        if number == 11 {
            host.put_tag(&customer, "staff");
            host.call::<Enter>(json!({ "campaign": NAME, "snapshot": "s" })).refused("NOT_ELIGIBLE");
        } else {
            assert!(!host.call::<Enter>(json!({ "campaign": NAME, "snapshot": "s" })).done().replayed);
            assert!(host.call::<Enter>(json!({ "campaign": NAME, "snapshot": "s" })).done().replayed);
        }
    }
    host.act_for_nobody();
    let drawn = host
        .call::<DrawBatch>(json!({ "campaign": NAME, "snapshot": "s", "winners": { "silver": 2 } }))
        .done();
    assert_eq!((drawn.entrants, drawn.winners.len()), (11, 2));
    host.act_for("shop:99");
    host.call::<Enter>(json!({ "campaign": NAME, "snapshot": "s" })).refused("SNAPSHOT_FROZEN");
    verified(&mut host);
}

#[test]
fn who_may_not_take_part_is_passed_over_for_the_record() {
    let mut host = host(rules(json!({ "eligibility": { "exclude_tags": ["staff"] } })));
    let mut entrants = customers(&mut host, 10);
    for customer in &entrants[..9] {
        host.put_tag(customer, "staff");
    }
    entrants.push("nobody".to_owned());
    let drawn = draw(&mut host, "s", json!({ "gold": 1 }), &entrants).done();
    assert_eq!(winners(&drawn), [(entrants[9].clone(), "gold".to_owned())]);
    assert_eq!(drawn.winners[0].rank, drawn.entrants.min(drawn.winners[0].rank));
    let passed = export(&mut host).iter().filter(|line| line.contains("\"kind\":\"passed\"")).count();
    assert_eq!(passed as u64, drawn.winners[0].rank - 1);
    verified(&mut host);
}

#[test]
fn a_prize_that_is_used_up_is_not_given_and_the_next_one_is() {
    let mut host = host(rules(json!({})));
    let entrants = customers(&mut host, 10);
    let drawn = draw(&mut host, "s", json!({ "gold": 5, "silver": 2 }), &entrants).done();
    let prizes: Vec<_> = drawn.winners.iter().map(|winner| winner.prize.id.as_str()).collect();
    assert_eq!((prizes, drawn.unassigned), (vec!["gold", "gold", "silver", "silver"], 3));
    assert_eq!(host.events_of("prize.exhausted").len(), 1);
    verified(&mut host);
}

#[test]
fn a_customers_share_of_a_prize_holds_over_batches() {
    let mut host = host(rules(json!({})));
    let entrants = customers(&mut host, 1);
    draw(&mut host, "s1", json!({ "gold": 1 }), &entrants).done();
    let second = draw(&mut host, "s2", json!({ "gold": 1 }), &entrants).done();
    assert_eq!((second.winners.len(), second.unassigned), (0, 1));
    verified(&mut host);
}

#[test]
fn the_budget_holds_in_a_batch() {
    let mut host = host(rules(json!({ "budget_fen": 120 })));
    let entrants = customers(&mut host, 10);
    let drawn = draw(&mut host, "s", json!({ "silver": 5 }), &entrants).done();
    assert_eq!((drawn.winners.len(), drawn.unassigned), (2, 3));
    assert_eq!(host.counter(&format!("budget/{NAME}")), 100);
    verified(&mut host);
}

#[test]
fn fewer_entrants_than_prizes_all_win() {
    let mut host = host(rules(json!({})));
    let entrants = customers(&mut host, 2);
    let drawn = draw(&mut host, "s", json!({ "silver": 5 }), &entrants).done();
    assert_eq!((drawn.winners.len(), drawn.unassigned), (2, 3));
}

#[test]
fn a_goods_prize_of_a_batch_is_claimed_by_its_winner() {
    let mut host = host(rules(json!({})));
    host.customer("shop:0");
    let entrants = customers(&mut host, 1);
    let drawn = draw(&mut host, "s", json!({ "silver": 1 }), &entrants).done();
    host.act_for("shop:0");
    let claimed = host.call::<crate::Claim>(json!({ "draw_id": drawn.winners[0].draw_id })).done();
    assert_eq!(claimed.prize, "silver");
}

#[test]
fn a_long_list_is_told_in_parts_and_verified() {
    let mut host = host(rules(json!({})));
    let entrants = customers(&mut host, 3_100);
    let drawn = draw(&mut host, "s", json!({ "silver": 1 }), &entrants).done();
    assert_eq!((drawn.entrants, drawn.winners.len()), (3_100, 1));
    let parts = export(&mut host).iter().filter(|line| line.contains("\"kind\":\"entrants\"")).count();
    assert_eq!(parts, 3);
    assert_eq!(verified(&mut host).wins, 1);
}

#[test]
fn a_list_of_people_who_may_not_win_is_refused_as_a_whole() {
    let mut host = host(rules(json!({})));
    let strangers: Vec<String> = (0..2_001).map(|number| format!("cus_{number}")).collect();
    draw(&mut host, "s", json!({ "gold": 1 }), &strangers).failed("TOO_MANY_PASSED");
    assert_eq!(export(&mut host).len(), 1);
    let drawn = draw(&mut host, "s", json!({ "gold": 1 }), &strangers[1..]).done();
    assert_eq!((drawn.winners.len(), drawn.unassigned), (0, 1));
    verified(&mut host);
}

#[test]
fn what_cannot_be_drawn_is_refused_in_words() {
    let mut host = host(rules(json!({})));
    let one = customers(&mut host, 1);
    let many: Vec<String> = (0..=ENTRANTS_MAX).map(|number| number.to_string()).collect();
    let cases: [(&str, serde_json::Value, &[String], &str); 6] = [
        ("S", json!({ "gold": 1 }), &one, "/snapshot"),
        ("", json!({ "gold": 1 }), &one, "/snapshot"),
        ("s", json!({ "iron": 1 }), &one, "/winners/iron"),
        ("s", json!({ "silver": WINNERS_MAX + 1 }), &one, "/winners"),
        ("s", json!({}), &one, "/winners"),
        ("s", json!({ "gold": 1 }), &many, "/entrants"),
    ];
    for (snapshot, winners, entrants, pointer) in cases {
        let fault = draw(&mut host, snapshot, winners, entrants).failed("INVALID_INPUT");
        assert_eq!(fault.fields[0].pointer, pointer);
    }
    draw(&mut host, "s", json!({ "gold": 1 }), &[]).refused("SNAPSHOT_EMPTY");
    host.call::<crate::Pause>(json!({ "campaign": NAME })).done();
    draw(&mut host, "s", json!({ "gold": 1 }), &one).refused("PAUSED");
}
