//! The `akashi` command: parses arguments, calls the SDK, reports.
//!
//! Nouns, then verbs. Data goes to stdout, commentary to stderr; exit statuses are documented in
//! `akashi --help` and never change.

mod agent;
mod call;
mod cluster;
mod completion;
mod connector;
mod contact;
mod customer;
mod demo;
mod dev;
mod enrol;
mod explain;
mod history;
mod holdings;
mod issuer;
mod leaf;
mod listen;
mod lock;
mod log;
mod number;
mod ops;
mod order;
pub mod output;
mod phone;
mod platform;
mod policy;
mod presence;
mod processor;
mod reasons;
mod sensor;
mod statement;
mod verify;
mod webhook;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, CommandFactory as _, Parser, Subcommand};

use crate::clock::Deadline;
use crate::context::Context;
use crate::error::{Error, Exit};
use output::{Format, Output};

/// Seconds for an answer of the cluster: a fail-over and a few retries fit well within.
const ANSWER_S: u64 = 30;
/// Seconds for what a person decides: long enough to type the next command in another terminal.
const WAIT_S: u64 = 600;
/// First line of `akashi --help`.
const ABOUT: &str = "Verifies callers with zero-knowledge proofs, on a replicated cluster";
/// Exit statuses, as shown by `akashi --help`.
const EXIT_HELP: &str = "\
Exit status:
  0  done, or verified           4  no answer in time
  1  failed for another reason   5  not permitted
  2  usage                       6  cluster unavailable; trying again is safe
  3  answered: refused           7  integrity failure; never try again

Example:
  akashi dev                                 a cluster of three nodes on this machine
  akashi call cust-demo-1 --context DIR      ask the customer's phone, wait for the verdict";

/// Verifies callers with zero-knowledge proofs, on a replicated cluster.
#[derive(Debug, Parser)]
#[command(name = "akashi", version, about = ABOUT, after_help = EXIT_HELP, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    verb: Verb,
}

/// Options of every command.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// Context file, or the directory that holds `akashi.toml`
    #[arg(
        long,
        short,
        global = true,
        env = "AKASHI_CONTEXT",
        hide_env_values = true,
        value_name = "PATH"
    )]
    context: Option<PathBuf>,
    /// How data is written to stdout
    #[arg(
        long,
        short,
        global = true,
        value_enum,
        default_value = "table",
        value_name = "FORMAT"
    )]
    output: Format,
    /// No commentary on stderr
    #[arg(long, short, global = true)]
    quiet: bool,
    /// Seconds to wait for an answer [default: 30; for a phone's notice and --follow: 600]
    #[arg(long, global = true, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: Option<u64>,
}

impl Global {
    fn context(&self) -> Result<Context, Error> {
        let path = self.context.clone().ok_or_else(|| {
            Error::usage("no context: pass --context PATH or set AKASHI_CONTEXT (see `akashi dev`)")
        })?;
        Context::read(&path)
    }

    /// Seconds for an answer of the cluster.
    fn seconds(&self) -> u64 {
        self.timeout.unwrap_or(ANSWER_S)
    }

    fn deadline(&self) -> Deadline {
        Deadline::after(Duration::from_secs(self.seconds()))
    }

    /// For what a person or an event decides, not the cluster.
    fn long_deadline(&self) -> Deadline {
        Deadline::after(Duration::from_secs(self.timeout.unwrap_or(WAIT_S)))
    }
}

#[derive(Debug, Subcommand)]
enum Verb {
    Dev(dev::Dev),
    Demo(demo::Demo),
    Enrol(enrol::Enrol),
    Call(call::Call),
    Contact(contact::Contact),
    Connector(connector::Connector),
    Phone(phone::Phone),
    Issuer(issuer::Issuer),
    Sensor(sensor::Sensor),
    Order(order::Order),
    Processor(processor::Processor),
    Policy(policy::Policy),
    Statement(statement::Statement),
    Platform(platform::Platform),
    Agent(agent::Agent),
    Lock(lock::Lock),
    Unlock(lock::Unlock),
    Verify(verify::Verify),
    Log(log::Log),
    Listen(listen::Listen),
    Webhook(webhook::Webhook),
    Cluster(cluster::Cluster),
    Ops(ops::Ops),
    Explain(explain::Explain),
    Completion(completion::Completion),
}

/// Runs the command with the process's arguments.
#[must_use]
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(shown) => {
            // Help and version are data; a usage error is commentary. clap knows which is which.
            let (Ok(()) | Err(_)) = shown.print();
            let exit = if shown.use_stderr() {
                Exit::Usage
            } else {
                Exit::Done
            };
            return ExitCode::from(exit.number());
        }
    };
    let output = Output::new(cli.global.output, cli.global.quiet);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(dispatch(cli, output)),
        Err(source) => Err(Error::Process {
            what: format!("no threads: {source}"),
        }),
    };
    match result {
        Ok(()) => ExitCode::from(Exit::Done.number()),
        Err(error) => {
            output.error(&error);
            ExitCode::from(error.code().exit().number())
        }
    }
}

