//! Stock as a table.

use siyu_insight::report::{PoolLine, Stock};

use crate::commands::reading::{counted, numbers, title};
use crate::output::{Paint, Screen, grouped, on_one_line};

pub(super) fn show(screen: &Screen, found: &Stock, limit: usize) -> anyhow::Result<()> {
    screen.say(screen.paint(Paint::Bold, title("Stock", &found.as_of)))?;
    if found.checked == 0 {
        return screen.say("nothing has stock");
    }
    let mut table = screen.table(&[
        "PLUGIN",
        "POOL",
        "TOTAL",
        "AVAILABLE",
        "RESERVED",
        "SOLD",
        "EVENTS: HELD",
        "SOLD",
        "REFUSED",
    ]);
    numbers(&mut table, 2..9);
    for pool in found.pools.iter().take(limit) {
        table.add_row(row(pool));
    }
    screen.say_table(&table)?;
    let hidden = found.checked.saturating_sub(limit.min(found.pools.len()) as u64);
    if hidden > 0 {
        let hidden = counted(hidden, "more pool", "more pools");
        screen.say(format!("… and {hidden}: --limit, or --json for all"))?;
    }
    let checked = counted(found.checked, "pool", "pools");
    if found.fault_count == 0 {
        let sum = "available + reserved + sold = total";
        let good = screen.paint(Paint::Green, "✓");
        return screen.say(format!("\n{good} {checked}: {sum}, reservations and events agree"));
    }
    let faults = counted(found.fault_count, "fault", "faults");
    screen.say(format!("\n{} {faults} in {checked}", screen.paint(Paint::Red, "✗")))?;
    for fault in &found.faults {
        screen.say(format!("  {}", on_one_line(fault)))?;
    }
    Ok(())
}

fn row(pool: &PoolLine) -> [String; 9] {
    let endless = |number: Option<u64>| number.map_or_else(|| "∞".to_owned(), grouped);
    let told = |number: Option<i64>| number.map(|number| number.to_string()).unwrap_or_default();
    [
        on_one_line(&pool.plugin),
        on_one_line(&pool.pool),
        endless(pool.total),
        endless(pool.available),
        grouped(pool.reserved),
        grouped(pool.sold),
        told(pool.events.map(|events| events.held())),
        told(pool.events.map(|events| events.sold())),
        pool.events.map(|events| grouped(events.refused)).unwrap_or_default(),
    ]
}
