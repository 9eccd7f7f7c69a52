//! What people read of a tenant, on small tenants with known answers and on a real order history.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod cdnow;
mod coupons;
mod customers;
mod draws;
mod funnel;
mod lottery;
mod repurchase;
mod runs;
mod stock;
mod support;
