//! Keeping WeCom's tags (企业微信标签) the same, as far as it needs no network: what a relation of staff and customer is to have, what
//! came back, and what to make of an error code.
//!
//! Tags belong to the customer here and to a relation in WeCom. A connector makes the calls, one relation at a time; it also turns
//! WeCom's tag ids into these names, so that a tag renamed over there stays the same tag.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use siyu_plugin::prelude::*;
use siyu_plugin::{context, events, log, records, resources};

use crate::book::{Book, Removed};
use crate::cause::Cause;
use crate::events::{TaggingPush, TaggingSyncFailed};
use crate::group::{Group, WecomSync, Writer};
use crate::name;
use crate::placing::Placed;
use crate::refusals::LIMIT_TAGS;
use crate::writing::{Author, Groups, Terms};

/// How long changes of one customer are gathered before they are one call to WeCom.
const GATHERED_FOR: Duration = Duration::seconds(2);
/// Tries after 84061, "no such relation": right after a callback it is mostly lag. From the community's reports.
const LAG: [Duration; 3] = [Duration::seconds(2), Duration::seconds(10), Duration::seconds(60)];
/// Tries after a code that says "too much at once"; the pause doubles up to a minute, which is how long WeCom blocks.
const BUSY_TRIES: u32 = 8;
/// Tags of one relation, of whatever origin (document of 编辑客户企业标签).
const RELATION_TAGS_MAX: usize = 3_000;

/// What one relation has of one group, as it was last.
type Known = BTreeSet<String>;

/// Plans a push to WeCom when a tag of a customer changed whose group goes there. The host runs it at `tag.added` and
/// `tag.removed`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Queue(Cause);

/// Whether a push is planned.
#[derive(Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Queued {
    /// When; none for a tag that does not go to WeCom.
    pub push_at: Option<Instant>,
}

impl Step for Queue {
    const NAME: &'static str = "queue";
    type Output = Queued;

    fn run(self) -> Result<Queued, Stop> {
        let tag = self.0.data.tag.as_str().unwrap_or_default();
        let group: Option<Group> = resources::get(name::split(tag).0)?;
        let is_synced = group.is_some_and(|group| group.wecom_sync != WecomSync::None);
        let Some(customer) = context::current().customer.clone().filter(|_| is_synced) else {
            return Ok(Queued::default());
        };
        let push_at = Instant::now() + GATHERED_FOR;
        match events::plan(&push_key(&customer), push_at, &TaggingPush {}) {
            Ok(()) => Ok(Queued { push_at: Some(push_at) }),
            Err(error) if error.is_limit() => {
                log::warn(format_args!("{tag} is not pushed to WeCom before the next comparison: {error}"));
                Ok(Queued::default())
            }
            Err(error) => Err(error)?,
        }
    }
}

/// Says what to change in WeCom for one staff member's relation to the customer (待同步标签).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Outgoing {
    /// The staff member's `userid`.
    pub staff: String,
    /// Whether this is the customer's main relation: groups with `wecom_sync: primary` go there alone.
    #[serde(default)]
    pub is_primary: bool,
    /// All tags that the relation has in WeCom, if they were just fetched; what was known last without it.
    #[serde(default)]
    pub remote: Option<Vec<String>>,
}

/// One call to WeCom.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Change {
    /// Tags to put on.
    pub add: Vec<String>,
    /// Tags to take off: such as this plugin put on, or took in from there. Others are not ours (WeCom's 40068).
    pub remove: Vec<String>,
    /// Whether there is nothing to do.
    pub is_empty: bool,
}

impl Step for Outgoing {
    const NAME: &'static str = "outgoing";
    const REFUSALS: &'static [Refusal] = &[LIMIT_TAGS];
    type Output = Change;

