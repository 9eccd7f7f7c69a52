//! Publishing a playbook: all of it comes into force in one commit, or none of it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use siyu_model::clock::DurationMs;
use siyu_model::digest::PlaybookDigest;
use siyu_model::json;
use siyu_model::name::{EventType, OfferName, PlaybookName, PluginName, ResourceName};
use siyu_model::playbook::{Playbook, Resource};
use siyu_model::plugin::{Answer, CapabilitySet, Fault};

use crate::books::ResourceKey;
use crate::call::{self, Calling};
use crate::memory::{Halt, MemoryCell, Worked};
use crate::ports::plugins::Entry;
use crate::ports::rows::{PlaybookRow, ResourceRow, ScanPurpose};

/// A checked playbook to publish.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Publication {
    /// The playbook.
    pub playbook: Arc<Playbook>,
    /// The files as they were written: path and text.
    pub files: Vec<(String, String)>,
    /// What it may take the place of.
    #[serde(default)]
    pub replaces: Replaces,
}

/// What a publication may take the place of. It is looked at in the commit that puts the new version into force, so that
/// of two people who publish over the same version one is told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Replaces {
    /// Whatever is in force.
    #[default]
    Anything,
    /// Nothing: the playbook must not be in force yet.
    Nothing,
    /// This version, which must be in force.
    Version(PlaybookDigest),
}

impl Replaces {
    /// Whether it may take the place of this.
    pub fn allows(self, in_force: Option<PlaybookDigest>) -> bool {
        match self {
            Self::Anything => true,
            Self::Nothing => in_force.is_none(),
            Self::Version(expected) => in_force == Some(expected),
        }
    }
}

/// What a publication did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// The version.
    pub digest: PlaybookDigest,
    /// Whether this version was active already; then nothing changed.
    pub is_unchanged: bool,
    /// Definitions that came into force, changed ones included.
    pub resources: usize,
    /// Definitions that went.
    pub resources_gone: usize,
}

/// Why a playbook was not published. Nothing of it is in force.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PublishError {
    /// A plugin cannot be called with what it is granted.
    #[error("plugin {plugin}: {fault}")]
    Plugin {
        /// The plugin.
        plugin: PluginName,
        /// Why.
        fault: Box<Fault>,
    },
    /// A plugin cannot be loaded.
    #[error(transparent)]
    Unready(Box<Fault>),
    /// Another version is in force than the one that was to be replaced.
    #[error("another version is in force than the one that was to be replaced: {}", told(.in_force))]
    Overtaken {
        /// That version; none when none is.
        in_force: Option<PlaybookDigest>,
    },
    /// Another playbook has a definition of the same name.
    #[error("{plugin}/{kind} `{name}` is already defined by playbook {by}: names are unique within a tenant")]
    Taken {
        /// The plugin.
        plugin: PluginName,
        /// The kind.
        kind: OfferName,
        /// The name.
        name: ResourceName,
        /// Who has it.
        by: PlaybookName,
    },
    /// A plugin did not take a definition.
    #[error("{plugin}/{kind} `{name}`: {fault}")]
    Resource {
        /// The plugin.
        plugin: PluginName,
        /// The kind.
        kind: OfferName,
        /// The name.
        name: ResourceName,
        /// Why.
        fault: Box<Fault>,
    },
}

fn told(in_force: &Option<PlaybookDigest>) -> String {
    in_force.map_or_else(|| "none is".to_owned(), |digest| digest.to_string())
}

/// Publishes a playbook.
pub(crate) fn publish(
    cell: &mut MemoryCell,
    publication: Publication,
) -> Worked<Result<Published, PublishError>> {
    let playbook = publication.playbook.clone();
    let digest = playbook.digest();
    let in_force = cell.books.active(&playbook.name).map(|(active, _)| *active);
    // Whoever lost the answer and asks again replaces nothing, whatever they meant to replace.
    if in_force == Some(digest) {
        return Ok(Ok(Published { digest, is_unchanged: true, resources: 0, resources_gone: 0 }));
    }
    if !publication.replaces.allows(in_force) {
        return Ok(Err(PublishError::Overtaken { in_force }));
    }
    if let Err(error) = check(cell, &playbook) {
        return Ok(Err(error));
    }
    let savepoint = cell.savepoint();
    let mut rows = Vec::new();
    for resource in &playbook.resources {
        match apply(cell, &playbook, resource)? {
            Ok(Some(row)) => rows.push(row),
            Ok(None) => {}
            Err(error) => {
                cell.roll_back(savepoint);
                return Ok(Err(error));
            }
        }
    }
    cell.release(savepoint);
    let gone = gone(cell, &playbook);
    let published =
        Published { digest, is_unchanged: false, resources: rows.len(), resources_gone: gone.len() };
    for row in rows.into_iter().chain(gone) {
        cell.books.put_resource(row.clone());
        cell.write_resource(row);
    }
    put_into_force(cell, publication, digest)?;
    Ok(Ok(published))
}

fn check(cell: &MemoryCell, playbook: &Playbook) -> Result<(), PublishError> {
    for (plugin, used) in &playbook.plugins {
        let granted = used.grants.iter().copied().fold(CapabilitySet::without_grant(), CapabilitySet::with);
        cell.plugins
            .check_grants(&used.digest, granted)
            .map_err(|fault| PublishError::Plugin { plugin: plugin.clone(), fault: Box::new(fault) })?;
    }
    for resource in &playbook.resources {
        let known = cell.books.resource_at(&key_of(resource)).filter(|row| row.playbook != playbook.name);
        if let Some(row) = known {
            let Resource { plugin, kind, name, .. } = resource.clone();
            return Err(PublishError::Taken { plugin, kind, name, by: row.playbook.clone() });
        }
    }
    Ok(())
}

