//! Connections: a name is looked up once, every address is checked, and the connection is made to one of exactly those.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use siyu_engine::ports::network::{SendError, SendErrorCode};
use siyu_model::limits::network::ADDRESSES_MAX;
use siyu_model::plugin::{Origin, OriginHost, Scheme};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;

use crate::address::not_public;
use crate::resolve::Resolver;

/// Addresses of a name that are tried.
const TRIED_MAX: usize = 3;

/// A connection, in the clear or over TLS.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Makes connections.
pub(crate) struct Connector {
    resolver: Arc<dyn Resolver>,
    tls: TlsConnector,
}

impl Connector {
    pub(crate) fn new(resolver: Arc<dyn Resolver>, tls: ClientConfig) -> Self {
        Self { resolver, tls: TlsConnector::from(Arc::new(tls)) }
    }

    /// Connects by an instant. `may_be_private`: whether the host's operator named this very address.
    pub(crate) async fn connect(
        &self,
        origin: &Origin,
        may_be_private: bool,
        by: Instant,
    ) -> Result<Box<dyn Stream>, SendError> {
        let late = |_| SendError::before(SendErrorCode::Timeout, format!("{origin}: no connection in time"));
        let connected = tokio::time::timeout_at(by, self.connected(origin, may_be_private, by));
        connected.await.map_err(late)?
    }

    async fn connected(
        &self,
        origin: &Origin,
        may_be_private: bool,
        by: Instant,
    ) -> Result<Box<dyn Stream>, SendError> {
        let addresses = self.addresses(origin, may_be_private).await?;
        let stream = reach(origin, &addresses, by).await?;
        match origin.scheme {
            Scheme::Http => Ok(Box::new(stream)),
            Scheme::Https => self.encrypted(origin, stream).await,
        }
    }

    /// The addresses of a host; one that is not public refuses all of them.
    async fn addresses(&self, origin: &Origin, may_be_private: bool) -> Result<Vec<IpAddr>, SendError> {
        let addresses = match &origin.host {
            OriginHost::Address(address) if may_be_private => return Ok(vec![*address]),
            OriginHost::Address(address) => vec![*address],
            OriginHost::Name(name) => self.resolver.addresses(name).await.map_err(|fault| {
                SendError::before(
                    SendErrorCode::Unreachable,
                    format!("{origin}: the name is not known: {fault}"),
                )
            })?,
        };
        if addresses.is_empty() || addresses.len() > ADDRESSES_MAX {
            let found = addresses.len();
            let message = format!("{origin}: the name has {found} addresses, expected 1 to {ADDRESSES_MAX}");
            return Err(SendError::before(SendErrorCode::Unreachable, message));
        }
        for address in &addresses {
            if let Some(what) = not_public(*address) {
                return Err(SendError::denied(format!(
                    "{origin} leads to {address}, which is {what}: requests go to public addresses only, unless this host is \
                     started with --allow-host and the address itself"
                )));
            }
        }
        Ok(addresses)
    }

    async fn encrypted(&self, origin: &Origin, stream: TcpStream) -> Result<Box<dyn Stream>, SendError> {
        let failed = |fault: &dyn std::fmt::Display| {
            SendError::before(SendErrorCode::Unreachable, format!("{origin}: no TLS connection: {fault}"))
        };
        let name = match &origin.host {
            OriginHost::Name(name) => ServerName::try_from(name.clone()).map_err(|fault| failed(&fault))?,
            OriginHost::Address(address) => ServerName::from(*address),
        };
        let stream = self.tls.connect(name, stream).await.map_err(|fault| failed(&fault))?;
        Ok(Box::new(stream))
    }
}

/// Connects to the first address that answers; each has its part of the time.
async fn reach(origin: &Origin, addresses: &[IpAddr], by: Instant) -> Result<TcpStream, SendError> {
    let tried = &addresses[..addresses.len().min(TRIED_MAX)];
    let mut why = String::new();
    for (number, address) in tried.iter().enumerate() {
        let left = by.saturating_duration_since(Instant::now());
        let parts = u32::try_from(tried.len() - number).unwrap_or(1);
        let part: Duration = left / parts;
        match tokio::time::timeout(part, TcpStream::connect(SocketAddr::new(*address, origin.port))).await {
            Ok(Ok(stream)) => {
                // What is sent is small and complete; a connection that does not know this works as well.
                if let Err(fault) = stream.set_nodelay(true) {
                    tracing::debug!(%fault, "a connection cannot be set to send at once");
                }
                return Ok(stream);
            }
            Ok(Err(fault)) => why = fault.to_string(),
            Err(_) => "no answer in time".clone_into(&mut why),
        }
    }
    Err(SendError::before(SendErrorCode::Unreachable, format!("{origin}: no connection: {why}")))
}
