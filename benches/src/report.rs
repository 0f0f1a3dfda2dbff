//! The table: what a run writes into `RESULTS.md`.

use std::fmt::Write as _;

use crate::hostile::{self, Liars};
use crate::load::Measured;
use crate::rounds::{AtDepth, BATCH_DEPTHS, DEPTHS, LIGHT_DEPTHS, READ_DEPTHS, Results, Round};
use crate::summary::{Spread, hundredths, ms, ratio_hundredths, thousands};
use crate::trials;

/// Per cent of the latencies below a p50 and a p99.
const P50: u8 = 50;
const P99: u8 = 99;

/// A goal: a ratio to etcd in hundredths.
#[derive(Clone, Copy)]
enum Goal {
    AtLeast(u64),
    AtMost(u64),
}

impl Goal {
    fn text(self, ratio: u64) -> String {
        let (sign, goal, met) = match self {
            Self::AtLeast(goal) => ("≥", goal, ratio >= goal),
            Self::AtMost(goal) => ("≤", goal, ratio <= goal),
        };
        let met = if met { "met" } else { "**missed**" };
        format!("{sign} {} | {met}", hundredths(goal))
    }
}

/// The whole table as Markdown.
#[must_use]
pub fn markdown(results: &Results) -> String {
    let mut text = String::new();
    // Writing into a string cannot fail.
    let (Ok(()) | Err(std::fmt::Error)) = write_all(&mut text, results);
    text
}

fn write_all(text: &mut String, results: &Results) -> std::fmt::Result {
    head(text, results)?;
    commands(text, results)?;
    goals(text, results)?;
    batches_and_reads(text, results)?;
    liars(text, results)?;
    trials(text, results)?;
    rest(text, results)
}

fn head(text: &mut String, results: &Results) -> std::fmt::Result {
    let Results {
        machine, options, ..
    } = results;
    writeln!(text, "# Figures\n")?;
    writeln!(
        text,
        "Made by `make bench`; how, and what they do not say: [README.md](README.md). Medians over {} \
         rounds with (min–max); in every round the systems take turns, depth by depth, {} s or more \
         of timed load each.\n",
        options.rounds, options.seconds
    )?;
    writeln!(text, "| | |\n|---|---|")?;
    writeln!(text, "| date | {} |", machine.date)?;
    writeln!(
        text,
        "| machine | {}, {} MiB |",
        machine.processor,
        thousands(machine.memory_mib)
    )?;
    writeln!(text, "| kernel | Linux {} |", machine.kernel)?;
    writeln!(text, "| disk | {} |", machine.disk)?;
    writeln!(
        text,
        "| load average | {} before, {} after; {} s stolen by the hypervisor; both \
         systems and the load run at nice {} |",
        machine.load, results.load_after, results.stolen_s, machine.nice
    )?;
    writeln!(
        text,
        "| setting | three nodes and the load on this one machine, TLS, durable writes; {} enrolled \
         customers; calls go to {} |",
        thousands(u64::from(options.subjects)),
        if options.spread {
            "all nodes"
        } else {
            "the leader"
        }
    )?;
    writeln!(
        text,
        "| etcd | {}; values of {} B, which is a submission in akashi's Raft log |",
        if options.no_etcd {
            "left out"
        } else {
            "three members, TLS, default settings"
        },
        results.value_bytes
    )?;
    let (ours, theirs) = results.idle_us;
    writeln!(
        text,
        "| idle | akashi spends {} ms of processor time per second, etcd {} ms |\n",
        ms(ours),
        theirs.map_or_else(|| "–".to_owned(), ms)
    )
}

/// A column of [`Measured`] out of every round.
fn over<'a>(
    results: &'a Results,
    depth: usize,
    pick: impl Fn(&'a AtDepth) -> Option<&'a Measured>,
) -> Vec<&'a Measured> {
    results
        .rounds
        .iter()
        .flat_map(|round| &round.depths)
        .filter(|at| at.depth == depth)
        .filter_map(pick)
        .collect()
}

fn spread(measured: &[&Measured], figure: impl Fn(&Measured) -> u64) -> Spread {
    Spread::of(measured.iter().map(|measured| figure(measured)))
}

