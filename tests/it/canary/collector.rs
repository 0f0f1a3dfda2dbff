//! A collector of telemetry that keeps what is pushed, as bytes.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

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
use prost::Message as _;
use tokio::net::TcpListener;
use tonic::{Request, Response, Status};

/// Where nodes push to.
#[derive(Clone, Debug)]
pub(super) struct Collector {
    address: SocketAddr,
    kept: Arc<Mutex<Vec<u8>>>,
}

impl Collector {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = Self {
            address: listener.local_addr().unwrap(),
            kept: Arc::default(),
        };
        tokio::spawn(
            tonic::transport::Server::builder()
                .add_service(MetricsServiceServer::new(own.clone()))
                .add_service(TraceServiceServer::new(own.clone()))
                .serve_with_incoming(tokio_stream::wrappers::TcpListenerStream::new(listener)),
        );
        own
    }

    /// The line of a node's configuration.
    pub(super) fn setting(&self) -> String {
        format!("otlp_endpoint = \"http://{}\"", self.address)
    }

    /// Everything that arrived.
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.kept.lock().unwrap().clone()
    }

    fn keep(&self, bytes: Vec<u8>) {
        self.kept.lock().unwrap().extend(bytes);
    }
}

#[tonic::async_trait]
impl MetricsService for Collector {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        self.keep(request.into_inner().encode_to_vec());
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.keep(request.into_inner().encode_to_vec());
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}
