//! The log thread: the node's only stream of syncs.
//!
//! Takes everything that waits, writes it, syncs once, and only then lets messages, vows and
//! acknowledgements go. A vow alone is not worth a sync at once: it waits a moment for entries to ride
//! with. If the disk refuses, the process stops: it neither retries nor answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use akashi_replica::consensus::{Fetch, Persist};
use akashi_replica::log::{FrameBody, HeadVow, LogError, RaftLog, Retention};

use super::raft_thread::RaftInput;
use super::seal_thread::SealInput;
use super::stop_process;
use crate::clock;
use crate::peers::Outbox;
use crate::storage::FileDisk;
use crate::telemetry::Metrics;

/// Inputs staged into one sync at most: bounds how long the first of them waits.
const STAGED_MAX: usize = 1_024;
/// How long a vow waits for entries to be synced with. While commands come, they come more often than
/// this; a seal waits for a quorum of vows.
const VOW_WAIT: Duration = Duration::from_millis(2);

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
    pub(super) metrics: Metrics,
}

/// Runs until told to stop.
pub(super) fn run(mut log: RaftLog<FileDisk>, inputs: &Receiver<LogInput>, out: &LogOutputs) {
    out.durable.store(log.last().0, Ordering::Release);
    let mut vows = Vows::default();
    loop {
        let first = match vows.due() {
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
        match turn(&mut log, batch, &mut vows, out) {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => stop_process("the raft log cannot go on", &error),
        }
    }
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
fn turn(
    log: &mut RaftLog<FileDisk>,
    batch: Vec<LogInput>,
    vows: &mut Vows,
    out: &LogOutputs,
) -> Result<bool, LogError> {
    let mut persisted = Vec::new();
    let mut vowed = Vec::new();
    let mut fetches = Vec::new();
    let mut retention = None;
    let mut go_on = true;
    let mut entries_staged = 0;
    for input in batch {
        match input {
            LogInput::Persist(mut persist) => {
                let entries = std::mem::take(&mut persist.entries);
                entries_staged += entries.len();
                if !entries.is_empty() || persist.hard_state.is_some() {
                    let hard_state = persist.hard_state;
                    log.append(FrameBody::Append {
                        entries,
                        hard_state,
                    })?;
                }
                persisted.push(persist);
            }
            LogInput::Vow(vow) => vows.add(vow),
            LogInput::Fetch(fetch) => fetches.push(fetch),
            LogInput::Retain(limits) => retention = Some(limits),
            LogInput::Stop => go_on = false,
        }
    }
    let due = vows.due().is_some_and(|due| due <= clock::monotonic());
    if log.needs_sync() || due || !go_on {
        for vow in vows.take() {
            vowed.push(vow.size);
            log.append(FrameBody::Head(vow))?;
        }
    }
    if log.needs_sync() {
        let began = clock::monotonic();
        let synced = log.sync()?;
        out.metrics
            .log_synced(began.elapsed(), entries_staged, synced.bytes);
        out.durable.store(log.last().0, Ordering::Release);
    }
    // Whoever listens to these channels is gone only when the node is going down.
    let newest = persisted.last().map(|persist| persist.number);
    for persist in persisted {
        out.peers.raft(persist.messages_after);
    }
    if let Some(number) = newest {
        drop(out.raft.send(RaftInput::Persisted(number)));
    }
    for size in vowed {
        drop(out.seal.send(SealInput::Vowed(size)));
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
    if let Some(limits) = retention {
        let dropped = log.retain(&limits)?;
        let (base, _) = log.base();
        if dropped > 0 {
            tracing::info!(dropped, base, "segments of the raft log are dropped");
        }
        out.metrics
            .log_held(log.segments().0, base.saturating_add(1));
        drop(out.raft.send(RaftInput::Compacted(base)));
    }
    match log.prepare_step() {
        Ok(_more) => {}
        // The log goes on until the segment is full; then it must have room, or the node stops.
        Err(LogError::NoSpace(_)) => {
            tracing::warn!("no space for the next segment of the raft log");
        }
        Err(error) => return Err(error),
    }
    Ok(go_on)
}
