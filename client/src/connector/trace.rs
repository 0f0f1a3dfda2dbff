//! A trace: what happened to some calls, as JSON Lines in the order of time.
//!
//! `docs/connector.md` describes the format. A trace is read whole and checked before anything is sent,
//! so that a bad line leaves nothing behind; texts name a line and a field, never a value.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

use crate::answer::Initiator;
use crate::error::Error;
use crate::files;
use crate::layout::{is_handle, is_name};
use crate::platform::CallEvent;

/// Lines of one trace: a busy hour of a large centre.
const LINES_MAX: usize = 100_000;
/// Characters of a call's label.
const LABEL_CHARS_MAX: usize = 64;
/// The longest trace, in milliseconds: a day.
const TRACE_MS_MAX: u64 = 86_400_000;

/// Some calls, ready to be driven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// The calls, by the first line of each.
    pub calls: Vec<Call>,
}

/// One call of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Its label, for people; it is never sent.
    pub label: String,
    /// What happens to it, in order; the first step announces it.
    pub steps: Vec<Step>,
}

/// One line of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its line in the file, from 1.
    pub line: usize,
    /// When, from the beginning of the trace.
    pub at: Duration,
    /// What.
    pub act: Act,
    /// The reason by which the cluster is expected to refuse it.
    pub expect: Option<String>,
}

/// What happens to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// It is about to happen, or connects.
    Announce {
        /// Handle of the customer.
        subject: String,
        /// Who called whom.
        initiator: Initiator,
        /// Name of the policy.
        policy: String,
        /// Code of the reason shown to the customer.
        call_reason: u32,
        /// The queue.
        queue: u32,
        /// The campaign.
        campaign: u32,
    },
    /// The telephone system says something of it. With an agent, [`CallEvent::Established`] and
    /// [`CallEvent::Transferred`] also give the contact to that agent.
    Leg {
        /// What.
        event: CallEvent,
        /// The queue; zero keeps it.
        queue: u32,
        /// Handle of the agent.
        agent: Option<String>,
        /// What is left of the contact's scope; zero keeps it.
        scope: u32,
        /// What the agent's queue needs it to be good for.
        needs: u32,
        /// The policy to ask by if the contact is not good for that.
        step_up: Option<String>,
    },
    /// A dropped call came back.
    Resume {
        /// The queue; zero keeps it.
        queue: u32,
    },
    /// The customer is asked for more, or again.
    StepUp {
        /// Name of the policy.
        policy: String,
    },
    /// The contact ends.
    Close {
        /// The tenant's own code.
        disposition: u32,
    },
}

impl Act {
    /// The word in the trace.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Announce { .. } => "announced",
            Self::Leg { event, .. } => event.name(),
            Self::Resume { .. } => "resumed",
            Self::StepUp { .. } => "step-up",
            Self::Close { .. } => "closed",
        }
    }
}

/// How fast a trace is driven: 1 in its own time, 10 ten times as fast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Speed(u32);

impl Speed {
    /// A speed from 1 to 1,000.
    #[must_use]
    pub const fn new(times: u32) -> Option<Self> {
        match times {
            1..=1_000 => Some(Self(times)),
            _ => None,
        }
    }

