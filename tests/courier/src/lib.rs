//! A plugin that does what the text of a message and the body of a webhook say, for tests of deliveries and of sources.

mod inlet;

use siyu_plugin::prelude::*;
use siyu_plugin::{cache, http, random};

/// Does what the text of a message says.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Courier {
    /// Where it sends requests.
    pub url: String,
}

impl Channel for Courier {
    type Config = Self;
    const HOSTS: &'static [&'static str] = &["http://*:*", "https://*:*"];
    const IS_IDEMPOTENT: bool = !cfg!(feature = "forgetful");
    const SECRETS: &'static [SecretUse] = &[SecretUse::in_header("key", "opens the other side")];

    fn deliver(config: Self, message: Message) -> Verdict {
        match message.body.as_str() {
            "tell" => Verdict::Sent(Some(json!({
                "id": message.id,
                "attempt": message.attempt,
                "customer": message.customer().ok().flatten().map(|customer| customer.id),
                "before": message.details::<serde_json::Value>().ok().flatten(),
                "random": random::bytes(4).len(),
            }))),
            "token" => token(),
            "flood" => flood(&config.url),
            "panic" => panic!("told to"),
            "send, then panic" => {
                // Whatever is answered: what counts is that it was sent.
                drop(request(&config.url, &message).send());
                panic!("told to")
            }
            "loop" => loop {
                std::hint::black_box(());
            },
            "large details" => Verdict::Sent(Some(json!({ "x": "y".repeat(5_000) }))),
            "no details" => Verdict::Sent(Some(json!([1]))),
            _ => match request(&config.url, &message).send() {
                Ok(answer) => answer.verdict(),
                Err(error) if error.may_have_arrived && !Self::IS_IDEMPOTENT => {
                    Verdict::Uncertain(error.message)
                }
                Err(error) => Verdict::Later(error.message, error.retry_after),
            },
        }
    }

    fn reconcile(_: Self, message: Message) -> Option<Verdict> {
        message.body.contains("known").then(Verdict::sent)
    }
}

fn request(url: &str, message: &Message) -> http::Request {
    let request = http::Request::post(url).header("x-message", &message.id);
    let needs_secret = message.body.contains("secret");
    let request =
        if needs_secret { request.header("authorization", "Bearer {{secret:key}}") } else { request };
    request.json(&json!({ "text": message.body }))
}

/// Fetches a token unless somebody has.
fn token() -> Verdict {
    let fetched = match cache::get("token") {
        Ok(Some(token)) => return Verdict::Sent(Some(json!({ "token": token, "fetched": false }))),
        Ok(None) => cache::put("token", "t1", Instant::now() + Duration::hours(2)),
        Err(error) => Err(error),
    };
    match fetched {
        Ok(()) => Verdict::Sent(Some(json!({ "token": "t1", "fetched": true }))),
        Err(error) => Verdict::refused(error.message),
    }
}

/// Sends until it is told to stop.
fn flood(url: &str) -> Verdict {
    let mut sent = 0;
    loop {
        match http::Request::get(url).send() {
            Ok(_) => sent += 1,
            Err(error) => return Verdict::Sent(Some(json!({ "sent": sent, "stopped": error.message }))),
        }
    }
}

siyu_plugin::export! {
    name: "courier",
    version: env!("CARGO_PKG_VERSION"),
    summary: "Does what messages and webhooks say.",
    channel: Courier,
    source: inlet::Inlet,
    capabilities: {
        Http: "hands messages over",
        Cache: "keeps a token",
        Secrets: "tells what senders signed",
    },
}
