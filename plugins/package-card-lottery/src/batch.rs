//! Draws among many (批量抽奖): a list of entrants is frozen, put into an order that the sealed seed gives, and the first
//! ones win. Running it again gives the same winners; who comes later is for the next list.

use std::collections::BTreeMap;

use siyu_plugin::prelude::*;
use siyu_plugin::{FieldFault, context, events, records};

use crate::campaign::Campaign;
use crate::chain::Ledger;
use crate::decide::{Shelf, costs_budget, obstacle};
use crate::draw::award::{self, HandOver, Live};
use crate::draw::standing::Standing;
use crate::draw::{Trigger, WonPrize, check_eligible, check_open, in_force, may_win};
use crate::events::DrawCompleted;
use crate::fair::{Lot, sha256_hex};
use crate::keys;
use crate::line::Reason;
use crate::refusals::*;

/// Entrants of one draw. They are ranked in one call, within half of its budget of instructions.
pub(crate) const ENTRANTS_MAX: usize = 10_000;
/// Winners of one draw: each is an event, and a call records at most 100.
pub(crate) const WINNERS_MAX: u32 = 80;
/// Entrants that one draw passes over: each costs some of the 10,000 host calls of a call.
const PASSED_MAX: u32 = 2_000;
/// Entrants of one line of the log: a document has at most 64 KiB.
const ENTRANTS_PER_LINE: usize = 1_500;

/// Puts the customer on the list of a later batch draw (报名). Again changes nothing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Enter {
    /// The campaign.
    pub campaign: String,
    /// The list: 1 to 48 of a-z, 0-9, - and _, such as `live-0815`.
    pub snapshot: String,
}

/// A customer on a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Entered {
    /// The list.
    pub snapshot: String,
    /// Whether the customer was on it before.
    pub replayed: bool,
}

impl Step for Enter {
    const NAME: &'static str = "enter";
    const REFUSALS: &'static [Refusal] =
        &[NOT_STARTED, ENDED, LOTTERY_CLOSED, PAUSED, NOT_ELIGIBLE, NOT_FRIEND, SNAPSHOT_FROZEN];
    type Output = Entered;

    fn run(self) -> Result<Entered, Stop> {
        check_snapshot(&self.snapshot)?;
        let (rules, ledger) = in_force(&self.campaign)?;
        check_open(&rules, &ledger, Trigger::of_call()?.time)?;
        check_eligible(&rules)?;
        let tenant = records::of_tenant();
        let is_frozen = tenant.get::<BatchDrawn>(&keys::snapshot(&self.campaign, &self.snapshot))?.is_some();
        SNAPSHOT_FROZEN.unless(!is_frozen)?;
        let key = format!("{}{}", keys::entrants(&self.campaign, &self.snapshot), context::customer()?);
        let is_new = tenant.insert(&key, &true)?;
        Ok(Entered { snapshot: self.snapshot, replayed: !is_new })
    }
}

fn check_snapshot(name: &str) -> Result<(), Fault> {
    let is_slug =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    if (1..=48).contains(&name.len()) && name.bytes().all(is_slug) {
        return Ok(());
    }
    Err(invalid("/snapshot", "expected 1 to 48 of a-z, 0-9, - and _"))
}

fn invalid(pointer: impl Into<String>, message: impl Into<String>) -> Fault {
    Fault::InvalidInput(vec![FieldFault { pointer: pointer.into(), message: message.into() }])
}

/// Draws winners among many (批量抽奖): who entered the list, or who is named. At most one prize each.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DrawBatch {
    /// The campaign.
    pub campaign: String,
    /// The list: 1 to 48 of a-z, 0-9, - and _. It is drawn once.
    pub snapshot: String,
    /// How many of each prize, at most 80 together; prizes are given in the order of the rules.
    pub winners: BTreeMap<String, u32>,
    /// Customers by id, at most 10,000; those who entered when absent.
    #[serde(default)]
    pub entrants: Option<Vec<String>>,
}

/// A batch draw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BatchDrawn {
    /// The list.
    pub snapshot: String,
    /// SHA-256 of the sorted names of all entrants, one a line.
    pub snapshot_hash: String,
    /// How many entered.
    pub entrants: u64,
    /// Who won, in the order of their ranks.
    pub winners: Vec<Winner>,
    /// Prizes that nobody got: too few entrants, or used up.
    pub unassigned: u32,
    /// Whether it was drawn before.
    pub replayed: bool,
    /// What was asked for, so that the same list is not drawn for something else.
    wanted: BTreeMap<String, u32>,
}

/// A winner of a batch draw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Winner {
    /// The customer's id.
    pub customer: String,
    /// The draw, as `claim` wants it.
    pub draw_id: String,
    /// The place in the order that the seed gives, from 1.
    pub rank: u64,
    /// What was won.
    pub prize: WonPrize,
    /// Until when it can be claimed.
    pub claim_by: Option<Instant>,
    /// The hash of its line in the log.
    pub chain_hash: String,
}

