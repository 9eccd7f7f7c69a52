//! What peers cannot do: take long, send much, or keep requests coming while they fail.

use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use siyu_engine::ports::network::{Network, Request, SendErrorCode};
use siyu_model::limits::network::{FAILURES_MAX, REQUEST_BYTES_MAX, RESPONSE_BYTES_MAX};
use siyu_network::Client;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

use crate::peer::Peer;
use crate::{Answers, client, get, header, patiently, patterns, sender};

/// As W3C Trace Context writes it.
const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

async fn peer_and_client() -> (Peer, Client) {
    let peer = Peer::start(None).await;
    let client = client(&[&format!("http://{}", peer.address)], Answers::of(&[&["127.0.0.1"]]));
    (peer, client)
}

#[tokio::test]
async fn a_request_arrives_as_it_was_written_and_nothing_more() {
    let (peer, client) = peer_and_client().await;
    let request = Request {
        method: "POST".to_owned(),
        url: peer.url("/echo?a=b%20c"),
        headers: vec![header("X-Mine", "1"), header("x-mine", "2")],
        body: "正文".as_bytes().to_vec(),
    };
    let answer = client.send(&sender(), request, patiently()).await.unwrap();
    let seen = String::from_utf8(answer.body).unwrap();
    let (head, body) = seen.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, "正文");
    let mut lines: Vec<&str> = head.lines().collect();
    lines[1..].sort_unstable();
    let host = format!("host: {}", peer.address);
    let agent = concat!("user-agent: siyu/", env!("CARGO_PKG_VERSION"));
    let expected =
        ["POST /echo?a=b%20c HTTP/1.1", "content-length: 6", &host, agent, "x-mine: 1", "x-mine: 2"];
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn what_is_slow_or_endless_ends_with_its_time_or_its_size() {
    use SendErrorCode::{Timeout, TooLarge, Unreachable};
    let (peer, client) = peer_and_client().await;
    for (number, (path, code)) in [
        ("/silent", Timeout),
        ("/drip", Timeout),
        ("/drip-head", Timeout),
        ("/continue", Timeout),
        ("/declared", TooLarge),
        ("/endless", TooLarge),
        ("/many-headers", TooLarge),
        ("/long-header", TooLarge),
        ("/closed", Unreachable),
        ("/short", Unreachable),
        ("/garbage", Unreachable),
    ]
    .into_iter()
    .enumerate()
    {
        let mut sender = sender();
        sender.tenant = format!("t{number}").parse().unwrap();
        let until = if code == Timeout { Instant::now() + Duration::from_millis(300) } else { patiently() };
        let error = client.send(&sender, get(peer.url(path)), until).await.expect_err(path);
        assert_eq!(error.code, code, "{path}: {error}");
        assert!(error.may_have_arrived, "{path}: the peer has the request");
    }
}

#[tokio::test]
async fn small_chunks_without_end_are_counted_too() {
    let (peer, client) = peer_and_client().await;
    let until = Instant::now() + Duration::from_secs(8);
    let error = client.send(&sender(), get(peer.url("/endless-chunks")), until).await.unwrap_err();
    let is_ended = matches!(error.code, SendErrorCode::TooLarge | SendErrorCode::Timeout);
    assert!(is_ended && error.may_have_arrived, "{error:?}");
}

#[tokio::test]
async fn nothing_is_decompressed() {
    let (peer, client) = peer_and_client().await;
    let answer = client.send(&sender(), get(peer.url("/gzip")), patiently()).await.unwrap();
    assert!(answer.body.starts_with(b"\x1f\x0b") && answer.body.len() < RESPONSE_BYTES_MAX);
}

#[tokio::test]
async fn a_request_that_breaks_a_rule_is_not_sent() {
    let (peer, client) = peer_and_client().await;
    let plain = || get(peer.url("/"));
    for request in [
        Request { method: "CONNECT".to_owned(), ..plain() },
        Request { headers: vec![header("x-a", "b\r\nhost: evil")], ..plain() },
        Request { headers: vec![header("Host", "evil")], ..plain() },
        Request { headers: vec![header("transfer-encoding", "chunked")], ..plain() },
        Request { headers: vec![header("TraceParent", TRACEPARENT)], ..plain() },
        Request { headers: vec![header("tracestate", "shop=canary")], ..plain() },
        Request { body: vec![0; REQUEST_BYTES_MAX + 1], ..plain() },
        Request { url: peer.url(&format!("/?{}", "a".repeat(9_000))), ..plain() },
    ] {
        let error = client.send(&sender(), request, patiently()).await.unwrap_err();
        assert_eq!(error.code, SendErrorCode::Invalid, "{error}");
        assert!(!error.may_have_arrived);
    }
    assert_eq!(peer.came(), 0);
}

#[tokio::test]
async fn a_peer_that_fails_is_left_alone_and_others_are_not() {
    let (peer, client) = peer_and_client().await;
    for _ in 0..FAILURES_MAX {
        assert_eq!(client.send(&sender(), get(peer.url("/broken")), patiently()).await.unwrap().status, 500);
    }
    let error = client.send(&sender(), get(peer.url("/")), patiently()).await.unwrap_err();
    assert_eq!((error.code, error.may_have_arrived), (SendErrorCode::OpenCircuit, false));
    assert!(error.retry_after_ms.is_some_and(|pause| pause > 0), "{error:?}");
    assert_eq!(peer.came(), FAILURES_MAX);
    let mut other = sender();
    other.tenant = "other".parse().unwrap();
    assert_eq!(client.send(&other, get(peer.url("/busy")), patiently()).await.unwrap().status, 429);
}

#[tokio::test]
async fn one_that_nobody_listens_at_is_unreachable_and_got_nothing() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = client(&[&address], Answers::of(&[&["127.0.0.1"]]));
    let error = client.send(&sender(), get(format!("{address}/")), patiently()).await.unwrap_err();
    assert_eq!((error.code, error.may_have_arrived), (SendErrorCode::Unreachable, false), "{error}");
}

fn acceptor() -> TlsAcceptor {
    let key = PrivatePkcs8KeyDer::from(include_bytes!("../tls/leaf.key.der").to_vec());
    let chain = vec![CertificateDer::from(include_bytes!("../tls/leaf.der").to_vec())];
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::from(key))
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

#[tokio::test]
async fn a_certificate_that_nobody_trusts_gets_no_request() {
    let peer = Peer::start(Some(acceptor())).await;
    let origin = format!("https://{}", peer.address);
    let resolver = Answers::of(&[&["127.0.0.1"]]);
    let trusting = vec![include_bytes!("../tls/ca.der").to_vec()];
    let trusting = Client::new(patterns(&[&origin]), resolver.clone(), trusting).unwrap();
    let answer = trusting.send(&sender(), get(format!("{origin}/")), patiently()).await.unwrap();
    assert_eq!(answer.body, b"hello");
    let wary = client(&[&origin], resolver);
    let error = wary.send(&sender(), get(format!("{origin}/")), patiently()).await.unwrap_err();
    assert_eq!((error.code, error.may_have_arrived), (SendErrorCode::Unreachable, false));
    assert!(error.message.contains("no TLS connection"), "{error}");
}
