//! `cargo xtask demo`: the main job, from nothing.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use clap::Args;

use crate::commands::{self, part, siyu};
use crate::plugins;

/// Options of `demo`.
#[derive(Args)]
pub(crate) struct Options {
    /// Where the database is left for `siyu runs`, `siyu customers show` and `siyu report`
    #[arg(long, default_value = "target/demo")]
    data: PathBuf,
    /// Only about so many of the 23,570 customers
    #[arg(long)]
    customers: Option<usize>,
    /// Write the events to this file and do no more
    #[arg(long)]
    events_only: Option<PathBuf>,
}

/// The lottery is over on 2026-08-01 and reveals its seed then: from then on every draw can be computed again.
const REVEALED: &str = "2026-08-02T00:00:00+08:00";

/// What is asked of the tenant when all is played: the reports that the demo prints.
const REPORTS: [&[&str]; 7] = [
    &["report", "funnel"],
    &["report", "repurchase"],
    &["report", "coupons"],
    &["report", "prizes"],
    &["draws", "verify"],
    &["report", "stock"],
    &["report", "runs"],
];

/// Builds plugins and host, replays the order history on the virtual clock, and reports.
#[expect(clippy::print_stdout, reason = "the demo is what it prints")]
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    if let Some(path) = &options.events_only {
        let written = siyu_cdnow::write(path, options.customers)?;
        println!("{} real and {} modelled events: {}", written.real, written.modelled, path.display());
        return Ok(());
    }
    let mut siyu_path = PathBuf::new();
    let mut plugin_folder = PathBuf::new();
    part("build", || {
        plugin_folder = plugins::build(false)?;
        siyu_path = siyu(true)?;
        Ok(())
    })?;
    let demo = Demo { siyu: &siyu_path, plugins: &plugin_folder, data: &options.data };
    demo.begin_anew()?;
    let feed_path = options.data.join("events.ndjson");
    let written = siyu_cdnow::write(&feed_path, options.customers)?;
    println!(
        "Orders are real: {} events of source `cdnow`, the CDNOW order history moved by 28 years.",
        written.real
    );
    println!(
        "All else is a model: {} events of source `model`, from tests/cdnow/behaviour.toml.\n",
        written.modelled
    );
    let started = Instant::now();
    demo.siyu(&[
        "run",
        "workflows/steak-club",
        "--virtual",
        "--seed",
        "steak-club",
        "--until",
        REVEALED,
        "--events",
        &feed_path.to_string_lossy(),
    ])?;
    let played = started.elapsed();
    for report in REPORTS {
        println!();
        demo.siyu(report)?;
    }
    println!(
        "\nPlayed in {:.1} s, reported in {:.1} s.",
        played.as_secs_f64(),
        (started.elapsed() - played).as_secs_f64()
    );
    demo.say_what_next();
    Ok(())
}

/// The program with its folders.
struct Demo<'a> {
    siyu: &'a Path,
    plugins: &'a Path,
    data: &'a Path,
}

impl Demo<'_> {
    /// An empty data folder: the demo always begins with the first event.
    fn begin_anew(&self) -> anyhow::Result<()> {
        if self.data.exists() {
            anyhow::ensure!(
                self.data.join("events.ndjson").exists() || std::fs::read_dir(self.data)?.next().is_none(),
                "{} exists and is no folder of an earlier demo: choose another with --data",
                self.data.display()
            );
            std::fs::remove_dir_all(self.data)?;
        }
        Ok(std::fs::create_dir_all(self.data)?)
    }

    fn siyu(&self, words: &[&str]) -> anyhow::Result<()> {
        let mut command = Command::new(self.siyu);
        command.arg("--data").arg(self.data).arg("--plugins").arg(self.plugins).args(words);
        commands::run(&mut command)
    }

    #[expect(clippy::print_stdout, reason = "the demo is what it prints")]
    fn say_what_next(&self) {
        let (siyu, data) = (self.siyu.display(), self.data.display());
        println!("\nThe database is in {data}. Look around:");
        for words in [
            "customers show cdnow:00008",
            "runs list --limit 10",
            "report funnel",
            "report stock --json",
            "doctor",
        ] {
            println!("  {siyu} --data {data} {words}");
        }
    }
}
