//! The journal of a run: what happened, for people. A run never needs it to go on.

use serde::{Deserialize, Serialize};

use crate::clock::UtcMs;
use crate::name::StepId;

/// One line of a run's journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// When.
    pub at: UtcMs,
    /// Which step; absent for what concerns the whole run.
    pub step: Option<StepId>,
    /// Which fiber: 0 is the run itself, others are branches and items.
    pub fiber: u32,
    /// What happened.
    pub kind: JournalKind,
    /// More about it, a JSON document.
    pub detail: Option<String>,
}

/// What a line of the journal says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JournalKind {
    /// The run began; detail: its trigger.
    Started,
    /// The run waits for a place under its workflow's `concurrency`.
    Queued,
    /// A step did its work; detail: its output.
    Done,
    /// A plugin said no; detail: code and message.
    Refused,
    /// A step failed; detail: the fault.
    Failed,
    /// A failed step will be tried again; detail: when and why.
    Retry,
    /// A step's `if` was false.
    Skipped,
    /// The run waits; detail: for what and until when.
    Waiting,
    /// What was waited for came; detail: the event.
    Matched,
    /// It did not come in time.
    TimedOut,
    /// `switch` or `split` took a branch; detail: which.
    Chose,
    /// A message was planned; detail: its id, or why it was blocked.
    Planned,
    /// The synchronous caller was answered; detail: the answer.
    Responded,
    /// A finished step was undone by its `compensate`.
    Compensated,
    /// Somebody or something changed the run's course; detail: who and why.
    Paused,
    /// The run goes on.
    Resumed,
    /// The run was cancelled; detail: who and why.
    Cancelled,
    /// The run came to its end; detail: outcome.
    Ended,
}

impl JournalKind {
    /// All kinds.
    pub const ALL: [Self; 18] = [
        Self::Started,
        Self::Queued,
        Self::Done,
        Self::Refused,
        Self::Failed,
        Self::Retry,
        Self::Skipped,
        Self::Waiting,
        Self::Matched,
        Self::TimedOut,
        Self::Chose,
        Self::Planned,
        Self::Responded,
        Self::Compensated,
        Self::Paused,
        Self::Resumed,
        Self::Cancelled,
        Self::Ended,
    ];

    /// The name in stores and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Queued => "queued",
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Retry => "retry",
            Self::Skipped => "skipped",
            Self::Waiting => "waiting",
            Self::Matched => "matched",
            Self::TimedOut => "timed_out",
            Self::Chose => "chose",
            Self::Planned => "planned",
            Self::Responded => "responded",
            Self::Compensated => "compensated",
            Self::Paused => "paused",
            Self::Resumed => "resumed",
            Self::Cancelled => "cancelled",
            Self::Ended => "ended",
        }
    }
}

impl std::str::FromStr for JournalKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| format!("`{text}` is no kind of journal line"))
    }
}
