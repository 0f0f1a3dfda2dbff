//! What a policy asks: the factors, the predicates on credentials, the face, the consent.
//!
//! A policy is data: named, versioned, hashed, pinned by every challenge. Whatever is accepted here can
//! be asked of a phone, so every bound is checked by building the statement that it will become.

mod agents;
mod grants;

use akashi_proof::{
    Assurance, Commitment, Dimensions, InSet, Purpose, Range, RangeBits, RangeTest, TAU_LIMIT,
};
use borsh::{BorshDeserialize, BorshSerialize};

pub use agents::{AgentBinding, AgentRule, PresenceRule, UnmaskRule};
pub use grants::{
    ATTESTATION_MAX, FALLBACK_KINDS, Grants, LINE_TYPES, RISK_FLAGS, RiskRule, SCOPE_ALL,
    SIM_AGE_MAX,
};

use crate::answer::Field;
use crate::entry::encode;
use crate::ids::Digest;
use crate::limits::{
    ISSUERS_PER_RULE_MAX, NAME_CHARS_MAX, ORDER_AMOUNTS_MAX, PAYLOAD_BYTES_MAX, PREDICATES_MAX,
    SECOND_US,
};

/// What a policy is for. Numbers are those of the proof context.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum PolicyPurpose {
    /// The customer of a contact.
    CustomerCall = 1,
    /// An agent who logs in.
    AgentLogin = 2,
    /// An order that the customer of a verified contact approves.
    Consent = 4,
}

impl PolicyPurpose {
    /// The purpose in the context of proofs.
    #[must_use]
    pub const fn of_context(self) -> Purpose {
        match self {
            Self::CustomerCall => Purpose::CustomerCall,
            Self::AgentLogin => Purpose::AgentLogin,
            Self::Consent => Purpose::Consent,
        }
    }

    /// The number in leaves and on the wire.
    #[must_use]
    pub const fn code(self) -> u8 {
        self.of_context().code()
    }
}

/// What a policy asks.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct PolicyBody {
    /// What it is for.
    pub purpose: PolicyPurpose,
    /// Possession of the enrolled key; every policy asks it.
    pub require_possession: bool,
    /// The PIN.
    pub require_knowledge: bool,
    /// Predicates on hidden attributes, all of them asked; a part's slot is its place here.
    pub predicates: Vec<PredicateRule>,
    /// The face.
    pub face: Option<FaceRule>,
    /// The consent; set exactly for [`PolicyPurpose::Consent`].
    pub consent: Option<ConsentRule>,
    /// How long a challenge is open, in seconds.
    pub challenge_ttl_s: u32,
    /// How long a verdict is good, in seconds.
    pub verdict_ttl_s: u32,
    /// What a verdict is good for.
    pub grants: Grants,
    /// What is asked of agents.
    pub agents: AgentRule,
}

/// One attribute of a registered credential, whichever of the named issuers signed it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct AttributeSource {
    /// Whose credentials count: registered names, strictly ascending.
    pub issuers: Vec<String>,
    /// The credential's schema.
    pub schema: String,
    /// The schema's version.
    pub schema_version: u16,
    /// Index of the attribute, from 0.
    pub attribute: u16,
}

/// One predicate.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct PredicateRule {
    /// Of what.
    pub source: AttributeSource,
    /// Which.
    pub test: PredicateTest,
}

/// What must be true of the attribute.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum PredicateTest {
    /// It is `bound` or more.
    AtLeast {
        /// Width of the range proof: 32 or 64.
        bits: u8,
        /// The lower bound, included.
        bound: u64,
    } = 1,
    /// It is `bound` or less.
    AtMost {
        /// Width of the range proof: 32 or 64.
        bits: u8,
        /// The upper bound, included.
        bound: u64,
    } = 2,
    /// It lies between two bounds.
    Within {
        /// Width of the range proof: 32 or 64.
        bits: u8,
        /// The lower bound, included.
        low: u64,
        /// The upper bound, included.
        high: u64,
    } = 3,
    /// It is one of these; nobody learns which.
    OneOf {
        /// Strictly ascending.
        values: Vec<u64>,
    } = 4,
    /// It is this, which everybody learns.
    Equals {
        /// The value.
        value: u64,
    } = 5,
    /// It is at least a hidden amount of the order, and the amount is not negative.
    CoversAmount {
        /// Width of the range proof: 32 or 64.
        bits: u8,
        /// Index among the order's amounts, from 0.
        amount: u8,
    } = 6,
    /// An attribute of a second credential has the same value.
    SameAs(AttributeSource) = 7,
}

