//! Published playbooks in memory, and who listens to what.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use siyu_model::digest::PlaybookDigest;
use siyu_model::expr::{Expr, ValueTemplate};
use siyu_model::json::Value;
use siyu_model::message::MessageStatus;
use siyu_model::name::{
    EventType, OfferName, PlaybookName, PluginName, ResourceName, SegmentName, StepId, WorkflowName,
};
use siyu_model::playbook::{
    Action, Correlation, Node, NodeId, OnError, OnRefused, Place, Playbook, Program, Reentry, Retry, Trigger,
    Workflow,
};
use siyu_model::run::Target;

use crate::memory::{Halt, Worked};
use crate::ports::rows::{PlaybookRow, ResourceRow};

/// What `message.uncertain` tells of is no status: the message is planned as before.
const UNCERTAIN: &str = "uncertain";

/// A definition's place: plugin, kind and name.
pub(crate) type ResourceKey = (PluginName, OfferName, ResourceName);

/// Names below `event` that a wait with `match` finds events by.
pub(crate) type MatchPath = Vec<Arc<str>>;

/// Published playbooks and the indexes over them.
#[derive(Clone, Default)]
pub(crate) struct Books {
    active: BTreeMap<PlaybookName, (PlaybookDigest, Arc<Playbook>)>,
    versions: HashMap<PlaybookDigest, Arc<Playbook>>,
    resources: BTreeMap<ResourceKey, ResourceRow>,
    triggers: HashMap<EventType, Vec<(PlaybookName, WorkflowName)>>,
    reactions: HashMap<EventType, Vec<Target>>,
    segments: Vec<(PlaybookName, SegmentName, Expr)>,
    listened: BTreeSet<EventType>,
    listens_to_messages: bool,
    matches: HashMap<EventType, BTreeSet<MatchPath>>,
    /// What runs execute, put together when it is first needed.
    scripts: HashMap<Target, Arc<Script>>,
}

/// What a run executes.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) playbook: Arc<Playbook>,
    pub(crate) workflow: Arc<Workflow>,
    /// Constants of the playbook, with those of the workflow over them.
    pub(crate) vars: Value,
}

impl Books {
    /// From what the store has: active versions, versions that unfinished runs keep, and definitions in force.
    pub(crate) fn from_image(playbooks: &[PlaybookRow], resources: &[ResourceRow]) -> Worked<Self> {
        let mut books = Self::default();
        for row in playbooks {
            let playbook = compiled(row)?;
            books.versions.insert(row.digest, playbook.clone());
            if row.is_active {
                books.active.insert(row.name.clone(), (row.digest, playbook));
            }
        }
        for row in resources {
            books.put_resource(row.clone());
        }
        books.index();
        Ok(books)
    }

    /// All versions that runs may need.
    pub(crate) fn playbooks(&self) -> impl Iterator<Item = &Arc<Playbook>> {
        self.versions.values()
    }

    /// Makes a version the active one of its playbook.
    pub(crate) fn activate(&mut self, digest: PlaybookDigest, playbook: Arc<Playbook>) {
        self.versions.insert(digest, playbook.clone());
        self.active.insert(playbook.name.clone(), (digest, playbook));
        self.index();
    }

    /// Puts a definition into force or takes it away; [`Books::activate`] follows.
    pub(crate) fn put_resource(&mut self, row: ResourceRow) {
        let key = (row.plugin.clone(), row.kind.clone(), row.name.clone());
        match row.body {
            Some(_) => self.resources.insert(key, row),
            None => self.resources.remove(&key),
        };
    }

    /// Adds a version that an old run needs.
    pub(crate) fn learn(&mut self, row: &PlaybookRow) -> Worked<Arc<Playbook>> {
        let playbook = compiled(row)?;
        self.versions.insert(row.digest, playbook.clone());
        self.index();
        Ok(playbook)
    }

    /// The active version of a playbook.
    pub(crate) fn active(&self, name: &PlaybookName) -> Option<&(PlaybookDigest, Arc<Playbook>)> {
        self.active.get(name)
    }

