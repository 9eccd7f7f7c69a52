//! What starts a workflow, as it is written. Never checks names or types.

use siyu_model::clock::{DurationMs, Zone};
use siyu_model::cron::Cron;
use siyu_model::name::{EventType, SegmentName};
use siyu_model::playbook::{CatchUp, Reentry};

use super::acts::{event_types, present};
use super::expr::{self, WrittenExpr};
use super::fields::{Fields, wrong_kind};
use super::step::not_supported;
use super::text::{self, Spanned};
use crate::diagnostics::rules::{KEY_OF_OTHER_KIND, MISSING_KEY, NOT_ONE_OF, TRIGGER_KIND, WRONG_KIND};
use crate::diagnostics::{Fault, Report, quoted};
use crate::source::{Node, Span};

/// `on`.
#[derive(Debug, Clone)]
pub(crate) struct WrittenTrigger {
    /// The key that says its kind.
    pub(crate) head: Span,
    pub(crate) kind: TriggerKind,
    pub(crate) key: Option<WrittenExpr>,
    pub(crate) reentry: Reentry,
}

#[derive(Debug, Clone)]
pub(crate) enum TriggerKind {
    Event {
        types: Vec<Spanned<EventType>>,
        condition: Option<WrittenExpr>,
    },
    Schedule {
        cron: Spanned<Cron>,
        /// None for the playbook's.
        zone: Option<Zone>,
        catch_up: CatchUp,
        audience: Option<WrittenAudience>,
    },
    Manual {
        audience: Option<WrittenAudience>,
    },
    Call,
}

/// For whom a schedule or a person starts runs.
#[derive(Debug, Clone)]
pub(crate) struct WrittenAudience {
    pub(crate) span: Span,
    pub(crate) who: WrittenWho,
    pub(crate) spread: Option<Spanned<DurationMs>>,
}

#[derive(Debug, Clone)]
pub(crate) enum WrittenWho {
    Everyone,
    Segment(Spanned<SegmentName>),
    Condition(WrittenExpr),
}

impl WrittenTrigger {
    /// The audience, when the trigger has one.
    pub(crate) fn audience(&self) -> Option<&WrittenAudience> {
        match &self.kind {
            TriggerKind::Schedule { audience, .. } | TriggerKind::Manual { audience } => audience.as_ref(),
            _ => None,
        }
    }
}

/// Keys that belong to some triggers only.
const BELONGS: [(&str, &[&str]); 7] = [
    ("if", &["event"]),
    ("zone", &["schedule"]),
    ("catch_up", &["schedule"]),
    ("audience", &["schedule", "manual"]),
    ("spread", &["schedule", "manual"]),
    ("key", &["event", "schedule", "manual"]),
    ("reentry", &["event", "schedule", "manual"]),
];

/// Reads `on`.
pub(super) fn read(node: &Node, report: &Report<'_>) -> Option<WrittenTrigger> {
    if let Some(text) = node.as_text() {
        let fault = Fault::new(WRONG_KIND, node.span, "`on` is text, expected an object")
            .help(format!("write on: {{ event: {text} }}"));
        report.add(fault);
        return None;
    }
    let mut fields = Fields::of(node, "`on`", report)?;
    not_supported(&mut fields, &[("webhook", "a source plugin turns webhooks into events: use `event`")]);
    let (kind, head) = kind(&mut fields)?;
    for (key, kinds) in BELONGS {
        if let Some(entry) = fields.get(key).filter(|_| !kinds.contains(&kind)) {
            let message = format!("`{key}` on a trigger that is `{kind}`");
            let fault = Fault::new(KEY_OF_OTHER_KIND, entry.key_span, message)
                .label(format!("only {} may have it", kinds.join(", ")));
            report.add(fault);
        }
    }
    let key = fields.value("key").map(|node| expr::bare(node, report));
    let reentry = fields.value("reentry").map(|node| reentry(node, report));
    if let Some(entry) = fields.get("reentry").filter(|_| key.is_none()) {
        let fault = Fault::new(MISSING_KEY, entry.key_span, "`reentry` without a `key`")
            .help("say what may not run again, such as key: customer.id");
        report.add(fault);
    }
    let trigger = match kind {
        "event" => event(&mut fields),
        "schedule" => schedule(&mut fields),
        "manual" => is_true(&mut fields, "manual").and_then(|()| {
            let audience = audience(&mut fields)?;
            Some(TriggerKind::Manual { audience })
        }),
        _ => is_true(&mut fields, "call").map(|()| TriggerKind::Call),
    };
    fields.finish();
    Some(WrittenTrigger {
        head,
        kind: trigger?,
        key: present(key)?,
        reentry: present(reentry)?.unwrap_or(Reentry::Always),
    })
}

