//! Up to where this replica has applied the log, for the raft thread: it looks whenever it is awake anyway,
//! and is woken only if it waits for it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::Sender;

use super::raft_thread::RaftInput;

/// Written by the apply thread, read by the raft thread.
#[derive(Debug, Default)]
pub(super) struct AppliedAt {
    index: AtomicU64,
    wanted: AtomicBool,
}

impl AppliedAt {
    /// Everything up to `index` is applied; wakes the raft thread if it waits for that.
    pub(super) fn is(&self, index: u64, raft: &Sender<RaftInput>) {
        self.index.store(index, Ordering::SeqCst);
        if self.wanted.swap(false, Ordering::SeqCst) {
            // Gone only when the node is going down.
            drop(raft.send(RaftInput::Applied));
        }
    }

    /// Up to where.
    pub(super) fn index(&self) -> u64 {
        self.index.load(Ordering::SeqCst)
    }

    /// Has the raft thread woken at the next entry that is applied. Look at [`Self::index`] afterwards:
    /// one may have been applied just before.
    pub(super) fn want(&self) {
        self.wanted.store(true, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn the_raft_thread_is_woken_once_for_each_time_it_waits() {
        let (raft, woken) = channel();
        let applied = AppliedAt::default();
        applied.is(1, &raft);
        assert_eq!((applied.index(), woken.try_iter().count()), (1, 0));
        applied.want();
        (2..5).for_each(|index| applied.is(index, &raft));
        assert_eq!((applied.index(), woken.try_iter().count()), (4, 1));
    }
}
