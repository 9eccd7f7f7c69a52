//! What a draw does, case by case.

use serde_json::Value;
use siyu_plugin::fake::Host;
use siyu_plugin::prelude::*;

use crate::testing::*;
use crate::{Campaign, Draw, GrantChance, MixRandomness, PrintCards, Ship};

#[test]
fn a_card_wins_what_the_published_vectors_say() {
    let mut host = host_with_known_seed(rules());
    for (card, prize) in [("card:0001", "p5"), ("card:0002", "p5"), ("card:0003", "p10"), ("card:0099", "p5")]
    {
        host.act_for(&format!("shop:{card}").replace("card:", ""));
        let drawn = draw(&mut host, card).done();
        assert_eq!((drawn.prize.id.as_str(), drawn.reason.as_str()), (prize, "drawn"), "{card}");
        assert_eq!(drawn.prize.coupon.as_deref(), Some(prize.replace('p', "c").as_str()));
        assert!(drawn.prize.won && !drawn.replayed && drawn.claim_by.is_none());
    }
}

#[test]
fn the_event_of_a_draw_has_what_reports_count_by() {
    let mut host = host_with_known_seed(rules());
    host.call::<Ship>(
        json!({ "campaign": NAME, "card": "card:0003", "order": "A1", "batch": "b1", "creative": "red" }),
    )
    .done();
    let drawn = draw(&mut host, "card:0003").done();
    let expected = json!({
        "campaign": NAME, "draw_id": format!("{NAME}/2"), "seq": 2, "outcome": "won", "prize": "p10",
        "prize_name": "10元首单券", "tier": "p10", "value_fen": 1000, "coupon": "c10", "reason": "drawn",
        "entry_by": "card", "card": "card:0003", "order_no": "A1", "batch": "b1", "creative_id": "red",
        "snapshot": null, "config_version": 1, "claim_by": null, "chain_hash": drawn.chain_hash,
    });
    assert_eq!(host.events_of("draw.completed"), [expected]);
}

#[test]
fn the_same_card_gives_the_same_prize_again() {
    let mut host = host(simple(json!({})));
    let first = draw(&mut host, "A").done();
    assert_eq!(first.prize.id, "gold");
    host.advance(Duration::days(1));
    let again = draw(&mut host, " A ").done();
    assert_eq!(again, crate::Drawn { replayed: true, ..first });
    assert_eq!(host.events_of("draw.replayed").len(), 1);
    assert_eq!(host.events_of("draw.completed").len(), 1);
    assert_eq!(stock_of(&host, "gold"), (0, 1));
}

#[test]
fn a_replay_is_answered_after_the_end_and_while_paused() {
    let mut host = host(rules());
    let first = draw(&mut host, "A").done();
    host.call::<crate::Pause>(json!({ "campaign": NAME })).done();
    assert_eq!(draw(&mut host, "A").done().draw_id, first.draw_id);
    host.advance(Duration::days(60));
    assert_eq!(draw(&mut host, "A").done().prize, first.prize);
}

#[test]
fn the_last_unit_goes_to_one_of_many() {
    let mut host = host(simple(json!({})));
    let mut won = 0;
    for customer in 0..50 {
        host.act_for(&format!("shop:{customer}"));
        let drawn = draw(&mut host, &format!("card:{customer}")).done();
        match drawn.prize.id.as_str() {
            "gold" => won += 1,
            _ => assert_eq!((drawn.prize.id.as_str(), drawn.reason.as_str()), ("base", "stock")),
        }
    }
    assert_eq!(won, 1);
    assert_eq!(host.events_of("prize.exhausted"), [json!({ "campaign": NAME, "prize": "gold" })]);
    assert_eq!(verified(&mut host).draws, 50);
}

