//! `akashi platform`: invitations, logins and revocations.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::output::Output;
use super::{Global, customer, leaf, number};
use crate::answer::{Outcome, Stage};
use crate::clock;
use crate::error::Error;
use crate::files::{self, Mode};
use crate::hexadecimal::{Hex, Secret, read_json, to_json};
use crate::layout::is_handle;
use crate::platform::{Invitation, InvitedTo, Party};

/// Act as the tenant's platform: invite phones, ask for logins, revoke
#[derive(Debug, Args)]
pub(super) struct Platform {
    #[command(subcommand)]
    verb: PlatformVerb,
}

#[derive(Debug, Subcommand)]
enum PlatformVerb {
    /// Invite a phone to enrol, to register a credential or to enrol a face
    #[command(after_help = "\
The file holds a secret token: it goes to the phone by the tenant's own trusted way.

Example:
  akashi platform invite cust-demo-1 --kind credential --out invitation.json")]
    Invite(Invite),
    /// Ask an agent's phone who logs in, and wait for the verdict
    #[command(after_help = "\
Exit status 0 verified, 3 refused, 4 no answer in time.

Example:
  akashi platform login agent-01 --policy agent-face")]
    Login(Login),
    /// Revoke one registered credential
    #[command(after_help = "\
Example:
  akashi platform revoke-credential cust-demo-1 --serial 1f0e… --reason 1")]
    RevokeCredential(RevokeCredential),
    /// Revoke the enrolled template of a face
    #[command(after_help = "Example:\n  akashi platform revoke-template cust-demo-1 --reason 1")]
    RevokeTemplate(Revoke),
    /// Delete what the cluster keeps of somebody: keys, credentials, face, evidence; the log stays
    #[command(after_help = "\
Receipts go on verifying; proofs cannot be checked again. There is no way back but to enrol anew.

Example:
  akashi platform erase cust-demo-1 --reason 9 --yes")]
    Erase(Erase),
    /// Revoke a phone: its keys, its credentials and its face count no more
    #[command(after_help = "Example:\n  akashi platform revoke-device cust-demo-1 --reason 1")]
    RevokeDevice(Revoke),
    /// Attach signals about the caller's number to a contact: buckets, never the number
    #[command(after_help = "\
What the contact is good for now is printed.

Example:
  akashi platform risk 1f0e… --sim-age 1 --ported --attestation 2")]
    Risk(customer::AttachRisk),
    /// Record that a weaker way than a proof was tried
    #[command(after_help = "\
It counts only if the policy of the contact lists it, and then for less than a proof.

Example:
  akashi platform fallback 1f0e… --kind callback")]
    Fallback(customer::RecordFallback),
    /// Record that a customer does not wish to be asked on the phone
    #[command(after_help = "Example:\n  akashi platform opt-out cust-demo-1 --days 90")]
    OptOut(customer::OptOut),
    /// Let somebody act for a customer
    #[command(after_help = "\
Example:
  akashi platform delegate cust-demo-1 cust-demo-2 --scope 3 --days 30
  akashi call cust-demo-1 --delegate cust-demo-2")]
    Delegate(customer::Delegate),
    /// End that
    #[command(after_help = "Example:\n  akashi platform undelegate cust-demo-1 cust-demo-2")]
    Undelegate(customer::Undelegate),
    /// Show how a contact stands: verdict, scope, limits, whether it is blocked
    #[command(after_help = "Example:\n  akashi platform contact 1f0e… -o json")]
    Contact(customer::Contact),
    /// Turn telephone numbers, one a line on stdin, into keyed pseudonyms; asks no node
    #[command(after_help = "\
The key is clients/numbers.key of the context. Pseudonyms of another epoch, tenant or key are unrelated.

Example:
  akashi platform prf < numbers.txt
  akashi platform prf --epoch 229 -o jsonl < numbers.txt")]
    Prf(number::Prf),
}

/// Whose phone.
#[derive(Debug, Args)]
struct Who {
    /// Handle of the customer, or of the agent with --agent
    handle: String,
    /// The handle is an agent's
    #[arg(long)]
    agent: bool,
}

impl Who {
    fn party(&self) -> Result<Party<'_>, Error> {
        party(&self.handle, self.agent)
    }
}

/// Whose phone a handle means.
pub(super) fn party(handle: &str, agent: bool) -> Result<Party<'_>, Error> {
    if !is_handle(handle) {
        return Err(Error::usage(
            "handle: not an opaque handle of 8 to 64 characters",
        ));
    }
    Ok(if agent {
        Party::Agent(handle)
    } else {
        Party::Customer(handle)
    })
}

#[derive(Debug, Args)]
struct Invite {
    #[command(flatten)]
    who: Who,
    /// What the invitation is for
    #[arg(long, value_enum)]
    kind: Kind,
    /// Write the invitation to this new file, readable by its owner only
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// A phone's keys; replaces an enrolled phone
    Device,
    /// One credential
    Credential,
    /// The template of a face; replaces an enrolled one
    Template,
}

#[derive(Debug, Args)]
struct Login {
    /// Handle of the agent
    agent: String,
    /// A policy whose purpose is agent-login
    #[arg(long, value_name = "NAME")]
    policy: String,
}

