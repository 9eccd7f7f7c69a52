//! Secrets of a request: `{{secret:NAME}}` is filled in just before sending, and put back where an answer repeats the value.
//!
//! What a plugin wrote is read once: a value that looks like a placeholder is not filled in again.

use siyu_engine::ports::network::{SecretText, SendError, SendErrorCode, Sender};
use siyu_model::limits::network::SECRET_BYTES_MAX;
use siyu_model::plugin::Place;

/// What a placeholder begins with.
const BEGIN: &str = "{{secret:";
/// What it ends with.
const END: &str = "}}";
/// Bytes of the name of a secret.
const NAME_BYTES_MAX: usize = 64;
/// Values that are shorter are not searched for in answers: they would be found everywhere.
const SEARCHED_BYTES_MIN: usize = 6;

/// The secrets of one request.
pub(crate) struct Filling<'a> {
    sender: &'a Sender,
    used: Vec<(String, SecretText)>,
}

/// How a value is written where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    /// As it is.
    Plainly,
    /// Percent-encoded.
    InQuery,
    /// Inside a text of JSON.
    InJson,
}

impl<'a> Filling<'a> {
    pub(crate) fn new(sender: &'a Sender) -> Self {
        Self { sender, used: Vec::new() }
    }

    /// Whether anything was filled in.
    pub(crate) fn is_used(&self) -> bool {
        !self.used.is_empty()
    }

    /// A text with its secrets. In a body, what the manifest does not fill in stays as it is: a customer may have written it.
    pub(crate) async fn fill(
        &mut self,
        text: &str,
        place: Place,
        written: Written,
    ) -> Result<String, SendError> {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(BEGIN) {
            let (before, from) = rest.split_at(at);
            filled.push_str(before);
            let Some((name, after)) = name_at(from) else {
                filled.push_str(BEGIN);
                rest = &from[BEGIN.len()..];
                continue;
            };
            let is_placed = self.sender.places.get(name).is_some_and(|places| places.contains(&place));
            if is_placed {
                let value = self.value(name).await?;
                filled.push_str(&write(value.reveal(), written));
            } else if place == Place::Body {
                filled.push_str(&from[..from.len() - after.len()]);
            } else {
                return Err(SendError::denied(format!(
                    "the plugin's manifest does not say that the secret `{name}` is filled into the {}",
                    place.as_str()
                )));
            }
            rest = after;
        }
        filled.push_str(rest);
        Ok(filled)
    }

    async fn value(&mut self, name: &str) -> Result<SecretText, SendError> {
        if let Some((_, value)) = self.used.iter().find(|(known, _)| known == name) {
            return Ok(value.clone());
        }
        let unread = |why: String| SendError {
            code: SendErrorCode::Unreachable,
            message: format!("the secret `{name}` cannot be read now: {why}"),
            may_have_arrived: false,
            retry_after_ms: None,
        };
        let found = self.sender.secrets.secret(name).await.map_err(unread)?;
        let value =
            found.ok_or_else(|| SendError::denied(format!("the channel has no secret `{name}`: set it")))?;
        if value.reveal().len() > SECRET_BYTES_MAX {
            return Err(SendError::denied(format!(
                "the secret `{name}` has more than {SECRET_BYTES_MAX} bytes"
            )));
        }
        self.used.push((name.to_owned(), value.clone()));
        Ok(value)
    }

    /// An answer in which no value stands, however it is written.
    pub(crate) fn hide(&self, bytes: Vec<u8>) -> Vec<u8> {
        self.used.iter().fold(bytes, |bytes, (name, value)| {
            let value = value.reveal();
            if value.len() < SEARCHED_BYTES_MIN {
                return bytes;
            }
            let placeholder = format!("{BEGIN}{name}{END}");
            let mut forms =
                vec![value.to_owned(), write(value, Written::InQuery), write(value, Written::InJson)];
            forms.dedup();
            forms.iter().fold(bytes, |bytes, form| replaced(bytes, form.as_bytes(), placeholder.as_bytes()))
        })
    }

    /// The same for a text.
    pub(crate) fn hide_text(&self, text: String) -> String {
        if self.used.is_empty() {
            return text;
        }
        String::from_utf8_lossy(&self.hide(text.into_bytes())).into_owned()
    }
}

