//! Sources in the sandbox: what is signed becomes events, what is not is refused, and nothing else is within reach.

use std::any::Any;
use std::sync::{Arc, LazyLock};

use siyu_engine::doubles::GivenCall;
use siyu_engine::ports::hooks::{Accepted, Hook, HookCall, HookRefusal};
use siyu_engine::ports::plugins::{Asked, CallContext, CallHost, Plugins};
use siyu_engine::ports::secrets::Secrets;
use siyu_model::clock::UtcMs;
use siyu_model::digest::PluginDigest;
use siyu_model::limits::hooks::{CPU_MS, FUEL, MEMORY_BYTES_MAX};
use siyu_model::plugin::{CallLimits, Capability, Fault, HostFault};
use siyu_model::secret::SecretValue;
use siyu_model::secret::mac::{self, MacAlgorithm};

use crate::support::double::{Mood, Recorder};
use crate::support::{MISBEHAVING, RUNTIME, call_with, guests, is};

/// The shipped plugin `signed-hook`: a source alone.
static SIGNED_HOOK: LazyLock<PluginDigest> = LazyLock::new(|| loaded("signed-hook"));
/// The guest `tests/courier`: a channel and a source in one component.
static COURIER: LazyLock<PluginDigest> = LazyLock::new(|| loaded("siyu-courier"));

fn loaded(package: &str) -> PluginDigest {
    RUNTIME.load(&guests::packed(package, guests::Target::Unknown)).unwrap().digest
}

/// One secret, by the plugin's name for it.
fn given(name: &str, value: &str) -> Arc<dyn Secrets> {
    Arc::new(GivenCall::default().with(name, SecretValue::new(value.to_owned().into()).unwrap()))
}

/// The host of one call: who calls, and secrets. All else is refused.
struct Door {
    context: CallContext,
    secrets: Arc<dyn Secrets>,
}

impl CallHost for Door {
    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }

    fn context(&self) -> &CallContext {
        &self.context
    }

    fn random(&mut self, count: usize) -> Vec<u8> {
        vec![7; count]
    }

    fn secrets(&self) -> Asked<&dyn Secrets> {
        Ok(&*self.secrets)
    }
}

type Received = Result<Result<Accepted, HookRefusal>, Fault>;

/// Standard Webhooks' own example was sent then.
const AT_S: i64 = 1_614_265_330;

fn receive(digest: &PluginDigest, config: &str, secrets: Arc<dyn Secrets>, hook: &Hook) -> Received {
    let context = CallContext {
        id: "hook-1".to_owned(),
        tenant: "shop".to_owned(),
        plugin: "it@1.0.0".to_owned(),
        step: "orders".to_owned(),
        run: None,
        customer: None,
        event: None,
        attempt: 1,
        now: hook.received_at,
        zone: "UTC".to_owned(),
    };
    // What a host gives, with time for what a debugger or a profiler adds.
    let limits = CallLimits {
        fuel: FUEL,
        cpu_ms: CPU_MS * 60,
        memory_bytes_max: MEMORY_BYTES_MAX,
        ..CallLimits::default()
    };
    let call = HookCall { digest, limits: &limits, config, hook };
    let report = RUNTIME.receive(call, Box::new(Door { context, secrets }));
    assert!(report.host.into_any().is::<Door>(), "the host did not come back");
    report.outcome
}

fn hook(headers: &[(&str, &str)], body: &str) -> Hook {
    Hook {
        method: "POST".to_owned(),
        query: vec![("a".to_owned(), "b".to_owned())],
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        body: body.as_bytes().to_vec(),
        received_at: UtcMs::from_millis(AT_S * 1_000),
    }
}

/// What the courier says to the body of a request.
fn told(body: &str) -> Received {
    receive(&COURIER, "{}", given("key", "hush"), &hook(&[], body))
}

fn words(body: &str) -> String {
    String::from_utf8(told(body).unwrap().unwrap().body).unwrap()
}

