//! The steps `backfill` (规则回填) and `report` (标签统计): rules applied to customers who were there before them, counted first.
//!
//! The host starts one run a customer for an audience, in durable batches; this plugin only counts each customer once.

#[cfg(test)]
mod tests;

use siyu_plugin::prelude::*;
use siyu_plugin::{context, counters};

use crate::book::{Book, Removed, keep_memory_of_call, memory_of_call};
use crate::evaluate::groups;
use crate::evaluating::{Evaluation, Failed};
use crate::group::{Group, members_key};
use crate::name;
use crate::refusals::{RULE_LOOP, UNKNOWN_GROUP};

/// Jobs that are remembered of a customer.
const JOBS_MAX: usize = 8;
/// No counter of a job passes this.
const COUNT_MAX: u64 = 1 << 50;

/// Evaluates groups for a customer who was there before the rules (规则回填), once a job. Use it in a workflow with
/// `on: { manual: true, audience: everyone }`: first with `dry_run: true`, and read the count with `report`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Backfill {
    /// Names the job, such as `lifecycle-2026-11`.
    #[schemars(length(min = 1, max = 64))]
    pub job: String,
    /// The groups; all of the tenant without it.
    #[serde(default)]
    pub groups: Option<Vec<String>>,
    /// Whether to count only what would change.
    pub dry_run: bool,
}

/// What a job did for one customer, or would do.
#[derive(Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Backfilled {
    /// Whether the job has looked at the customer before; then nothing happened.
    pub replayed: bool,
    /// Tags that were put on.
    pub added: Vec<String>,
    /// Tags that were taken off.
    pub removed: Vec<Removed>,
    /// Rules whose condition has no value.
    pub failed: Vec<Failed>,
}

/// Counts the customers of tags, and what a job did or would do (标签统计).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// The groups; all of the tenant without it.
    #[serde(default)]
    pub groups: Option<Vec<String>>,
    /// A job of `backfill`.
    #[serde(default)]
    pub job: Option<String>,
    /// Whether the counts of the job's dry run are meant.
    #[serde(default)]
    pub dry_run: bool,
}

/// What was counted.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Reported {
    /// Customers whom the job looked at.
    pub looked: u64,
    /// Customers whom the job changed, or would change.
    pub changed: u64,
    /// The tags that the groups list or set by rules.
    pub tags: Vec<Count>,
}

/// A tag, and how many customers.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Count {
    /// The tag.
    pub tag: String,
    /// Customers who have it because of this plugin.
    pub customers: u64,
    /// Customers on whom the job put it, or would.
    pub added: u64,
    /// Customers from whom the job took it, or would.
    pub removed: u64,
}

impl Step for Backfill {
    const NAME: &'static str = "backfill";
    const REFUSALS: &'static [Refusal] = &[UNKNOWN_GROUP, RULE_LOOP];
    type Output = Backfilled;

    fn run(self) -> Result<Backfilled, Stop> {
        context::customer()?;
        let groups = groups(self.groups.as_deref())?;
        let mode = mode(self.dry_run);
        if !begin(&format!("{}/{mode}", self.job))? {
            return Ok(Backfilled { replayed: true, ..Backfilled::default() });
        }
        let mut book = Book::of_call()?;
        book.is_dry = self.dry_run;
        let now = book.now;
        let mut evaluation = Evaluation::new(book, None, now);
        evaluation.groups(groups.iter().map(|(name, group)| (name.as_str(), group)))?;
        let found = evaluation.finish()?;
        let count =
            |what: &str, tag: &str| counters::take(&job_key(&self.job, mode, what, tag), 1, COUNT_MAX);
        count("looked", "")?;
        if !found.added.is_empty() || !found.removed.is_empty() {
            count("changed", "")?;
        }
        for tag in &found.added {
            count("added", tag)?;
        }
        for removed in &found.removed {
            count("removed", &removed.tag)?;
        }
        Ok(Backfilled { replayed: false, added: found.added, removed: found.removed, failed: found.failed })
    }
}

impl Step for Report {
    const NAME: &'static str = "report";
    const REFUSALS: &'static [Refusal] = &[UNKNOWN_GROUP];
    type Output = Reported;

    fn run(self) -> Result<Reported, Stop> {
        let groups = groups(self.groups.as_deref())?;
        let mode = mode(self.dry_run);
        let used = |what: &str, tag: &str| match &self.job {
            Some(job) => counters::used(&job_key(job, mode, what, tag)),
            None => Ok(0),
        };
        let mut tags = Vec::new();
        for (name, group) in &groups {
            for value in values(group) {
                let tag = name::join(name, value);
                tags.push(Count {
                    customers: counters::used(&members_key(&tag))?,
                    added: used("added", &tag)?,
                    removed: used("removed", &tag)?,
                    tag,
                });
            }
        }
        Ok(Reported { looked: used("looked", "")?, changed: used("changed", "")?, tags })
    }
}

/// The values that a group lists, and those that its rules set.
fn values(group: &Group) -> Vec<&str> {
    let mut values: Vec<&str> = group.tags.iter().chain(&group.retired).map(String::as_str).collect();
    for rule in &group.rules {
        if !values.contains(&rule.tag.as_str()) {
            values.push(&rule.tag);
        }
    }
    values
}

/// Says whether a job looks at the call's customer for the first time.
fn begin(job: &str) -> Result<bool, Error> {
    let mut memory = memory_of_call()?;
    if memory.jobs.iter().any(|known| known == job) {
        return Ok(false);
    }
    if memory.jobs.len() >= JOBS_MAX {
        memory.jobs.remove(0);
    }
    memory.jobs.push(job.to_owned());
    keep_memory_of_call(&memory)?;
    Ok(true)
}

fn mode(is_dry: bool) -> &'static str {
    if is_dry { "dry" } else { "run" }
}

fn job_key(job: &str, mode: &str, what: &str, tag: &str) -> String {
    key(&["job", job, mode, what, tag])
}
