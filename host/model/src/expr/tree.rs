//! The syntax tree of an expression: small, total, with places in the source.

use std::ops::Range;
use std::sync::Arc;

use super::functions::{Filter, Function, Test};
use crate::json::Value;

/// A part of an expression.
#[derive(Debug, Clone)]
pub struct Node {
    /// Where it stands in the source, in bytes.
    pub range: Range<usize>,
    /// What it is.
    pub kind: NodeKind,
}

/// What a part of an expression is.
#[derive(Debug, Clone)]
pub enum NodeKind {
    /// A literal.
    Const(Value),
    /// A name such as `event` or `customer`.
    Root(Arc<str>),
    /// `base.name` or `base['name']`.
    Attr(Box<Node>, Arc<str>),
    /// `base[index]` with a computed index.
    Item(Box<Node>, Box<Node>),
    /// `not x`.
    Not(Box<Node>),
    /// `-x`.
    Negative(Box<Node>),
    /// `a and b`.
    And(Box<Node>, Box<Node>),
    /// `a or b`.
    Or(Box<Node>, Box<Node>),
    /// Arithmetic and `~`.
    Binary(BinaryOp, Box<Node>, Box<Node>),
    /// `a < b <= c`, `x in y`.
    Compare(Box<Node>, Vec<(CompareOp, Node)>),
    /// `a if condition else b`.
    If(Box<Node>, Box<Node>, Option<Box<Node>>),
    /// `[a, b]`.
    List(Vec<Node>),
    /// `{'a': b}`.
    Map(Vec<(Arc<str>, Node)>),
    /// `x | filter(args)`.
    Filter(Filter, Box<Node>, Vec<Node>),
    /// `x is test(args)`.
    Test(Test, Box<Node>, Vec<Node>),
    /// `function(args)`.
    Call(Function, Vec<Node>),
}

/// Arithmetic on numbers; `~` joins texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BinaryOp {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`, which gives a fraction
    Div,
    /// `//`, which rounds down
    FloorDiv,
    /// `%`
    Rem,
    /// `~`
    Concat,
}

impl BinaryOp {
    /// As it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::FloorDiv => "//",
            Self::Rem => "%",
            Self::Concat => "~",
        }
    }
}

/// Comparisons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompareOp {
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `in`
    In,
    /// `not in`
    NotIn,
}

impl CompareOp {
    /// As it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Eq => "==",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
            Self::In => "in",
            Self::NotIn => "not in",
        }
    }
}

/// A chain of names that an expression reads, as far as it is fixed.
#[derive(Debug, Clone)]
pub struct Path<'a> {
    /// The first name.
    pub root: &'a str,
    /// Where the first name stands.
    pub root_range: Range<usize>,
    /// Further names, each with the range from the beginning of the path to its end.
    pub names: Vec<(&'a str, Range<usize>)>,
    /// Whether a missing name is provided for: under `default`, or in `is defined`.
    pub may_be_missing: bool,
}

impl Node {
    /// The parts of this part, in the order they are written.
    pub fn children(&self) -> Vec<&Node> {
        match &self.kind {
            NodeKind::Const(_) | NodeKind::Root(_) => Vec::new(),
            NodeKind::Attr(base, _) | NodeKind::Not(base) | NodeKind::Negative(base) => vec![base],
            NodeKind::Item(a, b) | NodeKind::And(a, b) | NodeKind::Or(a, b) | NodeKind::Binary(_, a, b) => {
                vec![a, b]
            }
            NodeKind::Compare(first, rest) => {
                std::iter::once(&**first).chain(rest.iter().map(|(_, node)| node)).collect()
            }
            NodeKind::If(test, yes, no) => {
                let mut parts = vec![&**test, &**yes];
                parts.extend(no.as_deref());
                parts
            }
            NodeKind::List(items) | NodeKind::Call(_, items) => items.iter().collect(),
            NodeKind::Map(members) => members.iter().map(|(_, node)| node).collect(),
            NodeKind::Filter(_, base, args) | NodeKind::Test(_, base, args) => {
                std::iter::once(&**base).chain(args).collect()
            }
        }
    }

    /// The chain of names when this part is one.
    pub fn path(&self) -> Option<Path<'_>> {
        match &self.kind {
            NodeKind::Root(name) => Some(Path {
                root: name,
                root_range: self.range.clone(),
                names: Vec::new(),
                may_be_missing: false,
            }),
            NodeKind::Attr(base, name) => {
                let mut path = base.path()?;
                path.names.push((name, self.range.clone()));
                Some(path)
            }
            _ => None,
        }
    }
}

/// Every chain of names below a part.
pub(super) fn paths(node: &Node) -> Vec<Path<'_>> {
    let mut found = Vec::new();
    collect(node, false, &mut found);
    found
}

fn collect<'a>(node: &'a Node, may_be_missing: bool, found: &mut Vec<Path<'a>>) {
    if let Some(path) = node.path() {
        found.push(Path { may_be_missing, ..path });
        return;
    }
    match &node.kind {
        NodeKind::Filter(Filter::Default, base, args) => {
            collect(base, true, found);
            args.iter().for_each(|arg| collect(arg, may_be_missing, found));
        }
        NodeKind::Test(Test::Defined, base, _) => collect(base, true, found),
        _ => node.children().into_iter().for_each(|child| collect(child, may_be_missing, found)),
    }
}
