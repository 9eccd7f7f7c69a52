//! The head of a request: which methods and fields a plugin may send. It fills nothing in.

use hyper::Method;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use siyu_engine::ports::network::Header;
use siyu_model::limits::network::{HEADER_BYTES_MAX, HEADERS_MAX};

/// Methods that a plugin may use.
const METHODS: [Method; 6] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

/// Fields that belong to the connection, or say where a request goes: two readers must not differ about them. And those of traces, which
/// would let a plugin take part in a trace that is not its own, or write into it: the host sends them, whether it has a collector or not.
const OF_THE_HOST: [&str; 15] = [
    "connection",
    "content-length",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "traceparent",
    "tracestate",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The method of a name.
pub(crate) fn method(name: &str) -> Result<Method, String> {
    METHODS.into_iter().find(|method| method.as_str() == name).ok_or_else(|| {
        format!("`{}` is no method of a request: expected GET, HEAD, POST, PUT, PATCH or DELETE", cut(name))
    })
}

/// The fields of a head.
pub(crate) fn fields(headers: &[Header]) -> Result<HeaderMap, String> {
    let found = headers.len();
    if found > HEADERS_MAX {
        return Err(format!("the request has {found} header fields, at most {HEADERS_MAX} are allowed"));
    }
    let bytes: usize = headers.iter().map(|header| header.name.len() + header.value.len()).sum();
    if bytes > HEADER_BYTES_MAX {
        return Err(format!("the header fields have {bytes} bytes, at most {HEADER_BYTES_MAX} are allowed"));
    }
    let mut fields = HeaderMap::with_capacity(headers.len());
    for header in headers {
        let shown = cut(&header.name);
        let name = HeaderName::from_bytes(header.name.as_bytes())
            .map_err(|_| format!("`{shown}` is no name of a header field"))?;
        if OF_THE_HOST.contains(&name.as_str()) {
            return Err(format!("the header field `{shown}` is the host's to send"));
        }
        let mut value = value(&header.value)
            .ok_or_else(|| format!("the value of the header field `{shown}` has a character that no value has, such as a line break"))?;
        // Whatever logs heads must not show it.
        value.set_sensitive(true);
        fields.append(name, value);
    }
    Ok(fields)
}

/// A value of one line of visible text.
fn value(text: &str) -> Option<HeaderValue> {
    let is_plain = text.chars().all(|c| c == '\t' || !c.is_control());
    HeaderValue::from_str(text)
        .or_else(|_| HeaderValue::from_bytes(text.as_bytes()))
        .ok()
        .filter(|_| is_plain)
}

/// A name for a sentence.
fn cut(text: &str) -> String {
    text.chars().take(64).map(|c| if c.is_control() { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(name: &str, value: &str) -> Header {
        Header { name: name.to_owned(), value: value.to_owned() }
    }

    #[test]
    fn a_line_break_never_gets_into_a_head() {
        for (name, value) in [
            ("x-a", "b\r\nx-c: d"),
            ("x-a", "b\nd"),
            ("x-a", "b\rd"),
            ("x-a", "b\0d"),
            ("x-a", "\u{7f}"),
            ("x-a", "\u{85}x"),
            ("x-a\r\nx-b", "c"),
            ("x-a:", "c"),
            ("x a", "c"),
            ("", "c"),
            ("x-ä", "c"),
        ] {
            assert!(fields(&[header(name, value)]).is_err(), "{name:?}: {value:?}");
        }
        assert!(fields(&[header("x-a", "b\td 你好")]).is_ok());
    }

    #[test]
    fn what_belongs_to_the_connection_or_to_traces_is_the_hosts() {
        for name in OF_THE_HOST {
            assert!(fields(&[header(name, "1")]).is_err());
            assert!(fields(&[header(&name.to_ascii_uppercase(), "1")]).is_err());
        }
    }

    #[test]
    fn heads_and_methods_are_bounded() {
        assert!(fields(&vec![header("a", "b"); HEADERS_MAX]).is_ok());
        assert!(fields(&vec![header("a", "b"); HEADERS_MAX + 1]).is_err());
        assert!(fields(&[header("a", &"b".repeat(HEADER_BYTES_MAX))]).is_err());
        for name in ["CONNECT", "TRACE", "OPTIONS", "get", "GET /x HTTP/1.1\r\n", ""] {
            assert!(method(name).is_err(), "{name}");
        }
    }
}
