//! Sending: one task per peer that keeps a stream open and gathers what waits into frames.
//!
//! A task ends when its queue does: [`super::Links`] drops the queues of those who are no peers any more.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use akashi_proto::peer::peer_service_client::PeerServiceClient;
use akashi_proto::peer::{self, Frame};
use akashi_replica::agreement::StateDigest;
use akashi_replica::entry::NodeId;
use akashi_replica::seal::SealMessage;
use arc_swap::ArcSwap;
use prost::bytes::Bytes;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;

use super::links::Node;
use super::{FRAME_BYTES_MAX, PeerVitals, put_seal};

/// Messages waiting for one peer; beyond, new ones are dropped and Raft sends them again.
const QUEUE_MAX: usize = 4_096;
/// Messages gathered into one frame.
const FRAME_MESSAGES_MAX: usize = 512;
/// Bytes after which a frame is full.
const FRAME_BYTES_FULL: usize = FRAME_BYTES_MAX / 4;
/// Frames handed to HTTP/2 ahead of its flow control.
const FRAMES_AHEAD: usize = 16;
/// Pause before the next attempt to reach a peer.
const RECONNECT_PAUSE: Duration = Duration::from_millis(100);

/// Pause before the next attempt at a peer that turned this replica away: a person has to do something.
const REFUSED_PAUSE: Duration = Duration::from_secs(1);

#[derive(Clone, Debug)]
pub(super) enum Out {
    Raft(Vec<u8>),
    Seal(SealMessage),
    AllHave(u64),
    Applied(u64),
    StateDigest(StateDigest),
    VitalsAsk(u64),
    Vitals(u64, PeerVitals),
    LogStartsAfter(u64),
}

/// Where the node's threads put what is for others. Never waits.
#[derive(Clone, Debug, Default)]
pub struct Outbox {
    queues: Arc<ArcSwap<BTreeMap<NodeId, mpsc::Sender<Out>>>>,
}

impl Outbox {
    /// Sends Raft messages to their addressees.
    pub fn raft(&self, messages: Vec<(NodeId, Vec<u8>)>) {
        let queues = self.queues.load();
        for (to, bytes) in messages {
            if let Some(queue) = queues.get(&to) {
                // A full queue means a slow or dead peer: Raft sends again.
                drop(queue.try_send(Out::Raft(bytes)));
            }
        }
    }

    /// Sends a seal message to every peer.
    pub fn seal(&self, message: &SealMessage) {
        self.tell(|| Out::Seal(message.clone()));
    }

    /// Tells every peer what this replica's state digests to.
    pub fn state_digest(&self, own: StateDigest) {
        self.tell(|| Out::StateDigest(own));
    }

    /// Tells a peer that the log of this leader starts after `index`, which the peer needs.
    pub fn log_starts_after(&self, peer: NodeId, index: u64) {
        if let Some(queue) = self.queues.load().get(&peer) {
            drop(queue.try_send(Out::LogStartsAfter(index)));
        }
    }

    /// Tells every peer up to where this replica has applied the log.
    pub fn applied(&self, index: u64) {
        self.tell(|| Out::Applied(index));
    }

    /// Asks one peer, or every peer, how it is; `asked_us` comes back with the answer.
    pub fn vitals_ask(&self, peer: Option<NodeId>, asked_us: u64) {
        let asked = |id: &NodeId| peer.is_none_or(|peer| peer == *id);
        let queues = self.queues.load();
        for (_, queue) in queues.iter().filter(|(id, _)| asked(id)) {
            drop(queue.try_send(Out::VitalsAsk(asked_us)));
        }
    }

    /// Answers `peer`, which asked at `asked_us` of its own time.
    pub fn vitals(&self, peer: NodeId, asked_us: u64, told: PeerVitals) {
        if let Some(queue) = self.queues.load().get(&peer) {
            drop(queue.try_send(Out::Vitals(asked_us, told)));
        }
    }

    /// Tells every peer up to where all replicas have the log, as far as this one knows.
    pub fn all_have(&self, index: u64) {
        self.tell(|| Out::AllHave(index));
    }

    /// Sends to these peers from now on.
    pub(super) fn set(&self, queues: BTreeMap<NodeId, mpsc::Sender<Out>>) {
        self.queues.store(Arc::new(queues));
    }

    fn tell(&self, out: impl Fn() -> Out) {
        for queue in self.queues.load().values() {
            drop(queue.try_send(out()));
        }
    }
}

/// A queue for one peer.
pub(super) fn queue() -> (mpsc::Sender<Out>, mpsc::Receiver<Out>) {
    mpsc::channel(QUEUE_MAX)
}

