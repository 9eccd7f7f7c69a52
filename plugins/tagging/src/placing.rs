//! Putting one tag on, by the rules of its group: one of an exclusive group, later over older, people over rules, limits, time.
//!
//! Rules, steps, imports and merges all come through here, so no way around a group exists inside this plugin.

#[cfg(test)]
mod tests;

use siyu_plugin::customers::TagMark;
use siyu_plugin::prelude::*;

use crate::book::{Book, TAGS_MAX, is_by_hand};
use crate::events::TaggingOverruled;
use crate::group::{Group, Mode, OnFull, Rule, TtlMode};

/// A tag that somebody wants on.
#[derive(Debug, Clone)]
pub(crate) struct Wish<'a> {
    /// The group's name.
    pub(crate) group: &'a str,
    /// The tag, as the group spells it.
    pub(crate) tag: String,
    /// Who wants it.
    pub(crate) source: String,
    /// The rule, if it is one.
    pub(crate) rule: Option<&'a Rule>,
    /// Rules that were looked at together with it: they do not defend their tags.
    pub(crate) looked_at: &'a [&'a str],
    /// Since when it is true; not after now.
    pub(crate) effective_at: Instant,
    /// How long it lasts.
    pub(crate) lasts: Lasts,
    /// How sure the source is, 0 to 100.
    pub(crate) confidence: u8,
    /// The event behind it.
    pub(crate) evidence: Option<String>,
}

/// How long a tag lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lasts {
    /// As long as the group says.
    AsGroup,
    /// So long from the event behind it.
    For(Duration),
    /// Until an instant; for ever without one.
    Until(Option<Instant>),
}

/// What became of a wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Placed {
    /// It is on now and was not before.
    Added,
    /// It was on already.
    Kept,
    /// It is not on.
    Not(Why),
}

/// Why a tag was not put on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The event behind it is older than the one behind the standing tag.
    Late,
    /// A person put the standing tag on, or took this one off.
    Manual,
    /// A rule of a higher rank put the standing tag on because of an event of the same instant.
    Priority,
    /// The group, or the customer, has as many tags as it may.
    Full,
    /// Its time is over already.
    Expired,
    /// The rule has acted because of the same event before.
    Loop,
    /// The customer has not consented to tags of the group.
    NoConsent,
}

/// Puts a tag on if its group allows it.
pub(crate) fn place(book: &mut Book, group: &Group, wish: Wish<'_>) -> Result<Placed, Error> {
    let expires_at = match wish.lasts {
        Lasts::AsGroup => group.ttl.map(|ttl| wish.effective_at + ttl),
        Lasts::For(length) => Some(wish.effective_at + length),
        Lasts::Until(end) => end,
    };
    if expires_at.is_some_and(|end| end <= book.now) {
        return Ok(Placed::Not(Why::Expired));
    }
    if let Some(standing) = book.marks.get(&wish.tag) {
        let renewed = renewed(group, standing, &wish, expires_at);
        if let Some(renewed) = renewed {
            book.put(renewed)?;
        }
        return Ok(Placed::Kept);
    }
    if wish.rule.is_some_and(|rule| !rule.override_manual) && book.memory.off.contains_key(&wish.tag) {
        return Ok(Placed::Not(Why::Manual));
    }
    if let Some(why) = make_room(book, group, &wish)? {
        return Ok(Placed::Not(why));
    }
    book.put(TagMark {
        tag: wish.tag,
        source: wish.source,
        effective_at: wish.effective_at,
        expires_at,
        confidence_percent: wish.confidence,
        evidence: wish.evidence,
    })?;
    Ok(Placed::Added)
}

