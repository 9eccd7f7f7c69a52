//! Types of comparisons and arithmetic: what cannot be compared or reckoned with is reported.
//! Never decides what a value is.

use siyu_model::clock::UtcMs;
use siyu_model::expr::{BinaryOp, CompareOp, Node, NodeKind};
use siyu_model::json::Value;

use super::infer::{Around, Inference};
use super::{Kind, Type};
use crate::diagnostics::quoted;
use crate::diagnostics::rules::{BAD_OPERAND, IMPOSSIBLE_COMPARISON};

impl Inference<'_, '_> {
    pub(super) fn compare(&self, first: &Node, rest: &[(CompareOp, Node)], around: &Around<'_>) -> Type {
        let mut left = (first, self.operand(first, around));
        for (op, node) in rest {
            let right = (node, self.operand(node, around));
            self.pair(*op, (left.0, &left.1), (right.0, &right.1), around);
            left = right;
        }
        Kind::Bool.into()
    }

    /// The type of a side of a comparison: a literal text is exactly itself.
    fn operand(&self, node: &Node, around: &Around<'_>) -> Type {
        match &node.kind {
            NodeKind::Const(Value::Text(text)) => Type::one_of([&**text]),
            NodeKind::Const(Value::List(items)) => {
                let item = items.iter().map(|item| match item {
                    Value::Text(text) => Type::one_of([&**text]),
                    other => Type::of(other, "an object"),
                });
                Type::list(item.reduce(Type::join).unwrap_or_else(Type::any))
            }
            NodeKind::List(items) => {
                let item = items.iter().map(|item| self.operand(item, around)).reduce(Type::join);
                Type::list(item.unwrap_or_else(Type::any))
            }
            _ => self.node(node, around),
        }
    }

    fn pair(&self, op: CompareOp, left: (&Node, &Type), right: (&Node, &Type), around: &Around<'_>) {
        match op {
            CompareOp::Eq | CompareOp::Ne => self.equality(op, left, right),
            CompareOp::In | CompareOp::NotIn => self.membership(op, left, right),
            _ => {
                self.not_null(left.0, left.1, around);
                self.not_null(right.0, right.1, around);
                self.order(op, left, right);
            }
        }
    }

    fn impossible(&self, left: &Node, right: &Node, message: String, help: Option<String>) {
        let range = left.range.start..right.range.end.max(left.range.end);
        self.report(self.fault(IMPOSSIBLE_COMPARISON, &range, message).help_if(help));
    }

    fn equality(&self, op: CompareOp, (left, a): (&Node, &Type), (right, b): (&Node, &Type)) {
        if self.no_instant(left, a, right, b) || !a.excludes(b) {
            return;
        }
        let result = if op == CompareOp::Eq { "never equal" } else { "always different" };
        let message = match (&a.kind, &b.kind) {
            (Kind::OneOf(known), Kind::OneOf(other)) => {
                let (known, other) =
                    if matches!(left.kind, NodeKind::Const(_)) { (other, known) } else { (known, other) };
                let other = other.first().map(|text| quoted(text)).unwrap_or_default();
                return self.impossible(
                    left,
                    right,
                    format!("{result}: {other} is not among the possible values"),
                    Some(format!("possible are: {}", known.join(", "))),
                );
            }
            _ => format!("{result}: {a} and {b}"),
        };
        self.impossible(left, right, message, literal_help(left, right));
    }

    /// Reports a text that is compared with an instant and is none.
    fn no_instant(&self, left: &Node, a: &Type, right: &Node, b: &Type) -> bool {
        let literal = match (&left.kind, &right.kind) {
            (_, NodeKind::Const(Value::Text(text))) if a.kind == Kind::Instant => text,
            (NodeKind::Const(Value::Text(text)), _) if b.kind == Kind::Instant => text,
            _ => return false,
        };
        if literal.parse::<UtcMs>().is_ok() {
            return false;
        }
        let help = "write RFC 3339 such as '2026-11-21T09:00:00+08:00', or older_than(at, '7d')";
        let message = format!("{} is no instant", quoted(literal));
        self.impossible(left, right, message, Some(help.to_owned()));
        true
    }

    fn order(&self, op: CompareOp, (left, a): (&Node, &Type), (right, b): (&Node, &Type)) {
        if self.no_instant(left, a, right, b) {
            return;
        }
        let fits = match (&a.kind, &b.kind) {
            (Kind::Any, other) | (other, Kind::Any) => {
                *other == Kind::Any || other.is_number() || other.is_text()
            }
            (a, b) => (a.is_number() && b.is_number()) || (a.is_text() && b.is_text()),
        };
        if !fits {
            let message =
                format!("{a} {} {b}: only two numbers, two texts or two instants have an order", op.symbol());
            self.impossible(left, right, message, literal_help(left, right));
        }
    }

