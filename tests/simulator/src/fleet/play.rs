//! Playing what happens to a fleet, then nothing goes wrong any more: everything that was promised is done, once, each
//! tenant has a host, and time goes on to the end.

use std::hash::{DefaultHasher, Hash, Hasher};

use siyu_engine::host::HostError;
use siyu_engine::operate::{ManualStart, Publication, RunAction};
use siyu_model::clock::UtcMs;
use siyu_model::id::RunId;
use siyu_model::json::Value;
use siyu_model::limits::fleet::{LEASE_MS, PATIENCE_MS};
use siyu_model::run::RunPhase;

use super::scenario::{FleetAction, FleetScenario};
use super::world::{FleetWorld, Reply, Request};
use crate::play::{Failure, Played, REST_MS};
use crate::reload;
use crate::scenario::{Action, Wish};

/// How long a fleet in which nothing goes wrong may take until every tenant has a host and everybody an answer: a lease that
/// has to run out, some beats, and letters that were kept.
const HEALED_MS: u64 = 6 * LEASE_MS + PATIENCE_MS;
/// How long hosts go on then before it is another one's turn, milliseconds.
const HEALED_SLICE_MS: u64 = 100;
/// How often something is asked before it counts as never done.
const TRIES: u32 = 400;
/// How long the fleet goes on between two looks, milliseconds.
const STEP_MS: u64 = 200;

/// Plays a scenario whose versions were compiled already.
pub(super) fn play(scenario: &FleetScenario, publications: &[Publication]) -> Result<Played, Failure> {
    let failed = |what: String| Failure { after: None, what };
    let world = FleetWorld::new(scenario, publications.to_vec());
    let mut world = world.map_err(|why| failed(format!("{why:#}")))?;
    let mut trace = Vec::with_capacity(scenario.actions.len() + 1);
    world.begin().map_err(failed)?;
    for (place, action) in scenario.actions.iter().enumerate() {
        let failed = |what: String| Failure { after: Some(place), what };
        world.perform(action).map_err(failed)?;
        world.check().map_err(failed)?;
        trace.push(world.trace());
    }
    world.heal().map_err(failed)?;
    world.settle_down(scenario.ends_in_order()).map_err(failed)?;
    world.finish(trace).map_err(failed)
}

impl FleetWorld {
    fn check(&self) -> Result<(), String> {
        for (tenant, durable) in self.durables.iter().enumerate() {
            durable.lock().check().map_err(|why| format!("tenant {tenant}: {why}"))?;
        }
        Ok(())
    }

    fn trace(&self) -> u64 {
        let mut trace = DefaultHasher::new();
        for durable in &self.durables {
            let durable = durable.lock();
            (durable.commits, durable.events.len(), durable.runs.len(), durable.timers.len())
                .hash(&mut trace);
        }
        self.fleets.holders().hash(&mut trace);
        self.clients.values().filter(|client| client.is_done).count().hash(&mut trace);
        trace.finish()
    }

    /// The first host makes every tenant, then the others come.
    fn begin(&mut self) -> Result<(), String> {
        self.boot(0)?;
        let first = self.publications.first().cloned().ok_or("a scenario without a playbook")?;
        for tenant in 0..self.tenants.len() {
            self.insist(tenant, &Request::Publish(first.clone()))?;
        }
        (1..self.nodes.len()).try_for_each(|host| self.boot(host))
    }

    fn boot(&mut self, host: usize) -> Result<(), String> {
        match self.nodes.get_mut(host) {
            Some(node) => node.boot().map_err(|why| format!("{why:#}")),
            None => Ok(()),
        }
    }

    fn perform(&mut self, action: &FleetAction) -> Result<(), String> {
        let mut ms = 50;
        match action {
            FleetAction::Events((host, tenant), causes) => {
                for cause in causes {
                    let place = self.cause(*tenant, cause);
                    self.send(place, *host);
                }
            }
            FleetAction::Act((host, tenant), which, wish) => {
                if let Some(run) = self.run_of(*tenant, *which) {
                    let _number = self.ask((*host, *tenant), Request::Act(run, wanted(*wish)));
                }
            }
            FleetAction::Begin(place, id) => self.start(*place, *id, crowd(*id)),
            FleetAction::Publish((host, tenant), version) => {
                if let Some(publication) = self.publications.get(*version).cloned() {
                    let _number = self.ask((*host, *tenant), Request::Publish(publication));
                }
            }
            FleetAction::Run(length_ms) => ms = *length_ms,
            FleetAction::Pass(ms) => self.pass(*ms),
            FleetAction::Fleet(host, fault) => {
                if let Some(node) = self.nodes.get(*host) {
                    node.parts.line.plan(*fault);
                }
            }
            FleetAction::Wire(host, is_cut) => {
                if let Some(node) = self.nodes.get(*host) {
                    node.parts.line.cut(*is_cut);
                }
            }
            FleetAction::Host(action) => self.disturb(action)?,
        }
        drop(self.run(ms));
        self.repeat(2);
        Ok(())
    }

