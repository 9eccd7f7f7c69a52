//! Evaluating a group for a customer: which of its rules hold, and what follows.
//!
//! Conditions see the customer as they were before the evaluation. All rules of a group are looked at together, so which of them
//! wins never depends on the order of events that arrive at the same time.

use std::collections::BTreeSet;

use siyu_plugin::customers::TagMark;
use siyu_plugin::prelude::*;
use siyu_plugin::{events, log};

use crate::book::{Book, Chain, Removed};
use crate::cause::Cause;
use crate::conditions::{self, Verdict};
use crate::events::TaggingDue;
use crate::group::{Group, Index, Mode, Rule};
use crate::name;
use crate::placing::{Lasts, Placed, Why, Wish, place};
use crate::refusals::RULE_LOOP;

/// What an evaluation found and did.
#[derive(Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Evaluated {
    /// Tags that were put on.
    pub added: Vec<String>,
    /// Tags that were taken off.
    pub removed: Vec<Removed>,
    /// The customer's tags in the groups that were evaluated, in the order of their names.
    pub tags: Vec<String>,
    /// Rules that hold and did not get their way.
    pub overruled: Vec<Overruled>,
    /// Rules whose condition has no value.
    pub failed: Vec<Failed>,
}

/// A rule that holds and did not get its way.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Overruled {
    /// The tag that it did not put on.
    pub tag: String,
    /// The rule.
    pub rule: String,
    /// Why.
    pub why: Why,
}

/// A rule whose condition has no value, such as one that asks for an attribute that the customer does not have.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Failed {
    /// The group.
    pub group: String,
    /// The rule; `consent` for the group's condition of consent.
    pub rule: String,
    /// What was found and what was expected.
    pub message: String,
}

/// An evaluation of some groups for one customer.
pub(crate) struct Evaluation<'a> {
    pub(crate) book: Book,
    cause: Option<&'a Cause>,
    /// Since when what rules over facts say is true.
    effective_at: Instant,
    /// What rules did that led here, if they did.
    chain: Option<Chain>,
    out: Evaluated,
    looped: Vec<String>,
    acted: BTreeSet<String>,
}

/// The rules of a group that are looked at, and what they say.
struct Looked<'g> {
    rules: Vec<&'g Rule>,
    ids: Vec<&'g str>,
    /// Which of them have their tag on.
    held: Vec<bool>,
    verdicts: Vec<Verdict>,
    changes_at: Option<Instant>,
    consent: Verdict,
}

impl<'a> Evaluation<'a> {
    /// Begins one. `effective_at` is since when what rules over facts say is true; rules over an event are true since that.
    pub(crate) fn new(book: Book, cause: Option<&'a Cause>, effective_at: Instant) -> Self {
        let chain = cause.and_then(|cause| cause.chain(&book.memory, book.now)).cloned();
        let effective_at = effective_at.min(book.now);
        Self {
            book,
            cause,
            effective_at,
            chain,
            out: Evaluated::default(),
            looped: Vec::new(),
            acted: BTreeSet::new(),
        }
    }

