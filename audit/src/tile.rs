//! Where a node lives in the C2SP tile layout: tiles of 256 hashes, eight levels per tile.
//!
//! A tile at tile level `L` holds nodes of tree level `8·L` only; the seven levels above them are
//! computed from its hashes. Storage and mirrors use this to pack nodes; proofs do not need it.
//!
//! # Sources
//!
//! <https://c2sp.org/tlog-tiles>, "Merkle tree".

use alloc::format;
use alloc::string::String;

use crate::tree::{Hash, NodeId, node_hash};

/// Hashes in a full tile.
pub const TILE_WIDTH: u16 = 256;

/// The run of tile hashes that one node covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TileSpan {
    /// Tile level: the node's level divided by eight.
    pub tile_level: u8,
    /// Number of the tile in its level, from the left.
    pub tile_index: u64,
    /// First hash of the run, counted from the start of the tile; below 256.
    pub offset: u8,
    /// Number of hashes in the run: 1, 2, 4 … 128. One means: stored as such.
    pub width: u8,
}

impl TileSpan {
    /// Finds the run of tile hashes that the node covers.
    #[must_use]
    pub fn of(node: NodeId) -> Self {
        let above = node.level % 8;
        // The lowest eight bits of the first covered position are the offset, the rest the tile.
        let tile_index = node.index >> (8 - above);
        let low = u8::try_from(node.index & (0xff >> above)).unwrap_or(0);
        Self {
            tile_level: node.level / 8,
            tile_index,
            offset: low << above,
            width: 1 << above,
        }
    }

    /// Computes the node from the hashes of its tile; `None` when the tile does not reach so far.
    #[must_use]
    pub fn node(&self, tile: &[Hash]) -> Option<Hash> {
        let begin = usize::from(self.offset);
        let mut hashes = tile.get(begin..begin + usize::from(self.width))?.to_vec();
        while hashes.len() > 1 {
            hashes = hashes
                .as_chunks::<2>()
                .0
                .iter()
                .map(|[left, right]| node_hash(left, right))
                .collect();
        }
        hashes.first().copied()
    }
}

/// Writes the path of a tile, such as `tile/0/x001/234` or, with `width` below 256,
/// `tile/0/x001/234.p/17`.
#[must_use]
pub fn tile_path(tile_level: u8, tile_index: u64, width: u16) -> String {
    let mut number = format!("{:03}", tile_index % 1000);
    let mut rest = tile_index / 1000;
    while rest > 0 {
        number = format!("x{:03}/{number}", rest % 1000);
        rest /= 1000;
    }
    if width < TILE_WIDTH {
        format!("tile/{tile_level}/{number}.p/{width}")
    } else {
        format!("tile/{tile_level}/{number}")
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeMap;
    use alloc::vec::Vec;

    use super::*;
    use crate::tree::{Frontier, leaf_hash};

    #[test]
    fn paths_follow_the_examples_of_the_specification() {
        assert_eq!(tile_path(0, 1_234_067, 256), "tile/0/x001/x234/067");
        assert_eq!(tile_path(1, 0, 3), "tile/1/000.p/3");
        assert_eq!(tile_path(0, 999, 256), "tile/0/999");
        assert_eq!(tile_path(0, 1000, 255), "tile/0/x001/000.p/255");
    }

    #[test]
    fn every_node_is_computed_from_the_tile_that_covers_it() {
        let mut nodes = BTreeMap::new();
        let mut frontier = Frontier::new();
        for leaf in 0_u32..1500 {
            frontier.append(leaf_hash(&leaf.to_be_bytes()), &mut |id, hash| {
                nodes.insert(id, hash);
            });
        }
        for (id, hash) in &nodes {
            let span = TileSpan::of(*id);
            let tile: Vec<Hash> = (0..256)
                .map_while(|k| {
                    let index = span.tile_index * 256 + k;
                    nodes
                        .get(&NodeId {
                            level: span.tile_level * 8,
                            index,
                        })
                        .copied()
                })
                .collect();
            assert_eq!(span.node(&tile), Some(*hash), "{id:?}");
        }
    }
}
