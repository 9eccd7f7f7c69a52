//! A tenant that a test drives by hand: its clock, its stores, its channels and its end are the test's.

use std::sync::Arc;

use anyhow::{Context, ensure};
use siyu_engine::dispatch::Channels;
use siyu_engine::doubles::{HandClock, NativePlugins};
use siyu_engine::operate::Publication;
use siyu_engine::ports::store::Stores;
use siyu_engine::tenant::{Lanes, Ports, Settings, Tenant};
use siyu_model::event::IncomingEvent;
use siyu_model::name::TenantName;
use siyu_store::{SqliteInspect, SqliteOptions, SqliteStores};
use siyu_workflow::{Bundle, Style, compile};

use crate::playbooks::Installed;
use crate::{probe, probe_called};

/// Where a tenant of a test lives.
pub struct Place {
    folder: tempfile::TempDir,
    tenant: TenantName,
    /// Its clock.
    pub clock: Arc<HandClock>,
    /// Its plugins; `probe` at first, and `other`, which does the same.
    pub plugins: NativePlugins,
    /// Its channels; none at first.
    pub channels: Channels,
    /// The settings of its executor.
    pub settings: Settings,
}

impl Place {
    /// An empty place at an instant.
    pub fn at(instant: &str) -> anyhow::Result<Self> {
        let (manifest, step) = probe();
        let (other, same) = probe_called("other");
        Ok(Self {
            folder: tempfile::tempdir()?,
            tenant: TenantName::new("test")?,
            clock: Arc::new(HandClock::showing(instant.parse()?)),
            plugins: NativePlugins::default().with(manifest, step).with(other, same),
            channels: Channels::default(),
            settings: Settings::default(),
        })
    }

    /// Its files.
    pub fn stores(&self) -> SqliteStores {
        let options = SqliteOptions { secret: Some([7; 32]), ..SqliteOptions::default() };
        SqliteStores::new(self.folder.path(), options)
    }

    /// Opens the tenant on its files.
    pub async fn open(&self) -> anyhow::Result<Tenant> {
        self.open_on(Arc::new(self.stores())).await
    }

    /// Opens the tenant on other stores.
    pub async fn open_on(&self, stores: Arc<dyn Stores>) -> anyhow::Result<Tenant> {
        let ports = Ports { stores, ..self.ports() };
        Ok(Tenant::open(self.tenant.clone(), ports, self.settings.clone()).await?)
    }

    /// What tenants work with here.
    pub fn ports(&self) -> Ports {
        Ports {
            stores: Arc::new(self.stores()),
            plugins: Arc::new(self.plugins.clone()),
            clock: self.clock.clone(),
            channels: self.channels.clone(),
            lanes: Lanes::unpaced(1),
        }
    }

    /// Reads the tenant beside its executor; it must have been opened before.
    pub async fn inspect(&self) -> anyhow::Result<SqliteInspect> {
        Ok(SqliteInspect::open(self.stores().path(&self.tenant)).await?)
    }

    /// Moves the clock and does what falls due.
    pub async fn go_on_to(&self, tenant: &Tenant, instant: &str) -> anyhow::Result<()> {
        self.clock.set(instant.parse()?);
        tenant.settle().await?;
        Ok(())
    }
}

/// A playbook written in a test: paths and texts of its files.
pub fn publication(files: &[(&str, &str)]) -> anyhow::Result<Publication> {
    let (manifest, step) = probe();
    let files = files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect();
    let (other, same) = probe_called("other");
    let plugins = NativePlugins::default().with(manifest, step).with(other, same);
    let compiled = compile(&Bundle { files }, &Installed(plugins));
    ensure!(!compiled.has_errors(), "{}", compiled.render(Style::Plain));
    let playbook = compiled.playbook.context("a playbook without errors compiles")?;
    Ok(Publication { playbook: Arc::new(playbook), files: Vec::new(), replaces: Default::default() })
}

/// An event of a customer, such as `shop:1`, with its data as JSON text.
pub fn event(id: &str, event_type: &str, customer: &str, data: &str) -> anyhow::Result<IncomingEvent> {
    let text = format!(r#"{{"id":"{id}","type":"{event_type}","subject":"{customer}","data":{data}}}"#);
    Ok(IncomingEvent::from_json(&text)?)
}

/// What every playbook of [`workflows`] has beside its workflows: the plugin `probe`, a shelf with five units, a service
/// message `hello`, a marketing message `offer`, quiet hours, and the events `go` and `order.paid`.
const PLAYBOOK: &str = "
playbook: case
title: A case
zone: Asia/Shanghai
plugins:
  probe: { version: 1, grant: [records, pools, counters, ledger, codes, customers, events, messages, resources, expressions] }
channels: [wecom]
contact: { quiet_hours: \"21:00-09:00\" }
events:
  go: { summary: Begins, fields: { how: 'string?', items: 'list?' } }
  order.paid: { summary: An order, fields: { n: 'integer?' } }
  order.refunded: { summary: A refund, fields: { n: 'integer?', inner: 'any?' } }
";

/// A playbook of these workflows, each the text of its file.
pub fn workflows(texts: &[&str]) -> anyhow::Result<Publication> {
    let names: Vec<String> = (0..texts.len()).map(|number| format!("workflows/w{number}.yaml")).collect();
    let mut files = vec![
        ("playbook.yaml", PLAYBOOK),
        ("templates/hello.yaml", "template: hello\nclass: service\ntext: Hello.\n"),
        ("templates/offer.yaml", "template: offer\nclass: marketing\nexpires_after: 20h\ntext: Buy.\n"),
        ("resources/shelf.yaml", "resource: probe/stock@1\nname: shelf\ndefine: { pool: shelf, total: 5 }\n"),
    ];
    files.extend(names.iter().map(String::as_str).zip(texts.iter().copied()));
    publication(&files)
}
