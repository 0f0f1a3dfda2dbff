//! One attempt to deliver one message: a connection of its own, HTTP/1.1, no redirect is followed.
//!
//! What counts is the status: 2xx is delivered, 410 means never again, everything else is a failure.
//! The body of an answer is not read. Nothing of the answer but its status and `retry-after` is kept.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::rt::{Read, Write};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::address::Target;
use super::sign::{Generation, signature_header};
use crate::clock;
use crate::error::Error;

/// Seconds that one attempt may take as a whole; Standard Webhooks asks for 15 to 30.
pub const ATTEMPT_S: u64 = 20;
/// Seconds for a connection to one address.
const CONNECT_S: u64 = 5;
/// Addresses of one name that are tried in one attempt.
const ADDRESSES_TRIED: usize = 3;
/// Most bytes of an answer's head.
const ANSWER_HEAD_BYTES_MAX: usize = 16 << 10;
/// A `retry-after` beyond this is not believed, in seconds.
const RETRY_AFTER_S_MAX: u64 = 24 * 3_600;
/// How the sender names itself.
const USER_AGENT: &str = concat!("akashi-webhook/", env!("CARGO_PKG_VERSION"));

/// Why an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The name has no address.
    NoSuchHost,
    /// An address behind the name is one that webhooks must not reach.
    AddressRefused(&'static str),
    /// Nobody took the connection.
    NotConnected,
    /// No TLS with a certificate that is trusted for this name.
    Tls,
    /// The connection ended, or what came was no HTTP.
    Broken,
    /// There was no answer in [`ATTEMPT_S`] seconds.
    TimedOut,
    /// The receiver points elsewhere: never followed.
    Redirect(u16),
    /// The receiver answered with this status.
    Status(u16),
    /// The endpoint's own settings make no request: no key in force, no usable URL.
    Settings,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchHost => f.write_str("the name has no address"),
            Self::AddressRefused(why) => write!(f, "the name's address is not allowed ({why})"),
            Self::NotConnected => f.write_str("nobody took the connection"),
            Self::Tls => f.write_str("no TLS with a trusted certificate for this name"),
            Self::Broken => f.write_str("the connection ended without an answer"),
            Self::TimedOut => write!(f, "no answer in {ATTEMPT_S} seconds"),
            Self::Redirect(status) => write!(f, "status {status}: redirects are not followed"),
            Self::Status(status) => write!(f, "status {status}"),
            Self::Settings => f.write_str("no key in force, or no usable URL"),
        }
    }
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// The receiver has it.
    Delivered,
    /// Status 410: the receiver wants nothing more, ever.
    Gone,
    /// It failed; the receiver may have asked for a pause.
    Failed(Failure, Option<Duration>),
}

/// Sends messages to one endpoint.
#[derive(Clone)]
pub struct Sender {
    target: Target,
    allow_private: bool,
    generations: Vec<Generation>,
    tls: Option<TlsConnector>,
    patience: Duration,
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

impl Sender {
    /// A sender. Certificates are trusted as the machine trusts them, or as `ca` (PEM) says.
    ///
    /// # Errors
    ///
    /// [`Error::Certificate`] if there is no authority to trust.
    pub fn new(
        target: Target,
        allow_private: bool,
        generations: Vec<Generation>,
        ca: Option<&str>,
    ) -> Result<Self, Error> {
        let tls = if target.tls {
            Some(TlsConnector::from(Arc::new(tls(ca)?)))
        } else {
            None
        };
        Ok(Self {
            target,
            allow_private,
            generations,
            tls,
            patience: Duration::from_secs(ATTEMPT_S),
        })
    }

