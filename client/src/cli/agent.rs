//! `akashi agent`: log in, work in a session, ask for what is masked; and what the tenant keeps of agents.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::json;

use super::output::Output;
use super::{Global, id_from_text, leaf, presence};
use crate::agent::{SessionView, Wanted};
use crate::answer::{Outcome, Stage};
use crate::clock;
use crate::context::Context;
use crate::error::Error;
use crate::identity;
use crate::issuer::Issuer;
use crate::layout::is_handle;

/// Act as an agent: log in, work in a session, listen in, ask to see masked fields
#[derive(Debug, Args)]
pub(super) struct Agent {
    #[command(subcommand)]
    verb: AgentVerb,
}

#[derive(Debug, Subcommand)]
enum AgentVerb {
    /// Ask the agent's phone who logs in, then open a session with the agent's certificate
    #[command(after_help = "\
The platform asks, the phone proves, the desktop opens the session: a certificate alone opens none.
Exit status 0 open, 3 refused by the phone, 4 no answer in time, 5 not let in.

Example:
  akashi agent login agent-01 --policy agent-pin")]
    Login(Login),
    Run(presence::Run),
    Watch(presence::Watch),
    /// Look at sessions, end them, bring them back
    #[command(subcommand)]
    Session(SessionVerb),
    /// Listen in on a contact, as a supervisor
    #[command(after_help = "\
Example:
  akashi agent observe agent-09 --session 5f01… --contact 77aa…")]
    Observe(Observe),
    /// Ask to see masked fields of a contact, and decide such requests
    #[command(subcommand)]
    Unmask(UnmaskVerb),
    /// An agent as the cluster knows it: locked or not, session, posture, rules
    #[command(after_help = "Example:\n  akashi agent show agent-01")]
    Show(Handle),
    /// Hand in what an issuer attests of an agent's machine
    #[command(after_help = "\
The issuer's directory signs; its key must be registered. Bits mean what the tenant says they mean.

Example:
  akashi agent attest agent-01 --issuer DIR --bits 7 --hours 12")]
    Attest(Attest),
    /// Put a version of the tenant's written rules into force; only its hash leaves this machine
    #[command(after_help = "Example:\n  akashi agent rules --version-number 2 rules.txt")]
    Rules(Rules),
    /// Revoke one certificate of an agent: a session under it ends
    #[command(after_help = "\
Example:
  akashi agent revoke-certificate agent-01 --certificate DIR/clients/agents/agent-01.pem")]
    RevokeCertificate(RevokeCertificate),
}

#[derive(Debug, Subcommand)]
enum SessionVerb {
    /// Open a session with a login that is verified already
    #[command(after_help = "\
Example:
  akashi agent session open agent-01 --login 1f0e…")]
    Open(OpenSession),
    /// A session as it stands
    #[command(after_help = "Example:\n  akashi agent session show agent-01 --session 5f01…")]
    Show(OfSession),
    /// End a session; its contacts go back to the queue
    #[command(after_help = "Example:\n  akashi agent session end agent-01 --session 5f01…")]
    End(OfSession),
    /// Bring a suspended session back with a fresh login, or let an active one last longer
    #[command(after_help = "\
Example:
  akashi agent session restore agent-01 --session 5f01… --policy agent-pin")]
    Restore(Restore),
}

#[derive(Debug, Subcommand)]
enum UnmaskVerb {
    /// Ask; a supervisor decides
    #[command(after_help = "\
Example:
  akashi agent unmask request agent-01 --session 5f01… --contact 77aa… --fields 4 --reason 12")]
    Request(RequestUnmask),
    /// See the fields without a second person, where the policy knows it; recorded as such
    #[command(after_help = "\
Example:
  akashi agent unmask break-glass agent-01 --session 5f01… --contact 77aa… --fields 4 --reason 99")]
    BreakGlass(RequestUnmask),
    /// Let somebody else see the fields for a while, as a supervisor
    #[command(after_help = "\
Example:
  akashi agent unmask grant agent-09 --session 6a02… --contact 77aa… --unmask 90bc…")]
    Grant(DecideUnmask),
    /// Say no, as a supervisor
    #[command(after_help = "\
Example:
  akashi agent unmask deny agent-09 --session 6a02… --contact 77aa… --unmask 90bc…")]
    Deny(DecideUnmask),
    /// A request as it stands
    #[command(after_help = "\
Example:
  akashi agent unmask show agent-01 --contact 77aa… --unmask 90bc…")]
    Show(OfUnmask),
}

