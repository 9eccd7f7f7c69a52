//! The host of a call of a source: who calls, randomness, and secrets that it cannot read. Nothing else answers.

use std::any::Any;
use std::sync::Arc;

use super::Turn;
use crate::ports::hooks::Hook;
use crate::ports::plugins::{Asked, CallContext, CallHost};
use crate::ports::secrets::Secrets;

/// What randomness of a call is derived under.
const CONTEXT: &str = "siyu 2026-11 randomness of a webhook";

/// The host of one call.
pub(super) struct Caller {
    context: CallContext,
    secrets: Arc<dyn Secrets>,
    random: blake3::OutputReader,
}

impl Caller {
    pub(super) fn new(
        turn: &Turn,
        hook: &Hook,
        secrets: Arc<dyn Secrets>,
        (seed, number): (&[u8; 32], u64),
    ) -> Self {
        let mut random = blake3::Hasher::new_derive_key(CONTEXT);
        random.update(seed).update(&number.to_be_bytes());
        let context = CallContext {
            id: format!("hook-{number}"),
            tenant: turn.tenant.to_string(),
            plugin: turn.source.plugin.clone(),
            step: turn.source.name.to_string(),
            run: None,
            customer: None,
            event: None,
            attempt: 1,
            now: hook.received_at,
            zone: "UTC".to_owned(),
        };
        Self { context, secrets, random: random.finalize_xof() }
    }
}

impl CallHost for Caller {
    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }

    fn context(&self) -> &CallContext {
        &self.context
    }

    fn random(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.random.fill(&mut bytes);
        bytes
    }

    fn secrets(&self) -> Asked<&dyn Secrets> {
        Ok(&*self.secrets)
    }
}
