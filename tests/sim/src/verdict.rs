//! What must hold once everything has healed: all catch up and serve again, all agree, everything
//! acknowledged is there once, heads are extensions of one another, and receipts convince a stranger.

use akashi_merkle::{
    Leaf, Receipt, SignedHead, consistency_proof, inclusion_proof, leaf_hash, verify_consistency,
    verify_inclusion,
};
use akashi_replica::cosigner::Cosigner as _;
use akashi_replica::entry::NodeId;
use akashi_replica::seal::FenceReason;
use akashi_replica::succession::key_set_at;

use crate::hosting::digest_of;
use crate::node::Live;
use crate::plan::Rot;
use crate::seen::Seen;
use crate::world::World;

/// Receipts looked at per replica, and older heads.
const LOOKED_AT: usize = 8;

impl World {
    /// Why the replica is fenced, if it is.
    #[must_use]
    pub fn fenced(&self, id: NodeId) -> Option<FenceReason> {
        self.nodes[&id].fenced
    }

    /// Whether the replica is down for good.
    #[must_use]
    pub fn is_gone(&self, id: NodeId) -> bool {
        self.nodes[&id].gone
    }

    /// A while after everything healed: every replica has what was decided until then.
    pub(crate) fn converged(&mut self) {
        let Some((newest, _)) = self.healed else {
            return;
        };
        for (id, node) in &self.nodes {
            if node.gone || !self.plan.is_honest(*id) || node.leaving {
                continue;
            }
            let applied = node
                .live
                .as_ref()
                .map(|live| live.machine.progress().log_index);
            if applied.is_none_or(|applied| applied < newest) {
                let what = format!(
                    "{id} has applied {applied:?} of {newest} long after the end of all faults"
                );
                self.oracle.broke(what);
                return;
            }
        }
        self.tally.saw(Seen::Converged);
        self.healed = Some((newest, self.clients.answers));
    }

    pub(crate) fn check_end(&mut self) -> Result<(), String> {
        if self.plan.newer_rule_us.is_some() {
            return self.check_stopped();
        }
        let unanswered = self.clients.unanswered();
        if unanswered > 0 {
            let hang = self.clients.hanging();
            return Err(format!("{unanswered} requests hang, {hang}"));
        }
        if let Some((_, before)) = self.healed {
            if self.clients.answers <= before {
                return Err("nothing was served after everything healed".into());
            }
            self.tally.saw(Seen::Served);
        }
        let mut first: Option<(u64, [u8; 32], [u8; 32])> = None;
        for (id, node) in &self.nodes {
            if node.gone || !self.plan.is_honest(*id) || node.leaving {
                continue;
            }
            let Some(live) = &node.live else {
                return Err(format!("{id} is down"));
            };
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
            self.check_acknowledged(*id, live)?;
            self.check_heads(*id, live)?;
        }
        self.check_rotten()
    }

    /// Under a rule that it does not know, a replica stops and applies nothing.
    fn check_stopped(&self) -> Result<(), String> {
        let running = self.nodes.values().find(|node| !node.gone);
        if running.is_some() {
            return Err("a replica goes on under a rule that it does not know".into());
        }
        Ok(())
    }

    /// A replica whose state rotted is fenced or down, or what rotted was replaced by now.
    fn check_rotten(&self) -> Result<(), String> {
        let Some((id, Rot::Flipped)) = self.plan.rots else {
            return Ok(());
        };
        let node = &self.nodes[&id];
        let honest = self.nodes.iter().find(|(other, _)| **other != id);
        let other = honest.and_then(|(_, node)| node.live.as_ref());
        let (None, Some(live), Some(other)) = (node.fenced, &node.live, other) else {
            return Ok(());
        };
        let same = digest_of(live, 0) == digest_of(other, 0);
        // Marks are made in cluster time, which stands still after a clock went far ahead.
        let compared = self.digests > 2 * self.plan.nodes;
        if same || !compared {
            return Ok(());
        }
        Err(format!("{id} serves from a rotten state"))
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

    /// The newest head is over everything, extends every older one, and leaves under it can be proved
    /// with the public keys.
    fn check_heads(&self, id: NodeId, live: &Live) -> Result<(), String> {
        let view = live.machine.view();
        let head = view
            .newest_head()
            .unwrap()
            .ok_or_else(|| format!("{id} has no head"))?;
        let signed_head = SignedHead::parse(&head).map_err(|error| error.to_string())?;
        let (size, root) = (signed_head.head.size, signed_head.head.root);
        let leaves = live.machine.progress().leaves;
        if size != leaves {
            return Err(format!("{id} has {leaves} leaves and a head of {size}"));
        }
        self.check_quorum(id, &signed_head)?;
        let step = usize::try_from(size).unwrap() / LOOKED_AT + 1;
        for index in (0..size).step_by(step) {
            let leaf = view.leaf(index).unwrap().unwrap();
            let path = inclusion_proof(view, index, size).unwrap();
            let broken =
                |why: String| format!("{id}: the proof of leaf {index} does not hold: {why}");
            verify_inclusion(&leaf_hash(&leaf), index, size, &path, &root)
                .map_err(|error| broken(error.to_string()))?;
            if self.plan.real {
                let receipt = Receipt {
                    leaf,
                    index,
                    path,
                    signed_head: signed_head.clone(),
                };
                let held = receipt.verify(&key_set_at(view, size).unwrap().unwrap());
                held.map_err(|error| broken(error.to_string()))?;
            }
        }
        let step = self.oracle.heads.len() / LOOKED_AT + 1;
        let older = self.oracle.heads.iter().step_by(step);
        for (older, its_root) in older.filter(|(older, _)| **older <= size) {
            let path = consistency_proof(view, *older, size).unwrap();
            verify_consistency(*older, size, its_root, &root, &path)
                .map_err(|error| format!("{id}: {size} does not extend {older}: {error}"))?;
        }
        Ok(())
    }

    /// A quorum of replicas signed this head, as far as the run's signatures go.
    pub(crate) fn check_quorum(&self, id: NodeId, signed: &SignedHead) -> Result<(), String> {
        let mut signers = std::collections::BTreeSet::new();
        for cosignature in signed.cosignatures() {
            for (signer, node) in &self.nodes {
                let key = node.hand.public();
                if node.hand.check(key, &signed.head, &cosignature).is_ok() {
                    signers.insert(*signer);
                }
            }
        }
        let mut quorum = usize::try_from(self.plan.nodes / 2 + 1).unwrap();
        let live = self.nodes[&id].live.as_ref();
        if let Some(live) = live.filter(|_| self.plan.churns()) {
            let size = signed.head.size;
            let keys = key_set_at(live.machine.view(), size).unwrap().unwrap();
            quorum = keys.quorum();
            signers.retain(|id| {
                let name = format!("n{id}");
                keys.cosigners().iter().any(|one| one.name == name)
            });
        }
        if signers.len() < quorum {
            return Err(format!("{id} has a head that only {signers:?} signed"));
        }
        Ok(())
    }
}
