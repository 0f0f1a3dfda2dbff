//! Inviting a subject, enrolling the phone that answers, revoking it.

use akashi_proof::{Context, Purpose, Suite};

use super::challenge::{end_open, tag_or};
use super::trial::{Trial, judged};
use super::{Binding, Checker, Decision, Step, Stop, founded, tenant};
use crate::answer::{Field, Rejection, Reply};
use crate::command::{CompleteEnrolment, EnrolmentKind, OpenEnrolment, Party, RevokeDevice};
use crate::event::{DeviceEnrolled, DeviceRevoked, EnrolmentOpened, EnrolmentRefused, Event};
use crate::factor::{self, Factor, Job, Sent, SubjectKeys};
use crate::ids::{AgentHash, Digest, EnrolmentId, Stamp, SubjectHash};
use crate::kv::{Fault, View};
use crate::limits::SECOND_US;
use crate::outcome::{Outcome, reason};
use crate::records::{Cluster, Device, Enrolment, Tenant};
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
    match command.party {
        Party::Customer => {}
        Party::Agent => {
            let agent = AgentHash(command.subject.0);
            state
                .agent(tenant.number, agent)?
                .ok_or(Rejection::UnknownAgent)?;
        }
    }
    let subject = state.subject(tenant.number, command.subject)?;
    match command.kind {
        EnrolmentKind::Device => {}
        EnrolmentKind::Credential | EnrolmentKind::Template => {
            let device = subject.device.ok_or(Rejection::UnknownSubject)?;
            if device.revoked {
                return Err(Rejection::DeviceRevoked.into());
            }
        }
    }
    let ttl_us = u64::from(state.settings()?.enrolment_ttl_s).saturating_mul(SECOND_US);
    let expires = step.stamp.after_us(ttl_us);
    let opened = EnrolmentOpened {
        tenant: tenant.number,
        enrolment: command.enrolment,
        kind: command.kind,
        party: command.party,
        subject: command.subject,
        token_hash: command.token_hash,
        nonce: step.nonce(&cluster, command.enrolment.0),
        expires,
        tag: tag_or(command.subject_tag, subject.tag),
    };
    Ok(Decision {
        events: vec![opened.into()],
        reply: Reply::EnrolmentOpen { expires },
    })
}

/// A phone's answer to an invitation: whose, to which, and what opens it.
pub(super) struct Answered<'a> {
    pub(super) tenant: &'a str,
    pub(super) enrolment: EnrolmentId,
    pub(super) token: &'a [u8; 32],
    pub(super) suite: u8,
    pub(super) kind: EnrolmentKind,
}

/// An open invitation with everything around it.
pub(super) struct Invited {
    pub(super) tenant: Tenant,
    pub(super) enrolment: Enrolment,
    pub(super) context: Context,
}

impl Answered<'_> {
    /// The invitation, if the token opens it, its time is not over, and it is to this.
    pub(super) fn invited<V: View>(&self, state: &V, step: &Step) -> Result<Invited, Stop> {
        let cluster = founded(state)?;
        let tenant = tenant(state, self.tenant)?;
        let enrolment = state
            .enrolment(tenant.number, self.enrolment)?
            .filter(|enrolment| enrolment.token_hash == Digest::of(self.token))
            .ok_or(Rejection::UnknownEnrolment)?;
        if enrolment.closed || enrolment.expires <= step.stamp {
            return Err(Rejection::EnrolmentClosed.into());
        }
        if enrolment.kind != self.kind {
            return Err(Rejection::Invalid(Field::EnrolmentKind).into());
        }
        if Suite::from_code(self.suite) != Some(Suite::V1) {
            return Err(Rejection::SuiteNotActive.into());
        }
        let context = binding(&cluster, &tenant, &enrolment)?;
        Ok(Invited {
            tenant,
            enrolment,
            context,
        })
    }
}

impl Invited {
    /// The device that credentials and templates belong to.
    pub(super) fn device<V: View>(&self, state: &V) -> Result<Device, Stop> {
        let subject = state.subject(self.tenant.number, self.enrolment.subject)?;
        Ok(subject
            .device
            .filter(|device| !device.revoked)
            .ok_or(Rejection::DeviceRevoked)?)
    }
}

