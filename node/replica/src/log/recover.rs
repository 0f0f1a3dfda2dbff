//! Opening: walking the chain of frames, and telling a torn end from a broken middle.

use std::collections::{BTreeMap, VecDeque};

use super::disk::{Disk, SegmentName};
use super::frame::{self, Chain, HEADER_BYTES, Header, MAGIC, Record};
use super::index::{Span, Spans, Terms};
use super::segments::Spares;
use super::writer::{RaftLog, Staged, Tail};
use super::{BLOCK_BYTES, HeadVow, LogError, LogOptions, Recovered};
use crate::entry::{HardState, LogEntry};

/// How much of a segment is read at once while looking for newer frames, in bytes: large enough
/// that 64 MiB take 64 reads, small enough not to show in the memory of the process.
const SCAN_BYTES: u64 = 1 << 20;

/// A place in the log: segment and offset in bytes.
type Place = (u64, u64);

/// What is at a place where a frame could be.
pub(super) enum Found {
    /// A frame whose checksums hold: header, and the bytes of header and records.
    Whole(Header, Vec<u8>),
    /// A header that checks out, before records that do not.
    HeaderOnly(Header),
    /// Bytes that begin like a frame of ours and do not check out.
    Fragment,
    /// Zeros, old payload, anything.
    Nothing,
}

/// Reads the frame at `place`, in a segment of `segment_bytes`.
pub(super) fn read_frame(
    disk: &mut impl Disk,
    log_id: &[u8; 16],
    (segment, offset): Place,
    segment_bytes: u64,
) -> Result<Found, LogError> {
    let Some(room) = segment_bytes
        .checked_sub(offset)
        .filter(|room| *room >= BLOCK_BYTES)
    else {
        return Ok(Found::Nothing);
    };
    let name = SegmentName::Live(segment);
    let mut start = [0; HEADER_BYTES];
    disk.read_at(name, offset, &mut start)
        .map_err(LogError::Disk)?;
    let Some(header) = Header::decode(log_id, &start) else {
        return Ok(if start.starts_with(&MAGIC) {
            Found::Fragment
        } else {
            Found::Nothing
        });
    };
    let records_len = usize::try_from(header.records_len).unwrap_or(usize::MAX);
    if header.frame_len() > room {
        return Ok(Found::HeaderOnly(header));
    }
    let mut frame = vec![0; HEADER_BYTES.saturating_add(records_len)];
    disk.read_at(name, offset, &mut frame)
        .map_err(LogError::Disk)?;
    if header.matches(frame.get(HEADER_BYTES..).unwrap_or_default()) {
        Ok(Found::Whole(header, frame))
    } else {
        Ok(Found::HeaderOnly(header))
    }
}

/// The log as it grows while frames are read in order.
#[derive(Default)]
struct Replay {
    entries: Vec<LogEntry>,
    terms: Terms,
    spans: Spans,
    hard_state: HardState,
    head: Option<HeadVow>,
    /// Number and chain the next frame has to have; unknown before the first.
    next: Option<(u64, Chain)>,
    /// Where the newest frame is.
    newest: Place,
}

impl Replay {
    /// Whether `header` belongs to the next frame.
    fn is_next(&self, header: &Header, log_id: &[u8; 16]) -> bool {
        match self.next {
            Some((batch_no, chain)) => (header.batch_no, header.prev_chain) == (batch_no, chain),
            None => header.batch_no != 1 || header.prev_chain == frame::genesis(log_id),
        }
    }

