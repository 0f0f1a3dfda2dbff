//! Multi-inclusion proofs: that many leaves sit at their indices of one tree, with shared hashes once.
//!
//! The proof for a set of leaves is the list of the roots of the largest subtrees without any of
//! them, as RFC 9162 cuts the tree, from left to right. It follows from the tree size and the
//! indices alone which subtrees these are, so there is one proof per set and no structure to encode,
//! and nothing to get wrong in it. For one leaf it holds the hashes of the inclusion proof; for all
//! leaves of a tree it is empty.
//!
//! ```text
//! root(begin, end, leaves):            leaves of [begin, end), ascending, each with its hash
//!     no leaf here      →  the next hash of the proof
//!     end = begin + 1   →  the leaf's hash
//!     otherwise         →  SHA-256(0x01 ‖ root(begin, middle, those below middle)
//!                                       ‖ root(middle, end, the others))
//!                          middle = begin + largest power of two below end − begin
//! holds:  indices strictly ascend, the last is below size,
//!         root(0, size, leaves) = root of the head, and the proof is used up
//! ```
//!
//! # Why it holds
//!
//! By the induction of RFC 9162: equal roots of two subtrees over the same range mean equal children,
//! unless SHA-256 collides. Every leaf given is met at its own index on the way down, as a leaf hash
//! (prefix `0x00`), so none can pass for a node (prefix `0x01`), stand elsewhere, or be left out.
//! Nothing is said about the leaves of the other subtrees, and nothing is learnt of them but hashes.
//! As with every inclusion proof, root and size must come from a signed head: the hashes alone do not
//! always show how many leaves a subtree without any of ours has.
//!
//! # Sources
//!
//! RFC 9162 sections 2.1.1 (tree hash) and 2.1.3 (inclusion); the cut of the tree is theirs, the
//! order of the hashes is ours.

use alloc::vec::Vec;
use core::slice;

use thiserror::Error;

use crate::tree::{Hash, NodeReader, TREE_SIZE_MAX, node_hash, range_root, split_below};

/// Most leaves of one proof: bounds what a verifier holds at once, about 3 MB with the leaves.
pub const MULTI_LEAVES_MAX: usize = 4_096;

/// Why a multi-inclusion proof cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum MultiProofError<E> {
    /// The indices are none of this tree.
    #[error(transparent)]
    Indices(MultiInclusionError),
    /// A node could not be read.
    #[error("node of the tree cannot be read")]
    Read(#[source] E),
}

/// Why a multi-inclusion proof does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum MultiInclusionError {
    /// There is no leaf, or there are more than [`MULTI_LEAVES_MAX`].
    #[error("number of leaves is out of range")]
    LeafCount,
    /// The indices do not strictly ascend.
    #[error("leaf indices are not strictly ascending")]
    Order,
    /// An index is not below the tree size, or the size is above [`TREE_SIZE_MAX`].
    #[error("leaf index lies outside the tree")]
    OutOfRange,
    /// There are too many or too few hashes for these indices and this size.
    #[error("multi-inclusion proof has the wrong length")]
    PathLength,
    /// Leaves and hashes lead to another root.
    #[error("multi-inclusion proof leads to another root")]
    RootMismatch,
}

/// Makes the proof for the leaves at `indices`, strictly ascending, in the tree of `size` leaves.
///
/// # Errors
///
/// [`MultiProofError::Indices`] and [`MultiProofError::Read`].
///
/// # Cost
///
/// At most `log2(size)` hashes per leaf, fewer the closer the leaves lie together; one read per hash,
/// and at most `log2(size)` more along the right edge.
pub fn multi_inclusion_proof<R: NodeReader>(
    reader: &R,
    indices: &[u64],
    size: u64,
) -> Result<Vec<Hash>, MultiProofError<R::Error>> {
    well_formed(indices.iter().copied(), size).map_err(MultiProofError::Indices)?;
    let mut path = Vec::new();
    gather(reader, 0, size, indices, &mut path).map_err(MultiProofError::Read)?;
    Ok(path)
}

/// Checks that each `(index, leaf hash)` is a leaf of the tree of `size` leaves with `root`.
///
/// # Errors
///
/// [`MultiInclusionError`].
///
/// # Cost
///
/// One node hash per leaf and per hash of the proof.
pub fn verify_multi_inclusion(
    leaves: &[(u64, Hash)],
    size: u64,
    path: &[Hash],
    root: &Hash,
) -> Result<(), MultiInclusionError> {
    well_formed(leaves.iter().map(|(index, _)| *index), size)?;
    let mut rest = path.iter();
    let computed = fold(0, size, leaves, &mut rest).ok_or(MultiInclusionError::PathLength)?;
    if !rest.as_slice().is_empty() {
        return Err(MultiInclusionError::PathLength);
    }
    if computed == *root {
        Ok(())
    } else {
        Err(MultiInclusionError::RootMismatch)
    }
}

/// Some leaves, strictly ascending, all inside the tree: what the recursions below rest on.
fn well_formed(
    indices: impl ExactSizeIterator<Item = u64>,
    size: u64,
) -> Result<(), MultiInclusionError> {
    if indices.len() == 0 || indices.len() > MULTI_LEAVES_MAX {
        return Err(MultiInclusionError::LeafCount);
    }
    if size > TREE_SIZE_MAX {
        return Err(MultiInclusionError::OutOfRange);
    }
    let mut last = None;
    for index in indices {
        if last.is_some_and(|last| last >= index) {
            return Err(MultiInclusionError::Order);
        }
        last = Some(index);
    }
    if last.is_some_and(|last| last >= size) {
        return Err(MultiInclusionError::OutOfRange);
    }
    Ok(())
}

/// Walks down at most 62 levels; `begin < end` always holds, and a range of one holds at most one leaf.
fn gather<R: NodeReader>(
    reader: &R,
    begin: u64,
    end: u64,
    indices: &[u64],
    path: &mut Vec<Hash>,
) -> Result<(), R::Error> {
    if indices.is_empty() {
        path.push(range_root(reader, begin, end)?);
        return Ok(());
    }
    if end - begin == 1 {
        return Ok(());
    }
    let middle = begin + split_below(end - begin);
    let (left, right) = indices.split_at(indices.partition_point(|index| *index < middle));
    gather(reader, begin, middle, left, path)?;
    gather(reader, middle, end, right, path)
}

/// The way of [`gather`], with the hashes taken instead of given; `None` if they run out.
fn fold(
    begin: u64,
    end: u64,
    leaves: &[(u64, Hash)],
    path: &mut slice::Iter<'_, Hash>,
) -> Option<Hash> {
    match leaves {
        [] => path.next().copied(),
        [(_, hash), ..] if end - begin == 1 => Some(*hash),
        [_, ..] => {
            let middle = begin + split_below(end - begin);
            let at = leaves.partition_point(|(index, _)| *index < middle);
            let (left, right) = leaves.split_at(at);
            let left = fold(begin, middle, left, path)?;
            let right = fold(middle, end, right, path)?;
            Some(node_hash(&left, &right))
        }
    }
}
