//! Clocks that are wrong and processes that stand still.

use akashi_replica::entry::NodeId;

use crate::event::Event;
use crate::plan::MS;
use crate::seen::Seen;
use crate::world::World;

const HOUR_US: i64 = 3_600_000_000;

impl World {
    pub(super) fn disturb_clock(&mut self, id: NodeId) {
        let now = self.now_us;
        let kind = self.rng.below(16);
        let within = |rng: &mut crate::rng::Rng, most: u64| {
            i64::try_from(rng.below(2 * most)).unwrap() - i64::try_from(most).unwrap()
        };
        let off = within(&mut self.rng, 100_000_000);
        let ppm = within(&mut self.rng, 200_000);
        let clock = &mut self.nodes.get_mut(&id).unwrap().clock;
        let seen = match kind {
            0..9 => {
                clock.set(off);
                Seen::ClockSet
            }
            // Once cluster time is an hour ahead it stands still for as long: seldom.
            9 => {
                clock.set(if off < 0 { -HOUR_US } else { HOUR_US });
                Seen::ClockSetByAnHour
            }
            10..13 => {
                clock.drift(ppm, now);
                Seen::ClockDrifted
            }
            _ => {
                clock.freeze(now);
                Seen::ClockFroze
            }
        };
        self.tally.saw(seen);
        let ends = self.rng.between(500 * MS, 8_000 * MS);
        self.at(ends, Event::Well { node: id });
    }

    /// The leader's time goes slowly and it is cut off from the others, but not from clients: it goes on to
    /// believe that it leads, long after another one does.
    pub(super) fn starve_leader(&mut self) {
        let Some(id) = self.leader() else { return };
        self.tally.saw(Seen::LeaderStarved);
        self.nodes.get_mut(&id).unwrap().slowness = 12;
        let lasts = self.rng.between(1_000 * MS, 3_000 * MS);
        self.isolate(id, lasts);
        self.at(lasts, Event::Well { node: id });
    }

    pub(super) fn pause(&mut self, id: NodeId) {
        if self.leader() == Some(id) {
            self.tally.saw(Seen::PausedLeader);
        }
        let (seen, lasts) = match self.rng.below(8) {
            0..5 => (Seen::PausedShortly, self.rng.between(100 * MS, 900 * MS)),
            5 | 6 => (Seen::PausedLong, self.rng.between(1_000 * MS, 5_000 * MS)),
            _ => (Seen::PausedLong, self.rng.between(5_000 * MS, 20_000 * MS)),
        };
        self.tally.saw(seen);
        let node = self.nodes.get_mut(&id).unwrap();
        if node.live.is_some() {
            node.paused_until_us = (self.now_us + lasts).min(self.plan.faults_until_us);
        }
    }
}
