//! What a message asks of WeCom. A body that is words is a broadcast to the customer; a body that begins with a head, or is a JSON
//! object with `action`, is one call of the API. What WeCom would refuse is refused here, with the reason.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::body::{Action, action_of};
use crate::content::Content;
use crate::happening::NAMESPACE;

/// Characters of a contact way's `state` and `remark` (document 92228).
const WAY_WORDS_MAX: usize = 30;
/// Staff of a contact way.
const WAY_STAFF_MAX: usize = 100;
/// Tags of one call, on and off.
const TAGS_MAX: usize = 100;
/// Bytes of an id.
const ID_BYTES_MAX: usize = 128;

/// One call of WeCom's API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// A broadcast: a task that staff confirm.
    Broadcast {
        /// What is said.
        content: Content,
        /// To whom: an `external_userid`.
        customer: String,
        /// Who sends it; who chatted with the customer last when it is not said.
        sender: Option<String>,
    },
    /// The welcome of a new friend.
    Welcome {
        /// From `friend.added`.
        welcome_code: String,
        /// What is said.
        content: Content,
    },
    /// Tags on and off a relation.
    Tags {
        /// The relation's staff.
        staff: String,
        /// The relation's customer.
        customer: String,
        /// Ids of tags to put on.
        add: Vec<String>,
        /// Ids of tags to take off.
        remove: Vec<String>,
    },
    /// A new contact way.
    AddWay(Way),
    /// A reminder to staff who did not confirm a broadcast.
    Remind {
        /// Which broadcast.
        msgid: String,
    },
}

/// A contact way (联系我).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Way {
    /// Where customers who come over it are said to come from: an opaque code of at most 30 characters, never a name.
    pub state: String,
    /// `userid`s; one makes a contact way of type 1.
    #[serde(default)]
    pub staff: Vec<String>,
    /// Departments.
    #[serde(default)]
    pub departments: Vec<u32>,
    /// For people, at most 30 characters.
    #[serde(default)]
    pub remark: String,
    /// Whether the customer is a friend at once.
    #[serde(default = "yes")]
    pub skip_verify: bool,
    /// Whether a customer can have one member of staff over it only.
    #[serde(default)]
    pub is_exclusive: bool,
}

fn yes() -> bool {
    true
}

impl Wish {
    /// Reads a message's body. `customer` is its customer as the host knows them.
    ///
    /// # Errors
    /// In words, when WeCom would not do it.
    pub fn read(body: &str, customer: &Value) -> Result<Self, String> {
        let wish = match action_of(body)? {
            None => Self::Broadcast {
                content: Content::of_text(body),
                customer: external_userid(customer)?,
                sender: None,
            },
            Some(action) => Self::of(action, customer)?,
        };
        match wish.fault() {
            None => Ok(wish),
            Some(fault) => Err(fault),
        }
    }

    fn of(action: Action, customer: &Value) -> Result<Self, String> {
        Ok(match action {
            Action::AddMsgTemplate { sender, text, attachments } => Self::Broadcast {
                content: Content { text, attachments },
                customer: external_userid(customer)?,
                sender,
            },
            Action::SendWelcomeMsg { welcome_code, text, attachments } => {
                Self::Welcome { welcome_code, content: Content { text, attachments } }
            }
            Action::MarkTag { staff, add, remove } => {
                Self::Tags { staff, customer: external_userid(customer)?, add, remove }
            }
            Action::AddContactWay(way) => Self::AddWay(way),
            Action::RemindGroupmsgSend { msgid } => Self::Remind { msgid },
        })
    }

    fn fault(&self) -> Option<String> {
        match self {
            Self::Broadcast { content, sender, .. } => {
                content.fault().or_else(|| sender.as_ref().and_then(|sender| id_fault("sender", sender)))
            }
            Self::Welcome { welcome_code, content } => {
                id_fault("welcome_code", welcome_code).or_else(|| content.fault())
            }
            Self::Tags { staff, add, remove, .. } => {
                let count = add.len() + remove.len();
                if count == 0 || count > TAGS_MAX {
                    return Some(format!("{count} tags to put on and off: expected 1 to {TAGS_MAX}"));
                }
                let ids = add.iter().chain(remove).map(|id| ("tag", id));
                std::iter::once(("staff", staff)).chain(ids).find_map(|(name, id)| id_fault(name, id))
            }
            Self::AddWay(way) => way.fault(),
            Self::Remind { msgid } => id_fault("msgid", msgid),
        }
    }

