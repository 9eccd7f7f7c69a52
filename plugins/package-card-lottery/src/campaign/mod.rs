//! The campaign (抽奖活动) as an operator defines it. Pure data: what is wrong with it is found in `check`, what may still
//! change in `freeze`, and how it comes into force in `apply`.

mod apply;
mod check;
mod freeze;
mod stock;

use siyu_plugin::prelude::*;

pub(crate) use freeze::unfavourable;
pub use stock::Stock;

/// A card lottery (包裹卡抽奖活动): who may draw, what can be won, how likely it is, and what is told to customers.
///
/// From its start, or from its first draw if that is earlier, only changes in the customers' favour are taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Campaign {
    /// Its name for people (活动名称).
    #[serde(default)]
    pub title: String,
    /// When one may draw (活动时间).
    pub window: Window,
    /// What one draw is given for (抽奖凭证).
    pub entry: Entry,
    /// Who may draw (参与条件).
    #[serde(default)]
    pub eligibility: Eligibility,
    /// How often one may draw (次数限制).
    #[serde(default)]
    pub limits: Limits,
    /// Whether everybody wins something (必中 or 概率).
    pub mode: Mode,
    /// What happens when a prize that was drawn is used up (奖品抽完).
    #[serde(default)]
    pub on_exhausted: OnExhausted,
    /// The prizes (奖品), at most 100; their order belongs to the rules.
    pub prizes: Vec<Prize>,
    /// What one hears who wins nothing, and how likely that is (未中奖).
    #[serde(default)]
    pub no_prize: NoPrize,
    /// After so many draws without a top prize the next one is better (保底). Needs `entry: { by: chance }`.
    #[serde(default)]
    pub pity: Option<Pity>,
    /// What all prizes but the fallback may cost together, in fen (预算).
    #[serde(default)]
    pub budget_fen: Option<u64>,
    /// How many draws are expected at most; needed when the fallback prize has a limited stock.
    #[serde(default)]
    pub expected_entries: Option<u64>,
    /// How long a prize without a coupon can be claimed after the draw (兑奖期限).
    #[serde(default)]
    pub claim_within: Option<Duration>,
    /// Whether a prize that nobody claimed goes back into the stock. What is true here is part of the rules.
    #[serde(default)]
    pub restock_unclaimed: bool,
    /// Where chance comes from (随机数).
    #[serde(default)]
    pub rng: Randomness,
    /// What the law wants customers to be told before the start (公示).
    pub disclosure: Disclosure,
}

/// A time from its start up to, and without, its end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// The first instant.
    pub start: Instant,
    /// The first instant that no longer belongs to it.
    pub end: Instant,
    /// How much later an event from inside the window may arrive.
    #[serde(default)]
    pub grace_late_event: Duration,
}

/// What one draw is given for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// A parcel card's token, an order's number, being a customer, or a chance that was granted.
    pub by: EntryBy,
    /// Cards: only tokens that `print-cards` made are valid.
    #[serde(default)]
    pub signed: bool,
    /// Cards: only tokens that `ship` recorded are valid.
    #[serde(default)]
    pub shipped_only: bool,
}

/// What one draw is keyed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EntryBy {
    /// A parcel card (包裹卡): its token is the entry.
    Card,
    /// An order (订单): its number is the entry.
    Order,
    /// A customer (客户): there is no entry to give.
    Customer,
    /// A chance (抽奖机会) that `grant-chance` gave: there is no entry to give.
    Chance,
}

/// Who may draw. Everything must hold.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Eligibility {
    /// `friend`: only who is a friend in WeCom, by the events `friend.added` and `friend.deleted_by_…`.
    pub require: Require,
    /// Nobody with one of these tags, such as staff and their families.
    pub exclude_tags: Vec<String>,
    /// Only who has paid no order yet, by the event `order.paid`.
    pub new_customer_only: bool,
    /// Only who is at least so many years old, by the attribute `birthday` (`1990-05-31`).
    pub min_age: Option<u8>,
    /// Whether somebody whose age is not known may draw.
    pub min_age_unknown: AgeUnknown,
    /// Only for whom this holds.
    #[serde(rename = "if")]
    pub condition: Option<Expression>,
}

