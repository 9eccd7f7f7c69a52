//! Somebody who follows a tenant: first what they missed, read from the store at their own pace, then what comes.

use std::ops::ControlFlow;
use std::sync::Arc;

use serde_json::json;
use siyu_engine::ports::log::LogPlace;
use siyu_model::limits::http::{STREAM_PAGE_ROWS, STREAM_TAKEN_MAX};
use siyu_model::name::TenantName;
use tokio::sync::watch;

use super::feed::{Feed, Taken};
use super::seats::Watch;
use super::text::{FIRST, about, id_of, messages};
use super::{Hub, Pieces, wait};
use crate::problem::Problem;

/// Where somebody stands.
enum Stand {
    /// Nothing was sent.
    New,
    /// They read from the store what they missed.
    Missed,
    /// They read from the feed, at this number.
    Live(u64),
    /// Nothing more is sent.
    Over,
}

/// Somebody who follows a tenant.
pub(crate) struct Follow {
    hub: Arc<Hub>,
    feed: Arc<Feed>,
    tenant: TenantName,
    changed: watch::Receiver<u64>,
    watch: Watch,
    /// What they have.
    seen: LogPlace,
    /// They named a place that the logs do not reach: another tenant's, or one before the lines were counted anew.
    is_lost: bool,
    stand: Stand,
}

impl Follow {
    /// From a place on, or from now on.
    ///
    /// # Errors
    /// The tenant cannot be read.
    pub(crate) async fn from(
        hub: &Arc<Hub>,
        tenant: TenantName,
        seen: Option<LogPlace>,
        watch: Watch,
    ) -> Result<Self, Problem> {
        let feed = hub.feed(&tenant).await?;
        let changed = feed.changes();
        let end = hub.part(&tenant, LogPlace::default(), 0).await?.end;
        let is_lost = seen.is_some_and(|seen| end.begins_anew(seen));
        let seen = seen.filter(|_| !is_lost).unwrap_or(end);
        Ok(Self { hub: hub.clone(), feed, tenant, changed, watch, seen, is_lost, stand: Stand::New })
    }

    /// The first thing that is sent: it says where they stand, so that whoever comes back soon goes on from here.
    fn first(&mut self) -> String {
        self.stand = Stand::Missed;
        let at = id_of(self.seen);
        if self.is_lost {
            format!(
                "{FIRST}{at}{}",
                resync("this place is none of the tenant's logs: read anew, and go on from here")
            )
        } else {
            format!("{FIRST}{at}event: place\ndata: {{}}\n\n")
        }
    }

    /// A part of what they missed; empty when they missed nothing more, and read from the feed from now on.
    async fn missed(&mut self) -> Result<String, Problem> {
        if let Some(number) = self.feed.joined(self.seen) {
            self.stand = Stand::Live(number);
            return Ok(String::new());
        }
        // Everything before it was durable before this look.
        let kept = self.feed.from();
        let _turn = self.hub.reads.acquire().await;
        let part = self.hub.part(&self.tenant, self.seen, STREAM_PAGE_ROWS).await?;
        let mut text = String::new();
        for message in messages(&part, STREAM_PAGE_ROWS) {
            self.seen = message.then(self.seen);
            text.push_str(&id_of(self.seen));
            text.push_str(&message.text);
        }
        if text.is_empty() {
            // What was between was removed.
            self.seen = self.seen.max(kept);
        }
        Ok(text)
    }

    /// What comes next from the feed; empty when there is nothing yet.
    fn live(&mut self, number: u64) -> String {
        let mut text = String::new();
        match self.feed.take(number, STREAM_TAKEN_MAX) {
            Taken::Messages(found, next) => {
                self.stand = Stand::Live(next);
                for message in &found {
                    if message.is_before(self.seen) {
                        continue;
                    }
                    self.seen = message.then(self.seen);
                    text.push_str(&id_of(self.seen));
                    text.push_str(&message.text);
                }
                if text.is_empty() && !found.is_empty() {
                    // All of it was known: the ones after it come at once.
                    return self.live(next);
                }
            }
            Taken::Behind => {
                self.stand = Stand::Over;
                text = resync("more came than was read: come back with the last id");
            }
            Taken::Over => {
                self.stand = Stand::Over;
                text = resync("the tenant's logs end here: read anew");
            }
        }
        text
    }
}

/// Tells that something was left out.
pub(super) fn resync(why: &str) -> String {
    about("resync", &json!({ "why": why }))
}

impl Pieces for Follow {
    async fn next(&mut self) -> Option<String> {
        loop {
            if self.watch.look().await == Some(false) {
                self.stand = Stand::Over;
            }
            // Seen before the look at the feed, so that what comes after it is not slept through.
            self.changed.borrow_and_update();
            let text = match self.stand {
                Stand::Over => return None,
                Stand::New => self.first(),
                Stand::Missed => match self.missed().await {
                    Ok(text) => text,
                    // Whoever follows comes back, and is told why then.
                    Err(_) => return None,
                },
                Stand::Live(number) => self.live(number),
            };
            if !text.is_empty() {
                return Some(text);
            }
            if !matches!(self.stand, Stand::Live(_)) {
                continue;
            }
            let waited = wait(&self.hub, &mut self.changed, &mut self.watch).await;
            if let ControlFlow::Break(next) = waited {
                return next;
            }
        }
    }
}
