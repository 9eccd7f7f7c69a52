//! What happens to a fleet, drawn from a seed before anything runs.

use fastrand::Rng;

use super::line::FleetFault;
use crate::channel::ChannelFault;
use crate::grammar::{Language, Sketch};
use crate::scenario::{Action, Cause, Wish, draw_cause, draw_channel_fault, draw_commit_fault};
use crate::store::OpenFault;

/// Something that happens. Hosts and tenants are numbered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FleetAction {
    /// Events for a tenant are handed in at a host.
    Events((usize, usize), Vec<Cause>),
    /// Somebody at a host does something to one of the runs of a tenant.
    Act((usize, usize), u32, Wish),
    /// The workflow for a crowd is started by hand at a host, once: whoever asks does not ask again.
    Begin((usize, usize), u32),
    /// A version is published at a host.
    Publish((usize, usize), usize),
    /// The fleet goes on for so many milliseconds.
    Run(u64),
    /// The clocks of all go forward by so many milliseconds, and not the database's.
    Pass(i64),
    /// The next question of a host to the fleet goes wrong.
    Fleet(usize, FleetFault),
    /// A host is cut off from the fleet, and not from its tenants' stores; or that is mended.
    Wire(usize, bool),
    /// What happens to hosts without a fleet too.
    Host(Action),
}

/// A fleet and what happens to it.
#[derive(Debug, Clone)]
pub struct FleetScenario {
    /// What it was drawn from.
    pub seed: u64,
    /// Hosts.
    pub hosts: usize,
    /// Tenants.
    pub tenants: usize,
    /// How long one way to a database takes at most, milliseconds.
    pub way_ms_max: u64,
    /// How long hosts go on before it is another one's turn, milliseconds.
    pub slice_ms: u64,
    /// How many of a hundred news get lost.
    pub lost_percent: u8,
    /// How long a tenant in which nothing happens stays awake, milliseconds.
    pub idle_ms: u64,
    /// How many tenants of a host may be awake while nothing happens in them.
    pub awake_max: usize,
    /// How long whoever asks another host waits, milliseconds.
    pub patience_ms: u64,
    /// Commands that wait at most.
    pub inbox_max: usize,
    /// Commands of one batch.
    pub batch_max: usize,
    /// How many calls of a hundred fail.
    pub plugin_faults_percent: u64,
    /// Versions of the playbook; every tenant begins with the first.
    pub versions: Vec<Sketch>,
    /// What happens.
    pub actions: Vec<FleetAction>,
}

impl FleetScenario {
    /// The scenario of a seed.
    pub fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed ^ 0xf1ee7);
        let (hosts, tenants) = (rng.usize(2..4), rng.usize(1..5));
        let mut scenario = Self {
            seed,
            hosts,
            tenants,
            way_ms_max: [1, 10, 60, 400][rng.usize(..4)],
            slice_ms: [10, 30, 120][rng.usize(..3)],
            lost_percent: [0, 0, 20, 100][rng.usize(..4)],
            idle_ms: [1_500, 600_000][rng.usize(..2)],
            awake_max: [1, 1_000][rng.usize(..2)],
            patience_ms: [300, 15_000][rng.usize(..2)],
            inbox_max: [2, 64][rng.usize(..2)],
            batch_max: [1, 5, 256][rng.usize(..3)],
            plugin_faults_percent: [0, 3, 15][rng.usize(..3)],
            versions: (0..2).map(|version| Sketch::new(seed, version, Language::Full)).collect(),
            actions: Vec::new(),
        };
        let mut drawer = Drawer { rng, hosts, tenants, next: 0 };
        let length = drawer.rng.usize(20..70);
        scenario.actions = (0..length).flat_map(|_| drawer.draw()).collect();
        scenario
    }

    /// Whether hosts end in order at the end of the play, and not by death.
    pub(super) fn ends_in_order(&self) -> bool {
        self.seed.is_multiple_of(2)
    }
}

/// Draws what happens.
struct Drawer {
    rng: Rng,
    hosts: usize,
    tenants: usize,
    /// The id of the next event.
    next: u32,
}

