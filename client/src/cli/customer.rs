//! `akashi platform risk`, `fallback`, `opt-out`, `delegate` …: what a platform says of a customer.

use clap::{Args, ValueEnum};
use serde_json::json;

use super::Global;
use super::output::Output;
use crate::Platform;
use crate::answer::Outcome;
use crate::clock;
use crate::error::Error;
use crate::layout::is_handle;
use crate::platform::{Fallback, Risk};

/// Microseconds of one day.
const DAY_US: u64 = 86_400_000_000;

#[derive(Debug, Args)]
pub(super) struct AttachRisk {
    /// The contact, 32 hexadecimal digits
    contact: String,
    /// Age of the SIM: 0 unknown, 1 below a day, 2 below 7 days, 3 below 30, 4 below 180, 5 older
    #[arg(long, default_value_t = 0, value_name = "BUCKET")]
    sim_age: u32,
    /// Kind of line: 0 unknown, 1 mobile, 2 fixed, 3 over the internet, 4 prepaid, 5 special
    #[arg(long, default_value_t = 0, value_name = "KIND")]
    line_type: u32,
    /// The number belonged to somebody else before
    #[arg(long)]
    recycled: bool,
    /// The number moved to another carrier lately
    #[arg(long)]
    ported: bool,
    /// Calls are forwarded
    #[arg(long)]
    forwarded: bool,
    /// Attestation by the carrier: 0 none, 1 C, 2 B, 3 A
    #[arg(long, default_value_t = 0, value_name = "LEVEL")]
    attestation: u32,
}

impl AttachRisk {
    pub(super) async fn run(
        &self,
        platform: &Platform,
        global: &Global,
        output: Output,
    ) -> Result<(), Error> {
        let contact = super::id_from_text(&self.contact, "contact")?;
        let bit = |set: bool, bit: u32| if set { bit } else { 0 };
        let risk = Risk {
            sim_age: self.sim_age,
            line_type: self.line_type,
            flags: bit(self.recycled, 1) | bit(self.ported, 2) | bit(self.forwarded, 4),
            attestation: self.attestation,
        };
        platform
            .attach_risk(&contact, risk, global.deadline())
            .await?;
        let standing = platform.standing(&contact, global.deadline()).await?;
        output.record(
            &[
                ("scope", format!("{:#010x}", standing.scope)),
                ("limits", limits(standing.limits)),
            ],
            &json!({ "scope": standing.scope, "limits": standing.limits }),
        );
        Ok(())
    }
}

#[derive(Debug, Args)]
pub(super) struct RecordFallback {
    /// The contact, 32 hexadecimal digits
    contact: String,
    /// The weaker way
    #[arg(long, value_enum)]
    kind: Kind,
    /// It did not hold
    #[arg(long)]
    failed: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// A code word from a letter
    LetterCode,
    /// A security key at a kiosk
    SecurityKeyKiosk,
    /// A call back to the registered line
    Callback,
    /// In person at a branch
    Branch,
    /// Questions; the weakest
    Knowledge,
    /// A code that a phone without a connection shows, read out
    OfflineCode,
}

impl RecordFallback {
    pub(super) async fn run(
        &self,
        platform: &Platform,
        global: &Global,
        output: Output,
    ) -> Result<(), Error> {
        let contact = super::id_from_text(&self.contact, "contact")?;
        let kind = match self.kind {
            Kind::LetterCode => Fallback::LetterCode,
            Kind::SecurityKeyKiosk => Fallback::SecurityKeyKiosk,
            Kind::Callback => Fallback::Callback,
            Kind::Branch => Fallback::Branch,
            Kind::Knowledge => Fallback::Knowledge,
            Kind::OfflineCode => Fallback::OfflineCode,
        };
        let outcome = platform
            .record_fallback(&contact, (kind, !self.failed), global.deadline())
            .await?;
        let words = outcome.map_or("recorded; it changes nothing", Outcome::words);
        let name = outcome.map(Outcome::name);
        output.record(
            &[("fallback", words.to_owned())],
            &json!({ "outcome": name }),
        );
        Ok(())
    }
}

#[derive(Debug, Args)]
pub(super) struct OptOut {
    /// Handle of the customer
    subject: String,
    /// For how many days they are not to be asked; 0: they may be asked again
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u64).range(0..=3_652))]
    days: u64,
}

