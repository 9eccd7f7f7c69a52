//! A host's line to the database of its fleet, on which every way takes a while and anything may be lost.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use fastrand::Rng;
use siyu_engine::doubles::{MemoryFleet, MemoryFleets};
use siyu_engine::ports::fleet::{Fleet, Letter, LetterId, News, Posted, Posting, Roster};
use siyu_engine::ports::store::StoreError;
use siyu_model::clock::DurationMs;
use siyu_model::id::HostId;
use siyu_model::name::TenantName;

use crate::locked;

/// How a question to the fleet goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FleetFault {
    /// An error, and nothing happened.
    Before,
    /// An error, and it happened.
    After,
    /// An error when nobody waited any longer, and it happens after that.
    Late,
}

/// How long a host waits for the database, as the store of Postgres does.
const PATIENCE: Duration = Duration::from_millis(5_000);
/// When a question that was given up happens at the latest, milliseconds after that.
const LATE_MS_MAX: u64 = 9_000;
/// How long after a fault a host that hears nothing listens again, as the store of Postgres does.
const LISTEN_AGAIN: Duration = Duration::from_millis(500);

/// A host's line.
pub(crate) struct Line(Mutex<State>);

struct State {
    is_cut: bool,
    faults: VecDeque<FleetFault>,
    rng: Rng,
    /// How long one way takes at most, milliseconds.
    way_ms_max: u64,
    /// How many of a hundred news get lost.
    lost_percent: u8,
}

/// How one question goes.
struct Trip {
    there: Duration,
    back: Duration,
    fault: Option<FleetFault>,
    late: Duration,
}

impl Line {
    /// A line that is drawn.
    pub(crate) fn new(rng: Rng, way_ms_max: u64, lost_percent: u8) -> Self {
        Self(Mutex::new(State { is_cut: false, faults: VecDeque::new(), rng, way_ms_max, lost_percent }))
    }

    /// The next question goes wrong, behind those that are already planned.
    pub(crate) fn plan(&self, fault: FleetFault) {
        locked(&self.0).faults.push_back(fault);
    }

    /// Cuts it, or mends it.
    pub(crate) fn cut(&self, is_cut: bool) {
        locked(&self.0).is_cut = is_cut;
    }

    /// Nothing goes wrong any more; news arrive.
    pub(crate) fn heal(&self) {
        let mut state = locked(&self.0);
        state.is_cut = false;
        state.faults.clear();
        state.lost_percent = 0;
    }

    /// The host died, and what it asked is over.
    pub(crate) fn forget(&self) {
        locked(&self.0).faults.clear();
    }

    fn check(&self) -> Result<(), StoreError> {
        if locked(&self.0).is_cut { Err(failed("cut off from the fleet")) } else { Ok(()) }
    }

    fn way(&self) -> Duration {
        let mut state = locked(&self.0);
        let most = state.way_ms_max;
        Duration::from_millis(state.rng.u64(1..=most))
    }

    fn trip(&self) -> Trip {
        let (there, back) = (self.way(), self.way());
        let mut state = locked(&self.0);
        let late = Duration::from_millis(state.rng.u64(1..LATE_MS_MAX));
        Trip { there, back, fault: state.faults.pop_front(), late }
    }

    fn loses_news(&self) -> bool {
        let mut state = locked(&self.0);
        let percent = state.lost_percent;
        state.rng.u8(..100) < percent
    }

    /// Asks something, as well as the line lets.
    async fn go<T: Send + 'static>(
        &self,
        question: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Result<T, StoreError> {
        let trip = self.trip();
        tokio::time::sleep(trip.there).await;
        self.check()?;
        match trip.fault {
            Some(FleetFault::Before) => return Err(failed("the question got lost")),
            Some(FleetFault::Late) => {
                tokio::time::sleep(PATIENCE).await;
                tokio::spawn(async move {
                    tokio::time::sleep(trip.late).await;
                    // Nobody hears what came of it.
                    drop(question.await);
                });
                return Err(failed("no answer in time"));
            }
            _ => {}
        }
        let answer = question.await;
        tokio::time::sleep(trip.back).await;
        self.check()?;
        if trip.fault.is_some() { Err(failed("the answer got lost")) } else { answer }
    }
}

fn failed(why: &str) -> StoreError {
    StoreError::Database(format!("simulated: {why}"))
}

/// A host's place in the fleet, at the other end of its line.
pub(crate) struct SimFleet {
    inner: Arc<MemoryFleet>,
    line: Arc<Line>,
}

impl SimFleet {
    /// A host joins.
    pub(crate) async fn join(fleets: &MemoryFleets, me: HostId, line: Arc<Line>) -> Result<Self, StoreError> {
        tokio::time::sleep(line.way()).await;
        line.check()?;
        Ok(Self { inner: Arc::new(fleets.join(me)), line })
    }
}

#[async_trait]
impl Fleet for SimFleet {
    fn me(&self) -> HostId {
        self.inner.me()
    }

    fn lease(&self) -> DurationMs {
        self.inner.lease()
    }

    async fn beat(&self) -> Result<Roster, StoreError> {
        let inner = self.inner.clone();
        self.line.go(async move { inner.beat().await }).await
    }

    async fn claim(&self, tenants: &[TenantName]) -> Result<Vec<TenantName>, StoreError> {
        let (inner, tenants) = (self.inner.clone(), tenants.to_vec());
        self.line.go(async move { inner.claim(&tenants).await }).await
    }

    async fn found(&self, tenant: &TenantName) -> Result<bool, StoreError> {
        let (inner, tenant) = (self.inner.clone(), tenant.clone());
        self.line.go(async move { inner.found(&tenant).await }).await
    }

    async fn release(&self, tenants: &[TenantName]) -> Result<(), StoreError> {
        let (inner, tenants) = (self.inner.clone(), tenants.to_vec());
        self.line.go(async move { inner.release(&tenants).await }).await
    }

    async fn leave(&self) -> Result<(), StoreError> {
        let inner = self.inner.clone();
        self.line.go(async move { inner.leave().await }).await
    }

    async fn post(&self, letters: Vec<Posting>) -> Result<Vec<Posted>, StoreError> {
        let inner = self.inner.clone();
        self.line.go(async move { inner.post(letters).await }).await
    }

    async fn letters(&self, tenants: &[TenantName], limit: usize) -> Result<Vec<Letter>, StoreError> {
        let (inner, tenants) = (self.inner.clone(), tenants.to_vec());
        self.line.go(async move { inner.letters(&tenants, limit).await }).await
    }

    async fn answer(&self, answers: Vec<(LetterId, String)>) -> Result<(), StoreError> {
        let inner = self.inner.clone();
        self.line.go(async move { inner.answer(answers).await }).await
    }

    async fn answers(&self) -> Result<Vec<(LetterId, String)>, StoreError> {
        let inner = self.inner.clone();
        self.line.go(async move { inner.answers().await }).await
    }

    async fn news(&self) -> News {
        loop {
            if self.line.check().is_err() {
                tokio::time::sleep(LISTEN_AGAIN).await;
                return News::Anything;
            }
            let news = self.inner.news().await;
            if self.line.loses_news() {
                continue;
            }
            tokio::time::sleep(self.line.way()).await;
            return news;
        }
    }
}
