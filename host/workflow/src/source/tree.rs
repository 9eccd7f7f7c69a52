//! A YAML file as a tree of values with places. Never holds tags, aliases or keys that are no text.

use std::sync::Arc;

use siyu_model::json::Value;

use super::file::Span;

/// A part of a file.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) span: Span,
    pub(crate) kind: NodeKind,
}

#[derive(Debug, Clone)]
pub(crate) enum NodeKind {
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A text, number, boolean or null.
#[derive(Debug, Clone)]
pub(crate) struct Scalar {
    pub(crate) value: Value,
    pub(crate) style: Style,
}

/// How a scalar is written: what lies between its bytes and its characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    /// `|` and `>`.
    Block,
}

/// A key and what it holds.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: Arc<str>,
    pub(crate) key_span: Span,
    pub(crate) value: Node,
}

impl Node {
    /// The text, when it is one.
    pub(crate) fn as_text(&self) -> Option<&Arc<str>> {
        match &self.kind {
            NodeKind::Scalar(Scalar { value: Value::Text(text), .. }) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn as_map(&self) -> Option<&[Entry]> {
        match &self.kind {
            NodeKind::Map(entries) => Some(entries),
            _ => None,
        }
    }

    pub(crate) fn as_map_mut(&mut self) -> Option<&mut Vec<Entry>> {
        match &mut self.kind {
            NodeKind::Map(entries) => Some(entries),
            _ => None,
        }
    }

    pub(crate) fn as_list(&self) -> Option<&[Node]> {
        match &self.kind {
            NodeKind::List(items) => Some(items),
            _ => None,
        }
    }

    /// What kind of value it is, with an article, as operators call it.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.kind {
            NodeKind::Scalar(Scalar { value: Value::Null, .. }) => "nothing",
            NodeKind::Scalar(scalar) => scalar.value.kind(),
            NodeKind::List(_) => "a list",
            NodeKind::Map(_) => "an object",
        }
    }

    pub(crate) fn to_value(&self) -> Value {
        match &self.kind {
            NodeKind::Scalar(scalar) => scalar.value.clone(),
            NodeKind::List(items) => items.iter().map(Self::to_value).collect::<Vec<_>>().into(),
            NodeKind::Map(entries) => {
                Value::map(entries.iter().map(|entry| (entry.key.clone(), entry.value.to_value())))
            }
        }
    }

    /// The part that a JSON pointer names, as far as the pointer leads.
    pub(crate) fn at_pointer(&self, pointer: &str) -> &Self {
        let mut node = self;
        for part in pointer.split('/').skip(1) {
            let part = part.replace("~1", "/").replace("~0", "~");
            let next = match &node.kind {
                NodeKind::Map(entries) => {
                    entries.iter().find(|entry| *entry.key == *part).map(|entry| &entry.value)
                }
                NodeKind::List(items) => part.parse::<usize>().ok().and_then(|place| items.get(place)),
                NodeKind::Scalar(_) => None,
            };
            match next {
                Some(next) => node = next,
                None => return node,
            }
        }
        node
    }
}
