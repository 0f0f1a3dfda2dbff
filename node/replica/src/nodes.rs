//! Which nodes of the Merkle tree are stored, and how the others are found.
//!
//! A node near the leaves is cheaper to compute than to keep: stored from [`LEVEL_STORED`] up, a leaf
//! costs a quarter of a node in the store instead of two. What is below is hashed from the leaves
//! themselves, seven of them at most for a whole proof.
//!
//! # Upgrades
//!
//! A store that was written when every node was stored holds more than is needed, and the same values. A
//! store that holds a low node and not its leaves (they are on their way from another replica) is read
//! from the node.

use akashi_domain::kv::{Fault, Table, View};
use akashi_merkle::{Hash, NodeId, leaf_hash, node_hash};

/// Trees of leaves are numbered like Raft groups; there is one.
const TREE: u16 = 0;
/// The lowest level whose nodes are stored: each covers eight leaves.
pub const LEVEL_STORED: u8 = 3;

/// Whether a node is stored when it becomes complete.
#[must_use]
pub const fn is_stored(node: NodeId) -> bool {
    node.level >= LEVEL_STORED
}

/// Where a node lies in [`Table::Tiles`].
#[must_use]
pub fn node_key(node: NodeId) -> Vec<u8> {
    let mut key = Vec::with_capacity(11);
    key.extend_from_slice(&TREE.to_be_bytes());
    key.push(node.level);
    key.extend_from_slice(&node.index.to_be_bytes());
    key
}

/// Where a leaf lies in [`Table::Audit`].
#[must_use]
pub fn leaf_key(index: u64) -> Vec<u8> {
    let mut key = Vec::with_capacity(10);
    key.extend_from_slice(&TREE.to_be_bytes());
    key.extend_from_slice(&index.to_be_bytes());
    key
}

/// The hash of a complete node: from its leaves, as it is stored, or from the two below it, of which
/// one may be at the edge of what a snapshot brought.
///
/// # Errors
///
/// [`Fault::Corrupt`] if neither the node nor its leaves are there; [`Fault::Storage`] if the store
/// does not answer.
pub fn read<V: View + ?Sized>(view: &V, node: NodeId) -> Result<Hash, Fault> {
    if !is_stored(node)
        && let Some(hash) = computed(view, node)?
    {
        return Ok(hash);
    }
    if let Some(stored) = view.get(Table::Tiles, &node_key(node))? {
        return stored.try_into().map_err(|_another_width| Fault::Corrupt);
    }
    if is_stored(node) {
        return Err(Fault::Corrupt);
    }
    let level = node.level.checked_sub(1).ok_or(Fault::Corrupt)?;
    let first = node.index.checked_mul(2).ok_or(Fault::Corrupt)?;
    let index = first.checked_add(1).ok_or(Fault::Corrupt)?;
    let left = read(
        view,
        NodeId {
            level,
            index: first,
        },
    )?;
    let right = read(view, NodeId { level, index })?;
    Ok(node_hash(&left, &right))
}

/// The hash of a low node from its leaves; none if one of them is missing.
fn computed<V: View + ?Sized>(view: &V, node: NodeId) -> Result<Option<Hash>, Fault> {
    let leaves = 1_u64 << node.level.min(LEVEL_STORED);
    let first = node.index.checked_mul(leaves).ok_or(Fault::Corrupt)?;
    if node.level == 0 {
        let leaf = view.get(Table::Audit, &leaf_key(first))?;
        return Ok(leaf.map(|leaf| leaf_hash(&leaf)));
    }
    let end = first.checked_add(leaves).ok_or(Fault::Corrupt)?;
    let count = usize::try_from(leaves).unwrap_or(usize::MAX);
    let found = view.scan(Table::Audit, &leaf_key(first), &leaf_key(end), count)?;
    if found.len() != count {
        return Ok(None);
    }
    let mut hashes: Vec<Hash> = found.iter().map(|(_, leaf)| leaf_hash(leaf)).collect();
    while hashes.len() > 1 {
        let (pairs, _) = hashes.as_chunks::<2>();
        hashes = pairs
            .iter()
            .map(|[left, right]| node_hash(left, right))
            .collect();
    }
    Ok(hashes.first().copied())
}

