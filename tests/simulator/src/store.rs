//! Stores that fail as told: before a commit, after it and before the answer, by standing still, or by being cut off.
//!
//! What really became durable is told to [`Durable`](crate::durable::Durable) in the moment it does. Who holds the lease is
//! known here too, so that a commit which the fence should have stopped is seen.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use fastrand::Rng;
use siyu_engine::doubles::MemoryFleets;
use siyu_engine::ports::rows::{EventRow, PlaybookRow, TimerRow, WriteSet};
use siyu_engine::ports::store::{
    EventWindow, EventsSince, KeyTable, Loaded, Maintenance, MaintenanceReport, RecordRange, SlotQuery,
    Store, StoreError, StoredKey, Stores, TenantImage, Unfinished, Wants,
};
use siyu_model::clock::UtcMs;
use siyu_model::digest::PlaybookDigest;
use siyu_model::event::EventSeq;
use siyu_model::expr::Windowed;
use siyu_model::id::{CustomerId, HostId, MessageId, RunId, TimerId};
use siyu_model::message::Message;
use siyu_model::name::{Key, PlaybookName, TenantName};
use tokio::sync::oneshot;

use crate::backing::Desk;
use crate::durable::{Durables, Shared};
use crate::{WAY, locked};

/// How a commit goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitFault {
    /// An error, and nothing is durable.
    Before,
    /// An error, and all of it is durable.
    After,
    /// It stands still before it is durable.
    StallBefore,
    /// It is durable, and the answer does not come.
    StallAfter,
}

/// How an opening goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenFault {
    /// An error, and the lease stays where it is.
    Before,
    /// An error, and the lease is taken.
    After,
}

/// How a store keeps hosts apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Semantics {
    /// As an embedded database: who opens has the tenant at once.
    Embedded,
    /// As a server: who opens waits until the lease of the other host has run out or was given back.
    Server,
}

/// How long a lease holds without a commit, milliseconds of the world's time.
const LEASE_MS: i64 = 10_000;

/// A host's line to its store, with what goes wrong on it.
#[derive(Default)]
pub(crate) struct Link {
    state: Mutex<LinkState>,
}

#[derive(Default)]
struct LinkState {
    is_cut: bool,
    commits: VecDeque<CommitFault>,
    opens: VecDeque<OpenFault>,
    failing_reads: u32,
    stalled: Vec<oneshot::Sender<bool>>,
    /// Draws how long each way takes, up to so many milliseconds; none where every way is the shortest.
    ways: Option<(Rng, u64)>,
}

impl Link {
    /// A line on which each way takes up to so many milliseconds, as drawn.
    pub(crate) fn long(rng: Rng, way_ms_max: u64) -> Self {
        let state = LinkState { ways: Some((rng, way_ms_max)), ..LinkState::default() };
        Self { state: Mutex::new(state) }
    }

    /// The next commit goes wrong, behind those that are already planned.
    pub(crate) fn plan_commit(&self, fault: CommitFault) {
        locked(&self.state).commits.push_back(fault);
    }

    /// The next opening goes wrong.
    pub(crate) fn plan_open(&self, fault: OpenFault) {
        locked(&self.state).opens.push_back(fault);
    }

    /// The next read fails.
    pub(crate) fn plan_read(&self) {
        locked(&self.state).failing_reads += 1;
    }

    /// Cuts the host off from its store, or mends that.
    pub(crate) fn cut(&self, is_cut: bool) {
        let mut state = locked(&self.state);
        state.is_cut = is_cut;
        // What stands still on a line that is cut is lost.
        if is_cut {
            state.stalled.drain(..).for_each(|go| answer(go, false));
        }
    }

    /// Lets go what stands still.
    pub(crate) fn release(&self) {
        locked(&self.state).stalled.drain(..).for_each(|go| answer(go, true));
    }

    /// Nothing goes wrong any more.
    pub(crate) fn heal(&self) {
        self.release();
        let mut state = locked(&self.state);
        *state = LinkState { ways: state.ways.take(), ..LinkState::default() };
    }

    /// The host died, and what was under way with it.
    pub(crate) fn forget(&self) {
        let mut state = locked(&self.state);
        *state = LinkState { is_cut: state.is_cut, ways: state.ways.take(), ..LinkState::default() };
    }

    fn is_cut(&self) -> bool {
        locked(&self.state).is_cut
    }

    /// Stands still until it is let go; says whether the line held.
    async fn stall(&self) -> bool {
        let (go, gone) = oneshot::channel();
        locked(&self.state).stalled.push(go);
        gone.await.unwrap_or(false)
    }

