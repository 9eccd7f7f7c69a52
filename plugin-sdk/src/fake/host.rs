//! The host of a test, and how it is set up.

use std::marker::PhantomData;
use std::sync::Arc;

use serde::Serialize;
use siyu_model::clock::UtcMs;
use siyu_model::customer::{Customer, TagMark as Mark};
use siyu_model::event::{Event, Identity, Subject};
use siyu_model::id::CustomerId;
use siyu_model::json;
use siyu_model::name::{EventType, Tag};
use siyu_model::plugin::{Fault, Manifest};

use super::outcome::words;
use super::port::instant;
use super::state::{State, Tables};
use super::view::Reacted;
use crate::channel::{Message, Verdict};
use crate::plugin::{self, Plugin};
use crate::resource::Finding;
use crate::step::Answer;
use crate::stop::Fault as Stopped;
use crate::time::{Instant, Zone};

/// A host with one tenant and one plugin.
///
/// ```
/// # use siyu_plugin::prelude::*;
/// # use siyu_plugin::counters;
/// # const NO_MORE: Refusal = Refusal::new("NO_MORE", "all are gone");
/// # /// Takes one of three.
/// # #[derive(Serialize, Deserialize, JsonSchema)] struct Take {}
/// # #[derive(Serialize, JsonSchema)] struct Left { left: u64 }
/// # impl Step for Take {
/// #     const NAME: &'static str = "take";
/// #     const REFUSALS: &'static [Refusal] = &[NO_MORE];
/// #     type Output = Left;
/// #     fn run(self) -> Result<Left, Stop> {
/// #         let taken = counters::take("all", 1, 3)?;
/// #         NO_MORE.unless(taken.ok)?;
/// #         Ok(Left { left: 3 - taken.used })
/// #     }
/// # }
/// # siyu_plugin::export! {
/// #     name: "three", version: "1.0.0", summary: "Three of a kind.", steps: [Take],
/// #     capabilities: { Counters: "counts to three" },
/// # }
/// use siyu_plugin::fake::Host;
///
/// let mut host = Host::of::<Plugin>();
/// for left in [2, 1, 0] {
///     assert_eq!(host.call::<Take>(json!({})).done().left, left);
/// }
/// host.call::<Take>(json!({})).refused("NO_MORE");
/// assert_eq!(host.counter("all"), 3);
/// ```
pub struct Host {
    /// None while a call has it.
    state: Option<Box<State>>,
    pub(super) plugin: Entries,
    /// Whom later calls are for.
    pub(super) customer: Option<CustomerId>,
    /// The event and the run that later calls belong to.
    pub(super) event: Option<Arc<Event>>,
    pub(super) run: Option<String>,
    pub(super) repeats: bool,
    pub(super) allows_faults: bool,
    pub(super) reacted: Vec<Reacted>,
    /// A test's host stays on its thread, as the calls do.
    on_one_thread: PhantomData<*const ()>,
}

/// The exports of the plugin.
#[derive(Clone, Copy)]
pub(super) struct Entries {
    pub(super) run: fn(&str, &str) -> Result<Answer<String>, Stopped>,
    pub(super) check: fn(&str, &str, &str) -> Result<Vec<Finding>, Stopped>,
    pub(super) apply: fn(&str, &str, &str) -> Result<String, Stopped>,
    pub(super) deliver: fn(&str, Message) -> Verdict,
    pub(super) reconcile: fn(&str, Message) -> Option<Verdict>,
}

/// Why a definition did not come into force.
#[derive(Debug, Clone, PartialEq)]
pub enum Unpublished {
    /// The check found errors.
    Findings(Vec<Finding>),
    /// `apply` failed.
    Fault(Fault),
}

