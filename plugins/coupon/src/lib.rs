#![doc = include_str!("../README.md")]

pub mod basket;
pub mod batch;
mod choice;
mod code;
mod desk;
mod due;
pub mod event;
mod ledger;
pub mod pick;
mod refusal;
pub mod steps;
mod terms;
mod wallet;

#[cfg(test)]
mod tests;

pub use batch::Batch;
use event::{
    BudgetThreshold, CouponExpired, CouponExpiring, CouponIssueRefused, CouponIssued, CouponLocked,
    CouponRedeemRefused, CouponRedeemed, CouponRestored, CouponRevoked, CouponUnlocked, CouponViewed,
};
pub use steps::check_code::CheckCode;
pub use steps::follow::Follow;
pub use steps::import::Import;
pub use steps::issue::Issue;
pub use steps::lock::Lock;
pub use steps::quote::Quote;
pub use steps::redeem::Redeem;
pub use steps::report::Report;
pub use steps::restore::Restore;
pub use steps::revoke::Revoke;
pub use steps::stop::{Resume, Stop};
pub use steps::unlock::Unlock;
pub use steps::wallet::Wallet;

siyu_plugin::export! {
    name: "coupon",
    version: env!("CARGO_PKG_VERSION"),
    summary: "Coupons (优惠券): issued within limits and budgets, held while an order is paid, used once, given back after a refund.",
    steps: [
        Issue, Lock, Unlock, Redeem, Restore, Revoke, Quote, Wallet, CheckCode, Import, Stop, Resume, Report, Follow,
    ],
    resources: [Batch],
    events: [
        CouponIssued, CouponIssueRefused, CouponViewed, CouponLocked, CouponUnlocked, CouponRedeemed,
        CouponRedeemRefused, CouponRestored, CouponExpiring, CouponExpired, CouponRevoked, BudgetThreshold,
    ],
    reactions: {
        "coupon.expiring" => Follow,
        "coupon.unlocked" => Follow,
        "coupon.expired" => Follow,
    },
    capabilities: {
        Codes: "makes coupon codes that nobody guesses, and takes in the operator's own",
        Counters: "keeps limits a customer and a day, budgets, and the numbers of the report",
        Customers: "asks for tags and paid orders where a batch is for certain customers only",
        Events: "says what becomes of coupons, and plans reminders and expiry",
        Expressions: "asks an operator's condition of whom a batch is for",
        Pools: "keeps how many coupons a batch has",
        Records: "keeps each customer's coupons",
        Resources: "reads the batches that an operator defined",
    },
}
