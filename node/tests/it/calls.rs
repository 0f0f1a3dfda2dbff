//! Enrolment, calls and verdicts through the real services.

use std::time::Duration;

use akashi_merkle::Receipt;
use akashi_proof::Purpose;
use akashi_proto::v1;
use akashi_proto::v1::agent_service_client::AgentServiceClient;
use akashi_proto::v1::cluster_service_client::ClusterServiceClient;
use akashi_proto::v1::phone_service_client::PhoneServiceClient;
use akashi_proto::v1::platform_service_client::PlatformServiceClient;
use prost::Message as _;
use sha2::{Digest as _, Sha256};
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::notices::Session;
use crate::paper::{Mood, POLICY, Paper, TENANT, fresh_id};
use crate::phone::{Bound, PIN, Phone};
use crate::port::{Ask, Port, framed};

pub(crate) type Platform = PlatformServiceClient<Channel>;
pub(crate) type PhoneClient = PhoneServiceClient<Channel>;

pub(crate) fn id() -> bytes::Bytes {
    fresh_id().0.to_vec().into()
}

pub(crate) fn contact_id(number: u8) -> bytes::Bytes {
    vec![number; 16].into()
}

pub(crate) fn reason(status: &Status) -> &str {
    status
        .metadata()
        .get("akashi-reason")
        .map_or("", |value| value.to_str().unwrap())
}

/// Enrols a phone through the platform and the phone's own calls.
pub(crate) async fn enrol(port: &Port, phone: &mut Phone) {
    let token = [9; 32];
    let enrolment_id = bytes::Bytes::copy_from_slice(&Sha256::digest(&phone.handle)[..16]);
    Platform::new(port.platform().await)
        .open_enrolment(v1::OpenEnrolmentRequest {
            request_id: id(),
            tenant: TENANT.to_owned(),
            subject: phone.handle.clone(),
            enrolment_id: enrolment_id.clone(),
            token_hash: Sha256::digest(token).to_vec().into(),
            subject_tag: bytes::Bytes::new(),
        })
        .await
        .unwrap();
    let mut client = PhoneClient::new(port.phone().await);
    let context = client
        .get_enrolment(v1::GetEnrolmentRequest {
            tenant: TENANT.to_owned(),
            enrolment_id: enrolment_id.clone(),
            token: token.to_vec().into(),
        })
        .await
        .unwrap()
        .into_inner()
        .context
        .unwrap();
    let bound = phone.context(&Bound {
        purpose: Purpose::Enrol,
        challenge_id: enrolment_id.as_ref().try_into().unwrap(),
        nonce: context.nonce.as_ref().try_into().unwrap(),
        contact_id: &[],
        not_before_us: context.not_before_us,
        expires_us: context.expires_us,
        policy_digest: [0; 32],
    });
    let answer = client
        .complete_enrolment(v1::CompleteEnrolmentRequest {
            request_id: id(),
            tenant: TENANT.to_owned(),
            enrolment_id,
            token: token.to_vec().into(),
            device_key: phone.device_key().into(),
            pin_key: phone.pin_key().into(),
            proofs: phone.proofs(&bound, PIN),
            suite: 1,
        })
        .await
        .unwrap()
        .into_inner();
    assert!(answer.enrolled, "reason {}", answer.reason);
}

pub(crate) fn announcement(contact: u8, subject: &str) -> v1::AnnounceContactRequest {
    v1::AnnounceContactRequest {
        request_id: id(),
        tenant: TENANT.to_owned(),
        contact_id: contact_id(contact),
        subject: subject.to_owned(),
        initiator: v1::CallInitiator::Customer.into(),
        policy: POLICY.to_owned(),
        call_reason: 2,
        ..v1::AnnounceContactRequest::default()
    }
}

pub(crate) fn submission(
    notice: &v1::Notice,
    proofs: Vec<v1::FactorProof>,
) -> v1::SubmitProofRequest {
    v1::SubmitProofRequest {
        request_id: id(),
        tenant: TENANT.to_owned(),
        challenge_id: notice.challenge_id.clone(),
        submit_token: notice.submit_token.clone(),
        suite: 1,
        proofs,
    }
}

pub(crate) fn watch(contact: u8, wait_sealed: bool) -> v1::WatchContactRequest {
    v1::WatchContactRequest {
        tenant: TENANT.to_owned(),
        contact_id: contact_id(contact),
        wait_sealed,
    }
}

