//! What the process knows about one endpoint, as a pure function of its journal.
//!
//! Every change is a [`Record`]; [`State::apply`] is the only thing that changes a state, while the
//! process runs and when it starts again. A record that is lost with a crash leads to a leaf being read
//! or a message being sent once more, never to one that is not sent: records are written in the order
//! of the log, and what was read is written before the place up to which it was read.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use akashi_merkle::Frontier;
use serde::{Deserialize, Serialize};

/// The format of the journal that this version reads and writes.
pub const FORMAT: u8 = 1;
/// Dead letters that are remembered; the oldest is forgotten first. All are still in the audit log.
pub const DEAD_MAX: usize = 10_000;

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Record {
    /// The first record: whose log this is about.
    Opened {
        /// [`FORMAT`].
        format: u8,
        /// The log's origin.
        origin: String,
    },
    /// A message waits. Again for a leaf that waits already: its attempts begin anew.
    Queued {
        /// The leaf.
        index: u64,
        /// When it is to be tried, in milliseconds since 1970.
        due_ms: u64,
        /// The body.
        body: String,
    },
    /// Everything before this place in the log was looked at.
    Cursor {
        /// The verified tree up to there, in hexadecimal.
        frontier: String,
    },
    /// An attempt failed, and there will be another.
    Failed {
        /// The leaf.
        index: u64,
        /// When it is tried again, in milliseconds since 1970.
        due_ms: u64,
        /// Why, in words.
        why: String,
    },
    /// The receiver has it.
    Delivered {
        /// The leaf.
        index: u64,
        /// When, in milliseconds since 1970.
        at_ms: u64,
    },
    /// All attempts failed.
    Dead {
        /// The leaf.
        index: u64,
        /// When, in milliseconds since 1970.
        at_ms: u64,
        /// Attempts made.
        attempts: u32,
        /// Why the last one failed.
        why: String,
    },
    /// The receiver wants nothing more: nothing is sent until somebody says so.
    Disabled {
        /// When, in milliseconds since 1970.
        at_ms: u64,
    },
    /// Somebody said so.
    Enabled,
    /// Everything that waits is due now.
    Hurried {
        /// When, in milliseconds since 1970.
        at_ms: u64,
    },
    /// The leaves of a range are to be sent again.
    Replay {
        /// First leaf.
        from: u64,
        /// The leaf behind the last.
        to: u64,
        /// Only those that were given up.
        only_dead: bool,
    },
    /// The first range has been read up to here.
    Replayed {
        /// The leaf that is next.
        next: u64,
    },
    /// What was before a journal was written anew.
    Counted {
        /// Messages delivered so far.
        delivered: u64,
        /// When the last one was, in milliseconds since 1970.
        last_delivered_ms: u64,
        /// Messages given up so far.
        died: u64,
        /// Attempts made for messages that still wait.
        attempts: BTreeMap<u64, u32>,
        /// Why the last failure was.
        last_failure: String,
    },
}

/// Leaves that are to be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The next leaf.
    pub next: u64,
    /// The leaf behind the last.
    pub to: u64,
    /// Only those that were given up.
    pub only_dead: bool,
}

/// A message that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// When it is tried, in milliseconds since 1970.
    pub due_ms: u64,
    /// Attempts made.
    pub attempts: u32,
    /// The body.
    pub body: String,
}

/// A message that was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dead {
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// Attempts made.
    pub attempts: u32,
    /// Why the last one failed.
    pub why: String,
}

/// Everything about one endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    origin: String,
    cursor: Option<Frontier>,
    waiting: BTreeMap<u64, Waiting>,
    due: BTreeSet<(u64, u64)>,
    dead: BTreeMap<u64, Dead>,
    disabled_ms: Option<u64>,
    replays: VecDeque<Range>,
    delivered: u64,
    last_delivered_ms: u64,
    died: u64,
    last_failure: String,
}

impl State {
    /// The log's origin; empty before the first record.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The place up to which the log was looked at.
    #[must_use]
    pub const fn cursor(&self) -> Option<&Frontier> {
        self.cursor.as_ref()
    }

    /// Messages that wait, by leaf.
    #[must_use]
    pub const fn waiting(&self) -> &BTreeMap<u64, Waiting> {
        &self.waiting
    }

    /// Messages that wait, by the moment at which they are due: (milliseconds, leaf).
    pub fn by_due(&self) -> impl Iterator<Item = (u64, u64)> {
        self.due.iter().copied()
    }

    /// Messages that were given up, by leaf.
    #[must_use]
    pub const fn dead(&self) -> &BTreeMap<u64, Dead> {
        &self.dead
    }

