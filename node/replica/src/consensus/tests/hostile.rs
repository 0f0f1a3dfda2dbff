//! Hostile peers: hundreds of thousands of made-up and damaged frames against live clusters.
//!
//! Nothing is asked of the clusters but to stay alive: a member that lies in well-formed messages
//! can break agreement (Raft is not Byzantine-safe), but no frame may stop a process.

use std::collections::{BTreeMap, VecDeque};

use raft::eraftpb::{
    ConfChangeSingle, ConfChangeV2, ConfState, Entry, Message, Snapshot, SnapshotMetadata,
};
use raft_prost::Message as _;

use super::super::{CoreConfig, FrameRejected, Outbound, RaftCore, Recovered};
use super::rng::Rng;
use crate::entry::NodeId;

const CLUSTERS: u64 = 1_000;
const STEPS_PER_CLUSTER: u64 = 700;

#[test]
fn no_frame_stops_a_replica() {
    let mut refused: BTreeMap<FrameRejected, u64> = BTreeMap::new();
    let mut admitted = 0_u64;
    let mut to_leaders = 0_u64;
    let mut committed = 0_u64;
    for seed in 0..CLUSTERS {
        let mut trio = Trio::new(seed);
        for _ in 0..STEPS_PER_CLUSTER {
            trio.live();
            let (to, from, bytes) = trio.frame();
            let core = trio.cores.get_mut(&to).unwrap();
            let leads = core.role().is_leader;
            match core.peer(from, &bytes) {
                Ok(()) => {
                    admitted += 1;
                    to_leaders += u64::from(leads);
                }
                Err(reason) => *refused.entry(reason).or_default() += 1,
            }
            trio.carry_out(to);
        }
        committed += trio.cores.values().map(RaftCore::commit_index).sum::<u64>();
    }
    println!("admitted {admitted} ({to_leaders} by leaders), refused {refused:?}, {committed}");
    let total = admitted + refused.values().sum::<u64>();
    assert!(total > 200_000, "{total}");
    // The frames must be neither all plausible nor all nonsense.
    assert!(
        admitted > total / 10 && admitted < total * 9 / 10,
        "{admitted} of {total}"
    );
    assert_eq!(
        refused.len(),
        10,
        "every reason to refuse must occur: {refused:?}"
    );
}

struct Trio {
    rng: Rng,
    /// Whether its liars also raise the term, which ends every leadership.
    disruptive: bool,
    cores: BTreeMap<NodeId, RaftCore>,
    unsynced: BTreeMap<NodeId, VecDeque<(u64, Vec<Outbound>)>>,
    unapplied: BTreeMap<NodeId, u64>,
    wire: VecDeque<(NodeId, NodeId, Vec<u8>)>,
    recent: VecDeque<(NodeId, NodeId, Vec<u8>)>,
}