fn row(text: &mut String, name: &str, depth: usize, measured: &[&Measured]) -> std::fmt::Result {
    writeln!(
        text,
        "| {depth} | {name} | {} | {} | {} | {} | {} | {} |",
        spread(measured, Measured::per_second),
        spread(measured, |m| m.percentile_us(P50)).as_ms(),
        spread(measured, |m| m.percentile_us(P99)).as_ms(),
        spread(measured, Measured::server_us_per_call),
        spread(measured, Measured::generator_us_per_call).median,
        spread(measured, Measured::elsewhere_percent).median,
    )
}

fn commands(text: &mut String, results: &Results) -> std::fmt::Result {
    writeln!(text, "## Durable commands and verdicts\n")?;
    writeln!(
        text,
        "*announce*: a pre-call notice, the small durable command, through deduplication, state, audit \
         log and Merkle tree. *verdict*: possession and PIN proofs submitted, verified by every \
         replica, recorded, acknowledged. *put*: etcd, one durable put.\n"
    )?;
    writeln!(
        text,
        "| in flight | what | per second | p50 ms | p99 ms | server CPU µs each | load's own µs | \
         others' % of a core |\n|---|---|---|---|---|---|---|---|"
    )?;
    for depth in DEPTHS {
        row(
            text,
            "announce",
            depth,
            &over(results, depth, |at| Some(&at.announcements)),
        )?;
        row(
            text,
            "verdict",
            depth,
            &over(results, depth, |at| Some(&at.verdicts)),
        )?;
        if !results.options.no_etcd {
            row(
                text,
                "etcd put",
                depth,
                &over(results, depth, |at| at.puts.as_ref()),
            )?;
        }
    }
    writeln!(text)
}

/// The ratio of one round's figures, round by round: noise that hits both cancels out.
fn ratios(
    results: &Results,
    depth: usize,
    pick: impl Fn(&AtDepth) -> &Measured,
    figure: impl Fn(&Measured) -> u64,
) -> Spread {
    let at_depth = results.rounds.iter().flat_map(|round| &round.depths);
    let at_depth = at_depth.filter(|at| at.depth == depth);
    Spread::of(at_depth.filter_map(|at| {
        let puts = at.puts.as_ref()?;
        Some(ratio_hundredths(figure(pick(at)), figure(puts)))
    }))
}

fn goals(text: &mut String, results: &Results) -> std::fmt::Result {
    if results.options.no_etcd {
        return Ok(());
    }
    writeln!(text, "## Beside etcd: ratios, round by round\n")?;
    writeln!(
        text,
        "| figure | in flight | akashi : etcd | goal | |\n|---|---|---|---|---|"
    )?;
    let mut line = |name: &str, depth: usize, ratio: Spread, goal: Goal| {
        writeln!(
            text,
            "| {name} | {depth} | **{}** ({}–{}) | {} |",
            hundredths(ratio.median),
            hundredths(ratio.min),
            hundredths(ratio.max),
            goal.text(ratio.median)
        )
    };
    let p50 = |measured: &Measured| measured.percentile_us(P50);
    let p99 = |measured: &Measured| measured.percentile_us(P99);
    line(
        "announce, p50",
        1,
        ratios(results, 1, |at| &at.announcements, p50),
        Goal::AtMost(80),
    )?;
    for depth in [64, 256] {
        let ratio = ratios(results, depth, |at| &at.announcements, Measured::per_second);
        line("announcements per second", depth, ratio, Goal::AtLeast(200))?;
    }
    line(
        "announce, p99",
        256,
        ratios(results, 256, |at| &at.announcements, p99),
        Goal::AtMost(50),
    )?;
    for depth in [64, 256] {
        let ratio = ratios(
            results,
            depth,
            |at| &at.announcements,
            Measured::server_us_per_call,
        );
        line("announce, server CPU", depth, ratio, Goal::AtMost(50))?;
    }
    for depth in DEPTHS {
        let ratio = ratios(results, depth, |at| &at.verdicts, Measured::per_second);
        line("verdicts per second", depth, ratio, Goal::AtLeast(100))?;
    }
    for depth in BATCH_DEPTHS {
        let ratio = batch_ratios(results, depth);
        let name = "announcements per second, 64 in a call : puts at 256";
        line(name, depth, ratio, Goal::AtLeast(1_000))?;
    }
    for (place, depth) in READ_DEPTHS.into_iter().enumerate() {
        let each = results.rounds.iter().filter_map(|round| {
            let (_, ours, theirs) = round.reads.get(place)?;
            let theirs = theirs.as_ref()?;
            Some(ratio_hundredths(ours.per_second(), theirs.per_second()))
        });
        let name = "linearizable reads : gets per second";
        line(name, depth, Spread::of(each), Goal::AtLeast(200))?;
    }
    writeln!(text)
}

