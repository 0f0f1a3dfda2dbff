//! Writing: staging records, one frame and one sync for all of them, the roll to a new segment.
//!
//! What the log says about itself moves in two steps. Staging moves the ends of the log, so that
//! the next record can be checked against them; only a sync that returned moves what a reader or a
//! new segment may rely on.

use std::collections::VecDeque;

use super::disk::{Disk, DiskError, SegmentName};
use super::frame::{self, Chain, ENTRY_OVERHEAD_BYTES, Encoder, len64};
use super::index::{Span, Spans, Terms};
use super::segments::Spares;
use super::{
    BLOCK_BYTES, FrameBody, HeadVow, LogError, LogOptions, ORIGIN_BYTES_MAX, Recovered, Synced,
};
use crate::entry::{HardState, LogEntry};

/// Most bytes of a frame besides its staged records: header, an opening record with the longest
/// origin, and a hard state.
const FRAME_OVERHEAD_BYTES: u64 = 2048;

/// The Raft log of one replica. One caller at a time: the log thread.
#[derive(Debug)]
pub struct RaftLog<D> {
    pub(super) disk: D,
    pub(super) options: LogOptions,
    pub(super) poisoned: bool,
    pub(super) tail: Tail,
    pub(super) spares: Spares,
    /// Numbers and sizes of the live segments, oldest first; the last is the one being written.
    pub(super) segments: VecDeque<(u64, u64)>,
    /// Where the synced live entries are.
    pub(super) spans: Spans,
    /// The ends and terms of the log, staged records included.
    pub(super) terms: Terms,
    /// Newest hard state, staged or not.
    pub(super) hard_state: HardState,
    /// Newest head vow, staged or not.
    pub(super) head: Option<HeadVow>,
    /// Staged frames that are full, oldest first.
    pub(super) full: VecDeque<Staged>,
    /// The staged frame that takes the next record.
    pub(super) staged: Staged,
}

/// Where the next frame goes, and what stands on disk before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tail {
    pub(super) offset: u64,
    pub(super) batch_no: u64,
    pub(super) chain: Chain,
    /// Index and term of the last synced entry.
    pub(super) last: (u64, u64),
    pub(super) hard_state: HardState,
    pub(super) head: Option<HeadVow>,
}

/// A frame in the making.
#[derive(Clone, Debug)]
pub(super) struct Staged {
    records: Encoder,
    /// First and last of the entries that will be live once this frame is the newest.
    range: Option<(u64, u64)>,
    /// Whether the frame starts the log anew.
    resets: bool,
    /// Index and term of the log's last entry after this frame.
    last: (u64, u64),
    /// Newest hard state among the records.
    hard_state: Option<HardState>,
    /// Newest head vow among the records.
    head: Option<HeadVow>,
}

impl Staged {
    /// A frame without records, for a log that ends at `last`.
    pub(super) fn new(group: u16, last: (u64, u64)) -> Self {
        let records = Encoder::new(group);
        Self {
            records,
            range: None,
            resets: false,
            last,
            hard_state: None,
            head: None,
        }
    }
}

impl<D: Disk> RaftLog<D> {
    /// Creates an empty log on an empty disk and syncs its first frame.
    ///
    /// # Errors
    ///
    /// [`LogError::Exists`] when the disk holds live segments; the errors of the disk.
    pub fn format(mut disk: D, options: LogOptions) -> Result<Self, LogError> {
        check(&options)?;
        let mut spares = Spares::default();
        for (name, bytes) in disk.list().map_err(LogError::Disk)? {
            match name {
                SegmentName::Live(_) => return Err(LogError::Exists),
                SegmentName::Spare(number) => spares.found(number, bytes),
            }
        }
        let mut log = Self {
            disk,
            options,
            poisoned: false,
            tail: Tail {
                offset: 0,
                batch_no: 1,
                chain: frame::genesis(&options.log_id),
                last: (0, 0),
                hard_state: HardState::default(),
                head: None,
            },
            spares,
            segments: VecDeque::new(),
            spans: Spans::default(),
            terms: Terms::default(),
            hard_state: HardState::default(),
            head: None,
            full: VecDeque::new(),
            staged: Staged::new(options.group, (0, 0)),
        };
        log.roll()?;
        log.write(Staged::new(options.group, (0, 0)))?;
        Ok(log)
    }

