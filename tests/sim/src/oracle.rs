//! What must hold after every step, whatever happens. The first breach ends the run.

use std::collections::{BTreeMap, BTreeSet};

use akashi_domain::answer::Answer;
use akashi_domain::event::{Event, VerdictReached};
use akashi_domain::ids::{ChallengeId, ContactId, RequestId};
use akashi_domain::records::About;
use akashi_merkle::Hash;
use akashi_replica::entry::{HardState, LogEntry, NodeId};
use akashi_replica::machine::Outcome;

use crate::node::{Live, Node};

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
    /// Contact or challenge, the other one zeros → the leaf of the verdict.
    verdicts: BTreeMap<(ContactId, ChallengeId), u64>,
    /// Sizes with the roots that replicas signed or hold heads of.
    pub heads: BTreeMap<u64, Hash>,
    vowed: BTreeSet<(NodeId, u64, Hash)>,
    /// (replica, term) → whom it voted for, as its disk has it.
    votes: BTreeMap<(NodeId, u64), u64>,
    /// Replica → the newest term its disk has.
    terms: BTreeMap<NodeId, u64>,
    /// Request → who proposed it last.
    proposers: BTreeMap<RequestId, NodeId>,
    /// Request → where it was executed.
    executed: BTreeMap<RequestId, (u64, u64)>,
    /// What clients were told, by request.
    pub acknowledged: BTreeMap<RequestId, Acknowledged>,
    /// The newest log index that a client has heard of, by a write or by a read.
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
        let of_contact = |key: &&(ContactId, ChallengeId)| key.1 == ChallengeId::ZERO;
        u64::try_from(self.verdicts.keys().filter(of_contact).count()).unwrap()
    }

    /// The newest index that any replica holds to be decided.
    #[must_use]
    pub fn newest_decided(&self) -> u64 {
        self.decided.last_key_value().map_or(0, |(index, _)| *index)
    }

    /// `id` leads `term`: at most one replica ever does, and it has everything that was decided before.
    pub fn leads(&mut self, id: NodeId, term: u64, live: Option<&Live>) {
        let first = *self.leaders.entry(term).or_insert(id);
        if first != id {
            self.broke(format!("{first} and {id} both lead term {term}"));
        }
        let newest = self.decided.last_key_value();
        if let (Some(live), Some((index, (decided, _)))) = (live, newest)
            && *decided < term
            && live.core.commit_index() < *index
            && live.core.term_at(*index) != Some(*decided)
        {
            let index = *index;
            self.broke(format!("{id} leads term {term} without entry {index}"));
        }
    }

    /// What `id` has on disk about elections: terms never fall, and no term has two votes.
    pub fn votes(&mut self, id: NodeId, said: HardState) {
        let term = self.terms.entry(id).or_default();
        if said.term < *term {
            let newer = *term;
            self.broke(format!("{id} goes from term {newer} back to {}", said.term));
            return;
        }
        *term = said.term;
        if said.vote == 0 {
            return;
        }
        let first = *self.votes.entry((id, said.term)).or_insert(said.vote);
        if first != said.vote {
            let (term, other) = (said.term, said.vote);
            self.broke(format!("{id} votes for {first} and {other} in term {term}"));
        }
    }

    /// `id` has started: its disk still says what it said before.
    pub fn starts(&mut self, id: NodeId, node: &Node) {
        let Some(live) = &node.live else {
            return;
        };
        let found = live.log.hard_state();
        let before = self.terms.get(&id).copied().unwrap_or_default();
        if found.term < before {
            self.broke(format!("{id} forgot term {before}"));
        }
        let voted = self.votes.get(&(id, found.term)).copied();
        if voted.is_some_and(|voted| voted != found.vote) {
            self.broke(format!("{id} forgot its vote in term {}", found.term));
        }
    }

    /// A leader proposes a request. Whether another one did before.
    pub fn proposes(&mut self, id: NodeId, request: RequestId) -> bool {
        let before = self.proposers.insert(request, id);
        before.is_some_and(|before| before != id)
    }

    /// `id` has executed a request: it has its effects at one place only. Whether it had them before.
    pub fn executes(&mut self, id: NodeId, request: RequestId, answer: &Answer) -> bool {
        if answer.result.is_err() {
            return false;
        }
        let place = (answer.placement.log_index, answer.placement.first_leaf);
        let first = *self.executed.entry(request).or_insert(place);
        if first != place {
            self.broke(format!(
                "{id} executes {request:?} at {first:?} and at {place:?}"
            ));
        }
        answer.placement.repeated
    }

    /// A read was answered as of an index: what begins later must not see less.
    pub fn reads(&mut self, as_of: u64) {
        self.heard = self.heard.max(as_of);
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
                self.judged(verdict, recorded.leaf_index);
            }
        }
    }

    /// One verdict per challenge, and one on the call itself per contact.
    fn judged(&mut self, verdict: &VerdictReached, leaf: u64) {
        let of_call = verdict.about == About::Call;
        let keys = [
            (verdict.contact, ChallengeId::ZERO, of_call),
            (
                ContactId::ZERO,
                verdict.challenge,
                verdict.challenge != ChallengeId::ZERO,
            ),
        ];
        for (contact, challenge, _) in keys.into_iter().filter(|(_, _, counts)| *counts) {
            let first = *self.verdicts.entry((contact, challenge)).or_insert(leaf);
            if first != leaf {
                self.broke(format!(
                    "{contact:?} {challenge:?} has verdicts at leaves {first} and {leaf}"
                ));
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
