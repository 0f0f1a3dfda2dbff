//! Templates: enrolling the commitment to a face that a sensor signed, and revoking it.

use akashi_proof::{Assurance, Capture, Reason, SensorPolicy, accept_enrolment};

use super::enrolment::{Answered, Invited};
use super::exhibit::{certificate, standing};
use super::{Checker, Decision, Step, Stop, founded, lone, tenant};
use crate::answer::{Field, Rejection, Reply};
use crate::command::{EnrolTemplate, EnrolmentKind, RevokeTemplate};
use crate::event::{TemplateEnrolled, TemplateRefused, TemplateRevoked};
use crate::factor::{self, Attested};
use crate::ids::Stamp;
use crate::kv::{Fault, View};
use crate::limits::{CAPTURE_BYTES_MAX, SECOND_US, TEMPLATE_AGE_MAX_S, TEMPLATE_LEVEL_MIN};
use crate::policy::is_name;
use crate::records::Sensor;
use crate::state::Records as _;

pub(super) fn enrol<V: View, C: Checker>(
    state: &V,
    step: &Step,
    command: &EnrolTemplate,
    checker: &mut C,
) -> Result<Decision, Stop> {
    let answered = Answered {
        tenant: &command.tenant,
        enrolment: command.enrolment,
        token: &command.token,
        suite: command.suite,
        kind: EnrolmentKind::Template,
    };
    let invited = answered.invited(state, step)?;
    factor::admit_possession(&command.possession)?;
    let attested = attested(command)?;
    let device = invited.device(state)?;
    let signed = [command.capture.as_slice(), &command.signature].concat();
    let holder = (&invited, &device);
    let trial = lone::judge(step, holder, &command.possession, signed, checker)?;
    let sensor = state.sensor(invited.tenant.number, attested.certificate)?;
    let accepted = match trial.failed {
        Some(failed) => Err(failed.why),
        None => accepted(
            step,
            &invited,
            &device.device_key,
            &attested,
            sensor.as_ref(),
        )?,
    };
    Ok(match accepted {
        Ok(level) => {
            let enrolled = TemplateEnrolled {
                tenant: invited.tenant.number,
                enrolment: command.enrolment,
                subject: invited.enrolment.subject,
                device_key: device.device_key,
                commitment: attested.capture.commitment.to_bytes(),
                dimensions: attested.capture.dimensions.count(),
                model_id: model(&attested)?,
                level: level.code(),
                sensor: attested.certificate,
                captured: Stamp(attested.capture.captured_us),
                evidence: trial.evidence,
                tag: invited.enrolment.tag,
            };
            Decision {
                events: vec![enrolled.into()],
                reply: Reply::Enrolled,
            }
        }
        Err(why) => {
            let refused = TemplateRefused {
                tenant: invited.tenant.number,
                enrolment: command.enrolment,
                reason: why.code(),
                tag: invited.enrolment.tag,
            };
            Decision {
                events: vec![refused.into()],
                reply: Reply::EnrolmentRefused { reason: why.code() },
            }
        }
    })
}

/// What was sent, if it is a capture at all.
fn attested(command: &EnrolTemplate) -> Result<Attested<'_>, Rejection> {
    if command.capture.len() > CAPTURE_BYTES_MAX {
        return Err(Rejection::Invalid(Field::Capture));
    }
    let (capture, _) = Capture::parse(&command.capture)
        .map_err(|reason| Rejection::MalformedProof(reason.code()))?;
    let named = core::str::from_utf8(capture.model_id).is_ok_and(is_name);
    if !named {
        return Err(Rejection::Invalid(Field::Capture));
    }
    Attested::of(&command.capture, &command.signature).ok_or(Rejection::Invalid(Field::Capture))
}

fn model(attested: &Attested<'_>) -> Result<String, Rejection> {
    core::str::from_utf8(attested.capture.model_id)
        .map(str::to_owned)
        .map_err(|_not_text| Rejection::Invalid(Field::Capture))
}

/// The assurance of the capture, if a registered sensor vouches for it.
fn accepted(
    step: &Step,
    invited: &Invited,
    device_key: &[u8; 32],
    attested: &Attested<'_>,
    sensor: Option<&Sensor>,
) -> Result<Result<Assurance, Reason>, Stop> {
    let key = factor::device_key(device_key)?;
    let certificate = sensor.map(certificate).transpose()?;
    let policy = SensorPolicy {
        level_min: Assurance::from_code(TEMPLATE_LEVEL_MIN).ok_or(Fault::Corrupt)?,
        age_max_us: u64::from(TEMPLATE_AGE_MAX_S).saturating_mul(SECOND_US),
    };
    let accepted = accept_enrolment(
        &invited.context,
        key,
        &attested.capture,
        attested.signature,
        &invited.enrolment.nonce,
        standing(certificate.as_ref(), sensor),
        (policy, step.stamp.0),
    );
    Ok(accepted.map(|enrolled| enrolled.level))
}

pub(super) fn revoke<V: View>(state: &V, command: &RevokeTemplate) -> Result<Decision, Stop> {
    founded(state)?;
    let tenant = tenant(state, &command.tenant)?;
    state
        .template(tenant.number, command.subject)?
        .ok_or(Rejection::UnknownTemplate)?;
    let tag = state.subject(tenant.number, command.subject)?.tag;
    Ok(Decision::fact(TemplateRevoked {
        tenant: tenant.number,
        subject: command.subject,
        reason: command.reason,
        tag,
    }))
}
