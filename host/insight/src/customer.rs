//! One customer: who they are, and one timeline of all that happened to them and all that did not, with why.

mod moments;

use serde::Serialize;
use siyu_engine::ports::inspect::{Inspect, Turn};
use siyu_engine::ports::store::CustomerImage;
use siyu_model::event::Subject;
use siyu_model::id::{CustomerId, RunId};
use siyu_model::json::Value;

pub use moments::{MomentKind, MomentLine, WhyNot};

use crate::{Frame, InsightError, Local};

/// A customer with a page of their timeline.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CustomerStory {
    /// Who they are.
    pub customer: CustomerHead,
    /// What happened, newest first.
    pub moments: Vec<MomentLine>,
    /// The cursor of the next page; none at the end.
    pub next: Option<String>,
}

/// Who a customer is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CustomerHead {
    /// Siyu's own id.
    pub id: CustomerId,
    /// When the host first met them.
    pub created_at: Local,
    /// Their names in outside systems, such as `shop:00042`.
    pub identities: Vec<String>,
    /// What is known of them.
    pub attributes: Value,
    /// What they did, by type of event.
    pub facts: Vec<FactLine>,
    /// What they are marked with.
    pub tags: Vec<TagLine>,
    /// The segments they are in.
    pub segments: Vec<SegmentLine>,
    /// Runs that wait for their events.
    pub waits: Vec<WaitLine>,
}

/// What a customer did of one type.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FactLine {
    /// Which events.
    pub event_type: String,
    /// How many.
    pub count: u64,
    /// Sum of their amounts, fen.
    pub sum_fen: i64,
    /// When the earliest happened.
    pub first_at: Local,
    /// When the latest happened.
    pub last_at: Local,
}

/// A tag, with where it came from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TagLine {
    /// The tag.
    pub tag: String,
    /// Who set it.
    pub source: String,
    /// When it was put on.
    pub added_at: Local,
    /// Since when it is true.
    pub effective_at: Local,
    /// When it goes off by itself.
    pub expires_at: Option<Local>,
    /// How sure the source is, 0 to 100.
    pub confidence_percent: u8,
    /// The event behind it.
    pub evidence: Option<String>,
}

/// A segment that a customer is in.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SegmentLine {
    /// Whose segment.
    pub playbook: String,
    /// Which.
    pub segment: String,
    /// Since when.
    pub since: Local,
    /// When that may change although nothing happens.
    pub check_at: Option<Local>,
}

/// A run that waits for events of a customer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WaitLine {
    /// The run.
    pub run: RunId,
    /// Which events.
    pub events: Vec<String>,
}

/// A customer by id or by an outside name, with a page of their timeline; none when nobody is called that.
pub async fn customer(
    inspect: &dyn Inspect,
    frame: &Frame,
    who: Subject,
    turn: Turn,
) -> Result<Option<CustomerStory>, InsightError> {
    let Some(image) = inspect.customer(who).await? else { return Ok(None) };
    let page = inspect.timeline(image.customer.id, turn).await?;
    let mut moments = Vec::new();
    for moment in page.items {
        moments.extend(moments::line(inspect, frame, &image, moment).await?);
    }
    let next = page.next.map(|next| next.to_string());
    Ok(Some(CustomerStory { customer: head(frame, &image), moments, next }))
}

fn head(frame: &Frame, image: &CustomerImage) -> CustomerHead {
    let customer = &image.customer;
    CustomerHead {
        id: customer.id,
        created_at: frame.local(customer.created_at),
        identities: customer.identities.iter().map(ToString::to_string).collect(),
        attributes: customer.attributes.clone(),
        facts: facts(frame, image),
        tags: tags(frame, image),
        segments: image
            .segments
            .iter()
            .filter(|row| row.is_member)
            .map(|row| SegmentLine {
                playbook: row.playbook.to_string(),
                segment: row.segment.to_string(),
                since: frame.local(row.since),
                check_at: row.check_at.map(|at| frame.local(at)),
            })
            .collect(),
        waits: image
            .waits
            .iter()
            .map(|wait| WaitLine {
                run: wait.run,
                events: wait.event_types.iter().map(ToString::to_string).collect(),
            })
            .collect(),
    }
}

fn facts(frame: &Frame, image: &CustomerImage) -> Vec<FactLine> {
    let facts = image.customer.facts.iter();
    facts
        .map(|(event_type, fact)| FactLine {
            event_type: event_type.to_string(),
            count: fact.count,
            sum_fen: fact.sum_fen,
            first_at: frame.local(fact.first_at),
            last_at: frame.local(fact.last_at),
        })
        .collect()
}

fn tags(frame: &Frame, image: &CustomerImage) -> Vec<TagLine> {
    let tags = image.customer.tags.iter();
    tags.map(|(tag, mark)| TagLine {
        tag: tag.to_string(),
        source: mark.source.clone(),
        added_at: frame.local(mark.added_at),
        effective_at: frame.local(mark.effective_at),
        expires_at: mark.expires_at.map(|at| frame.local(at)),
        confidence_percent: mark.confidence_percent,
        evidence: mark.evidence.clone(),
    })
    .collect()
}
