//! Call: a plugin's step in its sandbox, as a transaction over memory.

mod codes;
mod events;
mod host;
mod ledger;
mod people;
mod records;
mod stock;

use std::sync::Arc;

use serde::Serialize;
use siyu_model::event::Event;
use siyu_model::id::{CustomerId, RunId};
use siyu_model::json::Value;
use siyu_model::name::{PluginName, StepId};
use siyu_model::playbook::Playbook;
use siyu_model::plugin::{Answer, CallUsage, CapabilitySet, Fault, HostFault, LogLevel};

use crate::memory::{Halt, Memory, MemoryCell, Worked};
use crate::ports::plugins::{CallContext, Entry, PluginCall};
use crate::traces;
use host::CallScope;
pub(crate) use people::expire_tag;
pub(crate) use stock::expire_reservation;

/// Who calls, for whom.
pub(crate) struct Calling<'a> {
    pub(crate) playbook: &'a Arc<Playbook>,
    pub(crate) plugin: &'a PluginName,
    /// The same when the call is repeated after a crash.
    pub(crate) id: String,
    /// The run, and its step.
    pub(crate) run: Option<RunId>,
    pub(crate) step: Option<StepId>,
    pub(crate) customer: Option<CustomerId>,
    pub(crate) event: Option<Arc<Event>>,
    pub(crate) attempt: u32,
    pub(crate) depth: u32,
}

/// How a call went.
pub(crate) struct Called {
    pub(crate) outcome: Result<Answer, Fault>,
    pub(crate) usage: CallUsage,
}

/// Calls a plugin. After an answer its effects are in memory, after a fault none of them is.
pub(crate) fn call(cell: &mut MemoryCell, calling: Calling<'_>, entry: Entry<'_>) -> Worked<Called> {
    let Some(used) = calling.playbook.plugins.get(calling.plugin) else {
        let message = format!("the playbook does not use a plugin {}", calling.plugin);
        return Ok(Called {
            outcome: Err(Fault::permanent("NO_PLUGIN", message)),
            usage: CallUsage::default(),
        });
    };
    let granted = used.grants.iter().copied().fold(CapabilitySet::without_grant(), CapabilitySet::with);
    let step = match entry {
        Entry::Step { step, .. } => step,
        Entry::Apply { kind, .. } => kind,
    };
    let context = CallContext {
        id: calling.id.clone(),
        tenant: cell.tenant.to_string(),
        plugin: format!("{}@{}", calling.plugin, used.version),
        step: step.to_owned(),
        run: calling.run,
        customer: calling.customer.map(|customer| customer.to_string()),
        event: calling.event.as_deref().map(|event| cell.event_text(event)),
        attempt: calling.attempt,
        now: cell.now,
        zone: calling.playbook.zone.name().to_owned(),
    };
    let settings = cell.settings.clone();
    let plugins = cell.plugins.clone();
    let savepoint = cell.savepoint();
    let scope = CallScope::new(cell.lend(), context, &calling);
    let call = PluginCall { digest: &used.digest, granted, limits: &settings.call_limits, entry };
    let span = traces::call(&calling, step);
    let report = span.in_scope(|| plugins.call(call, Box::new(scope)));
    traces::called(&span, &report.outcome);
    let Ok(scope) = report.host.into_any().downcast::<CallScope>() else {
        return Err(Halt::Broken("the sandbox gave another host back than it was given".to_owned()));
    };
    let (memory, halt) = scope.into_parts();
    cell.give_back(memory);
    cell.numbers.called(&report.usage);
    for line in &report.log {
        log(&calling, line.level, &line.message);
    }
    if let Some(halt) = halt {
        return Err(halt);
    }
    if report.outcome.is_ok() {
        cell.release(savepoint);
    } else {
        cell.roll_back(savepoint);
    }
    if let Err(fault) = &report.outcome
        && fault.is_host(HostFault::HostPanic)
    {
        tracing::error!(call = %calling.id, plugin = %calling.plugin, %fault, "the host panicked during a call");
    }
    Ok(Called { outcome: report.outcome, usage: report.usage })
}

impl Memory {
    /// An event as plugins read it. The steps of a run follow each other and have the same event: its text is made once.
    fn event_text(&mut self, event: &Event) -> Arc<str> {
        match &self.event_text {
            Some((seq, text)) if *seq == event.seq => text.clone(),
            _ => {
                let text = event_text(event);
                self.event_text = Some((event.seq, text.clone()));
                text
            }
        }
    }
}

/// The members of an event in the order of their names.
#[derive(Serialize)]
struct EventText<'a> {
    customer: Option<String>,
    data: &'a Value,
    id: &'a str,
    source: &'a str,
    time: String,
    #[serde(rename = "type")]
    event_type: &'a str,
}

fn event_text(event: &Event) -> Arc<str> {
    let text = EventText {
        customer: event.customer.map(|customer| customer.to_string()),
        data: &event.data,
        id: &event.id,
        source: &event.source,
        time: event.occurred_at.to_string(),
        event_type: event.event_type.as_str(),
    };
    // Values and texts always have a JSON form.
    serde_json::to_string(&text).unwrap_or_default().into()
}

fn log(calling: &Calling<'_>, level: LogLevel, message: &str) {
    let (call, plugin) = (&calling.id, calling.plugin);
    match level {
        LogLevel::Debug => tracing::debug!(%call, %plugin, message, "plugin"),
        LogLevel::Info => tracing::info!(%call, %plugin, message, "plugin"),
        LogLevel::Warn => tracing::warn!(%call, %plugin, message, "plugin"),
        LogLevel::Error => tracing::error!(%call, %plugin, message, "plugin"),
    }
}

impl Memory {
    /// Whether the customer exists, for plugins that name one.
    pub(crate) fn customer_exists(&mut self, id: CustomerId) -> Worked<bool> {
        Ok(self.person(id)?.is_some())
    }
}
