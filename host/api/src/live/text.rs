//! What is sent of a log, as `text/event-stream`, and where its readers stand.

use serde::Serialize;
use serde_json::value::RawValue;
use siyu_engine::ports::log::{LogPart, LogPlace, LoggedEvent, LoggedLine};
use siyu_engine::ports::rows::JournalRow;
use siyu_model::event::EventSeq;
use siyu_model::id::RunId;
use siyu_model::journal::JournalKind;

/// What is sent first: when a browser that lost its connection may come back, milliseconds.
pub(super) const FIRST: &str = "retry: 2000\n\n";
/// Nothing happened, and the connection is alive.
pub(super) const BEAT: &str = ":\n\n";

/// Where a message stands in its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum At {
    /// Among events.
    Event(EventSeq),
    /// Among the lines of all journals.
    Line(u64),
}

/// One message, without its id: that says how far whoever reads has come.
#[derive(Debug)]
pub(super) struct Message {
    /// Where it stands.
    pub(super) at: At,
    /// Of which run it is a line, with its place there and its kind.
    pub(super) line: Option<(RunId, u32, JournalKind)>,
    /// `event:` and `data:`, with the empty line that ends them.
    pub(super) text: String,
}

impl Message {
    /// Whether whoever stands at a place has it already.
    pub(super) fn is_before(&self, seen: LogPlace) -> bool {
        match self.at {
            At::Event(seq) => seq <= seen.event,
            At::Line(place) => place <= seen.line,
        }
    }

    /// Where whoever takes it stands then.
    pub(super) fn then(&self, seen: LogPlace) -> LogPlace {
        match self.at {
            At::Event(event) => LogPlace { event, ..seen },
            At::Line(line) => LogPlace { line, ..seen },
        }
    }
}

/// A place as an `id:` says it: `41.1207`.
pub(super) fn id_of(place: LogPlace) -> String {
    format!("id: {}.{}\n", place.event.0, place.line)
}

/// The place that a `Last-Event-ID` says; none when it is none of a tenant's stream.
pub(crate) fn place_of(text: &str) -> Option<LogPlace> {
    let (event, line) = text.split_once('.')?;
    let number = |text: &str| text.parse::<u64>().ok().filter(|number| i64::try_from(*number).is_ok());
    Some(LogPlace { event: EventSeq(number(event)?), line: number(line)? })
}

/// The place in a run's journal that a `Last-Event-ID` says; none when it is none of a run's stream.
pub(crate) fn row_of(text: &str) -> Option<u32> {
    text.parse().ok()
}

/// A value that is JSON text already. What is kept as JSON was checked when it was written; what is none is left out.
fn raw(text: Option<&str>) -> Option<&RawValue> {
    text.and_then(|text| serde_json::from_str(text).ok())
}

/// A message's lines; its data is JSON, which has no line breaks but escaped ones.
fn text_of(name: &str, data: &impl Serialize) -> String {
    match serde_json::to_string(data) {
        // Documents are kept as they were given, and may have been given on several lines.
        Ok(data) => format!("event: {name}\ndata: {}\n\n", data.replace(['\n', '\r'], " ")),
        Err(fault) => {
            tracing::error!(%fault, "a message has no JSON form");
            format!("event: {name}\ndata: {{}}\n\n")
        }
    }
}

/// Something that is about the stream itself.
pub(super) fn about(name: &str, data: &impl Serialize) -> String {
    text_of(name, data)
}

fn event(event: &LoggedEvent) -> Message {
    #[derive(Serialize)]
    struct Recorded<'e> {
        seq: EventSeq,
        #[serde(rename = "type")]
        event_type: &'e str,
        source: &'e str,
        id: &'e str,
        customer: Option<String>,
        occurred_at: String,
        recorded_at: String,
        outcome: Option<&'e RawValue>,
    }
    let data = Recorded {
        seq: event.seq,
        event_type: event.event_type.as_str(),
        source: &event.source,
        id: &event.id,
        customer: event.customer.map(|id| id.to_string()),
        occurred_at: event.occurred_at.to_string(),
        recorded_at: event.recorded_at.to_string(),
        outcome: raw(Some(&event.outcome)),
    };
    Message { at: At::Event(event.seq), line: None, text: text_of("recorded", &data) }
}

/// A line of a run's journal.
pub(super) fn line(row: &JournalRow, is_cut: bool) -> String {
    #[derive(Serialize)]
    struct Line<'l> {
        run: RunId,
        row: u32,
        at: String,
        step: Option<String>,
        fiber: u32,
        kind: &'l str,
        detail: Option<&'l RawValue>,
        /// The detail is too long for a stream, and in the run's journal.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        is_cut: bool,
    }
    let entry = &row.entry;
    text_of(
        "journal",
        &Line {
            run: row.run,
            row: row.row,
            at: entry.at.to_string(),
            step: entry.step.as_ref().map(ToString::to_string),
            fiber: entry.fiber,
            kind: entry.kind.as_str(),
            detail: raw(entry.detail.as_deref()).filter(|_| !is_cut),
            is_cut,
        },
    )
}

