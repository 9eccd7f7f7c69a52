//! What a plugin found in a request, as events: checked as a whole before any of it is taken in.

use std::collections::HashSet;

use siyu_model::clock::UtcMs;
use siyu_model::event::IncomingEvent;
use siyu_model::json::{self, Value};
use siyu_model::limits::hooks::{ANSWER_BYTES_MAX, EVENTS_MAX};
use siyu_model::limits::json::DOCUMENT_BYTES_MAX;
use siyu_model::name::SourceName;
use siyu_model::plugin::{Fault, FaultKind};

use crate::ports::hooks::{Accepted, HookEvent};

/// What a fault of a plugin's answer is called.
const CODE: &str = "SOURCE_ANSWER";

fn fault(message: String) -> Fault {
    Fault { kind: FaultKind::Permanent, code: CODE.to_owned(), message, fields: Vec::new() }
}

/// Whether the answer to a sender is one.
pub(super) fn check_answer(accepted: &Accepted) -> Result<(), Fault> {
    let Accepted { status, content_type, body, .. } = accepted;
    if !(200..=299).contains(status) {
        return Err(fault(format!("the plugin accepts and answers {status}: expected 200 to 299")));
    }
    if body.len() > ANSWER_BYTES_MAX {
        let found = body.len();
        return Err(fault(format!("the answer has {found} bytes: expected at most {ANSWER_BYTES_MAX}")));
    }
    let is_visible = |byte: u8| (0x20..0x7f).contains(&byte);
    if content_type.is_empty() || content_type.len() > 128 || !content_type.bytes().all(is_visible) {
        return Err(fault("the kind of the answer: expected 1 to 128 visible characters".to_owned()));
    }
    Ok(())
}

/// All events of a request, or what is wrong with one of them. An event without a time happened when the request came.
pub(super) fn incoming(
    source: &SourceName,
    events: &[HookEvent],
    received_at: UtcMs,
) -> Result<Vec<IncomingEvent>, Fault> {
    if events.len() > EVENTS_MAX {
        let found = events.len();
        return Err(fault(format!("{found} events in one request: expected at most {EVENTS_MAX}")));
    }
    let mut ids = HashSet::new();
    let mut incoming = Vec::with_capacity(events.len());
    for (event, place) in events.iter().zip(1..) {
        let wrong = |why: String| fault(format!("event {place}: {why}"));
        if !ids.insert(event.id.as_str()) {
            return Err(wrong("another of the same request has its id: expected ids that differ".to_owned()));
        }
        let data: Value = json::parse_within(&event.data, DOCUMENT_BYTES_MAX)
            .map_err(|why| wrong(format!("its data: {why}")))?;
        let subject = event.subject.as_deref().map(str::parse).transpose();
        let incoming_event = IncomingEvent {
            id: event.id.clone(),
            event_type: event.event_type.parse().map_err(|why| wrong(format!("{why}")))?,
            source: source.to_string(),
            subject: subject.map_err(|why| wrong(format!("{why}")))?,
            time: Some(match event.time {
                Some(number) => instant(number).ok_or_else(|| wrong(format!("its time is {number}")))?,
                None => received_at,
            }),
            data,
        };
        incoming_event.check().map_err(|why| wrong(why.to_string()))?;
        incoming.push(incoming_event);
    }
    Ok(incoming)
}

/// Whole milliseconds from 1970 to the year 9999.
fn instant(number: f64) -> Option<UtcMs> {
    let last = UtcMs::LAST.as_millis() as f64;
    let is_instant = number.is_finite() && number.fract() == 0.0 && (0.0..=last).contains(&number);
    is_instant.then(|| UtcMs::from_millis(number as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: &str) -> HookEvent {
        HookEvent {
            id: id.to_owned(),
            event_type: "order.paid".to_owned(),
            subject: Some("shop:42".to_owned()),
            time: Some(5.0),
            data: r#"{"amount_fen":1}"#.to_owned(),
        }
    }

    fn read(events: &[HookEvent]) -> Result<Vec<IncomingEvent>, String> {
        let source = "shop".parse().unwrap();
        incoming(&source, events, UtcMs::from_millis(9)).map_err(|fault| fault.message)
    }

    #[test]
    fn an_event_has_the_name_of_its_source_and_the_time_that_it_says() {
        let found = read(&[event("1"), HookEvent { time: None, subject: None, ..event("2") }]).unwrap();
        assert_eq!((found[0].source.as_str(), found[0].time), ("shop", Some(UtcMs::from_millis(5))));
        assert_eq!((found[1].subject.as_ref(), found[1].time), (None, Some(UtcMs::from_millis(9))));
    }

    #[test]
    fn what_is_no_event_is_said_with_its_place() {
        let many: Vec<_> = (0..=EVENTS_MAX).map(|number| event(&number.to_string())).collect();
        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(DOCUMENT_BYTES_MAX));
        for (events, part) in [
            (vec![event("1"), event("1")], "event 2: another of the same request has its id"),
            (vec![event("")], "event 1: "),
            (vec![event(&"i".repeat(257))], "event 1: "),
            (vec![HookEvent { event_type: "Paid".to_owned(), ..event("1") }], "is not an event type"),
            (vec![HookEvent { subject: Some("nobody".to_owned()), ..event("1") }], "event 1: "),
            (vec![HookEvent { time: Some(0.5), ..event("1") }], "its time is 0.5"),
            (vec![HookEvent { time: Some(f64::NAN), ..event("1") }], "its time is NaN"),
            (vec![HookEvent { time: Some(1e300), ..event("1") }], "its time is 1"),
            (vec![HookEvent { data: "[1]".to_owned(), ..event("1") }], "event 1: "),
            (vec![HookEvent { data: "{".to_owned(), ..event("1") }], "its data: "),
            (vec![HookEvent { data: long, ..event("1") }], "its data: "),
            (many, "101 events in one request: expected at most 100"),
        ] {
            let fault = read(&events).unwrap_err();
            assert!(fault.contains(part), "{part}: {fault}");
        }
    }

    #[test]
    fn an_answer_that_no_sender_could_read_is_a_fault_of_the_plugin() {
        let answer = |status: u16, content_type: &str, body: usize| Accepted {
            events: Vec::new(),
            status,
            content_type: content_type.to_owned(),
            body: vec![b'a'; body],
        };
        assert_eq!(check_answer(&answer(204, "text/plain; charset=utf-8", 0)), Ok(()));
        for wrong in [
            answer(302, "text/plain", 0),
            answer(0, "text/plain", 0),
            answer(500, "text/plain", 0),
            answer(200, "", 0),
            answer(200, "text/plain\r\nset-cookie: a", 0),
            answer(200, "text/plain", ANSWER_BYTES_MAX + 1),
        ] {
            assert!(check_answer(&wrong).is_err(), "{wrong:?}");
        }
    }
}
