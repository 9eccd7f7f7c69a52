//! `http`: the program `siyu` over HTTP, durable, with a token, the load on the same cores.
//!
//! Every answer is looked at: an attempt that holds no unit, or an event that is not recorded, ends the measurement.

mod attempts;
mod batches;
mod client;
mod host;
mod overload;
mod streams;

use std::path::Path;

use anyhow::Context;

use crate::report::Report;
use crate::world::World;
use host::Program;

/// The program and the folder of its plugins, where they were named.
type Named<'n> = (Option<&'n Path>, Option<&'n Path>);

/// All parts.
pub(crate) async fn measure(
    world: &World,
    named: Named<'_>,
    repeat: usize,
    report: &mut Report,
) -> anyhow::Result<()> {
    let program = program(world, named)?;
    begin(report);
    let most = attempts::measure(&program, repeat, report).await?;
    batches::measure(&program, repeat, report).await?;
    overload::measure(&program, (repeat, most), report).await?;
    streams::measure(&program, repeat, report).await?;
    report.end();
    Ok(())
}

/// What can be measured alone.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Part {
    Attempts,
    Batches,
}

/// One part alone.
pub(crate) async fn measure_part(
    world: &World,
    named: Named<'_>,
    (part, repeat): (Part, usize),
    report: &mut Report,
) -> anyhow::Result<()> {
    let program = program(world, named)?;
    begin(report);
    match part {
        Part::Attempts => attempts::measure(&program, repeat, report).await.map(|_| ())?,
        Part::Batches => batches::measure(&program, repeat, report).await?,
    }
    report.end();
    Ok(())
}

fn program<'p>(world: &'p World, (siyu, plugins): Named<'p>) -> anyhow::Result<Program<'p>> {
    let missing = "`http` needs --siyu and --plugins: run it with `cargo xtask bench http`";
    Ok(Program { siyu: siyu.context(missing)?, plugins: plugins.context(missing)?, folder: world.folder() })
}

fn begin(report: &mut Report) {
    report.begin("http: the program `siyu` with one tenant, asked with a token over loopback");
}
