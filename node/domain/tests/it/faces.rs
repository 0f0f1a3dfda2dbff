//! Faces: a capture counts if a registered sensor signed it, now, against the template of now.

use akashi_domain::answer::{Field, Rejection, Reply};
use akashi_domain::command::{Command, FactorProof, RevokeSensor, RevokeTemplate};
use akashi_domain::event::Event;
use akashi_domain::ids::ChallengeId;
use akashi_domain::outcome::Outcome;
use akashi_domain::policy::FaceRule;
use akashi_proof::{Assurance, CaptureResult, Reason, TemplateOpening};

use crate::laws::{assert_rebuilds, assert_replays};
use crate::phone::Phone;
use crate::wallet::{Camera, face, face_rule};
use crate::world::{SECOND, TENANT, World};

struct Scene {
    world: World,
    phone: Phone,
    camera: Camera,
    enrolled: TemplateOpening,
    challenge: ChallengeId,
}

impl Scene {
    fn new(level: Assurance, rule: FaceRule) -> Self {
        let mut world = World::founded();
        let mut phone = world.customer(1);
        let camera = Camera::new(level);
        world.done(camera.registration());
        let enrolled = face(1, false);
        let reply = world.enrol_face(&mut phone, &camera, 5, &enrolled);
        assert_eq!(reply, Ok(Reply::Enrolled));
        world.ask(Vec::new(), Some(rule));
        let challenge = world.call(phone.subject, 1);
        Self {
            world,
            phone,
            camera,
            enrolled,
            challenge,
        }
    }

    fn attested() -> Self {
        Self::new(Assurance::Attested, face_rule())
    }

    /// A second picture of the same face, taken now.
    fn probe(&mut self) -> FactorProof {
        let faces = (&self.enrolled, &face(1, true));
        let now = self.world.now;
        let (phone, camera) = (&mut self.phone, &self.camera);
        self.world.probe(phone, camera, self.challenge, faces, now)
    }

    fn show(&mut self, part: FactorProof) -> Result<Reply, Rejection> {
        let parts = vec![part];
        self.world.show(&mut self.phone, self.challenge, parts)
    }

    /// The recorded reason.
    fn refused(&mut self, part: FactorProof) -> u16 {
        match self.show(part) {
            Ok(Reply::Refused { reason, .. }) => reason,
            other => panic!("not refused: {other:?}"),
        }
    }
}

#[test]
fn a_fresh_capture_of_the_enrolled_face_is_something_the_customer_is() {
    let mut scene = Scene::attested();
    let part = scene.probe();
    let attachment = part.attachment.clone();
    let reply = scene.show(part).unwrap();
    assert_eq!(
        reply,
        Reply::Verdict {
            outcome: Outcome::Verified,
            reason: 0
        }
    );
    let verdict = scene.world.challenge(scene.challenge).verdict.unwrap();
    assert_eq!((verdict.factors, verdict.level), (2 | 4, 1));
    // What the sensor signed is in the evidence, with its key.
    let Some(Event::ProofHeld(held)) = scene.world.last().into_iter().next() else {
        panic!("nothing held");
    };
    let kept = &held.evidence.factors[1].attachment;
    assert!(kept.starts_with(&attachment));
    let rest = &kept[attachment.len()..];
    assert_eq!(&rest[..32], scene.camera.key.verifying_key().as_bytes());
    assert!(rest[32..].starts_with(b"akashi/v1/probe"));
    assert_replays(&scene.world);
    assert_rebuilds(&scene.world);
}

#[test]
fn another_face_and_no_face_do_not_hold() {
    let mut scene = Scene::attested();
    let faces = (&scene.enrolled, &face(2, false));
    let now = scene.world.now;
    let part = scene
        .world
        .probe(&mut scene.phone, &scene.camera, scene.challenge, faces, now);
    assert_eq!(scene.refused(part), Reason::EquationFailed.code());
    let reply = scene
        .world
        .show(&mut scene.phone, scene.challenge, Vec::new());
    assert!(matches!(reply, Ok(Reply::Refused { reason: 13, .. })));
    assert_eq!(scene.world.subject(scene.phone.subject).pin.failures, 0);
}

