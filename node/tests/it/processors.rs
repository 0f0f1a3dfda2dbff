//! Processors of orders: who sees an approved order, who may open it, and that it is carried out once and as
//! approved; and what orders cost together.

use std::time::Duration;

use akashi_merkle::{Leaf, Receipt};
use akashi_proof::{CommitmentSum, SumOpening, sealed_digest};
use akashi_proto::v1;
use akashi_proto::v1::processor_service_client::ProcessorServiceClient;
use tonic::transport::Channel;
use tonic::{Code, Request};

use crate::calls::{contact_id, id, submission};
use crate::orders::{Desk, desk, is, sealed};
use crate::paper::{OTHER_TENANT, TENANT};

type Client = ProcessorServiceClient<Channel>;

const CAMPAIGN: u32 = 0;

fn path(tenant: &str, key: u8) -> String {
    format!("/tenant/{tenant}/processor/{}", hex::encode([key; 32]))
}

/// The processor that the policy of [`desk`] names.
async fn processor(desk: &Desk) -> Client {
    Client::new(desk.port.caller(&path(TENANT, 3)).await)
}

/// The customer approves the order `number`.
async fn approve(desk: &mut Desk, number: u8) {
    let offer = v1::OfferOrderRequest {
        order_id: vec![number; 16].into(),
        ..desk.offer()
    };
    desk.platform.offer_order(offer).await.unwrap();
    let notice = desk.session.notice().await;
    let parts = desk.parts(&notice, &sealed(100));
    let context = desk.phone.notice_context(&notice);
    let proofs = desk.phone.bind(&context, parts);
    let answer = desk.client.submit_proof(submission(&notice, proofs)).await;
    let answer = answer.unwrap().into_inner();
    assert_eq!(answer.outcome(), v1::Outcome::Verified);
}

fn open(number: u8) -> v1::OpenOrderRequest {
    v1::OpenOrderRequest {
        request_id: id(),
        tenant: TENANT.to_owned(),
        contact_id: contact_id(1),
        order_id: vec![number; 16].into(),
    }
}

fn execute(desk: &Desk, number: u8) -> v1::ExecuteOrderRequest {
    let offer = desk.offer();
    v1::ExecuteOrderRequest {
        request_id: id(),
        tenant: TENANT.to_owned(),
        contact_id: contact_id(1),
        order_id: vec![number; 16].into(),
        order_hash: offer.order_hash,
        amounts: offer.amounts,
    }
}

fn execution(number: u8) -> v1::GetOrderExecutionRequest {
    v1::GetOrderExecutionRequest {
        tenant: TENANT.to_owned(),
        contact_id: contact_id(1),
        order_id: vec![number; 16].into(),
        wait: true,
    }
}

fn watch() -> v1::WatchOrdersRequest {
    v1::WatchOrdersRequest {
        tenant: TENANT.to_owned(),
    }
}

fn leaf(desk: &Desk, receipt: &str) -> Leaf {
    let receipt = Receipt::parse(receipt).unwrap();
    receipt
        .verify(&desk.port.paper.keys())
        .unwrap()
        .leaf()
        .unwrap()
}

#[tokio::test]
async fn an_approved_order_goes_to_its_processor_and_is_carried_out_once() {
    let mut desk = desk().await;
    desk.verify().await;
    let mut client = processor(&desk).await;
    approve(&mut desk, 8).await;
    let mut orders = client.watch_orders(watch()).await.unwrap().into_inner();
    let waiting = orders.message().await.unwrap().unwrap();
    assert_eq!(waiting.order_id, vec![8; 16]);
    assert_eq!(waiting.order_hash, desk.offer().order_hash);
    let approval = leaf(&desk, &waiting.receipt);
    assert_eq!((approval.kind, approval.contact_id), (51, [1; 16]));

    let opened = client.open_order(open(8)).await.unwrap().into_inner();
    let payload = sealed(100);
    let attached = [&[32, 0][..], &payload.key, &payload.text].concat();
    assert_eq!(opened.payload, attached);
    assert_eq!(
        approval.extensions.value(21).unwrap(),
        sealed_digest(&payload.key, &payload.text)
    );
    assert_eq!(opened.receipt, waiting.receipt);
    assert_eq!(opened.terms.unwrap().amounts, desk.offer().amounts);
    assert_eq!(opened.placement.unwrap().leaf_count, 1);
    let again = client.open_order(open(8)).await.unwrap().into_inner();
    assert_eq!(again.placement.unwrap().leaf_count, 0);
    assert_eq!(again.payload, opened.payload);

    let command = execute(&desk, 8);
    let done = client.execute_order(command.clone()).await.unwrap();
    let done = done.into_inner();
    assert!(done.executed);
    assert_eq!((done.campaign, done.number), (CAMPAIGN, 1));
    // The same request again is the same answer; another one is a second execution.
    let repeated = client.execute_order(command).await.unwrap().into_inner();
    assert!(repeated.executed && repeated.placement.unwrap().repeated);
    let second = client.execute_order(execute(&desk, 8)).await.unwrap();
    let second = second.into_inner();
    assert_eq!((second.executed, second.reason), (false, 171));

    let state = client.get_order_execution(execution(8)).await.unwrap();
    let state = state.into_inner().execution.unwrap();
    let leaf = leaf(&desk, &state.receipt);
    assert_eq!((leaf.kind, state.number), (54, 1));
    assert_eq!(
        leaf.extensions.value(13).unwrap(),
        desk.offer().order_hash.as_ref()
    );
    assert!(state.executed_us >= state.opened_us && state.opened_us > 0);
    let status = client.open_order(open(8)).await.unwrap_err();
    is(&status, Code::FailedPrecondition, "ORDER_OVER");
    // The platform sees it too.
    let order = v1::GetOrderRequest {
        tenant: TENANT.to_owned(),
        contact_id: contact_id(1),
        order_id: vec![8; 16].into(),
        read: None,
    };
    let order = desk.platform.get_order(order).await.unwrap().into_inner();
    assert_eq!(order.execution.unwrap(), state);
}

