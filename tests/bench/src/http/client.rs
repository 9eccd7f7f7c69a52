//! Connections to a host: requests written as they are, answers read as far as a measurement needs them. It takes as little of
//! the cores as it can, because the host that is measured shares them.

use std::time::Instant;

use anyhow::{Context, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Bytes of an answer that a measurement reads at most: one line for each event of the largest batch.
const ANSWER_BYTES_MAX: usize = 4 << 20;

/// What was answered.
pub(super) struct Answer {
    /// The status of HTTP.
    pub(super) status: u16,
    /// Whether it says when to ask again.
    pub(super) has_retry_after: bool,
    /// The body.
    pub(super) body: Vec<u8>,
    /// Milliseconds from the request to the end of its answer.
    pub(super) spent_ms: f64,
}

/// A connection that stays open.
pub(super) struct Connection {
    stream: TcpStream,
    head: String,
    buffer: Vec<u8>,
}

impl Connection {
    /// To a host, for requests with one token to one path.
    pub(super) async fn open(address: &str, token: &str, (path, kind): (&str, &str)) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| address.to_owned())?;
        stream.set_nodelay(true)?;
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nContent-Type: {kind}\r\nContent-Length: "
        );
        Ok(Self { stream, head, buffer: Vec::with_capacity(8 << 10) })
    }

    /// Asks, and waits for the whole answer.
    pub(super) async fn ask(&mut self, body: &str) -> anyhow::Result<Answer> {
        let request = format!("{}{}\r\n\r\n{body}", self.head, body.len());
        let begun = Instant::now();
        self.stream.write_all(request.as_bytes()).await?;
        self.buffer.clear();
        let (end, length) = loop {
            self.read().await?;
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                let head = std::str::from_utf8(&self.buffer[..end])?;
                break (
                    end + 4,
                    field(head, "content-length").context("an answer without a length")?.parse::<usize>()?,
                );
            }
        };
        ensure!(length <= ANSWER_BYTES_MAX, "an answer of {length} bytes");
        while self.buffer.len() < end + length {
            self.read().await?;
        }
        let spent_ms = begun.elapsed().as_secs_f64() * 1e3;
        let head = std::str::from_utf8(&self.buffer[..end])?;
        let status = head.split(' ').nth(1).context("an answer without a status")?.parse()?;
        let has_retry_after = field(head, "retry-after").is_some();
        Ok(Answer { status, has_retry_after, body: self.buffer[end..end + length].to_vec(), spent_ms })
    }

    async fn read(&mut self) -> anyhow::Result<()> {
        if self.stream.read_buf(&mut self.buffer).await? == 0 {
            bail!("the host closed the connection: {}", String::from_utf8_lossy(&self.buffer));
        }
        Ok(())
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// The value of a field in the head of an answer.
fn field<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_whatever_its_case() {
        let head = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 12";
        assert_eq!(field(head, "retry-after"), Some("1"));
        assert_eq!(field(head, "content-length"), Some("12"));
        assert_eq!(field(head, "etag"), None);
        assert_eq!(find(b"ab\r\n\r\ncd", b"\r\n\r\n"), Some(2));
    }
}
