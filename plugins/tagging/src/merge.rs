//! The step `merge` (合并客户标签): two customers turn out to be one, and their tags become the tags of one.

#[cfg(test)]
mod tests;

use siyu_plugin::customers::TagMark;
use siyu_plugin::prelude::*;
use siyu_plugin::{context, events, resources};

use crate::book::{Book, Removed, is_by_hand};
use crate::evaluating::look_key;
use crate::events::TaggingDue;
use crate::group::{Group, Mode};
use crate::name;
use crate::placing::{Lasts, Placed, Why, Wish, place};
use crate::refusals::{NO_CONSENT, SAME_CUSTOMER, UNKNOWN_CUSTOMER};
use crate::write::Overruled;
use crate::writing::Groups;

/// Moves the tags of one customer to another one who is the same person (合并客户标签): all of them together, in exclusive groups
/// the latest.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Merge {
    /// The customer who goes, `cus_…`.
    pub from: String,
    /// The customer who stays; the run's customer without it.
    #[serde(default)]
    pub into: Option<String>,
}

/// What a merge did.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Merged {
    /// Tags that the customer who stays has now and had not before.
    pub added: Vec<String>,
    /// Tags that the customer who stays lost to later ones.
    pub removed: Vec<Removed>,
    /// Tags of the customer who goes that the other one did not get.
    pub overruled: Vec<Overruled>,
    /// All tags of the customer who stays, in the order of their names.
    pub tags: Vec<String>,
}

impl Step for Merge {
    const NAME: &'static str = "merge";
    const REFUSALS: &'static [Refusal] = &[SAME_CUSTOMER, UNKNOWN_CUSTOMER];
    type Output = Merged;

    fn run(self) -> Result<Merged, Stop> {
        let into = match self.into {
            Some(into) => into,
            None => context::customer()?,
        };
        SAME_CUSTOMER.unless(self.from != into)?;
        let (mut from, mut into) = (open(&self.from)?, open(&into)?);
        into.is_silent = true;
        let mut groups = Groups::default();
        let mut overruled = Vec::new();
        // The latest first, so that a full group keeps those.
        let mut marks: Vec<TagMark> = from.marks.values().cloned().collect();
        marks.sort_by(|one, other| other.effective_at.cmp(&one.effective_at).then(one.tag.cmp(&other.tag)));
        for mark in marks {
            let tag = mark.tag.clone();
            if let Placed::Not(why) = take_over(&mut groups, &mut into, mark)? {
                overruled.push(Overruled { tag: tag.clone(), why });
            }
            from.remove(&tag, "merge")?;
        }
        join_memories(&mut from, &mut into)?;
        from.save()?;
        into.save()?;
        let tags = into.marks.into_keys().collect();
        Ok(Merged { added: into.added, removed: into.removed, overruled, tags })
    }
}

/// The tags of a customer by id.
pub(crate) fn open(customer: &str) -> Result<Book, Stop> {
    let found = Book::of(customer)?;
    let words = format!("there is no customer `{}`", crate::shown(customer));
    found.ok_or_else(|| UNKNOWN_CUSTOMER.because(words).into())
}

fn take_over(groups: &mut Groups, into: &mut Book, mark: TagMark) -> Result<Placed, Stop> {
    let name = name::split(&mark.tag).0.to_owned();
    // A tag whose group is gone moves as it is.
    let is_known = name.is_empty() || resources::get::<Group>(&name)?.is_some();
    if !is_known {
        return Ok(if into.marks.contains_key(&mark.tag) {
            Placed::Kept
        } else {
            into.put(mark)?;
            Placed::Added
        });
    }
    match groups.consented(&name, &into.id) {
        Err(Stop::Refused(refused)) if refused.code == NO_CONSENT.code => {
            return Ok(Placed::Not(Why::NoConsent));
        }
        other => other?,
    }
    let group = groups.get(&name)?;
    let is_decided = |standing: &TagMark| {
        let is_same_time = group.mode == Mode::Exclusive && standing.effective_at == mark.effective_at;
        is_same_time && standing.tag != mark.tag
    };
    if into.of_group(&name).any(is_decided) {
        return Ok(Placed::Not(Why::Late));
    }
    if into.memory.off.get(&mark.tag).is_some_and(|since| *since > mark.effective_at) {
        return Ok(Placed::Not(Why::Manual));
    }
    let is_theirs = |standing: &TagMark| is_by_hand(&standing.source) && !is_by_hand(&mark.source);
    if into.marks.get(&mark.tag).is_some_and(is_theirs) {
        return Ok(Placed::Kept);
    }
    let wish = Wish {
        group: &name,
        tag: mark.tag,
        source: mark.source,
        rule: None,
        looked_at: &[],
        effective_at: mark.effective_at,
        lasts: Lasts::Until(mark.expires_at),
        confidence: mark.confidence_percent,
        evidence: mark.evidence,
    };
    Ok(place(into, group, wish)?)
}

/// What people took off stays off, and rules are looked at when either customer's would have been.
fn join_memories(from: &mut Book, into: &mut Book) -> Result<(), Error> {
    for (tag, since) in std::mem::take(&mut from.memory.off) {
        if !into.marks.contains_key(&tag) {
            let known = into.memory.off.entry(tag).or_insert(since);
            *known = since.max(*known);
        }
    }
    for (group, at) in std::mem::take(&mut from.memory.due) {
        events::cancel(&look_key(&from.id, &group))?;
        if into.memory.due.get(&group).is_none_or(|planned| at < *planned) {
            let due = TaggingDue { group: group.clone() };
            events::plan_for(&look_key(&into.id, &group), at, &into.id, &due)?;
            into.memory.due.insert(group, at);
        }
    }
    from.memory.chain = None;
    Ok(())
}
