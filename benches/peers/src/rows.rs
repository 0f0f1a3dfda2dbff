//! What is measured: rows of one closure each, in nanoseconds of this thread's processor time per
//! item, once per round.

use std::rc::Rc;

use akashi_proof::{Batch, Dimensions, RangeBits, Reason, check};
use rustix::time::{ClockId, clock_gettime};

use crate::{
    others::{AnonCreds, Bulletproof, BulletproofPlus, Signatures},
    samples::{Case, Sample},
};

/// Proofs or submissions verified together.
pub const BATCHES: [usize; 4] = [16, 64, 256, 1_024];

/// Processor time that one measurement takes at least.
const LEAST_NS: u64 = 30_000_000;

pub const RANGE_32: Case = Case::Range(RangeBits::ThirtyTwo, 1);
pub const FACE: Case = Case::Proximity(Dimensions::D512);

/// The parts of the two submissions.
pub const CALL: [Case; 3] = [Case::Possession, Case::Knowledge, RANGE_32];
pub const LOGIN: [Case; 3] = [Case::Possession, Case::Knowledge, FACE];

/// Bad proofs among a batch: none, one, eight, all.
pub const BAD: [Option<usize>; 4] = [Some(0), Some(1), Some(8), None];

/// What a row is about; the report looks rows up by it.
#[derive(Clone, PartialEq, Eq)]
pub enum Name {
    Prove(Case),
    Alone(Case),
    Together(Case, usize),
    /// A call: possession, PIN, one 32-bit range.
    Call(usize),
    /// A login: possession, PIN, a face of 512 entries, the sensor's signature.
    Login(usize),
    /// A batch of a kind with so many bad proofs (`None`: all of them), per good proof or, if there
    /// is none, per proof.
    Hostile(Case, usize, Option<usize>),
    Ed25519,
    Ed25519Strict,
    Ed25519Batch(usize),
    Bulletproofs(usize, usize),
    BulletproofsProve(usize, usize),
    Plus(usize),
    PlusProve,
    AnonCreds,
    AnonCredsProve,
}

pub struct Row {
    pub name: Name,
    /// Items that one call of `work` handles.
    items: usize,
    work: Work,
    /// Nanoseconds per item, one per round.
    pub ns: Vec<u64>,
}

enum Work {
    Here(Box<dyn FnMut()>),
    /// "prove" or "verify".
    Python(&'static str),
}

pub struct Run {
    pub rows: Vec<Row>,
    /// Bytes of a proof.
    pub sizes: Vec<(Case, usize)>,
    pub bulletproofs_bytes: usize,
    pub plus_bytes: usize,
    pub anoncreds: Option<AnonCreds>,
}

impl Run {
    pub fn prepare(quick: bool, python: Option<&str>, only: Option<&str>) -> Self {
        let mut run = Self {
            rows: vec![],
            sizes: vec![],
            bulletproofs_bytes: 0,
            plus_bytes: 0,
            anoncreds: python.and_then(AnonCreds::start),
        };
        let largest = if quick { 64 } else { 1_024 };
        let batches = || BATCHES.into_iter().filter(move |size| *size <= largest);

        let signatures = Rc::new(Signatures::make(largest));
        run.add(Name::Ed25519, 1, {
            let all = signatures.clone();
            move || all.verify()
        });
        run.add(Name::Ed25519Strict, 1, {
            let all = signatures.clone();
            move || all.verify_strict(1)
        });
        for size in batches() {
            let all = signatures.clone();
            run.add(Name::Ed25519Batch(size), size, move || {
                all.verify_batch(size)
            });
        }

        for case in Case::ALL {
            let wanted = CALL.contains(&case) || case == FACE;
            if only.is_some_and(|only| !case.name().contains(only))
                && !(only == Some("goals") && wanted)
            {
                continue;
            }
            let distinct = case.distinct().min(largest);
            let samples: Vec<Sample> = (0..distinct as u64).map(|n| case.make(n)).collect();
            run.sizes.push((case, samples[0].proof.len()));
            let samples = Rc::new(samples);
            let maker = case.maker(0);
            run.add(Name::Prove(case), 1, move || drop(maker()));
            run.add(Name::Alone(case), 1, {
                let samples = samples.clone();
                move || samples[0].check().unwrap()
            });
            for size in batches() {
                let samples = samples.clone();
                run.add(Name::Together(case, size), size, move || {
                    let some = samples.iter().cycle().take(size);
                    assert!(together(some).iter().all(Result::is_ok));
                });
            }
            if case == Case::Possession || case == RANGE_32 {
                for (size, bad) in [64, 256]
                    .into_iter()
                    .flat_map(|size| BAD.map(|bad| (size, bad)))
                {
                    run.hostile(&samples, case, size.min(largest), bad);
                }
            }
        }
        if only.is_none_or(|only| only == "goals") {
            run.submissions(&signatures, largest);
            run.peers(batches());
        }
        run
    }

