//! A fleet in which everything may fail: hosts on one database, tenants that go from one to another, and clients that ask
//! any host.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use siyu_engine::doubles::{HandClock, MemoryFleets, MemoryStores};
use siyu_engine::host::{Host, HostError, Rules, Told};
use siyu_engine::operate::{ManualStart, Publication, RunAction};
use siyu_engine::ports::store::Stores;
use siyu_engine::tenant::{Admitted, Settings};
use siyu_model::clock::{DurationMs, UtcMs};
use siyu_model::event::IncomingEvent;
use siyu_model::id::RunId;
use siyu_model::journal::JournalKind;
use siyu_model::name::TenantName;
use siyu_model::run::RunPhase;

use super::line::Line;
use super::node::{Node, Parts};
use super::scenario::FleetScenario;
use crate::channel::SimChannel;
use crate::durable::{Durable, Durables, Shared};
use crate::locked;
use crate::plugin;
use crate::scenario::Cause;
use crate::store::Link;
use crate::world::{BEGIN, incoming};

/// What somebody asks a host to do for a tenant.
#[derive(Clone)]
pub(super) enum Request {
    Event(IncomingEvent),
    Act(RunId, RunAction),
    Publish(Publication),
    Begin(ManualStart),
    Settle,
    /// The host of this number ends.
    Stop(usize),
}

/// What became of it.
#[derive(Debug)]
pub(super) enum Reply {
    /// Done, and durable.
    Done,
    /// Kept for the host that has the tenant.
    Kept,
    /// Nothing is left to do; when something falls due.
    Settled(Option<UtcMs>),
    /// It cannot be done, and nothing happened.
    Refused,
    /// The host of this number ended in order.
    Stopped(usize),
}

type Answers = Arc<Mutex<Vec<(u64, Result<Reply, HostError>)>>>;

/// A customer's side of an event.
pub(super) struct Client {
    pub(super) tenant: usize,
    event: IncomingEvent,
    /// On which host it is on its way, by the number of its request.
    flying: Option<(usize, u64)>,
    /// Whether it was acknowledged, or kept.
    pub(super) is_done: bool,
    /// Why it was not, the last time.
    pub(super) refused: Option<HostError>,
}

/// Somebody who starts a workflow by hand and asks once.
pub(super) struct Starter {
    pub(super) tenant: usize,
    flying: Option<(usize, u64)>,
    /// Whether the host said that it is done.
    pub(super) is_promised: bool,
}

/// A fleet.
pub(super) struct FleetWorld {
    pub(super) fleets: MemoryFleets,
    pub(super) tenants: Vec<TenantName>,
    pub(super) durables: Vec<Shared>,
    pub(super) nodes: Vec<Node>,
    /// What the clocks of hosts show that do not differ.
    pub(super) now: UtcMs,
    pub(super) clients: BTreeMap<(usize, u32), Client>,
    pub(super) starters: BTreeMap<u32, Starter>,
    pub(super) publications: Vec<Publication>,
    pub(super) backing: MemoryStores,
    /// How long hosts go on before it is another one's turn, milliseconds.
    pub(super) slice_ms: u64,
    rng: Rng,
    answers: Answers,
    asked: u64,
}

impl FleetWorld {
    /// A fleet in which no host runs.
    pub(super) fn new(scenario: &FleetScenario, publications: Vec<Publication>) -> anyhow::Result<Self> {
        let tenants: Result<Vec<TenantName>, _> =
            (0..scenario.tenants).map(|number| format!("sim-{number}").parse()).collect();
        let tenants = tenants?;
        let durables = Durables::of_tenants(tenants.iter().cloned());
        let shared: Vec<Shared> = tenants.iter().filter_map(|tenant| durables.of(tenant)).collect();
        for durable in &shared {
            durable.lock().is_of_a_fleet = true;
            durable.lock().places_max =
                scenario.versions.first().map(|sketch| sketch.places_max.clone()).unwrap_or_default();
        }
        let (fleets, backing, now) = (MemoryFleets::new(), MemoryStores::new(), BEGIN.parse()?);
        let mut rng = Rng::with_seed(scenario.seed ^ 0x0dd5);
        let nodes = (0..scenario.hosts).map(|number| {
            let channels = tenants.iter().zip(&shared).map(|(tenant, durable)| {
                (tenant.clone(), Arc::new(SimChannel::new(durable.clone(), number, 0)))
            });
            Node::new(Parts {
                number,
                fleets: fleets.clone(),
                line: Arc::new(Line::new(rng.fork(), scenario.way_ms_max, scenario.lost_percent)),
                inner: Arc::new(backing.clone()) as Arc<dyn Stores>,
                link: Arc::new(Link::long(rng.fork(), scenario.way_ms_max)),
                durables: durables.clone(),
                plugins: Arc::new(plugin::plugins(scenario.plugin_faults_percent)),
                clock: Arc::new(HandClock::showing(now)),
                channels: channels.collect(),
                settings: settings(scenario),
                rules: rules(scenario),
            })
        });
        let nodes = nodes.collect();
        Ok(Self {
            fleets,
            tenants,
            durables: shared,
            nodes,
            now,
            clients: BTreeMap::new(),
            starters: BTreeMap::new(),
            publications,
            backing,
            slice_ms: scenario.slice_ms,
            rng,
            answers: Answers::default(),
            asked: 0,
        })
    }

