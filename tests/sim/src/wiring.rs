//! Carries out what the core of a replica wants: mail, the log, reads. The same wiring as the threads of
//! a node, without the threads. What is applied and sealed is in [`crate::hosting`].

use akashi_replica::consensus::{Outbound, Output, Role};
use akashi_replica::entry::NodeId;
use akashi_replica::log::{FrameBody, LogError};

use crate::event::Event;
use crate::faults::Stopped;
use crate::node::LogInput;
use crate::seen::Seen;
use crate::world::World;

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
            reads,
            reads_lost,
            role,
            fetch,
            ..
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
        for read in reads {
            self.read_confirmed(id, life, read);
        }
        self.reads_lost(id, life, &reads_lost);
    }

    fn role_changed(&mut self, id: NodeId, life: u64, role: Role) {
        if role.is_leader {
            self.oracle
                .leads(id, role.term, self.nodes[&id].live.as_ref());
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

    pub(crate) fn hand_to_log(&mut self, id: NodeId, input: LogInput) {
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
        let mut cuts = 0;
        for input in &mut batch {
            let staged = match input {
                LogInput::Persist(persist) => {
                    let first = persist
                        .entries
                        .first()
                        .map_or(u64::MAX, |entry| entry.index);
                    cuts += u64::from(first <= live.log.last().0);
                    live.log.append(FrameBody::Append {
                        entries: std::mem::take(&mut persist.entries),
                        hard_state: persist.hard_state,
                    })
                }
                LogInput::Vow(vow) => live.log.append(FrameBody::Head(vow.clone())),
                LogInput::Fetch(_) | LogInput::Retain(_) => Ok(()),
            };
            if let Err(error) = staged {
                self.oracle.broke(format!("{id}: the log refuses: {error}"));
                return;
            }
        }
        live.syncing = batch;
        self.tally.saw_many(Seen::LogCutBack, cuts);
        let delay = took / 2 + self.rng.below(took);
        self.at(delay, Event::SyncDone { node: id, life });
    }

    pub(crate) fn sync_done(&mut self, id: NodeId, life: u64) {
        let Some(live) = self.live(id, life) else {
            return;
        };
        match live.log.sync() {
            Ok(_) => {}
            Err(LogError::NoSpace(_)) => return self.stop(id, Stopped::DiskFull),
            Err(LogError::Disk(_)) => return self.stop(id, Stopped::SyncFailed),
            Err(error) => {
                self.oracle
                    .broke(format!("{id}: the log does not sync: {error}"));
                return;
            }
        }
        let hard_state = live.log.hard_state();
        self.oracle.votes(id, hard_state);
        for input in std::mem::take(
            &mut self
                .nodes
                .get_mut(&id)
                .unwrap()
                .live
                .as_mut()
                .unwrap()
                .syncing,
        ) {
            self.synced(id, life, input);
        }
        if let Some(live) = self.live(id, life) {
            match live.log.prepare_step() {
                Ok(_) => {}
                Err(LogError::NoSpace(_)) => self.tally.saw(Seen::DiskFullAhead),
                Err(_) => return self.stop(id, Stopped::SyncFailed),
            }
        }
        self.begin_sync(id, life);
        self.pump(id);
    }

    /// One thing that waited for the sync.
    fn synced(&mut self, id: NodeId, life: u64, input: LogInput) {
        let now = self.clock_ms(id);
        let flushed = self.nodes[&id].flushed_index;
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
                    Ok(entries) => entries,
                    Err(LogError::Compacted) => Vec::new(),
                    Err(LogError::Disk(_)) => return self.stop(id, Stopped::SyncFailed),
                    Err(error) => {
                        self.oracle
                            .broke(format!("{id}: entries do not read: {error}"));
                        return;
                    }
                };
                self.tally
                    .saw_many(Seen::FetchedFromDisk, u64::from(!entries.is_empty()));
                if let Some(live) = self.live(id, life) {
                    live.core.fetched(fetch.from, entries);
                }
            }
            LogInput::Retain(limits) => {
                let Ok(dropped) = live.log.retain(&limits) else {
                    return self.stop(id, Stopped::SyncFailed);
                };
                let (base, _) = live.log.base();
                live.core.compacted(base);
                self.tally
                    .saw_many(Seen::LogDropped, u64::try_from(dropped).unwrap());
                if base > flushed {
                    self.oracle
                        .broke(format!("{id}: {base} is dropped and {flushed} flushed"));
                }
            }
        }
    }

    /// After a flush: has the log drop what may go, and tells the others what all have.
    pub(crate) fn retain(&mut self, id: NodeId, life: u64) {
        // Whoever comes later needs the log from its beginning.
        if self.plan.churns() {
            return;
        }
        let segments_max = self.plan.log_segments_max;
        let durable = self.nodes[&id].flushed_index;
        let Some(live) = self.live(id, life) else {
            return;
        };
        let retention = live.retention(durable, segments_max);
        let index = live.all_have;
        self.hand_to_log(id, LogInput::Retain(retention));
        for to in self.others(id) {
            self.post(|| Event::AllHave {
                from: id,
                to,
                index,
            });
        }
    }
}
