//! Replaying a file of events on a virtual clock: months in seconds, and after a crash from where it was durable.

use std::collections::VecDeque;
use std::sync::Arc;

use siyu_model::clock::UtcMs;
use siyu_model::event::IncomingEvent;
use tokio::sync::oneshot;

use crate::admit::Refused;
use crate::ports::clock::VirtualClock;
use crate::tenant::{Admitted, Tenant, Unavailable};

/// Events whose answers are waited for at once.
const ON_THEIR_WAY_MAX: usize = 4_096;

/// A replay of one feed into one tenant.
pub struct Replay<'a> {
    /// The tenant; its clock is `clock`.
    pub tenant: &'a Tenant,
    /// Goes on with the events.
    pub clock: &'a VirtualClock,
    /// The name under which the tenant remembers how far it read.
    pub feed: Arc<str>,
}

/// How far a replay is: all of it durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Events of the feed that are durable.
    pub events: u64,
    /// When the last of them happened.
    pub at: UtcMs,
}

/// What a replay did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Events taken in now.
    pub events: u64,
    /// Events that were durable before.
    pub skipped: u64,
    /// Events that had been recorded under another feed.
    pub duplicates: u64,
    /// Runs that they started.
    pub runs: u64,
}

/// Why a replay stopped. What was taken in stays; the replay can be begun again.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError<E: std::error::Error + 'static> {
    /// The feed could not be read.
    #[error("event {place}: {source}")]
    Read {
        /// The place of the event, from 1.
        place: u64,
        /// Why.
        source: E,
    },
    /// An event without an instant, or before the one before it.
    #[error("event {place} {what}: events of a replay carry their `time`, and come in its order")]
    Order {
        /// The place of the event, from 1.
        place: u64,
        /// What is wrong.
        what: String,
    },
    /// The tenant does not take it.
    #[error("event {place} is refused: {why}")]
    Refused {
        /// The place of the event, from 1.
        place: u64,
        /// Why.
        why: Refused,
    },
    /// The tenant stopped or failed.
    #[error(transparent)]
    Tenant(#[from] Unavailable),
}

/// An answer that is waited for.
struct Sent {
    place: u64,
    at: UtcMs,
    answer: oneshot::Receiver<Result<Admitted, Unavailable>>,
}

impl Replay<'_> {
    /// Takes in all events, then lets time pass until `until`. `seen` hears how much is durable.
    pub async fn run<E: std::error::Error + 'static>(
        &self,
        events: impl IntoIterator<Item = Result<IncomingEvent, E>>,
        until: Option<UtcMs>,
        mut seen: impl FnMut(Progress),
    ) -> Result<Replayed, ReplayError<E>> {
        let mut replayed = Replayed { skipped: self.tenant.fed(&self.feed).await?, ..Replayed::default() };
        let mut sent: VecDeque<Sent> = VecDeque::new();
        let mut last = UtcMs::EPOCH;
        for (event, place) in events.into_iter().zip(1u64..) {
            let event = event.map_err(|source| ReplayError::Read { place, source })?;
            let at = instant_of(&event, last).map_err(|what| ReplayError::Order { place, what })?;
            last = at;
            if place <= replayed.skipped {
                continue;
            }
            let (reply, answer) = oneshot::channel();
            self.tenant.feed(event, (self.feed.clone(), place), Some(reply)).await?;
            self.clock.advance_to(at);
            sent.push_back(Sent { place, at, answer });
            while sent.len() >= ON_THEIR_WAY_MAX {
                take_first(&mut sent, &mut replayed, &mut seen).await?;
            }
        }
        while !sent.is_empty() {
            take_first(&mut sent, &mut replayed, &mut seen).await?;
        }
        if let Some(until) = until {
            self.clock.advance_to(until);
        }
        self.tenant.settle().await?;
        Ok(replayed)
    }
}

fn instant_of(event: &IncomingEvent, last: UtcMs) -> Result<UtcMs, String> {
    let at = event.time.ok_or_else(|| "has no `time`".to_owned())?;
    if at < last { Err(format!("is of {at}, and the one before it of {last}")) } else { Ok(at) }
}

async fn take_first<E: std::error::Error + 'static>(
    sent: &mut VecDeque<Sent>,
    replayed: &mut Replayed,
    seen: &mut impl FnMut(Progress),
) -> Result<(), ReplayError<E>> {
    let Some(Sent { place, at, answer }) = sent.pop_front() else {
        return Ok(());
    };
    match answer.await.unwrap_or_else(|_| Err(Unavailable::unanswered()))? {
        Admitted::Recorded { admission, .. } => {
            replayed.events += 1;
            replayed.duplicates += u64::from(admission.is_duplicate);
            replayed.runs += admission.started.len() as u64;
            seen(Progress { events: place, at });
            Ok(())
        }
        Admitted::Refused(why) => Err(ReplayError::Refused { place, why }),
    }
}