impl OptOut {
    pub(super) async fn run(
        &self,
        platform: &Platform,
        global: &Global,
        output: Output,
    ) -> Result<(), Error> {
        handle(&self.subject, "subject")?;
        let until_us = match self.days {
            0 => 0,
            days => clock::unix_us().saturating_add(days.saturating_mul(DAY_US)),
        };
        platform
            .set_opt_out(&self.subject, until_us, global.deadline())
            .await?;
        output.note(match until_us {
            0 => "The customer may be asked again.",
            _ => "The customer is not asked until then.",
        });
        Ok(())
    }
}

#[derive(Debug, Args)]
pub(super) struct Delegate {
    /// Handle of the customer for whom somebody may act
    subject: String,
    /// Handle of who may act, with a phone of their own
    delegate: String,
    /// In what, as bits of the tenant
    #[arg(long, default_value_t = u32::MAX, value_name = "BITS")]
    scope: u32,
    /// For how many days
    #[arg(long, default_value_t = 365, value_name = "DAYS", value_parser = clap::value_parser!(u64).range(1..=1_825))]
    days: u64,
}

impl Delegate {
    pub(super) async fn run(
        &self,
        platform: &Platform,
        global: &Global,
        output: Output,
    ) -> Result<(), Error> {
        handle(&self.subject, "subject")?;
        handle(&self.delegate, "delegate")?;
        let until_us = clock::unix_us().saturating_add(self.days.saturating_mul(DAY_US));
        let who = (self.subject.as_str(), self.delegate.as_str());
        platform
            .grant_delegation(who, self.scope, until_us, global.deadline())
            .await?;
        output.note("They may act for the customer: announce with --delegate.");
        Ok(())
    }
}

#[derive(Debug, Args)]
pub(super) struct Undelegate {
    /// Handle of the customer for whom somebody could act
    subject: String,
    /// Handle of who no longer may
    delegate: String,
}

impl Undelegate {
    pub(super) async fn run(
        &self,
        platform: &Platform,
        global: &Global,
        output: Output,
    ) -> Result<(), Error> {
        handle(&self.subject, "subject")?;
        handle(&self.delegate, "delegate")?;
        let who = (self.subject.as_str(), self.delegate.as_str());
        platform.revoke_delegation(who, global.deadline()).await?;
        output.note("They may no longer act for the customer.");
        Ok(())
    }
}

#[derive(Debug, Args)]
pub(super) struct Contact {
    /// The contact, 32 hexadecimal digits
    contact: String,
}

impl Contact {
    pub(super) async fn run(
        &self,
        platform: &Platform,
        global: &Global,
        output: Output,
    ) -> Result<(), Error> {
        let contact = super::id_from_text(&self.contact, "contact")?;
        let standing = platform.standing(&contact, global.deadline()).await?;
        let verdict = &standing.verdict;
        let outcome = verdict.outcome.map_or("open", Outcome::name);
        let yes = |set: bool| if set { "yes" } else { "no" }.to_owned();
        output.record(
            &[
                ("outcome", outcome.to_owned()),
                ("blocked", yes(standing.blocked)),
                ("closed", yes(standing.closed)),
                ("scope", format!("{:#010x}", standing.scope)),
                ("limits", limits(standing.limits)),
                ("assurance", verdict.aal.to_string()),
                ("match words", verdict.match_words.join(", ")),
            ],
            &json!({ "outcome": verdict.outcome.map(Outcome::name), "blocked": standing.blocked,
                     "closed": standing.closed, "scope": standing.scope,
                     "limits": standing.limits, "aal": verdict.aal,
                     "matchWords": verdict.match_words }),
        );
        Ok(())
    }
}

/// What speaks against full trust, in words.
pub(super) fn limits(bits: u32) -> String {
    let names = [
        (1, "cooling after re-enrolment"),
        (2, "risk"),
        (4, "fallback"),
        (8, "delegate"),
        (16, "handed on"),
    ];
    let set: Vec<&str> = names
        .iter()
        .filter(|(bit, _)| bits & bit != 0)
        .map(|(_, name)| *name)
        .collect();
    if set.is_empty() {
        "none".to_owned()
    } else {
        set.join(", ")
    }
}

fn handle(text: &str, name: &str) -> Result<(), Error> {
    if is_handle(text) {
        Ok(())
    } else {
        Err(Error::usage(format!(
            "{name}: not an opaque handle of 8 to 64 characters"
        )))
    }
}
