//! Coupons as a table.

use siyu_insight::report::{Budget, CouponBatch, Coupons};
use siyu_insight::{Rate, yuan};

use crate::commands::reading::{numbers, title};
use crate::output::{Paint, Screen, grouped, on_one_line};

pub(super) fn show(screen: &Screen, found: &Coupons) -> anyhow::Result<()> {
    screen.say(screen.paint(Paint::Bold, title("Coupons", &found.as_of)))?;
    if found.batches.is_empty() {
        return screen.say("no batch has coupons");
    }
    let mut table = screen.table(&[
        "BATCH",
        "ISSUED",
        "WORTH",
        "LOCKED",
        "USED",
        "TAKEN OFF",
        "RESTORED",
        "EXPIRED",
        "REVOKED",
        "LIVE",
        "RATE",
        "BUDGET",
    ]);
    numbers(&mut table, 1..12);
    for batch in found.batches.iter().chain([&found.total]) {
        table.add_row(row(batch));
    }
    screen.say_table(&table)?;
    screen.say("\nissued + restored = used + expired + revoked + live; the rate is of coupons used and not restored.")?;
    if found.is_cut { screen.say("There are more batches than are shown.") } else { Ok(()) }
}

fn row(batch: &CouponBatch) -> [String; 12] {
    let title = batch.title.as_deref().map(|title| format!(" {}", on_one_line(title))).unwrap_or_default();
    let total = batch.total.map(|total| format!(" / {}", grouped(total))).unwrap_or_default();
    let live = u64::try_from(batch.live).map_or_else(|_| batch.live.to_string(), grouped);
    [
        format!("{}{title}", on_one_line(&batch.batch)),
        format!("{}{total}", grouped(batch.issued)),
        yuan(batch.issued_fen),
        grouped(batch.locked),
        grouped(batch.redeemed),
        yuan(batch.redeemed_fen),
        grouped(batch.restored),
        grouped(batch.expired),
        grouped(batch.revoked),
        live,
        batch.redemption_rate.as_ref().map(Rate::percent).unwrap_or_default(),
        batch.budget.as_ref().map(budget).unwrap_or_default(),
    ]
}

fn budget(budget: &Budget) -> String {
    let fen = |number: u64| yuan(i64::try_from(number).unwrap_or(i64::MAX));
    let percent = Rate::of(budget.used_fen, budget.limit_fen).percent();
    format!(
        "{} of {} ({percent}, {})",
        fen(budget.used_fen),
        fen(budget.limit_fen),
        on_one_line(&budget.basis)
    )
}
