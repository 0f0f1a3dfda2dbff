//! Credentials and templates through the phone's calls: enrolled, refused, malformed, revoked.

use akashi_proof::Assurance;
use akashi_proto::v1;
use tonic::{Code, Status};

use crate::calls::{PhoneClient, Platform, id, reason};
use crate::holder::{Issuer, Sensor, face, hold, opening, operator, registration, show, template};
use crate::invitation::{Invitation, enrol, invite};
use crate::paper::{Paper, TENANT};
use crate::phone::Phone;
use crate::port::Port;

const SERIAL: [u8; 16] = [5; 16];

fn is(status: &Status, code: Code, expected: &str) {
    assert_eq!(
        (status.code(), reason(status)),
        (code, expected),
        "{status:?}"
    );
}

fn leaves(port: &Port) -> u64 {
    akashi_node::api::Replica::progress(&port.paper).leaves
}

/// A cluster that knows an issuer and a sensor, and an enrolled phone.
struct Desk {
    port: Port,
    phone: Phone,
    issuer: Issuer,
    sensor: Sensor,
    client: PhoneClient,
}

async fn desk() -> Desk {
    let port = Port::open(Paper::founded()).await;
    let mut phone = Phone::new("cust-000001", 1);
    enrol(&port, &mut phone).await;
    let (issuer, sensor) = (Issuer::new(1), Sensor::new(2, Assurance::Attested));
    let mut operator = operator(&port).await;
    operator.register_issuer(issuer.register()).await.unwrap();
    operator.register_sensor(sensor.register()).await.unwrap();
    let client = PhoneClient::new(port.phone().await);
    Desk {
        port,
        phone,
        issuer,
        sensor,
        client,
    }
}

impl Desk {
    async fn invite(&self, kind: v1::EnrolmentKind, number: u8) -> Invitation {
        invite(&self.port, &self.phone, kind, number).await.unwrap()
    }
}

#[tokio::test]
async fn an_invitation_says_what_it_is_for_and_what_a_capture_must_be() {
    let desk = desk().await;
    for kind in [
        v1::EnrolmentKind::Device,
        v1::EnrolmentKind::Credential,
        v1::EnrolmentKind::Template,
    ] {
        let number = u8::try_from(kind as i32).unwrap();
        let answer = desk.invite(kind, number).await.answer;
        assert_eq!(answer.kind(), kind);
        let capture = (kind == v1::EnrolmentKind::Template).then_some(v1::CaptureRule {
            min_level: 0,
            max_age_s: 60,
        });
        assert_eq!(answer.capture, capture);
    }
}

#[tokio::test]
async fn only_an_enrolled_phone_is_invited_to_register_anything() {
    let port = Port::open(Paper::founded()).await;
    let phone = Phone::new("cust-000001", 1);
    for kind in [v1::EnrolmentKind::Credential, v1::EnrolmentKind::Template] {
        let status = invite(&port, &phone, kind, 1).await.err().unwrap();
        is(&status, Code::NotFound, "SUBJECT_UNKNOWN");
    }
    let agent = Phone::agent("agent-0001", 2);
    let status = invite(&port, &agent, v1::EnrolmentKind::Device, 1).await;
    is(&status.err().unwrap(), Code::NotFound, "AGENT_UNKNOWN");
}

#[tokio::test]
async fn an_invitation_is_for_one_party_and_of_a_known_kind() {
    let port = Port::open(Paper::founded()).await;
    let mut platform = Platform::new(port.platform().await);
    let good = v1::OpenEnrolmentRequest {
        request_id: id(),
        tenant: TENANT.to_owned(),
        subject: "cust-000001".to_owned(),
        enrolment_id: vec![1; 16].into(),
        token_hash: vec![2; 32].into(),
        ..v1::OpenEnrolmentRequest::default()
    };
    let both = v1::OpenEnrolmentRequest {
        agent: "agent-0001".to_owned(),
        ..good.clone()
    };
    let neither = v1::OpenEnrolmentRequest {
        subject: String::new(),
        ..good.clone()
    };
    let kind = v1::OpenEnrolmentRequest { kind: 4, ..good };
    for (field, request) in [("agent", both), ("subject", neither), ("kind", kind)] {
        let status = platform.open_enrolment(request).await.unwrap_err();
        is(&status, Code::InvalidArgument, "FIELD_INVALID");
        assert_eq!(status.message(), format!("{field} is not acceptable"));
    }
}

