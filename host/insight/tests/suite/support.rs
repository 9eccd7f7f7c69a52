//! Small tenants, written row by row and read through the port.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use siyu_engine::ports::rows::{
    CustomerRow, EventRow, FactRow, Hash16, JournalRow, PlaybookRow, ResourceRow, StockKey, WriteSet,
};
use siyu_engine::ports::store::Stores;
use siyu_insight::Frame;
use siyu_model::clock::UtcMs;
use siyu_model::customer::{Fact, amount_fen};
use siyu_model::event::{EventSeq, Identity};
use siyu_model::id::{CustomerId, RunId};
use siyu_model::journal::{JournalEntry, JournalKind};
use siyu_model::json::{self, Value};
use siyu_model::name::EventType;
use siyu_model::playbook::{ContactPolicy, Playbook, Program, Reentry, Trigger, Workflow};
use siyu_model::stock::pool::Pool;
use siyu_store::{SqliteInspect, SqliteOptions, SqliteStores};

pub(crate) const SHANGHAI: &str = "Asia/Shanghai";
/// Rows of one commit.
const COMMIT_ROWS: usize = 5_000;

/// A name or id of any kind.
pub(crate) fn name<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

/// An instant, in RFC 3339.
pub(crate) fn at(text: &str) -> UtcMs {
    text.parse().unwrap()
}

/// A customer's id; ids are in the order of their numbers.
pub(crate) fn customer(number: u64) -> CustomerId {
    CustomerId::derive(UtcMs::from_millis(1_700_000_000_000 + number as i64), &[b"customer"])
}

/// A run's id; ids are in the order of their numbers.
pub(crate) fn run_id(number: u64) -> RunId {
    RunId::derive(UtcMs::from_millis(1_700_000_000_000 + number as i64), &[b"run"])
}

/// A tenant that is being written.
#[derive(Default)]
pub(crate) struct Tenant {
    pub(crate) writes: WriteSet,
    facts: BTreeMap<(CustomerId, EventType), Fact>,
}

impl Tenant {
    /// Something happened to somebody, and the tenant was told at once; the place in the log.
    pub(crate) fn event(&mut self, who: Option<u64>, event_type: &str, when: &str, data: &str) -> u64 {
        self.event_at(who, event_type, at(when), data)
    }

    /// The same, at an instant.
    pub(crate) fn event_at(&mut self, who: Option<u64>, event_type: &str, when: UtcMs, data: &str) -> u64 {
        let seq = self.writes.events.len() as u64 + 1;
        let event_type: EventType = name(event_type);
        let customer = who.map(customer);
        if let Some(customer) = customer {
            let amount = amount_fen(&json::parse(data).unwrap());
            match self.facts.entry((customer, event_type.clone())) {
                Entry::Vacant(entry) => {
                    entry.insert(Fact::add(None, when, amount, EventSeq(seq)));
                }
                Entry::Occupied(mut entry) => {
                    let fact = Fact::add(Some(*entry.get()), when, amount, EventSeq(seq));
                    entry.insert(fact);
                }
            }
        }
        self.writes.events.push(EventRow {
            seq: EventSeq(seq),
            dedupe: Hash16::of(&[b"event", &seq.to_be_bytes()]),
            id: format!("e{seq}"),
            source: "shop".to_owned(),
            event_type,
            customer,
            occurred_at: when,
            recorded_at: when,
            depth: 0,
            data: data.into(),
            outcome: String::new(),
            matches: Vec::new(),
        });
        seq
    }

    /// A customer by an outside name.
    pub(crate) fn customer(&mut self, number: u64, shop: &str, attributes: &str) {
        let id = customer(number);
        let created_at = at("2026-01-01T00:00:00Z");
        self.writes.customers.push(CustomerRow { id, created_at, attributes: attributes.to_owned() });
        let identity = Identity { namespace: "shop".to_owned(), value: shop.to_owned() };
        self.writes.identities.push((identity, id));
    }

    /// A published version that is active.
    pub(crate) fn publish(&mut self, playbook: &Playbook) {
        self.writes.playbooks.push(PlaybookRow {
            name: playbook.name.clone(),
            digest: playbook.digest(),
            compiled: serde_json::to_string(playbook).unwrap().into(),
            files: Vec::new(),
            published_at: at("2026-01-01T00:00:00Z"),
            is_active: true,
        });
    }

