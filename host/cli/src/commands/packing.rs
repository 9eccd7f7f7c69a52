//! `siyu plugins pack|sign`: from what a compiler made to a plugin that a host runs.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use serde_json::json;

use super::plugins::capabilities;
use crate::fault::Fault;
use crate::output::{Screen, bytes};
use crate::session::Exit;

/// Options of `pack`.
#[derive(Args)]
pub(crate) struct Pack {
    /// A module for wasm32-unknown-unknown, or a component
    module: PathBuf,
    /// Where the plugin is written [default: the plugin's name with .wasm, here]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Options of `sign`.
#[derive(Args)]
pub(crate) struct Sign {
    /// A packed plugin
    plugin: PathBuf,
    /// What `minisign -S -m PLUGIN` wrote [default: beside the plugin, with .minisig]
    #[arg(long, value_name = "FILE")]
    signature: Option<PathBuf>,
    /// The public key of the one that signed: 56 characters
    #[arg(long)]
    key: String,
    /// Where the signed plugin is written [default: in place of the plugin]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn pack(options: &Pack, screen: &Screen) -> anyhow::Result<Exit> {
    let module = options.module.display();
    let input = fs::read(&options.module).with_context(|| format!("{module} cannot be read"))?;
    let packed = siyu_runtime::pack(&input).map_err(|why| Fault::failed(format!("{module}: {why}")))?;
    let name = &packed.manifest.name;
    let output = options.output.clone().unwrap_or_else(|| PathBuf::from(format!("{name}.wasm")));
    write_whole(&output, &packed.component)
        .with_context(|| format!("{} cannot be written", output.display()))?;
    let size = packed.component.len();
    screen.json(&json!({
        "file": output.display().to_string(),
        "bytes": size,
        "name": name,
        "version": packed.manifest.version,
        "digest": packed.digest,
        "capabilities": capabilities(&packed.manifest),
    }))?;
    let (version, short) = (packed.manifest.version, packed.digest.short());
    let size = bytes(size as u64);
    screen.say(format!("packed {name} {version} {short} into {} ({size})", output.display()))?;
    Ok(Exit::Done)
}

pub(super) fn sign(options: &Sign, screen: &Screen) -> anyhow::Result<Exit> {
    let shown = options.plugin.display();
    let beside = || {
        let mut name = options.plugin.clone().into_os_string();
        name.push(".minisig");
        PathBuf::from(name)
    };
    let signature = options.signature.clone().unwrap_or_else(beside);
    let plugin = fs::read(&options.plugin).with_context(|| format!("{shown} cannot be read"))?;
    let text = fs::read_to_string(&signature)
        .with_context(|| format!("the signature {} cannot be read", signature.display()))?;
    let signed = siyu_runtime::sign(&plugin, &text, &options.key)
        .map_err(|why| Fault::failed(format!("{shown}: {why}")))?;
    let output = options.output.as_ref().unwrap_or(&options.plugin);
    write_whole(output, &signed).with_context(|| format!("{} cannot be written", output.display()))?;
    let digest = siyu_runtime::digest_of(&signed);
    screen.json(&json!({ "file": output.display().to_string(), "bytes": signed.len(), "digest": digest }))?;
    screen.say(format!("signed {shown} as {} {}", output.display(), digest.short()))?;
    Ok(Exit::Done)
}

/// Writes beside the place and moves it there: nobody ever loads half a plugin.
fn write_whole(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder)?;
    let mut part = tempfile::NamedTempFile::new_in(folder)?;
    part.write_all(content)?;
    let readable = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o644);
    part.as_file().set_permissions(readable)?;
    part.persist(path)?;
    Ok(())
}
