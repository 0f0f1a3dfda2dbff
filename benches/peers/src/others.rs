//! What others do, as rows of the same table: Ed25519, two range proofs, AnonCreds.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use curve25519_dalek::Scalar;
use curve25519_dalek_4 as dalek_4;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey, verify_batch};
use rand_core::Rng;
use tari_bulletproofs_plus::{
    commitment_opening::CommitmentOpening,
    generators::pedersen_gens::ExtensionDegree,
    range_parameters::RangeParameters,
    range_proof::{RangeProof, VerifyAction},
    range_statement::RangeStatement,
    range_witness::RangeWitness,
    ristretto::{self, RistrettoRangeProof},
};

use crate::samples::Repeating;

/// Bytes of a signed message: a sensor's message in akashi is about as long.
const MESSAGE_BYTES: usize = 330;

/// Signatures of as many keys over as many messages.
pub struct Signatures {
    messages: Vec<[u8; MESSAGE_BYTES]>,
    signatures: Vec<Signature>,
    keys: Vec<VerifyingKey>,
}

impl Signatures {
    pub fn make(count: usize) -> Self {
        let rng = &mut Repeating::seeded(99);
        let (mut messages, mut signatures, mut keys) = (vec![], vec![], vec![]);
        for _ in 0..count {
            let (mut secret, mut message) = ([0; 32], [0; MESSAGE_BYTES]);
            rng.fill_bytes(&mut secret);
            rng.fill_bytes(&mut message);
            let key = SigningKey::from_bytes(&secret);
            signatures.push(key.sign(&message));
            keys.push(key.verifying_key());
            messages.push(message);
        }
        Self {
            messages,
            signatures,
            keys,
        }
    }

    pub fn verify(&self) {
        let key = &self.keys[0];
        ed25519_dalek::Verifier::verify(key, &self.messages[0], &self.signatures[0]).unwrap();
    }

    pub fn verify_strict(&self, count: usize) {
        for ((key, message), signature) in self
            .keys
            .iter()
            .zip(&self.messages)
            .zip(&self.signatures)
            .take(count)
        {
            key.verify_strict(message, signature).unwrap();
        }
    }

    pub fn verify_batch(&self, count: usize) {
        let messages: Vec<&[u8]> = self.messages.iter().map(|message| &message[..]).collect();
        verify_batch(
            &messages[..count],
            &self.signatures[..count],
            &self.keys[..count],
        )
        .unwrap();
    }
}

/// Crate `bulletproofs`, on dalek 4: it verifies one proof at a time.
pub struct Bulletproof {
    generators: bulletproofs::BulletproofGens,
    pedersen: bulletproofs::PedersenGens,
    bits: usize,
    proof: bulletproofs::RangeProof,
    commitments: Vec<dalek_4::ristretto::CompressedRistretto>,
}

impl Bulletproof {
    pub fn make(bits: usize, values: usize) -> Self {
        let generators = bulletproofs::BulletproofGens::new(64, 4);
        let pedersen = bulletproofs::PedersenGens::default();
        let (proof, commitments) = Self::prove(&generators, &pedersen, bits, values);
        Self {
            generators,
            pedersen,
            bits,
            proof,
            commitments,
        }
    }

    fn prove(
        generators: &bulletproofs::BulletproofGens,
        pedersen: &bulletproofs::PedersenGens,
        bits: usize,
        values: usize,
    ) -> (
        bulletproofs::RangeProof,
        Vec<dalek_4::ristretto::CompressedRistretto>,
    ) {
        let blindings: Vec<_> = (3..)
            .take(values)
            .map(|n: u64| dalek_4::Scalar::from(n))
            .collect();
        let mut transcript = merlin::Transcript::new(b"bench");
        bulletproofs::RangeProof::prove_multiple(
            generators,
            pedersen,
            &mut transcript,
            &vec![24; values],
            &blindings,
            bits,
        )
        .unwrap()
    }

    pub fn again(&self) {
        Self::prove(
            &self.generators,
            &self.pedersen,
            self.bits,
            self.commitments.len(),
        );
    }