/// The mark of a tag that is put on again; none when it stays as it is. No event: the tag was there.
fn renewed(
    group: &Group,
    standing: &TagMark,
    wish: &Wish<'_>,
    expires_at: Option<Instant>,
) -> Option<TagMark> {
    let is_late = wish.effective_at < standing.effective_at;
    let is_others = wish.rule.is_some_and(|rule| !rule.override_manual) && is_by_hand(&standing.source);
    if is_late || is_others {
        return None;
    }
    let expires_at = if group.ttl_mode == TtlMode::Fixed { standing.expires_at } else { expires_at };
    // A state that goes on is true since it began, and nothing is written for it, unless it lasts longer now.
    if wish.rule.is_some_and(|rule| !rule.reads_event()) && standing.source == wish.source {
        return (standing.expires_at != expires_at).then(|| TagMark { expires_at, ..standing.clone() });
    }
    let renewed = TagMark {
        tag: wish.tag.clone(),
        source: wish.source.clone(),
        effective_at: wish.effective_at,
        expires_at,
        confidence_percent: wish.confidence,
        evidence: wish.evidence.clone(),
    };
    (renewed != *standing).then_some(renewed)
}

/// Takes off what has to go for a tag; says why when it may not.
fn make_room(book: &mut Book, group: &Group, wish: &Wish<'_>) -> Result<Option<Why>, Error> {
    let mut leaving = Vec::new();
    match (group.mode, group.max) {
        (Mode::Exclusive, _) => {
            for standing in book.of_group(wish.group) {
                if let Some(why) = defends(group, standing, wish) {
                    if why == Why::Late && !book.is_dry && !book.is_silent {
                        overruled(&book.id, standing, wish)?;
                    }
                    return Ok(Some(why));
                }
                leaving.push((standing.tag.clone(), "exclusive_replaced"));
            }
        }
        (Mode::Multi, Some(max)) if book.of_group(wish.group).count() >= max as usize => {
            // The one with the oldest event goes, if that is older than this one's. What a person put on stays.
            let oldest = book.of_group(wish.group).filter(|mark| !is_by_hand(&mark.source));
            let oldest = oldest.min_by_key(|mark| mark.effective_at);
            match oldest.filter(|mark| mark.effective_at <= wish.effective_at) {
                Some(mark) if group.on_full == OnFull::DropOldest => leaving.push((mark.tag.clone(), "full")),
                _ => return Ok(Some(Why::Full)),
            }
        }
        (Mode::Multi, _) => {}
    }
    if book.marks.len() - leaving.len() >= TAGS_MAX {
        return Ok(Some(Why::Full));
    }
    for (tag, reason) in leaving {
        book.remove(&tag, reason)?;
    }
    Ok(None)
}

/// Why a standing tag of an exclusive group stays; none when it goes.
fn defends(group: &Group, standing: &TagMark, wish: &Wish<'_>) -> Option<Why> {
    let Some(rule) = wish.rule else {
        return (wish.effective_at < standing.effective_at).then_some(Why::Late);
    };
    if is_by_hand(&standing.source) && !rule.override_manual {
        return Some(Why::Manual);
    }
    let of = group.rule_of(&standing.source);
    // Both conditions were looked at just now: the one that holds and ranks higher has won already. Facts know of late events.
    let was_looked_at = of.is_some_and(|of| wish.looked_at.contains(&of.id.as_str()));
    if was_looked_at && !rule.reads_event() {
        return None;
    }
    match wish.effective_at.cmp(&standing.effective_at) {
        std::cmp::Ordering::Less => Some(Why::Late),
        std::cmp::Ordering::Equal if !was_looked_at => {
            of.filter(|of| of.rank() > rule.rank()).map(|_| Why::Priority)
        }
        _ => None,
    }
}

fn overruled(customer: &str, standing: &TagMark, wish: &Wish<'_>) -> Result<(), Error> {
    let event = TaggingOverruled {
        tag: wish.tag.clone(),
        group: wish.group.to_owned(),
        source: wish.source.clone(),
        effective_at: wish.effective_at,
        standing: standing.tag.clone(),
        standing_source: standing.source.clone(),
        standing_since: standing.effective_at,
    };
    match siyu_plugin::events::emit_for(customer, &event) {
        // So deep in a chain of events the host records no further one; that is no reason to fail.
        Err(error) if error.is_limit() => {
            siyu_plugin::log::warn(format_args!("{} is late: {error}", wish.tag));
            Ok(())
        }
        other => other,
    }
}
