//! Holding, closing and revealing a campaign. Closed is for ever.

use siyu_plugin::prelude::*;
use siyu_plugin::{FieldFault, context, events};

use crate::campaign::{Campaign, Reveal as WhenRevealed};
use crate::chain::{Ledger, Status};
use crate::events::{ENDED, LotteryClosed, LotterySeedRevealed, OPERATOR};
use crate::keys;
use crate::refusals::{LOTTERY_CLOSED, NOT_CLOSED};

/// Where a campaign stands after a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Standing {
    /// The campaign.
    pub campaign: String,
    /// Where it stands.
    pub status: Status,
    /// Whether the step changed that.
    pub changed: bool,
    /// The last line of the log.
    pub seq: u64,
    /// The hash of the last line.
    pub chain_hash: String,
}

impl Standing {
    fn of(ledger: Ledger, changed: bool) -> Self {
        let Ledger { campaign, state, .. } = ledger;
        Self { campaign, status: state.status, changed, seq: state.seq, chain_hash: state.head }
    }
}

/// Pauses a lottery (暂停): draws are refused with PAUSED until it is resumed. Nothing is lost.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pause {
    /// The campaign.
    pub campaign: String,
    /// Why, for the archive.
    #[serde(default)]
    pub reason: String,
}

impl Step for Pause {
    const NAME: &'static str = "pause";
    const REFUSALS: &'static [Refusal] = &[LOTTERY_CLOSED];
    type Output = Standing;

    fn run(self) -> Result<Standing, Stop> {
        turn(&self.campaign, Status::Paused, "paused", &self.reason)
    }
}

/// Resumes a paused lottery (恢复).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Resume {
    /// The campaign.
    pub campaign: String,
    /// Why, for the archive.
    #[serde(default)]
    pub reason: String,
}

impl Step for Resume {
    const NAME: &'static str = "resume";
    const REFUSALS: &'static [Refusal] = &[LOTTERY_CLOSED];
    type Output = Standing;

    fn run(self) -> Result<Standing, Stop> {
        turn(&self.campaign, Status::Open, "resumed", &self.reason)
    }
}

fn turn(campaign: &str, status: Status, kind: &str, reason: &str) -> Result<Standing, Stop> {
    let mut ledger = Ledger::require(campaign)?;
    LOTTERY_CLOSED.unless(!ledger.state.status.is_closed())?;
    let changed = ledger.state.status != status;
    if changed {
        ledger.state.status = status;
        ledger.note(kind, json!({ "reason": reason_of(reason)? }))?;
        ledger.save()?;
    }
    Ok(Standing::of(ledger, changed))
}

/// Bytes of a reason in the log.
const REASON_BYTES_MAX: usize = 500;

fn reason_of(reason: &str) -> Result<&str, Fault> {
    if reason.len() <= REASON_BYTES_MAX {
        return Ok(reason);
    }
    let message = format!("{} bytes, at most {REASON_BYTES_MAX}", reason.len());
    Err(Fault::InvalidInput(vec![FieldFault { pointer: "/reason".to_owned(), message }]))
}

/// Closes a lottery for good (关闭), before its end if need be. Prizes that were won stay won.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Close {
    /// The campaign.
    pub campaign: String,
}

impl Step for Close {
    const NAME: &'static str = "close";
    type Output = Standing;

    fn run(self) -> Result<Standing, Stop> {
        let mut ledger = Ledger::require(&self.campaign)?;
        let changed = !ledger.state.status.is_closed();
        if changed {
            close(&mut ledger, OPERATOR)?;
            ledger.save()?;
        }
        Ok(Standing::of(ledger, changed))
    }
}

/// Closes a campaign. Whoever calls saves the ledger.
pub(crate) fn close(ledger: &mut Ledger, reason: &str) -> Result<(), Error> {
    ledger.state.status = Status::Closed;
    ledger.note("closed", json!({ "reason": reason }))?;
    if reason != ENDED {
        events::cancel(&keys::closing(&ledger.campaign))?;
        LotteryClosed { campaign: ledger.campaign.clone(), reason: reason.to_owned() }.emit()?;
    }
    Ok(())
}

/// Runs by itself when a lottery closes: at its end it writes that into the log, and it reveals the seed where the rules
/// say so.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct SettleClosing(Incoming<LotteryClosed>);

