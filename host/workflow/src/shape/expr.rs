//! Expressions and documents with expressions in them, with the places of everything. Never evaluates and never checks
//! types.

use std::ops::Range;
use std::sync::Arc;

use siyu_model::expr::{Expr, ExprError, TextTemplate, ValueTemplate};
use siyu_model::json::Value;

use super::fields::wrong_kind;
use super::text::Spanned;
use crate::diagnostics::rules::{EXPRESSION_SYNTAX, KEY_NOT_TEXT};
use crate::diagnostics::{Fault, Report};
use crate::source::{Node, NodeKind, Place, Scalar, Span};

/// An expression and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct WrittenExpr {
    pub(crate) expr: Expr,
    place: Place,
}

impl WrittenExpr {
    pub(crate) fn new(expr: Expr, place: Place) -> Self {
        Self { expr, place }
    }

    /// The bytes of the file that stand for bytes of the expression.
    pub(crate) fn span(&self, range: Range<usize>, report: &Report<'_>) -> Span {
        report.inside(&self.place, range)
    }

    /// All of it.
    pub(crate) fn whole(&self, report: &Report<'_>) -> Span {
        self.span(self.expr.root().range.clone(), report)
    }
}

/// A document that may hold expressions.
#[derive(Debug, Clone)]
pub(crate) struct WrittenValue {
    pub(crate) doc: Doc,
    /// What it compiles to.
    pub(crate) template: ValueTemplate,
}

impl WrittenValue {
    /// An object without members, at a place where one could stand.
    pub(crate) fn empty(span: Span) -> Self {
        Self { doc: Doc { span, kind: DocKind::Map(Vec::new()) }, template: ValueTemplate::empty() }
    }
}

/// A part of a document.
#[derive(Debug, Clone)]
pub(crate) struct Doc {
    pub(crate) span: Span,
    pub(crate) kind: DocKind,
}

#[derive(Debug, Clone)]
pub(crate) enum DocKind {
    /// A text without expressions, a number, a boolean or null. The place is that of a text.
    Const(Value, Option<Place>),
    /// A text that is one expression.
    Expr(WrittenExpr),
    /// A text with expressions in it.
    Text(Vec<WrittenExpr>),
    List(Vec<Doc>),
    Map(Vec<Member>),
}

/// A member of an object: its name and what it holds.
pub(crate) type Member = (Spanned<Arc<str>>, Doc);

impl Doc {
    /// The value, when there is nothing to fill in.
    pub(crate) fn constant(&self) -> Option<Value> {
        match &self.kind {
            DocKind::Const(value, _) => Some(value.clone()),
            DocKind::Expr(_) | DocKind::Text(_) => None,
            DocKind::List(items) => {
                let items: Option<Vec<Value>> = items.iter().map(Self::constant).collect();
                items.map(Value::from)
            }
            DocKind::Map(members) => {
                let members: Option<Vec<(Arc<str>, Value)>> =
                    members.iter().map(|(key, doc)| Some((key.value.clone(), doc.constant()?))).collect();
                members.map(Value::map)
            }
        }
    }

    /// Every expression in it, in the order they are written.
    pub(crate) fn expressions(&self) -> Vec<&WrittenExpr> {
        match &self.kind {
            DocKind::Const(..) => Vec::new(),
            DocKind::Expr(expr) => vec![expr],
            DocKind::Text(exprs) => exprs.iter().collect(),
            DocKind::List(items) => items.iter().flat_map(Self::expressions).collect(),
            DocKind::Map(members) => members.iter().flat_map(|(_, doc)| doc.expressions()).collect(),
        }
    }

    /// The members, when it is an object.
    pub(crate) fn members(&self) -> Option<&[Member]> {
        match &self.kind {
            DocKind::Map(members) => Some(members),
            _ => None,
        }
    }

    /// The part that a JSON pointer names, as far as the pointer leads.
    pub(crate) fn at_pointer(&self, pointer: &str) -> &Self {
        let mut doc = self;
        for part in pointer.split('/').skip(1) {
            let part = part.replace("~1", "/").replace("~0", "~");
            let next = match &doc.kind {
                DocKind::Map(members) => members.iter().find(|(key, _)| *key.value == *part).map(|m| &m.1),
                DocKind::List(items) => part.parse::<usize>().ok().and_then(|place| items.get(place)),
                _ => None,
            };
            match next {
                Some(next) => doc = next,
                None => return doc,
            }
        }
        doc
    }
}

/// Reports why a text is not an expression.
pub(crate) fn syntax(fault: ExprError, place: &Place, report: &Report<'_>) {
    let span = report.inside(place, fault.range);
    report.add(Fault::new(EXPRESSION_SYNTAX, span, fault.message).help_if(fault.help));
}

