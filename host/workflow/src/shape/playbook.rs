//! `playbook.yaml` as it is written. Never checks names or types.

use std::sync::Arc;

use siyu_model::clock::Zone;
use siyu_model::json::Value;
use siyu_model::name::{ChannelName, EventType, PlaybookName, PluginName, SegmentName};
use siyu_model::playbook::{Consent, ContactPolicy, QuietHours};
use siyu_model::plugin::Capability;

use super::declared;
use super::expr::{self, WrittenExpr};
use super::fields::{Fields, wrong_kind};
use super::text::{self, Spanned};
use crate::diagnostics::rules::{
    BAD_QUIET_HOURS, DUPLICATE_NAME, MISSING_KEY, OUT_OF_RANGE, UNKNOWN_CAPABILITY, WRONG_KIND,
};
use crate::diagnostics::{Fault, Report, quoted};
use crate::source::{Entry, Node, Span};

/// `playbook.yaml`.
#[derive(Debug)]
pub(crate) struct WrittenPlaybook {
    pub(crate) name: Option<Spanned<PlaybookName>>,
    pub(crate) title: Option<String>,
    pub(crate) zone: Zone,
    pub(crate) vars: Value,
    pub(crate) plugins: Vec<WrittenPlugin>,
    pub(crate) channels: Vec<Spanned<ChannelName>>,
    pub(crate) contact: ContactPolicy,
    /// Where quiet hours are written.
    pub(crate) quiet_hours_span: Option<Span>,
    pub(crate) events: Vec<WrittenEvent>,
    pub(crate) segments: Vec<WrittenSegment>,
    /// Whether a part of it had faults, so that what is missing may have been meant.
    pub(crate) is_whole: bool,
}

/// A plugin and what it may do here.
#[derive(Debug)]
pub(crate) struct WrittenPlugin {
    pub(crate) name: Spanned<PluginName>,
    pub(crate) major: Option<Spanned<u32>>,
    pub(crate) grants: Vec<Spanned<Capability>>,
}

/// An event from outside.
#[derive(Debug)]
pub(crate) struct WrittenEvent {
    pub(crate) event_type: Spanned<EventType>,
    /// JSON Schema of its data.
    pub(crate) schema: serde_json::Value,
    /// Its fields, for those that hide behind the envelope.
    pub(crate) fields: declared::FieldNames,
}

/// A named expression over a customer.
#[derive(Debug)]
pub(crate) struct WrittenSegment {
    pub(crate) name: Spanned<SegmentName>,
    pub(crate) title: Option<String>,
    pub(crate) condition: WrittenExpr,
}

/// Reads the file; none when it is no object.
pub(crate) fn read(node: &Node, report: &Report<'_>) -> Option<WrittenPlaybook> {
    let before = report.len();
    let mut fields = Fields::of(node, "a playbook", report)?;
    let name = fields.need("playbook").and_then(|node| text::name(node, report));
    let title = fields.value("title").and_then(|node| text::text(node, "a title", report));
    let zone = fields.value("zone").and_then(|node| text::zone(node, report));
    let vars = fields.value("vars").and_then(|node| constants(node, report));
    let plugins = fields.value("plugins").map(|node| named(node, "plugins", plugin, report));
    let channels = fields.value("channels").map(|node| channels(node, report));
    let contact = fields.value("contact").and_then(|node| contact(node, report));
    let events = fields.value("events").map(|node| named(node, "events", event, report));
    let segments = fields.value("segments").map(|node| named(node, "segments", segment, report));
    fields.finish();
    let (contact, quiet_hours_span) = contact.unwrap_or_default();
    Some(WrittenPlaybook {
        name,
        title: title.map(ToString::to_string),
        zone: zone.map_or_else(Zone::utc, |zone| zone.value),
        vars: vars.unwrap_or_else(|| Value::Map(Arc::default())),
        plugins: plugins.unwrap_or_default(),
        channels: channels.unwrap_or_default(),
        contact,
        quiet_hours_span,
        events: events.unwrap_or_default(),
        segments: segments.unwrap_or_default(),
        is_whole: report.len() == before,
    })
}

