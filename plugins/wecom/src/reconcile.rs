//! Finding out what became of a call whose answer was lost: WeCom knows no key of ours, but it lists what was made. What cannot be
//! told for sure is not told.

use serde_json::{Value, json};

use crate::judge::Outcome;
use crate::wish::{Way, Wish};

/// How far WeCom's clock may be behind the host's.
const SLACK_S: i64 = 120;
/// A list spans a month at most.
const SPAN_S: i64 = 30 * 86_400;
/// Pages of a list that are read.
const PAGES_MAX: usize = 3;
/// Broadcasts of the same words that are looked into.
const SAME_MAX: usize = 3;
/// Contact ways that are looked into.
const WAYS_MAX: usize = 8;
const PAGE_ROWS: usize = 100;

/// Asks an API; none when there is no answer, or not 0.
pub type Ask<'a> = &'a mut dyn FnMut(&'static str, Value) -> Option<Value>;

/// When a message was planned, and when it is now: milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// When the call cannot have been made yet.
    pub planned_ms: i64,
    /// When it must have been made.
    pub now_ms: i64,
}

/// What became of a call; none when that cannot be told.
pub fn look(ask: Ask<'_>, wish: &Wish, span: Span) -> Option<Outcome> {
    match wish {
        // WeCom says itself that the welcome was said, and a tag that is on is put on again.
        Wish::Welcome { .. } | Wish::Tags { .. } => Some(not_made("asking again does no harm")),
        Wish::Broadcast { content, customer, .. } => {
            let listed = list(ask, "get_groupmsg_list_v2", "group_msg_list", span)?;
            let same = listed
                .iter()
                .filter(|one| one["text"]["content"].as_str().unwrap_or_default() == content.text);
            let ids: Vec<&str> = same.filter_map(|one| one["msgid"].as_str()).collect();
            if ids.len() > SAME_MAX {
                return None;
            }
            for msgid in ids {
                if let Some(status) = status_of(ask, msgid, customer)? {
                    return became(status, msgid);
                }
            }
            Some(not_made("WeCom has no such broadcast"))
        }
        Wish::AddWay(way) => {
            let listed = list(ask, "list_contact_way", "contact_way", span)?;
            if listed.len() > WAYS_MAX {
                return None;
            }
            for one in listed {
                let found = ask("get_contact_way", json!({ "config_id": one["config_id"] }))?;
                if is_same(way, &found["contact_way"]) {
                    let named =
                        json!({ "config_id": one["config_id"], "qr_code": found["contact_way"]["qr_code"] });
                    return Some(Outcome::Sent(Some(named)));
                }
            }
            Some(not_made("WeCom has no such contact way"))
        }
        Wish::Remind { .. } => None,
    }
}

fn not_made(why: &str) -> Outcome {
    Outcome::Later(why.to_owned(), Some(0))
}

fn became(status: i64, msgid: &str) -> Option<Outcome> {
    match status {
        0 => Some(Outcome::TaskCreated(Some(json!({ "msgid": msgid })))),
        1 => Some(Outcome::Delivered),
        2 => Some(Outcome::Refused("the customer is no friend of the member of staff any more".to_owned())),
        3 => Some(Outcome::Refused("the customer has had as many broadcasts as they may".to_owned())),
        _ => None,
    }
}

