//! The bytes of a frame: a header, and the records one sync makes durable.
//!
//! Pure encoding and decoding; decoding takes any bytes and never panics. All integers are
//! little-endian. The bytes are pinned by a golden test: a change needs a new version.
//!
//! ```text
//! header, 48 bytes                          record
//!  0  magic "AKLG"                           0  kind u8
//!  4  version u16 = 1                        1  zero u8
//!  6  kinds u8: bit per record kind          2  group u16
//!  7  zero u8                                4  length of the body u32
//!  8  batch number u64, from 1, no gaps      8  body
//! 16  chain [16]: BLAKE3 of the frame before
//! 32  length of the records u32             open    1: segment u64, last index u64, last term u64,
//! 36  CRC-32C of the records u32                       hard state, has head u8, [head]
//! 40  zero u32                              append  2: first index u64, term before u64, count u32,
//! 44  CRC-32C of log id and bytes 0..44                {term u64, kind u8, length u32, data}
//! 48  records, then zeros up to a block     hard    4: term u64, vote u64, commit u64
//!                                           head    8: size u64, root [32], length u16, origin
//!                                           reset  16: index u64, term u64, hard state
//! ```
//!
//! Group and indexes stand in the record, not in the header, because one frame carries whatever
//! one sync made durable, of every group. The chain starts at BLAKE3 of the log id.

use super::{HeadVow, ORIGIN_BYTES_MAX};
use crate::entry::{EntryKind, HardState, LogEntry};

/// Length of a header in bytes.
pub(super) const HEADER_BYTES: usize = 48;
/// Where the header's own checksum stands: it covers everything before.
const HEADER_CRC_AT: usize = 44;
/// First bytes of every frame.
pub(super) const MAGIC: [u8; 4] = *b"AKLG";
/// The version this code writes, and the only one it reads.
const VERSION: u16 = 1;
/// Bytes of a record before its body.
const RECORD_HEADER_BYTES: usize = 8;
/// Bytes an entry takes besides its data.
pub(super) const ENTRY_OVERHEAD_BYTES: usize = 13;

const KIND_OPEN: u8 = 1;
const KIND_APPEND: u8 = 2;
const KIND_HARD_STATE: u8 = 4;
const KIND_HEAD: u8 = 8;
const KIND_RESET: u8 = 16;

/// First half of the BLAKE3 hash of a frame, header and records, without padding.
pub(super) type Chain = [u8; 16];

/// What the first frame of a log names as the one before.
pub(super) fn genesis(log_id: &[u8; 16]) -> Chain {
    half(
        blake3::Hasher::new()
            .update(b"akashi raft log 1")
            .update(log_id),
    )
}

/// What a header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kinds: u8,
    pub(super) batch_no: u64,
    pub(super) prev_chain: Chain,
    pub(super) records_len: u32,
    pub(super) records_crc: u32,
}

/// One statement of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Record {
    /// What stood when the segment was begun: first in its first frame, and nowhere else.
    Open {
        segment: u64,
        last_index: u64,
        last_term: u64,
        hard_state: HardState,
        head: Option<HeadVow>,
    },
    /// Entries; the log is cut off before the first of them.
    Append {
        /// Term of the entry before the first.
        prev_term: u64,
        first_index: u64,
        entries: Vec<LogEntry>,
    },
    HardState(HardState),
    Head(HeadVow),
    Reset {
        index: u64,
        term: u64,
        hard_state: HardState,
    },
}

/// The bytes do not say anything this version understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Undecodable;

/// Records in the making, with room for the header in front.
#[derive(Clone, Debug)]
pub(super) struct Encoder {
    bytes: Vec<u8>,
    kinds: u8,
    group: u16,
}

impl Encoder {
    pub(super) fn new(group: u16) -> Self {
        Self {
            bytes: vec![0; HEADER_BYTES],
            kinds: 0,
            group,
        }
    }

    /// Bytes of the records so far.
    pub(super) fn len(&self) -> usize {
        self.bytes.len().saturating_sub(HEADER_BYTES)
    }

