//! A playbook that welcomes friends and tells them what has come, played by the whole engine over the WeCom plugin as it is shipped, against the
//! emulator: its 20 seconds, its blocked APIs, answers that are lost, staff that are late, and commits that fail. Both clocks are moved by hand.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod stage;

use std::collections::BTreeSet;
use std::sync::Arc;

use siyu_engine::dispatch::Channels;
use siyu_engine::ports::clock::Clock as _;
use siyu_engine::ports::inspect::{Inspect, MessageFilter, Turn};
use siyu_engine::tenant::Tenant;
use siyu_model::clock::UtcMs;
use siyu_model::message::{Message, MessageStatus};
use siyu_tests::{FaultyStores, Place, StoreFault, event, publication};
use siyu_wecom_emulator::{Act, Clock, Emulator, Limits, Sent, Settings};
use stage::BEGIN_MS;

/// A welcome for each friend, and a word for everybody who asked for one.
const FRIENDS: &[(&str, &str)] = &[
    (
        "playbook.yaml",
        "
playbook: friends
title: A welcome for each new friend
zone: Asia/Shanghai
channels: [wecom]
events:
  friend.added: { summary: Somebody became a friend, fields: { code: string } }
  goods.arrived: { summary: What somebody asked for is there, fields: { what: string } }
",
    ),
    (
        "templates/words.yaml",
        "
templates:
  - template: welcome
    class: service
    expires_after: 20s
    text: |
      wecom: send_welcome_msg
      welcome_code: ${{ code }}

      您好,欢迎来到小牛!
  - template: arrivals
    class: service
    text: ${{ what }}到货了,给您留了一份。
",
    ),
    (
        "workflows/welcome.yaml",
        "
workflow: welcome
on: { event: friend.added }
steps: [{ send: welcome, with: { code: \"${{ event.code }}\" } }]
",
    ),
    (
        "workflows/arrivals.yaml",
        "
workflow: arrivals
on: { event: goods.arrived }
steps: [{ send: arrivals, with: { what: \"${{ event.what }}\" } }]
",
    ),
];

/// A tenant with the playbook, and the corp that its messages go to.
struct Play {
    wecom: Emulator,
    clock: Clock,
    place: Place,
    tenant: Tenant,
}

impl Play {
    async fn begin(limits: Limits) -> Self {
        let play = Self::set_up(limits).await;
        play.tenant.publish(publication(FRIENDS).unwrap()).await.unwrap().unwrap();
        play
    }

    async fn set_up(limits: Limits) -> Self {
        let (wecom, clock, place) = Self::corp(limits);
        let tenant = place.open().await.unwrap();
        Self { wecom, clock, place, tenant }
    }

    fn corp(limits: Limits) -> (Emulator, Clock, Place) {
        let clock = Clock::by_hand(BEGIN_MS);
        let settings = Settings { limits, ..Settings::default() };
        let corp_id = settings.corp_id.clone();
        let wecom = Emulator::start(settings, clock.clone()).unwrap();
        wecom.act(Act::StaffJoins { staff: "li".into(), may_contact: true }).unwrap();
        let mut place = Place::at("2026-01-01T08:00:00+08:00").unwrap();
        let channel = stage::channel(&wecom, &corp_id);
        place.channels = Channels::default().with_courier("wecom".parse().unwrap(), Arc::new(channel));
        (wecom, clock, place)
    }

    /// A customer becomes a friend; their welcome code.
    fn adds(&self, customer: &str) -> String {
        let added = Act::CustomerAdds { customer: customer.into(), staff: "li".into(), state: "c7".into() };
        self.wecom.act(added).unwrap()["welcome_code"].as_str().unwrap().to_owned()
    }

    async fn is_welcomed(&self, customer: &str, code: &str) {
        self.take_in("friend.added", customer, &format!(r#"{{"code":"{code}"}}"#)).await;
    }

    /// What a customer asked for is there.
    async fn arrived(&self, customer: &str, what: &str) {
        self.take_in("goods.arrived", customer, &format!(r#"{{"what":"{what}"}}"#)).await;
    }

    /// Hands an event in until it is durable.
    async fn take_in(&self, event_type: &str, customer: &str, data: &str) {
        let event =
            event(&format!("{event_type}-{customer}"), event_type, &format!("wecom:{customer}"), data);
        let event = event.unwrap();
        while self.tenant.admit(event.clone()).await.is_err() {}
    }

    /// Moves both clocks, from one instant at which something falls due to the next.
    async fn go_on(&self, seconds: i64) {
        let until = self.place.clock.now().as_millis() + seconds * 1_000;
        loop {
            let next = loop {
                if let Ok(next) = self.tenant.settle().await {
                    break next;
                }
            };
            let next = next.map_or(until, UtcMs::as_millis).min(until);
            self.clock.advance_ms(next - self.clock.now_ms());
            self.place.clock.set(UtcMs::from_millis(next));
            if next == until {
                while self.tenant.settle().await.is_err() {}
                return;
            }
        }
    }

    async fn messages(&self) -> Vec<Message> {
        let inspect = self.place.inspect().await.unwrap();
        let page = inspect.messages(MessageFilter::default(), Turn::first(1_000)).await.unwrap();
        page.items.into_iter().rev().collect()
    }

    async fn statuses(&self) -> Vec<MessageStatus> {
        self.messages().await.iter().map(|message| message.status).collect()
    }

    /// The broadcasts that messages are known by.
    async fn msgids(&self) -> BTreeSet<String> {
        let messages = self.messages().await;
        let details = messages.iter().filter_map(Message::details);
        let details = details.map(|text| serde_json::from_str::<serde_json::Value>(text).unwrap());
        details.map(|details| details["msgid"].as_str().unwrap().to_owned()).collect()
    }

    /// Who has a broadcast to confirm or has got one, once for each broadcast.
    fn told(&self) -> Vec<String> {
        let broadcasts = self.wecom.sight().broadcasts;
        let staff = broadcasts.values().flat_map(|broadcast| broadcast.staff.values());
        let mut told: Vec<String> = staff.flat_map(|customers| customers.keys().cloned()).collect();
        told.sort();
        told
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_welcome_goes_within_its_20_seconds_or_not_at_all() {
    let play = Play::begin(Limits::default()).await;
    let code = play.adds("wm1");
    play.is_welcomed("wm1", &code).await;
    play.go_on(1).await;
    assert_eq!(play.statuses().await, [MessageStatus::Sent]);
    assert_eq!(play.wecom.record().welcomes.len(), 1);
    // The callback came late: the code is not good any more.
    let code = play.adds("wm2");
    play.go_on(21).await;
    play.is_welcomed("wm2", &code).await;
    play.go_on(3_600).await;
    let message = play.messages().await.pop().unwrap();
    assert_eq!(message.status, MessageStatus::Failed, "{message:?}");
    // WeCom is busy for as long as the welcome could go.
    let code = play.adds("wm3");
    let began_ms = play.clock.now_ms();
    play.wecom.act(Act::Fail { api: "send_welcome_msg".into(), code: -1, times: 100 }).unwrap();
    play.is_welcomed("wm3", &code).await;
    play.go_on(3_600).await;
    assert_eq!(play.statuses().await, [MessageStatus::Sent, MessageStatus::Failed, MessageStatus::Expired]);
    let record = play.wecom.record();
    assert_eq!(record.welcomes.len(), 1);
    let tries: Vec<i64> = record.of("send_welcome_msg").map(|call| call.at_ms - began_ms).collect();
    let of_third = tries.iter().filter(|ms| (0..20_000).contains(*ms)).count();
    assert!(of_third >= 3, "it was tried again while there was time: {tries:?}");
    assert!(!tries.iter().any(|ms| (20_000..3_600_000).contains(ms)), "and not beyond: {tries:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_api_is_left_alone_and_everybody_is_told_in_the_end() {
    let play = Play::begin(Limits { calls_per_minute: 3, ..Limits::default() }).await;
    for number in 0..8 {
        let customer = format!("wm{number}");
        drop(play.adds(&customer));
        play.arrived(&customer, &format!("第{number}件")).await;
    }
    play.go_on(3_600).await;
    let statuses = play.statuses().await;
    assert_eq!(statuses, [MessageStatus::TaskCreated; 8], "{:?}", play.messages().await);
    assert_eq!(play.told(), ["wm0", "wm1", "wm2", "wm3", "wm4", "wm5", "wm6", "wm7"]);
    assert_eq!(play.msgids().await.len(), 8);
    assert_eq!(play.wecom.record().complaints.len(), 0, "{:?}", play.wecom.record().complaints);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_makes_no_second_broadcast_and_its_task_is_found() {
    let play = Play::begin(Limits::default()).await;
    for customer in ["wm1", "wm2", "wm3", "wm4"] {
        drop(play.adds(customer));
    }
    play.wecom.act(Act::LoseAnswers { api: "add_msg_template".into(), times: 2 }).unwrap();
    for (customer, what) in [("wm1", "米"), ("wm2", "面"), ("wm3", "油"), ("wm4", "盐")] {
        play.arrived(customer, what).await;
    }
    play.go_on(3_600).await;
    assert_eq!(play.statuses().await, [MessageStatus::TaskCreated; 4], "{:?}", play.messages().await);
    assert_eq!(play.told(), ["wm1", "wm2", "wm3", "wm4"]);
    let known: BTreeSet<String> = play.wecom.sight().broadcasts.into_keys().collect();
    assert_eq!(play.msgids().await, known);
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_that_confirm_tomorrow_are_asked_once() {
    let play = Play::begin(Limits::default()).await;
    drop(play.adds("wm1"));
    play.arrived("wm1", "米").await;
    play.go_on(3_600).await;
    let Play { wecom, clock, place, tenant } = play;
    tenant.stop().await;
    let tenant = place.open().await.unwrap();
    let play = Play { wecom, clock, place, tenant };
    play.go_on(86_400).await;
    assert_eq!(play.statuses().await, [MessageStatus::TaskCreated]);
    let msgid = play.msgids().await.pop_first().unwrap();
    let of_customer = || play.wecom.sight().broadcasts[&msgid].staff["li"]["wm1"].0;
    assert_eq!(of_customer(), Sent::NotYet);
    play.wecom.act(Act::StaffConfirms { staff: "li".into(), msgid: msgid.clone() }).unwrap();
    assert_eq!(of_customer(), Sent::Sent);
    play.go_on(86_400).await;
    assert_eq!(play.told(), ["wm1"]);
}

/// A commit fails before or after it is durable, one after another, also those around a hand-over: nobody is told twice, and nobody is
/// forgotten.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_commit_fails_everybody_is_told_once() {
    for (at, fault) in (1..12).flat_map(|at| [(at, StoreFault::Before), (at, StoreFault::After)]) {
        let (wecom, clock, place) = Play::corp(Limits::default());
        let stores = Arc::new(FaultyStores::new(Arc::new(place.stores()), at, fault));
        let tenant = place.open_on(stores).await.unwrap();
        while tenant.publish(publication(FRIENDS).unwrap()).await.is_err() {}
        let play = Play { wecom, clock, place, tenant };
        for (customer, what) in [("wm1", "米"), ("wm2", "面"), ("wm3", "油")] {
            drop(play.adds(customer));
            play.arrived(customer, what).await;
        }
        play.go_on(3_600).await;
        let what = format!("commit {at} {fault:?}: {:?}", play.messages().await);
        assert_eq!(play.statuses().await, [MessageStatus::TaskCreated; 3], "{what}");
        assert_eq!(play.told(), ["wm1", "wm2", "wm3"], "{what}");
        let known: BTreeSet<String> = play.wecom.sight().broadcasts.into_keys().collect();
        assert_eq!(play.msgids().await, known, "{what}");
    }
}
