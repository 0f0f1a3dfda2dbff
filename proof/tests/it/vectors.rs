//! Our own vectors: committed files that a second implementation can be checked against.
//!
//! `UPDATE_EXPECT=1` writes them anew, in two runs because their digests come last; then read the difference, because it is a change of the suite. The session id,
//! the challenge and the Argon2 inputs are worked out here once more, from the specification and
//! without the crate's own transcript.

use akashi_proof::{
    AnyStatement, Context, ContextFields, Kind, Knowledge, NonceInputs, Part, PinKdf, PinSecret,
    Possession, Purpose, Reason, RootSecret, Suite, challenge_nonce, check, memo_key, prove,
    submission_digest,
};
use curve25519_dalek::Scalar;
use expect_test::expect_file;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{fs, path::Path};

use crate::challenges::{challenges, shake128};
use crate::scene::{ORIGIN, SeededRng, TENANT, cheap, device, fields, pin};
use crate::statements_in_json::{array, bytes, describe, read_statement, small};

#[test]
fn possession_vectors() {
    let x = device(7);
    let knowledge_proof = [0x77; 64];
    let parts = [Part::plain(Kind::Knowledge, 1, &knowledge_proof)];
    let statement = |submission_digest| Possession {
        key: x.public(),
        submission_digest,
    };
    let alone = statement(submission_digest(&[]));
    let with_pin = statement(submission_digest(&parts));
    let other_key = Possession {
        key: device(8).public(),
        ..with_pin
    };

    let mut cases = Vec::new();
    for fields in accepted_fields() {
        for statement in [&alone, &with_pin] {
            let context = Context::new(fields).unwrap();
            let proof = prove(&context, statement, &x, &mut SeededRng::new(20))
                .unwrap()
                .to_bytes();
            cases.push(case("accepted", fields, statement.clone(), &proof));
        }
    }
    let context = Context::new(fields()).unwrap();
    let proof = prove(&context, &with_pin, &x, &mut SeededRng::new(21))
        .unwrap()
        .to_bytes();
    cases.extend(refused(&with_pin.into(), &proof));
    cases.push(case("another key", fields(), other_key, &proof));
    cases.push(case("other parts attached", fields(), alone, &proof));
    expect_file!["../vectors/possession.json"].assert_eq(&file(Kind::Possession, &cases));
}

#[test]
fn knowledge_vectors() {
    let w = pin(b"482913", 8);
    let statement = Knowledge {
        device: device(7).public(),
        pin: w.public(),
    };
    let mut cases = Vec::new();
    for fields in accepted_fields() {
        let context = Context::new(fields).unwrap();
        let proof = prove(&context, &statement, &w, &mut SeededRng::new(22))
            .unwrap()
            .to_bytes();
        cases.push(case("accepted", fields, statement.clone(), &proof));
    }
    let context = Context::new(fields()).unwrap();
    let proof = prove(&context, &statement, &w, &mut SeededRng::new(23))
        .unwrap()
        .to_bytes();
    cases.extend(refused(&statement.clone().into(), &proof));

    let wrong_pin = pin(b"482914", 8);
    let guess = Knowledge {
        pin: wrong_pin.public(),
        ..statement
    };
    let guessed = prove(&context, &guess, &wrong_pin, &mut SeededRng::new(24))
        .unwrap()
        .to_bytes();
    cases.push(case("wrong pin", fields(), statement.clone(), &guessed));
    let other_device = Knowledge {
        device: device(8).public(),
        ..statement
    };
    cases.push(case("another device", fields(), other_device, &proof));
    expect_file!["../vectors/knowledge.json"].assert_eq(&file(Kind::Knowledge, &cases));
}

