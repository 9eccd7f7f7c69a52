//! A source that does what the body of a request says.

use siyu_plugin::prelude::*;
use siyu_plugin::secrets::{self, MacAlgorithm};
use siyu_plugin::{cache, http};

/// Does what the body of a request says.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Inlet {}

impl Source for Inlet {
    type Config = Self;
    const SECRETS: &'static [SecretUse] = &[SecretUse::to_sign("key", "what senders sign with")];

    fn receive(_: Self, hook: Hook) -> Result<Accepted, HookRefusal> {
        let body = String::from_utf8_lossy(&hook.body).into_owned();
        let (what, rest) = body.split_once(' ').unwrap_or((&body, ""));
        let said = match what {
            "mac" => of(secrets::mac(rest, MacAlgorithm::HmacSha256, b"data").map(|mac| mac.len())),
            "macs" => of(secrets::macs(rest, MacAlgorithm::HmacSha256, b"data").map(|macs| macs.len())),
            "is-mac" => of(secrets::is_mac(rest, MacAlgorithm::HmacSha256, b"data", b"no")),
            "sha1" => of(secrets::is_sorted_sha1(rest, &[], "no")),
            "decrypt" => of(secrets::decrypt_wecom(rest, &[0; 16])),
            "encrypt" => of(secrets::encrypt_wecom(rest, &[0; 16])),
            "send" => match http::Request::post(rest).body("x").send() {
                Ok(answer) => format!("sent: {}", answer.status),
                Err(error) => format!("{:?}: {}", error.code, error.message),
            },
            "cache" => of(cache::peek("token")),
            "events" => return Ok(events(rest.parse().unwrap_or(0))),
            "large" => return Ok(Accepted { body: vec![b'x'; 1 << 20], ..Accepted::events([]) }),
            "malformed" => return Err(HookRefusal::malformed(rest)),
            "stale" => return Err(HookRefusal::stale(rest)),
            "panic" => panic!("told to"),
            "loop" => loop {
                std::hint::black_box(());
            },
            _ => return Err(HookRefusal::unverified(rest)),
        };
        Ok(Accepted { body: said.into_bytes(), ..Accepted::events([]) })
    }
}

fn of<T: std::fmt::Debug>(answer: Result<T, Error>) -> String {
    match answer {
        Ok(answer) => format!("{answer:?}"),
        Err(error) => format!("{:?}: {}", error.code, error.message),
    }
}

fn events(count: usize) -> Accepted {
    let event = |number| HookEvent {
        subject: Some(format!("shop:{number}")),
        time: Some(Instant::from_millis(1_790_000_000_000)),
        ..HookEvent::new(format!("e{number}"), "hook.came", json!({ "number": number }))
    };
    Accepted::events((0..count).map(event))
}
