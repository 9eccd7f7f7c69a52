//! Evaluating a tree: strict, bounded, without I/O.
//!
//! A name that is not there, a comparison of different kinds and an overflow are errors with a place. Work is bounded
//! by the number of parts of the expression times the size of the values it reads; texts it makes by
//! [`OUTPUT_BYTES_MAX`].

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

use super::functions::{FILTERS, FUNCTIONS, Filter, Function, Test, name_of};
use super::scope::{Found, Scope, instant};
use super::tree::{BinaryOp, CompareOp, Node, NodeKind};
use crate::clock::{DurationMs, UtcMs};
use crate::json::Value;
use crate::limits::expr::OUTPUT_BYTES_MAX;
use crate::name::EventType;
use crate::stock::code;

/// Why an expression has no value: where and what.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EvalError {
    /// The bytes of the source that failed.
    pub range: Range<usize>,
    /// What was found and what was expected.
    pub message: String,
    /// Whether a name was not there.
    pub is_undefined: bool,
    /// Whether the event log could not be asked: trying again may help.
    pub is_transient: bool,
}

type Evaluated<T> = Result<T, EvalError>;

fn fault(node: &Node, message: String) -> EvalError {
    EvalError { range: node.range.clone(), message, is_undefined: false, is_transient: false }
}

/// The value of a tree.
pub(super) fn eval(node: &Node, scope: &Scope<'_>) -> Evaluated<Value> {
    find(node, scope).map(Found::value)
}

fn find<'a>(node: &Node, scope: &Scope<'a>) -> Evaluated<Found<'a>> {
    match &node.kind {
        NodeKind::Root(name) => {
            scope.root(name).ok_or_else(|| undefined(node, format!("`{name}` is not there")))
        }
        NodeKind::Attr(base, name) => {
            let found = find(base, scope)?;
            found.attr(name).ok_or_else(|| {
                let message = match &found {
                    Found::Value(value) if value.as_map().is_none() => {
                        format!("`.{name}` of {}, expected an object", value.kind())
                    }
                    _ => format!("`.{name}` is not there"),
                };
                undefined(node, message)
            })
        }
        _ => compute(node, scope).map(Found::Value),
    }
}

fn undefined(node: &Node, message: String) -> EvalError {
    EvalError { is_undefined: true, ..fault(node, message) }
}

fn compute(node: &Node, scope: &Scope<'_>) -> Evaluated<Value> {
    match &node.kind {
        NodeKind::Const(value) => Ok(value.clone()),
        NodeKind::Root(_) | NodeKind::Attr(..) => eval(node, scope),
        NodeKind::Item(base, index) => item(node, &eval(base, scope)?, &eval(index, scope)?),
        NodeKind::Not(inner) => Ok(Value::Bool(!eval(inner, scope)?.is_true())),
        NodeKind::Negative(inner) => negative(node, &eval(inner, scope)?),
        NodeKind::And(left, right) => {
            let left = eval(left, scope)?;
            if left.is_true() { eval(right, scope) } else { Ok(left) }
        }
        NodeKind::Or(left, right) => {
            let left = eval(left, scope)?;
            if left.is_true() { Ok(left) } else { eval(right, scope) }
        }
        NodeKind::Binary(op, left, right) => binary(node, *op, &eval(left, scope)?, &eval(right, scope)?),
        NodeKind::Compare(first, rest) => {
            let mut left = eval(first, scope)?;
            for (op, right) in rest {
                let right = eval(right, scope)?;
                if !compare(node, *op, &left, &right)? {
                    return Ok(Value::Bool(false));
                }
                left = right;
            }
            Ok(Value::Bool(true))
        }
        NodeKind::If(test, yes, no) => match (eval(test, scope)?.is_true(), no) {
            (true, _) => eval(yes, scope),
            (false, Some(no)) => eval(no, scope),
            (false, None) => Ok(Value::Null),
        },
        NodeKind::List(items) => {
            Ok(Value::List(items.iter().map(|item| eval(item, scope)).collect::<Evaluated<_>>()?))
        }
        NodeKind::Map(members) => {
            let members: Evaluated<Vec<(Arc<str>, Value)>> =
                members.iter().map(|(key, value)| Ok((key.clone(), eval(value, scope)?))).collect();
            Ok(Value::map(members?))
        }
        NodeKind::Filter(Filter::Default, base, args) => match eval(base, scope) {
            Ok(Value::Null) => eval(&args[0], scope),
            Err(missing) if missing.is_undefined => eval(&args[0], scope),
            other => other,
        },
        NodeKind::Filter(filter, base, args) => {
            let base = eval(base, scope)?;
            let arg = args.first().map(|arg| eval(arg, scope)).transpose()?;
            apply(node, *filter, &base, arg.as_ref(), scope)
        }
        NodeKind::Test(Test::Defined, base, _) => match eval(base, scope) {
            Ok(_) => Ok(Value::Bool(true)),
            Err(missing) if missing.is_undefined => Ok(Value::Bool(false)),
            Err(other) => Err(other),
        },
        NodeKind::Test(test, base, _) => Ok(Value::Bool(is(*test, &eval(base, scope)?))),
        NodeKind::Call(function, args) => {
            let args: Vec<Value> = args.iter().map(|arg| eval(arg, scope)).collect::<Evaluated<_>>()?;
            call(node, *function, &args, scope)
        }
    }
}

