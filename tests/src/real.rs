//! A cluster of real processes: `akashi-node`s on loopback with their own data directories. They can
//! be killed, paused and cut off from one another.
//!
//! Simulated phones call and answer for as long as they are told to, and every replica's log is read
//! at the end. One cluster runs at a time, however many tests there are: they measure time.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use akashi_client::auditor::Flow;
use akashi_client::dev::{DevCluster, DevPlan, basic_policy, find_node_binary, free_base_port};
use akashi_client::layout::{self, NodeSpec, Plan};
use akashi_client::phone::{PhoneDirectory, Profile, Reply};
use akashi_client::tag::subject_hash;
use akashi_client::{Deadline, Error, Outcome, Phone, Platform, event};
use akashi_merkle::Leaf;
use akashi_proof::{PinKdf, PinSecret};

use crate::asked::call;
use crate::hardship::SmallDisk;
use crate::network::Network;

/// Lowest port that is tried; up to the ports that the system gives out by itself there is room for
/// other runs of these tests on the same machine.
const FIRST_PORT: u16 = 12_000;
/// Ports between the first ones of two clusters: the most that one takes.
const PORTS_PER_CLUSTER: u16 = 70;
/// First ports to choose from.
const PLACES: u16 = 280;
/// Ports that one node takes, with room between them.
const PORTS_PER_NODE: u16 = 10;
/// What a client allows one act to take: longer than any fail-over.
pub const ACT: Duration = Duration::from_secs(15);
/// The tenant of these tests.
pub const TENANT: &str = "demo";

/// What to start.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Number of nodes: 1, 3, 5 or 7.
    pub nodes: u16,
    /// Agents who get a certificate.
    pub agents: Vec<String>,
    /// TOML at the end of every node's configuration.
    pub settings: String,
    /// Replacements in every node's configuration: what stands there, and what shall.
    pub edits: Vec<(String, String)>,
    /// Whether the ways between the nodes can be cut.
    pub proxied: bool,
    /// Variables in the environment of single nodes: position, name and value.
    pub environment: Vec<(usize, String, String)>,
    /// Nodes whose data directory lies on a file system of its own of that many MiB. Mounting one
    /// needs root.
    pub small_disks: Vec<(usize, u32)>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            nodes: 3,
            agents: Vec::new(),
            settings: String::new(),
            edits: Vec::new(),
            proxied: false,
            environment: Vec::new(),
            small_disks: Vec::new(),
        }
    }
}

/// Some processes and their directory.
pub struct RealCluster {
    /// The processes.
    pub dev: DevCluster,
    /// The ways between them; none unless they were asked for.
    pub network: Network,
    disks: Vec<SmallDisk>,
    directory: tempfile::TempDir,
    _alone: tokio::sync::OwnedMutexGuard<()>,
}

impl RealCluster {
    /// Starts three nodes and founds the cluster.
    ///
    /// # Panics
    ///
    /// When a node does not start or does not answer.
    pub async fn start() -> Self {
        Self::start_with("").await
    }

    /// As [`RealCluster::start`], with `settings` (TOML) at the end of every node's configuration.
    ///
    /// # Panics
    ///
    /// When a node does not start or does not answer.
    pub async fn start_with(settings: &str) -> Self {
        Self::of(&Setup {
            settings: settings.to_owned(),
            ..Setup::default()
        })
        .await
    }

