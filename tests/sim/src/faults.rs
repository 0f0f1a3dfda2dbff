//! The harm that is done: what comes when, how a process ends, and how everything heals.

mod disks;
mod links;
mod peers;
mod times;

use akashi_replica::entry::NodeId;
use akashi_replica::log::Fault;

use crate::event::Event;
use crate::node::{Cosigning, LogInput};
use crate::plan::MS;
use crate::seen::Seen;
use crate::world::World;

/// Why a replica ended itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// No room for another segment of the log.
    DiskFull,
    /// The disk of the log failed.
    SyncFailed,
    /// The state store could not write.
    StoreFull,
    /// A record does not decode.
    StateRotted,
    /// An entry follows a rule that it does not know.
    UnknownRule,
}

impl World {
    /// One fault, and when the next one comes.
    pub(crate) fn fault(&mut self) {
        if !self.stormy() {
            return;
        }
        let next = self.rng.between(150 * MS, 1_500 * MS);
        self.at(next, Event::Fault);
        let id = self.any_node();
        match self.rng.below(48) {
            0..7 => self.crash(id, false),
            7..12 => self.crash(id, true),
            12 | 13 => {
                self.tally.saw(Seen::PowerLostEverywhere);
                for id in self.others(0) {
                    self.crash(id, true);
                }
            }
            14..17 => self.crash_leader(),
            17 => self.lose_quorum(),
            18..24 => self.partition(id),
            24..27 => self.slow_disks(id),
            27 => self.fill_disk(id),
            28 => self.fill_store(id),
            29 => self.fail_sync(id, false),
            30 => self.fail_sync(id, true),
            31..33 => self.break_log(id),
            33..38 => self.disturb_clock(id),
            38..41 => self.pause(id),
            41 => self.starve_leader(),
            42..45 => self.disturb_cosigner(id),
            45 => self.flood(),
            _ => self.hostile_frames(id),
        }
    }

    /// Everything is well again.
    pub(crate) fn heal(&mut self) {
        self.cuts.clear();
        for id in self.others(0) {
            self.well(id);
            let node = self.nodes.get_mut(&id).unwrap();
            (node.sync_us, node.apply_us) = (1_000, 200);
            (node.paused_until_us, node.off_until_us) = (0, 0);
            self.start(id);
        }
        if self.plan.faults_until_us > 0 {
            let commits = self.nodes.values().filter_map(|node| node.live.as_ref());
            let newest = commits.map(|live| live.core.commit_index()).max();
            self.healed = Some((newest.unwrap_or_default(), self.clients.answers));
        }
    }

    /// What ailed one replica's disk, clock or signatures is over.
    pub(crate) fn well(&mut self, id: NodeId) {
        let node = self.nodes.get_mut(&id).unwrap();
        node.clock.heal();
        node.cosigning = Cosigning::Prompt;
        node.disk_fails = false;
        node.slowness = 1;
        if let Some(live) = node.live.as_mut() {
            live.log.disk_mut().limit(None);
        }
        if let Some(disk) = node.disk.as_mut() {
            disk.limit(None);
        }
    }

    fn crash_leader(&mut self) {
        if let Some(leader) = self.leader() {
            let power = self.rng.one_in(2);
            self.crash(leader, power);
        }
    }

