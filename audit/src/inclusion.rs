//! Inclusion proofs: that a leaf sits at an index of the tree with a given size and root.
//!
//! Making one reads stored nodes; checking one needs nothing but the hashes.
//!
//! # Sources
//!
//! RFC 9162 sections 2.1.3.1 (generation) and 2.1.3.2 (verification).

use alloc::vec::Vec;

use thiserror::Error;

use crate::tree::{
    Hash, NodeReader, ProofError, TREE_SIZE_MAX, node_hash, range_root, split_below,
};

/// Why an inclusion proof does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InclusionError {
    /// The leaf index is not below the tree size, or the size is above [`TREE_SIZE_MAX`].
    #[error("leaf index lies outside the tree")]
    OutOfRange,
    /// The path has too many or too few hashes for this index and size.
    #[error("inclusion path has the wrong length")]
    PathLength,
    /// The path leads to another root.
    #[error("inclusion path leads to another root")]
    RootMismatch,
}

/// Makes the path for the leaf at `index` in the tree of `size` leaves, from the leaf's sibling up.
///
/// # Errors
///
/// [`ProofError::OutOfRange`] when `index` is not below `size`, and [`ProofError::Read`].
///
/// # Cost
///
/// At most `2·log2(size)` reads.
pub fn inclusion_proof<R: NodeReader>(
    reader: &R,
    index: u64,
    size: u64,
) -> Result<Vec<Hash>, ProofError<R::Error>> {
    if index >= size || size > TREE_SIZE_MAX {
        return Err(ProofError::OutOfRange);
    }
    let mut path = Vec::new();
    let (mut begin, mut end) = (0, size);
    while end - begin > 1 {
        let middle = begin + split_below(end - begin);
        let sibling = if index < middle {
            let sibling = range_root(reader, middle, end);
            end = middle;
            sibling
        } else {
            let sibling = range_root(reader, begin, middle);
            begin = middle;
            sibling
        };
        path.push(sibling.map_err(ProofError::Read)?);
    }
    path.reverse();
    Ok(path)
}

/// Checks that `leaf_hash` is the leaf at `index` of the tree of `size` leaves with `root`.
///
/// # Errors
///
/// [`InclusionError::OutOfRange`], [`InclusionError::PathLength`],
/// [`InclusionError::RootMismatch`].
pub fn verify_inclusion(
    leaf_hash: &Hash,
    index: u64,
    size: u64,
    path: &[Hash],
    root: &Hash,
) -> Result<(), InclusionError> {
    if index >= size || size > TREE_SIZE_MAX {
        return Err(InclusionError::OutOfRange);
    }
    // RFC 9162 2.1.3.2: fn = first number, sn = second number, r = running hash.
    let (mut first, mut second, mut running) = (index, size - 1, *leaf_hash);
    for sibling in path {
        if second == 0 {
            return Err(InclusionError::PathLength);
        }
        if first & 1 == 1 || first == second {
            running = node_hash(sibling, &running);
            while first & 1 == 0 && first != 0 {
                first >>= 1;
                second >>= 1;
            }
        } else {
            running = node_hash(&running, sibling);
        }
        first >>= 1;
        second >>= 1;
    }
    if second != 0 {
        return Err(InclusionError::PathLength);
    }
    if running == *root {
        Ok(())
    } else {
        Err(InclusionError::RootMismatch)
    }
}
