//! What must hold in the end, when everything has healed: all agree, everything acknowledged is
//! there once, and receipts convince a stranger.

use akashi_merkle::{Cosigner, KeySet, Leaf, Origin, Receipt, SignedHead, inclusion_proof};
use akashi_replica::entry::NodeId;
use akashi_replica::seal::FenceReason;

use crate::clients::ORIGIN;
use crate::node::{Live, cosigner};
use crate::world::World;

/// Receipts looked at per replica.
const RECEIPTS: usize = 8;

impl World {
    /// Why the replica is fenced, if it is.
    #[must_use]
    pub fn fenced(&self, id: NodeId) -> Option<FenceReason> {
        self.nodes[&id].fenced
    }

    pub(crate) fn check_end(&self) -> Result<(), String> {
        let unanswered = self.clients.unanswered();
        if unanswered > 0 {
            return Err(format!("{unanswered} requests hang"));
        }
        let mut first: Option<(u64, [u8; 32], [u8; 32])> = None;
        for (id, node) in &self.nodes {
            let Some(live) = &node.live else {
                return Err(format!("{id} is down"));
            };
            if !self.plan.is_honest(*id) {
                continue;
            }
            let machine = &live.machine;
            let this = (
                machine.progress().log_index,
                machine.state_hash(),
                machine.root(),
            );
            let theirs = *first.get_or_insert(this);
            if theirs != this {
                return Err(format!("{id} ends at {} instead of {}", this.0, theirs.0));
            }
            if self.plan.liar.is_none() {
                self.check_acknowledged(*id, live)?;
            }
            self.check_receipts(*id, live)?;
        }
        Ok(())
    }

    /// The leaves of every answer are where it said, on this replica too.
    fn check_acknowledged(&self, id: NodeId, live: &Live) -> Result<(), String> {
        let mut taken = std::collections::BTreeSet::new();
        for known in self.oracle.acknowledged.values() {
            let place = known.answer.placement;
            for index in place.first_leaf..place.first_leaf + u64::from(place.leaf_count) {
                let lost = || format!("{id} lacks leaf {index} of {:?}", known.request);
                let bytes = live.machine.view().leaf(index).unwrap().ok_or_else(lost)?;
                let leaf = Leaf::decode(&bytes).map_err(|_undecodable| lost())?;
                if leaf.log_index != place.log_index || !taken.insert(index) {
                    return Err(format!(
                        "leaf {index} is not the one of {:?}",
                        known.request
                    ));
                }
            }
        }
        Ok(())
    }

    /// The newest head is over everything, and leaves under it can be proved with the public keys.
    fn check_receipts(&self, id: NodeId, live: &Live) -> Result<(), String> {
        let view = live.machine.view();
        let keys = self.key_set();
        let head = view
            .newest_head()
            .unwrap()
            .ok_or_else(|| format!("{id} has no head"))?;
        let signed_head = SignedHead::parse(&head).map_err(|error| error.to_string())?;
        let size = signed_head.head.size;
        let leaves = live.machine.progress().leaves;
        if size != leaves {
            return Err(format!("{id} has {leaves} leaves and a head of {size}"));
        }
        let step = usize::try_from(size).unwrap() / RECEIPTS + 1;
        for index in (0..size).step_by(step) {
            let receipt = Receipt {
                leaf: view.leaf(index).unwrap().unwrap(),
                index,
                path: inclusion_proof(view, index, size).unwrap(),
                signed_head: signed_head.clone(),
            };
            if let Err(error) = receipt.verify(&keys) {
                return Err(format!(
                    "{id}: the receipt of leaf {index} does not hold: {error}"
                ));
            }
        }
        Ok(())
    }

    fn key_set(&self) -> KeySet {
        let cosigner = |id: NodeId| Cosigner {
            site: "a".into(),
            name: format!("n{id}"),
            key: cosigner(id).public().clone(),
        };
        let cosigners: Vec<Cosigner> = (1..=self.plan.nodes).map(cosigner).collect();
        let quorum = cosigners.len() / 2 + 1;
        KeySet::new(Origin::parse(ORIGIN).unwrap(), cosigners, quorum).unwrap()
    }
}
