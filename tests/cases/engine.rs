//! What cannot be said in YAML: people who operate, hosts that stop, stores and channels that fail, floods.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "engine/answers.rs"]
mod answers;
#[path = "engine/channels.rs"]
mod channels;
#[path = "engine/couriers.rs"]
mod couriers;
#[path = "engine/erasing.rs"]
mod erasing;
#[path = "engine/fleets.rs"]
mod fleets;
#[path = "engine/hosts.rs"]
mod hosts;
#[path = "engine/inbox.rs"]
mod inbox;
#[path = "engine/invariants.rs"]
mod invariants;
#[path = "engine/keys.rs"]
mod keys;
#[path = "engine/ledger.rs"]
mod ledger;
#[path = "engine/operations.rs"]
mod operations;
#[path = "engine/publishing.rs"]
mod publishing;
#[path = "engine/quotas.rs"]
mod quotas;
#[path = "engine/replay.rs"]
mod replay;
#[path = "engine/schedules.rs"]
mod schedules;
#[path = "engine/support.rs"]
mod support;
