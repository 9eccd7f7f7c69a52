//! A plugin as a component: what the exports of the contract do. [`export!`](crate::export) expands to calls of these
//! functions, so that a plugin's own crate holds no `unsafe`.

use crate::bindings::exports::siyu::plugin::{resource_kinds, steps};
use crate::bindings::network::exports::siyu::plugin::channel as wire;
use crate::bindings::source::exports::siyu::plugin::source as hooks;
use crate::channel::{Message, Verdict};
use crate::context;
use crate::log::{self, Level};
use crate::plugin::{self, Plugin};
use crate::port;
use crate::resource::Finding;
use crate::source::{Accepted, Hook, HookRefusal};
use crate::step::Answer;
use crate::stop::Fault;
use crate::time::Instant;

/// A call begins: nothing of another call may be left, and a panic must say where.
fn begin() {
    crate::bindings::keep_description();
    context::forget();
    std::panic::set_hook(Box::new(last_words));
}

/// The contract's last words: `panicked at src/lib.rs:12:5:`, a line break and the message, which is how Rust prints it.
fn last_words(panic: &std::panic::PanicHookInfo<'_>) {
    port::log(Level::Error, &panic.to_string());
}

/// `steps.describe`.
pub fn describe<P: Plugin>() -> String {
    begin();
    // A manifest that cannot be written is a mistake of the plugin's author: the packer shows the reason.
    plugin::describe::<P>().unwrap_or_else(|fault| panic!("the manifest cannot be written: {fault:?}"))
}

/// `channel.deliver`.
pub fn deliver<P: Plugin>(config: String, message: wire::Message) -> wire::Verdict {
    begin();
    plugin::deliver::<P>(&config, message.into()).into()
}

/// `channel.reconcile`.
pub fn reconcile<P: Plugin>(config: String, message: wire::Message) -> Option<wire::Verdict> {
    begin();
    plugin::reconcile::<P>(&config, message.into()).map(wire::Verdict::from)
}

/// `source.receive`.
pub fn receive<P: Plugin>(config: String, hook: hooks::Hook) -> Result<hooks::Accepted, hooks::Refusal> {
    begin();
    Ok(plugin::receive::<P>(&config, hook.into())?.into())
}

impl From<hooks::Hook> for Hook {
    fn from(hook: hooks::Hook) -> Self {
        Self {
            method: hook.method,
            query: hook.query,
            headers: hook.headers.into_iter().map(|header| (header.name, header.value)).collect(),
            body: hook.body,
            received_at: Instant::from_millis(hook.received_at as i64),
        }
    }
}

impl From<Accepted> for hooks::Accepted {
    fn from(accepted: Accepted) -> Self {
        let event = |event: crate::source::HookEvent| hooks::Event {
            id: event.id,
            event_type: event.event_type,
            subject: event.subject,
            // Instants are below 2^53, where an f64 is exact.
            time: event.time.map(|at| at.as_millis() as f64),
            data: event.data.to_string(),
        };
        let Accepted { events, status, content_type, body } = accepted;
        Self { events: events.into_iter().map(event).collect(), status, content_type, body }
    }
}

impl From<HookRefusal> for hooks::Refusal {
    fn from(refusal: HookRefusal) -> Self {
        match refusal {
            HookRefusal::Unverified(why) => Self::Unverified(why),
            HookRefusal::Malformed(why) => Self::Malformed(why),
            HookRefusal::Stale(why) => Self::Stale(why),
        }
    }
}

impl From<wire::Message> for Message {
    fn from(message: wire::Message) -> Self {
        Self {
            id: message.id,
            channel: message.channel,
            template: message.template,
            class: message.class,
            body: message.body,
            customer_json: message.customer,
            planned_at: Instant::from_millis(message.planned_at as i64),
            expires_at: Instant::from_millis(message.expires_at as i64),
            attempt: message.attempt,
            details_json: message.details,
        }
    }
}

impl From<Verdict> for wire::Verdict {
    fn from(verdict: Verdict) -> Self {
        let text = |details: Option<serde_json::Value>| details.map(|details| details.to_string());
        match verdict {
            Verdict::Sent(details) => Self::Sent(text(details)),
            Verdict::TaskCreated(details) => Self::TaskCreated(text(details)),
            Verdict::Delivered(details) => Self::Delivered(text(details)),
            Verdict::Refused(why) => Self::Refused(why),
            Verdict::Later(why, pause) => {
                let pause_ms = pause.map(|pause| u32::try_from(pause.as_millis()).unwrap_or(u32::MAX));
                Self::Later((why, pause_ms))
            }
            Verdict::Uncertain(why) => Self::Uncertain(why),
        }
    }
}

/// `steps.run`.
pub fn run<P: Plugin>(step: String, input: String) -> Result<steps::Answer, steps::Fault> {
    begin();
    match plugin::run::<P>(&step, &input)? {
        Answer::Done(output) => Ok(steps::Answer::Done(output)),
        Answer::Refused(refused) => Ok(steps::Answer::Refused(steps::Refusal {
            code: refused.code.to_owned(),
            message: refused.message,
            details: refused.details.map(|details| details.to_string()),
        })),
    }
}

/// `resource-kinds.check`.
pub fn check<P: Plugin>(kind: String, name: String, definition: String) -> Vec<resource_kinds::Finding> {
    begin();
    match plugin::check::<P>(&kind, &name, &definition) {
        Ok(found) => found.into_iter().map(resource_kinds::Finding::from).collect(),
        Err(fault) => {
            log::error(format_args!("{fault:?}"));
            vec![resource_kinds::Finding {
                pointer: String::new(),
                is_error: true,
                code: fault.code().to_owned(),
                message: format!("the plugin has no kind of resource `{kind}`"),
            }]
        }
    }
}

/// `resource-kinds.apply`.
pub fn apply<P: Plugin>(kind: String, name: String, definition: String) -> Result<String, steps::Fault> {
    begin();
    Ok(plugin::apply::<P>(&kind, &name, &definition)?)
}

impl From<Finding> for resource_kinds::Finding {
    fn from(finding: Finding) -> Self {
        Self {
            pointer: finding.pointer,
            is_error: finding.is_error,
            code: finding.code,
            message: finding.message,
        }
    }
}

impl From<Fault> for steps::Fault {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Transient { code, message, retry_after } => {
                let info = steps::FaultInfo { code: code.into_owned(), message };
                let wish_ms = retry_after.map(|length| u32::try_from(length.as_millis()).unwrap_or(u32::MAX));
                Self::Transient((info, wish_ms))
            }
            Fault::Permanent { code, message } => {
                Self::Permanent(steps::FaultInfo { code: code.into_owned(), message })
            }
            Fault::InvalidInput(fields) => Self::InvalidInput(
                fields
                    .into_iter()
                    .map(|field| steps::FieldFault { pointer: field.pointer, message: field.message })
                    .collect(),
            ),
        }
    }
}
