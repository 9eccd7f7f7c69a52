//! The events that the host itself emits, with their fields: one table, for checks and for `LANGUAGE.md`.
//! Never emits one.

use serde_json::Value;

use crate::shape::schema_of;

/// An event of the host: its type and its fields in the language of declared events.
type HostEvent = (&'static str, &'static [(&'static str, &'static str)]);

const MESSAGE: &[(&str, &str)] = &[
    ("message", "string"),
    ("template", "string"),
    ("channel", "string"),
    ("status", "string"),
    ("reason", "string?"),
    ("details", "any?"),
];
const TAG: &[(&str, &str)] = &[("tag", "string"), ("source", "string"), ("reason", "string?")];
const SEGMENT: &[(&str, &str)] = &[("segment", "string"), ("playbook", "string")];

/// All of them.
pub(crate) const HOST_EVENTS: &[HostEvent] = &[
    ("customer.created", &[("identity", "string?")]),
    ("customer.erasing", &[]),
    ("tag.added", TAG),
    ("tag.removed", TAG),
    ("tag.expired", TAG),
    ("segment.entered", SEGMENT),
    ("segment.left", SEGMENT),
    (
        "reservation.expired",
        &[
            ("plugin", "string"),
            ("pool", "string"),
            ("reservation", "string"),
            ("units", "integer"),
            ("reference", "string?"),
        ],
    ),
    ("message.task_created", MESSAGE),
    ("message.staff_notified", MESSAGE),
    ("message.staff_sent", MESSAGE),
    ("message.sent", MESSAGE),
    ("message.delivered", MESSAGE),
    ("message.failed", MESSAGE),
    ("message.expired", MESSAGE),
    ("message.blocked", MESSAGE),
    ("message.cancelled", MESSAGE),
    ("message.uncertain", MESSAGE),
];

/// What a run that a schedule started sees as `event`.
pub(crate) const SCHEDULE_TICKED: &[(&str, &str)] = &[("workflow", "string"), ("at", "instant")];

/// Families of event types that only the host emits: plugins and playbooks are refused them.
const FAMILIES: [&str; 6] = ["tag", "reservation", "segment", "customer", "run", "schedule"];

/// Types with their schemas.
pub(crate) fn all() -> impl Iterator<Item = (&'static str, Value)> {
    HOST_EVENTS.iter().map(|(name, fields)| (*name, schema_of(fields)))
}

/// Whether only the host emits events of this type. `message.replied` and the like come from outside.
pub(crate) fn is_host_family(event_type: &str) -> bool {
    let family = event_type.split('.').next().unwrap_or(event_type);
    FAMILIES.contains(&family) || HOST_EVENTS.iter().any(|(name, _)| *name == event_type)
}

/// Whether events of this type are recorded only when something listens to them (decision 006).
pub(crate) fn is_kept_when_listened(event_type: &str) -> bool {
    event_type.starts_with("message.") || event_type == "customer.created"
}

#[cfg(test)]
mod tests {
    use super::*;
    use siyu_model::name::EventType;

    #[test]
    fn every_type_is_an_event_type_of_a_closed_schema() {
        for (name, schema) in all() {
            assert!(EventType::new(name).is_ok(), "{name}");
            assert!(is_host_family(name), "{name}");
            assert_eq!(schema["additionalProperties"], false, "{name}");
        }
        assert!(!is_host_family("message.replied"));
        assert!(!is_host_family("order.paid"));
    }
}
