//! A message template as it is written. Never checks which variables it reads.

use siyu_model::clock::DurationMs;
use siyu_model::expr::TextTemplate;
use siyu_model::message::MessageClass;
use siyu_model::name::TemplateName;

use super::expr::{self, WrittenExpr};
use super::fields::Fields;
use super::resource::listed;
use super::text::{self, Spanned};
use crate::diagnostics::Report;
use crate::diagnostics::rules::OUT_OF_RANGE;
use crate::source::{Node, Span};

/// Seven days: what is older says something about the past.
const EXPIRES_AFTER: DurationMs = DurationMs::from_millis(7 * 86_400_000);

/// A message template.
#[derive(Debug)]
pub(crate) struct WrittenTemplate {
    pub(crate) name: Spanned<TemplateName>,
    /// None after a fault in it.
    pub(crate) class: Option<MessageClass>,
    pub(crate) class_span: Span,
    pub(crate) expires_after: DurationMs,
    pub(crate) expires_span: Option<Span>,
    pub(crate) text: Option<(TextTemplate, Vec<WrittenExpr>)>,
}

/// Reads a file: one template, or a list under `templates`.
pub(crate) fn read(node: &Node, report: &Report<'_>) -> Vec<WrittenTemplate> {
    listed(node, ("templates", "a file of templates"), report)
        .iter()
        .filter_map(|item| one(item, report))
        .collect()
}

/// Reads a template; none when not even its name is known.
fn one(node: &Node, report: &Report<'_>) -> Option<WrittenTemplate> {
    let mut fields = Fields::of(node, "a template", report)?;
    let name = fields.need("template").and_then(|node| text::name(node, report));
    let classes = [("service", MessageClass::Service), ("marketing", MessageClass::Marketing)];
    let class = fields.need("class");
    let expires = fields.value("expires_after");
    let expires_after = expires.and_then(|node| text::duration(node, report));
    if let Some(found) = expires_after.as_ref().filter(|found| found.value == DurationMs::ZERO) {
        let message = "a message that expires at once is never sent";
        report.add(crate::diagnostics::Fault::new(OUT_OF_RANGE, found.span, message));
    }
    let text = fields.need("text").and_then(|node| expr::message(node, report));
    let head = fields.head();
    let class_span = class.map_or(head, |node| node.span);
    let class = class.and_then(|node| text::word(node, &classes, report));
    fields.finish();
    Some(WrittenTemplate {
        name: name?,
        class,
        class_span,
        expires_after: expires_after.map_or(EXPIRES_AFTER, |found| found.value),
        expires_span: expires.map(|node| node.span),
        text,
    })
}
