//! Couriers: channels that take one message at a time. A slow one holds up nobody, pauses grow, and a message of which nobody knows what
//! became is handed over again only where that cannot double it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use super::support::Case;
use async_trait::async_trait;
use siyu_engine::dispatch::Channels;
use siyu_engine::operate::Fate;
use siyu_engine::ports::channel::{Courier, Parcel, Tried, Verdict};
use siyu_engine::ports::clock::Clock;
use siyu_engine::tenant::Admitted;
use siyu_model::clock::{DurationMs, UtcMs};
use siyu_model::id::MessageId;
use siyu_model::message::MessageStatus;
use siyu_tests::{FaultyStores, Place, StoreFault, event, publication, workflows};
use tokio::sync::{Semaphore, watch};

/// What a courier answers when it is asked what became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Knows {
    /// The truth.
    All,
    /// Nothing.
    Nothing,
}

/// A courier that does what it is told, and sends when it is told nothing.
struct Told {
    is_idempotent: bool,
    knows: Knows,
    next: Mutex<VecDeque<Tried>>,
    /// How often each message was handed over, and what came with it.
    handed: Mutex<Vec<(MessageId, UtcMs, String)>>,
    asked: Mutex<Vec<MessageId>>,
    /// How often it cannot be asked.
    unreachable: AtomicU32,
    /// How often it breaks after it handed a message over.
    panics: AtomicU32,
    /// One place a hand-over.
    gate: Semaphore,
    /// Turns when something is handed over.
    count: watch::Sender<usize>,
}

impl Told {
    fn new(is_idempotent: bool, knows: Knows, next: impl IntoIterator<Item = Tried>) -> Arc<Self> {
        Arc::new(Self {
            is_idempotent,
            knows,
            next: Mutex::new(next.into_iter().collect()),
            handed: Mutex::default(),
            asked: Mutex::default(),
            unreachable: AtomicU32::new(0),
            panics: AtomicU32::new(0),
            count: watch::Sender::new(0),
            gate: Semaphore::new(Semaphore::MAX_PERMITS),
        })
    }

    fn times(&self) -> BTreeMap<MessageId, usize> {
        let mut times = BTreeMap::new();
        for (id, ..) in self.handed.lock().unwrap().iter() {
            *times.entry(*id).or_default() += 1;
        }
        times
    }

    /// The same that hands nothing over before its gate is opened.
    fn shut(is_idempotent: bool, knows: Knows) -> Arc<Self> {
        let courier = Self::new(is_idempotent, knows, []);
        courier.gate.forget_permits(Semaphore::MAX_PERMITS);
        courier
    }

    fn open(&self) {
        self.gate.add_permits(1_000);
    }

    /// Returns once so many messages were handed over.
    async fn has_handed(&self, count: usize) {
        self.count.subscribe().wait_for(|handed| *handed >= count).await.unwrap();
    }

    fn has(&self, id: MessageId) -> bool {
        self.handed.lock().unwrap().iter().any(|(known, ..)| *known == id)
    }
}

#[async_trait]
impl Courier for Told {
    fn is_idempotent(&self) -> bool {
        self.is_idempotent
    }

    async fn hand_over(&self, parcel: Parcel, now: UtcMs) -> Tried {
        self.handed.lock().unwrap().push((parcel.message.id, now, parcel.customer.to_string()));
        self.count.send_modify(|count| *count += 1);
        assert!(!takes(&self.panics), "a courier that is broken");
        let _place = self.gate.acquire().await.unwrap();
        let next = self.next.lock().unwrap().pop_front();
        next.unwrap_or(Tried::Said(Verdict::Became(MessageStatus::Sent)))
    }

    async fn reconcile(&self, parcel: Parcel, _: UtcMs) -> Tried {
        self.asked.lock().unwrap().push(parcel.message.id);
        if takes(&self.unreachable) {
            return Tried::Unknown("no connection".to_owned());
        }
        match self.knows {
            Knows::Nothing => Tried::CannotTell,
            Knows::All if self.has(parcel.message.id) => Tried::Said(Verdict::Became(MessageStatus::Sent)),
            Knows::All => Tried::Said(Verdict::Later("it is not there".to_owned())),
        }
    }
}

