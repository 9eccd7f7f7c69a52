//! Who may buy (门槛): groups, members, tags, a condition, friends that were brought. Reads the customer only when the
//! session asks for something.

#[cfg(test)]
mod tests;

use siyu_plugin::customers::{self, Customer};
use siyu_plugin::prelude::*;

use crate::invites;
use crate::refusals::{GATE_GROUP, GATE_MEMBER};
use crate::session::{Gate, Session};

/// Lets the customer through; the friends that this purchase spends.
pub(crate) fn pass(terms: &Session, qty: u64, now: Instant) -> Result<Vec<String>, Stop> {
    let Some(gate) = &terms.gate else {
        return Ok(Vec::new());
    };
    if gate.member_only || !gate.groups.is_empty() || !gate.tags_any.is_empty() {
        let me = customers::current().get()?;
        let me = me.ok_or_else(|| Fault::permanent("NOT_FOUND", "there is no such customer"))?;
        pass_as(gate, &me)?;
    }
    if let Some(condition) = &gate.condition
        && !condition.holds()?
    {
        let message = format!("the condition of the sale does not hold: {condition}");
        Err(GATE_MEMBER.because(message).details(json!({ "missing": "condition" })))?;
    }
    match &gate.invites {
        Some(wanted) => invites::pass(wanted, qty, now),
        None => Ok(Vec::new()),
    }
}

fn pass_as(gate: &Gate, me: &Customer) -> Result<(), Refused> {
    if !gate.groups.is_empty() && !is_in_group(gate, me) {
        return Err(GATE_GROUP
            .because("the sale is for members of certain groups")
            .details(json!({ "groups": gate.groups })));
    }
    if gate.member_only && !is_member(me) {
        return Err(GATE_MEMBER
            .because("the sale is for members only")
            .details(json!({ "missing": "membership" })));
    }
    if !gate.tags_any.is_empty() && !gate.tags_any.iter().any(|tag| me.has_tag(tag)) {
        return Err(GATE_MEMBER
            .because("the sale is for customers with certain tags")
            .details(json!({ "missing": "tag", "tags_any": gate.tags_any })));
    }
    Ok(())
}

fn is_in_group(gate: &Gate, me: &Customer) -> bool {
    let groups = me.attributes.get("groups").and_then(|groups| groups.as_array());
    groups
        .into_iter()
        .flatten()
        .filter_map(|group| group.as_str())
        .any(|group| gate.groups.iter().any(|wanted| wanted == group))
}

/// A tag says it, or the last thing that happened to the membership.
fn is_member(me: &Customer) -> bool {
    if me.tags.iter().any(|tag| tag == "member" || tag.starts_with("member.")) {
        return true;
    }
    let since = me.fact("member.joined").last.max(me.fact("member.renewed").last);
    since.is_some() && since > me.fact("member.expired").last
}
