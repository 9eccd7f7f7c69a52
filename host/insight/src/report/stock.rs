//! Stock (库存): every pool with its sum checked, held against its reservations, and for flash sales (秒杀) against the
//! events that were recorded.
//!
//! `available + reserved + sold = total` holds by the host's own rule; here it is computed once more from what is
//! stored, so that a file that was changed by hand shows.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use siyu_engine::ports::inspect::{GroupQuery, Inspect, ReservationTally, Span, StockFilter, Turn};
use siyu_model::limits::inspect::PAGE_ROWS_MAX;
use siyu_model::stock::pool::{Pool, UNITS_MAX};
use siyu_model::stock::reservation::ReservationStatus;

use super::named;
use crate::walk::Walk;
use crate::{Frame, InsightError, Local};

/// The plugin whose events tell of its pools.
const FLASH_SALE: &str = "flash-sale";
/// Pools that are listed; all of them are checked.
const POOLS_SHOWN_MAX: usize = 5_000;
/// Faults that are listed.
const FAULTS_SHOWN_MAX: usize = 100;

/// Stock of a tenant.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stock {
    /// Now.
    pub as_of: Local,
    /// Pools by plugin and key.
    pub pools: Vec<PoolLine>,
    /// How many pools there are.
    pub checked: u64,
    /// What does not add up; empty when all is well.
    pub faults: Vec<String>,
    /// How many faults there are.
    pub fault_count: u64,
}

/// One pool.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PoolLine {
    /// Whose; `@host` for the host's own.
    pub plugin: String,
    /// Its key: of a flash sale session, occurrence and goods.
    pub pool: String,
    /// All units; none without end.
    pub total: Option<u64>,
    /// Units that can be reserved; none without end.
    pub available: Option<u64>,
    /// Units that are held for somebody.
    pub reserved: u64,
    /// Units that are gone.
    pub sold: u64,
    /// Whether `available + reserved + sold = total`.
    pub is_balanced: bool,
    /// Units of the reservations that are held.
    pub held: u64,
    /// What the events of a flash sale say.
    pub events: Option<FlashCount>,
}

/// Units as the events of a flash sale tell of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct FlashCount {
    /// Units reserved, ever.
    pub reserved: i64,
    /// Units sold, ever.
    pub committed: i64,
    /// Units that were held and went back.
    pub released: i64,
    /// Units that were refunded and can be bought again.
    pub back_on_sale: i64,
    /// How often somebody got nothing.
    pub refused: u64,
}

impl FlashCount {
    /// Units that must be held now.
    pub fn held(&self) -> i64 {
        self.reserved - self.committed - self.released
    }

    /// Units that must be gone.
    pub fn sold(&self) -> i64 {
        self.committed - self.back_on_sale
    }
}

/// All pools, each checked.
pub async fn stock(inspect: &dyn Inspect, frame: &Frame) -> Result<Stock, InsightError> {
    let mut report = Stock {
        as_of: frame.local(frame.as_of),
        pools: Vec::new(),
        checked: 0,
        faults: Vec::new(),
        fault_count: 0,
    };
    for plugin in inspect.stock_owners().await? {
        report.owner(inspect, plugin).await?;
    }
    Ok(report)
}

impl Stock {
    async fn owner(&mut self, inspect: &dyn Inspect, plugin: Arc<str>) -> Result<(), InsightError> {
        let tallies = inspect.reservation_tallies(&plugin).await?;
        let events = match &*plugin {
            FLASH_SALE => flash_counts(inspect).await?,
            _ => None,
        };
        let filter = StockFilter { plugin: plugin.clone(), prefix: String::new() };
        let mut pools = Walk::new(Turn::first(PAGE_ROWS_MAX), |turn| inspect.pools(filter.clone(), turn));
        while let Some((key, pool)) = pools.next().await? {
            let key = key.key.to_string();
            let events = events.as_ref().map(|events| events.get(&key).copied().unwrap_or_default());
            let line = line(&plugin, key, pool, &tallies, events);
            self.check(&line);
            if self.pools.len() < POOLS_SHOWN_MAX {
                self.pools.push(line);
            }
        }
        Ok(())
    }

