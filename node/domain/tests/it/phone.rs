//! A phone: secrets, and the proofs it makes of them.

use akashi_domain::command::FactorProof;
use akashi_domain::ids::SubjectHash;
use akashi_proof::{
    Context, DeviceSecret, Kind, Knowledge, Part, PinKdf, PinSecret, Possession, RootSecret, Suite,
    prove, sealed_digest, submission_digest,
};
use sha2::{Digest as _, Sha256};

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
    pub(crate) device: DeviceSecret,
    pub(crate) dice: Dice,
    /// How often the PIN key was replaced: each has a salt of its own.
    pub(crate) epoch: u8,
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
            epoch: 0,
        }
    }

    pub(crate) fn device_key(&self) -> [u8; 32] {
        self.device.public().to_bytes()
    }

    pub(crate) fn pin_key(&self) -> [u8; 32] {
        self.pin(PIN).public().to_bytes()
    }

    fn pin(&self, pin: &str) -> PinSecret {
        self.pin_of(self.epoch, pin)
    }

    fn pin_of(&self, epoch: u8, pin: &str) -> PinSecret {
        let cheap = PinKdf::with_cost(8, 1).unwrap();
        let salt = self.root.map(|byte| byte ^ epoch);
        PinSecret::derive(cheap, pin.as_bytes(), &salt, &self.subject.0).unwrap()
    }

    /// The PIN part.
    pub(crate) fn knowledge(&mut self, context: &Context, pin: &str) -> FactorProof {
        let secret = self.pin(pin);
        self.knows(context, &secret)
    }

    /// The next key of the PIN.
    pub(crate) fn next_pin(&mut self, context: &Context, pin: &str) -> FactorProof {
        let secret = self.pin_of(self.epoch + 1, pin);
        FactorProof {
            slot: 1,
            attachment: secret.public().to_bytes().to_vec(),
            ..self.knows(context, &secret)
        }
    }

    fn knows(&mut self, context: &Context, secret: &PinSecret) -> FactorProof {
        let statement = Knowledge {
            device: self.device.public(),
            pin: secret.public(),
        };
        let proof = prove(context, &statement, secret, &mut self.dice).unwrap();
        FactorProof::plain(2, proof.to_bytes())
    }

    /// Possession of the device over these parts, and the parts.
    pub(crate) fn with_possession(
        &mut self,
        context: &Context,
        parts: Vec<FactorProof>,
    ) -> Vec<FactorProof> {
        let digest = digest_of(&parts);
        let mut all = vec![FactorProof::plain(1, self.possession(context, digest))];
        all.extend(parts);
        all
    }

    /// Possession and the PIN.
    pub(crate) fn proofs(&mut self, context: &Context, pin: &str) -> Vec<FactorProof> {
        let knowledge = self.knowledge(context, pin);
        self.with_possession(context, vec![knowledge])
    }

    /// Possession and no PIN.
    pub(crate) fn possession_only(&mut self, context: &Context) -> Vec<FactorProof> {
        let digest = submission_digest(&[]);
        vec![FactorProof::plain(1, self.possession(context, digest))]
    }

    pub(crate) fn possession(&mut self, context: &Context, submission_digest: [u8; 32]) -> Vec<u8> {
        let statement = Possession {
            key: self.device.public(),
            submission_digest,
        };
        prove(context, &statement, &self.device, &mut self.dice)
            .unwrap()
            .to_bytes()
    }
}

/// The submission digest over `parts`, as the specification of the proofs has it.
pub(crate) fn digest_of(parts: &[FactorProof]) -> [u8; 32] {
    let parts: Vec<Part<'_>> = parts
        .iter()
        .map(|part| {
            let kind = Kind::from_code(part.kind).unwrap();
            let hashed = |bytes: &[u8]| <[u8; 32]>::from(Sha256::digest(bytes));
            let sealed_digest = match kind {
                Kind::Consent => {
                    let length =
                        usize::from(u16::from_le_bytes([part.attachment[0], part.attachment[1]]));
                    let (key, text) = part.attachment[2..].split_at(length);
                    sealed_digest(key, text)
                }
                Kind::Same => hashed(&part.second_serial.0),
                _ if part.attachment.is_empty() => [0; 32],
                _ => hashed(&part.attachment),
            };
            Part {
                kind,
                slot: part.slot,
                credential_serial: part.serial.0,
                attribute_index: part.attribute,
                proof: &part.proof,
                sealed_digest,
            }
        })
        .collect();
    submission_digest(&parts)
}
