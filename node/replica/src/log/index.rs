//! What the log remembers about itself: where entries are on disk, and which term they have.
//!
//! Both hold only the live log: whatever a later frame cut off is forgotten at once.

use std::collections::VecDeque;

/// The live entries of one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) segment: u64,
    pub(super) offset: u64,
}

/// Where entries are on disk, one [`Span`] per frame: 32 bytes for at least one block of log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Spans(VecDeque<Span>);

impl Spans {
    /// Adds the newest frame's entries; everything from `span.first` on was cut off by it.
    pub(super) fn append(&mut self, span: Span) {
        while self.0.back().is_some_and(|last| last.first >= span.first) {
            self.0.pop_back();
        }
        if let Some(last) = self.0.back_mut()
            && last.last >= span.first
        {
            last.last = span.first.saturating_sub(1);
        }
        self.0.push_back(span);
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// The span that holds `index`, and those after it.
    pub(super) fn from(&self, index: u64) -> impl Iterator<Item = &Span> {
        self.0
            .iter()
            .skip(self.0.partition_point(|span| span.last < index))
    }

    /// The last live entry in `segment`, which is the oldest segment there is.
    pub(super) fn last_in(&self, segment: u64) -> Option<u64> {
        self.0
            .iter()
            .take_while(|span| span.segment == segment)
            .last()
            .map(|span| span.last)
    }

    /// Forgets the spans of `segment`, which is the oldest segment there is.
    pub(super) fn release(&mut self, segment: u64) {
        while self.0.front().is_some_and(|span| span.segment == segment) {
            self.0.pop_front();
        }
    }
}

/// Which term each entry of the log has, as runs of equal terms; and where the log starts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Terms {
    base: (u64, u64),
    last_index: u64,
    /// First index and term of each run, ascending.
    runs: VecDeque<(u64, u64)>,
}

impl Terms {
    /// An empty log that starts behind the entry `index` of `term`.
    pub(super) fn starting_after(index: u64, term: u64) -> Self {
        Self {
            base: (index, term),
            last_index: index,
            runs: VecDeque::new(),
        }
    }

    /// Index and term of the entry before the first.
    pub(super) fn base(&self) -> (u64, u64) {
        self.base
    }

    /// Index and term of the last entry, or of the base.
    pub(super) fn last(&self) -> (u64, u64) {
        (
            self.last_index,
            self.runs.back().map_or(self.base.1, |run| run.1),
        )
    }

    /// Term of the entry at `index`, if it is in the log or is the base.
    pub(super) fn term(&self, index: u64) -> Option<u64> {
        if index == self.base.0 {
            return Some(self.base.1);
        }
        if index < self.base.0 || index > self.last_index {
            return None;
        }
        let after = self.runs.partition_point(|run| run.0 <= index);
        self.runs.get(after.checked_sub(1)?).map(|run| run.1)
    }

    /// Cuts the log off before `first`; if it started later than that, it starts there, behind an
    /// entry of `prev_term`.
    pub(super) fn cut(&mut self, first: u64, prev_term: u64) {
        let before = first.saturating_sub(1);
        if before <= self.base.0 {
            *self = Self::starting_after(before, prev_term);
            return;
        }
        while self.runs.back().is_some_and(|run| run.0 >= first) {
            self.runs.pop_back();
        }
        self.last_index = before;
    }

    /// Adds the entry after the last.
    pub(super) fn push(&mut self, term: u64) {
        self.last_index = self.last_index.saturating_add(1);
        if self.runs.back().is_none_or(|run| run.1 != term) {
            self.runs.push_back((self.last_index, term));
        }
    }

    /// Forgets the entries up to `index`, which becomes the base.
    pub(super) fn release(&mut self, index: u64) {
        let Some(term) = self.term(index) else { return };
        self.base = (index, term);
        while self
            .runs
            .get(1)
            .is_some_and(|run| run.0 <= index.saturating_add(1))
        {
            self.runs.pop_front();
        }
        if index >= self.last_index {
            self.runs.clear();
        }
    }
}
