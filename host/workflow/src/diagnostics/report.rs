//! Gathering faults while a playbook is read: all at once, none twice. Never prints.

use std::cell::{Cell, RefCell};
use std::ops::Range;

use siyu_model::nearest::nearest;

use super::{Code, Diagnostic, Related, Severity};
use crate::source::{Place, Sources, Span};

/// Faults that are kept; a file of 50,000 mistakes needs no more to be understood. Further ones are counted.
const KEPT_MAX: usize = 200;
/// Names that an unknown one is compared with.
const COMPARED_MAX: usize = 200;
/// A name that is so much longer or shorter, in bytes, was not meant.
const LENGTHS_APART_MAX: usize = 24;

/// One fault, with places inside the sources.
#[derive(Debug)]
pub(crate) struct Fault {
    code: Code,
    span: Span,
    message: String,
    label: Option<String>,
    related: Vec<(Span, String)>,
    help: Option<String>,
}

impl Fault {
    pub(crate) fn new(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self { code, span, message: message.into(), label: None, related: Vec::new(), help: None }
    }

    /// A few words under the caret.
    pub(crate) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// What to do.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(crate) fn help_if(self, help: Option<String>) -> Self {
        match help {
            Some(help) => self.help(help),
            None => self,
        }
    }

    /// Another place that belongs to it.
    pub(crate) fn also(mut self, span: Span, label: impl Into<String>) -> Self {
        self.related.push((span, label.into()));
        self
    }

    /// "Did you mean …" under the caret, or the list of what there is as help. Nothing is looked for when the report is
    /// full: a file of 50,000 unknown names must not be compared with 50,000 known ones.
    pub(crate) fn near<'a>(
        self,
        found: &str,
        known: impl IntoIterator<Item = &'a str>,
        report: &Report<'_>,
    ) -> Self {
        if report.is_full() {
            return self;
        }
        let mut known: Vec<&str> = known.into_iter().collect();
        known.sort_unstable();
        known.dedup();
        let likely =
            known.iter().copied().filter(|name| name.len().abs_diff(found.len()) <= LENGTHS_APART_MAX);
        if let Some(near) = nearest(found, likely.take(COMPARED_MAX)) {
            return self.label(format!("did you mean `{near}`?"));
        }
        const LISTED_MAX: usize = 20;
        match known.len() {
            _ if self.help.is_some() => self,
            0 => self,
            1..=LISTED_MAX => self.help(format!("there are: {}", known.join(", "))),
            more => {
                let listed = known[..LISTED_MAX].join(", ");
                self.help(format!("there are {more}, such as: {listed}"))
            }
        }
    }
}

/// A text from a file as it may stand in a message: short, on one line, in backquotes.
pub(crate) fn quoted(text: &str) -> String {
    const CHARS_MAX: usize = 60;
    let short: String = text.chars().take(CHARS_MAX).collect();
    let more = if short.len() < text.len() { "…" } else { "" };
    format!("`{short}{more}`")
}

/// Everything that was found so far.
pub(crate) struct Report<'s> {
    sources: &'s Sources,
    faults: RefCell<Vec<Fault>>,
    dropped: Cell<usize>,
    /// Whether an error was found, kept or not.
    has_error: Cell<bool>,
}

impl<'s> Report<'s> {
    pub(crate) fn new(sources: &'s Sources) -> Self {
        Self { sources, faults: RefCell::default(), dropped: Cell::default(), has_error: Cell::default() }
    }

    pub(crate) fn sources(&self) -> &'s Sources {
        self.sources
    }

    /// Keeps a fault, unless the same rule already spoke about the same place.
    pub(crate) fn add(&self, fault: Fault) {
        let mut faults = self.faults.borrow_mut();
        let is_known = faults.iter().any(|known| {
            known.code == fault.code && known.span == fault.span && known.message == fault.message
        });
        if is_known {
            return;
        }
        let is_error = fault.code.severity() == Severity::Error;
        self.has_error.set(self.has_error.get() || is_error);
        if faults.len() < KEPT_MAX {
            faults.push(fault);
            return;
        }
        self.dropped.set(self.dropped.get() + 1);
        // An error is never lost behind warnings.
        let warning = faults.iter().rposition(|known| known.code.severity() == Severity::Warning);
        if let (true, Some(place)) = (is_error, warning) {
            faults[place] = fault;
        }
    }

    /// The bytes of a file that stand for bytes inside a scalar's value.
    pub(crate) fn inside(&self, place: &Place, range: Range<usize>) -> Span {
        place.span_of(self.sources, range)
    }

    /// Whether a rule has already spoken about a place inside this one.
    pub(crate) fn has(&self, code: Code, within: Span) -> bool {
        let faults = self.faults.borrow();
        faults.iter().any(|fault| fault.code == code && fault.span.is_inside(within))
    }

    /// Whether an error has already been found inside this place.
    pub(crate) fn has_error_in(&self, within: Span) -> bool {
        let faults = self.faults.borrow();
        let is_error = |fault: &Fault| fault.code.severity() == Severity::Error;
        faults.iter().any(|fault| is_error(fault) && fault.span.is_inside(within))
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.has_error.get()
    }

    fn is_full(&self) -> bool {
        self.faults.borrow().len() >= KEPT_MAX
    }

    /// How many faults there are; rises when something is found.
    pub(crate) fn len(&self) -> usize {
        self.faults.borrow().len() + self.dropped.get()
    }

    /// All faults in the order of files and places, errors first, and how many were dropped.
    pub(crate) fn finish(self) -> (Vec<Diagnostic>, usize) {
        let mut faults = self.faults.into_inner();
        faults.sort_by_key(|fault| (fault.code.severity(), fault.span, fault.code));
        let sources = self.sources;
        let found = faults.into_iter().map(|fault| diagnostic(sources, fault)).collect();
        (found, self.dropped.get())
    }
}

/// The public form of a fault.
pub(crate) fn diagnostic(sources: &Sources, fault: Fault) -> Diagnostic {
    let place = |span: Span| {
        let file = sources.file(span.file);
        let range = file.clamp(span.range());
        let (line, column) = file.position(range.start);
        (file.name.to_string(), range, line, column)
    };
    let (file, span, line, column) = place(fault.span);
    let related = fault.related.into_iter().map(|(span, label)| {
        let (file, span, line, column) = place(span);
        Related { file, span, line, column, label: printable(&label) }
    });
    Diagnostic {
        code: fault.code,
        severity: fault.code.severity(),
        message: printable(&fault.message),
        file,
        span,
        line,
        column,
        label: fault.label.as_deref().map(printable),
        related: related.collect(),
        help: fault.help.as_deref().map(printable),
    }
}

/// Longer messages quote more than anybody reads.
const MESSAGE_CHARS_MAX: usize = 600;

/// Control characters and direction marks as escapes: what an operator wrote must not drive a terminal.
fn printable(text: &str) -> String {
    let mut safe = String::with_capacity(text.len().min(MESSAGE_CHARS_MAX));
    for (place, c) in text.chars().enumerate() {
        if place == MESSAGE_CHARS_MAX {
            safe.push('…');
            break;
        }
        if c.is_control() || crate::source::is_forbidden(c) {
            safe.extend(c.escape_default());
        } else {
            safe.push(c);
        }
    }
    safe
}
