//! Factors: what a submission is made of. One file per factor; a new one is a variant here and a file
//! beside it, and the compiler lists the rest.
//!
//! Here is the form: which parts a policy has a place for, what may travel with them, what a submission
//! digest says of them. What needs the state (keys, credentials, templates, orders) is put together by
//! [`crate::decide`]; nothing in a statement is ever taken from a submission alone.

mod consent;
mod decoded;
mod equals;
mod face;
mod in_set;
mod knowledge;
mod possession;
mod range;
mod same;

use akashi_proof::{
    AnyStatement, Commitment, Context, DeviceKey, Kind, Part, PinKey, Suite, submission_digest,
};

pub(crate) use consent::Payload;
pub(crate) use face::Attested;

use crate::answer::{Field, Rejection};
use crate::command::FactorProof;
use crate::ids::{Digest, Serial};
use crate::limits::{PROOF_BYTES_MAX, SUBMISSION_PARTS_MAX};
use crate::outcome::factors;
use crate::policy::{PolicyBody, PredicateRule, PredicateTest, any_commitment};

/// A kind of proof that a submission can carry, in the order in which they are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Factor {
    /// The enrolled phone's key.
    Possession,
    /// The PIN, and its next key.
    Knowledge,
    /// An attribute has a public value.
    Equals,
    /// Two attributes have one value.
    Same,
    /// An attribute lies within bounds.
    Range,
    /// An attribute has one of a few values.
    InSet,
    /// The face of the enrolled template.
    Face,
    /// The consent to an order.
    Consent,
}

/// The slot of a knowledge part that proves the PIN's next key.
pub const NEXT_PIN_SLOT: u8 = 1;

impl Factor {
    /// The proof kind (suite 0x01).
    #[must_use]
    pub const fn kind(self) -> u8 {
        self.proof_kind().code()
    }

    const fn proof_kind(self) -> Kind {
        match self {
            Self::Possession => Kind::Possession,
            Self::Knowledge => Kind::Knowledge,
            Self::Equals => Kind::Equals,
            Self::Same => Kind::Same,
            Self::Range => Kind::Range,
            Self::InSet => Kind::InSet,
            Self::Face => Kind::Proximity,
            Self::Consent => Kind::Consent,
        }
    }

    /// The factor of a proof kind.
    #[must_use]
    pub const fn from_kind(kind: u8) -> Option<Self> {
        Some(match Kind::from_code(kind) {
            Some(Kind::Possession) => Self::Possession,
            Some(Kind::Knowledge) => Self::Knowledge,
            Some(Kind::Equals) => Self::Equals,
            Some(Kind::Same) => Self::Same,
            Some(Kind::Range) => Self::Range,
            Some(Kind::InSet) => Self::InSet,
            Some(Kind::Proximity) => Self::Face,
            Some(Kind::Consent) => Self::Consent,
            None => return None,
        })
    }

    /// The factor that proves a predicate.
    #[must_use]
    pub const fn of_test(test: &PredicateTest) -> Self {
        match test {
            PredicateTest::AtLeast { .. }
            | PredicateTest::AtMost { .. }
            | PredicateTest::Within { .. }
            | PredicateTest::CoversAmount { .. } => Self::Range,
            PredicateTest::OneOf { .. } => Self::InSet,
            PredicateTest::Equals { .. } => Self::Equals,
            PredicateTest::SameAs(_) => Self::Same,
        }
    }

    /// The factor type as a bit of a verdict; predicates and consent are none.
    #[must_use]
    pub const fn bit(self) -> u32 {
        match self {
            Self::Possession => factors::HAVE,
            Self::Knowledge => factors::KNOW,
            Self::Face => factors::ARE,
            Self::Equals | Self::Same | Self::Range | Self::InSet | Self::Consent => 0,
        }
    }

    /// Whether it proves a predicate of the policy.
    #[must_use]
    pub const fn is_predicate(self) -> bool {
        match self {
            Self::Equals | Self::Same | Self::Range | Self::InSet => true,
            Self::Possession | Self::Knowledge | Self::Face | Self::Consent => false,
        }
    }
}

/// The public keys a subject's proofs are judged by. Always taken from state, never from a submission.
#[derive(Clone, Copy, Debug)]
pub struct SubjectKeys {
    /// `P`.
    pub device: DeviceKey,
    /// `K`.
    pub pin: PinKey,
}

impl SubjectKeys {
    /// Decodes both keys.
    ///
    /// # Errors
    ///
    /// [`Rejection::Invalid`] if one is not a key.
    pub fn parse(device_key: &[u8; 32], pin_key: &[u8; 32]) -> Result<Self, Rejection> {
        let refuse = Rejection::Invalid(Field::Key);
        Ok(Self {
            device: decoded::device_key(device_key).map_err(|_not_a_key| refuse)?,
            pin: decoded::pin_key(pin_key).map_err(|_not_a_key| refuse)?,
        })
    }
}