#[tokio::test]
async fn a_credential_is_registered_once_and_its_invitation_is_used_up() {
    let mut desk = desk().await;
    let invitation = desk.invite(v1::EnrolmentKind::Credential, 1).await;
    let issued = desk.issuer.issue(&desk.phone, SERIAL, &[&opening(42, 1)]);
    let request = registration(&mut desk.phone, &invitation, issued.clone());
    let first = desk
        .client
        .register_credential(request.clone())
        .await
        .unwrap()
        .into_inner();
    assert!(first.registered, "reason {}", first.reason);
    let again = desk
        .client
        .register_credential(request)
        .await
        .unwrap()
        .into_inner();
    assert!(again.registered && again.placement.unwrap().repeated);
    let late = registration(&mut desk.phone, &invitation, issued.clone());
    let status = desk.client.register_credential(late).await.unwrap_err();
    is(&status, Code::FailedPrecondition, "ENROLMENT_CLOSED");
    let invitation = desk.invite(v1::EnrolmentKind::Credential, 2).await;
    let twice = registration(&mut desk.phone, &invitation, issued);
    let status = desk.client.register_credential(twice).await.unwrap_err();
    is(&status, Code::AlreadyExists, "EXISTS");
}

#[tokio::test]
async fn a_credential_of_an_unknown_issuer_is_an_answer_and_closes_the_invitation_in_the_end() {
    let mut desk = desk().await;
    let invitation = desk.invite(v1::EnrolmentKind::Credential, 1).await;
    let stranger = Issuer::new(9);
    for attempt in 0..5 {
        let issued = stranger.issue(&desk.phone, SERIAL, &[&opening(42, 1)]);
        let request = registration(&mut desk.phone, &invitation, issued);
        let answer = desk.client.register_credential(request).await.unwrap();
        let answer = answer.into_inner();
        assert!(!answer.registered, "attempt {attempt}");
        assert_eq!(answer.reason, 18);
    }
    let issued = desk.issuer.issue(&desk.phone, SERIAL, &[&opening(42, 1)]);
    let request = registration(&mut desk.phone, &invitation, issued);
    let status = desk.client.register_credential(request).await.unwrap_err();
    is(&status, Code::FailedPrecondition, "ENROLMENT_CLOSED");
}

#[tokio::test]
async fn a_registration_that_is_none_stops_at_the_door_and_leaves_nothing_in_the_log() {
    let mut desk = desk().await;
    let invitation = desk.invite(v1::EnrolmentKind::Credential, 1).await;
    let issued = desk.issuer.issue(&desk.phone, SERIAL, &[&opening(42, 1)]);
    let good = registration(&mut desk.phone, &invitation, issued);
    let before = leaves(&desk.port);
    type Edit = fn(&mut v1::RegisterCredentialRequest);
    let cases: [(Code, &str, Edit); 12] = [
        (Code::InvalidArgument, "FIELD_INVALID", |r| {
            r.body = vec![1; 2_049].into();
        }),
        (Code::InvalidArgument, "FIELD_INVALID", |r| {
            r.signature = vec![1; 63].into();
        }),
        (Code::InvalidArgument, "FIELD_INVALID", |r| r.suite = 257),
        (Code::InvalidArgument, "FIELD_INVALID", |r| {
            r.token = bytes::Bytes::new();
        }),
        (Code::InvalidArgument, "PROOF_MALFORMED", |r| {
            r.body = bytes::Bytes::new();
        }),
        (Code::InvalidArgument, "PROOF_MALFORMED", |r| {
            r.body = [&r.body[..], &[0]].concat().into();
        }),
        (Code::InvalidArgument, "PROOF_MALFORMED", |r| {
            r.possession = vec![0xff; 64].into();
        }),
        (Code::InvalidArgument, "PROOF_MALFORMED", |r| {
            r.possession.truncate(63);
        }),
        (Code::FailedPrecondition, "SUITE_NOT_ACTIVE", |r| {
            r.suite = 9;
        }),
        (Code::NotFound, "ENROLMENT_UNKNOWN", |r| {
            r.token = vec![1; 32].into();
        }),
        (Code::NotFound, "ENROLMENT_UNKNOWN", |r| {
            r.enrolment_id = vec![1; 16].into();
        }),
        (Code::NotFound, "ENROLMENT_UNKNOWN", |r| {
            r.tenant = "nobody".into();
        }),
    ];
    for (at, (code, expected, edit)) in cases.into_iter().enumerate() {
        let mut request = good.clone();
        request.request_id = id();
        edit(&mut request);
        let status = desk.client.register_credential(request).await.unwrap_err();
        assert_eq!((status.code(), reason(&status)), (code, expected), "{at}");
    }
    assert_eq!(leaves(&desk.port), before);
    assert!(
        desk.client
            .register_credential(good)
            .await
            .unwrap()
            .into_inner()
            .registered
    );
}

