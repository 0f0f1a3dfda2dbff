//! Making a submission: every part that the policy asks for, possession last over all of them.
//!
//! Nothing is proved that was not shown: [`Plan`] says in words what will be proved, from rules whose
//! digest is bound into the sealed challenge, and [`Phone::answer`] proves that and no more.

use std::sync::Arc;

use akashi_proof::{
    Commitment, Consent, Context, DeviceSecret, Equals, InSet, Kind, Knowledge, Part, PinSecret,
    Possession, Proof, Provable, Proximity, ProximityWitness, Range, RangeBits, RangeTest,
    RangeWitness, Reason, Same, SameWitness, Suite, match_code, prove, recipient_digest,
    submission_digest,
};
use akashi_proto::v1;
use sha2::{Digest as _, Sha256};

use super::credentials::{Choice, Holding, choose};
use super::{CheckedNotice, Phone, Submission};
use crate::clock;
use crate::entropy::ProofRandom;
use crate::error::Error;
use crate::order::{Order, SealedFile};
use crate::policy::{Predicate, Test, asked, wanted};
use crate::request_id::RequestId;
use crate::sensor::{Face, SoftwareSensor};

/// The place of the PIN among the parts of a submission.
pub(super) const KNOWLEDGE_SLOT: u8 = 0;
/// The place of the PIN's next key.
const NEXT_KEY_SLOT: u8 = 1;

/// What the owner gives the phone for one answer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Means<'a> {
    /// The PIN as typed.
    pub pin: Option<&'a Pin>,
    /// The sensor and the face in front of it.
    pub face: Option<(&'a SoftwareSensor, &'a Face)>,
    /// The order that the tenant's app brought, and the customer's data for the processor.
    pub order: Option<(&'a Order, &'a [u8])>,
}

/// A PIN in memory; never printed, wiped when dropped.
pub struct Pin(zeroize::Zeroizing<String>);

impl std::fmt::Debug for Pin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pin([redacted])")
    }
}

impl Pin {
    /// Takes a PIN as typed.
    #[must_use]
    pub const fn new(text: zeroize::Zeroizing<String>) -> Self {
        Self(text)
    }

    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

/// What would be proved for one notice: shown to the owner before anything is.
#[derive(Debug)]
pub struct Plan {
    lines: Vec<String>,
}

impl Plan {
    /// One line for each thing that is proved.
    #[must_use]
    pub fn lines(&self) -> &[String] {
        &self.lines
    }
}

/// A finished answer.
#[derive(Debug)]
pub struct Answer {
    /// The proofs, ready to be sent as often as needed.
    pub submission: Submission,
    /// The sealed order, if one was approved: what the processor will open.
    pub sealed: Option<SealedFile>,
}

/// One part of a submission other than possession.
struct Piece {
    kind: Kind,
    slot: u8,
    serial: Option<[u8; 16]>,
    second_serial: Option<[u8; 16]>,
    attribute: u16,
    proof: Vec<u8>,
    attachment: Vec<u8>,
    sealed_digest: [u8; 32],
}

impl Piece {
    const fn plain(kind: Kind, slot: u8, proof: Vec<u8>) -> Self {
        Self {
            kind,
            slot,
            serial: None,
            second_serial: None,
            attribute: 0,
            proof,
            attachment: Vec::new(),
            sealed_digest: [0; 32],
        }
    }

    fn part(&self) -> Part<'_> {
        Part {
            kind: self.kind,
            slot: self.slot,
            credential_serial: self.serial.unwrap_or_default(),
            attribute_index: self.attribute,
            proof: &self.proof,
            sealed_digest: self.sealed_digest,
        }
    }