impl Host {
    /// A host with this plugin, at noon of 2026-11-21 in Asia/Shanghai.
    ///
    /// # Panics
    /// When the real host would not take the plugin's manifest, and when something in it has no summary.
    #[track_caller]
    pub fn of<P: Plugin>() -> Self {
        let manifest = match plugin::describe::<P>() {
            Ok(text) => Manifest::from_json(&text).unwrap_or_else(|fault| panic!("{fault}")),
            Err(fault) => panic!("the manifest cannot be written: {fault:?}"),
        };
        check_summaries(&manifest);
        let state = State {
            manifest: Arc::new(manifest),
            zone: "Asia/Shanghai".parse().unwrap_or_else(|_| siyu_model::clock::Zone::utc()),
            // 2026-11-21T12:00:00+08:00
            now: UtcMs::from_millis(1_795_233_600_000),
            seed: 0,
            calls: 0,
            tables: Tables::default(),
            events: Vec::new(),
            waiting: std::collections::VecDeque::new(),
            log: Vec::new(),
            blocked: None,
            call: None,
            net: super::state::Net::default(),
            secrets: Default::default(),
        };
        Self {
            state: Some(Box::new(state)),
            plugin: Entries {
                run: plugin::run::<P>,
                check: plugin::check::<P>,
                apply: plugin::apply::<P>,
                deliver: plugin::deliver::<P>,
                reconcile: plugin::reconcile::<P>,
            },
            customer: None,
            event: None,
            run: None,
            repeats: false,
            allows_faults: false,
            reacted: Vec::new(),
            on_one_thread: PhantomData,
        }
    }

    /// At another instant, RFC 3339.
    ///
    /// # Panics
    /// When it is none.
    #[track_caller]
    pub fn at(mut self, instant: &str) -> Self {
        self.state_mut().now = instant.parse().unwrap_or_else(|fault| panic!("{fault}"));
        self
    }

    /// In another zone.
    ///
    /// # Panics
    /// When there is no such zone.
    #[track_caller]
    pub fn zone(mut self, name: &str) -> Self {
        self.state_mut().zone = name.parse().unwrap_or_else(|fault| panic!("{fault}"));
        self
    }

    /// With other randomness.
    pub fn seed(mut self, seed: u64) -> Self {
        self.state_mut().seed = seed;
        self
    }

    /// Every call runs twice, the first time undone, and must do the same both times: the real host repeats calls after a
    /// crash. What differs is usually the order of a `HashMap`.
    pub fn repeating(mut self) -> Self {
        self.repeats = true;
        self
    }

    /// Reactions may fail; otherwise a failing one ends the test.
    pub fn allowing_faults(mut self) -> Self {
        self.allows_faults = true;
        self
    }

    /// The manifest, as the real host reads it.
    pub fn manifest(&self) -> &Manifest {
        &self.state().manifest
    }

    /// A customer by an outside name such as `shop:00042`; a new one when nobody has it.
    ///
    /// # Panics
    /// When it is no outside name.
    #[track_caller]
    pub fn customer(&mut self, outside_name: &str) -> String {
        self.find_customer(outside_name).to_string()
    }

    /// Later calls are for this customer; a new one when nobody has the name.
    ///
    /// # Panics
    /// When it is no outside name.
    #[track_caller]
    pub fn act_for(&mut self, outside_name: &str) -> String {
        let id = self.find_customer(outside_name);
        self.customer = Some(id);
        id.to_string()
    }

    /// Later calls are for nobody.
    pub fn act_for_nobody(&mut self) {
        self.customer = None;
    }

    #[track_caller]
    fn find_customer(&mut self, outside_name: &str) -> CustomerId {
        let Ok(Subject::Identity(identity)) = outside_name.parse() else {
            panic!("`{outside_name}` is no outside name: expected one such as shop:00042");
        };
        let state = self.state_mut();
        let known = |customer: &&Customer| customer.identities.contains(&identity);
        if let Some(customer) = state.tables.customers.rows().values().find(known) {
            return customer.id;
        }
        let Identity { namespace, value } = &identity;
        let id = CustomerId::derive(state.now, &[namespace.as_bytes(), value.as_bytes()]);
        let mut customer = Customer::new(id, state.now);
        customer.identities.push(identity);
        state.tables.customers.set(&id, Some(customer));
        state.tables.customers.keep();
        id
    }

    #[track_caller]
    pub(super) fn known(&self, customer: &str) -> CustomerId {
        let id = customer.parse().unwrap_or_else(|fault| panic!("{fault}"));
        assert!(self.state().tables.customers.get(&id).is_some(), "there is no customer {id}");
        id
    }

    #[track_caller]
    fn change_customer(&mut self, customer: &str, change: impl FnOnce(&mut Customer)) {
        let id = self.known(customer);
        let state = self.state_mut();
        let mut customer = state.known(id);
        change(&mut customer);
        state.tables.customers.set(&id, Some(customer));
        state.tables.customers.keep();
    }

