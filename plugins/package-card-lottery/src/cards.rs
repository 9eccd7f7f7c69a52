//! Parcel cards (包裹卡): printing their tokens, and recording that they went out. Never draws.

use siyu_plugin::prelude::*;
use siyu_plugin::{FieldFault, records};

use crate::chain::{Ledger, card_mac};
use crate::draw::{TicketDocument, card_key, is_signed};
use crate::events::CardShipped;
use crate::keys;
use crate::refusals::{CARD_ALREADY_SHIPPED, CARD_INVALID};

/// Records that a card went out with a parcel (随单寄出). Again, with the same order, changes nothing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ship {
    /// The campaign.
    pub campaign: String,
    /// The card's token; absent when all cards carry the same code, then the order is counted.
    #[serde(default)]
    pub card: Option<String>,
    /// The order that it goes with.
    #[serde(default)]
    pub order: Option<String>,
    /// The print run (卡片批次); that of a signed token when absent.
    #[serde(default)]
    pub batch: Option<String>,
    /// The artwork (创意), to compare takes.
    #[serde(default)]
    pub creative: Option<String>,
}

/// A card that went out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Shipped {
    /// The card's token.
    pub card: Option<String>,
    /// The order that it went with.
    pub order: Option<String>,
    /// The print run.
    pub batch: Option<String>,
    /// Whether that was recorded before.
    pub replayed: bool,
}

impl Step for Ship {
    const NAME: &'static str = "ship";
    const REFUSALS: &'static [Refusal] = &[CARD_INVALID, CARD_ALREADY_SHIPPED];
    type Output = Shipped;

    fn run(self) -> Result<Shipped, Stop> {
        let ledger = Ledger::require(&self.campaign)?;
        let (key, batch) = match (&self.card, &self.order) {
            (Some(card), _) => self.card_of(&ledger, card)?,
            (None, Some(order)) => {
                let digest = ledger.seal.salt.pseudonym("order", order);
                (keys::ticket("parcel", &self.campaign, &digest), self.batch.clone())
            }
            (None, None) => {
                let message = "neither a card nor an order: expected at least one".to_owned();
                return Err(
                    Fault::InvalidInput(vec![FieldFault { pointer: "/card".to_owned(), message }]).into()
                );
            }
        };
        let mut document: TicketDocument = records::of_tenant().get(&key)?.unwrap_or_default();
        let replayed = document.shipped;
        if replayed {
            let is_same = self.order.is_none() || self.order == document.order_no;
            CARD_ALREADY_SHIPPED.unless(is_same)?;
        } else {
            document.shipped = true;
            document.order_no = self.order;
            document.batch = batch;
            document.creative_id = self.creative;
            records::of_tenant().put(&key, &document)?;
            let shipped = CardShipped {
                campaign: self.campaign,
                card: self.card.clone(),
                order_no: document.order_no.clone(),
                batch: document.batch.clone(),
                creative_id: document.creative_id.clone(),
            };
            shipped.emit()?;
        }
        Ok(Shipped { card: self.card, order: document.order_no, batch: document.batch, replayed })
    }
}

impl Ship {
    fn card_of(&self, ledger: &Ledger, card: &str) -> Result<(String, Option<String>), Stop> {
        let rules: crate::campaign::Campaign = ledger.config()?;
        let key = card_key(&self.campaign, card).ok_or(CARD_INVALID)?;
        CARD_INVALID.unless(!rules.entry.signed || is_signed(ledger, card))?;
        let of_token = card.strip_prefix("c1.").and_then(|rest| rest.split('.').next());
        Ok((key, self.batch.clone().or_else(|| of_token.map(str::to_owned))))
    }
}

/// Makes tokens for a print run of cards (印卡). They cannot be guessed or forged, and the same wish gives the same tokens.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PrintCards {
    /// The campaign.
    pub campaign: String,
    /// The print run (卡片批次): 1 to 32 of a-z, 0-9, - and _.
    pub batch: String,
    /// The number of the first card.
    #[schemars(range(min = 1))]
    pub first: u32,
    /// How many cards, at most 1,000 at a time.
    #[schemars(range(min = 1, max = 1000))]
    pub count: u32,
}

/// Tokens of cards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Printed {
    /// `c1.<batch>.<number>.<20 hexadecimal digits>`, in the order of their numbers.
    pub tokens: Vec<String>,
}

/// Cards of one call: their tokens fit into an output.
const CARDS_MAX: u32 = 1_000;

impl Step for PrintCards {
    const NAME: &'static str = "print-cards";
    type Output = Printed;

    fn run(self) -> Result<Printed, Stop> {
        let invalid = |pointer: &str, message: &str| {
            Fault::InvalidInput(vec![FieldFault { pointer: pointer.to_owned(), message: message.to_owned() }])
        };
        let is_slug =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
        if !(1..=32).contains(&self.batch.len()) || !self.batch.bytes().all(is_slug) {
            return Err(invalid("/batch", "expected 1 to 32 of a-z, 0-9, - and _").into());
        }
        if !(1..=CARDS_MAX).contains(&self.count) {
            return Err(invalid("/count", "expected 1 to 1000").into());
        }
        let last = self.first.checked_add(self.count - 1).filter(|_| self.first > 0);
        let last = last.ok_or_else(|| invalid("/first", "cards are numbered from 1 to 4294967295"))?;
        let ledger = Ledger::require(&self.campaign)?;
        let token = |number: u32| {
            let body = format!("c1.{}.{number}", self.batch);
            let mac = card_mac(&ledger.seal.card_key, &self.campaign, &body);
            format!("{body}.{mac}")
        };
        Ok(Printed { tokens: (self.first..=last).map(token).collect() })
    }
}

#[cfg(test)]
mod tests;
