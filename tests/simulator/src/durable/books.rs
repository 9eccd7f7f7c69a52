//! What journals say that plugins did: how much was taken, sold and refused, and what was done twice or too early.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value;
use siyu_engine::ports::rows::JournalRow;
use siyu_model::clock::UtcMs;
use siyu_model::id::RunId;
use siyu_model::journal::JournalKind;
use siyu_model::name::StepId;

/// What the lines of all journals add up to.
#[derive(Default)]
pub struct Books {
    /// What must be used of each counter of `box`.
    pub counters: BTreeMap<String, i64>,
    /// What must be sold of each pool, reservations left out.
    pub sold: BTreeMap<String, i64>,
    done: HashSet<(RunId, u32, StepId)>,
    messages: HashSet<String>,
    /// Until when fibers wait, and whether for an event.
    waiting: HashMap<(RunId, u32), (Option<UtcMs>, bool)>,
}

impl Books {
    /// Takes a line in; says what is wrong with it.
    pub(super) fn take(&mut self, line: &JournalRow) -> Result<(), String> {
        let entry = &line.entry;
        let detail: Value =
            entry.detail.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        self.in_time(line, &detail)?;
        if let Some(did) = did(entry.kind, &detail) {
            let step = entry.step.clone().ok_or("a call without a step")?;
            if !self.done.insert((line.run, entry.fiber, step.clone())) {
                return Err(format!("step {step} of fiber {} was done twice", entry.fiber));
            }
            self.count(did);
        }
        let planned = match entry.kind {
            JournalKind::Planned => detail["message"].as_str(),
            JournalKind::Refused if detail["status"] == "blocked" => detail["message"].as_str(),
            _ => None,
        };
        match planned {
            Some(id) if !self.messages.insert(id.to_owned()) => {
                Err(format!("message {id} was planned twice"))
            }
            _ => Ok(()),
        }
    }

    fn count(&mut self, did: &Value) {
        let units = did["units"].as_i64().unwrap_or(0);
        let (key, pool) = (did["key"].as_str().unwrap_or(""), did["pool"].as_str().unwrap_or(""));
        let mut add = |key: &str, units: i64| *self.counters.entry(key.to_owned()).or_default() += units;
        add("calls", 1);
        match did["box"].as_str() {
            Some("take") if did["ok"] == true => add(key, units),
            Some("give") => add(key, -units),
            Some("refusal") => add("refusals", 1),
            Some("sell") if did["ok"] == true => *self.sold.entry(pool.to_owned()).or_default() += units,
            _ => {}
        }
    }

    /// No wait ends before its time, and none takes an event after it.
    fn in_time(&mut self, line: &JournalRow, detail: &Value) -> Result<(), String> {
        let (entry, place) = (&line.entry, (line.run, line.entry.fiber));
        match entry.kind {
            JournalKind::Waiting => {
                let until = detail["until"].as_str().and_then(|text| text.parse().ok());
                self.waiting.insert(place, (until, detail.get("events").is_some()));
            }
            JournalKind::Paused => self.waiting.retain(|(run, _), _| *run != line.run),
            _ => {
                let Some((Some(until), is_event)) = self.waiting.remove(&place) else { return Ok(()) };
                let is_early = match entry.kind {
                    JournalKind::TimedOut => entry.at < until,
                    JournalKind::Done => !is_event && entry.at < until,
                    _ => false,
                };
                if is_early {
                    return Err(format!("{:?} at {}, which is before {until}", entry.kind, entry.at));
                }
                if entry.kind == JournalKind::Matched && entry.at >= until {
                    return Err(format!(
                        "an event was taken at {}, and the wait was over at {until}",
                        entry.at
                    ));
                }
            }
        }
        Ok(())
    }
}

/// What a call of `box` says that it did.
fn did(kind: JournalKind, detail: &Value) -> Option<&Value> {
    let did = match kind {
        JournalKind::Done | JournalKind::Compensated => &detail["output"],
        JournalKind::Refused => &detail["details"],
        _ => return None,
    };
    did["box"].is_string().then_some(did)
}
