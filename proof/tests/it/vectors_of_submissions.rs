//! Golden vectors of whole submissions: every part with what travels with it, the two digests, and the
//! code of every part. A PIN key is replaced in all of them (specification.md, section 5.1).

use akashi_proof::{
    AnyStatement, Consent, Context, DeviceKey, Kind, Knowledge, Part, PinKey, Possession,
    ProximityWitness, Range, RangeBits, RangeTest, RangeWitness, Reason, accept_probe, check,
    order_hash, probe_message, prove, recipient_digest, sealed_digest, submission_digest,
};
use akashi_proof::{ContextFields, Purpose, Same, SameWitness, SensorStanding};
use expect_test::expect_file;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    credentials::credential,
    kinds::opening,
    scene::{SeededRng, device, fields, pin},
    sensors::{Scene, face, signing},
    vectors::{describe_context, pretty},
};
use ed25519_dalek::Signer;

const RECIPIENT: [u8; 32] = [3; 32];
const ORDER_SALT: [u8; 32] = [0x5a; 32];

/// One part as it is sent, but for the instance, which a replica takes from its state. Of kind 8 and
/// of a new PIN key, the state has no instance: it follows from what travels with the part.
#[derive(Clone)]
struct Sent {
    kind: Kind,
    slot: u8,
    serial: [u8; 16],
    attribute: u16,
    instance: Vec<u8>,
    proof: Vec<u8>,
    /// Nothing; K′; a second serial; capture and signature; encapsulated key and ciphertext.
    travels: Vec<Vec<u8>>,
}

impl Sent {
    fn sealed(&self) -> [u8; 32] {
        match (self.kind, self.travels.as_slice()) {
            (_, []) => [0; 32],
            (Kind::Consent, [key, ciphertext]) => sealed_digest(key, ciphertext),
            (_, travels) => Sha256::digest(travels.concat()).into(),
        }
    }

    fn part(&self) -> Part<'_> {
        Part {
            kind: self.kind,
            slot: self.slot,
            credential_serial: self.serial,
            attribute_index: self.attribute,
            proof: &self.proof,
            sealed_digest: self.sealed(),
        }
    }

    fn describe(&self, code: u16) -> Value {
        json!({
            "kind": self.kind.code(),
            "slot": self.slot,
            "credential_serial": hex::encode(self.serial),
            "attribute_index": self.attribute,
            "instance": (!self.instance.is_empty()).then(|| hex::encode(&self.instance)),
            "proof": hex::encode(&self.proof),
            "travels": self.travels.iter().map(hex::encode).collect::<Vec<_>>(),
            "sealed_digest": hex::encode(self.sealed()),
            "code": code,
        })
    }
}

/// A submission, and what a replica holds against it.
#[derive(Clone)]
struct Submission {
    fields: ContextFields<'static>,
    order: [u8; 32],
    recipient: [u8; 32],
    parts: Vec<Sent>,
    possession: Vec<u8>,
}

impl Submission {
    fn key() -> DeviceKey {
        device(7).public()
    }

    /// Over every part but possession and consent.
    fn own_digest_of_consent(&self) -> [u8; 32] {
        let others = self.parts.iter().filter(|sent| sent.kind != Kind::Consent);
        submission_digest(&others.map(Sent::part).collect::<Vec<_>>())
    }

    fn digest(&self) -> [u8; 32] {
        submission_digest(&self.parts.iter().map(Sent::part).collect::<Vec<_>>())
    }

    fn consent(&self, sent: &Sent) -> Consent {
        Consent {
            key: Self::key(),
            order_hash: self.order,
            sealed_digest: sent.sealed(),
            recipient_digest: recipient_digest(&self.recipient),
            submission_digest: self.own_digest_of_consent(),
        }
    }

    fn statement(&self, sent: &Sent) -> Result<AnyStatement, Reason> {
        match sent.kind {
            Kind::Consent => Ok(self.consent(sent).into()),
            Kind::Knowledge if sent.slot == 1 => Ok(Knowledge {
                device: Self::key(),
                pin: PinKey::from_bytes(&sent.travels[0][..].try_into().unwrap())?,
            }
            .into()),
            kind @ (Kind::Possession
            | Kind::Knowledge
            | Kind::Equals
            | Kind::Same
            | Kind::Range
            | Kind::InSet
            | Kind::Proximity) => AnyStatement::from_instance(kind, &sent.instance),
        }
    }

