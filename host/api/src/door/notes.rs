//! Notes of changes: one before anything is tried, and one of what became of it.
//!
//! What cannot be noted is not tried.

use siyu_engine::host::Told;
use siyu_engine::ports::access::{Note, Outcome};
use siyu_model::name::TenantName;

use super::{Caller, Door};
use crate::problem::Problem;

/// A change that was noted and may be tried now. What became of it is noted by [`Asked::told`].
pub(crate) struct Asked<'d> {
    door: &'d Door,
    note: Note,
}

impl Door {
    /// Notes that somebody wants to change something, before it is tried.
    pub(crate) async fn asked(
        &self,
        caller: &Caller,
        tenant: &TenantName,
        (action, subject): (&str, &str),
        detail: &str,
    ) -> Result<Asked<'_>, Problem> {
        let note = Note {
            at: self.clock.now(),
            actor: caller.actor.to_string(),
            tenant: Some(tenant.clone()),
            action: action.to_owned(),
            subject: subject.to_owned(),
            outcome: Outcome::Asked,
            detail: detail.to_owned(),
        };
        match self.access.note(note.clone()).await {
            Ok(()) => Ok(Asked { door: self, note }),
            Err(fault) => {
                tracing::warn!(%fault, "a change could not be noted, and was not tried");
                Err(Problem::unavailable("who changes what cannot be noted now, so nothing was done"))
            }
        }
    }
}

impl Asked<'_> {
    /// Notes what became of it, and hands it on.
    pub(crate) async fn told<T>(self, done: Result<Told<T>, Problem>) -> Result<Told<T>, Problem> {
        let (outcome, detail) = match &done {
            Ok(Told::Kept(letter)) => (Outcome::Unknown, format!("kept as letter {letter}")),
            Ok(Told::Done(_)) => (Outcome::Done, String::new()),
            Err(problem) if problem.is_refusal() => (Outcome::Refused, problem.detail().to_owned()),
            Err(problem) => (Outcome::Unknown, problem.detail().to_owned()),
        };
        let note = Note { at: self.door.clock.now(), outcome, detail, ..self.note };
        if let Err(fault) = self.door.access.note(note).await {
            // It is done, or it is not: the answer says which.
            tracing::error!(%fault, "what became of a change is not noted");
        }
        done
    }
}
