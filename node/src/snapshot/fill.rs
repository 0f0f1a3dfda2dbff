//! Filling in the audit log after a start from a snapshot, one piece at a time, from the left.

use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use akashi_domain::kv::Fault;
use akashi_merkle::root_at;
use akashi_replica::entry::NodeId;
use akashi_replica::snapshot::{History, HistoryPart};
use tokio::sync::watch;

use super::{Pace, Whom};
use crate::engine::{ApplyInput, StoreView};
use crate::peers::Calls;
use crate::telemetry::Metrics;

/// Pause after a peer that gave nothing of use.
const AGAIN: Duration = Duration::from_millis(500);
/// Longest wait for the apply thread to have written a piece.
const WRITTEN: Duration = Duration::from_secs(10);

/// What the task needs.
pub(crate) struct Filler {
    pub(crate) view: StoreView,
    pub(crate) calls: Calls,
    pub(crate) peers: Whom,
    pub(crate) apply: Sender<ApplyInput>,
    pub(crate) history: watch::Receiver<Option<History>>,
    pub(crate) pace: Arc<Pace>,
    pub(crate) metrics: Metrics,
}

impl Filler {
    /// Runs until nothing is missing, or the node stops.
    pub(crate) async fn run(mut self, mut down: watch::Receiver<bool>) {
        tokio::select! {
            () = self.fill() => {}
            _ = down.wait_for(|down| *down) => {}
        }
    }

    async fn fill(&mut self) {
        // Which of those that can be asked: another one after each failure.
        let mut turn = 0_usize;
        while let Some(history) = self.missing() {
            let missing = history.base.saturating_sub(history.next);
            self.metrics.history_missing(missing);
            let peers = (self.peers)();
            let at = turn.checked_rem(peers.len());
            let given = match at.and_then(|at| peers.get(at).copied()) {
                Some(peer) => self.piece(peer, history).await,
                None => false,
            };
            if !given {
                turn = turn.wrapping_add(1);
                tokio::time::sleep(AGAIN).await;
            }
        }
        self.metrics.history_missing(0);
    }

    /// What is missing; none once nothing is.
    fn missing(&mut self) -> Option<History> {
        let history = *self.history.borrow_and_update();
        history.filter(|history| !history.is_whole())
    }

    /// Asks for the next piece and has it written; whether that went well.
    async fn piece(&mut self, peer: NodeId, history: History) -> bool {
        let (next, base) = (history.next, history.base);
        let Ok(bytes) = self.calls.history(peer, next, base, base).await else {
            return false;
        };
        self.pace.pass(bytes.len()).await;
        let view = self.view.clone();
        let check = move || -> Result<Option<_>, Fault> {
            let root = root_at(&view, base)?;
            let part = HistoryPart::decode(&bytes);
            Ok(part.and_then(|part| part.verify(next, base, &root)).ok())
        };
        let piece = match tokio::task::spawn_blocking(check).await {
            Ok(Ok(Some(piece))) => piece,
            Ok(Ok(None)) => {
                tracing::warn!(peer, "a piece of the audit log is not believed");
                return false;
            }
            // The store refused, which the threads that write to it will notice.
            Ok(Err(_)) | Err(_) => return false,
        };
        if self.apply.send(ApplyInput::Fill(piece)).is_err() {
            return false;
        }
        let written = self.history.changed();
        tokio::time::timeout(WRITTEN, written).await.is_ok()
    }
}
