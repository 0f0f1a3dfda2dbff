//! Fixed secrets, and one proof that holds of every kind and size: what targets start from.
//!
//! Everything follows from constants. It must never be used outside tests: its secrets are public.

use std::convert::Infallible;
use std::sync::LazyLock;

use akashi_proof::{
    AnyStatement, Commitment, Consent, Context, ContextFields, DeviceSecret, Equals, InSet,
    Knowledge, Opening, PinKdf, PinSecret, Possession, Provable, Proximity, ProximityWitness,
    Purpose, Range, RangeBits, RangeTest, RangeWitness, RootSecret, Same, SameWitness, Suite,
    TemplateOpening, prove, submission_digest,
};
use rand_core::{TryCryptoRng, TryRng};
use sha2::{Digest as _, Sha256};

pub(crate) const ORIGIN: &[u8] = b"bank.example/e1/g0";
pub(crate) const TENANT: &[u8] = b"retail";
pub(crate) const SUBJECT: [u8; 32] = [0x33; 32];
pub(crate) const BEGIN_US: u64 = 1_795_000_000_000_000;
pub(crate) const END_US: u64 = 1_795_000_120_000_000;

/// SHA-256 over a counter: chance that repeats.
pub(crate) struct Dice {
    seed: u64,
    drawn: u64,
}

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self { seed, drawn: 0 }
    }

    fn block(&mut self) -> [u8; 32] {
        self.drawn += 1;
        let counted = [self.seed.to_le_bytes(), self.drawn.to_le_bytes()].concat();
        Sha256::digest(counted).into()
    }
}

impl TryRng for Dice {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let [a, b, c, d, ..] = self.block();
        Ok(u32::from_le_bytes([a, b, c, d]))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let [a, b, c, d, e, f, g, h, ..] = self.block();
        Ok(u64::from_le_bytes([a, b, c, d, e, f, g, h]))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(32) {
            chunk.copy_from_slice(&self.block()[..chunk.len()]);
        }
        Ok(())
    }
}

impl TryCryptoRng for Dice {}

pub(crate) const fn fields(purpose: Purpose) -> ContextFields<'static> {
    ContextFields {
        suite: Suite::V1,
        origin: ORIGIN,
        group: 0,
        epoch: 1,
        tenant: TENANT,
        challenge_id: [0x11; 16],
        nonce: [0x22; 32],
        purpose,
        subject: SUBJECT,
        contact_id: &[0x44; 16],
        not_before_us: BEGIN_US,
        expires_us: END_US,
        order_hash: match purpose {
            Purpose::Consent => [0x0f; 32],
            Purpose::CustomerCall
            | Purpose::AgentLogin
            | Purpose::AgentPresence
            | Purpose::Enrol
            | Purpose::PhoneSession => [0; 32],
        },
        policy_digest: [0x55; 32],
    }
}

/// A purpose by its number.
pub(crate) fn purpose(choice: u8) -> Purpose {
    Purpose::from_code(choice % 6 + 1).expect("there are six")
}

/// Whether predicates and probes are shown under this purpose.
pub(crate) const fn shows_factors(purpose: Purpose) -> bool {
    match purpose {
        Purpose::CustomerCall | Purpose::AgentLogin | Purpose::AgentPresence | Purpose::Consent => {
            true
        }
        Purpose::Enrol | Purpose::PhoneSession => false,
    }
}

pub(crate) fn context(purpose: Purpose) -> Context {
    Context::new(fields(purpose)).expect("the fields are good")
}

pub(crate) fn device(seed: u8) -> DeviceSecret {
    RootSecret::from_bytes([seed; 32])
        .device_secret(Suite::V1, ORIGIN, TENANT, 0)
        .expect("the names are good")
}

fn pin() -> PinSecret {
    let kdf = PinKdf::with_cost(8, 1).expect("cheap, and allowed");
    PinSecret::derive(kdf, b"482913", &[8; 32], &SUBJECT).expect("the pin is good")
}

/// A proof that holds.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) purpose: Purpose,
    pub(crate) statement: AnyStatement,
    pub(crate) proof: Vec<u8>,
}

/// Every kind and size, each with its proof.
pub(crate) static CASES: LazyLock<Vec<Case>> = LazyLock::new(cases);

fn case<S: Provable + Into<AnyStatement>>(
    purpose: Purpose,
    statement: S,
    witness: &S::Witness,
) -> Case {
    let proof = prove(&context(purpose), &statement, witness, &mut Dice::new(1))
        .expect("the witness fits")
        .to_bytes();
    Case {
        purpose,
        statement: statement.into(),
        proof,
    }
}

