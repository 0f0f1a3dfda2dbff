//! What one proof of each kind costs, alone and in a batch, and what it costs to make.
//!
//! Beside them, in the same run, Ed25519 and crate `bulletproofs`: the ratios matter, the machine
//! does not. `cargo bench --manifest-path tests/oracles/Cargo.toml -- --quick`

use std::{convert::Infallible, hint::black_box};

use akashi_oracles::{
    AnyStatement, Batch, Consent, Context, ContextFields, DeviceSecret, Dimensions, Equals, InSet,
    Kind, Knowledge, Opening, Part, PinKdf, PinSecret, Possession, Provable, Proximity,
    ProximityWitness, Purpose, Range, RangeBits, RangeTest, RangeWitness, RootSecret, Same,
    SameWitness, Suite, TemplateOpening, check, prove, submission_digest,
};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ed25519_dalek::{Signer, SigningKey};
use rand_core::{TryCryptoRng, TryRng};
use shake::{ExtendableOutput, Shake256, Shake256Reader, Update, XofReader};

/// A proof with what it is checked against.
type Sample = (Context, AnyStatement, Vec<u8>);

/// Benchmarks do not keep secrets: a generator that repeats itself.
struct Repeating(Shake256Reader);

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

fn rng(seed: u64) -> Repeating {
    let mut shake = Shake256::default();
    shake.update(&seed.to_le_bytes());
    Repeating(shake.finalize_xof())
}

fn context(number: u64, purpose: Purpose) -> Context {
    let mut nonce = [9; 32];
    nonce[..8].copy_from_slice(&number.to_le_bytes());
    Context::new(ContextFields {
        suite: Suite::V1,
        origin: b"bench/e1/g0",
        group: 0,
        epoch: 1,
        tenant: b"bench",
        challenge_id: [1; 16],
        nonce,
        purpose,
        subject: [3; 32],
        contact_id: &[4; 16],
        not_before_us: 1_000_000,
        expires_us: 121_000_000,
        order_hash: if purpose == Purpose::Consent {
            [7; 32]
        } else {
            [0; 32]
        },
        policy_digest: [5; 32],
    })
    .unwrap()
}

/// One statement with its witness, ready to be proved under many contexts.
trait Maker {
    fn name(&self) -> &'static str;
    fn purpose(&self) -> Purpose;
    fn make(&self, context: &Context, seed: u64) -> (AnyStatement, Vec<u8>);
}

struct Made<S: Provable> {
    name: &'static str,
    purpose: Purpose,
    statement: S,
    witness: S::Witness,
}

impl<S: Provable + Into<AnyStatement>> Maker for Made<S> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn purpose(&self) -> Purpose {
        self.purpose
    }

    fn make(&self, context: &Context, seed: u64) -> (AnyStatement, Vec<u8>) {
        let proof = prove(context, &self.statement, &self.witness, &mut rng(seed)).unwrap();
        (self.statement.clone().into(), proof.to_bytes())
    }
}

fn made<S: Provable + Into<AnyStatement> + 'static>(
    name: &'static str,
    purpose: Purpose,
    statement: S,
    witness: S::Witness,
) -> Box<dyn Maker> {
    Box::new(Made {
        name,
        purpose,
        statement,
        witness,
    })
}

fn device() -> DeviceSecret {
    RootSecret::from_bytes([1; 32])
        .device_secret(Suite::V1, b"bench/e1/g0", b"bench", 0)
        .unwrap()
}

fn pin() -> PinSecret {
    PinSecret::derive(
        PinKdf::with_cost(8, 1).unwrap(),
        b"4711",
        &[1; 32],
        &[1; 32],
    )
    .unwrap()
}

fn opening(value: u64, seed: u64) -> Opening {
    Opening::commit(value, &mut rng(seed)).unwrap()
}

fn range(name: &'static str, bits: RangeBits, tests: usize) -> Box<dyn Maker> {
    let v = opening(42, 1);
    let test = RangeTest::AtLeast {
        value: v.commitment(),
        bound: 18,
    };
    let statement = Range::new(bits, &vec![test; tests]).unwrap();
    made(
        name,
        Purpose::CustomerCall,
        statement,
        RangeWitness::new(&[&v]),
    )
}

fn proximity(name: &'static str, dimensions: Dimensions) -> Box<dyn Maker> {
    let template = vec![3; usize::from(dimensions.count())];
    let enrolled = TemplateOpening::commit(&template, &mut rng(2)).unwrap();
    let probe = TemplateOpening::commit(&template, &mut rng(3)).unwrap();
    let statement =
        Proximity::new(dimensions, 1_000, enrolled.commitment(), probe.commitment()).unwrap();
    let witness = ProximityWitness::new(&enrolled, &probe).unwrap();
    made(name, Purpose::AgentLogin, statement, witness)
}

