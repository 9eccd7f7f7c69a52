//! The door: who comes, what they may do, and a note of what they change.
//!
//! It goes by what it knows of tokens for a second, so that requests do not wait for a database; a token that was revoked
//! elsewhere is refused then. It never says why a token opens nothing to whoever does not have it, and never tells a
//! tenant that is out of reach from one that is not there.

mod guard;
mod notes;
mod tokens;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use axum::http::StatusCode;
use siyu_engine::ports::access::{Access, TokenRow};
use siyu_engine::ports::clock::Clock;
use siyu_engine::ports::store::StoreError;
use siyu_model::access::{Grant, Scope, Token, TokenHash};
use siyu_model::clock::{DurationMs, UtcMs};
use siyu_model::id::TokenId;
use siyu_model::limits::access::{FRESH_MS, FRESH_UNKNOWN_MS, STALE_MS, USED_MS};
use siyu_model::name::TenantName;
use tokio::sync::Mutex as Turn;

use crate::problem::Problem;
pub(crate) use guard::{Guard, bearer, guard, limits};

/// Who asks.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// As notes name them.
    pub(crate) actor: Arc<str>,
    /// What they may do.
    pub(crate) grant: Arc<Grant>,
}

impl Caller {
    /// Whether they reach a tenant and may do this there. A tenant that is out of reach is one that is not there.
    pub(crate) fn may(&self, scope: Scope, tenant: Option<&TenantName>) -> Result<(), Problem> {
        if tenant.is_some_and(|tenant| !self.grant.reach.holds(tenant)) {
            return Err(Problem::no_tenant());
        }
        if self.grant.has(scope) {
            return Ok(());
        }
        let has = self.grant.scopes().map(Scope::as_str).collect::<Vec<_>>().join(", ");
        let detail = format!("this needs the scope {scope}; the token has {has}");
        Err(Problem::new(StatusCode::FORBIDDEN, "SCOPE", detail))
    }
}

/// What is known of tokens.
struct Known {
    /// When it was asked.
    at: UtcMs,
    revision: u64,
    tokens: Arc<HashMap<TokenHash, (TokenRow, Caller)>>,
}

/// The door of a host.
pub struct Door {
    access: Arc<dyn Access>,
    clock: Arc<dyn Clock>,
    key: [u8; 32],
    /// Whoever comes may do everything.
    is_open: bool,
    known: RwLock<Arc<Known>>,
    /// Held by whoever asks what changed.
    asking: Turn<()>,
    /// When tokens were used that is not noted yet.
    uses: Mutex<HashMap<TokenId, UtcMs>>,
}

impl Door {
    /// A door that asks for a token.
    ///
    /// # Errors
    /// Tokens cannot be read.
    pub async fn closed(access: Arc<dyn Access>, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        Self::make(access, clock, false).await
    }

    /// A door that asks nobody: only for addresses that no other machine reaches. What is changed is noted all the same,
    /// and pages of other sites that a browser shows are kept out.
    ///
    /// # Errors
    /// Notes cannot be kept.
    pub async fn open(access: Arc<dyn Access>, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        Self::make(access, clock, true).await
    }

    async fn make(access: Arc<dyn Access>, clock: Arc<dyn Clock>, is_open: bool) -> Result<Self, StoreError> {
        let key = access.key().await?;
        let known = Known { at: clock.now(), revision: 0, tokens: Arc::default() };
        let known = RwLock::new(look(&*access, known).await?);
        Ok(Self { access, clock, key, is_open, known, asking: Turn::default(), uses: Mutex::default() })
    }

    /// Whether it asks nobody.
    pub(crate) fn is_open(&self) -> bool {
        self.is_open
    }

    /// Whether there is a token that opens it.
    pub fn has_tokens(&self) -> bool {
        let now = self.clock.now();
        self.current().tokens.values().any(|(row, _)| row.is_valid(now))
    }

