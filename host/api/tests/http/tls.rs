//! TLS: a host with a certificate, clients that trust it, that do not, and that speak something else.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use siyu_api::Tls;

use super::stage::Stage;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls").join(name)
}

fn stage() -> Stage {
    Stage::over_tls(Tls::read(&file("chain.pem"), &file("key.pem")).unwrap())
}

fn connected(stage: &Stage) -> TcpStream {
    let stream = TcpStream::connect(stage.socket()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(90))).unwrap();
    stream
}

/// What a client that trusts these certificates is answered.
fn asked(stage: &Stage, trusted: &[CertificateDer<'static>]) -> std::io::Result<String> {
    let mut roots = RootCertStore::empty();
    trusted.iter().for_each(|root| roots.add(root.clone()).unwrap());
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = StreamOwned::new(connection, connected(stage));
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

#[test]
fn a_client_that_trusts_the_certificate_is_answered_and_another_one_goes_away() {
    let stage = stage();
    let own: Vec<_> =
        CertificateDer::pem_file_iter(file("chain.pem")).unwrap().collect::<Result<_, _>>().unwrap();
    let answer = asked(&stage, &own).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("ok\n"), "{answer}");
    let refused = asked(&stage, &[]).unwrap_err().to_string();
    assert!(refused.contains("UnknownIssuer"), "{refused}");
    assert!(asked(&stage, &own).is_ok(), "the host goes on");
}

#[test]
fn a_client_that_speaks_no_tls_gets_no_answer_and_one_that_says_nothing_is_sent_away() {
    let stage = stage();
    for words in ["GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n", ""] {
        let mut stream = connected(&stage);
        stream.write_all(words.as_bytes()).unwrap();
        let mut answer = Vec::new();
        // The host closes the connection: at once, or when the time for the handshake is over.
        drop(stream.read_to_end(&mut answer));
        assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    }
}

#[test]
fn files_that_cannot_be_used_are_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    for (chain, key, words) in [
        (file("none.pem"), file("key.pem"), "none.pem holds no chain of certificates as PEM"),
        (file("chain.pem"), file("chain.pem"), "chain.pem holds no private key as PEM"),
        (file("key.pem"), file("key.pem"), "key.pem holds no certificate"),
        (empty.clone(), file("key.pem"), "empty.pem holds no certificate"),
        (file("chain.pem"), empty.clone(), "empty.pem holds no private key as PEM"),
    ] {
        let refused = Tls::read(&chain, &key).err().map(|why| why.to_string()).unwrap_or_default();
        assert!(refused.contains(words), "{refused}");
    }
}
