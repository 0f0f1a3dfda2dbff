//! `akashi phone`: simulated phones, one directory each.

use std::io::{BufRead as _, IsTerminal as _};
use std::path::{Path, PathBuf};

use akashi_proof::PinSecret;
use clap::{Args, Subcommand};
use serde_json::json;
use zeroize::Zeroizing;

use super::output::Output;
use super::{Global, enrol, leaf};
use crate::answer::Outcome;
use crate::clock;
use crate::context::Context;
use crate::enrolment::Entry;
use crate::error::Error;
use crate::files;
use crate::layout::is_handle;
use crate::phone::{CheckedNotice, Phone as Device, PhoneDirectory, Reply};

/// Use a simulated phone
#[derive(Debug, Args)]
pub(super) struct Phone {
    #[command(subcommand)]
    verb: PhoneVerb,
}

#[derive(Debug, Subcommand)]
enum PhoneVerb {
    /// Make a phone for a customer and enrol it
    #[command(after_help = "Example:\n  akashi phone enrol cust-demo-2 --pin-file pin.txt")]
    Enrol(One),
    /// List the phones of the context
    #[command(after_help = "Example:\n  akashi phone list -o jsonl")]
    List,
    /// Wait for a notice, check it, show it, prove
    #[command(after_help = "\
The notice is shown only if its receipt verifies under the key set that the phone has pinned.

Example:
  akashi phone answer cust-demo-1 --auto --pin-file pin.txt")]
    Answer(Answer),
    /// Wait for a notice and report it: \"I am not on a call\"
    #[command(after_help = "Example:\n  akashi phone report cust-demo-1")]
    Report(Subject),
    /// Wait for a notice and decline it: \"not now\"
    #[command(after_help = "Example:\n  akashi phone decline cust-demo-1")]
    Decline(Subject),
}

#[derive(Debug, Args)]
struct Subject {
    /// Handle of the customer
    subject: String,
}

#[derive(Debug, Args)]
struct One {
    /// Handle of the customer
    subject: String,
    /// File with the PIN; without it the PIN is asked for, or read from stdin
    #[arg(long, value_name = "FILE")]
    pin_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct Answer {
    #[command(flatten)]
    one: One,
    /// Prove without asking, and go on with the next notice until the timeout
    #[arg(long)]
    auto: bool,
}

impl Phone {
    pub(super) async fn run(self, global: &Global, output: Output) -> Result<(), Error> {
        let context = global.context()?;
        match self.verb {
            PhoneVerb::Enrol(one) => enrol_one(&context, one, global, output).await,
            PhoneVerb::List => list(&context, output),
            PhoneVerb::Answer(answer) => answer.run(&context, global, output).await,
            PhoneVerb::Report(one) => {
                reply(&context, &one.subject, Reply::Report, global, output).await
            }
            PhoneVerb::Decline(one) => {
                reply(&context, &one.subject, Reply::Decline, global, output).await
            }
        }
    }
}

async fn enrol_one(
    context: &Context,
    one: One,
    global: &Global,
    output: Output,
) -> Result<(), Error> {
    if !is_handle(&one.subject) {
        return Err(Error::usage(
            "subject: not an opaque handle of 8 to 64 characters",
        ));
    }
    let directory = PhoneDirectory::of(context.phones(), &one.subject);
    if directory.is_there() {
        return Err(Error::Exists {
            path: directory.path().to_owned(),
        });
    }
    let pin = read_pin(one.pin_file.as_deref(), output)?;
    let entry = Entry::Customer {
        subject: one.subject,
        pin,
    };
    let each = std::time::Duration::from_secs(global.seconds());
    enrol::run(context, vec![entry], Some(1), each, output).await?;
    output.data(&directory.path().display().to_string());
    output.note("The phone is enrolled; the cluster has its public keys only.");
    Ok(())
}

fn list(context: &Context, output: Output) -> Result<(), Error> {
    let mut rows = Vec::new();
    let mut json = Vec::new();
    for subject in PhoneDirectory::list(context.phones())? {
        let directory = PhoneDirectory::of(context.phones(), &subject);
        let profile = directory.profile()?;
        let path = directory.path().display().to_string();
        json.push(json!({ "subject": subject, "tenant": profile.tenant, "directory": path }));
        rows.push(vec![subject, profile.tenant, path]);
    }
    output.records(&["SUBJECT", "TENANT", "DIRECTORY"], &rows, &json);
    Ok(())
}

impl Answer {
    async fn run(self, context: &Context, global: &Global, output: Output) -> Result<(), Error> {
        let device = open(context, &self.one.subject)?;
        let deadline = global.long_deadline();
        // An automatic phone must not fail at its first call for want of a PIN.
        let mut secret = if self.auto {
            Some(self.type_pin(&device, output)?)
        } else {
            None
        };
        let mut session = device.open_session(global.deadline()).await?;
        output.note("waiting for a notice …");
        let mut answered = 0_u32;
        loop {
            let notice = match device.next_notice(&mut session, deadline).await {
                Err(Error::DeadlineExceeded) if answered > 0 => return Ok(()),
                other => other?,
            };
            let outcome = self
                .answer(&device, &notice, &mut secret, global, output)
                .await;
            answered += 1;
            let outcome = match outcome {
                Ok(outcome) => outcome,
                // Too late for this one; the next caller is not to blame.
                Err(error @ Error::Rejected { .. }) if self.auto => {
                    output.error(&error);
                    continue;
                }
                Err(error) => return Err(error),
            };
            report(&notice, outcome, output);
            if !self.auto {
                let open = Error::Refused {
                    outcome: "the proofs did not hold",
                };
                return outcome.map_or(Err(open), Outcome::to_result);
            }
        }
    }

