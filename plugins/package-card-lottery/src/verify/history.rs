//! What a log's earlier lines amount to: stock, budget, and what customers and entries have had. Decides every draw again
//! by the same rules. Never trusts a line for what can be computed.

use std::collections::BTreeMap;
use std::convert::Infallible;

use super::{Flaw, Read, same};
use crate::campaign::{Campaign, EntryBy};
use crate::decide::{Ending, Shelf, costs_budget, decide, misses_after, shares};
use crate::fair::{Keyed, Lot, Number};
use crate::line::{DrawLine, Reason, ReturnedLine};

/// The share of each prize in a draw; none is no prize.
pub(super) type Shares = Vec<(Option<usize>, u64)>;

#[derive(Default)]
pub(super) struct History {
    /// Units taken, by the place of the prize.
    taken: Vec<u64>,
    budget_used: u64,
    people: BTreeMap<String, Person>,
    /// Whose an entry is, and how many draws it has had.
    entries: BTreeMap<String, (String, u32)>,
    days: BTreeMap<String, u64>,
    /// Prizes that wait to be claimed, by the line of their draw; what they cost.
    waiting: BTreeMap<u64, (usize, u64)>,
}

#[derive(Clone, Default)]
struct Person {
    draws: u32,
    days: BTreeMap<String, u32>,
    won: BTreeMap<usize, u32>,
    misses: u32,
}

/// The shelf of a draw that took place.
struct Past<'a> {
    rules: &'a Campaign,
    history: &'a History,
    person: &'a Person,
    lot: Lot<'a>,
    source: Option<&'a Keyed>,
    /// What the line says, for as long as the seed is sealed.
    told: Number,
}

impl Shelf for Past<'_> {
    type Fault = Infallible;

    fn stock_left(&mut self, prize: usize) -> Result<Option<u64>, Infallible> {
        Ok(self.history.stock_left(self.rules, prize))
    }

    fn budget_left(&mut self) -> Result<Option<u64>, Infallible> {
        Ok(self.history.budget_left(self.rules))
    }

    fn won(&self, prize: usize) -> u32 {
        self.person.won.get(&prize).copied().unwrap_or(0)
    }

    fn misses(&self) -> u32 {
        self.person.misses
    }

    fn number(&mut self, total: u64) -> Result<Number, Infallible> {
        Ok(self.source.map_or(self.told, |source| source.draw(self.lot, total)))
    }
}

impl History {
    /// New rules: places of prizes are those of the new ones, which differ only while nothing was drawn.
    pub(super) fn configure(&mut self, rules: &Campaign) {
        self.taken.resize(rules.prizes.len(), 0);
    }

    pub(super) fn stock_left(&self, rules: &Campaign, prize: usize) -> Option<u64> {
        let limit = rules.prizes[prize].stock.limit()?;
        Some(limit.saturating_sub(self.taken.get(prize).copied().unwrap_or(0)))
    }

    pub(super) fn budget_left(&self, rules: &Campaign) -> Option<u64> {
        Some(rules.budget_fen?.saturating_sub(self.budget_used))
    }

    pub(super) fn won(&self, customer: &str, prize: usize) -> u32 {
        self.people.get(customer).and_then(|person| person.won.get(&prize)).copied().unwrap_or(0)
    }

    /// Decides a draw again; the shares that its prizes had.
    pub(super) fn check(
        &mut self,
        rules: &Campaign,
        line: &DrawLine<'_>,
        source: Option<&Keyed>,
    ) -> Result<Shares, Flaw> {
        let person = self.people.get(&*line.customer).cloned().unwrap_or_default();
        self.check_entry(rules, line, &person)?;
        self.check_limits(rules, line, &person)?;
        let mut past = Past {
            rules,
            history: self,
            person: &person,
            lot: lot_of(line),
            source,
            told: Number { r: line.r, ctr: line.ctr },
        };
        let Ok(ending) = decide(rules, &mut past);
        let Ok(shares) = shares(rules, &mut past);
        let Ending::Drawn(decision) = ending else {
            return Err(Flaw::Rule(
                "a draw where nothing could be given: the lottery had to close".to_owned(),
            ));
        };
        let id = |place: Option<usize>| place.map(|place| rules.prizes[place].id.as_str());
        same("w", &line.w, &decision.total)?;
        same("r", &(line.r, line.ctr), &(decision.number.r, decision.number.ctr))?;
        check_below(line)?;
        same("chosen", &line.chosen.as_deref(), &id(decision.chosen))?;
        same("awarded", &line.awarded.as_deref(), &id(decision.awarded))?;
        same("reason", &line.reason, &decision.reason)?;
        same("stock_before", &line.stock_before, &decision.stock_before)?;
        same("budget_before", &line.budget_before, &decision.budget_before)?;
        self.remember(rules, line, decision.awarded);
        Ok(shares)
    }

