//! `presence_bench`: heartbeats, blackouts and locks on three real nodes, into a section of
//! `RESULTS.md`.

#![expect(clippy::print_stdout, reason = "the table is this program's output")]
#![expect(clippy::print_stderr, reason = "a long run says where it is")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use akashi_benches::Failure;
use akashi_benches::machine::{Machine, load_average};
use akashi_benches::presence::{AGENTS, Figures, HEARTBEATS, Plan, run};
use akashi_benches::summary::{ms, thousands};
use clap::Parser;

const START: &str = "<!-- presence: written by make bench-presence -->";
const END: &str = "<!-- end of presence -->";

/// Measures presence on a three-node cluster on loopback.
#[derive(Debug, Parser)]
#[command(name = "presence_bench")]
struct Options {
    /// Write the section into this file as well.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Desktops; each is a certificate, a phone, a login and a stream.
    #[arg(long, default_value_t = 240, value_parser = clap::value_parser!(u32).range(8..=2_000))]
    desktops: u32,
    /// Seconds of heartbeats; summaries come every 30 s.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=300))]
    seconds: u64,
    /// A short run to see that everything works.
    #[arg(long)]
    quick: bool,
    /// The node's program. Default: beside this program.
    #[arg(long, value_name = "FILE")]
    node_binary: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match measure(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("presence_bench: {failure}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(options: Options) -> Result<(), Failure> {
    let program = std::env::current_exe()?;
    let parent = program.parent().ok_or("this program is in no directory")?;
    let data = tempfile::Builder::new()
        .prefix("presence-bench-")
        .tempdir_in(parent)?;
    let machine = Machine::look(data.path());
    let desktops = if options.quick { 40 } else { options.desktops };
    let plan = Plan {
        desktops: usize::try_from(desktops)?,
        seconds: if options.quick { 5 } else { options.seconds },
        locks: usize::try_from(desktops / 2 - 4)?,
        frozen_locks: 3,
        node_binary: options.node_binary,
        directory: data.path().to_owned(),
    };
    let figures = run(&plan, &|line| eprintln!("{line}")).await?;
    let section = section(&figures, &plan, &machine);
    print!("{section}");
    if let Some(path) = &options.out {
        write(path, &section)?;
        eprintln!("written to {}", path.display());
    }
    Ok(())
}

fn at(sorted: &[u64], per_cent: usize) -> String {
    let place = (sorted.len() * per_cent).div_ceil(100).max(1) - 1;
    ms(sorted.get(place).copied().unwrap_or_default())
}

fn section(figures: &Figures, plan: &Plan, machine: &Machine) -> String {
    let row = |what: &str, sorted: &[u64]| {
        format!(
            "| {what} | {} | {} | {} | {} |\n",
            sorted.len(),
            at(sorted, 50),
            at(sorted, 99),
            at(sorted, 100)
        )
    };
    let entries = figures.entries;
    format!(
        "{START}\n## Presence\n\nMeasured {} on {}, load {}. {} real desktops on three nodes send as many heartbeats as {} agents would ({} a second); \
         everything on one machine.\n\n\
         | heartbeats answered, per second | entries in the Raft log, per second | processor of three nodes, µs per heartbeat |\n|---|---|---|\n\
         | {} | {}.{:02} | {} |\n\n\
         A table of {} seats alone: {} ns per heartbeat, {} ms for the summary of a window.\n\n\
         | ms | count | p50 | p99 | max |\n|---|---|---|---|---|\n{}{}{}{}{}{END}\n",
        machine.date,
        machine.processor,
        load_average(),
        plan.desktops,
        thousands(AGENTS),
        thousands(HEARTBEATS),
        thousands(figures.heartbeats),
        entries / 100,
        entries % 100,
        figures.server_us,
        thousands(AGENTS),
        figures.table_ns,
        ms(figures.summary_us),
        row(
            "deciding sample → the desktop's blackout",
            &figures.desktop_us
        ),
        row(
            "deciding sample → the gate's word, through the log",
            &figures.gate_us
        ),
        row("lock → revoked (decided by a quorum)", &figures.revoked_us),
        row("lock → enforced, all nodes up", &figures.enforced_us),
        row("lock → enforced, one node frozen", &figures.bound_us),
    )
}

/// Puts the section where the last one was, or at the end.
fn write(path: &Path, section: &str) -> Result<(), Failure> {
    let old = std::fs::read_to_string(path).unwrap_or_default();
    let new = match (old.find(START), old.find(END)) {
        (Some(start), Some(end)) if start < end => {
            let before = old.get(..start).unwrap_or_default();
            let after = old.get(end + END.len()..).unwrap_or_default();
            format!("{before}{}{after}", section.trim_end())
        }
        _ => format!("{}\n\n{section}", old.trim_end()),
    };
    std::fs::write(path, new)?;
    Ok(())
}
