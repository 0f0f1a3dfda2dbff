//! The log as raft-rs sees it: an in-memory tail that is always up to date.
//!
//! raft-rs's asynchronous pipeline demands that an entry is readable through `Storage` as soon as
//! the Ready that carried it was taken, long before it is on disk. So every append lands here
//! first, and an append that overwrites truncates at once; the disk follows.
//!
//! # Memory
//!
//! Entries stay until they exceed the byte budget; then the oldest ones that the state machine has
//! applied leave. Terms (one record per term, not per entry) leave when the log on disk drops their
//! entries. A follower that needs an entry which left makes the tail remember a *want*; the driver
//! reads it from disk and the core sends it on. Entries not yet applied never leave, so applying
//! needs no disk.
//!
//! This must never do input or output, and must never answer wrongly: raft-rs panics on a missing
//! or misplaced entry.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, VecDeque};

use raft::eraftpb::{Entry, HardState, Snapshot};
use raft::{GetEntriesContext, RaftState, Storage, StorageError};

use super::change;
use crate::conf::Conf;

/// Wants remembered at once; a leader has at most six followers, each of which asks for one range.
const MAX_WANTS: usize = 16;

/// A range some follower needs from disk.
#[derive(Debug)]
pub(super) struct Want {
    pub(super) from: u64,
    pub(super) to: u64,
    pub(super) max_bytes: u64,
    /// Whether the driver was told.
    pub(super) asked: bool,
    /// What raft-rs wants back with the entries: one per follower that stands at `from`.
    pub(super) contexts: Vec<GetEntriesContext>,
}

/// Log storage in memory; see the module.
#[derive(Debug)]
pub(super) struct Tail {
    boot: RaftState,
    /// Index and term of the last compacted entry.
    base: (u64, u64),
    /// `(index, term)`: the term holds from this index up to the next record.
    terms: Vec<(u64, u64)>,
    /// Index of the first entry in `resident`.
    floor: u64,
    resident: VecDeque<Entry>,
    bytes: usize,
    budget: usize,
    /// Whether entries may be handed out for applying.
    handout: Cell<bool>,
    /// Entries read back from disk for the follower being served right now.
    window: Vec<Entry>,
    wants: RefCell<Vec<Want>>,
    /// Members that needed entries from before the base.
    behind: RefCell<BTreeSet<u64>>,
}

/// What an entry costs in memory beyond its data.
const ENTRY_OVERHEAD_BYTES: usize = size_of::<Entry>();

fn cost(entry: &Entry) -> usize {
    entry.data.len().saturating_add(ENTRY_OVERHEAD_BYTES)
}

impl Tail {
    /// A log whose entries up to `base` are gone and which continues with `entries`; the caller
    /// has checked that they are contiguous and their terms do not fall.
    pub(super) fn new(
        base: (u64, u64),
        entries: Vec<Entry>,
        hard_state: HardState,
        conf: Conf,
        budget: usize,
    ) -> Self {
        let conf_state = change::to_raft(conf);
        let mut tail = Self {
            boot: RaftState {
                hard_state,
                conf_state,
            },
            base,
            terms: Vec::new(),
            floor: base.0.saturating_add(1),
            resident: VecDeque::new(),
            bytes: 0,
            budget,
            handout: Cell::new(true),
            window: Vec::new(),
            wants: RefCell::new(Vec::new()),
            behind: RefCell::default(),
        };
        tail.append(entries);
        tail
    }

    /// Index and term of the last compacted entry.
    pub(super) fn base(&self) -> (u64, u64) {
        self.base
    }

    /// Index of the last entry, or of the last compacted one.
    pub(super) fn last(&self) -> u64 {
        let resident = u64::try_from(self.resident.len()).unwrap_or(u64::MAX);
        self.floor.saturating_add(resident).saturating_sub(1)
    }

    /// Adds `entries`, which are contiguous and start after anything ever evicted; whatever was at
    /// or after the first of them is gone.
    pub(super) fn append(&mut self, entries: Vec<Entry>) {
        let Some(first) = entries.first().map(|entry| entry.index) else {
            return;
        };
        while self.last() >= first {
            let Some(gone) = self.resident.pop_back() else {
                break;
            };
            self.bytes = self.bytes.saturating_sub(cost(&gone));
        }
        while self.terms.last().is_some_and(|(index, _)| *index >= first) {
            self.terms.pop();
        }
        for entry in entries {
            if self
                .terms
                .last()
                .is_none_or(|(_, term)| *term != entry.term)
            {
                self.terms.push((entry.index, entry.term));
            }
            self.bytes = self.bytes.saturating_add(cost(&entry));
            self.resident.push_back(entry);
        }
    }

