//! What a backup says of itself.

use serde::{Deserialize, Serialize};
use siyu_model::clock::UtcMs;
use siyu_model::name::TenantName;

use super::Proof;

/// The version of the file's form: a tenant's SQLite file, the note of its manifest, and a table of files that go with it.
pub(crate) const FORM: u32 = 1;

/// What a backup says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of the file's form.
    pub form: u32,
    /// Random: tells this backup from every other.
    pub id: String,
    /// Whose it is.
    pub tenant: TenantName,
    /// Where it was made from, in words.
    pub from: String,
    /// When it was made.
    pub made_at: UtcMs,
    /// Whether the tenant goes by a virtual clock, the one of its events.
    pub is_virtual: bool,
    /// The epoch of the tenant's lease then.
    pub epoch: i64,
    /// What the tenant held.
    pub proof: Proof,
    /// Files that go with it.
    pub files: Vec<CarriedFile>,
}

/// A file that goes with a backup: a plugin of a published version, or what the host noted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarriedFile {
    /// Its name.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// The BLAKE3 hash of its content, as 64 hexadecimal digits.
    pub digest: String,
}
