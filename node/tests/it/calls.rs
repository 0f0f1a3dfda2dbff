//! Enrolment, calls and verdicts through the real services.

use std::time::Duration;

use akashi_merkle::{Held, HeldReceipt, Receipt};
use akashi_proto::v1;
use akashi_proto::v1::cluster_service_client::ClusterServiceClient;
use akashi_proto::v1::phone_service_client::PhoneServiceClient;
use akashi_proto::v1::platform_service_client::PlatformServiceClient;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::invitation::enrol;
use crate::notices::Session;
use crate::paper::{Mood, POLICY, Paper, TENANT, fresh_id};
use crate::phone::{PIN, Phone};
use crate::port::Port;

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
        ..v1::SubmitProofRequest::default()
    }
}

pub(crate) fn watch(contact: u8, wait_sealed: bool) -> v1::WatchContactRequest {
    v1::WatchContactRequest {
        tenant: TENANT.to_owned(),
        contact_id: contact_id(contact),
        wait_sealed,
        follow: false,
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
async fn without_a_quorum_a_submission_is_held_and_nothing_is_decided() {
    let mut call = call().await;
    let context = call.phone.notice_context(&call.notice);
    let request = submission(&call.notice, call.phone.proofs(&context, PIN));
    let leaves = akashi_node::api::Replica::progress(&call.port.paper).leaves;
    let within = |request: &v1::SubmitProofRequest| {
        let mut request = tonic::Request::new(request.clone());
        request.set_timeout(Duration::from_millis(800));
        request
    };
    for mood in [Mood::Leaderless, Mood::Stuck] {
        call.port.paper.be(mood);
        let answer = call.client.submit_proof(within(&request)).await.unwrap();
        let answer = answer.into_inner();
        let word = answer.held.clone().unwrap();
        let bare = v1::SubmitProofResponse {
            held: None,
            ..answer
        };
        assert_eq!(
            bare,
            v1::SubmitProofResponse::default(),
            "held, and no word more"
        );
        let receipt = HeldReceipt {
            held: Held {
                origin: call.port.paper.keys().origin().clone(),
                challenge_id: call.notice.challenge_id.as_ref().try_into().unwrap(),
                request_id: request.request_id.as_ref().try_into().unwrap(),
                submission: word.submission.as_ref().try_into().unwrap(),
                received_us: word.received_us,
            },
            node: word.node,
            signature: word.signature.as_ref().try_into().unwrap(),
        };
        receipt.verify(&call.port.paper.keys()).unwrap();
        // What would not be decided either way is not held.
        let token = v1::SubmitProofRequest {
            submit_token: vec![1; 32].into(),
            ..request.clone()
        };
        let status = call.client.submit_proof(within(&token)).await.unwrap_err();
        assert_eq!(reason(&status), "CHALLENGE_UNKNOWN");
        let mut broken = request.clone();
        broken.proofs[0].proof = vec![0xff; 64].into();
        let status = call.client.submit_proof(within(&broken)).await.unwrap_err();
        assert_eq!(reason(&status), "PROOF_MALFORMED");
    }
    call.port.paper.be(Mood::Busy);
    let status = call.client.submit_proof(within(&request)).await;
    assert_eq!(reason(&status.unwrap_err()), "BUSY");
    assert_eq!(
        akashi_node::api::Replica::progress(&call.port.paper).leaves,
        leaves
    );

    call.port.paper.be(Mood::Well);
    for repeated in [false, true] {
        let answer = call.client.submit_proof(within(&request)).await.unwrap();
        let answer = answer.into_inner();
        assert_eq!(answer.outcome(), v1::Outcome::Verified);
        assert_eq!(answer.held, None);
        assert_eq!(answer.placement.unwrap().repeated, repeated);
    }
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
