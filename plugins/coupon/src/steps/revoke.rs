//! `revoke`: an operator takes a coupon back.

use siyu_plugin::prelude::*;

use crate::batch::Basis;
use crate::desk::{Desk, Wanted, masked};
use crate::due;
use crate::event::CouponRevoked;
use crate::ledger::{self, Count};
use crate::refusal;
use crate::wallet::{Coupon, Ending, Found};

/// Takes a coupon back (作废), such as after fraud or by order of compliance: by its id, of the customer of the run, or by
/// its code, of whoever has it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Revoke {
    /// The coupon's id.
    #[serde(default)]
    pub coupon: Option<String>,
    /// The coupon's code.
    #[serde(default)]
    pub code: Option<String>,
    /// Why: it is kept with the coupon and in the event.
    #[schemars(length(min = 1, max = 200))]
    pub reason: String,
    /// Who decided it.
    #[serde(default = "Revoke::default_staff")]
    pub staff: String,
    /// Also when an order holds it; that order then pays without it.
    #[serde(default)]
    pub even_if_locked: bool,
}

impl Revoke {
    fn default_staff() -> String {
        "operator".to_owned()
    }
}

/// The coupon that was taken back.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Revoked {
    /// Its id.
    pub coupon: String,
    /// Its batch.
    pub batch: String,
    /// Whether it was taken back before.
    pub replayed: bool,
}

impl Step for Revoke {
    const NAME: &'static str = "revoke";
    const REFUSALS: &'static [Refusal] = &[
        refusal::COUPON_UNKNOWN,
        refusal::CODE_UNKNOWN,
        refusal::CODE_MALFORMED,
        refusal::TOO_MANY_TRIES,
        refusal::EXPIRED,
        refusal::ALREADY_REDEEMED,
        refusal::LOCKED_BY_OTHER_ORDER,
    ];
    type Output = Revoked;

    fn run(self) -> Result<Revoked, Stop> {
        if self.reason.trim().is_empty() || self.reason.len() > 200 {
            Err(Fault::invalid("/reason", "expected why, in 1 to 200 bytes"))?;
        }
        let wanted = Wanted {
            coupon: self.coupon.as_deref(),
            coupons: &[],
            code: self.code.as_deref(),
            staff: Some(&self.staff),
            actor: None,
        };
        let (mut desk, named) = Desk::open(&wanted)?;
        let Some(id) = named.first() else {
            return Err(Fault::invalid("/coupon", "expected `coupon` or `code`").into());
        };
        match desk.wallet.find(id)? {
            Some(Found::Live(coupon)) => {
                if let Some(lock) = coupon.held_by(desk.now).filter(|_| !self.even_if_locked) {
                    let message =
                        format!("the order {} holds it until {}", masked(&lock.order), lock.until());
                    return Err(refusal::LOCKED_BY_OTHER_ORDER.because(message).into());
                }
                desk.wallet.remove(id);
                self.take(desk, coupon)
            }
            Some(Found::Ended(ended)) if ended.how != Ending::Expired => {
                Ok(Revoked { coupon: ended.coupon.id, batch: ended.coupon.batch, replayed: true })
            }
            Some(Found::Ended(_)) => Err(refusal::EXPIRED.into()),
            Some(Found::Used { order, .. }) => Err(refusal::ALREADY_REDEEMED
                .because(format!("the order {} has used it", masked(&order)))
                .into()),
            Some(Found::Moved { .. }) | None => Err(refusal::COUPON_UNKNOWN.into()),
        }
    }
}

impl Revoke {
    fn take(self, mut desk: Desk, mut coupon: Coupon) -> Result<Revoked, Stop> {
        due::cancel(&coupon.id)?;
        desk.drop_stale_lock(&mut coupon)?;
        if let Some(lock) = coupon.lock.take() {
            desk.tell_unlocked(&coupon, lock.order, "revoked")?;
        }
        Count::Revoked.add(&coupon.batch, 1)?;
        ledger::give_back(&coupon.batch, Basis::Issued, coupon.value_fen)?;
        desk.emit(&CouponRevoked {
            batch: coupon.batch.clone(),
            coupon: coupon.id.clone(),
            order: None,
            value_fen: coupon.value_fen,
            reason: self.reason.clone(),
        })?;
        let revoked = Revoked { coupon: coupon.id.clone(), batch: coupon.batch.clone(), replayed: false };
        desk.wallet.put_ended(coupon, Ending::Revoked, &self.reason);
        desk.wallet.save()?;
        Ok(revoked)
    }
}
