//! A batch draw again: the frozen list, the order that the seed gives, and the prizes down that order.

use super::history::History;
use super::{Flaw, Read, same};
use crate::batch::snapshot_hash;
use crate::campaign::Campaign;
use crate::decide::costs_budget;
use crate::fair::Keyed;
use crate::line::{EntrantsLine, RankLine, SnapshotLine};

pub(super) struct Ranks {
    snapshot: SnapshotLine,
    entrants: Vec<String>,
    /// The entrants by rank, once all are there and the seed is known.
    order: Option<Vec<String>>,
    next_rank: u64,
    /// The prize that is given next.
    slot: usize,
    given: u64,
}

impl Ranks {
    pub(super) fn new(snapshot: SnapshotLine) -> Self {
        Self { snapshot, entrants: Vec::new(), order: None, next_rank: 1, slot: 0, given: 0 }
    }

    /// Whether a line of a kind can belong to it.
    pub(super) fn accepts(&self, kind: &str) -> bool {
        matches!(kind, "entrants" | "won" | "passed")
    }

    fn has_all(&self) -> bool {
        self.entrants.len() as u64 == self.snapshot.entrants
    }

    pub(super) fn check_complete(&self) -> Read {
        if self.has_all() {
            return Ok(());
        }
        let (found, expected) = (self.entrants.len(), self.snapshot.entrants);
        Err(Flaw::Rule(format!(
            "the snapshot `{}` has {expected} entrants, {found} are told",
            self.snapshot.snapshot
        )))
    }

    pub(super) fn add(&mut self, line: EntrantsLine, source: Option<&Keyed>, campaign: &str) -> Read {
        self.entrants.extend(line.entrants);
        if !self.has_all() {
            return Ok(());
        }
        if !self.entrants.is_sorted_by(|a, b| a < b) {
            return Err(Flaw::Rule("entrants are sorted, each once".to_owned()));
        }
        let hash = snapshot_hash(self.entrants.iter().map(String::as_str));
        same("snapshot_hash", &self.snapshot.snapshot_hash, &hash)?;
        self.order = source.map(|source| {
            let mut order = self.entrants.clone();
            order.sort_by_cached_key(|entrant| source.rank(campaign, &hash, entrant));
            order
        });
        Ok(())
    }

    pub(super) fn check(
        &mut self,
        line: &RankLine,
        rules: &Campaign,
        history: &mut History,
        seq: u64,
    ) -> Read {
        self.check_complete()?;
        same("rank", &line.rank, &self.next_rank)?;
        self.next_rank += 1;
        match &self.order {
            Some(order) => {
                let place = usize::try_from(line.rank - 1).unwrap_or(usize::MAX);
                same("customer", &Some(line.customer.as_str()), &order.get(place).map(String::as_str))?;
            }
            None if self.entrants.binary_search(&line.customer).is_err() => {
                return Err(Flaw::Rule("a winner who did not enter".to_owned()));
            }
            None => {}
        }
        let Some(awarded) = &line.awarded else {
            return Ok(());
        };
        let prize = self.next_prize(rules, history)?;
        same("awarded", awarded, &rules.prizes[prize].id)?;
        if rules.prizes[prize].per_customer.is_some_and(|most| history.won(&line.customer, prize) >= most) {
            return Err(Flaw::Rule(format!("`{awarded}` beyond what one customer may win")));
        }
        same("stock_before", &line.stock_before, &history.stock_left(rules, prize))?;
        let costs = costs_budget(rules, prize);
        let budget = if costs { history.budget_left(rules) } else { None };
        same("budget_before", &line.budget_before, &budget)?;
        self.given += 1;
        history.take(rules, &line.customer, prize, seq);
        Ok(())
    }

    /// The prize that is due: the first one in the order of the rules that is not given out and can be given.
    fn next_prize(&mut self, rules: &Campaign, history: &History) -> Result<usize, Flaw> {
        while let Some((id, wanted)) = self.snapshot.winners.get(self.slot) {
            let place = rules.place_of(id).ok_or_else(|| Flaw::Rule(format!("there is no prize `{id}`")))?;
            let is_out = history.stock_left(rules, place) == Some(0);
            let is_dear = costs_budget(rules, place)
                && history.budget_left(rules).is_some_and(|left| left < rules.prizes[place].value_fen);
            if self.given < *wanted && !is_out && !is_dear {
                return Ok(place);
            }
            self.slot += 1;
            self.given = 0;
        }
        Err(Flaw::Rule("a winner after the last prize".to_owned()))
    }
}