    /// Ends a process, in the middle of a sync if one is under way; with `power`, the disk loses what
    /// was not synced, sector by sector.
    pub(crate) fn crash(&mut self, id: NodeId, power: bool) {
        // A sync is a write and a sync of the disk for each frame: it may end before, between and after.
        let calls = self.rng.below(6);
        let fault = self.rng.pick(&[Fault::Before, Fault::After]);
        let node = self.nodes.get_mut(&id).unwrap();
        let Some(mut live) = node.live.take() else {
            return;
        };
        if live.core.is_changing() {
            self.tally.saw(Seen::ChangeInterrupted);
        }
        self.tally.saw(if power {
            Seen::PowerLost
        } else {
            Seen::ProcessEnded
        });
        if !live.syncing.is_empty() {
            let so_far = live.log.disk_mut().calls();
            live.log.disk_mut().fail_at(so_far + calls, fault);
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
            let unsynced = !disk.unsynced().is_empty();
            self.tally
                .saw_many(Seen::UnsyncedAtPowerLoss, u64::from(unsynced));
            let rng = &mut self.rng;
            disk.power_loss(|_, _| rng.one_in(2));
        } else {
            disk.process_end();
        }
        node.disk = Some(disk);
        node.store.lose();
        node.paused_until_us = 0;
        let down = if self.rng.one_in(3) {
            self.rng.between(MS, 10 * MS)
        } else {
            self.rng.between(50 * MS, 2_500 * MS)
        };
        self.at(down, Event::Restart { node: id });
    }

    /// A replica ends itself rather than to go on; it is started again, unless it cannot be.
    pub(crate) fn stop(&mut self, id: NodeId, why: Stopped) {
        let honest = self.plan.is_honest(id);
        let node = self.nodes.get_mut(&id).unwrap();
        let Some(live) = node.live.take() else {
            return;
        };
        let mut disk = live.log.into_disk();
        match why {
            Stopped::DiskFull => self.tally.saw(Seen::DiskFullStopped),
            Stopped::SyncFailed => self.tally.saw(Seen::SyncFailed),
            Stopped::StoreFull => self.tally.saw(Seen::StoreFullStopped),
            Stopped::StateRotted => node.gone = !honest,
            Stopped::UnknownRule => node.gone = true,
        }
        if why == Stopped::SyncFailed {
            disk.process_end_with_lost_pages();
        } else {
            disk.process_end();
        }
        node.disk = Some(disk);
        node.store.lose();
        let down = self.rng.between(50 * MS, 1_000 * MS);
        self.at(down, Event::Restart { node: id });
    }

    /// A majority goes down at once and stays down for a while.
    fn lose_quorum(&mut self) {
        // While members come and go, which ones are a quorum is not for this to know.
        if self.plan.churns() {
            return;
        }
        let down = self.rng.between(2_500 * MS, 5_000 * MS);
        let first = self.rng.below(self.plan.nodes);
        let majority = self.plan.nodes / 2 + 1;
        for nth in 0..majority {
            let id = 1 + (first + nth) % self.plan.nodes;
            self.crash(id, nth % 2 == 0);
            let node = self.nodes.get_mut(&id).unwrap();
            if node.live.is_none() && !node.gone {
                // Whatever is to start it earlier finds that its machine is off.
                node.off_until_us = self.now_us + down;
                self.at(down + MS, Event::Restart { node: id });
            }
        }
        self.tally.saw(Seen::QuorumLost);
        // What was on its way has arrived by then, and nothing new can be decided.
        self.at(1_000 * MS, Event::QuorumGone { decided: None });
    }

    /// Without a quorum nothing is decided.
    pub(crate) fn quorum_gone(&mut self, before: Option<u64>) {
        let off = |node: &&crate::node::Node| node.off_until_us > self.now_us;
        let down = u64::try_from(self.nodes.values().filter(off).count()).unwrap();
        // Mail that waits for a paused process is still on its way.
        let paused = self
            .nodes
            .values()
            .any(|node| node.paused_until_us > self.now_us);
        if down * 2 <= self.plan.nodes || paused {
            return;
        }
        let decided = self.oracle.newest_decided();
        match before {
            None => self.at(
                1_400 * MS,
                Event::QuorumGone {
                    decided: Some(decided),
                },
            ),
            Some(before) if before != decided => {
                self.oracle.broke(format!(
                    "{decided} is decided without a quorum, after {before}"
                ));
            }
            Some(_) => self.tally.saw(Seen::NothingWithoutQuorum),
        }
    }
}
