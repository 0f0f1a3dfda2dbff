//! Agents log in with their own phone: enrolled like a customer's, asked for a login, and seen by nobody
//! as a contact.

use akashi_merkle::Receipt;
use akashi_proof::{Assurance, Dimensions, Proximity, ProximityWitness};
use akashi_proto::v1;
use tonic::{Code, Status};

use crate::calls::{PhoneClient, Platform, id, reason, submission};
use crate::holder::{Operator, Sensor, face, operator, show};
use crate::invitation::enrol;
use crate::notices::Session;
use crate::paper::{POLICY, Paper, TENANT};
use crate::phone::{PIN, Phone};
use crate::policies::{face_rule, policy, put};
use crate::port::Port;

const AGENT: &str = "agent-0001";

fn is(status: &Status, code: Code, expected: &str) {
    assert_eq!(
        (status.code(), reason(status)),
        (code, expected),
        "{status:?}"
    );
}

fn login(number: u8) -> v1::OpenAgentLoginRequest {
    v1::OpenAgentLoginRequest {
        request_id: id(),
        tenant: TENANT.to_owned(),
        login_id: vec![number; 16].into(),
        agent: AGENT.to_owned(),
        policy: "login".to_owned(),
        agent_tag: vec![4; 16].into(),
    }
}

fn get(number: u8) -> v1::GetAgentLoginRequest {
    v1::GetAgentLoginRequest {
        tenant: TENANT.to_owned(),
        login_id: vec![number; 16].into(),
        read: None,
    }
}

/// A registered agent with an enrolled phone, and a policy for logins.
async fn desk(face: Option<v1::FaceRule>) -> (Port, Phone, Operator, Platform) {
    let port = Port::open(Paper::founded()).await;
    let mut operator = operator(&port).await;
    let agent = v1::RegisterAgentRequest {
        request_id: id(),
        tenant: TENANT.to_owned(),
        agent: AGENT.to_owned(),
        certificate_sha256: bytes::Bytes::new(),
        supervisor: false,
    };
    operator.register_agent(agent).await.unwrap();
    let login = v1::Policy {
        face,
        ..policy("login", v1::PolicyPurpose::AgentLogin)
    };
    operator.put_policy(put(login)).await.unwrap();
    let mut phone = Phone::agent(AGENT, 1);
    enrol(&port, &mut phone).await;
    let platform = Platform::new(port.platform().await);
    (port, phone, operator, platform)
}

#[tokio::test]
async fn an_agent_logs_in_with_phone_and_pin_and_the_pin_key_is_replaced() {
    let (port, mut phone, _operator, mut platform) = desk(None).await;
    let mut session = Session::open(&port, &mut phone).await.unwrap();
    let mut client = PhoneClient::new(port.phone().await);
    for number in [1, 2] {
        let opened = platform.open_agent_login(login(number)).await.unwrap();
        let opened = opened.into_inner();
        assert_eq!(opened.outcome(), v1::Outcome::Unspecified);
        let notice = session.notice().await;
        assert_eq!(notice.challenge_id, opened.challenge_id);
        assert_eq!(notice.purpose(), v1::PolicyPurpose::AgentLogin);
        assert!(notice.contact_id.is_empty() && notice.order.is_none());
        assert_eq!(notice.login_id, login(number).login_id);
        assert_eq!(notice.initiator(), v1::CallInitiator::Unspecified);
        assert_eq!(notice.pin_epoch, u32::from(number) - 1);
        let leaf = Receipt::parse(&notice.receipt)
            .unwrap()
            .verify(&port.paper.keys())
            .unwrap()
            .leaf()
            .unwrap();
        let context = phone.notice_context(&notice);
        assert_eq!(leaf.statement_hash, context.digest());

        let pin = phone.knowledge(&context, PIN);
        let next = phone.next_pin(&context, [number; 32]);
        let proofs = phone.bind(&context, vec![pin, next]);
        let answer = client.submit_proof(submission(&notice, proofs)).await;
        let answer = answer.unwrap().into_inner();
        assert_eq!(
            (answer.outcome(), answer.reason),
            (v1::Outcome::Verified, 0)
        );
        let login = platform.get_agent_login(get(number)).await.unwrap();
        let verdict = login.into_inner().verdict.unwrap();
        assert_eq!(verdict.outcome(), v1::Outcome::Verified);
        assert_eq!(verdict.challenge_id, notice.challenge_id);
        assert!(verdict.contact_id.is_empty());
        assert!(verdict.not_after_us > verdict.decided_us);
    }
}

