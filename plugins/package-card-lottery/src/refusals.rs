//! The ways in which the steps say no. Codes are stable: workflows branch on them.

use siyu_plugin::Refusal;

pub(crate) const NOT_STARTED: Refusal = Refusal::new("NOT_STARTED", "the lottery has not started (未开始)");
pub(crate) const ENDED: Refusal = Refusal::new("ENDED", "the lottery is over (已结束)");
pub(crate) const PAUSED: Refusal = Refusal::new("PAUSED", "the lottery is paused (已暂停)");
pub(crate) const LOTTERY_CLOSED: Refusal =
    Refusal::new("LOTTERY_CLOSED", "the lottery was closed before its end (已关闭)");
pub(crate) const NOT_ELIGIBLE: Refusal =
    Refusal::new("NOT_ELIGIBLE", "the customer may not take part (不符合参与条件)");
pub(crate) const NOT_FRIEND: Refusal =
    Refusal::new("NOT_FRIEND", "the customer is no friend, or no longer (非好友)");
pub(crate) const CARD_INVALID: Refusal =
    Refusal::new("CARD_INVALID", "the card is none of this campaign (无效卡)");
pub(crate) const CARD_USED_BY_OTHER: Refusal =
    Refusal::new("CARD_USED_BY_OTHER", "another customer has used the card or the order (已被他人使用)");
pub(crate) const LIMIT_CARD: Refusal =
    Refusal::new("LIMIT_CARD", "the card has had as many draws as one may (卡次数用完)");
pub(crate) const LIMIT_ORDER: Refusal =
    Refusal::new("LIMIT_ORDER", "the order has had as many draws as one may (订单次数用完)");
pub(crate) const LIMIT_CUSTOMER: Refusal =
    Refusal::new("LIMIT_CUSTOMER", "the customer has drawn as often as one may (客户次数用完)");
pub(crate) const LIMIT_CUSTOMER_DAY: Refusal =
    Refusal::new("LIMIT_CUSTOMER_DAY", "the customer has drawn as often today as one may (今日次数用完)");
pub(crate) const LIMIT_DAY_TOTAL: Refusal =
    Refusal::new("LIMIT_DAY_TOTAL", "all draws of today are used up (今日总次数用完)");
pub(crate) const NO_CHANCE: Refusal =
    Refusal::new("NO_CHANCE", "the customer has no chance left (无抽奖机会)");
pub(crate) const IDEMPOTENCY_MISMATCH: Refusal =
    Refusal::new("IDEMPOTENCY_MISMATCH", "the same request came before, for something else");
pub(crate) const CARD_ALREADY_SHIPPED: Refusal =
    Refusal::new("CARD_ALREADY_SHIPPED", "the card went out with another order (卡已随其他订单寄出)");
pub(crate) const PRIZE_UNKNOWN: Refusal =
    Refusal::new("PRIZE_UNKNOWN", "the customer has won nothing there that can be claimed (无可兑奖品)");
pub(crate) const CLAIM_EXPIRED: Refusal =
    Refusal::new("CLAIM_EXPIRED", "the time to claim the prize is over (兑奖已过期)");
pub(crate) const NOT_CLAIMED: Refusal =
    Refusal::new("NOT_CLAIMED", "the prize was not claimed yet (尚未兑奖)");
pub(crate) const NOT_CLOSED: Refusal =
    Refusal::new("NOT_CLOSED", "the lottery is not over, so its seed stays sealed (未结束不得公开种子)");
pub(crate) const SNAPSHOT_FROZEN: Refusal =
    Refusal::new("SNAPSHOT_FROZEN", "the list of entrants was drawn already (名单已冻结)");
pub(crate) const SNAPSHOT_EMPTY: Refusal = Refusal::new("SNAPSHOT_EMPTY", "nobody has entered (名单为空)");
