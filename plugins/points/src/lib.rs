#![doc = include_str!("../README.md")]

mod accounts;
mod steps;

pub use steps::{Balance, Earn, Earned, Held, Spend, Spent};

siyu_plugin::export! {
    name: "points",
    version: env!("CARGO_PKG_VERSION"),
    summary: "Points (积分): customers earn them, spend what they have, and every point is accounted for.",
    steps: [Earn, Spend, Balance],
    capabilities: {
        Ledger: "keeps the points of customers, and what was issued and redeemed",
        Records: "remembers for which orders points were given and taken",
    },
}