#[tokio::test]
async fn an_agent_shows_a_face_and_the_verdict_says_how_far_it_can_be_trusted() {
    let (port, mut phone, mut operator, mut platform) = desk(Some(face_rule())).await;
    let sensor = Sensor::new(2, Assurance::Secure);
    operator.register_sensor(sensor.register()).await.unwrap();
    let (enrolled, probe) = (face(3, false), face(4, true));
    let shown = show(&port, &mut phone, &sensor, &enrolled).await.unwrap();
    assert!(shown.enrolled, "reason {}", shown.reason);
    let mut session = Session::open(&port, &mut phone).await.unwrap();
    let mut client = PhoneClient::new(port.phone().await);
    platform.open_agent_login(login(1)).await.unwrap();
    let notice = session.notice().await;
    assert_eq!(
        notice.template,
        Some(v1::Template {
            commitment: enrolled.commitment().to_bytes().to_vec().into(),
            dimensions: 128,
            model_id: crate::holder::MODEL.to_owned(),
        })
    );
    let context = phone.notice_context(&notice);
    let (from, to) = (enrolled.commitment(), probe.commitment());
    let statement = Proximity::new(Dimensions::D128, 100, from, to).unwrap();
    let witness = ProximityWitness::new(&enrolled, &probe).unwrap();
    let proof = phone.prove(&context, &statement, &witness);
    let pin = phone.knowledge(&context, PIN);
    // Without the face it is a factor that is missing.
    let proofs = phone.bind(&context, vec![pin.clone()]);
    let answer = client.submit_proof(submission(&notice, proofs)).await;
    let answer = answer.unwrap().into_inner();
    assert_eq!(
        (answer.outcome(), answer.reason),
        (v1::Outcome::Unspecified, 13)
    );
    // Attachments of another length are no capture.
    let shown = sensor.probe(&phone, &context, &enrolled, &probe, proof);
    for cut in [0, 1, 64, shown.part.attachment.len() - 1] {
        let mut junk = shown.clone();
        junk.part.attachment.truncate(cut);
        let proofs = phone.bind(&context, vec![pin.clone(), junk]);
        let status = client.submit_proof(submission(&notice, proofs)).await;
        is(&status.unwrap_err(), Code::InvalidArgument, "FIELD_INVALID");
    }
    let proofs = phone.bind(&context, vec![pin, shown]);
    let answer = client.submit_proof(submission(&notice, proofs)).await;
    let answer = answer.unwrap().into_inner();
    assert_eq!(
        (answer.outcome(), answer.reason),
        (v1::Outcome::Verified, 0)
    );
    let login = platform.get_agent_login(get(1)).await.unwrap();
    let verdict = login.into_inner().verdict.unwrap();
    assert_eq!((verdict.level, verdict.factors), (Some(2), 0b111));
}

#[tokio::test]
async fn logins_are_for_registered_agents_with_a_phone_under_a_policy_for_logins() {
    let (port, _phone, mut operator, mut platform) = desk(None).await;
    let other = v1::RegisterAgentRequest {
        request_id: id(),
        tenant: TENANT.to_owned(),
        agent: "agent-0002".to_owned(),
        certificate_sha256: bytes::Bytes::new(),
        supervisor: false,
    };
    operator.register_agent(other).await.unwrap();
    let without_phone = v1::OpenAgentLoginRequest {
        agent: "agent-0002".to_owned(),
        ..login(1)
    };
    let answer = platform.open_agent_login(without_phone).await.unwrap();
    assert_eq!(answer.into_inner().outcome(), v1::Outcome::NotEnrolled);
    let before = akashi_node::api::Replica::progress(&port.paper).leaves;
    let unknown = v1::OpenAgentLoginRequest {
        agent: "agent-9999".to_owned(),
        ..login(2)
    };
    let status = platform.open_agent_login(unknown).await.unwrap_err();
    is(&status, Code::NotFound, "AGENT_UNKNOWN");
    let call = v1::OpenAgentLoginRequest {
        policy: POLICY.to_owned(),
        ..login(2)
    };
    let status = platform.open_agent_login(call).await.unwrap_err();
    is(&status, Code::InvalidArgument, "FIELD_INVALID");
    assert_eq!(status.message(), "policy is not acceptable");
    let zeros = v1::OpenAgentLoginRequest {
        login_id: vec![0; 16].into(),
        ..login(2)
    };
    let status = platform.open_agent_login(zeros).await.unwrap_err();
    assert_eq!(status.message(), "login_id is not acceptable");
    let foreign = v1::OpenAgentLoginRequest {
        tenant: "insurance".to_owned(),
        ..login(2)
    };
    let status = platform.open_agent_login(foreign).await.unwrap_err();
    is(&status, Code::NotFound, "TENANT_UNKNOWN");
    let status = platform.get_agent_login(get(2)).await.unwrap_err();
    is(&status, Code::NotFound, "LOGIN_UNKNOWN");
    assert_eq!(
        akashi_node::api::Replica::progress(&port.paper).leaves,
        before
    );
    let repeat = login(1);
    let status = platform.open_agent_login(repeat).await.unwrap_err();
    is(&status, Code::AlreadyExists, "EXISTS");
}

#[tokio::test]
async fn the_phone_of_a_customer_with_the_agents_handle_opens_no_session_of_the_agent() {
    let (port, mut phone, _operator, _platform) = desk(None).await;
    let mut namesake = Phone::new(AGENT, 7);
    enrol(&port, &mut namesake).await;
    Session::open(&port, &mut namesake).await.unwrap();
    Session::open(&port, &mut phone).await.unwrap();
    // The same phone in the other role proves for another subject.
    namesake.is_agent = true;
    let status = Session::open(&port, &mut namesake).await.err().unwrap();
    is(&status, Code::Unauthenticated, "SESSION_PROOF");
}
