//! The door: what every call must pass before its handler sees it, and what every answer must pass on
//! its way out.
//!
//! tonic takes a malformed message for its own fault, a late answer for a cancelled one, and reads
//! whatever comes as long as it comes. Here every hostile input has one fixed answer; the module's
//! tests and `node/tests/it` go through them row by row.
//!
//! # Sources
//!
//! gRPC over HTTP/2 (PROTOCOL-HTTP2.md): `grpc-timeout`, message framing, content types.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt as _, Full};
use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tokio::sync::watch;
use tokio::time::timeout_at;
use tonic::Code;
use tonic::body::Body;
use tower::ServiceExt as _;
use tracing::Instrument as _;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::auth::{self, Flow, Role, Rpc};
use super::rate::Rates;
use super::status::{REASON, Refusal, code_name};
use crate::clock;
use crate::net::Peer;
use crate::telemetry::Metrics;

/// Largest request in bytes; the largest of them, a credential's registration, needs a tenth of it.
pub const MESSAGE_BYTES_MAX: usize = 65_536;
/// Largest submission in bytes: a sealed payload of 65,536, eight predicates of 1,504, a face with its
/// capture of 2,400, and room for the frame.
pub const SUBMISSION_BYTES_MAX: usize = 98_304;
/// Time of a unary call whose caller names none.
pub const DEADLINE_DEFAULT: Duration = Duration::from_secs(2);
/// Longest time of a unary call, and of the beginning of a stream.
pub const DEADLINE_MAX: Duration = Duration::from_secs(10);

/// Bytes before each message: one of flags, four of length.
const PREFIX_BYTES: usize = 5;
/// The label of methods that do not exist.
const OTHER: &str = "_OTHER";

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");

/// Until when a call must be answered. Every handler finds one among the extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline(pub tokio::time::Instant);

/// A stream's own end, where its caller gave it one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct StreamEnd(Option<tokio::time::Instant>);

/// The door in front of `inner`.
#[derive(Clone, Debug)]
pub struct Door<S> {
    inner: S,
    metrics: Metrics,
    fenced: watch::Receiver<Option<String>>,
    rates: Rates,
    shutdown: watch::Receiver<bool>,
}

impl<S> Door<S> {
    /// Puts a door in front of `inner`.
    pub const fn new(
        inner: S,
        metrics: Metrics,
        fenced: watch::Receiver<Option<String>>,
        rates: Rates,
        shutdown: watch::Receiver<bool>,
    ) -> Self {
        Self {
            inner,
            metrics,
            fenced,
            rates,
            shutdown,
        }
    }
}

impl<S, B> tower::Service<Request<B>> for Door<S>
where
    S: tower::Service<Request<Body>, Response = Response<Body>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
    B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let door = self.clone();
        Box::pin(async move { Ok(door.pass(request).await) })
    }
}

