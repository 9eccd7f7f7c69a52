//! The ports: what the engine needs of the world, as traits. `store` and `runtime` implement them one floor up.

pub mod access;
pub mod channel;
pub mod clock;
pub mod fleet;
pub mod hooks;
pub mod inspect;
pub mod log;
pub mod network;
pub mod plugins;
pub mod rows;
pub mod secrets;
pub mod store;
