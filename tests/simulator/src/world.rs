//! A world: hosts over one store, clients that repeat what was not acknowledged, and a clock that the world moves.
//!
//! Everything happens on the thread of the caller, an action at a time; after each of them every host goes on until it is
//! still, and what is durable is checked.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use siyu_engine::doubles::HandClock;
use siyu_engine::operate::{ManualStart, Publication, RunAction};
use siyu_engine::ports::clock::Clock;
use siyu_engine::tenant::{Admitted, Settings, Tenant, Unavailable};
use siyu_model::clock::{DurationMs, UtcMs};
use siyu_model::event::IncomingEvent;
use siyu_model::id::RunId;
use siyu_model::json::Value;
use siyu_model::name::TenantName;

use crate::backing::{self, Kept};
use crate::channel::SimChannel;
use crate::durable::{Durables, Shared};
use crate::host::{Host, Parts};
use crate::locked;
use crate::plugin;
use crate::scenario::{Cause, Scenario, Time};
use crate::store::{Gate, Link, SimStores};

/// When every world begins: ten in the morning in Shanghai.
pub const BEGIN: &str = "2026-11-21T10:00:00+08:00";

/// Something that is asked of a tenant.
#[derive(Clone)]
pub(crate) enum Request {
    Event(IncomingEvent),
    Act(RunId, RunAction),
    Publish(Publication),
    Begin(ManualStart),
    Settle,
}

/// What a tenant said.
pub(crate) enum Reply {
    Event,
    Settled(Option<UtcMs>),
    Done,
}

type Answers = Arc<Mutex<Vec<(u64, Result<Reply, Unavailable>)>>>;

/// A customer's side of an event.
pub(crate) struct Client {
    pub(crate) event: IncomingEvent,
    /// On which host it is on its way, by the number of its request.
    pub(crate) flying: Option<(usize, u64)>,
    /// Whether it was acknowledged.
    pub(crate) is_done: bool,
    /// Why it was not, the last time.
    pub(crate) refused: Option<Unavailable>,
}

/// A world.
pub struct World {
    pub(crate) time: Time,
    pub(crate) durable: Shared,
    pub(crate) hosts: Vec<Host>,
    /// The world's time.
    pub(crate) now: UtcMs,
    pub(crate) clients: BTreeMap<u32, Client>,
    pub(crate) publications: Vec<Publication>,
    pub(crate) backing: Box<dyn Kept>,
    /// Whether the first host, too, dies before the end; else it has to come to rest as it is.
    pub(crate) ends_by_death: bool,
    answers: Answers,
    asked: u64,
}

/// The one tenant.
pub(crate) fn tenant_name() -> TenantName {
    TenantName::new("sim").expect("`sim` follows the rule of tenants' names")
}

impl World {
    /// A world in which nothing has happened.
    pub fn new(scenario: &Scenario, publications: Vec<Publication>) -> anyhow::Result<Self> {
        Self::over(scenario, publications, backing::of(scenario.backing)?)
    }

    /// The same over other stores, which must be empty.
    pub fn over(
        scenario: &Scenario,
        publications: Vec<Publication>,
        backing: Box<dyn Kept>,
    ) -> anyhow::Result<Self> {
        let now: UtcMs = BEGIN.parse()?;
        let durables = Durables::of_tenants([tenant_name()]);
        let durable = durables.of(&tenant_name()).unwrap_or_default();
        durable.lock().places_max =
            scenario.versions.first().map(|sketch| sketch.places_max.clone()).unwrap_or_default();
        let inner = backing.stores()?;
        let hosts = (0..scenario.hosts).map(|host| {
            let link = Arc::new(Link::default());
            let channel = SimChannel::new(durable.clone(), host, scenario.refused_percent);
            let stores = SimStores {
                inner: inner.clone(),
                desk: backing.desk(),
                link: link.clone(),
                durables: durables.clone(),
                host,
                gate: Gate::Lease(scenario.semantics),
            };
            Host::new(Parts {
                name: tenant_name(),
                stores: Arc::new(stores),
                link,
                plugins: Arc::new(plugin::plugins(scenario.plugin_faults_percent)),
                clock: Arc::new(match scenario.time {
                    Time::Virtual => HandClock::virtual_at(now),
                    Time::Real => HandClock::showing(now),
                }),
                channel: Arc::new(channel),
                settings: settings(scenario),
            })
        });
        let hosts = hosts.collect();
        Ok(Self {
            time: scenario.time,
            durable,
            hosts,
            now,
            clients: BTreeMap::new(),
            publications,
            backing,
            ends_by_death: scenario.seed.is_multiple_of(2),
            answers: Answers::default(),
            asked: 0,
        })
    }

