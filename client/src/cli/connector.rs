//! `akashi connector`: drives the cluster from a trace of a telephone system's events.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::json;

use super::Global;
use super::output::Output;
use crate::connector::{self, Speed, Summary, Trace};
use crate::error::Error;

/// Seconds that one step may take, a customer's answer to a step-up included.
const STEP_S: u64 = 60;

/// Drive the cluster from a telephone system's events
#[derive(Debug, Args)]
pub(super) struct Connector {
    #[command(subcommand)]
    verb: ConnectorVerb,
}

#[derive(Debug, Subcommand)]
enum ConnectorVerb {
    /// Drive the calls of a trace file in their own timing, and sum up what became of them
    #[command(after_help = "\
docs/connector.md describes the file. Phones answer on their own: `akashi phone answer --auto`.
Exit status 1 if anything happened that the trace does not expect.

Example:
  akashi connector run --trace client/traces/a-few-calls.jsonl --speed 2 --context ./dev")]
    Run(Run),
    /// Check a trace file; nothing is sent
    #[command(after_help = "\
Example:
  akashi connector check --trace client/traces/a-few-calls.jsonl")]
    Check(File),
}

#[derive(Debug, Args)]
struct File {
    /// Trace file, JSON Lines
    #[arg(long, value_name = "FILE")]
    trace: PathBuf,
}

#[derive(Debug, Args)]
struct Run {
    #[command(flatten)]
    file: File,
    /// How many times as fast as the trace says
    #[arg(long, default_value_t = 1, value_name = "TIMES", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    speed: u32,
}

impl Connector {
    pub(super) async fn run(self, global: &Global, output: Output) -> Result<(), Error> {
        match self.verb {
            ConnectorVerb::Check(file) => {
                show_trace(&connector::read(&file.trace)?, output);
                Ok(())
            }
            ConnectorVerb::Run(verb) => {
                let trace = connector::read(&verb.file.trace)?;
                let speed =
                    Speed::new(verb.speed).ok_or_else(|| Error::usage("speed: 1 to 1,000"))?;
                let platform = global.context()?.platform()?;
                show_trace(&trace, output);
                let each = Duration::from_secs(global.timeout.unwrap_or(STEP_S));
                let summary = connector::run(&platform, trace, speed, each).await;
                show(&summary, output);
                if summary.surprises.is_empty() {
                    Ok(())
                } else {
                    Err(Error::Trace {
                        count: summary.surprises.len(),
                    })
                }
            }
        }
    }
}

fn show_trace(trace: &Trace, output: Output) {
    let steps: usize = trace.calls.iter().map(|call| call.steps.len()).sum();
    let last = trace.calls.iter().flat_map(|call| &call.steps);
    let length = last.map(|step| step.at).max().unwrap_or_default();
    output.note(&format!(
        "{} calls, {steps} steps in {} s",
        trace.calls.len(),
        length.as_secs()
    ));
}

fn show(summary: &Summary, output: Output) {
    for surprise in &summary.surprises {
        output.note(&format!(
            "{} line {}: {}: {}",
            output.mark(false),
            surprise.line,
            surprise.step,
            surprise.what
        ));
    }
    let verdict_ms = |per_cent| {
        let us = connector::percentile(&summary.verdict_us, per_cent);
        us.map(|us| us / 1_000)
    };
    let late_ms = |per_cent| {
        let late = connector::percentile(&summary.late, per_cent);
        late.and_then(|late| u64::try_from(late.as_millis()).ok())
    };
    let words = |value: Option<u64>| value.map_or_else(String::new, |ms| format!("{ms} ms"));
    let counts = |map: &std::collections::BTreeMap<&'static str, u64>| {
        let each: Vec<String> = map.iter().map(|(name, n)| format!("{name} {n}")).collect();
        each.join(", ")
    };
    let fields = [
        ("calls", summary.calls.to_string()),
        ("steps done", counts(&summary.done)),
        (
            "refused as expected",
            summary.refused_as_expected.to_string(),
        ),
        ("not as expected", summary.surprises.len().to_string()),
        ("verdicts", counts(&summary.outcomes)),
        ("announced to verdict, p50", words(verdict_ms(50))),
        ("announced to verdict, p95", words(verdict_ms(95))),
        ("steps late by, p50", words(late_ms(50))),
        ("steps late by, p99", words(late_ms(99))),
    ];
    let surprises: Vec<serde_json::Value> = summary
        .surprises
        .iter()
        .map(|s| json!({ "line": s.line, "step": s.step, "what": s.what }))
        .collect();
    let json = json!({
        "calls": summary.calls, "done": summary.done, "outcomes": summary.outcomes,
        "refusedAsExpected": summary.refused_as_expected, "surprises": surprises,
        "verdictMs": { "p50": verdict_ms(50), "p95": verdict_ms(95) },
        "lateMs": { "p50": late_ms(50), "p99": late_ms(99) },
    });
    let shown: Vec<(&str, String)> = fields
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .collect();
    output.record(&shown, &json);
}
