//! `report`: a batch in numbers.

use siyu_plugin::pools;
use siyu_plugin::prelude::*;

use crate::ledger::{self, Count, UNLIMITED};
use crate::terms::Book;

/// Says how a batch stands, in numbers (批次报表). They are exact: the host keeps them with every call.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// The batch.
    pub batch: String,
}

/// A batch in numbers.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Reported {
    /// The batch.
    pub batch: String,
    /// What customers see.
    pub title: String,
    /// How many coupons there are in all; null when there is no end.
    pub total: Option<u64>,
    /// How many were issued.
    pub issued: u64,
    /// How many orders hold now.
    pub locked: u64,
    /// How often a coupon was redeemed.
    pub redeemed: u64,
    /// How often a coupon came back from a refunded order.
    pub restored: u64,
    /// How many expired.
    pub expired: u64,
    /// How many were taken back.
    pub revoked: u64,
    /// The share of issued coupons that are redeemed and not given back (核销率), in hundredths of a percent.
    pub redemption_rate_bp: u64,
    /// What redeemed coupons cost, in fen, less what was refunded.
    pub cost_fen: u64,
    /// What is used of the budget, in fen; null without a budget.
    pub budget_used_fen: Option<u64>,
    /// The budget, in fen; null without one.
    pub budget_limit_fen: Option<u64>,
    /// Whether coupons are issued.
    pub issuing: bool,
    /// Whether coupons can be used.
    pub redeeming: bool,
}

impl Step for Report {
    const NAME: &'static str = "report";
    type Output = Reported;

    fn run(self) -> Result<Reported, Stop> {
        let batch = self.batch;
        let book = Book::open(&batch)?;
        let stock = pools::get(&ledger::stock_key(&batch))?;
        let issued = stock.map_or(0, |pool| pool.sold);
        let redeemed = Count::Redeemed.now(&batch)?;
        let restored = Count::Restored.now(&batch)?;
        let budget_used_fen =
            book.budget.as_ref().map(|budget| ledger::used_fen(&batch, budget.basis)).transpose()?;
        Ok(Reported {
            total: stock.map(|pool| pool.total).filter(|total| *total < UNLIMITED),
            issued,
            locked: Count::Locked.now(&batch)?,
            redeemed,
            restored,
            expired: Count::Expired.now(&batch)?,
            revoked: Count::Revoked.now(&batch)?,
            redemption_rate_bp: rate_bp(redeemed.saturating_sub(restored), issued),
            cost_fen: Count::CostFen.now(&batch)?,
            budget_used_fen,
            budget_limit_fen: book.budget.as_ref().map(|budget| budget.limit_fen),
            issuing: book.stopped.is_none(),
            redeeming: !book.is_frozen(),
            title: book.title,
            batch,
        })
    }
}

/// A share in hundredths of a percent, rounded down; 0 of nothing.
fn rate_bp(part: u64, whole: u64) -> u64 {
    let wide = u128::from(part) * 10_000;
    wide.checked_div(u128::from(whole)).and_then(|rate| u64::try_from(rate).ok()).unwrap_or(0)
}
