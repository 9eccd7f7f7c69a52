//! Who may enter a host, and what is kept of secrets, in memory.
//!
//! It keeps the promises of the [`Access`] port and is never durable.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use siyu_model::clock::UtcMs;
use siyu_model::id::TokenId;
use siyu_model::limits::access::TOKENS_MAX;
use siyu_model::name::{SecretName, TenantName};

use crate::ports::access::{Access, Note, NoteRow, TokenRow};
use crate::ports::secrets::{DataKeyRow, SecretRow};
use crate::ports::store::StoreError;

/// Tokens and notes in memory. Cloning shares them.
#[derive(Clone, Default)]
pub struct MemoryAccess(Arc<Mutex<Kept>>);

#[derive(Default)]
pub(super) struct Kept {
    pub(super) revision: u64,
    tokens: BTreeMap<TokenId, TokenRow>,
    notes: Vec<NoteRow>,
    /// Keys of tenants, wrapped.
    pub(super) data_keys: BTreeMap<TenantName, DataKeyRow>,
    /// Values of secrets, sealed.
    pub(super) secrets: BTreeMap<(TenantName, SecretName, u32), SecretRow>,
    /// What every question is answered with while it is set.
    fault: Option<StoreError>,
}

impl Kept {
    pub(super) fn write(&mut self, note: Note) {
        let note = note.within_limits();
        let place = self.notes.len() as u64 + 1;
        let before = self.notes.last().map_or([0; 32], |row| row.link);
        let link = note.link(place, &before);
        self.notes.push(NoteRow { place, note, link });
    }
}

impl MemoryAccess {
    /// Nobody may enter yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets every question fail from now on, or none any more.
    pub fn fail(&self, fault: Option<StoreError>) {
        self.lock().fault = fault;
    }

    /// Whoever panicked while holding the lock was a test that failed already.
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn ask(&self) -> Result<MutexGuard<'_, Kept>, StoreError> {
        let kept = self.lock();
        match &kept.fault {
            Some(fault) => Err(fault.clone()),
            None => Ok(kept),
        }
    }
}

#[async_trait]
impl Access for MemoryAccess {
    async fn key(&self) -> Result<[u8; 32], StoreError> {
        self.ask().map(|_| *blake3::hash(b"the key of a test").as_bytes())
    }

    async fn revision(&self) -> Result<u64, StoreError> {
        Ok(self.ask()?.revision)
    }

    async fn tokens(&self) -> Result<Vec<TokenRow>, StoreError> {
        Ok(self.ask()?.tokens.values().cloned().collect())
    }

    async fn add(&self, token: TokenRow, note: Note) -> Result<bool, StoreError> {
        let mut kept = self.ask()?;
        let valid = kept.tokens.values().filter(|row| row.is_valid(note.at)).count();
        if valid >= TOKENS_MAX {
            return Ok(false);
        }
        kept.tokens.insert(token.id, token);
        kept.revision += 1;
        kept.write(note);
        Ok(true)
    }

    async fn revoke(&self, id: TokenId, note: Note) -> Result<bool, StoreError> {
        let mut kept = self.ask()?;
        let Some(token) = kept.tokens.get_mut(&id).filter(|token| token.revoked_at.is_none()) else {
            return Ok(false);
        };
        token.revoked_at = Some(note.at);
        kept.revision += 1;
        kept.write(note);
        Ok(true)
    }

    async fn used(&self, uses: Vec<(TokenId, UtcMs)>) -> Result<(), StoreError> {
        let mut kept = self.ask()?;
        for (id, at) in uses {
            if let Some(token) = kept.tokens.get_mut(&id) {
                token.used_at = token.used_at.max(Some(at));
            }
        }
        Ok(())
    }

    async fn note(&self, note: Note) -> Result<(), StoreError> {
        self.ask()?.write(note);
        Ok(())
    }

    async fn notes(&self, before: Option<u64>, limit: usize) -> Result<Vec<NoteRow>, StoreError> {
        let kept = self.ask()?;
        let earlier = kept.notes.iter().rev().filter(|row| before.is_none_or(|before| row.place < before));
        Ok(earlier.take(limit).cloned().collect())
    }
}