/// An enrolled phone, an announced contact, and its notice.
struct Call {
    port: Port,
    phone: Phone,
    platform: Platform,
    client: PhoneClient,
    notice: v1::Notice,
}

async fn call() -> Call {
    let port = Port::open(Paper::founded()).await;
    let mut phone = Phone::new("cust-000001", 1);
    enrol(&port, &mut phone).await;
    let mut platform = Platform::new(port.platform().await);
    let mut session = Session::open(&port, &mut phone).await.unwrap();
    platform
        .announce_contact(announcement(1, &phone.handle))
        .await
        .unwrap();
    let notice = session.notice().await;
    let client = PhoneClient::new(port.phone().await);
    Call {
        port,
        phone,
        platform,
        client,
        notice,
    }
}

#[tokio::test]
async fn a_call_is_verified_and_its_receipt_holds_offline() {
    let mut call = call().await;
    let mut stream = call
        .platform
        .watch_contact(watch(1, true))
        .await
        .unwrap()
        .into_inner();
    let first = stream.message().await.unwrap().unwrap().verdict.unwrap();
    assert_eq!(first.outcome(), v1::Outcome::Unspecified);

    call.port.paper.hold_seals();
    let context = call.phone.notice_context(&call.notice);
    let proofs = call.phone.proofs(&context, PIN);
    let answer = call
        .client
        .submit_proof(submission(&call.notice, proofs))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(answer.outcome(), v1::Outcome::Verified);

    let committed = stream.message().await.unwrap().unwrap().verdict.unwrap();
    assert_eq!(committed.outcome(), v1::Outcome::Verified);
    assert_eq!(committed.stage(), v1::Stage::Committed);
    assert!(committed.receipt.is_empty());
    assert!(committed.not_after_us > committed.decided_us);

    call.port.paper.seal();
    let sealed = stream.message().await.unwrap().unwrap().verdict.unwrap();
    assert_eq!(sealed.stage(), v1::Stage::Sealed);
    let receipt = Receipt::parse(&sealed.receipt).unwrap();
    let leaf = receipt
        .verify(&call.port.paper.keys())
        .unwrap()
        .leaf()
        .unwrap();
    assert_eq!(
        leaf.challenge_id.as_slice(),
        call.notice.challenge_id.as_ref()
    );
    assert!(stream.message().await.unwrap().is_none());

    let read = v1::GetContactRequest {
        tenant: TENANT.to_owned(),
        contact_id: contact_id(1),
        read: None,
    };
    let read = call.platform.get_contact(read).await.unwrap().into_inner();
    assert_eq!(read.verdict.unwrap().receipt, sealed.receipt);
}

#[tokio::test]
async fn the_same_proof_again_gets_the_stored_verdict_and_another_one_is_too_late() {
    let mut call = call().await;
    let context = call.phone.notice_context(&call.notice);
    let proofs = call.phone.proofs(&context, PIN);
    let request = submission(&call.notice, proofs.clone());
    let first = call
        .client
        .submit_proof(request.clone())
        .await
        .unwrap()
        .into_inner();
    let repeat = call
        .client
        .submit_proof(request.clone())
        .await
        .unwrap()
        .into_inner();
    assert!(repeat.placement.unwrap().repeated);
    assert_eq!(repeat.outcome, first.outcome);
    let replay = call
        .client
        .submit_proof(submission(&call.notice, proofs))
        .await
        .unwrap();
    assert_eq!(replay.into_inner().outcome(), v1::Outcome::Verified);

    let other = call.phone.proofs(&context, "0000");
    for _ in 0..2 {
        let late = submission(&call.notice, other.clone());
        let status = call.client.submit_proof(late).await.unwrap_err();
        assert_eq!(status.code(), Code::FailedPrecondition);
        assert_eq!(reason(&status), "CHALLENGE_ANSWERED");
    }
    let reused = v1::SubmitProofRequest {
        proofs: other,
        ..request
    };
    let status = call.client.submit_proof(reused).await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status)),
        (Code::AlreadyExists, "REQUEST_ID_REUSED")
    );
}