    fn into_wire(self) -> v1::FactorProof {
        let bytes = |serial: Option<[u8; 16]>| serial.map(|s| s.to_vec()).unwrap_or_default();
        v1::FactorProof {
            kind: self.kind.code().into(),
            slot: self.slot.into(),
            serial: bytes(self.serial).into(),
            second_serial: bytes(self.second_serial).into(),
            attribute: self.attribute.into(),
            proof: self.proof.into(),
            attachment: self.attachment.into(),
        }
    }
}

impl Phone {
    /// Says what would be proved for a notice, with the credentials that this phone would use.
    ///
    /// # Errors
    ///
    /// [`Error::Lacking`] if the phone has nothing that proves it; [`Error::Integrity`] if the order
    /// is not the one of the challenge.
    pub fn plan(&self, notice: &CheckedNotice, order: Option<&Order>) -> Result<Plan, Error> {
        let rules = notice.rules();
        check_order(notice, order)?;
        let holdings = self.holdings()?;
        let mut lines = asked(rules);
        let first = 1 + usize::from(rules.require_knowledge);
        for (slot, predicate) in rules.predicates.iter().enumerate() {
            let choice = chosen(&holdings, predicate, order)?;
            if let (Some(attribute), Some(line)) = (
                choice.first.attribute(predicate.source.attribute),
                lines.get_mut(first + slot),
            ) {
                *line = format!(
                    "{} (issued by {})",
                    wanted(predicate, attribute),
                    choice.first.issuer()
                );
            }
        }
        Ok(Plan { lines })
    }

    /// Proves everything that the policy of a notice asks, and the PIN's next key.
    ///
    /// Derives the PIN twice with Argon2id, under the salt in force and the next one: about 0.3 s.
    ///
    /// # Errors
    ///
    /// [`Error::Lacking`] for a credential, face or order that is not there; [`Error::Proof`];
    /// [`Error::Integrity`] if order or template are not those of the challenge; [`Error::File`];
    /// [`Error::Entropy`].
    pub fn answer(&self, notice: &CheckedNotice, means: &Means<'_>) -> Result<Answer, Error> {
        let rules = notice.rules();
        check_order(notice, means.order.map(|(order, _)| order))?;
        let device = self.device_secret()?;
        let context = notice.context();
        let mut pieces = Vec::new();
        if rules.require_knowledge {
            let pin = means.pin.ok_or(Error::Proof {
                what: "the policy asks for the PIN",
            })?;
            self.knowledge(notice, &device, pin, &mut pieces)?;
        }
        let holdings = self.holdings()?;
        let order = means.order.map(|(order, _)| order);
        let mut predicates = Vec::new();
        for (slot, predicate) in rules.predicates.iter().enumerate() {
            let choice = chosen(&holdings, predicate, order)?;
            let slot = u8::try_from(slot).unwrap_or(u8::MAX);
            predicates.push(present(context, slot, predicate, &choice, order)?);
        }
        predicates.sort_by_key(|piece| (piece.kind, piece.slot));
        pieces.extend(predicates);
        if rules.face.is_some() {
            pieces.push(self.face(notice, &device, means)?);
        }
        let mut sealed = None;
        if let Some(rule) = &rules.consent {
            let (order, data) = means.order.ok_or_else(no_order)?;
            let bytes_max = usize::try_from(rule.max_payload_bytes).unwrap_or(usize::MAX);
            let file = SealedFile::seal(context, order, data, &rule.recipient, bytes_max)?;
            pieces.push(consent(context, &device, &pieces, &file, &rule.recipient)?);
            sealed = Some(file);
        }
        Ok(Answer {
            submission: self.submission(notice, with_possession(context, &device, pieces)?)?,
            sealed,
        })
    }