impl<S> Door<S>
where
    S: tower::Service<Request<Body>, Response = Response<Body>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    async fn pass<B>(self, request: Request<B>) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let began = clock::monotonic();
        if let Some(refused) = plain_http(request.method(), request.headers()) {
            return refused;
        }
        let rpc = auth::find(request.uri().path());
        let method = rpc.map_or(OTHER, |rpc| rpc.path.trim_start_matches('/'));
        let span = tracing::info_span!(
            "rpc",
            otel.name = method,
            otel.kind = "server",
            code = tracing::field::Empty,
        );
        let parent = TraceContextPropagator::new().extract(&Headers(request.headers()));
        // Without an exporter there is nothing to hang the parent on.
        drop(span.set_parent(parent));
        let end = End {
            metrics: self.metrics.clone(),
            method,
            began,
            span: span.clone(),
            code: None,
        };
        let answered = match rpc {
            None => Err(Refusal::MethodUnknown),
            Some(rpc) => self.answer(rpc, request).instrument(span).await,
        };
        match answered {
            Ok(answered) => answered.finish(end),
            Err(refusal) => refused(refusal, end),
        }
    }

    async fn answer<B>(
        mut self,
        rpc: &'static Rpc,
        request: Request<B>,
    ) -> Result<Answered, Refusal>
    where
        B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (mut parts, body) = request.into_parts();
        let peer = parts.extensions.get::<Peer>().ok_or(Refusal::Internal)?;
        let role: Role = auth::allow(rpc, peer)?;
        // Leases and health are asked for in any case.
        if !rpc.always {
            let taken = self.rates.take(peer, clock::boottime_us());
            taken.map_err(Refusal::TooFast)?;
        }
        parts.extensions.insert(role);
        let asked = timeout_of(&parts.headers)?;
        if asked.is_some_and(|asked| asked.is_zero()) {
            return Err(Refusal::Deadline);
        }
        let now = clock::runtime();
        let deadline = now + time_for(rpc.flow, asked);
        parts.extensions.insert(Deadline(deadline));
        if !rpc.always {
            self.open()?;
        }
        encoding_of(&parts.headers)?;
        let body = match rpc.flow {
            Flow::Unary | Flow::Answers => {
                let bytes = timeout_at(deadline, one_message(body, rpc.bytes_max))
                    .await
                    .map_err(|_elapsed| Refusal::Deadline)??;
                Body::new(Full::new(bytes))
            }
            Flow::Both => Body::new(body),
        };
        let call = self.inner.clone().oneshot(Request::from_parts(parts, body));
        let response = timeout_at(deadline, call)
            .await
            .map_err(|_elapsed| Refusal::Deadline)?
            .unwrap_or_else(|never| match never {});
        let stop: Stop = match rpc.flow {
            Flow::Unary => Box::pin(std::future::pending()),
            Flow::Answers | Flow::Both => {
                let end = StreamEnd(asked.and_then(|asked| now.checked_add(asked)));
                let always = rpc.always;
                Box::pin(async move { self.stopped(end, always).await })
            }
        };
        Ok(Answered { response, stop })
    }

    /// Whether the node serves.
    fn open(&mut self) -> Result<(), Refusal> {
        if *self.shutdown.borrow() {
            return Err(Refusal::Stopping);
        }
        if self.fenced.borrow().is_some() {
            return Err(Refusal::Fenced);
        }
        Ok(())
    }

    /// Waits for what ends a stream from outside.
    async fn stopped(&mut self, end: StreamEnd, always: bool) -> Refusal {
        let late = async {
            match end.0 {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        let fenced = async {
            // A sender that is gone will never fence; the shutdown comes first then.
            if always || self.fenced.wait_for(Option::is_some).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = late => Refusal::Deadline,
            () = fenced => Refusal::Fenced,
            _ = self.shutdown.wait_for(|down| *down) => Refusal::Stopping,
        }
    }
}

/// What ends an answer from outside.
type Stop = Pin<Box<dyn Future<Output = Refusal> + Send>>;

/// An answer of the handler.
struct Answered {
    response: Response<Body>,
    stop: Stop,
}

impl Answered {
    fn finish(self, mut end: End) -> Response<Body> {
        let Self { response, stop } = self;
        let Some(code) = grpc_code(response.headers()) else {
            return response.map(|inner| {
                Body::new(Outgoing {
                    inner,
                    stop,
                    end,
                    ended: false,
                })
            });
        };
        // An answer without a body. One that carries no reason was made by the framework.
        if code == Code::Ok || response.headers().contains_key(REASON) {
            end.code = Some(code);
            return response;
        }
        match code {
            Code::Internal | Code::Unknown => refused(Refusal::MessageMalformed, end),
            Code::OutOfRange => refused(Refusal::MessageTooLarge, end),
            Code::Unimplemented => refused(Refusal::MethodUnknown, end),
            Code::Ok
            | Code::Cancelled
            | Code::InvalidArgument
            | Code::DeadlineExceeded
            | Code::NotFound
            | Code::AlreadyExists
            | Code::PermissionDenied
            | Code::ResourceExhausted
            | Code::FailedPrecondition
            | Code::Aborted
            | Code::Unavailable
            | Code::DataLoss
            | Code::Unauthenticated => {
                end.code = Some(code);
                response
            }
        }
    }
}

fn refused(refusal: Refusal, mut end: End) -> Response<Body> {
    end.code = Some(refusal.code());
    refusal.status().into_http()
}

/// Reports a call once it has ended, however that came.
struct End {
    metrics: Metrics,
    method: &'static str,
    began: Instant,
    span: tracing::Span,
    code: Option<Code>,
}

impl Drop for End {
    fn drop(&mut self) {
        // A caller that went away never learned a code.
        let code = code_name(self.code.unwrap_or(Code::Cancelled));
        self.span.record("code", code);
        self.metrics.rpc(self.method, code, self.began.elapsed());
    }
}

/// An answer's body: watches how it ends, and ends it when it must.
struct Outgoing {
    inner: Body,
    stop: Stop,
    end: End,
    ended: bool,
}

impl http_body::Body for Outgoing {
    type Data = Bytes;
    type Error = tonic::Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, tonic::Status>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        // The end comes first: a stream with a long backlog is never without a next frame.
        let Poll::Ready(refusal) = self.stop.as_mut().poll(cx) else {
            let frame = std::task::ready!(Pin::new(&mut self.inner).poll_frame(cx));
            if let Some(Ok(frame)) = &frame
                && let Some(trailers) = frame.trailers_ref()
            {
                self.end.code = Some(grpc_code(trailers).unwrap_or(Code::Ok));
            }
            return Poll::Ready(frame);
        };
        self.ended = true;
        self.end.code = Some(refusal.code());
        let mut trailers = HeaderMap::new();
        if let Err(status) = refusal.status().add_header(&mut trailers) {
            return Poll::Ready(Some(Err(status)));
        }
        Poll::Ready(Some(Ok(Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.inner.is_end_stream()
    }
}

fn grpc_code(headers: &HeaderMap) -> Option<Code> {
    headers
        .get(GRPC_STATUS)
        .map(|code| Code::from_bytes(code.as_bytes()))
}

/// What is no gRPC at all is answered in plain HTTP.
fn plain_http(method: &Method, headers: &HeaderMap) -> Option<Response<Body>> {
    let content_type = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    let is_grpc = matches!(
        content_type,
        Some(b"application/grpc" | b"application/grpc+proto")
    );
    let status = if method != Method::POST {
        StatusCode::METHOD_NOT_ALLOWED
    } else if is_grpc {
        return None;
    } else {
        StatusCode::UNSUPPORTED_MEDIA_TYPE
    };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response
            .headers_mut()
            .insert(http::header::ALLOW, HeaderValue::from_static("POST"));
    }
    Some(response)
}

/// How long a call, or the beginning of a stream, may take.
fn time_for(flow: Flow, asked: Option<Duration>) -> Duration {
    let default = match flow {
        Flow::Unary => DEADLINE_DEFAULT,
        Flow::Answers | Flow::Both => DEADLINE_MAX,
    };
    asked.unwrap_or(default).min(DEADLINE_MAX)
}

/// `grpc-timeout`: one to eight digits and a unit. More digits than that would be no timeout.
fn timeout_of(headers: &HeaderMap) -> Result<Option<Duration>, Refusal> {
    let mut values = headers.get_all(GRPC_TIMEOUT).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(Refusal::TimeoutMalformed);
    }
    parse_timeout(value.as_bytes())
        .map(Some)
        .ok_or(Refusal::TimeoutMalformed)
}

fn parse_timeout(value: &[u8]) -> Option<Duration> {
    let (unit, digits) = value.split_last()?;
    if digits.is_empty() || digits.len() > 8 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let count: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    Some(match unit {
        b'H' => Duration::from_secs(count.saturating_mul(3_600)),
        b'M' => Duration::from_secs(count.saturating_mul(60)),
        b'S' => Duration::from_secs(count),
        b'm' => Duration::from_millis(count),
        b'u' => Duration::from_micros(count),
        b'n' => Duration::from_nanos(count),
        _ => return None,
    })
}

/// Compressed messages are not spoken: a bomb needs no defusing then.
fn encoding_of(headers: &HeaderMap) -> Result<(), Refusal> {
    match headers.get(GRPC_ENCODING).map(HeaderValue::as_bytes) {
        None | Some(b"identity") => Ok(()),
        Some(_) => Err(Refusal::EncodingUnsupported),
    }
}

/// Reads the one message of a request, prefix included, and nothing beyond its limit.
async fn one_message<B>(mut body: B, bytes_max: usize) -> Result<Bytes, Refusal>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    let mut read = BytesMut::new();
    while let Some(frame) = body.frame().await {
        // The caller reset the stream, or broke the connection: nobody hears the answer.
        let frame = frame.map_err(|_broken| Refusal::MessageMalformed)?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        read.extend_from_slice(&data);
        if let Some(length) = message_length(&read)? {
            if length > bytes_max {
                return Err(Refusal::MessageTooLarge);
            }
            if read.len() > length.saturating_add(PREFIX_BYTES) {
                return Err(Refusal::MessageCount);
            }
        }
    }
    if read.is_empty() {
        return Err(Refusal::MessageCount);
    }
    match message_length(&read)? {
        Some(length) if read.len() == length.saturating_add(PREFIX_BYTES) => Ok(read.freeze()),
        Some(_) | None => Err(Refusal::MessageMalformed),
    }
}

