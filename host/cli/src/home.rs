//! The data folder of a host: what lies where in it.
//!
//! ```text
//! siyu-data/
//!   host.key            32 secret bytes, mode 0600: seals compiled plugins
//!   host.db             who may enter over HTTP, who changed what, sealed secrets; unless tenants are in a database
//!   host.lock           held by a host that serves the folder, shared by commands that execute a tenant
//!   channels.toml       which channel leads where; optional
//!   sources.toml        where webhooks come in; optional
//!   quotas.toml         how much of the host each tenant may use; optional
//!   trust.toml          whose plugins run here; optional
//!   tenants/<name>.db   one tenant, unless tenants are in a database of their own
//!   tenants/<name>.json its clock and seed
//!   tenants/<name>.lock held by the process that executes the tenant
//!   components/         plugins that published versions use, by digest
//!   compiled/           machine code of plugins
//!   outbox/             what channels wrote
//! ```

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use siyu_engine::ports::access::Access;
use siyu_engine::ports::inspect::Inspect;
use siyu_engine::ports::secrets::SecretStore;
use siyu_engine::ports::store::Stores;
use siyu_model::id::HostId;
use siyu_model::name::TenantName;
use siyu_model::plugin::HostPattern;
use siyu_runtime::CacheKey;
use siyu_secrets::HostKeys;
use siyu_store::{Durability, PgAccess, PgStores, SqliteAccess};

use crate::fault::Fault;
use crate::secrets;
use crate::tenants::Tenants;

/// The folder of tenants in the data folder.
const TENANTS: &str = "tenants";

/// A data folder and a tenant in it.
#[derive(Clone)]
pub(crate) struct Home {
    folder: PathBuf,
    kept: Tenants,
    /// Where plugins may send requests.
    allowed: Arc<[HostPattern]>,
    /// A file with the keys under which secrets are sealed, instead of the environment.
    secrets_key: Option<PathBuf>,
    /// The tenant that commands are about.
    pub(crate) tenant: TenantName,
}

/// What is kept beside the tenants, for all of them.
trait OfAllTenants: Access + SecretStore {}

impl<T: Access + SecretStore> OfAllTenants for T {}

impl Home {
    /// A folder whose tenants are files; their commits are durable when that says so.
    pub(crate) fn new(folder: PathBuf, tenant: TenantName, durability: Durability) -> Self {
        let kept = Tenants::Files(folder.join(TENANTS), durability);
        Self { folder, kept, allowed: Arc::default(), secrets_key: None, tenant }
    }

    /// The same with its tenants in a database, when there is one.
    pub(crate) fn with_database(mut self, database: Option<PgStores>) -> Self {
        if let Some(stores) = database {
            self.kept = Tenants::Database(stores);
        }
        self
    }

    /// The same on a host that permits plugins to send requests there.
    pub(crate) fn permitting(mut self, hosts: &[HostPattern]) -> Self {
        self.allowed = hosts.into();
        self
    }

    /// Where this host permits plugins to send requests.
    pub(crate) fn allowed(&self) -> &[HostPattern] {
        &self.allowed
    }

    /// The same with the keys of secrets in a file.
    pub(crate) fn with_secrets_key(self, file: Option<PathBuf>) -> Self {
        Self { secrets_key: file, ..self }
    }

    /// The keys under which secrets are sealed; none when nobody says any.
    pub(crate) fn secrets_keys(&self) -> anyhow::Result<HostKeys> {
        secrets::keys(self.secrets_key.as_deref())
    }

    /// The same for another tenant.
    pub(crate) fn of(&self, tenant: TenantName) -> Self {
        Self { tenant, ..self.clone() }
    }

    /// The same tenant in the files of another data folder, whose commits are as durable as here.
    pub(crate) fn in_folder(&self, folder: PathBuf) -> Self {
        let durability = match &self.kept {
            Tenants::Files(_, durability) => *durability,
            Tenants::Database(_) => Durability::Full,
        };
        Self::new(folder, self.tenant.clone(), durability)
    }

    /// Where tenants are kept.
    pub(crate) fn kept(&self) -> &Tenants {
        &self.kept
    }

    /// The folder itself.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether the folder is there.
    pub(crate) fn is_made(&self) -> bool {
        self.folder.is_dir()
    }

    /// Makes the folder, for its owner only: customers are in it.
    pub(crate) fn make(&self) -> anyhow::Result<()> {
        siyu_durable::make_folder(&self.folder)
            .with_context(|| format!("the data folder {} cannot be made", self.folder.display()))
    }

    /// Where files of tenants are.
    pub(crate) fn tenants(&self) -> PathBuf {
        self.folder.join(TENANTS)
    }