/// What is asked of a face.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct FaceRule {
    /// The model of templates.
    pub model_id: String,
    /// Entries of a template: 128, 256 or 512.
    pub dimensions: u16,
    /// Largest squared Euclidean distance that counts as the same face.
    pub tau: u32,
    /// Lowest assurance of enrolment and capture: 0 software simulator, 1 attested app, 2 secure sensor.
    pub min_level: u8,
    /// Longest time between capture and decision, in seconds.
    pub max_age_s: u32,
}

/// [`FaceRule::min_level`] where none is given: no simulators.
pub const FACE_MIN_LEVEL: u8 = 1;
/// [`FaceRule::max_age_s`] where none is given: the time of a notice.
pub const FACE_MAX_AGE_S: u32 = 60;
/// [`ConsentRule::max_payload_bytes`] where none is given: an order is a page of text.
pub const CONSENT_PAYLOAD_BYTES: u32 = 16 * 1_024;

impl FaceRule {
    /// The size of templates; `None` if there is no such size.
    #[must_use]
    pub const fn size(&self) -> Option<Dimensions> {
        Dimensions::from_count(self.dimensions)
    }

    /// The lowest assurance; `None` if there is no such level.
    #[must_use]
    pub const fn level(&self) -> Option<Assurance> {
        Assurance::from_code(self.min_level)
    }

    /// The longest age of a capture in microseconds.
    #[must_use]
    pub fn age_us(&self) -> u64 {
        u64::from(self.max_age_s).saturating_mul(SECOND_US)
    }
}

/// Who reads the order's sealed part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ConsentRule {
    /// X25519 public key of the processor.
    pub recipient: [u8; 32],
    /// Most bytes of the sealed payload, encapsulated key included.
    pub max_payload_bytes: u32,
}

impl PolicyBody {
    /// Checks every field.
    ///
    /// # Errors
    ///
    /// The first [`Field`] that is out of its range.
    pub fn check(&self) -> Result<(), Field> {
        let timed = (10..=600).contains(&self.challenge_ttl_s)
            && (60..=86_400).contains(&self.verdict_ttl_s);
        if !self.require_possession || !timed {
            return Err(Field::PolicyBody);
        }
        let many = self.predicates.len() > PREDICATES_MAX;
        if many
            || !self
                .predicates
                .iter()
                .all(|rule| rule.holds_up(self.purpose))
        {
            return Err(Field::Predicates);
        }
        if !self.face.as_ref().is_none_or(FaceRule::holds_up) {
            return Err(Field::Face);
        }
        let consents = self.purpose == PolicyPurpose::Consent;
        if self.consent.is_some() != consents || !self.consent.is_none_or(ConsentRule::holds_up) {
            return Err(Field::Consent);
        }
        if !self.grants.holds_up(self.purpose) {
            return Err(Field::Grants);
        }
        if !self.agents.holds_up(self.purpose) {
            return Err(Field::AgentRule);
        }
        Ok(())
    }

    /// SHA-256 of `"akashi/v1/policy"` ‖ 0 ‖ canonical bytes of tenant, name, version and body.
    #[must_use]
    pub fn digest(&self, tenant: &str, policy: &str, version: u32) -> Digest {
        let bytes = encode(&(tenant, policy, version, self));
        Digest(crate::ids::labelled(b"akashi/v1/policy", &[&bytes]))
    }
}

