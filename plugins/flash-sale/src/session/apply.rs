//! Putting a session into force: its openings are planned, and a sale that is open takes what may change. Never changes
//! what a customer was promised: not the start, not a price upwards, no item away.

use siyu_plugin::prelude::*;
use siyu_plugin::{events, pools, resources};

use super::{Item, Occurrence, Session};
use crate::events::{CloseDue, OpenDue};
use crate::live::{self, Live, LiveEnded};
use crate::orders::{OrderCancelled, OrderPaid, OrderRefunded};
use crate::restock;
use crate::sale::{self, By, Sale};

impl Session {
    /// Puts the definition into force.
    pub(super) fn put_into_force(&self, name: &str) -> Result<Vec<Reaction>, Fault> {
        let now = Instant::now();
        let before = resources::get::<Self>(name)?;
        if let Some(sale) = Sale::current(name)?.filter(|sale| sale.is_open(now)) {
            if let Some(before) = &before {
                self.keep_promises(before)?;
            }
            self.change_stock(name, before.as_ref(), &sale)?;
            self.change_end(name, sale, now)?;
        }
        self.plan_opening(name, now)?;
        let listens = self.trigger.as_ref().and_then(|trigger| trigger.event.as_deref());
        live::listen(name, before.and_then(|before| before.trigger?.event).as_deref(), listens)?;
        Ok(self.reactions())
    }

    /// Plans the next look at the schedule: now when an occurrence should be open, else at the next start.
    pub(crate) fn plan_opening(&self, name: &str, now: Instant) -> Result<(), Fault> {
        let plan = sale::open_key(name);
        let at = match self.due(name, now)? {
            Some(_) => Some(now),
            None => self.next_after(now)?.map(|next| next.opens_at),
        };
        match at {
            Some(at) => OpenDue { session: name.to_owned() }.plan(&plan, at)?,
            None => drop(events::cancel(&plan)?),
        }
        Ok(())
    }

    /// The scheduled occurrence that should be open and never was. A playbook whose zone changed calls the same start by
    /// another name: it is the same sale.
    pub(crate) fn due(&self, name: &str, now: Instant) -> Result<Option<Occurrence>, Fault> {
        let Some(occurrence) = self.occurrence_at(now)? else {
            return Ok(None);
        };
        let is_same = |sale: Sale| sale.by == By::Schedule && sale.opens_at == occurrence.opens_at;
        let was_opened =
            Sale::of(name, &occurrence.name)?.is_some() || Sale::current(name)?.is_some_and(is_same);
        Ok((!was_opened).then_some(occurrence))
    }

    fn keep_promises(&self, before: &Self) -> Result<(), Fault> {
        for old in &before.items {
            let Some(place) = self.items.iter().position(|item| item.sku == old.sku) else {
                return Err(Fault::invalid(
                    "/items",
                    format!(
                        "`{}` is gone, but the sale is open: keep it until the end, or lower its stock",
                        old.sku
                    ),
                ));
            };
            let new = self.items.get(place).map_or(0, |item| item.price_fen);
            if new > old.price_fen {
                return Err(Fault::invalid(
                    format!("/items/{place}/price_fen"),
                    format!(
                        "{new} fen, but the sale is open at {} fen: a price may only fall until the end",
                        old.price_fen
                    ),
                ));
            }
        }
        Ok(())
    }

    /// Stock of an open sale changes by what the operator changed in the definition, so that units that were added by
    /// the step `restock` stay.
    fn change_stock(&self, name: &str, before: Option<&Self>, sale: &Sale) -> Result<(), Fault> {
        for (place, item) in self.items.iter().enumerate() {
            let pool = sale::stock_key(name, &sale.occurrence, &item.sku);
            let Some(found) = pools::get(&pool)? else {
                pools::define(&pool, item.stock)?;
                continue;
            };
            let was = before.and_then(|before| before.items.iter().find(|old| old.sku == item.sku));
            let total = new_total(found.total, was, item);
            if total == Some(found.total) {
                continue;
            }
            let Some(total) = total.filter(|total| *total >= found.reserved + found.sold) else {
                return Err(Fault::invalid(
                    format!("/items/{place}/stock"),
                    format!(
                        "{} units, but {} are held and {} sold of {}: stock cannot go below that",
                        item.stock, found.reserved, found.sold, found.total
                    ),
                ));
            };
            pools::define(&pool, total)?;
            restock::changed(name, &sale.occurrence, &item.sku, (found.total, total))?;
        }
        Ok(())
    }

    /// An open sale of the schedule ends when its window now does. One that an event opened keeps its end.
    fn change_end(&self, name: &str, mut sale: Sale, now: Instant) -> Result<(), Fault> {
        if sale.by != By::Schedule {
            return Ok(());
        }
        let Some(occurrence) = self.occurrence_of(sale.opens_at)? else {
            return Err(Fault::invalid(
                "/window/start",
                format!(
                    "the sale is open since {} and ends at {}: its start cannot change before that, close it first",
                    sale.opens_at, sale.closes_at
                ),
            ));
        };
        if occurrence.closes_at == sale.closes_at {
            return Ok(());
        }
        sale.closes_at = occurrence.closes_at;
        if sale.closes_at <= now {
            return Ok(sale.close(name, "shortened")?);
        }
        sale.save(name)?;
        let due = CloseDue { session: name.to_owned(), occurrence: sale.occurrence.clone() };
        Ok(due.plan(&sale::close_key(name, &sale.occurrence), sale.closes_at)?)
    }

    fn reactions(&self) -> Vec<Reaction> {
        let mut reactions = Vec::new();
        if let Some(event) = self.trigger.as_ref().and_then(|trigger| trigger.event.as_ref()) {
            reactions.push(Reaction::of::<Live>(event));
            reactions.push(Reaction::of::<LiveEnded>("live.ended"));
        }
        if let Some(orders) = &self.orders {
            reactions.extend(orders.paid.as_ref().map(Reaction::of::<OrderPaid>));
            reactions.extend(orders.cancelled.as_ref().map(Reaction::of::<OrderCancelled>));
            reactions.extend(orders.refunded.as_ref().map(Reaction::of::<OrderRefunded>));
        }
        reactions
    }
}

/// The total that the change of a definition leads to; none when it would be below zero.
fn new_total(total: u64, before: Option<&Item>, item: &Item) -> Option<u64> {
    let was = before.map_or(item.stock, |before| before.stock);
    (total + item.stock).checked_sub(was)
}
