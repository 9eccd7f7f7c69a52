//! Looking at the log from inside.

use siyu_plugin::fake::Host;
use siyu_plugin::prelude::*;

use super::*;
use crate::testing::{NAME, draw, export, host, rules, simple};

fn with_draws(count: usize) -> Host {
    let mut host = host(rules());
    for card in 0..count {
        draw(&mut host, &format!("c{card}")).done();
    }
    host
}

fn verify(host: &mut Host, after: u64) -> Verified {
    host.call::<Verify>(json!({ "campaign": NAME, "after": after })).done()
}

#[test]
fn a_log_is_right_while_its_seed_is_sealed() {
    let mut host = with_draws(40);
    let verified = verify(&mut host, 0);
    assert_eq!((verified.ok, verified.lines, verified.draws, verified.next), (true, 41, 40, None));
    assert_eq!((verified.scope.as_str(), verified.degrees_of_freedom), ("everything", 3));
    let drawn: u64 = verified.frequencies.iter().map(|frequency| frequency.drawn).sum();
    let expected: u64 = verified.frequencies.iter().map(|frequency| frequency.expected_milli).sum();
    assert_eq!((drawn, expected), (40, 40_000));
}

#[test]
fn a_check_can_begin_in_the_middle() {
    let mut host = with_draws(40);
    let verified = verify(&mut host, 20);
    assert_eq!((verified.ok, verified.lines, verified.scope.as_str()), (true, 21, "lines"));
    let nowhere = host.call::<Verify>(json!({ "campaign": NAME, "after": 99 })).failed("INVALID_INPUT");
    assert_eq!(nowhere.fields[0].message, "there is no line 99: the log has 41");
}

#[test]
fn a_long_log_is_checked_page_by_page() {
    let mut host = Host::of::<crate::Plugin>().at("2026-11-26T12:00:00+08:00");
    host.publish::<Campaign>(NAME, rules());
    host.act_for("shop:1");
    for card in 0..2_030 {
        draw(&mut host, &format!("c{card}")).done();
    }
    let first = verify(&mut host, 0);
    // The first line holds the rules and counts for three.
    assert_eq!((first.ok, first.lines, first.next), (true, 1_998, Some(1_998)));
    let second = verify(&mut host, 1_998);
    assert_eq!((second.ok, second.lines, second.next), (true, 33, None));
}

#[test]
fn a_changed_record_is_found() {
    let mut host = with_draws(10);
    let key = format!("line/{NAME}/0000000005");
    let mut line: serde_json::Value = host.document(None, &key).unwrap();
    line["awarded"] = json!("p66");
    host.during(|| records::of_tenant().put(&key, &line)).unwrap();
    let verified = verify(&mut host, 0);
    assert_eq!((verified.ok, verified.lines, verified.next), (false, 4, None));
    assert!(verified.fault.unwrap().starts_with("line 5: its content gives the hash"));
}

#[test]
fn a_log_that_was_cut_short_is_found() {
    let mut host = with_draws(10);
    let key = format!("line/{NAME}/0000000011");
    host.during(|| records::of_tenant().delete(&key)).unwrap();
    let verified = verify(&mut host, 0);
    assert!(!verified.ok && verified.next.is_none());
    assert!(verified.fault.unwrap().contains("line 11 is missing"));
}

#[test]
fn pages_of_an_export_join_to_the_log() {
    let mut host = with_draws(10);
    let page = |host: &mut Host, after: u64| {
        host.call::<Export>(json!({ "campaign": NAME, "after": after, "limit": 4 })).done()
    };
    let pages = [page(&mut host, 0), page(&mut host, 4), page(&mut host, 8)];
    assert_eq!(pages.each_ref().map(|page| page.next), [Some(4), Some(8), None]);
    let lines: Vec<String> = pages.into_iter().flat_map(|page| page.lines).collect();
    assert_eq!(lines, export(&mut host));
    assert_eq!(page(&mut host, 99).lines, Vec::<String>::new());
}

#[test]
fn an_export_fits_into_an_output_however_long_lines_are() {
    let mut host = host(simple(json!({})));
    let entrants: Vec<String> = (0..6_000).map(|number| host.customer(&format!("shop:{number}"))).collect();
    for snapshot in 0..3 {
        let batch = json!({
            "campaign": NAME, "snapshot": format!("s{snapshot}"), "winners": { "base": 1 }, "entrants": entrants,
        });
        host.call::<crate::DrawBatch>(batch).done();
    }
    // An output that is too large would fail the call.
    assert_eq!(export(&mut host).len(), 1 + 3 * (1 + 4 + 1));
}
