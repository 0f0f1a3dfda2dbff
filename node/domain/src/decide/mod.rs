//! Deciding: looks at the state, never touches it, and says which events follow from a command.
//!
//! Everything here is total and deterministic. One file per group of commands.

mod admin;
mod ahead;
mod binding;
mod challenge;
mod contact;
mod credential;
mod customer;
mod delegation;
mod enrolment;
mod execution;
mod exhibit;
mod hand_over;
mod leg;
mod lock;
mod login;
mod lone;
mod member;
mod notice;
mod notifier;
mod order;
mod oversight;
mod pin;
mod posture;
mod presence;
mod processed;
mod registry;
mod report;
mod retire;
mod session;
mod step_up;
mod submission;
mod template;
mod timers;
mod training;
mod trial;
mod worth;

use akashi_proof::{Context, ContextFields, NonceInputs, Purpose, Reason, Suite, challenge_nonce};

use crate::answer::{Rejection, Reply};
use crate::command::{Command, Request};
use crate::entry::Sealed;
use crate::event::Event;
use crate::factor::Job;
use crate::ids::{ChallengeId, Digest, SessionId, Stamp, SubjectHash};
use crate::keys::TimerKind;
use crate::kv::{Fault, View};
use crate::records::{Cluster, Tenant};
use crate::state::Records as _;

pub use ahead::submission_jobs;

/// Judges a proof. The same job must get the same answer on every replica.
///
/// Replicas hand in a memo that worker threads filled while the entry was on its way; tests and
/// simulations may hand in something cheaper.
pub trait Checker {
    /// Whether the job's proof holds.
    ///
    /// # Errors
    ///
    /// The proof's [`Reason`] if it does not.
    fn check(&mut self, job: &Job) -> Result<(), Reason>;
}

/// Judges on the spot, with no memory.
#[derive(Clone, Copy, Debug, Default)]
pub struct Inline;

impl Checker for Inline {
    fn check(&mut self, job: &Job) -> Result<(), Reason> {
        akashi_proof::check(&job.context, &job.statement, &job.proof)
    }
}

/// Where in the log a decision is made: its time, its place and its chance.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Cluster time.
    pub stamp: Stamp,
    /// Raft index of the entry.
    pub log_index: u64,
    /// Position of the command in its entry.
    pub ordinal: u32,
    /// The leader's randomness of the entry.
    pub random: [u8; 32],
    /// The newest sealed head that applied state knows.
    pub sealed: Sealed,
}

impl Step {
    /// A 32-byte value only the leader could have foreseen: one per label and id.
    fn derived(&self, label: &[u8], id: &[u8]) -> [u8; 32] {
        let index = self.log_index.to_be_bytes();
        let ordinal = self.ordinal.to_be_bytes();
        crate::ids::labelled(label, &[&self.random, &index, &ordinal, id])
    }

    /// The nonce of a challenge or an enrolment.
    fn nonce(&self, cluster: &Cluster, id: [u8; 16]) -> [u8; 32] {
        challenge_nonce(&NonceInputs {
            suite: Suite::V1,
            origin: cluster.origin.as_bytes(),
            sealed_size: self.sealed.size,
            sealed_root: self.sealed.root.0,
            log_index: self.log_index,
            ordinal: self.ordinal,
            challenge_id: id,
            leader_random: self.random,
        })
    }

    /// The salt of one part's evidence commitment.
    fn salt(&self, id: [u8; 16], kind: u8, slot: u8) -> [u8; 32] {
        let part = [kind, slot];
        self.derived(b"akashi/v1/salt", &[id.as_slice(), &part].concat())
    }
}

/// What a command leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The facts, in order; none if nothing changes.
    pub events: Vec<Event>,
    /// What the sender is told.
    pub reply: Reply,
}

impl Decision {
    /// One fact, and no more to say.
    fn fact(fact: impl Into<Event>) -> Self {
        Self {
            events: vec![fact.into()],
            reply: Reply::Done,
        }
    }

    /// Nothing changes.
    const fn nothing(reply: Reply) -> Self {
        Self {
            events: Vec::new(),
            reply,
        }
    }
}