#[derive(Debug, Args)]
struct Handle {
    /// Handle of the agent
    agent: String,
}

impl Handle {
    fn checked(&self) -> Result<&str, Error> {
        checked(&self.agent)
    }
}

/// An agent's handle, or a complaint.
pub(super) fn checked(handle: &str) -> Result<&str, Error> {
    if is_handle(handle) {
        Ok(handle)
    } else {
        Err(Error::usage(
            "agent: not an opaque handle of 8 to 64 characters",
        ))
    }
}

#[derive(Debug, Args)]
struct Login {
    #[command(flatten)]
    who: Handle,
    /// A policy whose purpose is agent-login
    #[arg(long, value_name = "NAME")]
    policy: String,
    /// Acknowledge this version of the tenant's rules; default: the one in force
    #[arg(long, value_name = "VERSION")]
    rules: Option<u32>,
}

#[derive(Debug, Args)]
struct OpenSession {
    #[command(flatten)]
    who: Handle,
    /// The login, 32 hexadecimal digits
    #[arg(long, value_name = "ID")]
    login: String,
    /// Acknowledge this version of the tenant's rules
    #[arg(long, default_value_t = 0, value_name = "VERSION")]
    rules: u32,
}

#[derive(Debug, Args)]
struct OfSession {
    #[command(flatten)]
    who: Handle,
    /// The session, 32 hexadecimal digits
    #[arg(long, value_name = "ID")]
    session: String,
}

#[derive(Debug, Args)]
struct Restore {
    #[command(flatten)]
    of: OfSession,
    /// A policy whose purpose is agent-login
    #[arg(long, value_name = "NAME")]
    policy: String,
}

#[derive(Debug, Args)]
struct Observe {
    #[command(flatten)]
    of: OfSession,
    /// The contact, 32 hexadecimal digits
    #[arg(long, value_name = "ID")]
    contact: String,
}

#[derive(Debug, Args)]
struct RequestUnmask {
    #[command(flatten)]
    of: OfSession,
    /// The contact, 32 hexadecimal digits
    #[arg(long, value_name = "ID")]
    contact: String,
    /// Which fields, as the tenant numbers them, added up
    #[arg(long, value_name = "BITS", value_parser = clap::value_parser!(u32).range(1..))]
    fields: u32,
    /// The tenant's own code: why
    #[arg(long, value_name = "CODE")]
    reason: u32,
}

#[derive(Debug, Args)]
struct DecideUnmask {
    #[command(flatten)]
    of: OfSession,
    /// The contact, 32 hexadecimal digits
    #[arg(long, value_name = "ID")]
    contact: String,
    /// The request, 32 hexadecimal digits
    #[arg(long, value_name = "ID")]
    unmask: String,
}

#[derive(Debug, Args)]
struct OfUnmask {
    #[command(flatten)]
    who: Handle,
    /// The contact, 32 hexadecimal digits
    #[arg(long, value_name = "ID")]
    contact: String,
    /// The request, 32 hexadecimal digits
    #[arg(long, value_name = "ID")]
    unmask: String,
}

#[derive(Debug, Args)]
struct Attest {
    #[command(flatten)]
    who: Handle,
    /// Directory of the issuer
    #[arg(long, value_name = "DIR")]
    issuer: PathBuf,
    /// Points of the checklist that hold, as the tenant numbers them, added up
    #[arg(long, value_name = "BITS")]
    bits: u32,
    /// For how long
    #[arg(long, default_value_t = 24, value_name = "HOURS", value_parser = clap::value_parser!(u64).range(1..=8_760))]
    hours: u64,
}

