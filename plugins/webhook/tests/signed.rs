//! What a receiver gets, verified by code that shares nothing with the sender's, and what its answers mean.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use siyu_plugin::fake::Host;
use siyu_plugin::http::{self, ErrorCode, Request, Response};
use siyu_plugin::prelude::*;
use webhook::{Config, KEY, Plugin, Shown};

/// The key, id, time, body and signature of the spec's own libraries.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";

fn config() -> Config {
    serde_json::from_value(json!({ "url": "https://shop.example/in" })).unwrap()
}

fn host(answer: impl FnMut(&Request) -> Result<Response, http::Error> + 'static) -> Host {
    let mut host = Host::of::<Plugin>();
    host.secret(KEY, SECRET);
    host.peers(answer);
    host
}

fn answering(status: u16, headers: &[(&str, &str)]) -> Host {
    let headers: Vec<_> =
        headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    host(move |_| Ok(Response { status, headers: headers.clone(), body: Vec::new() }))
}

/// What a receiver does: written after the spec, with no code of the sender's.
fn is_signed(request: &Request, secret: &str) -> bool {
    let header = |name: &str| &request.headers.iter().find(|(known, _)| known == name).unwrap().1;
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(header("webhook-id").as_bytes());
    mac.update(b".");
    mac.update(header("webhook-timestamp").as_bytes());
    mac.update(b".");
    mac.update(&request.body);
    let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    header("webhook-signature").split(' ').any(|signature| signature == expected)
}

#[test]
fn the_vector_of_the_spec_comes_out() {
    let key = STANDARD.decode(SECRET.strip_prefix("whsec_").unwrap()).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{ID}.1614265330.{{\"test\": 2432232314}}").as_bytes());
    let vector = "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    assert_eq!(STANDARD.encode(mac.finalize().into_bytes()), vector, "the receiver of these tests");
}

#[test]
fn a_message_goes_as_signed_json_under_its_id() {
    let mut host = answering(204, &[]);
    let message = host.message("您好,\"周五\"");
    assert_eq!(host.deliver(config(), &message), Verdict::sent());
    let request = &host.requests()[0];
    assert_eq!((request.method.as_str(), request.url.as_str()), ("POST", "https://shop.example/in"));
    assert!(is_signed(request, SECRET));
    assert!(!is_signed(request, "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!((&body["type"], &body["data"]["text"]), (&json!("message.planned"), &json!("您好,\"周五\"")));
    assert_eq!(body["data"]["message"], message.id.as_str());
    assert_eq!(body["timestamp"], message.planned_at.to_string());
}

#[test]
fn while_the_key_is_replaced_a_receiver_needs_to_know_one_of_both() {
    let mut host = answering(204, &[]);
    let next = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    host.secret(KEY, next);
    let message = host.message("x");
    assert_eq!(host.deliver(config(), &message), Verdict::sent());
    let request = &host.requests()[0];
    assert!(is_signed(request, SECRET) && is_signed(request, next));
    assert!(!is_signed(request, "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
}

#[test]
fn a_later_try_has_the_same_id_and_body_and_a_time_of_its_own() {
    let mut host = answering(500, &[]);
    let message = host.message("x");
    let _ = host.deliver(config(), &message);
    host.advance(Duration::minutes(7));
    let _ = host.deliver(config(), &Message { attempt: 2, ..message });
    let [first, second] = host.requests() else { panic!() };
    let of = |request: &Request, name: &str| {
        request.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()).unwrap()
    };
    assert_eq!((&first.body, of(first, "webhook-id")), (&second.body, of(second, "webhook-id")));
    let time = |request| of(request, "webhook-timestamp").parse::<i64>().unwrap();
    assert_eq!(time(second) - time(first), 420);
    assert!(is_signed(second, SECRET));
}

#[test]
fn a_receiver_learns_no_more_of_a_customer_than_it_should() {
    for (shown, has_attributes) in [(Shown::Names, false), (Shown::All, true)] {
        let mut host = answering(200, &[]);
        let message = Message {
            customer_json: r#"{"id":"cus_1","identities":["shop:1"],"attributes":{"phone":"139"}}"#
                .to_owned(),
            ..host.message("x")
        };
        assert_eq!(host.deliver(Config { customer: shown, ..config() }, &message), Verdict::sent());
        let body: Value = serde_json::from_slice(&host.requests()[0].body).unwrap();
        let customer = &body["data"]["customer"];
        assert_eq!((&customer["id"], &customer["identities"]), (&json!("cus_1"), &json!(["shop:1"])));
        assert_eq!(customer.get("attributes").is_some(), has_attributes);
    }
}

#[test]
fn an_answer_decides() {
    let later = |status: u16, seconds| {
        Verdict::Later(format!("the receiver answered {status}"), Some(Duration::seconds(seconds)))
    };
    for (status, headers, attempt, verdict) in [
        (200, vec![], 1, Verdict::sent()),
        (299, vec![], 10, Verdict::sent()),
        (410, vec![], 1, Verdict::refused("the receiver wants no more of it: it answered 410")),
        (429, vec![("retry-after", "600")], 1, later(429, 600)),
        (503, vec![("retry-after", "1")], 2, later(503, 300)),
        (301, vec![], 1, later(301, 5)),
        (404, vec![], 3, later(404, 1_800)),
        (500, vec![], 9, later(500, 86_400)),
        (
            500,
            vec![],
            10,
            Verdict::Uncertain("given up after it was tried 10 times: the receiver answered 500".to_owned()),
        ),
    ] {
        let mut host = answering(status, &headers);
        let message = Message { attempt, ..host.message("x") };
        assert_eq!(host.deliver(config(), &message), verdict, "{status} {headers:?} {attempt}");
    }
}

#[test]
fn what_never_reached_the_receiver_is_no_try() {
    let failing = |code| {
        host(move |_| {
            let message = "no way".to_owned();
            Err(http::Error { code, message, may_have_arrived: false, retry_after: None })
        })
    };
    for (code, is_given_up) in [
        (ErrorCode::OpenCircuit, false),
        (ErrorCode::Denied, false),
        (ErrorCode::Timeout, true),
        (ErrorCode::Unreachable, true),
    ] {
        let mut host = failing(code);
        let message = Message { attempt: 50, ..host.message("x") };
        let verdict = host.deliver(config(), &message);
        assert_eq!(matches!(verdict, Verdict::Uncertain(_)), is_given_up, "{code:?} {verdict:?}");
    }
}

#[test]
fn a_message_without_a_key_waits() {
    let mut host = Host::of::<Plugin>();
    host.peers(|_| panic!("nothing is sent unsigned"));
    let message = host.message("x");
    let verdict = host.deliver(config(), &message);
    assert!(
        matches!(&verdict, Verdict::Later(why, None) if why.starts_with("it cannot be signed: ")),
        "{verdict:?}"
    );
}
