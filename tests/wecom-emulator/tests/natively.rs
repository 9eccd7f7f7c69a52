//! The WeCom plugin's own code against the emulator: deliveries over HTTP and callbacks under its seal, on a clock by hand.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{HashMap, HashSet};
use std::sync::{Condvar, Mutex};
use std::thread;

use serde_json::{Value, json};
use siyu_wecom_emulator::{Act, Clock, Complaint, Emulator, Faults, Limits, Seal, Settings};
use wecom::config::ChannelConfig;
use wecom::deliver::{Message, deliver, find_out};
use wecom::judge::{Failure, Outcome};
use wecom::receive::{Accepted, Hook, Refused, Vault, receive};
use wecom::wire::{Request, Response, Wire};

/// 2026-01-01T00:00:00Z.
const BEGIN_MS: i64 = 1_767_225_600_000;

/// What the host does for a delivery.
struct Host {
    agent: ureq::Agent,
    clock: Clock,
    memory: Mutex<Memory>,
    changed: Condvar,
}

#[derive(Default)]
struct Memory {
    values: HashMap<String, (String, i64)>,
    /// Keys that somebody has to fetch.
    owed: HashSet<String>,
}

impl Host {
    fn new(clock: Clock) -> Self {
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        Self { agent, clock, memory: Mutex::default(), changed: Condvar::new() }
    }

    /// What one delivery owed and did not fetch, the next one may.
    fn end_of_delivery(&self) {
        self.memory.lock().unwrap().owed.clear();
        self.changed.notify_all();
    }
}

impl Wire for Host {
    fn send(&self, request: &Request) -> Result<Response, Failure> {
        let url = request.url.replace("{{secret:corpsecret}}", "emulated-secret");
        let answer = match &request.body {
            Some(body) => self.agent.post(url).send(body),
            None => self.agent.get(url).call(),
        };
        let mut answer = answer.map_err(|fault| Failure {
            message: fault.to_string(),
            may_have_arrived: true,
            is_permanent: false,
            retry_after_ms: None,
        })?;
        let body = answer.body_mut().read_to_vec().unwrap();
        Ok(Response { status: answer.status().as_u16(), body, retry_after_ms: None })
    }

    fn remembered(&self, key: &str) -> Option<String> {
        let mut memory = self.memory.lock().unwrap();
        loop {
            let now_ms = self.clock.now_ms();
            if let Some((value, _)) = memory.values.get(key).filter(|(_, until_ms)| now_ms < *until_ms) {
                return Some(value.clone());
            }
            if memory.owed.insert(key.to_owned()) {
                return None;
            }
            memory = self.changed.wait(memory).unwrap();
        }
    }

    fn seen(&self, key: &str) -> Option<String> {
        let memory = self.memory.lock().unwrap();
        let now_ms = self.clock.now_ms();
        memory.values.get(key).filter(|(_, until_ms)| now_ms < *until_ms).map(|(value, _)| value.clone())
    }

    fn remember(&self, key: &str, value: &str, until_ms: i64) {
        let mut memory = self.memory.lock().unwrap();
        memory.values.insert(key.to_owned(), (value.to_owned(), until_ms));
        memory.owed.remove(key);
        self.changed.notify_all();
    }

    fn forget(&self, key: &str) {
        self.memory.lock().unwrap().values.remove(key);
        self.changed.notify_all();
    }

    fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    fn chance(&self) -> u32 {
        0
    }
}

struct Stage {
    wecom: Emulator,
    clock: Clock,
    host: Host,
    config: ChannelConfig,
    customer: Value,
}

impl Stage {
    fn of(settings: Settings) -> Self {
        let clock = Clock::by_hand(BEGIN_MS);
        let config = ChannelConfig { corp_id: settings.corp_id.clone(), base: String::new(), sender: None };
        let wecom = Emulator::start(settings, clock.clone()).unwrap();
        let config = ChannelConfig { base: wecom.url(), ..config };
        wecom.act(Act::StaffJoins { staff: "li".into(), may_contact: true }).unwrap();
        let customer = json!({ "id": "cus_1", "identities": ["wecom:wm1"] });
        Self { host: Host::new(clock.clone()), wecom, clock, config, customer }
    }

