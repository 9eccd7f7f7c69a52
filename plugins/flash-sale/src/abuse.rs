//! Against bots and hoarders (防刷): pace, devices, age of the account, and holds that are let go again and again.

#[cfg(test)]
mod tests;

use siyu_plugin::prelude::*;
use siyu_plugin::{context, customers, records};

use crate::mine::Mine;
use crate::refusals::{ABUSE_HOLDING, CHALLENGE_REQUIRED, GATE_MEMBER, LIMIT_CUSTOMER};
use crate::reserve::Reserve;
use crate::sale::Sale;
use crate::session::Session;

/// Holds that a customer may let go in an occurrence, by cancelling or by time: bounds what a program that holds and
/// cancels without end can write.
const LET_GO_MAX: u32 = 100;
/// Bytes of the name of a device: it is a part of a key.
const DEVICE_BYTES_MAX: usize = 96;

/// Counts wishes of the second, and wants a challenge beyond the session's pace.
pub(crate) fn pace(
    terms: &Session,
    mine: &mut Mine,
    wish: &Reserve,
    (sale, now): (&Sale, Instant),
) -> Result<(), Stop> {
    let Some(most) = terms.anti_abuse.challenge_over_rps else {
        return Ok(());
    };
    let second = now.as_millis() / 1_000;
    let before = mine.asked.filter(|(at, _)| *at == second).map_or(0, |(_, count)| count);
    let count = before.saturating_add(1);
    mine.asked = Some((second, count));
    mine.save(&wish.session, &sale.occurrence)?;
    if count > most && !wish.challenge_passed {
        let message = format!("wish {count} of this second, more than {most}: a challenge first");
        Err(CHALLENGE_REQUIRED.because(message))?;
    }
    Ok(())
}

/// Hoarders, young accounts and shared devices.
pub(crate) fn check(
    terms: &Session,
    mine: &Mine,
    wish: &Reserve,
    (sale, now): (&Sale, Instant),
) -> Result<(), Stop> {
    if mine.timeouts >= terms.reservation.timeouts_max || mine.let_go >= LET_GO_MAX {
        let message = format!("{} holds ran out, {} were let go", mine.timeouts, mine.let_go);
        Err(ABUSE_HOLDING.because(message).details(json!({ "timeouts": mine.timeouts })))?;
    }
    let age = terms.anti_abuse.min_account_age;
    if !age.is_zero() {
        let since = customers::current().get()?.map_or(now, |customer| customer.created_at);
        if now.since(since) < age {
            Err(GATE_MEMBER
                .because(format!("known since {since}, expected at least {age}"))
                .details(json!({ "missing": "account_age", "eligible_at": since + age })))?;
        }
    }
    if terms.anti_abuse.one_device { one_device(wish, sale) } else { Ok(()) }
}

/// A device belongs to the first customer who used it in this occurrence.
fn one_device(wish: &Reserve, sale: &Sale) -> Result<(), Stop> {
    let device = wish.device.as_deref().filter(|device| (1..=DEVICE_BYTES_MAX).contains(&device.len()));
    let device = device.ok_or_else(|| {
        Fault::invalid(
            "/device",
            format!("the session has `one_device`: expected 1 to {DEVICE_BYTES_MAX} bytes"),
        )
    })?;
    let (place, me) = (key(&["device", &wish.session, &sale.occurrence, device]), context::customer()?);
    let devices = records::of_tenant();
    if devices.insert(&place, &me)? || devices.get::<String>(&place)?.is_some_and(|owner| owner == me) {
        return Ok(());
    }
    Err(LIMIT_CUSTOMER
        .because("this device has been used by another customer in this sale")
        .details(json!({ "per": "device" })))?
}