    /// When the receiver said that it wants nothing more, in milliseconds since 1970.
    #[must_use]
    pub const fn disabled_ms(&self) -> Option<u64> {
        self.disabled_ms
    }

    /// The range that is being sent again.
    #[must_use]
    pub fn replay(&self) -> Option<Range> {
        self.replays.front().copied()
    }

    /// Messages delivered so far.
    #[must_use]
    pub const fn delivered(&self) -> u64 {
        self.delivered
    }

    /// When the last one was delivered, in milliseconds since 1970; zero if none was.
    #[must_use]
    pub const fn last_delivered_ms(&self) -> u64 {
        self.last_delivered_ms
    }

    /// Messages given up so far.
    #[must_use]
    pub const fn died(&self) -> u64 {
        self.died
    }

    /// Why the last attempt that failed did; empty if none has.
    #[must_use]
    pub fn last_failure(&self) -> &str {
        &self.last_failure
    }

    /// Makes one change. A record about a message that is not there changes nothing.
    pub fn apply(&mut self, record: Record) {
        match record {
            Record::Opened { format: _, origin } => self.origin = origin,
            Record::Queued {
                index,
                due_ms,
                body,
            } => {
                self.dead.remove(&index);
                let waiting = Waiting {
                    due_ms,
                    attempts: 0,
                    body,
                };
                self.put(index, waiting);
            }
            Record::Cursor { frontier } => {
                let bytes = hex::decode(frontier).unwrap_or_default();
                // A frontier that does not decode never was written; the old place is as good.
                if let Ok(frontier) = Frontier::decode(&bytes) {
                    self.cursor = Some(frontier);
                }
            }
            Record::Failed { index, due_ms, why } => {
                if let Some(waiting) = self.take(index) {
                    let attempts = waiting.attempts.saturating_add(1);
                    self.put(
                        index,
                        Waiting {
                            due_ms,
                            attempts,
                            ..waiting
                        },
                    );
                    self.last_failure = why;
                }
            }
            Record::Delivered { index, at_ms } => {
                if self.take(index).is_some() {
                    self.delivered = self.delivered.saturating_add(1);
                    self.last_delivered_ms = at_ms;
                }
            }
            Record::Dead {
                index,
                at_ms,
                attempts,
                why,
            } => self.bury(index, at_ms, attempts, why),
            Record::Disabled { at_ms } => self.disabled_ms = Some(at_ms),
            Record::Enabled => self.disabled_ms = None,
            Record::Hurried { at_ms } => {
                for index in self.waiting.keys().copied().collect::<Vec<_>>() {
                    if let Some(waiting) = self.take(index) {
                        let due_ms = waiting.due_ms.min(at_ms);
                        self.put(index, Waiting { due_ms, ..waiting });
                    }
                }
            }
            Record::Replay {
                from,
                to,
                only_dead,
            } => self.replays.push_back(Range {
                next: from,
                to,
                only_dead,
            }),
            Record::Replayed { next } => {
                if let Some(range) = self.replays.front_mut() {
                    range.next = range.next.max(next);
                    if range.next >= range.to {
                        self.replays.pop_front();
                    }
                }
            }
            Record::Counted {
                delivered,
                last_delivered_ms,
                died,
                attempts,
                last_failure,
            } => {
                self.delivered = delivered;
                self.last_delivered_ms = last_delivered_ms;
                self.died = died;
                self.last_failure = last_failure;
                for (index, made) in attempts {
                    if let Some(waiting) = self.waiting.get_mut(&index) {
                        waiting.attempts = made;
                    }
                }
            }
        }
    }

