//! What steps of each kind hold. Never checks names or types.

use siyu_model::clock::UtcMs;
use siyu_model::limits;
use siyu_model::name::{OfferName, PluginName, StepId};
use siyu_model::playbook::Since;

use super::blocks;
use super::expr::{self, WrittenExpr, WrittenValue};
use super::fields::{Fields, wrong_kind};
use super::step::{Act, EventWait, Length, PluginCall, Target, computed, full_block};
use super::text::{self, Spanned};
use crate::diagnostics::rules::{BAD_USES, EMPTY, RESERVED_NAME, UNEXPECTED_TYPE, WAIT_KIND, WRONG_KIND};
use crate::diagnostics::{Fault, Report, quoted};
use crate::source::{Node, Span};

/// Names that expressions know already.
pub(crate) const ROOTS: [&str; 6] = ["event", "customer", "steps", "vars", "tenant", "run"];

/// What a step of this kind does; none when a fault was reported.
pub(super) fn read(kind: &'static str, fields: &mut Fields<'_, '_>) -> Option<Act> {
    let report = fields.report();
    let node = fields.value(kind)?;
    match kind {
        "uses" => plugin_call(node, fields).map(Act::Uses),
        "send" => {
            let template = text::name(node, report);
            let channel = fields.value("channel").map(|node| text::name(node, report));
            let with = with(fields, node.span);
            Some(Act::Send {
                template: template?,
                channel: channel.map_or(Some(None), |name| name.map(Some))?,
                with: with?,
            })
        }
        "wait" => wait(node, report),
        "switch" => blocks::switch(node, report).map(Act::Switch),
        "parallel" => blocks::parallel(node, report).map(Act::Parallel),
        "each" => each(node, fields),
        "split" => blocks::split(node, report),
        "set" => object(node, "names and their values", report).map(Act::Set),
        "emit" => {
            let event_type = text::name(node, report);
            let with = with(fields, node.span);
            Some(Act::Emit { event_type: event_type?, with: with? })
        }
        "respond" => expr::value(node, report).map(Act::Respond),
        "end" => end(node, report).map(Act::End),
        "call" => {
            let workflow = text::name(node, report);
            let with = with(fields, node.span);
            Some(Act::Call { workflow: workflow?, with: with? })
        }
        _ => None,
    }
}

/// `with`, an object; an empty one when it is not there.
fn with(fields: &mut Fields<'_, '_>, at: Span) -> Option<WrittenValue> {
    let report = fields.report();
    match fields.value("with") {
        None => Some(WrittenValue::empty(at)),
        Some(node) => object(node, "names and values", report),
    }
}

/// An object of constants and expressions, or one expression that gives an object.
fn object(node: &Node, expected: &str, report: &Report<'_>) -> Option<WrittenValue> {
    if node.as_map().is_none() && node.as_text().is_none_or(|text| !text.contains("${{")) {
        wrong_kind(node, &format!("an object of {expected}"), report);
        return None;
    }
    expr::value(node, report)
}

fn plugin_call(node: &Node, fields: &mut Fields<'_, '_>) -> Option<PluginCall> {
    let report = fields.report();
    let target = target(node, report);
    let with = with(fields, node.span);
    Some(PluginCall { target: target?, with: with? })
}

/// `compensate: { uses, with }`.
pub(super) fn compensation(node: &Node, report: &Report<'_>) -> Option<PluginCall> {
    let mut fields = Fields::of(node, "`compensate`", report)?;
    let found = fields.need("uses").and_then(|node| plugin_call(node, &mut fields));
    fields.finish();
    found
}

