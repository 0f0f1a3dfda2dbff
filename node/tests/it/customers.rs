//! What a platform says of a customer, and what phones say instead of proving, over the wire.

use akashi_proto::v1;
use akashi_proto::v1::agent_service_client::AgentServiceClient;
use akashi_proto::v1::cluster_service_client::ClusterServiceClient;
use akashi_proto::v1::phone_service_client::PhoneServiceClient;
use tonic::Code;
use tonic::transport::Channel;

use crate::calls::{Platform, announcement, contact_id, id, reason, submission, watch};
use crate::invitation::enrol;
use crate::notices::Session;
use crate::paper::{POLICY, Paper, TENANT};
use crate::phone::{PIN, Phone};
use crate::policies::{policy, put};
use crate::port::Port;

const CUSTOMER: &str = "cust-000001";
const AGENT: &str = "agent-0001";
const FULL: u32 = 0xff;
const LIMITED: u32 = 0x0f;

struct Desk {
    port: Port,
    phone: Phone,
    platform: Platform,
    client: PhoneServiceClient<Channel>,
}

/// A policy that grants less where something speaks against full trust, an agent, an enrolled phone.
async fn desk() -> Desk {
    let port = Port::open(Paper::founded()).await;
    let mut operator = ClusterServiceClient::new(port.caller("/operator/alice").await);
    let graded = v1::Policy {
        grants: Some(v1::Grants {
            scope: Some(FULL),
            limited: Some(LIMITED),
            fallbacks: 1 << 2,
            risk: Some(v1::RiskRule {
                sim_age_min: 3,
                ..v1::RiskRule::default()
            }),
            ..v1::Grants::default()
        }),
        ..policy(POLICY, v1::PolicyPurpose::CustomerCall)
    };
    operator.put_policy(put(graded)).await.unwrap();
    let agent = v1::RegisterAgentRequest {
        request_id: id(),
        tenant: TENANT.to_owned(),
        agent: AGENT.to_owned(),
        certificate_sha256: bytes::Bytes::new(),
        supervisor: false,
    };
    operator.register_agent(agent).await.unwrap();
    let mut phone = Phone::new(CUSTOMER, 1);
    enrol(&port, &mut phone).await;
    let platform = Platform::new(port.platform().await);
    let client = PhoneServiceClient::new(port.phone().await);
    Desk {
        port,
        phone,
        platform,
        client,
    }
}

impl Desk {
    /// Announces a contact that the agent has, and gives its notice.
    async fn ask(&mut self, contact: u8) -> v1::Notice {
        let request = v1::AnnounceContactRequest {
            agent: AGENT.to_owned(),
            ..announcement(contact, CUSTOMER)
        };
        self.platform.announce_contact(request).await.unwrap();
        let mut session = Session::open(&self.port, &mut self.phone).await.unwrap();
        session.notice().await
    }

    async fn prove(&mut self, notice: &v1::Notice, duress: bool) -> v1::SubmitProofResponse {
        let context = self.phone.notice_context(notice);
        let proofs = self.phone.proofs(&context, PIN);
        let request = v1::SubmitProofRequest {
            duress,
            ..submission(notice, proofs)
        };
        self.client
            .submit_proof(request)
            .await
            .unwrap()
            .into_inner()
    }

    async fn say(&mut self, notice: &v1::Notice, answer: v1::NoticeAnswer) -> v1::Outcome {
        let request = v1::AnswerNoticeRequest {
            request_id: id(),
            tenant: TENANT.to_owned(),
            challenge_id: notice.challenge_id.clone(),
            submit_token: notice.submit_token.clone(),
            answer: answer.into(),
        };
        let answer = self.client.answer_notice(request).await.unwrap();
        answer.into_inner().outcome()
    }

    async fn contact(&mut self, contact: u8) -> v1::GetContactResponse {
        let request = v1::GetContactRequest {
            tenant: TENANT.to_owned(),
            contact_id: contact_id(contact),
            read: None,
        };
        self.platform
            .get_contact(request)
            .await
            .unwrap()
            .into_inner()
    }
}

