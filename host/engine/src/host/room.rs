//! A tenant's place in a host: asleep, or awake with its executor.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use siyu_model::clock::UtcMs;
use siyu_model::name::TenantName;
use tokio::sync::{Mutex, watch};

use crate::ports::store::StoreError;
use crate::tenant::{Numbers, Ports, Settings, Tenant, TenantNumbers};

/// How long a tenant that looks idle may take to say that nothing is left to do; one that has work takes its time and stays
/// awake.
const QUIET: Duration = Duration::from_millis(100);

/// A tenant's place.
pub(super) struct Room {
    name: TenantName,
    /// Held while the tenant is opened or closed, so there is one executor at a time.
    tenant: Mutex<Option<Arc<Tenant>>>,
    is_awake: AtomicBool,
    used_at: AtomicI64,
    /// When something falls due while it is asleep.
    due_at: std::sync::Mutex<Option<UtcMs>>,
    /// What it commits, since it was woken last.
    commits: std::sync::Mutex<Option<watch::Receiver<u64>>>,
    /// What it did since the host has it, however often it slept.
    numbers: Arc<Numbers>,
}

impl Room {
    /// A tenant of which nothing is known: something may be due.
    pub(super) fn unknown(name: TenantName) -> Self {
        Self {
            name,
            tenant: Mutex::new(None),
            is_awake: AtomicBool::new(false),
            used_at: AtomicI64::new(UtcMs::EPOCH.as_millis()),
            due_at: std::sync::Mutex::new(Some(UtcMs::EPOCH)),
            commits: std::sync::Mutex::new(None),
            numbers: Arc::default(),
        }
    }

    pub(super) fn name(&self) -> &TenantName {
        &self.name
    }

    pub(super) fn is_awake(&self) -> bool {
        self.is_awake.load(Ordering::SeqCst)
    }

    /// When it was used last.
    pub(super) fn used_at(&self) -> UtcMs {
        UtcMs::from_millis(self.used_at.load(Ordering::SeqCst))
    }

    /// When it must be woken; none while it is awake and when nothing is planned.
    pub(super) fn due_at(&self) -> Option<UtcMs> {
        *self.due_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_due_at(&self, due_at: Option<UtcMs>) {
        *self.due_at.lock().unwrap_or_else(PoisonError::into_inner) = due_at;
    }

    /// Says when something becomes durable from now on; none while it is asleep.
    pub(super) fn commits(&self) -> Option<watch::Receiver<u64>> {
        let commits = self.commits.lock().unwrap_or_else(PoisonError::into_inner);
        let mut commits = commits.clone().filter(|_| self.is_awake())?;
        commits.mark_unchanged();
        Some(commits)
    }

    /// What it did; while it is opened or closed nothing waits.
    pub(super) fn numbers(&self) -> TenantNumbers {
        let place = self.tenant.try_lock().ok();
        let tenant = place.as_ref().and_then(|place| place.as_ref());
        tenant.map_or_else(|| self.numbers.read(0), |tenant| tenant.numbers())
    }

    /// The tenant, opened when it is asleep or its executor has ended; and whether it was.
    pub(super) async fn wake(
        &self,
        ports: &Ports,
        settings: &Settings,
    ) -> Result<(Arc<Tenant>, bool), StoreError> {
        let mut place = self.tenant.lock().await;
        self.used_at.store(ports.clock.now().as_millis(), Ordering::SeqCst);
        if let Some(tenant) = place.as_ref().filter(|tenant| !tenant.is_over()) {
            return Ok((tenant.clone(), false));
        }
        let (name, numbers) = (self.name.clone(), self.numbers.clone());
        // Seldom, and large: without a box of its own every wish would carry the room for it.
        let opened = Box::pin(Tenant::open_counted(name, ports.clone(), settings.clone(), numbers));
        let tenant = Arc::new(opened.await?);
        *self.commits.lock().unwrap_or_else(PoisonError::into_inner) = Some(tenant.commits());
        *place = Some(tenant.clone());
        self.is_awake.store(true, Ordering::SeqCst);
        self.set_due_at(None);
        Ok((tenant, true))
    }

    /// Lets the tenant sleep when nobody uses it, nothing is left to do, and nothing falls due before `soon`.
    pub(super) async fn rest(&self, soon: UtcMs) {
        let Ok(mut place) = self.tenant.try_lock() else { return };
        let Some(tenant) = place.take() else { return };
        let tenant = match Arc::try_unwrap(tenant) {
            Ok(tenant) => tenant,
            Err(used) => {
                *place = Some(used);
                return;
            }
        };
        let due_at = match tokio::time::timeout(QUIET, tenant.settle()).await {
            Ok(Ok(due_at)) if due_at.is_none_or(|due_at| due_at > soon) => due_at,
            // Its executor has ended by itself: whatever is left to do is found when it is opened again.
            Ok(Err(_)) => Some(soon),
            Ok(Ok(_)) | Err(_) => {
                *place = Some(Arc::new(tenant));
                return;
            }
        };
        tenant.stop().await;
        self.set_due_at(due_at);
        self.is_awake.store(false, Ordering::SeqCst);
    }

    /// Ends the tenant, whoever still holds it.
    pub(super) async fn end(&self) {
        let Some(tenant) = self.tenant.lock().await.take() else { return };
        tenant.end().await;
        self.is_awake.store(false, Ordering::SeqCst);
    }
}