/// The entries of an object, read one by one.
fn named<T>(
    node: &Node,
    what: &str,
    read: impl Fn(&Entry, &Report<'_>) -> Option<T>,
    report: &Report<'_>,
) -> Vec<T> {
    match node.as_map() {
        Some(entries) => entries.iter().filter_map(|entry| read(entry, report)).collect(),
        None => {
            wrong_kind(node, &format!("{what} by name, an object"), report);
            Vec::new()
        }
    }
}

/// A key that is a name.
fn key<T: std::str::FromStr<Err = siyu_model::name::NameError>>(
    entry: &Entry,
    report: &Report<'_>,
) -> Option<Spanned<T>> {
    match entry.key.parse() {
        Ok(name) => Some(Spanned::new(name, entry.key_span)),
        Err(fault) => {
            let code = crate::diagnostics::rules::BAD_NAME;
            report.add(Fault::new(code, entry.key_span, fault.to_string()));
            None
        }
    }
}

/// `vars`: names with constants.
pub(super) fn constants(node: &Node, report: &Report<'_>) -> Option<Value> {
    let Some(entries) = node.as_map() else {
        wrong_kind(node, "names with constants, an object", report);
        return None;
    };
    for entry in entries {
        text::identifier(&entry.key, entry.key_span, "a variable", report);
    }
    let value = expr::value(node, report)?;
    if let Some(found) = value.doc.expressions().first() {
        let fault =
            Fault::new(WRONG_KIND, found.whole(report), "an expression in `vars`, expected constants")
                .help("use a `set` step for values that are computed");
        report.add(fault);
        return None;
    }
    Some(node.to_value())
}

fn plugin(entry: &Entry, report: &Report<'_>) -> Option<WrittenPlugin> {
    let name = key(entry, report);
    let mut fields = Fields::of(&entry.value, "a plugin", report)?;
    let major = fields.get("version").and_then(|version| {
        let major = text::count(&version.value, 0..=u32::MAX, report)?;
        Some(Spanned::new(major, version.value.span))
    });
    if !fields.has("version") {
        let fault = Fault::new(MISSING_KEY, entry.key_span, "a plugin without `version`")
            .help("write its major version, such as version: 1");
        report.add(fault);
    }
    let grants = fields.value("grant").map(|node| grants(node, report));
    fields.finish();
    Some(WrittenPlugin { name: name?, major, grants: grants.unwrap_or_default() })
}

fn grants(node: &Node, report: &Report<'_>) -> Vec<Spanned<Capability>> {
    let mut grants: Vec<Spanned<Capability>> = Vec::new();
    for item in text::list(node, "capabilities", report).unwrap_or_default() {
        let Some(found) = text::text(item, "a capability", report) else {
            continue;
        };
        // What is of the network is granted where a channel is configured: a step has nothing of it.
        match found.parse::<Capability>().ok().filter(|grant| !grant.is_of_network()) {
            Some(grant) if grants.iter().any(|known| known.value == grant) => {
                let message = format!("the capability {} twice", quoted(found));
                report.add(Fault::new(DUPLICATE_NAME, item.span, message));
            }
            Some(grant) => grants.push(Spanned::new(grant, item.span)),
            None => {
                let names = Capability::OF_STEPS.map(Capability::as_str);
                let fault =
                    Fault::new(UNKNOWN_CAPABILITY, item.span, format!("{} is no capability", quoted(found)))
                        .near(found, names, report);
                report.add(fault);
            }
        }
    }
    grants
}

fn channels(node: &Node, report: &Report<'_>) -> Vec<Spanned<ChannelName>> {
    let mut channels: Vec<Spanned<ChannelName>> = Vec::new();
    for item in text::list(node, "channels", report).unwrap_or_default() {
        let Some(channel) = text::name::<ChannelName>(item, report) else {
            continue;
        };
        if channels.iter().any(|known| known.value == channel.value) {
            let message = format!("the channel `{}` twice", channel.value);
            report.add(Fault::new(DUPLICATE_NAME, item.span, message));
        } else {
            channels.push(channel);
        }
    }
    channels
}

fn contact(node: &Node, report: &Report<'_>) -> Option<(ContactPolicy, Option<Span>)> {
    let mut fields = Fields::of(node, "`contact`", report)?;
    let quiet = fields.value("quiet_hours");
    let quiet_hours = quiet.and_then(|node| quiet_hours(node, report));
    let mut cap = |name: &'static str, span: &str| {
        let node = fields.value(name)?;
        let cap = text::count(node, 0..=1_000, report);
        if cap == Some(0) {
            let message = format!("0 marketing messages a {span}: none would ever be sent");
            let fault = Fault::new(OUT_OF_RANGE, node.span, message);
            report.add(fault.help("leave marketing templates out instead"));
        }
        cap
    };
    let marketing_per_day = cap("marketing_per_day", "day");
    let marketing_per_week = cap("marketing_per_week", "week");
    let words = [("until_withdrawn", Consent::UntilWithdrawn), ("required", Consent::Required)];
    let consent = fields.value("consent").and_then(|node| text::word(node, &words, report));
    fields.finish();
    let consent = consent.unwrap_or_default();
    let policy = ContactPolicy { quiet_hours, marketing_per_day, marketing_per_week, consent };
    Some((policy, quiet.map(|node| node.span)))
}

