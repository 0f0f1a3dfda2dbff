//! A cluster of real `akashi-node` processes on this machine, for development and demonstrations.
//!
//! Each node has its own data directory, certificate and log file; nothing is shared but the
//! loopback. Nodes are killed when the value is dropped, unless they were meant to outlive it.

use std::fs::{File, OpenOptions};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use crate::clock::Deadline;
use crate::context::Context;
use crate::error::Error;
use crate::layout::{self, NodeSpec, Plan};
use crate::operator::{NodeStatus, Operator, Policy};
use crate::policy::AgentRule;

/// Ports between one node's first and the next node's.
const PORTS_PER_NODE: u16 = 10;
/// Milliseconds between two questions whether a node is there.
const POLL_MS: u64 = 50;
/// Seconds that a node may take to stop by itself before it is killed.
const STOP_S: u64 = 10;

/// What to start.
#[derive(Clone, Debug)]
pub struct DevPlan {
    /// Number of nodes.
    pub nodes: u16,
    /// Client port of the first node; nine ports from it on are used.
    pub base_port: u16,
    /// Name of the tenant.
    pub tenant: String,
    /// Agents who get a certificate.
    pub agents: Vec<String>,
    /// Whether the nodes go on when this process ends.
    pub outlive: bool,
}

/// Running nodes with their directory.
#[derive(Debug)]
pub struct DevCluster {
    directory: PathBuf,
    binary: PathBuf,
    nodes: Vec<NodeProcess>,
    context: Context,
    outlive: bool,
}

#[derive(Debug)]
struct NodeProcess {
    name: String,
    child: Option<Child>,
}

impl DevCluster {
    /// Starts the nodes of a directory; makes the directory first if there is none.
    ///
    /// # Errors
    ///
    /// [`Error::Process`] if the binary is missing or a port is taken, and as [`layout::create`].
    pub fn start(directory: &Path, binary: &Path, plan: &DevPlan) -> Result<Self, Error> {
        let names: Vec<String> = (1..=plan.nodes)
            .map(|number| format!("n{number}"))
            .collect();
        if !directory.join(layout::CONTEXT_FILE).is_file() {
            let nodes = (0..plan.nodes)
                .zip(&names)
                .map(|(position, name)| NodeSpec {
                    name: name.clone(),
                    site: "a".to_owned(),
                    host: Ipv4Addr::LOCALHOST.to_string(),
                    port: plan
                        .base_port
                        .saturating_add(position.saturating_mul(PORTS_PER_NODE)),
                });
            let layout_plan = Plan {
                cluster: "dev".to_owned(),
                nodes: nodes.collect(),
                listen: None,
                tenant: plan.tenant.clone(),
                agents: plan.agents.clone(),
                reflection: true,
            };
            layout::create(directory, &layout_plan)?;
        }
        let context = Context::read(directory)?;
        let nodes = names
            .into_iter()
            .map(|name| NodeProcess { name, child: None })
            .collect();
        let binary = binary.to_owned();
        let directory = directory.to_owned();
        let mut cluster = Self {
            directory,
            binary,
            nodes,
            context,
            outlive: plan.outlive,
        };
        for position in 0..cluster.nodes.len() {
            cluster.start_node(position)?;
        }
        Ok(cluster)
    }

    /// The context of the cluster.
    #[must_use]
    pub const fn context(&self) -> &Context {
        &self.context
    }

