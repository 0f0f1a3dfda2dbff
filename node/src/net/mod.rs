//! The node's TLS listeners: who may connect, how many, for how long, and as whom.
//!
//! Knows nothing of gRPC beyond HTTP/2. TLS 1.3 only, no session tickets (a resumed session would
//! skip the look at the client's certificate), HTTP/2 only. Nobody holds a connection for nothing:
//! handshake, first request and idleness have their limits, and so has the number of connections.

mod accept;
mod identity;
mod places;
mod reload;
mod tls;

pub use accept::{Limits, Refused, serve};
pub use identity::{Identity, IdentityError};
pub use reload::{CertificateFiles, keep_fresh};
pub use tls::{ClientCertificates, TlsError, client_config, server_config};

use std::net::SocketAddr;

/// Who is at the other end of a connection. Every request carries it as an extension.
#[derive(Clone, Debug)]
pub struct Peer {
    /// What its certificate says; none without a certificate, or if the certificate names nobody.
    pub identity: Option<Identity>,
    /// SHA-256 of its certificate, if it showed one.
    pub certificate_sha256: Option<[u8; 32]>,
    /// Its address.
    pub addr: SocketAddr,
}
