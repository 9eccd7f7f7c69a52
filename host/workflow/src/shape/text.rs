//! Reading single values: names, durations, instants, numbers, words of a list. Never looks at keys.

use std::ops::RangeInclusive;
use std::str::FromStr;
use std::sync::Arc;

use siyu_model::clock::{DurationMs, TimeError, UtcMs, Zone};
use siyu_model::cron::Cron;
use siyu_model::json::Value;
use siyu_model::name::NameError;

use super::fields::wrong_kind;
use crate::diagnostics::rules::{
    BAD_CRON, BAD_DURATION, BAD_INSTANT, BAD_NAME, BAD_ZONE, EMPTY, NOT_ONE_OF, OUT_OF_RANGE, WRONG_KIND,
};
use crate::diagnostics::{Code, Fault, Report, quoted};
use crate::source::{Node, NodeKind, Scalar, Span};

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Spanned<T> {
    pub(crate) value: T,
    pub(crate) span: Span,
}

impl<T> Spanned<T> {
    pub(crate) fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }
}

/// A text; `expected` says what kind, such as "a title".
pub(crate) fn text<'n>(node: &'n Node, expected: &str, report: &Report<'_>) -> Option<&'n Arc<str>> {
    let Some(found) = node.as_text() else {
        let written = report.sources().text(node.span);
        let is_scalar = matches!(&node.kind, NodeKind::Scalar(scalar) if scalar.value != Value::Null);
        let span = report.sources().first_line(node.span);
        let fault = Fault::new(WRONG_KIND, span, format!("found {}, expected {expected}", node.kind()));
        report.add(fault.help_if(is_scalar.then(|| format!("quote it if it is a text: '{written}'"))));
        return None;
    };
    if found.trim().is_empty() {
        let message = format!("an empty text, expected {expected}");
        report.add(Fault::new(EMPTY, node.span, message));
        return None;
    }
    Some(found)
}

