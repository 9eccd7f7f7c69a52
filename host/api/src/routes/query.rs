//! What all routes share that read a tenant: opening it, pages of lists, spans of time, and tags of what was read.

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use siyu_engine::ports::inspect::{Cursor, Inspect, InspectError, Span, Turn};
use siyu_insight::Frame;
use siyu_model::clock::UtcMs;
use siyu_model::event::Subject;
use siyu_model::id::CustomerId;
use siyu_model::limits::http::PAGE_ROWS;
use siyu_model::limits::inspect::PAGE_ROWS_MAX;
use siyu_model::name::{PlaybookName, TenantName};

use crate::Api;
use crate::problem::Problem;

/// Hexadecimal digits by which a page's token is bound to its list.
const BOUND_DIGITS: usize = 16;

/// A tenant to read.
pub(super) async fn inspect(api: &Api, tenant: &TenantName) -> Result<Arc<dyn Inspect>, Problem> {
    let found = api.inspectors.of(tenant).await.map_err(InspectError::from)?;
    found.ok_or_else(Problem::no_tenant)
}

/// A tenant to read, with the frame of all its playbooks or of one.
pub(super) async fn framed(
    api: &Api,
    tenant: &TenantName,
    playbook: Option<&str>,
) -> Result<(Arc<dyn Inspect>, Frame), Problem> {
    let playbook = playbook.map(|name| parsed::<PlaybookName>("playbook", name)).transpose()?;
    let inspect = inspect(api, tenant).await?;
    let frame = Frame::of(&*inspect, playbook.as_ref()).await?;
    Ok((inspect, frame))
}

/// A value of the query or the path.
pub(super) fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(
    name: &str,
    text: &str,
) -> Result<T, Problem> {
    text.parse().map_err(|why| Problem::invalid("QUERY", format!("`{name}`: {why}")))
}

/// The customer whose rows are wanted, when one is named; none when nobody is called that, so that there are no rows.
pub(super) async fn customer(
    inspect: &dyn Inspect,
    who: Option<&str>,
) -> Result<Option<Option<CustomerId>>, Problem> {
    let Some(who) = who else { return Ok(Some(None)) };
    let found = inspect.customer(parsed::<Subject>("customer", who)?).await?;
    Ok(found.map(|image| Some(image.customer.id)))
}

/// A span of time; a day without a time begins at midnight of the frame's zone.
pub(super) fn span(frame: &Frame, from: Option<&str>, until: Option<&str>) -> Result<Span, Problem> {
    let read = |name: &str, text: Option<&str>| -> Result<Option<UtcMs>, Problem> {
        let read = text.map(|text| frame.instant(text)).transpose();
        read.map_err(|why| Problem::invalid("QUERY", format!("`{name}`: {why}, or a day such as 2026-11-21")))
    };
    Ok(Span { from: read("from", from)?, until: read("until", until)? })
}

/// A list, with all that decides what is in it: its tokens are good for it alone.
pub(super) struct List<'l> {
    /// The tenant.
    pub(super) tenant: &'l TenantName,
    /// Which list.
    pub(super) name: &'static str,
    /// What was asked for.
    pub(super) filter: Vec<Option<&'l str>>,
}

impl List<'_> {
    /// By what tokens of this list are known.
    fn bound(&self) -> String {
        // With the lengths, so that two lists never read the same.
        let text = format!("{:?}", (self.tenant.as_str(), self.name, &self.filter));
        blake3::hash(text.as_bytes()).to_hex()[..BOUND_DIGITS].to_owned()
    }

    /// The part of the list that is wanted.
    pub(super) fn turn(&self, size: Option<usize>, token: Option<&str>) -> Result<Turn, Problem> {
        let limit = size.unwrap_or(PAGE_ROWS);
        if !(1..=PAGE_ROWS_MAX).contains(&limit) {
            let detail = format!("`page_size` is {limit}: expected 1 to {PAGE_ROWS_MAX}");
            return Err(Problem::invalid("QUERY", detail));
        }
        let after = match token.filter(|token| !token.is_empty()) {
            None => None,
            Some(token) => match token.split_once('~') {
                Some((bound, place)) if bound == self.bound() => Some(cursor(place).ok_or_else(foreign)?),
                _ => return Err(foreign()),
            },
        };
        Ok(Turn { after, limit })
    }

    /// Where the list goes on; empty at its end. A place may hold anything, such as the name of an account, but its token
    /// stands in a query as it is (RFC 3986, 2.3).
    pub(super) fn next(&self, cursor: Option<impl std::fmt::Display>) -> String {
        let token = |place: String| format!("{}~{}", self.bound(), URL_SAFE_NO_PAD.encode(place));
        cursor.map(|cursor| token(cursor.to_string())).unwrap_or_default()
    }
}

/// The place that a token names; none when no list gave it.
fn cursor(place: &str) -> Option<Cursor> {
    let place = URL_SAFE_NO_PAD.decode(place).ok()?;
    String::from_utf8(place).ok().map(Cursor::new)
}

fn foreign() -> Problem {
    let detail = "`page_token` is none of this list: expected the `next_page_token` of an earlier page, asked for with the \
                  same filter";
    Problem::invalid("PAGE_TOKEN", detail)
}

/// What was read, with a strong tag; nothing but the tag when the caller has it already (RFC 9110, 13.1.2).
pub(super) fn tagged(headers: &HeaderMap, body: &impl Serialize) -> Result<Response, Problem> {
    let text = serde_json::to_string(body).map_err(|fault| {
        tracing::error!(%fault, "an answer has no JSON form");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "BROKEN", "the answer cannot be written")
    })?;
    let hash = blake3::hash(text.as_bytes()).to_hex();
    with_tag(headers, &hash[..32], text)
}

/// The same under a tag that is known without what was read.
pub(super) fn with_tag(headers: &HeaderMap, tag: &str, text: String) -> Result<Response, Problem> {
    let tag = format!("\"{tag}\"");
    let had = crate::body::header(headers, "if-none-match")?.unwrap_or_default();
    let is_same = had.split(',').any(|had| had.trim().trim_start_matches("W/") == tag || had.trim() == "*");
    let mut response = if is_same {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, "application/json")], text).into_response()
    };
    let value = HeaderValue::from_str(&tag);
    let value = value.map_err(|_| Problem::invalid("TAG", "what was read has no tag"))?;
    response.headers_mut().insert(header::ETAG, value);
    // It may be kept by whoever asked, and is asked for again each time.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    Ok(response)
}