    /// Proves for one checked notice what needs neither credentials, face nor order: possession of this
    /// phone, and the PIN if the policy asks. The PIN's key is left as it is.
    ///
    /// # Errors
    ///
    /// [`Error::Proof`] if the policy asks for a PIN and there is none; [`Error::Lacking`] if it asks
    /// for more; [`Error::Entropy`].
    pub fn prove(
        &self,
        notice: &CheckedNotice,
        pin: Option<&PinSecret>,
    ) -> Result<Submission, Error> {
        let rules = notice.rules();
        if !rules.predicates.is_empty() || rules.face.is_some() || rules.consent.is_some() {
            return Err(Error::Lacking {
                what: "the policy asks for more than possession and PIN".to_owned(),
            });
        }
        let device = self.device_secret()?;
        let mut pieces = Vec::new();
        if rules.require_knowledge {
            let pin = pin.ok_or(Error::Proof {
                what: "the policy asks for the PIN",
            })?;
            pieces.push(know(notice.context(), &device, pin, KNOWLEDGE_SLOT)?);
        }
        self.submission(notice, with_possession(notice.context(), &device, pieces)?)
    }

    fn submission(
        &self,
        notice: &CheckedNotice,
        proofs: Vec<v1::FactorProof>,
    ) -> Result<Submission, Error> {
        let possession = proofs.first().map(|part| part.proof.clone());
        let match_code = match_code(notice.context(), &possession.unwrap_or_default());
        Ok(Submission {
            request: v1::SubmitProofRequest {
                request_id: RequestId::fresh()?.to_vec().into(),
                tenant: self.tenant().to_owned(),
                challenge_id: notice.challenge_id().to_vec().into(),
                submit_token: notice.submit_token().to_vec().into(),
                suite: u32::from(Suite::V1.code()),
                proofs,
                duress: false,
            },
            match_code,
            keys: Arc::new(self.trust.newest()),
        })
    }

    fn knowledge(
        &self,
        notice: &CheckedNotice,
        device: &DeviceSecret,
        pin: &Pin,
        pieces: &mut Vec<Piece>,
    ) -> Result<(), Error> {
        let subject = self.subject_hash();
        let in_force = self.directory.settle_salt(notice.pin_epoch())?;
        let current = in_force.derive(pin.text(), &subject)?;
        pieces.push(know(notice.context(), device, &current, KNOWLEDGE_SLOT)?);
        // The next salt is on disk before its key is in a message.
        let after = self.directory.salt_after(notice.pin_epoch())?;
        let next = after.derive(pin.text(), &subject)?;
        let mut piece = know(notice.context(), device, &next, NEXT_KEY_SLOT)?;
        piece.attachment = next.public().to_bytes().to_vec();
        piece.sealed_digest = Sha256::digest(&piece.attachment).into();
        pieces.push(piece);
        Ok(())
    }

    fn face(
        &self,
        notice: &CheckedNotice,
        device: &DeviceSecret,
        means: &Means<'_>,
    ) -> Result<Piece, Error> {
        let lacking = |what: &str| Error::Lacking {
            what: what.to_owned(),
        };
        let rule = notice.rules().face.as_ref();
        let rule = rule.ok_or_else(|| lacking("a face was not asked for"))?;
        let enrolled = notice
            .template()
            .ok_or_else(|| lacking("no face is enrolled"))?;
        let stored = self
            .directory
            .settle_face(&enrolled.commitment)?
            .ok_or_else(|| lacking("the enrolled face is not on this phone"))?;
        let (sensor, face) = means
            .face
            .ok_or_else(|| lacking("nobody is in front of the sensor; see --face"))?;
        let (context, key) = (notice.context(), device.public());
        let captured = sensor.probe(context, &key, face, &enrolled.commitment, clock::unix_us())?;
        let capture = captured.capture();
        let statement = Proximity::new(
            capture.dimensions,
            rule.tau,
            enrolled.commitment,
            capture.commitment,
        )
        .map_err(malformed)?;
        let witness = ProximityWitness::new(&stored.opening, &captured.opening)
            .map_err(|_other| lacking("the sensor makes templates of other dimensions"))?;
        let proof = made(context, &statement, &witness, || {
            lacking("the face in front of the sensor is not the enrolled one")
        })?;
        let mut attachment = captured.capture().signed_fields(&captured.certificate);
        attachment.extend_from_slice(&captured.signature);
        Ok(Piece {
            sealed_digest: Sha256::digest(&attachment).into(),
            attachment,
            ..Piece::plain(Kind::Proximity, 0, proof)
        })
    }
}

