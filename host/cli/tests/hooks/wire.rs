//! A connection that sends a request byte for byte as it is, and reads the answer.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use crate::support::served::LONG;

/// A request as it is sent.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Whether the connection is of no use afterwards.
    pub(crate) is_closed: bool,
}

impl Request {
    /// The value of a field.
    pub(crate) fn field(&mut self, name: &str) -> &mut String {
        let found = self.headers.iter_mut().find(|(known, _)| known == name);
        found.map(|(_, value)| value).unwrap_or_else(|| panic!("there is no {name}"))
    }
}

/// A connection that is opened again when it has to be.
pub(crate) struct Wire {
    address: String,
    open: Option<BufReader<TcpStream>>,
}

impl Wire {
    pub(crate) fn new(address: &str) -> Self {
        Self { address: address.trim_start_matches("http://").to_owned(), open: None }
    }

    /// Sends a request once; none when there was no whole answer.
    pub(crate) fn once(&mut self, request: &Request) -> Option<(u16, String)> {
        let (status, text, _) = self.try_ask(&bytes(request))?;
        Some((status, text))
    }

    /// Sends a request; gives the status and the body of the answer.
    pub(crate) fn ask(&mut self, request: &Request) -> (u16, String) {
        let bytes = bytes(request);
        let was_open = self.open.is_some();
        let answer = self.try_ask(&bytes);
        // One that was idle for long may be closed, and nothing was read of it.
        let answer = if answer.is_none() && was_open { self.try_ask(&bytes) } else { answer };
        let (status, text, is_over) = answer.expect("an answer");
        if request.is_closed || is_over {
            self.open = None;
        }
        (status, text)
    }

    fn try_ask(&mut self, bytes: &[u8]) -> Option<(u16, String, bool)> {
        let mut open = match self.open.take() {
            Some(open) => open,
            None => {
                let stream = TcpStream::connect(&self.address).ok()?;
                stream.set_read_timeout(Some(LONG)).expect("a time");
                stream.set_nodelay(true).expect("no delay");
                BufReader::new(stream)
            }
        };
        // A host that has answered already may not read the rest.
        let _ = open.get_mut().write_all(bytes);
        let answer = read(&mut open)?;
        self.open = Some(open);
        Some(answer)
    }
}

/// What goes over the wire.
fn bytes(request: &Request) -> Vec<u8> {
    let has_length = request.headers.iter().any(|(name, _)| name == "content-length");
    let mut head = format!("{} {} HTTP/1.1\r\nhost: localhost\r\n", request.method, request.path);
    for (name, value) in &request.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if !has_length {
        head.push_str(&format!("content-length: {}\r\n", request.body.len()));
    }
    head.push_str("\r\n");
    [head.as_bytes(), &request.body].concat()
}

fn read(open: &mut BufReader<TcpStream>) -> Option<(u16, String, bool)> {
    let mut line = String::new();
    open.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let status = line.split(' ').nth(1)?.parse().ok()?;
    let (mut length, mut is_over) = (0, false);
    loop {
        let mut field = String::new();
        open.read_line(&mut field).ok().filter(|read| *read > 0)?;
        let field = field.trim_end().to_ascii_lowercase();
        if field.is_empty() {
            break;
        }
        if let Some(found) = field.strip_prefix("content-length: ") {
            length = found.parse().ok()?;
        }
        is_over |= field == "connection: close";
    }
    let mut body = vec![0; length];
    open.read_exact(&mut body).ok()?;
    Some((status, String::from_utf8_lossy(&body).into_owned(), is_over))
}
