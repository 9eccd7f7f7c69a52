//! Plugins as channels: loaded from the plugin folder, configured in `channels.toml`, with what this host permits them to reach.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use anyhow::Context;
use async_trait::async_trait;
use siyu_channels::{Cache, PluginChannel, Signing};
use siyu_engine::ports::channel::{Courier, Parcel, Tried, Verdict};
use siyu_engine::ports::network::Sender;
use siyu_model::clock::UtcMs;
use siyu_model::name::{ChannelName, TenantName};
use siyu_model::plugin::{Capability, ChannelOffer, HostPattern};
use siyu_network::{Announce, Client, SystemResolver};

use crate::channels::PluginWay;
use crate::fault::Fault;
use crate::home::Home;
use crate::keyring::{self, Keyring};
use crate::plugins::Installed;

/// What channels of plugins are made of.
pub(crate) struct Outlets {
    installed: Arc<Installed>,
    allowed: Vec<HostPattern>,
    /// Made when the first channel needs it: reading the system's certificates takes a while.
    network: OnceLock<Arc<Client>>,
    /// What tells peers which trace a request belongs to; none while there are no traces.
    announce: Option<Announce>,
    keyring: Arc<Keyring>,
    /// What channels remember outlives the opening of a tenant: an access token is good for hours.
    caches: Mutex<HashMap<(TenantName, ChannelName), Arc<Cache>>>,
}

impl Outlets {
    /// Those of a command, which opens secrets when it needs them; nothing is loaded yet.
    pub(crate) fn new(home: &Home, installed: Arc<Installed>) -> Self {
        Self::with_keyring(home, installed, Arc::new(Keyring::new(home)))
    }

    /// The same with secrets that others use too.
    pub(crate) fn with_keyring(home: &Home, installed: Arc<Installed>, keyring: Arc<Keyring>) -> Self {
        let (network, caches) = (OnceLock::new(), Mutex::default());
        Self { installed, allowed: home.allowed().to_vec(), network, announce: None, keyring, caches }
    }

    /// Requests tell their peers which trace they belong to.
    pub(crate) fn announcing(self, announce: Announce) -> Self {
        Self { announce: Some(announce), ..self }
    }

    /// The channel of a tenant that a plugin serves. One that cannot be made keeps its messages: it may be mended.
    pub(crate) fn courier(
        &self,
        tenant: &TenantName,
        name: &ChannelName,
        way: &PluginWay,
    ) -> Arc<dyn Courier> {
        match self.channel(tenant, name, way) {
            Ok(channel) => Arc::new(channel),
            Err(fault) => {
                let why = format!("{fault:#}");
                tracing::error!(%tenant, channel = %name, why, "a channel cannot be used: its messages wait");
                Arc::new(Waiting(why))
            }
        }
    }

    /// The same, or why it cannot be made.
    pub(crate) fn channel(
        &self,
        tenant: &TenantName,
        name: &ChannelName,
        way: &PluginWay,
    ) -> anyhow::Result<PluginChannel> {
        let loaded = self.installed.load(way.plugin.as_str()).ok_or_else(|| {
            Fault::wrong(format!("there is no plugin `{}`", way.plugin))
                .help("put it into the plugin folder, or name another one with --plugins")
        })?;
        let loaded = loaded.map_err(Fault::wrong)?;
        let offer = loaded.manifest.channel.as_ref();
        let offer =
            offer.ok_or_else(|| Fault::wrong(format!("the plugin `{}` delivers no messages", way.plugin)))?;
        check_config(way, offer)?;
        let given = keyring::check_given(&way.secrets, &offer.secrets);
        given
            .map_err(|(found, help)| Fault::wrong(format!("plugin `{}`: {found}", way.plugin)).help(help))?;
        let is_signed = loaded.manifest.asks_for(Capability::Secrets);
        let signing = is_signed.then(|| Signing { vault: self.keyring.clone(), names: way.secrets.clone() });
        let sender = Sender {
            tenant: tenant.clone(),
            manifest: offer.hosts.clone(),
            granted: way.hosts.clone(),
            places: offer
                .secrets
                .iter()
                .map(|used| (used.name.clone(), used.places.clone()))
                .collect::<BTreeMap<_, _>>(),
            secrets: self.keyring.of_channel(tenant, &way.secrets)?,
        };
        Ok(PluginChannel {
            plugins: self.installed.runtime.clone(),
            network: self.network()?,
            digest: loaded.digest,
            config: way.config.to_string().into(),
            manifest: loaded.manifest,
            sender: Arc::new(sender),
            cache: self.cache(tenant, name),
            signing,
        })
    }

    fn network(&self) -> anyhow::Result<Arc<Client>> {
        if let Some(client) = self.network.get() {
            return Ok(client.clone());
        }
        let client = Client::new(self.allowed.clone(), Arc::new(SystemResolver), Vec::new());
        let client = client.context("requests cannot be sent")?;
        let client = match self.announce {
            Some(announce) => client.announcing(announce),
            None => client,
        };
        Ok(self.network.get_or_init(|| Arc::new(client)).clone())
    }

    fn cache(&self, tenant: &TenantName, name: &ChannelName) -> Arc<Cache> {
        let mut caches = self.caches.lock().unwrap_or_else(PoisonError::into_inner);
        caches.entry((tenant.clone(), name.clone())).or_default().clone()
    }
}

/// A configuration fits its plugin's schema.
fn check_config(way: &PluginWay, offer: &ChannelOffer) -> anyhow::Result<()> {
    let faults = siyu_workflow::document_faults(&offer.config, &way.config)
        .map_err(|fault| Fault::wrong(format!("the schema of plugin `{}`: {fault}", way.plugin)))?;
    // One of the whole document has no pointer before it.
    let faults: Vec<&str> = faults.iter().take(5).map(|fault| fault.trim_start_matches(": ")).collect();
    if faults.is_empty() {
        return Ok(());
    }
    let schema = serde_json::to_string(&offer.config).unwrap_or_default();
    Err(Fault::wrong(format!("`config` does not fit plugin `{}`: {}", way.plugin, faults.join("; ")))
        .help(format!("its schema is {schema}"))
        .into())
}

/// A channel that cannot be used for now.
struct Waiting(String);

#[async_trait]
impl Courier for Waiting {
    fn is_idempotent(&self) -> bool {
        true
    }

    async fn hand_over(&self, _: Parcel, _: UtcMs) -> Tried {
        Tried::Said(Verdict::Later(self.0.clone()))
    }

    async fn reconcile(&self, _: Parcel, _: UtcMs) -> Tried {
        Tried::Unknown(self.0.clone())
    }
}