    /// Starts what is asked for and founds the cluster.
    ///
    /// # Panics
    ///
    /// When a node does not start or does not answer.
    pub async fn of(setup: &Setup) -> Self {
        static ALONE: OnceLock<Arc<tokio::sync::Mutex<()>>> = OnceLock::new();
        let alone = Arc::clone(ALONE.get_or_init(Arc::default));
        let alone = alone.lock_owned().await;
        let directory = tempfile::tempdir().expect("a directory for the cluster");
        let binary = find_node_binary(Some(&node_binary())).expect("akashi-node is built");
        let plan = DevPlan {
            nodes: setup.nodes,
            base_port: free_base_port(first_port(), setup.nodes).expect("free ports"),
            tenant: TENANT.to_owned(),
            agents: setup.agents.clone(),
            outlive: false,
        };
        let home = directory.path().join("cluster");
        let network = if setup.proxied {
            Network::between(&peer_addresses(&plan)).await
        } else {
            Network::default()
        };
        lay_out(&home, &plan, setup, &network);
        let binary = launcher(directory.path(), &binary, &setup.environment);
        let disks = setup.small_disks.iter();
        let disks = disks
            .map(|(position, mib)| small_disk(&home, *position, *mib))
            .collect();
        let mut dev = DevCluster::start(&home, &binary, &plan).expect("the nodes start");
        dev.wait_ready(Deadline::after(Duration::from_secs(60)))
            .await
            .expect("the nodes answer");
        dev.bootstrap(Deadline::after(ACT))
            .await
            .expect("the cluster is founded");
        Self {
            dev,
            network,
            disks,
            directory,
            _alone: alone,
        }
    }

    /// Where everything of this cluster is, the nodes' data and logs included.
    #[must_use]
    pub fn home(&self) -> PathBuf {
        self.directory.path().join("cluster")
    }

    /// The small disk of the node at `position`.
    ///
    /// # Panics
    ///
    /// When it has none.
    #[must_use]
    pub fn small_disk(&self, position: usize) -> &SmallDisk {
        let name = format!("n{}", position + 1);
        let own = layout::node_directory(&self.home(), &name);
        let found = self.disks.iter().find(|disk| disk.path().starts_with(&own));
        found.expect("a small disk")
    }

    /// Asks the node at `position` to stop (SIGTERM), waits until it has and starts it again.
    ///
    /// # Panics
    ///
    /// When it does not stop or start.
    pub async fn restart(&mut self, position: usize) {
        self.signal(position, "-TERM");
        self.wait_stopped(position, Duration::from_secs(30)).await;
        self.dev.start_node(position).expect("the node starts");
        let ready = Deadline::after(Duration::from_secs(60));
        self.dev.wait_ready(ready).await.expect("all are ready");
    }

