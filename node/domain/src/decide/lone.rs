//! Possession that stands alone: it answers an invitation to register a credential or to enrol a template,
//! which carry a signature of their own. It covers nothing beside it.

use akashi_proof::Context;

use super::enrolment::{Invited, context_ahead};
use super::trial::{Trial, judged};
use super::{Checker, Step, Stop};
use crate::answer::Rejection;
use crate::command::FactorProof;
use crate::factor::{self, Factor, Job, Sent};
use crate::ids::EnrolmentId;
use crate::kv::View;
use crate::records::Device;
use crate::state::Records as _;

/// Judges the possession of an invited device. `signed` is what the evidence keeps of the thing it came with.
pub(super) fn judge<'a, C: Checker>(
    step: &'a Step,
    (invited, device): (&Invited, &Device),
    possession: &[u8],
    signed: Vec<u8>,
    checker: &mut C,
) -> Result<Trial<'a>, Rejection> {
    let part = part(possession);
    let job = job(sent(&part), &invited.context, device)?;
    let mut trial = Trial::new(step, invited.enrolment.id.0, invited.context.bytes());
    trial.judge(judged(sent(&part), &job, signed), checker);
    Ok(trial)
}

/// The same possession, before the command is in its place.
pub(super) fn jobs_ahead<V: View>(
    state: &V,
    tenant_name: &str,
    enrolment: EnrolmentId,
    possession: &[u8],
) -> Result<Vec<Job>, Stop> {
    let ((tenant, subject), context) = context_ahead(state, tenant_name, enrolment)?;
    factor::admit_possession(possession)?;
    let device = state.subject(tenant, subject)?.device;
    let device = device.ok_or(Rejection::UnknownSubject)?;
    Ok(vec![job(sent(&part(possession)), &context, &device)?])
}

fn part(possession: &[u8]) -> FactorProof {
    FactorProof::plain(Factor::Possession.kind(), possession.to_vec())
}

const fn sent(part: &FactorProof) -> Sent<'_> {
    Sent {
        factor: Factor::Possession,
        part,
    }
}

fn job(one: Sent<'_>, context: &Context, device: &Device) -> Result<Job, Rejection> {
    let key = factor::device_key(&device.device_key)?;
    Ok(Job::new(one, context, factor::lone_possession(key)))
}
