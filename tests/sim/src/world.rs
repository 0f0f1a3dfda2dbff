//! Time, network and disks: takes the next event, carries out what the parts want, checks.

use std::collections::{BTreeMap, BTreeSet};

use akashi_domain::answer::Answer;
use akashi_domain::command::Request;
use akashi_domain::entry::{Entry, RULE_VERSION};
use akashi_domain::ids::{RequestId, Stamp};
use akashi_replica::agreement::StateDigest;
use akashi_replica::consensus::CoreConfig;
use akashi_replica::entry::NodeId;
use akashi_replica::seal::SealMessage;

use crate::clients::Clients;
use crate::node::{Live, Node};
use crate::oracle::Oracle;
use crate::phone::Judge;
use crate::plan::{MS, Plan};
use crate::rng::Rng;

/// Length of a tick of the Raft core.
const TICK_US: u64 = 20 * MS;
/// When simulations begin, in microseconds since the Unix epoch.
pub const EPOCH_US: u64 = 1_800_000_000_000_000;

/// Something that happens at a certain time.
#[derive(Debug)]
pub(crate) enum Event {
    Tick {
        node: NodeId,
        life: u64,
    },
    Raft {
        from: NodeId,
        to: NodeId,
        bytes: Vec<u8>,
    },
    Seal {
        from: NodeId,
        to: NodeId,
        message: SealMessage,
    },
    /// A command reaches a node, from a client or forwarded by another node.
    Command {
        to: NodeId,
        from: Option<NodeId>,
        request: Box<Request>,
    },
    Answer {
        request: RequestId,
        answer: Box<Answer>,
    },
    Propose {
        node: NodeId,
        life: u64,
    },
    SyncDone {
        node: NodeId,
        life: u64,
    },
    Apply {
        node: NodeId,
        life: u64,
    },
    Flush {
        node: NodeId,
        life: u64,
    },
    Restart {
        node: NodeId,
    },
    /// A replica's state was digested as of an entry.
    Digested {
        node: NodeId,
        life: u64,
        own: StateDigest,
    },
    /// A replica says its digest.
    Digest {
        from: NodeId,
        to: NodeId,
        said: StateDigest,
    },
    /// A record comes into a replica's state that no entry wrote.
    Rot {
        node: NodeId,
    },
    /// A replica says up to where all have the log.
    AllHave {
        from: NodeId,
        to: NodeId,
        index: u64,
    },
    Heal {
        from: NodeId,
        to: NodeId,
    },
    Client {
        number: u64,
    },
    Resend {
        request: RequestId,
    },
    Fault,
    AllHeal,
}

/// What a run did.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Events handled.
    pub events: u64,
    /// Processes ended.
    pub crashes: u64,
    /// Directions cut.
    pub cuts: u64,
    /// Answers that clients got.
    pub answers: u64,
    /// Heads sealed.
    pub seals: u64,
    /// Terms that had a leader.
    pub terms: u64,
    /// Times a fenced leader asked another replica to lead.
    pub handovers: u64,
    /// Contacts with a verdict.
    pub verdicts: u64,
    /// Digests of the whole state.
    pub digests: u64,
    /// Segments dropped from logs.
    pub dropped: u64,
    /// Entries that a leader read back from disk and found dropped.
    pub fetched_too_late: u64,
}

/// A cluster with its clients.
#[derive(Debug)]
pub struct World {
    pub(crate) plan: Plan,
    pub(crate) rng: Rng,
    pub(crate) now_us: u64,
    sequence: u64,
    queue: BTreeMap<(u64, u64), Event>,
    pub(crate) nodes: BTreeMap<NodeId, Node>,
    pub(crate) cuts: BTreeSet<(NodeId, NodeId)>,
    pub(crate) clients: Clients,
    pub(crate) oracle: Oracle,
    trace: u64,
    pub(crate) tally: Tally,
}

impl World {
    /// The world of a seed.
    #[must_use]
    pub fn new(seed: u64, plan: Plan) -> Self {
        let mut rng = Rng::new(seed);
        let clients = Clients::new(&mut rng, &plan);
        let mut world = Self {
            plan,
            rng,
            now_us: 0,
            sequence: 0,
            queue: BTreeMap::new(),
            nodes: (1..=plan.nodes)
                .map(|id| (id, Node::formatted(id)))
                .collect(),
            cuts: BTreeSet::new(),
            clients,
            oracle: Oracle::default(),
            trace: seed,
            tally: Tally::default(),
        };
        for id in 1..=plan.nodes {
            world.start(id);
        }
        for number in 0..plan.clients {
            world.at(10 * MS + number, Event::Client { number });
        }
        if plan.faults_until_us > 0 {
            world.at(700 * MS, Event::Fault);
        }
        world.at(plan.faults_until_us, Event::AllHeal);
        if let Some(node) = plan.rots {
            world.at(3_000 * MS, Event::Rot { node });
        }
        world
    }