#[test]
fn a_card_belongs_to_the_first_who_draws_with_it() {
    let mut host = host(rules());
    draw(&mut host, "A").done();
    let second = host.act_for("shop:2");
    draw(&mut host, "A").refused("CARD_USED_BY_OTHER");
    assert_eq!(host.events_of("card.scan_conflict"), [json!({ "campaign": NAME, "card": "A" })]);
    let refused = json!({ "campaign": NAME, "code": "CARD_USED_BY_OTHER", "entry_by": "card", "entry": "A" });
    assert_eq!(host.events_of("draw.refused"), [refused]);
    assert!(host.document::<Value>(Some(&second), &format!("standing/{NAME}")).is_none());
}

#[test]
fn who_deletes_and_adds_again_has_no_second_draw() {
    let mut host =
        host(simple(json!({ "eligibility": { "require": "friend" }, "limits": { "per_customer": 1 } })));
    draw(&mut host, "A").refused("NOT_FRIEND");
    let customer = host.act_for("shop:1");
    host.record("friend.added", Some(&customer), json!({}));
    let first = draw(&mut host, "A").done();
    host.advance(Duration::hours(1));
    host.record("friend.deleted_by_customer", Some(&customer), json!({}));
    draw(&mut host, "B").refused("NOT_FRIEND");
    host.advance(Duration::hours(1));
    host.record("friend.added", Some(&customer), json!({}));
    draw(&mut host, "B").refused("LIMIT_CUSTOMER");
    assert_eq!(draw(&mut host, "A").done().draw_id, first.draw_id);
}

#[test]
fn the_window_is_half_open() {
    let mut host = Host::of::<crate::Plugin>().at("2026-11-24T23:59:59.999+08:00");
    host.publish::<Campaign>(NAME, rules());
    host.act_for("shop:1");
    let no = draw(&mut host, "A").refused("NOT_STARTED");
    assert_eq!(no.details, Some(json!({ "starts_at": "2026-11-24T16:00:00Z" })));
    host.advance(Duration::from_millis(1));
    draw(&mut host, "A").done();
    host.advance_to("2026-12-31T23:59:59.999+08:00".parse().unwrap());
    draw(&mut host, "B").done();
    host.advance(Duration::from_millis(1));
    draw(&mut host, "C").refused("ENDED");
}

#[test]
fn an_event_from_inside_the_window_may_come_late() {
    let mut host = host(rules());
    host.advance_to("2026-12-31T23:59:00+08:00".parse().unwrap());
    host.start_run("friend.added", json!({}));
    host.advance(Duration::minutes(5));
    draw(&mut host, "A").done();
    host.start_run("friend.added", json!({}));
    draw(&mut host, "B").refused("ENDED");
    assert_eq!(verified(&mut host).draws, 1);
}

#[test]
fn grace_ends_and_the_campaign_closes_then() {
    let mut host = host(rules());
    host.advance_to("2026-12-31T23:59:00+08:00".parse().unwrap());
    host.start_run("friend.added", json!({}));
    host.advance(Duration::minutes(11));
    draw(&mut host, "A").refused("ENDED");
    assert_eq!(host.events_of("lottery.closed"), [json!({ "campaign": NAME, "reason": "ended" })]);
    assert!(verified(&mut host).seed_checked);
}

#[test]
fn a_clock_that_goes_back_breaks_nothing() {
    let mut late = host(simple(json!({ "limits": { "per_customer_per_day": 1 } })));
    draw(&mut late, "A").done();
    draw(&mut late, "B").refused("LIMIT_CUSTOMER_DAY");
    let mut earlier = late.at("2026-11-25T12:00:00+08:00");
    draw(&mut earlier, "B").refused("LIMIT_CUSTOMER_DAY");
    earlier.act_for("shop:2");
    draw(&mut earlier, "C").done();
    let mut before = earlier.at("2026-11-24T12:00:00+08:00");
    draw(&mut before, "D").refused("NOT_STARTED");
    assert_eq!(verified(&mut before).draws, 2);
}