/// Announcements per second in batches to puts per second at the largest depth, round by round.
fn batch_ratios(results: &Results, depth: usize) -> Spread {
    Spread::of(results.rounds.iter().filter_map(|round| {
        let (_, batches) = round.batches.iter().find(|(at, _)| *at == depth)?;
        let puts = round.depths.last()?.puts.as_ref()?;
        Some(ratio_hundredths(batches.per_second(), puts.per_second()))
    }))
}

fn batches_and_reads(text: &mut String, results: &Results) -> std::fmt::Result {
    writeln!(text, "## Several announcements in a call, and reads\n")?;
    writeln!(
        text,
        "An announcement of a customer who was asked before withdraws the earlier question: it makes three \
         leaves, not two. Times are those of a call; processor time is that of one announcement or read.\n"
    )?;
    writeln!(
        text,
        "| calls in flight | what | per second | p50 ms | p99 ms | server CPU µs each | load's own µs | \
         others' % of a core |\n|---|---|---|---|---|---|---|---|"
    )?;
    for (place, depth) in BATCH_DEPTHS.into_iter().enumerate() {
        let all = results
            .rounds
            .iter()
            .filter_map(|round| round.batches.get(place));
        let all: Vec<&Measured> = all.map(|(_, measured)| measured).collect();
        row(text, "announce, 64 in a call", depth, &all)?;
    }
    for (place, depth) in READ_DEPTHS.into_iter().enumerate() {
        let all = || {
            results
                .rounds
                .iter()
                .filter_map(move |round| round.reads.get(place))
        };
        let ours: Vec<&Measured> = all().map(|(_, ours, _)| ours).collect();
        row(text, "read of a contact", depth, &ours)?;
        let theirs: Vec<&Measured> = all().filter_map(|(_, _, theirs)| theirs.as_ref()).collect();
        if !results.options.no_etcd {
            row(text, "etcd get", depth, &theirs)?;
        }
    }
    writeln!(text)
}

fn liars(text: &mut String, results: &Results) -> std::fmt::Result {
    writeln!(text, "## Honest verdicts beside liars\n")?;
    writeln!(
        text,
        "{} submissions in flight; a lie is another customer's proofs, which every replica judges and \
         refuses. Goal: one lie in every batch of proofs slows the honest ones by a third at most. Where \
         every other submission is a lie, the honest ones are half of the load.\n",
        hostile::DEPTH
    )?;
    writeln!(
        text,
        "| | honest per second | to no liars, round by round | p99 ms | server CPU µs per honest verdict \
         |\n|---|---|---|---|---|"
    )?;
    for (place, share) in Liars::ALL.into_iter().enumerate() {
        let at = |round: &'_ Round| round.liars.get(place).map(|(_, measured)| measured.clone());
        let measured: Vec<Measured> = results.rounds.iter().filter_map(at).collect();
        let measured: Vec<&Measured> = measured.iter().collect();
        let ratio = Spread::of(results.rounds.iter().filter_map(|round| {
            let (_, none) = round.liars.first()?;
            let (_, some) = round.liars.get(place)?;
            Some(ratio_hundredths(some.per_second(), none.per_second()))
        }));
        writeln!(
            text,
            "| {} | {} | **{}** ({}–{}) | {} | {} |",
            share.name(),
            spread(&measured, Measured::per_second),
            hundredths(ratio.median),
            hundredths(ratio.min),
            hundredths(ratio.max),
            spread(&measured, |m| m.percentile_us(P99)).as_ms(),
            spread(&measured, Measured::server_us_per_call),
        )?;
    }
    writeln!(text)
}

