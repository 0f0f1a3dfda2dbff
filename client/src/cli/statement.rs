//! `akashi statement`: makes and checks statements of a period, and receipts of single contacts.
//!
//! `verify` and `show` never open a connection.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use akashi_merkle::processed::{Processed, flag};
use akashi_merkle::statement::CheckedStatement;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::output::{Format, Output};
use super::{Global, id_from_text, leaf, must_be_new};
use crate::answer::Outcome;
use crate::clock;
use crate::context;
use crate::error::Error;
use crate::files::{self, Mode};
use crate::platform::Period;
use crate::statement;

/// Account for a tenant's closed contacts: statements of a period, receipts of single contacts
#[derive(Debug, Args)]
pub(super) struct Statement {
    #[command(subcommand)]
    verb: StatementVerb,
}

#[derive(Debug, Subcommand)]
enum StatementVerb {
    /// Make the statement of a period, as the tenant's platform
    #[command(after_help = "\
Every block is verified before it is written. Times are UTC.

Example:
  akashi statement make --from 2026-11-01 --until 2026-12-01 --service 20 --out november.statement")]
    Make(Make),
    /// Check a statement offline, with nothing but the cluster's public keys
    #[command(after_help = "\
Exit status 0 if it holds, 7 if it does not: a contact is missing, a leaf or a figure was changed,
or it is of another tenant or cluster; with --after also if it does not go on where the statement
before it ended.

Example:
  akashi statement verify november.statement --tenant retail --keys cluster.keys
  akashi statement verify december.statement --after november.statement --keys cluster.keys")]
    Verify(Verify),
    /// Check a statement and print its contacts, each proved
    #[command(after_help = "\
Example:
  akashi statement show november.statement --keys cluster.keys -o jsonl")]
    Show(Check),
    /// Fetch the processing receipt of one closed contact, check it, print what it says
    #[command(after_help = "\
The file verifies offline with `akashi verify`.

Example:
  akashi statement receipt 5f0c0e6fd2a14b5e9c0f2b7d90a1c3e4 --out contact.tlog-proof")]
    Receipt(Receipt),
}

