//! The Merkle tree: its hashes, the right edge a replica keeps while appending, and reading roots.
//!
//! Nodes are named by level and index: level 0 holds leaf hashes, node `(l, i)` covers the leaves
//! `i·2^l .. (i+1)·2^l`. Only complete nodes are ever stored, so a stored node never changes.
//! Nothing here can fail on valid sizes, and nothing here panics.
//!
//! # Sources
//!
//! RFC 9162 section 2.1.1 (Merkle tree hash); the compact range is the "right edge" of it.

use alloc::vec::Vec;

use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::text::take;

/// A SHA-256 value: a leaf hash, a node hash or a root.
pub type Hash = [u8; 32];

/// Largest tree size, in leaves, accepted anywhere.
///
/// Far above any log (a million leaves a second for 140,000 years), and low enough that no sum of
/// two sizes or shift of an index overflows a `u64`.
pub const TREE_SIZE_MAX: u64 = 1 << 62;

/// Layout version written by [`Frontier::encode`].
const FRONTIER_VERSION: u8 = 1;

/// Hashes leaf bytes: SHA-256 of `0x00` and the bytes (RFC 9162 section 2.1.1).
#[must_use]
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    Sha256::new()
        .chain_update([0x00])
        .chain_update(leaf)
        .finalize()
        .into()
}

/// Hashes two children: SHA-256 of `0x01`, left and right (RFC 9162 section 2.1.1).
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new()
        .chain_update([0x01])
        .chain_update(left)
        .chain_update(right)
        .finalize()
        .into()
}

/// Gives the root of the tree without leaves: SHA-256 of nothing.
#[must_use]
pub fn empty_root() -> Hash {
    Sha256::digest([]).into()
}

/// The name of a complete node of the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeId {
    /// Height above the leaves; zero for a leaf hash, at most 62.
    pub level: u8,
    /// Position among the nodes of its level, from the left.
    pub index: u64,
}

/// Gives access to the stored complete nodes of a tree.
///
/// A reader at tree size `n` must answer for every node whose leaves all lie below `n`.
pub trait NodeReader {
    /// Why a node could not be read.
    type Error;

    /// Reads the complete node `(level, index)`.
    ///
    /// # Errors
    ///
    /// Whatever the store says; the proof functions pass it on unchanged.
    fn node(&self, level: u8, index: u64) -> Result<Hash, Self::Error>;
}

/// Why an inclusion or consistency proof cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ProofError<E> {
    /// The position asked for lies outside the tree, or the tree is above [`TREE_SIZE_MAX`].
    #[error("position lies outside the tree")]
    OutOfRange,
    /// A node could not be read.
    #[error("node of the tree cannot be read")]
    Read(#[source] E),
}

/// Computes the root at `size` from stored nodes.
///
/// # Errors
///
/// Those of the reader.
///
/// # Cost
///
/// One read per bit set in `size`.
pub fn root_at<R: NodeReader>(reader: &R, size: u64) -> Result<Hash, R::Error> {
    if size == 0 {
        return Ok(empty_root());
    }
    range_root(reader, 0, size)
}

/// Computes the hash of the leaves `begin..end`, a subtree as RFC 9162 cuts them: `begin` is a
/// multiple of the smallest power of two that is not below `end - begin`, and `begin < end`.
pub(crate) fn range_root<R: NodeReader>(
    reader: &R,
    begin: u64,
    end: u64,
) -> Result<Hash, R::Error> {
    let mut nodes = Vec::new();
    let mut at = begin;
    while at < end {
        let level = level_of(end - at);
        nodes.push(reader.node(level, at >> level)?);
        at += 1 << level;
    }
    Ok(fold_right(&nodes))
}

/// Gives the level of the largest complete subtree that fits into `width` leaves.
fn level_of(width: u64) -> u8 {
    // ilog2 of a u64 is at most 63.
    width
        .checked_ilog2()
        .and_then(|level| u8::try_from(level).ok())
        .unwrap_or(0)
}

/// Gives the largest power of two below `width` (RFC 9162 calls it k); `width` is at least 2.
pub(crate) fn split_below(width: u64) -> u64 {
    1 << level_of(width.saturating_sub(1))
}

/// Hashes subtree roots, given largest (leftmost) first, into the root over all of them.
fn fold_right(nodes: &[Hash]) -> Hash {
    let mut from_the_right = nodes.iter().rev();
    let Some(last) = from_the_right.next() else {
        return empty_root();
    };
    from_the_right.fold(*last, |right, left| node_hash(left, &right))
}

/// The right edge of a tree: the roots of its complete subtrees, one per bit set in its size.
///
/// It is all a replica needs in memory to append and to know the root: at most 62 hashes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// Largest subtree first.
    peaks: Vec<Hash>,
}