#[derive(Debug, Args)]
struct Rules {
    /// The text
    file: PathBuf,
    /// Its version, above the one in force
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    version_number: u32,
}

#[derive(Debug, Args)]
struct RevokeCertificate {
    #[command(flatten)]
    who: Handle,
    /// The certificate, as PEM
    #[arg(long, value_name = "FILE")]
    certificate: PathBuf,
    /// The tenant's own code, kept in the log
    #[arg(long, default_value_t = 0, value_name = "CODE")]
    reason: u32,
}

impl Agent {
    pub(super) async fn run(self, global: &Global, output: Output) -> Result<(), Error> {
        let context = global.context()?;
        match self.verb {
            AgentVerb::Login(verb) => verb.run(&context, global, output).await,
            AgentVerb::Run(verb) => verb.run(&context, output).await,
            AgentVerb::Watch(verb) => verb.run(&context, global, output).await,
            AgentVerb::Session(verb) => verb.run(&context, global, output).await,
            AgentVerb::Observe(verb) => {
                let (agent, session) = verb.of.at(&context)?;
                let contact = id_from_text(&verb.contact, "contact")?;
                agent.observe(&session, &contact, global.deadline()).await?;
                output.note("Listening in.");
                Ok(())
            }
            AgentVerb::Unmask(verb) => verb.run(&context, global, output).await,
            AgentVerb::Show(who) => show_agent(&context, &who, global, output).await,
            AgentVerb::Attest(verb) => verb.run(&context, global, output).await,
            AgentVerb::Rules(verb) => {
                let text = std::fs::read(&verb.file).map_err(Error::file(&verb.file))?;
                context
                    .platform()?
                    .publish_rules(verb.version_number, &text, global.deadline())
                    .await?;
                output
                    .note("The rules are in force; sessions opened from now on acknowledge them.");
                Ok(())
            }
            AgentVerb::RevokeCertificate(verb) => {
                let digest = identity::certificate_sha256(&verb.certificate)?;
                context
                    .platform()?
                    .revoke_agent_certificate(
                        verb.who.checked()?,
                        &digest,
                        verb.reason,
                        global.deadline(),
                    )
                    .await?;
                output.note("The certificate is revoked; a session under it is over.");
                Ok(())
            }
        }
    }
}

impl OfSession {
    fn at(&self, context: &Context) -> Result<(crate::Agent, [u8; 16]), Error> {
        let session = id_from_text(&self.session, "session")?;
        Ok((context.agent(self.who.checked()?)?, session))
    }
}

impl Login {
    async fn run(self, context: &Context, global: &Global, output: Output) -> Result<(), Error> {
        let handle = self.who.checked()?;
        let platform = context.platform()?;
        let rules = match self.rules {
            Some(version) => version,
            None => {
                platform
                    .agent(handle, global.deadline())
                    .await?
                    .rules_version
            }
        };
        let login = verified_login(&platform, handle, &self.policy, global, output).await?;
        let opened = context
            .agent(handle)?
            .open_session(&login, rules, global.deadline())
            .await?;
        say_open(&opened, output);
        Ok(())
    }
}

/// Asks an agent's phone and waits until it proved who logs in.
async fn verified_login(
    platform: &crate::Platform,
    agent: &str,
    policy: &str,
    global: &Global,
    output: Output,
) -> Result<[u8; 16], Error> {
    let opened = platform
        .open_login(agent, policy, global.deadline())
        .await?;
    let id = hex::encode(opened.login_id);
    output.note(&format!("asked; login {id}"));
    let deadline = global.long_deadline();
    let waited = platform
        .wait_login(&opened.login_id, Stage::Committed, deadline)
        .await;
    if matches!(waited, Err(Error::DeadlineExceeded)) {
        return Err(Error::NoAnswer);
    }
    let verdict = waited?;
    let outcome = verdict.outcome.ok_or(Error::Answer { what: "outcome" })?;
    if verdict.reason != 0 {
        let reason = leaf::reason(u16::try_from(verdict.reason).unwrap_or(u16::MAX));
        output.note(&format!("reason {reason}"));
    }
    Outcome::to_result(outcome)?;
    Ok(opened.login_id)
}