    pub fn verify(&self) {
        let mut transcript = merlin::Transcript::new(b"bench");
        self.proof
            .verify_multiple(
                &self.generators,
                &self.pedersen,
                &mut transcript,
                &self.commitments,
                self.bits,
            )
            .unwrap();
    }

    pub fn bytes(&self) -> usize {
        self.proof.to_bytes().len()
    }
}

/// Crate `tari_bulletproofs_plus`: 32 bits, one value per proof.
pub struct BulletproofPlus {
    statements: Vec<RangeStatement<curve25519_dalek::RistrettoPoint>>,
    proofs: Vec<RistrettoRangeProof>,
    witness: RangeWitness,
}

impl BulletproofPlus {
    pub fn make(count: usize) -> Self {
        let rng = &mut Repeating::seeded(5);
        let pedersen =
            ristretto::create_pedersen_gens_with_extension_degree(ExtensionDegree::DefaultPedersen);
        let generators = RangeParameters::init(32, 1, pedersen).unwrap();
        let (mut statements, mut proofs) = (vec![], vec![]);
        let mut last = None;
        for _ in 0..count {
            let mut wide = [0; 64];
            rng.fill_bytes(&mut wide);
            let blinding = vec![Scalar::from_bytes_mod_order_wide(&wide)];
            let commitment = generators
                .pc_gens()
                .commit(&Scalar::from(42_u64), &blinding)
                .unwrap();
            let witness = RangeWitness::init(vec![CommitmentOpening::new(42, blinding)]).unwrap();
            let statement =
                RangeStatement::init(generators.clone(), vec![commitment], vec![Some(18)], None)
                    .unwrap();
            proofs.push(prove_plus(&statement, &witness));
            statements.push(statement);
            last = Some(witness);
        }
        Self {
            statements,
            proofs,
            witness: last.unwrap(),
        }
    }

    pub fn again(&self) {
        prove_plus(&self.statements[self.statements.len() - 1], &self.witness);
    }

    pub fn verify(&self, count: usize) {
        let mut transcripts = vec![tari_merlin::Transcript::new(b"bench"); count];
        RangeProof::verify_batch(
            &mut transcripts,
            &self.statements[..count],
            &self.proofs[..count],
            VerifyAction::VerifyOnly,
        )
        .unwrap();
    }

    pub fn bytes(&self) -> usize {
        self.proofs[0].to_bytes().len()
    }
}

fn prove_plus(
    statement: &RangeStatement<curve25519_dalek::RistrettoPoint>,
    witness: &RangeWitness,
) -> RistrettoRangeProof {
    let mut transcript = tari_merlin::Transcript::new(b"bench");
    let rng = &mut Repeating::seeded(6);
    RistrettoRangeProof::prove_with_rng(&mut transcript, statement, witness, rng).unwrap()
}

/// Hyperledger AnonCreds in a Python process of its own, which says its own processor time.
pub struct AnonCreds {
    process: Child,
    ask: ChildStdin,
    answer: BufReader<ChildStdout>,
    /// Bytes of the presentation as JSON.
    pub bytes: usize,
}

impl AnonCreds {
    /// `None` if `python` has no package `anoncreds`.
    pub fn start(python: &str) -> Option<Self> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/anoncreds_peer.py");
        let mut process = Command::new(python)
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        let (ask, answer) = (process.stdin.take()?, process.stdout.take()?);
        let mut peer = Self {
            process,
            ask,
            answer: BufReader::new(answer),
            bytes: 0,
        };
        peer.bytes = usize::try_from(peer.line()?).ok()?;
        Some(peer)
    }

    /// Nanoseconds of processor time that `what` ("prove" or "verify") takes.
    pub fn time(&mut self, what: &str) -> Option<u64> {
        writeln!(self.ask, "{what}").ok()?;
        self.line()
    }

    fn line(&mut self) -> Option<u64> {
        let mut line = String::new();
        self.answer.read_line(&mut line).ok()?;
        line.trim().parse().ok()
    }
}

impl Drop for AnonCreds {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
