//! A coupon batch (券批次): what an operator defines. The type is the definition; the rules that it must keep at publish
//! are in `check`, what publishing does is in `apply`.
//!
//! Never reads a customer: what a batch means for one is the steps' business.

mod apply;
mod check;
mod offer;
#[cfg(test)]
mod tests;

use siyu_plugin::prelude::*;

use crate::terms::{Terms, Worth};

/// A coupon batch (券批次): coupons with the same worth, conditions and limits.
///
/// A customer keeps the conditions under which a coupon was issued: a change of worth, conditions or stacking holds for
/// coupons that are issued after it. Limits, budget, reminders of new coupons and the end of a batch hold at once.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// What customers see, such as `66元首单券`.
    #[serde(default)]
    #[schemars(length(max = 60))]
    pub title: String,
    /// What customers are told about its use (使用规则): for what, how, until when.
    #[serde(default)]
    #[schemars(length(max = 2000))]
    pub rules: String,
    /// How it takes money off.
    pub kind: Kind,
    /// `amount_off`: how much it takes off. `exchange` and `price_right`: what the goods are worth. In fen.
    #[serde(default)]
    pub value_fen: Option<u64>,
    /// `percent_off`: how much it takes off, in hundredths of a percent: 2000 is 20 % off (8折).
    #[serde(default)]
    pub off_bp: Option<u32>,
    /// `percent_off`: the most it takes off (封顶), in fen.
    #[serde(default)]
    pub max_discount_fen: Option<u64>,
    /// `price_right`: what one unit costs with it, in fen: 1 for 一分购.
    #[serde(default)]
    pub price_fen: Option<u64>,
    /// The goods in its scope must cost so much (满减门槛): before shipping, after the coupons that are applied before it.
    /// In fen; 0 when absent.
    #[serde(default)]
    pub min_spend_fen: u64,
    /// For which goods and channels; for all when absent.
    #[serde(default)]
    pub scope: Option<Scope>,
    /// For whom; for everybody when absent.
    #[serde(default)]
    pub audience: Option<Audience>,
    /// From when until when.
    pub validity: Validity,
    /// How many coupons there are (总量); without end when absent. A batch of imported codes has as many as were imported.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub total: Option<u64>,
    /// How many one customer may get, ever (每人限领).
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub per_customer: Option<u64>,
    /// How many one customer may get a calendar day.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub per_customer_per_day: Option<u64>,
    /// How many may be issued a calendar day (每日限量).
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub per_day: Option<u64>,
    /// What the batch may cost (预算); without end when absent.
    #[serde(default)]
    pub budget: Option<Budget>,
    /// Which other coupons it may be used with (叠加); with none when absent.
    #[serde(default)]
    pub stacking: Option<Stacking>,
    /// What becomes of it when its order is refunded in full.
    #[serde(default)]
    pub on_refund: OnRefund,
    /// Where its codes come from.
    #[serde(default)]
    pub code: CodeRules,
    /// Whether whoever has the code may use it (可转赠).
    #[serde(default)]
    pub transferable: bool,
    /// When `coupon.expiring` (将过期) is recorded, before the end; not while the coupon is locked.
    #[serde(default = "Batch::default_reminders")]
    #[schemars(length(max = 5))]
    pub reminders: Vec<Duration>,
}

/// How a coupon takes money off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An amount (满减, 立减).
    AmountOff,
    /// A part, with a cap (折扣).
    PercentOff,
    /// One unit of the goods for nothing (兑换).
    Exchange,
    /// The right to buy one unit at a price (一分购).
    PriceRight,
}

/// For which goods and channels a coupon is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// Only these goods; all when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 500))]
    pub skus: Vec<String>,
    /// Not these goods.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 500))]
    pub exclude: Vec<String>,
    /// Only orders of these channels; all when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    pub channels: Vec<String>,
}

/// Who may have a coupon. All of it must hold.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Audience {
    /// Only customers who have not paid an order (首单): asked when it is issued, locked and redeemed.
    #[serde(default)]
    pub first_order_only: bool,
    /// Only customers with one of these tags; everybody when empty.
    #[serde(default)]
    #[schemars(length(max = 50))]
    pub tags_any: Vec<String>,
    /// Only members (会员): customers with the tag `member` or one of the group `member`.
    #[serde(default)]
    pub member_only: bool,
    /// A condition over the customer.
    #[serde(default, rename = "if")]
    pub condition: Option<Expression>,
}

/// From when until when a coupon may be used. The end does not belong to it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Validity {
    /// The same for every coupon.
    Fixed(Window),
    /// Counted from the moment of issue.
    Relative(Relative),
}

/// A window, `[from, to)`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// The first instant.
    pub from: Instant,
    /// The first instant after it.
    pub to: Instant,
}

