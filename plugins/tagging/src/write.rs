//! The steps `add`, `remove` and `set`: tags that a workflow, a person or another system puts on and takes off.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use siyu_plugin::prelude::*;
use siyu_plugin::resources;

use crate::book::{Book, Removed};
use crate::cause::Cause;
use crate::group::{Group, Mode, Writer};
use crate::name;
use crate::placing::{Placed, Why};
use crate::refusals::{NOT_A_WRITER, OF_WRITING, UNKNOWN_GROUP};
use crate::writing::{Author, Groups, Target, Terms};

/// Tags that one step writes: more at once is an import.
const TAGS_AT_ONCE_MAX: usize = 100;

/// Puts tags on the customer (打标签). In an exclusive group a tag replaces the one before it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Add {
    /// The tags, such as `lifecycle.first_order`; one without a dot is in no group.
    pub tags: Vec<String>,
    /// Who says so: `manual:<who>`, `workflow` (without it), `import`, `wecom` or `plugin:<name>`.
    #[serde(default)]
    pub source: Option<String>,
    /// Since when it is true; now without it. An instant after now counts as now.
    #[serde(default)]
    pub effective_at: Option<Instant>,
    /// How long it lasts from then on, instead of the group's `ttl`.
    #[serde(default)]
    pub ttl: Option<Duration>,
    /// When it ends, instead of `ttl`.
    #[serde(default)]
    pub expires_at: Option<Instant>,
    /// How sure the source is, 0 to 100; 100 without it.
    #[serde(default)]
    #[schemars(range(max = 100))]
    pub confidence: Option<u8>,
    /// The event that is the evidence; the one that started the run without it.
    #[serde(default)]
    pub evidence: Option<String>,
}

/// Takes tags off the customer (去标签). What a person takes off stays off: rules do not put it on again, except those with
/// `override_manual`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Remove {
    /// The tags. One that the customer does not have is no fault.
    pub tags: Vec<String>,
    /// Who says so, as in `add`.
    #[serde(default)]
    pub source: Option<String>,
    /// Whether rules leave the tags off from now on; yes when a person says so, no otherwise. `false` hands a tag back to the
    /// rules.
    #[serde(default)]
    pub hold: Option<bool>,
}

/// Sets what the customer has in some groups (设置标签组): these values and no others.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Set {
    /// Values by group, such as `{ lifecycle: first_order, taste: [spicy, sour], intent: null }`; null takes all of them off.
    pub groups: BTreeMap<String, Values>,
    /// Who says so, as in `add`.
    #[serde(default)]
    pub source: Option<String>,
    /// Since when it is true; now without it. An instant after now counts as now.
    #[serde(default)]
    pub effective_at: Option<Instant>,
    /// How long it lasts from then on, instead of the groups' `ttl`.
    #[serde(default)]
    pub ttl: Option<Duration>,
    /// The event that is the evidence; the one that started the run without it.
    #[serde(default)]
    pub evidence: Option<String>,
}

/// One value, several, or none.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Values {
    /// None.
    None(()),
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}

/// What a step did.
#[derive(Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Written {
    /// Tags that were put on.
    pub added: Vec<String>,
    /// Tags that were taken off.
    pub removed: Vec<Removed>,
    /// Tags that were on already.
    pub kept: Vec<String>,
    /// Tags that were not put on.
    pub overruled: Vec<Overruled>,
    /// All tags of the customer in the groups that were named, in the order of their names.
    pub tags: Vec<String>,
}

/// A tag that was not put on, or not taken off.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Overruled {
    /// The tag.
    pub tag: String,
    /// Why.
    pub why: Why,
}

impl Step for Add {
    const NAME: &'static str = "add";
    const REFUSALS: &'static [Refusal] = OF_WRITING;
    type Output = Written;

    fn run(self) -> Result<Written, Stop> {
        few("/tags", self.tags.len())?;
        let author = Author::new(self.source)?;
        let terms = Terms {
            effective_at: self.effective_at,
            expires_at: self.expires_at,
            ttl: self.ttl,
            confidence: self.confidence,
            evidence: evidence(self.evidence)?,
        };
        terms.check()?;
        let mut groups = Groups::default();
        let targets: Result<Vec<Target>, Stop> =
            self.tags.iter().map(|tag| groups.target(tag, &author)).collect();
        let targets = targets?;
        let mut book = Book::of_call()?;
        for target in &targets {
            groups.consented(&target.group, &book.id)?;
        }
        groups.try_all(&book, &targets, (&author, &terms))?;
        let mut written = Written::default();
        for target in &targets {
            written.place(&mut groups, &mut book, target, (&author, &terms))?;
        }
        let names = targets.into_iter().map(|target| target.group);
        written.finish(book, names)
    }
}

impl Step for Remove {
    const NAME: &'static str = "remove";
    const REFUSALS: &'static [Refusal] = &[NOT_A_WRITER, UNKNOWN_GROUP];
    type Output = Written;

    fn run(self) -> Result<Written, Stop> {
        few("/tags", self.tags.len())?;
        let author = Author::new(self.source)?;
        let is_held = self.hold.unwrap_or(matches!(author.writer, Writer::Manual | Writer::Wecom));
        let mut groups = Groups::default();
        let mut book = Book::of_call()?;
        let mut names = Vec::with_capacity(self.tags.len());
        for tag in self.tags.iter().map(|tag| tag.trim()) {
            let (group, _) = name::split(tag);
            let tag = spelled(&book, tag);
            // A tag of a group that nobody publishes any more can still be taken off.
            let is_orphan = || Ok::<_, Error>(resources::get::<Group>(group)?.is_none());
            let is_free = group.is_empty() || book.marks.contains_key(&tag) && is_orphan()?;
            if !is_free {
                groups.for_author(group, &author)?;
            }
            names.push((tag, group.to_owned()));
        }
        for (tag, _) in &names {
            book.remove(tag, author.reason())?;
            if is_held {
                book.hold_off(tag);
            } else {
                book.memory.off.remove(tag);
            }
        }
        Written::default().finish(book, names.into_iter().map(|(_, group)| group))
    }
}

