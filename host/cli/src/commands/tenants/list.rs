//! `siyu tenants list|show`: which tenants are here, and what one of them is like.

use clap::Args;
use serde_json::json;
use siyu_engine::ports::inspect::{EventFilter, StoreSize, Turn};
use siyu_model::clock::UtcMs;
use siyu_model::name::TenantName;
use siyu_store::carry::{Kept, Mark};

use super::{must_be_there, told};
use crate::commands::reading::numbers;
use crate::facts::{ClockKind, Facts};
use crate::home::Home;
use crate::output::{Paint, Screen, bytes, grouped, on_one_line};
use crate::session::{Exit, Session};

/// Options of `show`.
#[derive(Args)]
pub(crate) struct Show {
    /// The tenant
    #[arg(value_name = "NAME")]
    name: TenantName,
}

/// How a tenant stands, in one word and in a sentence.
fn state(mark: Option<&Mark>) -> (&'static str, String) {
    match mark {
        None => ("here", String::new()),
        Some(mark @ Mark::Moving(_)) => ("moving", mark.why()),
        Some(mark @ Mark::Moved(_)) => ("moved", mark.why()),
        Some(mark @ Mark::Backup(_)) => ("backup", mark.why()),
    }
}

pub(crate) fn list(session: &Session) -> anyhow::Result<Exit> {
    let home = session.home();
    let place = home.kept().kept();
    let found = session.wait_for(async {
        let mut found = Vec::new();
        for name in place.tenants().await? {
            found.push(Line::of(&home.of(name), &place).await);
        }
        Ok(found)
    })?;
    let screen = &session.screen;
    let lines = found.iter().map(Line::json).collect::<Vec<_>>();
    screen.json(&json!({ "place": place.words(), "tenants": lines }))?;
    if found.is_empty() {
        screen.say(format!("no tenant is in {}", place.words()))?;
        return Ok(Exit::Done);
    }
    let mut table = screen.table(&["TENANT", "STATE", "LAST EVENT", "DETAIL"]);
    for line in &found {
        let last = line.last.filter(|at| *at > UtcMs::EPOCH).map(|at| at.to_string()).unwrap_or_default();
        table.add_row([line.name.to_string(), line.state.to_owned(), last, on_one_line(&line.detail)]);
    }
    screen.say_table(&table)?;
    Ok(Exit::Done)
}

/// A tenant in the list.
struct Line {
    name: TenantName,
    state: &'static str,
    detail: String,
    last: Option<UtcMs>,
}

impl Line {
    /// A tenant that cannot be read is in the list all the same, with the reason.
    async fn of(home: &Home, place: &Kept) -> Self {
        let name = home.tenant.clone();
        let (state, detail) = match place.mark(&name).await {
            Ok(mark) => state(mark.as_ref()),
            Err(fault) => return Self { name, state: "broken", detail: fault.to_string(), last: None },
        };
        let last = async {
            let newest =
                home.inspect().await.ok()?.events(EventFilter::default(), Turn::first(1)).await.ok()?;
            newest.items.first().map(|event| event.recorded_at)
        };
        Self { name, state, detail, last: last.await }
    }

    fn json(&self) -> serde_json::Value {
        let last = self.last.map(|at| at.to_string());
        json!({ "tenant": self.name, "state": self.state, "detail": self.detail, "last_event_at": last })
    }
}

pub(crate) fn show(options: &Show, session: &Session) -> anyhow::Result<Exit> {
    let home = session.home().of(options.name.clone());
    let place = home.kept().kept();
    let (mark, size, facts) = session.wait_for(async {
        must_be_there(&place, &home.tenant).await?;
        let mark = place.mark(&home.tenant).await.map_err(told)?;
        let has_left = matches!(mark, Some(Mark::Moved(_)));
        let size = if has_left { StoreSize::default() } else { home.inspect().await?.size().await? };
        Ok((mark, size, Facts::read(&home).await?))
    })?;
    let (state, detail) = state(mark.as_ref());
    let clock = facts.map_or(ClockKind::Real, |facts| facts.clock);
    let rows: serde_json::Map<_, _> =
        size.rows.iter().map(|(table, rows)| (table.clone(), json!(rows))).collect();
    session.screen.json(&json!({
        "tenant": home.tenant, "place": place.place(&home.tenant), "state": state, "detail": detail, "clock": clock,
        "database_bytes": size.database_bytes, "wal_bytes": size.wal_bytes, "free_bytes": size.free_bytes, "rows": rows,
    }))?;
    page(
        &session.screen,
        &home.tenant,
        &[
            ("place", place.place(&home.tenant)),
            ("state", if detail.is_empty() { state.to_owned() } else { format!("{state}: it {detail}") }),
            (
                "clock",
                if clock == ClockKind::Real { "the machine's" } else { "virtual, made by events" }.to_owned(),
            ),
            ("size", format!("{} and {} of log", bytes(size.database_bytes), bytes(size.wal_bytes))),
        ],
    )?;
    let mut table = session.screen.table(&["TABLE", "ROWS"]);
    numbers(&mut table, [1]);
    for (name, rows) in size.rows.iter().filter(|(_, rows)| *rows > 0) {
        table.add_row([name.clone(), grouped(*rows)]);
    }
    session.screen.say_table(&table)?;
    Ok(Exit::Done)
}

fn page(screen: &Screen, tenant: &TenantName, lines: &[(&str, String)]) -> anyhow::Result<()> {
    screen.say(screen.paint(Paint::Bold, tenant))?;
    for (name, value) in lines {
        screen.say(format!("{name:<8}{}", on_one_line(value)))?;
    }
    screen.say("")
}
