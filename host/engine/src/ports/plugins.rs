//! The plugins port: calling a step in a sandbox, and what the sandbox may ask of the host during the call.

use std::any::Any;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use siyu_model::clock::UtcMs;
use siyu_model::customer::TagMark;
use siyu_model::digest::PluginDigest;
use siyu_model::id::RunId;
use siyu_model::message::Message;
use siyu_model::name::Tag;
use siyu_model::playbook::Playbook;
use siyu_model::plugin::{
    Answer, CallLimits, CallUsage, CapabilitySet, Fault, Finding, HostFault, LogLine, Manifest,
};
use siyu_model::stock::pool::Pool;
use siyu_model::stock::reservation::Reservation;

use super::channel::Verdict;
use super::hooks::{HookCall, HookReport};
use super::network::{Request, Response, SendError};
use super::secrets::Secrets;

/// Loads and calls plugins.
pub trait Plugins: Send + Sync {
    /// Makes the plugins of a version callable, wherever their components are kept; asked before a tenant executes the
    /// version. Where all components are loaded beforehand there is nothing to do.
    fn make_ready<'p>(&'p self, playbook: &'p Playbook) -> BoxFuture<'p, Result<(), Fault>> {
        let _ = playbook;
        Box::pin(std::future::ready(Ok(())))
    }

    /// The manifest of a component that is loaded; none when there is no such component.
    fn manifest(&self, digest: &PluginDigest) -> Option<Arc<Manifest>>;

    /// Whether the component can be called with these grants; the fault says which capability is missing.
    fn check_grants(&self, digest: &PluginDigest, granted: CapabilitySet) -> Result<(), Fault>;

    /// Calls a plugin in a fresh sandbox. Never panics, never returns before the call is over, and always gives the
    /// host back, whatever the component does.
    fn call(&self, call: PluginCall<'_>, host: Box<dyn CallHost>) -> CallReport;

    /// Calls a plugin's channel in a fresh sandbox, on this thread, which waits for what the plugin waits for. Never panics,
    /// and always gives the host back.
    fn deliver(&self, call: DeliveryCall<'_>, host: Box<dyn CallHost>) -> DeliveryReport {
        let why = format!("no component {} with a channel is loaded", call.digest.short());
        DeliveryReport {
            outcome: Err(HostFault::NotLoadable.fault(why)),
            usage: CallUsage::default(),
            log: Vec::new(),
            host,
        }
    }

    /// Runs the plugin's own check of a definition, without any capability.
    fn check_resource(
        &self,
        digest: &PluginDigest,
        kind: &str,
        name: &str,
        definition: &str,
    ) -> Result<Vec<Finding>, Fault>;

    /// Calls a plugin's source with a request, in a fresh sandbox on this thread. Never panics, and always gives the host
    /// back.
    fn receive(&self, call: HookCall<'_>, host: Box<dyn CallHost>) -> HookReport {
        let why = format!("no component {} with a source is loaded", call.digest.short());
        let outcome = Err(HostFault::NotLoadable.fault(why));
        HookReport { outcome, usage: CallUsage::default(), log: Vec::new(), host }
    }
}

/// What to call.
#[derive(Debug, Clone, Copy)]
pub struct PluginCall<'a> {
    /// The component.
    pub digest: &'a PluginDigest,
    /// What the playbook grants it.
    pub granted: CapabilitySet,
    /// What the call may use.
    pub limits: &'a CallLimits,
    /// Which export.
    pub entry: Entry<'a>,
}

/// An export of a plugin.
#[derive(Debug, Clone, Copy)]
pub enum Entry<'a> {
    /// `steps.run`.
    Step {
        /// The step.
        step: &'a str,
        /// Its input, JSON text.
        input: &'a str,
    },
    /// `resource-kinds.apply`; the answer is always `done`.
    Apply {
        /// The kind.
        kind: &'a str,
        /// The name.
        name: &'a str,
        /// The definition, JSON text.
        definition: &'a str,
    },
}

/// How a call went.
pub struct CallReport {
    /// The plugin's answer, or why there is none.
    pub outcome: Result<Answer, Fault>,
    /// What it used.
    pub usage: CallUsage,
    /// What it logged.
    pub log: Vec<LogLine>,
    /// The host that the call worked on, given back. Effects of a failed call are still in it: the caller drops them.
    pub host: Box<dyn CallHost>,
}