#[test]
fn derivation_vectors() {
    let mut devices = Vec::new();
    for (tenant, key_epoch) in [(TENANT, 0), (TENANT, 1), (b"business", 0)] {
        let secret = RootSecret::from_bytes([7; 32])
            .device_secret(Suite::V1, ORIGIN, tenant, key_epoch)
            .unwrap();
        devices.push(json!({
            "root": hex::encode([7; 32]),
            "suite": 1,
            "origin": hex::encode(ORIGIN),
            "tenant": hex::encode(tenant),
            "key_epoch": key_epoch,
            "P": hex::encode(secret.public().to_bytes()),
        }));
    }

    let mut pins = Vec::new();
    for (kdf, memory_kib, passes) in [(PinKdf::STANDARD, 65_536, 3), (cheap(), 8, 1)] {
        let secret = PinSecret::derive(kdf, b"482913", &[8; 32], &[0x33; 32]).unwrap();
        pins.push(json!({
            "memory_kib": memory_kib,
            "passes": passes,
            "lanes": 1,
            "pin": hex::encode("482913"),
            "device_salt": hex::encode([8; 32]),
            "subject": hex::encode([0x33; 32]),
            "K": hex::encode(secret.public().to_bytes()),
        }));
    }

    let inputs = NonceInputs {
        suite: Suite::V1,
        origin: ORIGIN,
        sealed_size: 0,
        sealed_root: [0; 32],
        log_index: 17,
        ordinal: 0,
        challenge_id: [0x11; 16],
        leader_random: [0x66; 32],
    };
    let later = NonceInputs {
        sealed_size: 1_000_000,
        sealed_root: [0x99; 32],
        ordinal: 3,
        ..inputs
    };
    let nonces: Vec<Value> = [inputs, later]
        .iter()
        .map(|inputs| {
            json!({
                "suite": inputs.suite.code(),
                "origin": hex::encode(inputs.origin),
                "sealed_size": inputs.sealed_size,
                "sealed_root": hex::encode(inputs.sealed_root),
                "log_index": inputs.log_index,
                "ordinal": inputs.ordinal,
                "challenge_id": hex::encode(inputs.challenge_id),
                "leader_random": hex::encode(inputs.leader_random),
                "nonce": hex::encode(challenge_nonce(inputs)),
            })
        })
        .collect();

    let plain = Part::plain(Kind::Knowledge, 1, &[0x77; 64]);
    let full = Part {
        credential_serial: [0x12; 16],
        attribute_index: 0x0304,
        sealed_digest: [0x56; 32],
        ..plain
    };
    let submissions: Vec<Value> = [vec![], vec![plain], vec![plain, full]]
        .iter()
        .map(|parts| {
            let records: Vec<Value> = parts
                .iter()
                .map(|part| {
                    json!({
                        "kind": part.kind.code(),
                        "slot": part.slot,
                        "credential_serial": hex::encode(part.credential_serial),
                        "attribute_index": part.attribute_index,
                        "proof": hex::encode(part.proof),
                        "sealed_digest": hex::encode(part.sealed_digest),
                    })
                })
                .collect();
            json!({ "parts": records, "submission_digest": hex::encode(submission_digest(parts)) })
        })
        .collect();

    let file = json!({
        "device_keys": devices,
        "pin_keys": pins,
        "challenge_nonces": nonces,
        "submission_digests": submissions,
    });
    expect_file!["../vectors/derivations.json"].assert_eq(&pretty(&file));
}

#[test]
fn every_committed_case_comes_to_the_code_beside_it() {
    let mut codes = Vec::new();
    for name in KINDS {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/vectors")
            .join(format!("{name}.json"));
        let text = fs::read_to_string(path).unwrap();
        let file: Value = serde_json::from_str(&text).unwrap();
        let kind = Kind::from_code(small(&file["kind"])).unwrap();
        for case in file["cases"].as_array().unwrap() {
            let context = read_context(&case["context"]);
            assert_eq!(
                hex::encode(context.bytes()),
                case["context_bytes"].as_str().unwrap()
            );
            let (statement, proof) = (
                read_statement(kind, &case["statement"]),
                bytes(&case["proof"]),
            );
            let verdict = check(&context, &statement, &proof);
            let code = verdict.err().map_or(0, Reason::code);
            assert_eq!(
                u64::from(code),
                case["code"].as_u64().unwrap(),
                "{}",
                case["name"]
            );
            codes.push(code);
        }
    }
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes, [0, 8, 14, 15, 16, 17, 26, 30]);
}