fn makers() -> Vec<Box<dyn Maker>> {
    let call = Purpose::CustomerCall;
    let possession = Possession {
        key: device().public(),
        submission_digest: submission_digest(&[]),
    };
    let knowledge = Knowledge {
        device: device().public(),
        pin: pin().public(),
    };
    let (v, w) = (opening(42, 1), opening(42, 2));
    let equals = Equals {
        commitment: v.commitment(),
        value: 42,
    };
    let same = Same {
        first: v.commitment(),
        second: w.commitment(),
    };
    let set: Vec<u64> = (35..51).collect();
    let in_set = InSet::new(v.commitment(), &set).unwrap();
    let consent = Consent {
        key: device().public(),
        order_hash: [7; 32],
        sealed_digest: [1; 32],
        recipient_digest: [2; 32],
        submission_digest: submission_digest(&[]),
    };
    vec![
        made("possession", call, possession, device()),
        made("knowledge", call, knowledge, pin()),
        made("equals", call, equals, opening(42, 1)),
        made("same", call, same, SameWitness::new(&v, &w)),
        range("range 32x1", RangeBits::ThirtyTwo, 1),
        range("range 32x2", RangeBits::ThirtyTwo, 2),
        range("range 32x4", RangeBits::ThirtyTwo, 4),
        range("range 64x1", RangeBits::SixtyFour, 1),
        range("range 64x2", RangeBits::SixtyFour, 2),
        range("range 64x4", RangeBits::SixtyFour, 4),
        made("in-set 16", call, in_set, v),
        proximity("proximity 128", Dimensions::D128),
        proximity("proximity 256", Dimensions::D256),
        proximity("proximity 512", Dimensions::D512),
        made("consent", Purpose::Consent, consent, device()),
    ]
}

fn samples(maker: &dyn Maker, count: u64) -> Vec<Sample> {
    (0..count)
        .map(|number| {
            let context = context(number, maker.purpose());
            let (statement, proof) = maker.make(&context, number);
            (context, statement, proof)
        })
        .collect()
}

fn batched(samples: &[&Sample]) -> bool {
    let mut batch = Batch::new();
    for (context, statement, proof) in samples {
        batch.push_any(context, statement, proof);
    }
    batch.finish().as_slice().iter().all(Result::is_ok)
}

/// Each kind: made, checked alone, and checked with others of its kind (per proof).
fn kinds(c: &mut Criterion) {
    for maker in makers() {
        let mut group = c.benchmark_group(maker.name());
        let context = context(0, maker.purpose());
        group.bench_function("prove", |b| b.iter(|| maker.make(black_box(&context), 1)));
        let samples = samples(&*maker, 64);
        let (context, statement, proof) = &samples[0];
        group.bench_function("alone", |b| {
            b.iter(|| check(context, statement, proof).unwrap())
        });
        for count in [16, 64] {
            let some: Vec<&Sample> = samples.iter().take(count).collect();
            group.throughput(Throughput::Elements(count as u64));
            group.bench_with_input(BenchmarkId::new("batch", count), &some, |b, some| {
                b.iter(|| assert!(batched(some)));
            });
        }
        group.finish();
    }
}

/// Whole submissions: device and PIN and one predicate; device and PIN and a face.
fn submissions(c: &mut Criterion) {
    let makers = makers();
    let named = |name: &str| makers.iter().find(|maker| maker.name() == name).unwrap();
    for (name, third, count) in [
        ("call", "range 32x1", 256),
        ("agent login", "proximity 512", 64),
    ] {
        let parts = ["possession", "knowledge", third];
        let parts: Vec<Vec<Sample>> = parts
            .iter()
            .map(|part| samples(&**named(part), count))
            .collect();
        let mut group = c.benchmark_group(name);
        for taken in [1, 16, count as usize] {
            let all: Vec<&Sample> = parts
                .iter()
                .flat_map(|part| part.iter().take(taken))
                .collect();
            group.throughput(Throughput::Elements(taken as u64));
            group.bench_with_input(BenchmarkId::new("submissions", taken), &all, |b, all| {
                b.iter(|| assert!(batched(all)));
            });
        }
        group.finish();
    }
}

/// The measures of the same run: Ed25519 alone, and one 32-bit proof of crate `bulletproofs`.
fn others(c: &mut Criterion) {
    let key = SigningKey::from_bytes(&[1; 32]);
    let (public, signature) = (key.verifying_key(), key.sign(b"anchor"));
    c.bench_function("ed25519 verify_strict", |b| {
        b.iter(|| {
            public
                .verify_strict(black_box(b"anchor"), &signature)
                .unwrap()
        });
    });
    let (generators, pedersen) = (
        bulletproofs::BulletproofGens::new(64, 4),
        bulletproofs::PedersenGens::default(),
    );
    let transcript = || merlin::Transcript::new(b"bench");
    for (n, m) in [(32, 1), (64, 1), (32, 4)] {
        let blindings = vec![curve25519_dalek_4::Scalar::from(7_u8); m];
        let (proof, commitments) = bulletproofs::RangeProof::prove_multiple(
            &generators,
            &pedersen,
            &mut transcript(),
            &vec![24; m],
            &blindings,
            n,
        )
        .unwrap();
        c.bench_function(&format!("bulletproofs {n}x{m} verify"), |b| {
            b.iter(|| {
                proof
                    .verify_multiple(&generators, &pedersen, &mut transcript(), &commitments, n)
                    .unwrap();
            });
        });
    }
}

// A submission's possession covers its other parts; the digest is a few microseconds of SHA-256.
fn digest(c: &mut Criterion) {
    let proof = [7; 608];
    let parts = [
        Part::plain(Kind::Knowledge, 1, &proof[..64]),
        Part::plain(Kind::Range, 2, &proof),
    ];
    c.bench_function("submission digest", |b| {
        b.iter(|| submission_digest(black_box(&parts)))
    });
}

criterion_group!(benches, others, kinds, submissions, digest);
criterion_main!(benches);
