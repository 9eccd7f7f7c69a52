//! Where requests may go: patterns of hosts, and what they are compared with. It resolves no name and opens nothing.
//!
//! ```text
//! qyapi.weixin.qq.com          https, port 443
//! https://api.example.com:8443
//! https://*.example.com        any name below it, not the name itself
//! http://127.0.0.1:4321        an address
//! https://*  *  http://*:*     any host; any port
//! ```

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

/// Bytes of a name of a host (RFC 1035, without the trailing dot).
const NAME_BYTES_MAX: usize = 253;
/// Bytes of a label of it.
const LABEL_BYTES_MAX: usize = 63;

/// How a request travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// Over TLS.
    Https,
    /// In the clear.
    Http,
}

impl Scheme {
    /// The name in URLs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
        }
    }

    /// The port when none is named.
    pub fn port(self) -> u16 {
        match self {
            Self::Https => 443,
            Self::Http => 80,
        }
    }
}

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// How it travels.
    pub scheme: Scheme,
    /// To whom.
    pub host: OriginHost,
    /// The port, 1 to 65535.
    pub port: u16,
}

/// A host of a URL.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OriginHost {
    /// A name, in lower case and ASCII (IDNA done).
    Name(String),
    /// An address.
    Address(IpAddr),
}

impl OriginHost {
    /// A name in lower case and ASCII; none when it is no name of a host, or a number that a system may read as an address.
    pub fn named(name: &str) -> Option<Self> {
        is_name(name).then(|| Self::Name(name.to_owned()))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.as_str(), self.host)?;
        if self.port == self.scheme.port() { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

impl fmt::Display for OriginHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V4(address)) => write!(f, "{address}"),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

/// Which hosts a plugin, a tenant or a host permits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPattern {
    scheme: Scheme,
    host: Rule,
    /// None is any.
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Rule {
    Any,
    /// Names below this one.
    Below(String),
    Exactly(OriginHost),
}

/// Why a text is no pattern of hosts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is no pattern of hosts: {why}")]
pub struct PatternError {
    /// The text.
    pub found: String,
    /// The rule that it breaks.
    pub why: &'static str,
}

impl HostPattern {
    /// Whether requests may go there.
    pub fn matches(&self, origin: &Origin) -> bool {
        let host = match (&self.host, &origin.host) {
            (Rule::Any, _) => true,
            (Rule::Below(_), OriginHost::Address(_)) => false,
            (Rule::Below(above), OriginHost::Name(name)) => {
                name.strip_suffix(above.as_str()).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
            }
            (Rule::Exactly(host), found) => host == found,
        };
        host && self.scheme == origin.scheme && self.port.is_none_or(|port| port == origin.port)
    }

    /// Whether it matches the one host that another pattern names exactly; false when that names several.
    pub fn covers(&self, exact: &Self) -> bool {
        match (&exact.host, exact.port) {
            (Rule::Exactly(host), Some(port)) => {
                self.matches(&Origin { scheme: exact.scheme, host: host.clone(), port })
            }
            _ => false,
        }
    }

    /// Whether it names this very address, and no name or star that stands for it.
    pub fn names_address(&self, origin: &Origin) -> bool {
        matches!(&self.host, Rule::Exactly(OriginHost::Address(_))) && self.matches(origin)
    }
}

impl std::str::FromStr for HostPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        read(text).map_err(|why| PatternError { found: text.chars().take(100).collect(), why })
    }
}

fn read(text: &str) -> Result<HostPattern, &'static str> {
    let (scheme, rest) = match text.split_once("://") {
        Some(("https", rest)) => (Scheme::Https, rest),
        Some(("http", rest)) => (Scheme::Http, rest),
        Some(_) => return Err("expected https:// or http://, or no scheme for https"),
        None => (Scheme::Https, text),
    };
    if rest.contains('/') {
        return Err("expected a host and a port without a path");
    }
    let (host, port) = match rest.rfind(':') {
        Some(at) if !rest[at..].contains(']') => (&rest[..at], Some(&rest[at + 1..])),
        _ => (rest, None),
    };
    let port = match port {
        None => Some(scheme.port()),
        Some("*") => None,
        Some(number) => Some(port_of(number).ok_or("expected a port from 1 to 65535, or *")?),
    };
    Ok(HostPattern { scheme, host: rule(host)?, port })
}

fn port_of(text: &str) -> Option<u16> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|port| is_plain && *port > 0)
}

fn rule(text: &str) -> Result<Rule, &'static str> {
    if text == "*" {
        return Ok(Rule::Any);
    }
    if let Some(inner) = text.strip_prefix('[') {
        let address: Option<Ipv6Addr> = inner.strip_suffix(']').and_then(|address| address.parse().ok());
        let address = address.ok_or("expected an IPv6 address in brackets")?;
        return Ok(Rule::Exactly(OriginHost::Address(address.into())));
    }
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return Ok(Rule::Exactly(OriginHost::Address(address.into())));
    }
    let (name, is_below) = text.strip_prefix("*.").map_or((text, false), |name| (name, true));
    if !is_name(name) {
        return Err("expected a name of lower-case letters, digits, - and . such as api.example.com \
                    (one in another script as xn--…), an address, *.name or *");
    }
    Ok(if is_below { Rule::Below(name.to_owned()) } else { Rule::Exactly(OriginHost::Name(name.to_owned())) })
}

