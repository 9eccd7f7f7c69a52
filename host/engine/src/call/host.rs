//! What a call may ask: the host's side of the contract, over memory. Each family of functions has a file of its own.

use std::any::Any;
use std::sync::Arc;

use siyu_model::clock::UtcMs;
use siyu_model::customer::TagMark;
use siyu_model::event::Event;
use siyu_model::id::{CustomerId, RunId};
use siyu_model::json::{self, Value};
use siyu_model::name::{Key, PluginName, StepId, Tag};
use siyu_model::playbook::Playbook;
use siyu_model::stock::pool::Pool;
use siyu_model::stock::reservation::Reservation;

use super::Calling;
use crate::memory::{Halt, Memory, Worked};
use crate::ports::plugins::{
    AccountName, Asked, CallContext, CallHost, EmitRequest, FoundCode, HostError, MessageRequest,
    PostRequest, Posted, RecordScan, ReserveRequest, Reserved, TagRequest,
};

/// The host during one call: it owns the memory until the call is over.
pub(super) struct CallScope {
    pub(super) memory: Box<Memory>,
    pub(super) context: CallContext,
    pub(super) playbook: Arc<Playbook>,
    pub(super) plugin: PluginName,
    pub(super) run: Option<RunId>,
    pub(super) step: Option<StepId>,
    pub(super) customer: Option<CustomerId>,
    pub(super) event: Option<Arc<Event>>,
    pub(super) depth: u32,
    /// Random bytes drawn so far.
    drawn: u64,
    /// Codes minted so far: each has randomness of its own.
    pub(super) minted: u64,
    /// Reservations made so far.
    pub(super) reserved: u64,
    /// Postings made so far.
    pub(super) posted: u64,
    pub(super) emitted: usize,
    pub(super) enqueued: usize,
    /// Why the call must end: the store failed.
    halt: Option<Halt>,
}

impl CallScope {
    pub(super) fn new(memory: Box<Memory>, context: CallContext, calling: &Calling<'_>) -> Self {
        Self {
            step: calling.step.clone(),
            memory,
            context,
            playbook: calling.playbook.clone(),
            plugin: calling.plugin.clone(),
            run: calling.run,
            customer: calling.customer,
            event: calling.event.clone(),
            depth: calling.depth,
            drawn: 0,
            minted: 0,
            reserved: 0,
            posted: 0,
            emitted: 0,
            enqueued: 0,
            halt: None,
        }
    }

    /// The memory, and why everything must be dropped if it must.
    pub(super) fn into_parts(self) -> (Box<Memory>, Option<Halt>) {
        (self.memory, self.halt)
    }

    /// What memory gives, or the end of the call.
    pub(super) fn got<T>(&mut self, worked: Worked<T>) -> Asked<T> {
        worked.map_err(|halt| {
            let error = HostError::Storage(halt.to_string());
            self.halt = Some(halt);
            error
        })
    }

    /// The customer that an argument names; the call's own when it names none.
    pub(super) fn whom(&mut self, customer: Option<&str>) -> Asked<CustomerId> {
        let id = match customer {
            None => {
                let message = "this call has no customer of its own: name one".to_owned();
                self.customer.ok_or(HostError::Invalid(message))?
            }
            Some(text) => text
                .parse()
                .map_err(|fault: siyu_model::id::IdError| HostError::Invalid(fault.to_string()))?,
        };
        let exists = self.memory.customer_exists(id);
        if self.got(exists)? {
            Ok(id)
        } else {
            Err(HostError::NotFound(format!("there is no customer {id}")))
        }
    }
}

/// A key that a plugin chose.
pub(super) fn key(text: &str) -> Asked<Key> {
    Key::new(text).map_err(|fault| HostError::Invalid(fault.to_string()))
}

/// An object that a plugin gave.
pub(super) fn object(text: &str) -> Asked<Value> {
    let value = json::parse(text).map_err(|fault| HostError::Invalid(fault.to_string()))?;
    match value.as_map() {
        Some(_) => Ok(value),
        None => Err(HostError::Invalid(format!("{}, expected an object", value.kind()))),
    }
}