/// A bare expression: what `if`, `match` and `key` hold.
pub(crate) fn bare(node: &Node, report: &Report<'_>) -> Option<WrittenExpr> {
    if let NodeKind::Scalar(Scalar { value: Value::Bool(value), style }) = &node.kind {
        let literal = Node {
            span: node.span,
            kind: NodeKind::Scalar(Scalar {
                value: Value::from(if *value { "true" } else { "false" }),
                style: *style,
            }),
        };
        return bare(&literal, report);
    }
    let (Some(text), Some(place)) = (node.as_text(), Place::of(node)) else {
        wrong_kind(node, "an expression such as event.amount_fen > 0", report);
        return None;
    };
    match Expr::parse(text) {
        Ok(expr) => Some(WrittenExpr { expr, place }),
        Err(fault) => {
            syntax(fault, &place, report);
            None
        }
    }
}

/// A text that is one `${{ }}`; none without a fault when it is anything else.
pub(crate) fn wrapped(node: &Node, report: &Report<'_>) -> Option<WrittenExpr> {
    match doc(node, report)?.kind {
        DocKind::Expr(expr) => Some(expr),
        _ => None,
    }
}

/// An expression that the operator did not write, at the place of what was written.
pub(crate) fn implied(source: &str, node: &Node) -> Option<WrittenExpr> {
    let place = Place::of(node)?;
    let expr = Expr::parse(source).ok()?;
    Some(WrittenExpr { expr, place })
}

/// A document; faults of its expressions are reported, and then there is none.
pub(crate) fn value(node: &Node, report: &Report<'_>) -> Option<WrittenValue> {
    let doc = doc(node, report)?;
    // The same texts were parsed for the places a moment ago, so this cannot fail.
    let template = ValueTemplate::parse(&node.to_value()).ok()?;
    Some(WrittenValue { doc, template })
}

/// A document in which `${{ }}` means nothing: data of tests is what it says.
pub(crate) fn constant(node: &Node) -> Doc {
    let kind = match &node.kind {
        NodeKind::Scalar(scalar) => DocKind::Const(scalar.value.clone(), Place::of(node)),
        NodeKind::List(items) => DocKind::List(items.iter().map(constant).collect()),
        NodeKind::Map(entries) => {
            let members = entries.iter().map(|entry| {
                let key = Spanned::new(entry.key.clone(), entry.key_span);
                (key, constant(&entry.value))
            });
            DocKind::Map(members.collect())
        }
    };
    Doc { span: node.span, kind }
}

fn doc(node: &Node, report: &Report<'_>) -> Option<Doc> {
    let kind = match &node.kind {
        NodeKind::Scalar(scalar) => match Place::of(node) {
            Some(place) => text(&scalar.value, place, report)?,
            None => DocKind::Const(scalar.value.clone(), None),
        },
        NodeKind::List(items) => {
            let items: Vec<Option<Doc>> = items.iter().map(|item| doc(item, report)).collect();
            DocKind::List(items.into_iter().collect::<Option<_>>()?)
        }
        NodeKind::Map(entries) => {
            let members: Vec<Option<_>> = entries
                .iter()
                .map(|entry| {
                    let key = Spanned::new(entry.key.clone(), entry.key_span);
                    if entry.key.contains("${{") {
                        let fault = Fault::new(KEY_NOT_TEXT, entry.key_span, "an expression as a key");
                        report.add(fault.help("keys are fixed texts: make a list of objects instead"));
                    }
                    doc(&entry.value, report).map(|doc| (key, doc))
                })
                .collect();
            DocKind::Map(members.into_iter().collect::<Option<_>>()?)
        }
    };
    Some(Doc { span: node.span, kind })
}

fn text(value: &Value, place: Place, report: &Report<'_>) -> Option<DocKind> {
    let source = value.as_str().unwrap_or_default();
    let template = match TextTemplate::parse(source) {
        Ok(template) => template,
        Err(fault) => {
            syntax(fault, &place, report);
            return None;
        }
    };
    Some(text_kind(value, &template, place))
}

/// What a text is: a constant, one expression, or text around expressions.
fn text_kind(value: &Value, template: &TextTemplate, place: Place) -> DocKind {
    let mut exprs: Vec<WrittenExpr> = template
        .expressions()
        .map(|(expr, at)| WrittenExpr { expr: expr.clone(), place: place.further(at) })
        .collect();
    let is_whole = matches!(ValueTemplate::parse(value), Ok(ValueTemplate::Expr(_)));
    match exprs.pop() {
        None => DocKind::Const(value.clone(), Some(place)),
        Some(only) if exprs.is_empty() && is_whole => DocKind::Expr(only),
        Some(last) => {
            exprs.push(last);
            DocKind::Text(exprs)
        }
    }
}

/// The text of a message template with its expressions.
pub(crate) fn message(node: &Node, report: &Report<'_>) -> Option<(TextTemplate, Vec<WrittenExpr>)> {
    let source = super::text::text(node, "the text of the message", report)?;
    let place = Place::of(node)?;
    match TextTemplate::parse(source) {
        Ok(template) => {
            let exprs = template
                .expressions()
                .map(|(expr, at)| WrittenExpr { expr: expr.clone(), place: place.further(at) });
            let exprs = exprs.collect();
            Some((template, exprs))
        }
        Err(fault) => {
            syntax(fault, &place, report);
            None
        }
    }
}
