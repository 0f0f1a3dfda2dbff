//! Hostile peers: made-up and damaged frames against live clusters, as many as asked for.
//!
//! A member that lies in well-formed messages can break agreement (Raft is not Byzantine-safe), so
//! nothing is asked of these clusters but to stay alive. The frames are written by hand from the
//! published field numbers, so that they can say what no encoder would. What the gate refuses, case by
//! case, is in the unit tests beside it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;

use akashi_replica::consensus::{CoreConfig, FrameRejected, Outbound, RaftCore, Recovered};
use akashi_replica::entry::NodeId;
use akashi_sim::effort;
use akashi_sim::rng::Rng;

/// Frames that one cluster gets before a fresh one takes its place.
const FRAMES_PER_CLUSTER: u64 = 700;
/// Threads that share the clusters.
const THREADS: u64 = 2;
/// Every [`FrameRejected`] there is.
const REASONS: usize = 10;

#[derive(Default)]
struct Counts {
    admitted: u64,
    refused: BTreeMap<FrameRejected, u64>,
    committed: u64,
}

#[test]
fn no_frame_stops_a_replica() {
    let clusters = effort::gate_frames().div_ceil(FRAMES_PER_CLUSTER);
    let sum = Mutex::new(Counts::default());
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let sum = &sum;
            scope.spawn(move || {
                for seed in (0..clusters).filter(|seed| seed % THREADS == thread) {
                    let counts = storm(seed);
                    let mut sum = sum.lock().unwrap();
                    sum.admitted += counts.admitted;
                    sum.committed += counts.committed;
                    for (reason, times) in counts.refused {
                        *sum.refused.entry(reason).or_default() += times;
                    }
                }
            });
        }
    });
    let Counts {
        admitted,
        refused,
        committed,
    } = sum.into_inner().unwrap();
    let total = admitted + refused.values().sum::<u64>();
    println!("{total} frames, {admitted} admitted, refused {refused:?}, {committed} committed");
    assert!(total >= effort::gate_frames());
    // The frames must be neither all plausible nor all nonsense, and the clusters must live.
    assert!(
        admitted > total / 10 && admitted < total * 9 / 10,
        "{admitted} of {total}"
    );
    assert!(committed > clusters, "{committed}");
    assert_eq!(
        refused.len(),
        REASONS,
        "every reason must occur: {refused:?}"
    );
}

fn storm(seed: u64) -> Counts {
    let mut counts = Counts::default();
    let mut trio = Trio::new(seed);
    for _ in 0..FRAMES_PER_CLUSTER {
        trio.live();
        let (to, from, bytes) = trio.frame();
        match trio.cores.get_mut(&to).unwrap().peer(from, &bytes) {
            Ok(()) => counts.admitted += 1,
            Err(reason) => *counts.refused.entry(reason).or_default() += 1,
        }
        trio.carry_out(to);
    }
    counts.committed = trio.cores.values().map(RaftCore::commit_index).sum();
    counts
}

type Frame = (NodeId, NodeId, Vec<u8>);

struct Trio {
    rng: Rng,
    /// Whether its liars also raise the term, which ends every leadership.
    disruptive: bool,
    cores: BTreeMap<NodeId, RaftCore>,
    unsynced: BTreeMap<NodeId, VecDeque<(u64, Vec<Outbound>)>>,
    unapplied: BTreeMap<NodeId, u64>,
    wire: VecDeque<Frame>,
    recent: VecDeque<Frame>,
}