/// Whether a text is a name of a host, in lower case, and no number that a system may read as an address.
fn is_name(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=LABEL_BYTES_MAX).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    let last = text.rsplit('.').next().unwrap_or_default();
    let is_number = last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x");
    text.len() <= NAME_BYTES_MAX && !is_number && text.split('.').all(is_label)
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.scheme.as_str())?;
        match &self.host {
            Rule::Any => f.write_str("*")?,
            Rule::Below(name) => write!(f, "*.{name}")?,
            Rule::Exactly(host) => write!(f, "{host}")?,
        }
        match self.port {
            None => f.write_str(":*"),
            Some(port) if port == self.scheme.port() => Ok(()),
            Some(port) => write!(f, ":{port}"),
        }
    }
}

impl Serialize for HostPattern {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for HostPattern {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(scheme: Scheme, host: &str, port: u16) -> Origin {
        let host = match host.parse() {
            Ok(address) => OriginHost::Address(address),
            Err(_) => OriginHost::Name(host.to_owned()),
        };
        Origin { scheme, host, port }
    }

    #[test]
    fn a_pattern_matches_what_it_says_and_nothing_beside_it() {
        use Scheme::{Http, Https};
        for (pattern, scheme, host, port, fits) in [
            ("api.example.com", Https, "api.example.com", 443, true),
            ("api.example.com", Https, "api.example.com", 8443, false),
            ("api.example.com", Http, "api.example.com", 443, false),
            ("api.example.com", Https, "api.example.com.evil.org", 443, false),
            ("api.example.com", Https, "xapi.example.com", 443, false),
            ("https://api.example.com:8443", Https, "api.example.com", 8443, true),
            ("*.example.com", Https, "a.b.example.com", 443, true),
            ("*.example.com", Https, "example.com", 443, false),
            ("*.example.com", Https, "notexample.com", 443, false),
            ("*.example.com", Https, ".example.com", 443, false),
            ("*", Https, "anything.org", 443, true),
            ("*", Http, "anything.org", 80, false),
            ("http://*:*", Http, "127.0.0.1", 4321, true),
            ("*:*", Https, "::1", 9, true),
            ("http://127.0.0.1:4321", Http, "127.0.0.1", 4321, true),
            ("http://127.0.0.1:4321", Http, "127.0.0.2", 4321, false),
            ("https://[2001:db8::1]", Https, "2001:db8::1", 443, true),
        ] {
            let rule: HostPattern = pattern.parse().unwrap();
            assert_eq!(rule.matches(&origin(scheme, host, port)), fits, "{pattern} {host}");
        }
    }

    #[test]
    fn only_an_address_names_an_address() {
        let loopback = origin(Scheme::Http, "127.0.0.1", 80);
        for (pattern, names) in [
            ("http://127.0.0.1", true),
            ("http://127.0.0.1:*", true),
            ("http://*", false),
            ("http://*:*", false),
        ] {
            assert_eq!(pattern.parse::<HostPattern>().unwrap().names_address(&loopback), names, "{pattern}");
        }
    }

    #[test]
    fn patterns_are_written_as_they_are_read() {
        for (text, shown) in [
            ("a.example", "https://a.example"),
            ("http://a.example:80", "http://a.example"),
            ("https://*.example:8443", "https://*.example:8443"),
            ("*", "https://*"),
            ("http://*:*", "http://*:*"),
            ("[::1]:99", "https://[::1]:99"),
        ] {
            let pattern: HostPattern = text.parse().unwrap();
            assert_eq!(pattern.to_string(), shown);
            assert_eq!(shown.parse(), Ok(pattern));
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for text in [
            "",
            "ftp://a.example",
            "https://a.example/",
            "a.example/path",
            "A.example",
            "a..example",
            "-a.example",
            "a_b",
            "a.example:0",
            "a.example:65536",
            "a.example:080",
            "a.example:",
            "*x.example",
            "a.*.example",
            "*.*",
            "**",
            "user@a.example",
            "0x7f.1",
            "2130706433",
            "127.1",
            "0177.0.0.1",
            "127.0.0.1.",
            "a.example.",
            "[::1",
            "[127.0.0.1]",
            "::1",
            "[fe80::1%eth0]",
            "例子.example",
            "a b.example",
            "a.0x7f",
        ] {
            assert!(text.parse::<HostPattern>().is_err(), "{text}");
        }
        assert!("a".repeat(64).parse::<HostPattern>().is_err());
        assert_eq!(
            "https://a.example/x".parse::<HostPattern>().unwrap_err().to_string(),
            "`https://a.example/x` is no pattern of hosts: expected a host and a port without a path"
        );
    }
}