    /// Lays an object over a customer's attributes.
    ///
    /// # Panics
    /// When there is no such customer, or `changes` is no object.
    #[track_caller]
    pub fn set_attributes(&mut self, customer: &str, changes: impl Serialize) {
        let changes = document(changes);
        let changes = json::parse(&changes).unwrap_or_else(|fault| panic!("attributes: {fault}"));
        let Some(members) = changes.as_map() else {
            panic!("attributes are {}, expected an object", changes.kind());
        };
        self.change_customer(customer, |customer| customer.attributes = customer.attributes.patched(members));
    }

    /// Puts a tag on by hand (source `manual:test`), without an event.
    ///
    /// # Panics
    /// When there is no such customer, or it is no tag.
    #[track_caller]
    pub fn put_tag(&mut self, customer: &str, tag: &str) {
        let tag = Tag::new(tag).unwrap_or_else(|fault| panic!("{fault}"));
        let now = self.state().now;
        let mark = Mark {
            source: "manual:test".to_owned(),
            added_at: now,
            effective_at: now,
            expires_at: None,
            confidence_percent: 100,
            evidence: None,
        };
        self.change_customer(customer, |customer| drop(customer.tags.insert(tag, mark)));
    }

    /// From now on every message is blocked for this reason; none lets them through again.
    pub fn block_messages(&mut self, reason: Option<&str>) {
        self.state_mut().blocked = reason.map(str::to_owned);
    }

    /// What time it is.
    pub fn now(&self) -> Instant {
        instant(self.state().now)
    }

    /// The playbook's zone.
    pub fn playbook_zone(&self) -> Zone {
        Zone::new(self.state().zone.name())
    }

    /// The state, which is here whenever no call runs.
    #[expect(clippy::expect_used, reason = "a call gives it back when it ends, even by a panic")]
    pub(super) fn state(&self) -> &State {
        self.state.as_ref().expect("no call runs while the test looks")
    }

    #[expect(clippy::expect_used, reason = "a call gives it back when it ends, even by a panic")]
    pub(super) fn state_mut(&mut self) -> &mut State {
        self.state.as_mut().expect("no call runs while the test looks")
    }

    pub(super) fn take_state(&mut self) -> Option<Box<State>> {
        self.state.take()
    }

    pub(super) fn give_state(&mut self, state: Option<Box<State>>) {
        self.state = state;
    }
}

#[track_caller]
fn check_summaries(manifest: &Manifest) {
    let steps = manifest.steps.iter().map(|step| ("step", step.name.as_str(), &step.summary));
    let kinds = manifest.resources.iter().map(|kind| ("kind of resource", kind.kind.as_str(), &kind.summary));
    let events = manifest.events.iter().map(|event| ("event", event.event_type.as_str(), &event.summary));
    for (what, name, summary) in steps.chain(kinds).chain(events) {
        assert!(!summary.is_empty(), "the {what} `{name}` has no summary: write a doc comment on its type");
    }
    if let Some(channel) = &manifest.channel {
        assert!(
            !channel.summary.is_empty(),
            "the channel has no summary: write a doc comment on its `Config`"
        );
    }
    if let Some(source) = &manifest.source {
        assert!(!source.summary.is_empty(), "the source has no summary: write a doc comment on its `Config`");
    }
    assert!(!manifest.summary.is_empty(), "the plugin has no summary");
}

/// A test's value as a document.
#[track_caller]
pub(super) fn document(value: impl Serialize) -> String {
    serde_json::to_string(&value).unwrap_or_else(|fault| panic!("not a document: {fault}"))
}

#[track_caller]
pub(super) fn event_type(text: &str) -> EventType {
    EventType::new(text).unwrap_or_else(|fault| panic!("{fault}"))
}

impl std::fmt::Display for Unpublished {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Findings(found) => {
                for finding in found {
                    let what = if finding.is_error { "error" } else { "warning" };
                    writeln!(f, "{what} {} at `{}`: {}", finding.code, finding.pointer, finding.message)?;
                }
                Ok(())
            }
            Self::Fault(fault) => f.write_str(&words(fault)),
        }
    }
}

impl std::error::Error for Unpublished {}