    /// Runs to the end of the plan; the trace, or the first breach.
    ///
    /// # Errors
    ///
    /// What was broken, and when.
    pub fn run(&mut self) -> Result<u64, String> {
        while let Some(((time, _), event)) = self.queue.pop_first() {
            if time > self.plan.end_us {
                break;
            }
            self.now_us = time;
            self.tally.events += 1;
            self.handle(event);
            if let Some(breach) = self.oracle.take_breach() {
                return Err(format!("at {} ms: {breach}", self.now_us / MS));
            }
        }
        self.tally.terms = self.oracle.terms_led();
        self.tally.verdicts = self.oracle.verdicts();
        self.check_end()?;
        Ok(self.trace)
    }

    /// What the run did.
    #[must_use]
    pub const fn tally(&self) -> Tally {
        self.tally
    }

    pub(crate) fn at(&mut self, delay_us: u64, event: Event) {
        self.sequence += 1;
        self.queue
            .insert((self.now_us + delay_us, self.sequence), event);
    }

    pub(crate) const fn stormy(&self) -> bool {
        self.now_us < self.plan.faults_until_us
    }

    pub(crate) fn note(&mut self, value: u64) {
        self.trace = (self.trace ^ value)
            .wrapping_mul(0x0000_0100_0000_01b3)
            .rotate_left(17);
    }

