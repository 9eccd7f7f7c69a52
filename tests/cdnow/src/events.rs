//! Events of the demo, with the source that says whether they are real, and the file they are written to.

use std::io::Write;
use std::path::Path;

use anyhow::Context;
use jiff::Timestamp;
use serde_json::{Value, json};

/// Who says that something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// The order history.
    Real,
    /// The model of behaviour.
    Model,
}

/// What happened to somebody.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    /// When.
    pub(crate) at: Timestamp,
    /// Unique in its source.
    pub(crate) id: String,
    /// What.
    pub(crate) kind: &'static str,
    /// Real or modelled.
    pub(crate) source: Source,
    /// To whom.
    pub(crate) subject: String,
    /// Its facts.
    pub(crate) data: Value,
}

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Events from the order history.
    pub real: u64,
    /// Events from the model.
    pub modelled: u64,
}

/// Writes events in the order of time, one a line.
pub(crate) fn write(path: &Path, mut events: Vec<Event>) -> anyhow::Result<Written> {
    events.sort_by(|one, other| (one.at, &one.id).cmp(&(other.at, &other.id)));
    let file = std::fs::File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    let mut out = std::io::BufWriter::new(file);
    let mut written = Written::default();
    for event in &events {
        match event.source {
            Source::Real => written.real += 1,
            Source::Model => written.modelled += 1,
        }
        serde_json::to_writer(&mut out, &line(event))?;
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(written)
}

fn line(event: &Event) -> Value {
    let source = match event.source {
        Source::Real => "cdnow",
        Source::Model => "model",
    };
    json!({
        "id": event.id,
        "type": event.kind,
        "source": source,
        "subject": event.subject,
        "time": event.at.to_string(),
        "data": event.data,
    })
}
