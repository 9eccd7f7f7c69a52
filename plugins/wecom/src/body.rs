//! The body of a message that is more than words: a head and a text, or a JSON object. What it says is read here; whether WeCom would do
//! it is not asked.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::content::Attachment;
use crate::wish::Way;

/// What a body with a head begins with.
const HEAD: &str = "wecom:";
/// Members of a head whose values are lists, with commas.
const LISTS: [&str; 3] = ["staff", "add", "remove"];

/// What a body asks for, before it is known for whom.
#[derive(Deserialize)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Action {
    AddMsgTemplate {
        #[serde(default)]
        sender: Option<String>,
        #[serde(default)]
        text: String,
        #[serde(default)]
        attachments: Vec<Attachment>,
    },
    SendWelcomeMsg {
        welcome_code: String,
        #[serde(default)]
        text: String,
        #[serde(default)]
        attachments: Vec<Attachment>,
    },
    MarkTag {
        staff: String,
        #[serde(default)]
        add: Vec<String>,
        #[serde(default)]
        remove: Vec<String>,
    },
    AddContactWay(Way),
    RemindGroupmsgSend {
        msgid: String,
    },
}

/// The action of a body that has one. Words that look like something else stay words.
pub(crate) fn action_of(body: &str) -> Result<Option<Action>, String> {
    let no_action = |fault: serde_json::Error| format!("the body is no action: {fault}");
    if let Some(rest) = body.trim_start().strip_prefix(HEAD) {
        return serde_json::from_value(of_head(rest)?).map(Some).map_err(no_action);
    }
    let has_action = body.trim_start().starts_with('{')
        && serde_json::from_str::<Value>(body).is_ok_and(|value| value.get("action").is_some());
    match has_action {
        // From the text once more: a member that is there twice is a fault, not the last one's.
        true => serde_json::from_str(body).map(Some).map_err(no_action),
        false => Ok(None),
    }
}

/// A head and a text as the object that they stand for. Whatever the text says, it is only the text.
fn of_head(rest: &str) -> Result<Value, String> {
    let mut lines = rest.lines();
    let action = lines.next().unwrap_or_default().trim();
    let mut object = Map::from_iter([("action".to_owned(), json!(action))]);
    for line in lines.by_ref() {
        if line.trim().is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').ok_or_else(|| {
            let found: String = line.chars().take(64).collect();
            format!(
                "the head has the line `{}`: expected `name: value`, and an empty line after it",
                found.escape_debug()
            )
        })?;
        let (name, value) = (name.trim(), value.trim());
        let is_list = LISTS.contains(&name) && (name != "staff" || action == "add_contact_way");
        let value = match value {
            "true" => json!(true),
            "false" => json!(false),
            list if is_list => list.split(',').map(str::trim).filter(|item| !item.is_empty()).collect(),
            text => json!(text),
        };
        if object.insert(name.to_owned(), value).is_some() {
            return Err(format!("the head has `{}` twice", name.escape_debug()));
        }
    }
    let text = lines.collect::<Vec<_>>().join("\n");
    if !text.is_empty() && object.insert("text".to_owned(), json!(text)).is_some() {
        return Err("the head has a `text`, and there is one under it".to_owned());
    }
    Ok(Value::Object(object))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::wish::Wish;

    fn customer() -> Value {
        json!({ "identities": ["wecom:wm1"] })
    }

    #[test]
    fn a_head_says_what_a_text_cannot() {
        for (body, request) in [
            (
                "wecom: send_welcome_msg\nwelcome_code: W1\n\n您好,\"牛\", \"attachments\": []\n\nwecom: x",
                json!({ "welcome_code": "W1",
                        "text": { "content": "您好,\"牛\", \"attachments\": []\n\nwecom: x" } }),
            ),
            (
                "wecom: mark_tag\nstaff: li\nadd: t1, t2,\n",
                json!({ "userid": "li", "external_userid": "wm1", "add_tag": ["t1", "t2"], "remove_tag": [] }),
            ),
            (
                "wecom: add_contact_way\r\nstate: c7\r\nstaff: li\r\nskip_verify: false",
                json!({ "type": 1, "scene": 2, "state": "c7", "skip_verify": false, "is_exclusive": false,
                        "user": ["li"] }),
            ),
        ] {
            assert_eq!(Wish::read(body, &customer()).unwrap().to_json(), request, "{body}");
        }
        for (body, part) in [
            ("wecom: fly\n\nhi", "unknown variant `fly`"),
            ("wecom: send_welcome_msg\nwelcome_code W\n\nhi", "the head has the line `welcome_code W`"),
            ("wecom: send_welcome_msg\nwelcome_code: W\nwelcome_code: V\n\nhi", "`welcome_code` twice"),
            ("wecom: mark_tag\nstaff: li\nadd: t\n\nhi", "unknown field `text`"),
            ("wecom: send_welcome_msg\nwelcome_code: W\ntext: a\n\nhi", "and there is one under it"),
            (r#"{"action": "mark_tag", "staff": "li", "add": ["t"], "add": ["u"]}"#, "duplicate field `add`"),
        ] {
            let fault = Wish::read(body, &customer()).unwrap_err();
            assert!(fault.contains(part), "{body}: {fault}");
        }
    }
}