    /// What is durable.
    pub fn durable(&self) -> &Shared {
        &self.durable
    }

    /// Time passes.
    pub(crate) fn pass(&mut self, ms: i64) {
        self.now = self.now + DurationMs::from_millis(u64::try_from(ms).unwrap_or(0));
        self.durable.lock().lease.now_ms = self.now.as_millis();
        self.hosts.iter().for_each(|host| show(host, self.now));
    }

    /// A host's clock jumps.
    pub(crate) fn jump(&mut self, host: usize, ms: i64) {
        let now = self.now;
        if let Some(host) = self.hosts.get_mut(host) {
            host.skew_ms += ms;
            show(host, now);
        }
    }

    /// Every host goes on until it is still, and every answer is heard; answers to what is not an event are given back.
    pub(crate) fn turn(&mut self) -> HashMap<u64, Result<Reply, Unavailable>> {
        self.hosts.iter_mut().for_each(Host::turn);
        let answers: Vec<_> = locked(&self.answers).drain(..).collect();
        let mut stopped = Vec::new();
        for (number, answer) in &answers {
            let client =
                self.clients.values_mut().find(|client| client.flying.is_some_and(|(_, own)| own == *number));
            let host = client.as_ref().and_then(|client| client.flying).map(|(host, _)| host);
            if let Some(client) = client {
                client.flying = None;
                client.is_done |= answer.is_ok();
                client.refused = answer.as_ref().err().cloned();
            }
            if let (Err(Unavailable::Stopped), Some(host)) = (answer, host) {
                stopped.push(host);
            }
        }
        // A tenant that says so is gone: its host lets go of it.
        stopped.into_iter().for_each(|host| self.kill(host));
        answers.into_iter().collect()
    }

    /// A host dies, and whoever waited for an answer of it will ask again.
    pub(crate) fn kill(&mut self, host: usize) {
        if let Some(host) = self.hosts.get_mut(host) {
            host.kill();
        }
        for client in self.clients.values_mut() {
            if client.flying.is_some_and(|(at, _)| at == host) {
                client.flying = None;
            }
        }
    }

    /// A customer causes an event; the same id again is the same event.
    pub(crate) fn cause(&mut self, cause: &Cause) -> u32 {
        let time = (self.time == Time::Virtual).then_some(self.now);
        self.clients.entry(cause.id).or_insert_with(|| Client {
            event: incoming(cause, time),
            flying: None,
            is_done: false,
            refused: None,
        });
        cause.id
    }

    /// Hands a customer's event to a host; nothing happens when the host has no tenant, or it is on its way.
    pub(crate) fn send(&mut self, id: u32, host: usize) {
        let Some(event) =
            self.clients.get(&id).filter(|client| client.flying.is_none()).map(|client| client.event.clone())
        else {
            return;
        };
        let number = self.ask(host, Request::Event(event));
        if let (Some(number), Some(client)) = (number, self.clients.get_mut(&id)) {
            client.flying = Some((host, number));
        }
    }

