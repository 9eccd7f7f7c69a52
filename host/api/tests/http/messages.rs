//! Messages over HTTP: where they stand, and what somebody says of those of which nobody knows what became.

use serde_json::{Value, json};
use siyu_engine::ports::access::Outcome;
use siyu_model::access::Role;

use super::stage::Stage;

const MESSAGES: &str = "/v1/tenants/shop/messages";

/// A second playbook, over the channel of which nobody knows what becomes of a message.
const NOTES: [(&str, &str); 3] = [
    (
        "playbook.yaml",
        "playbook: notes\ntitle: Notes\nzone: Asia/Shanghai\nchannels: [fog]\nevents:\n  note.asked: {}\n",
    ),
    ("templates/note.yaml", "template: note\nclass: service\ntext: A note.\n"),
    ("workflows/note.yaml", "workflow: note\non: { event: note.asked }\nsteps:\n  - send: note\n"),
];

/// Publishes the second playbook with another channel, and has notes sent to so many customers.
fn noted(stage: &Stage, token: &str, (channel, customers): (&str, usize)) {
    let files: serde_json::Map<String, Value> =
        NOTES.iter().map(|(path, text)| ((*path).to_owned(), json!(text.replace("fog", channel)))).collect();
    let published = stage.post(token, "/v1/tenants/shop/playbooks", &json!({ "files": files }).to_string());
    assert!((200..300).contains(&published.status), "{}", published.text);
    for number in 1..=customers {
        let event = json!({ "id": number.to_string(), "type": "note.asked", "subject": format!("shop:{number}"), "data": {} });
        assert_eq!(stage.post(token, "/v1/tenants/shop/events", &event.to_string()).status, 200);
    }
}

/// A host on which two messages are uncertain, and their ids, newest first.
pub(super) fn uncertain(stage: &Stage, token: &str) -> Vec<String> {
    noted(stage, token, ("fog", 2));
    until(stage, token, 2)
}

/// The messages of which nobody knows, once there are so many.
fn until(stage: &Stage, token: &str, count: usize) -> Vec<String> {
    until_found(stage, token, ("is_uncertain=true", count))
}

