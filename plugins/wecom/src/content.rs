//! What a customer is told: a text and up to nine attachments (附件), each within WeCom's limits. Found here, a fault names the place;
//! found there, it is a number.

use serde::Deserialize;
use serde_json::{Value, json};

/// Bytes of a text (documents 92135 and 92137).
const TEXT_BYTES_MAX: usize = 4_000;
/// Attachments of one message.
const ATTACHMENTS_MAX: usize = 9;

/// A text and attachments.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Content {
    /// The text, at most 4,000 bytes; a character of Chinese has three.
    #[serde(default)]
    pub text: String,
    /// At most nine.
    #[serde(default)]
    pub attachments: Vec<Attachment>,
}

/// Something beside the text.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Attachment {
    /// A picture (图片): by media id, which WeCom keeps for three days, or by URL.
    Image {
        /// Of a picture that was uploaded.
        #[serde(default)]
        media_id: Option<String>,
        /// Of one that WeCom keeps.
        #[serde(default)]
        pic_url: Option<String>,
    },
    /// A link (图文).
    Link {
        /// At most 128 bytes.
        title: String,
        /// `https://…`, at most 2,048 bytes.
        url: String,
        /// At most 512 bytes.
        #[serde(default)]
        desc: Option<String>,
        /// Its picture.
        #[serde(default)]
        picurl: Option<String>,
    },
    /// A mini programme (小程序).
    Miniprogram {
        /// At most 64 bytes.
        title: String,
        /// Of its cover.
        pic_media_id: String,
        /// Which; it must belong to the corp.
        appid: String,
        /// Where in it.
        page: String,
    },
    /// A film (视频).
    Video {
        /// Of a film that was uploaded.
        media_id: String,
    },
    /// A file (文件).
    File {
        /// Of a file that was uploaded.
        media_id: String,
    },
}

impl Content {
    /// A text alone.
    pub fn of_text(text: &str) -> Self {
        Self { text: text.to_owned(), attachments: Vec::new() }
    }

    /// What is wrong with it; none for what WeCom takes.
    pub fn fault(&self) -> Option<String> {
        let bytes = self.text.len();
        if bytes == 0 && self.attachments.is_empty() {
            return Some("there is neither a text nor an attachment".to_owned());
        }
        if bytes > TEXT_BYTES_MAX {
            return Some(format!("the text has {bytes} bytes: WeCom takes {TEXT_BYTES_MAX}"));
        }
        let count = self.attachments.len();
        if count > ATTACHMENTS_MAX {
            return Some(format!("there are {count} attachments: WeCom takes {ATTACHMENTS_MAX}"));
        }
        let faults = self.attachments.iter().enumerate();
        faults.into_iter().find_map(|(n, one)| Some(format!("attachments[{n}]: {}", one.fault()?)))
    }

    /// Its fields of a request's body.
    pub fn put_into(&self, body: &mut Value) {
        if !self.text.is_empty() {
            body["text"] = json!({ "content": self.text });
        }
        if !self.attachments.is_empty() {
            body["attachments"] = self.attachments.iter().map(Attachment::to_json).collect();
        }
    }
}

impl Attachment {
    fn fault(&self) -> Option<String> {
        let limits: &[(&str, &str, usize)] = match self {
            Self::Image { media_id: None, pic_url: None } => {
                return Some("a picture needs `media_id` or `pic_url`".to_owned());
            }
            Self::Image { .. } | Self::Video { .. } | Self::File { .. } => &[],
            Self::Link { title, url, desc, .. } => {
                if !url.starts_with("https://") && !url.starts_with("http://") {
                    return Some(format!("`url` is `{}`: expected https://…", shown(url)));
                }
                &[
                    ("title", title, 128),
                    ("url", url, 2_048),
                    ("desc", desc.as_deref().unwrap_or_default(), 512),
                ]
            }
            Self::Miniprogram { title, .. } => &[("title", title, 64)],
        };
        let long = limits.iter().find(|(_, text, max)| text.len() > *max);
        long.map(|(name, text, max)| format!("`{name}` has {} bytes: WeCom takes {max}", text.len()))
    }

