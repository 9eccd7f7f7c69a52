//! What is published, what is not, and what may still change.

use serde_json::Value;
use siyu_plugin::fake::{Host, Unpublished};
use siyu_plugin::prelude::*;

use super::check::{PRIZES_MAX, TOP_PRIZE_FEN_MAX};
use crate::testing::*;
use crate::{Campaign, GENESIS, Plugin};

/// What the check finds in the example's rules with changes: pointer and code, errors first.
fn found(changes: Value) -> Vec<(bool, String, String)> {
    let mut rules = rules();
    merge(&mut rules, changes);
    let found = Host::of::<Plugin>().check::<Campaign>(NAME, rules);
    found.into_iter().map(|finding| (finding.is_error, finding.pointer, finding.code)).collect()
}

fn prize(changes: Value) -> Value {
    let mut prizes = rules()["prizes"].take();
    merge(&mut prizes[0], changes);
    json!({ "prizes": prizes })
}

#[track_caller]
fn check(changes: Value, is_error: bool, pointer: &str, code: &str) {
    let found = found(changes.clone());
    let wanted = (is_error, pointer.to_owned(), code.to_owned());
    assert!(found.contains(&wanted), "{changes}\nexpected {wanted:?}, found {found:?}");
}

#[test]
fn the_specifications_example_is_published_without_a_word() {
    assert_eq!(found(json!({})), []);
}

#[test]
fn what_the_specification_refuses_is_not_published() {
    let no_fallback = json!([{ "id": "a", "name": "a", "weight": 1, "stock": 1, "value_fen": 1, "grant": { "coupon": "c" } }]);
    let mut limited = rules()["prizes"].take();
    limited[3]["stock"] = json!(10);
    let mut capped = rules()["prizes"].take();
    capped[3]["per_customer"] = json!(1);
    let mut two = rules()["prizes"].take();
    two[2]["fallback"] = json!(true);
    let many: Vec<Value> = (0..=PRIZES_MAX)
        .map(|id| json!({ "id": format!("p{id}"), "name": "x", "weight": 1, "stock": 1, "value_fen": 1, "grant": { "coupon": "c" } }))
        .collect();
    let pity = |pity: Value| json!({ "entry": { "by": "chance" }, "pity": pity });
    let cases: Vec<(Value, &str, &str)> = vec![
        (json!({ "window": { "end": "2026-11-25T00:00:00+08:00" } }), "/window/end", "WINDOW_ORDER"),
        (json!({ "claim_within": "0s" }), "/claim_within", "CLAIM_WITHIN"),
        (json!({ "limits": { "per_customer": 0 } }), "/limits/per_customer", "LIMIT_ZERO"),
        (json!({ "limits": { "per_card": 0 } }), "/limits/per_card", "LIMIT_ZERO"),
        (json!({ "limits": { "per_day_total": 0 } }), "/limits/per_day_total", "LIMIT_ZERO"),
        (json!({ "entry": { "by": "customer" } }), "/limits", "LIMIT_MISSING"),
        (json!({ "entry": { "by": "order", "signed": true } }), "/entry", "CARDS_ONLY"),
        (json!({ "prizes": [] }), "/prizes", "NO_PRIZES"),
        (json!({ "prizes": many }), "/prizes", "TOO_MANY_PRIZES"),
        (prize(json!({ "id": "P 66" })), "/prizes/0/id", "PRIZE_ID"),
        (prize(json!({ "id": "none" })), "/prizes/0/id", "PRIZE_ID_RESERVED"),
        (prize(json!({ "id": "p30" })), "/prizes/1/id", "PRIZE_ID_TWICE"),
        (prize(json!({ "name": " " })), "/prizes/0/name", "PRIZE_NAME"),
        (prize(json!({ "per_customer": 0 })), "/prizes/0/per_customer", "LIMIT_ZERO"),
        (prize(json!({ "grant": { "coupon": "C 66" } })), "/prizes/0/grant/coupon", "PRIZE_COUPON"),
        (prize(json!({ "stock": 1_u64 << 53 })), "/prizes/0/stock", "NUMBER_TOO_LARGE"),
        (json!({ "budget_fen": 1_u64 << 53 }), "/budget_fen", "NUMBER_TOO_LARGE"),
        (json!({ "limits": { "per_day_total": 1_u64 << 53 } }), "/limits/per_day_total", "NUMBER_TOO_LARGE"),
        (prize(json!({ "weight": u32::MAX })), "/prizes", "WEIGHTS_TOTAL"),
        (json!({ "no_prize": { "weight": 1 } }), "/no_prize/weight", "NO_PRIZE_WEIGHT"),
        (json!({ "prizes": no_fallback }), "/prizes", "FALLBACK_COUNT"),
        (json!({ "prizes": two }), "/prizes", "FALLBACK_COUNT"),
        (json!({ "prizes": limited.clone() }), "/prizes/3/stock", "FALLBACK_STOCK"),
        (json!({ "prizes": limited, "expected_entries": 11 }), "/prizes/3/stock", "FALLBACK_STOCK"),
        (json!({ "prizes": capped }), "/prizes/3/per_customer", "FALLBACK_CAPPED"),
        (json!({ "mode": "probabilistic" }), "/prizes/3/fallback", "FALLBACK_IN_PROBABILISTIC"),
        (json!({ "pity": { "after_non_top": 9, "award": ["p30"] } }), "/pity", "PITY_ENTRY"),
        (pity(json!({ "after_non_top": 0, "award": ["p30"] })), "/pity/after_non_top", "PITY_AFTER"),
        (pity(json!({ "after_non_top": 1, "award": [] })), "/pity/award", "PITY_AWARD"),
        (pity(json!({ "after_non_top": 1, "award": ["p30", "p31"] })), "/pity/award/1", "PITY_AWARD"),
        (prize(json!({ "value_fen": TOP_PRIZE_FEN_MAX + 1 })), "/prizes/0/value_fen", "PRIZE_OVER_LAW_LIMIT"),
        (json!({ "disclosure": { "organiser": " " } }), "/disclosure/organiser", "DISCLOSURE_INCOMPLETE"),
        (json!({ "disclosure": { "contact": "" } }), "/disclosure/contact", "DISCLOSURE_INCOMPLETE"),
        (json!({ "disclosure": { "rules_url": "" } }), "/disclosure/rules_url", "DISCLOSURE_INCOMPLETE"),
        (json!({ "disclosure": { "rules_url": "rules.html" } }), "/disclosure/rules_url", "DISCLOSURE_URL"),
        (prize(json!({ "grant": { "coupon": null } })), "/claim_within", "DISCLOSURE_INCOMPLETE"),
        (json!({ "rng": { "public_randomness": "drand:" } }), "/rng/public_randomness", "PUBLIC_RANDOMNESS"),
        (json!({ "rng": { "public_randomness": "dice" } }), "/rng/public_randomness", "PUBLIC_RANDOMNESS"),
    ];
    for (changes, pointer, code) in cases {
        check(changes, true, pointer, code);
    }
}

