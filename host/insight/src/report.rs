//! Reports over all customers of a tenant.

mod channel;
mod coupons;
mod funnel;
mod goals;
mod repurchase;
mod runs;
mod stock;

use siyu_model::name::EventType;

pub use coupons::{Budget, CouponBatch, Coupons, coupons};
pub use funnel::{Channel, Funnel, funnel};
pub use goals::{GoalLine, GoalState};
pub use repurchase::{CohortLine, Repurchase, Returned, Within, repurchase};
pub use runs::{RunsOfWorkflow, RunsReport, runs};
pub use stock::{FlashCount, PoolLine, Stock, stock};

/// An event type that a report names itself.
pub(crate) fn named(text: &'static str) -> EventType {
    EventType::new(text).expect("the reports' own names follow the rule of event types")
}
