//! What an overlay changes: an object of the base, member by member. Never knows which object it is.

use std::sync::Arc;

use super::{
    Change, DUPLICATE_NAME, Entry, Fault, Members, NOTHING_THERE, Node, NodeKind, OTHER_KIND, Report,
    UNCHANGED, Value, quoted, wrong_kind,
};

/// An object of the base, open for changes.
pub(super) struct Target<'t, 'r> {
    entries: &'t mut Vec<Entry>,
    changes: &'t mut Vec<Change>,
    report: &'r Report<'r>,
}

impl<'t, 'r> Target<'t, 'r> {
    pub(super) fn new(
        entries: &'t mut Vec<Entry>,
        changes: &'t mut Vec<Change>,
        report: &'r Report<'r>,
    ) -> Self {
        Self { entries, changes, report }
    }

    /// The text of a member.
    pub(super) fn text(&self, key: &str) -> Option<Arc<str>> {
        self.entries.iter().find(|entry| &*entry.key == key)?.value.as_text().cloned()
    }

    /// Replaces a member, or adds it; `place` says where the object is.
    pub(super) fn put(&mut self, entry: &Entry, place: String) {
        let place = format!("{place}{}", entry.key);
        let known = self.entries.iter_mut().find(|known| known.key == entry.key);
        let before = known.as_ref().map(|known| known.value.to_value());
        match known {
            Some(known) => *known = entry.clone(),
            None => self.entries.push(entry.clone()),
        }
        self.note(Change { place, before, after: entry.value.to_value() }, entry);
    }

    /// Lays the members of an object over those of a member.
    pub(super) fn members(&mut self, key: &str, over: &Node, which: Members) {
        let Some(given) = over.as_map() else {
            // A faulty one is laid over as it is: reading the playbook says what is expected.
            wrong_kind(over, &format!("what changes in `{key}`, an object"), self.report);
            return;
        };
        let Some(mut inner) = self.open(key, over) else { return };
        for entry in given {
            if which == Members::Any || inner.is_like(key, entry) {
                inner.put(entry, format!("{key}."));
            }
        }
    }

    /// Lays an object over a member, objects inside of it too; anything else replaces what is there.
    pub(super) fn deep(&mut self, key: &str, over: &Node, place: String) {
        let Some(given) = over.as_map() else { return };
        let Some(mut inner) = self.open(key, over) else { return };
        for entry in given {
            let known = inner.entries.iter().find(|known| known.key == entry.key);
            let are_objects =
                known.is_some_and(|known| known.value.as_map().is_some()) && entry.value.as_map().is_some();
            if are_objects {
                inner.deep(&entry.key, &entry.value, format!("{place}{}.", entry.key));
            } else {
                inner.put(entry, place.clone());
            }
        }
    }

    /// A member that is an object, made when it is not there; none when it is something else, which reading it tells.
    fn open(&mut self, key: &str, over: &Node) -> Option<Target<'_, 'r>> {
        let found = self.entries.iter().position(|entry| &*entry.key == key);
        let place = found.unwrap_or_else(|| {
            let value = Node { span: over.span, kind: NodeKind::Map(Vec::new()) };
            self.entries.push(Entry { key: key.into(), key_span: over.span, value });
            self.entries.len() - 1
        });
        let entries = self.entries[place].value.as_map_mut()?;
        Some(Target { entries, changes: self.changes, report: self.report })
    }

    /// Whether the base has such a member, with a value of the same kind.
    fn is_like(&self, object: &str, entry: &Entry) -> bool {
        let Some(known) = self.entries.iter().find(|known| known.key == entry.key) else {
            let names = self.entries.iter().map(|known| &*known.key);
            let message = format!("the base has no {} in `{object}`", quoted(&entry.key));
            self.report.add(Fault::new(NOTHING_THERE, entry.key_span, message).near(
                &entry.key,
                names,
                self.report,
            ));
            return false;
        };
        if kind(&known.value) != kind(&entry.value) {
            let message = format!("found {}, the base has {} there", entry.value.kind(), known.value.kind());
            let span = self.report.sources().first_line(entry.value.span);
            self.report.add(Fault::new(OTHER_KIND, span, message).also(known.value.span, "in the base"));
            return false;
        }
        true
    }

    fn note(&mut self, change: Change, entry: &Entry) {
        if self.changes.iter().any(|known| known.place == change.place) {
            let message = format!("the overlay changes `{}` twice", change.place);
            self.report.add(Fault::new(DUPLICATE_NAME, entry.key_span, message));
        } else if change.before.as_ref() == Some(&change.after) {
            let message = format!("`{}` is the same in the base", change.place);
            self.report.add(Fault::new(UNCHANGED, entry.key_span, message));
        } else {
            self.changes.push(change);
        }
    }
}

/// What an expression sees of a value: whole and other numbers are numbers.
fn kind(node: &Node) -> &'static str {
    match node.to_value() {
        Value::Int(_) | Value::Float(_) => "a number",
        other => other.kind(),
    }
}
