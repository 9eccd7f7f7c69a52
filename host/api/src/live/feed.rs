//! The feed of a tenant: one reader, and the last messages of the tenant's logs for all who follow them.
//!
//! The reader is woken by commits of a tenant that this host executes, and looks from time to time after one of another
//! host. It ends with the last who follows.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use siyu_engine::ports::log::{LogPart, LogPlace};
use siyu_model::limits::http::{STREAM_BEHIND_BYTES_MAX, STREAM_PAGE_ROWS, STREAM_POLL_MS};
use siyu_model::name::TenantName;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::Hub;
use super::text::{Message, messages};

/// After a look that found more than one page, and after a commit: others follow soon, and are told with it.
const GATHER: Duration = Duration::from_millis(20);
/// Between two looks at a tenant that says when it commits: it may have moved to another host.
const LOOK: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(STREAM_POLL_MS);

/// The last messages of a tenant.
pub(super) struct Feed {
    ring: Mutex<Ring>,
    /// Grows with every message.
    changed: watch::Sender<u64>,
    reader: OnceLock<AbortHandle>,
}

struct Ring {
    messages: VecDeque<Arc<Message>>,
    bytes: usize,
    /// The number of the first message that is kept.
    first: u64,
    /// Before the first message that is kept.
    from: LogPlace,
    /// After the last one.
    end: LogPlace,
    /// There is no such tenant any more, or its logs begin anew.
    is_over: bool,
}

/// What there is for somebody who follows.
pub(super) enum Taken {
    /// These come next, and the number of the one after them.
    Messages(Vec<Arc<Message>>, u64),
    /// What comes next is not kept any more.
    Behind,
    /// Nothing comes any more.
    Over,
}

impl Feed {
    /// A feed from a place on, with its reader.
    pub(super) fn start(hub: &Arc<Hub>, tenant: &TenantName, from: LogPlace) -> Arc<Self> {
        let ring = Ring { messages: VecDeque::new(), bytes: 0, first: 0, from, end: from, is_over: false };
        let feed = Arc::new(Self {
            ring: Mutex::new(ring),
            changed: watch::Sender::new(0),
            reader: OnceLock::new(),
        });
        let reader = tokio::spawn(read(Arc::downgrade(hub), tenant.clone(), Arc::downgrade(&feed)));
        // Nobody else has the feed yet.
        drop(feed.reader.set(reader.abort_handle()));
        feed
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        // The ring is whole at every instant, whoever died while holding it.
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_over(&self) -> bool {
        self.ring().is_over
    }

    /// Says when there are messages.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Before the first message that is kept.
    pub(super) fn from(&self) -> LogPlace {
        self.ring().from
    }

    /// The number of the next message.
    pub(super) fn head(&self) -> u64 {
        let ring = self.ring();
        ring.first + ring.messages.len() as u64
    }

    /// The number of the first message for whoever stands at a place, when everything after it is kept.
    pub(super) fn joined(&self, seen: LogPlace) -> Option<u64> {
        let ring = self.ring();
        seen.has(ring.from).then_some(ring.first)
    }

    /// Messages from a number on, at most so many.
    pub(super) fn take(&self, number: u64, most: usize) -> Taken {
        let ring = self.ring();
        let Some(skip) = number.checked_sub(ring.first) else { return Taken::Behind };
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        let found: Vec<_> = ring.messages.iter().skip(skip).take(most).cloned().collect();
        if found.is_empty() && ring.is_over {
            return Taken::Over;
        }
        let next = number + found.len() as u64;
        Taken::Messages(found, next)
    }

    fn put(&self, messages: Vec<Message>) {
        let mut ring = self.ring();
        for message in messages {
            ring.end = message.then(ring.end);
            ring.bytes += message.text.len();
            ring.messages.push_back(Arc::new(message));
        }
        while ring.bytes > STREAM_BEHIND_BYTES_MAX
            && ring.messages.len() > 1
            && let Some(gone) = ring.messages.pop_front()
        {
            ring.bytes -= gone.text.len();
            ring.from = gone.then(ring.from);
            ring.first += 1;
        }
        let head = ring.first + ring.messages.len() as u64;
        drop(ring);
        self.changed.send_replace(head);
    }

    fn end(&self) {
        self.ring().is_over = true;
        self.changed.send_modify(|_| {});
    }

    /// Reads on. Says whether there may be more at once; none when the feed is over.
    async fn look(&self, hub: &Hub, tenant: &TenantName) -> Option<bool> {
        let end = self.ring().end;
        match hub.part(tenant, end, STREAM_PAGE_ROWS).await {
            Ok(part) if part.end.begins_anew(end) => {
                tracing::info!(%tenant, "the lines of a tenant are counted anew");
                None
            }
            Ok(part) => {
                let is_full = part.events.len() >= STREAM_PAGE_ROWS || part.lines.len() >= STREAM_PAGE_ROWS;
                if has_any(&part) {
                    self.put(messages(&part, STREAM_PAGE_ROWS));
                }
                Some(is_full)
            }
            Err(problem) if problem.status() == axum::http::StatusCode::NOT_FOUND => None,
            Err(problem) => {
                let why = problem.detail();
                tracing::debug!(%tenant, why, "who follows a tenant waits for it");
                Some(false)
            }
        }
    }
}

fn has_any(part: &LogPart) -> bool {
    !part.events.is_empty() || !part.lines.is_empty()
}

impl Drop for Feed {
    fn drop(&mut self) {
        if let Some(reader) = self.reader.get() {
            reader.abort();
        }
    }
}

/// Reads for a feed until nobody follows it.
async fn read(hub: Weak<Hub>, tenant: TenantName, feed: Weak<Feed>) {
    loop {
        let Some((hub, feed)) = hub.upgrade().zip(feed.upgrade()) else { return };
        // Asked for before the look, so that what is committed after it wakes the next one.
        let commits = hub.host.commits(&tenant);
        let looked = feed.look(&hub, &tenant).await;
        let Some(is_full) = looked else { return feed.end() };
        drop((hub, feed));
        if !is_full {
            wait(commits).await;
        }
        tokio::time::sleep(GATHER).await;
    }
}

/// Returns when there may be something new.
async fn wait(commits: Option<watch::Receiver<u64>>) {
    let Some(mut commits) = commits else { return tokio::time::sleep(POLL).await };
    match tokio::time::timeout(LOOK, commits.changed()).await {
        Ok(Ok(())) | Err(_) => {}
        // It fell asleep, or another host has it now.
        Ok(Err(_)) => tokio::time::sleep(POLL).await,
    }
}

#[cfg(test)]
mod tests {
    use siyu_model::event::EventSeq;

