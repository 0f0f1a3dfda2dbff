//! Receiving: the peer port's gRPC service.

use std::pin::Pin;
use std::sync::Arc;

use akashi_domain::answer::Answer;
use akashi_domain::command::Request as DomainRequest;
use akashi_proto::peer::peer_service_server::{PeerService, PeerServiceServer};
use akashi_proto::peer::{
    Busy, ClocksDisagree, DiskFull, ForwardRequest, ForwardResponse, Frame, NotLeader,
    ReadIndexRequest, ReadIndexResponse, forward_response, read_index_response,
};
use akashi_replica::agreement::StateDigest;
use akashi_replica::entry::NodeId;
use akashi_replica::seal::SealMessage;
use tokio::sync::watch;
use tokio_stream::Stream;
use tonic::{Request, Response, Status, Streaming};

use super::{
    FRAME_BYTES_MAX, Greeting, PeerVitals, TurnedAway, take_seals, take_state_digest, take_vitals,
};
use crate::engine::Retry;
use crate::net::{Identity, Peer};

/// A future in a box.
pub type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What the peer port hands to the node.
pub trait PeerInputs: Send + Sync + 'static {
    /// A replica opens a stream and says who it is.
    ///
    /// # Errors
    ///
    /// [`TurnedAway`]: nothing on the stream is heard.
    fn greeted(&self, from: NodeId, greeting: Greeting) -> Result<(), TurnedAway>;
    /// Whether what comes on an open stream of this disk is still heard; must not wait.
    fn hears(&self, from: NodeId, life: [u8; 16]) -> bool;
    /// Whether calls of this replica are taken.
    fn takes_calls(&self, from: NodeId) -> bool;
    /// A Raft message; must not wait.
    fn raft(&self, from: NodeId, bytes: Vec<u8>);
    /// A seal message; must not wait.
    fn seal(&self, from: NodeId, message: SealMessage);
    /// What a peer's state digests to; must not wait.
    fn state_digest(&self, from: NodeId, theirs: StateDigest);
    /// Every replica has the log up to `index`, as far as the sender knows; must not wait.
    fn all_have(&self, index: u64);
    /// A peer has applied the log up to `index`, as it says; must not wait.
    fn applied(&self, from: NodeId, index: u64);
    /// A peer asks how this node is, at `asked_us` of its own time; must not wait.
    fn vitals_asked(&self, from: NodeId, asked_us: u64);
    /// A peer answers a question asked at `asked_us`; must not wait.
    fn vitals_told(&self, from: NodeId, asked_us: u64, told: PeerVitals);
    /// A leader has dropped the entry `index` of the log, which this replica needs, as the leader says;
    /// must not wait.
    fn log_starts_after(&self, from: NodeId, index: u64);
    /// A command that another node took; answered only if this node leads.
    fn forwarded(&self, request: DomainRequest) -> Boxed<Result<Answer, Retry>>;
    /// A read that another node took; answered only if this node leads.
    fn read_index(&self) -> Boxed<Result<u64, Retry>>;
}

/// The service.
#[derive(Debug)]
pub struct PeerPort<I> {
    inputs: Arc<I>,
    cluster_id: [u8; 16],
    shutdown: watch::Receiver<bool>,
}

impl<I: PeerInputs> PeerPort<I> {
    /// The service of a node; who its peers are, `inputs` knows.
    #[must_use]
    pub fn server(
        inputs: Arc<I>,
        cluster_id: [u8; 16],
        shutdown: watch::Receiver<bool>,
    ) -> PeerServiceServer<Self> {
        PeerServiceServer::new(Self {
            inputs,
            cluster_id,
            shutdown,
        })
        .max_decoding_message_size(FRAME_BYTES_MAX)
    }

    /// The member whose certificate the caller showed.
    fn caller<T>(&self, request: &Request<T>) -> Result<NodeId, Status> {
        let id = replica(request)?;
        if self.inputs.takes_calls(id) {
            Ok(id)
        } else {
            Err(Status::permission_denied("only replicas of this cluster"))
        }
    }
}

/// The replica whose certificate the caller showed, member or not.
fn replica<T>(request: &Request<T>) -> Result<NodeId, Status> {
    let peer = request.extensions().get::<Peer>();
    match peer.and_then(|peer| peer.identity.as_ref()) {
        Some(Identity::Node { id }) => Ok(*id),
        Some(_) => Err(Status::permission_denied("only replicas of this cluster")),
        None => Err(Status::unauthenticated("a replica's certificate is needed")),
    }
}

