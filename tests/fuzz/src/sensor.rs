//! Captures of sensors: enrolments and probes get exactly the reason that a second reading of the
//! rules gives, and two captures that differ never share a message.

use std::sync::LazyLock;

use akashi_proof::{
    Assurance, Capture, CaptureResult, DeviceKey, Dimensions, Enrolled, Purpose, Reason,
    SIGNATURE_BYTES, SensorCertificate, SensorKey, SensorPolicy, SensorStanding, Suite, TAU_LIMIT,
    TemplateCommitment, accept_enrolment, accept_probe, enrolment_message, probe_message,
};
use ed25519_dalek::{Signer as _, SigningKey};

use crate::input::Input;
use crate::scene::{self, BEGIN_US, END_US, ORIGIN, TENANT};

static SENSOR: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::from_bytes(&[0x25; 32]));
static STRANGER: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::from_bytes(&[0x26; 32]));
static KEY: LazyLock<DeviceKey> = LazyLock::new(|| scene::device(7).public());
static TEMPLATES: LazyLock<[TemplateCommitment; 2]> = LazyLock::new(|| {
    let (enrolled, probe) = scene::templates(128);
    [enrolled.commitment(), probe.commitment()]
});

const MODELS: [&[u8]; 4] = [b"face-embedding-1", b"face-embedding-2", b"", &[0xff; 300]];
const SIZES: [Dimensions; 3] = [Dimensions::D128, Dimensions::D256, Dimensions::D512];
const LEVELS: [Assurance; 3] = [Assurance::Attested, Assurance::Secure, Assurance::Software];
const RESULTS: [CaptureResult; 3] = [
    CaptureResult::Genuine,
    CaptureResult::NotTested,
    CaptureResult::Attack,
];
const NONCE: [u8; 32] = [0x77; 32];

/// Runs one input: a certificate, a capture, a template, a policy, and how far they fit.
pub fn sensor(data: &[u8]) {
    let mut input = Input::new(data);
    let enrols = input.flag();
    let purpose = match input.byte() {
        0..=99 if enrols => Purpose::Enrol,
        other => scene::purpose(other),
    };
    let context = scene::context(purpose);
    let capture = capture(&mut input);
    let enrolled = Enrolled {
        key: *KEY,
        commitment: TEMPLATES[input.below(2)],
        dimensions: input.one_of(&SIZES),
        model_id: input.one_of(&MODELS).into(),
        level: input.one_of(&LEVELS),
    };
    let certificate = SensorCertificate {
        key: SensorKey::from_bytes(SENSOR.verifying_key().as_bytes()).expect("an honest key"),
        model_id: input.one_of(&MODELS).into(),
        level: input.one_of(&LEVELS),
        not_before_us: input.near(BEGIN_US - 1_000),
        expires_us: input.near(END_US),
    };
    let standing = SensorStanding {
        certificate: &certificate,
        revoked: input.flag(),
    };
    let known = !input.flag();
    let policy = SensorPolicy {
        level_min: input.one_of(&LEVELS),
        age_max_us: input.near(60),
    };
    let stamp_us = input.near(BEGIN_US + 30);
    let tau = if input.flag() { input.u32() } else { 40 };

    let digest = certificate.digest(Suite::V1, ORIGIN, TENANT);
    let said = |capture: &Capture<'_>| {
        if enrols {
            enrolment_message(&context, &KEY, capture, &digest, &NONCE)
        } else {
            probe_message(&context, &KEY, capture, &digest, &enrolled.commitment)
        }
    };
    apart(&capture, &mut input.clone(), said);
    let stranger = input.flag();
    let signer = if stranger { &*STRANGER } else { &*SENSOR };
    let mut signature: [u8; SIGNATURE_BYTES] = signer.sign(&said(&capture)).to_bytes();
    let change = input.byte();
    signature[input.below(SIGNATURE_BYTES)] ^= change;

    let model = if enrols {
        capture.model_id
    } else {
        &enrolled.model_id
    };
    let size = if enrols {
        capture.dimensions
    } else {
        enrolled.dimensions
    };
    let age_us = stamp_us.checked_sub(capture.captured_us);
    let valid = certificate.not_before_us <= stamp_us && stamp_us <= certificate.expires_us;
    let placed = if enrols {
        purpose == Purpose::Enrol
    } else {
        scene::shows_factors(purpose)
    };
    let level = capture.level.min(certificate.level);
    let counted = if enrols {
        level
    } else {
        level.min(enrolled.level)
    };
    let expected = if !placed {
        Err(Reason::PurposeMismatch)
    } else if !known {
        Err(Reason::SensorUnknown)
    } else if standing.revoked || !valid {
        Err(Reason::SensorRevoked)
    } else if stranger || change != 0 {
        Err(Reason::SignatureInvalid)
    } else if capture.captured_us < BEGIN_US || age_us.is_none_or(|age| age > policy.age_max_us) {
        Err(Reason::ProbeStale)
    } else if capture.model_id != model
        || capture.dimensions != size
        || capture.model_id != certificate.model_id
    {
        Err(Reason::ModelMismatch)
    } else if counted < policy.level_min || capture.result != CaptureResult::Genuine {
        Err(Reason::AssuranceTooLow)
    } else if !enrols && tau >= TAU_LIMIT {
        Err(Reason::Malformed)
    } else {
        Ok(())
    };

    let sensor = known.then_some(standing);
    if enrols {
        let accepted = accept_enrolment(
            &context,
            *KEY,
            &capture,
            &signature,
            &NONCE,
            sensor,
            (policy, stamp_us),
        );
        assert_eq!(
            accepted.as_ref().map(drop).map_err(|reason| *reason),
            expected
        );
        if let Ok(template) = accepted {
            assert_eq!(template.commitment, capture.commitment);
            assert_eq!(template.model_id, capture.model_id);
            assert_eq!(template.level, level);
        }
    } else {
        let accepted = accept_probe(
            &context,
            tau,
            &enrolled,
            &capture,
            &signature,
            sensor,
            (policy, stamp_us),
        );
        assert_eq!(
            accepted.as_ref().map(drop).map_err(|reason| *reason),
            expected
        );
        if let Ok(statement) = accepted {
            assert_eq!(statement.enrolled(), enrolled.commitment);
            assert_eq!(statement.probe(), capture.commitment);
            assert_eq!(statement.tau(), tau);
        }
    }
}

fn capture(input: &mut Input<'_>) -> Capture<'static> {
    Capture {
        commitment: TEMPLATES[input.below(2)],
        dimensions: input.one_of(&SIZES),
        model_id: input.one_of(&MODELS),
        level: input.one_of(&LEVELS),
        result: input.one_of(&RESULTS),
        captured_us: input.near(BEGIN_US + 5),
    }
}

/// A second capture from the same input shares the message only if it is the same capture.
fn apart(first: &Capture<'_>, input: &mut Input<'_>, said: impl Fn(&Capture<'_>) -> Vec<u8>) {
    let mut second = *first;
    let other = capture(input);
    match input.below(6) {
        0 => second.commitment = other.commitment,
        1 => second.dimensions = other.dimensions,
        2 => second.model_id = other.model_id,
        3 => second.level = other.level,
        4 => second.result = other.result,
        _ => second.captured_us = other.captured_us,
    }
    let same = first.commitment == second.commitment
        && first.dimensions == second.dimensions
        && first.model_id == second.model_id
        && first.level == second.level
        && first.result == second.result
        && first.captured_us == second.captured_us;
    assert_eq!(
        said(first) == said(&second),
        same,
        "a message stands for its capture"
    );
}
