//! Stock, budgets, accounts and codes: the rules that no plugin can break, because the host keeps them.

pub mod code;
pub mod counter;
pub mod ledger;
pub mod pool;
pub mod reservation;
