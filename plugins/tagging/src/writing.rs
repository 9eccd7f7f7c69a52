//! What somebody writes, before it changes anything: who writes, which tag is meant, and whether the group takes it.
//!
//! Nothing is put on or taken off here.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use siyu_plugin::prelude::*;
use siyu_plugin::records;

use crate::book::Book;
use crate::conditions;
use crate::evaluate::known;
use crate::group::{Group, Writer, spelling_key};
use crate::name;
use crate::placing::{Lasts, Placed, Why, Wish, place};
use crate::refusals::{
    ALREADY_EXPIRED, LIMIT_GROUP, LIMIT_TAGS, NO_CONSENT, NOT_A_WRITER, TAG_INVALID, about,
};

/// Who writes.
#[derive(Debug, Clone)]
pub(crate) struct Author {
    /// `manual:<who>`, `workflow` …
    pub(crate) source: String,
    /// What kind of author that is.
    pub(crate) writer: Writer,
}

/// When what is written is true, and how sure it is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Terms {
    pub(crate) effective_at: Option<Instant>,
    pub(crate) expires_at: Option<Instant>,
    pub(crate) ttl: Option<Duration>,
    pub(crate) confidence: Option<u8>,
    pub(crate) evidence: Option<String>,
}

/// A tag of a group that takes it from this author.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) group: String,
    pub(crate) tag: String,
    /// Whether an open group sees this spelling for the first time.
    is_new_spelling: bool,
}

/// Definitions that a call has read.
#[derive(Debug, Default)]
pub(crate) struct Groups(BTreeMap<String, Group>);

impl Author {
    /// From the text of an input; a step of a workflow when there is none.
    ///
    /// # Errors
    /// An invalid field.
    pub(crate) fn new(source: Option<String>) -> Result<Self, Fault> {
        let source = source.unwrap_or_else(|| "workflow".to_owned());
        let (kind, who) =
            source.split_once(':').map_or((source.as_str(), None), |(kind, who)| (kind, Some(who)));
        let writer = match (kind, who) {
            ("workflow", _) => Some(Writer::Workflow),
            ("manual", Some(_)) => Some(Writer::Manual),
            ("import", _) => Some(Writer::Import),
            ("wecom", _) => Some(Writer::Wecom),
            ("plugin", Some(_)) => Some(Writer::Plugin),
            _ => None,
        };
        let is_named = who.is_none_or(|who| !who.trim().is_empty()) && source.len() <= 128;
        match writer.filter(|_| is_named) {
            Some(writer) => Ok(Self { source, writer }),
            None => Err(Fault::invalid(
                "/source",
                format!(
                    "`{}` is no source: expected manual:<who>, workflow, import, wecom or plugin:<name>, at most 128 bytes; \
                     only a rule writes as a rule",
                    crate::shown(&source)
                ),
            )),
        }
    }

    /// Why this author takes tags off, as `tag.removed` says it.
    pub(crate) fn reason(&self) -> &'static str {
        match self.writer {
            Writer::Rule => "rule",
            Writer::Manual => "manual",
            Writer::Workflow => "workflow",
            Writer::Import => "import",
            Writer::Wecom => "wecom",
            Writer::Plugin => "plugin",
        }
    }
}

impl Terms {
    /// Checks what no type says.
    ///
    /// # Errors
    /// An invalid field.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        if self.expires_at.is_some() && self.ttl.is_some() {
            return Err(Fault::invalid(
                "/ttl",
                "`ttl` and `expires_at` say the same thing: give one of them",
            ));
        }
        if self.ttl.is_some_and(Duration::is_zero) {
            return Err(Fault::invalid(
                "/ttl",
                "a tag that lasts no time is never on: expected one such as 30d",
            ));
        }
        if self.confidence.is_some_and(|confidence| confidence > 100) {
            return Err(Fault::invalid("/confidence", "expected 0 to 100"));
        }
        Ok(())
    }

    fn lasts(&self) -> Lasts {
        match (self.expires_at, self.ttl) {
            (Some(end), _) => Lasts::Until(Some(end)),
            (None, Some(length)) => Lasts::For(length),
            (None, None) => Lasts::AsGroup,
        }
    }
}

