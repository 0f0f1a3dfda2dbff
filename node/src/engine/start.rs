//! Starting the replica's threads in the right order, and stopping them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;

use akashi_domain::entry::Sealed;
use akashi_domain::ids::Digest;
use akashi_domain::records::{Members, Standing};
use akashi_domain::state::Records as _;
use akashi_merkle::{CosignerSecret, SignedHead};
use akashi_replica::agreement::Agreement;
use akashi_replica::consensus::{CoreConfig, RaftCore, Recovered, Role, StartError};
use akashi_replica::entry::NodeId;
use akashi_replica::log::RaftLog;
use akashi_replica::machine::{Machine, MachineError};
use akashi_replica::marks::{MARK_EVERY_MS, MARK_GAP_MS, Marker};
use akashi_replica::seal::{FenceReason, Sealer};
use akashi_replica::store::{StateStore as _, StoreError};
use akashi_replica::succession;
use sha2::{Digest as _, Sha256};
use tokio::sync::{Semaphore, broadcast, mpsc, watch};

use super::applied::AppliedByAll;
use super::applied_at::AppliedAt;
use super::apply_thread::{self, ApplyInput, ApplyOutputs, Position};
use super::decoded::Decoded;
use super::digester::Digester;
use super::driver::Driver;
use super::flush_thread::FlushThread;
use super::inputs::Inputs;
use super::log_thread::{self, LogInput, LogOutputs};
use super::membership::{self, Listeners, Sources};
use super::raft_thread::{RaftInput, RaftOutputs, RaftThread};
use super::roster::Roster;
use super::seal_thread::{self, Checks, SealInput, SealOutputs};
use super::snapshots::{self, Snapshots, Wires};
use super::space;
use super::threads::spawn;
use super::verify::VerifyPool;
use super::vitals::Vitals;
use super::waiters::Waiters;
use super::{EVENTS_BEHIND_MAX, Handle, Holder, QUEUE_BYTES_MAX, Shared, StoreView, meeting};
use crate::config::{Commit, Config};
use crate::entropy;
use crate::members::MemberTable;
use crate::net::{self, TlsError};
use crate::peers::{Calls, Greeting, Links, Node, Outbox};
use crate::snapshot::{Giver, Kept};
use crate::storage::{
    DataDirectory, FileDisk, Identity, Marks, RocksStore, Space, StorageError, check_log_reaches,
    fence,
};
use crate::telemetry::Metrics;

