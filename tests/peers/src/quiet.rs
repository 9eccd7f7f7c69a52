//! How busy others keep the machine, looked at before a repetition, when nothing of ours works. Linux only: elsewhere it is 0.

use std::fs;
use std::time::{Duration, Instant};

/// How long is looked.
const LOOK: Duration = Duration::from_millis(500);
/// Ticks of `/proc/stat` in a second: `USER_HZ`, fixed by the kernel's interface.
const TICKS_PER_SECOND: f64 = 100.0;

/// Processors that others keep busy.
pub(crate) fn others_cores() -> f64 {
    let (begun, before) = (Instant::now(), machine_seconds());
    std::thread::sleep(LOOK);
    (machine_seconds() - before) / begun.elapsed().as_secs_f64()
}

fn machine_seconds() -> f64 {
    busy_seconds(&fs::read_to_string("/proc/stat").unwrap_or_default())
}

/// Seconds for which any processor worked since the machine started: all states but those of waiting.
fn busy_seconds(stat: &str) -> f64 {
    // user nice system idle iowait irq softirq steal; what follows is counted among these already.
    let line = stat.lines().next().unwrap_or_default();
    let ticks = line.split_whitespace().skip(1).take(8).flat_map(str::parse::<f64>).enumerate();
    ticks.filter(|(place, _)| !matches!(place, 3 | 4)).map(|(_, ticks)| ticks).sum::<f64>() / TICKS_PER_SECOND
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_is_not_work() {
        assert_eq!(busy_seconds("cpu  100 200 300 9999 9999 10 20 30 777 777\ncpu0 1 2"), 6.6);
        assert_eq!(busy_seconds(""), 0.0);
    }
}
