//! A tenant with a playbook, and short questions about it.

use std::sync::Arc;

use siyu_engine::operate::{OperateError, Published, RunAction};
use siyu_engine::ports::inspect::{Inspect, MessageFilter, RunFilter, StockFilter, Turn};
use siyu_engine::tenant::{Admitted, Tenant};
use siyu_model::id::RunId;
use siyu_model::journal::JournalKind;
use siyu_model::message::Message;
use siyu_model::run::{RunEnd, RunPhase, RunStatus};
use siyu_model::stock::pool::Pool;
use siyu_store::SqliteInspect;
use siyu_tests::{Place, event, workflows};

/// A tenant with a playbook on a place of its own; at ten in the morning of 21 November 2026 at first.
pub(super) struct Case {
    pub(super) place: Place,
    pub(super) tenant: Tenant,
    pub(super) inspect: Arc<SqliteInspect>,
}

impl Case {
    pub(super) async fn open(texts: &[&str]) -> Self {
        Self::open_in(Place::at("2026-11-21T10:00:00+08:00").unwrap(), texts).await
    }

    pub(super) async fn open_in(place: Place, texts: &[&str]) -> Self {
        let tenant = place.open().await.unwrap();
        let inspect = Arc::new(place.inspect().await.unwrap());
        let case = Self { place, tenant, inspect };
        case.publish(texts).await;
        case
    }

    pub(super) async fn publish(&self, texts: &[&str]) -> Published {
        self.tenant.publish(workflows(texts).unwrap()).await.unwrap().unwrap()
    }

    /// Stops the tenant and opens it again.
    pub(super) async fn reopen(self) -> Self {
        self.tenant.stop().await;
        let tenant = self.place.open().await.unwrap();
        Self { tenant, ..self }
    }

    /// Moves the clock while the tenant is closed.
    pub(super) async fn closed_until(self, instant: &str) -> Self {
        self.tenant.stop().await;
        self.place.clock.set(instant.parse().unwrap());
        let tenant = self.place.open().await.unwrap();
        tenant.settle().await.unwrap();
        Self { tenant, ..self }
    }

    /// Hands an event in and does everything that it causes; gives the runs that it started.
    pub(super) async fn admit(&self, id: &str, event_type: &str, customer: &str) -> Vec<RunId> {
        let admitted = self.tenant.admit(event(id, event_type, customer, "{}").unwrap()).await.unwrap();
        self.tenant.settle().await.unwrap();
        match admitted {
            Admitted::Recorded { admission, .. } => admission.started,
            Admitted::Refused(why) => panic!("{why}"),
        }
    }

    /// Starts the one workflow for a customer by the event `go`.
    pub(super) async fn start(&self, customer: &str) -> RunId {
        let id = format!("go-{customer}-{}", self.runs().await);
        let started = self.admit(&id, "go", customer).await;
        assert_eq!(started.len(), 1);
        started[0]
    }

    pub(super) async fn go_on_to(&self, instant: &str) {
        self.place.go_on_to(&self.tenant, instant).await.unwrap();
    }

    pub(super) async fn runs(&self) -> usize {
        self.inspect.runs(RunFilter::default(), Turn::first(1_000)).await.unwrap().items.len()
    }

    /// Runs of a workflow.
    pub(super) async fn runs_of(&self, workflow: &str) -> usize {
        let filter = RunFilter { workflow: Some(workflow.to_owned()), ..RunFilter::default() };
        self.inspect.runs(filter, Turn::first(1_000)).await.unwrap().items.len()
    }

    pub(super) async fn status(&self, run: RunId) -> RunStatus {
        self.inspect.run(run).await.unwrap().unwrap().run.status
    }

    pub(super) async fn phase(&self, run: RunId) -> RunPhase {
        self.status(run).await.phase()
    }

    pub(super) async fn outcome(&self, run: RunId) -> String {
        match self.status(run).await {
            RunStatus::Ended { end: RunEnd::Completed { outcome }, .. } => outcome,
            other => panic!("{run} is {other:?}"),
        }
    }

    pub(super) async fn journal(&self, run: RunId) -> Vec<JournalKind> {
        let detail = self.inspect.run(run).await.unwrap().unwrap();
        detail.journal.iter().map(|row| row.entry.kind).collect()
    }

    /// The step of the last line of a run's journal that is of a step.
    pub(super) async fn step(&self, run: RunId) -> String {
        let detail = self.inspect.run(run).await.unwrap().unwrap();
        detail.journal.iter().rev().find_map(|row| row.entry.step.as_ref()).unwrap().to_string()
    }

    pub(super) async fn pool(&self, key: &str) -> Pool {
        let filter = StockFilter { plugin: "probe".into(), prefix: key.to_owned() };
        self.inspect.pools(filter, Turn::first(1)).await.unwrap().items[0].1
    }

    pub(super) async fn available(&self, key: &str) -> u64 {
        self.pool(key).await.available()
    }

    pub(super) async fn counter(&self, key: &str) -> u64 {
        let filter = StockFilter { plugin: "probe".into(), prefix: key.to_owned() };
        let found = self.inspect.counters(filter, Turn::first(1)).await.unwrap().items;
        found.first().map_or(0, |(_, counter)| counter.used())
    }

    /// Messages, oldest first.
    pub(super) async fn messages(&self) -> Vec<Message> {
        let page = self.inspect.messages(MessageFilter::default(), Turn::first(1_000)).await.unwrap();
        page.items.into_iter().rev().collect()
    }
}

/// Does something to a run.
pub(super) async fn act(tenant: &Tenant, run: RunId, action: RunAction) -> Result<RunId, OperateError> {
    let done = tenant.act(run, action).await.unwrap();
    tenant.settle().await.unwrap();
    done
}

/// Why something is not done to a run.
pub(super) async fn refused(tenant: &Tenant, run: RunId, action: RunAction) -> OperateError {
    act(tenant, run, action).await.unwrap_err()
}