fn item(node: &Node, base: &Value, index: &Value) -> Evaluated<Value> {
    let missing = || undefined(node, format!("[{index:?}] is not there"));
    match (base, index) {
        (Value::Map(members), Value::Text(name)) => members.get(name).cloned().ok_or_else(missing),
        (Value::List(items), Value::Int(place)) => {
            let place = if *place < 0 { place.saturating_add_unsigned(items.len() as u64) } else { *place };
            usize::try_from(place).ok().and_then(|place| items.get(place)).cloned().ok_or_else(missing)
        }
        _ => Err(fault(
            node,
            format!(
                "[{}] of {}, expected a number of a list or a name of an object",
                index.kind(),
                base.kind()
            ),
        )),
    }
}

fn negative(node: &Node, value: &Value) -> Evaluated<Value> {
    match value {
        Value::Int(number) => number.checked_neg().map(Value::Int).ok_or_else(|| overflow(node)),
        Value::Float(number) => Ok(Value::Float(-number)),
        other => Err(fault(node, format!("`-` before {}, expected a number", other.kind()))),
    }
}

fn overflow(node: &Node) -> EvalError {
    fault(node, "the number is beyond 64 bits".to_owned())
}

fn as_float(value: &Value) -> Option<f64> {
    match value {
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        _ => None,
    }
}

fn finite(node: &Node, number: f64) -> Evaluated<Value> {
    if number.is_finite() {
        Ok(Value::Float(number))
    } else {
        Err(fault(node, "division by zero, or a number without end".to_owned()))
    }
}

fn binary(node: &Node, op: BinaryOp, left: &Value, right: &Value) -> Evaluated<Value> {
    if op == BinaryOp::Concat {
        let mut text = plain(node, left)?.into_owned();
        text.push_str(&plain(node, right)?);
        return bounded(node, text);
    }
    if let (Value::Int(a), Value::Int(b)) = (left, right) {
        let whole = match op {
            BinaryOp::Add => a.checked_add(*b),
            BinaryOp::Sub => a.checked_sub(*b),
            BinaryOp::Mul => a.checked_mul(*b),
            BinaryOp::FloorDiv | BinaryOp::Rem if *b == 0 => {
                return Err(fault(node, "division by zero".to_owned()));
            }
            BinaryOp::FloorDiv => {
                a.checked_div_euclid(*b).map(|q| if *b < 0 && a.rem_euclid(*b) != 0 { q - 1 } else { q })
            }
            BinaryOp::Rem => a.checked_rem_euclid(*b).map(|r| if *b < 0 && r != 0 { r + b } else { r }),
            BinaryOp::Div | BinaryOp::Concat => return finite(node, *a as f64 / *b as f64),
        };
        return whole.map(Value::Int).ok_or_else(|| overflow(node));
    }
    let (Some(a), Some(b)) = (as_float(left), as_float(right)) else {
        let help = if op == BinaryOp::Add { "; texts are joined with `~`" } else { "" };
        let message = format!("{} {} {}: expected two numbers{help}", left.kind(), op.symbol(), right.kind());
        return Err(fault(node, message));
    };
    finite(
        node,
        match op {
            BinaryOp::Add => a + b,
            BinaryOp::Sub => a - b,
            BinaryOp::Mul => a * b,
            BinaryOp::Div | BinaryOp::Concat => a / b,
            BinaryOp::FloorDiv => (a / b).floor(),
            BinaryOp::Rem => a - b * (a / b).floor(),
        },
    )
}