/// Whether one is left, which is taken.
fn takes(count: &AtomicU32) -> bool {
    count.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
}

const GREETING: &str = "
workflow: greeting
on: { event: go, if: \"event.how | default('') == ''\" }
steps: [{ send: hello }]
";

/// Two messages to everybody who comes, over two channels.
const BOTH: &[(&str, &str)] = &[
    (
        "playbook.yaml",
        "playbook: both\ntitle: Both\nzone: Asia/Shanghai\nchannels: [post, sms]\nevents:\n  go: { summary: Begins }\n",
    ),
    ("templates/hello.yaml", "template: hello\nclass: service\ntext: Hello.\n"),
    (
        "workflows/both.yaml",
        "workflow: both\non: { event: go }\nsteps:\n  - { send: hello, channel: post }\n  - { send: hello, channel: sms }\n",
    ),
];

const MORNING: &str = "2026-11-21T10:00:00+08:00";

fn place(courier: &Arc<Told>) -> Place {
    let mut place = Place::at(MORNING).unwrap();
    place.channels = Channels::default().with_courier("wecom".parse().unwrap(), courier.clone());
    place
}

/// Does what falls due until an instant, each at its own.
async fn step_to(case: &Case, instant: &str) {
    let until: UtcMs = instant.parse().unwrap();
    while let Some(next) = case.tenant.settle().await.unwrap().filter(|next| *next <= until) {
        case.place.clock.set(next);
    }
    case.go_on_to(instant).await;
}

fn later() -> Tried {
    Tried::Said(Verdict::Later("no connection".to_owned()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_comes_with_its_customer_and_what_the_courier_says_is_kept() {
    let details = siyu_model::json::parse(r#"{"msgid":"m1"}"#).unwrap();
    let said = Tried::Said(Verdict::BecameWith(MessageStatus::TaskCreated, details));
    let courier = Told::new(true, Knows::Nothing, [said]);
    let case = Case::open_in(place(&courier), &[GREETING]).await;
    case.start("shop:1").await;
    let message = &case.messages().await[0];
    assert_eq!((message.status, message.attempts), (MessageStatus::TaskCreated, 1));
    assert_eq!(message.details(), Some(r#"{"msgid":"m1"}"#));
    let (id, _, customer) = courier.handed.lock().unwrap()[0].clone();
    assert_eq!(id, message.id);
    let customer: serde_json::Value = serde_json::from_str(&customer).unwrap();
    assert_eq!(customer["id"], message.customer.to_string());
    assert_eq!(customer["identities"], serde_json::json!(["shop:1"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn pauses_grow_and_the_other_sides_wish_is_heard() {
    let wish = Tried::Said(Verdict::AgainAfter("busy".to_owned(), DurationMs::from_millis(300_000)));
    let courier = Told::new(true, Knows::Nothing, [later(), later(), wish]);
    let case = Case::open_in(place(&courier), &[GREETING]).await;
    case.start("shop:1").await;
    let reason = || async { case.messages().await[0].reason.clone().unwrap() };
    assert_eq!(reason().await, "no connection");
    step_to(&case, "2026-11-21T10:00:10+08:00").await;
    assert_eq!(
        (courier.times().into_values().collect::<Vec<_>>(), reason().await),
        (vec![3], "busy".to_owned())
    );
    case.go_on_to("2026-11-21T10:05:00+08:00").await;
    assert_eq!(
        courier.times().into_values().collect::<Vec<_>>(),
        [3],
        "it is left alone as long as it wants"
    );
    case.go_on_to("2026-11-21T10:05:10+08:00").await;
    assert_eq!(case.messages().await[0].status, MessageStatus::Sent);
    let handed = courier.handed.lock().unwrap();
    let pauses: Vec<i64> =
        handed.windows(2).map(|pair| pair[1].1.as_millis() - pair[0].1.as_millis()).collect();
    assert!((2_000..=2_500).contains(&pauses[0]) && (4_000..=5_000).contains(&pauses[1]), "{pauses:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_outcome_is_tried_again_where_ids_are_known_and_asked_for_where_not() {
    let unknown = || Tried::Unknown("no answer in time".to_owned());
    for (is_idempotent, knows, status, times, asked) in [
        (true, Knows::Nothing, MessageStatus::Sent, 2, 0),
        (false, Knows::All, MessageStatus::Sent, 1, 1),
        (false, Knows::Nothing, MessageStatus::Planned, 1, 1),
    ] {
        let courier = Told::new(is_idempotent, knows, [unknown()]);
        let case = Case::open_in(place(&courier), &[GREETING]).await;
        case.start("shop:1").await;
        case.go_on_to("2026-11-25T10:00:00+08:00").await;
        let message = case.messages().await[0].clone();
        let what = format!("{is_idempotent} {knows:?}: {message:?}");
        assert_eq!(message.status, status, "{what}");
        assert_eq!(courier.times().into_values().collect::<Vec<_>>(), [times], "{what}");
        assert_eq!(courier.asked.lock().unwrap().len(), asked, "{what}");
        let is_uncertain = status == MessageStatus::Planned;
        assert_eq!(message.is_uncertain(), is_uncertain, "{what}");
        // Also after a restart nobody hands it over again.
        let case = case.reopen().await;
        case.go_on_to("2026-11-26T10:00:00+08:00").await;
        assert_eq!(courier.times().into_values().collect::<Vec<_>>(), [times], "{what}");
        assert_eq!(case.messages().await[0].is_uncertain(), is_uncertain, "{what}");
    }
}

/// Whatever commit fails, before or after it is durable: where ids are not known nothing is handed over twice, and nothing is lost
/// without being shown.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_doubled_and_nothing_is_lost_whatever_commit_fails() {
    for (is_idempotent, knows) in [(true, Knows::Nothing), (false, Knows::Nothing), (false, Knows::All)] {
        for (at, fault) in (0..14).flat_map(|at| [(at, StoreFault::Before), (at, StoreFault::After)]) {
            let courier = Told::new(is_idempotent, knows, []);
            let place = place(&courier);
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
            step_to(&case, "2026-11-21T11:00:00+08:00").await;
            let messages = case.messages().await;
            let what = format!("{is_idempotent} {knows:?} {fault:?} commit {at}: {messages:?}");
            assert_eq!(messages.len(), 3, "{what}");
            let times = courier.times();
            for message in &messages {
                let is_sent = message.status == MessageStatus::Sent;
                assert!(
                    is_sent || (knows == Knows::Nothing && !is_idempotent && message.is_uncertain()),
                    "{what}"
                );
                let times = times.get(&message.id).copied().unwrap_or_default();
                let most = if is_idempotent { 2 } else { 1 };
                assert!(times <= most && (times > 0 || !is_sent), "handed over {times} times: {what}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_courier_has_few_messages_at_once_and_holds_up_nobody_else() {
    let (slow, fast) = (Told::shut(true, Knows::Nothing), Told::new(true, Knows::Nothing, []));
    let mut place = Place::at(MORNING).unwrap();
    place.channels = Channels::default()
        .with_courier("post".parse().unwrap(), slow.clone())
        .with_courier("sms".parse().unwrap(), fast.clone());
    let tenant = place.open().await.unwrap();
    let inspect = Arc::new(place.inspect().await.unwrap());
    let case = Case { place, tenant, inspect };
    case.tenant.publish(publication(BOTH).unwrap()).await.unwrap().unwrap();
    for number in 0..30 {
        let go = event(&format!("e{number}"), "go", &format!("shop:{number}"), "{}").unwrap();
        case.tenant.admit(go).await.unwrap();
    }
    // Everybody was answered, and the fast one has all, while the slow one has as many as it may.
    fast.has_handed(30).await;
    slow.has_handed(8).await;
    assert_eq!(slow.times().len(), 8);
    slow.open();
    case.tenant.settle().await.unwrap();
    assert_eq!((slow.times().len(), fast.times().len()), (30, 30));
    let messages = case.messages().await;
    assert!(messages.iter().all(|message| message.status == MessageStatus::Sent), "{messages:?}");
}

/// Eight offers at an hour fill the courier's places, and a ninth waits while something happens.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_waited_for_a_place_goes_by_the_rules_of_the_moment_at_which_it_is_free() {
    const OFFERING: &str = "\nworkflow: offering\non: { event: order.paid }\nsteps: [{ send: offer }]\n";
    let at = |text: &str| text.parse::<UtcMs>().unwrap();
    for is_idempotent in [true, false] {
        for (clock, is_withdrawn, status, reason) in [
            ("2026-11-21T20:30:00+08:00", false, MessageStatus::Sent, None),
            (
                "2026-11-21T20:30:00+08:00",
                true,
                MessageStatus::Blocked,
                Some("consent: the customer withdrew it"),
            ),
            ("2026-11-21T21:30:00+08:00", false, MessageStatus::Planned, None),
            ("2026-11-22T16:00:00+08:00", false, MessageStatus::Expired, Some("its time passed")),
        ] {
            let courier = Told::shut(is_idempotent, Knows::Nothing);
            let mut place = Place::at("2026-11-21T20:00:00+08:00").unwrap();
            place.channels = Channels::default().with_courier("wecom".parse().unwrap(), courier.clone());
            let case = Case::open_in(place, &[OFFERING]).await;
            let admit = async |id: &str, name: &str, customer: &str| {
                let admitted = case.tenant.admit(event(id, name, customer, "{}").unwrap()).await.unwrap();
                assert!(matches!(admitted, Admitted::Recorded { .. }));
            };
            for number in 0..9 {
                admit(&format!("e{number}"), "order.paid", &format!("shop:{number}")).await;
            }
            courier.has_handed(8).await;
            let ninth = case.messages().await.into_iter().find(|message| !courier.has(message.id)).unwrap();
            case.place.clock.set(at(clock));
            let what = format!("{is_idempotent} {clock} {is_withdrawn}");
            if is_withdrawn {
                let customers: Vec<_> = (0..9).map(|number| format!("shop:{number}")).collect();
                for customer in customers {
                    admit(&format!("no-{customer}"), "consent.withdrawn", &customer).await;
                }
            }
            courier.open();
            case.tenant.settle().await.unwrap();
            let find =
                async || case.messages().await.into_iter().find(|message| message.id == ninth.id).unwrap();
            let message = find().await;
            assert_eq!(message.status, status, "{what}: {message:?}");
            assert_eq!(courier.has(ninth.id), status == MessageStatus::Sent, "{what}");
            if let Some(reason) = reason {
                assert!(message.reason.as_deref().unwrap().starts_with(reason), "{what}: {message:?}");
            }
            if status == MessageStatus::Planned {
                assert_eq!(message.due_at, at("2026-11-22T09:00:00+08:00"), "{what}");
                case.go_on_to("2026-11-22T09:00:00+08:00").await;
                assert_eq!(find().await.status, MessageStatus::Sent, "{what}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_that_is_stopped_waits_for_what_is_under_way_and_the_rest_goes_when_it_is_opened() {
    for is_idempotent in [true, false] {
        let courier = Told::shut(is_idempotent, Knows::Nothing);
        let case = Case::open_in(place(&courier), &[GREETING]).await;
        for number in 0..12 {
            let go = event(&format!("e{number}"), "go", &format!("shop:{number}"), "{}").unwrap();
            case.tenant.admit(go).await.unwrap();
        }
        courier.has_handed(8).await;
        let Case { place, tenant, inspect } = case;
        let stopping = tokio::spawn(tenant.stop());
        // It may see that it is told to stop before or after the gate opens: what has no place yet may go or wait.
        courier.open();
        stopping.await.unwrap();
        let tenant = place.open().await.unwrap();
        let case = Case { place, tenant, inspect };
        case.tenant.settle().await.unwrap();
        let messages = case.messages().await;
        assert!(messages.iter().all(|message| message.status == MessageStatus::Sent), "{messages:?}");
        assert_eq!(courier.times().into_values().collect::<Vec<_>>(), [1; 12], "{is_idempotent}");
    }
}

/// The tenant is opened elsewhere while a message is under way: it is asked for when that must have ended, and not sooner.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_under_way_at_a_host_that_lost_the_tenant_is_asked_for_only_when_that_must_be_over() {
    let courier = Told::shut(false, Knows::All);
    let case = Case::open_in(place(&courier), &[GREETING]).await;
    case.tenant.admit(event("e1", "go", "shop:1", "{}").unwrap()).await.unwrap();
    courier.has_handed(1).await;
    let Case { place, tenant: lost, inspect } = case;
    let tenant = place.open().await.unwrap();
    let case = Case { place, tenant, inspect };
    case.tenant.settle().await.unwrap();
    case.go_on_to("2026-11-21T10:00:59+08:00").await;
    assert_eq!(courier.asked.lock().unwrap().len(), 0);
    assert!(case.messages().await[0].is_handed_over());
    case.go_on_to("2026-11-21T10:01:00+08:00").await;
    assert_eq!(courier.asked.lock().unwrap().len(), 1);
    assert_eq!(case.messages().await[0].status, MessageStatus::Sent);
    courier.open();
    lost.stop().await;
    assert_eq!(courier.times().into_values().collect::<Vec<_>>(), [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_cannot_be_asked_is_asked_again_until_the_messages_time_is_over() {
    for (unreachable, panics, status, asked) in [
        (3, 0, MessageStatus::Sent, 4),
        (0, 1, MessageStatus::Sent, 1),
        (u32::MAX, 0, MessageStatus::Planned, 0),
    ] {
        let courier = Told::new(false, Knows::All, [Tried::Unknown("no answer in time".to_owned())]);
        courier.unreachable.store(unreachable, Ordering::SeqCst);
        courier.panics.store(panics, Ordering::SeqCst);
        let case = Case::open_in(place(&courier), &[GREETING]).await;
        case.start("shop:1").await;
        assert!(case.messages().await[0].is_handed_over());
        let expires_at = case.messages().await[0].expires_at;
        while case.messages().await[0].is_handed_over() {
            let next = case.tenant.settle().await.unwrap().unwrap();
            assert!(next <= expires_at);
            case.place.clock.set(next);
            case.tenant.settle().await.unwrap();
        }
        let message = &case.messages().await[0];
        assert_eq!(message.status, status, "{message:?}");
        assert_eq!(message.is_uncertain(), status == MessageStatus::Planned, "{message:?}");
        assert_eq!(courier.times().into_values().collect::<Vec<_>>(), [1], "{message:?}");
        let times = courier.asked.lock().unwrap().len();
        assert!(if asked > 0 { times == asked } else { times > 10 }, "{times} {message:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_channel_says_is_not_taken_for_a_mark() {
    let courier = Told::new(
        true,
        Knows::Nothing,
        ["uncertain: ha", "handed over: ha"].map(|why| Tried::Said(Verdict::Later(why.to_owned()))),
    );
    let case = Case::open_in(place(&courier), &[GREETING]).await;
    case.start("shop:1").await;
    let message = case.messages().await[0].clone();
    assert!(!message.is_uncertain(), "{message:?}");
    assert_eq!(message.reason.as_deref(), Some("the channel says: uncertain: ha"));
    step_to(&case, "2026-11-21T11:00:00+08:00").await;
    assert_eq!(case.messages().await[0].status, MessageStatus::Sent);
    assert_eq!((courier.times().into_values().sum::<usize>(), courier.asked.lock().unwrap().len()), (3, 0));
}

/// A person found out what became of a message, and says so.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_uncertain_is_settled_by_whoever_found_out() {
    for (fate, later, status, times) in [
        (Fate::Sent, "2026-11-21T11:00:00+08:00", MessageStatus::Sent, 1),
        (Fate::NotSent, "2026-11-21T11:00:00+08:00", MessageStatus::Sent, 2),
        // Its time is over: it does not go again.
        (Fate::NotSent, "2027-11-21T11:00:00+08:00", MessageStatus::Expired, 1),
    ] {
        let courier = Told::new(false, Knows::Nothing, [Tried::Unknown("no answer in time".to_owned())]);
        let case = Case::open_in(place(&courier), &[GREETING]).await;
        case.start("shop:1").await;
        let id = case.messages().await[0].id;
        assert!(case.messages().await[0].is_uncertain());
        case.go_on_to(later).await;
        let settled = case.tenant.settle_message(id, fate).await.unwrap();
        assert!(settled.is_ok(), "{settled:?}");
        case.tenant.settle().await.unwrap();
        let message = &case.messages().await[0];
        assert_eq!(message.status, status, "{message:?}");
        assert_eq!(courier.times().into_values().collect::<Vec<_>>(), [times], "{message:?}");
        // What is known already is not settled again; whoever asks again because no answer came hears the same.
        let again = case.tenant.settle_message(id, fate).await.unwrap();
        match fate {
            Fate::Sent => assert_eq!(again, Ok(MessageStatus::Sent)),
            Fate::NotSent | Fate::Again => {
                let why =
                    format!("{id} is {}: only a message that is uncertain can be settled", status.as_str());
                assert_eq!(again.unwrap_err().to_string(), why);
            }
        }
    }
    let case = Case::open(&[GREETING]).await;
    let nobody = MessageId::derive(case.place.clock.now(), &[b"nobody"]);
    let refused = case.tenant.settle_message(nobody, Fate::Sent).await.unwrap().unwrap_err();
    assert_eq!(refused.to_string(), format!("there is no message {nobody}"));
}

/// Whoever mended the other side has what failed go once more, under its id.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_failed_goes_once_more_when_somebody_wants_it() {
    let refused = || Tried::Said(Verdict::Refused("the receiver is gone".to_owned()));
    let courier = Told::new(true, Knows::Nothing, [refused(), refused()]);
    let case = Case::open_in(place(&courier), &[GREETING]).await;
    case.start("shop:1").await;
    let first = case.messages().await[0].clone();
    assert_eq!((first.status, first.attempts), (MessageStatus::Failed, 1), "{first:?}");
    // A year later it has as much time as it had.
    case.go_on_to("2027-11-21T11:00:00+08:00").await;
    for (status, attempts) in [(MessageStatus::Failed, 2), (MessageStatus::Sent, 3)] {
        let again = case.tenant.settle_message(first.id, Fate::Again).await.unwrap();
        assert_eq!(again, Ok(MessageStatus::Planned));
        case.tenant.settle().await.unwrap();
        let message = case.messages().await[0].clone();
        assert_eq!(
            (message.id, message.status, message.attempts),
            (first.id, status, attempts),
            "{message:?}"
        );
        assert_eq!(
            message.expires_at.since(message.changed_at),
            first.expires_at.since(first.planned_at),
            "{message:?}"
        );
    }
    assert_eq!(courier.times().into_values().collect::<Vec<_>>(), [3]);
    // What has arrived does not go again, however often somebody asks.
    let refused = case.tenant.settle_message(first.id, Fate::Again).await.unwrap().unwrap_err();
    let why = format!("{} is not redelivered: it is sent: expected failed or expired", first.id);
    assert_eq!(refused.to_string(), why);
    assert_eq!(case.messages().await.len(), 1);
}

/// Whoever got no answer asks again, and it goes once all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_somebody_wants_twice_goes_once_more() {
    let courier =
        Told::new(true, Knows::Nothing, [Tried::Said(Verdict::Refused("the receiver is gone".to_owned()))]);
    let case = Case::open_in(place(&courier), &[GREETING]).await;
    case.start("shop:1").await;
    let id = case.messages().await[0].id;
    courier.gate.forget_permits(Semaphore::MAX_PERMITS);
    for _ in 0..2 {
        assert_eq!(case.tenant.settle_message(id, Fate::Again).await.unwrap(), Ok(MessageStatus::Planned));
    }
    courier.open();
    case.tenant.settle().await.unwrap();
    assert_eq!(case.messages().await[0].status, MessageStatus::Sent);
    assert_eq!(courier.times().into_values().collect::<Vec<_>>(), [2]);
}

/// Of an erased customer nothing goes any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_an_erased_customer_does_not_go_once_more() {
    let courier =
        Told::new(true, Knows::Nothing, [Tried::Said(Verdict::Refused("the receiver is gone".to_owned()))]);
    let case = Case::open_in(place(&courier), &[GREETING]).await;
    case.start("shop:1").await;
    let id = case.messages().await[0].id;
    case.tenant.erase_customer("shop:1".parse().unwrap()).await.unwrap().unwrap();
    case.tenant.settle().await.unwrap();
    let refused = case.tenant.settle_message(id, Fate::Again).await.unwrap().unwrap_err();
    assert_eq!(refused.to_string(), format!("{id} is not redelivered: its customer was erased"));
    assert_eq!(courier.times().into_values().collect::<Vec<_>>(), [1]);
}
