//! Channels (渠道): how people came, read from events in the several ways in which they name one.

use siyu_model::json::{self, Value};

/// The channel of a card in a parcel, when its events name none.
pub(super) const PACKAGE_CARD: &str = "package_card";
/// The channel of those of whom it is not known.
pub(super) const UNKNOWN: &str = "unknown";

/// Where an event's data names its channel: its kind and id, the channel as text, an id beside.
pub(super) const PATHS: [&[&str]; 4] =
    [&["channel", "kind"], &["channel", "id"], &["channel"], &["channel_id"]];

/// The channel of a group of events that was grouped by [`PATHS`].
pub(super) fn of_keys(keys: &[Option<String>], otherwise: &str) -> String {
    let key = |place: usize| keys.get(place).and_then(Option::as_deref);
    // What an object holds comes as its JSON text: that is no name.
    let plain = key(2).filter(|text| !text.starts_with('{') && !text.starts_with('['));
    name(key(0), key(1), plain.or(key(3)), otherwise)
}

/// The channel of an event.
pub(super) fn of_data(data: &str) -> String {
    let data = json::parse_within(data, usize::MAX).unwrap_or(Value::Null);
    let text = |value: Option<&Value>| match value {
        Some(Value::Text(text)) => Some(text.to_string()),
        Some(Value::Int(number)) => Some(number.to_string()),
        _ => None,
    };
    let channel = data.get("channel");
    let member = |name: &str| text(channel.and_then(|channel| channel.get(name)));
    let plain = text(channel).or_else(|| text(data.get("channel_id")));
    name(member("kind").as_deref(), member("id").as_deref(), plain.as_deref(), UNKNOWN)
}

fn name(kind: Option<&str>, id: Option<&str>, plain: Option<&str>, otherwise: &str) -> String {
    match (kind, id, plain) {
        (Some(kind), Some(id), _) => format!("{kind}/{id}"),
        (Some(one), None, _) | (None, Some(one), _) | (None, None, Some(one)) => one.to_owned(),
        (None, None, None) => otherwise.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_is_named_the_same_by_an_event_and_by_its_group() {
        for (data, keys, channel) in [
            (
                r#"{"channel":{"kind":"package_card"}}"#,
                [Some("package_card"), None, Some("{}"), None],
                "package_card",
            ),
            (
                r#"{"channel":{"kind":"live","id":"r7"}}"#,
                [Some("live"), Some("r7"), Some("{}"), None],
                "live/r7",
            ),
            (r#"{"channel":"menu"}"#, [None, None, Some("menu"), None], "menu"),
            (r#"{"channel":{"id":7}}"#, [None, Some("7"), Some("{}"), None], "7"),
            (r#"{"channel_id":"code-9"}"#, [None, None, None, Some("code-9")], "code-9"),
            (r#"{"channel":[1]}"#, [None, None, Some("[1]"), None], "unknown"),
            ("{}", [None, None, None, None], "unknown"),
        ] {
            assert_eq!(of_data(data), channel, "{data}");
            let keys: Vec<_> = keys.iter().map(|key| key.map(str::to_owned)).collect();
            assert_eq!(of_keys(&keys, UNKNOWN), channel, "{data}");
        }
        assert_eq!(of_keys(&[], PACKAGE_CARD), "package_card");
        assert_eq!(of_data("nothing"), "unknown");
    }
}
