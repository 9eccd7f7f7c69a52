//! What the files say together: names, types, the ways through workflows, and what is probably not meant.
//!
//! Checks read what was written and report; they never change it.

mod constants;
mod fit;
mod flow;
mod graph;
mod host_events;
mod lints;
mod matching;
mod outputs;
mod plugins;
mod resources;
mod scenarios;
mod scope;
mod templates;
mod triggers;
mod world;

pub(crate) use constants::document_faults;
pub(crate) use host_events::HOST_EVENTS;
pub(crate) use matching::key as match_key;
pub(crate) use plugins::Plugins;
pub(crate) use world::{World, Written};

/// Checks everything.
pub(crate) fn check(world: &World<'_>) {
    triggers::segments(world);
    templates::check(world);
    resources::check(world);
    for workflow in &world.written.workflows {
        triggers::workflow(workflow, world);
        lints::workflow(workflow, world);
    }
    scenarios::check(world);
    graph::cycles(world);
    graph::unused(world);
    lints::contact(world);
}