impl Step for DrawBatch {
    const NAME: &'static str = "draw-batch";
    const REFUSALS: &'static [Refusal] =
        &[NOT_STARTED, ENDED, LOTTERY_CLOSED, PAUSED, SNAPSHOT_EMPTY, IDEMPOTENCY_MISMATCH];
    type Output = BatchDrawn;

    fn run(self) -> Result<BatchDrawn, Stop> {
        check_snapshot(&self.snapshot)?;
        let (rules, ledger) = in_force(&self.campaign)?;
        let key = keys::snapshot(&self.campaign, &self.snapshot);
        if let Some(drawn) = records::of_tenant().get::<BatchDrawn>(&key)? {
            IDEMPOTENCY_MISMATCH.unless(drawn.wanted == self.winners)?;
            return Ok(BatchDrawn { replayed: true, ..drawn });
        }
        let slots = self.slots(&rules)?;
        let trigger = Trigger::of_call()?;
        check_open(&rules, &ledger, trigger.time)?;
        let entrants = self.freeze(&ledger)?;
        let mut batch = Batch { step: &self, rules: &rules, ledger, trigger, slots, passed: 0 };
        let drawn = batch.run(entrants)?;
        batch.ledger.save()?;
        records::of_tenant().put(&key, &drawn)?;
        Ok(drawn)
    }
}

impl DrawBatch {
    /// Places of prizes and how many of each, in the order of the rules.
    fn slots(&self, rules: &Campaign) -> Result<Vec<(usize, u32)>, Fault> {
        for id in self.winners.keys() {
            if rules.place_of(id).is_none() {
                return Err(invalid(format!("/winners/{id}"), "there is no such prize"));
            }
        }
        let total = self.winners.values().fold(0_u32, |sum, count| sum.saturating_add(*count));
        if !(1..=WINNERS_MAX).contains(&total) {
            return Err(invalid(
                "/winners",
                format!("{total} winners, expected 1 to {WINNERS_MAX} in one draw"),
            ));
        }
        let slots = rules.prizes.iter().enumerate();
        Ok(slots.filter_map(|(place, prize)| Some((place, *self.winners.get(&prize.id)?))).collect())
    }

    /// All entrants by their names in the log, sorted, each once.
    fn freeze(&self, ledger: &Ledger) -> Result<Vec<Entrant>, Stop> {
        let ids = match &self.entrants {
            Some(ids) => ids.clone(),
            None => self.entered()?,
        };
        if ids.len() > ENTRANTS_MAX {
            let message = format!("{} entrants, at most {ENTRANTS_MAX} in one draw", ids.len());
            return Err(invalid("/entrants", message).into());
        }
        let salt = &ledger.seal.salt;
        let mut entrants: Vec<Entrant> = ids
            .into_iter()
            .map(|customer| Entrant { name: salt.pseudonym("customer", &customer), customer })
            .collect();
        entrants.sort_by(|a, b| a.name.cmp(&b.name));
        entrants.dedup_by(|a, b| a.name == b.name);
        SNAPSHOT_EMPTY.unless(!entrants.is_empty())?;
        Ok(entrants)
    }

    fn entered(&self) -> Result<Vec<String>, Error> {
        let prefix = keys::entrants(&self.campaign, &self.snapshot);
        let mut ids = Vec::new();
        for entry in records::of_tenant().scan::<bool>(&prefix) {
            let (key, _) = entry?;
            ids.extend(key.strip_prefix(&prefix).map(str::to_owned));
            if ids.len() > ENTRANTS_MAX {
                break;
            }
        }
        Ok(ids)
    }
}

struct Entrant {
    name: String,
    customer: String,
}

/// SHA-256 of sorted names, one a line.
pub(crate) fn snapshot_hash<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let text = names.collect::<Vec<_>>().join("\n");
    sha256_hex(&[text.as_bytes()])
}

struct Batch<'a> {
    step: &'a DrawBatch,
    rules: &'a Campaign,
    ledger: Ledger,
    trigger: Trigger,
    /// Prizes that are still to be given, the next one first.
    slots: Vec<(usize, u32)>,
    /// Entrants who were passed over.
    passed: u32,
}

/// What became of an entrant.
enum Met {
    Won(Box<Winner>),
    Passed,
    /// No prize is left to give.
    NothingLeft,
}

