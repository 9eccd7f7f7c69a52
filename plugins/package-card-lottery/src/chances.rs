//! Chances to draw (抽奖机会): granted for purchases, friends added or whatever a workflow sees. Never draws.

use siyu_plugin::prelude::*;
use siyu_plugin::{FieldFault, context, records};

use crate::campaign::{Campaign, EntryBy};
use crate::draw::standing::Standing;
use crate::draw::{check_request, in_force};
use crate::events::ChanceGranted;
use crate::keys;
use crate::refusals::{ENDED, IDEMPOTENCY_MISMATCH, LOTTERY_CLOSED};

/// Gives the customer chances to draw (发放抽奖机会), in a campaign whose entry is `chance`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantChance {
    /// The campaign.
    pub campaign: String,
    /// How many; 1 when absent, at most the campaign's `limits.per_grant`.
    #[serde(default = "one")]
    pub count: u32,
    /// What for, such as `order` or `referral`; reports count by it.
    pub reason: String,
    /// Names this grant: the same name grants once. Without it every call grants.
    #[serde(default)]
    pub request: Option<String>,
}

fn one() -> u32 {
    1
}

/// What a customer has after a grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Granted {
    /// Chances that this grant gave.
    pub count: u32,
    /// Chances that the customer has now.
    pub left: u32,
    /// Whether it was granted before.
    pub replayed: bool,
}

impl Step for GrantChance {
    const NAME: &'static str = "grant-chance";
    const REFUSALS: &'static [Refusal] = &[ENDED, LOTTERY_CLOSED, IDEMPOTENCY_MISMATCH];
    type Output = Granted;

    fn run(self) -> Result<Granted, Stop> {
        let (rules, ledger) = in_force(&self.campaign)?;
        self.check(&rules)?;
        let customer = context::customer()?;
        let mut standing = Standing::of(&ledger, &customer)?;
        if let Some(request) = &self.request {
            check_request(request)?;
            let key = keys::grant(&self.campaign, request);
            if let Some(before) = records::of_customer().get::<u32>(&key)? {
                IDEMPOTENCY_MISMATCH.unless(before == self.count)?;
                return Ok(Granted { count: before, left: standing.chances(), replayed: true });
            }
        }
        if context::now() >= rules.closes_at() {
            return Err(ENDED.because(format!("the lottery ended at {}", rules.window.end)).into());
        }
        LOTTERY_CLOSED.unless(!ledger.state.status.is_closed())?;
        if let Some(request) = &self.request {
            records::of_customer().put(&keys::grant(&self.campaign, request), &self.count)?;
        }
        standing.granted = standing.granted.saturating_add(self.count);
        standing.save(&self.campaign, &customer)?;
        let left = standing.chances();
        let granted = ChanceGranted { campaign: self.campaign, count: self.count, reason: self.reason, left };
        granted.emit()?;
        Ok(Granted { count: self.count, left, replayed: false })
    }
}

impl GrantChance {
    fn check(&self, rules: &Campaign) -> Result<(), Fault> {
        let invalid = |pointer: &str, message: String| {
            Err(Fault::InvalidInput(vec![FieldFault { pointer: pointer.to_owned(), message }]))
        };
        if rules.entry.by != EntryBy::Chance {
            let message = format!(
                "the campaign `{}` draws by {}: expected one with `entry: {{ by: chance }}`",
                self.campaign,
                rules.entry.by.as_str()
            );
            return invalid("/campaign", message);
        }
        if !(1..=rules.limits.per_grant).contains(&self.count) {
            let message =
                format!("{} chances, the rules allow 1 to {} a grant", self.count, rules.limits.per_grant);
            return invalid("/count", message);
        }
        if !(1..=64).contains(&self.reason.len()) {
            return invalid("/reason", "expected 1 to 64 bytes".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
