//! `akashi agent run` and `akashi agent watch`: an agent's presence from a file of samples, and what a
//! gate hears of it.

use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::output::{Format, Output};
use super::{Global, id_from_text};
use crate::auditor::Flow;
use crate::clock;
use crate::context::Context;
use crate::error::Error;
use crate::presence::{Class, Desktop, GateWord, Screen};
use crate::sensor::SoftwareSensor;

/// Most samples of one line.
const TIMES_MAX: u32 = 1_000_000;

/// Keep an agent's presence up: samples from a file instead of a camera
#[derive(Debug, Args)]
#[command(after_help = "\
A line of the file is a class and, if it is seen more than once, how often: match, no-match, no-face,
several, occluded, lost. Empty lines and lines with # are passed over. The pace is the node's, unless
--every is given. When the file ends the camera falls silent; with --hold the last class goes on.

What the screen does is printed whenever it changes.

Example:
  akashi agent run agent-01 --session 00112233445566778899aabbccddeeff --samples shift.txt")]
pub(super) struct Run {
    /// Handle of the agent
    agent: String,
    /// The open session, in hexadecimal
    #[arg(long, value_name = "ID")]
    session: String,
    /// File with samples, or - for standard input
    #[arg(long, value_name = "FILE")]
    samples: PathBuf,
    /// Milliseconds between two samples; default: what the node asks for
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u64).range(20..=60_000))]
    every: Option<u64>,
    /// Go on with the last class when the file has ended
    #[arg(long)]
    hold: bool,
    /// Directory of a software sensor that signs the samples
    #[arg(long, value_name = "DIR")]
    sensor: Option<PathBuf>,
}

/// Follow the sessions of the tenant's agents, as a gate or a supervisor does (platform)
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  akashi agent watch --context ./dev")]
pub(super) struct Watch {
    /// Only this session, in hexadecimal
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// End once everything that stands was said
    #[arg(long)]
    once: bool,
}

impl Run {
    pub(super) async fn run(&self, context: &Context, output: Output) -> Result<(), Error> {
        let session = id_from_text(&self.session, "session")?;
        let samples = read(&self.samples)?;
        let connection = context.agent_connection(&self.agent)?;
        let mut desktop = Desktop::new(connection, session);
        if let Some(directory) = &self.sensor {
            let origin = context.key_set()?.origin().to_string();
            let sensor = SoftwareSensor::open(directory)?;
            desktop = desktop.signed_by(sensor, &origin, context.tenant())?;
        }
        if let Some(every) = self.every {
            desktop = desktop.every(Duration::from_millis(every));
        }
        let mut sensor = playback(samples, self.hold);
        let began = clock::monotonic();
        let mut before = None;
        desktop
            .keep(&mut sensor, |screen| {
                let now = (screen.presence, screen.action, screen.suspended);
                if before != Some(now) {
                    before = Some(now);
                    say(screen, began.elapsed(), output);
                }
            })
            .await
    }
}

fn say(screen: Screen, after: Duration, output: Output) {
    let presence = screen.presence.map_or("unknown", |state| state.name());
    let (seconds, tenths) = (after.as_secs(), after.subsec_millis() / 100);
    match output.format {
        Format::Json | Format::Jsonl => {
            let line = json!({ "afterMs": u64::try_from(after.as_millis()).unwrap_or(u64::MAX),
                               "presence": presence, "action": screen.action.name(),
                               "suspended": screen.suspended });
            output.data(&line.to_string());
        }
        Format::Table => {
            let login = if screen.suspended {
                "  a fresh login is needed"
            } else {
                ""
            };
            output.data(&format!(
                "{seconds:>5}.{tenths} s  {presence:<12} {}{login}",
                screen.action.name()
            ));
        }
    }
}

/// Reads lines of a class and how often.
fn read(path: &Path) -> Result<Vec<(Class, u32)>, Error> {
    let reader: Box<dyn Read> = if path == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        Box::new(std::fs::File::open(path).map_err(Error::file(path))?)
    };
    let mut samples = Vec::new();
    for (number, line) in (1..).zip(BufReader::new(reader).lines()) {
        let line = line.map_err(Error::file(path))?;
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        samples.push(parse(line).ok_or_else(|| {
            Error::usage(format!("line {number}: a class and how often are needed"))
        })?);
    }
    if samples.is_empty() {
        return Err(Error::usage("samples: there are none"));
    }
    Ok(samples)
}

fn parse(line: &str) -> Option<(Class, u32)> {
    let mut words = line.split_whitespace();
    let class = Class::from_name(words.next()?)?;
    let times = match words.next() {
        Some(times) => times.parse().ok()?,
        None => 1,
    };
    let fits = (1..=TIMES_MAX).contains(&times) && words.next().is_none();
    fits.then_some((class, times))
}

/// One class after the other; none at the end, or the last one for ever.
fn playback(samples: Vec<(Class, u32)>, hold: bool) -> impl FnMut() -> Option<Class> {
    let last = samples.last().map(|(class, _)| *class);
    let mut rest = samples.into_iter();
    let mut now: Option<(Class, u32)> = None;
    move || {
        let (class, left) = match now.take().filter(|(_, left)| *left > 0) {
            Some(now) => now,
            None => match rest.next() {
                Some(next) => next,
                None => return last.filter(|_| hold),
            },
        };
        now = Some((class, left.saturating_sub(1)));
        Some(class)
    }
}

impl Watch {
    pub(super) async fn run(
        &self,
        context: &Context,
        global: &Global,
        output: Output,
    ) -> Result<(), Error> {
        let session = match &self.session {
            Some(text) => Some(id_from_text(text, "session")?),
            None => None,
        };
        context
            .platform()?
            .watch_sessions(session, global.long_deadline(), |word| {
                hear(&word, output);
                if word.complete && self.once {
                    Flow::Stop
                } else {
                    Flow::Continue
                }
            })
            .await
    }
}

fn hear(word: &GateWord, output: Output) {
    let Some(news) = word.news else {
        return;
    };
    let session = hex::encode(news.session_id);
    let state = match (news.open, news.suspended) {
        (false, _) => "ended",
        (true, true) => "suspended",
        (true, false) => "active",
    };
    let cause = news.cause.map_or("", |cause| cause.name());
    match output.format {
        Format::Json | Format::Jsonl => {
            let line = json!({ "session": session, "agent": hex::encode(news.agent),
                               "state": state, "presence": news.presence.name(),
                               "action": news.action.name(), "cause": cause,
                               "reason": news.reason, "logIndex": news.log_index });
            output.data(&line.to_string());
        }
        Format::Table => output.data(&format!(
            "{session}  {state:<9} {:<11} {:<8} {cause}",
            news.presence.name(),
            news.action.name()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_samples_is_played_line_by_line_and_held() {
        let samples = vec![(Class::Match, 2), (Class::NoFace, 1)];
        let mut sensor = playback(samples.clone(), false);
        let seen: Vec<_> = std::iter::from_fn(&mut sensor).collect();
        assert_eq!(seen, [Class::Match, Class::Match, Class::NoFace]);
        let mut sensor = playback(samples, true);
        let seen: Vec<_> = std::iter::from_fn(&mut sensor).take(5).collect();
        assert_eq!(seen[3..], [Class::NoFace, Class::NoFace]);
    }

    #[test]
    fn lines_that_are_none_are_refused() {
        assert_eq!(parse("match 20"), Some((Class::Match, 20)));
        assert_eq!(parse("lost"), Some((Class::Lost, 1)));
        for line in ["", "match 0", "match -1", "match 1 2", "Match", "face"] {
            assert_eq!(parse(line), None, "{line}");
        }
    }
}
