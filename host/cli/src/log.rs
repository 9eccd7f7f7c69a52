//! Lines of the log: one for each thing that happened, whatever texts from outside are in it.
//!
//! A line break in a customer's text would begin a line of the log that nobody wrote, and other control characters or marks of
//! the direction of writing could make a terminal show another one.

use std::fmt::Write as _;
use std::io::{self, Write};

use tracing_subscriber::fmt::MakeWriter;

/// Standard error, a line for each record.
pub(crate) struct Lines(pub(crate) Escape);

/// Where one record goes.
pub(crate) struct Record(io::Stderr, Escape);

/// How a character is written that is not shown as it is.
#[derive(Clone, Copy)]
pub(crate) enum Escape {
    /// For people: `\n`, `\u{202e}`.
    Text,
    /// As a string of JSON has it: `\u202e`.
    Json,
}

impl MakeWriter<'_> for Lines {
    type Writer = Record;

    fn make_writer(&self) -> Record {
        Record(io::stderr(), self.0)
    }
}

impl Write for Record {
    // The formatter hands over a whole record at once.
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        self.0.lock().write_all(one_line(&String::from_utf8_lossy(record), self.1).as_bytes())?;
        Ok(record.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// The record with what would break its line, or hide a part of it, in a form that can be read.
fn one_line(record: &str, escape: Escape) -> String {
    let mut line = String::with_capacity(record.len());
    for c in record.trim_end_matches('\n').chars() {
        if c.is_control() || is_of_direction(c) {
            // Text takes whatever is written to it. The characters in question have four digits at most.
            let _ = match escape {
                Escape::Text => write!(line, "{}", c.escape_default()),
                Escape::Json => write!(line, "\\u{:04x}", u32::from(c)),
            };
        } else {
            line.push(c);
        }
    }
    line.push('\n');
    line
}

/// Marks that turn the direction of writing, and line breaks of Unicode (UAX 9, UAX 14).
fn is_of_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::{Escape, one_line};

    #[test]
    fn a_record_is_one_line_whatever_it_quotes() {
        for (record, line) in [
            ("WARN no such customer: 小牛\n", "WARN no such customer: 小牛\n"),
            ("WARN a\n2026-11-22T00:00:00Z ERROR forged\n", "WARN a\\n2026-11-22T00:00:00Z ERROR forged\n"),
            ("WARN a\r\u{1b}[2Kb\u{85}\u{2028}c\n", "WARN a\\r\\u{1b}[2Kb\\u{85}\\u{2028}c\n"),
            ("WARN \u{202e}evil\u{2066}\n", "WARN \\u{202e}evil\\u{2066}\n"),
            ("", "\n"),
        ] {
            assert_eq!(one_line(record, Escape::Text), line);
        }
    }

    #[test]
    fn a_record_of_json_stays_json_and_says_the_same() {
        let text = "a\n\u{1b}[2K\u{7f}\u{85}\u{2028}\u{202e}小牛";
        let record = serde_json::json!({ "message": text }).to_string();
        let line = one_line(&record, Escape::Json);
        assert!(!line.trim_end().chars().any(|c| c.is_control() || super::is_of_direction(c)), "{line:?}");
        let read: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(read["message"], text);
    }
}
