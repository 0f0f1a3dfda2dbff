//! Golden vectors of bytes that are read, part of `vectors_of_decisions.rs`: bodies of credentials and
//! keys of issuers and sensors.

use akashi_proof::{Credential, IssuerKey, SensorKey};
use serde_json::{Value, json};

use crate::{
    credentials::{credential, issuer},
    vectors_of_decisions::code,
};

/// Bytes offered as the body of a credential.
pub(crate) fn bodies() -> Vec<Value> {
    let body = credential(|_| ()).unwrap().body();
    let holder = body.len() - (2 * 32 + 1 + 8 + 8 + 16 + 32);
    let count = holder + 32 + 16 + 8 + 8;
    let changed = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut body = body.clone();
        change(&mut body);
        body
    };
    let longest = [b'i'; 255];
    let of = |change| credential(change).unwrap().body();
    [
        ("accepted", body.clone()),
        (
            "accepted: the longest names",
            of(|f| f.issuer = &[b'i'; 255]),
        ),
        (
            "accepted: valid for one microsecond",
            of(|f| f.expires_us = f.not_before_us + 1),
        ),
        ("empty", vec![]),
        ("another suite", changed(&|b| b[0] = 2)),
        (
            "another suite, one byte less",
            changed(&|b| {
                b[0] = 2;
                b.pop();
            }),
        ),
        ("one byte less", changed(&|b| b.truncate(b.len() - 1))),
        ("one byte more", changed(&|b| b.push(0))),
        (
            "no origin",
            changed(&|b| {
                let length = usize::from(b[1]);
                b.drain(3..3 + length);
                b[1] = 0;
            }),
        ),
        (
            "an origin of 256 bytes",
            changed(&|b| {
                let length = usize::from(b[1]);
                b.splice(3..3 + length, [&longest[..], b"i"].concat());
                b[1..3].copy_from_slice(&256_u16.to_le_bytes());
            }),
        ),
        ("an origin longer than the body", changed(&|b| b[2] = 0xff)),
        (
            "P is not canonical",
            changed(&|b| b[holder..holder + 32].fill(0xff)),
        ),
        (
            "P is the identity",
            changed(&|b| b[holder..holder + 32].fill(0)),
        ),
        (
            "P is the identity, no attributes",
            changed(&|b| {
                b[holder..holder + 32].fill(0);
                b.truncate(count);
                b.push(0);
            }),
        ),
        (
            "expires as it begins",
            changed(&|b| b.copy_within(count - 16..count - 8, count - 8)),
        ),
        (
            "expires as it begins, an attribute is the identity",
            changed(&|b| {
                b.copy_within(count - 16..count - 8, count - 8);
                b[count + 1..count + 33].fill(0);
            }),
        ),
        (
            "no attributes",
            changed(&|b| {
                b.truncate(count);
                b.push(0);
            }),
        ),
        (
            "33 attributes",
            changed(&|b| {
                let one = b[count + 1..count + 33].to_vec();
                b.truncate(count);
                b.push(33);
                b.extend(one.repeat(33));
            }),
        ),
        (
            "accepted: 32 attributes",
            changed(&|b| {
                let one = b[count + 1..count + 33].to_vec();
                b.truncate(count);
                b.push(32);
                b.extend(one.repeat(32));
            }),
        ),
        ("a count of one more", changed(&|b| b[count] += 1)),
        (
            "the last attribute is not canonical",
            changed(&|b| {
                let last = b.len() - 32;
                b[last..].fill(0xff);
            }),
        ),
        (
            "both attributes are bad",
            changed(&|b| {
                b[count + 1..count + 33].fill(0);
                b[count + 33..].fill(0xff);
            }),
        ),
        (
            "the count and an attribute are bad",
            changed(&|b| {
                b[count] += 1;
                b[count + 1..count + 33].fill(0);
            }),
        ),
    ]
    .into_iter()
    .map(|(name, body)| {
        let read = Credential::parse(&body);
        if let Ok(credential) = &read {
            assert_eq!(credential.body(), body, "{name}");
        }
        assert_eq!(read.is_ok(), name.starts_with("accepted"), "{name}");
        json!({ "name": name, "body": hex::encode(&body), "code": code(read) })
    })
    .collect()
}

/// Bytes offered as the key of an issuer or a sensor.
pub(crate) fn keys() -> Vec<Value> {
    let mut offered: Vec<(String, [u8; 32])> = vec![
        ("accepted".to_owned(), issuer().1.key.to_bytes()),
        ("no point".to_owned(), [2; 32]),
        ("all ones".to_owned(), [0xff; 32]),
    ];
    for (i, point) in curve25519_dalek::constants::EIGHT_TORSION
        .iter()
        .enumerate()
    {
        offered.push((format!("small order {i}"), point.compress().to_bytes()));
    }
    // y from p to p + 18 has a second encoding; with the sign bit, x = 0 has one more.
    for more in 0..19_u8 {
        for sign in [0, 0x80] {
            let mut high = [0xff; 32];
            (high[0], high[31]) = (0xed + more, 0x7f | sign);
            offered.push((format!("y = p + {more}, sign {sign}"), high));
            let mut low = [0; 32];
            (low[0], low[31]) = (more, sign);
            offered.push((format!("y = {more}, sign {sign}"), low));
        }
    }
    let mut minus_one = [0xff; 32];
    minus_one[0] = 0xec;
    offered.push(("y = p - 1, sign 128".to_owned(), minus_one));
    offered
        .into_iter()
        .map(|(name, key)| {
            let read = IssuerKey::from_bytes(&key).map(IssuerKey::to_bytes);
            assert_eq!(read, SensorKey::from_bytes(&key).map(SensorKey::to_bytes));
            json!({ "name": name, "key": hex::encode(key), "code": code(read) })
        })
        .collect()
}