    /// A file of this host about the tenant.
    pub(crate) fn beside(&self, extension: &str) -> PathBuf {
        self.tenants().join(format!("{}.{extension}", self.tenant))
    }

    /// Where machine code of plugins is kept.
    pub(crate) fn compiled(&self) -> PathBuf {
        self.folder.join("compiled")
    }

    /// Where plugins of published versions are kept.
    pub(crate) fn components(&self) -> PathBuf {
        self.folder.join("components")
    }

    /// Which channel leads where.
    pub(crate) fn channels(&self) -> PathBuf {
        self.folder.join("channels.toml")
    }

    /// How much of the host each tenant may use.
    pub(crate) fn quotas(&self) -> PathBuf {
        self.folder.join("quotas.toml")
    }

    /// Whose plugins run here.
    pub(crate) fn trust(&self) -> PathBuf {
        self.folder.join("trust.toml")
    }

    /// Where webhooks come in.
    pub(crate) fn sources(&self) -> PathBuf {
        self.folder.join("sources.toml")
    }

    /// Where channels write.
    pub(crate) fn outbox(&self) -> PathBuf {
        self.folder.join("outbox")
    }

    /// The tenants' stores; a tenant that is made now gets this secret, or a random one. In a database only those are
    /// opened that the host has, when one is named.
    pub(crate) fn stores(&self, secret: Option<[u8; 32]>, host: Option<HostId>) -> Arc<dyn Stores> {
        self.kept.stores(secret, host)
    }

    /// Who may enter over HTTP: in the folder, or for all hosts of the database at once.
    pub(crate) async fn access(&self) -> anyhow::Result<Arc<dyn Access>> {
        Ok(self.of_all_tenants().await.context("tokens cannot be read")?)
    }

    /// Sealed secrets of tenants: in the folder, or for all hosts of the database at once.
    pub(crate) async fn secrets(&self) -> anyhow::Result<Arc<dyn SecretStore>> {
        Ok(self.of_all_tenants().await.context("secrets cannot be read")?)
    }

    async fn of_all_tenants(&self) -> anyhow::Result<Arc<dyn OfAllTenants>> {
        Ok(match &self.kept {
            Tenants::Files(..) => {
                self.make()?;
                Arc::new(SqliteAccess::open(self.folder.join("host.db")).await?)
            }
            Tenants::Database(stores) => Arc::new(PgAccess::open(stores).await?),
        })
    }

    /// Held by a host that serves the folder.
    pub(crate) fn lock(&self) -> PathBuf {
        self.folder.join("host.lock")
    }

    /// Whether the tenant is there.
    pub(crate) async fn is_there(&self) -> anyhow::Result<bool> {
        self.kept.has(&self.tenant).await
    }

    /// The tenant, to be read; it may be executed by another process meanwhile.
    pub(crate) async fn inspect(&self) -> anyhow::Result<Arc<dyn Inspect>> {
        if !self.is_there().await? {
            return Err(self.no_tenant().into());
        }
        self.kept.inspect(&self.tenant).await
    }

    /// The error of a tenant that is not there.
    pub(crate) fn no_tenant(&self) -> Fault {
        let place = match &self.kept {
            Tenants::Files(..) => self.folder.display().to_string(),
            kept => kept.place(),
        };
        Fault::wrong(format!("there is no tenant `{}` in {place}", self.tenant)).help(
            "publish a playbook with `siyu publish` first, or name the folder with --data and the tenant with --tenant",
        )
    }

    /// The host's key; made when there is none.
    pub(crate) fn key(&self) -> anyhow::Result<CacheKey> {
        key_in(&self.folder)
    }
}

/// The key in a folder; made when there is none, whole or not at all, and never replaced.
pub(crate) fn key_in(folder: &Path) -> anyhow::Result<CacheKey> {
    let path = folder.join("host.key");
    let shown = || format!("the host's key {}", path.display());
    let text = match fs::read_to_string(&path) {
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => {
            make_key(&path).with_context(shown)?;
            fs::read_to_string(&path).with_context(shown)?
        }
        other => other.with_context(shown)?,
    };
    let bytes = text.trim().parse::<siyu_model::digest::PluginDigest>().map_err(|_| {
        Fault::wrong(format!("{} is no key: expected 64 hexadecimal digits", path.display()))
            .help("remove the file: a new key is made, and plugins are compiled once more")
    })?;
    Ok(CacheKey::new(bytes.0))
}

fn make_key(path: &Path) -> io::Result<()> {
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(io::Error::other)?;
    let text = siyu_model::digest::PluginDigest(key).to_string() + "\n";
    siyu_durable::write_once(path, text.as_bytes())
}

/// The text of a file that need not be there.
pub(crate) fn text_of(path: &Path) -> anyhow::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(fault) => Err(fault).with_context(|| format!("{} cannot be read", path.display())),
    }
}
