//! The log of a call: lines that a plugin wrote, within limits, and its last words when it panics.
//!
//! It never keeps more than the limits say, never keeps a control character, and never refuses a line: what does not fit
//! is dropped and counted.

use std::fmt::Write;

use siyu_model::limits::call::{FAULT_MESSAGE_BYTES_MAX, LOG_LINE_BYTES_MAX};
use siyu_model::plugin::{CallLimits, LogLevel, LogLine};

/// What the last words of a plugin that panics begin with; the contract says so, and Rust's own panics do.
const PANIC: &str = "panicked at ";
/// What Python's last words begin with.
const TRACEBACK: &str = "Traceback (most recent call last):";

/// Lines of a call.
#[derive(Debug)]
pub(crate) struct CallLog {
    lines: Vec<LogLine>,
    lines_max: usize,
    bytes: usize,
    bytes_max: usize,
    dropped: u32,
    last_words: Option<String>,
}

impl CallLog {
    /// An empty log.
    pub(crate) fn new(limits: &CallLimits) -> Self {
        Self {
            lines: Vec::new(),
            lines_max: usize::try_from(limits.log_lines_max).unwrap_or(usize::MAX),
            bytes: 0,
            bytes_max: limits.log_bytes_max,
            dropped: 0,
            last_words: None,
        }
    }

    /// Writes a line: cut, escaped, or dropped and counted.
    pub(crate) fn write(&mut self, level: LogLevel, text: &str) {
        if level == LogLevel::Error && text.starts_with(PANIC) {
            self.last_words = Some(last_words(text));
        }
        if self.lines.len() >= self.lines_max {
            self.dropped = self.dropped.saturating_add(1);
            return;
        }
        let message = escaped(cut(text, LOG_LINE_BYTES_MAX), LOG_LINE_BYTES_MAX);
        if self.bytes + message.len() > self.bytes_max {
            self.dropped = self.dropped.saturating_add(1);
            return;
        }
        self.bytes += message.len();
        self.lines.push(LogLine { level, message });
    }

    /// What was written to standard error as a whole: interpreters and Rust's `std` say there why they end.
    pub(crate) fn heard(&mut self, standard_error: &str) {
        let words = standard_error.split("\nnote: run with").next().unwrap_or_default().trim();
        if let Some(place) = words.rfind(TRACEBACK) {
            // The interpreter's own panic comes after it and says less.
            let traceback = words[place..].split("\nthread '").next().unwrap_or_default();
            self.last_words = Some(message(traceback.trim_end()));
        } else if let Some(place) = words.rfind(PANIC) {
            self.last_words = Some(last_words(&words[place..]));
        } else if self.last_words.is_none() && !words.is_empty() {
            self.last_words = Some(message(tail(words, FAULT_MESSAGE_BYTES_MAX)));
        }
    }

    /// Why the plugin panicked, in its own words.
    pub(crate) fn last_words(&self) -> Option<&str> {
        self.last_words.as_deref()
    }

    /// Lines that were dropped.
    pub(crate) fn dropped(&self) -> u32 {
        self.dropped
    }

    /// The lines, taken out.
    pub(crate) fn take_lines(&mut self) -> Vec<LogLine> {
        std::mem::take(&mut self.lines)
    }
}

/// `panicked at src/lib.rs:3:5:\nboom` as one line.
fn last_words(text: &str) -> String {
    let line = text.replacen(":\n", ": ", 1);
    escaped_lines(cut(&line, FAULT_MESSAGE_BYTES_MAX))
}

/// The beginning of a text, at most so many bytes, whole characters.
fn cut(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}

fn tail(text: &str, bytes_max: usize) -> &str {
    &text[text.ceil_char_boundary(text.len().saturating_sub(bytes_max))..]
}

/// A message of a plugin for people: cut, and safe to show and to store.
pub(crate) fn message(text: &str) -> String {
    escaped_lines(cut(text, FAULT_MESSAGE_BYTES_MAX))
}

/// Escapes what could break a line, a terminal or the order in which a line is read.
fn escaped(text: &str, bytes_max: usize) -> String {
    let mut out = String::with_capacity(text.len().min(bytes_max));
    for c in text.chars() {
        let before = out.len();
        if is_unsafe(c) {
            // Writing to a String does not fail.
            let _ = write!(out, "{}", c.escape_default());
        } else {
            out.push(c);
        }
        if out.len() > bytes_max {
            out.truncate(before);
            break;
        }
    }
    out
}

/// The same with line breaks kept.
fn escaped_lines(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| escaped(line, usize::MAX)).collect();
    cut(&lines.join("\n"), FAULT_MESSAGE_BYTES_MAX).to_owned()
}

/// Control characters, and those that turn the direction of writing around (Unicode TR 36, "bidirectional text
/// spoofing").
fn is_unsafe(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(lines_max: u32, bytes_max: usize) -> CallLog {
        CallLog::new(&CallLimits {
            log_lines_max: lines_max,
            log_bytes_max: bytes_max,
            ..CallLimits::default()
        })
    }

    #[test]
    fn lines_beyond_a_limit_are_dropped_and_counted() {
        let mut log = log(3, 10);
        for text in ["12345", "12345", "1", "", "more"] {
            log.write(LogLevel::Info, text);
        }
        assert_eq!(log.dropped(), 2, "one by its bytes, one by its number");
        assert_eq!(log.take_lines().len(), 3);
    }

    #[test]
    fn a_long_line_is_cut_at_a_whole_character() {
        let mut log = log(1, usize::MAX);
        log.write(LogLevel::Info, &"牛".repeat(2_000));
        let line = &log.take_lines()[0].message;
        assert_eq!(line.len(), LOG_LINE_BYTES_MAX - 1);
    }

    #[test]
    fn what_could_break_a_terminal_is_escaped() {
        let mut log = log(9, usize::MAX);
        log.write(LogLevel::Info, "a\nb\t\u{1b}[31m\u{202e}牛");
        assert_eq!(log.take_lines()[0].message, "a\\nb\\t\\u{1b}[31m\\u{202e}牛");
        assert!(escaped(&"\n".repeat(5_000), LOG_LINE_BYTES_MAX).len() <= LOG_LINE_BYTES_MAX);
    }

    #[test]
    fn last_words_are_heard_although_the_log_is_full() {
        let mut log = log(0, 0);
        log.write(LogLevel::Error, "panicked at src/lib.rs:3:5:\nno stock");
        assert_eq!(log.last_words(), Some("panicked at src/lib.rs:3:5: no stock"));
        assert_eq!(log.dropped(), 1);
    }

    #[test]
    fn standard_error_says_why_a_guest_with_std_or_an_interpreter_ends() {
        for (text, words) in [
            (
                "\nthread 'main' panicked at src/lib.rs:3:5:\nno stock\nnote: run with `RUST_BACKTRACE=1`\n",
                "panicked at src/lib.rs:3:5: no stock",
            ),
            ("cannot find module x\n", "cannot find module x"),
            (
                "Traceback (most recent call last):\n  File \"app.py\", line 3\nValueError: no stock\n\
                 thread '<unnamed>' (1) panicked at runtime/src/lib.rs:1:2:\nPython function threw\nnote: run with x\n",
                "Traceback (most recent call last):\n  File \"app.py\", line 3\nValueError: no stock",
            ),
        ] {
            let mut log = log(1, 10);
            log.heard(text);
            assert_eq!(log.last_words(), Some(words));
        }
    }
}
