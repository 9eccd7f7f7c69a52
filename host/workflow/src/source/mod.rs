//! From bytes to a tree of values with places: limits first, then two parsers that must agree.
//!
//! Never knows what a playbook is.

mod file;
mod guard;
mod inside;
mod mask;
mod meaning;
mod read;
mod syntax;
mod tree;

use std::ops::Range;
use std::sync::Arc;

pub(crate) use file::{FileId, SourceFile, Sources, Span};
pub(crate) use guard::Refusal;
pub(crate) use guard::is_forbidden;
pub(crate) use read::{guarded, read, refuse};
pub(crate) use tree::{Entry, Node, NodeKind, Scalar, Style};

/// A part of a scalar's value and where the scalar stands: leads from an expression to the bytes of its file.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    span: Span,
    style: Style,
    value: Arc<str>,
    /// Where the part begins inside the value.
    offset: usize,
}

impl Place {
    /// The whole value of a text; none when the node is no text.
    pub(crate) fn of(node: &Node) -> Option<Self> {
        let NodeKind::Scalar(scalar) = &node.kind else {
            return None;
        };
        Some(Self { span: node.span, style: scalar.style, value: node.as_text()?.clone(), offset: 0 })
    }

    /// The part that begins `offset` bytes further on.
    pub(crate) fn further(&self, offset: usize) -> Self {
        Self { offset: self.offset + offset, ..self.clone() }
    }

    /// The bytes of the file that stand for bytes of the part; all of the scalar when they cannot be told apart.
    pub(crate) fn span_of(&self, sources: &Sources, range: Range<usize>) -> Span {
        let written = sources.text(self.span);
        let wanted = self.offset + range.start..self.offset + range.end;
        match inside::locate(written, self.style, &self.value, wanted) {
            Some(found) => {
                let start = self.span.start as usize;
                Span::new(self.span.file, start + found.start..start + found.end)
            }
            None => self.span,
        }
    }
}
