//! The keys of what the plugin keeps. Never reads or writes.

use siyu_plugin::key;

/// The state of a campaign, a document of the tenant.
pub(crate) fn state(campaign: &str) -> String {
    key(&["state", campaign])
}

/// The secrets and the rules of a campaign, a document of the tenant.
pub(crate) fn seal(campaign: &str) -> String {
    key(&["seal", campaign])
}

/// The rules of a version, a document of the tenant.
pub(crate) fn config(campaign: &str, version: u32) -> String {
    key(&["config", campaign, &version.to_string()])
}

/// Before every line of a campaign's log.
pub fn lines(campaign: &str) -> String {
    format!("{}/", key(&["line", campaign]))
}

/// A line of the log, a document of the tenant. Numbers have ten digits, so that keys are in the order of lines.
pub(crate) fn line(campaign: &str, seq: u64) -> String {
    format!("{}{seq:010}", lines(campaign))
}

/// A card or an order that was seen, a document of the tenant.
pub(crate) fn ticket(kind: &str, campaign: &str, entry: &str) -> String {
    key(&[kind, campaign, entry])
}

/// What a customer did in a campaign, a document of the customer.
pub(crate) fn standing(campaign: &str) -> String {
    key(&["standing", campaign])
}

/// The draw of a request, a document of the customer.
pub(crate) fn request(campaign: &str, request: &str) -> String {
    key(&["request", campaign, request])
}

/// A grant of chances, a document of the customer.
pub(crate) fn grant(campaign: &str, request: &str) -> String {
    key(&["grant", campaign, request])
}

/// A prize that waits to be claimed, a document of the customer, and the key of its planned expiry.
pub(crate) fn won(campaign: &str, seq: u64) -> String {
    key(&["won", campaign, &seq.to_string()])
}

/// Before every entrant of a snapshot.
pub(crate) fn entrants(campaign: &str, snapshot: &str) -> String {
    format!("{}/", key(&["entrant", campaign, snapshot]))
}

/// A snapshot that was drawn, a document of the tenant.
pub(crate) fn snapshot(campaign: &str, snapshot: &str) -> String {
    key(&["snapshot", campaign, snapshot])
}

/// The pool of a prize.
pub(crate) fn stock(campaign: &str, prize: &str) -> String {
    key(&["stock", campaign, prize])
}

/// The counter of what prizes cost.
pub(crate) fn budget(campaign: &str) -> String {
    key(&["budget", campaign])
}

/// The counter of a day's draws.
pub(crate) fn day(campaign: &str, date: &str) -> String {
    key(&["day", campaign, date])
}

/// The planned opening.
pub(crate) fn opening(campaign: &str) -> String {
    key(&["opening", campaign])
}

/// The planned closing.
pub(crate) fn closing(campaign: &str) -> String {
    key(&["closing", campaign])
}