#[tokio::test]
async fn f10_an_execution_that_differs_is_refused_and_recorded() {
    let mut desk = desk().await;
    desk.verify().await;
    approve(&mut desk, 8).await;
    let mut client = processor(&desk).await;
    let early = client.execute_order(execute(&desk, 8)).await.unwrap();
    assert_eq!(early.into_inner().reason, 173);
    client.open_order(open(8)).await.unwrap();
    let good = execute(&desk, 8);
    let other = crate::holder::opening(2_501, 9).commitment();
    for spoiled in [
        v1::ExecuteOrderRequest {
            order_hash: vec![9; 32].into(),
            ..execute(&desk, 8)
        },
        v1::ExecuteOrderRequest {
            amounts: vec![other.to_bytes().to_vec().into()],
            ..execute(&desk, 8)
        },
        v1::ExecuteOrderRequest {
            amounts: Vec::new(),
            ..execute(&desk, 8)
        },
    ] {
        let answer = client.execute_order(spoiled).await.unwrap().into_inner();
        assert_eq!((answer.executed, answer.reason), (false, 170));
        assert_eq!(answer.placement.unwrap().leaf_count, 1);
    }
    for (field, malformed) in [
        (
            "amounts",
            v1::ExecuteOrderRequest {
                amounts: vec![vec![0xff; 32].into()],
                ..execute(&desk, 8)
            },
        ),
        (
            "order_hash",
            v1::ExecuteOrderRequest {
                order_hash: vec![1; 31].into(),
                ..execute(&desk, 8)
            },
        ),
    ] {
        let status = client.execute_order(malformed).await.unwrap_err();
        is(&status, Code::InvalidArgument, "FIELD_INVALID");
        assert!(status.message().contains(field), "{status:?}");
    }
    let answer = client.execute_order(good).await.unwrap().into_inner();
    assert!(answer.executed);
    let state = client.get_order_execution(execution(8)).await.unwrap();
    assert_eq!(state.into_inner().execution.unwrap().refusals, 4);
}

#[tokio::test]
async fn nobody_else_sees_an_order() {
    let mut desk = desk().await;
    desk.verify().await;
    approve(&mut desk, 8).await;
    // Another processor of the same tenant.
    let mut other = Client::new(desk.port.caller(&path(TENANT, 4)).await);
    for status in [
        other.open_order(open(8)).await.unwrap_err(),
        other.execute_order(execute(&desk, 8)).await.unwrap_err(),
        other.get_order_execution(execution(8)).await.unwrap_err(),
    ] {
        is(&status, Code::NotFound, "ORDER_UNKNOWN");
    }
    let mut request = Request::new(watch());
    request.set_timeout(Duration::from_millis(300));
    let mut orders = other.watch_orders(request).await.unwrap().into_inner();
    assert!(!matches!(orders.message().await, Ok(Some(_))));
    // The same key, certified for another tenant.
    let mut foreign = Client::new(desk.port.caller(&path(OTHER_TENANT, 3)).await);
    let status = foreign.open_order(open(8)).await.unwrap_err();
    is(&status, Code::NotFound, "TENANT_UNKNOWN");
    let elsewhere = v1::OpenOrderRequest {
        tenant: OTHER_TENANT.to_owned(),
        ..open(8)
    };
    let status = foreign.open_order(elsewhere).await.unwrap_err();
    is(&status, Code::NotFound, "ORDER_UNKNOWN");
    // Other roles.
    for caller in [
        "/tenant/retail/platform/cti",
        "/auditor/firm",
        "/operator/o",
    ] {
        let mut client = Client::new(desk.port.caller(caller).await);
        let status = client.open_order(open(8)).await.unwrap_err();
        is(&status, Code::PermissionDenied, "ROLE_NOT_ALLOWED");
    }
}