    /// Bytes the frame will take on disk, padding included.
    pub(super) fn frame_len(&self) -> u64 {
        len64(padded_len(self.bytes.len()))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.kinds == 0
    }

    pub(super) fn open(
        &mut self,
        segment: u64,
        (last_index, last_term): (u64, u64),
        hard_state: HardState,
        head: Option<&HeadVow>,
    ) {
        self.record(KIND_OPEN, |out| {
            out.extend_from_slice(&segment.to_le_bytes());
            out.extend_from_slice(&last_index.to_le_bytes());
            out.extend_from_slice(&last_term.to_le_bytes());
            put_hard_state(out, hard_state);
            out.push(u8::from(head.is_some()));
            if let Some(head) = head {
                put_head(out, head);
            }
        });
    }

    /// Adds entries; the caller has checked that their indexes are consecutive.
    pub(super) fn append(&mut self, first_index: u64, prev_term: u64, entries: &[LogEntry]) {
        self.record(KIND_APPEND, |out| {
            out.extend_from_slice(&first_index.to_le_bytes());
            out.extend_from_slice(&prev_term.to_le_bytes());
            out.extend_from_slice(&len32(entries.len()).to_le_bytes());
            for entry in entries {
                out.extend_from_slice(&entry.term.to_le_bytes());
                out.push(match entry.kind {
                    EntryKind::Normal => 0,
                    EntryKind::Membership => 1,
                });
                out.extend_from_slice(&len32(entry.data.len()).to_le_bytes());
                out.extend_from_slice(&entry.data);
            }
        });
    }

    pub(super) fn hard_state(&mut self, hard_state: HardState) {
        self.record(KIND_HARD_STATE, |out| put_hard_state(out, hard_state));
    }

    pub(super) fn head(&mut self, head: &HeadVow) {
        self.record(KIND_HEAD, |out| put_head(out, head));
    }

    pub(super) fn reset(&mut self, index: u64, term: u64, hard_state: HardState) {
        self.record(KIND_RESET, |out| {
            out.extend_from_slice(&index.to_le_bytes());
            out.extend_from_slice(&term.to_le_bytes());
            put_hard_state(out, hard_state);
        });
    }

    /// Puts the records of `later` behind these.
    pub(super) fn join(&mut self, later: &Self) {
        self.bytes
            .extend_from_slice(later.bytes.get(HEADER_BYTES..).unwrap_or_default());
        self.kinds |= later.kinds;
    }

    /// The finished frame, padded to whole blocks, and the chain the next one has to name.
    pub(super) fn finish(
        mut self,
        log_id: &[u8; 16],
        batch_no: u64,
        prev_chain: Chain,
    ) -> (Vec<u8>, Chain) {
        let records = self.bytes.get(HEADER_BYTES..).unwrap_or_default();
        let header = Header {
            kinds: self.kinds,
            batch_no,
            prev_chain,
            records_len: len32(records.len()),
            records_crc: crc32c::crc32c(records),
        }
        .encode(log_id);
        for (to, from) in self.bytes.iter_mut().zip(header) {
            *to = from;
        }
        let chain = half(blake3::Hasher::new().update(&self.bytes));
        let padded = padded_len(self.bytes.len());
        self.bytes.resize(padded, 0);
        (self.bytes, chain)
    }

    fn record(&mut self, kind: u8, body: impl FnOnce(&mut Vec<u8>)) {
        self.kinds |= kind;
        self.bytes.push(kind);
        self.bytes.push(0);
        self.bytes.extend_from_slice(&self.group.to_le_bytes());
        let len_at = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 4]);
        body(&mut self.bytes);
        let body_len = len32(self.bytes.len().saturating_sub(len_at).saturating_sub(4));
        if let Some(slot) = self
            .bytes
            .get_mut(len_at..)
            .and_then(|rest| rest.first_chunk_mut())
        {
            *slot = body_len.to_le_bytes();
        }
    }
}

