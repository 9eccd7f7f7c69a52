//! One file a command: its options, what it does, what it prints.

pub(crate) mod audit;
pub(crate) mod completions;
pub(crate) mod customers;
pub(crate) mod doctor;
pub(crate) mod draws;
mod erasing;
pub(crate) mod explain;
pub(crate) mod ledger;
pub(crate) mod messages;
mod packing;
pub(crate) mod plugins;
pub(crate) mod publish;
pub(crate) mod reading;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod runs;
pub(crate) mod runs_view;
pub(crate) mod secrets;
pub(crate) mod serve;
pub(crate) mod tenants;
pub(crate) mod test;
pub(crate) mod tokens;
pub(crate) mod validate;
