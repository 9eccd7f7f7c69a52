//! The equality by which a wait with `match` is found when an event comes. Never evaluates it.

use std::ops::Range;
use std::sync::Arc;

use siyu_model::expr::{CompareOp, Expr, Node, NodeKind};
use siyu_model::playbook::MatchKey;

use crate::diagnostics::rules::NO_MATCH_KEY;
use crate::diagnostics::{Fault, Report};
use crate::shape::expr::WrittenExpr;

/// Reports a condition without such an equality.
pub(super) fn check(written: &WrittenExpr, report: &Report<'_>) {
    if key(&written.expr).is_none() {
        let fault = Fault::new(
            NO_MATCH_KEY,
            written.whole(report),
            "`match` without an equality that finds the event",
        )
        .label("a million waits cannot all be asked about every event")
        .help("compare a field of the event with something of the run, as in event.order_no == steps.order.order_no; further conditions follow with `and`, or stand in `if`");
        report.add(fault);
    }
}

/// The first equality between a field of the event's data and something that does not read the event.
pub(crate) fn key(expr: &Expr) -> Option<MatchKey> {
    conjuncts(expr.root()).into_iter().find_map(|part| {
        let NodeKind::Compare(left, rest) = &part.kind else {
            return None;
        };
        let [(CompareOp::Eq, right)] = rest.as_slice() else {
            return None;
        };
        equality(expr, left, right).or_else(|| equality(expr, right, left))
    })
}

fn conjuncts(node: &Node) -> Vec<&Node> {
    match &node.kind {
        NodeKind::And(left, right) => {
            let mut parts = conjuncts(left);
            parts.extend(conjuncts(right));
            parts
        }
        _ => vec![node],
    }
}

fn equality(expr: &Expr, field: &Node, value: &Node) -> Option<MatchKey> {
    let path = field.path().filter(|path| path.root == "event")?;
    let mut names: Vec<&str> = path.names.iter().map(|name| name.0).collect();
    // Waits are indexed by the data; the envelope is no part of it.
    match names.first().copied() {
        Some("data") => drop(names.remove(0)),
        Some("id" | "type" | "source" | "time") => return None,
        _ => {}
    }
    if names.is_empty() || reads_event(value) {
        return None;
    }
    Some(MatchKey {
        path: names.into_iter().map(Arc::from).collect(),
        value: Expr::parse(part(expr.source(), value.range.clone())?).ok()?,
    })
}

/// The source of a part, with the parentheses that a range over its inner parts leaves out.
fn part(source: &str, range: Range<usize>) -> Option<&str> {
    let (mut open, mut missing, mut quote) = (0usize, 0usize, None);
    for c in source.get(range.clone())?.chars() {
        match (quote, c) {
            (Some(opened), c) if c == opened => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, '(' | '[' | '{') => open += 1,
            (None, ')' | ']' | '}') if open > 0 => open -= 1,
            (None, ')' | ']' | '}') => missing += 1,
            _ => {}
        }
    }
    let before = source[..range.start].char_indices().rev();
    let start = match missing {
        0 => range.start,
        missing => before.filter(|(_, c)| matches!(c, '(' | '[' | '{')).nth(missing - 1)?.0,
    };
    let after = source[range.end..].char_indices();
    let end = match open {
        0 => range.end,
        open => range.end + after.filter(|(_, c)| matches!(c, ')' | ']' | '}')).nth(open - 1)?.0 + 1,
    };
    source.get(start..end)
}

fn reads_event(node: &Node) -> bool {
    matches!(&node.kind, NodeKind::Root(name) if &**name == "event")
        || node.children().into_iter().any(reads_event)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, expected: Option<(&str, &str)>) {
        let found = key(&Expr::parse(source).unwrap());
        let found = found.map(|key| (key.path.join("."), key.value.source().to_owned()));
        let expected = expected.map(|(path, value)| (path.to_owned(), value.to_owned()));
        assert_eq!(found, expected, "{source}");
    }

    #[test]
    fn an_equality_with_a_field_of_the_event_is_found_on_either_side() {
        check("event.order_no == steps.o.order_no", Some(("order_no", "steps.o.order_no")));
        check("steps.o['order_no'] == event.data.order.no", Some(("order.no", "steps.o['order_no']")));
        check("event.amount_fen > 3 and event.a == vars.a ~ 'x'", Some(("a", "vars.a ~ 'x'")));
        check("event.a == 'x' and event.b == vars.b", Some(("a", "'x'")));
        check("event.a == (vars.b | default('x'))", Some(("a", "vars.b | default('x')")));
        check("event.a == (vars.b or ')') ~ 'x'", Some(("a", "(vars.b or ')') ~ 'x'")));
        check("event.a == vars.l[(1 + 2)]", Some(("a", "vars.l[(1 + 2)]")));
        check("event.a == later(vars.b, '1d')", Some(("a", "later(vars.b, '1d')")));
    }

    #[test]
    fn what_no_index_can_find_is_no_key() {
        for source in [
            "event.a != vars.a",
            "event.a == event.b",
            "event.a == vars.a or vars.b",
            "not event.a == vars.a",
            "event == vars.a",
            "event.id == vars.a",
            "event.data == vars.a",
            "event.a == vars.a == vars.b",
            "vars.a == vars.b",
            "event.a in vars.list",
        ] {
            check(source, None);
        }
    }
}
