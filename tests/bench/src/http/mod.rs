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

pub(crate) async fn measure(
    world: &World,
    (siyu, plugins): (Option<&Path>, Option<&Path>),
    repeat: usize,
    report: &mut Report,
) -> anyhow::Result<()> {
    let missing = "`http` needs --siyu and --plugins: run it with `cargo xtask bench http`";
    let program =
        Program { siyu: siyu.context(missing)?, plugins: plugins.context(missing)?, folder: world.folder() };
    report.begin("http: the program `siyu` with one tenant, asked with a token over loopback");
    let most = attempts::measure(&program, repeat, report).await?;
    batches::measure(&program, repeat, report).await?;
    overload::measure(&program, (repeat, most), report).await?;
    streams::measure(&program, repeat, report).await?;
    report.end();
    Ok(())
}
