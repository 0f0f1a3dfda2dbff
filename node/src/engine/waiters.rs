//! Who waits for which entry: filled by the raft thread, emptied by the apply thread.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use akashi_domain::answer::Answer;
use tokio::sync::oneshot;

/// Why a command has no answer from here; whoever asks may ask again with the same request id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// This replica does not lead, or leads no longer: the command may or may not take effect.
    NotLeader,
    /// The queue is full; nothing was done.
    Busy,
    /// This leader may not stamp, because no quorum of clocks agrees with its own; nothing was done.
    ClocksDisagree,
    /// This leader's disk is nearly full; nothing was done.
    DiskFull,
}

/// Where one answer goes.
pub(super) type Reply = oneshot::Sender<Result<Answer, Retry>>;

/// Commands in entries that are not applied yet.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    entries: Mutex<BTreeMap<u64, (u64, Vec<Reply>)>>,
}

impl Waiters {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, (u64, Vec<Reply>)>> {
        // Poisoned means that a thread panicked, and a panic in these threads ends the process.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `replies` wait for the entry at `index` of `term`.
    pub(super) fn wait(&self, index: u64, term: u64, replies: Vec<Reply>) {
        let displaced = self.lock().insert(index, (term, replies));
        if let Some((_, replies)) = displaced {
            give_up(replies);
        }
    }

    /// The entry at `index` of `term` is applied; `answers` come in the order of its commands.
    pub(super) fn applied(&self, index: u64, term: u64, answers: Vec<Answer>) {
        let waiting = self.lock().remove(&index);
        let Some((expected, replies)) = waiting else {
            return;
        };
        if expected != term {
            give_up(replies);
            return;
        }
        for (reply, answer) in replies.into_iter().zip(answers) {
            // A caller whose deadline passed is gone; the answer stays under its request id.
            drop(reply.send(Ok(answer)));
        }
    }

    /// Nobody here can say any more what becomes of the waiting commands.
    pub(super) fn lead_lost(&self) {
        let all = std::mem::take(&mut *self.lock());
        for (_, replies) in all.into_values() {
            give_up(replies);
        }
    }
}

fn give_up(replies: Vec<Reply>) {
    for reply in replies {
        drop(reply.send(Err(Retry::NotLeader)));
    }
}
