//! Where journals end: the chain that lets a journal be appended without an index.
//!
//! Every line holds the place of its run's line before it. The store remembers the last places of the runs that are
//! awake and asks the runs themselves for those that it forgot; both change only after a commit, so no crash can leave a
//! chain that points at a line which is not there.

use std::collections::HashMap;

use siyu_engine::ports::rows::{JournalRow, WriteSet};
use siyu_engine::ports::store::StoreError;
use siyu_model::id::RunId;

use super::jsonb::Batch;

/// Runs remembered in each of the two halves: about 40 bytes each.
const REMEMBERED_MAX: usize = 32_768;

/// The last places of runs that are awake, bounded: when the young half is full it becomes the old one, and what was
/// old and not asked for since is forgotten.
#[derive(Debug, Default)]
pub(super) struct Heads {
    young: HashMap<RunId, i64>,
    old: HashMap<RunId, i64>,
}

impl Heads {
    pub(super) fn get(&self, run: &RunId) -> Option<i64> {
        self.young.get(run).or_else(|| self.old.get(run)).copied()
    }

    pub(super) fn put(&mut self, run: RunId, place: i64) {
        if self.young.len() >= REMEMBERED_MAX {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(run, place);
    }

    pub(super) fn forget(&mut self, run: &RunId) {
        self.young.remove(run);
        self.old.remove(run);
    }
}

/// Runs of a write set whose last places must be asked for: those whose lines go on, and those whose lines come alone.
pub(super) fn unknown(writes: &WriteSet, heads: &Heads) -> Vec<RunId> {
    if writes.journal.is_empty() {
        return Vec::new();
    }
    let changed: std::collections::HashSet<RunId> = writes.runs.iter().map(|run| run.id).collect();
    let mut unknown: Vec<RunId> = writes
        .journal
        .iter()
        .filter(|line| !changed.contains(&line.run) || (line.row > 0 && heads.get(&line.run).is_none()))
        .map(|line| line.run)
        .collect();
    unknown.sort_unstable();
    unknown.dedup();
    unknown
}

/// The lines of a write set with their places, and where each run's journal ends after them.
pub(super) struct Chained {
    pub(super) lines: Batch,
    pub(super) ends: HashMap<RunId, i64>,
    pub(super) next: i64,
}

/// Gives every line its place, from `next` on, and the place of the line before it.
pub(super) fn chain(lines: &[JournalRow], heads: &Heads, mut next: i64) -> Result<Chained, StoreError> {
    let mut ends: HashMap<RunId, i64> = HashMap::with_capacity(lines.len());
    let mut batch = Batch::default();
    for line in lines {
        let before = match line.row {
            0 => None,
            _ => {
                Some(ends.get(&line.run).copied().or_else(|| heads.get(&line.run)).ok_or_else(|| gap(line))?)
            }
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
