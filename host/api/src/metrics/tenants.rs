//! Numbers of tenants: a line for each of them and each number. Nothing that a caller names becomes a label: tenants are named by
//! whoever administers the host.

use std::fmt::Write as _;

use siyu_engine::tenant::TenantNumbers;
use siyu_model::name::TenantName;

use super::{head, seconds};

/// A number of a tenant.
struct Family {
    name: &'static str,
    kind: &'static str,
    about: &'static str,
    value: fn(&TenantNumbers) -> String,
}

const FAMILIES: [Family; 10] = [
    counter("siyu_tenant_events_total", "Events in the log.", |of| of.events.to_string()),
    counter("siyu_tenant_runs_started_total", "Runs that started.", |of| of.runs_started.to_string()),
    counter("siyu_tenant_runs_ended_total", "Runs that came to an end.", |of| of.runs_ended.to_string()),
    counter("siyu_tenant_commits_total", "Batches that became durable.", |of| of.commits.to_string()),
    counter(
        "siyu_tenant_commit_seconds_total",
        "How long that took, from the last step to the disk.",
        |of| micros(of.commit_time),
    ),
    counter("siyu_tenant_plugin_calls_total", "Calls of plugins by steps.", |of| of.calls.to_string()),
    counter("siyu_tenant_plugin_seconds_total", "How long plugins took in them.", |of| micros(of.call_time)),
    counter("siyu_tenant_timers_total", "Timers that fired.", |of| of.timers.to_string()),
    counter(
        "siyu_tenant_timers_late_seconds_total",
        "By how much they were late, those of times when nobody served included.",
        |of| micros(of.timers_late),
    ),
    Family {
        name: "siyu_tenant_inbox",
        kind: "gauge",
        about: "Commands that wait for the tenant.",
        value: |of| of.waiting.to_string(),
    },
];

/// Lines of journals have a number for each of their kinds.
const LINES: &str = "siyu_tenant_journal_lines_total";

const fn counter(name: &'static str, about: &'static str, value: fn(&TenantNumbers) -> String) -> Family {
    Family { name, kind: "counter", about, value }
}

fn micros(time: std::time::Duration) -> String {
    seconds(u64::try_from(time.as_micros()).unwrap_or(u64::MAX))
}

/// The numbers of all tenants.
pub(super) fn write(text: &mut String, tenants: &[(TenantName, TenantNumbers)]) {
    for Family { name, kind, about, value } in &FAMILIES {
        head(text, name, kind, about);
        for (tenant, numbers) in tenants {
            // Text takes whatever is written to it, here and below.
            let _ = writeln!(text, "{name}{{tenant=\"{tenant}\"}} {}", value(numbers));
        }
    }
    head(text, LINES, "counter", "Lines of journals by their kind: what became of steps.");
    for (tenant, numbers) in tenants {
        for (kind, count) in numbers.lines.iter().filter(|(_, count)| *count > 0) {
            let _ = writeln!(text, "{LINES}{{tenant=\"{tenant}\",kind=\"{kind}\"}} {count}");
        }
    }
}
