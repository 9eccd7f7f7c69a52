//! The log of a card lottery (抽奖日志), computed again from its documented form.
//!
//! Nothing of the plugin that wrote the log runs here, and nothing that a line says is taken for granted that can be
//! computed: hashes, numbers, prizes and stock. Two things outside the log anchor it: what the lottery's own state says of
//! its end, so that lines cut off at the end show, and the hash of its line in the event of every draw, so that a log that
//! was written anew from end to end shows as well.
//!
//! What is not computed again is whether a customer was allowed to draw: who is a friend and how often one may draw is told
//! by events, not by the log.

mod batch;
mod canonical;
mod chi_square;
mod decide;
mod fair;
mod history;
mod line;
mod odds;
mod rules;
mod verify;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use siyu_engine::ports::inspect::{EventFilter, Inspect, Turn};
use siyu_engine::ports::store::RecordRange;
use siyu_model::json::{self, Value};
use siyu_model::limits::inspect::PAGE_ROWS_MAX;
use siyu_model::name::{Key, PluginName};

pub use odds::{Odds, PrizeOdds};

use crate::InsightError;
use crate::report::named;
use crate::walk::Walk;
use line::RevealedLine;
use verify::{Audit, Flaw};

/// The plugin whose log this is.
const LOTTERY: &str = "package-card-lottery";
/// Lines that are read at once: a line of entrants has up to 64 KiB.
const LINES_PER_PAGE: usize = 250;

/// What the verification of one campaign's log came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CampaignAudit {
    /// The campaign.
    pub campaign: String,
    /// Lines that are whole, from the first on.
    pub lines: u64,
    /// Draws among them, those of batch draws included.
    pub draws: u64,
    /// The hash of the last whole line.
    pub head: String,
    /// Whether the numbers of all draws were computed again: the seed must be revealed for that.
    pub seed: SeedState,
    /// Draws whose line has the hash that the event of the draw tells.
    pub anchored: u64,
    /// What is wrong first; none when the log is whole.
    pub broken: Option<BrokenLine>,
    /// How often each prize was drawn, and how often it should have been, over the whole lines.
    pub odds: Odds,
}

/// Whether numbers could be computed again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SeedState {
    /// The seed is sealed: hashes, prizes and stock were checked, numbers taken as they are told.
    Sealed,
    /// The seed is public, fits its commitment, and every number follows from it.
    Recomputed,
}

/// What is wrong with a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BrokenLine {
    /// The line, from 1; one after the last for what is missing at the end; 0 for what is beside the log.
    pub line: u64,
    /// What is wrong.
    pub what: String,
    /// What was found.
    pub found: String,
    /// What was expected.
    pub expected: String,
}

/// What a lottery keeps of a campaign beside the log: where the log ends.
#[derive(Debug, Deserialize)]
struct State {
    seq: u64,
    head: String,
}

/// Verifies the log of one campaign, or of all; in the order of their names. Empty when there is none.
pub async fn verify(inspect: &dyn Inspect, only: Option<&str>) -> Result<Vec<CampaignAudit>, InsightError> {
    let mut audits = Vec::new();
    let prefix = "state/";
    let mut states =
        documents(inspect, only.map_or(prefix.to_owned(), |name| format!("{prefix}{name}")), PAGE_ROWS_MAX);
    let mut found = Vec::new();
    while let Some((key, body)) = states.next().await? {
        let campaign = key.as_str().trim_start_matches(prefix).to_owned();
        if only.is_none_or(|name| name == campaign) {
            found.push((campaign, serde_json::from_str::<State>(&body).map_err(|why| why.to_string())));
        }
    }
    drop(states);
    for (campaign, state) in found {
        audits.push(campaign_audit(inspect, campaign, state).await?);
    }
    Ok(audits)
}

async fn campaign_audit(
    inspect: &dyn Inspect,
    campaign: String,
    state: Result<State, String>,
) -> Result<CampaignAudit, InsightError> {
    let state = match state {
        Ok(state) => state,
        Err(why) => {
            let flaw = Flaw::new("the state of the campaign", why, "a document that says where the log ends");
            return Ok(Audit::new(&campaign, None).report(campaign, 0, Some(flaw.at(0))));
        }
    };
    let seed = revealed_seed(inspect, &campaign, state.seq).await?;
    let mut audit = Audit::new(&campaign, seed);
    let mut broken = read_lines(inspect, &campaign, &mut audit).await?;
    if broken.is_none() {
        let end = audit.end(state.seq, &state.head).err();
        broken = end.map(|flaw| flaw.at(audit.lines() + u64::from(audit.lines() < state.seq)));
    }
    let mut anchored = 0;
    if broken.is_none() {
        (anchored, broken) = anchors(inspect, &campaign, &audit).await?;
    }
    Ok(audit.report(campaign, anchored, broken))
}