/// What one peer's task works with.
pub(super) struct Link {
    pub(super) peer: NodeId,
    pub(super) channel: Channel,
    pub(super) queue: mpsc::Receiver<Out>,
    pub(super) node: Node,
}

impl Link {
    /// Keeps a stream open until the queue ends or the node stops.
    pub(super) async fn run(mut self, mut shutdown: watch::Receiver<bool>) {
        let (peer, node) = (self.peer, self.node.clone());
        let sending = async {
            let mut refused = None;
            while !self.queue.is_closed() {
                let ended = self.send().await;
                mark(&node.connected, peer, false);
                (node.unreachable)(peer);
                if ended != refused {
                    refused = ended;
                    if let Some(code) = ended {
                        tracing::error!(peer, ?code, "a peer turns this replica away");
                    }
                }
                // What waited is old by now; Raft sends again.
                while self.queue.try_recv().is_ok() {}
                let pause = if ended.is_some() {
                    REFUSED_PAUSE
                } else {
                    RECONNECT_PAUSE
                };
                tokio::time::sleep(pause).await;
            }
        };
        tokio::select! {
            () = sending => {}
            _ = shutdown.wait_for(|down| *down) => {}
        }
        mark(&node.connected, peer, false);
    }

    /// Keeps one stream open until it breaks. If the peer did not want it, its reason.
    async fn send(&mut self) -> Option<tonic::Code> {
        let peer = self.peer;
        let (frames, stream) = mpsc::channel(FRAMES_AHEAD);
        let hello = (self.node.greeting)().into_frame(self.node.cluster_id);
        frames.send(hello).await.ok()?;
        let mut client = PeerServiceClient::new(self.channel.clone());
        let opened = client.connect(ReceiverStream::new(stream)).await;
        let mut answers = match opened {
            Ok(answers) => answers.into_inner(),
            Err(status) => {
                tracing::debug!(peer, code = ?status.code(), "no stream to a peer");
                return turned_away(status.code());
            }
        };
        mark(&self.node.connected, peer, true);
        tracing::info!(peer, "stream to a peer is open");
        let mut gathered = Vec::with_capacity(FRAME_MESSAGES_MAX);
        loop {
            tokio::select! {
                // The other side sends nothing; when its half ends, the stream is over.
                ended = answers.message() => {
                    if !matches!(ended, Ok(Some(_))) {
                        tracing::info!(peer, "stream to a peer ended");
                        return None;
                    }
                }
                count = self.queue.recv_many(&mut gathered, FRAME_MESSAGES_MAX) => {
                    if count == 0 || !flush(&mut gathered, &frames).await {
                        return None;
                    }
                }
            }
        }
    }
}

/// The codes with which the peer port refuses a replica rather than a connection.
fn turned_away(code: tonic::Code) -> Option<tonic::Code> {
    let refused = matches!(
        code,
        tonic::Code::PermissionDenied | tonic::Code::FailedPrecondition
    );
    refused.then_some(code)
}

/// Packs what was gathered into frames. Returns whether the stream still takes them.
async fn flush(gathered: &mut Vec<Out>, frames: &mpsc::Sender<Frame>) -> bool {
    let mut frame = Frame::default();
    let mut bytes = 0_usize;
    for out in gathered.drain(..) {
        match out {
            Out::Raft(message) => {
                bytes = bytes.saturating_add(message.len());
                frame.messages.push(message.into());
            }
            Out::Seal(message) => put_seal(&mut frame, &message),
            Out::AllHave(index) => frame.all_have = index,
            Out::Applied(index) => frame.applied = index,
            Out::LogStartsAfter(index) => frame.log_starts_after = index,
            Out::StateDigest(said) => {
                frame.state_digest = Some(peer::StateDigest {
                    index: said.index,
                    digest: Bytes::copy_from_slice(&said.digest),
                });
            }
            Out::VitalsAsk(asked_us) => {
                frame.vitals_ask = Some(peer::VitalsAsk { asked_us });
            }
            Out::Vitals(asked_us, told) => {
                frame.vitals = Some(peer::Vitals {
                    asked_us,
                    unix_us: told.unix_us,
                    slow_score: told.slow_score,
                    disk_low: told.disk_low,
                    fenced: told.fenced,
                });
            }
        }
        if bytes >= FRAME_BYTES_FULL {
            bytes = 0;
            if frames.send(std::mem::take(&mut frame)).await.is_err() {
                return false;
            }
        }
    }
    frame == Frame::default() || frames.send(frame).await.is_ok()
}

fn mark(connected: &Mutex<BTreeSet<NodeId>>, peer: NodeId, live: bool) {
    let mut connected = connected.lock().unwrap_or_else(PoisonError::into_inner);
    if live {
        connected.insert(peer);
    } else {
        connected.remove(&peer);
    }
}