#[tokio::test]
async fn a_report_after_the_verdict_stops_the_agent_and_the_platform_at_once() {
    let mut desk = desk().await;
    let notice = desk.ask(1).await;
    let own = desk.port.caller("/tenant/retail/agent/agent-0001").await;
    let request = v1::WatchVerdictRequest {
        contact_id: contact_id(1),
    };
    let screen = AgentServiceClient::new(own).watch_verdict(request).await;
    let mut screen = screen.unwrap().into_inner();
    let follow = v1::WatchContactRequest {
        follow: true,
        ..watch(1, false)
    };
    let followed = desk.platform.watch_contact(follow).await;
    let mut followed = followed.unwrap().into_inner();
    assert_eq!(
        screen.message().await.unwrap().unwrap().view(),
        v1::AgentView::Pending
    );
    followed.message().await.unwrap().unwrap();

    assert_eq!(
        desk.prove(&notice, false).await.outcome(),
        v1::Outcome::Verified
    );
    let pass = screen.message().await.unwrap().unwrap();
    assert_eq!((pass.view(), pass.scope), (v1::AgentView::Pass, FULL));
    assert_eq!(pass.match_words.len(), 3);
    let told = followed.message().await.unwrap().unwrap();
    assert_eq!(told.verdict.unwrap().match_words, pass.match_words);

    let said = desk.say(&notice, v1::NoticeAnswer::Report).await;
    assert_eq!(said, v1::Outcome::ReportedByCustomer);
    let stop = loop {
        let screen = screen.message().await.unwrap().unwrap();
        if screen.view() != v1::AgentView::Pass {
            break screen;
        }
    };
    assert!(stop.view() == v1::AgentView::Fail && stop.stop);
    assert!(stop.match_words.is_empty());
    assert!(followed.message().await.unwrap().unwrap().blocked);
    let again = v1::BindAgentRequest {
        request_id: id(),
        tenant: TENANT.to_owned(),
        contact_id: contact_id(1),
        agent: AGENT.to_owned(),
        agent_tag: bytes::Bytes::new(),
        ..v1::BindAgentRequest::default()
    };
    let status = desk.platform.bind_agent(again).await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status)),
        (Code::FailedPrecondition, "CONTACT_BLOCKED")
    );
    let outbound = v1::AnnounceContactRequest {
        initiator: v1::CallInitiator::Centre.into(),
        ..announcement(2, CUSTOMER)
    };
    let ended = desk.platform.announce_contact(outbound).await.unwrap();
    assert_eq!(
        ended.into_inner().outcome(),
        v1::Outcome::ReportedByCustomer
    );
}

#[tokio::test]
async fn signals_take_scope_away_and_distress_takes_it_unseen() {
    let mut desk = desk().await;
    let notice = desk.ask(1).await;
    let calm = desk.prove(&notice, false).await;
    let attach = |contact, risk| v1::AttachRiskRequest {
        request_id: id(),
        tenant: TENANT.to_owned(),
        contact_id: contact_id(contact),
        risk,
    };
    let young = v1::Risk {
        sim_age: 1,
        ..v1::Risk::default()
    };
    let request = attach(1, Some(young));
    desk.platform.attach_risk(request).await.unwrap();
    let contact = desk.contact(1).await;
    assert_eq!((contact.scope, contact.limits), (LIMITED, 2));
    assert_eq!(
        contact.verdict.unwrap().scope,
        FULL,
        "the verdict stays what it was"
    );
    assert_eq!(contact.risk, Some(young));
    for risk in [None, Some(v1::Risk { flags: 8, ..young })] {
        let status = desk.platform.attach_risk(attach(1, risk)).await;
        assert_eq!(status.unwrap_err().code(), Code::InvalidArgument);
    }

    let notice = desk.ask(2).await;
    let forced = desk.prove(&notice, true).await;
    let said = |answer: &v1::SubmitProofResponse| {
        let leaves = answer.placement.map(|placement| placement.leaf_count);
        (answer.outcome, answer.reason, leaves)
    };
    assert_eq!(
        said(&forced),
        said(&calm),
        "the phone's answer looks the same"
    );
    let contact = desk.contact(2).await;
    assert_eq!(
        (contact.scope, contact.limits, contact.blocked),
        (FULL, 0, false)
    );
}

