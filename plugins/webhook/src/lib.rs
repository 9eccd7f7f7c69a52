#![doc = include_str!("../README.md")]

mod config;
mod judge;
mod payload;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use siyu_plugin::http;
use siyu_plugin::prelude::*;
use siyu_plugin::secrets::{self, MacAlgorithm};

pub use config::{Config, Shown};

/// What the plugin calls the secret that it signs with.
pub const KEY: &str = "key";

/// Messages as webhooks.
pub struct Webhook;

impl Channel for Webhook {
    type Config = Config;
    const HOSTS: &'static [&'static str] = &["https://*:*", "http://127.0.0.1:*"];
    // The receiver knows a repetition by `webhook-id`.
    const IS_IDEMPOTENT: bool = true;
    const SECRETS: &'static [SecretUse] =
        &[SecretUse::to_sign(KEY, "what receivers verify requests with: whsec_…")];

    fn deliver(config: Config, message: Message) -> Verdict {
        let body = payload::of(&message, config.customer).to_string();
        let at_s = Instant::now().as_millis().div_euclid(1_000);
        let signature = match signature(&message.id, at_s, &body) {
            Ok(signature) => signature,
            Err(error) => return judge::unsigned(&error),
        };
        let request = http::Request::post(&config.url)
            .header("content-type", "application/json")
            .header("webhook-id", &message.id)
            .header("webhook-timestamp", at_s.to_string())
            .header("webhook-signature", signature)
            .body(body);
        judge::judge(request.send(), message.attempt, config.tries)
    }
}

/// What stands in `webhook-signature`: a signature under each key that is accepted, the one in force first.
fn signature(id: &str, at_s: i64, body: &str) -> Result<String, Error> {
    let signed = format!("{id}.{at_s}.{body}");
    let macs = secrets::macs(KEY, MacAlgorithm::HmacSha256, signed.as_bytes())?;
    let signatures: Vec<String> = macs.iter().map(|mac| format!("v1,{}", STANDARD.encode(mac))).collect();
    Ok(signatures.join(" "))
}

siyu_plugin::export! {
    name: "webhook",
    version: env!("CARGO_PKG_VERSION"),
    summary: "Hands messages to an address as signed JSON, as Standard Webhooks says.",
    channel: Webhook,
    capabilities: {
        Http: "hands messages to the address",
        Secrets: "signs them",
    },
}