    /// Drops the oldest entries while over budget, none after `up_to`.
    pub(super) fn evict(&mut self, up_to: u64) {
        while self.bytes > self.budget && self.floor <= up_to {
            let Some(gone) = self.resident.pop_front() else {
                break;
            };
            self.bytes = self.bytes.saturating_sub(cost(&gone));
            self.floor = self.floor.saturating_add(1);
        }
    }

    /// Takes note that the log on disk starts behind `index`, which is applied: it and everything
    /// before it can no longer be read.
    pub(super) fn compact(&mut self, index: u64) {
        let Some(term) = self.term_of(index).filter(|_| index > self.base.0) else {
            return;
        };
        while self.floor <= index {
            let Some(gone) = self.resident.pop_front() else {
                break;
            };
            self.bytes = self.bytes.saturating_sub(cost(&gone));
            self.floor = self.floor.saturating_add(1);
        }
        self.base = (index, term);
        let next = index.saturating_add(1);
        let gone = self
            .terms
            .partition_point(|(from, _)| *from <= next)
            .saturating_sub(1);
        self.terms.drain(..gone);
        self.wants.borrow_mut().retain(|want| want.from > index);
    }

    /// Whether the next Ready may hand out committed entries.
    pub(super) fn allow_handout(&self, allowed: bool) {
        self.handout.set(allowed);
    }

    /// Wants of which the driver has not been told.
    pub(super) fn new_wants(&self) -> Vec<super::Fetch> {
        let mut wants = self.wants.borrow_mut();
        let fresh = wants.iter_mut().filter(|want| !want.asked).map(|want| {
            want.asked = true;
            super::Fetch {
                from: want.from,
                to: want.to,
                max_bytes: usize::try_from(want.max_bytes).unwrap_or(usize::MAX),
            }
        });
        fresh.collect()
    }

    /// Takes back the want that started at `from`.
    pub(super) fn take_want(&self, from: u64) -> Option<Want> {
        let mut wants = self.wants.borrow_mut();
        let at = wants
            .iter()
            .position(|want| want.asked && want.from == from)?;
        Some(wants.remove(at))
    }

    /// Members that have asked since the last call for entries from before the base.
    pub(super) fn take_behind(&self) -> BTreeSet<u64> {
        self.behind.take()
    }

    /// Forgets all wants: the followers they were for are no longer ours to serve.
    pub(super) fn clear_wants(&self) {
        self.wants.borrow_mut().clear();
        self.behind.borrow_mut().clear();
    }

    /// Makes entries read back from disk visible, until [`Tail::close_window`]. Returns whether
    /// they are what the log holds at these indexes; nothing changes if not.
    pub(super) fn open_window(&mut self, from: u64, entries: Vec<Entry>) -> bool {
        let contiguous = entries
            .windows(2)
            .all(|pair| matches!(pair, [a, b] if a.index.checked_add(1) == Some(b.index)));
        let ours = entries.iter().all(|entry| {
            entry.index > self.base.0
                && entry.index < self.floor
                && self.term_of(entry.index) == Some(entry.term)
        });
        if contiguous && ours && entries.first().is_some_and(|entry| entry.index == from) {
            self.window = entries;
            return true;
        }
        false
    }

    /// Ends [`Tail::open_window`].
    pub(super) fn close_window(&mut self) {
        self.window = Vec::new();
    }

    fn position(&self, index: u64) -> Option<usize> {
        usize::try_from(index.checked_sub(self.floor)?).ok()
    }

    /// Term of the entry at `index`, if the log has or had it.
    pub(super) fn term_of(&self, index: u64) -> Option<u64> {
        if index == self.base.0 {
            return Some(self.base.1);
        }
        if index < self.base.0 || index > self.last() {
            return None;
        }
        let after = self.terms.partition_point(|(from, _)| *from <= index);
        self.terms.get(after.checked_sub(1)?).map(|(_, term)| *term)
    }

