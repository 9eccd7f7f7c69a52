//! What an overlay changes: an object of the base, member by member. Never knows which object it is.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{
    Change, Changes, DUPLICATE_NAME, Entry, Fault, Members, NOTHING_THERE, Node, NodeKind, OTHER_KIND,
    Report, UNCHANGED, Value, quoted, wrong_kind,
};

/// An object of the base, open for changes.
pub(super) struct Target<'t, 'r> {
    entries: &'t mut Vec<Entry>,
    /// Where each member is: an object may have thousands.
    places: BTreeMap<Arc<str>, usize>,
    changes: &'t mut Changes,
    report: &'r Report<'r>,
}

impl<'t, 'r> Target<'t, 'r> {
    pub(super) fn new(entries: &'t mut Vec<Entry>, changes: &'t mut Changes, report: &'r Report<'r>) -> Self {
        let places = entries.iter().enumerate().map(|(place, entry)| (entry.key.clone(), place)).collect();
        Self { entries, places, changes, report }
    }

    /// The text of a member.
    pub(super) fn text(&self, key: &str) -> Option<Arc<str>> {
        self.member(key)?.value.as_text().cloned()
    }

    fn member(&self, key: &str) -> Option<&Entry> {
        self.entries.get(*self.places.get(key)?)
    }

    fn add(&mut self, entry: Entry) -> usize {
        self.places.insert(entry.key.clone(), self.entries.len());
        self.entries.push(entry);
        self.entries.len() - 1
    }

    /// Replaces a member, or adds it; `place` says where the object is.
    pub(super) fn put(&mut self, entry: &Entry, place: String) {
        let place = format!("{place}{}", entry.key);
        let before = self.member(&entry.key).map(|known| known.value.to_value());
        match self.places.get(&entry.key) {
            Some(known) => self.entries[*known] = entry.clone(),
            None => drop(self.add(entry.clone())),
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
            let known = inner.member(&entry.key);
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
        let place = self.places.get(key).copied().unwrap_or_else(|| {
            let value = Node { span: over.span, kind: NodeKind::Map(Vec::new()) };
            self.add(Entry { key: key.into(), key_span: over.span, value })
        });
        let entries = self.entries[place].value.as_map_mut()?;
        Some(Target::new(entries, self.changes, self.report))
    }

    /// Whether the base has such a member, with a value of the same kind.
    fn is_like(&self, object: &str, entry: &Entry) -> bool {
        let Some(known) = self.member(&entry.key) else {
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
        if !self.changes.is_first(&change.place) {
            let message = format!("the overlay changes `{}` twice", change.place);
            self.report.add(Fault::new(DUPLICATE_NAME, entry.key_span, message));
        } else if change.before.as_ref() == Some(&change.after) {
            let message = format!("`{}` is the same in the base", change.place);
            self.report.add(Fault::new(UNCHANGED, entry.key_span, message));
        } else {
            self.changes.add(change);
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
