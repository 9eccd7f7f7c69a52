//! The table: what each engine came to, beside what it gives for it. It never measures.

use std::fmt::Write as _;

use crate::figures::{Figures, Spread};

/// What an engine promises, and how it executes. Families of engines share it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gives {
    /// When what a step did is durable.
    pub(crate) commit: &'static str,
    /// What becomes of a step's effects when the machine stops.
    pub(crate) effects: &'static str,
    /// Waiting for a time.
    pub(crate) timers: &'static str,
    /// What keeps the code of a step from the rest.
    pub(crate) isolation: &'static str,
    /// How workflows were started here.
    pub(crate) started: &'static str,
}

/// What came of an engine.
pub(crate) enum Outcome {
    /// Figures of each repetition.
    Measured { version: String, figures: Vec<Figures> },
    /// Why there are none.
    Failed(String),
}

/// A line.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) durability: &'static str,
    pub(crate) gives: Gives,
    pub(crate) outcome: Outcome,
}

/// Reads a figure of a repetition.
type Read = fn(&Figures) -> Option<f64>;

/// Columns, and what stands in them.
const COLUMNS: [(&str, Read); 7] = [
    ("workflows/s", |figures| Some(figures.rate)),
    ("p50 ms", |figures| Some(figures.median_ms)),
    ("p99 ms", |figures| Some(figures.slow_ms)),
    ("alone: p50 ms", |figures| Some(figures.alone_ms)),
    ("bytes a workflow", |figures| Some(figures.bytes)),
    ("alone: syncs a workflow", |figures| figures.syncs),
    ("others' cores", |figures| Some(figures.others)),
];

/// Everything as Markdown.
pub(crate) fn text(rows: &[Row], rounds: &str) -> String {
    let mut text =
        format!("Five durable steps a workflow; {rounds}. Median (lowest … highest).\n\n| engine |");
    // Writing to a String cannot fail.
    for (name, _) in COLUMNS {
        let _ = write!(text, " {name} |");
    }
    let _ = write!(
        text,
        " durable by | commits | effects of a step | timers | code of a step | started by |\n|---|"
    );
    text.push_str(&"---:|".repeat(COLUMNS.len()));
    text.push_str(&"---|".repeat(6));
    text.push('\n');
    for row in rows {
        let _ = writeln!(text, "{}", line(row));
    }
    text
}

fn line(row: &Row) -> String {
    let gives = &row.gives;
    let mut cells = Vec::new();
    match &row.outcome {
        Outcome::Measured { version, figures } => {
            cells.push(format!("{} {version}", row.name));
            cells.extend(COLUMNS.iter().map(|(_, read)| {
                let values: Vec<f64> = figures.iter().filter_map(read).collect();
                Spread::of(&values).map_or_else(|| "–".to_owned(), |spread| spread.text())
            }));
        }
        Outcome::Failed(why) => {
            cells.push(row.name.to_owned());
            cells.push(format!("not measured: {why}"));
            cells.extend(COLUMNS.iter().skip(1).map(|_| "–".to_owned()));
        }
    }
    let words = [row.durability, gives.commit, gives.effects, gives.timers, gives.isolation, gives.started];
    cells.extend(words.map(str::to_owned));
    let cells = cells.into_iter().map(|cell| cell.replace('|', "\\|").replace('\n', " "));
    format!("| {} |", cells.collect::<Vec<_>>().join(" | "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVES: Gives =
        Gives { commit: "each step", effects: "once", timers: "rows", isolation: "none", started: "HTTP" };

    #[test]
    fn every_line_has_a_cell_for_every_column() {
        let figures = Figures { rate: 1_000.0, median_ms: 2.0, ..Figures::default() };
        let measured = Outcome::Measured { version: "1.2".to_owned(), figures: vec![figures] };
        let failed = Outcome::Failed("no a|b\nhere".to_owned());
        let rows =
            [measured, failed].map(|outcome| Row { name: "It", durability: "fsync", gives: GIVES, outcome });
        let text = text(&rows, "3 repetitions");
        let table: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
        let cells = |line: &str| line.replace("\\|", "").matches('|').count();
        assert_eq!(table.len(), 4, "{text}");
        assert!(table.iter().all(|line| cells(line) == cells(table[0])), "{text}");
        assert!(
            table[2].starts_with("| It 1.2 | 1,000 | 2.00 | 0.00 | 0.00 | 0.00 | – | 0.00 | fsync |"),
            "{text}"
        );
        assert!(table[3].starts_with("| It | not measured: no a\\|b here | – |"), "{text}");
    }
}