fn key_of(resource: &Resource) -> ResourceKey {
    (resource.plugin.clone(), resource.kind.clone(), resource.name.clone())
}

/// Lets the plugin put a definition into force; none when it is in force as it is, with the same plugin.
fn apply(
    cell: &mut MemoryCell,
    playbook: &Arc<Playbook>,
    resource: &Resource,
) -> Worked<Result<Option<ResourceRow>, PublishError>> {
    let body: Arc<str> = json::print(&resource.body).unwrap_or_default().into();
    let plugin_digest = |playbook: &Playbook| playbook.plugins.get(&resource.plugin).map(|used| used.digest);
    let before = cell.books.active(&playbook.name).and_then(|(_, before)| plugin_digest(before));
    let is_same =
        cell.books.resource_at(&key_of(resource)).is_some_and(|row| row.body.as_ref() == Some(&body));
    if is_same && before == plugin_digest(playbook) {
        return Ok(Ok(None));
    }
    let calling = Calling {
        playbook,
        plugin: &resource.plugin,
        id: format!("apply/{}/{}/{}/{}", resource.plugin, resource.kind, resource.name, playbook.digest()),
        run: None,
        step: None,
        customer: None,
        event: None,
        attempt: 1,
        depth: 0,
    };
    let (kind, name) = (resource.kind.as_str(), resource.name.as_str());
    let answer = call::call(cell, calling, Entry::Apply { kind, name, definition: &body })?.outcome;
    let refused = |fault: Fault| {
        let Resource { plugin, kind, name, .. } = resource.clone();
        PublishError::Resource { plugin, kind, name, fault: Box::new(fault) }
    };
    let reactions = match answer {
        Ok(Answer::Done(text)) => reactions(&text),
        Ok(Answer::Refused(refusal)) => Err(Fault::permanent(refusal.code, refusal.message)),
        Err(fault) => Err(fault),
    };
    Ok(reactions.map_err(refused).map(|reactions| {
        Some(ResourceRow {
            plugin: resource.plugin.clone(),
            kind: resource.kind.clone(),
            name: resource.name.clone(),
            playbook: playbook.name.clone(),
            body: Some(body),
            reactions,
        })
    }))
}

/// `[{"event": …, "step": …}]`
fn reactions(text: &str) -> Result<Vec<(EventType, OfferName)>, Fault> {
    #[derive(serde::Deserialize)]
    struct Reaction {
        event: EventType,
        step: OfferName,
    }
    let found: Vec<Reaction> = serde_json::from_str(text).map_err(|why| {
        Fault::permanent(
            "BAD_REACTIONS",
            format!("`apply` gave {text}, expected a list of {{event, step}}: {why}"),
        )
    })?;
    Ok(found.into_iter().map(|reaction| (reaction.event, reaction.step)).collect())
}

/// Definitions of the active version that the new one does not have.
fn gone(cell: &MemoryCell, playbook: &Playbook) -> Vec<ResourceRow> {
    let kept = |row: &ResourceRow| {
        playbook.resources.iter().any(|resource| {
            resource.plugin == row.plugin && resource.kind == row.kind && resource.name == row.name
        })
    };
    let before = cell.books.resources_from(&playbook.name).into_iter();
    before.filter(|row| !kept(row)).map(|row| ResourceRow { body: None, ..row }).collect()
}

fn put_into_force(cell: &mut MemoryCell, publication: Publication, digest: PlaybookDigest) -> Worked<()> {
    let playbook = publication.playbook.clone();
    let name = playbook.name.clone();
    let before = cell.books.active(&name).cloned();
    if let Some((digest, before)) = &before {
        // Only that it is not active any more is written: a version never changes.
        let old = Publication { playbook: before.clone(), files: Vec::new(), replaces: Replaces::Anything };
        let old = PlaybookRow { is_active: false, ..row(cell, old, *digest)? };
        cell.write_playbook(old);
    }
    let new = row(cell, publication, digest)?;
    cell.write_playbook(new);
    let before = before.map(|(_, before)| before.segments.clone()).unwrap_or_default();
    cell.books.activate(digest, playbook.clone());
    crate::schedule::plan_schedule(cell, &name)?;
    for (segment, found) in &playbook.segments {
        if before.get(segment).is_none_or(|before| before.condition != found.condition) {
            let purpose = ScanPurpose::Segment { playbook: name.clone(), segment: segment.clone() };
            crate::schedule::begin_scan(cell, purpose, DurationMs::ZERO, &digest.0)?;
        }
    }
    Ok(())
}

fn row(cell: &MemoryCell, publication: Publication, digest: PlaybookDigest) -> Worked<PlaybookRow> {
    let name = publication.playbook.name.clone();
    let compiled = serde_json::to_string(&*publication.playbook)
        .map_err(|why| Halt::Broken(format!("playbook {name} has no JSON form: {why}")))?;
    Ok(PlaybookRow {
        name,
        digest,
        compiled: compiled.into(),
        files: publication.files,
        published_at: cell.now,
        is_active: true,
    })
}
