//! Time and network: takes the next event, hands it to whom it concerns, checks.

use std::collections::{BTreeMap, BTreeSet};

use akashi_domain::command::Request;
use akashi_domain::entry::{Entry, RULE_VERSION};
use akashi_domain::ids::Stamp;
use akashi_replica::consensus::{CoreConfig, FrameRejected, ProposeError};
use akashi_replica::entry::NodeId;

use crate::clients::Clients;
use crate::cosign::Hand;
use crate::event::Event;
use crate::node::{Live, Node};
use crate::oracle::Oracle;
use crate::phone::Judge;
use crate::plan::{MS, Plan, Rot};
use crate::reads::Reads;
use crate::rng::Rng;
use crate::seen::{Seen, Tally};

/// Length of a tick of the Raft core.
const TICK_US: u64 = 20 * MS;
/// Messages that the buffers of a paused process take.
const BACKLOG_MAX: u64 = 2_000;
/// Longest time until an idle replica flushes its state.
const FLUSH_US_MAX: u64 = 4_000 * MS;

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
    pub(crate) reads: Reads,
    pub(crate) oracle: Oracle,
    pub(crate) trace: u64,
    pub(crate) events: u64,
    pub(crate) tally: Tally,
    /// The newest honest frame, for impostors.
    pub(crate) overheard: Option<(NodeId, NodeId, Vec<u8>)>,
    /// The newest commit index when everything healed, and the answers given until all had it.
    pub(crate) healed: Option<(u64, u64)>,
    /// Digests that honest replicas made since then.
    pub(crate) digests: u64,
}

impl World {
    /// The world of a seed.
    #[must_use]
    pub fn new(seed: u64, plan: Plan) -> Self {
        let mut rng = Rng::new(seed);
        let clients = Clients::new(&mut rng, &plan);
        let node = |id| (id, Node::formatted(id, Hand::of(id, plan.real)));
        let mut world = Self {
            plan,
            rng,
            now_us: 0,
            sequence: 0,
            queue: BTreeMap::new(),
            nodes: (1..=plan.nodes).map(node).collect(),
            cuts: BTreeSet::new(),
            clients,
            reads: Reads::default(),
            oracle: Oracle::default(),
            trace: seed,
            events: 0,
            tally: Tally::default(),
            overheard: None,
            healed: None,
            digests: 0,
        };
        for id in 1..=plan.nodes {
            world.start(id);
        }
        for number in 0..plan.clients + u64::from(plan.churns()) {
            world.at(10 * MS + number, Event::Client { number });
        }
        if plan.faults_until_us > 0 {
            world.at(700 * MS, Event::Fault);
        }
        world.at(plan.faults_until_us, Event::AllHeal);
        world.at(plan.faults_until_us + plan.converge_us, Event::Converge);
        if let Some((node, how)) = plan.rots {
            let when = match how {
                Rot::Added => 3_000 * MS,
                Rot::Flipped => world.rng.between(5_000 * MS, 30_000 * MS),
            };
            world.at(when, Event::Rot { node });
        }
        if let Some(when) = plan.newer_rule_us {
            world.at(when, Event::NewerRule);
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
            self.events += 1;
            self.handle(event);
            if let Some(breach) = self.oracle.take_breach() {
                return Err(format!("at {} ms: {breach}", self.now_us / MS));
            }
        }
        self.tally.saw_many(Seen::Verdict, self.oracle.verdicts());
        self.check_end()?;
        Ok(self.trace)
    }

    /// What the run did.
    #[must_use]
    pub const fn tally(&self) -> &Tally {
        &self.tally
    }

    /// How many terms had a leader.
    #[must_use]
    pub fn terms_led(&self) -> u64 {
        self.oracle.terms_led()
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
        let node = &self.nodes[&id];
        if node.live.is_some() || node.gone || node.off_until_us > self.now_us {
            return;
        }
        if node.disk_fails {
            self.fails_to_start(id);
            return;
        }
        let (config, judge) = self.settings(id);
        self.refuses_other_disks(id, &config, judge);
        let honest = self.plan.is_honest(id);
        let node = self.nodes.get_mut(&id).unwrap();
        let Some(disk) = node.disk.take() else {
            return;
        };
        match node.start(disk, config, judge) {
            Ok(torn) => self.tally.saw_many(Seen::TornTailCut, u64::from(torn)),
            Err(_) if !honest => {
                node.gone = true;
                return;
            }
            Err(error) => {
                self.oracle.broke(error.why);
                return;
            }
        }
        let life = node.life;
        self.oracle.starts(id, &self.nodes[&id]);
        let phase = self.rng.below(TICK_US);
        self.at(phase, Event::Tick { node: id, life });
        let flush = self.rng.between(300 * MS, FLUSH_US_MAX);
        self.at(flush, Event::Flush { node: id, life });
        self.pump(id);
    }

