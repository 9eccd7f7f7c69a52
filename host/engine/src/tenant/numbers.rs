//! What a tenant did since its host was started, in numbers for those who watch it. What is durable is counted when it is;
//! nothing is decided by them, and they are lost with the process.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use siyu_model::clock::{DurationMs, UtcMs};
use siyu_model::journal::JournalKind;
use siyu_model::plugin::CallUsage;

use crate::ports::rows::WriteSet;

/// Numbers of a tenant; each only grows.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    events: AtomicU64,
    runs_started: AtomicU64,
    runs_ended: AtomicU64,
    lines: [AtomicU64; JournalKind::ALL.len()],
    commits: AtomicU64,
    commit_us: AtomicU64,
    calls: AtomicU64,
    call_us: AtomicU64,
    timers: AtomicU64,
    timers_late_ms: AtomicU64,
}

/// What is counted of a write set, kept until it is durable.
#[derive(Debug, Default, Clone)]
pub(crate) struct Tally {
    events: u64,
    runs_started: u64,
    runs_ended: u64,
    lines: [u64; JournalKind::ALL.len()],
}

/// What a tenant did since its host was started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantNumbers {
    /// Events in the log.
    pub events: u64,
    /// Runs that started.
    pub runs_started: u64,
    /// Runs that came to an end, whichever.
    pub runs_ended: u64,
    /// Lines of journals by their kind: what became of steps.
    pub lines: Vec<(&'static str, u64)>,
    /// Batches that became durable.
    pub commits: u64,
    /// How long that took, all of them together.
    pub commit_time: Duration,
    /// Calls of plugins.
    pub calls: u64,
    /// How long plugins took, all of them together.
    pub call_time: Duration,
    /// Timers that fired.
    pub timers: u64,
    /// By how much they were late, all of them together.
    pub timers_late: Duration,
    /// Commands that wait in the inbox now.
    pub waiting: usize,
}

impl Tally {
    pub(crate) fn of(writes: &WriteSet) -> Self {
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let mut tally = Self {
            events: count(writes.events.len()),
            runs_ended: count(writes.runs.iter().filter(|run| run.status.phase().is_terminal()).count()),
            ..Self::default()
        };
        for row in &writes.journal {
            // A run begins with its first line.
            tally.runs_started += u64::from(row.row == 0);
            let kind = JournalKind::ALL.iter().position(|kind| *kind == row.entry.kind);
            if let Some(lines) = kind.and_then(|kind| tally.lines.get_mut(kind)) {
                *lines += 1;
            }
        }
        tally
    }
}

// Nothing is concluded from two of them together, so their order does not matter.
fn add(counter: &AtomicU64, more: u64) {
    counter.fetch_add(more, Ordering::Relaxed);
}

impl Numbers {
    /// A batch is durable.
    pub(crate) fn committed(&self, tally: &Tally, took: Duration) {
        let counters = [
            (&self.events, tally.events),
            (&self.runs_started, tally.runs_started),
            (&self.runs_ended, tally.runs_ended),
            (&self.commits, 1),
            (&self.commit_us, u64::try_from(took.as_micros()).unwrap_or(u64::MAX)),
        ];
        counters.into_iter().chain(self.lines.iter().zip(tally.lines)).for_each(|(of, more)| add(of, more));
    }

    /// A plugin was called, whatever becomes of it.
    pub(crate) fn called(&self, usage: &CallUsage) {
        add(&self.calls, 1);
        add(&self.call_us, usage.wall_us);
    }

    /// How long plugins took, all calls together.
    pub(crate) fn call_time(&self) -> Duration {
        Duration::from_micros(self.call_us.load(Ordering::Relaxed))
    }

    /// A timer fires.
    pub(crate) fn fired(&self, due_at: UtcMs, now: UtcMs) {
        let late: DurationMs = now.since(due_at);
        add(&self.timers, 1);
        add(&self.timers_late_ms, late.as_millis());
    }

    /// All of them now, with the commands that wait.
    pub(crate) fn read(&self, waiting: usize) -> TenantNumbers {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        TenantNumbers {
            events: of(&self.events),
            runs_started: of(&self.runs_started),
            runs_ended: of(&self.runs_ended),
            lines: JournalKind::ALL
                .iter()
                .zip(&self.lines)
                .map(|(kind, count)| (kind.as_str(), of(count)))
                .collect(),
            commits: of(&self.commits),
            commit_time: Duration::from_micros(of(&self.commit_us)),
            calls: of(&self.calls),
            call_time: Duration::from_micros(of(&self.call_us)),
            timers: of(&self.timers),
            timers_late: Duration::from_millis(of(&self.timers_late_ms)),
            waiting,
        }
    }
}

#[cfg(test)]
mod tests {
    use siyu_model::id::RunId;
    use siyu_model::journal::JournalEntry;

    use super::*;
    use crate::ports::rows::JournalRow;

    #[test]
    fn what_is_durable_is_counted_and_what_plugins_and_timers_took_is_added_up() {
        let at = UtcMs::from_millis(10_000);
        let line = |row, kind| JournalRow {
            run: RunId::derive(at, &[b"run"]),
            row,
            entry: JournalEntry { at, step: None, fiber: 0, kind, detail: None },
        };
        let journal =
            vec![line(0, JournalKind::Done), line(1, JournalKind::Done), line(2, JournalKind::Ended)];
        let tally = Tally::of(&WriteSet { journal, ..WriteSet::default() });
        let numbers = Numbers::default();
        for _ in 0..2 {
            numbers.committed(&tally, Duration::from_micros(1_500));
            numbers.called(&CallUsage { wall_us: 250, ..CallUsage::default() });
            numbers.fired(at, UtcMs::from_millis(10_020));
        }
        // Early is not late.
        numbers.fired(at, UtcMs::from_millis(9_000));
        let read = numbers.read(7);
        let lines: Vec<_> = read.lines.iter().copied().filter(|(_, count)| *count > 0).collect();
        assert_eq!(lines, [("done", 4), ("ended", 2)]);
        assert_eq!((read.runs_started, read.commits, read.calls, read.timers, read.waiting), (2, 2, 2, 3, 7));
        let times = [read.commit_time, read.call_time, read.timers_late].map(|time| time.as_micros());
        assert_eq!(times, [3_000, 500, 40_000]);
    }
}
