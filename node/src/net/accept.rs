//! The accept loop of a TLS port, and the watch over each of its connections.
//!
//! # Sources
//!
//! CVE-2023-44487 (rapid reset): callers that open requests only to drop them are cut off.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::ServerConfig;
use sha2::Digest as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval_at, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tower::ServiceExt as _;

use super::places::Addresses;
use super::{Identity, Peer};
use crate::clock;
use crate::telemetry::{Metrics, cause};

/// How much one port and one connection may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at one time.
    pub connections_max: usize,
    /// Connections of one address at one time.
    pub per_address_max: usize,
    /// Handshakes at one time, where a connection counts only after its handshake: whoever has no
    /// certificate then takes no place. None: it counts from the beginning.
    pub handshakes_max: Option<usize>,
    /// How long a TLS handshake may take.
    pub handshake: Duration,
    /// How long after the handshake the first request must have come; also how often a connection is
    /// looked at.
    pub first_request: Duration,
    /// How long a connection may have no request; none for ever.
    pub idle: Option<Duration>,
    /// How old a connection may grow before its caller is asked to connect anew; none for ever.
    pub age: Option<Duration>,
    /// Requests at one time on one connection.
    pub streams_max: u32,
    /// Requests that a caller may drop unanswered on one connection.
    pub dropped_max: u32,
    /// How long living connections have to finish after a shutdown.
    pub drain: Duration,
}

impl Limits {
    /// For the port of platforms, phones, agents, auditors and operators.
    pub const CLIENT: Self = Self {
        connections_max: 10_000,
        per_address_max: 4_096,
        handshakes_max: None,
        handshake: Duration::from_secs(3),
        first_request: Duration::from_secs(5),
        idle: Some(Duration::from_secs(60)),
        age: Some(Duration::from_secs(3_600)),
        streams_max: 256,
        dropped_max: 200,
        drain: Duration::from_secs(15),
    };
    /// For the port of replicas: few callers that stay.
    pub const PEER: Self = Self {
        connections_max: 64,
        per_address_max: 32,
        handshakes_max: Some(256),
        handshake: Duration::from_secs(3),
        first_request: Duration::from_secs(5),
        idle: None,
        age: None,
        streams_max: 1_024,
        dropped_max: u32::MAX,
        drain: Duration::from_secs(2),
    };
}

/// A frame of HTTP/2 headers is refused (431) beyond this.
const HEADER_LIST_BYTES_MAX: u32 = 16_384;
/// Bytes of one request that may be on their way: a request has 64 KiB at most.
const STREAM_WINDOW_BYTES: u32 = 131_072;
/// Bytes of one connection that may be on their way.
const CONNECTION_WINDOW_BYTES: u32 = 1_048_576;
/// Bytes of one answer that wait for a slow reader before its stream is held back.
const SEND_BUFFER_BYTES_MAX: usize = 262_144;
/// Requests that were reset before they could be looked at.
const RESET_UNSEEN_MAX: usize = 32;
/// How often a silent connection is asked whether it lives.
const PING_EVERY: Duration = Duration::from_secs(20);
/// How long it may take to say so.
const PING_TIMEOUT: Duration = Duration::from_secs(10);
/// Pause after the system refused to accept (it is out of file descriptors).
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Why a connection was turned away or cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// There are as many as there may be.
    Full,
    /// There are as many of this address as there may be.
    Address,
    /// The TLS handshake failed or took too long.
    Handshake,
    /// HTTP/2 was not agreed on.
    Protocol,
    /// No request came in time.
    Silent,
    /// Too many requests were dropped.
    Dropping,
}

impl Refused {
    /// Every reason.
    pub const ALL: [Self; 6] = [
        Self::Full,
        Self::Address,
        Self::Handshake,
        Self::Protocol,
        Self::Silent,
        Self::Dropping,
    ];

    /// The label in metrics.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Address => "address",
            Self::Handshake => "handshake",
            Self::Protocol => "protocol",
            Self::Silent => "silent",
            Self::Dropping => "dropping",
        }
    }
}

