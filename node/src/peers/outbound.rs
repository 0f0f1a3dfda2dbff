//! Sending: one task per peer that keeps a stream open and gathers what waits into frames.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use akashi_proto::peer::peer_service_client::PeerServiceClient;
use akashi_proto::peer::{self, Frame};
use akashi_replica::agreement::StateDigest;
use akashi_replica::entry::NodeId;
use akashi_replica::seal::SealMessage;
use prost::bytes::Bytes;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;

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

#[derive(Clone, Debug)]
enum Out {
    Raft(Vec<u8>),
    Seal(SealMessage),
    AllHave(u64),
    Applied(u64),
    StateDigest(StateDigest),
    VitalsAsk(u64),
    Vitals(u64, PeerVitals),
}

/// Where the node's threads put what is for others. Never waits.
#[derive(Clone, Debug, Default)]
pub struct Outbox {
    queues: BTreeMap<NodeId, mpsc::Sender<Out>>,
}

impl Outbox {
    /// Sends Raft messages to their addressees.
    pub fn raft(&self, messages: Vec<(NodeId, Vec<u8>)>) {
        for (to, bytes) in messages {
            if let Some(queue) = self.queues.get(&to) {
                // A full queue means a slow or dead peer: Raft sends again.
                drop(queue.try_send(Out::Raft(bytes)));
            }
        }
    }

    /// Sends a seal message to every peer.
    pub fn seal(&self, message: &SealMessage) {
        for queue in self.queues.values() {
            drop(queue.try_send(Out::Seal(message.clone())));
        }
    }

    /// Tells every peer what this replica's state digests to.
    pub fn state_digest(&self, own: StateDigest) {
        for queue in self.queues.values() {
            drop(queue.try_send(Out::StateDigest(own)));
        }
    }

    /// Tells every peer up to where this replica has applied the log.
    pub fn applied(&self, index: u64) {
        for queue in self.queues.values() {
            drop(queue.try_send(Out::Applied(index)));
        }
    }

    /// Asks one peer, or every peer, how it is; `asked_us` comes back with the answer.
    pub fn vitals_ask(&self, peer: Option<NodeId>, asked_us: u64) {
        let asked = |id: &NodeId| peer.is_none_or(|peer| peer == *id);
        for (_, queue) in self.queues.iter().filter(|(id, _)| asked(id)) {
            drop(queue.try_send(Out::VitalsAsk(asked_us)));
        }
    }

    /// Answers `peer`, which asked at `asked_us` of its own time.
    pub fn vitals(&self, peer: NodeId, asked_us: u64, told: PeerVitals) {
        if let Some(queue) = self.queues.get(&peer) {
            drop(queue.try_send(Out::Vitals(asked_us, told)));
        }
    }

    /// Tells every peer up to where all replicas have the log, as far as this one knows.
    pub fn all_have(&self, index: u64) {
        for queue in self.queues.values() {
            drop(queue.try_send(Out::AllHave(index)));
        }
    }
}

/// The sending half before its tasks run.
#[derive(Debug)]
pub struct Outbound {
    queues: BTreeMap<NodeId, mpsc::Receiver<Out>>,
    connected: Arc<Mutex<BTreeSet<NodeId>>>,
}

impl Outbound {
    /// Makes the queues of `peers`.
    #[must_use]
    pub fn new(peers: impl IntoIterator<Item = NodeId>) -> (Outbox, Self) {
        let mut senders = BTreeMap::new();
        let mut receivers = BTreeMap::new();
        for peer in peers {
            let (sender, receiver) = mpsc::channel(QUEUE_MAX);
            senders.insert(peer, sender);
            receivers.insert(peer, receiver);
        }
        let connected = Arc::default();
        (
            Outbox { queues: senders },
            Self {
                queues: receivers,
                connected,
            },
        )
    }

    /// Peers with a live stream from here.
    #[must_use]
    pub fn connected(&self) -> Arc<Mutex<BTreeSet<NodeId>>> {
        Arc::clone(&self.connected)
    }

    /// Starts one task per peer; they end with `shutdown`.
    pub fn spawn(
        self,
        channels: &BTreeMap<NodeId, Channel>,
        cluster_id: [u8; 16],
        unreachable: &Arc<dyn Fn(NodeId) + Send + Sync>,
        shutdown: &watch::Receiver<bool>,
    ) {
        for (peer, mut queue) in self.queues {
            let Some(channel) = channels.get(&peer).cloned() else {
                continue;
            };
            let (connected, unreachable) = (Arc::clone(&self.connected), Arc::clone(unreachable));
            let mut shutdown = shutdown.clone();
            tokio::spawn(async move {
                let sending = async {
                    loop {
                        send(peer, &channel, cluster_id, &mut queue, &connected).await;
                        mark(&connected, peer, false);
                        unreachable(peer);
                        // What waited is old by now; Raft sends again.
                        while queue.try_recv().is_ok() {}
                        tokio::time::sleep(RECONNECT_PAUSE).await;
                    }
                };
                tokio::select! {
                    () = sending => {}
                    _ = shutdown.wait_for(|down| *down) => {}
                }
            });
        }
    }
}

/// Keeps one stream open until it breaks.
async fn send(
    peer: NodeId,
    channel: &Channel,
    cluster_id: [u8; 16],
    queue: &mut mpsc::Receiver<Out>,
    connected: &Mutex<BTreeSet<NodeId>>,
) {
    let (frames, stream) = mpsc::channel(FRAMES_AHEAD);
    let hello = Frame {
        cluster_id: Bytes::copy_from_slice(&cluster_id),
        ..Frame::default()
    };
    if frames.send(hello).await.is_err() {
        return;
    }
    let mut client = PeerServiceClient::new(channel.clone());
    let opened = client.connect(ReceiverStream::new(stream)).await;
    let mut answers = match opened {
        Ok(answers) => answers.into_inner(),
        Err(status) => {
            tracing::debug!(peer, code = ?status.code(), "no stream to a peer");
            return;
        }
    };
    mark(connected, peer, true);
    tracing::info!(peer, "stream to a peer is open");
    let mut gathered = Vec::with_capacity(FRAME_MESSAGES_MAX);
    loop {
        tokio::select! {
            // The other side sends nothing; when its half ends, the stream is over.
            ended = answers.message() => {
                if !matches!(ended, Ok(Some(_))) {
                    tracing::info!(peer, "stream to a peer ended");
                    return;
                }
            }
            count = queue.recv_many(&mut gathered, FRAME_MESSAGES_MAX) => {
                if count == 0 || !flush(&mut gathered, &frames).await {
                    return;
                }
            }
        }
    }
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
