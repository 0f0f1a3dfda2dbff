//! A phone: secrets, and the proofs it makes of them.

use akashi_domain::command::FactorProof;
use akashi_domain::ids::SubjectHash;
use akashi_proof::{
    Context, DeviceSecret, Kind, Knowledge, Part, PinKdf, PinSecret, Possession, RootSecret, Suite,
    prove, submission_digest,
};

/// Chance that repeats: the core never sees it.
pub(crate) struct Dice(pub(crate) u64);

impl rand_core::TryRng for Dice {
    type Error = core::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        let [a, b, c, d, ..] = self.try_next_u64()?.to_be_bytes();
        Ok(u32::from_be_bytes([a, b, c, d]))
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
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

/// One customer's phone.
pub(crate) struct Phone {
    pub(crate) subject: SubjectHash,
    root: [u8; 32],
    device: DeviceSecret,
    dice: Dice,
}

/// The PIN that every phone of these tests is enrolled with.
pub(crate) const PIN: &str = "4711";

impl Phone {
    /// The phone `number` of the customer `handle`.
    pub(crate) fn new(origin: &str, tenant: &str, handle: &str, number: u8) -> Self {
        let root = [number; 32];
        let device = RootSecret::from_bytes(root)
            .device_secret(Suite::V1, origin.as_bytes(), tenant.as_bytes(), 0)
            .unwrap();
        let subject = SubjectHash::of(tenant, handle);
        Self {
            subject,
            root,
            device,
            dice: Dice(u64::from(number)),
        }
    }

    pub(crate) fn device_key(&self) -> [u8; 32] {
        self.device.public().to_bytes()
    }

    pub(crate) fn pin_key(&self) -> [u8; 32] {
        self.pin(PIN).public().to_bytes()
    }

    fn pin(&self, pin: &str) -> PinSecret {
        let cheap = PinKdf::with_cost(8, 1).unwrap();
        PinSecret::derive(cheap, pin.as_bytes(), &self.root, &self.subject.0).unwrap()
    }

    /// Possession and the PIN.
    pub(crate) fn proofs(&mut self, context: &Context, pin: &str) -> Vec<FactorProof> {
        let secret = self.pin(pin);
        let statement = Knowledge {
            device: self.device.public(),
            pin: secret.public(),
        };
        let knowledge = prove(context, &statement, &secret, &mut self.dice)
            .unwrap()
            .to_bytes();
        let digest = submission_digest(&[Part::plain(Kind::Knowledge, 0, &knowledge)]);
        vec![
            FactorProof::plain(1, self.possession(context, digest)),
            FactorProof::plain(2, knowledge),
        ]
    }

    /// Possession and no PIN.
    pub(crate) fn possession_only(&mut self, context: &Context) -> Vec<FactorProof> {
        let digest = submission_digest(&[]);
        vec![FactorProof::plain(1, self.possession(context, digest))]
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