#[test]
fn limits_are_checked_in_their_order() {
    let cases: [(Value, &str, &str); 4] = [
        (
            json!({ "limits": { "per_customer": 1, "per_customer_per_day": 1, "per_day_total": 1 } }),
            "B",
            "LIMIT_CUSTOMER",
        ),
        (
            json!({ "limits": { "per_customer": 9, "per_customer_per_day": 1, "per_day_total": 1 } }),
            "B",
            "LIMIT_CUSTOMER_DAY",
        ),
        (
            json!({ "limits": { "per_customer": 9, "per_customer_per_day": 9, "per_day_total": 1 } }),
            "B",
            "LIMIT_DAY_TOTAL",
        ),
        (json!({ "limits": { "per_card": 2, "per_customer": 1 } }), "A", "LIMIT_CUSTOMER"),
    ];
    for (changes, entry, code) in cases {
        let mut host = host(simple(changes.clone()));
        draw(&mut host, "A").done();
        draw(&mut host, entry).refused(code);
        assert_eq!(verified(&mut host).draws, 1, "{changes}");
    }
}

#[test]
fn a_card_with_two_draws_has_no_third() {
    let mut host = host(simple(json!({ "limits": { "per_card": 2 } })));
    let first = draw(&mut host, "A").done();
    let second = draw(&mut host, "A").done();
    assert_ne!(first.draw_id, second.draw_id);
    draw(&mut host, "A").refused("LIMIT_CARD");
    assert_eq!(verified(&mut host).draws, 2);
}

#[test]
fn an_order_draws_as_often_as_it_may_and_is_not_named_in_the_log() {
    let mut host = host(simple(json!({ "entry": { "by": "order" }, "limits": { "per_order": 2 } })));
    draw(&mut host, "NO-4711").done();
    draw(&mut host, "NO-4711").done();
    draw(&mut host, "NO-4711").refused("LIMIT_ORDER");
    host.act_for("shop:2");
    draw(&mut host, "NO-4711").refused("CARD_USED_BY_OTHER");
    let lines = export(&mut host).join("\n");
    assert!(!lines.contains("4711"));
    assert_eq!(host.events_of("draw.completed")[0]["order_no"], "NO-4711");
    verified(&mut host);
}

#[test]
fn a_day_begins_at_midnight_of_the_playbook() {
    let mut host = host(simple(json!({ "limits": { "per_customer_per_day": 1, "per_day_total": 2 } })));
    draw(&mut host, "A").done();
    host.act_for("shop:2");
    draw(&mut host, "B").done();
    host.act_for("shop:3");
    draw(&mut host, "C").refused("LIMIT_DAY_TOTAL");
    host.advance(Duration::hours(12) - Duration::from_millis(1));
    draw(&mut host, "C").refused("LIMIT_DAY_TOTAL");
    host.advance(Duration::from_millis(1));
    draw(&mut host, "C").done();
    verified(&mut host);
}

#[test]
fn a_refusal_uses_nothing_up() {
    let mut host = host(simple(json!({ "limits": { "per_customer": 1, "per_day_total": 2 } })));
    draw(&mut host, "A").done();
    for _ in 0..5 {
        draw(&mut host, "B").refused("LIMIT_CUSTOMER");
    }
    host.act_for("shop:2");
    draw(&mut host, "B").done();
    assert_eq!(host.counter(&format!("day/{NAME}/2026-11-26")), 2);
    assert_eq!(verified(&mut host).draws, 2);
}

#[test]
fn the_same_request_is_the_same_draw_and_never_another() {
    let mut host = host(simple(json!({ "limits": { "per_card": 3 } })));
    let mut ask = |entry: &str, request: &str| {
        host.call::<Draw>(json!({ "campaign": NAME, "entry": entry, "request": request }))
    };
    let first = ask("A", "r1").done();
    assert_eq!(ask("A", "r1").done().draw_id, first.draw_id);
    assert_ne!(ask("A", "r2").done().draw_id, first.draw_id);
    ask("B", "r1").refused("IDEMPOTENCY_MISMATCH");
    assert_eq!(ask("A", &"r".repeat(49)).failed("INVALID_INPUT").fields[0].pointer, "/request");
}