    /// When something of the trace happens at this speed.
    #[must_use]
    pub fn at(self, in_trace: Duration) -> Duration {
        in_trace / self.0
    }
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Who {
    Customer,
    Centre,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    at_ms: u64,
    call: String,
    event: String,
    subject: Option<String>,
    initiator: Option<Who>,
    policy: Option<String>,
    reason: Option<u32>,
    queue: Option<u32>,
    campaign: Option<u32>,
    agent: Option<String>,
    scope: Option<u32>,
    needs: Option<u32>,
    step_up: Option<String>,
    disposition: Option<u32>,
    expect: Option<String>,
}

/// Reads and checks a trace.
///
/// # Errors
///
/// [`Error::File`], or [`Error::Malformed`] with the number of the first bad line.
pub fn read(path: &Path) -> Result<Trace, Error> {
    let text = files::read_text(path)?;
    parse(&text).map_err(|(line, what)| Error::malformed(path, format!("line {line}: {what}")))
}

type Bad = (usize, String);

fn parse(text: &str) -> Result<Trace, Bad> {
    let mut calls: Vec<Call> = Vec::new();
    let mut by_label: BTreeMap<String, usize> = BTreeMap::new();
    let mut now_ms = 0;
    for (number, line) in (1..).zip(text.lines()) {
        let bad = |what: &str| (number, what.to_owned());
        if line.trim().is_empty() {
            continue;
        }
        if number > LINES_MAX {
            return Err(bad("a trace has at most 100,000 lines"));
        }
        // The parser's own text could repeat a value, so only its place is given.
        let line: Line = serde_json::from_str(line).map_err(|error| {
            let column = error.column();
            (number, format!("column {column}: not a line of a trace"))
        })?;
        if line.at_ms < now_ms || line.at_ms > TRACE_MS_MAX {
            return Err(bad("at_ms: lines are in the order of time, within one day"));
        }
        now_ms = line.at_ms;
        let label = line.call.clone();
        if label.is_empty() || label.chars().count() > LABEL_CHARS_MAX {
            return Err(bad("call: a label of 1 to 64 characters is needed"));
        }
        let step = step(number, line).map_err(bad)?;
        let announces = matches!(step.act, Act::Announce { .. });
        match by_label.get(&label).and_then(|place| calls.get_mut(*place)) {
            Some(_) if announces => return Err(bad("event: the call is announced already")),
            Some(call) if ends(call) => return Err(bad("event: the call is closed already")),
            Some(call) => call.steps.push(step),
            None if announces => {
                by_label.insert(label.clone(), calls.len());
                calls.push(Call {
                    label,
                    steps: vec![step],
                });
            }
            None => return Err(bad("event: a call begins with \"announced\"")),
        }
    }
    if calls.is_empty() {
        return Err((1, "there are no calls".to_owned()));
    }
    Ok(Trace { calls })
}

fn ends(call: &Call) -> bool {
    matches!(
        call.steps.last(),
        Some(Step {
            act: Act::Close { .. },
            expect: None,
            ..
        })
    )
}

fn step(number: usize, line: Line) -> Result<Step, &'static str> {
    let at = Duration::from_millis(line.at_ms);
    let expect = line.expect.clone();
    let reads_as_reason = |text: &String| text.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    if !expect.as_ref().is_none_or(reads_as_reason) {
        return Err("expect: a reason such as STEP_UP_REQUIRED is needed");
    }
    Ok(Step {
        line: number,
        at,
        act: act(line)?,
        expect,
    })
}

/// Whatever a line has beyond what its event takes is a mistake of its author.
fn act(mut line: Line) -> Result<Act, &'static str> {
    let queue = line.queue.take().unwrap_or(0);
    let act = match line.event.as_str() {
        "announced" => Act::Announce {
            subject: handle(line.subject.take(), "subject: an opaque handle is needed")?
                .ok_or("subject: is missing")?,
            initiator: match line.initiator.take().ok_or("initiator: is missing")? {
                Who::Customer => Initiator::Customer,
                Who::Centre => Initiator::Centre,
            },
            policy: policy(line.policy.take())?.ok_or("policy: is missing")?,
            call_reason: line.reason.take().unwrap_or(1),
            queue,
            campaign: line.campaign.take().unwrap_or(0),
        },
        "resumed" => Act::Resume { queue },
        "step-up" => Act::StepUp {
            policy: policy(line.policy.take())?.ok_or("policy: is missing")?,
        },
        "closed" => Act::Close {
            disposition: line.disposition.take().unwrap_or(0),
        },
        word => Act::Leg {
            event: CallEvent::from_name(word).ok_or("event: is unknown")?,
            queue,
            agent: handle(line.agent.take(), "agent: an opaque handle is needed")?,
            scope: line.scope.take().unwrap_or(0),
            needs: line.needs.take().unwrap_or(0),
            step_up: policy(line.step_up.take())?,
        },
    };
    let left = line.subject.is_some()
        || line.initiator.is_some()
        || line.policy.is_some()
        || line.reason.is_some()
        || line.campaign.is_some()
        || line.agent.is_some()
        || line.scope.is_some()
        || line.needs.is_some()
        || line.step_up.is_some()
        || line.disposition.is_some();
    if left {
        return Err("a field has no meaning for this event");
    }
    Ok(act)
}

