//! `siyu ledger accounts` and `siyu ledger entries`: what accounts of a plugin hold, and how that came about.

use std::sync::Arc;

use clap::{Args, Subcommand};
use serde_json::json;
use siyu_engine::ports::inspect::{Inspect, LedgerFilter};
use siyu_insight::{AccountsPage, EntriesPage, LedgerLine, SideLine};
use siyu_model::event::Subject;
use siyu_model::id::CustomerId;
use siyu_model::name::{Key, PluginName};

use super::reading::{self, Paged, Reading, Zoned, counted, numbers};
use super::runs_view::customer_of;
use crate::output::{Paint, Screen, grouped, on_one_line};
use crate::session::{Exit, Session};

/// What can be seen of ledgers.
#[derive(Subcommand)]
pub(crate) enum Ledger {
    /// List accounts and what they hold, the tenant's first (积分, 储值)
    Accounts(Accounts),
    /// List transfers between accounts, newest first
    Entries(Entries),
}

/// Which accounts.
#[derive(Args)]
struct Which {
    /// The plugin whose accounts they are
    #[arg(long, value_name = "NAME")]
    plugin: PluginName,
    /// Only accounts of this customer: cus_… or an outside name such as shop:00042
    #[arg(long, value_name = "WHO")]
    customer: Option<Subject>,
    /// Only accounts of this name
    #[arg(long, value_name = "NAME")]
    account: Option<Key>,
}

/// Options of `accounts`.
#[derive(Args)]
pub(crate) struct Accounts {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    paged: Paged,
}

/// Options of `entries`.
#[derive(Args)]
pub(crate) struct Entries {
    #[command(flatten)]
    zoned: Zoned,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    paged: Paged,
}

pub(crate) fn run(command: &Ledger, session: &Session) -> anyhow::Result<Exit> {
    match command {
        Ledger::Accounts(options) => accounts(options, session),
        Ledger::Entries(options) => entries(options, session),
    }
}

/// The accounts that are meant, with what all of the plugin's together are.
async fn filter(inspect: &Arc<dyn Inspect>, which: &Which) -> anyhow::Result<(LedgerFilter, LedgerLine)> {
    let ledgers = siyu_insight::ledgers(&**inspect).await.map_err(reading::told)?;
    let of_plugin = ledgers.into_iter().find(|ledger| ledger.plugin == which.plugin);
    let found = of_plugin.unwrap_or(LedgerLine { plugin: which.plugin.clone(), accounts: 0, sum: 0 });
    let customer = match &which.customer {
        Some(who) => Some(customer_of(&**inspect, who).await?),
        None => None,
    };
    let filter = LedgerFilter { plugin: which.plugin.clone(), customer, account: which.account.clone() };
    Ok((filter, found))
}

fn accounts(options: &Accounts, session: &Session) -> anyhow::Result<Exit> {
    let (page, ledger) = session.wait_for(async {
        let inspect = session.home().inspect().await?;
        let (filter, ledger) = filter(&inspect, &options.which).await?;
        let page = siyu_insight::accounts(&*inspect, filter, options.paged.turn()).await;
        anyhow::Ok((page.map_err(reading::told)?, ledger))
    })?;
    session.screen.json(&json!({ "ledger": ledger, "accounts": page.accounts, "next": page.next }))?;
    show_accounts(&session.screen, &page, &ledger)?;
    Ok(if ledger.sum == 0 { Exit::Done } else { Exit::Found })
}

fn whose(customer: Option<CustomerId>) -> String {
    customer.map_or_else(|| "the tenant".to_owned(), |customer| customer.to_string())
}

/// `-1,204`
pub(super) fn signed(units: i64) -> String {
    let sign = if units < 0 { "-" } else { "" };
    format!("{sign}{}", grouped(units.unsigned_abs()))
}

fn show_accounts(screen: &Screen, page: &AccountsPage, ledger: &LedgerLine) -> anyhow::Result<()> {
    if page.accounts.is_empty() {
        screen.say("no accounts")?;
    } else {
        let mut table = screen.table(&["CUSTOMER", "ACCOUNT", "BALANCE"]);
        numbers(&mut table, [2]);
        for account in &page.accounts {
            let name = on_one_line(account.account.as_str());
            table.add_row([whose(account.customer), name, signed(account.balance)]);
        }
        screen.say_table(&table)?;
    }
    if let Some(next) = &page.next {
        screen.say(format!("\nthere is more: --after '{}'", on_one_line(next)))?;
    }
    let all = counted(ledger.accounts, "account", "accounts");
    match ledger.sum {
        0 => screen.say(format!(
            "\n{} {all} of {}: the sum is 0",
            screen.paint(Paint::Green, "✓"),
            ledger.plugin
        )),
        sum => screen.say(format!(
            "\n{} {all} of {}: the sum is {}, expected 0",
            screen.paint(Paint::Red, "✗"),
            ledger.plugin,
            signed(sum)
        )),
    }
}

fn entries(options: &Entries, session: &Session) -> anyhow::Result<Exit> {
    let page = session.wait_for(async {
        let Reading { inspect, frame } = reading::open(session, &options.zoned).await?;
        let (filter, _) = filter(&inspect, &options.which).await?;
        let page = siyu_insight::entries(&*inspect, &frame, filter, options.paged.turn()).await;
        page.map_err(reading::told)
    })?;
    session.screen.json(&page)?;
    show_entries(&session.screen, &page)?;
    Ok(Exit::Done)
}

fn side(side: &SideLine) -> String {
    format!("{} {}", whose(side.customer), on_one_line(side.account.as_str()))
}

fn show_entries(screen: &Screen, page: &EntriesPage) -> anyhow::Result<()> {
    if page.entries.is_empty() {
        return screen.say("no transfers");
    }
    let mut table = screen.table(&["WHEN", "UNITS", "FROM", "TO", "REFERENCE", "POSTING"]);
    numbers(&mut table, [1]);
    for entry in &page.entries {
        table.add_row([
            entry.at.minute(),
            grouped(entry.units),
            side(&entry.from),
            side(&entry.to),
            entry.reference.as_deref().map(on_one_line).unwrap_or_default(),
            entry.posting.to_string(),
        ]);
    }
    screen.say_table(&table)?;
    match &page.next {
        Some(next) => screen.say(format!("\nthere is more: --after {next}")),
        None => Ok(()),
    }
}
