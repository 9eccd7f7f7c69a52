//! The fleet port: several hosts on one database share its tenants, and hand each other what is for a tenant of another.
//!
//! Who has which tenant is a matter of fairness. That two hosts never both write one is the store's, by the lease's epoch:
//! whoever opens a tenant fences whoever had it before, and only the host that has it may open it.

use async_trait::async_trait;
use siyu_model::clock::DurationMs;
use siyu_model::id::HostId;
use siyu_model::name::TenantName;

use super::store::StoreError;

/// The place of a letter: later ones are larger.
pub type LetterId = i64;

/// Who lives and who has what, at one instant of the database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roster {
    /// The hosts that live and take tenants, this one included, sorted.
    pub hosts: Vec<HostId>,
    /// The tenants that may be executed and who has each: none when nobody who lives has it. Sorted by name.
    pub tenants: Vec<(TenantName, Option<HostId>)>,
}

/// What one host hands to the host that has a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Its place.
    pub id: LetterId,
    /// For whom.
    pub tenant: TenantName,
    /// What is wanted, as JSON text.
    pub body: String,
}

/// A letter to be handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    /// For whom.
    pub tenant: TenantName,
    /// What is wanted, as JSON text.
    pub body: String,
    /// Whether somebody waits here for the answer; without, the letter goes when it was done.
    pub is_awaited: bool,
}

/// What became of a posting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Posted {
    /// It is durable.
    Taken(LetterId),
    /// The tenant has as many letters as may wait: nothing was done.
    Full,
    /// There is no such tenant.
    NoTenant,
    /// No host executes the tenant: see [`StoreError::Closed`].
    Closed {
        /// Which database.
        place: String,
        /// What became of it, and what opens it.
        why: String,
        /// Whether it lives elsewhere now.
        is_gone: bool,
    },
}

/// What may be new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// A host came or went, a tenant is free or new.
    Roster,
    /// There are letters for a tenant.
    Letters,
    /// A letter of this host was answered.
    Answers,
    /// Anything: some news may have been missed.
    Anything,
}

/// One host's place among the hosts of a database. All time is the database's.
#[async_trait]
pub trait Fleet: Send + Sync {
    /// Who this host is: another one each time the program starts.
    fn me(&self) -> HostId;

    /// How long this host lives after the database heard of it: [`siyu_model::limits::fleet::LEASE_MS`], unless a test is in a
    /// hurry.
    fn lease(&self) -> DurationMs;

    /// Says that this host lives, for as long as its lease from now on, and looks who else does.
    async fn beat(&self) -> Result<Roster, StoreError>;

    /// Takes those of these tenants that nobody has who lives; gives those that it got.
    async fn claim(&self, tenants: &[TenantName]) -> Result<Vec<TenantName>, StoreError>;

    /// Makes a tenant that is not there, and takes it; says whether this host has it now.
    async fn found(&self, tenant: &TenantName) -> Result<bool, StoreError>;

    /// Gives tenants up, for others to take at once. Those of others stay as they are.
    async fn release(&self, tenants: &[TenantName]) -> Result<(), StoreError>;

    /// Goes: everything that it has is free at once.
    async fn leave(&self) -> Result<(), StoreError>;

    /// Makes letters durable, in their order.
    async fn post(&self, letters: Vec<Posting>) -> Result<Vec<Posted>, StoreError>;

    /// Letters that are not answered yet, for those of these tenants that this host has, in their order, and so many of
    /// each tenant at most.
    async fn letters(&self, tenants: &[TenantName], limit: usize) -> Result<Vec<Letter>, StoreError>;

    /// Answers letters, as JSON text. Whoever waits is told; what nobody waits for goes.
    async fn answer(&self, answers: Vec<(LetterId, String)>) -> Result<(), StoreError>;

    /// Takes the answers to letters of this host.
    async fn answers(&self) -> Result<Vec<(LetterId, String)>, StoreError>;

    /// Returns once another host said that something is new. It may miss some and say it when nothing is: whoever waits
    /// looks from time to time all the same.
    async fn news(&self) -> News;
}