/// The messages that are found, once there are so many.
fn until_found(stage: &Stage, token: &str, (query, count): (&str, usize)) -> Vec<String> {
    for _ in 0..1_000 {
        let listed = stage.get(token, &format!("{MESSAGES}?{query}")).json();
        let found = listed["messages"].as_array().unwrap();
        if found.len() == count {
            return found.iter().map(|message| message["id"].as_str().unwrap().to_owned()).collect();
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    panic!("there were never {count} messages of {query}")
}

#[test]
fn what_somebody_found_out_settles_a_message_and_is_noted() {
    let stage = Stage::new();
    let token = stage.token(Role::Operator, "shop");
    let ids = uncertain(&stage, &token);
    let settle = |id: &str, body: &str| stage.post(&token, &format!("{MESSAGES}/{id}/settle"), body);
    let [one, other] = &ids[..] else { panic!("{ids:?}") };
    assert_eq!(settle(one, r#"{"was_sent":true}"#).json(), json!({ "message": one, "status": "sent" }));
    assert_eq!(settle(one, r#"{"was_sent":true}"#).status, 200, "whoever got no answer may ask again");
    assert_eq!(settle(one, r#"{"was_sent":false}"#).fault(), (422, "REFUSED".to_owned()));
    assert_eq!(
        settle(other, r#"{"was_sent":false}"#).json(),
        json!({ "message": other, "status": "planned" })
    );
    // It went again, and nobody knows again.
    assert_eq!(until(&stage, &token, 1), std::slice::from_ref(other));
    let listed = stage.get(&token, MESSAGES).json();
    let message =
        listed["messages"].as_array().unwrap().iter().find(|it| it["id"] == **other).unwrap().clone();
    assert_eq!((&message["attempts"], &message["status"]), (&json!(2), &json!("planned")));
    assert_eq!(message["reason"], "uncertain: it went into the fog");
    use Outcome::{Asked, Done, Refused};
    let notes = stage.notes();
    let of = notes.iter().filter(|(action, ..)| action == "messages.settle").map(|(_, outcome, _)| *outcome);
    assert_eq!(of.collect::<Vec<_>>(), [Asked, Done, Asked, Done, Asked, Refused, Asked, Done]);
}

#[test]
fn what_cannot_be_asked_for_or_settled_is_told() {
    let stage = Stage::new();
    let token = stage.token(Role::Operator, "shop");
    let ids = uncertain(&stage, &token);
    let count = |query: &str| {
        stage.get(&token, &format!("{MESSAGES}?{query}")).json()["messages"].as_array().unwrap().len()
    };
    for (query, expected) in [
        ("channel=fog", 2),
        ("channel=sms", 0),
        ("customer=shop:1", 1),
        ("customer=shop:9", 0),
        ("status=planned", 2),
        ("status=sent", 0),
        ("is_uncertain=false", 2),
        ("page_size=1", 1),
    ] {
        assert_eq!(count(query), expected, "{query}");
    }
    let wrong = |query: &str| stage.get(&token, &format!("{MESSAGES}?{query}")).fault();
    for query in ["status=lost", "is_uncertain=perhaps", "is_uncertain=true&status=sent", "whatever=1"] {
        assert_eq!(wrong(query), (400, "QUERY".to_owned()), "{query}");
    }
    let settle = |token: &str, id: &str, body: &str| {
        stage.post(token, &format!("{MESSAGES}/{id}/settle"), body).fault()
    };
    assert_eq!(settle(&token, &ids[0], r#"{"was_snet":true}"#), (400, "BODY".to_owned()));
    assert_eq!(settle(&token, "nobody", r#"{"was_sent":true}"#), (404, "NO_MESSAGE".to_owned()));
    let gone = ids[0].replace("msg_0", "msg_1");
    assert_eq!(settle(&token, &gone, r#"{"was_sent":true}"#), (404, "NO_MESSAGE".to_owned()));
    let viewer = stage.token(Role::Viewer, "shop");
    assert_eq!(settle(&viewer, &ids[0], r#"{"was_sent":true}"#).0, 403);
}

#[test]
fn a_message_that_failed_goes_once_more_when_somebody_wants_it_and_that_is_noted() {
    let stage = Stage::new();
    let token = stage.token(Role::Operator, "shop");
    noted(&stage, &token, ("wall", 1));
    let failed = until_found(&stage, &token, ("status=failed", 1)).remove(0);
    let again = |token: &str, id: &str| stage.post(token, &format!("{MESSAGES}/{id}/redeliver"), "");
    assert_eq!(again(&token, "nobody").fault(), (404, "NO_MESSAGE".to_owned()));
    assert_eq!(again(&token, &failed.replace("msg_0", "msg_1")).fault(), (404, "NO_MESSAGE".to_owned()));
    assert_eq!(again(&stage.token(Role::Viewer, "shop"), &failed).status, 403);
    assert_eq!(again(&stage.token(Role::Operator, "other"), &failed).fault(), (404, "NO_TENANT".to_owned()));
    assert_eq!(again(&token, &failed).json(), json!({ "message": failed, "status": "planned" }));
    assert_eq!(until_found(&stage, &token, ("status=sent", 1)), std::slice::from_ref(&failed));
    let refused = again(&token, &failed);
    assert_eq!(refused.fault(), (422, "REFUSED".to_owned()));
    assert!(refused.text.contains("it is sent: expected failed or expired"), "{}", refused.text);
    use Outcome::{Asked, Done, Refused};
    let notes = stage.notes();
    let of = notes.iter().filter(|(action, ..)| action == "messages.redeliver");
    let of: Vec<Outcome> = of.map(|(_, outcome, _)| *outcome).collect();
    assert_eq!(of, [Asked, Refused, Asked, Done, Asked, Refused]);
}
