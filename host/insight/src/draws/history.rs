//! What the lines so far amount to: stock, budget, and what customers have won.

use std::collections::HashMap;

use super::line::ReturnedLine;
use super::rules::Rules;
use super::verify::Flaw;

/// What was given so far.
#[derive(Default)]
pub(super) struct History {
    /// Units given, by the place of the prize.
    given: Vec<u64>,
    spent_fen: u64,
    /// Only where the rules look at single customers.
    people: HashMap<String, Person>,
    /// Prizes that wait to be claimed, by the line of their draw, where unclaimed ones go back.
    waiting: HashMap<u64, (usize, u64)>,
}

/// What a customer has had.
#[derive(Debug, Clone, Default)]
pub(super) struct Person {
    /// Prizes won, by place.
    pub(super) won: HashMap<usize, u32>,
    /// Draws in a row without a top prize.
    pub(super) misses: u32,
}

impl History {
    /// New rules. Places of prizes differ only while nothing was drawn.
    pub(super) fn configure(&mut self, rules: &Rules) {
        self.given.resize(rules.prizes.len(), 0);
    }

    /// Units of a prize that are left; none without end.
    pub(super) fn stock_left(&self, rules: &Rules, place: usize) -> Option<u64> {
        let limit = rules.prize(place)?.stock?;
        Some(limit.saturating_sub(self.given.get(place).copied().unwrap_or(0)))
    }

    /// Fen of the budget that are left; none without a budget.
    pub(super) fn budget_left(&self, rules: &Rules) -> Option<u64> {
        Some(rules.budget_fen?.saturating_sub(self.spent_fen))
    }

    /// What a customer has had.
    pub(super) fn person(&self, customer: &str) -> Person {
        self.people.get(customer).cloned().unwrap_or_default()
    }

    /// A draw of a customer is over: won or not.
    pub(super) fn drawn(&mut self, rules: &Rules, customer: &str, awarded: Option<usize>, is_pity: bool) {
        if !rules.knows_customers() {
            return;
        }
        let is_top = awarded
            .and_then(|place| rules.prize(place))
            .is_some_and(|prize| prize.value_fen == rules.top_value_fen());
        let person = self.people.entry(customer.to_owned()).or_default();
        person.misses = if is_top || is_pity { 0 } else { person.misses.saturating_add(1) };
    }

    /// A prize was given, by the draw of this line.
    pub(super) fn give(&mut self, rules: &Rules, customer: &str, place: usize, seq: u64) {
        let cost = rules.cost_fen(place);
        if let Some(given) = self.given.get_mut(place) {
            *given += 1;
        }
        self.spent_fen += cost;
        if rules.knows_customers() {
            let person = self.people.entry(customer.to_owned()).or_default();
            *person.won.entry(place).or_default() += 1;
        }
        if rules.restock_unclaimed && rules.prize(place).is_some_and(|prize| prize.is_claimed()) {
            self.waiting.insert(seq, (place, cost));
        }
    }

    /// A prize that nobody claimed comes back.
    pub(super) fn give_back(&mut self, rules: &Rules, line: &ReturnedLine) -> Result<(), Flaw> {
        if !rules.restock_unclaimed {
            return Err(Flaw::new(
                "a prize that went back into the stock",
                &line.prize,
                "none: the rules do not allow it",
            ));
        }
        let Some((place, cost)) = self.waiting.remove(&line.draw_seq) else {
            let found = format!("a prize of line {}", line.draw_seq);
            return Err(Flaw::new(
                "a prize that went back into the stock",
                found,
                "one that waits to be claimed",
            ));
        };
        Flaw::unless_same("prize", Some(line.prize.as_str()), rules.id(Some(place)))?;
        if let Some(given) = self.given.get_mut(place) {
            *given = given.saturating_sub(1);
        }
        self.spent_fen = self.spent_fen.saturating_sub(cost);
        Ok(())
    }
}
