//! The reaction to a withdrawal of consent (撤回同意): tags that needed it go at once.

#[cfg(test)]
mod tests;

use siyu_plugin::prelude::*;
use siyu_plugin::{context, resources};

use crate::book::{Book, Removed};
use crate::cause::Cause;
use crate::conditions;
use crate::evaluating::Evaluation;
use crate::group::Group;

/// Takes tags off whose group's `consent` holds no more (撤回同意), when `consent.withdrawn` is recorded. The host runs it by
/// itself (Personal Information Protection Law, art. 15).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Withdraw(Cause);

/// What went.
#[derive(Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Withdrawn {
    /// Tags that were taken off.
    pub removed: Vec<Removed>,
}

impl Step for Withdraw {
    const NAME: &'static str = "withdraw";
    type Output = Withdrawn;

    fn run(self) -> Result<Withdrawn, Stop> {
        if context::current().customer.is_none() {
            return Ok(Withdrawn::default());
        }
        let mut evaluation = Evaluation::new(Book::of_call()?, Some(&self.0), Instant::now());
        for name in resources::names::<Group>()? {
            let group: Option<Group> = resources::get(&name)?;
            let Some(consent) = group.and_then(|group| group.consent) else {
                continue;
            };
            // What cannot be answered is no consent here: the customer has just withdrawn one.
            if conditions::look(None, &[&consent])?.all != [Ok(true)] {
                evaluation.clear(&name, "consent_withdrawn")?;
            }
        }
        Ok(Withdrawn { removed: evaluation.finish()?.removed })
    }
}
