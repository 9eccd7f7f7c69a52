//! The emulator over HTTP, as a client sees it.

use serde_json::{Value, json};
use siyu_wecom_emulator::{Act, CalledBack, Clock, Complaint, Emulator, Limits, Sent, Settings};

/// 2026-01-01T00:00:00Z.
const BEGIN_MS: i64 = 1_767_225_600_000;

struct Stage {
    wecom: Emulator,
    clock: Clock,
    agent: ureq::Agent,
}

impl Stage {
    fn new(settings: Settings) -> Self {
        let clock = Clock::by_hand(BEGIN_MS);
        let wecom = Emulator::start(settings, clock.clone()).expect("it works");
        for staff in ["li", "wang"] {
            wecom.act(Act::StaffJoins { staff: staff.into(), may_contact: true }).expect("it works");
        }
        wecom.act(Act::StaffJoins { staff: "new".into(), may_contact: false }).expect("it works");
        let config = ureq::Agent::config_builder().http_status_as_error(false).build();
        Self { wecom, clock, agent: config.into() }
    }

    fn with_limits(limits: Limits) -> Self {
        Self::new(Settings { limits, ..Settings::default() })
    }

    fn token(&self) -> String {
        let answer = self.get("/cgi-bin/gettoken?corpid=wx5823bf96d3bd56c7&corpsecret=emulated-secret");
        answer["access_token"].as_str().expect("it works").to_owned()
    }

    fn get(&self, path: &str) -> Value {
        let mut answer = self.agent.get(format!("{}{path}", self.wecom.url())).call().expect("it works");
        serde_json::from_str(&answer.body_mut().read_to_string().expect("it works")).expect("it works")
    }

    /// What an API answers, under a token of the day.
    fn call(&self, api: &str, body: Value) -> Value {
        self.call_with(&self.token(), api, body).expect("it works")
    }

    fn call_with(&self, token: &str, api: &str, body: Value) -> Result<Value, String> {
        let url = format!("{}/cgi-bin/externalcontact/{api}?access_token={token}", self.wecom.url());
        let answer = self.agent.post(url).send(body.to_string());
        let mut answer = answer.map_err(|fault| fault.to_string())?;
        let text = answer.body_mut().read_to_string().expect("it works");
        serde_json::from_str(&text).map_err(|fault| fault.to_string())
    }

    fn code(&self, api: &str, body: Value) -> i64 {
        self.call(api, body)["errcode"].as_i64().expect("it works")
    }

    /// A new friend; the welcome code.
    fn adds(&self, customer: &str, staff: &str) -> String {
        let (customer, staff) = (customer.to_owned(), staff.to_owned());
        let added = self.wecom.act(Act::CustomerAdds { customer, staff, state: "c7".into() });
        added.expect("it works")["welcome_code"].as_str().expect("it works").to_owned()
    }

    fn complaints(&self) -> Vec<Complaint> {
        self.wecom.record().complaints.into_iter().map(|(_, _, complaint)| complaint).collect()
    }
}

fn welcome(code: &str) -> Value {
    json!({ "welcome_code": code, "text": { "content": "您好" } })
}

#[test]
fn a_token_is_the_same_for_all_until_it_ends() {
    let stage = Stage::new(Settings::default());
    let first = stage.token();
    assert!(first.len() >= 512);
    assert_eq!(stage.token(), first);
    let check =
        |token: &str| stage.call_with(token, "get_corp_tag_list", json!({})).unwrap()["errcode"].clone();
    assert_eq!(check(&first), 0);
    stage.clock.advance_ms(7_200_000);
    assert_eq!(check(&first), 42001);
    let second = stage.token();
    assert_ne!(second, first);
    stage.wecom.act(Act::TokenEnds).unwrap();
    assert_eq!(check(&second), 40014);
    assert_eq!(check("guessed"), 40014);
    assert_eq!(check(""), 41001);
    // One that was on its way is nobody's fault.
    assert_eq!(check(&second), 40014);
    assert_eq!(stage.complaints(), []);
    stage.clock.advance_ms(1_001);
    assert_eq!(check(&second), 40014);
    assert_eq!(stage.complaints(), [Complaint::RefusedTokenAgain]);
}

#[test]
fn a_wrong_secret_gives_no_token() {
    let stage = Stage::new(Settings::default());
    for (query, code) in [
        ("", 41002),
        ("corpid=wx5823bf96d3bd56c7", 41004),
        ("corpid=other&corpsecret=emulated-secret", 40013),
        ("corpid=wx5823bf96d3bd56c7&corpsecret=wrong", 40001),
        ("corpid=wx5823bf96d3bd56c7&corpsecret=emulated%2Dsecret", 0),
    ] {
        assert_eq!(stage.get(&format!("/cgi-bin/gettoken?{query}"))["errcode"], code, "{query}");
    }
}

