//! Opening by a live stream.

use siyu_plugin::fake::Host;
use siyu_plugin::prelude::*;
use siyu_plugin::serde_json::Value;

use crate::Plugin;
use crate::kit::{FS, before, reserve_with, said, session};
use crate::session::Session;

fn room() -> Host {
    before(trigger())
}

fn trigger() -> Value {
    let trigger =
        json!({ "event": "live.likes_reached", "thresholds": [50_000, 100_000], "duration": "120s" });
    json!({ "window": null, "trigger": trigger })
}

fn likes(host: &mut Host, live: &str, data: Value) {
    let mut event = json!({ "live_id": live });
    crate::kit::lay_over(&mut event, data);
    host.record("live.likes_reached", None, event);
}

#[test]
fn each_threshold_of_a_stream_opens_once() {
    let mut host = room();
    for threshold in [50_000, 50_000, 100_000, 50_000, 100_000] {
        likes(&mut host, "live7", json!({ "threshold": threshold }));
        host.advance(Duration::seconds(30));
    }
    host.advance(Duration::minutes(5));
    assert_eq!(said(&host, "flash.opened", "occurrence"), ["live7.50000", "live7.100000"]);
    assert_eq!(said(&host, "flash.closed", "occurrence"), ["live7.50000", "live7.100000"]);
    likes(&mut host, "live8", json!({ "threshold": 50_000 }));
    assert_eq!(host.events_of("flash.opened").len(), 3, "another stream is another sale");
}

#[test]
fn a_count_that_falls_and_rises_again_opens_nothing_more() {
    let mut host = room();
    for likes_now in [49_999, 50_001, 40_000, 60_000] {
        likes(&mut host, "live7", json!({ "likes": likes_now }));
    }
    assert_eq!(said(&host, "flash.opened", "occurrence"), ["live7.50000"]);
}

#[test]
fn a_threshold_whose_event_was_lost_opens_with_the_next() {
    let mut host = room();
    likes(&mut host, "live7", json!({ "likes": 120_000 }));
    assert_eq!(said(&host, "flash.opened", "occurrence"), ["live7.50000", "live7.100000"]);
}

#[test]
fn two_sales_of_a_stream_have_stock_of_their_own_and_the_latest_needs_no_name() {
    let mut host = room();
    likes(&mut host, "live7", json!({ "threshold": 50_000 }));
    reserve_with(&mut host, "shop:1", json!({ "order": "o1" })).done();
    host.advance(Duration::seconds(60));
    likes(&mut host, "live7", json!({ "threshold": 100_000 }));
    assert_eq!(reserve_with(&mut host, "shop:1", json!({ "order": "o2" })).done().occurrence, "live7.100000");
    let first = json!({ "order": "o3", "occurrence": "live7.50000" });
    assert_eq!(reserve_with(&mut host, "shop:2", first).done().occurrence, "live7.50000");
    host.advance(Duration::seconds(60));
    reserve_with(&mut host, "shop:3", json!({ "order": "o4", "occurrence": "live7.50000" }))
        .refused("CLOSED");
    reserve_with(&mut host, "shop:3", json!({ "order": "o5" })).done();
    assert_eq!(host.pool("fs/live7.50000/cup").unwrap().reserved, 2);
    assert_eq!(host.pool("fs/live7.100000/cup").unwrap().reserved, 2);
}

#[test]
fn likes_that_arrive_after_the_end_of_the_stream_open_nothing() {
    let mut host = room();
    likes(&mut host, "live7", json!({ "threshold": 50_000 }));
    host.record("live.ended", None, json!({ "live_id": "live7" }));
    likes(&mut host, "live7", json!({ "threshold": 100_000 }));
    assert_eq!(host.events_of("flash.opened").len(), 1);
    reserve_with(&mut host, "shop:1", json!({})).done();
    likes(&mut host, "live8", json!({ "threshold": 50_000 }));
    assert_eq!(host.events_of("flash.opened").len(), 2);
}

#[test]
fn an_event_without_thresholds_opens_once_a_stream() {
    let mut host =
        before(json!({ "window": null, "trigger": { "event": "live.started", "duration": "120s" } }));
    for live in ["a", "a", "b"] {
        host.record("live.started", None, json!({ "live_id": live }));
    }
    assert_eq!(said(&host, "flash.opened", "occurrence"), ["a", "b"]);
}

#[test]
fn nothing_opens_before_the_first_threshold_and_nobody_buys() {
    let mut host = room();
    reserve_with(&mut host, "shop:1", json!({})).refused("NOT_OPEN");
    reserve_with(&mut host, "shop:1", json!({ "occurrence": "live7.50000" })).refused("NOT_OPEN");
}

#[test]
fn a_session_that_listens_no_more_stays_shut() {
    let mut host = room();
    let by_hand = json!({ "window": null, "trigger": { "duration": "120s" } });
    host.publish::<Session>(FS, session(by_hand));
    host.publish::<Session>("other", session(trigger()));
    likes(&mut host, "live7", json!({ "threshold": 50_000 }));
    assert_eq!(said(&host, "flash.opened", "session"), ["other"]);
    host.unpublish::<Session>("other");
    likes(&mut host, "live7", json!({ "threshold": 100_000 }));
    assert_eq!(host.events_of("flash.opened").len(), 1);
}

#[test]
fn an_event_that_does_not_say_which_stream_fails_for_people_to_see() {
    let mut host = Host::of::<Plugin>().allowing_faults();
    host.publish::<Session>(FS, session(trigger()));
    for data in
        [json!({ "threshold": 50_000 }), json!({ "live_id": "a b", "likes": 1 }), json!({ "live_id": "a" })]
    {
        host.record("live.likes_reached", None, data);
    }
    let faults: Vec<_> =
        host.reactions().iter().map(|ran| ran.outcome.clone().failed("INVALID_INPUT")).collect();
    let pointers: Vec<_> = faults.iter().map(|fault| fault.fields[0].pointer.as_str()).collect();
    assert_eq!(pointers, ["/data", "/data/live_id", "/data/threshold"]);
}