#[derive(Debug, Args)]
struct Make {
    /// Begin of the period: 2026-11-01 or 2026-11-01T00:00:00Z
    #[arg(long, value_name = "TIME", value_parser = moment)]
    from: u64,
    /// End of the period, itself outside
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: u64,
    /// Seconds from announcement to verdict that were agreed on
    #[arg(long, value_name = "SECONDS", default_value_t = 20)]
    service: u32,
    /// Leaf of a proved total of orders to stand beside the contacts; may be given again
    #[arg(long = "total", value_name = "LEAF")]
    totals: Vec<u64>,
    /// Write the statement to this new file
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

#[derive(Debug, Args)]
struct Verify {
    #[command(flatten)]
    check: Check,
    /// The statement of the period before: this one must go on where that one ended
    #[arg(long, value_name = "FILE")]
    after: Option<PathBuf>,
}

#[derive(Clone, Debug, Args)]
struct Check {
    /// The statement
    file: PathBuf,
    /// Name of the tenant that it must be about; default: the context's, if there is one
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,
    /// The key set of the cluster; default: the context's
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct Receipt {
    /// The contact: 32 hexadecimal digits
    contact: String,
    /// Write the receipt to this new file
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

fn moment(text: &str) -> Result<u64, &'static str> {
    clock::parse_utc(text).ok_or("not a time like 2026-11-01 or 2026-11-01T00:00:00Z")
}

impl Statement {
    pub(super) async fn run(self, global: &Global, output: Output) -> Result<(), Error> {
        match self.verb {
            StatementVerb::Make(make) => make.run(global, output).await,
            StatementVerb::Verify(verify) => verify.run(global, output),
            StatementVerb::Show(check) => check.show(global, output),
            StatementVerb::Receipt(receipt) => receipt.run(global, output).await,
        }
    }
}

impl Make {
    async fn run(self, global: &Global, output: Output) -> Result<(), Error> {
        if self.from >= self.until {
            return Err(Error::usage("the period ends before it begins"));
        }
        must_be_new(&self.out)?;
        let context = global.context()?;
        let platform = context.platform()?;
        let keys = context
            .current_keys(platform.connection(), global.deadline())
            .await?;
        let period = Period {
            from_us: self.from,
            until_us: self.until,
            service_s: self.service,
            totals: self.totals,
        };
        // A file with the name asked for is a whole statement, or there is none.
        let partial = with_suffix(&self.out, ".partial");
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(&partial)
            .map_err(Error::file(&partial))?;
        let mut to = BufWriter::new(file);
        let made = platform
            .make_statement(&period, &keys, global.long_deadline(), &mut to)
            .await;
        let written = made.and_then(|checked| {
            to.flush()
                .and_then(|()| to.get_ref().sync_all())
                .and_then(|()| std::fs::rename(&partial, &self.out))
                .map_err(Error::file(&self.out))?;
            Ok(checked)
        });
        if written.is_err() {
            // What is left of it is no statement; that it could not be removed changes nothing.
            let (Ok(()) | Err(_)) = std::fs::remove_file(&partial);
        }
        holds(&written?, output);
        Ok(())
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

impl Verify {
    fn run(self, global: &Global, output: Output) -> Result<(), Error> {
        let checked = self.check.run(global, |_contacts| {})?;
        if let Some(file) = self.after {
            let before = Check { file, ..self.check };
            let previous = before.run(global, |_contacts| {})?;
            statement::continues(&checked, &previous)?;
            output.note(&format!(
                "{} goes on behind contact {} of the statement before",
                output.mark(true),
                previous.scope.last,
            ));
        }
        holds(&checked, output);
        Ok(())
    }
}

impl Check {
    fn run(
        &self,
        global: &Global,
        mut proved: impl FnMut(&[Processed]),
    ) -> Result<CheckedStatement, Error> {
        let keys = match &self.keys {
            Some(path) => context::key_set(path)?,
            None => global.context()?.key_set()?,
        };
        let tenant = match (&self.tenant, &self.keys) {
            (Some(tenant), _) => Some(tenant.clone()),
            (None, Some(_)) => None,
            (None, None) => Some(global.context()?.tenant().to_owned()),
        };
        let file = File::open(&self.file).map_err(Error::file(&self.file))?;
        let mut from = BufReader::new(file);
        statement::verify(
            &mut from,
            &self.file,
            &keys,
            tenant.as_deref(),
            |contacts| {
                proved(contacts);
                Ok(())
            },
        )
    }

    fn show(&self, global: &Global, output: Output) -> Result<(), Error> {
        let mut contacts = Vec::new();
        let checked = self.run(global, |part| contacts.extend_from_slice(part))?;
        let rows: Vec<Vec<String>> = match output.format {
            Format::Table => contacts.iter().map(row).collect(),
            Format::Json | Format::Jsonl => Vec::new(),
        };
        let json: Vec<Value> = contacts.iter().map(contact_json).collect();
        output.records(&HEADER, &rows, &json);
        output.note(&format!(
            "{} {} contacts, each proved under a head of {} leaves",
            output.mark(true),
            checked.totals.contacts,
            checked.head.size(),
        ));
        Ok(())
    }
}

impl Receipt {
    async fn run(self, global: &Global, output: Output) -> Result<(), Error> {
        if let Some(path) = &self.out {
            must_be_new(path)?;
        }
        let contact = id_from_text(&self.contact, "contact")?;
        let context = global.context()?;
        let platform = context.platform()?;
        let keys = context
            .current_keys(platform.connection(), global.deadline())
            .await?;
        let (text, checked, processed) = platform
            .processing_receipt(&contact, &keys, global.deadline())
            .await?;
        if let Some(path) = &self.out {
            files::write_new(path, text.as_bytes(), Mode::Public)?;
        }
        output.note(&format!(
            "{} contact number {} of the tenant; leaf {}, cosigned by {} replicas",
            output.mark(true),
            processed.number,
            checked.index(),
            checked.head().vouches().len(),
        ));
        output.record(&fields(&processed), &contact_json(&processed));
        Ok(())
    }
}

/// What a statement that holds says.
fn holds(checked: &CheckedStatement, output: Output) {
    let (scope, totals) = (&checked.scope, &checked.totals);
    output.note(&format!(
        "{} the statement holds: {} contacts, none missing between {} and {}",
        output.mark(true),
        totals.contacts,
        scope.first,
        scope.last,
    ));
    if !checked.end_shown {
        output.note(
            "nothing closed behind the period yet: the next statement must begin with the next number",
        );
    }
    let mut fields = vec![
        ("tenant", format!("{} ({})", scope.name, scope.tenant)),
        (
            "period",
            format!(
                "{} to {}",
                clock::rfc3339(scope.from_us),
                clock::rfc3339(scope.until_us)
            ),
        ),
        ("contacts", totals.contacts.to_string()),
    ];
    for (number, contacts) in &totals.outcomes {
        fields.push(("outcome", format!("{contacts} {}", outcome_of(*number))));
    }
    fields.push((
        "decided",
        format!(
            "{}, {} of them within {} s",
            totals.decided, totals.within, scope.service_s
        ),
    ));
    for (name, figure) in totals.exceptions.named() {
        if figure > 0 {
            fields.push(("exception", format!("{figure} {name}")));
        }
    }
    for (campaign, figures) in &totals.campaigns {
        fields.push((
            "campaign",
            format!(
                "{campaign}: {} contacts, {} verified",
                figures.contacts, figures.verified
            ),
        ));
    }
    fields.push(("still open", totals.open.to_string()));
    for total in &checked.proved {
        let orders = format!("orders {} to {}", total.first, total.last);
        let sum = hex::encode(total.sum);
        fields.push((
            "total",
            format!("campaign {}, {orders}: {sum}", total.campaign),
        ));
    }
    output.record(&fields, &figures_json(checked));
}

/// The name of an outcome, or its number.
fn outcome_of(number: u8) -> String {
    let known = Outcome::from_number(i32::from(number)).ok().flatten();
    known.map_or_else(|| format!("outcome {number}"), |o| o.name().to_owned())
}

/// The figures for scripts.
fn figures_json(checked: &CheckedStatement) -> Value {
    let (scope, totals) = (&checked.scope, &checked.totals);
    let proved: Vec<Value> = checked
        .proved
        .iter()
        .map(|total| {
            json!({
                "campaign": total.campaign,
                "firstOrder": total.first,
                "lastOrder": total.last,
                "sum": hex::encode(total.sum),
            })
        })
        .collect();
    let exceptions: serde_json::Map<String, Value> = totals
        .exceptions
        .named()
        .into_iter()
        .map(|(name, figure)| (name.to_owned(), json!(figure)))
        .collect();
    let outcomes: serde_json::Map<String, Value> = totals
        .outcomes
        .iter()
        .map(|(number, contacts)| (outcome_of(*number), json!(contacts)))
        .collect();
    let campaigns: Vec<Value> = totals
        .campaigns
        .iter()
        .map(|(campaign, figures)| {
            json!({"campaign": campaign, "contacts": figures.contacts, "verified": figures.verified})
        })
        .collect();
    json!({
        "tenant": scope.name,
        "tenantNumber": scope.tenant,
        "from": clock::rfc3339(scope.from_us),
        "until": clock::rfc3339(scope.until_us),
        "firstNumber": scope.first,
        "lastNumber": scope.last,
        "endShown": checked.end_shown,
        "treeSize": checked.head.size(),
        "origin": checked.head.head().origin.to_string(),
        "contacts": totals.contacts,
        "outcomes": outcomes,
        "serviceSeconds": scope.service_s,
        "decided": totals.decided,
        "within": totals.within,
        "exceptions": exceptions,
        "campaigns": campaigns,
        "open": totals.open,
        "provedTotals": proved,
    })
}

/// Header of [`row`].
const HEADER: [&str; 7] = [
    "NUMBER", "CLOSED", "CONTACT", "OUTCOME", "VERDICT", "CAMPAIGN", "CARE",
];

fn row(contact: &Processed) -> Vec<String> {
    vec![
        contact.number.to_string(),
        clock::rfc3339(contact.closed_us),
        hex::encode(contact.contact_id),
        outcome_name(contact),
        contact
            .verdict_ms
            .map_or_else(String::new, |ms| format!("{ms} ms")),
        contact.campaign.to_string(),
        care(contact),
    ]
}

fn outcome_name(contact: &Processed) -> String {
    Outcome::from_number(i32::from(contact.outcome))
        .ok()
        .flatten()
        .map_or_else(String::new, |outcome| outcome.name().to_owned())
}

/// What was not as it should be, in words.
fn care(contact: &Processed) -> String {
    let care = &contact.care;
    let lacks = |bit| care.level > 0 && contact.flags & bit == 0;
    let states = [
        (2, "absent"),
        (4, "occluded"),
        (8, "several faces"),
        (16, "another person"),
        (32, "camera lost"),
        (64, "not looked at"),
    ];
    let mut words: Vec<&str> = states
        .into_iter()
        .filter(|(bit, _)| care.presence & bit != 0)
        .map(|(_, word)| word)
        .collect();
    for (said, word) in [
        (care.level == 0, "no session"),
        (lacks(flag::TRAINING), "no training"),
        (lacks(flag::POSTURE), "no posture"),
        (care.unmasked > 0, "unmasked"),
        (contact.flags & flag::BLOCKED != 0, "reported"),
    ] {
        if said {
            words.push(word);
        }
    }
    words.join(", ")
}

fn fields(contact: &Processed) -> Vec<(&'static str, String)> {
    let mut fields = vec![
        ("number", contact.number.to_string()),
        ("contact", hex::encode(contact.contact_id)),
        ("announced", clock::rfc3339(contact.announced_us)),
        ("closed", clock::rfc3339(contact.closed_us)),
        ("outcome", outcome_name(contact)),
        ("reason", leaf::reason(contact.reason)),
        (
            "verdict after",
            contact
                .verdict_ms
                .map_or_else(String::new, |ms| format!("{ms} ms")),
        ),
        ("policy version", contact.policy_version.to_string()),
        ("aal", contact.aal.to_string()),
        ("scope", format!("{:08x}", contact.scope)),
        ("campaign", contact.campaign.to_string()),
        ("queue", contact.queue.to_string()),
        ("agents", contact.care.agents.to_string()),
        ("care", care(contact)),
    ];
    fields.retain(|(_, value)| !value.is_empty());
    fields
}

fn contact_json(contact: &Processed) -> Value {
    json!({
        "number": contact.number,
        "contactId": hex::encode(contact.contact_id),
        "announced": clock::rfc3339(contact.announced_us),
        "closed": clock::rfc3339(contact.closed_us),
        "outcome": outcome_name(contact),
        "reason": contact.reason,
        "verdictMs": contact.verdict_ms,
        "policyVersion": contact.policy_version,
        "aal": contact.aal,
        "factors": contact.factors,
        "limits": contact.limits,
        "scope": contact.scope,
        "campaign": contact.campaign,
        "queue": contact.queue,
        "callReason": contact.call_reason,
        "initiator": contact.initiator,
        "disposition": contact.disposition,
        "agentTag": hex::encode(contact.agent_tag),
        "agents": contact.care.agents,
        "presence": contact.care.presence,
        "level": contact.care.level,
        "unmasked": contact.care.unmasked,
        "rulesVersion": contact.care.rules_version,
        "training": contact.flags & flag::TRAINING != 0,
        "posture": contact.flags & flag::POSTURE != 0,
        "blocked": contact.flags & flag::BLOCKED != 0,
    })
}
