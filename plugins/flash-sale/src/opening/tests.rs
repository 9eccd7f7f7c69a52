//! When a session opens and ends, and that each happens once.

use siyu_plugin::fake::{Host, Unpublished};
use siyu_plugin::prelude::*;

use super::{Close, Open};
use crate::Plugin;
use crate::kit::{FIRST, FS, START, before, cups, open, reserve, said, session};
use crate::session::Session;

fn instant(text: &str) -> Instant {
    text.parse().unwrap()
}

#[test]
fn a_session_opens_at_its_start_and_ends_at_its_end_each_once() {
    let mut host = before(json!({}));
    reserve(&mut host, "shop:1", "o1").refused("NOT_OPEN");
    host.advance_to(instant(START));
    reserve(&mut host, "shop:1", "o2").done();
    host.advance(Duration::days(30));
    assert_eq!(
        host.events_of("flash.opened"),
        [json!({
            "session": "fs", "occurrence": FIRST, "opens_at": "2026-12-11T12:00:00Z",
            "closes_at": "2026-12-11T13:00:00Z", "items": [{ "sku": "cup", "total": 3, "price_fen": 10 }],
        })]
    );
    let closed = host.events_of("flash.closed");
    assert_eq!(closed.len(), 1);
    assert_eq!(closed[0]["reason"], "ended");
    assert_eq!(
        closed[0]["items"],
        json!([{ "sku": "cup", "total": 3, "available": 3, "reserved": 0, "sold": 0 }])
    );
}

#[test]
fn the_start_is_in_time_and_the_end_is_late() {
    let mut host = open(json!({}));
    reserve(&mut host, "shop:1", "o1").done();
    host.advance(Duration::hours(1) - Duration::from_millis(1));
    reserve(&mut host, "shop:2", "o2").done();
    host.advance(Duration::from_millis(1));
    let no = reserve(&mut host, "shop:3", "o3").refused("CLOSED");
    assert_eq!(no.details.unwrap()["closed_at"], "2026-12-11T13:00:00Z");
}

#[test]
fn too_early_says_what_time_it_is_and_when_it_opens() {
    let mut host = before(json!({}));
    let no = reserve(&mut host, "shop:1", "o1").refused("NOT_OPEN");
    assert_eq!(
        no.details.unwrap(),
        json!({ "now": "2026-12-11T11:00:00Z", "opens_at": "2026-12-11T12:00:00Z", "closed_at": null })
    );
    assert_eq!(said(&host, "flash.refused", "reason"), ["not_open"]);
}

#[test]
fn what_is_published_during_its_window_opens_at_once() {
    let mut host = Host::of::<Plugin>().at("2026-12-11T20:30:00+08:00");
    host.publish::<Session>(FS, session(json!({})));
    host.advance(Duration::ZERO);
    reserve(&mut host, "shop:1", "o1").done();
}

#[test]
fn what_is_published_after_its_window_never_opens() {
    let mut host = Host::of::<Plugin>().at("2026-12-11T21:00:00+08:00");
    host.publish::<Session>(FS, session(json!({})));
    host.advance(Duration::days(30));
    assert!(host.events_of("flash.opened").is_empty());
    reserve(&mut host, "shop:1", "o1").refused("CLOSED");
}

#[test]
fn a_definition_that_is_gone_opens_nothing() {
    let mut host = before(json!({}));
    host.unpublish::<Session>(FS);
    host.advance_to(instant("2026-12-11T20:10:00+08:00"));
    assert!(host.events_of("flash.opened").is_empty());
}

#[test]
fn a_host_that_slept_over_the_window_waits_for_the_next_one() {
    let weekly = json!({ "repeat": { "every": "week" } });
    let mut host = before(weekly.clone());
    host.unpublish::<Session>(FS);
    host.advance(Duration::hours(3));
    host.publish::<Session>(FS, session(weekly));
    host.record("flash.open_due", None, json!({ "session": FS }));
    assert!(host.events_of("flash.opened").is_empty());
    host.advance(Duration::days(7));
    assert_eq!(said(&host, "flash.opened", "occurrence"), ["2026-12-18T20:00"]);
}

