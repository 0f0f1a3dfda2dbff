//! Does a prover's running time depend on its witness? Two classes of witnesses, Welch's t.
//!
//! The method of O. Reparaz, J. Balasch, I. Verbauwhede, "Dude, is my code constant time?", DATE 2017:
//! measure a fixed witness and random ones in random order, cut off the slow tail at several heights
//! (interruptions are not of interest), and compare the means. |t| above 4.5 asks for a look, above
//! 10 is a leak. The fixed witnesses are the extreme ones: value 0, blinding 1, no distance at all.
//!
//! ```text
//! cargo run --release --manifest-path tests/oracles/Cargo.toml --example timing -- 100000 possession
//! ```
//!
//! What is public (keys, commitments, disclosed values, sets, bounds) may take its time: every proof is
//! verified before it leaves, in variable time. So both classes share all public numbers.
//!
//! No assertion: a machine with other work on it would make it fail at random. It must never become
//! a test of `make test`.

use std::{convert::Infallible, env, hint::black_box, time::Instant};

use akashi_oracles::{
    Context, ContextFields, DeviceSecret, Equals, InSet, Knowledge, Opening, PinKdf, PinSecret,
    Possession, Provable, Proximity, ProximityWitness, Purpose, Range, RangeBits, RangeTest,
    RangeWitness, RootSecret, Same, SameWitness, Suite, TemplateOpening, prove,
};
use rand_core::{Rng, TryCryptoRng, TryRng};
use shake::{ExtendableOutput, Shake256, Shake256Reader, Update, XofReader};

/// Witnesses made beforehand of each class; more only cost memory.
const POOL: usize = 256;
/// Shares of the measurements that are kept, beside all of them.
const KEPT: [f64; 5] = [0.5, 0.75, 0.9, 0.95, 0.99];
/// One measurement in so many fixes the heights of the cuts, before the others.
const WARM_SHARE: usize = 10;

struct Chance(Shake256Reader);

impl Chance {
    fn new(seed: &[u8]) -> Self {
        let mut shake = Shake256::default();
        shake.update(seed);
        Self(shake.finalize_xof())
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.read(&mut bytes);
        bytes
    }
}

impl TryRng for Chance {
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

impl TryCryptoRng for Chance {}

/// Welch's t over a stream of measurements of two classes.
#[derive(Clone, Copy, Default)]
struct Welch {
    count: [f64; 2],
    mean: [f64; 2],
    squares: [f64; 2],
}

impl Welch {
    fn add(&mut self, class: usize, value: f64) {
        self.count[class] += 1.0;
        let step = value - self.mean[class];
        self.mean[class] += step / self.count[class];
        self.squares[class] += step * (value - self.mean[class]);
    }

