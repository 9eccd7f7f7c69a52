//! What operators and workflows rely on: names of steps, their fields and refusals, events and their fields.

use std::fmt::Write;

use package_card_lottery::Plugin;
use siyu_plugin::fake::Host;

/// Names of a schema's members, those that may be absent with a `?`.
fn members(schema: &serde_json::Value) -> String {
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(|name| name.as_str()).collect();
    let names = schema["properties"].as_object().into_iter().flat_map(|members| members.keys());
    let mut names: Vec<String> = names
        .map(|name| if required.contains(&name.as_str()) { name.clone() } else { format!("{name}?") })
        .collect();
    names.sort();
    names.join(" ")
}

#[test]
fn the_surface_of_the_plugin() {
    let host = Host::of::<Plugin>();
    let manifest = host.manifest();
    let mut text = format!("{} {}: {}\n\n", manifest.name, manifest.version, manifest.summary);
    for step in &manifest.steps {
        let refusals: Vec<&str> = step.refusals.iter().map(|refusal| refusal.code.as_str()).collect();
        let _ = writeln!(text, "step {}: {}", step.name, step.summary);
        let _ = writeln!(text, "  in:  {}\n  out: {}", members(&step.input), members(&step.output));
        let _ = writeln!(text, "  no:  {}", refusals.join(" "));
    }
    for kind in &manifest.resources {
        let _ = writeln!(text, "\nkind {}: {}\n  {}\n", kind.kind, kind.summary, members(&kind.schema));
    }
    for event in &manifest.events {
        let _ = writeln!(text, "event {}: {}\n  {}", event.event_type, event.summary, members(&event.data));
    }
    text.push('\n');
    for used in &manifest.capabilities {
        let _ = writeln!(text, "asks for {}: {}", used.name, used.why);
    }
    insta::assert_snapshot!(text);
}
