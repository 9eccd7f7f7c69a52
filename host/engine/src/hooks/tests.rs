//! Webhooks over native plugins and stores in memory: what is answered, when, and what it leaves.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicUsize;

use siyu_model::clock::UtcMs;
use siyu_model::digest::PluginDigest;
use siyu_model::limits::hooks::PER_TENANT_AT_ONCE;
use siyu_model::name::SecretName;
use siyu_model::plugin::HostFault;
use siyu_model::secret::SecretValue;
use siyu_model::secret::mac::{MacAlgorithm, mac};

use super::*;
use crate::dispatch::Channels;
use crate::doubles::{CommitFault, GivenCall, HandClock, MemoryStores, NativePlugins};
use crate::host::Rules;
use crate::ports::hooks::HookEvent;
use crate::ports::network::{Request, SendErrorCode};
use crate::ports::plugins::HostError as Refusal;
use crate::ports::secrets::Secrets;
use crate::tenant::{Lanes, Ports, Settings};

const DIGEST: PluginDigest = PluginDigest([7; 32]);

fn now() -> UtcMs {
    UtcMs::from_millis(1_790_000_000_000)
}

/// What senders sign with.
fn key() -> SecretValue {
    SecretValue::new("hush".to_owned().into()).unwrap()
}

/// One source for every tenant, and one of `shop` alone.
struct Two;

impl Sources for Two {
    fn source(&self, tenant: &TenantName, name: &SourceName) -> Option<Arc<Source>> {
        let is_known = name.as_str() == "all" || (name.as_str() == "shops" && tenant.as_str() == "shop");
        let name_of_key = || "key".parse::<SecretName>().unwrap();
        is_known.then(|| {
            Arc::new(Source {
                name: name.clone(),
                digest: DIGEST,
                plugin: "native@1.0.0".to_owned(),
                config: "{}".into(),
                secrets: [(name_of_key(), name_of_key())].into(),
            })
        })
    }
}

/// Room for everything.
struct Endless;

#[async_trait::async_trait]
impl Room for Endless {
    async fn take(&self, _: &TenantName, _: usize) -> bool {
        true
    }
}

/// A tenant called `bare` has no secrets, and one called `broken` cannot be asked.
struct Keys;

#[async_trait::async_trait]
impl Vault for Keys {
    async fn open(
        &self,
        tenant: &TenantName,
        names: &BTreeMap<SecretName, SecretName>,
    ) -> Result<Arc<dyn Secrets>, VaultError> {
        let name = names.keys().next().cloned().unwrap();
        match tenant.as_str() {
            "bare" => Err(VaultError::Missing { tenant: tenant.clone(), name }),
            "broken" => Err(VaultError::NoKey),
            _ => Ok(Arc::new(GivenCall::default().with("key", key()))),
        }
    }
}

fn event(id: &str) -> HookEvent {
    HookEvent {
        id: id.to_owned(),
        event_type: "visit.made".to_owned(),
        subject: None,
        time: None,
        data: "{}".to_owned(),
    }
}

fn accepted(events: Vec<HookEvent>) -> Accepted {
    Accepted { events, status: 200, content_type: "text/plain".to_owned(), body: b"ok".to_vec() }
}