#[tokio::test]
async fn a_proof_that_does_not_hold_is_an_answer_and_a_locked_pin_says_when_to_come_back() {
    let mut call = call().await;
    let raise = v1::PutSettingsRequest {
        request_id: id(),
        settings: Some(v1::Settings {
            refusals_per_challenge: 20,
            pin_failures_soft: 2,
            ..v1::Settings::default()
        }),
    };
    ClusterServiceClient::new(call.port.caller("/operator/alice").await)
        .put_settings(raise)
        .await
        .unwrap();
    let context = call.phone.notice_context(&call.notice);
    for pin in ["0001", "0002"] {
        let proofs = call.phone.proofs(&context, pin);
        let answer = call
            .client
            .submit_proof(submission(&call.notice, proofs))
            .await
            .unwrap()
            .into_inner();
        assert_eq!(answer.outcome(), v1::Outcome::Unspecified);
        assert!(answer.attempts_left > 0);
        assert_ne!(answer.reason, 0);
    }
    let proofs = call.phone.proofs(&context, PIN);
    let status = call
        .client
        .submit_proof(submission(&call.notice, proofs))
        .await
        .unwrap_err();
    assert_eq!(
        (status.code(), reason(&status)),
        (Code::ResourceExhausted, "PIN_LOCKED")
    );
    let pause = status
        .get_details_retry_info()
        .unwrap()
        .retry_delay
        .unwrap();
    assert!(
        pause > Duration::from_secs(10) && pause <= Duration::from_secs(31),
        "{pause:?}"
    );
}

#[tokio::test]
async fn junk_stops_at_the_door_and_leaves_nothing_in_the_log() {
    let mut call = call().await;
    let context = call.phone.notice_context(&call.notice);
    let proofs = call.phone.proofs(&context, PIN);
    let good = submission(&call.notice, proofs.clone());
    let leaves = akashi_node::api::Replica::progress(&call.port.paper).leaves;

    let mut cases = Vec::new();
    let token = v1::SubmitProofRequest {
        submit_token: vec![1; 32].into(),
        ..good.clone()
    };
    cases.push((token, Code::NotFound, "CHALLENGE_UNKNOWN"));
    let unknown = v1::SubmitProofRequest {
        challenge_id: vec![1; 16].into(),
        ..good.clone()
    };
    cases.push((unknown, Code::NotFound, "CHALLENGE_UNKNOWN"));
    let tenant = v1::SubmitProofRequest {
        tenant: "insurance".to_owned(),
        ..good.clone()
    };
    cases.push((tenant, Code::NotFound, "CHALLENGE_UNKNOWN"));
    let nobody = v1::SubmitProofRequest {
        tenant: "nobody".to_owned(),
        ..good.clone()
    };
    cases.push((nobody, Code::NotFound, "CHALLENGE_UNKNOWN"));
    let suite = v1::SubmitProofRequest {
        suite: 9,
        ..good.clone()
    };
    cases.push((suite, Code::FailedPrecondition, "SUITE_NOT_ACTIVE"));
    let mut change = |edit: &dyn Fn(&mut Vec<v1::FactorProof>), reason| {
        let mut proofs = proofs.clone();
        edit(&mut proofs);
        let request = v1::SubmitProofRequest {
            proofs,
            ..good.clone()
        };
        cases.push((request, Code::InvalidArgument, reason));
    };
    change(&|p| p[0].proof.truncate(63), "PROOF_MALFORMED");
    change(
        &|p| p[0].proof = [&p[0].proof[..], &[0]].concat().into(),
        "PROOF_MALFORMED",
    );
    change(&|p| p[1].proof = vec![0xff; 64].into(), "PROOF_MALFORMED");
    change(&|p| p.swap(0, 1), "FIELD_INVALID");
    change(&|p| p.push(p[1].clone()), "FIELD_INVALID");
    change(&|p| p[0].kind = 77, "FIELD_INVALID");
    change(&|p| p[0].kind = 777, "FIELD_INVALID");
    change(&Vec::clear, "FIELD_INVALID");
    for (request, code, expected) in cases {
        let request = v1::SubmitProofRequest {
            request_id: id(),
            ..request
        };
        let status = call.client.submit_proof(request).await.unwrap_err();
        assert_eq!(
            (status.code(), reason(&status)),
            (code, expected),
            "{}",
            status.message()
        );
    }
    assert_eq!(
        akashi_node::api::Replica::progress(&call.port.paper).leaves,
        leaves
    );
}

