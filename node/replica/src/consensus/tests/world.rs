//! A world of three or five cores in one thread: virtual network, disks, clock and clients.
//!
//! Faults come from one seeded generator: loss, duplication, delay and reordering of messages, cuts
//! of single directions, crashes that lose what was not synced, slow disks, slow state machines.
//! After every step the invariants of Raft are checked; the first breach ends the run.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{CoreConfig, Output, Persist, RaftCore, Recovered, Role};
use super::inhabitants::{Disk, Event, Node, Plan, Tally};
use super::rng::Rng;
use crate::entry::{LogEntry, NodeId};

const TICK_MS: u64 = 20;

pub(super) struct World {
    plan: Plan,
    rng: Rng,
    now: u64,
    sequence: u64,
    queue: BTreeMap<(u64, u64), Event>,
    nodes: BTreeMap<NodeId, Node>,
    cuts: BTreeSet<(NodeId, NodeId)>,
    leaders: BTreeMap<u64, NodeId>,
    decided: BTreeMap<u64, (u64, Vec<u8>)>,
    next_command: u64,
    next_read: u64,
    breach: Option<String>,
    trace: u64,
    pub(super) tally: Tally,
}

impl World {
    pub(super) fn new(seed: u64, plan: Plan) -> Self {
        let mut world = Self {
            plan,
            rng: Rng::new(seed),
            now: 0,
            sequence: 0,
            queue: BTreeMap::new(),
            nodes: BTreeMap::new(),
            cuts: BTreeSet::new(),
            leaders: BTreeMap::new(),
            decided: BTreeMap::new(),
            next_command: 0,
            next_read: 0,
            breach: None,
            trace: seed,
            tally: Tally::default(),
        };
        for id in 1..=plan.nodes {
            let node = Node {
                core: None,
                life: 0,
                disk: Disk {
                    delay_ms: 1,
                    ..Disk::default()
                },
                handed_out: 0,
                applied: 0,
                flushed: 0,
                commit: 0,
                role: Role::default(),
                reads: BTreeMap::new(),
                proposals: BTreeMap::new(),
            };
            world.nodes.insert(id, node);
            world.start(id);
        }
        world.at(5, Event::Client);
        if plan.faults_until_ms > 0 {
            world.at(500, Event::Fault);
        }
        world
    }

    /// Runs to the end of the plan. `Err` is the first breach of an invariant.
    pub(super) fn run(&mut self) -> Result<u64, String> {
        while let Some((&(time, sequence), _)) = self.queue.first_key_value() {
            if time > self.plan.end_ms {
                break;
            }
            self.now = time;
            let event = self.queue.remove(&(time, sequence)).unwrap();
            self.tally.events += 1;
            self.handle(event);
            if let Some(breach) = self.breach.take() {
                return Err(format!("at {} ms: {breach}", self.now));
            }
        }
        self.check_end()?;
        Ok(self.trace)
    }

    fn at(&mut self, delay: u64, event: Event) {
        self.sequence += 1;
        self.queue.insert((self.now + delay, self.sequence), event);
    }

    fn note(&mut self, values: [u64; 4]) {
        for value in values {
            self.trace = (self.trace ^ value)
                .wrapping_mul(0x0000_0100_0000_01b3)
                .rotate_left(17);
        }
    }

    fn broke(&mut self, what: String) {
        self.breach.get_or_insert(what);
    }

    fn stormy(&self) -> bool {
        self.now < self.plan.faults_until_ms
    }

    fn start(&mut self, id: NodeId) {
        let voters = (1..=self.plan.nodes).collect();
        let mut config = CoreConfig::new(id, voters);
        config.seed = self.rng.next();
        config.resident_bytes = self.plan.resident_bytes;
        config.max_unapplied_bytes = 4 * 1024;
        config.max_uncommitted_bytes = 16 * 1024;
        config.max_entry_bytes = 2 * 1024;
        config.max_inflight = 8;
        let node = self.nodes.get_mut(&id).unwrap();
        let recovered = Recovered {
            hard_state: node.disk.hard_state,
            entries: node.disk.entries.clone(),
            applied: node.flushed,
            ..Recovered::default()
        };
        node.core = Some(RaftCore::new(config, recovered).expect("the disk is sound"));
        node.life += 1;
        node.handed_out = node.flushed;
        node.applied = node.flushed;
        node.commit = 0;
        node.role = Role::default();
        let life = node.life;
        let phase = self.rng.below(TICK_MS);
        self.at(phase, Event::Tick { node: id, life });
        self.pump(id);
    }

