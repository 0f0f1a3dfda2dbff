//! Gathers reads into rounds: one heartbeat round confirms all reads that arrived before it began.
//!
//! At most one round is under way. A read that arrives meanwhile waits for the next one: the round
//! under way proves only that this replica led *before* the read arrived. Whatever waits when the
//! leadership ends is handed back as lost, so that nothing hangs.

use raft::ReadState;

use super::output::ReadReady;

/// Reads waiting and under way; see the module.
#[derive(Debug, Default)]
pub(super) struct Reads {
    waiting: Vec<u64>,
    round: Option<Round>,
    rounds_begun: u64,
    lost: Vec<u64>,
}

#[derive(Debug)]
struct Round {
    key: Vec<u8>,
    reads: Vec<u64>,
}

impl Reads {
    /// Reads that wait or are under way.
    pub(super) fn len(&self) -> usize {
        let under_way = self.round.as_ref().map_or(0, |round| round.reads.len());
        self.waiting.len().saturating_add(under_way)
    }

    /// Adds one read.
    pub(super) fn push(&mut self, ctx: u64) {
        self.waiting.push(ctx);
    }

    /// Begins a round for everything that waits, if none is under way. Returns its key: unique for
    /// the life of this process, and heartbeats of an earlier process have an earlier term.
    pub(super) fn begin(&mut self) -> Option<Vec<u8>> {
        if self.waiting.is_empty() || self.round.is_some() {
            return None;
        }
        self.rounds_begun = self.rounds_begun.saturating_add(1);
        let key = self.rounds_begun.to_be_bytes().to_vec();
        self.round = Some(Round {
            key: key.clone(),
            reads: std::mem::take(&mut self.waiting),
        });
        Some(key)
    }

    /// The reads that `states` confirm; the round is over.
    pub(super) fn confirmed(&mut self, states: &[ReadState]) -> Vec<ReadReady> {
        let mut ready = Vec::new();
        for state in states {
            if self
                .round
                .as_ref()
                .is_some_and(|round| round.key == state.request_ctx)
                && let Some(round) = self.round.take()
            {
                ready.extend(round.reads.iter().map(|ctx| ReadReady {
                    ctx: *ctx,
                    index: state.index,
                }));
            }
        }
        ready
    }

    /// Gives up everything: this replica no longer leads the term in which the reads arrived.
    pub(super) fn give_up(&mut self) {
        if let Some(round) = self.round.take() {
            self.lost.extend(round.reads);
        }
        self.lost.append(&mut self.waiting);
    }

    /// The reads given up since the last call.
    pub(super) fn take_lost(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.lost)
    }
}
