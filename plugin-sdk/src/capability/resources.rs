//! `resources`: definitions that operators published for this plugin's kinds, as they are now.
//!
//! ```
//! use siyu_plugin::prelude::*;
//! use siyu_plugin::resources;
//!
//! /// Coupons of one kind.
//! #[derive(Serialize, Deserialize, JsonSchema)]
//! struct Batch {
//!     value_fen: u64,
//! }
//!
//! impl Resource for Batch {
//!     const KIND: &'static str = "batch";
//! }
//!
//! fn worth(batch: &str) -> Result<u64, Stop> {
//!     Ok(resources::require::<Batch>(batch)?.value_fen)
//! }
//! ```

use super::read;
use crate::error::Error;
use crate::port;
use crate::resource::Resource;
use crate::stop::Fault;

/// How many published names a message lists.
const NAMES_SHOWN_MAX: usize = 10;

/// The current definition; none when there is no such resource.
///
/// # Errors
/// `Invalid` when it was published for a version of the plugin whose definitions do not fit this one's.
pub fn get<R: Resource>(name: &str) -> Result<Option<R>, Error> {
    let text = port::resource(R::KIND, name)?;
    text.map(|text| read(|| format!("the {} `{name}`", R::KIND), &text)).transpose()
}

/// Whether there is such a resource. It is not read: for a step that keeps what it needs of a definition in a shorter form.
///
/// # Errors
/// None of its own; the host may refuse the capability.
pub fn exists<R: Resource>(name: &str) -> Result<bool, Error> {
    Ok(port::resource(R::KIND, name)?.is_some())
}

/// The current definition.
///
/// # Errors
/// A permanent fault `UNKNOWN_RESOURCE` that lists the published names when there is no such resource.
pub fn require<R: Resource>(name: &str) -> Result<R, Fault> {
    if let Some(found) = get(name)? {
        return Ok(found);
    }
    let names = names::<R>()?;
    let shown = names.iter().take(NAMES_SHOWN_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
    let published = match names.len() {
        0 => "none is published".to_owned(),
        count if count > NAMES_SHOWN_MAX => {
            format!("published are {shown} and {} more", count - NAMES_SHOWN_MAX)
        }
        _ => format!("published are {shown}"),
    };
    let found: String = name.chars().take(64).collect();
    Err(Fault::permanent("UNKNOWN_RESOURCE", format!("there is no {} `{found}`: {published}", R::KIND)))
}

/// Names of all definitions of a kind, sorted.
///
/// # Errors
/// None of its own; the host may refuse the capability.
pub fn names<R: Resource>() -> Result<Vec<String>, Error> {
    port::resource_names(R::KIND)
}
