//! More or fewer units of an open sale (补货). Never fewer than are held and sold: the host keeps that.

#[cfg(test)]
mod tests;

use siyu_plugin::prelude::*;
use siyu_plugin::{pools, records, resources};

use crate::events::Restocked;
use crate::refusals::NOT_OPEN;
use crate::reserve::sold_out_key;
use crate::sale::{Sale, stock_key};
use crate::session::Session;
use crate::waitlist;

/// There are not so many free units to take away.
pub(crate) const STOCK_COMMITTED: Refusal =
    Refusal::new("STOCK_COMMITTED", "stock cannot fall below what is held and sold (库存已占用)");

/// Adds units to a sale, or takes free ones away (补货/减库存). Who waits is served first.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Restock {
    /// The session.
    session: String,
    /// Which opening; the latest when absent.
    #[serde(default)]
    occurrence: Option<String>,
    /// The goods.
    sku: String,
    /// Units to add; negative to take away.
    qty: i64,
}

/// How the stock stands.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Stock {
    /// Which opening of the session.
    pub(crate) occurrence: String,
    /// All units.
    pub(crate) total: u64,
    /// Units that nobody holds or has bought, before those who wait are served.
    pub(crate) available: u64,
}

impl Step for Restock {
    const NAME: &'static str = "restock";
    const REFUSALS: &'static [Refusal] = &[NOT_OPEN, STOCK_COMMITTED];
    type Output = Stock;

    fn run(self) -> Result<Stock, Stop> {
        let Some(sale) = Sale::pick(&self.session, self.occurrence.as_deref())? else {
            resources::require::<Session>(&self.session)?;
            return Err(NOT_OPEN.because("the session never opened: change `stock` in its definition"))?;
        };
        let pool = stock_key(&self.session, &sale.occurrence, &self.sku);
        let Some(found) = pools::get(&pool)? else {
            let message = format!("`{}` is not in this sale", self.sku.chars().take(64).collect::<String>());
            return Err(Fault::invalid("/sku", message))?;
        };
        let committed = found.reserved + found.sold;
        let total = found.total.checked_add_signed(self.qty).filter(|total| *total >= committed);
        let Some(total) = total else {
            let message =
                format!("{} of {} units are held or sold: {} cannot go", committed, found.total, self.qty);
            return Err(STOCK_COMMITTED.because(message).details(json!({ "available": found.available })))?;
        };
        if total != found.total {
            pools::define(&pool, total)?;
            changed(&self.session, &sale.occurrence, &self.sku, (found.total, total))?;
        }
        Ok(Stock { occurrence: sale.occurrence, total, available: total - committed })
    }
}

/// Notes a changed total and serves who waits.
pub(crate) fn changed(
    session: &str,
    occurrence: &str,
    sku: &str,
    (before, total): (u64, u64),
) -> Result<(), Error> {
    let signed = |units: u64| i64::try_from(units).unwrap_or(i64::MAX);
    Restocked { session, occurrence, sku, qty: signed(total) - signed(before), total }.emit()?;
    if total > before {
        records::of_tenant().delete(&sold_out_key(session, occurrence, sku))?;
    }
    waitlist::serve(session, occurrence, sku)
}
