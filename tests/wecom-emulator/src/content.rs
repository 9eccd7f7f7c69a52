//! What is said to customers: a text and up to nine attachments, each within its limits (documents 92135, 92137).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::codes::{EMPTY_TEXT, Refusal, TOO_LONG, WRONG_ARGUMENT, WRONG_ATTACHMENT};

/// Bytes of a text.
const TEXT_BYTES_MAX: usize = 4_000;
const ATTACHMENTS_MAX: usize = 9;
/// Fields that are short, by the kind of attachment.
const BYTES_MAX: [(&str, &str, usize); 4] =
    [("link", "title", 128), ("link", "desc", 512), ("link", "url", 2_048), ("miniprogram", "title", 64)];
/// Fields that each kind must have: one of each list.
const NEEDED: [(&str, &[&[&str]]); 5] = [
    ("image", &[&["media_id", "pic_url"]]),
    ("link", &[&["title"], &["url"]]),
    ("miniprogram", &[&["title"], &["pic_media_id"], &["appid"], &["page"]]),
    ("video", &[&["media_id"]]),
    ("file", &[&["media_id"]]),
];

/// A text and attachments.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Content {
    /// The text.
    #[serde(default)]
    pub text: Text,
    /// Pictures, links, mini programmes, films, files.
    #[serde(default)]
    pub attachments: Vec<Value>,
}

/// A text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    /// Its words.
    #[serde(default)]
    pub content: String,
}

impl Content {
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        let bytes = self.text.content.len();
        if bytes == 0 && self.attachments.is_empty() {
            return Err(Refusal::new(EMPTY_TEXT, "text and attachments are empty"));
        }
        if bytes > TEXT_BYTES_MAX {
            return Err(Refusal::new(TOO_LONG, format!("the text has {bytes} bytes")));
        }
        let count = self.attachments.len();
        if count > ATTACHMENTS_MAX {
            return Err(Refusal::new(WRONG_ARGUMENT, format!("{count} attachments")));
        }
        self.attachments.iter().try_for_each(check_attachment)
    }
}

fn check_attachment(attachment: &Value) -> Result<(), Refusal> {
    let kind = attachment["msgtype"].as_str().unwrap_or_default();
    let needed = NEEDED.iter().find(|(name, _)| *name == kind);
    let (_, needed) = needed.ok_or_else(|| Refusal::new(WRONG_ATTACHMENT, format!("msgtype `{kind}`")))?;
    let field = |name: &str| attachment[kind][name].as_str().unwrap_or_default();
    for names in *needed {
        if names.iter().all(|name| field(name).is_empty()) {
            return Err(Refusal::new(WRONG_ARGUMENT, format!("{kind} without {}", names.join(" or "))));
        }
    }
    for (_, name, max) in BYTES_MAX.iter().filter(|(of, _, _)| *of == kind) {
        let bytes = field(name).len();
        if bytes > *max {
            return Err(Refusal::new(TOO_LONG, format!("{kind}.{name} has {bytes} bytes, at most {max}")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_too_much_is_refused() {
        let link =
            |title: usize| json!({ "msgtype": "link", "link": { "title": "t".repeat(title), "url": "u" } });
        let image = json!({ "msgtype": "image", "image": { "pic_url": "p" } });
        for (content, code) in [
            (json!({}), EMPTY_TEXT),
            (json!({ "text": { "content": "x".repeat(4_001) } }), TOO_LONG),
            (json!({ "text": { "content": "x".repeat(4_000) } }), 0),
            (json!({ "text": { "content": "你".repeat(1_334) } }), TOO_LONG),
            (json!({ "attachments": vec![image.clone(); 9] }), 0),
            (json!({ "attachments": vec![image; 10] }), WRONG_ARGUMENT),
            (json!({ "attachments": [link(128)] }), 0),
            (json!({ "attachments": [link(129)] }), TOO_LONG),
            (json!({ "attachments": [link(0)] }), WRONG_ARGUMENT),
            (json!({ "attachments": [{ "msgtype": "poem" }] }), WRONG_ATTACHMENT),
        ] {
            let read: Content = serde_json::from_value(content.clone()).unwrap();
            let found = read.check().map_or_else(|refusal| refusal.code, |()| 0);
            assert_eq!(found, code, "{content}");
        }
    }
}
