//! What a test expects, as it is written. Never checks names.

use siyu_model::event::Subject;
use siyu_model::json::Value;
use siyu_model::message::MessageStatus;
use siyu_model::name::{EventType, Key, PluginName, SegmentName, StepId, Tag, TemplateName, WorkflowName};
use siyu_model::run::RunPhase;

use super::acts::present;
use super::expr::{self, WrittenExpr};
use super::fields::{Fields, wrong_kind};
use super::scenario::whose;
use super::text::{self, Spanned};
use crate::diagnostics::rules::{BAD_NAME, BEAT_KIND, MISSING_KEY};
use crate::diagnostics::{Fault, Report, quoted};
use crate::source::Node;

/// What must hold.
#[derive(Debug)]
pub(crate) enum WrittenExpectation {
    Run {
        workflow: Spanned<WorkflowName>,
        customer: Option<Subject>,
        phase: Option<RunPhase>,
        at: Option<Spanned<StepId>>,
        outcome: Option<String>,
        count: Option<u64>,
    },
    Step {
        workflow: Spanned<WorkflowName>,
        customer: Option<Subject>,
        step: Spanned<StepId>,
        went: Option<String>,
        code: Option<String>,
        output: Option<Value>,
    },
    Messages {
        customer: Subject,
        template: Option<Spanned<TemplateName>>,
        status: Option<MessageStatus>,
        count: Option<u64>,
        contains: Option<String>,
    },
    Tags {
        customer: Subject,
        has: Vec<Tag>,
        lacks: Vec<Tag>,
    },
    Segment {
        customer: Subject,
        segment: Spanned<SegmentName>,
        is_member: bool,
    },
    Events {
        event_type: Spanned<EventType>,
        customer: Option<Subject>,
        count: u64,
    },
    Pool {
        plugin: Spanned<PluginName>,
        key: Key,
        available: Option<u64>,
        reserved: Option<u64>,
        sold: Option<u64>,
    },
    Holds {
        customer: Subject,
        condition: WrittenExpr,
    },
}

const KINDS: [&str; 8] = ["run", "step", "messages", "tags", "segment", "events", "pool", "holds"];

/// How a step may have gone, in the words of the journal.
const WENT: [&str; 12] = [
    "done",
    "refused",
    "failed",
    "skipped",
    "waiting",
    "matched",
    "timed_out",
    "chose",
    "planned",
    "responded",
    "compensated",
    "retry",
];

