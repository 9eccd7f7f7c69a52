//! Planning a message: rendered, checked against the rules of contact, durable with the step that planned it.

use std::sync::Arc;

use siyu_model::clock::UtcMs;
use siyu_model::id::{CustomerId, MessageId, RunId};
use siyu_model::json::Value;
use siyu_model::message::{Message, MessageClass, MessageStatus};
use siyu_model::name::{ChannelName, StepId, TemplateName};
use siyu_model::playbook::{MessageTemplate, Playbook};
use siyu_model::plugin::Fault;

use super::{contact, quota};
use crate::memory::{Memory, Worked};
use crate::ports::rows::TimerKind;

/// A message to plan.
pub(crate) struct Plan<'a> {
    pub(crate) playbook: &'a Arc<Playbook>,
    pub(crate) template: &'a TemplateName,
    pub(crate) channel: &'a ChannelName,
    pub(crate) customer: CustomerId,
    /// The template's variables, an object.
    pub(crate) variables: &'a Value,
    /// What the id is derived from: the same cause plans the same message.
    pub(crate) cause: &'a str,
    pub(crate) run: Option<(RunId, StepId)>,
}

/// What became of a plan.
pub(crate) enum Planned {
    /// It will be sent when it is due.
    Planned { message: MessageId, due_at: UtcMs },
    /// A rule of contact stopped it.
    Blocked { message: MessageId, reason: String },
}

impl Planned {
    /// The output of a `send` step.
    pub(crate) fn output(&self) -> Value {
        match self {
            Self::Planned { message, due_at } => Value::map([
                ("message", Value::text(message.to_string())),
                ("status", Value::text(MessageStatus::Planned.as_str())),
                ("due_at", Value::text(due_at.to_string())),
            ]),
            Self::Blocked { message, reason } => Value::map([
                ("message", Value::text(message.to_string())),
                ("status", Value::text(MessageStatus::Blocked.as_str())),
                ("reason", Value::text(reason.as_str())),
            ]),
        }
    }
}

/// Plans a message; the fault says why it cannot be rendered.
pub(crate) fn plan(memory: &mut Memory, plan: Plan<'_>) -> Worked<Result<Planned, Fault>> {
    let Some(template) = plan.playbook.templates.get(plan.template) else {
        return Ok(Err(Fault::permanent("NO_TEMPLATE", format!("there is no template `{}`", plan.template))));
    };
    if !plan.playbook.channels.contains(plan.channel) {
        let message = format!("the playbook does not send over `{}`", plan.channel);
        return Ok(Err(Fault::permanent("NO_CHANNEL", message)));
    }
    let body = match render(memory, &plan, template)? {
        Ok(body) => body,
        Err(fault) => return Ok(Err(fault)),
    };
    let now = memory.now;
    let id = MessageId::derive(now, &[plan.cause.as_bytes()]);
    let due_at = match template.class {
        MessageClass::Marketing => contact::first_open(memory, plan.playbook, plan.customer, now)?,
        MessageClass::Service => now,
    };
    let expires_at = now + template.expires_after;
    let blocked = blocked_by(memory, &plan, template, (due_at, expires_at))?;
    let status = if blocked.is_some() { MessageStatus::Blocked } else { MessageStatus::Planned };
    let (run, step) = plan.run.clone().unzip();
    memory.set_message(Message {
        id,
        customer: plan.customer,
        channel: plan.channel.clone(),
        class: template.class,
        template: plan.template.clone(),
        body,
        status,
        reason: blocked.clone(),
        attempts: 0,
        planned_at: now,
        due_at,
        expires_at,
        changed_at: now,
        run,
        step,
    });
    if let Some(reason) = blocked {
        super::receipts::status_event(memory, id, MessageStatus::Blocked)?;
        return Ok(Ok(Planned::Blocked { message: id, reason }));
    }
    if due_at > now {
        memory.set_timer(due_at, TimerKind::Message(id));
    } else {
        memory.outbox.push(id);
    }
    Ok(Ok(Planned::Planned { message: id, due_at }))
}

fn render(memory: &mut Memory, plan: &Plan<'_>, template: &MessageTemplate) -> Worked<Result<String, Fault>> {
    let sight = memory.sight(plan.playbook, &plan.playbook.vars, Some(plan.customer), None)?;
    let variables = plan.variables.as_map().cloned().unwrap_or_default();
    let names: Vec<(Arc<str>, Value)> = variables.into_iter().collect();
    let mut scope = sight.scope();
    scope.names = &names;
    Ok(template.text.render(&scope).map_err(|fault| {
        Fault::permanent("TEMPLATE", format!("template `{}`: {}", plan.template, fault.message))
    }))
}

/// The rule of contact that stops a message.
fn blocked_by(
    memory: &mut Memory,
    plan: &Plan<'_>,
    template: &MessageTemplate,
    (due_at, expires_at): (UtcMs, UtcMs),
) -> Worked<Option<String>> {
    if template.class == MessageClass::Marketing
        && let Some(reason) = contact::unwanted(memory, plan.playbook, plan.customer)?
    {
        return Ok(Some(reason));
    }
    if due_at >= expires_at {
        return Ok(Some(format!(
            "quiet_hours: it could go at {due_at} at the earliest, and expires at {expires_at}"
        )));
    }
    // The quota comes first: what it stops does not count as a touch of the customer.
    if let Some(reason) = quota::full(memory, plan.playbook, due_at)? {
        return Ok(Some(reason));
    }
    let blocked = match template.class {
        MessageClass::Marketing => contact::over_cap(memory, plan.playbook, plan.customer, due_at)?,
        MessageClass::Service => None,
    };
    if blocked.is_none() {
        quota::take(memory, plan.playbook, due_at)?;
    }
    Ok(blocked)
}
