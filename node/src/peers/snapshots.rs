//! Snapshots between replicas: the service that gives them, and the calls that ask for them.
//!
//! Only replicas of this cluster may ask. Nothing here looks into what passes: the receiver checks it.

use std::sync::Arc;
use std::time::Duration;

use akashi_proto::peer::snapshot_service_client::SnapshotServiceClient;
use akashi_proto::peer::snapshot_service_server::{SnapshotService, SnapshotServiceServer};
use akashi_proto::peer::{
    Behind, GetSnapshotRequest, GetSnapshotResponse, ReadChunkRequest, ReadChunkResponse,
    ReadHistoryRequest, ReadHistoryResponse,
};
use akashi_replica::entry::NodeId;
use akashi_replica::snapshot::Cursor;
use prost::bytes::Bytes;
use tonic::transport::Channel;
use tonic::{Request, Response, Status};

use super::{Boxed, Calls, FRAME_BYTES_MAX};
use crate::net::{Identity, Peer};

/// Longest wait for an answer: a chunk may wait for the rate at which snapshots are given.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of a request: a digest and a key.
const REQUEST_BYTES_MAX: usize = 16 * 1_024;

/// What a replica gives others.
pub trait SnapshotInputs: Send + Sync + 'static {
    /// The manifest of a state that has applied at least `least_index`, in canonical bytes; none if
    /// there is none yet.
    fn manifest(&self, least_index: u64) -> Boxed<Option<Vec<u8>>>;
    /// The chunk behind `after` of the state with this digest; none if it is not kept here.
    fn chunk(&self, digest: [u8; 32], after: Option<Cursor>) -> Boxed<Option<Vec<u8>>>;
    /// Leaves with their proof, in canonical bytes; none if they are not here.
    fn history(&self, from: u64, to: u64, tree_size: u64) -> Boxed<Option<Vec<u8>>>;
    /// Whether this replica may be asked by `node`: it is a member.
    fn is_member(&self, node: NodeId) -> bool;
}

/// The service.
#[derive(Debug)]
pub struct SnapshotPort<I> {
    inputs: Arc<I>,
    cluster_id: [u8; 16],
}

impl<I: SnapshotInputs> SnapshotPort<I> {
    /// The service for a node of this cluster.
    #[must_use]
    pub fn server(inputs: Arc<I>, cluster_id: [u8; 16]) -> SnapshotServiceServer<Self> {
        SnapshotServiceServer::new(Self { inputs, cluster_id })
            .max_decoding_message_size(REQUEST_BYTES_MAX)
    }

    /// Whether a replica's certificate was shown.
    fn admit<T>(&self, request: &Request<T>, group: u32) -> Result<(), Status> {
        if group != 0 {
            return Err(Status::invalid_argument("no such group"));
        }
        let peer = request.extensions().get::<Peer>();
        match peer.and_then(|peer| peer.identity.as_ref()) {
            Some(Identity::Node { id }) if self.inputs.is_member(*id) => Ok(()),
            Some(_) => Err(Status::permission_denied("only replicas of this cluster")),
            None => Err(Status::unauthenticated("a replica's certificate is needed")),
        }
    }
}

#[tonic::async_trait]
impl<I: SnapshotInputs> SnapshotService for SnapshotPort<I> {
    async fn get_snapshot(
        &self,
        request: Request<GetSnapshotRequest>,
    ) -> Result<Response<GetSnapshotResponse>, Status> {
        self.admit(&request, request.get_ref().group)?;
        let body = request.into_inner();
        if body.cluster_id.as_ref() != self.cluster_id {
            return Err(Status::failed_precondition("this is another cluster"));
        }
        let manifest = self.inputs.manifest(body.least_index).await;
        Ok(Response::new(GetSnapshotResponse {
            manifest: manifest.unwrap_or_default().into(),
        }))
    }