    fn run(self) -> Result<Change, Stop> {
        let book = Book::of_call()?;
        let (mut add, mut remove) = (Vec::new(), Vec::new());
        for (group_name, sync) in synced_groups()? {
            let is_wanted = sync == WecomSync::All || self.is_primary;
            let wanted: Known = book
                .of_group(&group_name)
                .filter(|_| is_wanted)
                .map(|mark| name::split(&mark.tag).1.to_owned())
                .collect();
            let ours = known(&book.id, &self.staff, &group_name)?;
            let remote: Known = match &self.remote {
                Some(remote) => values_of(remote, &group_name),
                None => ours.clone(),
            };
            add.extend(wanted.difference(&remote).map(|value| name::join(&group_name, value)));
            let leaving = ours.intersection(&remote).filter(|value| !wanted.contains(*value));
            remove.extend(leaving.map(|value| name::join(&group_name, value)));
        }
        let after = self.remote.as_ref().map_or(0, Vec::len) + add.len();
        if after - remove.len().min(after) > RELATION_TAGS_MAX {
            let words =
                format!("the relation would have {after} tags in WeCom, which takes {RELATION_TAGS_MAX}");
            Err(LIMIT_TAGS.because(words))?;
        }
        Ok(Change { is_empty: add.is_empty() && remove.is_empty(), add, remove })
    }
}

/// Takes in what WeCom said to one call (同步结果): remembers it, or says when to try again.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Synced {
    /// The staff member's `userid`.
    pub staff: String,
    /// WeCom's `errcode`; 0 when it went well.
    pub errcode: i64,
    /// Which try it was; 1 is the first.
    #[serde(default = "Synced::first")]
    pub attempt: u32,
    /// The tags that were to be put on.
    #[serde(default)]
    pub add: Vec<String>,
    /// The tags that were to be taken off.
    #[serde(default)]
    pub remove: Vec<String>,
}

/// What to do next.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Next {
    /// Whether WeCom has the tags now.
    pub is_done: bool,
    /// How long to wait before the next try; none when there is none.
    pub retry_after: Option<Duration>,
}

impl Synced {
    fn first() -> u32 {
        1
    }
}

impl Step for Synced {
    const NAME: &'static str = "synced";
    type Output = Next;

    fn run(self) -> Result<Next, Stop> {
        let customer = context::customer()?;
        if self.errcode == 0 {
            remember(&customer, &self.staff, (&self.add, &self.remove))?;
            return Ok(Next { is_done: true, retry_after: None });
        }
        if let Some(retry_after) = pause_after(self.errcode, self.attempt) {
            return Ok(Next { is_done: false, retry_after: Some(retry_after) });
        }
        TaggingSyncFailed {
            staff: self.staff,
            errcode: self.errcode,
            attempts: self.attempt,
            add: self.add,
            remove: self.remove,
        }
        .emit()?;
        Ok(Next { is_done: false, retry_after: None })
    }
}

/// How long to wait after a code; none when it will not pass.
fn pause_after(errcode: i64, attempt: u32) -> Option<Duration> {
    let tries = attempt.max(1);
    match errcode {
        84061 => LAG.get(tries as usize - 1).copied(),
        // Frequency, concurrency, and "system busy".
        45009 | 45033 | 6000 | 41063 | 41079 if tries < BUSY_TRIES => {
            Some(Duration::seconds(1 << tries.min(6)).min(Duration::seconds(60)))
        }
        -1 if tries < 3 => Some(Duration::seconds(1 << tries)),
        _ => None,
    }
}

/// Takes in the tags that one relation has in WeCom (企微侧变更): what staff put on or took off there is a person's word.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Receive {
    /// The staff member's `userid`.
    pub staff: String,
    /// All tags of the relation, fetched after `edit_external_contact`.
    pub tags: Vec<String>,
    /// When they were changed; now without it.
    #[serde(default)]
    pub effective_at: Option<Instant>,
}

/// What the relation's tags changed here.
#[derive(Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Received {
    /// Tags that were put on.
    pub added: Vec<String>,
    /// Tags that were taken off.
    pub removed: Vec<Removed>,
    /// Tags of WeCom that no group here takes.
    pub ignored: Vec<String>,
}

impl Step for Receive {
    const NAME: &'static str = "receive";
    type Output = Received;

