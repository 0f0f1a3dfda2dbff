//! Policies in both languages: read from the published words, and said in them.
//!
//! What is read here has every list and every text within its limit and in its canonical form: names
//! and values ascending, each once. Whether the whole makes a policy, every replica decides again.

use akashi_domain::limits::{
    ISSUERS_PER_RULE_MAX, ORDER_AMOUNTS_MAX, PAYLOAD_BYTES_MAX, PREDICATES_MAX,
};
use akashi_domain::policy::{
    AgentBinding, AgentRule, AttributeSource, CONSENT_PAYLOAD_BYTES, ConsentRule, FACE_MAX_AGE_S,
    FACE_MIN_LEVEL, FaceRule, Grants, PolicyBody, PolicyPurpose, PredicateRule, PredicateTest,
    PresenceRule, RiskRule, SCOPE_ALL, UnmaskRule,
};
use akashi_domain::records;
use akashi_proof::{ATTRIBUTES_MAX, Assurance, Dimensions, RangeBits, SET_MAX, TAU_LIMIT};
use akashi_proto::v1;
use akashi_proto::v1::predicate_rule::Test;

use super::{Malformed, array, byte, code, name};

/// Challenge lifetime of a policy that names none, in seconds.
const CHALLENGE_TTL_S_DEFAULT: u32 = 120;
/// Verdict lifetime of a policy that names none, in seconds.
const VERDICT_TTL_S_DEFAULT: u32 = 3_600;
/// The first number that is too large for a value: issuers promise less.
const VALUE_LIMIT: u64 = 1 << 63;

/// A policy's name and what it asks; a number of zero is the default.
pub(super) fn parse(policy: Option<v1::Policy>) -> Result<(String, PolicyBody), Malformed> {
    let policy = policy.ok_or(Malformed { field: "policy" })?;
    let purpose = match v1::PolicyPurpose::try_from(policy.purpose) {
        Ok(v1::PolicyPurpose::Unspecified | v1::PolicyPurpose::CustomerCall) => {
            PolicyPurpose::CustomerCall
        }
        Ok(v1::PolicyPurpose::AgentLogin) => PolicyPurpose::AgentLogin,
        Ok(v1::PolicyPurpose::Consent) => PolicyPurpose::Consent,
        Err(_unknown) => return Err(Malformed { field: "purpose" }),
    };
    if policy.predicates.len() > PREDICATES_MAX {
        return Err(Malformed {
            field: "predicates",
        });
    }
    let predicates = policy
        .predicates
        .into_iter()
        .map(predicate)
        .collect::<Result<_, _>>()?;
    let body = PolicyBody {
        purpose,
        require_possession: policy.require_possession,
        require_knowledge: policy.require_knowledge,
        predicates,
        face: policy.face.map(face).transpose()?,
        consent: policy.consent.as_ref().map(consent).transpose()?,
        challenge_ttl_s: or(policy.challenge_ttl_s, CHALLENGE_TTL_S_DEFAULT),
        verdict_ttl_s: or(policy.verdict_ttl_s, VERDICT_TTL_S_DEFAULT),
        grants: policy
            .grants
            .as_ref()
            .map(grants)
            .transpose()?
            .unwrap_or_default(),
        agents: policy
            .agents
            .as_ref()
            .map(agents)
            .transpose()?
            .unwrap_or_default(),
    };
    Ok((name(policy.name, "policy")?, body))
}

const fn or(given: u32, default: u32) -> u32 {
    if given == 0 { default } else { given }
}

fn predicate(rule: v1::PredicateRule) -> Result<PredicateRule, Malformed> {
    let test = rule.test.ok_or(Malformed {
        field: "predicates.test",
    })?;
    let source = AttributeSource {
        issuers: issuers(rule.issuers, "predicates.issuers")?,
        schema: name(rule.schema, "predicates.schema")?,
        schema_version: code(rule.schema_version, "predicates.schema_version")?,
        attribute: attribute(rule.attribute, "predicates.attribute")?,
    };
    let test = self::test(test)?;
    Ok(PredicateRule { source, test })
}

