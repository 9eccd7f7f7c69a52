//! The events that reports count by. Their fields are stable: a field may come, none goes.

use siyu_plugin::prelude::*;

use crate::campaign::EntryBy;

/// Why a lottery closed: its time is over.
pub(crate) const ENDED: &str = "ended";
/// Why a lottery closed: a prize was used up, and the rules say `on_exhausted: close`.
pub(crate) const EXHAUSTED: &str = "exhausted";
/// Why a lottery closed: somebody ran the step `close`.
pub(crate) const OPERATOR: &str = "operator";

/// A parcel went out with a card (随单寄出).
#[derive(Debug, Serialize, JsonSchema)]
pub struct CardShipped {
    /// The campaign.
    pub campaign: String,
    /// The card's token; null when cards of the batch carry one code for all.
    pub card: Option<String>,
    /// The order that it went with.
    pub order_no: Option<String>,
    /// The print run (卡片批次).
    pub batch: Option<String>,
    /// The artwork (创意).
    pub creative_id: Option<String>,
}

impl Event for CardShipped {
    const TYPE: &'static str = "card.shipped";
}

/// Somebody tried a card that another customer has used (一卡多人).
#[derive(Debug, Serialize, JsonSchema)]
pub struct CardScanConflict {
    /// The campaign.
    pub campaign: String,
    /// The card's token.
    pub card: String,
}

impl Event for CardScanConflict {
    const TYPE: &'static str = "card.scan_conflict";
}

/// A customer was given chances to draw (抽奖机会).
#[derive(Debug, Serialize, JsonSchema)]
pub struct ChanceGranted {
    /// The campaign.
    pub campaign: String,
    /// How many.
    pub count: u32,
    /// What for.
    pub reason: String,
    /// How many the customer has now.
    pub left: u32,
}

impl Event for ChanceGranted {
    const TYPE: &'static str = "chance.granted";
}

/// A draw is done (中奖): it won a prize, or nothing.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DrawCompleted {
    /// The campaign.
    pub campaign: String,
    /// The draw: the campaign, a slash, and its line in the log.
    pub draw_id: String,
    /// Its line in the log.
    pub seq: u64,
    /// `won` or `none`.
    pub outcome: &'static str,
    /// The prize's id; `none` when nothing was won.
    pub prize: String,
    /// The prize's name, as it was announced.
    pub prize_name: String,
    /// The prize's class (奖项).
    pub tier: String,
    /// What it is worth, in fen.
    pub value_fen: u64,
    /// The coupon batch that the workflow issues from.
    pub coupon: Option<String>,
    /// `drawn`, `pity`, `stock`, `cap`, `budget` or `batch`.
    pub reason: String,
    /// `card`, `order`, `customer`, `chance` or `snapshot`.
    pub entry_by: String,
    /// The card's token.
    pub card: Option<String>,
    /// The order's number.
    pub order_no: Option<String>,
    /// The print run of the card.
    pub batch: Option<String>,
    /// The artwork of the card.
    pub creative_id: Option<String>,
    /// The snapshot of a batch draw.
    pub snapshot: Option<String>,
    /// The version of the rules.
    pub config_version: u32,
    /// Until when it can be claimed.
    pub claim_by: Option<Instant>,
    /// The hash of its line in the log.
    pub chain_hash: String,
}

impl Event for DrawCompleted {
    const TYPE: &'static str = "draw.completed";
}

/// A draw was asked for again and answered with the prize of the first time.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DrawReplayed {
    /// The campaign.
    pub campaign: String,
    /// The draw.
    pub draw_id: String,
    /// Its line in the log.
    pub seq: u64,
}

impl Event for DrawReplayed {
    const TYPE: &'static str = "draw.replayed";
}

/// A draw was refused; it used up nothing.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DrawRefused {
    /// The campaign.
    pub campaign: String,
    /// The code of the refusal.
    pub code: &'static str,
    /// What one draws by.
    pub entry_by: EntryBy,
    /// The card's token or the order's number, as it was given, at most 120 bytes of it.
    pub entry: Option<String>,
}

impl Event for DrawRefused {
    const TYPE: &'static str = "draw.refused";
}

/// The last unit of a prize is gone (奖品抽完).
#[derive(Debug, Serialize, JsonSchema)]
pub struct PrizeExhausted {
    /// The campaign.
    pub campaign: String,
    /// The prize's id.
    pub prize: String,
}

impl Event for PrizeExhausted {
    const TYPE: &'static str = "prize.exhausted";
}

/// A customer claimed a prize (兑奖).
#[derive(Debug, Serialize, JsonSchema)]
pub struct PrizeClaimed {
    /// The campaign.
    pub campaign: String,
    /// The draw.
    pub draw_id: String,
    /// The prize's id.
    pub prize: String,
    /// The prize's name.
    pub prize_name: String,
    /// What it is worth, in fen.
    pub value_fen: u64,
}

impl Event for PrizeClaimed {
    const TYPE: &'static str = "prize.claimed";
}

/// A claimed prize was handed over (发奖).
#[derive(Debug, Serialize, JsonSchema)]
pub struct PrizeFulfilled {
    /// The campaign.
    pub campaign: String,
    /// The draw.
    pub draw_id: String,
    /// The prize's id.
    pub prize: String,
    /// What it is worth, in fen.
    pub value_fen: u64,
    /// The parcel's number, or whatever proves it.
    pub reference: Option<String>,
}

impl Event for PrizeFulfilled {
    const TYPE: &'static str = "prize.fulfilled";
}

/// Nobody claimed a prize in time (逾期未兑).
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct PrizeUnclaimedExpired {
    /// The campaign.
    pub campaign: String,
    /// The draw.
    pub draw_id: String,
    /// Its line in the log.
    pub seq: u64,
    /// The prize's id.
    pub prize: String,
    /// What it is worth, in fen.
    pub value_fen: u64,
}

impl Event for PrizeUnclaimedExpired {
    const TYPE: &'static str = "prize.unclaimed_expired";
}

/// The window of a lottery opened (开始).
#[derive(Debug, Serialize, JsonSchema)]
pub struct LotteryOpened {
    /// The campaign.
    pub campaign: String,
}

impl Event for LotteryOpened {
    const TYPE: &'static str = "lottery.opened";
}

/// A lottery closed (结束), for good.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct LotteryClosed {
    /// The campaign.
    pub campaign: String,
    /// `ended`, `exhausted` or `operator`.
    pub reason: String,
}

impl Event for LotteryClosed {
    const TYPE: &'static str = "lottery.closed";
}

/// The seed of a lottery is sealed (种子承诺): its hash is public before the first draw. Comes again, with the same seed, for
/// every new version of the rules.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LotterySeedCommitted {
    /// The campaign.
    pub campaign: String,
    /// SHA-256 of the seed.
    pub seed_hash: String,
    /// SHA-256 of the rules.
    pub config_hash: String,
    /// The version of the rules, from 1.
    pub config_version: u32,
    /// The public source that will be mixed in, or `none`.
    pub public_randomness: String,
}

impl Event for LotterySeedCommitted {
    const TYPE: &'static str = "lottery.seed_committed";
}

/// The seed of a lottery is public (公开种子): everybody can compute all draws again.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LotterySeedRevealed {
    /// The campaign.
    pub campaign: String,
    /// The seed, 64 hexadecimal digits.
    pub seed: String,
    /// SHA-256 of the seed, as it was published before the first draw.
    pub seed_hash: String,
    /// The last line of the log before this.
    pub seq: u64,
}

impl Event for LotterySeedRevealed {
    const TYPE: &'static str = "lottery.seed_revealed";
}
