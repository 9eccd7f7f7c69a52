//! What a callback says, as events: types after the catalogue where it has one, ids under which a repetition is the same. What a
//! callback does not say is not asked for here.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::xml::{Document, Field};

/// The namespace of customers' names in WeCom: their `external_userid`.
pub const NAMESPACE: &str = "wecom";
/// Events of members of one change of a group; all of them stand in the change's own event. With that one they are the 100
/// events that a request may have.
const MEMBERS_MAX: usize = 99;
/// Customers' ids in WeCom begin so; those of staff are what the corp chose.
const CUSTOMERS: [&str; 2] = ["wm", "wo"];
/// Bytes of an id that WeCom gives.
const ID_BYTES_MAX: usize = 128;

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Happening {
    /// The same for every delivery of the same.
    pub id: String,
    /// Such as `friend.added`.
    pub event_type: &'static str,
    /// `wecom:` and an `external_userid`, when it happened to a customer.
    pub subject: Option<String>,
    /// Milliseconds since 1970, to the second.
    pub at_ms: Option<i64>,
    /// An object.
    pub data: Value,
}

/// What WeCom calls a field, and what it is called here.
const NAMES: [(&str, &str); 17] = [
    ("UserID", "staff"),
    ("ExternalUserID", "external_userid"),
    ("State", "state"),
    ("WelcomeCode", "welcome_code"),
    ("Source", "reason"),
    ("FailReason", "reason"),
    ("ChatId", "chat"),
    ("UpdateDetail", "detail"),
    ("JoinScene", "join_scene"),
    ("QuitScene", "quit_scene"),
    ("MemChangeCnt", "count"),
    ("MemChangeList", "members"),
    ("Id", "tag"),
    ("TagType", "tag_type"),
    ("StrategyId", "strategy"),
    ("MsgId", "message"),
    ("Content", "text"),
];
/// Fields that are said otherwise, or to nobody.
const APART: [&str; 7] =
    ["ToUserName", "FromUserName", "CreateTime", "MsgType", "Event", "ChangeType", "AgentID"];

/// The events in a callback's text: one, and one more for each customer who came into a group or left it.
pub fn happenings(document: &Document) -> Vec<Happening> {
    let event = document.text("Event").unwrap_or_default();
    let change = document.text("ChangeType").unwrap_or_default();
    let detail = document.text("UpdateDetail").unwrap_or_default();
    let event_type = type_of(document.text("MsgType").unwrap_or_default(), (event, change, detail));
    let customer = document.text("ExternalUserID").filter(|id| is_id(id));
    let id = id_of(document);
    let at_ms = document.text("CreateTime").and_then(|text| text.trim().parse::<i64>().ok());
    let at_ms = at_ms.and_then(|second| second.checked_mul(1000)).filter(|at| (0..1 << 53).contains(at));
    let data = data_of(document, event_type);
    let mut all = vec![Happening {
        id: id.clone(),
        event_type,
        subject: customer.map(subject),
        at_ms,
        data: data.clone(),
    }];
    let member_type = match (event, detail) {
        ("change_external_chat", "add_member") => "group.joined",
        ("change_external_chat", "del_member") => "group.left",
        _ => return all,
    };
    let members = document.list("MemChangeList").iter();
    let customers = members.filter(|id| is_id(id) && CUSTOMERS.iter().any(|begin| id.starts_with(begin)));
    // One that is named twice joined once.
    let mut seen = BTreeSet::new();
    let customers = customers.filter(|member| seen.insert(member.as_str()));
    all.extend(customers.take(MEMBERS_MAX).map(|member| {
        let mut data = data.clone();
        if let Some(data) = data.as_object_mut() {
            data.remove("members");
            data.insert("external_userid".to_owned(), json!(member));
        }
        let id = format!("{id}/{member}");
        Happening { id, event_type: member_type, subject: Some(subject(member)), at_ms, data }
    }));
    all
}