impl Header {
    fn encode(&self, log_id: &[u8; 16]) -> [u8; HEADER_BYTES] {
        let mut out = Vec::with_capacity(HEADER_BYTES);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.push(self.kinds);
        out.push(0);
        out.extend_from_slice(&self.batch_no.to_le_bytes());
        out.extend_from_slice(&self.prev_chain);
        out.extend_from_slice(&self.records_len.to_le_bytes());
        out.extend_from_slice(&self.records_crc.to_le_bytes());
        out.extend_from_slice(&[0; 4]);
        let crc = crc32c::crc32c_append(crc32c::crc32c(log_id), &out);
        out.extend_from_slice(&crc.to_le_bytes());
        let mut header = [0; HEADER_BYTES];
        for (to, from) in header.iter_mut().zip(out) {
            *to = from;
        }
        header
    }

    /// The header at the start of `bytes`, if one is there and checks out under this log id.
    pub(super) fn decode(log_id: &[u8; 16], bytes: &[u8]) -> Option<Self> {
        let covered = bytes.get(..HEADER_CRC_AT)?;
        let mut input = Input(bytes);
        if input.array::<4>().ok()? != MAGIC {
            return None;
        }
        let version = u16::from_le_bytes(input.array().ok()?);
        let kinds = input.byte().ok()?;
        let zero = input.byte().ok()?;
        let batch_no = input.u64().ok()?;
        let prev_chain = input.array().ok()?;
        let records_len = input.u32().ok()?;
        let records_crc = input.u32().ok()?;
        let zeros = input.u32().ok()?;
        let crc = input.u32().ok()?;
        let checks = crc32c::crc32c_append(crc32c::crc32c(log_id), covered) == crc;
        (checks && version == VERSION && zero == 0 && zeros == 0).then_some(Self {
            kinds,
            batch_no,
            prev_chain,
            records_len,
            records_crc,
        })
    }

    /// Whether `records` are the ones the header was written for.
    pub(super) fn matches(&self, records: &[u8]) -> bool {
        u32::try_from(records.len()) == Ok(self.records_len)
            && crc32c::crc32c(records) == self.records_crc
    }

    /// Bytes of the frame on disk, padding included.
    pub(super) fn frame_len(&self) -> u64 {
        let records = usize::try_from(self.records_len).unwrap_or(usize::MAX);
        len64(padded_len(records.saturating_add(HEADER_BYTES)))
    }
}

/// The chain the frame after this one has to name; `frame` is header and records.
pub(super) fn chain_of(frame: &[u8]) -> Chain {
    half(blake3::Hasher::new().update(frame))
}

/// The records of a frame whose checksums hold.
pub(super) fn decode_records(
    header: &Header,
    group: u16,
    bytes: &[u8],
) -> Result<Vec<Record>, Undecodable> {
    let mut input = Input(bytes);
    let mut records = Vec::new();
    let mut kinds = 0;
    while !input.0.is_empty() {
        let kind = input.byte()?;
        let zero = input.byte()?;
        let record_group = u16::from_le_bytes(input.array()?);
        let len = input.len()?;
        let mut body = Input(input.take(len)?);
        if zero != 0 || record_group != group {
            return Err(Undecodable);
        }
        records.push(decode_record(kind, &mut body)?);
        if !body.0.is_empty() {
            return Err(Undecodable);
        }
        kinds |= kind;
    }
    if kinds == header.kinds {
        Ok(records)
    } else {
        Err(Undecodable)
    }
}

fn decode_record(kind: u8, body: &mut Input<'_>) -> Result<Record, Undecodable> {
    match kind {
        KIND_OPEN => Ok(Record::Open {
            segment: body.u64()?,
            last_index: body.u64()?,
            last_term: body.u64()?,
            hard_state: body.hard_state()?,
            head: match body.byte()? {
                0 => None,
                1 => Some(body.head()?),
                _ => return Err(Undecodable),
            },
        }),
        KIND_APPEND => {
            let first_index = body.u64()?;
            let prev_term = body.u64()?;
            let entries = body.entries(first_index)?;
            Ok(Record::Append {
                prev_term,
                first_index,
                entries,
            })
        }
        KIND_HARD_STATE => Ok(Record::HardState(body.hard_state()?)),
        KIND_HEAD => Ok(Record::Head(body.head()?)),
        KIND_RESET => Ok(Record::Reset {
            index: body.u64()?,
            term: body.u64()?,
            hard_state: body.hard_state()?,
        }),
        _ => Err(Undecodable),
    }
}

