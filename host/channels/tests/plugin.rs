//! A plugin's channel from end to end of the sandbox: what it is given, what it may do, and what becomes of one that fails.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, LazyLock, Mutex};

use async_trait::async_trait;
use siyu_channels::{Cache, PluginChannel};
use siyu_engine::ports::channel::{Courier, Parcel, Tried, Verdict};
use siyu_engine::ports::network::{Network, NoSecrets, Request, Response, SendError, SendErrorCode, Sender};
use siyu_model::clock::{DurationMs, UtcMs};
use siyu_model::id::{CustomerId, MessageId};
use siyu_model::message::{Message, MessageClass, MessageStatus};
use siyu_runtime::{Allocation, CacheKey, Compiler, Runtime, RuntimeConfig, pack};
use tokio::time::Instant;

/// The guest `tests/courier`, packed as an author packs it.
static COURIER: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("host/channels");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("siyu-guests");
    let status = Command::new(env!("CARGO"))
        .current_dir(workspace)
        .args(["build", "--quiet", "--profile", "plugin", "--package", "siyu-courier"])
        .args(["--target", "wasm32-unknown-unknown", "--target-dir"])
        .arg(&folder)
        // A guest is not built with the flags of the tests, such as those of coverage.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .status()
        .expect("cargo runs");
    assert!(status.success(), "siyu-courier does not build");
    let module = std::fs::read(folder.join("wasm32-unknown-unknown/plugin/siyu_courier.wasm")).unwrap();
    pack(&module).unwrap_or_else(|fault| panic!("{fault}")).component
});

static RUNTIME: LazyLock<Arc<Runtime>> = LazyLock::new(|| {
    let config = RuntimeConfig {
        cache_dir: None,
        key: CacheKey::new([7; 32]),
        compiler: Compiler::InProcess,
        allocation: Allocation::OnDemand { calls_max: 8 },
    };
    Arc::new(Runtime::new(config).unwrap())
});

/// A network that answers from one result, and keeps what it was asked.
struct Told {
    answer: Result<Response, SendError>,
    asked: Mutex<Vec<Request>>,
}

#[async_trait]
impl Network for Told {
    async fn send(&self, _: &Sender, request: Request, _: Instant) -> Result<Response, SendError> {
        self.asked.lock().unwrap().push(request);
        self.answer.clone()
    }
}

fn status(status: u16) -> Result<Response, SendError> {
    Ok(Response { status, headers: Vec::new(), body: Vec::new() })
}

fn channel(answer: Result<Response, SendError>) -> (PluginChannel, Arc<Told>) {
    let loaded = RUNTIME.load(&COURIER).unwrap();
    let network = Arc::new(Told { answer, asked: Mutex::default() });
    let offer = loaded.manifest.channel.clone().expect("it has a channel");
    let sender = Sender {
        tenant: "shop".parse().unwrap(),
        manifest: offer.hosts.clone(),
        granted: offer.hosts,
        places: BTreeMap::new(),
        secrets: Arc::new(NoSecrets),
    };
    let channel = PluginChannel {
        plugins: RUNTIME.clone(),
        network: network.clone(),
        digest: loaded.digest,
        manifest: loaded.manifest,
        config: r#"{"url":"https://peer.example/in"}"#.into(),
        sender: Arc::new(sender),
        cache: Arc::new(Cache::default()),
        signing: None,
    };
    (channel, network)
}

