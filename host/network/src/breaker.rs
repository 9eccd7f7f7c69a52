//! Peers that fail are left alone for a while: one request after it finds out whether they are back.
//!
//! It is kept a tenant each, so that nobody's wrong configuration keeps others from a peer that works.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use siyu_model::limits::network::{FAILURES_MAX, PEERS_MAX, REST_MS, REST_MS_MAX};
use siyu_model::name::TenantName;
use siyu_model::plugin::Origin;
use tokio::time::Instant;

/// A peer as a tenant sees it.
pub(crate) type PeerKey = (TenantName, Origin);

/// What is known of peers that failed.
#[derive(Default)]
pub(crate) struct Peers {
    known: Mutex<HashMap<PeerKey, Peer>>,
}

struct Peer {
    /// Failures one after another.
    failures: u32,
    /// How long it was left alone last.
    rest: Duration,
    /// Until when it is left alone.
    rests_until: Option<Instant>,
    /// Whether a request finds out now.
    is_probed: bool,
    used_at: Instant,
}

/// A request that may be sent. What became of it is said once; without that it counts as nothing.
pub(crate) struct Pass<'a> {
    peers: &'a Peers,
    key: PeerKey,
    is_probe: bool,
}

impl Peers {
    /// Lets a request through, or says how long the peer is left alone yet.
    pub(crate) fn enter(&self, key: PeerKey, now: Instant) -> Result<Pass<'_>, Duration> {
        let mut known = self.known();
        let Some(peer) = known.get_mut(&key) else {
            return Ok(Pass { peers: self, key, is_probe: false });
        };
        peer.used_at = now;
        let is_probe = match peer.rests_until {
            None => false,
            Some(until) if until > now => return Err(until - now),
            // Others wait until the one that finds out is back.
            Some(_) if peer.is_probed => return Err(Duration::from_millis(REST_MS)),
            Some(_) => true,
        };
        peer.is_probed = is_probe;
        Ok(Pass { peers: self, key, is_probe })
    }

    fn known(&self) -> MutexGuard<'_, HashMap<PeerKey, Peer>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass<'_> {
    /// The peer answered.
    pub(crate) fn succeeded(self) {
        self.peers.known().remove(&self.key);
    }

    /// The peer did not answer, or not as a peer that works.
    pub(crate) fn failed(self, now: Instant) {
        let mut known = self.peers.known();
        if known.len() >= PEERS_MAX && !known.contains_key(&self.key) {
            let oldest = known.iter().min_by_key(|(_, peer)| peer.used_at).map(|(key, _)| key.clone());
            oldest.map(|key| known.remove(&key));
        }
        let peer = known.entry(self.key.clone()).or_insert(Peer {
            failures: 0,
            rest: Duration::ZERO,
            rests_until: None,
            is_probed: false,
            used_at: now,
        });
        peer.failures = peer.failures.saturating_add(1);
        if self.is_probe || (peer.failures >= FAILURES_MAX && peer.rests_until.is_none()) {
            let first = Duration::from_millis(REST_MS);
            peer.rest = (peer.rest * 2).clamp(first, Duration::from_millis(REST_MS_MAX));
            peer.rests_until = Some(now + peer.rest);
        }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if self.is_probe
            && let Some(peer) = self.peers.known().get_mut(&self.key)
        {
            peer.is_probed = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use siyu_model::plugin::{OriginHost, Scheme};

    use super::*;

    fn key(tenant: &str) -> PeerKey {
        let host = OriginHost::named("a.example").unwrap();
        (tenant.parse().unwrap(), Origin { scheme: Scheme::Https, host, port: 443 })
    }

    fn fail(peers: &Peers, tenant: &str, now: Instant, times: u32) {
        for _ in 0..times {
            peers.enter(key(tenant), now).ok().unwrap().failed(now);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_fails_rests_and_one_request_finds_out_whether_it_is_back() {
        let peers = Peers::default();
        let now = Instant::now();
        let rest = Duration::from_millis(REST_MS);
        fail(&peers, "shop", now, FAILURES_MAX);
        assert_eq!(peers.enter(key("shop"), now).err(), Some(rest));
        assert!(peers.enter(key("other"), now).is_ok(), "each tenant has its own");
        let later = now + rest;
        let probe = peers.enter(key("shop"), later).ok().unwrap();
        assert!(peers.enter(key("shop"), later).is_err(), "one at a time");
        probe.failed(later);
        assert_eq!(peers.enter(key("shop"), later).err(), Some(2 * rest), "longer each time");
        let later = later + 2 * rest;
        drop(peers.enter(key("shop"), later).ok().unwrap());
        peers.enter(key("shop"), later).ok().unwrap().succeeded();
        for _ in 0..FAILURES_MAX - 1 {
            peers.enter(key("shop"), later).ok().unwrap().failed(later);
        }
        assert!(peers.enter(key("shop"), later).is_ok(), "it begins anew");
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_rests_no_longer_than_it_may_and_few_are_remembered() {
        let peers = Peers::default();
        let mut now = Instant::now();
        fail(&peers, "shop", now, FAILURES_MAX);
        for _ in 0..20 {
            now += peers.enter(key("shop"), now).err().unwrap();
            fail(&peers, "shop", now, 1);
        }
        assert_eq!(peers.enter(key("shop"), now).err(), Some(Duration::from_millis(REST_MS_MAX)));
        for number in 0..PEERS_MAX + 10 {
            fail(&peers, &format!("t{number}"), now, 1);
        }
        assert_eq!(peers.known().len(), PEERS_MAX);
    }
}
