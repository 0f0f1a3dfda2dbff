//! `akashi-bench`: measures a three-node akashi cluster and a three-member etcd cluster, both started
//! by it on loopback, and writes the table.
//!
//! Whatever happens, interruption included, the processes that it started are killed.

#![expect(clippy::print_stdout, reason = "the table is this program's output")]
#![expect(clippy::print_stderr, reason = "a long run says where it is")]

use std::process::ExitCode;
use std::time::Duration;

use akashi_benches::options::Options;
use akashi_benches::{Failure, report, rounds};
use clap::Parser as _;
use tokio::signal::unix::{SignalKind, signal};

/// Seconds after which a run is given up: several times what the longest sensible one takes.
const RUN_S_MAX: u64 = 3_600;

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse().settled();
    match measure(&options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("akashi-bench: {failure}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(options: &Options) -> Result<(), Failure> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let run = rounds::run(options, &|line| eprintln!("{line}"));
    // Dropping the run drops the clusters, and with them their processes.
    let results = tokio::select! {
        results = tokio::time::timeout(Duration::from_secs(RUN_S_MAX), run) => results??,
        _ = interrupt.recv() => return Err("interrupted".into()),
        _ = terminate.recv() => return Err("terminated".into()),
    };
    let table = report::markdown(&results);
    print!("{table}");
    if let Some(path) = &options.out {
        std::fs::write(path, table + &proofs_of(path))?;
        eprintln!("written to {}", path.display());
    }
    Ok(())
}

/// The section on proofs, which another program writes into the same file.
fn proofs_of(path: &std::path::Path) -> String {
    let old = std::fs::read_to_string(path).unwrap_or_default();
    old.find("<!-- proofs:")
        .and_then(|start| old.get(start..))
        .map(|section| format!("\n{section}"))
        .unwrap_or_default()
}
