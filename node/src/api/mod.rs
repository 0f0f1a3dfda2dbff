//! The published gRPC services: who calls, what may pass, what is answered.
//!
//! Reads state and proposes commands, and decides nothing itself. One file per service; the only
//! place that makes a gRPC status ([`status`]), the only table of who may call what ([`auth`]), and
//! one door that every call passes ([`limits`]).

mod agent;
mod audit;
pub mod auth;
mod cluster;
mod contact_watch;
mod desk;
mod enforced;
mod front;
pub mod limits;
mod members;
mod node_status;
mod notices;
mod orders_watch;
mod own_history;
mod phone;
mod platform;
mod presence;
mod processor;
pub mod rate;
mod replica;
mod session_watch;
mod statement;
pub mod status;

use std::sync::Arc;

use akashi_proto::v1::agent_service_server::AgentServiceServer;
use akashi_proto::v1::audit_service_server::AuditServiceServer;
use akashi_proto::v1::cluster_service_server::ClusterServiceServer;
use akashi_proto::v1::phone_service_server::PhoneServiceServer;
use akashi_proto::v1::platform_service_server::PlatformServiceServer;
use akashi_proto::v1::processor_service_server::ProcessorServiceServer;
use tokio::sync::watch;
use tonic::service::Routes;
use tonic_health::server::HealthReporter;

use crate::config::Config;
use crate::edge::Edge;
use crate::telemetry::Metrics;
use front::Front;
use limits::{Door, MESSAGE_BYTES_MAX, SUBMISSION_BYTES_MAX};
use rate::Rates;

pub use replica::Replica;

/// Why the services cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The descriptors for reflection do not parse.
    #[error("the descriptors for reflection do not parse")]
    Reflection(#[source] tonic_reflection::server::Error),
}

/// Everything the client port offers, behind its door, and what tells callers whether it serves.
///
/// # Errors
///
/// [`ApiError`].
pub async fn service<R: Replica>(
    replica: R,
    config: Arc<Config>,
    metrics: Metrics,
    shutdown: watch::Receiver<bool>,
) -> Result<(Door<Routes>, HealthReporter), ApiError> {
    let (health, health_service) = tonic_health::server::health_reporter();
    let fenced = replica.fenced();
    let reflection = config.api.reflection;
    let rates = Rates::new(config.limits);
    let edge = Edge::start(replica.clone(), config.node.id, &metrics, &shutdown);
    let front = Front::new(replica, config, edge);
    let mut routes = Routes::new(health_service)
        .add_service(
            PlatformServiceServer::new(platform::Platform(front.clone()))
                .max_decoding_message_size(MESSAGE_BYTES_MAX),
        )
        .add_service(
            // The door holds each method to its own limit; the framework has one for all of them.
            PhoneServiceServer::new(phone::Phone(front.clone()))
                .max_decoding_message_size(SUBMISSION_BYTES_MAX),
        )
        .add_service(
            AgentServiceServer::new(agent::Agent(front.clone()))
                .max_decoding_message_size(MESSAGE_BYTES_MAX),
        )
        .add_service(
            ProcessorServiceServer::new(processor::Processor(front.clone()))
                .max_decoding_message_size(MESSAGE_BYTES_MAX),
        )
        .add_service(
            AuditServiceServer::new(audit::Audit(front.clone()))
                .max_decoding_message_size(MESSAGE_BYTES_MAX),
        )
        .add_service(
            ClusterServiceServer::new(cluster::Operators(front))
                .max_decoding_message_size(MESSAGE_BYTES_MAX),
        );
    if reflection {
        let builder = || {
            tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(akashi_proto::DESCRIPTORS)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        };
        routes = routes
            .add_service(builder().build_v1().map_err(ApiError::Reflection)?)
            .add_service(builder().build_v1alpha().map_err(ApiError::Reflection)?);
    }
    health
        .set_service_status("", tonic_health::ServingStatus::Serving)
        .await;
    Ok((
        Door::new(routes.prepare(), metrics, fenced, rates, shutdown),
        health,
    ))
}
