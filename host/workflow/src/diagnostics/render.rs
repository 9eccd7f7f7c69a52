//! Diagnostics as text with carets, aligned for Chinese too. Never decides what is shown, only how.

use std::ops::Range;

use annotate_snippets::{Annotation, AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};

use super::{Diagnostic, Severity};
use crate::source::{SourceFile, Sources};

/// How diagnostics are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Style {
    /// Without colours: for files, logs and tests.
    #[default]
    Plain,
    /// With ANSI colours.
    Coloured,
}

/// Longer lines are not shown: a caret in a line of a megabyte helps nobody.
const LINE_BYTES_MAX: usize = 1_000;
/// Places that are so many lines apart are shown one after the other, not with everything between them read again.
const LINES_APART_MAX: u32 = 200;

/// One diagnostic as text, without a line break at the end.
pub(crate) fn render(diagnostic: &Diagnostic, files: &Files<'_>, style: Style) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(&diagnostic.message).id(diagnostic.code.as_str());
    let mut group = Group::with_title(title);
    for element in places(diagnostic, files) {
        group = group.element(element);
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help));
    }
    let renderer = match style {
        Style::Plain => Renderer::plain(),
        Style::Coloured => Renderer::styled(),
    };
    renderer.render(&[group])
}

/// The texts that diagnostics point into.
pub(crate) struct Files<'s>(pub(crate) &'s Sources);

impl<'s> Files<'s> {
    fn find(&self, name: &str) -> Option<&'s SourceFile> {
        self.0.files().iter().find(|file| &*file.name == name)
    }
}

/// What is shown: the place itself, then other files.
fn places<'d>(diagnostic: &'d Diagnostic, files: &Files<'d>) -> Vec<Element<'d>> {
    let primary = Mark {
        kind: AnnotationKind::Primary,
        span: diagnostic.span.clone(),
        label: diagnostic.label.as_deref(),
        line: diagnostic.line,
        column: diagnostic.column,
    };
    let mut groups: Vec<(&str, Vec<Mark<'d>>)> = vec![(&diagnostic.file, vec![primary])];
    for related in &diagnostic.related {
        let mark = Mark {
            kind: AnnotationKind::Context,
            span: related.span.clone(),
            label: Some(&related.label),
            line: related.line,
            column: related.column,
        };
        let is_near = |known: &Mark<'_>| known.line.abs_diff(mark.line) <= LINES_APART_MAX;
        let group = groups
            .iter_mut()
            .find(|(file, marks)| *file == related.file && marks.first().is_some_and(is_near));
        match group {
            Some((_, marks)) => marks.push(mark),
            None => groups.push((&related.file, vec![mark])),
        }
    }
    groups.into_iter().map(|(name, marks)| shown(name, files.find(name), marks)).collect()
}

struct Mark<'d> {
    kind: AnnotationKind,
    span: Range<usize>,
    label: Option<&'d str>,
    line: u32,
    column: u32,
}

fn shown<'d>(name: &'d str, file: Option<&'d SourceFile>, marks: Vec<Mark<'d>>) -> Element<'d> {
    let first = &marks[0];
    let snippet = file.and_then(|file| snippet(file, &marks));
    match snippet {
        Some(snippet) => snippet.path(name).into(),
        None if first.span == (0..0) => Origin::path(name).into(),
        None => Origin::path(name).line(first.line as usize).char_column(first.column as usize).into(),
    }
}

/// The lines around the marks; none when there is nothing to see, or too much.
fn snippet<'d>(file: &'d SourceFile, marks: &[Mark<'d>]) -> Option<Snippet<'d, Annotation<'d>>> {
    if marks.iter().all(|mark| mark.span == (0..0)) || file.text.is_empty() {
        return None;
    }
    let lines = |at: &Range<usize>| {
        let (from, _) = file.position(at.start);
        let (to, _) = file.position(at.end.max(at.start + 1) - 1);
        (from, to)
    };
    let from = marks.iter().map(|mark| lines(&mark.span).0).min()?;
    let to = marks.iter().map(|mark| lines(&mark.span).1).max()?;
    let is_long = |line| file.line(line).len() > LINE_BYTES_MAX;
    if marks.iter().any(|mark| (lines(&mark.span).0..=lines(&mark.span).1).any(is_long)) {
        return None;
    }
    let window = file.line(from).start..file.line(to).end;
    let snippet = Snippet::source(&file.text[window.clone()]).line_start(from as usize);
    Some(snippet.annotations(marks.iter().map(|mark| {
        let start = mark.span.start - window.start;
        let end = mark.span.end.clamp(mark.span.start, window.end) - window.start;
        mark.kind.span(start..end).label(mark.label)
    })))
}