    fn describe(&self, name: &str) -> Value {
        let context = Context::new(self.fields).unwrap();
        let code = |statement: Result<AnyStatement, Reason>, proof: &[u8]| {
            let verdict = statement.and_then(|statement| check(&context, &statement, proof));
            verdict.err().map_or(0, Reason::code)
        };
        let possession = Possession {
            key: Self::key(),
            submission_digest: self.digest(),
        };
        let parts: Vec<Value> = self
            .parts
            .iter()
            .map(|sent| sent.describe(code(self.statement(sent), &sent.proof)))
            .collect();
        json!({
            "name": name,
            "context": describe_context(self.fields),
            "P": hex::encode(Self::key().to_bytes()),
            "order_hash": hex::encode(self.order),
            "recipient_key": hex::encode(self.recipient),
            "parts": parts,
            "own_digest_of_consent": hex::encode(self.own_digest_of_consent()),
            "submission_digest": hex::encode(self.digest()),
            "possession": hex::encode(&self.possession),
            "possession_code": code(Ok(possession.into()), &self.possession),
        })
    }

    /// Makes possession, and before it the consent if there is one: what a phone does last.
    fn finish(mut self) -> Self {
        let context = Context::new(self.fields).unwrap();
        if let Some(place) = self
            .parts
            .iter()
            .position(|sent| sent.kind == Kind::Consent)
        {
            let statement = self.consent(&self.parts[place]);
            let proof = prove(&context, &statement, &device(7), &mut SeededRng::new(95)).unwrap();
            self.parts[place].proof = proof.to_bytes();
        }
        let possession = Possession {
            key: Self::key(),
            submission_digest: self.digest(),
        };
        let proof = prove(&context, &possession, &device(7), &mut SeededRng::new(96)).unwrap();
        self.possession = proof.to_bytes();
        self
    }
}

/// A PIN, a new PIN key, an age that two credentials have, one above a bound, a limit above the
/// order's amount, a face, a consent.
fn whole(typed: &[u8]) -> Submission {
    let amount = opening(4_200, 60);
    let order = order_hash(&ORDER_SALT, &[amount.commitment()], b"pay 42.00");
    let fields = ContextFields {
        purpose: Purpose::Consent,
        order_hash: order,
        ..fields()
    };
    let context = Context::new(fields).unwrap();
    let key = Submission::key();
    let bare = |kind, slot| Sent {
        kind,
        slot,
        serial: [0; 16],
        attribute: 0,
        instance: Vec::new(),
        proof: Vec::new(),
        travels: Vec::new(),
    };

    let enrolled = pin(b"482913", 8).public();
    let answer = pin(typed, 8);
    let known = |pin| Knowledge { device: key, pin };
    let knowledge = Sent {
        instance: AnyStatement::from(known(enrolled)).instance(),
        proof: prove(
            &context,
            &known(answer.public()),
            &answer,
            &mut SeededRng::new(90),
        )
        .unwrap()
        .to_bytes(),
        ..bare(Kind::Knowledge, 0)
    };
    // The same PIN under a new salt.
    let next = pin(b"482913", 9);
    let rotation = Sent {
        proof: prove(
            &context,
            &known(next.public()),
            &next,
            &mut SeededRng::new(91),
        )
        .unwrap()
        .to_bytes(),
        travels: vec![next.public().to_bytes().to_vec()],
        ..bare(Kind::Knowledge, 1)
    };

    let credential = credential(|_| ()).unwrap();
    let (age, limit) = (opening(42, 1), opening(5_000, 2));
    let old_enough = RangeTest::AtLeast {
        value: age.commitment(),
        bound: 18,
    };
    let covers = RangeTest::AtLeastOther {
        value: limit.commitment(),
        other: amount.commitment(),
    };
    let predicate = |slot: u8, test, openings: &[_]| {
        let statement = Range::new(RangeBits::ThirtyTwo, &[test]).unwrap();
        let witness = RangeWitness::new(openings);
        Sent {
            serial: credential.serial(),
            attribute: slot.into(),
            proof: prove(&context, &statement, &witness, &mut SeededRng::new(92))
                .unwrap()
                .to_bytes(),
            instance: AnyStatement::from(statement).instance(),
            ..bare(Kind::Range, slot)
        }
    };

    // The age of another credential is the same.
    let other_age = opening(42, 61);
    let alike = Same {
        first: age.commitment(),
        second: other_age.commitment(),
    };
    let both = SameWitness::new(&age, &other_age);
    let same = Sent {
        serial: credential.serial(),
        proof: prove(&context, &alike, &both, &mut SeededRng::new(94))
            .unwrap()
            .to_bytes(),
        instance: AnyStatement::from(alike).instance(),
        travels: vec![vec![0x5f; 16]],
        ..bare(Kind::Same, 2)
    };

    let scene = Scene::new();
    let message = probe_message(
        &context,
        &key,
        &scene.capture,
        &scene.digest(),
        &scene.enrolled.commitment,
    );
    let signature = signing().sign(&message).to_bytes();
    // What travels is the run of the message from C to the time; SHA-256(C_t) is the last of it.
    let run = 32 + 2 + 2 + scene.capture.model_id.len() + 1 + 1 + 32 + 8;
    let captured = &message[message.len() - 32 - run..message.len() - 32];
    assert!(captured.starts_with(&scene.capture.commitment.to_bytes()));
    let sensor = SensorStanding {
        certificate: &scene.certificate,
        revoked: false,
    };
    let near = accept_probe(
        &context,
        100,
        &scene.enrolled,
        &scene.capture,
        &signature,
        Some(sensor),
        (scene.policy, scene.stamp_us),
    )
    .unwrap();
    let witness = ProximityWitness::new(&face(41, false), &face(42, true)).unwrap();
    let proximity = Sent {
        proof: prove(&context, &near, &witness, &mut SeededRng::new(93))
            .unwrap()
            .to_bytes(),
        instance: AnyStatement::from(near).instance(),
        travels: vec![captured.to_vec(), signature.to_vec()],
        ..bare(Kind::Proximity, 0)
    };
    let consent = Sent {
        travels: vec![vec![1; 32], vec![2; 48]],
        ..bare(Kind::Consent, 0)
    };
    Submission {
        fields,
        order,
        recipient: RECIPIENT,
        parts: vec![
            knowledge,
            rotation,
            same,
            predicate(0, old_enough, &[&age]),
            predicate(1, covers, &[&limit, &amount]),
            proximity,
            consent,
        ],
        possession: Vec::new(),
    }
    .finish()
}

