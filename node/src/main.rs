//! `akashi-node`: one replica. Reads its configuration, starts the parts, stops them in order.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use akashi_node::api::ApiError;
use akashi_node::config::{Config, ConfigError};
use akashi_node::engine::{Engine, EngineError, OpenStore, Started};
use akashi_node::net::{CertificateFiles, ClientCertificates, Limits, TlsError};
use akashi_node::peers::{PeerPort, SnapshotPort};
use akashi_node::telemetry::{Telemetry, TelemetryError, cause};
use akashi_node::{admin, api, clock, net};
use arc_swap::ArcSwap;
use clap::Parser;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tonic::service::Routes;

/// Of so many cores one is for the runtime: the others are for applying, verifying and the state store's
/// own threads, and a runtime with fewer threads wakes fewer of them.
const CORES_PER_WORKER: usize = 2;
/// How long leadership may take to pass to another replica before this one stops anyway.
const TRANSFER_TIMEOUT: Duration = Duration::from_secs(2);
/// From the answer "not serving" to the end of accepting: load balancers look once a second.
const NOTICE_TIME: Duration = Duration::from_millis(1_200);
/// Longest wait until nobody holds the state store any more, before it is opened again.
const CLOSE_MAX: Duration = Duration::from_secs(10);
/// Longest stop in all; what is not finished then is cut off. Nothing acknowledged is lost by it.
const DRAIN_MAX: Duration = Duration::from_secs(25);

/// See docs/adr, "An allocator for many threads".
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// One replica of an akashi cluster.
#[derive(Debug, Parser)]
#[command(name = "akashi-node", version)]
struct Arguments {
    /// The configuration file (docs/configuration.md).
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "print_default_config"
    )]
    config: Option<PathBuf>,
    /// Check the configuration and its files, and exit.
    #[arg(long)]
    check_config: bool,
    /// Print a configuration to start from, and exit.
    #[arg(long)]
    print_default_config: bool,
    /// Format the data directory first if it never held a node. Never for a replica that has run
    /// before and lost its disk: it may have voted.
    #[arg(long)]
    format_new: bool,
}

