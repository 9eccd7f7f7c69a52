//! What is checked when a tag group is published, beyond its schema. Pure: it asks the host for nothing.
//!
//! Every rule has a code. What would fail a customer later is an error here; what works but is probably not meant, a warning.

use siyu_plugin::Findings;

use super::{Decay, Group, Mode, OnFull, Rule, TtlMode, Writer, sensitive};
use crate::events::TaggingDue;
use crate::name;

/// Values of one group: enough for a catalogue's categories, few enough to read in one go at every evaluation.
const TAGS_MAX: usize = 500;
/// Rules of one group: all are looked at in one evaluation, which has tens of microseconds.
const RULES_MAX: usize = 64;

/// Checks a definition.
pub(super) fn check(group: &Group, name: &str, found: &mut Findings) {
    names(group, name, found);
    values(group, found);
    limits(group, found);
    lifetime(group, found);
    consent(group, name, found);
    if group.writers.is_empty() {
        found.error("/writers", "WRITERS_EMPTY", "nobody may write: leave `writers` out to let everybody");
    }
    if !group.rules.is_empty() && !group.writers.contains(&Writer::Rule) {
        found.error("/writers", "WRITERS_RULE", "the group has rules, which may not write: add `rule`");
    }
    for (place, event) in group.on.iter().enumerate() {
        self::event(event, &format!("/on/{place}"), found);
    }
    rules(group, found);
}

fn names(group: &Group, name: &str, found: &mut Findings) {
    let most = name::NAME_SYMBOLS_MAX;
    if name.chars().count() > most {
        found.error(
            "",
            "GROUP_NAME",
            format!(
                "the group's name has more than {most} symbols, WeCom's limit for the name of a tag group"
            ),
        );
    }
    let title = group.title.as_deref().map_or(0, |title| title.chars().count());
    if title > most {
        let message =
            format!("the title has {title} symbols, expected at most {most}: WeCom's limit for tag groups");
        found.error("/title", "GROUP_TITLE", message);
    }
}

fn values(group: &Group, found: &mut Findings) {
    if group.tags.len() > TAGS_MAX {
        let count = group.tags.len();
        found.error("/tags", "TAGS_MAX", format!("{count} values, expected at most {TAGS_MAX}"));
        return;
    }
    if !group.retired.is_empty() && !group.is_closed() {
        let message = "a group that takes any value cannot retire one: list its values under `tags`";
        found.error("/retired", "RETIRED_OPEN", message);
    }
    let of = |list: &'static str, values: &'_ [String]| -> Vec<(String, String)> {
        values.iter().enumerate().map(|(place, value)| (format!("/{list}/{place}"), value.clone())).collect()
    };
    let mut before: std::collections::BTreeMap<String, String> = Default::default();
    for (pointer, value) in of("tags", &group.tags).into_iter().chain(of("retired", &group.retired)) {
        if let Some(fault) = name::fault_of(&value) {
            found.error(pointer.as_str(), "TAG_NAME", format!("`{}`: {fault}", crate::shown(&value)));
        }
        if let Some(other) = before.insert(name::fold(&value), value.clone()) {
            let message = format!(
                "`{value}` and `{other}` are the same tag: capital and small letters, full-width and half-width symbols do \
                 not tell tags apart"
            );
            found.error(pointer, "TAG_COLLISION", message);
        }
    }
}

fn limits(group: &Group, found: &mut Findings) {
    match (group.mode, group.max) {
        (Mode::Exclusive, Some(_)) => {
            let message =
                "an exclusive group holds one tag of a customer: `max` is for groups with `mode: multi`";
            found.error("/max", "MAX_EXCLUSIVE", message);
        }
        (Mode::Multi, Some(0)) => found.error("/max", "MAX_ZERO", "a group of no tags: expected 1 or more"),
        _ => {}
    }
    if group.on_full == OnFull::DropOldest && group.max.is_none() {
        found.warning("/on_full", "ON_FULL_UNUSED", "without `max` the group is never full");
    }
}

fn lifetime(group: &Group, found: &mut Findings) {
    let ttl_is_zero = |ttl: Option<siyu_plugin::Duration>| ttl.is_some_and(|ttl| ttl.is_zero());
    if ttl_is_zero(group.ttl) {
        found.error(
            "/ttl",
            "TTL_ZERO",
            "a tag that lasts no time is never on: expected a duration such as 30d",
        );
    }
    for (place, rule) in group.rules.iter().enumerate().filter(|(_, rule)| ttl_is_zero(rule.ttl)) {
        let message = format!("rule `{}` gives tags no time: expected a duration such as 30d", rule.id);
        found.error(format!("/rules/{place}/ttl"), "TTL_ZERO", message);
    }
    let lasts = group.ttl.is_some() || group.rules.iter().any(|rule| rule.ttl.is_some());
    if group.decay == Decay::Downgrade {
        if group.mode != Mode::Exclusive || group.tags.len() < 2 {
            let message = "`downgrade` goes one value down: it needs `mode: exclusive` and two `tags` or more, lowest first";
            found.error("/decay", "DECAY_ORDER", message);
        }
        if group.ttl.is_none() {
            let message = "`downgrade` happens when a tag's time is over: the group needs a `ttl`";
            found.error("/decay", "DECAY_TTL", message);
        }
    }
    if group.ttl_mode == TtlMode::Fixed && !lasts {
        found.warning(
            "/ttl_mode",
            "TTL_MODE_UNUSED",
            "no tag of the group has a `ttl`, except where a step gives one",
        );
    }
}