#[tokio::test]
async fn an_expired_challenge_is_a_failed_precondition() {
    let mut call = call().await;
    let context = call.phone.notice_context(&call.notice);
    let proofs = call.phone.proofs(&context, PIN);
    call.port.paper.skip(Duration::from_secs(300));
    let mut late = submission(&call.notice, proofs);
    // Ids carry the caller's clock, which has moved with the cluster's.
    late.request_id = id();
    let status = call.client.submit_proof(late).await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert_eq!(reason(&status), "CHALLENGE_EXPIRED");
}

#[tokio::test]
async fn a_customer_who_reports_the_call_ends_it_at_once() {
    let mut call = call().await;
    let answer = |answer: v1::NoticeAnswer| v1::AnswerNoticeRequest {
        request_id: id(),
        tenant: TENANT.to_owned(),
        challenge_id: call.notice.challenge_id.clone(),
        submit_token: call.notice.submit_token.clone(),
        answer: answer.into(),
    };
    let opened = answer(v1::NoticeAnswer::Opened);
    let reported = answer(v1::NoticeAnswer::Report);
    let nothing = answer(v1::NoticeAnswer::Unspecified);
    let opened = call
        .client
        .answer_notice(opened)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(opened.outcome(), v1::Outcome::Unspecified);
    let status = call.client.answer_notice(nothing).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let reported = call
        .client
        .answer_notice(reported)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(reported.outcome(), v1::Outcome::ReportedByCustomer);
}

#[tokio::test]
async fn a_lagging_node_catches_up_before_it_says_that_something_is_unknown() {
    let port = Port::open(Paper::founded()).await;
    let mut platform = Platform::new(port.platform().await);
    port.paper.lag();
    platform
        .announce_contact(announcement(1, "cust-000001"))
        .await
        .unwrap();
    let mut stream = platform
        .watch_contact(watch(1, false))
        .await
        .unwrap()
        .into_inner();
    let verdict = stream.message().await.unwrap().unwrap().verdict.unwrap();
    assert_eq!(verdict.outcome(), v1::Outcome::NotEnrolled);
    let status = platform.watch_contact(watch(2, false)).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
}

#[tokio::test]
async fn a_platform_sees_its_own_tenant_only() {
    let port = Port::open(Paper::founded()).await;
    let mut platform = Platform::new(port.platform().await);
    for tenant in ["insurance", "nobody"] {
        let request = v1::AnnounceContactRequest {
            tenant: tenant.to_owned(),
            ..announcement(1, "cust-000001")
        };
        let status = platform.announce_contact(request).await.unwrap_err();
        assert_eq!(
            (status.code(), reason(&status)),
            (Code::NotFound, "TENANT_UNKNOWN")
        );
    }
}

#[tokio::test]
async fn fields_that_make_no_sense_are_named_and_their_values_are_not() {
    let port = Port::open(Paper::founded()).await;
    let mut platform = Platform::new(port.platform().await);
    let good = || announcement(1, "cust-000001");
    let cases = [
        (
            "subject",
            v1::AnnounceContactRequest {
                subject: "090-1234-5678".into(),
                ..good()
            },
        ),
        (
            "subject",
            v1::AnnounceContactRequest {
                subject: "taro@example.jp".into(),
                ..good()
            },
        ),
        (
            "subject",
            v1::AnnounceContactRequest {
                subject: "山田太郎-CANARY".into(),
                ..good()
            },
        ),
        (
            "subject",
            v1::AnnounceContactRequest {
                subject: "cust\u{0}000001".into(),
                ..good()
            },
        ),
        (
            "contact_id",
            v1::AnnounceContactRequest {
                contact_id: vec![1; 15].into(),
                ..good()
            },
        ),
        (
            "contact_id",
            v1::AnnounceContactRequest {
                contact_id: vec![0; 16].into(),
                ..good()
            },
        ),
        (
            "request_id",
            v1::AnnounceContactRequest {
                request_id: vec![1; 16].into(),
                ..good()
            },
        ),
        (
            "initiator",
            v1::AnnounceContactRequest {
                initiator: 0,
                ..good()
            },
        ),
        (
            "initiator",
            v1::AnnounceContactRequest {
                initiator: 99,
                ..good()
            },
        ),
        (
            "call_reason",
            v1::AnnounceContactRequest {
                call_reason: 70_000,
                ..good()
            },
        ),
        (
            "policy",
            v1::AnnounceContactRequest {
                policy: "No Policy".into(),
                ..good()
            },
        ),
        (
            "agent",
            v1::AnnounceContactRequest {
                agent: "bob".into(),
                ..good()
            },
        ),
        (
            "subject_tag",
            v1::AnnounceContactRequest {
                subject_tag: vec![1; 3].into(),
                ..good()
            },
        ),
    ];
    for (field, request) in cases {
        let status = platform.announce_contact(request).await.unwrap_err();
        assert_eq!(
            (status.code(), reason(&status)),
            (Code::InvalidArgument, "FIELD_INVALID")
        );
        assert_eq!(status.message(), format!("{field} is not acceptable"));
    }
}