    use super::super::text::At;
    use super::*;

    /// A feed that nobody reads for.
    fn feed() -> Feed {
        let place = LogPlace::default();
        let ring =
            Ring { messages: VecDeque::new(), bytes: 0, first: 0, from: place, end: place, is_over: false };
        Feed { ring: Mutex::new(ring), changed: watch::Sender::new(0), reader: OnceLock::new() }
    }

    fn event(seq: u64, bytes: usize) -> Message {
        Message { at: At::Event(EventSeq(seq)), line: None, text: "x".repeat(bytes) }
    }

    fn taken(feed: &Feed, number: u64) -> Option<Vec<At>> {
        match feed.take(number, usize::MAX) {
            Taken::Messages(found, next) => {
                assert_eq!(next, number + found.len() as u64);
                Some(found.iter().map(|message| message.at).collect())
            }
            Taken::Behind | Taken::Over => None,
        }
    }

    #[test]
    fn who_reads_on_has_everything_and_who_is_too_far_behind_is_told() {
        const BYTES: usize = STREAM_BEHIND_BYTES_MAX / 8;
        let feed = feed();
        feed.put((1..=8).map(|seq| event(seq, BYTES)).collect());
        let seqs =
            |from: u64, to: u64| Some((from..=to).map(|seq| At::Event(EventSeq(seq))).collect::<Vec<_>>());
        assert_eq!(taken(&feed, 0), seqs(1, 8));
        assert_eq!(taken(&feed, 8), Some(Vec::new()));
        feed.put(vec![event(9, BYTES), event(10, BYTES)]);
        assert_eq!((taken(&feed, 0), taken(&feed, 1)), (None, None), "the first two are not kept any more");
        assert_eq!((taken(&feed, 2), taken(&feed, 8)), (seqs(3, 10), seqs(9, 10)));
        let at = |seq| LogPlace { event: EventSeq(seq), line: 0 };
        assert_eq!((feed.joined(at(1)), feed.joined(at(2)), feed.head()), (None, Some(2), 10));
        assert_eq!(feed.from(), at(2));
        // One that is larger than all that is kept is kept all the same.
        feed.put(vec![event(11, STREAM_BEHIND_BYTES_MAX + 1)]);
        assert_eq!((taken(&feed, 9), taken(&feed, 10)), (None, seqs(11, 11)));
        feed.end();
        assert_eq!(taken(&feed, 10), seqs(11, 11), "what is kept is told before the end");
        assert!(matches!(feed.take(11, 1), Taken::Over));
    }
}
