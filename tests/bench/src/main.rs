//! Measures the engine, and what it could do at best on the same machine: `cargo xtask bench`.
//!
//! Nothing is asserted: what a machine does depends on the machine. Every figure is a median with its spread, and the
//! machine, the durability and what else was running are printed with it.

mod call;
mod cpu;
mod disk;
mod growth;
mod http;
mod languages;
mod limit;
mod machine;
mod ports;
mod postgres;
mod report;
mod retention;
mod start;
mod steps;
mod tenants;
mod waits;
mod world;

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use machine::Machine;
use report::Report;
use world::World;

/// The allocator of the program `siyu`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What there is to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum What {
    /// Durable steps a second of one tenant, and where their time goes
    Steps,
    /// The bare loop beside it, and the ratio
    Limit,
    /// One call of a plugin as the host sees it
    Call,
    /// A host that starts with its plugins compiled
    Start,
    /// A million parked waits
    Waits,
    /// Bytes of a run and a step
    Disk,
    /// A thousand tenants on one host, and one that floods it
    Tenants,
    /// Durable steps a second of one tenant on a private Postgres
    Postgres,
    /// A tenant whose journal grows to ten million rows
    Growth,
    /// A tenant under load whose rows go after a day
    Retention,
    /// The program over HTTP: attempts at a sale, batches of events, and more than it can take
    Http,
    /// The first part of `http` alone: attempts at a sale
    Attempts,
    /// The second part of `http` alone: batches of events
    Batches,
    /// One plugin in several languages
    Languages,
}

#[derive(Parser)]
#[command(name = "siyu-bench", about = "Measures Siyu's engine. Run it with `cargo xtask bench`.")]
struct Arguments {
    /// What to measure; all when absent
    what: Vec<What>,
    /// How often each measurement is repeated
    #[arg(long, default_value_t = 5)]
    repeat: usize,
    /// Events of one repetition of `steps`, five steps each
    #[arg(long, default_value_t = 30_000)]
    events: u64,
    /// Runs that wait in `waits`
    #[arg(long, default_value_t = 1_000_000)]
    parked: u64,
    /// Tenants in `tenants`
    #[arg(long, default_value_t = 1_000)]
    tenants: usize,
    /// Rows of the journal to which a tenant grows in `growth`: 10,000,000 take about six gigabytes
    #[arg(long, default_value_t = 10_000_000)]
    rows: u64,
    /// Print one JSON document instead of a table
    #[arg(long)]
    json: bool,
    /// Where databases are made and removed again [default: the system's folder for temporary files]
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// The plugin of the benchmark as the compiler made it
    #[arg(long, env = "SIYU_BENCH_PLUGIN", value_name = "FILE")]
    plugin: PathBuf,
    /// The folder of packed plugins that a host starts with
    #[arg(long, env = "SIYU_BENCH_PLUGINS", value_name = "DIR")]
    plugins: Option<PathBuf>,
    /// The program that `http` asks
    #[arg(long, env = "SIYU_BENCH_SIYU", value_name = "FILE")]
    siyu: Option<PathBuf>,
    /// The same plugin in a language, for `languages`; may be there several times
    #[arg(long, value_name = "NAME=FILE")]
    language: Vec<languages::Language>,
}

impl Arguments {
    fn wants(&self, what: What) -> bool {
        self.what.is_empty() || self.what.contains(&what)
    }
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let runtime = world::threads()?;
    let report = runtime.block_on(measure(&arguments))?;
    report.print(arguments.json)?;
    runtime.shutdown_background();
    Ok(())
}

async fn measure(arguments: &Arguments) -> anyhow::Result<Report> {
    let world = World::new(arguments.folder.as_deref(), &arguments.plugin)?;
    let mut report = Report::new(Machine::look(world.folder())?);
    let repeat = arguments.repeat.max(1);
    if arguments.wants(What::Steps) || arguments.wants(What::Limit) {
        let rounds = steps::Rounds {
            repeat,
            events: arguments.events.max(1),
            steps: arguments.wants(What::Steps),
            limit: arguments.wants(What::Limit),
        };
        steps::measure(&world, rounds, &mut report).await?;
    }
    if arguments.wants(What::Call) {
        report.beside(|report| call::measure(&world, repeat, report))?;
    }
    if arguments.wants(What::Start) {
        start::measure(&world, arguments.plugins.as_deref(), repeat, &mut report).await?;
    }
    if arguments.wants(What::Disk) {
        disk::measure(&world, repeat, &mut report).await?;
    }
    if arguments.wants(What::Waits) {
        waits::measure(&world, (repeat, arguments.parked.max(1)), &mut report).await?;
    }
    if arguments.wants(What::Tenants) {
        tenants::measure(&world, (repeat, arguments.tenants), &mut report).await?;
    }
    if arguments.wants(What::Postgres) {
        postgres::measure(&world, (repeat, arguments.events.max(1)), &mut report).await?;
    }
    if arguments.wants(What::Growth) {
        growth::measure(&world, (repeat, arguments.rows), &mut report).await?;
    }
    if arguments.wants(What::Retention) {
        retention::measure(&world, arguments.events, &mut report).await?;
    }
    let program = (arguments.siyu.as_deref(), arguments.plugins.as_deref());
    if arguments.wants(What::Http) {
        http::measure(&world, program, repeat, &mut report).await?;
    } else {
        let parts = [(What::Attempts, http::Part::Attempts), (What::Batches, http::Part::Batches)];
        for (_, part) in parts.into_iter().filter(|(what, _)| arguments.wants(*what)) {
            http::measure_part(&world, program, (part, repeat), &mut report).await?;
        }
    }
    // Without a language there is nothing to compare: they are built by `cargo xtask bench languages` alone.
    if !arguments.language.is_empty() && arguments.wants(What::Languages) {
        report.beside(|report| languages::measure(&world, (&arguments.language, repeat), report))?;
    }
    Ok(report)
}
