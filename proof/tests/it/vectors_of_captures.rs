//! Golden vectors of captures, part of `vectors_of_decisions.rs`: probes and templates, and the code that
//! came of each.

use akashi_proof::{
    Assurance, CaptureResult, Context, Dimensions, Purpose, SensorStanding, TAU_LIMIT,
    accept_enrolment, enrolment_message,
};
use ed25519_dalek::Signer;
use serde_json::{Value, json};

use crate::{
    scene::{device, fields},
    sensors::{Scene, face, signing},
    vectors::describe_context,
    vectors_of_decisions::{code, enrol_fields},
    vectors_of_messages::{describe_capture, describe_certificate},
};

pub(crate) fn probes() -> Vec<Value> {
    // (name, change before the sensor signs, change after it signed)
    type Change = fn(&mut Scene);
    let cases: [(&str, Change, Change); 34] = [
        ("accepted", |_| (), |_| ()),
        (
            "accepted: captured as the session begins",
            |s| s.capture.captured_us = s.context.not_before_us(),
            |_| (),
        ),
        (
            "accepted: captured at the stamp",
            |s| s.capture.captured_us = s.stamp_us,
            |_| (),
        ),
        (
            "accepted: as old as it may be",
            |s| s.stamp_us = s.capture.captured_us + 60_000_000,
            |_| (),
        ),
        (
            "accepted: at the certificate's first moment",
            |s| s.certificate.not_before_us = s.stamp_us,
            |_| (),
        ),
        (
            "accepted: at the certificate's last moment",
            |s| s.certificate.expires_us = s.stamp_us,
            |_| (),
        ),
        (
            "accepted: an attested template",
            |s| s.enrolled.level = Assurance::Attested,
            |_| (),
        ),
        (
            "accepted: the largest tau",
            |s| s.tau = TAU_LIMIT - 1,
            |_| (),
        ),
        ("tau is too large", |s| s.tau = TAU_LIMIT, |_| ()),
        (
            "tau is too large and the capture an attack",
            |s| (s.tau, s.capture.result) = (TAU_LIMIT, CaptureResult::Attack),
            |_| (),
        ),
        (
            "a template of a simulator",
            |s| s.enrolled.level = Assurance::Software,
            |_| (),
        ),
        (
            "not tested for attacks",
            |s| s.capture.result = CaptureResult::NotTested,
            |_| (),
        ),
        ("no sensor", |s| s.known = false, |_| ()),
        ("under an enrolment", |s| s.put(Purpose::Enrol), |_| ()),
        (
            "under a phone's session, and no sensor",
            |s| s.put(Purpose::PhoneSession),
            |s| s.known = false,
        ),
        (
            "accepted under a login",
            |s| s.put(Purpose::AgentLogin),
            |_| (),
        ),
        (
            "sensor revoked and signature changed",
            |s| s.revoked = true,
            |s| s.capture.captured_us += 1,
        ),
        (
            "too old, of another model",
            |s| s.stamp_us = s.capture.captured_us + 60_000_001,
            |s| s.enrolled.model_id = b"other".into(),
        ),
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
            "another model, and a simulator",
            |s| (s.capture.model_id, s.capture.level) = (b"face-embedding-2", Assurance::Software),
            |_| (),
        ),
        (
            "the certificate's model is another one",
            |s| s.certificate.model_id = b"face-embedding-2".into(),
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
            "context": describe_context(scene.fields()),
            "tau": scene.tau,
            "P": hex::encode(scene.enrolled.key.to_bytes()),
            "C_t": hex::encode(scene.enrolled.commitment.to_bytes()),
            "n": scene.enrolled.dimensions.count(),
            "model_id": hex::encode(&scene.enrolled.model_id),
            "enrolled_level": scene.enrolled.level.code(),
            "capture": describe_capture(&scene.capture),
            "signature": hex::encode(signature),
            "certificate": scene.known.then(|| describe_certificate(&scene.certificate)),
            "revoked": scene.revoked,
            "level_min": scene.policy.level_min.code(),
            "age_max_us": scene.policy.age_max_us,
            "stamp_us": scene.stamp_us,
            "code": code(scene.accept(&signature)),
        })
    };
    cases.map(decided).into()
}

pub(crate) fn enrolments() -> Vec<Value> {
    let scene = Scene::new();
    let key = device(7).public();
    let (enrol, nonce) = (enrol_fields(), [0x5a; 32]);
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