#[test]
fn what_is_risky_is_published_with_a_warning() {
    let mut unlimited = rules()["prizes"].take();
    unlimited[0]["stock"] = json!("unlimited");
    let cases: Vec<(Value, &str, &str)> = vec![
        (json!({ "limits": { "per_card": 2 } }), "/limits", "REQUEST_ADVISED"),
        (prize(json!({ "value_fen": 50_001 })), "/prizes/0/value_fen", "SHOW_RESULTS"),
        (json!({ "disclosure": { "delivery": null } }), "/disclosure/delivery", "DISCLOSURE_ON_PAGE"),
        (json!({ "on_exhausted": "renormalise" }), "/on_exhausted", "DISCLOSE_RENORMALISE"),
        (json!({ "restock_unclaimed": true }), "/restock_unclaimed", "DISCLOSE_RESTOCK"),
        (json!({ "prizes": unlimited }), "/prizes/0/stock", "COST_WITHOUT_END"),
        (json!({ "entry": { "by": "chance" } }), "/entry/by", "PLATFORM_RISK"),
    ];
    for (changes, pointer, code) in cases {
        check(changes.clone(), false, pointer, code);
        assert!(found(changes).iter().all(|(is_error, ..)| !is_error));
    }
}

#[test]
fn chances_of_one_ticket_are_added_up() {
    let law = "ENTRY_OVER_LAW_LIMIT";
    let costly = |changes: Value| {
        let mut with_value = prize(json!({ "value_fen": 2_500_001 }));
        merge(&mut with_value, changes);
        with_value
    };
    for changes in [
        json!({ "limits": { "per_card": 2 } }),
        json!({ "entry": { "by": "order" }, "limits": { "per_order": 2 } }),
        json!({ "entry": { "by": "customer" }, "limits": { "per_customer": 2 } }),
        json!({ "entry": { "by": "chance" }, "limits": { "per_grant": 2 } }),
    ] {
        check(costly(changes), true, "/limits", law);
    }
    let exact = prize(json!({ "value_fen": TOP_PRIZE_FEN_MAX }));
    assert!(found(exact).iter().all(|(is_error, ..)| !is_error));
}