/// Why the node did not start, or did not end well.
#[derive(Debug, thiserror::Error)]
enum NodeError {
    #[error("the configuration cannot be used")]
    Config(#[from] ConfigError),
    #[error("telemetry cannot be set up")]
    Telemetry(#[from] TelemetryError),
    #[error("certificates cannot be used")]
    Tls(#[from] TlsError),
    #[error("the replica cannot start")]
    Engine(#[from] EngineError),
    #[error("the services cannot be put together")]
    Api(#[from] ApiError),
    #[error("the state store is still in use after the replica has stopped")]
    StillOpen,
    #[error("{what} cannot be used")]
    Io {
        what: &'static str,
        source: std::io::Error,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.print_default_config {
        return print(Config::EXAMPLE);
    }
    match start(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn start(arguments: &Arguments) -> Result<(), NodeError> {
    let path = arguments.config.clone().unwrap_or_default();
    let config = Arc::new(Config::load(&path)?);
    if arguments.check_config {
        net::server_config(&config.tls, ClientCertificates::Required)?;
        return Ok(());
    }
    // Telemetry outlives the replica, which may start again in this process.
    let outer = runtime(Some(1))?;
    let telemetry = outer.block_on(async { Telemetry::install(&config) })?;
    let ended = live(&config, &telemetry, arguments.format_new, &outer);
    if let Err(error) = &ended {
        tracing::error!(error = cause(error), "the node stops");
    }
    telemetry.shutdown();
    outer.shutdown_timeout(Duration::from_secs(1));
    ended
}

/// Runs the replica, and again when it has received a snapshot to start from.
fn live(
    config: &Arc<Config>,
    telemetry: &Telemetry,
    format_new: bool,
    outer: &Runtime,
) -> Result<(), NodeError> {
    loop {
        // With everything that runs on it, so that nothing of one life is left in the next.
        let inner = runtime(None)?;
        let ended = inner.block_on(run(Arc::clone(config), telemetry, format_new));
        inner.shutdown_timeout(Duration::from_secs(1));
        let Ended::Again(store) = ended? else {
            return Ok(());
        };
        let closed = async {
            while store.is_open() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        outer
            .block_on(async { tokio::time::timeout(CLOSE_MAX, closed).await })
            .map_err(|_elapsed| NodeError::StillOpen)?;
        tracing::info!("the node starts again");
    }
}

fn runtime(workers: Option<usize>) -> Result<Runtime, NodeError> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let many = (cores / CORES_PER_WORKER).max(1);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers.unwrap_or(many))
        .enable_all()
        .build()
        .map_err(|source| NodeError::Io {
            what: "the runtime",
            source,
        })
}

/// How a life of the replica ended.
enum Ended {
    /// It was told to stop.
    Stopped,
    /// It has received a snapshot and is to start again, once the store is closed.
    Again(OpenStore),
}

async fn run(
    config: Arc<Config>,
    telemetry: &Telemetry,
    format_new: bool,
) -> Result<Ended, NodeError> {
    let client = bind(config.listen.client, "listen.client").await?;
    let peer = bind(config.listen.peer, "listen.peer").await?;
    let admin = bind(config.listen.admin, "listen.admin").await?;
    let mut interrupt = listen_for(SignalKind::interrupt())?;
    let mut terminate = listen_for(SignalKind::terminate())?;
    let metrics = telemetry.metrics();
    let Started {
        handle,
        inputs,
        snapshots,
        mut restart,
        cluster_id,
        guard,
    } = Engine::start(&config, format_new, &metrics)?;
    tracing::info!(
        cluster = config.cluster.name,
        node = config.node.id,
        client = %config.listen.client,
        peer = %config.listen.peer,
        admin = %config.listen.admin,
        data_dir = %config.node.data_dir.display(),
        "the node starts",
    );
    // Two steps of a stop: clients first, so that they can finish while peers still serve them.
    let (stop_clients, clients_stop) = watch::channel(false);
    let (stop_peers, peers_stop) = watch::channel(false);

    let peer_service = Routes::new(PeerPort::server(inputs, cluster_id, peers_stop.clone()))
        .add_service(SnapshotPort::server(snapshots, cluster_id));
    let ports = Ports {
        config: &config,
        telemetry,
    };
    let peer_port = ports.open(
        peer,
        ClientCertificates::Required,
        peer_service.prepare(),
        peers_stop.clone(),
    )?;
    let (service, health) = api::service(
        handle.clone(),
        Arc::clone(&config),
        metrics,
        clients_stop.clone(),
    )
    .await?;
    let client_port = ports.open(
        client,
        ClientCertificates::Optional,
        service,
        clients_stop.clone(),
    )?;
    let admin_port = tokio::spawn(admin::serve(
        admin,
        handle.clone(),
        telemetry.scrape(),
        peers_stop,
    ));

    let again = tokio::select! {
        _ = interrupt.recv() => false,
        _ = terminate.recv() => false,
        Ok(_) = restart.wait_for(|restart| *restart) => true,
    };
    tracing::info!("the node drains");
    let drain = async {
        health
            .set_service_status("", tonic_health::ServingStatus::NotServing)
            .await;
        let until = clock::runtime() + TRANSFER_TIMEOUT;
        if handle.status().is_leader && handle.transfer_leader(None, until).await.is_err() {
            tracing::warn!("nobody took over the lead in time");
        }
        tokio::time::sleep(NOTICE_TIME).await;
        stop_clients.send_replace(true);
        drop(client_port.await);
        stop_peers.send_replace(true);
        drop(peer_port.await);
        drop(admin_port.await);
    };
    if tokio::time::timeout(DRAIN_MAX, drain).await.is_err() {
        tracing::warn!("not everything had finished in time");
        stop_clients.send_replace(true);
        stop_peers.send_replace(true);
    }
    let store = guard.store();
    let flushed = tokio::task::spawn_blocking(|| guard.stop()).await;
    if flushed.is_err() {
        tracing::error!("the replica's threads did not end well");
    }
    tracing::info!("the node has stopped");
    Ok(if again {
        Ended::Again(store)
    } else {
        Ended::Stopped
    })
}

/// The two TLS ports.
struct Ports<'a> {
    config: &'a Config,
    telemetry: &'a Telemetry,
}

impl Ports<'_> {
    fn open<S, B>(
        &self,
        listener: TcpListener,
        certificates: ClientCertificates,
        service: S,
        stop: watch::Receiver<bool>,
    ) -> Result<tokio::task::JoinHandle<()>, NodeError>
    where
        S: tower::Service<
                http::Request<hyper::body::Incoming>,
                Response = http::Response<B>,
                Error = std::convert::Infallible,
            > + Clone
            + Send
            + 'static,
        S::Future: Send,
        B: http_body::Body<Data = bytes::Bytes> + Send + Unpin + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let files = self.config.tls.clone();
        let tls = net::server_config(&files, certificates)?;
        let tls = Arc::new(ArcSwap::from_pointee(tls));
        let (current, stopped) = (Arc::clone(&tls), stop.clone());
        tokio::spawn(async move {
            let files = CertificateFiles::new(files, certificates).await;
            net::keep_fresh(files, current, stopped).await;
        });
        let limits = match certificates {
            ClientCertificates::Optional => Limits {
                per_address_max: self.config.limits.per_address_max(),
                ..Limits::CLIENT
            },
            ClientCertificates::Required => Limits::PEER,
        };
        let domain: Arc<str> = self.config.cluster.name.as_str().into();
        let metrics = self.telemetry.metrics();
        Ok(tokio::spawn(net::serve(
            listener, tls, domain, limits, metrics, service, stop,
        )))
    }
}

async fn bind(address: std::net::SocketAddr, what: &'static str) -> Result<TcpListener, NodeError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| NodeError::Io { what, source })
}

fn listen_for(kind: SignalKind) -> Result<tokio::signal::unix::Signal, NodeError> {
    signal(kind).map_err(|source| NodeError::Io {
        what: "signals",
        source,
    })
}

fn print(text: &str) -> ExitCode {
    use std::io::Write as _;
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_closed) => ExitCode::FAILURE,
    }
}

/// Says on standard error what went wrong, with everything that caused it.
fn complain(error: &NodeError) {
    use std::io::Write as _;
    let mut text = format!("akashi-node: {error}");
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text.push_str(&format!(": {error}"));
        source = error.source();
    }
    // Without standard error there is nobody to tell.
    drop(writeln!(std::io::stderr(), "{text}"));
}