fn test(test: Test) -> Result<PredicateTest, Malformed> {
    Ok(match test {
        Test::AtLeast(v1::AtLeast { bits, bound }) => PredicateTest::AtLeast {
            bits: width(bits, "at_least.bits")?,
            bound: self::bound(bits, bound, "at_least.bound")?,
        },
        Test::AtMost(v1::AtMost { bits, bound }) => PredicateTest::AtMost {
            bits: width(bits, "at_most.bits")?,
            bound: self::bound(bits, bound, "at_most.bound")?,
        },
        Test::Within(v1::Within { bits, low, high }) => {
            let field = "within.low";
            if low > high {
                return Err(Malformed { field });
            }
            PredicateTest::Within {
                bits: width(bits, "within.bits")?,
                low: bound(bits, low, field)?,
                high: bound(bits, high, "within.high")?,
            }
        }
        Test::InSet(v1::InSet { values }) => {
            let field = "in_set.values";
            let counted = (1..=SET_MAX).contains(&values.len());
            if !counted || !ascending(&values) || values.iter().any(|v| *v >= VALUE_LIMIT) {
                return Err(Malformed { field });
            }
            PredicateTest::OneOf { values }
        }
        Test::Equals(v1::Equals { value }) => PredicateTest::Equals {
            value: bound(64, value, "equals.value")?,
        },
        Test::CoversAmount(v1::CoversAmount { bits, amount }) => {
            let field = "covers_amount.amount";
            let index = u8::try_from(amount).map_err(|_too_large| Malformed { field })?;
            if usize::from(index) >= ORDER_AMOUNTS_MAX {
                return Err(Malformed { field });
            }
            PredicateTest::CoversAmount {
                bits: width(bits, "covers_amount.bits")?,
                amount: index,
            }
        }
        Test::SameAs(other) => PredicateTest::SameAs(AttributeSource {
            issuers: issuers(other.issuers, "same_as.issuers")?,
            schema: name(other.schema, "same_as.schema")?,
            schema_version: code(other.schema_version, "same_as.schema_version")?,
            attribute: attribute(other.attribute, "same_as.attribute")?,
        }),
    })
}

/// Names of issuers: a few, ascending, each once.
fn issuers(names: Vec<String>, field: &'static str) -> Result<Vec<String>, Malformed> {
    if !(1..=ISSUERS_PER_RULE_MAX).contains(&names.len()) || !ascending(&names) {
        return Err(Malformed { field });
    }
    names.into_iter().map(|text| name(text, field)).collect()
}

fn ascending<T: Ord>(items: &[T]) -> bool {
    items.windows(2).all(|pair| match pair {
        [one, next] => one < next,
        _ => true,
    })
}

/// How many bits a range proof has.
fn width(bits: u32, field: &'static str) -> Result<u8, Malformed> {
    u8::try_from(bits)
        .ok()
        .and_then(RangeBits::from_bits)
        .map(RangeBits::bits)
        .ok_or(Malformed { field })
}

fn bound(bits: u32, value: u64, field: &'static str) -> Result<u64, Malformed> {
    let limit = if bits == 32 { 1 << 32 } else { VALUE_LIMIT };
    if value < limit {
        Ok(value)
    } else {
        Err(Malformed { field })
    }
}

/// The index of an attribute.
pub(super) fn attribute(index: u32, field: &'static str) -> Result<u16, Malformed> {
    let index = code(index, field)?;
    if usize::from(index) < ATTRIBUTES_MAX {
        Ok(index)
    } else {
        Err(Malformed { field })
    }
}

fn face(rule: v1::FaceRule) -> Result<FaceRule, Malformed> {
    let dimensions = u16::try_from(rule.dimensions)
        .ok()
        .and_then(Dimensions::from_count)
        .ok_or(Malformed {
            field: "face.dimensions",
        })?;
    if rule.tau >= TAU_LIMIT {
        return Err(Malformed { field: "face.tau" });
    }
    Ok(FaceRule {
        model_id: name(rule.model_id, "face.model_id")?,
        dimensions: dimensions.count(),
        tau: rule.tau,
        min_level: match rule.min_level {
            None => FACE_MIN_LEVEL,
            Some(number) => level(number, "face.min_level")?,
        },
        max_age_s: or(rule.max_age_s, FACE_MAX_AGE_S),
    })
}

