//! What a software sensor signs, judged by the rules of the cluster.

use std::os::unix::fs::PermissionsExt as _;

use akashi_proof::{
    ContextFields, Enrolled, ProximityWitness, Purpose, Reason, RootSecret, SensorPolicy,
    SensorStanding, accept_enrolment, accept_probe, prove,
};

use super::*;

const NOW_US: u64 = 1_795_000_000_000_000;
const NONCE: [u8; 32] = [2; 32];

fn context(purpose: Purpose) -> Context {
    Context::new(ContextFields {
        suite: Suite::V1,
        origin: b"dev/e1/g0",
        group: 0,
        epoch: 1,
        tenant: b"demo",
        challenge_id: [1; 16],
        nonce: NONCE,
        purpose,
        subject: [3; 32],
        contact_id: &[4; 16],
        not_before_us: NOW_US,
        expires_us: NOW_US + 60_000_000,
        order_hash: [0; 32],
        policy_digest: [5; 32],
    })
    .unwrap()
}

fn holder() -> DeviceKey {
    RootSecret::from_bytes([9; 32])
        .device_secret(Suite::V1, b"dev/e1/g0", b"demo", 0)
        .unwrap()
        .public()
}

fn sensor() -> (tempfile::TempDir, SoftwareSensor) {
    let directory = tempfile::tempdir().unwrap();
    let validity = (NOW_US - 1, NOW_US + 1_000_000_000);
    let home = directory.path().join("sensor");
    let sensor = SoftwareSensor::create(&home, "synthetic-1", 128, validity).unwrap();
    (directory, sensor)
}

fn enrol(sensor: &SoftwareSensor, level_min: Assurance) -> (Captured, Result<Enrolled, Reason>) {
    let context = context(Purpose::Enrol);
    let face = Face::named("taro");
    let captured = sensor
        .enrol(&context, &holder(), &face, &NONCE, NOW_US + 1)
        .unwrap();
    let certificate = sensor.profile().certificate().unwrap();
    let standing = SensorStanding {
        certificate: &certificate,
        revoked: false,
    };
    let policy = SensorPolicy {
        level_min,
        ..SensorPolicy::default()
    };
    let accepted = accept_enrolment(
        &context,
        holder(),
        &captured.capture(),
        &captured.signature,
        &NONCE,
        Some(standing),
        (policy, NOW_US + 2),
    );
    (captured, accepted)
}

#[test]
fn the_default_policy_refuses_the_simulator_and_a_policy_for_level_0_takes_it() {
    let (_directory, sensor) = sensor();
    let level_min = SensorPolicy::default().level_min;
    assert_eq!(enrol(&sensor, level_min).1, Err(Reason::AssuranceTooLow));
    assert!(enrol(&sensor, Assurance::Software).1.is_ok());
}

#[test]
fn a_higher_level_needs_the_certificate_and_the_word_of_a_test() {
    let (_directory, mut sensor) = sensor();
    let refused = Err(Reason::AssuranceTooLow);
    // Pretending without a certificate of that level changes nothing.
    sensor = sensor.pretend();
    assert_eq!(enrol(&sensor, Assurance::Attested).1, refused);
    // Nor does such a certificate without pretending.
    sensor.signed_level = Assurance::Software;
    sensor.profile.level = 1;
    assert_eq!(enrol(&sensor, Assurance::Attested).1, refused);
    sensor = sensor.pretend();
    assert!(enrol(&sensor, Assurance::Attested).1.is_ok());
}

#[test]
fn a_probe_of_the_same_face_is_proved_and_another_face_cannot_be() {
    let (_directory, sensor) = sensor();
    let (template, enrolled) = enrol(&sensor, Assurance::Software);
    let enrolled = enrolled.unwrap();
    let context = context(Purpose::CustomerCall);
    let certificate = sensor.profile().certificate().unwrap();
    for (name, close) in [("taro", true), ("hanako", false)] {
        let face = Face::named(name);
        let captured = sensor
            .probe(&context, &holder(), &face, &enrolled.commitment, NOW_US)
            .unwrap();
        let standing = SensorStanding {
            certificate: &certificate,
            revoked: false,
        };
        let policy = SensorPolicy {
            level_min: Assurance::Software,
            ..SensorPolicy::default()
        };
        let statement = accept_probe(
            &context,
            2_000,
            &enrolled,
            &captured.capture(),
            &captured.signature,
            Some(standing),
            (policy, NOW_US + 2),
        )
        .unwrap();
        let witness = ProximityWitness::new(&template.opening, &captured.opening).unwrap();
        let mut random = ProofRandom::draw().unwrap();
        let proved = prove(&context, &statement, &witness, &mut random);
        assert_eq!(proved.is_ok(), close, "{name}");
    }
}

#[test]
fn a_sensors_key_is_private_and_a_foreign_key_is_noticed() {
    let (directory, sensor) = sensor();
    let home = directory.path().join("sensor");
    let mode = |name: &str| {
        let metadata = std::fs::metadata(home.join(name)).unwrap();
        metadata.permissions().mode() & 0o777
    };
    assert_eq!(mode("sensor.key"), 0o600);
    let again = SoftwareSensor::open(&home).unwrap();
    assert_eq!(again.profile(), sensor.profile());
    let secret = std::fs::read_to_string(home.join("sensor.key")).unwrap();
    assert!(!format!("{again:?}").contains(&secret));
    std::fs::write(home.join("sensor.key"), "11".repeat(32)).unwrap();
    assert!(SoftwareSensor::open(&home).is_err());
}

#[test]
fn a_sensor_with_other_dimensions_or_a_bad_model_is_not_made() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("sensor");
    for (model, dimensions, field) in [("Model 1", 128, "modelId"), ("m", 129, "dimensions")] {
        let error = SoftwareSensor::create(&home, model, dimensions, (1, 2)).unwrap_err();
        assert!(error.to_string().contains(field), "{error}");
        assert!(!home.exists());
    }
}