    /// Those whose event was not acknowledged and is not on its way ask again, a few at a time, somewhere.
    pub(crate) fn repeat(&mut self, most: usize) {
        let idle = |client: &Client| !client.is_done && client.flying.is_none();
        let ids: Vec<u32> =
            self.clients.iter().filter(|(_, client)| idle(client)).map(|(id, _)| *id).take(most).collect();
        for id in ids {
            let host = (0..self.hosts.len())
                .map(|step| (id as usize + step) % self.hosts.len())
                .find(|host| self.hosts[*host].tenant().is_some());
            if let Some(host) = host {
                self.send(id, host);
            }
        }
    }

    /// Asks something of a host's tenant; gives the number of the answer that will come.
    pub(crate) fn ask(&mut self, host: usize, request: Request) -> Option<u64> {
        let host = self.hosts.get_mut(host)?;
        let tenant = host.tenant()?;
        self.asked += 1;
        let number = self.asked;
        let (answers, durable) = (self.answers.clone(), self.durable.clone());
        host.spawn(async move {
            let answer = answer(&tenant, request, &durable).await;
            drop(tenant);
            locked(&answers).push((number, answer));
        });
        Some(number)
    }
}

/// Asks, and looks in the moment of the answer whether what it says is durable.
async fn answer(tenant: &Tenant, request: Request, durable: &Shared) -> Result<Reply, Unavailable> {
    match request {
        Request::Event(event) => {
            let (source, own) = (event.source.clone(), event.id.clone());
            let admitted = tenant.admit(event).await?;
            match &admitted {
                Admitted::Recorded { admission, .. } => {
                    durable.lock().acknowledged(&source, &own, admission.seq);
                }
                Admitted::Refused(why) => durable.lock().accuse(|| format!("event {own} was refused: {why}")),
            }
            Ok(Reply::Event)
        }
        // What people want may be impossible by now: that is an answer like any other.
        Request::Act(run, action) => tenant.act(run, action).await.map(|_done_or_not| Reply::Done),
        Request::Begin(start) => tenant.start(start).await.map(|_done_or_not| Reply::Done),
        Request::Publish(publication) => match tenant.publish(publication).await? {
            Ok(_) => Ok(Reply::Done),
            Err(why) => {
                durable.lock().accuse(|| format!("a version was refused: {why}"));
                Ok(Reply::Done)
            }
        },
        Request::Settle => tenant.settle().await.map(Reply::Settled),
    }
}

/// A host's clock shows the world's time, as far as it is from it.
fn show(host: &Host, now: UtcMs) {
    let at = now.as_millis() + host.skew_ms;
    host.parts.clock.set(UtcMs::from_millis(at));
    debug_assert!(host.parts.clock.is_virtual() || host.parts.clock.now().as_millis() == at);
}

fn settings(scenario: &Scenario) -> Settings {
    // A batch ends by its number of commands, never by how long it took: that would be another world each time.
    const NEVER_MS: u64 = 1 << 40;
    Settings {
        inbox_max: scenario.inbox_max,
        batch_max: scenario.batch_max,
        slice_ms: NEVER_MS,
        slice_committing_ms: NEVER_MS,
        slice_virtual_ms: NEVER_MS,
        timer_window_max: scenario.timer_window_max,
        customers_cached_max: scenario.cached_max,
        runs_cached_max: scenario.cached_max,
        rows_cached_max: scenario.cached_max,
        // Some worlds gather keys at once, some when half of it is over.
        keys_after_absent: scenario.cached_max as u64,
        ..Settings::default()
    }
}

pub(crate) fn incoming(cause: &Cause, time: Option<UtcMs>) -> IncomingEvent {
    let items = cause.items.iter().map(|item| Value::Int(*item)).collect();
    let data = Value::map([("n", Value::Int(cause.n)), ("items", Value::List(items))]);
    IncomingEvent {
        id: format!("e{}", cause.id),
        event_type: cause.event_type.parse().expect("event types of a simulation follow their rule"),
        source: "shop".to_owned(),
        subject: cause.customer.map(|customer| {
            format!("shop:{customer}").parse().expect("customers of a simulation follow their rule")
        }),
        time,
        data,
    }
}
