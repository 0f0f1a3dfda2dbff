//! The tree against its definition, exhaustively for small sizes and by chance for others.

use std::cell::Cell;

use akashi_merkle::{
    Frontier, FrontierError, Hash, InclusionError, NodeReader, ProofError, TREE_SIZE_MAX,
    consistency_proof, empty_root, inclusion_proof, leaf_hash, node_hash, root_at,
    verify_consistency, verify_inclusion,
};
use proptest::prelude::*;

use crate::oracle::{grow, leaves, mth, path, proof};

/// Sizes up to here are tried exhaustively: every shape of a right edge up to six levels.
const SIZE_MAX: usize = 70;

#[test]
fn the_root_is_the_tree_hash_of_the_leaves_at_every_size() {
    let leaves = leaves(SIZE_MAX);
    let (_, nodes) = grow(&leaves);
    for size in 0..=SIZE_MAX {
        let (frontier, _) = grow(&leaves[..size]);
        let expected = mth(&leaves[..size]);
        assert_eq!(frontier.root(), expected);
        assert_eq!(root_at(&nodes, wide(size)).unwrap(), expected);
        assert_eq!(Frontier::from_reader(&nodes, wide(size)).unwrap(), frontier);
        assert_eq!(Frontier::decode(&frontier.encode()).unwrap(), frontier);
    }
    assert_eq!(empty_root(), mth(&[]));
}

#[test]
fn every_leaf_is_proved_at_every_size_and_nowhere_else() {
    let leaves = leaves(SIZE_MAX);
    let (_, nodes) = grow(&leaves);
    for size in 1..=SIZE_MAX {
        let root = mth(&leaves[..size]);
        for index in 0..size {
            let made = inclusion_proof(&nodes, wide(index), wide(size)).unwrap();
            assert_eq!(made, path(index, &leaves[..size]));
            let hash = leaf_hash(&leaves[index]);
            verify_inclusion(&hash, wide(index), wide(size), &made, &root).unwrap();
            for other in (0..size).filter(|other| *other != index) {
                verify_inclusion(&hash, wide(other), wide(size), &made, &root).unwrap_err();
            }
        }
    }
}

#[test]
fn every_pair_of_sizes_is_consistent_and_no_wrong_pair_is() {
    let leaves = leaves(SIZE_MAX);
    let (_, nodes) = grow(&leaves);
    let roots: Vec<Hash> = (0..=SIZE_MAX).map(|size| mth(&leaves[..size])).collect();
    for later in 0..=SIZE_MAX {
        for earlier in 0..=later {
            let made = consistency_proof(&nodes, wide(earlier), wide(later)).unwrap();
            if earlier > 0 {
                assert_eq!(made, proof(earlier, &leaves[..later]));
            }
            let verify = |m: usize, n: usize, from: &Hash, to: &Hash, made: &[Hash]| {
                verify_consistency(wide(m), wide(n), from, to, made)
            };
            verify(earlier, later, &roots[earlier], &roots[later], &made).unwrap();
            let strange = leaf_hash(b"strange");
            verify(earlier, later, &strange, &roots[later], &made).unwrap_err();
            if earlier > 0 {
                verify(earlier, later, &roots[earlier], &strange, &made).unwrap_err();
                verify(earlier - 1, later, &roots[earlier], &roots[later], &made).unwrap_err();
            }
            let longer = [made.clone(), vec![strange]].concat();
            verify(earlier, later, &roots[earlier], &roots[later], &longer).unwrap_err();
            if let Some((_, shorter)) = made.split_last() {
                verify(earlier, later, &roots[earlier], &roots[later], shorter).unwrap_err();
            }
        }
    }
}

#[test]
fn a_proof_in_a_large_tree_reads_few_nodes() {
    let reader = Counting::default();
    let (size, bound) = (1_000_003, 40);
    for index in [0, 1, 524_287, 524_288, 999_999, 1_000_002] {
        reader.reads.set(0);
        assert!(inclusion_proof(&reader, index, size).unwrap().len() <= 20);
        assert!(reader.reads.get() <= bound, "{} reads", reader.reads.get());
        reader.reads.set(0);
        assert!(consistency_proof(&reader, index, size).unwrap().len() <= 40);
        assert!(reader.reads.get() <= bound, "{} reads", reader.reads.get());
    }
    reader.reads.set(0);
    root_at(&reader, size).unwrap();
    assert!(reader.reads.get() <= 20);
}

#[test]
fn sizes_and_positions_outside_are_refused() {
    let reader = Counting::default();
    let hash = leaf_hash(b"");
    assert_eq!(inclusion_proof(&reader, 5, 5), Err(ProofError::OutOfRange));
    assert_eq!(
        inclusion_proof(&reader, 0, TREE_SIZE_MAX + 1),
        Err(ProofError::OutOfRange)
    );
    assert_eq!(
        consistency_proof(&reader, 6, 5),
        Err(ProofError::OutOfRange)
    );
    assert!(inclusion_proof(&reader, TREE_SIZE_MAX - 1, TREE_SIZE_MAX).is_ok());
    assert!(consistency_proof(&reader, TREE_SIZE_MAX - 1, TREE_SIZE_MAX).is_ok());
    for (index, size) in [(0, 0), (5, 5), (u64::MAX, u64::MAX), (0, u64::MAX)] {
        let refused = verify_inclusion(&hash, index, size, &[], &hash);
        assert_eq!(refused, Err(InclusionError::OutOfRange));
    }
    verify_consistency(0, u64::MAX, &empty_root(), &hash, &[]).unwrap_err();
}