/// So many days from the moment of issue.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Relative {
    /// How many days.
    #[schemars(range(max = 3650))]
    pub days: u32,
    /// Whether it ends at the next local midnight after that, so that the last day is whole. Otherwise a day is 24 hours.
    #[serde(default = "Relative::default_end_of_day")]
    pub end_of_day: bool,
    /// Whose midnight; the playbook's zone when absent.
    #[serde(default)]
    pub tz: Option<Zone>,
    /// It may be used only after so long; the days count from then.
    #[serde(default)]
    pub starts_after: Duration,
}

/// What a batch may cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// What is counted.
    pub basis: Basis,
    /// The most, in fen.
    #[schemars(range(min = 1))]
    pub limit_fen: u64,
    /// At which percentages of the limit `budget.threshold` (预算预警) is recorded.
    #[serde(default = "Budget::default_warn_at")]
    #[schemars(length(max = 10))]
    pub warn_at: Vec<u32>,
}

/// What a budget counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// The worth of every coupon that is issued; what ends unused gives its worth back.
    Issued,
    /// What redeemed coupons took off; a full refund gives it back.
    Redeemed,
}

/// Which coupons may be used together. Both must allow it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stacking {
    /// The group that it belongs to.
    #[schemars(length(min = 1, max = 32))]
    pub group: String,
    /// The groups that it may be used with, its own too if several of it may be; `*` for all groups.
    #[serde(default)]
    #[schemars(length(max = 8))]
    pub combinable_with: Vec<String>,
}

/// What becomes of a redeemed coupon when its order is refunded in full. A partial refund changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnRefund {
    /// It can be used again if it is still valid (退券).
    #[default]
    Restore,
    /// It can be used again, for 3 more days at least.
    #[serde(rename = "restore_extend_3d")]
    RestoreExtend3d,
    /// It is gone.
    Void,
}

/// Where codes (券码) come from. They have 31 symbols without look-alikes and a check symbol, or are the operator's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CodeRules {
    /// Made by the host, or from a list that the step `import` takes in.
    #[serde(default)]
    pub source: CodeSource,
    /// Random symbols before the check symbol, 8 to 24. 12 are 59.5 bits.
    #[serde(default = "CodeRules::default_random_len")]
    #[schemars(range(min = 8, max = 24))]
    pub random_len: u8,
    /// Letters and digits in front of the code where people read it; typing them is optional.
    #[serde(default)]
    #[schemars(length(max = 8))]
    pub prefix: String,
}

/// Where codes come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CodeSource {
    /// The host makes them.
    #[default]
    Minted,
    /// The operator brings them.
    Imported,
}

impl Batch {
    /// The name of the kind of resource.
    const NAME: &'static str = "batch";

    fn default_reminders() -> Vec<Duration> {
        vec![Duration::hours(72), Duration::hours(24)]
    }

    /// The zone whose days count.
    pub(crate) fn zone(&self) -> Zone {
        match &self.validity {
            Validity::Relative(Relative { tz: Some(zone), .. }) => zone.clone(),
            _ => Zone::of_playbook(),
        }
    }

    /// Whether codes are the operator's own.
    pub(crate) fn is_imported(&self) -> bool {
        self.code.source == CodeSource::Imported
    }

    /// What customers keep of the definition. Sensible for every definition that passed the check.
    pub(crate) fn terms(&self) -> Terms {
        let value_fen = self.value_fen.unwrap_or(0);
        let worth = match self.kind {
            Kind::AmountOff => Worth::AmountOff { value_fen },
            Kind::PercentOff => Worth::PercentOff {
                off_bp: self.off_bp.unwrap_or(0),
                max_discount_fen: self.max_discount_fen,
            },
            Kind::Exchange => Worth::Exchange { value_fen },
            Kind::PriceRight => {
                Worth::PriceRight { value_fen, price_fen: self.price_fen.unwrap_or(value_fen) }
            }
        };
        let mut reminders = self.reminders.clone();
        reminders.sort_unstable_by(|a, b| b.cmp(a));
        reminders.dedup();
        Terms {
            worth,
            min_spend_fen: self.min_spend_fen,
            scope: self.scope.clone().unwrap_or_default(),
            first_order_only: self.audience.as_ref().is_some_and(|audience| audience.first_order_only),
            stacking: self.stacking.clone(),
            on_refund: self.on_refund,
            transferable: self.transferable,
            reminders,
        }
    }
}

impl Relative {
    fn default_end_of_day() -> bool {
        true
    }
}

impl Budget {
    fn default_warn_at() -> Vec<u32> {
        vec![80, 100]
    }
}

impl CodeRules {
    fn default_random_len() -> u8 {
        siyu_plugin::codes::RANDOM_LEN
    }
}

impl Default for CodeRules {
    fn default() -> Self {
        Self { source: CodeSource::default(), random_len: Self::default_random_len(), prefix: String::new() }
    }
}
