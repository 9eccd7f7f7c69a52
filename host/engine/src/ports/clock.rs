//! The clock port: where time comes from. Nothing else in the engine knows what time it is.

use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use siyu_model::clock::UtcMs;
use tokio::sync::Notify;

/// Time.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The instant up to which everything that is due may happen.
    fn now(&self) -> UtcMs;

    /// Returns once `now` has reached `at`.
    async fn sleep_until(&self, at: UtcMs);

    /// Whether time is made by events and timers instead of passing by itself. Then a command happens at the instant of
    /// its own event, and `now` is how far the driver lets time go.
    fn is_virtual(&self) -> bool {
        false
    }
}

/// The clock of the machine.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the port")]
    fn now(&self) -> UtcMs {
        let since_1970 =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        UtcMs::from_millis(i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX))
    }

    async fn sleep_until(&self, at: UtcMs) {
        // The wall clock may be set while we sleep: look again at least once a minute.
        const LOOK_AGAIN: std::time::Duration = std::time::Duration::from_secs(60);
        loop {
            let left = at.since(self.now()).to_std();
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left.min(LOOK_AGAIN)).await;
        }
    }
}

/// What a clock that somebody moves shows.
#[derive(Debug, Default)]
pub(crate) struct Dial {
    now_ms: AtomicI64,
    moved: Notify,
}

impl Dial {
    pub(crate) fn at(at: UtcMs) -> Self {
        Self { now_ms: AtomicI64::new(at.as_millis()), moved: Notify::new() }
    }

    pub(crate) fn now(&self) -> UtcMs {
        UtcMs::from_millis(self.now_ms.load(Ordering::SeqCst))
    }

    /// Moves it, forward or back.
    pub(crate) fn set(&self, at: UtcMs) {
        self.now_ms.store(at.as_millis(), Ordering::SeqCst);
        self.moved.notify_waiters();
    }

    /// Moves it forward; an earlier instant changes nothing.
    pub(crate) fn advance_to(&self, at: UtcMs) {
        self.now_ms.fetch_max(at.as_millis(), Ordering::SeqCst);
        self.moved.notify_waiters();
    }

    /// Returns once it shows `at` or later.
    pub(crate) async fn reached(&self, at: UtcMs) {
        loop {
            let moved = self.moved.notified();
            if self.now() >= at {
                return;
            }
            moved.await;
        }
    }
}

/// A clock that a driver moves: months pass in seconds. Never goes back.
#[derive(Debug, Default)]
pub struct VirtualClock(Dial);

impl VirtualClock {
    /// A clock that stands at an instant.
    pub fn starting_at(at: UtcMs) -> Self {
        Self(Dial::at(at))
    }

    /// Lets time go on to an instant; an earlier one changes nothing.
    pub fn advance_to(&self, at: UtcMs) {
        self.0.advance_to(at);
    }
}

#[async_trait]
impl Clock for VirtualClock {
    fn now(&self) -> UtcMs {
        self.0.now()
    }

    async fn sleep_until(&self, at: UtcMs) {
        self.0.reached(at).await;
    }

    fn is_virtual(&self) -> bool {
        true
    }
}
