//! A workload in two halves: what a fixture of a schema version holds, and what becomes of it.
//!
//! The first half leaves something of everything that a tenant can hold in the middle of its life: runs that wait for events,
//! times and their turn, branches and items under way, stock and quotas held, messages planned for the morning, plans, a
//! schedule, a run that somebody halted, points. It only grows, by what a new version can hold: fixtures of old versions were made with
//! what it was.

use std::sync::Arc;

use anyhow::{Context, ensure};
use async_trait::async_trait;
use siyu_engine::dispatch::Channels;
use siyu_engine::doubles::{HandClock, NativePlugins};
use siyu_engine::operate::RunAction;
use siyu_engine::ports::channel::{Channel, Receipt, Verdict};
use siyu_engine::ports::inspect::{Inspect, LedgerFilter, MessageFilter, RunFilter, StockFilter, Turn};
use siyu_engine::ports::store::Stores;
use siyu_engine::tenant::{Lanes, Ports, Settings, Tenant};
use siyu_model::clock::UtcMs;
use siyu_model::message::{Message, MessageStatus};
use siyu_model::name::TenantName;
use siyu_model::run::RunPhase;

use crate::{event, probe, workflows};

/// The tenant of all fixtures.
pub const TENANT: &str = "fixture";
/// Its secret.
pub const SECRET: [u8; 32] = [7; 32];

