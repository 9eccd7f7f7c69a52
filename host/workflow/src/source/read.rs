//! Reading one file: limits, then both parsers; and words for what YAML itself refuses.
//! Never knows what the file is for.

use siyu_model::limits::playbook::FILE_BYTES_MAX;

use super::file::{FileId, Sources, Span};
use super::guard::{self, Refusal};
use super::tree::Node;
use super::{mask, meaning, syntax};
use crate::diagnostics::rules::{
    BYTE_ORDER_MARK, FILE_TOO_LARGE, FORBIDDEN_CHARACTER, NOT_UTF8, UNQUOTED_BRACES, YAML_SYNTAX,
};
use crate::diagnostics::{Fault, Report};

/// The text of a file's bytes; empty, with faults to report once the file has a number, when it may not be read.
pub(crate) fn guarded(bytes: &[u8]) -> (&str, Option<Refusal>) {
    match guard::check(bytes) {
        Ok(text) => (text, None),
        // The text is kept for carets under its characters.
        Err(refusal @ (Refusal::Characters(_) | Refusal::ByteOrderMark)) => {
            (std::str::from_utf8(bytes).unwrap_or_default(), Some(refusal))
        }
        Err(refusal) => ("", Some(refusal)),
    }
}

/// Reports why a file is not read.
pub(crate) fn refuse(file: FileId, refusal: &Refusal, report: &Report<'_>) {
    let whole = Span::new(file, 0..0);
    match refusal {
        Refusal::TooLong(found) => {
            let message = format!("a file of {found} bytes, at most {FILE_BYTES_MAX} are allowed");
            report.add(Fault::new(FILE_TOO_LARGE, whole, message));
        }
        Refusal::NotUtf8 { at, is_utf16 } => {
            let message = if *is_utf16 {
                "a file in UTF-16".to_owned()
            } else {
                format!("the file is no UTF-8 text from byte {at} on")
            };
            report.add(Fault::new(NOT_UTF8, whole, message).help("save it as UTF-8"));
        }
        Refusal::ByteOrderMark => {
            let fault =
                Fault::new(BYTE_ORDER_MARK, Span::new(file, 0..3), "a byte order mark at the beginning")
                    .help("save the file as UTF-8 without BOM");
            report.add(fault);
        }
        Refusal::Characters(found) => {
            for (range, c) in found {
                let fault =
                    Fault::new(FORBIDDEN_CHARACTER, Span::new(file, range.clone()), guard::describe(*c))
                        .label(format!("U+{:04X}", *c as u32))
                        .help("take it out");
                report.add(fault);
            }
        }
    }
}

/// The tree of a file whose bytes were not refused; none when faults were found.
pub(crate) fn read(file: FileId, report: &Report<'_>) -> Option<Node> {
    let text = report.sources().file(file).text.clone();
    let masked = mask::mask(&text);
    let before = report.len();
    let raw = syntax::parse(file, &masked, report)?;
    if report.len() > before {
        return None;
    }
    meaning::agree(file, &masked, &raw, report)
}

/// A fault that a parser found, with advice where the line shows a habit.
pub(super) fn syntax_fault(report: &Report<'_>, at: Span, words: &str) {
    let file_id = at.file;
    let file = report.sources().file(file_id);
    let (line, _) = file.position(at.start as usize);
    // At the end of the file there is nothing to point at: the last line with something on it is shown.
    let line = (1..=line).rev().find(|line| !file.text[file.line(*line)].trim().is_empty()).unwrap_or(1);
    let range = file.line(line);
    let text = &file.text[range.clone()];
    let start = (at.start as usize).clamp(range.start, range.end);
    let span = Span::new(at.file, start..range.end.min(start + 1).max(start));
    let before = (1..line).rev().map(|line| &file.text[file.line(line)]);
    let before = before.into_iter().find(|line| !line.trim().is_empty());
    let fault = match advice(text, before.unwrap_or_default(), words) {
        Some(Advice::Braces(at)) => {
            // One word about the braces of a line is enough.
            if report.has(UNQUOTED_BRACES, Span::new(file_id, range.clone())) {
                return;
            }
            braces(report.sources(), range.start + at, file_id)
        }
        Some(Advice::Habit(help)) => Fault::new(YAML_SYNTAX, span, format!("not YAML: {words}")).help(help),
        None => Fault::new(YAML_SYNTAX, span, format!("not YAML: {words}")),
    };
    report.add(fault);
}

/// `{{ … }}` from its first brace on.
pub(super) fn braces(sources: &Sources, at: usize, file: FileId) -> Fault {
    let text = &sources.file(file).text;
    let rest = &text[at..];
    let line = rest.lines().next().unwrap_or_default();
    let length = line.find("}}").map_or(2, |end| end + 2);
    Fault::new(
        UNQUOTED_BRACES,
        Span::new(file, at..at + length),
        "`{{ }}` is an object for YAML, not an expression",
    )
    .help("write ${{ … }}, with a dollar sign")
}

enum Advice {
    /// `{{` at this byte of the line.
    Braces(usize),
    Habit(&'static str),
}

/// What an operator probably meant by a line that is no YAML. `before` is the line before it.
fn advice(line: &str, before: &str, words: &str) -> Option<Advice> {
    let habit = |help| Some(Advice::Habit(help));
    let content = line.trim_start();
    let value = content.split_once(": ").map_or(content, |(_, value)| value).trim();
    let plain_braces = line.match_indices("{{").find(|(at, _)| !line[..*at].ends_with('$'));
    if let Some((at, _)) = plain_braces {
        return Some(Advice::Braces(at));
    }
    if line.starts_with('\t') || line.trim_start_matches(' ').starts_with('\t') {
        return habit("indent with spaces: YAML allows no tabs there");
    }
    if line.contains('：') || before.contains('：') {
        return habit("`：` is the full-width colon: write `: `, a colon and a space");
    }
    match value.chars().next() {
        Some('\'' | '"') => habit(
            "a value that begins with a quote ends with it: put the whole expression into the other kind of quotes, \
             as in \"'vip' in customer.tags\"",
        ),
        Some('>' | '|') => habit("`>` and `|` begin a block of text: quote the value, as in '>= 0.15'"),
        Some('@' | '`' | '%') => habit("a value cannot begin with this character: quote it"),
        Some('*') => habit("`*` begins a YAML alias: quote the value"),
        _ if value.contains(": ") && words.contains("mapping values") => {
            habit("a value that contains `: ` must stand in quotes")
        }
        _ => None,
    }
}
