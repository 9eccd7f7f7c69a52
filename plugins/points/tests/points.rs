//! What customers earn and spend, and what the tenant's accounts say of it.

use proptest::prelude::*;
use siyu_plugin::fake::{Host, Outcome};
use siyu_plugin::prelude::*;

use points::{Balance, Earn, Earned, Plugin, Spend, Spent};

fn host() -> Host {
    let mut host = Host::of::<Plugin>().at("2026-11-21T12:00:00+08:00").repeating();
    host.act_for("shop:00042");
    host
}

fn earn(host: &mut Host, units: u64, reference: Option<&str>) -> Outcome<Earned> {
    host.call::<Earn>(json!({ "units": units, "reference": reference }))
}

fn spend(host: &mut Host, units: u64, reference: Option<&str>) -> Outcome<Spent> {
    host.call::<Spend>(json!({ "units": units, "reference": reference }))
}

fn balance(host: &mut Host) -> u64 {
    host.call::<Balance>(json!({})).done().balance
}

/// What was issued and redeemed.
fn tenant(host: &Host) -> (i64, i64) {
    (host.balance(None, "issued"), host.balance(None, "redeemed"))
}

#[test]
fn what_is_earned_can_be_spent_once() {
    let mut host = host();
    assert_eq!(balance(&mut host), 0);
    assert_eq!(earn(&mut host, 100, None).done().balance, 100);
    assert_eq!(spend(&mut host, 70, None).done().balance, 30);
    let refused = spend(&mut host, 31, None).refused("SHORT");
    assert_eq!(refused.message, "31 are to be spent, 30 are there");
    assert_eq!(refused.details, Some(json!({ "balance": 30 })));
    assert_eq!((balance(&mut host), tenant(&host)), (30, (-100, 70)));
}

#[test]
fn a_reference_gives_and_takes_once() {
    let mut host = host();
    let first = earn(&mut host, 50, Some("order/1")).done();
    let again = earn(&mut host, 50, Some("order/1")).done();
    assert_eq!((first.is_new, again.is_new, again.balance), (true, false, 50));
    assert_eq!(first.posting, again.posting);
    let refused = earn(&mut host, 51, Some("order/1")).refused("REFERENCE_USED");
    assert_eq!(refused.message, "50 points were given for it");
    // Spending for the same order is another matter, and so is another customer.
    assert!(spend(&mut host, 20, Some("order/1")).done().is_new);
    assert!(!spend(&mut host, 20, Some("order/1")).done().is_new);
    spend(&mut host, 5, Some("order/1")).refused("REFERENCE_USED");
    host.act_for("shop:00043");
    assert!(earn(&mut host, 50, Some("order/1")).done().is_new);
    assert_eq!(tenant(&host), (-100, 20));
}

#[test]
fn a_reference_that_was_short_can_be_spent_later() {
    let mut host = host();
    spend(&mut host, 10, Some("gift")).refused("SHORT");
    earn(&mut host, 10, None).done();
    assert!(spend(&mut host, 10, Some("gift")).done().is_new);
}

#[test]
fn no_points_are_no_posting_and_a_call_for_nobody_says_so() {
    let mut host = host();
    assert_eq!(
        earn(&mut host, 0, None).failed("INVALID_ARGUMENT").message,
        "a transfer of 0 units: expected 1 to 9007199254740991"
    );
    host.act_for_nobody();
    let fault = host.call::<Balance>(json!({})).failed("INVALID_ARGUMENT");
    assert_eq!(fault.message, "this call is for no customer: its event has no subject");
}

proptest! {
    #[test]
    fn every_point_is_accounted_for(
        ops in prop::collection::vec((any::<bool>(), 1u64..50, 0u8..3, prop::option::of(0u8..4)), 0..40),
    ) {
        let mut host = Host::of::<Plugin>();
        for (is_earned, units, who, reference) in ops {
            host.act_for(&format!("shop:{who}"));
            let reference = reference.map(|number| format!("o{number}"));
            let before = balance(&mut host);
            if is_earned {
                let _told = earn(&mut host, units, reference.as_deref());
            } else {
                let _told = spend(&mut host, units, reference.as_deref());
            }
            let after = balance(&mut host);
            prop_assert!(after == before || after == before + units || after + units == before);
            let customers = (0..3).map(|who| host.customer(&format!("shop:{who}"))).collect::<Vec<_>>();
            let held: i64 = customers.iter().map(|who| host.balance(Some(who), "points")).sum();
            let (issued, redeemed) = tenant(&host);
            prop_assert_eq!(held + issued + redeemed, 0);
        }
    }
}
