//! Who gets units, and who does not.

use proptest::prelude::*;
use siyu_plugin::prelude::*;

use crate::kit::{FIRST, FS, cancel, cups, open, pay, reserve, reserve_with, said};
use crate::session::Session;

#[test]
fn the_last_unit_goes_to_one_of_a_thousand() {
    let mut host = open(json!({ "items": [{ "sku": "cup", "price_fen": 10, "stock": 1 }] }));
    reserve(&mut host, "shop:0", "o0").done();
    for n in 1..1_000 {
        reserve(&mut host, &format!("shop:{n}"), &format!("o{n}")).refused("SOLD_OUT");
    }
    assert_eq!(cups(&host), (0, 1, 0));
    assert_eq!(host.events_of("flash.reserved").len(), 1);
    assert_eq!(host.events_of("flash.refused").len(), 999);
    assert_eq!(
        host.events_of("flash.sold_out"),
        [json!({ "session": FS, "occurrence": FIRST, "sku": "cup" })]
    );
}

#[test]
fn a_hold_says_what_to_pay_and_until_when() {
    let mut host =
        open(json!({ "items": [{ "sku": "cup", "price_fen": 10, "stock": 5, "per_customer": 3 }] }));
    let held = reserve_with(&mut host, "shop:1", json!({ "order": "o1", "qty": 2 })).done();
    assert_eq!((held.qty, held.price_fen, held.amount_fen, held.replayed), (2, 10, 20, false));
    assert_eq!(held.pay_by.to_string(), "2026-12-11T12:10:00Z");
    assert_eq!(
        host.events_of("flash.reserved"),
        [json!({
            "session": FS, "occurrence": FIRST, "sku": "cup", "qty": 2, "price_fen": 10, "order": "o1",
            "reservation": held.reservation, "pay_by": "2026-12-11T12:10:00Z", "reason": "customer",
        })]
    );
}

#[test]
fn the_same_order_again_is_the_same_answer() {
    let mut host = open(json!({}));
    let first = reserve(&mut host, "shop:1", "o1").done();
    let again = reserve(&mut host, "shop:1", "o1").done();
    assert!(again.replayed);
    assert_eq!(again.reservation, first.reservation);
    pay(&mut host, "shop:1", "o1", 10).done();
    assert_eq!(reserve(&mut host, "shop:1", "o1").done().state, crate::hold::HoldState::Committed);
    assert_eq!(cups(&host), (2, 0, 1));
    assert_eq!(host.events_of("flash.reserved").len(), 1);
}

#[test]
fn an_order_number_stands_for_one_wish() {
    let mut host =
        open(json!({ "items": [{ "sku": "cup", "price_fen": 10, "stock": 5, "per_customer": 3 }] }));
    reserve(&mut host, "shop:1", "o1").done();
    reserve_with(&mut host, "shop:1", json!({ "order": "o1", "qty": 2 })).refused("IDEMPOTENCY_MISMATCH");
    cancel(&mut host, "shop:1", "o1").done();
    reserve(&mut host, "shop:1", "o1").refused("RESERVATION_EXPIRED");
    reserve(&mut host, "shop:2", "o1").done();
}

#[test]
fn without_an_order_number_every_wish_is_its_own() {
    let mut host =
        open(json!({ "items": [{ "sku": "cup", "price_fen": 10, "stock": 5, "per_customer": 2 }] }));
    let first = reserve_with(&mut host, "shop:1", json!({})).done();
    let second = reserve_with(&mut host, "shop:1", json!({})).done();
    assert_ne!(first.order, second.order);
    reserve_with(&mut host, "shop:1", json!({})).refused("LIMIT_CUSTOMER");
}

#[test]
fn a_limit_of_two_may_be_bought_one_by_one() {
    let mut host =
        open(json!({ "items": [{ "sku": "cup", "price_fen": 10, "stock": 9, "per_customer": 2 }] }));
    for order in ["o1", "o2"] {
        reserve(&mut host, "shop:1", order).done();
        pay(&mut host, "shop:1", order, 10).done();
    }
    let no = reserve(&mut host, "shop:1", "o3").refused("LIMIT_CUSTOMER");
    assert_eq!(no.details.unwrap(), json!({ "used": 2, "limit": 2, "per": "customer" }));
    reserve(&mut host, "shop:2", "o4").done();
    assert_eq!(said(&host, "flash.refused", "reason"), ["limit_customer"]);
}

#[test]
fn two_devices_of_a_customer_share_the_limit() {
    let mut host = open(json!({}));
    reserve_with(&mut host, "shop:1", json!({ "order": "o1", "device": "phone" })).done();
    reserve_with(&mut host, "shop:1", json!({ "order": "o2", "device": "tablet" })).refused("LIMIT_CUSTOMER");
    assert_eq!(cups(&host), (2, 1, 0));
}