/// As the other side is told.
fn turned_away(why: TurnedAway) -> Status {
    match why {
        TurnedAway::Removed | TurnedAway::Stranger => Status::permission_denied(why.to_string()),
        TurnedAway::OtherDisk | TurnedAway::OldDisk => Status::failed_precondition(why.to_string()),
    }
}

#[tonic::async_trait]
impl<I: PeerInputs> PeerService for PeerPort<I> {
    type ConnectStream = Pin<Box<dyn Stream<Item = Result<Frame, Status>> + Send>>;

    async fn connect(
        &self,
        request: Request<Streaming<Frame>>,
    ) -> Result<Response<Self::ConnectStream>, Status> {
        let from = replica(&request)?;
        let mut frames = request.into_inner();
        let hello = frames
            .message()
            .await?
            .ok_or_else(|| Status::invalid_argument("no frame"))?;
        if hello.cluster_id.as_ref() != self.cluster_id {
            tracing::warn!(peer = from, "a replica of another cluster called");
            return Err(Status::failed_precondition("this is another cluster"));
        }
        let greeting = Greeting::from_frame(&hello).ok_or_else(|| {
            Status::invalid_argument("the first frame says nothing of its sender")
        })?;
        let life = greeting.life;
        self.inputs.greeted(from, greeting).map_err(turned_away)?;
        let inputs = Arc::clone(&self.inputs);
        let mut shutdown = self.shutdown.clone();
        // The answer stream carries nothing; it ends when reading ends, and the sender dials anew.
        let (alive, ended) = tokio::sync::mpsc::channel::<Result<Frame, Status>>(1);
        tokio::spawn(async move {
            let reading = async {
                while let Ok(Some(frame)) = frames.message().await {
                    if frame.group != 0 || !inputs.hears(from, life) {
                        break;
                    }
                    for seal in take_seals(&frame) {
                        inputs.seal(from, seal);
                    }
                    inputs.all_have(frame.all_have);
                    inputs.applied(from, frame.applied);
                    if frame.log_starts_after > 0 {
                        inputs.log_starts_after(from, frame.log_starts_after);
                    }
                    if let Some(theirs) = take_state_digest(&frame) {
                        inputs.state_digest(from, theirs);
                    }
                    if let Some(ask) = &frame.vitals_ask {
                        inputs.vitals_asked(from, ask.asked_us);
                    }
                    if let Some((asked_us, told)) = take_vitals(&frame) {
                        inputs.vitals_told(from, asked_us, told);
                    }
                    for message in frame.messages {
                        inputs.raft(from, message.into());
                    }
                }
            };
            tokio::select! {
                () = reading => {}
                _ = shutdown.wait_for(|down| *down) => {}
            }
            drop(alive);
        });
        Ok(Response::new(Box::pin(
            tokio_stream::wrappers::ReceiverStream::new(ended),
        )))
    }

    async fn forward(
        &self,
        request: Request<ForwardRequest>,
    ) -> Result<Response<ForwardResponse>, Status> {
        self.caller(&request)?;
        let body = request.into_inner();
        let command = DomainRequest::decode(&body.request)
            .filter(|_| body.group == 0)
            .ok_or_else(|| Status::invalid_argument("no such command"))?;
        let result = match self.inputs.forwarded(command).await {
            Ok(answer) => forward_response::Result::Answer(answer.encode().into()),
            Err(Retry::NotLeader) => forward_response::Result::NotLeader(NotLeader {}),
            Err(Retry::Busy) => forward_response::Result::Busy(Busy {}),
            Err(Retry::ClocksDisagree) => {
                forward_response::Result::ClocksDisagree(ClocksDisagree {})
            }
            Err(Retry::DiskFull) => forward_response::Result::DiskFull(DiskFull {}),
        };
        Ok(Response::new(ForwardResponse {
            result: Some(result),
        }))
    }

    async fn read_index(
        &self,
        request: Request<ReadIndexRequest>,
    ) -> Result<Response<ReadIndexResponse>, Status> {
        self.caller(&request)?;
        let result = match self.inputs.read_index().await {
            Ok(index) => read_index_response::Result::Index(index),
            Err(Retry::NotLeader | Retry::Busy | Retry::ClocksDisagree | Retry::DiskFull) => {
                read_index_response::Result::NotLeader(NotLeader {})
            }
        };
        Ok(Response::new(ReadIndexResponse {
            result: Some(result),
        }))
    }
}
