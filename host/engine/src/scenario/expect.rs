//! Checking what a scenario expects against what is in the store.

use siyu_model::clock::UtcMs;
use siyu_model::event::Subject;
use siyu_model::expr::{Expr, Scope, WindowFault, Windowed, Windows};
use siyu_model::id::CustomerId;
use siyu_model::journal::JournalKind;
use siyu_model::json::{self, Value};
use siyu_model::message::Message;
use siyu_model::name::{EventType, StepId, Tag, WorkflowName};
use siyu_model::playbook::Playbook;
use siyu_model::run::{FiberState, RunEnd, RunStatus};
use siyu_model::scenario::Expectation;

use crate::ports::inspect::{
    EventFilter, Inspect, InspectError, MessageFilter, Page, RunDetail, RunFilter, StockFilter, Turn,
};
use crate::ports::rows::EventRow;
use crate::ports::store::CustomerImage;

/// Rows that one expectation looks at, a page at a time.
const PAGE: usize = 500;

type Checked = Result<(), String>;

/// Checks an expectation; the error says what was expected and what was found.
pub(super) async fn check(
    expectation: &Expectation,
    inspect: &dyn Inspect,
    now: UtcMs,
    playbook: &Playbook,
) -> Checked {
    let reader = Reader { inspect, playbook };
    match expectation {
        Expectation::Run { .. } => reader.check_run(expectation).await,
        Expectation::Step { workflow, customer, step, went, code, output } => {
            let runs = reader.runs(workflow, customer.as_ref()).await?;
            let run = reader.newest(&runs, workflow).await?;
            check_step(&run, step, (went.as_deref(), code.as_deref(), output.as_ref()))
        }
        Expectation::Messages { .. } => reader.check_messages(expectation).await,
        Expectation::Tags { customer, has, lacks } => reader.check_tags(customer, has, lacks).await,
        Expectation::Segment { customer, segment, is_member } => {
            let image = reader.customer(customer).await?;
            let row =
                image.segments.iter().find(|row| row.segment == *segment && row.playbook == playbook.name);
            let found = row.is_some_and(|row| row.is_member);
            let word = |is: bool| if is { "in" } else { "not in" };
            same(&format!("{customer} and `{segment}`"), &word(*is_member), &word(found))
        }
        Expectation::Events { event_type, customer, count } => {
            let customer = match customer {
                Some(customer) => Some(reader.customer(customer).await?.customer.id),
                None => None,
            };
            let found = reader.events(event_type, customer).await?.len() as u64;
            same(&format!("events `{event_type}`"), count, &found)
        }
        Expectation::Pool { .. } => reader.check_pool(expectation).await,
        Expectation::Holds { customer, condition } => reader.check_holds(customer, condition, now).await,
    }
}

fn same<T: PartialEq + std::fmt::Display>(what: &str, expected: &T, found: &T) -> Checked {
    if expected == found { Ok(()) } else { Err(format!("{what}: expected {expected}, found {found}")) }
}

fn names<T: std::fmt::Display>(names: &[T]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn answered<T>(answer: Result<T, InspectError>) -> Result<T, String> {
    answer.map_err(|why| why.to_string())
}

fn with_fault(text: String, run: &RunDetail) -> String {
    match &run.run.status {
        RunStatus::Ended { end: RunEnd::Failed { fault }, .. }
        | RunStatus::Undoing { end: RunEnd::Failed { fault } } => {
            format!("{text} ({fault})")
        }
        _ => text,
    }
}

fn outcome_of(run: &RunDetail) -> String {
    match &run.run.status {
        RunStatus::Ended { end: RunEnd::Completed { outcome }, .. } => outcome.clone(),
        status => format!("none ({})", status.phase().as_str()),
    }
}

/// The last line of a step that says how it went.
fn check_step(
    run: &RunDetail,
    step: &StepId,
    (went, code, output): (Option<&str>, Option<&str>, Option<&Value>),
) -> Checked {
    let lines = run.journal.iter().rev().map(|row| &row.entry);
    let of_step = lines.filter(|entry| entry.step.as_ref() == Some(step));
    // A try that failed tells how a step went only to those who ask for it.
    let mut telling =
        of_step.filter(|entry| entry.kind != JournalKind::Retry || went == Some(JournalKind::Retry.as_str()));
    let Some(line) = telling.next() else {
        return Err(format!("{} has not come to the step `{step}`", run.run.id));
    };
    if let Some(went) = went {
        same(&format!("step `{step}`"), &went, &line.kind.as_str())
            .map_err(|text| format!("{text}: {}", line.detail.as_deref().unwrap_or("")))?;
    }
    let detail = line.detail.as_deref().and_then(|text| json::parse(text).ok()).unwrap_or(Value::Null);
    if let Some(code) = code {
        let found = detail.get("code").and_then(Value::as_str).unwrap_or("none");
        same(&format!("code of step `{step}`"), &code, &found)?;
    }
    let Some(expected) = output else { return Ok(()) };
    let found = detail.get("output").unwrap_or(&detail);
    if includes(found, expected) {
        Ok(())
    } else {
        Err(format!("step `{step}` gave {found:?}, expected {expected:?} in it"))
    }
}

/// Whether a value has everything that another has; lists and plain values must be the same.
fn includes(found: &Value, expected: &Value) -> bool {
    match (found.as_map(), expected.as_map()) {
        (Some(found), Some(expected)) => {
            expected.iter().all(|(key, value)| found.get(key).is_some_and(|found| includes(found, value)))
        }
        _ => found == expected,
    }
}

struct Reader<'a> {
    inspect: &'a dyn Inspect,
    playbook: &'a Playbook,
}

