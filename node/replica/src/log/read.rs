//! Reading entries back from disk, for followers that are further behind than memory reaches.

use super::disk::Disk;
use super::frame::{self, HEADER_BYTES, Record};
use super::recover::{Found, read_frame};
use super::writer::RaftLog;
use super::{LogError, frame::len64};
use crate::entry::LogEntry;

impl<D: Disk> RaftLog<D> {
    /// Synced entries with `lo <= index < hi`, ascending: as many as `max_bytes` of data allow,
    /// and at least the first. Fewer, or none, when the log ends before `hi`.
    ///
    /// # Cost
    ///
    /// Reads and checks every frame it takes entries from; the log thread does nothing else
    /// meanwhile, so ask for a message's worth at a time.
    ///
    /// # Errors
    ///
    /// [`LogError::Compacted`] when `lo` was released; [`LogError::BitRot`] and
    /// [`LogError::Malformed`] when a frame no longer reads as it was written, which closes the
    /// log; the errors of the disk, which do too.
    pub fn read_entries(
        &mut self,
        lo: u64,
        hi: u64,
        max_bytes: u64,
    ) -> Result<Vec<LogEntry>, LogError> {
        self.check_open()?;
        if lo <= self.terms.base().0 {
            return Err(LogError::Compacted);
        }
        let mut entries: Vec<LogEntry> = Vec::new();
        let mut bytes: u64 = 0;
        let mut wanted = lo;
        while wanted < hi {
            let Some(span) = self.spans.from(wanted).next().copied() else {
                break;
            };
            if span.first > wanted {
                break;
            }
            let found = self.frame_entries((span.segment, span.offset));
            let found = found.inspect_err(|_refused| self.poisoned = true)?;
            let end = hi.min(span.last.saturating_add(1));
            for entry in found
                .into_iter()
                .filter(|entry| (wanted..end).contains(&entry.index))
            {
                bytes = bytes.saturating_add(len64(entry.data.len()));
                if bytes > max_bytes && !entries.is_empty() {
                    return Ok(entries);
                }
                entries.push(entry);
            }
            wanted = end;
        }
        Ok(entries)
    }

    /// The entries a frame leaves in the log.
    fn frame_entries(&mut self, place: (u64, u64)) -> Result<Vec<LogEntry>, LogError> {
        let (segment, offset) = place;
        let segment_bytes = self
            .segments
            .iter()
            .find(|known| known.0 == segment)
            .map_or(0, |known| known.1);
        let found = read_frame(&mut self.disk, &self.options.log_id, place, segment_bytes)?;
        let Found::Whole(header, frame) = found else {
            return Err(LogError::BitRot { segment, offset });
        };
        let bytes = frame.get(HEADER_BYTES..).unwrap_or_default();
        let records = frame::decode_records(&header, self.options.group, bytes)
            .map_err(|frame::Undecodable| LogError::Malformed { segment, offset })?;
        let mut entries: Vec<LogEntry> = Vec::new();
        for record in records {
            match record {
                Record::Append {
                    first_index,
                    entries: newer,
                    ..
                } => {
                    entries.retain(|entry| entry.index < first_index);
                    entries.extend(newer);
                }
                Record::Reset { .. } => entries.clear(),
                Record::Open { .. } | Record::HardState(_) | Record::Head(_) => {}
            }
        }
        Ok(entries)
    }
}