fn parsed<T: FromStr>(node: &Node, code: Code, expected: &str, report: &Report<'_>) -> Option<Spanned<T>>
where
    T::Err: std::fmt::Display,
{
    let found = text(node, expected, report)?;
    match found.parse() {
        Ok(value) => Some(Spanned::new(value, node.span)),
        Err(fault) => {
            report.add(Fault::new(code, node.span, fault.to_string()));
            None
        }
    }
}

/// A name of a kind.
pub(crate) fn name<T: FromStr<Err = NameError>>(node: &Node, report: &Report<'_>) -> Option<Spanned<T>> {
    let is_number = matches!(
        &node.kind,
        NodeKind::Scalar(Scalar { value: Value::Int(_) | Value::Float(_) | Value::Bool(_), .. })
    );
    if is_number {
        let written = report.sources().text(node.span);
        let message = format!("found {}, expected a name as text", node.kind());
        report.add(Fault::new(BAD_NAME, node.span, message).help(format!("quote it: '{written}'")));
        return None;
    }
    parsed(node, BAD_NAME, "a name", report)
}

/// A duration such as `7d`.
pub(crate) fn duration(node: &Node, report: &Report<'_>) -> Option<Spanned<DurationMs>> {
    if let NodeKind::Scalar(Scalar { value: Value::Int(number), .. }) = &node.kind {
        let fault = Fault::new(BAD_DURATION, node.span, "a duration without a unit")
            .help(format!("write {number}d for days, {number}h for hours, {number}m for minutes"));
        report.add(fault);
        return None;
    }
    parsed::<DurationMs>(node, BAD_DURATION, "a duration such as 7d", report)
}

/// An instant in RFC 3339.
pub(crate) fn instant(node: &Node, report: &Report<'_>) -> Option<Spanned<UtcMs>> {
    parsed(node, BAD_INSTANT, "an instant such as 2026-11-21T09:00:00+08:00", report)
}

/// An IANA time zone.
pub(crate) fn zone(node: &Node, report: &Report<'_>) -> Option<Spanned<Zone>> {
    let found = text(node, "a time zone such as Asia/Shanghai", report)?;
    let fault: TimeError = match found.parse() {
        Ok(zone) => return Some(Spanned::new(zone, node.span)),
        Err(fault) => fault,
    };
    const COMMON: [&str; 7] = [
        "Asia/Shanghai",
        "Asia/Hong_Kong",
        "Asia/Taipei",
        "Asia/Singapore",
        "Asia/Tokyo",
        "Europe/Berlin",
        "UTC",
    ];
    let alias = match found.to_lowercase().as_str() {
        "asia/beijing" | "beijing" | "china" | "cst" | "gmt+8" | "utc+8" | "+08:00" => {
            Some("mainland China is Asia/Shanghai".to_owned())
        }
        _ => None,
    };
    let near = siyu_model::nearest::nearest(found, COMMON).map(|near| format!("did you mean {near}?"));
    report.add(Fault::new(BAD_ZONE, node.span, fault.to_string()).help_if(alias.or(near)));
    None
}

/// A cron pattern.
pub(crate) fn cron(node: &Node, report: &Report<'_>) -> Option<Spanned<Cron>> {
    parsed(node, BAD_CRON, "a cron pattern such as '0 10 * * FRI'", report)
}

/// A whole number within a range.
pub(crate) fn whole(node: &Node, range: RangeInclusive<i64>, report: &Report<'_>) -> Option<i64> {
    let NodeKind::Scalar(Scalar { value: Value::Int(number), .. }) = &node.kind else {
        wrong_kind(node, "a whole number", report);
        return None;
    };
    if range.contains(number) {
        return Some(*number);
    }
    let message = format!("{number}, expected {} to {}", range.start(), range.end());
    report.add(Fault::new(OUT_OF_RANGE, node.span, message));
    None
}

/// A whole number of the model's counters.
pub(crate) fn count(node: &Node, range: RangeInclusive<u32>, report: &Report<'_>) -> Option<u32> {
    let range = i64::from(*range.start())..=i64::from(*range.end());
    whole(node, range, report).and_then(|number| u32::try_from(number).ok())
}

/// `true` or `false`.
pub(crate) fn flag(node: &Node, report: &Report<'_>) -> Option<bool> {
    match &node.kind {
        NodeKind::Scalar(Scalar { value: Value::Bool(flag), .. }) => Some(*flag),
        _ => {
            wrong_kind(node, "true or false", report);
            None
        }
    }
}

/// One of the words of a closed list.
pub(crate) fn word<T: Copy>(node: &Node, words: &[(&str, T)], report: &Report<'_>) -> Option<T> {
    let found = text(node, "a word", report)?;
    let known = words.iter().find(|(word, _)| *word == &**found);
    if known.is_none() {
        let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let message = format!("{}, expected {}", quoted(found), names.join(", "));
        let fault = Fault::new(NOT_ONE_OF, node.span, message);
        report.add(match siyu_model::nearest::nearest(found, names) {
            Some(near) => fault.label(format!("did you mean `{near}`?")),
            None => fault,
        });
    }
    known.map(|(_, value)| *value)
}

/// The items of a list.
pub(crate) fn list<'n>(node: &'n Node, expected: &str, report: &Report<'_>) -> Option<&'n [Node]> {
    let items = node.as_list();
    if items.is_none() {
        wrong_kind(node, &format!("{expected}, a list"), report);
    }
    items
}

/// One value, or a list of them.
pub(crate) fn one_or_many(node: &Node) -> &[Node] {
    match &node.kind {
        NodeKind::List(items) => items,
        _ => std::slice::from_ref(node),
    }
}

/// A key that expressions read as a name; says so when it is none.
pub(crate) fn identifier(key: &str, span: Span, what: &str, report: &Report<'_>) -> Option<()> {
    let starts = key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let is_name =
        starts && key.len() <= 64 && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if is_name {
        return Some(());
    }
    let message = format!(
        "{} is not the name of {what}: expected 1 to 64 letters, digits and _, not beginning with a digit",
        quoted(key)
    );
    report.add(Fault::new(BAD_NAME, span, message));
    None
}
