//! Registering credentials and enrolling templates: what an invitation is good for, and every reason
//! against it.

use akashi_domain::answer::{Field, Rejection, Reply};
use akashi_domain::command::{
    Command, EnrolmentKind, OpenEnrolment, Party, RegisterIssuer, RevokeCredential, RevokeIssuer,
    RevokeSensor, RevokeTemplate,
};
use akashi_domain::ids::{AgentHash, Digest, EnrolmentId, Stamp};
use akashi_domain::policy::FACE_MIN_LEVEL;
use akashi_domain::state::Records as _;
use akashi_proof::{Assurance, CaptureResult, Reason};

use crate::laws::{assert_rebuilds, assert_replays};
use crate::phone::Phone;
use crate::wallet::{Camera, Desk, Paper, commitments, face, openings};
use crate::world::{ORIGIN, SECOND, START, TENANT, World, id16};

fn scene() -> (World, Phone, Desk) {
    let mut world = World::founded();
    let phone = world.customer(1);
    let desk = Desk::new("bureau", 0x15);
    world.register_issuer(&desk);
    (world, phone, desk)
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "it is compared with what a command gives"
)]
const fn no(reason: Reason) -> Result<Reply, Rejection> {
    Ok(Reply::EnrolmentRefused {
        reason: reason.code(),
    })
}

#[test]
fn a_credential_is_registered_once_and_closes_its_invitation() {
    let (mut world, mut phone, desk) = scene();
    let signed = Paper::new(&phone, 1).signed(&desk, &phone, &commitments(&openings(&[1])));
    assert_eq!(
        world.register(&mut phone, 5, signed.clone()),
        Ok(Reply::Enrolled)
    );
    assert_eq!(world.last_kinds(), [60]);
    let again = world.registration(&mut phone, 5, signed.clone());
    assert_eq!(
        world.run(Command::RegisterCredential(again)),
        Err(Rejection::EnrolmentClosed)
    );
    assert_eq!(
        world.register(&mut phone, 6, signed),
        Err(Rejection::Exists(Field::Credential))
    );
    assert_replays(&world);
    assert_rebuilds(&world);
}

#[test]
fn every_reason_against_a_credential_has_its_cause() {
    let (mut world, mut phone, desk) = scene();
    let other = world.customer(2);
    let values = commitments(&openings(&[1, 2]));
    let mut number = 10;
    let mut register = |world: &mut World, phone: &mut Phone, signed| {
        number += 1;
        world.register(phone, number, signed)
    };
    let paper = Paper::new(&phone, 1);
    let stranger = Desk::new("bureau", 0x99);
    let unknown = paper.signed(&stranger, &phone, &values);
    assert_eq!(
        register(&mut world, &mut phone, unknown),
        no(Reason::IssuerUnknown)
    );
    assert_eq!(world.last_kinds(), [61]);
    let subject = Paper {
        subject: other.subject,
        ..Paper::new(&phone, 1)
    };
    let signed = subject.signed(&desk, &phone, &values);
    assert_eq!(
        register(&mut world, &mut phone, signed),
        no(Reason::ContextMismatch)
    );
    let tenant = Paper {
        tenant: "other",
        ..Paper::new(&phone, 1)
    };
    let signed = tenant.signed(&desk, &phone, &values);
    assert_eq!(
        register(&mut world, &mut phone, signed),
        no(Reason::ContextMismatch)
    );
    let holder = paper.signed(&desk, &other, &values);
    assert_eq!(
        register(&mut world, &mut phone, holder),
        no(Reason::FactorMissing)
    );
    // A key speaks for no other name than its own.
    let name = Paper {
        issuer: "state",
        ..Paper::new(&phone, 1)
    };
    let signed = name.signed(&desk, &phone, &values);
    assert_eq!(
        register(&mut world, &mut phone, signed),
        no(Reason::IssuerUnknown)
    );
    let (body, mut signature) = paper.signed(&desk, &phone, &values);
    signature[3] ^= 1;
    assert_eq!(
        register(&mut world, &mut phone, (body, signature)),
        no(Reason::SignatureInvalid)
    );
    let expired = Paper {
        valid: (START - 9, START - 1),
        ..Paper::new(&phone, 1)
    };
    let signed = expired.signed(&desk, &phone, &values);
    assert_eq!(
        register(&mut world, &mut phone, signed),
        no(Reason::CredentialExpired)
    );
    // Bytes that are no credential never enter the log.
    let (mut body, signature) = paper.signed(&desk, &phone, &values);
    body.pop();
    assert_eq!(
        register(&mut world, &mut phone, (body, signature)),
        Err(Rejection::MalformedProof(Reason::Malformed.code()))
    );
    assert!(world.last().is_empty());
    world.done(Command::RevokeIssuer(RevokeIssuer {
        tenant: TENANT.into(),
        key_id: desk.key_id(),
        from: Stamp(0),
    }));
    let signed = paper.signed(&desk, &phone, &values);
    assert_eq!(
        register(&mut world, &mut phone, signed),
        no(Reason::IssuerRevoked)
    );
    assert_replays(&world);
    assert_rebuilds(&world);
}