/// Bytes not read yet.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], Undecodable> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(Undecodable)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Undecodable> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Undecodable)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn byte(&mut self) -> Result<u8, Undecodable> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn u32(&mut self) -> Result<u32, Undecodable> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, Undecodable> {
        self.array().map(u64::from_le_bytes)
    }

    fn len(&mut self) -> Result<usize, Undecodable> {
        usize::try_from(self.u32()?).map_err(|_too_large| Undecodable)
    }

    fn hard_state(&mut self) -> Result<HardState, Undecodable> {
        Ok(HardState {
            term: self.u64()?,
            vote: self.u64()?,
            commit: self.u64()?,
        })
    }

    fn head(&mut self) -> Result<HeadVow, Undecodable> {
        let size = self.u64()?;
        let root = self.array()?;
        let len = usize::from(u16::from_le_bytes(self.array()?));
        if len > ORIGIN_BYTES_MAX {
            return Err(Undecodable);
        }
        Ok(HeadVow {
            origin: self.take(len)?.to_vec(),
            size,
            root,
        })
    }

    fn entries(&mut self, first_index: u64) -> Result<Vec<LogEntry>, Undecodable> {
        let count = self.len()?;
        // An entry takes at least its overhead: a count that cannot be true reserves no memory.
        if first_index == 0 || count == 0 || count > self.0.len() / ENTRY_OVERHEAD_BYTES {
            return Err(Undecodable);
        }
        let mut entries = Vec::with_capacity(count);
        let mut index = first_index;
        for _ in 0..count {
            let term = self.u64()?;
            let kind = match self.byte()? {
                0 => EntryKind::Normal,
                1 => EntryKind::Membership,
                _ => return Err(Undecodable),
            };
            let len = self.len()?;
            entries.push(LogEntry {
                index,
                term,
                kind,
                data: self.take(len)?.to_vec(),
            });
            index = index.checked_add(1).ok_or(Undecodable)?;
        }
        Ok(entries)
    }
}

fn put_hard_state(out: &mut Vec<u8>, hard_state: HardState) {
    out.extend_from_slice(&hard_state.term.to_le_bytes());
    out.extend_from_slice(&hard_state.vote.to_le_bytes());
    out.extend_from_slice(&hard_state.commit.to_le_bytes());
}

/// The caller has checked the origin against [`ORIGIN_BYTES_MAX`].
fn put_head(out: &mut Vec<u8>, head: &HeadVow) {
    out.extend_from_slice(&head.size.to_le_bytes());
    out.extend_from_slice(&head.root);
    out.extend_from_slice(
        &u16::try_from(head.origin.len())
            .unwrap_or(u16::MAX)
            .to_le_bytes(),
    );
    out.extend_from_slice(&head.origin);
}

fn half(hasher: &blake3::Hasher) -> Chain {
    let mut chain = [0; 16];
    for (to, from) in chain.iter_mut().zip(hasher.finalize().as_bytes()) {
        *to = *from;
    }
    chain
}

/// `len` rounded up to whole blocks.
fn padded_len(len: usize) -> usize {
    len.checked_next_multiple_of(BLOCK).unwrap_or(usize::MAX)
}

/// [`super::BLOCK_BYTES`] as a length in memory.
const BLOCK: usize = 4096;

/// Frames are limited to far less than 4 GiB before they are encoded.
fn len32(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

pub(super) fn len64(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

/// Bytes an [`Encoder`] grows by when a record with this body is added.
pub(super) const fn record_len(body: usize) -> usize {
    body.saturating_add(RECORD_HEADER_BYTES)
}
