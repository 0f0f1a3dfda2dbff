//! `akashi phone`: simulated phones, one directory each.

use std::io::{BufRead as _, IsTerminal as _};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;
use zeroize::Zeroizing;

use super::output::{Output, table};
use super::{Global, enrol, history, holdings, leaf, order};
use crate::answer::{Initiator, Outcome};
use crate::clock;
use crate::context::Context;
use crate::enrolment::Entry;
use crate::error::Error;
use crate::files;
use crate::layout::is_handle;
use crate::order::Order;
use crate::phone::{
    CheckedNotice, Means, Phone as Device, PhoneDirectory, Pin, Plan, Reply, Submission, Submitted,
    clock_skew_s,
};
use crate::policy::PolicyPurpose;
use crate::sensor::{Face, SoftwareSensor};

/// Use a simulated phone
#[derive(Debug, Args)]
pub(super) struct Phone {
    #[command(subcommand)]
    verb: PhoneVerb,
}

#[derive(Debug, Subcommand)]
enum PhoneVerb {
    /// Make a phone for a customer, or for an agent, and enrol it
    #[command(after_help = "\
An agent must be registered: `akashi enrol` does that.

Example:
  akashi phone enrol cust-demo-2 --pin-file pin.txt")]
    Enrol(EnrolPhone),
    /// List the phones of the context
    #[command(after_help = "Example:\n  akashi phone list -o jsonl")]
    List,
    /// Wait for a notice, check it, show it, prove
    #[command(after_help = "\
The notice is shown only if its receipt verifies under the key set that the phone has pinned, and
with everything that is proved. A consent needs the order that the tenant's app brought.

Example:
  akashi phone answer cust-demo-1 --auto --pin-file pin.txt
  akashi phone answer cust-demo-1 --say later
  akashi phone answer cust-demo-1 --order order.json --data address.txt --sealed-out sealed.json")]
    Answer(Answer),
    /// Ask what the cluster stores about the owner of the phone
    #[command(after_help = "Example:\n  akashi phone history cust-demo-1")]
    History(Subject),
    Credential(holdings::Credential),
    Face(holdings::Face),
    /// Wait for a notice and report it: \"I am not on a call\"
    #[command(after_help = "Example:\n  akashi phone report cust-demo-1")]
    Report(Subject),
    /// Wait for a notice and decline it: \"not now\"
    #[command(after_help = "Example:\n  akashi phone decline cust-demo-1")]
    Decline(Subject),
    /// Wait for what the customer is told without being asked: masked fields were shown to an agent
    #[command(after_help = "Example:\n  akashi phone told cust-demo-1 --timeout 30")]
    Told(Subject),
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
struct EnrolPhone {
    #[command(flatten)]
    one: One,
    /// The handle is an agent's
    #[arg(long)]
    agent: bool,
}

#[derive(Debug, Args)]
struct Answer {
    #[command(flatten)]
    one: One,
    /// Prove without asking, and go on with the next notice until the timeout
    #[arg(long)]
    auto: bool,
    /// Say this instead of proving
    #[arg(long, value_enum, value_name = "WORD", conflicts_with = "auto")]
    say: Option<Word>,
    /// Prove under silent distress: the answer looks the same, the contact is good for less
    #[arg(long)]
    duress: bool,
    /// Name of the synthetic face in front of the phone's software sensor
    #[arg(long, value_name = "NAME")]
    face: Option<String>,
    /// TESTS ONLY: sign the level of the sensor's certificate instead of 0
    #[arg(long)]
    pretend_level_for_tests: bool,
    /// The order that the tenant's app brought to the phone
    #[arg(long, value_name = "FILE")]
    order: Option<PathBuf>,
    /// Data for the processor of the order, sealed so that nobody else reads it
    #[arg(long, value_name = "FILE", requires = "order")]
    data: Option<PathBuf>,
    /// Write a copy of the sealed payload to this new file
    #[arg(long, value_name = "FILE", requires = "order")]
    sealed_out: Option<PathBuf>,
}

/// What can be said instead of proving.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Word {
    /// Not now
    Decline,
    /// Call me later
    Later,
    /// I am not on a call: every open contact of mine stops
    Report,
    /// That is not me
    NotMe,
    /// Do not ask me this way, for 90 days
    OptOut,
    /// This phone does not understand what is asked
    Unsupported,
}