#[test]
fn a_welcome_goes_within_twenty_seconds_and_once() {
    let stage = Stage::new(Settings::default());
    let code = stage.adds("wm1", "li");
    stage.clock.advance_ms(20_000);
    assert_eq!(stage.code("send_welcome_msg", welcome(&code)), 0);
    assert_eq!(stage.code("send_welcome_msg", welcome(&code)), 41051);
    let late = stage.adds("wm2", "li");
    stage.clock.advance_ms(20_001);
    assert_eq!(stage.code("send_welcome_msg", welcome(&late)), 41050);
    let chatting = stage.adds("wm3", "li");
    stage.wecom.act(Act::Chat { customer: "wm3".into(), staff: "li".into() }).unwrap();
    assert_eq!(stage.code("send_welcome_msg", welcome(&chatting)), 41051);
    assert_eq!(stage.code("send_welcome_msg", welcome("")), 41049);
    assert_eq!(stage.code("send_welcome_msg", welcome("made-up")), 41050);
    let read = stage.wecom.record().welcomes;
    assert_eq!(read.len(), 1);
    assert_eq!((read[0].customer.as_str(), read[0].after_ms), ("wm1", 20_000));
    assert_eq!(stage.complaints(), [Complaint::WelcomeTwice]);
}

#[test]
fn a_broadcast_waits_for_staff() {
    let stage = Stage::with_limits(Limits { dispatch_lag_ms: 1_000, ..Limits::default() });
    stage.adds("wm1", "li");
    stage.adds("wm2", "li");
    stage.clock.advance_ms(5_000);
    stage.adds("wm1", "wang");
    stage.wecom.act(Act::Chat { customer: "wm1".into(), staff: "wang".into() }).unwrap();
    let wish = json!({
        "chat_type": "single", "external_userid": ["wm1", "wm2", "wm9"], "text": { "content": "周五到货" },
    });
    let made = stage.call("add_msg_template", wish);
    assert_eq!(made["fail_list"], json!(["wm9"]));
    let msgid = made["msgid"].as_str().unwrap().to_owned();
    let results =
        |staff: &str| stage.call("get_groupmsg_send_result", json!({ "msgid": msgid, "userid": staff }));
    assert_eq!(results("li")["errcode"], 41063);
    stage.clock.advance_ms(1_000);
    assert_eq!(
        results("li")["send_list"],
        json!([{ "external_userid": "wm2", "userid": "li", "status": 0 }])
    );
    assert_eq!(results("new")["errcode"], 60111);
    // The one who chatted last has the customer, and one whom the customer put off reaches nobody.
    stage.wecom.act(Act::CustomerDeletes { customer: "wm2".into(), staff: "li".into() }).unwrap();
    for staff in ["li", "wang"] {
        stage.wecom.act(Act::StaffConfirms { staff: staff.into(), msgid: msgid.clone() }).unwrap();
    }
    assert_eq!(results("wang")["send_list"][0]["status"], 1);
    assert_eq!(results("li")["send_list"][0]["status"], 2);
    let staff = stage.call("get_groupmsg_task", json!({ "msgid": msgid }));
    assert_eq!(staff["task_list"][0]["status"], 2);
    let second = BEGIN_MS / 1000;
    let span = json!({ "chat_type": "single", "start_time": second, "end_time": second + 60 });
    assert_eq!(stage.call("get_groupmsg_list_v2", span)["group_msg_list"][0]["msgid"], json!(msgid));
    for expected in [0, 0, 0, 45009] {
        assert_eq!(stage.code("remind_groupmsg_send", json!({ "msgid": msgid })), expected);
    }
    assert_eq!(stage.code("remind_groupmsg_send", json!({ "msgid": "none" })), 41047);
    let nobody = json!({ "external_userid": ["wm9"], "text": { "content": "x" } });
    assert_eq!(stage.code("add_msg_template", nobody), 41048);
}

#[test]
fn a_customer_gets_as_many_broadcasts_as_the_month_has_days() {
    let stage = Stage::new(Settings::default());
    stage.adds("wm1", "li");
    let mut last = String::new();
    for round in 0..32 {
        let wish = json!({ "external_userid": ["wm1"], "text": { "content": format!("第{round}条") } });
        last = stage.call("add_msg_template", wish)["msgid"].as_str().unwrap().to_owned();
        stage.wecom.act(Act::StaffConfirms { staff: "li".into(), msgid: last.clone() }).unwrap();
    }
    let sent = |status: Sent| {
        let all = stage.wecom.sight().broadcasts;
        all.values().filter(|one| one.staff["li"]["wm1"].0 == status).count()
    };
    assert_eq!((sent(Sent::Sent), sent(Sent::QuotaUsed)), (31, 1));
    assert_eq!(stage.wecom.sight().broadcasts[&last].staff["li"]["wm1"].0, Sent::QuotaUsed);
}