    fn check(&mut self, line: &PoolLine) {
        self.checked += 1;
        let name = format!("{} {}", line.plugin, line.pool);
        if !line.is_balanced {
            let (available, total) = (line.available.unwrap_or_default(), line.total.unwrap_or_default());
            self.fault(format!(
                "{name}: {available} available + {} reserved + {} sold is not the total of {total}",
                line.reserved, line.sold
            ));
        }
        if line.held != line.reserved {
            self.fault(format!(
                "{name}: {} units are reserved, held reservations have {}",
                line.reserved, line.held
            ));
        }
        let Some(events) = line.events else { return };
        let is = |units: u64, told: i64| i64::try_from(units) == Ok(told);
        if !is(line.reserved, events.held()) {
            self.fault(format!(
                "{name}: {} units are reserved, events tell of {} ({} reserved − {} committed − {} released)",
                line.reserved,
                events.held(),
                events.reserved,
                events.committed,
                events.released
            ));
        }
        if !is(line.sold, events.sold()) {
            self.fault(format!(
                "{name}: {} units are sold, events tell of {} ({} committed − {} back on sale)",
                line.sold,
                events.sold(),
                events.committed,
                events.back_on_sale
            ));
        }
    }

    fn fault(&mut self, text: String) {
        self.fault_count += 1;
        if self.faults.len() < FAULTS_SHOWN_MAX {
            self.faults.push(text);
        }
    }
}

fn line(
    plugin: &str,
    pool_key: String,
    pool: Pool,
    tallies: &[ReservationTally],
    events: Option<FlashCount>,
) -> PoolLine {
    let first = tallies.partition_point(|tally| tally.pool.as_str() < pool_key.as_str());
    let of_pool = tallies[first..].iter().take_while(|tally| tally.pool.as_str() == pool_key);
    let held = of_pool.filter(|tally| tally.status == ReservationStatus::Held).map(|tally| tally.units).sum();
    let sum = pool.available().checked_add(pool.reserved()).and_then(|sum| sum.checked_add(pool.sold()));
    let is_endless = pool.total() == UNITS_MAX;
    PoolLine {
        plugin: plugin.to_owned(),
        pool: pool_key,
        total: (!is_endless).then(|| pool.total()),
        available: (!is_endless).then(|| pool.available()),
        reserved: pool.reserved(),
        sold: pool.sold(),
        is_balanced: sum == Some(pool.total()),
        held,
        events,
    }
}

/// What events tell of each pool of flash sales, by its key; none when there are more pools than one question counts.
async fn flash_counts(inspect: &dyn Inspect) -> Result<Option<BTreeMap<String, FlashCount>>, InsightError> {
    let mut counts: BTreeMap<String, FlashCount> = BTreeMap::new();
    for event_type in
        ["flash.reserved", "flash.committed", "flash.released", "flash.refunded", "flash.refused"]
    {
        let query = GroupQuery {
            event_type: named(event_type),
            by: vec![&["session"], &["occurrence"], &["sku"], &["back_on_sale"]],
            having: None,
            customers: false,
            sum: Some(&["qty"]),
            occurred: Span::default(),
        };
        let groups = inspect.groups(query).await?;
        if groups.is_cut {
            return Ok(None);
        }
        for group in groups.rows {
            let part = |place: usize| group.keys.get(place).and_then(Option::as_deref);
            let (Some(session), Some(occurrence), Some(sku)) = (part(0), part(1), part(2)) else { continue };
            let count = counts.entry(pool_key(&[session, occurrence, sku])).or_default();
            match event_type {
                "flash.reserved" => count.reserved += group.sum,
                "flash.committed" => count.committed += group.sum,
                "flash.released" => count.released += group.sum,
                "flash.refused" => count.refused += group.events,
                // A database says `true` as 1.
                _ if part(3) == Some("1") => count.back_on_sale += group.sum,
                _ => {}
            }
        }
    }
    Ok(Some(counts))
}

/// A key of several parts, as plugins write keys: joined with `/`, and white space, control characters, `/` and `%` of a
/// part as `%` with two hexadecimal digits a byte.
fn pool_key(parts: &[&str]) -> String {
    let mut key = String::new();
    for (place, part) in parts.iter().enumerate() {
        if place > 0 {
            key.push('/');
        }
        for symbol in part.chars() {
            if symbol.is_whitespace() || symbol.is_control() || matches!(symbol, '/' | '%') {
                let mut bytes = [0; 4];
                for byte in symbol.encode_utf8(&mut bytes).bytes() {
                    key.push_str(&format!("%{byte:02X}"));
                }
            } else {
                key.push(symbol);
            }
        }
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_written_as_plugins_write_them() {
        assert_eq!(
            pool_key(&["friday-sale", "2026-11-27", "striploin-200"]),
            "friday-sale/2026-11-27/striploin-200"
        );
        assert_eq!(pool_key(&["a/b", "c d", "牛%"]), "a%2Fb/c%20d/牛%25");
    }
}
