//! What one endpoint's task does: read the log, keep the queue, send what is due.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use akashi_merkle::{Frontier, Leaf};
use bytes::Bytes;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};

use super::cloud_event;
use super::endpoint::Endpoint;
use super::home::{Ask, MARK_LEAVES};
use super::journal::Journal;
use super::run::{Report, Shared};
use super::send::{Attempt, Sender};
use super::state::{FORMAT, Range, Record, State};
use crate::auditor::{Auditor, Batch};
use crate::clock;
use crate::entropy;
use crate::error::Error;

/// Attempts of one endpoint at a time.
const ATTEMPTS_AT_ONCE: usize = 8;
/// Messages that wait for one endpoint before reading stops; the log keeps the rest.
const WAITING_MAX: usize = 20_000;
/// Milliseconds after which a task looks around though nothing has happened.
const LOOK_MS: u64 = 1_000;
/// Milliseconds between two cursors in the journal while no message comes of what is read.
const CURSOR_MS: u64 = 5_000;
/// A journal smaller than this many bytes is not written anew.
const JOURNAL_BYTES_SMALL: u64 = 4 << 20;
/// Batches that are read ahead.
const BATCHES_AHEAD: usize = 2;
/// Seconds that one question for new leaves stays open.
const READ_S: u64 = 60;
/// Milliseconds before a cluster that did not answer is asked again.
const PAUSE_MS: u64 = 2_000;

/// Milliseconds since 1970.
fn now_ms() -> u64 {
    clock::unix_us() / 1_000
}

/// Leaves on their way from the cluster; reading stops when the value goes.
struct Reading {
    batches: mpsc::Receiver<Result<Option<Batch>, Error>>,
    task: JoinHandle<()>,
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Reading {
    /// Reads from a verified place on, or from the beginning.
    fn from(
        auditor: &Auditor,
        place: Option<&Frontier>,
        follow: bool,
        tell: impl Fn(String) + Send + 'static,
    ) -> Result<Self, Error> {
        let follower = match place {
            Some(frontier) => auditor.follower_at(frontier)?,
            None => auditor.follower(),
        };
        let mut reader = auditor.reader(follower, follow);
        let (sender, batches) = mpsc::channel(BATCHES_AHEAD);
        let task = tokio::spawn(async move {
            loop {
                let next = reader.next(Duration::from_secs(READ_S)).await;
                let is_last = match &next {
                    Ok(Some(_)) => false,
                    Ok(None) => true,
                    Err(Error::DeadlineExceeded) => continue,
                    Err(error @ (Error::Unavailable { .. } | Error::OverLimit { .. })) => {
                        tell(error.to_string());
                        tokio::time::sleep(Duration::from_millis(PAUSE_MS)).await;
                        continue;
                    }
                    Err(_final) => true,
                };
                if sender.send(next).await.is_err() || is_last {
                    return;
                }
            }
        });
        Ok(Self { batches, task })
    }
}

/// One endpoint at work.
pub(super) struct Worker {
    name: String,
    shared: Arc<Shared>,
    endpoint: watch::Receiver<Arc<Endpoint>>,
    sender: Sender,
    journal: Journal,
    state: State,
    /// Messages of which an attempt is on its way.
    flying: BTreeSet<u64>,
    attempts: JoinSet<(u64, Attempt)>,
    /// When the last cursor was written, in milliseconds since 1970.
    cursor_ms: u64,
    /// Bytes of the journal when it was last written anew.
    fresh_bytes: u64,
}

impl Worker {
    /// Opens the journal. Nothing is sent yet.
    pub(super) fn open(
        name: &str,
        shared: Arc<Shared>,
        endpoint: watch::Receiver<Arc<Endpoint>>,
    ) -> Result<Self, Error> {
        let sender = sender_of(&endpoint.borrow(), &shared)?;
        let (journal, state) = shared.home.journal(name)?;
        let fresh_bytes = journal.bytes();
        let mut worker = Self {
            name: name.to_owned(),
            shared,
            endpoint,
            sender,
            journal,
            state,
            flying: BTreeSet::new(),
            attempts: JoinSet::new(),
            cursor_ms: 0,
            fresh_bytes,
        };
        let origin = worker.shared.auditor.key_set().origin().to_string();
        if worker.state.origin().is_empty() {
            worker.record(vec![Record::Opened {
                format: FORMAT,
                origin,
            }])?;
        } else if worker.state.origin() != origin {
            return Err(Error::usage(format!(
                "endpoint {name} belongs to the log {}, not to {origin}",
                worker.state.origin()
            )));
        }
        Ok(worker)
    }