    fn t(&self) -> f64 {
        let part =
            |class: usize| self.squares[class] / (self.count[class] - 1.0) / self.count[class];
        (self.mean[0] - self.mean[1]) / (part(0) + part(1)).sqrt()
    }
}

/// Measures `run`, which proves with witness number `.1` of class `.0`.
fn measure(name: &str, count: usize, mut run: impl FnMut(usize, usize)) {
    let mut chance = Chance::new(name.as_bytes());
    let mut once = |chance: &mut Chance| {
        let draw = chance.next_u32() as usize;
        let (class, number) = (draw & 1, (draw >> 1) % POOL);
        let begin = Instant::now();
        run(class, number);
        (class, begin.elapsed().as_nanos() as f64)
    };
    let mut first: Vec<f64> = (0..count / WARM_SHARE + 1)
        .map(|_| once(&mut chance).1)
        .collect();
    first.sort_by(f64::total_cmp);
    let cuts = KEPT.map(|share| first[(first.len() as f64 * share) as usize]);
    let (mut whole, mut kept) = (Welch::default(), [Welch::default(); KEPT.len()]);
    for _ in 0..count {
        let (class, time) = once(&mut chance);
        whole.add(class, time);
        for (welch, cut) in kept.iter_mut().zip(cuts) {
            if time < cut {
                welch.add(class, time);
            }
        }
    }
    print!(
        "| {name} | {count} | {:.1} | {:+.2} |",
        whole.mean[0] / 1_000.0,
        whole.t()
    );
    for welch in kept {
        // A machine whose load has changed may leave nothing below a cut.
        if welch.count.iter().all(|count| *count > 100.0) {
            print!(" {:+.2} |", welch.t());
        } else {
            print!(" – |");
        }
    }
    println!();
}

/// Measures the prover of one kind over statements of both classes with their witnesses.
fn kind<S: Provable>(
    name: &str,
    count: usize,
    context: &Context,
    mut make: impl FnMut(usize, &mut Chance) -> (S, S::Witness),
) {
    let mut chance = Chance::new(b"witnesses");
    // Both classes lie side by side: where a witness lies in memory must not tell its class.
    let pool: Vec<(S, S::Witness)> = (0..2 * POOL)
        .map(|place| make(place & 1, &mut chance))
        .collect();
    let mut hedge = Chance::new(b"hedge");
    measure(name, count, |class, number| {
        let (statement, witness) = &pool[2 * number + class];
        black_box(prove(context, statement, witness, &mut hedge).unwrap());
    });
}

/// Class 0: the extreme opening. Class 1: any.
fn opening(class: usize, value: u64, chance: &mut Chance) -> Opening {
    let mut one = [0; 32];
    one[0] = 1;
    if class == 0 {
        Opening::from_parts(0, &one).unwrap()
    } else {
        Opening::commit(value, chance).unwrap()
    }
}

fn possession(root: [u8; 32]) -> (Possession, DeviceSecret) {
    let root = RootSecret::from_bytes(root);
    let x = root.device_secret(Suite::V1, b"bench/e1/g0", b"bench", 0);
    let x = x.unwrap();
    let statement = Possession {
        key: x.public(),
        submission_digest: [7; 32],
    };
    (statement, x)
}

fn template(class: usize, near: Option<&TemplateOpening>, chance: &mut Chance) -> TemplateOpening {
    let entries: Vec<i8> = match (class, near) {
        (0, _) => vec![0; 128],
        (_, Some(near)) => {
            let step = |entry: &i8| entry.saturating_add(i8::from(chance.next_u32() & 1 == 1));
            near.template().iter().map(step).collect()
        }
        (_, None) => chance.bytes::<128>().map(u8::cast_signed).into(),
    };
    TemplateOpening::commit(&entries, chance).unwrap()
}

fn main() {
    let mut words = env::args().skip(1);
    let count = words
        .next()
        .map_or(100_000, |count| count.parse().expect("a count"));
    let chosen: Vec<String> = words.collect();
    let wanted = |name: &str| chosen.is_empty() || chosen.iter().any(|word| word == name);
    let context = context();
    print!("| prover | measurements | mean µs | t, all |");
    KEPT.iter()
        .for_each(|share| print!(" t, fastest {:.0} % |", share * 100.0));
    println!("\n|---|---|---|---|{}", "---|".repeat(KEPT.len()));

    if wanted("control") {
        // Two classes of the same sort: what the method sees where there is nothing to see.
        kind("control", count, &context, |_, chance| {
            possession(chance.bytes())
        });
    }
    if wanted("possession") {
        kind("possession", count, &context, |class, chance| {
            possession(if class == 0 { [0; 32] } else { chance.bytes() })
        });
    }
    if wanted("knowledge") {
        let device = RootSecret::from_bytes([5; 32]);
        let device = device
            .device_secret(Suite::V1, b"bench/e1/g0", b"bench", 0)
            .unwrap();
        kind("knowledge", count, &context, |class, chance| {
            let pin = if class == 0 {
                [b'0'; 6]
            } else {
                chance.bytes().map(|b: u8| b'0' + b % 10)
            };
            let kdf = PinKdf::with_cost(8, 1).unwrap();
            let salt = if class == 0 { [0; 32] } else { chance.bytes() };
            let w = PinSecret::derive(kdf, &pin, &salt, &[3; 32]).unwrap();
            let statement = Knowledge {
                device: device.public(),
                pin: w.public(),
            };
            (statement, w)
        });
    }
    if wanted("equals") {
        kind("equals", count, &context, |class, chance| {
            // The value is public and the verifier's time may depend on it: one value in both classes.
            let mut one = [0; 32];
            one[0] = 1;
            let witness = if class == 0 {
                Opening::from_parts(42, &one).unwrap()
            } else {
                Opening::commit(42, chance).unwrap()
            };
            let statement = Equals {
                commitment: witness.commitment(),
                value: witness.value(),
            };
            (statement, witness)
        });
    }
    if wanted("same") {
        kind("same", count, &context, |class, chance| {
            let first = opening(class, 42, chance);
            let second = Opening::commit(first.value(), chance).unwrap();
            let statement = Same {
                first: first.commitment(),
                second: second.commitment(),
            };
            (statement, SameWitness::new(&first, &second))
        });
    }
    if wanted("in-set") {
        let set = [0, 7, 41, 42, 43, 99, 1_000, u64::MAX];
        kind("in-set", count, &context, |class, chance| {
            let value = set[chance.next_u32() as usize % set.len()];
            let witness = opening(class, value, chance);
            (InSet::new(witness.commitment(), &set).unwrap(), witness)
        });
    }
    for (name, bits) in [
        ("range-32", RangeBits::ThirtyTwo),
        ("range-64", RangeBits::SixtyFour),
    ] {
        if wanted(name) {
            kind(name, count, &context, |class, chance| {
                let value = chance.next_u64() >> (65 - u64::from(bits.bits()));
                let witness = opening(class, value, chance);
                let test = RangeTest::AtLeast {
                    value: witness.commitment(),
                    bound: 0,
                };
                let statement = Range::new(bits, &[test]).unwrap();
                (statement, RangeWitness::new(&[&witness]))
            });
        }
    }
    if wanted("proximity") {
        kind("proximity", count, &context, |class, chance| {
            let enrolled = template(class, None, chance);
            let probe = template(class, Some(&enrolled), chance);
            let statement = Proximity::new(
                enrolled.dimensions(),
                1_000,
                enrolled.commitment(),
                probe.commitment(),
            );
            let witness = ProximityWitness::new(&enrolled, &probe).unwrap();
            (statement.unwrap(), witness)
        });
    }
}

fn context() -> Context {
    Context::new(ContextFields {
        suite: Suite::V1,
        origin: b"bench/e1/g0",
        group: 0,
        epoch: 1,
        tenant: b"bench",
        challenge_id: [1; 16],
        nonce: [2; 32],
        purpose: Purpose::CustomerCall,
        subject: [3; 32],
        contact_id: &[4; 16],
        not_before_us: 1_000_000,
        expires_us: 121_000_000,
        order_hash: [0; 32],
        policy_digest: [5; 32],
    })
    .unwrap()
}
