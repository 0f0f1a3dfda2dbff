//! What is pushed: a collector receives the spans and metrics of one call. Alone in its process, since
//! a process has one subscriber.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::too_many_lines,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at the first surprise, and its numbers and lists are its own"
)]

use std::collections::BTreeSet;
use std::time::Duration;

use akashi_node::api::limits::Door;
use akashi_node::api::rate::Rates;
use akashi_node::config::Config;
use akashi_node::net::Peer;
use akashi_node::telemetry::{Telemetry, names};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tonic::body::Body;
use tonic::service::Routes;
use tonic::{Request, Response, Status};
use tower::ServiceExt as _;

/// Takes what is pushed, and passes its names on.
#[derive(Clone)]
struct Collector(mpsc::UnboundedSender<String>);

#[tonic::async_trait]
impl MetricsService for Collector {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        for resource in request.into_inner().resource_metrics {
            for metric in resource
                .scope_metrics
                .into_iter()
                .flat_map(|scope| scope.metrics)
            {
                self.0.send(metric.name).unwrap();
            }
        }
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        for resource in request.into_inner().resource_spans {
            for span in resource
                .scope_spans
                .into_iter()
                .flat_map(|scope| scope.spans)
            {
                let parent: String = span.trace_id.iter().map(|b| format!("{b:02x}")).collect();
                self.0.send(format!("{} in {parent}", span.name)).unwrap();
            }
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_and_metrics_are_pushed_and_the_callers_trace_goes_on() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (seen, mut arrived) = mpsc::unbounded_channel();
    let collector = Collector(seen);
    tokio::spawn(
        tonic::transport::Server::builder()
            .add_service(MetricsServiceServer::new(collector.clone()))
            .add_service(TraceServiceServer::new(collector))
            .serve_with_incoming(tokio_stream::wrappers::TcpListenerStream::new(listener)),
    );
    let text = Config::EXAMPLE
        .replace(
            "otlp_endpoint = \"\"",
            &format!("otlp_endpoint = \"{endpoint}\""),
        )
        .replace("log_format = \"text\"", "log_format = \"json\"");
    let config = Config::parse(&text, std::path::Path::new("")).unwrap();
    let telemetry = Telemetry::install(&config).unwrap();
    telemetry.metrics().verified(Duration::from_micros(120));

    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let (_stop, stopped) = watch::channel(false);
    let (_fence, fenced) = watch::channel(None);
    let (_, health) = tonic_health::server::health_reporter();
    let door = Door::new(
        Routes::new(health).prepare(),
        telemetry.metrics(),
        fenced,
        Rates::new(config.limits),
        stopped,
    );
    let mut request = http::Request::post("/grpc.health.v1.Health/Check")
        .header("content-type", "application/grpc")
        .header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"))
        .body(Body::new(Full::new(Bytes::from_static(&[0; 5]))))
        .unwrap();
    let addr = ([127, 0, 0, 1], 1).into();
    request.extensions_mut().insert(Peer {
        identity: None,
        certificate_sha256: None,
        addr,
    });
    let response = door.oneshot(request).await.unwrap();
    drop(response.into_body().collect().await.unwrap());
    tokio::task::spawn_blocking(|| telemetry.shutdown())
        .await
        .unwrap();

    let mut names = BTreeSet::new();
    while let Ok(name) = arrived.try_recv() {
        names.insert(name);
    }
    assert!(names.contains(names::VERIFY_SECONDS.name), "{names:?}");
    assert!(names.contains(names::GRPC_SERVER_SECONDS.name), "{names:?}");
    assert!(
        names.contains(&format!("grpc.health.v1.Health/Check in {trace}")),
        "{names:?}"
    );
}
