//! Everybody who is attached to one node.

use std::collections::{BTreeMap, BTreeSet};

use crate::batch::{Heard, Summary};
use crate::rule::{Rule, Transition, Watch};
use crate::state::{Action, Class, Graces, State};

/// A session of a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The tenant's number.
    pub tenant: u32,
    /// The session's id.
    pub session: [u8; 16],
}

/// One attachment: a session that attaches again ends the earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attached(u64);

/// Why a sample is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The session is not attached here, or attached again since.
    NotAttached,
    /// The sequence number is not above the last: a sample is counted once.
    Sequence,
}

/// What the sender of a sample is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said {
    /// The state.
    pub state: State,
    /// What the screen does.
    pub action: Action,
    /// When the next sample is wanted, in milliseconds.
    pub next_ms: u32,
    /// Whether the state changed with this sample.
    pub changed: Option<Transition>,
}

#[derive(Clone, Debug)]
struct Entry {
    watch: Watch,
    graces: Graces,
    attached: Attached,
    sequence: u64,
    /// Where the entry stands in the queue.
    queued_us: u64,
}

/// Everybody who is attached, and what was heard in the current window.
#[derive(Clone, Debug)]
pub struct Table {
    rule: Rule,
    entries: BTreeMap<Key, Entry>,
    /// When to look at whom. A sample moves nobody: an entry that is looked at too early is queued again.
    queue: BTreeSet<(u64, Key)>,
    heard: BTreeMap<Key, Heard>,
    attachments: u64,
}

impl Table {
    /// Nobody is attached.
    #[must_use]
    pub const fn new(rule: Rule) -> Self {
        Self {
            rule,
            entries: BTreeMap::new(),
            queue: BTreeSet::new(),
            heard: BTreeMap::new(),
            attachments: 0,
        }
    }

    /// How many are attached.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nobody is attached.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Attaches a session that the log has in `state`. Its sequence goes on where it was here.
    pub fn attach(&mut self, key: Key, state: State, graces: Graces, now_us: u64) -> Attached {
        self.attachments = self.attachments.saturating_add(1);
        let attached = Attached(self.attachments);
        let earlier = self.remove(key);
        let watch = Watch::new(state, now_us);
        let due_us = watch.due_us(&graces);
        self.queue.insert((due_us, key));
        let entry = Entry {
            watch,
            graces,
            attached,
            sequence: earlier.map_or(0, |earlier| earlier.sequence),
            queued_us: due_us,
        };
        self.entries.insert(key, entry);
        attached
    }

    /// Takes a sample.
    ///
    /// # Errors
    ///
    /// [`Refused`]; nothing has changed.
    pub fn sample(
        &mut self,
        key: Key,
        attached: Attached,
        sequence: u64,
        class: Class,
        now_us: u64,
    ) -> Result<Said, Refused> {
        let entry = self
            .entries
            .get_mut(&key)
            .filter(|entry| entry.attached == attached)
            .ok_or(Refused::NotAttached)?;
        if sequence <= entry.sequence {
            return Err(Refused::Sequence);
        }
        entry.sequence = sequence;
        self.heard.entry(key).or_default().count(class, sequence);
        let changed = entry.watch.sample(&self.rule, &entry.graces, class, now_us);
        let due_us = entry.watch.due_us(&entry.graces);
        if due_us < entry.queued_us {
            self.queue.remove(&(entry.queued_us, key));
            self.queue.insert((due_us, key));
            entry.queued_us = due_us;
        }
        Ok(Said {
            state: entry.watch.state(),
            action: entry.watch.action(&entry.graces),
            next_ms: entry.watch.next_ms(&entry.graces),
            changed,
        })
    }

    /// What a session would be told now.
    #[must_use]
    pub fn look(&self, key: Key, attached: Attached) -> Option<Said> {
        let entry = self
            .entries
            .get(&key)
            .filter(|entry| entry.attached == attached)?;
        Some(Said {
            state: entry.watch.state(),
            action: entry.watch.action(&entry.graces),
            next_ms: entry.watch.next_ms(&entry.graces),
            changed: None,
        })
    }

    /// Lets time pass: whose silence or state has lasted too long by now.
    pub fn tick(&mut self, now_us: u64) -> Vec<(Key, Transition)> {
        let mut changed = Vec::new();
        while let Some((due_us, key)) = self.queue.first().copied() {
            if due_us > now_us {
                break;
            }
            self.queue.pop_first();
            let Some(entry) = self.entries.get_mut(&key) else {
                continue;
            };
            if let Some(transition) = entry.watch.tick(&entry.graces, now_us) {
                changed.push((key, transition));
            }
            // Not before the next moment, so that this ends.
            let next_us = entry
                .watch
                .due_us(&entry.graces)
                .max(now_us.saturating_add(1));
            entry.queued_us = next_us;
            self.queue.insert((next_us, key));
        }
        changed
    }

    /// The agent has logged in again, and the log has the session in `state`.
    pub fn restore(&mut self, key: Key, state: State, now_us: u64) {
        let Some(entry) = self.entries.get_mut(&key) else {
            return;
        };
        entry.watch.restore(state, now_us);
        let due_us = entry.watch.due_us(&entry.graces);
        self.queue.remove(&(entry.queued_us, key));
        self.queue.insert((due_us, key));
        entry.queued_us = due_us;
    }

    /// The session is over: nobody is heard under its name any more.
    pub fn end(&mut self, key: Key) {
        self.remove(key);
    }

    /// Ends the window: what was heard in it.
    pub fn take_summary(&mut self) -> Summary {
        Summary::of(&std::mem::take(&mut self.heard))
    }

    fn remove(&mut self, key: Key) -> Option<Entry> {
        let entry = self.entries.remove(&key)?;
        self.queue.remove(&(entry.queued_us, key));
        Some(entry)
    }
}
