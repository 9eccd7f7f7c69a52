//! What an answer makes of a message: by the class of its code, by how often it was tried, and by whether asking again could do it
//! twice. Nothing here asks.

use serde_json::Value;

use crate::errcode::{Class, class_of, words_of};
use crate::wish::Wish;

/// A welcome is possible for so long after the customer came (document 92599).
pub const WELCOME_MS: i64 = 20_000;
/// Pauses after 84061, "no such relation": right after a callback it is mostly lag. From the community's reports.
const LAG_MS: [u32; 3] = [2_000, 10_000, 60_000];
/// Pauses after "busy"; WeCom asks for no more than three tries in a row.
const RETRY_MS: [u32; 3] = [1_000, 2_000, 5_000];
/// And then, until the message expires.
const REST_MS: u32 = 600_000;
/// The shortest block of an API; the longest is an hour.
const BLOCK_MS: u32 = 60_000;
const BLOCK_MS_MAX: u32 = 3_600_000;
/// Characters of WeCom's own words that are kept.
const WORDS_MAX: usize = 200;

/// What became of a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// WeCom did it; what WeCom calls it.
    Sent(Option<Value>),
    /// Staff have a task now; its `msgid`.
    TaskCreated(Option<Value>),
    /// The customer has it.
    Delivered,
    /// It will never be done.
    Refused(String),
    /// Not now; a wish in milliseconds.
    Later(String, Option<u32>),
    /// It may be done, and asking again could do it twice.
    Uncertain(String),
}

/// What there is to do about an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// This is what became of the message.
    Over(Outcome),
    /// Fetch another token and ask again, once.
    Refresh,
    /// The API is blocked for so long: this message, and the others of this API.
    Block(u32),
}

/// How a call failed without an answer of WeCom's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Why.
    pub message: String,
    /// Whether WeCom may have done it.
    pub may_have_arrived: bool,
    /// Whether it can never succeed: a host that is not granted.
    pub is_permanent: bool,
    /// When to come back.
    pub retry_after_ms: Option<u32>,
}

/// What an answer of WeCom's means for a message. `attempt` is 1 for the first; `chance` is any number.
pub fn judge(wish: &Wish, answer: &Value, attempt: u32, chance: u32) -> Next {
    let Some(code) = answer["errcode"].as_i64() else {
        return Next::Over(unclear(wish, "WeCom's answer has no `errcode`", None));
    };
    let said = said(code, answer);
    let tries = (attempt.max(1) - 1) as usize;
    let outcome = match class_of(code) {
        Class::Done => done(wish, answer),
        Class::Refresh => return Next::Refresh,
        Class::Wait => {
            let pause = BLOCK_MS.saturating_mul(1 << tries.min(6)).min(BLOCK_MS_MAX);
            return Next::Block(pause);
        }
        Class::Retry => {
            Outcome::Later(said, Some(jittered(RETRY_MS.get(tries).copied().unwrap_or(REST_MS), chance)))
        }
        Class::Lag => match LAG_MS.get(tries) {
            Some(pause) => Outcome::Later(said, Some(jittered(*pause, chance))),
            None => Outcome::Refused(said),
        },
        Class::Said if matches!(wish, Wish::Welcome { .. }) => Outcome::Delivered,
        Class::Said | Class::Permanent | Class::Unknown => Outcome::Refused(said),
        Class::Config => Outcome::Refused(format!("{said}; somebody has to look at how WeCom is set up")),
    };
    Next::Over(outcome)
}

/// What a call without an answer means for a message.
pub fn judge_failure(wish: &Wish, failure: Failure) -> Outcome {
    match failure {
        Failure { is_permanent: true, message, .. } => Outcome::Refused(message),
        Failure { may_have_arrived: false, message, retry_after_ms, .. } => {
            Outcome::Later(message, retry_after_ms)
        }
        Failure { message, retry_after_ms, .. } => unclear(wish, &message, retry_after_ms),
    }
}

/// Whether a welcome that was planned at an instant is too late.
pub fn is_too_late(wish: &Wish, planned_ms: i64, now_ms: i64) -> bool {
    matches!(wish, Wish::Welcome { .. }) && now_ms - planned_ms >= WELCOME_MS
}