    fn with_limits(limits: Limits) -> Self {
        Self::of(Settings { limits, ..Settings::default() })
    }

    fn plain() -> Self {
        Self::of(Settings::default())
    }

    /// A new friend; the welcome code.
    fn adds(&self) -> String {
        let added = Act::CustomerAdds { customer: "wm1".into(), staff: "li".into(), state: "c7".into() };
        self.wecom.act(added).unwrap()["welcome_code"].as_str().unwrap().to_owned()
    }

    fn message<'a>(&'a self, body: &'a str, attempt: u32) -> Message<'a> {
        Message { body, customer: &self.customer, planned_ms: self.clock.now_ms(), attempt }
    }

    fn deliver(&self, body: &str) -> Outcome {
        deliver(&self.host, &self.config, self.message(body, 1))
    }

    fn tag(&self) -> String {
        let settings = Settings::default();
        let path = format!("/cgi-bin/gettoken?corpid={}&corpsecret={}", settings.corp_id, settings.secret);
        let agent = &self.host.agent;
        let read = |mut answer: ureq::http::Response<ureq::Body>| -> Value {
            serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap()
        };
        let token = read(agent.get(format!("{}{path}", self.wecom.url())).call().unwrap());
        let token = token["access_token"].as_str().unwrap();
        let url = format!("{}/cgi-bin/externalcontact/add_corp_tag?access_token={token}", self.wecom.url());
        let group = json!({ "group_name": "阶段", "tag": [{ "name": "新客" }] }).to_string();
        read(agent.post(url).send(group).unwrap())["tag_group"]["tag"][0]["id"].as_str().unwrap().to_owned()
    }

    fn complaints(&self) -> Vec<Complaint> {
        self.wecom.record().complaints.into_iter().map(|(_, _, complaint)| complaint).collect()
    }
}

fn welcome(code: &str) -> String {
    json!({ "action": "send_welcome_msg", "welcome_code": code, "text": "您好" }).to_string()
}

#[test]
fn a_welcome_reaches_the_customer_once_whatever_happens_to_its_answer() {
    let stage = Stage::plain();
    let body = welcome(&stage.adds());
    stage.wecom.act(Act::LoseAnswers { api: "send_welcome_msg".into(), times: 1 }).unwrap();
    assert!(matches!(stage.deliver(&body), Outcome::Later(_, Some(1_000))));
    assert_eq!(stage.deliver(&body), Outcome::Delivered);
    assert_eq!(stage.wecom.record().welcomes.len(), 1);
    assert_eq!(stage.wecom.record().welcomes[0].content.text.content, "您好");
}

#[test]
fn a_welcome_is_refused_when_it_is_too_late() {
    let stage = Stage::plain();
    let body = welcome(&stage.adds());
    let message = stage.message(&body, 1);
    stage.clock.advance_ms(20_000);
    assert!(matches!(deliver(&stage.host, &stage.config, message), Outcome::Refused(_)));
    assert_eq!(stage.wecom.record().calls, [], "nobody was asked");
    stage.clock.advance_ms(1);
    let Outcome::Refused(why) = stage.deliver(&body) else { panic!() };
    assert!(why.starts_with("41050"), "{why}");
}

#[test]
fn a_broadcast_is_a_task_with_a_name() {
    let stage = Stage::plain();
    assert!(matches!(stage.deliver("周五到货"), Outcome::Refused(_)), "nobody knows the customer");
    stage.adds();
    let Outcome::TaskCreated(Some(named)) = stage.deliver("周五到货") else { panic!() };
    let msgid = named["msgid"].as_str().unwrap();
    assert_eq!(stage.wecom.sight().broadcasts[msgid].content.text.content, "周五到货");
    let remind = json!({ "action": "remind_groupmsg_send", "msgid": msgid }).to_string();
    assert_eq!(stage.deliver(&remind), Outcome::Sent(None));
}