    fn disturb(&mut self, action: &Action) -> Result<(), String> {
        match action {
            Action::Boot(host) => return self.boot(*host),
            Action::Kill(host) => self.kill(*host),
            Action::Stop(host) => {
                let number = self.ask((*host, 0), Request::Stop(*host));
                self.nodes[*host].is_stopping |= number.is_some();
            }
            Action::Jump(host, ms) => self.jump(*host, *ms),
            Action::Freeze(host) | Action::Thaw(host) => {
                if let Some(node) = self.nodes.get_mut(*host) {
                    node.is_frozen = matches!(action, Action::Freeze(_));
                }
            }
            Action::Cut(host) | Action::Mend(host) => {
                if let Some(node) = self.nodes.get(*host) {
                    let is_cut = matches!(action, Action::Cut(_));
                    node.parts.link.cut(is_cut);
                    node.parts.line.cut(is_cut);
                }
            }
            Action::Commit(host, fault) => self.nodes[*host].parts.link.plan_commit(*fault),
            Action::Open(host, fault) => self.nodes[*host].parts.link.plan_open(*fault),
            Action::Channel(host, fault) => {
                self.nodes[*host].parts.channels.iter().for_each(|(_, channel)| channel.plan(*fault));
            }
            Action::Release(host) => self.release(*host),
            _ => {}
        }
        Ok(())
    }

    fn release(&self, host: usize) {
        let parts = &self.nodes[host].parts;
        parts.link.release();
        parts.channels.iter().for_each(|(_, channel)| channel.release());
    }

    /// One of the runs that a tenant has.
    fn run_of(&self, tenant: usize, which: u32) -> Option<RunId> {
        let durable = self.durable(tenant);
        let count = durable.runs.len();
        (count > 0).then(|| durable.runs.keys().nth(which as usize % count).copied()).flatten()
    }

    /// Asks until it is done, whoever has the tenant.
    fn insist(&mut self, tenant: usize, request: &Request) -> Result<Reply, String> {
        let mut last: Option<HostError> = None;
        for attempt in 0..TRIES {
            let host = attempt as usize % self.nodes.len();
            let Some(number) = self.ask((host, tenant), request.clone()) else {
                drop(self.run(STEP_MS));
                continue;
            };
            for _ in 0..TRIES {
                match self.run(STEP_MS).into_iter().find(|(own, _)| *own == number) {
                    Some((_, Ok(reply))) => return Ok(reply),
                    Some((_, Err(fault))) => {
                        last = Some(fault);
                        break;
                    }
                    None => (0..self.nodes.len()).for_each(|host| self.release(host)),
                }
            }
        }
        Err(format!("tenant {tenant} never did what was asked of it: {last:?}"))
    }

    /// Nothing goes wrong any more, every host runs, and everybody gets an answer in time.
    fn heal(&mut self) -> Result<(), String> {
        for host in 0..self.nodes.len() {
            self.nodes[host].heal();
            let skew = self.nodes[host].skew_ms;
            self.jump(host, -skew);
        }
        // No clock is behind what was committed.
        let latest = self.durables.iter().map(|durable| durable.lock().caught_up()).max();
        let behind_ms = latest.map_or(0, |latest| latest.since(self.now).as_millis());
        self.pass(i64::try_from(behind_ms).unwrap_or(0));
        self.slice_ms = HEALED_SLICE_MS;
        let mut left_ms = HEALED_MS;
        while left_ms > 0 && (left_ms == HEALED_MS || !self.is_whole()) {
            left_ms = left_ms.saturating_sub(STEP_MS);
            // A host that had given up, or stopped, is started again.
            for host in 0..self.nodes.len() {
                if self.nodes[host].host().is_none() && left_ms.is_multiple_of(4_000) {
                    self.kill(host);
                }
                self.boot(host)?;
            }
            self.repeat(usize::MAX);
            drop(self.run(STEP_MS));
        }
        self.check()?;
        self.everybody_has_an_answer()?;
        self.everybody_has_a_host()
    }

    fn is_whole(&self) -> bool {
        let is_stopping = self.nodes.iter().any(|node| node.is_stopping);
        !is_stopping && self.everybody_has_an_answer().is_ok() && self.everybody_has_a_host().is_ok()
    }

    fn everybody_has_an_answer(&self) -> Result<(), String> {
        if let Some((place, client)) = self.clients.iter().find(|(_, client)| !client.is_done) {
            let why =
                client.refused.as_ref().map_or_else(|| "nobody answered".to_owned(), ToString::to_string);
            return Err(format!("event e{} of tenant {} was never acknowledged: {why}", place.1, place.0));
        }
        for (tenant, id) in self.clients.keys() {
            let durable = self.durable(*tenant);
            let places = durable.places.get(&("shop".to_owned(), format!("e{id}")));
            if places.is_none_or(|places| places.len() != 1) {
                return Err(format!("event e{id} of tenant {tenant} was promised and is at {places:?}"));
            }
        }
        for (id, starter) in &self.starters {
            let durable = self.durable(starter.tenant);
            let began = durable.events.values().filter(|event| {
                event.source == "manual:simulation" && event.data.contains(&marker(*id).to_string())
            });
            let times = began.count();
            if times > 1 || (starter.is_promised && times == 0) {
                return Err(format!("start {id} (promised: {}) was done {times} times", starter.is_promised));
            }
        }
        match self.fleets.unanswered() {
            0 => Ok(()),
            left => Err(format!("{left} letters were never answered")),
        }
    }

