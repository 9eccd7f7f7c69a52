//! What was seen of the client: its calls, what it did wrong, and what reached customers. Tests read it; nothing here acts.

use serde::Serialize;
use serde_json::Value;

use crate::routes::Call;
use crate::welcome::Welcome;

/// Calls that are kept.
const CALLS_MAX: usize = 100_000;

/// What was seen.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Record {
    /// The calls, in the order in which they were answered; the first hundred thousand.
    pub calls: Vec<Called>,
    /// What the client did that WeCom says not to do.
    pub complaints: Vec<(i64, &'static str, Complaint)>,
    /// Welcomes that customers read.
    pub welcomes: Vec<Welcome>,
    /// What became of callbacks.
    pub callbacks: Vec<CalledBack>,
    /// The most calls of `gettoken` that were under way at once: 1 for a client that asks once for all.
    pub token_calls_at_once_max: u32,
    /// The most calls of `mark_tag` at once.
    pub tag_calls_at_once_max: u32,
}

/// A call.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Called {
    /// When it came.
    pub at_ms: i64,
    /// The last part of its path.
    pub api: &'static str,
    /// Its body; null for one without.
    pub body: Value,
    /// What it was answered.
    pub errcode: i64,
    /// Whether the answer was lost on its way.
    pub is_answer_lost: bool,
}

/// What a client must not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Complaint {
    /// It sent the welcome of a friendship a second time.
    WelcomeTwice,
    /// It called an API that had said to wait, before the time was over.
    CalledWhileBlocked,
    /// It used a token again that had been refused.
    RefusedTokenAgain,
    /// It called `mark_tag` more often at once than is allowed.
    TooManyTagsAtOnce,
}

/// A callback that was due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CalledBack {
    /// Such as `change_external_contact/add_external_contact`.
    pub event: String,
    /// The status of each answer; 0 for none in time. Empty for one that was lost.
    pub answers: Vec<u16>,
}

impl Record {
    /// How often an API was called.
    pub fn count(&self, api: &str) -> usize {
        self.calls.iter().filter(|call| call.api == api).count()
    }

    /// The calls of an API.
    pub fn of<'a>(&'a self, api: &'a str) -> impl Iterator<Item = &'a Called> {
        self.calls.iter().filter(move |call| call.api == api)
    }

    pub(crate) fn complain(&mut self, call: &Call, complaint: Complaint) {
        if self.complaints.len() < CALLS_MAX {
            self.complaints.push((call.now_ms, call.api, complaint));
        }
    }

    pub(crate) fn push(&mut self, called: Called) {
        if self.calls.len() < CALLS_MAX {
            self.calls.push(called);
        }
    }
}
