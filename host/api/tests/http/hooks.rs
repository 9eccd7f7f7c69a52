//! Webhooks over real HTTP: who is not there, what is too much, what takes too long, and what nobody is told.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use siyu_engine::doubles::{GivenSecrets, NativePlugins};
use siyu_engine::hooks::{HookPorts, Hooks};
use siyu_engine::host::Host;
use siyu_engine::ports::clock::SystemClock;
use siyu_engine::ports::hooks::{Accepted, HookEvent, HookRefusal, Source, Sources};
use siyu_model::digest::PluginDigest;
use siyu_model::limits::hooks::{BODY_BYTES_MAX, PER_TENANT_AT_ONCE};
use siyu_model::name::{SourceName, TenantName};
use siyu_model::plugin::HostFault;
use siyu_model::secret::SecretValue;

use super::stage::{Answer, Stage};

const DIGEST: PluginDigest = PluginDigest([7; 32]);
/// What nobody may be told.
const CANARY: &str = "canary-of-the-plugin";

/// The source `one` of `shop` and of `bare`, which has no secret; `all` of everybody.
struct Configured;

impl Sources for Configured {
    fn source(&self, tenant: &TenantName, name: &SourceName) -> Option<Arc<Source>> {
        let is_known = match name.as_str() {
            "one" => ["shop", "bare"].contains(&tenant.as_str()),
            name => name == "all",
        };
        is_known.then(|| {
            Arc::new(Source {
                name: name.clone(),
                digest: DIGEST,
                plugin: "native@1.0.0".to_owned(),
                config: "{}".into(),
                secrets: [("key".parse().unwrap(), "key".parse().unwrap())].into(),
            })
        })
    }
}

/// Where a stage takes webhooks in. What is signed is signed with the secret itself; the body names the events.
pub(crate) fn hooks(host: Arc<Host>) -> Arc<Hooks> {
    let plugins = NativePlugins::default().with_source(DIGEST, |_, hook, host| {
        let key = host.secrets().and_then(|secrets| secrets.reveal("key")).unwrap();
        let signed = hook.headers.iter().find(|(name, _)| name == "signed").map_or("", |(_, value)| value);
        if signed != key.expose() {
            return Ok(Err(HookRefusal::Unverified(CANARY.to_owned())));
        }
        let event = |id: &str| HookEvent {
            id: id.to_owned(),
            event_type: "visit.made".to_owned(),
            subject: Some(format!("shop:{id}")),
            time: None,
            data: r#"{"name":"hook"}"#.to_owned(),
        };
        match str::from_utf8(&hook.body).unwrap_or_default().trim() {
            "fault" => Err(HostFault::Trap.fault(CANARY)),
            "stale" => Ok(Err(HookRefusal::Stale(CANARY.to_owned()))),
            "malformed" => Ok(Err(HookRefusal::Malformed(CANARY.to_owned()))),
            ids => Ok(Ok(Accepted {
                events: ids.split_whitespace().map(event).collect(),
                status: 202,
                content_type: "text/plain".to_owned(),
                body: b"thanks".to_vec(),
            })),
        }
    });
    let key = || SecretValue::new("hush".to_owned().into()).unwrap();
    let secrets = ["shop", "other", "nobody"].into_iter().fold(GivenSecrets::default(), |secrets, tenant| {
        secrets.with(tenant.parse().unwrap(), "key".parse().unwrap(), key())
    });
    Arc::new(Hooks::new(HookPorts {
        host,
        plugins: Arc::new(plugins),
        sources: Arc::new(Configured),
        vault: Arc::new(secrets),
        clock: Arc::new(SystemClock),
        seed: [3; 32],
    }))
}

fn send(stage: &Stage, path: &str, signed: &str, body: &str) -> Answer {
    stage.ask("POST", path, &[("signed", signed)], body)
}