/// Whether one must be a friend.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Require {
    /// Everybody may draw.
    #[default]
    Anyone,
    /// Only friends (好友) may draw.
    Friend,
}

/// What an unknown age means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AgeUnknown {
    /// Old enough.
    #[default]
    Allow,
    /// Not old enough.
    Refuse,
}

/// How often one may draw; what is absent has no limit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Draws of a customer in the whole campaign.
    pub per_customer: Option<u32>,
    /// Draws on one card; 1 when absent.
    pub per_card: u32,
    /// Draws on one order; 1 when absent.
    pub per_order: u32,
    /// Draws of a customer in a calendar day of the playbook's zone.
    pub per_customer_per_day: Option<u32>,
    /// Draws of everybody in a calendar day of the playbook's zone.
    pub per_day_total: Option<u64>,
    /// Chances in one grant; 1 when absent.
    pub per_grant: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            per_customer: None,
            per_card: 1,
            per_order: 1,
            per_customer_per_day: None,
            per_day_total: None,
            per_grant: 1,
        }
    }
}

/// Whether everybody wins something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Every draw wins (必中): the fallback prize when nothing else can be given.
    Guaranteed,
    /// A draw may win nothing (概率).
    Probabilistic,
}

/// What happens when a prize that was drawn is used up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnExhausted {
    /// The fallback prize, or nothing where there is none: the published odds of the other prizes stay true.
    #[default]
    Fallback,
    /// Only prizes that are left are drawn: their odds rise, which must be disclosed.
    Renormalise,
    /// The lottery closes.
    Close,
}

/// A prize (奖品).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Prize {
    /// Its name for programs: 1 to 32 of a-z, 0-9, - and _.
    pub id: String,
    /// Its name for people (奖品名称).
    pub name: String,
    /// Its class (奖项), such as 一等奖; its id when absent.
    #[serde(default)]
    pub tier: Option<String>,
    /// How often it is drawn, among the sum of all weights. 0: only as fallback or pity prize.
    pub weight: u32,
    /// How many there are: a whole number, or `unlimited`.
    pub stock: Stock,
    /// How many one customer may win.
    #[serde(default)]
    pub per_customer: Option<u32>,
    /// What one is worth at market price, in fen (价值).
    pub value_fen: u64,
    /// Whether it is given when nothing else can be: exactly one in a guaranteed lottery.
    #[serde(default)]
    pub fallback: bool,
    /// What the workflow gives at once. A prize that grants nothing is handed over when it is claimed.
    #[serde(default)]
    pub grant: Grant,
}

/// What a workflow gives for a prize.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Grant {
    /// The coupon batch (券批次) that the next step issues from.
    pub coupon: Option<String>,
}

/// What one hears who wins nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NoPrize {
    /// The words.
    pub name: String,
    /// How often nothing is drawn, among the sum of all weights. 0 in a guaranteed lottery.
    pub weight: u32,
}

impl Default for NoPrize {
    fn default() -> Self {
        Self { name: "谢谢参与".to_owned(), weight: 0 }
    }
}

/// After so many draws without a top prize (the one of the highest value) the next one is better.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pity {
    /// So many draws of a customer in a row without a top prize.
    pub after_non_top: u32,
    /// Then one of these, by their weights; when all weights are 0, each is equally likely.
    pub award: Vec<String>,
}

/// Where chance comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Randomness {
    /// How numbers are made of the seed.
    pub scheme: Scheme,
    /// `none`, or a public source that is named before the start, such as `drand:4242000`: its value is given to
    /// `mix-randomness` before the first draw, so that nobody can have chosen the seed to his liking.
    pub public_randomness: String,
    /// When the seed is revealed.
    pub reveal: Reveal,
}

