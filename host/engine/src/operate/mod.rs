//! Operate: what people do to runs and playbooks.

mod publish;
mod runs;
mod start;

pub(crate) use publish::publish;
pub use publish::{Publication, PublishError, Published, Replaces};
pub(crate) use runs::act;
pub use runs::{OperateError, RunAction};
pub(crate) use start::start_manually;
pub use start::{ManualStart, ManuallyStarted};
