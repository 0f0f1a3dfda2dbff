//! The verify pool's books: which proofs wait, which are being judged, what came of them, and what
//! to judge next. No threads and no clock in here.
//!
//! Proofs are judged together, whatever entries they come from, because together costs a quarter of
//! alone. Two things keep liars from spoiling that for others: who sent a proof that does not hold
//! has its next ones judged apart from everybody else's, and while many proofs do not hold, batches
//! are smaller.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use akashi_domain::command::Command;
use akashi_domain::factor::Job;
use akashi_domain::ids::Stamp;
use akashi_proof::{Batch, Reason, Verdicts};

/// Results kept: more than can be under way between append and apply.
pub(super) const MEMO_MAX: usize = 65_536;
/// Entries waiting to be looked at; beyond, apply judges by itself, which is only slower.
const ENTRIES_MAX: usize = 4_096;
/// Bytes of the entries that wait: a replica that catches up appends faster than proofs are judged.
pub(super) const ENTRY_BYTES_MAX: usize = 64 * 1_024 * 1_024;
/// Proofs judged together: larger batches gain little per proof and delay the first.
const BATCH_MAX: usize = 128;
/// Proofs that a worker takes at least, if there are as many: below, a batch gains too little for
/// sharing to be worth it.
const SHARE_MIN: usize = 16;
/// How long the oldest proof waits for others to be judged with. Shorter than any sync of the log, so
/// that it hides behind replication.
const GATHER: Duration = Duration::from_micros(200);
/// Senders of proofs that did not hold, remembered.
const LIARS_MAX: usize = 4_096;
/// Proofs of such senders judged after each batch of the others': their share while all wait.
const APART_SHARE: usize = 8;
/// Proofs of such senders that may wait before they come first.
const APART_MAX: usize = 1_024;
/// Proofs over which the failing ones are counted.
const WATCHED: usize = 256;

/// What a proof is remembered under.
pub(super) type Key = [u8; 32];

/// A proof and who sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Name {
    /// Over everything that the verdict depends on.
    pub(super) key: Key,
    /// Over what it is bound to: the attempts at one challenge have this in common.
    pub(super) sender: Key,
}

/// A proof that waits.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) name: Name,
    pub(super) job: Job,
}

/// What is known of a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// It waits for a worker.
    Waiting,
    /// Somebody is at it.
    Running,
    /// Judged.
    Done(Result<(), Reason>),
}

/// Something to judge.
pub(super) enum Work {
    /// Together, and by a search if they do not hold together.
    Together(Vec<Task>),
    /// Each alone.
    Alone(Vec<Task>),
    /// A part of a batch that did not hold together.
    Piece(Vec<Name>, Batch),
}

/// What a worker does next.
pub(super) enum Next {
    Judge(Work),
    /// Look which proofs these commands carry, each at the stamp of its entry.
    Resolve(Vec<(Stamp, Command)>),
    /// Wait for news, or this long.
    Wait(Option<Duration>),
    Stop,
}

/// The books.
#[derive(Default)]
pub(super) struct Book {
    results: BTreeMap<Key, Known>,
    /// Keys by age; the oldest are forgotten first.
    order: VecDeque<Key>,
    entries: VecDeque<(Vec<(Stamp, Command)>, usize)>,
    entry_bytes: usize,
    tasks: VecDeque<Task>,
    /// Since when the oldest task waits.
    since: Option<Instant>,
    apart: VecDeque<Task>,
    /// Whether those apart have their turn after a batch.
    owed: bool,
    pieces: VecDeque<(Vec<Name>, Batch)>,
    liars: BTreeSet<Key>,
    liars_by_age: VecDeque<Key>,
    /// Of the last [`WATCHED`] proofs so many, times [`WATCHED`], did not hold.
    failing: usize,
    pub(super) stopping: bool,
}

impl Book {
    /// Commands with proofs from an entry of `bytes` bytes. Returns whether there was room.
    pub(super) fn enter(&mut self, commands: Vec<(Stamp, Command)>, bytes: usize) -> bool {
        let sum = self.entry_bytes.saturating_add(bytes);
        if self.entries.len() >= ENTRIES_MAX || sum > ENTRY_BYTES_MAX {
            return false;
        }
        self.entry_bytes = sum;
        self.entries.push_back((commands, bytes));
        true
    }

    /// Proofs that were found in commands.
    pub(super) fn queue(&mut self, tasks: Vec<Task>, now: Instant) {
        for task in tasks {
            if self.results.contains_key(&task.name.key) {
                continue;
            }
            self.claim(task.name.key, Known::Waiting);
            if self.liars.contains(&task.name.sender) {
                self.apart.push_back(task);
            } else {
                self.since.get_or_insert(now);
                self.tasks.push_back(task);
            }
        }
    }

    /// What one of `workers` does next.
    pub(super) fn next(&mut self, now: Instant, workers: usize) -> Next {
        if self.stopping {
            return Next::Stop;
        }
        if let Some(piece) = self.take_piece() {
            return Next::Judge(piece);
        }
        if self.apart.len() >= APART_MAX || (self.owed && !self.apart.is_empty()) {
            return Next::Judge(self.take_apart());
        }
        if self.tasks.len() >= self.batch_max() {
            return Next::Judge(self.take_together(workers, now));
        }
        if let Some((commands, bytes)) = self.entries.pop_front() {
            self.entry_bytes = self.entry_bytes.saturating_sub(bytes);
            return Next::Resolve(commands);
        }
        let due = self.since.map(|since| {
            let waited = now.saturating_duration_since(since);
            GATHER.saturating_sub(waited)
        });
        if due == Some(Duration::ZERO) {
            return Next::Judge(self.take_together(workers, now));
        }
        if !self.apart.is_empty() {
            return Next::Judge(self.take_apart());
        }
        Next::Wait(due)
    }

