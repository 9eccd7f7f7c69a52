//! What event a request that is verified becomes.
//!
//! What stands where the configuration says is taken as it is, or the request is malformed: nothing is guessed.

use serde_json::Value;
use sha2::{Digest, Sha256};
use siyu_plugin::{Hook, HookEvent, HookRefusal, Instant};

use crate::config::{Id, Mapping, Part, Subject, Time, TimeFormat, Type};
use crate::scheme::{Signed, once};

/// Bytes of an id.
const ID_BYTES_MAX: usize = 256;

/// The event of a request.
pub(crate) fn event(mapping: &Mapping, hook: &Hook, signed: &Signed) -> Result<HookEvent, HookRefusal> {
    let body: Value = serde_json::from_slice(&hook.body)
        .map_err(|why| HookRefusal::malformed(format!("the body is no JSON: {why}")))?;
    let data = at(&body, &mapping.data, "data")?;
    if !data.is_object() {
        return Err(HookRefusal::malformed(format!("at `{}` stands no object", mapping.data)));
    }
    let id = match (&mapping.id, &signed.id) {
        (Some(id), _) => named(id, hook, &body)?,
        (None, Some(id)) => id.clone(),
        (None, None) => hash(&hook.body),
    };
    let subject = mapping.subject.as_ref().map(|subject| subject_of(subject, &body)).transpose()?.flatten();
    let time = mapping.time.as_ref().map(|time| time_of(time, &body)).transpose()?;
    Ok(HookEvent {
        id,
        event_type: type_of(&mapping.event_type, hook, &body)?,
        subject,
        time,
        data: data.clone(),
    })
}

fn at<'b>(body: &'b Value, pointer: &str, what: &str) -> Result<&'b Value, HookRefusal> {
    body.pointer(pointer)
        .ok_or_else(|| HookRefusal::malformed(format!("nothing stands at `{pointer}`, which is the {what}")))
}

/// A text, or a whole number as text.
fn text(value: &Value, pointer: &str, what: &str) -> Result<String, HookRefusal> {
    match value {
        Value::String(text) if !text.is_empty() => Ok(text.clone()),
        Value::Number(number) if number.is_i64() || number.is_u64() => Ok(number.to_string()),
        _ => Err(HookRefusal::malformed(format!(
            "at `{pointer}`, which is the {what}, stands no text and no whole number"
        ))),
    }
}

fn part(from: &Part, hook: &Hook, body: &Value, what: &str) -> Result<String, HookRefusal> {
    match from {
        Part::Pointer(pointer) => text(at(body, pointer, what)?, pointer, what),
        Part::Header(name) => once(hook, name).map(str::to_owned).map_err(|_| {
            HookRefusal::malformed(format!("the field `{name}`, which is the {what}, is not there once"))
        }),
    }
}

fn named(id: &Id, hook: &Hook, body: &Value) -> Result<String, HookRefusal> {
    let id = format!("{}{}", id.prefix, part(&id.from, hook, body, "id")?);
    if id.len() > ID_BYTES_MAX || id.chars().any(char::is_control) {
        let found = id.len();
        return Err(HookRefusal::malformed(format!(
            "the id has {found} bytes: expected at most {ID_BYTES_MAX} without control characters"
        )));
    }
    Ok(id)
}

/// A request without a name of its own is known by what it says.
fn hash(body: &[u8]) -> String {
    Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Dotted lower-case words: what is no letter, digit, hyphen or underscore parts them.
fn type_of(wanted: &Type, hook: &Hook, body: &Value) -> Result<String, HookRefusal> {
    let rest = wanted.from.as_ref().map(|from| part(from, hook, body, "type")).transpose()?;
    let rest = rest.unwrap_or_default().to_ascii_lowercase();
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    let words: Vec<&str> = rest.split(|c| !is_word(c)).filter(|word| !word.is_empty()).collect();
    let found = format!("{}{}", wanted.prefix, words.join("."));
    let is_type = (1..=128).contains(&found.len())
        && found
            .split('.')
            .all(|word| word.starts_with(|c: char| c.is_ascii_lowercase()) && word.chars().all(is_word));
    if is_type {
        return Ok(found);
    }
    let shown: String = found.chars().take(64).collect();
    Err(HookRefusal::malformed(format!("`{shown}` is no type of an event: expected dotted lower-case words")))
}

fn subject_of(subject: &Subject, body: &Value) -> Result<Option<String>, HookRefusal> {
    match body.pointer(&subject.pointer) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            let name = text(value, &subject.pointer, "subject")?;
            Ok(Some(format!("{}:{name}", subject.namespace)))
        }
    }
}

fn time_of(time: &Time, body: &Value) -> Result<Instant, HookRefusal> {
    let value = at(body, &time.pointer, "time")?;
    let wrong = || {
        let pointer = &time.pointer;
        HookRefusal::malformed(format!("at `{pointer}`, which is the time, stands none of its format"))
    };
    let millis = match (time.format, value) {
        (TimeFormat::Rfc3339, Value::String(text)) => return text.parse().map_err(|_| wrong()),
        (TimeFormat::Seconds, Value::Number(number)) => number.as_i64().and_then(|s| s.checked_mul(1_000)),
        (TimeFormat::Milliseconds, Value::Number(number)) => number.as_i64(),
        _ => None,
    };
    let last = Instant::LAST.as_millis();
    millis.filter(|millis| (0..=last).contains(millis)).map(Instant::from_millis).ok_or_else(wrong)
}

#[cfg(test)]
mod tests;