    /// Waits until the process of the node at `position` has ended.
    ///
    /// # Panics
    ///
    /// When it has not within `limit`, or another one has.
    pub async fn wait_stopped(&mut self, position: usize, limit: Duration) {
        let deadline = Deadline::after(limit);
        loop {
            let ended = self.dev.reap();
            if let Some((name, _)) = ended.first() {
                assert_eq!(name, &format!("n{}", position + 1));
                return;
            }
            assert!(!deadline.remaining().is_zero(), "the node does not stop");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Number of nodes, running or not.
    #[must_use]
    pub fn size(&self) -> usize {
        self.dev.names().len()
    }

    /// Stops the process of the node at `position` where it stands (SIGSTOP): its connections stay, and
    /// nobody answers on them.
    ///
    /// # Panics
    ///
    /// When it does not run.
    pub fn pause(&self, position: usize) {
        self.signal(position, "-STOP");
    }

    /// Lets a paused process go on as if nothing had happened.
    ///
    /// # Panics
    ///
    /// When it does not run.
    pub fn resume(&self, position: usize) {
        self.signal(position, "-CONT");
    }

    fn signal(&self, position: usize, signal: &str) {
        let pid = self.dev.pid_of(position).expect("the node runs");
        let sent = Command::new("kill")
            .arg(signal)
            .arg(pid.to_string())
            .status();
        assert!(sent.expect("kill runs").success(), "{signal}");
    }

    /// Enrols a simulated phone whose PIN key is cheap to derive: the cost of a PIN is the phone's,
    /// and these tests are about the cluster.
    ///
    /// # Panics
    ///
    /// When the enrolment fails.
    pub async fn enrol(&self, subject: &str) -> (Phone, PinSecret) {
        let context = self.dev.context();
        let home = PhoneDirectory::of(context.phones(), subject);
        let profile = Profile {
            tenant: TENANT.to_owned(),
            subject: subject.to_owned(),
            agent: false,
            key_epoch: 0,
            nodes: context.nodes().to_vec(),
        };
        let ca = std::fs::read_to_string(context.ca()).expect("the certificate authority");
        home.create(&profile, &context.key_set().expect("keys"), &ca)
            .expect("a phone");
        let phone = Phone::open(&home).expect("the phone opens");
        let pin = cheap_pin(subject, b"2468");
        let platform = context.platform().expect("a platform");
        let invitation = platform
            .open_enrolment(subject, Deadline::after(ACT))
            .await
            .expect("an invitation");
        phone
            .enrol(&invitation, &pin, Deadline::after(ACT))
            .await
            .expect("enrolled");
        (phone, pin)
    }

    /// Position of the leader among the nodes, as all that answer agree.
    ///
    /// # Panics
    ///
    /// When nobody leads for a minute.
    pub async fn leader(&self) -> usize {
        let operator = self.dev.operator().expect("an operator");
        for _ in 0..600 {
            let statuses = operator
                .status_of_all(Deadline::after(Duration::from_secs(1)))
                .await;
            let leading = statuses
                .iter()
                .position(|(_, status)| status.as_ref().is_ok_and(|s| s.role == "leader"));
            if let Some(position) = leading {
                return position;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("nobody leads");
    }

    /// Waits until all replicas have applied the same entries, and gives their roots and state
    /// hashes.
    ///
    /// # Panics
    ///
    /// When they do not come together within a minute.
    pub async fn converge(&self) -> Vec<(u64, Vec<u8>, Vec<u8>)> {
        let operator = self.dev.operator().expect("an operator");
        for _ in 0..600 {
            let statuses = operator
                .status_of_all(Deadline::after(Duration::from_secs(1)))
                .await;
            let ends: Vec<_> = statuses
                .iter()
                .filter_map(|(_, status)| status.as_ref().ok())
                .map(|s| (s.applied_index, s.tree_root.to_vec(), s.state_hash.to_vec()))
                .collect();
            let level = ends.windows(2).all(|pair| pair[0].0 == pair[1].0);
            // An auditor reads what is sealed.
            let sealed = statuses
                .iter()
                .filter_map(|(_, status)| status.as_ref().ok())
                .all(|s| s.sealed_size == s.tree_size);
            if ends.len() == self.size() && level && sealed {
                return ends;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the replicas do not come together");
    }

    /// Reads the whole log of every replica, verified from the first leaf on, and gives its verdicts:
    /// challenge, outcome number and leaf index.
    ///
    /// # Panics
    ///
    /// When a log does not verify.
    pub async fn verdicts_of_each(&self) -> Vec<Vec<([u8; 16], u8, u64)>> {
        let logs = self.leaves_of_each().await;
        let verdicts = logs.iter().map(|leaves| {
            (0_u64..)
                .zip(leaves)
                .filter(|(_, leaf)| leaf.kind == event::VERDICT_REACHED)
                .map(|(index, leaf)| (leaf.challenge_id, leaf.outcome, index))
                .collect()
        });
        verdicts.collect()
    }

    /// The numbers of the oldest and the newest segment of a node's Raft log.
    ///
    /// # Panics
    ///
    /// When the node has no log.
    #[must_use]
    pub fn log_segments(&self, node: &str) -> (u64, u64) {
        let own = layout::node_directory(self.dev.directory(), node);
        let files = std::fs::read_dir(own.join("data/log")).expect("a log");
        let numbers: BTreeSet<u64> = files
            .filter_map(|file| {
                let name = file.ok()?.file_name().into_string().ok()?;
                name.strip_suffix(".log")?.parse().ok()
            })
            .collect();
        let ends = numbers.first().zip(numbers.last());
        let (oldest, newest) = ends.expect("a segment");
        (*oldest, *newest)
    }

    /// Reads the whole log of every replica, verified from the first leaf on.
    ///
    /// # Panics
    ///
    /// When a log does not verify.
    pub async fn leaves_of_each(&self) -> Vec<Vec<Leaf>> {
        let auditor = self.dev.context().auditor().expect("an auditor");
        let mut all = Vec::new();
        for (address, one) in auditor.each() {
            let mut leaves = Vec::new();
            let mut follower = one.follower();
            let read = one
                .tail(
                    &mut follower,
                    false,
                    Deadline::after(Duration::from_secs(60)),
                    |_, bytes, _| {
                        leaves.push(Leaf::decode(bytes).expect("a leaf"));
                        Ok(Flow::Continue)
                    },
                )
                .await;
            read.unwrap_or_else(|error| panic!("the log of {address} does not verify: {error}"));
            all.push(leaves);
        }
        all
    }
}

/// Where the search for free ports begins: elsewhere for each cluster of this process, and for another
/// run of these tests on the same machine.
fn first_port() -> u16 {
    static STARTED: AtomicU16 = AtomicU16::new(0);
    let run = u16::try_from(std::process::id() % u32::from(PLACES)).unwrap_or_default();
    let place = (run * 37 + STARTED.fetch_add(1, Ordering::Relaxed)) % PLACES;
    FIRST_PORT + place * PORTS_PER_CLUSTER
}

/// The peer addresses of a plan's nodes.
fn peer_addresses(plan: &DevPlan) -> Vec<SocketAddr> {
    (0..plan.nodes)
        .map(|position| {
            let client = plan.base_port + position * PORTS_PER_NODE;
            SocketAddr::from(([127, 0, 0, 1], client + 1))
        })
        .collect()
}

/// The directory that [`DevCluster::start`] would make, with what `setup` and `network` change in every
/// node's configuration.
fn lay_out(home: &Path, plan: &DevPlan, setup: &Setup, network: &Network) {
    let node = |position: u16| NodeSpec {
        name: format!("n{}", position + 1),
        site: "a".to_owned(),
        host: "127.0.0.1".to_owned(),
        port: plan.base_port + position * PORTS_PER_NODE,
    };
    let layout_plan = Plan {
        cluster: "dev".to_owned(),
        nodes: (0..plan.nodes).map(node).collect(),
        listen: None,
        tenant: plan.tenant.clone(),
        agents: plan.agents.clone(),
        reflection: true,
    };
    layout::create(home, &layout_plan).expect("a layout");
    let peers = peer_addresses(plan);
    for (from, node) in layout_plan.nodes.iter().enumerate() {
        let file = layout::node_directory(home, &node.name).join("node.toml");
        let mut text = std::fs::read_to_string(&file).expect("the node's configuration");
        for (to, own) in peers.iter().enumerate() {
            if let Some(proxy) = network.address(from, to) {
                let line = |address: &SocketAddr| format!("peer_address = \"{address}\"");
                assert!(text.contains(&line(own)), "{own} is in the configuration");
                text = text.replace(&line(own), &line(&proxy));
            }
        }
        for (from, to) in &setup.edits {
            assert!(text.contains(from), "{from} is in the configuration");
            text = text.replace(from, to);
        }
        let settings = &setup.settings;
        std::fs::write(&file, format!("{text}\n{settings}")).expect("the same with more in it");
    }
}

/// A program that starts `binary` with what `environment` wants for the node in question; `binary` itself
/// if nothing is wanted.
fn launcher(directory: &Path, binary: &Path, environment: &[(usize, String, String)]) -> PathBuf {
    use std::fmt::Write as _;
    use std::os::unix::fs::PermissionsExt as _;
    if environment.is_empty() {
        return binary.to_owned();
    }
    let mut script = "#!/bin/sh\ncase \"$*\" in\n".to_owned();
    for position in 0..9 {
        let own = environment.iter().filter(|one| one.0 == position);
        let words: Vec<String> = own
            .map(|(_, name, value)| format!("{name}='{value}'"))
            .collect();
        if !words.is_empty() {
            let node = position + 1;
            writeln!(script, "*/n{node}/node.toml*) export {};;", words.join(" ")).expect("text");
        }
    }
    writeln!(script, "esac\nexec '{}' \"$@\"", binary.display()).expect("text");
    let path = directory.join("akashi-node");
    std::fs::write(&path, script).expect("a program");
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&path, mode).expect("it may be run");
    path
}

/// Mounts a small file system in the directory of a node, and has it keep its data there.
fn small_disk(home: &Path, position: usize, mib: u32) -> SmallDisk {
    let own = layout::node_directory(home, &format!("n{}", position + 1));
    let file = own.join("node.toml");
    let text = std::fs::read_to_string(&file).expect("the node's configuration");
    let moved = text.replace("data_dir = \"data\"", "data_dir = \"disk/data\"");
    assert_ne!(text, moved, "the data directory is in the configuration");
    std::fs::write(&file, moved).expect("the same with another place");
    SmallDisk::mount(&own.join("disk"), mib)
}

/// A PIN secret at the least cost that the derivation allows.
///
/// # Panics
///
/// Never with a PIN of 1 to 64 bytes.
#[must_use]
pub fn cheap_pin(subject: &str, pin: &[u8]) -> PinSecret {
    let kdf = PinKdf::with_cost(8, 1).expect("the least cost");
    PinSecret::derive(kdf, pin, &[7; 32], &subject_hash(TENANT, subject)).expect("a secret")
}

/// What the callers saw.
#[derive(Debug, Default)]
pub struct Seen {
    /// Acknowledged verdicts by challenge.
    pub acknowledged: BTreeMap<[u8; 16], Outcome>,
    /// Acts that ended in an error, with what it said.
    pub errors: Vec<String>,
    /// The longest that one act took.
    pub slowest: Duration,
}

/// Calls and answers with one phone after the other until `stop`.
///
/// # Panics
///
/// When one challenge is answered in two ways.
pub async fn call_until(
    platform: Arc<Platform>,
    phones: Vec<(Phone, PinSecret)>,
    stop: Arc<AtomicBool>,
) -> Seen {
    let mut seen = Seen::default();
    for (round, (phone, pin)) in (1_u32..).zip(phones.iter().cycle()) {
        if stop.load(Ordering::Acquire) {
            break;
        }
        let began = akashi_client::clock::monotonic();
        match one_call(&platform, phone, pin, round).await {
            Ok((challenge, outcome)) => {
                let before = seen.acknowledged.insert(challenge, outcome);
                assert!(
                    before.is_none_or(|before| before == outcome),
                    "two answers differ"
                );
            }
            Err(error) => seen.errors.push(format!("{error:?}")),
        }
        seen.slowest = seen.slowest.max(began.elapsed());
    }
    seen
}

/// One call: announced, seen on the phone, proved (or, every seventh time, declined).
async fn one_call(
    platform: &Platform,
    phone: &Phone,
    pin: &PinSecret,
    round: u32,
) -> Result<([u8; 16], Outcome), Error> {
    let policy = basic_policy().name;
    let call = call(phone.subject(), &policy);
    let announced = platform.announce(&call, Deadline::after(ACT)).await?;
    if announced.outcome.is_some() {
        return Err(Error::Refused {
            outcome: "the contact ended at once",
        });
    }
    let mut session = phone.open_session(Deadline::after(ACT)).await?;
    let notice = phone
        .notice_of(&mut session, &announced.challenge_id, Deadline::after(ACT))
        .await?;
    let outcome = if round.is_multiple_of(7) {
        phone
            .reply(&notice, Reply::Decline, Deadline::after(ACT))
            .await?
    } else {
        let submission = phone.prove(&notice, Some(pin))?;
        phone
            .submit(&submission, Deadline::after(ACT))
            .await?
            .outcome
    };
    let outcome = outcome.ok_or(Error::Answer { what: "outcome" })?;
    Ok((announced.challenge_id, outcome))
}

/// Where cargo puts the node beside these tests.
fn node_binary() -> PathBuf {
    let here = std::env::current_exe().expect("this test has a file");
    let profile = here
        .parent()
        .and_then(Path::parent)
        .expect("a build directory");
    profile.join("akashi-node")
}
