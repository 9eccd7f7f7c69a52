//! The tags of one customer while a call works on them: as the host has them, and what this plugin remembers besides.
//!
//! Every change of a tag goes through here, so that the counters of members and the memory follow. What may change is decided
//! elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use siyu_plugin::customers::{self, CustomerRef, TagMark};
use siyu_plugin::prelude::*;
use siyu_plugin::records::{self, Records};
use siyu_plugin::{context, counters};

use crate::group::members_key;

/// Tags of one customer: what WeCom takes for one member and customer (document of 编辑客户企业标签).
pub(crate) const TAGS_MAX: usize = 3_000;
/// No counter of members passes this: more customers than a tenant can have.
const MEMBERS_MAX: u64 = 1 << 50;
/// Tags that a person took off and that are remembered, the latest: what fits a document with room to spare.
const OFF_MAX: usize = 200;
/// The key of what is remembered of a customer.
const MEMORY: &str = "memory";

/// What this plugin remembers of a customer besides the tags.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Memory {
    /// Tags that a person took off, since when: rules leave them off.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) off: BTreeMap<String, Instant>,
    /// When the next look at a group is planned.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) due: BTreeMap<String, Instant>,
    /// What rules did because of one event, while tags lead to further evaluations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) chain: Option<Chain>,
    /// Jobs that have looked at the customer, the latest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) jobs: Vec<String>,
}

/// What rules did because of one event.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Chain {
    /// The event.
    pub(crate) root: String,
    /// When they did it first.
    pub(crate) since: Instant,
    /// When they did it last.
    pub(crate) at: Instant,
    /// The rules, as `group/rule`.
    pub(crate) acted: BTreeSet<String>,
    /// The tags that they changed.
    pub(crate) tags: BTreeSet<String>,
}

/// A tag that was taken off.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Removed {
    /// The tag.
    pub tag: String,
    /// Why: `manual`, `rule`, `exclusive_replaced`, `retired`, `merge` …
    pub reason: String,
}

/// The tags of one customer during a call.
pub(crate) struct Book {
    /// Whose.
    pub(crate) id: String,
    who: CustomerRef,
    records: Records,
    /// The marks, as this call has changed them.
    pub(crate) marks: BTreeMap<String, TagMark>,
    /// What is remembered, as this call has changed it.
    pub(crate) memory: Memory,
    kept: Memory,
    /// The instant of the call.
    pub(crate) now: Instant,
    /// Whether changes are only thought of.
    pub(crate) is_dry: bool,
    /// Whether late events are told some other way than by an event.
    pub(crate) is_silent: bool,
    /// Tags that were put on and were not there.
    pub(crate) added: Vec<String>,
    /// Tags that were taken off.
    pub(crate) removed: Vec<Removed>,
}

impl Book {
    /// Of the call's customer.
    pub(crate) fn of_call() -> Result<Self, Error> {
        let who = customers::current();
        let marks = who.tags()?;
        Self::new(context::customer()?, who, marks)
    }