    pub(crate) fn settings(&mut self, id: NodeId) -> (CoreConfig, Judge) {
        let mut config = CoreConfig::new(id, (1..=self.plan.nodes).collect());
        config.seed = self.rng.next();
        config.resident_bytes = self.plan.resident_bytes;
        config.max_unapplied_bytes = 256 * 1024;
        config.max_uncommitted_bytes = 256 * 1024;
        config.max_entry_bytes = 48 * 1024;
        config.max_inflight = 16;
        config.joins = id > self.plan.nodes;
        let fresh = self.nodes[&id].life == 0;
        let judge = Judge {
            real: self.plan.real,
            lies: self.plan.liar == Some(id) && fresh,
        };
        (config, judge)
    }

    fn handle(&mut self, event: Event) {
        let Some(event) = self.unless_paused(event) else {
            return;
        };
        match event {
            Event::Tick { node, life } => self.tick(node, life),
            Event::Raft { from, to, bytes } => self.raft_frame(from, to, bytes),
            Event::Seal { from, to, message } => {
                let now = self.clock_ms(to);
                if let Some(live) = self.reached(from, to) {
                    let effects = live.sealer.message(from, &message, now);
                    self.perform(to, effects);
                }
            }
            Event::Command { to, from, request } => self.command(to, from, *request),
            Event::Answer {
                from,
                request,
                answer,
            } => self.answered(from, request, &answer),
            Event::Propose { node, life } => self.propose(node, life),
            Event::SyncDone { node, life } => self.sync_done(node, life),
            Event::Apply { node, life } => self.apply(node, life),
            Event::Flush { node, life } => self.flush(node, life),
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
            Event::Cut { from, to } => {
                if self.stormy() {
                    self.cuts.insert((from, to));
                }
            }
            Event::Heal { from, to } => drop(self.cuts.remove(&(from, to))),
            Event::Well { node } => self.well(node),
            Event::Retire { node } => self.retire(node),
            Event::Client { number } => self.client(number),
            Event::Resend { request } => self.resend(request),
            Event::Read { to, number } => self.read_at(to, number),
            Event::ReadAsk { from, to, number } => self.read_asked(from, to, number),
            Event::ReadReady {
                from,
                to,
                number,
                index,
            } => self.read_ready(from, to, number, index),
            Event::ReadAgain { number } => self.read_again(number),
            Event::QuorumGone { decided } => self.quorum_gone(decided),
            Event::NewerRule => self.newer_rule(),
            Event::Fault => self.fault(),
            Event::AllHeal => self.heal(),
            Event::Converge => self.converged(),
        }
    }