/// A contact way is known by its `state`, which is a code of ours.
fn is_same(way: &Way, found: &Value) -> bool {
    let staff = found["user"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let mut staff: Vec<&str> = staff.collect();
    let mut wanted: Vec<&str> = way.staff.iter().map(String::as_str).collect();
    staff.sort_unstable();
    wanted.sort_unstable();
    found["state"] == way.state.as_str() && staff == wanted
}

/// What was made since the message was planned; none when that is not all.
fn list(ask: Ask<'_>, api: &'static str, name: &str, span: Span) -> Option<Vec<Value>> {
    let (start, end) = (span.planned_ms / 1000 - SLACK_S, span.now_ms / 1000 + SLACK_S);
    if end < start || end - start > SPAN_S {
        return None;
    }
    let mut all = Vec::new();
    let mut cursor = String::new();
    for _ in 0..PAGES_MAX {
        let mut body = json!({ "start_time": start, "end_time": end, "limit": PAGE_ROWS });
        if api == "get_groupmsg_list_v2" {
            body["chat_type"] = json!("single");
        }
        if !cursor.is_empty() {
            body["cursor"] = json!(cursor);
        }
        let page = ask(api, body)?;
        all.extend(page[name].as_array()?.iter().take(PAGE_ROWS).cloned());
        match page["next_cursor"].as_str() {
            None | Some("") => return Some(all),
            Some(next) => next.clone_into(&mut cursor),
        }
    }
    None
}

/// What became of a broadcast to one customer alone: none inside when it was to others.
fn status_of(ask: Ask<'_>, msgid: &str, customer: &str) -> Option<Option<i64>> {
    let staff = ask("get_groupmsg_task", json!({ "msgid": msgid, "limit": PAGE_ROWS }))?;
    let [staff] = staff["task_list"].as_array()?.as_slice() else { return Some(None) };
    let body = json!({ "msgid": msgid, "userid": staff["userid"], "limit": PAGE_ROWS });
    let rows = ask("get_groupmsg_send_result", body)?;
    match rows["send_list"].as_array()?.as_slice() {
        [row] if row["external_userid"] == customer => Some(row["status"].as_i64()),
        _ => Some(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: Span = Span { planned_ms: 1_000_000_000, now_ms: 1_000_060_000 };

    fn wish(body: &str) -> Wish {
        Wish::read(body, &json!({ "identities": ["wecom:wm1"] })).unwrap()
    }

    /// Answers in their order; each is for the API that it names.
    fn looked(body: &str, answers: &[(&str, Value)]) -> Option<Outcome> {
        let mut answers = answers.iter();
        let mut ask = |api: &'static str, _: Value| {
            let (expected, answer) = answers.next().expect("an answer for each call");
            assert_eq!(api, *expected);
            (!answer.is_null()).then(|| answer.clone())
        };
        let outcome = look(&mut ask, &wish(body), SPAN);
        assert_eq!(answers.len(), 0, "each answer was asked for");
        outcome
    }

    fn listed(texts: &[&str]) -> (&'static str, Value) {
        let rows = texts.iter().enumerate();
        let rows = rows.map(|(n, text)| json!({ "msgid": format!("m{n}"), "text": { "content": text } }));
        ("get_groupmsg_list_v2", json!({ "group_msg_list": rows.collect::<Vec<_>>() }))
    }

    fn of_staff(staff: &[&str]) -> (&'static str, Value) {
        let rows: Vec<Value> = staff.iter().map(|id| json!({ "userid": id })).collect();
        ("get_groupmsg_task", json!({ "task_list": rows }))
    }

    fn results(customers: &[&str], status: i64) -> (&'static str, Value) {
        let rows = customers.iter().map(|id| json!({ "external_userid": id, "status": status }));
        ("get_groupmsg_send_result", json!({ "send_list": rows.collect::<Vec<_>>() }))
    }

    #[test]
    fn a_broadcast_is_found_by_its_words_and_its_only_customer() {
        let found =
            |status| looked("hi", &[listed(&["ho", "hi"]), of_staff(&["li"]), results(&["wm1"], status)]);
        assert_eq!(found(0), Some(Outcome::TaskCreated(Some(json!({ "msgid": "m1" })))));
        assert_eq!(found(1), Some(Outcome::Delivered));
        assert!(matches!(found(2), Some(Outcome::Refused(_))));
        assert!(matches!(found(3), Some(Outcome::Refused(_))));
        assert_eq!(found(9), None);
    }

    #[test]
    fn what_was_not_made_may_be_made_again() {
        let never = Some(Outcome::Later("WeCom has no such broadcast".to_owned(), Some(0)));
        assert_eq!(looked("hi", &[listed(&["ho"])]), never);
        let others = [listed(&["hi"]), of_staff(&["li", "wang"])];
        assert_eq!(looked("hi", &others), never, "one that a person sent to many is not this");
        let others = [listed(&["hi"]), of_staff(&["li"]), results(&["wm2"], 1)];
        assert_eq!(looked("hi", &others), never);
        for body in [
            r#"{"action": "send_welcome_msg", "welcome_code": "W", "text": "hi"}"#,
            r#"{"action": "mark_tag", "staff": "li", "add": ["t"]}"#,
        ] {
            assert!(matches!(looked(body, &[]), Some(Outcome::Later(_, Some(0)))));
        }
    }

    #[test]
    fn what_cannot_be_told_is_not_told() {
        assert_eq!(looked("hi", &[("get_groupmsg_list_v2", Value::Null)]), None);
        assert_eq!(looked("hi", &[listed(&["hi"; 4])]), None);
        assert_eq!(looked("hi", &[listed(&["hi"]), ("get_groupmsg_task", Value::Null)]), None);
        let endless = ("get_groupmsg_list_v2", json!({ "group_msg_list": [], "next_cursor": "more" }));
        assert_eq!(looked("hi", &[endless.clone(), endless.clone(), endless]), None);
        assert_eq!(looked(r#"{"action": "remind_groupmsg_send", "msgid": "m"}"#, &[]), None);
        let long = Span { planned_ms: 0, now_ms: 40 * 86_400_000 };
        assert_eq!(look(&mut |_, _| panic!("nobody is asked"), &wish("hi"), long), None);
    }

    #[test]
    fn a_contact_way_is_found_by_its_state() {
        let body = r#"{"action": "add_contact_way", "state": "c7", "staff": ["li", "wang"]}"#;
        let ids =
            ("list_contact_way", json!({ "contact_way": [{ "config_id": "a" }, { "config_id": "b" }] }));
        let way = |state: &str| {
            let way = json!({ "state": state, "user": ["wang", "li"], "qr_code": "q" });
            ("get_contact_way", json!({ "contact_way": way }))
        };
        let found = looked(body, &[ids.clone(), way("c6"), way("c7")]);
        assert_eq!(found, Some(Outcome::Sent(Some(json!({ "config_id": "b", "qr_code": "q" })))));
        let none = looked(body, &[ids, way("c6"), way("c8")]);
        assert!(matches!(none, Some(Outcome::Later(_, Some(0)))));
        let many: Vec<Value> = (0..9).map(|n| json!({ "config_id": n.to_string() })).collect();
        assert_eq!(looked(body, &[("list_contact_way", json!({ "contact_way": many }))]), None);
    }
}
