//! Playing a scenario: its actions one after another, then nothing goes wrong any more and time goes on to the end.

use std::hash::{DefaultHasher, Hash, Hasher};

use siyu_engine::operate::{ManualStart, Publication, RunAction};
use siyu_engine::tenant::Unavailable;
use siyu_model::clock::UtcMs;
use siyu_model::id::RunId;
use siyu_model::json::Value;
use siyu_model::run::RunPhase;

use crate::host::Host;
use crate::reload;
use crate::scenario::{Action, Scenario, Time, Wish};
use crate::world::{Reply, Request, World};

/// How often something is asked before it counts as never done.
const TRIES: u32 = 400;
/// How far time goes on at the end, milliseconds: longer than any wait, lease, message or tag of a simulation.
pub const REST_MS: i64 = 40 * 86_400_000;

/// How a scenario went.
#[derive(Debug, Clone)]
pub struct Played {
    /// A number for what there was after each action, and one for the end: the same for the same scenario.
    pub trace: Vec<u64>,
    /// Everything that is durable at the end, a line a row.
    pub left: Vec<String>,
    /// Events in the log.
    pub events: usize,
    /// Runs.
    pub runs: usize,
    /// Commits.
    pub commits: u64,
    /// Transfers between accounts.
    pub transfers: u64,
}

/// What did not hold, and after which action; none at the end.
#[derive(Debug, Clone)]
pub struct Failure {
    /// After which action, from 0.
    pub after: Option<usize>,
    /// What.
    pub what: String,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.after {
            Some(place) => write!(f, "after action {place}: {}", self.what),
            None => write!(f, "at the end: {}", self.what),
        }
    }
}

/// Plays a scenario whose versions were compiled already; in virtual time also without its faults, and compares.
pub fn play(scenario: &Scenario, publications: &[Publication]) -> Result<Played, Failure> {
    let played = play_once(scenario, publications)?;
    if scenario.time == Time::Virtual {
        let calm = play_once(&scenario.calm(), publications)?;
        if let Some(what) = difference(&played.left, &calm.left) {
            let what = format!("faults changed the end: with them {what}");
            return Err(Failure { after: None, what });
        }
    }
    Ok(played)
}

/// The first lines that two ends do not share.
pub(crate) fn difference(left: &[String], other: &[String]) -> Option<String> {
    let place = (0..left.len().max(other.len())).find(|place| left.get(*place) != other.get(*place))?;
    let line = |lines: &[String]| lines.get(place).cloned().unwrap_or_else(|| "nothing".to_owned());
    Some(format!("it has\n  {}\nand in the other play\n  {}", line(left), line(other)))
}

/// The same, once and with nothing to compare.
pub(crate) fn play_once(scenario: &Scenario, publications: &[Publication]) -> Result<Played, Failure> {
    let made = World::new(scenario, publications.to_vec());
    play_in(&mut made.map_err(|why| Failure { after: None, what: format!("{why:#}") })?, scenario)
}

/// Plays a scenario in a world in which nothing has happened, once.
pub fn play_in(world: &mut World, scenario: &Scenario) -> Result<Played, Failure> {
    let failed = |what: String| Failure { after: None, what };
    let mut trace = Vec::with_capacity(scenario.actions.len() + 1);
    world.begin().map_err(failed)?;
    for (place, action) in scenario.actions.iter().enumerate() {
        let failed = |what: String| Failure { after: Some(place), what };
        world.perform(action).map_err(failed)?;
        world.check().map_err(failed)?;
        trace.push(world.trace());
    }
    world.rest().map_err(failed)?;
    world.check().map_err(failed)?;
    let durable = world.durable.lock();
    durable.check_rest().map_err(failed)?;
    trace.push(durable.hash());
    let (left, events, runs) = (durable.dump(), durable.events.len(), durable.runs.len());
    let (commits, transfers) = (durable.commits, durable.transfers);
    drop(durable);
    reload::check(world).map_err(failed)?;
    Ok(Played { trace, left, events, runs, commits, transfers })
}

impl World {
    fn check(&self) -> Result<(), String> {
        self.durable.lock().check()
    }

    fn trace(&self) -> u64 {
        let mut trace = DefaultHasher::new();
        let durable = self.durable.lock();
        let done = self.clients.values().filter(|client| client.is_done).count();
        (durable.commits, durable.events.len(), durable.runs.len(), durable.messages.len(), done)
            .hash(&mut trace);
        (durable.timers.len(), durable.waits.len(), durable.at.as_millis()).hash(&mut trace);
        trace.finish()
    }

