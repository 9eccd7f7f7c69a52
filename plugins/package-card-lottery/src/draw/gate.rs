//! Whether one may draw now, and how often. Never looks at the card.

use siyu_plugin::prelude::*;
use siyu_plugin::{context, counters};

use super::standing::Standing;
use crate::campaign::Campaign;
use crate::chain::{Ledger, Status};
use crate::keys;
use crate::refusals::*;

/// Window, closed, paused. An event from inside the window may come late by the rules' grace.
pub(crate) fn check_open(
    rules: &Campaign,
    ledger: &Ledger,
    happened_at: Option<Instant>,
) -> Result<(), Stop> {
    let (now, window) = (context::now(), &rules.window);
    if now < window.start {
        let no = NOT_STARTED.because(format!("the lottery starts at {}", window.start));
        return Err(no.details(json!({ "starts_at": window.start })).into());
    }
    let is_late = now >= window.end;
    let is_excused = now < rules.closes_at() && happened_at.is_some_and(|at| at < window.end);
    if is_late && !is_excused {
        let no = ENDED.because(format!("the lottery ended at {}", window.end));
        return Err(no.details(json!({ "ended_at": window.end })).into());
    }
    LOTTERY_CLOSED.unless(!ledger.state.status.is_closed())?;
    PAUSED.unless(ledger.state.status != Status::Paused)?;
    if let Some(source) = rules.public_source().filter(|_| !ledger.seal.is_mixed()) {
        return Err(NOT_STARTED
            .because(format!("the lottery waits for the public randomness of {source}"))
            .into());
    }
    Ok(())
}

/// The calendar day, where the rules count by days. For a customer it never goes back: after a clock that did, draws
/// count for the later day.
pub(super) fn today(rules: &Campaign, standing: &Standing) -> Result<Option<String>, Error> {
    if !rules.counts_days() {
        return Ok(None);
    }
    let today = context::now().local(&Zone::of_playbook())?.date();
    Ok(Some(standing.last_day().filter(|last| **last > *today).map_or(today, str::to_owned)))
}

/// The limits a customer, a customer's day, and a day, in this order. The last one counts at once.
pub(super) fn check_limits(
    rules: &Campaign,
    campaign: &str,
    standing: &Standing,
    day: Option<&str>,
) -> Result<(), Stop> {
    let limits = &rules.limits;
    if let Some(most) = limits.per_customer.filter(|most| standing.draws >= *most) {
        return Err(LIMIT_CUSTOMER
            .because(format!("the customer has drawn {} of {most} times", standing.draws))
            .into());
    }
    let Some(day) = day else {
        return Ok(());
    };
    if let Some(most) = limits.per_customer_per_day.filter(|most| standing.draws_on(day) >= *most) {
        return Err(LIMIT_CUSTOMER_DAY
            .because(format!("the customer has drawn {most} of {most} times on {day}"))
            .into());
    }
    if let Some(most) = limits.per_day_total
        && !counters::take(&keys::day(campaign, day), 1, most)?.ok
    {
        return Err(LIMIT_DAY_TOTAL.because(format!("all {most} draws of {day} are used up")).into());
    }
    Ok(())
}
