//! Coupons (券): by batch, what was issued, used, restored and lost, what it was worth, and what is left of the budget.
//!
//! Counted from the events of coupons, which every plugin that issues coupons records; total and budget come from the
//! batch's definition and the host's own counter. The two are never mixed into one number.

use std::collections::BTreeMap;

use serde::Serialize;
use siyu_engine::ports::inspect::{Group, GroupQuery, Inspect, Span, StockFilter, Turn};
use siyu_model::json::{self, Value};
use siyu_model::limits::inspect::PAGE_ROWS_MAX;
use siyu_model::name::{OfferName, PluginName};
use siyu_model::stock::counter::Counter;

use super::named;
use crate::walk::Walk;
use crate::{Frame, InsightError, Local, Rate};

/// The plugin whose batches have definitions.
const COUPON: &str = "coupon";
const BATCH: &str = "batch";

/// Coupons of a tenant.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Coupons {
    /// Now.
    pub as_of: Local,
    /// By batch, in the order of their names.
    pub batches: Vec<CouponBatch>,
    /// All of them together; without total and budget.
    pub total: CouponBatch,
    /// Whether there are more batches than are shown.
    pub is_cut: bool,
}

/// Coupons of one batch.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct CouponBatch {
    /// The batch; `total` for all.
    pub batch: String,
    /// What customers see.
    pub title: Option<String>,
    /// How many were issued.
    pub issued: u64,
    /// What they are worth, fen.
    pub issued_fen: i64,
    /// How often issuing was refused.
    pub issue_refused: u64,
    /// How often a coupon was locked for an order.
    pub locked: u64,
    /// How often a coupon was used.
    pub redeemed: u64,
    /// What they took off, fen.
    pub redeemed_fen: i64,
    /// How often a used coupon became usable again, because its order was refunded.
    pub restored: u64,
    /// What those had taken off, fen.
    pub restored_fen: i64,
    /// How many ended unused.
    pub expired: u64,
    /// How many unused ones were taken back.
    pub revoked: u64,
    /// Used coupons whose order was refunded and that ended then instead of being restored.
    pub ended_after_use: u64,
    /// Coupons that can be used: issued + restored − redeemed − expired − revoked. Negative only when retention took
    /// older events away.
    pub live: i64,
    /// Used and not restored, of issued (核销率).
    pub redemption_rate: Option<Rate>,
    /// How many there are to issue; none without end.
    pub total: Option<u64>,
    /// What the batch may cost; none without end.
    pub budget: Option<Budget>,
}

/// What a batch may cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Budget {
    /// `issued` or `redeemed`: what is counted.
    pub basis: String,
    /// Used so far, fen.
    pub used_fen: u64,
    /// The most, fen.
    pub limit_fen: u64,
}

impl CouponBatch {
    fn settle(&mut self) {
        let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let gone = signed(self.redeemed) + signed(self.expired) + signed(self.revoked);
        self.live = signed(self.issued) + signed(self.restored) - gone;
        let used = self.redeemed.saturating_sub(self.restored);
        self.redemption_rate = (self.issued > 0).then(|| Rate::of(used, self.issued));
    }

    fn absorb(&mut self, other: &Self) {
        self.issued += other.issued;
        self.issued_fen += other.issued_fen;
        self.issue_refused += other.issue_refused;
        self.locked += other.locked;
        self.redeemed += other.redeemed;
        self.redeemed_fen += other.redeemed_fen;
        self.restored += other.restored;
        self.restored_fen += other.restored_fen;
        self.expired += other.expired;
        self.revoked += other.revoked;
        self.ended_after_use += other.ended_after_use;
    }
}

/// How one type of event changes the line of its batch.
type Apply = fn(&mut CouponBatch, &Group);

