//! Definitions against the schemas of their plugins. Never calls the plugin: its own findings come later.

use siyu_model::json;

use super::fit::Fit;
use super::lints;
use super::world::World;
use crate::diagnostics::Fault;
use crate::diagnostics::rules::OUT_OF_RANGE;
use crate::types::{Env, Schema, Type};

/// Checks every definition.
pub(super) fn check(world: &World<'_>) {
    for resource in &world.written.resources {
        let target = &resource.target.value;
        world.used.borrow_mut().plugins.insert(target.plugin.to_string());
        let kind = world.plugins.resource(&resource.target, world.report);
        let (Some(kind), Some((define, _))) = (kind, &resource.define) else {
            continue;
        };
        lints::texts(&define.doc, world);
        if let Err(why) = define.doc.constant().map_or(Ok(String::new()), |value| json::print(&value)) {
            world.report.add(Fault::new(OUT_OF_RANGE, resource.head, format!("a definition of {why}")));
        }
        let env = Env::bare(Type::any(), &world.event_types);
        let inner = Env { event: Ok(Type::any()), ..Env::of_customer(Type::any(), &world.event_types) };
        let fit = Fit {
            env: &env,
            inner: &inner,
            report: world.report,
            what: format!("{}/{}", target.plugin, target.offer),
            head: resource.head,
        };
        if let Err(why) = fit.check(&define.doc, Schema::new(&kind.schema)) {
            let what = format!("the resource `{}`", kind.kind);
            world.plugins.bad_schema(&target.plugin, &what, &why, world.report);
        }
    }
}
