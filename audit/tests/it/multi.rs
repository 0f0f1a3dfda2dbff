//! Multi-inclusion proofs against the definition of the tree, and against everything that is not one.

use akashi_merkle::{
    Hash, MULTI_LEAVES_MAX, MultiInclusionError, MultiProofError, NodeReader, TREE_SIZE_MAX,
    inclusion_proof, leaf_hash, multi_inclusion_proof, node_hash, verify_multi_inclusion,
};
use proptest::prelude::*;

use crate::oracle::{Nodes, grow, leaves, mth};

/// Every subset of the leaves of every tree up to this size.
const SIZE_MAX: usize = 9;

#[test]
fn every_set_of_leaves_is_proved_at_every_size() {
    for size in 1..=SIZE_MAX {
        let log = Log::of(size);
        for set in 1_u32..1 << size {
            let indices: Vec<u64> = (0..wide(size)).filter(|i| set >> i & 1 == 1).collect();
            let path = multi_inclusion_proof(&log.nodes, &indices, wide(size)).unwrap();
            assert_eq!(path, by_definition(&log.leaves, 0, &indices));
            log.check(&log.at(&indices), &path).unwrap();
        }
    }
}

#[test]
fn one_leaf_needs_the_hashes_of_its_inclusion_proof_and_all_leaves_need_none() {
    let log = Log::of(70);
    for index in 0..70 {
        let mut multi = multi_inclusion_proof(&log.nodes, &[index], 70).unwrap();
        let mut single = inclusion_proof(&log.nodes, index, 70).unwrap();
        multi.sort_unstable();
        single.sort_unstable();
        assert_eq!(multi, single);
    }
    let all: Vec<u64> = (0..70).collect();
    let path = multi_inclusion_proof(&log.nodes, &all, 70).unwrap();
    assert_eq!(path, Vec::<Hash>::new());
    log.check(&log.at(&all), &path).unwrap();
}

#[test]
fn neighbours_share_their_hashes() {
    let log = Log::of(64);
    let run: Vec<u64> = (16..32).collect();
    assert_eq!(
        multi_inclusion_proof(&log.nodes, &run, 64).unwrap().len(),
        2
    );
    let pair = multi_inclusion_proof(&log.nodes, &[0, 63], 64).unwrap();
    assert_eq!(pair.len(), 10, "two far ones share only the root");
}

#[test]
fn leaves_that_are_none_of_the_tree_are_refused() {
    let log = Log::of(20);
    let path = multi_inclusion_proof(&log.nodes, &[3, 7, 8], 20).unwrap();
    let good = log.at(&[3, 7, 8]);
    log.check(&good, &path).unwrap();
    let refused = |leaves: &[(u64, Hash)], path: &[Hash]| log.check(leaves, path).unwrap_err();

    let mut swapped = good.clone();
    swapped.swap(0, 1);
    assert_eq!(refused(&swapped, &path), MultiInclusionError::Order);
    let mut exchanged = good.clone();
    (exchanged[0].1, exchanged[1].1) = (good[1].1, good[0].1);
    assert_eq!(
        refused(&exchanged, &path),
        MultiInclusionError::RootMismatch
    );
    let mut twice = good.clone();
    twice[1] = twice[0];
    assert_eq!(refused(&twice, &path), MultiInclusionError::Order);
    let mut moved = good.clone();
    moved[2].0 = 9;
    assert_eq!(refused(&moved, &path), MultiInclusionError::RootMismatch);
    let mut outside = good.clone();
    outside[2].0 = 20;
    assert_eq!(refused(&outside, &path), MultiInclusionError::OutOfRange);
    let fewer = &good[..2];
    assert_eq!(refused(fewer, &path), MultiInclusionError::PathLength);
    assert_eq!(refused(&[], &path), MultiInclusionError::LeafCount);
    let more = [good.clone(), vec![(19, leaf_hash(b"strange"))]].concat();
    assert_ne!(log.check(&more, &path), Ok(()));
    let longer = [path.clone(), vec![[0; 32]]].concat();
    assert_eq!(refused(&good, &longer), MultiInclusionError::PathLength);
    assert_eq!(refused(&good, &path[1..]), MultiInclusionError::PathLength);
}

#[test]
fn a_node_does_not_pass_for_a_leaf() {
    let log = Log::of(4);
    let left = log.nodes.node(1, 0).unwrap();
    let right = log.nodes.node(1, 1).unwrap();
    assert_eq!(node_hash(&left, &right), log.root);
    // The root of two leaves that hash like the inner nodes would be the same; no leaf hashes so.
    verify_multi_inclusion(&[(0, left), (1, right)], 2, &[], &log.root).unwrap();
    assert_ne!(leaf_hash(&[left, right].concat()), log.root);
}

