//! The verify pool: worker threads judge proofs from the moment an entry is appended, and a memo
//! hands the results to apply.
//!
//! A result is a cache and nothing more: apply builds every statement again from committed state,
//! and asks the memo for exactly those bytes. What the pool has not judged, apply judges itself.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use akashi_domain::decide::{Checker, submission_jobs};
use akashi_domain::entry::Entry;
use akashi_domain::factor::Job;
use akashi_domain::kv::View;
use akashi_proof::{Batch, Reason, check, memo_key};

use crate::clock;
use crate::telemetry::{MemoResult, Metrics};

/// Results kept: more than can be under way between append and apply.
const MEMO_MAX: usize = 65_536;
/// Entries waiting to be looked at; beyond, apply judges by itself, which is only slower.
const QUEUE_MAX: usize = 4_096;
/// Bytes of the entries that wait: a replica that catches up appends faster than proofs are judged.
const QUEUE_BYTES_MAX: usize = 64 * 1_024 * 1_024;
/// Proofs judged together: larger batches gain little per proof and delay the first.
const BATCH_MAX: usize = 64;

type Key = [u8; 32];

#[derive(Clone, Copy, Debug)]
enum Known {
    /// A worker is at it.
    Running,
    /// Judged.
    Done(Result<(), Reason>),
}

#[derive(Debug, Default)]
struct Memo {
    results: BTreeMap<Key, Known>,
    /// Keys by age; the oldest are forgotten first.
    order: VecDeque<Key>,
    queue: VecDeque<Arc<[u8]>>,
    queue_bytes: usize,
    stopping: bool,
}

impl Memo {
    /// Takes note that somebody judges `key`.
    fn claim(&mut self, key: Key) {
        self.results.insert(key, Known::Running);
        self.order.push_back(key);
        while self.order.len() > MEMO_MAX {
            if let Some(oldest) = self.order.pop_front() {
                self.results.remove(&oldest);
            }
        }
    }

    /// Notes what came of a claim; one that was forgotten meanwhile stays forgotten.
    fn settle(&mut self, key: Key, result: Result<(), Reason>) {
        if let Some(known) = self.results.get_mut(&key) {
            *known = Known::Done(result);
        }
    }
}

#[derive(Debug)]
struct Shared {
    memo: Mutex<Memo>,
    /// Wakes workers for new entries, and apply for new results.
    changed: Condvar,
    metrics: Metrics,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Memo> {
        // A worker that panicked judged nothing; apply judges by itself.
        self.memo.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The workers; they end when this is dropped.
#[derive(Debug)]
pub(super) struct VerifyPool {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
}

impl VerifyPool {
    /// Starts `workers` threads that read state through `view`.
    pub(super) fn start<V: View + Clone + Send + 'static>(
        view: &V,
        workers: usize,
        metrics: Metrics,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            memo: Mutex::default(),
            changed: Condvar::new(),
            metrics,
        });
        let workers = (0..workers)
            .map(|number| {
                let (shared, view) = (Arc::clone(&shared), view.clone());
                std::thread::Builder::new()
                    .name(format!("verify-{number}"))
                    .spawn(move || work(&shared, &view))
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self { shared, workers })
    }

    /// An entry was appended: judge what it submits.
    pub(super) fn appended(&self, data: Arc<[u8]>) {
        let mut memo = self.shared.lock();
        let bytes = memo.queue_bytes.saturating_add(data.len());
        if memo.queue.len() < QUEUE_MAX && bytes <= QUEUE_BYTES_MAX {
            memo.queue_bytes = bytes;
            memo.queue.push_back(data);
            self.shared.changed.notify_all();
        }
    }

