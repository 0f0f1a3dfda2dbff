//! Linearizable reads: asked at any node, given an index by the leader, answered once that is applied.

use std::collections::BTreeMap;

use akashi_domain::ids::ContactId;
use akashi_domain::state::Records as _;
use akashi_replica::consensus::ReadReady;
use akashi_replica::entry::NodeId;

use crate::event::Event;
use crate::plan::MS;
use crate::seen::Seen;
use crate::world::World;

/// How long a client waits for a read before it asks another node.
const PATIENCE_US: u64 = 1_500 * MS;

#[derive(Clone, Copy, Debug)]
struct Read {
    /// The newest index that anybody had heard of when it was asked: it must see at least that.
    floor: u64,
    /// A contact that its client was told of.
    contact: Option<ContactId>,
}

/// Reads that nobody answered yet.
#[derive(Debug, Default)]
pub(crate) struct Reads {
    open: BTreeMap<u64, Read>,
    asked: u64,
    pub(crate) answered: u64,
}

impl World {
    /// A client reads, somewhere.
    pub(crate) fn ask_read(&mut self, contact: Option<ContactId>) {
        self.reads.asked += 1;
        let number = self.reads.asked;
        let read = Read {
            floor: self.oracle.heard,
            contact,
        };
        self.reads.open.insert(number, read);
        self.send_read(number);
    }

    pub(crate) fn read_again(&mut self, number: u64) {
        // It is a read that began later: it must see what was acknowledged until now.
        let floor = self.oracle.heard;
        if self.now_us >= self.plan.clients_until_us {
            self.reads.open.remove(&number);
        } else if let Some(read) = self.reads.open.remove(&number) {
            self.reads.asked += 1;
            let number = self.reads.asked;
            self.reads.open.insert(number, Read { floor, ..read });
            self.send_read(number);
        }
    }

    fn send_read(&mut self, number: u64) {
        let to = self.any_node();
        self.post(|| Event::Read { to, number });
        self.at(PATIENCE_US, Event::ReadAgain { number });
    }

    /// As the handle of a node: asks the core if it leads, else the leader.
    pub(crate) fn read_at(&mut self, id: NodeId, number: u64) {
        let node = &self.nodes[&id];
        let Some(live) = node
            .live
            .as_ref()
            .filter(|_| node.fenced.is_none() && !node.halted)
        else {
            return;
        };
        if live.role.is_leader {
            self.read_asked(id, id, number);
        } else if let Some(leader) = live.role.leader {
            self.post(|| Event::ReadAsk {
                from: id,
                to: leader,
                number,
            });
        }
    }

    pub(crate) fn read_asked(&mut self, from: NodeId, to: NodeId, number: u64) {
        if let Some(live) = self.reached(from, to)
            && live.core.read_index(number).is_ok()
        {
            live.reads.insert(number, from);
            self.pump(to);
        }
    }

    /// A quorum has confirmed that `id` led when it was asked.
    pub(crate) fn read_confirmed(&mut self, id: NodeId, life: u64, read: ReadReady) {
        let Some(waits) = self
            .live(id, life)
            .and_then(|live| live.reads.remove(&read.ctx))
        else {
            return;
        };
        let (number, index) = (read.ctx, read.index);
        if waits == id {
            self.read_ready(id, id, number, index);
        } else {
            self.post(|| Event::ReadReady {
                from: id,
                to: waits,
                number,
                index,
            });
        }
    }

    pub(crate) fn reads_lost(&mut self, id: NodeId, life: u64, lost: &[u64]) {
        for number in lost {
            self.tally.saw(Seen::ReadLost);
            if let Some(live) = self.live(id, life) {
                live.reads.remove(number);
            }
        }
    }

    pub(crate) fn read_ready(&mut self, from: NodeId, to: NodeId, number: u64, index: u64) {
        let Some(live) = self.reached(from, to) else {
            return;
        };
        live.readable.push((index, number));
        let life = self.nodes[&to].life;
        let seen = if from == to {
            Seen::ReadAtLeader
        } else {
            Seen::ReadAtFollower
        };
        self.tally.saw(seen);
        self.answer_reads(to, life);
    }

    /// Answers the reads whose index is applied, as of what is applied now.
    pub(crate) fn answer_reads(&mut self, id: NodeId, life: u64) {
        let honest = self.plan.is_honest(id);
        let Some(live) = self.live(id, life) else {
            return;
        };
        let applied = live.machine.progress().log_index;
        let now: Vec<u64> = live
            .readable
            .extract_if(.., |(index, _)| *index <= applied)
            .map(|(_, number)| number)
            .collect();
        for number in now {
            if honest {
                self.answer_read(id, number, applied);
            }
        }
    }

    fn answer_read(&mut self, id: NodeId, number: u64, as_of: u64) {
        let Some(read) = self.reads.open.remove(&number) else {
            return;
        };
        self.reads.answered += 1;
        self.note(as_of);
        if as_of < read.floor {
            let floor = read.floor;
            self.oracle.broke(format!(
                "{id} answers a read as of {as_of}, asked after {floor}"
            ));
        }
        self.oracle.reads(as_of);
        let view = self.nodes[&id]
            .live
            .as_ref()
            .map(|live| live.machine.view());
        if let (Some(view), Some(contact)) = (view, read.contact)
            && view.contact(1, contact).unwrap().is_none()
        {
            self.oracle
                .broke(format!("{id} does not know {contact:?} as of {as_of}"));
        }
    }
}
