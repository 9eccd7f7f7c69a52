//! What the tests of this crate share: plugins' manifests, the base playbook, and cases as Markdown.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use siyu_model::digest::PluginDigest;
use siyu_model::plugin::{CapabilitySet, Manifest};
use siyu_workflow::{Bundle, Catalog, CatalogPlugin, Compiled, compile};

/// The plugins of `tests/plugins`, or others.
pub(crate) struct Plugins(BTreeMap<String, CatalogPlugin>);

impl Plugins {
    /// Those of `tests/plugins`.
    pub(crate) fn usual() -> Self {
        let mut plugins = Self(BTreeMap::new());
        for text in [
            include_str!("../../plugins/coupon.json"),
            include_str!("../../plugins/package-card-lottery.json"),
            include_str!("../../plugins/tagging.json"),
        ] {
            plugins.add(text);
        }
        plugins
    }

    /// One more, with the imports that it asks for.
    pub(crate) fn add(&mut self, manifest: &str) {
        let manifest = Manifest::from_json(manifest).unwrap();
        let imports: CapabilitySet = manifest.capabilities.iter().map(|used| used.name).collect();
        self.add_importing(manifest, imports);
    }

    /// One more, whose component imports this.
    pub(crate) fn add_importing(&mut self, manifest: Manifest, imports: CapabilitySet) {
        let name = manifest.name.to_string();
        let plugin = CatalogPlugin {
            digest: PluginDigest([name.len() as u8; 32]),
            manifest: Arc::new(manifest),
            imports,
        };
        self.0.insert(name, plugin);
    }
}

impl Catalog for Plugins {
    fn plugin(&self, name: &str) -> Option<CatalogPlugin> {
        self.0.get(name).cloned()
    }

    fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }
}

/// The folder of this crate.
pub(crate) fn crate_folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A playbook without a fault.
pub(crate) fn base() -> Bundle {
    Bundle::read(&crate_folder().join("tests/base")).unwrap()
}

/// Files on top of the base playbook; alone when `playbook.yaml` is among them.
pub(crate) fn laid_over(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Bundle {
    let files: BTreeMap<String, Vec<u8>> = files.into_iter().collect();
    let mut bundle = if files.contains_key("playbook.yaml") { Bundle::default() } else { base() };
    bundle.files.extend(files);
    bundle
}

/// One workflow on top of the base playbook.
pub(crate) fn with_workflow(text: &str) -> Bundle {
    laid_over([("workflows/case.yaml".to_owned(), text.as_bytes().to_vec())])
}

/// Compiles with the usual plugins.
pub(crate) fn compiled(bundle: &Bundle) -> Compiled {
    compile(bundle, &Plugins::usual())
}

/// The codes of what was found.
pub(crate) fn codes(compiled: &Compiled) -> Vec<&'static str> {
    compiled.diagnostics.iter().map(|found| found.code.as_str()).collect()
}

/// A fenced block of a Markdown text: the words after "```yaml", the line it begins at, and what it says.
pub(crate) struct FencedBlock {
    pub(crate) words: String,
    pub(crate) line: usize,
    pub(crate) text: String,
}

/// The fenced blocks of a language.
pub(crate) fn fenced(markdown: &str, language: &str) -> Vec<FencedBlock> {
    let mut blocks = Vec::new();
    let mut lines = markdown.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let Some(info) = line.strip_prefix("```") else { continue };
        let mut block = FencedBlock { words: String::new(), line: number + 1, text: String::new() };
        for (_, line) in lines.by_ref().take_while(|(_, line)| !line.starts_with("```")) {
            block.text.push_str(line);
            block.text.push('\n');
        }
        let (found, words) = info.split_once(' ').unwrap_or((info, ""));
        if found == language {
            block.words = words.trim().to_owned();
            blocks.push(block);
        }
    }
    blocks
}

/// The files that a Markdown text holds: blocks that name a path.
pub(crate) fn files_of(markdown: &str) -> Vec<(String, Vec<u8>)> {
    let blocks = fenced(markdown, "yaml").into_iter();
    blocks
        .filter(|block| block.words.ends_with(".yaml") || block.words.ends_with(".yml"))
        .map(|block| (block.words, block.text.into_bytes()))
        .collect()
}