/// The length that the prefix gives, once the prefix is there.
fn message_length(read: &[u8]) -> Result<Option<usize>, Refusal> {
    let Some((prefix, _)) = read.split_first_chunk::<PREFIX_BYTES>() else {
        return if read.first().is_none_or(|flags| *flags == 0) {
            Ok(None)
        } else {
            Err(Refusal::MessageMalformed)
        };
    };
    let [flags, length @ ..] = *prefix;
    if flags != 0 {
        return Err(Refusal::MessageMalformed);
    }
    Ok(Some(
        usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX),
    ))
}

/// The one header that carries a trace on: numbers only (W3C Trace Context, section 3.2).
const TRACE_PARENT: &str = "traceparent";

/// A caller's headers, for the propagation of traces. What else a caller sends along (`tracestate`,
/// `baggage`) is free text, and would be pushed on with every span.
struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        let value = (key == TRACE_PARENT).then(|| self.0.get(key))?;
        value.and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        vec![TRACE_PARENT]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_one_to_eight_digits_and_a_unit() {
        for (text, expected) in [
            ("1H", Some(Duration::from_secs(3_600))),
            ("2M", Some(Duration::from_secs(120))),
            ("3S", Some(Duration::from_secs(3))),
            ("4m", Some(Duration::from_millis(4))),
            ("5u", Some(Duration::from_micros(5))),
            ("0n", Some(Duration::ZERO)),
            ("99999999H", Some(Duration::from_secs(99_999_999 * 3_600))),
            ("999999999n", None),
            ("", None),
            ("S", None),
            ("-1S", None),
            ("1.5S", None),
            ("10", None),
            ("1 S", None),
            ("1s", None),
            ("soon", None),
        ] {
            assert_eq!(parse_timeout(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn a_call_has_two_seconds_unless_it_says_otherwise_and_never_more_than_ten() {
        let s = Duration::from_secs;
        assert_eq!(time_for(Flow::Unary, None), s(2));
        assert_eq!(time_for(Flow::Unary, Some(s(5))), s(5));
        assert_eq!(time_for(Flow::Unary, Some(s(3_600))), s(10));
        assert_eq!(time_for(Flow::Answers, None), s(10));
        assert_eq!(time_for(Flow::Both, Some(s(3_600))), s(10));
    }

    #[tokio::test]
    async fn exactly_one_message_is_read() {
        let one = [0, 0, 0, 0, 2, 8, 1];
        assert_eq!(read(&one).await, Ok(Bytes::copy_from_slice(&one)));
        assert_eq!(read(&[0; 5]).await, Ok(Bytes::from_static(&[0; 5])));
        assert_eq!(read(&[]).await, Err(Refusal::MessageCount));
        assert_eq!(read(&[0; 10]).await, Err(Refusal::MessageCount));
        assert_eq!(read(&one[..6]).await, Err(Refusal::MessageMalformed));
        assert_eq!(read(&one[..3]).await, Err(Refusal::MessageMalformed));
        assert_eq!(read(&[1, 0, 0, 0, 0]).await, Err(Refusal::MessageMalformed));
        assert_eq!(read(&[7]).await, Err(Refusal::MessageMalformed));
        let huge = [0, 0xff, 0xff, 0xff, 0xff];
        assert_eq!(read(&huge).await, Err(Refusal::MessageTooLarge));
        let over = [0, 0, 1, 0, 1];
        assert_eq!(read(&over).await, Err(Refusal::MessageTooLarge));
    }

    async fn read(bytes: &[u8]) -> Result<Bytes, Refusal> {
        one_message(Full::new(Bytes::copy_from_slice(bytes)), MESSAGE_BYTES_MAX).await
    }
}
