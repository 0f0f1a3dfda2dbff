//! The flush thread: makes the applied state durable now and then, and tells the log what may go.
//!
//! Apply goes on meanwhile. The log replays whatever was applied after the last flush, so the log must
//! keep it: nothing is dropped that is not flushed, whatever else the limits say.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use akashi_domain::kv::Fault;
use akashi_merkle::{Leaf, SignedHead};
use akashi_replica::log::Retention;
use akashi_replica::store::{StateStore as _, StoreError};
use tokio::sync::watch;

use super::apply_thread::Position;
use super::log_thread::LogInput;
use super::vitals::Vitals;
use super::{StoreView, stop_process};
use crate::clock;
use crate::config::Storage;
use crate::peers::Outbox;
use crate::storage::Room;
use crate::telemetry::Metrics;

/// How often the thread looks whether there is something to do.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Changes in memory above which they are flushed: below RocksDB's own limit of 64 MiB, so that the
/// flush that counts is this one.
const FLUSH_BYTES: u64 = 48 << 20;
/// Entries applied since the last flush above which there is another: a restart replays them in seconds.
const FLUSH_ENTRIES: u64 = 100_000;
/// Bytes that a flush may take besides what is flushed: manifest, filters, the index of each table.
const FLUSH_MARGIN: u64 = 4 << 20;
/// Flushed entries that stay in the log in any case, so that a follower that is a moment behind is
/// never one that is too far behind.
const ENTRIES_KEPT: u64 = 256;

/// Why the state cannot be kept.
#[derive(Debug, thiserror::Error)]
enum FlushError {
    #[error("the state store cannot be flushed")]
    Store(#[from] StoreError),
    #[error("the state store cannot be read")]
    Fault(#[from] Fault),
    #[error("the state store failed in the background")]
    Background,
}

/// What the flush thread looks at.
pub(super) struct FlushThread {
    pub(super) view: StoreView,
    pub(super) log: Sender<LogInput>,
    pub(super) position: watch::Receiver<Position>,
    pub(super) sealed: watch::Receiver<Option<Arc<SignedHead>>>,
    pub(super) peers: Outbox,
    /// Every replica has the log up to here, as far as is known. A leader knows it of its followers;
    /// the others are told, because one of them may have to bring a slow one up to date next.
    pub(super) all_have: Arc<AtomicU64>,
    pub(super) limits: Storage,
    pub(super) vitals: Arc<Vitals>,
    pub(super) metrics: Metrics,
}

impl FlushThread {
    /// Runs until told to stop.
    pub(super) fn run(self, runtime: &tokio::runtime::Handle, mut down: watch::Receiver<bool>) {
        // What the store holds at a start is what it held on disk.
        let mut durable = self.position.borrow().progress.log_index;
        let mut flushed = clock::monotonic();
        self.metrics.durable_applied(durable);
        loop {
            let stopping = runtime.block_on(async {
                tokio::time::timeout(LOOK_EVERY, down.wait_for(|down| *down))
                    .await
                    .is_ok()
            });
            if stopping {
                return;
            }
            match self.look(durable, flushed) {
                Ok(Some(index)) => (durable, flushed) = (index, clock::monotonic()),
                Ok(None) => {}
                Err(error) => stop_process("the state cannot be kept", &error),
            }
        }
    }

    /// Flushes if it is time, and says how far the state is durable then; the log learns its limits.
    fn look(&self, durable: u64, flushed: Instant) -> Result<Option<u64>, FlushError> {
        if self.view.0.background_errors()? > 0 {
            return Err(FlushError::Background);
        }
        let out_of_room = *self.vitals.room().borrow() == Room::Out;
        let applied = self.position.borrow().progress.log_index;
        let interval = Duration::from_secs(u64::from(self.limits.flush_interval_s));
        let due = applied > durable
            && (flushed.elapsed() >= interval
                || applied.saturating_sub(durable) >= FLUSH_ENTRIES
                || self.view.0.unflushed_bytes()? >= FLUSH_BYTES);
        // A flush that finds no room fails for good. Without one the log grows, and nothing is lost.
        let due = due && (!out_of_room || self.has_room()?);
        if due {
            self.view.0.flush()?;
            self.metrics.durable_applied(applied);
        }
        let durable = if due { applied } else { durable };
        let all_have = self.all_have.load(Ordering::Acquire);
        self.peers.all_have(all_have);
        let retention = Retention {
            durable: durable.saturating_sub(ENTRIES_KEPT),
            needed_after: all_have.min(self.sealed_to()?),
            segments_kept: if out_of_room {
                1
            } else {
                wide(self.limits.log_segments_kept)
            },
            segments_max: wide(self.limits.log_segments_max),
        };
        // Gone only when the node is going down.
        drop(self.log.send(LogInput::Retain(retention)));
        Ok(due.then_some(durable))
    }

    /// Whether what is not flushed surely fits on the disk.
    fn has_room(&self) -> Result<bool, FlushError> {
        let needed = self.view.0.unflushed_bytes()?.saturating_add(FLUSH_MARGIN);
        Ok(self.vitals.free().load(Ordering::Acquire) >= needed)
    }

    /// The last entry all of whose leaves are under the newest sealed head.
    fn sealed_to(&self) -> Result<u64, FlushError> {
        let size = self
            .sealed
            .borrow()
            .as_ref()
            .map_or(0, |head| head.head.size);
        let progress = self.position.borrow().progress;
        // What the state itself knows to be sealed counts too: after a start from a snapshot older
        // leaves are not here.
        let size = size.max(progress.sealed.size);
        if size >= progress.leaves {
            return Ok(progress.log_index);
        }
        let bytes = self.view.leaf(size)?.ok_or(Fault::Corrupt)?;
        let leaf = Leaf::decode(&bytes).map_err(|_undecodable| Fault::Corrupt)?;
        Ok(leaf.log_index.saturating_sub(1))
    }
}

fn wide(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