fn compare(node: &Node, op: CompareOp, left: &Value, right: &Value) -> Evaluated<bool> {
    match op {
        CompareOp::Eq => Ok(equal(left, right)),
        CompareOp::Ne => Ok(!equal(left, right)),
        CompareOp::In => contains(node, right, left),
        CompareOp::NotIn => contains(node, right, left).map(|found| !found),
        _ => {
            let order = order(left, right).ok_or_else(|| {
                let message = format!(
                    "{} {} {}: expected two numbers, two texts or two instants",
                    left.kind(),
                    op.symbol(),
                    right.kind()
                );
                fault(node, message)
            })?;
            Ok(match op {
                CompareOp::Lt => order.is_lt(),
                CompareOp::Le => order.is_le(),
                CompareOp::Gt => order.is_gt(),
                _ => order.is_ge(),
            })
        }
    }
}

fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Int(_), Value::Float(_)) | (Value::Float(_), Value::Int(_)) => {
            as_float(left) == as_float(right)
        }
        (Value::Text(a), Value::Text(b)) if a != b => order(left, right) == Some(Ordering::Equal),
        _ => left == right,
    }
}

/// Numbers by size, texts by their characters, instants by time however they are written.
fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (Value::Text(a), Value::Text(b)) => match (as_instant(left), as_instant(right)) {
            (Some(a), Some(b)) => Some(a.cmp(&b)),
            _ => Some(a.cmp(b)),
        },
        _ => as_float(left)?.partial_cmp(&as_float(right)?),
    }
}

/// A text that reads as RFC 3339.
fn as_instant(value: &Value) -> Option<UtcMs> {
    let text = value.as_str()?;
    let looks_like_one =
        text.len() >= 20 && text.as_bytes()[4] == b'-' && text.as_bytes()[10].eq_ignore_ascii_case(&b't');
    if looks_like_one { text.parse().ok() } else { None }
}

fn contains(node: &Node, whole: &Value, part: &Value) -> Evaluated<bool> {
    match (whole, part) {
        (Value::List(items), part) => Ok(items.iter().any(|item| equal(item, part))),
        (Value::Map(members), Value::Text(name)) => Ok(members.contains_key(name)),
        (Value::Text(text), Value::Text(part)) => Ok(text.contains(&**part)),
        _ => Err(fault(
            node,
            format!("{} in {}: expected a list, an object or a text to look in", part.kind(), whole.kind()),
        )),
    }
}

/// A value as text inside a text.
pub(super) fn plain_text(value: &Value) -> Option<std::borrow::Cow<'_, str>> {
    Some(match value {
        Value::Text(text) => (&**text).into(),
        Value::Int(number) => number.to_string().into(),
        Value::Float(number) => number.to_string().into(),
        Value::Bool(value) => if *value { "true" } else { "false" }.into(),
        Value::Null | Value::List(_) | Value::Map(_) => return None,
    })
}

fn plain<'v>(node: &Node, value: &'v Value) -> Evaluated<std::borrow::Cow<'v, str>> {
    plain_text(value).ok_or_else(|| {
        fault(node, format!("{} has no form as text: use `| default('…')` or `| join`", value.kind()))
    })
}

fn bounded(node: &Node, text: String) -> Evaluated<Value> {
    if text.len() > OUTPUT_BYTES_MAX {
        return Err(fault(
            node,
            format!("a text of {} bytes, at most {OUTPUT_BYTES_MAX} are allowed", text.len()),
        ));
    }
    Ok(Value::text(text))
}

fn is(test: Test, value: &Value) -> bool {
    match test {
        Test::Defined => true,
        Test::None => *value == Value::Null,
        Test::Number => matches!(value, Value::Int(_) | Value::Float(_)),
        Test::String => matches!(value, Value::Text(_)),
        Test::Sequence => matches!(value, Value::List(_)),
        Test::Mapping => matches!(value, Value::Map(_)),
    }
}

