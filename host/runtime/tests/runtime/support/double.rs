//! A host that records what it is asked and answers from a table.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use siyu_engine::ports::plugins::{
    AccountName, Asked, CallContext, CallHost, EmitRequest, FoundCode, HostError, MessageRequest,
    PostRequest, Posted, RecordScan, ReserveRequest, Reserved, TagRequest,
};
use siyu_model::clock::UtcMs;
use siyu_model::customer::TagMark;
use siyu_model::id::{CustomerId, ReservationId, RunId};
use siyu_model::name::{Key, PluginName, Tag};
use siyu_model::stock::pool::Pool;
use siyu_model::stock::reservation::{Reservation, ReservationStatus};

/// How a host answers.
#[derive(Debug, Clone)]
pub(crate) enum Mood {
    /// As it is asked.
    Kind,
    /// With this refusal.
    Refusing(HostError),
    /// With a panic.
    Panicking,
}

/// A host that records.
pub(crate) struct Recorder {
    context: CallContext,
    mood: Mood,
    asked: Arc<Mutex<Vec<String>>>,
    drawn: u8,
    pub(crate) records: BTreeMap<String, Arc<str>>,
    /// Every definition that is asked for.
    pub(crate) definition: Arc<str>,
}

/// What a host was asked; lives on when the host is gone.
pub(crate) type Asks = Arc<Mutex<Vec<String>>>;

fn at(text: &str) -> UtcMs {
    text.parse().unwrap()
}

impl Recorder {
    pub(crate) fn new(mood: Mood) -> Self {
        let now = at("2026-11-21T09:00:00+08:00");
        Self {
            context: CallContext {
                id: "call-1".to_owned(),
                tenant: "steakhouse".to_owned(),
                plugin: "misbehaving@1.0.0".to_owned(),
                step: "step".to_owned(),
                run: Some(RunId::derive(now, &[b"run"])),
                customer: Some("cus_1".to_owned()),
                event: Some(r#"{"id":"evt_1"}"#.into()),
                attempt: 1,
                now,
                zone: "Asia/Shanghai".to_owned(),
            },
            mood,
            asked: Asks::default(),
            drawn: 0,
            records: BTreeMap::new(),
            definition: "{}".into(),
        }
    }

    pub(crate) fn kind() -> Self {
        Self::new(Mood::Kind)
    }

    pub(crate) fn asks(&self) -> Asks {
        self.asked.clone()
    }

    fn asked<T>(&mut self, text: String, answer: T) -> Asked<T> {
        self.asked.lock().unwrap().push(text.clone());
        match &self.mood {
            Mood::Kind => Ok(answer),
            Mood::Refusing(refusal) => Err(refusal.clone()),
            Mood::Panicking => panic!("cannot do {text}"),
        }
    }
}

macro_rules! asked {
    ($host:ident, $answer:expr, $($what:tt)*) => {{
        let answer = $answer;
        $host.asked(format!($($what)*), answer)
    }};
}

impl CallHost for Recorder {
    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }

    fn context(&self) -> &CallContext {
        &self.context
    }

    fn random(&mut self, count: usize) -> Vec<u8> {
        (0..count)
            .map(|_| {
                self.drawn = self.drawn.wrapping_add(37);
                self.drawn
            })
            .collect()
    }

    fn record(&mut self, customer: Option<&str>, key: &str) -> Asked<Option<Arc<str>>> {
        asked!(self, self.records.get(key).cloned(), "records.get {customer:?} {key}")
    }

    fn put_record(&mut self, customer: Option<&str>, key: &str, body: &str) -> Asked<()> {
        self.records.insert(key.to_owned(), body.into());
        let shown: String = body.chars().take(40).collect();
        asked!(self, (), "records.put {customer:?} {key} {shown}")
    }

    fn insert_record(&mut self, customer: Option<&str>, key: &str, body: &str) -> Asked<bool> {
        asked!(self, false, "records.insert {customer:?} {key} {body}")
    }

    fn delete_record(&mut self, customer: Option<&str>, key: &str) -> Asked<bool> {
        asked!(self, true, "records.delete {customer:?} {key}")
    }

