//! Secrets: filled in where the manifest says, for who may see them, and seen by nobody else.

use std::sync::Arc;

use async_trait::async_trait;
use siyu_engine::ports::network::{Network, Request, SecretText, SecretValues, SendErrorCode, Sender};
use siyu_model::plugin::Place;

use crate::peer::Peer;
use crate::{Answers, client, get, header, patiently, sender};

const VALUE: &str = "canary-7f3a&b, which is long";

struct One;

#[async_trait]
impl SecretValues for One {
    async fn secret(&self, name: &str) -> Result<Option<SecretText>, String> {
        Ok((name == "key").then(|| SecretText::new(VALUE)))
    }
}

fn with_secret(places: &[Place]) -> Sender {
    let mut sender = sender();
    sender.places.insert("key".to_owned(), places.to_vec());
    sender.secrets = Arc::new(One);
    sender
}

#[tokio::test]
async fn a_secret_arrives_and_its_echo_does_not_come_back() {
    let peer = Peer::start(None).await;
    let client = client(&[&format!("http://{}", peer.address)], Answers::of(&[&["127.0.0.1"]]));
    let request = Request {
        method: "POST".to_owned(),
        url: peer.url("/echo?key={{secret:key}}"),
        headers: vec![header("authorization", "Bearer {{secret:key}}")],
        body: b"{{secret:key}} stays".to_vec(),
    };
    let sender = with_secret(&[Place::Header, Place::Query]);
    let answer = client.send(&sender, request, patiently()).await.unwrap();
    let seen = String::from_utf8(answer.body).unwrap();
    assert!(!seen.contains("canary"), "{seen}");
    // The peer's own length says that it had the value: what it saw was longer or shorter than what came back.
    assert!(seen.starts_with("POST /echo?key={{secret:key}} HTTP/1.1"), "{seen}");
    assert!(seen.contains("authorization: Bearer {{secret:key}}"), "{seen}");
    assert!(seen.ends_with("{{secret:key}} stays"), "{seen}");
    let length = answer.headers.iter().find(|header| header.name == "content-length").unwrap();
    assert_ne!(length.value, seen.len().to_string(), "it was filled in on the way");
}

#[tokio::test]
async fn a_secret_is_never_sent_in_the_clear_to_a_name() {
    let client = client(&["http://*:*"], Answers::of(&[&["2bff:ffff::1"]]));
    let mut request = get("http://api.example.com/");
    request.headers.push(header("authorization", "{{secret:key}}"));
    let error = client.send(&with_secret(&[Place::Header]), request, patiently()).await.unwrap_err();
    assert_eq!(error.code, SendErrorCode::Denied);
    assert_eq!(error.message, "http://api.example.com: a secret is never sent in the clear: use https");
}

#[tokio::test]
async fn an_error_never_shows_a_secret() {
    let peer = Peer::start(None).await;
    let client = client(&[&format!("http://{}", peer.address)], Answers::of(&[&["127.0.0.1"]]));
    for path in ["/closed?{{secret:key}}", "/garbage?{{secret:key}}", "/long-header?{{secret:key}}"] {
        let mut request = get(peer.url(path));
        request.headers.push(header("x-key", "{{secret:key}}"));
        let sender = with_secret(&[Place::Header, Place::Query]);
        let error = client.send(&sender, request, patiently()).await.unwrap_err();
        assert!(!format!("{error:?} {error}").contains("canary"), "{error:?}");
    }
    let shown = format!("{:?}", SecretText::new(VALUE));
    assert_eq!(shown, "SecretText(…)");
}
