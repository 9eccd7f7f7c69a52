//! `resources`: definitions that operators published for the plugin's kinds. Never another plugin's.

use siyu_model::plugin::Capability;
use wasmtime::component::Linker;

use super::Offer;
use crate::sandbox::state::Call;

pub(super) fn link(linker: &mut Linker<Call>) -> wasmtime::Result<()> {
    let mut resources = Offer::new(linker, Capability::Resources)?;
    resources.ask("get", |host, (kind, name): (String, String)| host.resource(&kind, &name))?;
    resources.ask("names", |host, (kind,): (String,)| host.resource_names(&kind))
}
