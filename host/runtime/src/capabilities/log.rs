//! `log`: lines for the run's log. Never refused: what does not fit is dropped and counted.

use siyu_model::plugin::{Capability, LogLevel};
use wasmtime::component::Linker;

use super::{Offer, Weight};
use crate::contract::Level;
use crate::sandbox::state::{Call, Ctx, enter};

pub(super) fn link(linker: &mut Linker<Call>) -> wasmtime::Result<()> {
    let mut log = Offer::new(linker, Capability::Log)?;
    log.instance.func_wrap("write", |mut store: Ctx<'_>, (level, message): (Level, String)| {
        // Last words count although the call has no host calls or fuel left for them.
        let entered = enter(&mut store, message.weight());
        let call = store.data_mut();
        call.log.write(level.into(), &message);
        entered
    })
}

impl From<Level> for LogLevel {
    fn from(level: Level) -> Self {
        match level {
            Level::Debug => Self::Debug,
            Level::Info => Self::Info,
            Level::Warn => Self::Warn,
            Level::Error => Self::Error,
        }
    }
}
