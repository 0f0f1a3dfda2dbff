//! Spare segments: made ready in small steps, taken at a roll, refilled by released segments.
//!
//! A spare is never part of the log. It becomes one by a rename, and only when it has its full
//! size on disk.

use super::disk::{Disk, DiskError, SegmentName};
use super::{BLOCK_BYTES, LogOptions};

/// A segment that waits to be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Spare {
    number: u64,
    bytes: u64,
}

/// The spares on the disk.
#[derive(Clone, Debug, Default)]
pub(super) struct Spares {
    waiting: Vec<Spare>,
    next_number: u64,
}

impl Spares {
    /// Takes note of a spare found on the disk.
    pub(super) fn found(&mut self, number: u64, bytes: u64) {
        self.waiting.push(Spare { number, bytes });
        self.next_number = self.next_number.max(number.saturating_add(1));
    }

    /// How many there are, finished or not.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether one has its full size.
    pub(super) fn is_ready(&self, options: &LogOptions) -> bool {
        self.waiting
            .iter()
            .any(|spare| spare.bytes >= options.segment_bytes)
    }

    /// Brings the spare that is furthest a step nearer to its full size. Returns whether one is
    /// ready.
    ///
    /// # Errors
    ///
    /// [`DiskError::NoSpace`] leaves the spare out of the list; the caller may try again later.
    pub(super) fn step(
        &mut self,
        disk: &mut impl Disk,
        options: &LogOptions,
    ) -> Result<bool, DiskError> {
        self.grow(disk, options, options.prepare_step_bytes.max(BLOCK_BYTES))
    }

    /// Like [`Spares::step`], with `step` bytes.
    fn grow(
        &mut self,
        disk: &mut impl Disk,
        options: &LogOptions,
        step: u64,
    ) -> Result<bool, DiskError> {
        if self.is_ready(options) {
            return Ok(true);
        }
        let mut spare = match self.waiting.pop() {
            Some(spare) => spare,
            None => Spare {
                number: self.take_number(),
                bytes: 0,
            },
        };
        let bytes = spare.bytes.saturating_add(step).min(options.segment_bytes);
        let name = SegmentName::Spare(spare.number);
        match disk.extend(name, bytes) {
            Ok(()) => {}
            Err(full @ DiskError::NoSpace(_)) => {
                // What the file holds is unknown; giving its room back is all it is good for.
                disk.remove(name)?;
                return Err(full);
            }
            Err(failed @ DiskError::Failed(_)) => return Err(failed),
        }
        spare.bytes = bytes;
        self.waiting.push(spare);
        Ok(self.is_ready(options))
    }

    /// Turns a ready spare into the live segment `number`; makes one first if there is none.
    /// Returns its size in bytes.
    pub(super) fn take(
        &mut self,
        disk: &mut impl Disk,
        options: &LogOptions,
        number: u64,
    ) -> Result<u64, DiskError> {
        loop {
            let ready = self
                .waiting
                .iter()
                .position(|spare| spare.bytes >= options.segment_bytes);
            if let Some(at) = ready {
                let spare = self.waiting.swap_remove(at);
                disk.rename(SegmentName::Spare(spare.number), SegmentName::Live(number))?;
                return Ok(spare.bytes);
            }
            self.grow(disk, options, options.segment_bytes)?;
        }
    }

    /// Takes the live segment `number` out of the log: kept as a spare while there are few.
    pub(super) fn recycle(
        &mut self,
        disk: &mut impl Disk,
        options: &LogOptions,
        (number, bytes): (u64, u64),
    ) -> Result<(), DiskError> {
        if self.waiting.len() >= options.spares_max || bytes < options.segment_bytes {
            return disk.remove(SegmentName::Live(number));
        }
        let spare = Spare {
            number: self.take_number(),
            bytes,
        };
        disk.rename(SegmentName::Live(number), SegmentName::Spare(spare.number))?;
        self.waiting.push(spare);
        Ok(())
    }

    fn take_number(&mut self) -> u64 {
        let number = self.next_number;
        self.next_number = number.saturating_add(1);
        number
    }
}
