//! A clock that a test moves by hand. It never moves by itself.

use async_trait::async_trait;
use siyu_model::clock::UtcMs;

use crate::ports::clock::{Clock, Dial};

/// A clock moved by hand, forward and back as a machine's may be. What was missed while a host was down was missed.
#[derive(Debug)]
pub struct HandClock {
    dial: Dial,
    is_virtual: bool,
}

impl HandClock {
    /// A clock that shows an instant of real time.
    pub fn showing(at: UtcMs) -> Self {
        Self { dial: Dial::at(at), is_virtual: false }
    }

    /// A clock that shows an instant of virtual time, which events and timers make and which never goes back.
    pub fn virtual_at(at: UtcMs) -> Self {
        Self { is_virtual: true, ..Self::showing(at) }
    }

    /// Moves it.
    pub fn set(&self, at: UtcMs) {
        if self.is_virtual {
            self.dial.advance_to(at);
        } else {
            self.dial.set(at);
        }
    }
}

#[async_trait]
impl Clock for HandClock {
    fn now(&self) -> UtcMs {
        self.dial.now()
    }

    async fn sleep_until(&self, at: UtcMs) {
        self.dial.reached(at).await;
    }

    fn is_virtual(&self) -> bool {
        self.is_virtual
    }
}
