//! How a sale stands, for pages and people (状态). Changes nothing.

#[cfg(test)]
mod tests;

use siyu_plugin::prelude::*;
use siyu_plugin::{context, counters, pools, resources};

use crate::hold::bought_key;
use crate::sale::{Sale, State, stock_key};
use crate::session::{Item, Session};

/// Tells how a session stands (查询): open or not, when, and the stock of its goods. The numbers are the host's own, so
/// what a page shows is true.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Status {
    /// The session.
    session: String,
    /// Which opening; the latest when absent.
    #[serde(default)]
    occurrence: Option<String>,
    /// One of its goods; all when absent.
    #[serde(default)]
    sku: Option<String>,
}

/// Whether customers can buy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Phase {
    /// Not yet.
    Planned,
    /// Now.
    Open,
    /// No longer.
    Over,
}

/// How a session stands.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Standing {
    /// What time it is here: pages count down from it.
    pub(crate) now: Instant,
    /// Whether customers can buy.
    pub(crate) phase: Phase,
    /// Which opening; null when there was none.
    pub(crate) occurrence: Option<String>,
    /// When it opened; null when there was none.
    pub(crate) opens_at: Option<Instant>,
    /// When it ends or ended; null when there was none.
    pub(crate) closes_at: Option<Instant>,
    /// When the next one opens; null when none is planned.
    pub(crate) next_opens_at: Option<Instant>,
    /// Its goods.
    pub(crate) items: Vec<ItemStanding>,
}

/// How goods stand: `available + reserved + sold = total`.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct ItemStanding {
    /// The goods.
    pub(crate) sku: String,
    /// Price of one unit, in fen.
    pub(crate) price_fen: u64,
    /// The price to strike through; null unless the lowest price of the 7 days before bears it out.
    pub(crate) list_price_fen: Option<u64>,
    /// All units.
    pub(crate) total: u64,
    /// Units to be had.
    pub(crate) available: u64,
    /// Units that are held.
    pub(crate) reserved: u64,
    /// Units sold.
    pub(crate) sold: u64,
    /// What the run's customer may still have; null for nobody's run.
    pub(crate) left_for_customer: Option<u64>,
}

impl Step for Status {
    const NAME: &'static str = "status";
    type Output = Standing;

    fn run(self) -> Result<Standing, Stop> {
        let now = Instant::now();
        let terms: Session = resources::require(&self.session)?;
        if let Some(sku) = &self.sku {
            terms.item(sku)?;
        }
        let sale = Sale::pick(&self.session, self.occurrence.as_deref())?;
        let wanted = terms.items.iter().filter(|item| self.sku.as_ref().is_none_or(|sku| *sku == item.sku));
        let occurrence = sale.as_ref().map(|sale| sale.occurrence.as_str());
        let items = wanted.map(|item| standing(&self.session, occurrence, item)).collect::<Result<_, _>>()?;
        let phase = match &sale {
            None => Phase::Planned,
            Some(sale) if sale.is_open(now) => Phase::Open,
            Some(sale) if sale.state == State::Open && now < sale.opens_at => Phase::Planned,
            Some(_) => Phase::Over,
        };
        Ok(Standing {
            now,
            phase,
            occurrence: occurrence.map(str::to_owned),
            opens_at: sale.as_ref().map(|sale| sale.opens_at),
            closes_at: sale.as_ref().map(|sale| sale.closes_at),
            next_opens_at: terms.next_after(now)?.map(|next| next.opens_at),
            items,
        })
    }
}

fn standing(session: &str, occurrence: Option<&str>, item: &Item) -> Result<ItemStanding, Stop> {
    let pool = match occurrence {
        Some(occurrence) => pools::get(&stock_key(session, occurrence, &item.sku))?,
        None => None,
    };
    let used = match (occurrence, &context::current().customer) {
        (Some(occurrence), Some(_)) => Some(counters::used(&bought_key(session, occurrence, &item.sku)?)?),
        (None, Some(_)) => Some(0),
        (_, None) => None,
    };
    let (total, available, reserved, sold) = pool.map_or((item.stock, item.stock, 0, 0), |pool| {
        (pool.total, pool.available, pool.reserved, pool.sold)
    });
    Ok(ItemStanding {
        sku: item.sku.clone(),
        price_fen: item.price_fen,
        list_price_fen: item.honest_list_price_fen(),
        total,
        available,
        reserved,
        sold,
        left_for_customer: used.map(|used| item.per_customer.saturating_sub(used)),
    })
}