/// Each type, whether only events that name an order count, and what they change. Events of coupons that were used
/// already name their order; they come after the line of all, and are taken off there.
const COUNTED: [(&str, bool, Apply); 8] = [
    ("coupon.issued", false, |line, group| (line.issued, line.issued_fen) = (group.events, group.sum)),
    ("coupon.issue_refused", false, |line, group| line.issue_refused = group.events),
    ("coupon.locked", false, |line, group| line.locked = group.events),
    ("coupon.redeemed", false, |line, group| (line.redeemed, line.redeemed_fen) = (group.events, group.sum)),
    ("coupon.restored", false, |line, group| (line.restored, line.restored_fen) = (group.events, group.sum)),
    ("coupon.expired", false, |line, group| line.expired = group.events),
    ("coupon.revoked", false, |line, group| line.revoked = group.events),
    ("coupon.expired", true, |line, group| {
        line.expired = line.expired.saturating_sub(group.events);
        line.ended_after_use += group.events;
    }),
];
const REVOKED_AFTER_USE: Apply = |line, group| {
    line.revoked = line.revoked.saturating_sub(group.events);
    line.ended_after_use += group.events;
};

/// Coupons by batch; events of a span, or of all time.
pub async fn coupons(inspect: &dyn Inspect, frame: &Frame, occurred: Span) -> Result<Coupons, InsightError> {
    let mut batches: BTreeMap<String, CouponBatch> = BTreeMap::new();
    let mut is_cut = false;
    for (event_type, of_orders, apply) in
        COUNTED.into_iter().chain([("coupon.revoked", true, REVOKED_AFTER_USE)])
    {
        let query = GroupQuery {
            event_type: named(event_type),
            by: vec![&["batch"]],
            having: of_orders.then_some(&["order"]),
            customers: false,
            sum: Some(&["value_fen"]),
            occurred,
        };
        let groups = inspect.groups(query).await?;
        is_cut |= groups.is_cut;
        for group in &groups.rows {
            let name = group.keys.first().cloned().flatten().unwrap_or_else(|| "no batch".to_owned());
            let line = batches.entry(name.clone()).or_insert_with(|| of_batch(&name));
            apply(line, group);
        }
    }
    definitions(inspect, &mut batches).await?;
    let mut total = of_batch("total");
    for line in batches.values_mut() {
        line.settle();
        total.absorb(line);
    }
    total.settle();
    Ok(Coupons { as_of: frame.local(frame.as_of), batches: batches.into_values().collect(), total, is_cut })
}

fn of_batch(name: &str) -> CouponBatch {
    CouponBatch { batch: name.to_owned(), ..CouponBatch::default() }
}

/// Titles, totals and budgets, of batches without events as well.
async fn definitions(
    inspect: &dyn Inspect,
    batches: &mut BTreeMap<String, CouponBatch>,
) -> Result<(), InsightError> {
    let plugin = PluginName::new(COUPON).expect("`coupon` follows the rule of plugin names");
    let kind = OfferName::new(BATCH).expect("`batch` follows the rule of kinds");
    let used = counters(inspect, "budget/").await?;
    for row in inspect.resources(&plugin).await?.into_iter().filter(|row| row.kind == kind) {
        let Some(body) = row.body.as_deref().and_then(|body| json::parse_within(body, usize::MAX).ok())
        else {
            continue;
        };
        let name = row.name.to_string();
        let line = batches.entry(name.clone()).or_insert_with(|| of_batch(&name));
        line.title =
            body.get("title").and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
        line.total = number(&body, "total");
        line.budget = body.get("budget").and_then(|budget| budget_of(&name, budget, &used));
    }
    Ok(())
}

fn number(value: &Value, name: &str) -> Option<u64> {
    value.get(name).and_then(Value::as_int).and_then(|number| u64::try_from(number).ok())
}

fn budget_of(batch: &str, budget: &Value, used: &BTreeMap<String, Counter>) -> Option<Budget> {
    let basis = budget.get("basis").and_then(Value::as_str)?.to_owned();
    let limit_fen = number(budget, "limit_fen")?;
    let used_fen = used.get(&format!("budget/{batch}/{basis}")).map_or(0, Counter::used);
    Some(Budget { basis, used_fen, limit_fen })
}

async fn counters(inspect: &dyn Inspect, prefix: &str) -> Result<BTreeMap<String, Counter>, InsightError> {
    let filter = StockFilter { plugin: COUPON.into(), prefix: prefix.to_owned() };
    let mut walk = Walk::new(Turn::first(PAGE_ROWS_MAX), |turn| inspect.counters(filter.clone(), turn));
    let mut found = BTreeMap::new();
    while let Some((key, counter)) = walk.next().await? {
        found.insert(key.key.to_string(), counter);
    }
    Ok(found)
}
