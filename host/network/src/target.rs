//! URLs, read strictly: what other readers may read as something else is refused, not mended.

use std::net::IpAddr;

use siyu_model::limits::network::URL_BYTES_MAX;
use siyu_model::plugin::{Origin, OriginHost, Scheme};
use url::{Host, Position, Url};

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// To whom.
    pub(crate) origin: Origin,
    /// `/path`.
    pub(crate) path: String,
    /// What comes after the `?`.
    pub(crate) query: Option<String>,
}

/// Reads a URL; the error says what is wrong with it, without repeating more than its host.
pub(crate) fn read(text: &str) -> Result<Target, String> {
    if text.len() > URL_BYTES_MAX {
        return Err(format!("the URL has {} bytes, at most {URL_BYTES_MAX} are allowed", text.len()));
    }
    if let Some(found) = text.chars().find(|c| c.is_control() || c.is_whitespace() || *c == '\\') {
        return Err(format!("the URL has the character {found:?}, which no URL has"));
    }
    let expected = "the URL is not https://host[:port]/path?query";
    let (scheme, rest) = text.split_once("://").ok_or(expected)?;
    let scheme = match scheme {
        "https" => Scheme::Https,
        "http" => Scheme::Http,
        _ => return Err("the URL's scheme is not https or http, in lower case".to_owned()),
    };
    if text.contains('#') {
        return Err("the URL has a fragment, which no request has".to_owned());
    }
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err("the URL names a user: put credentials into a header".to_owned());
    }
    if authority.is_empty() || authority.contains('%') {
        return Err(expected.to_owned());
    }
    let url = Url::parse(text).map_err(|fault| format!("the URL cannot be read: {fault}"))?;
    let (host, port) = split(authority);
    let port = match port {
        None => scheme.port(),
        Some(port) => plain_port(port).ok_or("the URL's port is not a number from 1 to 65535")?,
    };
    let origin = Origin { scheme, host: host_of(&url, host)?, port };
    Ok(Target { origin, path: url.path().to_owned(), query: query_of(&url) })
}

fn query_of(url: &Url) -> Option<String> {
    let query = &url[Position::AfterPath..Position::AfterQuery];
    query.strip_prefix('?').map(str::to_owned)
}

/// The host and the port as they are written.
fn split(authority: &str) -> (&str, Option<&str>) {
    match authority.rfind(':') {
        Some(at) if !authority[at..].contains(']') => (&authority[..at], Some(&authority[at + 1..])),
        _ => (authority, None),
    }
}

fn plain_port(text: &str) -> Option<u16> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|_| is_plain)
}

/// The host, when it is written as it is meant: an address in its usual form, or a name that is none.
fn host_of(url: &Url, written: &str) -> Result<OriginHost, String> {
    let odd = |address: IpAddr| {
        format!("the URL writes the address {address} in another form than the usual one: write it like this")
    };
    match url.host() {
        Some(Host::Ipv4(address)) if written == address.to_string() => {
            Ok(OriginHost::Address(address.into()))
        }
        Some(Host::Ipv6(address)) if written == format!("[{address}]") => {
            Ok(OriginHost::Address(address.into()))
        }
        Some(Host::Ipv4(address)) => Err(odd(address.into())),
        Some(Host::Ipv6(address)) => Err(odd(address.into())),
        Some(Host::Domain(name)) => OriginHost::named(name)
            .ok_or_else(|| "the URL's host is no name such as api.example.com, and no address".to_owned()),
        None => Err("the URL has no host".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_usual_url_is_read_into_its_parts() {
        for (text, origin, path, query) in [
            ("https://api.example.com", "https://api.example.com", "/", None),
            ("https://API.Example.com/a?b=c&d", "https://api.example.com", "/a", Some("b=c&d")),
            (
                "https://bücher.example/a b".trim_end_matches(" b"),
                "https://xn--bcher-kva.example",
                "/a",
                None,
            ),
            (
                "https://api.example.com:8443/?x={{secret:a}}",
                "https://api.example.com:8443",
                "/",
                Some("x={{secret:a}}"),
            ),
            ("http://127.0.0.1:4321/x", "http://127.0.0.1:4321", "/x", None),
            ("https://[2001:4860::1]/", "https://[2001:4860::1]", "/", None),
            ("https://a.example/../b", "https://a.example", "/b", None),
        ] {
            let target = read(text).unwrap();
            assert_eq!(target.origin.to_string(), origin, "{text}");
            assert_eq!((target.path.as_str(), target.query.as_deref()), (path, query), "{text}");
        }
    }
}
