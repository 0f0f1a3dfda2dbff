//! Sessions of agents over real TLS: the certificate is what TLS saw, denials are no answers, locks reach
//! streams.

use akashi_merkle::Receipt;
use akashi_proto::v1;
use akashi_proto::v1::agent_service_client::AgentServiceClient;
use akashi_proto::v1::platform_service_client::PlatformServiceClient;
use akashi_proto::v1::watch_notices_response::Step as Say;
use sha2::{Digest as _, Sha256};
use tonic::transport::Channel;
use tonic::{Code, Status};

use crate::calls::{PhoneClient, Platform, announcement, contact_id, id, reason, submission};
use crate::holder::{Issuer, operator};
use crate::invitation::enrol;
use crate::notices::Session as Notices;
use crate::paper::{ORIGIN, POLICY, Paper, TENANT};
use crate::phone::{PIN, Phone};
use crate::policies::{policy, put};
use crate::port::Port;
use crate::presence::Desk;

pub(crate) type AgentClient = AgentServiceClient<Channel>;

pub(crate) const AGENT: &str = "agent-0001";
const SUPERVISOR: &str = "agent-0009";

/// The number of a recorded refusal.
fn denied(status: &Status) -> Option<u16> {
    let number = status.metadata().get("akashi-denied")?;
    number.to_str().ok()?.parse().ok()
}

#[track_caller]
fn is_denied<T: std::fmt::Debug>(answer: Result<T, Status>, why: u16) {
    let status = answer.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status), denied(&status)),
        (Code::PermissionDenied, "DENIED", Some(why)),
        "{status:?}"
    );
}

/// An agent with a phone, a certificate and open notices.
pub(crate) struct Worker {
    handle: &'static str,
    pub(crate) phone: Phone,
    pub(crate) notices: Notices,
    certificate: [u8; 32],
    pub(crate) client: AgentClient,
}

/// What every test needs.
pub(crate) struct Centre {
    pub(crate) port: Port,
    pub(crate) platform: Platform,
    logins: u8,
}

impl Centre {
    pub(crate) async fn open() -> Self {
        let port = Port::open(Paper::founded()).await;
        let mut operator = operator(&port).await;
        let login = policy("login", v1::PolicyPurpose::AgentLogin);
        operator.put_policy(put(login)).await.unwrap();
        let mut attended = policy(POLICY, v1::PolicyPurpose::CustomerCall);
        attended.agents = Some(v1::AgentRule {
            unmask: Some(v1::UnmaskRule {
                fields: 0b11,
                ttl_s: 60,
                break_glass: false,
            }),
            ..v1::AgentRule::default()
        });
        operator.put_policy(put(attended)).await.unwrap();
        let platform = Platform::new(port.platform().await);
        Self {
            port,
            platform,
            logins: 0,
        }
    }

    pub(crate) async fn hire(&self, handle: &'static str, number: u8) -> Worker {
        let path = format!("/tenant/retail/agent/{handle}");
        let issued = self.port.authority.issue(&[&path]);
        let request = v1::RegisterAgentRequest {
            request_id: id(),
            tenant: TENANT.to_owned(),
            agent: handle.to_owned(),
            certificate_sha256: bytes::Bytes::new(),
            supervisor: handle == SUPERVISOR,
        };
        operator(&self.port)
            .await
            .register_agent(request)
            .await
            .unwrap();
        let mut phone = Phone::agent(handle, number);
        enrol(&self.port, &mut phone).await;
        let notices = Notices::open(&self.port, &mut phone).await.unwrap();
        let channel = self.port.channel(Some(&issued)).await.unwrap();
        Worker {
            handle,
            phone,
            notices,
            certificate: Sha256::digest(&issued.der).into(),
            client: AgentServiceClient::new(channel),
        }
    }

    /// The agent's phone proves who logs in.
    async fn log_in(&mut self, worker: &mut Worker) -> bytes::Bytes {
        self.logins += 1;
        let login_id: bytes::Bytes = vec![self.logins; 16].into();
        let request = v1::OpenAgentLoginRequest {
            request_id: id(),
            tenant: TENANT.to_owned(),
            login_id: login_id.clone(),
            agent: worker.handle.to_owned(),
            policy: "login".to_owned(),
            agent_tag: vec![4; 16].into(),
        };
        self.platform.open_agent_login(request).await.unwrap();
        let notice = worker.notices.notice().await;
        let context = worker.phone.notice_context(&notice);
        let proofs = worker.phone.proofs(&context, PIN);
        let answer = PhoneClient::new(self.port.phone().await)
            .submit_proof(submission(&notice, proofs))
            .await
            .unwrap();
        assert_eq!(answer.into_inner().outcome(), v1::Outcome::Verified);
        login_id
    }

