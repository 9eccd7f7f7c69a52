//! Live: a tenant's logs as they grow, for whoever follows them.
//!
//! One reader a tenant feeds all who follow it; who comes back reads what was missed from the store. It decides nothing and
//! keeps nothing that the store does not have.

mod feed;
mod follow;
mod follow_run;
mod seats;
mod text;

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use siyu_engine::host::Host;
use siyu_engine::ports::inspect::InspectError;
use siyu_engine::ports::log::{LogPart, LogPlace};
use siyu_model::limits::http::STREAM_READS_MAX;
use siyu_model::name::TenantName;
use tokio::sync::{Semaphore, watch};

use crate::Inspectors;
use crate::problem::Problem;
use feed::Feed;
pub(crate) use follow::Follow;
pub(crate) use follow_run::FollowRun;
use seats::Seats;
pub(crate) use seats::{Claim, Watch};
use text::BEAT;
pub(crate) use text::{place_of, row_of};

/// What all who follow something share.
pub(crate) struct Hub {
    /// Says when a tenant of this host committed something.
    host: Arc<Host>,
    /// Where tenants are read, whichever host has them.
    inspectors: Arc<dyn Inspectors>,
    feeds: Mutex<HashMap<TenantName, Weak<Feed>>>,
    seats: Arc<Seats>,
    /// Turns to read what somebody missed.
    reads: Semaphore,
    /// Turns true when the host is being stopped.
    stopping: watch::Sender<bool>,
}

impl Hub {
    pub(crate) fn new(host: Arc<Host>, inspectors: Arc<dyn Inspectors>) -> Arc<Self> {
        Arc::new(Self {
            host,
            inspectors,
            feeds: Mutex::default(),
            seats: Arc::default(),
            reads: Semaphore::new(STREAM_READS_MAX),
            stopping: watch::Sender::new(false),
        })
    }

    /// The host is being stopped: whoever follows something is let go.
    pub(crate) fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Returns once the host is being stopped.
    pub(crate) async fn stopped(&self) {
        // The sender lives as long as the hub.
        drop(self.stopping.subscribe().wait_for(|is_stopping| *is_stopping).await);
    }

    /// How many follow something now.
    pub(crate) fn followers(&self) -> usize {
        self.seats.taken()
    }

    /// The feed of a tenant, with its reader; made when nobody follows the tenant yet.
    async fn feed(self: &Arc<Self>, tenant: &TenantName) -> Result<Arc<Feed>, Problem> {
        if let Some(feed) = self.known(tenant) {
            return Ok(feed);
        }
        // Read before others are let in, so that a tenant that cannot be read makes no feed.
        let end = self.part(tenant, LogPlace::default(), 0).await?.end;
        let mut feeds = self.feeds.lock().unwrap_or_else(PoisonError::into_inner);
        // Somebody else may have made it meanwhile.
        if let Some(feed) = feeds.get(tenant).and_then(Weak::upgrade).filter(|feed| !feed.is_over()) {
            return Ok(feed);
        }
        feeds.retain(|_, feed| feed.strong_count() > 0);
        let feed = Feed::start(self, tenant, end);
        feeds.insert(tenant.clone(), Arc::downgrade(&feed));
        Ok(feed)
    }

    fn known(&self, tenant: &TenantName) -> Option<Arc<Feed>> {
        let feeds = self.feeds.lock().unwrap_or_else(PoisonError::into_inner);
        feeds.get(tenant)?.upgrade().filter(|feed| !feed.is_over())
    }

    /// A part of both logs of a tenant.
    async fn part(&self, tenant: &TenantName, after: LogPlace, limit: usize) -> Result<LogPart, Problem> {
        let found = self.inspectors.of(tenant).await.map_err(InspectError::from)?;
        let inspect = found.ok_or_else(Problem::no_tenant)?;
        Ok(inspect.log(after, limit).await?)
    }
}

/// Something that gives pieces of `text/event-stream` until it is over.
pub(crate) trait Pieces: Send + 'static {
    /// The next piece.
    fn next(&mut self) -> impl Future<Output = Option<String>> + Send;
}

/// Waits until what somebody follows has changed. Otherwise it says what their stream gives next: a heartbeat, or nothing
/// because it is over.
async fn wait(
    hub: &Hub,
    changed: &mut watch::Receiver<u64>,
    watch: &mut Watch,
) -> ControlFlow<Option<String>> {
    tokio::select! {
        biased;
        () = hub.stopped() => ControlFlow::Break(None),
        changed = changed.changed() => match changed {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(None),
        },
        () = tokio::time::sleep_until(watch.next()) => {
            ControlFlow::Break((watch.look().await != Some(false)).then(|| BEAT.to_owned()))
        }
    }
}

/// What a browser's `EventSource` reads.
pub(crate) fn answer(pieces: impl Pieces) -> Response {
    let body = stream::unfold(pieces, |mut pieces| async {
        let piece = pieces.next().await?;
        Some((Ok::<_, std::convert::Infallible>(piece), pieces))
    });
    let mut response = axum::body::Body::from_stream(body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    // A proxy that gathers answers before it hands them on would hold them back for ever.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}
