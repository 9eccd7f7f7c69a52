//! A tenant's two logs as they are followed: what was recorded, and what runs did, each in its order.
//!
//! Both are written in the transaction of a batch, by one executor, so that a place before which something was read has
//! nothing new before it later.

use siyu_model::clock::UtcMs;
use siyu_model::event::EventSeq;
use siyu_model::id::CustomerId;
use siyu_model::name::EventType;

use super::rows::JournalRow;

/// How far both logs were read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LogPlace {
    /// The last event.
    pub event: EventSeq,
    /// The place of the last line of all journals.
    pub line: u64,
}

impl LogPlace {
    /// Whether nothing up to the other place is missing here.
    pub fn has(self, other: Self) -> bool {
        self.event >= other.event && self.line >= other.line
    }

    /// Whether logs that end here end before a place that somebody had of them: it is of another tenant, or retention took
    /// all lines away, whose places are given out anew when a tenant is opened then. A log without rows ends anywhere.
    pub fn begins_anew(self, known: Self) -> bool {
        let is_before = |end: u64, known: u64| end > 0 && end < known;
        is_before(self.event.0, known.event.0) || is_before(self.line, known.line)
    }

    /// The later of both in each log.
    pub fn max(self, other: Self) -> Self {
        Self { event: self.event.max(other.event), line: self.line.max(other.line) }
    }
}

/// An event as the log tells of it, without what it says.
#[derive(Debug, Clone, PartialEq)]
pub struct LoggedEvent {
    /// Its place.
    pub seq: EventSeq,
    /// As handed in.
    pub id: String,
    /// Who says so.
    pub source: String,
    /// What happened.
    pub event_type: EventType,
    /// To whom.
    pub customer: Option<CustomerId>,
    /// When it happened.
    pub occurred_at: UtcMs,
    /// When it was admitted.
    pub recorded_at: UtcMs,
    /// What it led to, for people, a JSON object.
    pub outcome: String,
}

/// A line of the journal of any run.
#[derive(Debug, Clone, PartialEq)]
pub struct LoggedLine {
    /// Its place among the lines of all journals.
    pub place: u64,
    /// The line.
    pub line: JournalRow,
    /// Whether its detail was left out: it has more than [`siyu_model::limits::inspect::LOG_DETAIL_CHARS_MAX`]
    /// characters.
    pub is_cut: bool,
}

/// A part of both logs, read in one view.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LogPart {
    /// Events after the place, oldest first.
    pub events: Vec<LoggedEvent>,
    /// Lines after the place, oldest first.
    pub lines: Vec<LoggedLine>,
    /// Where both logs end.
    pub end: LogPlace,
}