    /// Opens the log and reads all of it.
    ///
    /// # Durability
    ///
    /// Everything returned is on disk, whatever happened to the process that wrote it: the last
    /// frame is written and synced again, because a kernel that failed to write it may show it.
    ///
    /// # Errors
    ///
    /// [`LogError::Missing`] on a disk without a log, [`LogError::BitRot`],
    /// [`LogError::SegmentMissing`] and [`LogError::Malformed`] when a promised frame is gone;
    /// the errors of the disk.
    pub fn open(disk: D, options: LogOptions) -> Result<(Self, Recovered), LogError> {
        check(&options)?;
        super::recover::open(disk, options)
    }

    /// Stages `body` for the next [`RaftLog::sync`].
    ///
    /// # Durability
    ///
    /// None yet.
    ///
    /// # Errors
    ///
    /// [`LogError::Gap`] and [`LogError::TooLarge`] stage nothing; [`LogError::Poisoned`].
    pub fn append(&mut self, body: FrameBody) -> Result<(), LogError> {
        self.check_open()?;
        match body {
            FrameBody::Append {
                entries,
                hard_state,
            } => {
                if !entries.is_empty() {
                    self.stage_entries(&entries)?;
                }
                if let Some(hard_state) = hard_state {
                    self.hard_state = hard_state;
                }
            }
            FrameBody::HardState(hard_state) => self.hard_state = hard_state,
            FrameBody::Head(head) => {
                if head.origin.len() > ORIGIN_BYTES_MAX {
                    return Err(LogError::TooLarge);
                }
                let staged = self.room(frame::record_len(ORIGIN_BYTES_MAX));
                staged.records.head(&head);
                staged.head = Some(head.clone());
                self.head = Some(head);
            }
            FrameBody::Reset {
                index,
                term,
                hard_state,
            } => {
                self.terms = Terms::starting_after(index, term);
                self.hard_state = hard_state;
                let staged = self.room(frame::record_len(40));
                staged.records.reset(index, term, hard_state);
                staged.range = None;
                staged.resets = true;
                staged.last = (index, term);
                staged.hard_state = Some(hard_state);
            }
        }
        Ok(())
    }

    /// Whether a [`RaftLog::sync`] would write: something is staged that a message may wait for.
    #[must_use]
    pub fn needs_sync(&self) -> bool {
        !self.full.is_empty() || !self.staged.records.is_empty() || self.vote_moved()
    }

    /// Writes everything staged as one frame and syncs it. More than
    /// [`LogOptions::frame_bytes_max`] becomes several frames, each synced before the next is
    /// written. A hard state that moved only the commit index rides along and causes no write.
    ///
    /// # Durability
    ///
    /// Everything appended so far survives a power loss once this has returned.
    ///
    /// # Errors
    ///
    /// [`LogError::NoSpace`] keeps what is staged, and the call can be repeated when there is
    /// room. Any other error closes the log: the process must stop, and must not acknowledge,
    /// vote or sign.
    pub fn sync(&mut self) -> Result<Synced, LogError> {
        self.check_open()?;
        let mut done = Synced::default();
        if !self.needs_sync() {
            return Ok(done);
        }
        // A repeated call finds it staged already.
        let is_staged = self.staged.records.is_empty()
            && self
                .full
                .back()
                .is_some_and(|last| last.hard_state == Some(self.hard_state));
        if self.hard_state != self.tail.hard_state && !is_staged {
            self.staged.records.hard_state(self.hard_state);
            self.staged.hard_state = Some(self.hard_state);
        }
        self.seal();
        while let Some(next) = self.full.front() {
            let len = next.records.frame_len();
            if self.tail.offset.saturating_add(len) > self.capacity() {
                self.roll()?;
            }
            let Some(staged) = self.full.pop_front() else {
                break;
            };
            let bytes = self.write(staged)?;
            done.frames = done.frames.saturating_add(1);
            done.bytes = done.bytes.saturating_add(bytes);
        }
        Ok(done)
    }

