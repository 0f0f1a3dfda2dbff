//! The manifest: what a snapshot is believed for.

use akashi_domain::leaf::column;
use akashi_merkle::{
    ENTRY_BYTES_MAX, Frontier, Hash, KeyChain, KeyHistory, KeySet, Leaf, SignedHead, leaf_hash,
    verify_consistency, verify_inclusion,
};
use borsh::{BorshDeserialize, BorshSerialize};

use crate::agreement::StateDigest;

/// Longest manifest that is read: a head with seven signatures, a leaf and three paths are 12 KiB, each
/// change of the key set adds 3 KiB.
pub const MANIFEST_BYTES_MAX: usize = 4 << 20;
/// Number of the event that records a digest.
const RECORDED: u16 = 45;

/// Everything besides the state itself.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Manifest {
    /// The mark: the last entry that the state has applied.
    pub index: u64,
    /// Its term.
    pub term: u64,
    /// The leaf that records the digest, in its canonical bytes.
    pub leaf: Vec<u8>,
    /// Its index in the audit log.
    pub leaf_index: u64,
    /// A sealed head that contains it, as signed note text.
    pub head: String,
    /// The path of the leaf under the head.
    pub inclusion: Vec<Hash>,
    /// Leaves of the tree as of the mark.
    pub leaves: u64,
    /// Root over them.
    pub root: Hash,
    /// The path from that tree to the head's.
    pub consistency: Vec<Hash>,
    /// The right edge of the tree at the size of the sealed head that the state names, as
    /// [`Frontier::encode`] writes it.
    pub edge: Vec<u8>,
    /// How the key sets of the cluster followed one another, as [`KeyHistory::to_text`] writes it.
    pub keys: String,
}

/// Why a manifest is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// It does not read.
    #[error("the manifest does not decode")]
    Malformed,
    /// No quorum of the known keys has signed the head.
    #[error("the head of the manifest is not sealed by keys that are trusted here")]
    Untrusted,
    /// The leaf records no digest of that mark.
    #[error("the leaf of the manifest records no digest of this mark")]
    Leaf,
    /// The leaf is not under the head.
    #[error("the leaf of the manifest is not under its head")]
    Inclusion,
    /// The tree as of the mark is not the start of the head's.
    #[error("the tree of the manifest is not the start of its head's")]
    Consistency,
    /// The sizes contradict each other.
    #[error("the sizes of the manifest contradict each other")]
    Sizes,
}

/// A manifest that a quorum stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Index and term of the mark; the term is believed once the state says it too.
    pub base: (u64, u64),
    /// What the state as of the mark digests to.
    pub recorded: StateDigest,
    /// Leaves as of the mark.
    pub leaves: u64,
    /// Root over them.
    pub root: Hash,
    /// The right edge at the sealed head that the state names; believed once the state names it.
    pub edge: Frontier,
    /// Size of the head of the manifest.
    pub head_size: u64,
    /// Root of the head of the manifest.
    pub head_root: Hash,
    /// Heads with which key sets ended, up to the mark: size and signed note.
    pub ends: Vec<(u64, String)>,
}

impl Manifest {
    /// Canonical bytes (Borsh).
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        akashi_domain::entry::encode(self)
    }

    /// Reads canonical bytes.
    ///
    /// # Errors
    ///
    /// [`ManifestError::Malformed`].
    pub fn decode(bytes: &[u8]) -> Result<Self, ManifestError> {
        if bytes.len() > MANIFEST_BYTES_MAX {
            return Err(ManifestError::Malformed);
        }
        borsh::from_slice(bytes).map_err(|_unreadable| ManifestError::Malformed)
    }

    /// Checks everything but the state. `pinned` are key sets that this replica believes: the head must
    /// be sealed under one of them, or under a set that one of them led to.
    ///
    /// # Errors
    ///
    /// [`ManifestError`]: ask somebody else.
    pub fn verify(&self, pinned: &[KeySet]) -> Result<Verified, ManifestError> {
        let head = SignedHead::parse(&self.head).map_err(|_unreadable| ManifestError::Malformed)?;
        let history =
            KeyHistory::parse(&self.keys).map_err(|_unreadable| ManifestError::Malformed)?;
        let chain = pinned
            .iter()
            .map(|pinned| {
                let mut chain = KeyChain::pinned(pinned.clone());
                // One that does not lead on from here still has its own set.
                let followed = chain.follow(&history).is_ok();
                (chain, followed)
            })
            .find(|(chain, _)| head.check(chain.at(head.head.size)).is_ok());
        let Some((_, followed)) = chain else {
            return Err(ManifestError::Untrusted);
        };
        let (size, root) = (head.head.size, head.head.root);
        let edge = Frontier::decode(&self.edge).map_err(|_unfit| ManifestError::Malformed)?;
        if edge.size() > self.leaves || self.leaves > self.leaf_index || self.index == 0 {
            return Err(ManifestError::Sizes);
        }
        let recorded = recorded_in(&self.leaf).ok_or(ManifestError::Leaf)?;
        if recorded.index != self.index {
            return Err(ManifestError::Leaf);
        }
        let hash = leaf_hash(&self.leaf);
        verify_inclusion(&hash, self.leaf_index, size, &self.inclusion, &root)
            .map_err(|_elsewhere| ManifestError::Inclusion)?;
        verify_consistency(self.leaves, size, &self.root, &root, &self.consistency)
            .map_err(|_another| ManifestError::Consistency)?;
        Ok(Verified {
            base: (self.index, self.term),
            recorded,
            leaves: self.leaves,
            root: self.root,
            edge,
            head_size: size,
            head_root: root,
            ends: if followed {
                self.ends(&history)
            } else {
                Vec::new()
            },
        })
    }

    /// Of a history that was checked.
    fn ends(&self, history: &KeyHistory) -> Vec<(u64, String)> {
        let steps = history.changes().iter();
        let heads = steps.map(|step| &step.receipt.signed_head);
        heads
            .filter(|head| head.head.size <= self.leaves)
            .map(|head| (head.head.size, head.to_text()))
            .collect()
    }
}

/// The digest that a leaf records, if it is such a leaf.
fn recorded_in(bytes: &[u8]) -> Option<StateDigest> {
    if bytes.len() > ENTRY_BYTES_MAX {
        return None;
    }
    let leaf = Leaf::decode(bytes)
        .ok()
        .filter(|leaf| leaf.kind == RECORDED)?;
    let index = leaf.extensions.value(column::LOG_INDEX)?;
    let digest = leaf.extensions.value(column::DIGEST)?;
    Some(StateDigest {
        index: u64::from_be_bytes(index.try_into().ok()?),
        digest: digest.try_into().ok()?,
    })
}