impl Reader<'_> {
    async fn customer(&self, who: &Subject) -> Result<CustomerImage, String> {
        answered(self.inspect.customer(who.clone()).await)?
            .ok_or_else(|| format!("there is no customer {who}"))
    }

    async fn check_run(&self, expectation: &Expectation) -> Checked {
        let Expectation::Run { workflow, customer, phase, at, outcome, count } = expectation else {
            return Ok(());
        };
        let runs = self.runs(workflow, customer.as_ref()).await?;
        if let Some(count) = count {
            same("runs", count, &(runs.len() as u64))?;
            if phase.is_none() && at.is_none() && outcome.is_none() {
                return Ok(());
            }
        }
        let run = self.newest(&runs, workflow).await?;
        if let Some(phase) = phase {
            let found = run.run.status.phase();
            same(&format!("state of {}", run.run.id), &phase.as_str(), &found.as_str())
                .map_err(|text| with_fault(text, &run))?;
        }
        if let Some(at) = at {
            let places = self.places(&run);
            if !places.contains(at) {
                return Err(format!("{} waits at {}, expected `{at}`", run.run.id, names(&places)));
            }
        }
        outcome.as_ref().map_or(Ok(()), |outcome| same("outcome", outcome, &outcome_of(&run)))
    }

    async fn check_messages(&self, expectation: &Expectation) -> Checked {
        let Expectation::Messages { customer, template, status, count, contains } = expectation else {
            return Ok(());
        };
        let id = self.customer(customer).await?.customer.id;
        let filter = MessageFilter { customer: Some(id), status: *status, ..MessageFilter::default() };
        let messages = answered(self.inspect.messages(filter, Turn::first(PAGE)).await)?.items;
        let fits =
            |message: &&Message| template.as_ref().is_none_or(|template| message.template == *template);
        let fitting: Vec<&Message> = messages.iter().filter(fits).collect();
        match count {
            Some(count) => same("messages", count, &(fitting.len() as u64)).map_err(|text| {
                let tell = |message: &Message| format!("{} {}", message.template, message.status.as_str());
                let all: Vec<String> = messages.iter().map(tell).collect();
                format!("{text}; there are: {}", all.join(", "))
            })?,
            None if fitting.is_empty() => return Err(format!("no such message to {customer}")),
            None => {}
        }
        let Some(part) = contains else { return Ok(()) };
        let body = fitting.first().map_or("", |message| message.body.as_str());
        if body.contains(part.as_str()) {
            Ok(())
        } else {
            Err(format!("the message is `{body}`, expected `{part}` in it"))
        }
    }

    async fn check_tags(&self, customer: &Subject, has: &[Tag], lacks: &[Tag]) -> Checked {
        let tags = self.customer(customer).await?.customer.tags;
        let there = names(&tags.keys().collect::<Vec<_>>());
        if let Some(missing) = has.iter().find(|tag| !tags.contains_key(*tag)) {
            return Err(format!("{customer} has the tags {there}, expected `{missing}`"));
        }
        match lacks.iter().find(|tag| tags.contains_key(*tag)) {
            Some(extra) => Err(format!("{customer} has the tag `{extra}`, expected none; tags: {there}")),
            None => Ok(()),
        }
    }

    async fn check_pool(&self, expectation: &Expectation) -> Checked {
        let Expectation::Pool { plugin, key, available, reserved, sold } = expectation else { return Ok(()) };
        let filter = StockFilter { plugin: plugin.as_str().into(), prefix: key.to_string() };
        let pools = answered(self.inspect.pools(filter, Turn::first(PAGE)).await)?.items;
        let found = pools.iter().find(|(place, _)| place.key == *key);
        let (_, pool) = found.ok_or_else(|| format!("{plugin} has no pool `{key}`"))?;
        for (what, expected, found) in [
            ("available", available, pool.available()),
            ("reserved", reserved, pool.reserved()),
            ("sold", sold, pool.sold()),
        ] {
            if let Some(expected) = expected {
                same(&format!("{what} in `{key}`"), expected, &found)?;
            }
        }
        Ok(())
    }

    async fn check_holds(&self, customer: &Subject, condition: &Expr, now: UtcMs) -> Checked {
        let image = self.customer(customer).await?;
        let log = Log { events: self.all_events(image.customer.id).await? };
        let tenant = Value::Null;
        let mut scope = Scope::new(now, &self.playbook.zone, &self.playbook.vars);
        scope.customer = Some(&image.customer);
        scope.tenant = &tenant;
        scope.windows = &log;
        match condition.holds(&scope) {
            Ok(true) => Ok(()),
            Ok(false) => Err(format!("`{condition}` does not hold for {customer}")),
            Err(why) => Err(format!("`{condition}`: {why}")),
        }
    }

    async fn runs(
        &self,
        workflow: &WorkflowName,
        customer: Option<&Subject>,
    ) -> Result<Vec<siyu_model::id::RunId>, String> {
        let customer = match customer {
            Some(customer) => Some(self.customer(customer).await?.customer.id),
            None => None,
        };
        let filter = RunFilter {
            playbook: Some(self.playbook.name.clone()),
            workflow: Some(workflow.to_string()),
            customer,
            ..RunFilter::default()
        };
        let mut found = Vec::new();
        let mut turn = Turn::first(PAGE);
        loop {
            let page = answered(self.inspect.runs(filter.clone(), turn).await)?;
            found.extend(page.items.into_iter().map(|run| run.id));
            let Some(next) = page.next else { return Ok(found) };
            turn = Turn { after: Some(next), limit: PAGE };
        }
    }

    async fn newest(
        &self,
        runs: &[siyu_model::id::RunId],
        workflow: &WorkflowName,
    ) -> Result<RunDetail, String> {
        let id = runs.first().ok_or_else(|| format!("no run of `{workflow}`"))?;
        answered(self.inspect.run(*id).await)?.ok_or_else(|| format!("run {id} is gone"))
    }

    /// The steps at which a run is.
    fn places(&self, run: &RunDetail) -> Vec<StepId> {
        let Some(workflow) = self.playbook.workflows.get(run.run.target.name().as_str()) else {
            return Vec::new();
        };
        let waiting =
            run.run.state.fibers.iter().filter(|fiber| !matches!(fiber.state, FiberState::Joining(_)));
        waiting.filter_map(|fiber| workflow.program.node(fiber.at)).map(|node| node.id.clone()).collect()
    }

    async fn events(
        &self,
        event_type: &EventType,
        customer: Option<CustomerId>,
    ) -> Result<Vec<EventRow>, String> {
        self.read_events(EventFilter {
            event_type: Some(event_type.clone()),
            customer,
            ..EventFilter::default()
        })
        .await
    }

    async fn all_events(&self, customer: CustomerId) -> Result<Vec<EventRow>, String> {
        self.read_events(EventFilter { customer: Some(customer), ..EventFilter::default() }).await
    }

    async fn read_events(&self, filter: EventFilter) -> Result<Vec<EventRow>, String> {
        let mut found = Vec::new();
        let mut turn = Turn::first(PAGE);
        loop {
            let Page { items, next } = answered(self.inspect.events(filter.clone(), turn).await)?;
            found.extend(items);
            let Some(next) = next else { return Ok(found) };
            turn = Turn { after: Some(next), limit: PAGE };
        }
    }
}

/// A customer's events, all in memory.
struct Log {
    events: Vec<EventRow>,
}

impl Windows for Log {
    fn count(&self, event_type: &EventType, since: UtcMs) -> Result<Windowed, WindowFault> {
        let inside =
            self.events.iter().filter(|event| event.event_type == *event_type && event.occurred_at >= since);
        let instants: Vec<UtcMs> = inside.map(|event| event.occurred_at).collect();
        Ok(Windowed { count: instants.len() as u64, oldest_at: instants.into_iter().min() })
    }
}
