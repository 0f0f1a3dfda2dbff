//! Valid proofs of every kind, each with a key, a commitment and a context of its own, so that no
//! batch is cheaper here than among strangers.

use std::{cell::RefCell, convert::Infallible};

use akashi_proof::{
    AnyStatement, Consent, Context, ContextFields, DeviceSecret, Dimensions, Equals, InSet,
    Knowledge, Opening, PinKdf, PinSecret, Possession, Provable, Proximity, ProximityWitness,
    Purpose, Range, RangeBits, RangeTest, RangeWitness, RootSecret, Same, SameWitness, Suite,
    TemplateOpening, prove, submission_digest,
};
use rand_core::{TryCryptoRng, TryRng};
use shake::{ExtendableOutput, Shake256, Shake256Reader, Update, XofReader};

/// A proof with what it is checked against.
#[derive(Clone)]
pub struct Sample {
    pub context: Context,
    pub statement: AnyStatement,
    pub proof: Vec<u8>,
}

/// A kind of proof at one size.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Case {
    Possession,
    Knowledge,
    Equals,
    Same,
    Consent,
    Range(RangeBits, usize),
    InSet(usize),
    Proximity(Dimensions),
}

impl Case {
    /// Every case, from the cheapest to the dearest of its kind.
    pub const ALL: [Self; 16] = [
        Self::Possession,
        Self::Knowledge,
        Self::Equals,
        Self::Same,
        Self::Consent,
        Self::Range(RangeBits::ThirtyTwo, 1),
        Self::Range(RangeBits::ThirtyTwo, 2),
        Self::Range(RangeBits::ThirtyTwo, 4),
        Self::Range(RangeBits::SixtyFour, 1),
        Self::Range(RangeBits::SixtyFour, 2),
        Self::Range(RangeBits::SixtyFour, 4),
        Self::InSet(4),
        Self::InSet(16),
        Self::Proximity(Dimensions::D128),
        Self::Proximity(Dimensions::D256),
        Self::Proximity(Dimensions::D512),
    ];

    pub fn name(self) -> String {
        match self {
            Self::Possession => "possession".into(),
            Self::Knowledge => "knowledge".into(),
            Self::Equals => "equals".into(),
            Self::Same => "same".into(),
            Self::Consent => "consent".into(),
            Self::Range(bits, values) => format!("range {}×{values}", bits.bits()),
            Self::InSet(size) => format!("in-set of {size}"),
            Self::Proximity(dimensions) => format!("proximity {}", dimensions.count()),
        }
    }

    fn purpose(self) -> Purpose {
        match self {
            Self::Consent => Purpose::Consent,
            Self::Proximity(_) => Purpose::AgentLogin,
            _ => Purpose::CustomerCall,
        }
    }

    /// The proofs that are made: a dear kind repeats them in larger batches.
    pub fn distinct(self) -> usize {
        match self {
            Self::Proximity(_) => 16,
            Self::Range(RangeBits::ThirtyTwo, 1) => 256,
            Self::Range(..) => 32,
            Self::InSet(_) => 64,
            _ => 1_024,
        }
    }

    /// Sample number `number`.
    pub fn make(self, number: u64) -> Sample {
        self.maker(number)()
    }

