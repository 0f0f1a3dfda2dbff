//! What a part of a submission is judged by: its statement, put together from state.
//!
//! Keys, credentials, templates, sensors and orders come from records as they are when the entry is
//! applied. A submission only names them. What the state says against a part is a reason, as a proof that
//! does not hold is; the order of these checks is fixed, since every replica records the first.

use std::collections::{BTreeMap, BTreeSet};

use akashi_proof::{
    AnyStatement, Assurance, Commitment, Context, Enrolled, IssuerKey, Reason, SensorCertificate,
    SensorKey, SensorPolicy, SensorStanding, Standing, TemplateCommitment, accept_probe, present,
    probe_message,
};

use crate::answer::Rejection;
use crate::factor::{self, Attested, Factor, Job, Payload, Sent, SubjectKeys};
use crate::ids::{Digest, Serial, Stamp, SubjectHash};
use crate::kv::{Fault, View};
use crate::outcome::NO_LEVEL;
use crate::policy::{AttributeSource, FaceRule, PredicateRule, PredicateTest};
use crate::records::{Challenge, Credential, Sensor, Template};
use crate::state::Records as _;

/// Why a part has no statement.
#[derive(Clone, Copy, Debug)]
pub(super) enum Flaw {
    /// The state speaks against it.
    Reason(Reason),
    /// The storage beneath failed.
    Fault(Fault),
}

impl From<Reason> for Flaw {
    fn from(reason: Reason) -> Self {
        Self::Reason(reason)
    }
}

impl From<Fault> for Flaw {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// Parts were checked against the policy at the door, so what does not fit now is foreign bytes in state.
impl From<Rejection> for Flaw {
    fn from(_misfit: Rejection) -> Self {
        Self::Fault(Fault::Corrupt)
    }
}

/// What was found while a statement was put together.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// What the statement rests on, for evidence.
    pub(super) rests_on: Vec<u8>,
    /// Assurance of a face.
    pub(super) level: u8,
}

impl Default for Found {
    fn default() -> Self {
        Self {
            rests_on: Vec::new(),
            level: NO_LEVEL,
        }
    }
}

/// A submission beside the state that it is judged by.
pub(super) struct Exhibits<'a, V> {
    pub(super) state: &'a V,
    pub(super) tenant: u32,
    pub(super) challenge: &'a Challenge,
    pub(super) context: Context,
    pub(super) keys: SubjectKeys,
    pub(super) stamp: Stamp,
    pub(super) sent: Vec<Sent<'a>>,
    /// Credentials that an earlier part named: parsing one costs as much as a proof of possession.
    pub(super) parsed: BTreeMap<Serial, (Credential, akashi_proof::Credential)>,
}

/// Ids of issuers' keys and digests of credentials, ascending, each once.
pub(super) type Basis = (Vec<Digest>, Vec<Digest>);

