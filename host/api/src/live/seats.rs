//! How many follow something at once: a bound a token, one a tenant where it has a quota, and one a host.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::{HeaderMap, StatusCode};
use siyu_model::limits::http::{STREAM_BEAT_MS, STREAMS_MAX, STREAMS_PER_TOKEN_MAX};
use siyu_model::name::TenantName;
use tokio::time::{Duration, Instant};

use super::Hub;
use crate::door::{Caller, Door};
use crate::problem::Problem;

const BEAT: Duration = Duration::from_millis(STREAM_BEAT_MS);

/// Who follows something.
#[derive(Debug, Default)]
pub(super) struct Seats {
    taken: Mutex<Taken>,
}

/// How many seats whoever has.
#[derive(Debug, Default)]
struct Taken {
    by_actor: HashMap<Arc<str>, usize>,
    by_tenant: HashMap<TenantName, usize>,
}

/// Whose seat it is, and how many its tenant may have.
pub(crate) struct Claim<'c> {
    pub(crate) caller: &'c Caller,
    pub(crate) tenant: &'c TenantName,
    pub(crate) quota: Option<usize>,
}

/// A place that is free again when it is dropped.
struct Seat {
    seats: Arc<Seats>,
    actor: Arc<str>,
    tenant: TenantName,
}

impl Seats {
    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many are taken.
    pub(super) fn taken(&self) -> usize {
        self.lock().by_actor.values().sum()
    }

    /// A seat for somebody; whoever comes without a token is bound by the host's number alone.
    fn take(
        self: &Arc<Self>,
        actor: &Arc<str>,
        (tenant, quota): (&TenantName, Option<usize>),
        is_open: bool,
    ) -> Result<Seat, Problem> {
        let mut taken = self.lock();
        let full = |found: usize, whose: &str| {
            let detail = format!("{found} streams of {whose} are open: close one first");
            Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "STREAMS", detail))
        };
        let all: usize = taken.by_actor.values().sum();
        if all >= STREAMS_MAX {
            return full(all, "this host");
        }
        let own = taken.by_actor.get(actor).copied().unwrap_or_default();
        if own >= STREAMS_PER_TOKEN_MAX && !is_open {
            return full(own, "this token");
        }
        let of_tenant = taken.by_tenant.get(tenant).copied().unwrap_or_default();
        if quota.is_some_and(|quota| of_tenant >= quota) {
            return full(of_tenant, "this tenant, which is its quota,");
        }
        taken.by_actor.insert(actor.clone(), own + 1);
        taken.by_tenant.insert(tenant.clone(), of_tenant + 1);
        Ok(Seat { seats: self.clone(), actor: actor.clone(), tenant: tenant.clone() })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.lock();
        one_less(&mut taken.by_actor, &self.actor);
        one_less(&mut taken.by_tenant, &self.tenant);
    }
}

fn one_less<K: Eq + Hash>(counts: &mut HashMap<K, usize>, of: &K) {
    if let Some(count) = counts.get_mut(of) {
        *count -= 1;
        if *count == 0 {
            counts.remove(of);
        }
    }
}

/// A seat whose right to it is looked at again from time to time: a stream may be open for weeks.
pub(crate) struct Watch {
    door: Arc<Door>,
    presented: Option<String>,
    /// When it is looked at next.
    next: Instant,
    _seat: Seat,
}

impl Watch {
    /// A seat for whoever asks.
    ///
    /// # Errors
    /// There are too many already.
    pub(crate) fn take(
        hub: &Hub,
        door: &Arc<Door>,
        Claim { caller, tenant, quota }: Claim<'_>,
        headers: &HeaderMap,
    ) -> Result<Self, Problem> {
        let seat = hub.seats.take(&caller.actor, (tenant, quota), door.is_open())?;
        let presented = crate::door::bearer(headers)?.map(str::to_owned);
        Ok(Self { door: door.clone(), presented, next: Instant::now() + BEAT, _seat: seat })
    }

    /// When to look again.
    pub(super) fn next(&self) -> Instant {
        self.next
    }

    /// Looks again when it is time: none while it is not, and whether whoever follows still may.
    pub(super) async fn look(&mut self) -> Option<bool> {
        if Instant::now() < self.next {
            return None;
        }
        self.next = Instant::now() + BEAT;
        Some(self.door.enter(self.presented.as_deref()).await.is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_and_a_host_have_so_many_seats_and_a_seat_that_is_left_is_free() {
        let seats: Arc<Seats> = Arc::default();
        let actor = |number: usize| -> Arc<str> { format!("token {number}").into() };
        let (shop, other): (TenantName, TenantName) = ("shop".parse().unwrap(), "other".parse().unwrap());
        let take = |number| seats.take(&actor(number), (&shop, None), false);
        let mut taken: Vec<Seat> = (0..STREAMS_PER_TOKEN_MAX).map(|_| take(0).unwrap()).collect();
        assert!(take(0).is_err(), "one token");
        taken.pop();
        taken.push(take(0).unwrap());
        for number in 1.. {
            let Ok(seat) = take(1 + number / STREAMS_PER_TOKEN_MAX) else { break };
            taken.push(seat);
        }
        assert_eq!((taken.len(), seats.taken()), (STREAMS_MAX, STREAMS_MAX));
        assert!(seats.take(&actor(0), (&shop, None), true).is_err(), "the host, whoever asks");
        taken.truncate(3);
        assert!(seats.take(&actor(9), (&shop, Some(3)), false).is_err(), "a tenant with a quota");
        let of_other = seats.take(&actor(9), (&other, Some(3)), false);
        assert!(of_other.is_ok());
        drop((taken, of_other));
        let left = seats.lock();
        assert_eq!((left.by_actor.len(), left.by_tenant.len()), (0, 0));
    }
}
