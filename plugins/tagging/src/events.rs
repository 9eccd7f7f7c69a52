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

/// A part of a list of tags was imported (导入完成).
#[derive(Debug, Serialize, JsonSchema)]
pub struct TaggingImported {
    /// The list.
    pub batch: String,
    /// Which part of it.
    pub part: u32,
    /// Its rows.
    pub rows: u64,
    /// Tags that were put on.
    pub added: u64,
    /// Tags that were taken off by the list.
    pub removed: u64,
    /// Rows that said what was so already.
    pub unchanged: u64,
    /// Rows that have a line in the report.
    pub bad: u64,
}

impl Event for TaggingImported {
    const TYPE: &'static str = "tagging.imported";
}

/// Tags of the customer changed that WeCom is to know: a connector asks `outgoing` for each relation. Changes within two
/// seconds are one event.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TaggingPush {}

impl Event for TaggingPush {
    const TYPE: &'static str = "tagging.push";
}

/// WeCom did not take tags, and will not (标签同步失败).
#[derive(Debug, Serialize, JsonSchema)]
pub struct TaggingSyncFailed {
    /// The staff member whose relation it is.
    pub staff: String,
    /// WeCom's `errcode`.
    pub errcode: i64,
    /// Tries so far.
    pub attempts: u32,
    /// Tags that were not put on.
    pub add: Vec<String>,
    /// Tags that were not taken off.
    pub remove: Vec<String>,
}

impl Event for TaggingSyncFailed {
    const TYPE: &'static str = "tagging.sync_failed";
}
