//! The way into a tenant: as many commands as it may hold, and as many as it comes to in time.
//!
//! A queue that is bounded by its length alone answers late instead of saying no when more comes than is done: whoever waits
//! behind thousands has given up when their turn comes, and asks again. So what the outside hands in is refused, too, once a
//! queue of some length stands whose end would wait longer than [`Settings::inbox_wait_max_ms`].

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use siyu_model::clock::UtcMs;
use siyu_model::limits::executor::INBOX_ALWAYS_TAKEN;
use siyu_model::name::TenantName;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::command::{Command, Queued, Unavailable, Wish};
use super::settings::Settings;
use crate::traces;

/// So many commands must stand before one for its waiting to say how fast they are done: before that it waits for a commit.
const AHEAD_MIN: usize = 32;
/// How much what is measured now counts against what was measured before: one part in so many.
const WEIGHT: u64 = 32;

/// Where commands are put in.
pub(super) struct Inbox {
    tenant: TenantName,
    commands: mpsc::Sender<Command>,
    pace: Arc<Pace>,
    wait_max: Duration,
}

/// How long a tenant takes for a command, as those saw it who waited behind others: plugins, commits and the turns of other
/// tenants are in it.
#[derive(Debug, Default)]
pub(super) struct Pace {
    nanos: AtomicU64,
}

impl Inbox {
    /// An inbox, and its other end.
    pub(super) fn new(tenant: TenantName, settings: &Settings) -> (Self, mpsc::Receiver<Command>, Arc<Pace>) {
        let (commands, taken) = mpsc::channel(settings.inbox_max);
        let pace = Arc::new(Pace::default());
        let wait_max = Duration::from_millis(settings.inbox_wait_max_ms);
        (Self { tenant, commands, pace: pace.clone(), wait_max }, taken, pace)
    }

    /// For what the outside wants: a full inbox refuses, and one that would answer late.
    pub(super) fn offer(&self, at: UtcMs, wish: Wish) -> Result<(), Unavailable> {
        let command = self.command(at, wish);
        let ahead = command.queued.ahead;
        if ahead >= INBOX_ALWAYS_TAKEN && self.pace.wait_behind(ahead) > self.wait_max {
            return Err(Unavailable::Busy);
        }
        self.commands.try_send(command).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => Unavailable::Busy,
            mpsc::error::TrySendError::Closed(_) => Unavailable::Stopped,
        })
    }

    /// For what operators want, and what is durable elsewhere until it is answered: waits for room.
    pub(super) async fn insist(&self, at: UtcMs, wish: Wish) -> Result<(), Unavailable> {
        let room = self.commands.reserve().await.map_err(|_| Unavailable::Stopped)?;
        room.send(self.command(at, wish));
        Ok(())
    }

    /// Commands that wait.
    pub(super) fn waiting(&self) -> usize {
        self.commands.max_capacity() - self.commands.capacity()
    }

    fn command(&self, at: UtcMs, wish: Wish) -> Command {
        let queued = Queued { since: Instant::now(), ahead: self.waiting() };
        Command { at, span: traces::command(&self.tenant, &wish), queued, wish }
    }
}

impl Pace {
    /// Learns from a command that comes to its turn.
    pub(super) fn learn(&self, queued: &Queued, now: Instant) {
        if queued.ahead < AHEAD_MIN {
            return;
        }
        let waited = now.saturating_duration_since(queued.since).as_nanos();
        let each = u64::try_from(waited / queued.ahead as u128).unwrap_or(u64::MAX);
        let known = self.nanos.load(Ordering::Relaxed);
        let learned = if known == 0 { each } else { known - known / WEIGHT + each / WEIGHT };
        // The executor alone learns.
        self.nanos.store(learned, Ordering::Relaxed);
    }

    /// How long a command waits behind others, as far as is known.
    fn wait_behind(&self, ahead: usize) -> Duration {
        Duration::from_nanos(self.nanos.load(Ordering::Relaxed).saturating_mul(ahead as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queued(ahead: usize, waited: Duration, now: Instant) -> Queued {
        Queued { since: now - waited, ahead }
    }

    #[tokio::test(start_paused = true)]
    async fn the_pace_is_what_those_who_waited_saw() {
        tokio::time::advance(Duration::from_secs(3_600)).await;
        let (pace, now) = (Pace::default(), Instant::now());
        assert_eq!(pace.wait_behind(8_192), Duration::ZERO, "nothing is known: nobody is refused");
        // Alone, the time of a commit is no time of a queue.
        pace.learn(&queued(AHEAD_MIN - 1, Duration::from_secs(60), now), now);
        assert_eq!(pace.wait_behind(8_192), Duration::ZERO);
        pace.learn(&queued(1_000, Duration::from_millis(200), now), now);
        assert_eq!(pace.wait_behind(5_000), Duration::from_secs(1));
        // A store that stood still for a while is forgotten within a batch.
        pace.learn(&queued(100, Duration::from_secs(600), now), now);
        assert!(pace.wait_behind(1_000) > Duration::from_secs(60));
        for _ in 0..512 {
            pace.learn(&queued(1_000, Duration::from_millis(200), now), now);
        }
        let wait = pace.wait_behind(5_000);
        assert!((900..1_100).contains(&wait.as_millis()), "{wait:?}");
        // Nothing overflows, whatever is measured.
        pace.learn(&queued(AHEAD_MIN, Duration::from_secs(3_500), now), now);
        assert!(pace.wait_behind(usize::MAX) > Duration::from_secs(1));
    }
}