    /// The playbook that a run belongs to, in its version; in the active one when that version is not in memory.
    pub(crate) fn playbook_of(&self, target: &Target) -> Option<&Arc<Playbook>> {
        let active = || self.active.get(target.playbook()).map(|(_, playbook)| playbook);
        self.versions.get(&target.version()).or_else(active)
    }

    /// Workflows that an event of this type may start.
    pub(crate) fn triggered_by(&self, event_type: &EventType) -> Vec<(PlaybookName, WorkflowName)> {
        self.triggers.get(event_type).cloned().unwrap_or_default()
    }

    /// Reactions of plugins to events of this type.
    pub(crate) fn reactions_to(&self, event_type: &EventType) -> Vec<Target> {
        self.reactions.get(event_type).cloned().unwrap_or_default()
    }

    /// Segments of all active playbooks.
    pub(crate) fn segments(&self) -> &[(PlaybookName, SegmentName, Expr)] {
        &self.segments
    }

    /// Whether anything would notice an event of this type.
    pub(crate) fn is_listened(&self, event_type: &EventType) -> bool {
        self.listened.contains(event_type)
    }

    /// Whether anything would notice what becomes of a message. What customers reply (`message.replied`) comes from outside
    /// and is none of that.
    pub(crate) fn listens_to_messages(&self) -> bool {
        self.listens_to_messages
    }

    /// By which paths waits with `match` find events of this type.
    pub(crate) fn match_paths(&self, event_type: &EventType) -> Option<&BTreeSet<MatchPath>> {
        self.matches.get(event_type)
    }

    /// A definition.
    pub(crate) fn resource(&self, plugin: &PluginName, kind: &str, name: &str) -> Option<&ResourceRow> {
        let key = (plugin.clone(), OfferName::new(kind).ok()?, ResourceName::new(name).ok()?);
        self.resources.get(&key)
    }

    /// Definitions of a plugin's kind.
    pub(crate) fn resources_of(&self, plugin: &PluginName, kind: &str) -> Vec<String> {
        let of_kind =
            self.resources.keys().filter(|(owner, found, _)| owner == plugin && found.as_str() == kind);
        of_kind.map(|(_, _, name)| name.to_string()).collect()
    }

    /// Definitions that came with a playbook.
    pub(crate) fn resources_from(&self, playbook: &PlaybookName) -> Vec<ResourceRow> {
        self.resources.values().filter(|row| row.playbook == *playbook).cloned().collect()
    }

    /// The definition of a place.
    pub(crate) fn resource_at(&self, key: &ResourceKey) -> Option<&ResourceRow> {
        self.resources.get(key)
    }

    /// What a run executes; none when its version is not in memory or has no such workflow.
    pub(crate) fn script(&mut self, target: &Target) -> Option<Arc<Script>> {
        if let Some(script) = self.scripts.get(target) {
            return Some(script.clone());
        }
        let playbook = self.versions.get(&target.version())?.clone();
        let workflow = match target {
            Target::Workflow { workflow, .. } => playbook.workflows.get(workflow)?.clone(),
            Target::Reaction { plugin, step, .. } => Arc::new(reaction(plugin, step)),
        };
        let over = workflow.vars.as_map().cloned().unwrap_or_default();
        let vars = if over.is_empty() { playbook.vars.clone() } else { playbook.vars.patched(&over) };
        let script = Arc::new(Script { playbook, workflow, vars });
        self.scripts.insert(target.clone(), script.clone());
        Some(script)
    }

