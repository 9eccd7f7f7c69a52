//! What a channel remembers between two deliveries, in memory only. Of several deliveries that ask for a value that nobody has, one
//! fetches it and the others wait.

use std::collections::HashMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use siyu_engine::ports::plugins::{Asked, HostError};
use siyu_model::clock::UtcMs;
use siyu_model::limits::network::{CACHE_KEY_BYTES_MAX, CACHE_VALUE_BYTES_MAX, CACHE_VALUES_MAX};

/// The cache of one channel of one tenant.
#[derive(Default)]
pub struct Cache {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    values: HashMap<String, (String, UtcMs)>,
    /// Which delivery fetches the value of a key.
    fetching: HashMap<String, u64>,
    deliveries: u64,
}

impl Cache {
    /// A delivery begins: its number.
    pub(super) fn begin(&self) -> u64 {
        let mut state = self.state();
        state.deliveries += 1;
        state.deliveries
    }

    /// A delivery is over: what it did not fetch somebody else has to.
    pub(super) fn end(&self, delivery: u64) {
        self.state().fetching.retain(|_, by| *by != delivery);
        self.changed.notify_all();
    }

    /// The value of a key; none when the delivery has to fetch it. Waits for another one that fetches it, but not beyond `until`.
    pub(super) fn get(&self, delivery: u64, key: &str, now: UtcMs, until: Instant) -> Asked<Option<String>> {
        check(key)?;
        let mut state = self.state();
        loop {
            if let Some(value) = state.value(key, now) {
                return Ok(Some(value));
            }
            match state.fetching.get(key) {
                Some(by) if *by != delivery => {}
                _ => {
                    state.fetching.insert(key.to_owned(), delivery);
                    return Ok(None);
                }
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(HostError::Limit(format!(
                    "another delivery has been fetching `{key}` for too long"
                )));
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The value of a key, if there is one.
    pub(super) fn peek(&self, key: &str, now: UtcMs) -> Asked<Option<String>> {
        check(key)?;
        Ok(self.state().value(key, now))
    }

    /// Remembers a value until an instant.
    pub(super) fn put(&self, key: &str, value: &str, expires_at: UtcMs, now: UtcMs) -> Asked<()> {
        check(key)?;
        let found = value.len();
        if found > CACHE_VALUE_BYTES_MAX {
            let why = format!(
                "the value of `{key}` has {found} bytes, at most {CACHE_VALUE_BYTES_MAX} are remembered"
            );
            return Err(HostError::Limit(why));
        }
        let mut state = self.state();
        state.values.retain(|_, (_, until)| *until > now);
        if state.values.len() >= CACHE_VALUES_MAX && !state.values.contains_key(key) {
            let why = format!("the channel remembers {CACHE_VALUES_MAX} values, which is all that it may");
            return Err(HostError::Limit(why));
        }
        state.values.insert(key.to_owned(), (value.to_owned(), expires_at));
        state.fetching.remove(key);
        drop(state);
        self.changed.notify_all();
        Ok(())
    }

    /// Forgets a value.
    pub(super) fn remove(&self, key: &str) -> Asked<()> {
        check(key)?;
        self.state().values.remove(key);
        self.changed.notify_all();
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is one statement: whoever panicked left nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn value(&self, key: &str, now: UtcMs) -> Option<String> {
        self.values.get(key).filter(|(_, until)| *until > now).map(|(value, _)| value.clone())
    }
}

fn check(key: &str) -> Asked<()> {
    let found = key.len();
    if (1..=CACHE_KEY_BYTES_MAX).contains(&found) {
        return Ok(());
    }
    Err(HostError::Invalid(format!("a key of {found} bytes, expected 1 to {CACHE_KEY_BYTES_MAX}")))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use super::*;

    const NOW: UtcMs = UtcMs::EPOCH;
    const LATER: UtcMs = UtcMs::LAST;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(20)
    }

    #[test]
    fn of_many_that_ask_one_fetches() {
        let cache = Cache::default();
        let fetched = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    let delivery = cache.begin();
                    if cache.get(delivery, "token", NOW, soon()).unwrap().is_none() {
                        fetched.fetch_add(1, Ordering::SeqCst);
                        cache.put("token", "t1", LATER, NOW).unwrap();
                    }
                    assert_eq!(cache.get(delivery, "token", NOW, soon()).unwrap().as_deref(), Some("t1"));
                    cache.end(delivery);
                });
            }
        });
        assert_eq!(fetched.into_inner(), 1);
    }

    #[test]
    fn one_that_ends_without_a_value_leaves_it_to_the_next() {
        let cache = Cache::default();
        let (first, second) = (cache.begin(), cache.begin());
        assert_eq!(cache.get(first, "token", NOW, soon()), Ok(None));
        assert_eq!(cache.get(first, "token", NOW, soon()), Ok(None), "it does not wait for itself");
        assert!(
            cache.get(second, "token", NOW, Instant::now()).is_err(),
            "it waits for no longer than it may"
        );
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| cache.get(second, "token", NOW, soon()));
            cache.end(first);
            assert_eq!(waiting.join().unwrap(), Ok(None));
        });
        assert_eq!(cache.peek("token", NOW), Ok(None), "nobody waits to look");
    }

    #[test]
    fn values_end_and_are_bounded() {
        let cache = Cache::default();
        cache.put("a", "1", LATER, NOW).unwrap();
        assert_eq!(cache.peek("a", NOW).unwrap().as_deref(), Some("1"));
        assert_eq!(cache.peek("a", LATER), Ok(None));
        cache.remove("a").unwrap();
        assert_eq!(cache.peek("a", NOW), Ok(None));
        for number in 0..CACHE_VALUES_MAX {
            cache.put(&number.to_string(), "x", LATER, NOW).unwrap();
        }
        assert!(matches!(cache.put("more", "x", LATER, NOW), Err(HostError::Limit(_))));
        cache.put("0", "y", LATER, NOW).unwrap();
        cache.remove("0").unwrap();
        cache.put("over", "x", NOW, NOW).unwrap();
        cache.put("more", "x", LATER, NOW).unwrap();
        assert!(matches!(
            cache.put("0", &"x".repeat(CACHE_VALUE_BYTES_MAX + 1), LATER, NOW),
            Err(HostError::Limit(_))
        ));
        for key in ["", &"k".repeat(CACHE_KEY_BYTES_MAX + 1)] {
            assert!(matches!(cache.peek(key, NOW), Err(HostError::Invalid(_))));
        }
    }
}