    /// Where everything is.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Names of the nodes.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.nodes.iter().map(|node| node.name.as_str()).collect()
    }

    /// The log file of a node.
    #[must_use]
    pub fn log_file(&self, name: &str) -> PathBuf {
        layout::node_directory(&self.directory, name).join("node.log")
    }

    /// Process ids of the running nodes.
    #[must_use]
    pub fn pids(&self) -> Vec<u32> {
        self.nodes
            .iter()
            .filter_map(|node| node.child.as_ref()?.id())
            .collect()
    }

    /// Process id of the node at `position`, if it runs.
    #[must_use]
    pub fn pid_of(&self, position: usize) -> Option<u32> {
        self.nodes.get(position)?.child.as_ref()?.id()
    }

    /// Starts the node at `position` (again).
    ///
    /// # Errors
    ///
    /// [`Error::Process`], [`Error::File`].
    pub fn start_node(&mut self, position: usize) -> Result<(), Error> {
        let Some(node) = self.nodes.get_mut(position) else {
            return Err(Error::Process {
                what: "there is no such node".to_owned(),
            });
        };
        let own = layout::node_directory(&self.directory, &node.name);
        let path = own.join("node.log");
        let log = append(&path)?;
        let errors = log.try_clone().map_err(Error::file(&path))?;
        let mut command = Command::new(&self.binary);
        command.arg("--config").arg(own.join("node.toml"));
        if !own.join("data").exists() {
            // Only a node that has never run may make its own disk.
            command.arg("--format-new");
        }
        let child = command
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            // A group of its own: Ctrl-C reaches this process, which then stops the nodes in order.
            .process_group(0)
            .kill_on_drop(!self.outlive)
            .spawn()
            .map_err(|source| Error::Process {
                what: format!("{} cannot be started: {source}", self.binary.display()),
            })?;
        node.child = Some(child);
        Ok(())
    }

    /// Makes a node that joins this cluster, and starts it; gives its position. It is no member before it is
    /// added.
    ///
    /// # Errors
    ///
    /// As [`layout::join::create`] and [`DevCluster::start_node`].
    pub fn join(&mut self, node: &NodeSpec) -> Result<usize, Error> {
        layout::join::create(&self.directory, self.context.cluster(), node, None)?;
        let position = self.nodes.len();
        self.nodes.push(NodeProcess {
            name: node.name.clone(),
            child: None,
        });
        self.start_node(position)?;
        Ok(position)
    }

    /// Kills the node at `position` with SIGKILL: no clean-up, no good-bye.
    ///
    /// # Errors
    ///
    /// [`Error::Process`] if it does not run.
    pub async fn kill_node(&mut self, position: usize) -> Result<(), Error> {
        let child = self
            .nodes
            .get_mut(position)
            .and_then(|node| node.child.take());
        let Some(mut child) = child else {
            return Err(Error::Process {
                what: "the node does not run".to_owned(),
            });
        };
        child.kill().await.map_err(|source| Error::Process {
            what: format!("the node could not be killed: {source}"),
        })
    }

    /// Takes note of the nodes that have stopped by themselves or were killed from outside: name and
    /// end of each, once.
    pub fn reap(&mut self) -> Vec<(String, ExitStatus)> {
        let mut stopped = Vec::new();
        for node in &mut self.nodes {
            let ended = node
                .child
                .as_mut()
                .and_then(|child| child.try_wait().ok().flatten());
            if let Some(status) = ended {
                node.child = None;
                stopped.push((node.name.clone(), status));
            }
        }
        stopped
    }

    /// The command line that starts a node of this cluster by hand.
    #[must_use]
    pub fn start_line(&self, name: &str) -> String {
        let settings = layout::node_directory(&self.directory, name).join("node.toml");
        format!("{} --config {}", self.binary.display(), settings.display())
    }

    /// Waits until every node that was started answers and all know one leader.
    ///
    /// # Errors
    ///
    /// [`Error::Process`] if a node has stopped or is not ready by the deadline.
    pub async fn wait_ready(&mut self, deadline: Deadline) -> Result<Vec<NodeStatus>, Error> {
        let operator = self.context.operator()?;
        loop {
            self.check_alive()?;
            let attempt = Deadline::after(deadline.remaining().min(Duration::from_secs(1)));
            let answers = operator.status_of_all(attempt).await;
            let statuses: Vec<NodeStatus> = answers
                .into_iter()
                .filter_map(|(_, answer)| answer.ok())
                .collect();
            let leader = statuses.first().map_or(0, |status| status.leader_id);
            let agreed = leader != 0 && statuses.iter().all(|status| status.leader_id == leader);
            if agreed && statuses.len() == self.running() {
                return Ok(statuses);
            }
            if deadline.remaining().is_zero() {
                return Err(Error::Process {
                    what: format!(
                        "the nodes were not ready in time; their logs are {}",
                        self.directory.join("nodes/*/node.log").display()
                    ),
                });
            }
            tokio::time::sleep(Duration::from_millis(POLL_MS)).await;
        }
    }

    /// Writes the first entry of the cluster: the tenant and the policy `basic`, possession and PIN.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn bootstrap(&self, deadline: Deadline) -> Result<(), Error> {
        let operator = self.context.operator()?;
        operator
            .bootstrap(self.context.tenant(), basic_policy(), deadline)
            .await
    }

    /// The operator of this cluster.
    ///
    /// # Errors
    ///
    /// As [`Context::operator`].
    pub fn operator(&self) -> Result<Operator, Error> {
        self.context.operator()
    }

    /// Stops every node: SIGTERM first, SIGKILL for whoever does not go in time.
    pub async fn stop(&mut self) {
        for node in &self.nodes {
            if let Some(pid) = node.child.as_ref().and_then(pid) {
                // A node that is gone already needs no signal.
                let (Ok(()) | Err(_)) = kill_process(pid, Signal::TERM);
            }
        }
        let deadline = Deadline::after(Duration::from_secs(STOP_S));
        for node in &mut self.nodes {
            if let Some(mut child) = node.child.take() {
                let stopped = tokio::time::timeout(deadline.remaining(), child.wait()).await;
                if stopped.is_err() {
                    // Dropping the child kills it as well; this waits until it is gone.
                    let (Ok(()) | Err(_)) = child.kill().await;
                }
            }
        }
    }

    fn running(&self) -> usize {
        self.nodes
            .iter()
            .filter(|node| node.child.is_some())
            .count()
    }

    fn check_alive(&mut self) -> Result<(), Error> {
        for node in &mut self.nodes {
            let ended: Option<ExitStatus> = node
                .child
                .as_mut()
                .and_then(|child| child.try_wait().ok().flatten());
            if let Some(status) = ended {
                let log = layout::node_directory(&self.directory, &node.name).join("node.log");
                return Err(Error::Process {
                    what: format!("{} stopped ({status}); see {}", node.name, log.display()),
                });
            }
        }
        Ok(())
    }
}