fn say_open(opened: &crate::agent::OpenedSession, output: Output) {
    let id = hex::encode(opened.session_id);
    output.record(
        &[
            ("session", id.clone()),
            ("good until", clock::rfc3339(opened.expires_us)),
            ("leaf", opened.leaf_index.to_string()),
        ],
        &json!({ "sessionId": id, "expires": clock::rfc3339(opened.expires_us),
                 "leafIndex": opened.leaf_index }),
    );
}

impl SessionVerb {
    async fn run(self, context: &Context, global: &Global, output: Output) -> Result<(), Error> {
        let deadline = global.deadline();
        match self {
            Self::Open(verb) => {
                let login = id_from_text(&verb.login, "login")?;
                let agent = context.agent(verb.who.checked()?)?;
                let opened = agent.open_session(&login, verb.rules, deadline).await?;
                say_open(&opened, output);
                Ok(())
            }
            Self::Show(verb) => {
                let (agent, session) = verb.at(context)?;
                let view = agent.session(&session, deadline).await?;
                output.record(&session_fields(&view), &session_json(&view));
                Ok(())
            }
            Self::End(verb) => {
                let (agent, session) = verb.at(context)?;
                agent.end_session(&session, deadline).await?;
                output.note("The session is over.");
                Ok(())
            }
            Self::Restore(verb) => {
                let (agent, session) = verb.of.at(context)?;
                let platform = context.platform()?;
                let handle = verb.of.who.checked()?;
                let login = verified_login(&platform, handle, &verb.policy, global, output).await?;
                let opened = agent
                    .restore_session(&session, &login, global.deadline())
                    .await?;
                say_open(&opened, output);
                Ok(())
            }
        }
    }
}

/// A session, field by field, for people.
fn session_fields(view: &SessionView) -> Vec<(&'static str, String)> {
    let posture = match view.posture_until_us {
        u64::MAX => "not asked for".to_owned(),
        until => format!("until {}", clock::rfc3339(until)),
    };
    vec![
        ("session", hex::encode(view.session_id)),
        ("state", view.state.name().to_owned()),
        ("presence", view.presence.name().to_owned()),
        ("screen", view.action.name().to_owned()),
        ("login", view.level.name().to_owned()),
        (
            "policy",
            format!("{} version {}", view.policy, view.policy_version),
        ),
        ("opened", clock::rfc3339(view.opened_us)),
        ("good until", clock::rfc3339(view.expires_us)),
        ("contacts", view.contact_ids.len().to_string()),
        (
            "training",
            if view.training {
                "proved"
            } else {
                "not asked for"
            }
            .to_owned(),
        ),
        ("posture", posture),
        ("rules", view.rules_version.to_string()),
    ]
}

fn session_json(view: &SessionView) -> serde_json::Value {
    json!({
        "sessionId": hex::encode(view.session_id),
        "state": view.state.name(),
        "presence": view.presence.name(),
        "screen": view.action.name(),
        "level": view.level.name(),
        "policy": view.policy,
        "policyVersion": view.policy_version,
        "opened": clock::rfc3339(view.opened_us),
        "expires": clock::rfc3339(view.expires_us),
        "contactIds": view.contact_ids.iter().map(hex::encode).collect::<Vec<_>>(),
        "training": view.training,
        "rulesVersion": view.rules_version,
    })
}

