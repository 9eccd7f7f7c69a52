//! TLS: by what a host shows that it is the one that was asked for. It reads two files once, and knows nothing of requests.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// What a host speaks TLS with: versions 1.2 and 1.3.
#[derive(Clone)]
pub struct Tls(pub(crate) TlsAcceptor);

/// Why a host cannot speak TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file is not there, cannot be read, or is no PEM of what it should be.
    #[error("{path} holds no {expected} as PEM: {why}", path = path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What it should hold.
        expected: &'static str,
        /// What was found.
        why: pem::Error,
    },
    /// The chain has no certificate.
    #[error("{} holds no certificate: expected the host's own first, then those that lead to its root", .0.display())]
    Empty(PathBuf),
    /// The two do not belong together, or the library takes one of them for no good one.
    #[error("certificate and key cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
}

impl Tls {
    /// Reads a chain of certificates, the host's own first, and its private key (PKCS #8, PKCS #1 or SEC 1), both as PEM.
    ///
    /// # Errors
    /// A file cannot be read, or they do not belong together.
    pub fn read(chain: &Path, key: &Path) -> Result<Self, TlsError> {
        let fault = |path: &Path, expected| {
            let path = path.to_owned();
            move |why| TlsError::File { path, expected, why }
        };
        let certificates =
            CertificateDer::pem_file_iter(chain).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let certificates = certificates.map_err(fault(chain, "chain of certificates"))?;
        if certificates.is_empty() {
            return Err(TlsError::Empty(chain.to_owned()));
        }
        let key = PrivateKeyDer::from_pem_file(key).map_err(fault(key, "private key"))?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(certificates, key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }
}