#[tokio::test]
async fn an_agent_sees_one_word_about_contacts_that_are_his_and_nothing_about_others() {
    let port = Port::open(Paper::founded()).await;
    let mut operator = ClusterServiceClient::new(port.caller("/operator/alice").await);
    for agent in ["agent-0001", "agent-0002"] {
        let request = v1::RegisterAgentRequest {
            request_id: id(),
            tenant: TENANT.to_owned(),
            agent: agent.to_owned(),
            certificate_sha256: bytes::Bytes::new(),
        };
        operator.register_agent(request).await.unwrap();
    }
    let mut platform = Platform::new(port.platform().await);
    let request = v1::AnnounceContactRequest {
        agent: "agent-0001".into(),
        ..announcement(1, "cust-000001")
    };
    platform.announce_contact(request).await.unwrap();
    let watch = |contact| v1::WatchVerdictRequest {
        contact_id: contact_id(contact),
    };

    let own = port.caller("/tenant/retail/agent/agent-0001").await;
    let mut stream = AgentServiceClient::new(own)
        .watch_verdict(watch(1))
        .await
        .unwrap()
        .into_inner();
    let word = stream.message().await.unwrap().unwrap();
    assert_eq!(word.view(), v1::AgentView::Fail);
    assert_eq!(word.stage(), v1::Stage::Sealed);
    assert_eq!(word.not_after_us, 0);
    assert!(stream.message().await.unwrap().is_none());

    for path in [
        "/tenant/retail/agent/agent-0002",
        "/tenant/retail/agent/agent-9999",
        "/tenant/insurance/agent/agent-0001",
    ] {
        let other = port.caller(path).await;
        let mut client = AgentServiceClient::new(other);
        for contact in [1, 2] {
            let status = client.watch_verdict(watch(contact)).await.unwrap_err();
            assert_eq!(
                (status.code(), reason(&status)),
                (Code::NotFound, "CONTACT_UNKNOWN")
            );
        }
    }
}

#[tokio::test]
async fn an_agents_registered_certificate_is_the_only_one_that_serves() {
    let port = Port::open(Paper::founded()).await;
    let registered = port.authority.issue(&["/tenant/retail/agent/agent-0001"]);
    let other = port.authority.issue(&["/tenant/retail/agent/agent-0001"]);
    let request = v1::RegisterAgentRequest {
        request_id: id(),
        tenant: TENANT.to_owned(),
        agent: "agent-0001".to_owned(),
        certificate_sha256: Sha256::digest(&registered.der).to_vec().into(),
    };
    ClusterServiceClient::new(port.caller("/operator/alice").await)
        .register_agent(request)
        .await
        .unwrap();
    let request = v1::AnnounceContactRequest {
        agent: "agent-0001".into(),
        ..announcement(1, "cust-000001")
    };
    Platform::new(port.platform().await)
        .announce_contact(request)
        .await
        .unwrap();
    let watch = || v1::WatchVerdictRequest {
        contact_id: contact_id(1),
    };
    let channel = port.channel(Some(&registered)).await.unwrap();
    AgentServiceClient::new(channel)
        .watch_verdict(watch())
        .await
        .unwrap();
    let channel = port.channel(Some(&other)).await.unwrap();
    let status = AgentServiceClient::new(channel)
        .watch_verdict(watch())
        .await
        .unwrap_err();
    assert_eq!(
        (status.code(), reason(&status)),
        (Code::PermissionDenied, "CERTIFICATE_OTHER")
    );
}

