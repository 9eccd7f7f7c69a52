//! The first parser: saphyr's events become a raw tree with places, within limits of depth and size.
//!
//! Events are taken one at a time, so what is too deep or too large is never built. It never decides what a plain
//! scalar means: that is for `meaning`.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, StrInput};
use siyu_model::limits::playbook::{YAML_DEPTH_MAX, YAML_NODES_MAX, YAML_TEXT_BYTES_MAX};

use super::file::{FileId, Span};
use super::tree::Style;
use crate::diagnostics::rules::{
    DUPLICATE_KEY, EMPTY_FILE, KEY_NOT_TEXT, MANY_DOCUMENTS, MERGE_KEY, TAG, TOO_DEEP, TOO_MANY_NODES,
};
use crate::diagnostics::{Fault, Report, quoted};

/// A part of the file before it means anything. Texts are masked.
#[derive(Debug, Clone)]
pub(super) struct Raw {
    pub(super) span: Span,
    pub(super) kind: RawKind,
}

#[derive(Debug, Clone)]
pub(super) enum RawKind {
    Scalar(Arc<str>, Style),
    List(Vec<Raw>),
    Map(Vec<RawEntry>),
}

#[derive(Debug, Clone)]
pub(super) struct RawEntry {
    pub(super) key: Arc<str>,
    pub(super) key_style: Style,
    pub(super) key_span: Span,
    pub(super) value: Raw,
}

/// Parsing ended with a fault that is in the report.
pub(super) struct Stopped;

type Step<T> = Result<T, Stopped>;

/// Reads the one document of a masked text. None when there is no tree to work on; the report says why.
pub(super) fn parse(file: FileId, masked: &str, report: &Report<'_>) -> Option<Raw> {
    let mut reader = Reader {
        parser: Parser::new_from_str(masked),
        places: CharPlaces::new(masked),
        file,
        report,
        anchors: HashMap::new(),
        size: Size::default(),
    };
    reader.document().ok()
}

/// What a part of the tree costs, aliases expanded.
#[derive(Debug, Clone, Copy, Default)]
struct Size {
    nodes: usize,
    text_bytes: usize,
}

impl Size {
    fn add(&mut self, other: Self) {
        self.nodes = self.nodes.saturating_add(other.nodes);
        self.text_bytes = self.text_bytes.saturating_add(other.text_bytes);
    }

    fn since(self, earlier: Self) -> Self {
        Self { nodes: self.nodes - earlier.nodes, text_bytes: self.text_bytes - earlier.text_bytes }
    }

    fn is_too_large(self) -> bool {
        self.nodes > YAML_NODES_MAX || self.text_bytes > YAML_TEXT_BYTES_MAX
    }
}

struct Reader<'t, 'r> {
    parser: Parser<'t, StrInput<'t>>,
    places: CharPlaces,
    file: FileId,
    report: &'r Report<'r>,
    /// Finished parts that have an anchor, by its number.
    anchors: HashMap<usize, (Raw, Size)>,
    size: Size,
}