fn parcel(body: &str) -> Parcel {
    let at = UtcMs::from_millis(1_795_233_600_000);
    let message = Message {
        id: MessageId::derive(at, &[body.as_bytes()]),
        customer: CustomerId::derive(at, &[b"c"]),
        channel: "sms".parse().unwrap(),
        class: MessageClass::Service,
        template: "welcome".parse().unwrap(),
        body: body.to_owned(),
        status: MessageStatus::Planned,
        reason: Some(r#"{"msgid":"m1"}"#.to_owned()),
        attempts: 2,
        planned_at: at,
        due_at: at,
        expires_at: at + DurationMs::from_millis(60_000),
        changed_at: at,
        run: None,
        step: None,
    };
    let customer = r#"{"id":"cus_1","created_at":"2026-11-21T12:00:00Z"}"#.into();
    Parcel { message, customer }
}

async fn said(body: &str, answer: Result<Response, SendError>) -> Tried {
    let (channel, _) = channel(answer);
    let parcel = parcel(body);
    let now = parcel.message.planned_at;
    channel.hand_over(parcel, now).await
}

/// The details of a message that was sent.
fn details(tried: Tried) -> serde_json::Value {
    match tried {
        Tried::Said(Verdict::BecameWith(MessageStatus::Sent, details)) => {
            serde_json::to_value(&details).unwrap()
        }
        other => panic!("expected details, found {other:?}"),
    }
}

#[tokio::test]
async fn a_channel_gets_its_message_and_what_it_says_comes_back() {
    let told = details(said("tell", status(200)).await);
    let expected = serde_json::json!({
        "id": parcel("tell").message.id.to_string(),
        "attempt": 3,
        "customer": "cus_1",
        "before": { "msgid": "m1" },
        "random": 4,
    });
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_request_leaves_as_the_plugin_wrote_it_and_its_answer_decides() {
    let (channel, network) = channel(status(200));
    let parcel = parcel("a secret hello");
    let (id, now) = (parcel.message.id, parcel.message.planned_at);
    assert_eq!(channel.hand_over(parcel, now).await, Tried::Said(Verdict::Became(MessageStatus::Sent)));
    let asked = network.asked.lock().unwrap();
    let [request] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!((request.method.as_str(), request.url.as_str()), ("POST", "https://peer.example/in"));
    let value =
        |name: &str| request.headers.iter().find(|header| header.name == name).map(|h| h.value.clone());
    assert_eq!(value("x-message"), Some(id.to_string()));
    assert_eq!(value("authorization").as_deref(), Some("Bearer {{secret:key}}"), "filled in behind the port");
    assert_eq!(request.body, br#"{"text":"a secret hello"}"#);
}

#[tokio::test]
async fn statuses_and_failures_become_verdicts() {
    let mut busy = status(429).unwrap();
    busy.headers.push(siyu_engine::ports::network::Header { name: "retry-after".into(), value: "7".into() });
    let away =
        SendError { retry_after_ms: Some(900), ..SendError::before(SendErrorCode::OpenCircuit, "it rests") };
    for (answer, verdict) in [
        (status(503), Verdict::Later("the peer answered 503".to_owned())),
        (status(410), Verdict::Refused("the peer answered 410".to_owned())),
        (Ok(busy), Verdict::AgainAfter("the peer answered 429".to_owned(), DurationMs::from_millis(7_000))),
        (Err(away), Verdict::AgainAfter("it rests".to_owned(), DurationMs::from_millis(900))),
    ] {
        assert_eq!(said("hello", answer).await, Tried::Said(verdict));
    }
}

#[tokio::test]
async fn one_that_fails_before_it_sent_is_tried_again_and_one_that_fails_after_is_unknown() {
    let tried = said("panic", status(200)).await;
    assert!(matches!(&tried, Tried::Said(Verdict::Later(why)) if why.contains("told to")), "{tried:?}");
    let tried = said("loop", status(200)).await;
    assert!(
        matches!(&tried, Tried::Said(Verdict::Later(why)) if why.starts_with("FUEL_EXHAUSTED")),
        "{tried:?}"
    );
    let tried = said("send, then panic", status(200)).await;
    assert!(matches!(&tried, Tried::Unknown(why) if why.contains("told to")), "{tried:?}");
    let unsent = SendError::before(SendErrorCode::Unreachable, "nobody there");
    let tried = said("send, then panic", Err(unsent)).await;
    assert!(matches!(tried, Tried::Said(Verdict::Later(_))), "nothing was sent: {tried:?}");
    for body in ["large details", "no details"] {
        let tried = said(body, status(200)).await;
        assert!(
            matches!(&tried, Tried::Said(Verdict::Later(why)) if why.starts_with("BAD_OUTPUT")),
            "{tried:?}"
        );
    }
}

#[tokio::test]
async fn a_delivery_sends_so_many_requests_and_no_more() {
    let (channel, network) = channel(status(200));
    let parcel = parcel("flood");
    let now = parcel.message.planned_at;
    let told = details(channel.hand_over(parcel, now).await);
    assert_eq!(told, serde_json::json!({ "sent": 16, "stopped": "a delivery sends at most 16 requests" }));
    assert_eq!(network.asked.lock().unwrap().len(), 16);
}

#[tokio::test]
async fn of_deliveries_at_once_one_fetches_the_token() {
    let (channel, _) = channel(status(200));
    let tries = (0..6).map(|_| {
        let (channel, parcel) = (channel.clone(), parcel("token"));
        let now = parcel.message.planned_at;
        tokio::spawn(async move { channel.hand_over(parcel, now).await })
    });
    let mut fetched = 0;
    for tried in tries.collect::<Vec<_>>() {
        let told = details(tried.await.unwrap());
        assert_eq!(told["token"], "t1");
        fetched += u32::from(told["fetched"] == true);
    }
    assert_eq!(fetched, 1);
}

#[tokio::test]
async fn what_became_of_a_message_is_asked_for_without_handing_it_over() {
    let (channel, network) = channel(status(200));
    for (body, tried) in
        [("known", Tried::Said(Verdict::Became(MessageStatus::Sent))), ("other", Tried::CannotTell)]
    {
        let parcel = parcel(body);
        let now = parcel.message.planned_at;
        assert_eq!(channel.reconcile(parcel, now).await, tried);
    }
    assert!(network.asked.lock().unwrap().is_empty());
}

#[test]
fn a_channel_says_where_it_sends_and_a_plugin_may_have_no_steps() {
    let loaded = RUNTIME.load(&COURIER).unwrap();
    let offer = loaded.manifest.channel.as_ref().unwrap();
    assert_eq!(offer.summary, "Does what the text of a message says.");
    assert!(loaded.manifest.steps.is_empty() && offer.is_idempotent && offer.secret("key").is_some());
    let hosts: Vec<String> = offer.hosts.iter().map(ToString::to_string).collect();
    assert_eq!(hosts, ["http://*:*", "https://*:*"]);
    let described = RUNTIME.describe(&loaded.digest).unwrap();
    assert_eq!(&siyu_model::plugin::Manifest::from_json(&described).unwrap(), &*loaded.manifest);
}