/// The byte of an assurance.
pub(super) fn level(number: u32, field: &'static str) -> Result<u8, Malformed> {
    u8::try_from(number)
        .ok()
        .filter(|code| Assurance::from_code(*code).is_some())
        .ok_or(Malformed { field })
}

fn consent(rule: &v1::ConsentRule) -> Result<ConsentRule, Malformed> {
    let max_payload_bytes = or(rule.max_payload_bytes, CONSENT_PAYLOAD_BYTES);
    if max_payload_bytes > PAYLOAD_BYTES_MAX {
        return Err(Malformed {
            field: "consent.max_payload_bytes",
        });
    }
    Ok(ConsentRule {
        recipient: array(&rule.recipient, "consent.recipient")?,
        max_payload_bytes,
    })
}

fn grants(given: &v1::Grants) -> Result<Grants, Malformed> {
    let scope = given.scope.unwrap_or(SCOPE_ALL);
    let fallbacks = code(given.fallbacks, "grants.fallbacks")?;
    let risk = given.risk.as_ref().map(risk_rule).transpose()?;
    Ok(Grants {
        scope,
        limited: given.limited.unwrap_or(scope),
        needs: given.needs,
        fallbacks,
        risk: risk.unwrap_or_default(),
    })
}

fn risk_rule(rule: &v1::RiskRule) -> Result<RiskRule, Malformed> {
    Ok(RiskRule {
        sim_age_min: byte(rule.sim_age_min, "risk.sim_age_min")?,
        line_types: byte(rule.line_types, "risk.line_types")?,
        flags: byte(rule.flags, "risk.flags")?,
        attestation_min: byte(rule.attestation_min, "risk.attestation_min")?,
    })
}

fn agents(rule: &v1::AgentRule) -> Result<AgentRule, Malformed> {
    let binding = match v1::AgentBinding::try_from(rule.binding) {
        Ok(v1::AgentBinding::Unspecified | v1::AgentBinding::Present) => AgentBinding::Present,
        Ok(v1::AgentBinding::Registered) => AgentBinding::Registered,
        Err(_unknown) => {
            return Err(Malformed {
                field: "agents.binding",
            });
        }
    };
    let presence = rule.presence.as_ref().map(presence).transpose()?;
    Ok(AgentRule {
        binding,
        posture: rule.posture,
        rules: rule.rules,
        presence: presence.unwrap_or_default(),
        unmask: rule.unmask.map(|rule| UnmaskRule {
            fields: rule.fields,
            ttl_s: rule.ttl_s,
            break_glass: rule.break_glass,
        }),
        posture_issuers: match rule.posture_issuers.is_empty() {
            true => Vec::new(),
            false => issuers(rule.posture_issuers.clone(), "agents.posture_issuers")?,
        },
    })
}

fn presence(rule: &v1::PresenceRule) -> Result<PresenceRule, Malformed> {
    let default = PresenceRule::default();
    let seconds = |given: Option<u32>, default: u16, field| {
        given.map_or(Ok(default), |given| code(given, field))
    };
    Ok(PresenceRule {
        absent_grace_s: seconds(
            rule.absent_grace_s,
            default.absent_grace_s,
            "presence.absent_grace_s",
        )?,
        lost_grace_s: seconds(
            rule.lost_grace_s,
            default.lost_grace_s,
            "presence.lost_grace_s",
        )?,
        suspend_after_s: seconds(
            rule.suspend_after_s,
            default.suspend_after_s,
            "presence.suspend_after_s",
        )?,
        clear_screen: rule.clear_screen.unwrap_or(default.clear_screen),
    })
}

/// What a policy or a challenge is for.
#[must_use]
pub(super) const fn purpose(purpose: PolicyPurpose) -> v1::PolicyPurpose {
    match purpose {
        PolicyPurpose::CustomerCall => v1::PolicyPurpose::CustomerCall,
        PolicyPurpose::AgentLogin => v1::PolicyPurpose::AgentLogin,
        PolicyPurpose::Consent => v1::PolicyPurpose::Consent,
    }
}

