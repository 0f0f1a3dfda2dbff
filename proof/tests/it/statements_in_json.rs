//! Statements as the vector files write them: one object per kind, integers and hexadecimal text.

use akashi_proof::{
    AnyStatement, Commitment, Consent, DeviceKey, Dimensions, Equals, InSet, Kind, Knowledge,
    PinKey, Possession, Proximity, Range, RangeBits, RangeTest, Same, TemplateCommitment,
};
use serde_json::{Value, json};

/// The fields of a statement. A range statement is its terms: form, bound and commitments.
pub(crate) fn describe(statement: &AnyStatement) -> Value {
    match statement {
        AnyStatement::Possession(s) => json!({
            "P": hex::encode(s.key.to_bytes()),
            "submission_digest": hex::encode(s.submission_digest),
        }),
        AnyStatement::Knowledge(s) => json!({
            "P": hex::encode(s.device.to_bytes()),
            "K": hex::encode(s.pin.to_bytes()),
        }),
        AnyStatement::Equals(s) => json!({
            "C": hex::encode(s.commitment.to_bytes()),
            "value": s.value,
        }),
        AnyStatement::Same(s) => json!({
            "C1": hex::encode(s.first.to_bytes()),
            "C2": hex::encode(s.second.to_bytes()),
        }),
        AnyStatement::Range(s) => json!({
            "n": s.bits().bits(),
            "m": s.values(),
            "terms": hex::encode(&statement.instance()[2..]),
        }),
        AnyStatement::InSet(s) => json!({
            "set": s.set(),
            "C": hex::encode(s.commitment().to_bytes()),
        }),
        AnyStatement::Proximity(s) => json!({
            "n": s.dimensions().count(),
            "tau": s.tau(),
            "C_t": hex::encode(s.enrolled().to_bytes()),
            "C_p": hex::encode(s.probe().to_bytes()),
        }),
        AnyStatement::Consent(s) => json!({
            "P": hex::encode(s.key.to_bytes()),
            "order_hash": hex::encode(s.order_hash),
            "sealed_digest": hex::encode(s.sealed_digest),
            "recipient_digest": hex::encode(s.recipient_digest),
            "submission_digest": hex::encode(s.submission_digest),
        }),
    }
}

pub(crate) fn read_statement(kind: Kind, value: &Value) -> AnyStatement {
    let device = || DeviceKey::from_bytes(&array(&value["P"])).unwrap();
    let commitment = |name: &str| Commitment::from_bytes(&array(&value[name])).unwrap();
    let template = |name: &str| TemplateCommitment::from_bytes(&array(&value[name])).unwrap();
    match kind {
        Kind::Possession => Possession {
            key: device(),
            submission_digest: array(&value["submission_digest"]),
        }
        .into(),
        Kind::Knowledge => Knowledge {
            device: device(),
            pin: PinKey::from_bytes(&array(&value["K"])).unwrap(),
        }
        .into(),
        Kind::Equals => Equals {
            commitment: commitment("C"),
            value: value["value"].as_u64().unwrap(),
        }
        .into(),
        Kind::Same => Same {
            first: commitment("C1"),
            second: commitment("C2"),
        }
        .into(),
        Kind::Range => {
            let bits = RangeBits::from_bits(small(&value["n"])).unwrap();
            Range::new(bits, &read_terms(&bytes(&value["terms"])))
                .unwrap()
                .into()
        }
        Kind::InSet => {
            let set: Vec<u64> = value["set"]
                .as_array()
                .unwrap()
                .iter()
                .map(|v| v.as_u64().unwrap())
                .collect();
            InSet::new(commitment("C"), &set).unwrap().into()
        }
        Kind::Proximity => Proximity::new(
            Dimensions::from_count(value["n"].as_u64().unwrap().try_into().unwrap()).unwrap(),
            value["tau"].as_u64().unwrap().try_into().unwrap(),
            template("C_t"),
            template("C_p"),
        )
        .unwrap()
        .into(),
        Kind::Consent => Consent {
            key: device(),
            order_hash: array(&value["order_hash"]),
            sealed_digest: array(&value["sealed_digest"]),
            recipient_digest: array(&value["recipient_digest"]),
            submission_digest: array(&value["submission_digest"]),
        }
        .into(),
    }
}

/// The tests behind the terms of an instance; form 3 is always followed by its form 1.
fn read_terms(mut terms: &[u8]) -> Vec<RangeTest> {
    let mut tests = Vec::new();
    let take = |terms: &mut &[u8]| {
        let (point, rest) = terms.split_first_chunk().unwrap();
        *terms = rest;
        Commitment::from_bytes(point).unwrap()
    };
    while let Some((form, rest)) = terms.split_first() {
        let (bound, rest) = rest.split_first_chunk().unwrap();
        let bound = u64::from_le_bytes(*bound);
        terms = rest;
        let value = take(&mut terms);
        tests.push(match form {
            1 => RangeTest::AtLeast { value, bound },
            2 => RangeTest::AtMost { value, bound },
            _ => {
                let other = take(&mut terms);
                terms = &terms[1 + 8 + 32..];
                RangeTest::AtLeastOther { value, other }
            }
        });
    }
    tests
}

pub(crate) fn small(value: &Value) -> u8 {
    value.as_u64().unwrap().try_into().unwrap()
}

pub(crate) fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

pub(crate) fn array<const N: usize>(value: &Value) -> [u8; N] {
    bytes(value).try_into().unwrap()
}