    fn scan_records(
        &mut self,
        customer: Option<&str>,
        scan: RecordScan<'_>,
    ) -> Asked<Vec<(String, Arc<str>)>> {
        let found = vec![("prefix-1".to_owned(), Arc::from(r#"{"n":1}"#))];
        let RecordScan { prefix, after, limit } = scan;
        asked!(self, found, "records.scan {customer:?} {prefix} {after:?} {limit}")
    }

    fn define_pool(&mut self, pool: &str, total: u64) -> Asked<()> {
        asked!(self, (), "pools.define {pool} {total}")
    }

    fn pool(&mut self, pool: &str) -> Asked<Option<Pool>> {
        let found = Pool::restore(100, 90, 6, 4).unwrap();
        asked!(self, Some(found), "pools.get {pool}")
    }

    fn reserve(&mut self, request: ReserveRequest) -> Asked<Reserved> {
        asked!(self, Reserved::Held("res_1".to_owned()), "pools.reserve {request:?}")
    }

    fn commit_reservation(&mut self, reservation: &str) -> Asked<bool> {
        asked!(self, true, "pools.commit {reservation}")
    }

    fn release_reservation(&mut self, reservation: &str) -> Asked<bool> {
        asked!(self, false, "pools.release {reservation}")
    }

    fn reservation(&mut self, reservation: &str) -> Asked<Option<Reservation>> {
        let found = Reservation {
            id: ReservationId::derive(UtcMs::EPOCH, &[b"reservation"]),
            plugin: PluginName::new("misbehaving").unwrap(),
            pool: Key::new("pool").unwrap(),
            customer: Some(CustomerId::derive(UtcMs::EPOCH, &[b"customer"])),
            units: 2,
            counters: Vec::new(),
            reference: Some("order-1".to_owned()),
            status: ReservationStatus::Expired,
            expires_at: at("2026-11-21T10:00:00+08:00"),
        };
        asked!(self, Some(found), "pools.find {reservation}")
    }

    fn take_from_pool(&mut self, pool: &str, units: u64) -> Asked<bool> {
        asked!(self, true, "pools.take {pool} {units}")
    }

    fn restock_pool(&mut self, pool: &str, units: u64) -> Asked<()> {
        asked!(self, (), "pools.restock {pool} {units}")
    }

    fn take_counter(&mut self, key: &str, units: u64, limit: u64) -> Asked<(bool, u64)> {
        asked!(self, (true, units), "counters.take {key} {units} {limit}")
    }

    fn give_back_counter(&mut self, key: &str, units: u64) -> Asked<()> {
        asked!(self, (), "counters.give-back {key} {units}")
    }

    fn counter(&mut self, key: &str) -> Asked<u64> {
        asked!(self, 7, "counters.used {key}")
    }

    fn post(&mut self, request: PostRequest) -> Asked<Posted> {
        let number = request.transfers.len();
        let posted = match (number, request.transfers.first()) {
            (1, Some(transfer)) if transfer.units > 0 => Posted::Done("pst_1".to_owned()),
            (_, Some(transfer)) => Posted::Short(transfer.to.clone(), 9),
            (_, None) => Posted::Short(AccountName { customer: None, name: String::new() }, 0),
        };
        let PostRequest { mut transfers, reference } = request;
        transfers.truncate(1);
        asked!(self, posted, "ledger.post {number}: {transfers:?} … {reference:?}")
    }

    fn balance(&mut self, account: &AccountName) -> Asked<i64> {
        let holds = if account.customer.is_some() { (1 << 53) - 1 } else { 1 - (1 << 53) };
        asked!(self, holds, "ledger.balance {account:?}")
    }

    fn mint_code(&mut self, space: &str, random_len: u8, reference: &str) -> Asked<String> {
        asked!(self, "ABCD-EFGH".to_owned(), "codes.mint {space} {random_len} {reference}")
    }

    fn adopt_code(&mut self, space: &str, code: &str, reference: &str) -> Asked<bool> {
        asked!(self, true, "codes.adopt {space} {code} {reference}")
    }

    fn find_code(&mut self, space: &str, typed: &str) -> Asked<FoundCode> {
        let found = FoundCode::Known("ABCD".to_owned(), "reference".to_owned());
        asked!(self, found, "codes.find {space} {typed}")
    }

    fn customer(&mut self, customer: Option<&str>) -> Asked<Option<String>> {
        asked!(self, Some("{}".to_owned()), "customers.get {customer:?}")
    }

    fn set_attributes(&mut self, customer: Option<&str>, changes: &str) -> Asked<()> {
        asked!(self, (), "customers.set-attributes {customer:?} {changes}")
    }

    fn tags(&mut self, customer: Option<&str>) -> Asked<Vec<(Tag, TagMark)>> {
        let mark = TagMark {
            source: "import".to_owned(),
            added_at: UtcMs::EPOCH,
            effective_at: UtcMs::EPOCH,
            expires_at: None,
            confidence_percent: 100,
            evidence: Some("evt_1".to_owned()),
        };
        asked!(self, vec![(Tag::new("会员.金").unwrap(), mark)], "customers.tags {customer:?}")
    }

    fn put_tag(&mut self, customer: Option<&str>, request: TagRequest) -> Asked<bool> {
        asked!(self, true, "customers.put-tag {customer:?} {request:?}")
    }

    fn remove_tag(&mut self, customer: Option<&str>, tag: &str, reason: &str) -> Asked<bool> {
        asked!(self, false, "customers.remove-tag {customer:?} {tag} {reason}")
    }

    fn emit(&mut self, event: EmitRequest<'_>) -> Asked<()> {
        let EmitRequest { event_type, customer, data } = event;
        asked!(self, (), "events.emit {event_type} {customer:?} {data}")
    }

    fn emit_at(&mut self, key: &str, at: UtcMs, event: EmitRequest<'_>) -> Asked<()> {
        let EmitRequest { event_type, customer, data } = event;
        asked!(self, (), "events.emit-at {key} {at} {event_type} {customer:?} {data}")
    }

    fn cancel_planned(&mut self, key: &str) -> Asked<bool> {
        asked!(self, true, "events.cancel {key}")
    }

    fn count_events(&mut self, event_type: &str, customer: Option<&str>, since: UtcMs) -> Asked<u64> {
        asked!(self, 3, "events.count {event_type} {customer:?} {since}")
    }

    fn enqueue_message(&mut self, request: MessageRequest<'_>) -> Asked<Result<String, String>> {
        asked!(self, Err("quiet hours".to_owned()), "messages.enqueue {request:?}")
    }

    fn resource(&mut self, kind: &str, name: &str) -> Asked<Option<Arc<str>>> {
        asked!(self, Some(self.definition.clone()), "resources.get {kind} {name}")
    }

    fn resource_names(&mut self, kind: &str) -> Asked<Vec<String>> {
        asked!(self, vec!["autumn".to_owned(), "spring".to_owned()], "resources.names {kind}")
    }

    fn evaluate(
        &mut self,
        source: &str,
        customer: Option<&str>,
        vars: &str,
    ) -> Asked<(String, Option<UtcMs>)> {
        let value = ("true".to_owned(), Some(at("2026-11-22T00:00:00+08:00")));
        asked!(self, value, "expressions.evaluate {source} {customer:?} {vars}")
    }
}