impl<'t> Reader<'t, '_> {
    fn document(&mut self) -> Step<Raw> {
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => {
                    let message = "the file is empty";
                    self.report.add(Fault::new(EMPTY_FILE, span, message));
                    return Err(Stopped);
                }
                Event::DocumentStart(_) => break,
                _ => {}
            }
        }
        let (event, span) = self.next()?;
        let root = self.node(event, span, 0)?;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => return Ok(root),
                Event::DocumentStart(_) => {
                    let fault = Fault::new(MANY_DOCUMENTS, span, "a second document in one file")
                        .label("it begins here")
                        .help("one file holds one workflow, template or playbook: make a file of its own");
                    self.report.add(fault);
                    return Err(Stopped);
                }
                _ => {}
            }
        }
    }

    fn next(&mut self) -> Step<(Event<'t>, Span)> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => {
                let range = self.places.byte(span.start.index())..self.places.byte(span.end.index());
                Ok((event, Span::new(self.file, range)))
            }
            Some(Err(fault)) => Err(self.syntax(&fault)),
            None => Ok((Event::StreamEnd, Span::new(self.file, 0..0))),
        }
    }

    fn syntax(&self, fault: &ScanError) -> Stopped {
        let at = self.places.byte(fault.marker().index());
        let span = Span::new(self.file, at..at);
        if fault.info().contains("recursion limit") {
            self.too_deep(span);
        } else {
            super::read::syntax_fault(self.report, span, fault.info());
        }
        Stopped
    }

    fn too_deep(&self, span: Span) {
        let message = format!("YAML nested deeper than {YAML_DEPTH_MAX} levels");
        self.report.add(Fault::new(TOO_DEEP, span, message));
    }

    fn grow(&mut self, by: Size, span: Span) -> Step<()> {
        self.size.add(by);
        if !self.size.is_too_large() {
            return Ok(());
        }
        let message = format!(
            "more than {YAML_NODES_MAX} values or {YAML_TEXT_BYTES_MAX} bytes of text in one file, aliases counted where they are used"
        );
        self.report.add(Fault::new(TOO_MANY_NODES, span, message));
        Err(Stopped)
    }

    fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Step<Raw> {
        if depth > YAML_DEPTH_MAX {
            self.too_deep(span);
            return Err(Stopped);
        }
        let before = self.size;
        let (anchor, raw) = match event {
            Event::Alias(anchor) => return self.alias(anchor, span),
            Event::Scalar(text, style, anchor, tag) => {
                let size = Size { nodes: 1, text_bytes: text.len() };
                self.grow(size, span)?;
                self.refuse_tag(tag.is_some(), span);
                (anchor, RawKind::Scalar(text.into(), style_of(style)))
            }
            Event::SequenceStart(anchor, tag) => {
                self.open(tag.is_some(), span)?;
                let (items, end) = self.items(depth)?;
                let raw = self.collection(span, end, RawKind::List(items));
                return Ok(self.keep(anchor, raw, before));
            }
            Event::MappingStart(anchor, tag) => {
                self.open(tag.is_some(), span)?;
                let (entries, end) = self.entries(depth)?;
                let raw = self.collection(span, end, RawKind::Map(entries));
                return Ok(self.keep(anchor, raw, before));
            }
            _ => {
                super::read::syntax_fault(self.report, span, "a value was expected");
                return Err(Stopped);
            }
        };
        let raw = Raw { span, kind: raw };
        Ok(self.keep(anchor, raw, before))
    }

    fn open(&mut self, has_tag: bool, span: Span) -> Step<()> {
        self.refuse_tag(has_tag, span);
        let size = Size { nodes: 1, text_bytes: 0 };
        self.grow(size, span)
    }

    fn collection(&self, start: Span, end: Span, kind: RawKind) -> Raw {
        Raw { span: Span::new(self.file, start.start as usize..end.end as usize), kind }
    }

    fn keep(&mut self, anchor: usize, raw: Raw, before: Size) -> Raw {
        if anchor > 0 {
            self.anchors.insert(anchor, (raw.clone(), self.size.since(before)));
        }
        raw
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Step<Raw> {
        let Some((raw, size)) = self.anchors.get(&anchor) else {
            super::read::syntax_fault(self.report, span, "an alias inside the very value that it names");
            return Err(Stopped);
        };
        let (raw, size) = (raw.clone(), *size);
        self.grow(size, span)?;
        Ok(raw)
    }

    fn refuse_tag(&self, has_tag: bool, span: Span) {
        if has_tag {
            let fault = Fault::new(TAG, self.report.sources().first_line(span), "a YAML tag")
                .help("leave it out; in a condition write `not x` instead of `!x`");
            self.report.add(fault);
        }
    }

    fn items(&mut self, depth: usize) -> Step<(Vec<Raw>, Span)> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, end) => return Ok((items, end)),
                (event, span) => items.push(self.node(event, span, depth + 1)?),
            }
        }
    }

    fn entries(&mut self, depth: usize) -> Step<(Vec<RawEntry>, Span)> {
        let mut entries: Vec<RawEntry> = Vec::new();
        let mut seen: HashMap<Arc<str>, Span> = HashMap::new();
        loop {
            let (event, span) = match self.next()? {
                (Event::MappingEnd, end) => return Ok((entries, end)),
                next => next,
            };
            let key = self.node(event, span, depth + 1)?;
            let (event, value_span) = self.next()?;
            let value = self.node(event, value_span, depth + 1)?;
            let key_span = key.span;
            let RawKind::Scalar(text, key_style) = key.kind else {
                self.key_is_no_text(key_span);
                continue;
            };
            if &*text == "<<" && key_style == Style::Plain {
                self.merge_key(key_span);
                continue;
            }
            if let Some(first) = seen.insert(text.clone(), key_span) {
                let name = super::mask::unmask(&text);
                let fault = Fault::new(DUPLICATE_KEY, key_span, format!("the key {} twice", quoted(&name)))
                    .label("again here")
                    .also(first, "first here")
                    .help("keep one of them");
                self.report.add(fault);
            }
            entries.push(RawEntry { key: text, key_style, key_span, value });
        }
    }

    fn merge_key(&self, span: Span) {
        let fault = Fault::new(MERGE_KEY, span, "the merge key `<<`").help(
            "write the keys out, or put shared values into `vars:` and read them with ${{ vars.name }}",
        );
        self.report.add(fault);
    }

    fn key_is_no_text(&self, span: Span) {
        let sources = self.report.sources();
        let is_double_brace = sources.text(span).starts_with('{')
            && span.start > 0
            && sources.file(self.file).text[..span.start as usize].ends_with('{');
        let fault = if is_double_brace {
            super::read::braces(sources, span.start as usize - 1, self.file)
        } else {
            Fault::new(KEY_NOT_TEXT, sources.first_line(span), "a key that is a list or an object")
                .help("keys are texts")
        };
        self.report.add(fault);
    }
}

fn style_of(style: ScalarStyle) -> Style {
    match style {
        ScalarStyle::Plain => Style::Plain,
        ScalarStyle::SingleQuoted => Style::SingleQuoted,
        ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
        ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
    }
}

/// Saphyr's places count characters; ours count bytes of the text before it was masked.
struct CharPlaces {
    /// Bytes before each character and at the end; none when all characters are one byte.
    bytes: Option<Vec<u32>>,
    len: usize,
}

impl CharPlaces {
    fn new(masked: &str) -> Self {
        if masked.is_ascii() {
            return Self { bytes: None, len: masked.len() };
        }
        let mut bytes = Vec::with_capacity(masked.len());
        let mut at = 0u32;
        for c in masked.chars() {
            bytes.push(at);
            let mut buffer = [0; 4];
            let written: Cow<'_, str> = super::mask::unmask(c.encode_utf8(&mut buffer));
            at += written.len() as u32;
        }
        bytes.push(at);
        Self { bytes: Some(bytes), len: at as usize }
    }

    fn byte(&self, character: usize) -> usize {
        match &self.bytes {
            None => character.min(self.len),
            Some(bytes) => bytes.get(character).map_or(self.len, |at| *at as usize),
        }
    }
}