#[test]
fn a_broadcast_whose_answer_was_lost_is_found_again() {
    let stage = Stage::plain();
    stage.adds();
    let planned = stage.message("周五到货", 1);
    assert!(matches!(find_out(&stage.host, &stage.config, planned), Some(Outcome::Later(_, Some(0)))));
    stage.wecom.act(Act::LoseAnswers { api: "add_msg_template".into(), times: 1 }).unwrap();
    assert!(matches!(stage.deliver("周五到货"), Outcome::Uncertain(_)));
    stage.clock.advance_ms(60_000);
    let found = || find_out(&stage.host, &stage.config, planned);
    let Some(Outcome::TaskCreated(Some(named))) = found() else { panic!() };
    let msgid = named["msgid"].as_str().unwrap().to_owned();
    stage.wecom.act(Act::StaffConfirms { staff: "li".into(), msgid }).unwrap();
    assert_eq!(found(), Some(Outcome::Delivered));
    assert_eq!(stage.wecom.sight().broadcasts.len(), 1);
    stage.wecom.act(Act::Fail { api: "get_groupmsg_list_v2".into(), code: 41063, times: 1 }).unwrap();
    assert_eq!(found(), None);
}

#[test]
fn a_contact_way_whose_answer_was_lost_is_found_again() {
    let stage = Stage::plain();
    let body = json!({ "action": "add_contact_way", "state": "c7f2", "staff": ["li"] }).to_string();
    stage.wecom.act(Act::LoseAnswers { api: "add_contact_way".into(), times: 1 }).unwrap();
    assert!(matches!(stage.deliver(&body), Outcome::Uncertain(_)));
    let found = find_out(&stage.host, &stage.config, stage.message(&body, 1));
    let Some(Outcome::Sent(Some(named))) = found else { panic!("{found:?}") };
    assert!(stage.wecom.sight().ways.contains_key(named["config_id"].as_str().unwrap()));
}

#[test]
fn many_deliveries_ask_for_one_token_and_for_one_more_when_it_ends() {
    let stage = Stage::plain();
    stage.adds();
    let tag = stage.tag();
    let asked_before = stage.wecom.record().count("gettoken");
    let mark = json!({ "action": "mark_tag", "staff": "li", "add": [tag] }).to_string();
    let all = |count: usize| {
        thread::scope(|scope| {
            let calls: Vec<_> = (0..count).map(|_| scope.spawn(|| stage.deliver(&mark))).collect();
            for call in calls {
                assert_eq!(call.join().unwrap(), Outcome::Sent(None));
            }
        });
    };
    all(5);
    assert_eq!(stage.wecom.record().count("gettoken") - asked_before, 1);
    stage.wecom.act(Act::TokenEnds).unwrap();
    assert_eq!(stage.deliver(&mark), Outcome::Sent(None));
    all(5);
    stage.clock.advance_ms(7_200_000);
    all(5);
    let record = stage.wecom.record();
    assert_eq!((record.count("gettoken") - asked_before, record.token_calls_at_once_max), (3, 1));
    assert_eq!(stage.complaints(), []);
}

#[test]
fn a_blocked_api_is_left_alone_until_the_window_is_over() {
    let stage = Stage::with_limits(Limits { calls_per_minute: 3, ..Limits::default() });
    stage.adds();
    let tag = stage.tag();
    let mark = json!({ "action": "mark_tag", "staff": "li", "add": [tag] }).to_string();
    for _ in 0..3 {
        assert_eq!(stage.deliver(&mark), Outcome::Sent(None));
    }
    for left_ms in [60_000, 60_000] {
        assert!(matches!(stage.deliver(&mark), Outcome::Later(_, Some(ms)) if ms == left_ms));
    }
    stage.clock.advance_ms(30_000);
    assert!(matches!(stage.deliver(&mark), Outcome::Later(_, Some(30_000))));
    assert_eq!(stage.wecom.record().count("mark_tag"), 4, "the blocked one was asked once");
    stage.clock.advance_ms(30_000);
    assert_eq!(stage.deliver(&mark), Outcome::Sent(None));
    assert_eq!(stage.complaints(), []);
}