/// Sensitive categories need a purpose and separate consent, or are not published.
fn consent(group: &Group, name: &str, found: &mut Findings) {
    let law = "Personal Information Protection Law (个人信息保护法)";
    match group.category {
        Some(category) if category.is_sensitive() => {
            if group.purpose.as_deref().is_none_or(|purpose| purpose.trim().is_empty()) {
                let message = format!(
                    "tags of a sensitive category need a specific purpose: say it under `purpose` ({law}, art. 28)"
                );
                found.error("/category", "SENSITIVE_PURPOSE", message);
            }
            if group.consent.is_none() {
                let guardian =
                    if category == super::Category::Minors { ", of a guardian (art. 31)" } else { "" };
                let message = format!(
                    "tags of a sensitive category need separate consent{guardian}: give a condition under `consent` ({law}, art. 29)"
                );
                found.error("/category", "SENSITIVE_CONSENT", message);
            }
        }
        Some(_) => {}
        None => {
            let title = group.title.as_deref().unwrap_or_default();
            let names = [name, title].into_iter().chain(group.tags.iter().map(String::as_str));
            let names = names.chain(group.rules.iter().map(|rule| rule.tag.as_str()));
            if let Some((place, word, category)) = sensitive::hint(names) {
                let pointer = match place.checked_sub(2) {
                    Some(value) if value < group.tags.len() => format!("/tags/{value}"),
                    Some(value) => format!("/rules/{}/tag", value - group.tags.len()),
                    None if place == 1 => "/title".to_owned(),
                    None => String::new(),
                };
                let message = format!(
                    "`{word}` sounds like sensitive personal information ({category:?}): say `category` with `purpose` and \
                     `consent`, or `category: ordinary` if it tells nothing of the kind ({law}, art. 28)"
                );
                found.error(pointer, "SENSITIVE_UNDECLARED", message);
            }
        }
    }
}

fn event(event: &str, pointer: &str, found: &mut Findings) {
    if !name::is_event_type(event) {
        let message =
            format!("`{}` is no type of event: expected one such as order.paid", crate::shown(event));
        found.error(pointer, "RULE_ON", message);
    } else if event == <TaggingDue as siyu_plugin::Event>::TYPE {
        found.error(pointer, "RULE_ON", "`tagging.due` is how this plugin follows time: it needs no mention");
    } else if event.starts_with("timer.") {
        let message =
            "no timer is needed: when time alone changes a condition, the group is evaluated at that instant";
        found.warning(pointer, "RULE_TIMER", message);
    }
}

fn rules(group: &Group, found: &mut Findings) {
    if group.rules.len() > RULES_MAX {
        let count = group.rules.len();
        found.error("/rules", "RULES_MAX", format!("{count} rules, expected at most {RULES_MAX}"));
        return;
    }
    for (place, rule) in group.rules.iter().enumerate() {
        let at = format!("/rules/{place}");
        self::rule(group, rule, &at, found);
        if group.rules[..place].iter().any(|other| other.id == rule.id) {
            found.error(format!("{at}/id"), "RULE_ID", format!("two rules are called `{}`", rule.id));
        }
        let rival = group.rules[..place].iter().find(|other| {
            group.mode == Mode::Exclusive && other.priority == rule.priority && other.tag != rule.tag
        });
        if let Some(rival) = rival {
            let first = rival.id.as_str().min(&rule.id);
            let message = format!(
                "`{}` and `{}` have the priority {}: when both hold, `{first}` wins by its name; give them different ones",
                rival.id, rule.id, rule.priority
            );
            found.warning(format!("{at}/priority"), "RULE_TIE", message);
        }
    }
}

fn rule(group: &Group, rule: &Rule, at: &str, found: &mut Findings) {
    let is_id = |symbol: u8| symbol.is_ascii_alphanumeric() || matches!(symbol, b'-' | b'_' | b'.');
    if !(1..=64).contains(&rule.id.len()) || !rule.id.bytes().all(is_id) {
        let message = format!(
            "`{}` is no name of a rule: expected 1 to 64 letters, digits, hyphens, dots or underscores",
            crate::shown(&rule.id)
        );
        found.error(format!("{at}/id"), "RULE_ID", message);
    }
    if rule.confidence > 100 {
        let message = format!("a confidence of {}, expected 0 to 100", rule.confidence);
        found.error(format!("{at}/confidence"), "RULE_CONFIDENCE", message);
    }
    let value = &rule.tag;
    if group.is_closed() && !group.tags.contains(value) {
        let listed = group.tags.join(", ");
        let message = format!("`{}` is none of the group's tags: it has {listed}", crate::shown(value));
        found.error(format!("{at}/tag"), "RULE_TAG", message);
    } else if let Some(fault) = name::fault_of(value) {
        found.error(format!("{at}/tag"), "RULE_TAG", format!("`{}`: {fault}", crate::shown(value)));
    }
    for (place, event) in rule.on.iter().enumerate() {
        self::event(event, &format!("{at}/on/{place}"), found);
    }
    if rule.on.is_empty() && rule.reads_event() {
        let message =
            "the condition reads `event`, so it makes sense for certain events only: list them under `on`";
        found.error(format!("{at}/when"), "RULE_EVENT", message);
    }
    if rule.conditions().any(|condition| super::names(condition.source(), "days_since")) {
        let message = "`days_since` has another value every day, so the group is evaluated daily for every customer: \
                       `older_than(at, '60d')` and `within(at, '7d')` change once";
        found.warning(format!("{at}/when"), "RULE_DAILY", message);
    }
    if rule.hysteresis.is_some() && group.mode == Mode::Multi && !rule.auto_remove {
        let message =
            "without `auto_remove` the tag of a multi group stays anyway: `hysteresis` changes nothing";
        found.warning(format!("{at}/hysteresis"), "HYSTERESIS_UNUSED", message);
    }
}