    /// A worker at work, with the session that has the number of the login.
    pub(crate) async fn at_work(
        &mut self,
        handle: &'static str,
        number: u8,
    ) -> (Worker, bytes::Bytes) {
        let mut worker = self.hire(handle, number).await;
        let login = self.log_in(&mut worker).await;
        let opened = worker.client.open_session(open(7 + number, &login)).await;
        assert!(opened.unwrap().into_inner().expires_us > 0);
        (worker, vec![7 + number; 16].into())
    }

    async fn bind(&mut self, contact: u8, agent: &str) -> Result<(), Status> {
        let request = v1::BindAgentRequest {
            request_id: id(),
            tenant: TENANT.to_owned(),
            contact_id: contact_id(contact),
            agent: agent.to_owned(),
            ..v1::BindAgentRequest::default()
        };
        self.platform.bind_agent(request).await.map(drop)
    }

    pub(crate) async fn staff(&self) -> PlatformServiceClient<Channel> {
        PlatformServiceClient::new(self.port.platform().await)
    }
}

pub(crate) fn open(session: u8, login: &bytes::Bytes) -> v1::OpenSessionRequest {
    v1::OpenSessionRequest {
        request_id: id(),
        session_id: vec![session; 16].into(),
        login_id: login.clone(),
        rules_version: 0,
    }
}

pub(crate) fn lock() -> v1::LockAgentRequest {
    v1::LockAgentRequest {
        request_id: id(),
        tenant: TENANT.to_owned(),
        agent: AGENT.to_owned(),
        reason: 7,
    }
}

#[tokio::test]
async fn a_session_takes_a_proved_login_and_the_certificate_that_tls_saw() {
    let mut centre = Centre::open().await;
    let mut worker = centre.hire(AGENT, 1).await;
    let none: bytes::Bytes = vec![0xee; 16].into();
    is_denied(worker.client.open_session(open(8, &none)).await, 120);
    let login = centre.log_in(&mut worker).await;
    // A repeat of the request is the first answer; the login is used up for every other one.
    let request = open(8, &login);
    let first = worker.client.open_session(request.clone()).await.unwrap();
    let again = worker.client.open_session(request).await.unwrap();
    let (first, again) = (first.into_inner(), again.into_inner());
    assert_eq!(first.expires_us, again.expires_us);
    assert!(again.placement.unwrap().repeated);
    is_denied(worker.client.open_session(open(9, &login)).await, 122);
    let get = || v1::GetSessionRequest {
        session_id: vec![8; 16].into(),
        read: None,
    };
    let seen = worker.client.get_session(get()).await.unwrap();
    let session = seen.into_inner().session.unwrap();
    assert_eq!(session.state(), v1::SessionState::Active);
    assert_eq!(session.presence(), v1::PresenceState::Unseen);
    assert_eq!(session.action(), v1::ScreenAction::Clear);
    assert_eq!(session.level(), v1::LoginLevel::Alternative);
    assert_eq!(session.policy, "login");
    // Another agent does not even learn that it is there.
    let mut stranger = centre.hire("agent-0002", 2).await;
    let status = stranger.client.get_session(get()).await.unwrap_err();
    assert_eq!(reason(&status), "SESSION_UNKNOWN");
    let end = || v1::EndSessionRequest {
        request_id: id(),
        session_id: vec![8; 16].into(),
    };
    let status = stranger.client.end_session(end()).await.unwrap_err();
    assert_eq!(reason(&status), "SESSION_UNKNOWN");
    worker.client.end_session(end()).await.unwrap();
    let status = worker.client.end_session(end()).await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status)),
        (Code::FailedPrecondition, "SESSION_ENDED")
    );
    // What is over is not read any more.
    let status = worker.client.get_session(get()).await.unwrap_err();
    assert_eq!(reason(&status), "SESSION_ENDED");
    // Fields that are none are named.
    let zeros = v1::OpenSessionRequest {
        session_id: vec![0; 16].into(),
        ..open(1, &login)
    };
    let status = worker.client.open_session(zeros).await.unwrap_err();
    assert_eq!(status.message(), "session_id is not acceptable");
}

