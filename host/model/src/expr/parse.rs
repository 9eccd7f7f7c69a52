//! From text to tree: minijinja's parser, then a check that lets only what is safe and total through.

use std::ops::Range;
use std::sync::Arc;

use minijinja::machinery::ast;
use minijinja::value::{Value as Foreign, ValueKind};

use super::ExprError;
use super::functions::{self, Entry, FILTERS, FUNCTIONS, TESTS};
use super::tree::{BinaryOp, CompareOp, Node, NodeKind};
use crate::json::Value;
use crate::limits::expr::{NODES_MAX, SOURCE_BYTES_MAX};
use crate::nearest::nearest;

type Parsed = Result<Node, ExprError>;

/// Reads one expression.
pub(super) fn parse(source: &str) -> Parsed {
    let whole = 0..source.len();
    if source.trim().is_empty() {
        return Err(fault(whole, "an empty expression", "write a condition such as event.amount_fen > 0"));
    }
    if source.len() > SOURCE_BYTES_MAX {
        let message =
            format!("an expression of {} bytes, at most {SOURCE_BYTES_MAX} are allowed", source.len());
        return Err(ExprError {
            range: whole,
            message,
            help: Some("split it over several `set` steps".to_owned()),
        });
    }
    let tree = minijinja::machinery::parse_expr(source).map_err(|found| syntax(source, &found))?;
    Reader { nodes: 0 }.node(&tree)
}

fn fault(range: Range<usize>, message: impl Into<String>, help: &str) -> ExprError {
    ExprError { range, message: message.into(), help: (!help.is_empty()).then(|| help.to_owned()) }
}

fn syntax(source: &str, found: &minijinja::Error) -> ExprError {
    let range = found.range().filter(|range| range.end <= source.len()).unwrap_or(0..source.len());
    let message = found.detail().map_or_else(|| found.to_string(), str::to_owned);
    let help = if source.contains('?') && source.contains(':') {
        "write `a if condition else b` instead of `condition ? a : b`"
    } else if source.contains("&&") || source.contains("||") {
        "write `and` and `or` instead of `&&` and `||`"
    } else if source.contains("===") {
        "write `==`"
    } else if source.contains("${{") || source.contains("{{") {
        "this place is an expression already: leave the braces out"
    } else {
        ""
    };
    fault(range, format!("not an expression: {message}"), help)
}

struct Reader {
    nodes: usize,
}

fn range_of(node: &ast::Expr<'_>) -> Range<usize> {
    let span = node.span();
    span.start_offset as usize..span.end_offset as usize
}

/// The range of a part with all parts inside it: of a chain such as `a.b.c` the parser names only the last link, and an
/// operation may begin for it at the bracket before.
fn spanning(node: &Node) -> Range<usize> {
    let children = node.children();
    let own = match (&node.kind, children.first()) {
        (
            NodeKind::Binary(..) | NodeKind::Compare(..) | NodeKind::And(..) | NodeKind::Or(..),
            Some(first),
        ) => first.range.clone(),
        _ => node.range.clone(),
    };
    children
        .into_iter()
        .fold(own, |range, child| range.start.min(child.range.start)..range.end.max(child.range.end))
}