    /// Of a customer by id; none when there is no such customer.
    pub(crate) fn of(id: &str) -> Result<Option<Self>, Error> {
        let who = customers::of(id);
        match who.tags() {
            Ok(marks) => Self::new(id.to_owned(), who, marks).map(Some),
            Err(error) if error.is_not_found() || error.is_invalid() => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn new(id: String, who: CustomerRef, marks: Vec<TagMark>) -> Result<Self, Error> {
        let marks = marks.into_iter().map(|mark| (mark.tag.clone(), mark)).collect();
        let records = records::of(id.as_str());
        let memory: Memory = records.get(MEMORY)?.unwrap_or_default();
        Ok(Self {
            id,
            who,
            records,
            marks,
            kept: memory.clone(),
            memory,
            now: Instant::now(),
            is_dry: false,
            is_silent: false,
            added: Vec::new(),
            removed: Vec::new(),
        })
    }

    /// The tags of a group, in the order of their names; the group `""` is that of tags without a dot.
    pub(crate) fn of_group<'a>(&'a self, group: &'a str) -> impl Iterator<Item = &'a TagMark> {
        // The names of a group stand together in the order of names: they begin with its own.
        let from = self.marks.range::<str, _>((Bound::Included(group), Bound::Unbounded));
        let near = from.take_while(move |(tag, _)| tag.starts_with(group)).map(|(_, mark)| mark);
        near.filter(move |mark| crate::name::split(&mark.tag).0 == group)
    }

    /// Puts a tag on, or changes its mark; says whether it was not there.
    pub(crate) fn put(&mut self, mark: TagMark) -> Result<bool, Error> {
        let tag = mark.tag.clone();
        let is_new = !self.marks.contains_key(&tag);
        if !self.is_dry {
            self.who.put_tag(&mark)?;
            if is_new {
                counters::take(&members_key(&tag), 1, MEMBERS_MAX)?;
            }
        }
        if is_new {
            self.memory.off.remove(&tag);
            self.added.push(tag.clone());
        }
        self.marks.insert(tag, mark);
        Ok(is_new)
    }

    /// Takes a tag off for a reason; says whether it was there.
    pub(crate) fn remove(&mut self, tag: &str, reason: &str) -> Result<bool, Error> {
        if self.marks.remove(tag).is_none() {
            return Ok(false);
        }
        if !self.is_dry {
            self.who.remove_tag(tag, reason)?;
            count_out(tag)?;
        }
        self.removed.push(Removed { tag: tag.to_owned(), reason: reason.to_owned() });
        Ok(true)
    }

    /// Remembers that a person took a tag off, so that rules leave it off.
    pub(crate) fn hold_off(&mut self, tag: &str) {
        self.memory.off.insert(tag.to_owned(), self.now);
        if self.memory.off.len() > OFF_MAX {
            let oldest = self.memory.off.iter().min_by_key(|(_, since)| **since).map(|(tag, _)| tag.clone());
            oldest.map(|tag| self.memory.off.remove(&tag));
        }
    }

    /// The same tags, to try changes on: nothing of it is kept.
    pub(crate) fn trial(&self) -> Self {
        Self {
            id: self.id.clone(),
            who: self.who.clone(),
            records: self.records.clone(),
            marks: self.marks.clone(),
            memory: self.memory.clone(),
            kept: self.kept.clone(),
            now: self.now,
            is_dry: true,
            is_silent: true,
            added: Vec::new(),
            removed: Vec::new(),
        }
    }

    /// Keeps what is remembered, where it changed.
    pub(crate) fn save(&mut self) -> Result<(), Error> {
        if self.is_dry || self.memory == self.kept {
            return Ok(());
        }
        self.kept = self.memory.clone();
        if self.memory == Memory::default() {
            return self.records.delete(MEMORY).map(drop);
        }
        self.records.put(MEMORY, &self.memory)
    }
}

/// What is remembered of the call's customer, before a book is opened.
pub(crate) fn memory_of_call() -> Result<Memory, Error> {
    Ok(records::of_customer().get(MEMORY)?.unwrap_or_default())
}

/// Keeps what is remembered of the call's customer.
pub(crate) fn keep_memory_of_call(memory: &Memory) -> Result<(), Error> {
    records::of_customer().put(MEMORY, memory)
}

/// One customer less has a tag. Tags that others put on were never counted.
pub(crate) fn count_out(tag: &str) -> Result<(), Error> {
    match counters::give_back(&members_key(tag), 1) {
        Err(error) if error.is_conflict() => Ok(()),
        other => other,
    }
}

/// Whether a person put a tag on: by hand, or in WeCom.
pub(crate) fn is_by_hand(source: &str) -> bool {
    source.starts_with("manual:") || source == "wecom" || source.starts_with("wecom:")
}