fn quiet_hours(node: &Node, report: &Report<'_>) -> Option<QuietHours> {
    let found = text::text(node, "quiet hours such as \"21:00-09:00\"", report)?;
    let parts = found.split_once('-').map(|(from, to)| (minute(from), minute(to)));
    let Some((Some(from_minute), Some(to_minute))) = parts else {
        let message = format!("{} are no quiet hours: expected \"21:00-09:00\"", quoted(found));
        report.add(Fault::new(BAD_QUIET_HOURS, node.span, message));
        return None;
    };
    if from_minute == to_minute {
        let fault = Fault::new(BAD_QUIET_HOURS, node.span, "quiet hours that begin when they end")
            .help("leave them out when there are none");
        report.add(fault);
        return None;
    }
    Some(QuietHours { from_minute, to_minute })
}

/// Minutes since midnight of `21:00`.
fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.trim().split_once(':')?;
    let number = |part: &str, below: u16| {
        let is_plain = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse::<u16>().ok().filter(|number| is_plain && *number < below)
    };
    Some(number(hour, 24)? * 60 + number(minute, 60)?)
}

fn event(entry: &Entry, report: &Report<'_>) -> Option<WrittenEvent> {
    let event_type = key(entry, report);
    let mut fields = Fields::of(&entry.value, "an event", report)?;
    if let Some(node) = fields.value("summary") {
        text::text(node, "a summary", report);
    }
    let declared = fields.value("fields");
    let (schema, names) = match declared {
        Some(node) => declared::fields(node, report)?,
        None => (declared::no_fields(), Vec::new()),
    };
    fields.finish();
    Some(WrittenEvent { event_type: event_type?, schema, fields: names })
}

fn segment(entry: &Entry, report: &Report<'_>) -> Option<WrittenSegment> {
    let name = key(entry, report);
    let mut fields = Fields::of(&entry.value, "a segment", report)?;
    let title = fields.value("title").and_then(|node| text::text(node, "a title", report));
    let condition = fields.need("if").and_then(|node| expr::bare(node, report));
    fields.finish();
    Some(WrittenSegment { name: name?, title: title.map(ToString::to_string), condition: condition? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_day_have_two_digits_each() {
        assert_eq!(minute("21:00"), Some(1_260));
        assert_eq!(minute(" 00:05 "), Some(5));
        for text in ["9:00", "24:00", "12:60", "12", "12:5", "+1:00", "ab:cd"] {
            assert_eq!(minute(text), None, "{text}");
        }
    }
}
