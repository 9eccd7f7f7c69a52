//! What befalls a machine, done to the real program: it is killed, the power goes, the disk is full, a sync fails, the
//! database server goes away. Nothing acknowledged may be missing afterwards and nothing may be doubled.
//!
//! `cargo xtask reliability` runs all of it and says how often.

mod database;
mod disk;
mod failing_disk;
mod kill;
mod ledger;
mod migration;
mod pace;
mod power_cut;
mod program;
#[path = "../support/mod.rs"]
mod support;
