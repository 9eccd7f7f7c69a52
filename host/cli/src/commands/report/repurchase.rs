//! Repurchase as tables.

use siyu_insight::report::{CohortLine, Repurchase, Within};
use siyu_insight::{Rate, yuan};

use crate::commands::reading::{counted, numbers, title};
use crate::output::{Paint, Screen, grouped};

pub(super) fn show(screen: &Screen, found: &Repurchase) -> anyhow::Result<()> {
    screen.say(screen.paint(Paint::Bold, title(&format!("Repurchase · {}", found.zone), &found.as_of)))?;
    let customers = counted(found.customers, "customer", "customers");
    let orders = counted(found.orders, "order", "orders");
    screen.say(format!("{customers}, {orders}, {} paid", yuan(found.amount_fen)))?;
    let line = |name: &str, rate: &Rate| {
        screen.say(format!(
            "{name:<36}{} of {} ({})",
            grouped(rate.part),
            grouped(rate.whole),
            rate.percent()
        ))
    };
    line("ordered on more than one day", &found.returned.on_more_than_one_day)?;
    line("have more than one order record", &found.returned.more_than_one_record)?;
    if found.cohorts.is_empty() {
        return Ok(());
    }
    let windows: Vec<String> =
        found.total.within.iter().map(|within| format!("{} DAYS", within.days)).collect();
    let mut columns = vec!["FIRST ORDER", "CUSTOMERS", "ORDERS"];
    columns.extend(windows.iter().map(String::as_str));
    columns.push("EVER");
    let mut table = screen.table(&columns);
    numbers(&mut table, 1..columns.len());
    for cohort in found.cohorts.iter().chain([&found.total]) {
        table.add_row(row(cohort));
    }
    screen.say("")?;
    screen.say_table(&table)?;
    let is_growing = found.cohorts.iter().flat_map(|cohort| &cohort.within).any(|within| !within.is_over);
    screen.say("\nCame back on a later calendar day, so many days after the first at most.")?;
    if is_growing { screen.say("+ still grows: the time is not over for everybody.") } else { Ok(()) }
}

fn row(cohort: &CohortLine) -> Vec<String> {
    let mut row = vec![cohort.month.clone(), grouped(cohort.customers), grouped(cohort.orders)];
    let cell =
        |within: &Within| format!("{}{}", within.returned.percent(), if within.is_over { "" } else { "+" });
    row.extend(cohort.within.iter().map(cell));
    row.push(cohort.ever.percent());
    row
}
