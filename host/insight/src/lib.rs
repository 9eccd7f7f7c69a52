//! What people read of a tenant: timelines and reports, computed from the inspect port.
//!
//! CLI, API and console show the same results. Nothing here writes, decides anything about a run, or reads a clock:
//! "now" is the last instant that the tenant knows, so the same data gives the same report on any day.
//!
//! Reports stream: facts, first events and instants come in the order of customers and are merged as they come, so a
//! report over a million events holds a page of each and its own lines.

mod brief;
mod customer;
pub mod draws;
mod fault;
mod frame;
mod ledger;
mod local;
mod messages;
mod orders;
mod rate;
pub mod report;
mod run;
mod runs;
mod walk;

pub use brief::yuan;
pub use customer::{
    CustomerHead, CustomerStory, FactLine, MomentKind, MomentLine, SegmentLine, TagLine, WaitLine, WhyNot,
    customer,
};
pub use fault::InsightError;
pub use frame::Frame;
pub use ledger::{
    AccountLine, AccountsPage, BalanceLine, EntriesPage, EntryLine, LedgerLine, SideLine, accounts, balances,
    entries, ledgers,
};
pub use local::Local;
pub use messages::{MessageLine, MessagesPage, messages};
pub use rate::{Rate, TakeBand};
pub use run::{JournalLine, RunStory, RunVerb, StepLine, StepState, Waiting, WaitingFor, run};
pub use runs::{RunLine, RunsPage, runs};
