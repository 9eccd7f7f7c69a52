//! `languages`: one plugin written in several languages, called in a fresh instance: how large it is, how long it loads from the
//! cache of compiled plugins, and how long a call takes.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, ensure};
use siyu_engine::ports::plugins::Plugins;
use siyu_runtime::{LoadedPlugin, Runtime, pack};

use crate::report::{Report, percentile};
use crate::world::{self, World};

/// Calls of one repetition.
const CALLS: usize = 300;
/// What each is asked to check; the answer is one finding.
const DEFINITION: &str = r#"{"stamps":0,"stamp_lasts":"30d"}"#;

/// The same plugin in one language, as `NAME=FILE`.
#[derive(Debug, Clone)]
pub(crate) struct Language {
    name: String,
    file: PathBuf,
}

impl std::str::FromStr for Language {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, file) = text.split_once('=').ok_or("expected NAME=FILE")?;
        Ok(Self { name: name.to_owned(), file: file.into() })
    }
}

pub(crate) fn measure(
    world: &World,
    (languages, repeat): (&[Language], usize),
    report: &mut Report,
) -> anyhow::Result<()> {
    report.begin(
        "languages: the stamp card, one call that reads a definition and finds a fault, fresh instance",
    );
    for language in languages {
        one(language, (world.folder(), repeat), report).with_context(|| language.name.clone())?;
    }
    report.end();
    Ok(())
}

fn one(language: &Language, (folder, repeat): (&Path, usize), report: &mut Report) -> anyhow::Result<()> {
    let bytes = std::fs::read(&language.file).with_context(|| language.file.display().to_string())?;
    let component = pack(&bytes)?.component;
    let cache = folder.join(format!("language-{}", language.name));
    let loaded = |cache: PathBuf| -> anyhow::Result<(Runtime, LoadedPlugin, f64)> {
        let runtime = Runtime::new(world::runtime_config(cache))?;
        let begun = Instant::now();
        let plugin = runtime.load(&component)?;
        Ok((runtime, plugin, begun.elapsed().as_secs_f64()))
    };
    let (.., compiling) = loaded(cache.clone())?;
    let mut loads = Vec::new();
    let (mut halves, mut slows) = (Vec::new(), Vec::new());
    for _ in 0..repeat {
        let (runtime, plugin, loading) = loaded(cache.clone())?;
        loads.push(loading * 1e3);
        let mut spent = Vec::with_capacity(CALLS);
        for _ in 0..CALLS {
            let begun = Instant::now();
            let found = runtime.check_resource(&plugin.digest, "card", "coffee", DEFINITION);
            spent.push(begun.elapsed().as_secs_f64() * 1e6);
            let found = found.map_err(|fault| anyhow::anyhow!("{fault:?}"))?;
            ensure!(found.len() == 1, "expected one finding, found {found:?}");
        }
        halves.push(percentile(&spent, 50));
        slows.push(percentile(&spent, 99));
    }
    let name = &language.name;
    report.figure(format!("{name}: size"), "kB", vec![component.len() as f64 / 1e3]);
    report.figure(format!("{name}: compiled, once"), "s", vec![compiling]);
    report.figure(format!("{name}: loaded from the cache"), "ms", loads);
    report.figure(format!("{name}: a call, median"), "µs", halves);
    report.figure(format!("{name}: a call, 99th percentile"), "µs", slows);
    Ok(())
}
