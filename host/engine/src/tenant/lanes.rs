//! Lanes: how many batches execute at once on a host, and how much of them one tenant may take while others work too.
//!
//! It decides when and on which thread a tenant's next batch executes, never what is in it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use siyu_model::limits::lanes::{BURST_MS, COMPANY_MS, SHARE_PERCENT};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinError;
use tokio::time::Instant;

const BURST: Duration = Duration::from_millis(BURST_MS);
/// What of its quota a tenant may save up.
const QUOTA_SAVED: Duration = Duration::from_secs(1);
const COMPANY: Duration = Duration::from_millis(COMPANY_MS);

/// The lanes of a host. Who waits for one is served in turn.
#[derive(Debug)]
pub struct Lanes {
    permits: Arc<Semaphore>,
    is_paced: bool,
    /// Whether a batch has a thread of its own while it executes.
    are_threads: bool,
    shares: AtomicU64,
    recent: Mutex<Recent>,
}

/// Whose batch ended last, and when one of anybody else did.
#[derive(Debug, Default)]
struct Recent {
    last: Option<(u64, Instant)>,
    other_at: Option<Instant>,
}

impl Lanes {
    /// So many lanes, as many as the host has processors. While other tenants work, one that could fill a lane by itself
    /// gets [`SHARE_PERCENT`] of one, so that the processors have room for the others at once.
    pub fn new(count: usize) -> Arc<Self> {
        Self::with(count, true, true)
    }

    /// The same without shares: whoever comes gets a lane, however much it takes, and no batch waits for time to pass.
    pub fn unpaced(count: usize) -> Arc<Self> {
        Self::with(count, false, true)
    }

    /// One lane without shares that is no thread of its own: a batch executes where its tenant's tasks do, and none of
    /// them goes on meanwhile. So what happens never depends on how long something took, and a simulation goes the same
    /// way each time. Stores must answer at once what a batch asks them, as rows in memory do; a tenant whose store does
    /// not ends.
    pub fn in_line() -> Arc<Self> {
        Self::with(1, false, false)
    }

    fn with(count: usize, is_paced: bool, are_threads: bool) -> Arc<Self> {
        let permits = Arc::new(Semaphore::new(count));
        Arc::new(Self { permits, is_paced, are_threads, shares: AtomicU64::new(0), recent: Mutex::default() })
    }

    /// Whether a batch may wait for what it asks.
    pub(crate) fn may_wait(&self) -> bool {
        self.are_threads
    }

    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A tenant's share of the lanes.
pub(crate) struct Share {
    lanes: Arc<Lanes>,
    number: u64,
    /// Up to when the time that it took is paid for, at its share.
    paid_until: Instant,
    /// What its plugins may take, percent of one processor.
    quota_percent: Option<u32>,
    /// Up to when the time that its plugins took is paid for, at that quota.
    quota_until: Instant,
}

impl Share {
    pub(crate) fn of(lanes: &Arc<Lanes>) -> Self {
        let number = lanes.shares.fetch_add(1, Ordering::Relaxed);
        let now = Instant::now();
        Self { lanes: lanes.clone(), number, paid_until: now, quota_percent: None, quota_until: now }
    }

    /// The same with a quota for its plugins, percent of one processor.
    pub(crate) fn with_quota(self, percent: Option<u32>) -> Self {
        Self { quota_percent: percent, ..self }
    }

    /// When its next batch may begin; none when it may at once.
    pub(crate) fn begins_at(&self, now: Instant) -> Option<Instant> {
        let quota = (self.quota_until > now).then_some(self.quota_until);
        let share = (self.paid_until > now && self.has_company(now)).then_some(self.paid_until);
        quota.max(share)
    }

    /// Its plugins worked for so long, until now.
    pub(crate) fn called(&mut self, spent: Duration, now: Instant) {
        if let Some(percent) = self.quota_percent {
            let paid = self.quota_until.max(now.checked_sub(QUOTA_SAVED).unwrap_or(now));
            self.quota_until = paid + spent * 100 / percent.max(1);
        }
    }

    /// Waits for a lane; none when there will be none.
    pub(crate) async fn enter(&self) -> Option<OwnedSemaphorePermit> {
        self.lanes.permits.clone().acquire_owned().await.ok()
    }

    /// Executes a batch on the lane that was entered.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        batch: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, JoinError> {
        if self.lanes.are_threads { tokio::task::spawn_blocking(batch).await } else { Ok(batch()) }
    }