/// The vector files, one per kind.
pub(crate) const KINDS: [&str; 8] = [
    "possession",
    "knowledge",
    "equals",
    "same",
    "range",
    "in-set",
    "proximity",
    "consent",
];

/// The files of decisions that are no verdict on one proof.
pub(crate) const DECISIONS: [&str; 4] = ["attestations", "contexts", "statements", "submissions"];

#[test]
fn the_vector_files_are_the_frozen_ones() {
    let proofs: Vec<&str> = KINDS
        .iter()
        .chain(&["derivations", "messages", "sums"])
        .copied()
        .collect();
    expect_file!["../vectors/SHA256SUMS"].assert_eq(&sums("", &proofs));
    let decisions = sums("decisions", &DECISIONS);
    expect_file!["../vectors/decisions/SHA256SUMS"].assert_eq(&decisions);
}

/// SHA-256 of the named files of a folder, as sha256sum prints them.
fn sums(folder: &str, names: &[&str]) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/vectors")
        .join(folder);
    let mut sums = String::new();
    for name in names {
        let file = fs::read(folder.join(format!("{name}.json"))).unwrap();
        sums += &format!("{}  {name}.json\n", hex::encode(Sha256::digest(file)));
    }
    sums
}

/// Contexts of every purpose, with names of several lengths.
pub(crate) fn accepted_fields() -> Vec<ContextFields<'static>> {
    let f = fields();
    vec![
        f,
        ContextFields {
            purpose: Purpose::AgentLogin,
            contact_id: b"",
            ..f
        },
        ContextFields {
            purpose: Purpose::AgentPresence,
            tenant: b"t",
            ..f
        },
        ContextFields {
            purpose: Purpose::Consent,
            order_hash: [0x0f; 32],
            ..f
        },
        ContextFields {
            purpose: Purpose::Enrol,
            contact_id: b"",
            group: 0x0102,
            epoch: 0x0304_0506,
            ..f
        },
        ContextFields {
            purpose: Purpose::PhoneSession,
            contact_id: &[b'c'; 255],
            not_before_us: 0,
            ..f
        },
    ]
}

/// Every way to spoil a proof, with one changed context per group of fields.
fn refused(statement: &AnyStatement, proof: &[u8]) -> Vec<Value> {
    let f = fields();
    let (point, scalar) = proof.split_at(32);
    let mut cases = Vec::new();
    for (name, bytes) in [
        ("empty", vec![]),
        ("one byte less", proof[..63].to_vec()),
        ("one byte more", [proof, &[0]].concat()),
        ("R is not canonical", [&[0xff; 32], scalar].concat()),
        ("R is the identity", [&[0; 32], scalar].concat()),
        ("R and s are both bad", [&[0; 32], &[0xff; 32][..]].concat()),
        ("s is not canonical", [point, &[0xff; 32]].concat()),
        ("s is zero", [point, &[0; 32]].concat()),
        (
            "s is negated",
            [
                point,
                (-Scalar::from_canonical_bytes(scalar.try_into().unwrap()).unwrap()).as_bytes(),
            ]
            .concat(),
        ),
    ] {
        cases.push(case(name, f, statement.clone(), &bytes));
    }
    for (name, fields) in other_contexts(f) {
        cases.push(case(name, fields, statement.clone(), proof));
    }
    cases
}

