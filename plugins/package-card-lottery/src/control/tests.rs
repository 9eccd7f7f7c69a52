//! Pausing, closing, revealing.

use siyu_plugin::fake::Host;
use siyu_plugin::prelude::*;

use super::*;
use crate::testing::{NAME, draw, export, host, rules, simple, state, verified};

fn status(host: &Host) -> serde_json::Value {
    state(host)["status"].clone()
}

#[test]
fn a_pause_holds_draws_and_loses_nothing() {
    let mut host = host(rules());
    let paused = host.call::<Pause>(json!({ "campaign": NAME, "reason": "wrong poster" })).done();
    assert!(paused.changed && paused.status == Status::Paused);
    draw(&mut host, "A").refused("PAUSED");
    assert!(!host.call::<Pause>(json!({ "campaign": NAME })).done().changed);
    let resumed = host.call::<Resume>(json!({ "campaign": NAME })).done();
    assert_eq!((resumed.changed, resumed.seq), (true, 3));
    assert!(!host.call::<Resume>(json!({ "campaign": NAME })).done().changed);
    draw(&mut host, "A").done();
    assert!(export(&mut host)[1].contains("wrong poster"));
    verified(&mut host);
}

#[test]
fn closed_is_for_ever() {
    let mut host = host(rules());
    draw(&mut host, "A").done();
    assert!(host.call::<Close>(json!({ "campaign": NAME })).done().changed);
    assert!(!host.call::<Close>(json!({ "campaign": NAME })).done().changed);
    draw(&mut host, "B").refused("LOTTERY_CLOSED");
    host.call::<Pause>(json!({ "campaign": NAME })).refused("LOTTERY_CLOSED");
    host.call::<Resume>(json!({ "campaign": NAME })).refused("LOTTERY_CLOSED");
    assert_eq!(host.events_of("lottery.closed"), [json!({ "campaign": NAME, "reason": "operator" })]);
    host.advance(Duration::days(60));
    assert_eq!(host.events_of("lottery.closed").len(), 1);
    assert_eq!(status(&host), "revealed");
    verified(&mut host);
}

#[test]
fn the_seed_stays_sealed_until_the_end() {
    let mut host = host(simple(json!({ "rng": { "reveal": "by_step" } })));
    draw(&mut host, "A").done();
    host.call::<Reveal>(json!({ "campaign": NAME })).refused("NOT_CLOSED");
    assert!(!verified(&mut host).seed_checked);
    host.call::<Close>(json!({ "campaign": NAME })).done();
    assert_eq!(status(&host), "closed");
    let revealed = host.call::<Reveal>(json!({ "campaign": NAME })).done();
    assert!(!revealed.replayed);
    assert_eq!(host.events_of("lottery.seed_committed")[0]["seed_hash"], revealed.seed_hash);
    let again = host.call::<Reveal>(json!({ "campaign": NAME })).done();
    assert_eq!(again, Revealed { replayed: true, ..revealed });
    assert_eq!(host.events_of("lottery.seed_revealed").len(), 1);
    assert!(verified(&mut host).seed_checked);
}

#[test]
fn a_lottery_that_ended_unseen_is_closed_by_the_reveal() {
    let mut host = host(simple(json!({ "rng": { "reveal": "by_step" } }))).at("2027-01-05T00:00:00+08:00");
    host.call::<Reveal>(json!({ "campaign": NAME })).done();
    assert_eq!(status(&host), "revealed");
    verified(&mut host);
}

#[test]
fn a_forged_closing_event_closes_nothing() {
    let mut host = host(rules());
    host.record("lottery.closed", None, json!({ "campaign": NAME, "reason": "operator" }));
    host.record("lottery.closed", None, json!({ "campaign": "winter", "reason": "operator" }));
    assert_eq!(status(&host), "open");
    draw(&mut host, "A").done();
}

#[test]
fn a_reason_fits_into_a_line() {
    let mut host = host(rules());
    let long = json!({ "campaign": NAME, "reason": "x".repeat(501) });
    assert_eq!(host.call::<Pause>(&long).failed("INVALID_INPUT").fields[0].pointer, "/reason");
    assert_eq!(status(&host), "open");
}

#[test]
fn randomness_that_was_not_announced_is_not_mixed_in() {
    let mut host = host(rules());
    let mix = json!({ "campaign": NAME, "value": "a1".repeat(32) });
    assert_eq!(host.call::<MixRandomness>(&mix).failed("INVALID_INPUT").fields[0].pointer, "/campaign");
}

#[test]
fn a_campaign_that_never_was_is_named_in_the_fault() {
    let mut host = host(rules());
    let fault = host.call::<Close>(json!({ "campaign": "winter" })).failed("UNKNOWN_RESOURCE");
    assert_eq!(fault.message, "there is no campaign `winter`: publish it first");
}
