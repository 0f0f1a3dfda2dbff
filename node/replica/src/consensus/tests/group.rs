//! A group whose members come and go: cores in one thread, a wire without time, disks that keep
//! everything that was synced.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use raft::eraftpb::{Message, MessageType};
use raft_prost::Message as _;

use super::super::{CoreConfig, RaftCore, Recovered, Wanted};
use crate::conf::Conf;
use crate::entry::{EntryKind, HardState, LogEntry, NodeId};

/// One replica: what runs, and what its disk holds.
pub(super) struct Member {
    pub(super) core: Option<RaftCore>,
    pub(super) entries: Vec<LogEntry>,
    pub(super) hard_state: HardState,
    /// Index and term of the last compacted entry.
    pub(super) base: (u64, u64),
    pub(super) applied: u64,
    /// The groups as they were applied, by index.
    pub(super) confs: BTreeMap<u64, Conf>,
}

impl Member {
    fn write(&mut self, entries: Vec<LogEntry>) {
        for entry in entries {
            let keep = usize::try_from(entry.index - self.base.0 - 1).unwrap();
            assert!(keep <= self.entries.len(), "a write with a gap");
            self.entries.truncate(keep);
            self.entries.push(entry);
        }
    }

    /// The group as of `applied`.
    fn conf(&self) -> Option<Conf> {
        let known = self.confs.range(..=self.applied);
        known.last().map(|(_, conf)| conf.clone())
    }
}

/// All of them, and the wire between them.
pub(super) struct Group {
    founders: Vec<NodeId>,
    /// Where the members stand, if two sites must have what is decided.
    sites: Vec<(NodeId, u64)>,
    pub(super) members: BTreeMap<NodeId, Member>,
    wire: VecDeque<(NodeId, NodeId, Vec<u8>)>,
    /// Members that nothing reaches and that reach nobody.
    pub(super) cut: BTreeSet<NodeId>,
    /// Who was asked for a vote, real or not, by whom.
    pub(super) asked: BTreeSet<(NodeId, NodeId)>,
    /// Leaders by term.
    pub(super) leaders: BTreeMap<u64, NodeId>,
    /// What was decided, by index: term and data.
    decided: BTreeMap<u64, (u64, Vec<u8>)>,
}

impl Group {
    /// Founded by these; nobody leads yet.
    pub(super) fn of(founders: &[NodeId]) -> Self {
        Self::over_sites(founders, &[])
    }

    /// As [`Group::of`]; with `sites`, what is decided is on two of them.
    pub(super) fn over_sites(founders: &[NodeId], sites: &[(NodeId, u64)]) -> Self {
        let mut group = Self {
            founders: founders.to_vec(),
            sites: sites.to_vec(),
            members: BTreeMap::new(),
            wire: VecDeque::new(),
            cut: BTreeSet::new(),
            asked: BTreeSet::new(),
            leaders: BTreeMap::new(),
            decided: BTreeMap::new(),
        };
        for id in founders {
            group.join(*id);
        }
        group
    }

    /// Starts a replica with an empty disk.
    pub(super) fn join(&mut self, id: NodeId) {
        let member = Member {
            core: None,
            entries: Vec::new(),
            hard_state: HardState::default(),
            base: (0, 0),
            applied: 0,
            confs: BTreeMap::new(),
        };
        self.members.insert(id, member);
        self.start(id);
    }

    /// Starts a replica from its disk.
    pub(super) fn start(&mut self, id: NodeId) {
        let mut config = CoreConfig::new(id, self.founders.clone());
        config.joins = !self.founders.contains(&id);
        config.max_inflight = 8;
        config.two_sites = !self.sites.is_empty();
        let sites = self.sites.clone();
        let member = self.members.get_mut(&id).unwrap();
        let recovered = Recovered {
            hard_state: member.hard_state,
            compacted_index: member.base.0,
            compacted_term: member.base.1,
            entries: member.entries.clone(),
            applied: member.applied,
            conf: member.conf(),
        };
        let mut core = RaftCore::new(config, recovered).expect("the disk is sound");
        core.set_sites(sites);
        member.core = Some(core);
        self.pump(id);
    }

    /// Stops a replica. Its state is durable up to `flushed` only; the log replays the rest.
    pub(super) fn crash(&mut self, id: NodeId, flushed: u64) {
        let member = self.members.get_mut(&id).unwrap();
        member.core = None;
        member.applied = member.applied.min(flushed).max(member.base.0);
        self.wire.retain(|(from, to, _)| *from != id && *to != id);
    }

    /// Drops the log of a replica up to what it has applied.
    pub(super) fn compact(&mut self, id: NodeId) {
        let member = self.members.get_mut(&id).unwrap();
        let upto = member.applied;
        let gone = usize::try_from(upto - member.base.0).unwrap();
        let last = member.entries.drain(..gone).next_back();
        if let Some(last) = last {
            member.base = (last.index, last.term);
        }
        member.core.as_mut().unwrap().compacted(upto);
    }

    pub(super) fn core(&mut self, id: NodeId) -> &mut RaftCore {
        self.members.get_mut(&id).unwrap().core.as_mut().unwrap()
    }

    /// Lets `ticks` pass for everybody, with time for all messages in between.
    pub(super) fn run(&mut self, ticks: usize) {
        for _ in 0..ticks {
            self.tick();
            while self.deliver() {}
        }
    }