#[test]
fn what_github_and_standard_webhooks_give_as_examples_is_taken_and_nothing_near_it() {
    let standard = r#"{"scheme":{"kind":"standard_webhooks"},"event":{"type":{"prefix":"test.sent"}}}"#;
    let key = || given("key", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    let signed = |signature: &str, body: &str| {
        let headers = [
            ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
            ("webhook-timestamp", "1614265330"),
            ("webhook-signature", signature),
        ];
        receive(&SIGNED_HOOK, standard, key(), &hook(&headers, body)).unwrap()
    };
    let right = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    let accepted = signed(right, r#"{"test": 2432232314}"#).unwrap();
    let found: Vec<_> =
        accepted.events.iter().map(|event| (event.id.as_str(), event.data.as_str())).collect();
    assert_eq!(found, [("msg_p5jXN8AQM9LWM0D4loKWxJek", r#"{"test":2432232314}"#)]);
    for (signature, body) in [
        (right, r#"{"test": 2432232315}"#),
        ("v1,h0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", r#"{"test": 2432232314}"#),
    ] {
        let refused = signed(signature, body).unwrap_err();
        assert!(matches!(refused, HookRefusal::Unverified(_)), "{refused:?}");
    }
    // The body of GitHub's example is no JSON: that is found out only once the signature is known to be right.
    let github = r#"{"scheme":{"kind":"github"},"event":{"type":{"prefix":"test.sent"}}}"#;
    let right = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let key = || given("key", "It's a Secret to Everybody");
    let of = |body| {
        receive(&SIGNED_HOOK, github, key(), &hook(&[("x-hub-signature-256", right)], body))
            .unwrap()
            .unwrap_err()
    };
    assert!(matches!(of("Hello, World!"), HookRefusal::Malformed(_)));
    assert!(matches!(of("Hello, World?"), HookRefusal::Unverified(_)));
}

#[test]
fn a_signed_request_of_the_shop_becomes_the_event_that_the_configuration_says() {
    let config = r#"{
        "scheme": {"kind": "shopify"},
        "event": {
            "id": {"from": {"pointer": "/id"}, "prefix": "order-"},
            "type": {"prefix": "shop.", "from": {"header": "x-shopify-topic"}},
            "subject": {"namespace": "shop", "pointer": "/customer/id"},
            "time": {"pointer": "/created_at", "format": "rfc3339"}
        }
    }"#;
    let body = r#"{"id":450789469,"customer":{"id":207119551},"created_at":"2021-02-25T23:00:00+08:00"}"#;
    let value = SecretValue::new("hush".to_owned().into()).unwrap();
    let mac = mac::mac(&value, MacAlgorithm::HmacSha256, body.as_bytes()).unwrap();
    let headers = [("x-shopify-hmac-sha256", base64(&mac)), ("x-shopify-topic", "orders/paid".to_owned())];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    let received = receive(&SIGNED_HOOK, config, given("key", "hush"), &hook(&headers, body));
    let accepted = received.unwrap().unwrap();
    assert_eq!((accepted.status, accepted.events.len()), (200, 1));
    let event = &accepted.events[0];
    assert_eq!((event.id.as_str(), event.event_type.as_str()), ("order-450789469", "shop.orders.paid"));
    assert_eq!((event.subject.as_deref(), event.time), (Some("shop:207119551"), Some(1_614_265_200_000.0)));
    let parse = |text: &str| siyu_model::json::parse(text).unwrap();
    assert_eq!(parse(&event.data), parse(body));
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = (0..3).fold(0usize, |bits, at| bits << 8 | usize::from(*chunk.get(at).unwrap_or(&0)));
        for (place, shift) in [18, 12, 6, 0].into_iter().enumerate() {
            text.push(if place <= chunk.len() { char::from(DIGITS[bits >> shift & 63]) } else { '=' });
        }
    }
    text
}

#[test]
fn a_source_uses_the_secrets_that_it_was_given_and_no_other() {
    assert_eq!((words("mac key").as_str(), words("is-mac key").as_str()), ("32", "false"));
    assert_eq!((words("macs key").as_str(), words("sha1 key").as_str()), ("1", "false"));
    for ask in ["mac", "macs", "is-mac", "sha1", "decrypt", "encrypt"] {
        for name in ["another", "Key", "", "../key"] {
            let said = words(&format!("{ask} {name}"));
            assert_eq!(said, format!("NotFound: this call has no secret `{name}`"), "{ask}");
        }
    }
    // `hush` is no key of WeCom.
    for ask in ["decrypt key", "encrypt key"] {
        assert_eq!(words(ask), "Invalid: the secret or the data is of the wrong form", "{ask}");
    }
}

#[test]
fn a_source_sends_nothing_and_remembers_nothing() {
    // The component imports both, for its channel.
    let imports = RUNTIME.imports(&COURIER).unwrap();
    assert!(
        [Capability::Http, Capability::Cache, Capability::Secrets].iter().all(|one| imports.contains(*one))
    );
    let sent = words("send https://peer.example/");
    assert!(sent.starts_with("Denied: "), "{sent}");
    let cached = words("cache");
    assert!(cached.starts_with("Invalid: "), "{cached}");
}

#[test]
fn a_source_alone_imports_what_it_uses() {
    let used = [Capability::Log, Capability::Context, Capability::Secrets];
    let imports = RUNTIME.imports(&SIGNED_HOOK).unwrap();
    assert!(imports.beyond(used.into_iter().collect()).is_empty(), "{imports:?}");
    assert!(imports.contains(Capability::Secrets));
}

#[test]
fn a_plugin_of_the_network_is_no_step() {
    for digest in [&*COURIER, &*SIGNED_HOOK] {
        let host = Recorder::new(Mood::Kind);
        let asks = host.asks();
        let report = call_with(&RUNTIME, digest, ("mac", "{}"), &CallLimits::default(), host);
        assert!(report.outcome.is_err(), "{:?}", report.outcome);
        assert!(asks.lock().unwrap().is_empty());
    }
}

#[test]
fn what_a_source_says_comes_back_as_it_said_it() {
    let accepted = told("events 100").unwrap().unwrap();
    assert_eq!((accepted.events.len(), accepted.content_type.as_str()), (100, "text/plain; charset=utf-8"));
    assert_eq!(accepted.events[99].subject.as_deref(), Some("shop:99"));
    assert_eq!(told("no way").unwrap(), Err(HookRefusal::Unverified("way".to_owned())));
    assert_eq!(told("malformed so").unwrap(), Err(HookRefusal::Malformed("so".to_owned())));
    assert_eq!(told("stale milk").unwrap(), Err(HookRefusal::Stale("milk".to_owned())));
}

#[test]
fn a_source_that_misbehaves_is_stopped_and_the_next_call_works() {
    for (body, expected) in [
        ("panic", HostFault::GuestPanic),
        ("loop", HostFault::FuelExhausted),
        ("large", HostFault::OutputTooLarge),
        ("events 20000", HostFault::OutputTooLarge),
    ] {
        let fault = told(body).unwrap_err();
        assert!(is(&fault, expected), "{body}: {fault}");
        assert_eq!(words("mac key"), "32");
    }
}

#[test]
fn a_plugin_without_a_source_takes_nothing_in() {
    let fault = receive(&MISBEHAVING, "{}", given("key", "hush"), &hook(&[], "")).unwrap_err();
    assert!(is(&fault, HostFault::NotLoadable), "{fault}");
    assert!(fault.message.contains("does not export `source`"), "{fault}");
    let fault = receive(&PluginDigest([0; 32]), "{}", given("key", "hush"), &hook(&[], "")).unwrap_err();
    assert!(is(&fault, HostFault::NotLoadable), "{fault}");
}
