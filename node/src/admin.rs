//! The admin port: plain HTTP for whoever runs the node. Alive, ready, started, metrics.
//!
//! It changes nothing and tells nothing about customers; keep it off public networks all the same.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::api::Replica;
use crate::clock;
use crate::telemetry::Scrape;

/// How long a readiness question may wait for a quorum.
const READY_TIMEOUT: Duration = Duration::from_millis(500);

/// What the answers are made of.
#[derive(Clone, Debug)]
struct Node<R> {
    replica: R,
    scrape: Scrape,
    shutdown: watch::Receiver<bool>,
}

/// Serves until `shutdown` says so.
///
/// # Errors
///
/// When the listener fails.
pub async fn serve<R: Replica>(
    listener: TcpListener,
    replica: R,
    scrape: Scrape,
    shutdown: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let mut down = shutdown.clone();
    let routes = routes(replica, scrape, shutdown);
    axum::serve(listener, routes)
        .with_graceful_shutdown(async move {
            // A sender that is gone means the same.
            drop(down.wait_for(|down| *down).await);
        })
        .await
}

/// The routes.
pub fn routes<R: Replica>(replica: R, scrape: Scrape, shutdown: watch::Receiver<bool>) -> Router {
    Router::new()
        .route("/livez", get(|| async { (StatusCode::OK, "alive\n") }))
        .route("/startupz", get(|| async { (StatusCode::OK, "started\n") }))
        .route("/readyz", get(ready::<R>))
        .route("/metrics", get(metrics::<R>))
        .with_state(Node {
            replica,
            scrape,
            shutdown,
        })
}

/// Ready: neither fenced nor stopping, and a quorum can confirm what this node reads.
async fn ready<R: Replica>(State(node): State<Node<R>>) -> Response {
    if *node.shutdown.borrow() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n").into_response();
    }
    if node.replica.fenced().borrow().is_some() {
        return (StatusCode::SERVICE_UNAVAILABLE, "fenced\n").into_response();
    }
    match node
        .replica
        .read_index(clock::runtime() + READY_TIMEOUT)
        .await
    {
        Ok(_) => (StatusCode::OK, "ready\n").into_response(),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "no quorum\n").into_response(),
    }
}

async fn metrics<R: Replica>(State(node): State<Node<R>>) -> Response {
    let text = node.scrape.text();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}
