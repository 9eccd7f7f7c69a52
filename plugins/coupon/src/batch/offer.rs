//! What a batch offers to a customer now: whether to them at all, and from when until when.

use siyu_plugin::customers;
use siyu_plugin::prelude::*;

use super::{Audience, Batch, Relative, Validity, Window};
use crate::desk;
use crate::refusal;

/// The tag of members, and the group of their tags (会员).
const MEMBER: &str = "member";

impl Batch {
    /// From when until when a coupon that is issued now is valid.
    ///
    /// # Errors
    /// Invalid when the definition names a zone that does not exist.
    pub(crate) fn valid_from_until(&self, now: Instant) -> Result<(Instant, Instant), Error> {
        match &self.validity {
            Validity::Fixed(Window { from, to }) => Ok((*from, *to)),
            Validity::Relative(Relative { days, end_of_day, tz, starts_after }) => {
                let from = now + *starts_after;
                if !end_of_day {
                    return Ok((from, from + Duration::days(u64::from(*days))));
                }
                let zone = tz.clone().unwrap_or_else(Zone::of_playbook);
                // The next local midnight after so many days: a coupon of 7 days that is issued at 23:59 has 7 whole days.
                let later = i32::try_from(*days).unwrap_or(i32::MAX).saturating_add(1);
                Ok((from, from.start_of_day(&zone, later)?))
            }
        }
    }

    /// Whether the batch is for the call's customer.
    ///
    /// # Errors
    /// `NOT_ELIGIBLE`, with what does not hold; what the host says.
    pub(crate) fn check_audience(&self) -> Result<(), Stop> {
        match &self.audience {
            Some(audience) => audience.check(),
            None => Ok(()),
        }
    }
}

impl Audience {
    fn check(&self) -> Result<(), Stop> {
        let asks_customer = self.first_order_only || self.member_only || !self.tags_any.is_empty();
        if asks_customer {
            let found = customers::current().get()?;
            let Some(customer) = found else {
                return Err(refusal::NOT_ELIGIBLE.because("the host does not know the customer").into());
            };
            if self.first_order_only && desk::has_paid(&customer) {
                return Err(refusal::NOT_ELIGIBLE.because("the customer has paid an order before").into());
            }
            let is_member = |tag: &String| tag == MEMBER || tag.starts_with("member.");
            if self.member_only && !customer.tags.iter().any(is_member) {
                return Err(refusal::NOT_ELIGIBLE.because("the customer is no member").into());
            }
            if !self.tags_any.is_empty() && !self.tags_any.iter().any(|tag| customer.has_tag(tag)) {
                let message = format!("the customer has none of the tags {}", self.tags_any.join(", "));
                return Err(refusal::NOT_ELIGIBLE.because(message).into());
            }
        }
        if let Some(condition) = &self.condition
            && !condition.holds()?
        {
            return Err(refusal::NOT_ELIGIBLE.because(format!("`{condition}` does not hold")).into());
        }
        Ok(())
    }
}
