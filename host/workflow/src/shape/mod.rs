//! What operators wrote, key by key: from trees of values to playbooks, workflows, templates, resources and tests.
//!
//! Everything that can be said of one file alone is checked here. Never knows plugins, types or other files.

pub(crate) mod acts;
mod blocks;
mod declared;
pub(crate) mod expectation;
pub(crate) mod expr;
mod fields;
pub(crate) mod playbook;
pub(crate) mod resource;
pub(crate) mod scenario;
pub(crate) mod step;
pub(crate) mod template;
pub(crate) mod text;
pub(crate) mod trigger;
pub(crate) mod workflow;

pub(crate) use declared::{OPTIONAL, schema_of};
pub(crate) use fields::{Fields, wrong_kind};
pub(crate) use resource::listed;
