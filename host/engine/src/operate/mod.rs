//! Operate: what people do to runs, messages and playbooks.

mod messages;
mod publish;
mod runs;
mod start;

pub use messages::Fate;
pub(crate) use messages::settle;
pub(crate) use publish::publish;
pub use publish::{Publication, PublishError, Published, Replaces};
pub(crate) use runs::act;
pub use runs::{OperateError, RunAction};
pub(crate) use start::start_manually;
pub use start::{ManualStart, ManuallyStarted};
