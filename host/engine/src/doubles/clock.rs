//! A clock that a test moves by hand. It never moves by itself.

use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use siyu_model::clock::UtcMs;
use tokio::sync::Notify;

use crate::ports::clock::Clock;

/// A clock moved by hand, forward and back as a machine's may be. What was missed while a host was down was missed.
#[derive(Debug)]
pub struct HandClock {
    now_ms: AtomicI64,
    moved: Notify,
    is_virtual: bool,
}

impl HandClock {
    /// A clock that shows an instant of real time.
    pub fn showing(at: UtcMs) -> Self {
        Self { now_ms: AtomicI64::new(at.as_millis()), moved: Notify::new(), is_virtual: false }
    }

    /// A clock that shows an instant of virtual time, which events and timers make and which never goes back.
    pub fn virtual_at(at: UtcMs) -> Self {
        Self { is_virtual: true, ..Self::showing(at) }
    }

    /// Moves it.
    pub fn set(&self, at: UtcMs) {
        if self.is_virtual {
            self.now_ms.fetch_max(at.as_millis(), Ordering::SeqCst);
        } else {
            self.now_ms.store(at.as_millis(), Ordering::SeqCst);
        }
        self.moved.notify_waiters();
    }
}

#[async_trait]
impl Clock for HandClock {
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
