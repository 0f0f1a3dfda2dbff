//! The registry: whose signatures a tenant believes, and from when it does not.

use akashi_proof::{Assurance, IssuerKey, SensorCertificate, SensorKey, Suite};

use super::{Decision, Step, Stop, founded, tenant};
use crate::answer::{Field, Rejection, Reply};
use crate::command::{RegisterIssuer, RegisterSensor, RevokeIssuer, RevokeSensor};
use crate::event::{IssuerRegistered, IssuerRevoked, SensorRegistered, SensorRevoked};
use crate::ids::{Digest, Stamp};
use crate::kv::View;
use crate::policy::is_name;
use crate::state::Records as _;

pub(super) fn register_issuer<V: View>(
    state: &V,
    command: &RegisterIssuer,
) -> Result<Decision, Stop> {
    founded(state)?;
    let tenant = tenant(state, &command.tenant)?;
    if !is_name(&command.name) {
        return Err(Rejection::Invalid(Field::Issuer).into());
    }
    let key =
        IssuerKey::from_bytes(&command.key).map_err(|_not_a_key| Rejection::Invalid(Field::Key))?;
    let key_id = Digest(key.id());
    if state.issuer(tenant.number, key_id)?.is_some() {
        return Err(Rejection::Exists(Field::Issuer).into());
    }
    Ok(Decision::fact(IssuerRegistered {
        tenant: tenant.number,
        key_id,
        name: command.name.clone(),
        key: command.key,
    }))
}

/// A revocation can be moved back in time, never forward: what was dead stays dead.
pub(super) fn revoke_issuer<V: View>(
    state: &V,
    step: &Step,
    command: &RevokeIssuer,
) -> Result<Decision, Stop> {
    founded(state)?;
    let tenant = tenant(state, &command.tenant)?;
    let issuer = state
        .issuer(tenant.number, command.key_id)?
        .ok_or(Rejection::UnknownIssuer)?;
    let from = if command.from == Stamp::default() {
        step.stamp
    } else {
        command.from
    };
    if issuer.revoked_from.is_some_and(|known| known <= from) {
        return Ok(Decision::nothing(Reply::Done));
    }
    Ok(Decision::fact(IssuerRevoked {
        tenant: tenant.number,
        key_id: command.key_id,
        name: issuer.name,
        from,
    }))
}

pub(super) fn register_sensor<V: View>(
    state: &V,
    command: &RegisterSensor,
) -> Result<Decision, Stop> {
    let cluster = founded(state)?;
    let tenant = tenant(state, &command.tenant)?;
    let key =
        SensorKey::from_bytes(&command.key).map_err(|_not_a_key| Rejection::Invalid(Field::Key))?;
    let level = Assurance::from_code(command.level);
    let level = level.ok_or(Rejection::Invalid(Field::Sensor))?;
    if !is_name(&command.model_id) || command.expires <= command.not_before {
        return Err(Rejection::Invalid(Field::Sensor).into());
    }
    let certificate = SensorCertificate {
        key,
        model_id: command.model_id.clone().into_bytes(),
        level,
        not_before_us: command.not_before.0,
        expires_us: command.expires.0,
    };
    let (origin, name) = (cluster.origin.as_bytes(), tenant.name.as_bytes());
    let digest = Digest(certificate.digest(Suite::V1, origin, name));
    if state.sensor(tenant.number, digest)?.is_some() {
        return Err(Rejection::Exists(Field::Sensor).into());
    }
    Ok(Decision::fact(SensorRegistered {
        tenant: tenant.number,
        certificate: digest,
        key: command.key,
        model_id: command.model_id.clone(),
        level: command.level,
        not_before: command.not_before,
        expires: command.expires,
    }))
}

pub(super) fn revoke_sensor<V: View>(state: &V, command: &RevokeSensor) -> Result<Decision, Stop> {
    founded(state)?;
    let tenant = tenant(state, &command.tenant)?;
    let sensor = state
        .sensor(tenant.number, command.certificate)?
        .ok_or(Rejection::UnknownSensor)?;
    if sensor.revoked {
        return Ok(Decision::nothing(Reply::Done));
    }
    Ok(Decision::fact(SensorRevoked {
        tenant: tenant.number,
        certificate: command.certificate,
    }))
}