fn apply(
    node: &Node,
    filter: Filter,
    base: &Value,
    arg: Option<&Value>,
    scope: &Scope<'_>,
) -> Evaluated<Value> {
    let wrong = |expected: &str| {
        fault(node, format!("`{}` of {}, expected {expected}", name_of(FILTERS, filter), base.kind()))
    };
    let text = || base.as_str().ok_or_else(|| wrong("text"));
    match filter {
        Filter::Default => Ok(base.clone()),
        Filter::Length => match base {
            Value::Text(text) => Ok(text.chars().count()),
            Value::List(items) => Ok(items.len()),
            Value::Map(members) => Ok(members.len()),
            _ => Err(wrong("text, a list or an object")),
        }
        .map(|length| Value::Int(length as i64)),
        Filter::Lower => bounded(node, text()?.to_lowercase()),
        Filter::Upper => bounded(node, text()?.to_uppercase()),
        Filter::Trim => Ok(Value::text(text()?.trim())),
        Filter::Code => Ok(Value::text(code::display(text()?))),
        Filter::Round => round(node, base, arg),
        Filter::Abs => match base {
            Value::Int(number) => number.checked_abs().map(Value::Int).ok_or_else(|| overflow(node)),
            Value::Float(number) => Ok(Value::Float(number.abs())),
            _ => Err(wrong("a number")),
        },
        Filter::Int => match base {
            Value::Int(_) => Ok(base.clone()),
            Value::Float(number) if number.abs() < 9.2e18 => Ok(Value::Int(number.trunc() as i64)),
            Value::Text(text) => text.trim().parse().map(Value::Int).map_err(|_| wrong("a number or digits")),
            _ => Err(wrong("a number or digits")),
        },
        Filter::Float => match base {
            Value::Text(text) => finite(node, text.trim().parse().map_err(|_| wrong("a number or digits"))?),
            _ => as_float(base).map(Value::Float).ok_or_else(|| wrong("a number or digits")),
        },
        Filter::String => Ok(Value::text(plain(node, base)?.into_owned())),
        Filter::First => {
            base.as_list().and_then(<[Value]>::first).cloned().ok_or_else(|| wrong("a list with items"))
        }
        Filter::Last => {
            base.as_list().and_then(<[Value]>::last).cloned().ok_or_else(|| wrong("a list with items"))
        }
        Filter::Join => join(node, base.as_list().ok_or_else(|| wrong("a list"))?, arg),
        Filter::Yuan => {
            base.as_int().map(yuan).map(Value::text).ok_or_else(|| wrong("a whole number of fen"))
        }
        Filter::Date => Ok(Value::text(scope.zone.local(moment(node, base)?).date().to_string())),
        Filter::Time => {
            let time = scope.zone.local(moment(node, base)?).time();
            Ok(Value::text(format!("{:02}:{:02}", time.hour(), time.minute())))
        }
    }
}

/// Fen as yuan, without decimals when they are zero.
fn yuan(fen: i64) -> String {
    let sign = if fen < 0 { "-" } else { "" };
    let (yuan, rest) = (fen.unsigned_abs() / 100, fen.unsigned_abs() % 100);
    if rest == 0 { format!("{sign}{yuan}") } else { format!("{sign}{yuan}.{rest:02}") }
}

fn round(node: &Node, base: &Value, digits: Option<&Value>) -> Evaluated<Value> {
    let digits = digits.map_or(Some(0), Value::as_int).filter(|digits| (0..=12).contains(digits));
    let digits = digits.ok_or_else(|| fault(node, "`round` takes 0 to 12 decimals".to_owned()))?;
    let number = match base {
        Value::Int(_) => return Ok(base.clone()),
        Value::Float(number) => *number,
        other => {
            return Err(fault(node, format!("`round` of {}, expected a number", other.kind())));
        }
    };
    let scale = 10f64.powi(digits as i32);
    let rounded = (number * scale).round() / scale;
    if digits == 0 && rounded.abs() < 9.2e18 { Ok(Value::Int(rounded as i64)) } else { finite(node, rounded) }
}

fn join(node: &Node, items: &[Value], between: Option<&Value>) -> Evaluated<Value> {
    let between = between
        .map_or(Some(""), Value::as_str)
        .ok_or_else(|| fault(node, "`join` takes a text".to_owned()))?;
    let mut text = String::new();
    for (place, item) in items.iter().enumerate() {
        if place > 0 {
            text.push_str(between);
        }
        text.push_str(&plain(node, item)?);
        if text.len() > OUTPUT_BYTES_MAX {
            return bounded(node, text);
        }
    }
    bounded(node, text)
}

/// An instant as RFC 3339 text or in milliseconds.
fn moment(node: &Node, value: &Value) -> Evaluated<UtcMs> {
    match value {
        Value::Text(text) => {
            text.parse().map_err(|why: crate::clock::TimeError| fault(node, why.to_string()))
        }
        Value::Int(millis) => Ok(UtcMs::from_millis(*millis)),
        other => Err(fault(
            node,
            format!("{}, expected an instant such as 2026-11-21T09:00:00+08:00", other.kind()),
        )),
    }
}

