//! Tests of the log, on the disk in memory.

mod bytes;
mod crash;
mod retention;
mod rot;
mod stream;

use super::{FrameBody, HeadVow, LogError, LogOptions, MemDisk, RaftLog, Recovered};
use crate::entry::{EntryKind, HardState, LogEntry};

const LOG_ID: [u8; 16] = [7; 16];

/// Segments of eight blocks, so that a few frames fill one.
fn options() -> LogOptions {
    LogOptions {
        segment_bytes: 32 << 10,
        frame_bytes_max: 16 << 10,
        prepare_step_bytes: 8 << 10,
        spares_max: 2,
        ..LogOptions::new(LOG_ID)
    }
}

fn format() -> RaftLog<MemDisk> {
    RaftLog::format(MemDisk::default(), options()).unwrap()
}

fn open(disk: MemDisk) -> Result<(RaftLog<MemDisk>, Recovered), LogError> {
    RaftLog::open(disk, options())
}

fn reopen(log: RaftLog<MemDisk>) -> (RaftLog<MemDisk>, Recovered) {
    let mut disk = log.into_disk();
    disk.power_loss(|_, _| false);
    open(disk).unwrap()
}

fn entry(index: u64, term: u64, data: &[u8]) -> LogEntry {
    LogEntry {
        index,
        term,
        kind: EntryKind::Normal,
        data: data.to_vec(),
    }
}

/// Entries `from..=to` of one term, each with a byte string of its own.
fn entries(from: u64, to: u64, term: u64) -> Vec<LogEntry> {
    (from..=to)
        .map(|index| entry(index, term, format!("{term}/{index}").as_bytes()))
        .collect()
}

fn append(entries: Vec<LogEntry>) -> FrameBody {
    FrameBody::Append {
        entries,
        hard_state: None,
    }
}

fn vote(term: u64, vote: u64, commit: u64) -> HardState {
    HardState { term, vote, commit }
}

fn head(size: u64) -> HeadVow {
    HeadVow {
        origin: b"test.example/e1/g0".to_vec(),
        size,
        root: [9; 32],
    }
}

fn write(log: &mut RaftLog<MemDisk>, bodies: impl IntoIterator<Item = FrameBody>) {
    for body in bodies {
        log.append(body).unwrap();
    }
    log.sync().unwrap();
}
