//! A phone: secrets, and the proofs it makes of them.

use akashi_domain::ids::{AgentHash, SubjectHash};
use akashi_proof::{
    Consent, Context, ContextFields, DeviceKey, DeviceSecret, Kind, Knowledge, Part, PinKdf,
    PinSecret, Possession, Provable, ProveError, Purpose, RootSecret, Suite, prove,
    recipient_digest, sealed_digest, submission_digest,
};
use akashi_proto::v1;
use sha2::{Digest as _, Sha256};

use crate::paper::{ORIGIN, TENANT};

/// Chance that repeats: proofs need some, tests need the same.
pub(crate) struct Dice(pub u64);

impl rand_core::TryRng for Dice {
    type Error = core::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Ok(u32::try_from(self.try_next_u64()? >> 32).unwrap())
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        Ok(self.0)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        for chunk in bytes.chunks_mut(8) {
            let next = self.try_next_u64()?.to_le_bytes();
            chunk.copy_from_slice(&next[..chunk.len()]);
        }
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Dice {}

/// The PIN that every phone is enrolled with.
pub(crate) const PIN: &str = "4711";

/// One phone, of a customer or an agent.
pub(crate) struct Phone {
    pub(crate) handle: String,
    pub(crate) is_agent: bool,
    subject: SubjectHash,
    /// The PIN's.
    salt: [u8; 32],
    device: DeviceSecret,
    dice: Dice,
}

/// What proofs are bound to, besides what is the same in all these tests.
pub(crate) struct Bound<'a> {
    pub(crate) purpose: Purpose,
    pub(crate) challenge_id: [u8; 16],
    pub(crate) nonce: [u8; 32],
    pub(crate) contact_id: &'a [u8],
    pub(crate) not_before_us: u64,
    pub(crate) expires_us: u64,
    pub(crate) order_hash: [u8; 32],
    pub(crate) policy_digest: [u8; 32],
}

impl Phone {
    /// A customer's.
    pub(crate) fn new(handle: &str, number: u8) -> Self {
        Self::of(handle, SubjectHash::of(TENANT, handle), false, number)
    }

    /// An agent's.
    pub(crate) fn agent(handle: &str, number: u8) -> Self {
        let subject = AgentHash::of(TENANT, handle).as_subject();
        Self::of(handle, subject, true, number)
    }

    fn of(handle: &str, subject: SubjectHash, is_agent: bool, number: u8) -> Self {
        let root = [number; 32];
        let device = RootSecret::from_bytes(root)
            .device_secret(Suite::V1, ORIGIN.as_bytes(), TENANT.as_bytes(), 0)
            .unwrap();
        Self {
            handle: handle.to_owned(),
            subject,
            is_agent,
            salt: root,
            device,
            dice: Dice(u64::from(number)),
        }
    }

    /// Whose it is.
    pub(crate) const fn subject(&self) -> SubjectHash {
        self.subject
    }

    /// P.
    pub(crate) fn holder(&self) -> DeviceKey {
        self.device.public()
    }

    pub(crate) fn device_key(&self) -> Vec<u8> {
        self.device.public().to_bytes().to_vec()
    }

    pub(crate) fn pin_key(&self) -> Vec<u8> {
        self.pin(PIN).public().to_bytes().to_vec()
    }

    fn pin(&self, pin: &str) -> PinSecret {
        let cheap = PinKdf::with_cost(8, 1).unwrap();
        PinSecret::derive(cheap, pin.as_bytes(), &self.salt, &self.subject.0).unwrap()
    }

    pub(crate) fn context(&self, bound: &Bound<'_>) -> Context {
        Context::new(ContextFields {
            suite: Suite::V1,
            origin: ORIGIN.as_bytes(),
            group: 0,
            epoch: 1,
            tenant: TENANT.as_bytes(),
            challenge_id: bound.challenge_id,
            nonce: bound.nonce,
            purpose: bound.purpose,
            subject: self.subject.0,
            contact_id: bound.contact_id,
            not_before_us: bound.not_before_us,
            expires_us: bound.expires_us,
            order_hash: bound.order_hash,
            policy_digest: bound.policy_digest,
        })
        .unwrap()
    }

    /// The context of a notice.
    pub(crate) fn notice_context(&self, notice: &v1::Notice) -> Context {
        self.context(&Bound {
            purpose: match notice.purpose() {
                v1::PolicyPurpose::AgentLogin => Purpose::AgentLogin,
                v1::PolicyPurpose::Consent => Purpose::Consent,
                v1::PolicyPurpose::CustomerCall | v1::PolicyPurpose::Unspecified => {
                    Purpose::CustomerCall
                }
            },
            challenge_id: notice.challenge_id.as_ref().try_into().unwrap(),
            nonce: notice.nonce.as_ref().try_into().unwrap(),
            contact_id: &notice.contact_id,
            not_before_us: notice.not_before_us,
            expires_us: notice.expires_us,
            order_hash: notice.order.as_ref().map_or([0; 32], |order| {
                order.order_hash.as_ref().try_into().unwrap()
            }),
            policy_digest: notice.policy_digest.as_ref().try_into().unwrap(),
        })
    }