fn few(pointer: &str, tags: usize) -> Result<(), Fault> {
    if tags > TAGS_AT_ONCE_MAX {
        let message =
            format!("{tags} tags, expected at most {TAGS_AT_ONCE_MAX} at once: `import` takes longer lists");
        return Err(Fault::invalid(pointer, message));
    }
    Ok(())
}

impl Values {
    fn as_slice(&self) -> &[String] {
        match self {
            Self::None(()) => &[],
            Self::One(value) => std::slice::from_ref(value),
            Self::Several(values) => values,
        }
    }
}

/// The customer's own spelling of a tag.
fn spelled(book: &Book, tag: &str) -> String {
    let known = book.marks.keys().find(|known| name::is_same(known, tag));
    known.cloned().unwrap_or_else(|| tag.to_owned())
}

impl Step for Set {
    const NAME: &'static str = "set";
    const REFUSALS: &'static [Refusal] = OF_WRITING;
    type Output = Written;

    fn run(self) -> Result<Written, Stop> {
        few("/groups", self.groups.values().map(|values| values.as_slice().len().max(1)).sum())?;
        let author = Author::new(self.source)?;
        let terms = Terms {
            effective_at: self.effective_at,
            ttl: self.ttl,
            evidence: evidence(self.evidence)?,
            ..Terms::default()
        };
        terms.check()?;
        let mut groups = Groups::default();
        let mut book = Book::of_call()?;
        let mut wanted = Vec::with_capacity(self.groups.len());
        for (group, values) in &self.groups {
            wanted.push((group.clone(), targets(&mut groups, group, values, &author)?));
        }
        for (group, targets) in &wanted {
            if !targets.is_empty() {
                groups.consented(group, &book.id)?;
            }
        }
        // What goes makes room for what comes, in the trial as well.
        let mut trial = book.trial();
        for (group, targets) in &wanted {
            leave_only(&mut trial, &mut Written::default(), (group, targets), (&author, &terms))?;
        }
        for (_, targets) in &wanted {
            groups.try_all(&trial, targets, (&author, &terms))?;
        }
        let mut written = Written::default();
        for (group, targets) in &wanted {
            if groups.get(group)?.mode == Mode::Multi || targets.is_empty() {
                leave_only(&mut book, &mut written, (group, targets), (&author, &terms))?;
            }
            for target in targets {
                written.place(&mut groups, &mut book, target, (&author, &terms))?;
            }
        }
        written.finish(book, wanted.into_iter().map(|(group, _)| group))
    }
}

fn targets(groups: &mut Groups, group: &str, values: &Values, author: &Author) -> Result<Vec<Target>, Stop> {
    let values = values.as_slice();
    let mode = groups.for_author(group, author)?.mode;
    if mode == Mode::Exclusive && values.len() > 1 {
        let pointer = format!("/groups/{group}");
        let count = values.len();
        Err(Fault::invalid(pointer, format!("{count} values for an exclusive group, expected one or null")))?;
    }
    values.iter().map(|value| groups.target(&name::join(group, value), author)).collect()
}

/// Takes off what is not wanted, except what is true since later.
fn leave_only(
    book: &mut Book,
    written: &mut Written,
    (group, targets): (&str, &[Target]),
    (author, terms): (&Author, &Terms),
) -> Result<(), Stop> {
    let effective_at = terms.effective_at.unwrap_or(book.now);
    let unwanted = book.of_group(group).filter(|mark| !targets.iter().any(|target| target.tag == mark.tag));
    let unwanted: Vec<(String, Instant)> =
        unwanted.map(|mark| (mark.tag.clone(), mark.effective_at)).collect();
    for (tag, since) in unwanted {
        if effective_at < since {
            written.overruled.push(Overruled { tag, why: Why::Late });
        } else {
            book.remove(&tag, author.reason())?;
            if matches!(author.writer, Writer::Manual | Writer::Wecom) && !book.is_dry {
                book.hold_off(&tag);
            }
        }
    }
    Ok(())
}

impl Written {
    fn place(
        &mut self,
        groups: &mut Groups,
        book: &mut Book,
        target: &Target,
        terms: (&Author, &Terms),
    ) -> Result<(), Stop> {
        match groups.place(book, target, terms)? {
            Placed::Added => {}
            Placed::Kept => self.kept.push(target.tag.clone()),
            Placed::Not(why) => self.overruled.push(Overruled { tag: target.tag.clone(), why }),
        }
        Ok(())
    }

    fn finish(mut self, mut book: Book, groups: impl Iterator<Item = String>) -> Result<Self, Stop> {
        book.save()?;
        let mut names: Vec<String> = groups.collect();
        names.sort();
        names.dedup();
        let tags = names.iter().flat_map(|name| book.of_group(name));
        self.tags = tags.map(|mark| mark.tag.clone()).collect();
        self.added = book.added;
        self.removed = book.removed;
        Ok(self)
    }
}

/// The event that is the evidence: the one that started the run, unless another is named.
fn evidence(named: Option<String>) -> Result<Option<String>, Error> {
    Ok(match named {
        Some(named) => Some(named),
        None => Cause::of_run()?.map(|cause| cause.id),
    })
}