/// The policy that development clusters start with.
#[must_use]
pub fn basic_policy() -> Policy {
    Policy {
        name: "basic".to_owned(),
        require_possession: true,
        require_knowledge: true,
        challenge_ttl_s: 120,
        verdict_ttl_s: 3_600,
        agents: Some(AgentRule::registered().to_wire()),
        ..Policy::default()
    }
}

/// Finds `akashi-node`: as named, or beside this program.
///
/// # Errors
///
/// [`Error::Process`] if it is not there.
pub fn find_node_binary(named: Option<&Path>) -> Result<PathBuf, Error> {
    let path = match named {
        Some(path) => path.to_owned(),
        None => {
            let own = std::env::current_exe().map_err(|source| Error::Process {
                what: format!("the path of this program is not known: {source}"),
            })?;
            own.with_file_name("akashi-node")
        }
    };
    if path.is_file() {
        return Ok(path);
    }
    Err(Error::Process {
        what: format!(
            "{} is not there; build it with `cargo build -p akashi-node` or name it with --node-binary",
            path.display()
        ),
    })
}

/// Whether all ports of a development cluster are free on the loopback right now.
#[must_use]
pub fn ports_are_free(base_port: u16, nodes: u16) -> bool {
    (0..nodes).all(|node| {
        (0..3).all(|role| {
            let port = base_port
                .checked_add(node.saturating_mul(PORTS_PER_NODE))
                .and_then(|first| first.checked_add(role));
            port.is_some_and(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok())
        })
    })
}

/// The first base port from `first` on whose ports are all free.
///
/// # Errors
///
/// [`Error::Process`] if there is none among a hundred candidates.
pub fn free_base_port(first: u16, nodes: u16) -> Result<u16, Error> {
    let width = usize::from(PORTS_PER_NODE.saturating_mul(nodes.max(1)));
    (first..u16::MAX)
        .step_by(width)
        .take(100)
        .find(|base| ports_are_free(*base, nodes))
        .ok_or_else(|| Error::Process {
            what: "no free ports were found".to_owned(),
        })
}

fn append(path: &Path) -> Result<File, Error> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .map_err(Error::file(path))
}

fn pid(child: &Child) -> Option<Pid> {
    Pid::from_raw(i32::try_from(child.id()?).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_node_binary_is_named_with_the_way_out() {
        let missing = find_node_binary(Some(Path::new("/nonexistent/akashi-node"))).unwrap_err();
        assert!(missing.to_string().contains("--node-binary"), "{missing}");
    }

    #[test]
    fn a_taken_port_is_noticed() {
        let base = free_base_port(27_420, 1).unwrap();
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, base + 1)).unwrap();
        assert!(!ports_are_free(base, 1));
        drop(taken);
        assert!(ports_are_free(base, 1));
    }
}
