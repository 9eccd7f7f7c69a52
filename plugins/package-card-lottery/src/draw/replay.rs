//! The same draw again: refreshing, a second click, a repeated webhook and a second device all get the first prize.

use serde::{Deserialize, Serialize};
use siyu_plugin::prelude::*;
use siyu_plugin::{FieldFault, records};

use super::entry::Ticket;
use super::standing::Standing;
use super::{Draw, Drawn, WonPrize};
use crate::campaign::{Campaign, EntryBy};
use crate::chain::Ledger;
use crate::events::DrawReplayed;
use crate::keys;
use crate::line::Reason;
use crate::prizes::WonDocument;
use crate::refusals::IDEMPOTENCY_MISMATCH;

/// What is kept of a request.
#[derive(Debug, Serialize, Deserialize)]
struct RequestDocument {
    /// The entry that it drew with; empty for customers and chances, which give none.
    entry: String,
    seq: u64,
}

/// Bytes of a request's name.
const REQUEST_BYTES_MAX: usize = 48;

/// The line of the draw that this wish had before, if it had one.
pub(super) fn find(
    step: &Draw,
    rules: &Campaign,
    ticket: &Ticket,
    standing: &Standing,
) -> Result<Option<u64>, Stop> {
    if let Some(request) = &step.request {
        check_name(request)?;
        let known: Option<RequestDocument> =
            records::of_customer().get(&keys::request(&step.campaign, request))?;
        if let Some(known) = known {
            IDEMPOTENCY_MISMATCH.unless(known.entry == named(step))?;
            return Ok(Some(known.seq));
        }
    }
    let has_one_draw = match rules.entry.by {
        EntryBy::Card => rules.limits.per_card == 1,
        EntryBy::Order => rules.limits.per_order == 1,
        EntryBy::Customer | EntryBy::Chance => false,
    };
    let is_own = ticket.document.by.as_deref() == Some(standing.name.as_str());
    Ok(ticket.document.draws.first().copied().filter(|_| has_one_draw && is_own))
}

/// The name of a request is 1 to 48 bytes.
pub(crate) fn check_name(request: &str) -> Result<(), Fault> {
    if (1..=REQUEST_BYTES_MAX).contains(&request.len()) {
        return Ok(());
    }
    let message = format!("a request's name has {} bytes, expected 1 to {REQUEST_BYTES_MAX}", request.len());
    Err(Fault::InvalidInput(vec![FieldFault { pointer: "/request".to_owned(), message }]))
}

fn named(step: &Draw) -> &str {
    step.entry.as_deref().map(str::trim).unwrap_or_default()
}

/// The request has had its draw.
pub(super) fn remember(step: &Draw, seq: u64) -> Result<(), Error> {
    let Some(request) = &step.request else {
        return Ok(());
    };
    let document = RequestDocument { entry: named(step).to_owned(), seq };
    records::of_customer().put(&keys::request(&step.campaign, request), &document)
}

/// What is read of a draw's line.
#[derive(Debug, Deserialize)]
struct Past {
    awarded: Option<String>,
    config_version: u32,
    reason: Reason,
    row_hash: String,
}

/// The draw as it was, under the rules of its time.
pub(super) fn again(ledger: &Ledger, customer: &str, seq: u64) -> Result<Drawn, Stop> {
    let line: Option<Past> = records::of_tenant().get(&keys::line(&ledger.campaign, seq))?;
    let line = line.ok_or_else(|| {
        Fault::permanent("LOG_BROKEN", format!("line {seq} of the log of `{}` is gone", ledger.campaign))
    })?;
    let rules = ledger.config_of(line.config_version)?;
    let prize = line.awarded.as_deref().and_then(|id| rules.prizes.iter().find(|prize| prize.id == id));
    let waiting: Option<WonDocument> = records::of(customer).get(&keys::won(&ledger.campaign, seq))?;
    let replayed = DrawReplayed { campaign: ledger.campaign.clone(), draw_id: ledger.draw_id(seq), seq };
    replayed.emit()?;
    Ok(Drawn {
        draw_id: replayed.draw_id,
        seq,
        prize: WonPrize::of(&rules, prize),
        reason: line.reason.as_str().to_owned(),
        config_version: line.config_version,
        claim_by: waiting.and_then(|won| won.claim_by),
        replayed: true,
        chain_hash: line.row_hash,
    })
}
