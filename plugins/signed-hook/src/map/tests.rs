//! Requests and the events that they become.

use serde_json::json;

use super::*;
use crate::config::Config;
use crate::testing::hook;

fn mapped(mapping: Value, body: &str, signed: Option<&str>) -> Result<HookEvent, String> {
    let mapping: Mapping = serde_json::from_value(mapping).expect("a mapping");
    let request = hook(&[("x-topic", "orders/create"), ("x-twice", "a"), ("x-twice", "b")], body);
    event(&mapping, &request, &Signed { id: signed.map(str::to_owned) }).map_err(|fault| match fault {
        HookRefusal::Malformed(why) => why,
        other => panic!("{other:?}"),
    })
}

const ORDER: &str = r#"{"order":{"id":42,"no":"A-1","paid_at":1790000000,"buyer":{"id":"b7"},"amount_fen":990},
    "at":"2026-11-22T09:00:00+08:00","topic":"Order Paid!","list":[1],"empty":"","null":null,"n":1.5}"#;

#[test]
fn a_request_becomes_the_event_that_the_configuration_says() {
    let mapping = json!({
        "id": { "from": { "pointer": "/order/id" }, "prefix": "order-" },
        "type": { "prefix": "shop.", "from": { "pointer": "/topic" } },
        "subject": { "namespace": "shop", "pointer": "/order/buyer/id" },
        "time": { "pointer": "/order/paid_at", "format": "seconds" },
        "data": "/order",
    });
    let found = mapped(mapping, ORDER, Some("msg_1")).unwrap();
    assert_eq!((found.id.as_str(), found.event_type.as_str()), ("order-42", "shop.order.paid"));
    assert_eq!(found.subject.as_deref(), Some("shop:b7"));
    assert_eq!(found.time, Some(Instant::from_millis(1_790_000_000_000)));
    assert_eq!(found.data["amount_fen"], 990);
}

#[test]
fn what_is_left_out_has_a_meaning() {
    let mapping = || json!({ "type": { "prefix": "hook.came" } });
    let found = mapped(mapping(), ORDER, Some("msg_1")).unwrap();
    assert_eq!((found.id.as_str(), found.event_type.as_str()), ("msg_1", "hook.came"));
    assert_eq!((found.subject, found.time, found.data["list"].clone()), (None, None, json!([1])));
    // Without an id that is signed, the same body is the same event.
    let (one, two) = (mapped(mapping(), "{}", None).unwrap(), mapped(mapping(), "{}", None).unwrap());
    assert_eq!(one.id, two.id);
    assert_eq!(one.id.len(), 64);
    assert_ne!(one.id, mapped(mapping(), "{ }", None).unwrap().id);
}

#[test]
fn a_topic_becomes_dotted_words() {
    for (text, expected) in [
        ("orders/create", "t.orders.create"),
        ("ORDER_PAID", "t.order_paid"),
        ("checkout.session.completed", "t.checkout.session.completed"),
        ("push", "t.push"),
        ("订单 paid", "t.paid"),
    ] {
        let mapping = json!({ "type": { "prefix": "t.", "from": { "pointer": "/topic" } } });
        let body = json!({ "topic": text }).to_string();
        assert_eq!(mapped(mapping, &body, None).unwrap().event_type, expected);
    }
    let mapping = json!({ "type": { "from": { "header": "x-topic" } } });
    assert_eq!(mapped(mapping, "{}", None).unwrap().event_type, "orders.create");
}

#[test]
fn times_are_read_in_the_format_that_is_said() {
    for (pointer, format, expected) in [
        ("/at", "rfc3339", Some(1_795_309_200_000)),
        ("/order/paid_at", "seconds", Some(1_790_000_000_000)),
        ("/order/paid_at", "milliseconds", Some(1_790_000_000)),
        ("/at", "seconds", None),
        ("/order/paid_at", "rfc3339", None),
        ("/n", "seconds", None),
        ("/null", "seconds", None),
    ] {
        let mapping =
            json!({ "type": { "prefix": "a.b" }, "time": { "pointer": pointer, "format": format } });
        let found = mapped(mapping, ORDER, None).ok().and_then(|event| event.time);
        assert_eq!(found.map(Instant::as_millis), expected, "{pointer} {format}");
    }
    for number in ["-1", "9223372036854775807", "1e300"] {
        let mapping =
            json!({ "type": { "prefix": "a.b" }, "time": { "pointer": "/t", "format": "seconds" } });
        assert!(mapped(mapping, &format!("{{\"t\":{number}}}"), None).is_err(), "{number}");
    }
}

