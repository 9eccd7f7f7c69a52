//! What frames a report: the zone whose days count, the instant that is now, and the playbooks in force.

use std::sync::Arc;

use siyu_engine::ports::inspect::{EventFilter, Inspect, PlaybookVersion, Turn};
use siyu_model::clock::{TimeError, UtcMs, Zone};
use siyu_model::digest::PlaybookDigest;
use siyu_model::limits::inspect::PAGE_ROWS_MAX;
use siyu_model::name::PlaybookName;
use siyu_model::playbook::Playbook;

use crate::walk::Walk;
use crate::{InsightError, Local};

/// What frames a report.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Whose days and months count.
    pub zone: Zone,
    /// Now: when the last event was recorded; 1970 when there is none.
    pub as_of: UtcMs,
    /// The active playbooks, or the one that was asked for, by name.
    pub playbooks: Vec<Arc<Playbook>>,
}

impl Frame {
    /// The frame of a tenant: of all its active playbooks, or of one. UTC where nothing is published.
    pub async fn of(inspect: &dyn Inspect, only: Option<&PlaybookName>) -> Result<Self, InsightError> {
        let active = active(inspect).await?;
        let mut playbooks = Vec::new();
        for version in active.iter().filter(|version| only.is_none_or(|name| *name == version.name)) {
            playbooks.extend(playbook(inspect, &version.name, version.digest).await?);
        }
        if let Some(found) = only.filter(|_| playbooks.is_empty()) {
            let names: Vec<&str> = active.iter().map(|version| version.name.as_str()).collect();
            let known = match names.as_slice() {
                [] => "none is published".to_owned(),
                names => format!("expected one of {}", names.join(", ")),
            };
            return Err(InsightError::UnknownPlaybook { found: found.to_string(), known });
        }
        Ok(Self { zone: zone(&playbooks)?, as_of: last_instant(inspect).await?, playbooks })
    }

    /// The playbooks in force, by name, whatever their zones.
    pub async fn active(inspect: &dyn Inspect) -> Result<Vec<Arc<Playbook>>, InsightError> {
        let mut playbooks = Vec::new();
        for version in active(inspect).await? {
            playbooks.extend(playbook(inspect, &version.name, version.digest).await?);
        }
        Ok(playbooks)
    }

    /// An instant as people write it: RFC 3339, or a day, which begins at midnight of the zone.
    pub fn instant(&self, text: &str) -> Result<UtcMs, TimeError> {
        // What reads as a day has no time in it.
        let midnight = format!("{text}T00:00:00");
        match midnight.parse() {
            Ok(local) => Ok(self.zone.instant(local)),
            Err(_) => text.parse(),
        }
    }

    /// An instant as people of the zone read it.
    pub fn local(&self, at: UtcMs) -> Local {
        Local::of(&self.zone, at)
    }
}

/// The active versions, by name.
async fn active(inspect: &dyn Inspect) -> Result<Vec<PlaybookVersion>, InsightError> {
    let mut versions = Walk::new(Turn::first(PAGE_ROWS_MAX), |turn| inspect.playbooks(turn));
    let mut active = Vec::new();
    while let Some(version) = versions.next().await? {
        if version.is_active {
            active.push(version);
        }
    }
    active.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(active)
}

/// One published version; none when there is no such version.
pub(crate) async fn playbook(
    inspect: &dyn Inspect,
    name: &PlaybookName,
    digest: PlaybookDigest,
) -> Result<Option<Arc<Playbook>>, InsightError> {
    let Some(row) = inspect.playbook(name, digest).await? else { return Ok(None) };
    match serde_json::from_str(&row.compiled) {
        Ok(playbook) => Ok(Some(Arc::new(playbook))),
        Err(why) => Err(InsightError::Playbook {
            name: name.to_string(),
            version: digest.short(),
            why: why.to_string(),
        }),
    }
}

fn zone(playbooks: &[Arc<Playbook>]) -> Result<Zone, InsightError> {
    let Some(first) = playbooks.first() else { return Ok(Zone::utc()) };
    if playbooks.iter().all(|playbook| playbook.zone == first.zone) {
        return Ok(first.zone.clone());
    }
    let zones: Vec<String> =
        playbooks.iter().map(|playbook| format!("{}: {}", playbook.name, playbook.zone.name())).collect();
    Err(InsightError::Zones { zones: zones.join(", ") })
}

async fn last_instant(inspect: &dyn Inspect) -> Result<UtcMs, InsightError> {
    let last = inspect.events(EventFilter::default(), Turn::first(1)).await?;
    Ok(last.items.first().map_or(UtcMs::EPOCH, |event| event.recorded_at))
}