impl AttributeSource {
    fn holds_up(&self) -> bool {
        ascending_names(&self.issuers)
            && (1..=ISSUERS_PER_RULE_MAX).contains(&self.issuers.len())
            && is_name(&self.schema)
            && usize::from(self.attribute) < akashi_proof::ATTRIBUTES_MAX
    }
}

impl PredicateRule {
    fn holds_up(&self, purpose: PolicyPurpose) -> bool {
        self.source.holds_up() && self.test.holds_up(purpose)
    }
}

impl PredicateTest {
    /// Whether the test makes a statement, and has a place under this purpose.
    fn holds_up(&self, purpose: PolicyPurpose) -> bool {
        let Some(value) = any_commitment() else {
            return false;
        };
        match self {
            Self::AtLeast { .. } | Self::AtMost { .. } | Self::Within { .. } => {
                self.range(value, None).is_some()
            }
            Self::OneOf { values } => InSet::new(value, values).is_ok(),
            Self::Equals { .. } => true,
            Self::CoversAmount { amount, .. } => {
                purpose == PolicyPurpose::Consent
                    && usize::from(*amount) < ORDER_AMOUNTS_MAX
                    && self.range(value, Some(value)).is_some()
            }
            Self::SameAs(second) => second.holds_up(),
        }
    }

    /// The range statement over `value`, and over `amount` for [`Self::CoversAmount`]; `None` for the
    /// tests that are no range, and for bounds that no range admits.
    #[must_use]
    pub fn range(&self, value: Commitment, amount: Option<Commitment>) -> Option<Range> {
        let (bits, test) = match *self {
            Self::AtLeast { bits, bound } => (bits, RangeTest::AtLeast { value, bound }),
            Self::AtMost { bits, bound } => (bits, RangeTest::AtMost { value, bound }),
            Self::Within { bits, low, high } => (bits, RangeTest::Within { value, low, high }),
            Self::CoversAmount { bits, amount: _ } => {
                let other = amount?;
                (bits, RangeTest::AtLeastOther { value, other })
            }
            Self::OneOf { .. } | Self::Equals { .. } | Self::SameAs(_) => return None,
        };
        Range::new(RangeBits::from_bits(bits)?, &[test]).ok()
    }
}

impl FaceRule {
    fn holds_up(&self) -> bool {
        is_name(&self.model_id)
            && self.size().is_some()
            && self.level().is_some()
            && self.tau < TAU_LIMIT
            && (5..=600).contains(&self.max_age_s)
    }
}

impl ConsentRule {
    fn holds_up(self) -> bool {
        self.recipient != [0; 32] && (1..=PAYLOAD_BYTES_MAX).contains(&self.max_payload_bytes)
    }
}

/// Names in strictly ascending order; none is in order too.
fn ascending_names(names: &[String]) -> bool {
    let ascending = names
        .iter()
        .zip(names.iter().skip(1))
        .all(|(first, second)| first < second);
    ascending && names.iter().all(|name| is_name(name))
}

/// A commitment for statements of which only the form matters: the group's generator, in the encoding of
/// RFC 9496 appendix A.1.
pub(crate) fn any_commitment() -> Option<Commitment> {
    Commitment::from_bytes(&GENERATOR).ok()
}

/// See [`any_commitment`].
pub(crate) const GENERATOR: [u8; 32] = [
    0xe2, 0xf2, 0xae, 0x0a, 0x6a, 0xbc, 0x4e, 0x71, 0xa8, 0x84, 0xa9, 0x61, 0xc5, 0x00, 0x51, 0x5f,
    0x58, 0xe3, 0x0b, 0x6a, 0xa5, 0x82, 0xdd, 0x8d, 0xb6, 0xa6, 0x59, 0x45, 0xe0, 0x8d, 0x2d, 0x76,
];

/// 1 to 32 characters of `[a-z0-9-]`, neither beginning nor ending with a hyphen: names of tenants,
/// policies, replicas, issuers, schemas and models.
#[must_use]
pub fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= NAME_CHARS_MAX
        && !name.starts_with('-')
        && !name.ends_with('-')
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}
