//! What may still change once customers rely on the rules: only what is in their favour (不得变更, SAMR Order 32 art. 13).
//! Never decides when that is.

use serde_json::Value;
use siyu_plugin::FieldFault;

use super::{Campaign, Stock};

/// The changes that are not in the customers' favour, with their places in the new rules; empty when all are.
pub(crate) fn unfavourable(old: &Campaign, new: &Campaign) -> Vec<FieldFault> {
    let plain = |campaign: &Campaign| serde_json::to_value(campaign).unwrap_or_default();
    let mut found = Vec::new();
    differences(&plain(&with_favours(old, new)), &plain(new), &mut String::new(), &mut found);
    found
}

/// The old rules with everything of the new ones that is better for customers: what still differs is not.
fn with_favours(old: &Campaign, new: &Campaign) -> Campaign {
    let mut best = old.clone();
    best.window.end = old.window.end.max(new.window.end);
    best.window.grace_late_event = old.window.grace_late_event.max(new.window.grace_late_event);
    best.budget_fen = looser(old.budget_fen, new.budget_fen);
    best.claim_within = looser(old.claim_within, new.claim_within);
    best.expected_entries = new.expected_entries;
    best.limits.per_customer = looser(old.limits.per_customer, new.limits.per_customer);
    best.limits.per_card = old.limits.per_card.max(new.limits.per_card);
    best.limits.per_order = old.limits.per_order.max(new.limits.per_order);
    best.limits.per_customer_per_day =
        looser(old.limits.per_customer_per_day, new.limits.per_customer_per_day);
    best.limits.per_day_total = looser(old.limits.per_day_total, new.limits.per_day_total);
    best.limits.per_grant = old.limits.per_grant.max(new.limits.per_grant);
    for (before, after) in best.prizes.iter_mut().zip(&new.prizes) {
        if before.id == after.id {
            before.stock = more(before.stock, after.stock);
            before.value_fen = before.value_fen.max(after.value_fen);
            before.per_customer = looser(before.per_customer, after.per_customer);
        }
    }
    best
}

/// The looser of two limits; none is no limit.
fn looser<T: Ord>(old: Option<T>, new: Option<T>) -> Option<T> {
    Some(old?.max(new?))
}

fn more(old: Stock, new: Stock) -> Stock {
    old.max(new)
}

fn differences(old: &Value, new: &Value, pointer: &mut String, found: &mut Vec<FieldFault>) {
    let length = pointer.len();
    match (old, new) {
        (Value::Object(before), Value::Object(after)) => {
            for (name, value) in after {
                pointer.push('/');
                pointer.push_str(name);
                differences(before.get(name).unwrap_or(&Value::Null), value, pointer, found);
                pointer.truncate(length);
            }
        }
        (Value::Array(before), Value::Array(after)) if before.len() == after.len() => {
            for (place, (before, after)) in before.iter().zip(after).enumerate() {
                pointer.push_str(&format!("/{place}"));
                differences(before, after, pointer, found);
                pointer.truncate(length);
            }
        }
        (before, after) if before != after => {
            let message = match (before, after) {
                (Value::Array(before), Value::Array(after)) => {
                    format!("{} entries became {}", before.len(), after.len())
                }
                _ => format!("{before} became {after}"),
            };
            let message = format!(
                "{message}: customers rely on the published rules, so only changes in their favour are taken (more stock, \
                 a later end, a higher value, looser limits; SAMR Order 32 art. 13)"
            );
            found.push(FieldFault { pointer: pointer.clone(), message });
        }
        _ => {}
    }
}