#[test]
fn an_order_has_a_limit_of_its_own() {
    let items = json!([{ "sku": "cup", "price_fen": 10, "stock": 9, "per_customer": 4, "per_order": 2 }]);
    let mut host = open(json!({ "items": items }));
    let no = reserve_with(&mut host, "shop:1", json!({ "qty": 3 })).refused("LIMIT_CUSTOMER");
    assert_eq!(no.details.unwrap(), json!({ "limit": 2, "per": "order" }));
    reserve_with(&mut host, "shop:1", json!({ "qty": 2 })).done();
}

#[test]
fn more_than_are_left_is_sold_out_for_this_wish_only() {
    let mut host =
        open(json!({ "items": [{ "sku": "cup", "price_fen": 10, "stock": 2, "per_customer": 2 }] }));
    reserve(&mut host, "shop:1", "o1").done();
    let no = reserve_with(&mut host, "shop:2", json!({ "order": "o2", "qty": 2 })).refused("SOLD_OUT");
    assert_eq!(no.details.unwrap()["available"], 1);
    assert!(host.events_of("flash.sold_out").is_empty(), "one is left");
    reserve(&mut host, "shop:2", "o3").done();
}

#[test]
fn a_consolation_is_handed_on_to_the_workflow() {
    let changes = json!({
        "items": [{ "sku": "cup", "price_fen": 10, "stock": 1 }], "on_sold_out": { "consolation": "coupon:c5" },
    });
    let mut host = open(changes);
    reserve(&mut host, "shop:1", "o1").done();
    let no = reserve(&mut host, "shop:2", "o2").refused("SOLD_OUT");
    assert_eq!(no.details.unwrap()["consolation"], "coupon:c5");
    assert_eq!(said(&host, "flash.refused", "consolation"), ["coupon:c5"]);
}

#[test]
fn a_wish_that_cannot_be_is_a_mistake_with_its_place() {
    let mut host = open(json!({}));
    let long = "x".repeat(200);
    let cases = [
        (json!({ "sku": "mug" }), "/sku"),
        (json!({ "qty": 0 }), "/qty"),
        (json!({ "order": "" }), "/order"),
        (json!({ "order": long }), "/order"),
        (json!({ "order": "a\nb" }), "/order"),
        (json!({ "order": " ".repeat(100) }), "/order"),
        (json!({ "quantity": 1 }), "/quantity"),
    ];
    for (wish, pointer) in cases {
        let fault = reserve_with(&mut host, "shop:1", wish.clone()).failed("INVALID_INPUT");
        assert_eq!(fault.fields[0].pointer, pointer, "{wish}");
    }
    assert_eq!(cups(&host), (3, 0, 0));
}

#[test]
fn nobody_cannot_hold_anything() {
    let mut host = open(json!({}));
    host.act_for_nobody();
    host.call::<super::Reserve>(json!({ "session": FS, "sku": "cup" })).failed("INVALID_ARGUMENT");
}

#[test]
fn a_session_that_is_gone_sells_nothing_more() {
    let mut host = open(json!({}));
    reserve(&mut host, "shop:1", "o1").done();
    host.unpublish::<Session>(FS);
    reserve(&mut host, "shop:2", "o2").refused("CLOSED");
    pay(&mut host, "shop:1", "o1", 10).done();
    reserve_with(&mut host, "shop:1", json!({ "session": "fx" })).failed("UNKNOWN_RESOURCE");
}

/// What happens in a rush.
#[derive(Debug, Clone)]
enum Act {
    Reserve { who: u8, qty: u64 },
    Pay { order: u8, amount: u64 },
    Cancel { order: u8 },
    Refund { order: u8 },
    Wait { seconds: u64 },
    Restock { qty: i64 },
    Close,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => (0u8..5, 1u64..4).prop_map(|(who, qty)| Act::Reserve { who, qty }),
        4 => (0u8..40, prop_oneof![9 => Just(0u64), 1 => Just(1u64)]).prop_map(|(order, amount)| Act::Pay { order, amount }),
        2 => (0u8..40).prop_map(|order| Act::Cancel { order }),
        1 => (0u8..40).prop_map(|order| Act::Refund { order }),
        3 => (0u64..900).prop_map(|seconds| Act::Wait { seconds }),
        1 => (-3i64..4).prop_map(|qty| Act::Restock { qty }),
        1 => prop::bool::weighted(0.1).prop_map(|close| if close { Act::Close } else { Act::Wait { seconds: 1 } }),
    ]
}

/// A rush over one session, and what is known of it from outside.
struct Rush {
    host: siyu_plugin::fake::Host,
    /// Who made each order, and of how many.
    orders: Vec<(String, u64)>,
}

