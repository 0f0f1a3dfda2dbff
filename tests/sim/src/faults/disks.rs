//! Disks that are slow, full, failing, old or rotten.

use akashi_replica::consensus::CoreConfig;
use akashi_replica::entry::NodeId;
use akashi_replica::log::{
    BLOCK_BYTES, Disk as _, Fault, LogError, MemDisk, RaftLog, Recovered, SegmentName,
};

use crate::event::Event;
use crate::node::{Node, log_options};
use crate::phone::Judge;
use crate::plan::{Extra, MS};
use crate::rng::Rng;
use crate::seen::Seen;
use crate::world::World;

/// How many places for damage are looked at until one matters.
const PLACES: usize = 6;

/// What the damage did to a log.
enum Damage {
    /// The log opens as before.
    None,
    /// The log refuses to open.
    Refused,
    /// The end is cut off: the log is a beginning of what it was.
    Shorter(Recovered),
    /// The log opens and says something that was never written.
    Lie,
}

impl World {
    pub(super) fn slow_disks(&mut self, id: NodeId) {
        let sync_us = self.rng.pick(&[500, 5_000, 40_000, 150_000]);
        let apply_us = self.rng.pick(&[100, 1_000, 50_000]);
        let all = self.rng.one_in(6);
        if all {
            self.tally.saw(Seen::SlowEverywhere);
        } else if self.leader() == Some(id) {
            self.tally.saw(Seen::SlowLeader);
        }
        self.tally.saw(Seen::SlowDisk);
        for (each, node) in &mut self.nodes {
            if all || *each == id {
                (node.sync_us, node.apply_us) = (sync_us, apply_us);
            }
        }
    }

    /// No file of the log can grow any more, for a while.
    pub(super) fn fill_disk(&mut self, id: NodeId) {
        if let Some(live) = self.nodes.get_mut(&id).unwrap().live.as_mut() {
            let files = live.log.disk_mut().list().unwrap();
            let held = files.iter().map(|(_, bytes)| *bytes).sum();
            live.log.disk_mut().limit(Some(held));
            let ends = self.rng.between(1_000 * MS, 9_000 * MS);
            self.at(ends, Event::Well { node: id });
        }
    }

    /// The state store finds no room for its next batch.
    pub(super) fn fill_store(&mut self, id: NodeId) {
        let node = &self.nodes[&id];
        if node.live.is_some() {
            node.store.fill();
        }
    }

    /// The next change of the log's disk fails; for a while every one, if it is dead.
    pub(super) fn fail_sync(&mut self, id: NodeId, dead: bool) {
        let fault = self.rng.pick(&[Fault::Before, Fault::After]);
        let node = self.nodes.get_mut(&id).unwrap();
        if let Some(live) = node.live.as_mut() {
            let calls = live.log.disk_mut().calls();
            live.log.disk_mut().fail_at(calls, fault);
            node.disk_fails = dead;
            if dead {
                let ends = self.rng.between(500 * MS, 4_000 * MS);
                self.at(ends, Event::Well { node: id });
            }
        }
    }

    /// A dead disk is found at the start, and nothing is taken from it.
    pub(crate) fn fails_to_start(&mut self, id: NodeId) {
        let (config, judge) = self.settings(id);
        let node = &self.nodes[&id];
        let Some(mut disk) = node.disk.clone() else {
            return;
        };
        let calls = disk.calls();
        disk.fail_at(calls, Fault::Before);
        self.must_refuse(id, disk, config, judge, "a dead disk");
        self.tally.saw(Seen::DiskDead);
        let again = self.rng.between(200 * MS, 800 * MS);
        self.at(again, Event::Restart { node: id });
    }

