//! Snapshots: how a replica that lacks what every log has dropped gets the state, and why it may believe it.
//!
//! ```text
//! mark ──▶ frozen view, digest ──▶ recorded as a leaf ──▶ head sealed over it
//!            │ chunks                                       │
//!            ▼                                              ▼
//!  receiver: state beside its own ── same digest? ◀── manifest: leaf, path, head
//!            │ yes: synced, switched to, log starts behind the mark
//!            ▼
//!  entries after the mark by the log; old leaves of the audit log later, each piece proved
//! ```
//!
//! What travels is logical: the pairs of the tables that all replicas hold alike, in order, so that any
//! replica can serve any other. The receiver believes nobody: a quorum has signed a head, the head
//! contains the leaf, the leaf names the digest, and what came digests to it. The digested state names
//! a sealed head of its own ([`Progress::sealed`](akashi_domain::records::Progress)); the tree is
//! rebuilt from the right edge at that size ([`Manifest::edge`]), whose root must be that head's.
//!
//! Nothing here reads a disk or a network: `akashi-node` and the simulator bring both.

mod chunk;
mod history;
mod manifest;
mod offer;
mod receive;
mod switch;

pub use chunk::{CHUNK_BYTES_MAX, Chunk, ChunkError, Cursor, read_chunk};
pub use history::{
    HISTORY_BYTES_MAX, HISTORY_LEAVES_MAX, History, HistoryError, HistoryPart, Proved, read_history,
};
pub use manifest::{MANIFEST_BYTES_MAX, Manifest, ManifestError, Verified};
pub use offer::{Offer, frozen_progress};
pub use receive::{ReceiveError, Receiver, Want};
pub use switch::{Base, Place, SwitchError, Switched, switch};