#[test]
fn an_operator_ends_a_sale_early_and_what_is_held_is_honoured() {
    let mut host = open(json!({}));
    reserve(&mut host, "shop:1", "o1").done();
    host.act_for_nobody();
    assert!(host.call::<Close>(json!({ "session": FS, "reason": "wrong price" })).done().closed);
    assert!(!host.call::<Close>(json!({ "session": FS })).done().closed, "it ends once");
    reserve(&mut host, "shop:2", "o2").refused("CLOSED");
    crate::kit::pay(&mut host, "shop:1", "o1", 10).done();
    host.advance(Duration::days(1));
    assert_eq!(cups(&host), (2, 0, 1));
    assert_eq!(said(&host, "flash.closed", "reason"), ["wrong price"]);
    assert_eq!(said(&host, "flash.opened", "session"), [FS]);
}

#[test]
fn a_session_that_never_was_cannot_be_ended() {
    let mut host = before(json!({}));
    assert!(!host.call::<Close>(json!({ "session": FS })).done().closed);
    host.call::<Close>(json!({ "session": "fx" })).failed("UNKNOWN_RESOURCE");
}

#[test]
fn a_session_opens_by_hand_once_a_name() {
    let changes = json!({ "window": null, "trigger": { "duration": "120s" } });
    let mut host = before(changes);
    let input = json!({ "session": FS, "occurrence": "live-7" });
    let first = host.call::<Open>(input.clone()).done();
    assert!(first.opened);
    host.advance(Duration::seconds(60));
    let again = host.call::<Open>(input.clone()).done();
    assert_eq!((again.opened, again.opens_at), (false, first.opens_at));
    host.advance(Duration::seconds(60));
    assert_eq!(said(&host, "flash.closed", "occurrence"), ["live-7"]);
    assert!(!host.call::<Open>(input).done().opened, "what has ended does not open again");
    host.call::<Open>(json!({ "session": FS, "occurrence": "live 7" })).failed("INVALID_INPUT");
    host.call::<Open>(json!({ "session": FS })).failed("INVALID_INPUT");
    host.call::<Open>(json!({ "session": FS, "occurrence": "live-8", "duration": "0s" }))
        .failed("INVALID_INPUT");
}

#[test]
fn a_session_with_a_window_opens_by_hand_only_inside_it() {
    let mut host = before(json!({}));
    let no = host.call::<Open>(json!({ "session": FS })).refused("NOT_OPEN");
    assert_eq!(no.details.unwrap()["opens_at"], "2026-12-11T12:00:00Z");
    host.advance_to(instant(START));
    let opened = host.call::<Open>(json!({ "session": FS })).done();
    assert_eq!((opened.opened, opened.occurrence.as_str()), (false, FIRST));
}

#[test]
fn every_week_has_fresh_stock_and_limits() {
    let mut host = open(json!({ "repeat": { "every": "week", "until": "2026-12-25T00:00:00+08:00" } }));
    for who in ["shop:1", "shop:2", "shop:3"] {
        reserve(&mut host, who, who).done();
        crate::kit::pay(&mut host, who, who, 10).done();
    }
    reserve(&mut host, "shop:4", "o4").refused("SOLD_OUT");
    host.advance(Duration::hours(2));
    let no = reserve(&mut host, "shop:4", "o4").refused("NOT_OPEN");
    assert_eq!(no.details.unwrap()["opens_at"], "2026-12-18T12:00:00Z");
    host.advance_to(instant("2026-12-18T20:00:00+08:00"));
    reserve(&mut host, "shop:1", "o5").done();
    assert_eq!(cups(&host), (0, 0, 3), "the first week keeps its numbers");
    assert_eq!(host.pool("fs/2026-12-18T20:00/cup").unwrap().reserved, 1);
    host.advance(Duration::days(60));
    assert_eq!(said(&host, "flash.opened", "occurrence"), [FIRST, "2026-12-18T20:00"]);
    assert_eq!(said(&host, "flash.closed", "occurrence"), [FIRST, "2026-12-18T20:00"]);
}

#[test]
fn a_weekly_session_keeps_its_local_time_over_summer_time() {
    let mut host = Host::of::<Plugin>().zone("Europe/Berlin").at("2026-03-20T00:00:00Z");
    let window = json!({ "start": "2026-03-22T02:30:00+01:00", "end": "2026-03-22T03:30:00+01:00" });
    let changes = json!({ "window": window, "repeat": { "every": "week" } });
    host.publish::<Session>(FS, session(changes));
    host.advance_to(instant("2026-04-06T00:00:00Z"));
    // On the 29th the clocks skip 02:30: the sale opens at the hour that comes instead.
    assert_eq!(
        said(&host, "flash.opened", "opens_at"),
        ["2026-03-22T01:30:00Z", "2026-03-29T01:30:00Z", "2026-04-05T00:30:00Z"]
    );
    assert_eq!(
        said(&host, "flash.opened", "occurrence"),
        ["2026-03-22T02:30", "2026-03-29T03:30", "2026-04-05T02:30"]
    );
}

