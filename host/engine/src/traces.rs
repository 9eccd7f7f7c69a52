//! Spans for whoever follows one request through the host: what waits in an inbox, each step, each commit.
//!
//! They have a target of their own. Unless somebody subscribes to that, none is made, and asking costs a comparison. What a span
//! says names tenants, runs, plugins, steps, types of events, channels and messages: never a customer, and nothing that an event or
//! a message holds.

use siyu_model::id::MessageId;
use siyu_model::message::Message;
use siyu_model::name::{ChannelName, TenantName};
use siyu_model::plugin::{Answer, Fault};
use tracing::field::Empty;
use tracing::{Span, info_span};

use crate::call::Calling;
use crate::dispatch::Begun;
use crate::ports::channel::{Receipt, Verdict};
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

/// A message that is with its courier, which is handed it or asked for it. It is the beginning of a trace: what planned the message may be
/// long over.
pub(crate) fn delivery(tenant: &TenantName, channel: &ChannelName, (id, begun): (MessageId, Begun)) -> Span {
    let verb = if begun == Begun::Ask { "reconcile" } else { "deliver" };
    info_span!(
        target: TARGET,
        parent: None,
        "delivery",
        otel.name = %format_args!("{verb} {channel}"),
        otel.status_code = Empty,
        siyu.tenant = %tenant,
        siyu.channel = %channel,
        siyu.message = %id,
        siyu.run = Empty,
        siyu.attempt = Empty,
        siyu.outcome = Empty,
    )
}

/// Which try of the message it is, 1 for the first, and whose message.
pub(crate) fn delivering(span: &Span, message: &Message) {
    if span.is_disabled() {
        return;
    }
    span.record("siyu.attempt", message.attempts.saturating_add(1));
    if let Some(run) = message.run {
        span.record("siyu.run", tracing::field::display(run));
    }
}

/// What became of the message. The channel's own words are not told: they may be about a customer.
pub(crate) fn delivered(span: &Span, receipts: &[Receipt]) {
    if span.is_disabled() {
        return;
    }
    // A message that was sent and arrived has a receipt for both.
    let (outcome, has_failed) = match receipts.last().map(|receipt| &receipt.verdict) {
        None => ("gone", false),
        Some(Verdict::Became(status) | Verdict::BecameWith(status, _)) => (status.as_str(), false),
        Some(Verdict::Refused(_)) => ("refused", true),
        Some(Verdict::Later(_) | Verdict::AgainAfter(..)) => ("later", true),
        Some(Verdict::Uncertain(_)) => ("uncertain", true),
        Some(Verdict::AskAgain(..)) => ("ask again", true),
    };
    span.record("siyu.outcome", outcome);
    if has_failed {
        span.record("otel.status_code", "ERROR");
    }
}

/// Messages that a channel takes all at once, such as a file.
pub(crate) fn batch(tenant: &TenantName, channel: &ChannelName, messages: usize) -> Span {
    info_span!(
        target: TARGET,
        parent: None,
        "delivery",
        otel.name = %format_args!("deliver {channel}"),
        siyu.tenant = %tenant,
        siyu.channel = %channel,
        siyu.messages = messages,
    )
}
