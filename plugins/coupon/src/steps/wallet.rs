//! `wallet`: what coupons a customer has.

use siyu_plugin::prelude::*;

use crate::desk::Desk;
use crate::event::CouponViewed;
use crate::wallet::Coupon;

/// Lists the coupons (券包) of the customer of the run that can be used, or will be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Wallet {
    /// Only those of this batch.
    #[serde(default)]
    pub batch: Option<String>,
    /// Whether the customer sees them now: `coupon.viewed` is recorded for each that was not seen before.
    #[serde(default)]
    pub viewed: bool,
}

/// The customer's coupons.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Held {
    /// How many there are.
    pub count: u64,
    /// The coupons, those that end first in front.
    pub coupons: Vec<Entry>,
}

/// A coupon in a wallet.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Entry {
    /// Its id.
    pub coupon: String,
    /// Its batch.
    pub batch: String,
    /// What customers see.
    pub title: String,
    /// Its code, with the batch's prefix.
    pub code: String,
    /// How it takes money off: `amount_off`, `percent_off`, `exchange` or `price_right`.
    pub kind: String,
    /// What it is worth, in fen; 0 when that depends on the order alone.
    pub value_fen: u64,
    /// What the goods must cost, in fen.
    pub min_spend_fen: u64,
    /// Where it stands.
    pub status: Status,
    /// From when on it may be used.
    pub valid_from: Instant,
    /// The first instant at which it may not be used any more.
    pub valid_until: Instant,
}

/// Where a coupon in a wallet stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It can be used.
    Valid,
    /// It can be used later.
    NotStarted,
    /// An order holds it.
    Locked,
    /// The operator stopped its batch for a while.
    Stopped,
}

/// Events of one call; the rest is recorded when the customer looks again.
const VIEWED_MAX: usize = 50;

impl Step for Wallet {
    const NAME: &'static str = "wallet";
    type Output = Held;

    fn run(self) -> Result<Held, Stop> {
        let mut desk = Desk::of_customer()?;
        let now = desk.now;
        let mut live: Vec<Coupon> = desk.wallet.live().to_vec();
        live.retain(|coupon| {
            let is_wanted = self.batch.as_ref().is_none_or(|batch| *batch == coupon.batch);
            // What has expired and not been written down yet is not shown.
            is_wanted && (now < coupon.until() || coupon.held_by(now).is_some())
        });
        live.sort_by(|one, two| one.until().cmp(&two.until()).then_with(|| one.id.cmp(&two.id)));
        let mut coupons = Vec::with_capacity(live.len());
        for coupon in &live {
            let terms = desk.shelf.terms(&coupon.batch, coupon.terms)?;
            let book = desk.shelf.book(&coupon.batch)?;
            let status = if coupon.held_by(now).is_some() {
                Status::Locked
            } else if book.is_frozen() {
                Status::Stopped
            } else if now < coupon.from() {
                Status::NotStarted
            } else {
                Status::Valid
            };
            coupons.push(Entry {
                coupon: coupon.id.clone(),
                batch: coupon.batch.clone(),
                title: book.title.clone(),
                code: format!("{}{}", book.prefix, coupon.code),
                kind: terms.worth.kind().to_owned(),
                value_fen: coupon.value_fen,
                min_spend_fen: terms.min_spend_fen,
                status,
                valid_from: coupon.from(),
                valid_until: coupon.until(),
            });
        }
        if self.viewed {
            tell_viewed(desk, &live)?;
        }
        Ok(Held { count: coupons.len() as u64, coupons })
    }
}

fn tell_viewed(mut desk: Desk, shown: &[Coupon]) -> Result<(), Stop> {
    let fresh: Vec<&Coupon> = shown.iter().filter(|coupon| !coupon.seen).take(VIEWED_MAX).collect();
    if fresh.is_empty() {
        return Ok(());
    }
    for coupon in &fresh {
        let (batch, id) = (coupon.batch.clone(), coupon.id.clone());
        desk.emit(&CouponViewed { batch, coupon: id, value_fen: coupon.value_fen })?;
        if let Some(live) = desk.wallet.live_by_id(&coupon.id) {
            live.seen = true;
        }
    }
    Ok(desk.wallet.save()?)
}
