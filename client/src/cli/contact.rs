//! `akashi contact`: what happens to a contact after it was announced.

use clap::{Args, Subcommand};
use serde_json::json;

use super::output::Output;
use super::{Global, leaf};
use crate::answer::{Outcome, Verdict};
use crate::error::Error;
use crate::layout::is_handle;
use crate::platform::{CallEvent, ContactState, HandOver, Platform};

/// Follow a contact from its announcement to its end
#[derive(Debug, Args)]
pub(super) struct Contact {
    #[command(subcommand)]
    verb: ContactVerb,
}

#[derive(Debug, Subcommand)]
enum ContactVerb {
    /// Show a contact as it stands
    #[command(after_help = "Example:\n  akashi contact show 1f0e…")]
    Show(One),
    /// Tell what the telephone system says of the call
    #[command(after_help = "\
\"abandoned\" withdraws what the phone is asked; \"cleared\" does not: the call may come back.

Example:
  akashi contact event 1f0e… established --agent agent-01 --queue 100")]
    Event(Event),
    /// Give the contact to an agent, the first or the next
    #[command(after_help = "\
A hand-over can only take from what the contact is good for. If --needs is not covered, the cluster
refuses (STEP_UP_REQUIRED), and nobody has it but who had it before.

Example:
  akashi contact bind 1f0e… agent-02 --queue 200 --scope 0x3 --needs 0x1")]
    Bind(Bind),
    /// Join a dropped call that came back; its agent must be bound anew
    #[command(after_help = "Example:\n  akashi contact resume 1f0e… --queue 100")]
    Resume(Resume),
    /// Ask the customer of the contact for more, or again, and wait for the verdict
    #[command(after_help = "\
Exit status 0 verified, 3 refused, 4 no answer in time.

Example:
  akashi contact step-up 1f0e… --policy credit")]
    StepUp(StepUp),
    /// End the contact
    #[command(after_help = "Example:\n  akashi contact close 1f0e… --disposition 1")]
    Close(Close),
}

#[derive(Debug, Args)]
struct One {
    /// The contact's id, 32 hexadecimal digits
    #[arg(value_name = "CONTACT")]
    contact: String,
}

impl One {
    fn id(&self) -> Result<[u8; 16], Error> {
        super::id_from_text(&self.contact, "contact")
    }
}

#[derive(Debug, Args)]
struct Event {
    #[command(flatten)]
    one: One,
    /// What happened
    #[arg(value_parser = event)]
    event: CallEvent,
    /// Handle of the agent whose telephone it is
    #[arg(long, value_name = "HANDLE")]
    agent: Option<String>,
    /// The queue that the call is in from now on
    #[arg(long, default_value_t = 0, value_name = "NUMBER")]
    queue: u32,
}

/// Reads the name of a call's event.
fn event(text: &str) -> Result<CallEvent, String> {
    CallEvent::from_name(text).ok_or_else(|| {
        let names: Vec<&str> = CallEvent::ALL.iter().map(|event| event.name()).collect();
        format!("one of {} is needed", names.join(", "))
    })
}

#[derive(Debug, Args)]
struct Bind {
    #[command(flatten)]
    one: One,
    /// Handle of the agent who takes it
    agent: String,
    /// What is left of its scope, as bits; default: all of it
    #[arg(long, default_value = "0", value_name = "BITS", value_parser = bits)]
    scope: u32,
    /// What the agent's queue needs it to be good for, as bits
    #[arg(long, default_value = "0", value_name = "BITS", value_parser = bits)]
    needs: u32,
    /// The queue
    #[arg(long, default_value_t = 0, value_name = "NUMBER")]
    queue: u32,
}

/// Reads bits, decimal or with `0x` before them.
fn bits(text: &str) -> Result<u32, String> {
    let parsed = match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => text.parse(),
    };
    parsed.map_err(|_not_bits| "bits are needed, for example 5 or 0x5".to_owned())
}

#[derive(Debug, Args)]
struct Resume {
    #[command(flatten)]
    one: One,
    /// The queue that it came back to
    #[arg(long, default_value_t = 0, value_name = "NUMBER")]
    queue: u32,
}

#[derive(Debug, Args)]
struct StepUp {
    #[command(flatten)]
    one: One,
    /// A policy whose purpose is customer-call
    #[arg(long, value_name = "NAME")]
    policy: String,
}

#[derive(Debug, Args)]
struct Close {
    #[command(flatten)]
    one: One,
    /// The tenant's own code, kept in the log
    #[arg(long, default_value_t = 0, value_name = "CODE")]
    disposition: u32,
}