/// One proof with everything it is judged by.
#[derive(Clone, Debug)]
pub struct Job {
    /// Which factor.
    pub factor: Factor,
    /// Which of its kind.
    pub slot: u8,
    /// What the proof must be bound to.
    pub context: Context,
    /// What it claims.
    pub statement: AnyStatement,
    /// The statement's instance bytes, for evidence.
    pub instance: Vec<u8>,
    /// The proof.
    pub proof: Vec<u8>,
}

impl Job {
    /// A part with its statement.
    pub(crate) fn new(one: Sent<'_>, context: &Context, statement: AnyStatement) -> Self {
        Self {
            factor: one.factor,
            slot: one.part.slot,
            context: context.clone(),
            instance: statement.instance(),
            statement,
            proof: one.part.proof.clone(),
        }
    }
}

/// `P`, decoded.
pub(crate) fn device_key(bytes: &[u8; 32]) -> Result<DeviceKey, Rejection> {
    decoded::device_key(bytes).map_err(|_not_a_key| Rejection::Invalid(Field::Key))
}

/// A part of a submission whose kind is known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent<'a> {
    pub(crate) factor: Factor,
    pub(crate) part: &'a FactorProof,
}

impl Sent<'_> {
    /// Its place among the parts.
    pub(crate) const fn place(&self) -> (Factor, u8) {
        (self.factor, self.part.slot)
    }
}

/// Checks what can be checked of a submission without keys: every part has a place in the policy, its
/// proof is a proof, and what travels with it is what should.
///
/// # Errors
///
/// [`Rejection::Invalid`]; [`Rejection::MalformedProof`] at the first proof that does not parse.
/// Neither is recorded: such bytes are turned away at the door.
pub fn admit(asked: &PolicyBody, proofs: &[FactorProof]) -> Result<(), Rejection> {
    sent(asked, proofs).map(drop)
}

/// Checks the form of the proofs that enrol a device: possession and the PIN, under no policy.
///
/// # Errors
///
/// As [`admit`].
pub fn admit_enrolment(proofs: &[FactorProof]) -> Result<(), Rejection> {
    enrolling(proofs).map(drop)
}

/// Checks the form of a possession proof that stands alone.
///
/// # Errors
///
/// As [`admit`].
pub fn admit_possession(proof: &[u8]) -> Result<(), Rejection> {
    schnorr(door()?, proof)
}

/// As [`admit`]; the parts in their order.
pub(crate) fn sent<'a>(
    asked: &PolicyBody,
    proofs: &'a [FactorProof],
) -> Result<Vec<Sent<'a>>, Rejection> {
    let any = door()?;
    let sent = in_order(proofs)?;
    for one in &sent {
        let part = one.part;
        match one.factor {
            Factor::Possession => {
                check(is_plain(part) && part.slot == 0)?;
                schnorr(any, &part.proof)?;
            }
            Factor::Knowledge => {
                let known = sent
                    .iter()
                    .any(|other| other.place() == (Factor::Knowledge, 0));
                check(known && knowledge::fits(part))?;
                schnorr(any, &part.proof)?;
            }
            Factor::Equals | Factor::Same | Factor::Range | Factor::InSet => {
                let rule = rule(asked, part.slot)?;
                check(Factor::of_test(&rule.test) == one.factor)?;
                check(part.second_serial == Serial::ZERO || one.factor == Factor::Same)?;
                check(part.attachment.is_empty())?;
                well_formed(&predicate(&rule.test, any, any)?, &part.proof)?;
            }
            Factor::Face => {
                let rule = asked.face.as_ref().ok_or(MISPLACED)?;
                check(names_nothing(part) && part.slot == 0)?;
                let attested = Attested::parse(&part.attachment).ok_or(MISPLACED)?;
                well_formed(&face::shape(rule, &attested)?, &part.proof)?;
            }
            Factor::Consent => {
                let rule = asked.consent.as_ref().ok_or(MISPLACED)?;
                check(names_nothing(part) && part.slot == 0)?;
                check(Payload::parse(&part.attachment, rule).is_some())?;
                schnorr(any, &part.proof)?;
            }
        }
    }
    Ok(sent)
}

/// As [`admit_enrolment`]; the parts in their order.
pub(crate) fn enrolling(proofs: &[FactorProof]) -> Result<Vec<Sent<'_>>, Rejection> {
    let any = door()?;
    let sent = in_order(proofs)?;
    let places: Vec<(Factor, u8)> = sent.iter().map(Sent::place).collect();
    check(places == [(Factor::Possession, 0), (Factor::Knowledge, 0)])?;
    for one in &sent {
        check(is_plain(one.part))?;
        schnorr(any, &one.part.proof)?;
    }
    Ok(sent)
}

const MISPLACED: Rejection = Rejection::Invalid(Field::Proofs);

fn check(fits: bool) -> Result<(), Rejection> {
    if fits { Ok(()) } else { Err(MISPLACED) }
}

