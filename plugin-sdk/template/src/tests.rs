//! What a stamp card does, day by day.

use siyu_plugin::fake::{Host, Outcome};
use siyu_plugin::prelude::*;

use crate::{Card, Plugin, Stamp, Stamped};

fn host() -> Host {
    let mut host = Host::of::<Plugin>().at("2026-11-21T12:00:00+08:00").repeating();
    host.publish::<Card>("coffee", json!({ "stamps": 3, "stamp_lasts": "30d" }));
    host.act_for("shop:00042");
    host
}

fn stamp(host: &mut Host) -> Outcome<Stamped> {
    host.call::<Stamp>(json!({ "card": "coffee" }))
}

#[test]
fn the_last_stamp_fills_the_card_and_the_next_one_begins_another() {
    let mut host = host();
    for (stamps, is_full) in [(1, false), (2, false), (3, true), (1, false)] {
        let stamped = stamp(&mut host).done();
        assert_eq!((stamped.stamps, stamped.is_full), (stamps, is_full));
        host.advance(Duration::days(1));
    }
    assert_eq!(host.events_of("stamp_card.filled"), [json!({ "card": "coffee" })]);
}

#[test]
fn a_day_has_one_stamp_and_ends_at_local_midnight() {
    let mut host = host();
    stamp(&mut host).done();
    host.advance(Duration::hours(12) - Duration::seconds(1));
    stamp(&mut host).refused("STAMPED_TODAY");
    host.advance(Duration::seconds(1));
    assert_eq!(stamp(&mut host).done().stamps, 2);
}

#[test]
fn an_old_stamp_counts_no_more() {
    let mut host = host();
    stamp(&mut host).done();
    host.advance(Duration::days(30));
    assert_eq!(stamp(&mut host).done().stamps, 1);
}

#[test]
fn a_card_without_stamps_is_not_published() {
    let found = host().check::<Card>("empty", json!({ "stamps": 0, "stamp_lasts": "30d" }));
    assert_eq!((found[0].pointer.as_str(), found[0].code.as_str()), ("/stamps", "CARD_EMPTY"));
}