impl Contact {
    pub(super) async fn run(self, global: &Global, output: Output) -> Result<(), Error> {
        let platform = global.context()?.platform()?;
        let deadline = global.deadline();
        match self.verb {
            ContactVerb::Show(one) => {
                show(&platform.contact_state(&one.id()?, deadline).await?, output);
                Ok(())
            }
            ContactVerb::Event(verb) => {
                let agent = verb.agent.as_deref().map(handle).transpose()?;
                platform
                    .report_event(&verb.one.id()?, verb.event, verb.queue, agent, deadline)
                    .await?;
                output.note("The event is recorded.");
                Ok(())
            }
            ContactVerb::Bind(verb) => {
                let to = HandOver {
                    agent: handle(&verb.agent)?,
                    scope: verb.scope,
                    needs: verb.needs,
                    queue: verb.queue,
                };
                platform.hand_over(&verb.one.id()?, &to, deadline).await?;
                output.note("The agent has the contact.");
                Ok(())
            }
            ContactVerb::Resume(verb) => {
                platform
                    .resume(&verb.one.id()?, verb.queue, deadline)
                    .await?;
                output.note("The call is joined; an agent must be bound anew.");
                Ok(())
            }
            ContactVerb::StepUp(verb) => step_up(&platform, &verb, global, output).await,
            ContactVerb::Close(verb) => {
                platform
                    .close(&verb.one.id()?, verb.disposition, deadline)
                    .await?;
                output.note("The contact is closed.");
                Ok(())
            }
        }
    }
}

fn handle(text: &str) -> Result<&str, Error> {
    if is_handle(text) {
        Ok(text)
    } else {
        Err(Error::usage(
            "agent: not an opaque handle of 8 to 64 characters",
        ))
    }
}

async fn step_up(
    platform: &Platform,
    verb: &StepUp,
    global: &Global,
    output: Output,
) -> Result<(), Error> {
    let id = verb.one.id()?;
    let asked = platform
        .step_up(&id, &verb.policy, global.deadline())
        .await?;
    if let Some(outcome) = asked.outcome {
        return outcome.to_result();
    }
    output.note(&format!(
        "asked; challenge {}",
        hex::encode(asked.challenge_id)
    ));
    let waited = platform.wait_step_up(&id, global.long_deadline()).await;
    if matches!(waited, Err(Error::DeadlineExceeded)) {
        return Err(Error::NoAnswer);
    }
    let verdict = waited?;
    let outcome = verdict.outcome.ok_or(Error::Answer { what: "outcome" })?;
    output.record(
        &[
            ("verdict", outcome.words().to_owned()),
            ("reason", reason(&verdict)),
            ("leaf", verdict.leaf_index.to_string()),
        ],
        &json!({ "outcome": outcome.name(), "reason": verdict.reason,
                 "leafIndex": verdict.leaf_index }),
    );
    outcome.to_result()
}

fn reason(verdict: &Verdict) -> String {
    leaf::reason(u16::try_from(verdict.reason).unwrap_or(u16::MAX))
}

fn show(state: &ContactState, output: Output) {
    let name = |verdict: &Verdict| verdict.outcome.map_or("pending", Outcome::name);
    let step_up = state.step_up.as_ref().map(name);
    let fields = [
        ("verdict", name(&state.verdict).to_owned()),
        ("reason", reason(&state.verdict)),
        ("call", state.leg.name().to_owned()),
        ("notice", state.notice.name().to_owned()),
        ("scope", format!("{:#x}", state.scope)),
        ("queue", state.queue.to_string()),
        (
            "agent",
            if state.bound { "bound" } else { "none" }.to_owned(),
        ),
        ("step-up", step_up.unwrap_or_default().to_owned()),
        ("closed", state.closed.to_string()),
    ];
    let json = json!({
        "outcome": name(&state.verdict), "reason": state.verdict.reason,
        "leg": state.leg.name(), "notice": state.notice.name(), "scope": state.scope,
        "queue": state.queue, "bound": state.bound, "stepUp": step_up, "closed": state.closed,
        "contactId": hex::encode(state.verdict.contact_id),
    });
    let shown: Vec<(&str, String)> = fields
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .collect();
    output.record(&shown, &json);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_read_in_both_ways() {
        assert_eq!(bits("5"), Ok(5));
        assert_eq!(bits("0xff"), Ok(255));
        assert!(bits("0x1ffffffff").is_err() && bits("taro").is_err());
        assert!(event("cleared").is_ok() && event("hangup").is_err());
    }
}