/// Serves `service` over TLS until `shutdown` says so; returns once every connection has ended.
///
/// `domain` is the trust domain (the cluster's name) of callers' certificates. Every request carries
/// a [`Peer`] as an extension.
pub async fn serve<S, B>(
    listener: TcpListener,
    tls: Arc<ArcSwap<ServerConfig>>,
    domain: Arc<str>,
    limits: Limits,
    metrics: Metrics,
    service: S,
    mut shutdown: watch::Receiver<bool>,
) where
    S: tower::Service<Request<Incoming>, Response = Response<B>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let places = Arc::new(Semaphore::new(limits.connections_max));
    let doorstep = limits.handshakes_max.unwrap_or(limits.connections_max);
    let doorstep = Arc::new(Semaphore::new(doorstep));
    let addresses = Addresses::new(limits.per_address_max);
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_ended) = connections.join_next() => continue,
            _ = shutdown.wait_for(|down| *down) => break,
        };
        let (stream, addr) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(error = cause(&error), "accept failed");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Ok(waiting) = Arc::clone(&doorstep).try_acquire_owned() else {
            metrics.connection_refused(Refused::Full);
            continue;
        };
        let Some(of_address) = addresses.take(addr.ip()) else {
            metrics.connection_refused(Refused::Address);
            continue;
        };
        let connection = Connection {
            acceptor: TlsAcceptor::from(tls.load_full()),
            domain: Arc::clone(&domain),
            limits,
            metrics: metrics.clone(),
            shutdown: shutdown.clone(),
        };
        let service = service.clone();
        let places = limits.handshakes_max.map(|_| Arc::clone(&places));
        connections.spawn(async move {
            connection.run(stream, addr, waiting, places, service).await;
            drop(of_address);
        });
    }
    drop(listener);
    let all = async { while connections.join_next().await.is_some() {} };
    if timeout(limits.drain, all).await.is_err() {
        tracing::info!("some connections did not end in time");
    }
}

/// One connection before it is accepted.
struct Connection {
    acceptor: TlsAcceptor,
    domain: Arc<str>,
    limits: Limits,
    metrics: Metrics,
    shutdown: watch::Receiver<bool>,
}

impl Connection {
    /// Shakes hands, and serves. `waiting` is the place on the doorstep; with `places`, it is given up for
    /// one of them once the caller has shown who it is.
    async fn run<S, B>(
        self,
        stream: TcpStream,
        addr: SocketAddr,
        waiting: OwnedSemaphorePermit,
        places: Option<Arc<Semaphore>>,
        service: S,
    ) where
        S: tower::Service<Request<Incoming>, Response = Response<B>, Error = Infallible>
            + Clone
            + Send
            + 'static,
        S::Future: Send,
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        if stream.set_nodelay(true).is_err() {
            return;
        }
        let accepted = timeout(self.limits.handshake, self.acceptor.accept(stream)).await;
        let Ok(Ok(stream)) = accepted else {
            self.metrics.connection_refused(Refused::Handshake);
            return;
        };
        if stream.get_ref().1.alpn_protocol() != Some(b"h2") {
            self.metrics.connection_refused(Refused::Protocol);
            return;
        }
        let place = match places {
            None => waiting,
            Some(places) => {
                let Ok(place) = places.try_acquire_owned() else {
                    self.metrics.connection_refused(Refused::Full);
                    return;
                };
                drop(waiting);
                place
            }
        };
        let peer = self.peer(&stream, addr);
        self.metrics.connection_opened();
        if let Some(why) = self.watch(stream, peer, service).await {
            self.metrics.connection_refused(why);
        }
        self.metrics.connection_closed();
        drop(place);
    }

    fn peer(&self, stream: &TlsStream<TcpStream>, addr: SocketAddr) -> Peer {
        let certificate = stream
            .get_ref()
            .1
            .peer_certificates()
            .and_then(<[_]>::first);
        let identity = certificate.and_then(|der| {
            Identity::of_certificate(der, &self.domain)
                .inspect_err(|error| tracing::debug!(%error, "certificate names nobody"))
                .ok()
        });
        let certificate_sha256 = certificate.map(|der| sha2::Sha256::digest(der).into());
        Peer {
            identity,
            certificate_sha256,
            addr,
        }
    }

    /// Serves until the caller leaves, falls silent, grows old or misbehaves.
    async fn watch<S, B>(
        &self,
        stream: TlsStream<TcpStream>,
        peer: Peer,
        service: S,
    ) -> Option<Refused>
    where
        S: tower::Service<Request<Incoming>, Response = Response<B>, Error = Infallible>
            + Clone
            + Send
            + 'static,
        S::Future: Send,
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let limits = self.limits;
        let activity = Arc::new(Activity::default());
        let counted = Arc::clone(&activity);
        let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
            let mut in_flight = counted.begin(limits.dropped_max);
            request.extensions_mut().insert(peer.clone());
            let answer = service.clone().oneshot(request);
            async move {
                let response = answer.await?;
                in_flight.answered = true;
                Ok::<_, Infallible>(response.map(|inner| Counted { inner, in_flight }))
            }
        });
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .max_concurrent_streams(limits.streams_max)
            .max_header_list_size(HEADER_LIST_BYTES_MAX)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .max_send_buf_size(SEND_BUFFER_BYTES_MAX)
            .max_pending_accept_reset_streams(RESET_UNSEEN_MAX)
            .keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PING_TIMEOUT);
        let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
        let mut shutdown = self.shutdown.clone();
        let mut look = interval_at(
            clock::runtime() + limits.first_request,
            limits.first_request,
        );
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut seen = Seen::default();
        let mut leaving = false;
        loop {
            tokio::select! {
                ended = &mut connection => {
                    if let Err(error) = ended {
                        tracing::debug!(error = cause(&error), "connection ended");
                    }
                    return None;
                }
                () = activity.too_many_dropped.notified() => return Some(Refused::Dropping),
                _ = look.tick() => match seen.look(&activity, &limits) {
                    Look::Fine => {}
                    Look::Silent => return Some(Refused::Silent),
                    Look::Enough if leaving => {}
                    Look::Enough => {
                        leaving = true;
                        connection.as_mut().graceful_shutdown();
                    }
                },
                _ = shutdown.wait_for(|down| *down), if !leaving => {
                    leaving = true;
                    connection.as_mut().graceful_shutdown();
                }
            }
        }
    }
}