/// Reads one expectation.
pub(super) fn read(node: &Node, usual: Option<&Subject>, report: &Report<'_>) -> Option<WrittenExpectation> {
    let mut fields = Fields::of(node, "an expectation", report)?;
    // `step` may name its run's workflow, but `run` and `step` together are one kind too many.
    let found: Vec<(&'static str, &Node)> =
        KINDS.into_iter().filter_map(|kind| fields.value(kind).map(|node| (kind, node))).collect();
    let [(kind, value)] = found.as_slice() else {
        let fault =
            Fault::new(BEAT_KIND, fields.head(), format!("an expectation needs one of {}", KINDS.join(", ")));
        report.add(match fields.rest().next() {
            Some(entry) => fault.near(&entry.key, KINDS, report),
            None => fault,
        });
        return None;
    };
    let whose = whose(&mut fields, usual);
    let expected = match *kind {
        "run" => run(value, &mut fields, whose?),
        "step" => step(value, &mut fields, whose?),
        "messages" => messages(value, &mut fields, whose?),
        "tags" => tags(value, &mut fields, whose?),
        "segment" => segment(value, &mut fields, whose?),
        "events" => events(value, &mut fields, whose?),
        "pool" => pool(value, &mut fields),
        _ => {
            let condition = expr::bare(value, report);
            let customer = somebody(whose?, &fields);
            condition
                .zip(customer)
                .map(|(condition, customer)| WrittenExpectation::Holds { customer, condition })
        }
    };
    fields.finish();
    expected
}

/// A customer that must be known.
fn somebody(customer: Option<Subject>, fields: &Fields<'_, '_>) -> Option<Subject> {
    if customer.is_none() {
        let fault = Fault::new(MISSING_KEY, fields.head(), "an expectation without `customer`")
            .help("write customer: shop:00042 here, or once for the whole test");
        fields.report().add(fault);
    }
    customer
}

fn number(fields: &mut Fields<'_, '_>, key: &'static str) -> Option<Option<u64>> {
    let report = fields.report();
    let found = fields.value(key).map(|node| text::whole(node, 0..=i64::MAX, report));
    Some(present(found)?.and_then(|number| u64::try_from(number).ok()))
}

fn word(fields: &mut Fields<'_, '_>, key: &'static str, expected: &str) -> Option<Option<String>> {
    let report = fields.report();
    let found = fields.value(key).map(|node| text::text(node, expected, report));
    Some(present(found)?.map(ToString::to_string))
}

fn run(node: &Node, fields: &mut Fields<'_, '_>, customer: Option<Subject>) -> Option<WrittenExpectation> {
    let report = fields.report();
    let workflow = text::name(node, report);
    let phases = RunPhase::ALL.map(|phase| (phase.as_str(), phase));
    let phase = fields.value("phase").map(|node| text::word(node, &phases, report));
    let at = fields.value("at").map(|node| text::name(node, report));
    let outcome = word(fields, "outcome", "an outcome");
    let count = number(fields, "count");
    Some(WrittenExpectation::Run {
        workflow: workflow?,
        customer,
        phase: present(phase)?,
        at: present(at)?,
        outcome: outcome?,
        count: count?,
    })
}

fn step(node: &Node, fields: &mut Fields<'_, '_>, customer: Option<Subject>) -> Option<WrittenExpectation> {
    let report = fields.report();
    let step = text::name(node, report);
    let workflow = fields.need("workflow").and_then(|node| text::name(node, report));
    let words = WENT.map(|word| (word, word));
    let went = fields.value("went").map(|node| text::word(node, &words, report));
    let code = word(fields, "code", "a code");
    let output = fields.value("output").map(|node| {
        if node.as_map().is_none() {
            wrong_kind(node, "members of the output, an object", report);
            return None;
        }
        Some(node.to_value())
    });
    Some(WrittenExpectation::Step {
        workflow: workflow?,
        customer,
        step: step?,
        went: present(went)?.map(str::to_owned),
        code: code?,
        output: present(output)?,
    })
}

/// `messages: welcome`, or `messages: any` for those of every template.
fn messages(
    node: &Node,
    fields: &mut Fields<'_, '_>,
    customer: Option<Subject>,
) -> Option<WrittenExpectation> {
    let report = fields.report();
    let is_any = node.as_text().is_some_and(|text| &**text == "any");
    let template = (!is_any).then(|| text::name(node, report));
    let statuses = MessageStatus::ALL.map(|status| (status.as_str(), status));
    let status = fields.value("status").map(|node| text::word(node, &statuses, report));
    let count = number(fields, "count");
    let contains = word(fields, "contains", "a part of the message");
    let customer = somebody(customer, fields);
    Some(WrittenExpectation::Messages {
        customer: customer?,
        template: present(template)?,
        status: present(status)?,
        count: count?,
        contains: contains?,
    })
}

fn tag_list(node: Option<&Node>, report: &Report<'_>) -> Option<Vec<Tag>> {
    let Some(node) = node else {
        return Some(Vec::new());
    };
    let tags: Vec<Option<Spanned<Tag>>> =
        text::one_or_many(node).iter().map(|node| text::name(node, report)).collect();
    let tags: Option<Vec<Spanned<Tag>>> = tags.into_iter().collect();
    tags.map(|tags| tags.into_iter().map(|tag| tag.value).collect())
}

fn tags(node: &Node, fields: &mut Fields<'_, '_>, customer: Option<Subject>) -> Option<WrittenExpectation> {
    let report = fields.report();
    let has = tag_list(Some(node), report);
    let lacks = tag_list(fields.value("lacks"), report);
    let customer = somebody(customer, fields);
    Some(WrittenExpectation::Tags { customer: customer?, has: has?, lacks: lacks? })
}

fn segment(
    node: &Node,
    fields: &mut Fields<'_, '_>,
    customer: Option<Subject>,
) -> Option<WrittenExpectation> {
    let report = fields.report();
    let segment = text::name(node, report);
    let member = fields.value("member").map(|node| text::flag(node, report));
    let customer = somebody(customer, fields);
    Some(WrittenExpectation::Segment {
        customer: customer?,
        segment: segment?,
        is_member: present(member)?.unwrap_or(true),
    })
}

fn events(node: &Node, fields: &mut Fields<'_, '_>, customer: Option<Subject>) -> Option<WrittenExpectation> {
    let report = fields.report();
    let event_type = text::name(node, report);
    let count = fields.need("count").and_then(|node| text::whole(node, 0..=i64::MAX, report));
    Some(WrittenExpectation::Events { event_type: event_type?, customer, count: u64::try_from(count?).ok()? })
}

/// `pool: coupon/c66`: the plugin, then its own name for the pool.
fn pool(node: &Node, fields: &mut Fields<'_, '_>) -> Option<WrittenExpectation> {
    let report = fields.report();
    let found = text::text(node, "plugin/pool", report);
    let available = number(fields, "available");
    let reserved = number(fields, "reserved");
    let sold = number(fields, "sold");
    let found = found?;
    let parts = found
        .split_once('/')
        .and_then(|(plugin, key)| Some((PluginName::new(plugin).ok()?, Key::new(key).ok()?)));
    let Some((plugin, key)) = parts else {
        let message = format!("{} is no pool: expected plugin/pool such as coupon/c66", quoted(found));
        report.add(Fault::new(BAD_NAME, node.span, message));
        return None;
    };
    Some(WrittenExpectation::Pool {
        plugin: Spanned::new(plugin, node.span),
        key,
        available: available?,
        reserved: reserved?,
        sold: sold?,
    })
}
