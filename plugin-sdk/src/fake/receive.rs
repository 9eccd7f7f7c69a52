//! Webhooks of a test: a source's code, and secrets that the test gives.

use serde::Serialize;
use siyu_model::secret::SecretValue;

use super::host::{Host, document};
use super::outcome::words;
use super::state::Call;
use crate::source::{self, Accepted, Hook, HookRefusal, Source};

impl Host {
    /// Sets a secret by the plugin's own name for it. The value before is still accepted, as while one is being replaced.
    ///
    /// # Panics
    /// When the text can be no secret.
    #[track_caller]
    pub fn secret(&mut self, name: &str, value: &str) {
        let value = SecretValue::new(value.to_owned().into());
        let value = value.unwrap_or_else(|why| panic!("the secret `{name}`: {why}"));
        self.state_mut().secrets.entry(name.to_owned()).or_default().insert(0, value);
    }

    /// A request that comes now.
    pub fn hook(&self, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Hook {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Hook {
            method: "POST".to_owned(),
            query: Vec::new(),
            headers: headers.collect(),
            body: body.into(),
            received_at: self.now(),
        }
    }

    /// Asks a source what a request is. Its events are not recorded.
    ///
    /// # Errors
    /// Why the source does not take it.
    ///
    /// # Panics
    /// When the source does, and when it does what the real host would not allow.
    #[track_caller]
    pub fn receive<S: Source>(
        &mut self,
        config: impl Serialize,
        hook: &Hook,
    ) -> Result<Accepted, HookRefusal> {
        let config = document(config);
        let call = Call { is_hook: true, ..self.next_call("receive") };
        let result = self.under(call, || source::receive::<S>(&config, hook.clone()));
        let call = self.state_mut().call.take().unwrap_or_default();
        if let Some(violation) = call.violation {
            panic!("{}", words(&violation));
        }
        result
    }
}