    /// Who presents this.
    pub(crate) async fn enter(&self, presented: Option<&str>) -> Result<Caller, Problem> {
        if self.is_open {
            return Ok(Caller { actor: "anybody".into(), grant: Arc::new(Grant::everything()) });
        }
        let presented = presented.ok_or_else(|| {
            Problem::unknown("TOKEN_MISSING", "expected a token: `Authorization: Bearer siyu_…`")
        })?;
        let wrong = || Problem::unknown("TOKEN", "this token opens nothing here");
        let hash = Token::read(presented).ok_or_else(wrong)?.hash(&self.key);
        let came = self.clock.now();
        let mut known = self.recent().await?;
        if !known.tokens.contains_key(&hash) {
            // It may have been made a moment ago, so it is looked for once more; seldom, whoever tries whatever.
            let again = known.at.min(came) + DurationMs::from_millis(FRESH_UNKNOWN_MS);
            self.clock.sleep_until(again).await;
            // What was asked in the same millisecond may have been asked before.
            known = self.fresh(came + DurationMs::from_millis(1), DurationMs::ZERO).await?;
        }
        let (row, caller) = known.tokens.get(&hash).ok_or_else(wrong)?;
        let now = self.clock.now();
        if let Some(at) = row.revoked_at {
            return Err(Problem::unknown("TOKEN_REVOKED", format!("this token was revoked at {at}")));
        }
        if !row.is_valid(now) {
            let at = row.expires_at;
            return Err(Problem::unknown("TOKEN_EXPIRED", format!("this token expired at {at}")));
        }
        self.uses.lock().unwrap_or_else(PoisonError::into_inner).insert(row.id, now);
        Ok(caller.clone())
    }

    /// Whether tokens can be read, or could be a moment ago.
    pub(crate) async fn check(&self) -> Result<(), Problem> {
        self.recent().await.map(drop)
    }

    fn current(&self) -> Arc<Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What is known of tokens, a second old at most.
    async fn recent(&self) -> Result<Arc<Known>, Problem> {
        let age = DurationMs::from_millis(FRESH_MS);
        self.fresh(self.clock.now() - age, age).await
    }

    /// What is known of tokens since an instant. One request asks; others go on meanwhile with what is older by no more
    /// than the slack.
    async fn fresh(&self, since: UtcMs, slack: DurationMs) -> Result<Arc<Known>, Problem> {
        // What was learnt before a clock was set back says nothing about its age.
        let is_since = |known: &Known, since: UtcMs| known.at >= since && known.at <= self.clock.now();
        let known = self.current();
        if is_since(&known, since) {
            return Ok(known);
        }
        let _turn = match self.asking.try_lock() {
            Ok(turn) => turn,
            Err(_) if is_since(&known, since - slack) => return Ok(known),
            Err(_) => self.asking.lock().await,
        };
        let known = self.current();
        if is_since(&known, since) {
            return Ok(known);
        }
        let now = self.clock.now();
        let before = Known { at: now, revision: known.revision, tokens: known.tokens.clone() };
        match look(&*self.access, before).await {
            Ok(known) => {
                *self.known.write().unwrap_or_else(PoisonError::into_inner) = known.clone();
                Ok(known)
            }
            Err(fault) => {
                tracing::warn!(%fault, "tokens cannot be read");
                if is_since(&known, now - DurationMs::from_millis(STALE_MS)) {
                    return Ok(known);
                }
                Err(Problem::unavailable("tokens cannot be read now: try again in a moment"))
            }
        }
    }

    /// Notes when tokens were used.
    pub async fn flush(&self) {
        let uses = std::mem::take(&mut *self.uses.lock().unwrap_or_else(PoisonError::into_inner));
        if uses.is_empty() {
            return;
        }
        if let Err(fault) = self.access.used(uses.into_iter().collect()).await {
            tracing::warn!(%fault, "when tokens were used is not noted");
        }
    }

    /// Notes from time to time when tokens were used, until `stop` is over, and then once more.
    pub async fn attend(&self, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        loop {
            let next = self.clock.now() + DurationMs::from_millis(USED_MS);
            tokio::select! {
                () = &mut stop => break,
                () = self.clock.sleep_until(next) => self.flush().await,
            }
        }
        self.flush().await;
    }
}

/// What is known now; tokens are read only when some changed.
async fn look(access: &dyn Access, before: Known) -> Result<Arc<Known>, StoreError> {
    let revision = access.revision().await?;
    if revision == before.revision {
        return Ok(Arc::new(before));
    }
    let tokens = access.tokens().await?.into_iter().map(|row| {
        let actor = format!("{} {}", row.id, row.name).into();
        let caller = Caller { actor, grant: Arc::new(row.grant.clone()) };
        (row.hash, (row, caller))
    });
    Ok(Arc::new(Known { at: before.at, revision, tokens: Arc::new(tokens.collect()) }))
}