    /// Where it stands before it begins.
    pub(super) fn started(&self) -> Report {
        Report::Started {
            endpoint: self.name.clone(),
            next: self.state.cursor().map_or(0, Frontier::size),
            waiting: self.state.waiting().len(),
        }
    }

    /// Works until told to stop. An error is final: of the log, or of the disk.
    pub(super) async fn run(mut self, mut stop: watch::Receiver<bool>) -> Result<(), Error> {
        let place = match self.state.cursor() {
            Some(frontier) => Some(frontier.clone()),
            None => self.shared.home.mark_before(self.endpoint.borrow().from),
        };
        let mut tail = self.read_from(place.as_ref(), true)?;
        let mut replay: Option<Reading> = None;
        loop {
            self.do_what_is_asked()?;
            self.start_what_is_due();
            if replay.is_none()
                && let Some(range) = self.state.replay()
            {
                let place = self.shared.home.mark_before(range.next);
                replay = Some(self.read_from(place.as_ref(), false)?);
            }
            self.keep_journal()?;
            let has_room =
                self.state.disabled_ms().is_none() && self.state.waiting().len() < WAITING_MAX;
            let pause = self.pause();
            tokio::select! {
                stopped = stop.changed() => {
                    if stopped.is_err() || *stop.borrow() {
                        break;
                    }
                }
                Some(ended) = self.attempts.join_next(), if !self.attempts.is_empty() => {
                    self.attempt_ended(ended)?;
                    while let Some(ended) = self.attempts.try_join_next() {
                        self.attempt_ended(ended)?;
                    }
                }
                batch = tail.batches.recv(), if has_room => match batch {
                    Some(Ok(Some(batch))) => self.queue_new(&batch)?,
                    Some(Err(error)) => return Err(error),
                    Some(Ok(None)) | None => {
                        return Err(Error::StreamEnded { what: "the audit log" });
                    }
                },
                batch = next_of(&mut replay), if has_room && replay.is_some() => {
                    if self.queue_again(batch)? {
                        replay = None;
                    }
                }
                changed = self.endpoint.changed() => {
                    if changed.is_err() {
                        break;
                    }
                    let endpoint = Arc::clone(&self.endpoint.borrow_and_update());
                    self.sender = sender_of(&endpoint, &self.shared)?;
                }
                () = tokio::time::sleep(pause) => {}
            }
        }
        // Attempts on their way are given up: the same message is sent again, under the same id.
        self.attempts.abort_all();
        self.journal.sync()
    }

    fn read_from(&self, place: Option<&Frontier>, follow: bool) -> Result<Reading, Error> {
        let (shared, endpoint) = (Arc::clone(&self.shared), self.name.clone());
        Reading::from(&self.shared.auditor, place, follow, move |why| {
            (shared.tell)(&Report::NotReading {
                endpoint: endpoint.clone(),
                why,
            });
        })
    }

    /// How long nothing needs to be done: until a message is due, a second at most.
    fn pause(&self) -> Duration {
        let next = self
            .state
            .by_due()
            .find(|(_, index)| !self.flying.contains(index));
        let until = match next {
            Some((due_ms, _))
                if self.state.disabled_ms().is_none() && self.flying.len() < ATTEMPTS_AT_ONCE =>
            {
                due_ms.saturating_sub(now_ms()).min(LOOK_MS)
            }
            Some(_) | None => LOOK_MS,
        };
        Duration::from_millis(until)
    }

    fn record(&mut self, records: Vec<Record>) -> Result<(), Error> {
        self.journal.append(&records)?;
        for record in records {
            self.state.apply(record);
        }
        Ok(())
    }

    /// Syncs the journal, and writes it anew when most of it is about messages that are done.
    fn keep_journal(&mut self) -> Result<(), Error> {
        let most = self.fresh_bytes.saturating_mul(2).max(JOURNAL_BYTES_SMALL);
        if self.journal.bytes() > most {
            self.journal.replace(&self.state.records())?;
            self.fresh_bytes = self.journal.bytes();
        }
        self.journal.sync()
    }

