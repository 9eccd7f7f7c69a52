//! `events` and `messages`.

use siyu_model::clock::UtcMs;
use siyu_model::id::MessageId;
use siyu_model::limits;
use siyu_model::name::{ChannelName, EventType, NameError, TemplateName};
use siyu_model::plugin::{Capability, Fault};

use super::{Asked, State, ask, key, object, utc};
use crate::error::{Error, ErrorCode};
use crate::fake::SentMessage;
use crate::fake::state::{Pending, PlannedRow};
use crate::messages::Enqueued;
use crate::time::Instant;

/// Families of events that only the host makes.
const HOST_FAMILIES: [&str; 8] =
    ["tag", "reservation", "segment", "message", "customer", "run", "workflow", "schedule"];

fn limit(message: String) -> Error {
    Error::new(ErrorCode::Limit, message)
}

fn emission(state: &mut State, event_type: &str, customer: Option<&str>, data: &str) -> Asked<Pending> {
    let event_type = EventType::new(event_type).map_err(|fault| Error::invalid(fault.to_string()))?;
    let family = event_type.as_str().split('.').next().unwrap_or_default();
    if HOST_FAMILIES.contains(&family) {
        return Err(Error::invalid(format!(
            "`{event_type}`: events of {family}.* are made by the host only"
        )));
    }
    if !state.manifest.events.iter().any(|offer| offer.event_type == event_type) {
        let message = format!(
            "the plugin emits `{event_type}`, which its manifest does not list: add its type to `events`"
        );
        return Err(state.violate(Fault::permanent("UNDECLARED_EVENT", message)));
    }
    let own = state.call().customer;
    let customer = match (customer, own) {
        (None, None) => None,
        (named, _) => Some(state.whom(named)?),
    };
    let most = limits::run::EVENTS_PER_STEP_MAX;
    if state.call().emitted >= most {
        return Err(limit(format!("a step emits at most {most} events")));
    }
    let depth = state.call().depth + 1;
    if depth > limits::run::CAUSE_DEPTH_MAX {
        let most = limits::run::CAUSE_DEPTH_MAX;
        return Err(limit(format!(
            "RULE_LOOP: more than {most} events that caused runs that emitted events lie behind this call"
        )));
    }
    let data = object(data)?;
    state.call().emitted += 1;
    let source = format!("plugin:{}", state.manifest.name);
    Ok(Pending { event_type, source, customer, data, depth })
}

pub(crate) fn emit(event_type: &str, customer: Option<&str>, data: &str) -> Asked<()> {
    ask(Capability::Events, |state| {
        let pending = emission(state, event_type, customer, data)?;
        state.call().pending.push(pending);
        Ok(())
    })
}

pub(crate) fn emit_at(
    text: &str,
    at: Instant,
    event_type: &str,
    customer: Option<&str>,
    data: &str,
) -> Asked<()> {
    ask(Capability::Events, |state| {
        let key = key(text)?;
        let event = emission(state, event_type, customer, data)?;
        // Time passes in between: a plan is no loop, and what it causes counts from one again.
        let event = Pending { depth: 1, ..event };
        let due_at = utc(at).max(state.now);
        state.tables.planned.set(&key, Some(PlannedRow { due_at, event }));
        Ok(())
    })
}

pub(crate) fn cancel_planned(text: &str) -> Asked<bool> {
    ask(Capability::Events, |state| Ok(state.tables.planned.set(&key(text)?, None)))
}

pub(crate) fn count_events(event_type: &str, customer: Option<&str>, since: Instant) -> Asked<u64> {
    ask(Capability::Events, |state| {
        let event_type = EventType::new(event_type).map_err(|fault| Error::invalid(fault.to_string()))?;
        let id = state.whom(customer)?;
        let log = state.log_of(id);
        let since: UtcMs = utc(since);
        let times = log.get(&event_type).into_iter().flatten();
        Ok(times.filter(|at| **at >= since).count() as u64)
    })
}

pub(crate) fn enqueue_message(
    template: &str,
    channel: &str,
    customer: Option<&str>,
    variables: &str,
) -> Asked<Enqueued> {
    ask(Capability::Messages, |state| {
        let invalid = |fault: NameError| Error::invalid(fault.to_string());
        let template = TemplateName::new(template).map_err(invalid)?;
        let channel = ChannelName::new(channel).map_err(invalid)?;
        let id = state.whom(customer)?;
        let variables = object(variables)?;
        let most = limits::run::MESSAGES_PER_STEP_MAX;
        if state.call().enqueued >= most {
            return Err(limit(format!("a step enqueues at most {most} messages")));
        }
        let now = state.now;
        let call = state.call();
        call.enqueued += 1;
        let message = MessageId::derive(now, &[call.id.as_bytes(), &call.enqueued.to_be_bytes()]);
        if let Some(reason) = &state.blocked {
            return Ok(Enqueued::Blocked(reason.clone()));
        }
        let sent = SentMessage {
            id: message.to_string(),
            template: template.to_string(),
            channel: channel.to_string(),
            customer: id.to_string(),
            variables: super::super::plain(&variables),
        };
        state.tables.messages.set(&message, Some(sent));
        Ok(Enqueued::Planned(message.to_string()))
    })
}
