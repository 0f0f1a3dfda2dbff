//! One replica of the simulation: the parts of a node, and what lies between them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use akashi_domain::command::Request;
use akashi_domain::entry::Sealed;
use akashi_domain::ids::{Digest, RequestId, Stamp};
use akashi_domain::kv::{Table, View as _};
use akashi_domain::state::Records as _;
use akashi_merkle::{Hash, Leaf, SignedHead};
use akashi_replica::agreement::Agreement;
use akashi_replica::consensus::{CoreConfig, Fetch, Persist, RaftCore, Recovered, Role};
use akashi_replica::entry::{LogEntry, NodeId};
use akashi_replica::log::{HeadVow, LogOptions, MemDisk, RaftLog, Retention};
use akashi_replica::machine::Machine;
use akashi_replica::seal::{FenceReason, Sealer};
use akashi_replica::store::StateStore as _;
use akashi_replica::succession;

use crate::clock::Clock;
use crate::cosign::Hand;
use crate::phone::Judge;
use crate::store::SimStore;

/// What waits for the log.
#[derive(Debug)]
pub enum LogInput {
    /// From the core.
    Persist(Persist),
    /// From the sealer.
    Vow(HeadVow),
    /// A slow follower needs these entries.
    Fetch(Fetch),
    /// Drop what these limits let go.
    Retain(Retention),
}

/// How a replica's signatures leave it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cosigning {
    /// At once.
    #[default]
    Prompt,
    /// Seconds later.
    Late,
    /// Not at all.
    Missing,
}

/// A replica, running or not.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one thing that befell the replica, free of the others"
)]
#[derive(Debug)]
pub struct Node {
    /// Counts starts: what was meant for an earlier life is dropped.
    pub life: u64,
    /// The parts, while it runs.
    pub live: Option<Live>,
    /// The log's disk, while it does not.
    pub disk: Option<MemDisk>,
    /// The state; a crash leaves what was flushed.
    pub store: Arc<SimStore>,
    /// The newest entry whose effects were flushed.
    pub flushed_index: u64,
    /// A copy of its log's disk from earlier, with the last index it held.
    pub old_disk: Option<(MemDisk, u64)>,
    /// What signs.
    pub hand: Hand,
    /// Its clock.
    pub clock: Clock,
    /// How many times slower than it should its Raft ticks come.
    pub slowness: u64,
    /// How long a sync takes, in microseconds.
    pub sync_us: u64,
    /// How long it takes to apply what is decided, in microseconds.
    pub apply_us: u64,
    /// Until when its process is paused.
    pub paused_until_us: u64,
    /// Until when its machine is off.
    pub off_until_us: u64,
    /// Mail that waits for a paused process.
    pub backlog: u64,
    /// How its signatures leave.
    pub cosigning: Cosigning,
    /// Whether its disk fails whatever is asked of it.
    pub disk_fails: bool,
    /// Whether it serves nothing while replicas disagree without a quorum.
    pub halted: bool,
    /// Why it is fenced, if it is.
    pub fenced: Option<FenceReason>,
    /// Whether it was told to leave the group.
    pub leaving: bool,
    /// Whether it never comes back: its log is broken, or it does not know the rules.
    pub gone: bool,
}

/// The parts of a running replica.
#[derive(Debug)]
pub struct Live {
    /// Raft.
    pub core: RaftCore,
    /// The log.
    pub log: RaftLog<MemDisk>,
    /// The state machine.
    pub machine: Machine<SimStore>,
    /// Its cosigning.
    pub sealer: Sealer<Hand>,
    /// Its comparing of digests.
    pub agreement: Agreement,
    /// What judges proofs.
    pub judge: Judge,
    /// What waits for the log.
    pub to_log: VecDeque<LogInput>,
    /// What is staged and being synced.
    pub syncing: Vec<LogInput>,
    /// Decided entries that wait.
    pub to_apply: VecDeque<LogEntry>,
    /// Whether an apply step is under way.
    pub applying: bool,
    /// Commands that wait for the next entry.
    pub pending: Vec<Request>,
    /// Whether they are about to be proposed.
    pub packing: bool,
    /// Index → term and requests of the entries proposed here.
    pub waiters: BTreeMap<u64, (u64, Vec<RequestId>)>,
    /// Reads asked of this leader, with the node that waits.
    pub reads: BTreeMap<u64, NodeId>,
    /// Reads that may be answered here once this index is applied.
    pub readable: Vec<(u64, u64)>,
    /// Raft's view of things.
    pub role: Role,
    /// The newest sealed head, for the next entries.
    pub sealed: Option<Sealed>,
    /// When the next timer is due.
    pub next_timer: Stamp,
    /// The newest commit index seen.
    pub commit: u64,
    /// Every replica has the log up to here, as far as this one knows.
    pub all_have: u64,
}

/// Small segments, so that runs cross many of them.
#[must_use]
pub fn log_options(id: NodeId) -> LogOptions {
    let mut options = LogOptions::new([u8::try_from(id).unwrap(); 16]);
    options.segment_bytes = 256 * 1024;
    options.frame_bytes_max = 64 * 1024;
    options.prepare_step_bytes = 32 * 1024;
    options
}

/// Why a replica did not start.
#[derive(Debug)]
pub struct NotStarted {
    /// Whether the disk refused, rather than what is on it.
    pub disk: bool,
    /// What a node would say.
    pub why: String,
}

fn refused(why: String) -> NotStarted {
    NotStarted { disk: false, why }
}

