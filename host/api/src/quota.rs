//! Quotas of tenants at this host: events a second, and the size of what they keep. Who is over is told when to come again.
//!
//! Events are a bucket that fills at the quota and holds what two seconds bring. A batch is taken in whole while there is
//! anything in the bucket, and what it takes too much is owed: so a batch of any size passes in the end.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use siyu_engine::ports::inspect::InspectError;
use siyu_model::limits::http::{QUOTA_SAVED_S, STORAGE_LOOK_S};
use siyu_model::name::TenantName;
use siyu_model::quota::QuotaTable;
use tokio::time::Instant;

use crate::Inspectors;
use crate::problem::Problem;

/// Tenants of which something is remembered; those whose buckets are full again are forgotten first.
const REMEMBERED_MAX: usize = 4_096;
/// How long what was measured of a tenant's storage is good.
const STORAGE_LOOK: Duration = Duration::from_secs(STORAGE_LOOK_S);

/// What tenants may use of this host.
#[derive(Default)]
pub(crate) struct Quota {
    table: Arc<QuotaTable>,
    buckets: Mutex<HashMap<TenantName, Bucket>>,
    stores: Mutex<HashMap<TenantName, Measured>>,
}

struct Bucket {
    /// Events that may come at once; below 0 they are owed.
    events: f64,
    at: Instant,
}

/// What a tenant kept when somebody looked.
#[derive(Clone, Copy)]
struct Measured {
    bytes: u64,
    at: Instant,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a bucket holds at most.
fn most(per_second: u32) -> f64 {
    f64::from(per_second) * QUOTA_SAVED_S as f64
}

fn filled(bucket: &Bucket, per_second: u32, now: Instant) -> f64 {
    let came = now.saturating_duration_since(bucket.at).as_secs_f64() * f64::from(per_second);
    (bucket.events + came).min(most(per_second))
}

impl Quota {
    /// The quotas of a host's tenants.
    pub(crate) fn of(table: Arc<QuotaTable>) -> Self {
        Self { table, ..Self::default() }
    }

    fn per_second(&self, tenant: &TenantName) -> Option<u32> {
        self.table.of(tenant).events_per_second.map(|per_second| per_second.max(1))
    }

    /// How many streams of a tenant may be open at once.
    pub(crate) fn streams(&self, tenant: &TenantName) -> Option<usize> {
        self.table.of(tenant).streams.map(|streams| usize::try_from(streams).unwrap_or(usize::MAX))
    }

    /// Takes room for so many events.
    ///
    /// # Errors
    /// The tenant handed in too many; the answer says when to come again.
    pub(crate) fn take(&self, tenant: &TenantName, events: usize, now: Instant) -> Result<(), Problem> {
        let Some(per_second) = self.per_second(tenant) else { return Ok(()) };
        let mut buckets = lock(&self.buckets);
        if buckets.len() >= REMEMBERED_MAX && !buckets.contains_key(tenant) {
            let is_full = |tenant: &TenantName, bucket: &Bucket| {
                let per_second = self.per_second(tenant).unwrap_or(1);
                filled(bucket, per_second, now) >= most(per_second)
            };
            buckets.retain(|tenant, bucket| !is_full(tenant, bucket));
        }
        let bucket = buckets.entry(tenant.clone()).or_insert(Bucket { events: most(per_second), at: now });
        bucket.events = filled(bucket, per_second, now);
        bucket.at = now;
        if bucket.events >= 1.0 {
            bucket.events -= events as f64;
            return Ok(());
        }
        let wait_s = ((1.0 - bucket.events) / f64::from(per_second)).ceil().max(1.0);
        // As many seconds as a quota of one a second owes for the largest batch: it fits.
        let wait_s = wait_s as u64;
        let detail = format!(
            "more than {per_second} events a second for this tenant: hand them in again in {wait_s} s"
        );
        Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "QUOTA", detail).after(wait_s))
    }

    /// Whether what a tenant keeps is within its quota, as it was measured at most ten seconds ago.
    ///
    /// # Errors
    /// It is not, or it cannot be measured.
    pub(crate) async fn has_storage(
        &self,
        tenant: &TenantName,
        inspectors: &dyn Inspectors,
    ) -> Result<(), Problem> {
        let Some(quota_mib) = self.table.of(tenant).storage_mib else { return Ok(()) };
        let now = Instant::now();
        let known = lock(&self.stores).get(tenant).copied();
        let bytes = match known.filter(|known| now.saturating_duration_since(known.at) < STORAGE_LOOK) {
            Some(known) => known.bytes,
            None => {
                // A tenant that is not there yet keeps nothing.
                let bytes = match inspectors.of(tenant).await.map_err(InspectError::from)? {
                    Some(inspect) => inspect.bytes().await?,
                    None => 0,
                };
                let mut stores = lock(&self.stores);
                if stores.len() >= REMEMBERED_MAX {
                    stores.retain(|_, known| now.saturating_duration_since(known.at) < STORAGE_LOOK);
                }
                stores.insert(tenant.clone(), Measured { bytes, at: now });
                bytes
            }
        };
        let used_mib = bytes >> 20;
        if used_mib < quota_mib {
            return Ok(());
        }
        let detail = format!(
            "the tenant keeps {used_mib} MiB and its quota is {quota_mib} MiB: nothing more comes in; what is under way goes on"
        );
        Err(Problem::new(StatusCode::INSUFFICIENT_STORAGE, "STORAGE", detail).after(STORAGE_LOOK_S))
    }

    /// What is left, as answers say it (draft-ietf-httpapi-ratelimit-headers-11).
    pub(crate) fn tell(&self, tenant: &TenantName, now: Instant, answer: impl IntoResponse) -> Response {
        let mut response = answer.into_response();
        let Some(per_second) = self.per_second(tenant) else { return response };
        let most = most(per_second);
        let left = lock(&self.buckets).get(tenant).map_or(most, |bucket| filled(bucket, per_second, now));
        let policy = format!("\"events\";q={};w={QUOTA_SAVED_S}", most as u64);
        let left = format!("\"events\";r={}", left.max(0.0) as u64);
        for (name, text) in [("ratelimit-policy", policy), ("ratelimit", left)] {
            if let Ok(value) = HeaderValue::from_str(&text) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use siyu_model::quota::Quotas;

    use super::*;

    #[test]
    fn what_is_over_the_quota_is_owed_and_told_when_to_come_again() {
        let all = Quotas { events_per_second: Some(10), ..Quotas::default() };
        let quota = Quota::of(Arc::new(QuotaTable { all, ..QuotaTable::default() }));
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
