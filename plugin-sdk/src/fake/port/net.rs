//! `http` and `cache`: what a delivery asks for. Peers are the test's own; no request leaves the process.

use siyu_model::limits::network as limits;
use siyu_model::plugin::{Capability, HostPattern};

use super::super::state::{State, with};
use super::{Asked, ask, utc};
use crate::error::{Error, ErrorCode};
use crate::http;
use crate::time::Instant;

pub(crate) fn send(request: &http::Request) -> Result<http::Response, http::Error> {
    let sent = with(|state| {
        state.ask(Capability::Http).map_err(|error| refused(http::ErrorCode::Denied, error.message))?;
        permitted(state, request)?;
        state.net.requests.push(request.clone());
        Ok(state.net.peers.take())
    });
    let Some(mut peers) = sent? else {
        return Err(refused(http::ErrorCode::Unreachable, "the test has no peers: give them with `peers`"));
    };
    // Peers may look at the clock or log; the state is free meanwhile.
    let answer = peers(request);
    with(|state| state.net.peers = Some(peers));
    answer
}

/// What the real host would refuse before it sends anything.
fn permitted(state: &mut State, request: &http::Request) -> Result<(), http::Error> {
    let call = state.call();
    if !call.is_delivery {
        let why = "only deliveries may send requests: a step plans a message, and a channel delivers it";
        return Err(refused(http::ErrorCode::Denied, why));
    }
    call.requests += 1;
    if call.requests > limits::REQUESTS_MAX {
        let why = format!("a delivery sends at most {} requests", limits::REQUESTS_MAX);
        return Err(refused(http::ErrorCode::Limit, why));
    }
    if request.body.len() > limits::REQUEST_BYTES_MAX {
        let why = format!("the body has more than {} bytes", limits::REQUEST_BYTES_MAX);
        return Err(refused(http::ErrorCode::Invalid, why));
    }
    let hosts = state.manifest.channel.as_ref().map(|channel| channel.hosts.as_slice()).unwrap_or_default();
    if hosts.iter().any(|pattern| names(pattern, &request.url)) {
        return Ok(());
    }
    Err(refused(http::ErrorCode::Denied, format!("the plugin's HOSTS do not name {}", request.url)))
}

/// Whether a pattern names the host of a URL. The real host reads URLs more strictly.
fn names(pattern: &HostPattern, url: &str) -> bool {
    let scheme_end = url.find("://").map_or(0, |at| at + 3);
    let end = url[scheme_end..].find(['/', '?']).map_or(url.len(), |at| scheme_end + at);
    // A host that is named exactly is a pattern of itself.
    url[..end].parse::<HostPattern>().is_ok_and(|exact| pattern.covers(&exact))
}

fn refused(code: http::ErrorCode, message: impl Into<String>) -> http::Error {
    http::Error { code, message: message.into(), may_have_arrived: false, retry_after: None }
}

pub(crate) fn cached(key: &str) -> Asked<Option<String>> {
    peek_cached(key)
}

pub(crate) fn peek_cached(key: &str) -> Asked<Option<String>> {
    in_delivery(key, |state| {
        let now = state.now;
        Ok(state.net.cache.get(key).filter(|(_, until)| *until > now).map(|(value, _)| value.clone()))
    })
}

pub(crate) fn cache(key: &str, value: &str, expires_at: Instant) -> Asked<()> {
    in_delivery(key, |state| {
        let is_new = !state.net.cache.contains_key(key);
        if value.len() > limits::CACHE_VALUE_BYTES_MAX
            || (is_new && state.net.cache.len() >= limits::CACHE_VALUES_MAX)
        {
            let why = format!(
                "a channel remembers at most {} values of {} bytes",
                limits::CACHE_VALUES_MAX,
                limits::CACHE_VALUE_BYTES_MAX
            );
            return Err(Error::new(ErrorCode::Limit, why));
        }
        state.net.cache.insert(key.to_owned(), (value.to_owned(), utc(expires_at)));
        Ok(())
    })
}

pub(crate) fn uncache(key: &str) -> Asked<()> {
    in_delivery(key, |state| {
        state.net.cache.remove(key);
        Ok(())
    })
}

fn in_delivery<T>(key: &str, work: impl FnOnce(&mut State) -> Asked<T>) -> Asked<T> {
    ask(Capability::Cache, |state| {
        if !state.call().is_delivery {
            return Err(Error::invalid("only deliveries have a cache"));
        }
        if key.is_empty() || key.len() > limits::CACHE_KEY_BYTES_MAX {
            let most = limits::CACHE_KEY_BYTES_MAX;
            return Err(Error::invalid(format!("a key of {} bytes, expected 1 to {most}", key.len())));
        }
        work(state)
    })
}