    /// The way to the store.
    async fn linger(&self) {
        let drawn = locked(&self.state).ways.as_mut().map(|(rng, most)| rng.u64(1..=*most));
        tokio::time::sleep(drawn.map_or(WAY, Duration::from_millis)).await;
    }

    /// The way to or from a store that is far. What a lane asks takes none: it stands still, and tokio's clock with it.
    async fn travel(&self) {
        if locked(&self.state).ways.is_some() {
            self.linger().await;
        }
    }
}

fn answer(go: oneshot::Sender<bool>, held: bool) {
    // Who waited may be gone.
    let _nobody = go.send(held);
}

fn failed(why: &str) -> StoreError {
    StoreError::Database(format!("simulated: {why}"))
}

/// The stores as one host sees them.
pub(crate) struct SimStores {
    /// Where rows are really kept.
    pub inner: Arc<dyn Stores>,
    /// Where that is asked.
    pub desk: Desk,
    /// The host's line to them.
    pub link: Arc<Link>,
    /// What is durable, of each tenant.
    pub durables: Durables,
    /// The host.
    pub host: usize,
    /// How hosts are kept apart.
    pub gate: Gate,
}

/// Whom a store lets open a tenant.
pub(crate) enum Gate {
    /// Whom the lease of the tenant lets.
    Lease(Semantics),
    /// The host of a fleet that has the tenant and lives.
    Fleet(MemoryFleets, HostId),
}