    /// The first host opens the tenant, and the first version is published.
    fn begin(&mut self) -> Result<(), String> {
        self.boot(0)?;
        let first = self.publications.first().cloned().ok_or("a scenario without a playbook")?;
        self.insist(Request::Publish(first)).map(drop)
    }

    fn boot(&mut self, host: usize) -> Result<(), String> {
        let tenant = self.hosts.get(host).and_then(Host::tenant);
        if tenant.is_some_and(|tenant| tenant.is_over()) {
            self.kill(host);
        }
        match self.hosts.get_mut(host) {
            Some(host) => host.boot().map_err(|why| format!("{why:#}")),
            None => Ok(()),
        }
    }

    fn perform(&mut self, action: &Action) -> Result<(), String> {
        match action {
            Action::Events(..) | Action::Act(..) | Action::Publish(..) | Action::Begin(..) => {
                self.request(action)?;
            }
            Action::Pass(ms) => {
                self.pass(*ms);
                if self.time == Time::Virtual {
                    self.insist(Request::Settle)?;
                }
            }
            Action::Jump(host, ms) => self.jump(*host, *ms),
            Action::Boot(host) => self.boot(*host)?,
            Action::Kill(host) => self.kill(*host),
            _ => self.disturb(action),
        }
        drop(self.turn());
        if self.time == Time::Real {
            self.repeat(2);
        }
        Ok(())
    }

    /// What needs the host only.
    fn disturb(&mut self, action: &Action) {
        let number = match action {
            Action::Stop(host) | Action::Freeze(host) | Action::Thaw(host) | Action::Cut(host) => *host,
            Action::Mend(host) | Action::Read(host) | Action::Release(host) => *host,
            Action::Commit(host, _) | Action::Open(host, _) | Action::Channel(host, _) => *host,
            _ => return,
        };
        let Some(host) = self.hosts.get_mut(number) else { return };
        match action {
            Action::Stop(_) => host.stop(),
            Action::Freeze(_) => host.is_frozen = true,
            Action::Thaw(_) => host.is_frozen = false,
            Action::Cut(_) => host.parts.link.cut(true),
            Action::Mend(_) => host.parts.link.cut(false),
            Action::Read(_) => host.parts.link.plan_read(),
            Action::Commit(_, fault) => host.parts.link.plan_commit(*fault),
            Action::Open(_, fault) => host.parts.link.plan_open(*fault),
            Action::Channel(_, fault) => host.parts.channel.plan(*fault),
            _ => {
                host.parts.link.release();
                host.parts.channel.release();
            }
        }
    }

    /// What customers and people want.
    fn request(&mut self, action: &Action) -> Result<(), String> {
        let (host, request) = match action {
            Action::Events(host, causes) => {
                for cause in causes {
                    let id = self.cause(cause);
                    if self.time == Time::Virtual {
                        let event = self.clients[&id].event.clone();
                        self.insist(Request::Event(event))?;
                    } else {
                        self.send(id, *host);
                    }
                }
                return Ok(());
            }
            Action::Act(host, which, wish) => {
                if self.time == Time::Virtual {
                    self.insist(Request::Settle)?;
                }
                let Some(run) = self.run_of(*which) else { return Ok(()) };
                let action = match wish {
                    Wish::Pause => RunAction::Pause,
                    Wish::Resume => RunAction::Resume,
                    Wish::Cancel => RunAction::Cancel { reason: "simulated".to_owned() },
                    Wish::Retry => RunAction::Retry,
                };
                (*host, Request::Act(run, action))
            }
            Action::Publish(host, version) => match self.publications.get(*version) {
                Some(publication) => (*host, Request::Publish(publication.clone())),
                None => return Ok(()),
            },
            Action::Begin(host, id) => (*host, Request::Begin(crowd(*id))),
            _ => return Ok(()),
        };
        if self.time == Time::Virtual {
            return self.insist(request).map(drop);
        }
        let _number = self.ask(host, request);
        Ok(())
    }

    /// One of the runs there are.
    fn run_of(&self, which: u32) -> Option<RunId> {
        let durable = self.durable.lock();
        let count = durable.runs.len();
        (count > 0).then(|| durable.runs.keys().nth(which as usize % count).copied()).flatten()
    }

