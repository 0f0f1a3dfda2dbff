//! Measures one replica's state machine on its real store, over many contacts, and how long a log of a
//! given size takes to open.
//!
//! One thread applies, as in a node; RocksDB's own threads flush and compact beside it. Nothing is synced:
//! a replay does not sync either. Usage: `apply_bench --help`.

#![expect(clippy::print_stdout, reason = "the figures are this program's output")]
#![expect(clippy::print_stderr, reason = "a long run says where it is")]
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use akashi_benches::Failure;
use akashi_benches::replayed::{PER_ENTRY, Replayed, Stretch};
use akashi_benches::summary::{hundredths, ratio_hundredths, thousands};
use akashi_node::storage::FileDisk;
use akashi_replica::entry::{EntryKind, LogEntry};
use akashi_replica::log::{FrameBody, LogOptions, RaftLog};
use clap::Parser;

/// The node's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Where the section of the figures begins and ends in a file.
const MARKS: [&str; 2] = [
    "<!-- apply: written by make bench-apply -->",
    "<!-- end of apply -->",
];
/// Commands per second that a replay must reach.
const REPLAY_GOAL: u64 = 100_000;
/// Seconds within which the log must be open.
const OPEN_GOAL_S: u64 = 10;
/// Bytes of an entry of the log that is opened: 64 packed announcements.
const ENTRY_BYTES: usize = 16_384;

/// What a run is told.
#[derive(Debug, Parser)]
#[command(name = "apply_bench")]
struct Options {
    /// Contacts to announce.
    #[arg(long, default_value_t = 1_000_000)]
    contacts: u64,
    /// Customers to whom they belong.
    #[arg(long, default_value_t = 20_000)]
    customers: u32,
    /// Contacts of one line of the table.
    #[arg(long, default_value_t = 100_000)]
    stretch: u64,
    /// MiB of the log to open; zero leaves it out.
    #[arg(long, default_value_t = 1_024)]
    log_mib: u64,
    /// Where the store and the log are made, and removed.
    #[arg(long, default_value = ".")]
    dir: PathBuf,
    /// The file to write the section into.
    #[arg(long)]
    out: Option<PathBuf>,
}

fn main() -> Result<(), Failure> {
    let options = Options::parse();
    let work = tempfile::Builder::new()
        .prefix("apply-bench-")
        .tempdir_in(&options.dir)?;
    let mut section = String::from("## Applying entries\n\n");
    apply(&options, work.path(), &mut section)?;
    if options.log_mib > 0 {
        open_log(options.log_mib, work.path(), &mut section)?;
    }
    println!("{section}");
    if let Some(path) = &options.out {
        write_into(path, &section)?;
    }
    Ok(())
}

fn apply(options: &Options, work: &Path, section: &mut String) -> Result<(), Failure> {
    let mut replayed = Replayed::start(&work.join("state"), options.customers)?;
    let mut stretches: Vec<Stretch> = Vec::new();
    let mut left = options.contacts;
    while left > 0 {
        let stretch = replayed.announce(options.stretch.min(left))?;
        left = left.saturating_sub(stretch.applied);
        let (contacts, rate) = (thousands(stretch.contacts), thousands(stretch.per_second()));
        eprintln!("{contacts} contacts: {rate} announcements/s");
        stretches.push(stretch);
    }
    let (Some(first), Some(last)) = (stretches.first(), stretches.last()) else {
        return Err("no contacts were asked for".into());
    };
    let applied: u64 = stretches.iter().map(|one| one.applied).sum();
    let whole = Stretch {
        contacts: last.contacts,
        applied,
        time: stretches.iter().map(|one| one.time).sum(),
    };
    let met = if whole.per_second() >= REPLAY_GOAL {
        "met"
    } else {
        "**missed**"
    };
    writeln!(
        section,
        "Made by `make bench-apply` on {}, load average {}: one thread applies entries of {PER_ENTRY} announcements each on \
         RocksDB, without syncs; {} customers, whose challenges run out unanswered.\n",
        day(),
        load(),
        thousands(u64::from(options.customers)),
    )?;
    writeln!(
        section,
        "| contacts so far | announcements applied per second | each, µs |\n|---|---|---|"
    )?;
    for one in stretches.iter().chain([&whole]) {
        let each_us = ratio_hundredths(u64::try_from(one.time.as_micros())?, one.applied);
        let name = if one.applied == whole.applied {
            "all"
        } else {
            ""
        };
        let (contacts, rate) = (thousands(one.contacts), thousands(one.per_second()));
        writeln!(
            section,
            "| {contacts} {name} | {rate} | {} |",
            hundredths(each_us)
        )?;
    }
    let flat = ratio_hundredths(first.per_second(), last.per_second());
    writeln!(
        section,
        "\nReplay, goal ≥ {} per second: {met}. The last stretch costs {} times the first.",
        thousands(REPLAY_GOAL),
        hundredths(flat)
    )?;
    Ok(())
}

/// Writes a log of that size and opens it as a start of a node does.
fn open_log(mib: u64, work: &Path, section: &mut String) -> Result<(), Failure> {
    let path = work.join("log");
    fs::create_dir(&path)?;
    let options = LogOptions::new([7; 16]);
    let mut log = RaftLog::format(FileDisk::open(&path)?, options)?;
    let entries = (mib << 20) / u64::try_from(ENTRY_BYTES)?;
    for index in 1..=entries {
        log.append(FrameBody::Append {
            entries: vec![LogEntry {
                index,
                term: 1,
                kind: EntryKind::Normal,
                data: vec![u8::try_from(index % 251)?; ENTRY_BYTES],
            }],
            hard_state: None,
        })?;
        if index.is_multiple_of(16) || index == entries {
            log.sync()?;
        }
    }
    drop(log);
    let began = Instant::now();
    let (_log, recovered) = RaftLog::open(FileDisk::open(&path)?, options)?;
    let time = began.elapsed();
    if recovered.last_index != entries {
        return Err("the log was not read to its end".into());
    }
    let met = if time <= Duration::from_secs(OPEN_GOAL_S) {
        "met"
    } else {
        "**missed**"
    };
    writeln!(
        section,
        "\nOpening a log of {} MiB ({} entries, every checksum and the chain checked; its pages may be in memory): **{} ms**, \
         goal ≤ {OPEN_GOAL_S} s: {met}.",
        thousands(mib),
        thousands(entries),
        thousands(u64::try_from(time.as_millis())?)
    )?;
    Ok(())
}

fn write_into(path: &Path, section: &str) -> Result<(), Failure> {
    let old = fs::read_to_string(path).unwrap_or_default();
    let [begin, end] = MARKS;
    let (before, rest) = old.split_once(begin).unwrap_or((&old, ""));
    let behind = rest.split_once(end).map_or("", |(_, behind)| behind);
    let (before, behind) = (before.trim_end(), behind.trim_start());
    fs::write(
        path,
        format!("{before}\n\n{begin}\n{section}{end}\n{behind}"),
    )?;
    Ok(())
}

fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

/// Today, in UTC.
fn day() -> String {
    let now = akashi_client::clock::rfc3339(akashi_client::clock::unix_us());
    now.split('T').next().unwrap_or_default().to_owned()
}