impl Step for SettleClosing {
    const NAME: &'static str = "settle-closing";
    type Output = ();

    fn run(self) -> Result<(), Stop> {
        let Some(mut ledger) = Ledger::find(&self.0.data.campaign)? else {
            return Ok(());
        };
        let rules: Campaign = ledger.config()?;
        // Anybody can send an event of this type; what counts is the time, and the state.
        let is_over = context::now() >= rules.closes_at();
        if !ledger.state.status.is_closed() && is_over {
            close(&mut ledger, ENDED)?;
        }
        if ledger.state.status == Status::Closed && rules.rng.reveal == WhenRevealed::AtClose {
            reveal(&mut ledger)?;
        }
        Ok(ledger.save()?)
    }
}

/// A seed that is public.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Revealed {
    /// The campaign.
    pub campaign: String,
    /// The seed, 64 hexadecimal digits.
    pub seed: String,
    /// SHA-256 of the seed, as it was published before the first draw.
    pub seed_hash: String,
    /// Whether it was public before.
    pub replayed: bool,
}

/// Reveals the seed of a lottery that is over (公开种子), so that everybody can compute all draws again.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reveal {
    /// The campaign.
    pub campaign: String,
}

impl Step for Reveal {
    const NAME: &'static str = "reveal";
    const REFUSALS: &'static [Refusal] = &[NOT_CLOSED];
    type Output = Revealed;

    fn run(self) -> Result<Revealed, Stop> {
        let mut ledger = Ledger::require(&self.campaign)?;
        let rules: Campaign = ledger.config()?;
        if !ledger.state.status.is_closed() {
            NOT_CLOSED.unless(context::now() >= rules.closes_at())?;
            close(&mut ledger, ENDED)?;
        }
        let replayed = ledger.state.status == Status::Revealed;
        if !replayed {
            reveal(&mut ledger)?;
            ledger.save()?;
        }
        let (seed, seed_hash) = (ledger.seal.seed.revealed(), ledger.seal.seed.commitment());
        Ok(Revealed { campaign: self.campaign, seed, seed_hash, replayed })
    }
}

fn reveal(ledger: &mut Ledger) -> Result<(), Error> {
    let (seed, seed_hash) = (ledger.seal.seed.revealed(), ledger.seal.seed.commitment());
    let revealed = LotterySeedRevealed {
        campaign: ledger.campaign.clone(),
        seed: seed.clone(),
        seed_hash: seed_hash.clone(),
        seq: ledger.state.seq,
    };
    revealed.emit()?;
    ledger.state.status = Status::Revealed;
    ledger.note("revealed", json!({ "seed": seed, "seed_hash": seed_hash }))
}

/// Mixes the public randomness that the rules announced into the seed (公共随机数), once, before the first draw.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MixRandomness {
    /// The campaign.
    pub campaign: String,
    /// The value of the announced round, 16 to 256 hexadecimal digits in small letters.
    pub value: String,
}

impl Step for MixRandomness {
    const NAME: &'static str = "mix-randomness";
    const REFUSALS: &'static [Refusal] = &[LOTTERY_CLOSED];
    type Output = Standing;

    fn run(self) -> Result<Standing, Stop> {
        let mut ledger = Ledger::require(&self.campaign)?;
        let rules: Campaign = ledger.config()?;
        let invalid = |pointer: &str, message: String| {
            Fault::InvalidInput(vec![FieldFault { pointer: pointer.to_owned(), message }])
        };
        let Some(source) = rules.public_source() else {
            let message = format!("the rules of `{}` announce no public randomness", self.campaign);
            return Err(invalid("/campaign", message).into());
        };
        let is_hex = self.value.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !is_hex || !(16..=256).contains(&self.value.len()) {
            return Err(invalid("/value", "expected 16 to 256 hexadecimal digits".to_owned()).into());
        }
        LOTTERY_CLOSED.unless(!ledger.state.status.is_closed())?;
        let changed = !ledger.seal.is_mixed();
        if changed {
            ledger.mix(source, &self.value)?;
            ledger.save()?;
        }
        Ok(Standing::of(ledger, changed))
    }
}

#[cfg(test)]
mod tests;
