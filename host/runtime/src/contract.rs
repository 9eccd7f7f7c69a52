//! The records, variants and enumerations of the contract as Rust types, one for one with `plugin-sdk/wit/siyu.wit`.
//!
//! They are derived, so wasmtime checks each against the component's own types when it is loaded. Nothing here has rules.

use wasmtime::component::{ComponentType, Lift, Lower};

/// `types.error-code`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ComponentType, Lower)]
#[component(enum)]
#[repr(u8)]
pub(crate) enum ErrorCode {
    /// An argument breaks its rule.
    #[component(name = "invalid")]
    Invalid,
    /// A limit of the call is used up.
    #[component(name = "limit")]
    Limit,
    /// What was named does not exist.
    #[component(name = "not-found")]
    NotFound,
    /// It would break an invariant.
    #[component(name = "conflict")]
    Conflict,
}

/// `types.error`.
#[derive(Debug, Clone, ComponentType, Lower)]
#[component(record)]
pub(crate) struct Error {
    pub(crate) code: ErrorCode,
    pub(crate) message: String,
}

/// `log.level`.
#[expect(dead_code, reason = "made by lifting what a plugin passes")]
#[derive(Debug, Clone, Copy, ComponentType, Lift)]
#[component(enum)]
#[repr(u8)]
pub(crate) enum Level {
    #[component(name = "debug")]
    Debug,
    #[component(name = "info")]
    Info,
    #[component(name = "warn")]
    Warn,
    #[component(name = "error")]
    Error,
}

/// `context.call`.
#[derive(Debug, Clone, ComponentType, Lower)]
#[component(record)]
pub(crate) struct CallContext {
    pub(crate) id: String,
    pub(crate) tenant: String,
    pub(crate) plugin: String,
    pub(crate) step: String,
    pub(crate) run: Option<String>,
    pub(crate) customer: Option<String>,
    pub(crate) event: Option<std::sync::Arc<str>>,
    pub(crate) attempt: u32,
    pub(crate) now: f64,
    pub(crate) zone: String,
}

/// `context.local-time`.
#[derive(Debug, Clone, Copy, ComponentType, Lower)]
#[component(record)]
pub(crate) struct LocalTime {
    pub(crate) year: i32,
    pub(crate) month: u8,
    pub(crate) day: u8,
    pub(crate) hour: u8,
    pub(crate) minute: u8,
    pub(crate) second: u8,
    pub(crate) weekday: u8,
}

/// `records.entry`.
#[derive(Debug, Clone, ComponentType, Lower)]
#[component(record)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) body: std::sync::Arc<str>,
}

/// `pools.pool`.
#[derive(Debug, Clone, Copy, ComponentType, Lower)]
#[component(record)]
pub(crate) struct Pool {
    pub(crate) total: f64,
    pub(crate) available: f64,
    pub(crate) reserved: f64,
    pub(crate) sold: f64,
}

/// `pools.quota`.
#[derive(Debug, Clone, ComponentType, Lift)]
#[component(record)]
pub(crate) struct Quota {
    pub(crate) key: String,
    pub(crate) units: f64,
    pub(crate) limit: f64,
}

/// `pools.reserve-request`.
#[derive(Debug, Clone, ComponentType, Lift)]
#[component(record)]
pub(crate) struct ReserveRequest {
    pub(crate) pool: String,
    pub(crate) units: f64,
    #[component(name = "expires-at")]
    pub(crate) expires_at: f64,
    pub(crate) quotas: Vec<Quota>,
    pub(crate) reference: Option<String>,
}

/// `pools.reserved`.
#[derive(Debug, Clone, ComponentType, Lower)]
#[component(variant)]
pub(crate) enum Reserved {
    #[component(name = "held")]
    Held(String),
    #[component(name = "sold-out")]
    SoldOut(f64),
    #[component(name = "over-quota")]
    OverQuota((String, f64)),
}

/// `pools.reservation-status`.
#[derive(Debug, Clone, Copy, ComponentType, Lower)]
#[component(enum)]
#[repr(u8)]
pub(crate) enum ReservationStatus {
    #[component(name = "held")]
    Held,
    #[component(name = "committed")]
    Committed,
    #[component(name = "released")]
    Released,
    #[component(name = "expired")]
    Expired,
}

/// `pools.reservation`.
#[derive(Debug, Clone, ComponentType, Lower)]
#[component(record)]
pub(crate) struct Reservation {
    pub(crate) id: String,
    pub(crate) pool: String,
    pub(crate) customer: Option<String>,
    pub(crate) units: f64,
    pub(crate) status: ReservationStatus,
    #[component(name = "expires-at")]
    pub(crate) expires_at: f64,
    pub(crate) reference: Option<String>,
}

