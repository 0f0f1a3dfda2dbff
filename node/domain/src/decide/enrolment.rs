//! Inviting a subject, enrolling the phone that answers, revoking it.

use akashi_proof::{Purpose, Suite};

use super::submission::{Judgement, judge};
use super::{Binding, Checker, Decision, Step, Stop, founded, tenant};
use crate::answer::{Field, Rejection, Reply};
use crate::command::{CompleteEnrolment, OpenEnrolment, RevokeDevice};
use crate::event::Event;
use crate::factor::{Factor, SubjectKeys, jobs};
use crate::ids::{ChallengeId, Digest, EnrolmentId, Stamp, SubjectHash, Tag};
use crate::kv::{Fault, View};
use crate::limits::SECOND_US;
use crate::outcome::{Outcome, reason};
use crate::records::{Cluster, Enrolment, Tenant};
use crate::state::Records as _;

pub(super) fn open<V: View>(
    state: &V,
    step: &Step,
    command: &OpenEnrolment,
) -> Result<Decision, Stop> {
    let cluster = founded(state)?;
    let tenant = tenant(state, &command.tenant)?;
    if command.enrolment == EnrolmentId::ZERO {
        return Err(Rejection::Invalid(Field::Enrolment).into());
    }
    if state.enrolment(tenant.number, command.enrolment)?.is_some() {
        return Err(Rejection::Exists(Field::Enrolment).into());
    }
    let ttl_us = u64::from(state.settings()?.enrolment_ttl_s).saturating_mul(SECOND_US);
    let expires = step.stamp.after_us(ttl_us);
    Ok(Decision {
        events: vec![Event::EnrolmentOpened {
            tenant: tenant.number,
            enrolment: command.enrolment,
            subject: command.subject,
            token_hash: command.token_hash,
            nonce: step.nonce(&cluster, command.enrolment.0),
            expires,
            tag: command.subject_tag,
        }],
        reply: Reply::EnrolmentOpen { expires },
    })
}

pub(super) fn complete<V: View, C: Checker>(
    state: &V,
    step: &Step,
    command: &CompleteEnrolment,
    checker: &mut C,
) -> Result<Decision, Stop> {
    let cluster = founded(state)?;
    let tenant = tenant(state, &command.tenant)?;
    let enrolment = state
        .enrolment(tenant.number, command.enrolment)?
        .filter(|enrolment| enrolment.token_hash == Digest::of(&command.token))
        .ok_or(Rejection::UnknownEnrolment)?;
    if enrolment.closed || enrolment.expires <= step.stamp {
        return Err(Rejection::EnrolmentClosed.into());
    }
    if Suite::from_code(command.suite) != Some(Suite::V1) {
        return Err(Rejection::SuiteNotActive.into());
    }
    let context = binding(&cluster, &tenant, &enrolment).context()?;
    let keys = SubjectKeys {
        device_key: command.device_key,
        pin_key: command.pin_key,
    };
    let jobs = jobs(&context, &keys, &command.proofs)?;
    if !jobs.iter().any(|job| job.factor == Factor::Knowledge) {
        return Err(Rejection::Invalid(Field::Proofs).into());
    }
    let Judgement {
        failed, evidence, ..
    } = judge(step, command.enrolment.0, &jobs, checker);
    if let Some((_, why)) = failed {
        return Ok(Decision {
            events: vec![Event::EnrolmentRefused {
                tenant: tenant.number,
                enrolment: command.enrolment,
                reason: why.code(),
                tag: enrolment.tag,
            }],
            reply: Reply::EnrolmentRefused { reason: why.code() },
        });
    }
    let mut events = end_open_challenge(
        state,
        tenant.number,
        enrolment.subject,
        Outcome::Superseded,
        reason::NEWER_DEVICE,
    )?;
    events.push(Event::DeviceEnrolled {
        tenant: tenant.number,
        enrolment: command.enrolment,
        subject: enrolment.subject,
        device_key: command.device_key,
        pin_key: command.pin_key,
        tag: enrolment.tag,
        evidence,
    });
    Ok(Decision {
        events,
        reply: Reply::Enrolled,
    })
}

/// What enrolment proofs are bound to: no contact, no policy, the invitation's own nonce.
pub(super) fn binding<'a>(
    cluster: &'a Cluster,
    tenant: &'a Tenant,
    enrolment: &Enrolment,
) -> Binding<'a> {
    Binding {
        cluster,
        tenant: &tenant.name,
        challenge: enrolment.id.0,
        nonce: enrolment.nonce,
        purpose: Purpose::Enrol,
        subject: enrolment.subject,
        contact: &[],
        not_before: enrolment.opened,
        expires: enrolment.expires,
        policy_digest: Digest::ZERO,
    }
}

pub(super) fn revoke<V: View>(state: &V, command: &RevokeDevice) -> Result<Decision, Stop> {
    founded(state)?;
    let tenant = tenant(state, &command.tenant)?;
    let subject = state.subject(tenant.number, command.subject)?;
    if subject.device.is_none_or(|device| device.revoked) {
        return Err(Rejection::UnknownSubject.into());
    }
    let mut events = end_open_challenge(
        state,
        tenant.number,
        command.subject,
        Outcome::Cancelled,
        reason::DEVICE_REVOKED,
    )?;
    events.push(Event::DeviceRevoked {
        tenant: tenant.number,
        subject: command.subject,
        reason: command.reason,
        tag: subject.tag,
    });
    Ok(Decision {
        events,
        reply: Reply::Done,
    })
}

/// The verdict that ends the subject's open challenge, if there is one.
pub(super) fn end_open_challenge<V: View>(
    state: &V,
    tenant: u32,
    subject: SubjectHash,
    outcome: Outcome,
    why: u16,
) -> Result<Vec<Event>, Fault> {
    let Some(open) = state.subject(tenant, subject)?.open else {
        return Ok(Vec::new());
    };
    Ok(end_challenge(state, tenant, open, outcome, why)?
        .into_iter()
        .collect())
}

/// The verdict that ends a challenge without proof, if it is still open.
pub(super) fn end_challenge<V: View>(
    state: &V,
    tenant: u32,
    id: ChallengeId,
    outcome: Outcome,
    why: u16,
) -> Result<Option<Event>, Fault> {
    let Some(challenge) = state.challenge(tenant, id)?.filter(|c| c.verdict.is_none()) else {
        return Ok(None);
    };
    Ok(Some(Event::VerdictReached {
        tenant,
        challenge: id,
        contact: challenge.contact,
        subject: challenge.subject,
        outcome,
        reason: why,
        factors: 0,
        policy_version: challenge.policy_version,
        not_after: Stamp::default(),
        tag: challenge.tag,
    }))
}

/// A pseudonym a caller left out: the subject's own, so that its leaves stay together.
pub(super) fn tag_or(given: Tag, known: Tag) -> Tag {
    if given == Tag::ZERO { known } else { given }
}