fn kind(fields: &mut Fields<'_, '_>) -> Option<(&'static str, Span)> {
    let found: Vec<(&'static str, Span)> = ["event", "schedule", "manual", "call"]
        .into_iter()
        .filter_map(|kind| fields.get(kind).map(|entry| (kind, entry.key_span)))
        .collect();
    let report = fields.report();
    match found.as_slice() {
        [only] => Some(*only),
        [] if fields.has("webhook") => None,
        [] => {
            let fault =
                Fault::new(TRIGGER_KIND, fields.head(), "a trigger without event, schedule, manual or call")
                    .help("such as on: { event: friend.added }");
            report.add(fault);
            None
        }
        [first, second, ..] => {
            let message = format!("a trigger with both `{}` and `{}`", first.0, second.0);
            let fault = Fault::new(TRIGGER_KIND, second.1, message)
                .also(first.1, "one trigger here")
                .help("make a workflow for each, and let both `call` a third");
            report.add(fault);
            None
        }
    }
}

fn is_true(fields: &mut Fields<'_, '_>, key: &'static str) -> Option<()> {
    let report = fields.report();
    let node = fields.value(key)?;
    if text::flag(node, report)? {
        return Some(());
    }
    let message = format!("`{key}: false` starts nothing");
    report.add(Fault::new(TRIGGER_KIND, node.span, message).help(format!("write {key}: true")));
    None
}

fn event(fields: &mut Fields<'_, '_>) -> Option<TriggerKind> {
    let report = fields.report();
    let types = fields.value("event").and_then(|node| event_types(node, report));
    let condition = fields.value("if").map(|node| expr::bare(node, report));
    Some(TriggerKind::Event { types: types?, condition: present(condition)? })
}

fn schedule(fields: &mut Fields<'_, '_>) -> Option<TriggerKind> {
    let report = fields.report();
    let cron = fields.value("schedule").and_then(|node| text::cron(node, report));
    let zone = fields.value("zone").map(|node| text::zone(node, report));
    let words = [("all", CatchUp::All), ("last", CatchUp::Last), ("none", CatchUp::None)];
    let catch_up = match fields.value("catch_up") {
        None => Some(CatchUp::Last),
        Some(node) => text::word(node, &words, report),
    };
    let audience = audience(fields);
    Some(TriggerKind::Schedule {
        cron: cron?,
        zone: present(zone)?.map(|zone| zone.value),
        catch_up: catch_up?,
        audience: audience?,
    })
}

fn audience(fields: &mut Fields<'_, '_>) -> Option<Option<WrittenAudience>> {
    let report = fields.report();
    let spread = fields.get("spread");
    let length = spread.map(|entry| text::duration(&entry.value, report));
    let Some(node) = fields.value("audience") else {
        if let Some(entry) = spread {
            let fault = Fault::new(MISSING_KEY, entry.key_span, "`spread` without an `audience`")
                .help("one run has nothing to spread");
            report.add(fault);
        }
        return Some(None);
    };
    let who = who(node, report)?;
    let spread = present(length)?;
    Some(Some(WrittenAudience { span: report.sources().first_line(node.span), who, spread }))
}

fn who(node: &Node, report: &Report<'_>) -> Option<WrittenWho> {
    if let Some(found) = node.as_text() {
        if &**found == "everyone" {
            return Some(WrittenWho::Everyone);
        }
        let fault = Fault::new(NOT_ONE_OF, node.span, format!("the audience {}", quoted(found)))
            .help("write everyone, { segment: sleeping } or { if: an expression over customer }");
        report.add(fault);
        return None;
    }
    let mut fields = Fields::of(node, "an audience", report)?;
    let segment = fields.value("segment").map(|node| text::name(node, report));
    let condition = fields.value("if").map(|node| expr::bare(node, report));
    let head = fields.head();
    fields.finish();
    match (segment, condition) {
        (Some(segment), None) => segment.map(WrittenWho::Segment),
        (None, Some(condition)) => condition.map(WrittenWho::Condition),
        _ => {
            let fault = Fault::new(TRIGGER_KIND, head, "an audience needs one of `segment` and `if`");
            report.add(fault);
            None
        }
    }
}

fn reentry(node: &Node, report: &Report<'_>) -> Option<Reentry> {
    if node.as_text().is_some() {
        return text::word(node, &[("once", Reentry::Once), ("always", Reentry::Always)], report);
    }
    if node.as_map().is_none() {
        wrong_kind(node, "once, always or { after: 30d }", report);
        return None;
    }
    let mut fields = Fields::of(node, "`reentry`", report)?;
    let after = fields.need("after").and_then(|node| text::duration(node, report));
    fields.finish();
    after.map(|after| Reentry::After(after.value))
}
