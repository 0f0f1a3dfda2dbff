//! A client port on loopback, with its callers.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use akashi_node::api;
use akashi_node::config::{Config, Limits as Allowed};
use akashi_node::net::{self, ClientCertificates, Limits};
use akashi_node::telemetry::{Scrape, Telemetry};
use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::body::Body;
use tonic::transport::{Channel, Endpoint};
use tower::ServiceExt as _;

use crate::paper::Paper;
use crate::pki::{Authority, Issued};

/// A running port.
pub(crate) struct Port {
    pub(crate) address: SocketAddr,
    pub(crate) authority: Authority,
    pub(crate) paper: Paper,
    pub(crate) scrape: Scrape,
    _config: Arc<Config>,
    pub(crate) served: tokio::task::JoinHandle<()>,
    stop: watch::Sender<bool>,
    _folder: tempfile::TempDir,
}

impl Port {
    pub(crate) async fn open(paper: Paper) -> Self {
        Self::with_limits(paper, Limits::CLIENT).await
    }

    pub(crate) async fn with_limits(paper: Paper, limits: Limits) -> Self {
        Self::of(paper, limits, Allowed::default()).await
    }

    /// A port that allows each caller so much.
    pub(crate) async fn with_allowed(paper: Paper, allowed: Allowed) -> Self {
        Self::of(paper, Limits::CLIENT, allowed).await
    }

    async fn of(paper: Paper, limits: Limits, allowed: Allowed) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new();
        authority
            .issue(&["/node/1"])
            .write(&authority, folder.path());
        let mut config = config(folder.path());
        config.limits = allowed;
        let config = Arc::new(config);
        let (telemetry, _subscriber) = Telemetry::build(&config.telemetry, "n1").unwrap();
        let scrape = telemetry.scrape();
        let metrics = telemetry.metrics();
        // Dropping the providers would end the instruments.
        Box::leak(Box::new(telemetry));
        let (stop, stopped) = watch::channel(false);
        let (service, _health) = api::service(
            paper.clone(),
            Arc::clone(&config),
            metrics.clone(),
            stopped.clone(),
        )
        .await
        .unwrap();
        let tls = net::server_config(&config.tls, ClientCertificates::Optional).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let served = tokio::spawn(net::serve(
            listener,
            Arc::new(ArcSwap::from_pointee(tls)),
            "dev".into(),
            limits,
            metrics,
            service,
            stopped,
        ));
        Self {
            address,
            authority,
            paper,
            scrape,
            _config: config,
            served,
            stop,
            _folder: folder,
        }
    }

    /// Starts to drain.
    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// A caller with a certificate for `path`.
    pub(crate) async fn caller(&self, path: &str) -> Channel {
        let own = self.authority.issue(&[path]);
        self.channel(Some(&own)).await.unwrap()
    }

    /// A caller without a certificate.
    pub(crate) async fn phone(&self) -> Channel {
        self.channel(None).await.unwrap()
    }

    pub(crate) async fn platform(&self) -> Channel {
        self.caller("/tenant/retail/platform/cti").await
    }

    /// A platform's connection without a client on top.
    pub(crate) async fn bare(&self) -> Bare {
        let io = TokioIo::new(self.platform_stream().await);
        let (sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
            .await
            .unwrap();
        tokio::spawn(connection);
        Bare(sender)
    }

    /// A platform's connection on which HTTP/2 has begun and no more.
    pub(crate) async fn raw_h2(&self) -> TlsStream<TcpStream> {
        use tokio::io::AsyncWriteExt as _;
        let mut stream = self.platform_stream().await;
        let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
        stream.write_all(preface).await.unwrap();
        // Settings, all at their defaults.
        stream
            .write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0])
            .await
            .unwrap();
        stream
    }

    async fn platform_stream(&self) -> TlsStream<TcpStream> {
        let own = self.authority.issue(&["/tenant/retail/platform/cti"]);
        let mut roots = RootCertStore::empty();
        let pem = self.authority.certificate_pem.as_bytes();
        roots
            .add(CertificateDer::from_pem_slice(pem).unwrap())
            .unwrap();
        let chain = vec![CertificateDer::from(own.der)];
        let key = PrivateKeyDer::from_pem_slice(own.key_pem.as_bytes()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut tls = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)
            .unwrap();
        tls.alpn_protocols = vec![b"h2".to_vec()];
        let stream = TcpStream::connect(self.address).await.unwrap();
        let name = ServerName::try_from("akashi").unwrap();
        TlsConnector::from(Arc::new(tls))
            .connect(name, stream)
            .await
            .unwrap()
    }

    pub(crate) async fn channel(
        &self,
        own: Option<&Issued>,
    ) -> Result<Channel, tonic::transport::Error> {
        Endpoint::from_shared(format!("https://{}", self.address))
            .unwrap()
            .tls_config(self.authority.client(own))
            .unwrap()
            .connect()
            .await
    }
}