/// `plugin/step@major`; also `plugin/kind@major` of a resource.
pub(crate) fn target(node: &Node, report: &Report<'_>) -> Option<Spanned<Target>> {
    let found = text::text(node, "plugin/step@major, such as coupon/issue@1", report)?;
    let parsed = parse_target(found);
    if parsed.is_none() {
        let message = format!("{}, expected plugin/step@major such as coupon/issue@1", quoted(found));
        let mut fault = Fault::new(BAD_USES, node.span, message);
        if found.contains('/') && !found.contains('@') {
            fault = fault.help(format!("add the plugin's major version: {found}@1"));
        } else if found.contains('@') && found.split('@').next_back().is_some_and(|v| v.contains('.')) {
            fault = fault.help("the major version alone: a plugin's minor versions fit each other");
        }
        report.add(fault);
    }
    parsed.map(|target| Spanned::new(target, node.span))
}

fn parse_target(text: &str) -> Option<Target> {
    let (path, major) = text.split_once('@')?;
    let (plugin, offer) = path.split_once('/')?;
    let is_plain = !major.is_empty() && major.bytes().all(|byte| byte.is_ascii_digit());
    Some(Target {
        plugin: PluginName::new(plugin).ok()?,
        offer: OfferName::new(offer).ok()?,
        major: if is_plain { major.parse().ok()? } else { return None },
    })
}

fn each(node: &Node, fields: &mut Fields<'_, '_>) -> Option<Act> {
    let report = fields.report();
    let items = computed(node, "a list", report);
    let item = match fields.value("as") {
        None => StepId::new("item").ok().map(|name| Spanned::new(name, node.span)),
        Some(name) => text::name(name, report),
    };
    let item = item.filter(|item: &Spanned<StepId>| {
        let is_root = ROOTS.contains(&item.value.as_str());
        if is_root {
            let message = format!("`{}` is a name that expressions know already", item.value);
            report
                .add(Fault::new(RESERVED_NAME, item.span, message).help("choose another name for the item"));
        }
        !is_root
    });
    let limit = u32::try_from(limits::run::FIBERS_MAX).unwrap_or(u32::MAX) - 1;
    let concurrency = match fields.value("concurrency") {
        None => Some(1),
        Some(node) => text::count(node, 1..=limit, report),
    };
    let body = fields.need("steps").and_then(|node| full_block(node, report));
    Some(Act::Each { items: items?, item: item?, concurrency: concurrency?, body: body? })
}

fn end(node: &Node, report: &Report<'_>) -> Option<String> {
    if node.kind() == "a boolean" {
        return text::flag(node, report).filter(|is_end| *is_end).map(|_| "done".to_owned()).or_else(|| {
            report.add(
                Fault::new(WRONG_KIND, node.span, "`end: false` ends nothing").help("leave the step out"),
            );
            None
        });
    }
    const CHARS_MAX: usize = 64;
    let outcome = text::text(node, "an outcome such as bought, or true,", report)?;
    if outcome.chars().count() > CHARS_MAX || outcome.contains("${{") {
        let message = format!("{}, expected an outcome of at most {CHARS_MAX} characters", quoted(outcome));
        report.add(
            Fault::new(WRONG_KIND, node.span, message)
                .help("an outcome is a fixed word that reports count by"),
        );
        return None;
    }
    Some(outcome.to_string())
}

fn wait(node: &Node, report: &Report<'_>) -> Option<Act> {
    if node.as_map().is_none() {
        return length(node, report).map(Act::WaitFor);
    }
    let mut fields = Fields::of(node, "`wait`", report)?;
    let found: Vec<(&str, Span)> = ["for", "until", "event"]
        .into_iter()
        .filter_map(|kind| fields.get(kind).map(|entry| (kind, entry.key_span)))
        .collect();
    let act = match found.as_slice() {
        [("for", _)] => fields.value("for").and_then(|node| length(node, report)).map(Act::WaitFor),
        [("until", _)] => fields.value("until").and_then(|node| until(node, report)).map(Act::WaitUntil),
        [_] => event_wait(&mut fields).map(Act::WaitEvent),
        [] => {
            let fault = Fault::new(WAIT_KIND, fields.head(), "a wait without `for`, `until` or `event`")
                .help("wait: 2d, wait: { until: '18:00' } or wait: { event: order.paid, timeout: 7d }");
            report.add(fault);
            return None;
        }
        [first, second, ..] => {
            let message = format!("a wait with both `{}` and `{}`", first.0, second.0);
            let fault = Fault::new(WAIT_KIND, second.1, message)
                .also(first.1, "one way to wait here")
                .help("an event that may not come has a `timeout`");
            report.add(fault);
            return None;
        }
    };
    fields.finish();
    act
}

