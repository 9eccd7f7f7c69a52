//! What holds after any sequence of steps by several customers, with time passing in between.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

const CUSTOMERS: [&str; 3] = ["shop:1", "shop:2", "shop:3"];
const BATCHES: [&str; 3] = ["issued", "redeemed", "passed"];

#[derive(Debug, Clone)]
enum Action {
    Issue { who: usize, batch: usize, key: u8 },
    Lock { who: usize, order: u8, fen: u64 },
    Unlock { who: usize, order: u8 },
    Redeem { who: usize, order: u8, fen: u64 },
    UseCode { who: usize, order: u8, code: usize },
    Refund { who: usize, order: u8, fen: Option<u64>, refund: u8 },
    Revoke { who: usize, code: usize },
    Stop { batch: usize, redeeming: bool },
    Resume { batch: usize },
    Wait { hours: u64 },
}

fn actions() -> impl Strategy<Value = Action> {
    let (who, order, batch) = (0..3_usize, 0..12_u8, 0..3_usize);
    prop_oneof![
        6 => (who.clone(), batch.clone(), 0..9_u8).prop_map(|(who, batch, key)| Action::Issue { who, batch, key }),
        3 => (who.clone(), order.clone(), 0..9_000_u64).prop_map(|(who, order, fen)| Action::Lock { who, order, fen }),
        1 => (who.clone(), order.clone()).prop_map(|(who, order)| Action::Unlock { who, order }),
        5 => (who.clone(), order.clone(), 0..9_000_u64).prop_map(|(who, order, fen)| Action::Redeem { who, order, fen }),
        3 => (who.clone(), order.clone(), 0..20_usize).prop_map(|(who, order, code)| Action::UseCode { who, order, code }),
        3 => (who.clone(), order, prop::option::of(0..5_000_u64), 0..4_u8)
            .prop_map(|(who, order, fen, refund)| Action::Refund { who, order, fen, refund }),
        1 => (who, 0..20_usize).prop_map(|(who, code)| Action::Revoke { who, code }),
        1 => (batch.clone(), any::<bool>()).prop_map(|(batch, redeeming)| Action::Stop { batch, redeeming }),
        2 => batch.prop_map(|batch| Action::Resume { batch }),
        3 => (1..60_u64).prop_map(|hours| Action::Wait { hours }),
    ]
}

/// Three batches that differ in what they count, and may be used together.
fn world() -> Host {
    let mut host = Host::of::<Plugin>();
    let stacking = json!({ "group": "g", "combinable_with": ["g"] });
    let small = json!({ "value_fen": 700, "min_spend_fen": 1_000, "stacking": stacking, "validity": { "relative": { "days": 3 } } });
    let plain = with(plain(), small);
    let issued =
        json!({ "total": 12, "per_customer": 6, "budget": { "basis": "issued", "limit_fen": 6_000 } });
    let redeemed =
        json!({ "per_day": 5, "on_refund": "void", "budget": { "basis": "redeemed", "limit_fen": 3_000 } });
    let passed = json!({ "transferable": true, "per_customer_per_day": 3, "on_refund": "restore_extend_3d" });
    for (batch, changes) in BATCHES.into_iter().zip([issued, redeemed, passed]) {
        host.publish::<Batch>(batch, with(plain.clone(), changes));
    }
    host
}

fn act(host: &mut Host, action: &Action, codes: &mut Vec<String>) {
    let order = |order: &u8| format!("A{order}");
    let code =
        |codes: &[String], code: usize| codes.get(code % codes.len().max(1)).cloned().unwrap_or_default();
    match action {
        Action::Issue { who, batch, key } => {
            host.act_for(CUSTOMERS[*who]);
            if let Outcome::Done(issued) = try_issue(host, BATCHES[*batch], &key.to_string()) {
                codes.push(issued.code);
            }
        }
        Action::Lock { who, order: number, fen } => {
            host.act_for(CUSTOMERS[*who]);
            let _ =
                fine(host.call::<Lock>(json!({ "order": order(number), "amount_fen": fen, "ttl": "20h" })));
        }
        Action::Unlock { who, order: number } => {
            host.act_for(CUSTOMERS[*who]);
            let _ = fine(host.call::<Unlock>(json!({ "order": order(number) })));
        }
        Action::Redeem { who, order: number, fen } => {
            host.act_for(CUSTOMERS[*who]);
            let _ = fine(try_redeem(host, &order(number), *fen));
        }
        Action::UseCode { who, order: number, code: place } => {
            host.act_for(CUSTOMERS[*who]);
            let typed = code(codes, *place);
            let _ = fine(
                host.call::<Redeem>(json!({ "order": order(number), "amount_fen": 5_000, "code": typed })),
            );
        }
        Action::Refund { who, order: number, fen, refund } => {
            host.act_for(CUSTOMERS[*who]);
            let input = json!({ "order": order(number), "refund_fen": fen, "refund": refund.to_string() });
            let _ = fine(host.call::<Restore>(input));
        }
        Action::Revoke { who, code: place } => {
            host.act_for(CUSTOMERS[*who]);
            let typed = code(codes, *place);
            let _ = fine(host.call::<Revoke>(json!({ "code": typed, "reason": "x" })));
        }
        Action::Stop { batch, redeeming } => {
            let input = json!({ "batch": BATCHES[*batch], "reason": "x", "redeeming": redeeming });
            host.call::<crate::Stop>(input).done();
        }
        Action::Resume { batch } => drop(host.call::<Resume>(json!({ "batch": BATCHES[*batch] })).done()),
        Action::Wait { hours } => host.advance(Duration::hours(*hours)),
    }
}

