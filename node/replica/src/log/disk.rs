//! What the log needs from a disk: fixed-size segment files, explicit syncs, nothing else.
//!
//! `akashi-node` implements [`Disk`] on real files; [`MemDisk`](super::MemDisk) is the twin that
//! loses and tears unsynced writes when told to. The log must never reach a disk by any other way.

use std::error::Error;

/// What a segment file is called; the disk chooses how that looks in its directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SegmentName {
    /// Part of the log. Numbers rise by one and are never used twice.
    Live(u64),
    /// Waiting to become part of the log: zeros, or the bytes of a segment that was released.
    /// The number only tells spares apart.
    Spare(u64),
}

/// Why the disk did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// The disk is full. Nothing that was synced before is affected.
    #[error("no space left for the raft log")]
    NoSpace(#[source] Box<dyn Error + Send + Sync>),
    /// The disk failed. What was written since the last sync may or may not be there.
    #[error("the disk of the raft log failed")]
    Failed(#[source] Box<dyn Error + Send + Sync>),
}

/// A directory of segment files. Synchronous, and used by one caller at a time.
///
/// # Durability
///
/// [`Disk::write_at`] promises nothing until [`Disk::sync`] of the same file has returned. Every
/// other change ([`Disk::extend`], [`Disk::rename`], [`Disk::remove`]) survives a power loss once
/// it has returned; one that is interrupted by it has happened or has not, except that `extend`
/// may have grown the file part of the way.
///
/// # Errors
///
/// Every method returns [`DiskError`]; a caller must not repeat a write or a sync that failed.
pub trait Disk {
    /// Every segment with its length in bytes, in any order, after making sure that the directory
    /// itself is on disk: what is listed will still be there after a power loss.
    ///
    /// # Errors
    ///
    /// [`DiskError`] when the directory cannot be read or synced.
    fn list(&mut self) -> Result<Vec<(SegmentName, u64)>, DiskError>;

    /// Grows `name` to `bytes` with written (not merely reserved) zeros, creating it if it is not
    /// there, and syncs file and directory. A file that is longer stays as it is.
    ///
    /// # Errors
    ///
    /// [`DiskError`]; after [`DiskError::NoSpace`] the file must be removed before it is used.
    fn extend(&mut self, name: SegmentName, bytes: u64) -> Result<(), DiskError>;

    /// Fills `buffer` from `offset`.
    ///
    /// # Errors
    ///
    /// [`DiskError::Failed`] also when the file ends before the buffer is full.
    fn read_at(
        &mut self,
        name: SegmentName,
        offset: u64,
        buffer: &mut [u8],
    ) -> Result<(), DiskError>;

    /// Writes `bytes` at `offset`, inside the length the file was given by [`Disk::extend`].
    ///
    /// # Errors
    ///
    /// [`DiskError`]; part of the bytes may have been written.
    fn write_at(&mut self, name: SegmentName, offset: u64, bytes: &[u8]) -> Result<(), DiskError>;

    /// Makes everything written to `name` survive a power loss.
    ///
    /// # Errors
    ///
    /// [`DiskError`]; never call it again for the same bytes: the kernel may have dropped them and
    /// would report success (<https://wiki.postgresql.org/wiki/Fsync_Errors>).
    fn sync(&mut self, name: SegmentName) -> Result<(), DiskError>;

    /// Gives the segment `from` the name `to`, which is free, and syncs the directory.
    ///
    /// # Errors
    ///
    /// [`DiskError`] when there is no `from`, or the disk refuses.
    fn rename(&mut self, from: SegmentName, to: SegmentName) -> Result<(), DiskError>;

    /// Removes the segment and syncs the directory.
    ///
    /// # Errors
    ///
    /// [`DiskError`] when there is no such segment, or the disk refuses.
    fn remove(&mut self, name: SegmentName) -> Result<(), DiskError>;
}