impl Groups {
    /// A group; the name `""` is the group of tags without one.
    ///
    /// # Errors
    /// A refusal when it is not published.
    pub(crate) fn get(&mut self, name: &str) -> Result<&Group, Stop> {
        match self.0.entry(name.to_owned()) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) if name.is_empty() => Ok(entry.insert(Group::free())),
            Entry::Vacant(entry) => Ok(entry.insert(known(name)?)),
        }
    }

    /// A group that this author may write to.
    ///
    /// # Errors
    /// A refusal when it is not published, or takes no tags from the author.
    pub(crate) fn for_author(&mut self, name: &str, author: &Author) -> Result<&Group, Stop> {
        let group = self.get(name)?;
        if !group.writers.contains(&author.writer) {
            let words = format!("group `{name}` takes no tags from `{}`: see its `writers`", author.source);
            Err(NOT_A_WRITER.because(words).details(json!({ "group": name })))?;
        }
        Ok(group)
    }

    /// The tag that somebody means.
    ///
    /// # Errors
    /// A refusal when there is none, or when the group does not take it from the author.
    pub(crate) fn target(&mut self, tag: &str, author: &Author) -> Result<Target, Stop> {
        let tag = tag.trim();
        let (group_name, value) = name::split(tag);
        if tag.starts_with('.') {
            Err(about(TAG_INVALID, tag, format!("`{}`: no group stands before the dot", crate::shown(tag))))?;
        }
        let group = self.for_author(group_name, author)?;
        let spelled = group.spell(group_name, value)?;
        let is_new_spelling = !group.is_closed() && matches!(spelled, std::borrow::Cow::Borrowed(_));
        Ok(Target { group: group_name.to_owned(), tag: name::join(group_name, &spelled), is_new_spelling })
    }

    /// Whether a customer consented to tags of a group.
    ///
    /// # Errors
    /// A refusal when not, or when nobody knows.
    pub(crate) fn consented(&mut self, group: &str, customer: &str) -> Result<(), Stop> {
        let Some(consent) = &self.get(group)?.consent else {
            return Ok(());
        };
        let verdict = conditions::look(Some(customer), &[consent])?.all.pop().unwrap_or(Ok(false));
        match verdict {
            Ok(true) => Ok(()),
            Ok(false) => {
                let words = format!("the customer has not consented to tags of group `{group}`");
                Err(NO_CONSENT.because(words).details(json!({ "group": group })))?
            }
            Err(why) => {
                let words =
                    format!("nobody knows whether the customer consented to tags of group `{group}`: {why}");
                Err(NO_CONSENT.because(words).details(json!({ "group": group })))?
            }
        }
    }

    /// Puts a tag on for an author.
    ///
    /// # Errors
    /// Of the host.
    pub(crate) fn place(
        &mut self,
        book: &mut Book,
        target: &Target,
        (author, terms): (&Author, &Terms),
    ) -> Result<Placed, Stop> {
        let now = book.now;
        let wish = Wish {
            group: &target.group,
            tag: target.tag.clone(),
            source: author.source.clone(),
            rule: None,
            looked_at: &[],
            effective_at: terms.effective_at.unwrap_or(now).min(now),
            lasts: terms.lasts(),
            confidence: terms.confidence.unwrap_or(100),
            evidence: terms.evidence.clone(),
        };
        let placed = place(book, self.get(&target.group)?, wish)?;
        if placed == Placed::Added && target.is_new_spelling && !book.is_dry {
            let value = name::split(&target.tag).1;
            records::of_tenant().insert(&spelling_key(&target.group, value), value)?;
        }
        Ok(placed)
    }

    /// Refuses what a limit forbids, before anything changes.
    ///
    /// # Errors
    /// The refusal.
    pub(crate) fn try_all(
        &mut self,
        book: &Book,
        targets: &[Target],
        terms: (&Author, &Terms),
    ) -> Result<(), Stop> {
        let mut trial = book.trial();
        for target in targets {
            if let Placed::Not(why) = self.place(&mut trial, target, terms)? {
                refuse(&trial, target, why)?;
            }
        }
        Ok(())
    }
}

/// The refusal of a tag that a limit or time forbids. Being overruled is an answer, and no refusal.
pub(crate) fn refuse(book: &Book, target: &Target, why: Why) -> Result<(), Stop> {
    let refusal = match why {
        Why::Full if book.marks.len() >= crate::book::TAGS_MAX => LIMIT_TAGS,
        Why::Full => LIMIT_GROUP,
        Why::Expired => ALREADY_EXPIRED,
        Why::NoConsent => NO_CONSENT,
        Why::Late | Why::Manual | Why::Priority | Why::Loop => return Ok(()),
    };
    Err(about(refusal, &target.tag, format!("`{}`: {}", target.tag, refusal.summary)))?
}
