//! Golden vectors of registrations, presentations and captures: what was asked and the code that came
//! of it, 0 for acceptance.

use akashi_proof::{
    Assurance, CaptureResult, Context, ContextFields, Credential, CredentialFields, DeviceKey,
    Dimensions, IssuerStanding, Purpose, Reason, SensorStanding, Standing, accept_enrolment,
    accept_registration, enrolment_message, present,
};
use ed25519_dalek::Signer;
use expect_test::expect_file;
use serde_json::{Value, json};

use crate::{
    credentials::{credential, issuer},
    scene::{context, device, fields},
    sensors::{Scene, face, signing},
    vectors::{describe_context, pretty},
    vectors_of_messages::{describe_capture, describe_certificate},
};

const NOW_US: u64 = 1_795_000_000_000_000;

#[test]
fn decision_vectors() {
    let file = json!({
        "registrations": registrations(),
        "presentations": presentations(),
        "probes": probes(),
        "enrolments": enrolments(),
    });
    expect_file!["../vectors/decisions/attestations.json"].assert_eq(&pretty(&file));
}

fn code<T>(verdict: Result<T, Reason>) -> u16 {
    verdict.err().map_or(0, Reason::code)
}

/// What a registration is decided on.
struct Registration {
    credential: Credential,
    signature: [u8; 64],
    issuer: Option<IssuerStanding>,
    possessed: Option<DeviceKey>,
    stamp_us: u64,
}

fn registrations() -> Vec<Value> {
    type Fields = fn(&mut CredentialFields<'_>);
    type Around = fn(&mut Registration);
    let cases: [(&str, Fields, Around); 14] = [
        ("accepted", |_| (), |_| ()),
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
            signature: issuer().0.sign(&credential.message()).to_bytes(),
            issuer: Some(issuer().1),
            possessed: Some(credential.holder()),
            stamp_us: NOW_US,
            credential,
        };
        around(&mut asked);
        let verdict = accept_registration(
            &context(),
            &asked.credential,
            &asked.signature,
            asked.issuer.as_ref(),
            asked.possessed.as_ref(),
            asked.stamp_us,
        );
        json!({
            "name": name,
            "context": describe_context(fields()),
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
    [
        ("accepted", good, Some(holder), 1, NOW_US),
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
        let verdict = present(
            &context(),
            &credential,
            standing,
            possessed.as_ref(),
            attribute,
            stamp_us,
        );
        json!({
            "name": name,
            "context": describe_context(fields()),
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

fn probes() -> Vec<Value> {
    // (name, change before the sensor signs, change after it signed)
    type Change = fn(&mut Scene);
    let cases: [(&str, Change, Change); 15] = [
        ("accepted", |_| (), |_| ()),
        ("sensor revoked", |s| s.revoked = true, |_| ()),
        (
            "certificate expired",
            |s| s.certificate.expires_us = s.stamp_us - 1,
            |_| (),
        ),
        (
            "certificate not yet valid",
            |s| s.certificate.not_before_us = s.stamp_us + 1,
            |_| (),
        ),
        (
            "another commitment",
            |_| (),
            |s| s.capture.commitment = face(43, true).commitment(),
        ),
        (
            "an older template",
            |_| (),
            |s| s.enrolled.commitment = face(44, false).commitment(),
        ),
        (
            "another device",
            |_| (),
            |s| s.enrolled.key = device(8).public(),
        ),
        (
            "another level",
            |_| (),
            |s| s.capture.level = Assurance::Attested,
        ),
        (
            "captured before the session",
            |s| s.capture.captured_us = s.context.not_before_us() - 1,
            |_| (),
        ),
        (
            "captured after the entry",
            |s| s.capture.captured_us = s.stamp_us + 1,
            |_| (),
        ),
        (
            "too old",
            |s| s.stamp_us = s.capture.captured_us + 60_000_001,
            |_| (),
        ),
        (
            "another model",
            |s| s.capture.model_id = b"face-embedding-2",
            |_| (),
        ),
        (
            "other dimensions",
            |s| s.capture.dimensions = Dimensions::D256,
            |_| (),
        ),
        (
            "a simulator",
            |s| s.capture.level = Assurance::Software,
            |_| (),
        ),
        (
            "an attack",
            |s| s.capture.result = CaptureResult::Attack,
            |_| (),
        ),
    ];
    let decided = |(name, before, after): (&str, Change, Change)| {
        let mut scene = Scene::new();
        before(&mut scene);
        let signature = scene.sign();
        after(&mut scene);
        json!({
            "name": name,
            "context": describe_context(fields()),
            "tau": 100,
            "P": hex::encode(scene.enrolled.key.to_bytes()),
            "C_t": hex::encode(scene.enrolled.commitment.to_bytes()),
            "n": scene.enrolled.dimensions.count(),
            "model_id": hex::encode(&scene.enrolled.model_id),
            "capture": describe_capture(&scene.capture),
            "signature": hex::encode(signature),
            "certificate": describe_certificate(&scene.certificate),
            "revoked": scene.revoked,
            "level_min": scene.policy.level_min.code(),
            "age_max_us": scene.policy.age_max_us,
            "stamp_us": scene.stamp_us,
            "code": code(scene.accept(&signature)),
        })
    };
    cases.map(decided).into()
}

fn enrolments() -> Vec<Value> {
    let scene = Scene::new();
    let key = device(7).public();
    let (enrol, nonce) = (
        ContextFields {
            purpose: Purpose::Enrol,
            ..fields()
        },
        [0x5a; 32],
    );
    let message = enrolment_message(
        &Context::new(enrol).unwrap(),
        &key,
        &scene.capture,
        &scene.digest(),
        &nonce,
    );
    let signature = signing().sign(&message).to_bytes();
    [
        ("accepted", enrol, nonce, true),
        ("another server nonce", enrol, [0; 32], true),
        ("another purpose", fields(), nonce, true),
        ("no sensor", enrol, nonce, false),
    ]
    .into_iter()
    .map(|(name, fields, nonce, known)| {
        let sensor = SensorStanding {
            certificate: &scene.certificate,
            revoked: false,
        };
        let verdict = accept_enrolment(
            &Context::new(fields).unwrap(),
            key,
            &scene.capture,
            &signature,
            &nonce,
            known.then_some(sensor),
            (scene.policy, scene.stamp_us),
        );
        json!({
            "name": name,
            "context": describe_context(fields),
            "P": hex::encode(key.to_bytes()),
            "capture": describe_capture(&scene.capture),
            "signature": hex::encode(signature),
            "server_nonce": hex::encode(nonce),
            "certificate": known.then(|| describe_certificate(&scene.certificate)),
            "revoked": false,
            "level_min": scene.policy.level_min.code(),
            "age_max_us": scene.policy.age_max_us,
            "stamp_us": scene.stamp_us,
            "code": code(verdict),
        })
    })
    .collect()
}
