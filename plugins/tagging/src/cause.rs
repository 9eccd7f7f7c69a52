//! The event behind a call, as far as tags need it.

use siyu_plugin::context;
use siyu_plugin::prelude::*;

use crate::book::{Chain, Memory};

/// How long an event that rules led to may wait for its reaction: far more than a busy host needs.
const MOMENT: Duration = Duration::seconds(10);

/// An event.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
pub struct Cause {
    /// Unique within its source.
    pub id: String,
    /// What happened, such as `order.paid`.
    #[serde(rename = "type")]
    pub event_type: String,
    /// When it happened.
    pub time: Instant,
    /// Its facts.
    #[serde(default)]
    pub data: CauseData,
}

/// What is read of an event's facts; any of them may be anything in events of others.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
pub struct CauseData {
    /// The tag that changed.
    #[serde(default)]
    pub tag: serde_json::Value,
    /// The group that is due.
    #[serde(default)]
    pub group: serde_json::Value,
}

impl Cause {
    /// The event that started the call's run; none in a run that no event started.
    pub(crate) fn of_run() -> Result<Option<Self>, Error> {
        let call = context::current();
        let Some(text) = call.event_json.as_deref() else {
            return Ok(None);
        };
        let cause = serde_json::from_str(text);
        cause
            .map(Some)
            .map_err(|fault| Error::invalid(format!("the event is not what was expected: {fault}")))
    }

    /// What rules did that led to this event: it is about a tag that they changed a moment ago. Where time has passed since, there
    /// is no loop.
    pub(crate) fn chain<'a>(&self, memory: &'a Memory, now: Instant) -> Option<&'a Chain> {
        let tag = self.data.tag.as_str().unwrap_or_default();
        memory.chain.as_ref().filter(|chain| {
            self.event_type.starts_with("tag.")
                && (chain.since..=chain.at).contains(&self.time)
                && now.since(self.time) <= MOMENT
                && chain.tags.contains(tag)
        })
    }
}
