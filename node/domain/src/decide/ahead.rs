//! What will have to be judged: proofs of an entry that is not applied yet.
//!
//! Only a head start. The state may change before the entry is applied; apply puts every statement
//! together again and asks for exactly that one, so what was made here is at worst of no use.

use super::challenge::{context, known};
use super::exhibit::{Exhibits, Flaw, Found};
use super::{Stop, enrolment, founded, lone, tenant};
use crate::answer::Rejection;
use crate::command::{Command, SubmitProof};
use crate::factor::{self, Job, SubjectKeys};
use crate::ids::Stamp;
use crate::kv::{Fault, View};
use crate::state::Records as _;

/// Every proof that deciding `command` will ask about, as far as the state allows to say.
///
/// For worker threads that judge ahead of apply. A command they cannot place yet (its challenge is in an entry that
/// is not applied) gives no jobs, and apply judges it on the spot.
///
/// `stamp` is that of the entry which holds the command.
///
/// # Errors
///
/// [`Fault`] if the storage fails.
pub fn submission_jobs<V: View>(
    state: &V,
    stamp: Stamp,
    command: &Command,
) -> Result<Vec<Job>, Fault> {
    let found = match command {
        Command::SubmitProof(command) => submission(state, stamp, command),
        Command::CompleteEnrolment(command) => enrolment::jobs_ahead(state, command),
        Command::RegisterCredential(command) => lone::jobs_ahead(
            state,
            &command.tenant,
            command.enrolment,
            &command.possession,
        ),
        Command::EnrolTemplate(command) => lone::jobs_ahead(
            state,
            &command.tenant,
            command.enrolment,
            &command.possession,
        ),
        Command::Found(_)
        | Command::CreateTenant(_)
        | Command::PutPolicy(_)
        | Command::PutSettings(_)
        | Command::PutSessionSettings(_)
        | Command::ReportNotice(_)
        | Command::RegisterAgent(_)
        | Command::RegisterIssuer(_)
        | Command::RevokeIssuer(_)
        | Command::RegisterSensor(_)
        | Command::RevokeSensor(_)
        | Command::OpenEnrolment(_)
        | Command::RevokeDevice(_)
        | Command::RevokeCredential(_)
        | Command::RevokeTemplate(_)
        | Command::AnnounceContact(_)
        | Command::BindAgent(_)
        | Command::CloseContact(_)
        | Command::OfferOrder(_)
        | Command::OpenOrder(_)
        | Command::ExecuteOrder(_)
        | Command::ProveTotal(_)
        | Command::OpenAgentLogin(_)
        | Command::SetOptOut(_)
        | Command::AttachRisk(_)
        | Command::RecordFallback(_)
        | Command::GrantDelegation(_)
        | Command::RevokeDelegation(_)
        | Command::StepUp(_)
        | Command::ResumeContact(_)
        | Command::RecordLeg(_)
        | Command::RetirePolicy(_)
        | Command::EraseSubject(_)
        | Command::OpenSession(_)
        | Command::EndSession(_)
        | Command::RestoreSession(_)
        | Command::ReportPresence(_)
        | Command::PresenceSummary(_)
        | Command::LockAgent(_)
        | Command::UnlockAgent(_)
        | Command::RevokeAgentCertificate(_)
        | Command::AttestPosture(_)
        | Command::PublishRules(_)
        | Command::ObserveContact(_)
        | Command::RequestUnmask(_)
        | Command::DecideUnmask(_)
        | Command::BreakGlass(_)
        | Command::AddMember(_)
        | Command::PromoteMember(_)
        | Command::RemoveMember(_)
        | Command::MeetMember(_)
        | Command::MarkState
        | Command::RecordStateDigest(_)
        | Command::AnswerNotice(_) => return Ok(Vec::new()),
    };
    match found {
        Ok(jobs) => Ok(jobs),
        Err(Stop::Rejected(_)) => Ok(Vec::new()),
        Err(Stop::Fault(fault)) => Err(fault),
    }
}

fn submission<V: View>(state: &V, stamp: Stamp, command: &SubmitProof) -> Result<Vec<Job>, Stop> {
    let cluster = founded(state)?;
    let tenant = tenant(state, &command.tenant)?;
    let challenge = known(state, &tenant, command.challenge, &command.token)?;
    let device = state
        .subject(tenant.number, challenge.subject)?
        .device
        .filter(|device| !device.revoked)
        .ok_or(Rejection::DeviceRevoked)?;
    let mut exhibits = Exhibits {
        state,
        tenant: tenant.number,
        challenge: &challenge,
        context: context(&cluster, &tenant, command.challenge, &challenge)?,
        keys: SubjectKeys::parse(&device.device_key, &device.pin_key)?,
        stamp,
        sent: factor::sent(&challenge.body, &command.proofs)?,
        parsed: std::collections::BTreeMap::new(),
    };
    let mut jobs = Vec::with_capacity(exhibits.sent.len());
    for one in exhibits.sent.clone() {
        match exhibits.job(one, &mut Found::default()) {
            Ok(job) => jobs.push(job),
            // Judging stops there.
            Err(Flaw::Reason(_)) => break,
            Err(Flaw::Fault(fault)) => return Err(fault.into()),
        }
    }
    Ok(jobs)
}
