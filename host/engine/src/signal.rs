//! Something that happens once: whoever waits for it is woken then, in the order in which they came.
//!
//! It carries nothing, and is never taken back. A `watch` of tokio wakes those who wait in an order that it draws for itself, so
//! that a simulation would go another way each time.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// Something that happens once.
#[derive(Debug, Default)]
pub(crate) struct Signal {
    is_given: AtomicBool,
    given: Notify,
}

impl Signal {
    /// It happens; again it changes nothing.
    pub(crate) fn give(&self) {
        self.is_given.store(true, Ordering::SeqCst);
        self.given.notify_waiters();
    }

    /// Whether it has happened.
    pub(crate) fn is_given(&self) -> bool {
        self.is_given.load(Ordering::SeqCst)
    }

    /// Returns once it has happened.
    pub(crate) async fn wait(&self) {
        // Made before the look, it hears of what happens after.
        let given = self.given.notified();
        if !self.is_given() {
            given.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::Signal;

    #[tokio::test]
    async fn who_waits_is_woken_in_the_order_in_which_they_came_and_who_comes_later_does_not_wait() {
        let (signal, woken) = (Arc::new(Signal::default()), Arc::new(Mutex::new(Vec::new())));
        let wait = |number: usize| {
            let (signal, woken) = (signal.clone(), woken.clone());
            tokio::spawn(async move {
                signal.wait().await;
                woken.lock().unwrap().push(number);
            })
        };
        let waiting: Vec<_> = (0..20).map(wait).collect();
        tokio::task::yield_now().await;
        assert!(!signal.is_given());
        signal.give();
        for task in waiting {
            task.await.unwrap();
        }
        assert_eq!(*woken.lock().unwrap(), (0..20).collect::<Vec<_>>());
        signal.give();
        signal.wait().await;
    }
}