    /// Possession and the PIN.
    pub(crate) fn proofs(&mut self, context: &Context, pin: &str) -> Vec<v1::FactorProof> {
        let knowledge = self.knowledge(context, pin);
        self.bind(context, vec![knowledge])
    }

    /// The PIN.
    pub(crate) fn knowledge(&mut self, context: &Context, pin: &str) -> Piece {
        let secret = self.pin(pin);
        // A phone proves for the key it was enrolled with; a wrong PIN gives a proof for another.
        let statement = Knowledge {
            device: self.device.public(),
            pin: secret.public(),
        };
        Piece::plain(2, self.prove(context, &statement, &secret))
    }

    /// The PIN's next key; from now on the phone proves with it.
    pub(crate) fn next_pin(&mut self, context: &Context, salt: [u8; 32]) -> Piece {
        self.salt = salt;
        let key = self.pin_key();
        let mut piece = self.knowledge(context, PIN);
        piece.carried = Sha256::digest(&key).into();
        piece.part.slot = 1;
        piece.part.attachment = key.into();
        piece
    }

    /// Approval of the order in `context`, sealed for `recipient`; `others` are all other parts.
    pub(crate) fn consent(
        &mut self,
        context: &Context,
        recipient: &[u8],
        sealed: &Sealed,
        others: &[Piece],
    ) -> Piece {
        let carried = sealed_digest(&sealed.key, &sealed.text);
        let statement = Consent {
            key: self.device.public(),
            order_hash: *context.order_hash(),
            sealed_digest: carried,
            recipient_digest: recipient_digest(recipient),
            submission_digest: digest(others),
        };
        let proof = prove(context, &statement, &self.device, &mut self.dice).unwrap();
        let mut piece = Piece::plain(8, proof.to_bytes().into());
        piece.carried = carried;
        piece.part.attachment = sealed.bytes().into();
        piece
    }

    /// Puts possession before the other parts.
    pub(crate) fn bind(&mut self, context: &Context, others: Vec<Piece>) -> Vec<v1::FactorProof> {
        let possession = self.possession(context, digest(&others));
        let possession = Piece::plain(1, possession.into());
        std::iter::once(possession)
            .chain(others)
            .map(|piece| piece.part)
            .collect()
    }

    /// Any proof.
    pub(crate) fn prove<S: Provable>(
        &mut self,
        context: &Context,
        statement: &S,
        witness: &S::Witness,
    ) -> bytes::Bytes {
        let proof: Result<_, ProveError> = prove(context, statement, witness, &mut self.dice);
        proof.unwrap().to_bytes().into()
    }

    /// Possession alone, as a session asks for it.
    pub(crate) fn session(&mut self, context: &Context) -> Vec<u8> {
        self.possession(context, submission_digest(&[]))
    }

    fn possession(&mut self, context: &Context, submission_digest: [u8; 32]) -> Vec<u8> {
        let statement = Possession {
            key: self.device.public(),
            submission_digest,
        };
        prove(context, &statement, &self.device, &mut self.dice)
            .unwrap()
            .to_bytes()
    }
}

/// What is sealed for a processor; nobody here opens it.
pub(crate) struct Sealed {
    pub(crate) key: Vec<u8>,
    pub(crate) text: Vec<u8>,
}

impl Sealed {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let length = u16::try_from(self.key.len()).unwrap().to_le_bytes();
        [&length[..], &self.key, &self.text].concat()
    }
}

/// A part, with the digest of what travels with it.
#[derive(Clone)]
pub(crate) struct Piece {
    pub(crate) part: v1::FactorProof,
    pub(crate) carried: [u8; 32],
}

impl Piece {
    pub(crate) fn plain(kind: u32, proof: bytes::Bytes) -> Self {
        Self {
            part: v1::FactorProof {
                kind,
                proof,
                ..v1::FactorProof::default()
            },
            carried: [0; 32],
        }
    }
}

fn digest(pieces: &[Piece]) -> [u8; 32] {
    let parts: Vec<_> = pieces
        .iter()
        .map(|Piece { part, carried }| Part {
            kind: Kind::from_code(u8::try_from(part.kind).unwrap()).unwrap(),
            slot: u8::try_from(part.slot).unwrap(),
            credential_serial: part.serial.as_ref().try_into().unwrap_or_default(),
            attribute_index: u16::try_from(part.attribute).unwrap(),
            proof: &part.proof,
            sealed_digest: *carried,
        })
        .collect();
    submission_digest(&parts)
}