#[test]
fn bytes_that_are_no_frontier_are_refused() {
    let good = grow(&leaves(5)).0.encode();
    assert_eq!(Frontier::decode(&[]), Err(FrontierError::Length));
    assert_eq!(
        Frontier::decode(&good[..good.len() - 1]),
        Err(FrontierError::Length)
    );
    assert_eq!(
        Frontier::decode(&[&good[..], &[0; 32]].concat()),
        Err(FrontierError::Length)
    );
    let mut version = good.clone();
    version[0] = 2;
    assert_eq!(Frontier::decode(&version), Err(FrontierError::Version));
    let mut size = good;
    size[1] = 0xff;
    assert_eq!(Frontier::decode(&size), Err(FrontierError::Size));
}

proptest! {
    #[test]
    fn one_changed_bit_breaks_an_inclusion_proof(
        size in 2_usize..200, index in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(), bit in 0_u8..8,
    ) {
        let leaves = leaves(size);
        let index = index.index(size);
        let made = path(index, &leaves);
        let (hash, root) = (leaf_hash(&leaves[index]), mth(&leaves));
        verify_inclusion(&hash, wide(index), wide(size), &made, &root).unwrap();
        let mut bytes = made.concat();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let (changed, _) = bytes.as_chunks::<32>();
        prop_assert!(verify_inclusion(&hash, wide(index), wide(size), changed, &root).is_err());
    }

    #[test]
    fn one_changed_bit_breaks_a_consistency_proof(
        later in 2_usize..200, earlier in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(), bit in 0_u8..8,
    ) {
        let leaves = leaves(later);
        let earlier = 1 + earlier.index(later - 1);
        let made = proof(earlier, &leaves);
        let (from, to) = (mth(&leaves[..earlier]), mth(&leaves));
        verify_consistency(wide(earlier), wide(later), &from, &to, &made).unwrap();
        let mut bytes = made.concat();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let (changed, _) = bytes.as_chunks::<32>();
        prop_assert!(
            verify_consistency(wide(earlier), wide(later), &from, &to, changed).is_err()
        );
    }

    #[test]
    fn verifiers_end_well_on_anything(
        a in prop_oneof![any::<u64>(), 0_u64..4], b in prop_oneof![any::<u64>(), 0_u64..4],
        path in prop::collection::vec(any::<[u8; 32]>(), 0..70), keep in 0_usize..70,
    ) {
        let (hash, path) = (leaf_hash(b""), &path[..keep.min(path.len())]);
        let included = verify_inclusion(&hash, a, b, path, &hash).is_ok();
        prop_assert_eq!(included, a == 0 && b == 1 && path.is_empty());
        let consistent = verify_consistency(a, b, &hash, &hash, path).is_ok();
        let same = a == b && a > 0 && a <= TREE_SIZE_MAX;
        prop_assert_eq!(consistent, same && path.is_empty());
    }

    #[test]
    fn bytes_are_a_frontier_only_if_it_writes_them(
        bytes in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        if let Ok(frontier) = Frontier::decode(&bytes) {
            prop_assert_eq!(frontier.encode(), bytes);
        }
    }

    #[test]
    fn a_decoded_frontier_appends_like_the_one_that_was_written(
        before in 0_usize..300, after in 0_usize..20,
    ) {
        let leaves = leaves(before + after);
        let mut frontier = Frontier::decode(&grow(&leaves[..before]).0.encode()).unwrap();
        for leaf in &leaves[before..] {
            frontier.append(leaf_hash(leaf), &mut |_, _| {});
        }
        prop_assert_eq!(frontier, grow(&leaves).0);
    }
}

/// A tree of any size whose nodes are made up; it counts how often it is asked.
#[derive(Default)]
struct Counting {
    reads: Cell<u32>,
}

impl NodeReader for Counting {
    type Error = std::convert::Infallible;

    fn node(&self, level: u8, index: u64) -> Result<Hash, Self::Error> {
        self.reads.set(self.reads.get() + 1);
        Ok(node_hash(&[level; 32], &leaf_hash(&index.to_be_bytes())))
    }
}

fn wide(size: usize) -> u64 {
    size.try_into().unwrap()
}

#[test]
fn a_failing_store_is_reported_and_not_hidden() {
    struct Broken;
    impl NodeReader for Broken {
        type Error = std::fmt::Error;
        fn node(&self, _level: u8, _index: u64) -> Result<Hash, Self::Error> {
            Err(std::fmt::Error)
        }
    }
    assert_eq!(
        inclusion_proof(&Broken, 0, 2),
        Err(ProofError::Read(std::fmt::Error))
    );
    assert_eq!(
        consistency_proof(&Broken, 1, 2),
        Err(ProofError::Read(std::fmt::Error))
    );
    assert_eq!(root_at(&Broken, 1), Err(std::fmt::Error));
}
