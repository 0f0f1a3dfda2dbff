//! Valid proofs of many customers, to be checked again and again.

use akashi_client::entropy::ProofRandom;
use akashi_proof::{
    AnyStatement, Batch, Context, ContextFields, DeviceSecret, Kind, Knowledge, Part, PinKdf,
    PinSecret, Possession, Purpose, Reason, RootSecret, Suite, check, prove, submission_digest,
};

use crate::Failure;

/// One customer's submission: possession and PIN.
pub struct Sample {
    context: Context,
    device: DeviceSecret,
    pin: PinSecret,
    possession: (AnyStatement, Vec<u8>),
    knowledge: (AnyStatement, Vec<u8>),
}

/// The proofs of one submission: possession's, then knowledge's, each with its statement.
type Proofs = [(AnyStatement, Vec<u8>); 2];

impl Sample {
    /// `count` submissions of as many customers.
    ///
    /// # Errors
    ///
    /// If one cannot be made.
    pub fn many(count: u32) -> Result<Vec<Self>, Failure> {
        (0..count).map(Self::one).collect()
    }

    fn one(number: u32) -> Result<Self, Failure> {
        let mut name = [1_u8; 32];
        for (to, from) in name.iter_mut().zip(number.to_be_bytes()) {
            *to = from;
        }
        let root = RootSecret::from_bytes(name);
        let device = root.device_secret(Suite::V1, b"bench/e1/g0", b"bench", 0)?;
        let pin = PinSecret::derive(PinKdf::with_cost(8, 1)?, b"4711", &name, &name)?;
        let context = Context::new(ContextFields {
            suite: Suite::V1,
            origin: b"bench/e1/g0",
            group: 0,
            epoch: 1,
            tenant: b"bench",
            challenge_id: [1; 16],
            nonce: name,
            purpose: Purpose::CustomerCall,
            subject: name,
            contact_id: &[4; 16],
            not_before_us: 1_000_000,
            expires_us: 121_000_000,
            order_hash: [0; 32],
            policy_digest: [5; 32],
        })?;
        let [possession, knowledge] = proofs(&context, &device, &pin)?;
        Ok(Self {
            context,
            device,
            pin,
            possession,
            knowledge,
        })
    }

    /// Makes both proofs again: what a phone does.
    ///
    /// # Errors
    ///
    /// If one cannot be made.
    pub fn prove(&self) -> Result<(), Failure> {
        std::hint::black_box(proofs(&self.context, &self.device, &self.pin)?);
        Ok(())
    }

    /// Checks the possession proof alone.
    ///
    /// # Errors
    ///
    /// Why it does not hold.
    pub fn check_possession(&self) -> Result<(), Reason> {
        check(&self.context, &self.possession.0, &self.possession.1)
    }

    /// Checks the knowledge proof alone.
    ///
    /// # Errors
    ///
    /// Why it does not hold.
    pub fn check_knowledge(&self) -> Result<(), Reason> {
        check(&self.context, &self.knowledge.0, &self.knowledge.1)
    }

    /// Checks both proofs of every submission in one batch.
    #[must_use]
    pub fn check_together(samples: &[Self]) -> bool {
        let mut batch = Batch::new();
        for sample in samples {
            for (statement, proof) in [&sample.possession, &sample.knowledge] {
                batch.push_any(&sample.context, statement, proof);
            }
        }
        batch.finish().as_slice().iter().all(Result::is_ok)
    }
}

fn proofs(context: &Context, device: &DeviceSecret, pin: &PinSecret) -> Result<Proofs, Failure> {
    let mut random = ProofRandom::draw()?;
    let statement = Knowledge {
        device: device.public(),
        pin: pin.public(),
    };
    let knowledge = prove(context, &statement, pin, &mut random)?.to_bytes();
    let knows = AnyStatement::Knowledge(statement);
    let statement = Possession {
        key: device.public(),
        submission_digest: submission_digest(&[Part::plain(Kind::Knowledge, 0, &knowledge)]),
    };
    let possession = prove(context, &statement, device, &mut random)?.to_bytes();
    Ok([
        (AnyStatement::Possession(statement), possession),
        (knows, knowledge),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_hold_alone_and_together() {
        let samples = Sample::many(3).unwrap();
        for sample in &samples {
            sample.check_possession().unwrap();
            sample.check_knowledge().unwrap();
        }
        assert!(Sample::check_together(&samples));
    }
}