/// Why bytes or hashes are no frontier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FrontierError {
    /// The first byte names another layout.
    #[error("frontier has an unknown version")]
    Version,
    /// The size is above [`TREE_SIZE_MAX`].
    #[error("frontier size is too large")]
    Size,
    /// The number of hashes does not fit the size.
    #[error("frontier length does not fit its size")]
    Length,
}

impl Frontier {
    /// Starts with the empty tree.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            size: 0,
            peaks: Vec::new(),
        }
    }

    /// Takes the subtree roots of a tree of `size` leaves, largest first.
    ///
    /// The hashes are believed: compare [`Frontier::root`] with a trusted root.
    ///
    /// # Errors
    ///
    /// [`FrontierError::Size`] and [`FrontierError::Length`].
    pub fn from_peaks(size: u64, peaks: Vec<Hash>) -> Result<Self, FrontierError> {
        if size > TREE_SIZE_MAX {
            return Err(FrontierError::Size);
        }
        if u32::try_from(peaks.len()) != Ok(size.count_ones()) {
            return Err(FrontierError::Length);
        }
        Ok(Self { size, peaks })
    }

    /// Reads the frontier of the tree of `size` leaves from stored nodes.
    ///
    /// # Errors
    ///
    /// Those of the reader.
    pub fn from_reader<R: NodeReader>(reader: &R, size: u64) -> Result<Self, R::Error> {
        let peaks = Self::peak_ids(size)
            .into_iter()
            .map(|id| reader.node(id.level, id.index))
            .collect::<Result<_, _>>()?;
        Ok(Self { size, peaks })
    }

    /// Names the subtree roots of a tree of `size` leaves, largest first.
    #[must_use]
    pub fn peak_ids(size: u64) -> Vec<NodeId> {
        let mut ids = Vec::new();
        let mut rest = size;
        while rest != 0 {
            let level = level_of(rest);
            ids.push(NodeId {
                level,
                index: (size - rest) >> level,
            });
            rest -= 1 << level;
        }
        ids
    }

    /// Gives the number of leaves.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Gives the subtree roots, largest first.
    #[must_use]
    pub fn peaks(&self) -> &[Hash] {
        &self.peaks
    }

    /// Appends one leaf hash and returns its leaf index.
    ///
    /// `emit` is called once for every node that became complete, lowest level first and the leaf
    /// hash itself included, so that the caller can store them.
    ///
    /// # Cost
    ///
    /// One node hash on average; `log2(size)` at worst.
    pub fn append(&mut self, leaf_hash: Hash, emit: &mut impl FnMut(NodeId, Hash)) -> u64 {
        let leaf_index = self.size;
        let mut id = NodeId {
            level: 0,
            index: leaf_index,
        };
        let mut hash = leaf_hash;
        emit(id, hash);
        // Each one bit at the low end of the old size is a complete left neighbour.
        for _ in 0..leaf_index.trailing_ones() {
            let Some(left) = self.peaks.pop() else { break };
            hash = node_hash(&left, &hash);
            id = NodeId {
                level: id.level.saturating_add(1),
                index: id.index >> 1,
            };
            emit(id, hash);
        }
        self.peaks.push(hash);
        // No tree gets near the limit of the type: it would take 2^63 appends.
        self.size = self.size.saturating_add(1);
        leaf_index
    }

    /// Computes the root of the tree; [`empty_root`] for no leaves.
    #[must_use]
    pub fn root(&self) -> Hash {
        fold_right(&self.peaks)
    }

    /// Writes the frontier: version `u8` = 1, size `u64` big-endian, then 32 bytes per subtree
    /// root, largest subtree first.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(9 + 32 * self.peaks.len());
        bytes.push(FRONTIER_VERSION);
        bytes.extend_from_slice(&self.size.to_be_bytes());
        for peak in &self.peaks {
            bytes.extend_from_slice(peak);
        }
        bytes
    }

    /// Reads what [`Frontier::encode`] wrote.
    ///
    /// # Errors
    ///
    /// [`FrontierError`]; every byte must be accounted for.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrontierError> {
        let mut rest = bytes;
        match take::<1>(&mut rest) {
            Some([FRONTIER_VERSION]) => {}
            Some(_) => return Err(FrontierError::Version),
            None => return Err(FrontierError::Length),
        }
        let size = u64::from_be_bytes(take(&mut rest).ok_or(FrontierError::Length)?);
        let (peaks, tail) = rest.as_chunks::<32>();
        if !tail.is_empty() {
            return Err(FrontierError::Length);
        }
        Self::from_peaks(size, peaks.to_vec())
    }
}