#[test]
fn a_new_relation_is_waited_for_a_few_times() {
    let stage = Stage::with_limits(Limits { relation_lag_ms: 5_000, ..Limits::default() });
    let tag = stage.tag();
    let mark = json!({ "action": "mark_tag", "staff": "li", "add": [tag] }).to_string();
    stage.adds();
    let at = |attempt| deliver(&stage.host, &stage.config, stage.message(&mark, attempt));
    assert!(matches!(at(1), Outcome::Later(_, Some(2_000))));
    stage.clock.advance_ms(2_000);
    assert!(matches!(at(2), Outcome::Later(_, Some(10_000))));
    stage.clock.advance_ms(10_000);
    assert_eq!(at(3), Outcome::Sent(None));
    stage.wecom.act(Act::StaffDeletes { staff: "li".into(), customer: "wm1".into() }).unwrap();
    assert!(matches!(at(4), Outcome::Refused(_)));
}

#[test]
fn a_wrong_secret_stops_everything_and_asks_once_a_minute() {
    let stage = Stage::plain();
    let config = ChannelConfig { corp_id: "wwother".to_owned(), ..stage.config.clone() };
    for _ in 0..3 {
        let outcome = deliver(&stage.host, &config, stage.message("hi", 1));
        // The first says why; who asks while nobody asks says so.
        assert!(matches!(outcome, Outcome::Later(_, Some(60_000))), "{outcome:?}");
        stage.host.end_of_delivery();
    }
    assert_eq!(stage.wecom.record().count("gettoken"), 1);
    stage.clock.advance_ms(60_000);
    let _ = deliver(&stage.host, &config, stage.message("hi", 1));
    assert_eq!(stage.wecom.record().count("gettoken"), 2);
}

#[test]
fn on_bad_days_every_tag_gets_there_in_the_end() {
    let mut tries = 0;
    for seed in 1..=20 {
        let stage = Stage::of(Settings { seed, ..Settings::default() });
        stage.adds();
        let tag = stage.tag();
        stage.wecom.bad_days(Faults {
            busy_per_mille: 300,
            answers_lost_per_mille: 200,
            ..Faults::default()
        });
        let mark = json!({ "action": "mark_tag", "staff": "li", "add": [tag] }).to_string();
        loop {
            tries += 1;
            match stage.deliver(&mark) {
                Outcome::Sent(None) => break,
                Outcome::Later(..) => stage.host.end_of_delivery(),
                other => panic!("seed {seed}: {other:?}"),
            }
        }
        assert_eq!(stage.wecom.sight().tags["li/wm1"], ["阶段/新客"]);
        assert_eq!(stage.complaints(), []);
    }
    assert!((21..1_000).contains(&tries), "{tries}");
}

/// What the host does for a callback.
struct Keys(Seal);

impl Vault for Keys {
    fn is_signed(&self, parts: &[String], signature: &str) -> Result<bool, String> {
        let [timestamp, nonce, sealed] = parts else { return Err("three parts are signed".to_owned()) };
        Ok(self.0.sign(timestamp, nonce, sealed) == signature)
    }

    fn decipher(&self, sealed: &[u8]) -> Result<Vec<u8>, String> {
        self.0.decipher(sealed.to_vec()).map_err(|fault| fault.to_string())
    }
}

fn keys() -> Keys {
    let settings = Settings::default();
    Keys(Seal::new(&settings.callback_token, &settings.aes_key, &settings.corp_id).unwrap())
}

fn pairs(query: &str) -> Vec<(String, String)> {
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap());
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn take(query: &str, body: &[u8], at_ms: i64) -> Result<Accepted, Refused> {
    let hook = Hook { method: "POST", query: &pairs(query), body, at_ms };
    receive(&keys(), &Settings::default().corp_id, hook)
}