/// Contexts that differ from `f` in one field each.
pub(crate) fn other_contexts(
    f: ContextFields<'static>,
) -> Vec<(&'static str, ContextFields<'static>)> {
    vec![
        (
            "another origin",
            ContextFields {
                origin: b"bank.example/e2/g0",
                ..f
            },
        ),
        (
            "another tenant",
            ContextFields {
                tenant: b"business",
                ..f
            },
        ),
        (
            "another challenge",
            ContextFields {
                challenge_id: [0x10; 16],
                ..f
            },
        ),
        (
            "another nonce",
            ContextFields {
                nonce: [0x20; 32],
                ..f
            },
        ),
        (
            "another purpose",
            ContextFields {
                purpose: Purpose::AgentLogin,
                ..f
            },
        ),
        (
            "another contact",
            ContextFields {
                contact_id: &[0x40; 16],
                ..f
            },
        ),
        (
            "another policy",
            ContextFields {
                policy_digest: [0x50; 32],
                ..f
            },
        ),
    ]
}

pub(crate) fn case(
    name: &str,
    fields: ContextFields<'_>,
    statement: impl Into<AnyStatement>,
    proof: &[u8],
) -> Value {
    let statement = statement.into();
    let context = Context::new(fields).unwrap();
    let sid = shake128(&[
        b"irtf-cfrg-fiat-shamir/session-id",
        &[0; 136],
        b"akashi/v1/",
        statement.kind().name().as_bytes(),
        b"\0",
        context.bytes(),
    ]);
    let sid = &sid[..32];
    json!({
        "name": name,
        "context": describe_context(fields),
        "context_bytes": hex::encode(context.bytes()),
        "context_digest": hex::encode(context.digest()),
        "statement": describe(&statement),
        "instance": hex::encode(statement.instance()),
        "sid": hex::encode(sid),
        "challenges": challenges(sid, &statement, proof),
        "proof": hex::encode(proof),
        "memo_key": hex::encode(memo_key(&context, &statement, proof)),
        "code": check(&context, &statement, proof).err().map_or(0, Reason::code),
    })
}

/// The fields of a context.
pub(crate) fn describe_context(fields: ContextFields<'_>) -> Value {
    json!({
        "suite": fields.suite.code(),
        "origin": hex::encode(fields.origin),
        "group": fields.group,
        "epoch": fields.epoch,
        "tenant": hex::encode(fields.tenant),
        "challenge_id": hex::encode(fields.challenge_id),
        "nonce": hex::encode(fields.nonce),
        "purpose": fields.purpose.code(),
        "subject": hex::encode(fields.subject),
        "contact_id": hex::encode(fields.contact_id),
        "not_before_us": fields.not_before_us,
        "expires_us": fields.expires_us,
        "order_hash": hex::encode(fields.order_hash),
        "policy_digest": hex::encode(fields.policy_digest),
    })
}

pub(crate) fn file(kind: Kind, cases: &[Value]) -> String {
    pretty(&json!({ "suite": 1, "kind": kind.code(), "name": kind.name(), "cases": cases }))
}

pub(crate) fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap() + "\n"
}

fn read_context(value: &Value) -> Context {
    let (origin, tenant, contact_id) = (
        bytes(&value["origin"]),
        bytes(&value["tenant"]),
        bytes(&value["contact_id"]),
    );
    Context::new(ContextFields {
        suite: Suite::from_code(small(&value["suite"])).unwrap(),
        origin: &origin,
        group: value["group"].as_u64().unwrap().try_into().unwrap(),
        epoch: value["epoch"].as_u64().unwrap().try_into().unwrap(),
        tenant: &tenant,
        challenge_id: array(&value["challenge_id"]),
        nonce: array(&value["nonce"]),
        purpose: Purpose::from_code(small(&value["purpose"])).unwrap(),
        subject: array(&value["subject"]),
        contact_id: &contact_id,
        not_before_us: value["not_before_us"].as_u64().unwrap(),
        expires_us: value["expires_us"].as_u64().unwrap(),
        order_hash: array(&value["order_hash"]),
        policy_digest: array(&value["policy_digest"]),
    })
    .unwrap()
}
