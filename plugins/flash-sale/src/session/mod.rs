//! The definition of a flash sale (秒杀场次), as operators write it. Says what is wanted; holds no state.

mod apply;
mod check;
mod schedule;
#[cfg(test)]
mod tests;

use siyu_plugin::prelude::*;

pub(crate) use schedule::Occurrence;

/// A flash sale session (秒杀场次): what is sold, when, to whom, and how long a customer may take to pay.
///
/// It opens by its `window`, every week with `repeat`, or by its `trigger`. Each opening is an occurrence with stock of
/// its own.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Session {
    /// A name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) title: Option<String>,
    /// When it is open (时间窗), from `start` on and before `end`. Either this or `trigger`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) window: Option<Window>,
    /// Opens again every week at the same local time, with fresh stock (每周场).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) repeat: Option<Repeat>,
    /// Opens by an event, such as likes of a live stream (点赞触发), or by the step `open`. Either this or `window`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) trigger: Option<Trigger>,
    /// What is sold.
    pub(crate) items: Vec<Item>,
    /// Who may buy (门槛); everybody when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) gate: Option<Gate>,
    /// How long units are held (锁单).
    #[serde(default)]
    pub(crate) reservation: Holding,
    /// Lets customers in at a steady pace (排队).
    #[serde(default)]
    pub(crate) queue: Queue,
    /// Against bots and hoarders (防刷).
    #[serde(default)]
    pub(crate) anti_abuse: AntiAbuse,
    /// What a customer gets who comes too late.
    #[serde(default)]
    pub(crate) on_sold_out: OnSoldOut,
    /// Whether refunded units, and the customer's right to buy them, come back into the sale (退款回库).
    #[serde(default)]
    pub(crate) resell_refunds: bool,
    /// Events of the shop that the plugin follows by itself, so that no workflow has to call `pay`, `cancel` and `refund`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) orders: Option<Orders>,
}

/// From when until when. An order at `start` is in time, one at `end` is late.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Window {
    /// The first instant at which customers can buy.
    pub(crate) start: Instant,
    /// The first instant at which they no longer can.
    pub(crate) end: Instant,
    /// How long before the start customers can enter the queue (预热).
    #[serde(default)]
    pub(crate) warmup: Duration,
}

/// How it comes again.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Repeat {
    /// How often.
    pub(crate) every: Every,
    /// No occurrence begins at this instant or later; for ever when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) until: Option<Instant>,
}

/// The rhythm of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Every {
    /// The same weekday and local time each week.
    Week,
}

/// What opens it, once a stream and threshold.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Trigger {
    /// The event, with `live_id` and, with thresholds, `threshold` or `likes` in its data; absent when only the step
    /// `open` opens it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) event: Option<String>,
    /// Each opens an occurrence of its own when the count reaches it, such as 50000 and 100000. Without any the event
    /// itself opens one.
    #[serde(default)]
    pub(crate) thresholds: Vec<u64>,
    /// How long it is open.
    pub(crate) duration: Duration,
}

/// Goods at a price (秒杀商品).
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Item {
    /// The stock keeping unit.
    pub(crate) sku: String,
    /// What one unit costs, in fen (分).
    #[schemars(range(min = 1))]
    pub(crate) price_fen: u64,
    /// The price that is struck through (划线价), in fen. Shown only when `lowest_7d_fen` bears it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) list_price_fen: Option<u64>,
    /// The lowest price at which it was sold in the 7 days before the sale (七日最低成交价), in fen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) lowest_7d_fen: Option<u64>,
    /// Units in each occurrence (库存).
    pub(crate) stock: u64,
    /// Units one customer may hold and buy in an occurrence (限购).
    #[serde(default = "one")]
    #[schemars(range(min = 1))]
    pub(crate) per_customer: u64,
    /// Units of one order; as many as `per_customer` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) per_order: Option<u64>,
}

/// Who may buy. All that is given must hold.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Gate {
    /// Friends to bring first (拉新); the step `invite` counts them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) invites: Option<Invites>,
    /// At least one of these tags (标签).
    #[serde(default)]
    pub(crate) tags_any: Vec<String>,
    /// In at least one of these groups (群专享): the customer's attribute `groups` is a list of group ids.
    #[serde(default)]
    pub(crate) groups: Vec<String>,
    /// Members only (会员专享): the tag `member` or one of its group, or `member.joined` or `member.renewed` after the last
    /// `member.expired`.
    #[serde(default)]
    pub(crate) member_only: bool,
    /// Any other condition on the customer.
    #[serde(default, rename = "if", skip_serializing_if = "Option::is_none")]
    pub(crate) condition: Option<Expression>,
}

