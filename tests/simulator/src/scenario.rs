//! A scenario: a world's shape and everything that happens in it, drawn from a seed before anything runs. A part of what
//! happens is a scenario too: that is how a failure is made small.

use fastrand::Rng;

use crate::channel::ChannelFault;
use crate::grammar::{Language, Sketch};
use crate::store::{CommitFault, OpenFault, Semantics};

/// How time goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Time {
    /// It passes by itself on several hosts, whose clocks differ and jump.
    Real,
    /// It is made by events, on one host: whatever fails, the end must be the same as without a fault.
    Virtual,
}

/// Where rows are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backing {
    /// In memory.
    Memory,
    /// In a file of SQLite.
    Sqlite,
    /// In a schema of a Postgres database that is made for it.
    Postgres,
}

/// An event that a customer causes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// Its id; the same again is the same event.
    pub id: u32,
    /// Its type.
    pub event_type: &'static str,
    /// Whose; none for nobody's.
    pub customer: Option<u8>,
    /// A number.
    pub n: i64,
    /// Numbers.
    pub items: Vec<i64>,
}

/// What people do to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Halt it.
    Pause,
    /// Let it go on.
    Resume,
    /// End it.
    Cancel,
    /// Begin again where it failed.
    Retry,
}

/// Something that happens. Hosts are numbered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Events are handed in at once.
    Events(usize, Vec<Cause>),
    /// Somebody does something to one of the runs there are.
    Act(usize, u32, Wish),
    /// A version is published.
    Publish(usize, usize),
    /// The workflow for a crowd is started by hand.
    Begin(usize, u32),
    /// Time passes, milliseconds.
    Pass(i64),
    /// The clock of a host jumps, milliseconds.
    Jump(usize, i64),
    /// A host opens the tenant.
    Boot(usize),
    /// A host ends in order.
    Stop(usize),
    /// A host dies.
    Kill(usize),
    /// A host stands still as a whole.
    Freeze(usize),
    /// It goes on.
    Thaw(usize),
    /// A host is cut off from its store.
    Cut(usize),
    /// It is not any more.
    Mend(usize),
    /// The next commit of a host goes wrong.
    Commit(usize, CommitFault),
    /// The next opening of a host goes wrong.
    Open(usize, OpenFault),
    /// The next read of a host fails.
    Read(usize),
    /// What stands still in the store or the channel of a host goes on.
    Release(usize),
    /// The next message of a host goes wrong.
    Channel(usize, ChannelFault),
}

impl Action {
    /// Whether it is a fault, or the end of one: without all of them the world is calm.
    pub fn is_fault(&self) -> bool {
        !matches!(
            self,
            Self::Events(..) | Self::Act(..) | Self::Publish(..) | Self::Begin(..) | Self::Pass(_)
        )
    }
}

/// A world and what happens in it.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// What it was drawn from.
    pub seed: u64,
    /// How time goes.
    pub time: Time,
    /// How a store keeps hosts apart.
    pub semantics: Semantics,
    /// Where rows are kept.
    pub backing: Backing,
    /// Hosts.
    pub hosts: usize,
    /// Commands that wait at most.
    pub inbox_max: usize,
    /// Commands of one batch.
    pub batch_max: usize,
    /// Rows of each kind in memory.
    pub cached_max: usize,
    /// Timers in memory.
    pub timer_window_max: usize,
    /// How many calls of a hundred fail.
    pub plugin_faults_percent: u64,
    /// How many messages of a hundred never go.
    pub refused_percent: u64,
    /// Versions of the playbook; the first is published before anything happens.
    pub versions: Vec<Sketch>,
    /// What happens.
    pub actions: Vec<Action>,
}

impl Scenario {
    /// The scenario of a seed.
    pub fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let time = if rng.u8(..3) == 0 { Time::Virtual } else { Time::Real };
        let hosts = if time == Time::Virtual { 1 } else { rng.usize(1..4) };
        let sizes = [0, 1, 3, 1_000];
        let mut scenario = Self {
            seed,
            time,
            semantics: if rng.bool() { Semantics::Embedded } else { Semantics::Server },
            backing: match seed % 200 {
                13 => Backing::Postgres,
                place if place % 40 == 7 => Backing::Sqlite,
                _ => Backing::Memory,
            },
            hosts,
            inbox_max: [2, 8, 64][rng.usize(..3)],
            batch_max: [1, 2, 5, 256][rng.usize(..4)],
            cached_max: sizes[rng.usize(..4)],
            timer_window_max: sizes[rng.usize(1..4)],
            plugin_faults_percent: [0, 3, 15][rng.usize(..3)],
            refused_percent: [0, 0, 30][rng.usize(..3)],
            versions: (0..2).map(|version| Sketch::new(seed, version, Language::Full)).collect(),
            actions: Vec::new(),
        };
        let mut drawer = Drawer { rng, time, hosts, next: 0 };
        let length = drawer.rng.usize(20..90);
        scenario.actions = (0..length).flat_map(|_| drawer.draw()).collect();
        scenario
    }

    /// A calm world in virtual time with a plain playbook and a stream of events: what another interpreter can follow.
    pub fn plain(seed: u64, backing: Backing) -> Self {
        let mut drawer =
            Drawer { rng: Rng::with_seed(seed ^ 0x9e37), time: Time::Virtual, hosts: 1, next: 0 };
        let length = drawer.rng.usize(5..40);
        let actions = (0..length).flat_map(|_| [Action::Pass(drawer.length()), drawer.causes(1)]).collect();
        Self {
            seed,
            time: Time::Virtual,
            semantics: Semantics::Embedded,
            backing,
            hosts: 1,
            inbox_max: 64,
            batch_max: 256,
            cached_max: 1_000,
            timer_window_max: 1_000,
            plugin_faults_percent: 0,
            refused_percent: 0,
            versions: vec![Sketch::new(seed, 0, Language::Plain)],
            actions,
        }
    }

    /// The same without faults.
    pub fn calm(&self) -> Self {
        let actions = self.actions.iter().filter(|action| !action.is_fault()).cloned().collect();
        Self { actions, ..self.clone() }
    }
}

