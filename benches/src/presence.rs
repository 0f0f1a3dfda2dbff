//! Presence: heartbeats of many desktops on three real nodes, how soon another face is seen, and when a
//! lock is in force.
//!
//! 50,000 desktops with a certificate, a phone and a login each would take longer to set up than to
//! measure. A few hundred real ones send as many heartbeats a second as 50,000 would; the table of a node
//! with 50,000 seats is measured alone, in this process.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use akashi_client::agent::{Agent, Presence, ScreenAction};
use akashi_client::auditor::Flow;
use akashi_client::dev::{DevCluster, DevPlan, find_node_binary, free_base_port};
use akashi_client::phone::{PhoneDirectory, Profile};
use akashi_client::platform::{InvitedTo, Party};
use akashi_client::policy::{AgentRule, Grants, PolicyPurpose, Rules};
use akashi_client::presence::{Class, Desktop, InForce};
use akashi_client::tag::agent_hash;
use akashi_client::{Deadline, Phone, Platform, Stage, clock};
use akashi_presence as edge;
use akashi_proof::{PinKdf, PinSecret};
use tokio::task::JoinHandle;

use crate::Failure;
use crate::cpu::Spent;

/// Agents whose heartbeats are to be carried.
pub const AGENTS: u64 = 50_000;
/// Heartbeats that they send in a second.
pub const HEARTBEATS: u64 = AGENTS / 5;
/// First port to look for free ones from.
const PORT_FIRST: u16 = 25_200;
/// The tenant.
const TENANT: &str = "bench";
/// The policy of logins.
const LOGINS: &str = "agent-pin";
/// Memory of a PIN's derivation in KiB, once over: its cost is the phone's.
const PIN_KDF_KIB: u32 = 8;
/// Agents that are set up at the same time.
const HIRING: usize = 16;

/// What to measure.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Desktops.
    pub desktops: usize,
    /// Seconds of heartbeats.
    pub seconds: u64,
    /// Locks while all nodes are up.
    pub locks: usize,
    /// Locks while one node is frozen.
    pub frozen_locks: usize,
    /// The node's program; beside this one if none is given.
    pub node_binary: Option<PathBuf>,
    /// Where the cluster keeps its data.
    pub directory: PathBuf,
}

/// What was found out. Times in microseconds, sorted.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Heartbeats that were answered, per second.
    pub heartbeats: u64,
    /// Entries of the Raft log meanwhile, per 100 seconds.
    pub entries: u64,
    /// Processor time of the three nodes per heartbeat.
    pub server_us: u64,
    /// From the sample that decides to the desktop's blackout.
    pub desktop_us: Vec<u64>,
    /// From the same sample to the word that a gate hears.
    pub gate_us: Vec<u64>,
    /// From the lock's request to its answer.
    pub revoked_us: Vec<u64>,
    /// From the lock's request until it is in force on every node.
    pub enforced_us: Vec<u64>,
    /// The same while one node is frozen.
    pub bound_us: Vec<u64>,
    /// A table of 50,000 seats: nanoseconds per heartbeat.
    pub table_ns: u64,
    /// Microseconds of its summary of one window.
    pub summary_us: u64,
}

struct Worker {
    handle: String,
    agent: Agent,
    session: [u8; 16],
}