#[test]
fn a_new_end_moves_the_end_of_an_open_sale() {
    let mut host = open(json!({}));
    let until = |end: &str| session(json!({ "window": { "start": START, "end": end } }));
    host.publish::<Session>(FS, until("2026-12-11T22:00:00+08:00"));
    host.advance(Duration::minutes(90));
    reserve(&mut host, "shop:1", "o1").done();
    host.publish::<Session>(FS, until("2026-12-11T21:15:00+08:00"));
    reserve(&mut host, "shop:2", "o2").refused("CLOSED");
    host.advance(Duration::days(1));
    assert_eq!(said(&host, "flash.closed", "reason"), ["shortened"]);
    assert_eq!(said(&host, "flash.opened", "session"), [FS]);
}

fn refused(host: &mut Host, definition: siyu_plugin::serde_json::Value) -> String {
    match host.try_publish::<Session>(FS, definition) {
        Err(Unpublished::Fault(fault)) => fault.fields[0].pointer.clone(),
        other => panic!("expected a fault, got {other:?}"),
    }
}

#[test]
fn an_open_sale_keeps_what_it_promised() {
    let mut host = open(json!({}));
    reserve(&mut host, "shop:1", "o1").done();
    let item = |price: u64, stock: u64| json!([{ "sku": "cup", "price_fen": price, "stock": stock }]);
    let cases = [
        (json!({ "items": item(11, 3) }), "/items/0/price_fen"),
        (
            json!({ "items": item(10, 0).as_array().map(|_| json!([{ "sku": "mug", "price_fen": 1, "stock": 1 }])) }),
            "/items",
        ),
        (json!({ "window": { "start": "2026-12-11T20:01:00+08:00" } }), "/window/start"),
    ];
    for (changes, pointer) in cases {
        assert_eq!(refused(&mut host, session(changes)), pointer);
    }
    host.publish::<Session>(FS, session(json!({ "items": item(9, 1) })));
    assert_eq!(cups(&host), (0, 1, 0), "stock may fall to what is held and sold");
    assert_eq!(reserve(&mut host, "shop:1", "o1").done().amount_fen, 10, "who holds keeps their price");
    reserve(&mut host, "shop:2", "o2").refused("SOLD_OUT");
    host.publish::<Session>(FS, session(json!({ "items": item(9, 5) })));
    assert_eq!(reserve(&mut host, "shop:2", "o3").done().amount_fen, 9);
    assert_eq!(cups(&host), (3, 2, 0));
    reserve(&mut host, "shop:3", "o4").done();
    assert_eq!(refused(&mut host, session(json!({ "items": item(9, 2) }))), "/items/0/stock");
    assert_eq!(cups(&host), (2, 3, 0));
    assert_eq!(said(&host, "flash.restocked", "qty"), [-2, 4]);
}

#[test]
fn publishing_again_opens_nothing_twice() {
    let mut host = open(json!({}));
    for title in ["a", "b"] {
        host.publish::<Session>(FS, session(json!({ "title": title })));
        host.advance(Duration::seconds(1));
    }
    assert_eq!(host.events_of("flash.opened").len(), 1);
    assert_eq!(cups(&host), (3, 0, 0));
}

#[test]
fn a_sale_after_the_last_one_has_a_name_and_stock_of_its_own() {
    let mut host = open(json!({}));
    reserve(&mut host, "shop:1", "o1").done();
    host.advance(Duration::days(1));
    let window = json!({ "start": "2027-12-11T20:00:00+08:00", "end": "2027-12-11T21:00:00+08:00" });
    host.publish::<Session>(FS, session(json!({ "window": window })));
    host.advance_to(instant("2027-12-11T20:00:00+08:00"));
    assert_eq!(said(&host, "flash.opened", "occurrence"), [FIRST, "2027-12-11T20:00"]);
    assert_eq!(host.pool("fs/2027-12-11T20:00/cup").unwrap().available, 3);
}

#[test]
fn a_playbook_that_moves_to_another_zone_does_not_open_the_same_sale_again() {
    let mut host = open(json!({}));
    reserve(&mut host, "shop:1", "o1").done();
    let mut host = host.zone("Asia/Tokyo");
    host.publish::<Session>(FS, session(json!({ "title": "moved" })));
    host.advance(Duration::minutes(1));
    assert_eq!(said(&host, "flash.opened", "occurrence"), [FIRST]);
    assert_eq!(cups(&host), (2, 1, 0));
}
