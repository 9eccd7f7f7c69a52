//! Tests as they are written: what happens on the virtual clock, in order. Never checks names.

use std::sync::Arc;

use siyu_model::clock::{DurationMs, UtcMs};
use siyu_model::event::Subject;
use siyu_model::json::Value;
use siyu_model::name::{EventType, OfferName, PluginName, WorkflowName};
use siyu_model::scenario::MockAnswer;

use super::acts::present;
use super::expectation::{self, WrittenExpectation};
use super::fields::{Fields, wrong_kind};
use super::text::{self, Spanned};
use crate::diagnostics::rules::{BAD_CUSTOMER, BAD_USES, BEAT_KIND, DUPLICATE_NAME, EMPTY, OUT_OF_RANGE};
use crate::diagnostics::{Fault, Report, quoted};
use crate::source::{Node, Span};

/// One test.
#[derive(Debug)]
pub(crate) struct WrittenScenario {
    pub(crate) name: Spanned<String>,
    pub(crate) at: UtcMs,
    pub(crate) seed: String,
    pub(crate) mocks: Vec<WrittenMock>,
    pub(crate) beats: Vec<WrittenBeat>,
}

/// A plugin step that answers what is written.
#[derive(Debug)]
pub(crate) struct WrittenMock {
    pub(crate) plugin: PluginName,
    pub(crate) offer: OfferName,
    pub(crate) span: Span,
    pub(crate) answers: Vec<(MockAnswer, Node)>,
}

/// Something that happens, or that is expected.
#[derive(Debug)]
pub(crate) struct WrittenBeat {
    pub(crate) span: Span,
    pub(crate) kind: WrittenBeatKind,
}

#[derive(Debug)]
pub(crate) enum WrittenBeatKind {
    Event(WrittenIncoming),
    Start { workflow: Spanned<WorkflowName>, customer: Option<Subject>, data: Value },
    Advance(DurationMs),
    Until(Spanned<UtcMs>),
    Expect(WrittenExpectation),
}

/// An event that comes in.
#[derive(Debug)]
pub(crate) struct WrittenIncoming {
    pub(crate) event_type: Spanned<EventType>,
    /// Generated when absent.
    pub(crate) id: Option<String>,
    pub(crate) source: String,
    pub(crate) customer: Option<Subject>,
    pub(crate) time: Option<UtcMs>,
    /// The data with its places; none when there is none.
    pub(crate) data: Option<Node>,
}

/// The seed of tests that name none.
const SEED: &str = "siyu";

/// Reads a file: one test, or a list under `tests`.
pub(crate) fn read(node: &Node, report: &Report<'_>) -> Vec<WrittenScenario> {
    let is_list = node.as_map().is_some_and(|entries| entries.iter().any(|entry| &*entry.key == "tests"));
    if !is_list {
        return one(node, report).into_iter().collect();
    }
    let Some(mut fields) = Fields::of(node, "a file of tests", report) else {
        return Vec::new();
    };
    let items = fields.need("tests").and_then(|node| text::list(node, "tests", report));
    fields.finish();
    items.unwrap_or_default().iter().filter_map(|item| one(item, report)).collect()
}

fn one(node: &Node, report: &Report<'_>) -> Option<WrittenScenario> {
    let mut fields = Fields::of(node, "a test", report)?;
    let name = fields.need("test");
    let name = name.and_then(|node| {
        let text = text::text(node, "what the test shows", report)?;
        Some(Spanned::new(text.to_string(), node.span))
    });
    let at = fields.need("at").and_then(|node| text::instant(node, report));
    let seed = fields.value("seed").map(|node| text::text(node, "a seed", report));
    let customer = fields.value("customer").map(|node| subject(node, report));
    let mocks = fields.value("mock").map(|node| mocks(node, report));
    let whose = customer.clone().flatten();
    let beats = fields.need("script").and_then(|node| script(node, whose.as_ref(), report));
    fields.finish();
    present(customer)?;
    Some(WrittenScenario {
        name: name?,
        at: at?.value,
        seed: present(seed)?.map_or(SEED, |seed| &**seed).to_owned(),
        mocks: mocks.unwrap_or_default(),
        beats: beats?,
    })
}

