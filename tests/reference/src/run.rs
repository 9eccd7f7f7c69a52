//! What a run is: fibers at steps, what they keep, and a journal.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use serde_json::{Map, Value};

/// An event in the log.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) seq: u64,
    pub(crate) kind: String,
    pub(crate) customer: Option<String>,
    pub(crate) data: Map<String, Value>,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum End {
    Completed(String),
    Failed(String),
    Cancelled,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum State {
    Queued,
    Live,
    Undoing(End),
    Ended(End),
}

/// What a fiber does.
#[derive(Debug, Clone)]
pub(crate) enum Doing {
    Ready,
    Waiting { since: i64, until: Option<i64> },
    Sleeping(i64),
    Retrying(i64),
    Joining(Joining),
    Calling(usize),
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Joining {
    pub(crate) alive: usize,
    pub(crate) waiting: VecDeque<Value>,
    pub(crate) results: usize,
    pub(crate) matched: BTreeMap<String, u64>,
}

/// A place at which a run is.
#[derive(Debug, Clone)]
pub(crate) struct Fiber {
    pub(crate) id: u32,
    pub(crate) parent: Option<u32>,
    pub(crate) at: usize,
    pub(crate) doing: Doing,
    pub(crate) attempt: u32,
    pub(crate) deadline: Option<i64>,
    pub(crate) kept: BTreeMap<String, Value>,
    pub(crate) matched: BTreeMap<String, u64>,
    pub(crate) item: Option<(String, Value)>,
}

impl Fiber {
    pub(crate) fn new(id: u32, parent: Option<u32>, at: usize) -> Self {
        let (kept, matched) = (BTreeMap::new(), BTreeMap::new());
        Self { id, parent, at, doing: Doing::Ready, attempt: 0, deadline: None, kept, matched, item: None }
    }

    /// When it goes on by itself.
    pub(crate) fn due(&self) -> Option<i64> {
        let own = match &self.doing {
            Doing::Ready => return None,
            Doing::Waiting { until, .. } => *until,
            Doing::Sleeping(until) | Doing::Retrying(until) => Some(*until),
            _ => None,
        };
        own.into_iter().chain(self.deadline).min()
    }
}

/// A run.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) workflow: usize,
    pub(crate) event: Rc<Event>,
    pub(crate) slot: Option<String>,
    pub(crate) parent: Option<(usize, u32)>,
    pub(crate) started_at: i64,
    pub(crate) state: State,
    pub(crate) fibers: Vec<Fiber>,
    pub(crate) next_fiber: u32,
    pub(crate) kept: BTreeMap<String, Value>,
    pub(crate) vars: Map<String, Value>,
    pub(crate) matched: BTreeMap<String, u64>,
    pub(crate) undo: Vec<(String, Value)>,
    pub(crate) journal: Vec<String>,
}

impl Run {
    pub(crate) fn fiber(&self, id: u32) -> Option<&Fiber> {
        self.fibers.iter().find(|fiber| fiber.id == id)
    }

    pub(crate) fn fiber_mut(&mut self, id: u32) -> Option<&mut Fiber> {
        self.fibers.iter_mut().find(|fiber| fiber.id == id)
    }

    /// A fiber and those around it, innermost first.
    pub(crate) fn around(&self, id: u32) -> impl Iterator<Item = &Fiber> {
        std::iter::successors(self.fiber(id), |fiber| fiber.parent.and_then(|parent| self.fiber(parent)))
    }

    pub(crate) fn spawn(&mut self, parent: u32, at: usize, item: Option<(String, Value)>) {
        let mut fiber = Fiber::new(self.next_fiber, Some(parent), at);
        fiber.item = item;
        self.next_fiber += 1;
        self.fibers.push(fiber);
    }
}
