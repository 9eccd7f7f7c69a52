//! `siyu plugins list|inspect|pack|sign`: the components that this host can run.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use siyu_model::plugin::{Capability, Manifest};
use siyu_runtime::LoadedPlugin;

use super::packing::{self, Pack, Sign};
use crate::fault::Fault;
use crate::output::{Paint, Screen, bytes, on_one_line};
use crate::plugins::Installed;
use crate::session::{Exit, Session};

/// What can be done with plugins.
#[derive(Subcommand)]
pub(crate) enum Plugins {
    /// List the plugins of the plugin folder
    List,
    /// Show what a plugin offers and asks for
    Inspect(Inspect),
    /// Make a plugin of what a compiler made: a component with its manifest inside
    Pack(Pack),
    /// Put a signature that minisign made of a packed plugin into it
    Sign(Sign),
}

/// Options of `inspect`.
#[derive(Args)]
pub(crate) struct Inspect {
    /// A plugin's name, or a packed file
    plugin: String,
}

pub(crate) fn run(command: &Plugins, session: &Session) -> anyhow::Result<Exit> {
    match command {
        Plugins::List => list(session),
        Plugins::Inspect(options) => inspect(options, session),
        Plugins::Pack(options) => packing::pack(options, &session.screen),
        Plugins::Sign(options) => packing::sign(options, &session.screen),
    }
}

fn list(session: &Session) -> anyhow::Result<Exit> {
    let installed = session.plugins_alone()?;
    let screen = &session.screen;
    let found: Vec<(String, Result<LoadedPlugin, String>)> = installed
        .files()
        .into_iter()
        .filter_map(|name| installed.load(&name).map(|loaded| (name, loaded)))
        .collect();
    let rows = found.iter().map(|(name, loaded)| match loaded {
        Ok(plugin) => json!({
            "name": name,
            "version": plugin.manifest.version,
            "digest": plugin.digest,
            "summary": plugin.manifest.summary,
            "capabilities": capabilities(&plugin.manifest),
            "signer": plugin.signer,
            "error": null,
        }),
        Err(why) => json!({ "name": name, "error": why }),
    });
    let folder = installed.folder().map(|folder| folder.display().to_string());
    screen.json(&json!({ "folder": folder, "plugins": rows.collect::<Vec<_>>() }))?;
    let Some(folder) = folder else {
        screen.say(
            "there is no plugin folder: name one with --plugins, or make plugins with `siyu plugins pack`",
        )?;
        return Ok(Exit::Done);
    };
    if found.is_empty() {
        screen.say(format!("{folder} holds no plugin"))?;
        return Ok(Exit::Done);
    }
    let mut table = screen.table(&["PLUGIN", "VERSION", "DIGEST", "SUMMARY"]);
    for (name, loaded) in &found {
        if let Ok(LoadedPlugin { digest, manifest, .. }) = loaded {
            let summary = on_one_line(&manifest.summary);
            table.add_row([name.clone(), manifest.version.to_string(), digest.short(), summary]);
        }
    }
    screen.say_table(&table)?;
    let broken: Vec<&str> =
        found.iter().filter_map(|(_, loaded)| loaded.as_ref().err().map(String::as_str)).collect();
    for why in &broken {
        screen.say(format!("{} {}", screen.paint(Paint::Red, "broken"), on_one_line(why)))?;
    }
    Ok(if broken.is_empty() { Exit::Done } else { Exit::Found })
}

pub(super) fn capabilities(manifest: &Manifest) -> Vec<Capability> {
    manifest.capabilities.iter().map(|used| used.name).collect()
}

fn inspect(options: &Inspect, session: &Session) -> anyhow::Result<Exit> {
    let installed = session.plugins_alone()?;
    let (path, plugin) = find(&options.plugin, &installed)?;
    let size = fs::metadata(&path).map_or(0, |file| file.len());
    let imports: Vec<Capability> = plugin.imports.iter().collect();
    session.screen.json(&json!({
        "file": path.display().to_string(),
        "bytes": size,
        "digest": plugin.digest,
        "imports": imports,
        "signer": plugin.signer,
        "manifest": &*plugin.manifest,
    }))?;
    show(&session.screen, &path, size, &plugin)?;
    Ok(Exit::Done)
}

