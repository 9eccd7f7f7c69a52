//! The clock of a simulated host: it stands still until the simulation moves it, forward or back.

use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use siyu_engine::ports::clock::Clock;
use siyu_model::clock::UtcMs;
use tokio::sync::Notify;

/// A clock that is moved from outside.
pub(crate) struct SimClock {
    now_ms: AtomicI64,
    moved: Notify,
    is_virtual: bool,
}

impl SimClock {
    /// A clock that shows an instant; of virtual time, where events carry their instants, or of real time.
    pub(crate) fn showing(at: UtcMs, is_virtual: bool) -> Self {
        Self { now_ms: AtomicI64::new(at.as_millis()), moved: Notify::new(), is_virtual }
    }

    /// Moves it. A clock of virtual time never goes back.
    pub(crate) fn set(&self, at: UtcMs) {
        if self.is_virtual {
            self.now_ms.fetch_max(at.as_millis(), Ordering::SeqCst);
        } else {
            self.now_ms.store(at.as_millis(), Ordering::SeqCst);
        }
        self.moved.notify_waiters();
    }
}

#[async_trait]
impl Clock for SimClock {
    fn now(&self) -> UtcMs {
        UtcMs::from_millis(self.now_ms.load(Ordering::SeqCst))
    }

    async fn sleep_until(&self, at: UtcMs) {
        loop {
            let moved = self.moved.notified();
            if self.now() >= at {
                return;
            }
            moved.await;
        }
    }

    fn is_virtual(&self) -> bool {
        self.is_virtual
    }
}
