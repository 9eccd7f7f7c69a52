//! A private Postgres for tests: no test waits for a server that somebody has to keep, and none touches one that
//! somebody needs.
//!
//! `cargo xtask test` starts one server for all tests and names it in [`VARIABLE`]; a test that finds no name there starts
//! one for its own process. Every test makes a database of its own on it. Nothing here is part of the product, and
//! nothing here skips a test: without Postgres a test fails and says what to install.

mod binaries;
mod pooler;
mod scratch;
mod server;

pub use binaries::Binaries;
pub use pooler::{Pooler, Pooling};
pub use scratch::Scratch;
pub use server::{Server, Stop};

/// The environment variable that names the server for tests, as a URL of a user who may make databases.
pub const VARIABLE: &str = "SIYU_TEST_POSTGRES";