#[test]
fn five_refusals_use_an_invitation_up_and_it_is_good_for_one_thing() {
    let (mut world, mut phone, _) = scene();
    let stranger = Desk::new("bureau", 0x99);
    let signed = Paper::new(&phone, 1).signed(&stranger, &phone, &commitments(&openings(&[1])));
    world.invite(phone.subject, 5, EnrolmentKind::Credential);
    let complete = world.complete(&mut phone, 5);
    assert_eq!(
        world.run(Command::CompleteEnrolment(complete)),
        Err(Rejection::Invalid(Field::EnrolmentKind))
    );
    for _ in 0..5 {
        let command = world.registration(&mut phone, 5, signed.clone());
        let reply = world.run(Command::RegisterCredential(command));
        assert_eq!(reply, no(Reason::IssuerUnknown));
    }
    let command = world.registration(&mut phone, 5, signed);
    assert_eq!(
        world.run(Command::RegisterCredential(command)),
        Err(Rejection::EnrolmentClosed)
    );
}

#[test]
fn nobody_without_the_device_registers_or_is_invited_to() {
    let (mut world, phone, desk) = scene();
    let signed = Paper::new(&phone, 1).signed(&desk, &phone, &commitments(&openings(&[1])));
    // The right token, another phone's possession.
    let mut thief = Phone::new(ORIGIN, TENANT, "customer-1", 66);
    assert_eq!(
        world.register(&mut thief, 5, signed),
        no(Reason::EquationFailed)
    );
    let nobody = Phone::new(ORIGIN, TENANT, "customer-9", 9);
    let invitation = OpenEnrolment {
        kind: EnrolmentKind::Template,
        ..world.open_enrolment(nobody.subject, 7)
    };
    assert_eq!(
        world.run(Command::OpenEnrolment(invitation)),
        Err(Rejection::UnknownSubject)
    );
    let agent = OpenEnrolment {
        party: Party::Agent,
        ..world.open_enrolment(AgentHash::of(TENANT, "agent-1").as_subject(), 8)
    };
    assert_eq!(
        world.run(Command::OpenEnrolment(agent)),
        Err(Rejection::UnknownAgent)
    );
    let revoke = world.revoke(phone.subject);
    world.done(revoke);
    let invitation = OpenEnrolment {
        kind: EnrolmentKind::Credential,
        ..world.open_enrolment(phone.subject, 9)
    };
    assert_eq!(
        world.run(Command::OpenEnrolment(invitation)),
        Err(Rejection::DeviceRevoked)
    );
}

