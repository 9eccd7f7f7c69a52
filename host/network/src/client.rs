//! The client: one request from its rights to its answer, within its time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderValue, USER_AGENT};
use rustls::{ClientConfig, RootCertStore};
use siyu_engine::ports::network::{Header, Network, Request, Response, SendError, SendErrorCode, Sender};
use siyu_model::limits::network::{CONNECT_MS, REQUEST_BYTES_MAX, REQUEST_MS};
use siyu_model::plugin::{HostPattern, Origin, Place, Scheme};
use tokio::time::Instant;
use tracing::Instrument;

use crate::breaker::{Pass, Peers};
use crate::connect::Connector;
use crate::exchange::exchange;
use crate::resolve::Resolver;
use crate::rooms::Rooms;
use crate::secrets::{Filling, Written};
use crate::target::Target;
use crate::traces::Announce;
use crate::{head, target, traces};

/// What peers are told of who asks.
const AGENT: HeaderValue = HeaderValue::from_static(concat!("siyu/", env!("CARGO_PKG_VERSION")));

/// Sends requests of deliveries. One for a process.
pub struct Client {
    policy: Vec<HostPattern>,
    connector: Connector,
    peers: Peers,
    rooms: Rooms,
    announce: Option<Announce>,
}

/// Why requests cannot be sent at all.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// TLS cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

/// A request that is permitted and can be sent.
struct Ready<'a> {
    request: hyper::Request<Full<Bytes>>,
    filling: Filling<'a>,
}

impl Client {
    /// A client for hosts that its operator permits, which trusts the certificates that the system trusts and `more`, in DER.
    ///
    /// # Errors
    /// When TLS cannot be set up, or one of `more` is no certificate.
    pub fn new(
        policy: Vec<HostPattern>,
        resolver: Arc<dyn Resolver>,
        more: Vec<Vec<u8>>,
    ) -> Result<Self, ClientError> {
        let mut roots = RootCertStore::empty();
        let system = rustls_native_certs::load_native_certs();
        for fault in &system.errors {
            tracing::warn!(%fault, "some of the system's certificates cannot be read");
        }
        roots.add_parsable_certificates(system.certs);
        for certificate in more {
            roots.add(certificate.into())?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        let connector = Connector::new(resolver, tls);
        Ok(Self { policy, connector, peers: Peers::default(), rooms: Rooms::new(), announce: None })
    }

    /// Tells peers which trace a request belongs to, in a `traceparent` of the host's.
    #[must_use]
    pub fn announcing(self, announce: Announce) -> Self {
        Self { announce: Some(announce), ..self }
    }

    /// Whether this host permits what a channel is configured to reach. What it does not is denied when it is asked for; whoever
    /// configures a channel should hear of it before.
    pub fn permits(&self, origin: &Origin) -> bool {
        self.policy.iter().any(|pattern| pattern.matches(origin))
    }

    fn check_rights(&self, sender: &Sender, origin: &Origin) -> Result<(), SendError> {
        let parties = [
            (&sender.manifest, "the plugin's manifest does not name it"),
            (&sender.granted, "the channel's `hosts` do not name it"),
            (&self.policy, "this host does not permit it (--allow-host)"),
        ];
        for (patterns, why) in parties {
            if !patterns.iter().any(|pattern| pattern.matches(origin)) {
                return Err(SendError::denied(format!("requests to {origin} are not permitted: {why}")));
            }
        }
        Ok(())
    }

    async fn ready<'a>(
        &self,
        sender: &'a Sender,
        target: &Target,
        request: Request,
    ) -> Result<Ready<'a>, SendError> {
        let invalid = |why: String| SendError::before(SendErrorCode::Invalid, why);
        let method = head::method(&request.method).map_err(invalid)?;
        if request.body.len() > REQUEST_BYTES_MAX {
            let found = request.body.len();
            return Err(invalid(format!(
                "the body has {found} bytes, at most {REQUEST_BYTES_MAX} are allowed"
            )));
        }
        // Before anything secret is in them, so that what is wrong can be said.
        head::fields(&request.headers).map_err(invalid)?;
        let mut filling = Filling::new(sender);
        let mut headers = Vec::with_capacity(request.headers.len());
        for Header { name, value } in request.headers {
            let value = filling.fill(&value, Place::Header, Written::Plainly).await?;
            headers.push(Header { name, value });
        }
        let filled = |_| {
            invalid(
                "a secret does not fit into a header field: it has a line break or is too long".to_owned(),
            )
        };
        let mut fields = head::fields(&headers).map_err(filled)?;
        let body = body(&mut filling, &fields, request.body).await?;
        let mut path = target.path.clone();
        if let Some(query) = &target.query {
            path.push('?');
            path.push_str(&filling.fill(query, Place::Query, Written::InQuery).await?);
        }
        if filling.is_used() && target.origin.scheme == Scheme::Http && !self.names_address(&target.origin) {
            return Err(SendError::denied(format!(
                "{}: a secret is never sent in the clear: use https",
                target.origin
            )));
        }
        let host =
            HeaderValue::from_str(&authority(&target.origin)).map_err(|fault| invalid(fault.to_string()))?;
        fields.insert(HOST, host);
        fields.entry(USER_AGENT).or_insert(AGENT);
        let mut made = hyper::Request::builder().method(method).uri(path);
        if let Some(headers) = made.headers_mut() {
            *headers = fields;
        }
        let request = made
            .body(Full::new(Bytes::from(body)))
            .map_err(|_| invalid("the URL's path or query cannot be sent".to_owned()))?;
        Ok(Ready { request, filling })
    }

    fn names_address(&self, origin: &Origin) -> bool {
        self.policy.iter().any(|pattern| pattern.names_address(origin))
    }

    async fn sent(&self, origin: &Origin, ready: Ready<'_>, by: Instant) -> Result<Response, SendError> {
        let connect_by = by.min(Instant::now() + Duration::from_millis(CONNECT_MS));
        let has_begun = AtomicBool::new(false);
        let work = async {
            let stream = self.connector.connect(origin, self.names_address(origin), connect_by).await?;
            has_begun.store(true, Ordering::Relaxed);
            exchange(origin, stream, ready.request).await
        };
        let answer = match tokio::time::timeout_at(by, work).await {
            Ok(answer) => answer,
            Err(_) if has_begun.load(Ordering::Relaxed) => {
                Err(SendError::after(SendErrorCode::Timeout, format!("{origin}: no whole answer in time")))
            }
            Err(_) => {
                Err(SendError::before(SendErrorCode::Timeout, format!("{origin}: no connection in time")))
            }
        };
        let filling = ready.filling;
        match answer {
            Ok(response) if filling.is_used() => Ok(hidden(&filling, response)),
            Ok(response) => Ok(response),
            Err(error) => Err(SendError { message: filling.hide_text(error.message), ..error }),
        }
    }
}

