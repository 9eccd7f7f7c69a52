//! Expressions: the one language of conditions and values, in playbooks and in plugins' resources.
//!
//! The syntax is Jinja's, read by minijinja's parser; what is allowed and what it means is decided here. It never does
//! I/O, never loops, and every value and text it makes is bounded (why not minijinja's own evaluator:
//! `host/decisions/003-own-evaluator.md`). Text from outside is data: it is never read as an expression.

mod eval;
mod functions;
mod parse;
mod scope;
mod template;
mod tree;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

pub use eval::EvalError;
pub use functions::{FILTERS, FUNCTIONS, Filter, Function, TESTS, Test};
pub use scope::{NoWindows, Scope, StepOutputs, WindowFault, Windowed, Windows};
pub use template::{TextTemplate, ValueTemplate};
pub use tree::{BinaryOp, CompareOp, Node, NodeKind, Path};

use crate::json::Value;

/// A parsed expression. Cloning shares it.
#[derive(Clone)]
pub struct Expr {
    source: Arc<str>,
    root: Arc<Node>,
}

/// Why a text is not an expression: where, what, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ExprError {
    /// The bytes of the source that are wrong.
    pub range: Range<usize>,
    /// What was found and what was expected.
    pub message: String,
    /// What to do instead, when that can be said.
    pub help: Option<String>,
}

impl Expr {
    /// Reads an expression; surrounding white space is allowed.
    pub fn parse(source: &str) -> Result<Self, ExprError> {
        let root = parse::parse(source)?;
        Ok(Self { source: source.into(), root: Arc::new(root) })
    }

    /// As it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Its syntax tree, for checks before it runs.
    pub fn root(&self) -> &Node {
        &self.root
    }

    /// Its value. Undefined names, impossible comparisons and overflows are errors, never silently false.
    pub fn eval(&self, scope: &Scope<'_>) -> Result<Value, EvalError> {
        eval::eval(&self.root, scope)
    }

    /// Whether it holds: everything but null, false, 0 and what is empty does.
    pub fn holds(&self, scope: &Scope<'_>) -> Result<bool, EvalError> {
        Ok(self.eval(scope)?.is_true())
    }

    /// Every path of names it reads, such as `steps.draw.prize.coupon`.
    pub fn paths(&self) -> Vec<Path<'_>> {
        tree::paths(&self.root)
    }
}

impl fmt::Debug for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Expr({})", self.source)
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

impl PartialEq for Expr {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Serialize for Expr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.source)
    }
}

impl<'de> Deserialize<'de> for Expr {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}