    async fn read_chunk(
        &self,
        request: Request<ReadChunkRequest>,
    ) -> Result<Response<ReadChunkResponse>, Status> {
        self.admit(&request, request.get_ref().group)?;
        let body = request.into_inner();
        let digest = body
            .digest
            .as_ref()
            .try_into()
            .map_err(|_width| Status::invalid_argument("a digest has 32 bytes"))?;
        let after = match body.behind {
            None => None,
            Some(behind) => {
                let place = Cursor::behind(behind.table, behind.key.to_vec());
                Some(place.ok_or_else(|| Status::invalid_argument("no such table"))?)
            }
        };
        let chunk = self.inputs.chunk(digest, after).await;
        let chunk = chunk.ok_or_else(|| Status::not_found("this state is not kept here"))?;
        Ok(Response::new(ReadChunkResponse {
            chunk: chunk.into(),
        }))
    }

    async fn read_history(
        &self,
        request: Request<ReadHistoryRequest>,
    ) -> Result<Response<ReadHistoryResponse>, Status> {
        self.admit(&request, request.get_ref().group)?;
        let body = request.into_inner();
        let part = self
            .inputs
            .history(body.from, body.to, body.tree_size)
            .await;
        Ok(Response::new(ReadHistoryResponse {
            part: part.unwrap_or_default().into(),
        }))
    }
}

/// Why a peer gave nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotGiven {
    /// It cannot be reached, or does not answer in time.
    Unreachable,
    /// It does not hold what was asked for (any more, or yet).
    NotHere,
}

impl Calls {
    /// Asks `peer` for the manifest of a state that has applied at least `least_index`.
    pub(crate) async fn snapshot(
        &self,
        peer: NodeId,
        cluster_id: [u8; 16],
        least_index: u64,
    ) -> Result<Bytes, NotGiven> {
        let call = timed(GetSnapshotRequest {
            group: 0,
            cluster_id: Bytes::copy_from_slice(&cluster_id),
            least_index,
        });
        let mut client = self.snapshots(peer)?;
        let answer = client.get_snapshot(call).await;
        given(answer.map(|answer| answer.into_inner().manifest))
    }

    /// Asks `peer` for a chunk of the state with this digest.
    pub(crate) async fn chunk(
        &self,
        peer: NodeId,
        digest: &[u8; 32],
        after: Option<Cursor>,
    ) -> Result<Bytes, NotGiven> {
        let call = timed(ReadChunkRequest {
            group: 0,
            digest: Bytes::copy_from_slice(digest),
            behind: after.map(|after| Behind {
                table: after.table.number().into(),
                key: after.key.into(),
            }),
        });
        let mut client = self.snapshots(peer)?;
        let answer = client.read_chunk(call).await;
        given(answer.map(|answer| answer.into_inner().chunk))
    }

    /// Asks `peer` for leaves of the audit log.
    pub(crate) async fn history(
        &self,
        peer: NodeId,
        from: u64,
        to: u64,
        tree_size: u64,
    ) -> Result<Bytes, NotGiven> {
        let call = timed(ReadHistoryRequest {
            group: 0,
            from,
            to,
            tree_size,
        });
        let mut client = self.snapshots(peer)?;
        let answer = client.read_history(call).await;
        given(answer.map(|answer| answer.into_inner().part))
    }

    fn snapshots(&self, peer: NodeId) -> Result<SnapshotServiceClient<Channel>, NotGiven> {
        let channel = self.channel(peer).ok_or(NotGiven::Unreachable)?;
        Ok(SnapshotServiceClient::new(channel).max_decoding_message_size(FRAME_BYTES_MAX))
    }
}

fn timed<T>(body: T) -> Request<T> {
    let mut call = Request::new(body);
    call.set_timeout(ANSWER_TIMEOUT);
    call
}

/// What a peer gave; empty bytes are nothing.
fn given(answer: Result<Bytes, Status>) -> Result<Bytes, NotGiven> {
    match answer {
        Ok(bytes) if !bytes.is_empty() => Ok(bytes),
        Ok(_) => Err(NotGiven::NotHere),
        Err(status) if status.code() == tonic::Code::NotFound => Err(NotGiven::NotHere),
        Err(status) => {
            tracing::debug!(code = ?status.code(), "a peer gave nothing of a snapshot");
            Err(NotGiven::Unreachable)
        }
    }
}
