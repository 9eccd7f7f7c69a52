//! The pipeline: files are read, checked together, and become a playbook, or diagnostics.
//! Never decides what is right: `shape` and `checks` do.

use std::collections::{BTreeMap, BTreeSet};

use siyu_model::limits::playbook::{BUNDLE_BYTES_MAX, DIAGNOSTICS_SHOWN_MAX, FILES_MAX};
use siyu_model::name::{OfferName, PluginName, ResourceName};
use siyu_model::playbook::Playbook;
use siyu_model::plugin::Finding;
use siyu_model::scenario::Scenario;

use crate::bundle::{Bundle, Kind};
use crate::catalog::Catalog;
use crate::checks::{self, Plugins, World, Written};
use crate::diagnostics::rules::{
    BUNDLE_TOO_LARGE, NO_OVERLAY, NO_PLAYBOOK, PLUGIN_FINDING, PLUGIN_WARNING, UNKNOWN_FILE,
};
use crate::diagnostics::{self, Diagnostic, Fault, Files, Report, Severity, Style};
use crate::lower;
use crate::overlay::{self, Change, Tree};
use crate::shape::{playbook, resource, scenario, template, workflow};
use crate::source::{self, FileId, Node, Refusal, SourceFile, Sources, Span};

/// What became of a playbook's files.
#[derive(Debug)]
pub struct Compiled {
    /// The playbook; none when there is an error.
    pub playbook: Option<Playbook>,
    /// Its tests, as far as their files could be read; empty when there is an error.
    pub scenarios: Vec<Scenario>,
    /// What was found: errors first, then by file and place.
    pub diagnostics: Vec<Diagnostic>,
    /// How many further faults were found than are kept.
    pub dropped: usize,
    /// What an overlay changes in its base, in the order of its files.
    pub changes: Vec<Change>,
    sources: Sources,
    resources: BTreeMap<ResourceKey, Node>,
}

type ResourceKey = (PluginName, OfferName, ResourceName);

/// Reads and checks the files of a playbook against the plugins of a host. Never panics, whatever the bytes are; the
/// same files and plugins give the same playbook.
pub fn compile(bundle: &Bundle, catalog: &dyn Catalog) -> Compiled {
    let (sources, files) = load(bundle);
    let report = Report::new(&sources);
    let Built { playbook, scenarios, changes, resources } =
        if is_too_large(bundle, &report) { Built::default() } else { build(&files, catalog, &report) };
    let (diagnostics, dropped) = report.finish();
    Compiled { playbook, scenarios, diagnostics, dropped, changes, sources, resources }
}

/// A file that was taken in.
struct Loaded {
    id: FileId,
    is_overlay: bool,
    kind: Option<Kind>,
    refusal: Option<Refusal>,
}

/// All files by number: `playbook.yaml` first, the others by path.
fn load(bundle: &Bundle) -> (Sources, Vec<Loaded>) {
    let mut sources = Sources::default();
    let mut paths: Vec<(&String, &Vec<u8>)> = bundle.files.iter().collect();
    paths.sort_by_key(|(path, _)| (*path != "playbook.yaml", *path));
    if bundle.files.is_empty() {
        sources.add(SourceFile::new("playbook.yaml", ""));
        return (sources, Vec::new());
    }
    let loaded = paths.into_iter().take(FILES_MAX).map(|(path, bytes)| {
        let (is_overlay, kind) = Kind::in_layer(path);
        let (text, refusal) = match kind {
            None | Some(Kind::Notes) => ("", None),
            Some(_) => source::guarded(bytes),
        };
        let id = sources.add(SourceFile::new(path, text));
        Loaded { id, is_overlay, kind, refusal }
    });
    let loaded = loaded.collect();
    (sources, loaded)
}

fn is_too_large(bundle: &Bundle, report: &Report<'_>) -> bool {
    let files = bundle.files.len();
    let bytes: usize = bundle.files.values().map(Vec::len).sum();
    let message = if files > FILES_MAX {
        format!("a playbook of {files} files, at most {FILES_MAX} are allowed")
    } else if bytes > BUNDLE_BYTES_MAX {
        format!("a playbook of {bytes} bytes, at most {BUNDLE_BYTES_MAX} are allowed")
    } else {
        return false;
    };
    report.add(Fault::new(BUNDLE_TOO_LARGE, Span::new(FileId(0), 0..0), message));
    true
}

