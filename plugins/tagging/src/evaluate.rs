//! The step `evaluate` (按规则打标签): looks at the rules of groups for the run's customer.

#[cfg(test)]
mod tests;

use siyu_plugin::prelude::*;
use siyu_plugin::resources;

use crate::book::Book;
use crate::cause::Cause;
use crate::evaluating::{Evaluated, Evaluation};
use crate::group::Group;
use crate::refusals::{RULE_LOOP, UNKNOWN_GROUP};

/// Evaluates the rules of tag groups for the customer (按规则打标签), and puts tags on and takes them off as they say.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Evaluate {
    /// The groups; all of the tenant without it.
    #[serde(default)]
    pub groups: Option<Vec<String>>,
    /// Since when what rules over facts say is true; now without it. Rules that read `event` speak of the event that started
    /// the run. An instant after now counts as now.
    #[serde(default)]
    pub effective_at: Option<Instant>,
    /// Whether to say only what would change.
    #[serde(default)]
    pub dry_run: bool,
}

impl Step for Evaluate {
    const NAME: &'static str = "evaluate";
    const REFUSALS: &'static [Refusal] = &[UNKNOWN_GROUP, RULE_LOOP];
    type Output = Evaluated;

    fn run(self) -> Result<Evaluated, Stop> {
        let groups = groups(self.groups.as_deref())?;
        let cause = Cause::of_run()?;
        let mut book = Book::of_call()?;
        book.is_dry = self.dry_run;
        let effective_at = self.effective_at.unwrap_or(book.now);
        let mut evaluation = Evaluation::new(book, cause.as_ref(), effective_at);
        evaluation.groups(groups.iter().map(|(name, group)| (name.as_str(), group)))?;
        evaluation.finish()
    }
}

/// Definitions by name, each once; all of the tenant when none are named.
pub(crate) fn groups(named: Option<&[String]>) -> Result<Vec<(String, Group)>, Stop> {
    let mut names = match named {
        Some(names) => names.to_vec(),
        None => resources::names::<Group>()?,
    };
    names.sort();
    names.dedup();
    names.into_iter().map(|name| Ok((name.clone(), known(&name)?))).collect()
}

/// A published group.
pub(crate) fn known(name: &str) -> Result<Group, Stop> {
    if let Some(group) = resources::get(name)? {
        return Ok(group);
    }
    let names = resources::names::<Group>()?;
    let published = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    let words = format!("there is no tag group `{}`: published are {published}", crate::shown(name));
    Err(UNKNOWN_GROUP.because(words).details(json!({ "group": crate::shown(name) })))?
}