    /// What is durable of a tenant.
    pub(super) fn durable(&self, tenant: usize) -> std::sync::MutexGuard<'_, Durable> {
        self.durables[tenant].lock()
    }

    /// The fleet goes on for so long, host after host in an order that is drawn for each slice.
    pub(super) fn run(&mut self, ms: u64) -> Vec<(u64, Result<Reply, HostError>)> {
        let mut heard = Vec::new();
        let mut left_ms = ms;
        while left_ms > 0 {
            let slice_ms = left_ms.min(self.slice_ms);
            left_ms -= slice_ms;
            self.fleets.pass(slice_ms);
            self.pass(i64::try_from(slice_ms).unwrap_or(0));
            let mut order: Vec<usize> = (0..self.nodes.len()).collect();
            self.rng.shuffle(&mut order);
            for node in order {
                self.nodes[node].slice(Duration::from_millis(slice_ms));
            }
            heard.extend(self.hear());
        }
        heard
    }

    /// All clocks go on, and not the database's.
    pub(super) fn pass(&mut self, ms: i64) {
        self.now = self.now + DurationMs::from_millis(u64::try_from(ms).unwrap_or(0));
        let now_ms = self.now.as_millis();
        self.durables.iter().for_each(|durable| durable.lock().lease.now_ms = now_ms);
        self.nodes.iter().for_each(|node| show(node, self.now));
    }

    /// A host's clock jumps.
    pub(super) fn jump(&mut self, host: usize, ms: i64) {
        let now = self.now;
        if let Some(node) = self.nodes.get_mut(host) {
            node.skew_ms += ms;
            show(node, now);
        }
    }

    /// A host dies, and whoever waited for an answer of it will ask again.
    pub(super) fn kill(&mut self, host: usize) {
        if let Some(node) = self.nodes.get_mut(host) {
            node.kill();
        }
        let is_lost = |flying: &Option<(usize, u64)>| flying.is_some_and(|(at, _)| at == host);
        self.clients.values_mut().filter(|client| is_lost(&client.flying)).for_each(|c| c.flying = None);
        self.starters.values_mut().filter(|starter| is_lost(&starter.flying)).for_each(|s| s.flying = None);
    }

    /// Every answer is heard.
    fn hear(&mut self) -> Vec<(u64, Result<Reply, HostError>)> {
        let answers: Vec<_> = locked(&self.answers).drain(..).collect();
        let mut stopped = Vec::new();
        for (number, answer) in &answers {
            let is_it = |flying: &Option<(usize, u64)>| flying.is_some_and(|(_, own)| own == *number);
            let is_promised = matches!(answer, Ok(Reply::Done | Reply::Kept));
            if let Some(client) = self.clients.values_mut().find(|client| is_it(&client.flying)) {
                client.flying = None;
                client.is_done |= is_promised;
                client.refused = answer.as_ref().err().cloned();
            }
            if let Some(starter) = self.starters.values_mut().find(|starter| is_it(&starter.flying)) {
                starter.flying = None;
                // What is kept may still be refused.
                starter.is_promised |= matches!(answer, Ok(Reply::Done));
            }
            if let Ok(Reply::Stopped(host)) = answer {
                stopped.push(*host);
            }
        }
        // Its process ends with it.
        stopped.into_iter().for_each(|host| self.kill(host));
        answers
    }

    /// A customer causes an event; the same id again is the same event.
    pub(super) fn cause(&mut self, tenant: usize, cause: &Cause) -> (usize, u32) {
        let place = (tenant, cause.id);
        self.clients.entry(place).or_insert_with(|| Client {
            tenant,
            event: incoming(cause, None),
            flying: None,
            is_done: false,
            refused: None,
        });
        place
    }

    /// Hands a customer's event to a host, unless it is on its way.
    pub(super) fn send(&mut self, place: (usize, u32), host: usize) {
        let Some(client) = self.clients.get(&place).filter(|client| client.flying.is_none()) else { return };
        let (event, tenant) = (client.event.clone(), client.tenant);
        if let Some(number) = self.ask((host, tenant), Request::Event(event))
            && let Some(client) = self.clients.get_mut(&place)
        {
            client.flying = Some((host, number));
        }
    }

    /// Somebody starts a workflow by hand, and will not ask again.
    pub(super) fn start(&mut self, (host, tenant): (usize, usize), id: u32, start: ManualStart) {
        let flying = self.ask((host, tenant), Request::Begin(start)).map(|number| (host, number));
        if flying.is_some() {
            self.starters.insert(id, Starter { tenant, flying, is_promised: false });
        }
    }

    /// Those whose event was not acknowledged and is not on its way ask again, a few at a time, anywhere.
    pub(super) fn repeat(&mut self, most: usize) {
        let idle = |client: &Client| !client.is_done && client.flying.is_none();
        let places: Vec<(usize, u32)> = self
            .clients
            .iter()
            .filter(|(_, client)| idle(client))
            .map(|(place, _)| *place)
            .take(most)
            .collect();
        for place in places {
            let host = self.rng.usize(..self.nodes.len());
            self.send(place, host);
        }
    }

    /// Asks a host for something; gives the number of the answer that will come.
    pub(super) fn ask(&mut self, (host, tenant): (usize, usize), request: Request) -> Option<u64> {
        let node = self.nodes.get_mut(host)?;
        let host = node.host()?;
        self.asked += 1;
        let number = self.asked;
        let (answers, durable, name) =
            (self.answers.clone(), self.durables[tenant].clone(), self.tenants[tenant].clone());
        node.spawn(async move {
            let answer = answer(&host, &name, request, &durable).await;
            drop(host);
            locked(&answers).push((number, answer));
        });
        Some(number)
    }
}