    pub(crate) fn start(&mut self, id: NodeId) {
        let mut config = CoreConfig::new(id, (1..=self.plan.nodes).collect());
        config.seed = self.rng.next();
        config.resident_bytes = self.plan.resident_bytes;
        config.max_unapplied_bytes = 256 * 1024;
        config.max_uncommitted_bytes = 256 * 1024;
        config.max_entry_bytes = 64 * 1024;
        config.max_inflight = 16;
        let fresh = self.nodes[&id].life == 0;
        let lies = self.plan.liar == Some(id) && fresh;
        let judge = Judge {
            real: self.plan.real_proofs,
            lies,
        };
        let node = self.nodes.get_mut(&id).unwrap();
        if node.live.is_some() {
            return;
        }
        if let Err(error) = node.start(config, judge) {
            self.oracle.broke(error);
            return;
        }
        let life = node.life;
        let phase = self.rng.below(TICK_US);
        self.at(phase, Event::Tick { node: id, life });
        let flush = self.rng.between(300 * MS, 4_000 * MS);
        self.at(flush, Event::Flush { node: id, life });
        self.pump(id);
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Tick { node, life } => self.tick(node, life),
            Event::Raft { from, to, bytes } => {
                if let Some(live) = self.reached(from, to) {
                    let refused = live.core.peer(from, &bytes).err();
                    if let Some(refused) = refused {
                        self.oracle
                            .broke(format!("{to} refuses a frame of {from}: {refused}"));
                    }
                    self.pump(to);
                }
            }
            Event::Seal { from, to, message } => {
                let now = self.clock_ms(to);
                if let Some(live) = self.reached(from, to) {
                    let effects = live.sealer.message(from, &message, now);
                    self.perform(to, effects);
                }
            }
            Event::Command { to, from, request } => self.command(to, from, *request),
            Event::Answer { request, answer } => {
                self.tally.answers += 1;
                self.answered(request, &answer);
            }
            Event::Propose { node, life } => self.propose(node, life),
            Event::SyncDone { node, life } => self.sync_done(node, life),
            Event::Apply { node, life } => self.apply(node, life),
            Event::Flush { node, life } => {
                let next = self.rng.between(300 * MS, 4_000 * MS);
                if let Some(found) = self.nodes.get_mut(&node).filter(|n| n.life == life) {
                    found.flush();
                    self.retain(node, life);
                    self.at(next, Event::Flush { node, life });
                }
            }
            Event::Restart { node } => self.start(node),
            Event::Digested { node, life, own } => self.digested(node, life, own),
            Event::Digest { from, to, said } => {
                if let Some(live) = self.reached(from, to) {
                    let found = live.agreement.heard(from, said);
                    self.differs(to, found);
                }
            }
            Event::Rot { node } => self.rot(node),
            Event::AllHave { from, to, index } => {
                if let Some(live) = self.reached(from, to) {
                    live.all_have = live.all_have.max(index);
                }
            }
            Event::Heal { from, to } => drop(self.cuts.remove(&(from, to))),
            Event::Client { number } => self.client(number),
            Event::Resend { request } => self.resend(request),
            Event::Fault => self.fault(),
            Event::AllHeal => self.heal(),
        }
    }

    pub(crate) fn live(&mut self, id: NodeId, life: u64) -> Option<&mut Live> {
        let node = self.nodes.get_mut(&id)?;
        if node.life == life {
            node.live.as_mut()
        } else {
            None
        }
    }

    /// The receiver of a message, unless the way there is cut or it is down.
    fn reached(&mut self, from: NodeId, to: NodeId) -> Option<&mut Live> {
        if self.cuts.contains(&(from, to)) {
            return None;
        }
        self.nodes.get_mut(&to)?.live.as_mut()
    }

    /// The clock of a replica, in microseconds since the Unix epoch.
    fn clock_us(&self, id: NodeId) -> u64 {
        (EPOCH_US + self.now_us).saturating_add_signed(self.nodes[&id].clock_off_us)
    }

    pub(crate) fn clock_ms(&self, id: NodeId) -> u64 {
        self.clock_us(id) / MS
    }

    /// One way through the network: how often and how late it arrives.
    pub(crate) fn post(&mut self, event: impl Fn() -> Event) {
        let stormy = self.stormy();
        if stormy && self.rng.one_in(30) {
            return;
        }
        let copies = if stormy && self.rng.one_in(40) { 2 } else { 1 };
        for _ in 0..copies {
            let late = stormy && self.rng.one_in(12);
            let delay = if late {
                self.rng.below(60 * MS)
            } else {
                200 + self.rng.below(600)
            };
            self.at(delay, event());
        }
    }

    fn tick(&mut self, id: NodeId, life: u64) {
        let (now_us, now_ms) = (self.clock_us(id), self.clock_ms(id));
        let fenced = self.nodes[&id].fenced.is_some();
        let Some(live) = self.live(id, life) else {
            return;
        };
        live.core.tick();
        let effects = live.sealer.tick(now_ms);
        let again = live.agreement.tick(now_ms);
        let due = live.role.leader_ready && live.next_timer.0 <= now_us;
        if fenced && live.role.is_leader {
            let best = live.core.followers().into_iter().max_by_key(|(_, at)| *at);
            if let Some((to, _)) = best
                && live.core.transfer_leader(to).is_ok()
            {
                self.tally.handovers += 1;
            }
        } else if due && !live.packing {
            live.packing = true;
            self.at(0, Event::Propose { node: id, life });
        }
        self.at(TICK_US, Event::Tick { node: id, life });
        if let Some(own) = again {
            self.say_digest(id, own);
        }
        self.perform(id, effects);
        self.pump(id);
    }

    /// As the handle of a node: to the log if it leads, else on to the leader, once.
    fn command(&mut self, to: NodeId, from: Option<NodeId>, request: Request) {
        if from.is_some_and(|from| self.cuts.contains(&(from, to))) {
            return;
        }
        let node = self.nodes.get_mut(&to).unwrap();
        let (life, fenced) = (node.life, node.fenced.is_some());
        let Some(live) = node.live.as_mut().filter(|_| !fenced) else {
            return;
        };
        if live.role.is_leader {
            live.pending.push(request);
            if !std::mem::replace(&mut live.packing, true) {
                let delay = self.rng.below(2 * MS);
                self.at(delay, Event::Propose { node: to, life });
            }
        } else if let (None, Some(leader)) = (from, live.role.leader) {
            self.post(|| Event::Command {
                to: leader,
                from: Some(to),
                request: Box::new(request.clone()),
            });
        }
    }

    fn propose(&mut self, id: NodeId, life: u64) {
        let (stamp, random) = (Stamp(self.clock_us(id)), self.rng.bytes());
        let Some(live) = self.live(id, life) else {
            return;
        };
        live.packing = false;
        let requests = std::mem::take(&mut live.pending);
        let ids = requests.iter().map(|request| request.id).collect();
        let entry = Entry {
            rule_version: RULE_VERSION,
            stamp,
            random,
            sealed: live.sealed,
            requests,
        };
        if let Ok(at) = live.core.propose(entry.encode()) {
            live.waiters.insert(at.index, (at.term, ids));
        }
        self.pump(id);
    }
}