fn length(node: &Node, value: &Value) -> Evaluated<DurationMs> {
    let text = value
        .as_str()
        .ok_or_else(|| fault(node, format!("{}, expected a duration such as '7d'", value.kind())))?;
    text.parse().map_err(|why: crate::clock::TimeError| fault(node, why.to_string()))
}

fn call(node: &Node, function: Function, args: &[Value], scope: &Scope<'_>) -> Evaluated<Value> {
    match function {
        Function::Count => count(node, args, scope),
        Function::OlderThan | Function::Within => {
            let window = length(node, &args[1])?;
            if args[0] == Value::Null {
                return Ok(Value::Bool(false));
            }
            let border = moment(node, &args[0])? + window;
            scope.changes_at(border);
            Ok(Value::Bool((scope.now >= border) == (function == Function::OlderThan)))
        }
        Function::DaysSince => {
            const DAY_MS: u64 = 86_400_000;
            let at = moment(node, &args[0])?;
            let days = scope.now.since(at).as_millis() / DAY_MS;
            scope.changes_at(at + DurationMs::from_millis((days + 1) * DAY_MS));
            Ok(Value::Int(days as i64))
        }
        Function::Later => Ok(instant(moment(node, &args[0])? + length(node, &args[1])?)),
        Function::Earlier => Ok(instant(moment(node, &args[0])? - length(node, &args[1])?)),
        Function::NextTime => next_time(node, &args[0], scope),
        Function::Min | Function::Max => {
            let mut best = args[0].clone();
            for arg in &args[1..] {
                let order = order(arg, &best).ok_or_else(|| {
                    let name = name_of(FUNCTIONS, function);
                    fault(node, format!("`{name}` of {} and {}, expected numbers", best.kind(), arg.kind()))
                })?;
                if order.is_lt() == (function == Function::Min) && order.is_ne() {
                    best = arg.clone();
                }
            }
            Ok(best)
        }
    }
}

fn next_time(node: &Node, wanted: &Value, scope: &Scope<'_>) -> Evaluated<Value> {
    let parts = wanted.as_str().and_then(|text| text.split_once(':'));
    let number = |part: &str| (part.len() == 2).then(|| part.parse::<i8>().ok()).flatten();
    let time =
        parts.and_then(|(hour, minute)| jiff::civil::Time::new(number(hour)?, number(minute)?, 0, 0).ok());
    let time =
        time.ok_or_else(|| fault(node, format!("{wanted:?}, expected a time of day such as '09:30'")))?;
    let on_day = |days| {
        scope
            .zone
            .instant(scope.zone.local(scope.zone.start_of_day(scope.now, days)).date().to_datetime(time))
    };
    let today = on_day(0);
    Ok(instant(if today > scope.now { today } else { on_day(1) }))
}

fn count(node: &Node, args: &[Value], scope: &Scope<'_>) -> Evaluated<Value> {
    let event_type = args[0].as_str().unwrap_or_default();
    let event_type = EventType::new(event_type).map_err(|why| fault(node, why.to_string()))?;
    let Some(customer) = scope.customer else {
        return Err(undefined(node, "`count` needs a customer, and there is none here".to_owned()));
    };
    let fact = customer.facts.get(&event_type);
    let total = fact.map_or(0, |fact| fact.count);
    let whole = |count: u64| Value::Int(i64::try_from(count).unwrap_or(i64::MAX));
    let (Some(window), Some(fact)) = (args.get(1), fact) else {
        return Ok(whole(total));
    };
    let window = length(node, window)?;
    let since = scope.now - window;
    if fact.last_at < since {
        return Ok(whole(0));
    }
    // The facts alone know the answer when all events lie inside the window.
    let (count, oldest_at) = if fact.first_at >= since {
        (total, Some(fact.first_at))
    } else {
        let found = scope
            .windows
            .count(&event_type, since)
            .map_err(|why| EvalError { is_transient: true, ..fault(node, why.to_string()) })?;
        (found.count, found.oldest_at)
    };
    if let Some(oldest_at) = oldest_at {
        scope.changes_at(oldest_at + window + DurationMs::from_millis(1));
    }
    Ok(whole(count))
}

#[cfg(test)]
mod tests;
