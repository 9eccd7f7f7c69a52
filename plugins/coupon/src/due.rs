//! What happens to a coupon when time passes: one planned event a coupon, always the next one. The step `follow` reacts to
//! it and plans the one after.
//!
//! Never asks what time has passed: whether a coupon is valid is asked of its own instants, however late an event is.

use siyu_plugin::events;
use siyu_plugin::prelude::*;

use crate::event::{CouponExpired, CouponExpiring, CouponUnlocked};
use crate::wallet::Coupon;

/// Why a lock ended: its time ran out.
pub(crate) const TTL: &str = "ttl";
/// Why a coupon expired: nobody used it.
pub(crate) const UNUSED: &str = "unused";

fn due_key(coupon: &str) -> String {
    key(&["due", coupon])
}

/// Plans the next thing that happens to a coupon by itself, for the call's customer or another one. It replaces what was
/// planned.
pub(crate) fn plan(
    owner: Option<&str>,
    coupon: &Coupon,
    reminders: &[Duration],
    now: Instant,
) -> Result<(), Error> {
    let until = coupon.until();
    if let Some(lock) = &coupon.lock {
        let event = CouponUnlocked {
            batch: coupon.batch.clone(),
            coupon: coupon.id.clone(),
            order: lock.order.clone(),
            value_fen: coupon.value_fen,
            reason: TTL.to_owned(),
        };
        return plan_for(owner, &coupon.id, lock.until(), &event);
    }
    // Longest first: the first one that is still to come.
    let reminder = reminders.iter().find(|left| until - **left > now);
    match reminder {
        Some(left) => {
            let event = CouponExpiring {
                batch: coupon.batch.clone(),
                coupon: coupon.id.clone(),
                code: coupon.code.clone(),
                value_fen: coupon.value_fen,
                valid_until: until,
                left: *left,
            };
            plan_for(owner, &coupon.id, until - *left, &event)
        }
        None => {
            let event = CouponExpired {
                batch: coupon.batch.clone(),
                coupon: coupon.id.clone(),
                order: None,
                value_fen: coupon.value_fen,
                reason: UNUSED.to_owned(),
            };
            plan_for(owner, &coupon.id, until, &event)
        }
    }
}

fn plan_for<E: Event>(owner: Option<&str>, coupon: &str, at: Instant, event: &E) -> Result<(), Error> {
    let key = due_key(coupon);
    match owner {
        Some(owner) => events::plan_for(&key, at, owner, event),
        None => events::plan(&key, at, event),
    }
}

/// Nothing happens to a coupon by itself any more.
pub(crate) fn cancel(coupon: &str) -> Result<(), Error> {
    events::cancel(&due_key(coupon)).map(drop)
}
