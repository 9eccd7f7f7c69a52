//! Reading an object key by key: what is missing, what is unknown, what was meant. Never reads values.

use crate::diagnostics::rules::{MISSING_KEY, UNKNOWN_KEY, WRONG_KIND};
use crate::diagnostics::{Fault, Report, quoted};
use crate::source::{Entry, Node, Span};

/// An object that is being read.
pub(crate) struct Fields<'n, 'r> {
    entries: &'n [Entry],
    /// Where the object can be pointed at.
    head: Span,
    what: &'static str,
    asked: Vec<&'static str>,
    report: &'r Report<'r>,
}

impl<'n, 'r> Fields<'n, 'r> {
    /// The fields of an object. Anything else is a fault; `what` names it, such as "a workflow".
    pub(crate) fn of(node: &'n Node, what: &'static str, report: &'r Report<'r>) -> Option<Self> {
        let Some(entries) = node.as_map() else {
            wrong_kind(node, &format!("{what}, an object"), report);
            return None;
        };
        let head = match entries.first() {
            Some(entry) => entry.key_span,
            None => report.sources().first_line(node.span),
        };
        Some(Self { entries, head, what, asked: Vec::new(), report })
    }

    /// Where the object can be pointed at: its first key.
    pub(crate) fn head(&self) -> Span {
        self.head
    }

    pub(crate) fn report(&self) -> &'r Report<'r> {
        self.report
    }

    /// A key that may be there.
    pub(crate) fn get(&mut self, key: &'static str) -> Option<&'n Entry> {
        self.asked.push(key);
        self.peek(key)
    }

    /// The same without asking for it: a key that is there is still unknown to [`Fields::finish`].
    pub(crate) fn peek(&self, key: &str) -> Option<&'n Entry> {
        self.entries.iter().find(|entry| &*entry.key == key)
    }

    /// What a key holds, if it is there.
    pub(crate) fn value(&mut self, key: &'static str) -> Option<&'n Node> {
        self.get(key).map(|entry| &entry.value)
    }

    /// What a key holds that must be there.
    pub(crate) fn need(&mut self, key: &'static str) -> Option<&'n Node> {
        let found = self.value(key);
        if found.is_none() {
            let message = format!("{} without `{key}`", self.what);
            self.report.add(Fault::new(MISSING_KEY, self.head, message));
        }
        found
    }

    /// Whether a key is there, without asking for it.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.peek(key).is_some()
    }

    /// Keys of which nothing is known here, with what they hold.
    pub(crate) fn rest(&self) -> impl Iterator<Item = &'n Entry> {
        self.entries.iter().filter(|entry| !self.asked.iter().any(|asked| *asked == &*entry.key))
    }

    /// Reports keys that nobody asked for.
    pub(crate) fn finish(self) {
        for entry in self.rest() {
            let message = format!("unknown key {} in {}", quoted(&entry.key), self.what);
            let asked = self.asked.iter().copied();
            let fault = Fault::new(UNKNOWN_KEY, entry.key_span, message).near(&entry.key, asked, self.report);
            self.report.add(fault);
        }
    }
}

/// A value of another kind than expected.
pub(crate) fn wrong_kind(node: &Node, expected: &str, report: &Report<'_>) {
    let span = report.sources().first_line(node.span);
    let mut fault = Fault::new(WRONG_KIND, span, format!("found {}, expected {expected}", node.kind()));
    if node.as_text().is_some_and(|text| text.contains('：')) {
        fault = fault.help("`：` is the full-width colon: write `: `, a colon and a space");
    }
    report.add(fault);
}
