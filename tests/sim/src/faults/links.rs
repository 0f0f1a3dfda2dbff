//! Cuts in the network.

use akashi_replica::entry::NodeId;

use crate::event::Event;
use crate::plan::MS;
use crate::seen::Seen;
use crate::world::World;

impl World {
    pub(super) fn partition(&mut self, id: NodeId) {
        let nodes = u64::try_from(self.nodes.len()).unwrap();
        let lasts = self.rng.between(100 * MS, 3_000 * MS);
        match self.rng.below(8) {
            0 | 1 => {
                self.tally.saw(Seen::IsolatedBothWays);
                self.isolate(id, lasts);
            }
            2 => {
                self.tally.saw(Seen::IsolatedOneWay);
                for other in (1..=nodes).filter(|other| *other != id) {
                    self.cut(id, other, 0, lasts);
                }
            }
            3 => self.halve(None, lasts),
            4 => self.halve(Some(id), lasts),
            5 => {
                self.tally.saw(Seen::CutOneWay);
                let other = 1 + id % nodes;
                self.cut(id, other, 0, lasts);
            }
            6 => {
                self.tally.saw(Seen::Flapped);
                let other = 1 + id % nodes;
                for nth in 0..self.rng.between(4, 12) {
                    let lasts = self.rng.between(20 * MS, 150 * MS);
                    self.cut_both(id, other, nth * 200 * MS, lasts);
                }
            }
            _ => {
                self.tally.saw(Seen::Swizzled);
                for nth in 0..nodes {
                    let one = 1 + (id + nth) % nodes;
                    let lasts = self.rng.between(300 * MS, 2_500 * MS);
                    for other in (1..=nodes).filter(|other| *other != one) {
                        self.cut(other, one, nth * 150 * MS, lasts);
                    }
                }
            }
        }
    }

    /// Nothing goes from or to a replica but what clients send.
    pub(super) fn isolate(&mut self, id: NodeId, lasts: u64) {
        for other in self.others(id) {
            self.cut_both(id, other, 0, lasts);
        }
    }

    /// Two halves; a bridge belongs to both.
    fn halve(&mut self, bridge: Option<NodeId>, lasts: u64) {
        self.tally.saw(if bridge.is_some() {
            Seen::Bridged
        } else {
            Seen::Halved
        });
        let nodes = u64::try_from(self.nodes.len()).unwrap();
        let first = self.rng.below(nodes);
        let left = |id: NodeId| (id + first) % nodes < nodes / 2;
        let pairs: Vec<(NodeId, NodeId)> = (1..=nodes)
            .flat_map(|a| (a + 1..=nodes).map(move |b| (a, b)))
            .filter(|(a, b)| left(*a) != left(*b) && bridge != Some(*a) && bridge != Some(*b))
            .collect();
        for (a, b) in pairs {
            self.cut_both(a, b, 0, lasts);
        }
    }

    fn cut_both(&mut self, a: NodeId, b: NodeId, begins: u64, lasts: u64) {
        self.cut(a, b, begins, lasts);
        self.cut(b, a, begins, lasts);
    }

    fn cut(&mut self, from: NodeId, to: NodeId, begins: u64, lasts: u64) {
        self.at(begins, Event::Cut { from, to });
        self.at(begins + lasts, Event::Heal { from, to });
    }
}