    /// Evaluates groups: looks at all of them, and then does what follows.
    pub(crate) fn groups<'g>(
        &mut self,
        groups: impl Iterator<Item = (&'g str, &'g Group)>,
    ) -> Result<(), Error> {
        let mut all = Vec::new();
        for (name, group) in groups {
            all.push((name, group, self.look(name, group)?));
        }
        for (name, group, looked) in &all {
            self.follow(name, group, looked)?;
        }
        Ok(())
    }

    fn follow(&mut self, name: &str, group: &Group, looked: &Looked<'_>) -> Result<(), Error> {
        self.tidy(name, group)?;
        match &looked.consent {
            Ok(true) => match group.mode {
                Mode::Exclusive => self.exclusive(name, group, looked)?,
                Mode::Multi => self.multi(name, group, looked)?,
            },
            Ok(false) => self.clear(name, "consent_withdrawn")?,
            // Nobody knows whether there is consent: nothing is put on, and nothing is lost to a typing mistake.
            Err(_) => {}
        }
        self.out.tags.extend(self.book.of_group(name).map(|mark| mark.tag.clone()));
        self.follow_time(name, looked.changes_at)
    }

    /// Takes all tags of a group off.
    pub(crate) fn clear(&mut self, name: &str, reason: &str) -> Result<(), Error> {
        let tags: Vec<String> = self.book.of_group(name).map(|mark| mark.tag.clone()).collect();
        for tag in tags {
            self.book.remove(&tag, reason)?;
        }
        Ok(())
    }

    /// Keeps what is remembered and says what was done.
    pub(crate) fn finish(mut self) -> Result<Evaluated, Stop> {
        self.remember_chain()?;
        self.book.save()?;
        self.out.added = std::mem::take(&mut self.book.added);
        self.out.removed = std::mem::take(&mut self.book.removed);
        if self.looped.is_empty() {
            return Ok(self.out);
        }
        let root = self.chain.map(|chain| chain.root).unwrap_or_default();
        let rules = self.looped.join(", ");
        let words =
            format!("{rules} would act again because of what it did itself, beginning with event {root}");
        Err(RULE_LOOP.because(words).details(json!({ "rules": self.looped, "event": root })))?
    }

    /// Retired tags go. Of several tags in an exclusive group, which somebody put on past this plugin, the latest stays.
    fn tidy(&mut self, name: &str, group: &Group) -> Result<(), Error> {
        let is_retired = |tag: &str| group.retired.iter().any(|value| value == name::split(tag).1);
        let mut going: Vec<(String, &str)> = Vec::new();
        let mut staying: Option<(Instant, &str)> = None;
        for mark in self.book.of_group(name) {
            if is_retired(&mark.tag) {
                going.push((mark.tag.clone(), "retired"));
            } else if group.mode == Mode::Exclusive {
                let this = (mark.effective_at, mark.tag.as_str());
                let other = staying.map(|other| other.min(this));
                going.extend(other.map(|(_, tag)| (tag.to_owned(), "exclusive_replaced")));
                staying = staying.max(Some(this));
            }
        }
        for (tag, reason) in going {
            self.book.remove(&tag, reason)?;
        }
        Ok(())
    }

    fn look<'g>(&mut self, name: &str, group: &'g Group) -> Result<Looked<'g>, Error> {
        let event_type = self.cause.map_or("", |cause| cause.event_type.as_str());
        let is_looked_at = |rule: &&Rule| {
            rule.on.is_empty() || rule.on.iter().any(|on| on == event_type) || !rule.reads_event()
        };
        let rules: Vec<&Rule> = group.rules.iter().filter(is_looked_at).collect();
        let held: Vec<bool> = rules.iter().map(|rule| self.holds_its_tag(name, rule)).collect();
        let mut asked: Vec<&Expression> = group.consent.iter().collect();
        asked.extend(rules.iter().map(|rule| &rule.when));
        let leaving = rules.iter().zip(&held).filter(|(_, held)| **held);
        asked.extend(
            leaving.filter_map(|(rule, _)| rule.hysteresis.as_ref()).map(|hysteresis| &hysteresis.leave_when),
        );
        let found = conditions::look(None, &asked)?;
        let mut answers = found.all.into_iter();
        let mut next = || answers.next().unwrap_or(Ok(false));
        let consent = if group.consent.is_some() { next() } else { Ok(true) };
        let mut verdicts: Vec<Verdict> = rules.iter().map(|_| next()).collect();
        for ((rule, held), verdict) in rules.iter().zip(&held).zip(&mut verdicts) {
            // Once it holds it goes on, until `leave_when` holds.
            if *held && rule.hysteresis.is_some() {
                let leaves = next();
                if *verdict == Ok(false) {
                    *verdict = leaves.map(|leaves| !leaves);
                }
            }
        }
        self.note_failed(name, "consent", &consent);
        for (rule, verdict) in rules.iter().zip(&verdicts) {
            self.note_failed(name, &rule.id, verdict);
        }
        let ids = rules.iter().map(|rule| rule.id.as_str()).collect();
        Ok(Looked { rules, ids, held, verdicts, changes_at: found.changes_at, consent })
    }

    /// Whether the rule's tag is on because of the rule.
    fn holds_its_tag(&self, name: &str, rule: &Rule) -> bool {
        let mark = self.mark_of(name, rule);
        mark.is_some_and(|mark| mark.source.strip_prefix("rule:") == Some(rule.id.as_str()))
    }

    /// The mark of a rule's tag.
    fn mark_of<'b>(&'b self, name: &'b str, rule: &Rule) -> Option<&'b TagMark> {
        self.book
            .of_group(name)
            .find(|mark| mark.tag.ends_with(rule.tag.as_str()) && name::split(&mark.tag).1 == rule.tag)
    }

    fn note_failed(&mut self, group: &str, rule: &str, verdict: &Verdict) {
        let Err(message) = verdict else {
            return;
        };
        log::warn(format_args!("group `{group}`, rule `{rule}`: {message}"));
        let (group, rule) = (group.to_owned(), rule.to_owned());
        self.out.failed.push(Failed { group, rule, message: message.clone() });
    }

    fn exclusive(&mut self, name: &str, group: &Group, looked: &Looked<'_>) -> Result<(), Error> {
        let winner = looked.holding().max_by_key(|rule| rule.rank());
        if let Some(rule) = winner {
            self.put(name, group, rule, looked)?;
        }
        self.take_off(name, looked, |tag| winner.is_some_and(|rule| rule.tag == tag))
    }

    fn multi(&mut self, name: &str, group: &Group, looked: &Looked<'_>) -> Result<(), Error> {
        let mut holding: Vec<&Rule> = looked.holding().collect();
        holding.sort_by_key(|rule| std::cmp::Reverse(rule.rank()));
        let mut seen: Vec<&str> = Vec::with_capacity(holding.len());
        for rule in holding {
            if !seen.contains(&rule.tag.as_str()) {
                seen.push(&rule.tag);
                self.put(name, group, rule, looked)?;
            }
        }
        self.take_off(name, looked, |tag| seen.contains(&tag))
    }

    fn put(&mut self, name: &str, group: &Group, rule: &Rule, looked: &Looked<'_>) -> Result<(), Error> {
        if self.goes_on(name, group, rule, looked) {
            return Ok(());
        }
        let tag = name::join(name, &rule.tag);
        if !self.book.marks.contains_key(&tag) && self.is_loop(name, rule) {
            self.out.overruled.push(Overruled { tag, rule: rule.id.clone(), why: Why::Loop });
            return Ok(());
        }
        let (added, removed) = (self.book.added.len(), self.book.removed.len());
        let wish = Wish {
            group: name,
            tag: tag.clone(),
            source: rule.source(),
            rule: Some(rule),
            looked_at: &looked.ids,
            effective_at: self.effective_at_of(rule),
            lasts: rule.ttl.map_or(Lasts::AsGroup, Lasts::For),
            confidence: rule.confidence,
            evidence: self.cause.map(|cause| cause.id.clone()),
        };
        if let Placed::Not(why) = place(&mut self.book, group, wish)? {
            self.out.overruled.push(Overruled { tag, rule: rule.id.clone(), why });
        }
        if (added, removed) != (self.book.added.len(), self.book.removed.len()) {
            self.acted.insert(of_group(name, rule));
        }
        Ok(())
    }

    /// Whether a state only goes on: its tag is on because of the rule, and for ever. What most evaluations find, so it is told
    /// apart early.
    fn goes_on(&self, name: &str, group: &Group, rule: &Rule, looked: &Looked<'_>) -> bool {
        let is_held = looked.rules.iter().zip(&looked.held).any(|(other, held)| *held && other.id == rule.id);
        let is_for_ever = group.ttl.is_none() && rule.ttl.is_none();
        is_held
            && is_for_ever
            && !rule.reads_event()
            && self.mark_of(name, rule).is_some_and(|mark| mark.expires_at.is_none())
    }

    /// Tags of rules with `auto_remove` that hold no more go, unless another rule holds for them.
    fn take_off(
        &mut self,
        name: &str,
        looked: &Looked<'_>,
        is_kept: impl Fn(&str) -> bool,
    ) -> Result<(), Error> {
        for (rule, verdict) in looked.rules.iter().zip(&looked.verdicts) {
            if !rule.auto_remove
                || *verdict != Ok(false)
                || is_kept(&rule.tag)
                || !self.holds_its_tag(name, rule)
            {
                continue;
            }
            let tag = name::join(name, &rule.tag);
            let since = self.book.marks.get(&tag).map(|mark| mark.effective_at);
            if rule.reads_event() && since.is_some_and(|since| self.effective_at_of(rule) < since) {
                self.out.overruled.push(Overruled { tag, rule: rule.id.clone(), why: Why::Late });
            } else if self.is_loop(name, rule) {
                self.out.overruled.push(Overruled { tag, rule: rule.id.clone(), why: Why::Loop });
            } else {
                self.book.remove(&tag, "rule")?;
                self.acted.insert(of_group(name, rule));
            }
        }
        Ok(())
    }

    /// What a rule over an event says is true since the event.
    fn effective_at_of(&self, rule: &Rule) -> Instant {
        match self.cause {
            Some(cause) if rule.reads_event() => cause.time.min(self.book.now),
            _ => self.effective_at,
        }
    }

    /// Whether a rule has acted because of the same event before: one that sets itself off.
    fn is_loop(&mut self, name: &str, rule: &Rule) -> bool {
        let is_loop = self.chain.as_ref().is_some_and(|chain| chain.acted.contains(&of_group(name, rule)));
        if is_loop {
            self.looped.push(of_group(name, rule));
        }
        is_loop
    }

    /// What rules did is remembered while tags can lead to further evaluations.
    fn remember_chain(&mut self) -> Result<(), Error> {
        let Some(cause) = self.cause.filter(|_| !self.acted.is_empty() && !self.book.is_dry) else {
            return Ok(());
        };
        if !cause.event_type.starts_with("tag.") && !Index::read()?.follows_tags() {
            return Ok(());
        }
        let book = &mut self.book;
        let begun = || Chain { root: cause.id.clone(), since: book.now, ..Chain::default() };
        let mut chain = self.chain.clone().unwrap_or_else(begun);
        chain.at = book.now;
        chain.acted.append(&mut self.acted);
        chain.tags.extend(book.added.iter().cloned());
        chain.tags.extend(book.removed.iter().map(|removed| removed.tag.clone()));
        book.memory.chain = Some(chain);
        Ok(())
    }

    /// Plans the next look at a group. One that is planned earlier stays: it finds nothing new and plans again. So the number of
    /// plans follows from time, not from events.
    fn follow_time(&mut self, name: &str, changes_at: Option<Instant>) -> Result<(), Error> {
        let Some(at) = changes_at.filter(|_| !self.book.is_dry) else {
            return Ok(());
        };
        let planned = self.book.memory.due.get(name).copied();
        if planned.is_some_and(|planned| planned <= at && planned > self.book.now) {
            return Ok(());
        }
        let due = TaggingDue { group: name.to_owned() };
        match events::plan_for(&look_key(&self.book.id, name), at, &self.book.id, &due) {
            Ok(()) => drop(self.book.memory.due.insert(name.to_owned(), at)),
            // So deep in a chain of events the host takes no further one.
            Err(error) if error.is_limit() => self.looped.push(format!("the next look at {name}")),
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

impl<'g> Looked<'g> {
    fn holding(&self) -> impl Iterator<Item = &'g Rule> {
        self.rules
            .iter()
            .zip(&self.verdicts)
            .filter(|(_, verdict)| **verdict == Ok(true))
            .map(|(rule, _)| *rule)
    }
}

fn of_group(name: &str, rule: &Rule) -> String {
    format!("{name}/{}", rule.id)
}

/// The key of the planned look at a group of a customer.
pub(crate) fn look_key(customer: &str, group: &str) -> String {
    key(&["look", customer, group])
}
