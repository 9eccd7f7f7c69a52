//! A quota of events a second for each tenant, at this host: who hands in more is told when to come again.
//!
//! It is a bucket that fills at the quota and holds what two seconds bring. A batch is taken in whole while there is
//! anything in the bucket, and what it takes too much is owed: so a batch of any size passes in the end.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use siyu_model::limits::http::QUOTA_SAVED_S;
use siyu_model::name::TenantName;
use tokio::time::Instant;

use crate::problem::Problem;

/// Tenants of which something is remembered; those whose buckets are full again are forgotten first.
const REMEMBERED_MAX: usize = 4_096;

/// Events a second that each tenant may hand in.
pub(crate) struct Quota {
    per_second: u32,
    buckets: Mutex<HashMap<TenantName, Bucket>>,
}

struct Bucket {
    /// Events that may come at once; below 0 they are owed.
    events: f64,
    at: Instant,
}

impl Quota {
    /// So many events a second, at least 1.
    pub(crate) fn of(per_second: u32) -> Self {
        Self { per_second: per_second.max(1), buckets: Mutex::default() }
    }

    fn most(&self) -> f64 {
        f64::from(self.per_second) * QUOTA_SAVED_S as f64
    }

    fn filled(&self, bucket: &Bucket, now: Instant) -> f64 {
        let came = now.saturating_duration_since(bucket.at).as_secs_f64() * f64::from(self.per_second);
        (bucket.events + came).min(self.most())
    }

    /// Takes room for so many events.
    ///
    /// # Errors
    /// The tenant handed in too many; the answer says when to come again.
    pub(crate) fn take(&self, tenant: &TenantName, events: usize, now: Instant) -> Result<(), Problem> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= REMEMBERED_MAX && !buckets.contains_key(tenant) {
            buckets.retain(|_, bucket| self.filled(bucket, now) < self.most());
        }
        let bucket = buckets.entry(tenant.clone()).or_insert(Bucket { events: self.most(), at: now });
        bucket.events = self.filled(bucket, now);
        bucket.at = now;
        if bucket.events >= 1.0 {
            bucket.events -= events as f64;
            return Ok(());
        }
        let wait_s = ((1.0 - bucket.events) / f64::from(self.per_second)).ceil().max(1.0);
        // As many seconds as a quota of one a second owes for the largest batch: it fits.
        let wait_s = wait_s as u64;
        let found = self.per_second;
        let detail =
            format!("more than {found} events a second for this tenant: hand them in again in {wait_s} s");
        Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "QUOTA", detail).after(wait_s))
    }

    /// What is left, as answers say it (draft-ietf-httpapi-ratelimit-headers-11).
    pub(crate) fn tell(&self, tenant: &TenantName, now: Instant, answer: impl IntoResponse) -> Response {
        let mut response = answer.into_response();
        let buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let left = buckets.get(tenant).map_or(self.most(), |bucket| self.filled(bucket, now)).max(0.0);
        let policy = format!("\"events\";q={};w={QUOTA_SAVED_S}", self.most() as u64);
        for (name, text) in
            [("ratelimit-policy", policy), ("ratelimit", format!("\"events\";r={}", left as u64))]
        {
            if let Ok(value) = HeaderValue::from_str(&text) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_over_the_quota_is_owed_and_told_when_to_come_again() {
        let quota = Quota::of(10);
        let tenant: TenantName = "shop".parse().unwrap();
        let other: TenantName = "other".parse().unwrap();
        let begun = Instant::now();
        let after = |ms| begun + Duration::from_millis(ms);
        let take = |tenant, events, ms| quota.take(tenant, events, after(ms)).is_ok();
        for (events, ms, is_taken) in [
            // Two seconds are saved up, and a batch may take more than there is.
            (19, 0, true),
            (51, 0, true),
            (1, 0, false),
            (1, 4_900, false),
            (1, 5_200, true),
            (1, 5_200, true),
            (1, 5_200, false),
            // No more than two seconds is ever saved.
            (20, 600_000, true),
            (1, 600_000, false),
        ] {
            assert_eq!(take(&tenant, events, ms), is_taken, "{events} at {ms} ms");
        }
        assert!(take(&other, 1, 600_000), "each tenant has its own");
        let wait = |ms| quota.take(&tenant, 1, after(ms)).unwrap_err().after_s();
        assert!(take(&tenant, 100, 600_100));
        assert_eq!(wait(600_100), 10, "99 owed, and one to take");
    }
}