/// The order must be the one whose hash was sealed into the challenge, amounts and all.
fn check_order(notice: &CheckedNotice, order: Option<&Order>) -> Result<(), Error> {
    let Some(terms) = notice.order() else {
        return Ok(());
    };
    let order = order.ok_or_else(no_order)?;
    let amounts = order.amounts();
    let same_amounts = amounts
        .iter()
        .map(|amount| amount.to_bytes())
        .eq(terms.amounts.iter().copied());
    if order.hash() != terms.order_hash || order.order_id() != terms.order_id || !same_amounts {
        return Err(Error::integrity(
            "the order on this phone is not the one that the challenge is about",
        ));
    }
    Ok(())
}

fn no_order() -> Error {
    Error::Lacking {
        what: "the tenant's app has brought no order; see --order".to_owned(),
    }
}

fn chosen<'a>(
    holdings: &'a [Holding],
    predicate: &Predicate,
    order: Option<&Order>,
) -> Result<Choice<'a>, Error> {
    let covered = match &predicate.test {
        Test::CoversAmount { amount, .. } => order
            .and_then(|order| order.opening(usize::from(*amount)))
            .map(akashi_proof::Opening::value),
        Test::AtLeast { .. }
        | Test::AtMost { .. }
        | Test::Within { .. }
        | Test::OneOf { .. }
        | Test::Equals { .. }
        | Test::SameAs(_) => None,
    };
    let (source, test) = (&predicate.source, &predicate.test);
    choose(holdings, source, test, covered, clock::unix_us())
}

/// Proves one predicate with the chosen credential.
fn present(
    context: &Context,
    slot: u8,
    predicate: &Predicate,
    choice: &Choice<'_>,
    order: Option<&Order>,
) -> Result<Piece, Error> {
    let attribute = predicate.source.attribute;
    let untrue = || Error::Lacking {
        what: "the chosen credential does not make it true".to_owned(),
    };
    let opening = choice.first.opening(attribute).ok_or_else(untrue)?;
    let value = opening.commitment();
    let range = |bits: u8, test: RangeTest, openings: &[&akashi_proof::Opening]| {
        let bits = RangeBits::from_bits(bits).ok_or_else(|| malformed(Reason::Malformed))?;
        let statement = Range::new(bits, &[test]).map_err(malformed)?;
        let proof = made(context, &statement, &RangeWitness::new(openings), untrue)?;
        Ok::<_, Error>((Kind::Range, proof))
    };
    let (kind, proof) = match &predicate.test {
        Test::AtLeast { bits, bound } => {
            let test = RangeTest::AtLeast {
                value,
                bound: *bound,
            };
            range(*bits, test, &[opening])?
        }
        Test::AtMost { bits, bound } => {
            let test = RangeTest::AtMost {
                value,
                bound: *bound,
            };
            range(*bits, test, &[opening])?
        }
        Test::Within { bits, low, high } => {
            let test = RangeTest::Within {
                value,
                low: *low,
                high: *high,
            };
            range(*bits, test, &[opening])?
        }
        Test::CoversAmount { bits, amount } => {
            let other = order
                .and_then(|order| order.opening(usize::from(*amount)))
                .ok_or_else(no_order)?;
            let test = RangeTest::AtLeastOther {
                value,
                other: other.commitment(),
            };
            range(*bits, test, &[opening, other])?
        }
        Test::OneOf { values } => {
            let statement = InSet::new(value, values).map_err(malformed)?;
            (Kind::InSet, made(context, &statement, opening, untrue)?)
        }
        Test::Equals { value: disclosed } => {
            let statement = Equals {
                commitment: value,
                value: *disclosed,
            };
            (Kind::Equals, made(context, &statement, opening, untrue)?)
        }
        Test::SameAs(source) => {
            let second = choice.second.ok_or_else(untrue)?;
            let other = second.opening(source.attribute).ok_or_else(untrue)?;
            let second: Commitment = second.commitment(source.attribute).ok_or_else(untrue)?;
            let statement = Same {
                first: value,
                second,
            };
            let witness = SameWitness::new(opening, other);
            (Kind::Same, made(context, &statement, &witness, untrue)?)
        }
    };
    let second_serial = choice.second.map(Holding::serial);
    Ok(Piece {
        serial: Some(choice.first.serial()),
        second_serial,
        attribute,
        // Nothing else binds which credential the second one is.
        sealed_digest: second_serial.map_or([0; 32], |serial| Sha256::digest(serial).into()),
        ..Piece::plain(kind, slot, proof)
    })
}