impl Gate {
    fn lets(&self, host: usize, tenant: &TenantName, durable: &Shared) -> Result<(), StoreError> {
        match self {
            Self::Lease(Semantics::Server) if durable.lock().lease.is_held_by_other(host) => {
                Err(failed("another host has the lease"))
            }
            Self::Fleet(fleets, me) if !fleets.holds(*me, tenant) => {
                Err(StoreError::Elsewhere { tenant: tenant.clone(), holder: "another host".to_owned() })
            }
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Stores for SimStores {
    async fn open(&self, tenant: &TenantName) -> Result<Arc<dyn Store>, StoreError> {
        let fault = {
            let mut state = locked(&self.link.state);
            if state.is_cut {
                return Err(failed("cut off"));
            }
            state.opens.pop_front()
        };
        if fault == Some(OpenFault::Before) {
            return Err(failed("opening failed"));
        }
        let durable = self.durables.of(tenant).ok_or_else(|| failed("no such tenant"))?;
        self.link.travel().await;
        self.gate.lets(self.host, tenant, &durable)?;
        let inner = self.desk.ask(self.inner.open(tenant)).await?;
        let opening = durable.lock().opened(self.host, LEASE_MS);
        self.link.travel().await;
        if fault == Some(OpenFault::After) {
            return Err(failed("opened, and the answer was lost"));
        }
        Ok(Arc::new(SimStore {
            inner,
            desk: self.desk.clone(),
            link: self.link.clone(),
            durable,
            host: self.host,
            opening,
            is_broken: AtomicBool::new(false),
        }))
    }

    async fn tenants(&self) -> Result<Vec<TenantName>, StoreError> {
        self.desk.ask(self.inner.tenants()).await
    }
}

/// A tenant's store as one opening of one host sees it.
struct SimStore {
    inner: Arc<dyn Store>,
    desk: Desk,
    link: Arc<Link>,
    durable: Shared,
    host: usize,
    opening: u64,
    is_broken: AtomicBool,
}

impl SimStore {
    /// Whether the store can be asked, and one more answer that does not come.
    fn ready(&self) -> Result<(), StoreError> {
        let mut state = locked(&self.link.state);
        if state.is_cut {
            self.is_broken.store(true, Ordering::SeqCst);
            return Err(failed("cut off"));
        }
        if state.failing_reads > 0 {
            state.failing_reads -= 1;
            return Err(failed("a read failed"));
        }
        Ok(())
    }

    fn broken(&self, why: &str) -> StoreError {
        self.is_broken.store(true, Ordering::SeqCst);
        failed(why)
    }

    async fn make_durable(&self, writes: WriteSet) -> Result<(), StoreError> {
        let copy = writes.clone();
        self.desk.ask(self.inner.commit(writes)).await?;
        self.durable.lock().committed((self.host, self.opening), copy, LEASE_MS);
        Ok(())
    }
}

#[async_trait]
impl Store for SimStore {
    async fn commit(&self, writes: WriteSet) -> Result<(), StoreError> {
        if self.is_broken.load(Ordering::SeqCst) {
            return Err(failed("an earlier commit failed"));
        }
        let fault = {
            let mut state = locked(&self.link.state);
            if state.is_cut {
                drop(state);
                return Err(self.broken("cut off"));
            }
            state.commits.pop_front()
        };
        match fault {
            None => {
                // Long enough for the next batch to execute meanwhile.
                self.link.linger().await;
                if self.link.is_cut() {
                    return Err(self.broken("cut off on the way"));
                }
                self.make_durable(writes).await?;
                self.link.travel().await;
                if self.link.is_cut() { Err(self.broken("cut off on the way back")) } else { Ok(()) }
            }
            Some(CommitFault::Before) => Err(self.broken("before the commit")),
            Some(CommitFault::After) => {
                self.make_durable(writes).await?;
                Err(self.broken("after the commit"))
            }
            Some(CommitFault::StallBefore) => {
                if !self.link.stall().await {
                    return Err(self.broken("before the commit, late"));
                }
                self.make_durable(writes).await
            }
            Some(CommitFault::StallAfter) => {
                self.make_durable(writes).await?;
                if self.link.stall().await { Ok(()) } else { Err(self.broken("after the commit, late")) }
            }
        }
    }

    async fn load_tenant(&self) -> Result<TenantImage, StoreError> {
        self.ready()?;
        self.link.travel().await;
        self.desk.ask(self.inner.load_tenant()).await
    }

    async fn load(&self, wants: Wants) -> Result<Loaded, StoreError> {
        self.ready()?;
        self.desk.ask(self.inner.load(wants)).await
    }

    async fn playbook(
        &self,
        name: &PlaybookName,
        digest: PlaybookDigest,
    ) -> Result<Option<PlaybookRow>, StoreError> {
        self.ready()?;
        self.desk.ask(self.inner.playbook(name, digest)).await
    }

    async fn timers(
        &self,
        after: Option<(UtcMs, TimerId)>,
        limit: usize,
    ) -> Result<Vec<TimerRow>, StoreError> {
        self.ready()?;
        self.desk.ask(self.inner.timers(after, limit)).await
    }

    async fn scan_records(&self, range: RecordRange) -> Result<Vec<(Key, String)>, StoreError> {
        self.ready()?;
        self.desk.ask(self.inner.scan_records(range)).await
    }

    async fn count_events(&self, window: EventWindow) -> Result<Windowed, StoreError> {
        self.ready()?;
        self.desk.ask(self.inner.count_events(window)).await
    }

    async fn events_since(&self, query: EventsSince) -> Result<Vec<EventRow>, StoreError> {
        self.ready()?;
        self.desk.ask(self.inner.events_since(query)).await
    }

    async fn event(&self, seq: EventSeq) -> Result<Option<EventRow>, StoreError> {
        self.ready()?;
        self.desk.ask(self.inner.event(seq)).await
    }

    async fn customer_ids(
        &self,
        after: Option<CustomerId>,
        limit: usize,
    ) -> Result<Vec<CustomerId>, StoreError> {
        self.ready()?;
        self.desk.ask(self.inner.customer_ids(after, limit)).await
    }

    async fn keys(
        &self,
        table: KeyTable,
        after: Option<StoredKey>,
        limit: usize,
    ) -> Result<Vec<StoredKey>, StoreError> {
        self.ready()?;
        self.desk.ask(self.inner.keys(table, after, limit)).await
    }

    async fn runs_of_slot(&self, query: SlotQuery) -> Result<Vec<RunId>, StoreError> {
        self.ready()?;
        self.desk.ask(self.inner.runs_of_slot(query)).await
    }

    async fn unsent_messages(
        &self,
        due_before: UtcMs,
        after: Option<MessageId>,
        limit: usize,
    ) -> Result<Vec<Message>, StoreError> {
        self.ready()?;
        self.desk.ask(self.inner.unsent_messages(due_before, after, limit)).await
    }

    async fn unfinished(&self, customer: CustomerId, limit: usize) -> Result<Unfinished, StoreError> {
        self.ready()?;
        self.desk.ask(self.inner.unfinished(customer, limit)).await
    }

    async fn erase(&self, customer: CustomerId, pseudonym: CustomerId) -> Result<(), StoreError> {
        self.ready()?;
        self.desk.ask(self.inner.erase(customer, pseudonym)).await
    }

    async fn maintain(&self, work: Maintenance) -> Result<MaintenanceReport, StoreError> {
        self.ready()?;
        self.desk.ask(self.inner.maintain(work)).await
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.durable.lock().closed((self.host, self.opening));
        self.desk.ask(self.inner.close()).await
    }
}