impl Trio {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let ids = [1, 2, 3];
        let mut core = |id| {
            let mut config = CoreConfig::new(id, ids.to_vec());
            config.seed = rng.next();
            config.election_ticks = 6;
            config.priority = i64::try_from(rng.below(3)).unwrap();
            config.max_entry_bytes = 256;
            config.max_uncommitted_bytes = 2_048;
            config.max_inflight = 4;
            config.resident_bytes = if seed.is_multiple_of(2) { 600 } else { 1 << 20 };
            RaftCore::new(config, Recovered::default()).unwrap()
        };
        Self {
            cores: ids.iter().map(|id| (*id, core(*id))).collect(),
            rng,
            disruptive: seed.is_multiple_of(3),
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
            let (other, read) = (self.rng.between(1, 3), self.rng.next());
            let core = self.cores.get_mut(&id).unwrap();
            match self.rng.below(24) {
                7..=13 => {
                    if let Some((from, to, bytes)) = self.wire.pop_front() {
                        let _refusals_are_expected_after_lies =
                            self.cores.get_mut(&to).unwrap().peer(from, &bytes);
                        self.carry_out(to);
                    }
                }
                14..=17 => {
                    let synced = self.unsynced.get_mut(&id).unwrap().pop_front();
                    if let Some((number, messages)) = synced {
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
                23 if self.rng.one_in(10) => {
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
                let core = self.cores.get_mut(&id).unwrap();
                core.fetched(fetch.from, Vec::new());
            }
        }
    }

    fn post(&mut self, from: NodeId, messages: Vec<Outbound>) {
        // A liar may have brought strangers into the group: nobody is there.
        let known = messages.into_iter().filter(|(to, _)| (1..=3).contains(to));
        for (to, bytes) in known {
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
    fn frame(&mut self) -> Frame {
        if self.rng.one_in(3) && !self.recent.is_empty() {
            let at = self.rng.below(u64::try_from(self.recent.len()).unwrap());
            let (from, to, bytes) = self.recent[usize::try_from(at).unwrap()].clone();
            return (to, from, self.damage(bytes));
        }
        let to = self.rng.between(1, 3);
        let from = if self.rng.one_in(40) {
            self.rng.below(6)
        } else {
            1 + (to % 3)
        };
        (to, from, self.invent(to, from))
    }

    fn damage(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        for _ in 0..self.rng.between(1, 3) {
            if bytes.is_empty() {
                break;
            }
            let at = usize::try_from(self.rng.below(u64::try_from(bytes.len()).unwrap())).unwrap();
            match self.rng.below(4) {
                0 => bytes.truncate(at),
                1 => bytes.insert(at, 0xff),
                2 => bytes.extend_from_within(at..),
                _ => bytes[at] ^= 1 << self.rng.below(8),
            }
        }
        if self.rng.one_in(200) {
            bytes.resize(1 << 20, 0);
        }
        bytes
    }

    /// A message made up from what `to` would find plausible.
    fn invent(&mut self, to: NodeId, from: NodeId) -> Vec<u8> {
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
        let kind = if rng.one_in(20) {
            rng.below(30)
        } else if leads {
            rng.pick(&[4, 4, 4, 4, 9, 9, 5, 17])
        } else {
            rng.pick(&[3, 3, 3, 3, 8, 5, 6, 14, 17, 18])
        };
        let mut message = Protobuf::default();
        message.number(1, kind);
        message.number(2, if rng.one_in(50) { rng.below(5) } else { to });
        message.number(3, if rng.one_in(50) { rng.below(5) } else { from });
        message.number(4, message_term);
        message.number(5, log_term);
        message.number(6, index);
        if kind == 3 || rng.one_in(20) {
            for entry in invent_entries(rng, index, log_term, last) {
                message.bytes(7, &entry);
            }
        }
        message.number(
            8,
            match rng.below(30) {
                0 => rng.next(),
                1 => last + 1,
                2..=5 => last,
                6..=9 => 0,
                _ => commit,
            },
        );
        message.number(10, u64::from(rng.one_in(3)));
        message.number(
            11,
            if rng.one_in(8) {
                rng.next()
            } else {
                rng.below(last + 3)
            },
        );
        message.number(
            15,
            if rng.one_in(2) {
                true_term
            } else {
                rng.below(term + 2)
            },
        );
        if rng.one_in(4) {
            message.number(16, (1 << 63) + u64::from(rng.one_in(2)));
        }
        rare_fields(rng, &mut message, last);
        message.0
    }
}

/// Context, a wish for a snapshot, an old field, a snapshot.
fn rare_fields(rng: &mut Rng, message: &mut Protobuf, last: u64) {
    match rng.below(30) {
        0 => message.bytes(12, b"CampaignTransfer"),
        1 => message.bytes(12, &rng.next().to_be_bytes()),
        2 => message.number(13, rng.below(last + 2)),
        3 => message.number(14, rng.next()),
        4 => {
            let mut snapshot = Protobuf::default();
            snapshot.bytes(1, &[1]);
            let mut metadata = Protobuf::default();
            metadata.number(2, last + 4);
            metadata.number(3, 1);
            snapshot.bytes(2, &metadata.0);
            message.bytes(9, &snapshot.0);
        }
        _ => {}
    }
}

fn invent_entries(rng: &mut Rng, index: u64, log_term: u64, last: u64) -> Vec<Vec<u8>> {
    let mut entry_term = log_term.max(1);
    let mut entries = Vec::new();
    for offset in 0..rng.below(5) {
        if rng.one_in(3) {
            entry_term += rng.below(3);
        }
        let mut entry = Protobuf::default();
        if rng.one_in(30) {
            entry.number(1, rng.pick(&[1, 2, 3, u64::MAX, 99]));
        }
        entry.number(2, entry_term);
        entry.number(
            3,
            if rng.one_in(30) {
                rng.below(last + 8)
            } else {
                index.saturating_add(offset).saturating_add(1)
            },
        );
        entry.bytes(4, &vec![2; usize::try_from(rng.below(280)).unwrap()]);
        entries.push(entry.0);
    }
    entries
}

/// A protobuf message under construction.
#[derive(Default)]
struct Protobuf(Vec<u8>);

impl Protobuf {
    /// A number; zero is left out, as encoders do.
    fn number(&mut self, field: u64, value: u64) {
        if value != 0 {
            self.varint(field << 3);
            self.varint(value);
        }
    }

    /// Bytes, or a message inside this one.
    fn bytes(&mut self, field: u64, value: &[u8]) {
        self.varint(field << 3 | 2);
        self.varint(u64::try_from(value.len()).unwrap());
        self.0.extend_from_slice(value);
    }

    fn varint(&mut self, mut value: u64) {
        loop {
            let [low, ..] = value.to_le_bytes();
            value >>= 7;
            if value == 0 {
                self.0.push(low & 0x7f);
                return;
            }
            self.0.push(low | 0x80);
        }
    }
}
