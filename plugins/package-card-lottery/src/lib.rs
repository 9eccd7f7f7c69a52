#![doc = include_str!("../README.md")]

mod audit;
mod batch;
pub mod campaign;
pub mod canonical;
mod cards;
mod chain;
mod chances;
mod control;
mod decide;
mod draw;
mod events;
pub mod fair;
#[cfg(test)]
mod interleavings;
mod keys;
mod line;
mod prizes;
mod refusals;
mod seal;
#[cfg(test)]
mod testing;
pub mod verify;

pub use audit::{Export, Exported, Verified, Verify};
pub use batch::{BatchDrawn, DrawBatch, Enter, Entered, Winner};
pub use campaign::Campaign;
pub use cards::{PrintCards, Printed, Ship, Shipped};
pub use chain::Status;
pub use chances::{GrantChance, Granted};
pub use control::{Close, MixRandomness, Pause, Resume, Reveal, Revealed, SettleClosing, Standing};
pub use draw::{Draw, Drawn, WonPrize};
pub use events::*;
pub use keys::lines as line_prefix;
pub use line::{GENESIS, Reason, row_hash};
pub use prizes::{Claim, Claimed, Fulfil, PrizeStatus, SettleUnclaimed};

siyu_plugin::export! {
    name: env!("CARGO_PKG_NAME"),
    version: env!("CARGO_PKG_VERSION"),
    summary: "Card lotteries (包裹卡抽奖): fair draws with a sealed seed, stock, budget, limits and a log that anybody can check.",
    steps: [
        Draw, Ship, PrintCards, GrantChance, Enter, DrawBatch, Claim, Fulfil, Pause, Resume, Close, MixRandomness, Reveal,
        Verify, Export, SettleClosing, SettleUnclaimed,
    ],
    resources: [Campaign],
    events: [
        CardShipped, CardScanConflict, ChanceGranted, DrawCompleted, DrawReplayed, DrawRefused, PrizeExhausted,
        PrizeClaimed, PrizeFulfilled, PrizeUnclaimedExpired, LotteryOpened, LotteryClosed, LotterySeedCommitted,
        LotterySeedRevealed,
    ],
    capabilities: {
        Counters: "counts the budget and the draws of a day, within their limits",
        Customers: "sees whether a customer may take part: friend, tags, orders, age",
        Events: "says what was drawn, claimed and refused, and comes back when a campaign or a claim ends",
        Expressions: "asks the condition that an operator wrote for taking part",
        Pools: "takes prizes from their stock, which never goes below 0",
        Records: "keeps the log of draws, the sealed seed, cards, and what a customer has drawn",
        Resources: "reads the campaign that an operator defined",
    },
}