#[tokio::test]
async fn a_watch_that_lags_behind_the_events_misses_nothing() {
    let mut call = call().await;
    let mut stream = call
        .platform
        .watch_contact(watch(1, false))
        .await
        .unwrap()
        .into_inner();
    let first = stream.message().await.unwrap().unwrap().verdict.unwrap();
    assert_eq!(first.outcome(), v1::Outcome::Unspecified);
    // More entries than the events' channel holds, none of them about this contact.
    for contact in 10..60 {
        call.platform
            .announce_contact(announcement(contact, "cust-000002"))
            .await
            .unwrap();
    }
    let close = v1::CloseContactRequest {
        request_id: id(),
        tenant: TENANT.to_owned(),
        contact_id: contact_id(1),
        disposition: 3,
    };
    call.platform.close_contact(close).await.unwrap();
    for contact in 60..110 {
        call.platform
            .announce_contact(announcement(contact, "cust-000002"))
            .await
            .unwrap();
    }
    let last = stream.message().await.unwrap().unwrap().verdict.unwrap();
    assert_eq!(last.outcome(), v1::Outcome::Cancelled);
    assert!(stream.message().await.unwrap().is_none());
}

#[tokio::test]
async fn what_the_replica_cannot_do_has_its_own_status() {
    let port = Port::open(Paper::founded()).await;
    let mut platform = Platform::new(port.platform().await);
    for (mood, code, expected) in [
        (Mood::Busy, Code::ResourceExhausted, "BUSY"),
        (Mood::Leaderless, Code::Unavailable, "NO_LEADER"),
    ] {
        port.paper.be(mood);
        let status = platform
            .announce_contact(announcement(1, "cust-000001"))
            .await
            .unwrap_err();
        assert_eq!((status.code(), reason(&status)), (code, expected));
        assert!(status.get_details_retry_info().is_some(), "{expected}");
        assert!(status.metadata().contains_key("grpc-retry-pushback-ms"));
    }
    port.paper.be(Mood::Stuck);
    let body = framed(&announcement(1, "cust-000001").encode_to_vec());
    let raw = Ask::new("/akashi.v1.PlatformService/AnnounceContact", body)
        .header("grpc-timeout", "100m")
        .send_bare(&port.bare().await)
        .await;
    assert_eq!((raw.grpc, raw.reason.as_str()), (Some(4), "DEADLINE"));
}

#[tokio::test]
async fn operators_found_a_cluster_once_and_look_at_it() {
    let port = Port::open(Paper::empty()).await;
    let mut operator = ClusterServiceClient::new(port.caller("/operator/alice").await);
    let before = operator
        .get_key_set(v1::GetKeySetRequest {})
        .await
        .unwrap_err();
    assert_eq!(reason(&before), "NOT_FOUNDED");
    let policy = v1::Policy {
        name: POLICY.to_owned(),
        require_possession: true,
        require_knowledge: true,
        ..v1::Policy::default()
    };
    let bootstrap = || v1::BootstrapRequest {
        request_id: id(),
        tenant: TENANT.to_owned(),
        policy: Some(policy.clone()),
    };
    let founded = operator.bootstrap(bootstrap()).await.unwrap().into_inner();
    assert_eq!(founded.placement.unwrap().leaf_index, 0);
    let status = operator.bootstrap(bootstrap()).await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status)),
        (Code::AlreadyExists, "ALREADY_FOUNDED")
    );
    let put = v1::PutPolicyRequest {
        request_id: id(),
        tenant: TENANT.to_owned(),
        policy: Some(policy.clone()),
    };
    let put = operator
        .put_policy(put)
        .await
        .unwrap()
        .into_inner()
        .policy
        .unwrap();
    assert_eq!(
        (put.version, put.challenge_ttl_s, put.digest.len()),
        (2, 120, 32)
    );
    let status = operator
        .get_node_status(v1::GetNodeStatusRequest {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (status.cluster.as_str(), status.role.as_str()),
        ("dev", "leader")
    );
    assert_eq!(status.peers.len(), 2);
    let keys = operator
        .get_key_set(v1::GetKeySetRequest {})
        .await
        .unwrap()
        .into_inner();
    assert!(keys.key_set.contains("akashi-origin dev/e1/g0"));
    let moved = v1::TransferLeaderRequest { to_node_id: 9 };
    assert_eq!(
        operator.transfer_leader(moved).await.unwrap_err().code(),
        Code::InvalidArgument
    );
    let moved = v1::TransferLeaderRequest { to_node_id: 0 };
    assert_eq!(
        operator
            .transfer_leader(moved)
            .await
            .unwrap()
            .into_inner()
            .leader_id,
        2
    );
}