impl Trio {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let ids = [1, 2, 3];
        let mut cores = BTreeMap::new();
        for id in ids {
            let mut config = CoreConfig::new(id, ids.to_vec());
            config.seed = rng.next();
            config.election_ticks = 6;
            config.priority = i64::try_from(rng.below(3)).unwrap();
            config.max_entry_bytes = 256;
            config.max_uncommitted_bytes = 2048;
            config.max_inflight = 4;
            config.resident_bytes = if seed.is_multiple_of(2) { 600 } else { 1 << 20 };
            cores.insert(id, RaftCore::new(config, Recovered::default()).unwrap());
        }
        Self {
            rng,
            disruptive: seed.is_multiple_of(3),
            cores,
            unsynced: ids.iter().map(|id| (*id, VecDeque::new())).collect(),
            unapplied: BTreeMap::new(),
            wire: VecDeque::new(),
            recent: VecDeque::new(),
        }
    }

    /// A few honest steps of everyday life.
    fn live(&mut self) {
        for _ in 0..self.rng.below(14) {
            let id = self.rng.between(1, 3);
            let other = self.rng.between(1, 3);
            let read = self.rng.next();
            let core = self.cores.get_mut(&id).unwrap();
            match self.rng.below(24) {
                0..=6 => core.tick(),
                7..=13 => {
                    if let Some((from, to, bytes)) = self.wire.pop_front() {
                        let _refusals_are_expected_after_lies =
                            self.cores.get_mut(&to).unwrap().peer(from, &bytes);
                        self.carry_out(to);
                    }
                }
                14..=17 => {
                    if let Some((number, messages)) =
                        self.unsynced.get_mut(&id).unwrap().pop_front()
                    {
                        core.persisted(number);
                        self.post(id, messages);
                    }
                }
                18 => {
                    let _refused_unless_leader = core.propose(vec![1; 100]);
                }
                19 => {
                    let _refused_unless_leader = core.read_index(read);
                }
                20 => {
                    if let Some(index) = self.unapplied.get(&id) {
                        core.applied(*index);
                    }
                }
                21 if self.rng.one_in(10) => core.campaign(),
                22 => core.unreachable(other),
                _ if self.rng.one_in(10) => {
                    let _refused_unless_leader = core.transfer_leader(other);
                }
                _ => core.tick(),
            }
            self.carry_out(id);
        }
    }

    fn carry_out(&mut self, id: NodeId) {
        while let Some(out) = self.cores.get_mut(&id).unwrap().drain() {
            self.post(id, out.send);
            if let Some(persist) = out.persist {
                let entry = (persist.number, persist.messages_after);
                self.unsynced.get_mut(&id).unwrap().push_back(entry);
            }
            if let Some(last) = out.committed.last() {
                self.unapplied.insert(id, last.index);
            }
            for fetch in out.fetch {
                self.cores
                    .get_mut(&id)
                    .unwrap()
                    .fetched(fetch.from, Vec::new());
            }
        }
    }

    fn post(&mut self, from: NodeId, messages: Vec<Outbound>) {
        // Changes of the group that somebody made up name replicas that there are not.
        let real = |to: &NodeId| self.cores.contains_key(to);
        for (to, bytes) in messages.into_iter().filter(|(to, _)| real(to)) {
            self.recent.push_back((from, to, bytes.clone()));
            self.wire.push_back((from, to, bytes));
        }
        while self.recent.len() > 32 {
            self.recent.pop_front();
        }
        while self.wire.len() > 64 {
            self.wire.pop_front();
        }
    }

    /// One frame with the replica it goes to and the sender that the connection vouches for.
    fn frame(&mut self) -> (NodeId, NodeId, Vec<u8>) {
        if self.rng.one_in(3) && !self.recent.is_empty() {
            let at = usize::try_from(self.rng.below(u64::try_from(self.recent.len()).unwrap()));
            let (from, to, bytes) = self.recent[at.unwrap()].clone();
            return (to, from, self.damage(bytes));
        }
        let to = self.rng.between(1, 3);
        let from = if self.rng.one_in(40) {
            self.rng.below(6)
        } else {
            1 + (to % 3)
        };
        let message = self.invent(to, from);
        (to, from, message.encode_to_vec())
    }

    fn damage(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        if self.rng.one_in(2) {
            let Ok(mut message) = Message::decode(bytes.as_slice()) else {
                return bytes;
            };
            self.bend(&mut message);
            return message.encode_to_vec();
        }
        for _ in 0..self.rng.between(1, 3) {
            let at = usize::try_from(self.rng.below(u64::try_from(bytes.len()).unwrap())).unwrap();
            match self.rng.below(4) {
                0 => bytes.truncate(at),
                1 => bytes.insert(at, 0xff),
                2 => bytes.extend_from_within(at..),
                _ => {
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte ^= 1 << self.rng.below(8);
                    }
                }
            }
            if bytes.is_empty() {
                break;
            }
        }
        if self.rng.one_in(200) {
            bytes.resize(1 << 20, 0);
        }
        bytes
    }

    /// Changes one field of an honest message.
    fn bend(&mut self, message: &mut Message) {
        let near = |rng: &mut Rng, value: u64| match rng.below(8) {
            0 => 0,
            1 => u64::MAX,
            2 => value.wrapping_add(1 << 40),
            _ => (value + 3).saturating_sub(rng.below(7)),
        };
        match self.rng.below(12) {
            0 => message.term = near(&mut self.rng, message.term),
            1 => message.index = near(&mut self.rng, message.index),
            2 => message.log_term = near(&mut self.rng, message.log_term),
            3 => message.commit = near(&mut self.rng, message.commit),
            4 => message.commit_term = near(&mut self.rng, message.commit_term),
            5 => message.reject_hint = near(&mut self.rng, message.reject_hint),
            6 => message.reject = !message.reject,
            7 => message.msg_type = i32::try_from(self.rng.below(21)).unwrap() - 1,
            8 => message.entries.reverse(),
            9 => message.entries.truncate(1),
            10 => {
                if let Some(entry) = message.entries.last_mut() {
                    entry.index = near(&mut self.rng, entry.index);
                    entry.term = near(&mut self.rng, entry.term);
                }
            }
            _ => message.context = vec![1; usize::try_from(self.rng.below(24)).unwrap()],
        }
    }

    /// A message made up from what `to` would find plausible.
    fn invent(&mut self, to: NodeId, from: NodeId) -> Message {
        let core = &self.cores[&to];
        let (term, leads) = (core.role().term, core.role().is_leader);
        let (last, commit) = (core.last_index(), core.commit_index());
        let rng = &mut self.rng;
        let index = match rng.below(10) {
            0 => 0,
            1 => commit,
            2 => rng.next(),
            3..=5 => last,
            _ => (last + 2).saturating_sub(rng.below(6)),
        };
        let message_term = match rng.below(80) {
            0 => 0,
            1 => u64::MAX,
            2 if self.disruptive => term + (1 << rng.below(60)),
            3..=6 if self.disruptive => term + 1,
            7..=10 => term.saturating_sub(1),
            _ => term,
        };
        let true_term = core.term_at(index).unwrap_or(0);
        let log_term = if rng.one_in(8) {
            rng.below(term + 2)
        } else {
            true_term
        };
        let mut message = Message {
            msg_type: if rng.one_in(20) {
                i32::try_from(rng.below(30)).unwrap() - 2
            } else {
                rng.pick(if leads {
                    &[4, 4, 4, 4, 9, 9, 5, 17]
                } else {
                    &[3, 3, 3, 3, 8, 5, 6, 14, 17, 18]
                })
            },
            to: if rng.one_in(50) { rng.below(5) } else { to },
            from: if rng.one_in(50) { rng.below(5) } else { from },
            term: message_term,
            log_term,
            index,
            commit: match rng.below(30) {
                0 => rng.next(),
                1 => last + 1,
                2..=5 => last,
                6..=9 => 0,
                _ => commit,
            },
            commit_term: if rng.one_in(2) {
                true_term
            } else {
                rng.below(term + 2)
            },
            reject: rng.one_in(3),
            reject_hint: if rng.one_in(8) {
                rng.next()
            } else {
                rng.below(last + 3)
            },
            priority: if rng.one_in(4) {
                i64::MIN + i64::from(rng.one_in(2))
            } else {
                0
            },
            ..Message::default()
        };
        match rng.below(30) {
            0 => message.context = b"CampaignTransfer".to_vec(),
            1 => message.context = rng.next().to_be_bytes().to_vec(),
            2 => message.request_snapshot = rng.below(last + 2),
            3 => message.deprecated_priority = rng.next(),
            4 => {
                let conf_state = Some(ConfState {
                    voters: vec![to],
                    ..ConfState::default()
                });
                let metadata = SnapshotMetadata {
                    conf_state,
                    index,
                    term: message.term,
                };
                message.snapshot = Some(Snapshot {
                    data: vec![1],
                    metadata: Some(metadata),
                });
            }
            _ => {}
        }
        if message.msg_type == 3 || rng.one_in(20) {
            message.entries = invent_entries(rng, index, log_term, last);
        }
        message
    }
}

