//! Looking at many conditions at once: one question to the host instead of one a condition.
//!
//! Conditions are joined into a list expression. Where one of them has no value the list has none, and they are asked one by
//! one, so that a faulty condition is no reason to doubt the others.

use siyu_plugin::expressions::Evaluated;
use siyu_plugin::prelude::*;

/// Bytes of one question: half of what one expression may have, and few enough symbols for its tree.
const QUESTION_BYTES_MAX: usize = 1_500;

/// Whether a condition holds, or why nobody knows.
pub(crate) type Verdict = Result<bool, String>;

/// What conditions say of a customer.
#[derive(Debug, Default)]
pub(crate) struct Verdicts {
    /// One a condition, in their order.
    pub(crate) all: Vec<Verdict>,
    /// The next instant at which one of them may change although nothing happens.
    pub(crate) changes_at: Option<Instant>,
}

impl Verdicts {
    fn changes(&mut self, at: Option<Instant>) {
        self.changes_at = [self.changes_at, at].into_iter().flatten().min();
    }
}

/// Looks at conditions for a customer, the call's when none is named.
///
/// # Errors
/// A limit of the call; a condition without a value is a verdict.
pub(crate) fn look(customer: Option<&str>, conditions: &[&Expression]) -> Result<Verdicts, Error> {
    let mut verdicts = Verdicts { all: Vec::with_capacity(conditions.len()), changes_at: None };
    let mut rest = conditions;
    while !rest.is_empty() {
        let (question, taken) = question(rest);
        let (now, later) = rest.split_at(taken);
        ask(customer, &question, now, &mut verdicts)?;
        rest = later;
    }
    Ok(verdicts)
}

/// As many conditions as fit into one question, as a list; at least one.
fn question(conditions: &[&Expression]) -> (String, usize) {
    let mut question = String::with_capacity(256);
    question.push('[');
    let mut taken = 0;
    for condition in conditions {
        let source = condition.source();
        if taken > 0 && question.len() + source.len() > QUESTION_BYTES_MAX {
            break;
        }
        question.push('(');
        question.push_str(source);
        question.push_str("),");
        taken += 1;
    }
    question.pop();
    question.push(']');
    (question, taken)
}

fn ask(
    customer: Option<&str>,
    question: &str,
    conditions: &[&Expression],
    verdicts: &mut Verdicts,
) -> Result<(), Error> {
    let nothing = serde_json::Map::new();
    // The question is made of expressions, so it is one.
    let asked: Result<Evaluated, Error> =
        question.parse::<Expression>().and_then(|question| question.evaluate(customer, &nothing));
    if let Ok(Evaluated { value: serde_json::Value::Array(values), changes_at }) = asked
        && values.len() == conditions.len()
    {
        verdicts
            .all
            .extend(values.into_iter().map(|value| Ok(Evaluated { value, changes_at: None }.holds())));
        verdicts.changes(changes_at);
        return Ok(());
    }
    for condition in conditions {
        match condition.evaluate(customer, &nothing) {
            Ok(found) => {
                verdicts.changes(found.changes_at);
                verdicts.all.push(Ok(found.holds()));
            }
            Err(error) if error.is_limit() => return Err(error),
            Err(error) => verdicts.all.push(Err(error.message)),
        }
    }
    Ok(())
}