    fn do_what_is_asked(&mut self) -> Result<(), Error> {
        for (path, ask) in self.shared.home.asked(&self.name)? {
            let records = match ask {
                Ask::Replay { from, to } => {
                    let read = self.state.cursor().map_or(0, Frontier::size);
                    vec![Record::Replay {
                        from,
                        to: to.unwrap_or(read).min(read),
                        only_dead: false,
                    }]
                }
                Ask::ReplayDead => ranges_of(self.state.dead().keys().copied()),
                Ask::Hurry => vec![Record::Hurried { at_ms: now_ms() }],
                Ask::Enable => vec![Record::Enabled, Record::Hurried { at_ms: now_ms() }],
            };
            self.record(records)?;
            // Removed only when it is on disk: a crash in between does it once more.
            self.journal.sync()?;
            remove(path)?;
        }
        Ok(())
    }

    fn start_what_is_due(&mut self) {
        if self.state.disabled_ms().is_some() {
            return;
        }
        let now_ms = now_ms();
        let room = ATTEMPTS_AT_ONCE.saturating_sub(self.flying.len());
        let due: Vec<u64> = self
            .state
            .by_due()
            .take_while(|(due_ms, _)| *due_ms <= now_ms)
            .map(|(_, index)| index)
            .filter(|index| !self.flying.contains(index))
            .take(room)
            .collect();
        for index in due {
            let Some(waiting) = self.state.waiting().get(&index) else {
                continue;
            };
            let id = cloud_event::message_id(self.shared.auditor.key_set().origin(), index);
            let body = Bytes::from(waiting.body.clone());
            let sender = self.sender.clone();
            self.flying.insert(index);
            self.attempts
                .spawn(async move { (index, sender.attempt(&id, body).await) });
        }
    }

    fn attempt_ended(
        &mut self,
        ended: Result<(u64, Attempt), tokio::task::JoinError>,
    ) -> Result<(), Error> {
        let (index, attempt) = ended.map_err(|broken| Error::Process {
            what: format!("an attempt of endpoint {}: {broken}", self.name),
        })?;
        self.flying.remove(&index);
        let Some(waiting) = self.state.waiting().get(&index) else {
            return Ok(());
        };
        let attempts = waiting.attempts.saturating_add(1);
        let (at_ms, endpoint) = (now_ms(), self.name.clone());
        let (record, report) = match attempt {
            Attempt::Delivered => (
                Record::Delivered { index, at_ms },
                Report::Delivered {
                    endpoint,
                    index,
                    attempts,
                },
            ),
            Attempt::Gone => (Record::Disabled { at_ms }, Report::Disabled { endpoint }),
            Attempt::Failed(failure, pause) => {
                let why = failure.to_string();
                let chance = u32::from_le_bytes(entropy::random()?);
                match self.shared.schedule.delay_ms(attempts, chance) {
                    None => (
                        Record::Dead {
                            index,
                            at_ms,
                            attempts,
                            why: why.clone(),
                        },
                        Report::GivenUp {
                            endpoint,
                            index,
                            attempts,
                            why,
                        },
                    ),
                    Some(delay) => {
                        let asked = pause.map_or(0, |pause| {
                            u64::try_from(pause.as_millis()).unwrap_or(u64::MAX)
                        });
                        let again_ms = delay.max(asked);
                        let due_ms = at_ms.saturating_add(again_ms);
                        (
                            Record::Failed {
                                index,
                                due_ms,
                                why: why.clone(),
                            },
                            Report::Failed {
                                endpoint,
                                index,
                                attempts,
                                again_ms,
                                why,
                            },
                        )
                    }
                }
            }
        };
        if matches!(report, Report::Disabled { .. }) && self.state.disabled_ms().is_some() {
            return Ok(());
        }
        self.record(vec![record])?;
        (self.shared.tell)(&report);
        Ok(())
    }