fn config(folder: &Path) -> Config {
    let text = Config::EXAMPLE.replace("reflection = false", "reflection = true");
    Config::parse(&text, folder).unwrap()
}

/// HTTP/2 and nothing else.
pub(crate) struct Bare(hyper::client::conn::http2::SendRequest<Body>);

/// What came back for raw bytes.
#[derive(Debug)]
pub(crate) struct Raw {
    pub(crate) http: u16,
    /// The number of the gRPC status, if there is one.
    pub(crate) grpc: Option<i32>,
    pub(crate) message: String,
    pub(crate) reason: String,
}

/// One raw request.
pub(crate) struct Ask<'a> {
    pub(crate) path: &'a str,
    pub(crate) method: Method,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Body,
}

impl<'a> Ask<'a> {
    pub(crate) fn new(path: &'a str, body: Vec<u8>) -> Self {
        Self {
            path,
            method: Method::POST,
            headers: vec![
                ("content-type", "application/grpc".to_owned()),
                ("te", "trailers".to_owned()),
            ],
            body: Body::new(Full::new(Bytes::from(body))),
        }
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.retain(|(there, _)| *there != name);
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Sends it through a gRPC channel, which minds timeouts itself.
    pub(crate) async fn send(self, channel: &Channel) -> Raw {
        let request = self.request("");
        raw(channel.clone().oneshot(request).await.unwrap()).await
    }

    /// Sends it over HTTP/2 and minds nothing.
    pub(crate) async fn send_bare(self, bare: &Bare) -> Raw {
        let request = self.request("https://akashi");
        let response = bare.0.clone().send_request(request).await.unwrap();
        raw(response.map(Body::new)).await
    }

    /// The same, where the connection may be gone: whether there was an answer.
    pub(crate) async fn try_bare(self, bare: &Bare) -> Result<(), hyper::Error> {
        let request = self.request("https://akashi");
        bare.0.clone().send_request(request).await.map(drop)
    }

    fn request(self, origin: &str) -> Request<Body> {
        let mut request = Request::builder()
            .method(self.method)
            .uri(format!("{origin}{}", self.path));
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        request.body(self.body).unwrap()
    }
}

async fn raw(response: Response<Body>) -> Raw {
    let http = response.status().as_u16();
    let mut headers = response.headers().clone();
    if !headers.contains_key("grpc-status")
        && let Ok(collected) = response.into_body().collect().await
        && let Some(trailers) = collected.trailers()
    {
        headers = trailers.clone();
    }
    let text = |headers: &HeaderMap, name: &str| {
        headers
            .get(name)
            .map(|v| v.to_str().unwrap().to_owned())
            .unwrap_or_default()
    };
    Raw {
        http,
        grpc: text(&headers, "grpc-status").parse().ok(),
        message: text(&headers, "grpc-message"),
        reason: text(&headers, "akashi-reason"),
    }
}

/// A message with its prefix.
pub(crate) fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap();
    [&[0], &length.to_be_bytes()[..], message].concat()
}

/// Short limits, so that a test need not wait.
pub(crate) fn short_limits() -> Limits {
    Limits {
        handshake: Duration::from_millis(200),
        first_request: Duration::from_millis(200),
        drain: Duration::from_millis(500),
        ..Limits::CLIENT
    }
}