    /// One tick for everybody.
    pub(super) fn tick(&mut self) {
        let ids: Vec<NodeId> = self.members.keys().copied().collect();
        for id in ids {
            if let Some(core) = self.members.get_mut(&id).unwrap().core.as_mut() {
                core.tick();
                self.pump(id);
            }
        }
    }

    /// Delivers the oldest message; false if there is none.
    pub(super) fn deliver(&mut self) -> bool {
        let Some((from, to, bytes)) = self.wire.pop_front() else {
            return false;
        };
        if self.cut.contains(&from) || self.cut.contains(&to) {
            return true;
        }
        let reached = self.members.get_mut(&to);
        if let Some(core) = reached.and_then(|member| member.core.as_mut()) {
            core.peer(from, &bytes).expect("honest frames are taken");
            self.pump(to);
        }
        true
    }

    /// Loses the oldest message.
    pub(super) fn lose(&mut self) {
        self.wire.pop_front();
    }

    /// Carries out what a core wants, at once.
    pub(super) fn pump(&mut self, id: NodeId) {
        loop {
            let member = self.members.get_mut(&id).unwrap();
            let Some(core) = member.core.as_mut() else {
                return;
            };
            let Some(out) = core.drain() else { break };
            let mut messages = out.send;
            if let Some(persist) = out.persist {
                member.write(persist.entries);
                member.hard_state = persist.hard_state.unwrap_or(member.hard_state);
                messages.extend(persist.messages_after);
                member.core.as_mut().unwrap().persisted(persist.number);
            }
            for entry in out.committed {
                assert_eq!(entry.index, member.applied + 1, "{id}: in order");
                let value = (entry.term, entry.data.clone());
                let decided = self
                    .decided
                    .entry(entry.index)
                    .or_insert_with(|| value.clone());
                assert_eq!(*decided, value, "{id}: two entries at {}", entry.index);
                if entry.kind == EntryKind::Membership {
                    let conf = Conf::decode(&entry.data).expect("a group");
                    member.confs.insert(entry.index, conf);
                }
                member.applied = entry.index;
                member.core.as_mut().unwrap().applied(entry.index);
            }
            if let Some(role) = out.role.filter(|role| role.is_leader) {
                let leader = *self.leaders.entry(role.term).or_insert(id);
                assert_eq!(leader, id, "two replicas lead term {}", role.term);
            }
            for (to, bytes) in messages {
                let message = Message::decode(bytes.as_slice()).unwrap();
                let votes = [MessageType::MsgRequestVote, MessageType::MsgRequestPreVote];
                if votes.contains(&message.get_msg_type()) {
                    self.asked.insert((id, to));
                }
                self.wire.push_back((id, to, bytes));
            }
        }
    }

    /// Who leads and knows it, if exactly one does.
    pub(super) fn leader(&self) -> Option<NodeId> {
        let mut leading = self.members.iter().filter_map(|(id, member)| {
            let core = member.core.as_ref()?;
            core.role().leader_ready.then_some((core.role().term, *id))
        });
        let newest = leading.next()?;
        leading
            .try_fold(newest, |newest, other| {
                (newest.0 != other.0).then(|| newest.max(other))
            })
            .map(|(_, id)| id)
    }

    /// Lets time pass until somebody leads whom the others follow.
    pub(super) fn elect(&mut self) -> NodeId {
        for _ in 0..400 {
            self.run(1);
            if let Some(leader) = self.leader().filter(|id| !self.cut.contains(id)) {
                return leader;
            }
        }
        panic!("nobody leads");
    }

    /// Has one command decided.
    pub(super) fn decide(&mut self, data: &[u8]) -> u64 {
        for _ in 0..50 {
            let leader = self.elect();
            if let Ok(proposed) = self.core(leader).propose(data.to_vec()) {
                self.pump(leader);
                self.run(6);
                let at = self.decided.get(&proposed.index);
                if at.is_some_and(|(term, _)| *term == proposed.term) {
                    return proposed.index;
                }
            }
            self.run(5);
        }
        panic!("nothing is decided");
    }

    /// Drives the group until it is the wanted one, as the driver of a leader does.
    pub(super) fn become_group(&mut self, voters: &[NodeId], learners: &[NodeId]) {
        let wanted = wanted(voters, learners);
        let done = Conf {
            learners: learners.to_vec(),
            ..Conf::of(voters.to_vec())
        };
        for _ in 0..300 {
            let leader = self.elect();
            if *self.core(leader).conf() == done {
                self.run(10);
                return;
            }
            let _tried_again_if_too_early = self.core(leader).propose_conf(&wanted);
            self.pump(leader);
            self.run(3);
        }
        panic!("the group does not become {wanted:?}");
    }

    /// Whether everybody who runs and can be reached has applied the same.
    pub(super) fn agrees(&self, ids: &[NodeId]) -> bool {
        let applied = |id: &NodeId| self.members[id].applied;
        let first = applied(&ids[0]);
        ids.iter().all(|id| applied(id) == first)
    }
}

pub(super) fn wanted(voters: &[NodeId], learners: &[NodeId]) -> Wanted {
    Wanted {
        voters: voters.to_vec(),
        learners: learners.to_vec(),
    }
}