/// `counters.taken`.
#[derive(Debug, Clone, Copy, ComponentType, Lower)]
#[component(record)]
pub(crate) struct Taken {
    pub(crate) ok: bool,
    pub(crate) used: f64,
}

/// `ledger.account`.
#[derive(Debug, Clone, ComponentType, Lift, Lower)]
#[component(record)]
pub(crate) struct Account {
    pub(crate) customer: Option<String>,
    pub(crate) name: String,
}

/// `ledger.transfer`.
#[derive(Debug, Clone, ComponentType, Lift)]
#[component(record)]
pub(crate) struct Transfer {
    #[component(name = "from")]
    pub(crate) from: Account,
    #[component(name = "to")]
    pub(crate) to: Account,
    pub(crate) units: f64,
}

/// `ledger.posted`.
#[derive(Debug, Clone, ComponentType, Lower)]
#[component(variant)]
pub(crate) enum Posted {
    #[component(name = "done")]
    Done(String),
    #[component(name = "short")]
    Short((Account, f64)),
}

/// `codes.found`.
#[derive(Debug, Clone, ComponentType, Lower)]
#[component(variant)]
pub(crate) enum Found {
    #[component(name = "known")]
    Known((String, String)),
    #[component(name = "malformed")]
    Malformed(String),
    #[component(name = "unknown")]
    Unknown,
}

/// `customers.tag-mark`.
#[derive(Debug, Clone, ComponentType, Lift, Lower)]
#[component(record)]
pub(crate) struct TagMark {
    pub(crate) tag: String,
    pub(crate) source: String,
    #[component(name = "effective-at")]
    pub(crate) effective_at: f64,
    #[component(name = "expires-at")]
    pub(crate) expires_at: Option<f64>,
    pub(crate) confidence: u8,
    pub(crate) evidence: Option<String>,
}

/// `expressions.value`.
#[derive(Debug, Clone, ComponentType, Lower)]
#[component(record)]
pub(crate) struct Evaluated {
    pub(crate) json: String,
    #[component(name = "changes-at")]
    pub(crate) changes_at: Option<f64>,
}

/// `web.header`.
#[derive(Debug, Clone, ComponentType, Lift, Lower)]
#[component(record)]
pub(crate) struct Header {
    pub(crate) name: String,
    pub(crate) value: String,
}

/// `web.request`.
#[derive(Debug, Clone, ComponentType, Lift)]
#[component(record)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) headers: Vec<Header>,
    pub(crate) body: Vec<u8>,
}

/// `web.response`.
#[derive(Debug, Clone, ComponentType, Lower)]
#[component(record)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<Header>,
    pub(crate) body: Vec<u8>,
}

/// `http.error-code`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ComponentType, Lower)]
#[component(enum)]
#[repr(u8)]
pub(crate) enum HttpErrorCode {
    #[component(name = "invalid")]
    Invalid,
    #[component(name = "denied")]
    Denied,
    #[component(name = "unreachable")]
    Unreachable,
    #[component(name = "timeout")]
    Timeout,
    #[component(name = "too-large")]
    TooLarge,
    #[component(name = "limit")]
    Limit,
    #[component(name = "open-circuit")]
    OpenCircuit,
}

/// `http.error`.
#[derive(Debug, Clone, ComponentType, Lower)]
#[component(record)]
pub(crate) struct HttpError {
    pub(crate) code: HttpErrorCode,
    pub(crate) message: String,
    #[component(name = "may-have-arrived")]
    pub(crate) may_have_arrived: bool,
    #[component(name = "retry-after-ms")]
    pub(crate) retry_after_ms: Option<u32>,
}

/// `secrets.mac-algorithm`.
#[expect(dead_code, reason = "made by lifting what a plugin passes")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, ComponentType, Lift)]
#[component(enum)]
#[repr(u8)]
pub(crate) enum MacAlgorithm {
    #[component(name = "hmac-sha1")]
    HmacSha1,
    #[component(name = "hmac-sha256")]
    HmacSha256,
    #[component(name = "hmac-sha512")]
    HmacSha512,
}

/// `source.hook`.
#[derive(Debug, Clone, ComponentType, Lower)]
#[component(record)]
pub(crate) struct Hook<'a> {
    pub(crate) method: &'a str,
    pub(crate) query: &'a [(String, String)],
    pub(crate) headers: Vec<Header>,
    pub(crate) body: &'a [u8],
    #[component(name = "received-at")]
    pub(crate) received_at: f64,
}

