//! How many follow something at once: a bound a token, and one a host.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::{HeaderMap, StatusCode};
use siyu_model::limits::http::{STREAM_BEAT_MS, STREAMS_MAX, STREAMS_PER_TOKEN_MAX};
use tokio::time::{Duration, Instant};

use super::Hub;
use crate::door::{Caller, Door};
use crate::problem::Problem;

const BEAT: Duration = Duration::from_millis(STREAM_BEAT_MS);

/// Who follows something.
#[derive(Debug, Default)]
pub(super) struct Seats {
    by_actor: Mutex<HashMap<Arc<str>, usize>>,
}

/// A place that is free again when it is dropped.
struct Seat {
    seats: Arc<Seats>,
    actor: Arc<str>,
}

impl Seats {
    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, usize>> {
        self.by_actor.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many are taken.
    pub(super) fn taken(&self) -> usize {
        self.lock().values().sum()
    }

    /// A seat for somebody; whoever comes without a token is bound by the host's number alone.
    fn take(self: &Arc<Self>, actor: &Arc<str>, is_open: bool) -> Result<Seat, Problem> {
        let mut by_actor = self.lock();
        let full = |found: usize, whose: &str| {
            let detail = format!("{found} streams of {whose} are open: close one first");
            Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "STREAMS", detail))
        };
        let all: usize = by_actor.values().sum();
        if all >= STREAMS_MAX {
            return full(all, "this host");
        }
        let own = by_actor.get(actor).copied().unwrap_or_default();
        if own >= STREAMS_PER_TOKEN_MAX && !is_open {
            return full(own, "this token");
        }
        by_actor.insert(actor.clone(), own + 1);
        Ok(Seat { seats: self.clone(), actor: actor.clone() })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut by_actor = self.seats.lock();
        if let Some(count) = by_actor.get_mut(&self.actor) {
            *count -= 1;
            if *count == 0 {
                by_actor.remove(&self.actor);
            }
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
        caller: &Caller,
        headers: &HeaderMap,
    ) -> Result<Self, Problem> {
        let seat = hub.seats.take(&caller.actor, door.is_open())?;
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
        let take = |number| seats.take(&actor(number), false);
        let mut taken: Vec<Seat> = (0..STREAMS_PER_TOKEN_MAX).map(|_| take(0).unwrap()).collect();
        assert!(take(0).is_err(), "one token");
        taken.pop();
        taken.push(take(0).unwrap());
        for number in 1.. {
            let Ok(seat) = take(1 + number / STREAMS_PER_TOKEN_MAX) else { break };
            taken.push(seat);
        }
        assert_eq!((taken.len(), seats.taken()), (STREAMS_MAX, STREAMS_MAX));
        assert!(seats.take(&actor(0), true).is_err(), "the host, whoever asks");
        drop(taken);
        assert_eq!((seats.taken(), seats.lock().len()), (0, 0));
    }
}