const BUYING: &str = "
workflow: buying
on: { event: go, if: \"event.how | default('') == 'buy'\" }
steps:
  - uses: probe/note@1
    with: { key: begun }
  - id: held
    uses: probe/hold@1
    with: { pool: shelf, units: 1, for_ms: 864000000, limit: 1 }
  - parallel:
      order:
        - id: order
          wait: { event: order.paid, timeout: 5d }
      items:
        - id: items
          each: ${{ event.items }}
          concurrency: 2
          steps:
            - wait: 1d
            - uses: probe/note@1
              with: { key: ${{ item }} }
  - uses: probe/settle@1
    with: { reservation: ${{ steps.held.reservation }}, sell: ${{ not steps.order.timed_out }} }
  - send: hello
  - if: steps.order.timed_out
    end: unpaid
  - end: paid
";

const OFFERING: &str = "
workflow: offering
on: { event: order.refunded }
steps:
  - set: { n: 7 }
  - send: offer
  - uses: probe/plan@1
    with: { key: \"${{ 'soon/' ~ customer.id }}\", after_ms: 172800000 }
  - id: taken
    uses: probe/take@1
    with: { key: offers, units: 1, limit: 2 }
  - id: said
    uses: probe/say@1
  - uses: probe/tag@1
    with: { tag: offered, for_ms: 432000000 }
  - id: order
    wait: { event: order.paid, match: event.n == vars.n, timeout: 4d }
  - id: found
    uses: probe/find@1
    with: { code: ${{ steps.said.code }} }
  - if: steps.found.found != steps.said.code
    end: lost
  - if: steps.order.timed_out and steps.taken.ok
    end: late
  - if: steps.order.timed_out
    end: none
  - end: bought
";

const HEARING: &str = "
workflow: hearing
on: { event: probe.planned }
steps:
  - uses: probe/take@1
    with: { key: heard, units: 1, limit: 1000 }
";

const QUEUEING: &str = "
workflow: queueing
on: { event: go, if: \"event.how | default('') == 'queue'\" }
concurrency: { key: \"'hall'\", limit: 1, on_conflict: queue }
steps: [{ wait: 3h }, { end: out }]
";

const DAILY: &str = "
workflow: daily
on: { schedule: '0 11 * * *', audience: everyone, spread: 1h }
steps:
  - uses: probe/take@1
    with: { key: \"${{ 'days/' ~ customer.id }}\", units: 1, limit: 1000 }
";

const UNDOING: &str = "
workflow: undoing
on: { event: go, if: \"event.how | default('') == 'undo'\", key: customer.id, reentry: once }
steps:
  - id: sold
    uses: probe/hold@1
    with: { pool: shelf, units: 1, limit: 9, sell: true }
    compensate: { uses: probe/restock@1, with: { pool: shelf, units: 1 } }
  - wait: 2d
  - uses: probe/refuse@1
    with: { code: TOO_LATE }
";

/// Points at once, and again a day later: they belong to schema version 2.
const EARNING: &str = "
workflow: earning
on: { event: go, if: \"event.how | default('') == 'earn'\" }
steps:
  - uses: probe/post@1
    with: { to: points, units: 30, reference: ${{ event.id }} }
  - wait: 1d
  - uses: probe/post@1
    with: { from: points, units: 12 }
  - uses: probe/post@1
    with: { from: points, units: 19 }
    on_refused: { SHORT: [end: short] }
  - end: spent
";

/// A channel that sends everything.
struct Sends;

#[async_trait]
impl Channel for Sends {
    async fn deliver(&self, messages: &[Message], _now: UtcMs) -> Vec<Receipt> {
        let sent = |message: &Message| Receipt {
            message: message.id,
            verdict: Verdict::Became(MessageStatus::Sent),
        };
        messages.iter().map(sent).collect()
    }
}

/// The tenant, executed at instants that this workload says.
struct Executed {
    tenant: Tenant,
    clock: Arc<HandClock>,
}

impl Executed {
    async fn at(stores: Arc<dyn Stores>, instant: &str) -> anyhow::Result<Self> {
        let (manifest, step) = probe();
        let clock = Arc::new(HandClock::showing(instant.parse()?));
        let ports = Ports {
            stores,
            plugins: Arc::new(NativePlugins::default().with(manifest, step)),
            clock: clock.clone(),
            channels: Channels::all_over(Arc::new(Sends)),
            lanes: Lanes::unpaced(1),
        };
        let tenant = Tenant::open(TenantName::new(TENANT)?, ports, Settings::default()).await?;
        Ok(Self { tenant, clock })
    }

    async fn until(&self, instant: &str) -> anyhow::Result<()> {
        self.clock.set(instant.parse()?);
        self.tenant.settle().await?;
        Ok(())
    }

    async fn admit(&self, id: &str, event_type: &str, customer: &str, data: &str) -> anyhow::Result<()> {
        self.tenant.admit(event(id, event_type, customer, data)?).await?;
        self.tenant.settle().await?;
        Ok(())
    }
}

/// Plays the first half on stores without the tenant.
pub async fn begin(stores: Arc<dyn Stores>) -> anyhow::Result<()> {
    let executed = Executed::at(stores, "2026-11-21T10:00:00+08:00").await?;
    let publication = workflows(&[BUYING, OFFERING, HEARING, QUEUEING, DAILY, UNDOING, EARNING])?;
    let published = executed.tenant.publish(publication).await?;
    ensure!(published.is_ok(), "the workload is refused");
    for number in 1..=3 {
        let (id, customer) = (format!("buy-{number}"), format!("shop:{number}"));
        let items = r#"{"how":"buy","items":["a","b","c"]}"#;
        executed.admit(&id, "go", &customer, items).await?;
    }
    executed.admit("undo-4", "go", "shop:4", r#"{"how":"undo"}"#).await?;
    for number in 8..=9 {
        let (id, customer) = (format!("earn-{number}"), format!("shop:{number}"));
        executed.admit(&id, "go", &customer, r#"{"how":"earn"}"#).await?;
    }
    executed.until("2026-11-21T22:00:00+08:00").await?;
    for number in 1..=3 {
        let (id, customer) = (format!("back-{number}"), format!("shop:{number}"));
        executed.admit(&id, "order.refunded", &customer, "{}").await?;
    }
    for number in 5..=6 {
        let (id, customer) = (format!("queue-{number}"), format!("shop:{number}"));
        executed.admit(&id, "go", &customer, r#"{"how":"queue"}"#).await?;
    }
    let last =
        executed.tenant.admit(event("buy-7", "go", "shop:7", r#"{"how":"buy","items":["z"]}"#)?).await?;
    executed.tenant.settle().await?;
    let siyu_engine::tenant::Admitted::Recorded { admission, .. } = last else {
        anyhow::bail!("the last event was refused");
    };
    let run = admission.started.first().context("the last event starts a run")?;
    ensure!(executed.tenant.act(*run, RunAction::Pause).await?.is_ok(), "the run cannot be halted");
    executed.until("2026-11-21T22:30:00+08:00").await?;
    executed.tenant.stop().await;
    Ok(())
}

/// Plays the second half where the first has been played: everything comes to its end.
pub async fn finish(stores: Arc<dyn Stores>, inspect: &dyn Inspect) -> anyhow::Result<()> {
    let executed = Executed::at(stores, "2026-11-21T22:31:00+08:00").await?;
    executed.until("2026-11-22T09:30:00+08:00").await?;
    executed.admit("paid-1", "order.paid", "shop:1", r#"{"n":7}"#).await?;
    executed.admit("paid-2", "order.paid", "shop:2", r#"{"n":1}"#).await?;
    executed.until("2026-11-22T13:00:00+08:00").await?;
    let halted = RunFilter { phase: Some(RunPhase::Paused), ..RunFilter::default() };
    for run in inspect.runs(halted, Turn::first(10)).await?.items {
        ensure!(executed.tenant.act(run.id, RunAction::Resume).await?.is_ok(), "{} cannot go on", run.id);
    }
    for day in 23..=30 {
        executed.until(&format!("2026-11-{day}T13:00:00+08:00")).await?;
    }
    executed.tenant.stop().await;
    Ok(())
}

/// Everything that people can see of the tenant, a line each, the same on every database.
pub async fn story(inspect: &dyn Inspect) -> anyhow::Result<Vec<String>> {
    let mut lines = Vec::new();
    for run in inspect.runs(RunFilter::default(), Turn::first(1_000)).await?.items {
        let detail = inspect.run(run.id).await?.context("a run that is listed is there")?;
        lines.push(format!("{} {} {:?} {:?}", run.id, run.target.name(), run.customer, run.phase));
        lines.push(format!("  {:?}", run.end));
        for row in detail.journal {
            let entry = row.entry;
            let step = entry.step.map(|step| step.to_string()).unwrap_or_default();
            lines.push(format!("  {} {} {step} {:?}", entry.at, entry.kind.as_str(), entry.detail));
        }
    }
    for message in inspect.messages(MessageFilter::default(), Turn::first(1_000)).await?.items {
        let Message { id, status, planned_at, changed_at, .. } = message;
        lines.push(format!("{id} {status:?} planned {planned_at}, {changed_at}"));
    }
    let filter = StockFilter { plugin: "probe".into(), prefix: String::new() };
    for (key, pool) in inspect.pools(filter.clone(), Turn::first(1_000)).await?.items {
        lines.push(format!("{} {pool:?}", key.key));
    }
    let of_ledger = LedgerFilter { plugin: "probe".parse()?, customer: None, account: None };
    for (key, units) in inspect.accounts(of_ledger.clone(), Turn::first(1_000)).await?.items {
        lines.push(format!("{:?} {} {units}", key.account.customer, key.account.name));
    }
    for row in inspect.ledger(of_ledger, Turn::first(1_000)).await?.items {
        lines.push(format!("{} {} {:?} {:?}", row.posting, row.at, row.transfer, row.reference));
    }
    for (key, counter) in inspect.counters(filter, Turn::first(1_000)).await?.items {
        lines.push(format!("{} {counter:?}", key.key));
    }
    lines.push(format!("{:?}", inspect.tallies().await?));
    Ok(lines)
}
