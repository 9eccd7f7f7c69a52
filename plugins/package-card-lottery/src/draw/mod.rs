//! The step `draw` (抽奖): one draw for one customer. The order of its checks is the specification's: replay, window,
//! closed, paused, eligibility, card, limits; a refusal uses nothing up.

pub(crate) mod award;
mod eligibility;
mod entry;
mod gate;
mod replay;
pub(crate) mod standing;

use std::borrow::Cow;

use serde::de::IgnoredAny;
use siyu_plugin::prelude::*;
use siyu_plugin::{context, counters, resources};

use crate::campaign::{Campaign, EntryBy, Prize};
use crate::chain::Ledger;
use crate::control;
use crate::decide::{Decision, Ending, decide, misses_after};
use crate::events::{DrawCompleted, DrawRefused, EXHAUSTED};
use crate::fair::Lot;
use crate::keys;
use crate::line::DrawLine;
use crate::refusals::*;
use award::{HandOver, Live};
use entry::Ticket;
use standing::Standing;

pub(crate) use eligibility::{check_eligible, may_win};
pub(crate) use entry::{TicketDocument, card_key, is_signed};
pub(crate) use gate::check_open;
pub(crate) use replay::check_name as check_request;

/// Draws a prize for the customer (抽奖).
///
/// The same card, order or `request` gives the same prize again, however often it is asked for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Draw {
    /// The campaign.
    pub campaign: String,
    /// The card's token, or the order's number. Not read when the campaign's entry is `customer` or `chance`.
    #[serde(default)]
    pub entry: Option<String>,
    /// Names this wish to draw, where an entry has several draws: the same name gives the same draw. Without it every
    /// call draws.
    #[serde(default)]
    pub request: Option<String>,
}

/// A draw.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Drawn {
    /// The campaign, a slash, and the draw's line in the log.
    pub draw_id: String,
    /// Its line in the log.
    pub seq: u64,
    /// What was won.
    pub prize: WonPrize,
    /// `drawn`, `pity`, or why it is not what was drawn: `stock`, `cap`, `budget`.
    pub reason: String,
    /// The version of the rules that it was drawn under.
    pub config_version: u32,
    /// Until when the prize can be claimed; null when there is nothing to claim, or no end.
    pub claim_by: Option<Instant>,
    /// Whether it was drawn before, and this is the same draw again.
    pub replayed: bool,
    /// The hash of its line in the log.
    pub chain_hash: String,
}

/// A prize, or the words for none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WonPrize {
    /// Its id; `none` when nothing was won.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its class (奖项).
    pub tier: String,
    /// What it is worth, in fen.
    pub value_fen: u64,
    /// The coupon batch to issue from; null when it grants none.
    pub coupon: Option<String>,
    /// Whether something was won.
    pub won: bool,
}

impl WonPrize {
    /// A prize of the rules, or none.
    pub(crate) fn of(rules: &Campaign, prize: Option<&Prize>) -> Self {
        match prize {
            Some(prize) => Self {
                id: prize.id.clone(),
                name: prize.name.clone(),
                tier: prize.tier().to_owned(),
                value_fen: prize.value_fen,
                coupon: prize.grant.coupon.clone(),
                won: true,
            },
            None => Self {
                id: "none".to_owned(),
                name: rules.no_prize.name.clone(),
                tier: "none".to_owned(),
                value_fen: 0,
                coupon: None,
                won: false,
            },
        }
    }
}

impl Step for Draw {
    const NAME: &'static str = "draw";
    const REFUSALS: &'static [Refusal] = &[
        NOT_STARTED,
        ENDED,
        LOTTERY_CLOSED,
        PAUSED,
        NOT_ELIGIBLE,
        NOT_FRIEND,
        CARD_INVALID,
        CARD_USED_BY_OTHER,
        LIMIT_CARD,
        LIMIT_ORDER,
        LIMIT_CUSTOMER,
        LIMIT_CUSTOMER_DAY,
        LIMIT_DAY_TOTAL,
        NO_CHANCE,
        IDEMPOTENCY_MISMATCH,
    ];
    type Output = Drawn;

    fn run(self) -> Result<Drawn, Stop> {
        let (rules, ledger) = in_force(&self.campaign)?;
        let result = self.attempt(&rules, ledger);
        if let Err(Stop::Refused(no)) = &result {
            let entry = self.entry.as_deref().map(shortened);
            let refused = DrawRefused {
                campaign: self.campaign.clone(),
                code: no.code,
                entry_by: rules.entry.by,
                entry,
            };
            refused.emit()?;
        }
        result
    }
}

/// The rules of a campaign, without what is told to customers, and its ledger; a fault when it is not published.
pub(crate) fn in_force(campaign: &str) -> Result<(Campaign, Ledger), Fault> {
    if !resources::exists::<Campaign>(campaign)? {
        // Says which ones are.
        resources::require::<Campaign>(campaign)?;
    }
    let mut ledger = Ledger::require(campaign)?;
    let rules = ledger.seal.take_rules();
    let rules = rules.ok_or_else(|| Fault::permanent("SEAL_BROKEN", format!("`{campaign}` has no rules")))?;
    Ok((rules, ledger))
}

