//! Webhooks of any sender that signs with HMAC, as events: GitHub, Shopify, Standard Webhooks and their like.
//!
//! The configuration says how a request is signed and which parts of its body become which parts of an event. It never
//! reads the secret, keeps nothing, and believes nothing before the signature is right.

mod config;
mod map;
mod scheme;
#[cfg(test)]
mod testing;

use siyu_plugin::prelude::*;
use siyu_plugin::secrets;

pub use config::{Algorithm, Config, Encoding, Id, Mapping, Part, Scheme, Subject, Time, TimeFormat, Type};

/// What the plugin calls the secret that senders sign with.
pub const KEY: &str = "key";

/// Webhooks that are signed with HMAC.
pub struct SignedHook;

impl Source for SignedHook {
    type Config = Config;
    const SECRETS: &'static [SecretUse] = &[SecretUse::to_sign(KEY, "what senders sign their requests with")];

    fn receive(config: Config, hook: Hook) -> Result<Accepted, HookRefusal> {
        if hook.method != "POST" {
            return Err(HookRefusal::unverified(format!("{}: expected POST", hook.method)));
        }
        let signed = scheme::verify(&config.scheme, &hook, &mut |algorithm, data, mac| {
            secrets::is_mac(KEY, algorithm.into(), data, mac)
        })?;
        let event = map::event(&config.event, &hook, &signed)?;
        Ok(Accepted::events([event]))
    }
}

siyu_plugin::export! {
    name: "signed-hook",
    version: env!("CARGO_PKG_VERSION"),
    summary: "Webhooks of any sender that signs with HMAC, as events.",
    source: SignedHook,
    capabilities: {
        Secrets: "tells whether a request is signed with the key of its sender",
    },
}
