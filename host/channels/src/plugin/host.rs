//! What a delivery may ask of the host: requests, within its time and their number, and what its channel remembers.

use std::any::Any;
use std::sync::Arc;

use siyu_engine::ports::network::{Network, Request, Response, SendError, SendErrorCode, Sender};
use siyu_engine::ports::plugins::{Asked, CallContext, CallHost, HostError};
use siyu_engine::ports::secrets::Secrets;
use siyu_model::clock::UtcMs;
use siyu_model::limits::network::REQUESTS_MAX;
use tokio::runtime::Handle;
use tokio::time::Instant;

use super::cache::Cache;

/// The host of one delivery, which runs on a thread that may wait.
pub(super) struct DeliveryHost {
    context: CallContext,
    network: Arc<dyn Network>,
    sender: Arc<Sender>,
    cache: Arc<Cache>,
    secrets: Option<Arc<dyn Secrets>>,
    /// Its number at the cache.
    delivery: u64,
    threads: Handle,
    until: Instant,
    requests: u32,
    has_sent: bool,
}

impl DeliveryHost {
    /// The host of a delivery that sends nothing after `until`. `threads` is where requests wait.
    pub(super) fn new(
        context: CallContext,
        (network, sender): (Arc<dyn Network>, Arc<Sender>),
        (cache, secrets): (Arc<Cache>, Option<Arc<dyn Secrets>>),
        (threads, until): (Handle, Instant),
    ) -> Self {
        let delivery = cache.begin();
        Self {
            context,
            network,
            sender,
            cache,
            secrets,
            delivery,
            threads,
            until,
            requests: 0,
            has_sent: false,
        }
    }

    /// Whether a peer may have got a request of this delivery.
    pub(super) fn has_sent(&self) -> bool {
        self.has_sent
    }
}

impl Drop for DeliveryHost {
    fn drop(&mut self) {
        self.cache.end(self.delivery);
    }
}

impl CallHost for DeliveryHost {
    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }

    fn context(&self) -> &CallContext {
        &self.context
    }

    fn random(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        match getrandom::fill(&mut bytes) {
            Ok(()) => bytes,
            // Fewer than were asked for end the call: a draw must not go on with less.
            Err(_) => Vec::new(),
        }
    }

    fn nothing(&self) -> HostError {
        HostError::Invalid("a delivery has requests and a cache, and nothing of the tenant's".to_owned())
    }

    fn secrets(&self) -> Asked<&dyn Secrets> {
        let why = || HostError::Invalid("this channel has no secrets to sign with".to_owned());
        self.secrets.as_deref().ok_or_else(why)
    }

    fn send(&mut self, request: Request) -> Result<Response, SendError> {
        if self.requests >= REQUESTS_MAX {
            let why = format!("a delivery sends at most {REQUESTS_MAX} requests");
            return Err(SendError::before(SendErrorCode::Limit, why));
        }
        self.requests += 1;
        if self.until <= Instant::now() {
            let why = "the delivery's time is over: it sends nothing more";
            return Err(SendError::before(SendErrorCode::Timeout, why));
        }
        let answer = self.threads.block_on(self.network.send(&self.sender, request, self.until));
        self.has_sent |= answer.as_ref().map_or_else(|error| error.may_have_arrived, |_| true);
        answer
    }

    fn cached(&mut self, key: &str) -> Asked<Option<String>> {
        self.cache.get(self.delivery, key, self.context.now, self.until.into_std())
    }

    fn peek_cached(&mut self, key: &str) -> Asked<Option<String>> {
        self.cache.peek(key, self.context.now)
    }

    fn cache(&mut self, key: &str, value: &str, expires_at: UtcMs) -> Asked<()> {
        self.cache.put(key, value, expires_at, self.context.now)
    }

    fn uncache(&mut self, key: &str) -> Asked<()> {
        self.cache.remove(key)
    }
}