#[test]
fn contact_ways_keep_their_limits() {
    let stage = Stage::new(Settings::default());
    let way = |state: &str, staff: &[&str]| json!({ "type": 2, "scene": 2, "state": state, "user": staff });
    let made = stage.call("add_contact_way", way(&"渠".repeat(30), &["li", "wang"]));
    assert_eq!(made["errcode"], 0);
    let id = &made["config_id"];
    assert!(made["qr_code"].as_str().unwrap().starts_with("https://"));
    for (wish, code) in [
        (way(&"渠".repeat(31), &["li"]), 40058),
        (way("s", &[]), 40058),
        (way("s", &["nobody"]), 60111),
        (way("s", &["new"]), 84074),
        (way("s", &["li"; 101]), 41041),
        (json!({ "type": 3, "scene": 2, "user": ["li"] }), 41039),
        (json!({ "type": 1, "scene": 9, "user": ["li"] }), 41040),
        (json!({ "type": 1, "scene": 1, "user": ["li", "wang"] }), 40058),
    ] {
        assert_eq!(stage.code("add_contact_way", wish.clone()), code, "{wish}");
    }
    assert_eq!(stage.code("update_contact_way", json!({ "config_id": id, "state": "new" })), 0);
    let seen = stage.call("get_contact_way", json!({ "config_id": id }));
    assert_eq!(seen["contact_way"]["state"], "new");
    assert_eq!(seen["contact_way"]["user"], json!(["li", "wang"]));
    assert_eq!(stage.call("list_contact_way", json!({}))["contact_way"], json!([{ "config_id": id }]));
    let scan = Act::CustomerScans { customer: "wm1".into(), config_id: id.as_str().unwrap().to_owned() };
    stage.wecom.act(scan).unwrap();
    let customer = stage
        .get(&format!("/cgi-bin/externalcontact/get?access_token={}&external_userid=wm1", stage.token()));
    assert_eq!(customer["follow_user"][0]["state"], "new");
    assert_eq!(stage.code("del_contact_way", json!({ "config_id": id })), 0);
    assert_eq!(stage.code("get_contact_way", json!({ "config_id": id })), 41044);
    assert_eq!(stage.code("get_contact_way", json!({})), 41043);
}

