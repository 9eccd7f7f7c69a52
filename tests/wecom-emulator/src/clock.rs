//! What time it is: the machine's, or one that a test moves. Nothing else here asks for the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Where the time comes from. Copies show the same time.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    by_hand: Option<Arc<AtomicI64>>,
}

impl Clock {
    /// The machine's.
    pub fn system() -> Self {
        Self::default()
    }

    /// One that stands at an instant, in milliseconds since 1970 in UTC, until it is moved.
    pub fn by_hand(now_ms: i64) -> Self {
        Self { by_hand: Some(Arc::new(AtomicI64::new(now_ms))) }
    }

    /// Milliseconds since 1970 in UTC.
    pub fn now_ms(&self) -> i64 {
        match &self.by_hand {
            Some(now) => now.load(Ordering::SeqCst),
            None => system_ms(),
        }
    }

    /// Moves a clock by hand; says whether it is one.
    pub fn advance_ms(&self, by_ms: i64) -> bool {
        self.by_hand.as_ref().map(|now| now.fetch_add(by_ms, Ordering::SeqCst)).is_some()
    }
}

#[expect(clippy::disallowed_methods, reason = "this is where the emulator's time comes from")]
fn system_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
