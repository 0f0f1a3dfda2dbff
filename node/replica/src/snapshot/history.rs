//! Old leaves of the audit log: fetched after a snapshot was installed, each piece proved.
//!
//! A snapshot brings the right edge of the tree and no old leaf. They follow from the left, piece by
//! piece, each with a proof that its leaves stand at their places of the tree whose root is known.

use akashi_domain::kv::Fault;
use akashi_merkle::{
    ENTRY_BYTES_MAX, Frontier, Hash, MultiProofError, leaf_hash, multi_inclusion_proof,
    verify_multi_inclusion,
};
use borsh::{BorshDeserialize, BorshSerialize};

use crate::machine::StoreView;
use crate::nodes::{is_stored, leaf_key, node_key};
use crate::store::{Batch, StateStore, Table};

/// Leaves of one piece: a proof of so many neighbours is a few hashes.
pub const HISTORY_LEAVES_MAX: u64 = 1_024;
/// Bytes of the leaves of one piece; a piece with a single larger leaf is longer.
pub const HISTORY_BYTES_MAX: usize = 256 * 1_024;
/// Longest piece that is taken.
const TAKEN_BYTES_MAX: usize = 1 << 20;
/// Version of [`History`] in the store.
const VERSION: u8 = 1;

/// Some neighbouring leaves with their proof.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct HistoryPart {
    /// Index of the first.
    pub from: u64,
    /// Their canonical bytes.
    pub leaves: Vec<Vec<u8>>,
    /// That they are leaves of a tree: of which, the asker knows.
    pub proof: Vec<Hash>,
}

/// Why a piece is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HistoryError {
    /// It does not read.
    #[error("the piece of the audit log does not decode")]
    Malformed,
    /// It is another than was asked for.
    #[error("the piece of the audit log is not the one that was asked for")]
    Elsewhere,
    /// The proof does not hold.
    #[error("the piece of the audit log does not lead to its root")]
    Unproved,
}

impl HistoryPart {
    /// Canonical bytes (Borsh).
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        akashi_domain::entry::encode(self)
    }

    /// Reads canonical bytes.
    ///
    /// # Errors
    ///
    /// [`HistoryError::Malformed`].
    pub fn decode(bytes: &[u8]) -> Result<Self, HistoryError> {
        if bytes.len() > TAKEN_BYTES_MAX {
            return Err(HistoryError::Malformed);
        }
        borsh::from_slice(bytes).map_err(|_unreadable| HistoryError::Malformed)
    }

    /// Checks that these are the leaves from `from` on of the tree of `size` leaves with `root`.
    ///
    /// # Errors
    ///
    /// [`HistoryError`]: ask somebody else.
    pub fn verify(self, from: u64, size: u64, root: &Hash) -> Result<Proved, HistoryError> {
        if self.from != from {
            return Err(HistoryError::Elsewhere);
        }
        if self.leaves.iter().any(|leaf| leaf.len() > ENTRY_BYTES_MAX) {
            return Err(HistoryError::Malformed);
        }
        let numbered: Vec<(u64, Hash)> = (from..)
            .zip(self.leaves.iter().map(|leaf| leaf_hash(leaf)))
            .collect();
        verify_multi_inclusion(&numbered, size, &self.proof, root)
            .map_err(|_another| HistoryError::Unproved)?;
        Ok(Proved {
            from,
            size,
            hashes: numbered.into_iter().map(|(_, hash)| hash).collect(),
            leaves: self.leaves,
        })
    }
}

/// Neighbouring leaves that are proved to be those of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proved {
    from: u64,
    size: u64,
    leaves: Vec<Vec<u8>>,
    hashes: Vec<Hash>,
}

impl Proved {
    /// Index of the first.
    #[must_use]
    pub const fn from(&self) -> u64 {
        self.from
    }

    /// Size of the tree.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Appends the leaves to `tree`, which ends where they begin, and gives what is to be written.
    pub(crate) fn append(self, tree: &mut Frontier) -> Batch {
        let mut batch = Batch::default();
        for (leaf, hash) in self.leaves.into_iter().zip(self.hashes) {
            let index = tree.append(hash, &mut |node, hash| {
                if is_stored(node) {
                    batch.put(Table::Tiles, node_key(node), hash.to_vec());
                }
            });
            batch.put(Table::Audit, leaf_key(index), leaf);
        }
        batch
    }
}

/// The leaves from `from` on, below `to`, as many as fit into a piece, with their proof in the tree of
/// `size` leaves. `None` if this replica does not hold them, or the range makes no sense.
///
/// # Errors
///
/// [`Fault::Storage`] when the store refuses.
pub fn read_history<S: StateStore + ?Sized>(
    view: &StoreView<S>,
    from: u64,
    to: u64,
    size: u64,
) -> Result<Option<HistoryPart>, Fault> {
    let to = to.min(from.saturating_add(HISTORY_LEAVES_MAX)).min(size);
    let mut leaves = Vec::new();
    let mut bytes = 0_usize;
    for index in from..to {
        let Some(leaf) = view.leaf(index)? else {
            break;
        };
        bytes = bytes.saturating_add(leaf.len());
        if bytes > HISTORY_BYTES_MAX && !leaves.is_empty() {
            break;
        }
        leaves.push(leaf);
    }
    let indices: Vec<u64> = (from..).take(leaves.len()).collect();
    match multi_inclusion_proof(view, &indices, size) {
        Ok(proof) => Ok(Some(HistoryPart {
            from,
            leaves,
            proof,
        })),
        Err(MultiProofError::Read(Fault::Storage)) => Err(Fault::Storage),
        // No leaves, or nodes that this replica does not have (yet).
        Err(MultiProofError::Indices(_) | MultiProofError::Read(Fault::Corrupt)) => Ok(None),
    }
}

/// What a replica lacks of the audit log since a snapshot was installed.
///
/// Kept in the store among the heads: it is this replica's own affair. While it is there, the replica
/// signs no head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct History {
    /// Leaves from here on came with the snapshot or by the log.
    pub base: u64,
    /// Leaves below are here too; those between are missing.
    pub next: u64,
    /// A head that was sealed without this replica: when it has all leaves under it, it must have
    /// computed the same root before it signs anything.
    pub head: (u64, Hash),
}

impl History {
    /// Whether a leaf is missing.
    #[must_use]
    pub const fn lacks(&self, leaf: u64) -> bool {
        self.next <= leaf && leaf < self.base
    }

    /// Whether no leaf is missing.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.next >= self.base
    }

    /// The record in the store: version u8 = 1, then base, next and size, u64 big-endian, and the root.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        for number in [self.base, self.next, self.head.0] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        bytes.extend_from_slice(&self.head.1);
        bytes
    }

    /// Reads [`History::encode`].
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (version, rest) = bytes.split_first()?;
        let (base, rest) = rest.split_first_chunk::<8>()?;
        let (next, rest) = rest.split_first_chunk::<8>()?;
        let (size, rest) = rest.split_first_chunk::<8>()?;
        let root: Hash = rest.try_into().ok()?;
        (*version == VERSION).then_some(Self {
            base: u64::from_be_bytes(*base),
            next: u64::from_be_bytes(*next),
            head: (u64::from_be_bytes(*size), root),
        })
    }
}