#[test]
fn tags_belong_to_a_relation() {
    let stage = Stage::with_limits(Limits { relation_lag_ms: 2_000, ..Limits::default() });
    let wish = json!({ "group_name": "阶段", "tag": [{ "name": "新客" }, { "name": "首单" }] });
    let group = stage.call("add_corp_tag", wish.clone());
    let id = group["tag_group"]["tag"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(stage.code("add_corp_tag", wish), 40071);
    assert_eq!(
        stage.code("add_corp_tag", json!({ "group_name": "g", "tag": [{ "name": "t".repeat(31) }] })),
        40072
    );
    stage.adds("wm1", "li");
    let mark =
        |staff: &str, tag: &str| json!({ "userid": staff, "external_userid": "wm1", "add_tag": [tag] });
    assert_eq!(stage.code("mark_tag", mark("li", &id)), 84061, "the relation is too new");
    stage.clock.advance_ms(2_000);
    assert_eq!(stage.code("mark_tag", mark("li", &id)), 0);
    assert_eq!(stage.code("mark_tag", mark("wang", &id)), 84061);
    assert_eq!(stage.code("mark_tag", mark("li", "made-up")), 40068);
    assert_eq!(stage.wecom.sight().tags["li/wm1"], ["阶段/新客"]);
    assert_eq!(stage.code("edit_corp_tag", json!({ "id": id, "name": "老客" })), 0);
    assert_eq!(stage.wecom.sight().tags["li/wm1"], ["阶段/老客"]);
    let list = stage.call("get_corp_tag_list", json!({ "tag_id": [id] }));
    assert_eq!(list["tag_group"][0]["tag"].as_array().unwrap().len(), 2);
    assert_eq!(stage.code("del_corp_tag", json!({ "tag_id": [id] })), 0);
    assert!(stage.wecom.sight().tags["li/wm1"].is_empty());
}

#[test]
fn a_blocked_api_is_not_to_be_called() {
    let stage = Stage::with_limits(Limits { calls_per_minute: 1, ..Limits::default() });
    let token = stage.token();
    let list = || stage.call_with(&token, "get_corp_tag_list", json!({})).unwrap()["errcode"].clone();
    assert_eq!([list(), list()], [json!(0), json!(45009)]);
    assert_eq!(list(), 45009);
    assert_eq!(stage.complaints(), [], "one that was on its way is nobody's fault");
    stage.clock.advance_ms(1_001);
    assert_eq!(list(), 45009);
    assert_eq!(stage.complaints(), [Complaint::CalledWhileBlocked]);
    // Other APIs are free.
    assert_eq!(stage.call_with(&token, "list_contact_way", json!({})).unwrap()["errcode"], 0);
    stage.clock.advance_ms(60_000);
    assert_eq!(list(), 0);
}

#[test]
fn a_sixth_tag_call_at_once_is_refused() {
    let stage = Stage::new(Settings::default());
    stage.adds("wm1", "li");
    let token = stage.token();
    stage.wecom.act(Act::Hold { api: "mark_tag".into() }).unwrap();
    let body = json!({ "userid": "li", "external_userid": "wm1", "add_tag": ["t"] });
    let codes: Vec<i64> = std::thread::scope(|scope| {
        let calls: Vec<_> = (0..6)
            .map(|_| {
                let (stage, token, body) = (&stage, &token, body.clone());
                scope.spawn(move || stage.call_with(token, "mark_tag", body).unwrap()["errcode"].as_i64())
            })
            .collect();
        stage.wecom.until_under_way("mark_tag", 6).unwrap();
        stage.wecom.act(Act::Release { api: "mark_tag".into() }).unwrap();
        calls.into_iter().map(|call| call.join().unwrap().unwrap()).collect()
    });
    assert_eq!(codes.iter().filter(|code| **code == 45033).count(), 1, "{codes:?}");
    assert_eq!(stage.wecom.record().tag_calls_at_once_max, 6);
    assert_eq!(stage.complaints(), [Complaint::TooManyTagsAtOnce]);
}

#[test]
fn a_lost_answer_is_done_all_the_same() {
    let stage = Stage::new(Settings::default());
    let code = stage.adds("wm1", "li");
    let token = stage.token();
    stage.wecom.act(Act::LoseAnswers { api: "send_welcome_msg".into(), times: 1 }).unwrap();
    assert!(stage.call_with(&token, "send_welcome_msg", welcome(&code)).is_err());
    assert_eq!(stage.wecom.record().welcomes.len(), 1);
    assert_eq!(stage.code("send_welcome_msg", welcome(&code)), 41051);
    stage.wecom.act(Act::Fail { api: "send_welcome_msg".into(), code: -1, times: 1 }).unwrap();
    assert_eq!(stage.code("send_welcome_msg", welcome(&code)), -1);
    assert_eq!(stage.code("send_welcome_msg", welcome(&code)), 41051);
}

#[test]
fn what_is_not_spoken_is_said_to_be_so() {
    let stage = Stage::new(Settings::default());
    let token = stage.token();
    assert_eq!(
        stage.get(&format!("/cgi-bin/externalcontact/mark_tag?access_token={token}"))["errcode"],
        43002
    );
    let url = format!("{}/cgi-bin/externalcontact/mark_tag?access_token={token}", stage.wecom.url());
    let mut answer = stage.agent.post(url).send("{").unwrap();
    assert!(answer.body_mut().read_to_string().unwrap().contains("47001"));
    let answer = stage.agent.get(format!("{}/cgi-bin/user/get", stage.wecom.url())).call().unwrap();
    assert_eq!(answer.status(), 404);
    assert!(
        Emulator::start(Settings { listen: "0.0.0.0:0".into(), ..Settings::default() }, Clock::system())
            .is_err()
    );
    let act = json!({ "act": "customer_adds", "customer": "wm1", "staff": "li" }).to_string();
    let answer = stage.agent.post(format!("{}/emulator/act", stage.wecom.url())).send(act).unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(stage.get("/emulator/record")["complaints"], json!([]));
}

#[test]
fn nobody_who_hears_it_gets_a_callback_again_and_again() {
    let limits = Limits { callback_retries_max: 3, callback_ms: 2_000, ..Limits::default() };
    let stage = Stage::with_limits(limits);
    stage.adds("wm1", "li");
    assert_eq!(stage.wecom.send_callbacks(), 0, "nobody listens yet");
    // The emulator itself is a receiver that knows no such path.
    stage.wecom.call_back_to(&format!("{}/nobody", stage.wecom.url()));
    assert_eq!(stage.wecom.send_callbacks(), 0);
    let event = "change_external_contact/add_external_contact".to_owned();
    assert_eq!(stage.wecom.record().callbacks, [CalledBack { event, answers: vec![404; 4] }]);
    assert!(stage.wecom.verify_url().is_err());
}
