//! `akashi call`: announces a contact and waits for the customer's verdict.

use clap::{Args, ValueEnum};
use serde_json::json;

use super::output::Output;
use super::{Global, customer, leaf};
use crate::answer::{Initiator, Outcome, Stage, Verdict};
use crate::clock;
use crate::error::Error;
use crate::files::{self, Mode};
use crate::layout::is_handle;
use crate::platform::{Call as Announcement, Details};
use crate::trust::Trust;

/// Ask a customer's phone who is calling, and wait for the verdict
#[derive(Debug, Args)]
#[command(after_help = "\
Exit status 0 verified, 3 refused (also: declined, reported, not enrolled), 4 no answer in time.

Example:
  akashi call cust-demo-1 --initiator centre --receipt call.tlog-proof")]
pub(super) struct Call {
    /// Handle of the customer
    subject: String,
    /// Who placed the call
    #[arg(long, value_enum, default_value = "customer")]
    initiator: Who,
    /// Policy; default: the context's
    #[arg(long, value_name = "NAME")]
    policy: Option<String>,
    /// Code of the reason shown to the customer
    #[arg(long, default_value_t = 1, value_name = "CODE")]
    reason: u32,
    /// Handle of the agent who takes the call
    #[arg(long, value_name = "HANDLE")]
    agent: Option<String>,
    /// Handle of who is asked in the customer's place; see `akashi platform delegate`
    #[arg(long, value_name = "HANDLE")]
    delegate: Option<String>,
    /// The tenant's number of the campaign
    #[arg(long, default_value_t = 0, value_name = "NUMBER")]
    campaign: u32,
    /// The tenant's number of the queue
    #[arg(long, default_value_t = 0, value_name = "NUMBER")]
    queue: u32,
    /// Wait until the verdict is this far
    #[arg(long, value_enum, default_value = "sealed", value_name = "STAGE")]
    wait: Until,
    /// Write the receipt to this new file
    #[arg(long, value_name = "FILE")]
    receipt: Option<std::path::PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Who {
    /// The customer called the centre (inbound)
    Customer,
    /// The centre calls the customer (outbound)
    Centre,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Until {
    /// Durable on a quorum
    Committed,
    /// Cosigned by a quorum, with a receipt
    Sealed,
}

impl Call {
    pub(super) async fn run(self, global: &Global, output: Output) -> Result<(), Error> {
        if !is_handle(&self.subject) {
            return Err(Error::usage(
                "subject: not an opaque handle of 8 to 64 characters",
            ));
        }
        let context = global.context()?;
        let platform = context.platform()?;
        let deadline = global.deadline();
        if let Some(path) = self.receipt.as_deref().filter(|path| path.exists()) {
            return Err(Error::Exists {
                path: path.to_owned(),
            });
        }
        let began = clock::monotonic();
        let call = Announcement {
            subject: &self.subject,
            initiator: match self.initiator {
                Who::Customer => Initiator::Customer,
                Who::Centre => Initiator::Centre,
            },
            policy: self.policy.as_deref().unwrap_or_else(|| context.policy()),
            call_reason: self.reason,
            agent: self.agent.as_deref(),
            queue: self.queue,
            campaign: self.campaign,
        };
        let details = Details {
            previous: None,
            delegate: self.delegate.as_deref(),
        };
        let announced = platform.announce_with(&call, details, deadline).await?;
        let contact = hex::encode(announced.contact_id);
        output.note(&format!("asked; contact {contact}"));
        let stage = match self.wait {
            Until::Committed => Stage::Committed,
            Until::Sealed => Stage::Sealed,
        };
        let waited = platform
            .wait_verdict(&announced.contact_id, stage, deadline, |step| {
                if let (Some(outcome), Some(stage)) = (step.outcome, step.stage) {
                    output.note(&format!("{}: {}", stage.name(), outcome.words()));
                }
            })
            .await;
        if matches!(waited, Err(Error::DeadlineExceeded)) {
            let until = clock::rfc3339(announced.expires_us);
            output.note(&format!(
                "no verdict yet; the challenge is open until {until}"
            ));
            return Err(Error::NoAnswer);
        }
        let verdict = waited?;
        let milliseconds = (clock::monotonic() - began).as_millis();
        let outcome = verdict.outcome.ok_or(Error::Answer { what: "outcome" })?;
        if stage == Stage::Sealed {
            let trust = context.trust()?;
            trust
                .prepare(platform.connection(), &verdict.receipt, deadline)
                .await?;
            check(&verdict, &trust)?;
        }
        if let Some(path) = &self.receipt {
            files::write_new(path, verdict.receipt.as_bytes(), Mode::Public)?;
        }
        show(&verdict, outcome, milliseconds, output);
        outcome.to_result()
    }
}

/// A sealed verdict comes with its evidence, or it is none.
fn check(verdict: &Verdict, trust: &Trust) -> Result<(), Error> {
    let checked = trust
        .receipt(&verdict.receipt)
        .map_err(|broken| Error::integrity(format!("receipt: {broken}")))?;
    let leaf = checked
        .leaf()
        .map_err(|_version| Error::Answer { what: "leaf" })?;
    let outcome = Outcome::from_number(i32::from(leaf.outcome))?;
    if leaf.contact_id != verdict.contact_id || outcome != verdict.outcome {
        return Err(Error::integrity("the receipt contradicts the verdict"));
    }
    Ok(())
}

fn show(verdict: &Verdict, outcome: Outcome, milliseconds: u128, output: Output) {
    let contact = hex::encode(verdict.contact_id);
    let reason = leaf::reason(u16::try_from(verdict.reason).unwrap_or(u16::MAX));
    let until = if verdict.not_after_us == 0 {
        String::new()
    } else {
        clock::rfc3339(verdict.not_after_us)
    };
    let stage = verdict.stage.map_or("", Stage::name);
    let has_challenge = verdict.challenge_id != [0; 16];
    let challenge = if has_challenge {
        hex::encode(verdict.challenge_id)
    } else {
        String::new()
    };
    let limits = match verdict.limits {
        0 => String::new(),
        limits => customer::limits(limits),
    };
    let fields = [
        ("verdict", outcome.words().to_owned()),
        ("stage", stage.to_owned()),
        ("contact", contact.clone()),
        ("challenge", challenge),
        ("reason", reason),
        ("decided", clock::rfc3339(verdict.decided_us)),
        ("good until", until),
        ("limits", limits),
        ("match words", verdict.match_words.join(", ")),
        ("leaf", verdict.leaf_index.to_string()),
        ("milliseconds", milliseconds.to_string()),
    ];
    let json = json!({
        "outcome": outcome.name(),
        "stage": stage,
        "contactId": contact,
        "challengeId": hex::encode(verdict.challenge_id),
        "reason": verdict.reason,
        "factors": verdict.factors,
        "policyVersion": verdict.policy_version,
        "decided": clock::rfc3339(verdict.decided_us),
        "leafIndex": verdict.leaf_index,
        "scope": verdict.scope,
        "limits": verdict.limits,
        "aal": verdict.aal,
        "matchWords": verdict.match_words,
        "milliseconds": u64::try_from(milliseconds).ok(),
    });
    let shown: Vec<(&str, String)> = fields
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .collect();
    output.record(&shown, &json);
}
