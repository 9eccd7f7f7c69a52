//! Lines of a timeline: what happened, and beside it what did not happen, with the reason that was recorded then.
//!
//! Reasons are never guessed afterwards: triggers, `reentry` and `concurrency` left theirs in the event's row, plugins
//! and contact rules in the run's journal, channels in the message.

use serde::Serialize;
use siyu_engine::ports::inspect::{Inspect, Moment, RunSummary};
use siyu_engine::ports::rows::{EventRow, SegmentRow};
use siyu_engine::ports::store::CustomerImage;
use siyu_model::clock::DurationMs;
use siyu_model::customer::TagMark;
use siyu_model::json::{self, Value};
use siyu_model::message::{Message, MessageStatus};
use siyu_model::name::Tag;
use siyu_model::run::RunEnd;

use crate::brief::{brief, brief_of, shortened};
use crate::run::{is_refusal, refusal_text};
use crate::runs::end_text;
use crate::{Frame, InsightError, Local};

/// Characters of a message's text in a timeline.
const BODY_CHARS_MAX: usize = 80;

/// A line of a timeline.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MomentLine {
    /// When.
    pub at: Local,
    /// What kind of thing happened.
    pub kind: MomentKind,
    /// What: a type of event, a workflow, a template, a tag, a segment.
    pub title: String,
    /// Where it stands, for what has states.
    pub status: Option<String>,
    /// More about it, in one line.
    pub detail: String,
    /// What did not happen, and why.
    pub not: Vec<WhyNot>,
    /// The id of the run or message, or the place of the event in the log.
    pub id: Option<String>,
}

/// What kind of thing a line is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MomentKind {
    /// Something happened.
    Event,
    /// A run began.
    Run,
    /// A message was planned.
    Message,
    /// A tag was put on.
    Tag,
    /// They went into a segment.
    Segment,
}

impl MomentKind {
    /// The name for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Run => "run",
            Self::Message => "message",
            Self::Tag => "tag",
            Self::Segment => "segment",
        }
    }
}

/// Something that did not happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WhyNot {
    /// What: a workflow that did not start, a step that was refused, a message that was not sent.
    pub what: String,
    /// Why.
    pub why: String,
}

/// The line of a moment; none when another line of the timeline says the same with more.
pub(super) async fn line(
    inspect: &dyn Inspect,
    frame: &Frame,
    image: &CustomerImage,
    moment: Moment,
) -> Result<Option<MomentLine>, InsightError> {
    Ok(match moment {
        Moment::Event(event) if is_told_by_state(image, &event) => None,
        Moment::Event(event) => Some(event_line(frame, &event)),
        Moment::Run(run) => Some(run_line(inspect, frame, &run).await?),
        Moment::Message(message) => Some(message_line(frame, &message)),
        Moment::Tag(tag, mark) => Some(tag_line(frame, &tag, &mark)),
        Moment::Segment(row) => row.is_member.then(|| segment_line(frame, &row)),
    })
}

/// Whether a tag or a segment that the customer still has came with this event: then the tag's own line tells more.
fn is_told_by_state(image: &CustomerImage, event: &EventRow) -> bool {
    let data = json::parse(&event.data).unwrap_or(Value::Null);
    let text = |name: &str| data.get(name).and_then(Value::as_str);
    match event.event_type.as_str() {
        "tag.added" => text("tag").is_some_and(|tag| {
            image.customer.tags.get(tag).is_some_and(|mark| mark.added_at == event.occurred_at)
        }),
        "segment.entered" => image.segments.iter().any(|row| {
            row.is_member
                && row.since == event.occurred_at
                && text("segment") == Some(row.segment.as_str())
                && text("playbook").is_none_or(|name| name == row.playbook.as_str())
        }),
        _ => false,
    }
}

fn event_line(frame: &Frame, event: &EventRow) -> MomentLine {
    let mut detail = brief(&frame.zone, &event.data);
    // A webhook's second or two is no news.
    let late_minutes = event.recorded_at.since(event.occurred_at).as_millis() / 60_000;
    if late_minutes > 0 {
        let late = DurationMs::from_millis(late_minutes * 60_000);
        detail = format!("{detail} (told {late} later)").trim_start().to_owned();
    }
    MomentLine {
        at: frame.local(event.occurred_at),
        kind: MomentKind::Event,
        title: event.event_type.to_string(),
        status: None,
        detail,
        not: not_started(frame, &event.outcome),
        id: Some(event.seq.0.to_string()),
    }
}

