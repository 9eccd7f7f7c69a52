//! `events` and `messages`: what a plugin sets in motion.

use siyu_model::clock::UtcMs;
use siyu_model::expr::Windows;
use siyu_model::id::CustomerId;
use siyu_model::json::{self, Value};
use siyu_model::limits;
use siyu_model::name::{ChannelName, EventType, TemplateName};

use super::host::{CallScope, key, object};
use crate::dispatch::plan::{self, Plan, Planned};
use crate::memory::{Halt, Memory, PendingEvent, Worked};
use crate::ports::plugins::{Asked, EmitRequest, HostError, MessageRequest};
use crate::ports::rows::PlannedEvent;
use crate::ports::store::StoreError;

/// Families of events that only the host makes.
const HOST_FAMILIES: [&str; 8] =
    ["tag", "reservation", "segment", "message", "customer", "run", "workflow", "schedule"];

/// A checked wish to emit.
struct Emission {
    event_type: EventType,
    customer: Option<CustomerId>,
    data: Value,
}

impl CallScope {
    fn emission(&mut self, request: EmitRequest<'_>) -> Asked<Emission> {
        let event_type =
            EventType::new(request.event_type).map_err(|fault| HostError::Invalid(fault.to_string()))?;
        let family = event_type.as_str().split('.').next().unwrap_or_default();
        if HOST_FAMILIES.contains(&family) {
            let message = format!("`{event_type}`: events of {family}.* are made by the host only");
            return Err(HostError::Invalid(message));
        }
        let customer = match (request.customer, self.customer) {
            (None, None) => None,
            (named, _) => Some(self.whom(named)?),
        };
        let limit = limits::run::EVENTS_PER_STEP_MAX;
        if self.emitted >= limit {
            return Err(HostError::Limit(format!("a step emits at most {limit} events")));
        }
        if self.depth + 1 > limits::run::CAUSE_DEPTH_MAX {
            let most = limits::run::CAUSE_DEPTH_MAX;
            let message = format!(
                "RULE_LOOP: more than {most} events that caused runs that emitted events lie behind this call"
            );
            return Err(HostError::Limit(message));
        }
        if self.memory.has_caused_enough() {
            let most = limits::run::EVENTS_PER_COMMAND_MAX;
            return Err(HostError::Limit(format!(
                "TOO_MANY_EVENTS: one command causes at most {most} events"
            )));
        }
        let data = object(request.data)?;
        self.emitted += 1;
        Ok(Emission { event_type, customer, data })
    }

    pub(super) fn emit_now(&mut self, request: EmitRequest<'_>) -> Asked<()> {
        let emission = self.emission(request)?;
        self.memory.pending.push_back(PendingEvent {
            source: format!("plugin:{}", self.plugin),
            event_type: emission.event_type,
            customer: emission.customer,
            data: emission.data,
            depth: self.depth + 1,
        });
        Ok(())
    }

    pub(super) fn plan_event(&mut self, text: &str, at: UtcMs, request: EmitRequest<'_>) -> Asked<()> {
        let place = (self.plugin.clone(), key(text)?);
        let emission = self.emission(request)?;
        let data = json::print(&emission.data).map_err(|fault| HostError::Invalid(fault.to_string()))?;
        let event = PlannedEvent {
            due_at: at.max(self.memory.now),
            event_type: emission.event_type,
            customer: emission.customer,
            data: data.into(),
            // Time passes in between: a plan is not a loop. What it causes counts from one again.
            depth: 1,
        };
        let set = self.memory.set_planned(&place, Some(event));
        self.got(set).map(drop)
    }

    pub(super) fn cancel_event(&mut self, text: &str) -> Asked<bool> {
        let place = (self.plugin.clone(), key(text)?);
        let found = self.memory.planned(&place);
        if self.got(found)?.is_none() {
            return Ok(false);
        }
        let set = self.memory.set_planned(&place, None);
        self.got(set)
    }

    pub(super) fn count_in_window(
        &mut self,
        event_type: &str,
        customer: Option<&str>,
        since: UtcMs,
    ) -> Asked<u64> {
        let event_type = EventType::new(event_type).map_err(|fault| HostError::Invalid(fault.to_string()))?;
        let id = self.whom(customer)?;
        let counted = count(&mut self.memory, id, &event_type, since);
        self.got(counted)
    }

    pub(super) fn enqueue(&mut self, request: MessageRequest<'_>) -> Asked<Result<String, String>> {
        let invalid = |fault: siyu_model::name::NameError| HostError::Invalid(fault.to_string());
        let template = TemplateName::new(request.template).map_err(invalid)?;
        let channel = ChannelName::new(request.channel).map_err(invalid)?;
        let customer = self.whom(request.customer)?;
        let variables = object(request.variables)?;
        let limit = limits::run::MESSAGES_PER_STEP_MAX;
        if self.enqueued >= limit {
            return Err(HostError::Limit(format!("a step enqueues at most {limit} messages")));
        }
        self.enqueued += 1;
        let cause = format!("{}/{}", self.context.id, self.enqueued);
        let playbook = self.playbook.clone();
        let plan = Plan {
            playbook: &playbook,
            template: &template,
            channel: &channel,
            customer,
            variables: &variables,
            cause: &cause,
            run: self.run.zip(self.step.clone()),
        };
        let planned = plan::plan(&mut self.memory, plan);
        match self.got(planned)? {
            Ok(Planned::Planned { message, .. }) => Ok(Ok(message.to_string())),
            Ok(Planned::Blocked { reason, .. }) => Ok(Err(reason)),
            Err(fault) => Err(HostError::Invalid(fault.message)),
        }
    }
}

/// A customer's events of a type since an instant. The facts alone often know.
fn count(memory: &mut Memory, id: CustomerId, event_type: &EventType, since: UtcMs) -> Worked<u64> {
    let Some(fact) = memory.known_person(id)?.customer.facts.get(event_type).copied() else {
        return Ok(0);
    };
    if fact.last_at < since {
        return Ok(0);
    }
    if fact.first_at >= since {
        return Ok(fact.count);
    }
    let found = memory.log(Some(id)).count(event_type, since);
    found.map(|found| found.count).map_err(|fault| Halt::Store(StoreError::Database(fault.0)))
}