    /// The first `count` entries of `source`, at least one, within `max_bytes`.
    fn copy<'a>(
        source: impl Iterator<Item = &'a Entry>,
        count: usize,
        max_bytes: Option<u64>,
    ) -> Vec<Entry> {
        let budget = max_bytes.unwrap_or(u64::MAX);
        let mut total = 0_u64;
        let mut out = Vec::new();
        for entry in source.take(count) {
            let size = u64::try_from(cost(entry)).unwrap_or(u64::MAX);
            total = total.saturating_add(size);
            if total > budget && !out.is_empty() {
                break;
            }
            out.push(entry.clone());
        }
        out
    }

    /// The entries' terms and kinds without their data: what raft-rs looks at when it only counts
    /// membership changes, which it does for all unapplied entries at every election.
    fn outline(&self, low: u64, high: u64) -> Vec<Entry> {
        let mut out = Vec::new();
        for index in low..high {
            let resident = self.position(index).and_then(|at| self.resident.get(at));
            out.push(Entry {
                entry_type: resident.map_or(0, |entry| entry.entry_type),
                index,
                term: self.term_of(index).unwrap_or(0),
                ..Entry::default()
            });
        }
        out
    }

    fn want(&self, low: u64, high: u64, max_bytes: Option<u64>, context: GetEntriesContext) {
        let mut wants = self.wants.borrow_mut();
        if let Some(want) = wants.iter_mut().find(|want| want.from == low) {
            if want.contexts.len() < MAX_WANTS {
                want.contexts.push(context);
            }
        } else if wants.len() < MAX_WANTS {
            wants.push(Want {
                from: low,
                to: high.min(self.floor),
                max_bytes: max_bytes.unwrap_or(u64::MAX),
                asked: false,
                contexts: vec![context],
            });
        }
        // Otherwise the follower asks again with its next heartbeat.
    }
}

impl Storage for Tail {
    fn initial_state(&self) -> raft::Result<RaftState> {
        Ok(self.boot.clone())
    }

    fn entries(
        &self,
        low: u64,
        high: u64,
        max_size: impl Into<Option<u64>>,
        context: GetEntriesContext,
    ) -> raft::Result<Vec<Entry>> {
        let max_size = max_size.into();
        if low <= self.base.0 {
            return Err(StorageError::Compacted.into());
        }
        let high = high.min(self.last().saturating_add(1));
        // Only the two scans for membership changes ask without a limit.
        let Some(limit) = max_size else {
            return Ok(self.outline(low, high));
        };
        // The one caller that cannot wait gathers what to apply.
        if !context.can_async() && !self.handout.get() {
            return Ok(Vec::new());
        }
        let count = usize::try_from(high.saturating_sub(low)).unwrap_or(usize::MAX);
        if let Some(at) = self.position(low) {
            let from = self.resident.range(at.min(self.resident.len())..);
            return Ok(Self::copy(from, count, Some(limit)));
        }
        if let Some(first) = self.window.first().map(|entry| entry.index)
            && let Some(at) = low
                .checked_sub(first)
                .and_then(|at| usize::try_from(at).ok())
            && at < self.window.len()
        {
            return Ok(Self::copy(self.window.iter().skip(at), count, Some(limit)));
        }
        if context.can_async() {
            self.want(low, high, max_size, context);
            return Err(StorageError::LogTemporarilyUnavailable.into());
        }
        // Entries not yet applied never leave memory, so nobody gets here; handing out nothing
        // is the answer that harms nobody.
        Ok(Vec::new())
    }

    fn term(&self, index: u64) -> raft::Result<u64> {
        if index < self.base.0 {
            return Err(StorageError::Compacted.into());
        }
        self.term_of(index)
            .ok_or_else(|| StorageError::Unavailable.into())
    }

    fn first_index(&self) -> raft::Result<u64> {
        Ok(self.base.0.saturating_add(1))
    }

    fn last_index(&self) -> raft::Result<u64> {
        Ok(self.last())
    }

    /// raft-rs asks when a follower needs what is gone; it asks again with the follower's next
    /// heartbeat.
    fn snapshot(&self, _request_index: u64, to: u64) -> raft::Result<Snapshot> {
        self.behind.borrow_mut().insert(to);
        Err(StorageError::SnapshotTemporarilyUnavailable.into())
    }
}
