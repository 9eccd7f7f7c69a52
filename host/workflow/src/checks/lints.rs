//! What is allowed and probably not meant. Warnings only.

use siyu_model::clock::{DurationMs, UtcMs};
use siyu_model::expr::{Expr, TextTemplate};
use siyu_model::json::Value;
use siyu_model::message::MessageClass;
use siyu_model::playbook::{QuietHours, Retry};

use super::world::World;
use crate::diagnostics::rules::{
    BRACES_IN_TEXT, EMITS_ITS_TRIGGER, EXPIRES_IN_QUIET_HOURS, LOOKS_LIKE_EXPRESSION, NO_CONTACT_POLICY,
    RESPOND_AFTER_WAIT, RETRY_PAST_TIMEOUT, SCHEDULE_IN_QUIET_HOURS, SPREAD_PAST_TICK, UNSPREAD_AUDIENCE,
};
use crate::diagnostics::{Fault, Report, quoted};
use crate::shape::acts::ROOTS;
use crate::shape::expr::{Doc, DocKind};
use crate::shape::step::{Act, Block, Length, Step};
use crate::shape::trigger::{TriggerKind, WrittenTrigger};
use crate::shape::workflow::WrittenWorkflow;
use crate::source::Span;

/// Constant texts that look like expressions; and every constant text, for "nothing uses it".
pub(super) fn texts(doc: &Doc, world: &World<'_>) {
    match &doc.kind {
        DocKind::Const(Value::Text(text), _) => {
            world.used.borrow_mut().texts.insert(text.clone());
            if text.contains("{{") {
                braces(doc.span, world.report);
            } else if is_path(text) {
                let message = format!("{} is a text here", quoted(text));
                let fault = Fault::new(LOOKS_LIKE_EXPRESSION, doc.span, message)
                    .help(format!("write ${{{{ {text} }}}} if its value is meant"));
                world.report.add(fault);
            }
        }
        DocKind::Const(..) => {}
        DocKind::Expr(_) | DocKind::Text(_) => {
            for written in doc.expressions() {
                literals(written.expr.root(), world);
            }
        }
        DocKind::List(items) => items.iter().for_each(|item| texts(item, world)),
        DocKind::Map(members) => members.iter().for_each(|(_, value)| texts(value, world)),
    }
}

fn literals(node: &siyu_model::expr::Node, world: &World<'_>) {
    if let siyu_model::expr::NodeKind::Const(Value::Text(text)) = &node.kind {
        world.used.borrow_mut().texts.insert(text.clone());
    }
    node.children().into_iter().for_each(|child| literals(child, world));
}

fn is_path(text: &str) -> bool {
    let is_dotted = text.contains('.') && !text.contains(char::is_whitespace);
    is_dotted
        && Expr::parse(text).is_ok_and(|expr| {
            expr.root().path().is_some_and(|path| ROOTS.contains(&path.root) && !path.names.is_empty())
        })
}

fn braces(span: Span, report: &Report<'_>) {
    let fault =
        Fault::new(BRACES_IN_TEXT, report.sources().first_line(span), "`{{ }}` in a text is only text")
            .help("write ${{ … }}, with a dollar sign");
    report.add(fault);
}

/// `{{ }}` in the text of a message.
pub(super) fn template_text(text: &TextTemplate, span: Span, report: &Report<'_>) {
    let source = text.source();
    let is_plain = source.match_indices("{{").any(|(at, _)| !source[..at].ends_with('$'));
    if is_plain {
        braces(span, report);
    }
}

/// What a workflow says as a whole.
pub(super) fn workflow(workflow: &WrittenWorkflow, world: &World<'_>) {
    let steps = workflow.block.all();
    steps.iter().for_each(|step| retry(step, world.report));
    respond_after_wait(&workflow.block, &mut false, world.report);
    let Some(trigger) = &workflow.trigger else { return };
    emits_its_trigger(trigger, &steps, world.report);
    if let Some(audience) = trigger.audience() {
        let sends = steps.iter().find(|step| matches!(step.act, Act::Send { .. }));
        if let (None, Some(send)) = (&audience.spread, sends) {
            let fault = Fault::new(UNSPREAD_AUDIENCE, audience.span, "messages to an audience, all at once")
                .also(send.head, "sent here")
                .help("add spread: 2h, so that channels and staff are not flooded");
            world.report.add(fault);
        }
    }
    schedule(workflow, trigger, &steps, world);
}

