//! `akashi-peers`: what proofs cost, and beside them in the same run what Ed25519, two crates of range
//! proofs and AnonCreds cost on the same processor.
//!
//! Every round measures every row once, so that what else the machine does hits all of them. It
//! decides nothing and must never be linked into anything that does: it calls batch verifiers of
//! signatures, and keeps no secret.

mod others;
mod report;
mod rows;
mod samples;

use std::{env, fs, path::PathBuf, process::ExitCode};

use rows::Run;

struct Options {
    rounds: usize,
    quick: bool,
    out: Option<PathBuf>,
    python: Option<String>,
    only: Option<String>,
}

fn options() -> Result<Options, String> {
    let mut options = Options {
        rounds: 5,
        quick: false,
        out: None,
        python: None,
        only: None,
    };
    let mut arguments = env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--rounds" => {
                let rounds = value()?.parse().map_err(|_| "--rounds needs a number")?;
                options.rounds = if (1..=50).contains(&rounds) {
                    rounds
                } else {
                    return Err("--rounds must be 1 to 50".into());
                };
            }
            "--quick" => options.quick = true,
            "--out" => options.out = Some(value()?.into()),
            "--python" => options.python = Some(value()?),
            "--only" => options.only = Some(value()?),
            _ => {
                return Err(format!(
                    "unknown argument {argument}; there are --rounds N, --quick, --only TEXT, \
                     --python PROGRAM (with package anoncreds), --out FILE"
                ));
            }
        }
    }
    Ok(options)
}

fn main() -> ExitCode {
    let options = match options() {
        Ok(options) => options,
        Err(message) => {
            eprintln!("akashi-peers: {message}");
            return ExitCode::FAILURE;
        }
    };
    eprintln!("making proofs");
    let mut run = Run::prepare(
        options.quick,
        options.python.as_deref(),
        options.only.as_deref(),
    );
    let before = report::Machine::look();
    for round in 1..=if options.quick { 1 } else { options.rounds } {
        eprintln!("round {round}");
        run.round();
    }
    let section = report::section(&run, &before);
    print!("{section}");
    if let Some(path) = options.out {
        let written = fs::read_to_string(&path)
            .and_then(|old| fs::write(&path, report::replaced(&old, &section)));
        if let Err(error) = written {
            eprintln!("akashi-peers: {}: {error}", path.display());
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
