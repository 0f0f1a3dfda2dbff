//! `akashi log`: reads the audit log and believes only what the cosigners' signatures prove.

use std::fs;
use std::path::{Path, PathBuf};

use akashi_merkle::{Follower, Frontier, Leaf};
use clap::{Args, Subcommand};
use serde_json::json;

use super::output::Output;
use super::{Global, leaf};
use crate::auditor::{Auditor, Flow};
use crate::cli::output::Format;
use crate::clock;
use crate::error::Error;
use crate::event::{self, json};
use crate::files::{self, Mode};

/// Read and check the audit log
#[derive(Debug, Args)]
pub(super) struct Log {
    #[command(subcommand)]
    verb: LogVerb,
}

#[derive(Debug, Subcommand)]
enum LogVerb {
    /// Print leaves in order, each verified before it is printed
    #[command(after_help = "\
With --state the verified position is kept in a file: the next run goes on from there, and a log that
was rewound, forked or made anew is noticed (exit status 7).

Example:
  akashi log tail --follow --event verdict.reached -o jsonl")]
    Tail(Tail),
    /// Print one leaf, as one node has it
    #[command(after_help = "Example:\n  akashi log show 42")]
    Show(At),
    /// Fetch the receipt of a leaf, check it, print it
    #[command(after_help = "Example:\n  akashi log prove 42 --file 42.tlog-proof")]
    Prove(Prove),
    /// Download and verify the whole log from its first leaf
    #[command(after_help = "Example:\n  akashi log check")]
    Check,
}

#[derive(Debug, Args)]
struct Tail {
    /// Keep waiting for new leaves until the timeout
    #[arg(long, short)]
    follow: bool,
    /// Only events of this name; the others are verified all the same
    #[arg(long, value_name = "NAME")]
    event: Option<String>,
    /// File with the verified position
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct At {
    /// Index of the leaf, from 0
    leaf: u64,
}

#[derive(Debug, Args)]
struct Prove {
    /// Index of the leaf, from 0
    leaf: u64,
    /// Write the receipt to this new file instead of stdout
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

impl Log {
    pub(super) async fn run(self, global: &Global, output: Output) -> Result<(), Error> {
        let auditor = global.context()?.auditor()?;
        match self.verb {
            LogVerb::Tail(tail) => tail.run(&auditor, global, output).await,
            LogVerb::Show(at) => {
                let bytes = auditor.leaf(at.leaf, global.deadline()).await?;
                let parsed = decode(&bytes)?;
                let json = [json::leaf_json(at.leaf, &parsed)];
                output.note("one node's word; `akashi log prove` gives the evidence");
                output.records(
                    &leaf::LEAF_HEADER,
                    &[leaf::leaf_row(at.leaf, &parsed)],
                    &json,
                );
                Ok(())
            }
            LogVerb::Prove(prove) => {
                let (text, checked) = auditor.receipt(prove.leaf, global.deadline()).await?;
                output.note(&format!(
                    "{} leaf {} is in the tree of {} leaves; cosigned by {} of {} replicas",
                    output.mark(true),
                    checked.index(),
                    checked.head().size(),
                    checked.head().vouches().len(),
                    auditor.key_set().cosigners().len(),
                ));
                match prove.file {
                    Some(path) => files::write_new(&path, text.as_bytes(), Mode::Public),
                    None => {
                        output.raw(text.as_bytes());
                        Ok(())
                    }
                }
            }
            LogVerb::Check => check(&auditor, global, output).await,
        }
    }
}

impl Tail {
    async fn run(self, auditor: &Auditor, global: &Global, output: Output) -> Result<(), Error> {
        let mut follower = match self.state.as_deref().filter(|path| path.is_file()) {
            Some(path) => resume(auditor, path)?,
            None => auditor.follower(),
        };
        let rows = std::cell::RefCell::new(Vec::new());
        let wanted = |parsed: &Leaf| {
            self.event
                .as_ref()
                .is_none_or(|name| *name == event::name(parsed.kind))
        };
        // A table needs all rows to line its columns up; a stream is printed as it comes.
        let stream = self.follow || output.format != Format::Table;
        let deadline = if self.follow {
            global.long_deadline()
        } else {
            global.deadline()
        };
        let read = auditor
            .tail(
                &mut follower,
                self.follow,
                deadline,
                |index, bytes, _head| {
                    let parsed = decode(bytes)?;
                    if wanted(&parsed) {
                        if stream && output.format == Format::Table {
                            output.data(leaf::leaf_row(index, &parsed).join("  ").trim_end());
                        } else if stream {
                            output.data(&json::leaf_json(index, &parsed).to_string());
                        } else {
                            rows.borrow_mut().push(leaf::leaf_row(index, &parsed));
                        }
                    }
                    Ok(Flow::Continue)
                },
            )
            .await;
        if !stream {
            output.records(&leaf::LEAF_HEADER, &rows.borrow(), &[]);
        }
        if let Some(path) = &self.state {
            save(path, follower.frontier())?;
        }
        match read {
            // Following ends with the time given to it.
            Err(Error::DeadlineExceeded) if self.follow => Ok(()),
            Err(error) => Err(error),
            Ok(_) => Ok(()),
        }
    }
}

async fn check(auditor: &Auditor, global: &Global, output: Output) -> Result<(), Error> {
    let began = clock::monotonic();
    let mut follower = auditor.follower();
    let mut verdicts = 0_u64;
    let newest = auditor
        .tail(
            &mut follower,
            false,
            global.deadline(),
            |_index, bytes, _head| {
                verdicts += u64::from(decode(bytes)?.kind == event::VERDICT_REACHED);
                Ok(Flow::Continue)
            },
        )
        .await?;
    let milliseconds = (clock::monotonic() - began).as_millis();
    let token = follower.token();
    let vouches = newest.map_or(0, |head| head.vouches().len());
    output.note(&format!(
        "{} every leaf from the first to the newest sealed head was hashed and is in the signed tree",
        output.mark(true)
    ));
    output.record(
        &[
            ("log", token.origin.to_string()),
            ("leaves", token.size.to_string()),
            ("verdicts", verdicts.to_string()),
            ("root", hex::encode(token.root)),
            ("cosigned by", vouches.to_string()),
            ("milliseconds", milliseconds.to_string()),
        ],
        &json!({ "origin": token.origin.to_string(), "leaves": token.size,
                 "verdicts": verdicts, "root": hex::encode(token.root), "cosigners": vouches,
                 "milliseconds": u64::try_from(milliseconds).ok() }),
    );
    Ok(())
}

/// The position of an earlier run: the subtree roots must lead to the root that was verified.
pub(super) fn resume(auditor: &Auditor, path: &Path) -> Result<Follower, Error> {
    let bad = || Error::malformed(path, "not a position of `akashi log tail`");
    let bytes = hex::decode(files::read_text(path)?.trim()).map_err(|_not_hex| bad())?;
    let frontier = Frontier::decode(&bytes).map_err(|_not_a_frontier| bad())?;
    auditor
        .follower_at(&frontier)
        .map_err(|_contradiction| bad())
}

/// Writes the position beside the old one and moves it over: never half a file.
pub(super) fn save(path: &Path, place: &Frontier) -> Result<(), Error> {
    let fresh = path.with_extension("new");
    fs::write(&fresh, hex::encode(place.encode()) + "\n")
        .and_then(|()| fs::rename(&fresh, path))
        .map_err(Error::file(path))
}

fn decode(bytes: &[u8]) -> Result<Leaf, Error> {
    Leaf::decode(bytes).map_err(|_version| Error::Answer { what: "leaf" })
}