    /// Brings the next segment a step nearer, once the one being written is half full. Returns
    /// whether there is more to do.
    ///
    /// The log thread calls it after the messages of a sync have left and while nothing waits: the
    /// step (one synced write of [`LogOptions::prepare_step_bytes`] zeros) then delays nobody but
    /// a batch that comes meanwhile. Steps instead of a second thread, so that the simulator runs
    /// the same code; a roll that comes first finishes the work itself.
    ///
    /// # Errors
    ///
    /// [`LogError::NoSpace`] leaves the log usable until the segment is full; any other error
    /// closes it.
    pub fn prepare_step(&mut self) -> Result<bool, LogError> {
        self.check_open()?;
        if !self.wants_step() {
            return Ok(false);
        }
        let ready = self.spares.step(&mut self.disk, &self.options);
        ready
            .map(|ready| !ready)
            .map_err(|error| self.disk_error(error))
    }

    /// Whether a [`RaftLog::prepare_step`] would do something.
    #[must_use]
    pub fn wants_step(&self) -> bool {
        let half_full = self.tail.offset >= self.capacity() / 2;
        half_full && !self.spares.is_ready(&self.options)
    }

    /// Index and term of the entry before the first; `(0, 0)` if nothing was ever released.
    #[must_use]
    pub fn base(&self) -> (u64, u64) {
        self.terms.base()
    }

    /// Index and term of the last entry, staged ones included; [`RaftLog::base`] if there is none.
    #[must_use]
    pub fn last(&self) -> (u64, u64) {
        self.terms.last()
    }

    /// Term of the entry at `index`, staged ones included; `None` outside of the log.
    #[must_use]
    pub fn term(&self, index: u64) -> Option<u64> {
        self.terms.term(index)
    }

    /// Newest hard state, staged or not.
    #[must_use]
    pub fn hard_state(&self) -> HardState {
        self.hard_state
    }

    /// Newest head vow, staged or not.
    #[must_use]
    pub fn newest_head(&self) -> Option<&HeadVow> {
        self.head.as_ref()
    }

    /// How many segments hold the log, and how many wait to be used.
    #[must_use]
    pub fn segments(&self) -> (usize, usize) {
        (self.segments.len(), self.spares.len())
    }

    /// Gives the disk back; what is staged is dropped.
    #[must_use]
    pub fn into_disk(self) -> D {
        self.disk
    }

    /// The disk, for tests and the simulator to order faults.
    pub fn disk_mut(&mut self) -> &mut D {
        &mut self.disk
    }

    fn stage_entries(&mut self, entries: &[LogEntry]) -> Result<(), LogError> {
        let first = entries.first().map_or(0, |entry| entry.index);
        let consecutive = entries
            .iter()
            .zip(entries.iter().skip(1))
            .all(|(entry, next)| entry.index.checked_add(1) == Some(next.index));
        if first == 0 || !consecutive || first > self.terms.last().0.saturating_add(1) {
            return Err(LogError::Gap);
        }
        let max = usize::try_from(self.options.frame_bytes_max).unwrap_or(usize::MAX);
        if entries.iter().any(|entry| entry_len(entry) > max) {
            return Err(LogError::TooLarge);
        }
        // Below the base only a replaced log may go, and that is what `Reset` is for.
        let prev_term = self
            .terms
            .term(first.saturating_sub(1))
            .ok_or(LogError::Gap)?;
        self.terms.cut(first, prev_term);
        let mut rest = entries;
        while !rest.is_empty() {
            let count = fitting(rest, max.saturating_sub(self.staged.records.len()));
            if count == 0 {
                self.seal();
                continue;
            }
            let (now, later) = rest.split_at_checked(count).unwrap_or((rest, &[]));
            self.stage_run(now);
            rest = later;
        }
        Ok(())
    }

    /// Stages entries that fit into the newest staged frame.
    fn stage_run(&mut self, entries: &[LogEntry]) {
        let Some(first) = entries.first().map(|entry| entry.index) else {
            return;
        };
        let prev_term = self.terms.last().1;
        for entry in entries {
            self.terms.push(entry.term);
        }
        let last = self.terms.last();
        let staged = &mut self.staged;
        staged.records.append(first, prev_term, entries);
        staged.range = match staged.range {
            Some((begin, _)) if begin < first => Some((begin, last.0)),
            Some(_) | None => Some((first, last.0)),
        };
        staged.last = last;
    }

    /// Whether term or vote are newer than what is synced.
    fn vote_moved(&self) -> bool {
        let (new, old) = (self.hard_state, self.tail.hard_state);
        (new.term, new.vote) != (old.term, old.vote)
    }

