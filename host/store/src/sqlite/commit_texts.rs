//! The text of a commit: one trip to the connection's thread, with those statements alone that have rows.
//!
//! A statement costs five to ten microseconds even when it has no row, most of them for saying so to whoever waits, and a
//! small commit has rows for a third of them. Each combination is a text that has to be prepared once, so only those are
//! kept that come again and again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::statements::{BEGIN, COMMIT_AND_FRAMES, PUBLISHED, STEPS, STOCK};
use crate::commit::Batches;
use crate::database::Args;

/// Combinations that are kept beside those of whole groups, which are seven at most. Prepared, one takes 30 to 280 kilobytes.
const KEPT_MAX: usize = 16;
/// Commits after which a combination that did not come may go for another one.
const IDLE_COMMITS: u64 = 256;

/// Which statements run: a bit each, in the order of [`statements`].
type Chosen = u64;

/// The texts of a writer.
#[derive(Default)]
pub(super) struct CommitTexts(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    /// How many commits there were.
    commits: u64,
    /// Of statements that all have rows: their text, and the number of the commit that last had it.
    exact: HashMap<Chosen, (Arc<str>, u64)>,
    /// Of whole groups.
    groups: HashMap<Chosen, Arc<str>>,
}

impl CommitTexts {
    /// The text of a commit of these batches, and its parameters.
    pub(super) fn put_together(&self, lease: Args, batches: Batches) -> (Arc<str>, Args) {
        let Batches { steps, stock, published } = batches;
        let batches: Vec<_> = steps.into_iter().chain(stock).chain(published).collect();
        let with_rows = (0..).zip(&batches).filter(|(_, rows)| rows.count > 0);
        let wanted = with_rows.map(|(place, _)| bit(place)).sum();
        let (chosen, text) = self.0.lock().unwrap_or_else(PoisonError::into_inner).choose(wanted);
        let batches = (0..).zip(batches).filter(|(place, _)| chosen & bit(*place) != 0);
        (text, batches.fold(lease, |args, (_, rows)| args.rows(rows)))
    }
}

impl Kept {
    /// The text of these statements, or of more when there is no room for one of their own.
    fn choose(&mut self, wanted: Chosen) -> (Chosen, Arc<str>) {
        self.commits += 1;
        if self.exact.contains_key(&wanted) || self.has_room() {
            let (text, last) = self.exact.entry(wanted).or_insert_with(|| (compose(wanted), 0));
            *last = self.commits;
            return (wanted, text.clone());
        }
        let groups = groups_of(wanted);
        (groups, self.groups.entry(groups).or_insert_with(|| compose(groups)).clone())
    }

    /// Makes room for one more where a text was not needed for long.
    fn has_room(&mut self) -> bool {
        if self.exact.len() < KEPT_MAX {
            return true;
        }
        let oldest = self.exact.iter().map(|(chosen, (_, last))| (*last, *chosen)).min();
        match oldest {
            Some((last, chosen)) if self.commits - last > IDLE_COMMITS => {
                self.exact.remove(&chosen).is_some()
            }
            _ => false,
        }
    }
}

/// All statements, in the order in which they run.
fn statements() -> impl Iterator<Item = &'static str> {
    STEPS.into_iter().chain(STOCK).chain(PUBLISHED)
}

fn bit(place: usize) -> Chosen {
    1 << place
}

/// All statements of those groups of which one has rows: few combinations, whatever comes.
fn groups_of(wanted: Chosen) -> Chosen {
    let (mut chosen, mut first) = (0, 0);
    for count in [STEPS.len(), STOCK.len(), PUBLISHED.len()] {
        let group = (bit(count) - 1) << first;
        if wanted & group != 0 {
            chosen |= group;
        }
        first += count;
    }
    chosen
}

