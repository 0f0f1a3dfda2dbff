//! TLS settings from files: TLS 1.3 only, ring, HTTP/2 only, no tickets.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

/// The one protocol that is spoken inside TLS.
const ALPN: &[u8] = b"h2";

/// Whether callers must show a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientCertificates {
    /// They may: phones have none.
    Optional,
    /// They must: replicas among themselves.
    Required,
}

/// Why there are no TLS settings.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or is no PEM.
    #[error("{what} cannot be read")]
    File {
        /// Which file.
        what: &'static str,
        /// Why.
        source: rustls::pki_types::pem::Error,
    },
    /// A file holds nothing of its kind.
    #[error("{what} is empty")]
    Empty {
        /// Which file.
        what: &'static str,
    },
    /// Certificate, key and authorities do not make a server.
    #[error("certificate, key and authorities do not fit together")]
    Unfit(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Settings of a listener.
///
/// # Errors
///
/// [`TlsError`].
pub fn server_config(
    files: &crate::config::Tls,
    clients: ClientCertificates,
) -> Result<ServerConfig, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let roots = Arc::new(roots(&files.ca)?);
    let verifier = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(&provider));
    let verifier = match clients {
        ClientCertificates::Optional => verifier.allow_unauthenticated(),
        ClientCertificates::Required => verifier,
    };
    let verifier = verifier.build().map_err(unfit)?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(unfit)?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain(&files.certificate)?, key(&files.key)?)
        .map_err(unfit)?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    Ok(config)
}

/// Settings for calling another replica: the node's own certificate, the cluster's authorities.
///
/// # Errors
///
/// [`TlsError`].
pub fn client_config(files: &crate::config::Tls) -> Result<ClientConfig, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(unfit)?
        .with_root_certificates(roots(&files.ca)?)
        .with_client_auth_cert(chain(&files.certificate)?, key(&files.key)?)
        .map_err(unfit)?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.resumption = rustls::client::Resumption::disabled();
    Ok(config)
}

fn roots(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path, "tls.ca")? {
        roots.add(certificate).map_err(unfit)?;
    }
    Ok(roots)
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    certificates(path, "tls.certificate")
}

fn certificates(path: &Path, what: &'static str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|source| TlsError::File { what, source })?;
    if found.is_empty() {
        Err(TlsError::Empty { what })
    } else {
        Ok(found)
    }
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_file(path).map_err(|source| TlsError::File {
        what: "tls.key",
        source,
    })
}

fn unfit(error: impl std::error::Error + Send + Sync + 'static) -> TlsError {
    TlsError::Unfit(Box::new(error))
}