impl Word {
    const fn reply(self) -> Reply {
        match self {
            Self::Decline => Reply::Decline,
            Self::Later => Reply::Later,
            Self::Report => Reply::Report,
            Self::NotMe => Reply::NotMe,
            Self::OptOut => Reply::OptOut,
            Self::Unsupported => Reply::Unsupported,
        }
    }
}

/// An order from the tenant's app, and the customer's data for its processor.
type Brought = (Order, Zeroizing<Vec<u8>>);

/// What the owner has put into the phone for the next answers.
#[derive(Default)]
struct AtHand {
    pin: Option<Pin>,
    face: Option<(SoftwareSensor, Face)>,
    order: Option<Brought>,
}

impl AtHand {
    fn means(&self) -> Means<'_> {
        Means {
            pin: self.pin.as_ref(),
            face: self.face.as_ref().map(|(sensor, face)| (sensor, face)),
            order: self
                .order
                .as_ref()
                .map(|(order, data)| (order, data.as_slice())),
        }
    }

    fn order(&self) -> Option<&Order> {
        self.order.as_ref().map(|(order, _)| order)
    }
}

impl Phone {
    pub(super) async fn run(self, global: &Global, output: Output) -> Result<(), Error> {
        let context = global.context()?;
        match self.verb {
            PhoneVerb::Enrol(verb) => {
                enrol_one(&context, verb.one, verb.agent, global, output).await
            }
            PhoneVerb::List => list(&context, output),
            PhoneVerb::Answer(answer) => answer.run(&context, global, output).await,
            PhoneVerb::History(one) => {
                let told = open(&context, &one.subject)?
                    .own_history(global.deadline())
                    .await?;
                history::show(&told, output);
                Ok(())
            }
            PhoneVerb::Credential(verb) => verb.run(&context, global, output).await,
            PhoneVerb::Face(verb) => verb.run(&context, global, output).await,
            PhoneVerb::Report(one) => {
                reply(&context, &one.subject, Reply::Report, global, output).await
            }
            PhoneVerb::Decline(one) => {
                reply(&context, &one.subject, Reply::Decline, global, output).await
            }
            PhoneVerb::Told(one) => told(&context, &one.subject, global, output).await,
        }
    }
}

/// Shows what the customer is told, with its receipt checked, until there is nothing more in time.
async fn told(
    context: &Context,
    subject: &str,
    global: &Global,
    output: Output,
) -> Result<(), Error> {
    let phone = open(context, subject)?;
    let deadline = global.deadline();
    let mut session = phone.open_session(deadline).await?;
    let mut heard = false;
    loop {
        let told = match phone.next_told(&mut session, deadline).await {
            Ok(told) => told,
            Err(Error::DeadlineExceeded) if heard => return Ok(()),
            Err(Error::DeadlineExceeded) => return Err(Error::NoAnswer),
            Err(error) => return Err(error),
        };
        heard = true;
        let contact = hex::encode(told.contact_id);
        let who = if told.break_glass {
            "one person alone"
        } else {
            "two people agreed"
        };
        output.record(
            &[
                ("shown to an agent", format!("fields {}", told.fields)),
                ("during contact", contact.clone()),
                ("when", clock::rfc3339(told.at_us)),
                ("until", clock::rfc3339(told.until_us)),
                ("decided by", who.to_owned()),
                ("leaf", told.leaf_index.to_string()),
            ],
            &json!({ "contactId": contact, "fields": told.fields, "at": clock::rfc3339(told.at_us),
                     "until": clock::rfc3339(told.until_us), "breakGlass": told.break_glass,
                     "leafIndex": told.leaf_index }),
        );
    }
}

