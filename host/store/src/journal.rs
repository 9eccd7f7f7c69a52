//! What the writer remembers of runs that are awake: where they stand, and where their journals end.
//!
//! Where a run stands is in indexes, so it is written only when it changed.
//!
//! Every line holds the place of its run's line before it. The store remembers the last places of the runs that are
//! awake and asks the runs themselves for those that it forgot; both change only after a commit, so no crash can leave a
//! chain that points at a line which is not there.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use siyu_engine::ports::rows::{JournalRow, WriteSet};
use siyu_engine::ports::store::StoreError;
use siyu_model::id::RunId;
use siyu_model::run::Run;

use crate::database::Batch;
use crate::encode;

/// Runs remembered in each of the two halves: about 60 bytes each.
const REMEMBERED_MAX: usize = 32_768;

/// What is remembered of one run.
#[derive(Debug, Clone, Copy, Default)]
struct Head {
    /// The place of the last line of its journal.
    last: Option<i64>,
    /// A hash of where it stands.
    stand: Option<u64>,
}

/// Runs that are awake, bounded: when the young half is full it becomes the old one, and what was old and not asked for
/// since is forgotten.
#[derive(Debug, Default)]
pub(crate) struct Heads {
    young: HashMap<RunId, Head>,
    old: HashMap<RunId, Head>,
}

impl Heads {
    fn get(&self, run: &RunId) -> Head {
        let head = self.young.get(run).or_else(|| self.old.get(run));
        head.copied().unwrap_or_default()
    }

    /// The place of the last line of a run's journal.
    pub(crate) fn last(&self, run: &RunId) -> Option<i64> {
        self.get(run).last
    }

    fn change(&mut self, run: RunId, change: impl FnOnce(&mut Head)) {
        let mut head = self.get(&run);
        change(&mut head);
        if self.young.len() >= REMEMBERED_MAX && !self.young.contains_key(&run) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(run, head);
    }

    pub(crate) fn put_last(&mut self, run: RunId, place: i64) {
        self.change(run, |head| head.last = Some(place));
    }

    /// Remembers what a commit changed, after it; runs that are over change no more.
    pub(crate) fn remember(&mut self, runs: &[Run], ends: HashMap<RunId, i64>, known: Vec<(RunId, u64)>) {
        for (run, place) in ends {
            self.put_last(run, place);
        }
        for (run, stand) in known {
            self.change(run, |head| head.stand = Some(stand));
        }
        for run in runs.iter().filter(|run| run.status.is_terminal()) {
            self.young.remove(&run.id);
            self.old.remove(&run.id);
        }
    }
}

/// A hash of where a run stands: what `runs_stand` writes. Only ever compared inside one process.
fn stand(run: &Run) -> Result<u64, StoreError> {
    let mut hasher = DefaultHasher::new();
    run.slot.hash(&mut hasher);
    encode::status(run)?.hash(&mut hasher);
    run.status.phase().hash(&mut hasher);
    Ok(hasher.finish())
}

/// The runs of a write set by how they are written.
#[derive(Default)]
pub(crate) struct Sorted<'w> {
    /// Runs that are new, stand elsewhere than before, or are not remembered.
    pub(crate) whole: Vec<&'w Run>,
    /// Runs that stand where they stood: only what changes with every step is written.
    pub(crate) going_on: Vec<&'w Run>,
    /// What to remember of where the first ones stand.
    pub(crate) known: Vec<(RunId, u64)>,
}

/// Compares where the runs of a write set stand with what is remembered: what is, was committed.
pub(crate) fn sort<'w>(runs: &'w [Run], heads: &Heads) -> Result<Sorted<'w>, StoreError> {
    let mut sorted = Sorted::default();
    for run in runs {
        let stand = stand(run)?;
        if heads.get(&run.id).stand == Some(stand) {
            sorted.going_on.push(run);
        } else {
            sorted.known.push((run.id, stand));
            sorted.whole.push(run);
        }
    }
    Ok(sorted)
}

/// Runs of a write set whose last places must be asked for: those whose first line here goes on from one that is not
/// remembered, and those whose lines come alone.
pub(crate) fn unknown(writes: &WriteSet, heads: &Heads) -> Vec<RunId> {
    let changed: HashSet<RunId> = match writes.journal.is_empty() {
        true => return Vec::new(),
        false => writes.runs.iter().map(|run| run.id).collect(),
    };
    let mut seen = HashSet::new();
    let first = writes.journal.iter().filter(|line| seen.insert(line.run));
    let asks = |line: &&JournalRow| {
        !changed.contains(&line.run) || (line.row > 0 && heads.last(&line.run).is_none())
    };
    let mut unknown: Vec<RunId> = first.filter(asks).map(|line| line.run).collect();
    unknown.sort_unstable();
    unknown
}

/// The lines of a write set with their places, and where each run's journal ends after them.
pub(crate) struct Chained<B> {
    pub(crate) lines: B,
    pub(crate) ends: HashMap<RunId, i64>,
    pub(crate) next: i64,
}

/// Gives every line its place, from `next` on, and the place of the line before it.
pub(crate) fn chain<B: Batch>(
    lines: &[JournalRow],
    heads: &Heads,
    mut next: i64,
) -> Result<Chained<B>, StoreError> {
    let mut ends: HashMap<RunId, i64> = HashMap::with_capacity(lines.len());
    let mut batch = B::for_rows("journal", lines.len());
    for line in lines {
        let before = match line.row {
            0 => None,
            _ => Some(
                ends.get(&line.run).copied().or_else(|| heads.last(&line.run)).ok_or_else(|| gap(line))?,
            ),
        };
        let entry = &line.entry;
        batch.row(|row| {
            row.int(next)
                .opt_int(before)
                .bytes(line.run.as_bytes())
                .int(line.row.into())
                .int(entry.at.as_millis())
                .opt_text(entry.step.as_ref().map(|step| step.as_str()))
                .int(entry.fiber.into())
                .text(entry.kind.as_str())
                .opt_text(entry.detail.as_deref());
        });
        ends.insert(line.run, next);
        next += 1;
    }
    Ok(Chained { lines: batch, ends, next })
}

fn gap(line: &JournalRow) -> StoreError {
    StoreError::Broken(format!("journal line {} of run {} has no line before it", line.row, line.run))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::samples::{line, run, run_id};

    #[test]
    fn only_a_journal_that_goes_on_from_what_is_not_remembered_is_asked_for() {
        let lines = |lines: &[(u64, u32)]| lines.iter().map(|(id, row)| line(run_id(*id), *row)).collect();
        let writes = |journal: &[(u64, u32)], runs: &[u64]| WriteSet {
            journal: lines(journal),
            runs: runs.iter().map(|number| run(*number).unwrap()).collect(),
            ..WriteSet::default()
        };
        let mut heads = Heads::default();
        let begins = writes(&[(1, 0), (1, 1), (2, 0), (1, 2)], &[1, 2]);
        assert_eq!(unknown(&begins, &heads), [], "lines that follow each other here");
        let goes_on = writes(&[(1, 3), (2, 0), (1, 4)], &[1, 2]);
        assert_eq!(unknown(&goes_on, &heads), [run_id(1)], "once");
        heads.put_last(run_id(1), 7);
        assert_eq!(unknown(&goes_on, &heads), [], "remembered");
        assert_eq!(unknown(&writes(&[(1, 3)], &[]), &heads), [run_id(1)], "whether its run is there");
    }
}