#[test]
fn a_customer_that_is_not_named_makes_an_event_of_nobody() {
    for body in [r#"{"who":null}"#, "{}"] {
        let mapping =
            json!({ "type": { "prefix": "a.b" }, "subject": { "namespace": "shop", "pointer": "/who" } });
        assert_eq!(mapped(mapping, body, None).unwrap().subject, None);
    }
}

#[test]
fn what_is_malformed_is_said() {
    let plain = || json!({ "type": { "prefix": "a.b" } });
    let with = |key: &str, value: Value| {
        let mut mapping = plain();
        mapping[key] = value;
        mapping
    };
    let id = |pointer: &str| with("id", json!({ "from": { "pointer": pointer } }));
    let long = format!("{{\"id\":\"{}\"}}", "x".repeat(257));
    for (mapping, body, part) in [
        (plain(), "", "the body is no JSON"),
        (plain(), "{", "the body is no JSON"),
        (plain(), "[]", "stands no object"),
        (with("data", json!("/list")), ORDER, "at `/list` stands no object"),
        (with("data", json!("/none")), ORDER, "nothing stands at `/none`"),
        (id("/none"), ORDER, "nothing stands at `/none`, which is the id"),
        (id("/empty"), ORDER, "stands no text and no whole number"),
        (id("/null"), ORDER, "stands no text"),
        (id("/list"), ORDER, "stands no text"),
        (id("/n"), ORDER, "stands no text"),
        (id("/id"), &long, "the id has 257 bytes"),
        (id("/id"), r#"{"id":"a\u0007"}"#, "without control characters"),
        (with("id", json!({ "from": { "header": "x-twice" } })), "{}", "is not there once"),
        (with("type", json!({ "from": { "pointer": "/empty" } })), ORDER, "stands no text"),
        (
            with("type", json!({ "prefix": "Shop." , "from": { "header": "x-topic" } })),
            "{}",
            "is no type of an event",
        ),
        (with("type", json!({ "from": { "pointer": "/t" } })), r#"{"t":"订单"}"#, "is no type of an event"),
        (with("type", json!({ "from": { "pointer": "/t" } })), r#"{"t":"9a"}"#, "is no type of an event"),
        (with("subject", json!({ "namespace": "s", "pointer": "/list" })), ORDER, "which is the subject"),
    ] {
        let fault = mapped(mapping.clone(), body, None).unwrap_err();
        assert!(fault.contains(part), "{mapping}: {fault}");
    }
}

#[test]
fn a_configuration_says_no_more_than_there_is() {
    for text in [
        r#"{"scheme":{"kind":"github"},"event":{"type":{"prefix":"github.push"}}}"#,
        r#"{"scheme":{"kind":"standard_webhooks"},"event":{"type":{"from":{"pointer":"/type"}}}}"#,
        r#"{"scheme":{"kind":"header","header":"x-sig","encoding":"hex"},"event":{"type":{"prefix":"a.b"}}}"#,
    ] {
        serde_json::from_str::<Config>(text).unwrap();
    }
    for text in [
        r#"{"scheme":{"kind":"github"},"event":{"type":{"prefix":"a"},"other":1}}"#,
        r#"{"scheme":{"kind":"github","secret":"hush"},"event":{"type":{"prefix":"a"}}}"#,
        r#"{"scheme":{"kind":"none"},"event":{"type":{"prefix":"a"}}}"#,
        r#"{"event":{"type":{"prefix":"a"}}}"#,
    ] {
        assert!(serde_json::from_str::<Config>(text).is_err(), "{text}");
    }
}
