//! `follow`: what has happened to a coupon by itself is written down, and what comes next is planned.

use siyu_plugin::prelude::*;

use crate::batch::Basis;
use crate::desk::Desk;
use crate::due;
use crate::ledger::{self, Count};
use crate::wallet::Ending;

/// Writes down what time did to a coupon: a reminder was due, a lock ran out, or the coupon expired. The host runs it by
/// itself when `coupon.expiring`, `coupon.unlocked` or `coupon.expired` is recorded.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Follow(Incoming<Happened>);

/// What happened.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Happened {
    coupon: String,
    #[serde(default)]
    reason: Option<String>,
}

impl Step for Follow {
    const NAME: &'static str = "follow";
    type Output = ();

    fn run(self) -> Result<(), Stop> {
        let Self(event) = self;
        let is_ttl = event.data.reason.as_deref() == Some(due::TTL);
        // Who unlocks by a step plans what comes next in the same call.
        if event.event_type == "coupon.unlocked" && !is_ttl {
            return Ok(());
        }
        let mut desk = Desk::of_customer()?;
        let now = desk.now;
        let Some(live) = desk.wallet.live_by_id(&event.data.coupon) else {
            return Ok(());
        };
        if live.held_by(now).is_some() {
            // Held again since: the hold has an end of its own.
            return Ok(());
        }
        let is_unlocked = live.lock.take().is_some();
        let coupon = live.clone();
        if is_unlocked {
            Count::Locked.take_off(&coupon.batch, 1)?;
        }
        if event.event_type == "coupon.expired" && now >= coupon.until() {
            return expire(desk, &coupon.id);
        }
        desk.plan(&coupon)?;
        if is_unlocked { Ok(desk.wallet.save()?) } else { Ok(()) }
    }
}

fn expire(mut desk: Desk, coupon: &str) -> Result<(), Stop> {
    let Some(coupon) = desk.wallet.remove(coupon) else {
        return Ok(());
    };
    Count::Expired.add(&coupon.batch, 1)?;
    // What ends unused gives its worth back to a budget of issued coupons.
    ledger::give_back(&coupon.batch, Basis::Issued, coupon.value_fen)?;
    desk.wallet.put_ended(coupon, Ending::Expired, due::UNUSED);
    Ok(desk.wallet.save()?)
}