/// Why a replica does not start.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The data directory.
    #[error("the data directory cannot be used")]
    Storage(#[from] StorageError),
    /// The state store.
    #[error("the state store cannot be opened")]
    Store(#[from] StoreError),
    /// The state machine.
    #[error("the state cannot be taken up")]
    Machine(#[from] MachineError),
    /// Raft.
    #[error("raft cannot start")]
    Raft(#[from] StartError),
    /// The cosigning key.
    #[error("the cosigning key cannot be used")]
    CosignKey,
    /// The certificates towards peers.
    #[error("the certificates cannot be used")]
    Tls(#[from] TlsError),
    /// The system refuses threads or randomness.
    #[error("the system refused")]
    System(#[source] std::io::Error),
}

/// A replica that is about to start.
#[derive(Debug)]
pub struct Engine;

/// Keeps the threads; [`EngineGuard::stop`] ends them in order.
#[derive(Debug)]
pub struct EngineGuard {
    raft: Sender<RaftInput>,
    log: Sender<LogInput>,
    apply: Sender<ApplyInput>,
    seal: Sender<SealInput>,
    threads: Vec<JoinHandle<()>>,
    store: Arc<RocksStore>,
    shutdown: watch::Sender<bool>,
    _directory: DataDirectory,
}

/// Whether the state store of a replica that stops is still open: somebody may be reading.
#[derive(Debug)]
pub struct OpenStore(Weak<RocksStore>);

impl OpenStore {
    /// Whether it is; only once it is not, the data directory can be opened again.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.0.strong_count() > 0
    }
}

impl EngineGuard {
    /// The state store, to see when it is closed.
    #[must_use]
    pub fn store(&self) -> OpenStore {
        OpenStore(Arc::downgrade(&self.store))
    }

    /// Stops raft, then log, seal and apply, and flushes the state store, so that the next start
    /// replays nothing.
    pub fn stop(mut self) {
        self.shutdown.send_replace(true);
        // A thread that is gone already needs no message.
        drop(self.raft.send(RaftInput::Stop));
        drop(self.seal.send(SealInput::Stop));
        drop(self.log.send(LogInput::Stop));
        drop(self.apply.send(ApplyInput::Stop));
        for thread in self.threads.drain(..) {
            drop(thread.join());
        }
        if let Err(error) = self.store.flush() {
            tracing::error!(error = %error, "the last flush failed; the log will be replayed");
        }
    }
}

/// A started replica.
#[derive(Debug)]
pub struct Started {
    /// What the rest of the node uses.
    pub handle: Handle,
    /// What the peer port hands in.
    pub inputs: Arc<Inputs>,
    /// What this node gives others of snapshots and old audit log.
    pub snapshots: Arc<Giver>,
    /// Whether the node is to stop and start again: a snapshot was received, and the start takes it up.
    pub restart: watch::Receiver<bool>,
    /// The cluster's number, which every peer must name.
    pub cluster_id: [u8; 16],
    /// Keeps the threads.
    pub guard: EngineGuard,
}

impl Engine {
    /// Opens disk and state, replays nothing yet, starts the threads; needs a tokio runtime.
    ///
    /// With `format`, a data directory that never held a node is formatted first. Never use it for a
    /// replica that has run before and lost its disk: it may have voted.
    ///
    /// # Errors
    ///
    /// [`EngineError`]; nothing is left running.
    pub fn start(config: &Config, format: bool, metrics: &Metrics) -> Result<Started, EngineError> {
        let cluster_id = cluster_id(config);
        let directory = open_directory(config, cluster_id, format)?;
        let space = open_space(config, &directory)?;
        let (log, recovered) = directory.open_log()?;
        let store = Arc::new(directory.open_state(0)?);
        let machine = Machine::open(Arc::clone(&store))?;
        let applied = machine.progress().log_index;
        check_log_reaches(recovered.last_index, applied)?;
        let view = machine.view().clone();
        let secret = read_cosign_key(&config.cosign.key, &config.node.name)?;
        // A second copy, because the sealer lives on its own thread and this one is for callers.
        let holder = Holder(read_cosign_key(&config.cosign.key, &config.node.name)?);
        let head = view.newest_head().map_err(MachineError::Fault)?;
        let sealed = head.and_then(|text| SignedHead::parse(&text).ok());
        let vow = recovered
            .newest_head
            .as_ref()
            .map(|vow| (vow.size, vow.root));
        let fenced = fence_of(&directory, &machine, vow)?;
        let record = view.members().map_err(MachineError::Fault)?.map(Arc::new);
        let conf = view.conf().map_err(MachineError::Fault)?;
        let mut core_config = CoreConfig::new(
            config.node.id,
            config
                .cluster
                .replicas
                .iter()
                .map(|replica| replica.id)
                .collect(),
        );
        core_config.joins = config.cluster.join.is_some();
        core_config.priority = i64::from(config.node.priority);
        core_config.two_sites = config.cluster.commit == Commit::TwoSites;
        core_config.seed = entropy::number()
            .map_err(|_refused| EngineError::System(std::io::ErrorKind::Other.into()))?;
        let core = RaftCore::new(
            core_config,
            Recovered {
                hard_state: recovered.hard_state,
                compacted_index: recovered.base_index,
                compacted_term: recovered.base_term,
                entries: recovered.entries,
                applied,
                conf,
            },
        )?;
        let parts = Parts {
            log,
            machine,
            core,
            secret,
            holder,
            vow,
            fenced,
            sealed,
            view,
            record,
            tls: net::client_config(&config.tls)?,
        };
        parts.start(Wiring {
            config: Arc::new(config.clone()),
            cluster_id,
            directory,
            store,
            space,
            metrics,
        })
    }
}

/// What was opened.
struct Parts {
    log: RaftLog<FileDisk>,
    machine: Machine<RocksStore>,
    core: RaftCore,
    secret: CosignerSecret,
    holder: Holder,
    vow: Option<(u64, [u8; 32])>,
    fenced: Option<FenceReason>,
    sealed: Option<SignedHead>,
    view: StoreView,
    record: Option<Arc<Members>>,
    tls: rustls::ClientConfig,
}

/// What they are started with.
struct Wiring<'a> {
    config: Arc<Config>,
    cluster_id: [u8; 16],
    directory: DataDirectory,
    store: Arc<RocksStore>,
    space: Space,
    metrics: &'a Metrics,
}

impl Parts {
    #[expect(
        clippy::too_many_lines,
        reason = "one list of channels and threads, read top to bottom"
    )]
    fn start(self, with: Wiring<'_>) -> Result<Started, EngineError> {
        let (raft_in, raft_inputs) = channel();
        let (log_in, log_inputs) = channel();
        let (apply_in, apply_inputs) = channel();
        let (seal_in, seal_inputs) = channel();
        let first = Position {
            progress: self.machine.progress(),
            root: self.machine.root(),
            state_hash: self.machine.state_hash(),
        };
        let (position_out, position) = watch::channel(first);
        let (role_out, role) = watch::channel(Role::default());
        let (sealed_out, sealed) = watch::channel(self.sealed.clone().map(Arc::new));
        let (fenced_out, fenced) = watch::channel(self.fenced.map(|reason| reason.to_string()));
        let (events, _) = broadcast::channel(EVENTS_BEHIND_MAX);
        let missing = self.machine.history();
        let (history_out, history) = watch::channel(missing);
        let (marks_out, marks) = mpsc::unbounded_channel();
        let kept = Kept::default();
        let mark = self.view.state_mark().map_err(MachineError::Fault)?;
        let (shutdown, down) = watch::channel(false);
        let committed = Arc::new(AtomicU64::new(0));
        // Known before the first stream is opened, which begins with it.
        let durable = Arc::new(AtomicU64::new(self.log.last().0));
        let all_have = Arc::new(AtomicU64::new(0));
        let timer_due = Arc::new(AtomicBool::new(false));
        let waiters = Arc::new(Waiters::default());
        let metrics = with.metrics;
        let me = with.config.node.id;
        let life = with.directory.identity().incarnation;
        let (outbox, calls) = (Outbox::default(), Calls::default());
        let connected = Arc::new(Mutex::new(BTreeSet::new()));
        let (record_out, record) = watch::channel(self.record);
        let (conf_out, conf) = watch::channel(self.core.conf().clone());
        let (table_out, table) = watch::channel(Arc::new(MemberTable::default()));
        let roster = Arc::new(Roster::new(
            table.clone(),
            role.clone(),
            Arc::clone(&connected),
            metrics.clone(),
        ));
        let mut sources = Sources {
            config: Arc::clone(&with.config),
            record: record.clone(),
            conf: conf.clone(),
            told: roster.told(),
        };
        let members = sources.table(&MemberTable::default());
        let voters = self.core.conf().voters.clone();
        let vitals = Arc::new(Vitals::new(me, voters, metrics.clone()));
        let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let pool =
            VerifyPool::start(&self.view, workers, metrics.clone()).map_err(EngineError::System)?;
        let checker = pool.checker();
        let mut sealer = Sealer::new(me, self.secret, self.vow, self.sealed.clone());
        if let Ok(Some(cluster)) = self.view.cluster() {
            sealer.founded(&cluster);
            succession::resume(&mut sealer, &self.machine)?;
        }
        if let Some(reason) = self.fenced {
            drop(sealer.fence(reason));
            vitals.fence();
            drop(raft_in.send(RaftInput::Halted(true)));
        }
        let leaves = first.progress.leaves;
        drop(seal_in.send(SealInput::Applied {
            index: 0,
            size: leaves,
            root: first.root,
        }));

        let mut threads = Vec::new();
        let (no_room_out, no_room) = watch::channel(false);
        let out = LogOutputs {
            raft: raft_in.clone(),
            seal: seal_in.clone(),
            peers: outbox.clone(),
            durable: Arc::clone(&durable),
            vitals: Arc::clone(&vitals),
            no_room: no_room_out,
            metrics: metrics.clone(),
        };
        let log = self.log;
        threads.push(spawn("log", move || {
            log_thread::run(log, &log_inputs, &out);
        })?);
        let decoded = Decoded::default();
        let applied_at: Arc<AppliedAt> = Arc::default();
        let out = ApplyOutputs {
            raft: raft_in.clone(),
            seal: seal_in.clone(),
            waiters: Arc::clone(&waiters),
            decoded: decoded.clone(),
            applied: Arc::clone(&applied_at),
            position: position_out,
            events: events.clone(),
            timer_due: Arc::clone(&timer_due),
            digester: Digester::new(seal_in.clone(), kept.clone()),
            history: history_out,
            vow: self.vow,
            record: record_out,
            metrics: metrics.clone(),
        };
        let machine = self.machine;
        threads.push(spawn("apply", move || {
            apply_thread::run(machine, checker, &apply_inputs, &out);
        })?);
        let out = SealOutputs {
            raft: raft_in.clone(),
            log: log_in.clone(),
            apply: apply_in.clone(),
            peers: outbox.clone(),
            sealed: sealed_out,
            fenced: fenced_out,
            vitals: Arc::clone(&vitals),
            directory: with.directory.path().to_owned(),
            marks: marks_out,
            metrics: metrics.clone(),
        };
        let voters = members.with(Standing::Voter).collect();
        let checks = Checks {
            agreement: Agreement::new(me, voters),
            marker: Marker::new(mark.marked, mark.recorded, MARK_EVERY_MS, MARK_GAP_MS),
            silent: missing.is_some(),
        };
        threads.push(spawn("seal", move || {
            seal_thread::run(sealer, checks, &seal_inputs, &out);
        })?);
        let out = RaftOutputs {
            log: log_in.clone(),
            apply: apply_in.clone(),
            seal: seal_in.clone(),
            peers: outbox.clone(),
            pool,
            decoded,
            applied: applied_at,
            waiters,
            role: role_out,
            committed: Arc::clone(&committed),
            all_have: Arc::clone(&all_have),
            timer_due,
            vitals: Arc::clone(&vitals),
            metrics: metrics.clone(),
        };
        let known = self.sealed.map(|sealed| Sealed {
            size: sealed.head.size,
            root: Digest(sealed.head.root),
        });
        let priority = with.config.node.priority;
        let driver = Driver::new(
            (me, priority),
            record,
            conf_out,
            Arc::clone(&roster),
            metrics.clone(),
        );
        let raft = RaftThread::new(self.core, out, driver, known);
        threads.push(spawn("raft", move || raft.run(&raft_inputs))?);
        let flush = FlushThread {
            view: self.view.clone(),
            log: log_in.clone(),
            position: position.clone(),
            sealed: sealed.clone(),
            peers: outbox.clone(),
            all_have: Arc::clone(&all_have),
            limits: with.config.storage,
            vitals: Arc::clone(&vitals),
            metrics: metrics.clone(),
        };
        tokio::spawn(Arc::clone(&vitals).watch(
            outbox.clone(),
            Arc::clone(&committed),
            position.clone(),
            down.clone(),
        ));
        let applied = AppliedByAll::of(members.staying());
        tokio::spawn(
            applied
                .clone()
                .tell(me, position.clone(), outbox.clone(), down.clone()),
        );
        let (runtime, stop) = (tokio::runtime::Handle::current(), down.clone());
        let (watched, shown, space) = (Arc::clone(&vitals), metrics.clone(), with.space);
        threads.push(spawn("space", move || {
            space::run(space, &watched, &no_room, &shown, &runtime, stop);
        })?);
        let (runtime, stop) = (tokio::runtime::Handle::current(), down.clone());
        threads.push(spawn("flush", move || flush.run(&runtime, stop))?);

        let unreachable = {
            let raft = Mutex::new(raft_in.clone());
            Arc::new(move |peer| {
                let raft = raft.lock().unwrap_or_else(PoisonError::into_inner);
                drop(raft.send(RaftInput::Unreachable(peer)));
            })
        };
        let unreachable: Arc<dyn Fn(NodeId) + Send + Sync> = unreachable;
        let node = Node {
            me,
            cluster_id: with.cluster_id,
            connected: Arc::clone(&connected),
            greeting: greeting(&with.config, life, &durable, &role),
            unreachable,
        };
        let mut links = Links::new(
            (outbox.clone(), calls.clone()),
            self.tls,
            &with.config.cluster.name,
            node,
            down.clone(),
        );
        links.set(&members);
        table_out.send_replace(Arc::new(members));
        tokio::spawn(links.follow(table));
        let listeners = Listeners {
            table: table_out,
            applied: applied.clone(),
            seal: seal_in.clone(),
        };
        tokio::spawn(membership::follow(sources, listeners, down.clone()));
        let handle = Handle {
            shared: Arc::new(Shared {
                me,
                raft: raft_in.clone(),
                budget: Arc::new(Semaphore::new(QUEUE_BYTES_MAX)),
                calls,
                view: self.view,
                role,
                position,
                events,
                sealed,
                fenced,
                history,
                committed,
                durable,
                connected,
                holder: self.holder,
                applied: applied.clone(),
                roster: Arc::clone(&roster),
                conf,
                metrics: metrics.clone(),
            }),
        };
        let own = (me, life);
        tokio::spawn(meeting::run(
            handle.clone(),
            Arc::clone(&roster),
            own,
            down.clone(),
        ));
        let Snapshots {
            giver,
            wanted,
            restart,
            thread,
        } = snapshots::start(Wires {
            config: with.config,
            cluster_id: with.cluster_id,
            place: with.directory.place(),
            handle: handle.clone(),
            roster: Arc::clone(&roster),
            kept,
            apply: apply_in.clone(),
            seal: seal_in.clone(),
            marks,
            down,
        })?;
        threads.push(thread);
        let inputs = Arc::new(Inputs {
            raft: raft_in.clone(),
            seal: seal_in.clone(),
            all_have,
            applied,
            vitals,
            peers: outbox,
            roster,
            snapshot_wanted: wanted,
            handle: handle.clone(),
        });
        let guard = EngineGuard {
            raft: raft_in,
            log: log_in,
            apply: apply_in,
            seal: seal_in,
            threads,
            store: with.store,
            shutdown,
            _directory: with.directory,
        };
        Ok(Started {
            handle,
            inputs,
            snapshots: giver,
            restart,
            cluster_id: with.cluster_id,
            guard,
        })
    }
}

/// What this replica says of itself, as of each time it is asked.
fn greeting(
    config: &Config,
    life: [u8; 16],
    durable: &Arc<AtomicU64>,
    role: &watch::Receiver<Role>,
) -> Arc<dyn Fn() -> Greeting + Send + Sync> {
    let (durable, role) = (Arc::clone(durable), role.clone());
    let peer_address = config
        .this_replica()
        .map_or_else(String::new, |own| own.peer_address);
    let priority = config.node.priority;
    Arc::new(move || Greeting {
        life,
        last_index: durable.load(Ordering::Acquire),
        term: role.borrow().term,
        peer_address: peer_address.clone(),
        priority,
    })
}

/// The cluster's number: the first half of SHA-256 over its name and its replicas' cosigning keys, so
/// that no two clusters are taken for one another even if they share a name.
fn cluster_id(config: &Config) -> [u8; 16] {
    let mut hash = Sha256::new();
    hash.update(b"akashi/v1/cluster-id");
    hash.update([0]);
    hash.update(config.cluster.name.as_bytes());
    let replicas: BTreeMap<NodeId, &str> = config
        .cluster
        .replicas
        .iter()
        .map(|r| (r.id, r.cosigner.as_str()))
        .collect();
    for (id, key) in replicas {
        hash.update([0]);
        hash.update(id.to_be_bytes());
        hash.update(key.as_bytes());
    }
    let digest: [u8; 32] = hash.finalize().into();
    let mut half = [0; 16];
    for (to, from) in half.iter_mut().zip(digest) {
        *to = from;
    }
    half
}

fn open_directory(
    config: &Config,
    cluster_id: [u8; 16],
    format: bool,
) -> Result<DataDirectory, EngineError> {
    let path = &config.node.data_dir;
    let segment_bytes = u64::from(config.storage.log_segment_mib) << 20;
    if format && !DataDirectory::is_formatted(path)? {
        let incarnation = entropy::bytes()
            .map_err(|_refused| EngineError::System(std::io::ErrorKind::Other.into()))?;
        let identity = Identity {
            cluster_id,
            node_id: config.node.id,
            incarnation,
        };
        tracing::info!("a new data directory is formatted");
        return Ok(DataDirectory::format(path, identity, segment_bytes)?);
    }
    Ok(DataDirectory::open(
        path,
        cluster_id,
        config.node.id,
        segment_bytes,
    )?)
}

fn read_cosign_key(path: &Path, name: &str) -> Result<CosignerSecret, EngineError> {
    use base64::Engine as _;
    let text = std::fs::read_to_string(path).map_err(|_unreadable| EngineError::CosignKey)?;
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(text.trim())
        .map_err(|_not_base64| EngineError::CosignKey)?;
    let seed: [u8; 32] = bytes
        .try_into()
        .map_err(|_wrong_width| EngineError::CosignKey)?;
    CosignerSecret::from_seed(name, &seed).map_err(|_bad_name| EngineError::CosignKey)
}

/// Why this node is fenced, if it is: it was before, or the head that it vowed is not the one its state
/// gives, if the state reaches that far.
fn fence_of(
    directory: &DataDirectory,
    machine: &Machine<RocksStore>,
    vow: Option<(u64, [u8; 32])>,
) -> Result<Option<FenceReason>, EngineError> {
    let mut fenced = fence::read(directory.path())?;
    if fenced.is_none()
        && let Some((size, promised)) = vow
        && machine.root_of(size)?.is_some_and(|root| root != promised)
    {
        let reason = FenceReason::OwnVow;
        fence::put_up(directory.path(), reason)?;
        fenced = Some(reason);
    }
    if let Some(reason) = fenced {
        tracing::error!(reason = %reason, "this replica is fenced: it serves nothing until it is rebuilt");
    }
    Ok(fenced)
}

/// The watch over the disk. One that is full already gives its ballast up before anything is opened.
fn open_space(config: &Config, directory: &DataDirectory) -> Result<Space, EngineError> {
    let marks = Marks {
        ballast: u64::from(config.storage.ballast_mib) << 20,
        low: u64::from(config.storage.low_water_mib) << 20,
    };
    let files = |error| EngineError::Storage(StorageError::Files(error));
    let mut space = Space::open(directory.path(), marks).map_err(files)?;
    space.look().map_err(files)?;
    Ok(space)
}
