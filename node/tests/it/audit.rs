//! The audit service: what an auditor reads must verify with the cluster's public keys alone.

use akashi_merkle::{Follower, Hash, Origin, Receipt, SignedHead, verify_consistency};
use akashi_proto::v1;
use akashi_proto::v1::audit_service_client::AuditServiceClient;
use akashi_proto::v1::get_receipt_request::Target;
use tonic::Code;
use tonic::transport::Channel;

use crate::calls::{Platform, announcement, id, reason, submission};
use crate::invitation::enrol;
use crate::notices::Session;
use crate::paper::{ORIGIN, Paper, TENANT};
use crate::phone::{PIN, Phone};
use crate::port::Port;

async fn auditor(port: &Port) -> AuditServiceClient<Channel> {
    AuditServiceClient::new(port.caller("/auditor/firm").await)
}

async fn announce(port: &Port, contacts: std::ops::Range<u8>) {
    let mut platform = Platform::new(port.platform().await);
    for contact in contacts {
        platform
            .announce_contact(announcement(contact, "cust-000002"))
            .await
            .unwrap();
    }
}

fn tail(from_size: u64, from_root: &[u8], follow: bool, batch_max: u32) -> v1::TailRequest {
    v1::TailRequest {
        from_size,
        from_root: from_root.to_vec().into(),
        follow,
        batch_max,
    }
}

fn advance(follower: &mut Follower, batch: &v1::TailResponse, port: &Port) {
    let leaves: Vec<Vec<u8>> = batch.leaves.iter().map(|leaf| leaf.to_vec()).collect();
    let path: Vec<Hash> = batch
        .consistency
        .iter()
        .map(|hash| hash.as_ref().try_into().unwrap())
        .collect();
    let head = SignedHead::parse(&batch.signed_head).unwrap();
    follower
        .advance(batch.first_index, &leaves, &path, &head, &port.paper.keys())
        .unwrap();
}

#[tokio::test]
async fn the_whole_log_verifies_batch_by_batch() {
    let port = Port::open(Paper::founded()).await;
    announce(&port, 1..20).await;
    let mut follower = Follower::new(Origin::parse(ORIGIN).unwrap());
    for batch_max in [1, 7, 0, 1_024] {
        let token = follower.token();
        let (size, root) = if batch_max == 7 {
            (token.size, token.root.to_vec())
        } else {
            (0, vec![])
        };
        if size == 0 {
            follower = Follower::new(Origin::parse(ORIGIN).unwrap());
        }
        let request = tail(size, &root, false, batch_max);
        let mut stream = auditor(&port)
            .await
            .tail(request)
            .await
            .unwrap()
            .into_inner();
        while let Some(batch) = stream.message().await.unwrap() {
            assert!(batch.leaves.len() <= 1_024);
            advance(&mut follower, &batch, &port);
        }
        assert_eq!(
            follower.size(),
            akashi_node::api::Replica::progress(&port.paper).leaves
        );
    }
}

#[tokio::test]
async fn a_reader_that_follows_gets_new_leaves_and_resumes_where_it_stood() {
    let port = Port::open(Paper::founded()).await;
    let mut follower = Follower::new(Origin::parse(ORIGIN).unwrap());
    let request = tail(0, &[], true, 0);
    let mut stream = auditor(&port)
        .await
        .tail(request)
        .await
        .unwrap()
        .into_inner();
    advance(
        &mut follower,
        &stream.message().await.unwrap().unwrap(),
        &port,
    );
    announce(&port, 1..2).await;
    advance(
        &mut follower,
        &stream.message().await.unwrap().unwrap(),
        &port,
    );
    drop(stream);
    announce(&port, 2..5).await;
    let token = follower.token();
    let request = tail(token.size, &token.root, false, 0);
    let mut stream = auditor(&port)
        .await
        .tail(request)
        .await
        .unwrap()
        .into_inner();
    while let Some(batch) = stream.message().await.unwrap() {
        advance(&mut follower, &batch, &port);
    }
    assert_eq!(
        follower.size(),
        akashi_node::api::Replica::progress(&port.paper).leaves
    );
}

