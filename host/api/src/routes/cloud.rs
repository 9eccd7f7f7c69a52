//! CloudEvents 1.0 in structured JSON: the names are Siyu's own, so only what surrounds an event is taken off.
//!
//! Source: the JSON format of CloudEvents 1.0.2. Extensions that only carry a trace are taken off too; any other is
//! refused, because nothing would come of it.

use std::borrow::Cow;

use serde_json::Value;
use siyu_model::event::IncomingEvent;
use siyu_model::json::check_within;
use siyu_model::limits::json::DOCUMENT_BYTES_MAX;

use crate::problem::Problem;

/// What an envelope holds beside the event.
const AROUND: [&str; 4] = ["datacontenttype", "dataschema", "traceparent", "tracestate"];

/// Reads one event: an envelope of CloudEvents, or an event alone. An event without an id gets the one that is given.
pub(super) fn event(text: &str, id: Option<&str>) -> Result<IncomingEvent, Problem> {
    let fault = |why: String| Problem::invalid("EVENT", why);
    // Most events are no envelopes, and have an id: they are read once.
    let is_plain = id.is_none() && !text.contains("\"specversion\"");
    let text = if is_plain { Cow::Borrowed(text) } else { Cow::Owned(unwrapped(text, id)?) };
    let event = IncomingEvent::from_json(&text).map_err(|why| fault(why.to_string()))?;
    match id {
        Some(id) if event.id != id => Err(Problem::invalid(
            "IDEMPOTENCY_KEY",
            "the event has an `id`, which makes it the same when it comes again: expected no \
             `Idempotency-Key`, or the same text",
        )),
        _ => Ok(event),
    }
}

fn unwrapped(text: &str, id: Option<&str>) -> Result<String, Problem> {
    let fault = |why: String| Problem::invalid("EVENT", why);
    check_within(text, DOCUMENT_BYTES_MAX).map_err(|why| fault(format!("event: {why}")))?;
    let mut value: Value = serde_json::from_str(text).map_err(|why| fault(format!("not an event: {why}")))?;
    let Some(members) = value.as_object_mut() else { return Ok(text.to_owned()) };
    if let Some(version) = members.remove("specversion") {
        if version != "1.0" {
            return Err(fault(format!("`specversion` is {version}: expected \"1.0\"")));
        }
        if let Some(kind) = members.get("datacontenttype").filter(|kind| **kind != "application/json") {
            return Err(fault(format!("`datacontenttype` is {kind}: expected \"application/json\"")));
        }
        if members.contains_key("data_base64") {
            return Err(fault("`data_base64`: expected `data`, a JSON object".to_owned()));
        }
        AROUND.iter().for_each(|name| drop(members.remove(*name)));
    }
    if let Some(id) = id {
        members.entry("id").or_insert_with(|| id.into());
    }
    serde_json::to_string(&value).map_err(|why| fault(why.to_string()))
}

#[cfg(test)]
mod tests {
    use super::event;

    #[test]
    fn an_envelope_is_taken_off() {
        let text = r#"{"specversion":"1.0","datacontenttype":"application/json","traceparent":"00-1","id":"1",
            "type":"order.paid","source":"/shop","subject":"shop:1","time":"2026-11-21T09:00:00+08:00","data":{"a":1}}"#;
        let event = event(text, None).unwrap();
        assert_eq!((event.id.as_str(), event.source.as_str()), ("1", "/shop"));
    }

    #[test]
    fn a_key_is_the_id_of_an_event_without_one() {
        let plain = r#"{"type":"order.paid"}"#;
        assert_eq!(event(plain, Some("k")).unwrap().id, "k");
        assert_eq!(event(r#"{"id":"k","type":"a"}"#, Some("k")).unwrap().id, "k");
        let fault = event(r#"{"id":"other","type":"a"}"#, Some("k")).unwrap_err();
        assert!(fault.detail().contains("the event has an `id`"), "{}", fault.detail());
        assert!(event(plain, None).unwrap_err().detail().contains("missing field `id`"));
    }

    #[test]
    fn faults_say_what_was_found_and_expected() {
        for (text, part) in [
            (r#"{"specversion":"0.3","id":"1","type":"a"}"#, "`specversion` is \"0.3\": expected \"1.0\""),
            (
                r#"{"specversion":"1.0","id":"1","type":"a","datacontenttype":"text/xml"}"#,
                "expected \"application/json\"",
            ),
            (r#"{"specversion":"1.0","id":"1","type":"a","data_base64":"AA=="}"#, "expected `data`"),
            (r#"{"specversion":"1.0","id":"1","type":"a","partition":"x"}"#, "unknown field `partition`"),
            (r#"["specversion"]"#, "not an event"),
        ] {
            let fault = event(text, None).unwrap_err();
            assert!(fault.detail().contains(part), "{text}: {}", fault.detail());
        }
    }
}
