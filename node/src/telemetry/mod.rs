//! Logs, metrics and traces: how the node tells what it does.
//!
//! No personal data, no secret, no id of a person or a call leaves here: labels are closed lists, log
//! lines name fields and never their values. Pushing is optional; `/metrics` is always there.

mod metrics;
pub mod names;

use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::WithExportConfig as _;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use prometheus::{Encoder as _, Registry, TextEncoder};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer};

use crate::config::{Config, LogFormat, TelemetryConfig};

pub use metrics::{MemoResult, Metrics, PresenceReport, ProposalResult, ReportResult};

/// How often metrics are pushed, if they are.
const PUSH_EVERY: Duration = Duration::from_secs(10);
/// Longest time one push may take.
const PUSH_TIMEOUT: Duration = Duration::from_secs(3);

/// Why there is no telemetry.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// `telemetry.log` is no filter.
    #[error("telemetry.log is no filter")]
    Filter(#[source] tracing_subscriber::filter::ParseError),
    /// The exporters cannot be built.
    #[error("the exporters cannot be built")]
    Exporter(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// There is a subscriber already.
    #[error("telemetry was installed before")]
    Installed,
}

/// A subscriber for log lines and spans, ready to be installed.
pub type Subscriber = Box<dyn tracing::Subscriber + Send + Sync>;

/// The node's telemetry. Dropping it loses what was not pushed yet; see [`Telemetry::shutdown`].
pub struct Telemetry {
    metrics: Metrics,
    registry: Registry,
    meters: SdkMeterProvider,
    tracers: Option<SdkTracerProvider>,
}

impl std::fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Telemetry")
            .field("pushes", &self.tracers.is_some())
            .finish_non_exhaustive()
    }
}

impl Telemetry {
    /// Builds telemetry and installs its subscriber for the whole process. Must run inside the
    /// runtime if there is an endpoint to push to.
    ///
    /// # Errors
    ///
    /// [`TelemetryError`].
    pub fn install(config: &Config) -> Result<Self, TelemetryError> {
        let (telemetry, subscriber) = Self::build(&config.telemetry, &config.node.name)?;
        subscriber
            .try_init()
            .map_err(|_there_is_one| TelemetryError::Installed)?;
        opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
        Ok(telemetry)
    }

    /// Builds telemetry without touching anything of the process.
    ///
    /// # Errors
    ///
    /// [`TelemetryError::Filter`] and [`TelemetryError::Exporter`].
    pub fn build(
        config: &TelemetryConfig,
        node: &str,
    ) -> Result<(Self, Subscriber), TelemetryError> {
        let filter = EnvFilter::try_new(&config.log).map_err(TelemetryError::Filter)?;
        let resource = Resource::builder_empty()
            .with_service_name("akashi-node")
            .with_attribute(opentelemetry::KeyValue::new(
                "service.instance.id",
                node.to_owned(),
            ))
            .build();
        let registry = Registry::new();
        let scrape = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            .without_units()
            .without_counter_suffixes()
            .without_target_info()
            .scope_info_enabled(false)
            .build()
            .map_err(exporter)?;
        let mut meters = SdkMeterProvider::builder()
            .with_resource(resource.clone())
            .with_reader(scrape);
        let mut tracers = None;
        if !config.otlp_endpoint.is_empty() {
            let push = opentelemetry_otlp::MetricExporter::builder()
                .with_tonic()
                .with_endpoint(&config.otlp_endpoint)
                .with_timeout(PUSH_TIMEOUT)
                .build()
                .map_err(exporter)?;
            meters = meters.with_reader(
                PeriodicReader::builder(push)
                    .with_interval(PUSH_EVERY)
                    .build(),
            );
            let spans = opentelemetry_otlp::SpanExporter::builder()
                .with_tonic()
                .with_endpoint(&config.otlp_endpoint)
                .with_timeout(PUSH_TIMEOUT)
                .build()
                .map_err(exporter)?;
            let provider = SdkTracerProvider::builder()
                .with_resource(resource)
                .with_batch_exporter(spans)
                .build();
            tracers = Some(provider);
        }
        let meters = meters.build();
        let metrics = Metrics::new(&meters);
        let spans = tracers.as_ref().map(|tracers| {
            tracing_opentelemetry::layer()
                .with_location(false)
                .with_threads(false)
                .with_tracer(tracers.tracer("akashi-node"))
        });
        let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
        let lines = match config.log_format {
            LogFormat::Text => lines.with_ansi(false).boxed(),
            LogFormat::Json => lines.json().boxed(),
        };
        let subscriber = tracing_subscriber::registry()
            .with(filter)
            .with(spans)
            .with(lines);
        Ok((
            Self {
                metrics,
                registry,
                meters,
                tracers,
            },
            Box::new(subscriber),
        ))
    }

    /// The instruments that the rest of the node reports to.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        self.metrics.clone()
    }

    /// What `/metrics` answers with.
    #[must_use]
    pub fn scrape(&self) -> Scrape {
        Scrape {
            registry: self.registry.clone(),
        }
    }

    /// Pushes what is waiting. Blocks for some seconds at most; nothing is pushed afterwards.
    pub fn shutdown(self) {
        if let Some(tracers) = self.tracers
            && let Err(error) = tracers.shutdown_with_timeout(PUSH_TIMEOUT)
        {
            tracing::debug!(%error, "spans were not pushed");
        }
        if let Err(error) = self.meters.shutdown_with_timeout(PUSH_TIMEOUT) {
            tracing::debug!(%error, "metrics were not pushed");
        }
    }
}

/// Reads the metrics as they stand.
#[derive(Clone, Debug)]
pub struct Scrape {
    registry: Registry,
}

impl Scrape {
    /// The Prometheus text format, version 0.0.4.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = Vec::new();
        if let Err(error) = TextEncoder::new().encode(&self.registry.gather(), &mut text) {
            tracing::warn!(%error, "metrics cannot be written");
        }
        String::from_utf8(text).unwrap_or_default()
    }
}

/// An error as a field of a log line: with everything that caused it.
#[must_use]
pub fn cause<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> &'a (dyn std::error::Error + 'static) {
    error
}

fn exporter(error: impl std::error::Error + Send + Sync + 'static) -> TelemetryError {
    TelemetryError::Exporter(Box::new(error))
}