#[tokio::test]
async fn a_stale_or_foreign_cursor_is_refused() {
    let port = Port::open(Paper::founded()).await;
    announce(&port, 1..3).await;
    let mut auditor = auditor(&port).await;
    for request in [
        tail(2, &[1; 32], false, 0),
        tail(9_999, &[1; 32], false, 0),
        tail(0, &[1; 32], false, 0),
    ] {
        let status = auditor.tail(request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(status.message(), "stale or foreign cursor");
    }
    for request in [
        tail(2, &[1; 31], false, 0),
        tail(2, &[], false, 0),
        tail(0, &[], false, 1_025),
    ] {
        let status = auditor.tail(request).await.unwrap_err();
        assert_eq!(reason(&status), "FIELD_INVALID");
    }
}

#[tokio::test]
async fn heads_leaves_receipts_and_consistency_fit_together() {
    let port = Port::open(Paper::founded()).await;
    announce(&port, 1..6).await;
    let mut auditor = auditor(&port).await;
    let head = auditor
        .get_head(v1::GetHeadRequest {})
        .await
        .unwrap()
        .into_inner()
        .signed_head;
    let head = SignedHead::parse(&head)
        .unwrap()
        .check(&port.paper.keys())
        .unwrap();

    for leaf_index in 0..head.size() {
        let target = Some(Target::LeafIndex(leaf_index));
        let request = v1::GetReceiptRequest {
            target,
            ..v1::GetReceiptRequest::default()
        };
        let receipt = auditor
            .get_receipt(request)
            .await
            .unwrap()
            .into_inner()
            .receipt;
        let proved = Receipt::parse(&receipt)
            .unwrap()
            .verify(&port.paper.keys())
            .unwrap();
        let leaf = auditor
            .get_leaf(v1::GetLeafRequest { leaf_index })
            .await
            .unwrap()
            .into_inner();
        assert_eq!(proved.bytes(), leaf.leaf.as_ref());
    }
    for from_size in 0..=head.size() {
        let request = v1::GetConsistencyRequest { from_size };
        let answer = auditor.get_consistency(request).await.unwrap().into_inner();
        let path: Vec<Hash> = answer
            .path
            .iter()
            .map(|hash| hash.as_ref().try_into().unwrap())
            .collect();
        let root = akashi_node::api::Replica::root_at(&port.paper, from_size).unwrap();
        verify_consistency(from_size, head.size(), &root, head.root(), &path).unwrap();
    }
    let beyond = v1::GetConsistencyRequest {
        from_size: head.size() + 1,
    };
    let status = auditor.get_consistency(beyond).await.unwrap_err();
    assert_eq!(reason(&status), "CURSOR_FOREIGN");
    let beyond = v1::GetLeafRequest {
        leaf_index: head.size(),
    };
    assert_eq!(
        auditor.get_leaf(beyond).await.unwrap_err().code(),
        Code::NotFound
    );
}

#[tokio::test]
async fn a_receipt_waits_for_its_seal_if_asked_to() {
    let port = Port::open(Paper::founded()).await;
    port.paper.hold_seals();
    announce(&port, 1..2).await;
    let leaf = akashi_node::api::Replica::progress(&port.paper).leaves - 1;
    let request = move |wait| v1::GetReceiptRequest {
        target: Some(Target::LeafIndex(leaf)),
        tenant: String::new(),
        wait,
    };
    let mut client = auditor(&port).await;
    let status = client.get_receipt(request(false)).await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status)),
        (Code::FailedPrecondition, "NOT_SEALED")
    );
    let mut waiting = client.clone();
    let waiting = tokio::spawn(async move { waiting.get_receipt(request(true)).await });
    port.paper.seal();
    waiting.await.unwrap().unwrap();
    let unknown = v1::GetReceiptRequest {
        target: Some(Target::LeafIndex(999)),
        ..request(true)
    };
    assert_eq!(
        client.get_receipt(unknown).await.unwrap_err().code(),
        Code::NotFound
    );
    let none = v1::GetReceiptRequest {
        target: None,
        ..request(true)
    };
    assert_eq!(
        client.get_receipt(none).await.unwrap_err().code(),
        Code::InvalidArgument
    );
}

#[tokio::test]
async fn evidence_and_the_receipt_of_a_verdict_are_found_by_its_challenge() {
    let port = Port::open(Paper::founded()).await;
    let mut phone = Phone::new("cust-000001", 1);
    enrol(&port, &mut phone).await;
    let mut session = Session::open(&port, &mut phone).await.unwrap();
    let mut platform = Platform::new(port.platform().await);
    platform
        .announce_contact(announcement(1, &phone.handle))
        .await
        .unwrap();
    let notice = session.notice().await;
    let mut auditor = auditor(&port).await;
    let request = v1::GetReceiptRequest {
        target: Some(Target::ChallengeId(notice.challenge_id.clone())),
        tenant: TENANT.to_owned(),
        wait: true,
    };
    let status = auditor.get_receipt(request.clone()).await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status)),
        (Code::FailedPrecondition, "NO_VERDICT")
    );

    let context = phone.notice_context(&notice);
    let proofs = phone.proofs(&context, PIN);
    let mut client = crate::calls::PhoneClient::new(port.phone().await);
    client
        .submit_proof(submission(&notice, proofs))
        .await
        .unwrap();
    let receipt = auditor
        .get_receipt(request)
        .await
        .unwrap()
        .into_inner()
        .receipt;
    let leaf = Receipt::parse(&receipt)
        .unwrap()
        .verify(&port.paper.keys())
        .unwrap();
    assert_eq!(
        leaf.leaf().unwrap().challenge_id.as_slice(),
        notice.challenge_id.as_ref()
    );

    let request = v1::GetEvidenceRequest {
        tenant: TENANT.to_owned(),
        challenge_id: notice.challenge_id.clone(),
    };
    let records = auditor
        .get_evidence(request.clone())
        .await
        .unwrap()
        .into_inner()
        .records;
    let evidence: akashi_domain::records::Evidence = borsh::from_slice(&records[0]).unwrap();
    assert_eq!(evidence.context, context.bytes());
    assert_eq!(evidence.factors.len(), 2);
    let unknown = v1::GetEvidenceRequest {
        challenge_id: id(),
        ..request
    };
    assert_eq!(
        auditor.get_evidence(unknown).await.unwrap_err().code(),
        Code::NotFound
    );
}