/// What the body says is what the plugin does; it is signed in the field `mac`.
fn plugin(calls: Arc<AtomicUsize>) -> NativePlugins {
    NativePlugins::default().with_source(DIGEST, move |_, hook, host| {
        calls.fetch_add(1, Ordering::SeqCst);
        let mac = hook.headers.iter().find(|(name, _)| name == "mac").map_or("", |(_, value)| value);
        let secrets = host.secrets().unwrap();
        assert!(matches!(secrets.reveal("another"), Err(Refusal::NotFound(_))));
        let expected = secrets.mac("key", MacAlgorithm::HmacSha256, &hook.body).unwrap();
        let is_right = mac == hex(&expected);
        if !is_right {
            return Ok(Err(HookRefusal::Unverified("another".to_owned())));
        }
        assert!(
            host.record(None, "a").is_err() && host.customer(None).is_err() && host.peek_cached("a").is_err()
        );
        let request = Request {
            method: "GET".to_owned(),
            url: "https://peer.example/".to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        };
        assert_eq!(host.send(request).unwrap_err().code, SendErrorCode::Denied);
        match str::from_utf8(&hook.body).unwrap() {
            "fault" => Err(HostFault::Trap.fault("it trapped")),
            "broken" => Ok(Ok(accepted(vec![event("1"), event("1")]))),
            "redirect" => Ok(Ok(Accepted { status: 302, ..accepted(Vec::new()) })),
            "stale" => Ok(Err(HookRefusal::Stale("old".to_owned()))),
            ids => Ok(Ok(accepted(ids.split_whitespace().map(event).collect()))),
        }
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

struct Stage {
    stores: MemoryStores,
    hooks: Hooks,
    host: Arc<Host>,
    calls: Arc<AtomicUsize>,
}

impl Stage {
    async fn new() -> Self {
        let (stores, calls) = (MemoryStores::new(), Arc::new(AtomicUsize::new(0)));
        let clock = Arc::new(HandClock::showing(now()));
        let plugins = Arc::new(plugin(calls.clone()));
        let ports = Ports {
            stores: Arc::new(stores.clone()),
            plugins: plugins.clone(),
            clock: clock.clone(),
            channels: Channels::default(),
            lanes: Lanes::new(2),
        };
        let host = Arc::new(Host::open(ports, Settings::default(), Rules::default()).await.unwrap());
        for tenant in ["shop", "other", "bare", "broken"] {
            host.tenant_or_new(&tenant.parse().unwrap()).await.unwrap();
        }
        let ports = HookPorts {
            host: host.clone(),
            plugins,
            sources: Arc::new(Two),
            vault: Arc::new(Keys),
            clock,
            seed: [1; 32],
        };
        Self { stores, hooks: Hooks::new(ports), host, calls }
    }

    async fn hear(
        &self,
        tenant: &str,
        source: &str,
        (how, body): (&str, &str),
    ) -> Result<Accepted, HookFault> {
        let signed = match how {
            "right" => hex(&mac(&key(), MacAlgorithm::HmacSha256, body.as_bytes()).unwrap()),
            wrong => wrong.to_owned(),
        };
        let turn = self.hooks.turn(&tenant.parse().unwrap(), &source.parse().unwrap())?;
        let hook = Hook {
            method: "POST".to_owned(),
            query: Vec::new(),
            headers: vec![("mac".to_owned(), signed)],
            body: body.as_bytes().to_vec(),
            received_at: now(),
        };
        self.hooks.hear(&turn, hook, &Endless).await
    }

    /// Whether an event is in the log of a tenant: handed in again, it is the same.
    async fn has(&self, tenant: &str, source: &str, id: &str) -> bool {
        let text = format!(r#"{{"id":"{id}","type":"visit.made","source":"{source}"}}"#);
        let event = siyu_model::event::IncomingEvent::from_json(&text).unwrap();
        match self.host.admit(&tenant.parse().unwrap(), event).await.unwrap() {
            Told::Done(Admitted::Recorded { admission, .. }) => admission.is_duplicate,
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn events_of_a_request_are_durable_when_it_is_answered_and_known_when_it_comes_again() {
    let stage = Stage::new().await;
    for _ in 0..3 {
        assert_eq!(stage.hear("shop", "all", ("right", "1 2")).await.unwrap().body, b"ok");
    }
    assert!(stage.has("shop", "all", "1").await && stage.has("shop", "all", "2").await);
    // Another source and another tenant have events of their own.
    assert!(!stage.has("shop", "shops", "1").await && !stage.has("other", "all", "1").await);
    stage.host.stop().await;
}

#[tokio::test]
async fn a_request_that_is_not_taken_leaves_nothing() {
    let stage = Stage::new().await;
    for (body, mac) in
        [("1", "wrong"), ("1", ""), ("stale", "right"), ("fault", "right"), ("broken", "right")]
    {
        let fault = stage.hear("shop", "all", (mac, body)).await.unwrap_err();
        let is_known = match body {
            "fault" | "broken" => matches!(fault, HookFault::Plugin(_)),
            _ => matches!(fault, HookFault::Refused(_)),
        };
        assert!(is_known, "{body} {mac}: {fault:?}");
    }
    assert!(matches!(stage.hear("shop", "all", ("right", "redirect")).await, Err(HookFault::Plugin(_))));
    assert!(!stage.has("shop", "all", "1").await);
    stage.host.stop().await;
}

#[tokio::test]
async fn a_commit_that_fails_is_answered_with_no_yes_and_what_comes_again_counts_once() {
    for fault in [CommitFault::Before, CommitFault::After] {
        for skipped in 0..3 {
            let stage = Stage::new().await;
            let shop: TenantName = "shop".parse().unwrap();
            stage.stores.fail_commit(&shop, skipped, fault);
            let answered = stage.hear("shop", "all", ("right", "1 2 3")).await;
            let kept = |stage: &Stage| {
                let mut ids: Vec<String> = stage.stores.events(&shop).into_iter().map(|row| row.id).collect();
                ids.sort();
                ids
            };
            // Nobody was told that it is durable while it is not.
            assert!(matches!(&answered, Err(HookFault::Host(_))), "{fault:?} {skipped}: {answered:?}");
            assert!(kept(&stage).len() < 3 || matches!(fault, CommitFault::After), "{fault:?} {skipped}");
            // The tenant is loaded again by whoever asks next; until then it may refuse.
            let mut tries = 0;
            while stage.hear("shop", "all", ("right", "1 2 3")).await.is_err() {
                tries += 1;
                assert!(tries < 1_000, "{fault:?} {skipped}: it never takes it");
                tokio::task::yield_now().await;
            }
            assert_eq!(kept(&stage), ["1", "2", "3"], "{fault:?} {skipped}");
            stage.host.stop().await;
        }
    }
}

#[tokio::test]
async fn a_source_that_is_not_there_and_a_tenant_without_its_secret_are_the_same() {
    let stage = Stage::new().await;
    for (tenant, source) in [("shop", "none"), ("other", "shops"), ("bare", "all"), ("nobody", "none")] {
        let fault = stage.hear(tenant, source, ("right", "1")).await.unwrap_err();
        assert!(matches!(fault, HookFault::Unknown), "{tenant} {source}: {fault:?}");
    }
    assert_eq!(stage.calls.load(Ordering::SeqCst), 0);
    let fault = stage.hear("broken", "all", ("right", "1")).await.unwrap_err();
    assert!(matches!(fault, HookFault::Secrets(VaultError::NoKey)), "{fault:?}");
    // A tenant that is not there has no secrets; here it has, and its host has no such tenant.
    let fault = stage.hear("nobody", "all", ("right", "1")).await.unwrap_err();
    assert!(matches!(fault, HookFault::Host(HostError::NoTenant(_))), "{fault:?}");
    stage.host.stop().await;
}

#[tokio::test]
async fn a_tenant_has_so_many_requests_under_way_and_takes_no_others_turns() {
    let stage = Stage::new().await;
    let (shop, other, all) = ("shop".parse().unwrap(), "other".parse().unwrap(), "all".parse().unwrap());
    let turns: Vec<Turn> = (0..PER_TENANT_AT_ONCE).map(|_| stage.hooks.turn(&shop, &all).unwrap()).collect();
    assert!(matches!(stage.hooks.turn(&shop, &all), Err(HookFault::Busy)));
    assert!(stage.hooks.turn(&other, &all).is_ok());
    drop(turns);
    assert!(stage.hooks.turn(&shop, &all).is_ok());
    // What nobody uses is forgotten.
    drop(stage.hooks.turn(&other, &all));
    assert!(stage.hooks.under_way.lock().unwrap().len() <= 2);
    stage.host.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_request_that_takes_too_long_is_told_so() {
    let stage = Stage::new().await;
    let turn = stage.hooks.turn(&"shop".parse().unwrap(), &"all".parse().unwrap()).unwrap();
    let _all = stage.hooks.calls.clone().acquire_many_owned(AT_ONCE as u32).await.unwrap();
    let hook = Hook {
        method: "POST".to_owned(),
        query: Vec::new(),
        headers: Vec::new(),
        body: Vec::new(),
        received_at: now(),
    };
    assert!(matches!(stage.hooks.hear(&turn, hook, &Endless).await, Err(HookFault::Late)));
}

#[test]
fn a_request_prints_nothing_of_itself() {
    let hook = Hook {
        method: "POST".to_owned(),
        query: vec![("echostr".to_owned(), "canary".to_owned())],
        headers: vec![("authorization".to_owned(), "canary".to_owned())],
        body: b"canary".to_vec(),
        received_at: now(),
    };
    assert!(!format!("{hook:?}").contains("canary"));
}