/// WeCom may have done it.
fn unclear(wish: &Wish, why: &str, retry_after_ms: Option<u32>) -> Outcome {
    match wish.is_idempotent() {
        true => Outcome::Later(why.to_owned(), retry_after_ms.or(Some(RETRY_MS[0]))),
        false => Outcome::Uncertain(why.to_owned()),
    }
}

fn done(wish: &Wish, answer: &Value) -> Outcome {
    match wish {
        Wish::Broadcast { customer, .. } => {
            let is_left_out =
                answer["fail_list"].as_array().is_some_and(|list| list.iter().any(|id| id == customer));
            match is_left_out {
                true => Outcome::Refused("WeCom cannot send to this customer".to_owned()),
                false => Outcome::TaskCreated(named(answer, &["msgid"])),
            }
        }
        Wish::AddWay(_) => Outcome::Sent(named(answer, &["config_id", "qr_code"])),
        Wish::Welcome { .. } | Wish::Tags { .. } | Wish::Remind { .. } => Outcome::Sent(None),
    }
}

/// What WeCom calls what it made.
fn named(answer: &Value, names: &[&str]) -> Option<Value> {
    let there = names.iter().filter_map(|name| Some(((*name).to_owned(), answer.get(*name)?.clone())));
    let there: serde_json::Map<_, _> = there.collect();
    (!there.is_empty()).then_some(Value::Object(there))
}

/// A code in words: what it means here, and what WeCom said.
fn said(code: i64, answer: &Value) -> String {
    let words: String = answer["errmsg"].as_str().unwrap_or_default().chars().take(WORDS_MAX).collect();
    let words: String = words.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("{code}, {}: {words}", words_of(code))
}

