//! Spans for whoever follows one request through the host: what waits in an inbox, each step, each commit.
//!
//! They have a target of their own. Unless somebody subscribes to that, none is made, and asking costs a comparison. What a span
//! says names tenants, runs, plugins, steps and types of events: never a customer, and nothing that an event holds.

use siyu_model::name::TenantName;
use siyu_model::plugin::{Answer, Fault};
use tracing::field::Empty;
use tracing::{Span, info_span};

use crate::call::Calling;
use crate::ports::rows::TimerKind;
use crate::tenant::Wish;

/// The target of all spans that are for a collector and not for the log.
pub const TARGET: &str = "siyu::trace";

/// From the inbox to the end of what follows from a command; its commit comes after it.
pub(crate) fn command(tenant: &TenantName, wish: &Wish) -> Span {
    let kind = match wish {
        Wish::Event { event, .. } => {
            return info_span!(
                target: TARGET, "event", siyu.tenant = %tenant, siyu.event.type = %event.event_type
            );
        }
        Wish::Publish { .. } => "publish",
        Wish::Act { .. } => "act",
        Wish::SettleMessage { .. } => "settle a message",
        Wish::Erase { .. } => "erase",
        Wish::Start { .. } => "start",
        Wish::Fed { .. } | Wish::Settle { .. } => return Span::none(),
    };
    info_span!(target: TARGET, "command", otel.name = kind, siyu.tenant = %tenant)
}

/// What follows from a timer.
pub(crate) fn timer(tenant: &TenantName, kind: &TimerKind) -> Span {
    info_span!(target: TARGET, parent: None, "timer", siyu.tenant = %tenant, siyu.timer = name(kind))
}

fn name(kind: &TimerKind) -> &'static str {
    match kind {
        TimerKind::Fiber { .. } => "wait",
        TimerKind::Reservation(_) => "reservation",
        TimerKind::Tag { .. } => "tag",
        TimerKind::Segment { .. } => "segment",
        TimerKind::Planned { .. } => "planned event",
        TimerKind::Message(_) => "message",
        TimerKind::Schedule { .. } => "schedule",
        TimerKind::Scan(_) => "scan",
        TimerKind::Turn(_) => "turn",
        TimerKind::Erasure(_) => "erasure",
    }
}

/// A batch on its way into the store.
pub(crate) fn commit(tenant: &TenantName, commands: usize) -> Span {
    info_span!(target: TARGET, parent: None, "commit", siyu.tenant = %tenant, siyu.answers = commands)
}

/// A call of a plugin.
pub(crate) fn call(calling: &Calling<'_>, step: &str) -> Span {
    info_span!(
        target: TARGET,
        "call",
        otel.name = %format_args!("{}/{step}", calling.plugin),
        otel.status_code = Empty,
        siyu.plugin = %calling.plugin,
        siyu.step = step,
        siyu.run = calling.run.map(tracing::field::display),
        siyu.attempt = calling.attempt,
        siyu.outcome = Empty,
    )
}

/// How the call went.
pub(crate) fn called(span: &Span, outcome: &Result<Answer, Fault>) {
    if span.is_disabled() {
        return;
    }
    match outcome {
        Ok(Answer::Done(_)) => span.record("siyu.outcome", "done"),
        Ok(Answer::Refused(refusal)) => span.record("siyu.outcome", refusal.code.as_str()),
        Err(fault) => span.record("siyu.outcome", fault.code.as_str()).record("otel.status_code", "ERROR"),
    };
}