fn trials(text: &mut String, results: &Results) -> std::fmt::Result {
    let Some(trials) = &results.trials else {
        return Ok(());
    };
    let (full, many) = &trials.load;
    let (alone, slowed) = &trials.follower;
    let goodput = ratio_hundredths(many.per_second(), full.per_second());
    let tail = ratio_hundredths(slowed.percentile_us(P99), alone.percentile_us(P99));
    let pause = |pick: fn(&(u64, u64)) -> u64| Spread::of(trials.pauses_ms.iter().map(pick));
    let (before, after) = (pause(|one| one.0), pause(|one| one.1));
    writeln!(text, "## Too many callers, hand-overs, a slow follower\n")?;
    writeln!(text, "| figure | | goal | |\n|---|---|---|---|")?;
    writeln!(
        text,
        "| announcements per second, {} in flight : {} in flight ({} : {}) | **{}** | {} |",
        trials::TOO_MANY,
        trials::FULL,
        thousands(many.per_second()),
        thousands(full.per_second()),
        hundredths(goodput),
        Goal::AtLeast(90).text(goodput)
    )?;
    let bounded = if trials.memory_mib <= 1_024 {
        "met"
    } else {
        "**missed**"
    };
    writeln!(
        text,
        "| memory of the largest node, ever, MiB | **{}** | ≤ 1,024 | {bounded} |",
        thousands(trials.memory_mib)
    )?;
    let short = if after.median <= 100 {
        "met"
    } else {
        "**missed**"
    };
    writeln!(
        text,
        "| hand-over: longest pause between two answers, ms, {} times (before it: {}) | {after} | ≤ 100 | {short} |",
        trials.pauses_ms.len(),
        before.median,
    )?;
    writeln!(
        text,
        "| p99 at {} in flight beside a follower that stands still ten parts of eleven, to that without | **{}** | {} |\n",
        trials::BUSY,
        hundredths(tail),
        Goal::AtMost(120).text(tail)
    )
}

fn rest(text: &mut String, results: &Results) -> std::fmt::Result {
    writeln!(text, "## Seals, fail-over, limits\n")?;
    writeln!(
        text,
        "| figure | in flight | per second | p50 ms | p99 ms |\n|---|---|---|---|---|"
    )?;
    for (place, depth) in LIGHT_DEPTHS.into_iter().enumerate() {
        let seals = |percent: u8| {
            Spread::of(results.rounds.iter().filter_map(|round| {
                let (_, times) = round.seals_us.get(place)?;
                Some(times.value_at_percentile(f64::from(percent)))
            }))
            .as_ms()
        };
        writeln!(
            text,
            "| verdict acknowledged → sealed | {depth} | – | {} | {} |",
            seals(P50),
            seals(P99)
        )?;
    }
    let gaps = &results.gaps;
    let gap = Spread::of(gaps.gaps_ms.iter().copied());
    writeln!(
        text,
        "| leader SIGKILL → next acknowledged verdict, {} kills | 8 | – | **{}** (max {}) | – |",
        gaps.gaps_ms.len(),
        thousands(gap.median),
        thousands(gap.max)
    )?;
    for (place, depth) in LIGHT_DEPTHS.into_iter().enumerate() {
        let trips: Vec<&Measured> = results
            .rounds
            .iter()
            .filter_map(|round| round.round_trips.get(place).map(|(_, measured)| measured))
            .collect();
        limit(text, "empty gRPC call over TLS (health)", depth, &trips)?;
    }
    let syncs: Vec<&Measured> = results
        .rounds
        .iter()
        .map(|round: &Round| &round.syncs)
        .collect();
    limit(
        text,
        "write of 4 KiB + fdatasync, prezeroed file",
        1,
        &syncs,
    )?;
    writeln!(
        text,
        "\nDuring the kills {} submissions were acknowledged as verified and {} ended in an error at \
         the client after its retries.",
        thousands(gaps.acknowledged),
        thousands(gaps.failed)
    )
}

fn limit(text: &mut String, name: &str, depth: usize, measured: &[&Measured]) -> std::fmt::Result {
    writeln!(
        text,
        "| limit: {name} | {depth} | {} | {} | {} |",
        spread(measured, Measured::per_second),
        spread(measured, |m| m.percentile_us(P50)).as_ms(),
        spread(measured, |m| m.percentile_us(P99)).as_ms(),
    )
}