/// A delivery to make, or to find out about.
#[derive(Debug, Clone, Copy)]
pub struct DeliveryCall<'a> {
    /// The component.
    pub digest: &'a PluginDigest,
    /// What the call may use.
    pub limits: &'a CallLimits,
    /// The channel's configuration, JSON text.
    pub config: &'a str,
    /// The message.
    pub message: &'a Message,
    /// The customer as `customers.get` gives them, JSON text; `null` when they are gone.
    pub customer: &'a str,
    /// Whether to ask what became of it instead of handing it over.
    pub is_question: bool,
}

/// How a call of a channel went.
pub struct DeliveryReport {
    /// What the plugin says became of the message, or why it says nothing; `Ok(None)` when it cannot tell, which only
    /// a question is answered with.
    pub outcome: Result<Option<Verdict>, Fault>,
    /// What it used.
    pub usage: CallUsage,
    /// What it logged.
    pub log: Vec<LogLine>,
    /// The host that the call worked on, given back.
    pub host: Box<dyn CallHost>,
}

/// Why the host did not do what a plugin asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// An argument breaks its rule.
    #[error("{0}")]
    Invalid(String),
    /// A limit of the call is used up.
    #[error("{0}")]
    Limit(String),
    /// What was named does not exist.
    #[error("{0}")]
    NotFound(String),
    /// It would break an invariant.
    #[error("{0}")]
    Conflict(String),
    /// The store could not be read: the call is over, and none of its effects is kept.
    #[error("{0}")]
    Storage(String),
}

/// What the host answers a plugin.
pub type Asked<T> = Result<T, HostError>;

/// Names a call and what it is for.
#[derive(Debug, Clone)]
pub struct CallContext {
    /// The same when the call is repeated after a crash.
    pub id: String,
    /// The tenant.
    pub tenant: String,
    /// `name@version`.
    pub plugin: String,
    /// The step, or the kind of resource that is applied.
    pub step: String,
    /// The run.
    pub run: Option<RunId>,
    /// The customer, in text form.
    pub customer: Option<String>,
    /// The event that started the run, JSON text.
    pub event: Option<Arc<str>>,
    /// From 1.
    pub attempt: u32,
    /// The instant of the call.
    pub now: UtcMs,
    /// IANA name.
    pub zone: String,
}

/// What a sandboxed call may ask of the host. One method a function of the contract; the sandbox has already counted
/// and charged the call, the host checks and buffers it. Without a `customer`, the call's own is meant, except for
/// records, where it means the tenant's.
///
/// A host that has nothing of a kind leaves its functions away: they refuse.
#[expect(unused_variables, reason = "what is not there refuses, whatever it is asked")]
pub trait CallHost: Send {
    /// Gives the concrete host back to the engine.
    fn into_any(self: Box<Self>) -> Box<dyn Any + Send>;

    /// Who calls.
    fn context(&self) -> &CallContext;

    /// `random.bytes`; the sandbox has bounded `count`.
    fn random(&mut self, count: usize) -> Vec<u8>;

    /// What a plugin hears that asks for what is not there.
    fn nothing(&self) -> HostError {
        HostError::Invalid("this call is pure: it checks or describes, and no capability answers".to_owned())
    }

    /// `http.send`. Waits for the answer.
    fn send(&mut self, request: Request) -> Result<Response, SendError> {
        Err(SendError::denied(
            "only deliveries may send requests: a step plans a message, and a channel delivers it",
        ))
    }

    /// `cache.get`. Waits while another call fetches the value.
    fn cached(&mut self, key: &str) -> Asked<Option<String>> {
        Err(self.nothing())
    }
    /// `cache.peek`. Never waits.
    fn peek_cached(&mut self, key: &str) -> Asked<Option<String>> {
        Err(self.nothing())
    }
    /// `cache.put`.
    fn cache(&mut self, key: &str, value: &str, expires_at: UtcMs) -> Asked<()> {
        Err(self.nothing())
    }
    /// `cache.remove`.
    fn uncache(&mut self, key: &str) -> Asked<()> {
        Err(self.nothing())
    }

    /// The secrets of this call, by the plugin's own names.
    fn secrets(&self) -> Asked<&dyn Secrets> {
        Err(HostError::Invalid("this call has no secrets: only channels and sources have".to_owned()))
    }