    /// Its batch took a lane for so long, until now.
    pub(crate) fn took(&mut self, spent: Duration, now: Instant) {
        self.paid_until = if self.has_company(now) {
            // What it did not take before counts as paid for a while, so short bursts never wait.
            let paid = self.paid_until.max(now.checked_sub(BURST).unwrap_or(now));
            paid + spent * 100 / SHARE_PERCENT
        } else {
            // What nobody else wanted costs nothing: whoever comes later does not make it wait for that.
            now
        };
        let mut recent = self.lanes.recent();
        if let Some((number, at)) = recent.last
            && number != self.number
        {
            recent.other_at = Some(at);
        }
        recent.last = Some((self.number, now));
    }

    /// Whether another tenant worked a moment ago.
    pub(crate) fn has_company(&self, now: Instant) -> bool {
        if !self.lanes.is_paced {
            return false;
        }
        let recent = self.lanes.recent();
        let other_at = match recent.last {
            Some((number, at)) if number != self.number => Some(at),
            _ => recent.other_at,
        };
        other_at.is_some_and(|at| now.saturating_duration_since(at) < COMPANY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_tenant_alone_never_waits_and_one_that_floods_others_gets_its_share() {
        let lanes = Lanes::new(2);
        let (mut flood, mut other) = (Share::of(&lanes), Share::of(&lanes));
        let begun = Instant::now();
        for turn in 1..=100 {
            let now = begun + 10 * turn * MS;
            assert_eq!(flood.begins_at(now), None);
            flood.took(10 * MS, now);
        }
        let (mut now, end) = (begun + Duration::from_secs(1), begun + Duration::from_secs(11));
        let mut used = Duration::ZERO;
        while now < end {
            other.took(MS / 3, now);
            assert_eq!(other.begins_at(now), None, "one that takes little does not wait");
            if flood.begins_at(now).is_none() {
                flood.took(8 * MS, now + 8 * MS);
                used += 8 * MS;
            }
            now += 10 * MS;
        }
        let share = used.as_secs_f64() / 10.0 * 100.0;
        assert!(share <= f64::from(SHARE_PERCENT) + 1.0, "{share} %");
        now += COMPANY;
        flood.took(Duration::from_secs(1), now);
        assert_eq!(flood.begins_at(now), None, "the others have stopped");
    }

    #[test]
    fn what_a_tenant_took_while_it_was_alone_is_not_held_against_it() {
        let lanes = Lanes::new(2);
        let (mut import, mut other) = (Share::of(&lanes), Share::of(&lanes));
        let mut now = Instant::now();
        for _ in 0..10_000 {
            now += 8 * MS;
            import.took(8 * MS, now);
        }
        let came_at = now;
        let mut used = Duration::ZERO;
        while now < came_at + Duration::from_secs(1) {
            other.took(MS / 3, now);
            if import.begins_at(now).is_none() {
                import.took(8 * MS, now + 8 * MS);
                used += 8 * MS;
            }
            now += 10 * MS;
        }
        let share = used.as_secs_f64() * 100.0;
        assert!(share >= f64::from(SHARE_PERCENT) - 2.0, "{share} % of the second after somebody came");
    }

    #[test]
    fn plugins_of_a_tenant_take_no_more_than_its_quota_whether_others_work_or_not() {
        let lanes = Lanes::new(2);
        let mut share = Share::of(&lanes).with_quota(Some(20));
        let begun = Instant::now();
        let (mut now, mut used) = (begun, Duration::ZERO);
        while now < begun + Duration::from_secs(10) {
            match share.begins_at(now) {
                Some(at) => now = at,
                None => {
                    now += 5 * MS;
                    used += 5 * MS;
                    share.called(5 * MS, now);
                }
            }
        }
        // A fifth of ten seconds, and what was saved up before.
        assert!((2_000..2_300).contains(&used.as_millis()), "{used:?}");
        assert_eq!(Share::of(&lanes).begins_at(now), None);
    }

    #[tokio::test]
    async fn a_batch_has_a_thread_of_its_own_unless_lanes_are_none() {
        let own = std::thread::current().id();
        for (lanes, is_own) in [(Lanes::new(1), false), (Lanes::unpaced(1), false), (Lanes::in_line(), true)]
        {
            let share = Share::of(&lanes);
            let at = share.run(|| std::thread::current().id()).await.unwrap();
            assert_eq!((at == own, lanes.may_wait()), (is_own, !is_own), "{lanes:?}");
        }
    }

    #[test]
    fn lanes_without_shares_let_everybody_in() {
        let lanes = Lanes::unpaced(1);
        let (mut one, mut other) = (Share::of(&lanes), Share::of(&lanes));
        let now = Instant::now();
        other.took(Duration::from_secs(1), now);
        one.took(Duration::from_secs(1), now);
        assert_eq!((one.begins_at(now), other.begins_at(now)), (None, None));
    }
}
