//! Plugins in a sandbox: loading, checking, limiting and calling components on wasmtime.
//!
//! [`Runtime`] is the engine's port [`Plugins`](siyu_engine::ports::plugins::Plugins). A component is untrusted: whatever
//! it does ends in an answer or a fault with a code and a sentence, and the next call works. This crate knows no SQL, no
//! YAML and no HTTP, keeps no state between calls, and decides nothing about stock, money or customers: it carries what a
//! plugin asks to the call's host.
//!
//! A host that uses it must be built to unwind (`panic = "unwind"`, the default): a panic during a call ends that call.

mod cache;
mod capabilities;
mod compile;
mod config;
mod contract;
mod engine;
mod error;
mod inspect;
mod linked;
mod pack;
mod plugins;
mod runtime;
mod sandbox;
mod sections;
mod signature;
mod trusted;
mod wasi;

pub use compile::child::compile_child_main;
pub use config::{Allocation, CacheKey, CompileChild, CompileLimits, Compiler, PoolSize, RuntimeConfig};
pub use error::{CompileError, LoadError, PackError, RuntimeError, SignError, TrustError};
pub use inspect::MANIFEST_SECTION;
pub use pack::{Packed, pack};
pub use runtime::{LoadedPlugin, Runtime, digest_of};
pub use signature::{SIGNATURE_SECTION, SigningKey, Trust, sign};