#[derive(Default)]
struct Built {
    playbook: Option<Playbook>,
    scenarios: Vec<Scenario>,
    changes: Vec<Change>,
    resources: BTreeMap<ResourceKey, Node>,
}

fn build(files: &[Loaded], catalog: &dyn Catalog, report: &Report<'_>) -> Built {
    heads(files, report);
    let (written, changes) = read(files, report);
    let Some(written) = written else {
        return Built { changes, ..Built::default() };
    };
    let plugins = Plugins::new(&written.playbook.plugins, catalog, report);
    let world = World::new(&written, plugins, report);
    checks::check(&world);
    let resources = written.resources.iter().filter_map(|resource| {
        let target = &resource.target.value;
        let key = (target.plugin.clone(), target.offer.clone(), resource.name.value.clone());
        resource.define.as_ref().map(|(_, node)| (key, node.clone()))
    });
    let resources = resources.collect();
    if report.has_errors() {
        return Built { changes, resources, ..Built::default() };
    }
    Built { playbook: lower::playbook(&world), scenarios: lower::scenarios(&world), changes, resources }
}

/// A playbook has a file that says what it is, and so has an overlay.
fn heads(files: &[Loaded], report: &Report<'_>) {
    let has = |kind| files.iter().any(|file| file.kind == Some(kind));
    let nowhere = Span::new(FileId(0), 0..0);
    if !has(Kind::Playbook) {
        let is_overlay = files
            .iter()
            .any(|file| !file.is_overlay && &*report.sources().file(file.id).name == "overlay.yaml");
        let help = if is_overlay {
            "this folder is an overlay: name the folder of its base, and this one with --overlay"
        } else {
            "a playbook's folder holds playbook.yaml, workflows/*.yaml, templates/*.yaml, resources/*.yaml and tests/*.yaml"
        };
        report.add(Fault::new(NO_PLAYBOOK, nowhere, "there is no playbook.yaml").help(help));
    }
    let first = files.iter().find(|file| file.is_overlay);
    if let (Some(first), false) = (first, has(Kind::Overlay)) {
        let span = Span::new(first.id, 0..0);
        let fault = Fault::new(NO_OVERLAY, span, "an overlay without overlay.yaml");
        report.add(fault.help("overlay.yaml names the client and the base: overlay, base"));
    }
}

/// Every file by itself, an overlay's changes in it. None without a playbook to check the others against.
fn read(files: &[Loaded], report: &Report<'_>) -> (Option<Written>, Vec<Change>) {
    let mut unread = BTreeSet::new();
    let mut trees = Vec::new();
    for file in files {
        let Some(kind) = file.kind else {
            unknown_file(file, report);
            continue;
        };
        if kind == Kind::Notes {
            continue;
        }
        match node(file, report) {
            Some(node) => trees.push(Tree { kind, is_overlay: file.is_overlay, node }),
            None => drop(unread.insert(kind)),
        }
    }
    let changes = overlay::lay(&mut trees, report);
    (written(&trees, unread, report), changes)
}

fn written(trees: &[Tree], mut unread: BTreeSet<Kind>, report: &Report<'_>) -> Option<Written> {
    let mut playbook = None;
    let mut templates = Vec::new();
    let mut resources = Vec::new();
    let mut workflows = Vec::new();
    let mut scenarios = Vec::new();
    for Tree { kind, is_overlay, node } in trees {
        let before = report.len();
        match kind {
            Kind::Test => scenarios.extend(scenario::read(node, report)),
            _ if *is_overlay => {}
            Kind::Playbook => playbook = playbook::read(node, report),
            Kind::Template => templates.extend(template::read(node, report)),
            Kind::Resource => resources.extend(resource::read(node, report)),
            Kind::Workflow => workflows.extend(workflow::read(node, report)),
            Kind::Overlay | Kind::Notes => {}
        }
        if report.len() > before {
            unread.insert(*kind);
        }
    }
    Some(Written { playbook: playbook?, templates, resources, workflows, scenarios, unread })
}