    fn index(&mut self) {
        self.triggers.clear();
        self.reactions.clear();
        self.segments.clear();
        self.listened.clear();
        self.matches.clear();
        for playbook in self.versions.values() {
            for workflow in playbook.workflows.values() {
                index_waits(workflow, &mut self.listened, &mut self.matches);
            }
        }
        for (digest, playbook) in self.active.values() {
            for workflow in playbook.workflows.values() {
                if let Trigger::Event { types, .. } = &workflow.trigger {
                    for event_type in types {
                        let listener = (playbook.name.clone(), workflow.name.clone());
                        self.triggers.entry(event_type.clone()).or_default().push(listener);
                    }
                }
            }
            for (name, segment) in &playbook.segments {
                self.segments.push((playbook.name.clone(), name.clone(), segment.condition.clone()));
            }
            index_reactions(*digest, playbook, &self.resources, &mut self.reactions);
        }
        self.listened.extend(self.triggers.keys().cloned());
        self.listened.extend(self.reactions.keys().cloned());
        self.listens_to_messages = self.listened.iter().any(|event_type| {
            let status = event_type.as_str().strip_prefix("message.");
            status.is_some_and(|status| status == UNCERTAIN || status.parse::<MessageStatus>().is_ok())
        });
    }
}

fn compiled(row: &PlaybookRow) -> Worked<Arc<Playbook>> {
    let broken = |why| Halt::Broken(format!("playbook {} version {}: {why}", row.name, row.digest.short()));
    serde_json::from_str(&row.compiled).map(Arc::new).map_err(|why| broken(why.to_string()))
}

fn index_waits(
    workflow: &Workflow,
    listened: &mut BTreeSet<EventType>,
    matches: &mut HashMap<EventType, BTreeSet<MatchPath>>,
) {
    for node in &workflow.program.nodes {
        let Action::WaitEvent { types, correlation, .. } = &node.action else {
            continue;
        };
        listened.extend(types.iter().cloned());
        if let Correlation::Match { key, .. } = correlation {
            for event_type in types {
                matches.entry(event_type.clone()).or_default().insert(key.path.clone());
            }
        }
    }
}

/// Reactions that a plugin's manifest names, and those that a definition of the playbook causes; each once.
fn index_reactions(
    digest: PlaybookDigest,
    playbook: &Playbook,
    resources: &BTreeMap<ResourceKey, ResourceRow>,
    reactions: &mut HashMap<EventType, Vec<Target>>,
) {
    let mut add = |plugin: &PluginName, event_type: &EventType, step: &OfferName| {
        let target = Target::Reaction {
            playbook: playbook.name.clone(),
            version: digest,
            plugin: plugin.clone(),
            step: step.clone(),
        };
        let known = reactions.entry(event_type.clone()).or_default();
        let is_known = known.iter().any(|other| match other {
            Target::Reaction { plugin: other_plugin, step: other_step, .. } => {
                other_plugin == plugin && other_step == step
            }
            Target::Workflow { .. } => false,
        });
        if !is_known {
            known.push(target);
        }
    };
    for (plugin, used) in &playbook.plugins {
        for reaction in &used.reactions {
            add(plugin, &reaction.event, &reaction.step);
        }
    }
    for row in resources.values().filter(|row| row.playbook == playbook.name) {
        for (event_type, step) in &row.reactions {
            add(&row.plugin, event_type, step);
        }
    }
}

/// One step: the plugin gets the event.
fn reaction(plugin: &PluginName, step: &OfferName) -> Workflow {
    let node = Node {
        id: StepId::new("react").expect("`react` follows the rule of step ids"),
        place: Place { file: format!("@{plugin}/{step}").into(), line: 0 },
        condition: None,
        action: Action::Uses {
            plugin: plugin.clone(),
            step: step.clone(),
            with: ValueTemplate::Expr(Expr::parse("event").expect("`event` is an expression")),
        },
        next: None,
        retry: Retry { attempts: 5, ..Retry::default() },
        timeout: None,
        on_refused: OnRefused::Continue,
        on_error: OnError::Fail,
        compensate: None,
        is_read: false,
    };
    Workflow {
        name: WorkflowName::new("reaction").expect("`reaction` follows the rule of workflow names"),
        title: format!("{plugin}/{step}"),
        trigger: Trigger::Call,
        key: None,
        reentry: Reentry::Always,
        concurrency: None,
        goals: Vec::new(),
        vars: Value::Map(Arc::default()),
        program: Program { nodes: vec![node], entry: Some(NodeId(0)) },
    }
}
