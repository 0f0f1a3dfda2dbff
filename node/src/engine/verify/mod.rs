//! The verify pool: worker threads judge proofs from the moment an entry is appended, and a memo
//! hands the results to apply.
//!
//! A result is a cache and nothing more: apply builds every statement again from committed state,
//! and asks the memo for exactly those bytes. What the pool has not judged, apply judges itself; what
//! waits for the pool, apply helps to judge.

mod book;

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use akashi_domain::command::Command;
use akashi_domain::decide::{Checker, submission_jobs};
use akashi_domain::entry::Entry;
use akashi_domain::factor::Job;
use akashi_domain::ids::Stamp;
use akashi_domain::kv::View;
use akashi_proof::{Batch, Reason, Verdicts, check};

use crate::clock;
use crate::telemetry::{MemoResult, Metrics};
use book::{Book, Key, Known, Name, Next, Task, Work};

/// Proofs of a batch that does not hold which are judged alone: searching among fewer saves nothing.
const ALONE_MAX: usize = 4;

#[derive(Debug)]
struct Shared {
    book: Mutex<Book>,
    /// Wakes workers for something to do.
    work: Condvar,
    /// Wakes apply for results.
    judged: Condvar,
    workers: usize,
    metrics: Metrics,
}

impl std::fmt::Debug for Book {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Book")
            .field("waiting", &self.waiting())
            .finish_non_exhaustive()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Book> {
        // A worker that panicked judged nothing; apply judges by itself.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn settle(&self, names: &[Name], verdicts: &Verdicts) {
        let mut book = self.lock();
        book.settle_all(names, verdicts);
        let waiting = book.waiting();
        drop(book);
        self.judged.notify_all();
        self.metrics.verify_queue(waiting);
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
            book: Mutex::default(),
            work: Condvar::new(),
            judged: Condvar::new(),
            workers,
            metrics,
        });
        let workers = (0..workers)
            .map(|number| {
                let (shared, view) = (Arc::clone(&shared), view.clone());
                std::thread::Builder::new()
                    .name(format!("verify-{number}"))
                    .spawn(move || run(&shared, &view))
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self { shared, workers })
    }

    /// An entry of `bytes` bytes was appended: judge what it submits.
    pub(super) fn appended(&self, entry: &Entry, bytes: usize) {
        let commands = entry.requests.iter().map(|request| &request.command);
        let commands = commands
            .filter(|command| carries_proofs(command))
            .map(|command| (entry.stamp, command.clone()))
            .collect();
        self.enter(commands, bytes);
    }

    /// Commands with proofs, each with the stamp of their entry of `bytes` bytes. Wakes nobody for none.
    pub(super) fn enter(&self, commands: Vec<(Stamp, Command)>, bytes: usize) {
        if !commands.is_empty() && self.shared.lock().enter(commands, bytes) {
            self.shared.work.notify_one();
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
        self.shared.work.notify_all();
        for worker in self.workers.drain(..) {
            // A worker that panicked has nothing left to give.
            drop(worker.join());
        }
    }
}

/// Whether there may be something to judge in a command.
pub(super) const fn carries_proofs(command: &Command) -> bool {
    match command {
        Command::SubmitProof(_)
        | Command::CompleteEnrolment(_)
        | Command::RegisterCredential(_)
        | Command::EnrolTemplate(_) => true,
        Command::Found(_)
        | Command::CreateTenant(_)
        | Command::PutPolicy(_)
        | Command::PutSettings(_)
        | Command::PutSessionSettings(_)
        | Command::ReportNotice(_)
        | Command::RegisterAgent(_)
        | Command::RegisterIssuer(_)
        | Command::RevokeIssuer(_)
        | Command::RegisterSensor(_)
        | Command::RevokeSensor(_)
        | Command::OpenEnrolment(_)
        | Command::RevokeDevice(_)
        | Command::RevokeCredential(_)
        | Command::RevokeTemplate(_)
        | Command::OfferOrder(_)
        | Command::OpenOrder(_)
        | Command::ExecuteOrder(_)
        | Command::ProveTotal(_)
        | Command::OpenAgentLogin(_)
        | Command::AnnounceContact(_)
        | Command::BindAgent(_)
        | Command::CloseContact(_)
        | Command::SetOptOut(_)
        | Command::AttachRisk(_)
        | Command::RecordFallback(_)
        | Command::GrantDelegation(_)
        | Command::RevokeDelegation(_)
        | Command::StepUp(_)
        | Command::ResumeContact(_)
        | Command::RecordLeg(_)
        | Command::RetirePolicy(_)
        | Command::EraseSubject(_)
        | Command::OpenSession(_)
        | Command::EndSession(_)
        | Command::RestoreSession(_)
        | Command::ReportPresence(_)
        | Command::PresenceSummary(_)
        | Command::LockAgent(_)
        | Command::UnlockAgent(_)
        | Command::RevokeAgentCertificate(_)
        | Command::AttestPosture(_)
        | Command::PublishRules(_)
        | Command::ObserveContact(_)
        | Command::RequestUnmask(_)
        | Command::DecideUnmask(_)
        | Command::BreakGlass(_)
        | Command::AddMember(_)
        | Command::PromoteMember(_)
        | Command::RemoveMember(_)
        | Command::MeetMember(_)
        | Command::MarkState
        | Command::RecordStateDigest(_)
        | Command::AnswerNotice(_) => false,
    }
}

