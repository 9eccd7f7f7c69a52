//! A peer on loopback that does what its path says, and counts who came.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// A peer; it ends when it is dropped.
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    came: Arc<AtomicU32>,
    task: JoinHandle<()>,
}

impl Peer {
    pub(crate) async fn start(tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let came = Arc::new(AtomicU32::new(0));
        let counter = came.clone();
        let task = tokio::spawn(async move {
            let mut served = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                let tls = tls.clone();
                served.spawn(async move {
                    match tls {
                        None => serve(stream).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream).await;
                            }
                        }
                    }
                });
            }
        });
        Self { address, came, task }
    }

    /// How many connections were made.
    pub(crate) fn came(&self) -> u32 {
        self.came.load(Ordering::SeqCst)
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Reads one request and answers it. Whatever fails here is seen by who asked.
async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let Some(request) = read(&mut stream).await else { return };
    let path = request.split(' ').nth(1).unwrap_or("/").to_owned();
    let path = path.split('?').next().unwrap_or("/");
    let _ = answer(&mut stream, path, &request).await;
    let _ = stream.shutdown().await;
}

/// A request with its whole body.
async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length = length.and_then(|length| length.parse().ok()).unwrap_or(0);
            if body.len() >= length {
                return Some(text);
            }
        }
        let mut part = [0; 4096];
        match stream.read(&mut part).await {
            Ok(read) if read > 0 => bytes.extend_from_slice(&part[..read]),
            _ => return None,
        }
    }
}

async fn answer(stream: &mut (impl AsyncWrite + Unpin), path: &str, request: &str) -> std::io::Result<()> {
    let plain = |status: &str, more: &str, body: &str| {
        format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{more}\r\n{body}", body.len())
    };
    match path {
        "/echo" => stream.write_all(plain("200 OK", "x-seen: 1\r\n", request).as_bytes()).await,
        "/redirect" => {
            let more = "location: http://127.0.0.1:1/secret\r\n";
            stream.write_all(plain("302 Found", more, "").as_bytes()).await
        }
        "/broken" => stream.write_all(plain("500 Broken", "", "oh").as_bytes()).await,
        "/busy" => stream.write_all(plain("429 Busy", "retry-after: 7\r\n", "").as_bytes()).await,
        "/declared" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\nx").await?;
            std::future::pending().await
        }
        "/endless" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
            loop {
                stream.write_all(&[b'x'; 65_536]).await?;
            }
        }
        "/endless-chunks" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await?;
            loop {
                stream.write_all(b"1\r\nx\r\n").await?;
            }
        }
        "/drip" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n").await?;
            loop {
                stream.write_all(b"x").await?;
                stream.flush().await?;
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        "/drip-head" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nx-a: ").await?;
            loop {
                stream.write_all(b"x").await?;
                stream.flush().await?;
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        "/continue" => loop {
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
            tokio::time::sleep(Duration::from_millis(1)).await;
        },
        "/many-headers" => {
            let more: String = (0..1_000).map(|number| format!("x-{number}: y\r\n")).collect();
            stream.write_all(plain("200 OK", &more, "").as_bytes()).await
        }
        "/long-header" => {
            let more = format!("x-a: {}\r\n", "y".repeat(200_000));
            stream.write_all(plain("200 OK", &more, "").as_bytes()).await
        }
        "/silent" => std::future::pending().await,
        "/closed" => Ok(()),
        "/short" => stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc").await,
        "/garbage" => stream.write_all(b"\0\x01\x02 what?\r\n\r\n").await,
        "/gzip" => {
            let more = "content-encoding: gzip\r\n";
            stream.write_all(plain("200 OK", more, "\x1f\x0bnot decompressed").as_bytes()).await
        }
        _ => stream.write_all(plain("200 OK", "", "hello").as_bytes()).await,
    }
}
