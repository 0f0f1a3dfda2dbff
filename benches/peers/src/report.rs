//! The section of `RESULTS.md` that a run writes: ratios first, then the figures behind them.

use std::{fmt::Write as _, fs, process::Command};

use akashi_proof::RangeBits;

use crate::{
    rows::{BAD, BATCHES, CALL, LOGIN, Name, RANGE_32, Run},
    samples::Case,
};

const START: &str = "<!-- proofs: written by make bench-proofs -->";
const END: &str = "<!-- end of proofs -->";

/// `old` with this section in the place of its last one, or at the end.
pub fn replaced(old: &str, section: &str) -> String {
    match (old.find(START), old.find(END)) {
        (Some(start), Some(end)) if start < end => {
            let after = old[end + END.len()..].trim_start_matches('\n');
            format!("{}{section}{after}", &old[..start])
        }
        _ => format!("{}\n\n{section}", old.trim_end()),
    }
}

/// What the figures were measured on.
pub struct Machine {
    date: String,
    load: String,
    stolen_s: u64,
}

impl Machine {
    pub fn look() -> Self {
        let stat = read("/proc/stat");
        // Ticks of a hundredth of a second, the eighth figure of the first line (proc(5)).
        let stolen = stat
            .split_whitespace()
            .nth(8)
            .and_then(|ticks| ticks.parse::<u64>().ok());
        let date = Command::new("date")
            .args(["-u", "+%Y-%m-%dT%H:%M:%SZ"])
            .output();
        Self {
            date: date.map_or_else(
                |_| "unknown".into(),
                |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
            ),
            load: read("/proc/loadavg")
                .split_whitespace()
                .take(3)
                .collect::<Vec<_>>()
                .join(" "),
            stolen_s: stolen.unwrap_or(0) / 100,
        }
    }
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// The whole section.
pub fn section(run: &Run, before: &Machine) -> String {
    let mut text = String::new();
    // Writing into a string cannot fail.
    head(&mut text, run, before).unwrap();
    goals(&mut text, run).unwrap();
    kinds(&mut text, run).unwrap();
    submissions(&mut text, run).unwrap();
    peers(&mut text, run).unwrap();
    hostile(&mut text, run).unwrap();
    writeln!(text, "{END}").unwrap();
    text
}

fn head(text: &mut String, run: &Run, before: &Machine) -> std::fmt::Result {
    let after = Machine::look();
    let cpuinfo = read("/proc/cpuinfo");
    let processor = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown", |(_, name)| name);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let stat = read("/proc/self/stat");
    let nice = stat
        .rsplit_once(')')
        .and_then(|(_, rest)| rest.split_whitespace().nth(16));
    let rounds = run.rows.first().map_or(0, |row| row.ns.len());
    writeln!(text, "{START}\n## Proofs\n")?;
    writeln!(
        text,
        "Made by `make bench-proofs`; how, and what they do not say: [README.md](README.md). \
         Processor time of one thread, medians over {rounds} rounds with (min–max); every round \
         measures every row. Ratios are formed round by round.\n"
    )?;
    writeln!(text, "| | |\n|---|---|")?;
    writeln!(text, "| date | {} |", before.date)?;
    writeln!(text, "| machine | {processor}, {cores} cores |")?;
    writeln!(
        text,
        "| load average | {} before, {} after; {} s stolen by the hypervisor; nice {} |",
        before.load,
        after.load,
        after.stolen_s - before.stolen_s,
        nice.unwrap_or("unknown"),
    )?;
    writeln!(
        text,
        "| AnonCreds | {} |\n",
        run.anoncreds.as_ref().map_or_else(
            || "left out: no Python with package anoncreds was named".into(),
            |peer| format!(
                "PyPI anoncreds 0.2.3, one predicate ≥, presentation of {} B of JSON",
                peer.bytes
            )
        )
    )
}

/// One figure per round.
type Rounds = Vec<f64>;

fn ns(run: &Run, name: &Name) -> Option<Rounds> {
    let row = run.rows.iter().find(|row| row.name == *name)?;
    row.ns
        .iter()
        .all(|ns| *ns > 0)
        .then(|| row.ns.iter().map(|ns| *ns as f64).collect())
}

fn ratio(run: &Run, above: &Name, below: &Name) -> Option<Rounds> {
    let (above, below) = (ns(run, above)?, ns(run, below)?);
    Some(
        above
            .iter()
            .zip(below)
            .map(|(above, below)| above / below)
            .collect(),
    )
}

fn median(rounds: &Rounds) -> f64 {
    let mut sorted = rounds.clone();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// The median in bold, with the smallest and the largest.
fn spread(rounds: &Rounds, digits: usize) -> String {
    let least = rounds.iter().copied().fold(f64::INFINITY, f64::min);
    let most = rounds.iter().copied().fold(0.0, f64::max);
    let middle = median(rounds);
    format!("**{middle:.digits$}** ({least:.digits$}–{most:.digits$})")
}

/// Microseconds, without the spread.
fn us(run: &Run, name: &Name) -> String {
    ns(run, name).map_or_else(
        || "–".into(),
        |rounds| {
            let us = median(&rounds) / 1_000.0;
            if us < 100.0 {
                format!("{us:.1}")
            } else {
                format!("{us:.0}")
            }
        },
    )
}

enum Goal {
    AtMost(f64),
    AtLeast(f64),
}

fn goals(text: &mut String, run: &Run) -> std::fmt::Result {
    use Goal::{AtLeast, AtMost};
    let bulletproofs = Name::Bulletproofs(32, 1);
    let rows = [
        (
            "possession, batch of 1,024 : Ed25519 `verify_batch` of 1,024",
            Name::Together(Case::Possession, 1_024),
            Name::Ed25519Batch(1_024),
            AtMost(1.15),
        ),
        (
            "call, batch of 256 : Ed25519 `verify_batch` of 256",
            Name::Call(256),
            Name::Ed25519Batch(256),
            AtMost(18.0),
        ),
        (
            "agent login, batch of 64 : Ed25519 `verify_batch` of 64",
            Name::Login(64),
            Name::Ed25519Batch(64),
            AtMost(40.0),
        ),
        (
            "range of 32 bits, alone : crate `bulletproofs`",
            Name::Alone(RANGE_32),
            bulletproofs,
            AtMost(1.0),
        ),
        (
            "AnonCreds : range of 32 bits, alone",
            Name::AnonCreds,
            Name::Alone(RANGE_32),
            AtLeast(60.0),
        ),
        (
            "AnonCreds : call (device, PIN and range), alone",
            Name::AnonCreds,
            Name::Call(1),
            AtLeast(60.0),
        ),
        (
            "AnonCreds : range of 32 bits, batch of 256",
            Name::AnonCreds,
            Name::Together(RANGE_32, 256),
            AtLeast(200.0),
        ),
        (
            "AnonCreds : call (device, PIN and range), batch of 256",
            Name::AnonCreds,
            Name::Call(256),
            AtLeast(200.0),
        ),
    ];
    writeln!(
        text,
        "### Ratios and goals\n\n| ratio | | goal | |\n|---|---|---|---|"
    )?;
    for (what, above, below, goal) in rows {
        let Some(rounds) = ratio(run, &above, &below) else {
            continue;
        };
        let (sign, bound, reached) = match goal {
            AtMost(bound) => ("≤", bound, median(&rounds) <= bound),
            AtLeast(bound) => ("≥", bound, median(&rounds) >= bound),
        };
        let reached = if reached { "reached" } else { "**missed**" };
        writeln!(
            text,
            "| {what} | {} | {sign} {bound} | {reached} |",
            spread(&rounds, 2)
        )?;
    }
    writeln!(text)
}

fn kinds(text: &mut String, run: &Run) -> std::fmt::Result {
    writeln!(text, "### Each kind\n")?;
    writeln!(
        text,
        "µs per proof: made; verified alone; verified in batches. In brackets, the same in units of one \
         Ed25519 `verify_batch` of that size.\n"
    )?;
    write!(text, "| | bytes | prove | alone |")?;
    for size in BATCHES {
        write!(text, " of {size} |")?;
    }
    writeln!(text, "\n|---|---|---|---|---|---|---|---|")?;
    for (case, bytes) in &run.sizes {
        let (prove, alone) = (us(run, &Name::Prove(*case)), us(run, &Name::Alone(*case)));
        write!(text, "| {} | {bytes} | {prove} | {alone} |", case.name())?;
        for size in BATCHES {
            let name = Name::Together(*case, size);
            write!(text, " {}{} |", us(run, &name), units(run, &name, size))?;
        }
        writeln!(text)?;
    }
    writeln!(text)
}

fn units(run: &Run, name: &Name, size: usize) -> String {
    ratio(run, name, &Name::Ed25519Batch(size))
        .map_or_else(String::new, |rounds| format!(" ({:.1})", median(&rounds)))
}

fn submissions(text: &mut String, run: &Run) -> std::fmt::Result {
    if ns(run, &Name::Call(1)).is_none() {
        return Ok(());
    }
    writeln!(text, "### Whole submissions\n\nµs per submission.\n")?;
    writeln!(
        text,
        "| | bytes | alone | 16 | 64 | 256 |\n|---|---|---|---|---|---|"
    )?;
    let bytes = |parts: [Case; 3]| -> usize {
        let of = |part: &Case| {
            run.sizes
                .iter()
                .find(|(case, _)| case == part)
                .map_or(0, |(_, b)| *b)
        };
        parts.iter().map(of).sum()
    };
    let calls = (
        "call: device, PIN, one 32-bit range",
        bytes(CALL),
        Name::Call as fn(usize) -> Name,
    );
    let logins = (
        "agent login: device, PIN, face 512, sensor's Ed25519 strict",
        bytes(LOGIN) + 64,
        Name::Login as fn(usize) -> Name,
    );
    for (what, bytes, name) in [calls, logins] {
        write!(text, "| {what} | {bytes} |")?;
        for size in [1, 16, 64, 256] {
            let units = if size == 1 {
                String::new()
            } else {
                units(run, &name(size), size)
            };
            write!(text, " {}{units} |", us(run, &name(size)))?;
        }
        writeln!(text)?;
    }
    writeln!(text)
}

fn peers(text: &mut String, run: &Run) -> std::fmt::Result {
    writeln!(text, "### The others in the same run\n")?;
    writeln!(
        text,
        "| µs each | bytes | prove | alone | of 16 | of 64 | of 256 | of 1024 |\n\
         |---|---|---|---|---|---|---|---|"
    )?;
    write!(
        text,
        "| ed25519-dalek 3.0.0 `verify` / `verify_strict`; `verify_batch` | 64 | – | {} / {} |",
        us(run, &Name::Ed25519),
        us(run, &Name::Ed25519Strict)
    )?;
    for size in BATCHES {
        write!(text, " {} |", us(run, &Name::Ed25519Batch(size)))?;
    }
    writeln!(text)?;
    for (bits, values) in [(32, 1), (32, 2), (32, 4), (64, 1), (64, 2), (64, 4)] {
        let range = if bits == 32 {
            RangeBits::ThirtyTwo
        } else {
            RangeBits::SixtyFour
        };
        let range = Case::Range(range, values);
        let size = run
            .sizes
            .iter()
            .find(|(case, _)| *case == range)
            .map(|(_, bytes)| *bytes);
        if let (Some(size), true) = (size, ns(run, &Name::Bulletproofs(bits, values)).is_some()) {
            writeln!(
                text,
                "| bulletproofs 5.0.0, {bits}×{values} (no batches) | {size} | {} | {} | – | – | – | – |",
                us(run, &Name::BulletproofsProve(bits, values)),
                us(run, &Name::Bulletproofs(bits, values)),
            )?;
        }
    }
    if ns(run, &Name::PlusProve).is_some() {
        writeln!(
            text,
            "| tari_bulletproofs_plus 0.5.3, 32×1 | {} | {} | {} | {} | {} | {} | – |",
            run.plus_bytes,
            us(run, &Name::PlusProve),
            us(run, &Name::Plus(1)),
            us(run, &Name::Plus(16)),
            us(run, &Name::Plus(64)),
            us(run, &Name::Plus(256)),
        )?;
    }
    if let Some(peer) = &run.anoncreds {
        writeln!(
            text,
            "| AnonCreds 0.2.3, one predicate (no batches) | {} | {} | {} | – | – | – | – |",
            peer.bytes,
            us(run, &Name::AnonCredsProve),
            us(run, &Name::AnonCreds),
        )?;
    }
    writeln!(text)
}

fn hostile(text: &mut String, run: &Run) -> std::fmt::Result {
    let all_good = Name::Hostile(Case::Possession, 64, Some(0));
    if ns(run, &all_good).is_none() {
        return Ok(());
    }
    writeln!(text, "### Bad proofs in a batch\n")?;
    writeln!(
        text,
        "What a good proof costs, in units of what it costs in the same batch when all are good; where \
         all are bad, what each costs.\n"
    )?;
    writeln!(
        text,
        "| batch | all good, µs | 1 bad | 8 bad | all bad |\n|---|---|---|---|---|"
    )?;
    for (case, size) in [
        (Case::Possession, 64),
        (Case::Possession, 256),
        (RANGE_32, 64),
        (RANGE_32, 256),
    ] {
        let good = Name::Hostile(case, size, Some(0));
        if ns(run, &good).is_none() {
            continue;
        }
        write!(text, "| {size} of {} | {} |", case.name(), us(run, &good))?;
        for bad in BAD.into_iter().skip(1) {
            let rounds = ratio(run, &Name::Hostile(case, size, bad), &good);
            write!(
                text,
                " {} |",
                rounds.map_or_else(|| "–".into(), |rounds| spread(&rounds, 1))
            )?;
        }
        writeln!(text)?;
    }
    writeln!(text)
}
