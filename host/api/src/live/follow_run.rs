//! Somebody who follows one run: its journal so far, then each line as it comes, and that it ended.

use std::ops::ControlFlow;
use std::sync::Arc;

use serde_json::json;
use siyu_engine::ports::inspect::RunDetail;
use siyu_model::id::RunId;
use siyu_model::journal::JournalKind;
use siyu_model::limits::http::STREAM_TAKEN_MAX;
use siyu_model::limits::inspect::LOG_DETAIL_CHARS_MAX;
use siyu_model::name::TenantName;
use tokio::sync::watch;

use super::feed::{Feed, Taken};
use super::follow::resync;
use super::seats::Watch;
use super::text::{FIRST, about, line};
use super::{Hub, Pieces, wait};
use crate::problem::Problem;

/// Somebody who follows a run.
pub(crate) struct FollowRun {
    hub: Arc<Hub>,
    feed: Arc<Feed>,
    tenant: TenantName,
    run: RunId,
    changed: watch::Receiver<u64>,
    watch: Watch,
    /// The number of the next message of the feed.
    number: u64,
    /// The last line that they have.
    seen: Option<u32>,
    /// What is sent next.
    ready: Option<String>,
    is_over: bool,
}

impl FollowRun {
    /// After a line of its journal, or from the first on. None when it is over and they have all of it.
    ///
    /// # Errors
    /// The tenant cannot be read.
    pub(crate) async fn after(
        hub: &Arc<Hub>,
        (tenant, run): (TenantName, RunId),
        seen: Option<u32>,
        watch: Watch,
    ) -> Result<Option<Self>, Problem> {
        let feed = hub.feed(&tenant).await?;
        let changed = feed.changes();
        // Lines that are committed after this number come over the feed; all before it are read now.
        let number = feed.head();
        let mut follow = Self {
            hub: hub.clone(),
            feed,
            tenant,
            run,
            changed,
            watch,
            number,
            seen,
            ready: None,
            is_over: false,
        };
        let found = follow.read().await?.ok_or_else(no_run)?;
        let lines = follow.lines(&found);
        if lines.is_empty() && seen.is_some() && found.run.status.phase().is_terminal() {
            return Ok(None);
        }
        follow.ready = Some(format!("{FIRST}{lines}{}", follow.end_of(&found)));
        Ok(Some(follow))
    }

    async fn read(&self) -> Result<Option<RunDetail>, Problem> {
        let found = self.hub.inspectors.of(&self.tenant).await;
        let inspect = found.map_err(siyu_engine::ports::inspect::InspectError::from)?;
        Ok(inspect.ok_or_else(Problem::no_tenant)?.run(self.run).await?)
    }

    /// The lines that they do not have yet.
    fn lines(&mut self, found: &RunDetail) -> String {
        let mut text = String::new();
        for row in found.journal.iter().filter(|row| self.seen.is_none_or(|seen| row.row > seen)) {
            let chars = row.entry.detail.as_ref().map_or(0, |detail| detail.chars().count());
            text.push_str(&format!("id: {}\n{}", row.row, line(row, chars > LOG_DETAIL_CHARS_MAX)));
        }
        self.seen = found.journal.last().map(|row| row.row).max(self.seen);
        text
    }

    /// What tells that the run is over, when it is.
    fn end_of(&mut self, found: &RunDetail) -> String {
        let phase = found.run.status.phase();
        self.is_over = phase.is_terminal();
        if self.is_over { about("end", &json!({ "phase": phase.as_str() })) } else { String::new() }
    }

    /// What comes next from the feed; empty when there is nothing yet.
    async fn live(&mut self) -> Option<String> {
        let mut text = String::new();
        let mut may_be_over = false;
        loop {
            let (found, next) = match self.feed.take(self.number, STREAM_TAKEN_MAX) {
                Taken::Messages(found, next) => (found, next),
                Taken::Behind => {
                    self.is_over = true;
                    return Some(resync("more came than was read: come back with the last id"));
                }
                Taken::Over => return None,
            };
            self.number = next;
            for message in &found {
                let Some((_, row, kind)) = message.line.filter(|(run, ..)| *run == self.run) else {
                    continue;
                };
                if self.seen.is_none_or(|seen| row > seen) {
                    self.seen = Some(row);
                    text.push_str(&format!("id: {row}\n{}", message.text));
                }
                // A run that fails undoes what it did, and ends after that.
                may_be_over |= matches!(
                    kind,
                    JournalKind::Ended
                        | JournalKind::Failed
                        | JournalKind::Cancelled
                        | JournalKind::Compensated
                );
            }
            if found.is_empty() || !text.is_empty() {
                break;
            }
        }
        if may_be_over && let Some(found) = self.read().await.ok()? {
            text.push_str(&self.lines(&found));
            text.push_str(&self.end_of(&found));
        }
        Some(text)
    }
}

fn no_run() -> Problem {
    Problem::missing("NO_RUN", "there is no such run")
}

impl Pieces for FollowRun {
    async fn next(&mut self) -> Option<String> {
        loop {
            if let Some(text) = self.ready.take() {
                return Some(text);
            }
            if self.is_over || self.watch.look().await == Some(false) {
                return None;
            }
            // Seen before the look at the feed, so that what comes after it is not slept through.
            self.changed.borrow_and_update();
            let text = self.live().await?;
            if !text.is_empty() {
                return Some(text);
            }
            let waited = wait(&self.hub, &mut self.changed, &mut self.watch).await;
            if let ControlFlow::Break(next) = waited {
                return next;
            }
        }
    }
}
