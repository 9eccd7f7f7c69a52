//! Ways into this host for webhooks, from `sources.toml` in the data folder.
//!
//! ```toml
//! [shop]                                    # POST /v1/hooks/<tenant>/shop; its events have the source `shop`
//! plugin = "signed-hook"
//! secrets = { key = "shop_key" }            # the plugin's name = the tenant's name: `siyu secrets set shop_key`
//! tenants = ["huahua", "maodou"]            # all when absent
//! [shop.config]
//! scheme = { kind = "shopify" }
//! event = { type = { prefix = "shop.", from = { pointer = "/topic" } } }
//! ```
//! It is read when the host starts. A secret is each tenant's own; a tenant that has not set it has no such source.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Deserialize;
use siyu_engine::ports::hooks::{Source, Sources};
use siyu_model::limits::hooks::CONFIG_BYTES_MAX;
use siyu_model::name::{PluginName, SecretName, SourceName, TenantName};

use crate::fault::Fault;
use crate::home::{Home, text_of};
use crate::keyring;
use crate::plugins::Installed;

/// A source as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    plugin: PluginName,
    #[serde(default)]
    config: serde_json::Map<String, serde_json::Value>,
    #[serde(default)]
    secrets: BTreeMap<SecretName, SecretName>,
    tenants: Option<BTreeSet<TenantName>>,
}

/// The sources of this host.
pub(crate) struct Configured(BTreeMap<SourceName, (Arc<Source>, Option<BTreeSet<TenantName>>)>);

impl Configured {
    /// Reads `sources.toml` and loads what it names; none without a file.
    pub(crate) fn read(home: &Home, installed: &Installed) -> anyhow::Result<Option<Self>> {
        let path = home.sources();
        let Some(text) = text_of(&path)? else { return Ok(None) };
        let shown = path.display();
        let entries: BTreeMap<SourceName, Entry> = toml::from_str(&text)
            .map_err(|fault| Fault::wrong(format!("{shown}: {}", fault.to_string().trim_end())))?;
        let mut sources = BTreeMap::new();
        for (name, entry) in entries {
            let tenants = entry.tenants.clone();
            let source = resolve(&name, entry, installed)
                .map_err(|why| Fault::wrong(format!("{shown}: source `{name}`: {why}")))?;
            sources.insert(name, (Arc::new(source), tenants));
        }
        Ok(Some(Self(sources)))
    }

    /// All of them, by their names.
    pub(crate) fn ways(&self) -> impl Iterator<Item = Way<'_>> {
        self.0.iter().map(|(name, (source, tenants))| Way { name, source, tenants: tenants.as_ref() })
    }

    /// What they are, for people.
    pub(crate) fn tell(&self) -> Vec<String> {
        let tell =
            |(name, (source, tenants)): (&SourceName, &(Arc<Source>, Option<BTreeSet<TenantName>>))| {
                let whose = tenants.as_ref().map_or_else(
                    || "all tenants".to_owned(),
                    |names| names.iter().map(TenantName::as_str).collect::<Vec<_>>().join(", "),
                );
                format!("{name} by {} for {whose}", source.plugin)
            };
        self.0.iter().map(tell).collect()
    }
}

/// One source, and for whom it is.
pub(crate) struct Way<'c> {
    /// Its name.
    pub(crate) name: &'c SourceName,
    /// What it is.
    pub(crate) source: &'c Source,
    /// For whom; none is for all tenants.
    pub(crate) tenants: Option<&'c BTreeSet<TenantName>>,
}

impl Sources for Configured {
    fn source(&self, tenant: &TenantName, name: &SourceName) -> Option<Arc<Source>> {
        let (source, tenants) = self.0.get(name)?;
        tenants.as_ref().is_none_or(|tenants| tenants.contains(tenant)).then(|| source.clone())
    }
}

/// The source that an entry means, or what is wrong with it.
fn resolve(name: &SourceName, entry: Entry, installed: &Installed) -> Result<Source, String> {
    let plugin = &entry.plugin;
    let loaded = installed.load(plugin.as_str()).ok_or_else(|| {
        format!("there is no plugin `{plugin}`: expected {plugin}.wasm in the plugin folder")
    })??;
    let offer = loaded.manifest.source.as_ref().ok_or_else(|| {
        format!("plugin `{plugin}` takes no webhooks in: expected one that exports `source`")
    })?;
    let given = keyring::check_given(&entry.secrets, &offer.secrets);
    given.map_err(|(found, help)| format!("plugin `{plugin}`: {found}: {help}"))?;
    let config = serde_json::Value::Object(entry.config);
    let faults = siyu_workflow::document_faults(&offer.config, &config)
        .map_err(|why| format!("the schema of `{plugin}` for its configuration: {why}"))?;
    if let Some(fault) = faults.first() {
        return Err(format!("config{fault}"));
    }
    let config = config.to_string();
    if config.len() > CONFIG_BYTES_MAX {
        let found = config.len();
        return Err(format!("its config has {found} bytes: expected at most {CONFIG_BYTES_MAX}"));
    }
    Ok(Source {
        name: name.clone(),
        digest: loaded.digest,
        plugin: format!("{plugin}@{}", loaded.manifest.version),
        config: config.into(),
        secrets: entry.secrets,
    })
}
