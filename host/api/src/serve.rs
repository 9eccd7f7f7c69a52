//! Connections: how many, how slow, how large, and how they end.
//!
//! A connection that sends its head drop by drop, or does not end its handshake, is closed; one that is between two requests is closed when the host
//! stops, and one inside a request when that is answered.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use siyu_model::limits::http::{CONNECTIONS_MAX, HANDSHAKE_MS, HEAD_BYTES_MAX, HEAD_FIELDS_MAX, HEAD_MS};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::tls::Tls;

/// How long the host waits before it takes connections again after it could not: it has too many files open.
const PAUSE: Duration = Duration::from_millis(100);

/// Answers requests until `stop` is over, and then those that came before it.
pub(crate) async fn serve(
    (listener, tls): (TcpListener, Option<Tls>),
    router: Router,
    stop: impl Future<Output = ()>,
) {
    let graceful = GracefulShutdown::new();
    let turns = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(HEAD_MS))
        .max_headers(HEAD_FIELDS_MAX)
        .max_buf_size(HEAD_BYTES_MAX);
    let mut connections = JoinSet::new();
    tokio::pin!(stop);
    loop {
        let come = async {
            // Nobody closes the semaphore.
            let turn = turns.clone().acquire_owned().await.ok();
            (turn, listener.accept().await)
        };
        let (turn, come) = tokio::select! {
            biased;
            () = &mut stop => break,
            Some(_) = connections.join_next() => continue,
            come = come => come,
        };
        let stream = match come {
            Ok((stream, _)) => stream,
            Err(fault) => {
                tracing::warn!(%fault, "a connection cannot be taken in");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        // An answer is one piece, and nothing comes after it that it should wait for.
        if let Err(fault) = stream.set_nodelay(true) {
            tracing::debug!(%fault, "a connection is slower than it could be");
        }
        let (way, watcher) = (Way { http: http.clone(), router: router.clone() }, graceful.watcher());
        let tls = tls.clone();
        connections.spawn(async move {
            match tls {
                None => way.answer(stream, watcher).await,
                Some(tls) => way.answer_within(tls, stream, watcher).await,
            }
            drop(turn);
        });
    }
    drop(listener);
    graceful.shutdown().await;
    connections.join_all().await;
}

/// What a connection is answered with.
struct Way {
    http: http1::Builder,
    router: Router,
}

impl Way {
    /// Answers until the connection ends.
    async fn answer(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, watcher: Watcher) {
        let service = TowerToHyperService::new(self.router);
        let connection = self.http.serve_connection(TokioIo::new(stream), service);
        if let Err(fault) = watcher.watch(connection).await {
            tracing::debug!(%fault, "a connection ended badly");
        }
    }

    /// The same within TLS, once hands are shaken.
    async fn answer_within(self, tls: Tls, stream: TcpStream, watcher: Watcher) {
        let shaken = tokio::time::timeout(Duration::from_millis(HANDSHAKE_MS), tls.0.accept(stream)).await;
        match shaken {
            Ok(Ok(stream)) => self.answer(stream, watcher).await,
            Ok(Err(fault)) => tracing::debug!(%fault, "a connection speaks no TLS that this host speaks"),
            Err(_) => tracing::debug!("a connection did not end its handshake"),
        }
    }
}
