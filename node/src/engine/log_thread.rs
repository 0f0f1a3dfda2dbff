//! The log thread: the node's only stream of syncs.
//!
//! Takes everything that waits, writes it, syncs once, and only then lets messages, vows and
//! acknowledgements go. A vow alone is not worth a sync at once: it waits a moment for entries to ride
//! with. If the disk has no room for the next segment, everything waits, unacknowledged, until there is
//! some. If the disk refuses anything else, the process stops: it neither retries nor answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use akashi_replica::consensus::{Fetch, Persist};
use akashi_replica::log::{Disk, FrameBody, HeadVow, LogError, RaftLog, Retention};

use tokio::sync::watch;

use super::raft_thread::RaftInput;
use super::seal_thread::SealInput;
use super::stop_process;
use super::vitals::Vitals;
use crate::clock;
use crate::peers::Outbox;
use crate::telemetry::Metrics;

/// Inputs staged into one sync at most: bounds how long the first of them waits.
const STAGED_MAX: usize = 1_024;
/// How long a vow waits for entries to be synced with. While commands come, they come more often than
/// this; a seal waits for a quorum of vows.
const VOW_WAIT: Duration = Duration::from_millis(2);

/// How often a full disk is tried again.
const FULL_RETRY: Duration = Duration::from_millis(200);

/// How long after the disk had no room for it the next segment is prepared again.
const PREPARE_RETRY: Duration = Duration::from_secs(1);

/// What the log thread is asked.
#[derive(Debug)]
pub(super) enum LogInput {
    /// From the raft thread, in order.
    Persist(Persist),
    /// From the seal thread.
    Vow(HeadVow),
    /// From the raft thread, for a follower that is far behind.
    Fetch(Fetch),
    /// From the flush thread: drop what these limits let go.
    Retain(Retention),
    /// Sync what is staged and end.
    Stop,
}

/// What the log thread tells.
pub(super) struct LogOutputs {
    pub(super) raft: Sender<RaftInput>,
    pub(super) seal: Sender<SealInput>,
    pub(super) peers: Outbox,
    pub(super) durable: Arc<AtomicU64>,
    pub(super) vitals: Arc<Vitals>,
    /// Whether the log waits for room.
    pub(super) no_room: watch::Sender<bool>,
    pub(super) metrics: Metrics,
}

/// Runs until told to stop.
pub(super) fn run<D: Disk>(mut log: RaftLog<D>, inputs: &Receiver<LogInput>, out: &LogOutputs) {
    out.durable.store(log.last().0, Ordering::Release);
    let mut vows = Vows::default();
    let mut staged = Staged::default();
    loop {
        let first = match vows.due().or(staged.again) {
            None => inputs.recv().map_err(RecvTimeoutError::from),
            Some(due) => inputs.recv_timeout(due.saturating_duration_since(clock::monotonic())),
        };
        let mut batch = match first {
            Ok(first) => vec![first],
            Err(RecvTimeoutError::Timeout) => Vec::new(),
            Err(RecvTimeoutError::Disconnected) => return,
        };
        while batch.len() < STAGED_MAX
            && let Ok(next) = inputs.try_recv()
        {
            batch.push(next);
        }
        match turn(&mut log, batch, &mut vows, &mut staged, out) {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => stop_process("the raft log cannot go on", &error),
        }
    }
}

/// What is staged and not synced: all of it is told after the next sync, or none.
#[derive(Debug, Default)]
struct Staged {
    persisted: Vec<Persist>,
    vowed: Vec<u64>,
    entries: usize,
    /// When to try again; none while the disk has room.
    again: Option<Instant>,
    /// Not before this is the next segment prepared again.
    prepare_after: Option<Instant>,
}

/// Vows that wait for a sync.
#[derive(Debug, Default)]
struct Vows {
    waiting: Vec<HeadVow>,
    since: Option<Instant>,
}

impl Vows {
    fn add(&mut self, vow: HeadVow) {
        self.since.get_or_insert_with(clock::monotonic);
        self.waiting.push(vow);
    }

    /// When they wait no longer; none if there are none.
    fn due(&self) -> Option<Instant> {
        self.since.map(|since| since + VOW_WAIT)
    }