    /// A definition for a plugin.
    pub(crate) fn resource(&mut self, plugin: &str, kind: &str, resource: &str, body: &str) {
        self.writes.resources.push(ResourceRow {
            plugin: name(plugin),
            kind: name(kind),
            name: name(resource),
            playbook: name("club"),
            body: Some(body.into()),
            reactions: Vec::new(),
        });
    }

    /// A pool: available, reserved, sold.
    pub(crate) fn pool(&mut self, plugin: &str, key: &str, [available, reserved, sold]: [u64; 3]) {
        let key = StockKey { plugin: plugin.into(), key: name(key) };
        let pool = Pool::restore(available + reserved + sold, available, reserved, sold).unwrap();
        self.writes.pools.push((key, pool));
    }

    /// A line of a run's journal; lines of a run come in their order.
    pub(crate) fn line(&mut self, run: RunId, step: Option<&str>, kind: JournalKind, detail: &str) {
        let row = self.writes.journal.iter().filter(|line| line.run == run).count() as u32;
        let entry = JournalEntry {
            at: at("2026-03-01T02:00:00Z"),
            step: step.map(name),
            fiber: 0,
            kind,
            detail: (!detail.is_empty()).then(|| detail.to_owned()),
        };
        self.writes.journal.push(JournalRow { run, row, entry });
    }

    /// Writes it to a file of its own and opens that to be read.
    pub(crate) async fn open(self) -> Place {
        let folder = tempfile::tempdir().unwrap();
        let path = self.write(folder.path(), "t").await;
        let inspect = SqliteInspect::open(path).await.unwrap();
        Place { _folder: folder, inspect }
    }

    /// Writes it as the tenant of this name in a folder; the path of its file.
    pub(crate) async fn write(mut self, folder: &Path, tenant: &str) -> PathBuf {
        let facts = std::mem::take(&mut self.facts).into_iter();
        let facts: Vec<FactRow> =
            facts.map(|((customer, event_type), fact)| FactRow { customer, event_type, fact }).collect();
        let stores = SqliteStores::new(folder, SqliteOptions::default());
        let tenant = name(tenant);
        let store = stores.open(&tenant).await.unwrap();
        let events = std::mem::take(&mut self.writes.events);
        store.commit(self.writes).await.unwrap();
        for events in events.chunks(COMMIT_ROWS) {
            store.commit(WriteSet { events: events.to_vec(), ..WriteSet::default() }).await.unwrap();
        }
        for facts in facts.chunks(COMMIT_ROWS) {
            store.commit(WriteSet { facts: facts.to_vec(), ..WriteSet::default() }).await.unwrap();
        }
        store.close().await.unwrap();
        stores.path(&tenant)
    }
}

/// A tenant to be read.
pub(crate) struct Place {
    _folder: tempfile::TempDir,
    pub(crate) inspect: SqliteInspect,
}

impl Place {
    /// The frame of all its playbooks.
    pub(crate) async fn frame(&self) -> Frame {
        Frame::of(&self.inspect, None).await.unwrap()
    }
}

/// A playbook with these workflows, in a zone.
pub(crate) fn playbook(playbook: &str, zone: &str, workflows: Vec<Workflow>) -> Playbook {
    Playbook {
        name: name(playbook),
        title: "牛排俱乐部".to_owned(),
        zone: zone.parse().unwrap(),
        vars: Value::map::<&str>([]),
        plugins: BTreeMap::new(),
        channels: vec![name("wecom")],
        contact: ContactPolicy::default(),
        segments: BTreeMap::new(),
        templates: BTreeMap::new(),
        workflows: workflows.into_iter().map(|found| (found.name.clone(), Arc::new(found))).collect(),
        resources: Vec::new(),
    }
}

/// A workflow with this trigger and program.
pub(crate) fn workflow(workflow: &str, trigger: Trigger, program: Program) -> Workflow {
    Workflow {
        name: name(workflow),
        title: String::new(),
        trigger,
        key: None,
        reentry: Reentry::Always,
        concurrency: None,
        goals: Vec::new(),
        vars: Value::map::<&str>([]),
        program,
    }
}