    /// The last part of the API's path.
    pub fn api(&self) -> &'static str {
        match self {
            Self::Broadcast { .. } => "add_msg_template",
            Self::Welcome { .. } => "send_welcome_msg",
            Self::Tags { .. } => "mark_tag",
            Self::AddWay(_) => "add_contact_way",
            Self::Remind { .. } => "remind_groupmsg_send",
        }
    }

    /// Whether asking twice does the same as asking once: WeCom knows a welcome by its code, and a tag is on or off.
    pub fn is_idempotent(&self) -> bool {
        matches!(self, Self::Welcome { .. } | Self::Tags { .. })
    }

    /// The request's body.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Broadcast { content, customer, sender } => {
                let mut body = json!({ "chat_type": "single", "external_userid": [customer] });
                if let Some(sender) = sender {
                    body["sender"] = json!(sender);
                }
                content.put_into(&mut body);
                body
            }
            Self::Welcome { welcome_code, content } => {
                let mut body = json!({ "welcome_code": welcome_code });
                content.put_into(&mut body);
                body
            }
            Self::Tags { staff, customer, add, remove } => {
                json!({ "userid": staff, "external_userid": customer, "add_tag": add, "remove_tag": remove })
            }
            Self::AddWay(way) => way.to_json(),
            Self::Remind { msgid } => json!({ "msgid": msgid }),
        }
    }
}

impl Way {
    fn fault(&self) -> Option<String> {
        let state = self.state.chars().count();
        if state == 0 || state > WAY_WORDS_MAX {
            return Some(format!("`state` has {state} characters: expected 1 to {WAY_WORDS_MAX}"));
        }
        let remark = self.remark.chars().count();
        if remark > WAY_WORDS_MAX {
            return Some(format!("`remark` has {remark} characters: WeCom takes {WAY_WORDS_MAX}"));
        }
        if self.staff.is_empty() && self.departments.is_empty() || self.staff.len() > WAY_STAFF_MAX {
            let count = self.staff.len();
            return Some(format!(
                "a contact way with {count} staff: expected 1 to {WAY_STAFF_MAX}, or departments"
            ));
        }
        self.staff.iter().find_map(|id| id_fault("staff", id))
    }

    fn to_json(&self) -> Value {
        let is_single = self.staff.len() == 1 && self.departments.is_empty();
        let mut body = json!({
            "type": if is_single { 1 } else { 2 },
            "scene": 2,
            "state": self.state,
            "skip_verify": self.skip_verify,
            "is_exclusive": self.is_exclusive,
        });
        if !self.staff.is_empty() {
            body["user"] = json!(self.staff);
        }
        if !self.departments.is_empty() {
            body["party"] = json!(self.departments);
        }
        if !self.remark.is_empty() {
            body["remark"] = json!(self.remark);
        }
        body
    }
}

