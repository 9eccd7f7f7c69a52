//! A workflow file as it is written. Never checks names or types.

use std::collections::BTreeSet;
use std::sync::Arc;

use siyu_model::json::Value;
use siyu_model::limits;
use siyu_model::name::WorkflowName;
use siyu_model::playbook::{Goal, GoalSense, OnConflict};

use super::expr::{self, WrittenExpr};
use super::fields::{Fields, wrong_kind};
use super::playbook::constants;
use super::step::{Block, full_block, not_supported};
use super::text::{self, Spanned};
use super::trigger::{self, WrittenTrigger};
use crate::diagnostics::rules::{BAD_GOAL, TOO_MANY_STEPS};
use crate::diagnostics::{Fault, Report, quoted};
use crate::source::{Node, NodeKind, Span};

/// A workflow.
#[derive(Debug, Clone)]
pub(crate) struct WrittenWorkflow {
    pub(crate) name: Spanned<WorkflowName>,
    pub(crate) title: Option<String>,
    /// None after a fault in it.
    pub(crate) trigger: Option<WrittenTrigger>,
    pub(crate) concurrency: Option<WrittenConcurrency>,
    pub(crate) goals: Vec<Goal>,
    pub(crate) vars: Value,
    pub(crate) block: Block,
    /// Every id in the file, those of broken steps too.
    pub(crate) ids_seen: BTreeSet<Arc<str>>,
}

/// `concurrency: { key, limit, on_conflict }`.
#[derive(Debug, Clone)]
pub(crate) struct WrittenConcurrency {
    pub(crate) key: Option<WrittenExpr>,
    pub(crate) limit: u32,
    pub(crate) on_conflict: OnConflict,
}

/// Words that are planned.
const PLANNED: [(&str, &str); 3] = [
    ("rate", "limit how many runs are alive with `concurrency`, or spread an audience with `spread`"),
    ("debounce", "use `reentry: { after: 10m }` with a `key`"),
    ("priority", "runs take turns fairly; leave it out"),
];

/// Reads a workflow; none when not even its name is known.
pub(crate) fn read(node: &Node, report: &Report<'_>) -> Option<WrittenWorkflow> {
    let mut fields = Fields::of(node, "a workflow", report)?;
    let name = fields.need("workflow").and_then(|node| text::name(node, report));
    let title = fields.value("title").and_then(|node| text::text(node, "a title", report));
    let trigger = fields.need("on").and_then(|node| trigger::read(node, report));
    let concurrency = fields.value("concurrency").and_then(|node| concurrency(node, report));
    let goals = fields.value("goals").map(|node| goals(node, report)).unwrap_or_default();
    let vars = fields.value("vars").and_then(|node| constants(node, report));
    let steps = fields.need("steps");
    let block = steps.and_then(|node| full_block(node, report)).unwrap_or_default();
    not_supported(&mut fields, &PLANNED);
    fields.finish();
    let mut ids_seen = BTreeSet::new();
    if let Some(steps) = steps {
        limit_steps(&block, report.sources().first_line(steps.span), report);
        gather_ids(steps, &mut ids_seen);
    }
    Some(WrittenWorkflow {
        name: name?,
        title: title.map(ToString::to_string),
        trigger,
        concurrency,
        goals,
        vars: vars.unwrap_or_else(|| Value::Map(Arc::default())),
        block,
        ids_seen,
    })
}

fn gather_ids(node: &Node, ids: &mut BTreeSet<Arc<str>>) {
    match &node.kind {
        NodeKind::Scalar(_) => {}
        NodeKind::List(items) => items.iter().for_each(|item| gather_ids(item, ids)),
        NodeKind::Map(entries) => {
            for entry in entries {
                match entry.value.as_text() {
                    Some(text) if &*entry.key == "id" => drop(ids.insert(text.clone())),
                    _ => gather_ids(&entry.value, ids),
                }
            }
        }
    }
}

fn limit_steps(block: &Block, at: Span, report: &Report<'_>) {
    let limit = limits::playbook::STEPS_MAX;
    let found = block.count();
    if found > limit {
        let message = format!("{found} steps in one workflow, at most {limit} are allowed");
        let fault = Fault::new(TOO_MANY_STEPS, at, message)
            .help("move a part into a workflow with `on: { call: true }`");
        report.add(fault);
    }
}

fn concurrency(node: &Node, report: &Report<'_>) -> Option<WrittenConcurrency> {
    let mut fields = Fields::of(node, "`concurrency`", report)?;
    let key = fields.value("key").map(|node| expr::bare(node, report));
    let limit = fields.need("limit").and_then(|node| text::count(node, 1..=1_000_000, report));
    let words = [
        ("queue", OnConflict::Queue),
        ("skip", OnConflict::Skip),
        ("cancel_oldest", OnConflict::CancelOldest),
    ];
    let on_conflict = match fields.value("on_conflict") {
        None => Some(OnConflict::Queue),
        Some(node) => text::word(node, &words, report),
    };
    fields.finish();
    Some(WrittenConcurrency { key: super::acts::present(key)?, limit: limit?, on_conflict: on_conflict? })
}

fn goals(node: &Node, report: &Report<'_>) -> Vec<Goal> {
    let Some(entries) = node.as_map() else {
        wrong_kind(node, "goals by metric, an object", report);
        return Vec::new();
    };
    let goals = entries.iter().filter_map(|entry| {
        text::identifier(&entry.key, entry.key_span, "a metric", report)?;
        let found = text::text(&entry.value, "a goal such as '>= 0.15'", report)?;
        let goal = goal(&entry.key, found);
        if goal.is_none() {
            let message = format!("{} is no goal: expected '>= 0.15', '<= 3' or '>= 15%'", quoted(found));
            report.add(Fault::new(BAD_GOAL, entry.value.span, message));
        }
        goal
    });
    goals.collect()
}

fn goal(metric: &str, text: &str) -> Option<Goal> {
    let text = text.trim();
    let (sense, rest) = match text.split_at_checked(2)? {
        (">=", rest) => (GoalSense::AtLeast, rest),
        ("<=", rest) => (GoalSense::AtMost, rest),
        _ => return None,
    };
    let (number, scale) = match rest.trim().strip_suffix('%') {
        Some(percent) => (percent.trim_end(), 100.0),
        None => (rest.trim(), 1.0),
    };
    let is_plain = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let threshold = number.parse::<f64>().ok().filter(|number| is_plain && number.is_finite())?;
    Some(Goal { metric: metric.to_owned(), sense, threshold: threshold / scale })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goals_are_a_sense_and_a_number() {
        let read = |text| goal("m", text).map(|goal| (goal.sense, goal.threshold));
        assert_eq!(read(">= 0.15"), Some((GoalSense::AtLeast, 0.15)));
        assert_eq!(read("<=3"), Some((GoalSense::AtMost, 3.0)));
        assert_eq!(read(">= 15 %"), Some((GoalSense::AtLeast, 0.15)));
        for text in ["", ">", "> 1", ">= x", ">= -1", ">= inf", "≥ 1", ">= 1e9", "0.15", ">= ."] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
