//! Captures: what makes one count, and every reason against it.

use akashi_proof::{
    Assurance, Capture, CaptureResult, Context, ContextFields, Dimensions, Enrolled, Proximity,
    Purpose, Reason, SensorCertificate, SensorKey, SensorPolicy, SensorStanding, TemplateOpening,
    accept_enrolment, accept_probe, enrolment_message, probe_message,
};
use ed25519_dalek::{Signer, SigningKey};

use crate::{
    kinds::{again, template},
    scene::{ORIGIN, SeededRng, TENANT, context, device, fields},
};

const MODEL: &[u8] = b"face-embedding-1";
const SERVER_NONCE: [u8; 32] = [0x5a; 32];

/// A sensor, an enrolled face and a probe of it; tests change what they like and sign again.
pub(crate) struct Scene {
    pub(crate) context: Context,
    pub(crate) certificate: SensorCertificate,
    pub(crate) enrolled: Enrolled,
    pub(crate) capture: Capture<'static>,
    pub(crate) policy: SensorPolicy,
    pub(crate) stamp_us: u64,
    pub(crate) revoked: bool,
    pub(crate) known: bool,
    pub(crate) tau: u32,
    purpose: Purpose,
}

pub(crate) fn signing() -> SigningKey {
    SigningKey::from_bytes(&[0x5e; 32])
}

pub(crate) fn face(seed: u64, changed: bool) -> TemplateOpening {
    let face = template(Dimensions::D128, 40);
    let face = if changed { again(&face) } else { face };
    TemplateOpening::commit(&face, &mut SeededRng::new(seed)).unwrap()
}

impl Scene {
    pub(crate) fn new() -> Self {
        let start_us = fields().not_before_us;
        Self {
            context: context(),
            certificate: SensorCertificate {
                key: SensorKey::from_bytes(signing().verifying_key().as_bytes()).unwrap(),
                model_id: MODEL.into(),
                level: Assurance::Secure,
                not_before_us: start_us - 1_000,
                expires_us: start_us + 1_000_000_000,
            },
            enrolled: Enrolled {
                key: device(7).public(),
                commitment: face(41, false).commitment(),
                dimensions: Dimensions::D128,
                model_id: MODEL.into(),
                level: Assurance::Secure,
            },
            capture: Capture {
                commitment: face(42, true).commitment(),
                dimensions: Dimensions::D128,
                model_id: MODEL,
                level: Assurance::Secure,
                result: CaptureResult::Genuine,
                captured_us: start_us + 5,
            },
            policy: SensorPolicy::default(),
            stamp_us: start_us + 10,
            revoked: false,
            known: true,
            tau: 100,
            purpose: fields().purpose,
        }
    }

    /// Goes on under another purpose.
    pub(crate) fn put(&mut self, purpose: Purpose) {
        (self.purpose, self.context) = (purpose, under(purpose));
    }

    /// The fields of the context, unless a test made one of its own.
    pub(crate) fn fields(&self) -> ContextFields<'static> {
        ContextFields {
            purpose: self.purpose,
            ..fields()
        }
    }

    pub(crate) fn digest(&self) -> [u8; 32] {
        self.certificate
            .digest(self.context.suite(), ORIGIN, TENANT)
    }

    pub(crate) fn sign(&self) -> [u8; 64] {
        let (key, template) = (&self.enrolled.key, &self.enrolled.commitment);
        let message = probe_message(&self.context, key, &self.capture, &self.digest(), template);
        signing().sign(&message).to_bytes()
    }

    pub(crate) fn accept(&self, signature: &[u8; 64]) -> Result<Proximity, Reason> {
        let sensor = SensorStanding {
            certificate: &self.certificate,
            revoked: self.revoked,
        };
        accept_probe(
            &self.context,
            self.tau,
            &self.enrolled,
            &self.capture,
            signature,
            self.known.then_some(sensor),
            (self.policy, self.stamp_us),
        )
    }
}

/// The verdict on a probe of a changed scene, signed after the change.
fn changed(change: fn(&mut Scene)) -> Option<Reason> {
    let mut scene = Scene::new();
    change(&mut scene);
    scene.accept(&scene.sign()).err()
}

#[test]
fn a_signed_probe_becomes_the_statement_about_its_own_commitments() {
    let scene = Scene::new();
    let statement = scene.accept(&scene.sign()).unwrap();
    assert_eq!(statement.enrolled(), scene.enrolled.commitment);
    assert_eq!(statement.probe(), scene.capture.commitment);
    assert_eq!(
        (statement.tau(), statement.dimensions()),
        (100, Dimensions::D128)
    );
}