/// `source.event`.
#[derive(Debug, Clone, ComponentType, Lift)]
#[component(record)]
pub(crate) struct HookEvent {
    pub(crate) id: String,
    #[component(name = "event-type")]
    pub(crate) event_type: String,
    pub(crate) subject: Option<String>,
    pub(crate) time: Option<f64>,
    pub(crate) data: String,
}

/// `source.accepted`.
#[derive(Debug, Clone, ComponentType, Lift)]
#[component(record)]
pub(crate) struct Accepted {
    pub(crate) events: Vec<HookEvent>,
    pub(crate) status: u16,
    #[component(name = "content-type")]
    pub(crate) content_type: String,
    pub(crate) body: Vec<u8>,
}

/// `source.refusal`.
#[derive(Debug, Clone, ComponentType, Lift)]
#[component(variant)]
pub(crate) enum HookRefusal {
    #[component(name = "unverified")]
    Unverified(String),
    #[component(name = "malformed")]
    Malformed(String),
    #[component(name = "stale")]
    Stale(String),
}

/// `channel.message`.
#[derive(Debug, Clone, ComponentType, Lower)]
#[component(record)]
pub(crate) struct Message<'a> {
    pub(crate) id: String,
    pub(crate) channel: &'a str,
    pub(crate) template: &'a str,
    pub(crate) class: &'a str,
    pub(crate) body: &'a str,
    pub(crate) customer: &'a str,
    #[component(name = "planned-at")]
    pub(crate) planned_at: f64,
    #[component(name = "expires-at")]
    pub(crate) expires_at: f64,
    pub(crate) attempt: u32,
    pub(crate) details: Option<&'a str>,
}

/// `channel.verdict`.
#[derive(Debug, Clone, ComponentType, Lift)]
#[component(variant)]
pub(crate) enum Verdict {
    #[component(name = "sent")]
    Sent(Option<String>),
    #[component(name = "task-created")]
    TaskCreated(Option<String>),
    #[component(name = "delivered")]
    Delivered(Option<String>),
    #[component(name = "refused")]
    Refused(String),
    #[component(name = "later")]
    Later((String, Option<u32>)),
    #[component(name = "uncertain")]
    Uncertain(String),
}

/// `steps.refusal`.
#[derive(Debug, Clone, ComponentType, Lift)]
#[component(record)]
pub(crate) struct Refusal {
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) details: Option<String>,
}

/// `steps.answer`.
#[derive(Debug, Clone, ComponentType, Lift)]
#[component(variant)]
pub(crate) enum Answer {
    #[component(name = "done")]
    Done(String),
    #[component(name = "refused")]
    Refused(Refusal),
}

/// `steps.fault-info`.
#[derive(Debug, Clone, ComponentType, Lift)]
#[component(record)]
pub(crate) struct FaultInfo {
    pub(crate) code: String,
    pub(crate) message: String,
}

/// `steps.field-fault`.
#[derive(Debug, Clone, ComponentType, Lift)]
#[component(record)]
pub(crate) struct FieldFault {
    pub(crate) pointer: String,
    pub(crate) message: String,
}

/// `steps.fault`.
#[derive(Debug, Clone, ComponentType, Lift)]
#[component(variant)]
pub(crate) enum Fault {
    #[component(name = "transient")]
    Transient((FaultInfo, Option<u32>)),
    #[component(name = "permanent")]
    Permanent(FaultInfo),
    #[component(name = "invalid-input")]
    InvalidInput(Vec<FieldFault>),
}

/// `resource-kinds.finding`.
#[derive(Debug, Clone, ComponentType, Lift)]
#[component(record)]
pub(crate) struct Finding {
    pub(crate) pointer: String,
    #[component(name = "is-error")]
    pub(crate) is_error: bool,
    pub(crate) code: String,
    pub(crate) message: String,
}

/// What `steps.run` takes and gives.
pub(crate) type Run<'a> = ((&'a str, &'a str), (Result<Answer, Fault>,));
/// What `steps.describe` takes and gives.
pub(crate) type Describe = ((), (String,));
/// What `channel.deliver` takes and gives.
pub(crate) type Deliver<'a> = ((&'a str, Message<'a>), (Verdict,));
/// What `channel.reconcile` takes and gives.
pub(crate) type Reconcile<'a> = ((&'a str, Message<'a>), (Option<Verdict>,));
/// What `source.receive` takes and gives.
pub(crate) type Receive<'a> = ((&'a str, Hook<'a>), (Result<Accepted, HookRefusal>,));
/// What `resource-kinds.check` takes and gives.
pub(crate) type Check<'a> = ((&'a str, &'a str, &'a str), (Vec<Finding>,));
/// What `resource-kinds.apply` takes and gives.
pub(crate) type Apply<'a> = ((&'a str, &'a str, &'a str), (Result<String, Fault>,));