#[test]
fn a_law_is_cited_with_its_article_and_its_fine() {
    let mut host = Host::of::<Plugin>();
    let mut rules = rules();
    rules["prizes"][0]["value_fen"] = json!(5_000_001);
    let found = host.check::<Campaign>(NAME, rules);
    assert_eq!(
        found[0].message,
        "worth 5000001 fen, at most 5000000: Order 32 of the SAMR (规范促销行为暂行规定) art. 17, AUCL (反不正当竞争法): the top \
         prize of a draw is worth at most 50,000 yuan; the fine is 50,000 to 500,000 yuan"
    );
}

#[test]
fn nobody_can_name_winners_or_write_fractions() {
    for (changes, pointer) in [
        (json!({ "winners": ["cus_1"] }), "/winners"),
        (prize(json!({ "weight": 0.5 })), "/prizes/0/weight"),
        (prize(json!({ "weight": -1 })), "/prizes/0/weight"),
        (prize(json!({ "stock": "many" })), "/prizes/0/stock"),
        (prize(json!({ "stock": -1 })), "/prizes/0/stock"),
        (json!({ "rng": { "scheme": "mt19937" } }), "/rng/scheme"),
        (json!({ "window": { "start": "tomorrow" } }), "/window/start"),
        (json!({ "eligibility": { "if": "customer." } }), "/eligibility/if"),
    ] {
        check(changes, true, pointer, "DEFINITION");
    }
}

fn before_the_start() -> Host {
    let mut host = Host::of::<Plugin>().at("2026-11-21T12:00:00+08:00").repeating();
    host.publish::<Campaign>(NAME, rules());
    host
}

fn version(host: &Host) -> Value {
    seal(host)["config_version"].clone()
}

#[test]
fn the_seed_is_sealed_before_the_first_draw_and_kept() {
    let mut host = before_the_start();
    let committed = host.events_of("lottery.seed_committed");
    let (seal, state) = (seal(&host), state(&host));
    let seed = crate::fair::Secret::from_hex(seal["seed"].as_str().unwrap()).unwrap();
    assert_eq!(committed[0]["seed_hash"], seed.commitment());
    let lines = export(&mut host);
    let first: Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!((&first["seed_hash"], &first["prev_hash"]), (&committed[0]["seed_hash"], &json!(GENESIS)));
    assert!(!lines[0].contains(seal["seed"].as_str().unwrap()));
    assert_ne!(first["salt_hash"], first["seed_hash"]);
    host.publish::<Campaign>(NAME, rules());
    assert_eq!((self::seal(&host), self::state(&host)), (seal, state));
}

#[test]
fn opening_and_closing_are_planned_and_move_with_the_window() {
    let mut host = before_the_start();
    let planned = |host: &Host| -> Vec<(String, String)> {
        host.planned().into_iter().map(|planned| (planned.event_type, planned.at.to_string())).collect()
    };
    let at = |opened: &str, closed: &str| {
        [("lottery.opened".to_owned(), opened.to_owned()), ("lottery.closed".to_owned(), closed.to_owned())]
    };
    assert_eq!(planned(&host), at("2026-11-24T16:00:00Z", "2026-12-31T16:10:00Z"));
    let mut later = rules();
    merge(
        &mut later,
        json!({ "window": { "start": "2026-12-01T00:00:00+08:00", "end": "2027-02-01T00:00:00+08:00" } }),
    );
    host.publish::<Campaign>(NAME, later);
    assert_eq!(planned(&host), at("2026-11-30T16:00:00Z", "2027-01-31T16:10:00Z"));
    host.advance(Duration::days(80));
    assert_eq!(host.events_of("lottery.opened").len(), 1);
    assert_eq!(host.events_of("lottery.closed").len(), 1);
    assert_eq!(host.events_of("lottery.seed_revealed").len(), 1);
}

#[test]
fn before_the_start_everything_may_change() {
    let mut host = before_the_start();
    host.publish::<Campaign>(NAME, simple(json!({})));
    assert_eq!(version(&host), 2);
    assert_eq!(host.events_of("lottery.seed_committed").len(), 2);
    verified(&mut host);
}

