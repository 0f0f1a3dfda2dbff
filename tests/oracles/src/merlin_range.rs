//! Range proofs over Merlin: ours checked by crate `bulletproofs`, theirs checked by our equations,
//! and the sixteen proofs that crate publishes.
//!
//! Ours end in the equations of `bulletproof.rs`, which are evaluated here one by one and exactly,
//! over the generators of crate `bulletproofs` where the aggregation is larger than our table.

use bulletproofs::{BulletproofGens, PedersenGens};
use curve25519_dalek::{
    RistrettoPoint, Scalar,
    ristretto::CompressedRistretto,
    traits::{IsIdentity, VartimeMultiscalarMul},
};
use curve25519_dalek_4::{
    ristretto::CompressedRistretto as TheirCompressed, scalar::Scalar as TheirScalar,
};
use serde_json::Value as Json;
use shake::{ExtendableOutput, Shake256, Update, XofReader};

use crate::{
    bulletproof::{Conversation, RangeProof, Value, elements},
    check::Equation,
    generators::{Fixed, Generators},
    group::B,
    opening::commit_scalar,
    prove::{bulletproof as prover, nonces::Nonces},
    reader::Reader,
};

/// Merlin with the labels of crate `bulletproofs`.
struct Merlin(merlin::Transcript);

impl Conversation for Merlin {
    fn open_range(&mut self, n: usize, values: &[Value]) {
        self.0.append_message(b"dom-sep", b"rangeproof v1");
        self.0.append_u64(b"n", n as u64);
        self.0.append_u64(b"m", values.len() as u64);
        for value in values {
            let point = value.point + value.number * B;
            self.0.append_message(b"V", point.compress().as_bytes());
        }
    }

    fn open_inner_product(&mut self, length: usize) {
        self.0.append_message(b"dom-sep", b"ipp v1");
        self.0.append_u64(b"n", length as u64);
    }

    fn say(&mut self, name: &'static [u8], bytes: &[u8; 32]) {
        // The last two scalars follow the last challenge; that crate does not absorb them.
        if !name.is_empty() {
            self.0.append_message(name, bytes);
        }
    }

    fn ask(&mut self, name: &'static [u8]) -> Scalar {
        let mut wide = [0; 64];
        self.0.challenge_bytes(name, &mut wide);
        Scalar::from_bytes_mod_order_wide(&wide)
    }
}

/// Each value as a point and a public number that is not zero.
fn split(values: &[RistrettoPoint]) -> Vec<Value> {
    let number = Scalar::from(77_u8);
    let split = |value: &RistrettoPoint| Value {
        point: value - number * B,
        number,
    };
    values.iter().map(split).collect()
}

/// Our verdict: each equation alone.
fn ours_accepts(label: &'static [u8], n: usize, values: &[RistrettoPoint], proof: &[u8]) -> bool {
    let m = values.len();
    let mut merlin = Merlin(merlin::Transcript::new(label));
    let Ok(mut reader) = Reader::open(proof, elements(n, m)) else {
        return false;
    };
    let Ok(proof) = RangeProof::read(&mut reader, n, m) else {
        return false;
    };
    let equations = proof.equations(n, &split(values), &mut merlin);
    let theirs = BulletproofGens::new(64, m.max(4));
    let (g, h) = their_generators(&theirs, m);
    assert_eq!(equations.len(), 2);
    equations.iter().all(|equation| holds(equation, &g, &h))
}

fn holds(equation: &Equation, g: &[Vec<RistrettoPoint>], h: &[Vec<RistrettoPoint>]) -> bool {
    let mut scalars = vec![equation.base];
    let mut points = vec![B];
    let runs = equation.runs.iter().flat_map(|run| {
        let entries = run.entries(&Scalar::ONE).into_iter().enumerate();
        entries.map(|(i, entry)| (run.row.at(i), entry))
    });
    for (generator, coefficient) in equation.fixed.iter().copied().chain(runs) {
        scalars.push(coefficient);
        points.push(match generator {
            Fixed::H => ours(&PedersenGens::default().B_blinding.compress()),
            Fixed::G(party, bit) => g[party][bit],
            Fixed::Hh(party, bit) => h[party][bit],
            Fixed::F(_) => unreachable!("no template in a range proof"),
        });
    }
    for (coefficient, point) in &equation.terms {
        scalars.push(*coefficient);
        points.push(*point);
    }
    assert!(equation.shared.is_empty());
    RistrettoPoint::vartime_multiscalar_mul(scalars, points).is_identity()
}

/// G from the crate; Hh, which it keeps to itself, from its rule. That Hh is right is seen by the
/// published proofs, which need every one of them.
fn their_generators(
    generators: &BulletproofGens,
    parties: usize,
) -> (Vec<Vec<RistrettoPoint>>, Vec<Vec<RistrettoPoint>>) {
    (0..parties)
        .map(|party| {
            let g = generators
                .share(party)
                .G(64)
                .map(|point| ours(&point.compress()))
                .collect();
            (g, chain(party))
        })
        .unzip()
}

/// The 64 generators Hh of a party: SHAKE256("GeneratorsChain" ‖ 'H' ‖ party u32).
fn chain(party: usize) -> Vec<RistrettoPoint> {
    let mut shake = Shake256::default();
    shake.update(b"GeneratorsChainH");
    shake.update(&(party as u32).to_le_bytes());
    let mut reader = shake.finalize_xof();
    (0..64)
        .map(|_| {
            let mut uniform = [0; 64];
            reader.read(&mut uniform);
            RistrettoPoint::from_uniform_bytes(&uniform)
        })
        .collect()
}

fn ours(point: &TheirCompressed) -> RistrettoPoint {
    CompressedRistretto(point.to_bytes()).decompress().unwrap()
}

