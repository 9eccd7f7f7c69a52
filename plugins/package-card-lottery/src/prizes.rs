//! Prizes that are claimed (兑奖): goods, and whatever no workflow grants at once. Never touches coupons.

use siyu_plugin::prelude::*;
use siyu_plugin::{FieldFault, counters, events, pools, records};

use crate::campaign::Campaign;
use crate::chain::Ledger;
use crate::decide::costs_budget;
use crate::events::{PrizeClaimed, PrizeFulfilled, PrizeUnclaimedExpired};
use crate::keys;
use crate::refusals::*;

/// Where a prize stands that is claimed. It only moves forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PrizeStatus {
    /// It waits for its customer.
    Awarded,
    /// The customer wants it.
    Claimed,
    /// It was handed over.
    Fulfilled,
    /// Nobody claimed it in time.
    Expired,
}

/// A prize of a customer, a document of the customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WonDocument {
    pub(crate) prize: String,
    pub(crate) name: String,
    pub(crate) value_fen: u64,
    pub(crate) status: PrizeStatus,
    pub(crate) claim_by: Option<Instant>,
}

/// A prize that was claimed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Claimed {
    /// The draw.
    pub draw_id: String,
    /// The prize's id.
    pub prize: String,
    /// The prize's name.
    pub name: String,
    /// What it is worth, in fen.
    pub value_fen: u64,
    /// Where it stands.
    pub status: PrizeStatus,
    /// Whether this was done before.
    pub replayed: bool,
}

/// Claims a prize for its customer (兑奖), before its time is over. Claiming again changes nothing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// The draw, as `draw` gave it.
    pub draw_id: String,
}

impl Step for Claim {
    const NAME: &'static str = "claim";
    const REFUSALS: &'static [Refusal] = &[PRIZE_UNKNOWN, CLAIM_EXPIRED];
    type Output = Claimed;

    fn run(self) -> Result<Claimed, Stop> {
        let (campaign, seq) = split(&self.draw_id)?;
        let mut won = find(campaign, seq)?;
        match won.status {
            PrizeStatus::Claimed | PrizeStatus::Fulfilled => return Ok(answer(self.draw_id, won, true)),
            PrizeStatus::Expired => return Err(CLAIM_EXPIRED.into()),
            PrizeStatus::Awarded => {}
        }
        // The instant itself belongs to the time after: windows are half-open.
        if let Some(at) = won.claim_by.filter(|at| *at <= Instant::now()) {
            return Err(CLAIM_EXPIRED.because(format!("the prize could be claimed until {at}")).into());
        }
        won.status = PrizeStatus::Claimed;
        let key = keys::won(campaign, seq);
        records::of_customer().put(&key, &won)?;
        events::cancel(&key)?;
        let claimed = PrizeClaimed {
            campaign: campaign.to_owned(),
            draw_id: self.draw_id.clone(),
            prize: won.prize.clone(),
            prize_name: won.name.clone(),
            value_fen: won.value_fen,
        };
        claimed.emit()?;
        Ok(answer(self.draw_id, won, false))
    }
}

/// Records that a claimed prize was handed over (发奖). Again changes nothing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fulfil {
    /// The draw, as `draw` gave it.
    pub draw_id: String,
    /// The parcel's number, or whatever proves it.
    #[serde(default)]
    pub reference: Option<String>,
}

impl Step for Fulfil {
    const NAME: &'static str = "fulfil";
    const REFUSALS: &'static [Refusal] = &[PRIZE_UNKNOWN, NOT_CLAIMED, CLAIM_EXPIRED];
    type Output = Claimed;

    fn run(self) -> Result<Claimed, Stop> {
        let (campaign, seq) = split(&self.draw_id)?;
        let mut won = find(campaign, seq)?;
        match won.status {
            PrizeStatus::Awarded => return Err(NOT_CLAIMED.into()),
            PrizeStatus::Expired => return Err(CLAIM_EXPIRED.into()),
            PrizeStatus::Fulfilled => return Ok(answer(self.draw_id, won, true)),
            PrizeStatus::Claimed => {}
        }
        won.status = PrizeStatus::Fulfilled;
        records::of_customer().put(&keys::won(campaign, seq), &won)?;
        let fulfilled = PrizeFulfilled {
            campaign: campaign.to_owned(),
            draw_id: self.draw_id.clone(),
            prize: won.prize.clone(),
            value_fen: won.value_fen,
            reference: self.reference,
        };
        fulfilled.emit()?;
        Ok(answer(self.draw_id, won, false))
    }
}

/// Runs by itself when the time to claim a prize is over: the prize expires, and goes back into the stock where the rules
/// say so.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct SettleUnclaimed(Incoming<PrizeUnclaimedExpired>);

impl Step for SettleUnclaimed {
    const NAME: &'static str = "settle-unclaimed";
    type Output = ();

    fn run(self) -> Result<(), Stop> {
        let PrizeUnclaimedExpired { campaign, seq, .. } = self.0.data;
        let key = keys::won(&campaign, seq);
        let Some(mut won) = records::of_customer().get::<WonDocument>(&key)? else {
            return Ok(());
        };
        // Anybody can send an event of this type; what counts is the document.
        let is_due =
            won.status == PrizeStatus::Awarded && won.claim_by.is_some_and(|at| at <= Instant::now());
        if !is_due {
            return Ok(());
        }
        won.status = PrizeStatus::Expired;
        records::of_customer().put(&key, &won)?;
        give_back(&campaign, seq, &won)
    }
}

/// Puts a prize back into the stock, if the rules say so and one can still draw.
fn give_back(campaign: &str, seq: u64, won: &WonDocument) -> Result<(), Stop> {
    let mut ledger = Ledger::require(campaign)?;
    let rules: Campaign = ledger.config()?;
    let Some(place) = rules.place_of(&won.prize) else {
        return Ok(());
    };
    if !rules.restock_unclaimed || ledger.state.status.is_closed() {
        return Ok(());
    }
    if rules.prizes[place].stock.limit().is_some() {
        pools::restock(&keys::stock(campaign, &won.prize), 1)?;
    }
    if costs_budget(&rules, place) {
        counters::give_back(&keys::budget(campaign), won.value_fen)?;
    }
    ledger.note("returned", json!({ "draw_seq": seq, "prize": won.prize }))?;
    Ok(ledger.save()?)
}

/// Campaign and line of a draw.
fn split(draw_id: &str) -> Result<(&str, u64), Fault> {
    let parts = draw_id.rsplit_once('/').and_then(|(campaign, seq)| Some((campaign, seq.parse().ok()?)));
    parts.filter(|(campaign, _)| (1..=64).contains(&campaign.len())).ok_or_else(|| {
        let found: String = draw_id.chars().take(64).collect();
        let message =
            format!("`{found}` is not a draw: expected one such as autumn-2026/42, as `draw` gives it");
        Fault::InvalidInput(vec![FieldFault { pointer: "/draw_id".to_owned(), message }])
    })
}

fn find(campaign: &str, seq: u64) -> Result<WonDocument, Stop> {
    let won = records::of_customer().get(&keys::won(campaign, seq))?;
    Ok(won.ok_or(PRIZE_UNKNOWN)?)
}

fn answer(draw_id: String, won: WonDocument, replayed: bool) -> Claimed {
    let WonDocument { prize, name, value_fen, status, .. } = won;
    Claimed { draw_id, prize, name, value_fen, status, replayed }
}

#[cfg(test)]
mod tests;