/// Workflows that an event did not start, from its row's outcome.
fn not_started(frame: &Frame, outcome: &str) -> Vec<WhyNot> {
    let outcome = json::parse_within(outcome, usize::MAX).unwrap_or(Value::Null);
    let not = outcome.get("not").and_then(Value::as_map).cloned().unwrap_or_default();
    let why = |value: &Value| value.as_str().map_or_else(|| brief_of(&frame.zone, value), str::to_owned);
    not.iter().map(|(what, value)| WhyNot { what: what.to_string(), why: why(value) }).collect()
}

async fn run_line(
    inspect: &dyn Inspect,
    frame: &Frame,
    run: &RunSummary,
) -> Result<MomentLine, InsightError> {
    let mut not = Vec::new();
    if run.journal_rows > 0
        && let Some(found) = inspect.run(run.id).await?
    {
        let refusals = found.journal.iter().filter(|row| is_refusal(row.entry.kind));
        not.extend(refusals.map(|row| WhyNot {
            what: row.entry.step.as_ref().map(ToString::to_string).unwrap_or_default(),
            why: refusal_text(frame, row.entry.detail.as_deref()),
        }));
    }
    if let Some(RunEnd::Cancelled { reason }) = &run.end {
        not.push(WhyNot { what: run.target.name(), why: reason.clone() });
    }
    let detail = match (&run.end, run.ended_at) {
        (Some(RunEnd::Completed { outcome }), Some(at)) if outcome == "done" => {
            format!("until {}", frame.local(at).minute())
        }
        (Some(end), Some(at)) => {
            format!("{} at {}", shortened(&end_text(end), BODY_CHARS_MAX), frame.local(at).minute())
        }
        _ => String::new(),
    };
    Ok(MomentLine {
        at: frame.local(run.started_at),
        kind: MomentKind::Run,
        title: run.target.name(),
        status: Some(run.phase.as_str().to_owned()),
        detail,
        not,
        id: Some(run.id.to_string()),
    })
}

fn message_line(frame: &Frame, message: &Message) -> MomentLine {
    let mut not = Vec::new();
    let title = message.template.to_string();
    if message.due_at > message.planned_at {
        let due_at = frame.local(message.due_at).minute();
        let why = match message.attempts {
            // Nothing but quiet hours moves a message that no channel has seen.
            0 => format!("quiet_hours: not before {due_at}"),
            tries => format!("the channel was tried {tries} times, last for {due_at}"),
        };
        not.push(WhyNot { what: format!("{title} at once"), why });
    }
    if let Some(why) = stopped(frame, message) {
        not.push(WhyNot { what: title.clone(), why });
    }
    MomentLine {
        at: frame.local(message.planned_at),
        kind: MomentKind::Message,
        title,
        status: Some(message.status.as_str().to_owned()),
        detail: format!("{}: {}", message.channel, shortened(&message.body, BODY_CHARS_MAX)),
        not,
        id: Some(message.id.to_string()),
    }
}

/// Why a message did not reach the customer.
fn stopped(frame: &Frame, message: &Message) -> Option<String> {
    let reason = message.reason.clone();
    match message.status {
        MessageStatus::Blocked | MessageStatus::Failed | MessageStatus::Cancelled => {
            Some(reason.unwrap_or_else(|| "no reason was kept".to_owned()))
        }
        MessageStatus::Expired => {
            let expired = format!("not sent before {}", frame.local(message.expires_at).minute());
            Some(reason.map_or_else(|| expired.clone(), |reason| format!("{expired}: {reason}")))
        }
        _ => None,
    }
}

fn tag_line(frame: &Frame, tag: &Tag, mark: &TagMark) -> MomentLine {
    let mut parts = vec![format!("by {}", mark.source)];
    if mark.effective_at != mark.added_at {
        parts.push(format!("true since {}", frame.local(mark.effective_at).minute()));
    }
    parts.extend(mark.evidence.as_ref().map(|evidence| format!("because of {evidence}")));
    if mark.confidence_percent < 100 {
        parts.push(format!("{} % sure", mark.confidence_percent));
    }
    parts.extend(mark.expires_at.map(|at| format!("until {}", frame.local(at).minute())));
    MomentLine {
        at: frame.local(mark.added_at),
        kind: MomentKind::Tag,
        title: tag.to_string(),
        status: Some("on".to_owned()),
        detail: parts.join(", "),
        not: Vec::new(),
        id: None,
    }
}

fn segment_line(frame: &Frame, row: &SegmentRow) -> MomentLine {
    MomentLine {
        at: frame.local(row.since),
        kind: MomentKind::Segment,
        title: row.segment.to_string(),
        status: Some("inside".to_owned()),
        detail: format!("of {}", row.playbook),
        not: Vec::new(),
        id: None,
    }
}
