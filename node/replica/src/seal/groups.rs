//! Whose signatures count for a head: that depends on its size.
//!
//! A key set is in force up to the head whose last leaf names its successor, that head included
//! (the *boundary*); the successor signs everything larger. Until a boundary is sealed, and the sealed head is
//! where no crash can take it, nothing larger is signed: so every set has signed for the next one.

use std::collections::BTreeMap;

use akashi_domain::records::{Cluster, KeySetChange, ReplicaInfo};
use akashi_merkle::{Cosignature, CosignerKey, Hash, Head, Origin, SignedHead};

use crate::cosigner::Cosigner;
use crate::entry::NodeId;

/// One key set.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) keys: BTreeMap<NodeId, CosignerKey>,
    pub(super) quorum: usize,
}

impl Group {
    fn of(replicas: &[ReplicaInfo], quorum: u8) -> Self {
        let keys = replicas
            .iter()
            .filter_map(|r| Some((r.id, CosignerKey::new(&r.name, &r.cosigner).ok()?)))
            .collect();
        Self {
            keys,
            quorum: usize::from(quorum),
        }
    }

    /// The head with the signatures of this set that hold, if they are a quorum.
    fn sealed<C: Cosigner>(&self, signed: &SignedHead, checker: &C) -> Option<SignedHead> {
        let mut held: BTreeMap<NodeId, Cosignature> = BTreeMap::new();
        for cosignature in signed.cosignatures() {
            let holds = |key| checker.check(key, &signed.head, &cosignature).is_ok();
            if let Some((id, _)) = self.keys.iter().find(|(_, key)| holds(key)) {
                held.insert(*id, cosignature);
            }
        }
        (held.len() >= self.quorum).then(|| SignedHead::new(signed.head.clone(), held.values()))
    }
}

/// The key sets of one log, by the size behind which each is in force.
#[derive(Debug, Default)]
pub(super) struct Groups {
    origin: Option<Origin>,
    groups: BTreeMap<u64, Group>,
    /// Boundaries up to here are sealed, and the heads are safe.
    kept: u64,
    /// Sealed heads of boundaries, about a kilobyte each; there are no more than changes of the key set, which
    /// the core bounds.
    handovers: BTreeMap<u64, SignedHead>,
}

impl Groups {
    pub(super) fn founded(&mut self, cluster: &Cluster) {
        let Ok(origin) = Origin::parse(&cluster.origin) else {
            return;
        };
        self.origin = Some(origin);
        self.groups
            .insert(0, Group::of(&cluster.replicas, cluster.quorum));
    }

    pub(super) fn succeeded(&mut self, change: &KeySetChange) {
        let group = Group::of(&change.replicas, change.quorum);
        self.groups.insert(change.boundary(), group);
    }

    /// Whether it is known who signs.
    pub(super) fn are_known(&self) -> bool {
        !self.groups.is_empty()
    }

    /// Whose signatures count for a head of `size`.
    pub(super) fn at(&self, size: u64) -> Option<&Group> {
        self.groups
            .range(..size)
            .next_back()
            .map(|(_, group)| group)
    }

    pub(super) fn head(&self, size: u64, root: Hash) -> Option<Head> {
        let origin = self.origin.clone()?;
        Some(Head { origin, size, root })
    }

    /// The largest head that may be signed and sealed now: the first boundary that is not safely sealed.
    pub(super) fn limit(&self) -> u64 {
        let behind = self.kept.saturating_add(1);
        self.groups
            .range(behind..)
            .next()
            .map_or(u64::MAX, |(boundary, _)| *boundary)
    }

    /// Whether a key set ends with the head of `size`.
    pub(super) fn is_boundary(&self, size: u64) -> bool {
        size > 0 && self.groups.contains_key(&size)
    }

    /// Every boundary up to `size` is safe. Says whether that lets anything larger be signed.
    pub(super) fn keep(&mut self, size: u64) -> bool {
        let limit = self.limit();
        self.kept = self.kept.max(size);
        self.limit() != limit
    }

    /// Remembers the sealed head of a boundary, to hand it on.
    pub(super) fn remember(&mut self, sealed: &SignedHead) {
        if self.is_boundary(sealed.head.size) {
            self.handovers.insert(sealed.head.size, sealed.clone());
        }
    }

    /// The sealed head of this boundary, if it is at hand.
    pub(super) fn handover(&self, size: u64) -> Option<&SignedHead> {
        self.handovers.get(&size)
    }

    /// What somebody handed over, if it is a head of this log that a quorum of its own key set signed.
    pub(super) fn sealed<C: Cosigner>(
        &self,
        signed: &SignedHead,
        checker: &C,
    ) -> Option<SignedHead> {
        if self.origin.as_ref() != Some(&signed.head.origin) {
            return None;
        }
        self.at(signed.head.size)?.sealed(signed, checker)
    }
}