    /// One measurement of every row.
    pub fn round(&mut self) {
        let anoncreds = &mut self.anoncreds;
        for row in &mut self.rows {
            let ns = match &mut row.work {
                Work::Here(work) => time(work) / row.items as u64,
                Work::Python(what) => anoncreds
                    .as_mut()
                    .and_then(|peer| peer.time(what))
                    .unwrap_or(0),
            };
            row.ns.push(ns);
        }
    }

    fn add(&mut self, name: Name, items: usize, work: impl FnMut() + 'static) {
        let work = Work::Here(Box::new(work));
        self.rows.push(Row {
            name,
            items,
            work,
            ns: vec![],
        });
    }

    /// Bad proofs are evenly spread; what is bad is the response, so that only the equation shows it.
    fn hostile(&mut self, samples: &[Sample], case: Case, size: usize, bad: Option<usize>) {
        let count = bad.unwrap_or(size);
        let mut mixed: Vec<Sample> = samples.iter().cycle().take(size).cloned().collect();
        for nth in 0..count {
            let sample = &mut mixed[nth * size / count];
            let last = sample.proof.len() - 32;
            sample.proof[last] ^= 1;
        }
        let good = if size > count { size - count } else { size };
        self.add(Name::Hostile(case, size, bad), good, move || {
            let verdicts = together(mixed.iter());
            let failed = verdicts.iter().filter(|verdict| verdict.is_err()).count();
            assert_eq!(failed, count);
        });
    }

    fn submissions(&mut self, signatures: &Rc<Signatures>, largest: usize) {
        for (parts, name, signed) in [
            (CALL, Name::Call as fn(usize) -> Name, false),
            (LOGIN, Name::Login, true),
        ] {
            let samples: Vec<Vec<Sample>> = parts
                .iter()
                .map(|part| {
                    let distinct = part.distinct().min(largest).min(256);
                    (0..distinct as u64).map(|n| part.make(n)).collect()
                })
                .collect();
            let samples = Rc::new(samples);
            for size in [1, 16, 64, 256].into_iter().filter(|size| *size <= largest) {
                let (samples, signatures) = (samples.clone(), signatures.clone());
                self.add(name(size), size, move || {
                    if signed {
                        signatures.verify_strict(size);
                    }
                    let all = (0..size)
                        .flat_map(|n| samples.iter().map(move |part| &part[n % part.len()]));
                    assert!(together(all).iter().all(Result::is_ok));
                });
            }
        }
    }

    fn peers(&mut self, batches: impl Iterator<Item = usize>) {
        for (bits, values) in [(32, 1), (32, 2), (32, 4), (64, 1), (64, 2), (64, 4)] {
            let proof = Rc::new(Bulletproof::make(bits, values));
            if (bits, values) == (32, 1) {
                self.bulletproofs_bytes = proof.bytes();
            }
            self.add(Name::BulletproofsProve(bits, values), 1, {
                let proof = proof.clone();
                move || proof.again()
            });
            self.add(Name::Bulletproofs(bits, values), 1, move || proof.verify());
        }
        let plus = Rc::new(BulletproofPlus::make(256));
        self.plus_bytes = plus.bytes();
        self.add(Name::PlusProve, 1, {
            let plus = plus.clone();
            move || plus.again()
        });
        // It refuses more than 256 proofs.
        for size in [1].into_iter().chain(batches.filter(|size| *size <= 256)) {
            let plus = plus.clone();
            self.add(Name::Plus(size), size, move || plus.verify(size));
        }
        if self.anoncreds.is_some() {
            for (name, what) in [(Name::AnonCreds, "verify"), (Name::AnonCredsProve, "prove")] {
                self.rows.push(Row {
                    name,
                    items: 1,
                    work: Work::Python(what),
                    ns: vec![],
                });
            }
        }
    }
}

impl Sample {
    pub fn check(&self) -> Result<(), Reason> {
        check(&self.context, &self.statement, &self.proof)
    }
}

fn together<'a>(samples: impl Iterator<Item = &'a Sample>) -> Vec<Result<(), Reason>> {
    let mut batch = Batch::new();
    for sample in samples {
        batch.push_any(&sample.context, &sample.statement, &sample.proof);
    }
    batch.finish().as_slice().to_vec()
}

/// Nanoseconds of one call of `work`, the mean over [`LEAST_NS`] or more.
fn time(work: &mut dyn FnMut()) -> u64 {
    work();
    let (mut calls, start) = (0, processor_ns());
    loop {
        work();
        calls += 1;
        let passed = processor_ns() - start;
        if passed >= LEAST_NS {
            return passed / calls;
        }
    }
}

/// This thread's processor time.
fn processor_ns() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
