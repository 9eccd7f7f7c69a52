//! The second parser: `serde_yaml` says what the values mean, and both parsers must say the same.
//!
//! Where they do not, the text means different things to different programs, and the operator is asked to quote it.
//! Never looks at a file that the first parser refused.

use std::borrow::Cow;

use saphyr::Scalar as Resolved;
use serde_yaml::Value as Foreign;
use siyu_model::json::Value;

use super::file::{FileId, Span};
use super::mask::unmask;
use super::syntax::{Raw, RawEntry, RawKind};
use super::tree::{Entry, Node, NodeKind, Scalar, Style};
use crate::diagnostics::rules::{AMBIGUOUS_SCALAR, FORBIDDEN_CHARACTER, KEY_NOT_TEXT, NOT_FINITE};
use crate::diagnostics::{Fault, Report, quoted};

/// The tree with the meaning of every value; none when a fault was found.
pub(super) fn agree(file: FileId, masked: &str, raw: &Raw, report: &Report<'_>) -> Option<Node> {
    let foreign: Foreign = match serde_yaml::from_str(masked) {
        Ok(foreign) => foreign,
        Err(fault) => {
            refused(file, masked, &fault, report);
            return None;
        }
    };
    Agreement { report }.node(raw, &foreign)
}

fn refused(file: FileId, masked: &str, fault: &serde_yaml::Error, report: &Report<'_>) {
    let at = fault.location().map_or(0, |place| place.index().min(masked.len()));
    let before = masked.get(..at).map_or(0, |before| unmask(before).len());
    let text = fault.to_string();
    if text.contains("as u128") || text.contains("as i128") {
        let rest = &report.sources().file(file).text[before..];
        let length = rest.find([' ', '\n', '\r', ',', '}', ']']).unwrap_or(rest.len());
        let agreement = Agreement { report };
        return agreement.ambiguous(Span::new(file, before..before + length));
    }
    let words = text.split(" at line ").next().unwrap_or(&text);
    super::read::syntax_fault(report, Span::new(file, before..before), words);
}

struct Agreement<'r> {
    report: &'r Report<'r>,
}

impl Agreement<'_> {
    fn node(&self, raw: &Raw, foreign: &Foreign) -> Option<Node> {
        let kind = match (&raw.kind, foreign) {
            (RawKind::Scalar(text, style), foreign) => NodeKind::Scalar(Scalar {
                value: self.scalar(raw.span, text, *style, foreign)?,
                style: *style,
            }),
            (RawKind::List(items), Foreign::Sequence(others)) if items.len() == others.len() => {
                let items: Vec<Option<Node>> =
                    items.iter().zip(others).map(|(item, other)| self.node(item, other)).collect();
                NodeKind::List(items.into_iter().collect::<Option<_>>()?)
            }
            (RawKind::Map(entries), Foreign::Mapping(others)) if entries.len() == others.len() => {
                let entries: Vec<Option<Entry>> = entries
                    .iter()
                    .zip(others)
                    .map(|(entry, (key, value))| self.entry(entry, key, value))
                    .collect();
                NodeKind::Map(entries.into_iter().collect::<Option<_>>()?)
            }
            _ => {
                self.ambiguous(raw.span);
                return None;
            }
        };
        Some(Node { span: raw.span, kind })
    }

    fn entry(&self, raw: &RawEntry, key: &Foreign, value: &Foreign) -> Option<Entry> {
        let name = self.scalar(raw.key_span, &raw.key, raw.key_style, key)?;
        let value = self.node(&raw.value, value);
        let Value::Text(name) = name else {
            let fault = Fault::new(KEY_NOT_TEXT, raw.key_span, format!("a key that is {}", name.kind()))
                .help(format!("keys are texts: write '{}' in quotes", unmask(&raw.key)));
            self.report.add(fault);
            return None;
        };
        Some(Entry { key: name, key_span: raw.key_span, value: value? })
    }

    fn scalar(&self, span: Span, text: &str, style: Style, foreign: &Foreign) -> Option<Value> {
        let resolved = match style {
            Style::Plain if text.is_empty() => Resolved::Null,
            Style::Plain => Resolved::parse_from_cow(Cow::Borrowed(text)),
            _ => Resolved::String(Cow::Borrowed(text)),
        };
        match (resolved, foreign) {
            (Resolved::Null, Foreign::Null) => Some(Value::Null),
            (Resolved::Boolean(ours), Foreign::Bool(theirs)) if ours == *theirs => Some(Value::Bool(ours)),
            (Resolved::Integer(ours), Foreign::Number(theirs)) if theirs.as_i64() == Some(ours) => {
                Some(Value::Int(ours))
            }
            (Resolved::FloatingPoint(ours), Foreign::Number(theirs))
                if theirs.is_f64() && same_float(*ours, theirs.as_f64()) =>
            {
                self.finite(span, *ours)
            }
            (Resolved::String(ours), Foreign::String(theirs)) if *ours == **theirs => self.text(span, &ours),
            _ => {
                self.ambiguous(span);
                None
            }
        }
    }

    fn finite(&self, span: Span, number: f64) -> Option<Value> {
        if number.is_finite() {
            return Some(Value::Float(number));
        }
        let fault = Fault::new(NOT_FINITE, span, "a number without end")
            .help("JSON has no infinity and no NaN; quote it if a text is meant");
        self.report.add(fault);
        None
    }

    /// A text; escapes may spell characters that the file itself must not hold.
    fn text(&self, span: Span, text: &str) -> Option<Value> {
        let forbidden = |c: &char| *c == '\r' || super::guard::is_forbidden(*c);
        let text = unmask(text);
        let Some(found) = text.chars().find(forbidden) else {
            return Some(Value::text(&*text));
        };
        let message = format!("an escape that spells {}", super::guard::describe(found));
        self.report.add(
            Fault::new(FORBIDDEN_CHARACTER, self.report.sources().first_line(span), message)
                .label(format!("U+{:04X} in it", found as u32)),
        );
        None
    }

    fn ambiguous(&self, span: Span) {
        let span = self.report.sources().first_line(span);
        let text = self.report.sources().text(span);
        let fault = Fault::new(
            AMBIGUOUS_SCALAR,
            span,
            format!("{} means different things to different YAML readers", quoted(text)),
        )
        .help(
            "quote it if it is a text, or write the number plainly, without leading zeros and within 64 bits",
        );
        self.report.add(fault);
    }
}

fn same_float(ours: f64, theirs: Option<f64>) -> bool {
    theirs.is_some_and(|theirs| ours == theirs || (ours.is_nan() && theirs.is_nan()))
}