    /// The same with another time for one attempt.
    #[must_use]
    pub const fn patient_for(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Sends one message once, signed for this moment.
    pub async fn attempt(&self, id: &str, body: Bytes) -> Attempt {
        match tokio::time::timeout(self.patience, self.exchange(id, body)).await {
            Ok(Ok(answer)) => judge(answer.status(), pause_asked_for(&answer)),
            Ok(Err(failure)) => Attempt::Failed(failure, None),
            Err(_elapsed) => Attempt::Failed(Failure::TimedOut, None),
        }
    }

    async fn exchange(&self, id: &str, body: Bytes) -> Result<Response<Incoming>, Failure> {
        let request = self.request(id, body)?;
        let addresses = self.target.resolve(self.allow_private).await?;
        let stream = connect(&addresses).await?;
        match &self.tls {
            None => speak(TokioIo::new(stream), request).await,
            Some(tls) => {
                let name = ServerName::try_from(self.target.host.clone())
                    .map_err(|_no_name| Failure::Settings)?;
                let stream = tls
                    .connect(name, stream)
                    .await
                    .map_err(|_untrusted| Failure::Tls)?;
                speak(TokioIo::new(stream), request).await
            }
        }
    }

    fn request(&self, id: &str, body: Bytes) -> Result<Request<Full<Bytes>>, Failure> {
        let now_s = clock::unix_us() / 1_000_000;
        let signature = signature_header(&self.generations, id, now_s, &body)
            .map_err(|_no_key| Failure::Settings)?;
        Request::post(&self.target.path)
            .header(header::HOST, &self.target.authority)
            .header(header::USER_AGENT, USER_AGENT)
            .header(
                header::CONTENT_TYPE,
                "application/cloudevents+json; charset=utf-8",
            )
            .header(header::CONNECTION, "close")
            .header("webhook-id", id)
            .header("webhook-timestamp", now_s)
            .header("webhook-signature", signature)
            .body(Full::new(body))
            .map_err(|_header| Failure::Settings)
    }
}

/// What a status means.
fn judge(status: StatusCode, pause: Option<Duration>) -> Attempt {
    if status.is_success() {
        Attempt::Delivered
    } else if status == StatusCode::GONE {
        Attempt::Gone
    } else if status.is_redirection() {
        Attempt::Failed(Failure::Redirect(status.as_u16()), pause)
    } else {
        Attempt::Failed(Failure::Status(status.as_u16()), pause)
    }
}

/// `retry-after` in seconds; a date is not understood.
fn pause_asked_for(answer: &Response<Incoming>) -> Option<Duration> {
    let seconds: u64 = answer
        .headers()
        .get(header::RETRY_AFTER)?
        .to_str()
        .ok()?
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds.min(RETRY_AFTER_S_MAX)))
}

/// Connects to the first address that takes the connection.
async fn connect(addresses: &[SocketAddr]) -> Result<TcpStream, Failure> {
    for address in addresses.iter().take(ADDRESSES_TRIED) {
        let connecting = TcpStream::connect(address);
        let timed = tokio::time::timeout(Duration::from_secs(CONNECT_S), connecting).await;
        if let Ok(Ok(stream)) = timed
            && stream.set_nodelay(true).is_ok()
        {
            return Ok(stream);
        }
    }
    Err(Failure::NotConnected)
}

/// One request, one answer.
async fn speak<S>(stream: S, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Failure>
where
    S: Read + Write + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(ANSWER_HEAD_BYTES_MAX)
        .handshake(stream)
        .await
        .map_err(|_broken| Failure::Broken)?;
    let mut connection = std::pin::pin!(connection);
    let mut answer = std::pin::pin!(sender.send_request(request));
    tokio::select! {
        biased;
        answer = &mut answer => return answer.map_err(|_broken| Failure::Broken),
        // A connection that is done may have delivered the answer in the same moment.
        _ended = &mut connection => {}
    }
    match futures::future::poll_immediate(answer).await {
        Some(answer) => answer.map_err(|_broken| Failure::Broken),
        None => Err(Failure::Broken),
    }
}

/// The machine's authorities, or the ones of a file and no others.
fn tls(ca: Option<&str>) -> Result<ClientConfig, Error> {
    let mut roots = RootCertStore::empty();
    match ca {
        Some(pem) => {
            for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                certificate
                    .ok()
                    .and_then(|certificate| roots.add(certificate).ok())
                    .ok_or_else(|| bad_certificate("the authority's file is no PEM certificate"))?;
            }
        }
        None => {
            let found = rustls_native_certs::load_native_certs();
            // A store may hold certificates that this library does not take; the others count.
            let (_added, _ignored) = roots.add_parsable_certificates(found.certs);
        }
    }
    if roots.is_empty() {
        return Err(bad_certificate(
            "no authority to trust: install ca-certificates, or name one with --ca",
        ));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_none| bad_certificate("no TLS version"))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

fn bad_certificate(what: &str) -> Error {
    Error::Certificate {
        what: what.to_owned(),
    }
}
