//! Steps that hold steps, and what refusals and faults lead to. Never checks names or types.

use super::expr;
use super::fields::{Fields, wrong_kind};
use super::step::{Act, Block, Errored, Refused, SplitArm, SwitchBranch, block, full_block};
use super::text::{self, Spanned};
use crate::diagnostics::rules::{BAD_NAME, ELSE_NOT_LAST, EMPTY, MISSING_KEY, OUT_OF_RANGE};
use crate::diagnostics::{Fault, Report, quoted};
use crate::source::Node;

/// `switch: [{if, steps}, …, {else: […]}]`.
pub(super) fn switch(node: &Node, report: &Report<'_>) -> Option<Vec<SwitchBranch>> {
    let items = text::list(node, "branches with `if` and `steps`", report)?;
    if items.is_empty() {
        report.add(Fault::new(EMPTY, node.span, "a switch without branches"));
        return None;
    }
    let last = items.len() - 1;
    let branches: Vec<Option<SwitchBranch>> =
        items.iter().enumerate().map(|(place, item)| branch(item, place == last, report)).collect();
    branches.into_iter().collect()
}

fn branch(node: &Node, is_last: bool, report: &Report<'_>) -> Option<SwitchBranch> {
    let mut fields = Fields::of(node, "a branch of `switch`", report)?;
    let branch = if let Some(entry) = fields.get("else") {
        if !is_last {
            let fault = Fault::new(ELSE_NOT_LAST, entry.key_span, "`else` before the last branch")
                .help("branches after `else` are never reached: move it to the end");
            report.add(fault);
        }
        block(&entry.value, report).map(|block| SwitchBranch { condition: None, block })
    } else {
        let condition = fields.need("if").and_then(|node| expr::bare(node, report));
        let steps = fields.need("steps").and_then(|node| block(node, report));
        condition.zip(steps).map(|(condition, block)| SwitchBranch { condition: Some(condition), block })
    };
    fields.finish();
    branch
}

/// `parallel: [[steps], [steps]]`, or names with steps.
pub(super) fn parallel(node: &Node, report: &Report<'_>) -> Option<Vec<Block>> {
    let blocks: Vec<&Node> = match (node.as_list(), node.as_map()) {
        (Some(items), _) => items.iter().collect(),
        (_, Some(entries)) => entries.iter().map(|entry| &entry.value).collect(),
        _ => {
            wrong_kind(node, "a list of lists of steps", report);
            return None;
        }
    };
    if blocks.len() < 2 {
        let message = format!("{} branches side by side, expected at least 2", blocks.len());
        report.add(Fault::new(EMPTY, report.sources().first_line(node.span), message));
        return None;
    }
    let blocks: Vec<Option<Block>> = blocks.into_iter().map(|node| full_block(node, report)).collect();
    blocks.into_iter().collect()
}

/// The largest weight of an arm: shares finer than a millionth mean nothing.
const WEIGHT_MAX: u32 = 1_000_000;

/// `split: { salt, arms: { a: { weight, steps }, holdout: 5 } }`.
pub(super) fn split(node: &Node, report: &Report<'_>) -> Option<Act> {
    let mut fields = Fields::of(node, "`split`", report)?;
    let salt = fields.value("salt").map(|node| text::text(node, "a salt", report).map(ToString::to_string));
    let arms = fields.need("arms").and_then(|node| arms(node, report));
    fields.finish();
    Some(Act::Split { salt: super::acts::present(salt)?, arms: arms? })
}

fn arms(node: &Node, report: &Report<'_>) -> Option<Vec<SplitArm>> {
    let Some(entries) = node.as_map() else {
        wrong_kind(node, "arms by name, an object", report);
        return None;
    };
    let mut arms = Vec::new();
    let mut is_whole = true;
    for entry in entries {
        if !is_word(&entry.key) {
            let message = format!("the arm {}: expected letters, digits, - and _", quoted(&entry.key));
            report.add(Fault::new(BAD_NAME, entry.key_span, message));
            is_whole = false;
        }
        match arm(&entry.key, &entry.value, report) {
            Some(arm) => arms.push(arm),
            None => is_whole = false,
        }
    }
    if !is_whole {
        return None;
    }
    if arms.len() < 2 || arms.iter().all(|arm| arm.weight == 0) {
        let message = "expected at least two arms, one of them with a weight";
        report.add(Fault::new(OUT_OF_RANGE, report.sources().first_line(node.span), message));
        return None;
    }
    Some(arms)
}

fn is_word(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

fn arm(name: &str, node: &Node, report: &Report<'_>) -> Option<SplitArm> {
    if node.as_map().is_none() {
        return Some(SplitArm {
            name: name.to_owned(),
            weight: text::count(node, 0..=WEIGHT_MAX, report)?,
            block: Block::default(),
        });
    }
    let mut fields = Fields::of(node, "an arm of `split`", report)?;
    let weight = fields.need("weight").and_then(|node| text::count(node, 0..=WEIGHT_MAX, report));
    let steps = match fields.value("steps") {
        None => Some(Block::default()),
        Some(node) => block(node, report),
    };
    fields.finish();
    Some(SplitArm { name: name.to_owned(), weight: weight?, block: steps? })
}

/// `on_refused: continue | fail | { CODE: […], else: […] }`.
pub(super) fn on_refused(node: &Node, report: &Report<'_>) -> Option<Refused> {
    let Some(entries) = node.as_map() else {
        return match text::word(node, &[("continue", true), ("fail", false)], report)? {
            true => Some(Refused::Continue),
            false => Some(Refused::Fail),
        };
    };
    if entries.is_empty() {
        report.add(Fault::new(MISSING_KEY, node.span, "`on_refused` without a code"));
        return None;
    }
    let last = entries.len() - 1;
    let arms: Vec<Option<_>> = entries
        .iter()
        .enumerate()
        .map(|(place, entry)| {
            let is_else = &*entry.key == "else";
            if is_else && place < last {
                let fault = Fault::new(ELSE_NOT_LAST, entry.key_span, "`else` before the last code")
                    .help("codes after `else` are never reached: move it to the end");
                report.add(fault);
            }
            let code = (!is_else).then(|| Spanned::new(entry.key.to_string(), entry.key_span));
            block(&entry.value, report).map(|block| (code, block))
        })
        .collect();
    let arms: Option<Vec<_>> = arms.into_iter().collect();
    arms.map(Refused::Arms)
}

/// `on_error: continue | fail | [steps]`.
pub(super) fn on_error(node: &Node, report: &Report<'_>) -> Option<Errored> {
    if node.as_list().is_some() {
        return full_block(node, report).map(Errored::Steps);
    }
    match text::word(node, &[("continue", true), ("fail", false)], report)? {
        true => Some(Errored::Continue),
        false => Some(Errored::Fail),
    }
}
