//! The lines of a log, as the lottery documents them.

use serde::Deserialize;

/// What stands before the first line.
pub(super) const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What every line has.
#[derive(Debug, Deserialize)]
pub(super) struct Head {
    pub(super) campaign: String,
    pub(super) kind: String,
    pub(super) prev_hash: String,
    pub(super) row_hash: String,
    pub(super) seq: u64,
}

/// The rules, or a new version of them: `opened` and `configured`.
#[derive(Debug, Deserialize)]
pub(super) struct ConfigLine {
    pub(super) config: serde_json::Value,
    pub(super) config_hash: String,
    pub(super) config_version: u32,
    /// Only in the first line.
    pub(super) seed_hash: Option<String>,
}

/// Public randomness that was mixed in.
#[derive(Debug, Deserialize)]
pub(super) struct MixedLine {
    pub(super) source: String,
    pub(super) value: String,
}

/// The seed.
#[derive(Debug, Deserialize)]
pub(super) struct RevealedLine {
    pub(super) seed: String,
}

/// A draw.
#[derive(Debug, Deserialize)]
pub(super) struct DrawLine {
    pub(super) awarded: Option<String>,
    pub(super) budget_before: Option<u64>,
    pub(super) chosen: Option<String>,
    pub(super) config_hash: String,
    pub(super) config_version: u32,
    pub(super) ctr: u32,
    pub(super) customer: String,
    pub(super) draw_no: u32,
    pub(super) entry_key: String,
    pub(super) r: u64,
    pub(super) reason: String,
    pub(super) stock_before: Option<u64>,
    pub(super) w: u64,
}

/// A prize that nobody claimed went back into the stock.
#[derive(Debug, Deserialize)]
pub(super) struct ReturnedLine {
    pub(super) draw_seq: u64,
    pub(super) prize: String,
}

/// A frozen list of entrants; their names follow in `entrants` lines.
#[derive(Debug, Deserialize)]
pub(super) struct SnapshotLine {
    pub(super) entrants: u64,
    pub(super) snapshot: String,
    pub(super) snapshot_hash: String,
    /// Prizes and how many of each, in the order in which they are given.
    pub(super) winners: Vec<(String, u64)>,
}

/// A part of the entrants.
#[derive(Debug, Deserialize)]
pub(super) struct EntrantsLine {
    pub(super) entrants: Vec<String>,
}

/// An entrant who won, or was passed over.
#[derive(Debug, Deserialize)]
pub(super) struct RankLine {
    pub(super) customer: String,
    pub(super) rank: u64,
    pub(super) awarded: Option<String>,
    pub(super) stock_before: Option<u64>,
    pub(super) budget_before: Option<u64>,
}
