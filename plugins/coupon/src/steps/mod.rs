//! The steps, one module each.

pub mod check_code;
pub mod follow;
pub mod import;
pub mod issue;
pub mod lock;
pub mod quote;
pub mod redeem;
pub mod report;
pub mod restore;
pub mod revoke;
pub mod stop;
pub mod unlock;
pub mod wallet;
