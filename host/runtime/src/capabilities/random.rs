//! `random`: bytes that the host draws for this call. Never another source, and never more than a call may have.

use siyu_model::plugin::Capability;
use wasmtime::component::Linker;

use super::Offer;
use crate::sandbox::state::Call;

pub(super) fn link(linker: &mut Linker<Call>) -> wasmtime::Result<()> {
    let mut random = Offer::new(linker, Capability::Random)?;
    random.tell("bytes", |call, (count,): (u32,)| {
        call.random("random.bytes", usize::try_from(count).unwrap_or(usize::MAX))
    })
}
