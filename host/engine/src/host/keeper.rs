//! The keeper of a host's tenants: wakes those in which something falls due, and lets those sleep in which nothing happens.

use std::sync::Arc;
use std::task::Poll;

use futures_util::StreamExt;
use futures_util::stream;
use siyu_model::clock::{DurationMs, UtcMs};

use super::room::Room;
use super::{HostError, Shared};

/// After how long a tenant that could not be opened is tried again.
const AGAIN: DurationMs = DurationMs::from_millis(10_000);

/// The keeper looks no sooner again than after this, whatever is due: it shares its thread with the tenants.
const PAUSE: DurationMs = DurationMs::from_millis(10);

/// Works until the host stops.
pub(super) async fn keep(shared: Arc<Shared>) {
    loop {
        let now = shared.ports.clock.now();
        wake_due(&shared, now).await;
        rest_idle(&shared, now).await;
        let now = shared.ports.clock.now();
        let next = next_look(&shared, now).map(|at| at.max(now + PAUSE));
        // What is ready at once would keep the thread from everybody else.
        give_way().await;
        let pause = async {
            match next {
                Some(at) => shared.ports.clock.sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = shared.stopping() => return,
            () = shared.changed.notified() => {}
            () = pause => {}
        }
    }
}

/// Lets whoever is ready go on first. It looks neither at the network nor at what other threads have done, which the
/// runtime does often enough by itself: so in a simulation the order of things is always the same.
async fn give_way() {
    let mut has_waited = false;
    std::future::poll_fn(|cx| {
        if has_waited {
            return Poll::Ready(());
        }
        has_waited = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

async fn wake_due(shared: &Shared, now: UtcMs) {
    let due = shared.rooms().into_iter().filter(|room| room.due_at().is_some_and(|due_at| due_at <= now));
    let wakings = due.map(|room| async move {
        match shared.wake(&room).await {
            Ok(_) | Err(HostError::Stopping) => {}
            Err(fault) => {
                tracing::error!(tenant = %room.name(), %fault, "a tenant cannot be woken");
                room.set_due_at(Some(now + AGAIN));
            }
        }
    });
    stream::iter(wakings).for_each_concurrent(shared.rules.turns_max, |waking| waking).await;
}

async fn rest_idle(shared: &Shared, now: UtcMs) {
    let mut awake: Vec<Arc<Room>> = shared.rooms().into_iter().filter(|room| room.is_awake()).collect();
    awake.sort_by_key(|room| room.used_at());
    let too_many = awake.len().saturating_sub(shared.rules.awake_max);
    let idle = shared.rules.idle;
    let tired = awake.into_iter().enumerate().filter_map(|(place, room)| {
        let is_idle = room.used_at() + idle <= now;
        // Where there are too many awake, those that were used longest ago sleep although something falls due soon.
        match (is_idle, place < too_many) {
            (_, true) => Some((room, now)),
            (true, false) => Some((room, now + idle)),
            (false, false) => None,
        }
    });
    stream::iter(tired)
        .for_each_concurrent(shared.rules.turns_max, |(room, soon)| async move { room.rest(soon).await })
        .await;
}

/// When the keeper looks again: when something falls due, or a tenant that is awake may be idle.
fn next_look(shared: &Shared, now: UtcMs) -> Option<UtcMs> {
    let rooms = shared.rooms();
    let due = rooms.iter().filter_map(|room| room.due_at()).min();
    // One that was idle and stayed awake is looked at again after the same time.
    let idle = rooms.iter().filter(|room| room.is_awake()).map(|room| {
        let idle_at = room.used_at() + shared.rules.idle;
        if idle_at > now { idle_at } else { now + shared.rules.idle }
    });
    due.into_iter().chain(idle).min()
}