fn handle(text: Option<String>, bad: &'static str) -> Result<Option<String>, &'static str> {
    match text {
        Some(text) if !is_handle(&text) => Err(bad),
        text => Ok(text),
    }
}

fn policy(name: Option<String>) -> Result<Option<String>, &'static str> {
    match name {
        Some(name) if !is_name(&name) => Err("policy: 1 to 32 characters of [a-z0-9-] are needed"),
        name => Ok(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANNOUNCED: &str = r#"{"at_ms":0,"call":"a","event":"announced","subject":"cust-demo-1","initiator":"customer","policy":"basic"}"#;

    #[test]
    fn the_sample_has_every_kind_of_line() {
        let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("traces/a-few-calls.jsonl");
        let trace = read(&sample).unwrap();
        let steps = || trace.calls.iter().flat_map(|call| &call.steps);
        for name in ["announced", "resumed", "step-up", "closed"] {
            assert!(steps().any(|step| step.act.name() == name), "{name}");
        }
        for event in CallEvent::ALL {
            assert!(
                steps().any(|step| step.act.name() == event.name()),
                "{event:?}"
            );
        }
        assert!(steps().any(|step| step.expect.is_some()));
    }

    #[test]
    fn a_bad_line_is_named_and_its_values_are_not_repeated() {
        for bad in [
            r#"{"at_ms":1,"call":"b","event":"delivered"}"#,
            r#"{"at_ms":1,"call":"a","event":"taro"}"#,
            r#"{"at_ms":1,"call":"a","event":"held","name":"taro"}"#,
            r#"{"at_ms":1,"call":"a","event":"held","subject":"cust-demo-1"}"#,
            r#"{"at_ms":1,"call":"a","event":"established","agent":"taro@example.jp"}"#,
            r#"{"at_ms":1,"call":"","event":"held"}"#,
            r#"{"at_ms":86400001,"call":"a","event":"held"}"#,
            r#"{"at_ms":1,"call":"a","event":"step-up"}"#,
            r#"{"at_ms":1,"call":"a","event":"held","expect":"taro said"}"#,
            ANNOUNCED,
            "taro",
        ] {
            let (line, what) = parse(&format!("{ANNOUNCED}\n\n{bad}\n")).unwrap_err();
            assert_eq!(line, 3, "{bad}");
            assert!(!what.contains("taro"), "{what}");
        }
        assert!(parse("\n").is_err());
        let late = format!(
            "{}\n{ANNOUNCED}\n",
            ANNOUNCED.replace("\"at_ms\":0,\"call\":\"a\"", "\"at_ms\":5,\"call\":\"b\"")
        );
        assert_eq!(parse(&late).unwrap_err().0, 2);
    }

    #[test]
    fn nothing_happens_to_a_call_that_is_closed() {
        let closed = r#"{"at_ms":1,"call":"a","event":"closed","disposition":3}"#;
        let held = r#"{"at_ms":2,"call":"a","event":"held"}"#;
        let text = format!("{ANNOUNCED}\n{closed}\n{held}\n");
        assert_eq!(parse(&text).unwrap_err().0, 3);
    }
}
