//! A playbook as it is published: checked, immutable, with everything a run needs.
//!
//! A value of these types comes from the checks of the `workflow` crate, or from the store, where such a value was put.

mod contact;
mod course;
mod program;
mod workflow;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use contact::{Consent, ContactPolicy, MessageTemplate, QuietHours};
pub use program::{
    Action, Arm, Branch, Correlation, DurationSource, MatchKey, Node, NodeId, OnError, OnRefused, Place,
    Program, Retry, Since,
};
pub use workflow::{
    Audience, CatchUp, Concurrency, Goal, GoalSense, OnConflict, Reentry, Trigger, Who, Workflow,
};

use crate::clock::Zone;
use crate::digest::{PlaybookDigest, PluginDigest};
use crate::expr::Expr;
use crate::json::Value;
use crate::name::{
    ChannelName, OfferName, PlaybookName, PluginName, ResourceName, SegmentName, TemplateName, WorkflowName,
};
use crate::plugin::{Capability, Reaction, Version};

/// What an agency sells to a client: workflows, resources, templates, segments and the rights of plugins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Playbook {
    /// Its name.
    pub name: PlaybookName,
    /// For people.
    pub title: String,
    /// For calendar days, cron patterns and quiet hours.
    pub zone: Zone,
    /// Constants that expressions read as `vars`.
    pub vars: Value,
    /// The plugins it uses, with the version and content it was checked with.
    pub plugins: BTreeMap<PluginName, PluginUse>,
    /// The channels it sends over.
    pub channels: Vec<ChannelName>,
    /// Rules of contact.
    pub contact: ContactPolicy,
    /// Named expressions over a customer.
    pub segments: BTreeMap<SegmentName, Segment>,
    /// Message templates.
    pub templates: BTreeMap<TemplateName, MessageTemplate>,
    /// Workflows by name.
    pub workflows: BTreeMap<WorkflowName, Arc<Workflow>>,
    /// Definitions for plugins.
    pub resources: Vec<Resource>,
}

impl Playbook {
    /// The digest of this version: BLAKE3 of its compiled form, plugins' digests included.
    pub fn digest(&self) -> PlaybookDigest {
        // Every type inside serialises: maps have text keys and floats are finite.
        let form = serde_json::to_vec(self).unwrap_or_default();
        PlaybookDigest(*blake3::hash(&form).as_bytes())
    }
}

/// A plugin as a playbook uses it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PluginUse {
    /// The version it was checked with.
    pub version: Version,
    /// The content it was checked with.
    pub digest: PluginDigest,
    /// What it may do here.
    pub grants: Vec<Capability>,
    /// Its steps that run by themselves.
    pub reactions: Vec<Reaction>,
}

/// A named expression over a customer, kept up to date by events and by time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// For people.
    pub title: String,
    /// Who is in it.
    pub condition: Expr,
}

/// A definition that an operator wrote for a plugin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resource {
    /// Whose kind it is.
    pub plugin: PluginName,
    /// The kind.
    pub kind: OfferName,
    /// Its name; unique for plugin and kind within a tenant.
    pub name: ResourceName,
    /// The definition.
    pub body: Value,
}