/// Why there is no decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// The command makes no sense now.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The storage beneath failed: the replica stops.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Decides one command.
///
/// # Errors
///
/// [`Stop::Rejected`] if it makes no sense now; [`Stop::Fault`] if the storage fails.
pub fn decide<V: View, C: Checker>(
    state: &V,
    step: &Step,
    request: &Request,
    checker: &mut C,
) -> Result<Decision, Stop> {
    if request.not_after < step.stamp {
        return Err(Rejection::TooLate.into());
    }
    match &request.command {
        Command::Found(command) => admin::found(state, command),
        Command::CreateTenant(command) => admin::create_tenant(state, command),
        Command::PutPolicy(command) => admin::put_policy(state, command),
        Command::PutSettings(command) => admin::put_settings(state, command),
        Command::PutSessionSettings(command) => admin::put_session_settings(state, command),
        Command::RegisterAgent(command) => admin::register_agent(state, command),
        Command::RegisterIssuer(command) => registry::register_issuer(state, command),
        Command::RevokeIssuer(command) => registry::revoke_issuer(state, step, command),
        Command::RegisterSensor(command) => registry::register_sensor(state, command),
        Command::RevokeSensor(command) => registry::revoke_sensor(state, command),
        Command::OpenEnrolment(command) => enrolment::open(state, step, command),
        Command::CompleteEnrolment(command) => enrolment::complete(state, step, command, checker),
        Command::RevokeDevice(command) => enrolment::revoke(state, command),
        Command::RegisterCredential(command) => credential::register(state, step, command, checker),
        Command::EnrolTemplate(command) => template::enrol(state, step, command, checker),
        Command::RevokeCredential(command) => credential::revoke(state, command),
        Command::RevokeTemplate(command) => template::revoke(state, command),
        Command::AnnounceContact(command) => contact::announce(state, step, command),
        Command::ReportNotice(command) => notifier::report(state, command),
        Command::RecordLeg(command) => leg::record(state, command),
        Command::ResumeContact(command) => leg::resume(state, step, command),
        Command::StepUp(command) => step_up::ask(state, step, command),
        Command::RetirePolicy(command) => retire::policy(state, command),
        Command::EraseSubject(command) => retire::subject(state, command),
        Command::BindAgent(command) => contact::bind(state, step, command),
        Command::CloseContact(command) => contact::close(state, command),
        Command::OfferOrder(command) => order::offer(state, step, command),
        Command::OpenOrder(command) => execution::open(state, step, command),
        Command::ExecuteOrder(command) => execution::execute(state, step, command),
        Command::ProveTotal(command) => execution::prove_total(state, command),
        Command::OpenAgentLogin(command) => login::open(state, step, command),
        Command::SubmitProof(command) => submission::submit(state, step, command, checker),
        Command::AnswerNotice(command) => notice::answer(state, step, command),
        Command::SetOptOut(command) => customer::opt_out(state, step, command),
        Command::AttachRisk(command) => customer::risk(state, command),
        Command::RecordFallback(command) => customer::fallback(state, step, command),
        Command::GrantDelegation(command) => delegation::grant(state, step, command),
        Command::RevokeDelegation(command) => delegation::revoke(state, command),
        Command::OpenSession(command) => session::open(state, step, command),
        Command::EndSession(command) => session::end(state, command),
        Command::RestoreSession(command) => session::restore(state, step, command),
        Command::ReportPresence(command) => presence::report(state, command),
        Command::PresenceSummary(command) => presence::summary(state, command),
        Command::LockAgent(command) => lock::lock(state, command),
        Command::UnlockAgent(command) => lock::unlock(state, command),
        Command::RevokeAgentCertificate(command) => lock::revoke_certificate(state, command),
        Command::AttestPosture(command) => posture::attest(state, step, command),
        Command::PublishRules(command) => lock::publish_rules(state, command),
        Command::ObserveContact(command) => oversight::observe(state, step, command),
        Command::RequestUnmask(command) => oversight::request(state, step, command),
        Command::DecideUnmask(command) => oversight::decide(state, step, command),
        Command::BreakGlass(command) => oversight::break_glass(state, step, command),
        Command::AddMember(command) => member::add(state, command),
        Command::PromoteMember(command) => member::promote(state, step, command),
        Command::RemoveMember(command) => member::remove(state, step, command),
        Command::MeetMember(command) => member::meet(state, command),
        Command::MarkState => member::mark(state, step),
        Command::RecordStateDigest(command) => member::record_digest(state, command),
    }
}

/// Decides what follows at `now` from a timer that is due, in order.
///
/// # Errors
///
/// [`Fault`] if the storage fails.
pub fn decide_timer<V: View>(
    state: &V,
    kind: TimerKind,
    tenant: u32,
    id: [u8; 16],
    now: Stamp,
) -> Result<Vec<Event>, Fault> {
    let one = match kind {
        TimerKind::Challenge => timers::challenge(state, tenant, id)?,
        TimerKind::Enrolment => timers::enrolment(state, tenant, id)?,
        TimerKind::Order => order::expire(state, tenant, ChallengeId(id))?,
        TimerKind::Session => return session::expire(state, tenant, SessionId(id)),
        TimerKind::Reminder => timers::reminder(state, tenant, id, now)?,
        TimerKind::Release => return lock::go_on(state, tenant, id),
        TimerKind::Report => return report::go_on(state, tenant, id),
    };
    Ok(one.into_iter().collect())
}

fn founded<V: View>(state: &V) -> Result<Cluster, Stop> {
    Ok(state.cluster()?.ok_or(Rejection::NotFounded)?)
}

fn tenant<V: View>(state: &V, name: &str) -> Result<Tenant, Stop> {
    Ok(state.tenant(name)?.ok_or(Rejection::UnknownTenant)?)
}

/// The context that proofs of a challenge (or an enrolment) are bound to.
struct Binding<'a> {
    cluster: &'a Cluster,
    tenant: &'a str,
    challenge: [u8; 16],
    nonce: [u8; 32],
    purpose: Purpose,
    subject: SubjectHash,
    contact: &'a [u8],
    not_before: Stamp,
    expires: Stamp,
    order_hash: [u8; 32],
    policy_digest: Digest,
}

impl Binding<'_> {
    /// Every input was checked when it entered the state, so a failure means foreign bytes in it.
    fn context(&self) -> Result<Context, Fault> {
        Context::new(ContextFields {
            suite: Suite::V1,
            origin: self.cluster.origin.as_bytes(),
            group: self.cluster.group,
            epoch: self.cluster.epoch,
            tenant: self.tenant.as_bytes(),
            challenge_id: self.challenge,
            nonce: self.nonce,
            purpose: self.purpose,
            subject: self.subject.0,
            contact_id: self.contact,
            not_before_us: self.not_before.0,
            expires_us: self.expires.0,
            order_hash: self.order_hash,
            policy_digest: self.policy_digest.0,
        })
        .map_err(|_foreign| Fault::Corrupt)
    }
}
