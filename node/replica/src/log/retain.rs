//! What the log may drop: whole segments, oldest first, by limits that the caller knows.
//!
//! It must never drop an entry whose effects the state store may still lose, and never the newest
//! segment. Everything else is a matter of room: what somebody still needs stays as long as the log
//! is below its cap, and goes above it, so that neither a dead follower nor sealing that stands
//! still can fill the disk.

use super::LogError;
use super::disk::Disk;
use super::writer::RaftLog;

/// How much of the log stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// The state store holds everything up to here for good: nothing after it ever goes.
    pub durable: u64,
    /// Up to here nobody needs the entries any more: the slowest follower has them, their leaves are
    /// sealed. Nothing after it goes while there is room.
    pub needed_after: u64,
    /// Segments that stay although nobody is known to need them: a replica that was away for a
    /// moment, and meets another leader when it is back, catches up from them. At least one.
    pub segments_kept: usize,
    /// More segments than this are dropped even if somebody needs them, up to `durable`.
    pub segments_max: usize,
}

impl<D: Disk> RaftLog<D> {
    /// Drops the whole segments that may go. Returns how many.
    ///
    /// # Durability
    ///
    /// A segment goes by one rename or removal. What is left after a crash between two of them is a
    /// log that starts earlier than [`RaftLog::base`] would have said, and nothing else.
    ///
    /// # Errors
    ///
    /// An error of the disk closes the log.
    pub fn retain(&mut self, limits: &Retention) -> Result<usize, LogError> {
        self.check_open()?;
        let mut dropped: usize = 0;
        while self.segments.len() > limits.segments_kept.max(1) {
            let bound = if self.segments.len() > limits.segments_max {
                limits.durable
            } else {
                limits.durable.min(limits.needed_after)
            };
            if !self.release_oldest(bound.saturating_add(1))? {
                break;
            }
            dropped = dropped.saturating_add(1);
        }
        Ok(dropped)
    }

    /// Drops the whole segments that hold nothing but entries before `index`. Returns how many.
    ///
    /// The caller makes sure that the state store has those entries for good, and that nobody
    /// needs them.
    ///
    /// # Errors
    ///
    /// An error of the disk closes the log.
    pub fn release_before(&mut self, index: u64) -> Result<usize, LogError> {
        self.check_open()?;
        let mut dropped: usize = 0;
        while self.segments.len() > 1 && self.release_oldest(index)? {
            dropped = dropped.saturating_add(1);
        }
        Ok(dropped)
    }

    /// Drops the oldest segment if it holds nothing but entries before `index`; returns whether.
    fn release_oldest(&mut self, index: u64) -> Result<bool, LogError> {
        let Some(&(number, bytes)) = self.segments.front() else {
            return Ok(false);
        };
        let last = self.spans.last_in(number);
        if last.is_some_and(|last| last >= index) {
            return Ok(false);
        }
        self.spares
            .recycle(&mut self.disk, &self.options, (number, bytes))
            .map_err(|error| self.poison(error))?;
        self.segments.pop_front();
        self.spans.release(number);
        if let Some(last) = last {
            self.terms.release(last);
        }
        Ok(true)
    }
}
