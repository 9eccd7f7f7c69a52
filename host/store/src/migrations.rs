//! Migrations: forward only, each in its own transaction, each with a checksum.
//!
//! What is here is the rule that every database keeps; how a migration is applied is the database's own.

use siyu_engine::ports::store::StoreError;

/// One migration.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Migration {
    /// 1, 2, 3 …
    pub(crate) version: i64,
    /// Its file.
    pub(crate) name: &'static str,
    /// Its statements.
    pub(crate) text: &'static str,
}

impl Migration {
    /// What is kept beside its version, so that an edit of an applied migration is noticed.
    pub(crate) fn checksum(&self) -> [u8; 32] {
        *blake3::hash(self.text.as_bytes()).as_bytes()
    }
}

/// The migrations up to a version: what a tenant of that version is made with.
pub(crate) fn up_to(known: &'static [Migration], version: i64) -> &'static [Migration] {
    &known[..known.partition_point(|migration| migration.version <= version)]
}

/// The version of a database from what was applied to it, versions and checksums in their order, after a look at what
/// must not be: a newer host's migration, and an edited one.
pub(crate) fn known_version(
    applied: Vec<(i64, Vec<u8>)>,
    place: &str,
    known: &[Migration],
) -> Result<i64, StoreError> {
    let version = applied.last().map_or(0, |(version, _)| *version);
    let newest = known.last().map_or(0, |migration| migration.version);
    if version > newest {
        return Err(StoreError::Newer { place: place.to_owned(), found: version, known: newest });
    }
    for ((version, checksum), migration) in applied.iter().zip(known) {
        if *version != migration.version || *checksum != migration.checksum() {
            return Err(StoreError::Broken(format!(
                "{place} was migrated by another text of {}: an applied migration must not be edited",
                migration.name
            )));
        }
    }
    Ok(version)
}