    /// The staged frame, or a fresh one if a record of `len` bytes no longer fits.
    fn room(&mut self, len: usize) -> &mut Staged {
        let max = usize::try_from(self.options.frame_bytes_max).unwrap_or(usize::MAX);
        if self.staged.records.len().saturating_add(len) > max {
            self.seal();
        }
        &mut self.staged
    }

    /// Closes the staged frame, unless it is empty, and starts another.
    fn seal(&mut self) {
        if self.staged.records.is_empty() {
            return;
        }
        let fresh = Staged::new(self.options.group, self.terms.last());
        self.full
            .push_back(std::mem::replace(&mut self.staged, fresh));
    }

    /// Writes one frame behind the last, where there is room for it, and syncs it; then moves
    /// what may be relied on.
    fn write(&mut self, staged: Staged) -> Result<u64, LogError> {
        let segment = self.segments.back().map_or(0, |segment| segment.0);
        let mut records = Encoder::new(self.options.group);
        if self.tail.offset == 0 {
            let tail = &self.tail;
            records.open(segment, tail.last, tail.hard_state, tail.head.as_ref());
            records.join(&staged.records);
        } else {
            records = staged.records;
        }
        let batch_no = self.tail.batch_no;
        let (bytes, chain) = records.finish(&self.options.log_id, batch_no, self.tail.chain);
        let name = SegmentName::Live(segment);
        let offset = self.tail.offset;
        self.disk
            .write_at(name, offset, &bytes)
            .map_err(|error| self.poison(error))?;
        self.disk.sync(name).map_err(|error| self.poison(error))?;
        if staged.resets {
            self.spans.clear();
        }
        if let Some((first, last)) = staged.range {
            self.spans.append(Span {
                first,
                last,
                segment,
                offset,
            });
        }
        self.tail.offset = offset.saturating_add(len64(bytes.len()));
        self.tail.batch_no = batch_no.saturating_add(1);
        self.tail.chain = chain;
        self.tail.last = staged.last;
        self.tail.hard_state = staged.hard_state.unwrap_or(self.tail.hard_state);
        if staged.head.is_some() {
            self.tail.head = staged.head;
        }
        Ok(len64(bytes.len()))
    }

    /// Goes on at the start of a new segment.
    fn roll(&mut self) -> Result<(), LogError> {
        let number = self
            .segments
            .back()
            .map_or(1, |segment| segment.0.saturating_add(1));
        let taken = self.spares.take(&mut self.disk, &self.options, number);
        let bytes = taken.map_err(|error| self.disk_error(error))?;
        self.segments.push_back((number, bytes));
        self.tail.offset = 0;
        Ok(())
    }

    /// Size of the segment being written.
    fn capacity(&self) -> u64 {
        self.segments.back().map_or(0, |segment| segment.1)
    }

    pub(super) fn check_open(&self) -> Result<(), LogError> {
        if self.poisoned {
            Err(LogError::Poisoned)
        } else {
            Ok(())
        }
    }

    /// For calls that can run out of space without having touched a frame.
    fn disk_error(&mut self, error: DiskError) -> LogError {
        match error {
            full @ DiskError::NoSpace(_) => LogError::NoSpace(full),
            failed @ DiskError::Failed(_) => self.poison(failed),
        }
    }

    pub(super) fn poison(&mut self, error: DiskError) -> LogError {
        self.poisoned = true;
        LogError::Disk(error)
    }
}

fn check(options: &LogOptions) -> Result<(), LogError> {
    let fits = options.frame_bytes_max.saturating_add(FRAME_OVERHEAD_BYTES);
    let whole_blocks = options.segment_bytes.is_multiple_of(BLOCK_BYTES);
    if whole_blocks && options.frame_bytes_max > 0 && fits <= options.segment_bytes {
        Ok(())
    } else {
        Err(LogError::Options)
    }
}

/// How many of `entries` fit into `room` bytes of a frame.
fn fitting(entries: &[LogEntry], room: usize) -> usize {
    let mut left = room;
    let mut count = 0;
    for entry in entries {
        let len = entry_len(entry);
        if len > left {
            break;
        }
        left = left.saturating_sub(len);
        count += 1;
    }
    count
}

/// Most bytes an entry adds to a frame, as the only one of its record.
fn entry_len(entry: &LogEntry) -> usize {
    frame::record_len(
        entry
            .data
            .len()
            .saturating_add(ENTRY_OVERHEAD_BYTES)
            .saturating_add(20),
    )
}