/// A customer: `cus_…`, or an outside name such as `shop:00042`.
pub(super) fn subject(node: &Node, report: &Report<'_>) -> Option<Subject> {
    let found = text::text(node, "a customer such as shop:00042", report)?;
    match found.parse() {
        Ok(subject) => Some(subject),
        Err(_) => {
            let message = format!(
                "{} is no customer: expected an outside name such as shop:00042, or cus_…",
                quoted(found)
            );
            report.add(Fault::new(BAD_CUSTOMER, node.span, message));
            None
        }
    }
}

/// The customer of a beat: its own, or the test's.
pub(super) fn whose(fields: &mut Fields<'_, '_>, usual: Option<&Subject>) -> Option<Option<Subject>> {
    let report = fields.report();
    match fields.value("customer") {
        None => Some(usual.cloned()),
        Some(node) => subject(node, report).map(Some),
    }
}

fn mocks(node: &Node, report: &Report<'_>) -> Vec<WrittenMock> {
    let Some(entries) = node.as_map() else {
        wrong_kind(node, "answers by plugin/step, an object", report);
        return Vec::new();
    };
    let mocks = entries.iter().filter_map(|entry| {
        let target = entry
            .key
            .split_once('/')
            .and_then(|(plugin, offer)| Some((PluginName::new(plugin).ok()?, OfferName::new(offer).ok()?)));
        let Some((plugin, offer)) = target else {
            let message = format!("{}, expected plugin/step such as coupon/issue", quoted(&entry.key));
            report.add(Fault::new(BAD_USES, entry.key_span, message));
            return None;
        };
        let answers: Vec<Option<_>> =
            text::one_or_many(&entry.value).iter().map(|node| answer(node, report)).collect();
        if answers.is_empty() {
            report.add(Fault::new(EMPTY, entry.value.span, "no answers, expected at least one"));
            return None;
        }
        Some(WrittenMock {
            plugin,
            offer,
            span: entry.key_span,
            answers: answers.into_iter().collect::<Option<_>>()?,
        })
    });
    mocks.collect()
}

fn answer(node: &Node, report: &Report<'_>) -> Option<(MockAnswer, Node)> {
    let mut fields = Fields::of(node, "an answer", report)?;
    let done = fields.value("done");
    let coded = ["refused", "transient", "permanent"].map(|kind| (kind, fields.value(kind)));
    let head = fields.head();
    fields.finish();
    let found: Vec<(&str, &Node)> = coded
        .into_iter()
        .chain([("done", done)])
        .filter_map(|(kind, node)| node.map(|node| (kind, node)))
        .collect();
    let [(kind, value)] = found.as_slice() else {
        let message = "an answer needs one of done, refused, transient and permanent";
        report.add(Fault::new(BEAT_KIND, head, message));
        return None;
    };
    let code = || text::text(value, "a code such as SOLD_OUT", report).map(ToString::to_string);
    let answer = match *kind {
        "done" => MockAnswer::Done(value.to_value()),
        "refused" => MockAnswer::Refused(code()?),
        "transient" => MockAnswer::Transient(code()?),
        _ => MockAnswer::Permanent(code()?),
    };
    Some((answer, (*value).clone()))
}

fn script(node: &Node, usual: Option<&Subject>, report: &Report<'_>) -> Option<Vec<WrittenBeat>> {
    let items = text::list(node, "what happens", report)?;
    if items.is_empty() {
        report.add(Fault::new(EMPTY, node.span, "a test in which nothing happens"));
    }
    let beats: Vec<Option<Vec<WrittenBeat>>> = items.iter().map(|item| beat(item, usual, report)).collect();
    let beats: Option<Vec<Vec<WrittenBeat>>> = beats.into_iter().collect();
    beats.map(|beats| beats.into_iter().flatten().collect())
}

const BEATS: [&str; 5] = ["event", "start", "advance", "until", "expect"];

