//! The source's side of the contract: what came becomes what reading a callback needs, and what it told events. Nothing is decided
//! here.

use siyu_plugin::prelude::*;
use siyu_plugin::secrets;

use crate::config::SourceConfig;
use crate::happening::Happening;
use crate::receive::{self, Refused, Vault};

/// What the plugin calls the token that callbacks are signed with.
pub const TOKEN: &str = "token";
/// What it calls the key that they are sealed under.
pub const AES_KEY: &str = "aes_key";

/// Callbacks of WeCom.
#[derive(Debug, Clone, Copy)]
pub struct Callbacks;

impl Source for Callbacks {
    type Config = SourceConfig;
    const SECRETS: &'static [SecretUse] = &[
        SecretUse::to_sign(TOKEN, "what callbacks are signed with (接收消息 → Token)"),
        SecretUse::to_sign(AES_KEY, "what they are sealed under (接收消息 → EncodingAESKey)"),
    ];

    fn receive(config: SourceConfig, hook: Hook) -> Result<Accepted, HookRefusal> {
        let asked = receive::Hook {
            method: &hook.method,
            query: &hook.query,
            body: &hook.body,
            at_ms: hook.received_at.as_millis(),
        };
        let accepted = receive::receive(&Host, &config.receive_id, asked).map_err(refusal)?;
        Ok(Accepted::events(accepted.happenings.into_iter().map(event)).answering(accepted.answer))
    }
}

fn event(happening: Happening) -> HookEvent {
    HookEvent {
        subject: happening.subject,
        // What is beyond the year 9999 is no time.
        time: happening.at_ms.map(Instant::from_millis).filter(|at| *at <= Instant::LAST),
        ..HookEvent::new(happening.id, happening.event_type, happening.data)
    }
}

fn refusal(refused: Refused) -> HookRefusal {
    match refused {
        Refused::Unverified(why) => HookRefusal::Unverified(why),
        Refused::Malformed(why) => HookRefusal::Malformed(why),
        Refused::Stale(why) => HookRefusal::Stale(why),
    }
}

/// The host.
struct Host;

impl Vault for Host {
    fn is_signed(&self, parts: &[String], signature: &str) -> Result<bool, String> {
        secrets::is_sorted_sha1(TOKEN, parts, signature).map_err(|fault| fault.to_string())
    }

    fn decipher(&self, sealed: &[u8]) -> Result<Vec<u8>, String> {
        secrets::decrypt_wecom(AES_KEY, sealed).map_err(|fault| fault.to_string())
    }
}

#[cfg(test)]
mod tests {
    use siyu_plugin::fake;

    use super::*;

    /// WeCom's own example of a callback: document 90968 and its sample code.
    const KEY: &str = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C";
    const ECHO: &str =
        "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ==";

    fn ask(signature: &str, receive_id: &str, at: &str) -> Result<Accepted, HookRefusal> {
        let mut host = fake::Host::of::<crate::Plugin>().at(at);
        host.secret(TOKEN, "QDG6eK");
        host.secret(AES_KEY, KEY);
        let query = [
            ("msg_signature", signature),
            ("timestamp", "1409659589"),
            ("nonce", "263014780"),
            ("echostr", ECHO),
        ];
        let query = query.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let hook = Hook { method: "GET".to_owned(), query, ..host.hook(&[], "") };
        host.receive::<Callbacks>(json!({ "receive_id": receive_id }), &hook)
    }

    #[test]
    fn the_example_of_wecom_is_answered_with_what_it_asks_for_and_nothing_near_it() {
        const SIGNATURE: &str = "5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3";
        // 1409659589 s.
        const AT: &str = "2014-09-02T20:06:29+08:00";
        let accepted = ask(SIGNATURE, "wx5823bf96d3bd56c7", AT).unwrap();
        assert_eq!((accepted.events.len(), accepted.status), (0, 200));
        assert_eq!(accepted.body, b"1616140317555161061");
        for (signature, receive_id, at) in [
            ("5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd2", "wx5823bf96d3bd56c7", AT),
            (&SIGNATURE.to_uppercase(), "wx5823bf96d3bd56c7", AT),
            ("", "wx5823bf96d3bd56c7", AT),
            (SIGNATURE, "wx5823bf96d3bd56c8", AT),
        ] {
            let refused = ask(signature, receive_id, at).unwrap_err();
            assert!(matches!(refused, HookRefusal::Unverified(_)), "{signature} {receive_id}: {refused:?}");
        }
        let refused = ask(SIGNATURE, "wx5823bf96d3bd56c7", "2014-09-02T20:11:30+08:00").unwrap_err();
        assert!(matches!(refused, HookRefusal::Stale(_)), "{refused:?}");
    }
}
