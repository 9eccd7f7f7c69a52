//! Where a run stands.
//!
//! ```text
//! queued ─> live ⇄ paused
//!    │       ├────────────> completed
//!    │       └─> undoing ─┬─> failed
//!    └────────────────────┴─> cancelled
//! ```
//! `undoing` runs the compensations of finished steps, newest first; without any it is skipped.

use serde::{Deserialize, Serialize};

use crate::clock::UtcMs;
use crate::plugin::Fault;

/// Where a run stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// There is no place for it yet under its workflow's `concurrency`.
    Queued,
    /// It executes or waits.
    Live,
    /// Somebody halted it; its waits and timers stand still.
    Paused {
        /// Since when.
        since: UtcMs,
    },
    /// It undoes what it did, and then ends.
    Undoing {
        /// How it will end.
        end: RunEnd,
    },
    /// It came to an end.
    Ended {
        /// How.
        end: RunEnd,
        /// When.
        at: UtcMs,
    },
}

/// How a run ends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunEnd {
    /// By its last step or by `end`.
    Completed {
        /// What `end` said; `done` otherwise.
        outcome: String,
    },
    /// By a fault that nothing caught.
    Failed {
        /// The fault.
        fault: Fault,
    },
    /// By somebody or by a rule.
    Cancelled {
        /// Who and why.
        reason: String,
    },
}

/// The name of a status, without what belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunPhase {
    /// [`RunStatus::Queued`]
    Queued,
    /// [`RunStatus::Live`]
    Live,
    /// [`RunStatus::Paused`]
    Paused,
    /// [`RunStatus::Undoing`]
    Undoing,
    /// [`RunEnd::Completed`]
    Completed,
    /// [`RunEnd::Failed`]
    Failed,
    /// [`RunEnd::Cancelled`]
    Cancelled,
}

impl RunPhase {
    /// All phases.
    pub const ALL: [Self; 7] = [
        Self::Queued,
        Self::Live,
        Self::Paused,
        Self::Undoing,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
    ];

    /// The name in stores and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Live => "live",
            Self::Paused => "paused",
            Self::Undoing => "undoing",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether it is forever.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }

    /// Whether the drawing has an arrow from here to `next`.
    pub fn can_become(self, next: Self) -> bool {
        use RunPhase as P;
        match self {
            P::Queued => matches!(next, P::Live | P::Cancelled),
            P::Live => matches!(next, P::Paused | P::Undoing | P::Completed | P::Failed | P::Cancelled),
            P::Paused => matches!(next, P::Live | P::Undoing | P::Cancelled),
            P::Undoing => matches!(next, P::Failed | P::Cancelled),
            P::Completed | P::Failed | P::Cancelled => false,
        }
    }
}

impl std::str::FromStr for RunPhase {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = || Self::ALL.map(Self::as_str).join(", ");
        Self::ALL
            .into_iter()
            .find(|phase| phase.as_str() == text)
            .ok_or_else(|| format!("`{text}` is no state of a run: expected {}", names()))
    }
}

impl RunStatus {
    /// Its name.
    pub fn phase(&self) -> RunPhase {
        match self {
            Self::Queued => RunPhase::Queued,
            Self::Live => RunPhase::Live,
            Self::Paused { .. } => RunPhase::Paused,
            Self::Undoing { .. } => RunPhase::Undoing,
            Self::Ended { end, .. } => end.phase(),
        }
    }

    /// Whether it is forever.
    pub fn is_terminal(&self) -> bool {
        matches!(self, Self::Ended { .. })
    }
}

impl RunEnd {
    /// Its name.
    pub fn phase(&self) -> RunPhase {
        match self {
            Self::Completed { .. } => RunPhase::Completed,
            Self::Failed { .. } => RunPhase::Failed,
            Self::Cancelled { .. } => RunPhase::Cancelled,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_phases_are_forever_and_all_others_can_end() {
        for from in RunPhase::ALL {
            let has_way = RunPhase::ALL.into_iter().any(|to| from.can_become(to));
            assert_eq!(from.is_terminal(), !has_way, "{from:?}");
            assert_eq!(from.as_str().parse(), Ok(from));
        }
    }
}
