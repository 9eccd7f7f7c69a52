//! Secrets of tenants: sealed under the host's key, and used by plugins without being shown.
//!
//! A tenant has a key of its own, wrapped under the key of the host; each value is sealed under it, bound to its tenant,
//! name and version. This crate knows no SQL, no files and no environment, prints no value and gives none to a plugin.

mod host_key;
mod keeper;
mod opened;
mod seal;
mod vault;

pub use host_key::{HostKey, HostKeys, KeyError};
pub use keeper::{Keeper, Rekeyed, SecretWish, SetError};
pub use vault::SealedVault;