/// Measures everything.
///
/// # Errors
///
/// The first thing that fails.
pub async fn run(plan: &Plan, say: &dyn Fn(&str)) -> Result<Figures, Failure> {
    let mut figures = Figures::default();
    (figures.table_ns, figures.summary_us) = table()?;
    say("starting the cluster and letting agents log in");
    let agents: Vec<String> = (0..plan.desktops)
        .map(|number| format!("agent-{number:05}"))
        .collect();
    let dev = DevPlan {
        nodes: 3,
        base_port: free_base_port(PORT_FIRST, 3)?,
        tenant: TENANT.to_owned(),
        agents: agents.clone(),
        outlive: false,
    };
    let binary = find_node_binary(plan.node_binary.as_deref())?;
    let mut cluster = DevCluster::start(&plan.directory.join("cluster"), &binary, &dev)?;
    let ready = Deadline::after(Duration::from_secs(60));
    cluster.wait_ready(ready).await?;
    cluster.bootstrap(ready).await?;
    let operator = cluster.operator()?;
    operator
        .put_policy(TENANT, logins().to_wire(LOGINS), ready)
        .await?;
    let workers = hire(&cluster, &plan.directory.join("phones"), &agents).await?;
    say("heartbeats");
    heartbeats(&cluster, &workers, plan, &mut figures).await?;
    say("other faces");
    let half = workers.len() / 2;
    let (first, second) = workers.split_at(half);
    blackouts(&cluster, first, &mut figures).await?;
    say("locks");
    locks(&mut cluster, second, plan, &mut figures).await?;
    cluster.stop().await;
    Ok(figures)
}

fn logins() -> Rules {
    Rules {
        purpose: PolicyPurpose::AgentLogin,
        require_possession: true,
        require_knowledge: true,
        predicates: Vec::new(),
        face: None,
        consent: None,
        challenge_ttl_s: 120,
        verdict_ttl_s: 3_600,
        grants: Grants::default(),
        agents: AgentRule::default(),
    }
}

/// The table of one node with every agent at it, alone: nanoseconds per heartbeat, and microseconds of a
/// summary.
fn table() -> Result<(u64, u64), Failure> {
    let mut table = edge::Table::new(edge::Rule::STANDARD);
    let mut seats = Vec::new();
    for number in 0..AGENTS {
        let mut session = [0; 16];
        for (to, from) in session.iter_mut().zip(number.to_be_bytes()) {
            *to = from;
        }
        let key = edge::Key { tenant: 1, session };
        let seat = table.attach(key, edge::State::Present, edge::Graces::default(), 0);
        seats.push((key, seat));
    }
    let began = clock::monotonic();
    let rounds = 6;
    for round in 1..=rounds {
        let now_us = round * 5 * edge::SECOND_US;
        for (key, seat) in &seats {
            table
                .sample(*key, *seat, round, edge::Class::Match, now_us)
                .map_err(|refused| format!("a sample was refused: {refused:?}"))?;
        }
        if !table.tick(now_us).is_empty() {
            return Err("somebody was taken for lost".into());
        }
    }
    let took = began.elapsed();
    let ns = u64::try_from(took.as_nanos())? / (rounds * AGENTS);
    let began = clock::monotonic();
    let summary = table.take_summary();
    let summary_us = micros(began);
    if summary.heartbeats != rounds * AGENTS {
        return Err("heartbeats are missing in the summary".into());
    }
    Ok((ns, summary_us))
}

async fn hire(
    cluster: &DevCluster,
    phones: &Path,
    agents: &[String],
) -> Result<Vec<Worker>, Failure> {
    let mut workers = Vec::new();
    for batch in agents.chunks(HIRING) {
        let hired = batch.iter().enumerate().map(|(at, handle)| async move {
            let worker = at_work(cluster, phones, handle).await?;
            worker.agent.connection().prefer(at);
            Ok::<_, Failure>(worker)
        });
        workers.extend(futures::future::try_join_all(hired).await?);
    }
    Ok(workers)
}

