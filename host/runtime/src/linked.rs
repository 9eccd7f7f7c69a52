//! Linked components: imports resolved, exports found and their types checked, once; a call only instantiates.

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{
    Component, ComponentExportIndex, ComponentNamedList, InstancePre, Lift, Linker, Lower,
};

use crate::contract::{Apply, Check, Deliver, Describe, Receive, Reconcile, Run};
use crate::error::LoadError;
use crate::inspect::{Inspected, own_interface};
use crate::sandbox::Target;
use crate::sandbox::state::Call;
use crate::{engine, wasi};
use siyu_model::limits;
use siyu_model::plugin::CallLimits;

/// A component that can be instantiated and called.
pub(crate) struct Linked {
    component: InstancePre<Call>,
    units: u32,
    fuel_per_look: u64,
    describe: ComponentExportIndex,
    run: ComponentExportIndex,
    kinds: Option<Kinds>,
    channel: Option<Deliveries>,
    receive: Option<ComponentExportIndex>,
}

struct Deliveries {
    deliver: ComponentExportIndex,
    reconcile: ComponentExportIndex,
}

struct Kinds {
    check: ComponentExportIndex,
    apply: ComponentExportIndex,
}

/// An export of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Export {
    /// `steps.describe`.
    Describe,
    /// `steps.run`.
    Run,
    /// `resource-kinds.check`.
    Check,
    /// `resource-kinds.apply`.
    Apply,
    /// `channel.deliver`.
    Deliver,
    /// `channel.reconcile`.
    Reconcile,
    /// `source.receive`.
    Receive,
}

impl Linked {
    /// Links a component; an error says which type does not fit.
    pub(crate) fn new(
        linker: &Linker<Call>,
        component: &Component,
        inspected: &Inspected<'_>,
    ) -> Result<Self, LoadError> {
        let failed = |fault: wasmtime::Error| LoadError::Link(format!("{fault:#}"));
        let linked = if inspected.uses_wasi {
            let mut linker = linker.clone();
            wasi::link(&mut linker, component).map_err(failed)?;
            linker.instantiate_pre(component)
        } else {
            linker.instantiate_pre(component)
        }
        .map_err(failed)?;
        let exports = Exports { linked: &linked };
        let steps =
            exports.named("steps")?.ok_or_else(|| LoadError::World { found: "no steps".to_owned() })?;
        let (describe, run) =
            (exports.function::<Describe>(&steps, "describe")?, exports.function::<Run<'_>>(&steps, "run")?);
        let channel = match exports.named("channel")? {
            None => None,
            Some(channel) => Some(Deliveries {
                deliver: exports.function::<Deliver<'_>>(&channel, "deliver")?,
                reconcile: exports.function::<Reconcile<'_>>(&channel, "reconcile")?,
            }),
        };
        let source = exports.named("source")?;
        let receive = source.map(|source| exports.function::<Receive<'_>>(&source, "receive")).transpose()?;
        let kinds = match exports.named("resource-kinds")? {
            None => None,
            Some(kinds) => Some(Kinds {
                check: exports.function::<Check<'_>>(&kinds, "check")?,
                apply: exports.function::<Apply<'_>>(&kinds, "apply")?,
            }),
        };
        let fuel_per_look = if inspected.is_composed {
            limits::call::FUEL_PER_LOOK_COMPOSED
        } else {
            limits::call::FUEL_PER_LOOK
        };
        let units = engine::units_of(component);
        Ok(Self { component: linked, units, fuel_per_look, describe, run, kinds, channel, receive })
    }

    /// Units of the pool that an instance takes.
    pub(crate) fn units(&self) -> u32 {
        self.units
    }

    /// What to call; none when the component does not have it.
    pub(crate) fn target<'a>(&'a self, export: Export, limits: &'a CallLimits) -> Option<Target<'a>> {
        let export = match export {
            Export::Describe => &self.describe,
            Export::Run => &self.run,
            Export::Check => &self.kinds.as_ref()?.check,
            Export::Apply => &self.kinds.as_ref()?.apply,
            Export::Deliver => &self.channel.as_ref()?.deliver,
            Export::Reconcile => &self.channel.as_ref()?.reconcile,
            Export::Receive => self.receive.as_ref()?,
        };
        let Self { component, units, fuel_per_look, .. } = self;
        Some(Target { component, units: *units, fuel_per_look: *fuel_per_look, export, limits })
    }
}

struct Exports<'a> {
    linked: &'a InstancePre<Call>,
}

/// An exported interface: its full name and where it is.
struct Interface {
    name: String,
    index: ComponentExportIndex,
}

impl Exports<'_> {
    /// The exported interface of the contract, whatever its minor version.
    fn named(&self, wanted: &str) -> Result<Option<Interface>, LoadError> {
        let component = self.linked.component();
        let ty = component.component_type();
        let found = ty
            .exports(component.engine())
            .map(|(name, _)| name)
            .find(|name| own_interface(name) == Some(wanted));
        let Some(name) = found else {
            return Ok(None);
        };
        let (item, index) =
            component.get_export(None, name).ok_or_else(|| misfit(name, "it is not there"))?;
        match item {
            ComponentItem::ComponentInstance(_) => Ok(Some(Interface { name: name.to_owned(), index })),
            _ => Err(misfit(name, "it is not an interface")),
        }
    }

    /// A function of an exported interface, of the type that the contract gives it.
    fn function<F: Signature>(&self, of: &Interface, name: &str) -> Result<ComponentExportIndex, LoadError> {
        let full = format!("{}#{name}", of.name);
        let (item, index) = self
            .linked
            .component()
            .get_export(Some(&of.index), name)
            .ok_or_else(|| misfit(&full, "it is not there"))?;
        let ComponentItem::ComponentFunc(function) = item else {
            return Err(misfit(&full, "it is not a function"));
        };
        function
            .typecheck::<F::Arguments, F::Answer>(&self.linked.instance_type())
            .map_err(|fault| misfit(&full, &format!("{fault:#}")))?;
        Ok(index)
    }
}

fn misfit(export: &str, why: &str) -> LoadError {
    LoadError::Link(format!("its export `{export}` does not fit the contract: {why}"))
}

/// The type of a function, as the contract's aliases write it.
trait Signature {
    type Arguments: ComponentNamedList + Lower;
    type Answer: ComponentNamedList + Lift;
}

impl<A: ComponentNamedList + Lower, R: ComponentNamedList + Lift> Signature for (A, R) {
    type Arguments = A;
    type Answer = R;
}
