//! What is written into a tenant about its own way: that it is leaving, that it left, that it is a backup, that it came.
//!
//! A mark is a note in the table `meta`. A tenant with one of the first three is refused to executors, whoever they are.

use serde::{Deserialize, Serialize};
use siyu_engine::ports::store::StoreError;
use siyu_model::clock::UtcMs;

use super::manifest::Manifest;

/// The note that closes a tenant.
pub(crate) const CARRIED: &str = "carried";
/// The note that says where a tenant came from.
pub(crate) const ARRIVED: &str = "arrived";

/// Why a tenant is closed to executors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Mark {
    /// It is being copied to another place, and is executed nowhere meanwhile.
    Moving(MoveMark),
    /// It lives elsewhere since then.
    Moved(MoveMark),
    /// It is a file to be restored.
    Backup(Manifest),
}

/// A move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoveMark {
    /// Random: tells this move from every other.
    pub id: String,
    /// Where to, in words, without a password.
    pub to: String,
    /// When it began or was done.
    pub at: UtcMs,
}

/// Where a tenant came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Arrived {
    /// The move or backup.
    pub(crate) id: String,
    /// Where from, in words.
    pub(crate) from: String,
    /// When.
    pub(crate) at: UtcMs,
}

impl Mark {
    /// A mark from its note.
    pub(crate) fn read(text: &str, place: &str) -> Result<Self, StoreError> {
        serde_json::from_str(text)
            .map_err(|fault| StoreError::Broken(format!("{place}: the note `{CARRIED}` is broken: {fault}")))
    }

    /// Its note.
    pub(crate) fn note(&self) -> String {
        // Names and numbers only: nothing in it can fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Whether the tenant lives elsewhere: a move that is not done may be taken back.
    pub(crate) fn is_gone(&self) -> bool {
        !matches!(self, Self::Moving(_))
    }

    fn closed(&self, place: &str) -> StoreError {
        StoreError::Closed { place: place.to_owned(), why: self.why(), is_gone: self.is_gone() }
    }

    /// Why the tenant is closed, and what opens it.
    pub fn why(&self) -> String {
        match self {
            Self::Moving(mark) => format!(
                "is being moved to {} since {}: run `siyu tenants move` again to finish it, or with --cancel to take \
                 it back",
                mark.to, mark.at
            ),
            Self::Moved(mark) => format!("was moved to {} at {}: name that place instead", mark.to, mark.at),
            Self::Backup(manifest) => {
                format!("is a backup of tenant {}: use `siyu tenants restore`", manifest.tenant)
            }
        }
    }
}

/// Refuses a tenant that is closed to executors; the note is what `meta` says.
pub(crate) fn refuse(note: Option<&[u8]>, place: &str) -> Result<(), StoreError> {
    let Some(note) = note else { return Ok(()) };
    let mark = Mark::read(&String::from_utf8_lossy(note), place)?;
    Err(mark.closed(place))
}

/// Refuses a tenant that lives elsewhere to people: what they would read here is of yesterday.
pub(crate) fn refuse_reading(note: Option<&[u8]>, place: &str) -> Result<(), StoreError> {
    let Some(note) = note else { return Ok(()) };
    match Mark::read(&String::from_utf8_lossy(note), place)? {
        mark @ Mark::Moved(_) => Err(mark.closed(place)),
        Mark::Moving(_) | Mark::Backup(_) => Ok(()),
    }
}