fn type_of(kind: &str, (event, change, detail): (&str, &str, &str)) -> &'static str {
    match (kind, event, change, detail) {
        ("event", "change_external_contact", "add_external_contact", _) => "friend.added",
        ("event", "change_external_contact", "add_half_external_contact", _) => "friend.half_added",
        ("event", "change_external_contact", "del_external_contact", _) => "friend.deleted_by_staff",
        ("event", "change_external_contact", "del_follow_user", _) => "friend.deleted_by_customer",
        ("event", "change_external_contact", "transfer_fail", _) => "friend.transfer_failed",
        ("event", "change_external_contact", "edit_external_contact", _) => "wecom.contact_changed",
        ("event", "change_external_tag", _, _) => "wecom.tag_changed",
        ("event", "change_external_chat", "create", _) => "group.created",
        ("event", "change_external_chat", "dismiss", _) => "group.dissolved",
        ("event", "change_external_chat", "update", "change_owner") => "group.owner_changed",
        ("event", "change_external_chat", _, _) => "wecom.chat_changed",
        ("event", _, _, _) => "wecom.other",
        _ => "wecom.message",
    }
}

/// `MsgId` of a message; of an event everything that it says, since WeCom gives it no id and fewer fields have lost events
/// elsewhere (WxJava #2314, #2666).
fn id_of(document: &Document) -> String {
    let message = document.text("MsgId").map(str::trim);
    if let Some(id) = message.filter(|id| id.len() <= 32 && id.bytes().all(|byte| byte.is_ascii_digit())) {
        return format!("message/{id}");
    }
    let mut digest = Sha256::new();
    let mut add = |text: &str| {
        digest.update((text.len() as u64).to_be_bytes());
        digest.update(text);
    };
    for (name, field) in document.fields() {
        add(name);
        match field {
            Field::Text(text) => add(text),
            Field::List(items) => items.iter().for_each(|item| add(item)),
        }
    }
    let short: String = digest.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let word = |name| {
        let text: &str = document.text(name).unwrap_or("none");
        let is_word = text.len() <= 40 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if is_word { text } else { "other" }
    };
    format!("{}/{}/{short}", word("Event"), word("ChangeType"))
}

fn data_of(document: &Document, event_type: &str) -> Value {
    let mut data = Map::new();
    for (name, field) in document.fields().filter(|(name, _)| !APART.contains(name)) {
        let known = NAMES.iter().find(|(theirs, _)| *theirs == name).map(|(_, ours)| (*ours).to_owned());
        let value = match field {
            Field::Text(text) if text.is_empty() => continue,
            Field::Text(text) => json!(text),
            Field::List(items) => json!(items),
        };
        data.insert(known.unwrap_or_else(|| snake(name)), value);
    }
    let change = document.text("ChangeType");
    if event_type.starts_with("wecom.") {
        for (name, value) in [("event", document.text("Event")), ("change", change)] {
            if let Some(value) = value {
                data.insert(name.to_owned(), json!(value));
            }
        }
    }
    Value::Object(data)
}

