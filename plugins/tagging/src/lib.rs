//! Tags of customers (打标签): exclusive and multi groups, rules over facts, expiry, provenance, import and back-fill.
//!
//! The host keeps the tags and records `tag.added`, `tag.removed` and `tag.expired`. This plugin keeps the rules of groups: what
//! excludes what, who may write, who wins, for how long. It never sends anything, and never looks at more than one customer
//! where a customer is served.

mod backfill;
mod book;
mod cause;
mod conditions;
mod erase;
mod evaluate;
mod evaluating;
mod events;
mod group;
mod import;
mod lapse;
mod list;
mod merge;
mod name;
mod placing;
mod react;
pub mod refusals;
#[cfg(test)]
mod testing;
mod wecom;
mod withdraw;
mod write;
mod writing;

pub use backfill::{Backfill, Backfilled, Count, Report, Reported};
pub use book::Removed;
pub use cause::{Cause, CauseData};
pub use erase::{Erase, Erased};
pub use evaluate::Evaluate;
pub use evaluating::{Evaluated, Failed, Overruled};
pub use events::{TaggingDue, TaggingImported, TaggingOverruled, TaggingPush, TaggingSyncFailed};
pub use group::{Category, Decay, Group, Hysteresis, Mode, OnFull, Rule, TtlMode, WecomSync, Writer};
pub use import::{Import, Imported, Line};
pub use lapse::{Lapse, Lapsed};
pub use list::{HeldOff, List, Listed, Listing};
pub use merge::{Merge, Merged};
pub use placing::Why;
pub use react::{LookAgain, React};
pub use wecom::{Change, Next, Outgoing, Queue, Queued, Receive, Received, Synced};
pub use withdraw::{Withdraw, Withdrawn};
pub use write::{Add, Remove, Set, Values, Written};

use siyu_plugin::Event;

/// A text of somebody's, short enough for a message.
fn shown(text: &str) -> String {
    text.chars().take(64).collect()
}

siyu_plugin::export! {
    name: "tagging",
    version: env!("CARGO_PKG_VERSION"),
    summary: "Tags of customers (打标签): exclusive and multi groups, rules over facts, expiry, provenance, import and back-fill.",
    steps: [
        Evaluate, Add, Remove, Set, List, Import, Backfill, Report, Merge, Erase, Outgoing, Synced, Receive, React, LookAgain,
        Lapse, Withdraw, Queue,
    ],
    resources: [Group],
    events: [TaggingDue, TaggingOverruled, TaggingImported, TaggingPush, TaggingSyncFailed],
    reactions: {
        TaggingDue::TYPE => LookAgain,
        "tag.expired" => Lapse,
    },
    capabilities: {
        Counters: "counts the customers who have a tag",
        Customers: "reads a customer's tags, puts tags on and takes them off",
        Events: "plans the next look at a rule that time changes, and records imports, late events and what WeCom is to know",
        Expressions: "looks at the conditions of rules",
        Records: "remembers what people took off, and which events groups follow",
        Resources: "reads the groups that an operator defined",
    },
}