    /// `records.get`.
    fn record(&mut self, customer: Option<&str>, key: &str) -> Asked<Option<Arc<str>>> {
        Err(self.nothing())
    }
    /// `records.put`.
    fn put_record(&mut self, customer: Option<&str>, key: &str, body: &str) -> Asked<()> {
        Err(self.nothing())
    }
    /// `records.insert`.
    fn insert_record(&mut self, customer: Option<&str>, key: &str, body: &str) -> Asked<bool> {
        Err(self.nothing())
    }
    /// `records.delete`.
    fn delete_record(&mut self, customer: Option<&str>, key: &str) -> Asked<bool> {
        Err(self.nothing())
    }
    /// `records.scan`.
    fn scan_records(
        &mut self,
        customer: Option<&str>,
        scan: RecordScan<'_>,
    ) -> Asked<Vec<(String, Arc<str>)>> {
        Err(self.nothing())
    }

    /// `pools.define`.
    fn define_pool(&mut self, pool: &str, total: u64) -> Asked<()> {
        Err(self.nothing())
    }
    /// `pools.get`.
    fn pool(&mut self, pool: &str) -> Asked<Option<Pool>> {
        Err(self.nothing())
    }
    /// `pools.reserve`.
    fn reserve(&mut self, request: ReserveRequest) -> Asked<Reserved> {
        Err(self.nothing())
    }
    /// `pools.commit`.
    fn commit_reservation(&mut self, reservation: &str) -> Asked<bool> {
        Err(self.nothing())
    }
    /// `pools.release`.
    fn release_reservation(&mut self, reservation: &str) -> Asked<bool> {
        Err(self.nothing())
    }
    /// `pools.find`.
    fn reservation(&mut self, reservation: &str) -> Asked<Option<Reservation>> {
        Err(self.nothing())
    }
    /// `pools.take`.
    fn take_from_pool(&mut self, pool: &str, units: u64) -> Asked<bool> {
        Err(self.nothing())
    }
    /// `pools.restock`.
    fn restock_pool(&mut self, pool: &str, units: u64) -> Asked<()> {
        Err(self.nothing())
    }

    /// `counters.take`: whether, and how much is used then.
    fn take_counter(&mut self, key: &str, units: u64, limit: u64) -> Asked<(bool, u64)> {
        Err(self.nothing())
    }
    /// `counters.give-back`.
    fn give_back_counter(&mut self, key: &str, units: u64) -> Asked<()> {
        Err(self.nothing())
    }
    /// `counters.used`.
    fn counter(&mut self, key: &str) -> Asked<u64> {
        Err(self.nothing())
    }

    /// `ledger.post`.
    fn post(&mut self, request: PostRequest) -> Asked<Posted> {
        Err(self.nothing())
    }
    /// `ledger.balance`: what the account holds; less than nothing only when it is the tenant's.
    fn balance(&mut self, account: &AccountName) -> Asked<i64> {
        Err(self.nothing())
    }

    /// `codes.mint`.
    fn mint_code(&mut self, space: &str, random_len: u8, reference: &str) -> Asked<String> {
        Err(self.nothing())
    }
    /// `codes.adopt`.
    fn adopt_code(&mut self, space: &str, code: &str, reference: &str) -> Asked<bool> {
        Err(self.nothing())
    }
    /// `codes.find`.
    fn find_code(&mut self, space: &str, typed: &str) -> Asked<FoundCode> {
        Err(self.nothing())
    }

    /// `customers.get`, as JSON text.
    fn customer(&mut self, customer: Option<&str>) -> Asked<Option<String>> {
        Err(self.nothing())
    }
    /// `customers.set-attributes`.
    fn set_attributes(&mut self, customer: Option<&str>, changes: &str) -> Asked<()> {
        Err(self.nothing())
    }
    /// `customers.tags`.
    fn tags(&mut self, customer: Option<&str>) -> Asked<Vec<(Tag, TagMark)>> {
        Err(self.nothing())
    }
    /// `customers.put-tag`.
    fn put_tag(&mut self, customer: Option<&str>, request: TagRequest) -> Asked<bool> {
        Err(self.nothing())
    }
    /// `customers.remove-tag`.
    fn remove_tag(&mut self, customer: Option<&str>, tag: &str, reason: &str) -> Asked<bool> {
        Err(self.nothing())
    }

