//! A replica among hostile peers: frames that are raw bytes or nearly right, between honest steps of
//! its driver.
//!
//! Laws: no frame stops the process; a refused frame changes nothing; what is committed is handed
//! out in order, once, and never beyond the log.

use std::collections::{BTreeMap, VecDeque};

use akashi_replica::consensus::{CoreConfig, Output, RaftCore, Recovered};
use akashi_replica::entry::{EntryKind, HardState, LogEntry, NodeId};

use crate::input::Input;
use crate::raft_bytes::{Message, entry};

const STEPS_MAX: usize = 200;

/// Runs one input: a starting log, then steps.
pub fn gate(data: &[u8]) {
    let mut input = Input::new(data);
    let Some(mut driver) = Driver::new(&mut input) else {
        return;
    };
    driver.carry_out(true);
    for _ in 0..STEPS_MAX {
        if input.is_empty() {
            break;
        }
        driver.step(&mut input);
    }
    driver.carry_out(true);
}

/// The core with the least of a driver: what it wrote, what it was handed.
struct Driver {
    core: RaftCore,
    log: BTreeMap<u64, LogEntry>,
    unsynced: VecDeque<u64>,
    handed_out: u64,
    reads: u64,
}

impl Driver {
    fn new(input: &mut Input<'_>) -> Option<Self> {
        let mut config = CoreConfig::new(1, vec![1, 2, 3]);
        config.seed = u64::from(input.byte());
        config.election_ticks = 6;
        config.max_entry_bytes = 256;
        config.max_uncommitted_bytes = 2048;
        config.max_inflight = 4;
        config.resident_bytes = if input.flag() { 64 } else { 1 << 20 };
        let mut log = BTreeMap::new();
        let mut term = 1;
        let count = input.below(6) as u64;
        for index in 1..=count {
            term += u64::from(input.flag());
            let held = LogEntry {
                index,
                term,
                kind: EntryKind::Normal,
                data: vec![1; 8],
            };
            log.insert(index, held);
        }
        let commit = (input.below(6) as u64).min(count);
        let applied = (input.below(6) as u64).min(commit);
        let recovered = Recovered {
            hard_state: HardState {
                term: if count == 0 {
                    0
                } else {
                    term + u64::from(input.flag())
                },
                vote: 0,
                commit,
            },
            entries: log.values().cloned().collect(),
            applied,
            ..Recovered::default()
        };
        let core = RaftCore::new(config, recovered).ok()?;
        Some(Self {
            core,
            log,
            unsynced: VecDeque::new(),
            handed_out: applied,
            reads: 0,
        })
    }

    fn step(&mut self, input: &mut Input<'_>) {
        match input.below(16) {
            0..=5 => {
                let (from, bytes) = self.frame(input);
                self.receive(from, &bytes);
            }
            6 => {
                let from = input.below(5) as NodeId;
                self.receive(from, input.piece());
            }
            7 => (0..input.below(16)).for_each(|_| self.core.tick()),
            8 | 9 => self.carry_out(input.flag()),
            10 => {
                if let Some(number) = self.unsynced.pop_front() {
                    self.core.persisted(number);
                }
            }
            11 => self.core.applied(self.handed_out),
            12 => {
                self.carry_out(true);
                self.core.campaign();
            }
            13 => {
                let size = input.below(300);
                let _refused_unless_leader = self.core.propose(vec![1; size]);
            }
            14 => {
                self.reads += 1;
                let _refused_unless_leader = self.core.read_index(self.reads);
            }
            _ => {
                let peer = input.below(5) as NodeId;
                if input.flag() {
                    let _refused_unless_leader = self.core.transfer_leader(peer);
                } else {
                    self.core.unreachable(peer);
                }
            }
        }
        assert!(self.core.commit_index() <= self.core.last_index());
    }

    fn receive(&mut self, from: NodeId, bytes: &[u8]) {
        let before = (
            self.core.role(),
            self.core.last_index(),
            self.core.commit_index(),
        );
        if self.core.peer(from, bytes).is_err() {
            let after = (
                self.core.role(),
                self.core.last_index(),
                self.core.commit_index(),
            );
            assert_eq!(before, after, "a refused frame changes nothing");
        }
    }

    /// Does what the core wants done; `sync` also reports it as synced.
    fn carry_out(&mut self, sync: bool) {
        while let Some(out) = self.core.drain() {
            self.write(&out);
            for entry in &out.committed {
                assert_eq!(entry.index, self.handed_out + 1, "in order and once");
                self.handed_out = entry.index;
            }
            for want in &out.fetch {
                let held = self.log.range(want.from..want.to).map(|(_, e)| e.clone());
                self.core.fetched(want.from, held.collect());
            }
            if sync {
                while let Some(number) = self.unsynced.pop_front() {
                    self.core.persisted(number);
                }
            }
        }
    }

    fn write(&mut self, out: &Output) {
        let Some(persist) = &out.persist else { return };
        for entry in &persist.entries {
            self.log.split_off(&entry.index);
            self.log.insert(entry.index, entry.clone());
        }
        self.unsynced.push_back(persist.number);
    }

    /// A frame that is nearly right: numbers lie near those of the replica.
    fn frame(&self, input: &mut Input<'_>) -> (NodeId, Vec<u8>) {
        let from = [2, 3, 2, 3, 1, 4][input.below(6)];
        let kind = input.byte();
        let shape = input.u16();
        let term = input.near(self.core.role().term);
        let index = input.near(self.core.last_index());
        let at_index = self.log.get(&index).map_or(0, |held| held.term);
        let log_term = if shape & 1 == 0 {
            at_index
        } else {
            input.near(term)
        };
        let mut message = Message::default();
        message.number(
            Message::TYPE,
            if kind < 0xf0 {
                u64::from(kind % 20)
            } else {
                input.u64()
            },
        );
        message.number(Message::TO, if shape & 2 == 0 { 1 } else { input.u64() });
        message.number(
            Message::FROM,
            if shape & 4 == 0 { from } else { input.u64() },
        );
        message.number(Message::TERM, term);
        message.number(Message::LOG_TERM, log_term);
        message.number(Message::INDEX, index);
        if shape & 8 != 0 {
            let mut at = index;
            for _ in 0..input.below(5) {
                at = at.wrapping_add(1);
                let (near, size) = (input.near(term), input.below(40));
                let kind = if shape & 16 == 0 { 0 } else { input.u64() };
                let place = if shape & 32 == 0 { at } else { input.near(at) };
                message.bytes(Message::ENTRIES, &entry(kind, near, place, &vec![2; size]));
            }
        }
        message.number(Message::COMMIT, input.near(self.core.commit_index()));
        if shape & 64 != 0 {
            message.number(Message::REJECT, 1);
            message.number(Message::REJECT_HINT, input.near(self.core.last_index()));
        }
        if shape & 128 != 0 {
            message.bytes(Message::CONTEXT, input.piece());
        }
        if shape & 256 != 0 {
            message.number(Message::COMMIT_TERM, input.near(term));
            message.number(Message::PRIORITY, input.u64());
        }
        if shape & 512 != 0 {
            message.bytes(Message::SNAPSHOT, input.piece());
            message.number(Message::REQUEST_SNAPSHOT, input.u64());
        }
        (from, message.finish())
    }
}