pub(super) fn complete<V: View, C: Checker>(
    state: &V,
    step: &Step,
    command: &CompleteEnrolment,
    checker: &mut C,
) -> Result<Decision, Stop> {
    let answered = Answered {
        tenant: &command.tenant,
        enrolment: command.enrolment,
        token: &command.token,
        suite: command.suite,
        kind: EnrolmentKind::Device,
    };
    let Invited {
        tenant,
        enrolment,
        context,
    } = answered.invited(state, step)?;
    let sent = factor::enrolling(&command.proofs)?;
    let jobs = jobs(&context, command, &sent)?;
    let mut trial = Trial::new(step, command.enrolment.0, context.bytes());
    for (one, job) in sent.iter().zip(&jobs) {
        trial.judge(judged(*one, job, Vec::new()), checker);
    }
    if let Some(failed) = trial.failed {
        let reason = failed.why.code();
        let refused = EnrolmentRefused {
            tenant: tenant.number,
            enrolment: command.enrolment,
            reason,
            tag: enrolment.tag,
        };
        return Ok(Decision {
            events: vec![refused.into()],
            reply: Reply::EnrolmentRefused { reason },
        });
    }
    let (outcome, why) = (Outcome::Superseded, reason::NEWER_DEVICE);
    let ended = end_open(state, tenant.number, enrolment.subject, outcome, why)?;
    let mut events: Vec<Event> = ended.into_iter().collect();
    let replaces = state
        .subject(tenant.number, enrolment.subject)?
        .device
        .is_some();
    let cooling_until = match replaces {
        true => {
            let cooling_us = u64::from(state.settings()?.cooling_s).saturating_mul(SECOND_US);
            step.stamp.after_us(cooling_us)
        }
        false => Stamp::default(),
    };
    events.push(Event::DeviceEnrolled(DeviceEnrolled {
        tenant: tenant.number,
        enrolment: command.enrolment,
        subject: enrolment.subject,
        device_key: command.device_key,
        pin_key: command.pin_key,
        cooling_until,
        tag: enrolment.tag,
        evidence: trial.evidence,
    }));
    Ok(Decision {
        events,
        reply: Reply::Enrolled,
    })
}

/// Possession and knowledge of the keys that are to be enrolled: the one place where keys come from the
/// phone, which proves them.
fn jobs(
    context: &Context,
    command: &CompleteEnrolment,
    sent: &[Sent<'_>],
) -> Result<Vec<Job>, Rejection> {
    let keys = SubjectKeys::parse(&command.device_key, &command.pin_key)?;
    let refuse = Rejection::Invalid(Field::Proofs);
    let mut jobs = Vec::with_capacity(sent.len());
    for one in sent {
        let statement = match one.factor {
            Factor::Possession => factor::possession(&keys, sent),
            Factor::Knowledge => factor::knowledge(&keys, one.part).ok_or(refuse)?,
            Factor::Equals
            | Factor::Same
            | Factor::Range
            | Factor::InSet
            | Factor::Face
            | Factor::Consent => return Err(refuse),
        };
        jobs.push(Job::new(*one, context, statement));
    }
    Ok(jobs)
}

/// As [`jobs`], before the command is in its place.
pub(super) fn jobs_ahead<V: View>(
    state: &V,
    command: &CompleteEnrolment,
) -> Result<Vec<Job>, Stop> {
    let context = context_ahead(state, &command.tenant, command.enrolment)?;
    let sent = factor::enrolling(&command.proofs)?;
    Ok(jobs(&context.1, command, &sent)?)
}

/// Whose invitation it is and what its proofs are bound to, before the command is in its place.
pub(super) fn context_ahead<V: View>(
    state: &V,
    tenant_name: &str,
    id: EnrolmentId,
) -> Result<((u32, SubjectHash), Context), Stop> {
    let cluster = founded(state)?;
    let tenant = tenant(state, tenant_name)?;
    let enrolment = state
        .enrolment(tenant.number, id)?
        .ok_or(Rejection::UnknownEnrolment)?;
    let context = binding(&cluster, &tenant, &enrolment)?;
    Ok(((tenant.number, enrolment.subject), context))
}

/// What enrolment proofs are bound to: no contact, no policy, the invitation's own nonce.
fn binding(cluster: &Cluster, tenant: &Tenant, enrolment: &Enrolment) -> Result<Context, Fault> {
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
        order_hash: [0; 32],
        policy_digest: Digest::ZERO,
    }
    .context()
}

pub(super) fn revoke<V: View>(state: &V, command: &RevokeDevice) -> Result<Decision, Stop> {
    founded(state)?;
    let tenant = tenant(state, &command.tenant)?;
    let subject = state.subject(tenant.number, command.subject)?;
    if subject.device.is_none_or(|device| device.revoked) {
        return Err(Rejection::UnknownSubject.into());
    }
    let (outcome, why) = (Outcome::Cancelled, reason::DEVICE_REVOKED);
    let ended = end_open(state, tenant.number, command.subject, outcome, why)?;
    let mut events: Vec<Event> = ended.into_iter().collect();
    events.push(Event::DeviceRevoked(DeviceRevoked {
        tenant: tenant.number,
        subject: command.subject,
        reason: command.reason,
        tag: subject.tag,
    }));
    Ok(Decision {
        events,
        reply: Reply::Done,
    })
}
