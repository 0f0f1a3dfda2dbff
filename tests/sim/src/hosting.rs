//! Carries out what the state machine and the sealer of a replica want: entries applied, answers, digests,
//! vows, signatures, fences.

use akashi_domain::answer::Answer;
use akashi_domain::apply::Recorded;
use akashi_domain::entry::Entry;
use akashi_domain::event::Event as Fact;
use akashi_domain::ids::RequestId;
use akashi_domain::state::Records as _;
use akashi_merkle::SignedHead;
use akashi_replica::agreement::StateDigest;
use akashi_replica::digest::{is_logical, is_mark, state_digest};
use akashi_replica::entry::{LogEntry, NodeId};
use akashi_replica::machine::{MachineError, Outcome};
use akashi_replica::seal::{Effect, FenceReason, SealMessage};
use akashi_replica::store::{Batch, Frozen, StateStore as _, Table};
use akashi_replica::succession::{boundary, change_at};

use crate::event::Event;
use crate::faults::Stopped;
use crate::node::{Cosigning, Live, LogInput, sealed_of};
use crate::plan::{MS, Rot};
use crate::seen::Seen;
use crate::world::World;

/// Records in which a bit flips when a state rots: one alone is often overwritten before it is read.
const ROTTEN_RECORDS: usize = 6;

/// The digest of a replica's state as of the entry it has just applied.
pub(crate) fn digest_of(live: &Live, index: u64) -> StateDigest {
    let mut digest = None;
    let look = &mut |view: &dyn Frozen| {
        digest = state_digest(view, &mut |_bytes| true)?;
        Ok(())
    };
    live.machine.view().0.frozen(look).unwrap();
    StateDigest {
        index,
        digest: digest.unwrap(),
    }
}

impl Live {
    /// Whose digests count follows the members.
    fn follow(&mut self, event: &Fact) {
        if matches!(event, Fact::MemberPromoted(_) | Fact::MemberRemoved(_)) {
            let voters = self.machine.view().members().unwrap();
            let voters = voters.map(|members| members.voters().map(|one| one.id).collect());
            self.agreement.members(voters.unwrap_or_default());
        }
    }

    /// Tells the sealer of a change of the key set, before it hears of the entry's end.
    fn succeed(&mut self, recorded: &Recorded, now: u64) -> Vec<Effect> {
        let Some(size) = boundary(&recorded.event, recorded.leaf_index) else {
            return Vec::new();
        };
        let change = change_at(self.machine.view(), size).unwrap();
        let root = self.machine.root_of(size).unwrap();
        let (Some(change), Some(root)) = (change, root) else {
            return Vec::new();
        };
        self.sealer.succeeded(&change);
        self.sealer.applied(size, root, now)
    }
}

impl World {
    pub(crate) fn apply(&mut self, id: NodeId, life: u64) {
        let Some(mut entries) = self.live(id, life).map(|live| {
            live.applying = false;
            std::mem::take(&mut live.to_apply)
        }) else {
            return;
        };
        while let Some(entry) = entries.pop_front() {
            if !self.apply_one(id, life, &entry) {
                return;
            }
        }
        if let Some(live) = self.live(id, life) {
            live.look_for_timers();
        }
        self.answer_reads(id, life);
        self.pump(id);
    }