#[test]
fn a_capture_that_no_sensor_signed_is_refused_before_its_proof() {
    let mut scene = Scene::attested();
    let mut part = scene.probe();
    let last = part.attachment.len() - 1;
    part.attachment[last] ^= 1;
    assert_eq!(scene.refused(part), Reason::SignatureInvalid.code());
    // Nor does it count for another session.
    let part = scene.probe();
    scene.world.after(SECOND);
    scene.challenge = scene.world.call(scene.phone.subject, 2);
    assert_eq!(scene.refused(part), Reason::SignatureInvalid.code());
}

#[test]
fn what_state_says_of_sensor_and_capture_comes_in_a_fixed_order() {
    let mut scene = Scene::attested();
    let unknown = Camera::new(Assurance::Secure);
    let faces = (&scene.enrolled, &face(1, true));
    let now = scene.world.now;
    let part = scene
        .world
        .probe(&mut scene.phone, &unknown, scene.challenge, faces, now);
    assert_eq!(scene.refused(part), Reason::SensorUnknown.code());

    let mut scene = Scene::attested();
    let part = scene.probe();
    scene.world.after(61 * SECOND);
    assert_eq!(scene.refused(part), Reason::ProbeStale.code());

    let mut scene = Scene::attested();
    scene.camera.result = CaptureResult::NotTested;
    let part = scene.probe();
    assert_eq!(scene.refused(part), Reason::AssuranceTooLow.code());

    let mut scene = Scene::attested();
    let part = scene.probe();
    scene.world.done(Command::RevokeSensor(RevokeSensor {
        tenant: TENANT.into(),
        certificate: scene.camera.certificate(),
    }));
    assert_eq!(scene.refused(part), Reason::SensorRevoked.code());
    assert_replays(&scene.world);
}

#[test]
fn a_simulator_is_refused_by_the_default_policy_and_taken_by_one_that_says_so() {
    let mut scene = Scene::new(Assurance::Software, face_rule());
    let part = scene.probe();
    assert_eq!(scene.refused(part), Reason::AssuranceTooLow.code());
    // A better sensor does not help a template of a simulator.
    let better = Camera::new(Assurance::Secure);
    scene.world.done(better.registration());
    scene.camera = better;
    let part = scene.probe();
    assert_eq!(scene.refused(part), Reason::AssuranceTooLow.code());

    let rule = FaceRule {
        min_level: 0,
        ..face_rule()
    };
    let mut scene = Scene::new(Assurance::Software, rule);
    let part = scene.probe();
    scene.show(part).unwrap();
    let verdict = scene.world.challenge(scene.challenge).verdict.unwrap();
    assert_eq!((verdict.factors, verdict.level), (6, 0));
}

#[test]
fn a_probe_of_the_template_before_does_not_count() {
    let mut scene = Scene::attested();
    let part = scene.probe();
    let newer = face(3, false);
    let reply = scene
        .world
        .enrol_face(&mut scene.phone, &scene.camera, 6, &newer);
    assert_eq!(reply, Ok(Reply::Enrolled));
    assert_eq!(scene.refused(part), Reason::SignatureInvalid.code());
}

#[test]
fn without_a_template_or_with_one_of_another_model_there_is_nothing_to_compare() {
    let mut scene = Scene::attested();
    let part = scene.probe();
    scene.world.done(Command::RevokeTemplate(RevokeTemplate {
        tenant: TENANT.into(),
        subject: scene.phone.subject,
        reason: 1,
    }));
    assert_eq!(scene.world.last_kinds(), [67]);
    assert_eq!(scene.refused(part), Reason::FactorMissing.code());

    let rule = FaceRule {
        model_id: "face-2".into(),
        ..face_rule()
    };
    let mut scene = Scene::new(Assurance::Attested, rule);
    let part = scene.probe();
    assert_eq!(scene.refused(part), Reason::ModelMismatch.code());
}

#[test]
fn a_face_that_was_not_asked_and_a_capture_that_is_none_stop_at_the_door() {
    let mut scene = Scene::attested();
    let misplaced = Err(Rejection::Invalid(Field::Proofs));
    let mut part = scene.probe();
    part.attachment.remove(0);
    assert_eq!(scene.show(part), misplaced);
    let part = FactorProof {
        slot: 1,
        ..scene.probe()
    };
    assert_eq!(scene.show(part), misplaced);
    scene.world.ask(Vec::new(), None);
    scene.challenge = scene.world.call(scene.phone.subject, 2);
    let part = scene.probe();
    assert_eq!(scene.show(part), misplaced);
    assert!(scene.world.last().is_empty());
}