    fn take(&mut self) -> Vec<HeadVow> {
        self.since = None;
        std::mem::take(&mut self.waiting)
    }
}

/// One batch: stage, sync, tell. Returns whether to go on.
fn turn<D: Disk>(
    log: &mut RaftLog<D>,
    batch: Vec<LogInput>,
    vows: &mut Vows,
    staged: &mut Staged,
    out: &LogOutputs,
) -> Result<bool, LogError> {
    let mut fetches = Vec::new();
    let mut retention = None;
    let mut go_on = true;
    for input in batch {
        match input {
            LogInput::Persist(mut persist) => {
                let entries = std::mem::take(&mut persist.entries);
                staged.entries += entries.len();
                if !entries.is_empty() || persist.hard_state.is_some() {
                    let hard_state = persist.hard_state;
                    log.append(FrameBody::Append {
                        entries,
                        hard_state,
                    })?;
                }
                staged.persisted.push(persist);
            }
            LogInput::Vow(vow) => vows.add(vow),
            LogInput::Fetch(fetch) => fetches.push(fetch),
            LogInput::Retain(limits) => retention = Some(limits),
            LogInput::Stop => go_on = false,
        }
    }
    // Before the sync: what it gives back may be the room that the sync waits for.
    if let Some(limits) = retention {
        retain(log, &limits, out)?;
    }
    let due = vows.due().is_some_and(|due| due <= clock::monotonic());
    if log.needs_sync() || due || !go_on {
        for vow in vows.take() {
            staged.vowed.push(vow.size);
            log.append(FrameBody::Head(vow))?;
        }
    }
    if sync(log, staged, out)? {
        tell(staged, out);
    }
    for fetch in fetches {
        let max_bytes = u64::try_from(fetch.max_bytes).unwrap_or(u64::MAX);
        let entries = match log.read_entries(fetch.from, fetch.to, max_bytes) {
            Ok(entries) => entries,
            // Dropped since they were asked for; the core is told below, or was already.
            Err(LogError::Compacted) => Vec::new(),
            Err(error) => return Err(error),
        };
        drop(out.raft.send(RaftInput::Fetched {
            from: fetch.from,
            entries,
        }));
    }
    prepare(log, staged)?;
    Ok(go_on)
}

