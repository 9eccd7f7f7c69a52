//! Processor time, by thread, and what other processes used meanwhile. Linux only: elsewhere everything is 0.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

/// Ticks of `/proc/stat` in a second: `USER_HZ`, fixed by the kernel's interface.
const TICKS_PER_SECOND: f64 = 100.0;

/// What a thread used.
#[derive(Debug, Clone, Default)]
pub(crate) struct Used {
    /// Its name, at most 15 bytes.
    pub(crate) name: String,
    /// Time on a processor.
    pub(crate) on: Duration,
    /// Time for which it could run and had none.
    pub(crate) waited: Duration,
}

/// What every thread of this process used so far, by its number.
pub(crate) fn threads() -> BTreeMap<u32, Used> {
    let Ok(tasks) = fs::read_dir("/proc/self/task") else {
        return BTreeMap::new();
    };
    let used = tasks.flatten().filter_map(|task| {
        let number = task.file_name().to_str()?.parse().ok()?;
        let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
        let name = fs::read_to_string(task.path().join("comm")).ok()?.trim().to_owned();
        let mut spent = text.split_whitespace().map(|field| field.parse().map(Duration::from_nanos));
        Some((number, Used { name, on: spent.next()?.ok()?, waited: spent.next()?.ok()? }))
    });
    used.collect()
}

/// What every thread used since `before`.
pub(crate) fn since(before: &BTreeMap<u32, Used>) -> BTreeMap<u32, Used> {
    let mut now = threads();
    for (number, used) in &mut now {
        if let Some(earlier) = before.get(number) {
            used.on = used.on.saturating_sub(earlier.on);
            used.waited = used.waited.saturating_sub(earlier.waited);
        }
    }
    now
}

/// The number of this thread.
pub(crate) fn this_thread() -> u32 {
    thread_local! {
        static NUMBER: u32 = fs::read_link("/proc/thread-self")
            .ok()
            .and_then(|path| path.file_name()?.to_str()?.parse().ok())
            .unwrap_or(0);
    }
    NUMBER.with(|number| *number)
}

/// Bytes of memory that this process has now.
pub(crate) fn memory_bytes() -> u64 {
    memory_of(std::process::id())
}

/// Bytes of memory that a process has now.
pub(crate) fn memory_of(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) << 10
}

/// Watches what other processes use.
pub(crate) struct Others {
    begun: Instant,
    machine: f64,
    own: f64,
}

impl Others {
    /// From now on.
    pub(crate) fn watch() -> Self {
        Self { begun: Instant::now(), machine: machine_seconds(), own: own_seconds() }
    }

    /// Processors that others kept busy, on average.
    pub(crate) fn cores(&self) -> f64 {
        let all = machine_seconds() - self.machine;
        let own = own_seconds() - self.own;
        ((all - own) / self.begun.elapsed().as_secs_f64().max(0.001)).max(0.0)
    }
}

/// Seconds for which any processor worked since the machine started.
fn machine_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let ticks: Vec<f64> =
        stat.lines().next().unwrap_or_default().split_whitespace().skip(1).flat_map(str::parse).collect();
    // user nice system idle iowait irq softirq steal
    let busy = ticks.iter().enumerate().filter(|(place, _)| !matches!(place, 3 | 4) && *place < 8);
    busy.map(|(_, ticks)| ticks).sum::<f64>() / TICKS_PER_SECOND
}

/// Seconds of processor time of this process, threads that ended included; in hundredths.
pub(crate) fn own_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name of the program is in brackets and may hold anything: count from its end.
    let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
    let ticks: f64 = after.split_whitespace().skip(11).take(2).flat_map(str::parse::<f64>).sum();
    ticks / TICKS_PER_SECOND
}