/// A pause and up to a fifth of it more, so that those who failed together do not come back together.
fn jittered(pause_ms: u32, chance: u32) -> u32 {
    pause_ms + chance % (pause_ms / 5).max(1)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wish(api: &str) -> Wish {
        let body = match api {
            "send_welcome_msg" => r#"{"action": "send_welcome_msg", "welcome_code": "W", "text": "hi"}"#,
            "mark_tag" => r#"{"action": "mark_tag", "staff": "li", "add": ["t"]}"#,
            "add_contact_way" => r#"{"action": "add_contact_way", "state": "s", "staff": ["li"]}"#,
            "remind_groupmsg_send" => r#"{"action": "remind_groupmsg_send", "msgid": "m"}"#,
            _ => "hi",
        };
        Wish::read(body, &json!({ "identities": ["wecom:wm1"] })).unwrap()
    }

    /// An outcome in short.
    fn short(next: Next) -> String {
        match next {
            Next::Refresh => "refresh".to_owned(),
            Next::Block(ms) => format!("block {ms}"),
            Next::Over(Outcome::Sent(what)) => format!("sent {}", what.unwrap_or_default()),
            Next::Over(Outcome::TaskCreated(what)) => format!("task {}", what.unwrap_or_default()),
            Next::Over(Outcome::Delivered) => "delivered".to_owned(),
            Next::Over(Outcome::Refused(_)) => "refused".to_owned(),
            Next::Over(Outcome::Later(_, ms)) => format!("later {}", ms.unwrap_or_default()),
            Next::Over(Outcome::Uncertain(_)) => "uncertain".to_owned(),
        }
    }

    #[test]
    fn each_class_has_its_answer() {
        for (api, code, attempt, expected) in [
            ("send_welcome_msg", 0, 1, "sent null"),
            ("send_welcome_msg", 41051, 1, "delivered"),
            ("send_welcome_msg", 41050, 1, "refused"),
            ("send_welcome_msg", 41096, 1, "later 1000"),
            ("send_welcome_msg", 41096, 3, "later 5000"),
            ("mark_tag", 41051, 1, "refused"),
            ("mark_tag", 40014, 1, "refresh"),
            ("mark_tag", 42001, 9, "refresh"),
            ("mark_tag", 45009, 1, "block 60000"),
            ("mark_tag", 45009, 3, "block 240000"),
            ("mark_tag", 45009, 99, "block 3600000"),
            ("mark_tag", 45033, 2, "later 2000"),
            ("mark_tag", -1, 4, "later 600000"),
            ("mark_tag", 6000, 0, "later 1000"),
            ("mark_tag", 84061, 1, "later 2000"),
            ("mark_tag", 84061, 2, "later 10000"),
            ("mark_tag", 84061, 3, "later 60000"),
            ("mark_tag", 84061, 4, "refused"),
            ("mark_tag", 60011, 1, "refused"),
            ("mark_tag", 123_456, 1, "refused"),
            ("remind_groupmsg_send", 0, 1, "sent null"),
        ] {
            let answer = json!({ "errcode": code, "errmsg": "m" });
            assert_eq!(short(judge(&wish(api), &answer, attempt, 0)), expected, "{api} {code} {attempt}");
        }
    }

    #[test]
    fn what_wecom_made_is_kept_by_its_name() {
        let answer = json!({ "errcode": 0, "msgid": "m1", "fail_list": [] });
        assert_eq!(short(judge(&wish("add_msg_template"), &answer, 1, 0)), r#"task {"msgid":"m1"}"#);
        let answer = json!({ "errcode": 0, "msgid": "m1", "fail_list": ["wm1"] });
        assert_eq!(short(judge(&wish("add_msg_template"), &answer, 1, 0)), "refused");
        let answer = json!({ "errcode": 0, "config_id": "c", "qr_code": "q", "more": 1 });
        let expected = r#"sent {"config_id":"c","qr_code":"q"}"#;
        assert_eq!(short(judge(&wish("add_contact_way"), &answer, 1, 0)), expected);
    }

    #[test]
    fn only_what_cannot_be_done_twice_is_asked_again() {
        let failure = |may_have_arrived, is_permanent| Failure {
            message: "the connection broke".to_owned(),
            may_have_arrived,
            is_permanent,
            retry_after_ms: None,
        };
        for (api, arrived, expected) in [
            ("send_welcome_msg", true, "later 1000"),
            ("mark_tag", true, "later 1000"),
            ("add_msg_template", true, "uncertain"),
            ("add_contact_way", true, "uncertain"),
            ("remind_groupmsg_send", true, "uncertain"),
            ("add_msg_template", false, "later 0"),
        ] {
            let outcome = judge_failure(&wish(api), failure(arrived, false));
            assert_eq!(short(Next::Over(outcome)), expected, "{api}");
            assert_eq!(short(Next::Over(judge_failure(&wish(api), failure(arrived, true)))), "refused");
        }
        for nonsense in [json!(null), json!([]), json!({ "errcode": "0" }), json!("ok")] {
            assert_eq!(short(judge(&wish("add_msg_template"), &nonsense, 1, 0)), "uncertain");
            assert_eq!(short(judge(&wish("mark_tag"), &nonsense, 1, 0)), "later 1000");
        }
    }

    #[test]
    fn pauses_differ_by_a_fifth_at_most() {
        for chance in [0, 1, 199, 200, 12_345, u32::MAX] {
            let Next::Over(Outcome::Later(_, Some(ms))) =
                judge(&wish("mark_tag"), &json!({ "errcode": -1 }), 1, chance)
            else {
                panic!("{chance}");
            };
            assert!((1_000..1_200).contains(&ms), "{chance}: {ms}");
        }
    }

    #[test]
    fn a_welcome_is_too_late_after_twenty_seconds() {
        let welcome = wish("send_welcome_msg");
        assert!(!is_too_late(&welcome, 1_000, 20_999));
        assert!(is_too_late(&welcome, 1_000, 21_000));
        assert!(!is_too_late(&wish("mark_tag"), 1_000, 99_999));
    }

    #[test]
    fn wecoms_words_are_kept_short_and_on_one_line() {
        let answer = json!({ "errcode": 40096, "errmsg": format!("a\nb{}", "x".repeat(500)) });
        let Next::Over(Outcome::Refused(why)) = judge(&wish("mark_tag"), &answer, 1, 0) else { panic!() };
        assert!(why.starts_with("40096, no such customer: a bxx") && why.chars().count() < 240, "{why}");
    }
}
