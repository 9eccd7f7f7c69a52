//! Printing and shipping cards.

use siyu_plugin::prelude::*;

use super::*;
use crate::testing::{NAME, draw, host, rules, simple};

#[test]
fn a_card_is_shipped_once() {
    let mut host = host(rules());
    let ship = json!({ "campaign": NAME, "card": "A", "order": "1", "batch": "b1", "creative": "red" });
    let first = host.call::<Ship>(&ship).done();
    assert_eq!((first.batch.as_deref(), first.replayed), (Some("b1"), false));
    assert!(host.call::<Ship>(&ship).done().replayed);
    assert!(host.call::<Ship>(json!({ "campaign": NAME, "card": "A" })).done().replayed);
    host.call::<Ship>(json!({ "campaign": NAME, "card": "A", "order": "2" })).refused("CARD_ALREADY_SHIPPED");
    let shipped =
        json!({ "campaign": NAME, "card": "A", "order_no": "1", "batch": "b1", "creative_id": "red" });
    assert_eq!(host.events_of("card.shipped"), [shipped]);
}

#[test]
fn a_card_may_be_drawn_before_its_parcel_is_recorded() {
    let mut host = host(rules());
    let first = draw(&mut host, "A").done();
    host.call::<Ship>(json!({ "campaign": NAME, "card": "A", "order": "1" })).done();
    assert_eq!(draw(&mut host, "A").done().draw_id, first.draw_id);
}

#[test]
fn parcels_are_counted_where_all_cards_carry_one_code() {
    let mut host = host(rules());
    let ship = json!({ "campaign": NAME, "order": "1", "batch": "b1" });
    assert!(!host.call::<Ship>(&ship).done().replayed);
    assert!(host.call::<Ship>(&ship).done().replayed);
    assert_eq!(host.events_of("card.shipped").len(), 1);
    let nothing = host.call::<Ship>(json!({ "campaign": NAME })).failed("INVALID_INPUT");
    assert_eq!(nothing.fields[0].pointer, "/card");
}

#[test]
fn a_printed_card_names_its_batch_and_a_forged_one_is_not_shipped() {
    let mut host = host(simple(json!({ "entry": { "signed": true } })));
    let print = json!({ "campaign": NAME, "batch": "b-7", "first": 41, "count": 2 });
    let tokens = host.call::<PrintCards>(&print).done().tokens;
    assert!(tokens[0].starts_with("c1.b-7.41.") && tokens[1].starts_with("c1.b-7.42."), "{tokens:?}");
    let shipped = host.call::<Ship>(json!({ "campaign": NAME, "card": tokens[0], "order": "1" })).done();
    assert_eq!(shipped.batch.as_deref(), Some("b-7"));
    for card in ["A", "c1.b-7.41.00000000000000000000", "a b"] {
        host.call::<Ship>(json!({ "campaign": NAME, "card": card })).refused("CARD_INVALID");
    }
}

#[test]
fn a_print_run_has_bounds() {
    let mut host = host(rules());
    for (batch, first, count, pointer) in [
        ("B", 1, 1, "/batch"),
        ("", 1, 1, "/batch"),
        ("b", 1, 0, "/count"),
        ("b", 1, 1_001, "/count"),
        ("b", 0, 1, "/first"),
        ("b", u32::MAX, 2, "/first"),
    ] {
        let print = json!({ "campaign": NAME, "batch": batch, "first": first, "count": count });
        assert_eq!(host.call::<PrintCards>(&print).failed("INVALID_INPUT").fields[0].pointer, pointer);
    }
    let most = json!({ "campaign": NAME, "batch": "b", "first": u32::MAX - 999, "count": 1_000 });
    assert_eq!(host.call::<PrintCards>(&most).done().tokens.len(), 1_000);
}
