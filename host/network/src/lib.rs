//! Requests of plugins' deliveries: to whom they may go, and how they travel.
//!
//! [`Client`] is the engine's port [`Network`](siyu_engine::ports::network::Network). A request goes where the plugin's manifest, the
//! tenant and this host all permit: the URL is read strictly, its name is looked up once, every address is checked, and the
//! connection is made to exactly that address. There are no redirects, no proxies, no cookies, no decompression and no
//! connections that are kept. It knows nothing of messages, and no secret reaches a plugin, a log, a trace or an error.

mod address;
mod breaker;
mod client;
mod connect;
mod exchange;
mod head;
mod resolve;
mod rooms;
mod secrets;
mod target;
mod traces;

pub use client::{Client, ClientError};
pub use resolve::{Resolver, SystemResolver};
pub use traces::Announce;
