//! Digesting the whole state in the background, as of one entry, while apply goes on; and keeping the
//! view afterwards, for other replicas to read snapshots from.
//!
//! The apply thread waits only until the view is fixed: the start of a thread, once in ten minutes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use akashi_replica::digest::state_digest;
use akashi_replica::snapshot::{Offer, frozen_progress};
use akashi_replica::store::{Frozen, StateStore, StoreError};

use super::seal_thread::SealInput;
use super::stop_process;
use super::threads::spawn;
use crate::snapshot::Kept;

/// Nanoseconds of pause per byte read: 64 MiB a second at most, so that the disk stays free for the
/// commands and a walk of a gigabyte takes a quarter of a minute.
const PAUSE_NS_PER_BYTE: u64 = 15;

/// Starts digests, one at a time, each on a thread that keeps its view. When it is dropped, a digest
/// that is under way ends without a result, and every view goes.
#[derive(Debug)]
pub(super) struct Digester {
    seal: Sender<SealInput>,
    kept: Kept,
    stop: Arc<AtomicBool>,
    /// Whether a digest is under way.
    walking: Arc<AtomicBool>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Digester {
    pub(super) fn new(seal: Sender<SealInput>, kept: Kept) -> Self {
        Self {
            seal,
            kept,
            stop: Arc::default(),
            walking: Arc::default(),
            threads: Mutex::default(),
        }
    }

    /// Has the state digested that the entry `index` left, and returns as soon as more may be written.
    /// A mark that comes while an earlier one is still being digested is passed over.
    pub(super) fn digest<S: StateStore>(&self, store: &Arc<S>, index: u64) {
        if self.walking.swap(true, Ordering::AcqRel) {
            tracing::warn!(
                index,
                "the last state digest takes too long; this one is left out"
            );
            return;
        }
        // From here on no head over its record is signed before the digests are compared.
        drop(self.seal.send(SealInput::Began(index)));
        let (taken, view_is_fixed) = channel();
        let walk = Walk {
            index,
            seal: self.seal.clone(),
            kept: self.kept.clone(),
            stop: Arc::clone(&self.stop),
            walking: Arc::clone(&self.walking),
        };
        let store = Arc::clone(store);
        let work = move || {
            let walked = store.frozen(&mut |view| {
                if taken.send(()).is_err() {
                    return Ok(());
                }
                walk.run(view)
            });
            if let Err(error) = walked {
                stop_process("the state cannot be read", &error);
            }
        };
        match spawn("digest", work) {
            Ok(thread) => {
                if view_is_fixed.recv().is_err() {
                    tracing::warn!(index, "the view of a state digest was not fixed");
                }
                let mut threads = self.lock();
                threads.retain(|thread| !thread.is_finished());
                threads.push(thread);
            }
            Err(error) => {
                tracing::warn!(%error, index, "this state digest is left out");
                self.walking.store(false, Ordering::Release);
                drop(self.seal.send(SealInput::LeftOut(index)));
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Digester {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        for thread in self.lock().iter() {
            thread.thread().unpark();
        }
        // A thread that is past its walk by now sees that nobody asks it any more.
        self.kept.close();
        for thread in self.lock().drain(..) {
            drop(thread.join());
        }
    }
}

/// One digest on its thread.
struct Walk {
    index: u64,
    seal: Sender<SealInput>,
    kept: Kept,
    stop: Arc<AtomicBool>,
    walking: Arc<AtomicBool>,
}

impl Walk {
    /// Digests the view, says what came of it, and answers reads until nobody needs it any more.
    fn run(&self, view: &dyn Frozen) -> Result<(), StoreError> {
        let index = self.index;
        let progress = frozen_progress(view)?;
        let digest = state_digest(view, &mut |bytes| go_on(bytes, &self.stop))?;
        self.walking.store(false, Ordering::Release);
        let Some(digest) = digest else {
            return Ok(());
        };
        tracing::info!(index, digest = hex::encode(digest), "state digest");
        let offer = Offer { progress, digest };
        let reads = self.kept.keep(offer);
        drop(self.seal.send(SealInput::Digested(offer.state_digest())));
        while let Ok(read) = reads.recv() {
            read.answer(view, &digest)?;
        }
        Ok(())
    }
}

/// Pauses for what was read; whether to read on.
fn go_on(bytes: usize, stop: &AtomicBool) -> bool {
    let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
    if !stop.load(Ordering::Acquire) {
        let pause = Duration::from_nanos(bytes.saturating_mul(PAUSE_NS_PER_BYTE));
        std::thread::park_timeout(pause);
    }
    !stop.load(Ordering::Acquire)
}