#[test]
fn every_reason_against_a_probe_has_its_cause() {
    assert_eq!(changed(|_| ()), None);
    assert_eq!(changed(|s| s.revoked = true), Some(Reason::SensorRevoked));
    assert_eq!(
        changed(|s| s.certificate.expires_us = s.stamp_us - 1),
        Some(Reason::SensorRevoked)
    );
    assert_eq!(
        changed(|s| s.capture.captured_us = s.context.not_before_us() - 1),
        Some(Reason::ProbeStale),
        "captured before the session was known"
    );
    assert_eq!(
        changed(|s| s.capture.captured_us = s.stamp_us + 1),
        Some(Reason::ProbeStale)
    );
    assert_eq!(
        changed(|s| s.stamp_us = s.capture.captured_us + 60_000_001),
        Some(Reason::ProbeStale)
    );
    assert_eq!(
        changed(|s| s.stamp_us = s.capture.captured_us + 60_000_000),
        None
    );
    assert_eq!(
        changed(|s| s.capture.model_id = b"face-embedding-2"),
        Some(Reason::ModelMismatch)
    );
    assert_eq!(
        changed(|s| s.certificate.model_id = b"face-embedding-2".into()),
        Some(Reason::ModelMismatch)
    );
    assert_eq!(
        changed(|s| s.capture.dimensions = Dimensions::D256),
        Some(Reason::ModelMismatch)
    );
    for result in [CaptureResult::NotTested, CaptureResult::Attack] {
        let mut scene = Scene::new();
        scene.capture.result = result;
        assert_eq!(scene.accept(&scene.sign()), Err(Reason::AssuranceTooLow));
    }
    for purpose in [Purpose::Enrol, Purpose::PhoneSession] {
        let mut scene = Scene::new();
        scene.context = under(purpose);
        assert_eq!(scene.accept(&scene.sign()), Err(Reason::PurposeMismatch));
    }
    for purpose in [Purpose::AgentLogin, Purpose::AgentPresence] {
        let mut scene = Scene::new();
        scene.context = under(purpose);
        assert!(scene.accept(&scene.sign()).is_ok());
    }
    let scene = Scene::new();
    assert_eq!(
        accept_probe(
            &scene.context,
            100,
            &scene.enrolled,
            &scene.capture,
            &scene.sign(),
            None,
            (scene.policy, scene.stamp_us),
        ),
        Err(Reason::SensorUnknown)
    );
}

#[test]
fn the_level_is_the_lower_of_the_signed_and_the_certified() {
    for (signed, certified, asked, counts) in [
        (
            Assurance::Attested,
            Assurance::Secure,
            Assurance::Attested,
            true,
        ),
        (
            Assurance::Secure,
            Assurance::Attested,
            Assurance::Attested,
            true,
        ),
        (
            Assurance::Secure,
            Assurance::Attested,
            Assurance::Secure,
            false,
        ),
        (
            Assurance::Attested,
            Assurance::Secure,
            Assurance::Secure,
            false,
        ),
        (
            Assurance::Software,
            Assurance::Secure,
            Assurance::Attested,
            false,
        ),
        (
            Assurance::Software,
            Assurance::Software,
            Assurance::Software,
            true,
        ),
    ] {
        let mut scene = Scene::new();
        (scene.capture.level, scene.certificate.level) = (signed, certified);
        scene.policy.level_min = asked;
        assert_eq!(
            scene.accept(&scene.sign()).is_ok(),
            counts,
            "{signed:?} {certified:?}"
        );
    }
    assert_eq!(SensorPolicy::default().level_min, Assurance::Attested);
}

#[test]
fn every_field_is_under_the_signature() {
    let signature = Scene::new().sign();
    assert!(Scene::new().accept(&signature).is_ok());
    let changes: [fn(&mut Scene); 8] = [
        |s| s.capture.commitment = face(43, true).commitment(),
        |s| s.capture.level = Assurance::Attested,
        |s| s.capture.result = CaptureResult::Attack,
        |s| s.capture.captured_us += 1,
        |s| s.enrolled.key = device(8).public(),
        |s| s.enrolled.commitment = face(44, false).commitment(),
        |s| s.certificate.level = Assurance::Attested,
        |s| {
            s.context = Context::new(ContextFields {
                nonce: [0; 32],
                ..fields()
            })
            .unwrap();
        },
    ];
    for change in changes {
        let mut scene = Scene::new();
        change(&mut scene);
        assert_eq!(scene.accept(&signature), Err(Reason::SignatureInvalid));
    }
}

#[test]
fn a_template_is_enrolled_under_its_own_purpose_and_message() {
    let scene = Scene::new();
    let (context, key) = (enrolment(), device(7).public());
    let accept = |context: &Context, signature: &[u8; 64], nonce: &[u8; 32]| {
        let sensor = SensorStanding {
            certificate: &scene.certificate,
            revoked: false,
        };
        let time = (scene.policy, scene.stamp_us);
        accept_enrolment(
            context,
            key,
            &scene.capture,
            signature,
            nonce,
            Some(sensor),
            time,
        )
    };
    let message = enrolment_message(
        &context,
        &key,
        &scene.capture,
        &scene.digest(),
        &SERVER_NONCE,
    );
    let signature = signing().sign(&message).to_bytes();
    let enrolled = accept(&context, &signature, &SERVER_NONCE).unwrap();
    assert_eq!(enrolled.commitment, scene.capture.commitment);
    assert_eq!(enrolled.model_id, MODEL);
    assert_eq!(enrolled.level, Assurance::Secure);
    assert_eq!(
        accept(&context, &signature, &[0; 32]),
        Err(Reason::SignatureInvalid)
    );
    assert_eq!(
        accept(&scene.context, &signature, &SERVER_NONCE),
        Err(Reason::PurposeMismatch)
    );
    let of_a_probe = probe_message(
        &context,
        &key,
        &scene.capture,
        &scene.digest(),
        &scene.capture.commitment,
    );
    let signature = signing().sign(&of_a_probe).to_bytes();
    assert_eq!(
        accept(&context, &signature, &SERVER_NONCE),
        Err(Reason::SignatureInvalid)
    );
}

pub(crate) fn enrolment() -> Context {
    under(Purpose::Enrol)
}

pub(crate) fn under(purpose: Purpose) -> Context {
    Context::new(ContextFields {
        purpose,
        ..fields()
    })
    .unwrap()
}