/// Registers an agent, enrols the phone, logs in, opens a session.
async fn at_work(cluster: &DevCluster, phones: &Path, handle: &str) -> Result<Worker, Failure> {
    let act = || Deadline::after(Duration::from_secs(20));
    let context = cluster.context();
    let platform = context.platform()?;
    cluster
        .operator()?
        .register_agent(TENANT, handle, None, act())
        .await?;
    let home = PhoneDirectory::of(phones, handle);
    let profile = Profile {
        tenant: TENANT.to_owned(),
        subject: handle.to_owned(),
        agent: true,
        key_epoch: 0,
        nodes: context.nodes().to_vec(),
    };
    let ca = std::fs::read_to_string(context.ca())?;
    home.create(&profile, &context.key_set()?, &ca)?;
    let phone = Phone::open(&home)?;
    let hash = agent_hash(TENANT, handle);
    let pin = PinSecret::derive(PinKdf::with_cost(PIN_KDF_KIB, 1)?, b"4711", &hash, &hash)?;
    let invitation = platform
        .invite(Party::Agent(handle), InvitedTo::Device, act())
        .await?;
    phone.enrol(&invitation, &pin, act()).await?;
    let mut notices = phone.open_session(act()).await?;
    let login = platform.open_login(handle, LOGINS, act()).await?;
    let notice = phone
        .notice_of(&mut notices, &login.challenge_id, act())
        .await?;
    let proof = phone.prove(&notice, Some(&pin))?;
    phone.submit(&proof, act()).await?;
    platform
        .wait_login(&login.login_id, Stage::Committed, act())
        .await?;
    let agent = context.agent(handle)?;
    let opened = agent.open_session(&login.login_id, 0, act()).await?;
    Ok(Worker {
        handle: handle.to_owned(),
        agent,
        session: opened.session_id,
    })
}

/// As many heartbeats a second as all agents would send.
async fn heartbeats(
    cluster: &DevCluster,
    workers: &[Worker],
    plan: &Plan,
    figures: &mut Figures,
) -> Result<(), Failure> {
    let every_us = 1_000_000 * u64::try_from(workers.len())? / HEARTBEATS;
    let answered = Arc::new(AtomicU64::new(0));
    let stop = Arc::new(AtomicBool::new(false));
    let mut running = Vec::new();
    for worker in workers {
        let desktop = Desktop::new(worker.agent.connection().clone(), worker.session)
            .every(Duration::from_micros(every_us));
        let (answered, stop) = (Arc::clone(&answered), Arc::clone(&stop));
        running.push(tokio::spawn(async move {
            let sees = || (!stop.load(Ordering::Relaxed)).then_some(Class::Match);
            desktop
                .keep(sees, |_| {
                    answered.fetch_add(1, Ordering::Relaxed);
                })
                .await
        }));
    }
    // Attaching is over and every desktop shows.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let pids = cluster.pids();
    let (before, began) = (Spent::now(&pids), clock::monotonic());
    let (index, count) = (applied(cluster).await?, answered.load(Ordering::Relaxed));
    tokio::time::sleep(Duration::from_secs(plan.seconds)).await;
    let count = answered.load(Ordering::Relaxed) - count;
    let entries = applied(cluster).await? - index;
    let spent = Spent::now(&pids).since(before);
    let ms = u64::try_from(began.elapsed().as_millis())?.max(1);
    figures.heartbeats = count * 1_000 / ms;
    figures.entries = entries * 100_000 / ms;
    figures.server_us = spent.servers_us / count.max(1);
    stop.store(true, Ordering::Relaxed);
    for desktop in running {
        desktop.await??;
    }
    Ok(())
}

/// How far the log is, as the node that is furthest says.
async fn applied(cluster: &DevCluster) -> Result<u64, Failure> {
    let statuses = cluster
        .operator()?
        .status_of_all(Deadline::after(Duration::from_secs(5)))
        .await;
    let indices = statuses
        .iter()
        .filter_map(|(_, status)| status.as_ref().ok())
        .map(|status| status.applied_index);
    indices.max().ok_or_else(|| "no node answers".into())
}

/// When the sample was taken that decided, by session; and when a gate heard of it.
type Moments = Arc<Mutex<BTreeMap<[u8; 16], Instant>>>;

