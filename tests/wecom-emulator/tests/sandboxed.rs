//! The WeCom plugin as it is shipped: the packed component in the host's sandbox, the host's own client, and the emulator over HTTP.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod stage;

use std::collections::BTreeMap;

use siyu_channels::PluginChannel;
use siyu_engine::ports::channel::{Courier, Parcel, Tried, Verdict};
use siyu_model::clock::{DurationMs, UtcMs};
use siyu_model::id::{CustomerId, MessageId};
use siyu_model::message::{Message, MessageClass, MessageStatus};
use siyu_wecom_emulator::{Act, Clock, Emulator, Limits, Sent, Settings};
use stage::{BEGIN_MS, RUNTIME, WECOM};

struct Stage {
    wecom: Emulator,
    clock: Clock,
    channel: PluginChannel,
}

impl Stage {
    fn new(limits: Limits) -> Self {
        let clock = Clock::by_hand(BEGIN_MS);
        let settings = Settings { limits, ..Settings::default() };
        let corp_id = settings.corp_id.clone();
        let wecom = Emulator::start(settings, clock.clone()).unwrap();
        wecom.act(Act::StaffJoins { staff: "li".into(), may_contact: true }).unwrap();
        let channel = stage::channel(&wecom, &corp_id);
        Self { wecom, clock, channel }
    }

    fn now(&self) -> UtcMs {
        UtcMs::from_millis(self.clock.now_ms())
    }

    fn parcel(&self, body: &str) -> Parcel {
        let at = self.now();
        let message = Message {
            id: MessageId::derive(at, &[body.as_bytes()]),
            customer: CustomerId::derive(at, &[b"c"]),
            channel: "wecom".parse().unwrap(),
            class: MessageClass::Service,
            template: "welcome".parse().unwrap(),
            body: body.to_owned(),
            status: MessageStatus::Planned,
            reason: None,
            attempts: 0,
            planned_at: at,
            due_at: at,
            expires_at: at + DurationMs::from_millis(3_600_000),
            changed_at: at,
            run: None,
            step: None,
        };
        let customer =
            r#"{"id":"cus_1","created_at":"2026-01-01T00:00:00Z","identities":["wecom:wm1"]}"#.into();
        Parcel { message, customer }
    }

    async fn deliver(&self, body: &str) -> Tried {
        self.channel.hand_over(self.parcel(body), self.now()).await
    }

    /// A new friend; the body of their welcome.
    fn adds(&self) -> String {
        let added = Act::CustomerAdds { customer: "wm1".into(), staff: "li".into(), state: "c7".into() };
        let code = self.wecom.act(added).unwrap()["welcome_code"].as_str().unwrap().to_owned();
        format!("wecom: send_welcome_msg\nwelcome_code: {code}\n\n您好,\"{{{{secret:corpsecret}}}}\"")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_welcome_goes_out_under_a_token_and_shows_no_secret() {
    let stage = Stage::new(Limits::default());
    let body = stage.adds();
    assert_eq!(stage.deliver(&body).await, Tried::Said(Verdict::Became(MessageStatus::Sent)));
    let record = stage.wecom.record();
    assert_eq!(record.welcomes.len(), 1);
    assert_eq!(record.welcomes[0].content.text.content, "您好,\"{{secret:corpsecret}}\"");
    assert_eq!(stage.deliver(&body).await, Tried::Said(Verdict::Became(MessageStatus::Delivered)));
    assert_eq!(stage.wecom.record().welcomes.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broadcast_whose_answer_was_lost_is_found_and_not_made_twice() {
    let stage = Stage::new(Limits::default());
    stage.adds();
    stage.wecom.act(Act::LoseAnswers { api: "add_msg_template".into(), times: 1 }).unwrap();
    let parcel = stage.parcel("周五到货");
    let tried = stage.channel.hand_over(parcel.clone(), stage.now()).await;
    assert!(matches!(tried, Tried::Said(Verdict::Uncertain(_))), "{tried:?}");
    stage.clock.advance_ms(30_000);
    let Tried::Said(Verdict::BecameWith(status, details)) =
        stage.channel.reconcile(parcel, stage.now()).await
    else {
        panic!("it is there");
    };
    let msgid = serde_json::to_value(&details).unwrap()["msgid"].as_str().unwrap().to_owned();
    assert_eq!(status, MessageStatus::TaskCreated);
    let broadcasts = stage.wecom.sight().broadcasts;
    assert_eq!(broadcasts.keys().collect::<Vec<_>>(), [&msgid]);
    assert_eq!(broadcasts[&msgid].staff["li"]["wm1"].0, Sent::NotYet);
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_at_once_share_one_token_and_one_more_when_it_ends() {
    let stage = Stage::new(Limits::default());
    stage.adds();
    for expected in [1, 2] {
        let tries: Vec<_> = (0..6)
            .map(|n| {
                let (channel, parcel, now) =
                    (stage.channel.clone(), stage.parcel(&format!("第{expected}.{n}条")), stage.now());
                tokio::spawn(async move { channel.hand_over(parcel, now).await })
            })
            .collect();
        for tried in tries {
            let tried = tried.await.unwrap();
            let is_task = matches!(&tried, Tried::Said(Verdict::BecameWith(MessageStatus::TaskCreated, _)));
            assert!(is_task, "{tried:?}");
        }
        assert_eq!(stage.wecom.record().count("gettoken"), expected);
        stage.wecom.act(Act::TokenExpires).unwrap();
    }
    assert_eq!(stage.wecom.record().token_calls_at_once_max, 1);
    assert_eq!(stage.wecom.sight().broadcasts.len(), 12);
    assert_eq!(stage.wecom.record().complaints.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_api_is_asked_once_and_then_left_alone() {
    let stage = Stage::new(Limits { calls_per_minute: 1, ..Limits::default() });
    stage.adds();
    assert!(matches!(stage.deliver("一").await, Tried::Said(Verdict::BecameWith(..))));
    for _ in 0..3 {
        let Tried::Said(Verdict::AgainAfter(why, pause)) = stage.deliver("二").await else { panic!() };
        assert!(why.starts_with("45009"), "{why}");
        assert_eq!(pause, DurationMs::from_millis(60_000));
    }
    assert_eq!(stage.wecom.record().count("add_msg_template"), 2);
    stage.clock.advance_ms(60_000);
    assert!(matches!(stage.deliver("二").await, Tried::Said(Verdict::BecameWith(..))));
}

#[test]
fn it_asks_for_what_it_uses() {
    let loaded = RUNTIME.load(&WECOM).unwrap();
    let offer = loaded.manifest.channel.as_ref().unwrap();
    let hosts: Vec<String> = offer.hosts.iter().map(ToString::to_string).collect();
    assert_eq!(hosts, ["https://qyapi.weixin.qq.com", "http://127.0.0.1:*"]);
    assert!(!offer.is_idempotent);
    let secrets: BTreeMap<String, usize> =
        offer.secrets.iter().map(|it| (it.name.to_string(), it.places.len())).collect();
    assert_eq!(secrets, BTreeMap::from([("corpsecret".to_owned(), 1)]));
}