    /// What makes sample number `number`, again and again.
    pub fn maker(self, number: u64) -> Box<dyn Fn() -> Sample> {
        let context = context(number, self.purpose());
        let rng = &mut Repeating::seeded(number);
        let (device, pin) = secrets(number);
        let opening = Opening::commit(42, rng).unwrap();
        let digest = submission_digest(&[]);
        match self {
            Self::Possession => {
                let key = device.public();
                let statement = Possession {
                    key,
                    submission_digest: digest,
                };
                proves(context, statement, device)
            }
            Self::Knowledge => {
                let (device, key) = (device.public(), pin.public());
                proves(context, Knowledge { device, pin: key }, pin)
            }
            Self::Consent => {
                let statement = Consent {
                    key: device.public(),
                    order_hash: [7; 32],
                    sealed_digest: [1; 32],
                    recipient_digest: [2; 32],
                    submission_digest: digest,
                };
                proves(context, statement, device)
            }
            Self::Equals => {
                let commitment = opening.commitment();
                proves(
                    context,
                    Equals {
                        commitment,
                        value: 42,
                    },
                    opening,
                )
            }
            Self::Same => {
                let second = Opening::commit(42, rng).unwrap();
                let (first, other) = (opening.commitment(), second.commitment());
                let witness = SameWitness::new(&opening, &second);
                proves(
                    context,
                    Same {
                        first,
                        second: other,
                    },
                    witness,
                )
            }
            Self::Range(bits, values) => {
                let mut openings: Vec<Opening> = vec![opening];
                openings.resize_with(values, || Opening::commit(42, rng).unwrap());
                let tests: Vec<RangeTest> = openings
                    .iter()
                    .map(|opening| RangeTest::AtLeast {
                        value: opening.commitment(),
                        bound: 18,
                    })
                    .collect();
                let statement = Range::new(bits, &tests).unwrap();
                let openings: Vec<&Opening> = openings.iter().collect();
                proves(context, statement, RangeWitness::new(&openings))
            }
            Self::InSet(size) => {
                let set: Vec<u64> = (40..).take(size).collect();
                let statement = InSet::new(opening.commitment(), &set).unwrap();
                proves(context, statement, opening)
            }
            Self::Proximity(dimensions) => {
                let template = vec![3; usize::from(dimensions.count())];
                let enrolled = TemplateOpening::commit(&template, rng).unwrap();
                let probe = TemplateOpening::commit(&template, rng).unwrap();
                let (of_enrolled, of_probe) = (enrolled.commitment(), probe.commitment());
                let statement = Proximity::new(dimensions, 1_000, of_enrolled, of_probe).unwrap();
                proves(
                    context,
                    statement,
                    ProximityWitness::new(&enrolled, &probe).unwrap(),
                )
            }
        }
    }
}

fn proves<S: Provable + Into<AnyStatement> + 'static>(
    context: Context,
    statement: S,
    witness: S::Witness,
) -> Box<dyn Fn() -> Sample>
where
    S::Witness: 'static,
{
    let rng = RefCell::new(Repeating::seeded(7));
    Box::new(move || {
        let proof = prove(&context, &statement, &witness, &mut *rng.borrow_mut()).unwrap();
        Sample {
            context: context.clone(),
            statement: statement.clone().into(),
            proof: proof.to_bytes(),
        }
    })
}

fn secrets(number: u64) -> (DeviceSecret, PinSecret) {
    let mut root = [1; 32];
    root[..8].copy_from_slice(&number.to_le_bytes());
    let device = RootSecret::from_bytes(root)
        .device_secret(Suite::V1, b"bench/e1/g0", b"bench", 0)
        .unwrap();
    let cheap = PinKdf::with_cost(8, 1).unwrap();
    (
        device,
        PinSecret::derive(cheap, b"4711", &root, &root).unwrap(),
    )
}

fn context(number: u64, purpose: Purpose) -> Context {
    let mut nonce = [9; 32];
    nonce[..8].copy_from_slice(&number.to_le_bytes());
    let consent = purpose == Purpose::Consent;
    Context::new(ContextFields {
        suite: Suite::V1,
        origin: b"bench/e1/g0",
        group: 0,
        epoch: 1,
        tenant: b"bench",
        challenge_id: [1; 16],
        nonce,
        purpose,
        subject: nonce,
        contact_id: &[4; 16],
        not_before_us: 1_000_000,
        expires_us: 121_000_000,
        order_hash: if consent { [7; 32] } else { [0; 32] },
        policy_digest: [5; 32],
    })
    .unwrap()
}

/// Figures keep no secrets: a generator that repeats itself from run to run.
pub struct Repeating(Shake256Reader);

impl Repeating {
    pub fn seeded(seed: u64) -> Self {
        let mut shake = Shake256::default();
        shake.update(&seed.to_le_bytes());
        Self(shake.finalize_xof())
    }
}

impl TryRng for Repeating {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.0.read(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.0.read(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.read(bytes);
        Ok(())
    }
}

impl TryCryptoRng for Repeating {}
