//! The guard before every route: its limits, then who comes, then whether they may.
//!
//! A route without a guard is one that everybody may ask, and says so in the table of routes.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::{FromRequestParts, RawPathParams, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use siyu_model::access::Scope;
use siyu_model::limits::http::URL_BYTES_MAX;
use siyu_model::name::TenantName;

use super::Door;
use crate::body;
use crate::problem::Problem;

/// What a route asks of whoever comes.
#[derive(Clone)]
pub(crate) struct Guard {
    /// The door.
    pub(crate) door: Arc<Door>,
    /// What they must be allowed to do.
    pub(crate) scope: Scope,
}

/// Lets a request through to its route, with its caller and its tenant.
pub(crate) async fn guard(
    State(Guard { door, scope }): State<Guard>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let caller = door.enter(bearer(request.headers())?).await?;
    let (mut parts, body) = request.into_parts();
    let tenant = tenant_of(&mut parts).await?;
    caller.may(scope, tenant.as_ref())?;
    if let Some(tenant) = tenant {
        parts.extensions.insert(tenant);
    }
    parts.extensions.insert(caller);
    Ok(next.run(Request::from_parts(parts, body)).await)
}

/// The tenant that the path names; a name that nobody can have is nobody's.
async fn tenant_of(parts: &mut axum::http::request::Parts) -> Result<Option<TenantName>, Problem> {
    let params = RawPathParams::from_request_parts(parts, &()).await;
    let params = params.map_err(|why| Problem::invalid("PATH", why.body_text()))?;
    let named = params.iter().find(|(name, _)| *name == "tenant");
    named.map(|(_, value)| value.parse().map_err(|_| Problem::no_tenant())).transpose()
}

/// The token that a request presents.
pub(crate) fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut presented = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = presented.next() else { return Ok(None) };
    let wrong = || {
        Problem::unknown(
            "TOKEN",
            "the header `Authorization` holds something else than `Bearer siyu_…`, once",
        )
    };
    if presented.next().is_some() {
        return Err(wrong());
    }
    let (scheme, token) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(wrong)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(Some(token.trim())) } else { Err(wrong()) }
}

/// What no route takes, whoever asks.
pub(crate) async fn limits(State(door): State<Arc<Door>>, request: Request, next: Next) -> Response {
    let refused = within(&door, &request).err();
    let (parts, body) = request.into_parts();
    let (body, is_read) = body::watched(body);
    let mut response = match refused {
        Some(problem) => problem.into_response(),
        None => next.run(Request::from_parts(parts, body)).await,
    };
    let headers = response.headers_mut();
    // What is left of a body would be taken for the next request, so the connection ends; whoever asked must know.
    if !is_read.load(Ordering::Relaxed) {
        headers.insert(header::CONNECTION, header::HeaderValue::from_static("close"));
    }
    // What is answered is about customers: it is nobody's to keep or to guess about.
    headers.entry(header::CACHE_CONTROL).or_insert(header::HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, header::HeaderValue::from_static("nosniff"));
    response
}

fn within(door: &Door, request: &Request) -> Result<(), Problem> {
    let found = request.uri().path_and_query().map_or(0, |text| text.as_str().len());
    if found > URL_BYTES_MAX {
        let detail = format!("the path and the query have {found} bytes: expected at most {URL_BYTES_MAX}");
        return Err(Problem::new(StatusCode::URI_TOO_LONG, "URL", detail));
    }
    let headers = request.headers();
    if let Some(found) = headers.get(header::CONTENT_ENCODING).filter(|found| *found != "identity") {
        let found = String::from_utf8_lossy(found.as_bytes());
        let detail = format!("the body is encoded as {found}: expected no `Content-Encoding`");
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "ENCODING", detail));
    }
    if door.is_open() { from_here(headers) } else { Ok(()) }
}

/// With a door that asks nobody, a browser on this machine is not to be used by pages of other sites: neither by their
/// requests, which carry `Origin`, nor by a name of theirs that was made to lead here.
fn from_here(headers: &HeaderMap) -> Result<(), Problem> {
    let away = |what: &str, found: &str| {
        let detail = format!("{what} is `{found}`: a host that asks nobody answers this machine only");
        Err(Problem::new(StatusCode::FORBIDDEN, "NOT_LOCAL", detail))
    };
    let text = |name: header::HeaderName| {
        headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    if let Some(host) = text(header::HOST)
        && !is_local(&host)
    {
        return away("`Host`", &host);
    }
    match text(header::ORIGIN) {
        Some(origin) if !origin.split_once("://").is_some_and(|(_, host)| is_local(host)) => {
            away("`Origin`", &origin)
        }
        _ => Ok(()),
    }
}

/// Whether a name with an optional port leads to this machine alone.
fn is_local(host: &str) -> bool {
    if let Ok(address) = host.parse::<std::net::SocketAddr>() {
        return address.ip().is_loopback();
    }
    let name = host.rsplit_once(':').map_or(host, |(name, port)| {
        if port.bytes().all(|b| b.is_ascii_digit()) && !name.is_empty() { name } else { host }
    });
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    name == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::is_local;

    #[test]
    fn only_names_of_this_machine_are_local() {
        for host in
            ["localhost", "localhost:7710", "127.0.0.1", "127.0.0.1:80", "127.9.9.9:1", "[::1]:7710", "[::1]"]
        {
            assert!(is_local(host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.nip.io",
            "10.0.0.1:7710",
            "[::2]:1",
            "localhost:x",
        ] {
            assert!(!is_local(host), "{host}");
        }
    }
}
