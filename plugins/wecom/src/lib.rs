#![doc = include_str!("../README.md")]

mod body;
mod callbacks;
mod channel;
pub mod config;
pub mod content;
pub mod deliver;
pub mod envelope;
pub mod errcode;
pub mod happening;
pub mod judge;
pub mod receive;
pub mod reconcile;
pub mod token;
pub mod wire;
pub mod wish;
pub mod xml;

pub use callbacks::{AES_KEY, Callbacks, TOKEN};
pub use channel::Wecom;

siyu_plugin::export! {
    name: "wecom",
    version: env!("CARGO_PKG_VERSION"),
    summary: "WeCom (企业微信): welcomes within 20 seconds, broadcasts that staff confirm, tags, contact ways, reminders and callbacks.",
    channel: Wecom,
    source: Callbacks,
    capabilities: {
        Http: "calls WeCom's API",
        Cache: "keeps the access token, and which API is blocked until when",
        Secrets: "tells whether a callback is signed by WeCom, and opens it",
    },
}
