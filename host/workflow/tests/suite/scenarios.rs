//! What tests compile to.

use siyu_model::clock::{DurationMs, UtcMs};
use siyu_model::json::Value;
use siyu_model::scenario::{BeatKind, Expectation, MockAnswer};

use crate::support;

#[test]
fn the_test_of_the_base_playbook_says_what_it_says() {
    let compiled = support::compiled(&support::base());
    let [scenario] = compiled.scenarios.as_slice() else { panic!("one test") };
    assert_eq!(scenario.name, "a card buyer gets the prize, the coupon and one reminder");
    assert_eq!(scenario.place.to_string(), "tests/first-order.yaml:1");
    assert_eq!(scenario.at, "2026-11-21T10:00:00+08:00".parse::<UtcMs>().unwrap());
    assert_eq!(scenario.seed, "siyu");
    let [mock] = scenario.mocks.as_slice() else { panic!("one mock") };
    assert_eq!((mock.plugin.as_str(), mock.step.as_str()), ("package-card-lottery", "draw"));
    let [MockAnswer::Done(output)] = mock.answers.as_slice() else { panic!("one answer") };
    assert_eq!(output.get("draw_id"), Some(&Value::from("d1")));

    let BeatKind::Event(event) = &scenario.beats[0].kind else { panic!("an event") };
    assert_eq!((event.id.as_str(), event.source.as_str()), ("test-1", "test"));
    assert_eq!(event.subject.as_ref().unwrap().to_string(), "shop:00042", "the customer of the whole test");
    assert!(event.check().is_ok() && event.time.is_none());
    let lines: Vec<u32> = scenario.beats.iter().map(|beat| beat.place.line).collect();
    assert_eq!(
        lines,
        [12, 14, 15, 16, 18, 19, 20, 21, 22, 23, 24, 25],
        "expectations of a list are beats each, at their own lines"
    );
    assert!(
        matches!(&scenario.beats[3].kind, BeatKind::Advance(length) if *length == DurationMs::from_millis(604_800_000))
    );
    let BeatKind::Expect(Expectation::Messages { customer, template, count, contains, .. }) =
        &scenario.beats[2].kind
    else {
        panic!("messages")
    };
    assert_eq!(customer.to_string(), "shop:00042");
    assert_eq!(template.as_ref().unwrap().as_str(), "welcome");
    assert_eq!((*count, contains.as_deref()), (Some(1), Some("66元券")));
}

#[test]
fn data_of_tests_is_data_even_when_it_looks_like_an_expression() {
    let text = "test: t\nat: 2026-11-21T10:00:00+08:00\nscript:\n  - event: { type: friend.added, data: { card: '${{ 1 + }}', channel: { kind: x } } }\n";
    let bundle = support::laid_over([("tests/case.yaml".to_owned(), text.as_bytes().to_vec())]);
    let compiled = support::compiled(&bundle);
    assert!(!compiled.has_errors(), "{}", compiled.render(siyu_workflow::Style::Plain));
    let BeatKind::Event(event) = &compiled.scenarios[0].beats[0].kind else { panic!("an event") };
    assert_eq!(event.data.get("card"), Some(&Value::from("${{ 1 + }}")));
}

#[test]
fn events_without_an_id_are_different_events() {
    let line =
        "  - event: { type: order.refunded, customer: shop:1, data: { order_no: a, amount_fen: 1 } }\n";
    let text = format!("test: t\nat: 2026-11-21T10:00:00+08:00\nscript:\n{}", line.repeat(3));
    let bundle = support::laid_over([("tests/case.yaml".to_owned(), text.into_bytes())]);
    let compiled = support::compiled(&bundle);
    let ids: std::collections::BTreeSet<String> = compiled.scenarios[0]
        .beats
        .iter()
        .filter_map(|beat| match &beat.kind {
            BeatKind::Event(event) => Some(event.id.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(ids.len(), 3);
}