/// Asks the memo, helps the workers while the answer is not there, and judges on the spot what nobody
/// has heard of.
#[derive(Debug)]
pub(super) struct MemoChecker {
    shared: Arc<Shared>,
}

impl Checker for MemoChecker {
    fn check(&mut self, job: &Job) -> Result<(), Reason> {
        let key = name_of(job).key;
        let mut book = self.shared.lock();
        loop {
            let work = match book.known(&key) {
                Some(Known::Done(result)) => {
                    drop(book);
                    self.shared.metrics.memo(MemoResult::Hit);
                    return result;
                }
                Some(Known::Running) => {
                    book = self
                        .shared
                        .judged
                        .wait(book)
                        .unwrap_or_else(PoisonError::into_inner);
                    continue;
                }
                Some(Known::Waiting) => {
                    book.work_towards(&key, self.shared.workers, clock::monotonic())
                }
                None => None,
            };
            let Some(work) = work else { break };
            drop(book);
            judge(&self.shared, work);
            book = self.shared.lock();
        }
        // Claimed, so that no worker does it as well.
        book.claim(key, Known::Running);
        drop(book);
        self.shared.metrics.memo(MemoResult::Miss);
        let result = check(&job.context, &job.statement, &job.proof);
        self.shared.lock().settle(key, result);
        result
    }
}

/// A worker's life.
fn run<V: View>(shared: &Shared, view: &V) {
    let mut book = shared.lock();
    loop {
        match book.next(clock::monotonic(), shared.workers) {
            Next::Stop => return,
            Next::Wait(None) => {
                book = shared
                    .work
                    .wait(book)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            Next::Wait(Some(time)) => {
                book = shared
                    .work
                    .wait_timeout(book, time)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0;
            }
            Next::Resolve(commands) => {
                drop(book);
                let tasks = commands
                    .iter()
                    .flat_map(|(stamp, command)| {
                        submission_jobs(view, *stamp, command).unwrap_or_default()
                    })
                    .map(|job| Task {
                        name: name_of(&job),
                        job,
                    })
                    .collect();
                book = shared.lock();
                book.queue(tasks, clock::monotonic());
            }
            Next::Judge(work) => {
                let more = book.has_more();
                drop(book);
                if more {
                    shared.work.notify_one();
                }
                judge(shared, work);
                book = shared.lock();
            }
        }
    }
}

/// What a proof is remembered under. Whoever asks with the same context, statement and proof gets the
/// same name, and nobody else does: BLAKE3 over all three, each behind its length, and the kind.
/// The context's bytes say which suite.
fn name_of(job: &Job) -> Name {
    let mut hash = blake3::Hasher::new();
    absorb(&mut hash, job.context.bytes());
    let sender = *hash.finalize().as_bytes();
    absorb(&mut hash, &[job.statement.kind().code()]);
    absorb(&mut hash, &job.statement.instance());
    absorb(&mut hash, &job.proof);
    let key = *hash.finalize().as_bytes();
    Name { key, sender }
}

fn absorb(hash: &mut blake3::Hasher, bytes: &[u8]) {
    hash.update(&u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_le_bytes());
    hash.update(bytes);
}

fn judge(shared: &Shared, work: Work) {
    let began = clock::monotonic();
    let alone = matches!(work, Work::Alone(_));
    let mut unfinished = Unfinished {
        shared,
        keys: Vec::new(),
    };
    let (names, batch) = match work {
        Work::Together(tasks) | Work::Alone(tasks) => {
            unfinished.keys = tasks.iter().map(|task| task.name.key).collect();
            prepare(&tasks)
        }
        Work::Piece(names, batch) => {
            unfinished.keys = names.iter().map(|name| name.key).collect();
            (names, batch)
        }
    };
    if alone {
        shared.settle(&names, &batch.finish_singly());
    } else {
        search(shared, names, batch);
    }
    drop(unfinished);
    shared.metrics.verified(began.elapsed());
}

fn prepare(tasks: &[Task]) -> (Vec<Name>, Batch) {
    let mut batch = Batch::new();
    for Task { job, .. } in tasks {
        batch.push_any(&job.context, &job.statement, &job.proof);
    }
    (tasks.iter().map(|task| task.name).collect(), batch)
}

/// Judges together; if something does not hold, halves until it is found. One bad proof costs its
/// batch about as much again; where both halves are bad, another worker may go on with one of them.
fn search(shared: &Shared, mut names: Vec<Name>, batch: Batch) {
    let mut bad = match batch.finish_together() {
        Ok(verdicts) => return shared.settle(&names, &verdicts),
        Err(bad) => bad,
    };
    while bad.len() > ALONE_MAX {
        let half = bad.len() / 2;
        let (back, back_names) = (bad.split_off(half), names.split_off(half));
        match bad.finish_together() {
            Ok(verdicts) => {
                shared.settle(&names, &verdicts);
                (bad, names) = (back, back_names);
            }
            Err(front) => {
                shared.lock().hand_over(back_names, back);
                shared.work.notify_one();
                bad = front;
            }
        }
    }
    shared.settle(&names, &bad.finish_singly());
}

/// Takes back claims on proofs if judging them panics: nobody may wait for them for ever.
struct Unfinished<'a> {
    shared: &'a Shared,
    keys: Vec<Key>,
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let mut book = self.shared.lock();
        for key in &self.keys {
            book.disclaim(key);
        }
        drop(book);
        self.shared.judged.notify_all();
    }
}

#[cfg(test)]
mod tests;
