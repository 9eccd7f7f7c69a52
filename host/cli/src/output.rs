//! What the user sees: text or JSON, colours, tables, progress. Never decides what is said.
//!
//! With `--json` standard output is one JSON document and nothing else. Colours only where a terminal is, and never
//! under `NO_COLOR` (<https://no-color.org>). Text from outside never drives the terminal: see [`printable`].

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use comfy_table::{ContentArrangement, Table, presets};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use crate::fault::Fault;

/// Columns of a terminal that does not say how wide it is.
const WIDTH: u16 = 100;
/// Narrower terminals get lines that wrap.
const WIDTH_MIN: u16 = 40;
/// How often a progress bar is drawn, in a second.
const DRAWS_PER_SECOND: u8 = 10;

/// The user's terminal, or whoever reads instead.
pub(crate) struct Screen {
    /// Whether one JSON document is wanted instead of text.
    pub(crate) is_json: bool,
    /// Whether text may have colours.
    pub(crate) is_coloured: bool,
    /// Columns; none when nobody looks and lines may be long.
    width: Option<u16>,
    is_watched: bool,
}

/// How a word is painted.
#[derive(Clone, Copy)]
pub(crate) enum Paint {
    /// Good.
    Green,
    /// Bad.
    Red,
    /// To be looked at.
    Yellow,
    /// Not so important.
    Dim,
    /// A heading.
    Bold,
}

impl Screen {
    /// What this process writes to.
    pub(crate) fn detect(is_json: bool) -> Self {
        let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let is_terminal = io::stdout().is_terminal();
        let forced = is_set("CLICOLOR_FORCE");
        Self {
            is_json,
            is_coloured: !is_json && !is_set("NO_COLOR") && (forced || (is_terminal && !is_dumb)),
            width: width(is_terminal),
            is_watched: !is_json && io::stderr().is_terminal() && !is_dumb,
        }
    }

    /// Prints text for people, with a line break; nothing under `--json`.
    pub(crate) fn say(&self, text: impl Display) -> anyhow::Result<()> {
        if self.is_json { Ok(()) } else { self.print(&format!("{text}\n")) }
    }

    /// Prints the one JSON document; nothing without `--json`.
    pub(crate) fn json(&self, document: &impl Serialize) -> anyhow::Result<()> {
        if !self.is_json {
            return Ok(());
        }
        let text = serde_json::to_string_pretty(document)?;
        self.print(&(text + "\n"))
    }

    /// Prints as it is.
    pub(crate) fn print(&self, text: &str) -> anyhow::Result<()> {
        let mut out = io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            // Whoever read has read enough.
            Err(fault) if fault.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => Ok(other?),
        }
    }

    /// A word in a colour, where there are colours.
    pub(crate) fn paint(&self, paint: Paint, text: impl Display) -> String {
        if !self.is_coloured {
            return text.to_string();
        }
        let code = match paint {
            Paint::Green => 32,
            Paint::Red => 31,
            Paint::Yellow => 33,
            Paint::Dim => 2,
            Paint::Bold => 1,
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }

    /// A table with these columns, as wide as the terminal at most.
    pub(crate) fn table(&self, columns: &[&str]) -> Table {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_header(columns.iter().copied());
        match self.width {
            Some(width) => table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width),
            None => table.set_content_arrangement(ContentArrangement::Disabled),
        };
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        table
    }

    /// Prints a table, without blanks at the ends of lines.
    pub(crate) fn say_table(&self, table: &Table) -> anyhow::Result<()> {
        let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
        self.say(lines.join("\n"))
    }

    /// A progress bar over so many; hidden when nobody watches.
    pub(crate) fn progress(&self, total: u64, unit: &str) -> ProgressBar {
        if !self.is_watched {
            return ProgressBar::hidden();
        }
        let target = ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND);
        let bar = ProgressBar::with_draw_target(Some(total), target);
        let shape = format!("{{bar:30}} {{pos}}/{{len}} {unit}  {{per_sec}}  {{msg}}  {{eta}} left");
        match ProgressStyle::with_template(&shape) {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        }
    }

    /// Tells of an error that ends the program; gives its exit status.
    pub(crate) fn fault(&self, error: &anyhow::Error) -> ExitCode {
        let causes: Vec<String> = error.chain().skip(1).map(|cause| printable(&cause.to_string())).collect();
        let message = printable(&error.to_string());
        let help = Fault::help_of(error).map(printable);
        if self.is_json {
            let document = serde_json::json!({"error": {"message": message, "causes": causes, "help": help}});
            let _ = self.json(&document);
        } else {
            let mut text = format!("error: {message}\n");
            for cause in causes {
                text.push_str(&format!("  because: {cause}\n"));
            }
            if let Some(help) = help {
                text.push_str(&format!("help: {help}\n"));
            }
            let _ = io::stderr().lock().write_all(text.as_bytes());
        }
        ExitCode::from(Fault::status_of(error))
    }
}

/// Columns of the terminal. `COLUMNS` says it when it is set, as shells do.
fn width(is_terminal: bool) -> Option<u16> {
    let told = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse::<u16>().ok());
    let asked = || rustix::termios::tcgetwinsize(io::stdout()).ok().map(|size| size.ws_col);
    match told {
        Some(columns) => Some(columns.max(WIDTH_MIN)),
        None if is_terminal => Some(asked().filter(|columns| *columns > 0).unwrap_or(WIDTH).max(WIDTH_MIN)),
        None => None,
    }
}

/// Text from outside as it may be printed: control characters and marks of direction as escapes, so that a customer's
/// name cannot move the cursor or hide what follows.
pub(crate) fn printable(text: &str) -> String {
    let is_mark =
        |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if (c.is_control() && c != '\n') || is_mark(c) {
            safe.extend(c.escape_default());
        } else {
            safe.push(c);
        }
    }
    safe
}

/// The same on one line.
pub(crate) fn on_one_line(text: &str) -> String {
    printable(text).replace('\n', "\\n")
}

/// A number with a comma after each three digits.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of bytes for people: `312 B`, `4.5 KiB`, `1.2 GiB`.
pub(crate) fn bytes(number: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if number < 1 << 10 {
        return format!("{number} B");
    }
    let mut size = number as f64 / 1024.0;
    let mut unit = 0;
    while size >= 1024.0 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    format!("{size:.1} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_three() {
        for (number, text) in
            [(0, "0"), (999, "999"), (1_000, "1,000"), (70_000, "70,000"), (1_234_567, "1,234,567")]
        {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn bytes_have_a_unit() {
        for (number, text) in [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (5 << 30, "5.0 GiB")] {
            assert_eq!(bytes(number), text);
        }
    }

    #[test]
    fn text_from_outside_does_not_drive_the_terminal() {
        assert_eq!(printable("a\x1b[2Jb\u{202e}c\nd"), "a\\u{1b}[2Jb\\u{202e}c\nd");
        assert_eq!(on_one_line("a\nb"), "a\\nb");
    }
}
