//! Golden vectors of registrations, presentations and captures: what was asked and the code that came
//! of it, 0 for acceptance.

use akashi_proof::{
    Context, ContextFields, Credential, CredentialFields, DeviceKey, IssuerStanding, Purpose,
    Reason, Standing, accept_registration, present,
};
use ed25519_dalek::Signer;
use expect_test::expect_file;
use serde_json::{Value, json};

use crate::{
    credentials::{credential, issuer},
    scene::{TENANT, device, fields},
    vectors::{describe_context, pretty},
    vectors_of_bodies::{bodies, keys},
    vectors_of_captures::{enrolments, probes},
};

const NOW_US: u64 = 1_795_000_000_000_000;

#[test]
fn decision_vectors() {
    let file = json!({
        "bodies": bodies(),
        "keys": keys(),
        "registrations": registrations(),
        "presentations": presentations(),
        "probes": probes(),
        "enrolments": enrolments(),
    });
    expect_file!["../vectors/decisions/attestations.json"].assert_eq(&pretty(&file));
}

pub(crate) fn code<T>(verdict: Result<T, Reason>) -> u16 {
    verdict.err().map_or(0, Reason::code)
}

/// What a registration is decided on.
struct Registration {
    fields: ContextFields<'static>,
    credential: Credential,
    signature: [u8; 64],
    issuer: Option<IssuerStanding>,
    possessed: Option<DeviceKey>,
    stamp_us: u64,
}

fn registrations() -> Vec<Value> {
    type Fields = fn(&mut CredentialFields<'_>);
    type Around = fn(&mut Registration);
    let cases: [(&str, Fields, Around); 21] = [
        ("accepted", |_| (), |_| ()),
        (
            "accepted at the first moment",
            |_| (),
            |r| r.stamp_us = NOW_US - 1,
        ),
        (
            "accepted at the last moment",
            |_| (),
            |r| r.stamp_us = NOW_US + 1,
        ),
        (
            "under a call",
            |_| (),
            |r| r.fields.purpose = Purpose::CustomerCall,
        ),
        (
            "under a phone's session, and of another tenant",
            |f| f.tenant = b"other",
            |r| r.fields.purpose = Purpose::PhoneSession,
        ),
        (
            "another subject and no possession",
            |f| f.subject = [0; 32],
            |r| r.possessed = None,
        ),
        (
            "no possession and no issuer",
            |_| (),
            |r| (r.possessed, r.issuer) = (None, None),
        ),
        (
            "issuer revoked and signature changed",
            |_| (),
            |r| {
                revoke(r, NOW_US - 1);
                r.signature[0] ^= 1;
            },
        ),
        ("another origin", |f| f.origin = b"other", |_| ()),
        ("another tenant", |f| f.tenant = b"other", |_| ()),
        ("another subject", |f| f.subject = [0; 32], |_| ()),
        ("no possession", |_| (), |r| r.possessed = None),
        (
            "another key possessed",
            |_| (),
            |r| r.possessed = Some(device(8).public()),
        ),
        ("no issuer", |_| (), |r| r.issuer = None),
        (
            "another issuer key id",
            |f| f.issuer_key_id = [0; 32],
            |_| (),
        ),
        ("issuer revoked", |_| (), |r| revoke(r, NOW_US)),
        ("issuer revoked later", |_| (), |r| revoke(r, NOW_US + 1)),
        ("signature changed", |_| (), |r| r.signature[0] ^= 1),
        (
            "signature and validity are both bad",
            |_| (),
            |r| {
                r.signature[0] ^= 1;
                r.stamp_us = NOW_US + 2;
            },
        ),
        ("not yet valid", |_| (), |r| r.stamp_us = NOW_US - 2),
        ("expired", |_| (), |r| r.stamp_us = NOW_US + 2),
    ];
    let decided = |(name, change, around): (&str, Fields, Around)| {
        let credential = credential(change).unwrap();
        let mut asked = Registration {
            fields: enrol_fields(),
            signature: issuer().0.sign(&credential.message()).to_bytes(),
            issuer: Some(issuer().1),
            possessed: Some(credential.holder()),
            stamp_us: NOW_US,
            credential,
        };
        around(&mut asked);
        let verdict = accept_registration(
            &Context::new(asked.fields).unwrap(),
            &asked.credential,
            &asked.signature,
            asked.issuer.as_ref(),
            asked.possessed.as_ref(),
            asked.stamp_us,
        );
        json!({
            "name": name,
            "context": describe_context(asked.fields),
            "body": hex::encode(asked.credential.body()),
            "signature": hex::encode(asked.signature),
            "issuer_key": asked.issuer.map(|issuer| hex::encode(issuer.key.to_bytes())),
            "issuer_revoked_from_us": asked.issuer.and_then(|issuer| issuer.revoked_from_us),
            "possessed": asked.possessed.map(|key| hex::encode(key.to_bytes())),
            "stamp_us": asked.stamp_us,
            "code": code(verdict),
        })
    };
    cases.map(decided).into()
}

pub(crate) fn enrol_fields() -> ContextFields<'static> {
    ContextFields {
        purpose: Purpose::Enrol,
        ..fields()
    }
}