    /// Shows one notice, asks what to do unless automatic, and does it.
    async fn answer(
        &self,
        device: &Device,
        notice: &CheckedNotice,
        secret: &mut Option<PinSecret>,
        global: &Global,
        output: Output,
    ) -> Result<Option<Outcome>, Error> {
        show(device, notice, output);
        device
            .reply(notice, Reply::Opened, global.deadline())
            .await?;
        let choice = if self.auto {
            Choice::Prove
        } else {
            ask(output)?
        };
        match choice {
            Choice::Prove => self.prove(device, notice, secret, global, output).await,
            Choice::Decline => {
                device
                    .reply(notice, Reply::Decline, global.deadline())
                    .await
            }
            Choice::Report => device.reply(notice, Reply::Report, global.deadline()).await,
        }
    }

    /// Proves; a person at the keyboard may try the PIN again while attempts are left.
    async fn prove(
        &self,
        device: &Device,
        notice: &CheckedNotice,
        secret: &mut Option<PinSecret>,
        global: &Global,
        output: Output,
    ) -> Result<Option<Outcome>, Error> {
        loop {
            if notice.require_knowledge() && secret.is_none() {
                *secret = Some(self.type_pin(device, output)?);
            }
            let submission = device.prove(notice, secret.as_ref())?;
            let answer = device.submit(&submission, global.deadline()).await?;
            if answer.outcome.is_some() {
                return Ok(answer.outcome);
            }
            output.note(&format!(
                "refused ({}); {} attempts left",
                leaf::reason(u16::try_from(answer.reason).unwrap_or(u16::MAX)),
                answer.attempts_left
            ));
            if self.auto || self.one.pin_file.is_some() || answer.attempts_left == 0 {
                return Ok(None);
            }
            *secret = None;
        }
    }

    fn type_pin(&self, device: &Device, output: Output) -> Result<PinSecret, Error> {
        device.unlock(&read_pin(self.one.pin_file.as_deref(), output)?)
    }
}

async fn reply(
    context: &Context,
    subject: &str,
    reply: Reply,
    global: &Global,
    output: Output,
) -> Result<(), Error> {
    let device = open(context, subject)?;
    let mut session = device.open_session(global.deadline()).await?;
    output.note("waiting for a notice …");
    let notice = device
        .next_notice(&mut session, global.long_deadline())
        .await?;
    show(&device, &notice, output);
    let outcome = device.reply(&notice, reply, global.deadline()).await?;
    report(&notice, outcome, output);
    Ok(())
}

fn open(context: &Context, subject: &str) -> Result<Device, Error> {
    if !is_handle(subject) {
        return Err(Error::usage(
            "subject: not an opaque handle of 8 to 64 characters",
        ));
    }
    Device::open(&PhoneDirectory::of(context.phones(), subject))
}

/// What the customer sees: who asks, why, who started the call, and what will not be sent.
fn show(device: &Device, notice: &CheckedNotice, output: Output) {
    output.note(&format!(
        "┌ {} asks who you are\n│ {}; reason {}; policy {}{}\n│ {} {} replicas of the cluster vouch \
         for this notice; open until {}\n└ your PIN, name and number stay on this phone",
        device.tenant(),
        notice.initiator().words(),
        notice.call_reason(),
        notice.policy(),
        if notice.agent_bound() { "; a known agent has the call" } else { "" },
        output.mark(true),
        notice.vouchers(),
        clock::rfc3339(notice.expires_us()),
    ));
}

fn report(notice: &CheckedNotice, outcome: Option<Outcome>, output: Output) {
    let name = outcome.map_or("open", Outcome::name);
    let challenge = hex::encode(notice.challenge_id());
    output.record(
        &[
            ("challenge", challenge.clone()),
            ("outcome", name.to_owned()),
        ],
        &json!({ "challengeId": challenge, "outcome": name }),
    );
}

enum Choice {
    Prove,
    Decline,
    Report,
}

fn ask(output: Output) -> Result<Choice, Error> {
    output.ask("prove, decline or report? [p/d/r] ");
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(Error::file("stdin"))?;
    match line.trim() {
        "p" | "prove" => Ok(Choice::Prove),
        "d" | "decline" => Ok(Choice::Decline),
        "r" | "report" => Ok(Choice::Report),
        _ => Err(Error::usage("answer p, d or r, or pass --auto")),
    }
}

/// The PIN from a file, from the keyboard without echo, or from the first line of stdin.
fn read_pin(file: Option<&Path>, output: Output) -> Result<Zeroizing<String>, Error> {
    let text = match file {
        Some(path) => Zeroizing::new(files::read_text(path)?),
        None if std::io::stdin().is_terminal() => {
            output.ask("PIN: ");
            let text = without_echo();
            output.ask("\n");
            text?
        }
        None => read_line()?,
    };
    let pin = Zeroizing::new(text.trim().to_owned());
    if pin.is_empty() {
        return Err(Error::usage("the PIN is empty"));
    }
    Ok(pin)
}

fn read_line() -> Result<Zeroizing<String>, Error> {
    let mut line = Zeroizing::new(String::new());
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(Error::file("stdin"))?;
    Ok(line)
}

fn without_echo() -> Result<Zeroizing<String>, Error> {
    use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
    let refused = |errno: rustix::io::Errno| Error::file("terminal")(errno.into());
    let stdin = std::io::stdin();
    let before = tcgetattr(&stdin).map_err(refused)?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    tcsetattr(&stdin, OptionalActions::Flush, &silent).map_err(refused)?;
    let line = read_line();
    tcsetattr(&stdin, OptionalActions::Flush, &before).map_err(refused)?;
    line
}
