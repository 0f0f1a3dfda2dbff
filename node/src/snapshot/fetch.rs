//! Fetching: a thread that waits until a leader says that its log no longer reaches this replica.
//!
//! It receives a snapshot beside the node's own state, while the engine runs on, and asks for a new
//! start once it is whole. What was received stays over a stop of the process and is gone on from.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use akashi_merkle::KeySet;
use akashi_replica::entry::NodeId;
use akashi_replica::snapshot::{Base, Manifest, ReceiveError, Receiver, Verified, Want};
use akashi_replica::store::{StateStore as _, StoreError};
use prost::bytes::Bytes;
use tokio::sync::watch;

use super::{Pace, Whom};
use crate::peers::{Calls, NotGiven};
use crate::storage::{FilePlace, Incoming, RocksStore, StorageError};
use crate::telemetry::Metrics;

/// Pause between two attempts: a mark, its digest, its record and its seal take seconds.
const AGAIN: Duration = Duration::from_secs(1);
/// Times that each peer is asked in vain before the attempt is given up; the part that was received
/// stays.
const ROUNDS_MAX: usize = 3;

/// Which keys this node believes: those of its configuration, and those of the state it has applied.
pub(crate) type Trust = Box<dyn Fn() -> Vec<KeySet> + Send>;

/// What the thread needs.
pub(crate) struct Fetcher {
    pub(crate) cluster_id: [u8; 16],
    pub(crate) group: u16,
    pub(crate) place: FilePlace,
    pub(crate) calls: Calls,
    pub(crate) peers: Whom,
    pub(crate) trust: Trust,
    /// The last entry that a leader's log has dropped and this replica lacks.
    pub(crate) wanted: watch::Receiver<u64>,
    /// How far this replica knows the log to be decided.
    pub(crate) committed: Arc<AtomicU64>,
    /// Said when the next start would take up a snapshot.
    pub(crate) restart: watch::Sender<bool>,
    pub(crate) pace: Arc<Pace>,
    pub(crate) metrics: Metrics,
}