    /// Whether the replica goes on.
    fn apply_one(&mut self, id: NodeId, life: u64, entry: &LogEntry) -> bool {
        let now = self.clock_ms(id);
        let mark_every_us = self.plan.mark_every_us;
        let Some(live) = self.live(id, life) else {
            return false;
        };
        let mut judge = live.judge;
        let before = live.machine.progress().stamp;
        let outcome = match live.machine.apply(entry, &mut judge) {
            Ok(outcome) => outcome,
            Err(error) => {
                self.machine_stopped(id, &error);
                return false;
            }
        };
        live.judge = judge;
        let marked = is_mark(before, outcome.applied.progress.stamp, mark_every_us);
        let own = marked.then(|| digest_of(live, entry.index));
        live.core.applied(entry.index);
        let waiting = live.waiters.remove(&entry.index);
        let mut effects = Vec::new();
        for recorded in &outcome.applied.events {
            if let Fact::ClusterFounded(fact) = &recorded.event {
                live.sealer.founded(&fact.cluster);
            }
            effects.extend(live.succeed(recorded, now));
            live.follow(&recorded.event);
        }
        effects.extend(
            live.sealer
                .applied(outcome.applied.progress.leaves, outcome.root, now),
        );
        let hash = live.machine.state_hash();
        self.note(u64::from_le_bytes(*hash.first_chunk().unwrap()));
        self.checks(id, entry, hash, &outcome);
        if let Some(own) = own {
            // It takes its time, and entries are applied meanwhile.
            let delay = self.rng.below(400 * MS);
            let node = id;
            self.at(delay, Event::Digested { node, life, own });
        }
        if let Some((term, requests)) = waiting
            && term == entry.term
        {
            self.answer(id, requests, outcome.applied.answers);
        }
        self.perform(id, effects);
        true
    }

    fn checks(&mut self, id: NodeId, entry: &LogEntry, hash: [u8; 32], outcome: &Outcome) {
        if !self.plan.is_honest(id) {
            return;
        }
        self.oracle.applies(id, hash, outcome);
        let Ok(decoded) = Entry::decode(&entry.data) else {
            return;
        };
        for (request, answer) in decoded.requests.iter().zip(&outcome.applied.answers) {
            let again = self.oracle.executes(id, request.id, answer);
            self.tally.saw_many(Seen::Repeated, u64::from(again));
        }
    }

    fn answer(&mut self, id: NodeId, requests: Vec<RequestId>, answers: Vec<Answer>) {
        for (request, answer) in requests.into_iter().zip(answers) {
            self.post(|| Event::Answer {
                from: id,
                request,
                answer: Box::new(answer.clone()),
            });
        }
    }

    /// The state machine refuses to go on: right where its store has no room, where its records rotted,
    /// and where a rule is newer than it.
    fn machine_stopped(&mut self, id: NodeId, error: &MachineError) {
        match error {
            MachineError::UnknownRule if self.plan.newer_rule_us.is_some() => {
                self.stop(id, Stopped::UnknownRule);
            }
            MachineError::Store(_) => self.stop(id, Stopped::StoreFull),
            MachineError::Fault(akashi_domain::kv::Fault::Storage) => {
                self.stop(id, Stopped::StoreFull);
            }
            MachineError::Fault(_) | MachineError::TreeLost if !self.plan.is_honest(id) => {
                self.tally.saw(Seen::StateRotStopped);
                self.stop(id, Stopped::StateRotted);
            }
            MachineError::Fault(_)
            | MachineError::UnknownRule
            | MachineError::OutOfOrder
            | MachineError::TreeLost => {
                self.oracle
                    .broke(format!("{id}: the state machine stops: {error}"));
            }
        }
    }

    /// The state of `id` was digested: it says so.
    pub(crate) fn digested(&mut self, id: NodeId, life: u64, own: StateDigest) {
        let now = self.clock_ms(id);
        let Some(live) = self.live(id, life) else {
            return;
        };
        let found = live.agreement.digested(own, now);
        self.tally.saw(Seen::Digested);
        self.digests += u64::from(self.healed.is_some() && self.plan.is_honest(id));
        self.say_digest(id, own);
        self.differs(id, found);
    }

    pub(crate) fn say_digest(&mut self, id: NodeId, own: StateDigest) {
        for to in self.others(id) {
            self.post(|| Event::Digest {
                from: id,
                to,
                said: own,
            });
        }
    }

    /// As the seal thread of a node: a replica whose state is another is fenced.
    pub(crate) fn differs(&mut self, id: NodeId, found: Option<FenceReason>) {
        let life = self.nodes[&id].life;
        if let Some(reason) = found
            && let Some(live) = self.live(id, life)
        {
            let effects = live.sealer.fence(reason);
            self.perform(id, effects);
        }
    }

