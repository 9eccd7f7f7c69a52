//! A plugin as a channel: one call of its component for each message, in the sandbox, on a thread that may wait.
//!
//! It decides nothing about when a message is tried again: it says what became of one try, and whether nobody knows.

mod cache;
mod host;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use siyu_engine::ports::channel::{Courier, Parcel, Tried, Verdict};
use siyu_engine::ports::network::{Network, Sender};
use siyu_engine::ports::plugins::{CallContext, DeliveryCall, DeliveryReport, Plugins};
use siyu_engine::ports::secrets::{Secrets, Vault, VaultError};
use siyu_model::clock::UtcMs;
use siyu_model::digest::PluginDigest;
use siyu_model::limits::{json, network};
use siyu_model::message::Message;
use siyu_model::name::SecretName;
use siyu_model::plugin::{CallLimits, Fault, LogLevel, LogLine, Manifest};
use tokio::runtime::Handle;
use tokio::time::Instant;
use tracing::Span;

pub use cache::Cache;
use host::DeliveryHost;

/// The secrets of a tenant that a channel's plugin signs with: they are opened anew for each delivery, so a value that was replaced is used at
/// once.
#[derive(Clone)]
pub struct Signing {
    /// Where they are.
    pub vault: Arc<dyn Vault>,
    /// The plugin's name for each, and the tenant's.
    pub names: BTreeMap<SecretName, SecretName>,
}

/// A channel of a tenant that a plugin serves.
#[derive(Clone)]
pub struct PluginChannel {
    /// Where components are called.
    pub plugins: Arc<dyn Plugins>,
    /// How requests are sent.
    pub network: Arc<dyn Network>,
    /// The component.
    pub digest: PluginDigest,
    /// What it says of itself.
    pub manifest: Arc<Manifest>,
    /// How the channel is configured, JSON text that fits the manifest's schema.
    pub config: Arc<str>,
    /// On whose behalf it sends requests, and where to.
    pub sender: Arc<Sender>,
    /// What it remembers.
    pub cache: Arc<Cache>,
    /// What it signs with; none when its plugin signs nothing.
    pub signing: Option<Signing>,
}

#[async_trait]
impl Courier for PluginChannel {
    fn is_idempotent(&self) -> bool {
        self.manifest.channel.as_ref().is_some_and(|channel| channel.is_idempotent)
    }

    async fn hand_over(&self, parcel: Parcel, now: UtcMs) -> Tried {
        self.call(parcel, now, false).await
    }

    async fn reconcile(&self, parcel: Parcel, now: UtcMs) -> Tried {
        self.call(parcel, now, true).await
    }
}

impl PluginChannel {
    async fn call(&self, parcel: Parcel, now: UtcMs, is_question: bool) -> Tried {
        let until = Instant::now() + Duration::from_millis(network::DELIVERY_MS);
        let secrets = match self.secrets().await {
            Ok(secrets) => secrets,
            Err(fault) if is_question => return Tried::Unknown(fault.to_string()),
            Err(fault) => return Tried::Said(Verdict::Later(fault.to_string())),
        };
        let (this, threads, span) = (self.clone(), Handle::current(), Span::current());
        let done = tokio::task::spawn_blocking(move || {
            // Its requests belong to the delivery, for whoever follows it.
            span.in_scope(|| this.call_here(&parcel, (now, is_question), (threads, until, secrets)))
        });
        match done.await {
            Ok(tried) => tried,
            Err(fault) => {
                tracing::error!(%fault, "a delivery ended badly");
                Tried::Unknown("the delivery ended badly".to_owned())
            }
        }
    }

    /// What it signs with now.
    async fn secrets(&self) -> Result<Option<Arc<dyn Secrets>>, VaultError> {
        match &self.signing {
            Some(signing) => signing.vault.open(&self.sender.tenant, &signing.names).await.map(Some),
            None => Ok(None),
        }
    }

    /// The call, on this thread.
    fn call_here(
        &self,
        parcel: &Parcel,
        (now, is_question): (UtcMs, bool),
        (threads, until, secrets): (Handle, Instant, Option<Arc<dyn Secrets>>),
    ) -> Tried {
        let message = &parcel.message;
        let context = self.context(message, now, is_question);
        let way = (self.network.clone(), self.sender.clone());
        let host = DeliveryHost::new(context, way, (self.cache.clone(), secrets), (threads, until));
        let call = DeliveryCall {
            digest: &self.digest,
            limits: &limits(),
            config: &self.config,
            message,
            customer: &parcel.customer,
            is_question,
        };
        let DeliveryReport { outcome, log, host, .. } = self.plugins.deliver(call, Box::new(host));
        tell(message, &log);
        let has_sent = host.into_any().downcast::<DeliveryHost>().map_or(true, |host| host.has_sent());
        match outcome {
            Ok(Some(verdict)) => Tried::Said(verdict),
            Ok(None) => Tried::CannotTell,
            Err(fault) => of_fault(&fault, is_question, has_sent),
        }
    }

    fn context(&self, message: &Message, now: UtcMs, is_question: bool) -> CallContext {
        CallContext {
            id: message.id.to_string(),
            tenant: self.sender.tenant.to_string(),
            plugin: format!("{}@{}", self.manifest.name, self.manifest.version),
            step: if is_question { "reconcile" } else { "deliver" }.to_owned(),
            run: message.run,
            customer: Some(message.customer.to_string()),
            event: None,
            attempt: message.attempts.saturating_add(1),
            now,
            zone: "UTC".to_owned(),
        }
    }
}

/// A call that failed. One that sent nothing has done nothing.
fn of_fault(fault: &Fault, is_question: bool, has_sent: bool) -> Tried {
    match (is_question, has_sent) {
        (true, _) | (false, true) => Tried::Unknown(fault.to_string()),
        (false, false) => Tried::Said(Verdict::Later(fault.to_string())),
    }
}

/// What a delivery may use: its answer is a sentence, what it sends at once is a body.
fn limits() -> CallLimits {
    CallLimits {
        input_bytes_max: 2 * json::DOCUMENT_BYTES_MAX,
        output_bytes_max: network::REQUEST_BYTES_MAX,
        host_calls_max: network::HOST_CALLS_MAX,
        ..CallLimits::default()
    }
}

/// What the plugin logged goes to the host's log: a delivery has no run whose journal could hold it.
fn tell(message: &Message, log: &[LogLine]) {
    let (id, channel) = (message.id, &message.channel);
    for line in log {
        match line.level {
            LogLevel::Debug => tracing::debug!(%id, %channel, line = line.message, "a channel's plugin"),
            LogLevel::Info => tracing::info!(%id, %channel, line = line.message, "a channel's plugin"),
            LogLevel::Warn => tracing::warn!(%id, %channel, line = line.message, "a channel's plugin"),
            LogLevel::Error => tracing::error!(%id, %channel, line = line.message, "a channel's plugin"),
        }
    }
}
