//! Deliveries of a test: a channel's code, peers that the test makes up, and what was sent to them.

use serde::Serialize;

use super::host::{Host, document};
use super::outcome::words;
use super::state::Call;
use crate::channel::{Message, Verdict};
use crate::http::{Error, Request, Response};
use crate::time::Duration;

impl Host {
    /// What peers answer from now on.
    pub fn peers(&mut self, answer: impl FnMut(&Request) -> Result<Response, Error> + 'static) {
        self.state_mut().net.peers = Some(Box::new(answer));
    }

    /// Requests that were sent so far, as the plugin wrote them: secrets are not filled in.
    pub fn requests(&self) -> &[Request] {
        &self.state().net.requests
    }

    /// What the channel remembers under a key, whether or not its time is over.
    pub fn cached(&self, key: &str) -> Option<&str> {
        self.state().net.cache.get(key).map(|(value, _)| value.as_str())
    }

    /// The host starts again: what the channel remembered is gone.
    pub fn forget_cache(&mut self) {
        self.state_mut().net.cache.clear();
    }

    /// A message to the customer that calls are for, planned now, which lives for an hour.
    pub fn message(&self, body: &str) -> Message {
        let described = self.customer.map(|id| super::port::described(self.state(), id));
        let customer_json = described.unwrap_or_else(|| "null".to_owned());
        let now = self.now();
        Message {
            id: "msg_1".to_owned(),
            channel: "test".to_owned(),
            template: "welcome".to_owned(),
            class: "service".to_owned(),
            body: body.to_owned(),
            customer_json,
            planned_at: now,
            expires_at: now + Duration::hours(1),
            attempt: 1,
            details_json: None,
        }
    }

    /// Hands a message over to the plugin's channel.
    ///
    /// # Panics
    /// When the channel does, and when it does what the real host would not allow.
    #[track_caller]
    pub fn deliver(&mut self, config: impl Serialize, message: &Message) -> Verdict {
        let (config, deliver) = (document(config), self.plugin.deliver);
        self.delivering(|| deliver(&config, message.clone()))
    }

    /// Asks the plugin's channel what became of a message.
    ///
    /// # Panics
    /// As [`deliver`](Self::deliver).
    #[track_caller]
    pub fn reconcile(&mut self, config: impl Serialize, message: &Message) -> Option<Verdict> {
        let (config, reconcile) = (document(config), self.plugin.reconcile);
        self.delivering(|| reconcile(&config, message.clone()))
    }

    #[track_caller]
    fn delivering<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let call = Call { is_delivery: true, ..self.next_call("deliver") };
        let result = self.under(call, work);
        let call = self.state_mut().call.take().unwrap_or_default();
        if let Some(violation) = call.violation {
            panic!("{}", words(&violation));
        }
        result
    }
}
