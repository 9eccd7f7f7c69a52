//! Channels that fail, stay silent or break, hosts that were down at night, and what becomes of messages then.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::support::Case;
use async_trait::async_trait;
use siyu_engine::dispatch::Channels;
use siyu_engine::operate::ManualStart;
use siyu_engine::ports::channel::{Channel, Receipt, Verdict};
use siyu_engine::ports::inspect::Inspect;
use siyu_model::clock::UtcMs;
use siyu_model::id::MessageId;
use siyu_model::message::{Message, MessageStatus};
use siyu_tests::{FaultyStores, Place, StoreFault, event, workflows};

/// What a channel does with the next message.
#[derive(Debug, Clone)]
enum Does {
    Say(Verdict),
    Panic,
    SayNothing,
}

/// A channel that does what it is told, and remembers what was handed over. It sends when it is told nothing.
#[derive(Default)]
struct Told {
    next: Mutex<VecDeque<Does>>,
    handed: Mutex<Vec<(MessageId, UtcMs)>>,
}

impl Told {
    fn to(does: impl IntoIterator<Item = Does>) -> Arc<Self> {
        Arc::new(Self { next: Mutex::new(does.into_iter().collect()), handed: Mutex::default() })
    }

    fn handed(&self) -> Vec<(MessageId, UtcMs)> {
        self.handed.lock().unwrap().clone()
    }
}

fn later() -> Does {
    Does::Say(Verdict::Later("no connection".to_owned()))
}

#[async_trait]
impl Channel for Told {
    async fn deliver(&self, messages: &[Message], now: UtcMs) -> Vec<Receipt> {
        let mut receipts = Vec::new();
        for message in messages {
            self.handed.lock().unwrap().push((message.id, now));
            let does = self.next.lock().unwrap().pop_front();
            match does.unwrap_or(Does::Say(Verdict::Became(MessageStatus::Sent))) {
                Does::Say(verdict) => receipts.push(Receipt { message: message.id, verdict }),
                Does::SayNothing => {}
                Does::Panic => panic!("a channel that is broken"),
            }
        }
        receipts
    }
}