/// The customer's name in WeCom.
fn external_userid(customer: &Value) -> Result<String, String> {
    let identities = customer["identities"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let mut mine = identities.filter_map(|name| name.strip_prefix(NAMESPACE)?.strip_prefix(':'));
    let id = mine.next().ok_or_else(|| format!("the customer has no identity `{NAMESPACE}:…`"))?;
    Ok(id.to_owned())
}

fn id_fault(name: &str, id: &str) -> Option<String> {
    let is_id =
        (1..=ID_BYTES_MAX).contains(&id.len()) && !id.chars().any(|c| c.is_control() || c.is_whitespace());
    (!is_id).then(|| {
        let found: String = id.chars().take(64).collect();
        format!("`{name}` is `{}`: expected 1 to {ID_BYTES_MAX} bytes without spaces", found.escape_debug())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn customer() -> Value {
        json!({ "id": "cus_1", "identities": ["shop:7", "wecom:wm1", "wecom:wm2"] })
    }

    #[test]
    fn each_body_is_one_call() {
        for (body, api, request) in [
            (
                "周五到货",
                "add_msg_template",
                json!({ "chat_type": "single", "external_userid": ["wm1"], "text": { "content": "周五到货" } }),
            ),
            (
                r#"{"price": 3}"#,
                "add_msg_template",
                json!({ "chat_type": "single", "external_userid": ["wm1"], "text": { "content": r#"{"price": 3}"# } }),
            ),
            (
                r#"{"action": "add_msg_template", "text": "hi", "sender": "li"}"#,
                "add_msg_template",
                json!({ "chat_type": "single", "external_userid": ["wm1"], "sender": "li",
                        "text": { "content": "hi" } }),
            ),
            (
                r#" {"action": "send_welcome_msg", "welcome_code": "W", "text": "hi"}"#,
                "send_welcome_msg",
                json!({ "welcome_code": "W", "text": { "content": "hi" } }),
            ),
            (
                r#"{"action": "mark_tag", "staff": "li", "add": ["t1"], "remove": ["t2"]}"#,
                "mark_tag",
                json!({ "userid": "li", "external_userid": "wm1", "add_tag": ["t1"], "remove_tag": ["t2"] }),
            ),
            (
                r#"{"action": "add_contact_way", "state": "c7f2", "staff": ["li", "wang"], "remark": "展台"}"#,
                "add_contact_way",
                json!({ "type": 2, "scene": 2, "state": "c7f2", "skip_verify": true, "is_exclusive": false,
                        "user": ["li", "wang"], "remark": "展台" }),
            ),
            (
                r#"{"action": "remind_groupmsg_send", "msgid": "m"}"#,
                "remind_groupmsg_send",
                json!({ "msgid": "m" }),
            ),
        ] {
            let wish = Wish::read(body, &customer()).unwrap();
            assert_eq!((wish.api(), wish.to_json()), (api, request), "{body}");
        }
    }

    #[test]
    fn what_wecom_would_refuse_is_refused_with_the_reason() {
        let way =
            |state: &str, more: &str| format!(r#"{{"action": "add_contact_way", "state": "{state}"{more}}}"#);
        for (body, part) in [
            ("", "neither a text nor"),
            (r#"{"action": "fly"}"#, "unknown variant `fly`"),
            (r#"{"action": "send_welcome_msg", "text": "hi"}"#, "missing field `welcome_code`"),
            (r#"{"action": "send_welcome_msg", "welcome_code": "", "text": "hi"}"#, "`welcome_code` is ``"),
            (r#"{"action": "send_welcome_msg", "welcome_code": "W"}"#, "neither a text nor"),
            (r#"{"action": "send_welcome_msg", "welcome_code": "W", "txt": "hi"}"#, "unknown field `txt`"),
            (r#"{"action": "mark_tag", "staff": "li"}"#, "0 tags"),
            (r#"{"action": "mark_tag", "staff": "l i", "add": ["t"]}"#, "`staff` is `l i`"),
            (&way(&"渠".repeat(31), r#", "staff": ["li"]"#), "`state` has 31 characters"),
            (&way("", r#", "staff": ["li"]"#), "`state` has 0 characters"),
            (&way("s", ""), "a contact way with 0 staff"),
            (r#"{"action": "remind_groupmsg_send", "msgid": "a\nb"}"#, "`msgid` is `a\\nb`"),
        ] {
            let fault = Wish::read(body, &customer()).unwrap_err();
            assert!(fault.contains(part), "{body}: {fault}");
        }
        for nobody in [json!({}), json!({ "identities": ["shop:7"] }), Value::Null] {
            assert_eq!(Wish::read("hi", &nobody).unwrap_err(), "the customer has no identity `wecom:…`");
        }
        // A welcome is for whom its code is for.
        let body = r#"{"action": "send_welcome_msg", "welcome_code": "W", "text": "hi"}"#;
        assert!(Wish::read(body, &Value::Null).is_ok());
    }
}
