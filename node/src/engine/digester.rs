//! Digesting the whole state in the background, as of one entry, while apply goes on.
//!
//! The apply thread waits only until the view is fixed: the start of a thread, once in ten minutes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use akashi_replica::agreement::StateDigest;
use akashi_replica::digest::state_digest;
use akashi_replica::store::StateStore;

use super::seal_thread::SealInput;
use super::start::spawn;
use super::stop_process;

/// Nanoseconds of pause per byte read: 64 MiB a second at most, so that the disk stays free for the
/// commands and a walk of a gigabyte takes a quarter of a minute.
const PAUSE_NS_PER_BYTE: u64 = 15;

/// Starts digests, one at a time. When it is dropped, one that is under way ends without a result.
#[derive(Debug)]
pub(super) struct Digester {
    seal: Sender<SealInput>,
    stop: Arc<AtomicBool>,
    under_way: Mutex<Option<JoinHandle<()>>>,
}

impl Digester {
    pub(super) fn new(seal: Sender<SealInput>) -> Self {
        Self {
            seal,
            stop: Arc::default(),
            under_way: Mutex::default(),
        }
    }

    /// Has the state digested that the entry `index` left, and returns as soon as more may be written.
    /// A mark that comes while an earlier one is still being digested is passed over.
    pub(super) fn digest<S: StateStore>(&self, store: &Arc<S>, index: u64) {
        let mut under_way = self.lock();
        if under_way.as_ref().is_some_and(|last| !last.is_finished()) {
            tracing::warn!(
                index,
                "the last state digest takes too long; this one is left out"
            );
            return;
        }
        let (store, seal, stop) = (Arc::clone(store), self.seal.clone(), Arc::clone(&self.stop));
        let (taken, view_is_fixed) = channel();
        let work = move || {
            let walked = store.frozen(&mut |view| {
                if taken.send(()).is_err() {
                    return Ok(());
                }
                let digest = state_digest(view, &mut |bytes| go_on(bytes, &stop))?;
                if let Some(digest) = digest {
                    tracing::info!(index, digest = hex::encode(digest), "state digest");
                    drop(seal.send(SealInput::Digested(StateDigest { index, digest })));
                }
                Ok(())
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
                *under_way = Some(thread);
            }
            Err(error) => tracing::warn!(%error, index, "this state digest is left out"),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<JoinHandle<()>>> {
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Digester {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.lock().take() {
            thread.thread().unpark();
            drop(thread.join());
        }
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
