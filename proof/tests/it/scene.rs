//! One enrolled phone and one open challenge, made from a seed.

use akashi_proof::{
    AnyStatement, Context, ContextFields, DeviceSecret, Kind, Knowledge, Part, PinKdf, PinSecret,
    Possession, Purpose, RootSecret, Suite, prove, submission_digest,
};
use rand_core::{TryCryptoRng, TryRng};
use shake::{ExtendableOutput, Shake256, Shake256Reader, Update, XofReader};
use std::{convert::Infallible, sync::LazyLock};

pub(crate) const ORIGIN: &[u8] = b"bank.example/e1/g0";
pub(crate) const TENANT: &[u8] = b"retail";

/// A generator that repeats itself from its seed. Only for tests: its output is as secret as the
/// seed.
pub(crate) struct SeededRng(Shake256Reader);

impl SeededRng {
    pub(crate) fn new(seed: u64) -> Self {
        let mut shake = Shake256::default();
        shake.update(b"akashi-proof tests");
        shake.update(&seed.to_le_bytes());
        Self(shake.finalize_xof())
    }

    pub(crate) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.read(&mut bytes);
        bytes
    }

    /// A number below `limit`, near enough to uniform for choosing test cases.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(u64::from_le_bytes(self.bytes()) % u64::try_from(limit).unwrap()).unwrap()
    }
}

impl TryRng for SeededRng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_le_bytes(self.bytes()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_le_bytes(self.bytes()))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.read(bytes);
        Ok(())
    }
}

impl TryCryptoRng for SeededRng {}

/// The fields of an ordinary customer call.
pub(crate) fn fields() -> ContextFields<'static> {
    ContextFields {
        suite: Suite::V1,
        origin: ORIGIN,
        group: 0,
        epoch: 1,
        tenant: TENANT,
        challenge_id: [0x11; 16],
        nonce: [0x22; 32],
        purpose: Purpose::CustomerCall,
        subject: [0x33; 32],
        contact_id: &[0x44; 16],
        not_before_us: 1_795_000_000_000_000,
        expires_us: 1_795_000_120_000_000,
        order_hash: [0; 32],
        policy_digest: [0x55; 32],
    }
}

pub(crate) fn context() -> Context {
    Context::new(fields()).unwrap()
}

/// A PIN cost that tests can pay thousands of times.
pub(crate) fn cheap() -> PinKdf {
    PinKdf::with_cost(8, 1).unwrap()
}

pub(crate) fn device(seed: u8) -> DeviceSecret {
    RootSecret::from_bytes([seed; 32])
        .device_secret(Suite::V1, ORIGIN, TENANT, 0)
        .unwrap()
}

pub(crate) fn pin(pin: &[u8], seed: u8) -> PinSecret {
    PinSecret::derive(cheap(), pin, &[seed; 32], &[0x33; 32]).unwrap()
}

/// A knowledge statement with its proof, and the possession statement and proof that cover it.
pub(crate) struct Submission {
    pub(crate) knowledge: AnyStatement,
    pub(crate) knowledge_proof: Vec<u8>,
    pub(crate) possession: AnyStatement,
    pub(crate) possession_proof: Vec<u8>,
}

impl Submission {
    pub(crate) fn new(
        context: &Context,
        device: &DeviceSecret,
        pin: &PinSecret,
        rng: &mut SeededRng,
    ) -> Self {
        let knowledge = Knowledge {
            device: device.public(),
            pin: pin.public(),
        };
        let knowledge_proof = prove(context, &knowledge, pin, rng).unwrap().to_bytes();
        let parts = [Part::plain(Kind::Knowledge, 1, &knowledge_proof)];
        let possession = Possession {
            key: device.public(),
            submission_digest: submission_digest(&parts),
        };
        let possession_proof = prove(context, &possession, device, rng).unwrap().to_bytes();
        Self {
            knowledge: knowledge.into(),
            knowledge_proof,
            possession: possession.into(),
            possession_proof,
        }
    }

    /// Both statements with their proofs.
    pub(crate) fn both(&self) -> [(&AnyStatement, &[u8]); 2] {
        [
            (&self.possession, &self.possession_proof),
            (&self.knowledge, &self.knowledge_proof),
        ]
    }
}

/// The one submission that most tests look at.
pub(crate) static SUBMISSION: LazyLock<Submission> = LazyLock::new(|| {
    Submission::new(
        &context(),
        &device(7),
        &pin(b"482913", 8),
        &mut SeededRng::new(1),
    )
});