    fn crash(&mut self, id: NodeId) {
        let node = self.nodes.get_mut(&id).unwrap();
        if node.core.take().is_none() {
            return;
        }
        self.tally.crashes += 1;
        // What was not synced may be there or not, but only as a prefix of what was written.
        let mut unsynced: Vec<Persist> = std::mem::take(&mut node.disk.syncing);
        unsynced.extend(std::mem::take(&mut node.disk.waiting));
        let survive = self.rng.below(u64::try_from(unsynced.len()).unwrap() + 1);
        for persist in unsynced.iter().take(usize::try_from(survive).unwrap()) {
            node.disk.write(persist);
        }
        node.flushed = self.rng.between(node.flushed, node.applied);
        node.reads.clear();
        node.proposals.clear();
        let down = if self.rng.one_in(3) {
            self.rng.between(1, 8)
        } else {
            self.rng.between(50, 2_000)
        };
        self.at(down, Event::Restart { node: id });
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Tick { node, life } => {
                if self.with(node, life, RaftCore::tick) {
                    self.at(TICK_MS, Event::Tick { node, life });
                }
            }
            Event::Deliver { from, to, bytes } => {
                if self.cuts.contains(&(from, to)) {
                    return;
                }
                let node = self.nodes.get_mut(&to).unwrap();
                let Some(core) = node.core.as_mut() else {
                    return;
                };
                if let Err(rejected) = core.peer(from, &bytes) {
                    self.tally.rejected += 1;
                    self.broke(format!(
                        "{to} rejects an honest frame of {from}: {rejected}"
                    ));
                }
                self.pump(to);
            }
            Event::SyncDone { node, life } => self.sync_done(node, life),
            Event::Persisted { node, life, number } => {
                self.with(node, life, |core| core.persisted(number));
            }
            Event::Applied { node, life, index } => {
                if self.with(node, life, |core| core.applied(index)) {
                    let node = self.nodes.get_mut(&node).unwrap();
                    node.applied = node.applied.max(index);
                }
            }
            Event::Fetched {
                node,
                life,
                from,
                to,
            } => {
                let disk = &self.nodes[&node].disk;
                let entries: Vec<LogEntry> = disk
                    .entries
                    .iter()
                    .filter(|entry| entry.index >= from && entry.index < to)
                    .take(3)
                    .cloned()
                    .collect();
                self.tally.fetches += 1;
                self.with(node, life, |core| core.fetched(from, entries));
            }
            Event::Restart { node } => self.start(node),
            Event::Rush => self.rush(),
            Event::Heal { from, to } => {
                self.cuts.remove(&(from, to));
            }
            Event::Client => self.client(),
            Event::Fault => self.fault(),
        }
    }

    /// Runs `input` on a core of this life and carries out what follows; false if it is gone.
    fn with(&mut self, id: NodeId, life: u64, input: impl FnOnce(&mut RaftCore)) -> bool {
        let node = self.nodes.get_mut(&id).unwrap();
        let Some(core) = node.core.as_mut().filter(|_| node.life == life) else {
            return false;
        };
        input(core);
        self.pump(id);
        true
    }

    fn pump(&mut self, id: NodeId) {
        loop {
            let node = self.nodes.get_mut(&id).unwrap();
            let Some(out) = node.core.as_mut().and_then(RaftCore::drain) else {
                break;
            };
            self.carry_out(id, out);
        }
        let node = &self.nodes[&id];
        let commit = node.core.as_ref().map_or(0, RaftCore::commit_index);
        let (before, life) = (node.commit, node.life);
        if commit < before {
            self.broke(format!(
                "{id}: the commit index falls from {before} to {commit}"
            ));
        }
        self.nodes.get_mut(&id).unwrap().commit = commit;
        self.note([self.now, id, commit, life]);
    }

    fn carry_out(&mut self, id: NodeId, out: Output) {
        let life = self.nodes[&id].life;
        self.send(id, out.send);
        if let Some(mut persist) = out.persist {
            if self.plan.speaks_before_sync {
                self.send(id, std::mem::take(&mut persist.messages_after));
            }
            let disk = &mut self.nodes.get_mut(&id).unwrap().disk;
            disk.waiting.push_back(persist);
            self.begin_sync(id);
        }
        for entry in out.committed {
            self.decide(id, &entry);
            let delay = if self.stormy() { self.rng.below(40) } else { 1 };
            self.at(
                delay,
                Event::Applied {
                    node: id,
                    life,
                    index: entry.index,
                },
            );
        }
        for read in out.reads {
            self.tally.reads += 1;
            match self.nodes.get_mut(&id).unwrap().reads.remove(&read.ctx) {
                Some(floor) if read.index < floor => {
                    self.broke(format!("a stale read: {} after {floor}", read.index));
                }
                Some(_) => {}
                None => self.broke(format!("{id} answers a read nobody asked")),
            }
        }
        for ctx in out.reads_lost {
            self.tally.reads_lost += 1;
            if self
                .nodes
                .get_mut(&id)
                .unwrap()
                .reads
                .remove(&ctx)
                .is_none()
            {
                self.broke(format!("{id} loses a read nobody asked"));
            }
        }
        for fetch in out.fetch {
            let event = Event::Fetched {
                node: id,
                life,
                from: fetch.from,
                to: fetch.to,
            };
            self.at(3, event);
        }
        if let Some(role) = out.role {
            self.role(id, role);
        }
    }

    fn role(&mut self, id: NodeId, role: Role) {
        let before = std::mem::replace(&mut self.nodes.get_mut(&id).unwrap().role, role);
        self.note([
            id,
            role.term,
            role.leader.unwrap_or(0),
            u64::from(role.leader_ready),
        ]);
        if role.term < before.term {
            self.broke(format!("{id}: the term falls"));
        }
        if !role.is_leader {
            return;
        }
        let leader = *self.leaders.entry(role.term).or_insert(id);
        if leader != id {
            self.broke(format!("{leader} and {id} both lead term {}", role.term));
        }
        if !before.is_leader || before.term != role.term {
            self.tally.leaders += 1;
            let core = self.nodes[&id].core.as_ref().unwrap();
            let lacking = self
                .decided
                .iter()
                .find(|(index, (term, _))| core.term_at(**index) != Some(*term))
                .map(|(index, _)| *index);
            if let Some(index) = lacking {
                self.broke(format!(
                    "{id} leads term {} without entry {index}",
                    role.term
                ));
            }
        }
    }

    fn decide(&mut self, id: NodeId, entry: &LogEntry) {
        let node = self.nodes.get_mut(&id).unwrap();
        let expected = node.handed_out + 1;
        node.handed_out = entry.index;
        let on_disk = usize::try_from(entry.index - 1)
            .ok()
            .and_then(|at| node.disk.entries.get(at));
        let durable = on_disk.is_some_and(|stored| stored.term == entry.term);
        if node.proposals.remove(&(entry.term, entry.index)).is_some() {
            self.tally.acknowledged += 1;
        }
        if entry.index != expected {
            self.broke(format!(
                "{id} hands out {} instead of {expected}",
                entry.index
            ));
        }
        if !durable {
            self.broke(format!(
                "{id} hands out {} before it is on disk",
                entry.index
            ));
        }
        let value = (entry.term, entry.data.clone());
        let decided = self
            .decided
            .entry(entry.index)
            .or_insert_with(|| value.clone());
        if *decided != value {
            self.broke(format!("two entries are decided at {}", entry.index));
        }
        self.tally.decided = self.tally.decided.max(entry.index);
    }

    fn send(&mut self, from: NodeId, messages: Vec<(NodeId, Vec<u8>)>) {
        for (to, bytes) in messages {
            self.note([from, to, u64::try_from(bytes.len()).unwrap(), self.now]);
            let mut copies = 1;
            let mut delay = self.rng.between(1, 4);
            if self.stormy() {
                match self.rng.below(20) {
                    0 => copies = 0,
                    1 => copies = 2,
                    2 => delay = self.rng.between(20, 400),
                    _ => {}
                }
            }
            for copy in 0..copies {
                let bytes = bytes.clone();
                self.at(delay * (1 + 7 * copy), Event::Deliver { from, to, bytes });
            }
        }
    }

    fn begin_sync(&mut self, id: NodeId) {
        let node = self.nodes.get_mut(&id).unwrap();
        if !node.disk.syncing.is_empty() || node.disk.waiting.is_empty() {
            return;
        }
        node.disk.syncing = node.disk.waiting.drain(..).collect();
        let (delay, life) = (node.disk.delay_ms, node.life);
        self.at(delay, Event::SyncDone { node: id, life });
    }

    /// One sync for everything that had gathered; the messages leave at once, and the report to the
    /// core comes a little later, as it does between threads.
    fn sync_done(&mut self, id: NodeId, life: u64) {
        let node = self.nodes.get_mut(&id).unwrap();
        if node.life != life || node.core.is_none() {
            return;
        }
        let done = std::mem::take(&mut node.disk.syncing);
        let number = done.last().map_or(0, |persist| persist.number);
        let mut messages = Vec::new();
        let term = node.disk.hard_state.term;
        for persist in done {
            node.disk.write(&persist);
            messages.extend(persist.messages_after);
        }
        let voted = node.disk.hard_state.term != term;
        self.send(id, messages);
        // A vote that has left must be found again after a crash.
        if voted && self.stormy() && self.rng.one_in(8) {
            self.crash(id);
            return;
        }
        let lag = if self.stormy() { self.rng.below(12) } else { 0 };
        self.at(
            lag,
            Event::Persisted {
                node: id,
                life,
                number,
            },
        );
        self.begin_sync(id);
    }

    fn client(&mut self) {
        if self.now + 2_000 < self.plan.end_ms {
            let pause = self.rng.between(4, 20);
            self.at(pause, Event::Client);
        }
        let ids: Vec<NodeId> = self.nodes.keys().copied().collect();
        let floor = self.tally.decided;
        for id in ids {
            let size = usize::try_from(self.rng.between(8, 300)).unwrap();
            let reads = self.rng.one_in(3);
            let node = self.nodes.get_mut(&id).unwrap();
            let Some(core) = node.core.as_mut().filter(|core| core.role().is_leader) else {
                continue;
            };
            self.next_command += 1;
            let mut data = self.next_command.to_be_bytes().to_vec();
            data.resize(size, 7);
            if let Ok(proposed) = core.propose(data) {
                node.proposals
                    .insert((proposed.term, proposed.index), self.next_command);
            }
            if reads {
                self.next_read += 1;
                if core.read_index(self.next_read).is_ok() {
                    node.reads.insert(self.next_read, floor);
                }
            }
            self.pump(id);
        }
    }

    fn rush(&mut self) {
        let ids: Vec<NodeId> = self.nodes.keys().copied().collect();
        for id in ids {
            let life = self.nodes[&id].life;
            self.with(id, life, RaftCore::campaign);
        }
    }

    fn fault(&mut self) {
        if !self.stormy() {
            self.cuts.clear();
            for node in self.nodes.values_mut() {
                node.disk.delay_ms = 1;
            }
            return;
        }
        let pause = self.rng.between(50, 500);
        self.at(pause, Event::Fault);
        let ids: Vec<NodeId> = self.nodes.keys().copied().collect();
        let (a, b) = (self.rng.pick(&ids), self.rng.pick(&ids));
        let life = self.nodes[&a].life;
        let long = self.rng.between(100, 2_500);
        match self.rng.below(12) {
            0..=2 => self.crash(a),
            10 | 11 => {
                // Without its leader, and once its heartbeats are forgotten, the group elects.
                let leader = ids.iter().find(|id| self.nodes[id].role.is_leader);
                self.crash(leader.copied().unwrap_or(a));
                let forgotten = self.rng.between(180, 260);
                self.at(forgotten, Event::Rush);
            }
            3 | 4 => {
                self.cuts.insert((a, b));
                self.at(long, Event::Heal { from: a, to: b });
            }
            5 => {
                for other in ids {
                    for (from, to) in [(a, other), (other, a)] {
                        self.cuts.insert((from, to));
                        self.at(long, Event::Heal { from, to });
                    }
                }
            }
            6 => {
                let delay = self.rng.pick(&[0, 1, 5, 50, 200]);
                self.nodes.get_mut(&a).unwrap().disk.delay_ms = delay;
            }
            7 => {
                self.with(a, life, |core| {
                    let _refused_unless_leader = core.transfer_leader(b);
                });
            }
            8 => {
                self.with(a, life, |core| core.unreachable(b));
            }
            _ => {
                self.with(a, life, RaftCore::campaign);
            }
        }
    }

    /// After a calm that lasts: one leader, one log, everything handed out, no read hangs.
    fn check_end(&self) -> Result<(), String> {
        let (_, first) = self.nodes.first_key_value().ok_or("no nodes")?;
        let last = first.disk.entries.len();
        if self
            .nodes
            .values()
            .filter(|node| node.role.leader_ready)
            .count()
            != 1
        {
            return Err("not exactly one leader after the calm".to_owned());
        }
        for (id, node) in &self.nodes {
            if node.disk.entries != first.disk.entries {
                return Err(format!("{id}: the logs differ after the calm"));
            }
            if usize::try_from(node.handed_out) != Ok(last) {
                return Err(format!("{id}: handed out {} of {last}", node.handed_out));
            }
            if let Some(ctx) = node.reads.keys().next() {
                return Err(format!("{id}: read {ctx} hangs"));
            }
        }
        for (index, (term, data)) in &self.decided {
            let at = usize::try_from(*index - 1).map_err(|_overflow| "index")?;
            let kept = first.disk.entries.get(at);
            if kept.is_none_or(|entry| entry.term != *term || entry.data != *data) {
                return Err(format!("entry {index} was decided and is gone"));
            }
        }
        Ok(())
    }
}