    /// Asks the first host until it is done, whatever has to be mended for that.
    fn insist(&mut self, request: Request) -> Result<Reply, String> {
        for attempt in 0..TRIES {
            let Some(number) = self.ask(0, request.clone()) else {
                self.boot(0)?;
                drop(self.turn());
                continue;
            };
            for turn in 0..4 {
                if turn > 0 {
                    self.hosts[0].parts.link.release();
                    self.hosts[0].parts.channel.release();
                }
                match self.turn().remove(&number) {
                    Some(Ok(reply)) => return Ok(reply),
                    Some(Err(Unavailable::Stopped)) => {
                        self.kill(0);
                        break;
                    }
                    Some(Err(_)) => break,
                    None => {}
                }
            }
            if attempt > TRIES / 2 {
                self.hosts[0].parts.link.heal();
            }
        }
        Err("the tenant never did what was asked of it, although everything was mended".to_owned())
    }

    /// Nothing goes wrong any more: every host is well, then all but one end, everybody gets an answer, and time goes on
    /// until nothing is left to do.
    fn rest(&mut self) -> Result<(), String> {
        for host in 0..self.hosts.len() {
            self.hosts[host].is_frozen = false;
            self.hosts[host].parts.link.heal();
            self.hosts[host].parts.channel.heal();
            let skew = self.hosts[host].skew_ms;
            self.jump(host, -skew);
        }
        drop(self.turn());
        self.check()?;
        for host in usize::from(!self.ends_by_death)..self.hosts.len() {
            self.kill(host);
        }
        // No lease of a host that died holds any longer, and no clock is behind what was committed.
        let behind = self.durable.lock().caught_up().since(self.now).as_millis();
        let ms = if self.time == Time::Virtual { 0 } else { i64::try_from(behind).unwrap_or(0) + 11_000 };
        self.pass(ms);
        self.boot(0)?;
        self.insist(Request::Settle)?;
        for _ in 0..TRIES {
            // It may have learnt only now that it had lost its lease.
            self.boot(0)?;
            self.repeat(self.hosts[0].parts.settings.inbox_max.max(1));
            drop(self.turn());
            if self.clients.values().all(|client| client.is_done) || self.time == Time::Virtual {
                break;
            }
        }
        let left = self.clients.iter().find(|(_, client)| !client.is_done);
        if let (Time::Real, Some((id, client))) = (self.time, left) {
            let why =
                client.refused.as_ref().map_or_else(|| "nobody answered".to_owned(), ToString::to_string);
            return Err(format!("event e{id} was never acknowledged: {why}"));
        }
        self.wake_halted()?;
        self.sleep()
    }

    fn wake_halted(&mut self) -> Result<(), String> {
        loop {
            let paused = {
                let durable = self.durable.lock();
                durable.runs.values().find(|run| run.status.phase() == RunPhase::Paused).map(|run| run.id)
            };
            let Some(run) = paused else { return Ok(()) };
            self.insist(Request::Act(run, RunAction::Resume))?;
            self.check()?;
        }
    }

    /// Time goes from one due instant to the next.
    fn sleep(&mut self) -> Result<(), String> {
        let end = self.now.as_millis() + REST_MS;
        for _ in 0..4_000 {
            let Reply::Settled(next) = self.insist(Request::Settle)? else {
                return Err("settling gave another answer".to_owned());
            };
            self.check()?;
            match next {
                Some(next) if next.as_millis() <= end => self.pass(ahead(self.now, next)),
                _ => return Ok(()),
            }
        }
        Err("things fall due for ever".to_owned())
    }
}

/// How far an instant lies ahead, milliseconds.
fn ahead(now: UtcMs, next: UtcMs) -> i64 {
    (next.as_millis() - now.as_millis()).max(0)
}

fn crowd(id: u32) -> ManualStart {
    ManualStart {
        playbook: "sim".parse().expect("`sim` follows the rule of playbooks' names"),
        workflow: "crowd".parse().expect("`crowd` follows the rule of workflows' names"),
        customer: None,
        data: Value::map([("n", Value::Int(1)), ("items", Value::List([Value::Int(2)].into()))]),
        id: Some(format!("b{id}")),
        by: "simulation".to_owned(),
    }
}