pub(crate) fn opening(value: u64, seed: u64) -> Opening {
    Opening::commit(value, &mut Dice::new(seed)).expect("not the identity")
}

/// A template and a probe near it.
pub(crate) fn templates(count: usize) -> (TemplateOpening, TemplateOpening) {
    let template: Vec<i8> = (0..count).map(|i| (i * 37 % 251) as u8 as i8).collect();
    let probe: Vec<i8> = template
        .iter()
        .enumerate()
        .map(|(i, entry)| entry.wrapping_add(i8::from(i % 3 == 0 && *entry < 100)))
        .collect();
    let open = |entries: &[i8], seed| {
        TemplateOpening::commit(entries, &mut Dice::new(seed)).expect("the size is good")
    };
    (open(&template, 70), open(&probe, 71))
}

fn ranges() -> Vec<Case> {
    let (value, other) = (opening(42, 10), opening(7, 11));
    let (c, o) = (value.commitment(), other.commitment());
    let at_least = RangeTest::AtLeast {
        value: c,
        bound: 18,
    };
    let at_most = RangeTest::AtMost {
        value: c,
        bound: 42,
    };
    let within = RangeTest::Within {
        value: o,
        low: 7,
        high: 99,
    };
    let above = RangeTest::AtLeastOther { value: c, other: o };
    let sets: [(&[RangeTest], RangeWitness); 5] = [
        (&[at_least], RangeWitness::new(&[&value])),
        (&[at_most], RangeWitness::new(&[&value])),
        (&[within], RangeWitness::new(&[&other])),
        (&[above], RangeWitness::new(&[&value, &other])),
        (
            &[at_least, at_most, within],
            RangeWitness::new(&[&value, &value, &other]),
        ),
    ];
    let mut cases = Vec::new();
    for bits in [RangeBits::ThirtyTwo, RangeBits::SixtyFour] {
        for (tests, witness) in &sets {
            let statement = Range::new(bits, tests).expect("the tests fit");
            cases.push(case(Purpose::CustomerCall, statement, witness));
        }
    }
    cases
}

fn cases() -> Vec<Case> {
    use Purpose::{AgentLogin, CustomerCall, Enrol};
    let (device, pin) = (device(7), pin());
    let possession = Possession {
        key: device.public(),
        submission_digest: submission_digest(&[]),
    };
    let knowledge = Knowledge {
        device: device.public(),
        pin: pin.public(),
    };
    let (first, second) = (opening(42, 10), opening(42, 12));
    let equals = Equals {
        commitment: first.commitment(),
        value: 42,
    };
    let same = Same {
        first: first.commitment(),
        second: second.commitment(),
    };
    let consent = Consent {
        key: device.public(),
        order_hash: fields(Purpose::Consent).order_hash,
        sealed_digest: [0x0e; 32],
        recipient_digest: [0x0d; 32],
        submission_digest: submission_digest(&[]),
    };
    let mut cases = vec![
        case(CustomerCall, possession.clone(), &device),
        case(AgentLogin, possession, &device),
        case(CustomerCall, knowledge.clone(), &pin),
        case(Enrol, knowledge, &pin),
        case(CustomerCall, equals, &first),
        case(CustomerCall, same, &SameWitness::new(&first, &second)),
        case(Purpose::Consent, consent, &device),
    ];
    cases.extend(ranges());
    for set in [&[42][..], &[7, 42], &[1, 41, 42, 43], &MANY] {
        let statement = InSet::new(first.commitment(), set).expect("the set ascends");
        cases.push(case(CustomerCall, statement, &first));
    }
    for count in [128, 256] {
        let (enrolled, probe) = templates(count);
        let witness = ProximityWitness::new(&enrolled, &probe).expect("one size");
        let statement = Proximity::new(
            enrolled.dimensions(),
            200,
            enrolled.commitment(),
            probe.commitment(),
        )
        .expect("tau is small");
        cases.push(case(CustomerCall, statement, &witness));
    }
    cases
}

const MANY: [u64; 16] = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 42, 43, 47];

/// A commitment by its number: a few that cases speak of, and otherwise the bytes themselves.
pub(crate) fn commitment(choice: u8, bytes: [u8; 32]) -> Option<Commitment> {
    match choice % 4 {
        0 => Some(opening(42, 10).commitment()),
        1 => Some(opening(7, 11).commitment()),
        2 => Some(opening(42, 12).commitment()),
        _ => Commitment::from_bytes(&bytes).ok(),
    }
}