/// The seed, when the last line tells it: nothing is written after it. Whether it is the sealed one is checked with the
/// first line.
async fn revealed_seed(
    inspect: &dyn Inspect,
    campaign: &str,
    last: u64,
) -> Result<Option<fair::Seed>, InsightError> {
    let mut lines = documents(inspect, format!("line/{campaign}/{last:010}"), 1);
    let Some((_, line)) = lines.next().await? else { return Ok(None) };
    let line: Option<RevealedLine> = serde_json::from_str(&line).ok();
    Ok(line.and_then(|line| fair::Seed::from_hex(&line.seed)))
}

/// Reads the log from its first line on, to the first line that is broken.
async fn read_lines(
    inspect: &dyn Inspect,
    campaign: &str,
    audit: &mut Audit,
) -> Result<Option<BrokenLine>, InsightError> {
    let prefix = format!("line/{campaign}/");
    let mut lines = documents(inspect, prefix.clone(), LINES_PER_PAGE);
    while let Some((key, body)) = lines.next().await? {
        let place = key.as_str().trim_start_matches(&prefix);
        let expected = audit.lines() + 1;
        if let Err(flaw) = audit.read(place, &body) {
            return Ok(Some(flaw.at(expected)));
        }
    }
    Ok(None)
}

type Document = (Key, String);

/// The lottery's documents of the tenant whose keys begin so, in the order of their keys.
fn documents<'a>(inspect: &'a dyn Inspect, prefix: String, limit: usize) -> Walk<'a, Document> {
    let plugin = PluginName::new(LOTTERY).expect("the lottery's name follows the rule of plugin names");
    let prefix: Arc<str> = prefix.into();
    Walk::new(Turn::first(limit), move |turn: Turn| {
        let range = RecordRange {
            plugin: plugin.clone(),
            customer: None,
            prefix: prefix.to_string(),
            after: turn.after.map(|cursor| cursor.to_string()),
            limit: turn.limit,
        };
        Box::pin(async move {
            let items = inspect.records(range).await?;
            // A list of documents has no cursor of its own: it goes on after its last key.
            let last = items.last().filter(|_| items.len() == turn.limit);
            let next = last.map(|(key, _)| siyu_engine::ports::inspect::Cursor::new(key.to_string()));
            Ok(siyu_engine::ports::inspect::Page { items, next })
        })
    })
}

/// Holds the events of draws against the lines that they name: how many fit, and the first line that does not.
async fn anchors(
    inspect: &dyn Inspect,
    campaign: &str,
    audit: &Audit,
) -> Result<(u64, Option<BrokenLine>), InsightError> {
    let filter = EventFilter { event_type: Some(named("draw.completed")), ..EventFilter::default() };
    let mut events = Walk::new(Turn::first(PAGE_ROWS_MAX), |turn| inspect.events(filter.clone(), turn));
    let (mut anchored, mut first): (u64, Option<BrokenLine>) = (0, None);
    while let Some(event) = events.next().await? {
        // Anybody may send an event of this type; those of the lottery are made by its plugin.
        if event.source != format!("plugin:{LOTTERY}") {
            continue;
        }
        let data = json::parse_within(&event.data, usize::MAX).unwrap_or(Value::Null);
        if data.get("campaign").and_then(Value::as_str) != Some(campaign) {
            continue;
        }
        let seq =
            data.get("seq").and_then(Value::as_int).and_then(|seq| u64::try_from(seq).ok()).unwrap_or(0);
        let told = data.get("chain_hash").and_then(Value::as_str).unwrap_or_default();
        match audit.hash_of(seq) {
            Some(hash) if hash == told => anchored += 1,
            hash => {
                let found = hash.unwrap_or_else(|| "no line".to_owned());
                let what = format!("the hash that event {} of the draw tells", event.seq.0);
                // Events come newest first: the last one found is the first broken line.
                first = first.filter(|known| known.line < seq).or(Some(Flaw::new(what, found, told).at(seq)));
            }
        }
    }
    Ok((anchored, first))
}
