//! How far every node has applied the log, as they tell one another.
//!
//! What is told is only waited for: a decision that must be in force everywhere. It is told when it moves,
//! not more often than a caller could notice, and once a second in any case, because a broken stream
//! swallows what was on it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use akashi_presence::Applied;
use akashi_replica::entry::NodeId;
use tokio::sync::watch;

use super::apply_thread::Position;
use crate::peers::Outbox;

/// Shortest time between two words to the peers.
const TELL_EVERY: Duration = Duration::from_millis(10);
/// Longest time between two words to the peers.
const REPEAT_EVERY: Duration = Duration::from_secs(1);

/// What everybody has said.
#[derive(Clone, Debug)]
pub(super) struct AppliedByAll {
    said: Arc<Mutex<Applied>>,
    by_all: watch::Sender<u64>,
}

impl AppliedByAll {
    /// Of these nodes, this one included.
    pub(super) fn of(nodes: impl IntoIterator<Item = NodeId>) -> Self {
        Self {
            said: Arc::new(Mutex::new(Applied::of(nodes))),
            by_all: watch::Sender::new(0),
        }
    }

    /// These are the nodes from now on. What all were known to have applied stays known: who comes later
    /// serves nobody before it has caught up.
    pub(super) fn set_nodes(&self, nodes: impl IntoIterator<Item = NodeId>) {
        self.change(|said| said.set_nodes(nodes));
    }

    /// A node has applied everything up to `index`.
    pub(super) fn says(&self, node: NodeId, index: u64) {
        self.change(|said| said.says(node, index));
    }

    fn change(&self, change: impl FnOnce(&mut Applied)) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut said);
        let by_all = said.by_all();
        drop(said);
        self.by_all.send_if_modified(|known| {
            let moved = by_all > *known;
            if moved {
                *known = by_all;
            }
            moved
        });
    }

    /// Up to where every node has applied the log.
    pub(super) fn watch(&self) -> watch::Receiver<u64> {
        self.by_all.subscribe()
    }

    /// Tells the peers what this node has applied, until the node stops.
    pub(super) async fn tell(
        self,
        me: NodeId,
        mut position: watch::Receiver<Position>,
        peers: Outbox,
        mut stop: watch::Receiver<bool>,
    ) {
        let telling = async {
            loop {
                let index = position.borrow_and_update().progress.log_index;
                self.says(me, index);
                peers.applied(index);
                tokio::time::sleep(TELL_EVERY).await;
                let moved = tokio::time::timeout(REPEAT_EVERY, position.changed()).await;
                if matches!(moved, Ok(Err(_))) {
                    return;
                }
            }
        };
        tokio::select! {
            () = telling => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }
}
