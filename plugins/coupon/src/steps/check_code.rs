//! `check-code`: what a typed code is good for.

use siyu_plugin::prelude::*;

use crate::code::{self, Caller, Place};
use crate::refusal;
use crate::terms::Shelf;
use crate::wallet::{Coupon, Ending, Found};

/// Says what a typed code is good for (验码). A customer hears of their own coupons and of those that may be passed on, the
/// staff of all, and a stranger only of what they could use.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckCode {
    /// The code as somebody typed it: case, full-width letters, spaces and hyphens do not matter.
    pub code: String,
    /// Who of the staff typed it (店员).
    #[serde(default)]
    pub staff: Option<String>,
    /// What the caller's tries are counted by, when the run is for no customer: a device, an address.
    #[serde(default)]
    pub actor: Option<String>,
}

/// The coupon of a code.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Checked {
    /// Where it stands.
    pub status: CodeStatus,
    /// Its batch.
    pub batch: String,
    /// What customers see.
    pub title: String,
    /// The coupon's id; null for a code that nobody has yet.
    pub coupon: Option<String>,
    /// What it is worth, in fen; 0 when that depends on the order alone.
    pub value_fen: u64,
    /// What the goods must cost, in fen.
    pub min_spend_fen: u64,
    /// From when on it may be used; null for a code that nobody has yet.
    pub valid_from: Option<Instant>,
    /// The first instant at which it may not be used any more; null for a code that nobody has yet.
    pub valid_until: Option<Instant>,
}

/// Where the coupon of a code stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CodeStatus {
    /// Nobody has it yet: the step `issue` makes a coupon of it.
    Free,
    /// It can be used.
    Valid,
    /// It can be used later.
    NotStarted,
    /// An order holds it.
    Locked,
    /// The operator stopped its batch for a while.
    Stopped,
    /// An order has used it.
    Redeemed,
    /// It was not used in time.
    Expired,
    /// It was taken back.
    Revoked,
}

impl Step for CheckCode {
    const NAME: &'static str = "check-code";
    const REFUSALS: &'static [Refusal] =
        &[refusal::CODE_UNKNOWN, refusal::CODE_MALFORMED, refusal::TOO_MANY_TRIES];
    type Output = Checked;

    fn run(self) -> Result<Checked, Stop> {
        let caller = Caller::of(self.staff.as_deref(), self.actor.as_deref())?;
        let mut shelf = Shelf::default();
        match code::resolve(&self.code, &caller, &mut shelf)? {
            Place::Issued { found, .. } => issued(found, &mut shelf),
            Place::Spare { spare, .. } => {
                let book = shelf.book(&spare.batch)?;
                Ok(Checked {
                    status: if book.stopped.is_some() { CodeStatus::Stopped } else { CodeStatus::Free },
                    title: book.title.clone(),
                    coupon: None,
                    value_fen: book.terms.worth.face_fen(),
                    min_spend_fen: book.terms.min_spend_fen,
                    valid_from: None,
                    valid_until: None,
                    batch: spare.batch,
                })
            }
        }
    }
}

fn issued(found: Found, shelf: &mut Shelf) -> Result<Checked, Stop> {
    let (status, coupon) = match found {
        Found::Live(coupon) => (live_status(&coupon, shelf)?, coupon),
        Found::Used { coupon, .. } => (CodeStatus::Redeemed, coupon),
        Found::Ended(ended) if ended.how == Ending::Expired => (CodeStatus::Expired, ended.coupon),
        Found::Ended(ended) => (CodeStatus::Revoked, ended.coupon),
        Found::Moved { .. } => return Err(refusal::CODE_UNKNOWN.into()),
    };
    let min_spend_fen = shelf.terms(&coupon.batch, coupon.terms)?.min_spend_fen;
    Ok(Checked {
        status,
        title: shelf.book(&coupon.batch)?.title.clone(),
        value_fen: coupon.value_fen,
        min_spend_fen,
        valid_from: Some(coupon.from()),
        valid_until: Some(coupon.until()),
        coupon: Some(coupon.id),
        batch: coupon.batch,
    })
}

fn live_status(coupon: &Coupon, shelf: &mut Shelf) -> Result<CodeStatus, Stop> {
    let now = Instant::now();
    Ok(if coupon.held_by(now).is_some() {
        CodeStatus::Locked
    } else if now >= coupon.until() {
        CodeStatus::Expired
    } else if shelf.book(&coupon.batch)?.is_frozen() {
        CodeStatus::Stopped
    } else if now < coupon.from() {
        CodeStatus::NotStarted
    } else {
        CodeStatus::Valid
    })
}
