//! The definitions of RFC 9162 section 2.1, word for word and slow: what the crate is compared to.

use std::collections::BTreeMap;
use std::convert::Infallible;

use akashi_merkle::{Frontier, Hash, NodeId, NodeReader, leaf_hash};
use sha2::{Digest, Sha256};

/// `MTH(D_n)`, RFC 9162 section 2.1.1.
pub(crate) fn mth(leaves: &[Vec<u8>]) -> Hash {
    match leaves {
        [] => Sha256::digest([]).into(),
        [one] => Sha256::digest([&[0][..], one].concat()).into(),
        _ => {
            let (left, right) = leaves.split_at(k(leaves.len()));
            Sha256::digest([&[1][..], &mth(left), &mth(right)].concat()).into()
        }
    }
}

/// `PATH(m, D_n)`, section 2.1.3.1.
pub(crate) fn path(m: usize, leaves: &[Vec<u8>]) -> Vec<Hash> {
    if leaves.len() <= 1 {
        return Vec::new();
    }
    let k = k(leaves.len());
    let (left, right) = leaves.split_at(k);
    if m < k {
        [path(m, left), vec![mth(right)]].concat()
    } else {
        [path(m - k, right), vec![mth(left)]].concat()
    }
}

/// `PROOF(m, D_n)`, section 2.1.4.1.
pub(crate) fn proof(m: usize, leaves: &[Vec<u8>]) -> Vec<Hash> {
    subproof(m, leaves, true)
}

fn subproof(m: usize, leaves: &[Vec<u8>], known: bool) -> Vec<Hash> {
    if m == leaves.len() {
        return if known { Vec::new() } else { vec![mth(leaves)] };
    }
    let k = k(leaves.len());
    let (left, right) = leaves.split_at(k);
    if m <= k {
        [subproof(m, left, known), vec![mth(right)]].concat()
    } else {
        [subproof(m - k, right, false), vec![mth(left)]].concat()
    }
}

/// The largest power of two smaller than n.
fn k(n: usize) -> usize {
    n.next_power_of_two() / 2
}

/// A store of nodes that refuses to be told a node twice.
#[derive(Default)]
pub(crate) struct Nodes(pub(crate) BTreeMap<NodeId, Hash>);

impl NodeReader for Nodes {
    type Error = Infallible;

    fn node(&self, level: u8, index: u64) -> Result<Hash, Infallible> {
        Ok(*self
            .0
            .get(&NodeId { level, index })
            .expect("only complete nodes are asked for"))
    }
}

/// Appends the leaves and keeps every node that was emitted.
pub(crate) fn grow(leaves: &[Vec<u8>]) -> (Frontier, Nodes) {
    let mut frontier = Frontier::new();
    let mut nodes = Nodes::default();
    for leaf in leaves {
        frontier.append(leaf_hash(leaf), &mut |id, hash| {
            assert!(nodes.0.insert(id, hash).is_none(), "node is emitted twice");
        });
    }
    (frontier, nodes)
}

/// Leaves that differ in content and length.
pub(crate) fn leaves(count: usize) -> Vec<Vec<u8>> {
    (0..count)
        .map(|i| format!("leaf {i} {}", "x".repeat(i % 7)).into_bytes())
        .collect()
}