    /// The state of a replica rots: in no leaf, in no chained hash.
    pub(crate) fn rot(&mut self, id: NodeId) {
        let Some((_, how)) = self.plan.rots else {
            return;
        };
        let store = std::sync::Arc::clone(&self.nodes[&id].store);
        let rotted = match how {
            Rot::Added => {
                let mut batch = Batch::default();
                batch.put(Table::Evidence, vec![u8::MAX; 9], vec![1]);
                store.write(batch).is_ok()
            }
            // Policies are read all the time, most other records hardly ever again.
            Rot::Flipped => (0..ROTTEN_RECORDS)
                .map(|nth| {
                    let often_read = nth < 2;
                    store.rot(&mut self.rng, |table| {
                        is_logical(table) && (!often_read || table == Table::Policy)
                    })
                })
                .fold(false, |any, one| any | one),
        };
        self.tally.saw_many(Seen::StateRotted, u64::from(rotted));
    }

    pub(crate) fn perform(&mut self, id: NodeId, effects: Vec<Effect>) {
        let honest = self.plan.is_honest(id);
        for effect in effects {
            match effect {
                Effect::Vow(vow) => self.hand_to_log(id, LogInput::Vow(vow)),
                Effect::Broadcast(message) => self.broadcast(id, &message),
                Effect::Sealed(head) => self.seals(id, &head),
                Effect::Halt => self.nodes.get_mut(&id).unwrap().halted = true,
                Effect::Resume => self.nodes.get_mut(&id).unwrap().halted = false,
                Effect::Fence(reason) => {
                    self.nodes.get_mut(&id).unwrap().fenced = Some(reason);
                    if honest {
                        self.oracle.broke(format!("{id} is fenced: {reason}"));
                    } else if self.plan.liar == Some(id) {
                        self.tally.saw(Seen::LiarFenced);
                    } else {
                        self.tally.saw(Seen::StateRotFenced);
                    }
                }
            }
        }
    }

    fn broadcast(&mut self, id: NodeId, message: &SealMessage) {
        let node = &self.nodes[&id];
        let mut late = 0;
        if let SealMessage::Cosign { size, root, .. } = message {
            if self.plan.is_honest(id) {
                self.oracle.signs(id, *size, *root);
            }
            match node.cosigning {
                Cosigning::Prompt => {}
                Cosigning::Late => {
                    self.tally.saw(Seen::CosignerLate);
                    late = self.rng.between(200 * MS, 4_000 * MS);
                }
                Cosigning::Missing => {
                    self.tally.saw(Seen::CosignerMissing);
                    return;
                }
            }
        }
        for to in self.others(id) {
            let mail = || Event::Seal {
                from: id,
                to,
                message: message.clone(),
            };
            if late > 0 {
                self.at(late, mail());
            } else {
                self.post(mail);
            }
        }
    }

    fn seals(&mut self, id: NodeId, head: &SignedHead) {
        self.tally.saw(Seen::Sealed);
        let (size, root) = (head.head.size, head.head.root);
        self.oracle.head(id, size, root);
        // Real signatures are checked once, in the end.
        if !self.plan.real
            && let Err(breach) = self.check_quorum(id, head)
        {
            self.oracle.broke(breach);
        }
        let Some(live) = self.nodes.get_mut(&id).and_then(|node| node.live.as_mut()) else {
            return;
        };
        if live.machine.keep_head(size, head.to_text()).is_err() {
            return self.stop(id, Stopped::StoreFull);
        }
        live.sealed = Some(sealed_of(size, root));
        if change_at(live.machine.view(), size).is_ok_and(|change| change.is_some()) {
            self.kept(id, size);
        }
    }

    /// The head with which a key set ends is brought to disk at once; nothing larger is signed before.
    fn kept(&mut self, id: NodeId, size: u64) {
        let now = self.clock_ms(id);
        let node = self.nodes.get_mut(&id).unwrap();
        node.flush();
        if let Some(live) = node.live.as_mut() {
            let effects = live.sealer.kept(size, now);
            self.tally.saw(Seen::KeySetEnded);
            self.perform(id, effects);
        }
    }
}