/// `JoinScene` is `join_scene`.
fn snake(name: &str) -> String {
    let mut out = String::new();
    for (place, letter) in name.chars().enumerate() {
        if letter.is_ascii_uppercase() && place > 0 && !out.ends_with('_') {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

fn subject(customer: &str) -> String {
    format!("{NAMESPACE}:{customer}")
}

fn is_id(text: &str) -> bool {
    (1..=ID_BYTES_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FROM: &str = "<ToUserName>ww1</ToUserName><FromUserName>sys</FromUserName><CreateTime>1403610513</CreateTime>\
                        <MsgType>event</MsgType>";

    fn read(fields: &str) -> Vec<Happening> {
        happenings(&Document::read(&format!("<xml>{FROM}{fields}</xml>")).unwrap())
    }

    fn contact(change: &str, more: &str) -> Vec<Happening> {
        read(&format!(
            "<Event>change_external_contact</Event><ChangeType>{change}</ChangeType><UserID>li</UserID>\
             <ExternalUserID>wm1</ExternalUserID>{more}"
        ))
    }

    #[test]
    fn a_new_friend_is_an_event_of_the_customer() {
        let all = contact("add_external_contact", "<State>c7f2</State><WelcomeCode>W1</WelcomeCode>");
        let [one] = all.as_slice() else { panic!("{all:?}") };
        assert_eq!((one.event_type, one.subject.as_deref()), ("friend.added", Some("wecom:wm1")));
        assert_eq!(one.at_ms, Some(1_403_610_513_000));
        let data = json!({ "staff": "li", "external_userid": "wm1", "state": "c7f2", "welcome_code": "W1" });
        assert_eq!(one.data, data);
        assert!(one.id.starts_with("change_external_contact/add_external_contact/"), "{}", one.id);
    }

    #[test]
    fn each_change_has_its_type() {
        for (change, expected) in [
            ("add_half_external_contact", "friend.half_added"),
            ("del_external_contact", "friend.deleted_by_staff"),
            ("del_follow_user", "friend.deleted_by_customer"),
            ("transfer_fail", "friend.transfer_failed"),
            ("edit_external_contact", "wecom.contact_changed"),
            ("msg_audit_approved", "wecom.other"),
        ] {
            assert_eq!(contact(change, "")[0].event_type, expected, "{change}");
        }
        let tag = "<Event>change_external_tag</Event><ChangeType>update</ChangeType><Id>etT1</Id><TagType>tag</TagType>";
        let one = &read(tag)[0];
        assert_eq!((one.event_type, one.subject.as_deref()), ("wecom.tag_changed", None));
        let data =
            json!({ "tag": "etT1", "tag_type": "tag", "event": "change_external_tag", "change": "update" });
        assert_eq!(one.data, data);
        let other = &read("<Event>sys_approval_change</Event><NewThing>7</NewThing>")[0];
        assert_eq!(other.event_type, "wecom.other");
        assert_eq!(other.data, json!({ "event": "sys_approval_change", "new_thing": "7" }));
    }

    #[test]
    fn customers_who_come_into_a_group_have_an_event_each() {
        let all = read(
            "<Event>change_external_chat</Event><ChatId>wr1</ChatId><ChangeType>update</ChangeType>\
             <UpdateDetail>add_member</UpdateDetail><JoinScene>3</JoinScene><MemChangeCnt>3</MemChangeCnt>\
             <MemChangeList><Item>wm1</Item><Item>li</Item><Item>wo2</Item></MemChangeList>",
        );
        let seen: Vec<_> = all.iter().map(|one| (one.event_type, one.subject.as_deref())).collect();
        let expected = [
            ("wecom.chat_changed", None),
            ("group.joined", Some("wecom:wm1")),
            ("group.joined", Some("wecom:wo2")),
        ];
        assert_eq!(seen, expected);
        assert_eq!(all[0].data["members"], json!(["wm1", "li", "wo2"]));
        assert_eq!(all[1].data["chat"], "wr1");
        assert_eq!(all[1].data["join_scene"], "3");
        let ids: BTreeSet<_> = all.iter().map(|one| &one.id).collect();
        assert_eq!(ids.len(), 3);
    }

    #[test]
    fn a_repetition_has_the_same_id_and_nothing_else_has() {
        let add = |staff: &str, customer: &str, second: u32| {
            let text = format!(
                "<xml><CreateTime>{second}</CreateTime><MsgType>event</MsgType><Event>change_external_contact</Event>\
                 <ChangeType>add_external_contact</ChangeType><UserID>{staff}</UserID>\
                 <ExternalUserID>{customer}</ExternalUserID></xml>"
            );
            happenings(&Document::read(&text).unwrap())[0].id.clone()
        };
        assert_eq!(add("li", "wm1", 1), add("li", "wm1", 1));
        let ids = [add("li", "wm1", 1), add("wang", "wm1", 1), add("li", "wm2", 1), add("li", "wm1", 2)];
        let different: BTreeSet<_> = ids.iter().collect();
        assert_eq!(different.len(), 4);
        let message =
            "<xml><MsgType>text</MsgType><MsgId>4561255354251345929</MsgId><Content>hi</Content></xml>";
        let one = &happenings(&Document::read(message).unwrap())[0];
        assert_eq!((one.id.as_str(), one.event_type), ("message/4561255354251345929", "wecom.message"));
    }

    #[test]
    fn odd_values_make_no_odd_names() {
        let long = "x".repeat(200);
        let all = contact(&format!("a b{long}"), "");
        assert!(
            all[0].id.len() < 128 && all[0].id.bytes().all(|byte| byte.is_ascii_graphic()),
            "{}",
            all[0].id
        );
        let text = format!(
            "<xml><ExternalUserID>{long}</ExternalUserID><CreateTime>99999999999999999</CreateTime></xml>"
        );
        let one = &happenings(&Document::read(&text).unwrap())[0];
        assert_eq!((one.subject.clone(), one.at_ms), (None, None));
    }
}