#[async_trait]
impl Network for Client {
    async fn send(&self, sender: &Sender, request: Request, until: Instant) -> Result<Response, SendError> {
        let now = Instant::now();
        let by = until.min(now + Duration::from_millis(REQUEST_MS));
        let target =
            target::read(&request.url).map_err(|why| SendError::before(SendErrorCode::Invalid, why))?;
        let origin = &target.origin;
        self.check_rights(sender, origin)?;
        let mut ready = self.ready(sender, &target, request).await?;
        let pass =
            self.peers.enter((sender.tenant.clone(), origin.clone()), now).map_err(|rest| SendError {
                retry_after_ms: Some(u32::try_from(rest.as_millis()).unwrap_or(u32::MAX)),
                ..SendError::before(
                    SendErrorCode::OpenCircuit,
                    format!(
                        "{origin} failed several times and is left alone for {} s",
                        rest.as_secs().max(1)
                    ),
                )
            })?;
        let Ok(Some(_seat)) = tokio::time::timeout_at(by, self.rooms.sit(&sender.tenant)).await else {
            let message = format!("{origin}: too many requests are under way");
            return Err(SendError::before(SendErrorCode::Limit, message));
        };
        let span = traces::begin(ready.request.method());
        traces::announce(self.announce, &span, ready.request.headers_mut());
        let answer = self.sent(origin, ready, by).instrument(span.clone()).await;
        traces::ended(&span, &answer);
        judge(pass, &answer);
        answer
    }
}

/// A peer that cannot be reached, is too slow or says that it is broken has failed.
fn judge(pass: Pass<'_>, answer: &Result<Response, SendError>) {
    match answer {
        Ok(response) if response.status < 500 => pass.succeeded(),
        Err(SendError { code: SendErrorCode::Denied, .. }) => {}
        _ => pass.failed(Instant::now()),
    }
}

async fn body(filling: &mut Filling<'_>, fields: &HeaderMap, body: Vec<u8>) -> Result<Vec<u8>, SendError> {
    let kind = fields.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let written = match kind.as_str() {
        "application/x-www-form-urlencoded" => Written::InQuery,
        kind if kind == "application/json" || kind.ends_with("+json") => Written::InJson,
        _ => Written::Plainly,
    };
    match String::from_utf8(body) {
        Ok(text) => Ok(filling.fill(&text, Place::Body, written).await?.into_bytes()),
        Err(binary) => Ok(binary.into_bytes()),
    }
}

/// What a server is asked for: the host, and the port unless it is the usual one.
fn authority(origin: &Origin) -> String {
    if origin.port == origin.scheme.port() {
        origin.host.to_string()
    } else {
        format!("{}:{}", origin.host, origin.port)
    }
}

fn hidden(filling: &Filling<'_>, response: Response) -> Response {
    let header = |header: Header| Header { value: filling.hide_text(header.value), ..header };
    Response {
        status: response.status,
        headers: response.headers.into_iter().map(header).collect(),
        body: filling.hide(response.body),
    }
}
