//! A plugin as a table of what it offers, and the dispatch of calls over it. The table is constant: nothing is registered
//! when a call begins.

use crate::channel::{self, Channel, Message, Verdict};
use crate::event::Event;
use crate::json;
use crate::manifest::{
    CONTRACT_VERSION, Capability, CapabilityUse, ChannelOffer, EventOffer, Manifest, ResourceOffer,
    SourceOffer, StepOffer,
};
use crate::resource::{self, Finding, Reaction, Resource};
use crate::schema;
use crate::source::{self, Accepted, Hook, HookRefusal, Source};
use crate::step::{self, Answer, Step};
use crate::stop::Fault;

/// A plugin: what [`export!`](crate::export) makes. Nobody writes it by hand.
pub trait Plugin: 'static {
    /// Its name.
    const NAME: &'static str;
    /// Its semantic version, three numbers.
    const VERSION: &'static str;
    /// One sentence.
    const SUMMARY: &'static str;
    /// Its steps.
    const STEPS: &'static [StepEntry];
    /// Its kinds of resource.
    const RESOURCES: &'static [ResourceEntry];
    /// The events that it emits.
    const EVENTS: &'static [EventEntry];
    /// Event types and the steps that the host runs when one is recorded.
    const REACTIONS: &'static [(&'static str, &'static str)];
    /// What it asks for, and why.
    const CAPABILITIES: &'static [(Capability, &'static str)];
    /// How it delivers messages, when it does.
    const CHANNEL: Option<ChannelEntry> = None;
    /// Which webhooks it takes in, when it does.
    const SOURCE: Option<SourceEntry> = None;
}

/// A step in the table.
#[derive(Debug, Clone, Copy)]
pub struct StepEntry {
    name: &'static str,
    offer: fn() -> StepOffer,
    run: fn(&str) -> Result<Answer<String>, Fault>,
}

impl StepEntry {
    /// The entry of a step.
    pub const fn of<S: Step>() -> Self {
        Self {
            name: S::NAME,
            offer: || {
                let input = schema::read::<S>();
                StepOffer {
                    name: S::NAME,
                    summary: schema::summary(&input),
                    input,
                    output: schema::written::<S::Output>(),
                    refusals: S::REFUSALS,
                }
            },
            run: step::run::<S>,
        }
    }
}

/// A kind of resource in the table.
#[derive(Debug, Clone, Copy)]
pub struct ResourceEntry {
    kind: &'static str,
    offer: fn() -> ResourceOffer,
    check: fn(&str, &str) -> Vec<Finding>,
    apply: fn(&str, &str) -> Result<String, Fault>,
}

impl ResourceEntry {
    /// The entry of a kind.
    pub const fn of<R: Resource>() -> Self {
        Self {
            kind: R::KIND,
            offer: || {
                let schema = schema::read::<R>();
                ResourceOffer { kind: R::KIND, summary: schema::summary(&schema), schema }
            },
            check: resource::check::<R>,
            apply: resource::apply::<R>,
        }
    }
}

/// An event in the table.
#[derive(Debug, Clone, Copy)]
pub struct EventEntry {
    offer: fn() -> EventOffer,
}

impl EventEntry {
    /// The entry of an event.
    pub const fn of<E: Event>() -> Self {
        Self {
            offer: || {
                let data = schema::written::<E>();
                EventOffer { event_type: E::TYPE, summary: schema::summary(&data), data }
            },
        }
    }
}

/// A channel in the table.
#[derive(Debug, Clone, Copy)]
pub struct ChannelEntry {
    offer: fn() -> ChannelOffer,
    deliver: fn(&str, Message) -> Verdict,
    reconcile: fn(&str, Message) -> Option<Verdict>,
}

impl ChannelEntry {
    /// The entry of a channel.
    pub const fn of<C: Channel>() -> Self {
        Self {
            offer: || {
                let config = schema::read::<C::Config>();
                ChannelOffer {
                    summary: schema::summary(&config),
                    config,
                    hosts: C::HOSTS,
                    is_idempotent: C::IS_IDEMPOTENT,
                    secrets: C::SECRETS,
                }
            },
            deliver: channel::deliver::<C>,
            reconcile: channel::reconcile::<C>,
        }
    }
}