#[tokio::test]
async fn an_agent_who_is_not_at_work_gets_no_call_and_a_lock_ends_the_view_at_once() {
    let mut centre = Centre::open().await;
    let mut customer = Phone::new("cust-000001", 3);
    enrol(&centre.port, &mut customer).await;
    let mut worker = centre.hire(AGENT, 1).await;
    let announced = v1::AnnounceContactRequest {
        agent: AGENT.to_owned(),
        ..announcement(1, "cust-000001")
    };
    let refused = centre.platform.announce_contact(announced.clone()).await;
    is_denied(refused, 128);
    let login = centre.log_in(&mut worker).await;
    worker.client.open_session(open(8, &login)).await.unwrap();
    let announced = || v1::AnnounceContactRequest {
        request_id: id(),
        ..announced.clone()
    };
    // Logged in is not yet seen.
    is_denied(centre.platform.announce_contact(announced()).await, 137);
    let own: bytes::Bytes = vec![8; 16].into();
    let mut desk = Desk::seen(&centre, &mut worker.client, &own).await;
    let announced = announced();
    centre.platform.announce_contact(announced).await.unwrap();
    let watch = || v1::WatchVerdictRequest {
        contact_id: contact_id(1),
    };
    let mut view = worker.client.watch_verdict(watch()).await.unwrap();
    let first = view.get_mut().message().await.unwrap().unwrap();
    assert_eq!(first.view(), v1::AgentView::Pending);
    centre.staff().await.lock_agent(lock()).await.unwrap();
    let ended = view.get_mut().message().await.unwrap_err();
    assert_eq!(reason(&ended), "AGENT_LOCKED");
    // The contact is nobody's now.
    let status = worker.client.watch_verdict(watch()).await.unwrap_err();
    assert_eq!(reason(&status), "CONTACT_UNKNOWN");
    is_denied(centre.bind(1, AGENT).await, 125);
    let who = v1::GetAgentRequest {
        tenant: TENANT.to_owned(),
        agent: AGENT.to_owned(),
        read: None,
    };
    let seen = centre.staff().await.get_agent(who).await.unwrap();
    let seen = seen.into_inner();
    let session = seen.session.unwrap();
    assert!(seen.locked && session.contact_ids.is_empty());
    assert_eq!(session.state(), v1::SessionState::Suspended);
    assert_eq!(session.action(), v1::ScreenAction::Blackout);
    // An operator may unlock; the session needs a fresh login.
    let unlock = v1::UnlockAgentRequest {
        request_id: id(),
        tenant: TENANT.to_owned(),
        agent: AGENT.to_owned(),
        certificate_sha256: bytes::Bytes::new(),
    };
    PlatformServiceClient::new(centre.port.caller("/operator/alice").await)
        .unlock_agent(unlock)
        .await
        .unwrap();
    is_denied(centre.bind(1, AGENT).await, 129);
    let login = centre.log_in(&mut worker).await;
    let restore = v1::RestoreSessionRequest {
        request_id: id(),
        session_id: vec![8; 16].into(),
        login_id: login,
    };
    worker.client.restore_session(restore).await.unwrap();
    is_denied(centre.bind(1, AGENT).await, 137);
    desk.is_seen(&centre, &own).await;
    centre.bind(1, AGENT).await.unwrap();
    worker.client.watch_verdict(watch()).await.unwrap();
}