impl Rush {
    fn act(&mut self, act: &Act) {
        match act {
            Act::Reserve { who, qty } => {
                let (who, order) = (format!("shop:{who}"), format!("o{}", self.orders.len()));
                let wish = json!({ "order": order, "qty": qty });
                let _ = reserve_with(&mut self.host, &who, wish);
                self.orders.push((who, *qty));
            }
            Act::Pay { order, amount } => {
                if let Some((who, qty)) = self.orders.get(usize::from(*order)).cloned() {
                    let _ = pay(&mut self.host, &who, &format!("o{order}"), 10 * qty + amount);
                }
            }
            Act::Cancel { order } => {
                if let Some((who, _)) = self.orders.get(usize::from(*order)).cloned() {
                    let _ = cancel(&mut self.host, &who, &format!("o{order}"));
                }
            }
            Act::Refund { order } => {
                if let Some((who, _)) = self.orders.get(usize::from(*order)).cloned() {
                    self.host.act_for(&who);
                    let _ = self.host.call::<crate::refund::Refund>(json!({ "order": format!("o{order}") }));
                }
            }
            Act::Wait { seconds } => self.host.advance(Duration::seconds(*seconds)),
            Act::Restock { qty } => {
                let input = json!({ "session": FS, "sku": "cup", "qty": qty });
                let _ = self.host.call::<crate::restock::Restock>(input);
            }
            Act::Close => drop(self.host.call::<crate::opening::Close>(json!({ "session": FS }))),
        }
    }

    /// Units in all events of a type that fit.
    fn units(&self, event_type: &str, fits: impl Fn(&siyu_plugin::serde_json::Value) -> bool) -> u64 {
        let events = self.host.events_of(event_type);
        events.iter().filter(|data| fits(data)).filter_map(|data| data["qty"].as_u64()).sum()
    }

    /// The rules that hold after everything that happens.
    fn check(&mut self, limit: u64) -> Result<(), TestCaseError> {
        let (available, reserved, sold) = cups(&self.host);
        let total = host_total(&self.host);
        prop_assert_eq!(available + reserved + sold, total);
        let all = |_: &siyu_plugin::serde_json::Value| true;
        let held = self.units("flash.reserved", all);
        let ended = self.units("flash.released", all) + self.units("flash.committed", all);
        prop_assert_eq!(held - ended, reserved, "events and stock tell the same");
        let back = self.units("flash.refunded", |data| data["back_on_sale"] == true);
        prop_assert_eq!(self.units("flash.committed", all) - back, sold);
        for who in 0..5 {
            let customer = self.host.customer(&format!("shop:{who}"));
            let used = self.host.counter(&key(&["bought", FS, FIRST, "cup", &customer]));
            prop_assert!(used <= limit, "{} has {}", who, used);
            prop_assert!(self.has(&customer) <= limit, "{} has {}", who, self.has(&customer));
        }
        Ok(())
    }

    /// Units that a customer holds or has bought, by the events.
    fn has(&self, customer: &str) -> u64 {
        let mut has = 0;
        for event in self.host.events().iter().filter(|event| event.customer.as_deref() == Some(customer)) {
            let qty = event.data["qty"].as_u64().unwrap_or(0);
            match event.event_type.as_str() {
                "flash.reserved" => has += qty,
                "flash.released" => has -= qty,
                "flash.refunded" if event.data["back_on_sale"] == true => has -= qty,
                _ => {}
            }
        }
        has
    }

    /// Every reservation began once and ended once.
    fn check_ends(&self) -> Result<(), TestCaseError> {
        let began = said(&self.host, "flash.reserved", "reservation");
        let mut ended = said(&self.host, "flash.released", "reservation");
        ended.extend(said(&self.host, "flash.committed", "reservation"));
        let sorted = |mut ids: Vec<siyu_plugin::serde_json::Value>| {
            ids.sort_by_key(ToString::to_string);
            ids
        };
        prop_assert_eq!(sorted(began), sorted(ended));
        let refunds = sorted(said(&self.host, "flash.late_payment", "order"));
        let mut once = refunds.clone();
        once.dedup();
        prop_assert_eq!(refunds, once, "a refund is asked for once an order");
        Ok(())
    }
}

fn host_total(host: &siyu_plugin::fake::Host) -> u64 {
    host.pool("fs/2026-12-11T20:00/cup").map_or(0, |pool| pool.total)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_oversold_and_nobody_passes_the_limit_whatever_happens_in_any_order(
        acts in prop::collection::vec(act(), 1..60),
        (quota_back, waitlist, resell) in any::<(bool, bool, bool)>(),
        (stock, limit) in (1u64..8, 1u64..4),
    ) {
        let host = open(json!({
            "items": [{ "sku": "cup", "price_fen": 10, "stock": stock, "per_customer": limit }],
            "reservation": { "quota_back_on_timeout": quota_back },
            "on_sold_out": { "waitlist": waitlist },
            "resell_refunds": resell,
        }));
        let mut rush = Rush { host, orders: Vec::new() };
        for act in &acts {
            rush.act(act);
            rush.check(limit)?;
        }
        // Everything that is held ends: by then who waits was served or is told.
        rush.host.advance(Duration::days(40));
        rush.check(limit)?;
        prop_assert_eq!(cups(&rush.host).1, 0);
        rush.check_ends()?;
    }
}