    /// What apply asks.
    pub(super) fn checker(&self) -> MemoChecker {
        MemoChecker {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl Drop for VerifyPool {
    fn drop(&mut self) {
        self.shared.lock().stopping = true;
        self.shared.changed.notify_all();
        for worker in self.workers.drain(..) {
            // A worker that panicked has nothing left to give.
            drop(worker.join());
        }
    }
}

/// Asks the memo, waits for a worker that is at it, and judges on the spot otherwise.
#[derive(Debug)]
pub(super) struct MemoChecker {
    shared: Arc<Shared>,
}

impl Checker for MemoChecker {
    fn check(&mut self, job: &Job) -> Result<(), Reason> {
        let key = memo_key(&job.context, &job.statement, &job.proof);
        let mut memo = self.shared.lock();
        loop {
            match memo.results.get(&key) {
                Some(Known::Done(result)) => {
                    let result = *result;
                    drop(memo);
                    self.shared.metrics.memo(MemoResult::Hit);
                    return result;
                }
                Some(Known::Running) => {
                    memo = self
                        .shared
                        .changed
                        .wait(memo)
                        .unwrap_or_else(PoisonError::into_inner);
                }
                None => break,
            }
        }
        // Claimed, so that no worker does it as well.
        memo.claim(key);
        drop(memo);
        self.shared.metrics.memo(MemoResult::Miss);
        let result = check(&job.context, &job.statement, &job.proof);
        self.shared.lock().settle(key, result);
        result
    }
}

fn work<V: View>(shared: &Shared, view: &V) {
    loop {
        let entries = {
            let mut memo = shared.lock();
            while memo.queue.is_empty() && !memo.stopping {
                memo = shared
                    .changed
                    .wait(memo)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            if memo.stopping {
                return;
            }
            // A few entries at a time, so that several workers share a burst.
            let take = memo.queue.len().min(4);
            let taken: Vec<_> = memo.queue.drain(..take).collect();
            let bytes = taken.iter().map(|data| data.len()).sum();
            memo.queue_bytes = memo.queue_bytes.saturating_sub(bytes);
            taken
        };
        let jobs: Vec<(Key, Job)> = entries
            .iter()
            .flat_map(|data| jobs_of(view, data))
            .collect();
        for chunk in jobs.chunks(BATCH_MAX) {
            judge(shared, chunk);
        }
    }
}

fn jobs_of<V: View>(view: &V, data: &[u8]) -> Vec<(Key, Job)> {
    let Ok(entry) = Entry::decode(data) else {
        return Vec::new();
    };
    entry
        .requests
        .iter()
        .flat_map(|request| {
            submission_jobs(view, entry.stamp, &request.command).unwrap_or_default()
        })
        .map(|job| (memo_key(&job.context, &job.statement, &job.proof), job))
        .collect()
}

fn judge(shared: &Shared, jobs: &[(Key, Job)]) {
    let mine: Vec<&(Key, Job)> = {
        let mut memo = shared.lock();
        jobs.iter()
            .filter(|(key, _)| {
                let new = !memo.results.contains_key(key);
                if new {
                    memo.claim(*key);
                }
                new
            })
            .collect()
    };
    if mine.is_empty() {
        return;
    }
    // If judging panics, nobody may wait for it for ever.
    let guard = Unfinished {
        shared,
        keys: mine.iter().map(|(key, _)| *key).collect(),
    };
    let began = clock::monotonic();
    let mut batch = Batch::new();
    let tickets: Vec<_> = mine
        .iter()
        .map(|(key, job)| {
            (
                *key,
                batch.push_any(&job.context, &job.statement, &job.proof),
            )
        })
        .collect();
    let verdicts = batch.finish();
    shared.metrics.verified(began.elapsed());
    {
        let mut memo = shared.lock();
        for (key, ticket) in tickets {
            memo.settle(key, verdicts.of(ticket));
        }
        let waiting = memo.queue.len();
        drop(memo);
        shared.metrics.verify_queue(waiting);
    }
    drop(guard);
    shared.changed.notify_all();
}

/// Takes back claims on jobs that were not finished.
struct Unfinished<'a> {
    shared: &'a Shared,
    keys: Vec<Key>,
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        let mut memo = self.shared.lock();
        for key in &self.keys {
            if matches!(memo.results.get(key), Some(Known::Running)) {
                memo.results.remove(key);
            }
        }
        drop(memo);
        self.shared.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use akashi_domain::kv::Changes;
    use opentelemetry_sdk::metrics::SdkMeterProvider;

    use super::*;

    #[test]
    fn entries_that_wait_are_bounded_in_bytes() {
        let metrics = Metrics::new(&SdkMeterProvider::builder().build());
        let pool = VerifyPool::start(&Changes::new(), 0, metrics).unwrap();
        let entry: Arc<[u8]> = vec![0; QUEUE_BYTES_MAX / 4].into();
        for _ in 0..10 {
            pool.appended(Arc::clone(&entry));
        }
        assert_eq!(pool.shared.lock().queue.len(), 4);
    }

    #[test]
    fn the_memo_forgets_the_oldest_claims_and_what_comes_of_them() {
        let mut memo = Memo::default();
        let key = |number: usize| {
            let mut key = [0; 32];
            key[..8].copy_from_slice(&number.to_be_bytes());
            key
        };
        for number in 0..MEMO_MAX + 10 {
            memo.claim(key(number));
        }
        for number in 0..MEMO_MAX + 10 {
            memo.settle(key(number), Ok(()));
        }
        assert_eq!((memo.results.len(), memo.order.len()), (MEMO_MAX, MEMO_MAX));
        assert!(!memo.results.contains_key(&key(9)));
    }
}
