//! Figures and how they are printed. It never measures.

use std::fmt::Write as _;

use serde_json::json;

use crate::cpu::Others;
use crate::machine::Machine;

/// What a figure should be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Goal {
    /// This or more.
    AtLeast(f64),
    /// This or less.
    AtMost(f64),
}

/// One figure, measured several times.
pub(crate) struct Figure {
    name: String,
    unit: &'static str,
    values: Vec<f64>,
    goal: Option<Goal>,
}

/// Figures that belong together.
struct Group {
    name: &'static str,
    figures: Vec<Figure>,
    notes: Vec<String>,
    other_cores: f64,
}

/// All that was measured.
pub(crate) struct Report {
    machine: Machine,
    groups: Vec<Group>,
    watching: Others,
}

impl Figure {
    fn sorted(&self) -> Vec<f64> {
        let mut values = self.values.clone();
        values.sort_by(f64::total_cmp);
        values
    }

    fn median(&self) -> f64 {
        median(&self.values)
    }

    fn is_met(&self) -> Option<bool> {
        let median = self.median();
        self.goal.map(|goal| match goal {
            Goal::AtLeast(least) => median >= least,
            Goal::AtMost(most) => median <= most,
        })
    }

    fn goal_text(&self) -> String {
        let verdict = |is_met| if is_met { "met" } else { "missed" };
        match (self.goal, self.is_met()) {
            (Some(Goal::AtLeast(least)), Some(is_met)) => format!("≥ {} {}", number(least), verdict(is_met)),
            (Some(Goal::AtMost(most)), Some(is_met)) => format!("≤ {} {}", number(most), verdict(is_met)),
            _ => String::new(),
        }
    }
}

impl Report {
    pub(crate) fn new(machine: Machine) -> Self {
        Self { machine, groups: Vec::new(), watching: Others::watch() }
    }

    /// Begins a group: what follows belongs to it.
    pub(crate) fn begin(&mut self, name: &'static str) {
        self.watching = Others::watch();
        self.groups.push(Group { name, figures: Vec::new(), notes: Vec::new(), other_cores: 0.0 });
    }

    /// Ends the group: what other processes used meanwhile is kept with it.
    pub(crate) fn end(&mut self) {
        let cores = self.watching.cores();
        if let Some(group) = self.groups.last_mut() {
            group.other_cores = cores;
        }
    }

    /// Does work that blocks, on a thread that may.
    pub(crate) fn beside<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        tokio::task::block_in_place(|| work(self))
    }

    /// A figure of the group.
    pub(crate) fn figure(&mut self, name: impl Into<String>, unit: &'static str, values: Vec<f64>) {
        self.push(Figure { name: name.into(), unit, values, goal: None });
    }

    /// A figure with a goal.
    pub(crate) fn goal(&mut self, name: impl Into<String>, unit: &'static str, values: Vec<f64>, goal: Goal) {
        self.push(Figure { name: name.into(), unit, values, goal: Some(goal) });
    }

    /// What a reader must know of the group.
    pub(crate) fn note(&mut self, text: impl Into<String>) {
        if let Some(group) = self.groups.last_mut() {
            group.notes.push(text.into());
        }
    }

    fn push(&mut self, figure: Figure) {
        if let (Some(group), false) = (self.groups.last_mut(), figure.values.is_empty()) {
            group.figures.push(figure);
        }
    }

    /// Prints everything to standard output.
    #[expect(clippy::print_stdout, reason = "it prints its figures")]
    pub(crate) fn print(&self, is_json: bool) -> anyhow::Result<()> {
        if is_json {
            println!("{}", serde_json::to_string_pretty(&self.json())?);
        } else {
            print!("{}", self.text());
        }
        Ok(())
    }

    fn text(&self) -> String {
        let machine = &self.machine;
        let mut text = format!(
            "synchronous=FULL; {} cores of {}, {:.0} GiB, Linux {}, {}\n",
            machine.cores,
            machine.processor,
            machine.memory_bytes as f64 / f64::from(1 << 30),
            machine.kernel,
            machine.file_system,
        );
        let [median, slow] = machine.sync_us;
        // Writing to a String cannot fail.
        let _ = writeln!(text, "4 KiB and fdatasync: median {median:.0} µs, p99 {slow:.0} µs");
        for group in &self.groups {
            let _ = writeln!(text, "\n{} (other processes: {:.2} cores)", group.name, group.other_cores);
            for figure in &group.figures {
                let values = figure.sorted();
                let spread = match values.as_slice() {
                    [_] | [] => String::new(),
                    [first, .., last] => format!("{} .. {}", number(*first), number(*last)),
                };
                let line = format!(
                    "  {:<58} {:>10} {:<8} {:>21}  {}",
                    figure.name,
                    number(figure.median()),
                    figure.unit,
                    spread,
                    figure.goal_text(),
                );
                let _ = writeln!(text, "{}", line.trim_end());
            }
            for note in &group.notes {
                let _ = writeln!(text, "  {note}");
            }
        }
        text
    }

    fn json(&self) -> serde_json::Value {
        let machine = &self.machine;
        let groups = self.groups.iter().map(|group| {
            let figures = group.figures.iter().map(|figure| {
                json!({
                    "name": figure.name, "unit": figure.unit, "median": figure.median(), "values": figure.values,
                    "goal": figure.goal.map(|goal| match goal {
                        Goal::AtLeast(least) => json!({"at_least": least}),
                        Goal::AtMost(most) => json!({"at_most": most}),
                    }),
                    "is_met": figure.is_met(),
                })
            });
            json!({
                "name": group.name, "figures": figures.collect::<Vec<_>>(), "notes": group.notes,
                "other_cores": group.other_cores,
            })
        });
        json!({
            "synchronous": "FULL",
            "machine": {
                "cores": machine.cores, "processor": machine.processor, "memory_bytes": machine.memory_bytes,
                "kernel": machine.kernel, "file_system": machine.file_system,
                "fdatasync_us": {"median": machine.sync_us[0], "p99": machine.sync_us[1]},
            },
            "groups": groups.collect::<Vec<_>>(),
        })
    }
}

/// The middle of some values; 0 when there are none.
pub(crate) fn median(values: &[f64]) -> f64 {
    percentile(values, 50)
}

/// The value that so many percent are not above; 0 when there are none.
pub(crate) fn percentile(values: &[f64], percent: usize) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let place = values.len() * percent / 100;
    values.get(place.min(values.len().saturating_sub(1))).copied().unwrap_or(0.0)
}

/// Three digits are enough for anything that varies.
fn number(value: f64) -> String {
    match value.abs() {
        large if large >= 100.0 => {
            let digits = format!("{value:.0}");
            let mut out = String::new();
            for (place, digit) in digits.chars().enumerate() {
                if place > 0 && (digits.len() - place) % 3 == 0 && digit.is_ascii_digit() {
                    out.push(',');
                }
                out.push(digit);
            }
            out
        }
        middle if middle >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