fn theirs(point: &RistrettoPoint) -> TheirCompressed {
    TheirCompressed(point.compress().to_bytes())
}

const LABEL: &[u8] = b"akashi oracle";
const SIZES: [usize; 4] = [8, 16, 32, 64];

/// Values of n bits, their blindings and commitments.
fn openings(n: usize, m: usize) -> (Vec<(u64, Scalar)>, Vec<RistrettoPoint>) {
    let opened: Vec<(u64, Scalar)> = (0..m)
        .map(|j| {
            let largest = u64::MAX >> (64 - n);
            let value = [0, largest, largest / 3, 1][j % 4];
            (
                value,
                Scalar::from(1_000_003_u64 * (j as u64 + 1)) * Scalar::from(u64::MAX),
            )
        })
        .collect();
    let values = opened
        .iter()
        .map(|(v, r)| commit_scalar(&Scalar::from(*v), r))
        .collect();
    (opened, values)
}

#[test]
fn the_generators_are_those_of_crate_bulletproofs() {
    let generators = Generators::get();
    let (g, h) = their_generators(&BulletproofGens::new(64, 4), 4);
    let (our_g, our_h) = generators.range(64, 4);
    assert_eq!((our_g, our_h), (g.concat(), h.concat()));
    let pedersen = PedersenGens::default();
    assert_eq!(
        generators.blinding(),
        [ours(&pedersen.B_blinding.compress())]
    );
    assert_eq!(B, ours(&pedersen.B.compress()));
}

#[test]
fn the_sixteen_published_proofs_are_accepted_and_spoilt_ones_refused() {
    let file: Json = serde_json::from_str(include_str!("bulletproofs-5.0.0.json")).unwrap();
    let bytes = |value: &Json| hex::decode(value.as_str().unwrap()).unwrap();
    let values: Vec<RistrettoPoint> = file["commitments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|value| {
            CompressedRistretto(bytes(value).try_into().unwrap())
                .decompress()
                .unwrap()
        })
        .collect();
    let proofs = file["proofs"].as_array().unwrap();
    assert_eq!(proofs.len(), 16);
    for (at, proof) in proofs.iter().enumerate() {
        let (n, m) = (8 << (at / 4), 1 << (at % 4));
        let label = b"Deserialize-And-Verify Test";
        let mut proof = bytes(proof);
        assert!(
            ours_accepts(label, n, &values[..m], &proof),
            "n = {n}, m = {m}"
        );
        let last = proof.len() - 32;
        proof[last] ^= 1;
        assert!(
            !ours_accepts(label, n, &values[..m], &proof),
            "n = {n}, m = {m}"
        );
    }
}

#[test]
fn proofs_of_crate_bulletproofs_are_accepted_here() {
    for n in SIZES {
        for m in [1, 2, 4, 8] {
            let (opened, values) = openings(n, m);
            let (numbers, blindings): (Vec<u64>, Vec<TheirScalar>) = opened
                .iter()
                .map(|(v, r)| (*v, TheirScalar::from_canonical_bytes(r.to_bytes()).unwrap()))
                .unzip();
            let (proof, commitments) = bulletproofs::RangeProof::prove_multiple(
                &BulletproofGens::new(64, 8),
                &PedersenGens::default(),
                &mut merlin::Transcript::new(LABEL),
                &numbers,
                &blindings,
                n,
            )
            .unwrap();
            assert_eq!(commitments, values.iter().map(theirs).collect::<Vec<_>>());
            assert!(
                ours_accepts(LABEL, n, &values, &proof.to_bytes()),
                "n = {n}, m = {m}"
            );
        }
    }
}

#[test]
fn our_proofs_are_accepted_by_crate_bulletproofs() {
    for n in SIZES {
        for m in [1, 2, 4] {
            let (opened, values) = openings(n, m);
            let mut merlin = Merlin(merlin::Transcript::new(LABEL));
            let mut nonces = Nonces::new(&[n as u8; 32], b"witness", &[m as u8; 32], b"instance");
            let proof = prover::make(n, &opened, &split(&values), &mut merlin, &mut nonces);
            assert_eq!(proof.len(), 32 * elements(n, m));
            let read = bulletproofs::RangeProof::from_bytes(&proof).unwrap();
            let commitments: Vec<TheirCompressed> = values.iter().map(theirs).collect();
            let verdict = |commitments: &[TheirCompressed]| {
                read.verify_multiple(
                    &BulletproofGens::new(64, 4),
                    &PedersenGens::default(),
                    &mut merlin::Transcript::new(LABEL),
                    commitments,
                    n,
                )
            };
            assert!(verdict(&commitments).is_ok(), "n = {n}, m = {m}");
            let mut other = commitments;
            other[0] = theirs(&(values[0] + B));
            assert!(verdict(&other).is_err());
        }
    }
}

#[test]
fn a_value_out_of_range_is_refused_by_both() {
    let r = Scalar::from(5_u8);
    let value = commit_scalar(&Scalar::from(256_u16), &r);
    let mut merlin = Merlin(merlin::Transcript::new(LABEL));
    let mut nonces = Nonces::new(&[1; 32], b"", &[2; 32], b"");
    let proof = prover::make(8, &[(256, r)], &split(&[value]), &mut merlin, &mut nonces);
    assert!(!ours_accepts(LABEL, 8, &[value], &proof));
    let verdict = bulletproofs::RangeProof::from_bytes(&proof)
        .unwrap()
        .verify_single(
            &BulletproofGens::new(64, 1),
            &PedersenGens::default(),
            &mut merlin::Transcript::new(LABEL),
            &theirs(&value),
            8,
        );
    assert!(verdict.is_err());
}
