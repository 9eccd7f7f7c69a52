//! `start`: a host is ready when its plugins can be called and its tenant takes commands. Everything was compiled before.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, ensure};
use siyu_engine::dispatch::Channels;
use siyu_engine::ports::clock::SystemClock;
use siyu_engine::tenant::{Lanes, Ports, Settings, Tenant};
use siyu_runtime::{Runtime, digest_of};

use crate::report::{Goal, Report};
use crate::world::{self, World};

/// Milliseconds from nothing to ready with ten plugins.
const START_GOAL_MS: f64 = 100.0;

/// Measures the start of a host with the plugins of a folder; with the benchmark's own when there is none.
pub(crate) async fn measure(
    world: &World,
    plugins: Option<&Path>,
    repeat: usize,
    report: &mut Report,
) -> anyhow::Result<()> {
    report.begin("start: a host that is ready, from compiled plugins and an existing tenant");
    let files = files(world, plugins)?;
    let cache = world.folder().join("compiled-all");
    let compiling = Runtime::new(world::runtime_config(cache.clone()))?;
    let mut bytes = 0;
    for file in &files {
        let component = std::fs::read(file)?;
        bytes += component.len();
        compiling.load(&component).with_context(|| file.display().to_string())?;
    }
    drop(compiling);
    world.open(Arc::new(world.stores("start"))).await?.stop().await;
    let (mut runtimes, mut loads, mut tenants, mut all) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..repeat {
        let begun = Instant::now();
        let runtime = Arc::new(Runtime::new(world::runtime_config(cache.clone()))?);
        let made = begun.elapsed();
        for file in &files {
            let digest = digest_of(&std::fs::read(file)?);
            ensure!(runtime.load_cached(&digest)?.is_some(), "{} was not compiled", file.display());
        }
        let loaded = begun.elapsed();
        let tenant = open(world, runtime).await?;
        let ready = begun.elapsed();
        tenant.stop().await;
        let ms = |span: std::time::Duration| span.as_secs_f64() * 1e3;
        runtimes.push(ms(made));
        loads.push(ms(loaded - made));
        tenants.push(ms(ready - loaded));
        all.push(ms(ready));
    }
    report.goal(format!("ready with {} plugins", files.len()), "ms", all, Goal::AtMost(START_GOAL_MS));
    report.figure("  of which making the sandbox", "ms", runtimes);
    report.figure("  of which loading the plugins", "ms", loads);
    report.figure("  of which opening the tenant", "ms", tenants);
    report.note(format!("{} kB of components, read and hashed each time", bytes / 1_000));
    report.end();
    Ok(())
}

fn files(world: &World, plugins: Option<&Path>) -> anyhow::Result<Vec<PathBuf>> {
    let Some(folder) = plugins else {
        let file = world.folder().join("bench.wasm");
        std::fs::write(&file, &world.component)?;
        return Ok(vec![file]);
    };
    let entries = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "wasm"));
    files.sort();
    ensure!(!files.is_empty(), "{}: there is no packed plugin", folder.display());
    Ok(files)
}

async fn open(world: &World, plugins: Arc<Runtime>) -> anyhow::Result<Tenant> {
    let ports = Ports {
        stores: Arc::new(world.stores("start")),
        plugins,
        clock: Arc::new(SystemClock),
        channels: Channels::default(),
        lanes: Lanes::unpaced(1),
    };
    let tenant = Tenant::open(world::tenant_name()?, ports, Settings::default()).await?;
    // It has answered once: it is ready.
    tenant.settle().await?;
    Ok(tenant)
}
