//! A batch draw again: the frozen list, the order that the seed gives, and the prizes down that order.

use super::decide::Moment;
use super::fair::{Keyed, sha256_hex};
use super::history::History;
use super::line::{EntrantsLine, RankLine, SnapshotLine};
use super::rules::Rules;
use super::verify::Flaw;

/// A batch draw that is being read.
pub(super) struct Batch {
    snapshot: SnapshotLine,
    entrants: Vec<String>,
    /// The entrants by rank, once all are there and the seed is known.
    order: Option<Vec<String>>,
    next_rank: u64,
    /// The prize that is given next, and how many of it were.
    slot: usize,
    given: u64,
}

impl Batch {
    pub(super) fn new(snapshot: SnapshotLine) -> Self {
        Self { snapshot, entrants: Vec::new(), order: None, next_rank: 1, slot: 0, given: 0 }
    }

    /// Whether a kind of line can belong to it.
    pub(super) fn takes(kind: &str) -> bool {
        matches!(kind, "entrants" | "won" | "passed")
    }

    /// All entrants must have been told before anything else is.
    pub(super) fn check_complete(&self) -> Result<(), Flaw> {
        let (found, expected) = (self.entrants.len() as u64, self.snapshot.entrants);
        let what = format!("the number of entrants of {}", self.snapshot.snapshot);
        Flaw::unless_same(what, Some(found), Some(expected))
    }

    pub(super) fn add(
        &mut self,
        line: EntrantsLine,
        keyed: Option<&Keyed>,
        campaign: &str,
    ) -> Result<(), Flaw> {
        self.entrants.extend(line.entrants);
        if self.entrants.len() as u64 != self.snapshot.entrants {
            return Ok(());
        }
        if !self.entrants.is_sorted_by(|one, other| one < other) {
            return Err(Flaw::new("the entrants", "not sorted, or one twice", "sorted, each once"));
        }
        let hash = sha256_hex(&[self.entrants.join("\n").as_bytes()]);
        Flaw::unless_same("snapshot_hash", Some(&self.snapshot.snapshot_hash), Some(&hash))?;
        self.order = keyed.map(|keyed| {
            let mut order = self.entrants.clone();
            order.sort_by_cached_key(|entrant| keyed.rank(campaign, &hash, entrant));
            order
        });
        Ok(())
    }

    /// A line of somebody who won or was passed over; the place of the prize that was given.
    pub(super) fn check(
        &mut self,
        line: &RankLine,
        rules: &Rules,
        history: &History,
    ) -> Result<Option<usize>, Flaw> {
        self.check_complete()?;
        Flaw::unless_same("rank", Some(line.rank), Some(self.next_rank))?;
        let place = usize::try_from(self.next_rank - 1).unwrap_or(usize::MAX);
        self.next_rank += 1;
        match &self.order {
            Some(order) => {
                let expected = order.get(place).map(String::as_str);
                Flaw::unless_same("customer", Some(line.customer.as_str()), expected)?;
            }
            None if self.entrants.binary_search(&line.customer).is_err() => {
                return Err(Flaw::new("customer", &line.customer, "one of the entrants"));
            }
            None => {}
        }
        let Some(awarded) = &line.awarded else { return Ok(None) };
        let person = history.person(&line.customer);
        let moment = Moment { rules, history, person: &person };
        let prize = self.next_prize(&moment)?;
        Flaw::unless_same("awarded", Some(awarded.as_str()), rules.id(Some(prize)))?;
        if moment.obstacle(prize).is_some() {
            return Err(Flaw::new("awarded", awarded, "nothing: the customer has as many as one may"));
        }
        Flaw::unless_same("stock_before", line.stock_before, history.stock_left(rules, prize))?;
        let budget = history.budget_left(rules).filter(|_| rules.cost_fen(prize) > 0);
        Flaw::unless_same("budget_before", line.budget_before, budget)?;
        self.given += 1;
        Ok(Some(prize))
    }

    /// The prize that is due: the first one that is not given out and can be given to anybody.
    fn next_prize(&mut self, moment: &Moment<'_>) -> Result<usize, Flaw> {
        while let Some((id, wanted)) = self.snapshot.winners.get(self.slot) {
            let place = moment.rules.place_of(id);
            let place = place.ok_or_else(|| Flaw::new("a prize of the batch", id, "one of the rules"))?;
            let is_gone = matches!(moment.obstacle(place), Some("stock" | "budget"));
            if self.given < *wanted && !is_gone {
                return Ok(place);
            }
            self.slot += 1;
            self.given = 0;
        }
        Err(Flaw::new("a winner", "one more", "none: all prizes are given"))
    }
}