/// Without what the files say of themselves: a prepared text is looked up by all that it holds.
fn compose(chosen: Chosen) -> Arc<str> {
    let chosen = (0..).zip(statements()).filter(|(place, _)| chosen & bit(*place) != 0);
    let parts = std::iter::once(BEGIN).chain(chosen.map(|(_, text)| text)).chain([COMMIT_AND_FRAMES]);
    let lines = parts.flat_map(str::lines).filter(|line| !line.starts_with("--"));
    lines.fold(String::new(), |text, line| text + line + "\n").into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::{Rows, Value};

    /// How many statements a text has.
    fn count(text: &str) -> usize {
        text.matches(';').count()
    }

    #[test]
    fn a_commit_runs_the_statements_that_have_rows() {
        let mut kept = Kept::default();
        let (chosen, text) = kept.choose(bit(4) | bit(9));
        assert_eq!((chosen, count(&text)), (bit(4) | bit(9), 6), "{text}");
        assert!(text.starts_with("BEGIN IMMEDIATE;\nUPDATE lease SET"), "{text}");
        assert!(text.find("INTO events").unwrap() < text.find("INTO journal").unwrap(), "{text}");
        assert!(text.ends_with("COMMIT;\nPRAGMA wal_checkpoint(NOOP);\n"), "{text}");
        assert_eq!(count(&kept.choose(0).1), 4, "the lease is checked when there is nothing to write too");
    }

    /// The lease and batches of which these have a row, and hold their number.
    fn batches(with_rows: &[u8]) -> (Args, Batches) {
        let batch = |place: usize| {
            let place = u8::try_from(place).unwrap();
            Rows { shape: "", bytes: vec![place], count: usize::from(with_rows.contains(&place)) }
        };
        let batches = Batches {
            steps: std::array::from_fn(batch),
            stock: std::array::from_fn(|place| batch(STEPS.len() + place)),
            published: std::array::from_fn(|place| batch(STEPS.len() + STOCK.len() + place)),
        };
        (Args::default().int(1).int(2).int(3), batches)
    }

    /// The numbers of the batches among the parameters, which are as many as the text asks for.
    fn bound((text, args): (Arc<str>, Args)) -> Vec<u8> {
        assert_eq!(text.matches('?').count(), args.0.len(), "{text}");
        let bytes = |value: &Value| match value {
            Value::Rows(rows) => Some(rows.bytes[0]),
            _ => None,
        };
        args.0.iter().filter_map(bytes).collect()
    }

    #[test]
    fn each_statement_gets_its_own_batch() {
        let texts = CommitTexts::default();
        for place in 0..16 {
            let (lease, batches) = batches(&[place, 33]);
            assert_eq!(bound(texts.put_together(lease, batches)), [place, 33]);
        }
        // No room: empty batches too.
        let (lease, batches) = batches(&[3, 30]);
        let expected: Vec<u8> = (0..15).chain(27..34).collect();
        assert_eq!(bound(texts.put_together(lease, batches)), expected);
    }

    #[test]
    fn what_comes_once_does_not_take_the_place_of_what_comes_again() {
        let mut kept = Kept::default();
        let usual: Vec<Chosen> = (0..KEPT_MAX).map(|place| bit(place) | bit(20)).collect();
        usual.iter().for_each(|chosen| assert_eq!(kept.choose(*chosen).0, *chosen));
        let all_of = |from: usize, count: usize| (bit(count) - 1) << from;
        assert_eq!(kept.choose(bit(0)).0, all_of(0, 15), "no room: all that most commits run");
        assert_eq!(kept.choose(bit(27) | bit(15)).0, all_of(15, 19), "stock, and what publishing changes");
        // The first one came in the first commit and does not come again.
        while kept.commits < IDLE_COMMITS {
            kept.choose(usual[1]);
        }
        assert_eq!(kept.choose(bit(0)).0, all_of(0, 15), "commit 257: it was away for 256");
        assert_eq!(kept.choose(bit(0)).0, bit(0), "commit 258");
        let is_kept = |chosen: &Chosen| kept.exact.contains_key(chosen);
        assert!(!is_kept(&usual[0]) && usual[1..].iter().all(is_kept));
    }

    #[test]
    fn texts_are_bounded_whatever_comes() {
        let mut kept = Kept::default();
        for number in 0..20_000_u64 {
            // Phases in which other combinations come, and single ones between them.
            let phase = number / 1_000;
            let any = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 30;
            let wanted = if number % 10 == 0 { any } else { phase * 8 + any % 8 };
            let (chosen, _) = kept.choose(wanted);
            assert_eq!(chosen & wanted, wanted);
            assert!(kept.exact.len() <= KEPT_MAX && kept.groups.len() <= 7);
        }
    }

    #[test]
    fn every_statement_has_a_bit() {
        assert_eq!(statements().count(), 34);
        assert_eq!(groups_of(bit(33) | bit(26) | bit(0)), bit(34) - 1);
        assert_eq!(count(&compose(bit(34) - 1)), 38);
    }
}