/// Publishes changed rules after the start; the pointers that are refused.
fn refused(changes: Value) -> Vec<String> {
    let mut host = host(rules());
    draw(&mut host, "A").done();
    let mut changed = rules();
    merge(&mut changed, changes);
    match host.try_publish::<Campaign>(NAME, changed) {
        Ok(_) => {
            assert_eq!(version(&host), 2);
            draw(&mut host, "B").done();
            verified(&mut host);
            Vec::new()
        }
        Err(Unpublished::Fault(fault)) => {
            assert_eq!(version(&host), 1);
            fault.fields.into_iter().map(|field| field.pointer).collect()
        }
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn after_the_start_changes_in_the_customers_favour_are_taken() {
    let mut several = rules()["prizes"].take();
    several[0]["stock"] = json!("unlimited");
    several[1]["stock"] = json!(2001);
    several[2]["value_fen"] = json!(1001);
    several[0]["per_customer"] = Value::Null;
    for changes in [
        prize(json!({ "stock": 201 })),
        json!({ "prizes": several, "budget_fen": null }),
        json!({ "window": { "end": "2027-01-02T00:00:00+08:00", "grace_late_event": "1h" } }),
        json!({ "limits": { "per_card": 2 } }),
    ] {
        assert_eq!(refused(changes.clone()), Vec::<String>::new(), "{changes}");
    }
}

#[test]
fn after_the_start_no_other_change_is_taken() {
    let mut fewer = rules()["prizes"].take();
    fewer.as_array_mut().unwrap().remove(0);
    let mut swapped = rules()["prizes"].take();
    swapped.as_array_mut().unwrap().swap(0, 1);
    let cases: Vec<(Value, &[&str])> = vec![
        (prize(json!({ "stock": 199 })), &["/prizes/0/stock"]),
        (prize(json!({ "weight": 6 })), &["/prizes/0/weight"]),
        (prize(json!({ "value_fen": 6599, "name": "x" })), &["/prizes/0/name", "/prizes/0/value_fen"]),
        (json!({ "prizes": fewer }), &["/prizes"]),
        (json!({ "window": { "start": "2026-11-26T00:00:00+08:00" } }), &["/window/start"]),
        (json!({ "window": { "end": "2026-12-30T00:00:00+08:00" } }), &["/window/end"]),
        (json!({ "limits": { "per_customer": 3 } }), &["/limits/per_customer"]),
        (json!({ "on_exhausted": "close" }), &["/on_exhausted"]),
        (json!({ "budget_fen": 1 }), &["/budget_fen"]),
        (json!({ "title": "x" }), &["/title"]),
        (json!({ "disclosure": { "contact": "1" } }), &["/disclosure/contact"]),
        (json!({ "eligibility": { "new_customer_only": true } }), &["/eligibility/new_customer_only"]),
    ];
    for (changes, pointers) in cases {
        assert_eq!(refused(changes.clone()), pointers, "{changes}");
    }
    assert!(refused(json!({ "prizes": swapped })).contains(&"/prizes/0/id".to_owned()));
}

#[test]
fn a_window_that_has_begun_freezes_the_rules_without_a_draw() {
    let mut host = before_the_start();
    host.advance(Duration::days(4));
    let fault = host.try_publish::<Campaign>(NAME, simple(json!({}))).unwrap_err().to_string();
    assert!(fault.contains("customers rely on the published rules"), "{fault}");
}

#[test]
fn a_closed_campaign_stays_as_it_was() {
    let mut host = host(rules());
    host.call::<crate::Close>(json!({ "campaign": NAME })).done();
    let mut longer = rules();
    longer["window"]["end"] = json!("2027-03-01T00:00:00+08:00");
    let fault = host.try_publish::<Campaign>(NAME, longer).unwrap_err().to_string();
    assert!(fault.contains("the campaign is closed"), "{fault}");
    host.publish::<Campaign>(NAME, rules());
}

#[test]
fn a_campaign_that_was_taken_away_comes_back_as_it_was() {
    let mut host = host(simple(json!({})));
    let first = draw(&mut host, "A").done();
    host.unpublish::<Campaign>(NAME);
    let fault = host.try_publish::<Campaign>(NAME, rules()).unwrap_err().to_string();
    assert!(fault.contains("customers rely on"), "{fault}");
    host.publish::<Campaign>(NAME, simple(json!({})));
    assert_eq!(draw(&mut host, "A").done().draw_id, first.draw_id);
    assert_eq!(draw(&mut host, "B").done().reason, "stock");
}
