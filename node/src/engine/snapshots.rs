//! What an engine does about snapshots besides its threads: proposes marks, gives, fetches, fills in.

use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;

use akashi_merkle::KeySet;
use akashi_replica::entry::NodeId;
use akashi_replica::marks::MarkProposal;
use tokio::sync::{mpsc, watch};

use super::apply_thread::ApplyInput;
use super::roster::Roster;
use super::seal_thread::SealInput;
use super::threads::spawn;
use super::{EngineError, Handle, marks};
use crate::config::{Config, GROUP};
use crate::snapshot::{Fetcher, Filler, Giver, Kept, Pace, Whom};
use crate::storage::FilePlace;

/// What is needed for it.
pub(super) struct Wires {
    pub(super) config: Arc<Config>,
    pub(super) cluster_id: [u8; 16],
    pub(super) place: FilePlace,
    pub(super) handle: Handle,
    pub(super) roster: Arc<Roster>,
    pub(super) kept: Kept,
    pub(super) apply: Sender<ApplyInput>,
    pub(super) seal: Sender<SealInput>,
    pub(super) marks: mpsc::UnboundedReceiver<MarkProposal>,
    pub(super) down: watch::Receiver<bool>,
}

/// What comes of it.
pub(super) struct Snapshots {
    /// What this node gives others.
    pub(super) giver: Arc<Giver>,
    /// Where it is said that a leader has dropped an entry which this replica lacks.
    pub(super) wanted: watch::Sender<u64>,
    /// Whether the node is to start again, with a snapshot.
    pub(super) restart: watch::Receiver<bool>,
    /// The thread that fetches.
    pub(super) thread: JoinHandle<()>,
}

/// Starts tasks and thread; needs a tokio runtime.
pub(super) fn start(with: Wires) -> Result<Snapshots, EngineError> {
    let shared = &with.handle.shared;
    let rate = with.config.storage.snapshot_mib_per_s;
    let whom = whom(&with.roster, shared.me);
    tokio::spawn(marks::run(
        with.handle.clone(),
        with.marks,
        with.down.clone(),
    ));
    let filler = Filler {
        view: shared.view.clone(),
        calls: shared.calls.clone(),
        peers: Arc::clone(&whom),
        apply: with.apply,
        history: shared.history.clone(),
        pace: Arc::new(Pace::new(rate)),
        metrics: shared.metrics.clone(),
    };
    tokio::spawn(filler.run(with.down.clone()));
    let (wanted, wants) = watch::channel(0);
    let (restarts, restart) = watch::channel(false);
    let fetcher = Fetcher {
        cluster_id: with.cluster_id,
        group: GROUP,
        place: with.place,
        calls: shared.calls.clone(),
        peers: whom,
        trust: Box::new(trust(&with.config, with.handle.clone())),
        wanted: wants,
        committed: Arc::clone(&shared.committed),
        restart: restarts,
        pace: Arc::new(Pace::new(rate)),
        metrics: shared.metrics.clone(),
    };
    let (runtime, down) = (tokio::runtime::Handle::current(), with.down);
    let thread = spawn("fetch", move || fetcher.run(&runtime, down))?;
    let roster = with.roster;
    let giver = Giver {
        view: shared.view.clone(),
        handle: with.handle.clone(),
        kept: with.kept,
        sealed: shared.sealed.clone(),
        ask: with.seal,
        member: Box::new(move |node| roster.takes_calls(node)),
        pace: Arc::new(Pace::new(rate)),
        metrics: shared.metrics.clone(),
    };
    Ok(Snapshots {
        giver: Arc::new(giver),
        wanted,
        restart,
        thread,
    })
}

/// The other members that this node can reach, those with a stream first.
fn whom(roster: &Arc<Roster>, me: NodeId) -> Whom {
    let roster = Arc::clone(roster);
    Arc::new(move || {
        let table = roster.table();
        let others = table.members().keys().filter(|id| **id != me);
        let mut others: Vec<NodeId> = others.copied().collect();
        others.sort_by_key(|id| !roster.reaches(*id));
        others
    })
}

/// The keys of the configuration, and those that the applied state has come to since.
fn trust(config: &Config, handle: Handle) -> impl Fn() -> Vec<KeySet> + Send + use<> {
    let configured = config.key_set().ok();
    move || {
        configured
            .clone()
            .into_iter()
            .chain(handle.key_set())
            .collect()
    }
}