impl Default for Randomness {
    fn default() -> Self {
        Self { scheme: Scheme::default(), public_randomness: "none".to_owned(), reveal: Reveal::default() }
    }
}

/// How numbers are made of the seed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Scheme {
    /// HMAC-SHA-256 of `campaign|config_version|entry_key|draw_no|ctr`, first 8 bytes, without biased remainders.
    #[default]
    #[serde(rename = "hmac-sha256-v1")]
    HmacSha256V1,
}

/// When the seed is revealed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reveal {
    /// By itself when the campaign closes.
    #[default]
    AtClose,
    /// By the step `reveal`.
    ByStep,
}

/// What the law wants customers to be told before the start. What stands elsewhere in the campaign (kinds, names, values,
/// numbers and odds of prizes, conditions, times) is not repeated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Disclosure {
    /// Who holds the lottery (主办方).
    #[serde(default)]
    pub organiser: String,
    /// How to reach them (联系方式).
    #[serde(default)]
    pub contact: String,
    /// Where customers read the rules (活动规则).
    #[serde(default)]
    pub rules_url: String,
    /// Whether customers are told how many prizes there are, how likely they are, or both.
    #[serde(default)]
    pub prize_count_or_probability: Told,
    /// How one takes part (参与方式), when the page of rules does not say it.
    #[serde(default)]
    pub participation: Option<String>,
    /// How prizes are handed over (兑奖及交付方式), when the page of rules does not say it.
    #[serde(default)]
    pub delivery: Option<String>,
    /// When one has given a prize up (弃奖条件), when the page of rules does not say it.
    #[serde(default)]
    pub forfeiture: Option<String>,
}

/// What customers are told of the odds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// How many prizes there are (奖品数量).
    Count,
    /// How likely they are (中奖概率).
    Probability,
    /// Both.
    #[default]
    Both,
}

impl Campaign {
    /// Draws that one entry can have: cards and orders as often as their limit says, a customer likewise, a chance as many
    /// as one grant gives. None when there is no end to it.
    pub fn draws_per_entry(&self) -> Option<u32> {
        match self.entry.by {
            EntryBy::Card => Some(self.limits.per_card),
            EntryBy::Order => Some(self.limits.per_order),
            EntryBy::Customer => self.limits.per_customer,
            EntryBy::Chance => Some(self.limits.per_grant),
        }
    }

    /// The highest value of a prize: those that have it are top prizes.
    pub(crate) fn top_value_fen(&self) -> u64 {
        self.prizes.iter().map(|prize| prize.value_fen).max().unwrap_or(0)
    }

    /// Where the fallback prize stands.
    pub(crate) fn fallback(&self) -> Option<usize> {
        self.prizes.iter().position(|prize| prize.fallback)
    }

    /// Where a prize stands.
    pub(crate) fn place_of(&self, id: &str) -> Option<usize> {
        self.prizes.iter().position(|prize| prize.id == id)
    }

    /// The instant from which no event is taken any more.
    pub(crate) fn closes_at(&self) -> Instant {
        self.window.end + self.window.grace_late_event
    }

    /// Whether draws are counted by calendar days.
    pub(crate) fn counts_days(&self) -> bool {
        self.limits.per_customer_per_day.is_some() || self.limits.per_day_total.is_some()
    }

    /// The public source of randomness that must be mixed in, if there is one.
    pub(crate) fn public_source(&self) -> Option<&str> {
        Some(self.rng.public_randomness.as_str()).filter(|source| *source != "none")
    }
}

impl EntryBy {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::Order => "order",
            Self::Customer => "customer",
            Self::Chance => "chance",
        }
    }
}

impl Prize {
    /// Its class for people.
    pub(crate) fn tier(&self) -> &str {
        self.tier.as_deref().unwrap_or(&self.id)
    }

    /// Whether it is handed over when the customer claims it, instead of granted by the workflow at once.
    pub(crate) fn is_claimed(&self) -> bool {
        self.grant.coupon.is_none() && self.value_fen > 0
    }
}

#[cfg(test)]
mod tests;