    /// Queues what a batch of new leaves holds for this endpoint, and moves the cursor behind it.
    fn queue_new(&mut self, batch: &Batch) -> Result<(), Error> {
        let endpoint = Arc::clone(&self.endpoint.borrow());
        let mut records = self.messages(batch, &endpoint, |state, index| {
            // After a crash: read before, and the place was not written any more.
            index >= endpoint.from && !state.waiting().contains_key(&index)
        })?;
        let now_ms = now_ms();
        if !records.is_empty() || now_ms.saturating_sub(self.cursor_ms) >= CURSOR_MS {
            self.cursor_ms = now_ms;
            records.push(Record::Cursor {
                frontier: hex::encode(batch.frontier.encode()),
            });
        }
        self.record(records)?;
        if batch.first_index / MARK_LEAVES != batch.frontier.size() / MARK_LEAVES {
            let _alone = self
                .shared
                .marking
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            self.shared
                .home
                .keep_mark(batch.first_index, &batch.frontier)?;
        }
        Ok(())
    }

    /// Queues what a batch holds of the range that is sent again; true when the range is done.
    fn queue_again(&mut self, batch: Option<Result<Option<Batch>, Error>>) -> Result<bool, Error> {
        let Some(Range {
            next,
            to,
            only_dead,
        }) = self.state.replay()
        else {
            return Ok(true);
        };
        let Some(batch) = batch.transpose()?.flatten() else {
            // The log ends before the range does.
            self.record(vec![Record::Replayed { next: to }])?;
            return Ok(true);
        };
        let endpoint = Arc::clone(&self.endpoint.borrow());
        let mut records = self.messages(&batch, &endpoint, |state, index| {
            (next..to).contains(&index) && (!only_dead || state.dead().contains_key(&index))
        })?;
        let read = batch.frontier.size();
        records.push(Record::Replayed { next: read.min(to) });
        self.record(records)?;
        Ok(read >= to)
    }

    /// The messages that come of a batch: of leaves that pass the endpoint's filter and `wanted`.
    fn messages(
        &self,
        batch: &Batch,
        endpoint: &Endpoint,
        wanted: impl Fn(&State, u64) -> bool,
    ) -> Result<Vec<Record>, Error> {
        let mut records = Vec::new();
        let due_ms = now_ms();
        for (index, bytes) in (batch.first_index..).zip(&batch.leaves) {
            if !wanted(&self.state, index) {
                continue;
            }
            let leaf = Leaf::decode(bytes).map_err(|_version| Error::Answer { what: "leaf" })?;
            if endpoint.filter.passes(&leaf) {
                let event = cloud_event::of_leaf(index, bytes, &leaf, &batch.head);
                records.push(Record::Queued {
                    index,
                    due_ms,
                    body: cloud_event::body(event),
                });
            }
        }
        Ok(records)
    }
}

/// The next batch of a replay; never, without one.
async fn next_of(replay: &mut Option<Reading>) -> Option<Result<Option<Batch>, Error>> {
    match replay {
        Some(reading) => reading.batches.recv().await,
        None => std::future::pending().await,
    }
}

fn sender_of(endpoint: &Endpoint, shared: &Shared) -> Result<Sender, Error> {
    Ok(endpoint.sender()?.patient_for(shared.patience))
}

/// Ranges that cover these leaves, few of them: reading begins anew for each.
fn ranges_of(indices: impl Iterator<Item = u64>) -> Vec<Record> {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for index in indices {
        match ranges.last_mut() {
            Some((_, to)) if index.saturating_sub(*to) < MARK_LEAVES => {
                *to = index.saturating_add(1);
            }
            Some(_) | None => ranges.push((index, index.saturating_add(1))),
        }
    }
    let ranges = ranges.into_iter();
    let as_record = |(from, to)| Record::Replay {
        from,
        to,
        only_dead: true,
    };
    ranges.map(as_record).collect()
}

fn remove(path: PathBuf) -> Result<(), Error> {
    std::fs::remove_file(&path).map_err(Error::file(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dead_letters_are_read_again_in_few_ranges() {
        let far = 3 * MARK_LEAVES;
        let records = ranges_of([5, 6, 900, far].into_iter());
        let mut ranges = Vec::new();
        for record in &records {
            let Record::Replay { from, to, .. } = record else {
                panic!("{record:?}");
            };
            ranges.push((*from, *to));
        }
        assert_eq!(ranges, [(5, 901), (far, far + 1)]);
    }
}
