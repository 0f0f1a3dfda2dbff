//! `akashi dev`: a cluster of three real nodes on this machine.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::enrol;
use super::output::Output;
use crate::clock::{self, Deadline};
use crate::dev::{DevCluster, DevPlan, find_node_binary, ports_are_free};
use crate::enrolment::Entry;
use crate::error::Error;
use crate::files;

/// Seconds for the nodes to start, elect a leader and take their first entry on a busy machine.
pub(super) const START_S: u64 = 30;
/// The customer that is enrolled for the newcomer.
pub(super) const DEMO_SUBJECT: &str = "cust-demo-1";
/// That customer's PIN, printed for everybody to see.
pub(super) const DEMO_PIN: &str = "1234";

/// Start a cluster of three real nodes on this machine
#[derive(Debug, Args)]
#[command(after_help = "\
Keys are throw-away. Without --dir everything is in a temporary directory and wiped on exit. Ctrl-C
stops the nodes.

Example:
  akashi dev --dir ./dev --keep-data")]
pub(super) struct Dev {
    /// Directory for keys, data and phones; made if absent, used again if made by `akashi dev`
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Leave the directory when the nodes stop; implied by --dir
    #[arg(long)]
    keep_data: bool,
    /// Client port of the first node; nodes are ten ports apart
    #[arg(long, default_value_t = 7420, value_name = "PORT")]
    base_port: u16,
    /// The node program; default: `akashi-node` beside this program
    #[arg(long, value_name = "FILE")]
    node_binary: Option<PathBuf>,
}

impl Dev {
    pub(super) async fn run(self, output: Output) -> Result<(), Error> {
        let binary = find_node_binary(self.node_binary.as_deref())?;
        let (directory, temporary) = match &self.dir {
            Some(named) => (named.clone(), None),
            None => {
                let temporary = tempfile::Builder::new()
                    .prefix("akashi-dev-")
                    .tempdir()
                    .map_err(Error::file(std::env::temp_dir()))?;
                (temporary.path().join("cluster"), Some(temporary))
            }
        };
        let again = self
            .dir
            .as_deref()
            .is_some_and(|dir| dir.join("akashi.toml").is_file());
        if !again && !ports_are_free(self.base_port, 3) {
            return Err(Error::Process {
                what: format!(
                    "a port from {} on is taken; choose --base-port",
                    self.base_port
                ),
            });
        }
        let plan = DevPlan {
            nodes: 3,
            base_port: self.base_port,
            tenant: "demo".to_owned(),
            agents: Vec::new(),
            outlive: false,
        };
        let began = clock::monotonic();
        output.note("starting three nodes …");
        let mut cluster = DevCluster::start(&directory, &binary, &plan)?;
        let run = serve(&mut cluster, again, began, output).await;
        output.note("stopping the nodes …");
        cluster.stop().await;
        if let (true, Some(temporary)) = (self.keep_data, temporary) {
            output.note(&format!("kept {}", temporary.keep().display()));
        }
        run
    }
}

async fn serve(
    cluster: &mut DevCluster,
    again: bool,
    began: std::time::Instant,
    output: Output,
) -> Result<(), Error> {
    let deadline = Deadline::after(Duration::from_secs(START_S));
    tokio::select! {
        ready = prepare(cluster, again, deadline, output) => ready?,
        () = interrupted() => return Err(Error::Interrupted),
    }
    let milliseconds = (clock::monotonic() - began).as_millis();
    welcome(cluster, milliseconds, output);
    watch(cluster, output).await;
    Ok(())
}

/// Says which nodes stop, until this process is to stop.
async fn watch(cluster: &mut DevCluster, output: Output) {
    let mut stop = std::pin::pin!(interrupted());
    loop {
        tokio::select! {
            () = &mut stop => return,
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
        }
        for (name, status) in cluster.reap() {
            output.note(&format!(
                "{name} has stopped ({status}); its log is {}\n  start it again: {}",
                cluster.log_file(&name).display(),
                cluster.start_line(&name),
            ));
        }
    }
}

/// Waits for the nodes, writes the first entry, enrols the newcomer's customer.
pub(super) async fn prepare(
    cluster: &mut DevCluster,
    again: bool,
    deadline: Deadline,
    output: Output,
) -> Result<(), Error> {
    cluster.wait_ready(deadline).await?;
    if again {
        return Ok(());
    }
    cluster.bootstrap(deadline).await?;
    enrol_newcomer(cluster, deadline, output).await
}

async fn enrol_newcomer(
    cluster: &DevCluster,
    deadline: Deadline,
    output: Output,
) -> Result<(), Error> {
    let pin_file = cluster
        .directory()
        .join("phones")
        .join(format!("{DEMO_SUBJECT}.pin"));
    files::write_new(&pin_file, DEMO_PIN.as_bytes(), files::Mode::Private)?;
    let pin = zeroize::Zeroizing::new(DEMO_PIN.to_owned());
    let entry = Entry::Customer {
        subject: DEMO_SUBJECT.to_owned(),
        pin,
    };
    let quiet = Output::new(output.format, true);
    enrol::run(
        cluster.context(),
        vec![entry],
        Some(1),
        deadline.remaining(),
        quiet,
    )
    .await?;
    Ok(())
}

/// How to use the cluster, for people on stderr and for scripts on stdout.
fn welcome(cluster: &DevCluster, milliseconds: u128, output: Output) {
    output.note(&format!(
        "{} three nodes are ready after {milliseconds} ms\n",
        output.mark(true)
    ));
    output.note(&usage(cluster.directory()));
    let dir = cluster.directory().display().to_string();
    output.record(
        &[
            ("context", dir.clone()),
            ("nodes", cluster.context().nodes().join(" ")),
        ],
        &json!({ "context": dir, "nodes": cluster.context().nodes() }),
    );
    output.note("\nCtrl-C stops the nodes.");
}

/// What to type next.
pub(super) fn usage(directory: &Path) -> String {
    let dir = directory.display();
    format!(
        "This is a development cluster: its keys are throw-away, do not give it real customers.\n\
         A simulated phone is enrolled: {DEMO_SUBJECT}, PIN {DEMO_PIN}. In other terminals:\n\n  \
         export AKASHI_CONTEXT={dir}\n  \
         akashi phone answer {DEMO_SUBJECT} --auto --pin-file {dir}/phones/{DEMO_SUBJECT}.pin --timeout 600\n  \
         akashi call {DEMO_SUBJECT} --receipt /tmp/call.tlog-proof\n  \
         akashi verify /tmp/call.tlog-proof --keys {dir}/cluster.keys\n  \
         akashi cluster status\n  \
         akashi log tail\n"
    )
}

/// Until Ctrl-C or SIGTERM: both must stop the nodes before this process goes.
pub(super) async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
        }
        Err(_no_handler) => {
            let (Ok(()) | Err(_)) = tokio::signal::ctrl_c().await;
        }
    }
}
