//! Which plugins there are: asked of whoever knows them. Never loads one.

use std::sync::Arc;

use siyu_model::digest::PluginDigest;
use siyu_model::plugin::{CapabilitySet, Manifest};

/// The plugins that a host has installed.
pub trait Catalog {
    /// The newest installed version of a plugin.
    fn plugin(&self, name: &str) -> Option<CatalogPlugin>;

    /// The names of all installed plugins, for "did you mean".
    fn names(&self) -> Vec<String>;
}

/// An installed plugin.
#[derive(Debug, Clone)]
pub struct CatalogPlugin {
    /// The content of its component.
    pub digest: PluginDigest,
    /// What it says of itself.
    pub manifest: Arc<Manifest>,
    /// What its component imports, whatever its manifest says.
    pub imports: CapabilitySet,
}
