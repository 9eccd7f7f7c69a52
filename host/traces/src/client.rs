//! How spans travel: a blocking client, for the thread on which they are sent.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response, ResponseBodyTooLarge};
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// How long a batch may take on its way.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of an answer that are read: it says which spans were refused.
const ANSWER_BYTES_MAX: u64 = 64 << 10;

/// Sends requests to the collector.
#[derive(Debug)]
pub(crate) struct Client(Agent);

impl Client {
    /// Trusts the certificates that this machine trusts.
    pub(crate) fn new() -> Self {
        let system = rustls_native_certs::load_native_certs();
        let roots: Vec<_> =
            system.certs.iter().map(|der| Certificate::from_der(der.as_ref()).to_owned()).collect();
        let tls = TlsConfig::builder()
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .root_certs(RootCerts::new_with_certs(&roots))
            .build();
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(TIMEOUT))
            .tls_config(tls)
            .build();
        Self(config.into())
    }
}

#[async_trait::async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (head, body) = request.into_parts();
        let answer = self.0.run(Request::from_parts(head, body.to_vec()))?;
        let (head, body) = answer.into_parts();
        let mut bytes = Vec::new();
        body.into_reader().take(ANSWER_BYTES_MAX + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > ANSWER_BYTES_MAX {
            return Err(ResponseBodyTooLarge::new().into());
        }
        Ok(Response::from_parts(head, bytes.into()))
    }
}