impl<V: View> Exhibits<'_, V> {
    /// What the predicates rest on: every credential that a part named.
    pub(super) fn basis(&self) -> Basis {
        let issuers: BTreeSet<Digest> = self
            .parsed
            .values()
            .map(|(_, credential)| Digest(credential.issuer_key_id()))
            .collect();
        let credentials: BTreeSet<Digest> = self
            .parsed
            .values()
            .map(|(record, _)| record.digest)
            .collect();
        (
            issuers.into_iter().collect(),
            credentials.into_iter().collect(),
        )
    }

    /// The part `one` with everything it is judged by.
    pub(super) fn job(&mut self, one: Sent<'_>, found: &mut Found) -> Result<Job, Flaw> {
        let statement = self.statement(one, found)?;
        Ok(Job::new(one, &self.context, statement))
    }

    fn statement(&mut self, one: Sent<'_>, found: &mut Found) -> Result<AnyStatement, Flaw> {
        match one.factor {
            Factor::Possession => Ok(factor::possession(&self.keys, &self.sent)),
            Factor::Knowledge => {
                let statement = factor::knowledge(&self.keys, one.part);
                Ok(statement.ok_or(Fault::Corrupt)?)
            }
            Factor::Equals | Factor::Same | Factor::Range | Factor::InSet => {
                let challenge = self.challenge;
                let slot = usize::from(one.part.slot);
                let rule = challenge.body.predicates.get(slot);
                self.predicate(rule.ok_or(Fault::Corrupt)?, one, found)
            }
            Factor::Face => {
                let rule = self.challenge.body.face.as_ref().ok_or(Fault::Corrupt)?;
                self.face(rule, one, found)
            }
            Factor::Consent => {
                let rule = self.challenge.body.consent.ok_or(Fault::Corrupt)?;
                let terms = self.challenge.order.as_ref().ok_or(Fault::Corrupt)?;
                let payload = Payload::parse(&one.part.attachment, &rule).ok_or(Fault::Corrupt)?;
                let order = (terms.order_hash, &terms.recipient);
                let digest = payload.digest();
                Ok(factor::consent(&self.keys, order, digest, &self.sent))
            }
        }
    }

    fn predicate(
        &mut self,
        rule: &PredicateRule,
        one: Sent<'_>,
        found: &mut Found,
    ) -> Result<AnyStatement, Flaw> {
        if one.part.attribute != rule.source.attribute {
            return Err(Reason::FactorMissing.into());
        }
        let value = self.attribute(&rule.source, one.part.serial, found)?;
        let other = match &rule.test {
            PredicateTest::SameAs(second) => {
                self.attribute(second, one.part.second_serial, found)?
            }
            PredicateTest::CoversAmount { bits: _, amount } => self.amount(*amount)?,
            PredicateTest::AtLeast { .. }
            | PredicateTest::AtMost { .. }
            | PredicateTest::Within { .. }
            | PredicateTest::OneOf { .. }
            | PredicateTest::Equals { .. } => value,
        };
        Ok(factor::predicate(&rule.test, value, other)?)
    }

    /// A hidden amount of the order; that there is one was checked when the order was offered.
    fn amount(&self, index: u8) -> Result<Commitment, Flaw> {
        let terms = self.challenge.order.as_ref().ok_or(Fault::Corrupt)?;
        let amount = terms.amounts.get(usize::from(index));
        let bytes = amount.ok_or(Fault::Corrupt)?;
        Ok(Commitment::from_bytes(bytes).map_err(|_foreign| Fault::Corrupt)?)
    }

    /// The commitment to an attribute of the credential with this serial, if the source accepts the
    /// credential and it may be presented now.
    fn attribute(
        &mut self,
        source: &AttributeSource,
        serial: Serial,
        found: &mut Found,
    ) -> Result<Commitment, Flaw> {
        if !self.parsed.contains_key(&serial) {
            let subject = self.challenge.subject;
            let known = parsed(self.state, self.tenant, subject, serial)?;
            self.parsed
                .insert(serial, known.ok_or(Reason::FactorMissing)?);
        }
        let (record, credential) = self.parsed.get(&serial).ok_or(Fault::Corrupt)?;
        found.rests_on.extend_from_slice(&record.digest.0);
        let key_id = Digest(credential.issuer_key_id());
        let issuer = self.state.issuer(self.tenant, key_id)?;
        let issuer = issuer.ok_or(Fault::Corrupt)?;
        let accepted = source.issuers.contains(&issuer.name)
            && credential.schema() == source.schema.as_bytes()
            && credential.schema_version() == source.schema_version;
        if !accepted {
            return Err(Reason::FactorMissing.into());
        }
        let standing = Standing {
            registered_us: record.registered.0,
            revoked: record.revoked,
            issuer_revoked_from_us: issuer.revoked_from.map(|from| from.0),
        };
        let commitment = present(
            &self.context,
            credential,
            standing,
            Some(&self.keys.device),
            source.attribute,
            self.stamp.0,
        )?;
        Ok(commitment)
    }

    /// The proximity of a capture to the template that is enrolled now.
    fn face(
        &self,
        rule: &FaceRule,
        one: Sent<'_>,
        found: &mut Found,
    ) -> Result<AnyStatement, Flaw> {
        let attested = Attested::parse(&one.part.attachment).ok_or(Fault::Corrupt)?;
        found.rests_on.clone_from(&one.part.attachment);
        let subject = self.challenge.subject;
        let template = self
            .state
            .template(self.tenant, subject)?
            .filter(|template| template.device_key == self.keys.device.to_bytes())
            .ok_or(Reason::FactorMissing)?;
        if (&template.model_id, template.dimensions) != (&rule.model_id, rule.dimensions) {
            return Err(Reason::ModelMismatch.into());
        }
        if template.level < rule.min_level {
            return Err(Reason::AssuranceTooLow.into());
        }
        let enrolled = enrolled(&template, &self.keys)?;
        let sensor = self.state.sensor(self.tenant, attested.certificate)?;
        let certificate = sensor.as_ref().map(certificate).transpose()?;
        if let Some(certificate) = &certificate {
            let (key, capture) = (&self.keys.device, &attested.capture);
            let named = &attested.certificate.0;
            let said = probe_message(&self.context, key, capture, named, &enrolled.commitment);
            found
                .rests_on
                .extend_from_slice(&certificate.key.to_bytes());
            found.rests_on.extend_from_slice(&said);
        }
        let statement = accept_probe(
            &self.context,
            rule.tau,
            &enrolled,
            &attested.capture,
            attested.signature,
            standing(certificate.as_ref(), sensor.as_ref()),
            (asked(rule)?, self.stamp.0),
        )?;
        let claimed = attested.capture.level.code();
        let certified = sensor.map_or(0, |sensor| sensor.level);
        found.level = claimed.min(certified).min(template.level);
        Ok(statement.into())
    }
}