fn node(file: &Loaded, report: &Report<'_>) -> Option<Node> {
    match &file.refusal {
        Some(refusal) => {
            source::refuse(file.id, refusal, report);
            None
        }
        None => source::read(file.id, report),
    }
}

fn unknown_file(file: &Loaded, report: &Report<'_>) {
    let name = &report.sources().file(file.id).name;
    let help = if file.is_overlay {
        "an overlay is made of overlay.yaml and of templates/, resources/ and tests/ with .yaml files"
    } else if &**name == "overlay.yaml" {
        "an overlay has a folder of its own, which is named with --overlay"
    } else if name.ends_with(".yml") {
        "rename it: files end in .yaml"
    } else {
        "a playbook is made of playbook.yaml and of workflows/, templates/, resources/ and tests/ with .yaml files"
    };
    let fault =
        Fault::new(UNKNOWN_FILE, Span::new(file.id, 0..0), "this file belongs to no playbook").help(help);
    report.add(fault);
}

impl Compiled {
    /// Whether the playbook cannot be published.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// What a plugin's own check found in a definition, as a diagnostic in the operator's file.
    pub fn finding(
        &self,
        plugin: &PluginName,
        kind: &OfferName,
        name: &ResourceName,
        finding: &Finding,
    ) -> Diagnostic {
        let code = if finding.is_error { PLUGIN_FINDING } else { PLUGIN_WARNING };
        let key = (plugin.clone(), kind.clone(), name.clone());
        let span = self.resources.get(&key).map_or(Span::new(FileId(0), 0..0), |node| {
            self.sources.first_line(node.at_pointer(&finding.pointer).span)
        });
        let message = format!("{plugin}/{kind} `{name}`: {}", finding.message);
        diagnostics::diagnostic(&self.sources, Fault::new(code, span, message).label(&*finding.code))
    }

    /// Adds a diagnostic, such as one of [`Compiled::finding`]; with an error there is no playbook any more.
    pub fn add(&mut self, diagnostic: Diagnostic) {
        if diagnostic.severity == Severity::Error {
            self.playbook = None;
            self.scenarios.clear();
        }
        self.diagnostics.push(diagnostic);
        self.diagnostics.sort_by(|a, b| {
            (a.severity, &a.file, a.span.start, a.code).cmp(&(b.severity, &b.file, b.span.start, b.code))
        });
    }

    /// One diagnostic as text with carets.
    pub fn render_one(&self, diagnostic: &Diagnostic, style: Style) -> String {
        diagnostics::render(diagnostic, &Files(&self.sources), style)
    }

    /// All diagnostics as text with carets: the first 20, and how many more there are. Empty when there is none.
    pub fn render(&self, style: Style) -> String {
        let mut text = String::new();
        for diagnostic in self.diagnostics.iter().take(DIAGNOSTICS_SHOWN_MAX) {
            text.push_str(&self.render_one(diagnostic, style));
            text.push_str("\n\n");
        }
        let more = self.diagnostics.len().saturating_sub(DIAGNOSTICS_SHOWN_MAX) + self.dropped;
        if more > 0 {
            text.push_str(&format!("… and {more} more\n\n"));
        }
        text.push_str(&self.summary());
        text
    }

    /// How many errors and warnings there are, in one line; empty when there is none.
    fn summary(&self) -> String {
        let count = |severity| {
            let found = self.diagnostics.iter().filter(|found| found.severity == severity);
            found.count()
        };
        let named = |number: usize, name: &str| match number {
            0 => None,
            1 => Some(format!("1 {name}")),
            more => Some(format!("{more} {name}s")),
        };
        let parts = [named(count(Severity::Error), "error"), named(count(Severity::Warning), "warning")];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        if parts.is_empty() { String::new() } else { format!("{}\n", parts.join(", ")) }
    }
}