#[test]
fn counts_and_sizes_are_bounded() {
    let many: Vec<u64> = (0..=wide(MULTI_LEAVES_MAX)).collect();
    let hashes: Vec<(u64, Hash)> = many.iter().map(|index| (*index, [0; 32])).collect();
    let reader = Made;
    assert_eq!(
        multi_inclusion_proof(&reader, &many, 1 << 20),
        Err(MultiProofError::Indices(MultiInclusionError::LeafCount))
    );
    assert_eq!(
        verify_multi_inclusion(&hashes, 1 << 20, &[], &[0; 32]),
        Err(MultiInclusionError::LeafCount)
    );
    for size in [0, 5, TREE_SIZE_MAX + 1, u64::MAX] {
        assert_eq!(
            multi_inclusion_proof(&reader, &[5], size),
            Err(MultiProofError::Indices(MultiInclusionError::OutOfRange))
        );
        assert_eq!(
            verify_multi_inclusion(&[(5, [0; 32])], size, &[], &[0; 32]),
            Err(MultiInclusionError::OutOfRange)
        );
    }
    let edge = TREE_SIZE_MAX - 1;
    let path = multi_inclusion_proof(&reader, &[0, edge], TREE_SIZE_MAX).unwrap();
    assert_eq!(path.len(), 122);
    let full: Vec<u64> = (0..wide(MULTI_LEAVES_MAX)).map(|i| i << 40).collect();
    let path = multi_inclusion_proof(&reader, &full, TREE_SIZE_MAX).unwrap();
    let leaves: Vec<(u64, Hash)> = full.iter().map(|index| (*index, [1; 32])).collect();
    assert_eq!(
        verify_multi_inclusion(&leaves, TREE_SIZE_MAX, &path, &[0; 32]),
        Err(MultiInclusionError::RootMismatch)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_set_holds_and_one_changed_bit_breaks_it(
        size in 1_usize..300, chosen in prop::collection::vec(any::<prop::sample::Index>(), 1..40),
        at in any::<prop::sample::Index>(), bit in 0_u8..8,
    ) {
        let log = Log::of(size);
        let mut indices: Vec<u64> = chosen.iter().map(|index| wide(index.index(size))).collect();
        indices.sort_unstable();
        indices.dedup();
        let path = multi_inclusion_proof(&log.nodes, &indices, wide(size)).unwrap();
        prop_assert_eq!(&path, &by_definition(&log.leaves, 0, &indices));
        let leaves = log.at(&indices);
        prop_assert!(log.check(&leaves, &path).is_ok());

        let (mut leaves, mut path) = (leaves, path);
        let at = at.index((leaves.len() + path.len()) * 32);
        let (which, byte) = (at / 32, at % 32);
        if which < leaves.len() {
            leaves[which].1[byte] ^= 1 << bit;
        } else {
            path[which - leaves.len()][byte] ^= 1 << bit;
        }
        prop_assert_eq!(log.check(&leaves, &path), Err(MultiInclusionError::RootMismatch));
    }

    #[test]
    fn verifiers_end_well_on_anything(
        leaves in prop::collection::vec((prop_oneof![any::<u64>(), 0_u64..9], any::<[u8; 32]>()), 0..9),
        size in prop_oneof![any::<u64>(), 0_u64..9],
        path in prop::collection::vec(any::<[u8; 32]>(), 0..70),
    ) {
        let root = [7; 32];
        prop_assert!(verify_multi_inclusion(&leaves, size, &path, &root).is_err());
    }
}

struct Log {
    leaves: Vec<Vec<u8>>,
    nodes: Nodes,
    root: Hash,
}

impl Log {
    fn of(size: usize) -> Self {
        let leaves = leaves(size);
        let (frontier, nodes) = grow(&leaves);
        Self {
            leaves,
            nodes,
            root: frontier.root(),
        }
    }

    fn at(&self, indices: &[u64]) -> Vec<(u64, Hash)> {
        let hash = |index: &u64| leaf_hash(&self.leaves[usize::try_from(*index).unwrap()]);
        indices.iter().map(|index| (*index, hash(index))).collect()
    }

    fn check(&self, leaves: &[(u64, Hash)], path: &[Hash]) -> Result<(), MultiInclusionError> {
        verify_multi_inclusion(leaves, wide(self.leaves.len()), path, &self.root)
    }
}

/// The definition, word for word: the roots of the largest subtrees without any of the leaves.
fn by_definition(leaves: &[Vec<u8>], begin: u64, indices: &[u64]) -> Vec<Hash> {
    let end = begin + wide(leaves.len());
    if !indices.iter().any(|index| (begin..end).contains(index)) {
        return vec![mth(leaves)];
    }
    if leaves.len() == 1 {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    let middle = begin + wide(left.len());
    [
        by_definition(left, begin, indices),
        by_definition(right, middle, indices),
    ]
    .concat()
}

/// A tree of any size whose nodes are made up.
struct Made;

impl NodeReader for Made {
    type Error = std::convert::Infallible;

    fn node(&self, level: u8, index: u64) -> Result<Hash, Self::Error> {
        Ok(node_hash(&[level; 32], &leaf_hash(&index.to_be_bytes())))
    }
}

fn wide(size: usize) -> u64 {
    size.try_into().unwrap()
}