/// Other faces at every desk at the same time.
async fn blackouts(
    cluster: &DevCluster,
    workers: &[Worker],
    figures: &mut Figures,
) -> Result<(), Failure> {
    let (decided, heard): (Moments, Moments) = (Arc::default(), Arc::default());
    let gate = listen(cluster.context().platform()?, Arc::clone(&heard));
    let desktop_us = Arc::new(Mutex::new(Vec::new()));
    let mut running = Vec::new();
    for worker in workers {
        let desktop = Desktop::new(worker.agent.connection().clone(), worker.session);
        let (decided, desktop_us) = (Arc::clone(&decided), Arc::clone(&desktop_us));
        let session = worker.session;
        running.push(tokio::spawn(async move {
            let sampled = Mutex::new(clock::monotonic());
            let black = AtomicBool::new(false);
            let sees = || {
                *lock(&sampled) = clock::monotonic();
                (!black.load(Ordering::Relaxed)).then_some(Class::NoMatch)
            };
            desktop
                .keep(sees, |screen| {
                    let now = screen.action == ScreenAction::Blackout;
                    if now && !black.swap(true, Ordering::Relaxed) {
                        let sampled = *lock(&sampled);
                        lock(&decided).insert(session, sampled);
                        lock(&desktop_us).push(micros(sampled));
                    }
                })
                .await
        }));
    }
    for desktop in running {
        tokio::time::timeout(Duration::from_secs(90), desktop).await???;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    gate.abort();
    let heard = lock(&heard).clone();
    for (session, sampled) in lock(&decided).iter() {
        let at = heard.get(session).ok_or("a gate heard nothing")?;
        let since = at.saturating_duration_since(*sampled);
        figures.gate_us.push(u64::try_from(since.as_micros())?);
    }
    figures.desktop_us = lock(&desktop_us).clone();
    figures.desktop_us.sort_unstable();
    figures.gate_us.sort_unstable();
    Ok(())
}

fn listen(platform: Platform, heard: Moments) -> JoinHandle<()> {
    tokio::spawn(async move {
        let until = Deadline::after(Duration::from_secs(200));
        let hearing = platform.watch_sessions(None, until, |word| {
            if let Some(news) = word.news.filter(|news| news.presence == Presence::Other) {
                lock(&heard)
                    .entry(news.session_id)
                    .or_insert_with(clock::monotonic);
            }
            Flow::Continue
        });
        // It is stopped when enough was heard.
        drop(hearing.await);
    })
}

/// Locks one agent after the other, then some more while a node is frozen.
async fn locks(
    cluster: &mut DevCluster,
    workers: &[Worker],
    plan: &Plan,
    figures: &mut Figures,
) -> Result<(), Failure> {
    let act = || Deadline::after(Duration::from_secs(20));
    let statuses = cluster.wait_ready(act()).await?;
    let leader_id = statuses.first().map_or(1, |status| status.leader_id);
    let leader = usize::try_from(leader_id.saturating_sub(1))?;
    let platform = cluster.context().platform()?;
    platform.connection().prefer(leader);
    let mut rest = workers.iter();
    for worker in rest.by_ref().take(plan.locks) {
        let began = clock::monotonic();
        let index = platform.lock_agent(&worker.handle, 1, act()).await?;
        figures.revoked_us.push(micros(began));
        if platform.await_enforced(index, act()).await? != InForce::AllApplied {
            return Err("a node did not say that it had applied a lock".into());
        }
        figures.enforced_us.push(micros(began));
    }
    let frozen = cluster
        .pids()
        .get((leader + 1) % 3)
        .copied()
        .ok_or("no node to freeze")?;
    signal(frozen, "-STOP")?;
    for worker in rest.take(plan.frozen_locks) {
        let began = clock::monotonic();
        let index = platform.lock_agent(&worker.handle, 1, act()).await?;
        platform.await_enforced(index, act()).await?;
        figures.bound_us.push(micros(began));
    }
    signal(frozen, "-CONT")?;
    figures.revoked_us.sort_unstable();
    figures.enforced_us.sort_unstable();
    figures.bound_us.sort_unstable();
    Ok(())
}

fn signal(pid: u32, name: &str) -> Result<(), Failure> {
    let sent = std::process::Command::new("kill")
        .args([name, &pid.to_string()])
        .status()?;
    if sent.success() {
        Ok(())
    } else {
        Err("a node could not be frozen".into())
    }
}

fn micros(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX)
}

fn lock<T>(shared: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
