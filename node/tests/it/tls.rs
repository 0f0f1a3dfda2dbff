//! The port below gRPC: who may connect, how, and for how long.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use akashi_node::net::{self, CertificateFiles, ClientCertificates, Limits};
use akashi_node::telemetry::Metrics;
use arc_swap::ArcSwap;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::paper::Paper;
use crate::pki::{Authority, Issued};
use crate::port::{Ask, Port, framed, short_limits};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];

/// A connection by hand.
async fn connect(
    port: &Port,
    alpn: &[&[u8]],
    version: &'static rustls::SupportedProtocolVersion,
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    let pem = port.authority.certificate_pem.as_bytes();
    roots
        .add(CertificateDer::from_pem_slice(pem).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    let stream = TcpStream::connect(port.address).await?;
    let name = ServerName::try_from("akashi").unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
}

/// Whether the other side has closed, without being sent anything.
async fn closes(mut stream: impl tokio::io::AsyncRead + Unpin) -> bool {
    let mut rest = Vec::new();
    tokio::time::timeout(Duration::from_secs(4), stream.read_to_end(&mut rest))
        .await
        .is_ok()
}

#[tokio::test]
async fn silent_connections_are_closed() {
    let port = Port::with_limits(Paper::empty(), short_limits()).await;
    let tcp = TcpStream::connect(port.address).await.unwrap();
    assert!(closes(tcp).await, "silent TCP");
    let tls = connect(&port, &[b"h2"], &rustls::version::TLS13)
        .await
        .unwrap();
    assert!(closes(tls).await, "silent TLS");
    let mut half = connect(&port, &[b"h2"], &rustls::version::TLS13)
        .await
        .unwrap();
    half.write_all(&PREFACE[..10]).await.unwrap();
    assert!(closes(half).await, "half a preface");
    let mut idle = connect(&port, &[b"h2"], &rustls::version::TLS13)
        .await
        .unwrap();
    idle.write_all(PREFACE).await.unwrap();
    idle.write_all(SETTINGS).await.unwrap();
    assert!(closes(idle).await, "no request");
    let text = port.scrape.text();
    assert!(
        text.contains("reason=\"silent\"") && text.contains("reason=\"handshake\""),
        "{text}"
    );
}

#[tokio::test]
async fn only_http2_over_tls13_is_spoken() {
    let port = Port::with_limits(Paper::empty(), short_limits()).await;
    assert!(
        connect(&port, &[b"http/1.1"], &rustls::version::TLS13)
            .await
            .is_err()
    );
    assert!(
        connect(&port, &[b"h2"], &rustls::version::TLS12)
            .await
            .is_err()
    );
    let none = connect(&port, &[], &rustls::version::TLS13).await.unwrap();
    assert!(closes(none).await, "no protocol agreed on");

    let mut plain = TcpStream::connect(port.address).await.unwrap();
    plain
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    assert!(closes(plain).await, "HTTP/1.1 without TLS");
    let mut inside = connect(&port, &[b"h2"], &rustls::version::TLS13)
        .await
        .unwrap();
    inside
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    assert!(closes(inside).await, "HTTP/1.1 inside TLS");
}

#[tokio::test]
async fn a_frame_larger_than_agreed_ends_the_connection() {
    let port = Port::open(Paper::empty()).await;
    let mut stream = connect(&port, &[b"h2"], &rustls::version::TLS13)
        .await
        .unwrap();
    stream.write_all(PREFACE).await.unwrap();
    stream.write_all(SETTINGS).await.unwrap();
    // A DATA frame that claims 16 MiB - 1.
    stream
        .write_all(&[0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1])
        .await
        .unwrap();
    assert!(closes(stream).await);
}

#[tokio::test]
async fn no_more_connections_than_there_may_be() {
    let limits = Limits {
        connections_max: 2,
        ..Limits::CLIENT
    };
    let port = Port::with_limits(Paper::empty(), limits).await;
    let first = port.phone().await;
    let second = port.phone().await;
    assert!(port.channel(None).await.is_err());
    let health = "/grpc.health.v1.Health/Check";
    for channel in [&first, &second] {
        assert_eq!(
            Ask::new(health, framed(&[])).send(channel).await.grpc,
            Some(0)
        );
    }
    assert!(port.scrape.text().contains("reason=\"full\""));
}

#[tokio::test]
async fn foreign_and_missing_certificates_do_not_reach_the_peer_port() {
    let authority = Authority::new();
    let own = authority.issue(&["/node/1"]);
    let address = peer_port(&authority, &own).await;
    let health = "/grpc.health.v1.Health/Check";
    let channel = |authority: &Authority, own: Option<&Issued>| {
        tonic::transport::Endpoint::from_shared(format!("https://{address}"))
            .unwrap()
            .tls_config(authority.client(own))
            .unwrap()
            .connect_lazy()
    };
    let ask = |channel: tonic::transport::Channel| async move {
        let request = tonic::Request::new(tonic_health::pb::HealthCheckRequest::default());
        tonic_health::pb::health_client::HealthClient::new(channel)
            .check(request)
            .await
    };
    assert_eq!(
        Ask::new(health, framed(&[]))
            .send(&channel(&authority, Some(&own)))
            .await
            .grpc,
        Some(0)
    );
    assert!(ask(channel(&authority, None)).await.is_err());
    let stranger = Authority::new().issue(&["/node/2"]);
    assert!(ask(channel(&authority, Some(&stranger))).await.is_err());
}

/// A port that asks for certificates, with nothing but health behind it.
async fn peer_port(authority: &Authority, own: &Issued) -> SocketAddr {
    let folder = tempfile::tempdir().unwrap();
    own.write(authority, folder.path());
    let config = akashi_node::config::Config::EXAMPLE;
    let config = akashi_node::config::Config::parse(config, folder.path()).unwrap();
    let tls = net::server_config(&config.tls, ClientCertificates::Required).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (reporter, health) = tonic_health::server::health_reporter();
    reporter
        .set_service_status("", tonic_health::ServingStatus::Serving)
        .await;
    let (stop, stopped) = watch::channel(false);
    // The port lives as long as the test's runtime.
    Box::leak(Box::new(stop));
    tokio::spawn(net::serve(
        listener,
        Arc::new(ArcSwap::from_pointee(tls)),
        "dev".into(),
        Limits::PEER,
        Metrics::unread(),
        tonic::service::Routes::new(health).prepare(),
        stopped,
    ));
    address
}

/// Small answers must not wait for the acknowledgement of earlier ones (Nagle against delayed ACK
/// costs 40 ms each).
#[tokio::test]
async fn small_answers_leave_at_once() {
    let port = Port::open(Paper::empty()).await;
    let channel = port.phone().await;
    let mut times = Vec::new();
    for _ in 0..40 {
        let began = akashi_node::clock::monotonic();
        let raw = Ask::new("/grpc.health.v1.Health/Check", framed(&[]))
            .send(&channel)
            .await;
        assert_eq!(raw.grpc, Some(0));
        times.push(began.elapsed());
    }
    times.sort();
    assert!(
        times[20] < Duration::from_millis(20),
        "median {:?}",
        times[20]
    );
}

#[tokio::test]
async fn new_certificates_are_taken_up_without_a_restart() {
    let authority = Authority::new();
    let folder = tempfile::tempdir().unwrap();
    authority
        .issue(&["/node/1"])
        .write(&authority, folder.path());
    let config = akashi_node::config::Config::EXAMPLE;
    let config = akashi_node::config::Config::parse(config, folder.path()).unwrap();
    let mut files = CertificateFiles::new(config.tls.clone(), ClientCertificates::Optional).await;
    assert!(files.changed().await.is_none());
    let next = authority.issue(&["/node/1"]);
    std::fs::write(folder.path().join("node.pem"), &next.certificate_pem).unwrap();
    assert!(files.changed().await.is_none(), "half of a change");
    std::fs::write(folder.path().join("node.key"), &next.key_pem).unwrap();
    assert!(files.changed().await.is_some());
    assert!(files.changed().await.is_none());
}