#[tokio::test]
async fn an_invitation_serves_for_nothing_else_than_it_says() {
    let mut desk = desk().await;
    let device = desk.invite(v1::EnrolmentKind::Device, 1).await;
    let issued = desk.issuer.issue(&desk.phone, SERIAL, &[&opening(42, 1)]);
    let request = registration(&mut desk.phone, &device, issued);
    let before = leaves(&desk.port);
    let status = desk.client.register_credential(request).await.unwrap_err();
    is(&status, Code::InvalidArgument, "FIELD_INVALID");
    let credential = desk.invite(v1::EnrolmentKind::Credential, 2).await;
    let captured = desk.sensor.enrol(&desk.phone, &credential, &face(3, false));
    let request = template(&mut desk.phone, &credential, captured);
    let status = desk.client.enrol_template(request).await.unwrap_err();
    is(&status, Code::InvalidArgument, "FIELD_INVALID");
    // The second invitation itself is one leaf.
    assert_eq!(leaves(&desk.port), before + 1);
}

#[tokio::test]
async fn a_template_is_enrolled_and_one_of_an_unknown_sensor_is_not() {
    let mut desk = desk().await;
    let stranger = Sensor::new(9, Assurance::Secure);
    let face = face(3, false);
    let refused = show(&desk.port, &mut desk.phone, &stranger, &face).await;
    let refused = refused.unwrap();
    assert_eq!((refused.enrolled, refused.reason), (false, 21));
    let invitation = desk.invite(v1::EnrolmentKind::Template, 7).await;
    let captured = desk.sensor.enrol(&desk.phone, &invitation, &face);
    let good = template(&mut desk.phone, &invitation, captured);
    let before = leaves(&desk.port);
    let short = good.capture.slice(..good.capture.len() - 1);
    let long = bytes::Bytes::from_static(&[1; 513]);
    for (capture, expected) in [(short, "PROOF_MALFORMED"), (long, "FIELD_INVALID")] {
        let request = v1::EnrolTemplateRequest {
            request_id: id(),
            capture,
            ..good.clone()
        };
        let status = desk.client.enrol_template(request).await.unwrap_err();
        is(&status, Code::InvalidArgument, expected);
    }
    assert_eq!(leaves(&desk.port), before);
    let answer = desk.client.enrol_template(good).await.unwrap().into_inner();
    assert!(answer.enrolled, "reason {}", answer.reason);
}

#[tokio::test]
async fn a_platform_revokes_credentials_and_templates_of_its_own_subjects() {
    let mut desk = desk().await;
    hold(
        &desk.port,
        &mut desk.phone,
        &desk.issuer,
        SERIAL,
        &[&opening(42, 1)],
    )
    .await;
    let shown = show(&desk.port, &mut desk.phone, &desk.sensor, &face(3, false)).await;
    assert!(shown.unwrap().enrolled);
    let mut platform = Platform::new(desk.port.platform().await);
    let credential = |tenant: &str, serial: [u8; 16]| v1::RevokeCredentialRequest {
        request_id: id(),
        tenant: tenant.to_owned(),
        subject: "cust-000001".to_owned(),
        agent: String::new(),
        serial: serial.to_vec().into(),
        reason: 3,
    };
    let status = platform
        .revoke_credential(credential("insurance", SERIAL))
        .await
        .unwrap_err();
    is(&status, Code::NotFound, "TENANT_UNKNOWN");
    let status = platform
        .revoke_credential(credential(TENANT, [0; 16]))
        .await
        .unwrap_err();
    is(&status, Code::InvalidArgument, "FIELD_INVALID");
    let status = platform
        .revoke_credential(credential(TENANT, [6; 16]))
        .await
        .unwrap_err();
    is(&status, Code::NotFound, "CREDENTIAL_UNKNOWN");
    platform
        .revoke_credential(credential(TENANT, SERIAL))
        .await
        .unwrap();
    let face = |subject: &str| v1::RevokeTemplateRequest {
        request_id: id(),
        tenant: TENANT.to_owned(),
        subject: subject.to_owned(),
        agent: String::new(),
        reason: 3,
    };
    platform.revoke_template(face("cust-000001")).await.unwrap();
    for subject in ["cust-000001", "cust-999999"] {
        let status = platform.revoke_template(face(subject)).await.unwrap_err();
        is(&status, Code::NotFound, "TEMPLATE_UNKNOWN");
    }
}
