#![doc = include_str!("../README.md")]

mod body;
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

pub use channel::Wecom;

siyu_plugin::export! {
    name: "wecom",
    version: env!("CARGO_PKG_VERSION"),
    summary: "WeCom (企业微信): welcomes within 20 seconds, broadcasts that staff confirm, tags, contact ways and reminders.",
    channel: Wecom,
    capabilities: {
        Http: "calls WeCom's API",
        Cache: "keeps the access token, and which API is blocked until when",
    },
}