impl CallHost for CallScope {
    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }

    fn context(&self) -> &CallContext {
        &self.context
    }

    fn random(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.memory.derive_bytes("random", self.context.id.as_bytes(), self.drawn, &mut bytes);
        self.drawn += count as u64;
        bytes
    }

    fn record(&mut self, customer: Option<&str>, key: &str) -> Asked<Option<Arc<str>>> {
        self.get_record(customer, key)
    }

    fn put_record(&mut self, customer: Option<&str>, key: &str, body: &str) -> Asked<()> {
        self.write_record(customer, key, body)
    }

    fn insert_record(&mut self, customer: Option<&str>, key: &str, body: &str) -> Asked<bool> {
        if self.get_record(customer, key)?.is_some() {
            return Ok(false);
        }
        self.write_record(customer, key, body).map(|()| true)
    }

    fn delete_record(&mut self, customer: Option<&str>, key: &str) -> Asked<bool> {
        self.remove_record(customer, key)
    }

    fn scan_records(
        &mut self,
        customer: Option<&str>,
        scan: RecordScan<'_>,
    ) -> Asked<Vec<(String, Arc<str>)>> {
        self.list_records(customer, scan)
    }

    fn define_pool(&mut self, pool: &str, total: u64) -> Asked<()> {
        self.size_pool(pool, total)
    }

    fn pool(&mut self, pool: &str) -> Asked<Option<Pool>> {
        self.get_pool(pool)
    }

    fn reserve(&mut self, request: ReserveRequest) -> Asked<Reserved> {
        self.hold(request)
    }

    fn commit_reservation(&mut self, reservation: &str) -> Asked<bool> {
        self.sell_held(reservation)
    }

    fn release_reservation(&mut self, reservation: &str) -> Asked<bool> {
        self.release_held(reservation)
    }

    fn reservation(&mut self, reservation: &str) -> Asked<Option<Reservation>> {
        self.get_reservation(reservation)
    }

    fn take_from_pool(&mut self, pool: &str, units: u64) -> Asked<bool> {
        self.sell(pool, units)
    }

    fn restock_pool(&mut self, pool: &str, units: u64) -> Asked<()> {
        self.restock(pool, units)
    }

    fn take_counter(&mut self, key: &str, units: u64, limit: u64) -> Asked<(bool, u64)> {
        self.count_up(key, units, limit)
    }

    fn give_back_counter(&mut self, key: &str, units: u64) -> Asked<()> {
        self.count_down(key, units)
    }

    fn counter(&mut self, key: &str) -> Asked<u64> {
        self.counted(key)
    }

    fn post(&mut self, request: PostRequest) -> Asked<Posted> {
        self.post_transfers(request)
    }

    fn balance(&mut self, account: &AccountName) -> Asked<i64> {
        self.balance_of(account)
    }

    fn mint_code(&mut self, space: &str, random_len: u8, reference: &str) -> Asked<String> {
        self.mint(space, random_len, reference)
    }

    fn adopt_code(&mut self, space: &str, code: &str, reference: &str) -> Asked<bool> {
        self.adopt(space, code, reference)
    }

    fn find_code(&mut self, space: &str, typed: &str) -> Asked<FoundCode> {
        self.look_up_code(space, typed)
    }

    fn customer(&mut self, customer: Option<&str>) -> Asked<Option<String>> {
        self.describe_customer(customer)
    }

    fn set_attributes(&mut self, customer: Option<&str>, changes: &str) -> Asked<()> {
        self.patch_attributes(customer, changes)
    }

    fn tags(&mut self, customer: Option<&str>) -> Asked<Vec<(Tag, TagMark)>> {
        self.list_tags(customer)
    }

    fn put_tag(&mut self, customer: Option<&str>, request: TagRequest) -> Asked<bool> {
        self.tag(customer, request)
    }

    fn remove_tag(&mut self, customer: Option<&str>, tag: &str, reason: &str) -> Asked<bool> {
        self.untag(customer, tag, reason)
    }

    fn emit(&mut self, event: EmitRequest<'_>) -> Asked<()> {
        self.emit_now(event)
    }

    fn emit_at(&mut self, key: &str, at: UtcMs, event: EmitRequest<'_>) -> Asked<()> {
        self.plan_event(key, at, event)
    }

    fn cancel_planned(&mut self, key: &str) -> Asked<bool> {
        self.cancel_event(key)
    }

    fn count_events(&mut self, event_type: &str, customer: Option<&str>, since: UtcMs) -> Asked<u64> {
        self.count_in_window(event_type, customer, since)
    }

    fn enqueue_message(&mut self, request: MessageRequest<'_>) -> Asked<Result<String, String>> {
        self.enqueue(request)
    }

    fn resource(&mut self, kind: &str, name: &str) -> Asked<Option<Arc<str>>> {
        let row = self.memory.books.resource(&self.plugin, kind, name);
        Ok(row.and_then(|row| row.body.clone()))
    }

    fn resource_names(&mut self, kind: &str) -> Asked<Vec<String>> {
        Ok(self.memory.books.resources_of(&self.plugin, kind))
    }

    fn evaluate(
        &mut self,
        source: &str,
        customer: Option<&str>,
        vars: &str,
    ) -> Asked<(String, Option<UtcMs>)> {
        self.evaluate_for(source, customer, vars)
    }
}