    fn check_entry(&self, rules: &Campaign, line: &DrawLine<'_>, person: &Person) -> Read {
        let by = rules.entry.by;
        if matches!(by, EntryBy::Customer | EntryBy::Chance) {
            let expected = format!("{}:{}#{}", by.as_str(), line.customer, person.draws + 1);
            same("entry_key", &&*line.entry_key, &expected.as_str())?;
            return same("draw_no", &line.draw_no, &1);
        }
        let (owner, draws) = match self.entries.get(&*line.entry_key) {
            Some((owner, draws)) => (owner.as_str(), *draws),
            None => (&*line.customer, 0),
        };
        same("customer", &&*line.customer, &owner)?;
        same("draw_no", &line.draw_no, &(draws + 1))?;
        let most = if by == EntryBy::Card { rules.limits.per_card } else { rules.limits.per_order };
        if line.draw_no > most {
            return Err(Flaw::Rule(format!("draw {} of an entry that has {most}", line.draw_no)));
        }
        Ok(())
    }

    fn check_limits(&self, rules: &Campaign, line: &DrawLine<'_>, person: &Person) -> Read {
        let limits = &rules.limits;
        if limits.per_customer.is_some_and(|most| person.draws >= most) {
            return Err(Flaw::Rule(format!("draw {} of a customer, beyond the limit", person.draws + 1)));
        }
        let Some(day) = line.day.as_deref() else {
            return same("day", &rules.counts_days(), &false);
        };
        let of_customer = person.days.get(day).copied().unwrap_or(0);
        if limits.per_customer_per_day.is_some_and(|most| of_customer >= most) {
            return Err(Flaw::Rule(format!(
                "draw {} of a customer on {day}, beyond the limit",
                of_customer + 1
            )));
        }
        let of_all = self.days.get(day).copied().unwrap_or(0);
        if limits.per_day_total.is_some_and(|most| of_all >= most) {
            return Err(Flaw::Rule(format!("draw {} on {day}, beyond the limit", of_all + 1)));
        }
        Ok(())
    }

    fn remember(&mut self, rules: &Campaign, line: &DrawLine<'_>, awarded: Option<usize>) {
        if matches!(rules.entry.by, EntryBy::Card | EntryBy::Order) {
            let entry = self.entries.entry(line.entry_key.to_string());
            entry.or_insert_with(|| (line.customer.to_string(), 0)).1 += 1;
        }
        let person = self.people.entry(line.customer.to_string()).or_default();
        person.draws += 1;
        person.misses = misses_after(rules, person.misses, awarded, line.reason);
        if let Some(day) = line.day.as_deref() {
            *person.days.entry(day.to_owned()).or_default() += 1;
            *self.days.entry(day.to_owned()).or_default() += 1;
        }
        if let Some(prize) = awarded {
            self.take(rules, &line.customer, prize, line.seq);
        }
    }

    /// A prize leaves the stock.
    pub(super) fn take(&mut self, rules: &Campaign, customer: &str, prize: usize, seq: u64) {
        let person = self.people.entry(customer.to_owned()).or_default();
        *person.won.entry(prize).or_default() += 1;
        if let Some(taken) = self.taken.get_mut(prize) {
            *taken += 1;
        }
        let cost = if costs_budget(rules, prize) { rules.prizes[prize].value_fen } else { 0 };
        self.budget_used += cost;
        if rules.prizes[prize].is_claimed() {
            self.waiting.insert(seq, (prize, cost));
        }
    }

    /// A prize that nobody claimed comes back.
    pub(super) fn give_back(&mut self, rules: &Campaign, line: &ReturnedLine) -> Read {
        if !rules.restock_unclaimed {
            return Err(Flaw::Rule(
                "a prize went back into the stock, which the rules do not allow".to_owned(),
            ));
        }
        let waited = self.waiting.remove(&line.draw_seq);
        let (prize, cost) = waited
            .ok_or_else(|| Flaw::Rule(format!("no prize of line {} waits to be claimed", line.draw_seq)))?;
        same("prize", &line.prize, &rules.prizes[prize].id)?;
        if let Some(taken) = self.taken.get_mut(prize) {
            *taken -= 1;
        }
        self.budget_used -= cost;
        Ok(())
    }
}

fn lot_of<'a>(line: &'a DrawLine<'_>) -> Lot<'a> {
    Lot {
        campaign: &line.campaign,
        config_version: line.config_version,
        entry_key: &line.entry_key,
        draw_no: line.draw_no,
    }
}

fn check_below(line: &DrawLine<'_>) -> Read {
    if line.r < line.w.max(1) {
        return Ok(());
    }
    Err(Flaw::Differs { what: "r", found: line.r.to_string(), expected: format!("less than {}", line.w) })
}

/// What can be said of a draw without the lines before it.
pub(super) fn check_alone(rules: &Campaign, line: &DrawLine<'_>, source: Option<&Keyed>) -> Read {
    check_below(line)?;
    if let Some(source) = source {
        let number = source.draw(lot_of(line), line.w);
        same("r", &(line.r, line.ctr), &(number.r, number.ctr))?;
    }
    let is_whole =
        line.reason != Reason::Pity && rules.on_exhausted != crate::campaign::OnExhausted::Renormalise;
    if is_whole {
        let prizes = rules.prizes.iter().map(|prize| u64::from(prize.weight));
        same("w", &line.w, &(prizes.sum::<u64>() + u64::from(rules.no_prize.weight)))?;
    }
    Ok(())
}