#[tokio::test]
async fn a_revoked_certificate_opens_nothing_and_shows_nothing() {
    let mut centre = Centre::open().await;
    let mut customer = Phone::new("cust-000001", 3);
    enrol(&centre.port, &mut customer).await;
    let (mut worker, session_id) = centre.at_work(AGENT, 1).await;
    let _desk = Desk::seen(&centre, &mut worker.client, &session_id).await;
    let call = announcement(1, "cust-000001");
    centre.platform.announce_contact(call).await.unwrap();
    centre.bind(1, AGENT).await.unwrap();
    let mut view = worker
        .client
        .watch_verdict(v1::WatchVerdictRequest {
            contact_id: contact_id(1),
        })
        .await
        .unwrap();
    view.get_mut().message().await.unwrap().unwrap();
    let revoke = v1::RevokeAgentCertificateRequest {
        request_id: id(),
        tenant: TENANT.to_owned(),
        agent: AGENT.to_owned(),
        certificate_sha256: worker.certificate.to_vec().into(),
        reason: 1,
    };
    let mut staff = centre.staff().await;
    staff.revoke_agent_certificate(revoke).await.unwrap();
    let ended = view.get_mut().message().await.unwrap_err();
    assert_eq!(reason(&ended), "CERTIFICATE_REVOKED");
    let get = v1::GetSessionRequest {
        session_id,
        read: None,
    };
    // Whoever has the certificate reads nothing of the session any more.
    let status = worker.client.get_session(get).await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status)),
        (Code::PermissionDenied, "CERTIFICATE_REVOKED")
    );
    let login = centre.log_in(&mut worker).await;
    is_denied(worker.client.open_session(open(20, &login)).await, 124);
    let short = v1::RevokeAgentCertificateRequest {
        request_id: id(),
        tenant: TENANT.to_owned(),
        agent: AGENT.to_owned(),
        certificate_sha256: vec![1; 31].into(),
        reason: 1,
    };
    let status = staff.revoke_agent_certificate(short).await.unwrap_err();
    assert_eq!(status.message(), "certificate_sha256 is not acceptable");
}

#[tokio::test]
async fn masked_fields_take_a_supervisor_and_the_customer_is_told_with_a_receipt() {
    let mut centre = Centre::open().await;
    let mut customer = Phone::new("cust-000001", 3);
    enrol(&centre.port, &mut customer).await;
    let (mut worker, session_id) = centre.at_work(AGENT, 1).await;
    let (mut supervisor, desk) = centre.at_work(SUPERVISOR, 2).await;
    let _desks = [
        Desk::seen(&centre, &mut worker.client, &session_id).await,
        Desk::seen(&centre, &mut supervisor.client, &desk).await,
    ];
    let call = announcement(1, "cust-000001");
    centre.platform.announce_contact(call).await.unwrap();
    centre.bind(1, AGENT).await.unwrap();
    let mut notices = Notices::open(&centre.port, &mut customer).await.unwrap();
    let notice = notices.notice().await;
    assert!(notice.agent_bound && !notice.observed);
    let ask = |unmask: u8, fields| v1::RequestUnmaskRequest {
        request_id: id(),
        session_id: session_id.clone(),
        contact_id: contact_id(1),
        unmask_id: vec![unmask; 16].into(),
        fields,
        reason: 12,
    };
    is_denied(worker.client.request_unmask(ask(1, 0b100)).await, 112);
    let status = worker.client.request_unmask(ask(2, 0)).await.unwrap_err();
    assert_eq!(status.message(), "fields is not acceptable");
    worker.client.request_unmask(ask(2, 0b01)).await.unwrap();
    let decide = |session_id: &bytes::Bytes, unmask: u8| v1::DecideUnmaskRequest {
        request_id: id(),
        session_id: session_id.clone(),
        contact_id: contact_id(1),
        unmask_id: vec![unmask; 16].into(),
        grant: true,
    };
    let own = worker.client.decide_unmask(decide(&session_id, 2)).await;
    is_denied(own, 113);
    worker.client.request_unmask(ask(3, 0b11)).await.unwrap();
    let granted = supervisor.client.decide_unmask(decide(&desk, 3)).await;
    let until_us = granted.unwrap().into_inner().until_us;
    let get = |unmask: u8| v1::GetUnmaskRequest {
        contact_id: contact_id(1),
        unmask_id: vec![unmask; 16].into(),
        read: None,
    };
    let seen = worker.client.get_unmask(get(3)).await.unwrap().into_inner();
    assert_eq!(seen.state(), v1::UnmaskState::Granted);
    assert_eq!((seen.fields, seen.until_us), (0b11, until_us));
    let seen = worker.client.get_unmask(get(2)).await.unwrap().into_inner();
    assert_eq!(seen.state(), v1::UnmaskState::Denied);
    let glass = v1::BreakGlassRequest {
        request_id: id(),
        session_id: session_id.clone(),
        contact_id: contact_id(1),
        unmask_id: vec![4; 16].into(),
        fields: 1,
        reason: 12,
    };
    is_denied(worker.client.break_glass(glass).await, 112);
    // The customer's phone hears of what was granted, and of nothing else.
    let told = match notices.say().await {
        Say::Told(told) => told,
        other => panic!("{other:?}"),
    };
    assert_eq!((told.fields, told.until_us), (0b11, until_us));
    assert!(!told.break_glass);
    let leaf = Receipt::parse(&told.receipt)
        .unwrap()
        .verify(&centre.port.paper.keys())
        .unwrap()
        .leaf()
        .unwrap();
    assert_eq!((leaf.kind, leaf.contact_id), (48, [1; 16]));
    // Again for a phone that was away.
    let mut later = Notices::open(&centre.port, &mut customer).await.unwrap();
    later.notice().await;
    let Say::Told(again) = later.say().await else {
        panic!("told again");
    };
    // The receipt may come from a newer head.
    let receipt = told.receipt.clone();
    assert_eq!(v1::Told { receipt, ..again }, told);
    let observe = v1::ObserveContactRequest {
        request_id: id(),
        session_id: desk.clone(),
        contact_id: contact_id(1),
    };
    supervisor.client.observe_contact(observe).await.unwrap();
    let mut view = supervisor
        .client
        .watch_verdict(v1::WatchVerdictRequest {
            contact_id: contact_id(1),
        })
        .await
        .unwrap();
    let first = view.get_mut().message().await.unwrap().unwrap();
    assert_eq!(first.view(), v1::AgentView::Pending);
    let mut last = Notices::open(&centre.port, &mut customer).await.unwrap();
    assert!(last.notice().await.observed);
}

