//! A client's overlay: laid over the trees of the base playbook's files before they are read, so that everything which is
//! checked afterwards is what the client gets, with carets in the file that says it.
//!
//! It changes values, words and caps: the title, the zone, `vars`, `contact`, texts of templates, members of definitions. It
//! never adds or changes workflows, events, segments or rights of plugins.

mod change;
mod target;

use siyu_model::json::Value;
use siyu_model::name::PlaybookName;

pub use change::Change;
use change::Changes;
use target::Target;

use crate::bundle::Kind;
use crate::diagnostics::rules::{DUPLICATE_NAME, EMPTY, NOTHING_THERE, OTHER_BASE, OTHER_KIND, UNCHANGED};
use crate::diagnostics::{Fault, Report, quoted};
use crate::shape::{Fields, listed, text, wrong_kind};
use crate::source::{Entry, Node, NodeKind};

/// The tree of a file.
pub(crate) struct Tree {
    pub(crate) kind: Kind,
    pub(crate) is_overlay: bool,
    pub(crate) node: Node,
}

/// Lays the overlay's trees over the base's; says what that changes. Nothing is done without an overlay.
pub(crate) fn lay(trees: &mut [Tree], report: &Report<'_>) -> Vec<Change> {
    let (mut overlay, mut base) = (Vec::new(), Vec::new());
    for tree in trees {
        if tree.is_overlay {
            overlay.push((tree.kind, &tree.node));
        } else {
            base.push((tree.kind, &mut tree.node));
        }
    }
    let mut laying = Laying { base, changes: Changes::default(), report };
    for (kind, node) in overlay {
        match kind {
            Kind::Overlay => laying.playbook(node),
            Kind::Template => laying.templates(node),
            Kind::Resource => laying.resources(node),
            Kind::Playbook | Kind::Workflow | Kind::Test | Kind::Notes => {}
        }
    }
    laying.changes.into_list()
}

struct Laying<'t, 'r> {
    base: Vec<(Kind, &'t mut Node)>,
    changes: Changes,
    report: &'r Report<'r>,
}

impl Laying<'_, '_> {
    /// `overlay.yaml`.
    fn playbook(&mut self, node: &Node) {
        let report = self.report;
        let Some(mut fields) = Fields::of(node, "an overlay", report) else { return };
        let _client = fields.need("overlay").and_then(|node| text::name::<PlaybookName>(node, report));
        let base = fields.need("base").and_then(|node| text::name::<PlaybookName>(node, report));
        let plain = ["title", "zone"].map(|key| fields.get(key));
        let vars = fields.value("vars");
        let contact = fields.value("contact");
        fields.finish();
        // Without a base nothing can be said of what is laid over it: that it cannot be read is told already.
        let mut playbooks = self.base.iter_mut().filter(|(kind, _)| *kind == Kind::Playbook);
        let Some(playbook) = playbooks.next().and_then(|(_, node)| node.as_map_mut()) else { return };
        let mut target = Target::new(playbook, &mut self.changes, report);
        if let (Some(base), Some(name)) = (&base, target.text("playbook"))
            && base.value.as_str() != &*name
        {
            let message = format!("an overlay for playbook `{}`, this one is {}", base.value, quoted(&name));
            report.add(Fault::new(OTHER_BASE, base.span, message));
            return;
        }
        for entry in plain.into_iter().flatten() {
            target.put(entry, String::new());
        }
        if let Some(vars) = vars {
            target.members("vars", vars, Members::Known);
        }
        if let Some(contact) = contact {
            target.members("contact", contact, Members::Any);
        }
    }

    /// Texts of templates, and how long they are good.
    fn templates(&mut self, node: &Node) {
        let report = self.report;
        for item in listed(node, ("templates", "a file of templates"), report) {
            let Some(mut fields) = Fields::of(&item, "an overlay's template", report) else { continue };
            let name = fields.need("template").and_then(Node::as_text).cloned();
            let changed: Vec<&Entry> =
                ["text", "expires_after"].into_iter().filter_map(|key| fields.get(key)).collect();
            let head = fields.head();
            fields.finish();
            let Some(name) = name else { continue };
            if changed.is_empty() {
                let fault = Fault::new(EMPTY, head, "an overlay's template without `text`");
                report.add(fault.help("an overlay changes what a template says: text, expires_after"));
            }
            let is_it = |item: &Node| entry_text(item, "template") == Some(&*name);
            let found = find(&mut self.base, (Kind::Template, "templates"), is_it);
            match found {
                Some(entries) => {
                    let mut target = Target::new(entries, &mut self.changes, report);
                    changed.into_iter().for_each(|entry| target.put(entry, format!("templates.{name}.")));
                }
                None => self.nothing_there(&item, "template", Kind::Template, "templates"),
            }
        }
    }