/// Possession first, then strictly ascending by kind and slot; neither too many nor too long.
fn in_order(proofs: &[FactorProof]) -> Result<Vec<Sent<'_>>, Rejection> {
    check(proofs.len() <= SUBMISSION_PARTS_MAX)?;
    let mut sent: Vec<Sent<'_>> = Vec::with_capacity(proofs.len());
    for part in proofs {
        let factor = Factor::from_kind(part.kind).ok_or(MISPLACED)?;
        let one = Sent { factor, part };
        check(sent.last().is_none_or(|last| last.place() < one.place()))?;
        check(part.proof.len() <= PROOF_BYTES_MAX)?;
        sent.push(one);
    }
    check(
        sent.first()
            .is_some_and(|one| one.factor == Factor::Possession),
    )?;
    Ok(sent)
}

fn rule(asked: &PolicyBody, slot: u8) -> Result<&PredicateRule, Rejection> {
    asked.predicates.get(usize::from(slot)).ok_or(MISPLACED)
}

/// A part that names no credential.
fn names_nothing(part: &FactorProof) -> bool {
    part.serial == Serial::ZERO && part.second_serial == Serial::ZERO && part.attribute == 0
}

/// A part that names no credential and that nothing travels with.
fn is_plain(part: &FactorProof) -> bool {
    names_nothing(part) && part.attachment.is_empty()
}

/// Stands for every commitment where only the form of a proof is looked at.
fn door() -> Result<Commitment, Rejection> {
    // The generator is a point, so this never fails.
    any_commitment().ok_or(MISPLACED)
}

fn well_formed(statement: &AnyStatement, proof: &[u8]) -> Result<(), Rejection> {
    statement
        .well_formed(proof)
        .map_err(|reason| Rejection::MalformedProof(reason.code()))
}

/// All proofs of one discrete logarithm have one form.
fn schnorr(any: Commitment, proof: &[u8]) -> Result<(), Rejection> {
    let look = |proof: &[u8]| equals::statement(any, 0).well_formed(proof);
    decoded::schnorr_form(proof, look).map_err(|reason| Rejection::MalformedProof(reason.code()))
}

/// The statement of a predicate: over the attribute, and over the second attribute or the amount where
/// there is one.
pub(crate) fn predicate(
    test: &PredicateTest,
    value: Commitment,
    other: Commitment,
) -> Result<AnyStatement, Rejection> {
    match test {
        PredicateTest::AtLeast { .. }
        | PredicateTest::AtMost { .. }
        | PredicateTest::Within { .. }
        | PredicateTest::CoversAmount { .. } => range::statement(test, value, other),
        PredicateTest::OneOf { values } => in_set::statement(value, values),
        PredicateTest::Equals { value: public } => Some(equals::statement(value, *public)),
        PredicateTest::SameAs(_) => Some(same::statement(value, other)),
    }
    // A policy is built of such statements before it is accepted.
    .ok_or(MISPLACED)
}

/// The statement of possession over what was sent.
pub(crate) fn possession(keys: &SubjectKeys, sent: &[Sent<'_>]) -> AnyStatement {
    let digest = digest_without(sent, &[Factor::Possession]);
    possession::statement(keys.device, digest)
}

/// The statement of possession that stands alone.
pub(crate) fn lone_possession(device: DeviceKey) -> AnyStatement {
    possession::statement(device, submission_digest(&[]))
}

/// The statement of a knowledge part; `None` for a next key that is none.
pub(crate) fn knowledge(keys: &SubjectKeys, part: &FactorProof) -> Option<AnyStatement> {
    knowledge::statement(keys, part)
}

/// The statement of a consent to `order_hash` for `recipient`, over what was sent.
pub(crate) fn consent(
    keys: &SubjectKeys,
    (order_hash, recipient): ([u8; 32], &[u8; 32]),
    sealed_digest: [u8; 32],
    sent: &[Sent<'_>],
) -> AnyStatement {
    let digest = digest_without(sent, &[Factor::Possession, Factor::Consent]);
    consent::statement(keys.device, (order_hash, recipient), sealed_digest, digest)
}

/// The submission digest over every part but those of some kinds.
fn digest_without(sent: &[Sent<'_>], without: &[Factor]) -> [u8; 32] {
    let parts: Vec<Part<'_>> = sent
        .iter()
        .filter(|one| !without.contains(&one.factor))
        .map(|one| Part {
            kind: one.factor.proof_kind(),
            slot: one.part.slot,
            credential_serial: one.part.serial.0,
            attribute_index: one.part.attribute,
            proof: &one.part.proof,
            sealed_digest: travelling(one),
        })
        .collect();
    submission_digest(&parts)
}

/// Digest of what travels with a part, as sent; zeros where nothing does.
pub(crate) fn travelling(one: &Sent<'_>) -> [u8; 32] {
    let attachment = &one.part.attachment;
    match one.factor {
        Factor::Knowledge if attachment.is_empty() => [0; 32],
        Factor::Knowledge | Factor::Face => Digest::of(attachment).0,
        Factor::Same => Digest::of(&one.part.second_serial.0).0,
        Factor::Consent => consent::sealed(attachment),
        Factor::Possession | Factor::Equals | Factor::Range | Factor::InSet => [0; 32],
    }
}

/// What names a submission: SHA-256 over the suite and every part.
#[must_use]
pub fn fingerprint(suite: Suite, proofs: &[FactorProof]) -> Digest {
    Digest::of(&crate::entry::encode(&(suite.code(), proofs)))
}