async fn enrol_one(
    context: &Context,
    one: One,
    agent: bool,
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
    let each = std::time::Duration::from_secs(global.seconds());
    if agent {
        enrol::agents_phone(context, &one.subject, pin, each).await?;
    } else {
        let entry = Entry::Customer {
            subject: one.subject,
            pin,
        };
        enrol::run(context, vec![entry], Some(1), each, output).await?;
    }
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
        if let Some(word) = self.say {
            return reply(context, &self.one.subject, word.reply(), global, output).await;
        }
        let device = open(context, &self.one.subject)?;
        if let Some(path) = &self.sealed_out {
            super::must_be_new(path)?;
        }
        let deadline = global.long_deadline();
        let mut hand = AtHand {
            // An automatic phone must not fail at its first call for want of a PIN.
            pin: self.auto.then(|| self.type_pin(output)).transpose()?,
            face: self.in_front(&device)?,
            order: self.brought()?,
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
                .answer(&device, &notice, &mut hand, global, output)
                .await;
            answered += 1;
            let outcome = match outcome {
                Ok(outcome) => outcome,
                // Too late for this one, or nothing to prove it with; the next caller is not to blame.
                Err(error @ (Error::Rejected { .. } | Error::Lacking { .. })) if self.auto => {
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
        hand: &mut AtHand,
        global: &Global,
        output: Output,
    ) -> Result<Option<Outcome>, Error> {
        show(device, notice, output);
        device
            .reply(notice, Reply::Opened, global.deadline())
            .await?;
        let plan = match device.plan(notice, hand.order()) {
            Ok(plan) => plan,
            Err(error @ Error::Lacking { .. }) if !self.auto => {
                output.error(&error);
                return decline_or_report(device, notice, global, output).await;
            }
            Err(error) => return Err(error),
        };
        show_plan(notice, &plan, hand.order(), output);
        let choice = if self.auto {
            Choice::Prove
        } else {
            ask(output)?
        };
        match choice {
            Choice::Prove => self.prove(device, notice, hand, global, output).await,
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
        hand: &mut AtHand,
        global: &Global,
        output: Output,
    ) -> Result<Option<Outcome>, Error> {
        loop {
            if notice.require_knowledge() && hand.pin.is_none() {
                hand.pin = Some(self.type_pin(output)?);
            }
            let answer = device.answer(notice, &hand.means())?;
            if let (Some(sealed), Some(path)) = (&answer.sealed, &self.sealed_out) {
                // Each attempt seals anew; the last one is what the cluster has.
                if path.exists() {
                    std::fs::remove_file(path).map_err(Error::file(path))?;
                }
                sealed.write(path)?;
            }
            let mut submission = answer.submission;
            if self.duress {
                submission = submission.under_duress();
            }
            let words = submission.match_words().join(", ");
            let answer = submit(device, notice, &submission, global, output).await?;
            if answer.outcome.is_some() {
                if answer.outcome == Some(Outcome::Verified) {
                    output.note(&format!(
                        "match words: {words} (the agent must say the same)"
                    ));
                }
                return Ok(answer.outcome);
            }
            output.note(&format!(
                "refused ({}); {} attempts left",
                leaf::reason(u16::try_from(answer.reason).unwrap_or(u16::MAX)),
                answer.attempts_left
            ));
            let fixed = self.auto || self.one.pin_file.is_some() || !notice.require_knowledge();
            if fixed || answer.attempts_left == 0 {
                return Ok(None);
            }
            hand.pin = None;
        }
    }

    fn type_pin(&self, output: Output) -> Result<Pin, Error> {
        read_pin(self.one.pin_file.as_deref(), output).map(Pin::new)
    }

    /// The phone's sensor with the named face in front of it.
    fn in_front(&self, device: &Device) -> Result<Option<(SoftwareSensor, Face)>, Error> {
        let Some(name) = &self.face else {
            return Ok(None);
        };
        let enrolled = device.directory().face()?.ok_or_else(|| Error::Lacking {
            what: "no face is enrolled on this phone".to_owned(),
        })?;
        let mut sensor = SoftwareSensor::open(enrolled.sensor())?;
        if self.pretend_level_for_tests {
            sensor = sensor.pretend();
        }
        Ok(Some((sensor, Face::named(name))))
    }

    /// The order that the tenant's app brought, with the customer's data.
    fn brought(&self) -> Result<Option<Brought>, Error> {
        let Some(path) = &self.order else {
            return Ok(None);
        };
        let order = Order::read(path)?;
        let data = match &self.data {
            Some(path) => Zeroizing::new(files::read_text(path)?.into_bytes()),
            None => Zeroizing::default(),
        };
        Ok(Some((order, data)))
    }
}

/// Sends the proofs; what a node holds is sent again until the challenge expires.
async fn submit(
    device: &Device,
    notice: &CheckedNotice,
    submission: &Submission,
    global: &Global,
    output: Output,
) -> Result<Submitted, Error> {
    loop {
        match device.submit(submission, global.deadline()).await {
            Err(Error::Held { receipt }) if clock::unix_us() < notice.expires_us() => {
                output.note(&format!(
                    "held by {}: nobody decides at present; sending it again until {}",
                    receipt.node,
                    clock::rfc3339(notice.expires_us()),
                ));
            }
            answer => return answer,
        }
    }
}

/// A person may still decline or report what the phone cannot prove.
async fn decline_or_report(
    device: &Device,
    notice: &CheckedNotice,
    global: &Global,
    output: Output,
) -> Result<Option<Outcome>, Error> {
    let reply = match ask(output)? {
        Choice::Report => Reply::Report,
        Choice::Decline => Reply::Decline,
        Choice::Prove => return Err(Error::usage("it cannot be proved; decline or report")),
    };
    device.reply(notice, reply, global.deadline()).await
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

pub(super) fn open(context: &Context, subject: &str) -> Result<Device, Error> {
    if !is_handle(subject) {
        return Err(Error::usage(
            "subject: not an opaque handle of 8 to 64 characters",
        ));
    }
    Device::open(&PhoneDirectory::of(context.phones(), subject))
}

/// What the owner sees: who asks, why, and who started it.
fn show(device: &Device, notice: &CheckedNotice, output: Output) {
    let open = (notice.not_before_us(), notice.expires_us());
    if let Some(seconds) = clock_skew_s(clock::unix_us(), open.0, open.1) {
        output.note(&format!(
            "the clock of this phone is {} s {}; the cluster's time counts",
            seconds.unsigned_abs(),
            if seconds < 0 { "behind" } else { "ahead" }
        ));
    }
    if notice.for_another() {
        output.note("you are asked in the place of somebody for whom you may act");
    }
    let call = match notice.purpose() {
        PolicyPurpose::CustomerCall => format!(
            "{}; reason {}; ",
            notice.initiator().map_or("", Initiator::words),
            notice.call_reason()
        ),
        PolicyPurpose::AgentLogin | PolicyPurpose::Consent => String::new(),
    };
    output.note(&format!(
        "┌ {} asks {}\n│ {call}policy {}{}\n│ {} {} replicas of the cluster vouch for this notice; \
         open until {}",
        device.tenant(),
        notice.purpose().words(),
        notice.policy(),
        if notice.agent_bound() {
            "; a known agent has the call"
        } else {
            ""
        },
        output.mark(true),
        notice.vouchers(),
        clock::rfc3339(notice.expires_us()),
    ));
}

/// What will be proved and, for a consent, the order as it will be approved.
fn show_plan(notice: &CheckedNotice, plan: &Plan, brought: Option<&Order>, output: Output) {
    if let (Some(_), Some(brought)) = (notice.order(), brought) {
        output.note("│ the order:");
        let (rows, _) = order::sheet_rows(brought.sheet());
        for line in table(&[], &rows).lines() {
            output.note(&format!("│   {line}"));
        }
    }
    for line in plan.lines() {
        output.note(&format!("│ proves {line}"));
    }
    output.note("└ your PIN, name and number stay on this phone");
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
