//! What must hold after every step, whatever happens. The first breach ends the run.

use std::collections::{BTreeMap, BTreeSet};

use akashi_domain::answer::Answer;
use akashi_domain::event::Event;
use akashi_domain::ids::{ContactId, RequestId};
use akashi_merkle::Hash;
use akashi_replica::entry::{LogEntry, NodeId};
use akashi_replica::machine::Outcome;

/// An answer that a client got.
#[derive(Clone, Debug)]
pub struct Acknowledged {
    /// For what.
    pub request: RequestId,
    /// The answer.
    pub answer: Answer,
}

/// Everything that was seen so far.
#[derive(Debug, Default)]
pub struct Oracle {
    leaders: BTreeMap<u64, NodeId>,
    decided: BTreeMap<u64, (u64, Vec<u8>)>,
    /// Log index → state hash, root, leaves, as the first replica there had them.
    states: BTreeMap<u64, ([u8; 32], Hash, u64)>,
    verdicts: BTreeMap<ContactId, u64>,
    heads: BTreeMap<u64, Hash>,
    vowed: BTreeSet<(NodeId, u64, Hash)>,
    /// What clients were told, by request.
    pub acknowledged: BTreeMap<RequestId, Acknowledged>,
    /// The newest log index that a client has heard of.
    pub heard: u64,
    breach: Option<String>,
}

impl Oracle {
    /// Something that must not happen has happened.
    pub fn broke(&mut self, what: String) {
        self.breach.get_or_insert(what);
    }

    /// The first breach, if there was one.
    pub const fn take_breach(&mut self) -> Option<String> {
        self.breach.take()
    }

    /// How many terms had a leader.
    #[must_use]
    pub fn terms_led(&self) -> u64 {
        u64::try_from(self.leaders.len()).unwrap()
    }

    /// How many contacts have a verdict.
    #[must_use]
    pub fn verdicts(&self) -> u64 {
        u64::try_from(self.verdicts.len()).unwrap()
    }

    /// The newest index any replica applied.
    #[must_use]
    pub fn newest_applied(&self) -> u64 {
        self.states.last_key_value().map_or(0, |(index, _)| *index)
    }

    /// `id` leads `term`: at most one replica ever does.
    pub fn leads(&mut self, id: NodeId, term: u64) {
        let first = *self.leaders.entry(term).or_insert(id);
        if first != id {
            self.broke(format!("{first} and {id} both lead term {term}"));
        }
    }

    /// `id` holds `entry` to be decided: so does everybody, and the same one.
    pub fn decides(&mut self, id: NodeId, entry: &LogEntry) {
        let this = (entry.term, entry.data.clone());
        let first = self
            .decided
            .entry(entry.index)
            .or_insert_with(|| this.clone());
        if *first != this {
            let index = entry.index;
            self.broke(format!("{id} decides another entry at {index}"));
        }
    }

    /// `id` has applied an entry: same index, same state, same root; one verdict per contact.
    pub fn applies(&mut self, id: NodeId, state_hash: [u8; 32], outcome: &Outcome) {
        let progress = outcome.applied.progress;
        let index = progress.log_index;
        let this = (state_hash, outcome.root, progress.leaves);
        let first = *self.states.entry(index).or_insert(this);
        if first != this {
            self.broke(format!("{id} has another state at {index}"));
        }
        for recorded in &outcome.applied.events {
            if let Event::VerdictReached(verdict) = &recorded.event {
                let (contact, leaf) = (verdict.contact, recorded.leaf_index);
                let first = *self.verdicts.entry(contact).or_insert(leaf);
                if first != leaf {
                    self.broke(format!(
                        "{contact:?} has verdicts at leaves {first} and {leaf}"
                    ));
                }
            }
        }
    }

    /// The vow is on the disk of `id`.
    pub fn vows(&mut self, id: NodeId, size: u64, root: Hash) {
        self.vowed.insert((id, size, root));
    }

    /// `id` signs: only what it vowed, and nobody else signs another root of that size.
    pub fn signs(&mut self, id: NodeId, size: u64, root: Hash) {
        if !self.vowed.contains(&(id, size, root)) {
            self.broke(format!("{id} signs {size} before its vow is synced"));
        }
        self.head(id, size, root);
    }

    /// `id` holds a head: one root per size.
    pub fn head(&mut self, id: NodeId, size: u64, root: Hash) {
        let first = *self.heads.entry(size).or_insert(root);
        if first != root {
            self.broke(format!("{id} has another root of {size}"));
        }
    }

    /// A client got an answer to what it first sent when `floor` was the newest index it could know.
    pub fn hears(&mut self, request: RequestId, floor: u64, answer: &Answer) {
        let index = answer.placement.log_index;
        if index <= floor {
            self.broke(format!(
                "{request:?} is answered at {index}, before it was sent at {floor}"
            ));
        }
        self.heard = self.heard.max(index);
        let this = Acknowledged {
            request,
            answer: answer.clone(),
        };
        if answer.result.is_err() {
            return;
        }
        match self.acknowledged.get(&request) {
            None => drop(self.acknowledged.insert(request, this)),
            Some(first) => {
                let place = |a: &Answer| (a.placement.log_index, a.placement.first_leaf);
                let same =
                    place(&first.answer) == place(answer) && first.answer.result == answer.result;
                if !same {
                    self.broke(format!("{request:?} has two answers"));
                }
            }
        }
    }
}