    /// Each tenant has one host, and each host about as many as every other.
    fn everybody_has_a_host(&self) -> Result<(), String> {
        let holders = self.fleets.holders();
        if let Some((tenant, _)) = holders.iter().find(|(_, holder)| holder.is_none()) {
            return Err(format!("nobody has tenant {tenant}"));
        }
        let loads: Vec<usize> = self
            .nodes
            .iter()
            .map(|node| holders.iter().filter(|(_, holder)| *holder == node.me()).count())
            .collect();
        if loads.iter().max().zip(loads.iter().min()).is_some_and(|(most, least)| most - least > 2) {
            return Err(format!("hosts have {loads:?} tenants each"));
        }
        for (number, node) in self.nodes.iter().enumerate() {
            let Some(host) = node.host() else { return Err(format!("host {number} never joined")) };
            let own: Vec<_> = holders.iter().filter(|(_, holder)| *holder == node.me()).collect();
            let knows = host.tenants();
            if own.iter().map(|(name, _)| name).ne(knows.iter()) {
                return Err(format!("host {number} has {own:?}, and thinks that it has {knows:?}"));
            }
        }
        Ok(())
    }

    /// All hosts but one end, in order or by death; that one has every tenant then, and time goes on until nothing is left
    /// to do.
    fn settle_down(&mut self, is_in_order: bool) -> Result<(), String> {
        for host in 1..self.nodes.len() {
            if is_in_order {
                let _number = self.ask((host, 0), Request::Stop(host));
                drop(self.run(3_000));
            } else {
                self.kill(host);
            }
        }
        drop(self.run(2 * LEASE_MS));
        for tenant in 0..self.tenants.len() {
            self.wake_halted(tenant)?;
            self.insist(tenant, &Request::Settle)?;
        }
        self.check()?;
        let end = self.now.as_millis() + REST_MS;
        for _ in 0..4_000 {
            let mut next: Option<UtcMs> = None;
            for tenant in 0..self.tenants.len() {
                let Reply::Settled(due_at) = self.insist(tenant, &Request::Settle)? else {
                    return Err("settling gave another answer".to_owned());
                };
                next = next.into_iter().chain(due_at).min();
            }
            match next {
                Some(next) if next.as_millis() <= end => {
                    self.pass((next.as_millis() - self.now.as_millis()).max(0));
                }
                _ => return self.check(),
            }
        }
        Err("things fall due for ever".to_owned())
    }

    fn wake_halted(&mut self, tenant: usize) -> Result<(), String> {
        loop {
            let paused = {
                let durable = self.durable(tenant);
                durable.runs.values().find(|run| run.status.phase() == RunPhase::Paused).map(|run| run.id)
            };
            let Some(run) = paused else { return Ok(()) };
            self.insist(tenant, &Request::Act(run, RunAction::Resume))?;
        }
    }

    /// What holds at the end, and what a host that opens the tenants anew finds.
    fn finish(&mut self, trace: Vec<u64>) -> Result<Played, String> {
        for host in 0..self.nodes.len() {
            self.kill(host);
        }
        let mut end = DefaultHasher::new();
        let mut played = Played { trace, left: Vec::new(), events: 0, runs: 0, commits: 0, transfers: 0 };
        for (tenant, durable) in self.tenants.iter().zip(&self.durables) {
            let durable = durable.lock();
            durable.check_rest().map_err(|why| format!("tenant {tenant}: {why}"))?;
            durable.hash().hash(&mut end);
            played.left.extend(durable.dump());
            played.events += durable.events.len();
            played.runs += durable.runs.len();
            played.commits += durable.commits;
            played.transfers += durable.transfers;
            reload::compare_with(&self.backing, tenant, &durable)
                .map_err(|why| format!("tenant {tenant}: {why}"))?;
        }
        played.trace.push(end.finish());
        Ok(played)
    }
}

fn wanted(wish: Wish) -> RunAction {
    match wish {
        Wish::Pause => RunAction::Pause,
        Wish::Resume => RunAction::Resume,
        Wish::Cancel => RunAction::Cancel { reason: "simulated".to_owned() },
        Wish::Retry => RunAction::Retry,
    }
}

/// What no other start says.
fn marker(id: u32) -> i64 {
    700_000 + i64::from(id)
}

/// A start without an id: asked for twice, it would be two.
fn crowd(id: u32) -> ManualStart {
    ManualStart {
        playbook: "sim".parse().expect("`sim` follows the rule of playbooks' names"),
        workflow: "crowd".parse().expect("`crowd` follows the rule of workflows' names"),
        customer: None,
        data: Value::map([("n", Value::Int(marker(id))), ("items", Value::List([Value::Int(2)].into()))]),
        id: None,
        by: "simulation".to_owned(),
    }
}