    fn run(self) -> Result<Received, Stop> {
        let author = Author::new(Some(format!("wecom:{}", self.staff)))?;
        let terms = Terms { effective_at: self.effective_at, ..Terms::default() };
        let mut groups = Groups::default();
        let mut book = Book::of_call()?;
        let mut out = Received::default();
        let mut seen: BTreeMap<String, Known> = BTreeMap::new();
        for (name, _) in synced_groups()? {
            let before = known(&book.id, &self.staff, &name)?;
            let after = values_of(&self.tags, &name);
            let takes = groups.get(&name)?.writers.contains(&Writer::Wecom);
            for value in before.difference(&after).filter(|_| takes) {
                let tag = name::join(&name, value);
                book.remove(&tag, "wecom")?;
                book.hold_off(&tag);
            }
            seen.insert(name, after);
        }
        for tag in &self.tags {
            let (group, value) = name::split(tag.trim());
            let is_new = seen.contains_key(group) && !known(&book.id, &self.staff, group)?.contains(value);
            if !is_new {
                if !seen.contains_key(group) {
                    out.ignored.push(tag.clone());
                }
                continue;
            }
            match take_in(&mut groups, &mut book, tag, (&author, &terms)) {
                Ok(()) => {}
                Err(Stop::Refused(_)) => out.ignored.push(tag.clone()),
                Err(other) => Err(other)?,
            }
        }
        // What no group takes is not ours, and is left alone over there.
        for (group, after) in &mut seen {
            after.retain(|value| !out.ignored.iter().any(|tag| name::split(tag.trim()) == (group, value)));
            keep(&book.id, &self.staff, group, after)?;
        }
        book.save()?;
        (out.added, out.removed) = (book.added, book.removed);
        Ok(out)
    }
}

fn take_in(groups: &mut Groups, book: &mut Book, tag: &str, terms: (&Author, &Terms)) -> Result<(), Stop> {
    let target = groups.target(tag, terms.0)?;
    groups.consented(&target.group, &book.id)?;
    match groups.place(book, &target, terms)? {
        Placed::Not(why) => crate::writing::refuse(book, &target, why),
        Placed::Added | Placed::Kept => Ok(()),
    }
}

/// The groups that go to WeCom.
fn synced_groups() -> Result<Vec<(String, WecomSync)>, Error> {
    let mut groups = Vec::new();
    for name in resources::names::<Group>()? {
        let group: Option<Group> = resources::get(&name)?;
        match group.map(|group| group.wecom_sync) {
            None | Some(WecomSync::None) => {}
            Some(sync) => groups.push((name, sync)),
        }
    }
    Ok(groups)
}

fn values_of(tags: &[String], group: &str) -> Known {
    let of_group = tags.iter().map(|tag| name::split(tag.trim())).filter(|(name, _)| *name == group);
    of_group.map(|(_, value)| value.to_owned()).collect()
}

fn known(customer: &str, staff: &str, group: &str) -> Result<Known, Error> {
    Ok(records::of(customer).get(&relation_key(staff, group))?.unwrap_or_default())
}

fn keep(customer: &str, staff: &str, group: &str, known: &Known) -> Result<(), Error> {
    let place = relation_key(staff, group);
    if known.is_empty() {
        return records::of(customer).delete(&place).map(drop);
    }
    records::of(customer).put(&place, known)
}

fn remember(customer: &str, staff: &str, (add, remove): (&[String], &[String])) -> Result<(), Error> {
    let mut groups: BTreeMap<&str, Known> = BTreeMap::new();
    for tag in add.iter().chain(remove) {
        let group = name::split(tag).0;
        if !groups.contains_key(group) {
            groups.insert(group, known(customer, staff, group)?);
        }
    }
    for tag in add {
        let (group, value) = name::split(tag);
        groups.entry(group).or_default().insert(value.to_owned());
    }
    for tag in remove {
        let (group, value) = name::split(tag);
        groups.entry(group).or_default().remove(value);
    }
    for (group, known) in &groups {
        keep(customer, staff, group, known)?;
    }
    Ok(())
}

fn relation_key(staff: &str, group: &str) -> String {
    key(&["wecom", staff, group])
}

/// The key of the planned push of a customer.
pub(crate) fn push_key(customer: &str) -> String {
    key(&["push", customer])
}

/// The keys under which a customer's relations are remembered.
pub(crate) fn relations_of(customer: &str) -> Result<Vec<String>, Error> {
    records::of(customer).scan::<Known>("wecom/").map(|entry| entry.map(|(place, _)| place)).collect()
}