    fn membership(&self, op: CompareOp, (left, a): (&Node, &Type), (right, b): (&Node, &Type)) {
        let is_possible = match &b.kind {
            Kind::Any => true,
            Kind::List(item) => !a.excludes(item),
            Kind::Object(_) | Kind::Facts => a.kind == Kind::Any || a.kind.is_text(),
            kind if kind.is_text() => a.kind == Kind::Any || a.kind.is_text(),
            _ => false,
        };
        if is_possible {
            return;
        }
        let message = match &b.kind {
            Kind::List(item) => match (&a.kind, &item.kind) {
                (Kind::OneOf(known), Kind::OneOf(_)) => {
                    let help = format!("possible are: {}", known.join(", "));
                    let message = "none of these is among the possible values".to_owned();
                    return self.impossible(left, right, message, Some(help));
                }
                _ => format!("{a} is never in a list of {item}"),
            },
            _ => format!("{a} {} {b}: expected a list, an object or a text to look in", op.symbol()),
        };
        self.impossible(left, right, message, None);
    }

    /// Reports a value that may be null where null is a fault.
    pub(super) fn not_null(&self, node: &Node, ty: &Type, around: &Around<'_>) {
        if ty.nullable && ty.kind != Kind::Null && !around.has_asked(node) {
            self.may_be_missing(self.text(node), "it may be null", &node.range);
        }
    }

    pub(super) fn negative(&self, inner: &Node, around: &Around<'_>) -> Type {
        let ty = self.number(inner, "-", around);
        if ty.kind == Kind::Int { ty } else { Kind::Number.into() }
    }

    /// A side of an arithmetic operation.
    fn number(&self, node: &Node, symbol: &str, around: &Around<'_>) -> Type {
        let ty = self.node(node, around);
        self.not_null(node, &ty, around);
        if ty.kind == Kind::Any || ty.kind.is_number() {
            return ty;
        }
        let help = match (&ty.kind, symbol) {
            (Kind::Instant, _) => Some("move instants with later(at, '7d') and earlier(at, '24h')"),
            (kind, "+") if kind.is_text() => Some("texts are joined with `~`"),
            (kind, _) if kind.is_text() => Some("make a number of it: x | int"),
            _ => None,
        };
        let message = format!("`{symbol}` with {ty}, expected a number");
        let fault = self.fault(BAD_OPERAND, &node.range, message);
        self.report(fault.help_if(help.map(str::to_owned)));
        Type::any()
    }

    pub(super) fn binary(
        &self,
        op: BinaryOp,
        (left, right): (&Node, &Node),
        node: &Node,
        around: &Around<'_>,
    ) -> Type {
        if op == BinaryOp::Concat {
            for side in [left, right] {
                let ty = self.node(side, around);
                self.printable(side, &ty, around);
            }
            return Kind::Text.into();
        }
        let a = self.number(left, op.symbol(), around);
        let b = self.number(right, op.symbol(), around);
        let divides = matches!(op, BinaryOp::Div | BinaryOp::FloorDiv | BinaryOp::Rem);
        let is_zero = match &right.kind {
            NodeKind::Const(Value::Int(number)) => *number == 0,
            NodeKind::Const(Value::Float(number)) => *number == 0.0,
            _ => false,
        };
        if divides && is_zero {
            self.report(self.fault(BAD_OPERAND, &node.range, "a division by zero"));
        }
        match (&a.kind, &b.kind, op) {
            (Kind::Int, Kind::Int, op) if op != BinaryOp::Div => Kind::Int.into(),
            (Kind::Any, _, _) | (_, Kind::Any, _) => Type::any(),
            _ => Kind::Number.into(),
        }
    }

    /// Reports what has no form as text.
    pub(super) fn printable(&self, node: &Node, ty: &Type, around: &Around<'_>) {
        self.not_null(node, ty, around);
        let help = match &ty.kind {
            Kind::List(_) => "join its items: x | join(', ')",
            Kind::Object(_) | Kind::Facts => "name one of its members",
            Kind::Null => "write x | default('…')",
            _ => return,
        };
        let message = format!("{ty} has no form as text");
        self.report(self.fault(BAD_OPERAND, &node.range, message).help(help));
    }
}

/// What may help when a literal is compared with something of another kind.
fn literal_help(left: &Node, right: &Node) -> Option<String> {
    let is_quoted_number = |node: &Node| match &node.kind {
        NodeKind::Const(Value::Text(text)) => text.parse::<f64>().is_ok(),
        _ => false,
    };
    (is_quoted_number(left) || is_quoted_number(right)).then(|| "write the number without quotes".to_owned())
}
