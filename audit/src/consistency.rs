//! Consistency proofs: that a later tree only appended to an earlier one.
//!
//! Making one reads stored nodes; checking one needs nothing but the hashes.
//!
//! # Sources
//!
//! RFC 9162 sections 2.1.4.1 (generation) and 2.1.4.2 (verification).

use alloc::vec::Vec;

use thiserror::Error;

use crate::tree::{
    Hash, NodeReader, ProofError, TREE_SIZE_MAX, empty_root, node_hash, range_root, split_below,
};

/// Why a consistency proof does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ConsistencyError {
    /// The earlier size is above the later one, or the later one above [`TREE_SIZE_MAX`].
    #[error("earlier tree is larger than the later one")]
    OutOfRange,
    /// The path has too many or too few hashes for these sizes.
    #[error("consistency path has the wrong length")]
    PathLength,
    /// The path does not lead to the earlier root.
    #[error("consistency path does not lead to the earlier root")]
    EarlierRootMismatch,
    /// The path does not lead to the later root.
    #[error("consistency path does not lead to the later root")]
    LaterRootMismatch,
}

/// Makes the path from the tree of `earlier` leaves to the tree of `later` leaves.
///
/// It is empty when the sizes are equal and when `earlier` is zero.
///
/// # Errors
///
/// [`ProofError::OutOfRange`] when `earlier` is above `later`, and [`ProofError::Read`].
///
/// # Cost
///
/// At most `3·log2(later)` reads.
pub fn consistency_proof<R: NodeReader>(
    reader: &R,
    earlier: u64,
    later: u64,
) -> Result<Vec<Hash>, ProofError<R::Error>> {
    if earlier > later || later > TREE_SIZE_MAX {
        return Err(ProofError::OutOfRange);
    }
    let mut path = Vec::new();
    if earlier == 0 || earlier == later {
        return Ok(path);
    }
    let (mut begin, mut end) = (0, later);
    while end != earlier {
        let middle = begin + split_below(end - begin);
        let sibling = if earlier <= middle {
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
    // The checker knows the earlier root already when it is a whole subtree from the left end.
    if begin != 0 {
        path.push(range_root(reader, begin, end).map_err(ProofError::Read)?);
    }
    path.reverse();
    Ok(path)
}

/// Checks that the tree of `later` leaves with `later_root` starts with the tree of `earlier`
/// leaves with `earlier_root`.
///
/// The tree without leaves is a start of every tree, provided its root is [`empty_root`].
///
/// # Errors
///
/// [`ConsistencyError::OutOfRange`], [`ConsistencyError::PathLength`],
/// [`ConsistencyError::EarlierRootMismatch`], [`ConsistencyError::LaterRootMismatch`].
pub fn verify_consistency(
    earlier: u64,
    later: u64,
    earlier_root: &Hash,
    later_root: &Hash,
    path: &[Hash],
) -> Result<(), ConsistencyError> {
    if earlier > later || later > TREE_SIZE_MAX {
        return Err(ConsistencyError::OutOfRange);
    }
    if earlier == 0 || earlier == later {
        return verify_without_path(earlier, later, earlier_root, later_root, path);
    }
    // RFC 9162 2.1.4.2: a power of two is its own first hash; the path leaves it out.
    let (seed, steps) = if earlier.is_power_of_two() {
        (*earlier_root, path)
    } else {
        let (seed, steps) = path.split_first().ok_or(ConsistencyError::PathLength)?;
        (*seed, steps)
    };
    let whole_levels = earlier.trailing_zeros();
    let (mut first, mut second) = ((earlier - 1) >> whole_levels, (later - 1) >> whole_levels);
    let (mut first_running, mut second_running) = (seed, seed);
    for step in steps {
        if second == 0 {
            return Err(ConsistencyError::PathLength);
        }
        if first & 1 == 1 || first == second {
            first_running = node_hash(step, &first_running);
            second_running = node_hash(step, &second_running);
            while first & 1 == 0 && first != 0 {
                first >>= 1;
                second >>= 1;
            }
        } else {
            second_running = node_hash(&second_running, step);
        }
        first >>= 1;
        second >>= 1;
    }
    if second != 0 {
        return Err(ConsistencyError::PathLength);
    }
    if first_running != *earlier_root {
        return Err(ConsistencyError::EarlierRootMismatch);
    }
    if second_running != *later_root {
        return Err(ConsistencyError::LaterRootMismatch);
    }
    Ok(())
}

/// Checks the two cases that need no hashes: equal sizes, and an empty earlier tree.
fn verify_without_path(
    earlier: u64,
    later: u64,
    earlier_root: &Hash,
    later_root: &Hash,
    path: &[Hash],
) -> Result<(), ConsistencyError> {
    if !path.is_empty() {
        return Err(ConsistencyError::PathLength);
    }
    if earlier == 0 && *earlier_root != empty_root() {
        return Err(ConsistencyError::EarlierRootMismatch);
    }
    if earlier == later && earlier_root != later_root {
        return Err(ConsistencyError::LaterRootMismatch);
    }
    Ok(())
}
