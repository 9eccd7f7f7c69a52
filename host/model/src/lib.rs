//! Nouns and rules of Siyu, and nothing else.
//!
//! This crate never does I/O, never reads a clock, never draws randomness, never panics on input and has no
//! `async`: whatever it needs comes in as an argument. YAML, SQL, HTTP and WebAssembly are unknown here.

pub mod access;
pub mod clock;
pub mod cron;
pub mod customer;
pub mod digest;
pub mod event;
pub mod expr;
pub mod id;
pub mod journal;
pub mod json;
pub mod limits;
pub mod message;
pub mod name;
pub mod nearest;
pub mod playbook;
pub mod plugin;
pub mod quota;
pub mod run;
pub mod scenario;
pub mod secret;
pub mod stock;
