//! Where a host reads tenants for those who ask over HTTP: each is opened when it is first asked about, and a few stay open.
//!
//! It reads beside whoever executes a tenant, and never makes one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use siyu_api::Inspectors;
use siyu_engine::ports::inspect::Inspect;
use siyu_engine::ports::store::StoreError;
use siyu_model::name::TenantName;

use crate::home::Home;

/// Tenants that stay open: each has up to two connections.
const OPEN_MAX: usize = 32;

/// The tenants of a data folder or a database, to be read.
pub(crate) struct Readings {
    home: Home,
    open: Mutex<Opened>,
}

#[derive(Default)]
struct Opened {
    tenants: HashMap<TenantName, (u64, Arc<dyn Inspect>)>,
    /// Grows with every question.
    turn: u64,
}

impl Readings {
    pub(crate) fn new(home: &Home) -> Self {
        Self { home: home.clone(), open: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Opened> {
        // The map is whole at every instant, whoever died while holding it.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self, tenant: &TenantName) -> Option<Arc<dyn Inspect>> {
        let mut open = self.lock();
        open.turn += 1;
        let turn = open.turn;
        open.tenants.get_mut(tenant).map(|(used, inspect)| {
            *used = turn;
            inspect.clone()
        })
    }
}

#[async_trait]
impl Inspectors for Readings {
    async fn of(&self, tenant: &TenantName) -> Result<Option<Arc<dyn Inspect>>, StoreError> {
        let broken = |why: anyhow::Error| StoreError::Database(format!("{why:#}"));
        // One that was moved away or removed must not be read from what is left of it.
        if !self.home.kept().has(tenant).await.map_err(broken)? {
            self.lock().tenants.remove(tenant);
            return Ok(None);
        }
        if let Some(inspect) = self.known(tenant) {
            return Ok(Some(inspect));
        }
        let inspect = self.home.kept().inspect(tenant).await.map_err(broken)?;
        let mut open = self.lock();
        if open.tenants.len() >= OPEN_MAX
            && let Some(oldest) =
                open.tenants.iter().min_by_key(|(_, (used, _))| *used).map(|(name, _)| name.clone())
        {
            open.tenants.remove(&oldest);
        }
        open.turn += 1;
        let turn = open.turn;
        open.tenants.insert(tenant.clone(), (turn, inspect.clone()));
        Ok(Some(inspect))
    }

    async fn tenants(&self) -> Result<Vec<TenantName>, StoreError> {
        self.home.kept().stores(None, None).tenants().await
    }
}