const GREETING: &str = "
workflow: greeting
on: { event: go, if: \"event.how | default('') == ''\" }
steps: [{ send: hello }]
";

const OFFERING: &str = "
workflow: offering
on: { event: order.paid }
steps: [{ send: offer }]
";

async fn case_at(instant: &str, channel: Arc<Told>) -> Case {
    let mut place = Place::at(instant).unwrap();
    place.channels = Channels::all_over(channel);
    Case::open_in(place, &[GREETING, OFFERING]).await
}

async fn statuses(case: &Case) -> Vec<(MessageStatus, u32)> {
    case.messages().await.iter().map(|message| (message.status, message.attempts)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_cannot_go_now_goes_later_with_growing_pauses_and_the_same_id() {
    let channel = Told::to([later(), Does::SayNothing, Does::Panic]);
    let case = case_at("2026-11-21T10:00:00+08:00", channel.clone()).await;
    case.start("shop:1").await;
    assert_eq!(statuses(&case).await, [(MessageStatus::Planned, 1)]);
    assert_eq!(case.messages().await[0].reason.as_deref(), Some("no connection"));
    for (instant, attempts) in
        [("10:00:29", 1), ("10:00:30", 2), ("10:01:29", 2), ("10:01:30", 3), ("10:03:29", 3)]
    {
        case.go_on_to(&format!("2026-11-21T{instant}+08:00")).await;
        assert_eq!(statuses(&case).await, [(MessageStatus::Planned, attempts)], "{instant}");
    }
    // The pause survives a restart: it is not handed over sooner, and not twice.
    let case = case.reopen().await;
    case.tenant.settle().await.unwrap();
    assert_eq!(channel.handed().len(), 3);
    case.go_on_to("2026-11-21T10:03:30+08:00").await;
    assert_eq!(statuses(&case).await, [(MessageStatus::Sent, 4)]);
    case.go_on_to("2026-11-22T10:00:00+08:00").await;
    let handed = channel.handed();
    assert_eq!(handed.len(), 4);
    assert!(handed.iter().all(|(id, _)| *id == handed[0].0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_a_channel_refuses_or_does_not_know_has_failed_for_good() {
    let channel = Told::to([Does::Say(Verdict::Refused("not a friend any more".to_owned()))]);
    let case = case_at("2026-11-21T10:00:00+08:00", channel.clone()).await;
    case.start("shop:1").await;
    let case = case.reopen().await;
    case.go_on_to("2026-11-25T10:00:00+08:00").await;
    assert_eq!(statuses(&case).await, [(MessageStatus::Failed, 1)]);
    assert_eq!(channel.handed().len(), 1);
    // A host without the channel says so.
    let case = Case::open(&[GREETING]).await;
    case.start("shop:1").await;
    let message = &case.messages().await[0];
    assert_eq!(message.status, MessageStatus::Failed);
    assert_eq!(message.reason.as_deref(), Some("this host has no channel `wecom`"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_expires_when_its_channel_stays_away_too_long() {
    let channel = Told::to((0..100).map(|_| later()));
    let case = case_at("2026-11-21T10:00:00+08:00", channel.clone()).await;
    case.admit("o1", "order.paid", "shop:1").await;
    for hour in 11..=20 {
        case.go_on_to(&format!("2026-11-21T{hour}:00:00+08:00")).await;
    }
    assert_eq!(statuses(&case).await[0].0, MessageStatus::Planned);
    // Twenty hours after it was planned it is six in the morning: quiet hours end only later.
    case.go_on_to("2026-11-21T23:00:00+08:00").await;
    let message = &case.messages().await[0];
    assert_eq!(message.status, MessageStatus::Expired, "{message:?}");
    let tries = channel.handed().len();
    case.go_on_to("2026-11-23T10:00:00+08:00").await;
    assert_eq!(channel.handed().len(), tries);
    assert!(channel.handed().iter().all(|(_, at)| *at < "2026-11-21T21:00:00+08:00".parse().unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_was_down_does_not_write_to_people_at_night() {
    // Deferred by quiet hours; the host is down until the next night.
    let channel = Told::to([]);
    let mut place = Place::at("2026-11-20T21:30:00+08:00").unwrap();
    place.channels = Channels::all_over(channel.clone());
    let case = Case::open_in(place, &[OFFERING, GREETING]).await;
    case.admit("o1", "order.paid", "shop:1").await;
    case.start("shop:2").await;
    assert_eq!(statuses(&case).await, [(MessageStatus::Planned, 0), (MessageStatus::Sent, 1)]);
    let case = case.closed_until("2026-11-21T08:00:00+08:00").await;
    assert_eq!(statuses(&case).await[0].0, MessageStatus::Planned);
    let case = case.closed_until("2026-11-21T22:00:00+08:00").await;
    // It would have to wait for the next morning, and its twenty hours are over by then.
    let message = &case.messages().await[0];
    assert_eq!(message.status, MessageStatus::Expired, "{message:?}");
    assert_eq!(channel.handed().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_try_that_would_fall_into_the_night_waits_for_the_morning() {
    let channel = Told::to([later()]);
    let case = case_at("2026-11-21T20:59:45+08:00", channel.clone()).await;
    case.admit("o1", "order.paid", "shop:1").await;
    case.go_on_to("2026-11-22T08:59:59+08:00").await;
    assert_eq!(statuses(&case).await, [(MessageStatus::Planned, 1)]);
    case.go_on_to("2026-11-22T09:00:00+08:00").await;
    assert_eq!(statuses(&case).await, [(MessageStatus::Sent, 2)]);
}

/// Whatever commit fails: the message is sent, under one id, at least once; and nothing is sent that is not durable.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_was_planned_is_sent_whatever_commit_fails() {
    for at in 0..8 {
        for fault in [StoreFault::Before, StoreFault::After] {
            let channel = Told::to([]);
            let mut place = Place::at("2026-11-21T10:00:00+08:00").unwrap();
            place.channels = Channels::all_over(channel.clone());
            let stores = Arc::new(FaultyStores::new(Arc::new(place.stores()), at, fault));
            let tenant = place.open_on(stores).await.unwrap();
            while tenant.publish(workflows(&[GREETING]).unwrap()).await.is_err() {}
            for customer in 0..3 {
                let hello = event(&format!("e{customer}"), "go", &format!("shop:{customer}"), "{}").unwrap();
                while tenant.admit(hello.clone()).await.is_err() {}
            }
            while tenant.settle().await.is_err() {}
            let inspect = Arc::new(place.inspect().await.unwrap());
            let case = Case { place, tenant, inspect };
            let messages = case.messages().await;
            let what = format!("{fault:?} commit {at}: {messages:?}");
            assert_eq!(messages.len(), 3, "{what}");
            for message in &messages {
                assert_eq!(message.status, MessageStatus::Sent, "{what}");
                let times = channel.handed().iter().filter(|(id, _)| *id == message.id).count();
                assert!((1..=2).contains(&times), "handed over {times} times: {what}");
            }
            assert!(channel.handed().iter().all(|(id, _)| messages.iter().any(|message| message.id == *id)));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_cause_messages_come_to_an_end() {
    let echo = "
workflow: echo
on: { event: message.sent }
steps: [{ send: hello }]
";
    let channel = Told::to([]);
    let mut place = Place::at("2026-11-21T10:00:00+08:00").unwrap();
    place.channels = Channels::all_over(channel.clone());
    let case = Case::open_in(place, &[GREETING, echo]).await;
    case.start("shop:1").await;
    case.tenant.settle().await.unwrap();
    let handed = channel.handed().len();
    assert!((2..=10).contains(&handed), "{handed} messages");
    case.go_on_to("2026-11-22T10:00:00+08:00").await;
    assert_eq!(channel.handed().len(), handed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_which_the_channel_says_what_cannot_be_goes_again() {
    let channel = Told::to([Does::Say(Verdict::Became(MessageStatus::Delivered))]);
    let case = case_at("2026-11-21T10:00:00+08:00", channel.clone()).await;
    case.start("shop:1").await;
    assert_eq!(statuses(&case).await, [(MessageStatus::Planned, 1)]);
    let reason = case.messages().await[0].reason.clone().unwrap();
    assert_eq!(reason, "the channel says `delivered`, which a planned message cannot become");
    case.go_on_to("2026-11-21T10:00:30+08:00").await;
    assert_eq!(statuses(&case).await, [(MessageStatus::Sent, 2)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_one_instant_go_in_the_order_in_which_a_crash_would_give_them_again() {
    let many = "
workflow: many
on: { event: go, if: \"event.how | default('') == 'many'\" }
steps: [{ send: hello }, { send: hello }, { send: hello }, { send: hello }, { send: hello }]
";
    let channel = Told::to([]);
    let mut place = Place::at("2026-11-21T10:00:00+08:00").unwrap();
    place.channels = Channels::all_over(channel.clone());
    let case = Case::open_in(place, &[many]).await;
    for customer in 0..4 {
        let id = format!("e{customer}");
        let many = event(&id, "go", &format!("shop:{customer}"), r#"{"how":"many"}"#).unwrap();
        case.tenant.admit(many).await.unwrap();
        case.tenant.settle().await.unwrap();
    }
    let handed = channel.handed();
    assert_eq!(handed.len(), 20);
    for of_one_commit in handed.chunks(5) {
        assert!(of_one_commit.is_sorted_by_key(|(id, _)| *id), "{of_one_commit:?}");
    }
}

/// A channel that stands still until it is let go, and counts.
#[derive(Default)]
struct Still {
    go: tokio::sync::Notify,
    is_going: AtomicBool,
    handed: AtomicUsize,
}

#[async_trait]
impl Channel for Still {
    async fn deliver(&self, messages: &[Message], _: UtcMs) -> Vec<Receipt> {
        let going = self.go.notified();
        self.handed.fetch_add(messages.len(), Ordering::SeqCst);
        if !self.is_going.load(Ordering::SeqCst) {
            going.await;
        }
        let sent = Verdict::Became(MessageStatus::Sent);
        messages.iter().map(|message| Receipt { message: message.id, verdict: sent.clone() }).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_stands_still_holds_up_nobody_and_everything_goes_once_it_moves() {
    const MESSAGES: usize = 12_000;
    let many = "
workflow: many
on: { manual: true, audience: everyone }
steps: [{ send: offer }]
";
    let channel = Arc::new(Still::default());
    let mut place = Place::at("2026-11-21T10:00:00+08:00").unwrap();
    place.channels = Channels::all_over(channel.clone());
    let case = Case::open_in(place, &[many]).await;
    let feed: Arc<str> = "people".into();
    for number in 0..MESSAGES {
        let event = event(&number.to_string(), "order.refunded", &format!("shop:{number}"), "{}").unwrap();
        case.tenant.feed(event, (feed.clone(), number as u64 + 1), None).await.unwrap();
    }
    // All of them are planned at night, and due in the same instant of the morning.
    case.go_on_to("2026-11-21T23:00:00+08:00").await;
    let start = ManualStart {
        playbook: "case".parse().unwrap(),
        workflow: "many".parse().unwrap(),
        customer: None,
        data: siyu_model::json::Value::map::<&str>([]),
        id: None,
        by: "test".to_owned(),
    };
    case.tenant.start(start).await.unwrap().unwrap();
    case.tenant.settle().await.unwrap();
    assert_eq!(channel.handed.load(Ordering::SeqCst), 0);
    case.place.clock.set("2026-11-22T09:00:00+08:00".parse().unwrap());
    // Somebody who comes now is answered although nothing moves.
    for number in 0..20 {
        let event = event(&format!("now{number}"), "order.refunded", "shop:1", "{}").unwrap();
        case.tenant.admit(event).await.unwrap();
    }
    let handed = channel.handed.load(Ordering::SeqCst);
    assert!(handed <= 1_024, "{handed} messages at once");
    channel.is_going.store(true, Ordering::SeqCst);
    channel.go.notify_waiters();
    case.tenant.settle().await.unwrap();
    assert_eq!(channel.handed.load(Ordering::SeqCst), MESSAGES);
    let tallies = case.inspect.tallies().await.unwrap();
    let counts: Vec<_> = tallies.messages.iter().map(|(status, _, count)| (*status, *count)).collect();
    assert_eq!(counts, [(MessageStatus::Sent, MESSAGES as u64)]);
}