    /// A start with somebody else's idea of a disk: an old copy, or an empty one. It has to be refused,
    /// because the state knows more than the log.
    pub(crate) fn refuses_other_disks(&mut self, id: NodeId, config: &CoreConfig, judge: Judge) {
        if !self.plan.is_honest(id) || !self.rng.one_in(3) {
            return;
        }
        let node = &self.nodes[&id];
        let flushed = node.flushed_index;
        if let Some((old, last)) = node.old_disk.clone().filter(|(_, last)| *last < flushed) {
            self.must_refuse(
                id,
                old,
                config.clone(),
                judge,
                &format!("a log up to {last}"),
            );
            self.tally.saw(Seen::OldDiskRefused);
        }
        if flushed > 0 {
            let empty = RaftLog::format(MemDisk::default(), log_options(id)).unwrap();
            let empty = empty.into_disk();
            self.must_refuse(id, empty, config.clone(), judge, "an empty log");
            self.tally.saw(Seen::EmptiedDiskRefused);
        }
    }

    fn must_refuse(
        &mut self,
        id: NodeId,
        disk: MemDisk,
        config: CoreConfig,
        judge: Judge,
        what: &str,
    ) {
        let node = &self.nodes[&id];
        let mut other = Node::formatted(id, node.hand.again(id));
        other.store = std::sync::Arc::clone(&node.store);
        if other.start(disk, config, judge).is_ok() {
            self.oracle.broke(format!("{id} starts with {what}"));
        }
    }

    /// A crash, and damage to what the log's disk holds. What was promised and is broken has to be
    /// noticed; the replica then stays down, unless too many would.
    pub(super) fn break_log(&mut self, id: NodeId) {
        if self.plan.extra != Extra::BrokenLogs || self.nodes[&id].live.is_none() {
            return;
        }
        self.crash(id, false);
        let Some(disk) = self.nodes[&id].disk.clone() else {
            return;
        };
        let Ok((_, before)) = RaftLog::open(disk.clone(), log_options(id)) else {
            self.oracle.broke(format!("{id}: its log does not open"));
            return;
        };
        if self.rng.one_in(3) {
            return self.break_tail(id, &disk, &before);
        }
        for _ in 0..PLACES {
            let misdirected = self.rng.one_in(3);
            let Some(damaged) = damage(&disk, &mut self.rng, misdirected) else {
                continue;
            };
            match compare(&damaged, id, &before) {
                Damage::None => self.tally.saw(Seen::RotHarmless),
                Damage::Lie => {
                    self.oracle
                        .broke(format!("{id}: rot in its log is not noticed"));
                    return;
                }
                Damage::Refused => {
                    self.tally.saw(if misdirected {
                        Seen::MisdirectedRefused
                    } else {
                        Seen::RotRefused
                    });
                    self.stay_down(id, damaged);
                    return;
                }
                // Its last frame: see below.
                Damage::Shorter(_) => {}
            }
        }
    }

    /// Rot in the very last frame: it is cut off as if it were torn. A loss that Raft does not know, so it
    /// happens only where the frame says nothing that others do not know too.
    fn break_tail(&mut self, id: NodeId, disk: &MemDisk, before: &Recovered) {
        let mut probe = disk.clone();
        let files = probe.list().unwrap();
        let newest = files.iter().map(|(name, _)| *name);
        let Some(name) = newest
            .filter(|name| matches!(name, SegmentName::Live(_)))
            .max()
        else {
            return;
        };
        let used = disk.bytes(name).map_or(0, used_bytes);
        for block in (0..used / BLOCK_BYTES).rev() {
            let mut damaged = disk.clone();
            let offset = block * BLOCK_BYTES + self.rng.below(64);
            damaged.flip(name, offset, 3);
            match compare(&damaged, id, before) {
                Damage::None => {}
                Damage::Shorter(after) if self.is_no_loss(id, before, &after) => {
                    self.tally.saw(Seen::RotCutTail);
                    self.nodes.get_mut(&id).unwrap().disk = Some(damaged);
                    return;
                }
                Damage::Lie => {
                    self.oracle
                        .broke(format!("{id}: rot in its log is not noticed"));
                    return;
                }
                Damage::Shorter(_) | Damage::Refused => return,
            }
        }
    }