fn invent_entries(rng: &mut Rng, index: u64, log_term: u64, last: u64) -> Vec<Entry> {
    let mut entry_term = log_term.max(1);
    let mut entries = Vec::new();
    for offset in 0..rng.below(5) {
        if rng.one_in(3) {
            entry_term += rng.below(3);
        }
        let (kind, data) = if rng.one_in(40) {
            (2, invent_change(rng).encode_to_vec())
        } else {
            (0, vec![2; usize::try_from(rng.below(280)).unwrap()])
        };
        entries.push(Entry {
            entry_type: if rng.one_in(30) {
                rng.pick(&[1, 2, 3, -1, 99])
            } else {
                kind
            },
            term: entry_term,
            index: if rng.one_in(30) {
                rng.below(last + 8)
            } else {
                index.saturating_add(offset).saturating_add(1)
            },
            data,
            ..Entry::default()
        });
    }
    entries
}

/// Mostly a number that the enums of changes know.
fn odd(rng: &mut Rng) -> u64 {
    let bound = if rng.one_in(20) { 5 } else { 3 };
    rng.below(bound)
}

/// A change of the group that decodes, and may make no sense.
fn invent_change(rng: &mut Rng) -> ConfChangeV2 {
    let mut changes = Vec::new();
    for _ in 0..rng.below(5) {
        changes.push(ConfChangeSingle {
            change_type: i32::try_from(odd(rng)).unwrap(),
            node_id: rng.below(6),
        });
    }
    ConfChangeV2 {
        transition: i32::try_from(odd(rng)).unwrap(),
        changes,
        ..ConfChangeV2::default()
    }
}
