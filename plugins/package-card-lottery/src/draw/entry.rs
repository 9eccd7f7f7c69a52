//! What a draw is given for: a card, an order, being a customer, or a chance. A card or an order belongs to the first
//! customer who draws with it.

use serde::{Deserialize, Serialize};
use siyu_plugin::prelude::*;
use siyu_plugin::{FieldFault, records};

use super::Draw;
use super::standing::Standing;
use crate::campaign::{Campaign, EntryBy};
use crate::chain::{Ledger, card_mac};
use crate::events::CardScanConflict;
use crate::keys;
use crate::refusals::*;

/// Bytes of a card's token or an order's number.
pub(crate) const TOKEN_BYTES_MAX: usize = 120;
/// Bytes of a key, a rule of the contract.
const KEY_BYTES_MAX: usize = 256;

/// What is kept of a card or an order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TicketDocument {
    /// The name in the log of who has drawn with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) by: Option<String>,
    /// The lines of its draws.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) draws: Vec<u64>,
    /// Whether it went out.
    #[serde(default)]
    pub(crate) shipped: bool,
    /// The order that it went with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) order_no: Option<String>,
    /// The print run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) batch: Option<String>,
    /// The artwork.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) creative_id: Option<String>,
}

/// An entry.
#[derive(Debug, Clone)]
pub(crate) struct Ticket {
    by: EntryBy,
    /// What the draw is named by in the log.
    pub(crate) entry_key: String,
    /// Where its document is; none for customers, chances and tokens that are none.
    key: Option<String>,
    pub(crate) document: TicketDocument,
}

impl Ticket {
    pub(super) fn of(
        step: &Draw,
        rules: &Campaign,
        ledger: &Ledger,
        standing: &Standing,
    ) -> Result<Self, Stop> {
        let by = rules.entry.by;
        match by {
            EntryBy::Card => {
                let token = step.given("a card's token")?;
                let key = card_key(&step.campaign, token);
                Self::known(by, token.to_owned(), key)
            }
            EntryBy::Order => {
                let digest = order_digest(ledger, step.given("an order's number")?);
                let key = keys::ticket("order", &step.campaign, &digest);
                Self::known(by, format!("order:{digest}"), Some(key))
            }
            EntryBy::Customer => Ok(Self::without_document(by, standing, standing.draws + 1)),
            EntryBy::Chance => Ok(Self::without_document(by, standing, standing.used + 1)),
        }
    }

    fn known(by: EntryBy, entry_key: String, key: Option<String>) -> Result<Self, Stop> {
        let document = key.as_deref().map(|key| records::of_tenant().get(key)).transpose()?.flatten();
        Ok(Self { by, entry_key, key, document: document.unwrap_or_default() })
    }

    fn without_document(by: EntryBy, standing: &Standing, number: u32) -> Self {
        let entry_key = format!("{}:{}#{number}", by.as_str(), standing.name);
        Self { by, entry_key, key: None, document: TicketDocument::default() }
    }

    /// How many draws the entry has had, with the one that is asked for.
    pub(super) fn draw_no(&self) -> u32 {
        u32::try_from(self.document.draws.len()).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// Whether it is valid, the customer's, and has a draw left.
    pub(super) fn check(
        &self,
        step: &Draw,
        rules: &Campaign,
        standing: &Standing,
        ledger: &Ledger,
    ) -> Result<(), Stop> {
        match self.by {
            EntryBy::Customer => return Ok(()),
            EntryBy::Chance => return Ok(NO_CHANCE.unless(standing.chances() > 0)?),
            EntryBy::Card => {
                let is_valid = self.key.is_some()
                    && (!rules.entry.signed || is_signed(ledger, &self.entry_key))
                    && (!rules.entry.shipped_only || self.document.shipped);
                CARD_INVALID.unless(is_valid)?;
            }
            EntryBy::Order => {}
        }
        if self.document.by.as_ref().is_some_and(|owner| *owner != standing.name) {
            if self.by == EntryBy::Card {
                CardScanConflict { campaign: step.campaign.clone(), card: self.entry_key.clone() }.emit()?;
            }
            return Err(CARD_USED_BY_OTHER.into());
        }
        let (limit, most) = match self.by {
            EntryBy::Card => (LIMIT_CARD, rules.limits.per_card),
            _ => (LIMIT_ORDER, rules.limits.per_order),
        };
        Ok(limit.unless(self.draw_no() <= most)?)
    }

    /// It belongs to this customer now.
    pub(super) fn remember(&mut self, standing: &Standing, seq: u64) -> Result<(), Error> {
        let Some(key) = &self.key else {
            return Ok(());
        };
        self.document.by = Some(standing.name.clone());
        self.document.draws.push(seq);
        records::of_tenant().put(key, &self.document)
    }

    pub(super) fn card(&self) -> Option<String> {
        (self.by == EntryBy::Card).then(|| self.entry_key.clone())
    }

    pub(super) fn order_no(&self, entry: Option<&str>) -> Option<String> {
        if self.by == EntryBy::Order {
            entry.map(|entry| entry.trim().to_owned())
        } else {
            self.document.order_no.clone()
        }
    }

    pub(super) fn batch(&self) -> Option<String> {
        self.document.batch.clone().or_else(|| batch_of(&self.entry_key).map(str::to_owned))
    }

    pub(super) fn creative_id(&self) -> Option<String> {
        self.document.creative_id.clone()
    }
}

impl Draw {
    fn given(&self, what: &str) -> Result<&str, Fault> {
        let entry = self.entry.as_deref().map(str::trim).unwrap_or_default();
        if entry.is_empty() {
            let message = format!("the campaign `{}` draws by {what}, and none is given", self.campaign);
            return Err(Fault::InvalidInput(vec![FieldFault { pointer: "/entry".to_owned(), message }]));
        }
        Ok(entry)
    }
}

/// Where a card's document is; none for what cannot be a token: 1 to 120 visible ASCII symbols.
pub(crate) fn card_key(campaign: &str, token: &str) -> Option<String> {
    let is_token =
        (1..=TOKEN_BYTES_MAX).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_graphic());
    let key = is_token.then(|| keys::ticket("card", campaign, token));
    key.filter(|key| key.len() <= KEY_BYTES_MAX)
}

/// An order's name in the log: nobody reads the number there.
fn order_digest(ledger: &Ledger, order_no: &str) -> String {
    ledger.seal.salt.pseudonym("order", order_no)
}

/// Whether the campaign's own key made the token: `c1.<batch>.<number>.<20 hexadecimal digits>`.
pub(crate) fn is_signed(ledger: &Ledger, token: &str) -> bool {
    let Some((body, mac)) = token.rsplit_once('.').filter(|(body, _)| body.starts_with("c1.")) else {
        return false;
    };
    let made = card_mac(&ledger.seal.card_key, &ledger.campaign, body);
    // As long for a wrong digit at the start as for one at the end.
    let differs = made.bytes().zip(mac.bytes()).fold(0, |differs, (a, b)| differs | (a ^ b));
    mac.len() == made.len() && differs == 0
}

/// The print run that a signed token names.
fn batch_of(token: &str) -> Option<&str> {
    token.strip_prefix("c1.")?.split('.').next()
}