#[tokio::test]
async fn posture_and_rules_come_from_issuers_and_the_tenant() {
    let mut centre = Centre::open().await;
    let issuer = Issuer::new(0x15);
    let mut operator = operator(&centre.port).await;
    operator.register_issuer(issuer.register()).await.unwrap();
    let mut login = policy("login", v1::PolicyPurpose::AgentLogin);
    login.agents = Some(v1::AgentRule {
        posture: 0b101,
        rules: true,
        ..v1::AgentRule::default()
    });
    operator.put_policy(put(login)).await.unwrap();
    let mut worker = centre.hire(AGENT, 1).await;
    let login = centre.log_in(&mut worker).await;
    is_denied(worker.client.open_session(open(8, &login)).await, 126);
    let mut staff = centre.staff().await;
    let now = akashi_node::clock::unix_us();
    let posture = akashi_proof::Posture {
        origin: ORIGIN.as_bytes(),
        tenant: TENANT.as_bytes(),
        agent: akashi_domain::ids::AgentHash::of(TENANT, AGENT).0,
        bits: 0b101,
        attested_us: now,
        until_us: now + 600_000_000,
    };
    let attest = |signature: Vec<u8>| v1::AttestPostureRequest {
        request_id: id(),
        tenant: TENANT.to_owned(),
        agent: AGENT.to_owned(),
        bits: posture.bits,
        attested_us: posture.attested_us,
        until_us: posture.until_us,
        issuer_key_id: Sha256::digest(issuer.key()).to_vec().into(),
        signature: signature.into(),
    };
    let status = staff.attest_posture(attest(vec![1; 64])).await.unwrap_err();
    assert_eq!(status.message(), "posture is not acceptable");
    let signature = issuer.sign(&posture.message());
    staff.attest_posture(attest(signature)).await.unwrap();
    is_denied(worker.client.open_session(open(8, &login)).await, 127);
    let rules = |version| v1::PublishRulesRequest {
        request_id: id(),
        tenant: TENANT.to_owned(),
        version,
        text_sha256: vec![7; 32].into(),
    };
    staff.publish_rules(rules(2)).await.unwrap();
    let status = staff.publish_rules(rules(2)).await.unwrap_err();
    assert_eq!(status.message(), "version is not acceptable");
    let acknowledged = v1::OpenSessionRequest {
        rules_version: 2,
        ..open(8, &login)
    };
    worker.client.open_session(acknowledged).await.unwrap();
    let who = v1::GetAgentRequest {
        tenant: TENANT.to_owned(),
        agent: AGENT.to_owned(),
        read: None,
    };
    let seen = staff.get_agent(who).await.unwrap().into_inner();
    assert_eq!((seen.posture, seen.rules_version), (0b101, 2));
    assert_eq!(seen.rules_sha256.as_ref(), [7; 32]);
    assert_eq!(seen.session.unwrap().rules_version, 2);
}