/// The last try comes after the step has failed by its `timeout`.
fn retry(step: &Step, report: &Report<'_>) {
    let (Some(retry), Some(timeout)) = (&step.retry, &step.timeout) else {
        return;
    };
    let pauses = pauses(retry.value);
    if pauses >= timeout.value {
        let message = format!(
            "the pauses of {} tries last {pauses}, the step has failed after {}",
            retry.value.attempts, timeout.value
        );
        let fault =
            Fault::new(RETRY_PAST_TIMEOUT, timeout.span, message).also(retry.span, "tried again here");
        report.add(fault);
    }
}

/// All pauses between tries together.
fn pauses(retry: Retry) -> DurationMs {
    let total = (1..retry.attempts).fold(0u64, |total, attempt| {
        let doubled = retry.backoff.as_millis().saturating_mul(1 << (attempt - 1).min(32));
        total.saturating_add(doubled.min(retry.max.as_millis()))
    });
    DurationMs::from_millis(total)
}

fn respond_after_wait(block: &Block, has_waited: &mut bool, report: &Report<'_>) {
    for step in &block.steps {
        match &step.act {
            Act::WaitFor(_) | Act::WaitUntil(_) | Act::WaitEvent(_) => *has_waited = true,
            Act::Respond(_) if *has_waited => {
                let fault = Fault::new(RESPOND_AFTER_WAIT, step.head, "an answer after a wait")
                    .help("whoever asked waits for seconds only: answer first, then wait");
                report.add(fault);
            }
            _ => {}
        }
        let mut after = *has_waited;
        for block in step.blocks() {
            let mut inner = *has_waited;
            respond_after_wait(block, &mut inner, report);
            after |= inner;
        }
        *has_waited = after;
    }
}

fn emits_its_trigger(trigger: &WrittenTrigger, steps: &[&Step], report: &Report<'_>) {
    let TriggerKind::Event { types, condition } = &trigger.kind else {
        return;
    };
    for step in steps {
        let Act::Emit { event_type, .. } = &step.act else { continue };
        let started = types.iter().find(|started| started.value == event_type.value);
        if let (Some(started), None) = (started, condition) {
            let message = format!("a workflow that `{}` starts emits `{}`", started.value, event_type.value);
            let fault = Fault::new(EMITS_ITS_TRIGGER, event_type.span, message)
                .also(started.span, "it starts the workflow")
                .help("the host stops such a circle after 8 rounds; add an `if` to the trigger");
            report.add(fault);
        }
    }
}

/// How many ticks of a pattern are looked at.
const TICKS: usize = 10;

/// The first tick of a pattern after any instant: which one does not matter for what is asked of it.
fn schedule(workflow: &WrittenWorkflow, trigger: &WrittenTrigger, steps: &[&Step], world: &World<'_>) {
    let TriggerKind::Schedule { cron, zone, audience, .. } = &trigger.kind else {
        return;
    };
    let playbook = &world.written.playbook;
    let zone = zone.as_ref().unwrap_or(&playbook.zone);
    let Some(first) = cron.value.next_after(UtcMs::EPOCH, zone) else {
        return;
    };
    let spread = audience.as_ref().and_then(|audience| audience.spread.as_ref());
    let second = cron.value.next_after(first, zone);
    if let (Some(spread), Some(second)) = (spread, second)
        && first + spread.value > second
    {
        let message = format!(
            "starts spread over {}, and the next tick is {} later",
            spread.value,
            second.since(first)
        );
        let fault = Fault::new(SPREAD_PAST_TICK, spread.span, message).also(cron.span, "the ticks");
        world.report.add(fault);
    }
    let Some(quiet) = playbook.contact.quiet_hours else { return };
    let deferred = steps
        .iter()
        .take_while(|step| {
            !matches!(step.act, Act::WaitFor(Length::Fixed(_)) | Act::WaitUntil(_) | Act::WaitEvent(_))
        })
        .find(|step| sends_marketing(step, world));
    let mut ticks = std::iter::successors(Some(first), |tick| cron.value.next_after(*tick, zone)).take(TICKS);
    let is_quiet = ticks.all(|tick| quiet.first_open(tick, &playbook.zone) > tick);
    if let Some(send) = deferred.filter(|_| is_quiet) {
        let message =
            format!("`{}` sends marketing in quiet hours: it waits until they end", workflow.name.value);
        let fault = Fault::new(SCHEDULE_IN_QUIET_HOURS, cron.span, message)
            .also(send.head, "sent here")
            .help("choose a time outside of `contact.quiet_hours`");
        world.report.add(fault);
    }
}