    /// Work towards the judgement on `key`, for apply, which waits for it and has nothing else to do.
    pub(super) fn work_towards(&mut self, key: &Key, workers: usize, now: Instant) -> Option<Work> {
        if let Some(at) = self.apart.iter().position(|task| task.name.key == *key) {
            let task = self.apart.remove(at)?;
            self.change(&task.name, Known::Running);
            return Some(Work::Alone(vec![task]));
        }
        if let Some(piece) = self.take_piece() {
            return Some(piece);
        }
        (!self.tasks.is_empty()).then(|| self.take_together(workers, now))
    }

    /// Whether another worker would find something to do.
    pub(super) fn has_more(&self) -> bool {
        !self.pieces.is_empty()
            || !self.entries.is_empty()
            || !self.apart.is_empty()
            || !self.tasks.is_empty()
    }

    /// Proofs that wait.
    pub(super) fn waiting(&self) -> usize {
        self.tasks.len().saturating_add(self.apart.len())
    }

    pub(super) fn known(&self, key: &Key) -> Option<Known> {
        self.results.get(key).copied()
    }

    /// Takes note that somebody judges `key`, or will.
    pub(super) fn claim(&mut self, key: Key, as_known: Known) {
        self.results.insert(key, as_known);
        self.order.push_back(key);
        while self.order.len() > MEMO_MAX {
            if let Some(oldest) = self.order.pop_front() {
                self.results.remove(&oldest);
            }
        }
    }

    /// Notes what came of a claim; one that was forgotten meanwhile stays forgotten.
    pub(super) fn settle(&mut self, key: Key, result: Result<(), Reason>) {
        if let Some(known) = self.results.get_mut(&key) {
            *known = Known::Done(result);
        }
    }

    /// Notes the verdicts on several proofs, and who lied.
    pub(super) fn settle_all(&mut self, names: &[Name], verdicts: &Verdicts) {
        let mut failed = 0_usize;
        for (name, verdict) in names.iter().zip(verdicts.as_slice()) {
            self.settle(name.key, *verdict);
            if *verdict == Err(Reason::EquationFailed) {
                failed = failed.saturating_add(1);
                self.remember_liar(name.sender);
            }
        }
        let kept = WATCHED.saturating_sub(names.len());
        let before = self.failing.saturating_mul(kept) / WATCHED;
        self.failing = before.saturating_add(failed.saturating_mul(WATCHED));
    }

    /// Takes back a claim on a proof that was not judged after all.
    pub(super) fn disclaim(&mut self, key: &Key) {
        if matches!(self.known(key), Some(Known::Running)) {
            self.results.remove(key);
        }
    }

    /// A part of a batch that anybody may go on with.
    pub(super) fn hand_over(&mut self, names: Vec<Name>, batch: Batch) {
        for name in &names {
            self.change(name, Known::Waiting);
        }
        self.pieces.push_back((names, batch));
    }

    /// Proofs that may be judged together now. One that does not hold costs its batch about one more
    /// multiplication; when many do not, most multiplications would be in vain.
    const fn batch_max(&self) -> usize {
        match self.failing / WATCHED {
            0..16 => BATCH_MAX,
            16..64 => SHARE_MIN,
            _ => 1,
        }
    }

    fn take_together(&mut self, workers: usize, now: Instant) -> Work {
        let share = self.tasks.len().div_ceil(workers.max(1)).max(SHARE_MIN);
        let count = share.min(self.batch_max()).min(self.tasks.len());
        let taken: Vec<Task> = self.tasks.drain(..count).collect();
        // Those left have waited as well, but a full worker's turn at most.
        self.since = (!self.tasks.is_empty()).then_some(now);
        self.owed = true;
        for task in &taken {
            self.change(&task.name, Known::Running);
        }
        Work::Together(taken)
    }

    fn take_piece(&mut self) -> Option<Work> {
        let (names, batch) = self.pieces.pop_front()?;
        for name in &names {
            self.change(name, Known::Running);
        }
        Some(Work::Piece(names, batch))
    }

    fn take_apart(&mut self) -> Work {
        let count = APART_SHARE.min(self.apart.len());
        let taken: Vec<Task> = self.apart.drain(..count).collect();
        self.owed = false;
        for task in &taken {
            self.change(&task.name, Known::Running);
        }
        Work::Alone(taken)
    }

    /// Notes where a proof stands; one that was forgotten meanwhile stays forgotten.
    fn change(&mut self, name: &Name, as_known: Known) {
        if let Some(known) = self.results.get_mut(&name.key) {
            *known = as_known;
        }
    }

    fn remember_liar(&mut self, sender: Key) {
        if self.liars.insert(sender) {
            self.liars_by_age.push_back(sender);
        }
        while self.liars_by_age.len() > LIARS_MAX {
            if let Some(oldest) = self.liars_by_age.pop_front() {
                self.liars.remove(&oldest);
            }
        }
    }
}
