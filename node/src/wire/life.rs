//! Requests about the life of a contact, retired policies and erasures to commands, one function each.

use akashi_domain::command::{
    CallEvent, Command, EraseSubject, RecordLeg, ResumeContact, RetirePolicy, StepUp,
};
use akashi_proto::v1;

use super::command::party;
use super::{Malformed, agent, code, contact_id, name, tag};

/// `ReportContactEvent`.
///
/// # Errors
///
/// [`Malformed`].
pub fn report_contact_event(request: v1::ReportContactEventRequest) -> Result<Command, Malformed> {
    let tenant = name(request.tenant, "tenant")?;
    let agent = match request.agent.as_str() {
        "" => None,
        handle => Some(agent(&tenant, handle)?),
    };
    Ok(Command::RecordLeg(RecordLeg {
        contact: contact_id(&request.contact_id)?,
        event: call_event(request.event)?,
        queue: request.queue,
        agent,
        agent_tag: tag(&request.agent_tag, "agent_tag")?,
        tenant,
    }))
}

fn call_event(number: i32) -> Result<CallEvent, Malformed> {
    match v1::CallEvent::try_from(number) {
        Ok(v1::CallEvent::Delivered) => Ok(CallEvent::Delivered),
        Ok(v1::CallEvent::Established) => Ok(CallEvent::Established),
        Ok(v1::CallEvent::Held) => Ok(CallEvent::Held),
        Ok(v1::CallEvent::Retrieved) => Ok(CallEvent::Retrieved),
        Ok(v1::CallEvent::Transferred) => Ok(CallEvent::Transferred),
        Ok(v1::CallEvent::Conferenced) => Ok(CallEvent::Conferenced),
        Ok(v1::CallEvent::Diverted) => Ok(CallEvent::Diverted),
        Ok(v1::CallEvent::ConnectionCleared) => Ok(CallEvent::ConnectionCleared),
        Ok(v1::CallEvent::Abandoned) => Ok(CallEvent::Abandoned),
        Ok(v1::CallEvent::Unspecified) | Err(_) => Err(Malformed { field: "event" }),
    }
}

/// `ResumeContact`.
///
/// # Errors
///
/// [`Malformed`].
pub fn resume_contact(request: v1::ResumeContactRequest) -> Result<Command, Malformed> {
    Ok(Command::ResumeContact(ResumeContact {
        tenant: name(request.tenant, "tenant")?,
        contact: contact_id(&request.contact_id)?,
        queue: request.queue,
    }))
}

/// `StepUp`.
///
/// # Errors
///
/// [`Malformed`].
pub fn step_up(request: v1::StepUpRequest) -> Result<Command, Malformed> {
    Ok(Command::StepUp(StepUp {
        tenant: name(request.tenant, "tenant")?,
        contact: contact_id(&request.contact_id)?,
        policy: name(request.policy, "policy")?,
        subject_tag: tag(&request.subject_tag, "subject_tag")?,
    }))
}

/// `EraseSubject`.
///
/// # Errors
///
/// [`Malformed`].
pub fn erase_subject(request: v1::EraseSubjectRequest) -> Result<Command, Malformed> {
    let tenant = name(request.tenant, "tenant")?;
    Ok(Command::EraseSubject(EraseSubject {
        subject: party(&tenant, &request.subject, &request.agent)?.1,
        reason: code(request.reason, "reason")?,
        tenant,
    }))
}

/// `RetirePolicy`.
///
/// # Errors
///
/// [`Malformed`].
pub fn retire_policy(request: v1::RetirePolicyRequest) -> Result<Command, Malformed> {
    Ok(Command::RetirePolicy(RetirePolicy {
        tenant: name(request.tenant, "tenant")?,
        policy: name(request.policy, "policy")?,
        version: request.version,
    }))
}
