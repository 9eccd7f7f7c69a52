//! `expressions`: conditions that operators wrote in resources. Never evaluates one itself.

use siyu_model::plugin::Capability;
use wasmtime::component::Linker;

use super::{Offer, Weight, millis};
use crate::contract::Evaluated;
use crate::sandbox::state::Call;

pub(super) fn link(linker: &mut Linker<Call>) -> wasmtime::Result<()> {
    let mut expressions = Offer::new(linker, Capability::Expressions)?;
    expressions.ask("evaluate", |host, (source, customer, vars): (String, Option<String>, String)| {
        let (json, changes_at) = host.evaluate(&source, customer.as_deref(), &vars)?;
        Ok(Evaluated { json, changes_at: changes_at.map(millis) })
    })
}

impl Weight for Evaluated {
    fn weight(&self) -> usize {
        self.json.len()
    }
}