impl Batch<'_> {
    fn run(&mut self, entrants: Vec<Entrant>) -> Result<BatchDrawn, Stop> {
        let hash = snapshot_hash(entrants.iter().map(|entrant| entrant.name.as_str()));
        self.note_snapshot(&entrants, &hash)?;
        let count = entrants.len() as u64;
        let source = self.ledger.seal.source();
        let mut ranked: Vec<_> = entrants
            .into_iter()
            .map(|entrant| (source.rank(&self.step.campaign, &hash, &entrant.name), entrant))
            .collect();
        ranked.sort_by_key(|(digest, _)| *digest);
        let mut winners = Vec::new();
        for (place, (_, entrant)) in ranked.iter().enumerate() {
            match self.meet(entrant, place as u64 + 1, &hash)? {
                Met::Won(winner) => winners.push(*winner),
                Met::Passed => {}
                Met::NothingLeft => break,
            }
        }
        let given = u32::try_from(winners.len()).unwrap_or(u32::MAX);
        let wanted = self.step.winners.clone();
        Ok(BatchDrawn {
            snapshot: self.step.snapshot.clone(),
            snapshot_hash: hash,
            entrants: count,
            unassigned: wanted.values().sum::<u32>().saturating_sub(given),
            winners,
            replayed: false,
            wanted,
        })
    }

    fn note_snapshot(&mut self, entrants: &[Entrant], hash: &str) -> Result<(), Error> {
        let winners: Vec<_> =
            self.slots.iter().map(|(place, count)| (&self.rules.prizes[*place].id, count)).collect();
        let members = json!({
            "entrants": entrants.len(),
            "snapshot": self.step.snapshot,
            "snapshot_hash": hash,
            "winners": winners,
        });
        self.ledger.note("snapshot", members)?;
        for part in entrants.chunks(ENTRANTS_PER_LINE) {
            let names: Vec<_> = part.iter().map(|entrant| entrant.name.as_str()).collect();
            self.ledger.note("entrants", json!({ "entrants": names, "snapshot": self.step.snapshot }))?;
        }
        Ok(())
    }

    /// The next prize for the next entrant, if both fit.
    fn meet(&mut self, entrant: &Entrant, rank: u64, hash: &str) -> Result<Met, Stop> {
        self.slots.retain(|(_, left)| *left > 0);
        if self.slots.is_empty() {
            return Ok(Met::NothingLeft);
        }
        if !may_win(self.rules, &entrant.customer)? {
            return self.pass(entrant, rank, "not_eligible");
        }
        let standing = Standing::of(&self.ledger, &entrant.customer)?;
        while let Some((place, _)) = self.slots.first().copied() {
            let lot = Lot { campaign: &self.step.campaign, config_version: 0, entry_key: hash, draw_no: 0 };
            let mut shelf = Live::new(self.rules, &standing, self.ledger.seal.source(), lot);
            match obstacle(self.rules, &mut shelf, place)? {
                Some(Reason::Cap) => return self.pass(entrant, rank, "cap"),
                Some(_) => drop(self.slots.remove(0)),
                None => {
                    let stock = shelf.stock_left(place)?;
                    let costs = costs_budget(self.rules, place);
                    let budget = if costs { shelf.budget_left()? } else { None };
                    return self.win(entrant, standing, rank, Given { place, stock, budget });
                }
            }
        }
        Ok(Met::NothingLeft)
    }

    /// Somebody who is no customer, may not take part or has won enough is passed over, for the record.
    fn pass(&mut self, entrant: &Entrant, rank: u64, reason: &str) -> Result<Met, Stop> {
        self.passed += 1;
        if self.passed > PASSED_MAX {
            let message = format!(
                "more than {PASSED_MAX} entrants may not win: let those enter who may, as the step `enter` does"
            );
            return Err(Fault::permanent("TOO_MANY_PASSED", message).into());
        }
        let members = json!({
            "customer": entrant.name,
            "rank": rank,
            "reason": reason,
            "snapshot": self.step.snapshot,
        });
        self.ledger.note("passed", members)?;
        Ok(Met::Passed)
    }

    fn win(
        &mut self,
        entrant: &Entrant,
        mut standing: Standing,
        rank: u64,
        given: Given,
    ) -> Result<Met, Stop> {
        let Given { place, stock, budget } = given;
        let prize = &self.rules.prizes[place];
        award::take(self.rules, &self.step.campaign, Some(place), stock)?;
        let seq = self.ledger.next_seq();
        let members = json!({
            "awarded": prize.id,
            "budget_before": budget,
            "config_hash": self.ledger.seal.config_hash,
            "config_version": self.ledger.seal.config_version,
            "customer": entrant.name,
            "draw_id": self.ledger.draw_id(seq),
            "entry_key": format!("snapshot:{}#{rank}", self.step.snapshot),
            "rank": rank,
            "snapshot": self.step.snapshot,
            "stock_before": stock,
            "trigger_event": self.trigger.id,
        });
        self.ledger.state.draws += 1;
        self.ledger.note("won", members)?;
        standing.count_prize(prize);
        standing.save(&self.step.campaign, &entrant.customer)?;
        if let Some((_, left)) = self.slots.first_mut() {
            *left -= 1;
        }
        let over = HandOver { rules: self.rules, ledger: &self.ledger, customer: &entrant.customer, seq };
        let claim_by = over.hand(prize)?;
        let won = WonPrize::of(self.rules, Some(prize));
        let completed = DrawCompleted {
            reason: "batch".to_owned(),
            entry_by: "snapshot".to_owned(),
            snapshot: Some(self.step.snapshot.clone()),
            ..over.completed(&won, claim_by)
        };
        events::emit_for(&entrant.customer, &completed)?;
        Ok(Met::Won(Box::new(Winner {
            customer: entrant.customer.clone(),
            draw_id: completed.draw_id,
            rank,
            prize: won,
            claim_by,
            chain_hash: completed.chain_hash,
        })))
    }
}

/// A prize and what there was of it.
struct Given {
    place: usize,
    stock: Option<u64>,
    budget: Option<u64>,
}

#[cfg(test)]
mod tests;