/// A registered credential, as kept and as parsed.
fn parsed<V: View>(
    state: &V,
    tenant: u32,
    subject: SubjectHash,
    serial: Serial,
) -> Result<Option<(Credential, akashi_proof::Credential)>, Fault> {
    let Some(record) = state.credential(tenant, subject, serial)? else {
        return Ok(None);
    };
    let credential = akashi_proof::Credential::parse(&record.body);
    let credential = credential.map_err(|_foreign| Fault::Corrupt)?;
    Ok(Some((record, credential)))
}

/// The template as the proof knows it.
fn enrolled(template: &Template, keys: &SubjectKeys) -> Result<Enrolled, Fault> {
    let commitment = TemplateCommitment::from_bytes(&template.commitment);
    let dimensions = akashi_proof::Dimensions::from_count(template.dimensions);
    Ok(Enrolled {
        key: keys.device,
        commitment: commitment.map_err(|_foreign| Fault::Corrupt)?,
        dimensions: dimensions.ok_or(Fault::Corrupt)?,
        model_id: template.model_id.clone().into_bytes(),
        level: Assurance::from_code(template.level).ok_or(Fault::Corrupt)?,
    })
}

/// What a face rule asks of captures.
fn asked(rule: &FaceRule) -> Result<SensorPolicy, Fault> {
    Ok(SensorPolicy {
        level_min: rule.level().ok_or(Fault::Corrupt)?,
        age_max_us: rule.age_us(),
    })
}

/// A sensor's certificate as the proof knows it.
pub(super) fn certificate(sensor: &Sensor) -> Result<SensorCertificate, Fault> {
    let key = SensorKey::from_bytes(&sensor.key);
    let level = Assurance::from_code(sensor.level);
    Ok(SensorCertificate {
        key: key.map_err(|_foreign| Fault::Corrupt)?,
        model_id: sensor.model_id.clone().into_bytes(),
        level: level.ok_or(Fault::Corrupt)?,
        not_before_us: sensor.not_before.0,
        expires_us: sensor.expires.0,
    })
}

/// What applied state knows of a sensor; `None` if it is not registered.
pub(super) fn standing<'a>(
    certificate: Option<&'a SensorCertificate>,
    sensor: Option<&Sensor>,
) -> Option<SensorStanding<'a>> {
    Some(SensorStanding {
        certificate: certificate?,
        revoked: sensor?.revoked,
    })
}

/// A registered issuer key as the proof knows it.
pub(super) fn issuer_key(bytes: &[u8; 32]) -> Result<IssuerKey, Fault> {
    IssuerKey::from_bytes(bytes).map_err(|_foreign| Fault::Corrupt)
}