    /// The records that make this state from nothing: what a journal is when it is written anew.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        let mut records = vec![Record::Opened {
            format: FORMAT,
            origin: self.origin.clone(),
        }];
        for (index, dead) in &self.dead {
            records.push(Record::Dead {
                index: *index,
                at_ms: dead.at_ms,
                attempts: dead.attempts,
                why: dead.why.clone(),
            });
        }
        for (index, waiting) in &self.waiting {
            records.push(Record::Queued {
                index: *index,
                due_ms: waiting.due_ms,
                body: waiting.body.clone(),
            });
        }
        records.extend(self.cursor.as_ref().map(|frontier| Record::Cursor {
            frontier: hex::encode(frontier.encode()),
        }));
        let ranges = self.replays.iter();
        records.extend(ranges.map(|range| Record::Replay {
            from: range.next,
            to: range.to,
            only_dead: range.only_dead,
        }));
        records.extend(self.disabled_ms.map(|at_ms| Record::Disabled { at_ms }));
        let tried = self
            .waiting
            .iter()
            .filter(|(_, waiting)| waiting.attempts > 0);
        records.push(Record::Counted {
            delivered: self.delivered,
            last_delivered_ms: self.last_delivered_ms,
            died: self.died,
            attempts: tried.map(|(index, one)| (*index, one.attempts)).collect(),
            last_failure: self.last_failure.clone(),
        });
        records
    }

    fn put(&mut self, index: u64, waiting: Waiting) {
        self.due.insert((waiting.due_ms, index));
        if let Some(before) = self.waiting.insert(index, waiting) {
            let after = self.waiting.get(&index).map(|after| after.due_ms);
            if after != Some(before.due_ms) {
                self.due.remove(&(before.due_ms, index));
            }
        }
    }

    fn take(&mut self, index: u64) -> Option<Waiting> {
        let waiting = self.waiting.remove(&index)?;
        self.due.remove(&(waiting.due_ms, index));
        Some(waiting)
    }

    fn bury(&mut self, index: u64, at_ms: u64, attempts: u32, why: String) {
        self.take(index);
        self.died = self.died.saturating_add(1);
        self.last_failure.clone_from(&why);
        self.dead.insert(
            index,
            Dead {
                at_ms,
                attempts,
                why,
            },
        );
        if self.dead.len() > DEAD_MAX {
            self.dead.pop_first();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(records: Vec<Record>) -> State {
        let mut state = State::default();
        for record in records {
            state.apply(record);
        }
        state
    }

    fn queued(index: u64, due_ms: u64) -> Record {
        Record::Queued {
            index,
            due_ms,
            body: format!("body {index}"),
        }
    }

    fn failed(index: u64, due_ms: u64) -> Record {
        Record::Failed {
            index,
            due_ms,
            why: "status 500".to_owned(),
        }
    }

    /// One of everything.
    fn busy() -> Vec<Record> {
        vec![
            Record::Opened {
                format: FORMAT,
                origin: "dev/e1/g0".to_owned(),
            },
            queued(1, 10),
            queued(2, 10),
            queued(3, 10),
            queued(4, 10),
            Record::Cursor {
                frontier: hex::encode(Frontier::new().encode()),
            },
            Record::Delivered {
                index: 1,
                at_ms: 11,
            },
            failed(2, 5_000),
            Record::Dead {
                index: 3,
                at_ms: 12,
                attempts: 10,
                why: "no answer".to_owned(),
            },
            Record::Disabled { at_ms: 13 },
            Record::Replay {
                from: 0,
                to: 7,
                only_dead: false,
            },
            Record::Replay {
                from: 2,
                to: 3,
                only_dead: true,
            },
            Record::Replayed { next: 4 },
        ]
    }

    #[test]
    fn a_state_says_what_happened() {
        let state = of(busy());
        assert_eq!(state.by_due().collect::<Vec<_>>(), [(10, 4), (5_000, 2)]);
        assert_eq!(state.waiting()[&2].attempts, 1);
        assert_eq!((state.delivered(), state.last_delivered_ms()), (1, 11));
        assert_eq!((state.died(), state.dead()[&3].attempts), (1, 10));
        assert_eq!(state.disabled_ms(), Some(13));
        let rest = Range {
            next: 4,
            to: 7,
            only_dead: false,
        };
        assert_eq!(state.replay(), Some(rest));
        assert_eq!(state.last_failure(), "no answer");
    }

    #[test]
    fn a_state_written_anew_is_the_same_state() {
        let state = of(busy());
        assert_eq!(of(state.records()).waiting, state.waiting);
        let mut again = of(state.records());
        // What is counted is restored, not counted twice.
        assert_eq!(again.died, state.died);
        again.apply(queued(9, 1));
        assert_ne!(again, state);
        assert_eq!(of(of(state.records()).records()), of(state.records()));
        assert_eq!(of(state.records()), state);
    }

    #[test]
    fn what_waits_and_what_is_due_never_part() {
        let mut state = of(busy());
        for record in [
            queued(2, 20),
            queued(2, 20),
            failed(2, 20),
            failed(99, 1),
            Record::Hurried { at_ms: 15 },
            queued(3, 16),
            Record::Enabled,
            Record::Delivered {
                index: 77,
                at_ms: 1,
            },
        ] {
            state.apply(record);
            let due: BTreeSet<(u64, u64)> =
                state.waiting.iter().map(|(i, w)| (w.due_ms, *i)).collect();
            assert_eq!(due, state.due);
        }
        assert!(
            state.dead().is_empty(),
            "a dead letter that waits again is not dead"
        );
        assert_eq!(state.delivered(), 1);
        assert_eq!(state.disabled_ms(), None);
    }
}
