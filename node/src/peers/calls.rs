//! Calls to a peer: hand it a command, ask it for a read index.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use akashi_domain::answer::Answer;
use akashi_proto::peer::peer_service_client::PeerServiceClient;
use akashi_proto::peer::{ForwardRequest, ReadIndexRequest, forward_response, read_index_response};
use akashi_replica::entry::NodeId;
use arc_swap::ArcSwap;
use hyper_util::rt::TokioIo;
use prost::bytes::Bytes;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint, Uri};

use super::FRAME_BYTES_MAX;
use crate::clock;
use crate::net::Identity;

/// How long a connection to a peer may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// How often a silent connection is asked whether it lives, and how long it may take to say so: a
/// peer that froze must not hold a command until its deadline.
const KEEPALIVE: Duration = Duration::from_secs(1);
/// The name in every node's certificate.
const SERVER_NAME: &str = "akashi";

/// Why a peer did not take a command or a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForwardError {
    /// It does not lead (any more), or cannot be reached: look for the leader again.
    NotLeader,
    /// Its queue is full.
    Busy,
    /// It may not stamp: no quorum of clocks agrees with its own.
    ClocksDisagree,
    /// Its disk is nearly full, and it takes nothing.
    DiskFull,
}

/// Connections to every peer.
#[derive(Clone, Debug, Default)]
pub struct Calls {
    channels: Arc<ArcSwap<BTreeMap<NodeId, Channel>>>,
}

impl Calls {
    /// Has calls go over these connections from now on.
    pub(super) fn set(&self, channels: BTreeMap<NodeId, Channel>) {
        self.channels.store(Arc::new(channels));
    }

    /// Hands an encoded request to `leader` and waits for its answer.
    pub(crate) async fn forward(
        &self,
        leader: NodeId,
        request: Bytes,
        deadline: tokio::time::Instant,
    ) -> Result<Answer, ForwardError> {
        let mut client = self.client(leader)?;
        let body = ForwardRequest { group: 0, request };
        let mut call = tonic::Request::new(body);
        call.set_timeout(clock::left_until(deadline));
        let response = client
            .forward(call)
            .await
            .map_err(|_status| ForwardError::NotLeader)?;
        match response.into_inner().result {
            Some(forward_response::Result::Answer(bytes)) => {
                Answer::decode(&bytes).ok_or(ForwardError::NotLeader)
            }
            Some(forward_response::Result::Busy(_)) => Err(ForwardError::Busy),
            Some(forward_response::Result::ClocksDisagree(_)) => Err(ForwardError::ClocksDisagree),
            Some(forward_response::Result::DiskFull(_)) => Err(ForwardError::DiskFull),
            Some(forward_response::Result::NotLeader(_)) | None => Err(ForwardError::NotLeader),
        }
    }

    /// Asks `leader` how far the log is decided.
    pub(crate) async fn read_index(
        &self,
        leader: NodeId,
        deadline: tokio::time::Instant,
    ) -> Result<u64, ForwardError> {
        let mut client = self.client(leader)?;
        let mut call = tonic::Request::new(ReadIndexRequest { group: 0 });
        call.set_timeout(clock::left_until(deadline));
        let response = client
            .read_index(call)
            .await
            .map_err(|_status| ForwardError::NotLeader)?;
        match response.into_inner().result {
            Some(read_index_response::Result::Index(index)) => Ok(index),
            Some(read_index_response::Result::NotLeader(_)) | None => Err(ForwardError::NotLeader),
        }
    }

    /// The connection to `peer`, if it is known.
    pub(super) fn channel(&self, peer: NodeId) -> Option<Channel> {
        self.channels.load().get(&peer).cloned()
    }

    fn client(&self, leader: NodeId) -> Result<PeerServiceClient<Channel>, ForwardError> {
        let channels = self.channels.load();
        let channel = channels.get(&leader).ok_or(ForwardError::NotLeader)?;
        Ok(PeerServiceClient::new(channel.clone()).max_decoding_message_size(FRAME_BYTES_MAX))
    }
}

/// A lazy connection to the replica `id` of the cluster whose trust domain is `domain`.
pub(super) fn channel(id: NodeId, address: &str, domain: &str, connector: TlsConnector) -> Channel {
    let (address, domain): (Arc<str>, Arc<str>) = (address.into(), domain.into());
    let connect = tower::service_fn(move |_uri: Uri| {
        let (address, domain) = (Arc::clone(&address), Arc::clone(&domain));
        let connector = connector.clone();
        async move {
            let dial = async {
                let tcp = TcpStream::connect(address.as_ref()).await?;
                tcp.set_nodelay(true)?;
                let name = ServerName::try_from(SERVER_NAME).map_err(std::io::Error::other)?;
                let stream = connector.connect(name, tcp).await?;
                // Every node answers to the same server name; only one is the peer that was dialled.
                let certificates = stream.get_ref().1.peer_certificates();
                let shown = certificates.and_then(|chain| chain.first());
                let identity = shown.and_then(|der| Identity::of_certificate(der, &domain).ok());
                if identity != Some(Identity::Node { id }) {
                    tracing::warn!(peer = id, "another node answers at the address of a peer");
                    return Err(std::io::Error::from(std::io::ErrorKind::PermissionDenied));
                }
                Ok(stream)
            };
            let stream = tokio::time::timeout(CONNECT_TIMEOUT, dial)
                .await
                .map_err(|_elapsed| std::io::Error::from(std::io::ErrorKind::TimedOut))??;
            Ok::<_, std::io::Error>(TokioIo::new(stream))
        }
    });
    let endpoint = Endpoint::from_static("http://akashi")
        .http2_keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE)
        .keep_alive_while_idle(true)
        .initial_connection_window_size(16 * 1_024 * 1_024)
        .initial_stream_window_size(8 * 1_024 * 1_024);
    endpoint.connect_with_connector_lazy(connect)
}
