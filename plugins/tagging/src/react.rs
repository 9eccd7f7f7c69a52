//! Reactions that evaluate: at an event that a group names, and at the instant at which time alone changes a condition.

#[cfg(test)]
mod tests;

use siyu_plugin::context;
use siyu_plugin::prelude::*;
use siyu_plugin::resources;

use crate::book::Book;
use crate::cause::Cause;
use crate::evaluating::{Evaluated, Evaluation};
use crate::group::{Group, Index};
use crate::refusals::RULE_LOOP;

/// Evaluates the groups that name an event in `on`, when it is recorded. The host runs it by itself.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct React(Cause);

impl Step for React {
    const NAME: &'static str = "react";
    const REFUSALS: &'static [Refusal] = &[RULE_LOOP];
    type Output = Evaluated;

    fn run(self) -> Result<Evaluated, Stop> {
        let cause = self.0;
        let index = Index::read()?;
        let mut groups: Vec<(&str, Group)> = Vec::new();
        for name in index.groups_at(&cause.event_type) {
            // A group that is no longer published leaves its name behind.
            if let Some(group) = resources::get(name)? {
                groups.push((name, group));
            }
        }
        if groups.is_empty() || context::current().customer.is_none() {
            return Ok(Evaluated::default());
        }
        let mut evaluation = Evaluation::new(Book::of_call()?, Some(&cause), cause.time);
        evaluation.groups(groups.iter().map(|(name, group)| (*name, group)))?;
        evaluation.finish()
    }
}

/// Evaluates a group again when time alone may have changed what it says. The host runs it at `tagging.due`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct LookAgain(Cause);

impl Step for LookAgain {
    const NAME: &'static str = "look-again";
    const REFUSALS: &'static [Refusal] = &[RULE_LOOP];
    type Output = Evaluated;

    fn run(self) -> Result<Evaluated, Stop> {
        let Some(name) = self.0.data.group.as_str() else {
            return Ok(Evaluated::default());
        };
        let mut book = Book::of_call()?;
        book.memory.due.remove(name);
        let now = book.now;
        let group: Option<Group> = resources::get(name)?;
        let mut evaluation = Evaluation::new(book, Some(&self.0), now);
        evaluation.groups(group.iter().map(|group| (name, group)))?;
        evaluation.finish()
    }
}