/// Brings the next segment a step nearer. Without room for it the log goes on until the segment is full.
fn prepare<D: Disk>(log: &mut RaftLog<D>, staged: &mut Staged) -> Result<(), LogError> {
    let now = clock::monotonic();
    if staged.again.is_some() || staged.prepare_after.is_some_and(|at| now < at) {
        return Ok(());
    }
    staged.prepare_after = None;
    match log.prepare_step() {
        Ok(_more) => Ok(()),
        Err(LogError::NoSpace(_)) => {
            tracing::warn!("no space for the next segment of the raft log");
            staged.prepare_after = Some(now + PREPARE_RETRY);
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// Writes and syncs what is staged. Returns whether everything is on disk: without room for the next
/// segment it stays staged, and nothing of it is told.
fn sync<D: Disk>(
    log: &mut RaftLog<D>,
    staged: &mut Staged,
    out: &LogOutputs,
) -> Result<bool, LogError> {
    if log.needs_sync() {
        let began = clock::monotonic();
        out.vitals.sync_begins();
        let synced = log.sync();
        out.vitals.synced(began.elapsed());
        match synced {
            Ok(synced) => {
                let entries = std::mem::take(&mut staged.entries);
                out.metrics
                    .log_synced(began.elapsed(), entries, synced.bytes);
                out.durable.store(log.last().0, Ordering::Release);
            }
            Err(LogError::NoSpace(_)) => {
                if staged.again.is_none() {
                    tracing::error!("the raft log waits for room on the disk");
                }
                staged.again = Some(clock::monotonic() + FULL_RETRY);
                out.no_room.send_replace(true);
                return Ok(false);
            }
            Err(error) => return Err(error),
        }
    }
    if staged.again.take().is_some() {
        tracing::info!("the raft log goes on");
        out.no_room.send_replace(false);
    }
    Ok(true)
}

/// Whoever listens to these channels is gone only when the node is going down.
fn tell(staged: &mut Staged, out: &LogOutputs) {
    let newest = staged.persisted.last().map(|persist| persist.number);
    for persist in staged.persisted.drain(..) {
        out.peers.raft(persist.messages_after);
    }
    if let Some(number) = newest {
        drop(out.raft.send(RaftInput::Persisted(number)));
    }
    for size in staged.vowed.drain(..) {
        drop(out.seal.send(SealInput::Vowed(size)));
    }
}

/// Drops what the limits let go, and tells the core what is gone.
fn retain<D: Disk>(
    log: &mut RaftLog<D>,
    limits: &Retention,
    out: &LogOutputs,
) -> Result<(), LogError> {
    let dropped = log.retain(limits)?;
    let (base, _) = log.base();
    if dropped > 0 {
        tracing::info!(dropped, base, "segments of the raft log are dropped");
    }
    out.metrics
        .log_held(log.segments().0, base.saturating_add(1));
    drop(out.raft.send(RaftInput::Compacted(base)));
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use akashi_replica::entry::{EntryKind, LogEntry};
    use akashi_replica::log::{LogOptions, MemDisk};

    use super::*;

    const SEGMENT_BYTES: u64 = 32 << 10;

    fn persist(number: u64) -> LogInput {
        let entry = LogEntry {
            index: number,
            term: 1,
            kind: EntryKind::Normal,
            data: vec![7; 2_000],
        };
        LogInput::Persist(Persist {
            number,
            entries: vec![entry],
            hard_state: None,
            must_sync: true,
            messages_after: Vec::new(),
        })
    }

    fn told(raft: &Receiver<RaftInput>) -> Vec<u64> {
        let mut numbers = Vec::new();
        for input in raft.try_iter() {
            if let RaftInput::Persisted(number) = input {
                numbers.push(number);
            }
        }
        numbers
    }

    #[test]
    fn of_a_batch_that_found_no_room_nothing_is_told_until_all_of_it_is_on_disk() {
        let options = LogOptions {
            segment_bytes: SEGMENT_BYTES,
            frame_bytes_max: 16 << 10,
            prepare_step_bytes: 8 << 10,
            ..LogOptions::new([7; 16])
        };
        let mut log = RaftLog::format(MemDisk::default(), options).unwrap();
        log.disk_mut().limit(Some(SEGMENT_BYTES));
        let (raft, heard) = channel();
        let (seal, vowed) = channel();
        let (no_room, waits) = watch::channel(false);
        let out = LogOutputs {
            raft,
            seal,
            peers: Outbox::default(),
            durable: Arc::default(),
            vitals: Arc::new(Vitals::new(1, vec![1], Metrics::unread())),
            no_room,
            metrics: Metrics::unread(),
        };
        let (mut vows, mut staged) = (Vows::default(), Staged::default());
        let mut turn = |log: &mut RaftLog<MemDisk>, batch| {
            assert!(turn(log, batch, &mut vows, &mut staged, &out).unwrap());
        };
        let mut number = 0;
        while !*waits.borrow() {
            number += 1;
            turn(&mut log, vec![persist(number)]);
        }
        let written = out.durable.load(Ordering::Acquire);
        assert_eq!(told(&heard).last(), Some(&(number - 1)));
        assert_eq!(written, number - 1);
        // More comes meanwhile, a vow among it; and the log is tried again.
        let vow = HeadVow {
            origin: b"dev/e1/g0".to_vec(),
            size: 9,
            root: [1; 32],
        };
        turn(&mut log, vec![persist(number + 1), LogInput::Vow(vow)]);
        turn(&mut log, vec![persist(number + 2)]);
        turn(&mut log, Vec::new());
        assert!(told(&heard).is_empty() && vowed.try_iter().next().is_none());
        assert_eq!(out.durable.load(Ordering::Acquire), written);
        log.disk_mut().limit(None);
        turn(&mut log, Vec::new());
        assert_eq!(told(&heard), [number + 2]);
        assert_eq!(out.durable.load(Ordering::Acquire), number + 2);
        assert_eq!(vowed.try_iter().count(), 1);
        assert!(!*waits.borrow());
    }
}
