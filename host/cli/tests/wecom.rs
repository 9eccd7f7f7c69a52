//! WeCom over the real program: `siyu serve` with the plugin as it is shipped, a secret of the tenant, and the emulator. A welcome, a broadcast
//! whose answer is lost, staff that confirm late, and a reminder of which nobody knows what became, until somebody says it. And by the machine's
//! clock: an API that is blocked for its minute, and a welcome whose 20 seconds pass.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use siyu_wecom_emulator::{Act, Clock, Emulator, Limits, Sent, Settings};

use support::packed::{make_key, packed, program, says};
use support::served::{Served, until};

/// A corp, and what a host needs to reach it.
struct Stage {
    wecom: Emulator,
    folder: tempfile::TempDir,
    plugins: PathBuf,
}

impl Stage {
    fn new(limits: Limits) -> Self {
        let settings = Settings { limits, ..Settings::default() };
        let (corp_id, secret) = (settings.corp_id.clone(), settings.secret.clone());
        let wecom = Emulator::start(settings, Clock::system()).unwrap();
        wecom.act(Act::StaffJoins { staff: "li".into(), may_contact: true }).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let plugins = packed(folder.path(), ("wecom", "wecom"));
        let url = wecom.url();
        let channels = format!(
            "[wecom]\nto = 'plugin'\nplugin = 'wecom'\nhosts = ['{url}']\n\
             config = {{ corp_id = '{corp_id}', base = '{url}' }}\nsecrets = {{ corpsecret = 'wecom_corpsecret' }}\n"
        );
        let stage = Self { wecom, folder, plugins };
        fs::create_dir_all(stage.data()).unwrap();
        fs::write(stage.data().join("channels.toml"), channels).unwrap();
        let value = stage.folder.path().join("value");
        fs::write(&value, secret).unwrap();
        make_key(&stage.folder.path().join("keys"));
        stage.says(&["secrets", "set", "wecom_corpsecret", "--file", value.to_str().unwrap()]);
        let playbook = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/playbooks/friends");
        stage.says(&["publish", playbook.to_str().unwrap()]);
        stage
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn program(&self) -> Command {
        program(self.folder.path(), &self.plugins, &self.wecom.url())
    }

    /// What the program says as JSON.
    fn says(&self, arguments: &[&str]) -> Value {
        says(self.program(), arguments)
    }

    /// Messages from a template, newest first, as people list them.
    fn messages(&self, template: &str) -> Vec<Value> {
        let listed = self.says(&["messages", "list"]);
        let all = listed["messages"].as_array().unwrap().iter();
        all.filter(|message| message["template"] == template).cloned().collect()
    }

    /// A customer becomes a friend of a member of staff; what the callback says of them.
    fn adds(&self, customer: &str, state: &str) -> Value {
        let added = Act::CustomerAdds { customer: customer.into(), staff: "li".into(), state: state.into() };
        let code = self.wecom.act(added).unwrap()["welcome_code"].clone();
        json!({ "staff": "li", "external_userid": customer, "state": state, "welcome_code": code })
    }
}

fn hand_in(host: &Served, event_type: &str, customer: &str, data: &Value) {
    let id = format!("{event_type}-{customer}");
    let event = json!({ "id": id, "type": event_type, "subject": format!("wecom:{customer}"), "data": data });
    let (status, answer) = host.post("default", &event);
    assert!((200..300).contains(&status), "{status} {answer}");
}

#[test]
fn friends_are_welcomed_staff_get_their_tasks_and_what_nobody_knows_is_settled() {
    let stage = Stage::new(Limits::default());
    let host = Served::start_as(stage.program(), None, "host");
    // A welcome goes within its 20 seconds, with a token that the host got by the tenant's secret.
    hand_in(&host, "friend.added", "wm1", &stage.adds("wm1", ""));
    until("the welcome", || stage.wecom.record().welcomes.len() == 1);
    assert_eq!(stage.wecom.record().welcomes[0].content.text.content.trim(), "您好,欢迎来到小牛!");
    // The broadcast is made, and its answer lost: it is found, and not made again.
    stage.wecom.act(Act::LoseAnswers { api: "add_msg_template".into(), times: 1 }).unwrap();
    hand_in(&host, "friend.added", "wm2", &stage.adds("wm2", "arrivals"));
    until("the task", || {
        stage.messages("arrivals").iter().any(|message| message["status"] == "task_created")
    });
    let broadcasts = stage.wecom.sight().broadcasts;
    assert_eq!(broadcasts.len(), 1);
    let msgid = broadcasts.into_keys().next().unwrap();
    let task = &stage.messages("arrivals")[0];
    let details: Value = serde_json::from_str(task["reason"].as_str().unwrap()).unwrap();
    assert_eq!(details["msgid"], msgid.as_str());
    // Staff are reminded, the answer is lost, and WeCom cannot be asked whether it heard.
    stage.wecom.act(Act::LoseAnswers { api: "remind_groupmsg_send".into(), times: 1 }).unwrap();
    hand_in(&host, "staff.late", "wm2", &json!({ "msgid": msgid }));
    let uncertain = || stage.says(&["messages", "list", "--uncertain"])["messages"].clone();
    until("the message of which nobody knows", || uncertain().as_array().unwrap().len() == 1);
    let found = &uncertain()[0];
    assert_eq!((&found["template"], &found["is_uncertain"]), (&json!("reminder"), &json!(true)));
    let id = found["id"].as_str().unwrap().to_owned();
    // Staff confirm late.
    stage.wecom.act(Act::StaffConfirms { staff: "li".into(), msgid: msgid.clone() }).unwrap();
    assert_eq!(stage.wecom.sight().broadcasts[&msgid].staff["li"]["wm2"].0, Sent::Sent);
    assert_eq!(host.stop(), Some(0));
    // Somebody looked: the reminder was heard.
    let settled = stage.says(&["messages", "settle", &id, "--sent"]);
    assert_eq!(settled["messages"][0], json!({ "message": id, "settled": true, "status": "sent" }));
    assert_eq!(uncertain(), json!([]));
    assert_eq!(stage.wecom.record().count("remind_groupmsg_send"), 1);
    assert_eq!(stage.wecom.record().complaints.len(), 0, "{:?}", stage.wecom.record().complaints);
}

/// How many messages stand where.
fn standing(messages: &[Value], status: &str) -> usize {
    messages.iter().filter(|message| message["status"] == status).count()
}

#[test]
fn an_api_that_is_called_too_often_is_left_alone_for_its_minute_and_each_message_goes_once() {
    // WeCom's own pause of a minute, by the machine's clock; that two calls a minute are too many is the emulator's.
    let stage = Stage::new(Limits { calls_per_minute: 2, ..Limits::default() });
    let host = Served::start_as(stage.program(), None, "host");
    for number in 0..4 {
        let customer = format!("wm{number}");
        drop(stage.adds(&customer, ""));
        // Without a code there is no welcome; the broadcast alone goes.
        hand_in(&host, "goods.arrived", &customer, &json!({}));
    }
    let is_put_off = |message: &Value| {
        message["status"] == "planned" && message["reason"].as_str().is_some_and(|why| why.contains("45009"))
    };
    until("two tasks, and two messages that wait for the end of the block", || {
        let messages = stage.messages("arrivals");
        standing(&messages, "task_created") == 2 && messages.iter().filter(|one| is_put_off(one)).count() == 2
    });
    for message in stage.messages("arrivals").iter().filter(|message| is_put_off(message)) {
        assert_eq!(message["reason"], "45009: WeCom has blocked add_msg_template for a while", "{message}");
        assert!(message["attempts"].as_u64() >= Some(1), "shown as tried: {message}");
    }
    let blocked_at_ms =
        stage.wecom.record().of("add_msg_template").find(|call| call.errcode == 45_009).unwrap().at_ms;
    assert_eq!(stage.wecom.sight().broadcasts.len(), 2);
    until("all tasks", || standing(&stage.messages("arrivals"), "task_created") == 4);
    assert_eq!(host.stop(), Some(0));
    let record = stage.wecom.record();
    let done: Vec<_> = record.of("add_msg_template").filter(|call| call.errcode == 0).collect();
    assert_eq!(done.len(), 4, "each was made once");
    assert!(done[2..].iter().all(|call| call.at_ms >= blocked_at_ms + 60_000), "{done:?}");
    let broadcasts = stage.wecom.sight().broadcasts;
    let mut told: Vec<_> =
        broadcasts.values().flat_map(|broadcast| broadcast.staff["li"].keys().cloned()).collect();
    told.sort();
    assert_eq!(told, ["wm0", "wm1", "wm2", "wm3"]);
    assert_eq!(record.complaints.len(), 0, "nobody called what was blocked: {:?}", record.complaints);
}

#[test]
fn a_welcome_that_wecom_does_not_answer_expires_after_its_20_seconds_and_is_not_sent_late() {
    let stage = Stage::new(Limits::default());
    let host = Served::start_as(stage.program(), None, "host");
    stage.wecom.act(Act::Hold { api: "send_welcome_msg".into() }).unwrap();
    let added = stage.adds("wm1", "");
    let begun = Instant::now();
    hand_in(&host, "friend.added", "wm1", &added);
    stage.wecom.until_under_way("send_welcome_msg", 1).unwrap();
    until("the end of the welcome", || standing(&stage.messages("welcome"), "expired") == 1);
    let took = begun.elapsed();
    assert!((Duration::from_secs(20)..Duration::from_secs(40)).contains(&took), "{took:?}");
    let expired = &stage.messages("welcome")[0];
    assert_eq!(expired["reason"], "its time passed before it could go", "{expired}");
    assert!(expired["attempts"].as_u64() >= Some(1), "it was tried: {expired}");
    // WeCom is back. Who comes now is welcomed, and nobody is welcomed late.
    stage.wecom.act(Act::Release { api: "send_welcome_msg".into() }).unwrap();
    hand_in(&host, "friend.added", "wm2", &stage.adds("wm2", ""));
    until("the next welcome", || standing(&stage.messages("welcome"), "sent") == 1);
    assert_eq!(host.stop(), Some(0));
    let record = stage.wecom.record();
    let welcomed: Vec<&str> = record.welcomes.iter().map(|welcome| welcome.customer.as_str()).collect();
    assert_eq!(welcomed, ["wm2"]);
    assert_eq!(standing(&stage.messages("welcome"), "expired"), 1);
}