/// Why an attempt ended without a snapshot.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("no peer gives a snapshot now")]
    NotGiven,
    #[error("the node is stopping")]
    Stopping,
    #[error("the disk refuses")]
    Storage(#[from] StorageError),
    #[error("the received state cannot be written")]
    Store(#[from] StoreError),
    #[error("what was received is not what was recorded")]
    Worthless,
}

impl Fetcher {
    /// Runs until told to stop, or until there is a snapshot to start from.
    pub(crate) fn run(mut self, runtime: &tokio::runtime::Handle, mut down: watch::Receiver<bool>) {
        loop {
            let waiting = async {
                tokio::select! {
                    wanted = self.wanted.wait_for(|wanted| *wanted > 0) => wanted.is_ok(),
                    _ = down.wait_for(|down| *down) => false,
                }
            };
            if !runtime.block_on(waiting) {
                return;
            }
            let least = *self.wanted.borrow();
            if self.committed.load(Ordering::Acquire) >= least {
                // Another leader's log reached this replica after all.
                if runtime.block_on(pause(&mut down)) {
                    return;
                }
                continue;
            }
            match self.attempt(runtime, least, &mut down) {
                Ok(base) => {
                    tracing::info!(
                        index = base.index,
                        "a snapshot is whole: the node starts again"
                    );
                    self.restart.send_replace(true);
                    return;
                }
                Err(FetchError::Stopping) => return,
                Err(error) => {
                    let cause = crate::telemetry::cause(&error);
                    tracing::warn!(error = cause, least, "no snapshot yet");
                    if runtime.block_on(pause(&mut down)) {
                        return;
                    }
                }
            }
        }
    }

    fn attempt(
        &self,
        runtime: &tokio::runtime::Handle,
        least: u64,
        down: &mut watch::Receiver<bool>,
    ) -> Result<Base, FetchError> {
        for peer in (self.peers)() {
            let asked = self.calls.snapshot(peer, self.cluster_id, least);
            let Ok(bytes) = runtime.block_on(asked) else {
                continue;
            };
            let Some((verified, manifest)) = self.believed(peer, least, &bytes) else {
                continue;
            };
            let base = Base {
                index: verified.base.0,
                term: verified.base.1,
            };
            self.receive(runtime, peer, verified, &manifest, down)?;
            self.place.finish(base)?;
            return Ok(base);
        }
        Err(FetchError::NotGiven)
    }

    /// Checks a manifest. If a part of the same state lies here, its own manifest is gone on with.
    fn believed(&self, peer: NodeId, least: u64, bytes: &[u8]) -> Option<(Verified, Vec<u8>)> {
        let pinned = (self.trust)();
        let verify = |bytes: &[u8]| Manifest::decode(bytes)?.verify(&pinned);
        let new = match verify(bytes) {
            Ok(verified) if verified.base.0 >= least => verified,
            Ok(_) => return None,
            Err(error) => {
                tracing::warn!(peer, %error, "a peer's snapshot is not believed");
                return None;
            }
        };
        let begun = self.place.manifest().ok().flatten();
        if let Some(begun) = begun
            && let Ok(old) = verify(&begun)
            && (old.recorded, old.base) == (new.recorded, new.base)
        {
            return Some((old, begun));
        }
        Some((new, bytes.to_vec()))
    }

    fn receive(
        &self,
        runtime: &tokio::runtime::Handle,
        first: NodeId,
        verified: Verified,
        manifest: &[u8],
        down: &mut watch::Receiver<bool>,
    ) -> Result<(), FetchError> {
        let index = verified.base.0;
        let Incoming { store, resumed } = self.place.receive(manifest, self.group)?;
        tracing::info!(peer = first, index, resumed, "a snapshot is being received");
        let mut receiver = if resumed {
            Receiver::resume(verified, &store)?
        } else {
            Receiver::new(verified)
        };
        let mut from = Peers::new(&(self.peers)(), first);
        while receiver.wants() != Want::Nothing {
            if *down.borrow_and_update() {
                return Err(FetchError::Stopping);
            }
            let peer = from.current().ok_or(FetchError::NotGiven)?;
            let given = runtime.block_on(self.ask(peer, &receiver));
            let Ok(bytes) = given else {
                from.failed();
                continue;
            };
            match take(&mut receiver, &store, &bytes) {
                Ok(()) => {
                    from.gave();
                    self.metrics.snapshot_received(bytes.len());
                }
                Err(ReceiveError::Store(error)) => return Err(error.into()),
                Err(error) if error.begins_anew() => {
                    tracing::error!(peer, %error, "a received snapshot is worthless");
                    drop(store);
                    self.place.drop_folder()?;
                    return Err(FetchError::Worthless);
                }
                Err(error) => {
                    tracing::warn!(peer, %error, "a part of a snapshot is not taken");
                    from.failed();
                }
            }
        }
        store.flush()?;
        Ok(())
    }

    async fn ask(&self, peer: NodeId, receiver: &Receiver) -> Result<Bytes, NotGiven> {
        let verified = receiver.verified();
        let given = match receiver.wants() {
            Want::Chunk(after) => {
                let digest = &verified.recorded.digest;
                self.calls.chunk(peer, digest, after).await
            }
            Want::Leaves { from, to } => self.calls.history(peer, from, to, verified.leaves).await,
            Want::Nothing => Err(NotGiven::NotHere),
        }?;
        self.pace.pass(given.len()).await;
        Ok(given)
    }
}

fn take(receiver: &mut Receiver, store: &RocksStore, bytes: &[u8]) -> Result<(), ReceiveError> {
    match receiver.wants() {
        Want::Chunk(_) => receiver.chunk(store, bytes),
        Want::Leaves { .. } => receiver.leaves(store, bytes),
        Want::Nothing => Err(ReceiveError::NotAsked),
    }
}

/// Waits a moment; whether the node stops.
async fn pause(down: &mut watch::Receiver<bool>) -> bool {
    tokio::time::timeout(AGAIN, down.wait_for(|down| *down))
        .await
        .is_ok()
}

/// Whom to ask: one peer until it fails, then the next.
struct Peers {
    peers: Vec<NodeId>,
    at: usize,
    failures: usize,
}

impl Peers {
    fn new(peers: &[NodeId], first: NodeId) -> Self {
        Self {
            peers: peers.to_vec(),
            at: peers.iter().position(|peer| *peer == first).unwrap_or(0),
            failures: 0,
        }
    }

    /// None once all of them have failed too often.
    fn current(&self) -> Option<NodeId> {
        let all = self.peers.len();
        if self.failures >= all.saturating_mul(ROUNDS_MAX) {
            return None;
        }
        self.peers.get(self.at.checked_rem(all)?).copied()
    }

    const fn gave(&mut self) {
        self.failures = 0;
    }

    const fn failed(&mut self) {
        self.failures = self.failures.saturating_add(1);
        self.at = self.at.wrapping_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_peer_is_asked_a_few_times_and_one_that_gives_is_kept() {
        let mut peers = Peers::new(&[1, 2, 3], 2);
        assert_eq!(peers.current(), Some(2));
        peers.failed();
        assert_eq!(peers.current(), Some(3));
        peers.gave();
        assert_eq!(peers.current(), Some(3));
        let mut asked = Vec::new();
        while let Some(peer) = peers.current() {
            asked.push(peer);
            peers.failed();
        }
        assert_eq!(asked, [3, 1, 2, 3, 1, 2, 3, 1, 2]);
        assert_eq!(Peers::new(&[], 1).current(), None);
    }
}