    /// `events.emit`.
    fn emit(&mut self, event: EmitRequest<'_>) -> Asked<()> {
        Err(self.nothing())
    }
    /// `events.emit-at`.
    fn emit_at(&mut self, key: &str, at: UtcMs, event: EmitRequest<'_>) -> Asked<()> {
        Err(self.nothing())
    }
    /// `events.cancel`.
    fn cancel_planned(&mut self, key: &str) -> Asked<bool> {
        Err(self.nothing())
    }
    /// `events.count`.
    fn count_events(&mut self, event_type: &str, customer: Option<&str>, since: UtcMs) -> Asked<u64> {
        Err(self.nothing())
    }

    /// `messages.enqueue`: the message's id, or why a rule of contact blocked it.
    fn enqueue_message(&mut self, request: MessageRequest<'_>) -> Asked<Result<String, String>> {
        Err(self.nothing())
    }

    /// `resources.get`, as JSON text.
    fn resource(&mut self, kind: &str, name: &str) -> Asked<Option<Arc<str>>> {
        Err(self.nothing())
    }
    /// `resources.names`.
    fn resource_names(&mut self, kind: &str) -> Asked<Vec<String>> {
        Err(self.nothing())
    }

    /// `expressions.evaluate`: the value as JSON text, and when it may change by itself.
    fn evaluate(
        &mut self,
        source: &str,
        customer: Option<&str>,
        vars: &str,
    ) -> Asked<(String, Option<UtcMs>)> {
        Err(self.nothing())
    }
}

/// Which documents to list.
#[derive(Debug, Clone, Copy)]
pub struct RecordScan<'a> {
    /// What their keys begin with.
    pub prefix: &'a str,
    /// What their keys come after.
    pub after: Option<&'a str>,
    /// How many at most; the sandbox has bounded it.
    pub limit: u32,
}

/// A wish to hold units.
#[derive(Debug, Clone)]
pub struct ReserveRequest {
    /// The pool.
    pub pool: String,
    /// Units.
    pub units: u64,
    /// When they go back by themselves.
    pub expires_at: UtcMs,
    /// Counters to take with them: key, units, limit.
    pub quotas: Vec<(String, u64, u64)>,
    /// The plugin's own name for it.
    pub reference: Option<String>,
}

/// What became of a wish to hold units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reserved {
    /// Held; the reservation's id.
    Held(String),
    /// Too few units: how many are available.
    SoldOut(u64),
    /// A quota is full: its key and how much of it is used.
    OverQuota(String, u64),
}

/// How a plugin names an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountName {
    /// Whose; the tenant's when absent.
    pub customer: Option<String>,
    /// Its name.
    pub name: String,
}

/// A wish to move units.
#[derive(Debug, Clone)]
pub struct TransferRequest {
    /// Who gives them.
    pub from: AccountName,
    /// Who gets them.
    pub to: AccountName,
    /// Units.
    pub units: u64,
}

/// A wish to post transfers: all of them, or none.
#[derive(Debug, Clone)]
pub struct PostRequest {
    /// One after another.
    pub transfers: Vec<TransferRequest>,
    /// The plugin's own name for it.
    pub reference: Option<String>,
}

/// What became of a wish to post transfers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Posted {
    /// Posted; the posting's id.
    Done(String),
    /// A customer's account holds too little: which, and what it holds.
    Short(AccountName, u64),
}

/// What became of a typed code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FoundCode {
    /// The code as it is written, and its reference.
    Known(String, String),
    /// It cannot be a code, and why.
    Malformed(String),
    /// It could be one, and is none.
    Unknown,
}

/// A wish to put a tag on.
#[derive(Debug, Clone)]
pub struct TagRequest {
    /// The tag.
    pub tag: String,
    /// Who says so.
    pub source: String,
    /// Since when it is true.
    pub effective_at: UtcMs,
    /// When it goes off by itself.
    pub expires_at: Option<UtcMs>,
    /// 0 to 100.
    pub confidence_percent: u8,
    /// The event that is the evidence.
    pub evidence: Option<String>,
}

/// A wish to emit an event.
#[derive(Debug, Clone, Copy)]
pub struct EmitRequest<'a> {
    /// Its type.
    pub event_type: &'a str,
    /// Whose; the call's customer when absent.
    pub customer: Option<&'a str>,
    /// Its data, a JSON object.
    pub data: &'a str,
}

/// A wish to send a message.
#[derive(Debug, Clone, Copy)]
pub struct MessageRequest<'a> {
    /// The playbook's template.
    pub template: &'a str,
    /// The playbook's channel.
    pub channel: &'a str,
    /// To whom; the call's customer when absent.
    pub customer: Option<&'a str>,
    /// The template's variables, a JSON object.
    pub variables: &'a str,
}