/// Asks, and looks in the moment of the answer whether what it says is durable.
async fn answer(
    host: &Host,
    tenant: &TenantName,
    request: Request,
    durable: &Shared,
) -> Result<Reply, HostError> {
    let told = match request {
        Request::Event(event) => {
            let (source, own) = (event.source.clone(), event.id.clone());
            match host.admit(tenant, event).await? {
                Told::Done(Admitted::Recorded { admission, .. }) => {
                    durable.lock().acknowledged(&source, &own, admission.seq);
                    Told::Done(())
                }
                Told::Done(Admitted::Refused(why)) => {
                    durable.lock().accuse(|| format!("event {own} was refused: {why}"));
                    Told::Done(())
                }
                Told::Kept(id) => Told::Kept(id),
            }
        }
        Request::Act(run, action) => {
            let told = host.act(tenant, run, action.clone()).await;
            if let Ok(Told::Done(after)) = &told {
                acted(&mut durable.lock(), run, &action, *after);
            }
            return done_or_not(told.map(|told| promised(&told)));
        }
        Request::Begin(start) => {
            let told = host.start_run(tenant, start).await;
            return done_or_not(told.map(|told| promised(&told)));
        }
        Request::Publish(publication) => match host.publish(tenant, publication).await {
            Err(HostError::Refused(why)) => {
                durable.lock().accuse(|| format!("a version was refused: {why}"));
                return Ok(Reply::Refused);
            }
            told => return told.map(|told| promised(&told)),
        },
        Request::Settle => {
            let tenant = host.tenant(tenant).await?;
            return Ok(Reply::Settled(tenant.settle().await?));
        }
        Request::Stop(number) => {
            host.stop().await;
            return Ok(Reply::Stopped(number));
        }
    };
    Ok(promised(&told))
}

fn promised<T>(told: &Told<T>) -> Reply {
    match told {
        Told::Done(_) => Reply::Done,
        Told::Kept(_) => Reply::Kept,
    }
}

/// What people want may be impossible by now: that is an answer like any other.
fn done_or_not(told: Result<Reply, HostError>) -> Result<Reply, HostError> {
    match told {
        Err(HostError::Refused(_)) => Ok(Reply::Refused),
        other => other,
    }
}

/// An action was acknowledged: what it did must be durable by now.
fn acted(durable: &mut Durable, run: RunId, action: &RunAction, after: RunId) {
    let phase = durable.runs.get(&run).map(|run| run.status.phase());
    let wrote = |kind: JournalKind| {
        durable.journal.get(&run).is_some_and(|lines| lines.iter().any(|line| line.kind == kind))
    };
    let holds = match action {
        RunAction::Pause => wrote(JournalKind::Paused),
        RunAction::Resume => wrote(JournalKind::Resumed),
        RunAction::Cancel { .. } => {
            !matches!(phase, None | Some(RunPhase::Live | RunPhase::Paused | RunPhase::Queued))
        }
        RunAction::Retry | RunAction::RetryAs(_) | RunAction::Replay { .. } => {
            after != run && durable.runs.contains_key(&after)
        }
    };
    if !holds {
        durable.accuse(|| format!("{action:?} of {run} was acknowledged, and in the store it is {phase:?}"));
    }
}

/// A host's clock shows the world's time, as far as it is from it.
fn show(node: &Node, now: UtcMs) {
    node.parts.clock.set(UtcMs::from_millis(now.as_millis() + node.skew_ms));
}

fn settings(scenario: &FleetScenario) -> Settings {
    const NEVER_MS: u64 = 1 << 40;
    Settings {
        inbox_max: scenario.inbox_max,
        batch_max: scenario.batch_max,
        slice_ms: NEVER_MS,
        slice_committing_ms: NEVER_MS,
        slice_virtual_ms: NEVER_MS,
        ..Settings::default()
    }
}

fn rules(scenario: &FleetScenario) -> Rules {
    Rules {
        idle: DurationMs::from_millis(scenario.idle_ms),
        awake_max: scenario.awake_max,
        patience: DurationMs::from_millis(scenario.patience_ms),
        ..Rules::default()
    }
}
