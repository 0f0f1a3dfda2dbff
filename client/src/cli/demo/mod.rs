//! `akashi demo`: the whole job on real processes, in eight steps, each with its expectations.
//!
//! Everything is done through the same SDK that customers of the project use; nothing looks into a
//! node but to search its disk for secrets that must not be there.

mod calls;
mod desks;
mod enrolment;
mod failover;
mod holdings;
mod receipts;
mod refusals;
mod stage;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::dev;
use super::output::{Output, table};
use crate::clock::{self, Deadline};
use crate::dev::{DevCluster, DevPlan, find_node_binary, free_base_port};
use crate::error::Error;
use crate::files;
use stage::{Stage, ms_since};

/// First port tried; far from the ports of `akashi dev`, so that both can run.
const FIRST_PORT: u16 = 17_420;
/// The sample, so that the command works outside a clone as well.
const SAMPLE: &str = include_str!("../../../../ops/samples/enrolment.jsonl");

/// Show the whole job on a cluster of three real nodes
#[derive(Debug, Args)]
#[command(after_help = "\
Enrols a file of customers, verifies inbound and outbound calls, shows refusals, kills the leader in
the middle of a stream of calls, verifies a receipt offline; then credentials, an order and a
(software) face; an agent's stolen laptop, and a lock. Exit status 0 only if every expectation
held.

Example:
  akashi demo --keep")]
pub(super) struct Demo {
    /// Leave the cluster running at the end and print how to use it
    #[arg(long)]
    keep: bool,
    /// Enrolment file; default: the sample of 100 customers and 5 agents
    #[arg(long, value_name = "FILE")]
    enrolment: Option<PathBuf>,
    /// Client port of the first node; default: the first free ports
    #[arg(long, value_name = "PORT")]
    base_port: Option<u16>,
    /// The node program; default: `akashi-node` beside this program
    #[arg(long, value_name = "FILE")]
    node_binary: Option<PathBuf>,
}

impl Demo {
    pub(super) async fn run(self, output: Output) -> Result<(), Error> {
        let binary = find_node_binary(self.node_binary.as_deref())?;
        let temporary = tempfile::Builder::new()
            .prefix("akashi-demo-")
            .tempdir()
            .map_err(Error::file(std::env::temp_dir()))?;
        let directory = temporary.path().join("cluster");
        let base_port = match self.base_port {
            Some(port) => port,
            None => free_base_port(FIRST_PORT, 3)?,
        };
        let plan = DevPlan {
            nodes: 3,
            base_port,
            tenant: "demo".to_owned(),
            agents: Vec::new(),
            outlive: self.keep,
        };
        let file = match self.enrolment {
            Some(file) => file,
            None => {
                let file = temporary.path().join("enrolment.jsonl");
                files::write_new(&file, SAMPLE.as_bytes(), files::Mode::Private)?;
                file
            }
        };
        output.data("akashi demo: verifying callers on three real nodes");
        let mut stage = Stage::new(output, DevCluster::start(&directory, &binary, &plan)?)?;
        let shown = tokio::select! {
            shown = Box::pin(show(&mut stage, file)) => shown,
            () = dev::interrupted() => Err(Error::Interrupted),
        };
        if let Err(error) = &shown {
            stage.say(&format!("{} stopped: {error}", output.mark(false)));
            for name in stage.cluster.names() {
                let log = stage.cluster.log_file(name);
                stage.say(&format!("log of {name}: {}", log.display()));
            }
        }
        if self.keep {
            let kept = temporary.keep();
            let pids: Vec<String> = stage.cluster.pids().iter().map(u32::to_string).collect();
            output.data(&format!("\n{}", dev::usage(&kept.join("cluster"))));
            output.data(&format!(
                "The nodes go on running. To stop them: kill {}",
                pids.join(" ")
            ));
        } else {
            let failed = shown.is_err() || !stage.ledger.broken.is_empty();
            stage.cluster.stop().await;
            if failed {
                output.note(&format!(
                    "kept for inspection: {}",
                    temporary.keep().display()
                ));
            }
        }
        shown
    }
}

async fn show(stage: &mut Stage, file: PathBuf) -> Result<(), Error> {
    let began = clock::monotonic();
    let deadline = Deadline::after(Duration::from_secs(dev::START_S));
    dev::prepare(&mut stage.cluster, false, deadline, stage.output).await?;
    let nodes = stage.cluster.names().join(", ");
    stage.say(&format!(
        "nodes {nodes} are ready after {} ms",
        ms_since(began)
    ));

    enrolment::run(stage, &file).await?;
    let timelines = calls::run(stage).await?;
    refusals::run(stage).await?;
    failover::run(stage).await?;
    receipts::run(stage, &timelines).await?;
    holdings::run(stage).await?;
    desks::run(stage).await?;

    stage.title(8, "What happened");
    for line in calls::timeline_table(&timelines).lines() {
        stage.say(line);
    }
    stage.say("");
    let seconds = ms_since(began) / 1_000;
    stage.sum("the whole demonstration", format!("{seconds} s"));
    let held = stage.ledger.held;
    let broken = stage.ledger.broken.len();
    stage.sum("expectations", format!("{held} held, {broken} did not"));
    for line in table(&[], &stage.summary).lines() {
        stage.say(line);
    }
    if stage.ledger.broken.is_empty() {
        stage.output.data(&format!(
            "\n{} every expectation held",
            stage.output.mark(true)
        ));
        return Ok(());
    }
    for what in &stage.ledger.broken {
        stage
            .output
            .data(&format!("   {} {what}", stage.output.mark(false)));
    }
    Err(Error::Expectation { count: broken })
}
