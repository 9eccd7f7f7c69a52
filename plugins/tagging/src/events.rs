//! Events of this plugin. Tags that come and go are the host's events: `tag.added`, `tag.removed`, `tag.expired`.

use siyu_plugin::prelude::*;

/// Time alone may have changed what a rule says of the customer: the group is evaluated again.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TaggingDue {
    /// The group.
    pub group: String,
}

impl Event for TaggingDue {
    const TYPE: &'static str = "tagging.due";
}

/// A tag was not put on because of an event that is older than the one behind the standing tag (迟到事件): it is recorded
/// here and changes nothing.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TaggingOverruled {
    /// The tag that was not put on.
    pub tag: String,
    /// Its group.
    pub group: String,
    /// Who wanted it.
    pub source: String,
    /// When it would have been true.
    pub effective_at: Instant,
    /// The tag that stays.
    pub standing: String,
    /// Who put that on.
    pub standing_source: String,
    /// Since when that is true.
    pub standing_since: Instant,
}

impl Event for TaggingOverruled {
    const TYPE: &'static str = "tagging.overruled";
}