impl Reader {
    fn node(&mut self, node: &ast::Expr<'_>) -> Parsed {
        let range = range_of(node);
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            let message = format!("an expression of more than {NODES_MAX} parts");
            return Err(fault(range, message, "split it over several `set` steps"));
        }
        let kind = self.kind(node, &range)?;
        let mut node = Node { range, kind };
        node.range = spanning(&node);
        Ok(node)
    }

    fn boxed(&mut self, node: &ast::Expr<'_>) -> Result<Box<Node>, ExprError> {
        self.node(node).map(Box::new)
    }

    fn kind(&mut self, node: &ast::Expr<'_>, range: &Range<usize>) -> Result<NodeKind, ExprError> {
        Ok(match node {
            ast::Expr::Var(var) => NodeKind::Root(var.id.into()),
            ast::Expr::Const(found) => NodeKind::Const(literal(&found.value, range)?),
            ast::Expr::GetAttr(attr) => NodeKind::Attr(self.boxed(&attr.expr)?, attr.name.into()),
            ast::Expr::GetItem(item) => self.item(item)?,
            ast::Expr::UnaryOp(op) => match op.op {
                ast::UnaryOpKind::Not => NodeKind::Not(self.boxed(&op.expr)?),
                ast::UnaryOpKind::Neg => NodeKind::Negative(self.boxed(&op.expr)?),
            },
            ast::Expr::BinOp(op) => self.binary(op, range)?,
            ast::Expr::Compare(compare) => {
                let first = self.boxed(&compare.expr)?;
                let mut rest = Vec::with_capacity(compare.ops.len());
                for op in &compare.ops {
                    rest.push((compare_op(op.op), self.node(&op.expr)?));
                }
                NodeKind::Compare(first, rest)
            }
            ast::Expr::IfExpr(found) => {
                let test = self.boxed(&found.test_expr)?;
                let yes = self.boxed(&found.true_expr)?;
                let no = found.false_expr.as_ref().map(|no| self.boxed(no)).transpose()?;
                NodeKind::If(test, yes, no)
            }
            ast::Expr::List(list) => NodeKind::List(self.nodes(&list.items)?),
            ast::Expr::Tuple(tuple) => NodeKind::List(self.nodes(&tuple.items)?),
            ast::Expr::Map(map) => self.map(map)?,
            ast::Expr::Filter(filter) => {
                let base = filter.expr.as_ref().ok_or_else(|| {
                    fault(range.clone(), "a filter without a value", "write value | filter")
                })?;
                let base = self.boxed(base)?;
                let args = self.args(&filter.args, range)?;
                let found = known(FILTERS, "filter", filter.name, &args, range)?;
                NodeKind::Filter(found, base, args)
            }
            ast::Expr::Test(test) => {
                let base = self.boxed(&test.expr)?;
                let args = self.args(&test.args, range)?;
                let found = known(TESTS, "test", test.name, &args, range)?;
                NodeKind::Test(found, base, args)
            }
            ast::Expr::Call(call) => {
                let ast::CallType::Function(name) = call.identify_call() else {
                    let help =
                        "only functions can be called; methods such as .upper() are filters here: x | upper";
                    return Err(fault(range.clone(), "a call of a method", help));
                };
                let args = self.args(&call.args, range)?;
                let found = known(FUNCTIONS, "function", name, &args, range)?;
                NodeKind::Call(found, args)
            }
            ast::Expr::Slice(_) => {
                return Err(fault(range.clone(), "a slice", "use x | first, x | last or x[0]"));
            }
        })
    }

    fn item(&mut self, item: &ast::GetItem<'_>) -> Result<NodeKind, ExprError> {
        let base = self.boxed(&item.expr)?;
        let index = self.boxed(&item.subscript_expr)?;
        Ok(match &index.kind {
            NodeKind::Const(Value::Text(name)) => NodeKind::Attr(base, name.clone()),
            _ => NodeKind::Item(base, index),
        })
    }

    fn binary(&mut self, op: &ast::BinOp<'_>, range: &Range<usize>) -> Result<NodeKind, ExprError> {
        use ast::BinOpKind as Op;
        let compare = match op.op {
            Op::Eq => Some(CompareOp::Eq),
            Op::Ne => Some(CompareOp::Ne),
            Op::Lt => Some(CompareOp::Lt),
            Op::Lte => Some(CompareOp::Le),
            Op::Gt => Some(CompareOp::Gt),
            Op::Gte => Some(CompareOp::Ge),
            Op::In => Some(CompareOp::In),
            _ => None,
        };
        let left = self.boxed(&op.left)?;
        let right = self.boxed(&op.right)?;
        if let Some(compare) = compare {
            return Ok(NodeKind::Compare(left, vec![(compare, *right)]));
        }
        let arithmetic = match op.op {
            Op::ScAnd => return Ok(NodeKind::And(left, right)),
            Op::ScOr => return Ok(NodeKind::Or(left, right)),
            Op::Add => BinaryOp::Add,
            Op::Sub => BinaryOp::Sub,
            Op::Mul => BinaryOp::Mul,
            Op::Div => BinaryOp::Div,
            Op::FloorDiv => BinaryOp::FloorDiv,
            Op::Rem => BinaryOp::Rem,
            Op::Concat => BinaryOp::Concat,
            _ => return Err(fault(range.clone(), "the operator `**`", "write x * x")),
        };
        Ok(NodeKind::Binary(arithmetic, left, right))
    }

    fn map(&mut self, map: &ast::Map<'_>) -> Result<NodeKind, ExprError> {
        let mut members = Vec::with_capacity(map.keys.len());
        for (key, value) in map.keys.iter().zip(&map.values) {
            let key = self.node(key)?;
            let NodeKind::Const(Value::Text(name)) = key.kind else {
                return Err(fault(
                    key.range,
                    "a computed key",
                    "keys of an object are texts: {'name': value}",
                ));
            };
            members.push((name, self.node(value)?));
        }
        Ok(NodeKind::Map(members))
    }

    fn nodes(&mut self, items: &[ast::Expr<'_>]) -> Result<Vec<Node>, ExprError> {
        items.iter().map(|item| self.node(item)).collect()
    }

    fn args(&mut self, args: &[ast::CallArg<'_>], range: &Range<usize>) -> Result<Vec<Node>, ExprError> {
        args.iter()
            .map(|arg| match arg {
                ast::CallArg::Pos(arg) => self.node(arg),
                _ => Err(fault(range.clone(), "a named argument", "arguments go by their place")),
            })
            .collect()
    }
}

fn compare_op(op: ast::CompareOpKind) -> CompareOp {
    match op {
        ast::CompareOpKind::Eq => CompareOp::Eq,
        ast::CompareOpKind::Ne => CompareOp::Ne,
        ast::CompareOpKind::Lt => CompareOp::Lt,
        ast::CompareOpKind::Lte => CompareOp::Le,
        ast::CompareOpKind::Gt => CompareOp::Gt,
        ast::CompareOpKind::Gte => CompareOp::Ge,
        ast::CompareOpKind::In => CompareOp::In,
        ast::CompareOpKind::NotIn => CompareOp::NotIn,
    }
}

fn known<T: Copy>(
    entries: &'static [Entry<T>],
    what: &str,
    name: &str,
    args: &[Node],
    range: &Range<usize>,
) -> Result<T, ExprError> {
    let Some((_, found, (fewest, most), words)) = functions::find(entries, name) else {
        let names: Vec<&str> = entries.iter().map(|entry| entry.0).collect();
        let near = nearest(name, names.iter().copied()).map(|near| format!("did you mean `{near}`? "));
        let help = format!("{}there are: {}", near.unwrap_or_default(), names.join(", "));
        return Err(fault(range.clone(), format!("unknown {what} `{name}`"), &help));
    };
    if !(*fewest..=*most).contains(&args.len()) {
        let expected = if fewest == most { fewest.to_string() } else { format!("{fewest} to {most}") };
        let message = format!("`{name}` with {} arguments, expected {expected}", args.len());
        return Err(fault(range.clone(), message, words));
    }
    Ok(*found)
}

fn literal(found: &Foreign, range: &Range<usize>) -> Result<Value, ExprError> {
    let value = match found.kind() {
        ValueKind::None => Some(Value::Null),
        ValueKind::Bool => Some(Value::Bool(found.is_true())),
        ValueKind::String => found.as_str().map(Value::from),
        ValueKind::Number => found.as_i64().filter(|_| found.is_integer()).map(Value::Int).or_else(|| {
            f64::try_from(found.clone()).ok().filter(|number| number.is_finite()).map(Value::Float)
        }),
        ValueKind::Seq => found
            .try_iter()
            .ok()
            .and_then(|items| items.map(|item| literal(&item, range).ok()).collect::<Option<Vec<_>>>())
            .map(Value::from),
        ValueKind::Map => map_literal(found, range),
        _ => None,
    };
    value.ok_or_else(|| {
        fault(
            range.clone(),
            format!("a literal {}", found.kind()),
            "texts, numbers, true, false and none are literals",
        )
    })
}

fn map_literal(found: &Foreign, range: &Range<usize>) -> Option<Value> {
    let keys = found.try_iter().ok()?;
    let members: Option<Vec<(Arc<str>, Value)>> = keys
        .map(|key| {
            let value = found.get_item(&key).ok()?;
            Some((Arc::from(key.as_str()?), literal(&value, range).ok()?))
        })
        .collect();
    members.map(Value::map)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(source: &str) -> String {
        let found = parse(source).unwrap_err();
        assert!(found.range.end <= source.len(), "{source}: {:?}", found.range);
        format!("{}; {}", found.message, found.help.unwrap_or_default())
    }

    #[test]
    fn what_could_fill_memory_or_never_end_is_refused() {
        for (source, part) in [
            ("2 ** 9999", "the operator `**`"),
            ("'x'.upper()", "a call of a method"),
            ("range(100000)", "unknown function `range`"),
            ("x | replace('a', 'b')", "unknown filter `replace`"),
            ("x | tojson", "unknown filter `tojson`"),
            ("a[1:2]", "a slice"),
            ("x | default(value=1)", "a named argument"),
            ("{a: 1}", "a computed key"),
            ("", "an empty expression"),
            ("x is divisibleby(2)", "unknown test `divisibleby`"),
            ("x | round(1, 2)", "`round` with 2 arguments, expected 0 to 1"),
        ] {
            let found = message(source);
            assert!(found.contains(part), "{source}: {found}");
        }
        assert!(message(&"x".repeat(5_000)).contains("at most 4096"));
        assert!(message(&vec!["a"; 400].join(" ~ ")).contains("more than 256 parts"));
        assert!(
            message(&format!("{}1{}", "(".repeat(2_000), ")".repeat(2_000))).contains("not an expression")
        );
    }

    #[test]
    fn habits_of_other_languages_get_a_hint() {
        for (source, part) in [
            ("a ? b : c", "a if condition else b"),
            ("a && b", "`and` and `or`"),
            ("${{ a }}", "leave the braces out"),
            ("x | uper", "did you mean `upper`?"),
            ("cuont('order.paid')", "there are: count, older_than"),
        ] {
            let found = message(source);
            assert!(found.contains(part), "{source}: {found}");
        }
    }

    #[test]
    fn a_range_holds_all_that_is_inside() {
        for (source, expected) in [
            ("customer.facts['order.paid'].count", 0..34),
            ("a.b | default('x') | upper", 0..26),
            ("1 + a.b.c", 0..9),
            ("a if b.c.d else c.d.e", 0..21),
        ] {
            assert_eq!(parse(source).unwrap().range, expected, "{source}");
        }
        let call = parse("min(a > 1, b + 2)").unwrap();
        let ranges: Vec<Range<usize>> = call.children().iter().map(|arg| arg.range.clone()).collect();
        assert_eq!(ranges, [4..9, 11..16]);
    }

    #[test]
    fn brackets_with_a_text_are_a_name() {
        let node = parse("customer.facts['order.paid'].count").unwrap();
        let path = node.path().unwrap();
        assert_eq!(path.root, "customer");
        assert_eq!(
            path.names.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
            ["facts", "order.paid", "count"]
        );
    }
}