    /// Members of definitions.
    fn resources(&mut self, node: &Node) {
        let report = self.report;
        for item in listed(node, ("resources", "a file of resources"), report) {
            let Some(mut fields) = Fields::of(&item, "an overlay's resource", report) else { continue };
            let target = fields.need("resource").and_then(Node::as_text).cloned();
            let name = fields.need("name").and_then(Node::as_text).cloned();
            let define = fields.need("define");
            fields.finish();
            let (Some(kind), Some(name), Some(define)) = (target, name, define) else { continue };
            if define.as_map().is_none() {
                wrong_kind(define, "the members that change, an object", report);
                continue;
            }
            let is_it = |item: &Node| {
                entry_text(item, "resource") == Some(&*kind) && entry_text(item, "name") == Some(&*name)
            };
            match find(&mut self.base, (Kind::Resource, "resources"), is_it) {
                Some(entries) => {
                    let mut target = Target::new(entries, &mut self.changes, report);
                    target.deep("define", define, format!("resources.{kind} {name}."));
                }
                None => self.nothing_there(&item, "name", Kind::Resource, "resources"),
            }
        }
    }

    /// The base has no template or definition of that name.
    fn nothing_there(&self, item: &Node, key: &'static str, kind: Kind, list: &str) {
        let Some(entry) = item.as_map().and_then(|entries| entries.iter().find(|entry| &*entry.key == key))
        else {
            return;
        };
        let name = entry.value.as_text().map_or("", |name| &**name);
        let of_kind = self.base.iter().filter(|(found, _)| *found == kind);
        let known: Vec<&str> = of_kind
            .flat_map(|(_, node)| items(node, list))
            .filter_map(|item| entry_text(item, key))
            .collect();
        let what = if kind == Kind::Template { "template" } else { "definition" };
        let message = format!("the base has no such {what}: {}", quoted(name));
        self.report.add(Fault::new(NOTHING_THERE, entry.value.span, message).near(name, known, self.report));
    }
}

/// The members of a template or definition of the base.
fn find<'n>(
    base: &'n mut [(Kind, &mut Node)],
    (kind, key): (Kind, &str),
    is_it: impl Fn(&Node) -> bool,
) -> Option<&'n mut Vec<Entry>> {
    let files = base.iter_mut().filter(|(found, _)| *found == kind);
    let item = files.flat_map(|(_, node)| items_mut(node, key)).find(|item| is_it(item))?;
    item.as_map_mut()
}

/// Which members an overlay may give.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Members {
    /// Those that the base has, with a value of the same kind: something reads them.
    Known,
    /// Any: reading the playbook says which there are.
    Any,
}

/// The items of a file that holds one, or a list of them under a key.
fn items<'n>(node: &'n Node, key: &str) -> Vec<&'n Node> {
    let list = node.as_map().and_then(|entries| entries.iter().find(|entry| &*entry.key == key));
    match list {
        Some(entry) => entry.value.as_list().unwrap_or_default().iter().collect(),
        None => vec![node],
    }
}

fn items_mut<'n>(node: &'n mut Node, key: &str) -> Vec<&'n mut Node> {
    let has_list = node.as_map().is_some_and(|entries| entries.iter().any(|entry| &*entry.key == key));
    if !has_list {
        return vec![node];
    }
    let entries = node.as_map_mut().into_iter().flatten();
    let list = entries.filter(|entry| &*entry.key == key).map(|entry| &mut entry.value.kind);
    list.flat_map(|kind| match kind {
        NodeKind::List(items) => items.iter_mut().collect(),
        NodeKind::Map(_) | NodeKind::Scalar(_) => Vec::new(),
    })
    .collect()
}

fn entry_text<'n>(node: &'n Node, key: &str) -> Option<&'n str> {
    let entry = node.as_map()?.iter().find(|entry| &*entry.key == key)?;
    entry.value.as_text().map(|text| &**text)
}