fn shortened(text: &str) -> String {
    let mut end = text.len().min(entry::TOKEN_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

/// The event behind the run: which, and when.
pub(crate) struct Trigger {
    pub(crate) id: Option<String>,
    pub(crate) time: Option<Instant>,
}

impl Trigger {
    pub(crate) fn of_call() -> Result<Self, Error> {
        let event = context::current().event::<IgnoredAny>()?;
        Ok(match event {
            Some(event) => Self { id: Some(event.id), time: Some(event.time) },
            None => Self { id: None, time: None },
        })
    }
}

impl Draw {
    fn attempt(&self, rules: &Campaign, ledger: Ledger) -> Result<Drawn, Stop> {
        let customer = context::customer()?;
        let standing = Standing::of(&ledger, &customer)?;
        let ticket = Ticket::of(self, rules, &ledger, &standing)?;
        if let Some(seq) = replay::find(self, rules, &ticket, &standing)? {
            return replay::again(&ledger, &customer, seq);
        }
        let trigger = Trigger::of_call()?;
        check_open(rules, &ledger, trigger.time)?;
        check_eligible(rules)?;
        ticket.check(self, rules, &standing, &ledger)?;
        Drawing { step: self, rules, ledger, customer, standing, ticket, trigger }.run()
    }
}

/// A draw that may take place.
struct Drawing<'a> {
    step: &'a Draw,
    rules: &'a Campaign,
    ledger: Ledger,
    customer: String,
    standing: Standing,
    ticket: Ticket,
    trigger: Trigger,
}

impl Drawing<'_> {
    fn run(mut self) -> Result<Drawn, Stop> {
        let day = gate::today(self.rules, &self.standing)?;
        gate::check_limits(self.rules, &self.step.campaign, &self.standing, day.as_deref())?;
        let ending = {
            let lot = Lot {
                campaign: &self.step.campaign,
                config_version: self.ledger.seal.config_version,
                entry_key: &self.ticket.entry_key,
                draw_no: self.ticket.draw_no(),
            };
            let mut shelf = Live::new(self.rules, &self.standing, self.ledger.seal.source(), lot);
            decide(self.rules, &mut shelf)?
        };
        let Ending::Drawn(decision) = ending else {
            return self.close(day.as_deref());
        };
        award::take(self.rules, &self.step.campaign, decision.awarded, decision.stock_before)?;
        let seq = self.ledger.next_seq();
        self.append(&decision, day.as_deref())?;
        self.remember(&decision, day, seq)?;
        self.ledger.save()?;
        self.answer(&decision, seq)
    }

    /// The rules say that an exhausted lottery closes: the draw is refused, and so is every other one.
    fn close(mut self, day: Option<&str>) -> Result<Drawn, Stop> {
        if let (Some(day), Some(_)) = (day, self.rules.limits.per_day_total) {
            counters::give_back(&keys::day(&self.step.campaign, day), 1)?;
        }
        control::close(&mut self.ledger, EXHAUSTED)?;
        self.ledger.save()?;
        Err(LOTTERY_CLOSED
            .because("a prize is used up, and the rules say that the lottery closes then")
            .into())
    }

    fn append(&mut self, decision: &Decision, day: Option<&str>) -> Result<(), Error> {
        let id = |prize: Option<usize>| prize.map(|place| Cow::from(self.rules.prizes[place].id.as_str()));
        let (seq, call) = (self.ledger.next_seq(), context::current());
        let seal = &self.ledger.seal;
        let line = DrawLine {
            at: call.now.to_string().into(),
            awarded: id(decision.awarded),
            budget_before: decision.budget_before,
            campaign: self.step.campaign.as_str().into(),
            chosen: id(decision.chosen),
            config_hash: seal.config_hash.as_str().into(),
            config_version: seal.config_version,
            ctr: decision.number.ctr,
            customer: self.standing.name.as_str().into(),
            day: day.map(Cow::from),
            draw_id: self.ledger.draw_id(seq).into(),
            draw_no: self.ticket.draw_no(),
            entry_key: self.ticket.entry_key.as_str().into(),
            kind: "draw".into(),
            plugin: call.plugin.as_str().into(),
            r: decision.number.r,
            reason: decision.reason,
            seq,
            stock_before: decision.stock_before,
            trigger_event: self.trigger.id.as_deref().map(Cow::from),
            w: decision.total,
        };
        let canonical = line.canonical();
        self.ledger.note_draw(&canonical)
    }

    /// Writes down what the customer, the entry and the request have had.
    fn remember(&mut self, decision: &Decision, day: Option<String>, seq: u64) -> Result<(), Error> {
        let standing = &mut self.standing;
        standing.count_draw(day);
        if self.rules.pity.is_some() {
            standing.misses = misses_after(self.rules, standing.misses, decision.awarded, decision.reason);
        }
        if self.rules.entry.by == EntryBy::Chance {
            standing.used += 1;
        }
        if let Some(place) = decision.awarded {
            standing.count_prize(&self.rules.prizes[place]);
        }
        standing.save(&self.step.campaign, &self.customer)?;
        self.ticket.remember(&self.standing, seq)?;
        replay::remember(self.step, seq)
    }

    fn answer(self, decision: &Decision, seq: u64) -> Result<Drawn, Stop> {
        let (rules, ledger) = (self.rules, &self.ledger);
        let prize = decision.awarded.map(|place| &rules.prizes[place]);
        let over = HandOver { rules, ledger, customer: &self.customer, seq };
        let claim_by = prize.map(|prize| over.hand(prize)).transpose()?.flatten();
        let won = WonPrize::of(rules, prize);
        let completed = DrawCompleted {
            reason: decision.reason.as_str().to_owned(),
            entry_by: rules.entry.by.as_str().to_owned(),
            card: self.ticket.card(),
            order_no: self.ticket.order_no(self.step.entry.as_deref()),
            batch: self.ticket.batch(),
            creative_id: self.ticket.creative_id(),
            ..over.completed(&won, claim_by)
        };
        completed.emit()?;
        Ok(Drawn {
            draw_id: completed.draw_id,
            seq,
            prize: won,
            reason: completed.reason,
            config_version: ledger.seal.config_version,
            claim_by,
            replayed: false,
            chain_hash: completed.chain_hash,
        })
    }
}

#[cfg(test)]
mod tests;
