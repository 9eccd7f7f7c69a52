//! What stands in the body: `type`, `timestamp` and `data`, as Standard Webhooks wants it.

use serde_json::{Value, json};
use siyu_plugin::Message;

use crate::config::Shown;

/// What every message is called.
const TYPE: &str = "message.planned";
/// What a receiver learns of a customer without asking for more.
const NAMES: [&str; 2] = ["id", "identities"];

/// The body of a message.
pub(crate) fn of(message: &Message, shown: Shown) -> Value {
    json!({
        "type": TYPE,
        "timestamp": message.planned_at.to_string(),
        "data": {
            "message": message.id,
            "channel": message.channel,
            "template": message.template,
            "class": message.class,
            "text": message.body,
            "expires_at": message.expires_at.to_string(),
            "customer": customer(&message.customer_json, shown),
        },
    })
}

/// The customer; null when they are gone.
fn customer(json: &str, shown: Shown) -> Value {
    let whole: Value = serde_json::from_str(json).unwrap_or_default();
    match (shown, whole) {
        (Shown::Names, Value::Object(whole)) => {
            Value::Object(whole.into_iter().filter(|(name, _)| NAMES.contains(&name.as_str())).collect())
        }
        (_, whole) => whole,
    }
}
