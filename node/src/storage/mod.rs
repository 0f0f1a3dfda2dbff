//! Disks: the data directory with its identity, the files of the Raft log, the state store.
//!
//! Everything here is synchronous, and each store has one caller that writes: the log thread the
//! Raft log, the apply thread the state. This is the only place that names `rocksdb` and the only
//! one that touches the data directory. It must never retry a sync that failed, and never open a
//! directory that is not certainly this node's.
//!
//! # What is durable when
//!
//! | moment | what is written | synced? | before |
//! |---|---|---|---|
//! | the node is formatted | first frame of the log; then the identity, by rename | file and directory | the node starts for the first time |
//! | raft hands over entries, a term or a vote | one frame for all that waited, in the newest segment | `fdatasync`, one per batch | a follower answers, a leader counts itself, anyone applies them |
//! | only the commit index moved | nothing; it rides in the next frame | no | – |
//! | a head is about to be signed | its vow, in a frame | `fdatasync` | the signature leaves |
//! | a segment is full | a spare of written zeros (or a released segment) is renamed to be the next | file when it is made, directory at the rename | its first frame |
//! | an entry is applied | state, leaves and progress in one write batch, without RocksDB's own log | no: the Raft log replays it | – |
//! | [`StateStore::flush`]: after 30 s, 48 MiB of changes or 100,000 entries, and at a clean stop | tables of all column families at one batch boundary | by RocksDB | segments before that boundary are released, a clean stop ends |
//! | RocksDB flushes by itself at 64 MiB | the same | by RocksDB | – |
//! | segments are released: flushed, on every replica, sealed; above the cap, flushed only | one rename or removal each, oldest first | directory | – |
//! | a snapshot is whole | the received state, then `snap-new/whole`, by rename | files and directories | anything of log or state changes |
//! | a node starts with a whole snapshot | the log's new start, one frame; then the received state takes the old one's place, by removal and rename; then `snap-new` goes | `fdatasync`; directories after each step | raft starts; each step is repeated by the next start |
//! | a piece of old audit log is filled in | leaves, nodes and how far, one write batch | no: it is asked for again | – |
//! | a sealed head is kept | head, and the removal of the one before, in one write batch | no: heads are collected anew | – |
//! | a caller is answered | nothing more | – | only after a quorum has synced the entry and this node has applied it |
//! | the replica is fenced | why, in a file of its own, by rename | file and directory | it has stopped serving, leading and signing already; a restart finds it |
//! | any of these fails | – | – | the process stops: no retry, no answer, no vote, no signature |
//!
//! A full disk is the one failure that leaves the log usable: segments have their room before they
//! are used, so it shows when the *next* one is prepared, and nothing of a frame is lost by it. What is
//! staged then waits, unacknowledged, until there is room. The ballast sees to it that there usually is.
//!
//! # The data directory
//!
//! ```text
//! lock           held exclusively by the running process
//! identity       whose directory this is; written once
//! identity.new   only while a format is under way
//! log/           segments of the Raft log: <number>.log, and spares <number>.spare
//! state/         RocksDB, one column family per table
//! ballast        room that is kept back, removed when the disk is full
//! fenced         why the replica must not serve, lead or sign; only if it is fenced
//! snap-new/      only while a snapshot is received; `whole` in it says that the next start takes it
//! ```

pub mod fence;
mod file_disk;
mod identity;
mod place;
mod rocks;
mod space;

use akashi_replica::log::LogError;
pub use akashi_replica::store::StateStore;
use akashi_replica::store::StoreError;

pub use file_disk::FileDisk;
pub use identity::{DataDirectory, Identity};
pub use place::{FilePlace, Incoming};
pub use rocks::RocksStore;
pub use space::{Marks, Room, Space};

/// Why the data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The file system refused.
    #[error("the data directory cannot be used")]
    Files(#[source] std::io::Error),
    /// Another process has the directory open.
    #[error("the data directory is in use by another process")]
    InUse,
    /// The directory was never formatted, or not to the end.
    #[error("the data directory never held a node; format it with --format-new, once")]
    NotFormatted,
    /// The directory belongs to a node already.
    #[error("the data directory is formatted already")]
    AlreadyFormatted,
    /// There is a log or a state without an identity.
    #[error("the data directory holds data of an unknown node")]
    Remains,
    /// The identity file does not read as one.
    #[error("the identity file is damaged")]
    IdentityDamaged,
    /// The directory belongs to another cluster or another node.
    #[error("the data directory belongs to another node")]
    OtherNode,
    /// The directory was written in a format this version does not know.
    #[error("the data directory has an unknown format")]
    UnknownFormat,
    /// The node has an identity and no log: its disk was emptied. It must come back under a new
    /// incarnation, because it may have voted.
    #[error("the raft log of this node is missing")]
    LogMissing,
    /// The state has applied entries the log does not have: the log is older than the state, and
    /// may lack a vote as well.
    #[error("the raft log ends before the applied state")]
    LogLost,
    /// The log refused.
    #[error("the raft log cannot be opened")]
    Log(#[source] LogError),
    /// The store that a snapshot is received into refused.
    #[error("the state of a snapshot cannot be written")]
    Received(#[source] StoreError),
    /// What says that a snapshot is whole does not read.
    #[error("the mark of a whole snapshot is damaged; remove `snap-new` to start without it")]
    SnapshotDamaged,
}

/// The start rule: whatever the state has applied, the log must still reach.
///
/// The state store is written without syncs and the log with them, so a state ahead of its log
/// means that the log was replaced by an older one.
///
/// # Errors
///
/// [`StorageError::LogLost`]: refuse to start; the node has to be rebuilt from its peers.
pub fn check_log_reaches(last_index: u64, applied: u64) -> Result<(), StorageError> {
    if last_index < applied {
        Err(StorageError::LogLost)
    } else {
        Ok(())
    }
}
