//! Golden vectors of what issuers and sensors sign and of what orders come to.

use akashi_proof::{
    Capture, SensorCertificate, enrolment_message, order_hash, recipient_digest, seal_info,
    sealed_digest,
};
use ed25519_dalek::Signer;
use expect_test::expect_file;
use serde_json::{Value, json};

use crate::{
    credentials::{credential, issuer},
    kinds::opening,
    scene::{ORIGIN, TENANT, context},
    sensors::{Scene, signing},
    vectors::pretty,
};

#[test]
fn message_vectors() {
    let (key, standing) = issuer();
    let one = credential(|_| ()).unwrap();
    let other = credential(|f| (f.issuer, f.schema_version) = (&[b'i'; 255], 0x0102)).unwrap();
    let credentials: Vec<Value> = [one, other]
        .iter()
        .map(|credential| {
            json!({
                "body": hex::encode(credential.body()),
                "digest": hex::encode(credential.digest()),
                "issuer_key": hex::encode(standing.key.to_bytes()),
                "issuer_key_id": hex::encode(standing.key.id()),
                "signature": hex::encode(key.sign(&credential.message()).to_bytes()),
            })
        })
        .collect();

    let scene = Scene::new();
    let nonce = [0x5a; 32];
    let enrolment = enrolment_message(
        &scene.context,
        &scene.enrolled.key,
        &scene.capture,
        &scene.digest(),
        &nonce,
    );
    let sensors = json!({
        "certificate": describe_certificate(&scene.certificate),
        "certificate_digest": hex::encode(scene.digest()),
        "context_bytes": hex::encode(context().bytes()),
        "P": hex::encode(scene.enrolled.key.to_bytes()),
        "capture": describe_capture(&scene.capture),
        "C_t": hex::encode(scene.enrolled.commitment.to_bytes()),
        "probe_signature": hex::encode(scene.sign()),
        "server_nonce": hex::encode(nonce),
        "enrolment_message": hex::encode(&enrolment),
        "enrolment_signature": hex::encode(signing().sign(&enrolment).to_bytes()),
    });

    let amount = opening(4_200, 60).commitment();
    let orders: Vec<Value> = [&[][..], &[amount]]
        .iter()
        .map(|amounts| {
            json!({
                "salt": hex::encode([0x5a; 32]),
                "amounts": amounts.iter().map(|c| hex::encode(c.to_bytes())).collect::<Vec<_>>(),
                "order": hex::encode(b"pay 42.00"),
                "order_hash": hex::encode(order_hash(&[0x5a; 32], amounts, b"pay 42.00")),
            })
        })
        .collect();
    let sealed = json!({
        "encapsulated_key": hex::encode([1; 32]),
        "ciphertext": hex::encode([2; 48]),
        "sealed_digest": hex::encode(sealed_digest(&[1; 32], &[2; 48])),
        "recipient_key": hex::encode([3; 32]),
        "recipient_digest": hex::encode(recipient_digest(&[3; 32])),
        "context_bytes": hex::encode(context().bytes()),
        "info": hex::encode(seal_info(&context())),
    });
    let file = json!({
        "credentials": credentials,
        "sensors": sensors,
        "orders": orders,
        "sealed": sealed,
    });
    expect_file!["../vectors/messages.json"].assert_eq(&pretty(&file));
}

pub(crate) fn describe_certificate(certificate: &SensorCertificate) -> Value {
    json!({
        "suite": 1,
        "origin": hex::encode(ORIGIN),
        "tenant": hex::encode(TENANT),
        "key": hex::encode(certificate.key.to_bytes()),
        "model_id": hex::encode(&certificate.model_id),
        "level": certificate.level.code(),
        "not_before_us": certificate.not_before_us,
        "expires_us": certificate.expires_us,
    })
}

pub(crate) fn describe_capture(capture: &Capture<'_>) -> Value {
    json!({
        "C": hex::encode(capture.commitment.to_bytes()),
        "n": capture.dimensions.count(),
        "model_id": hex::encode(capture.model_id),
        "level": capture.level.code(),
        "result": capture.result.code(),
        "captured_us": capture.captured_us,
    })
}
