//! Operate: what people do to runs and playbooks.

mod publish;
mod runs;

pub(crate) use publish::publish;
pub use publish::{Publication, PublishError, Published};
pub use runs::{ManualStart, ManuallyStarted, OperateError, RunAction};
pub(crate) use runs::{act, start_manually};