#[derive(Debug, Args)]
struct RevokeCredential {
    #[command(flatten)]
    who: Who,
    /// The serial, 32 hexadecimal digits
    #[arg(long, value_name = "ID")]
    serial: String,
    /// The tenant's own code, kept in the log
    #[arg(long, default_value_t = 0, value_name = "CODE")]
    reason: u32,
}

#[derive(Debug, Args)]
struct Revoke {
    #[command(flatten)]
    who: Who,
    /// The tenant's own code, kept in the log
    #[arg(long, default_value_t = 0, value_name = "CODE")]
    reason: u32,
}

#[derive(Debug, Args)]
struct Erase {
    #[command(flatten)]
    revoke: Revoke,
    /// Say that it is meant
    #[arg(long, required = true)]
    yes: bool,
}

/// The file form of an invitation.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct InvitationForm {
    enrolment_id: Hex<16>,
    token: Secret,
}

/// Reads an invitation from its file.
pub(super) fn read_invitation(path: &Path) -> Result<Invitation, Error> {
    let form: InvitationForm = read_json(path)?;
    Ok(Invitation {
        enrolment_id: form.enrolment_id.0,
        token: *form.token.expose(),
    })
}

impl Platform {
    pub(super) async fn run(self, global: &Global, output: Output) -> Result<(), Error> {
        let platform = global.context()?.platform()?;
        let deadline = global.deadline();
        match self.verb {
            PlatformVerb::Invite(verb) => {
                super::must_be_new(&verb.out)?;
                let to = match verb.kind {
                    Kind::Device => InvitedTo::Device,
                    Kind::Credential => InvitedTo::Credential,
                    Kind::Template => InvitedTo::Template,
                };
                let invitation = platform.invite(verb.who.party()?, to, deadline).await?;
                let form = InvitationForm {
                    enrolment_id: Hex(invitation.enrolment_id),
                    token: Secret::new(invitation.token),
                };
                files::write_new(&verb.out, &to_json(&form, &verb.out)?, Mode::Private)?;
                output.data(&hex::encode(invitation.enrolment_id));
                Ok(())
            }
            PlatformVerb::Login(verb) => login(&platform, &verb, global, output).await,
            PlatformVerb::RevokeCredential(verb) => {
                let serial = super::id_from_text(&verb.serial, "serial")?;
                platform
                    .revoke_credential(verb.who.party()?, &serial, verb.reason, deadline)
                    .await?;
                output.note("The credential is revoked.");
                Ok(())
            }
            PlatformVerb::RevokeTemplate(verb) => {
                platform
                    .revoke_template(verb.who.party()?, verb.reason, deadline)
                    .await?;
                output.note("The template is revoked.");
                Ok(())
            }
            PlatformVerb::Risk(verb) => verb.run(&platform, global, output).await,
            PlatformVerb::Fallback(verb) => verb.run(&platform, global, output).await,
            PlatformVerb::OptOut(verb) => verb.run(&platform, global, output).await,
            PlatformVerb::Delegate(verb) => verb.run(&platform, global, output).await,
            PlatformVerb::Undelegate(verb) => verb.run(&platform, global, output).await,
            PlatformVerb::Contact(verb) => verb.run(&platform, global, output).await,
            PlatformVerb::Erase(Erase {
                revoke: verb,
                yes: _,
            }) => {
                let evidence = platform
                    .erase(verb.who.party()?, verb.reason, deadline)
                    .await?;
                output.record(
                    &[("evidence records deleted", evidence.to_string())],
                    &json!({ "evidence": evidence }),
                );
                output.note("Keys, credentials, face and history are deleted; the log stays.");
                Ok(())
            }
            PlatformVerb::Prf(verb) => verb.run(global, output),
            PlatformVerb::RevokeDevice(verb) => {
                platform
                    .revoke_device(verb.who.party()?, verb.reason, deadline)
                    .await?;
                output.note("The phone is revoked.");
                Ok(())
            }
        }
    }
}

async fn login(
    platform: &crate::Platform,
    verb: &Login,
    global: &Global,
    output: Output,
) -> Result<(), Error> {
    if !is_handle(&verb.agent) {
        return Err(Error::usage(
            "agent: not an opaque handle of 8 to 64 characters",
        ));
    }
    let opened = platform
        .open_login(&verb.agent, &verb.policy, global.deadline())
        .await?;
    let id = hex::encode(opened.login_id);
    output.note(&format!("asked; login {id}"));
    let deadline = global.long_deadline();
    let waited = platform
        .wait_login(&opened.login_id, Stage::Committed, deadline)
        .await;
    if matches!(waited, Err(Error::DeadlineExceeded)) {
        let until = clock::rfc3339(opened.expires_us);
        output.note(&format!(
            "no verdict yet; the challenge is open until {until}"
        ));
        return Err(Error::NoAnswer);
    }
    let verdict = waited?;
    let outcome = verdict.outcome.ok_or(Error::Answer { what: "outcome" })?;
    let reason = leaf::reason(u16::try_from(verdict.reason).unwrap_or(u16::MAX));
    let level = verdict
        .level
        .map_or_else(String::new, |level| level.to_string());
    output.record(
        &[
            ("verdict", outcome.words().to_owned()),
            ("login", id.clone()),
            ("reason", reason),
            ("face level", level),
        ],
        &json!({ "outcome": outcome.name(), "loginId": id, "reason": verdict.reason,
                 "factors": verdict.factors, "level": verdict.level }),
    );
    Outcome::to_result(outcome)
}
