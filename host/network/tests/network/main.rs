//! Tests of the client against peers on loopback: to whom requests never go, and what peers cannot do to it.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod peer;
mod peers;
mod secrets;
mod tricks;

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use siyu_engine::ports::network::{Header, NoSecrets, Request, Sender};
use siyu_model::plugin::HostPattern;
use siyu_network::{Client, Resolver};
use tokio::time::Instant;

/// A resolver that answers from a list, one answer a question, and the last one for ever.
pub(crate) struct Answers {
    answers: Vec<Vec<IpAddr>>,
    asked: AtomicU32,
}

impl Answers {
    pub(crate) fn of(answers: &[&[&str]]) -> Arc<Self> {
        let parsed = |list: &&[&str]| list.iter().map(|text| text.parse().unwrap()).collect();
        Arc::new(Self { answers: answers.iter().map(parsed).collect(), asked: AtomicU32::new(0) })
    }

    pub(crate) fn asked(&self) -> u32 {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Resolver for Answers {
    async fn addresses(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst) as usize;
        Ok(self.answers[asked.min(self.answers.len() - 1)].clone())
    }
}

pub(crate) fn patterns(list: &[&str]) -> Vec<HostPattern> {
    list.iter().map(|text| text.parse().unwrap()).collect()
}

/// A client whose host permits these.
pub(crate) fn client(policy: &[&str], resolver: Arc<dyn Resolver>) -> Client {
    Client::new(patterns(policy), resolver, Vec::new()).unwrap()
}

/// A tenant whose manifest and channel permit everything.
pub(crate) fn sender() -> Sender {
    let all = patterns(&["https://*:*", "http://*:*"]);
    Sender {
        tenant: "shop".parse().unwrap(),
        manifest: all.clone(),
        granted: all,
        places: BTreeMap::new(),
        secrets: Arc::new(NoSecrets),
    }
}

pub(crate) fn get(url: impl Into<String>) -> Request {
    Request { method: "GET".to_owned(), url: url.into(), headers: Vec::new(), body: Vec::new() }
}

pub(crate) fn header(name: &str, value: &str) -> Header {
    Header { name: name.to_owned(), value: value.to_owned() }
}

/// More time than any of these tests needs.
pub(crate) fn patiently() -> Instant {
    Instant::now() + Duration::from_secs(30)
}