fn revoke(asked: &mut Registration, from_us: u64) {
    if let Some(issuer) = &mut asked.issuer {
        issuer.revoked_from_us = Some(from_us);
    }
}

fn presentations() -> Vec<Value> {
    let credential = credential(|_| ()).unwrap();
    let (holder, stranger) = (credential.holder(), device(8).public());
    let good = Standing {
        registered_us: NOW_US,
        revoked: false,
        issuer_revoked_from_us: None,
    };
    let revoked = Standing {
        revoked: true,
        ..good
    };
    let issuer_revoked = |from_us| Standing {
        issuer_revoked_from_us: Some(from_us),
        ..good
    };
    let both = Standing {
        revoked: true,
        ..issuer_revoked(NOW_US)
    };
    let call = fields();
    let mut cases: Vec<_> = [
        ("accepted", good, Some(holder), 1, NOW_US),
        (
            "accepted at the first moment",
            good,
            Some(holder),
            1,
            NOW_US - 1,
        ),
        (
            "accepted at the last moment",
            good,
            Some(holder),
            1,
            NOW_US + 1,
        ),
        ("not yet valid", good, Some(holder), 0, NOW_US - 2),
        (
            "revoked, by an issuer that is revoked",
            both,
            Some(holder),
            0,
            NOW_US,
        ),
        ("revoked and expired", revoked, Some(holder), 0, NOW_US + 2),
        (
            "expired and no such attribute",
            good,
            Some(holder),
            2,
            NOW_US + 2,
        ),
        ("no possession of what is revoked", revoked, None, 0, NOW_US),
        ("no possession", good, None, 0, NOW_US),
        ("another key possessed", good, Some(stranger), 0, NOW_US),
        (
            "issuer revoked back to then",
            issuer_revoked(NOW_US),
            Some(holder),
            0,
            NOW_US,
        ),
        (
            "issuer revoked from later",
            issuer_revoked(NOW_US + 1),
            Some(holder),
            0,
            NOW_US,
        ),
        ("revoked", revoked, Some(holder), 0, NOW_US),
        ("expired", good, Some(holder), 0, NOW_US + 2),
        ("no such attribute", good, Some(holder), 2, NOW_US),
    ]
    .into_iter()
    .map(|(name, standing, possessed, attribute, stamp_us)| {
        (name, call, standing, possessed, attribute, stamp_us)
    })
    .collect();
    let other = |tenant, purpose| ContextFields {
        tenant,
        purpose,
        ..call
    };
    for (name, fields) in [
        ("under an enrolment", other(TENANT, Purpose::Enrol)),
        (
            "under a phone's session",
            other(TENANT, Purpose::PhoneSession),
        ),
        ("of another tenant", other(b"other", Purpose::CustomerCall)),
        (
            "of another tenant, under an enrolment",
            other(b"other", Purpose::Enrol),
        ),
        ("accepted under a login", other(TENANT, Purpose::AgentLogin)),
        (
            "accepted under a presence",
            other(TENANT, Purpose::AgentPresence),
        ),
    ] {
        cases.push((name, fields, good, Some(holder), 0, NOW_US));
    }
    cases
        .into_iter()
        .map(|(name, fields, standing, possessed, attribute, stamp_us)| {
            let verdict = present(
                &Context::new(fields).unwrap(),
                &credential,
                standing,
                possessed.as_ref(),
                attribute,
                stamp_us,
            );
            json!({
                "name": name,
                "context": describe_context(fields),
                "body": hex::encode(credential.body()),
                "registered_us": standing.registered_us,
                "revoked": standing.revoked,
                "issuer_revoked_from_us": standing.issuer_revoked_from_us,
                "possessed": possessed.map(|key| hex::encode(key.to_bytes())),
                "attribute": attribute,
                "stamp_us": stamp_us,
                "code": code(verdict),
            })
        })
        .collect()
}