impl Node {
    /// A replica with a fresh disk that was never started.
    #[must_use]
    pub fn formatted(id: NodeId, hand: Hand) -> Self {
        let log = RaftLog::format(MemDisk::default(), log_options(id)).unwrap();
        Self {
            life: 0,
            live: None,
            disk: Some(log.into_disk()),
            store: Arc::default(),
            flushed_index: 0,
            old_disk: None,
            hand,
            clock: Clock::default(),
            slowness: 1,
            sync_us: 1_000,
            apply_us: 200,
            paused_until_us: 0,
            off_until_us: 0,
            backlog: 0,
            cosigning: Cosigning::Prompt,
            disk_fails: false,
            halted: false,
            fenced: None,
            leaving: false,
            gone: false,
        }
    }

    /// Starts as `akashi-node` does: log, state, core, sealer. Tells whether a torn end was cut off.
    ///
    /// # Errors
    ///
    /// What a node would say and stop with.
    pub fn start(
        &mut self,
        disk: MemDisk,
        config: CoreConfig,
        judge: Judge,
    ) -> Result<bool, NotStarted> {
        let id = config.id;
        let (log, recovered) =
            RaftLog::open(disk, log_options(id)).map_err(|error| NotStarted {
                disk: matches!(error, akashi_replica::log::LogError::Disk(_)),
                why: format!("{id}: the log does not open: {error}"),
            })?;
        let torn = recovered.truncated_torn_tail;
        let machine = Machine::open(Arc::clone(&self.store))
            .map_err(|error| refused(format!("{id}: the state does not open: {error}")))?;
        let applied = machine.progress();
        let members = machine.view().members();
        let members =
            members.map_err(|error| refused(format!("{id}: no members to read: {error}")))?;
        let voters = members.map_or_else(
            || config.voters.clone(),
            |members| members.voters().map(|member| member.id).collect(),
        );
        let agreement = Agreement::new(id, voters);
        let vow = recovered
            .newest_head
            .as_ref()
            .map(|vow| (vow.size, vow.root));
        if let Some((size, root)) = vow {
            let computed = machine
                .root_of(size)
                .map_err(|error| refused(format!("{id}: the tree does not read: {error}")))?;
            if computed.is_some_and(|computed| computed != root) {
                return Err(refused(format!(
                    "{id}: the state contradicts the vow of {size}"
                )));
            }
        }
        let head = machine.view().newest_head().unwrap();
        let head = head.map(|text| SignedHead::parse(&text).unwrap());
        let core = RaftCore::new(
            config,
            Recovered {
                hard_state: recovered.hard_state,
                compacted_index: recovered.base_index,
                compacted_term: recovered.base_term,
                entries: recovered.entries,
                applied: applied.log_index,
                conf: machine.view().conf().unwrap(),
            },
        )
        .map_err(|error| refused(format!("{id}: raft does not start: {error}")))?;
        let sealed = head
            .as_ref()
            .map(|head| sealed_of(head.head.size, head.head.root));
        let mut sealer = Sealer::new(id, self.hand.again(id), vow, head);
        let cluster = machine.view().cluster();
        let cluster =
            cluster.map_err(|error| refused(format!("{id}: no cluster to read: {error}")))?;
        if let Some(cluster) = cluster {
            sealer.founded(&cluster);
            succession::resume(&mut sealer, &machine)
                .map_err(|error| refused(format!("{id}: no key sets to read: {error}")))?;
        }
        let effects = sealer.applied(applied.leaves, machine.root(), 0);
        if !effects.is_empty() {
            return Err(refused(format!(
                "{id}: the sealer acts before there is anything to do"
            )));
        }
        self.life += 1;
        self.halted = false;
        let mut live = Live {
            core,
            log,
            machine,
            sealer,
            agreement,
            judge,
            to_log: VecDeque::new(),
            syncing: Vec::new(),
            to_apply: VecDeque::new(),
            applying: false,
            pending: Vec::new(),
            packing: false,
            waiters: BTreeMap::new(),
            reads: BTreeMap::new(),
            readable: Vec::new(),
            role: Role::default(),
            sealed,
            next_timer: Stamp(u64::MAX),
            commit: 0,
            all_have: 0,
        };
        live.look_for_timers();
        self.live = Some(live);
        Ok(torn)
    }

    /// Makes everything applied so far survive a crash.
    pub fn flush(&mut self) {
        if let Some(live) = &self.live {
            self.store.flush().unwrap();
            self.flushed_index = live.machine.progress().log_index;
        }
    }
}

impl Live {
    /// Looks when the next timer is due.
    pub fn look_for_timers(&mut self) {
        let first = self
            .machine
            .view()
            .scan(Table::Timer, &[], &[u8::MAX; 9], 1)
            .unwrap();
        let due = first
            .first()
            .and_then(|(key, _)| akashi_domain::keys::timer_due(key));
        self.next_timer = due.unwrap_or(Stamp(u64::MAX));
    }

    /// What the log may drop, once the state is flushed up to `durable`.
    pub fn retention(&mut self, durable: u64, segments_max: usize) -> Retention {
        if self.core.role().is_leader {
            let slowest = self.core.followers().into_iter().map(|(_, has)| has).min();
            self.all_have = self.all_have.max(slowest.unwrap_or(u64::MAX));
        }
        Retention {
            durable,
            needed_after: self.all_have.min(self.sealed_to()),
            segments_kept: 1,
            segments_max,
        }
    }

    /// The last entry all of whose leaves are under the newest sealed head.
    fn sealed_to(&self) -> u64 {
        let size = self.sealed.map_or(0, |sealed| sealed.size);
        let leaf = self.machine.view().leaf(size).unwrap();
        leaf.map_or(self.machine.progress().log_index, |leaf| {
            Leaf::decode(&leaf).map_or(0, |leaf| leaf.log_index.saturating_sub(1))
        })
    }
}

/// A head as entries name it.
#[must_use]
pub const fn sealed_of(size: u64, root: Hash) -> Sealed {
    Sealed {
        size,
        root: Digest(root),
    }
}
