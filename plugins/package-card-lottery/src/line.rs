//! The lines of the log (抽奖日志): what each holds, and which bytes are hashed. Never asks the host.
//!
//! A line is a JSON object. Its `row_hash` is the SHA-256, as 64 hexadecimal digits, of the 64 digits of `prev_hash`
//! followed by the canonical text (RFC 8785) of the line without its members `prev_hash` and `row_hash`. The first line's
//! `prev_hash` is 64 zeros.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use siyu_plugin::Instant;

use crate::campaign::Campaign;
use crate::fair::sha256_hex;

/// What stands before the first line.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The hash of a line.
pub fn row_hash(prev_hash: &str, canonical: &str) -> String {
    sha256_hex(&[prev_hash.as_bytes(), canonical.as_bytes()])
}

/// The text of a line with its hashes, from its canonical text without them.
pub(crate) fn sealed(canonical: &str, prev_hash: &str, row_hash: &str) -> String {
    let open = canonical.strip_suffix('}').unwrap_or(canonical);
    [open, ",\"prev_hash\":\"", prev_hash, "\",\"row_hash\":\"", row_hash, "\"}"].concat()
}

/// How a prize came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It is what was drawn.
    Drawn,
    /// A pity draw was due.
    Pity,
    /// What was drawn is used up.
    Stock,
    /// The customer has won as many of what was drawn as one may.
    Cap,
    /// The budget is used up.
    Budget,
}

impl Reason {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Drawn => "drawn",
            Self::Pity => "pity",
            Self::Stock => "stock",
            Self::Cap => "cap",
            Self::Budget => "budget",
        }
    }
}

/// A draw, without its hashes. Fields stand in the order of their names, so that writing it as it is gives the canonical
/// text.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct DrawLine<'a> {
    pub(crate) at: Cow<'a, str>,
    pub(crate) awarded: Option<Cow<'a, str>>,
    pub(crate) budget_before: Option<u64>,
    pub(crate) campaign: Cow<'a, str>,
    pub(crate) chosen: Option<Cow<'a, str>>,
    pub(crate) config_hash: Cow<'a, str>,
    pub(crate) config_version: u32,
    pub(crate) ctr: u32,
    pub(crate) customer: Cow<'a, str>,
    pub(crate) day: Option<Cow<'a, str>>,
    pub(crate) draw_id: Cow<'a, str>,
    pub(crate) draw_no: u32,
    pub(crate) entry_key: Cow<'a, str>,
    pub(crate) kind: Cow<'a, str>,
    pub(crate) plugin: Cow<'a, str>,
    pub(crate) r: u64,
    pub(crate) reason: Reason,
    pub(crate) seq: u64,
    pub(crate) stock_before: Option<u64>,
    pub(crate) trigger_event: Option<Cow<'a, str>>,
    pub(crate) w: u64,
}

impl DrawLine<'_> {
    /// Its canonical text. A line of texts and whole numbers always has one.
    pub(crate) fn canonical(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// The first line, and every new version of the rules.
#[derive(Debug, Deserialize)]
pub(crate) struct ConfigLine {
    pub(crate) at: Instant,
    pub(crate) config: serde_json::Value,
    pub(crate) config_hash: String,
    pub(crate) config_version: u32,
    /// Only in the first line.
    #[serde(default)]
    pub(crate) seed_hash: Option<String>,
}

impl ConfigLine {
    /// The rules.
    pub(crate) fn campaign(&self) -> Result<Campaign, serde_json::Error> {
        Campaign::deserialize(&self.config)
    }
}

/// The public randomness that was mixed in.
#[derive(Debug, Deserialize)]
pub(crate) struct MixedLine {
    pub(crate) source: String,
    pub(crate) value: String,
}

/// The seed.
#[derive(Debug, Deserialize)]
pub(crate) struct RevealedLine {
    pub(crate) seed: String,
}

/// A prize that nobody claimed went back into the stock.
#[derive(Debug, Deserialize)]
pub(crate) struct ReturnedLine {
    pub(crate) draw_seq: u64,
    pub(crate) prize: String,
}

/// A frozen list of entrants; their names follow in `entrants` lines.
#[derive(Debug, Deserialize)]
pub(crate) struct SnapshotLine {
    pub(crate) entrants: u64,
    pub(crate) snapshot: String,
    pub(crate) snapshot_hash: String,
    /// Prizes and how many of each are drawn, in the order in which they are given.
    pub(crate) winners: Vec<(String, u64)>,
}

/// A part of the entrants.
#[derive(Debug, Deserialize)]
pub(crate) struct EntrantsLine {
    pub(crate) entrants: Vec<String>,
}

/// An entrant who won, or was passed over.
#[derive(Debug, Deserialize)]
pub(crate) struct RankLine {
    pub(crate) customer: String,
    pub(crate) rank: u64,
    /// The prize; absent in a `passed` line.
    #[serde(default)]
    pub(crate) awarded: Option<String>,
    #[serde(default)]
    pub(crate) stock_before: Option<u64>,
    #[serde(default)]
    pub(crate) budget_before: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::canonical_of;

    #[test]
    fn a_draw_is_written_in_canonical_form() {
        let line = DrawLine {
            at: "2026-11-25T00:00:00Z".into(),
            awarded: Some("p5".into()),
            budget_before: None,
            campaign: "autumn".into(),
            chosen: None,
            config_hash: "ab".into(),
            config_version: 1,
            ctr: 0,
            customer: "00".into(),
            day: Some("2026-11-25".into()),
            draw_id: "autumn/2".into(),
            draw_no: 1,
            entry_key: "card:\"牛\"\n".into(),
            kind: "draw".into(),
            plugin: "package-card-lottery@1.0.0".into(),
            r: 968,
            reason: Reason::Stock,
            seq: 2,
            stock_before: Some(1),
            trigger_event: None,
            w: 1000,
        };
        let written = line.canonical();
        assert_eq!(written, canonical_of(&line));
        let hash = row_hash(GENESIS, &written);
        let stored: serde_json::Value = serde_json::from_str(&sealed(&written, GENESIS, &hash)).unwrap();
        assert_eq!((&stored["prev_hash"], &stored["row_hash"]), (&GENESIS.into(), &hash.as_str().into()));
    }
}