/// A step may refuse; it never fails.
fn fine<T>(outcome: Outcome<T>) -> Outcome<T> {
    assert!(!matches!(outcome, Outcome::Failed(_)), "a step failed");
    outcome
}

/// Where a coupon stands by its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Issued,
    Locked,
    Redeemed,
    Ended,
}

/// Follows the events: no coupon is used twice, and every state is reached from where it may be.
fn check_story(host: &Host) -> BTreeMap<String, Phase> {
    let mut phases: BTreeMap<String, Phase> = BTreeMap::new();
    for event in host.events() {
        let id = event.data["coupon"].as_str().unwrap_or_default().to_owned();
        let before = phases.get(&id).copied();
        let is_of_order = event.data["order"].is_string();
        let (allowed, after) = match event.event_type.as_str() {
            "coupon.issued" => (before.is_none(), Phase::Issued),
            "coupon.locked" => (before == Some(Phase::Issued), Phase::Locked),
            "coupon.unlocked" => (before == Some(Phase::Locked), Phase::Issued),
            "coupon.redeemed" => (matches!(before, Some(Phase::Issued | Phase::Locked)), Phase::Redeemed),
            "coupon.restored" => (before == Some(Phase::Redeemed), Phase::Issued),
            "coupon.expired" | "coupon.revoked" if is_of_order => {
                (before == Some(Phase::Redeemed), Phase::Ended)
            }
            "coupon.expired" | "coupon.revoked" => (before == Some(Phase::Issued), Phase::Ended),
            "coupon.expiring" => (before == Some(Phase::Issued), Phase::Issued),
            _ => continue,
        };
        assert!(allowed, "{} of {id}, which was {before:?}\n{:#?}", event.event_type, host.events());
        phases.insert(id, after);
    }
    phases
}

/// Money: what each order paid, and what each batch counts.
fn check_numbers(host: &mut Host, phases: &BTreeMap<String, Phase>) {
    let events = host.events();
    for batch in BATCHES {
        let of = |event_type: &str| -> Vec<&Value> {
            let events =
                events.iter().filter(|event| event.event_type == event_type && event.data["batch"] == batch);
            events.map(|event| &event.data).collect()
        };
        let fen = |rows: &[&Value]| rows.iter().filter_map(|row| row["value_fen"].as_u64()).sum::<u64>();
        let ids: BTreeSet<String> =
            of("coupon.issued").iter().filter_map(|row| row["coupon"].as_str()).map(str::to_owned).collect();
        let count = |phase: Phase| ids.iter().filter(|id| phases.get(*id) == Some(&phase)).count() as u64;
        let numbers = report(host, batch);
        assert_eq!(numbers.issued, of("coupon.issued").len() as u64);
        assert_eq!(numbers.locked, count(Phase::Locked));
        assert_eq!(numbers.redeemed, of("coupon.redeemed").len() as u64);
        assert_eq!(numbers.restored, of("coupon.restored").len() as u64);
        assert_eq!(numbers.expired, of("coupon.expired").len() as u64);
        assert_eq!(numbers.revoked, of("coupon.revoked").len() as u64);
        assert!(numbers.cost_fen <= fen(&of("coupon.redeemed")));
        match batch {
            "issued" => {
                assert!(numbers.issued <= 12);
                let open = count(Phase::Issued) + count(Phase::Locked) + count(Phase::Redeemed);
                assert_eq!(numbers.budget_used_fen, Some(open * 700), "what is out or was used");
            }
            "redeemed" => {
                assert_eq!(numbers.budget_used_fen, Some(numbers.cost_fen));
                assert!(numbers.cost_fen <= 3_000);
            }
            _ => {}
        }
        assert_eq!(count(Phase::Redeemed) == 0, numbers.cost_fen == 0, "{batch}: {numbers:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_coupon_is_used_twice_and_every_number_agrees_with_the_events(
        actions in prop::collection::vec(actions(), 1..80),
    ) {
        let mut host = world();
        let mut codes = Vec::new();
        for action in &actions {
            act(&mut host, action, &mut codes);
        }
        let phases = check_story(&host);
        check_numbers(&mut host, &phases);
        // In the end everything is settled: what nobody uses expires, and nothing is planned any more.
        for batch in 0..BATCHES.len() {
            act(&mut host, &Action::Resume { batch }, &mut codes);
        }
        host.advance(Duration::days(30));
        let phases = check_story(&host);
        check_numbers(&mut host, &phases);
        prop_assert!(phases.values().all(|phase| matches!(phase, Phase::Redeemed | Phase::Ended)));
        prop_assert!(host.planned().is_empty());
    }

    #[test]
    fn an_order_never_pays_less_than_nothing_and_a_repeat_says_the_same(
        keys in 0..5_u8,
        amounts in prop::collection::vec(0..5_000_u64, 1..8),
    ) {
        let mut host = world();
        host.act_for(CUSTOMERS[0]);
        for key in 0..keys {
            let _ = try_issue(&mut host, "issued", &key.to_string());
        }
        for (number, amount) in amounts.iter().enumerate() {
            let first = redeem(&mut host, &number.to_string(), *amount);
            prop_assert_eq!(first.discount_fen + first.pay_fen, *amount);
            prop_assert_eq!(first.coupons.iter().map(|off| off.discount_fen).sum::<u64>(), first.discount_fen);
            let again = redeem(&mut host, &number.to_string(), *amount);
            prop_assert_eq!(again.discount_fen, first.discount_fen);
        }
    }
}
