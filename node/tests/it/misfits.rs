//! Orders and submissions that make no sense: named, and not recorded.

use akashi_proto::v1;
use tonic::Code;

use crate::calls::{announcement, id, reason, submission};
use crate::orders::{desk, is, sealed};

#[tokio::test]
async fn fields_of_an_order_that_make_no_sense_are_named() {
    let mut desk = desk().await;
    desk.verify().await;
    let good = desk.offer();
    let identity = [0; 32];
    let cases: [(&str, v1::OfferOrderRequest); 8] = [
        (
            "contact_id",
            v1::OfferOrderRequest {
                contact_id: vec![0; 16].into(),
                ..good.clone()
            },
        ),
        (
            "order_id",
            v1::OfferOrderRequest {
                order_id: vec![0; 16].into(),
                ..good.clone()
            },
        ),
        (
            "order_hash",
            v1::OfferOrderRequest {
                order_hash: vec![0; 32].into(),
                ..good.clone()
            },
        ),
        (
            "order_hash",
            v1::OfferOrderRequest {
                order_hash: vec![1; 31].into(),
                ..good.clone()
            },
        ),
        (
            "amounts",
            v1::OfferOrderRequest {
                amounts: vec![good.amounts[0].clone(); 5],
                ..good.clone()
            },
        ),
        (
            "amounts",
            v1::OfferOrderRequest {
                amounts: vec![vec![1; 33].into()],
                ..good.clone()
            },
        ),
        (
            "amounts",
            v1::OfferOrderRequest {
                amounts: vec![identity.to_vec().into()],
                ..good.clone()
            },
        ),
        (
            "policy",
            v1::OfferOrderRequest {
                policy: crate::paper::POLICY.to_owned(),
                ..good.clone()
            },
        ),
    ];
    for (field, request) in cases {
        let request = v1::OfferOrderRequest {
            request_id: id(),
            ..request
        };
        let status = desk.platform.offer_order(request).await.unwrap_err();
        is(&status, Code::InvalidArgument, "FIELD_INVALID");
        assert_eq!(status.message(), format!("{field} is not acceptable"));
    }
    // A policy for orders announces no call.
    let call = v1::AnnounceContactRequest {
        policy: "transfer".to_owned(),
        ..announcement(2, &desk.phone.handle)
    };
    let status = desk.platform.announce_contact(call).await.unwrap_err();
    is(&status, Code::InvalidArgument, "FIELD_INVALID");
    assert_eq!(status.message(), "policy is not acceptable");
}

#[tokio::test]
async fn parts_that_no_policy_could_ask_for_stop_at_the_door() {
    let mut desk = desk().await;
    desk.verify().await;
    let notice = desk.ask().await;
    let context = desk.phone.notice_context(&notice);
    let parts = desk.parts(&notice, &sealed(100));
    let good = desk.phone.bind(&context, parts);
    let before = akashi_node::api::Replica::progress(&desk.port.paper).leaves;
    let mut cases = Vec::new();
    let mut change = |expected, edit: &dyn Fn(&mut Vec<v1::FactorProof>)| {
        let mut proofs = good.clone();
        edit(&mut proofs);
        cases.push((expected, proofs));
    };
    // Sent as: 0 possession, 1 PIN, 2 country, 3 balance, 4 consent.
    change("proofs", &|p| p.swap(2, 3));
    change("proofs", &|p| p.push(p[4].clone()));
    change("proofs", &|p| p[2].slot = 2);
    change("proofs", &|p| p[2].slot = 0);
    change("proofs", &|p| p[2].kind = 4);
    change("proofs", &|p| p[4].slot = 1);
    change("proofs", &|p| p[4].kind = 9);
    change("proofs", &|p| p[4].attachment = bytes::Bytes::new());
    change("proofs", &|p| p[4].attachment = vec![0xff; 40].into());
    change("proofs", &|p| p[0].attachment = vec![1].into());
    change("proofs", &|p| p[2].attachment = vec![1].into());
    change("proofs", &|p| p[0].serial = vec![1; 16].into());
    change("proofs", &|p| p[2].second_serial = vec![1; 16].into());
    change("proofs.kind", &|p| p[2].kind = 256 + 3);
    change("proofs.slot", &|p| p[2].slot = 256);
    change("proofs.serial", &|p| p[2].serial = vec![1; 15].into());
    change("proofs.serial", &|p| p[2].serial = vec![0; 16].into());
    change("proofs.second_serial", &|p| {
        p[2].second_serial = vec![1; 17].into();
    });
    change("proofs.attribute", &|p| p[2].attribute = 32);
    change("proofs.attribute", &|p| p[2].attribute = 1 << 16);
    change("proofs.proof", &|p| p[2].proof = vec![1; 4_097].into());
    change("proofs.attachment", &|p| {
        p[4].attachment = vec![1; 65_539].into();
    });
    change("proofs", &|p| {
        *p = vec![p[2].clone(); 14];
    });
    for (at, (field, proofs)) in cases.into_iter().enumerate() {
        let status = desk.client.submit_proof(submission(&notice, proofs)).await;
        let status = status.unwrap_err();
        assert_eq!(
            (status.code(), reason(&status), status.message()),
            (
                Code::InvalidArgument,
                "FIELD_INVALID",
                format!("{field} is not acceptable").as_str()
            ),
            "case {at}"
        );
    }
    // What is no proof is named as that.
    for edit in [
        |p: &mut v1::FactorProof| p.proof.truncate(63),
        |p: &mut v1::FactorProof| p.proof = vec![0xff; 64].into(),
    ] {
        for at in [2, 4] {
            let mut proofs = good.clone();
            edit(&mut proofs[at]);
            let status = desk.client.submit_proof(submission(&notice, proofs)).await;
            is(
                &status.unwrap_err(),
                Code::InvalidArgument,
                "PROOF_MALFORMED",
            );
        }
    }
    assert_eq!(
        akashi_node::api::Replica::progress(&desk.port.paper).leaves,
        before
    );
    let answer = desk.client.submit_proof(submission(&notice, good)).await;
    assert_eq!(
        answer.unwrap().into_inner().outcome(),
        v1::Outcome::Verified
    );
}
