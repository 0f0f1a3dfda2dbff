//! The harm that is done: crashes, power loss, cuts, slow disks, clocks that jump.

use akashi_replica::entry::NodeId;
use akashi_replica::log::Fault;

use crate::node::LogInput;
use crate::plan::MS;
use crate::world::{Event, World};

impl World {
    /// One fault, and when the next one comes.
    pub(crate) fn fault(&mut self) {
        if !self.stormy() {
            return;
        }
        let next = self.rng.between(100 * MS, 900 * MS);
        self.at(next, Event::Fault);
        let id = self.rng.between(1, self.plan.nodes);
        match self.rng.below(12) {
            0..3 => self.crash(id, false),
            3 | 4 => self.crash(id, true),
            5 => {
                for id in 1..=self.plan.nodes {
                    self.crash(id, true);
                }
            }
            6 => self.isolate(id, true),
            7 => self.isolate(id, false),
            8 => {
                let other = self.rng.between(1, self.plan.nodes);
                self.cut(id, other);
            }
            9 => {
                let node = self.nodes.get_mut(&id).unwrap();
                node.sync_us = self.rng.pick(&[500, 5_000, 40_000, 150_000]);
                node.apply_us = self.rng.pick(&[100, 1_000, 50_000]);
            }
            10 => {
                // Up to 100 seconds: within the horizon of request ids, beyond many challenges.
                let off = i64::try_from(self.rng.below(200_000_000)).unwrap() - 100_000_000;
                self.nodes.get_mut(&id).unwrap().clock_off_us = off;
            }
            _ => self.crash_leader(),
        }
    }

    /// Everything is well again.
    pub(crate) fn heal(&mut self) {
        self.cuts.clear();
        for id in 1..=self.plan.nodes {
            let node = self.nodes.get_mut(&id).unwrap();
            (node.sync_us, node.apply_us, node.clock_off_us) = (1_000, 200, 0);
            if node.live.is_none() {
                self.start(id);
            }
        }
    }

    fn crash_leader(&mut self) {
        let leads = |id: &NodeId| {
            self.nodes[id]
                .live
                .as_ref()
                .is_some_and(|live| live.role.is_leader)
        };
        let leader = (1..=self.plan.nodes).find(leads);
        if let Some(leader) = leader {
            let power = self.rng.one_in(2);
            self.crash(leader, power);
        }
    }

    /// Ends a process, in the middle of a sync if one is under way; with `power`, the disk loses what
    /// was not synced, sector by sector.
    pub(crate) fn crash(&mut self, id: NodeId, power: bool) {
        let torn = self.rng.below(7);
        let node = self.nodes.get_mut(&id).unwrap();
        let Some(mut live) = node.live.take() else {
            return;
        };
        self.tally.crashes += 1;
        if !live.syncing.is_empty() {
            let calls = live.log.disk_mut().calls();
            let fault = if torn.is_multiple_of(2) {
                Fault::Before
            } else {
                Fault::After
            };
            live.log.disk_mut().fail_at(calls + torn, fault);
            // Whether it fails or just manages, nobody hears of it any more.
            drop(live.log.sync());
            for input in &live.syncing {
                if let LogInput::Retain(limits) = input {
                    drop(live.log.retain(limits));
                }
            }
        }
        let mut disk = live.log.into_disk();
        if power {
            let rng = &mut self.rng;
            disk.power_loss(|_, _| rng.one_in(2));
        } else {
            disk.process_end();
        }
        node.disk = Some(disk);
        let down = if self.rng.one_in(3) {
            self.rng.between(MS, 10 * MS)
        } else {
            self.rng.between(50 * MS, 2_500 * MS)
        };
        self.at(down, Event::Restart { node: id });
    }

    fn isolate(&mut self, id: NodeId, both_ways: bool) {
        for other in (1..=self.plan.nodes).filter(|other| *other != id) {
            self.cut(id, other);
            if both_ways {
                self.cut(other, id);
            }
        }
    }

    fn cut(&mut self, from: NodeId, to: NodeId) {
        self.tally.cuts += 1;
        self.cuts.insert((from, to));
        let heals = self.rng.between(100 * MS, 3_000 * MS);
        self.at(heals, Event::Heal { from, to });
    }
}
