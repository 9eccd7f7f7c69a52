//! What there is at the moment of a draw, and how a prize is taken and handed over. The host keeps stock and budget from
//! passing their limits.

use siyu_plugin::prelude::*;
use siyu_plugin::{counters, events, pools, records};

use super::WonPrize;
use super::standing::Standing;
use crate::campaign::{Campaign, Prize};
use crate::chain::Ledger;
use crate::decide::{Shelf, costs_budget};
use crate::events::{DrawCompleted, PrizeExhausted, PrizeUnclaimedExpired};
use crate::fair::{Keyed, Lot, Number};
use crate::keys;
use crate::prizes::{PrizeStatus, WonDocument};

/// The shelf of a draw that takes place now: asks the host for what it must know, each once.
pub(crate) struct Live<'a> {
    rules: &'a Campaign,
    standing: &'a Standing,
    keyed: Keyed,
    lot: Lot<'a>,
    stock: Option<(usize, u64)>,
    budget: Option<u64>,
}

impl<'a> Live<'a> {
    pub(crate) fn new(rules: &'a Campaign, standing: &'a Standing, keyed: Keyed, lot: Lot<'a>) -> Self {
        Self { rules, standing, keyed, lot, stock: None, budget: None }
    }
}

impl Shelf for Live<'_> {
    type Fault = Error;

    fn stock_left(&mut self, prize: usize) -> Result<Option<u64>, Error> {
        if self.rules.prizes[prize].stock.limit().is_none() {
            return Ok(None);
        }
        if let Some((known, left)) = self.stock
            && known == prize
        {
            return Ok(Some(left));
        }
        let pool = pools::get(&keys::stock(self.lot.campaign, &self.rules.prizes[prize].id))?;
        let left = pool.map_or(0, |pool| pool.available);
        self.stock = Some((prize, left));
        Ok(Some(left))
    }

    fn budget_left(&mut self) -> Result<Option<u64>, Error> {
        let Some(budget) = self.rules.budget_fen else {
            return Ok(None);
        };
        if self.budget.is_none() {
            self.budget = Some(budget.saturating_sub(counters::used(&keys::budget(self.lot.campaign))?));
        }
        Ok(self.budget)
    }

    fn won(&self, prize: usize) -> u32 {
        self.standing.won(&self.rules.prizes[prize])
    }

    fn misses(&self) -> u32 {
        self.standing.misses
    }

    fn number(&mut self, total: u64) -> Result<Number, Error> {
        Ok(self.keyed.draw(self.lot, total))
    }
}

/// Takes a prize from stock and budget. `stock_before` says how many there were.
pub(crate) fn take(
    rules: &Campaign,
    campaign: &str,
    awarded: Option<usize>,
    stock_before: Option<u64>,
) -> Result<(), Stop> {
    let Some(place) = awarded else {
        return Ok(());
    };
    let prize = &rules.prizes[place];
    let gone = || Fault::transient("STOCK_CHANGED", format!("`{}` went while it was drawn", prize.id));
    if stock_before.is_some() && !pools::take(&keys::stock(campaign, &prize.id), 1)? {
        return Err(gone().into());
    }
    if let Some(budget) = rules.budget_fen.filter(|_| costs_budget(rules, place))
        && !counters::take(&keys::budget(campaign), prize.value_fen, budget)?.ok
    {
        return Err(gone().into());
    }
    if stock_before == Some(1) {
        PrizeExhausted { campaign: campaign.to_owned(), prize: prize.id.clone() }.emit()?;
    }
    Ok(())
}

/// A prize on its way to a customer.
pub(crate) struct HandOver<'a> {
    pub(crate) rules: &'a Campaign,
    pub(crate) ledger: &'a Ledger,
    pub(crate) customer: &'a str,
    /// The draw's line.
    pub(crate) seq: u64,
}

impl HandOver<'_> {
    /// A prize that is claimed waits for its customer; says until when, if there is an end.
    pub(crate) fn hand(&self, prize: &Prize) -> Result<Option<Instant>, Error> {
        if !prize.is_claimed() {
            return Ok(None);
        }
        let campaign = &self.ledger.campaign;
        let claim_by = self.rules.claim_within.map(|length| Instant::now() + length);
        let key = keys::won(campaign, self.seq);
        let won = WonDocument {
            prize: prize.id.clone(),
            name: prize.name.clone(),
            value_fen: prize.value_fen,
            status: PrizeStatus::Awarded,
            claim_by,
        };
        records::of(self.customer).put(&key, &won)?;
        if let Some(at) = claim_by {
            let expired = PrizeUnclaimedExpired {
                campaign: campaign.clone(),
                draw_id: self.ledger.draw_id(self.seq),
                seq: self.seq,
                prize: prize.id.clone(),
                value_fen: prize.value_fen,
            };
            events::plan_for(&key, at, self.customer, &expired)?;
        }
        Ok(claim_by)
    }

    /// The event of the draw, with what every kind of draw has.
    pub(crate) fn completed(&self, won: &WonPrize, claim_by: Option<Instant>) -> DrawCompleted {
        DrawCompleted {
            campaign: self.ledger.campaign.clone(),
            draw_id: self.ledger.draw_id(self.seq),
            seq: self.seq,
            outcome: if won.won { "won" } else { "none" },
            prize: won.id.clone(),
            prize_name: won.name.clone(),
            tier: won.tier.clone(),
            value_fen: won.value_fen,
            coupon: won.coupon.clone(),
            reason: String::new(),
            entry_by: String::new(),
            card: None,
            order_no: None,
            batch: None,
            creative_id: None,
            snapshot: None,
            config_version: self.ledger.seal.config_version,
            claim_by,
            chain_hash: self.ledger.state.head.clone(),
        }
    }
}