/// The manifest as JSON.
pub(crate) fn describe<P: Plugin>() -> Result<String, Fault> {
    let manifest = Manifest {
        name: P::NAME,
        version: P::VERSION,
        contract: CONTRACT_VERSION,
        summary: P::SUMMARY,
        steps: P::STEPS.iter().map(|entry| (entry.offer)()).collect(),
        resources: P::RESOURCES.iter().map(|entry| (entry.offer)()).collect(),
        events: P::EVENTS.iter().map(|entry| (entry.offer)()).collect(),
        reactions: P::REACTIONS
            .iter()
            .map(|(event, step)| Reaction { event: (*event).to_owned(), step })
            .collect(),
        capabilities: P::CAPABILITIES.iter().map(|(name, why)| CapabilityUse { name: *name, why }).collect(),
        channel: P::CHANNEL.map(|entry| (entry.offer)()),
        source: P::SOURCE.map(|entry| (entry.offer)()),
    };
    json::write("the manifest", &manifest)
}

/// Hands a message over.
pub(crate) fn deliver<P: Plugin>(config: &str, message: Message) -> Verdict {
    match P::CHANNEL {
        Some(entry) => (entry.deliver)(config, message),
        None => Verdict::Refused("the plugin has no channel".to_owned()),
    }
}

/// What became of a message.
pub(crate) fn reconcile<P: Plugin>(config: &str, message: Message) -> Option<Verdict> {
    P::CHANNEL.and_then(|entry| (entry.reconcile)(config, message))
}

/// What a request is.
#[cfg_attr(
    not(target_family = "wasm"),
    expect(dead_code, reason = "a component is called by its table, a test by its type")
)]
pub(crate) fn receive<P: Plugin>(config: &str, hook: Hook) -> Result<Accepted, HookRefusal> {
    match P::SOURCE {
        Some(entry) => (entry.receive)(config, hook),
        None => Err(HookRefusal::malformed("the plugin has no source")),
    }
}

/// A source in the table.
#[derive(Debug, Clone, Copy)]
pub struct SourceEntry {
    offer: fn() -> SourceOffer,
    receive: fn(&str, Hook) -> Result<Accepted, HookRefusal>,
}

impl SourceEntry {
    /// The entry of a source.
    pub const fn of<S: Source>() -> Self {
        Self {
            offer: || {
                let config = schema::read::<S::Config>();
                SourceOffer { summary: schema::summary(&config), config, secrets: S::SECRETS }
            },
            receive: source::receive::<S>,
        }
    }
}

/// Runs a step by its name.
pub(crate) fn run<P: Plugin>(step: &str, input: &str) -> Result<Answer<String>, Fault> {
    let entry = P::STEPS.iter().find(|entry| entry.name == step);
    let entry = entry.ok_or_else(|| unknown("step", step, P::STEPS.iter().map(|entry| entry.name)))?;
    (entry.run)(input)
}

/// Checks a definition of a kind.
pub(crate) fn check<P: Plugin>(kind: &str, name: &str, definition: &str) -> Result<Vec<Finding>, Fault> {
    Ok((resource_entry::<P>(kind)?.check)(name, definition))
}

/// Puts a definition of a kind into force; its reactions as JSON.
pub(crate) fn apply<P: Plugin>(kind: &str, name: &str, definition: &str) -> Result<String, Fault> {
    (resource_entry::<P>(kind)?.apply)(name, definition)
}

fn resource_entry<P: Plugin>(kind: &str) -> Result<&'static ResourceEntry, Fault> {
    let entry = P::RESOURCES.iter().find(|entry| entry.kind == kind);
    entry.ok_or_else(|| unknown("kind of resource", kind, P::RESOURCES.iter().map(|entry| entry.kind)))
}

fn unknown(what: &str, name: &str, known: impl Iterator<Item = &'static str>) -> Fault {
    let found: String = name.chars().take(64).collect();
    let known: Vec<_> = known.collect();
    Fault::permanent(
        "UNKNOWN_OFFER",
        format!("the plugin has no {what} `{found}`: it has {}", known.join(", ")),
    )
}
