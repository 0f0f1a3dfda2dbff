//! Who the caller is: certificates and keys, read from PEM files.
//!
//! The private key never leaves this value and is never printed.

use std::fmt;
use std::path::Path;

use tonic::transport::{Certificate, ClientTlsConfig, Identity as TlsIdentity};

use crate::error::Error;
use crate::files;

/// The name that every node's certificate carries beside its addresses.
pub const SERVER_NAME: &str = "akashi";

/// What a caller needs to speak TLS with a node: the cluster's certificate authority and, unless the
/// caller is a phone, a certificate of its own.
#[derive(Clone)]
pub struct Identity {
    ca: Certificate,
    own: Option<TlsIdentity>,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("own", &self.own.is_some())
            .finish_non_exhaustive()
    }
}

impl Identity {
    /// A phone's side of TLS: it checks the node and shows no certificate.
    ///
    /// # Errors
    ///
    /// [`Error::File`] or [`Error::Malformed`] if `ca` cannot be read or is no certificate.
    pub fn phone(ca: &Path) -> Result<Self, Error> {
        Ok(Self {
            ca: Certificate::from_pem(read_pem(ca, "CERTIFICATE")?),
            own: None,
        })
    }

    /// A platform, agent, auditor or operator with a certificate of the cluster's authority.
    ///
    /// # Errors
    ///
    /// [`Error::File`] or [`Error::Malformed`] if a file cannot be read or is of another kind.
    pub fn with_certificate(ca: &Path, certificate: &Path, key: &Path) -> Result<Self, Error> {
        let certificate = read_pem(certificate, "CERTIFICATE")?;
        let key = read_pem(key, "PRIVATE KEY")?;
        Ok(Self {
            ca: Certificate::from_pem(read_pem(ca, "CERTIFICATE")?),
            own: Some(TlsIdentity::from_pem(certificate, key)),
        })
    }

    pub(crate) fn tls(&self) -> ClientTlsConfig {
        let tls = ClientTlsConfig::new()
            .domain_name(SERVER_NAME)
            .ca_certificate(self.ca.clone());
        match &self.own {
            Some(own) => tls.identity(own.clone()),
            None => tls,
        }
    }
}

/// SHA-256 of a certificate, by which the cluster names it: of the first one in a PEM file.
///
/// # Errors
///
/// [`Error::File`] or [`Error::Malformed`] if the file cannot be read or holds none.
pub fn certificate_sha256(path: &Path) -> Result<[u8; 32], Error> {
    use base64::Engine as _;
    use sha2::Digest as _;

    let text = read_pem(path, "CERTIFICATE")?;
    let body: String = text
        .lines()
        .map(str::trim)
        .skip_while(|line| *line != "-----BEGIN CERTIFICATE-----")
        .skip(1)
        .take_while(|line| !line.starts_with("-----"))
        .collect();
    let der = base64::engine::general_purpose::STANDARD
        .decode(body)
        .map_err(|_bad| Error::malformed(path, "the certificate is not base64"))?;
    Ok(sha2::Sha256::digest(der).into())
}

fn read_pem(path: &Path, label: &str) -> Result<String, Error> {
    let text = files::read_text(path)?;
    if !text.contains(&format!("{label}-----")) {
        return Err(Error::malformed(
            path,
            format!("no PEM block of kind {label}"),
        ));
    }
    Ok(text)
}