#[tokio::test]
async fn an_order_waits_for_the_seal_of_its_approval() {
    let mut desk = desk().await;
    desk.verify().await;
    let mut client = processor(&desk).await;
    // The notice of the order is sealed, its approval is not.
    let offer = v1::OfferOrderRequest {
        order_id: vec![8; 16].into(),
        ..desk.offer()
    };
    desk.platform.offer_order(offer).await.unwrap();
    let notice = desk.session.notice().await;
    desk.port.paper.hold_seals();
    let mut orders = client.watch_orders(watch()).await.unwrap().into_inner();
    let parts = desk.parts(&notice, &sealed(100));
    let context = desk.phone.notice_context(&notice);
    let proofs = desk.phone.bind(&context, parts);
    desk.client
        .submit_proof(submission(&notice, proofs))
        .await
        .unwrap();
    let mut request = Request::new(open(8));
    request.set_timeout(Duration::from_millis(300));
    let status = client.open_order(request).await.unwrap_err();
    // Whose clock runs out first, the node's or this end's, is the scheduler's choice.
    let late = [Code::DeadlineExceeded, Code::Cancelled];
    assert!(late.contains(&status.code()), "{status:?}");
    let early = tokio::time::timeout(Duration::from_millis(100), orders.message()).await;
    assert!(early.is_err(), "told before the seal");
    desk.port.paper.seal();
    let told = orders.message().await.unwrap().unwrap();
    assert_eq!(told.order_id, vec![8; 16]);
    client.open_order(open(8)).await.unwrap();
}

#[tokio::test]
async fn a_watch_tells_what_waits_and_then_what_comes_in_the_order_of_approval() {
    let mut desk = desk().await;
    desk.verify().await;
    let mut client = processor(&desk).await;
    for number in [9, 7] {
        approve(&mut desk, number).await;
    }
    let mut orders = client.watch_orders(watch()).await.unwrap().into_inner();
    for expected in [9, 7] {
        let told = orders.message().await.unwrap().unwrap();
        assert_eq!(told.order_id, vec![expected; 16]);
    }
    approve(&mut desk, 8).await;
    let told = orders.message().await.unwrap().unwrap();
    assert_eq!(told.order_id, vec![8; 16]);
    // What was carried out is not told again.
    client.open_order(open(9)).await.unwrap();
    client.execute_order(execute(&desk, 9)).await.unwrap();
    let mut again = client.watch_orders(watch()).await.unwrap().into_inner();
    for expected in [7, 8] {
        let told = again.message().await.unwrap().unwrap();
        assert_eq!(told.order_id, vec![expected; 16]);
    }
}

#[tokio::test]
async fn a_total_is_proved_by_whoever_has_the_openings_and_no_other_total_is() {
    let mut desk = desk().await;
    desk.verify().await;
    let mut client = processor(&desk).await;
    let mut sum = CommitmentSum::empty();
    let mut opening = SumOpening::default();
    for number in 1..=3 {
        approve(&mut desk, number).await;
        client.open_order(open(number)).await.unwrap();
        client.execute_order(execute(&desk, number)).await.unwrap();
        sum = sum.plus(&desk.amount.commitment());
        opening.add(&desk.amount).unwrap();
    }
    let ask = || v1::GetCampaignRequest {
        tenant: TENANT.to_owned(),
        campaign: CAMPAIGN,
        read: None,
    };
    let state = client.get_campaign(ask()).await.unwrap().into_inner();
    assert_eq!((state.orders, state.proved), (3, 0));
    assert_eq!(state.sum, sum.to_bytes().to_vec());
    let total = |through, total| v1::ProveTotalRequest {
        request_id: id(),
        tenant: TENANT.to_owned(),
        campaign: CAMPAIGN,
        through,
        total,
        blinding: opening.blinding().to_vec().into(),
    };
    let status = client.prove_total(total(3, 7_499)).await.unwrap_err();
    is(&status, Code::InvalidArgument, "TOTAL_DIFFERS");
    for through in [2, 4] {
        let status = client.prove_total(total(through, 7_500)).await.unwrap_err();
        is(&status, Code::FailedPrecondition, "TOTAL_PERIOD");
    }
    // The platform made the orders: it has the openings too.
    let channel = desk.port.platform().await;
    let mut platform = Client::new(channel);
    platform.prove_total(total(3, 7_500)).await.unwrap();
    let state = client.get_campaign(ask()).await.unwrap().into_inner();
    assert_eq!(state.proved, 3);
    let leaf = leaf(&desk, &state.receipt);
    assert_eq!(leaf.kind, 56);
    assert_eq!(leaf.extensions.value(85).unwrap(), sum.to_bytes());
    // Nobody else.
    let mut foreign = Client::new(desk.port.caller(&path(OTHER_TENANT, 3)).await);
    let status = foreign.get_campaign(ask()).await.unwrap_err();
    is(&status, Code::NotFound, "TENANT_UNKNOWN");
    let mut auditor = Client::new(desk.port.caller("/auditor/firm").await);
    let status = auditor.get_campaign(ask()).await.unwrap_err();
    is(&status, Code::PermissionDenied, "ROLE_NOT_ALLOWED");
}