#[test]
fn a_callback_becomes_events_and_a_repetition_the_same_ones() {
    let stage = Stage::plain();
    let code = stage.adds();
    let once = &stage.wecom.envelopes()[0];
    let again = &stage.wecom.envelopes()[0];
    assert_ne!(once, again, "each is sealed anew");
    let accepted = take(&once.query, once.body.as_bytes(), BEGIN_MS).unwrap();
    assert_eq!(accepted.answer, "success");
    let [friend] = accepted.happenings.as_slice() else { panic!() };
    assert_eq!((friend.event_type, friend.subject.as_deref()), ("friend.added", Some("wecom:wm1")));
    let data = json!({ "staff": "li", "external_userid": "wm1", "state": "c7", "welcome_code": code });
    assert_eq!(friend.data, data);
    assert_eq!(take(&again.query, again.body.as_bytes(), BEGIN_MS).unwrap().happenings, accepted.happenings);
}

#[test]
fn the_official_sample_is_answered() {
    let echo = "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ==";
    let mut query =
        pairs("msg_signature=5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3&timestamp=1409659589&nonce=263014780");
    query.push(("echostr".to_owned(), echo.to_owned()));
    let hook = Hook { method: "GET", query: &query, body: b"", at_ms: 1_409_659_589_000 };
    let accepted = receive(&keys(), "wx5823bf96d3bd56c7", hook).unwrap();
    assert_eq!((accepted.answer.as_str(), accepted.happenings.len()), ("1616140317555161061", 0));
    let late = Hook { at_ms: 1_409_659_589_000 + 300_001, ..hook };
    assert!(matches!(receive(&keys(), "wx5823bf96d3bd56c7", late), Err(Refused::Stale(_))));
    assert!(matches!(receive(&keys(), "wwother", hook), Err(Refused::Unverified(_))));
}

#[test]
fn a_callback_that_anybody_touched_is_refused() {
    let stage = Stage::plain();
    stage.adds();
    let good = stage.wecom.envelopes().remove(0);
    let sealed =
        good.body.split("<Encrypt><![CDATA[").nth(1).unwrap().split("]]>").next().unwrap().to_owned();
    let (mut refused, mut tried) = (0, 0);
    let mut check = |query: &str, body: &str, at_ms: i64| {
        tried += 1;
        refused += usize::from(take(query, body.as_bytes(), at_ms).is_err());
    };
    // Every symbol of what is sealed, and every byte of what is signed.
    for place in 0..sealed.len() {
        let mut touched = sealed.clone().into_bytes();
        touched[place] = if touched[place] == b'A' { b'B' } else { b'A' };
        check(&good.query, &good.body.replace(&sealed, std::str::from_utf8(&touched).unwrap()), BEGIN_MS);
        check(&good.query, &good.body.replace(&sealed, &sealed[..place]), BEGIN_MS);
    }
    for place in 0..good.query.len() {
        let mut touched = good.query.clone().into_bytes();
        touched[place] = if touched[place] == b'0' { b'1' } else { b'0' };
        if touched[place] != b'=' && !good.query.as_bytes()[place].is_ascii_punctuation() {
            check(std::str::from_utf8(&touched).unwrap(), &good.body, BEGIN_MS);
        }
    }
    for at_ms in [BEGIN_MS + 301_000, BEGIN_MS - 301_000, 0] {
        check(&good.query, &good.body, at_ms);
    }
    // One that was sealed and signed by who knows the keys, for another corp.
    let settings = Settings::default();
    let other = Seal::new(&settings.callback_token, &settings.aes_key, "wwother").unwrap();
    let foreign = other.close("<xml></xml>", [1; 16]);
    let signature = other.sign("1767225600", "1", &foreign);
    let query = format!("msg_signature={signature}&timestamp=1767225600&nonce=1");
    check(&query, &good.body.replace(&sealed, &foreign), BEGIN_MS);
    assert!(tried > 600, "{tried}");
    assert_eq!(refused, tried);
    assert!(take(&good.query, good.body.as_bytes(), BEGIN_MS).is_ok());
}