/// A plugin by its name, or a file.
fn find(named: &str, installed: &Installed) -> anyhow::Result<(PathBuf, LoadedPlugin)> {
    if let (Some(path), Some(loaded)) = (installed.path(named), installed.load(named)) {
        return Ok((path, loaded.map_err(Fault::failed)?));
    }
    let path = Path::new(named);
    if !path.is_file() {
        let files = installed.files();
        let near = siyu_model::nearest::nearest(named, files.iter().map(String::as_str));
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None if files.is_empty() => "there is no plugin folder: name one with --plugins".to_owned(),
            None => format!("there are: {}", files.join(", ")),
        };
        return Err(Fault::wrong(format!("`{named}` is neither a plugin nor a file")).help(help).into());
    }
    let bytes = fs::read(path).with_context(|| format!("{named} cannot be read"))?;
    let loaded = installed.runtime.load(&bytes);
    Ok((path.to_owned(), loaded.map_err(|why| Fault::failed(format!("{named}: {why}")))?))
}

fn show(screen: &Screen, path: &Path, size: u64, plugin: &LoadedPlugin) -> anyhow::Result<()> {
    let manifest = &plugin.manifest;
    screen.say(format!("{} {}", screen.paint(Paint::Bold, &manifest.name), manifest.version))?;
    screen.say(on_one_line(&manifest.summary))?;
    screen.say(format!("\nfile      {} ({})", path.display(), bytes(size)))?;
    screen.say(format!("digest    {}", plugin.digest))?;
    screen.say(format!("contract  {}", manifest.contract))?;
    if let Some(signer) = &plugin.signer {
        screen.say(format!("signed    by {}", on_one_line(signer)))?;
    }
    let heading = |text: &str| screen.say(format!("\n{}", screen.paint(Paint::Bold, text)));
    if !manifest.steps.is_empty() {
        heading("steps")?;
    }
    for step in &manifest.steps {
        screen.say(format!("  {}/{}@{}", manifest.name, step.name, manifest.version.major))?;
        screen.say(format!("    {}", on_one_line(&step.summary)))?;
        screen.say(format!("    with      {}", fields(&step.input)))?;
        screen.say(format!("    gives     {}", fields(&step.output)))?;
        for refusal in &step.refusals {
            let (code, summary) = (on_one_line(&refusal.code), on_one_line(&refusal.summary));
            screen.say(format!("    refuses   {code}: {summary}"))?;
        }
    }
    if !manifest.resources.is_empty() {
        heading("resources")?;
    }
    for resource in &manifest.resources {
        let kind = format!("{}/{}@{}", manifest.name, resource.kind, manifest.version.major);
        screen.say(format!("  {kind}  {}", on_one_line(&resource.summary)))?;
        screen.say(format!("    define    {}", fields(&resource.schema)))?;
    }
    if !manifest.events.is_empty() {
        heading("events")?;
    }
    for event in &manifest.events {
        screen.say(format!("  {}  {}", event.event_type, on_one_line(&event.summary)))?;
        screen.say(format!("    data      {}", fields(&event.data)))?;
    }
    for reaction in &manifest.reactions {
        screen.say(format!("  reacts to {} with {}", reaction.event, reaction.step))?;
    }
    if !manifest.capabilities.is_empty() {
        heading("asks for")?;
    }
    for used in &manifest.capabilities {
        screen.say(format!("  {:<12}{}", used.name.as_str(), on_one_line(&used.why)))?;
    }
    Ok(())
}

/// The fields of an object's schema: `card: string, key: string?`.
fn fields(schema: &Value) -> String {
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let Some(properties) = schema["properties"].as_object() else {
        return "anything".to_owned();
    };
    if properties.is_empty() {
        return "nothing".to_owned();
    }
    let field = |(name, field): (&String, &Value)| {
        let kind = match (&field["type"], field.get("enum"), field.get("$ref")) {
            (Value::String(kind), _, _) => kind.clone(),
            (Value::Array(kinds), _, _) => kinds
                .iter()
                .filter_map(Value::as_str)
                .filter(|kind| *kind != "null")
                .collect::<Vec<_>>()
                .join("|"),
            (_, Some(_), _) => "one of several".to_owned(),
            (_, _, Some(Value::String(name))) => name.rsplit('/').next().unwrap_or("any").to_owned(),
            _ => "any".to_owned(),
        };
        let optional = if required.contains(&name.as_str()) { "" } else { "?" };
        on_one_line(&format!("{name}: {kind}{optional}"))
    };
    properties.iter().map(field).collect::<Vec<_>>().join(", ")
}