fn sends_marketing(step: &Step, world: &World<'_>) -> bool {
    let Act::Send { template, .. } = &step.act else {
        return false;
    };
    let found = world.templates.get(&template.value);
    found.is_some_and(|template| template.class == Some(MessageClass::Marketing))
}

/// Marketing templates and the rules of contact.
pub(super) fn contact(world: &World<'_>) {
    let playbook = &world.written.playbook;
    let is_marketing = |class: Option<MessageClass>| class == Some(MessageClass::Marketing);
    let marketing: Vec<_> =
        world.templates.values().filter(|template| is_marketing(template.class)).collect();
    let rules = &playbook.contact;
    let has_cap = rules.marketing_per_day.or(rules.marketing_per_week).is_some();
    let has_rules = rules.quiet_hours.is_some() || has_cap;
    if let (Some(template), false) = (marketing.first(), has_rules) {
        let fault = Fault::new(NO_CONTACT_POLICY, template.class_span, "marketing without rules of contact")
                .help("say in playbook.yaml when and how often: contact: { quiet_hours: \"21:00-09:00\", marketing_per_day: 1 }");
        world.report.add(fault);
    }
    let Some(quiet) = playbook.contact.quiet_hours else { return };
    for template in marketing {
        if template.expires_after <= length(quiet) {
            let span = template.expires_span.unwrap_or(template.name.span);
            let message = format!(
                "`{}` expires after {}, and quiet hours last {}: what is planned in them may never be sent",
                template.name.value,
                template.expires_after,
                length(quiet)
            );
            let mut fault = Fault::new(EXPIRES_IN_QUIET_HOURS, span, message);
            if let Some(span) = playbook.quiet_hours_span {
                fault = fault.also(span, "quiet hours");
            }
            world.report.add(fault);
        }
    }
}

fn length(quiet: QuietHours) -> DurationMs {
    let minutes = (u64::from(quiet.to_minute) + 1_440 - u64::from(quiet.from_minute)) % 1_440;
    DurationMs::from_millis(minutes * 60_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_hours_have_a_length_over_midnight_too() {
        let hours = |from: u16, to: u16| {
            let quiet = QuietHours { from_minute: from * 60, to_minute: to * 60 };
            length(quiet).to_string()
        };
        assert_eq!(hours(21, 9), "12h");
        assert_eq!(hours(12, 14), "2h");
    }

    #[test]
    fn only_a_whole_path_looks_like_an_expression() {
        for (text, expected) in [
            ("steps.coupon.code", true),
            ("event.card", true),
            ("customer", false),
            ("see event.card", false),
            ("www.example.com", false),
            ("event.card!", false),
        ] {
            assert_eq!(is_path(text), expected, "{text}");
        }
    }

    #[test]
    fn pauses_add_up() {
        let retry = Retry {
            attempts: 4,
            backoff: DurationMs::from_millis(1_000),
            max: DurationMs::from_millis(3_000),
        };
        assert_eq!(pauses(retry).as_millis(), 1_000 + 2_000 + 3_000);
    }
}