    /// Takes the next frame in.
    fn apply(
        &mut self,
        header: &Header,
        frame: &[u8],
        place: Place,
        group: u16,
    ) -> Result<(), LogError> {
        let malformed = || LogError::Malformed {
            segment: place.0,
            offset: place.1,
        };
        let bytes = frame.get(HEADER_BYTES..).unwrap_or_default();
        let records = frame::decode_records(header, group, bytes)
            .map_err(|frame::Undecodable| malformed())?;
        let opens = matches!(records.first(), Some(Record::Open { .. }));
        if opens != (place.1 == 0) {
            return Err(malformed());
        }
        let mut range = None;
        for record in records {
            match record {
                Record::Open {
                    segment,
                    last_index,
                    last_term,
                    hard_state,
                    head,
                } => {
                    if segment != place.0 {
                        return Err(malformed());
                    }
                    if self.next.is_none() {
                        self.terms = Terms::starting_after(last_index, last_term);
                        self.hard_state = hard_state;
                        self.head = head;
                    }
                }
                Record::Append {
                    prev_term,
                    first_index,
                    entries,
                } => {
                    if first_index > self.terms.last().0.saturating_add(1) {
                        return Err(malformed());
                    }
                    self.cut(first_index, prev_term);
                    for entry in &entries {
                        self.terms.push(entry.term);
                    }
                    self.entries.extend(entries);
                    range = match range {
                        Some(begin) if begin < first_index => Some(begin),
                        Some(_) | None => Some(first_index),
                    };
                }
                Record::HardState(hard_state) => self.hard_state = hard_state,
                Record::Head(head) => self.head = Some(head),
                Record::Reset {
                    index,
                    term,
                    hard_state,
                } => {
                    self.entries.clear();
                    self.spans.clear();
                    self.terms = Terms::starting_after(index, term);
                    self.hard_state = hard_state;
                    range = None;
                }
            }
        }
        if let Some(first) = range {
            let (segment, offset) = place;
            self.spans.append(Span {
                first,
                last: self.terms.last().0,
                segment,
                offset,
            });
        }
        let after = header.batch_no.checked_add(1).ok_or_else(malformed)?;
        self.next = Some((after, frame::chain_of(frame)));
        self.newest = place;
        Ok(())
    }

    /// Cuts the log off before `first`.
    fn cut(&mut self, first: u64, prev_term: u64) {
        let kept = first.saturating_sub(1).saturating_sub(self.terms.base().0);
        self.entries
            .truncate(usize::try_from(kept).unwrap_or(usize::MAX));
        self.terms.cut(first, prev_term);
    }
}

/// See [`RaftLog::open`].
pub(super) fn open<D: Disk>(
    mut disk: D,
    options: LogOptions,
) -> Result<(RaftLog<D>, Recovered), LogError> {
    let mut spares = Spares::default();
    let mut segments = BTreeMap::new();
    for (name, bytes) in disk.list().map_err(LogError::Disk)? {
        match name {
            SegmentName::Live(number) => {
                segments.insert(number, bytes);
            }
            SegmentName::Spare(number) => spares.found(number, bytes),
        }
    }
    let segments: VecDeque<(u64, u64)> = segments.into_iter().collect();
    for (segment, next) in segments.iter().zip(segments.iter().skip(1)) {
        let expected = segment.0.saturating_add(1);
        if next.0 != expected {
            return Err(LogError::SegmentMissing { segment: expected });
        }
    }
    let (replay, end, torn) = walk(&mut disk, &options, &segments)?;
    let Some((batch_no, chain)) = replay.next else {
        return Err(LogError::Missing);
    };
    write_again(&mut disk, &options, replay.newest, &segments)?;

    let (base, last) = (replay.terms.base(), replay.terms.last());
    let recovered = Recovered {
        entries: replay.entries,
        hard_state: replay.hard_state,
        base_index: base.0,
        base_term: base.1,
        first_index: base.0.saturating_add(1),
        last_index: last.0,
        newest_head: replay.head.clone(),
        truncated_torn_tail: torn,
    };
    let log = RaftLog {
        disk,
        options,
        poisoned: false,
        tail: Tail {
            offset: end.1,
            batch_no,
            chain,
            last,
            hard_state: replay.hard_state,
            head: replay.head.clone(),
        },
        spares,
        segments,
        spans: replay.spans,
        terms: replay.terms,
        hard_state: replay.hard_state,
        head: replay.head,
        full: VecDeque::new(),
        staged: Staged::new(options.group, last),
    };
    Ok((log, recovered))
}