#[test]
fn a_subject_has_room_for_thirty_two_live_credentials() {
    let (mut world, mut phone, desk) = scene();
    let values = commitments(&openings(&[1]));
    let signed = |phone: &Phone, number| Paper::new(phone, number).signed(&desk, phone, &values);
    for number in 0..32 {
        let paper = signed(&phone, number);
        let reply = world.register(&mut phone, 200 + u64::from(number), paper);
        assert_eq!(reply, Ok(Reply::Enrolled));
    }
    let paper = signed(&phone, 32);
    assert_eq!(
        world.register(&mut phone, 300, paper.clone()),
        Err(Rejection::Full(Field::Credential))
    );
    world.done(Command::RevokeCredential(RevokeCredential {
        tenant: TENANT.into(),
        subject: phone.subject,
        serial: Paper::new(&phone, 4).serial,
        reason: 1,
    }));
    assert_eq!(world.register(&mut phone, 301, paper), Ok(Reply::Enrolled));
}

#[test]
fn a_template_is_enrolled_with_its_level_and_a_newer_one_replaces_it() {
    let (mut world, mut phone, _) = scene();
    let mut camera = Camera::new(Assurance::Attested);
    world.done(camera.registration());
    // Its certificate bounds what a sensor may claim.
    camera.claims = Assurance::Secure;
    assert_eq!(
        world.enrol_face(&mut phone, &camera, 5, &face(1, false)),
        Ok(Reply::Enrolled)
    );
    assert_eq!(world.last_kinds(), [65]);
    let kept = world.state.template(1, phone.subject).unwrap().unwrap();
    assert_eq!(kept.level, FACE_MIN_LEVEL);
    assert_eq!(kept.commitment, face(1, false).commitment().to_bytes());
    assert_eq!(kept.sensor, camera.certificate());
    assert_eq!(
        world.enrol_face(&mut phone, &camera, 6, &face(2, false)),
        Ok(Reply::Enrolled)
    );
    let kept = world.state.template(1, phone.subject).unwrap().unwrap();
    assert_eq!(kept.commitment, face(2, false).commitment().to_bytes());
    // A new device begins without one.
    let mut newer = Phone::new(ORIGIN, TENANT, "customer-1", 44);
    world.enrol(&mut newer, 44);
    assert_eq!(world.state.template(1, phone.subject).unwrap(), None);
    assert_replays(&world);
    assert_rebuilds(&world);
}

#[test]
fn every_reason_against_a_template_has_its_cause() {
    let (mut world, mut phone, _) = scene();
    let camera = Camera::new(Assurance::Attested);
    let template = face(1, false);
    let mut number = 10;
    let mut enrol = |world: &mut World, phone: &mut Phone, camera: &Camera| {
        number += 1;
        world.enrol_face(phone, camera, number, &template)
    };
    assert_eq!(
        enrol(&mut world, &mut phone, &camera),
        no(Reason::SensorUnknown)
    );
    assert_eq!(world.last_kinds(), [66]);
    world.done(camera.registration());
    let attacked = Camera {
        result: CaptureResult::Attack,
        ..Camera::new(Assurance::Attested)
    };
    assert_eq!(
        enrol(&mut world, &mut phone, &attacked),
        no(Reason::AssuranceTooLow)
    );
    let forged = Camera {
        key: Camera::new(Assurance::Secure).key,
        ..Camera::new(Assurance::Attested)
    };
    // Another key's certificate is another certificate.
    assert_eq!(
        enrol(&mut world, &mut phone, &forged),
        no(Reason::SensorUnknown)
    );

    world.invite(phone.subject, 50, EnrolmentKind::Template);
    let mut altered = world.template(&mut phone, &camera, 50, &template);
    altered.signature[5] ^= 1;
    assert_eq!(
        world.run(Command::EnrolTemplate(altered)),
        no(Reason::SignatureInvalid)
    );
    let stale = world.template(&mut phone, &camera, 50, &template);
    world.after(61 * SECOND);
    assert_eq!(
        world.run(Command::EnrolTemplate(stale)),
        no(Reason::ProbeStale)
    );
    let mut short = world.template(&mut phone, &camera, 50, &template);
    short.capture.pop();
    assert_eq!(
        world.run(Command::EnrolTemplate(short)),
        Err(Rejection::MalformedProof(Reason::Malformed.code()))
    );
    world.done(Command::RevokeSensor(RevokeSensor {
        tenant: TENANT.into(),
        certificate: camera.certificate(),
    }));
    assert_eq!(
        enrol(&mut world, &mut phone, &camera),
        no(Reason::SensorRevoked)
    );
    assert_replays(&world);
    assert_rebuilds(&world);
}

