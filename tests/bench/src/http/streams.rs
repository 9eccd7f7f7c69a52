//! A thousand who follow a tenant while events come: how late each of them hears of one, and what they cost. Every one of
//! them must be told every event, in its order, once.

use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::client::Connection;
use super::host::{Host, Program};
use crate::cpu;
use crate::report::{Report, percentile};

/// Who follows.
const STREAMS: usize = 1_000;
/// Streams that a token may have open at once.
const PER_TOKEN: usize = 20;
/// Events of one repetition.
const EVENTS: usize = 50;
/// Between two of them.
const PAUSE: Duration = Duration::from_millis(100);
/// Nothing for so long means that something was missed.
const PATIENCE: Duration = Duration::from_secs(30);
/// What a message of an event begins with, up to the number in its id.
const NEEDLE: &[u8] = b"\"id\":\"s";

pub(super) async fn measure(program: &Program<'_>, repeat: usize, report: &mut Report) -> anyhow::Result<()> {
    let host = program.serve()?;
    let tokens: Vec<String> = (0..STREAMS / PER_TOKEN)
        .map(|number| program.token(&host, &format!("follower-{number}")))
        .collect::<Result<_, _>>()?;
    let (mut halves, mut slows) = (Vec::new(), Vec::new());
    let before = cpu::memory_of(host.id());
    let mut each_kb = Vec::new();
    for round in 0..repeat {
        let mut told = follow(&host, &tokens, round * EVENTS).await?;
        each_kb.push(cpu::memory_of(host.id()).saturating_sub(before) as f64 / 1024.0 / STREAMS as f64);
        let answered = hand_in(&host, round * EVENTS).await?;
        let (mut late, mut streams) = (Vec::with_capacity(STREAMS * EVENTS), Vec::with_capacity(STREAMS));
        while let Some(told) = told.join_next().await {
            let (heard, stream) = told??;
            // Who follows may hear of it before whoever handed it in: both wait for the commit.
            let each = heard.iter().zip(&answered).map(|(heard, at)| heard.saturating_duration_since(*at));
            late.extend(each.map(|late| late.as_secs_f64() * 1e3));
            // All stay open until the last one has heard everything.
            streams.push(stream);
        }
        halves.push(percentile(&late, 50));
        slows.push(percentile(&late, 99));
    }
    report.figure(
        format!("{STREAMS} streams of a tenant: from an event's answer to each of them, median"),
        "ms",
        halves,
    );
    report.figure("the same, 99th percentile", "ms", slows);
    report.figure("memory of a stream", "KiB", each_kb);
    Ok(())
}

/// Opens all streams, and returns once every one of them is told what comes.
async fn follow(
    host: &Host,
    tokens: &[String],
    first: usize,
) -> anyhow::Result<JoinSet<anyhow::Result<(Vec<Instant>, Stream)>>> {
    let mut told = JoinSet::new();
    for number in 0..STREAMS {
        let mut stream = Stream::open(&host.address, &tokens[number / PER_TOKEN]).await?;
        told.spawn(async move { Ok((stream.hear(first..first + EVENTS).await?, stream)) });
    }
    Ok(told)
}

/// Hands events in, and gives when each of them was answered.
async fn hand_in(host: &Host, first: usize) -> anyhow::Result<Vec<Instant>> {
    let mut way = Connection::open(&host.address, &host.token, (&Host::events(), "application/json")).await?;
    let mut answered = Vec::with_capacity(EVENTS);
    for number in first..first + EVENTS {
        tokio::time::sleep(PAUSE).await;
        let answer = way
            .ask(&format!(
                r#"{{"id":"s{number}","type":"page.viewed","subject":"shop:1","data":{{"sku":"cup"}}}}"#
            ))
            .await?;
        answered.push(Instant::now());
        ensure!(answer.status == 200, "an event was answered {}", answer.status);
    }
    Ok(answered)
}

/// One who follows.
struct Stream {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Stream {
    /// Follows the tenant from now on: the first message says so.
    async fn open(address: &str, token: &str) -> anyhow::Result<Self> {
        let mut stream = TcpStream::connect(address).await.with_context(|| address.to_owned())?;
        let path = Host::stream();
        let head = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\r\n");
        stream.write_all(head.as_bytes()).await?;
        let mut new = Self { stream, buffer: Vec::with_capacity(4 << 10) };
        while !new.has(b"event: place") {
            new.read().await?;
        }
        ensure!(new.buffer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&new.buffer));
        new.buffer.clear();
        Ok(new)
    }

    /// Hears of events in their order, and gives when it heard of each.
    async fn hear(&mut self, numbers: std::ops::Range<usize>) -> anyhow::Result<Vec<Instant>> {
        let mut heard = Vec::with_capacity(numbers.len());
        let mut next = numbers.start;
        while next < numbers.end {
            self.read().await?;
            let now = Instant::now();
            while let Some(number) = self.number()? {
                ensure!(number == next, "told event {number} after {next} others: expected {next}");
                heard.push(now);
                next += 1;
            }
        }
        Ok(heard)
    }

    /// The number of the next event that was told whole; what is before it is let go.
    fn number(&mut self) -> anyhow::Result<Option<usize>> {
        let Some(at) = self.buffer.windows(NEEDLE.len()).position(|window| window == NEEDLE) else {
            // The beginning of one may be at the end.
            let keep = self.buffer.len().min(NEEDLE.len());
            self.buffer.drain(..self.buffer.len() - keep);
            return Ok(None);
        };
        let digits = &self.buffer[at + NEEDLE.len()..];
        let Some(length) = digits.iter().position(|byte| *byte == b'"') else { return Ok(None) };
        let number = std::str::from_utf8(&digits[..length])?.parse()?;
        self.buffer.drain(..at + NEEDLE.len() + length);
        Ok(Some(number))
    }

    fn has(&self, what: &[u8]) -> bool {
        self.buffer.windows(what.len()).any(|window| window == what)
    }

    async fn read(&mut self) -> anyhow::Result<()> {
        let read = tokio::time::timeout(PATIENCE, self.stream.read_buf(&mut self.buffer)).await;
        match read.context("a stream tells nothing any more")?? {
            0 => bail!("the host closed a stream: {}", String::from_utf8_lossy(&self.buffer)),
            _ => Ok(()),
        }
    }
}
