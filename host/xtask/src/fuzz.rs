//! `cargo xtask fuzz`: lets libFuzzer look for inputs that a target does not hold, and keeps what reaches new code.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use clap::Args;
use siyu_fuzz::{TARGETS, pack, unpack};

use crate::commands::{self, cargo, output, part};

/// Where inputs are kept.
const CORPUS: &str = "tests/fuzz/corpus";
/// Words of what is read.
const WORDS: &str = "tests/fuzz/words";
/// The libFuzzer program.
const GUIDED: &str = "tests/fuzz/guided";
/// Bytes of one input.
const INPUT_BYTES_MAX: usize = 4_096;
/// Bytes of all inputs that are kept of one target; the shortest ones stay.
const KEPT_BYTES_MAX: usize = 200_000;

/// What makes a program tell libFuzzer which code it reached and what it compared. All of these are stable options; only
/// the sanitizers of memory need a nightly compiler, and the product forbids `unsafe`.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// Options of `fuzz`.
#[derive(Args)]
pub(crate) struct Options {
    /// Which targets: yaml, expression, component, event, cron; all when absent
    targets: Vec<String>,
    /// How long each of them is fuzzed
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// Keep the inputs that reach new code in tests/fuzz/corpus
    #[arg(long)]
    keep: bool,
}

/// Builds libFuzzer with the targets and lets it run; an error names every input that was not held.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let program = build()?;
    let mut found = Vec::new();
    for name in TARGETS {
        if options.targets.is_empty() || options.targets.iter().any(|wanted| wanted == name) {
            part(name, || {
                found.extend(fuzz(&program, name, options)?);
                Ok(())
            })?;
        }
    }
    ensure!(found.is_empty(), "not held (move them into {CORPUS} by a test): {found:?}");
    Ok(())
}

fn build() -> anyhow::Result<PathBuf> {
    let version = output(Command::new("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names no host")?;
    let folder = commands::target().join("fuzz/build");
    // What is fuzzed has the very versions that the product is built with.
    std::fs::copy("Cargo.lock", Path::new(GUIDED).join("Cargo.lock"))?;
    let mut build = cargo();
    build.args(["build", "--release", "--target", host, "--manifest-path"]);
    build.arg(Path::new(GUIDED).join("Cargo.toml"));
    // With a target named, build scripts and macros are built without the flags.
    build.env("CARGO_TARGET_DIR", &folder).env("RUSTFLAGS", FLAGS);
    commands::run(&mut build)?;
    Ok(folder.join(host).join("release/siyu-fuzz-guided"))
}

/// Fuzzes one target; gives the inputs that it did not hold.
fn fuzz(program: &Path, name: &str, options: &Options) -> anyhow::Result<Vec<PathBuf>> {
    let folder = commands::target().join("fuzz").join(name);
    let (inputs, faults, merged) = (folder.join("inputs"), folder.join("found"), folder.join("merged"));
    drop(std::fs::remove_dir_all(&merged));
    for place in [&inputs, &faults, &merged] {
        std::fs::create_dir_all(place)?;
    }
    // What was not held the last time is tried with the first ones: it may be held now.
    for entry in std::fs::read_dir(&faults)? {
        let found = entry?;
        std::fs::rename(found.path(), inputs.join(found.file_name()))?;
    }
    let kept = Path::new(CORPUS).join(name);
    for (number, input) in unpack(&std::fs::read(&kept).unwrap_or_default()).into_iter().enumerate() {
        std::fs::write(inputs.join(format!("kept-{number}")), input)?;
    }
    let log = folder.join("log");
    let mut fuzz = Command::new(program);
    fuzz.env("SIYU_FUZZ_TARGET", name).arg(format!("-max_total_time={}", options.seconds));
    fuzz.args(["-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1"]);
    fuzz.arg(format!("-max_len={INPUT_BYTES_MAX}")).arg(format!("-dict={WORDS}"));
    fuzz.arg(format!("-artifact_prefix={}/", faults.display())).arg(&inputs);
    let held = commands::run(fuzz.stderr(std::fs::File::create(&log)?));
    let found: Vec<PathBuf> =
        std::fs::read_dir(&faults)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    if found.is_empty() {
        held.with_context(|| format!("see {}", log.display()))?;
    }
    tell(name, &std::fs::read_to_string(&log)?, found.len())?;
    if options.keep {
        let mut merge = Command::new(program);
        merge.env("SIYU_FUZZ_TARGET", name).arg("-merge=1").arg(&merged).arg(&inputs);
        commands::run(merge.stderr(std::fs::File::create(folder.join("merge.log"))?))?;
        keep(&merged, &kept)?;
    }
    Ok(found)
}

/// Says how it went, as a row of a table. An error when libFuzzer did not see which code its inputs reached: then it would
/// only have guessed.
#[expect(clippy::print_stdout, reason = "a developer watches")]
fn tell(name: &str, said: &str, found: usize) -> anyhow::Result<()> {
    let after = |mark: &str, line: &str| {
        let rest = line.split_once(mark)?.1.trim_start();
        rest.split(|c: char| !c.is_ascii_digit()).next()?.parse::<u64>().ok()
    };
    let first = |mark: &str| said.lines().find_map(|line| after(mark, line)).unwrap_or(0);
    let last = |mark: &str| said.lines().rev().find_map(|line| after(mark, line)).unwrap_or(0);
    let places =
        said.lines().find(|line| line.contains("inline 8-bit counters")).and_then(|line| after("(", line));
    let (began, ended) = (first(" cov: "), last(" cov: "));
    ensure!(
        places.is_some_and(|places| places > 0) && ended > 0,
        "{name} was not guided by coverage: libFuzzer found no counters in the program"
    );
    println!(
        "| {name} | {} inputs tried | {} kept | {began} places reached at the beginning, {ended} at the end, of {} | {found} found |",
        last("stat::number_of_executed_units:"),
        last(" corp: "),
        places.unwrap_or(0),
    );
    Ok(())
}

/// Writes the shortest inputs of a folder into one file.
fn keep(folder: &Path, file: &Path) -> anyhow::Result<()> {
    let mut inputs = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        inputs.push(std::fs::read(entry?.path())?);
    }
    inputs.sort_by_key(|input| (input.len(), input.clone()));
    inputs.dedup();
    let mut bytes = 0;
    let kept = inputs.iter().map(Vec::as_slice).take_while(|input| {
        bytes += input.len();
        bytes <= KEPT_BYTES_MAX
    });
    std::fs::write(file, pack(kept)).with_context(|| file.display().to_string())
}