async fn dispatch(cli: Cli, output: Output) -> Result<(), Error> {
    let global = cli.global;
    match cli.verb {
        Verb::Dev(verb) => Box::pin(verb.run(output)).await,
        Verb::Demo(verb) => Box::pin(verb.run(output)).await,
        Verb::Enrol(verb) => Box::pin(verb.run(&global, output)).await,
        Verb::Call(verb) => Box::pin(verb.run(&global, output)).await,
        Verb::Contact(verb) => Box::pin(verb.run(&global, output)).await,
        Verb::Connector(verb) => Box::pin(verb.run(&global, output)).await,
        Verb::Phone(verb) => Box::pin(verb.run(&global, output)).await,
        Verb::Issuer(verb) => Box::pin(verb.run(&global, output)).await,
        Verb::Sensor(verb) => Box::pin(verb.run(&global, output)).await,
        Verb::Order(verb) => Box::pin(verb.run(&global, output)).await,
        Verb::Processor(verb) => Box::pin(verb.run(&global, output)).await,
        Verb::Policy(verb) => Box::pin(verb.run(&global, output)).await,
        Verb::Statement(verb) => Box::pin(verb.run(&global, output)).await,
        Verb::Platform(verb) => Box::pin(verb.run(&global, output)).await,
        Verb::Agent(verb) => Box::pin(verb.run(&global, output)).await,
        Verb::Lock(verb) => Box::pin(verb.run(&global, output)).await,
        Verb::Unlock(verb) => Box::pin(verb.run(&global, output)).await,
        Verb::Verify(verb) => verb.run(&global, output),
        Verb::Log(verb) => Box::pin(verb.run(&global, output)).await,
        Verb::Listen(verb) => Box::pin(verb.run(&global, output)).await,
        Verb::Webhook(verb) => Box::pin(verb.run(&global, output)).await,
        Verb::Cluster(verb) => Box::pin(verb.run(&global, output)).await,
        Verb::Ops(verb) => verb.run(&global, output),
        Verb::Explain(verb) => verb.run(output),
        Verb::Completion(verb) => {
            verb.run(Cli::command(), output);
            Ok(())
        }
    }
}

/// Refuses a path where something is, before anything is done that it would be needed for.
fn must_be_new(path: &std::path::Path) -> Result<(), Error> {
    if path.exists() {
        return Err(Error::Exists {
            path: path.to_owned(),
        });
    }
    Ok(())
}

/// Reads an id of 32 hexadecimal digits.
fn id_from_text(text: &str, name: &str) -> Result<[u8; 16], Error> {
    let mut id = [0; 16];
    hex::decode_to_slice(text, &mut id)
        .map_err(|_bad| Error::usage(format!("{name}: 32 hexadecimal digits are needed")))?;
    Ok(id)
}

/// Every help page, in the order of the commands: what the golden file holds.
#[must_use]
pub fn help_pages() -> String {
    fn page(command: &mut clap::Command, path: &str, pages: &mut String) {
        let help = command.render_help().to_string();
        pages.push_str(&format!("### {path}\n{}\n", help.trim_end()));
        let names: Vec<String> = command
            .get_subcommands()
            .map(|sub| sub.get_name().to_owned())
            .collect();
        for name in names.iter().filter(|name| *name != "help") {
            if let Some(sub) = command.find_subcommand_mut(name) {
                page(sub, &format!("{path} {name}"), pages);
            }
        }
    }
    let mut command = Cli::command().term_width(100);
    command.build();
    let mut pages = String::new();
    page(&mut command, "akashi", &mut pages);
    pages
}

#[cfg(test)]
mod tests {
    use expect_test::expect_file;

    use super::*;

    #[test]
    fn the_help_pages_are_as_reviewed() {
        expect_file!["../../tests/golden/help.txt"].assert_eq(&help_pages());
    }

    #[test]
    fn every_command_that_does_something_shows_an_example() {
        fn check(command: &clap::Command, path: &str) {
            let subs: Vec<&clap::Command> = command
                .get_subcommands()
                .filter(|sub| sub.get_name() != "help")
                .collect();
            if subs.is_empty() {
                let help = command
                    .get_after_help()
                    .map(ToString::to_string)
                    .unwrap_or_default();
                assert!(
                    help.contains("Example:\n  akashi "),
                    "{path} has no example"
                );
            }
            for sub in subs {
                check(sub, &format!("{path} {}", sub.get_name()));
            }
        }
        check(&Cli::command(), "akashi");
    }

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }
}
