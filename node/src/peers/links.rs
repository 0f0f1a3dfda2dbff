//! The streams and calls to the other members, as the members change.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use akashi_replica::entry::NodeId;
use rustls::ClientConfig;
use tokio::sync::{mpsc, watch};
use tokio_rustls::TlsConnector;
use tonic::transport::Channel;

use super::calls::{Calls, channel};
use super::greeting::Greeting;
use super::outbound::{Link, Out, Outbox, queue};
use crate::members::MemberTable;

/// What the streams of this node need of it. Cheap to clone.
#[derive(Clone)]
pub struct Node {
    /// This replica.
    pub me: NodeId,
    /// The cluster's number, which every stream begins with.
    pub cluster_id: [u8; 16],
    /// Peers with a live stream from here.
    pub connected: Arc<Mutex<BTreeSet<NodeId>>>,
    /// What this replica says of itself now.
    pub greeting: Arc<dyn Fn() -> Greeting + Send + Sync>,
    /// Is told whenever a stream to a peer broke or did not come about.
    pub unreachable: Arc<dyn Fn(NodeId) + Send + Sync>,
}

impl std::fmt::Debug for Node {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Node")
            .field("me", &self.me)
            .finish_non_exhaustive()
    }
}

/// One peer's connection.
struct Open {
    address: String,
    channel: Channel,
    queue: mpsc::Sender<Out>,
}

/// Keeps a stream open to every other member whose address is known; needs a tokio runtime.
pub struct Links {
    outbox: Outbox,
    calls: Calls,
    connector: TlsConnector,
    domain: String,
    node: Node,
    open: BTreeMap<NodeId, Open>,
    shutdown: watch::Receiver<bool>,
}

impl std::fmt::Debug for Links {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Links")
            .field("open", &self.open.keys())
            .finish_non_exhaustive()
    }
}

impl Links {
    /// Nobody is dialled yet. `domain` is the trust domain of the cluster's certificates.
    #[must_use]
    pub fn new(
        (outbox, calls): (Outbox, Calls),
        tls: ClientConfig,
        domain: &str,
        node: Node,
        shutdown: watch::Receiver<bool>,
    ) -> Self {
        Self {
            outbox,
            calls,
            connector: TlsConnector::from(Arc::new(tls)),
            domain: domain.to_owned(),
            node,
            open: BTreeMap::new(),
            shutdown,
        }
    }

    /// Dials who is new, and lets go of who is gone or has moved.
    pub fn set(&mut self, table: &MemberTable) {
        let others = table
            .members()
            .iter()
            .filter(|(id, member)| **id != self.node.me && !member.peer_address.is_empty());
        let wanted: BTreeMap<NodeId, &str> = others
            .map(|(id, member)| (*id, member.peer_address.as_str()))
            .collect();
        // A task ends with its queue.
        self.open
            .retain(|id, open| wanted.get(id) == Some(&open.address.as_str()));
        let mut begin = Vec::new();
        for (peer, address) in wanted {
            if self.open.contains_key(&peer) {
                continue;
            }
            let channel = channel(peer, address, &self.domain, self.connector.clone());
            let (sender, receiver) = queue();
            let open = Open {
                address: address.to_owned(),
                channel: channel.clone(),
                queue: sender,
            };
            self.open.insert(peer, open);
            begin.push(Link {
                peer,
                channel,
                queue: receiver,
                node: self.node.clone(),
            });
        }
        let open = self.open.iter();
        self.outbox
            .set(open.map(|(id, open)| (*id, open.queue.clone())).collect());
        let open = self.open.iter();
        self.calls
            .set(open.map(|(id, open)| (*id, open.channel.clone())).collect());
        for link in begin {
            tokio::spawn(link.run(self.shutdown.clone()));
        }
    }

    /// Follows the members until the node stops.
    pub async fn follow(mut self, mut table: watch::Receiver<Arc<MemberTable>>) {
        let mut shutdown = self.shutdown.clone();
        let following = async {
            loop {
                let now = Arc::clone(&table.borrow_and_update());
                self.set(&now);
                if table.changed().await.is_err() {
                    return;
                }
            }
        };
        tokio::select! {
            () = following => {}
            _ = shutdown.wait_for(|down| *down) => {}
        }
    }
}
