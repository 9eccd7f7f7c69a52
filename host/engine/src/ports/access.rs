//! The access port: who may enter a host, and what was changed by whom. It is kept beside the tenants, once for all hosts
//! that share a database.
//!
//! It decides nothing: whether a token opens a door is for whoever keeps the door.

use async_trait::async_trait;
use serde::Serialize;
use siyu_model::access::{Grant, Reach, Role, Scope, Token, TokenHash};
use siyu_model::clock::{DurationMs, UtcMs};
use siyu_model::id::TokenId;
use siyu_model::limits::access::{DAYS_MAX, NAME_BYTES_MAX, NOTE_BYTES_MAX};
use siyu_model::name::TenantName;

use super::store::StoreError;

/// What is kept of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    /// Its id, which is no secret.
    pub id: TokenId,
    /// By which it is known.
    pub hash: TokenHash,
    /// What people call it, 1 to [`siyu_model::limits::access::NAME_BYTES_MAX`] bytes.
    pub name: String,
    /// What it may do.
    pub grant: Grant,
    /// When it was made.
    pub made_at: UtcMs,
    /// Who made it.
    pub made_by: String,
    /// From this instant on it opens nothing.
    pub expires_at: UtcMs,
    /// When somebody revoked it.
    pub revoked_at: Option<UtcMs>,
    /// When it was last used, exact to [`siyu_model::limits::access::USED_MS`].
    pub used_at: Option<UtcMs>,
}

impl TokenRow {
    /// Whether it opens anything at an instant.
    pub fn is_valid(&self, at: UtcMs) -> bool {
        self.revoked_at.is_none() && at < self.expires_at
    }
}

/// A token that somebody wants to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// What people call it.
    pub name: String,
    /// What it may do.
    pub grant: Grant,
    /// Days after which it expires, 1 to [`DAYS_MAX`].
    pub days: u32,
    /// Who makes it.
    pub made_by: String,
}

/// Why a token cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NewTokenError {
    /// Its name cannot be kept.
    #[error("the name has {found} bytes: expected 1 to {NAME_BYTES_MAX} bytes without control characters")]
    Name {
        /// Bytes of the name.
        found: usize,
    },
    /// It lives too long, or not at all.
    #[error("{found} days: expected 1 to {DAYS_MAX}")]
    Days {
        /// The days.
        found: u32,
    },
    /// It is to have a scope that its role has not.
    #[error("the role {role} has no scope {found}: expected some of {}", words(*.role))]
    Scope {
        /// The role.
        role: Role,
        /// The scope.
        found: Scope,
    },
    /// It is to have scopes of its own, and none is named.
    #[error("`scopes` is empty: expected at least one, or no `scopes` for all of the role {role}")]
    NoScope {
        /// The role.
        role: Role,
    },
    /// It runs a host, and a host has all tenants.
    #[error("a host-admin is for all tenants: expected *; an agency runs the tenants that it names")]
    Reach,
}

fn words(role: Role) -> String {
    role.scopes().map(Scope::as_str).collect::<Vec<_>>().join(", ")
}

impl NewToken {
    /// The token, whose text is told once, and what is kept of it: from 32 random bytes, hashed with the key that all
    /// hosts of a database share.
    ///
    /// # Errors
    /// It cannot be made as it is wanted.
    pub fn make(
        self,
        random: [u8; 32],
        key: &[u8; 32],
        at: UtcMs,
    ) -> Result<(Token, TokenRow), NewTokenError> {
        let found = self.name.len();
        if !(1..=NAME_BYTES_MAX).contains(&found) || self.name.chars().any(char::is_control) {
            return Err(NewTokenError::Name { found });
        }
        if !(1..=DAYS_MAX).contains(&self.days) {
            return Err(NewTokenError::Days { found: self.days });
        }
        let role = self.grant.role;
        if role == Role::HostAdmin && self.grant.reach != Reach::All {
            return Err(NewTokenError::Reach);
        }
        if self.grant.only.as_ref().is_some_and(Vec::is_empty) {
            return Err(NewTokenError::NoScope { role });
        }
        if let Some(found) = self.grant.only.iter().flatten().find(|scope| !role.has(**scope)) {
            return Err(NewTokenError::Scope { role, found: *found });
        }
        let token = Token::of(random);
        // The id must not say anything about the token.
        let id = blake3::derive_key("siyu 2026-11 id of a token", &random);
        let row = TokenRow {
            id: TokenId::derive(at, &[&id]),
            hash: token.hash(key),
            name: self.name,
            grant: self.grant,
            made_at: at,
            made_by: self.made_by,
            expires_at: at + DurationMs::from_millis(u64::from(self.days) * 86_400_000),
            revoked_at: None,
            used_at: None,
        };
        Ok((token, row))
    }
}

