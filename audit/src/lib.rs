//! The audit log of akashi: what a verdict is proved with, long after the call.
//!
//! Every replica appends one leaf per event to an append-only Merkle tree (RFC 9162, SHA-256).
//! A replica that has executed every entry up to a size and got a root signs that head; a quorum
//! of such signatures is what a receipt rests on. Heads, cosignatures and receipts use the text
//! formats of the transparency ecosystem (C2SP signed-note, tlog-checkpoint, tlog-cosignature,
//! tlog-proof, tlog-policy), so that an auditor need not trust this code.
//!
//! The crate never does input or output, never reads a clock, draws no randomness and never
//! panics on any input: an offline verifier needs nothing else of akashi.
//!
//! Where to start: [`Receipt::verify`] for auditors, [`statement`] for client firms, [`Follower`] for readers of the whole log,
//! [`Frontier`] for the replica that appends.
//!
//! # Examples
//!
//! An auditor's check, with a key set and a receipt from files:
//!
//! ```
//! use akashi_merkle::{KeySet, Receipt};
//!
//! let keys = KeySet::parse(include_str!("../tests/golden/keys.txt"))?;
//! let receipt = Receipt::parse(include_str!("../tests/golden/receipt.tlog-proof"))?;
//! let proved = receipt.verify(&keys)?;
//! assert_eq!(proved.index(), 6);
//! assert_eq!(proved.head().vouches().len(), 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Sources
//!
//! RFC 6962 and RFC 9162 section 2.1; <https://c2sp.org> signed-note, tlog-checkpoint,
//! tlog-cosignature, tlog-proof, tlog-policy, tlog-tiles.

#![no_std]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

extern crate alloc;

mod check;
mod consistency;
mod cosign;
mod follow;
mod head;
mod held;
mod history;
mod inclusion;
mod keys;
mod leaf;
mod multi;
mod note;
pub mod processed;
mod receipt;
pub mod statement;
mod text;
mod tile;
mod tree;

pub use check::{CheckError, CheckedHead, Equivocation, Vouch, find_equivocation};
pub use consistency::{ConsistencyError, consistency_proof, verify_consistency};
pub use cosign::{CosignError, Cosignature, CosignerKey, CosignerSecret, KeyError};
pub use follow::{FollowError, Follower};
pub use head::{Head, HeadError, Origin, OriginError};
pub use held::{Held, HeldError, HeldReceipt};
pub use history::{
    KEY_CHANGES_MAX, KEY_SET_COLUMN, KeyChain, KeyChange, KeyChangeFault, KeyHistory,
    KeyHistoryError, MEMBER_PROMOTED, MEMBER_REMOVED, key_set_digest, named_successor,
};
pub use inclusion::{InclusionError, inclusion_proof, verify_inclusion};
pub use keys::{COSIGNERS_MAX, Cosigner, KeySet, KeySetError, KeySetFault};
pub use leaf::{
    ENTRY_BYTES_MAX, EXTENSION_BYTES_MAX, Extensions, LEAF_FIXED_BYTES, LEAF_VERSION, Leaf,
    LeafError,
};
pub use multi::{
    MULTI_LEAVES_MAX, MultiInclusionError, MultiProofError, multi_inclusion_proof,
    verify_multi_inclusion,
};
pub use note::{NoteError, NoteSignature, SIGNATURES_MAX, SignedHead};
pub use receipt::{CheckedLeaf, Receipt, ReceiptError};
pub use tile::{TILE_WIDTH, TileSpan, tile_path};
pub use tree::{
    Frontier, FrontierError, Hash, NodeId, NodeReader, ProofError, TREE_SIZE_MAX, empty_root,
    leaf_hash, node_hash, root_at,
};