/// Draws what happens.
struct Drawer {
    rng: Rng,
    time: Time,
    hosts: usize,
    /// The id of the next event.
    next: u32,
}

impl Drawer {
    fn host(&mut self) -> usize {
        self.rng.usize(..self.hosts)
    }

    fn cause(&mut self) -> Cause {
        draw_cause(&mut self.rng, &mut self.next)
    }

    fn causes(&mut self, most: usize) -> Action {
        let host = self.host();
        let count = self.rng.usize(1..=most);
        Action::Events(host, (0..count).map(|_| self.cause()).collect())
    }

    fn length(&mut self) -> i64 {
        let most = [1_000, 60_000, 3_600_000, 20_000_000][self.rng.usize(..4)];
        self.rng.i64(1..=most)
    }

    fn draw(&mut self) -> Vec<Action> {
        let host = self.host();
        let action = match self.rng.u8(..100) {
            0..32 => self.causes(1),
            32..38 => self.causes(5),
            38 => self.causes(20),
            39..58 => Action::Pass(self.length()),
            58..64 => self.act(host),
            64 => Action::Publish(host, self.rng.usize(..2)),
            65 => {
                self.next += 1;
                Action::Begin(host, self.next)
            }
            66..74 => self.commit(host),
            74..76 => Action::Read(host),
            76 => Action::Open(host, if self.rng.bool() { OpenFault::Before } else { OpenFault::After }),
            77..82 => Action::Release(host),
            82..86 => return self.death(host),
            86..100 if self.time == Time::Virtual => self.causes(1),
            86..90 => self.channel(host),
            90..92 => Action::Boot(host),
            92..94 => return self.absence(host),
            94..96 => self.jump(host),
            _ => self.causes(2),
        };
        vec![action]
    }

    fn act(&mut self, host: usize) -> Action {
        let wishes = [Wish::Pause, Wish::Resume, Wish::Resume, Wish::Cancel, Wish::Retry];
        // A retry that got no answer cannot be asked for again without doing it twice.
        let most = if self.time == Time::Virtual { 4 } else { 5 };
        let wish = wishes[self.rng.usize(..most)];
        Action::Act(host, self.rng.u32(..1_000), wish)
    }

    fn commit(&mut self, host: usize) -> Action {
        Action::Commit(host, draw_commit_fault(&mut self.rng))
    }

    fn channel(&mut self, host: usize) -> Action {
        Action::Channel(host, draw_channel_fault(&mut self.rng))
    }

    fn jump(&mut self, host: usize) -> Action {
        let length = self.length();
        Action::Jump(host, if self.rng.bool() { length } else { -length })
    }

    /// A host ends, and mostly another one or the same comes.
    fn death(&mut self, host: usize) -> Vec<Action> {
        let end = if self.rng.u8(..3) == 0 { Action::Stop(host) } else { Action::Kill(host) };
        let mut actions = vec![end];
        if self.rng.u8(..4) > 0 {
            actions.push(Action::Boot(self.host()));
        }
        actions
    }

    /// A host is away for a while and does not know it.
    fn absence(&mut self, host: usize) -> Vec<Action> {
        let (begin, end) = if self.rng.bool() {
            (Action::Freeze(host), Action::Thaw(host))
        } else {
            (Action::Cut(host), Action::Mend(host))
        };
        let mut actions = vec![begin];
        for _ in 0..self.rng.usize(1..6) {
            actions.push(if self.rng.bool() { self.causes(2) } else { Action::Pass(self.length()) });
        }
        actions.insert(2, Action::Boot((host + 1) % self.hosts));
        actions.push(end);
        actions
    }
}

/// An event; now and then one comes again. `next` is the id of the next new one.
pub(crate) fn draw_cause(rng: &mut Rng, next: &mut u32) -> Cause {
    let id = if *next > 0 && rng.u8(..12) == 0 { rng.u32(..*next) } else { *next };
    *next += u32::from(id == *next);
    // All that it says follows from its id.
    let mut rng = Rng::with_seed(u64::from(id) + 1);
    let event_type = ["go", "go", "go", "hop", "paid", "paid"][rng.usize(..6)];
    let customer = (rng.u8(..40) > 0).then(|| rng.u8(..4));
    let items = (0..rng.usize(..4)).map(|_| rng.i64(0..6)).collect();
    Cause { id, event_type, customer, n: rng.i64(0..8), items }
}

/// How a commit goes wrong.
pub(crate) fn draw_commit_fault(rng: &mut Rng) -> CommitFault {
    let faults = [CommitFault::Before, CommitFault::After, CommitFault::StallBefore, CommitFault::StallAfter];
    faults[rng.usize(..faults.len())]
}

/// What a channel does wrong.
pub(crate) fn draw_channel_fault(rng: &mut Rng) -> ChannelFault {
    let faults = [
        ChannelFault::Refuse,
        ChannelFault::Later,
        ChannelFault::Silence,
        ChannelFault::Twice,
        ChannelFault::Odd,
        ChannelFault::Stranger,
        ChannelFault::Break,
        ChannelFault::Stall,
    ];
    faults[rng.usize(..faults.len())]
}