#[test]
fn a_draw_by_card_needs_a_card() {
    let mut host = host(rules());
    assert_eq!(draw_again(&mut host).failed("INVALID_INPUT").fields[0].pointer, "/entry");
    assert_eq!(draw(&mut host, "  ").failed("INVALID_INPUT").fields[0].pointer, "/entry");
    for token in ["牛", "a b", &"x".repeat(121), "\u{7f}"] {
        draw(&mut host, token).refused("CARD_INVALID");
    }
    draw(&mut host, &"x".repeat(120)).done();
    draw(&mut host, &"%".repeat(120)).refused("CARD_INVALID");
    draw(&mut host, "https://q.example/%E7%89%9B").done();
}

#[test]
fn only_cards_that_this_tenant_printed_are_valid() {
    let signed = simple(json!({ "entry": { "signed": true } }));
    let mut ours = host(signed.clone());
    let print = json!({ "campaign": NAME, "batch": "b1", "first": 1, "count": 3 });
    let tokens = ours.call::<PrintCards>(&print).done().tokens;
    assert_eq!(ours.call::<PrintCards>(&print).done().tokens, tokens);
    let mut theirs = Host::of::<crate::Plugin>().at("2026-11-26T12:00:00+08:00").seed(7);
    theirs.publish::<Campaign>(NAME, signed);
    theirs.act_for("shop:1");
    draw(&mut theirs, &tokens[0]).refused("CARD_INVALID");
    assert_eq!(draw(&mut ours, &tokens[0]).done().prize.id, "gold");
    assert_eq!(ours.events_of("draw.completed")[0]["batch"], "b1");
    for forged in
        ["A", "c1.b1.1", "c1.b1.1.", &tokens[1].replace(".2.", ".9."), &tokens[1][..tokens[1].len() - 1]]
    {
        draw(&mut ours, forged).refused("CARD_INVALID");
    }
}

#[test]
fn only_cards_that_went_out_are_valid_where_the_rules_say_so() {
    let mut host = host(simple(json!({ "entry": { "shipped_only": true } })));
    draw(&mut host, "A").refused("CARD_INVALID");
    host.call::<Ship>(json!({ "campaign": NAME, "card": "A", "order": "1" })).done();
    draw(&mut host, "A").done();
}

#[test]
fn a_chance_is_one_draw() {
    let mut host = host(simple(json!({ "entry": { "by": "chance" }, "limits": { "per_grant": 2 } })));
    draw_again(&mut host).refused("NO_CHANCE");
    host.call::<GrantChance>(json!({ "campaign": NAME, "count": 2, "reason": "order" })).done();
    assert_ne!(draw_again(&mut host).done().draw_id, draw_again(&mut host).done().draw_id);
    draw_again(&mut host).refused("NO_CHANCE");
    assert_eq!(verified(&mut host).draws, 2);
}

#[test]
fn a_customer_draws_as_often_as_the_rules_say() {
    let mut host = host(simple(json!({ "entry": { "by": "customer" }, "limits": { "per_customer": 3 } })));
    let ids: Vec<String> = (0..3).map(|_| draw_again(&mut host).done().draw_id).collect();
    assert_eq!(ids, [2, 3, 4].map(|seq| format!("{NAME}/{seq}")));
    draw_again(&mut host).refused("LIMIT_CUSTOMER");
    verified(&mut host);
}

#[test]
fn an_event_of_nobody_cannot_draw() {
    let mut host = host(rules());
    host.act_for_nobody();
    draw(&mut host, "A").failed("INVALID_ARGUMENT");
}

