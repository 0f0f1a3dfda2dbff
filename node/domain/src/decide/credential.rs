//! Credentials: registering what an issuer signed, and revoking it.
//!
//! The signature is looked at once, here; presentations then cost none.

use akashi_proof::{IssuerStanding, Reason, accept_registration};

use super::enrolment::{Answered, Invited};
use super::exhibit::issuer_key;
use super::trial::Trial;
use super::{Checker, Decision, Step, Stop, founded, lone, tenant};
use crate::answer::{Field, Rejection, Reply};
use crate::command::{EnrolmentKind, RegisterCredential, RevokeCredential};
use crate::event::{CredentialRefused, CredentialRegistered, CredentialRevoked};
use crate::factor;
use crate::ids::{Digest, Serial, Stamp};
use crate::keys;
use crate::kv::{Fault, Table, View};
use crate::limits::{CREDENTIAL_BYTES_MAX, CREDENTIALS_PER_SUBJECT_MAX};
use crate::records::{Credential, Device};
use crate::state::Records as _;

pub(super) fn register<V: View, C: Checker>(
    state: &V,
    step: &Step,
    command: &RegisterCredential,
    checker: &mut C,
) -> Result<Decision, Stop> {
    let answered = Answered {
        tenant: &command.tenant,
        enrolment: command.enrolment,
        token: &command.token,
        suite: command.suite,
        kind: EnrolmentKind::Credential,
    };
    let invited = answered.invited(state, step)?;
    factor::admit_possession(&command.possession)?;
    if command.body.len() > CREDENTIAL_BYTES_MAX {
        return Err(Rejection::Invalid(Field::Credential).into());
    }
    let credential = akashi_proof::Credential::parse(&command.body)
        .map_err(|reason| Rejection::MalformedProof(reason.code()))?;
    let device = invited.device(state)?;
    check_room(
        state,
        step.stamp,
        &invited,
        &device,
        Serial(credential.serial()),
    )?;
    let signed = [command.signature.as_slice(), &command.body].concat();
    let holder = (&invited, &device);
    let trial = lone::judge(step, holder, &command.possession, signed, checker)?;
    let key = factor::device_key(&device.device_key)?;
    let accepted = match trial.failed {
        Some(failed) => Err(failed.why),
        None => accept_registration(
            &invited.context,
            &credential,
            &command.signature,
            standing(state, invited.tenant.number, &credential)?.as_ref(),
            Some(&key),
            step.stamp.0,
        ),
    };
    Ok(match accepted {
        Ok(()) => registered(command, &invited, &credential, &device, trial),
        Err(why) => refused(command, &invited, why),
    })
}

fn registered(
    command: &RegisterCredential,
    invited: &Invited,
    credential: &akashi_proof::Credential,
    device: &Device,
    trial: Trial<'_>,
) -> Decision {
    let fact = CredentialRegistered {
        tenant: invited.tenant.number,
        enrolment: command.enrolment,
        subject: invited.enrolment.subject,
        serial: Serial(credential.serial()),
        holder: device.device_key,
        expires: Stamp(credential.expires_us()),
        body: command.body.clone(),
        signature: command.signature,
        digest: Digest(credential.digest()),
        evidence: trial.evidence,
        tag: invited.enrolment.tag,
    };
    Decision {
        events: vec![fact.into()],
        reply: Reply::Enrolled,
    }
}

fn refused(command: &RegisterCredential, invited: &Invited, why: Reason) -> Decision {
    let fact = CredentialRefused {
        tenant: invited.tenant.number,
        enrolment: command.enrolment,
        reason: why.code(),
        tag: invited.enrolment.tag,
    };
    Decision {
        events: vec![fact.into()],
        reply: Reply::EnrolmentRefused { reason: why.code() },
    }
}

/// A serial is used once per subject, and a subject has room for so many that can still be presented.
fn check_room<V: View>(
    state: &V,
    now: Stamp,
    invited: &Invited,
    device: &Device,
    serial: Serial,
) -> Result<(), Stop> {
    let (tenant, subject) = (invited.tenant.number, invited.enrolment.subject);
    if state.credential(tenant, subject, serial)?.is_some() {
        return Err(Rejection::Exists(Field::Credential).into());
    }
    let from = keys::credentials_from(tenant, subject);
    let to = keys::credentials_to(tenant, subject);
    let mut live: usize = 0;
    for (_, bytes) in state.scan(Table::Subject, &from, &to, usize::MAX)? {
        let record: Credential =
            borsh::from_slice(&bytes).map_err(|_undecodable| Fault::Corrupt)?;
        let dead = record.revoked || record.expires < now || record.holder != device.device_key;
        live = live.saturating_add(usize::from(!dead));
    }
    if live >= CREDENTIALS_PER_SUBJECT_MAX {
        return Err(Rejection::Full(Field::Credential).into());
    }
    Ok(())
}

/// What state knows of the key that signed. A key speaks for the name it was registered under and no
/// other, whatever the credential says.
fn standing<V: View>(
    state: &V,
    tenant: u32,
    credential: &akashi_proof::Credential,
) -> Result<Option<IssuerStanding>, Fault> {
    let issuer = state.issuer(tenant, Digest(credential.issuer_key_id()))?;
    issuer
        .filter(|issuer| issuer.name.as_bytes() == credential.issuer())
        .map(|issuer| {
            Ok(IssuerStanding {
                key: issuer_key(&issuer.key)?,
                revoked_from_us: issuer.revoked_from.map(|from| from.0),
            })
        })
        .transpose()
}

pub(super) fn revoke<V: View>(state: &V, command: &RevokeCredential) -> Result<Decision, Stop> {
    founded(state)?;
    let tenant = tenant(state, &command.tenant)?;
    let credential = state
        .credential(tenant.number, command.subject, command.serial)?
        .filter(|credential| !credential.revoked)
        .ok_or(Rejection::UnknownCredential)?;
    let tag = state.subject(tenant.number, command.subject)?.tag;
    Ok(Decision::fact(CredentialRevoked {
        tenant: tenant.number,
        subject: command.subject,
        serial: command.serial,
        digest: credential.digest,
        reason: command.reason,
        tag,
    }))
}
