//! The Raft log: segments of checksummed frames on a [`Disk`], one sync for many of them.
//!
//! It is the write-ahead log of the whole replica, and its only stream of syncs: the state store
//! is rebuilt from it after a crash. It must never say that something is durable before
//! [`RaftLog::sync`] has returned, never go on after the disk has failed, and never drop a frame
//! that was synced.
//!
//! # Layout
//!
//! A segment is a file of fixed size, written front to back. A *frame* is what one sync made
//! durable: a header ([`frame`]) and records (entries, hard state, head vows), padded to whole
//! blocks, so that no block is written again once it was synced. Frames are numbered without gaps,
//! and each names the hash of the one before. The first frame of a segment opens with a record of
//! what stood at that moment, so that older segments can go without losing the vote.
//!
//! # What a broken frame means
//!
//! Frame n + 1 is written only after frame n was synced. A broken frame with nothing newer behind
//! it was never promised to anybody: it is torn, and cut off. A broken frame *followed by a newer
//! one* was promised and is lost: the log refuses to open ([`LogError::BitRot`]) and the replica
//! has to be rebuilt from its peers. A very last frame that rotted cannot be told from a torn one;
//! heads that other replicas cosigned make such a loss visible.

mod disk;
mod frame;
mod index;
mod mem_disk;
mod read;
mod recover;
mod retain;
mod segments;
mod writer;

#[cfg(test)]
mod tests;

pub use disk::{Disk, DiskError, SegmentName};
pub use mem_disk::{Fault, MemDisk};
pub use retain::Retention;
pub use writer::RaftLog;

use crate::entry::{HardState, LogEntry};

/// Size of a block in bytes: the unit frames are padded to. 4 KiB is the page of the kernel and
/// the largest sector of the disks in use.
pub const BLOCK_BYTES: u64 = 4096;

/// Longest origin of a [`HeadVow`] in bytes: a cluster name with epoch and group is far shorter.
pub const ORIGIN_BYTES_MAX: usize = 1024;

/// How the log is laid out; may differ from one start to the next, except for `log_id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogOptions {
    /// The log's own number, drawn at random when the replica was formatted. It goes into every
    /// header checksum, so that frames of another log, or bytes a client crafted to look like a
    /// frame, are not taken for ours.
    pub log_id: [u8; 16],
    /// The Raft group whose records are written; zero while there is one.
    pub group: u16,
    /// Size of a new segment, in bytes; a multiple of [`BLOCK_BYTES`].
    pub segment_bytes: u64,
    /// Most bytes of records in one frame. Larger batches become several frames with a sync each.
    pub frame_bytes_max: u64,
    /// How many bytes one [`RaftLog::prepare_step`] writes to the spare segment.
    pub prepare_step_bytes: u64,
    /// How many released segments are kept for use again, instead of being removed.
    pub spares_max: usize,
}

impl LogOptions {
    /// The defaults for a log with this number: 64 MiB segments.
    #[must_use]
    pub const fn new(log_id: [u8; 16]) -> Self {
        Self {
            log_id,
            group: 0,
            // A new file about every 64 MiB keeps renames and directory syncs rare, and what a
            // release gives back reasonably fine-grained.
            segment_bytes: 64 << 20,
            // Four of the largest messages Raft sends; a sync of this size takes milliseconds.
            frame_bytes_max: 8 << 20,
            // Under a millisecond on the disks measured; 64 steps make a segment.
            prepare_step_bytes: 1 << 20,
            spares_max: 4,
        }
    }
}

/// What a replica promised by signing a head: at this size, this root and no other.
///
/// # Durability
///
/// Appended and synced before the signature leaves the replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadVow {
    /// The log's name, as it stands in the signed checkpoint; at most [`ORIGIN_BYTES_MAX`].
    pub origin: Vec<u8>,
    /// Number of leaves.
    pub size: u64,
    /// Root over those leaves.
    pub root: [u8; 32],
}

/// One thing to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FrameBody {
    /// Entries with consecutive indexes, and the hard state that came with them. If the log
    /// already reaches the first index, it is cut off there: this frame is the record of that.
    Append {
        /// The entries; empty means that only the hard state counts.
        entries: Vec<LogEntry>,
        /// The newest hard state, if it changed.
        hard_state: Option<HardState>,
    },
    /// A new hard state. One that moves only the commit index needs no sync of its own and rides
    /// in the next frame.
    HardState(HardState),
    /// A head this replica is about to sign.
    Head(HeadVow),
    /// A snapshot took the place of the whole log.
    Reset {
        /// Last index the snapshot covers.
        index: u64,
        /// Term of that entry.
        term: u64,
        /// The hard state from here on.
        hard_state: HardState,
    },
}

/// What [`RaftLog::open`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// Every entry of the log, ascending.
    pub entries: Vec<LogEntry>,
    /// Newest hard state; its commit index may lag behind what was applied.
    pub hard_state: HardState,
    /// Index of the entry before the first; zero if nothing was ever released.
    pub base_index: u64,
    /// Term of the entry at `base_index`.
    pub base_term: u64,
    /// `base_index + 1`, whether that entry exists or not.
    pub first_index: u64,
    /// Index of the last entry; `base_index` if there is none.
    pub last_index: u64,
    /// The last head this replica vowed.
    pub newest_head: Option<HeadVow>,
    /// Whether an unfinished last frame was found and cut off.
    pub truncated_torn_tail: bool,
}

/// What one [`RaftLog::sync`] did, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Synced {
    /// Frames written, each with one sync; zero if nothing had to be.
    pub frames: u64,
    /// Bytes written, padding included.
    pub bytes: u64,
}

/// Why the log refused.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The disk failed; the log answers nothing from here on, and the process must stop.
    #[error("the raft log cannot go on")]
    Disk(#[source] DiskError),
    /// No room for another segment. What was staged is still staged; the log can go on once there
    /// is room.
    #[error("no space for another segment of the raft log")]
    NoSpace(#[source] DiskError),
    /// The disk failed earlier.
    #[error("the raft log failed earlier and is closed")]
    Poisoned,
    /// A frame that was promised is broken: refuse to start, rebuild from peers.
    #[error("a frame of the raft log is broken and newer ones follow it")]
    BitRot {
        /// Number of the segment.
        segment: u64,
        /// Where in the segment the frame should be, in bytes.
        offset: u64,
    },
    /// A frame checks out but says what this version does not understand.
    #[error("a frame of the raft log does not decode")]
    Malformed {
        /// Number of the segment.
        segment: u64,
        /// Where in the segment the frame is, in bytes.
        offset: u64,
    },
    /// There is no log on this disk.
    #[error("the raft log is missing")]
    Missing,
    /// A segment between two others is gone.
    #[error("a segment of the raft log is missing")]
    SegmentMissing {
        /// Its number.
        segment: u64,
    },
    /// There is a log on this disk already.
    #[error("the disk holds a raft log already")]
    Exists,
    /// Entries do not follow on the log, or not on each other.
    #[error("entries do not continue the raft log")]
    Gap,
    /// An entry or an origin is larger than the log takes.
    #[error("a record is too large for the raft log")]
    TooLarge,
    /// The entries asked for were released.
    #[error("the entries asked for are no longer in the raft log")]
    Compacted,
    /// The sizes in the options contradict each other.
    #[error("the options of the raft log make no sense")]
    Options,
}