impl Drawer {
    fn host(&mut self) -> usize {
        self.rng.usize(..self.hosts)
    }

    /// A host and a tenant.
    fn place(&mut self) -> (usize, usize) {
        (self.host(), self.rng.usize(..self.tenants))
    }

    fn causes(&mut self, most: usize) -> FleetAction {
        let place = self.place();
        let count = self.rng.usize(1..=most);
        FleetAction::Events(place, (0..count).map(|_| draw_cause(&mut self.rng, &mut self.next)).collect())
    }

    fn run(&mut self) -> FleetAction {
        let most = [100, 1_000, 3_000, 12_000][self.rng.usize(..4)];
        FleetAction::Run(self.rng.u64(1..=most))
    }

    fn draw(&mut self) -> Vec<FleetAction> {
        let (host, place) = (self.host(), self.place());
        let action = match self.rng.u8(..100) {
            0..26 => self.causes(1),
            26..32 => self.causes(5),
            32 => self.causes(20),
            33..49 => self.run(),
            49..54 => {
                let most = [60_000, 20_000_000][self.rng.usize(..2)];
                FleetAction::Pass(self.rng.i64(1..=most))
            }
            54..60 => self.act(place),
            60..63 => {
                self.next += 1;
                FleetAction::Begin(place, self.next)
            }
            63..65 => FleetAction::Publish(place, self.rng.usize(..2)),
            65..72 => FleetAction::Fleet(host, self.fault()),
            72..77 => FleetAction::Host(Action::Commit(host, draw_commit_fault(&mut self.rng))),
            77 => {
                let fault = if self.rng.bool() { OpenFault::Before } else { OpenFault::After };
                FleetAction::Host(Action::Open(host, fault))
            }
            78..82 => FleetAction::Host(Action::Release(host)),
            82..89 => return self.death(host),
            89..91 => FleetAction::Host(Action::Boot(host)),
            91 => FleetAction::Host(Action::Channel(host, self.channel_fault())),
            92..98 => return self.absence(host),
            _ => {
                let ms = self.rng.i64(-600_000..600_000);
                FleetAction::Host(Action::Jump(host, ms))
            }
        };
        vec![action]
    }

    fn act(&mut self, place: (usize, usize)) -> FleetAction {
        let wishes = [Wish::Pause, Wish::Resume, Wish::Resume, Wish::Cancel, Wish::Retry, Wish::Retry];
        FleetAction::Act(place, self.rng.u32(..1_000), wishes[self.rng.usize(..wishes.len())])
    }

    fn fault(&mut self) -> FleetFault {
        [FleetFault::Before, FleetFault::After, FleetFault::Late][self.rng.usize(..3)]
    }

    fn channel_fault(&mut self) -> ChannelFault {
        draw_channel_fault(&mut self.rng)
    }

    /// A host ends, and mostly another one or the same comes.
    fn death(&mut self, host: usize) -> Vec<FleetAction> {
        let end = if self.rng.u8(..3) == 0 { Action::Stop(host) } else { Action::Kill(host) };
        let mut actions = vec![FleetAction::Host(end)];
        if self.rng.bool() {
            actions.push(self.run());
        }
        if self.rng.u8(..4) > 0 {
            actions.push(FleetAction::Host(Action::Boot(host)));
        }
        actions
    }

    /// A host is away for a while and does not know it.
    fn absence(&mut self, host: usize) -> Vec<FleetAction> {
        let (begin, end) = match self.rng.u8(..3) {
            0 => (FleetAction::Host(Action::Freeze(host)), FleetAction::Host(Action::Thaw(host))),
            1 => (FleetAction::Host(Action::Cut(host)), FleetAction::Host(Action::Mend(host))),
            _ => (FleetAction::Wire(host, true), FleetAction::Wire(host, false)),
        };
        let mut actions = vec![begin];
        for _ in 0..self.rng.usize(1..6) {
            actions.push(if self.rng.bool() { self.causes(2) } else { self.run() });
        }
        actions.push(end);
        actions
    }
}