#[test]
fn submission_vectors() {
    let good = whole(b"482913");
    let changed = |change: &dyn Fn(&mut Submission)| {
        let mut submission = good.clone();
        change(&mut submission);
        submission
    };
    let other_pin = pin(b"482913", 10).public().to_bytes().to_vec();
    let cases = [
        ("accepted", good.clone()),
        ("accepted: a PIN and a new PIN key", {
            let mut alone = good.clone();
            alone.parts.truncate(2);
            alone.finish()
        }),
        ("the wrong PIN", whole(b"482914")),
        (
            "the new PIN key is exchanged",
            changed(&|s| s.parts[1].travels = vec![other_pin.clone()]),
        ),
        (
            "the new PIN key is the identity",
            changed(&|s| s.parts[1].travels = vec![vec![0; 32]]),
        ),
        (
            "the new PIN key is not canonical",
            changed(&|s| s.parts[1].travels = vec![vec![0xff; 32]]),
        ),
        (
            "the new PIN key is left out",
            changed(&|s| drop(s.parts.remove(1))),
        ),
        (
            "the slots of both PIN proofs are exchanged",
            changed(&|s| {
                let proof = s.parts[0].proof.clone();
                s.parts[0].proof = s.parts[1].proof.clone();
                s.parts[1].proof = proof;
            }),
        ),
        (
            "the sealed payload is exchanged",
            changed(&|s| s.parts[6].travels[1][0] ^= 1),
        ),
        (
            "the recipient is another one",
            changed(&|s| s.recipient = [4; 32]),
        ),
        (
            "another attribute is named",
            changed(&|s| s.parts[3].attribute = 1),
        ),
        (
            "the sensor's signature is another one",
            changed(&|s| s.parts[5].travels[1][0] ^= 1),
        ),
        (
            "the second credential is another one",
            changed(&|s| s.parts[2].travels = vec![vec![0x60; 16]]),
        ),
        ("two parts are exchanged", changed(&|s| s.parts.swap(3, 4))),
        (
            "the consent is left out",
            changed(&|s| drop(s.parts.remove(6))),
        ),
        ("possession of nothing else", changed(&|s| s.parts.clear())),
    ];
    let cases: Vec<Value> = cases
        .iter()
        .map(|(name, submission)| submission.describe(name))
        .collect();
    let all_zero = |case: &Value| {
        case["possession_code"] == 0
            && case["parts"]
                .as_array()
                .unwrap()
                .iter()
                .all(|part| part["code"] == 0)
    };
    for case in &cases {
        let accepted = case["name"].as_str().unwrap().starts_with("accepted");
        assert_eq!(all_zero(case), accepted, "{}", case["name"]);
    }
    let file = json!({ "suite": 1, "cases": cases });
    expect_file!["../vectors/decisions/submissions.json"].assert_eq(&pretty(&file));
}