impl UnmaskVerb {
    async fn run(self, context: &Context, global: &Global, output: Output) -> Result<(), Error> {
        let deadline = global.deadline();
        match self {
            Self::Request(verb) => {
                let (agent, session) = verb.of.at(context)?;
                let contact = id_from_text(&verb.contact, "contact")?;
                let id = agent
                    .request_unmask(&session, &contact, verb.wanted(), deadline)
                    .await?;
                output.note("A supervisor has to decide.");
                output.data(&hex::encode(id));
                Ok(())
            }
            Self::BreakGlass(verb) => {
                let (agent, session) = verb.of.at(context)?;
                let contact = id_from_text(&verb.contact, "contact")?;
                let (id, until_us) = agent
                    .break_glass(&session, &contact, verb.wanted(), deadline)
                    .await?;
                say_shown(&id, until_us, output);
                Ok(())
            }
            Self::Grant(verb) => verb.decide(true, context, global, output).await,
            Self::Deny(verb) => verb.decide(false, context, global, output).await,
            Self::Show(verb) => {
                let contact = id_from_text(&verb.contact, "contact")?;
                let unmask = id_from_text(&verb.unmask, "unmask")?;
                let agent = context.agent(verb.who.checked()?)?;
                let view = agent.unmask(&contact, &unmask, deadline).await?;
                let until = match view.until_us {
                    0 => String::new(),
                    until => clock::rfc3339(until),
                };
                output.record(
                    &[
                        ("state", view.state.name().to_owned()),
                        ("fields", view.fields.to_string()),
                        ("until", until),
                        ("break glass", view.break_glass.to_string()),
                    ],
                    &json!({ "state": view.state.name(), "fields": view.fields,
                             "untilUs": view.until_us, "breakGlass": view.break_glass,
                             "leafIndex": view.leaf_index }),
                );
                Ok(())
            }
        }
    }
}

impl RequestUnmask {
    const fn wanted(&self) -> Wanted {
        Wanted {
            fields: self.fields,
            reason: self.reason,
        }
    }
}

impl DecideUnmask {
    async fn decide(
        self,
        grant: bool,
        context: &Context,
        global: &Global,
        output: Output,
    ) -> Result<(), Error> {
        let (agent, session) = self.of.at(context)?;
        let contact = id_from_text(&self.contact, "contact")?;
        let unmask = id_from_text(&self.unmask, "unmask")?;
        let until_us = agent
            .decide_unmask(&session, (&contact, &unmask), grant, global.deadline())
            .await?;
        if grant {
            say_shown(&unmask, until_us, output);
        } else {
            output.note("The request is denied.");
        }
        Ok(())
    }
}

fn say_shown(id: &[u8; 16], until_us: u64, output: Output) {
    let id = hex::encode(id);
    let until = clock::rfc3339(until_us);
    output.record(
        &[("unmask", id.clone()), ("until", until.clone())],
        &json!({ "unmaskId": id, "until": until }),
    );
}

async fn show_agent(
    context: &Context,
    who: &Handle,
    global: &Global,
    output: Output,
) -> Result<(), Error> {
    let platform = context.platform()?;
    let view = platform.agent(who.checked()?, global.deadline()).await?;
    let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
    let mut fields = vec![
        ("locked", yes(view.locked)),
        ("supervisor", yes(view.supervisor)),
    ];
    if view.posture_until_us != 0 {
        let until = clock::rfc3339(view.posture_until_us);
        fields.push(("posture bits", format!("{} until {until}", view.posture)));
    }
    if view.rules_version != 0 {
        fields.push(("rules in force", view.rules_version.to_string()));
    }
    match &view.session {
        Some(session) => fields.extend(session_fields(session)),
        None => fields.push(("session", "none".to_owned())),
    }
    let json = json!({
        "locked": view.locked,
        "supervisor": view.supervisor,
        "posture": view.posture,
        "postureUntilUs": view.posture_until_us,
        "rulesVersion": view.rules_version,
        "session": view.session.as_ref().map(session_json),
    });
    output.record(&fields, &json);
    Ok(())
}

impl Attest {
    async fn run(self, context: &Context, global: &Global, output: Output) -> Result<(), Error> {
        let handle = self.who.checked()?;
        let issuer = Issuer::open(&self.issuer)?;
        let good_for = Duration::from_secs(self.hours * 3_600);
        let attestation = issuer.attest_posture(handle, self.bits, clock::unix_us(), good_for)?;
        context
            .platform()?
            .attest_posture(handle, &attestation, global.deadline())
            .await?;
        let until = clock::rfc3339(attestation.until_us);
        output.note(&format!("attested until {until}"));
        Ok(())
    }
}
