//! A phone: secrets, and the proofs it makes of them.

use akashi_domain::ids::SubjectHash;
use akashi_proof::{
    Context, ContextFields, DeviceSecret, Kind, Knowledge, Part, PinKdf, PinSecret, Possession,
    Purpose, RootSecret, Suite, prove, submission_digest,
};
use akashi_proto::v1;

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

/// One customer's phone.
pub(crate) struct Phone {
    pub(crate) handle: String,
    subject: SubjectHash,
    root: [u8; 32],
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
    pub(crate) policy_digest: [u8; 32],
}

impl Phone {
    pub(crate) fn new(handle: &str, number: u8) -> Self {
        let root = [number; 32];
        let device = RootSecret::from_bytes(root)
            .device_secret(Suite::V1, ORIGIN.as_bytes(), TENANT.as_bytes(), 0)
            .unwrap();
        Self {
            handle: handle.to_owned(),
            subject: SubjectHash::of(TENANT, handle),
            root,
            device,
            dice: Dice(u64::from(number)),
        }
    }

    pub(crate) fn device_key(&self) -> Vec<u8> {
        self.device.public().to_bytes().to_vec()
    }

    pub(crate) fn pin_key(&self) -> Vec<u8> {
        self.pin(PIN).public().to_bytes().to_vec()
    }

    fn pin(&self, pin: &str) -> PinSecret {
        let cheap = PinKdf::with_cost(8, 1).unwrap();
        PinSecret::derive(cheap, pin.as_bytes(), &self.root, &self.subject.0).unwrap()
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
            order_hash: [0; 32],
            policy_digest: bound.policy_digest,
        })
        .unwrap()
    }

    /// The context of a notice.
    pub(crate) fn notice_context(&self, notice: &v1::Notice) -> Context {
        self.context(&Bound {
            purpose: Purpose::CustomerCall,
            challenge_id: notice.challenge_id.as_ref().try_into().unwrap(),
            nonce: notice.nonce.as_ref().try_into().unwrap(),
            contact_id: &notice.contact_id,
            not_before_us: notice.not_before_us,
            expires_us: notice.expires_us,
            policy_digest: notice.policy_digest.as_ref().try_into().unwrap(),
        })
    }

    /// Possession and the PIN.
    pub(crate) fn proofs(&mut self, context: &Context, pin: &str) -> Vec<v1::FactorProof> {
        let secret = self.pin(pin);
        // A phone proves for the key it was enrolled with; a wrong PIN gives a proof for another.
        let statement = Knowledge {
            device: self.device.public(),
            pin: secret.public(),
        };
        let knowledge = prove(context, &statement, &secret, &mut self.dice)
            .unwrap()
            .to_bytes();
        let digest = submission_digest(&[Part::plain(Kind::Knowledge, 0, &knowledge)]);
        let possession = self.possession(context, digest);
        vec![
            v1::FactorProof {
                kind: 1,
                proof: possession.into(),
            },
            v1::FactorProof {
                kind: 2,
                proof: knowledge.into(),
            },
        ]
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