#[test]
fn the_registry_turns_away_what_is_known_unknown_or_no_key() {
    let (mut world, phone, desk) = scene();
    let issuer = |name: &str, key| {
        Command::RegisterIssuer(RegisterIssuer {
            tenant: TENANT.into(),
            name: name.into(),
            key,
        })
    };
    let key = *desk.key.verifying_key().as_bytes();
    let exists = Err(Rejection::Exists(Field::Issuer));
    assert_eq!(world.run(issuer("other", key)), exists);
    let invalid = |field| Err(Rejection::Invalid(field));
    assert_eq!(world.run(issuer("Bureau", [9; 32])), invalid(Field::Issuer));
    assert_eq!(world.run(issuer("bureau", [0; 32])), invalid(Field::Key));
    let unknown = RevokeIssuer {
        tenant: TENANT.into(),
        key_id: Digest([1; 32]),
        from: Stamp(0),
    };
    assert_eq!(
        world.run(Command::RevokeIssuer(unknown)),
        Err(Rejection::UnknownIssuer)
    );
    let camera = Camera::new(Assurance::Attested);
    world.done(camera.registration());
    let exists = Err(Rejection::Exists(Field::Sensor));
    assert_eq!(world.run(camera.registration()), exists);
    let unknown = RevokeSensor {
        tenant: TENANT.into(),
        certificate: Digest([1; 32]),
    };
    assert_eq!(
        world.run(Command::RevokeSensor(unknown)),
        Err(Rejection::UnknownSensor)
    );
    let credential = RevokeCredential {
        tenant: TENANT.into(),
        subject: phone.subject,
        serial: Paper::new(&phone, 1).serial,
        reason: 1,
    };
    assert_eq!(
        world.run(Command::RevokeCredential(credential)),
        Err(Rejection::UnknownCredential)
    );
    let template = RevokeTemplate {
        tenant: TENANT.into(),
        subject: phone.subject,
        reason: 1,
    };
    assert_eq!(
        world.run(Command::RevokeTemplate(template)),
        Err(Rejection::UnknownTemplate)
    );
    assert!(world.last().is_empty());
}

#[test]
fn a_revocation_of_an_issuer_moves_back_in_time_and_never_forward() {
    let (mut world, _, desk) = scene();
    let revoke = |from| {
        Command::RevokeIssuer(RevokeIssuer {
            tenant: TENANT.into(),
            key_id: desk.key_id(),
            from: Stamp(from),
        })
    };
    for (from, kept, kinds) in [
        (START + 50, START + 50, vec![7]),
        (START + 90, START + 50, vec![]),
        (START + 10, START + 10, vec![7]),
    ] {
        world.done(revoke(from));
        assert_eq!(world.last_kinds(), kinds);
        let issuer = world.state.issuer(1, desk.key_id()).unwrap().unwrap();
        assert_eq!(issuer.revoked_from, Some(Stamp(kept)));
    }
}

#[test]
fn an_invitation_of_another_kind_runs_out_like_any_other() {
    let (mut world, phone, _) = scene();
    world.invite(phone.subject, 5, EnrolmentKind::Template);
    world.after(86_401 * SECOND);
    world.tick();
    assert_eq!(world.last_kinds(), [13]);
    let id = EnrolmentId(id16(5));
    assert!(world.state.enrolment(1, id).unwrap().unwrap().closed);
}
