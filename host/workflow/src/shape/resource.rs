//! Definitions for plugins as they are written. Never checks them against the plugin.

use siyu_model::name::ResourceName;

use super::acts::target;
use super::expr::{self, WrittenValue};
use super::fields::Fields;
use super::step::Target;
use super::text::{self, Spanned};
use crate::diagnostics::rules::{EMPTY, WRONG_KIND};
use crate::diagnostics::{Fault, Report};
use crate::source::{Node, Span};

/// One definition.
#[derive(Debug)]
pub(crate) struct WrittenResource {
    /// `plugin/kind@major`.
    pub(crate) target: Spanned<Target>,
    pub(crate) name: Spanned<ResourceName>,
    /// The definition, with the node of the file for its places.
    pub(crate) define: Option<(WrittenValue, Node)>,
    /// What a caret points at for the whole definition.
    pub(crate) head: Span,
}

/// Reads a file: one definition, or a list under `resources`.
pub(crate) fn read(node: &Node, report: &Report<'_>) -> Vec<WrittenResource> {
    listed(node, ("resources", "a file of resources"), report)
        .iter()
        .filter_map(|item| one(item, report))
        .collect()
}

/// The items of a file that holds one, or a list of them under a key; with what such a file is called.
pub(crate) fn listed(
    node: &Node,
    (key, file): (&'static str, &'static str),
    report: &Report<'_>,
) -> Vec<Node> {
    if !node.as_map().is_some_and(|entries| entries.iter().any(|entry| &*entry.key == key)) {
        return vec![node.clone()];
    }
    let Some(mut fields) = Fields::of(node, file, report) else {
        return Vec::new();
    };
    let items = fields.need(key).and_then(|node| text::list(node, key, report));
    fields.finish();
    let items = items.unwrap_or_default();
    if items.is_empty() {
        let message = format!("no {key} in {file}");
        report.add(Fault::new(EMPTY, report.sources().first_line(node.span), message));
    }
    items.to_vec()
}

fn one(node: &Node, report: &Report<'_>) -> Option<WrittenResource> {
    let mut fields = Fields::of(node, "a resource", report)?;
    let head = fields.head();
    let target = fields.need("resource").and_then(|node| target(node, report));
    let name = fields.need("name").and_then(|node| text::name(node, report));
    let define = fields.need("define").and_then(|node| {
        let value = expr::value(node, report)?;
        if let Some(found) = value.doc.expressions().first() {
            let fault =
                Fault::new(WRONG_KIND, found.whole(report), "`${{ }}` in a definition, expected constants")
                    .help("where a plugin takes an expression, it is written without braces");
            report.add(fault);
            return None;
        }
        Some((value, node.clone()))
    });
    fields.finish();
    Some(WrittenResource { target: target?, name: name?, define, head })
}
