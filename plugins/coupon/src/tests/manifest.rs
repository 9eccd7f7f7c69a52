//! What operators read: the manifest is a snapshot.

use super::*;

#[test]
fn the_manifest_is_what_operators_read() {
    let host = Host::of::<Plugin>();
    let manifest = host.manifest();
    let mut text = format!("{} {}\n{}\n", manifest.name, manifest.version, manifest.summary);
    for step in &manifest.steps {
        text += &format!("\nstep {}: {}\n", step.name, step.summary);
        for refusal in &step.refusals {
            text += &format!("  {}: {}\n", refusal.code, refusal.summary);
        }
    }
    for kind in &manifest.resources {
        text += &format!("\nresource {}: {}\n", kind.kind, kind.summary);
    }
    for event in &manifest.events {
        text += &format!("\nevent {}: {}\n", event.event_type, event.summary);
    }
    insta::assert_snapshot!(text);
}

/// Reports add up over these fields: a change breaks them.
#[test]
fn events_name_their_batch_and_their_coupon() {
    let host = Host::of::<Plugin>();
    for event in &host.manifest().events {
        let schema = siyu_plugin::serde_json::to_value(&event.data).unwrap_or_default();
        let fields = &schema["properties"];
        let event_type = event.event_type.as_str();
        assert!(fields["batch"].is_object(), "{event_type}");
        if event_type != "coupon.issue_refused" && event_type != "budget.threshold" {
            assert!(fields["coupon"].is_object(), "{event_type}");
        }
    }
}
