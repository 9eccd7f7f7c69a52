//! The text of a commit: one trip to the connection's thread, with the statements of those tables alone that get rows.
//!
//! A statement costs five to ten microseconds even when it has no row, most of them for saying so to whoever waits, and a
//! small commit has rows for a third of the tables. Each combination is a text that has to be prepared once, so only those
//! are kept that come again and again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::statements::{BEGIN, COMMIT_AND_FRAMES, PUBLISHED, STEPS, STOCK};
use crate::commit::Batches;
use crate::database::Args;

/// Combinations that are kept: a prepared text takes about a hundred kilobytes.
const KEPT_MAX: usize = 16;
/// Commits after which a combination that did not come may go for another one. Preparing costs about as much as two commits.
const IDLE_COMMITS: u64 = 256;

/// Which tables get rows: a bit each, in the order of [`statements`].
type Tables = u64;

/// The texts of a writer.
#[derive(Default)]
pub(super) struct CommitTexts(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    commits: u64,
    texts: HashMap<Tables, Text>,
}

struct Text {
    text: Arc<str>,
    /// The number of the commit that last had it.
    last: u64,
}

impl CommitTexts {
    /// The text of a commit of these batches, and its parameters.
    pub(super) fn of(&self, lease: Args, batches: Batches) -> (Arc<str>, Args) {
        let Batches { steps, stock, published } = batches;
        let batches: Vec<_> = steps.into_iter().chain(stock).chain(published).collect();
        let wanted =
            (0..).zip(&batches).filter(|(_, rows)| rows.count > 0).map(|(place, _)| bit(place)).sum();
        let (tables, text) = self.0.lock().unwrap_or_else(PoisonError::into_inner).of(wanted);
        let chosen = (0..).zip(batches).filter(|(place, _)| tables & bit(*place) != 0);
        (text, chosen.fold(lease, |args, (_, rows)| args.rows(rows)))
    }
}

impl Kept {
    /// The text for these tables, or for more of them when there is no room for one of their own.
    fn of(&mut self, wanted: Tables) -> (Tables, Arc<str>) {
        self.commits += 1;
        let tables =
            if self.texts.contains_key(&wanted) || self.has_room() { wanted } else { grouped(wanted) };
        let new = || Text { text: text(tables).into(), last: 0 };
        let text = self.texts.entry(tables).or_insert_with(new);
        text.last = self.commits;
        (tables, text.text.clone())
    }

    /// Makes room for one more where a text was not needed for long.
    fn has_room(&mut self) -> bool {
        if self.texts.len() < KEPT_MAX {
            return true;
        }
        let oldest =
            self.texts.iter().min_by_key(|(_, text)| text.last).map(|(tables, text)| (*tables, text.last));
        match oldest {
            Some((tables, last)) if self.commits - last > IDLE_COMMITS => {
                self.texts.remove(&tables).is_some()
            }
            _ => false,
        }
    }
}

/// The statements of all tables, in the order in which they are written.
fn statements() -> impl Iterator<Item = &'static str> {
    STEPS.into_iter().chain(STOCK).chain(PUBLISHED)
}

fn bit(place: usize) -> Tables {
    1 << place
}

/// All tables of those groups of which one gets rows: few combinations, whatever comes.
fn grouped(wanted: Tables) -> Tables {
    let mut tables = 0;
    let mut first = 0;
    for count in [STEPS.len(), STOCK.len(), PUBLISHED.len()] {
        let group = (bit(count) - 1) << first;
        if wanted & group != 0 {
            tables |= group;
        }
        first += count;
    }
    tables
}

/// Without what the files say of themselves: the text is looked up by all that it holds.
fn text(tables: Tables) -> String {
    let chosen = (0..).zip(statements()).filter(|(place, _)| tables & bit(*place) != 0);
    let parts = std::iter::once(BEGIN).chain(chosen.map(|(_, text)| text)).chain([COMMIT_AND_FRAMES]);
    let lines = parts.flat_map(str::lines).filter(|line| !line.starts_with("--"));
    lines.fold(String::new(), |text, line| text + line + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many statements a text has.
    fn count(text: &str) -> usize {
        text.matches(';').count()
    }

    #[test]
    fn a_commit_runs_the_statements_of_the_tables_that_get_rows() {
        let mut kept = Kept::default();
        let (tables, text) = kept.of(bit(4) | bit(9));
        assert_eq!((tables, count(&text)), (bit(4) | bit(9), 6), "{text}");
        assert!(text.starts_with("BEGIN IMMEDIATE;\nUPDATE lease SET"), "{text}");
        assert!(text.find("INTO events").unwrap() < text.find("INTO journal").unwrap(), "{text}");
        assert!(text.ends_with("COMMIT;\nPRAGMA wal_checkpoint(NOOP);\n"), "{text}");
        assert_eq!(count(&kept.of(0).1), 4, "the lease is checked when there is nothing to write too");
    }

    #[test]
    fn what_comes_once_does_not_take_the_place_of_what_comes_again() {
        let mut kept = Kept::default();
        let usual: Vec<Tables> = (0..KEPT_MAX).map(|place| bit(place) | bit(20)).collect();
        usual.iter().for_each(|tables| assert_eq!(kept.of(*tables).0, *tables));
        let all_of = |from: usize, count: usize| (bit(count) - 1) << from;
        assert_eq!(kept.of(bit(0)).0, all_of(0, 15), "no room: all tables that most commits change");
        assert_eq!(kept.of(bit(27) | bit(15)).0, all_of(15, 19), "stock, and what publishing changes");
        // What a tenant did when it began, and does no more.
        for _ in 0..=IDLE_COMMITS {
            usual[1..].iter().for_each(|tables| assert_eq!(kept.of(*tables).0, *tables));
        }
        assert_eq!(kept.of(bit(0)).0, bit(0), "there is room again");
        assert!(kept.texts.len() <= KEPT_MAX + 7, "{} texts", kept.texts.len());
    }

    #[test]
    fn every_table_has_a_bit() {
        assert_eq!(statements().count(), 34);
        assert_eq!(grouped(bit(33) | bit(26) | bit(0)), bit(34) - 1);
        assert_eq!(count(&text(bit(34) - 1)), 38);
    }
}