/// What is known of a connection's requests.
#[derive(Debug, Default)]
struct Activity {
    begun: AtomicU64,
    in_flight: AtomicU32,
    dropped: AtomicU32,
    too_many_dropped: Notify,
}

impl Activity {
    fn begin(self: &Arc<Self>, dropped_max: u32) -> InFlight {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight {
            activity: Arc::clone(self),
            dropped_max,
            answered: false,
        }
    }
}

/// One request, from its head to the end of its answer.
struct InFlight {
    activity: Arc<Activity>,
    dropped_max: u32,
    answered: bool,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.activity.in_flight.fetch_sub(1, Ordering::Relaxed);
        if !self.answered
            && self.activity.dropped.fetch_add(1, Ordering::Relaxed) >= self.dropped_max
        {
            self.activity.too_many_dropped.notify_one();
        }
    }
}

/// What the last looks at a connection found.
#[derive(Debug, Default)]
struct Seen {
    begun: u64,
    idle: Duration,
    age: Duration,
}

/// What to do with a connection.
enum Look {
    Fine,
    Silent,
    Enough,
}

impl Seen {
    fn look(&mut self, activity: &Activity, limits: &Limits) -> Look {
        let begun = activity.begun.load(Ordering::Relaxed);
        if begun == 0 {
            return Look::Silent;
        }
        let busy = begun != self.begun || activity.in_flight.load(Ordering::Relaxed) != 0;
        self.begun = begun;
        self.idle = if busy {
            Duration::ZERO
        } else {
            self.idle.saturating_add(limits.first_request)
        };
        self.age = self.age.saturating_add(limits.first_request);
        let idle = limits.idle.is_some_and(|idle| self.idle >= idle);
        let old = limits.age.is_some_and(|age| self.age >= age);
        if idle || old {
            Look::Enough
        } else {
            Look::Fine
        }
    }
}

/// An answer that is counted as in flight until it has ended.
struct Counted<B> {
    inner: B,
    #[expect(dead_code, reason = "counts by being dropped")]
    in_flight: InFlight,
}

impl<B: Body + Unpin> Body for Counted<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.inner).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_without_a_first_request_is_silent() {
        let activity = Arc::new(Activity::default());
        assert!(matches!(
            Seen::default().look(&activity, &Limits::CLIENT),
            Look::Silent
        ));
    }

    #[test]
    fn a_connection_is_idle_only_after_a_minute_without_requests() {
        let activity = Arc::new(Activity::default());
        let mut seen = Seen::default();
        let request = activity.begin(200);
        for _ in 0..100 {
            assert!(matches!(seen.look(&activity, &Limits::CLIENT), Look::Fine));
        }
        drop(request);
        for _ in 0..11 {
            assert!(matches!(seen.look(&activity, &Limits::CLIENT), Look::Fine));
        }
        assert!(matches!(
            seen.look(&activity, &Limits::CLIENT),
            Look::Enough
        ));
    }

    #[test]
    fn an_old_connection_is_asked_to_come_again_even_if_busy() {
        let activity = Arc::new(Activity::default());
        let mut seen = Seen::default();
        let _request = activity.begin(200);
        let looks =
            (0..720).filter(|_| matches!(seen.look(&activity, &Limits::CLIENT), Look::Fine));
        assert_eq!(looks.count(), 719);
    }
}
