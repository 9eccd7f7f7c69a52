//! The reaction to a tag whose time is over (标签过期): the count of members, and the next value down where a group decays.

#[cfg(test)]
mod tests;

use siyu_plugin::prelude::*;
use siyu_plugin::{context, resources};

use crate::book::{Book, count_out};
use crate::cause::Cause;
use crate::group::{Decay, Group};
use crate::name;
use crate::placing::{Lasts, Placed, Wish, place};

/// Follows a tag whose time is over (标签过期): in a group with `decay: downgrade` the next value down comes on. The host runs it
/// at `tag.expired`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Lapse(Cause);

/// What followed.
#[derive(Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Lapsed {
    /// The tag that came on instead.
    pub downgraded_to: Option<String>,
}

impl Step for Lapse {
    const NAME: &'static str = "lapse";
    type Output = Lapsed;

    fn run(self) -> Result<Lapsed, Stop> {
        let Some(tag) = self.0.data.tag.as_str().filter(|_| context::current().customer.is_some()) else {
            return Ok(Lapsed::default());
        };
        count_out(tag)?;
        let (name, value) = name::split(tag);
        let group: Option<Group> = resources::get(name)?;
        let Some(group) = group.filter(|group| group.decay == Decay::Downgrade) else {
            return Ok(Lapsed::default());
        };
        let mut book = Book::of_call()?;
        let is_taken = book.of_group(name).next().is_some();
        let Some(below) = group.below(value).filter(|_| !is_taken) else {
            return Ok(Lapsed::default());
        };
        let below = name::join(name, below);
        let wish = Wish {
            group: name,
            tag: below.clone(),
            source: "decay".to_owned(),
            rule: None,
            looked_at: &[],
            effective_at: book.now,
            lasts: Lasts::AsGroup,
            confidence: 100,
            evidence: Some(self.0.id.clone()),
        };
        let placed = place(&mut book, &group, wish)?;
        book.save()?;
        Ok(Lapsed { downgraded_to: (placed == Placed::Added).then_some(below) })
    }
}