/// Reads every frame; returns where the next one goes, and whether a torn one is there.
fn walk(
    disk: &mut impl Disk,
    options: &LogOptions,
    segments: &VecDeque<(u64, u64)>,
) -> Result<(Replay, Place, bool), LogError> {
    let log_id = &options.log_id;
    let mut replay = Replay::default();
    let mut left = segments.iter().copied().peekable();
    let Some(&(oldest, _)) = left.peek() else {
        return Err(LogError::Missing);
    };
    let mut end = (oldest, 0);
    let mut torn = false;
    // One round per segment; it ends at the first place where the next frame is not.
    while let Some((segment, bytes)) = left.next() {
        let mut place = (segment, 0);
        loop {
            let found = read_frame(disk, log_id, place, bytes)?;
            if let Found::Whole(header, frame) = &found
                && replay.is_next(header, log_id)
            {
                replay.apply(header, frame, place, options.group)?;
                place.1 = place.1.saturating_add(header.frame_len());
                end = place;
                torn = false;
            } else {
                torn |= is_torn(&found, &replay);
                break;
            }
        }
        if place.1 == 0 {
            // Nothing of this segment is part of the log: only the newest one may look like that,
            // when the power went between its rename and its first sync.
            if replay.next.is_none() || left.peek().is_some() {
                return Err(LogError::BitRot {
                    segment: end.0,
                    offset: end.1,
                });
            }
            look_for_newer(disk, options, segments, end, &replay)?;
            return Ok((replay, place, torn));
        }
    }
    look_for_newer(disk, options, segments, end, &replay)?;
    Ok((replay, end, torn))
}

/// Whether what was found in the next frame's place is that frame, unfinished.
fn is_torn(found: &Found, replay: &Replay) -> bool {
    let next = replay.next.map_or(0, |next| next.0);
    match found {
        Found::Whole(header, _) | Found::HeaderOnly(header) => header.batch_no >= next,
        Found::Fragment => true,
        Found::Nothing => false,
    }
}

/// Refuses when any frame behind `end` is newer than the one that is missing there, or is the
/// missing one in the wrong place of the chain: then the missing one had been synced.
fn look_for_newer(
    disk: &mut impl Disk,
    options: &LogOptions,
    segments: &VecDeque<(u64, u64)>,
    end: Place,
    replay: &Replay,
) -> Result<(), LogError> {
    let rot = LogError::BitRot {
        segment: end.0,
        offset: end.1,
    };
    let Some((next, chain)) = replay.next else {
        return Err(rot);
    };
    for &(segment, bytes) in segments.iter().filter(|(segment, _)| *segment >= end.0) {
        let mut offset = if segment == end.0 { end.1 } else { 0 };
        while offset < bytes {
            let len = bytes.saturating_sub(offset).min(SCAN_BYTES);
            let mut blocks = vec![0; usize::try_from(len).unwrap_or(usize::MAX)];
            disk.read_at(SegmentName::Live(segment), offset, &mut blocks)
                .map_err(LogError::Disk)?;
            for block in blocks.chunks(usize::try_from(BLOCK_BYTES).unwrap_or(usize::MAX)) {
                let Some(header) = Header::decode(&options.log_id, block) else {
                    continue;
                };
                let newer = header.batch_no > next;
                let stray = header.batch_no == next && header.prev_chain != chain;
                if newer || stray {
                    return Err(rot);
                }
            }
            offset = offset.saturating_add(len);
        }
    }
    Ok(())
}

/// Writes the newest frame again, byte for byte, and syncs it.
///
/// The process that wrote it may have ended because the sync failed; the kernel may then show
/// bytes that are not on disk and hold them for clean. Writing them makes them dirty again.
fn write_again(
    disk: &mut impl Disk,
    options: &LogOptions,
    place: Place,
    segments: &VecDeque<(u64, u64)>,
) -> Result<(), LogError> {
    let bytes = segments
        .iter()
        .find(|segment| segment.0 == place.0)
        .map_or(0, |found| found.1);
    let rot = LogError::BitRot {
        segment: place.0,
        offset: place.1,
    };
    let Found::Whole(_, frame) = read_frame(disk, &options.log_id, place, bytes)? else {
        return Err(rot);
    };
    let name = SegmentName::Live(place.0);
    disk.write_at(name, place.1, &frame)
        .map_err(LogError::Disk)?;
    disk.sync(name).map_err(LogError::Disk)
}
