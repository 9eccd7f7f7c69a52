//! Tokens over HTTP: nobody makes, sees or revokes one that gives more than their own.

use siyu_engine::ports::access::{NewToken, Note, NoteRow, Outcome, TokenRow};
use siyu_engine::ports::store::StoreError;
use siyu_model::access::{Reach, Token};
use siyu_model::id::TokenId;
use siyu_model::limits::access::TOKENS_MAX;
use siyu_model::limits::inspect::PAGE_ROWS_MAX;
use siyu_model::name::TenantName;

use axum::http::StatusCode;

use super::{Caller, Door};
use crate::problem::Problem;

/// Notes that are looked through for one page: of an agency they may be few among many.
const NOTES_LOOKED_THROUGH: usize = 10 * PAGE_ROWS_MAX;

fn unread(fault: StoreError) -> Problem {
    tracing::warn!(%fault, "tokens or notes cannot be read or written");
    Problem::unavailable("who may enter cannot be read or changed now: try again in a moment")
}

/// The tenant of a note about a token: the one that it reaches, when it is one.
fn tenant_of(reach: &Reach) -> Option<TenantName> {
    match reach {
        Reach::Tenants(names) if names.len() == 1 => names.first().cloned(),
        _ => None,
    }
}

impl Door {
    /// The tokens that give no more than the caller's, oldest first, with the instant at which that is so.
    pub(crate) async fn tokens(&self, caller: &Caller) -> Result<Vec<TokenRow>, Problem> {
        let mut rows = self.access.tokens().await.map_err(unread)?;
        rows.retain(|row| row.grant.is_within(&caller.grant));
        Ok(rows)
    }

    /// Where a token stands now.
    pub(crate) fn state(&self, row: &TokenRow) -> &'static str {
        row.state(self.clock.now())
    }

    /// Makes a token; its text is nowhere else.
    pub(crate) async fn issue(&self, caller: &Caller, new: NewToken) -> Result<(Token, TokenRow), Problem> {
        if !new.grant.is_within(&caller.grant) {
            let detail = "a token gives at most what its maker's gives: the same tenants, scopes of its role";
            return Err(Problem::new(StatusCode::FORBIDDEN, "GRANT", detail));
        }
        let mut random = [0; 32];
        getrandom::fill(&mut random).map_err(|fault| {
            tracing::error!(%fault, "there are no random bytes");
            Problem::unavailable("there are no random bytes now")
        })?;
        let made = new.make(random, &self.key, self.clock.now());
        let (token, row) = made.map_err(|why| Problem::invalid("TOKEN_WISH", why.to_string()))?;
        let note = self.note_of(caller, "tokens.create", &row, row.about());
        if !self.access.add(row.clone(), note).await.map_err(unread)? {
            let detail = format!("there are {TOKENS_MAX} valid tokens already: revoke some that nobody uses");
            return Err(Problem::new(StatusCode::CONFLICT, "TOKENS", detail));
        }
        Ok((token, row))
    }

    /// Revokes a token.
    pub(crate) async fn revoke(&self, caller: &Caller, id: TokenId) -> Result<(), Problem> {
        let none = || Problem::missing("NO_TOKEN", "there is no such token that is not revoked already");
        let rows = self.tokens(caller).await?;
        let row = rows.iter().find(|row| row.id == id).ok_or_else(none)?;
        let note = self.note_of(caller, "tokens.revoke", row, String::new());
        if self.access.revoke(id, note).await.map_err(unread)? { Ok(()) } else { Err(none()) }
    }

    fn note_of(&self, caller: &Caller, action: &str, row: &TokenRow, detail: String) -> Note {
        Note {
            at: self.clock.now(),
            actor: caller.actor.to_string(),
            tenant: tenant_of(&row.grant.reach),
            action: action.to_owned(),
            subject: row.id.to_string(),
            outcome: Outcome::Done,
            detail,
        }
    }

    /// Notes of tenants that the caller reaches, newest first, and the place before which there may be more. Those of no
    /// tenant are for whoever reaches all.
    pub(crate) async fn notes(
        &self,
        caller: &Caller,
        mut before: Option<u64>,
        limit: usize,
    ) -> Result<(Vec<NoteRow>, Option<u64>), Problem> {
        let mut found = Vec::new();
        let mut looked = 0;
        loop {
            let rows = self.access.notes(before, PAGE_ROWS_MAX).await.map_err(unread)?;
            let is_last = rows.len() < PAGE_ROWS_MAX;
            for row in rows {
                before = Some(row.place);
                looked += 1;
                let is_seen = match &row.note.tenant {
                    Some(tenant) => caller.grant.reach.holds(tenant),
                    None => caller.grant.reach == Reach::All,
                };
                if is_seen {
                    found.push(row);
                }
                if found.len() == limit {
                    return Ok((found, before.filter(|place| *place > 1)));
                }
            }
            if is_last {
                return Ok((found, None));
            }
            if looked >= NOTES_LOOKED_THROUGH {
                return Ok((found, before));
            }
        }
    }
}
