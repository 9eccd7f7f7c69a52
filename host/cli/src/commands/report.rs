//! `siyu report …`: what a tenant's customers, coupons, stock, prizes and runs amount to.

mod coupons;
mod funnel;
mod prizes;
mod repurchase;
mod runs;
mod stock;

use clap::{Args, Subcommand};
use siyu_insight::report;

use super::reading::{self, Reading, Spanned, Zoned};
use crate::session::{Exit, Session};

/// The reports.
#[derive(Subcommand)]
pub(crate) enum Report {
    /// From the parcel's card to the next order, by channel, and the goals of the playbooks (漏斗)
    Funnel(OverSpan),
    /// Who came back, by the month of the first order (复购)
    Repurchase(Zoned),
    /// Coupons by batch: issued, used, lost, and what is left of the budget (券)
    Coupons(OverSpan),
    /// Pools held against their reservations and events (库存)
    Stock(Stock),
    /// Prizes drawn against the published odds (中奖概率)
    Prizes(Zoned),
    /// Runs by workflow, phase and end
    Runs(Zoned),
}

/// Options of reports over a span.
#[derive(Args)]
pub(crate) struct OverSpan {
    #[command(flatten)]
    zoned: Zoned,
    #[command(flatten)]
    span: Spanned,
}

/// Options of `stock`.
#[derive(Args)]
pub(crate) struct Stock {
    #[command(flatten)]
    zoned: Zoned,
    /// How many pools are listed; all of them are checked
    #[arg(long, value_name = "NUMBER", default_value_t = 40)]
    limit: usize,
}

pub(crate) fn run(command: &Report, session: &Session) -> anyhow::Result<Exit> {
    let screen = &session.screen;
    match command {
        Report::Funnel(options) => {
            let found = session.wait_for(async {
                let Reading { inspect, frame } = reading::open(session, &options.zoned).await?;
                let span = options.span.span(&frame)?;
                report::funnel(&*inspect, &frame, span).await.map_err(reading::told)
            })?;
            screen.json(&found)?;
            funnel::show(screen, &found)?;
        }
        Report::Repurchase(zoned) => {
            let found = session.wait_for(async {
                let Reading { inspect, frame } = reading::open(session, zoned).await?;
                report::repurchase(&*inspect, &frame).await.map_err(reading::told)
            })?;
            screen.json(&found)?;
            repurchase::show(screen, &found)?;
        }
        Report::Coupons(options) => {
            let found = session.wait_for(async {
                let Reading { inspect, frame } = reading::open(session, &options.zoned).await?;
                let span = options.span.span(&frame)?;
                report::coupons(&*inspect, &frame, span).await.map_err(reading::told)
            })?;
            screen.json(&found)?;
            coupons::show(screen, &found)?;
        }
        Report::Stock(options) => {
            let found = session.wait_for(async {
                let Reading { inspect, frame } = reading::open(session, &options.zoned).await?;
                report::stock(&*inspect, &frame).await.map_err(reading::told)
            })?;
            screen.json(&found)?;
            stock::show(screen, &found, options.limit)?;
            return Ok(if found.fault_count == 0 { Exit::Done } else { Exit::Found });
        }
        Report::Prizes(zoned) => return prizes::run(session, zoned),
        Report::Runs(zoned) => {
            let found = session.wait_for(async {
                let Reading { inspect, frame } = reading::open(session, zoned).await?;
                report::runs(&*inspect, &frame).await.map_err(reading::told)
            })?;
            screen.json(&found)?;
            runs::show(screen, &found)?;
        }
    }
    Ok(Exit::Done)
}
