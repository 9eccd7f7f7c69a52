//! `siyu customers show WHO`: one customer, and all that did and did not happen to them. `siyu customers erase WHO` erases
//! them.

use clap::{Args, Subcommand};
use serde::Serialize;
use siyu_insight::{BalanceLine, CustomerHead, CustomerStory, MomentLine, yuan};
use siyu_model::event::Subject;

use super::erasing::{self, Erase};
use super::ledger::signed;
use super::reading::{self, Paged, Reading, Zoned};
use super::runs_view::unknown_customer;
use crate::output::{Paint, Screen, grouped, on_one_line};
use crate::session::{Exit, Session};

/// What can be done with customers.
#[derive(Subcommand)]
pub(crate) enum Customers {
    /// Show a customer and their timeline, newest first
    Show(Show),
    /// Erase a customer: what is under way for them ends, and who they were goes
    Erase(Erase),
}

/// Options of `show`.
#[derive(Args)]
pub(crate) struct Show {
    /// cus_… or an outside name such as shop:00042
    customer: Subject,
    #[command(flatten)]
    zoned: Zoned,
    #[command(flatten)]
    paged: Paged,
}

/// A customer with what their accounts hold.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    story: CustomerStory,
    /// Of every plugin.
    accounts: Vec<BalanceLine>,
}

pub(crate) fn run(command: &Customers, session: &Session) -> anyhow::Result<Exit> {
    match command {
        Customers::Show(options) => show_one(options, session),
        Customers::Erase(options) => erasing::erase(options, session),
    }
}

fn show_one(options: &Show, session: &Session) -> anyhow::Result<Exit> {
    let shown = session.wait_for(async {
        let Reading { inspect, frame } = reading::open(session, &options.zoned).await?;
        let who = options.customer.clone();
        let story = siyu_insight::customer(&*inspect, &frame, who, options.paged.turn()).await;
        let Some(story) = story.map_err(reading::told)? else { return Ok(None) };
        let accounts = siyu_insight::balances(&*inspect, story.customer.id).await.map_err(reading::told)?;
        Ok(Some(Shown { story, accounts }))
    })?;
    let Some(shown) = shown else {
        return Err(unknown_customer(&options.customer).into());
    };
    session.screen.json(&shown)?;
    show(&session.screen, &shown)?;
    Ok(Exit::Done)
}

fn show(screen: &Screen, Shown { story, accounts }: &Shown) -> anyhow::Result<()> {
    head(screen, &story.customer, accounts)?;
    screen.say("")?;
    if story.moments.is_empty() {
        return screen.say("nothing happened");
    }
    let mut table = screen.table(&["WHEN", "", "WHAT", "STATE", "DETAIL"]);
    for moment in &story.moments {
        rows(screen, &mut table, moment);
    }
    screen.say_table(&table)?;
    match &story.next {
        Some(next) => screen.say(format!("\nthere is more: --after {next}")),
        None => Ok(()),
    }
}

fn head(screen: &Screen, customer: &CustomerHead, accounts: &[BalanceLine]) -> anyhow::Result<()> {
    let names: Vec<String> = customer.identities.iter().map(|name| on_one_line(name)).collect();
    screen.say(format!("{} {}", screen.paint(Paint::Bold, customer.id), names.join(" ")))?;
    let line = |name: &str, value: String| screen.say(format!("{name:<11}{value}"));
    line("known since", format!(" {}", customer.created_at.minute()))?;
    if customer.attributes.as_map().is_some_and(|members| !members.is_empty()) {
        line("attributes", on_one_line(&format!("{:?}", customer.attributes)))?;
    }
    for fact in &customer.facts {
        let sum = if fact.sum_fen != 0 { format!(", {}", yuan(fact.sum_fen)) } else { String::new() };
        let (first, last) = (fact.first_at.day(), fact.last_at.day());
        let days = if first == last { first.to_owned() } else { format!("{first} … {last}") };
        line("fact", format!("{} × {}{sum}, {days}", fact.event_type, grouped(fact.count)))?;
    }
    for tag in &customer.tags {
        let until = tag.expires_at.as_ref().map(|at| format!(", until {}", at.minute())).unwrap_or_default();
        let by = on_one_line(&tag.source);
        line("tag", format!("{} by {by}, {}{until}", on_one_line(&tag.tag), tag.added_at.minute()))?;
    }
    for segment in &customer.segments {
        line(
            "segment",
            format!("{}/{} since {}", segment.playbook, segment.segment, segment.since.minute()),
        )?;
    }
    for BalanceLine { plugin, account, balance } in accounts {
        let account = on_one_line(account.as_str());
        line("account", format!("{plugin}/{account} holds {}", signed(*balance)))?;
    }
    for wait in &customer.waits {
        line("wait", format!("{} for {}", wait.run, wait.events.join(" or ")))?;
    }
    Ok(())
}

/// A moment, and below it what did not happen.
fn rows(screen: &Screen, table: &mut comfy_table::Table, moment: &MomentLine) {
    let id = match (&moment.id, moment.kind) {
        (Some(id), siyu_insight::MomentKind::Run) => format!(" {id}"),
        _ => String::new(),
    };
    table.add_row([
        moment.at.minute(),
        moment.kind.as_str().to_owned(),
        on_one_line(&moment.title),
        moment.status.clone().unwrap_or_default(),
        on_one_line(&format!("{}{id}", moment.detail)).trim_start().to_owned(),
    ]);
    for not in &moment.not {
        let why = on_one_line(&not.why);
        let cells =
            [String::new(), screen.paint(Paint::Yellow, "not"), on_one_line(&not.what), String::new(), why];
        table.add_row(cells);
    }
}