#[tokio::test]
async fn a_weaker_way_counts_if_the_policy_lists_it_and_a_wish_is_respected() {
    let mut desk = desk().await;
    let stranger = announcement(1, "cust-000002");
    let ended = desk.platform.announce_contact(stranger).await.unwrap();
    assert_eq!(ended.into_inner().outcome(), v1::Outcome::NotEnrolled);
    let tried = |kind: v1::FallbackKind, passed| v1::RecordFallbackRequest {
        request_id: id(),
        tenant: TENANT.to_owned(),
        contact_id: contact_id(1),
        kind: kind.into(),
        passed,
    };
    let branch = tried(v1::FallbackKind::Branch, true);
    let status = desk.platform.record_fallback(branch).await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status)),
        (Code::FailedPrecondition, "FALLBACK_NOT_ALLOWED")
    );
    for (passed, outcome) in [
        (false, v1::Outcome::Unspecified),
        (true, v1::Outcome::Verified),
    ] {
        let callback = tried(v1::FallbackKind::Callback, passed);
        let answer = desk.platform.record_fallback(callback).await.unwrap();
        assert_eq!(answer.into_inner().outcome(), outcome);
    }
    let verdict = desk.contact(1).await.verdict.unwrap();
    assert_eq!(
        (verdict.aal, verdict.limits, verdict.scope),
        (1, 4, LIMITED)
    );
    assert!(verdict.match_words.is_empty());

    let notice = desk.ask(2).await;
    let said = desk.say(&notice, v1::NoticeAnswer::OptOut).await;
    assert_eq!(said, v1::Outcome::OptedOut);
    let call = announcement(3, CUSTOMER);
    let ended = desk.platform.announce_contact(call).await.unwrap();
    assert_eq!(ended.into_inner().outcome(), v1::Outcome::OptedOut);
    let again = v1::SetOptOutRequest {
        request_id: id(),
        tenant: TENANT.to_owned(),
        subject: CUSTOMER.to_owned(),
        until_us: 0,
        subject_tag: bytes::Bytes::new(),
    };
    desk.platform.set_opt_out(again).await.unwrap();
    desk.ask(4).await;
}

#[tokio::test]
async fn somebody_who_may_act_is_asked_on_their_own_phone() {
    let mut desk = desk().await;
    let call = |contact| v1::AnnounceContactRequest {
        delegate: CUSTOMER.to_owned(),
        ..announcement(contact, "cust-000009")
    };
    let status = desk.platform.announce_contact(call(1)).await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status)),
        (Code::NotFound, "DELEGATION_UNKNOWN")
    );
    let contact = desk.contact_time().await;
    let grant = v1::GrantDelegationRequest {
        request_id: id(),
        tenant: TENANT.to_owned(),
        subject: "cust-000009".to_owned(),
        delegate: CUSTOMER.to_owned(),
        scope: 0x11,
        until_us: contact + 3_600_000_000,
        ..v1::GrantDelegationRequest::default()
    };
    desk.platform.grant_delegation(grant).await.unwrap();
    desk.platform.announce_contact(call(1)).await.unwrap();
    let mut session = Session::open(&desk.port, &mut desk.phone).await.unwrap();
    let notice = session.notice().await;
    assert!(notice.for_another);
    assert_eq!(
        desk.prove(&notice, false).await.outcome(),
        v1::Outcome::Verified
    );
    let verdict = desk.contact(1).await.verdict.unwrap();
    assert_eq!((verdict.scope, verdict.limits), (0x11 & LIMITED, 8));
    let revoke = v1::RevokeDelegationRequest {
        request_id: id(),
        tenant: TENANT.to_owned(),
        subject: "cust-000009".to_owned(),
        delegate: CUSTOMER.to_owned(),
    };
    desk.platform.revoke_delegation(revoke).await.unwrap();
    let status = desk.platform.announce_contact(call(2)).await.unwrap_err();
    assert_eq!(reason(&status), "DELEGATION_UNKNOWN");
}

impl Desk {
    /// Cluster time, from a contact that ends at once.
    async fn contact_time(&mut self) -> u64 {
        let call = announcement(200, "cust-000003");
        let answer = self.platform.announce_contact(call).await.unwrap();
        answer.into_inner().placement.unwrap().stamp_us
    }
}