    fn to_json(&self) -> Value {
        match self {
            Self::Image { media_id, pic_url } => {
                json!({ "msgtype": "image", "image": given(&[("media_id", media_id), ("pic_url", pic_url)]) })
            }
            Self::Link { title, url, desc, picurl } => {
                let mut link = given(&[("desc", desc), ("picurl", picurl)]);
                link["title"] = json!(title);
                link["url"] = json!(url);
                json!({ "msgtype": "link", "link": link })
            }
            Self::Miniprogram { title, pic_media_id, appid, page } => {
                let program =
                    json!({ "title": title, "pic_media_id": pic_media_id, "appid": appid, "page": page });
                json!({ "msgtype": "miniprogram", "miniprogram": program })
            }
            Self::Video { media_id } => json!({ "msgtype": "video", "video": { "media_id": media_id } }),
            Self::File { media_id } => json!({ "msgtype": "file", "file": { "media_id": media_id } }),
        }
    }
}

fn given(fields: &[(&str, &Option<String>)]) -> Value {
    let there = fields.iter().filter_map(|(name, value)| Some(((*name).to_owned(), json!(value.as_ref()?))));
    Value::Object(there.collect())
}

fn shown(text: &str) -> String {
    text.chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(text: Value) -> Content {
        serde_json::from_value(text).unwrap()
    }

    #[test]
    fn what_is_too_much_is_said_with_its_place() {
        let link =
            |title: usize| json!({ "type": "link", "title": "t".repeat(title), "url": "https://a.example" });
        let image = json!({ "type": "image", "pic_url": "https://a.example/p" });
        for (text, fault) in [
            (json!({}), "there is neither"),
            (json!({ "text": "x".repeat(4_000) }), ""),
            (json!({ "text": "你".repeat(1_334) }), "the text has 4002 bytes: WeCom takes 4000"),
            (json!({ "attachments": vec![image.clone(); 9] }), ""),
            (json!({ "attachments": vec![image.clone(); 10] }), "there are 10 attachments"),
            (json!({ "attachments": [image, link(129)] }), "attachments[1]: `title` has 129 bytes"),
            (json!({ "attachments": [{ "type": "image" }] }), "attachments[0]: a picture needs"),
            (
                json!({ "attachments": [{ "type": "link", "title": "t", "url": "javascript:alert(1)" }] }),
                "attachments[0]: `url` is `javascript:alert(1)`",
            ),
        ] {
            let found = content(text.clone()).fault().unwrap_or_default();
            assert!(found.starts_with(fault) && found.is_empty() == fault.is_empty(), "{text}: {found}");
        }
        let unknown = serde_json::from_value::<Content>(json!({ "attachments": [{ "type": "poem" }] }));
        assert!(unknown.unwrap_err().to_string().contains("unknown variant `poem`"));
    }

    #[test]
    fn a_request_has_what_wecom_calls_it() {
        let mut body = json!({ "welcome_code": "W" });
        content(json!({
            "text": "您好",
            "attachments": [
                { "type": "image", "media_id": "M" },
                { "type": "link", "title": "t", "url": "https://a.example", "desc": "d" },
                { "type": "miniprogram", "title": "t", "pic_media_id": "P", "appid": "A", "page": "p" },
            ],
        }))
        .put_into(&mut body);
        let expected = json!({
            "welcome_code": "W",
            "text": { "content": "您好" },
            "attachments": [
                { "msgtype": "image", "image": { "media_id": "M" } },
                { "msgtype": "link", "link": { "title": "t", "url": "https://a.example", "desc": "d" } },
                { "msgtype": "miniprogram",
                  "miniprogram": { "title": "t", "pic_media_id": "P", "appid": "A", "page": "p" } },
            ],
        });
        assert_eq!(body, expected);
    }
}
