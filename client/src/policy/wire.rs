//! Rules to and from the published language.

use akashi_proto::v1;
use akashi_proto::v1::predicate_rule::Test as Wire;

use super::{
    AgentRule, ConsentRule, FaceRule, Grants, PolicyPurpose, Predicate, Rules, Source, Test,
};
use crate::answer::bytes32;
use crate::error::Error;

/// [`FaceRule::min_level`] of a message that has none: no simulators.
const MIN_LEVEL: u32 = 1;

impl Rules {
    /// The rules in a policy as a node sends it.
    ///
    /// # Errors
    ///
    /// [`Error::Answer`] names the field that this version does not know.
    pub fn from_wire(policy: &v1::Policy) -> Result<Self, Error> {
        let purpose = match v1::PolicyPurpose::try_from(policy.purpose) {
            Ok(v1::PolicyPurpose::CustomerCall | v1::PolicyPurpose::Unspecified) => {
                PolicyPurpose::CustomerCall
            }
            Ok(v1::PolicyPurpose::AgentLogin) => PolicyPurpose::AgentLogin,
            Ok(v1::PolicyPurpose::Consent) => PolicyPurpose::Consent,
            Err(_unknown) => return Err(Error::Answer { what: "purpose" }),
        };
        let predicates = policy.predicates.iter().map(predicate);
        Ok(Self {
            purpose,
            require_possession: policy.require_possession,
            require_knowledge: policy.require_knowledge,
            predicates: predicates.collect::<Result<_, _>>()?,
            face: policy.face.as_ref().map(face).transpose()?,
            consent: policy.consent.as_ref().map(consent).transpose()?,
            challenge_ttl_s: policy.challenge_ttl_s,
            verdict_ttl_s: policy.verdict_ttl_s,
            grants: Grants::from_wire(policy.grants.as_ref())?,
            agents: AgentRule::from_wire(policy.agents.as_ref())?,
        })
    }

    /// The rules as a policy of this name, without version and digest.
    #[must_use]
    pub fn to_wire(&self, name: &str) -> v1::Policy {
        let purpose = match self.purpose {
            PolicyPurpose::CustomerCall => v1::PolicyPurpose::CustomerCall,
            PolicyPurpose::AgentLogin => v1::PolicyPurpose::AgentLogin,
            PolicyPurpose::Consent => v1::PolicyPurpose::Consent,
        };
        v1::Policy {
            name: name.to_owned(),
            require_possession: self.require_possession,
            require_knowledge: self.require_knowledge,
            challenge_ttl_s: self.challenge_ttl_s,
            verdict_ttl_s: self.verdict_ttl_s,
            purpose: purpose.into(),
            predicates: self.predicates.iter().map(to_predicate).collect(),
            face: self.face.as_ref().map(|face| v1::FaceRule {
                model_id: face.model_id.clone(),
                dimensions: face.dimensions.into(),
                tau: face.tau,
                min_level: Some(face.min_level.into()),
                max_age_s: face.max_age_s,
            }),
            consent: self.consent.map(|consent| v1::ConsentRule {
                recipient: consent.recipient.to_vec().into(),
                max_payload_bytes: consent.max_payload_bytes,
            }),
            grants: Some(self.grants.to_wire()),
            agents: Some(self.agents.to_wire()),
            ..v1::Policy::default()
        }
    }
}

fn predicate(rule: &v1::PredicateRule) -> Result<Predicate, Error> {
    let test = rule
        .test
        .as_ref()
        .ok_or(Error::Answer { what: "predicate" })?;
    Ok(Predicate {
        source: Source {
            issuers: rule.issuers.clone(),
            schema: rule.schema.clone(),
            schema_version: narrow(rule.schema_version, "schema_version")?,
            attribute: narrow(rule.attribute, "attribute")?,
        },
        test: match test {
            Wire::AtLeast(v1::AtLeast { bits, bound }) => Test::AtLeast {
                bits: narrow(*bits, "bits")?,
                bound: *bound,
            },
            Wire::AtMost(v1::AtMost { bits, bound }) => Test::AtMost {
                bits: narrow(*bits, "bits")?,
                bound: *bound,
            },
            Wire::Within(v1::Within { bits, low, high }) => Test::Within {
                bits: narrow(*bits, "bits")?,
                low: *low,
                high: *high,
            },
            Wire::InSet(v1::InSet { values }) => Test::OneOf {
                values: values.clone(),
            },
            Wire::Equals(v1::Equals { value }) => Test::Equals { value: *value },
            Wire::CoversAmount(v1::CoversAmount { bits, amount }) => Test::CoversAmount {
                bits: narrow(*bits, "bits")?,
                amount: narrow(*amount, "amount")?,
            },
            Wire::SameAs(other) => Test::SameAs(Source {
                issuers: other.issuers.clone(),
                schema: other.schema.clone(),
                schema_version: narrow(other.schema_version, "schema_version")?,
                attribute: narrow(other.attribute, "attribute")?,
            }),
        },
    })
}

fn to_predicate(predicate: &Predicate) -> v1::PredicateRule {
    let test = match &predicate.test {
        Test::AtLeast { bits, bound } => Wire::AtLeast(v1::AtLeast {
            bits: (*bits).into(),
            bound: *bound,
        }),
        Test::AtMost { bits, bound } => Wire::AtMost(v1::AtMost {
            bits: (*bits).into(),
            bound: *bound,
        }),
        Test::Within { bits, low, high } => Wire::Within(v1::Within {
            bits: (*bits).into(),
            low: *low,
            high: *high,
        }),
        Test::OneOf { values } => Wire::InSet(v1::InSet {
            values: values.clone(),
        }),
        Test::Equals { value } => Wire::Equals(v1::Equals { value: *value }),
        Test::CoversAmount { bits, amount } => Wire::CoversAmount(v1::CoversAmount {
            bits: (*bits).into(),
            amount: (*amount).into(),
        }),
        Test::SameAs(other) => Wire::SameAs(v1::SameAs {
            issuers: other.issuers.clone(),
            schema: other.schema.clone(),
            schema_version: other.schema_version.into(),
            attribute: other.attribute.into(),
        }),
    };
    v1::PredicateRule {
        issuers: predicate.source.issuers.clone(),
        schema: predicate.source.schema.clone(),
        schema_version: predicate.source.schema_version.into(),
        attribute: predicate.source.attribute.into(),
        test: Some(test),
    }
}

fn face(rule: &v1::FaceRule) -> Result<FaceRule, Error> {
    Ok(FaceRule {
        model_id: rule.model_id.clone(),
        dimensions: narrow(rule.dimensions, "dimensions")?,
        tau: rule.tau,
        min_level: narrow(rule.min_level.unwrap_or(MIN_LEVEL), "min_level")?,
        max_age_s: rule.max_age_s,
    })
}

fn consent(rule: &v1::ConsentRule) -> Result<ConsentRule, Error> {
    Ok(ConsentRule {
        recipient: bytes32(&rule.recipient, "recipient")?,
        max_payload_bytes: rule.max_payload_bytes,
    })
}

pub(super) fn narrow<T: TryFrom<u32>>(number: u32, what: &'static str) -> Result<T, Error> {
    T::try_from(number).map_err(|_large| Error::Answer { what })
}