/// The name of the placeholder that a text begins with, and what comes after it.
fn name_at(text: &str) -> Option<(&str, &str)> {
    let (name, after) = text.strip_prefix(BEGIN)?.split_once(END)?;
    let is_plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-');
    ((1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(is_plain)).then_some((name, after))
}

fn write(value: &str, written: Written) -> String {
    match written {
        Written::Plainly => value.to_owned(),
        Written::InQuery => url::form_urlencoded::byte_serialize(value.as_bytes()).collect(),
        Written::InJson => {
            let mut text = String::with_capacity(value.len());
            for c in value.chars() {
                match c {
                    '"' | '\\' => text.extend(['\\', c]),
                    '\n' => text.push_str("\\n"),
                    '\r' => text.push_str("\\r"),
                    '\t' => text.push_str("\\t"),
                    c if c.is_control() => text.push_str(&format!("\\u{:04x}", u32::from(c))),
                    c => text.push(c),
                }
            }
            text
        }
    }
}

fn replaced(bytes: Vec<u8>, wanted: &[u8], by: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes.as_slice();
    while let Some(first) = rest.iter().position(|byte| *byte == wanted[0]) {
        let (before, from) = rest.split_at(first);
        out.extend_from_slice(before);
        if from.starts_with(wanted) {
            out.extend_from_slice(by);
            rest = &from[wanted.len()..];
        } else {
            out.push(from[0]);
            rest = &from[1..];
        }
    }
    out.extend_from_slice(rest);
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use async_trait::async_trait;
    use siyu_engine::ports::network::SecretValues;

    use super::*;

    struct Table;

    #[async_trait]
    impl SecretValues for Table {
        async fn secret(&self, name: &str) -> Result<Option<SecretText>, String> {
            match name {
                "key" => Ok(Some(SecretText::new("s3cr\"t {{secret:other}} &"))),
                "broken" => Err("the store is away".to_owned()),
                _ => Ok(None),
            }
        }
    }

    fn sender() -> Sender {
        let all = vec![Place::Header, Place::Query, Place::Body];
        let places = [("key", all.clone()), ("other", all.clone()), ("broken", all), ("signs", Vec::new())];
        Sender {
            tenant: "shop".parse().unwrap(),
            manifest: Vec::new(),
            granted: Vec::new(),
            places: places
                .into_iter()
                .map(|(name, places)| (name.to_owned(), places))
                .collect::<BTreeMap<_, _>>(),
            secrets: Arc::new(Table),
        }
    }

    async fn fill(text: &str, place: Place, written: Written) -> Result<String, String> {
        let sender = sender();
        Filling::new(&sender).fill(text, place, written).await.map_err(|fault| fault.message)
    }

    #[tokio::test]
    async fn a_placeholder_is_filled_in_once_and_as_its_place_wants_it() {
        for (text, place, written, filled) in [
            ("Bearer {{secret:key}}!", Place::Header, Written::Plainly, "Bearer s3cr\"t {{secret:other}} &!"),
            ("a={{secret:key}}", Place::Query, Written::InQuery, "a=s3cr%22t+%7B%7Bsecret%3Aother%7D%7D+%26"),
            (
                r#"{"a":"{{secret:key}}"}"#,
                Place::Body,
                Written::InJson,
                r#"{"a":"s3cr\"t {{secret:other}} &"}"#,
            ),
            ("{{secret:signs}} {{secret:", Place::Body, Written::Plainly, "{{secret:signs}} {{secret:"),
            (
                "{{secret:}} {{secret:A}} {{ secret:key}}",
                Place::Header,
                Written::Plainly,
                "{{secret:}} {{secret:A}} {{ secret:key}}",
            ),
        ] {
            assert_eq!(fill(text, place, written).await.as_deref(), Ok(filled), "{text}");
        }
    }

    #[tokio::test]
    async fn what_cannot_be_filled_in_is_refused_in_words() {
        for (text, place, why) in [
            (
                "{{secret:signs}}",
                Place::Header,
                "the plugin's manifest does not say that the secret `signs` is filled into the header",
            ),
            (
                "{{secret:unknown}}",
                Place::Query,
                "the plugin's manifest does not say that the secret `unknown` is filled into the query",
            ),
            ("{{secret:other}}", Place::Header, "the channel has no secret `other`: set it"),
            ("{{secret:broken}}", Place::Header, "the secret `broken` cannot be read now: the store is away"),
        ] {
            assert_eq!(fill(text, place, Written::Plainly).await, Err(why.to_owned()));
        }
    }

    #[tokio::test]
    async fn an_answer_that_repeats_a_value_does_not_show_it() {
        let sender = sender();
        let mut filling = Filling::new(&sender);
        filling.fill("{{secret:key}}", Place::Header, Written::Plainly).await.unwrap();
        let value = "s3cr\"t {{secret:other}} &";
        let echo =
            format!("a{value}b{}c{}ss3c", write(value, Written::InQuery), write(value, Written::InJson));
        let shown = filling.hide_text(echo);
        assert_eq!(shown, "a{{secret:key}}b{{secret:key}}c{{secret:key}}ss3c");
    }
}
