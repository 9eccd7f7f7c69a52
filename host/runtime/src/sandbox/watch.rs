//! How long a call may take: the time for which its thread has a processor.
//!
//! Not the wall clock: on a busy machine a thread may wait for seconds, and a run must not fail for that.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// The time of one call, on the thread that it begins and ends on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Watch {
    begun: Instant,
    begun_cpu: Duration,
    limit: Duration,
}

impl Watch {
    /// Begins now.
    pub(crate) fn start(limit: Duration) -> Self {
        Self { begun: Instant::now(), begun_cpu: cpu_of_thread(), limit }
    }

    /// Whether the thread has had a processor for longer than the limit.
    pub(crate) fn is_over(&self) -> bool {
        // Never more than has passed on the wall clock, which costs a tenth to read.
        self.begun.elapsed() >= self.limit && cpu_of_thread().saturating_sub(self.begun_cpu) >= self.limit
    }

    /// What has passed on the wall clock.
    pub(crate) fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }
}

fn cpu_of_thread() -> Duration {
    // It is neither before its epoch nor beyond what a duration can say.
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_does_not_count_and_computing_does() {
        let limit = Duration::from_millis(20);
        let waiting = Watch::start(limit);
        // The passing of time is what is tested.
        std::thread::sleep(3 * limit);
        assert!(waiting.elapsed() > limit && !waiting.is_over());
        let computing = Watch::start(limit);
        while !computing.is_over() {
            std::hint::spin_loop();
        }
        assert!(computing.elapsed() >= limit);
    }
}
