//! A tenant's durable state in a database: rows in, rows out.
//!
//! This crate implements the `Store`, `Stores`, `Inspect`, `Fleet` and `Access` ports of the engine. It decides nothing: no rule of a run, a
//! message or a pool is here, only their repetition as constraints that a bug would break. It knows no YAML, no
//! WebAssembly and no HTTP.

pub mod carry;
pub mod conformance;
pub mod postgres;
pub mod sqlite;

mod access;
mod commit;
mod database;
mod decode;
mod encode;
mod erase;
mod inspect;
mod journal;
mod keys;
mod load;
mod migrations;
mod purge;
mod queries;
#[cfg(test)]
mod query_files;
mod readers;
mod store;
mod texts;

pub use postgres::{PgAccess, PgFleet, PgHolder, PgInspect, PgOptions, PgRole, PgStores};
pub use sqlite::{Durability, SqliteAccess, SqliteInspect, SqliteOptions, SqliteStores};