    /// What happens in a paused process happens when it goes on, in the same order; its buffers take
    /// only so much mail.
    fn unless_paused(&mut self, event: Event) -> Option<Event> {
        let Some(id) = event.runs_on() else {
            return Some(event);
        };
        let node = self.nodes.get_mut(&id)?;
        if node.paused_until_us <= self.now_us {
            node.backlog = 0;
            return Some(event);
        }
        if event.is_mail() {
            node.backlog += 1;
            if node.backlog > BACKLOG_MAX {
                return None;
            }
        }
        let rest = node.paused_until_us - self.now_us;
        self.at(rest, event);
        None
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
    pub(crate) fn reached(&mut self, from: NodeId, to: NodeId) -> Option<&mut Live> {
        if self.cuts.contains(&(from, to)) {
            return None;
        }
        self.nodes.get_mut(&to)?.live.as_mut()
    }

    /// The replicas that run and lead, as far as they know.
    pub(crate) fn leader(&self) -> Option<NodeId> {
        let leads = |node: &Node| node.live.as_ref().is_some_and(|live| live.role.is_leader);
        self.nodes
            .iter()
            .find(|(_, node)| leads(node))
            .map(|(id, _)| *id)
    }

    /// Every replica but this one.
    pub(crate) fn others(&self, id: NodeId) -> Vec<NodeId> {
        let all = self.nodes.keys().copied();
        all.filter(|other| *other != id).collect()
    }

    /// One of the replicas.
    pub(crate) fn any_node(&mut self) -> NodeId {
        let all = self.others(0);
        self.rng.pick(&all)
    }

    /// The clock of a replica, in microseconds since the Unix epoch.
    pub(crate) fn clock_us(&self, id: NodeId) -> u64 {
        self.nodes[&id].clock.shows(self.now_us)
    }

    pub(crate) fn clock_ms(&self, id: NodeId) -> u64 {
        self.clock_us(id) / MS
    }

    /// One way through the network: how often and how late it arrives.
    pub(crate) fn post(&mut self, event: impl Fn() -> Event) {
        let stormy = self.stormy();
        if stormy && self.rng.one_in(30) {
            self.tally.saw(Seen::MailLost);
            return;
        }
        let copies = if stormy && self.rng.one_in(40) {
            self.tally.saw(Seen::MailTwice);
            2
        } else {
            1
        };
        for _ in 0..copies {
            let late = stormy && self.rng.one_in(12);
            let delay = if late {
                self.tally.saw(Seen::MailLate);
                self.rng.below(60 * MS)
            } else {
                200 + self.rng.below(600)
            };
            self.at(delay, event());
        }
    }

    fn raft_frame(&mut self, from: NodeId, to: NodeId, bytes: Vec<u8>) {
        let Some(live) = self.reached(from, to) else {
            return;
        };
        if let Err(refused) = live.core.peer(from, &bytes) {
            // Who does not know yet that a member came, or left, refuses it.
            let stranger = self.plan.churns() && refused == FrameRejected::WrongSender;
            if !stranger {
                self.oracle
                    .broke(format!("{to} refuses a frame of {from}: {refused}"));
            }
        }
        self.pump(to);
        self.overheard = Some((from, to, bytes));
    }

    fn tick(&mut self, id: NodeId, life: u64) {
        let (now_us, now_ms) = (self.clock_us(id), self.clock_ms(id));
        let (fenced, slowness) = (self.nodes[&id].fenced.is_some(), self.nodes[&id].slowness);
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
                self.tally.saw(Seen::HandedOver);
            }
        } else if due && !live.packing {
            live.packing = true;
            self.at(0, Event::Propose { node: id, life });
        }
        self.at(TICK_US * slowness, Event::Tick { node: id, life });
        self.change_group(id, life);
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
        let closed = node.fenced.is_some() || node.halted;
        let life = node.life;
        let Some(live) = node.live.as_mut().filter(|_| !closed) else {
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
        if self.stormy() && self.rng.one_in(400) {
            self.poison(id, life);
        }
        let (stamp, random) = (Stamp(self.clock_us(id)), self.rng.bytes());
        let Some(live) = self.live(id, life) else {
            return;
        };
        live.packing = false;
        let requests = std::mem::take(&mut live.pending);
        let ids: Vec<_> = requests.iter().map(|request| request.id).collect();
        let entry = Entry {
            rule_version: RULE_VERSION,
            stamp,
            random,
            sealed: live.sealed,
            requests,
        };
        match live.core.propose(entry.encode()) {
            Ok(at) => {
                live.waiters.insert(at.index, (at.term, ids.clone()));
                for request in ids {
                    let again = self.oracle.proposes(id, request);
                    self.tally
                        .saw_many(Seen::RepeatedAcrossLeaders, u64::from(again));
                }
            }
            Err(ProposeError::Overloaded) => self.tally.saw(Seen::Overloaded),
            Err(ProposeError::NotLeader { .. } | ProposeError::TooLarge | ProposeError::Empty) => {}
        }
        self.pump(id);
    }

    fn flush(&mut self, id: NodeId, life: u64) {
        let next = self.rng.between(300 * MS, FLUSH_US_MAX);
        let keeps_a_copy = self.rng.one_in(16);
        let Some(node) = self.nodes.get_mut(&id).filter(|node| node.life == life) else {
            return;
        };
        node.flush();
        if keeps_a_copy && let Some(live) = node.live.as_mut() {
            let last = live.log.last().0;
            let mut copy = live.log.disk_mut().clone();
            copy.process_end();
            node.old_disk = Some((copy, last));
        }
        self.retain(id, life);
        self.at(next, Event::Flush { node: id, life });
    }
}
