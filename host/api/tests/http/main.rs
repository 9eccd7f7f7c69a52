//! The host over real HTTP: a router on a socket, a host on files, tokens in memory.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod admin;
mod changing;
mod described;
mod entering;
mod erasing;
mod events;
mod exporting;
mod hooks;
mod hostile;
mod ledgers;
mod live;
mod messages;
mod paging;
mod publishing;
mod quotas;
mod reading;
mod stage;
mod tls;
