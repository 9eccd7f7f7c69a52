//! What is durable as text, to compare two worlds that must have ended alike, and as a number, to compare two plays.

use std::fmt::Write;
use std::hash::{DefaultHasher, Hash, Hasher};

use siyu_engine::ports::rows::EventRow;

use super::Durable;

impl Durable {
    /// Everything, a line a row. How often a message was tried is left out: after a crash it is handed over again.
    pub fn dump(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for event in self.events.values() {
            // Under which keys waits may find it is a matter of which versions the host knew when it came.
            let event = EventRow { matches: Vec::new(), ..event.clone() };
            lines.push(format!("{event:?}"));
        }
        for run in self.runs.values() {
            lines.push(format!("{run:?}"));
            for line in self.journal.get(&run.id).into_iter().flatten() {
                lines.push(format!("  {} {line:?}", run.id));
            }
        }
        for message in self.messages.values() {
            let mut text = String::new();
            // Writing to a string cannot fail.
            let _always = write!(
                text,
                "{} {} {} {:?} {:?}",
                message.id, message.customer, message.body, message.status, message.reason
            );
            let _always = write!(text, " {} {} {}", message.planned_at, message.due_at, message.expires_at);
            lines.push(text);
        }
        lines.extend(self.waits.values().map(|row| format!("{row:?}")));
        lines.extend(self.timers.iter().map(|row| format!("{row:?}")));
        lines.extend(self.pools.iter().map(|row| format!("{row:?}")));
        lines.extend(self.counters.iter().map(|row| format!("{row:?}")));
        lines.extend(self.accounts.iter().map(|row| format!("{row:?}")));
        lines.extend(self.reservations.values().map(|row| format!("{row:?}")));
        lines.extend(self.entries.values().map(|row| format!("{row:?}")));
        lines.extend(self.facts.iter().map(|row| format!("{row:?}")));
        lines.extend(self.tags.iter().map(|row| format!("{row:?}")));
        lines.extend(self.planned.iter().map(|row| format!("{row:?}")));
        lines.extend(self.scans.values().map(|row| format!("{row:?}")));
        lines
    }

    /// The same as a number, with what the dump leaves out.
    pub fn hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.dump().hash(&mut hasher);
        self.commits.hash(&mut hasher);
        self.handed.iter().for_each(|row| format!("{row:?}").hash(&mut hasher));
        hasher.finish()
    }
}