fn logged(found: &LoggedLine) -> Message {
    let LoggedLine { place, line: row, is_cut } = found;
    Message { at: At::Line(*place), line: Some((row.run, row.row, row.entry.kind)), text: line(row, *is_cut) }
}

/// The messages of a part of both logs in one order: by time, and an event before what it caused. A log that goes on
/// beyond the part holds back what the other one says of later instants, for the part after it.
pub(super) fn messages(part: &LogPart, limit: usize) -> Vec<Message> {
    let cut = |is_full: bool, last: Option<siyu_model::clock::UtcMs>| last.filter(|_| is_full);
    let events_end = cut(part.events.len() >= limit, part.events.last().map(|event| event.recorded_at));
    let lines_end = cut(part.lines.len() >= limit, part.lines.last().map(|line| line.line.entry.at));
    let mut events = part
        .events
        .iter()
        .take_while(|event| lines_end.is_none_or(|end| event.recorded_at <= end))
        .peekable();
    let mut lines = part
        .lines
        .iter()
        .take_while(|line| events_end.is_none_or(|end| line.line.entry.at <= end))
        .peekable();
    let mut messages = Vec::with_capacity(part.events.len() + part.lines.len());
    loop {
        let is_event = match (events.peek(), lines.peek()) {
            (Some(event), Some(line)) => event.recorded_at <= line.line.entry.at,
            (event, _) => event.is_some(),
        };
        let next = if is_event { events.next().map(event) } else { lines.next().map(logged) };
        match next {
            Some(message) => messages.push(message),
            None => break,
        }
    }
    if messages.is_empty() {
        // Two full parts whose instants do not fit together, since a clock was set back: each log keeps its own order.
        messages.extend(part.events.iter().map(event));
        messages.extend(part.lines.iter().map(logged));
    }
    messages
}

#[cfg(test)]
mod tests {
    use siyu_model::clock::UtcMs;
    use siyu_model::journal::JournalEntry;

    use super::*;

    fn part(events: &[(u64, i64)], lines: &[(u64, i64)]) -> LogPart {
        let events = events.iter().map(|(seq, at)| LoggedEvent {
            seq: EventSeq(*seq),
            id: "1".to_owned(),
            source: "shop".to_owned(),
            event_type: "order.paid".parse().unwrap(),
            customer: None,
            occurred_at: UtcMs::from_millis(*at),
            recorded_at: UtcMs::from_millis(*at),
            outcome: "{\n}".to_owned(),
        });
        let lines = lines.iter().map(|(place, at)| {
            let at = UtcMs::from_millis(*at);
            let detail = Some("{\"a\":\n1}".to_owned());
            let entry = JournalEntry { at, step: None, fiber: 0, kind: JournalKind::Done, detail };
            let run = RunId::derive(UtcMs::EPOCH, &[b"run"]);
            LoggedLine { place: *place, line: JournalRow { run, row: 0, entry }, is_cut: false }
        });
        LogPart { events: events.collect(), lines: lines.collect(), end: LogPlace::default() }
    }

    fn told(part: &LogPart, limit: usize) -> String {
        let told = messages(part, limit).into_iter().map(|message| match message.at {
            At::Event(seq) => format!("e{}", seq.0),
            At::Line(place) => format!("l{place}"),
        });
        told.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn both_logs_are_woven_by_time_and_nothing_is_told_before_what_may_lie_before_it() {
        for (events, lines, limit, expected) in [
            (&[(1, 10), (2, 20)][..], &[(1, 10), (2, 10), (3, 20)][..], 9, "e1 l1 l2 e2 l3"),
            (&[], &[(1, 10)], 9, "l1"),
            (&[(1, 10)], &[], 9, "e1"),
            (&[], &[], 9, ""),
            // There are more events: lines of later instants wait for them.
            (&[(1, 10), (2, 20)], &[(1, 15), (2, 30)], 2, "e1 l1 e2"),
            (&[(1, 10), (2, 40)], &[(1, 15), (2, 30)], 2, "e1 l1 l2"),
            // A clock was set back in between: each log in its own order.
            (&[(1, 100), (2, 50)], &[(1, 70), (2, 60)], 2, "e1 e2 l1 l2"),
        ] {
            assert_eq!(told(&part(events, lines), limit), expected, "{events:?} {lines:?}");
        }
    }

    #[test]
    fn a_message_is_one_line_of_data_whatever_lines_its_documents_have() {
        for message in messages(&part(&[(1, 1)], &[(1, 1)]), 9) {
            let lines: Vec<&str> = message.text.split('\n').collect();
            assert!(lines[0].starts_with("event: ") && lines[1].starts_with("data: {"), "{lines:?}");
            assert_eq!((lines.len(), lines[2], lines[3]), (4, "", ""), "{lines:?}");
        }
    }

    #[test]
    fn a_place_survives_its_text_form() {
        let place = LogPlace { event: EventSeq(41), line: 1_207 };
        assert_eq!(id_of(place), "id: 41.1207\n");
        assert_eq!(place_of("41.1207"), Some(place));
        for wrong in ["", ".", "41", "41.", "a.b", "1.2.3", "-1.2", "1.18446744073709551616"] {
            assert_eq!(place_of(wrong), None, "{wrong}");
        }
    }
}
