//! Measures the Raft log on a real disk against a bare loop of writes and `fdatasync`.
//!
//! Both write the same number of bytes per sync into files of written zeros, in turns, so that
//! what else the machine does hits both; the medians over the rounds are what counts. It measures
//! the log alone: no Raft, no network, no state.
//!
//! Usage: `log_writer [DIRECTORY [ROUNDS [MILLISECONDS PER ROUND]]]`; the directory must be on the
//! disk to measure and is left as it was.

#![expect(clippy::print_stdout, reason = "the figures are this program's output")]
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::error::Error;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use akashi_node::storage::FileDisk;
use akashi_replica::entry::{EntryKind, LogEntry};
use akashi_replica::log::{BLOCK_BYTES, FrameBody, LogOptions, RaftLog};

/// Size of an entry in bytes: a packed notification is about this large.
const ENTRY_BYTES: usize = 256;

/// Entries per sync: one client, and what group sync makes of many.
const BATCHES: [u64; 4] = [1, 16, 64, 256];

/// Size of the bare loop's file in bytes: as a segment.
const FILE_BYTES: u64 = 64 << 20;

/// The times of one round's syncs, ascending, and the time the round took.
struct Round {
    syncs: Vec<Duration>,
    total: Duration,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let directory = PathBuf::from(arguments.next().unwrap_or_else(|| ".".to_owned()));
    let rounds: usize = arguments.next().map_or(Ok(5), |rounds| rounds.parse())?;
    let length = arguments.next().map_or(Ok(1000), |length| length.parse())?;
    let length = Duration::from_millis(length);
    let work = directory.join(format!("log-writer-{}", std::process::id()));
    fs::create_dir(&work)?;
    let measured = measure(&work, rounds, length);
    fs::remove_dir_all(&work)?;
    measured
}

fn measure(work: &Path, rounds: usize, length: Duration) -> Result<(), Box<dyn Error>> {
    println!(
        "entries of {ENTRY_BYTES} B, {rounds} rounds of {} ms each",
        length.as_millis()
    );
    println!("batch  loop       syncs/s  entries/s   p50 us   p99 us");
    for batch in BATCHES {
        let mut bare = Vec::new();
        let mut log = Vec::new();
        for _ in 0..rounds {
            bare.push(bare_loop(work, frame_bytes(batch), length)?);
            log.push(raft_log(work, batch, length)?);
        }
        let bare = report("bare file", batch, &bare);
        let log = report("raft log", batch, &log);
        println!(
            "{batch:>5}  raft log : bare file = {} %",
            log.saturating_mul(100) / bare.max(1)
        );
    }
    Ok(())
}

/// Bytes the log writes for a batch: what the bare loop has to write too.
fn frame_bytes(batch: u64) -> u64 {
    let entry = u64::try_from(ENTRY_BYTES)
        .unwrap_or(u64::MAX)
        .saturating_add(13);
    batch
        .saturating_mul(entry)
        .saturating_add(76)
        .next_multiple_of(BLOCK_BYTES)
}

/// Writes and syncs `bytes` again and again, front to back through a file of written zeros.
fn bare_loop(work: &Path, bytes: u64, length: Duration) -> Result<Round, Box<dyn Error>> {
    let path = work.join("bare");
    let file = zeroed(&path)?;
    let data = vec![7; usize::try_from(bytes)?];
    let mut offset = 0;
    let round = repeat(length, || {
        if offset + bytes > FILE_BYTES {
            offset = 0;
        }
        file.write_all_at(&data, offset)?;
        file.sync_data()?;
        offset += bytes;
        Ok(())
    })?;
    fs::remove_file(path)?;
    Ok(round)
}

/// Appends and syncs batches, with everything the log thread does beside: preparing segments and
/// releasing old ones. Starts when the log has segments to use again, as it has most of its life.
fn raft_log(work: &Path, batch: u64, length: Duration) -> Result<Round, Box<dyn Error>> {
    let path = work.join("log");
    fs::create_dir(&path)?;
    let mut log = RaftLog::format(FileDisk::open(&path)?, LogOptions::new([1; 16]))?;
    let mut next = 1;
    while log.segments() != (1, 2) {
        log.append(FrameBody::Append {
            entries: entries(next, 1, 1 << 20),
            hard_state: None,
        })?;
        log.sync()?;
        next += 1;
        if log.segments().0 > 2 {
            log.release_before(next)?;
        }
    }
    let round = repeat(length, || {
        let entries = entries(next, batch, ENTRY_BYTES);
        log.append(FrameBody::Append {
            entries,
            hard_state: None,
        })?;
        log.sync()?;
        log.prepare_step()?;
        next += batch;
        if log.segments().0 > 2 {
            log.release_before(next)?;
        }
        Ok(())
    })?;
    drop(log);
    fs::remove_dir_all(path)?;
    Ok(round)
}

fn entries(first: u64, count: u64, bytes: usize) -> Vec<LogEntry> {
    let kind = EntryKind::Normal;
    let entry = |index| LogEntry {
        index,
        term: 1,
        kind,
        data: vec![7; bytes],
    };
    (first..first + count).map(entry).collect()
}

fn repeat(
    length: Duration,
    mut step: impl FnMut() -> Result<(), Box<dyn Error>>,
) -> Result<Round, Box<dyn Error>> {
    let mut syncs = Vec::new();
    let begin = Instant::now();
    while begin.elapsed() < length {
        let before = Instant::now();
        step()?;
        syncs.push(before.elapsed());
    }
    let total = begin.elapsed();
    syncs.sort_unstable();
    Ok(Round { syncs, total })
}

/// Prints the medians over the rounds and returns the one of syncs per second.
fn report(name: &str, batch: u64, rounds: &[Round]) -> u128 {
    let per_second = median(rounds, |round| {
        u128::try_from(round.syncs.len())
            .unwrap_or(0)
            .saturating_mul(1_000_000)
            / round.total.as_micros().max(1)
    });
    let at = |percent: usize| {
        median(rounds, |round| {
            let place = round.syncs.len().saturating_mul(percent) / 100;
            round.syncs.get(place).map_or(0, Duration::as_micros)
        })
    };
    let entries = per_second.saturating_mul(u128::from(batch));
    let (p50, p99) = (at(50), at(99));
    println!("{batch:>5}  {name:<9}  {per_second:>8}  {entries:>9}  {p50:>7}  {p99:>7}");
    per_second
}

fn median(rounds: &[Round], figure: impl Fn(&Round) -> u128) -> u128 {
    let mut figures: Vec<u128> = rounds.iter().map(figure).collect();
    figures.sort_unstable();
    figures.get(figures.len() / 2).copied().unwrap_or(0)
}

fn zeroed(path: &Path) -> Result<File, Box<dyn Error>> {
    let file = OpenOptions::new().create_new(true).write(true).open(path)?;
    let zeros = vec![0; 1 << 20];
    for at in 0..FILE_BYTES >> 20 {
        file.write_all_at(&zeros, at << 20)?;
    }
    file.sync_all()?;
    Ok(file)
}