#[test]
fn a_source_of_another_tenant_is_one_that_is_not_there() {
    let stage = Stage::new();
    assert_eq!(send(&stage, "/v1/hooks/shop/one", "hush", "a b").status, 202);
    let mut answers = BTreeSet::new();
    // Another tenant's, nobody's, one whose secret was not set, tenants that are not there with and without a secret.
    for path in ["other/one", "shop/none", "bare/one", "nobody/all", "nobody/none", "elsewhere/all"] {
        for signed in ["hush", "wrong"] {
            if path == "nobody/all" && signed == "wrong" {
                // It has the secret of a tenant that is gone: whoever cannot sign is told so, as everywhere.
                continue;
            }
            let answer = send(&stage, &format!("/v1/hooks/{path}"), signed, "a");
            answers.insert((answer.status, answer.headers.get("content-type").cloned(), answer.text));
        }
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!(answers.first().unwrap().0, 404);
    // The tenant's own way in is its own: the same ids at another one are others.
    assert_eq!(send(&stage, "/v1/hooks/other/all", "hush", "a").status, 202);
}

#[test]
fn a_token_is_neither_asked_for_nor_of_any_use() {
    let stage = Stage::new();
    let token = format!("Bearer {}", stage.token(siyu_model::access::Role::HostAdmin, "*"));
    for (signed, status) in [("hush", 202), ("wrong", 401), ("", 401)] {
        for more in [None, Some(("authorization", token.as_str())), Some(("authorization", "Bearer x"))] {
            let headers: Vec<_> = [("signed", signed)].into_iter().chain(more).collect();
            let answer = stage.ask("POST", "/v1/hooks/shop/one", &headers, "a");
            assert_eq!(answer.status, status, "{answer:?}");
        }
    }
}

#[test]
fn why_a_request_is_not_taken_is_nobodys_business_outside() {
    let stage = Stage::new();
    for (signed, body, expected) in [
        ("wrong", "a", (401, "UNVERIFIED")),
        ("hush", "stale", (401, "STALE")),
        ("hush", "malformed", (400, "MALFORMED")),
        ("hush", "fault", (500, "SOURCE_FAILED")),
        ("hush", "a a", (500, "SOURCE_FAILED")),
    ] {
        let answer = send(&stage, "/v1/hooks/shop/one", signed, body);
        assert_eq!(answer.fault(), (expected.0, expected.1.to_owned()), "{body}");
        assert!(!format!("{answer:?}").contains(CANARY), "{answer:?}");
    }
}

#[test]
fn bodies_have_a_largest_size() {
    let stage = Stage::new();
    let of = |bytes: usize| format!("a{}", " ".repeat(bytes - 1));
    assert_eq!(send(&stage, "/v1/hooks/shop/one", "hush", &of(BODY_BYTES_MAX)).status, 202);
    assert_eq!(
        send(&stage, "/v1/hooks/shop/one", "hush", &of(BODY_BYTES_MAX + 1)).fault(),
        (413, "BODY".to_owned())
    );
    assert_eq!(send(&stage, "/v1/hooks/shop/one", "wrong", &of(4 << 20)).status, 413);
}

/// A connection on which a request was begun, of whose body a part is missing.
fn begun(stage: &Stage, tenant: &str) -> TcpStream {
    let mut stream = TcpStream::connect(stage.socket()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(90))).unwrap();
    let head = format!(
        "POST /v1/hooks/{tenant}/all HTTP/1.1\r\nhost: a\r\nsigned: hush\r\ncontent-length: 9\r\n\r\na"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

#[test]
fn one_that_does_not_end_is_told_so_and_keeps_no_turn() {
    let stage = Stage::new();
    let mut answer = String::new();
    begun(&stage, "shop").read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
}

#[test]
fn a_tenant_whose_turns_are_taken_is_busy_and_no_other_tenant_is() {
    let stage = Stage::new();
    let taken: Vec<TcpStream> = (0..PER_TENANT_AT_ONCE).map(|_| begun(&stage, "shop")).collect();
    let asked = |tenant: &str| send(&stage, &format!("/v1/hooks/{tenant}/all"), "hush", "a");
    // Until the last of them has come.
    let mut tries = 0;
    let busy = loop {
        let answer = asked("shop");
        if answer.status != 202 {
            break answer;
        }
        tries += 1;
        assert!(tries < 10_000, "it is never busy");
    };
    assert_eq!(busy.fault(), (429, "BUSY".to_owned()));
    assert_eq!(asked("other").status, 202);
    drop(taken);
    let mut tries = 0;
    while asked("shop").status != 202 {
        tries += 1;
        assert!(tries < 100_000, "turns are never given back");
    }
}

#[test]
fn what_is_no_request_of_a_sender_is_refused_in_words() {
    let stage = Stage::new();
    for (method, path, status) in [
        ("PUT", "/v1/hooks/shop/one", 405),
        ("DELETE", "/v1/hooks/shop/one", 405),
        ("POST", "/v1/hooks/shop/one/more", 404),
        ("POST", "/v1/hooks/shop", 404),
    ] {
        let answer = stage.ask(method, path, &[("signed", "hush")], "a");
        assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
    }
    assert_eq!(stage.ask("POST", "/v1/hooks/shop/one", &[("signed", "h\u{e9}")], "a").status, 401);
    assert_eq!(stage.ask("GET", "/v1/hooks/shop/one?echo=1", &[("signed", "hush")], "").status, 202);
}
