//! A playbook's files, checked with a host's plugins, on their way into force; and what differs between two versions.
//!
//! It is what `siyu publish` and `POST …/playbooks` share. It reads no folder, answers no request and opens no store.

mod changes;
mod checked;
mod diff;
mod in_force;

pub use changes::{Change, How, between};
pub use checked::{Checked, check};
pub use diff::{FileDiff, Files, diff};
pub use in_force::in_force;