    /// Down for good, if a majority is left; otherwise the damage was in the cable.
    fn stay_down(&mut self, id: NodeId, damaged: MemDisk) {
        let gone = self.nodes.values().filter(|node| node.gone).count();
        let most = usize::try_from((self.plan.nodes - 1) / 2).unwrap();
        if gone < most && self.rng.one_in(2) {
            self.tally.saw(Seen::DownForGood);
            let node = self.nodes.get_mut(&id).unwrap();
            node.disk = Some(damaged);
            node.gone = true;
        }
    }

    /// Whether a cut-off end takes neither an entry nor a vote: a rotten last frame cannot be told from a torn
    /// one, and what it said is lost without Raft knowing it.
    fn is_no_loss(&self, id: NodeId, before: &Recovered, after: &Recovered) -> bool {
        let vote = |found: &Recovered| (found.hard_state.term, found.hard_state.vote);
        vote(before) == vote(after)
            && before.entries == after.entries
            && before.last_index == after.last_index
            && after.last_index >= self.nodes[&id].flushed_index
    }
}

/// The same disk with one bit turned, or one block written in the place of another.
fn damage(disk: &MemDisk, rng: &mut Rng, misdirected: bool) -> Option<MemDisk> {
    let mut damaged = disk.clone();
    let live: Vec<(SegmentName, u64)> = damaged
        .list()
        .ok()?
        .into_iter()
        .filter(|(name, _)| matches!(name, SegmentName::Live(_)))
        .collect();
    let (name, bytes) = rng.pick(&live);
    let used = used_bytes(disk.bytes(name)?);
    if used == 0 {
        return None;
    }
    if !misdirected {
        let offset = rng.below(used);
        let bit = u32::try_from(rng.below(8)).unwrap();
        return damaged.flip(name, offset, bit).then_some(damaged);
    }
    let blocks = used / BLOCK_BYTES;
    let (from, to) = (rng.below(blocks), rng.below(blocks));
    if from == to || bytes < BLOCK_BYTES {
        return None;
    }
    let start = usize::try_from(from * BLOCK_BYTES).unwrap();
    let block = disk.bytes(name)?[start..start + usize::try_from(BLOCK_BYTES).unwrap()].to_vec();
    damaged.write_at(name, to * BLOCK_BYTES, &block).ok()?;
    damaged.sync(name).ok()?;
    Some(damaged)
}

/// Bytes up to the end of the last block that is not zero.
fn used_bytes(bytes: &[u8]) -> u64 {
    let last = bytes.iter().rposition(|byte| *byte != 0);
    let used = last.map_or(0, |last| u64::try_from(last).unwrap() + 1);
    used.next_multiple_of(BLOCK_BYTES)
}

fn compare(damaged: &MemDisk, id: NodeId, before: &Recovered) -> Damage {
    let after = match RaftLog::open(damaged.clone(), log_options(id)) {
        Ok((_, after)) => after,
        Err(
            LogError::BitRot { .. }
            | LogError::Malformed { .. }
            | LogError::SegmentMissing { .. }
            | LogError::Missing,
        ) => return Damage::Refused,
        Err(_) => return Damage::Lie,
    };
    let told = |found: &Recovered| {
        (
            found.hard_state,
            found.base_index,
            found.last_index,
            found.newest_head.clone(),
        )
    };
    if told(&after) == told(before) && after.entries == before.entries {
        return Damage::None;
    }
    // A rotten last frame looks like an end: the log is what it was before that frame.
    let differs = after
        .entries
        .iter()
        .zip(&before.entries)
        .find(|(one, other)| one != other);
    match differs {
        None if after.last_index <= before.last_index => Damage::Shorter(after),
        // That frame had cut the log back.
        Some((one, other)) if one.term < other.term => Damage::Shorter(after),
        Some(_) | None => Damage::Lie,
    }
}