impl TokenRow {
    /// Where it stands at an instant: `valid`, `expired` or `revoked`.
    pub fn state(&self, at: UtcMs) -> &'static str {
        match self.revoked_at {
            Some(_) => "revoked",
            None if self.is_valid(at) => "valid",
            None => "expired",
        }
    }

    /// What a note says of one that is made.
    pub fn about(&self) -> String {
        let scopes = match &self.grant.only {
            Some(_) => {
                let scopes: Vec<_> = self.grant.scopes().map(Scope::as_str).collect();
                format!(" with {} alone", scopes.join(", "))
            }
            None => String::new(),
        };
        let Grant { role, reach, .. } = &self.grant;
        format!("{} {role}{scopes} on {reach}, until {}", self.name, self.expires_at)
    }
}

/// How far a change came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was asked for, and will be tried next. What became of it is a note of its own.
    Asked,
    /// It is durable.
    Done,
    /// It was refused, and nothing happened.
    Refused,
    /// Nobody knows whether it happened: no answer came.
    Unknown,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Asked, Self::Done, Self::Refused, Self::Unknown];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
        }
    }
}

impl std::str::FromStr for Outcome {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|outcome| outcome.as_str() == text);
        found.ok_or_else(|| format!("`{text}` is no outcome"))
    }
}

/// A change that somebody made or tried, to be noted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// When.
    pub at: UtcMs,
    /// Who: a token's id with its name, or a user of the machine.
    pub actor: String,
    /// In which tenant.
    pub tenant: Option<TenantName>,
    /// What, such as `runs.cancel`.
    pub action: String,
    /// To what: an id or a name.
    pub subject: String,
    /// How far it came.
    pub outcome: Outcome,
    /// More about it, in words.
    pub detail: String,
}

impl Note {
    /// The same with texts of a length that is kept.
    pub fn within_limits(mut self) -> Self {
        for text in [&mut self.actor, &mut self.action, &mut self.subject, &mut self.detail] {
            text.truncate(text.floor_char_boundary(NOTE_BYTES_MAX));
        }
        self
    }

    /// The link of the note at a place, after the link before it: whoever edits, removes or inserts a note breaks every
    /// link after it.
    pub fn link(&self, place: u64, before: &[u8; 32]) -> [u8; 32] {
        let tenant = self.tenant.as_ref().map(TenantName::as_str).unwrap_or_default();
        let texts = [&self.actor, tenant, &self.action, &self.subject, self.outcome.as_str(), &self.detail];
        let mut hasher = blake3::Hasher::new();
        hasher.update(before).update(&place.to_be_bytes()).update(&self.at.as_millis().to_be_bytes());
        for text in texts {
            hasher.update(&(text.len() as u64).to_be_bytes()).update(text.as_bytes());
        }
        *hasher.finalize().as_bytes()
    }
}

/// A note as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteRow {
    /// Its place: 1, 2, 3 …
    pub place: u64,
    /// The note.
    pub note: Note,
    /// Its link: see [`Note::link`].
    pub link: [u8; 32],
}

/// What is kept of who may enter a host.
#[async_trait]
pub trait Access: Send + Sync {
    /// The key under which tokens are hashed: drawn once, the same for all hosts of a database.
    async fn key(&self) -> Result<[u8; 32], StoreError>;

    /// A number that grows with every token that is made or revoked.
    async fn revision(&self) -> Result<u64, StoreError>;

    /// All tokens, also those that are over, in the order of their ids.
    async fn tokens(&self) -> Result<Vec<TokenRow>, StoreError>;

    /// Keeps a token with the note of it; not when there are [`siyu_model::limits::access::TOKENS_MAX`] that are valid.
    /// Says whether it did.
    async fn add(&self, token: TokenRow, note: Note) -> Result<bool, StoreError>;

    /// Revokes a token, with the note of it. Says whether there was one that nobody had revoked.
    async fn revoke(&self, id: TokenId, note: Note) -> Result<bool, StoreError>;

    /// Tokens were used; an earlier instant than the one that is known changes nothing.
    async fn used(&self, uses: Vec<(TokenId, UtcMs)>) -> Result<(), StoreError>;

    /// Keeps a note, and returns when it is durable.
    async fn note(&self, note: Note) -> Result<(), StoreError>;

    /// Notes before a place, or the last ones, newest first.
    async fn notes(&self, before: Option<u64>, limit: usize) -> Result<Vec<NoteRow>, StoreError>;
}
