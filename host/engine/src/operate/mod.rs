//! Operate: what people do to runs, messages, customers and playbooks.

mod again;
mod erase;
mod messages;
mod publish;
mod runs;
mod start;

pub(crate) use erase::{erase, erase_when_idle};
pub use messages::Fate;
pub(crate) use messages::settle;
pub(crate) use publish::publish;
pub use publish::{Publication, PublishError, Published, Replaces};
pub(crate) use runs::act;
pub use runs::{OperateError, RunAction};
pub(crate) use start::start_manually;
pub use start::{ManualStart, ManuallyStarted};
