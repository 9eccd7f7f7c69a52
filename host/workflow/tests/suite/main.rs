//! The tests of this crate from outside: one program, so that it is linked once.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod api;
mod base_playbook;
mod faults;
mod hostile;
mod language;
mod overlays;
mod program;
mod rules;
mod scenarios;
mod support;
mod types;