/// A policy.
#[must_use]
pub fn say(policy: records::Policy) -> v1::Policy {
    let records::Policy {
        name,
        version,
        body,
        digest,
    } = policy;
    v1::Policy {
        name,
        version,
        require_possession: body.require_possession,
        require_knowledge: body.require_knowledge,
        challenge_ttl_s: body.challenge_ttl_s,
        verdict_ttl_s: body.verdict_ttl_s,
        digest: digest.0.to_vec().into(),
        purpose: purpose(body.purpose).into(),
        predicates: body.predicates.into_iter().map(say_predicate).collect(),
        face: body.face.map(|rule| v1::FaceRule {
            model_id: rule.model_id,
            dimensions: u32::from(rule.dimensions),
            tau: rule.tau,
            min_level: Some(u32::from(rule.min_level)),
            max_age_s: rule.max_age_s,
        }),
        consent: body.consent.map(|rule| v1::ConsentRule {
            recipient: rule.recipient.to_vec().into(),
            max_payload_bytes: rule.max_payload_bytes,
        }),
        grants: Some(say_grants(&body.grants)),
        agents: Some(say_agents(&body.agents)),
    }
}

fn say_grants(grants: &Grants) -> v1::Grants {
    v1::Grants {
        scope: Some(grants.scope),
        limited: Some(grants.limited),
        needs: grants.needs,
        fallbacks: u32::from(grants.fallbacks),
        risk: Some(v1::RiskRule {
            sim_age_min: u32::from(grants.risk.sim_age_min),
            line_types: u32::from(grants.risk.line_types),
            flags: u32::from(grants.risk.flags),
            attestation_min: u32::from(grants.risk.attestation_min),
        }),
    }
}

fn say_agents(rule: &AgentRule) -> v1::AgentRule {
    let binding = match rule.binding {
        AgentBinding::Registered => v1::AgentBinding::Registered,
        AgentBinding::Present => v1::AgentBinding::Present,
    };
    v1::AgentRule {
        binding: binding.into(),
        posture: rule.posture,
        rules: rule.rules,
        presence: Some(v1::PresenceRule {
            absent_grace_s: Some(u32::from(rule.presence.absent_grace_s)),
            lost_grace_s: Some(u32::from(rule.presence.lost_grace_s)),
            suspend_after_s: Some(u32::from(rule.presence.suspend_after_s)),
            clear_screen: Some(rule.presence.clear_screen),
        }),
        unmask: rule.unmask.map(|rule| v1::UnmaskRule {
            fields: rule.fields,
            ttl_s: rule.ttl_s,
            break_glass: rule.break_glass,
        }),
        posture_issuers: rule.posture_issuers.clone(),
    }
}

fn say_predicate(rule: PredicateRule) -> v1::PredicateRule {
    let wide = |bits: u8| u32::from(bits);
    let test = match rule.test {
        PredicateTest::AtLeast { bits, bound } => Test::AtLeast(v1::AtLeast {
            bits: wide(bits),
            bound,
        }),
        PredicateTest::AtMost { bits, bound } => Test::AtMost(v1::AtMost {
            bits: wide(bits),
            bound,
        }),
        PredicateTest::Within { bits, low, high } => Test::Within(v1::Within {
            bits: wide(bits),
            low,
            high,
        }),
        PredicateTest::OneOf { values } => Test::InSet(v1::InSet { values }),
        PredicateTest::Equals { value } => Test::Equals(v1::Equals { value }),
        PredicateTest::CoversAmount { bits, amount } => Test::CoversAmount(v1::CoversAmount {
            bits: wide(bits),
            amount: u32::from(amount),
        }),
        PredicateTest::SameAs(other) => Test::SameAs(v1::SameAs {
            issuers: other.issuers,
            schema: other.schema,
            schema_version: u32::from(other.schema_version),
            attribute: u32::from(other.attribute),
        }),
    };
    let source = rule.source;
    v1::PredicateRule {
        issuers: source.issuers,
        schema: source.schema,
        schema_version: u32::from(source.schema_version),
        attribute: u32::from(source.attribute),
        test: Some(test),
    }
}