#[test]
fn who_may_not_take_part_is_told_so() {
    let cases = [
        (json!({ "exclude_tags": ["staff"] }), "the tag `staff`"),
        (json!({ "new_customer_only": true }), "1 orders are paid"),
        (json!({ "min_age": 18 }), "18 years old"),
        (json!({ "if": "customer.attributes.city == '上海'" }), "does not hold"),
    ];
    for (eligibility, words) in cases {
        let mut host = host(simple(json!({ "eligibility": eligibility })));
        let customer = host.act_for("shop:1");
        host.set_attributes(&customer, json!({ "birthday": "2008-11-27", "city": "北京" }));
        host.put_tag(&customer, "staff");
        host.record("order.paid", Some(&customer), json!({ "amount_fen": 100 }));
        let no = draw(&mut host, "A").refused("NOT_ELIGIBLE");
        assert!(no.message.contains(words), "{}", no.message);
        assert_eq!(host.events_of("draw.refused").len(), 1);
    }
}

#[test]
fn an_age_is_full_on_the_birthday_and_may_be_unknown() {
    let mut host = host(simple(json!({ "eligibility": { "min_age": 18 } })));
    let customer = host.act_for("shop:1");
    host.set_attributes(&customer, json!({ "birthday": "2008-11-26" }));
    draw(&mut host, "A").done();
    host.set_attributes(&customer, json!({ "birthday": "sometime" }));
    draw(&mut host, "B").done();
    let mut strict =
        self::host(simple(json!({ "eligibility": { "min_age": 18, "min_age_unknown": "refuse" } })));
    draw(&mut strict, "A").refused("NOT_ELIGIBLE");
}

#[test]
fn the_rules_of_the_moment_hold_and_a_replay_keeps_those_of_its_time() {
    let mut host = host(simple(json!({ "prizes": gold(1, 2) })));
    let first = draw(&mut host, "A").done();
    let mut better = gold(1, 3);
    better[0]["value_fen"] = json!(20_000);
    host.publish::<Campaign>(NAME, simple(json!({ "prizes": better })));
    let second = draw(&mut host, "B").done();
    assert_eq!((first.config_version, first.prize.value_fen), (1, 10_000));
    assert_eq!((second.config_version, second.prize.value_fen), (2, 20_000));
    assert_eq!(draw(&mut host, "A").done().prize.value_fen, 10_000);
    assert_eq!(stock_of(&host, "gold"), (1, 2));
    verified(&mut host);
}

#[test]
fn a_campaign_that_is_not_published_draws_nothing() {
    let mut host = host(rules());
    host.call::<Draw>(json!({ "campaign": "winter", "entry": "A" })).failed("UNKNOWN_RESOURCE");
    host.unpublish::<Campaign>(NAME);
    draw(&mut host, "A").failed("UNKNOWN_RESOURCE");
}

#[test]
fn a_lottery_with_public_randomness_waits_for_it() {
    let mut host = host(simple(json!({ "rng": { "public_randomness": "drand:4242000" } })));
    draw(&mut host, "A").refused("NOT_STARTED");
    let mix = |host: &mut Host, value: &str| {
        host.call::<MixRandomness>(json!({ "campaign": NAME, "value": value }))
    };
    assert_eq!(mix(&mut host, "xyz").failed("INVALID_INPUT").fields[0].pointer, "/value");
    assert!(mix(&mut host, &"a1".repeat(32)).done().changed);
    assert!(!mix(&mut host, &"b2".repeat(32)).done().changed);
    draw(&mut host, "A").done();
    host.advance(Duration::days(60));
    assert!(verified(&mut host).seed_checked);
}

#[test]
fn the_answer_of_a_draw_is_small() {
    let mut host = host(rules());
    let text = serde_json::to_string(&draw(&mut host, "A").done()).unwrap();
    assert!(text.len() < 400, "{} bytes: {text}", text.len());
}