#[cfg(test)]
mod tests {
    use akashi_merkle::{Frontier, NodeReader, inclusion_proof, root_at, verify_inclusion};

    use super::*;
    use crate::machine::StoreView;
    use crate::store::{Batch, MemStore, StateStore as _};
    use std::sync::Arc;

    fn leaf(index: u64) -> Vec<u8> {
        index.to_be_bytes().repeat(7)
    }

    /// A store with `size` leaves and the nodes that `keep` lets in; every node's hash beside it.
    fn tree(
        size: u64,
        keep: impl Fn(NodeId) -> bool,
    ) -> (StoreView<MemStore>, Frontier, Vec<(NodeId, Hash)>) {
        let store = MemStore::default();
        let (mut frontier, mut all) = (Frontier::new(), Vec::new());
        for index in 0..size {
            let mut batch = Batch::default();
            frontier.append(leaf_hash(&leaf(index)), &mut |node, hash| {
                all.push((node, hash));
                if keep(node) {
                    batch.put(Table::Tiles, node_key(node), hash.to_vec());
                }
            });
            batch.put(Table::Audit, leaf_key(index), leaf(index));
            store.write(batch).unwrap();
        }
        (StoreView(Arc::new(store)), frontier, all)
    }

    #[test]
    fn a_node_that_is_not_stored_has_the_hash_it_had_when_it_became_complete() {
        for size in 0..70 {
            let (view, frontier, all) = tree(size, is_stored);
            for (node, hash) in all {
                assert_eq!(view.node(node.level, node.index).unwrap(), hash, "{node:?}");
            }
            assert_eq!(Frontier::from_reader(&view, size).unwrap(), frontier);
            assert_eq!(root_at(&view, size).unwrap(), frontier.root());
        }
    }

    #[test]
    fn proofs_of_every_leaf_hold_without_the_low_nodes() {
        let size = 41;
        let (view, frontier, _) = tree(size, is_stored);
        for index in 0..size {
            let path = inclusion_proof(&view, index, size).unwrap();
            let held = verify_inclusion(
                &leaf_hash(&leaf(index)),
                index,
                size,
                &path,
                &frontier.root(),
            );
            assert!(held.is_ok(), "{index}");
        }
    }

    #[test]
    fn a_leaf_costs_a_quarter_of_a_stored_node() {
        let (view, _, all) = tree(1 << 10, is_stored);
        let stored = view
            .scan(Table::Tiles, &[], &[0xff; 12], usize::MAX)
            .unwrap();
        assert_eq!((all.len(), stored.len()), (2_047, 255));
    }

    #[test]
    fn a_tree_that_begins_with_the_edge_of_another_is_read_to_its_end() {
        for base in 0..20_u64 {
            for size in base..base + 20 {
                let (view, frontier, all) = tree(size, is_stored);
                let mut batch = Batch::default();
                let edge = Frontier::peak_ids(base);
                for (node, hash) in all {
                    if edge.contains(&node) {
                        batch.put(Table::Tiles, node_key(node), hash.to_vec());
                    } else if (node.index + 1) << node.level <= base {
                        batch.delete(Table::Tiles, node_key(node));
                    }
                }
                (0..base).for_each(|index| batch.delete(Table::Audit, leaf_key(index)));
                view.0.write(batch).unwrap();
                let read = Frontier::from_reader(&view, size);
                assert_eq!(read.unwrap(), frontier, "{base} of {size}");
            }
        }
    }

    #[test]
    fn a_low_node_is_read_where_its_leaves_are_missing_and_nothing_is_made_up() {
        let (view, _, all) = tree(8, |_node| true);
        let mut batch = Batch::default();
        (0..8).for_each(|index| batch.delete(Table::Audit, leaf_key(index)));
        view.0.write(batch).unwrap();
        for (node, hash) in &all {
            assert_eq!(view.node(node.level, node.index).unwrap(), *hash);
        }
        let (bare, _, all) = tree(8, is_stored);
        let mut batch = Batch::default();
        batch.delete(Table::Audit, leaf_key(5));
        bare.0.write(batch).unwrap();
        for (node, _) in all.iter().filter(|(node, _)| !is_stored(*node)) {
            let covers = (5 >> node.level) == node.index;
            assert_eq!(
                bare.node(node.level, node.index).is_err(),
                covers,
                "{node:?}"
            );
        }
    }
}
