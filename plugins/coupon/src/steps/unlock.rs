//! `unlock`: an order that is not paid lets its coupons go.

use siyu_plugin::prelude::*;

use crate::desk::{self, Desk};

/// Lets the coupons go that an order holds (解锁), such as when it is cancelled before the payment. An order that holds none
/// is fine.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unlock {
    /// The order's number.
    #[schemars(length(min = 1, max = 64))]
    pub order: String,
    /// Only this coupon of it.
    #[serde(default)]
    pub coupon: Option<String>,
    /// Why, for the event `coupon.unlocked`.
    #[serde(default = "Unlock::default_reason")]
    #[schemars(length(max = 200))]
    pub reason: String,
}

impl Unlock {
    fn default_reason() -> String {
        "unlocked".to_owned()
    }
}

/// What is free again.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Unlocked {
    /// The order.
    pub order: String,
    /// The coupons' ids.
    pub coupons: Vec<String>,
}

impl Step for Unlock {
    const NAME: &'static str = "unlock";
    type Output = Unlocked;

    fn run(self) -> Result<Unlocked, Stop> {
        desk::check_order(&self.order)?;
        let mut desk = Desk::of_customer()?;
        let mut held = desk.held_by(&self.order);
        if let Some(only) = &self.coupon {
            held.retain(|coupon| coupon == only);
        }
        for coupon in &held {
            let Some(live) = desk.wallet.live_by_id(coupon) else {
                continue;
            };
            let Some(lock) = live.lock.take() else {
                continue;
            };
            let coupon = live.clone();
            desk.tell_unlocked(&coupon, lock.order, &self.reason)?;
            // If it expired while it was held, that happens now.
            desk.plan(&coupon)?;
        }
        if !held.is_empty() {
            desk.wallet.save()?;
        }
        Ok(Unlocked { order: self.order, coupons: held })
    }
}
