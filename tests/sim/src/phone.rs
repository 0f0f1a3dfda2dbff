//! Phones of the simulation, and the judge of their proofs.
//!
//! The stand-in for cryptography: a proof is a canonical point and a canonical scalar, as a real one,
//! but the scalar says for which context and key it was made and whether it holds. Real proofs and
//! the real verifier take its place in some seeds.

use akashi_domain::command::FactorProof;
use akashi_domain::decide::{Checker, Inline};
use akashi_domain::factor::{Factor, Job};
use akashi_domain::ids::SubjectHash;
use akashi_proof::{
    Context, DeviceSecret, Kind, Knowledge, Part, PinKdf, PinSecret, Possession, Reason,
    RootSecret, Suite, prove, submission_digest,
};

use crate::acts::agent;
use crate::clients::ORIGIN;
use crate::plan::Plan;
use crate::rng::Rng;

/// The PIN that everybody enrols with.
pub const PIN: &str = "4711";

/// Judges proofs on one replica.
#[derive(Clone, Copy, Debug)]
pub struct Judge {
    /// Whether proofs are real.
    pub real: bool,
    /// Whether the next PIN is judged wrongly.
    pub lies: bool,
}

impl Checker for Judge {
    fn check(&mut self, job: &Job) -> Result<(), Reason> {
        let honest = if self.real {
            Inline.check(job)
        } else {
            stand_in(job)
        };
        if self.lies && job.factor == Factor::Knowledge {
            self.lies = false;
            return match honest {
                Ok(()) => Err(Reason::EquationFailed),
                Err(_) => Ok(()),
            };
        }
        honest
    }
}

/// Layout of the scalar: 0 holds, 1..9 salt, 9..17 context, 17..25 key.
fn stand_in(job: &Job) -> Result<(), Reason> {
    // Instances begin with P; knowledge names K behind it.
    let key = match job.factor {
        Factor::Possession => &job.instance[..32],
        Factor::Knowledge => &job.instance[32..64],
        Factor::Consent => &job.instance[..32],
        // Phones of the simulation have nothing else.
        Factor::Equals | Factor::Same | Factor::Range | Factor::InSet | Factor::Face => {
            return Err(Reason::EquationFailed);
        }
    };
    let scalar = &job.proof[32..];
    let bound = scalar[9..17] == job.context.digest()[..8] && scalar[17..25] == key[..8];
    if bound && scalar[0] == 1 {
        Ok(())
    } else {
        Err(Reason::EquationFailed)
    }
}

/// One customer's phone.
pub struct Phone {
    /// Whose.
    pub subject: SubjectHash,
    root: [u8; 32],
    device: DeviceSecret,
    pin_key: [u8; 32],
    real: bool,
}

impl std::fmt::Debug for Phone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Phone")
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}

impl Phone {
    /// A new phone of the customer `number`, or of the agent if that is the desk.
    #[must_use]
    pub fn new(rng: &mut Rng, tenant: &str, number: u64, plan: &Plan) -> Self {
        let (root, real) = (rng.bytes(), plan.real);
        let subject = if plan.is_desk(number) {
            agent().as_subject()
        } else {
            SubjectHash::of(tenant, &format!("customer-{number}"))
        };
        let secret = |epoch| {
            RootSecret::from_bytes(root)
                .device_secret(Suite::V1, ORIGIN.as_bytes(), tenant.as_bytes(), epoch)
                .unwrap()
        };
        let pin_key = if real {
            pin(PIN, &root, subject).public().to_bytes()
        } else {
            secret(1).public().to_bytes()
        };
        Self {
            subject,
            root,
            device: secret(0),
            pin_key,
            real,
        }
    }

    /// `P`.
    #[must_use]
    pub fn device_key(&self) -> [u8; 32] {
        self.device.public().to_bytes()
    }

    /// `K`.
    #[must_use]
    pub const fn pin_key(&self) -> [u8; 32] {
        self.pin_key
    }

    /// Possession and the PIN, right or wrong.
    pub fn proofs(&self, rng: &mut Rng, context: &Context, right: bool) -> Vec<FactorProof> {
        if self.real {
            return self.real_proofs(rng, context, right);
        }
        vec![
            self.stand_in(rng, context, 1, self.device_key(), true),
            self.stand_in(rng, context, 2, self.pin_key, right),
        ]
    }

    /// Possession and the consent to an order, as stand-ins.
    pub fn consent(&self, rng: &mut Rng, context: &Context) -> Vec<FactorProof> {
        let consent = self.stand_in(rng, context, 8, self.device_key(), true);
        vec![
            self.stand_in(rng, context, 1, self.device_key(), true),
            FactorProof {
                attachment: b"\x04\x00EKEYsealed for the processor".to_vec(),
                ..consent
            },
        ]
    }

    fn stand_in(
        &self,
        rng: &mut Rng,
        context: &Context,
        kind: u8,
        key: [u8; 32],
        holds: bool,
    ) -> FactorProof {
        let mut proof = self.device_key().to_vec();
        proof.push(u8::from(holds));
        proof.extend_from_slice(&rng.next().to_le_bytes());
        proof.extend_from_slice(&context.digest()[..8]);
        proof.extend_from_slice(&key[..8]);
        proof.extend_from_slice(&[0; 7]);
        FactorProof::plain(kind, proof)
    }

    fn real_proofs(&self, rng: &mut Rng, context: &Context, right: bool) -> Vec<FactorProof> {
        let secret = pin(if right { PIN } else { "0000" }, &self.root, self.subject);
        let key = self.device.public();
        let statement = Knowledge {
            device: key,
            pin: secret.public(),
        };
        let knowledge = prove(context, &statement, &secret, rng).unwrap().to_bytes();
        let submission_digest = submission_digest(&[Part::plain(Kind::Knowledge, 0, &knowledge)]);
        let statement = Possession {
            key,
            submission_digest,
        };
        let possession = prove(context, &statement, &self.device, rng)
            .unwrap()
            .to_bytes();
        vec![
            FactorProof::plain(1, possession),
            FactorProof::plain(2, knowledge),
        ]
    }
}

fn pin(pin: &str, root: &[u8; 32], subject: SubjectHash) -> PinSecret {
    let cheap = PinKdf::with_cost(8, 1).unwrap();
    PinSecret::derive(cheap, pin.as_bytes(), root, &subject.0).unwrap()
}