/// A duration, or `${{ }}` that gives one.
fn length(node: &Node, report: &Report<'_>) -> Option<Length> {
    if node.as_text().is_some_and(|text| text.contains("${{")) {
        return computed(node, "a duration", report).map(Length::Computed);
    }
    text::duration(node, report).map(Length::Fixed)
}

/// An instant, a time of day, or `${{ }}` that gives an instant.
fn until(node: &Node, report: &Report<'_>) -> Option<WrittenExpr> {
    let found = text::text(node, "a time such as '18:00'", report)?;
    if found.contains("${{") {
        return computed(node, "an instant", report);
    }
    let is_instant = found.parse::<UtcMs>().is_ok();
    let is_time = found.len() == 5
        && found.as_bytes()[2] == b':'
        && found[..2].parse::<u8>().is_ok_and(|hour| hour < 24)
        && found[3..].parse::<u8>().is_ok_and(|minute| minute < 60);
    let source = if is_time { format!("next_time('{found}')") } else { format!("'{found}'") };
    let implied = (is_instant || is_time).then(|| expr::implied(&source, node)).flatten();
    if implied.is_none() {
        let message = format!("{} is no time to wait until", quoted(found));
        let fault = Fault::new(UNEXPECTED_TYPE, node.span, message)
            .help("write '18:00', 2026-11-21T18:00:00+08:00 or ${{ an expression that gives an instant }}");
        report.add(fault);
    }
    implied
}

fn event_wait(fields: &mut Fields<'_, '_>) -> Option<EventWait> {
    let report = fields.report();
    let types = fields.value("event").and_then(|node| event_types(node, report));
    let condition = fields.value("if").map(|node| expr::bare(node, report));
    let matching = fields.value("match").map(|node| expr::bare(node, report));
    let timeout = fields.value("timeout").map(|node| length(node, report));
    let since = match fields.value("since") {
        None => Some(Since::Run),
        Some(node) => text::word(node, &[("run", Since::Run), ("now", Since::Now)], report),
    };
    Some(EventWait {
        types: types?,
        condition: present(condition)?,
        matching: present(matching)?,
        timeout: present(timeout)?,
        since: since?,
    })
}

/// What may be absent, but not broken.
pub(super) fn present<T>(found: Option<Option<T>>) -> Option<Option<T>> {
    match found {
        None => Some(None),
        Some(found) => found.map(Some),
    }
}

/// One event type, or a list of them.
pub(super) fn event_types(
    node: &Node,
    report: &Report<'_>,
) -> Option<Vec<Spanned<siyu_model::name::EventType>>> {
    let items = text::one_or_many(node);
    if items.is_empty() {
        report.add(Fault::new(EMPTY, node.span, "no event types, expected at least one"));
        return None;
    }
    let types: Vec<Option<_>> = items.iter().map(|item| text::name(item, report)).collect();
    types.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_three_plain_parts() {
        assert_eq!(
            parse_target("coupon/issue@1").map(|target| (target.plugin.to_string(), target.major)),
            Some(("coupon".to_owned(), 1))
        );
        for text in [
            "coupon",
            "coupon/issue",
            "coupon/issue@",
            "coupon/issue@1.2",
            "coupon@1",
            "a/b/c@1",
            "a/b@+1",
            "A/b@1",
        ] {
            assert_eq!(parse_target(text), None, "{text}");
        }
    }
}
