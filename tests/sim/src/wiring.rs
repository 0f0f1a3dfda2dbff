//! Carries out what the parts of a replica want: mail, log, state machine, seals. The same wiring as
//! the threads of a node, without the threads.

use akashi_domain::event::Event as Fact;
use akashi_replica::agreement::StateDigest;
use akashi_replica::consensus::{Outbound, Output, Role};
use akashi_replica::digest::{is_mark, state_digest};
use akashi_replica::entry::NodeId;
use akashi_replica::log::{FrameBody, LogError};
use akashi_replica::seal::{Effect, FenceReason, SealMessage};
use akashi_replica::store::{Batch, Frozen, StateStore as _, Table};

use crate::node::{Live, LogInput, sealed_of};
use crate::plan::MS;
use crate::world::{Event, World};

/// The digest of a replica's state as of the entry it has just applied.
fn digest_of(live: &Live, index: u64) -> StateDigest {
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

impl World {
    /// Carries out what the core of `id` wants until it wants nothing.
    pub(crate) fn pump(&mut self, id: NodeId) {
        loop {
            let life = self.nodes[&id].life;
            let Some(live) = self.live(id, life) else {
                return;
            };
            let Some(output) = live.core.drain() else {
                break;
            };
            self.carry_out(id, life, output);
        }
        let node = self.nodes.get_mut(&id).unwrap();
        let Some(live) = node.live.as_mut() else {
            return;
        };
        let commit = live.core.commit_index();
        let applied = live.machine.progress().log_index;
        let in_order =
            live.commit <= commit && applied <= commit && commit <= live.core.last_index();
        if !in_order {
            self.oracle.broke(format!(
                "{id}: applied {applied}, commit {commit}, out of order"
            ));
        }
        live.commit = commit;
        self.note(self.now_us ^ (id << 56) ^ commit);
    }

    fn carry_out(&mut self, id: NodeId, life: u64, output: Output) {
        let Output {
            send,
            persist,
            committed,
            reads: _,
            reads_lost: _,
            role,
            fetch,
        } = output;
        self.raft_mail(id, send);
        if let Some(mut persist) = persist {
            if self.plan.speaks_before_sync {
                let early = std::mem::take(&mut persist.messages_after);
                self.raft_mail(id, early);
            }
            self.hand_to_log(id, LogInput::Persist(persist));
        }
        for fetch in fetch {
            self.hand_to_log(id, LogInput::Fetch(fetch));
        }
        for entry in &committed {
            self.oracle.decides(id, entry);
        }
        if !committed.is_empty() {
            let delay = self.nodes[&id].apply_us;
            let Some(live) = self.live(id, life) else {
                return;
            };
            live.to_apply.extend(committed);
            if !std::mem::replace(&mut live.applying, true) {
                self.at(delay, Event::Apply { node: id, life });
            }
        }
        if let Some(role) = role {
            self.role_changed(id, life, role);
        }
    }

    fn role_changed(&mut self, id: NodeId, life: u64, role: Role) {
        if role.is_leader {
            self.oracle.leads(id, role.term);
        }
        self.note(role.term ^ (id << 32));
        let Some(live) = self.live(id, life) else {
            return;
        };
        if live.role.is_leader && !role.is_leader {
            live.waiters.clear();
        }
        live.role = role;
        live.sealer.role(role.leader_ready);
    }

    fn raft_mail(&mut self, from: NodeId, messages: Vec<Outbound>) {
        for (to, bytes) in messages {
            self.post(|| Event::Raft {
                from,
                to,
                bytes: bytes.clone(),
            });
        }
    }

    fn hand_to_log(&mut self, id: NodeId, input: LogInput) {
        let life = self.nodes[&id].life;
        if let Some(live) = self.live(id, life) {
            live.to_log.push_back(input);
            self.begin_sync(id, life);
        }
    }

    /// Stages everything that waits, unless a sync is under way.
    fn begin_sync(&mut self, id: NodeId, life: u64) {
        let took = self.nodes[&id].sync_us;
        let Some(live) = self.live(id, life) else {
            return;
        };
        if !live.syncing.is_empty() || live.to_log.is_empty() {
            return;
        }
        let mut batch: Vec<LogInput> = std::mem::take(&mut live.to_log).into();
        for input in &mut batch {
            let staged = match input {
                LogInput::Persist(persist) => live.log.append(FrameBody::Append {
                    entries: std::mem::take(&mut persist.entries),
                    hard_state: persist.hard_state,
                }),
                LogInput::Vow(vow) => live.log.append(FrameBody::Head(vow.clone())),
                LogInput::Fetch(_) | LogInput::Retain(_) => Ok(()),
            };
            if let Err(error) = staged {
                self.oracle.broke(format!("{id}: the log refuses: {error}"));
                return;
            }
        }
        live.syncing = batch;
        let delay = took / 2 + self.rng.below(took);
        self.at(delay, Event::SyncDone { node: id, life });
    }

    pub(crate) fn sync_done(&mut self, id: NodeId, life: u64) {
        let now = self.clock_ms(id);
        let Some(live) = self.live(id, life) else {
            return;
        };
        if let Err(error) = live.log.sync() {
            self.oracle
                .broke(format!("{id}: the log does not sync: {error}"));
            return;
        }
        for input in std::mem::take(&mut live.syncing) {
            let Some(live) = self.live(id, life) else {
                return;
            };
            match input {
                LogInput::Persist(persist) => {
                    live.core.persisted(persist.number);
                    self.raft_mail(id, persist.messages_after);
                }
                LogInput::Vow(vow) => {
                    let effects = live.sealer.vowed(vow.size, now);
                    self.oracle.vows(id, vow.size, vow.root);
                    self.perform(id, effects);
                }
                LogInput::Fetch(fetch) => {
                    let most = u64::try_from(fetch.max_bytes).unwrap();
                    let entries = match live.log.read_entries(fetch.from, fetch.to, most) {
                        Err(LogError::Compacted) => Vec::new(),
                        read => read.unwrap(),
                    };
                    let late = entries.is_empty();
                    live.core.fetched(fetch.from, entries);
                    self.tally.fetched_too_late += u64::from(late);
                }
                LogInput::Retain(limits) => {
                    let dropped = live.log.retain(&limits).unwrap();
                    let (base, _) = live.log.base();
                    live.core.compacted(base);
                    self.tally.dropped += u64::try_from(dropped).unwrap();
                    let flushed = self.nodes[&id].flushed_index;
                    if base > flushed {
                        self.oracle
                            .broke(format!("{id}: {base} is dropped and {flushed} flushed"));
                    }
                }
            }
        }
        if let Some(live) = self.live(id, life) {
            live.log.prepare_step().unwrap();
        }
        self.begin_sync(id, life);
        self.pump(id);
    }

    /// After a flush: has the log drop what may go, and tells the others what all have.
    pub(crate) fn retain(&mut self, id: NodeId, life: u64) {
        let segments_max = self.plan.log_segments_max;
        let durable = self.nodes[&id].flushed_index;
        let Some(live) = self.live(id, life) else {
            return;
        };
        let retention = live.retention(durable, segments_max);
        let index = live.all_have;
        self.hand_to_log(id, LogInput::Retain(retention));
        for to in (1..=self.plan.nodes).filter(|to| *to != id) {
            self.post(|| Event::AllHave {
                from: id,
                to,
                index,
            });
        }
    }

    pub(crate) fn apply(&mut self, id: NodeId, life: u64) {
        let now = self.clock_ms(id);
        let honest = self.plan.is_honest(id);
        let mark_every_us = self.plan.mark_every_us;
        let Some(mut entries) = self.live(id, life).map(|live| {
            live.applying = false;
            std::mem::take(&mut live.to_apply)
        }) else {
            return;
        };
        while let Some(entry) = entries.pop_front() {
            let Some(live) = self.live(id, life) else {
                return;
            };
            let mut judge = live.judge;
            let before = live.machine.progress().stamp;
            let outcome = match live.machine.apply(&entry, &mut judge) {
                Ok(outcome) => outcome,
                Err(error) => {
                    self.oracle
                        .broke(format!("{id}: the state machine stops: {error}"));
                    return;
                }
            };
            live.judge = judge;
            let marked = is_mark(before, outcome.applied.progress.stamp, mark_every_us);
            let own = marked.then(|| digest_of(live, entry.index));
            live.core.applied(entry.index);
            let waiting = live.waiters.remove(&entry.index);
            for recorded in &outcome.applied.events {
                if let Fact::ClusterFounded(fact) = &recorded.event {
                    live.sealer.founded(&fact.cluster);
                }
            }
            let effects = live
                .sealer
                .applied(outcome.applied.progress.leaves, outcome.root, now);
            let hash = live.machine.state_hash();
            if honest {
                self.oracle.applies(id, hash, &outcome);
            }
            self.note(u64::from_le_bytes(*hash.first_chunk().unwrap()));
            if let Some(own) = own {
                // It takes its time, and entries are applied meanwhile.
                let delay = self.rng.below(400 * MS);
                self.at(
                    delay,
                    Event::Digested {
                        node: id,
                        life,
                        own,
                    },
                );
            }
            if let Some((term, requests)) = waiting
                && term == entry.term
            {
                for (request, answer) in requests.into_iter().zip(outcome.applied.answers) {
                    self.post(|| Event::Answer {
                        request,
                        answer: Box::new(answer.clone()),
                    });
                }
            }
            self.perform(id, effects);
        }
        if let Some(live) = self.live(id, life) {
            live.look_for_timers();
        }
        self.pump(id);
    }

    /// The state of `id` was digested: it says so.
    pub(crate) fn digested(&mut self, id: NodeId, life: u64, own: StateDigest) {
        let now = self.clock_ms(id);
        let Some(live) = self.live(id, life) else {
            return;
        };
        let found = live.agreement.digested(own, now);
        self.tally.digests += 1;
        self.say_digest(id, own);
        self.differs(id, found);
    }

    pub(crate) fn say_digest(&mut self, id: NodeId, own: StateDigest) {
        for to in (1..=self.plan.nodes).filter(|to| *to != id) {
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

    /// A record that no entry wrote: in no leaf, in no chained hash.
    pub(crate) fn rot(&mut self, id: NodeId) {
        let life = self.nodes[&id].life;
        if let Some(live) = self.live(id, life) {
            let mut batch = Batch::default();
            batch.put(Table::Evidence, vec![u8::MAX; 9], vec![1]);
            live.machine.view().0.write(batch).unwrap();
        }
    }

    pub(crate) fn perform(&mut self, id: NodeId, effects: Vec<Effect>) {
        let honest = self.plan.is_honest(id);
        for effect in effects {
            match effect {
                Effect::Vow(vow) => self.hand_to_log(id, LogInput::Vow(vow)),
                Effect::Broadcast(message) => {
                    if let SealMessage::Cosign { size, root, .. } = &message
                        && honest
                    {
                        self.oracle.signs(id, *size, *root);
                    }
                    for to in (1..=self.plan.nodes).filter(|to| *to != id) {
                        self.post(|| Event::Seal {
                            from: id,
                            to,
                            message: message.clone(),
                        });
                    }
                }
                Effect::Sealed(head) => {
                    self.tally.seals += 1;
                    let (size, root) = (head.head.size, head.head.root);
                    self.oracle.head(id, size, root);
                    if let Some(live) = self.nodes.get_mut(&id).and_then(|n| n.live.as_mut()) {
                        live.machine.keep_head(size, head.to_text()).unwrap();
                        live.sealed = Some(sealed_of(size, root));
                    }
                }
                // Nodes of the simulation have no door; what counts is what they sign and decide.
                Effect::Halt | Effect::Resume => {}
                Effect::Fence(reason) => {
                    self.nodes.get_mut(&id).unwrap().fenced = Some(reason);
                    if honest {
                        self.oracle.broke(format!("{id} is fenced: {reason}"));
                    }
                }
            }
        }
    }
}