fn beat(node: &Node, usual: Option<&Subject>, report: &Report<'_>) -> Option<Vec<WrittenBeat>> {
    let mut fields = Fields::of(node, "a line of the script", report)?;
    let found: Vec<(&'static str, &Node)> =
        BEATS.into_iter().filter_map(|kind| fields.value(kind).map(|node| (kind, node))).collect();
    let span = fields.head();
    let [(kind, value)] = found.as_slice() else {
        let fault = Fault::new(BEAT_KIND, span, format!("one of {} was expected", BEATS.join(", ")));
        report.add(match fields.rest().next() {
            Some(entry) => fault.near(&entry.key, BEATS, report),
            None => fault.help("make a line of its own for each"),
        });
        return None;
    };
    let one = |kind| vec![WrittenBeat { span, kind }];
    let beats = match *kind {
        "event" => incoming(value, usual, report).map(WrittenBeatKind::Event).map(one),
        "start" => start(value, &mut fields, usual).map(one),
        "advance" => advance(value, report).map(one),
        "until" => text::instant(value, report).map(WrittenBeatKind::Until).map(one),
        _ => expected(value, usual, report),
    };
    fields.finish();
    beats
}

fn advance(node: &Node, report: &Report<'_>) -> Option<WrittenBeatKind> {
    let length = text::duration(node, report)?;
    if length.value == DurationMs::ZERO {
        report.add(Fault::new(OUT_OF_RANGE, length.span, "no time at all passes"));
        return None;
    }
    Some(WrittenBeatKind::Advance(length.value))
}

/// Each expectation stands at its own place, so that one that does not hold is found.
fn expected(node: &Node, usual: Option<&Subject>, report: &Report<'_>) -> Option<Vec<WrittenBeat>> {
    let found: Vec<Option<WrittenBeat>> = text::one_or_many(node)
        .iter()
        .map(|node| {
            let expected = expectation::read(node, usual, report)?;
            Some(WrittenBeat { span: node.span, kind: WrittenBeatKind::Expect(expected) })
        })
        .collect();
    found.into_iter().collect()
}

fn start(node: &Node, fields: &mut Fields<'_, '_>, usual: Option<&Subject>) -> Option<WrittenBeatKind> {
    let report = fields.report();
    let workflow = text::name(node, report);
    let customer = whose(fields, usual);
    let data = match fields.value("with") {
        None => Some(Value::Map(Arc::default())),
        Some(node) if node.as_map().is_some() => Some(node.to_value()),
        Some(node) => {
            wrong_kind(node, "an object of names and values", report);
            None
        }
    };
    Some(WrittenBeatKind::Start { workflow: workflow?, customer: customer?, data: data? })
}

fn incoming(node: &Node, usual: Option<&Subject>, report: &Report<'_>) -> Option<WrittenIncoming> {
    let mut fields = Fields::of(node, "an event", report)?;
    let event_type = fields.need("type").and_then(|node| text::name(node, report));
    let id = fields.value("id").map(|node| label(node, report));
    let source = fields.value("source").map(|node| label(node, report));
    let customer = whose(&mut fields, usual);
    let time = fields.value("time").map(|node| text::instant(node, report));
    let data = fields.value("data");
    if let Some(data) = data.filter(|data| data.as_map().is_none()) {
        wrong_kind(data, "the event's data, an object", report);
        return None;
    }
    fields.finish();
    Some(WrittenIncoming {
        event_type: event_type?,
        id: present(id)?,
        source: present(source)?.unwrap_or_else(|| "test".to_owned()),
        customer: customer?,
        time: present(time)?.map(|time| time.value),
        data: data.cloned(),
    })
}

/// An event's id or source: 1 to 256 bytes without control characters.
fn label(node: &Node, report: &Report<'_>) -> Option<String> {
    let found = text::text(node, "1 to 256 bytes", report)?;
    if found.len() <= 256 && !found.chars().any(char::is_control) {
        return Some(found.to_string());
    }
    let message = format!("{} bytes, expected 1 to 256 without control characters", found.len());
    report.add(Fault::new(OUT_OF_RANGE, report.sources().first_line(node.span), message));
    None
}

/// Reports tests of one name; `first` is where the name stands already.
pub(crate) fn twice(name: &Spanned<String>, first: Span, report: &Report<'_>) {
    let message = format!("two tests named {}", quoted(&name.value));
    report.add(Fault::new(DUPLICATE_NAME, name.span, message).also(first, "the first one"));
}