/// Proves the consent over every part made so far.
fn consent(
    context: &Context,
    device: &DeviceSecret,
    pieces: &[Piece],
    file: &SealedFile,
    recipient: &[u8; 32],
) -> Result<Piece, Error> {
    let parts: Vec<Part<'_>> = pieces.iter().map(Piece::part).collect();
    let statement = Consent {
        key: device.public(),
        order_hash: file.order_hash(),
        sealed_digest: file.sealed().digest(),
        recipient_digest: recipient_digest(recipient),
        submission_digest: submission_digest(&parts),
    };
    let proof = made(context, &statement, device, || Error::Proof {
        what: "consent",
    })?;
    Ok(Piece {
        attachment: file.sealed().to_bytes(),
        sealed_digest: file.sealed().digest(),
        ..Piece::plain(Kind::Consent, 0, proof)
    })
}

fn know(
    context: &Context,
    device: &DeviceSecret,
    pin: &PinSecret,
    slot: u8,
) -> Result<Piece, Error> {
    let statement = Knowledge {
        device: device.public(),
        pin: pin.public(),
    };
    let proof = made(context, &statement, pin, || Error::Proof {
        what: "a secret does not fit its public key",
    })?;
    Ok(Piece::plain(Kind::Knowledge, slot, proof))
}

/// The parts as they travel: possession first, although it is made last, over all others.
fn with_possession(
    context: &Context,
    device: &DeviceSecret,
    pieces: Vec<Piece>,
) -> Result<Vec<v1::FactorProof>, Error> {
    let parts: Vec<Part<'_>> = pieces.iter().map(Piece::part).collect();
    let statement = Possession {
        key: device.public(),
        submission_digest: submission_digest(&parts),
    };
    let proof = made(context, &statement, device, || Error::Proof {
        what: "a secret does not fit its public key",
    })?;
    let mut proofs = vec![Piece::plain(Kind::Possession, 0, proof).into_wire()];
    proofs.extend(pieces.into_iter().map(Piece::into_wire));
    Ok(proofs)
}

/// The proofs of a new phone: possession and PIN.
pub(super) fn enrolment_proofs(
    context: &Context,
    device: &DeviceSecret,
    pin: &PinSecret,
) -> Result<Vec<v1::FactorProof>, Error> {
    let pieces = vec![know(context, device, pin, KNOWLEDGE_SLOT)?];
    with_possession(context, device, pieces)
}

/// A proof, or what to say if the witness does not make the statement true.
fn made<S: Provable>(
    context: &Context,
    statement: &S,
    witness: &S::Witness,
    otherwise: impl Fn() -> Error,
) -> Result<Vec<u8>, Error> {
    prove(context, statement, witness, &mut ProofRandom::draw()?)
        .map(|proof: Proof<S>| proof.to_bytes())
        .map_err(|_fault| otherwise())
}

fn malformed(_reason: Reason) -> Error {
    Error::integrity("a rule of the policy makes no statement")
}
