//! Replaying a file of events: on a virtual clock months in seconds, or as it comes, and after a crash from where it was
//! durable.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use siyu_model::clock::{DurationMs, UtcMs};
use siyu_model::event::IncomingEvent;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::admit::Refused;
use crate::ports::clock::{Clock, VirtualClock};
use crate::tenant::{Admitted, Tenant, Unavailable};

/// Events whose answers are waited for at once.
const ON_THEIR_WAY_MAX: usize = 4_096;
/// How often a clock that goes at a speed is moved: often enough for the eye, seldom enough to cost nothing.
const MOVE_EVERY: Duration = Duration::from_millis(20);

/// A replay of one feed into one tenant.
pub struct Replay<'a> {
    /// The tenant.
    pub tenant: &'a Tenant,
    /// Its time.
    pub time: ReplayTime<'a>,
    /// The name under which the tenant remembers how far it read.
    pub feed: Arc<str>,
}

/// How time passes while events are replayed.
#[derive(Clone, Copy)]
pub enum ReplayTime<'a> {
    /// The tenant's clock is this one, and goes on with the events as fast as they are done.
    Fast(&'a VirtualClock),
    /// The tenant's clock is this one, and goes so many times faster than the machine's; more than 0.
    Speed(&'a VirtualClock, f64),
    /// The tenant's clock goes by itself: events are handed in at once, whatever their time is.
    Passing(&'a dyn Clock),
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

/// Why a replay stopped. What was taken in before stays and nothing after it was; the replay can be begun again, and goes
/// on with the event that stopped it.
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
        let mut pace = None;
        for (event, place) in events.into_iter().zip(1u64..) {
            let event = event.map_err(|source| ReplayError::Read { place, source })?;
            let at = self.instant_of(&event, last).map_err(|what| ReplayError::Order { place, what })?;
            last = at;
            if place <= replayed.skipped {
                continue;
            }
            if let ReplayTime::Speed(clock, speed) = self.time {
                pace.get_or_insert_with(|| Pace::begin(clock, at, speed)).pass_until(at).await;
            }
            let (reply, answer) = oneshot::channel();
            self.tenant.feed(event, (self.feed.clone(), place), Some(reply)).await?;
            self.go_on_to(at);
            sent.push_back(Sent { place, at, answer });
            // Whoever watches a replay at a speed hears of each event when it is durable.
            let wait_max = if pace.is_some() { 0 } else { ON_THEIR_WAY_MAX };
            take_answers(&mut sent, wait_max, &mut replayed, &mut seen).await?;
        }
        take_answers(&mut sent, 0, &mut replayed, &mut seen).await?;
        match (until, self.time) {
            (None, _) => {}
            (Some(until), ReplayTime::Fast(clock)) => clock.advance_to(until),
            (Some(until), ReplayTime::Speed(clock, speed)) => {
                pace.unwrap_or_else(|| Pace::begin(clock, clock.now(), speed)).pass_until(until).await;
            }
            (Some(until), ReplayTime::Passing(clock)) => clock.sleep_until(until).await,
        }
        self.tenant.settle().await?;
        Ok(replayed)
    }

    /// When an event happens. Where time is made by events they must carry it, in order.
    fn instant_of(&self, event: &IncomingEvent, last: UtcMs) -> Result<UtcMs, String> {
        if let ReplayTime::Passing(clock) = self.time {
            return Ok(event.time.unwrap_or_else(|| clock.now()));
        }
        let at = event.time.ok_or_else(|| "has no `time`".to_owned())?;
        if at < last { Err(format!("is of {at}, and the one before it of {last}")) } else { Ok(at) }
    }

    fn go_on_to(&self, at: UtcMs) {
        if let ReplayTime::Fast(clock) | ReplayTime::Speed(clock, _) = self.time {
            clock.advance_to(at);
        }
    }
}

/// A virtual clock that goes at a speed.
struct Pace<'a> {
    clock: &'a VirtualClock,
    from: UtcMs,
    began: Instant,
    speed: f64,
}

impl<'a> Pace<'a> {
    fn begin(clock: &'a VirtualClock, from: UtcMs, speed: f64) -> Self {
        Self { clock, from: from.max(clock.now()), began: Instant::now(), speed }
    }

    /// Returns once the clock has come to an instant on its own.
    async fn pass_until(&self, at: UtcMs) {
        let real = |virtual_ms: u64| Duration::try_from_secs_f64(virtual_ms as f64 / self.speed / 1_000.0);
        loop {
            let passed_ms = (self.began.elapsed().as_secs_f64() * 1_000.0 * self.speed) as u64;
            let now = self.from + DurationMs::from_millis(passed_ms);
            if now >= at {
                return;
            }
            self.clock.advance_to(now);
            tokio::time::sleep(real(at.since(now).as_millis()).unwrap_or(MOVE_EVERY).min(MOVE_EVERY)).await;
        }
    }
}

/// Takes the answers that are there, and waits for the oldest ones until at most `wait_max` are still on their way.
async fn take_answers<E: std::error::Error + 'static>(
    sent: &mut VecDeque<Sent>,
    wait_max: usize,
    replayed: &mut Replayed,
    seen: &mut impl FnMut(Progress),
) -> Result<(), ReplayError<E>> {
    while let Some(mut first) = sent.pop_front() {
        let answer = match first.answer.try_recv() {
            Err(oneshot::error::TryRecvError::Empty) if sent.len() < wait_max => {
                sent.push_front(first);
                return Ok(());
            }
            Err(oneshot::error::TryRecvError::Empty) => {
                first.answer.await.unwrap_or_else(|_| Err(Unavailable::unanswered()))
            }
            Err(oneshot::error::TryRecvError::Closed) => Err(Unavailable::unanswered()),
            Ok(answer) => answer,
        };
        match answer? {
            Admitted::Recorded { admission, .. } => {
                replayed.events += 1;
                replayed.duplicates += u64::from(admission.is_duplicate);
                replayed.runs += admission.started.len() as u64;
                seen(Progress { events: first.place, at: first.at });
            }
            Admitted::Refused(why) => return Err(ReplayError::Refused { place: first.place, why }),
        }
    }
    Ok(())
}