/// Friends to bring.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Invites {
    /// How many, 2 or 3 usually; with `consume` so many a unit.
    #[schemars(range(min = 1))]
    pub(crate) min: u64,
    /// Only friends who never were a friend before.
    #[serde(default = "yes")]
    pub(crate) new_friend: bool,
    /// How long they must have stayed.
    #[serde(default)]
    pub(crate) kept_for: Duration,
    /// How long an invite counts.
    #[serde(default = "a_week")]
    pub(crate) window: Duration,
    /// A purchase spends them, so that the same friends unlock nothing twice.
    #[serde(default = "yes")]
    pub(crate) consume: bool,
}

/// How long units are held.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Holding {
    /// How long a customer may take to pay.
    pub(crate) ttl: Duration,
    /// How long after that a payment still counts, for those that are on their way. The units stay held.
    pub(crate) grace_payment: Duration,
    /// Whether a hold that timed out gives the customer's limit back.
    pub(crate) quota_back_on_timeout: bool,
    /// After so many timeouts in an occurrence a customer gets no further hold.
    #[schemars(range(min = 1))]
    pub(crate) timeouts_max: u32,
    /// How long units are held whose payment was not the price, for a person to look at it.
    pub(crate) review: Duration,
}

impl Default for Holding {
    fn default() -> Self {
        Self {
            ttl: Duration::minutes(10),
            grace_payment: Duration::seconds(60),
            quota_back_on_timeout: true,
            timeouts_max: 3,
            review: Duration::days(1),
        }
    }
}

/// How customers are let in.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Queue {
    /// Whether there is a queue.
    pub(crate) mode: QueueMode,
    /// Customers let in each second.
    #[schemars(range(min = 1))]
    pub(crate) admit_per_second: u64,
    /// How many may wait.
    #[schemars(range(min = 1))]
    pub(crate) max_waiting: u64,
    /// How long a customer's turn lasts.
    pub(crate) ticket_ttl: Duration,
}

/// Kinds of queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum QueueMode {
    /// None: whoever is first at the stock gets it.
    #[default]
    None,
    /// First come, first served: `enter-queue` gives a ticket, and `reserve` wants one whose turn it is.
    Fifo,
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            mode: QueueMode::None,
            admit_per_second: 200,
            max_waiting: 20_000,
            ticket_ttl: Duration::seconds(60),
        }
    }
}

/// Against bots and hoarders.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AntiAbuse {
    /// A device buys for one customer only; `reserve` must then be given `device`.
    pub(crate) one_device: bool,
    /// How long the host must have known a customer.
    pub(crate) min_account_age: Duration,
    /// Wishes a second beyond which `reserve` wants a challenge first; no limit when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub(crate) challenge_over_rps: Option<u32>,
}

/// What comes when all is gone.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct OnSoldOut {
    /// Puts the customer on a list; units that come back are held for the first (候补).
    pub(crate) waitlist: bool,
    /// How many may wait for one sku.
    #[schemars(range(min = 1))]
    pub(crate) waitlist_max: u64,
    /// What the workflow gives instead, such as `coupon:c5` (安慰奖): handed on in the refusal and its event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) consolation: Option<String>,
}

impl Default for OnSoldOut {
    fn default() -> Self {
        Self { waitlist: false, waitlist_max: 1_000, consolation: None }
    }
}

/// Events of the shop, with `order_no` in their data; `paid` has `amount_fen` as well.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Orders {
    /// An order was paid, such as `order.paid`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) paid: Option<String>,
    /// An order was cancelled, such as `order.cancelled`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cancelled: Option<String>,
    /// An order was refunded, such as `order.refunded`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) refunded: Option<String>,
}

fn one() -> u64 {
    1
}

fn yes() -> bool {
    true
}

fn a_week() -> Duration {
    Duration::days(7)
}

impl Session {
    /// The item of a sku.
    pub(crate) fn item(&self, sku: &str) -> Result<&Item, Fault> {
        self.items.iter().find(|item| item.sku == sku).ok_or_else(|| {
            let found: String = sku.chars().take(64).collect();
            let sold: Vec<_> = self.items.iter().map(|item| item.sku.as_str()).collect();
            Fault::invalid(
                "/sku",
                format!("`{found}` is not in this sale: expected one of {}", sold.join(", ")),
            )
        })
    }
}

impl Item {
    /// Units of one order.
    pub(crate) fn per_order(&self) -> u64 {
        self.per_order.unwrap_or(self.per_customer)
    }

    /// The price to strike through: only one that the lowest price of the 7 days before bears out (SAMR Order 32).
    pub(crate) fn honest_list_price_fen(&self) -> Option<u64> {
        let list = self.list_price_fen?;
        (self.lowest_7d_fen? >= list).then_some(list)
    }
}
