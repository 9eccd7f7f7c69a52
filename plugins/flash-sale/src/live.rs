//! Opening by events of a live stream (直播触发): once a stream and threshold, however often the count passes it, and never
//! after the stream has ended.

#[cfg(test)]
mod tests;

use siyu_plugin::prelude::*;
use siyu_plugin::{context, records, resources};

use crate::opening::check_name;
use crate::sale::{By, Sale};
use crate::session::{Occurrence, Session};

/// What an event of a stream says.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Reached {
    /// The stream (直播间).
    live_id: String,
    /// The threshold that was reached.
    #[serde(default)]
    threshold: Option<u64>,
    /// The count, when no threshold is given.
    #[serde(default)]
    likes: Option<u64>,
}

/// Reacts to the `trigger.event` of sessions, such as `live.likes_reached`: opens what its thresholds ask for (点赞触发开场).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
pub(crate) struct Live(Incoming<Reached>);

/// What was opened.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct LiveOpened {
    /// Occurrences that this event opened, as `session/occurrence`.
    pub(crate) opened: Vec<String>,
}

impl Step for Live {
    const NAME: &'static str = "live";
    type Output = LiveOpened;

    fn run(self) -> Result<LiveOpened, Stop> {
        let Reached { live_id, threshold, likes } = &self.0.data;
        check_name("/data/live_id", live_id)?;
        let mut opened = Vec::new();
        if records::of_tenant().get::<Instant>(&ended_key(live_id))?.is_some() {
            return Ok(LiveOpened { opened });
        }
        let reached = threshold.or(*likes);
        for session in listeners(&self.0.event_type)? {
            let Some(terms) = resources::get::<Session>(&session)? else {
                continue;
            };
            for occurrence in due(&terms, &self.0, reached)? {
                if let Some(sale) = Sale::open(&session, &terms, occurrence, By::Call)? {
                    opened.push(format!("{session}/{}", sale.occurrence));
                }
            }
        }
        Ok(LiveOpened { opened })
    }
}

/// Occurrences that an event asks for: each threshold up to what was reached, so that a lost event loses nothing.
fn due(terms: &Session, event: &Incoming<Reached>, reached: Option<u64>) -> Result<Vec<Occurrence>, Stop> {
    let Some(trigger) =
        terms.trigger.as_ref().filter(|trigger| trigger.event.as_deref() == Some(event.event_type.as_str()))
    else {
        return Ok(Vec::new());
    };
    let live_id = &event.data.live_id;
    let names: Vec<String> = if trigger.thresholds.is_empty() {
        vec![live_id.clone()]
    } else {
        let reached = reached.ok_or_else(|| {
            Fault::invalid("/data/threshold", "the session has thresholds: expected `threshold` or `likes`")
        })?;
        let passed = trigger.thresholds.iter().filter(|threshold| **threshold <= reached);
        passed.map(|threshold| format!("{live_id}.{threshold}")).collect()
    };
    let opens_at = context::now();
    let occurrence = |name: String| {
        check_name("/data/live_id", &name)?;
        Ok(Occurrence { name, opens_at, closes_at: opens_at + trigger.duration })
    };
    names.into_iter().map(occurrence).collect()
}

/// What the end of a stream says.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Ended {
    /// The stream.
    live_id: String,
}

/// Reacts to `live.ended`: likes of that stream that arrive later open nothing (下播). What is open runs to its end.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
pub(crate) struct LiveEnded(Incoming<Ended>);

impl Step for LiveEnded {
    const NAME: &'static str = "live-ended";
    type Output = ();

    fn run(self) -> Result<(), Stop> {
        check_name("/data/live_id", &self.0.data.live_id)?;
        records::of_tenant().insert(&ended_key(&self.0.data.live_id), &self.0.time)?;
        Ok(())
    }
}

fn ended_key(live_id: &str) -> String {
    key(&["live-ended", live_id])
}

fn listeners_key(event: &str) -> String {
    key(&["listeners", event])
}

/// Sessions that an event type opens.
fn listeners(event: &str) -> Result<Vec<String>, Error> {
    Ok(records::of_tenant().get(&listeners_key(event))?.unwrap_or_default())
}

/// Notes which event opens a session, so that an event looks at those sessions only.
pub(crate) fn listen(session: &str, before: Option<&str>, now: Option<&str>) -> Result<(), Error> {
    let change = |event: &str, is_in: bool| {
        let mut sessions = listeners(event)?;
        sessions.retain(|listed| listed != session);
        if is_in {
            sessions.push(session.to_owned());
        }
        records::of_tenant().put(&listeners_key(event), &sessions)
    };
    if let Some(before) = before.filter(|before| Some(*before) != now) {
        change(before, false)?;
    }
    now.map_or(Ok(()), |event| change(event, true))
}
