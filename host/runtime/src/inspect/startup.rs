//! What starting an instance writes before its first instruction: time that no fuel measures.
//!
//! It adds up the sizes of what is instantiated, as often as it is. Where a component takes a module or a component from
//! elsewhere, it stands for the heaviest that there is, so the sum is never too small.

use wasmparser::{
    BinaryReaderError, ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentOuterAliasKind,
    ComponentTypeRef, Encoding, Instance, Payload,
};

/// Bytes that a byte of an element section stands for: an element is a pointer, and takes a byte at least.
const ELEMENT_BYTES: usize = 8;

/// A component while it is read, with what it is nested in.
#[derive(Debug, Default)]
pub(super) struct Startup {
    /// What is being read, outermost first.
    open: Vec<Part>,
    /// The sum of the outermost component, once it is read.
    total: usize,
    is_composed: bool,
}

/// A module or component: what one instance of it writes, and of what it consists.
#[derive(Debug, Default)]
struct Part {
    bytes: usize,
    modules: Vec<usize>,
    components: Vec<usize>,
}

impl Startup {
    /// A module or component begins.
    pub(super) fn enter(&mut self, encoding: Encoding) {
        self.is_composed |= encoding == Encoding::Module && self.open.len() > 1;
        self.open.push(Part::default());
    }

    /// It ends.
    pub(super) fn leave(&mut self, encoding: Encoding) {
        let Some(part) = self.open.pop() else { return };
        match (self.open.last_mut(), encoding) {
            (None, _) => self.total = part.bytes,
            (Some(around), Encoding::Module) => around.modules.push(part.bytes),
            (Some(around), Encoding::Component) => around.components.push(part.bytes),
        }
    }

    /// A section of what is being read.
    pub(super) fn take(&mut self, payload: &Payload<'_>) -> Result<(), BinaryReaderError> {
        match payload {
            Payload::DataSection(section) => self.add(length(&section.range())),
            Payload::ElementSection(section) => {
                self.add(length(&section.range()).saturating_mul(ELEMENT_BYTES));
            }
            Payload::InstanceSection(section) => {
                for instance in section.clone() {
                    if let Instance::Instantiate { module_index, .. } = instance? {
                        self.start(module_index, |part| &part.modules);
                    }
                }
            }
            Payload::ComponentInstanceSection(section) => {
                for instance in section.clone() {
                    if let ComponentInstance::Instantiate { component_index, .. } = instance? {
                        self.start(component_index, |part| &part.components);
                    }
                }
            }
            other => self.take_from_elsewhere(other)?,
        }
        Ok(())
    }

    /// Imports, aliases and exports give a module or a component another index.
    fn take_from_elsewhere(&mut self, payload: &Payload<'_>) -> Result<(), BinaryReaderError> {
        match payload {
            Payload::ComponentImportSection(section) => {
                for import in section.clone() {
                    match import?.ty {
                        ComponentTypeRef::Module(_) => self.another_module(),
                        ComponentTypeRef::Component(_) => self.another_component(),
                        _ => {}
                    }
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section.clone() {
                    self.another(export?.kind);
                }
            }
            Payload::ComponentAliasSection(section) => {
                for alias in section.clone() {
                    match alias? {
                        ComponentAlias::InstanceExport { kind, .. } => self.another(kind),
                        ComponentAlias::Outer { kind: ComponentOuterAliasKind::CoreModule, .. } => {
                            self.another_module();
                        }
                        ComponentAlias::Outer { kind: ComponentOuterAliasKind::Component, .. } => {
                            self.another_component();
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn another(&mut self, kind: ComponentExternalKind) {
        match kind {
            ComponentExternalKind::Module => self.another_module(),
            ComponentExternalKind::Component => self.another_component(),
            _ => {}
        }
    }

    fn another_module(&mut self) {
        let heaviest = self.heaviest();
        if let Some(part) = self.open.last_mut() {
            part.modules.push(heaviest);
        }
    }

    fn another_component(&mut self) {
        let heaviest = self.heaviest();
        if let Some(part) = self.open.last_mut() {
            part.components.push(heaviest);
        }
    }

    fn heaviest(&self) -> usize {
        let all = self.open.iter().flat_map(|part| part.modules.iter().chain(&part.components));
        all.copied().max().unwrap_or(0)
    }

    fn start(&mut self, index: u32, space: impl Fn(&Part) -> &Vec<usize>) {
        let known = self.open.last().and_then(|part| space(part).get(usize::try_from(index).ok()?)).copied();
        // An index that does not exist is for the compiler to refuse.
        self.add(known.unwrap_or_else(|| self.heaviest()));
    }

    fn add(&mut self, bytes: usize) {
        if let Some(part) = self.open.last_mut() {
            part.bytes = part.bytes.saturating_add(bytes);
        }
    }

    /// What the outermost component writes.
    pub(super) fn total(&self) -> usize {
        self.total
    }

    /// Whether a component inside the outermost one has code of its own.
    pub(super) fn is_composed(&self) -> bool {
        self.is_composed
    }
}

fn length(range: &std::ops::Range<u64>) -> usize {
    super::place(range.end.saturating_sub(range.start))
}
